package cluster

import (
	"strings"
	"testing"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
	"github.com/fairtide-dev/fairtide/internal/lens"
	"github.com/fairtide-dev/fairtide/model"
)

// lensWorld is a Deployment and a Secret that are deployed, edited live and
// changed in Git.
const (
	lensDeployed = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, labels: {}}
spec:
  replicas: 0
  selector: {matchLabels: {app: cart}}
  template:
    metadata: {labels: {app: cart}}
    spec:
      containers:
      - name: main
        image: cart:1
        resources: {limits: {cpu: 1000m, memory: 1024Mi}}
        env: [{name: A, value: "1"}]
---
{apiVersion: v1, kind: Secret, metadata: {name: db}, stringData: {password: first, user: shop}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: left}, data: {a: "1"}}
`
	lensPlanned = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart}
spec:
  replicas: 0
  selector: {matchLabels: {app: cart}}
  template:
    metadata: {labels: {app: cart}}
    spec:
      containers:
      - name: main
        image: cart:2
        resources: {limits: {cpu: 1, memory: 1Gi}}
        env: [{name: A, value: "1"}]
---
{apiVersion: v1, kind: Secret, metadata: {name: db}, stringData: {password: second, user: shop}}
`
)

func lensPaths(o model.PlannedObject, l model.Lens) string {
	before, after := lens.Sides(o, l)
	var out []string
	for _, c := range fieldpath.Diff(before, after) {
		out = append(out, c.Path)
	}
	return string(lens.Verdict(o, l)) + " " + strings.Join(out, " ")
}

func TestLensesOnALiveCluster(t *testing.T) {
	w := newPlanWorld(t)
	w.ship(lensDeployed)
	w.change("kubectl-scale", deploymentGVR, "cart", `{"spec":{"replicas":2}}`, "scale")
	w.change("kubectl-edit", secretGVR, "db", `{"data":{"password":"c2Vjb25k","own":"eA=="}}`) // "second", as Git will have it
	plan, _, err := w.c.Plan(w.ctx, model.PlanRequest{
		Environment: w.env, Rendered: w.render(lensPlanned), Deployed: w.render(lensDeployed), State: w.state,
	})
	if err != nil {
		t.Fatal(err)
	}
	image := "spec.template.spec.containers[main].image"
	for _, c := range []struct{ kind, name, apply, git, drift string }{
		{"Deployment", "cart", "update spec.replicas " + image, "update " + image, "update spec.replicas"},
		{"Secret", "db", "unchanged ", "update data.password", "update data.password"},
		{"ConfigMap", "left", "delete apiVersion data kind metadata", "delete apiVersion data kind metadata", "unchanged "},
	} {
		o := rowNamed(t, plan, c.kind, c.name)
		for l, want := range map[model.Lens]string{model.LensApply: c.apply, model.LensGit: c.git, model.LensDrift: c.drift} {
			if got := lensPaths(o, l); got != want {
				t.Errorf("%s, lens %s: %s, want %s", o.ID, l, got, want)
			}
		}
	}
	cart := rowNamed(t, plan, "Deployment", "cart")
	if !hasCause(cart, "spec.replicas", model.CauseDrift, "kubectl-scale") && !hasCause(cart, "spec.replicas", model.CauseDrift, "unknown") {
		t.Errorf("causes %+v", cart.Causes)
	}
	// Equal values are equal tokens, whichever side they are on.
	db := rowNamed(t, plan, "Secret", "db")
	live, _ := fieldpath.Get(db.Before, "data.password")
	rendered, _ := fieldpath.Get(db.Rendered, "data.password")
	deployed, _ := fieldpath.Get(db.Deployed, "data.password")
	if live != rendered || live == deployed {
		t.Errorf("tokens: live %v, rendered %v, deployed %v", live, rendered, deployed)
	}
	for _, value := range []string{"first", "second", "c2Vjb25k", "Zmlyc3Q="} {
		if strings.Contains(asJSON(plan), value) {
			t.Errorf("the plan holds %q", value)
		}
	}
}

func keepAsk(w *planWorld, text string, refs ...string) model.PlanRequest {
	req := model.PlanRequest{Environment: w.env, Rendered: w.render(text), State: w.state}
	for _, r := range refs {
		ref, ok := model.ParseFieldRef(strings.ReplaceAll(r, "$NS", w.ns))
		if !ok {
			w.t.Fatalf("%s is no field", r)
		}
		req.Keep = append(req.Keep, ref)
	}
	return req
}

// A field that somebody set live is left out of one apply: it stays as it is
// and becomes theirs alone; everything else is applied; the next plan finds
// the drift again.
func TestKeepLeavesWhatSomebodySetLive(t *testing.T) {
	w := newPlanWorld(t)
	w.ship(lensDeployed)
	w.change("kubectl-scale", deploymentGVR, "cart", `{"spec":{"replicas":2}}`, "scale")
	path := "spec.template.spec.containers[main].env[A].value"
	w.changeContainerEnv("kubectl-edit", "2")
	without, _ := w.plan(lensPlanned)
	plan, objects, err := w.c.Plan(w.ctx, keepAsk(w, lensPlanned, "Deployment $NS/cart:"+path, "Deployment cart:spec.replicas"))
	if err != nil {
		t.Fatal(err)
	}
	if plan.Digest == without.Digest || len(plan.Kept) != 2 {
		t.Errorf("kept %v, and the digest says nothing of it", plan.Kept)
	}
	row := rowNamed(t, plan, "Deployment", "cart")
	if got := planDiff(row); strings.Contains(got, "replicas") || strings.Contains(got, "env") || !strings.Contains(got, "image") {
		t.Errorf("with both kept, it would change %s", got)
	}
	if hasRisk(row, riskOverwritesDrift, "") {
		t.Errorf("still says that drift is overwritten: %v", row.Risks)
	}
	// The order in which they are named is no part of the plan.
	other, _, err := w.c.Plan(w.ctx, keepAsk(w, lensPlanned, "Deployment cart:spec.replicas", "Deployment $NS/cart:"+path, "Deployment $NS/cart:spec.replicas"))
	if err != nil || other.Digest != plan.Digest {
		t.Errorf("named in another order: %v", err)
	}
	for _, o := range objects {
		if o.ID.Kind == "Deployment" {
			if _, err := w.c.Apply(w.ctx, o, row); err != nil {
				t.Fatal(err)
			}
		}
	}
	live := w.live(deploymentGVR, "cart")
	for p, want := range map[string]any{path: "2", "spec.replicas": int64(2), "spec.template.spec.containers[main].image": "cart:2"} {
		if got, _ := fieldpath.Get(live, p); !fieldpath.Equal(got, want) {
			t.Errorf("after applying, %s is %v, want %v", p, got, want)
		}
	}
	next, _ := w.plan(lensPlanned)
	row = rowNamed(t, next, "Deployment", "cart")
	if !hasCause(row, path, model.CauseDrift, "kubectl-edit") {
		t.Errorf("the next plan does not find the drift again: %+v", row.Causes)
	}
}

func TestKeepIsRefusedWhereItWouldRemove(t *testing.T) {
	w := newPlanWorld(t)
	w.ship(lensDeployed)
	w.change("kubectl-edit", deploymentGVR, "cart", `{"metadata":{"annotations":{"note":"mine"}}}`)
	for ref, words := range map[string]string{
		"Deployment $NS/cart:spec.template.spec.containers[main].image": "nobody else set its live value",
		"Deployment $NS/cart:spec.replicas":                             "live as Git writes it",
		"Deployment $NS/cart:metadata.annotations.note":                 "Git does not write this field",
		"Deployment $NS/none:spec.replicas":                             "no rendered object is called so",
	} {
		_, _, err := w.c.Plan(w.ctx, keepAsk(w, lensPlanned, ref))
		wantCode(t, err, model.ExitUsage, words)
	}
	_, _, err := w.c.Plan(w.ctx, keepAsk(w, configYAML("fresh", "{a: b}"), "ConfigMap fresh:data.a"))
	wantCode(t, err, model.ExitUsage, "there is no live object")
}

// changeContainerEnv sets the live value of the variable A.
func (w *planWorld) changeContainerEnv(manager, value string) {
	w.t.Helper()
	w.change(manager, deploymentGVR, "cart", `{"spec":{"template":{"spec":{"containers":[{"name":"main","image":"cart:1","imagePullPolicy":"IfNotPresent",`+
		`"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File","resources":{"limits":{"cpu":"1","memory":"1Gi"}},"env":[{"name":"A","value":"`+value+`"}]}]}}}}`)
}
