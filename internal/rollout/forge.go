package rollout

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fairtide-dev/fairtide/internal/window"
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

// unmet lists the requirements that a pull request does not meet, each with
// what would satisfy it.
func unmet(r model.Requirements, pr model.PullRequest) []string {
	var out []string
	if n := len(pr.Approvals); n < r.Approvals {
		s := fmt.Sprintf("%d of %d approvals: %d more of its head, by somebody other than %s", n, r.Approvals, r.Approvals-n, pr.Author)
		if stale := pr.StaleApprovals(); len(stale) > 0 {
			s += " (" + strings.Join(stale, ", ") + " approved before the last push)"
		}
		out = append(out, s)
	}
	if o := pr.Objections(); r.Approvals > 0 && len(o) > 0 {
		out = append(out, "changes are requested by "+strings.Join(o, ", ")+": they have to approve or withdraw")
	}
	if r.Checks && pr.Checks != model.CheckSuccess {
		out = append(out, checksWord(pr))
	}
	return out
}

func checksWord(pr model.PullRequest) string {
	var names []string
	for _, c := range pr.CheckRuns {
		if c.State == model.CheckFailure || c.State == model.CheckPending {
			names = append(names, c.Name)
		}
	}
	what := ""
	if len(names) > 0 {
		what = " (" + strings.Join(names, ", ") + ")"
	}
	switch pr.Checks {
	case model.CheckFailure:
		return "checks failed" + what + ": a green run of its head is needed"
	case model.CheckPending:
		return "checks are running" + what + ": wait for them"
	case model.CheckNone, "":
		return "no check has reported on its head: one green check is needed"
	}
	note := pr.ChecksNote
	if note == "" {
		note = "the forge does not say how they stand"
	}
	return "checks cannot be read: " + note
}

// required checks the requirements for what a plan ships: every change has to
// come from a pull request that met them when it was merged.
func (e *Engine) required(ctx context.Context, env model.Environment, from, to string) ([]string, error) {
	if env.Requires == (model.Requirements{}) || from == "" || from == to {
		return nil, nil
	}
	p, err := e.cfg.Repository.Pending(ctx, env, from, to)
	if err != nil {
		return nil, err
	}
	pulls, err := e.pullRequestsOf(ctx, p.Changes)
	if err != nil {
		return nil, fmt.Errorf("the requirements cannot be judged: %w", err)
	}
	var out []string
	if p.Incomplete {
		out = append(out, "not every change that is shipped is known: "+p.Diverged)
	}
	for _, c := range p.Changes {
		if !c.RendersChange {
			continue
		}
		pr, ok := pulls[c.Commit]
		if !ok {
			out = append(out, fmt.Sprintf("%s %q came without a pull request: nobody approved it", model.Short(c.Commit), c.Title))
			continue
		}
		for _, u := range unmet(env.Requires, pr) {
			out = append(out, fmt.Sprintf("#%d: %s", pr.Number, u))
		}
	}
	return out, nil
}

// overriddenPrefix begins what gate says when it gives way to a reason.
const overriddenPrefix = "overridden: "

// gate judges window and requirements together, for a merge or an apply. It
// returns what the window said, for the record.
func (e *Engine) gate(ctx context.Context, s site, override string, missing []string) (string, error) {
	info, err := s.cluster.Info(ctx)
	if err != nil {
		return "", err
	}
	w := window.Evaluate(s.env.Windows, info.Now)
	if w.Open && len(missing) == 0 {
		return w.Reason, nil
	}
	reason := strings.TrimSpace(override)
	if reason != "" && s.env.Override.Allowed {
		words := slices.Clone(missing)
		if !w.Open {
			words = append([]string{w.Reason}, words...)
		}
		return overriddenPrefix + strings.Join(words, "; "), nil
	}
	how := ""
	switch {
	case reason != "":
		how = "; the policy does not allow to override it"
	case s.env.Override.Allowed:
		how = "; or give a reason to override it: --override REASON"
	}
	if !w.Open {
		next := "it does not open within a year"
		if !w.NextOpen.IsZero() {
			next = "it opens " + w.NextOpen.UTC().Format("Mon 2006-01-02 15:04 MST")
		}
		return "", model.Errorf(model.ExitWindowClosed, "the window is closed (%s); %s%s", w.Reason, next, how)
	}
	return "", model.Errorf(model.ExitRequirements, "requirements are not met: %s%s", strings.Join(missing, "; "), how)
}
