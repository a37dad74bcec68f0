package tui

import (
	"context"

	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/review"
)

// whyPast is why what a run did cannot be treated like a plan.
const whyPast = "this is what a run did, for reading: nothing on this page is shipped"

func (a *App) doHistory(id action.ID) tea.Cmd {
	p := a.history
	switch id {
	case action.OpenDiff:
		r, _ := p.Selected()
		return a.showPast(review.Past{Run: r.ID})
	case action.CompareRuns:
		run, other := p.Compare()
		if other == "" {
			if run != "" {
				a.notice = run + " is marked: " + a.keyOf(action.CompareRuns, action.History) + " on another run compares the two"
			}
			return nil
		}
		return a.showPast(review.Past{Run: run, Other: other})
	}
	p.Do(id)
	return nil
}

// showPast shows what a run changed, or how two differ, and comes back to the
// history.
func (a *App) showPast(past review.Past) tea.Cmd {
	cmd := a.show(review.NewPast(a.history.Environment, past))
	a.review.Marks = nil
	a.readFrom = action.History
	return cmd
}

func (a *App) loadPast(p *review.Page) tea.Cmd {
	env, past := p.Environment.Name, *p.Past
	return load(a, &p.Plan, func(ctx context.Context) (*model.Plan, error) {
		return a.cfg.Backend.RunDiff(ctx, env, past.Run, past.Other)
	}, func() tea.Cmd {
		if a.review != p || p.Plan.Err != nil {
			return nil
		}
		return p.Sync()
	})
}

// whyHistory is why something cannot be done about the selected run.
func (a *App) whyHistory(id action.ID) string {
	switch id {
	case action.Revert, action.OpenDiff, action.CompareRuns:
	default:
		return ""
	}
	r, ok := a.history.Selected()
	switch {
	case !ok:
		return "no run is selected"
	case id == action.CompareRuns && len(a.history.Runs.Value) < 2:
		return "there is no other run to compare " + r.ID + " with"
	}
	return ""
}
