package rollout

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

type fields = map[string]any

// lineRepo is a repository with a line of commits, each with its render.
type lineRepo struct {
	oneCommit
	commits []string // newest first; the last is deployed
	renders map[string][]model.Object
	asked   atomic.Int64
	fail    string // a commit that cannot be rendered
}

func (r *lineRepo) Head(context.Context, string) (model.Commit, error) {
	return model.Commit{Hash: r.commits[0]}, nil
}

func (r *lineRepo) Render(ctx context.Context, _ model.Environment, commit string) (*model.Rendered, error) {
	r.asked.Add(1)
	if commit == r.fail {
		return nil, errors.New("it does not render")
	}
	return &model.Rendered{Commit: commit, Objects: r.renders[commit]}, ctx.Err()
}

func (r *lineRepo) Outline(_ context.Context, asks []model.PendingAsk) []model.PendingAnswer {
	var p model.Pending
	for i, c := range r.commits {
		if c == asks[0].Deployed {
			break
		}
		ch := model.Change{Commit: c}
		if i%2 == 0 {
			ch.PullRequest = &model.PullRequest{Number: 100 + i}
		}
		p.Changes = append(p.Changes, ch)
	}
	return []model.PendingAnswer{{Pending: p}}
}

// planned is a cluster whose plan has the given objects.
type planned struct {
	*memory
	objects []model.PlannedObject
	asked   model.PlanRequest
}

func (p *planned) Plan(_ context.Context, r model.PlanRequest) (*model.Plan, []model.Object, error) {
	p.asked = r
	plan := &model.Plan{Environment: r.Environment.Name, Commit: r.Rendered.Commit, From: deployedCommit(r.State), Kept: r.Keep}
	for _, o := range p.objects {
		o.Causes = append([]model.Cause(nil), o.Causes...)
		plan.Objects = append(plan.Objects, o)
	}
	return plan, nil, plan.Seal("")
}

// cart is a Deployment as a render has it: without the namespace.
func cart(image string, replicas int, env ...string) model.Object {
	var list []any
	for _, name := range env {
		list = append(list, fields{"name": name, "value": "x"})
	}
	return model.Object{ID: model.ObjectID{Group: "apps", Kind: "Deployment", Name: "cart"}, Version: "v1", Fields: fields{
		"spec": fields{"replicas": int64(replicas), "containers": []any{fields{"name": "main", "image": image, "env": list}}},
	}}
}

func secret(password string) model.Object {
	return model.Object{ID: model.ObjectID{Kind: "Secret", Name: "db"}, Version: "v1", Fields: fields{"stringData": fields{"password": password}}}
}

func git(path string) model.Cause { return model.Cause{Path: path, Kind: model.CauseGit, By: "head"} }

func blameWorld(repo *lineRepo, objects ...model.PlannedObject) (*planned, *Engine) {
	m, _ := newMemory()
	m.state.Deployed.Commit = repo.commits[len(repo.commits)-1]
	c := &planned{memory: m, objects: objects}
	return c, New(Config{
		Repository: namespaced{repo}, File: ".fairtide.yaml", Host: "host", Now: time.Now,
		Connect: func(string, string) (Cluster, error) { return c, nil },
	})
}

// namespaced has an environment with a namespace.
type namespaced struct{ *lineRepo }

func (namespaced) File(context.Context, string, string) ([]byte, error) {
	return []byte("apiVersion: fairtide.dev/v1\nenvironments:\n- {name: staging, tier: staging, path: x, namespace: shop}\n"), nil
}

func deploymentOf(causes ...model.Cause) model.PlannedObject {
	return model.PlannedObject{ID: model.ObjectID{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "cart"}, Verdict: model.VerdictUpdate, Causes: causes}
}

func causesOf(t *testing.T, e *Engine) string {
	t.Helper()
	plan, err := e.PlanAs(t.Context(), model.PlanAsk{Environment: "staging"})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, o := range plan.Objects {
		for _, c := range o.Causes {
			out = append(out, fmt.Sprintf("%s=%s:%s#%d", c.Path, c.Kind, c.By, c.PullRequest))
		}
	}
	return strings.Join(out, " ")
}

func threeCommits() *lineRepo {
	return &lineRepo{commits: []string{"c3", "c2", "c1", "c0"}, renders: map[string][]model.Object{
		"c0": {cart("cart:1", 3), secret("a")},
		"c1": {cart("cart:2", 3), secret("b")},
		"c2": {cart("cart:2", 3, "NEW"), secret("b")},
		"c3": {cart("cart:3", 3, "NEW"), secret("b"), {ID: model.ObjectID{Kind: "ConfigMap", Namespace: "shop", Name: "new"}, Fields: fields{}}},
	}}
}

func TestBlameFindsTheNewestCommitOfEachPath(t *testing.T) {
	repo := threeCommits()
	at := time.Date(2026, 10, 5, 9, 0, 0, 0, time.UTC)
	_, e := blameWorld(repo,
		deploymentOf(git("spec.containers[main].image"), git("spec.containers[main].env[NEW]"), git("spec.replicas"),
			model.Cause{Path: "spec.paused", Kind: model.CauseDrift, By: "kubectl-edit", At: at}),
		model.PlannedObject{ID: model.ObjectID{Kind: "Secret", Namespace: "shop", Name: "db"}, Verdict: model.VerdictUpdate, Causes: []model.Cause{git("data.password")}},
		model.PlannedObject{ID: model.ObjectID{Kind: "ConfigMap", Namespace: "shop", Name: "new"}, Verdict: model.VerdictCreate},
	)
	want := "spec.containers[main].image=git:c3#100 spec.containers[main].env[NEW]=git:c2#0 spec.replicas=drift:#0 spec.paused=drift:kubectl-edit#0 " +
		"data.password=git:c1#102 =git:c3#100"
	if got := causesOf(t, e); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestBlameOfWhatIsDeployed(t *testing.T) {
	repo := threeCommits()
	repo.commits = []string{"c3"}
	c, e := blameWorld(repo, deploymentOf(git("spec.replicas"), git("spec.gone")),
		model.PlannedObject{ID: model.ObjectID{Kind: "ConfigMap", Namespace: "shop", Name: "new"}, Verdict: model.VerdictCreate},
		model.PlannedObject{ID: model.ObjectID{Kind: "ConfigMap", Namespace: "shop", Name: "leftover"}, Verdict: model.VerdictDelete})
	// Git is as it was: what Git writes was changed, or deleted, live; what
	// neither render has no commit in sight brought.
	if got, want := causesOf(t, e), "spec.replicas=drift:#0 spec.gone=git:#0 =drift:#0 =git:#0"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	// After a run that failed, the live values may be that run's.
	c.state.LastRun = &model.RunRef{ID: "staging-1", State: model.RunFailed}
	if got, want := causesOf(t, e), "spec.replicas=git:#0 spec.gone=git:#0 =git:#0 =git:#0"; got != want {
		t.Errorf("after a failed run: got %s\nwant %s", got, want)
	}
	// Never deployed: it is all Git's, at this commit.
	c.state.Deployed, c.state.LastRun = nil, nil
	if got, want := causesOf(t, e), "spec.replicas=git:head#0 spec.gone=git:head#0"; !strings.HasPrefix(got, want) {
		t.Errorf("never deployed: got %s\nwant %s", got, want)
	}
}

// A commit that does not render ends the walk; nothing is made up.
func TestBlameStopsWhereACommitDoesNotRender(t *testing.T) {
	repo := threeCommits()
	repo.fail = "c1"
	_, e := blameWorld(repo, deploymentOf(git("spec.containers[main].image"), git("spec.containers[main].env[NEW]")))
	if got, want := causesOf(t, e), "spec.containers[main].image=git:c3#100 spec.containers[main].env[NEW]=git:#0"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestBlameWalksNoFurtherThanItMust(t *testing.T) {
	const n = 200
	repo := &lineRepo{renders: map[string][]model.Object{}}
	for i := n; i >= 0; i-- {
		c := fmt.Sprintf("c%d", i)
		repo.commits = append(repo.commits, c)
		repo.renders[c] = []model.Object{cart("cart:1", 3)}
		if i == n {
			repo.renders[c] = []model.Object{cart("cart:2", 3)}
		}
		if i == 0 {
			repo.renders[c] = []model.Object{cart("cart:0", 3)}
		}
	}
	_, e := blameWorld(repo, deploymentOf(git("spec.containers[main].image")))
	if got, want := causesOf(t, e), "spec.containers[main].image=git:c200#100"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if asked := repo.asked.Load(); asked > 4 {
		t.Errorf("%d renders for a change of the newest commit", asked)
	}
	_, e = blameWorld(repo) // nothing differs
	repo.asked.Store(0)
	if got := causesOf(t, e); got != "" || repo.asked.Load() != 1 {
		t.Errorf("%q with %d renders, where nothing differs", got, repo.asked.Load())
	}
}

func TestPlanAsks(t *testing.T) {
	repo := threeCommits()
	c, e := blameWorld(repo, deploymentOf())
	keep := []model.FieldRef{{ID: model.ObjectID{Kind: "Deployment", Name: "cart"}, Path: "spec.replicas"}}
	ask := model.PlanAsk{Environment: "staging", Lenses: true, Full: true, Replace: true, Keep: keep}
	if plan, err := e.PlanAs(t.Context(), ask); err != nil || plan.NoLenses != "" {
		t.Fatal(plan, err)
	}
	if a := c.asked; !a.Full || !a.Replace || len(a.Keep) != 1 || a.Deployed == nil || a.Deployed.Commit != "c0" {
		t.Errorf("asked %+v", a)
	}
	repo.fail = "c0"
	plan, err := e.PlanAs(t.Context(), ask)
	if err != nil || !strings.Contains(plan.NoLenses, "c0 cannot be rendered: it does not render") || c.asked.Deployed != nil {
		t.Errorf("%v, %v", plan, err)
	}
	c.state.Deployed = nil
	if plan, err = e.PlanAs(t.Context(), ask); err != nil || !strings.Contains(plan.NoLenses, "nothing is recorded as deployed") {
		t.Errorf("%v, %v", plan, err)
	}
}

// What the operator chose to keep is asked for again under the lock, and goes
// on record; when the plan has moved, the last event says what did.
func TestKeptFieldsAndMovesInARun(t *testing.T) {
	repo := threeCommits()
	o := deploymentOf(model.Cause{Path: "spec.replicas", Kind: model.CauseDrift, By: "kubectl-scale"})
	o.Before, o.After = fields{"spec": fields{"replicas": int64(5)}}, fields{"spec": fields{"replicas": int64(3)}}
	c, e := blameWorld(repo, o)
	keep := []model.FieldRef{{ID: o.ID, Path: "spec.template"}}
	plan, err := e.PlanAs(t.Context(), model.PlanAsk{Environment: "staging", Keep: keep})
	if err != nil {
		t.Fatal(err)
	}
	moved := o
	moved.Before = fields{"spec": fields{"replicas": int64(7)}}
	c.objects = []model.PlannedObject{moved}
	var last model.Event
	_, err = e.Apply(t.Context(), model.Approval{Plan: plan}, func(ev model.Event) { last = ev })
	if model.CodeOf(err, model.ExitOK) != model.ExitPlanMoved || !strings.Contains(err.Error(), "Deployment shop/cart spec.replicas 5 → 7 by kubectl-scale") {
		t.Errorf("%v", err)
	}
	if len(last.Moved) != 1 || len(last.Moved[0].Fields) != 1 || last.Moved[0].Fields[0].Path != "spec.replicas" {
		t.Errorf("the last event: %+v", last)
	}
	if len(c.asked.Keep) != 1 || c.asked.Keep[0] != keep[0] {
		t.Errorf("under the lock, kept %v", c.asked.Keep)
	}
	c.objects = []model.PlannedObject{o}
	c.objects[0].Verdict = model.VerdictUnchanged
	if plan, err = e.PlanAs(t.Context(), model.PlanAsk{Environment: "staging", Keep: keep}); err != nil {
		t.Fatal(err)
	}
	if run, err := e.Apply(t.Context(), model.Approval{Plan: plan}, func(model.Event) {}); err != nil || len(run.Kept) != 1 || run.Kept[0] != keep[0] {
		t.Errorf("%+v, %v", run, err)
	}
}

func TestPlanMarkdown(t *testing.T) {
	o := deploymentOf(model.Cause{Path: "spec.replicas", Kind: model.CauseDrift, By: "kubectl|edit @op1"}, git("spec.image"))
	o.Risks = []model.Risk{{Severity: model.SeverityWarning, Message: "restarts <b>3</b> pods"}}
	plan := &model.Plan{Environment: "staging", Commit: "0123456789", Objects: []model.PlannedObject{o, {ID: id("same"), Verdict: model.VerdictUnchanged}}}
	diff := func(model.PlannedObject) (string, error) { return "--- live\n+++ after\n-a: ```\n+a: b\n", nil }
	out, err := PlanMarkdown(plan, model.LensApply, diff)
	if err != nil {
		t.Fatal(err)
	}
	for _, words := range []string{
		"what `0123456` would change in `staging`", "| update | Deployment shop/cart | warning: restarts &lt;b&gt;3&lt;/b&gt; pods |",
		"- spec.replicas: drift kubectl\\|edit @\u200bop1", "- spec.image: git head", "````diff\n", "\n````\n",
	} {
		if !strings.Contains(out, words) {
			t.Errorf("lacks %q:\n%s", words, out)
		}
	}
	if strings.Contains(out, "same") {
		t.Errorf("names what stays the same:\n%s", out)
	}
	long := func(model.PlannedObject) (string, error) { return strings.Repeat("x", 2*markdownMost), nil }
	if out, err = PlanMarkdown(plan, model.LensGit, long); err != nil || len(out) > markdownMost || !strings.Contains(out, "do not fit in here: 1;") {
		t.Errorf("%d characters, %v", len(out), err)
	}

	plan.Notes, plan.Kept = []string{"there is no record"}, []model.FieldRef{{ID: o.ID, Path: "spec.paused"}}
	for range 2000 {
		plan.Objects = append(plan.Objects, o)
	}
	out, err = PlanMarkdown(plan, model.LensApply, diff)
	if err != nil || len(out) > 65_000 || !strings.Contains(out, "Objects that do not fit in here: ") {
		t.Errorf("2001 objects: %d characters, %v", len(out), err)
	}
	for _, words := range []string{"- note: there is no record\n", "- kept as it is live: Deployment shop/cart:spec.paused\n"} {
		if !strings.Contains(out, words) {
			t.Errorf("lacks %q", words)
		}
	}
}
