package main

import (
	"context"
	"sync"

	"github.com/fairtide-dev/fairtide/internal/rollout"
	"github.com/fairtide-dev/fairtide/model"
)

// backend gives the UI the engine. The repository is opened by the first call
// and not before; when that fails, the next call tries again.
type backend struct {
	program *program

	mu     sync.Mutex
	engine *rollout.Engine
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

func (b *backend) Status(ctx context.Context, env string) (model.EnvironmentStatus, error) {
	e, err := b.open(ctx)
	if err != nil {
		return model.EnvironmentStatus{}, err
	}
	return e.Status(ctx, env)
}

func (b *backend) Pending(ctx context.Context, env string) (model.Pending, error) {
	e, err := b.open(ctx)
	if err != nil {
		return model.Pending{}, err
	}
	return e.Pending(ctx, env, "")
}

func (b *backend) Plan(ctx context.Context, env, commit string) (*model.Plan, error) {
	e, err := b.open(ctx)
	if err != nil {
		return nil, err
	}
	return e.Plan(ctx, env, commit)
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
