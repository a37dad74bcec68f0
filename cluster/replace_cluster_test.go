package cluster

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairtide-dev/fairtide/model"
)

var (
	claimGVR = schema.GroupVersionResource{Version: "v1", Resource: "persistentvolumeclaims"}
)

func statefulYAML(service, retention string) string {
	return fmt.Sprintf(`
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: 0
  serviceName: %s
  persistentVolumeClaimRetentionPolicy: {whenDeleted: %s}
  selector: {matchLabels: {app: db}}
  template: {metadata: {labels: {app: db}}, spec: {containers: [{name: c, image: db:1}]}}
  volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}]
`, service, retention)
}

// TestReplace: what cannot change in place is told with the field, its values
// and the cost; it is refused unless it is allowed; and what is live after
// replacing is what the plan said.
func TestReplace(t *testing.T) {
	t.Parallel()
	deployment := func(app string) string {
		text := strings.Replace(deploymentYAML("cart", "cart:1"), "replicas: 0", "replicas: 2", 1)
		return strings.ReplaceAll(text, "app: cart", "app: "+app)
	}
	job := `{apiVersion: batch/v1, kind: Job, metadata: {name: once}, spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: "once:%d"}]}}}}`
	service := `{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {%s ports: [{port: 80}], selector: {app: web}}}`
	binding := `{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: read}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: %s}}`
	cases := []struct {
		name         string
		before, next string
		settle       func(w *planWorld) // what happens to the live object first
		reason       []string
		risks        map[string]string // name: words
	}{
		{
			"deployment's selector", deployment("cart"), deployment("web"),
			func(w *planWorld) {
				w.eventually("two pods", func() bool {
					n, _ := number(mapAt(w.live(deploymentGVR, "cart"), "status")["replicas"])
					return n == 2
				})
			},
			[]string{"spec.selector is immutable: spec.selector.matchLabels.app cart → web"},
			map[string]string{riskStopsPods: "stops 2 pods"},
		},
		{"config map", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, immutable: true, data: {x: one}}",
			"{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, immutable: true, data: {x: two}}", nil,
			[]string{"data is immutable", "data.x one → two"}, nil},
		{"made mutable", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, immutable: true, data: {x: one}}",
			configYAML("a", "{x: one}"), nil, []string{"immutable is immutable: immutable true → nothing"}, nil},
		{"stateful set, volumes kept", statefulYAML("a", "Retain"), statefulYAML("b", "Retain"), nil,
			[]string{"spec.serviceName a → b"}, map[string]string{riskKeepsVolumes: "stay (data)"}},
		{"stateful set, volumes deleted", statefulYAML("a", "Delete"), statefulYAML("b", "Delete"), nil,
			[]string{"spec.serviceName a → b"}, map[string]string{riskDeletesData: "whenDeleted: Delete"}},
		{"job", fmt.Sprintf(job, 1), fmt.Sprintf(job, 2), nil, []string{"spec.template is immutable", "once:1 → once:2"},
			map[string]string{riskDeletesHistory: "their logs", riskRunsAgain: "runs again"}},
		{"service to headless", fmt.Sprintf(service, ""), fmt.Sprintf(service, "clusterIP: None,"), nil, []string{"clusterIP", "None"},
			map[string]string{riskChangesAddress: "gives up cluster IP"}},
		{"role binding", fmt.Sprintf(binding, "a"), fmt.Sprintf(binding, "b"), nil, []string{"roleRef is immutable: roleRef.name a → b"}, nil},
		{"scope of a definition", crdYAML("Bin", "$NS"), strings.Replace(crdYAML("Bin", "$NS"), "Namespaced", "Cluster", 1), nil,
			[]string{"spec.scope Namespaced → Cluster"}, map[string]string{riskDeletesData: "every object of the kind"}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newPlanWorld(t)
			w.ship(tc.before)
			if tc.settle != nil {
				tc.settle(w)
			}
			plan, objects := w.plan(tc.next)
			row := plan.Objects[0]
			if row.Verdict != model.VerdictReplace || row.MayReplace {
				t.Fatalf("verdict %s: %s", row.Verdict, row.Reason)
			}
			for _, words := range append(tc.reason, "fairtide apply --replace") {
				if !strings.Contains(plan.Problem, words) {
					t.Errorf("the problem %q does not say %q", plan.Problem, words)
				}
			}
			for name, words := range tc.risks {
				if !hasRisk(row, name, words) {
					t.Errorf("no risk %s with %q in %+v", name, words, row.Risks)
				}
			}
			if whole := row.Risks[slicesIndexRisk(row, riskReplacesObject)]; !whole.TypeName || whole.Severity != model.SeverityDanger || whole.Reference == "" {
				t.Errorf("risk %+v", whole)
			}
			_, err := w.c.Apply(w.ctx, objects[0], row)
			wantCode(t, err, model.ExitRolloutFailed, "not replaced, as neither")

			w.env.Replace.Allowed = true
			if shipped := w.ship(tc.next); shipped.Digest != plan.Digest {
				t.Errorf("allowing it changes the digest")
			}
			if again, _ := w.plan(tc.next); metaUID(again) == row.Live.UID {
				t.Error("the object is the old one")
			}
		})
	}
}

func slicesIndexRisk(row model.PlannedObject, name string) int {
	for i, r := range row.Risks {
		if r.Name == name {
			return i
		}
	}
	return 0
}

func metaUID(plan *model.Plan) string { return plan.Objects[0].Live.UID }

// TestReplaceCustomResource: a rule of the definition says that a field cannot
// change.
func TestReplaceCustomResource(t *testing.T) {
	t.Parallel()
	w := newPlanWorld(t)
	w.env.Replace.Allowed = true
	crd := strings.Replace(crdYAML("Bin", w.ns), "size: {type: integer", `size: {x-kubernetes-validations: [{rule: self == oldSelf, message: size is immutable}], type: integer`, 1)
	if !strings.Contains(crd, "oldSelf") {
		t.Fatalf("the definition has no size: %s", crd)
	}
	text := crd + "\n---\n{apiVersion: $NS.example.com/v1, kind: Bin, metadata: {name: b}, spec: {size: %d}}"
	plan, objects := w.plan(fmt.Sprintf(text, 2))
	w.apply(plan, objects)
	w.eventually("the rule counts", func() bool {
		plan, _ := w.plan(fmt.Sprintf(text, 3))
		return rowNamed(t, plan, "Bin", "b").Verdict == model.VerdictReplace
	})
	shipped := w.ship(fmt.Sprintf(text, 3))
	if row := rowNamed(t, shipped, "Bin", "b"); !strings.Contains(row.Reason, "spec.size 2 → 3") {
		t.Errorf("reason %q", row.Reason)
	}
}

// TestReplaceSecret: what a Secret holds is not in what is said of it.
func TestReplaceSecret(t *testing.T) {
	t.Parallel()
	w := newPlanWorld(t)
	w.env.Replace.Allowed = true
	secret := "{apiVersion: v1, kind: Secret, metadata: {name: db}, immutable: true, stringData: {password: hunter%d}}"
	w.ship(fmt.Sprintf(secret, 2))
	plan := w.ship(fmt.Sprintf(secret, 3))
	if row := plan.Objects[0]; row.Verdict != model.VerdictReplace || !strings.Contains(row.Reason, "data is immutable: data.password ") {
		t.Errorf("row %s: %s", row.Verdict, row.Reason)
	}
	if text := asJSON(plan); strings.Contains(text, "hunter") || strings.Contains(text, "aHVudGVy") {
		t.Error("a Secret's value is in the plan")
	}
	if got := mapAt(w.live(secretGVR, "db"), "data")["password"]; got != "aHVudGVyMw==" {
		t.Errorf("live password %v", got)
	}
}

// TestReplaceAddresses: a Service with a load balancer, to another address of
// its own, which nobody else can have meanwhile.
func TestReplaceAddresses(t *testing.T) {
	t.Parallel()
	w := newPlanWorld(t)
	w.env.Replace.Allowed = true
	text := `{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {type: LoadBalancer, %s ports: [{port: 80, nodePort: %v}], selector: {app: web}}}`
	w.ship(strings.Replace(fmt.Sprintf(text, "", 0), ", nodePort: 0", "", 1))
	w.change("cloud", serviceGVR, "web", `{"status":{"loadBalancer":{"ingress":[{"ip":"203.0.113.9"}]}}}`, "status")
	live := w.live(serviceGVR, "web")
	port, _ := sliceAt(mapAt(live, "spec"), "ports")[0].(map[string]any)
	ip, _ := mapAt(live, "spec")["clusterIP"].(string)
	cut := strings.LastIndex(ip, ".")
	next := fmt.Sprintf(text, fmt.Sprintf("clusterIP: %s.%d,", ip[:cut], 200+len(ip[cut:])), port["nodePort"])
	plan := w.ship(next)
	row := plan.Objects[0]
	if row.Verdict != model.VerdictReplace || !hasRisk(row, riskChangesAddress, "cluster IP "+ip) || !hasRisk(row, riskChangesAddress, "203.0.113.9") {
		t.Errorf("%s %s, risks %+v", row.Verdict, row.Reason, row.Risks)
	}
	if row.Prediction != model.PredictedByServer {
		t.Errorf("prediction %s", row.Prediction)
	}
	if got := w.live(serviceGVR, "web"); mapAt(got, "spec")["clusterIP"] != mapAt(row.After, "spec")["clusterIP"] {
		t.Errorf("cluster IP %v", mapAt(got, "spec")["clusterIP"])
	}
}

// TestReplaceClaim: what becomes of the data depends on the volume.
func TestReplaceClaim(t *testing.T) {
	t.Parallel()
	text := "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data}, spec: {accessModes: [%s], storageClassName: $NS, resources: {requests: {storage: 1Gi}}}}"
	for policy, want := range map[string]string{"": "no volume", "Retain": "keeps its data", "Delete": "deletes the data of volume"} {
		t.Run("volume "+policy, func(t *testing.T) {
			t.Parallel()
			w := newPlanWorld(t)
			w.ship(fmt.Sprintf(text, "ReadWriteOnce"))
			if policy != "" {
				w.create(volumeGVR, fmt.Sprintf(`{apiVersion: v1, kind: PersistentVolume, metadata: {name: $NS}, spec: {accessModes: [ReadWriteOnce],
  capacity: {storage: 1Gi}, hostPath: {path: /x}, storageClassName: $NS, persistentVolumeReclaimPolicy: %s}}`, policy))
				w.change("test", claimGVR, "data", `{"spec":{"volumeName":"`+w.ns+`"}}`)
			}
			plan, _ := w.plan(fmt.Sprintf(text, "ReadWriteMany"))
			row := plan.Objects[0]
			if row.Verdict != model.VerdictReplace || !strings.Contains(row.Reason, "spec.accessModes") || !hasRisk(row, riskDeletesData, want) {
				t.Errorf("%s %s, risks %+v", row.Verdict, row.Reason, row.Risks)
			}
			if got := row.Risks[slicesIndexRisk(row, riskDeletesData)].TypeName; got != (policy == "Delete") {
				t.Errorf("type the name for the data: %v", got)
			}
			if !hasRisk(row, riskHasFinalizers, "kubernetes.io/pvc-protection") {
				t.Errorf("risks %+v", row.Risks)
			}
		})
	}
}

const immutableYAML = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a%s}, immutable: true, data: {x: %s}}"

// TestReplaceMoved: between the plan and the replacement something happens.
func TestReplaceMoved(t *testing.T) {
	t.Parallel()
	deleteIt := func(w *planWorld) {
		if err := w.admin.Resource(configGVR).Namespace(w.ns).Delete(w.ctx, "a", metav1.DeleteOptions{}); err != nil {
			w.t.Fatal(err)
		}
	}
	cases := []struct {
		name string
		move func(w *planWorld)
		want string // of the error; empty: it is replaced
		live string // data.x afterwards
	}{
		{"only noise", func(w *planWorld) {
			w.change("test", configGVR, "a", `{"metadata":{"annotations":{"deployment.kubernetes.io/revision":"7"}}}`)
		}, "", "two"},
		{"a field", func(w *planWorld) { w.change("dev1", configGVR, "a", `{"metadata":{"labels":{"x":"y"}}}`) }, "(by dev1", "one"},
		{"deleted", deleteIt, "", "two"},
		{"made anew", func(w *planWorld) {
			deleteIt(w)
			w.create(configGVR, "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: $NS}, data: {x: other}}")
		}, "deleted and created again since", "other"},
		{"the answer is lost", func(w *planWorld) { w.faults.loseAnswer.Store(true) }, "", "two"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newPlanWorld(t)
			w.env.Replace.Allowed = true
			w.ship(fmt.Sprintf(immutableYAML, "", "one"))
			plan, objects := w.plan(fmt.Sprintf(immutableYAML, "", "two"))
			tc.move(w)
			entry, err := w.c.Apply(w.ctx, objects[0], plan.Objects[0])
			live := w.live(configGVR, "a")
			if tc.want != "" {
				wantCode(t, err, model.ExitPlanMoved, tc.want)
			} else if err != nil || entry.UID != metaString(live, "uid") || entry.UID == plan.Objects[0].Live.UID {
				t.Errorf("entry %+v, %v", entry, err)
			}
			if got := mapAt(live, "data")["x"]; got != tc.live {
				t.Errorf("live %v, want %s", got, tc.live)
			}
		})
	}
}

// TestReplaceHangs: a finalizer holds the object. The replacement gives up,
// names it, and is a creation when the object is gone.
func TestReplaceHangs(t *testing.T) {
	t.Parallel()
	w := newPlanWorld(t)
	w.env.Replace.Allowed = true
	const held = ", finalizers: [example.com/hold]"
	w.ship(fmt.Sprintf(immutableYAML, held, "one"))
	next := fmt.Sprintf(immutableYAML, "", "two")
	plan, objects := w.plan(fmt.Sprintf(immutableYAML, held, "two"))
	_, err := w.c.applyWithin(w.ctx, objects[0], plan.Objects[0], 300*time.Millisecond)
	wantCode(t, err, model.ExitRolloutFailed, "ConfigMap "+w.ns+"/a is marked for deletion", "example.com/hold", "it is a creation then")
	if plan, _ := w.plan(next); plan.Objects[0].Verdict != model.VerdictUnpredictable || plan.Problem == "" {
		t.Errorf("while it is being deleted: %+v", plan.Objects[0])
	}
	// An operator who stops in the meantime is told the same.
	ctx, cancel := context.WithTimeout(w.ctx, 300*time.Millisecond)
	defer cancel()
	_, err = w.c.Apply(ctx, objects[0], plan.Objects[0])
	if err == nil || !strings.Contains(err.Error(), "was not made again") {
		t.Errorf("stopped: %v", err)
	}
	w.change("test", configGVR, "a", `{"metadata":{"finalizers":null}}`)
	if shipped := w.ship(next); shipped.Objects[0].Verdict != model.VerdictCreate {
		t.Errorf("afterwards it is %s", shipped.Objects[0].Verdict)
	}
}

// TestReplaceForbidden: an operator who may do only one half of it is told
// before, and what is left after half of it is a creation.
func TestReplaceForbidden(t *testing.T) {
	t.Parallel()
	w := newPlanWorld(t)
	w.env.Replace.Allowed = true
	w.ship(fmt.Sprintf(immutableYAML, "", "one"))
	next := fmt.Sprintf(immutableYAML, "", "two")
	for _, half := range []struct{ verb, want string }{
		{"create", `needs "delete configmaps"`},
		{"delete", `could be deleted but not made again: forbidden (needs "create configmaps"`}, // last: it deletes
	} {
		user := half.verb + "-" + w.ns
		w.grant(user, "[{apiGroups: [''], resources: [configmaps], verbs: [get, list, patch, "+half.verb+"]}]")
		c, _ := w.clientAs(user)
		w.eventually("the permission counts", func() bool {
			plan, _, err := w.tryPlan(c, next)
			return err == nil && plan.Objects[0].Verdict == model.VerdictReplace && strings.Contains(plan.Problem, half.want)
		})
		if half.verb == "create" {
			continue
		}
		plan, objects := w.plan(next)
		_, err := c.Apply(w.ctx, objects[0], plan.Objects[0])
		wantCode(t, err, model.ExitRolloutFailed, "was deleted and not made again", "it is a creation now", "needs \"create configmaps\"")
	}
	if plan := w.ship(next); plan.Objects[0].Verdict != model.VerdictCreate {
		t.Errorf("afterwards it is %s", plan.Objects[0].Verdict)
	}
}
