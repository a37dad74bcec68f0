package rollout

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/internal/forge"
	"github.com/fairtide-dev/fairtide/model"
)

// shared is a repository with two environments on one branch. What is pending
// and what a pull request alters are set by the test.
type shared struct {
	oneCommit
	config   string
	pending  model.Pending
	alters   string // paths that a pull request changes, in words
	unmerged map[string]bool
	asked    []model.PendingAsk // by Outline
	calls    int                // of it
	unlisted error              // what it says
}

func (r *shared) File(context.Context, string, string) ([]byte, error) { return []byte(r.config), nil }
func (*shared) DefaultBranch(context.Context) (string, error)          { return "main", nil }
func (*shared) RemoteURL() string                                      { return "https://forge.example/shop/envs" }
func (*shared) Fetch(context.Context) (bool, error)                    { return false, nil }
func (*shared) FetchPull(context.Context, int) (string, error)         { return oldCommit, nil }
func (r *shared) Merged(_ context.Context, commit, _ string) (bool, error) {
	return !r.unmerged[commit], nil
}

func (r *shared) Pending(context.Context, model.Environment, string, string) (model.Pending, error) {
	return r.pending, nil
}

func (r *shared) Outline(_ context.Context, asks []model.PendingAsk) []model.PendingAnswer {
	r.calls++
	r.asked = append(r.asked, asks...)
	answers := make([]model.PendingAnswer, len(asks))
	for i := range answers {
		answers[i] = model.PendingAnswer{Pending: r.pending, Err: r.unlisted}
	}
	return answers
}

func (r *shared) RenderMerged(_ context.Context, env model.Environment, _, head string) (*model.Rendered, error) {
	out := &model.Rendered{Commit: head}
	if strings.Contains(r.alters, env.Path) {
		out.Objects = []model.Object{{ID: id("cart")}}
	}
	return out, nil
}

func (*shared) Changed(_ model.Environment, before, after *model.Rendered) []model.ChangedObject {
	return make([]model.ChangedObject, len(after.Objects)-len(before.Objects))
}

func (*shared) Revert(_ context.Context, _, onto string) (model.Patch, error) {
	return model.Patch{Onto: onto}, nil
}

func (*shared) CommitPatch(context.Context, model.Patch, string, string) (string, error) {
	return draftCommit, nil
}

const draftCommit = "2a2b2c2d2e2f2a2b2c2d2e2f2a2b2c2d2e2f2a2b"

// onePull is a forge with one pull request.
type onePull struct {
	Forge
	pr       model.PullRequest
	merged   string
	comments []string
}

func (f *onePull) Get(context.Context, int) (model.PullRequest, error) { return f.pr, nil }
func (f *onePull) Merge(_ context.Context, _ int, head string, _ forge.MergeMethod) (string, error) {
	f.merged = head
	return newCommit, nil
}

func (f *onePull) UpsertComment(_ context.Context, _ int, _, body string) error {
	f.comments = append(f.comments, body)
	return nil
}

func newShared(production string) (*memory, *shared, *onePull, *Engine) {
	m, _ := newMemory()
	r := &shared{alters: "env/staging", unmerged: map[string]bool{draftCommit: true}}
	r.config = "apiVersion: fairtide.dev/v1\nenvironments:\n- {name: staging, tier: staging, path: env/staging}\n- {name: production, tier: production, path: env/production" + production + "}\n"
	f := &onePull{pr: model.PullRequest{Number: 7, State: model.PullRequestOpen, Base: "main", Head: oldCommit, Files: []string{"env/x.yaml"}}}
	return m, r, f, New(Config{
		Repository: r, File: ".fairtide.yaml", Host: "host", Now: time.Now,
		Connect: func(string, string) (Cluster, error) { return m, nil },
		Forge:   func(context.Context, string) (Forge, error) { return f, nil },
	})
}

// The rules of one environment are no way around those of another on the same
// branch.
func TestMergeIsSubjectToEveryEnvironmentItAlters(t *testing.T) {
	t.Parallel()
	const strict, lenient = ", requires: {approvals: 1}", ", requires: {approvals: 1}, override: {allowed: true}"
	for _, c := range []struct {
		name, production, env, alters, override string
		change                                  func(*model.PullRequest)
		code                                    model.ExitCode
		says                                    string
	}{
		{name: "staging only", production: strict, env: "staging", alters: "env/staging"},
		{name: "both", production: strict, env: "staging", alters: "env/staging env/production", code: model.ExitRequirements, says: "alters production too"},
		{name: "both, overridden", production: lenient, env: "staging", alters: "env/staging env/production", override: "it | burns"},
		{name: "the other one", production: strict, env: "staging", alters: "env/production", code: model.ExitUsage, says: "merge it with -e production"},
		{name: "none", production: strict, env: "staging", code: model.ExitUsage, says: "alters nothing of staging"},
		{name: "the rules themselves", production: strict, env: "staging", change: func(p *model.PullRequest) { p.Files = []string{".fairtide.yaml"} }, code: model.ExitRequirements, says: "production"},
		{name: "closed", env: "staging", alters: "env/staging", change: func(p *model.PullRequest) { p.State = model.PullRequestClosed }, code: model.ExitPlanMoved, says: "closed"},
		{name: "merged", env: "staging", alters: "env/staging", change: func(p *model.PullRequest) { p.State = model.PullRequestMerged }, code: model.ExitPlanMoved, says: "merged already"},
		{name: "pushed", env: "staging", alters: "env/staging", change: func(p *model.PullRequest) { p.Head = newCommit }, code: model.ExitPlanMoved, says: "pushed to since"},
		{name: "draft", env: "staging", alters: "env/staging", change: func(p *model.PullRequest) { p.Draft = true }, code: model.ExitRequirements, says: "draft"},
		{name: "elsewhere", env: "staging", alters: "env/staging", change: func(p *model.PullRequest) { p.Base = "next" }, code: model.ExitUsage, says: "goes into next"},
	} {
		_, r, f, e := newShared(c.production)
		r.alters = c.alters
		if c.change != nil {
			c.change(&f.pr)
		}
		commit, err := e.Merge(t.Context(), c.env, 7, oldCommit, c.override)
		if model.CodeOf(err, model.ExitRolloutFailed) != c.code || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.name, err)
		}
		if (err == nil) != (f.merged == oldCommit && commit == newCommit) {
			t.Errorf("%s: merged %q as %q, %v", c.name, f.merged, commit, err)
		}
		if (c.override != "") != (len(f.comments) == 1 && strings.Contains(f.comments[0], `it \| burns`)) {
			t.Errorf("%s: comments %q", c.name, f.comments)
		}
	}
}

// Only a revert that was made here may be applied before it is merged, and only
// where the policy allows it and for a reason.
func TestEmergency(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		allowed, drafted bool
		override         string
		code             model.ExitCode
	}{
		{true, true, "it burns", model.ExitOK},
		{true, true, " ", model.ExitRequirements},
		{false, true, "it burns", model.ExitRequirements},
		{true, false, "it burns", model.ExitUsage},
	} {
		m, r, _, e := newShared(fmt.Sprintf(", override: {allowed: %t}", c.allowed))
		r.pending.Changes = nil
		m.state.Deployed.Commit = newCommit
		if c.drafted {
			if _, _, err := e.Draft(t.Context(), model.DraftRequest{Environment: "production", Kind: model.DraftRevert, Commit: newCommit}); err != nil {
				t.Fatal(err)
			}
		}
		plan := &model.Plan{Environment: "production", Commit: draftCommit, From: newCommit}
		x := &execution{engine: e, approval: model.Approval{Plan: plan, Override: c.override, Emergency: true}}
		var err error
		if x.site, err = e.locate(t.Context(), "production"); err != nil {
			t.Fatal(err)
		}
		if err := x.admit(t.Context()); model.CodeOf(err, model.ExitRolloutFailed) != c.code {
			t.Errorf("%+v: %v", c, err)
		}
		x.approval.Emergency = false
		if err := x.admit(t.Context()); model.CodeOf(err, 0) != model.ExitUsage {
			t.Errorf("%+v: applied without being merged: %v", c, err)
		}
	}
}

// Requirements are not met by what is not known.
func TestRequirementsOfAnIncompleteList(t *testing.T) {
	t.Parallel()
	_, r, _, e := newShared("")
	r.pending = model.Pending{Incomplete: true, Diverged: "this clone is shallow"}
	env := model.Environment{Requires: model.Requirements{Approvals: 1}}
	m, _ := newMemory()
	found, err := e.needs(t.Context(), site{env: env, cluster: m}, oldCommit, newCommit)
	if err != nil {
		t.Fatal(err)
	}
	missing := model.UnmetSentences(found.requirements())
	if len(missing) != 1 || !strings.Contains(missing[0], "this clone is shallow") {
		t.Errorf("%q", missing)
	}
}

func TestRevertOfRun(t *testing.T) {
	t.Parallel()
	one := []model.Change{{Commit: newCommit}}
	for _, c := range []struct {
		name, id, from string
		pending        model.Pending
		kind           model.DraftKind
		commit         string
	}{
		{"one change", "staging-4", oldCommit, model.Pending{Changes: one}, model.DraftRevert, newCommit},
		{"by number", "4", oldCommit, model.Pending{Changes: one}, model.DraftRevert, newCommit},
		{"several", "4", oldCommit, model.Pending{Changes: append(one, one...)}, model.DraftBackTo, oldCommit},
		{"diverged", "4", oldCommit, model.Pending{Changes: one, Diverged: "x"}, model.DraftBackTo, oldCommit},
		{"the first deployment", "4", "", model.Pending{}, "", ""},
		{"nothing shipped", "4", newCommit, model.Pending{}, "", ""},
		{"unknown", "5", oldCommit, model.Pending{}, "", ""},
	} {
		m, r, _, e := newShared("")
		m.runs = []model.Run{{ID: "staging-4", From: c.from, Commit: newCommit}}
		r.pending = c.pending
		got, err := e.RevertOfRun(t.Context(), "staging", c.id)
		if c.kind == "" {
			if model.CodeOf(err, 0) != model.ExitUsage {
				t.Errorf("%s: %+v, %v", c.name, got, err)
			}
			continue
		}
		if want := (model.DraftRequest{Environment: "staging", Kind: c.kind, Commit: c.commit}); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", c.name, got, err)
		}
	}
}

// An automatic pass deploys what is new, once, and does not take back what an
// emergency revert took out.
func TestRunOnce(t *testing.T) {
	t.Parallel()
	m, r, _, e := newShared(", deploy: auto")
	nobody := func(model.Event) {}
	pass := func(what string, run bool, says string) {
		t.Helper()
		n := len(m.runs)
		results, err := e.RunOnce(t.Context(), "", nobody)
		if err != nil || len(results) != 1 || results[0].Environment != "production" || (results[0].Run != nil) != run || len(m.runs) > n != run || !strings.Contains(results[0].Message, says) {
			t.Fatalf("%s: %+v, %v, %d new records", what, results, err, len(m.runs)-n)
		}
	}
	ready := m.progress
	m.progress = func(o model.ObjectID) model.Progress {
		return model.Progress{ID: o, Readiness: model.ReadinessFailed, Cause: "crashes"}
	}
	r.pending.Changes = []model.Change{{Commit: newCommit, RendersChange: true}}
	pass("a change that fails", true, "crashes")
	pass("the same again", false, "not tried again")
	m.state.LastRun.Commit, r.pending.Changes = oldCommit, nil
	pass("a merge that does not concern it", false, "not tried again")
	m.progress, r.pending.Changes = ready, []model.Change{{Commit: newCommit, RendersChange: true}}
	pass("the next change", true, "")
	pass("nothing new", false, "up to date")

	m.state.Deployed.Commit = draftCommit
	r.pending = model.Pending{Changes: []model.Change{{Commit: newCommit}}, Diverged: "not on the line"}
	r.alters = "env/production" // merging the draft would change what the head renders
	pass("what is live was not merged", false, "would undo it")
	if results, _ := e.RunOnce(t.Context(), "production", nobody); len(results) != 1 || !Waits(results[0].Err) {
		t.Errorf("%+v is no reason to wait", results)
	}
	r.alters = ""
	pass("it was", true, "")
	if _, err := e.RunOnce(t.Context(), "staging", nobody); model.CodeOf(err, 0) != model.ExitUsage {
		t.Errorf("an environment that is not automatic: %v", err)
	}
}

// What writes is refused where nothing may be written.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	_, _, _, e := newShared("")
	e.cfg.ReadOnly = true
	_, merge := e.Merge(t.Context(), "staging", 7, "", "")
	_, publish := e.Publish(t.Context(), "staging", model.Draft{})
	_, validate := e.Validate(t.Context(), ValidateRequest{Environment: "staging", Head: newCommit}, func(model.Event) {})
	for what, err := range map[string]error{"merge": merge, "publish": publish, "validate": validate} {
		if model.CodeOf(err, 0) != model.ExitUsage || !strings.Contains(err.Error(), "--read-only") {
			t.Errorf("%s: %v", what, err)
		}
	}
}
