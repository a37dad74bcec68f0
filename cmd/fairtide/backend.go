package main

import (
	"context"
	"sync"
	"time"

	"github.com/fairtide-dev/fairtide/internal/rollout"
	"github.com/fairtide-dev/fairtide/model"
)

// fetchLimit is how long a fetch in the background may take.
const fetchLimit = 2 * time.Minute

// backend gives the UI the engine. The repository is opened by the first call
// and not before; when that fails, the next call tries again.
type backend struct {
	program *program

	mu     sync.Mutex
	engine *rollout.Engine

	told sync.Mutex
	said string // how a long fetch gets on
}

// tell takes what there is to say of a fetch, and progress is the last of it.
func (b *backend) tell(text string) {
	b.told.Lock()
	defer b.told.Unlock()
	b.said = text
}

func (b *backend) progress() string {
	b.told.Lock()
	defer b.told.Unlock()
	return b.said
}

func (b *backend) open(ctx context.Context) (*rollout.Engine, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.engine == nil {
		e, err := b.program.engine(ctx)
		if err != nil {
			return nil, err
		}
		b.engine = e
	}
	return b.engine, nil
}

func (b *backend) Environments(ctx context.Context) ([]model.Environment, error) {
	e, err := b.open(ctx)
	if err != nil {
		return nil, err
	}
	return e.Environments(ctx)
}

func (b *backend) Fetch(ctx context.Context) (model.Fetch, error) {
	e, err := b.open(ctx)
	if err != nil {
		return model.Fetch{}, err
	}
	fetching, cancel := context.WithTimeout(ctx, fetchLimit)
	defer cancel()
	f, err := e.Fetch(fetching)
	if err != nil {
		b.program.log.Warn("fetch", "error", err)
	}
	return f, err
}

func (b *backend) Detail(ctx context.Context, env, commit string) (model.ChangeDetail, error) {
	e, err := b.open(ctx)
	if err != nil {
		return model.ChangeDetail{}, err
	}
	return e.Detail(ctx, env, commit)
}

func (b *backend) Proposed(ctx context.Context, env string) ([]model.Proposed, error) {
	e, err := b.open(ctx)
	if err != nil {
		return nil, err
	}
	return e.Proposed(ctx, env)
}

func (b *backend) ProposedPlan(ctx context.Context, env string, number int) (*model.Plan, error) {
	e, err := b.open(ctx)
	if err != nil {
		return nil, err
	}
	return e.ProposedPlan(ctx, env, number)
}

func (b *backend) Merge(ctx context.Context, env string, number int, head, override string) (string, error) {
	e, err := b.open(ctx)
	if err != nil {
		return "", err
	}
	return e.Merge(ctx, env, number, head, override)
}

func (b *backend) Draft(ctx context.Context, r model.DraftRequest) (model.Draft, *model.Plan, error) {
	e, err := b.open(ctx)
	if err != nil {
		return model.Draft{}, nil, err
	}
	return e.Draft(ctx, r)
}

func (b *backend) Publish(ctx context.Context, env string, d model.Draft) (model.PullRequest, error) {
	e, err := b.open(ctx)
	if err != nil {
		return model.PullRequest{}, err
	}
	return e.Publish(ctx, env, d)
}

func (b *backend) Images(ctx context.Context, env string) ([]model.ImageUse, error) {
	e, err := b.open(ctx)
	if err != nil {
		return nil, err
	}
	return e.Images(ctx, env)
}

// Status names with an interrupted run the lock that its holder let expire:
// that one there is to take over.
func (b *backend) Status(ctx context.Context, env string) (model.EnvironmentStatus, error) {
	e, err := b.open(ctx)
	if err != nil {
		return model.EnvironmentStatus{}, err
	}
	st, err := e.Status(ctx, env)
	if err == nil && st.Problem != "" && ctx.Err() != nil {
		return st, ctx.Err() // nobody waits for it any more: that is no problem of the environment
	}
	if err != nil || st.Lock != nil || st.LastRun == nil || st.LastRun.State != model.RunInterrupted {
		return st, err
	}
	if lock, err := e.Expired(ctx, env); err == nil { // without it the status is as good as before
		st.Lock = lock
	}
	return st, nil
}

func (b *backend) Pending(ctx context.Context, env string) (model.Pending, error) {
	e, err := b.open(ctx)
	if err != nil {
		return model.Pending{}, err
	}
	return e.Pending(ctx, env, "")
}

func (b *backend) Plan(ctx context.Context, ask model.PlanAsk) (*model.Plan, error) {
	e, err := b.open(ctx)
	if err != nil {
		return nil, err
	}
	return e.PlanAs(ctx, ask)
}

func (b *backend) Observe(ctx context.Context, plan *model.Plan, emit func(model.Observation)) error {
	e, err := b.open(ctx)
	if err != nil {
		return err
	}
	return e.Observe(ctx, plan, emit)
}

func (b *backend) Apply(ctx context.Context, a model.Approval, emit func(model.Event)) (model.Run, error) {
	e, err := b.open(ctx)
	if err != nil {
		return model.Run{}, err
	}
	return e.Apply(ctx, a, b.program.logged(emit))
}

func (b *backend) History(ctx context.Context, env string) ([]model.Run, error) {
	e, err := b.open(ctx)
	if err != nil {
		return nil, err
	}
	return e.History(ctx, env)
}

func (b *backend) RunDiff(ctx context.Context, env, run, other string) (*model.Plan, error) {
	e, err := b.open(ctx)
	if err != nil {
		return nil, err
	}
	var d *model.RunDiff
	if other == "" {
		d, err = e.RunDiff(ctx, env, run)
	} else {
		d, err = e.CompareRuns(ctx, env, run, other)
	}
	if err != nil {
		return nil, err
	}
	return d.Plan, nil
}

func (b *backend) Describe(ctx context.Context, env string, t model.Target) (model.ObjectTree, error) {
	e, err := b.open(ctx)
	if err != nil {
		return model.ObjectTree{}, err
	}
	return e.Describe(ctx, env, t)
}

func (b *backend) LogTail(ctx context.Context, env, namespace, pod, container string, previous bool, lines int) ([]string, error) {
	e, err := b.open(ctx)
	if err != nil {
		return nil, err
	}
	return e.LogTail(ctx, env, namespace, pod, container, previous, lines)
}

func (b *backend) Resume(ctx context.Context, r model.ResumeRequest, emit func(model.Event)) (model.Run, error) {
	e, err := b.open(ctx)
	if err != nil {
		return model.Run{}, err
	}
	return e.Resume(ctx, r, b.program.logged(emit))
}

func (b *backend) Follow(ctx context.Context, env string, begin func(model.Run), emit func(model.Event)) (model.Run, error) {
	e, err := b.open(ctx)
	if err != nil {
		return model.Run{}, err
	}
	return e.Follow(ctx, env, begin, emit)
}

func (b *backend) Abort(ctx context.Context, env, reason string) error {
	e, err := b.open(ctx)
	if err != nil {
		return err
	}
	_, err = e.AbortAndFollow(ctx, env, reason, func(model.Run) {}, func(model.Event) {})
	return err
}
