package tui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/dialog"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/paint"
	"github.com/fairtide-dev/fairtide/tui/review"
	"github.com/fairtide-dev/fairtide/tui/words"
)

const (
	// reasonLimit is the longest reason for an override, in characters: it
	// goes on record and into messages.
	reasonLimit = 200

	// risksShown is how many risks the confirm names; the review has all.
	risksShown = 5
)

// ship asks whether the plan on the review page shall be applied.
func (a *App) ship() tea.Cmd {
	p := a.review
	plan := p.Plan.Value
	switch {
	case plan == nil || p.Plan.Busy():
		a.notice = "the plan is still being read"
		return nil
	case p.Plan.Err != nil:
		a.notice = "the plan could not be read again: ctrl+r tries once more"
		return nil
	case a.active(p.Environment.Name):
		a.notice = "a run is under way in " + p.Environment.Name
		return nil
	}
	if n, cmd := p.ShowMoved(); n > 0 {
		a.notice = words.Count(n, "object") + " changed since you looked, marked in the list: s again confirms"
		return cmd
	}
	c := &confirm{app: a, page: p, plan: plan, env: p.Environment}
	spec := dialog.Spec{Title: c.title, Body: c.body, Cancel: "Cancel", Danger: true, Check: c.moved}
	if c.refused() != "" {
		spec.Cancel = "Back"
	} else {
		spec.Confirm = "Ship " + model.Short(plan.Commit)
		spec.Fields = c.fields()
	}
	d := dialog.New(spec, a.now())
	a.question = &question{Dialog: d, confirmed: func() tea.Cmd {
		approval := model.Approval{Plan: plan, Confirmed: model.Refs(plan.ToType())} // each field was filled in
		if c.overrides {
			approval.Override = d.Value(0)
		}
		return a.start(c.env, approval, p.Shipped)
	}}
	return a.loadStatus(c.env.Name) // the window as it is now
}

// confirm is what the confirm dialog says.
type confirm struct {
	app       *App
	page      *review.Page
	plan      *model.Plan
	env       model.Environment
	overrides bool // the window is closed and a reason is asked for
}

func (c *confirm) closed() bool {
	w := c.app.window(c.env.Name)
	return w != nil && !w.Open
}

// refused is why the plan cannot be applied at all; empty: it can.
func (c *confirm) refused() string {
	switch {
	case c.app.cfg.ReadOnly:
		return "fairtide was started with --read-only: nothing is applied."
	case c.plan.Problem != "":
		return c.plan.Problem
	}
	return c.closedForGood()
}

// closedForGood says that the window is closed where no reason would help.
func (c *confirm) closedForGood() string {
	if !c.closed() || c.env.Override.Allowed {
		return ""
	}
	w := c.app.window(c.env.Name)
	out := "the window is closed (" + w.Reason + "), and the policy allows no override."
	if !w.NextOpen.IsZero() {
		out += " It opens in " + words.Left(w.NextOpen.Sub(c.app.now())) + "."
	}
	return out
}

// planMoved is said when another plan is there than the one to be confirmed.
const planMoved = "The plan moved while this was open: esc shows what changed, then s again."

// replanned reports whether the page has another plan by now.
func (c *confirm) replanned() bool { return c.page.Plan.Value.Digest != c.plan.Digest }

// moved is why a plan that could be applied when the dialog opened cannot be
// any more.
func (c *confirm) moved() string {
	switch {
	case c.refused() != "":
		return c.refused()
	case c.replanned():
		return planMoved
	case c.closed() && !c.overrides:
		return "the window has closed meanwhile: esc, then s again to give a reason"
	}
	return ""
}

// fields are what has to be filled in: a reason where the window is closed,
// the environment's name where a mistake would hurt, and the name of what does
// not come back. Several names would be copied and not read: instead of them,
// and of the environment's, both it and their number are typed.
func (c *confirm) fields() []dialog.Field {
	var out []dialog.Field
	if c.overrides = c.closed(); c.overrides {
		out = append(out, dialog.Field{Label: "Reason to override the closed window:", Limit: reasonLimit})
	}
	lost := c.plan.ToType()
	if len(lost) > 1 {
		return append(out, dialog.Field{
			Label: fmt.Sprintf("Type %s to do this to %s:", sanitize.Line(c.plan.Phrase()), words.Count(len(lost), "object")),
			Want:  c.plan.Phrase(), Limit: len(c.plan.Phrase()) + 16,
		})
	}
	counts := c.plan.Counts()
	if c.env.Tier == model.TierProduction || counts.Delete+counts.Replace > 0 {
		out = append(out, nameField(c.env.Name))
	}
	if len(lost) == 1 {
		out = append(out, dialog.Field{
			Label: fmt.Sprintf("Type %s, the name of the %s:", sanitize.Line(c.plan.Phrase()), sanitize.Line(lost[0].Kind)),
			Want:  c.plan.Phrase(), Limit: len(c.plan.Phrase()) + 16,
		})
	}
	return out
}

// nameField is where an environment's name has to be typed.
func nameField(name string) dialog.Field {
	return dialog.Field{Label: "Type " + name + " to confirm:", Want: name, Limit: len(name) + 16}
}

func (c *confirm) title(f frame.Frame) string {
	name := badge(f, c.env)
	tier := ""
	if string(c.env.Tier) != c.env.Name {
		tier = string(c.env.Tier) + ", "
	}
	return f.Bold.Paint("Ship to ") + name + "  " + f.Dim.Paint(tier+"on "+sanitize.Line(c.plan.Cluster))
}

// badge is an environment's name; production's is reversed.
func badge(f frame.Frame, env model.Environment) string {
	if env.Tier == model.TierProduction {
		return f.Badge.Paint(" " + sanitize.Line(env.Name) + " ")
	}
	return f.Bold.Paint(sanitize.Line(env.Name))
}

func (c *confirm) body(f frame.Frame, w int) []string {
	out := []string{c.fact(f, "from", c.from(f), w), c.fact(f, "to", c.to(f), w), ""}
	out = append(out, counts(f, c.plan.Counts(), w)...)
	out = append(out, c.risks(f, w)...)
	if n := len(c.plan.Kept); n > 0 {
		out = append(out, c.fact(f, "kept", f.Warn.Paint(words.Count(n, "field")+", as it is live"), w))
	}
	for _, n := range c.plan.Notes {
		for _, l := range paint.Wrap(sanitize.Line(n), w-4) {
			out = append(out, "  "+f.Warn.Paint(l))
		}
	}
	out = append(out, "", c.fact(f, "window", c.window(f), w))
	if l := c.app.home.Status(c.env.Name).Value.Lock; l != nil && l.Expires.After(f.Now) {
		out = append(out, c.fact(f, "lock", f.Warn.Paint(f.Glyph.Risk+" held by "+sanitize.Line(l.Holder)), w))
	}
	if c.replanned() && c.refused() == "" {
		return append(out, refusal(f, "", planMoved, w)...)
	}
	return append(out, refusal(f, "This cannot be shipped: ", c.refused(), w)...)
}

// refusal says why something cannot be done; nothing if it can.
func refusal(f frame.Frame, what, why string, w int) []string {
	if why == "" {
		return nil
	}
	out := []string{""}
	for i, l := range paint.Wrap(what+sanitize.Line(why), w-2) {
		mark := "  "
		if i == 0 {
			mark = f.Bad.Paint(f.Glyph.Failed) + " "
		}
		out = append(out, mark+f.Bad.Paint(l))
	}
	return out
}

func (c *confirm) fact(f frame.Frame, label, value string, w int) string {
	return paint.Cut("  "+f.Dim.Paint(paint.Fit(label, 9))+value, w)
}

func (c *confirm) from(f frame.Frame) string {
	if c.plan.From == "" {
		return f.Dim.Paint("nothing fairtide has deployed")
	}
	out := f.Commit(c.plan.From)
	if d := c.app.home.Status(c.env.Name).Value.Deployed; d != nil && d.Commit == c.plan.From && !d.At.IsZero() {
		out += f.Dim.Paint("  live for " + words.Age(f.Now.Sub(d.At)))
	}
	return out
}

func (c *confirm) to(f frame.Frame) string {
	out := f.Bold.Paint(f.Commit(c.plan.Commit))
	var names []string
	for _, change := range c.page.Shipped {
		names = append(names, frame.Change(change))
	}
	if len(names) > 0 {
		out += "  " + words.List(names, 6)
	}
	if c.page.Newer > 0 {
		out += f.Dim.Paint(fmt.Sprintf("  (%d newer stay pending)", c.page.Newer))
	}
	return out
}

func (c *confirm) window(f frame.Frame) string {
	w := c.app.window(c.env.Name)
	switch {
	case w == nil:
		return f.Warn.Paint("not known; it is judged again before the first write")
	case !w.Open:
		return f.Warn.Paint(f.Glyph.Failed + " " + strings.TrimPrefix(f.Window(w), "window "))
	}
	return f.Good.Paint(f.Glyph.OK) + " " + strings.TrimPrefix(f.Window(w), "window ")
}

// counts says how many objects of each verdict there are, and that none is
// deleted.
func counts(f frame.Frame, c model.Counts, w int) []string {
	numbers := map[model.Verdict]int{
		model.VerdictUnchanged: c.Unchanged, model.VerdictCreate: c.Create, model.VerdictUpdate: c.Update,
		model.VerdictReplace: c.Replace, model.VerdictDelete: c.Delete, model.VerdictUnpredictable: c.Unpredictable,
	}
	var parts []string
	for _, v := range model.Verdicts {
		if n := numbers[v]; n > 0 {
			glyph, look := f.Verdict(v)
			parts = append(parts, look.Paint(fmt.Sprintf("%s %d %s", glyph, n, v)))
		}
	}
	if c.Delete+c.Replace == 0 {
		parts = append(parts, f.Dim.Paint("nothing is deleted"))
	}
	out := []string{" "}
	for _, p := range parts {
		last := len(out) - 1
		if out[last] != " " && paint.Width(out[last])+1+paint.Width(p) > w {
			out, last = append(out, " "), last+1
		}
		out[last] += " " + p + "  "
	}
	return out
}

// risks are the gravest risks, each once with how many objects it is about.
func (c *confirm) risks(f frame.Frame, w int) []string {
	var out []string
	rest := 0
	for _, s := range []model.Severity{model.SeverityDanger, model.SeverityWarning} {
		for _, o := range c.plan.Objects {
			for _, r := range o.Risks {
				if r.Severity != s {
					continue
				}
				if len(out) == risksShown {
					rest++
					continue
				}
				out = append(out, paint.Cut("  "+f.Severity(s).Paint(f.Glyph.Risk+" "+sanitize.Line(string(s)+": "+o.ID.Name+": "+r.Message)), w))
			}
		}
	}
	if rest > 0 {
		out = append(out, "  "+f.Dim.Paint(fmt.Sprintf("and %s more, on the review page", words.Count(rest, "risk"))))
	}
	return out
}
