package cluster

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairtide-dev/fairtide/model"
)

// TestPruneAccidents ships with the engine to a real control plane, and then
// what must not cost anybody an object happens.
func TestPruneAccidents(t *testing.T) {
	t.Parallel()
	for name, accident := range map[string]func(*accidentWorld){
		"renamed environment":                 renamedEnvironment,
		"moved path":                          movedPath,
		"empty render":                        emptyRender,
		"wrong branch":                        wrongBranch,
		"shared object":                       sharedObject,
		"kept by annotation":                  keptByAnnotation,
		"volume claim":                        volumeClaim,
		"namespace with foreign objects":      foreignNamespace,
		"namespace that is still lived in":    livedInNamespace,
		"finalizer that hangs":                hangingFinalizer,
		"made anew by somebody else":          madeAnew,
		"adopted by a controller":             adoptedSince,
		"API group down":                      groupDown,
		"definition with instances of others": foreignInstances,
		"record deleted":                      recordDeleted,
		"record damaged":                      recordDamaged,
		"records of others cannot be read":    othersUnreadable,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			accident(newAccidentWorld(t))
		})
	}
}

// renamedEnvironment: the new name has no record, so nothing is pruned and that
// is said. What both names have stays until the old record is taken away.
func renamedEnvironment(w *accidentWorld) {
	w.shipped(configs("a", "b", "c"))
	w.configure("renamed", "")
	w.restart(nil)
	plan := w.look(configs("a", "b"))
	w.wantLeft(plan, nil)
	if len(plan.Notes) != 1 || !strings.Contains(plan.Notes[0], "no record of it (ConfigMap "+w.space+"/fairtide-env-renamed)") {
		w.t.Errorf("notes %q", plan.Notes)
	}
	if err := w.run(plan); err != nil {
		w.t.Fatal(err)
	}
	plan = w.look(configs("a"))
	w.wantLeft(plan, map[string]string{"b": "kept: environment staging applies it too"})
	if err := w.run(plan); err != nil {
		w.t.Fatal(err)
	}
	w.wantNames("a b c")
	old := w.admin.Resource(configMapGVR).Namespace(w.space)
	if err := old.Delete(w.ctx, stateName("staging"), metav1.DeleteOptions{}); err != nil {
		w.t.Fatal(err)
	}
	w.wantLeft(w.shipped(configs("a")), map[string]string{"b": "delete"})
	w.wantNames("a c")
}

// movedPath: the objects count, and not where they are written.
func movedPath(w *accidentWorld) {
	w.shipped(configs("a", "b"))
	w.git.config = strings.Replace(w.git.config, "environments/staging", "clusters/one/staging", 1)
	w.restart(nil)
	if plan := w.look(configs("a", "b")); plan.Differs() || plan.Problem != "" || len(left(plan)) > 0 {
		w.t.Errorf("rows %+v, problem %q", plan.Objects, plan.Problem)
	}
	w.wantLeft(w.shipped(configs("a")), map[string]string{"b": "delete"})
	w.wantNames("a")
}

func emptyRender(w *accidentWorld) {
	w.shipped(configs("a", "b"))
	w.commit("")
	_, err := w.engine.Plan(w.ctx, w.env.Name, "")
	wantCode(w.t, err, model.ExitUsage, "nothing is rendered", "refused")
	w.wantNames("a b")
}

// wrongBranch: most of the environment would go.
func wrongBranch(w *accidentWorld) {
	w.shipped(configs("a", "b", "c", "d", "e", "f", "g", "h", "i"))
	plan := w.look(configs("a", "b", "c", "d", "e"))
	if !strings.Contains(plan.Problem, "it would delete 4 objects, more than a third of the 9 objects applied (3); check the path and the branch, or set prune.max for this environment to 4") {
		w.t.Errorf("problem %q", plan.Problem)
	}
	wantCode(w.t, w.run(plan), model.ExitRolloutFailed, "it would delete 4 objects")
	w.wantNames("a b c d e f g h i")
	w.wantLeft(w.shipped(configs("a", "b", "c", "d", "e", "f")), map[string]string{"g": "delete", "h": "delete", "i": "delete"})
	// Who sets a limit means that one.
	w.configure("staging", ", prune: {max: 4}")
	w.restart(nil)
	w.shipped(configs("a", "b"))
	w.wantNames("a b")
}

// sharedObject: neither environment takes it from the other, and the last one
// to leave it takes it away, in whatever order they ship.
func sharedObject(w *accidentWorld) {
	in := func(env string) {
		w.configure(env, "")
		w.restart(nil)
	}
	in("one")
	w.shipped(configs("a", "shared"))
	in("two")
	w.shipped(configs("b", "shared"))
	in("one")
	w.wantLeft(w.shipped(configs("a")), map[string]string{"shared": "kept: environment two applies it too"})
	w.wantNames("a b shared")
	// Now one has let it go, so it is two's alone.
	in("two")
	w.wantLeft(w.shipped(configs("b")), map[string]string{"shared": "delete"})
	w.wantNames("a b")
	in("one")
	w.wantLeft(w.shipped(configs("a")), nil)
}

// keptByAnnotation: a mark counts on the live object, and on the object as Git
// had it last.
func keptByAnnotation(w *accidentWorld) {
	marks := map[string]string{
		"flux": "kustomize.toolkit.fluxcd.io/prune: disabled", "fluxoff": "kustomize.toolkit.fluxcd.io/reconcile: Disabled",
		"fluxssa": "kustomize.toolkit.fluxcd.io/ssa: Ignore", "argo": "argocd.argoproj.io/sync-options: Prune=false",
		"helm": "helm.sh/resource-policy: keep", "cli": "client.lifecycle.config.k8s.io/deletion: detach",
		"kpt": "cli-utils.sigs.k8s.io/on-remove: keep", "kapp": "kapp.k14s.io/delete-strategy: orphan",
	}
	text, want := configs("a", "live"), map[string]string{"live": "kept: annotation helm.sh/resource-policy: keep"}
	for name, mark := range marks {
		text += fmt.Sprintf("\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: %s, annotations: {%s}}}", name, mark)
		want[name] = "kept: when it left Git it had annotation " + mark
	}
	w.shipped(text)
	for name, mark := range marks { // somebody takes it off the live object
		key, _, _ := strings.Cut(mark, ":")
		w.change("kubectl", configGVR, name, fmt.Sprintf(`{"metadata": {"annotations": {%q: null}}}`, key))
	}
	w.change("kubectl", configGVR, "live", `{"metadata": {"annotations": {"helm.sh/resource-policy": "keep"}}}`)
	w.wantLeft(w.shipped(configs("a")), want)
	// They stay in the inventory, also after a run that left them.
	w.wantLeft(w.look(configs("a")), want)
}

// volumeClaim: its name has to be typed. Nothing binds it here, so the run that
// made it fails; it is in the inventory all the same.
func volumeClaim(w *accidentWorld) {
	claim := "\n---\n{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], storageClassName: none, resources: {requests: {storage: 1Gi}}}}"
	w.ready = 2 * time.Second
	w.restart(nil)
	wantCode(w.t, w.run(w.look(configs("a")+claim)), model.ExitRolloutFailed, "data")
	plan := w.look(configs("a"))
	row := rowNamed(w.t, plan, "PersistentVolumeClaim", "data")
	if row.Verdict != model.VerdictDelete || !hasRisk(row, riskDeletesData, "deletes the data") || plan.Phrase() != "data" {
		w.t.Errorf("row %+v, phrase %q", row, plan.Phrase())
	}
	wantCode(w.t, w.run(plan), model.ExitRequirements, "--confirm PersistentVolumeClaim/"+w.ns+"/data")
	wantCode(w.t, w.run(plan, "PersistentVolumeClaim/data", "ConfigMap/"+w.ns+"/data"), model.ExitRequirements, "nothing was written")
	if err := w.run(plan, "PersistentVolumeClaim/"+w.ns+"/data"); err != nil {
		w.t.Fatal(err)
	}
	if why, err := w.c.Remains(w.ctx, row); why != "" || err != nil {
		w.t.Errorf("remains: %q, %v", why, err)
	}
}

// foreignNamespace: what goes with it is listed, and what is not ours is part
// of what is approved.
func foreignNamespace(w *accidentWorld) {
	other := w.ns + "-b"
	space := "\n---\n{apiVersion: v1, kind: Namespace, metadata: {name: " + other + "}}"
	w.shipped(configs("a") + space + "\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: ours, namespace: " + other + "}}")
	w.create(configGVR, "{apiVersion: v1, kind: ConfigMap, metadata: {name: theirs, namespace: "+other+"}}")
	plan := w.look(configs("a"))
	w.wantLeft(plan, map[string]string{other: "delete", "ours": "delete"})
	row := rowNamed(w.t, plan, "Namespace", other)
	if !hasRisk(row, riskDeletesData, "everything in it") || !hasRisk(row, riskDeletesOthers, "deletes 1 object of others: ConfigMap "+other+"/theirs") ||
		!hasRisk(row, riskDeletesMore, "2 × ConfigMap") || plan.Phrase() != other {
		w.t.Errorf("risks %+v, phrase %q", row.Risks, plan.Phrase())
	}
	// Another one after the approval is another plan.
	w.create(secretGVR, "{apiVersion: v1, kind: Secret, metadata: {name: late, namespace: "+other+"}}")
	wantCode(w.t, w.run(plan, "Namespace/"+other), model.ExitPlanMoved, "Namespace "+other)
	w.shipped(configs("a"), "Namespace/"+other)
	if why, err := w.c.Remains(w.ctx, row); why != "" || err != nil {
		w.t.Errorf("remains: %q, %v", why, err)
	}
}

// livedInNamespace: a namespace stays while this plan, or another environment,
// has objects in it.
func livedInNamespace(w *accidentWorld) {
	other := w.ns + "-b"
	space := "\n---\n{apiVersion: v1, kind: Namespace, metadata: {name: " + other + "}}"
	inside := "\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: inside, namespace: " + other + "}}"
	w.shipped(configs("a") + space + inside)
	w.wantLeft(w.look(configs("a")+inside), map[string]string{other: "kept: 1 object of this plan would go with it"})
	w.configure("two", "")
	w.restart(nil)
	w.shipped("{apiVersion: v1, kind: ConfigMap, metadata: {name: guest, namespace: " + other + "}}")
	w.configure("staging", "")
	w.restart(nil)
	w.wantLeft(w.shipped(configs("a")), map[string]string{other: "kept: 1 object of environment two would go with it", "inside": "delete"})
	if err := w.admin.Resource(namespaceGVR).Delete(w.ctx, other, metav1.DeleteOptions{}); err != nil {
		w.t.Fatal(err)
	}
}

// hangingFinalizer: the run waits, but not for ever, says what it waits for, and
// its record is true.
func hangingFinalizer(w *accidentWorld) {
	w.going = 4 * time.Second
	w.restart(nil)
	w.shipped(configs("a", "b", "held"))
	w.change("operator", configGVR, "held", `{"metadata": {"finalizers": ["example.com/hold"]}}`)
	plan := w.look(configs("a"))
	row := rowNamed(w.t, plan, "ConfigMap", "held")
	if !hasRisk(row, riskHasFinalizers, "finalizer example.com/hold") || plan.Phrase() != "held" {
		w.t.Errorf("risks %+v, phrase %q", row.Risks, plan.Phrase())
	}
	err := w.run(plan, "ConfigMap/"+w.ns+"/held")
	wantCode(w.t, err, model.ExitRolloutFailed, "held is marked for deletion but not gone after 4s", "finalizer example.com/hold")
	noted := false
	for _, e := range w.told {
		noted = noted || e.Type == model.EventNote && strings.Contains(e.Message, "finalizer example.com/hold")
	}
	if !noted {
		w.t.Errorf("nobody was told while it hung: %+v", w.told)
	}
	runs, err := w.c.Runs(w.ctx, "staging")
	if err != nil {
		w.t.Fatal(err)
	}
	results := map[string]model.ObjectResult{}
	for _, o := range runs[0].Objects {
		results[o.ID.Name] = o.Result
	}
	// The order is the reverse of applying, so held comes before b.
	if runs[0].State != model.RunFailed || results["held"] != model.ResultFailed || results["b"] != model.ResultPending {
		w.t.Errorf("the record says %s, %v", runs[0].State, results)
	}
	w.wantLeft(w.look(configs("a")), map[string]string{"b": "delete", "held": "is being deleted already: held by finalizer example.com/hold"})
	w.change("operator", configGVR, "held", `{"metadata": {"finalizers": null}}`)
	w.wantLeft(w.shipped(configs("a")), map[string]string{"b": "delete"})
	w.wantNames("a")
}

// madeAnew: another object has the name now. It is nobody's but its maker's,
// also when that happens between the plan and the run.
func madeAnew(w *accidentWorld) {
	w.shipped(configs("a", "b", "late"))
	again := func(name string) {
		if err := w.admin.Resource(configGVR).Namespace(w.ns).Delete(w.ctx, name, metav1.DeleteOptions{}); err != nil {
			w.t.Fatal(err)
		}
		w.create(configGVR, "{apiVersion: v1, kind: ConfigMap, metadata: {name: "+name+", namespace: $NS}}")
	}
	again("b")
	plan := w.look(configs("a"))
	w.wantLeft(plan, map[string]string{"late": "delete"})
	again("late")
	wantCode(w.t, w.run(plan), model.ExitPlanMoved, "late")
	w.wantLeft(w.shipped(configs("a")), nil)
	w.wantNames("a b late")
	// Not even with the name in Git again, and gone again without having been applied.
	w.wantLeft(w.look(configs("a")), nil)
}

// adoptedSince: somebody who runs in the cluster keeps it now.
func adoptedSince(w *accidentWorld) {
	w.shipped(configs("a", "flux", "owned"))
	w.change("kustomize-controller", configGVR, "flux", `{"metadata": {"labels": {"kustomize.toolkit.fluxcd.io/name": "shop", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}}}`)
	w.change("operator", configGVR, "owned", fmt.Sprintf(`{"metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "a", "uid": %q, "controller": true}]}}`,
		metaString(w.live(configGVR, "a"), "uid")))
	w.wantLeft(w.shipped(configs("a")), map[string]string{
		"flux": "kept: Flux Kustomization flux-system/shop keeps it", "owned": "kept: ConfigMap a keeps it",
	})
	w.wantNames("a flux owned")
}

// groupDown: a kind that nobody can look up is not a kind without objects.
func groupDown(w *accidentWorld) {
	w.shipped(configs("a"))
	state, err := w.c.ReadState(w.ctx, "staging")
	if err != nil {
		w.t.Fatal(err)
	}
	lost := model.ObjectID{Group: "broken.example.com", Kind: "Thing", Namespace: w.ns, Name: "thing"}
	state.Inventory = append(state.Inventory, model.InventoryEntry{ID: lost, Version: "v1", UID: "u"})
	if _, err := w.c.WriteState(w.ctx, "staging", state); err != nil {
		w.t.Fatal(err)
	}
	w.restart(func(next http.RoundTripper) http.RoundTripper { return staleGroup{next, "broken.example.com"} })
	plan := w.look(configs("a"))
	w.wantLeft(plan, map[string]string{"thing": "left Git, but its API group does not answer"})
	if row := planRow(w.t, plan, lost); row.Verdict != model.VerdictUnpredictable || !strings.Contains(plan.Problem, "thing") {
		w.t.Errorf("row %+v, problem %q", row, plan.Problem)
	}
	wantCode(w.t, w.run(plan), model.ExitRolloutFailed, "thing")
	if state, err = w.c.ReadState(w.ctx, "staging"); err != nil || len(state.Inventory) != 2 {
		w.t.Errorf("the inventory is %+v, %v", state.Inventory, err)
	}
}

// foreignInstances: with a definition go the objects of its kind, of whomever.
func foreignInstances(w *accidentWorld) {
	group := w.ns + ".example.com"
	gvr := schema.GroupVersionResource{Group: group, Version: "v1", Resource: "baskets"}
	crd := strings.ReplaceAll(`
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: baskets.GROUP}
spec:
  group: GROUP
  scope: Namespaced
  names: {kind: Basket, plural: baskets}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]`, "GROUP", group)
	basket := func(name string) string {
		return "\n---\n{apiVersion: " + group + "/v1, kind: Basket, metadata: {name: " + name + ", namespace: $NS}}"
	}
	w.shipped(configs("a") + crd)
	w.shipped(configs("a") + crd + basket("ours"))
	w.create(gvr, strings.TrimPrefix(basket("theirs"), "\n---\n"))
	w.wantLeft(w.look(configs("a")+basket("ours")), map[string]string{"baskets." + group: "kept: 1 object of this plan would go with it"})
	plan := w.look(configs("a"))
	row := rowNamed(w.t, plan, "CustomResourceDefinition", "baskets."+group)
	if row.Verdict != model.VerdictDelete || !hasRisk(row, riskDeletesOthers, "1 object of others: Basket "+w.ns+"/theirs") ||
		!hasRisk(row, riskDeletesMore, "deletes 2 objects with it: 2 × Basket") {
		w.t.Errorf("row %s, risks %+v", row.Verdict, row.Risks)
	}
	var order []string
	for _, wave := range plan.Waves() {
		for _, o := range wave.Objects {
			order = append(order, o.ID.Kind)
		}
	}
	if got := strings.Join(order, " "); got != "Basket CustomResourceDefinition" {
		w.t.Errorf("deleted in the order %q", got)
	}
	if err := w.run(plan, model.Refs(plan.ToType())...); err != nil {
		w.t.Fatal(err)
	}
}

// recordDeleted: what left Git is not known any more, and that is said.
func recordDeleted(w *accidentWorld) {
	w.shipped(configs("a", "b"))
	if err := w.admin.Resource(configMapGVR).Namespace(w.space).Delete(w.ctx, stateName("staging"), metav1.DeleteOptions{}); err != nil {
		w.t.Fatal(err)
	}
	plan := w.look(configs("a"))
	w.wantLeft(plan, nil)
	if len(plan.Notes) != 1 || !strings.Contains(plan.Notes[0], "Nothing that left Git is pruned") {
		w.t.Errorf("notes %q", plan.Notes)
	}
	if err := w.run(plan); err != nil {
		w.t.Fatal(err)
	}
	w.wantNames("a b")
	if plan := w.look(configs("a")); len(plan.Notes) != 0 {
		w.t.Errorf("notes %q", plan.Notes)
	}
}

// recordDamaged: there is no plan, and nothing is written.
func recordDamaged(w *accidentWorld) {
	w.shipped(configs("a", "b"))
	records := w.admin.Resource(configMapGVR).Namespace(w.space)
	good, err := records.Get(w.ctx, stateName("staging"), metav1.GetOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	whole, _ := mapAt(good.Object, "data")[stateKey].(string)
	for what, damaged := range map[string]string{
		"cut off": whole[:len(whole)/2], "nothing": "", "another environment's": strings.Replace(whole, `"staging"`, `"production"`, 1),
		"an entry": strings.Replace(whole, "_b_", "b", 1), "an entry twice": strings.Replace(whole, "_b_", "_a_", 1),
	} {
		value, err := json.Marshal(damaged)
		if err != nil {
			w.t.Fatal(err)
		}
		r := *w.planWorld
		r.ns = w.space
		r.change("editor", configMapGVR, stateName("staging"), fmt.Sprintf(`{"data": {%q: %s}}`, stateKey, value))
		was := r.live(configMapGVR, stateName("staging"))
		w.commit(configs("a"))
		_, err = w.engine.Plan(w.ctx, "staging", "")
		wantCode(w.t, err, model.ExitUsage, "the record in ConfigMap "+w.space+"/fairtide-env-staging cannot be read", "restore it, or delete it")
		if now := r.live(configMapGVR, stateName("staging")); metaString(now, "resourceVersion") != metaString(was, "resourceVersion") {
			w.t.Errorf("%s: the record was written", what)
		}
	}
	w.wantNames("a b")
}

// othersUnreadable: an environment whose record cannot be read may have any
// object, so nothing is taken away.
func othersUnreadable(w *accidentWorld) {
	w.shipped(configs("a", "b"))
	w.configure("two", "")
	w.restart(nil)
	w.shipped(configs("c"))
	r := *w.planWorld
	r.ns = w.space
	r.change("editor", configMapGVR, stateName("two"), `{"data": {"state.json": "{"}}`)
	w.configure("staging", "")
	w.restart(nil)
	w.wantLeft(w.shipped(configs("a")), map[string]string{
		"b": "kept: what another environment applies is not known: its record, ConfigMap " + w.space + "/fairtide-env-two, cannot be read",
	})
	w.wantNames("a b c")
}
