package tui

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/dialog"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/paint"
	"github.com/fairtide-dev/fairtide/tui/review"
	"github.com/fairtide-dev/fairtide/tui/rollout"
	"github.com/fairtide-dev/fairtide/tui/slot"
)

// openRun shows the run of an environment: the one that this program carries
// out, or the one that somebody else does, or the one that was interrupted, or
// the last one that was on the screen.
func (a *App) openRun(env model.Environment) tea.Cmd {
	_, interrupted := a.home.Interrupted[env.Name]
	switch {
	case a.active(env.Name):
	case a.heldElsewhere(env.Name):
		return a.watchRun(env)
	case interrupted && a.runs[env.Name] == nil:
		record := a.home.Interrupted[env.Name]
		p := rollout.Record(env, record, a.now())
		p.Stop(record)
		a.runs[env.Name] = &run{page: p}
	}
	a.at, a.runEnv = action.Rollout, env.Name
	return nil
}

// heldElsewhere reports whether somebody else holds the lock of an environment.
func (a *App) heldElsewhere(env string) bool {
	l := a.home.Status(env).Value.Lock
	return l != nil && l.Expires.After(a.clusterNow(env))
}

// watchRun shows the run that somebody else carries out. It ends with the page.
func (a *App) watchRun(env model.Environment) tea.Cmd {
	r := &run{page: rollout.Follow(env, a.now())}
	return tea.Batch(a.carry(r, func(ctx context.Context) (model.Run, error) {
		return a.cfg.Backend.Follow(ctx, env.Name, r.feed.begin, r.feed.emit)
	}), a.usual(r))
}

// usual finds out how long a run takes here, for one that was not confirmed.
func (a *App) usual(r *run) tea.Cmd {
	var past slot.Slot[[]model.Run]
	env := r.page.Environment
	return loadQuietly(a, &past, func(ctx context.Context) ([]model.Run, error) {
		return a.cfg.Backend.History(ctx, env.Name)
	}, func() tea.Cmd {
		if past.Loaded {
			r.page.Usual = model.EstimateRun(past.Value, r.page.Plan, env).Takes
		}
		return nil
	})
}

// lostSight leaves the page of a run that was to be followed and was not found.
func (a *App) lostSight(msg runMsg) tea.Cmd {
	a.unfollow(msg.env)
	if a.at == action.Rollout && a.runEnv == msg.env {
		a.at = action.Home
	}
	if msg.err != nil {
		a.notice = msg.err.Error()
	}
	return a.loadStatus(msg.env)
}

// unfollow forgets a run that is followed. It goes on.
func (a *App) unfollow(env string) {
	if r := a.runs[env]; r != nil && r.page.Followed {
		r.cancel()
		delete(a.runs, env)
		delete(a.home.Running, env)
		if q := a.question; q != nil && q.run == env {
			a.closeQuestion()
		}
	}
}

// pause holds a run up before its next wave, or lets it go on.
func (a *App) pause(r *run) {
	r.brake.Set(!r.brake.On())
	r.page.Pausing = r.brake.On()
}

// rollBack reviews what was live before a run.
func (a *App) rollBack(r *run) tea.Cmd {
	return a.show(review.New(r.page.Environment, r.page.From(), nil, 0))
}

// askAbortElsewhere asks why a run shall stop that somebody else carries out.
func (a *App) askAbortElsewhere(r *run) {
	env := r.page.Environment
	spec := dialog.Spec{
		Title: func(f frame.Frame) string {
			return f.Bold.Paint("Ask "+sanitize.Line(r.page.Run().Writer())+" to stop the run in ") + badge(f, env)
		},
		Body: func(_ frame.Frame, w int) []string {
			out := []string{r.page.Words(a.clusterNow(env.Name)), ""}
			return append(out, paint.Wrap("Whoever carries the run out starts no new write then, closes its record and frees the lock. "+
				"What has been applied stays as it is. Who asked, and why, goes on record.", w)...)
		},
		Fields: []dialog.Field{{Label: "Reason:", Limit: reasonLimit}},
		Cancel: "Let it go on", Confirm: "Ask to stop", Danger: true,
	}
	d := dialog.New(spec, a.now())
	a.question = &question{Dialog: d, run: env.Name, confirmed: func() tea.Cmd { return a.abortElsewhere(r, d.Value(0)) }}
}

func (a *App) abortElsewhere(r *run, reason string) tea.Cmd {
	env := r.page.Environment.Name
	r.page.Aborting = true
	return func() tea.Msg {
		err := a.cfg.Backend.Abort(a.ctx, env, reason)
		return doneMsg{func() tea.Cmd {
			if err != nil {
				r.page.Aborting = false
				a.notice = err.Error()
			}
			return nil
		}}
	}
}

// paneEvery is how often what is behind an object is read again.
const paneEvery = 2 * time.Second

// inspect starts and ends the readings of what is behind an object, as its pane
// comes and goes. Their results go to the pane they were made for.
func (a *App) inspect() tea.Cmd {
	var pane *rollout.Pane
	var log *rollout.Log
	if r := a.runs[a.runEnv]; a.at == action.Rollout && r != nil {
		if pane = r.page.Pane(); pane != nil {
			log = pane.Log
		}
	}
	var cmds []tea.Cmd
	if pane != a.pane {
		if a.pane != nil {
			a.pane.Tree.Stop()
		}
		if a.pane = pane; pane != nil {
			cmds = append(cmds, a.readTree(pane))
		}
	}
	if log != a.paneLog {
		if a.paneLog != nil {
			a.paneLog.Lines.Stop()
		}
		if a.paneLog = log; log != nil {
			cmds = append(cmds, a.readLog(log))
		}
	}
	return tea.Batch(cmds...)
}

func (a *App) readTree(p *rollout.Pane) tea.Cmd {
	env, target := a.runEnv, p.Target
	return load(a, &p.Tree, func(ctx context.Context) (model.ObjectTree, error) {
		return a.cfg.Backend.Describe(ctx, env, target)
	}, func() tea.Cmd {
		p.Sync()
		return again(func() tea.Cmd {
			if a.pane != p {
				return nil
			}
			return a.readTree(p)
		})
	})
}

func (a *App) readLog(l *rollout.Log) tea.Cmd {
	env, of := a.runEnv, *l
	return load(a, &l.Lines, func(ctx context.Context) ([]string, error) {
		return a.cfg.Backend.LogTail(ctx, env, of.Namespace, of.Pod, of.Container, of.Previous, rollout.LogLines)
	}, func() tea.Cmd {
		return again(func() tea.Cmd {
			if a.paneLog != l {
				return nil
			}
			return a.readLog(l)
		})
	})
}

func again(do func() tea.Cmd) tea.Cmd {
	return tea.Tick(paneEvery, func(time.Time) tea.Msg { return doneMsg{do} })
}
