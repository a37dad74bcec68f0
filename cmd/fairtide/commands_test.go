package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairtide-dev/fairtide/internal/sample"
	"github.com/fairtide-dev/fairtide/model"
)

func TestDiffApplyDiff(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sample.Options{})
	w.deploy("staging")

	// What the pending changes say they alter is what the plan alters.
	pending := decode[struct {
		Head    string
		Changes []model.Change
	}](t, w.must(0, "changes", "-e", "staging", "-o", "json").stdout)
	if pending.Head != w.repo.Head || len(pending.Changes) == 0 {
		t.Fatalf("pending: head %s and %d changes, want head %s and some", pending.Head, len(pending.Changes), w.repo.Head)
	}
	plan := decode[planDocument](t, w.must(1, "diff", "-e", "staging", "-o", "json").stdout)
	got := changedNames(plan)
	want := renderedChanges(pending.Changes)
	if !slices.Equal(got, want) {
		t.Errorf("the plan changes\n  %s\nthe renders differ in\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
	if plan.Digest == "" || plan.Commit != w.repo.Head || plan.From != w.repo.Deployed["staging"] || plan.Cluster == "" || plan.ReadAt.IsZero() {
		t.Errorf("the plan lacks something: %+v", plan)
	}
	text := w.must(1, "diff", "-e", "staging").stdout
	for _, o := range plan.Objects {
		if named := strings.Contains(text, o.Kind+" "+o.Namespace+"/"+o.Name); o.Verdict != model.VerdictUnchanged && o.Namespace != "" && !named {
			t.Errorf("the text does not name %s %s/%s", o.Kind, o.Namespace, o.Name)
		}
	}

	// Up to the commit before the broken one, then nothing differs from it.
	good := w.change("broken-gateway").Parent
	events := w.must(0, "apply", "-e", "staging", "--commit", good, "--yes", "--override", "test", "-o", "json").stdout
	checkEvents(t, events)
	w.must(0, "diff", "-e", "staging", "--commit", good)

	w.checkLive("staging", good)
	w.checkHistory("staging", good)
}

// checkLive compares what is live with what the environment's state and
// history say.
func (w *world) checkLive(env, commit string) {
	t := w.t
	t.Helper()
	status := decode[struct{ Environments []model.EnvironmentStatus }](t, w.must(0, "status", "-e", env, "-o", "json").stdout).Environments[0]
	if status.Deployed == nil || status.Deployed.Commit != commit || status.Lock != nil {
		t.Errorf("status after the apply: %+v, want %s deployed and no lock", status, commit)
	}
	runs := decode[struct{ Runs []model.Run }](t, w.must(0, "history", "-e", env, "-o", "json").stdout).Runs
	if len(runs) < 2 || runs[0].Commit != commit || runs[0].State != model.RunSucceeded || runs[0].Operator == "" || runs[0].FinishedAt.IsZero() {
		t.Errorf("history after the apply: %+v", runs)
	}
	dyn := w.dynamic()
	list, err := dyn.Resource(schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}).
		Namespace("petstore-"+env+w.suffix).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	images := map[string]string{}
	for _, d := range list.Items {
		spec, err := json.Marshal(d.Object["spec"])
		if err != nil {
			t.Fatal(err)
		}
		images[d.GetName()] = string(spec)
	}
	if len(images) == 0 {
		t.Fatal("no Deployment is live")
	}
	plan := decode[planDocument](t, w.must(0, "diff", "-e", env, "--commit", commit, "-o", "json").stdout)
	for _, o := range plan.Objects {
		if o.Kind != "Deployment" {
			continue
		}
		after, err := json.Marshal(o.After["spec"])
		if err != nil {
			t.Fatal(err)
		}
		image := regexp.MustCompile(`"image":"[^"]+"`).FindString(string(after))
		if image == "" || !strings.Contains(images[o.Name], image) {
			t.Errorf("%s is planned with %s, and live is %s", o.Name, image, images[o.Name])
		}
	}
}

func changedNames(p planDocument) []string {
	var out []string
	for _, o := range p.Objects {
		if o.Verdict != model.VerdictUnchanged {
			out = append(out, fmt.Sprintf("%s %s/%s %s", o.Verdict, o.Kind, o.Namespace, o.Name))
		}
	}
	slices.Sort(out)
	return out
}

// renderedChanges folds the changes' own account of what they alter, newest
// first, into what they alter together. The sample undoes nothing it does.
func renderedChanges(changes []model.Change) []string {
	verdicts := map[model.ObjectID]model.Verdict{}
	for _, c := range slices.Backward(changes) {
		for _, o := range c.Objects {
			if v, ok := verdicts[o.ID]; ok && o.Verdict == model.VerdictUpdate {
				verdicts[o.ID] = v
			} else {
				verdicts[o.ID] = o.Verdict
			}
		}
	}
	var out []string
	for id, v := range verdicts {
		out = append(out, fmt.Sprintf("%s %s/%s %s", v, id.Kind, id.Namespace, id.Name))
	}
	slices.Sort(out)
	return out
}

func checkEvents(t *testing.T, text string) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(text), "\n")
	seen := map[model.EventType]bool{}
	var last model.Event
	for _, line := range lines {
		last = decode[model.Event](t, line)
		seen[last.Type] = true
		if last.Time.IsZero() {
			t.Errorf("an event without a time: %s", line)
		}
	}
	for _, want := range []model.EventType{model.EventLocked, model.EventRechecked, model.EventStarted, model.EventWave, model.EventApplied, model.EventProgress} {
		if !seen[want] {
			t.Errorf("no event of type %s in\n%s", want, text)
		}
	}
	if last.Type != model.EventFinished || last.State != model.RunSucceeded || last.ExitCode == nil || *last.ExitCode != 0 {
		t.Errorf("the last event is %s", lines[len(lines)-1])
	}
}

func TestClosedWindowWritesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sample.Options{Windows: map[string]string{
		"production": `[{name: long ago, timeZone: Europe/Berlin, allow: {from: 2020-01-01, to: 2020-01-02}}]`,
	}})
	w.must(0, "apply", "-e", "production", "--commit", w.repo.Deployed["production"], "--yes", "--override", "first deployment")
	before := w.resourceVersions()
	r := w.must(3, "apply", "-e", "production", "--yes")
	if !strings.Contains(r.stderr, "window is closed") || !strings.Contains(r.stderr, "long ago") {
		t.Errorf("the refusal does not say why: %s", r.stderr)
	}
	if after := w.resourceVersions(); !slices.Equal(before, after) {
		t.Errorf("something was written:\nbefore %v\nafter  %v", before, after)
	}
	w.must(3, "window", "-e", "production")
	w.must(0, "window", "-e", "production", "--at", "2020-01-01T12:00:00+01:00")
}

// resourceVersions lists every object that is Git's or fairtide's own, with
// its resourceVersion. Those of the controllers' making move by themselves.
func (w *world) resourceVersions() []string {
	t := w.t
	t.Helper()
	dyn := w.dynamic()
	var out []string
	for _, ns := range []string{"petstore-production" + w.suffix, "fairtide" + w.suffix} {
		for _, gvr := range []schema.GroupVersionResource{
			{Version: "v1", Resource: "configmaps"}, {Version: "v1", Resource: "secrets"}, {Version: "v1", Resource: "services"},
			{Version: "v1", Resource: "serviceaccounts"}, {Group: "coordination.k8s.io", Version: "v1", Resource: "leases"},
			{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "roles"}, {Group: "batch", Version: "v1", Resource: "cronjobs"},
		} {
			list, err := dyn.Resource(gvr).Namespace(ns).List(t.Context(), metav1.ListOptions{})
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range list.Items {
				out = append(out, fmt.Sprintf("%s %s/%s %s", gvr.Resource, ns, o.GetName(), o.GetResourceVersion()))
			}
		}
		d, err := dyn.Resource(schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}).Namespace(ns).List(t.Context(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range d.Items { // their status moves the resourceVersion, the generation only a write of the spec
			out = append(out, fmt.Sprintf("deployments %s/%s generation %d", ns, o.GetName(), o.GetGeneration()))
		}
	}
	if len(out) < 10 {
		t.Fatalf("only %d objects are live; the comparison would prove nothing: %v", len(out), out)
	}
	return out
}

func TestAPlanThatMovedIsNotApplied(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sample.Options{})
	w.deploy("dev")
	file := t.TempDir() + "/plan.json"
	w.must(1, "diff", "-e", "dev", "--save", file)
	dyn := w.dynamic()
	// Somebody scales a Deployment of the plan after it was looked at.
	deployments := dyn.Resource(schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}).Namespace("petstore-dev" + w.suffix)
	if _, err := deployments.Patch(t.Context(), "catalog", "application/merge-patch+json", []byte(`{"spec":{"replicas":4}}`), metav1.PatchOptions{FieldManager: "kubectl-scale"}); err != nil {
		t.Fatal(err)
	}
	r := w.must(4, "apply", "-e", "dev", "--plan", file, "--yes")
	if !strings.Contains(r.stderr, "nothing was written") {
		t.Errorf("the refusal does not say that nothing was written: %s", r.stderr)
	}
}

// stateNamespaceExists reports whether fairtide has written anything: its
// state namespace is made before all else.
func (w *world) stateNamespaceExists() bool {
	t := w.t
	t.Helper()
	dyn := w.dynamic()
	for _, ns := range []string{"fairtide", "fairtide" + w.suffix} {
		_, err := dyn.Resource(schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}).Get(t.Context(), ns, metav1.GetOptions{})
		if err == nil {
			return true
		}
		if !apierrors.IsNotFound(err) {
			t.Fatal(err)
		}
	}
	return false
}
