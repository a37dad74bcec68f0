package rollout

import (
	"context"

	"github.com/fairtide-dev/fairtide/model"
)

// Left is the interrupted run of an environment that Resume would continue, and
// the plan of what is left of it. id is the run that is meant; empty: the newest.
func (e *Engine) Left(ctx context.Context, name, id string) (model.Run, *model.Plan, error) {
	s, err := e.locate(ctx, name)
	if err != nil {
		return model.Run{}, nil, err
	}
	x := e.newExecution(model.Approval{Plan: &model.Plan{Environment: name}}, func(model.Event) {})
	x.site, x.resumes = s, &model.ResumeRequest{Environment: name, Run: id}
	if err := x.admitResume(ctx); err != nil {
		return model.Run{}, nil, prefix(name, err)
	}
	run := x.record.get()
	ask := askOf(run)
	ask.Environment = name
	plan, err := e.PlanAs(ctx, ask)
	return run, plan, err
}

// Expired is the lock of an environment that its holder let expire, and that
// takes a reason to be taken over; nil: it is free, or held.
func (e *Engine) Expired(ctx context.Context, name string) (*model.Lock, error) {
	s, err := e.locate(ctx, name)
	if err != nil {
		return nil, err
	}
	lock, err := s.cluster.Expired(ctx, name)
	return lock, prefix(name, err)
}
