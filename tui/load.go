package tui

import (
	"context"
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/change"
	"github.com/fairtide-dev/fairtide/tui/history"
	"github.com/fairtide-dev/fairtide/tui/review"
	"github.com/fairtide-dev/fairtide/tui/slot"
)

// loadedMsg is the result of a reading. It knows the slot and the epoch it was
// made for: keep puts it there, or reports that a newer reading has been
// started since and the result is of no use.
type loadedMsg struct {
	keep func(now time.Time) bool
	then func() tea.Cmd // after it was kept
}

// slowMsg comes when a reading may have become worth a word.
type slowMsg struct{}

// load reads into a slot in the background.
func load[T any](a *App, s *slot.Slot[T], read func(context.Context) (T, error), then func() tea.Cmd) tea.Cmd {
	return tea.Batch(loadQuietly(a, s, read, then), tea.Tick(slot.Patience, func(time.Time) tea.Msg { return slowMsg{} }))
}

// loadQuietly does so for what is not said to be slow.
func loadQuietly[T any](a *App, s *slot.Slot[T], read func(context.Context) (T, error), then func() tea.Cmd) tea.Cmd {
	ctx, epoch := s.Begin(a.ctx, a.now())
	return func() tea.Msg {
		v, err := read(ctx)
		return loadedMsg{keep: func(now time.Time) bool { return s.Done(epoch, v, err, now) }, then: then}
	}
}

func (a *App) loaded(msg loadedMsg) (cmd tea.Cmd, changed bool) {
	if !msg.keep(a.now()) {
		return nil, false
	}
	if msg.then != nil {
		cmd = msg.then()
	}
	return cmd, true
}

// loadHome reads the environments, and then how each of them stands.
func (a *App) loadHome() tea.Cmd {
	a.lastRead = a.now()
	return load(a, &a.home.Environments, a.cfg.Backend.Environments, func() tea.Cmd {
		a.home.Sync()
		var cmds []tea.Cmd
		selected, _ := a.home.Environment()
		for _, e := range a.home.Environments.Value {
			cmds = append(cmds, a.loadStatus(e.Name))
			if e.Name == selected.Name || a.home.Pending(e.Name).Loaded {
				cmds = append(cmds, a.loadPending(e.Name))
			}
		}
		return tea.Batch(cmds...)
	})
}

// loadStatuses reads how the environments stand. What is pending is read again
// only where something else is live, or merged, than the list was made for.
func (a *App) loadStatuses() tea.Cmd {
	if !a.home.Environments.Loaded {
		return a.loadHome()
	}
	a.lastRead = a.now()
	var cmds []tea.Cmd
	for _, e := range a.home.Environments.Value {
		cmds = append(cmds, a.loadStatus(e.Name))
	}
	return tea.Batch(cmds...)
}

func (a *App) loadStatus(env string) tea.Cmd {
	return load(a, a.home.Status(env), func(ctx context.Context) (model.EnvironmentStatus, error) {
		return a.cfg.Backend.Status(ctx, env)
	}, func() tea.Cmd {
		st, p := a.home.Status(env).Value, a.home.Pending(env)
		found := a.findInterrupted(env)
		if st.Problem != "" || p.Busy() || !p.Loaded && p.Err == nil || a.home.Status(env).Err != nil {
			return found
		}
		deployed := ""
		if st.Deployed != nil {
			deployed = st.Deployed.Commit
		}
		if p.Err == nil && p.Value.Deployed == deployed && p.Value.Head.Hash == st.Head {
			return found
		}
		return tea.Batch(found, a.loadPending(env))
	})
}

func (a *App) loadPending(env string) tea.Cmd {
	return load(a, a.home.Pending(env), func(ctx context.Context) (model.Pending, error) {
		return a.cfg.Backend.Pending(ctx, env)
	}, func() tea.Cmd { a.home.Sync(); a.nameShipped(); return nil })
}

// followHome reads the pending changes of an environment that was selected for
// the first time.
func (a *App) followHome() tea.Cmd {
	env, ok := a.home.Environment()
	if !ok {
		return nil
	}
	if s := a.home.Pending(env.Name); s.Loaded || s.Busy() || s.Err != nil {
		return nil
	}
	return a.loadPending(env.Name)
}

func (a *App) loadPlan(p *review.Page) tea.Cmd {
	if p.Draft != nil {
		return a.remakeDraft(p)
	}
	if p.Past != nil {
		return a.loadPast(p)
	}
	env, proposal := p.Environment.Name, p.Proposed
	ask := model.PlanAsk{Environment: env, Commit: p.Commit, Lenses: true, Keep: slices.Clone(p.Keep), Replace: p.Replace}
	return load(a, &p.Plan, func(ctx context.Context) (*model.Plan, error) {
		if proposal != nil {
			return a.cfg.Backend.ProposedPlan(ctx, env, proposal.Number)
		}
		return a.cfg.Backend.Plan(ctx, ask)
	}, func() tea.Cmd {
		if a.review != p || p.Plan.Err != nil {
			a.shipNext = false
			return nil
		}
		cmd := p.Sync()
		a.nameShipped()
		if p.Proposed == nil {
			a.home.Learn(p.Plan.Value, a.now())
		}
		if a.shipNext && a.at == action.Review {
			a.shipNext = false
			return tea.Batch(cmd, a.ship())
		}
		return cmd
	})
}

func (a *App) loadHistory(p *history.Page) tea.Cmd {
	env := p.Environment.Name
	return load(a, &p.Runs, func(ctx context.Context) ([]model.Run, error) {
		return a.cfg.Backend.History(ctx, env)
	}, func() tea.Cmd { p.Sync(); return nil })
}

func (a *App) loadChange(p *change.Page) tea.Cmd {
	env, commit := p.Environment.Name, p.Change.Commit
	return load(a, &p.Detail, func(ctx context.Context) (*model.ChangeDetail, error) {
		d, err := a.cfg.Backend.Detail(ctx, env, commit)
		return &d, err
	}, p.Sync)
}

// refresh reads everything on the page again.
func (a *App) refresh() tea.Cmd {
	switch a.at {
	case action.Review:
		return tea.Batch(a.loadPlan(a.review), a.loadStatus(a.review.Environment.Name))
	case action.History:
		return tea.Batch(a.loadHistory(a.history), a.loadStatus(a.history.Environment.Name))
	case action.Reverting:
		return tea.Batch(a.loadLastRun(a.revert), a.loadStatus(a.revert.Environment.Name))
	case action.Proposed:
		return tea.Batch(a.loadProposed(a.proposed), a.loadStatus(a.proposed.Environment.Name))
	case action.Change:
		return tea.Batch(a.loadChange(a.change), a.loadStatus(a.change.Environment.Name))
	case action.Upgrades:
		return tea.Batch(a.loadImages(a.upgrades), a.loadStatus(a.upgrades.Environment.Name))
	case action.Rollout:
		return a.loadStatus(a.runEnv)
	case action.Errors:
		return nil // it is current
	}
	return tea.Batch(a.loadHome(), a.loadFetch())
}
