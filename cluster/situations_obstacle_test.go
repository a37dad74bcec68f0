package cluster

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/fairtide-dev/fairtide/internal/testcluster"
	"github.com/fairtide-dev/fairtide/model"
)

func admissionGVR(resource string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "admissionregistration.k8s.io", Version: "v1", Resource: resource}
}

// admission makes an object of the cluster that judges writes in the test's
// namespace, and waits until it does: a probe is answered with the words.
func (w *planWorld) admission(resource, text string) {
	w.t.Helper()
	w.admissionNamed(resource, w.ns, text)
}

func (w *planWorld) admissionNamed(resource, name, text string) {
	w.t.Helper()
	name = strings.ReplaceAll(name, "$NS", w.ns)
	w.create(admissionGVR(resource), text)
	w.t.Cleanup(func() {
		if err := w.admin.Resource(admissionGVR(resource)).Delete(w.detached(), name, metav1.DeleteOptions{}); err != nil {
			w.t.Error(err)
		}
	})
}

// judged waits until creating a ConfigMap as a dry-run is refused with the
// words, or where they are empty until it comes back with the annotation.
func (w *planWorld) judged(words, annotation string) {
	w.t.Helper()
	probe := w.objects("{apiVersion: v1, kind: ConfigMap, metadata: {name: probe, namespace: $NS}}")[0]
	w.eventually("admission takes effect", func() bool {
		o, err := w.admin.Resource(configGVR).Namespace(w.ns).Create(w.ctx, &unstructured.Unstructured{Object: probe.Fields}, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if words != "" {
			return err != nil && strings.Contains(err.Error(), words)
		}
		return err == nil && o.GetAnnotations()[annotation] != ""
	})
}

const hookRules = "rules: [{apiGroups: [''], apiVersions: [v1], resources: [configmaps], operations: [CREATE, UPDATE]}]"

// silentWebhook is one that nobody answers.
func silentWebhook(w *planWorld) {
	w.admission("validatingwebhookconfigurations", `{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: $NS}, webhooks: [{name: guard.example.com,
  failurePolicy: Fail, sideEffects: None, admissionReviewVersions: [v1], timeoutSeconds: 1, clientConfig: {url: "https://127.0.0.1:1/"},
  namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: $NS}}, `+hookRules+`}]}`)
	w.judged("failed calling webhook", "")
}

// strictPolicy allows no ConfigMap of some content.
func strictPolicy(w *planWorld) {
	w.admission("validatingadmissionpolicies", `{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicy, metadata: {name: $NS}, spec: {failurePolicy: Fail,
  matchConstraints: {resourceRules: [{apiGroups: [''], apiVersions: [v1], resources: [configmaps], operations: [CREATE, UPDATE]}]},
  validations: [{expression: "object.metadata.name != 'probe' && !('x' in object.?data.orValue({}) && object.data.x == 'bad')", message: bad is not allowed}]}}`)
	w.admission("validatingadmissionpolicybindings", `{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicyBinding, metadata: {name: $NS}, spec: {policyName: $NS, validationActions: [Deny],
  matchResources: {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: $NS}}}}}`)
	w.judged("bad is not allowed", "")
}

// quotingPolicies warn of every ConfigMap and forbid deleting one, with what is
// in it.
func quotingPolicies(w *planWorld) {
	for i, p := range []struct{ verbs, action, words string }{
		{"[CREATE, UPDATE]", "Warn", "'warned of ' + object"}, {"[DELETE]", "Deny", "'kept for ' + oldObject"},
	} {
		name := fmt.Sprintf("$NS-%d", i)
		for kind, spec := range map[string]string{
			"ValidatingAdmissionPolicy": `failurePolicy: Fail, matchConstraints: {resourceRules: [{apiGroups: [''], apiVersions: [v1], resources: [configmaps], operations: ` + p.verbs + `}]},
  validations: [{expression: "false", messageExpression: "` + p.words + `.?data.?key.orValue('none')"}]`,
			"ValidatingAdmissionPolicyBinding": "policyName: " + name + ", validationActions: [" + p.action + "], matchResources: {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: $NS}}}",
		} {
			resource := map[bool]string{true: "validatingadmissionpolicies", false: "validatingadmissionpolicybindings"}[strings.HasSuffix(kind, "Policy")]
			w.admissionNamed(resource, name, "{apiVersion: admissionregistration.k8s.io/v1, kind: "+kind+", metadata: {name: "+name+"}, spec: {"+spec+"}}")
		}
	}
	w.eventually("admission takes effect", func() bool {
		c := w.admin.Resource(configGVR).Namespace(w.ns)
		dry := []string{metav1.DryRunAll}
		err := c.Delete(w.ctx, "left", metav1.DeleteOptions{DryRun: dry})
		asking, warnings := collectWarnings(w.ctx)
		it := &planItem{object: w.objects("{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: $NS}, data: {key: other}}")[0]}
		it.mapping = mappingOf("", "ConfigMap", "configmaps")
		it.mapping.Scope = meta.RESTScopeNamespace
		_, patchErr := w.c.tryApply(asking, it)
		return err != nil && strings.Contains(err.Error(), "kept for") && patchErr == nil && len(warnings.texts) > 0
	})
}

// marksEverything has every ConfigMap get an annotation on its way in.
func marksEverything(w *planWorld) {
	w.admission("mutatingadmissionpolicies", `{apiVersion: admissionregistration.k8s.io/v1, kind: MutatingAdmissionPolicy, metadata: {name: $NS}, spec: {failurePolicy: Fail, reinvocationPolicy: Never,
  matchConstraints: {resourceRules: [{apiGroups: [''], apiVersions: [v1], resources: [configmaps], operations: [CREATE, UPDATE]}]},
  mutations: [{patchType: ApplyConfiguration, applyConfiguration: {expression: "Object{metadata: Object.metadata{annotations: {'marked': 'yes'}}}"}}]}}`)
	w.admission("mutatingadmissionpolicybindings", `{apiVersion: admissionregistration.k8s.io/v1, kind: MutatingAdmissionPolicyBinding, metadata: {name: $NS}, spec: {policyName: $NS,
  matchResources: {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: $NS}}}}}`)
	w.judged("", "marked")
}

// oldWebhook answers dry-runs as the server does where a webhook that does not
// support them is registered, which the API of today does not allow any more.
type oldWebhook struct{ next http.RoundTripper }

func (o oldWebhook) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodPatch || r.URL.Query().Get("dryRun") == "" || !strings.Contains(r.URL.Path, "/configmaps/") {
		return o.next.RoundTrip(r)
	}
	body, err := json.Marshal(metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusFailure, Code: http.StatusBadRequest,
		Reason: metav1.StatusReasonBadRequest, Message: `admission webhook "old.example.com" does not support dry run`})
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: http.StatusBadRequest, Status: "400 Bad Request", Proto: r.Proto, ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body))}, nil
}

func behindOldWebhook(w *planWorld) {
	rc := testcluster.Get(w.t).Config(w.t)
	rc.Wrap(func(next http.RoundTripper) http.RoundTripper { return oldWebhook{w.log.record(next)} })
	c, err := newForConfig(Config{StateNamespace: "fairtide", UserAgent: "fairtide/test", Now: time.Now}, "test", rc)
	if err != nil {
		w.t.Fatal(err)
	}
	w.c = c
}

func unpredictable(object, reason string) []expect {
	return []expect{{object: object, verdict: model.VerdictUnpredictable, reason: reason}}
}

const someRights = `[{apiGroups: [""], resources: [configmaps], verbs: %s}]`

// obstacleSituations are about what keeps the server from saying.
var obstacleSituations = []situation{
	{name: "a namespace of the same plan", next: "{apiVersion: v1, kind: Namespace, metadata: {name: $NS-new}}\n---\n" + strings.Replace(deploymentYAML("cart", "cart:1"), "{name: cart}", "{name: cart, namespace: $NS-new}", 1), want: []expect{
		{object: "Namespace $NS-new", verdict: model.VerdictCreate},
		{object: "Deployment cart", verdict: model.VerdictCreate, by: model.PredictedElsewhere, reason: "namespace $NS-new is created by this plan", after: []string{"spec.progressDeadlineSeconds=600", `metadata.namespace="$NS-new"`}}}},
	{name: "an invalid object of a namespace of the same plan", problem: "1 object cannot be predicted",
		next: "{apiVersion: v1, kind: Namespace, metadata: {name: $NS-new}}\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: $NS-new}, data: {x: one, 'no good': two}}", want: unpredictable("ConfigMap a", "data[no good]")},
	{name: "a namespace that is missing", next: "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: $NS-no}, data: {x: one}}", problem: "1 object cannot be predicted", want: unpredictable("ConfigMap a", "does not exist; create it, or add it to environments/staging")},
	{name: "a reviewer who may only read", rights: fmt.Sprintf(someRights, "[get, list]"), shipped: configYAML("a", "{x: one, gone: one}"), next: configYAML("a", "{x: two}"), problem: "forbidden", want: []expect{
		{object: "ConfigMap a", verdict: model.VerdictUpdate, by: model.PredictedLocally, reason: `forbidden (needs "patch configmaps" in "$NS")`, after: []string{`data.x="two"`, "data.gone=-"}, causes: []string{"data.gone git commit", "data.x git commit"}}}},
	{name: "a reviewer who may only read, of a Secret", rights: `[{apiGroups: [""], resources: [secrets], verbs: [get, list]}]`, shipped: "{apiVersion: v1, kind: Secret, metadata: {name: db}, stringData: {password: hunter2, user: shop}}", problem: "forbidden",
		next: "{apiVersion: v1, kind: Secret, metadata: {name: db}, stringData: {password: hunter3, user: shop}}", want: []expect{
			{object: "Secret db", verdict: model.VerdictUpdate, by: model.PredictedLocally, reason: `forbidden (needs "patch secrets" in "$NS")`, causes: []string{"data.password git commit"}}}},
	{name: "a reviewer who may only read, of a workload's lists", rights: `[{apiGroups: [apps], resources: [deployments], verbs: [get, list]}]`, problem: "forbidden",
		shipped: deploymentYAML("cart", "cart:1", "        env: [{name: A, value: '1'}, {name: B, value: '1'}]", "        resources: {limits: {cpu: 100m}}"),
		next:    deploymentYAML("cart", "cart:2", "        env: [{name: B, value: '1'}]", "        resources: {limits: {cpu: '0.1'}}"), want: []expect{
			{object: "Deployment cart", verdict: model.VerdictUpdate, by: model.PredictedLocally, reason: "forbidden", causes: []string{mainImage + " git commit", "spec.template.spec.containers[main].env[A] git commit"}}}},
	{name: "a reviewer who may only read, of what stays as it is", rights: fmt.Sprintf(someRights, "[get, list]"), set: func(w *planWorld) { w.ask.Full = true }, shipped: configYAML("a", "{x: one}"), next: configYAML("a", "{x: one}"), want: []expect{
		{object: "ConfigMap a", verdict: model.VerdictUnchanged, by: model.PredictedLocally, reason: "forbidden (needs \"patch configmaps\""}}},
	{name: "who may not create", rights: fmt.Sprintf(someRights, "[get, list, patch]"), next: configYAML("new", "{x: two}"), problem: "forbidden", want: []expect{
		{object: "ConfigMap new", verdict: model.VerdictCreate, by: model.PredictedLocally, reason: `forbidden (needs "create configmaps" in "$NS")`, after: []string{`data.x="two"`}}}},
	{name: "who may not read", rights: fmt.Sprintf(someRights, "[patch, create]"), next: configYAML("a", "{x: two}"), problem: "1 object cannot be predicted", want: unpredictable("ConfigMap a", `the live object cannot be read: forbidden (needs "get configmaps" in "$NS")`)},
	{name: "a webhook without dry-run", shipped: configYAML("a", "{x: one}"), live: behindOldWebhook, next: configYAML("a", "{x: two}"), want: []expect{
		{object: "ConfigMap a", verdict: model.VerdictUpdate, by: model.PredictedLocally, reason: "admission webhook old.example.com does not support dry-run", after: []string{`data.x="two"`}, risks: []string{riskWebhookNotAsked + ": old.example.com"}}}},
	{name: "a webhook that does not answer", shipped: configYAML("a", "{x: one}"), live: silentWebhook, next: configYAML("a", "{x: two}"), problem: "guard.example.com does not answer", want: []expect{
		{object: "ConfigMap a", verdict: model.VerdictUpdate, by: model.PredictedLocally, reason: "guard.example.com does not answer", after: []string{`data.x="two"`}}}},
	{name: "a policy that forbids it", shipped: configYAML("a", "{x: one}"), live: strictPolicy, next: configYAML("a", "{x: bad}"), problem: "1 object cannot be predicted", want: unpredictable("ConfigMap a", "bad is not allowed")},
	{name: "policies that quote a value masked by a rule", set: func(w *planWorld) { w.env.Mask = []model.FieldRule{{Kind: "ConfigMap", Pointer: "/data/key"}} },
		shipped: docs("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {key: hunter2}}", "{apiVersion: v1, kind: ConfigMap, metadata: {name: left}, data: {key: hunter2}}"), live: quotingPolicies,
		next: "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {tier: web}}, data: {key: hunter2}}", problem: "1 object cannot be predicted", want: []expect{
			{object: "ConfigMap a", verdict: model.VerdictUpdate, risks: []string{"server-warns: warned of <masked>"}},
			{object: "ConfigMap left", verdict: model.VerdictUnpredictable, reason: "kept for <masked>"}}},
	{name: "what the server puts in", shipped: configYAML("a", "{x: one}"), live: marksEverything, next: configYAML("a", "{x: two}"), want: []expect{
		{object: "ConfigMap a", verdict: model.VerdictUpdate, causes: []string{"data.x git commit", "metadata.annotations server"}, after: []string{`metadata.annotations.marked="yes"`}}}},
	{name: "an unknown field", next: deploymentYAML("cart", "cart:1", "        imagee: x"), problem: "1 object cannot be predicted",
		want: unpredictable("Deployment cart", `spec.template.spec.containers[name="main"].imagee: the schema of Deployment has no such field`)},
	{name: "an invalid value", next: strings.Replace(deploymentYAML("cart", "cart:1"), "replicas: 0", "replicas: -1", 1), problem: "1 object cannot be predicted", want: unpredictable("Deployment cart", "invalid: spec.replicas")},
	{name: "a list that names an entry twice", next: deploymentYAML("cart", "cart:1", "        env: [{name: A, value: b}, {name: A, value: c}]"), problem: "1 object cannot be predicted", want: unpredictable("Deployment cart", "the list names an entry twice")},
	{name: "a Secret of the wrong type, without its words", next: "{apiVersion: v1, kind: Secret, metadata: {name: db}, stringData: {password: {a: hunter2}}}", problem: "1 object cannot be predicted", want: unpredictable("Secret db", "stringData.password: wrong type")},
	{name: "a Secret refused for its content, without its words", next: "{apiVersion: v1, kind: Secret, metadata: {name: db}, type: kubernetes.io/dockerconfigjson, stringData: {.dockerconfigjson: hunter2}}", problem: "cannot be predicted", want: unpredictable("Secret db", "data[.dockerconfigjson]")},
	{name: "an object that is being deleted", shipped: "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, finalizers: [example.com/hold]}}", problem: "cannot be predicted",
		live: func(w *planWorld) { w.remove(configGVR, "a") },
		next: "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, finalizers: [example.com/hold]}}", want: unpredictable("ConfigMap a", "being deleted since")},
}

// clientSideApplied is an object as `kubectl apply` leaves it.
func clientSideApplied(w *planWorld) {
	text := `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"` + w.ns + `"},"data":{"x":"one","gone":"one"}}`
	o := w.objects(text)[0]
	u := &unstructured.Unstructured{Object: o.Fields}
	u.SetAnnotations(map[string]string{lastAppliedAnnotation: text})
	if _, err := w.admin.Resource(configGVR).Namespace(w.ns).Create(w.ctx, u, metav1.CreateOptions{FieldManager: "kubectl-client-side-apply"}); err != nil {
		w.t.Fatal(err)
	}
}

// appliedBy has another field manager apply a ConfigMap.
func appliedBy(manager, name, body string) func(*planWorld) {
	return func(w *planWorld) {
		force := true
		_, err := w.admin.Resource(configGVR).Namespace(w.ns).Patch(w.ctx, name, types.ApplyPatchType,
			fmt.Appendf(nil, `{"apiVersion":"v1","kind":"ConfigMap",%s}`, body), metav1.PatchOptions{FieldManager: manager, Force: &force})
		if err != nil {
			w.t.Fatal(err)
		}
	}
}

// keptBy is a situation in which the mark of another reconciler is on an object.
func keptBy(name, metadata, owner string) situation {
	return situation{name: "kept by " + name, shipped: configYAML("a", "{x: one}"), live: changed("other", configGVR, "a", `{"metadata":`+metadata+`}`), next: configYAML("a", "{x: two}"), want: []expect{
		{object: "ConfigMap a", verdict: model.VerdictUpdate, risks: []string{riskForeignOwner + ": " + owner}, check: func(t *testing.T, row model.PlannedObject) {
			if row.Owner != owner {
				t.Errorf("owner is %q, want %q", row.Owner, owner)
			}
		}}}}
}

// controlled has an object be the controller of a ConfigMap.
func controlled(name string) func(*planWorld) {
	return func(w *planWorld) {
		w.create(configGVR, "{apiVersion: v1, kind: ConfigMap, metadata: {name: main, namespace: $NS}}")
		w.change("other", configGVR, name, fmt.Sprintf(`{"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":"main","uid":%q,"controller":true}]}}`,
			metaString(w.live(configGVR, "main"), "uid")))
	}
}

// ownerSituations are about who else keeps an object, or part of it.
var ownerSituations = []situation{
	keptBy("Flux", `{"labels":{"kustomize.toolkit.fluxcd.io/name":"shop","kustomize.toolkit.fluxcd.io/namespace":"flux"}}`, "Flux Kustomization flux/shop"),
	keptBy("Flux's Helm", `{"labels":{"helm.toolkit.fluxcd.io/name":"shop","helm.toolkit.fluxcd.io/namespace":"flux"}}`, "Flux HelmRelease flux/shop"),
	keptBy("Argo CD", `{"annotations":{"argocd.argoproj.io/tracking-id":"shop:/ConfigMap:$NS/a"}}`, "Argo CD application shop"),
	keptBy("Helm", `{"labels":{"app.kubernetes.io/managed-by":"Helm"},"annotations":{"meta.helm.sh/release-name":"shop","meta.helm.sh/release-namespace":"prod"}}`, "Helm release prod/shop"),
	keptBy("kapp", `{"labels":{"kapp.k14s.io/app":"1234"}}`, "kapp app 1234"),
	{name: "kept by its controller", shipped: configYAML("a", "{x: one}"), live: controlled("a"), next: configYAML("a", "{x: two}"), want: []expect{
		{object: "ConfigMap a", verdict: model.VerdictUpdate, risks: []string{riskForeignOwner + ": ConfigMap main"}}}},
	{name: "once applied by kubectl", live: clientSideApplied, next: configYAML("a", "{x: two}"), want: []expect{
		{object: "ConfigMap a", verdict: model.VerdictUpdate, before: []string{`data.gone="one"`}, after: []string{"data.gone=-", `data.x="two"`}, risks: []string{riskMigrates}, check: func(t *testing.T, row model.PlannedObject) {
			if !row.Migrates {
				t.Error("does not say that it migrates")
			}
		}}}},
	{name: "once applied by kubectl, and equal", live: clientSideApplied, next: configYAML("a", "{x: one, gone: one}"), want: []expect{
		{object: "ConfigMap a", verdict: model.VerdictUnchanged, check: func(t *testing.T, row model.PlannedObject) {
			if !row.Writes() {
				t.Error("does not write")
			}
		}}}},
	{name: "an object that exists and was never applied", live: created(configGVR, "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: $NS}, data: {x: one, more: mine}}"), next: configYAML("a", "{x: two}"), want: []expect{
		{object: "ConfigMap a", verdict: model.VerdictUpdate, after: []string{`data.x="two"`, `data.more="mine"`}, risks: []string{riskAdopts + ": exists and was never applied by fairtide"}}}},
	{name: "an object that exists as Git has it", live: created(configGVR, "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: $NS}, data: {x: one}}"), next: configYAML("a", "{x: one}"), want: []expect{
		{object: "ConfigMap a", verdict: model.VerdictUnchanged, check: func(t *testing.T, row model.PlannedObject) {
			if !row.TakesOwnership || !row.Writes() {
				t.Error("takes no ownership")
			}
		}}}},
	{name: "a conflict with another manager's fields", shipped: configYAML("a", "{x: one}"), live: appliedBy("platform", "a", `"data":{"x":"theirs","own":"kept"}`), next: configYAML("a", "{x: two}"), want: []expect{
		{object: "ConfigMap a", verdict: model.VerdictUpdate, after: []string{`data.x="two"`, `data.own="kept"`}, causes: []string{"data.x drift platform"}, risks: []string{riskConflicts + ": platform", riskConflicts + ": data.x"}}}},
	{name: "another manager's fields beside ours", shipped: configYAML("a", "{x: one}"), live: appliedBy("platform", "a", `"data":{"own":"theirs"}`), next: configYAML("a", "{x: one}"), want: unchanged("ConfigMap a")},
	{name: "a field that others still have leaves Git", shipped: configYAML("a", "{x: one, z: one}"), live: appliedBy("platform", "a", `"data":{"z":"one"}`), next: configYAML("a", "{x: one}"), want: []expect{
		{object: "ConfigMap a", verdict: model.VerdictUnchanged}}},
}
