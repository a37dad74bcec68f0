package tui

import (
	"context"
	"fmt"
	"slices"

	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/internal/lens"
	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/dialog"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/paint"
	"github.com/fairtide-dev/fairtide/tui/review"
	"github.com/fairtide-dev/fairtide/tui/slot"
	"github.com/fairtide-dev/fairtide/tui/words"
)

// reasonLimit is the longest reason for an override, in characters: it goes on
// record and into messages.
const reasonLimit = 200

// ship asks whether the plan on the review page shall be applied.
func (a *App) ship() tea.Cmd {
	p := a.review
	plan := p.Plan.Value
	if why := a.whyShip(); why != "" {
		a.notice = why
		return nil
	}
	if n, cmd := p.ShowMoved(); n > 0 {
		a.notice = words.Count(n, "object") + " changed since you looked, marked in the list: " + a.keyOf(action.Ship, action.Review) + " again confirms"
		return cmd
	}
	c := &confirm{app: a, page: p, plan: plan, env: p.Environment}
	spec := dialog.Spec{Title: c.title, Body: c.body, Cancel: "Cancel", Danger: true, Check: c.moved}
	waits := c.buttons(&spec)
	d := dialog.New(spec, a.now())
	override := func() tea.Cmd {
		reason := ""
		if c.overrides {
			reason = d.Value(0)
		}
		return c.start(reason, false)
	}
	wait := func() tea.Cmd { return c.start("", true) }
	a.question = &question{Dialog: d, confirmed: override, otherwise: wait}
	if waits {
		a.question.confirmed = wait
	}
	return tea.Batch(
		a.loadStatus(c.env.Name), // the window as it is now
		loadQuietly(a, &c.past, func(ctx context.Context) ([]model.Run, error) {
			return a.cfg.Backend.History(ctx, c.env.Name)
		}, nil),
	)
}

// buttons are what the dialog offers besides leaving. waits is set when its
// confirm lets the plan wait: there is nothing else that could be done.
func (c *confirm) buttons(spec *dialog.Spec) (waits bool) {
	switch {
	case c.refused() != "":
		spec.Cancel = "Back"
		return false
	case c.closed() && c.armable():
		waits = !c.mayOverride()
		spec.Confirm, spec.Check, spec.Wordings = armLabel, c.armMoved, c.wordings
		if !waits {
			spec.Confirm, spec.Check = "Override now", c.moved
			spec.Other, spec.OtherCheck = armLabel, c.armMoved
		}
	default:
		spec.Confirm = "Ship " + model.Short(c.plan.Commit)
	}
	spec.Fields = c.fields()
	return waits
}

// start hands the plan over, each field being filled in.
func (c *confirm) start(override string, wait bool) tea.Cmd {
	a, plan := c.app, c.plan
	approval := model.Approval{Plan: plan, Confirmed: model.Refs(plan.ToType()), Reviewed: c.read(), Override: override, Wait: wait}
	opens := c.stands().state
	cmd := a.start(c.env, approval, c.page.Shipped)
	r := a.runs[c.env.Name]
	if c.past.Loaded {
		r.page.Usual = model.EstimateRun(c.past.Value, plan, c.env).Takes
	}
	if wait && opens != nil {
		r.page.Arm(opens.NextOpen)
		a.tellHome(c.env.Name, r)
	}
	return cmd
}

// confirm is what the confirm dialog says.
type confirm struct {
	app       *App
	page      *review.Page
	plan      *model.Plan
	env       model.Environment
	overrides bool // a rule forbids it, and a reason is asked for

	about func() []model.WindowSubject // what the window is judged for where there is no plan

	past  slot.Slot[[]model.Run] // that say how long this one may take
	told  *model.Plan            // that moves lead to
	moves []model.Moved
}

// refused is why the plan cannot be applied at all; empty: it can.
func (c *confirm) refused() string {
	switch {
	case c.app.cfg.ReadOnly:
		return "fairtide was started with --read-only: nothing is applied."
	case c.plan.Problem != "":
		why := c.page.Problem()
		if slices.ContainsFunc(c.plan.Objects, c.page.MustReplace) {
			why += ". Or leave this, and allow it on the object for this plan only"
		}
		return why
	}
	if why := c.closedForGood(); why != "" {
		return why
	}
	return c.unmetForGood()
}

// planMoved is said when another plan is there than the one to be confirmed.
func (c *confirm) planMoved() string {
	return "The plan moved while this was open: " + c.app.keyOf(action.Cancel, action.Dialog) + " shows what changed, then " + c.again() + "."
}

// again is how the operator comes back to this dialog: "s again".
func (c *confirm) again() string { return c.app.keyOf(action.Ship, action.Review) + " again" }

// leave is how the operator leaves it and comes back: "esc, then s again".
func (c *confirm) leave() string {
	return c.app.keyOf(action.Cancel, action.Dialog) + ", then " + c.again()
}

// replanned reports whether the page has another plan by now.
func (c *confirm) replanned() bool { return c.page.Plan.Value.Digest != c.plan.Digest }

// since says what moved between the plan to be confirmed and that of the page.
func (c *confirm) since(f frame.Frame) []string {
	if now := c.page.Plan.Value; c.told != now {
		c.told, c.moves = now, lens.Moved(c.plan, now)
	}
	return lens.MovedWords(c.moves, f.Now, movesShown)
}

// moved is why a plan that could be applied when the dialog opened cannot be
// any more.
func (c *confirm) moved() string {
	switch {
	case c.refused() != "":
		return c.refused()
	case c.replanned():
		return "nothing was confirmed: it is another plan by now"
	case c.closed() && !c.overrides:
		return "the window has closed meanwhile: " + c.leave() + " to give a reason"
	}
	return ""
}

// fields are what has to be filled in: a reason where a rule forbids it,
// the environment's name where a mistake would hurt, and the name of what does
// not come back. Several names would be copied and not read: instead of them,
// and of the environment's, both it and their number are typed.
func (c *confirm) fields() []dialog.Field {
	var out []dialog.Field
	if c.overrides = (c.closed() || len(c.unmet()) > 0) && c.mayOverride(); c.overrides {
		out = append(out, dialog.Field{Label: "Reason to override " + c.overridden() + ":", Limit: reasonLimit, ForConfirm: true})
	}
	lost := c.plan.ToType()
	if len(lost) > 1 {
		return append(out, dialog.Field{
			Label: fmt.Sprintf("Type %s to delete %s:", sanitize.Line(c.plan.Phrase()), words.Count(len(lost), "object")),
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
	return f.Bold.Paint("Ship to ") + badge(f, c.env)
}

// badge is an environment's name; production's is reversed.
func badge(f frame.Frame, env model.Environment) string {
	if env.Tier == model.TierProduction {
		return f.Badge.Paint(" " + sanitize.Line(env.Name) + " ")
	}
	return f.Bold.Paint(sanitize.Line(env.Name))
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
