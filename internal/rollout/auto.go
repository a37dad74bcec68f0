package rollout

import (
	"context"
	"errors"

	"github.com/fairtide-dev/fairtide/model"
)

// AutoResult is what an automatic pass did for one environment.
type AutoResult struct {
	Environment string     `json:"environment"`
	Run         *model.Run `json:"run,omitempty"`     // nil: nothing was started
	Message     string     `json:"message,omitempty"` // why nothing was started, or why it failed
	Err         error      `json:"-"`
}

// RunOnce brings every environment with `deploy: auto` from what is merged to a
// verdict, one after the other, inside its window and with its requirements
// met. A commit whose run has failed is not tried again: the next merge is.
// One instance acts at a time, by the environment's lock.
func (e *Engine) RunOnce(ctx context.Context, only string, emit func(model.Event)) ([]AutoResult, error) {
	if err := e.Refresh(ctx); err != nil {
		return nil, err
	}
	envs, err := e.Environments(ctx)
	if err != nil {
		return nil, err
	}
	var results []AutoResult
	for _, env := range envs {
		if env.Deploy != model.DeployAuto || only != "" && env.Name != only {
			continue
		}
		if ctx.Err() != nil {
			return results, ctx.Err()
		}
		results = append(results, e.auto(ctx, env.Name, emit))
	}
	if len(results) == 0 {
		return nil, model.Errorf(model.ExitUsage, "no environment has `deploy: auto` in %s; set it on those that are to be deployed without a person", e.cfg.File)
	}
	return results, nil
}

func (e *Engine) auto(ctx context.Context, name string, emit func(model.Event)) AutoResult {
	r := AutoResult{Environment: name}
	fail := func(err error) AutoResult {
		r.Err, r.Message = err, err.Error()
		return r
	}
	s, err := e.locate(ctx, name)
	if err != nil {
		return fail(err)
	}
	state, err := s.cluster.ReadState(ctx, name)
	if err != nil {
		return fail(prefix(name, err))
	}
	if last := state.LastRun; last != nil && (last.State == model.RunFailed || last.TakesBack != "") {
		failed, what := last.Commit, " has failed in run "
		if last.TakesBack != "" {
			failed, what = last.TakesBack, " has failed, was taken back by run "
		}
		if last.TakesBack != "" && last.State == model.RunFailed {
			what = " has failed, as has taking it back by run "
		}
		if since, err := e.changedSince(ctx, s, failed); err != nil {
			return fail(prefix(name, err))
		} else if !since {
			r.Message = model.Short(failed) + what + last.ID + " and is not tried again; merge a revert or a fix"
			r.Err = model.Errorf(model.ExitRolloutFailed, "%s: %s", name, r.Message)
			return r
		}
	}
	deployed := deployedCommit(state)
	if since, err := e.changedSince(ctx, s, deployed); err != nil {
		return fail(prefix(name, err))
	} else if !since {
		r.Message = "up to date at " + model.Short(deployed)
		return r
	}
	if err := e.takesBack(ctx, s, deployed); err != nil {
		return fail(prefix(name, err))
	}
	plan, err := e.Plan(ctx, name, "")
	if err != nil {
		return fail(err)
	}
	run, err := e.Apply(ctx, model.Approval{Plan: plan, Automatic: true}, emit)
	if run.ID != "" {
		r.Run = &run
	}
	if err != nil {
		return fail(err)
	}
	if r.Run == nil {
		r.Message = "nothing to do at " + model.Short(plan.Commit)
	}
	return r
}

// changedSince reports whether the branch has a change of the environment after
// a commit. What cannot be told counts as one.
func (e *Engine) changedSince(ctx context.Context, s site, commit string) (bool, error) {
	if commit == s.head.Hash {
		return false, nil
	}
	p, err := e.cfg.Repository.Pending(ctx, s.env, commit, s.head.Hash)
	return p.Adopt || p.Incomplete || len(p.Changes) > 0, err
}

// takesBack refuses to undo what is live without having been merged: an
// emergency revert whose pull request is still open must not be followed by the
// automatic return of what it took out. Merged in any way, its content is there.
func (e *Engine) takesBack(ctx context.Context, s site, deployed string) error {
	if deployed == "" {
		return nil
	}
	p, err := e.cfg.Repository.Pending(ctx, s.env, deployed, s.head.Hash)
	if err != nil || p.Diverged == "" || p.Incomplete {
		return err
	}
	head, err := e.cfg.Repository.Render(ctx, s.env, s.head.Hash)
	if err != nil {
		return err
	}
	both, err := e.cfg.Repository.RenderMerged(ctx, s.env, s.head.Hash, deployed)
	if err == nil && len(e.cfg.Repository.Changed(s.env, head, both)) == 0 {
		return nil
	}
	if err != nil && ctx.Err() != nil {
		return err
	}
	return model.Errorf(model.ExitRequirements, "%s is live and was not merged, and %s would undo it; merge its pull request, or apply the branch by hand: fairtide apply -e %s",
		model.Short(deployed), model.Short(s.head.Hash), s.env.Name)
}

// Waits reports whether an error of an automatic pass is no failure: somebody
// else is at work, or the window is closed.
func Waits(err error) bool {
	var e *model.Error
	return errors.As(err, &e) && (e.Code == model.ExitWindowClosed || e.Code == model.ExitLocked || e.Code == model.ExitRequirements)
}
