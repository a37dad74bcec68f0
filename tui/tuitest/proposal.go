package tuitest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// Proposed implements tui.Backend.
func (b *Backend) Proposed(_ context.Context, env string) ([]model.Proposed, error) {
	if err := b.called("Proposed %s", env); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.Proposals[env]), nil
}

// ProposedPlan implements tui.Backend: the environment's plan, for the head of
// the pull request.
func (b *Backend) ProposedPlan(_ context.Context, env string, number int) (*model.Plan, error) {
	if err := b.called("ProposedPlan %s %d", env, number); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.IndexFunc(b.Proposals[env], func(p model.Proposed) bool { return p.Number == number })
	if i < 0 {
		return nil, model.Errorf(model.ExitRequirements, "#%d is not open any more", number)
	}
	p := *b.Plans[env]
	p.Commit = b.Proposals[env][i].Head
	return &p, nil
}

// Merge implements tui.Backend. It has the gates of a real one: the expected
// head, the requirements, the window.
func (b *Backend) Merge(_ context.Context, env string, number int, head, override string) (string, error) {
	if err := b.called("Merge %s %d %s %s", env, number, head, override); err != nil {
		return "", err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.Proposals[env]
	i := slices.IndexFunc(all, func(p model.Proposed) bool { return p.Number == number })
	switch {
	case i < 0:
		return "", model.Errorf(model.ExitRequirements, "#%d is not open any more", number)
	case all[i].Head != head:
		return "", model.Errorf(model.ExitPlanMoved, "#%d: the head moved from %s to %s; read it again", number, model.Short(head), model.Short(all[i].Head))
	case len(all[i].Unmet) > 0 && (override == "" || all[i].Draft):
		return "", model.Errorf(model.ExitRequirements, "#%d cannot be merged: %s", number, all[i].Unmet[0])
	}
	if w := b.Statuses[env].Window; w != nil && !w.Open && override == "" {
		return "", model.Errorf(model.ExitWindowClosed, "%s: the window is closed: %s", env, w.Reason)
	}
	const commit = "e5d4c3b2a190f8e7d6c5b4a39281706f5e4d3c2b"
	merged := all[i]
	b.Proposals[env] = slices.Delete(slices.Clone(all), i, i+1)
	p, st := b.Pendings[env], b.Statuses[env]
	p.Changes = append([]model.Change{{
		Commit: commit, Title: merged.Title, Author: merged.Author, MergedAt: time.Now(), RendersChange: true,
		PullRequest: &merged.PullRequest, Objects: merged.Objects, Files: merged.Files,
	}}, p.Changes...)
	p.Head, st.Head, st.Pending = model.Commit{Hash: commit}, commit, len(p.Changes)
	b.Pendings[env], b.Statuses[env] = p, st
	return commit, nil
}

// Draft implements tui.Backend: the plan is the environment's, the other way
// round, and for an upgrade as it is.
func (b *Backend) Draft(_ context.Context, r model.DraftRequest) (model.Draft, *model.Plan, error) {
	what := r.Commit
	if r.Kind == model.DraftBump {
		what = r.Image + "=" + r.Tag
	}
	if r.Kind == model.DraftAdopt {
		what = r.Fields[0].String()
	}
	if err := b.called("Draft %s %s %s", r.Environment, r.Kind, what); err != nil {
		return model.Draft{}, nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	p := *b.Plans[r.Environment]
	p.Commit = "0d1e2f3a4b5c6d7e8f9012a3b4c5d6e7f8091a2b"
	d := model.Draft{
		Kind: r.Kind, Commit: p.Commit, Onto: Head, Branch: fmt.Sprintf("fairtide/%s-%s", r.Kind, model.Short(what)),
		Title: "Revert \"petstore 1.4.2\"", Body: "Reverts " + model.Short(what) + ".",
		Files:   []model.FileChange{{Path: "environments/production/petstore.yaml", Diff: "-  image: petstore:1.4.2\n+  image: petstore:1.4.1\n"}},
		Objects: []model.ChangedObject{{ID: deploymentID("petstore"), Verdict: model.VerdictUpdate, Summary: "image 1.4.2 → 1.4.1"}},
	}
	switch r.Kind {
	case model.DraftBackTo:
		d.Title = r.Environment + ": back to " + model.Short(what)
	case model.DraftBump:
		d.Title, d.Branch = "bump "+what, "fairtide/bump-petstore-"+r.Tag
		d.Objects[0].Summary = "image 1.4.2 → " + r.Tag
		return d, &p, nil
	case model.DraftAdopt:
		d.Title, d.Body, d.Branch = r.Environment+": adopt "+r.Fields[0].Path, "Writes to Git what is live.", "fairtide/adopt-"+r.Fields[0].ID.Name
		d.Files = []model.FileChange{{Path: "environments/production/kustomization.yaml", Diff: "-  count: 3\n+  count: 5\n"}}
		d.Objects = []model.ChangedObject{{ID: r.Fields[0].ID, Verdict: model.VerdictUpdate, Summary: "replicas 3 → 5"}}
		return d, &p, nil
	}
	p.Objects = slices.Clone(p.Objects)
	for i := range p.Objects {
		o := &p.Objects[i]
		o.Before, o.After = o.After, o.Before
		switch o.Verdict {
		case model.VerdictCreate:
			o.Verdict = model.VerdictDelete
		case model.VerdictDelete:
			o.Verdict = model.VerdictCreate
		}
	}
	p.Sort()
	return d, &p, nil
}

// Publish implements tui.Backend: the draft is proposed from now on.
func (b *Backend) Publish(_ context.Context, env string, d model.Draft) (model.PullRequest, error) {
	if err := b.called("Publish %s %s", env, d.Branch); err != nil {
		return model.PullRequest{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	pr := model.PullRequest{
		Number: 46, URL: "https://github.com/shop/petstore-environments/pull/46", Title: d.Title, Author: "op1",
		State: model.PullRequestOpen, Base: "main", Head: d.Commit, Ref: d.Branch, Mergeable: model.MergeableUnknown,
		Checks: model.CheckPending, CreatedAt: time.Now(), UpdatedAt: time.Now(),
	}
	b.Proposals[env] = append([]model.Proposed{{PullRequest: pr, Objects: d.Objects, Unmet: []string{"2 approvals are missing"}}}, b.Proposals[env]...)
	return pr, nil
}

// Images implements tui.Backend.
func (b *Backend) Images(_ context.Context, env string) ([]model.ImageUse, error) {
	if err := b.called("Images %s", env); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.Uses[env]), nil
}

func deploymentID(name string) model.ObjectID {
	return model.ObjectID{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: name}
}

// The heads of the sample's pull requests.
const (
	ReadyHead = "aa11bb22cc33dd44ee55ff6677889900aabbccdd"
	StaleHead = "bb22cc33dd44ee55ff6677889900aabbccddeeff"
)

// proposals are three pull requests: one may be merged, one is approved at an
// earlier commit, one is in conflict.
func proposals(now time.Time) []model.Proposed {
	const url = "https://github.com/shop/petstore-environments/pull/"
	ready := model.Proposed{
		PullRequest: model.PullRequest{
			Number: 45, URL: url + "45", Title: "petstore 1.4.3", Author: "dev1", State: model.PullRequestOpen, Base: "main",
			Head: ReadyHead, Ref: "bump/petstore-1.4.3", Mergeable: model.MergeableYes, Checks: model.CheckSuccess,
			CheckRuns: []model.Check{{Name: "validate", State: model.CheckSuccess}, {Name: "lint", State: model.CheckSuccess}},
			Files:     []string{"environments/production/petstore.yaml"}, CreatedAt: now.Add(-3 * time.Hour), UpdatedAt: now.Add(-2 * time.Hour),
		},
		Objects:    []model.ChangedObject{{ID: deploymentID("petstore"), Verdict: model.VerdictUpdate, Summary: "image 1.4.2 → 1.4.3"}},
		Validation: &model.Check{Name: "fairtide/validate", State: model.CheckSuccess, Description: "1 object applied in fairtide-sandbox-45, 2 of 2 tests passed"},
	}
	ready.Review(model.Review{Author: "dev2", State: model.ReviewApproved, Commit: ReadyHead, At: now.Add(-time.Hour)})
	ready.Review(model.Review{Author: "dev3", State: model.ReviewApproved, Commit: ReadyHead, At: now.Add(-30 * time.Minute)})
	stale := model.Proposed{
		PullRequest: model.PullRequest{
			Number: 44, URL: url + "44", Title: "gateway: timeout 30s → 45s", Author: "dev2", State: model.PullRequestOpen, Base: "main",
			Head: StaleHead, Ref: "gateway-timeout", Mergeable: model.MergeableYes, Checks: model.CheckFailure,
			CheckRuns: []model.Check{{Name: "lint", State: model.CheckFailure, Description: "base/gateway/config.yaml:4: trailing blank"}, {Name: "validate", State: model.CheckPending}},
			Files:     []string{"base/gateway/config.yaml"}, CreatedAt: now.Add(-26 * time.Hour), UpdatedAt: now.Add(-20 * time.Minute),
		},
		Objects: []model.ChangedObject{{ID: model.ObjectID{Kind: "ConfigMap", Namespace: "shop", Name: "gateway"}, Verdict: model.VerdictUpdate, Summary: "data.timeout 30s → 45s"}},
		Unmet: []string{
			"1 of 2 approvals: dev3 approved an earlier commit; an approval of bb22cc3 by somebody other than dev2 would do",
			"check lint failed: it has to pass",
		},
		Validation: &model.Check{Name: "fairtide/validate", State: model.CheckPending, Description: "waiting for the sandbox"},
	}
	stale.Review(model.Review{Author: "dev1", State: model.ReviewApproved, Commit: StaleHead, At: now.Add(-10 * time.Minute)})
	stale.Review(model.Review{Author: "dev3", State: model.ReviewApproved, Commit: Third, At: now.Add(-25 * time.Hour)})
	conflict := model.Proposed{
		PullRequest: model.PullRequest{
			Number: 38, URL: url + "38", Title: "base: smaller requests", Author: "dev3", State: model.PullRequestOpen, Base: "main", Draft: true,
			Head: "cc33dd44ee55ff6677889900aabbccddeeff0011", Ref: "requests", Mergeable: model.MergeableConflict, Checks: model.CheckNone,
			Files: []string{"base/gateway/deployment.yaml"}, CreatedAt: now.Add(-9 * 24 * time.Hour), UpdatedAt: now.Add(-8 * 24 * time.Hour),
		},
		Problem: "it conflicts with main in base/gateway/deployment.yaml, so that there is nothing to render",
		Unmet:   []string{"it is a draft: mark it as ready for review", "it conflicts with main: merge main into requests"},
	}
	conflict.Review(model.Review{Author: "dev1", State: model.ReviewChanges, Commit: conflict.Head, At: now.Add(-8 * 24 * time.Hour)})
	return []model.Proposed{ready, stale, conflict}
}

// uses are images of which one can be upgraded and one cannot be asked for.
func uses() []model.ImageUse {
	return []model.ImageUse{
		{Image: "ghcr.io/shop/petstore", Tag: "1.4.2", Newest: "1.4.3", Objects: []model.ObjectID{deploymentID("petstore"), deploymentID("petstore-admin")}},
		{Image: "ghcr.io/shop/gateway", Tag: "2.0.9", Objects: []model.ObjectID{deploymentID("gateway")}},
		{Image: "registry.internal/cart", Tag: "0.9.1", Objects: []model.ObjectID{deploymentID("cart")}, Problem: "registry.internal cannot be reached: connection refused"},
		{Image: "busybox", Digest: "sha256:9ae97d36d26566ff84e8893c64a6dc4fe8ca6d1144bf5b87b2b85a32def253c7", Objects: []model.ObjectID{deploymentID("cart")}},
	}
}
