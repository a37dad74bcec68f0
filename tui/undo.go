package tui

import (
	"context"
	"fmt"

	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/dialog"
	"github.com/fairtide-dev/fairtide/tui/draft"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/paint"
	"github.com/fairtide-dev/fairtide/tui/revert"
	"github.com/fairtide-dev/fairtide/tui/review"
	"github.com/fairtide-dev/fairtide/tui/words"
)

// openRevert shows the ways to take back what the page is about.
func (a *App) openRevert() tea.Cmd {
	var p *revert.Page
	switch a.at {
	case action.Rollout:
		r := a.runs[a.runEnv].page
		ways := revert.Run(r.Environment.Name, r.Run())
		if r.Plan != nil {
			ways = revert.Shipped(r.Environment.Name, r.From(), r.Shipped)
		}
		p = revert.New(r.Environment, ways)
	case action.History:
		r, _ := a.history.Selected()
		p = revert.New(a.history.Environment, revert.Run(r.Environment, r))
	default:
		p = a.revertFromHome()
	}
	a.revert, a.undoFrom, a.at = p, a.at, action.Reverting
	return a.loadLastRun(p)
}

// revertFromHome is about the selected change, or, with nothing pending, about
// the last run, which is still to be read then.
func (a *App) revertFromHome() *revert.Page {
	env, _ := a.home.Environment()
	if c, ok := a.home.Change(); ok {
		before := a.home.Pending(env.Name).Value.Deployed
		if shipped, _ := a.home.Shipped(env.Name, c.Commit); len(shipped) > 1 {
			before = shipped[1].Commit
		}
		return revert.New(env, revert.Change(env.Name, c, before))
	}
	p := revert.New(env, revert.Choice{})
	p.LastRun = a.home.Status(env.Name).Value.LastRun.ID
	return p
}

// loadLastRun reads the run that a revert page is about, if it is about one
// that is not at hand.
func (a *App) loadLastRun(p *revert.Page) tea.Cmd {
	if p.LastRun == "" {
		return nil
	}
	env := p.Environment.Name
	return load(a, &p.Runs, func(ctx context.Context) ([]model.Run, error) {
		return a.cfg.Backend.History(ctx, env)
	}, func() tea.Cmd {
		if p.Runs.Err == nil {
			p.Offer(revert.Last(env, p.LastRun, p.Runs.Value))
		}
		return nil
	})
}

func (a *App) doRevert(id action.ID) tea.Cmd {
	p := a.revert
	if id != action.MakeDraft {
		p.Do(id)
		return nil
	}
	o, _ := p.Choose()
	return a.makeDraft(&p.Draft, p.Environment, o, p.Failed)
}

// makeDraft makes a draft and shows what applying it would do.
func (a *App) makeDraft(s *draft.Slot, env model.Environment, o draft.Order, failed func()) tea.Cmd {
	at := a.at
	return load(a, s, func(ctx context.Context) (draft.Made, error) {
		d, plan, err := a.cfg.Backend.Draft(ctx, o.Request)
		return draft.Made{Draft: d, Plan: plan}, err
	}, func() tea.Cmd {
		a.notice = "" // that it is being made
		if s.Err != nil {
			failed()
			return nil
		}
		p := review.NewDraft(env, o, s.Value, a.now())
		if a.review != nil {
			a.review.Plan.Stop()
		}
		a.review, a.at, a.readFrom = p, action.Review, at
		p.Marks = a.cfg.Marks
		return p.Sync()
	})
}

// remakeDraft makes the draft on the review page anew: on the branch as it is
// by now, against the cluster as it is by now.
func (a *App) remakeDraft(p *review.Page) tea.Cmd {
	o := p.Order
	var made model.Draft
	return load(a, &p.Plan, func(ctx context.Context) (*model.Plan, error) {
		d, plan, err := a.cfg.Backend.Draft(ctx, o.Request)
		made = d
		return plan, err
	}, func() tea.Cmd {
		if p.Plan.Err != nil {
			return nil
		}
		p.Draft, p.Commit = &made, made.Commit
		return p.Sync()
	})
}

// askPublish asks whether the draft on the review page shall become a pull
// request.
func (a *App) askPublish() tea.Cmd {
	p := a.review
	d := *p.Draft
	spec := dialog.Spec{
		Title: func(f frame.Frame) string {
			return f.Bold.Paint("Open pull request for ") + badge(f, p.Environment)
		},
		Body:   func(f frame.Frame, w int) []string { return a.publishBody(f, d, w) },
		Cancel: "Cancel", Confirm: "Open pull request",
	}
	a.question = &question{Dialog: dialog.New(spec, a.now()), confirmed: func() tea.Cmd { return a.publish(p, d) }}
	return nil
}

func (a *App) publishBody(f frame.Frame, d model.Draft, w int) []string {
	label := func(name, value string) string {
		return paint.Cut("  "+f.Dim.Paint(paint.Fit(name, 9))+value, w)
	}
	out := []string{
		label("title", f.Bold.Paint(sanitize.Line(d.Title))),
		label("branch", sanitize.Line(d.Branch)+f.Dim.Paint("  on top of ")+f.Commit(d.Onto)),
		label("commit", f.Commit(d.Commit)),
		label("files", fileNames(d.Files)),
	}
	for i, o := range d.Objects {
		name := ""
		if i == 0 {
			name = "changes"
		}
		if rest := len(d.Objects) - i; i == risksShown && rest > 1 {
			out = append(out, label("", f.Dim.Paint(fmt.Sprintf("and %d more", rest))))
			break
		}
		glyph, look := f.Verdict(o.Verdict)
		out = append(out, label(name, look.Paint(glyph)+" "+sanitize.Line(o.ID.String())+"  "+f.Dim.Paint(sanitize.Line(o.Summary))))
	}
	out = append(out, "")
	for _, l := range paint.Wrap("The branch is pushed and a pull request opened. Nothing is applied: it is approved, merged and shipped like any other.", w-2) {
		out = append(out, "  "+f.Dim.Paint(l))
	}
	return out
}

func fileNames(files []model.FileChange) string {
	var names []string
	for _, c := range files {
		names = append(names, sanitize.Line(c.Path))
	}
	return words.List(names, 3)
}

// publish opens the pull request of a draft, and tells what became of it.
func (a *App) publish(p *review.Page, d model.Draft) tea.Cmd {
	env := p.Environment.Name
	return a.write("opening the pull request", func(ctx context.Context) func() tea.Cmd {
		pr, err := a.cfg.Backend.Publish(ctx, env, d)
		return func() tea.Cmd {
			if err != nil {
				a.tell(result{title: "The pull request was not opened", text: []string{err.Error()}})
				return nil
			}
			a.tell(result{
				ok: true, title: fmt.Sprintf("Pull request #%d is open", pr.Number), url: pr.URL,
				text: []string{pr.Title, "Once it is approved, " + a.keyOf(action.OpenProposed, action.Home) + " on the home page leads to it."},
			})
			if a.at == action.Review && a.review == p {
				a.at = action.Home
			}
			return a.loadHome()
		}
	})
}
