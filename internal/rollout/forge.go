package rollout

import (
	"context"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// askForge is how long the list of pending changes waits for what the forge
// knows of them; without it, the list is as Git has it.
const askForge = 4 * time.Second

// ValidationCheck begins the name of the commit status under which a sandbox
// validation is reported, and looked for; the environment's name ends it.
const ValidationCheck = "fairtide/validate"

// validationCheck is the status of one environment: what passed in staging says
// nothing of production.
func validationCheck(env string) string { return ValidationCheck + "/" + env }

// connectForge is the forge of the repository's remote. It is found at the
// first use, and looked for again when that failed.
func (e *Engine) connectForge(ctx context.Context) (Forge, error) {
	e.mu.Lock()
	known := e.forge
	e.mu.Unlock()
	if known != nil {
		return known, nil
	}
	remote := e.cfg.Repository.RemoteURL()
	if e.cfg.Forge == nil || remote == "" {
		return nil, model.Errorf(model.ExitUsage, "this repository has no remote, so there are no pull requests; clone it from its forge")
	}
	// Not under the lock: to find a token may start a program.
	f, err := e.cfg.Forge(ctx, remote)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.forge == nil {
		e.forge = f
	}
	return e.forge, nil
}

// Refresh fetches what was merged since. Working without it is possible: what
// is shown is then as old as the last fetch.
func (e *Engine) Refresh(ctx context.Context) error {
	if e.cfg.Repository.RemoteURL() == "" {
		return nil
	}
	_, err := e.cfg.Repository.Fetch(ctx)
	return err
}

// Fetch fetches like Refresh, and says how fresh what is known is, also when
// the remote could not be asked. Without a remote it looks at the local
// branches.
func (e *Engine) Fetch(ctx context.Context) (model.Fetch, error) {
	moved, err := e.cfg.Repository.Fetch(ctx)
	f := e.Fetched(ctx)
	f.Moved = moved
	if !f.Remote && err != nil {
		f.Moved = true // what is there is read again instead
		err = nil
	}
	return f, err
}

// Fetched says how fresh what is known is, and asks nobody.
func (e *Engine) Fetched(ctx context.Context) model.Fetch {
	f := model.Fetch{Remote: e.cfg.Repository.RemoteURL() != "", At: e.cfg.Repository.Fetched(), Every: model.DefaultFetchEvery}
	if cfg, err := e.config(ctx); err == nil {
		f.Every = cfg.FetchEvery
	}
	return f
}

// decorate adds what the forge knows of merged changes: approvals, checks and
// author of their pull requests. It returns why not, which is no error of the
// list.
func (e *Engine) decorate(ctx context.Context, changes []model.Change) error {
	pulls, err := e.pullRequestsOf(ctx, changes)
	for i := range changes {
		if pr, ok := pulls[changes[i].Commit]; ok {
			changes[i].PullRequest = &pr
		}
	}
	return err
}

// pullRequestsOf asks the forge for the pull requests of merged changes. What
// it has said once is kept: they are merged, and nobody approves them any more.
func (e *Engine) pullRequestsOf(ctx context.Context, changes []model.Change) (map[string]model.PullRequest, error) {
	known := map[string]model.PullRequest{}
	var ask []string
	e.mu.Lock()
	for _, c := range changes {
		if pr, ok := e.pulls[c.Commit]; ok {
			known[c.Commit] = pr
		} else {
			ask = append(ask, c.Commit)
		}
	}
	e.mu.Unlock()
	if len(ask) == 0 {
		return known, nil
	}
	f, err := e.connectForge(ctx)
	if err != nil {
		return known, err
	}
	found, err := f.PullRequestsOf(ctx, ask)
	e.mu.Lock()
	defer e.mu.Unlock()
	for commit, pr := range found {
		known[commit] = pr
		if pr.State == model.PullRequestMerged && pr.Checks != model.CheckPending && pr.Checks != model.CheckUnknown {
			e.pulls[commit] = pr
		}
	}
	return known, err
}
