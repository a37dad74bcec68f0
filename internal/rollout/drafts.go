package rollout

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/fairtide-dev/fairtide/internal/forge"
	"github.com/fairtide-dev/fairtide/model"
)

// Draft makes the commit of a revert, a way back, an upgrade or an adoption in
// fairtide's own repository, and the plan of applying it. Nothing is pushed. A revert
// that conflicts is an error that names the files.
func (e *Engine) Draft(ctx context.Context, r model.DraftRequest) (model.Draft, *model.Plan, error) {
	s, err := e.locate(ctx, r.Environment)
	if err != nil {
		return model.Draft{}, nil, err
	}
	d, err := e.draft(ctx, s, r)
	if err != nil {
		return model.Draft{}, nil, prefix(r.Environment, err)
	}
	p, err := e.read(ctx, s, model.PlanAsk{Commit: d.Commit, Lenses: true})
	if err != nil {
		return d, nil, err
	}
	e.blame(ctx, s.env, p, d.Commit)
	return d, p.plan, nil
}

func (e *Engine) draft(ctx context.Context, s site, r model.DraftRequest) (model.Draft, error) {
	repo := e.cfg.Repository
	if r.Commit != "" {
		hash, err := repo.Resolve(ctx, r.Commit)
		if err != nil {
			return model.Draft{}, err
		}
		r.Commit = hash
	}
	patch, err := e.patch(ctx, s, r)
	if err != nil {
		return model.Draft{}, err
	}
	if len(patch.Conflicts) > 0 {
		return model.Draft{}, conflictError(r, patch.Conflicts)
	}
	d := e.describe(ctx, s, r)
	d.Kind, d.Onto, d.Files = r.Kind, patch.Onto, patch.Files
	if d.Commit, err = repo.CommitPatch(ctx, patch, d.Title, d.Body); err != nil {
		return model.Draft{}, err
	}
	if err := e.remember(ctx, s, r, d); err != nil {
		return model.Draft{}, err
	}
	before, err := repo.Render(ctx, s.env, d.Onto)
	if err != nil {
		return model.Draft{}, err
	}
	after, err := repo.Render(ctx, s.env, d.Commit)
	if err != nil {
		return model.Draft{}, err
	}
	d.Objects = repo.Changed(s.env, before, after)
	d.Files = withoutSecrets(d.Files, slices.Concat(before.Objects, after.Objects), s.env.Mask)
	return d, nil
}

// remember keeps the drafts that may be applied before they are merged: those
// that take the environment back to what was merged once.
func (e *Engine) remember(ctx context.Context, s site, r model.DraftRequest, d model.Draft) error {
	if r.Kind == model.DraftBump || r.Kind == model.DraftAdopt {
		return nil
	}
	merged, err := e.cfg.Repository.Merged(ctx, r.Commit, s.head.Hash)
	if err != nil || !merged {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.reverts[d.Commit] = true
	return nil
}

func (e *Engine) patch(ctx context.Context, s site, r model.DraftRequest) (model.Patch, error) {
	switch r.Kind {
	case model.DraftRevert:
		merged, err := e.cfg.Repository.Merged(ctx, r.Commit, s.head.Hash)
		if err != nil {
			return model.Patch{}, err
		}
		if !merged {
			return model.Patch{}, model.Errorf(model.ExitUsage, "%s is not on the branch that %s is deployed from: nothing was merged as it; `fairtide history -e %[2]s` and `git log --first-parent` list what was", model.Short(r.Commit), s.env.Name)
		}
		return e.cfg.Repository.Revert(ctx, r.Commit, s.head.Hash)
	case model.DraftBackTo:
		return e.cfg.Repository.BackTo(ctx, s.env, r.Commit, s.head.Hash)
	case model.DraftBump:
		return e.cfg.Repository.Bump(ctx, s.env, r.Image, r.Tag, s.head.Hash)
	case model.DraftAdopt:
		return e.adopt(ctx, s, r)
	}
	return model.Patch{}, model.Errorf(model.ExitUsage, "unknown kind of draft %q", r.Kind)
}

func conflictError(r model.DraftRequest, conflicts []model.Conflict) error {
	var lines []string
	for _, c := range conflicts {
		lines = append(lines, fmt.Sprintf("  %s: %s", c.Path, c.Reason))
	}
	return model.Errorf(model.ExitUsage, "reverting %s conflicts in %d files:\n%s\ngo back to the commit before it instead, which cannot conflict: fairtide revert -e %s --back-to %s~1",
		model.Short(r.Commit), len(conflicts), strings.Join(lines, "\n"), r.Environment, model.Short(r.Commit))
}

// describe gives a draft its title, text and branch.
func (e *Engine) describe(ctx context.Context, s site, r model.DraftRequest) model.Draft {
	short := model.Short(r.Commit)
	switch r.Kind {
	case model.DraftAdopt:
		return describeAdopt(s, r)
	case model.DraftBump:
		name := r.Image[strings.LastIndex(r.Image, "/")+1:]
		return model.Draft{
			Title:  fmt.Sprintf("%s %s in %s", name, r.Tag, s.env.Name),
			Body:   fmt.Sprintf("Upgrades %s to %s in %s.\n", r.Image, r.Tag, s.env.Name),
			Branch: branchName("bump", s.env.Name, name, r.Tag),
		}
	case model.DraftBackTo:
		return model.Draft{
			Title:  fmt.Sprintf("%s: back to %s", s.env.Name, short),
			Body:   fmt.Sprintf("Puts everything that %s is rendered from back to how it was at %s.\n", s.env.Name, r.Commit),
			Branch: branchName("back-to", s.env.Name, short, model.Short(s.head.Hash)),
		}
	}
	title, number := short, ""
	if c, err := e.commitTitle(ctx, s, r.Commit); err == nil {
		title = c.Title
		if c.PullRequest != nil {
			number = fmt.Sprintf(" (#%d)", c.PullRequest.Number)
		}
	}
	return model.Draft{
		Title:  fmt.Sprintf("Revert %q", title),
		Body:   fmt.Sprintf("Reverts commit %s%s.\n", r.Commit, number),
		Branch: branchName("revert", s.env.Name, short, model.Short(s.head.Hash)),
	}
}

// commitTitle finds the change that a commit is, if the environment has it.
func (e *Engine) commitTitle(ctx context.Context, s site, commit string) (model.Change, error) {
	parent, err := e.cfg.Repository.Resolve(ctx, commit+"~1")
	if err != nil {
		return model.Change{}, err
	}
	p, err := e.cfg.Repository.Pending(ctx, s.env, parent, commit)
	if err != nil {
		return model.Change{}, err
	}
	if len(p.Changes) == 0 {
		return model.Change{Title: p.Head.Title}, nil
	}
	return p.Changes[0], nil
}

// branchName joins words into a branch of fairtide's own.
func branchName(words ...string) string {
	clean := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '-', r == '_':
			return r
		}
		return '-'
	}, strings.Join(words, "-"))
	for { // what git allows nowhere in a name, or not at its end
		next := strings.TrimSuffix(strings.Trim(strings.ReplaceAll(clean, "..", "-"), ".-"), ".lock")
		if next == clean {
			return "fairtide/" + clean
		}
		clean = next
	}
}

// Publish pushes a draft to a branch of its own and opens the pull request.
func (e *Engine) Publish(ctx context.Context, name string, d model.Draft) (model.PullRequest, error) {
	if e.cfg.ReadOnly {
		return model.PullRequest{}, model.Errorf(model.ExitUsage, "started with --read-only: nothing is pushed")
	}
	s, err := e.locate(ctx, name)
	if err != nil && s.head.Hash == "" {
		return model.PullRequest{}, err
	}
	f, err := e.connectForge(ctx)
	if err != nil {
		return model.PullRequest{}, prefix(name, err)
	}
	base, err := e.branchOf(ctx, s.env)
	if err != nil {
		return model.PullRequest{}, prefix(name, err)
	}
	if err := e.cfg.Repository.Push(ctx, d.Commit, d.Branch); err != nil {
		return model.PullRequest{}, prefix(name, err)
	}
	pr, err := f.Create(ctx, forge.NewPullRequest{Title: d.Title, Body: d.Body, Head: d.Branch, Base: base})
	if err != nil {
		return pr, prefix(name, fmt.Errorf("branch %s was pushed, but its pull request was not opened: %w", d.Branch, err))
	}
	return pr, nil
}

// RevertOfRun says what reverts a run: the one change it shipped, or, when it
// shipped several or none that is known, the way back to what was live before.
func (e *Engine) RevertOfRun(ctx context.Context, name, id string) (model.DraftRequest, error) {
	r := model.DraftRequest{Environment: name}
	s, err := e.locate(ctx, name)
	if err != nil {
		return r, err
	}
	runs, unreadable := s.cluster.Runs(ctx, name) // what can be read comes along with the error
	for _, run := range runs {
		if run.ID != id && run.ID != name+"-"+id {
			continue
		}
		if run.From == "" {
			return r, model.Errorf(model.ExitUsage, "%s: run %s was the first deployment; there is nothing to go back to", name, run.ID)
		}
		if run.From == run.Commit {
			return r, model.Errorf(model.ExitUsage, "%s: run %s shipped no change: it applied %s, which was live already; revert the run before it", name, run.ID, model.Short(run.Commit))
		}
		shipped, err := e.cfg.Repository.Pending(ctx, s.env, run.From, run.Commit)
		if err == nil && shipped.Diverged == "" && len(shipped.Changes) == 1 {
			r.Kind, r.Commit = model.DraftRevert, shipped.Changes[0].Commit
			return r, nil
		}
		r.Kind, r.Commit = model.DraftBackTo, run.From
		return r, nil
	}
	if unreadable != nil {
		return r, prefix(name, unreadable)
	}
	return r, model.Errorf(model.ExitUsage, "%s: no run %q is recorded; `fairtide history -e %[1]s` lists them", name, id)
}
