package rollout

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/fairtide-dev/fairtide/internal/forge"
	"github.com/fairtide-dev/fairtide/model"
)

// Merge merges a pull request of an environment, with the head that was
// looked at, when the window is open and the requirements are met, or the
// policy allows the override: those of the environment, and those of every
// other one that the pull request alters too. It returns the merge commit; an
// error besides says what went wrong after the merge.
func (e *Engine) Merge(ctx context.Context, name string, number int, head, override string) (string, error) {
	if e.cfg.ReadOnly {
		return "", model.Errorf(model.ExitUsage, "started with --read-only: nothing is merged")
	}
	s, err := e.locate(ctx, name)
	if err != nil {
		return "", err
	}
	f, err := e.connectForge(ctx)
	if err != nil {
		return "", prefix(name, err)
	}
	pr, err := f.Get(ctx, number)
	if err != nil {
		return "", prefix(name, err)
	}
	overridden, err := e.mayMerge(ctx, s, pr, head, override)
	if err != nil {
		return "", prefix(name, err)
	}
	commit, err := f.Merge(ctx, number, pr.Head, forge.MergeCommit)
	if err != nil {
		return "", prefix(name, err)
	}
	if overridden != "" {
		// The reason belongs where the others look. Merged it is in any case.
		if err := f.UpsertComment(ctx, number, overrideMarker, overrideComment("Merged", overridden, override)); err != nil {
			return commit, prefix(name, fmt.Errorf("#%d is merged, but the reason of the override could not be written to it: %w", number, err))
		}
	}
	if err := e.Refresh(ctx); err != nil {
		return commit, prefix(name, fmt.Errorf("#%d is merged, but was not fetched yet: %w", number, err))
	}
	return commit, nil
}

// mayMerge says why a pull request must not be merged, or which rules its merge
// overrides.
func (e *Engine) mayMerge(ctx context.Context, s site, pr model.PullRequest, head, override string) (overridden string, err error) {
	base, err := e.branchOf(ctx, s.env)
	if err != nil {
		return "", err
	}
	switch {
	case pr.State == model.PullRequestMerged:
		return "", model.Errorf(model.ExitPlanMoved, "pull request #%d is merged already, by %s; look at what is pending", pr.Number, pr.MergedBy)
	case pr.State == model.PullRequestClosed:
		return "", model.Errorf(model.ExitPlanMoved, "pull request #%d was closed without being merged; reopen it first", pr.Number)
	case pr.Base != base:
		return "", model.Errorf(model.ExitUsage, "pull request #%d goes into %s, and %s is deployed from %s", pr.Number, pr.Base, s.env.Name, base)
	case head != "" && head != pr.Head:
		return "", model.Errorf(model.ExitPlanMoved, "pull request #%d was pushed to since: it was %s and is %s; look at it again", pr.Number, model.Short(head), model.Short(pr.Head))
	case pr.Draft:
		return "", model.Errorf(model.ExitRequirements, "pull request #%d is a draft; mark it ready for review first", pr.Number)
	}
	effects, err := e.effects(ctx, s.env.Name, base, pr)
	if err != nil {
		return "", err
	}
	var rules []string
	for _, t := range effects {
		missing, err := e.mergeNeeds(ctx, t.site, pr)
		if err != nil {
			return "", err
		}
		allowed, err := e.gate(ctx, t.site, about(t.subjects), override, append(missing, t.missing...))
		if err != nil {
			if t.site.env.Name != s.env.Name {
				err = fmt.Errorf("pull request #%d alters %s too: %w", pr.Number, t.site.env.Name, err)
			}
			return "", err
		}
		if x := allowed.exception; x != nil {
			rules = append(rules, t.site.env.Name+": "+strings.Join(x.Rules, "; ")+"; overridden by "+x.Who())
		}
	}
	return strings.Join(rules, "; "), nil
}

// effect is an environment that a pull request alters.
type effect struct {
	site     site
	missing  []string              // why its render speaks against the merge
	subjects []model.WindowSubject // what of its render is altered; empty: nothing, or not known
}

// effects lists the environments whose rules a merge is subject to, the named
// one first. Environments share a branch: the rules of one must not be a way
// around those of another.
func (e *Engine) effects(ctx context.Context, name, base string, pr model.PullRequest) ([]effect, error) {
	if _, err := e.cfg.Repository.FetchPull(ctx, pr.Number); err != nil {
		return nil, err
	}
	envs, err := e.Environments(ctx)
	if err != nil {
		return nil, err
	}
	var out []effect
	var names []string
	for _, env := range envs {
		if b, err := e.branchOf(ctx, env); err != nil {
			return nil, err
		} else if b != base {
			continue
		}
		s, failure := e.locate(ctx, env.Name)
		if s.head.Hash == "" {
			return nil, failure
		}
		t, altered := e.alters(ctx, s, pr)
		if !altered {
			continue
		}
		if failure != nil { // its window cannot be judged
			return nil, failure
		}
		names = append(names, env.Name)
		if env.Name == name {
			out = slices.Insert(out, 0, t)
		} else {
			out = append(out, t)
		}
	}
	if !slices.Contains(names, name) {
		hint := "; merge it where it was opened"
		if len(names) > 0 {
			hint = ", but " + strings.Join(names, ", ") + ": merge it with -e " + names[0]
		}
		return nil, model.Errorf(model.ExitUsage, "pull request #%d alters nothing of %s%s", pr.Number, name, hint)
	}
	return out, nil
}

// alters reports whether a pull request changes what an environment is made of:
// its render, or the configuration with its rules. What cannot be rendered is
// judged by the files.
func (e *Engine) alters(ctx context.Context, s site, pr model.PullRequest) (t effect, altered bool) {
	t.site = s
	altered = pr.FilesCut || slices.Contains(pr.Files, e.cfg.File)
	before, err := e.cfg.Repository.Render(ctx, s.env, s.head.Hash)
	if err != nil {
		before = &model.Rendered{Inputs: []string{s.env.Path}}
	}
	after, err := e.cfg.Repository.RenderMerged(ctx, s.env, s.head.Hash, pr.Head)
	if err != nil {
		if altered = altered || s.env.Path == "." || e.touches(pr, before); altered {
			t.missing = []string{fmt.Sprintf("merged into %s, %s does not render: %v", pr.Base, s.env.Name, err)}
		}
		return t, altered
	}
	changed := e.cfg.Repository.Changed(s.env, before, after)
	t.subjects = changedSubjects(s.env, changed)
	return t, altered || len(changed) > 0
}
