package rollout

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/fairtide-dev/fairtide/model"
)

// Proposed lists the open pull requests that would alter the environment,
// newest first. One that cannot be rendered is listed with its Problem.
func (e *Engine) Proposed(ctx context.Context, name string) ([]model.Proposed, error) {
	s, err := e.locate(ctx, name)
	if err != nil && s.head.Hash == "" {
		return nil, err
	}
	f, err := e.connectForge(ctx)
	if err != nil {
		return nil, prefix(name, err)
	}
	base, err := e.branchOf(ctx, s.env)
	if err != nil {
		return nil, prefix(name, err)
	}
	open, err := f.Open(ctx, base)
	if err != nil {
		return nil, prefix(name, err)
	}
	before, err := e.cfg.Repository.Render(ctx, s.env, s.head.Hash)
	if err != nil {
		return nil, prefix(name, err)
	}
	slices.SortFunc(open, func(a, b model.PullRequest) int { return b.Number - a.Number })
	out := []model.Proposed{}
	for _, pr := range open {
		p := e.judge(ctx, s, before, pr)
		if len(p.Objects) > 0 || p.Problem != "" {
			out = append(out, p)
		}
	}
	return out, nil
}

func (e *Engine) branchOf(ctx context.Context, env model.Environment) (string, error) {
	if env.Branch != "" {
		return env.Branch, nil
	}
	return e.cfg.Repository.DefaultBranch(ctx)
}

// judge says what a pull request would do to the environment, and what it
// lacks.
func (e *Engine) judge(ctx context.Context, s site, before *model.Rendered, pr model.PullRequest) model.Proposed {
	p := model.Proposed{PullRequest: pr, Unmet: unmet(s.env.Requires, pr, e.callerOf(ctx, s))}
	if pr.Draft {
		p.Unmet = append(p.Unmet, "it is a draft: mark it ready for review")
	}
	if pr.Mergeable == model.MergeableConflict {
		p.Unmet = append(p.Unmet, "it conflicts with its base: bring its branch up to date")
	}
	for _, c := range pr.CheckRuns {
		if c.Name == validationCheck(s.env.Name) {
			p.Validation = &c
		}
	}
	if _, err := e.cfg.Repository.FetchPull(ctx, pr.Number); err != nil {
		p.Problem = err.Error()
		return p
	}
	after, err := e.cfg.Repository.RenderMerged(ctx, s.env, s.head.Hash, pr.Head)
	if err != nil {
		if e.touches(pr, before) {
			p.Problem = err.Error()
		}
		return p
	}
	p.Objects = e.cfg.Repository.Changed(s.env, before, after)
	return p
}

// touches reports whether a pull request changes a file that the environment
// reads, as far as the forge has listed its files.
func (e *Engine) touches(pr model.PullRequest, r *model.Rendered) bool {
	if pr.FilesCut || len(pr.Files) == 0 {
		return true
	}
	return slices.ContainsFunc(pr.Files, func(f string) bool {
		return slices.ContainsFunc(r.Inputs, func(in string) bool { return f == in || strings.HasPrefix(f, in+"/") })
	})
}

// ProposedPlan is what applying a pull request, merged into the branch as it
// is now, would do. It is for reading: what is not merged is not applied.
func (e *Engine) ProposedPlan(ctx context.Context, name string, number int) (*model.Plan, error) {
	s, err := e.locate(ctx, name)
	if err != nil {
		return nil, err
	}
	head, err := e.cfg.Repository.FetchPull(ctx, number)
	if err != nil {
		return nil, prefix(name, err)
	}
	rendered, err := e.cfg.Repository.RenderMerged(ctx, s.env, s.head.Hash, head)
	if err != nil {
		return nil, prefix(name, err)
	}
	state, err := s.cluster.ReadState(ctx, name)
	if err != nil {
		return nil, prefix(name, err)
	}
	req := model.PlanRequest{Environment: s.env, Rendered: rendered, State: state}
	noLenses := ""
	if req.Deployed, noLenses, err = e.deployedRender(ctx, s, state); err != nil {
		return nil, prefix(name, err)
	}
	plan, _, err := s.cluster.Plan(ctx, req)
	if err != nil {
		return nil, prefix(name, err)
	}
	plan.NoLenses = noLenses
	e.blame(ctx, s.env, reading{plan: plan, rendered: rendered, state: state}, s.head.Hash,
		model.Change{Commit: head, PullRequest: &model.PullRequest{Number: number}})
	plan.Problem = firstOf(plan.Problem, fmt.Sprintf("pull request #%d is not merged", number))
	return plan, nil
}
