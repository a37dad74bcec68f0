package tui

import (
	"context"
	"errors"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/internal/lens"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/home"
	"github.com/fairtide-dev/fairtide/tui/rollout"
)

// pace is the shortest time between two messages of a run's events. What comes
// faster is handed over together.
const pace = 50 * time.Millisecond

// run is an approved plan on its way.
type run struct {
	page     *rollout.Page
	cancel   context.CancelFunc
	feed     *feed
	brake    *model.Brake   // nil: the run cannot be held up from here
	approval model.Approval // of a run that was begun here
}

// runMsg is what a run told since the last one.
type runMsg struct {
	env    string
	run    *run
	begun  *model.Run // the record of the run that is followed from now on
	events []model.Event
	ended  bool
	record model.Run
	err    error
}

// feed collects a run's events between two messages.
type feed struct {
	mu   sync.Mutex
	msg  runMsg
	wake chan struct{} // holds one token when msg has something to tell
}

func newFeed() *feed { return &feed{wake: make(chan struct{}, 1)} }

func (f *feed) emit(e model.Event) {
	f.add(func(m *runMsg) { m.events = append(m.events, e) })
}

func (f *feed) begin(r model.Run) {
	f.add(func(m *runMsg) { m.begun, m.events = &r, nil })
}

func (f *feed) finish(record model.Run, err error) {
	f.add(func(m *runMsg) { m.ended, m.record, m.err = true, record, err })
}

func (f *feed) add(change func(*runMsg)) {
	f.mu.Lock()
	change(&f.msg)
	f.mu.Unlock()
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// next blocks until the run has something to tell and takes it all.
func (f *feed) next(env string, r *run, wait time.Duration) tea.Msg {
	if wait > 0 {
		<-time.After(wait)
	}
	<-f.wake
	f.mu.Lock()
	defer f.mu.Unlock()
	msg := f.msg
	f.msg = runMsg{}
	msg.env, msg.run = env, r
	return msg
}

// start runs an approved plan and shows its page.
func (a *App) start(env model.Environment, approval model.Approval, shipped []model.Change) tea.Cmd {
	if a.active(env.Name) {
		a.notice = a.underWay(env.Name)
		return nil
	}
	approval.Brake = &model.Brake{}
	r := &run{page: rollout.New(env, approval.Plan, shipped, a.now()), brake: approval.Brake, approval: approval}
	return a.carry(r, func(ctx context.Context) (model.Run, error) {
		return a.cfg.Backend.Apply(ctx, approval, r.feed.emit)
	})
}

// carry shows the page of a run and carries out what tells of it.
func (a *App) carry(r *run, do func(context.Context) (model.Run, error)) tea.Cmd {
	env := r.page.Environment.Name
	ctx, cancel := context.WithCancel(a.ctx)
	r.cancel, r.feed = cancel, newFeed()
	a.runs[env] = r
	a.tellHome(env, r)
	a.at, a.runEnv = action.Rollout, env
	a.running.Add(1)
	return tea.Batch(
		func() tea.Msg {
			defer a.running.Done()
			defer cancel()
			r.feed.finish(do(ctx))
			return nil
		},
		func() tea.Msg { return r.feed.next(env, r, 0) },
	)
}

// active reports whether a run is under way in an environment.
func (a *App) active(env string) bool {
	r := a.runs[env]
	return r != nil && !r.page.Done()
}

// underWay says that no other run can be started in an environment.
func (a *App) underWay(env string) string {
	if a.runs[env].page.Armed() {
		return "a run waits for its window in " + env
	}
	return "a run is under way in " + env
}

// runTold takes what a run told.
func (a *App) runTold(msg runMsg) tea.Cmd {
	r := msg.run
	if a.runs[msg.env] != r {
		return nil
	}
	armed := r.page.Armed()
	if msg.begun != nil {
		r.page.Begin(*msg.begun)
	}
	r.page.Take(msg.events)
	if !msg.ended {
		a.tellHome(msg.env, r)
		again := func() tea.Msg { return r.feed.next(msg.env, r, pace) }
		if armed && !r.page.Armed() {
			a.began(msg.env)
			return tea.Batch(again, a.loadStatus(msg.env))
		}
		return again
	}
	if !r.page.Found() {
		return a.lostSight(msg)
	}
	r.page.Finish(msg.record, msg.err, a.now())
	delete(a.home.Running, msg.env)
	if q := a.question; q != nil && q.run == msg.env {
		a.closeQuestion() // there is nothing left to abort
	}
	var moved *lens.MovedError
	if errors.As(msg.err, &moved) {
		a.tellMoved(r, moved.Moved)
	}
	a.offerTakeOver(r, msg.err)
	if _, any := a.anyActive(); a.leaving && !any {
		return tea.Quit
	}
	return tea.Batch(a.loadStatus(msg.env), a.loadPending(msg.env))
}

// tellHome keeps on the home page how a run stands.
func (a *App) tellHome(env string, r *run) {
	a.home.Running[env] = home.Running{State: r.page.State(), Words: r.page.Words(a.clusterNow(env)), Armed: r.page.Armed(), Until: r.page.Until(), Followed: r.page.Followed}
}

// began tells that an armed run has started, wherever the operator is by then.
func (a *App) began(env string) {
	if q := a.question; q != nil && q.run == env {
		a.closeQuestion() // what it asks about is not so any more
	}
	if a.at != action.Rollout || a.runEnv != env {
		a.notice = "the window is open: the run in " + env + " has started; " + a.keyOf(action.OpenRun, action.Home) + " on the home page shows it"
	}
}

// abort tells a run to stop; it ends when its record is closed.
func (a *App) abort(env string) {
	if r := a.runs[env]; r != nil && !r.page.Done() && !r.page.Followed {
		r.page.Aborting = true
		r.cancel()
	}
}
