package cluster

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

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

// perKind is how many objects of each random kind there are.
const perKind = 8

// randomSet is the Git side of the comparison: objects of every random kind,
// each as its seed makes it.
type randomSet struct {
	*planWorld
	rnd   *rand.Rand
	group string
	rude  dynamic.Interface // of who does not care for warnings
	seeds map[string]uint64 // by kind and name

	compared, unchanged, settled int
	missed                       map[string]int // unchanged ones that got a dry-run, by kind
}

func newRandomSet(t *testing.T) *randomSet {
	seed := rand.Uint64() //nolint:gosec // not for secrets
	t.Logf("seed %d", seed)
	r := &randomSet{
		planWorld: newPlanWorld(t), rnd: rand.New(rand.NewPCG(seed, 1)), //nolint:gosec // likewise
		seeds: map[string]uint64{}, missed: map[string]int{},
	}
	r.group = r.ns + ".example.com"
	rc := testcluster.Get(t).Config(t)
	rc.WarningHandler = rest.NoWarnings{}
	var err error
	if r.rude, err = dynamic.NewForConfig(rc); err != nil {
		t.Fatal(err)
	}
	r.define("granular")
	t.Cleanup(func() { _ = r.admin.Resource(crdGVR).Delete(r.detached(), "widgets."+r.group, metav1.DeleteOptions{}) })
	r.eventually("widgets", func() bool {
		r.c.RefreshKinds()
		_, err := r.c.mapping(model.ObjectID{Group: r.group, Kind: "Widget"}, "v2")
		return err == nil
	})
	for _, name := range r.names() {
		r.seeds[name] = r.rnd.Uint64()
	}
	return r
}

func (r *randomSet) names() []string {
	var out []string
	for _, kind := range slices.Sorted(maps.Keys(randomKinds)) {
		for i := range perKind {
			out = append(out, fmt.Sprintf("%s/%s-%d", kind, strings.ToLower(kind), i))
		}
	}
	return out
}

// define writes the definition of the custom kind, as somebody else would.
func (r *randomSet) define(pairType string) {
	r.t.Helper()
	body, err := yaml.YAMLToJSON([]byte(widgetCRD(r.group, pairType)))
	if err != nil {
		r.t.Fatal(err)
	}
	force := true
	if _, err := r.admin.Resource(crdGVR).Patch(r.ctx, "widgets."+r.group, types.ApplyPatchType, body,
		metav1.PatchOptions{FieldManager: "dev1", Force: &force}); err != nil {
		r.t.Fatal(err)
	}
}

func (r *randomSet) rendered() *model.Rendered {
	var docs []string
	for _, name := range r.names() {
		kind, object, _ := strings.Cut(name, "/")
		v := variant{rand.New(rand.NewPCG(r.seeds[name], 2))} //nolint:gosec // not for secrets
		docs = append(docs, randomKinds[kind](v, object, r.group))
	}
	return r.render(strings.Join(docs, "\n---\n"))
}

// commit changes some objects in Git.
func (r *randomSet) commit(n int) {
	names := r.names()
	for range n {
		r.seeds[names[r.rnd.IntN(len(names))]] = r.rnd.Uint64()
	}
}

// meddle changes some live objects, as people and controllers do. What the
// server refuses is no change.
func (r *randomSet) meddle(objects []model.Object, n int) {
	patches := []string{
		`{"metadata":{"labels":{"team":"other"}}}`, `{"metadata":{"labels":{"extra":"x"}}}`, `{"metadata":{"annotations":{"a":"2"}}}`,
		`{"metadata":{"annotations":{"b":"1"}}}`, `{"metadata":{"annotations":null}}`, `{"metadata":{"labels":null}}`, `{"metadata":{"finalizers":["example.com/hold"]}}`,
		`{"data":{"c":"1","z":"eA=="}}`, `{"data":null}`, `{"spec":{"replicas":0,"revisionHistoryLimit":3}}`, `{"spec":{"suspend":false}}`,
		`{"spec":{"ports":[{"name":"dns","port":53,"protocol":"UDP"},{"name":"web","port":80},{"name":"more","port":81}]}}`,
		`{"spec":{"tags":["c","a","q"],"pair":{"left":"l","right":"r"},"loose":{"a":{"z":1}}}}`,
		`{"spec":{"parts":[{"id":"z","zone":"b"},{"id":"y"},{"id":"x","count":1}],"byName":{"one":{"m":4}}}}`,
		`{"spec":{"template":{"spec":{"priorityClassName":"","dnsPolicy":"Default","containers":[{"name":"main","image":"registry.example.com/other:1"}]}}}}`,
		`{"spec":{"template":{"metadata":{"annotations":{"kubectl.kubernetes.io/restartedAt":"2026-11-01T00:00:00Z"}}}}}`,
		`{"rules":[]}`, `{"subjects":null}`, `{"imagePullSecrets":[{"name":"b"}]}`, `{"spec":{"maxReplicas":9}}`, `{"spec":{"schedule":"7 * * * *"}}`,
	}
	for range n {
		o := objects[r.rnd.IntN(len(objects))]
		m, err := r.c.mapping(o.ID, o.Version)
		if err != nil {
			r.t.Fatal(err)
		}
		patch, manager, sub := patches[r.rnd.IntN(len(patches))], []string{"dev1", "hpa", "dev2", "dev3", "dev1", "hpa", "kubectl-client-side-apply"}[r.rnd.IntN(7)], []string{}
		switch r.rnd.IntN(8) {
		case 0:
			patch, sub = `{"status":{"observedGeneration":1}}`, []string{"status"}
		case 1:
			patch, sub = `{"spec":{"replicas":0}}`, []string{"scale"}
		}
		if o.ID.Kind == "Job" && manager == "kubectl-client-side-apply" {
			// Taking over what it wrote into a suspended Job's template can take
			// the labels along that the server made there, which the server then
			// refuses. That is about migrating, not about settling.
			manager = "dev1"
		}
		_, _ = r.rude.Resource(m.Resource).Namespace(o.ID.Namespace).Patch(r.ctx, o.ID.Name, types.MergePatchType, []byte(patch),
			metav1.PatchOptions{FieldManager: manager}, sub...)
	}
}

// compare plans with and without settling, and reports what differs. A
// controller may write in between, so that counts only which stays so.
func (r *randomSet) compare() (*model.Plan, []model.Object) {
	r.t.Helper()
	var differences []string
	for range 3 {
		req := model.PlanRequest{Environment: r.env, Rendered: r.rendered()}
		plan, objects, err := r.c.Plan(r.ctx, req)
		if err != nil {
			r.t.Fatal(err)
		}
		req.Full = true
		full, _, err := r.c.Plan(r.ctx, req)
		if err != nil {
			r.t.Fatal(err)
		}
		if differences = r.differences(plan, full); len(differences) == 0 {
			r.count(plan, full)
			return full, objects
		}
	}
	r.t.Fatalf("settled and asked for, these differ:\n%s", strings.Join(differences, "\n"))
	return nil, nil
}

func (r *randomSet) differences(plan, full *model.Plan) []string {
	var out []string
	for _, asked := range full.Objects {
		got := planRow(r.t, plan, asked.ID)
		if asked.Prediction == model.PredictedFromList {
			out = append(out, asked.ID.String()+" was not asked for")
		}
		if got.Verdict != asked.Verdict || got.TakesOwnership != asked.TakesOwnership ||
			!fieldpath.Equal(got.Before, asked.Before) || !fieldpath.Equal(got.After, asked.After) {
			out = append(out, fmt.Sprintf("%s (%s): %s %v %s; asked: %s %v %s", asked.ID, got.Prediction, got.Verdict, got.TakesOwnership, planDiff(got),
				asked.Verdict, asked.TakesOwnership, planDiff(asked)))
		}
	}
	return out
}

func (r *randomSet) count(plan, full *model.Plan) {
	for _, asked := range full.Objects {
		r.compared++
		if asked.Verdict != model.VerdictUnchanged || asked.TakesOwnership {
			continue
		}
		r.unchanged++
		if planRow(r.t, plan, asked.ID).Prediction == model.PredictedFromList {
			r.settled++
		} else {
			r.missed[asked.ID.Kind]++
		}
	}
}

// ship applies what can be.
func (r *randomSet) ship(plan *model.Plan, objects []model.Object) {
	r.t.Helper()
	for _, o := range objects {
		row := planRow(r.t, plan, o.ID)
		if row.Verdict == model.VerdictCreate || row.Verdict == model.VerdictUpdate || row.TakesOwnership {
			if _, err := r.c.Apply(r.ctx, o, row); err != nil && model.CodeOf(err, model.ExitOK) != model.ExitPlanMoved {
				r.t.Fatal(err)
			}
		}
	}
}

// TestSettledEqualsDryRun compares settling with asking for everything, over
// random edits to Git and to what is live, with and without mutating admission.
func TestSettledEqualsDryRun(t *testing.T) {
	r := newRandomSet(t)
	plan, objects := r.compare()
	r.ship(plan, objects)
	for round := range 9 {
		if round == 6 { // the definition changes under its objects
			r.define("atomic")
		}
		plan, objects = r.compare()
		if round%3 == 2 {
			r.ship(plan, objects)
		}
		r.commit(12)
		r.meddle(objects, 12)
	}
	plan, objects = r.compare()
	r.ship(plan, objects)
	t.Logf("without mutating admission: %d compared, %d unchanged, %d settled; dry-run all the same: %v", r.compared, r.unchanged, r.settled, r.missed)
	if r.settled*10 < r.unchanged*8 {
		t.Errorf("of %d unchanged objects %d were settled", r.unchanged, r.settled)
	}

	calls := r.mutateBy(newMutator(t))
	r.mutateByPolicy()
	for range 5 {
		_, objects = r.compare()
		r.commit(12)
		r.meddle(objects, 12)
	}
	if calls.Load() == 0 {
		t.Error("the webhook was never called")
	}
	t.Logf("in all: %d compared, %d unchanged, %d settled", r.compared, r.unchanged, r.settled)
	if r.compared < 2000 {
		t.Errorf("only %d objects were compared", r.compared)
	}
}

// newMutator is a webhook that alters ConfigMaps and Widgets.
func newMutator(t *testing.T) (*httptest.Server, *atomic.Int64) {
	calls := &atomic.Int64{}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		calls.Add(1)
		var review struct {
			Request struct {
				UID    string         `json:"uid"`
				Object map[string]any `json:"object"`
			} `json:"request"`
		}
		if err := json.NewDecoder(req.Body).Decode(&review); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		patch := []map[string]any{{"op": "add", "path": "/metadata/annotations", "value": map[string]string{"webhook": "was here"}}}
		body, _ := json.Marshal(patch)
		_ = json.NewEncoder(w).Encode(map[string]any{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": map[string]any{
			"uid": review.Request.UID, "allowed": true, "patchType": "JSONPatch", "patch": body,
		}})
	}))
	t.Cleanup(server.Close)
	return server, calls
}

var webhookGVR = schema.GroupVersionResource{Group: admissionGroup, Version: "v1", Resource: "mutatingwebhookconfigurations"}

// mutateBy has a webhook called for ConfigMaps, and Widgets with a label.
func (r *randomSet) mutateBy(server *httptest.Server, calls *atomic.Int64) *atomic.Int64 {
	r.t.Helper()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	hook := func(name, group, resource string, selector map[string]any) map[string]any {
		return map[string]any{
			"name": name + ".example.com", "sideEffects": "None", "admissionReviewVersions": []any{"v1"}, "objectSelector": selector,
			"clientConfig":      map[string]any{"url": server.URL + "/mutate", "caBundle": ca},
			"namespaceSelector": map[string]any{"matchLabels": map[string]any{"kubernetes.io/metadata.name": r.ns}},
			"rules":             []any{map[string]any{"operations": []any{"CREATE", "UPDATE"}, "apiGroups": []any{group}, "apiVersions": []any{"v1"}, "resources": []any{resource}}},
		}
	}
	body := map[string]any{
		"apiVersion": admissionGroup + "/v1", "kind": "MutatingWebhookConfiguration", "metadata": map[string]any{"name": r.ns},
		"webhooks": []any{
			hook("a", "", "configmaps", map[string]any{}),
			hook("b", r.group, "widgets", map[string]any{"matchLabels": map[string]any{"team": "shop"}}),
		},
	}
	r.createGlobal(webhookGVR, body)
	configs := r.admin.Resource(configGVR).Namespace(r.ns)
	r.eventually("webhook is called", func() bool {
		probe := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"generateName": "probe-"}}}
		o, err := configs.Create(r.ctx, probe, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		return err == nil && o.GetAnnotations()["webhook"] != ""
	})
	return calls
}

func (r *randomSet) createGlobal(gvr schema.GroupVersionResource, body map[string]any) {
	r.t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		r.t.Fatal(err)
	}
	var o unstructured.Unstructured
	if err := o.UnmarshalJSON(raw); err != nil {
		r.t.Fatal(err)
	}
	if _, err := r.admin.Resource(gvr).Create(r.ctx, &o, metav1.CreateOptions{}); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		if err := r.admin.Resource(gvr).Delete(r.detached(), o.GetName(), metav1.DeleteOptions{}); err != nil {
			r.t.Error(err)
		}
	})
}

// mutateByPolicy has the server itself alter ServiceAccounts.
func (r *randomSet) mutateByPolicy() {
	r.t.Helper()
	r.c.RefreshKinds()
	m, err := r.c.mapper.RESTMapping(schema.GroupKind{Group: admissionGroup, Kind: "MutatingAdmissionPolicy"})
	if err != nil {
		r.t.Fatal(err)
	}
	version := m.GroupVersionKind.GroupVersion().String()
	match := map[string]any{
		"namespaceSelector": map[string]any{"matchLabels": map[string]any{"kubernetes.io/metadata.name": r.ns}},
		"resourceRules":     []any{map[string]any{"operations": []any{"UPDATE"}, "apiGroups": []any{""}, "apiVersions": []any{"*"}, "resources": []any{"serviceaccounts"}}},
	}
	r.createGlobal(m.Resource, map[string]any{
		"apiVersion": version, "kind": "MutatingAdmissionPolicy", "metadata": map[string]any{"name": r.ns},
		"spec": map[string]any{
			"matchConstraints": match, "failurePolicy": "Fail", "reinvocationPolicy": "Never",
			"mutations": []any{map[string]any{"patchType": "ApplyConfiguration", "applyConfiguration": map[string]any{
				"expression": `Object{metadata: Object.metadata{labels: {"policy": "was-here"}}}`,
			}}},
		},
	})
	m, err = r.c.mapper.RESTMapping(schema.GroupKind{Group: admissionGroup, Kind: "MutatingAdmissionPolicyBinding"})
	if err != nil {
		r.t.Fatal(err)
	}
	r.createGlobal(m.Resource, map[string]any{
		"apiVersion": version, "kind": "MutatingAdmissionPolicyBinding", "metadata": map[string]any{"name": r.ns},
		"spec": map[string]any{"policyName": r.ns},
	})
	accounts := schema.GroupVersionResource{Version: "v1", Resource: "serviceaccounts"}
	r.eventually("policy is in force", func() bool {
		o, err := r.admin.Resource(accounts).Namespace(r.ns).Patch(r.ctx, "default", types.MergePatchType, []byte(`{}`), metav1.PatchOptions{DryRun: []string{metav1.DryRunAll}})
		return err == nil && o.GetLabels()["policy"] != ""
	})
}
