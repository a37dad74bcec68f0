package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/internal/forge"
	"github.com/fairtide-dev/fairtide/internal/githubtest"
	"github.com/fairtide-dev/fairtide/internal/rollout"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/repo"
)

// paper is a cluster on paper: it keeps records by environment, and whatever
// is applied to it is ready at once.
type paper struct {
	rollout.Cluster
	info   model.ClusterInfo
	states map[string]model.State
	runs   map[string][]model.Run // newest first
}

type paperLease struct{}

func (paperLease) Held() bool                                { return true }
func (paperLease) Lost() <-chan struct{}                     { return nil }
func (paperLease) Aborted() <-chan string                    { return nil }
func (paperLease) SetDoing(string)                           {}
func (paperLease) SetRun(context.Context, string) error      { return nil }
func (paperLease) Release(context.Context) error             { return nil }
func (paperLease) Under(ctx context.Context) context.Context { return ctx }

func (p *paper) Info(context.Context) (model.ClusterInfo, error) { return p.info, nil }
func (p *paper) RefreshKinds()                                   {}

func (p *paper) Plan(_ context.Context, r model.PlanRequest) (*model.Plan, []model.Object, error) {
	plan := &model.Plan{Environment: r.Environment.Name, Commit: r.Rendered.Commit}
	if d := r.State.Deployed; d != nil {
		plan.From = d.Commit
	}
	for _, o := range r.Rendered.Objects {
		plan.Objects = append(plan.Objects, model.PlannedObject{ID: o.ID, Version: o.Version, Verdict: model.VerdictUpdate, After: o.Fields})
	}
	return plan, r.Rendered.Objects, plan.Seal(r.Rendered.Commit)
}

func (p *paper) Apply(_ context.Context, o model.Object, _ model.PlannedObject) (model.InventoryEntry, error) {
	return model.InventoryEntry{ID: o.ID, Version: o.Version, UID: o.ID.Name}, nil
}

func (p *paper) Watch(ctx context.Context, targets []model.Target, emit func(model.Progress), _ func(time.Time, string)) error {
	for _, t := range targets {
		emit(model.Progress{ID: t.ID, Readiness: model.ReadinessReady})
	}
	<-ctx.Done()
	return nil
}

func (p *paper) NewestRun(_ context.Context, _ string, known *model.RunRef) (*model.RunRef, error) {
	return known, nil
}

func (p *paper) ReadState(_ context.Context, env string) (model.State, error) {
	return p.states[env], nil
}

func (p *paper) WriteState(_ context.Context, env string, s model.State) (model.State, error) {
	p.states[env] = s
	return s, nil
}

func (p *paper) ReadLock(context.Context, string) (*model.Lock, error) { return nil, nil }

func (p *paper) Lock(context.Context, string, model.LockAsk) (rollout.Lease, error) {
	return paperLease{}, nil
}

func (p *paper) NewRun(_ context.Context, r model.Run) (model.Run, error) {
	r.ID = r.Environment + "-1"
	p.runs[r.Environment] = []model.Run{r}
	return r, nil
}

func (p *paper) SaveRun(_ context.Context, r model.Run) error {
	p.runs[r.Environment] = []model.Run{r}
	return nil
}

func (p *paper) Runs(_ context.Context, env string) ([]model.Run, error) { return p.runs[env], nil }

// office is a repository on a forge, with two environments on paper that render
// the same base.
type office struct {
	t       *testing.T
	forge   *githubtest.Server
	engine  *rollout.Engine
	cluster *paper
}

const officeConfig = `apiVersion: fairtide.dev/v1
signers: [{name: op1, ssh: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOzf06lVmznDbkuiOqkKtBhBDnTsJKQcH38UGPDTsPcK"}]
environments:
  - {name: staging, tier: staging, path: environments/staging, tests: [{name: smoke, job: smoke.yaml}]}
  - name: production
    tier: production
    path: environments/production
    requires: {approvals: 1, selfApproval: false, checks: true, soak: {environment: staging, for: 24h}, testsPassed: staging}
    override: {allowed: true, groups: [sre]}
`

func newOffice(t *testing.T) *office {
	t.Helper()
	f, err := githubtest.New(githubtest.Options{Owner: "acme", Name: "shop"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, login := range []string{"op1", "dev1", "dev2"} {
		f.AddUser(githubtest.User{Login: login, Token: "ghp_" + login, Right: githubtest.Write})
	}
	o := &office{t: t, forge: f, cluster: &paper{
		info:   model.ClusterInfo{User: "op1@example.com", Groups: []string{"ops"}, UID: "paper", Now: time.Date(2026, 10, 5, 9, 0, 0, 0, time.UTC)},
		states: map[string]model.State{}, runs: map[string][]model.Run{},
	}}
	const base = "resources: [../../base]\n"
	first := o.commit("main", "begin", map[string]string{
		".fairtide.yaml": officeConfig, "base/kustomization.yaml": "resources: [flags.yaml]\n", "base/flags.yaml": officeFlags("1"),
		"environments/staging/kustomization.yaml": base, "environments/production/kustomization.yaml": base,
	})
	for _, env := range []string{"staging", "production"} {
		o.cluster.states[env] = model.State{Deployed: &model.Deployed{Commit: first}}
	}
	dir := filepath.Join(t.TempDir(), "shop")
	for _, args := range [][]string{{"clone", "--quiet", "file://" + f.Dir(), dir}, {"-C", dir, "remote", "set-url", "origin", f.CloneURL()}} {
		cmd := exec.CommandContext(t.Context(), "git", args...)
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v\n%s", args, err, out)
		}
	}
	r, err := repo.Open(t.Context(), repo.Options{
		Path: dir, CacheDir: t.TempDir(),
		Credentials: func(context.Context, string) (string, string, bool) { return "x-access-token", "ghp_op1", true },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	o.engine = rollout.New(rollout.Config{
		Repository: repository{r}, File: ".fairtide.yaml", Host: "bastion", Now: func() time.Time { return o.cluster.info.Now },
		Connect: func(string, string) (rollout.Cluster, error) { return o.cluster, nil },
		Forge: func(ctx context.Context, url string) (rollout.Forge, error) {
			at, err := forge.ParseRemote(url)
			if err != nil {
				return nil, err
			}
			token, source, err := forge.FindToken(ctx, at.Host, forge.Lookup{Env: func(string) string { return "ghp_op1" }})
			if err != nil {
				return nil, err
			}
			return forge.New(forge.Config{Repository: at, Token: token, TokenSource: source, Now: time.Now}), nil
		},
	})
	return o
}

func officeFlags(value string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: flags}\ndata: {version: \"" + value + "\"}\n"
}

func (o *office) commit(branch, message string, files map[string]string) string {
	o.t.Helper()
	sha, err := o.forge.Commit(githubtest.Commit{Branch: branch, Message: message, Files: files})
	if err != nil {
		o.t.Fatal(err)
	}
	return sha
}

// shipped records a run of staging that ended so long ago, with its smoke test.
func (o *office) shipped(commit string, ago time.Duration, result model.TestState) {
	state := model.RunSucceeded
	if result != model.TestPassed {
		state = model.RunFailed
	}
	runs := o.cluster.runs["staging"]
	o.cluster.runs["staging"] = slices.Insert(runs, 0, model.Run{
		ID: "staging-" + string(rune('1'+len(runs))), Environment: "staging", Commit: commit, State: state,
		FinishedAt: o.cluster.info.Now.Add(-ago), Tests: []model.TestResult{{Name: "smoke", State: result, Required: true}},
	})
}

// applies ships a commit to production; says is what the refusal has to say, or
// empty.
func (o *office) applies(what, commit, override, says string) model.Run {
	o.t.Helper()
	plan, err := o.engine.Plan(o.t.Context(), "production", commit)
	if err != nil {
		o.t.Fatal(err)
	}
	run, err := o.engine.Apply(o.t.Context(), model.Approval{Plan: plan, Override: override}, func(model.Event) {})
	switch {
	case says == "":
		if err != nil || run.State != model.RunSucceeded {
			o.t.Fatalf("%s: %s, %v", what, run.State, err)
		}
	case model.CodeOf(err, 0) != model.ExitRequirements || !strings.Contains(err.Error(), says) || len(o.cluster.runs["production"]) != 0:
		o.t.Errorf("%s: %v, want %q", what, err, says)
	}
	if unmet := model.UnmetSentences(plan.Requirements); (says == "") != (len(unmet) == 0) && override == "" {
		o.t.Errorf("%s: the plan says %q", what, unmet)
	}
	return run
}

// From a pull request that its operator may not approve to a run in production,
// on real repositories and a forge.
func TestRequirementsOnTheWayToProduction(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.commit("flags-2", "flags 2", map[string]string{"base/flags.yaml": officeFlags("2")})
	n, err := o.forge.Propose("dev1", githubtest.Proposal{Title: "flags 2", Head: "flags-2", Base: "main"})
	if err != nil {
		t.Fatal(err)
	}
	merge := func(override string) error {
		_, err := o.engine.Merge(t.Context(), "production", n, "", override)
		return err
	}
	for login, says := range map[string]string{"op1": "0 of 1 approvals (not counted: op1 ships it)"} {
		if err := o.forge.Approve(n, login); err != nil {
			t.Fatal(err)
		}
		err := merge("")
		if model.CodeOf(err, 0) != model.ExitRequirements || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), `requirement "checks" is not met`) {
			t.Errorf("approved by %s: %v", login, err)
		}
	}
	if err := merge("it burns"); model.CodeOf(err, 0) != model.ExitRequirements || !strings.Contains(err.Error(), "does not allow op1@example.com to override it: that is for group sre") {
		t.Errorf("an override by somebody else: %v", err)
	}
	if err := o.forge.Approve(n, "dev2"); err != nil {
		t.Fatal(err)
	}
	if err := o.forge.SetCheck(o.forge.Head("flags-2"), "ci", "success"); err != nil {
		t.Fatal(err)
	}
	if err := merge(""); err != nil {
		t.Fatal(err)
	}
	change := o.forge.Head("main")

	o.applies("not in staging", change, "", `production: requirement "soak" is not met: #1 is not live in staging`)
	o.shipped(change, 2*time.Hour, model.TestFailed)
	o.applies("tests failed there", change, "", `requirement "testsPassed" is not met: #1 is not well in staging: in run staging-1 smoke did not pass`)
	o.shipped(change, 2*time.Hour, model.TestPassed)
	o.applies("two hours", change, "", `#1 is live in staging since Mon 2026-10-05 07:00 UTC (2 h of 24 h); wait until Tue 2026-10-06 07:00 UTC; it can be overridden by group sre`)

	o.cluster.info.Now = o.cluster.info.Now.Add(22 * time.Hour)
	reverted := o.commit("main", "Revert \"flags 2\"\n\nThis reverts commit "+change+".", map[string]string{"base/flags.yaml": officeFlags("1")})
	if err := o.engine.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	o.shipped(reverted, time.Hour, model.TestPassed)
	o.applies("reverted in staging", change, "", "#1 is not live in staging any more since run staging-3")
	o.applies("by somebody else", change, "it burns", "that is for group sre")
	o.cluster.runs["staging"] = o.cluster.runs["staging"][1:]
	before := o.cluster.info
	o.cluster.info.Groups = []string{"ops", "sre"}
	o.cluster.info.Now = before.Now.Add(-time.Hour)
	run := o.applies("overridden", change, "it burns", "")
	if x := run.Exception; x == nil || x.By != "op1@example.com" || x.As != "group sre" || x.Reason != "it burns" || len(x.Rules) != 1 || !strings.Contains(x.Rules[0], "23 h of 24 h") {
		t.Errorf("the record says %+v", run.Exception)
	}
	delete(o.cluster.runs, "production")
	s := o.cluster.states["staging"]
	o.cluster.states["production"], o.cluster.info = s, before
	run = o.applies("met", change, "", "")
	if len(run.Requirements) != 4 || len(model.UnmetSentences(run.Requirements)) != 0 || run.Exception != nil {
		t.Errorf("the record says %+v", run)
	}
}
