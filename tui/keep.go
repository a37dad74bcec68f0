package tui

import (
	"encoding/json"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/internal/lens"
	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/dialog"
	"github.com/fairtide-dev/fairtide/tui/draft"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/paint"
	"github.com/fairtide-dev/fairtide/tui/review"
)

// editsShown is how many fields the dialog names.
const editsShown = 6

// askKeep shows what applying would take back of the selected object, and asks
// whether it shall stay this once, or for good by writing it to Git; or, where
// fields are kept, whether they shall be overwritten after all.
func (a *App) askKeep() tea.Cmd {
	p := a.review
	kept, edits := p.Kept(), p.LiveEdits()
	if len(edits) > 0 {
		a.askAboutEdits(p, edits)
	} else {
		a.askOverwrite(p, kept)
	}
	return nil
}

func (a *App) askAboutEdits(p *review.Page, edits []review.LiveEdit) {
	body := func(f frame.Frame, w int) []string {
		out := paint.Wrap("Somebody changed this live, and applying sets it back:", w)
		for i, e := range edits {
			if i == editsShown {
				out = append(out, f.Dim.Paint("and more: the diff has them all"))
				break
			}
			git := "nothing"
			if !e.Gone {
				git = valueWords(e.Git)
			}
			out = append(out, "", paint.Cut(f.Bold.Paint(sanitize.Line(e.Field.Path)), w))
			out = append(out, paint.Cut("  "+f.Warn.Paint("live "+valueWords(e.Live))+"  "+f.Glyph.Arrow+"  Git says "+git, w))
			out = append(out, paint.Cut("  "+f.Dim.Paint(sanitize.Line(strings.TrimPrefix(lens.CauseSentence(e.Cause), e.Cause.Path+": "))), w))
		}
		out = append(out, "")
		return append(out, paint.Wrap("Kept, these fields are left out of what is applied this once; the record says so, and the next apply asks again. "+
			"Written to Git, by a pull request, they stay for good.", w)...)
	}
	spec := dialog.Spec{Cancel: "Overwrite", Confirm: "Keep once", Other: "Write to Git"}
	a.askWith(p, "Overwrite what was changed live?", body, spec, func() {
		for _, e := range edits {
			p.Keep = append(p.Keep, e.Field)
		}
	})
	a.question.otherwise = func() tea.Cmd { return a.adoptEdits(p, edits) }
}

// adoptEdits makes the commit that writes live values to Git, and shows it for
// review.
func (a *App) adoptEdits(p *review.Page, edits []review.LiveEdit) tea.Cmd {
	r := model.DraftRequest{Environment: p.Environment.Name, Kind: model.DraftAdopt}
	for _, e := range edits {
		r.Fields = append(r.Fields, e.Field)
	}
	a.behind = p
	a.notice = "making the commit that writes the live values to Git"
	return a.makeDraft(&a.adopt, p.Environment, draft.Order{Request: r, Of: "live values of " + edits[0].Field.ID.Name}, func() {
		a.tell(result{title: "The live values were not written to Git", text: []string{a.adopt.Err.Error()}})
	})
}

func (a *App) askOverwrite(p *review.Page, kept []model.FieldRef) {
	body := func(_ frame.Frame, w int) []string {
		var out []string
		for _, f := range kept[:min(len(kept), editsShown)] {
			out = append(out, paint.Cut(sanitize.Line(f.Path), w))
		}
		return append(append(out, ""), paint.Wrap("Overwritten, these fields become what Git says.", w)...)
	}
	a.askFields(p, "Keep the live values?", body, "Keep them", "Overwrite them", func() {
		p.Keep = slices.DeleteFunc(p.Keep, func(f model.FieldRef) bool { return slices.Contains(kept, f) })
	})
}

func (a *App) askFields(p *review.Page, title string, body func(frame.Frame, int) []string, cancel, confirm string, change func()) {
	a.askWith(p, title, body, dialog.Spec{Cancel: cancel, Confirm: confirm}, change)
}

// askWith asks about a change of what a plan is made for, with the buttons of spec.
func (a *App) askWith(p *review.Page, title string, body func(frame.Frame, int) []string, spec dialog.Spec, change func()) {
	spec.Title = func(f frame.Frame) string { return f.Bold.Paint(title) }
	spec.Body = body
	a.question = &question{Dialog: dialog.New(spec, a.now()), confirmed: func() tea.Cmd {
		change()
		return a.loadPlan(p)
	}}
}

// reviewAgain is a page for the commit of a run, with what the operator decided
// for it.
func reviewAgain(r *run) *review.Page {
	p := review.New(r.page.Environment, r.page.Commit(), r.page.Shipped, 0)
	if plan := r.page.Plan; plan != nil {
		p.Keep, p.Replace = slices.Clone(plan.Kept), plan.Replaces
	}
	return p
}

// valueWords is a value of a masked side on one line.
func valueWords(v any) string {
	if s, ok := v.(string); ok {
		return sanitize.Line(s)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return "a value"
	}
	return sanitize.Line(string(b))
}

// tellMoved shows what moved between the plan that was approved and what would
// have been applied, and offers the new one.
func (a *App) tellMoved(r *run, moved []model.Moved) {
	const most = 12
	lines := lens.MovedWords(moved, a.now(), most)
	if len(lines) == 0 {
		return // the page has the reason
	}
	spec := dialog.Spec{
		Title: func(f frame.Frame) string {
			name := sanitize.Line(r.page.Environment.Name)
			if r.page.Waited() {
				return f.Bold.Paint("The arming is void: " + name + " moved meanwhile")
			}
			return f.Bold.Paint("Nothing was written: " + name + " moved since you looked")
		},
		Body: func(f frame.Frame, w int) []string {
			var out []string
			for _, l := range lines {
				for i, part := range paint.Wrap(sanitize.Line(l), w-2) {
					mark := "  "
					if i == 0 {
						mark = f.Warn.Paint(f.Glyph.Update) + " "
					}
					out = append(out, mark+part)
				}
			}
			if r.page.Waited() {
				out = append(append(out, ""), "Nothing was written, and it does not wait any more.")
			}
			return append(append(out, ""), paint.Wrap("What you approved is not what would be applied now. Read the new plan and confirm again.", w)...)
		},
		Cancel: "Close", Confirm: "Review again",
	}
	a.results = append(a.results, &question{Dialog: dialog.New(spec, a.now()), confirmed: func() tea.Cmd {
		return a.show(reviewAgain(r))
	}})
	if a.question == nil {
		a.closeQuestion()
	}
}
