package tui

import (
	"strings"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/paint"
)

// read lists the objects of the plan whose diffs the operator has read.
func (c *confirm) read() []model.ObjectID {
	var out []model.ObjectID
	for _, o := range c.plan.Objects {
		if o.Verdict.Differs() && c.page.Reviewed(o.ID) == model.ReviewedAlready {
			out = append(out, o.ID)
		}
	}
	return out
}

// needs are the requirements of the plan as they stand; a merge has no plan.
func (c *confirm) needs() []model.Requirement {
	if c.plan == nil {
		return nil
	}
	var read []model.ObjectID
	if c.plan.NeedsReview {
		read = c.read()
	}
	return c.plan.Judged(read)
}

// unmet are the sentences of what is not met.
func (c *confirm) unmet() []string { return model.UnmetSentences(c.needs()) }

// mayOverride reports whether the policy lets this operator override.
func (c *confirm) mayOverride() bool {
	st := c.app.home.Status(c.env.Name).Value
	_, ok := c.env.Override.Permits(st.User, st.Groups)
	return ok
}

// unmetForGood says which requirement is not met where no reason would help.
func (c *confirm) unmetForGood() string {
	unmet := c.unmet()
	if len(unmet) == 0 || c.mayOverride() || c.closed() && c.armable() {
		return ""
	}
	return strings.Join(unmet, "; ") + "; " + c.noOverride()
}

// noOverride is why no reason would help.
func (c *confirm) noOverride() string {
	if c.env.Override.Allowed {
		return "the policy allows an override to others only: " + c.env.Override.Who() + "."
	}
	return "the policy allows no override."
}

// overridden names what a reason is asked for.
func (c *confirm) overridden() string {
	var names []string
	if c.closed() {
		names = append(names, "the closed window")
	}
	for _, r := range c.needs() {
		if !r.Met {
			names = append(names, r.Name)
		}
	}
	return wordsList(names)
}

// needLines say how each requirement stands, those that are not met first.
func (c *confirm) needLines(f frame.Frame, w int) []string {
	var out []string
	label := "needs"
	var met []string
	for _, r := range c.needs() {
		if r.Met {
			met = append(met, r.Name)
			continue
		}
		for i, l := range paint.Wrap(sanitize.Line(r.Name+": "+strings.Join(r.Unmet, "; ")), w-factIndent-2) {
			mark := "  "
			if i == 0 {
				mark = f.Glyph.Failed + " "
			}
			out, label = append(out, c.fact(f, label, f.Bad.Paint(mark+l), w)), ""
		}
	}
	if len(met) > 0 {
		out = append(out, c.fact(f, label, f.Good.Paint(f.Glyph.OK)+" "+strings.Join(met, ", ")+" met", w))
	}
	return out
}
