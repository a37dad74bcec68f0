package cluster

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/fairtide-dev/fairtide/internal/lens"
	"github.com/fairtide-dev/fairtide/model"
)

// A CA bundle that somebody injects is quiet, also when it changes; one that
// Git writes is written, and shown.
func TestBundlesOnTheServer(t *testing.T) {
	w := newPlanWorld(t)
	hook := func(bundle string) string {
		return `{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration,
  metadata: {name: $NS, annotations: {cert-manager.io/inject-ca-from: shop/cert}}, webhooks: [{name: guard.example.com,
  clientConfig: {url: "https://guard.invalid/"` + bundle + `}, admissionReviewVersions: [v1], sideEffects: None, failurePolicy: Ignore,
  rules: [{apiGroups: [none.example.com], apiVersions: [v1], operations: [CREATE], resources: [nones]}]}]}`
	}
	hooks := w.admin.Resource(schema.GroupVersionResource{Group: admissionGroup, Version: "v1", Resource: "validatingwebhookconfigurations"})
	inject := func(bundle string) {
		t.Helper()
		_, err := hooks.Patch(w.ctx, w.ns, types.JSONPatchType, []byte(`[{"op": "add", "path": "/webhooks/0/clientConfig/caBundle", "value": "`+bundle+`"}]`),
			metav1.PatchOptions{FieldManager: "cainjector"})
		if err != nil {
			t.Fatal(err)
		}
	}
	defer func() { _ = hooks.Delete(w.ctx, w.ns, metav1.DeleteOptions{}) }()

	w.ship(hook(""))
	for _, full := range []bool{false, true} {
		w.ask.Full = full
		digest := ""
		for _, bundle := range []string{"AAAA", "BBBB"} {
			inject(bundle)
			plan, _ := w.plan(hook(""))
			if row := plan.Objects[0]; row.Verdict != model.VerdictUnchanged || digest != "" && digest != plan.Digest {
				t.Errorf("full %v: injected %s: %s, %s", full, bundle, row.Verdict, planDiff(row))
			}
			digest = plan.Digest
		}
	}
	const path = "webhooks[guard.example.com].clientConfig.caBundle"
	for _, bundle := range []string{"CCCC", "DDDD", "Cg=="} { // also the placeholder of a chart
		plan, _ := w.plan(hook(", caBundle: " + bundle))
		row := plan.Objects[0]
		if row.Verdict != model.VerdictUpdate || len(row.Hidden) > 0 || !strings.HasPrefix(planDiff(row), path) {
			t.Errorf("%s in Git: %s, hidden %v, %s", bundle, row.Verdict, row.Hidden, planDiff(row))
		}
	}
	w.ship(hook(", caBundle: CCCC"))
	if row := w.ship(hook("")).Objects[0]; row.Verdict != model.VerdictUpdate || !strings.HasPrefix(planDiff(row), path) {
		t.Errorf("Git drops it: %s, %s", row.Verdict, planDiff(row))
	}
}

// What the server makes of values that are written otherwise.
func TestSpellingOnTheServer(t *testing.T) {
	w := newPlanWorld(t)
	quota := func(v string) string {
		return "{apiVersion: v1, kind: ResourceQuota, metadata: {name: q}, spec: {hard: {requests.storage: " + v + "}}}"
	}
	lease := func(v string) string {
		return "{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: l}, spec: {renewTime: '" + v + "'}}"
	}
	data := func(v string) string {
		return `{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, binaryData: {x: "` + v + `"}}`
	}
	text := func(v string) string {
		return "{apiVersion: v1, kind: ConfigMap, metadata: {name: d}, data: {cpu: " + v + "}}"
	}
	port := func(v string) string {
		return "{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {ports: [{port: 1, targetPort: " + v + "}]}}"
	}
	surge := func(v string) string {
		return deploymentYAML("cart", "cart:1") + "\n  strategy: {rollingUpdate: {maxSurge: " + v + "}}"
	}
	for _, c := range []struct {
		spell    func(string) string
		was, is  string
		verdict  model.Verdict
		spelling bool // all of the difference
	}{
		{quota, "1024Mi", "1Gi", model.VerdictUnchanged, false},
		{quota, "1Gi", "1024Mi", model.VerdictUnchanged, false},
		{quota, "128Mi", "'134217728'", model.VerdictUpdate, true},
		{quota, "134217728", "128Mi", model.VerdictUpdate, true},
		{quota, "128Mi", "128M", model.VerdictUpdate, false},
		{lease, "2026-01-02T03:04:05.000000Z", "2026-01-02T04:04:05.000000+01:00", model.VerdictUnchanged, false},
		{data, "aGVsbG8=", `aGVs\nbG8=`, model.VerdictUnchanged, false},
		{text, "100m", "'0.1'", model.VerdictUpdate, false},
		{port, "80", "'80'", model.VerdictUnpredictable, false},
		{surge, "1", "'1'", model.VerdictUnpredictable, false},
	} {
		was, is := c.spell(c.was), c.spell(c.is)
		w.ship(was)
		w.ask.Deployed = w.render(was)
		plan, _ := w.plan(is)
		row := plan.Objects[0]
		if row.Verdict != c.verdict || row.OnlyHidden != c.spelling || c.spelling && row.Hidden[0].Rule != ruleSpelling {
			t.Errorf("%s to %s: %s, hidden %v, %s", c.was, c.is, row.Verdict, row.Hidden, planDiff(row))
		}
		// The lens git must not say less than the lens apply.
		git := lens.Through(plan, model.LensGit).Objects[0]
		if (git.Verdict == model.VerdictUnchanged) != (c.verdict == model.VerdictUnchanged) || git.OnlyHidden != c.spelling {
			t.Errorf("%s to %s in the lens git: %s, hidden %v", c.was, c.is, git.Verdict, git.Hidden)
		}
		if drift := lens.Through(plan, model.LensDrift).Objects[0]; drift.Verdict != model.VerdictUnchanged {
			t.Errorf("%s is drift: %s", c.was, planDiff(drift))
		}
		if c.verdict == model.VerdictUpdate {
			w.ship(is) // what is hidden is written all the same
		}
		w.ask.Deployed = nil
	}
}

// A rule hides in every lens, and what it hides is counted in each.
func TestRulesHideInEveryLens(t *testing.T) {
	w := newPlanWorld(t)
	w.env.Hide = []model.FieldRule{
		{Kind: "Deployment", Pointer: "/spec/replicas"}, {Kind: "Service"}, {Manager: "scaler"},
	}
	service := func(seconds string) string {
		return "{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {ports: [{port: 80}], sessionAffinity: ClientIP, sessionAffinityConfig: {clientIP: {timeoutSeconds: " + seconds + "}}}}"
	}
	all := func(replicas, wait, image, port, x string) string {
		cart := strings.Replace(deploymentYAML("cart", image), "replicas: 0", "replicas: "+replicas+"\n  minReadySeconds: "+wait, 1)
		return cart + "\n---\n" + service(port) + "\n---\n" + configYAML("plain", "{x: "+x+"}")
	}
	deployed := all("0", "1", "cart:1", "80", "a")
	w.ship(deployed)
	w.change("kubectl", deploymentGVR, "cart", `{"spec": {"replicas": 2}}`)
	w.change("scaler", deploymentGVR, "cart", `{"spec": {"minReadySeconds": 7}}`)
	w.change("kubectl", serviceGVR, "s", `{"spec": {"sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 81}}}}`)
	w.change("kubectl", configGVR, "plain", `{"data": {"x": "b"}}`)
	w.ask.Deployed = w.render(deployed)
	plan, _ := w.plan(all("4", "3", "cart:2", "82", "c"))

	const replicas, wait, image = "spec.replicas", "spec.minReadySeconds", "spec.template.spec.containers[main].image"
	for l, want := range map[model.Lens][3]string{ // hidden of cart, what is left of it, hidden of the Service
		model.LensApply: {wait + " " + replicas, image, ""},
		model.LensGit:   {wait + " " + replicas, image, ""},
		model.LensDrift: {wait + " " + replicas, "", ""},
	} {
		seen, open := lens.Through(plan, l), lens.Through(lens.WithHidden(plan), l)
		cart, s, plain := rowNamed(t, seen, "Deployment", "cart"), rowNamed(t, seen, "Service", "s"), rowNamed(t, seen, "ConfigMap", "plain")
		var hidden []string
		for _, h := range cart.Hidden {
			hidden = append(hidden, h.Path)
		}
		slices.Sort(hidden)
		shown := cart
		shown.After = cart.Shown
		if left := planDiff(shown); strings.Join(hidden, " ") != want[0] || !strings.HasPrefix(left, want[1]) || want[1] == "" && left != "" {
			t.Errorf("lens %s hides %v of cart and shows %s", l, hidden, left)
		}
		if s.Verdict != model.VerdictUpdate || !s.OnlyHidden || lens.HiddenWords(s) == "" {
			t.Errorf("lens %s: the Service is %s, hidden %v", l, s.Verdict, s.Hidden)
		}
		if plain.Verdict != model.VerdictUpdate || len(plain.Hidden) > 0 || plain.Shown != nil {
			t.Errorf("lens %s: the ConfigMap is %s, hidden %v", l, plain.Verdict, plain.Hidden)
		}
		if all := rowNamed(t, open, "Deployment", "cart"); all.Shown != nil || fmt.Sprint(all.Hidden) != fmt.Sprint(cart.Hidden) {
			t.Errorf("lens %s does not show what is hidden", l)
		}
	}
}

// Annotations that controllers keep for themselves are shown once Git writes
// them: every apply does, then.
func TestBookkeepingOnTheServer(t *testing.T) {
	w := newPlanWorld(t)
	const key = "control-plane.alpha.kubernetes.io/leader"
	plain := configYAML("c", "{x: a}")
	copied := func(v string) string {
		return strings.Replace(plain, "name: c", "name: c, annotations: {"+key+": '"+v+"'}", 1)
	}
	w.ship(plain)
	w.change("controller", configGVR, "c", `{"metadata": {"annotations": {"`+key+`": "5"}}}`)
	plan, _ := w.plan(plain)
	if row := plan.Objects[0]; row.Verdict != model.VerdictUnchanged {
		t.Errorf("the controller's annotation: %s, %s", row.Verdict, planDiff(row))
	}
	for _, v := range []string{"3", "4"} {
		if row := w.ship(copied(v)).Objects[0]; row.Verdict != model.VerdictUpdate || !strings.HasSuffix(planDiff(row), "leader] "+map[string]string{"3": "5", "4": "3"}[v]+" → "+v) {
			t.Errorf("%s in Git: %s, %s", v, row.Verdict, planDiff(row))
		}
	}
	if row := w.ship(plain).Objects[0]; row.Verdict != model.VerdictUpdate || !strings.Contains(planDiff(row), "leader") {
		t.Errorf("dropped from Git: %s, %s", row.Verdict, planDiff(row))
	}
}

// The status of a kind without a subresource for it is a field that an apply
// writes, and takes away once Git has dropped it; else it is nobody's business.
func TestPlainStatusOnTheServer(t *testing.T) {
	w := newPlanWorld(t)
	crd := strings.Replace(crdYAML("Cask", w.ns), "{spec: {type: object", "{status: {type: object, x-kubernetes-preserve-unknown-fields: true}, spec: {type: object", 1)
	cask := func(more string) string {
		return crd + "\n---\n{apiVersion: $NS.example.com/v1, kind: Cask, metadata: {name: c}, spec: {size: 2}" + more + "}"
	}
	w.ship(cask(""))
	gvr := schema.GroupVersionResource{Group: w.ns + ".example.com", Version: "v1", Resource: "casks"}
	w.change("controller", gvr, "c", `{"status": {"full": "no", "seen": "yes"}}`)
	for _, step := range []struct{ more, diff string }{
		{"", ""}, {", status: {full: 'yes'}", "status.full no → yes"}, {"", "status.full yes → nothing"}, {"", ""},
	} {
		plan, objects := w.plan(cask(step.more))
		row := rowNamed(t, plan, "Cask", "c")
		if diff := planDiff(row); diff != step.diff || row.Verdict == model.VerdictUnpredictable {
			t.Errorf("with %q: %s, %q", step.more, row.Verdict, diff)
		}
		w.apply(plan, objects)
	}
}
