package cluster

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
	"github.com/fairtide-dev/fairtide/model"
)

// kubectlApply does what `kubectl apply` does from the client's side with an
// object that is not there yet.
func (w *planWorld) kubectlApply(gvr schema.GroupVersionResource, manager, text string) {
	w.t.Helper()
	o := w.objects(text)[0]
	last, err := json.Marshal(o.Fields)
	if err != nil {
		w.t.Fatal(err)
	}
	u := &unstructured.Unstructured{Object: o.Fields}
	annotations := u.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[lastAppliedAnnotation] = string(last)
	u.SetAnnotations(annotations)
	if _, err := w.admin.Resource(gvr).Namespace(w.ns).Create(w.ctx, u, metav1.CreateOptions{FieldManager: manager}); err != nil {
		w.t.Fatal(err)
	}
}

// wantMigrated checks that nothing of kubectl's is left.
func (w *planWorld) wantMigrated(gvr schema.GroupVersionResource, name string) {
	w.t.Helper()
	live := w.live(gvr, name)
	version, _ := live["apiVersion"].(string)
	if got := migratable(live, version); len(got) != 0 {
		w.t.Errorf("%v still own fields", got)
	}
	if _, ok := mapAt(live, "metadata", "annotations")[lastAppliedAnnotation]; ok {
		w.t.Error("the last-applied annotation is still there")
	}
}

// TestMigrate: what kubectl applied and Git no longer has goes away, and what
// others set stays.
func TestMigrate(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, before, next string
		gvr                schema.GroupVersionResource
		move               func(w *planWorld)
		verdict            model.Verdict
		diff               []string // parts of it
		causes             map[string]model.CauseKind
	}{
		{
			name: "data", gvr: configGVR, before: configYAML("a", "{kept: one, changed: one, gone: one, taken: one}"),
			next: configYAML("a", "{kept: one, changed: two}"),
			move: func(w *planWorld) {
				w.change("dev1", configGVR, "a", `{"data":{"taken":"by dev1","added":"by dev1"}}`)
			},
			verdict: model.VerdictUpdate, diff: []string{"data.changed one → two, data.gone one → nothing"},
			causes: map[string]model.CauseKind{"data.gone": model.CauseGit, "data.changed": model.CauseDrift},
		},
		{name: "all data", gvr: configGVR, before: configYAML("a", "{x: one}"), next: "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}",
			verdict: model.VerdictUpdate, diff: []string{"data {\"x\":\"one\"} → nothing"}},
		{name: "labels and annotations", gvr: configGVR, before: "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {x: z}, annotations: {n: m}}}",
			next: "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}", verdict: model.VerdictUpdate, diff: []string{"metadata.annotations", "metadata.labels"}},
		{name: "nothing dropped", gvr: configGVR, before: configYAML("a", "{x: one}"), next: configYAML("a", "{x: one}"), verdict: model.VerdictUnchanged},
		{
			name: "lists and defaults", gvr: deploymentGVR,
			before: strings.Replace(deploymentYAML("a", "a:1", "        env: [{name: KEPT, value: x}, {name: GONE, value: z}]",
				"        args: [one]", "      - {name: side, image: side:1}"), "replicas: 0", "replicas: 0\n  progressDeadlineSeconds: 300\n  minReadySeconds: 5", 1),
			next:    deploymentYAML("a", "a:1", "        env: [{name: KEPT, value: x}]"),
			verdict: model.VerdictUpdate,
			diff:    []string{"spec.minReadySeconds 5 → nothing, spec.progressDeadlineSeconds 300 → 600", "and 2 more fields"},
		},
		{
			name: "elements that others use", gvr: deploymentGVR,
			before: deploymentYAML("a", "a:1", "      - {name: side, image: side:1, imagePullPolicy: Always}"),
			next:   deploymentYAML("a", "a:1"),
			move: func(w *planWorld) {
				w.forceApply("injector", deploymentGVR, deploymentYAML("a", "a:1", "      - {name: side, image: side:2}"))
			},
			verdict: model.VerdictUpdate, diff: []string{"imagePullPolicy Always → IfNotPresent"},
		},
		{name: "claim's finalizers and the server's own stay", gvr: claimGVR, before: "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: a, labels: {x: z}}, spec: {accessModes: [ReadWriteOnce], storageClassName: $NS, resources: {requests: {storage: 1Gi}}}}",
			next:    "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: a}, spec: {accessModes: [ReadWriteOnce], storageClassName: $NS, resources: {requests: {storage: 1Gi}}}}",
			verdict: model.VerdictUpdate, diff: []string{"metadata.labels"}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newPlanWorld(t)
			w.kubectlApply(tc.gvr, clientSideApply, strings.Replace(tc.before, "{name: a", "{namespace: $NS, name: a", 1))
			if tc.move != nil {
				tc.move(w)
			}
			row := w.ship(tc.next).Objects[0]
			if row.Verdict != tc.verdict || !row.Migrates || !hasRisk(row, riskMigrates, clientSideApply) || !row.Writes() {
				t.Errorf("%s %s, migrates %v, risks %+v", row.Verdict, row.Reason, row.Migrates, row.Risks)
			}
			for _, words := range tc.diff {
				if !strings.Contains(planDiff(row), words) {
					t.Errorf("the diff %q does not say %q", planDiff(row), words)
				}
			}
			if len(tc.diff) == 0 && planDiff(row) != "" {
				t.Errorf("the diff is %q", planDiff(row))
			}
			for path, kind := range tc.causes {
				by := "c0ffee0000000000000000000000000000000000"
				if kind == model.CauseDrift {
					by = clientSideApply
				}
				if !hasCause(row, path, kind, by) {
					t.Errorf("%s is not caused by %s: %+v", path, kind, row.Causes)
				}
			}
			w.wantMigrated(tc.gvr, "a")
		})
	}
}

func (w *planWorld) forceApply(manager string, gvr schema.GroupVersionResource, text string) {
	w.t.Helper()
	o := w.objects(text)[0]
	body, err := json.Marshal(o.Fields)
	if err != nil {
		w.t.Fatal(err)
	}
	force := true
	_, err = w.admin.Resource(gvr).Namespace(w.ns).Patch(w.ctx, o.ID.Name, types.ApplyPatchType, body, metav1.PatchOptions{FieldManager: manager, Force: &force})
	if err != nil {
		w.t.Fatal(err)
	}
}

// TestMigrateReviewer: a reviewer who may not apply sees the same going away.
func TestMigrateReviewer(t *testing.T) {
	t.Parallel()
	w := newPlanWorld(t)
	w.kubectlApply(deploymentGVR, clientSideApply, strings.Replace(
		deploymentYAML("a", "a:1", "        env: [{name: GONE, value: z}]"), "{name: a", "{namespace: $NS, name: a", 1))
	w.grant("reviewer-"+w.ns, "[{apiGroups: [apps], resources: [deployments], verbs: [get, list]}]")
	c, _ := w.clientAs("reviewer-" + w.ns)
	text := deploymentYAML("a", "a:1")
	var row model.PlannedObject
	w.eventually("a plan without the server", func() bool {
		plan, _, err := w.tryPlan(c, text)
		if err != nil {
			return false
		}
		row = plan.Objects[0]
		return row.Prediction == model.PredictedLocally
	})
	full, _ := w.plan(text)
	if !row.Migrates || row.Verdict != model.VerdictUpdate || !fieldpath.Equal(row.After, full.Objects[0].After) || planDiff(row) != planDiff(full.Objects[0]) {
		t.Errorf("%s, migrates %v: %s; the server says %s", row.Verdict, row.Migrates, planDiff(row), planDiff(full.Objects[0]))
	}
}

// TestMigrateManagers: which managers are taken over from.
func TestMigrateManagers(t *testing.T) {
	t.Parallel()
	for manager, want := range map[string]bool{
		clientSideApply: true, "kubectl": true, "kubectl-create": true, "helm": false, "dev1": false,
	} {
		t.Run(manager, func(t *testing.T) {
			t.Parallel()
			w := newPlanWorld(t)
			w.kubectlApply(configGVR, manager, "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: $NS}, data: {x: one, gone: one}}")
			row := w.ship(configYAML("a", "{x: one}")).Objects[0]
			if row.Migrates != want || (row.Verdict == model.VerdictUpdate) != want {
				t.Errorf("%s, migrates %v", row.Verdict, row.Migrates)
			}
		})
	}
	t.Run("an edit is no apply", func(t *testing.T) {
		t.Parallel()
		w := newPlanWorld(t)
		w.ship(configYAML("a", "{x: one}"))
		w.change("kubectl-edit", configGVR, "a", `{"data":{"more":"two"}}`)
		if row := w.ship(configYAML("a", "{x: one}")).Objects[0]; row.Migrates || row.Writes() {
			t.Errorf("%s, migrates %v", row.Verdict, row.Migrates)
		}
	})
	t.Run("before the server kept account", func(t *testing.T) {
		t.Parallel()
		w := newPlanWorld(t)
		w.kubectlApply(configGVR, clientSideApply, "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: $NS}, data: {x: one, gone: one}}")
		w.change("test", configGVR, "a", `{"metadata":{"managedFields":[{}]}}`)
		plan, objects := w.plan(configYAML("a", "{x: one}"))
		w.apply(plan, objects) // which is when the server begins to
		if row := w.ship(configYAML("a", "{x: one}")).Objects[0]; !row.Migrates || !hasRisk(row, riskMigrates, beforeFirstApply) ||
			planDiff(row) != "data.gone one → nothing" {
			t.Errorf("%s, migrates %v: %s", row.Verdict, row.Migrates, planDiff(row))
		}
		w.wantMigrated(configGVR, "a")
	})
}

// TestMigrateInterrupted: the migration is two writes, and anything may happen
// in between.
func TestMigrateInterrupted(t *testing.T) {
	t.Parallel()
	next := configYAML("a", "{x: two}")
	half := func(w *planWorld) {
		live := w.live(configGVR, "a")
		patch, err := migrationPatch(live, migratable(live, "v1"))
		if err != nil || patch == nil {
			w.t.Fatalf("patch %s, %v", patch, err)
		}
		if _, err := w.admin.Resource(configGVR).Namespace(w.ns).Patch(w.ctx, "a", types.JSONPatchType, patch, metav1.PatchOptions{FieldManager: FieldManager}); err != nil {
			w.t.Fatal(err)
		}
	}
	cases := []struct {
		name string
		move func(w *planWorld)
		want string // of the error; empty: it is written
	}{
		{"nothing", func(*planWorld) {}, ""},
		{"the first answer is lost", func(w *planWorld) { w.faults.loseAnswer.Store(true) }, ""},
		{"half of it is done", half, ""},
		{"only noise", func(w *planWorld) {
			w.change("test", configGVR, "a", `{"metadata":{"annotations":{"deployment.kubernetes.io/revision":"7"}}}`)
		}, ""},
		{"a field", func(w *planWorld) { w.change("dev1", configGVR, "a", `{"data":{"gone":"mine"}}`) }, "data.gone one → mine (by dev1"},
		{"deleted", func(w *planWorld) {
			if err := w.admin.Resource(configGVR).Namespace(w.ns).Delete(w.ctx, "a", metav1.DeleteOptions{}); err != nil {
				w.t.Fatal(err)
			}
		}, "it was deleted since"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newPlanWorld(t)
			w.kubectlApply(configGVR, clientSideApply, "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: $NS}, data: {x: one, gone: one}}")
			plan, objects := w.plan(next)
			tc.move(w)
			_, err := w.c.Apply(w.ctx, objects[0], plan.Objects[0])
			if tc.want != "" {
				wantCode(t, err, model.ExitPlanMoved, tc.want)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			live := w.live(configGVR, "a")
			if got := fmt.Sprint(live["data"]); got != "map[x:two]" {
				t.Errorf("live %s", got)
			}
			w.wantMigrated(configGVR, "a")
			if again, _ := w.plan(next); again.Objects[0].Writes() {
				t.Errorf("not done: %+v", again.Objects[0])
			}
		})
	}
	t.Run("cut off in between", func(t *testing.T) {
		t.Parallel()
		w := newPlanWorld(t)
		w.kubectlApply(configGVR, clientSideApply, "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: $NS}, data: {x: one, gone: one}}")
		plan, _ := w.plan(next)
		half(w)
		again := w.ship(next)
		if was, is := plan.Objects[0], again.Objects[0]; is.Migrates || !fieldpath.Equal(was.After, is.After) || is.Verdict != was.Verdict {
			t.Errorf("the plan of the rest: %s %s, was %s", is.Verdict, planDiff(is), planDiff(was))
		}
	})
}
