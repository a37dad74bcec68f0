package rollout

import (
	"context"

	"github.com/fairtide-dev/fairtide/model"
)

// Plan reads the live state and says what applying a commit would do. commit
// is any revision; empty means the head of the environment's branch.
func (e *Engine) Plan(ctx context.Context, name, commit string) (*model.Plan, error) {
	return e.PlanAs(ctx, model.PlanAsk{Environment: name, Commit: commit})
}

// PlanAs is Plan, with more to ask for.
func (e *Engine) PlanAs(ctx context.Context, ask model.PlanAsk) (*model.Plan, error) {
	s, err := e.locate(ctx, ask.Environment)
	if err != nil {
		return nil, err
	}
	hash := s.head.Hash
	if ask.Commit != "" {
		if hash, err = e.cfg.Repository.Resolve(ctx, ask.Commit); err != nil {
			return nil, prefix(ask.Environment, err)
		}
	}
	ask.Commit = hash
	p, err := e.read(ctx, s, ask)
	if err != nil {
		return nil, err
	}
	e.blame(ctx, s.env, p, hash)
	p.plan.Requirements, p.plan.NeedsReview = e.planned(ctx, s, p.plan), s.env.Requires.Reviewed
	return p.plan, nil
}

// reading is a plan with the objects and the state it was made from.
type reading struct {
	plan     *model.Plan
	rendered *model.Rendered
	objects  map[model.ObjectID]model.Object
	state    model.State
}

// again asks for the plan that was approved, for another reading of it.
func again(approved *model.Plan) model.PlanAsk {
	return model.PlanAsk{Commit: approved.Commit, Keep: approved.Kept, Replace: approved.Replaces, Approved: approved}
}

// read makes the plan of an environment at ask.Commit, which is a hash.
func (e *Engine) read(ctx context.Context, s site, ask model.PlanAsk) (reading, error) {
	rendered, err := e.cfg.Repository.Render(ctx, s.env, ask.Commit)
	if err != nil {
		return reading{}, prefix(s.env.Name, err)
	}
	state, err := s.cluster.ReadState(ctx, s.env.Name)
	if err != nil {
		return reading{}, prefix(s.env.Name, err)
	}
	req := model.PlanRequest{
		Environment: s.env, Rendered: rendered, State: state, Full: ask.Full, Keep: ask.Keep, Replace: ask.Replace,
		Approved: ask.Approved,
	}
	noLenses := ""
	if ask.Lenses {
		if req.Deployed, noLenses, err = e.deployedRender(ctx, s, state); err != nil {
			return reading{}, prefix(s.env.Name, err)
		}
	}
	plan, objects, err := s.cluster.Plan(ctx, req)
	if err != nil {
		return reading{}, prefix(s.env.Name, err)
	}
	plan.NoLenses = noLenses
	r := reading{plan: plan, rendered: rendered, state: state, objects: make(map[model.ObjectID]model.Object, len(objects))}
	for _, o := range objects {
		r.objects[o.ID] = o
	}
	return r, nil
}

// deployedRender renders the deployed commit, for the lenses. That there is
// none is no reason to have no plan: problem says why the lenses are empty.
func (e *Engine) deployedRender(ctx context.Context, s site, state model.State) (r *model.Rendered, problem string, err error) {
	deployed := deployedCommit(state)
	if deployed == "" {
		return nil, "nothing is recorded as deployed, so there is nothing to compare with", nil
	}
	if r, err = e.cfg.Repository.Render(ctx, s.env, deployed); err != nil {
		if ctx.Err() != nil {
			return nil, "", err
		}
		return nil, "the deployed commit " + model.Short(deployed) + " cannot be rendered: " + err.Error(), nil
	}
	return r, "", nil
}
