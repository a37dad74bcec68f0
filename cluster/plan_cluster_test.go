package cluster

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fairtide-dev/fairtide/model"
)

// TestPlanSituations: from a shipped state, through what somebody did to the
// cluster, to the plan of another state.
func TestPlanSituations(t *testing.T) {
	t.Parallel()
	type row struct {
		kind, name string
		verdict    model.Verdict
		reason     string                                      // part of it
		check      func(t *testing.T, row model.PlannedObject) // more, if set
	}
	cases := []struct {
		name    string
		shipped string
		live    func(w *planWorld)
		next    string
		rows    []row
		problem string // part of the plan's; empty: it has none, and is shipped
	}{
		{name: "create, with the server's defaults", next: deploymentYAML("cart", "registry.example.com/cart:1.4.1"), rows: []row{{
			kind: "Deployment", name: "cart", verdict: model.VerdictCreate,
			check: func(t *testing.T, row model.PlannedObject) {
				if row.Before != nil || mapAt(row.After, "spec")["progressDeadlineSeconds"] == nil {
					t.Errorf("sides are %v and %v", row.Before, row.After)
				}
			}}}},
		{name: "unchanged", shipped: deploymentYAML("cart", "cart:1"), next: deploymentYAML("cart", "cart:1"),
			rows: []row{{kind: "Deployment", name: "cart", verdict: model.VerdictUnchanged}}},
		{name: "equal quantities and a relisted default are no change",
			shipped: deploymentYAML("cart", "cart:1", "        resources: {limits: {cpu: 100m}}"),
			next:    deploymentYAML("cart", "cart:1", `        resources: {limits: {cpu: "0.1"}}`, "        imagePullPolicy: IfNotPresent"),
			rows:    []row{{kind: "Deployment", name: "cart", verdict: model.VerdictUnchanged}}},
		{name: "update", shipped: deploymentYAML("cart", "cart:1.4.2"), next: deploymentYAML("cart", "cart:1.4.1"), rows: []row{{
			kind: "Deployment", name: "cart", verdict: model.VerdictUpdate,
			check: func(t *testing.T, row model.PlannedObject) {
				if len(row.Causes) != 1 || !hasCause(row, "spec.template.spec.containers[main].image", model.CauseGit, "c0ffee0000000000000000000000000000000000") {
					t.Errorf("causes %v", row.Causes)
				}
				if !hasRisk(row, riskImageGoesBack, "main") {
					t.Errorf("risks %v", row.Risks)
				}
			}}}},
		{name: "field dropped from Git", shipped: configYAML("a", "{x: one, z: two}"), next: configYAML("a", "{x: one}"), rows: []row{{
			kind: "ConfigMap", name: "a", verdict: model.VerdictUpdate,
			check: func(t *testing.T, row model.PlannedObject) {
				if len(row.Causes) != 1 || row.Causes[0].Path != "data.z" || row.Causes[0].Kind != model.CauseGit {
					t.Errorf("causes %v", row.Causes)
				}
			}}}},
		{name: "drift", shipped: deploymentYAML("cart", "cart:1"),
			live: func(w *planWorld) {
				w.change("kubectl-scale", deploymentGVR, "cart", `{"spec":{"replicas":2}}`, "scale")
				w.change("dev1", deploymentGVR, "cart", `{"spec":{"revisionHistoryLimit":9,"minReadySeconds":7},"metadata":{"annotations":{"note":"mine"}}}`)
			},
			next: strings.Replace(deploymentYAML("cart", "cart:1"), "spec:", "spec:\n  minReadySeconds: 5", 1), rows: []row{{
				kind: "Deployment", name: "cart", verdict: model.VerdictUpdate,
				check: func(t *testing.T, row model.PlannedObject) {
					if len(row.Causes) != 2 || !hasCause(row, "spec.replicas", model.CauseDrift, "kubectl-scale") ||
						!hasCause(row, "spec.minReadySeconds", model.CauseDrift, "dev1") || row.Causes[0].At.IsZero() {
						t.Errorf("causes %v", row.Causes)
					}
					// The server keeps no time for the scale subresource.
					if !hasRisk(row, riskOverwritesDrift, "spec.replicas: kubectl-scale set 2, Git says 0") ||
						!hasRisk(row, riskOverwritesDrift, "spec.minReadySeconds: dev1 set 7 at ") || !hasRisk(row, riskLowersReplicas, "") {
						t.Errorf("risks %v", row.Risks)
					}
				}}}},
		{name: "secret", shipped: "{apiVersion: v1, kind: Secret, metadata: {name: db}, stringData: {password: hunter2, user: shop}}",
			next: "{apiVersion: v1, kind: Secret, metadata: {name: db}, stringData: {password: hunter3, user: shop}}", rows: []row{{
				kind: "Secret", name: "db", verdict: model.VerdictUpdate,
				check: func(t *testing.T, row model.PlannedObject) {
					before, after := mapAt(row.Before, "data"), mapAt(row.After, "data")
					if before["user"] != after["user"] || before["password"] == after["password"] {
						t.Errorf("tokens are %v and %v", before, after)
					}
					if len(row.Causes) != 1 || row.Causes[0].Path != "data.password" || !hasRisk(row, riskChangesSecret, "Secret") {
						t.Errorf("causes %v, risks %v", row.Causes, row.Risks)
					}
				}}}},
		{name: "secret, same value in data", shipped: "{apiVersion: v1, kind: Secret, metadata: {name: db}, stringData: {password: hunter2}}",
			next: "{apiVersion: v1, kind: Secret, metadata: {name: db}, data: {password: aHVudGVyMg==}}",
			rows: []row{{kind: "Secret", name: "db", verdict: model.VerdictUnchanged}}},
		{name: "secret, drift without its value", shipped: "{apiVersion: v1, kind: Secret, metadata: {name: db}, stringData: {password: hunter2}}",
			live: func(w *planWorld) { w.change("dev1", secretGVR, "db", `{"stringData":{"password":"hunter4"}}`) },
			next: "{apiVersion: v1, kind: Secret, metadata: {name: db}, data: {password: aHVudGVyMg==}}", rows: []row{{
				kind: "Secret", name: "db", verdict: model.VerdictUpdate,
				check: func(t *testing.T, row model.PlannedObject) {
					if !hasRisk(row, riskOverwritesDrift, "data.password: dev1 set <masked ") {
						t.Errorf("risks %v", row.Risks)
					}
				}}}},
		{name: "secret refused", next: "{apiVersion: v1, kind: Secret, metadata: {name: db}, stringData: {password: {a: hunter2}}}",
			rows:    []row{{kind: "Secret", name: "db", verdict: model.VerdictUnpredictable, reason: "stringData.password: wrong type"}},
			problem: "1 object cannot be predicted: Secret "},
		{name: "secret refused for its content", next: "{apiVersion: v1, kind: Secret, metadata: {name: db}, type: kubernetes.io/dockerconfigjson, stringData: {.dockerconfigjson: hunter2}}",
			rows:    []row{{kind: "Secret", name: "db", verdict: model.VerdictUnpredictable, reason: "data[.dockerconfigjson]"}},
			problem: "cannot be predicted"},
		{name: "immutable field", shipped: deploymentYAML("cart", "cart:1"),
			next: strings.ReplaceAll(deploymentYAML("cart", "cart:2"), "app: cart", "app: basket"), rows: []row{{
				kind: "Deployment", name: "cart", verdict: model.VerdictReplace, reason: "spec.selector is immutable",
				check: func(t *testing.T, row model.PlannedObject) {
					if mapAt(row.After, "spec", "selector", "matchLabels")["app"] != "basket" || row.Before == nil {
						t.Errorf("sides are %v and %v", row.Before, row.After)
					}
				}}},
			problem: "spec.selector is immutable: spec.selector.matchLabels.app cart → basket; applying it fails unless"},
		{name: "unknown field", next: deploymentYAML("cart", "cart:1", "        imagee: x"),
			rows: []row{{kind: "Deployment", name: "cart", verdict: model.VerdictUnpredictable,
				reason: `spec.template.spec.containers[name="main"].imagee: the schema of Deployment has no such field`}},
			problem: "1 object cannot be predicted"},
		{name: "invalid", next: strings.Replace(deploymentYAML("cart", "cart:1"), "replicas: 0", "replicas: -1", 1),
			rows:    []row{{kind: "Deployment", name: "cart", verdict: model.VerdictUnpredictable, reason: "invalid: spec.replicas"}},
			problem: "1 object cannot be predicted"},
		{name: "list names an entry twice", next: deploymentYAML("cart", "cart:1", "        env: [{name: A, value: b}, {name: A, value: c}]"),
			rows:    []row{{kind: "Deployment", name: "cart", verdict: model.VerdictUnpredictable, reason: "the list names an entry twice"}},
			problem: "1 object cannot be predicted"},
		{name: "takes ownership", live: func(w *planWorld) {
			w.create(configGVR, "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: $NS}, data: {x: one}}")
		}, next: configYAML("a", "{x: one}"), rows: []row{{kind: "ConfigMap", name: "a", verdict: model.VerdictUnchanged,
			check: func(t *testing.T, row model.PlannedObject) {
				if !row.TakesOwnership || !row.Writes() {
					t.Errorf("takes ownership: %v", row.TakesOwnership)
				}
			}}}},
		{name: "namespace of the same plan",
			next: "{apiVersion: v1, kind: Namespace, metadata: {name: $NS-new}}\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: $NS-new, creationTimestamp: null}, data: {x: one}}",
			rows: []row{{kind: "Namespace", verdict: model.VerdictCreate}, {kind: "ConfigMap", name: "a", verdict: model.VerdictCreate,
				reason: "predicted in namespace "}}},
		{name: "namespace that is missing", next: "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: $NS-no}, data: {x: one}}",
			rows:    []row{{kind: "ConfigMap", name: "a", verdict: model.VerdictUnpredictable, reason: "does not exist; create it, or add it to environments/staging"}},
			problem: "1 object cannot be predicted"},
		{name: "five of a kind, and cluster-scoped",
			shipped: configYAML("a", "{x: one}") + "---\n" + configYAML("b", "{x: one}") + "---\n" + configYAML("c", "{x: one}") + "---\n" + configYAML("d", "{x: one}") + "---\n" + configYAML("e", "{x: one}"),
			next: configYAML("a", "{x: one}") + "---\n" + configYAML("b", "{x: two}") + "---\n" + configYAML("c", "{x: one}") + "---\n" + configYAML("d", "{x: one}") + "---\n" + configYAML("f", "{x: one}") +
				"---\n{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: $NS, namespace: wrong}, rules: []}",
			rows: []row{{kind: "ConfigMap", name: "a", verdict: model.VerdictUnchanged}, {kind: "ConfigMap", name: "b", verdict: model.VerdictUpdate},
				{kind: "ConfigMap", name: "e", verdict: model.VerdictDelete, check: func(t *testing.T, row model.PlannedObject) {
					if row.Before == nil || row.After != nil || !hasRisk(row, riskDeletesObject, "") {
						t.Errorf("sides %v and %v, risks %v", row.Before, row.After, row.Risks)
					}
				}},
				{kind: "ConfigMap", name: "f", verdict: model.VerdictCreate}, {kind: "ClusterRole", verdict: model.VerdictCreate}}},
		{name: "values that every dry-run makes up are not predicted",
			next: `
{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {type: NodePort, selector: {a: b}, ports: [{port: 80}]}}
---
{apiVersion: batch/v1, kind: Job, metadata: {name: j}, spec: {suspend: true, template: {spec: {restartPolicy: Never, containers: [{name: c, image: x}]}}}}`,
			rows: []row{{kind: "Service", name: "s", verdict: model.VerdictCreate, check: func(t *testing.T, row model.PlannedObject) {
				if s := asJSON(row.After); strings.Contains(s, "clusterIP\"") || strings.Contains(s, "nodePort") {
					t.Errorf("predicted %s", s)
				}
			}}}},
		{name: "being deleted", shipped: "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, finalizers: [example.com/hold]}}",
			live: func(w *planWorld) {
				if err := w.admin.Resource(configGVR).Namespace(w.ns).Delete(w.ctx, "a", metav1.DeleteOptions{}); err != nil {
					w.t.Fatal(err)
				}
				w.t.Cleanup(func() {
					w.ctx = w.detached()
					w.change("test", configGVR, "a", `{"metadata":{"finalizers":null}}`)
				})
			}, next: "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, finalizers: [example.com/hold]}}",
			rows:    []row{{kind: "ConfigMap", name: "a", verdict: model.VerdictUnpredictable, reason: "being deleted since"}},
			problem: "cannot be predicted"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newPlanWorld(t)
			if tc.shipped != "" {
				w.ship(tc.shipped)
			}
			if tc.live != nil {
				tc.live(w)
			}
			plan, _ := w.plan(tc.next)
			for _, want := range tc.rows {
				name := want.name
				if name == "" {
					name = w.nameOf(plan, want.kind)
				}
				got := rowNamed(t, plan, want.kind, name)
				if got.Verdict != want.verdict || !strings.Contains(got.Reason, want.reason) {
					t.Errorf("%s is %s (%s), want %s (%s); %s", got.ID, got.Verdict, got.Reason, want.verdict, want.reason, planDiff(got))
				}
				if want.check != nil {
					want.check(t, got)
				}
			}
			if out, _ := json.Marshal(plan); strings.Contains(string(out), "hunter") || strings.Contains(string(out), "aHVudGVy") {
				t.Errorf("a Secret's value is in the plan: %s", out)
			}
			if again, _ := w.plan(tc.next); again.Digest != plan.Digest {
				t.Errorf("two plans of the same differ: %v", model.MovedSince(plan, again))
			}
			if tc.problem == "" {
				w.ship(tc.next)
			} else if !strings.Contains(plan.Problem, tc.problem) {
				t.Errorf("problem %q, want %q", plan.Problem, tc.problem)
			}
		})
	}
}

// nameOf is the name of the only object of a kind, where it is made of the
// test's namespace.
func (w *planWorld) nameOf(plan *model.Plan, kind string) string {
	w.t.Helper()
	for _, o := range plan.Objects {
		if o.ID.Kind == kind {
			return o.ID.Name
		}
	}
	w.t.Fatalf("the plan has no %s", kind)
	return ""
}

func TestPlanHeader(t *testing.T) {
	t.Parallel()
	w := newPlanWorld(t)
	w.state.Deployed = &model.Deployed{Commit: "0ld"}
	plan, objects := w.plan(configYAML("a", "{x: one}"))
	info, err := w.c.Info(w.ctx)
	if err != nil {
		t.Fatal(err)
	}
	if plan.Environment != "staging" || plan.From != "0ld" || plan.Commit != w.render("").Commit || plan.Digest == "" ||
		plan.ClusterUID != info.UID || plan.ReadAt.IsZero() || plan.Cluster != "test ("+info.Server+")" {
		t.Errorf("plan is %+v", plan)
	}
	if len(objects) != 1 || objects[0].ID.Namespace != w.ns || metaString(objects[0].Fields, "namespace") != w.ns || objects[0].Source.Line != 1 {
		t.Errorf("resolved objects are %+v", objects)
	}
}

func TestPlanRefuses(t *testing.T) {
	t.Parallel()
	w := newPlanWorld(t)
	cases := []struct {
		name, text string
		code       model.ExitCode
		words      []string
	}{
		{"nothing rendered", "", model.ExitUsage, []string{"staging: nothing is rendered from environments/staging"}},
		{"twice after the namespace is filled in", configYAML("a", "{}") + "---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: $NS}}", model.ExitUsage,
			[]string{"ConfigMap " + w.ns + "/a", "all.yaml:1", "all.yaml:2"}},
		{"no name", "{apiVersion: v1, kind: ConfigMap, metadata: {generateName: a-}}", model.ExitUsage, []string{"metadata.name"}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			_, _, err := w.tryPlan(w.c, tc.text)
			wantCode(t, err, tc.code, tc.words...)
		})
	}
	t.Run("no connection", func(t *testing.T) {
		c, f := w.clientAs("")
		f.down.Store(true)
		_, _, err := w.tryPlan(c, configYAML("a", "{}"))
		wantCode(t, err, model.ExitUnreachable, "staging: ", "test", "cannot reach")
	})
}

func crdYAML(kind, group string, properties ...string) string {
	return fmt.Sprintf(`
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: %[1]ss.%[2]s.example.com}
spec:
  group: %[2]s.example.com
  scope: Namespaced
  names: {kind: %[3]s, plural: %[1]ss, singular: %[1]s, listKind: %[3]sList}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: integer, default: 1}%[4]s}}}}}`,
		strings.ToLower(kind), group, kind, strings.Join(properties, ""))
}

// TestPlanCustomResources goes from a definition and its resource in one plan
// over a changed definition to the removal of both.
func TestPlanCustomResources(t *testing.T) {
	t.Parallel()
	w := newPlanWorld(t)
	crd := crdYAML("Basket", w.ns)
	resource := "\n---\n{apiVersion: $NS.example.com/v1, kind: Basket, metadata: {name: b}, spec: {%s}}"
	first := crd + fmt.Sprintf(resource, "size: 2")
	plan, objects := w.plan(first)
	row := rowNamed(t, plan, "Basket", "b")
	if row.Verdict != model.VerdictCreate || row.Reason != "predicted without the server: its CustomResourceDefinition is in this plan" ||
		row.ID.Namespace != w.ns || row.After == nil || plan.Problem != "" {
		t.Fatalf("row %+v, problem %q", row, plan.Problem)
	}
	w.apply(plan, objects)
	w.ship(first)

	changed := crdYAML("Basket", w.ns, ", colour: {type: string}") + fmt.Sprintf(resource, "size: 2, colour: red")
	plan, objects = w.plan(changed)
	row = rowNamed(t, plan, "Basket", "b")
	if row.Verdict != model.VerdictUpdate || row.Reason != "predicted without the server: its CustomResourceDefinition is changed by this plan" || plan.Problem != "" {
		t.Fatalf("row %+v, problem %q", row, plan.Problem)
	}
	w.apply(plan, objects)
	w.ship(changed)

	plan, _ = w.plan(changed + "\n---\n{apiVersion: $NS.example.com/v1, kind: Basket, metadata: {name: c}, spec: {wrong: 1}}")
	if row = rowNamed(t, plan, "Basket", "c"); row.Verdict != model.VerdictUnpredictable || !strings.Contains(row.Reason, "spec.wrong") {
		t.Errorf("row %+v", row)
	}
	plan, _ = w.plan(strings.Replace(changed, "name: v1", "name: v1\n    served: true\n    storage: false\n    schema: {openAPIV3Schema: {type: object}}\n  - name: v2", 1) +
		"\n---\n{apiVersion: $NS.example.com/v2, kind: Basket, metadata: {name: d}}")
	if row = rowNamed(t, plan, "Basket", "d"); row.Verdict != model.VerdictCreate || !strings.HasPrefix(row.Reason, "predicted without the server: the cluster gets version v2 only with ") {
		t.Errorf("row %+v", row)
	}
	plan, _ = w.plan(crd + "\n---\n{apiVersion: $NS.example.com/v7, kind: Basket, metadata: {name: d}}")
	if row = rowNamed(t, plan, "Basket", "d"); row.Verdict != model.VerdictUnpredictable || !strings.Contains(row.Reason, "does not serve") {
		t.Errorf("row %+v", row)
	}

	rest := configYAML("a", "{}")
	plan = w.ship(rest)
	if row = planRow(t, plan, model.ObjectID{Group: crdKind.Group, Kind: crdKind.Kind, Name: "baskets." + w.ns + ".example.com"}); row.Verdict != model.VerdictDelete ||
		!hasRisk(row, riskDeletesData, "every object of the kind") {
		t.Errorf("row %+v", row)
	}
}

func TestPlanWithoutPermission(t *testing.T) {
	t.Parallel()
	const rules = `[{apiGroups: [""], resources: [configmaps], verbs: %s}]`
	cases := []struct {
		name, verbs string
		text        string
		prune       bool
		want        string // reason
	}{
		{"no read", `[patch, create]`, configYAML("a", "{x: two}"), false, `the live object cannot be read: forbidden (needs "get configmaps" in "$NS")`},
		{"read only", `[get, list]`, configYAML("a", "{x: two}"), false, withoutServer + `forbidden (needs "patch configmaps" in "$NS")`},
		{"no create", `[get, list, patch]`, configYAML("new", "{x: two}"), false, withoutServer + `forbidden (needs "create configmaps" in "$NS")`},
		{"no delete", `[get, list, patch]`, configYAML("b", "{x: one}"), true, `left Git, but cannot be deleted: forbidden (needs "delete configmaps" in "$NS")`},
		{"no list", `[get, patch]`, configYAML("a", "{x: two}"), false, ``},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newPlanWorld(t)
			w.ship(configYAML("a", "{x: one}") + "---\n" + configYAML("b", "{x: one}"))
			user := "u-" + w.ns
			w.grant(user, fmt.Sprintf(rules, tc.verbs))
			w.env.Prune.Enabled = tc.prune
			c, _ := w.clientAs(user)
			c.cfg.StateNamespace = w.ns // where the user may list the other environments' inventories
			text := tc.text
			for i := range listFrom { // enough for a list
				text += "---\n" + configYAML(fmt.Sprintf("more-%d", i), "{x: one}")
			}
			if !strings.Contains(tc.name, "read") {
				text = tc.text
			}
			want := strings.ReplaceAll(tc.want, "$NS", w.ns)
			var plan *model.Plan
			w.eventually("the permissions take effect", func() bool {
				p, _, err := w.tryPlan(c, text)
				if err != nil {
					t.Fatal(err)
				}
				plan = p
				for _, o := range p.Objects {
					if o.Reason == want {
						return true
					}
				}
				return false
			})
			if want == "" {
				if row := rowNamed(t, plan, "ConfigMap", "a"); row.Verdict != model.VerdictUpdate {
					t.Errorf("row %+v", row)
				}
				return
			}
			if !strings.Contains(plan.Problem, strings.TrimPrefix(want, withoutServer)) || !plan.Differs() {
				t.Errorf("problem %q, want %q", plan.Problem, want)
			}
		})
	}
}

// TestDigestIgnoresNoise: the status and the resourceVersion of objects move
// all the time.
func TestDigestIgnoresNoise(t *testing.T) {
	t.Parallel()
	w := newPlanWorld(t)
	w.ship(deploymentYAML("cart", "cart:1"))
	next := deploymentYAML("cart", "cart:2")
	first, _ := w.plan(next)
	before := metaString(w.live(deploymentGVR, "cart"), "resourceVersion")
	w.change("test", deploymentGVR, "cart", `{"status":{"conditions":[{"type":"Test","status":"True"}]}}`, "status")
	if metaString(w.live(deploymentGVR, "cart"), "resourceVersion") == before {
		t.Fatal("the status did not move")
	}
	if second, _ := w.plan(next); second.Digest != first.Digest {
		t.Errorf("digest moved with the status: %v", model.MovedSince(first, second))
	}
	w.change("dev1", deploymentGVR, "cart", `{"spec":{"paused":true}}`)
	if third, _ := w.plan(next); third.Digest == first.Digest {
		t.Error("digest did not move with the spec")
	}
	elsewhere, _ := w.plan(deploymentYAML("cart", "cart:3"))
	if elsewhere.Digest == first.Digest {
		t.Error("digest did not move with Git")
	}
}

// TestDigestIgnoresAutoscaler: replicas that Git leaves open move between the
// plan, its re-check and the write, and stay as they are.
func TestDigestIgnoresAutoscaler(t *testing.T) {
	t.Parallel()
	w := newPlanWorld(t)
	open := strings.NewReplacer("  replicas: 0\n", "")
	w.ship(open.Replace(deploymentYAML("cart", "cart:1")))
	next := open.Replace(deploymentYAML("cart", "cart:2"))
	first, objects := w.plan(next)
	w.change("autoscaler", deploymentGVR, "cart", `{"spec":{"replicas":5}}`, "scale")
	if second, _ := w.plan(next); second.Digest != first.Digest {
		t.Errorf("digest moved with the replicas: %v", model.MovedSince(first, second))
	}
	if _, err := w.c.Apply(w.ctx, objects[0], planRow(t, first, objects[0].ID)); err != nil {
		t.Error(err)
	}
	if n := mapAt(w.live(deploymentGVR, "cart"), "spec")["replicas"]; n != int64(5) {
		t.Errorf("%v replicas after applying, want 5", n)
	}
	fixed, _ := w.plan(deploymentYAML("cart", "cart:3"))
	w.change("autoscaler", deploymentGVR, "cart", `{"spec":{"replicas":6}}`, "scale")
	if again, _ := w.plan(deploymentYAML("cart", "cart:3")); again.Digest == fixed.Digest {
		t.Error("digest did not move with replicas that applying takes back")
	}
}
