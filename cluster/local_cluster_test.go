package cluster

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
	"github.com/fairtide-dev/fairtide/internal/testcluster"
	"github.com/fairtide-dev/fairtide/model"
)

// answering is a client whose requests a function may answer instead of the
// server: it returns nil for those that go through.
func (w *planWorld) answering(answer func(r *http.Request) (*http.Response, error)) *Client {
	w.t.Helper()
	rc := testcluster.Get(w.t).Config(w.t)
	rc.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			if resp, err := answer(r); resp != nil || err != nil {
				return resp, err
			}
			return next.RoundTrip(r)
		})
	})
	c, err := newForConfig(Config{StateNamespace: "fairtide", UserAgent: "fairtide/test", Now: time.Now}, "test", rc)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// removeLater deletes a cluster-scoped object when the test is over.
func (w *planWorld) removeLater(gvr schema.GroupVersionResource, name string) {
	w.t.Cleanup(func() { _ = w.admin.Resource(gvr).Delete(w.detached(), name, metav1.DeleteOptions{}) })
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// asksFor reports whether a request is the dry-run of an object.
func asksFor(r *http.Request, name string) bool {
	return r.Method == http.MethodPatch && strings.HasSuffix(r.URL.Path, "/"+name) && strings.Contains(r.URL.RawQuery, url.QueryEscape("dryRun")+"=All")
}

func refusedWith(r *http.Request, code int, reason, message string) *http.Response {
	body := fmt.Sprintf(`{"kind":"Status","apiVersion":"v1","status":"Failure","message":%q,"reason":%q,"code":%d}`, message, reason, code)
	return &http.Response{StatusCode: code, Status: http.StatusText(code), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body))}
}

const boatCRD = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: boats.$NS.example.com}
spec:
  group: $NS.example.com
  scope: Namespaced
  names: {kind: Boat, plural: boats, singular: boat, listKind: BoatList}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    schema:
      openAPIV3Schema:
        type: object
        required: [spec]
        properties:
          status: {type: object, required: [afloat], properties: {afloat: {type: boolean}}}
          spec:
            type: object
            required: [hull]
            x-kubernetes-validations: [{rule: "self.hull != 'sieve'", message: it sinks}]
            properties:
              hull: {type: string, minLength: 2, maxLength: 9, pattern: '^[a-z]+$'}
              crew: {type: integer, minimum: 1, maximum: 12, default: 3}
              draught: {type: number, exclusiveMinimum: true, minimum: 0}
              rig: {type: string, enum: [sloop, ketch], default: sloop}
              flag: {type: string, nullable: true, default: none}
              port: {type: string, default: home}
              speed: {x-kubernetes-int-or-string: true}
              built: {type: string, format: date-time}
              masts: {type: array, maxItems: 3, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [name], items: {type: object, required: [name], properties: {name: {type: string}, height: {type: integer, default: 9}}}}
              tags: {type: array, x-kubernetes-list-type: set, items: {type: string}}
              cargo: {type: object, x-kubernetes-preserve-unknown-fields: true, properties: {kind: {type: string, default: coal}}}
              berths: {type: object, additionalProperties: {type: object, properties: {beds: {type: integer, default: 2}}}}
              lights: {type: object, properties: {left: {type: string, default: red}, right: {type: string, default: green}}, default: {}}
              escort: {type: object, x-kubernetes-embedded-resource: true, x-kubernetes-preserve-unknown-fields: true}
              either: {type: object, properties: {a: {type: integer}, b: {type: integer}}, oneOf: [{required: [a]}, {required: [b]}]}`

// TestLocalCustomResources: what is said about a resource whose definition is
// in the same plan is what the server says once it has the definition.
func TestLocalCustomResources(t *testing.T) {
	t.Parallel()
	cases := []struct {
		spec   string
		reason string // empty: it is created
	}{
		{"{hull: oak}", ""},
		{"{hull: oak, crew: 4, rig: ketch, speed: 50%, built: 2026-11-22T10:00:00Z, draught: 0.5, tags: [a, b]}", ""},
		{"{hull: oak, flag: null, port: null, speed: 5}", ""},
		{"{hull: oak, cargo: {any: {thing: [1, 2.5]}}, berths: {bow: {}, aft: {beds: 1}}}", ""},
		{"{hull: oak, masts: [{name: fore}, {name: main, height: 12}], lights: {left: none}, either: {a: 1}}", ""},
		{"{hull: oak, escort: {apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {x: z}}, data: {a: b}}}", ""},
		{"{}", "spec.hull"},
		{"{hull: x}", "spec.hull"}, {"{hull: mahoganyyyy}", "spec.hull"}, {"{hull: OAK}", "spec.hull"},
		{"{hull: oak, crew: 13}", "spec.crew"}, {"{hull: oak, crew: many}", "spec.crew"}, {"{hull: oak, crew: 1.5}", "spec.crew"},
		{"{hull: oak, draught: 0}", "spec.draught"}, {"{hull: oak, rig: junk}", "spec.rig"}, {"{hull: oak, built: today}", "spec.built"},
		{"{hull: oak, sails: 3}", "spec.sails"}, {"{hull: oak, masts: [{name: a, tall: true}]}", "spec.masts"},
		{"{hull: oak, masts: [{name: a}, {name: a}]}", "spec.masts"}, {"{hull: oak, tags: [a, a]}", "spec.tags"},
		{"{hull: oak, masts: [{name: a}, {name: b}, {name: c}, {name: d}]}", "spec.masts"}, {"{hull: oak, masts: [{height: 3}]}", "spec.masts"},
		{"{hull: oak, cargo: {kind: 3}}", "spec.cargo.kind"}, {"{hull: oak, berths: {bow: {beds: x}}}", "spec.berths.bow.beds"},
		{"{hull: oak, either: {}}", "spec.either"}, {"{hull: oak, either: {a: 1, b: 2}}", "spec.either"},
		{"{hull: oak, escort: {kind: 3}}", "spec.escort.kind"}, {"{hull: oak, speed: true}", "spec.speed"}, {"[]", "spec"},
	}
	w := newPlanWorld(t)
	text := boatCRD
	name := func(i int) string { return fmt.Sprintf("b%02d", i) }
	for i, tc := range cases {
		text += fmt.Sprintf("\n---\n{apiVersion: $NS.example.com/v1, kind: Boat, metadata: {name: %s}, spec: %s}", name(i), tc.spec)
	}
	text += "\n---\n{apiVersion: $NS.example.com/v1, kind: Boat, metadata: {name: meta, lables: {a: b}}, spec: {hull: oak}}" +
		"\n---\n{apiVersion: $NS.example.com/v1, kind: Boat, metadata: {name: Upper}, spec: {hull: oak}}"
	before, objects := w.plan(text)
	w.apply(&model.Plan{Objects: before.Objects}, objects[:1])
	var after *model.Plan
	w.eventually("the definition is served", func() bool {
		after, _ = w.plan(text)
		return rowNamed(t, after, "Boat", name(0)).Prediction == model.PredictedByServer
	})
	for i, tc := range cases {
		was, is := rowNamed(t, before, "Boat", name(i)), rowNamed(t, after, "Boat", name(i))
		switch {
		case was.Verdict != is.Verdict:
			t.Errorf("%s: %s (%s) without the server, %s (%s) with it", tc.spec, was.Verdict, was.Reason, is.Verdict, is.Reason)
		case tc.reason == "":
			if was.Verdict != model.VerdictCreate || was.Prediction != model.PredictedLocally || is.Prediction != model.PredictedByServer {
				t.Errorf("%s: %s, %s, then %s (%s)", tc.spec, was.Verdict, was.Prediction, is.Prediction, is.Reason)
			}
			if want := "predicted without the server: its CustomResourceDefinition is in this plan; 1 rule of its schema (x-kubernetes-validations) not checked"; was.Reason != want {
				t.Errorf("%s: reason %q", tc.spec, was.Reason)
			}
			for _, c := range fieldpath.Diff(was.After, is.After) {
				t.Errorf("%s: %s is %s without the server, %s with it", tc.spec, c.Path, showValue(c.Old), showValue(c.New))
			}
		case was.Verdict != model.VerdictUnpredictable || !strings.Contains(was.Reason, tc.reason):
			t.Errorf("%s: %s (%s), want %s", tc.spec, was.Verdict, was.Reason, tc.reason)
		}
	}
	for _, n := range []string{"meta", "Upper"} {
		if was, is := rowNamed(t, before, "Boat", n), rowNamed(t, after, "Boat", n); was.Verdict != model.VerdictUnpredictable || is.Verdict != was.Verdict {
			t.Errorf("%s: %s (%s) without the server, %s (%s) with it", n, was.Verdict, was.Reason, is.Verdict, is.Reason)
		}
	}
	if !strings.Contains(before.Problem, "cannot be predicted") {
		t.Errorf("problem %q", before.Problem)
	}
}

// TestNewNamespace: what is said about objects of a namespace that the plan
// creates is what the server says once it is there.
func TestNewNamespace(t *testing.T) {
	t.Parallel()
	const inside = `
---
` + "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: cart, namespace: $NS-new}\nspec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: main, image: x, ports: [{containerPort: 80}]}]}}}" + `
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: taken, namespace: $NS-new}, data: {x: new}}
---
{apiVersion: v1, kind: Secret, metadata: {name: db, namespace: $NS-new}, stringData: {password: hunter2}}
---
{apiVersion: v1, kind: Service, metadata: {name: cart, namespace: $NS-new}, spec: {ports: [{port: 80}]}}
---
{apiVersion: batch/v1, kind: Job, metadata: {name: taken, namespace: $NS-new}, spec: {suspend: true, template: {spec: {restartPolicy: Never, containers: [{name: a, image: x}]}}}}
---
{apiVersion: v1, kind: Service, metadata: {name: bad, namespace: $NS-new}, spec: {ports: [{port: 80000}]}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: worse, namespace: $NS-new}, dada: {}}`
	w := newPlanWorld(t)
	w.create(configGVR, "{apiVersion: v1, kind: ConfigMap, metadata: {name: taken, namespace: $NS}, data: {y: old}}")
	w.create(schema.GroupVersionResource{Group: "batch", Version: "v1", Resource: "jobs"},
		"{apiVersion: batch/v1, kind: Job, metadata: {name: taken, namespace: $NS}, spec: {suspend: true, template: {spec: {restartPolicy: Never, containers: [{name: a, image: other}]}}}}")
	text := "{apiVersion: v1, kind: Namespace, metadata: {name: $NS-new}}" + inside
	before, objects := w.plan(text)
	if again, _ := w.plan(text); again.Digest != before.Digest {
		t.Errorf("two plans of the same differ: %v", model.MovedSince(before, again))
	}
	user := "u-" + w.ns
	w.grant(user, `[{apiGroups: ["*"], resources: ["*"], verbs: [get, list]}]`)
	limited, _ := w.clientAs(user)
	denied, _, err := w.tryPlan(limited, text)
	if err != nil {
		t.Fatal(err)
	}
	w.apply(&model.Plan{Objects: before.Objects}, objects[:1])
	after, _ := w.plan(text)
	for _, is := range after.Objects {
		was := planRow(t, before, is.ID)
		if is.ID.Kind == "Namespace" {
			continue
		}
		if was.Verdict != is.Verdict || is.Verdict == model.VerdictCreate && was.Prediction != model.PredictedElsewhere {
			t.Errorf("%s: %s (%s, %s) before, %s (%s) after", is.ID, was.Verdict, was.Prediction, was.Reason, is.Verdict, is.Reason)
		}
		for _, c := range fieldpath.Diff(was.After, is.After) {
			t.Errorf("%s: %s is %s elsewhere, %s there", is.ID, c.Path, showValue(c.Old), showValue(c.New))
		}
		if is.Verdict == model.VerdictCreate && !strings.HasPrefix(was.Reason, "predicted in namespace "+w.ns+": namespace "+w.ns+"-new is created by this plan; ") {
			t.Errorf("%s: %s", is.ID, was.Reason)
		}
		row := planRow(t, denied, is.ID) // who may not even read there
		if row.Verdict != model.VerdictUnpredictable && row.Prediction != model.PredictedLocally {
			t.Errorf("%s: %s (%s, %s) without permission", is.ID, row.Verdict, row.Prediction, row.Reason)
		}
	}
	if row := rowNamed(t, before, "Service", "bad"); row.Verdict != model.VerdictUnpredictable || !strings.Contains(row.Reason, "spec.ports[0].port") {
		t.Errorf("row %+v", row)
	}
	if row := rowNamed(t, before, "ConfigMap", "worse"); row.Verdict != model.VerdictUnpredictable || !strings.Contains(row.Reason, "dada") {
		t.Errorf("row %+v", row)
	}
}

// TestReviewWithoutPatch: a reviewer who may only read sees what somebody who
// may write does, and that it is not theirs to apply.
func TestReviewWithoutPatch(t *testing.T) {
	t.Parallel()
	w := newPlanWorld(t)
	w.env.Prune.Enabled = false
	w.ship(deploymentYAML("cart", "cart:1", "        env: [{name: A, value: a}, {name: B, value: b}]", "        resources: {limits: {cpu: 100m}}") +
		"\n---\n" + configYAML("gone", "{x: one, z: two}") + "---\n" + configYAML("same", "{x: one}") +
		"---\n{apiVersion: v1, kind: Secret, metadata: {name: db}, stringData: {password: hunter2}}")
	w.change("dev1", deploymentGVR, "cart", `{"spec":{"minReadySeconds":7}}`)
	w.change("dev1", configGVR, "gone", `{"data":{"theirs":"three"}}`)
	next := strings.Replace(deploymentYAML("cart", "cart:2", "        env: [{name: A, value: a}]", `        resources: {limits: {cpu: "0.1"}}`), "spec:", "spec:\n  minReadySeconds: 5", 1) +
		"\n---\n" + configYAML("gone", "{x: one}") + "---\n" + configYAML("same", "{x: one}") + "---\n" + configYAML("new", "{x: one}") +
		"---\n{apiVersion: v1, kind: Secret, metadata: {name: db}, stringData: {password: hunter3}}" +
		"\n---\n{apiVersion: v1, kind: Service, metadata: {name: wrong}, spec: {prots: []}}"
	user := "u-" + w.ns
	w.grant(user, `[{apiGroups: ["*"], resources: ["*"], verbs: [get, list]}]`)
	reviewer, _ := w.clientAs(user)
	var local *model.Plan
	w.eventually("the permissions take effect", func() bool {
		plan, _, err := w.tryPlan(reviewer, next)
		if err != nil {
			t.Fatal(err)
		}
		local = plan
		return !strings.Contains(plan.Problem, "needs \"get") && !strings.Contains(plan.Problem, "needs \"list")
	})
	full, _ := w.plan(next)
	for _, want := range full.Objects {
		got := planRow(t, local, want.ID)
		if got.Verdict != want.Verdict {
			t.Errorf("%s is %s (%s), with permission %s (%s)", want.ID, got.Verdict, got.Reason, want.Verdict, want.Reason)
		}
		for _, c := range fieldpath.Diff(got.After, want.After) {
			if want.ID.Kind == "Secret" { // who may not read the cluster's identity sees other tokens
				continue
			}
			t.Errorf("%s: %s is %s, with permission %s", want.ID, c.Path, showValue(c.Old), showValue(c.New))
		}
		if want.ID.Kind == "Deployment" {
			reason := fmt.Sprintf(`predicted without the server: forbidden (needs "patch deployments" in %q)`, w.ns)
			if got.Reason != reason || got.Prediction != model.PredictedLocally || asJSON(got.Causes) != asJSON(want.Causes) {
				t.Errorf("row %+v, want causes %v", got, want.Causes)
			}
		}
	}
	if row := rowNamed(t, local, "Service", "wrong"); !strings.Contains(row.Reason, "prots: the schema of Service has no such field") {
		t.Errorf("row %+v", row)
	}
	for _, want := range []string{`you may not apply it: forbidden (needs "patch deployments" in`, `"patch configmaps"`, `"patch secrets"`} {
		if strings.Count(local.Problem, want) != 1 {
			t.Errorf("problem %q says %q not once", local.Problem, want)
		}
	}
	if strings.Contains(asJSON(local), "hunter") {
		t.Error("a Secret's value is in the plan")
	}
}

// TestWebhooksInTheWay: one that knows no dry-run leaves a mark, one that is
// down stops the plan.
func TestWebhooksInTheWay(t *testing.T) {
	t.Parallel()
	w := newPlanWorld(t)
	w.env.Prune.Enabled = false
	w.ship(configYAML("a", "{x: one}"))
	next := configYAML("a", "{x: two}") + "---\n" + configYAML("b", "{x: one}")
	c := w.answering(func(r *http.Request) (*http.Response, error) {
		if asksFor(r, "a") {
			return refusedWith(r, 400, "BadRequest", `admission webhook "old.example.com" does not support dry run`), nil
		}
		return nil, nil
	})
	plan, objects, err := w.tryPlan(c, next)
	if err != nil {
		t.Fatal(err)
	}
	row := rowNamed(t, plan, "ConfigMap", "a")
	if row.Verdict != model.VerdictUpdate || row.Prediction != model.PredictedLocally || plan.Problem != "" ||
		row.Reason != "predicted without the server: admission webhook old.example.com does not support dry-run" || !hasRisk(row, riskWebhookNotAsked, "old.example.com") {
		t.Errorf("problem %q, row %+v", plan.Problem, row)
	}
	for _, o := range objects {
		if _, err := c.Apply(w.ctx, o, planRow(t, plan, o.ID)); err != nil {
			t.Fatal(err)
		}
	}
	if data := mapAt(w.live(configGVR, "a"), "data"); data["x"] != "two" {
		t.Errorf("live is %v", data)
	}

	hooks := schema.GroupVersionResource{Group: "admissionregistration.k8s.io", Version: "v1", Resource: "validatingwebhookconfigurations"}
	w.create(hooks, `
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: $NS}
webhooks:
- name: dead.example.com
  clientConfig: {url: "https://127.0.0.1:1/"}
  sideEffects: None
  admissionReviewVersions: [v1]
  timeoutSeconds: 1
  namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: $NS}}
  rules: [{apiGroups: [""], apiVersions: [v1], resources: [configmaps], operations: ["*"]}]`)
	w.removeLater(hooks, w.ns)
	w.eventually("the webhook takes effect", func() bool {
		plan, _ = w.plan(configYAML("a", "{x: three}"))
		row = rowNamed(t, plan, "ConfigMap", "a")
		return row.Prediction == model.PredictedLocally
	})
	if row.Verdict != model.VerdictUpdate || row.Reason != "predicted without the server: admission webhook dead.example.com does not answer" ||
		!strings.Contains(plan.Problem, "dead.example.com does not answer; see to the webhook first") {
		t.Errorf("problem %q, row %+v", plan.Problem, row)
	}
}

// TestUnknownVersions: a version that is gone spoils one object, a deprecated
// one is a risk.
func TestUnknownVersions(t *testing.T) {
	t.Parallel()
	w := newPlanWorld(t)
	w.env.Prune.Enabled = false
	w.ship(deploymentYAML("cart", "cart:1"))
	old := strings.Replace(deploymentYAML("cart", "cart:2"), "apps/v1", "apps/v1beta1", 1)
	plan, _ := w.plan(old + "\n---\n" + configYAML("a", "{x: one}") + "---\n{apiVersion: example.com/v1, kind: Foo, metadata: {name: f}}" +
		"\n---\n{apiVersion: v1, kind: Endpoints, metadata: {name: e}}")
	row := rowNamed(t, plan, "Deployment", "cart")
	if row.Verdict != model.VerdictUnpredictable || row.Before == nil || row.Live.UID == "" || !strings.Contains(row.Reason, "is no longer served by cluster test at this version, but as apps/v1; change apiVersion") {
		t.Errorf("row %+v", row)
	}
	if row := rowNamed(t, plan, "Foo", "f"); row.Verdict != model.VerdictUnpredictable || row.Reason != "kind Foo (example.com/v1) is not known to cluster test; is its CRD installed?" {
		t.Errorf("row %+v", row)
	}
	if row := rowNamed(t, plan, "ConfigMap", "a"); row.Verdict != model.VerdictCreate || row.Prediction != model.PredictedByServer {
		t.Errorf("row %+v", row)
	}
	if row := rowNamed(t, plan, "Endpoints", "e"); row.Verdict != model.VerdictCreate || !hasRisk(row, riskDeprecatedVersion, "v1 Endpoints is deprecated") {
		t.Errorf("row %+v", row)
	}
	if !strings.Contains(plan.Problem, "2 objects cannot be predicted") || !strings.Contains(plan.Problem, "change apiVersion") {
		t.Errorf("problem %q", plan.Problem)
	}
}

// TestLostConnection: a dry-run is asked again; one that never gets through
// spoils its object, and the plan when nothing does.
func TestLostConnection(t *testing.T) {
	t.Parallel()
	w := newPlanWorld(t)
	var lose atomic.Int32
	var away atomic.Bool
	c := w.answering(func(r *http.Request) (*http.Response, error) {
		if away.Load() || asksFor(r, "a") && lose.Add(-1) >= 0 {
			return nil, errors.New("connection lost")
		}
		return nil, nil
	})
	text := configYAML("a", "{x: one}") + "---\n" + configYAML("b", "{x: one}")
	lose.Store(2)
	plan, _, err := w.tryPlan(c, text)
	if err != nil {
		t.Fatal(err)
	}
	if row := rowNamed(t, plan, "ConfigMap", "a"); row.Verdict != model.VerdictCreate || row.Prediction != model.PredictedByServer {
		t.Errorf("row %+v", row)
	}
	lose.Store(1000)
	plan, _, err = w.tryPlan(c, text)
	if err != nil {
		t.Fatal(err)
	}
	if row := rowNamed(t, plan, "ConfigMap", "a"); row.Verdict != model.VerdictUnpredictable || !strings.Contains(row.Reason, "the connection is lost each time") {
		t.Errorf("row %+v", row)
	}
	if row := rowNamed(t, plan, "ConfigMap", "b"); row.Verdict != model.VerdictCreate {
		t.Errorf("row %+v", row)
	}
	away.Store(true)
	_, _, err = w.tryPlan(c, text)
	wantCode(t, err, model.ExitUnreachable, "cannot reach")
}
