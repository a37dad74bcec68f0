package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
	"github.com/fairtide-dev/fairtide/internal/testcluster"
	"github.com/fairtide-dev/fairtide/model"
)

// planWorld is a namespace with a client in front of it, for tests of plan and
// apply. In YAML given to it $NS stands for the namespace.
type planWorld struct {
	t      testing.TB
	ctx    context.Context
	c      *Client
	faults *faults
	log    *requestLog // of c
	admin  dynamic.Interface
	ns     string
	env    model.Environment
	state  model.State
	ask    model.PlanRequest // what to ask for besides
}

func newPlanWorld(t testing.TB) *planWorld {
	t.Helper()
	return newPlanWorldIn(t, testcluster.Get(t).Namespace(t))
}

// newPlanWorldIn is for tests that make so many namespaces that deleting each of
// them would cost more than the test: they go with the control plane.
func newPlanWorldIn(t testing.TB, ns string) *planWorld {
	t.Helper()
	tc := testcluster.Get(t)
	admin, err := dynamic.NewForConfig(tc.Config(t))
	if err != nil {
		t.Fatal(err)
	}
	w := &planWorld{t: t, ctx: t.Context(), admin: admin, ns: ns}
	w.env = model.Environment{
		Name: "staging", Path: "environments/staging", Namespace: w.ns,
		Prune: model.PrunePolicy{Enabled: true, Max: model.DefaultPruneMax},
	}
	w.log = &requestLog{}
	w.c, w.faults = w.clientAs("")
	return w
}

// clientAs is a client with the permissions of a user; empty: all.
func (w *planWorld) clientAs(user string) (*Client, *faults) {
	w.t.Helper()
	rc := testcluster.Get(w.t).Config(w.t)
	if user != "" {
		rc.Impersonate = rest.ImpersonationConfig{UserName: user}
	}
	f := &faults{}
	rc.Wrap(func(next http.RoundTripper) http.RoundTripper { return faultyTransport{w.log.record(next), f} })
	c, err := newForConfig(Config{StateNamespace: "fairtide", UserAgent: "fairtide/test", Now: time.Now}, "test", rc)
	if err != nil {
		w.t.Fatal(err)
	}
	return c, f
}

func (w *planWorld) objects(text string) []model.Object {
	w.t.Helper()
	var out []model.Object
	for i, doc := range strings.Split(strings.ReplaceAll(text, "$NS", w.ns), "\n---\n") {
		if strings.TrimSpace(doc) == "" {
			continue
		}
		raw, err := yaml.YAMLToJSON([]byte(doc))
		if err != nil {
			w.t.Fatalf("%v in\n%s", err, doc)
		}
		var u unstructured.Unstructured
		if err := u.UnmarshalJSON(raw); err != nil {
			w.t.Fatalf("%v in\n%s", err, doc)
		}
		gvk := u.GroupVersionKind()
		out = append(out, model.Object{
			ID:      model.ObjectID{Group: gvk.Group, Kind: gvk.Kind, Namespace: u.GetNamespace(), Name: u.GetName()},
			Version: gvk.Version, Fields: u.Object,
			Source: model.Source{File: "environments/staging/all.yaml", Line: i + 1},
		})
	}
	return out
}

func (w *planWorld) render(text string) *model.Rendered {
	w.t.Helper()
	return &model.Rendered{Commit: "c0ffee0000000000000000000000000000000000", Objects: w.objects(text)}
}

// tryPlan plans, and checks that this wrote nothing.
func (w *planWorld) tryPlan(c *Client, text string) (*model.Plan, []model.Object, error) {
	w.t.Helper()
	before := w.log.writes()
	req := w.ask
	req.Environment, req.Rendered, req.State = w.env, w.render(text), w.state
	plan, objects, err := c.Plan(w.ctx, req)
	if wrote := w.log.writes()[len(before):]; len(wrote) > 0 {
		w.t.Errorf("planning wrote: %v", wrote)
	}
	return plan, objects, err
}

func (w *planWorld) plan(text string) (*model.Plan, []model.Object) {
	w.t.Helper()
	plan, objects, err := w.tryPlan(w.c, text)
	if err != nil {
		w.t.Fatal(err)
	}
	return plan, objects
}

// apply executes a plan in the order a run would, and keeps the inventory.
func (w *planWorld) apply(plan *model.Plan, objects []model.Object) {
	w.t.Helper()
	first := func(o model.Object) int {
		return slices.Index([]string{"CustomResourceDefinition", "Namespace"}, o.ID.Kind)
	}
	objects = slices.Clone(objects)
	slices.SortStableFunc(objects, func(a, b model.Object) int { return first(b) - first(a) })
	for _, o := range objects {
		entry, err := w.c.Apply(w.ctx, o, planRow(w.t, plan, o.ID))
		if err != nil {
			w.t.Fatal(err)
		}
		w.state.Inventory = slices.DeleteFunc(w.state.Inventory, func(e model.InventoryEntry) bool { return e.ID == o.ID })
		w.state.Inventory = append(w.state.Inventory, entry)
		if o.ID.Kind == "CustomResourceDefinition" {
			w.c.RefreshKinds()
		}
	}
	for _, row := range plan.Objects {
		if row.Verdict == model.VerdictDelete {
			if err := w.c.Delete(w.ctx, row); err != nil {
				w.t.Fatal(err)
			}
		}
	}
}

// completedLater reports whether a field gets a value that no dry-run can tell:
// an address, a port, a uid in labels, a finalizer that a controller adds.
func completedLater(kind, path string) bool {
	switch kind {
	case "Service":
		return strings.HasPrefix(path, "spec.clusterIP") || path == "spec.healthCheckNodePort" || strings.HasSuffix(path, ".nodePort")
	case "Job":
		return path == "spec.selector" || strings.Contains(path, "controller-uid") || strings.HasPrefix(path, "spec.template.metadata.labels")
	case "CustomResourceDefinition":
		return path == "metadata.finalizers"
	}
	return false
}

// ship plans and applies, and checks that what is live then is what the plan
// said, and that a new plan has nothing left to do.
func (w *planWorld) ship(text string) *model.Plan {
	w.t.Helper()
	plan, objects := w.plan(text)
	if plan.Problem != "" {
		w.t.Fatalf("the plan has a problem: %s", plan.Problem)
	}
	w.apply(plan, objects)
	w.wasRight(plan, text)
	return plan
}

// wasRight checks after a plan was applied that what is live is what it said,
// and that there is nothing left to do.
func (w *planWorld) wasRight(plan *model.Plan, text string) {
	w.t.Helper()
	after, _ := w.plan(text)
	for _, row := range after.Objects {
		if row.Writes() && row.Verdict != model.VerdictDelete {
			w.t.Errorf("after applying, %s is %s (takes ownership: %v): %s", row.ID, row.Verdict, row.TakesOwnership, planDiff(row))
		}
		was := planRow(w.t, plan, row.ID)
		defaultsUnknown := was.Prediction == model.PredictedLocally && was.Verdict == model.VerdictCreate && !strings.HasSuffix(row.ID.Group, ".com")
		if was.Verdict == model.VerdictDelete || defaultsUnknown {
			continue
		}
		for _, c := range fieldpath.Diff(was.After, row.Before) {
			if !completedLater(row.ID.Kind, c.Path) {
				w.t.Errorf("%s: %s was predicted as %s and is %s", row.ID, c.Path, showValue(c.Old), showValue(c.New))
			}
		}
	}
}

// change is what somebody else does to a live object: a JSON merge patch.
func (w *planWorld) change(manager string, gvr schema.GroupVersionResource, name, patch string, subresources ...string) {
	w.t.Helper()
	_, err := w.admin.Resource(gvr).Namespace(w.ns).Patch(w.ctx, name, types.MergePatchType, []byte(patch),
		metav1.PatchOptions{FieldManager: manager}, subresources...)
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *planWorld) live(gvr schema.GroupVersionResource, name string) map[string]any {
	w.t.Helper()
	o, err := w.admin.Resource(gvr).Namespace(w.ns).Get(w.ctx, name, metav1.GetOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	return o.Object
}

func (w *planWorld) create(gvr schema.GroupVersionResource, text string) {
	w.t.Helper()
	for _, o := range w.objects(text) {
		var in dynamic.ResourceInterface = w.admin.Resource(gvr)
		if o.ID.Namespace != "" {
			in = w.admin.Resource(gvr).Namespace(o.ID.Namespace)
		}
		if _, err := in.Create(w.ctx, &unstructured.Unstructured{Object: o.Fields}, metav1.CreateOptions{}); err != nil {
			w.t.Fatal(err)
		}
	}
}

// grant gives a user of the test's own permissions in its namespace.
func (w *planWorld) grant(user, rules string) {
	w.t.Helper()
	w.create(roleGVR, fmt.Sprintf(`{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: %s, namespace: $NS}, rules: %s}`, user, rules))
	w.create(bindingGVR, fmt.Sprintf(`{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: %[1]s, namespace: $NS},
  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: %[1]s}, subjects: [{kind: User, name: %[1]s, apiGroup: rbac.authorization.k8s.io}]}`, user))
}

var (
	configGVR     = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
	secretGVR     = schema.GroupVersionResource{Version: "v1", Resource: "secrets"}
	deploymentGVR = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
	roleGVR       = schema.GroupVersionResource{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "roles"}
	bindingGVR    = schema.GroupVersionResource{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "rolebindings"}
)

func planRow(t testing.TB, plan *model.Plan, id model.ObjectID) model.PlannedObject {
	t.Helper()
	for _, o := range plan.Objects {
		if o.ID == id {
			return o
		}
	}
	t.Fatalf("the plan has no row for %s", id)
	return model.PlannedObject{}
}

func rowNamed(t testing.TB, plan *model.Plan, kind, name string) model.PlannedObject {
	t.Helper()
	for _, o := range plan.Objects {
		if o.ID.Kind == kind && o.ID.Name == name {
			return o
		}
	}
	t.Fatalf("the plan has no row for %s %s", kind, name)
	return model.PlannedObject{}
}

func planDiff(row model.PlannedObject) string {
	return changedWords(fieldpath.Diff(row.Before, row.After))
}

func asJSON(v any) string {
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func hasRisk(row model.PlannedObject, name, words string) bool {
	return slices.ContainsFunc(row.Risks, func(r model.Risk) bool { return r.Name == name && strings.Contains(r.Message, words) })
}

func hasCause(row model.PlannedObject, path string, kind model.CauseKind, by string) bool {
	return slices.ContainsFunc(row.Causes, func(c model.Cause) bool { return c.Path == path && c.Kind == kind && c.By == by })
}

func wantCode(t testing.TB, err error, code model.ExitCode, words ...string) {
	t.Helper()
	if err == nil || model.CodeOf(err, model.ExitOK) != code {
		t.Fatalf("error %v has code %d, want %d", err, model.CodeOf(err, model.ExitOK), code)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("error %q does not say %q", err, word)
		}
	}
	if errors.Is(err, context.Canceled) {
		t.Errorf("error %v hides a cancelled context", err)
	}
}

// deploymentYAML is a Deployment without pods, so that nothing but the test
// moves it.
func deploymentYAML(name, image string, extra ...string) string {
	return fmt.Sprintf(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: %[1]s}
spec:
  replicas: 0
  selector: {matchLabels: {app: %[1]s}}
  template:
    metadata: {labels: {app: %[1]s}}
    spec:
      containers:
      - name: main
        image: %[2]s
%[3]s`, name, image, strings.Join(extra, "\n"))
}

func configYAML(name, data string) string {
	return fmt.Sprintf("{apiVersion: v1, kind: ConfigMap, metadata: {name: %s}, data: %s}\n", name, data)
}

// detached is a context for cleaning up, when the test's own is over.
func (w *planWorld) detached() context.Context { return context.WithoutCancel(w.ctx) }

func (w *planWorld) eventually(what string, done func() bool) {
	w.t.Helper()
	testcluster.Eventually(w.t, time.Minute, what, func() (bool, error) { return done(), nil })
}
