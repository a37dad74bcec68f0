package tuitest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// Backend is a backend made of values. A call is named like "Plan production
// 8f2c1d7…", and can be held back or made to fail by that name or a prefix of it.
type Backend struct {
	Envs      []model.Environment
	Statuses  map[string]model.EnvironmentStatus
	Pendings  map[string]model.Pending
	Plans     map[string]*model.Plan // by environment
	Histories map[string][]model.Run
	Proposals map[string][]model.Proposed
	Uses      map[string][]model.ImageUse
	Details   map[string][]model.ObjectDetail // of changes, by commit
	Freshness model.Fetch                     // what Fetch says, also with an error
	// Script plays a run. It must return soon after its context ends.
	Script func(ctx context.Context, a model.Approval, emit func(model.Event)) (model.Run, error)

	// Followed plays the run of somebody else.
	Followed func(ctx context.Context, begin func(model.Run), emit func(model.Event)) (model.Run, error)
	Trees    map[string]model.ObjectTree // by the name of the object
	Logs     map[string][]string         // by container; "NAME before" of its run before

	// Moves are what the watch over a plan tells; nil: nothing ever moves.
	Moves chan model.Observation

	mu    sync.Mutex
	calls []string
	fail  map[string]error
	hold  map[string]chan struct{}
}

// Calls are the calls made so far.
func (b *Backend) Calls() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.calls)
}

// Count is how many calls start with prefix.
func (b *Backend) Count(prefix string) int {
	n := 0
	for _, c := range b.Calls() {
		if len(c) >= len(prefix) && c[:len(prefix)] == prefix {
			n++
		}
	}
	return n
}

// Fail makes calls that start with prefix fail; nil lets them work again.
func (b *Backend) Fail(prefix string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail == nil {
		b.fail = map[string]error{}
	}
	b.fail[prefix] = err
}

// Hold makes calls that start with prefix wait until the returned function is
// called, whatever becomes of their context.
func (b *Backend) Hold(prefix string) (release func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.hold == nil {
		b.hold = map[string]chan struct{}{}
	}
	ch := make(chan struct{})
	b.hold[prefix] = ch
	return func() {
		b.mu.Lock()
		if b.hold[prefix] == ch {
			delete(b.hold, prefix)
		}
		b.mu.Unlock()
		close(ch)
	}
}

func (b *Backend) called(format string, args ...any) error {
	name := fmt.Sprintf(format, args...)
	b.mu.Lock()
	b.calls = append(b.calls, name)
	var wait chan struct{}
	for prefix, ch := range b.hold {
		if len(name) >= len(prefix) && name[:len(prefix)] == prefix {
			wait = ch
		}
	}
	b.mu.Unlock()
	if wait != nil {
		<-wait
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for prefix, err := range b.fail {
		if err != nil && len(name) >= len(prefix) && name[:len(prefix)] == prefix {
			return err
		}
	}
	return nil
}

// Observe implements tui.Backend: it hands on Moves.
func (b *Backend) Observe(ctx context.Context, plan *model.Plan, emit func(model.Observation)) error {
	if err := b.called("Observe %s", plan.Environment); err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case o := <-b.Moves:
			emit(o)
		}
	}
}

// Environments implements tui.Backend.
func (b *Backend) Environments(context.Context) ([]model.Environment, error) {
	if err := b.called("Environments"); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.Envs), nil
}

// Fetch implements tui.Backend.
func (b *Backend) Fetch(context.Context) (model.Fetch, error) {
	err := b.called("Fetch")
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Freshness, err
}

// Status implements tui.Backend.
func (b *Backend) Status(_ context.Context, env string) (model.EnvironmentStatus, error) {
	if err := b.called("Status %s", env); err != nil {
		return model.EnvironmentStatus{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Statuses[env], nil
}

// Pending implements tui.Backend.
func (b *Backend) Pending(_ context.Context, env string) (model.Pending, error) {
	if err := b.called("Pending %s", env); err != nil {
		return model.Pending{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Pendings[env], nil
}

// Plan implements tui.Backend. The plan is the environment's, for the commit
// that is asked for; fields that are kept have their live values after it, and
// what has to be replaced may be when that is asked for.
func (b *Backend) Plan(_ context.Context, ask model.PlanAsk) (*model.Plan, error) {
	env, commit := ask.Environment, ask.Commit
	if err := b.called("Plan %s %s", env, commit); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	p := *b.Plans[env]
	if commit != "" {
		p.Commit = commit
	}
	p.Kept, p.Replaces = ask.Keep, ask.Replace
	return replacing(keeping(&p)), nil
}

// Apply implements tui.Backend.
func (b *Backend) Apply(ctx context.Context, a model.Approval, emit func(model.Event)) (model.Run, error) {
	if err := b.called("Apply %s %s %s", a.Plan.Environment, a.Plan.Commit, a.Override); err != nil {
		return model.Run{}, err
	}
	return b.Script(ctx, a, emit)
}

// History implements tui.Backend.
func (b *Backend) History(_ context.Context, env string) ([]model.Run, error) {
	if err := b.called("History %s", env); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.Histories[env]), nil
}

// Set changes the backend's values while it is in use.
func (b *Backend) Set(change func(*Backend)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(b)
}

// Shipped makes the backend say that an environment runs a commit, as it does
// after a run.
func (b *Backend) Shipped(run model.Run, at time.Time) {
	b.Set(func(b *Backend) {
		st := b.Statuses[run.Environment]
		st.Deployed = &model.Deployed{Commit: run.Commit, At: at, By: run.Operator, Run: run.ID}
		st.LastRun = &model.RunRef{ID: run.ID, State: run.State, Commit: run.Commit}
		p := b.Pendings[run.Environment]
		for i, c := range p.Changes {
			if c.Commit == run.Commit {
				p.Changes = p.Changes[:i]
				break
			}
		}
		p.Deployed, st.Pending = run.Commit, len(p.Changes)
		b.Statuses[run.Environment], b.Pendings[run.Environment] = st, p
		b.Histories[run.Environment] = append([]model.Run{run}, b.Histories[run.Environment]...)
	})
}
