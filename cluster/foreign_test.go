package cluster

import (
	"fmt"
	"strings"
	"testing"

	"github.com/fairtide-dev/fairtide/model"
)

func TestForeignOwners(t *testing.T) {
	id := model.ObjectID{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "cart"}
	argo := "manager: argocd-controller, operation: Apply, fieldsV1: {}"
	cases := []struct {
		name, metadata string
		want           string // with ! for one that undoes changes
	}{
		{"nobody", "{labels: {app: cart}}", ""},
		{"flux kustomization", "{labels: {kustomize.toolkit.fluxcd.io/name: apps, kustomize.toolkit.fluxcd.io/namespace: flux-system}}", "!Flux Kustomization flux-system/apps"},
		{"flux kustomization, not reconciled", "{labels: {kustomize.toolkit.fluxcd.io/name: apps}, annotations: {kustomize.toolkit.fluxcd.io/reconcile: Disabled}}", "Flux Kustomization apps"},
		{"flux release", "{labels: {helm.toolkit.fluxcd.io/name: cart, helm.toolkit.fluxcd.io/namespace: shop}, annotations: {meta.helm.sh/release-name: cart}}", "!Flux HelmRelease shop/cart"},
		{"argo", `{annotations: {argocd.argoproj.io/tracking-id: "shop:apps/Deployment:shop/cart"}}`, "!Argo CD application shop"},
		{"argo, of another object", `{annotations: {argocd.argoproj.io/tracking-id: "shop:apps/Deployment:shop/gateway"}}`, ""},
		{"argo, by label", "{labels: {app.kubernetes.io/instance: shop}, managedFields: [{" + argo + "}]}", "!Argo CD application shop"},
		{"a label alone", "{labels: {app.kubernetes.io/instance: shop}}", ""},
		{"config sync", "{annotations: {configmanagement.gke.io/managed: enabled, configsync.gke.io/manager: ':root', config.k8s.io/owning-inventory: x}}", "!Config Sync :root"},
		{"controller", "{ownerReferences: [{kind: Rollout, name: cart, controller: true}]}", "!Rollout cart"},
		{"owner that is no controller", "{ownerReferences: [{kind: Rollout, name: cart}]}", ""},
		{"kapp", "{labels: {kapp.k14s.io/app: '1234'}}", "kapp app 1234"},
		{"cli-utils", "{annotations: {config.k8s.io/owning-inventory: shop-1}}", "kpt inventory shop-1"},
		{"apply set", "{labels: {applyset.kubernetes.io/part-of: applyset-x-v1}}", "ApplySet applyset-x-v1"},
		{"apply set of its own", "{labels: {applyset.kubernetes.io/part-of: applyset-own-v1}}", ""},
		{"helm", "{annotations: {meta.helm.sh/release-name: cart, meta.helm.sh/release-namespace: shop}}", "Helm release shop/cart"},
		{"several, the gravest first", "{labels: {kapp.k14s.io/app: '1'}, ownerReferences: [{kind: Rollout, name: cart, controller: true}]}", "!Rollout cart, kapp app 1"},
		{"what would move the cursor", `{labels: {kapp.k14s.io/app: "1\e[2J"}}`, "kapp app 1\ufffd[2J"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			var got []string
			for _, o := range foreignOwners(id, fieldsOf(t, "{metadata: "+tc.metadata+"}"), "applyset-own-v1", "") {
				if o.undoes {
					o.name = "!" + o.name
				}
				if !strings.HasPrefix(o.reference, "https://") {
					t.Errorf("reference %q", o.reference)
				}
				got = append(got, o.name)
			}
			if s := strings.Join(got, ", "); s != tc.want && !strings.Contains(tc.metadata, `\e`) {
				t.Errorf("got %q, want %q", s, tc.want)
			} else if strings.ContainsRune(s, 0x1b) {
				t.Errorf("%q holds an escape", s)
			}
		})
	}
}

// TestPlanForeign: who else holds an object is named in the plan, with how
// grave that is.
func TestPlanForeign(t *testing.T) {
	t.Parallel()
	w := newPlanWorld(t)
	c, _ := w.clientAs("")
	c.cfg.StateNamespace = w.ns
	w.c = c
	w.create(configGVR, `{apiVersion: v1, kind: ConfigMap, metadata: {name: flux, namespace: $NS, labels: {kustomize.toolkit.fluxcd.io/name: apps}}, data: {x: one}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: helm, namespace: $NS, annotations: {meta.helm.sh/release-name: cart}}, data: {x: one}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: shared, namespace: $NS}, data: {x: one}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: plain, namespace: $NS}, data: {x: one}}`)
	w.forceApply("other-tool", configGVR, configYAML("plain", "{x: one, z: theirs}"))
	shared := model.InventoryEntry{
		ID: model.ObjectID{Kind: "ConfigMap", Namespace: w.ns, Name: "shared"}, Version: "v1", UID: metaString(w.live(configGVR, "shared"), "uid"),
	}
	if _, err := c.WriteState(w.ctx, "production", model.State{Inventory: []model.InventoryEntry{shared}}); err != nil {
		t.Fatal(err)
	}
	text := func(x string) string {
		var docs []string
		for _, name := range []string{"flux", "helm", "shared", "plain", "new"} {
			docs = append(docs, configYAML(name, "{x: "+x+"}"))
		}
		return strings.Join(docs, "---\n")
	}
	plan := w.ship(text("two"))
	for name, want := range map[string]struct {
		owner    string
		severity model.Severity
		risk     string
	}{
		"flux":   {"Flux Kustomization apps", model.SeverityDanger, "will undo the change"},
		"helm":   {"Helm release cart", model.SeverityWarning, "may change back"},
		"shared": {"fairtide environment production", model.SeverityWarning, "may change back"},
		"plain":  {}, "new": {},
	} {
		row := rowNamed(t, plan, "ConfigMap", name)
		if row.Owner != want.owner {
			t.Errorf("%s is owned by %q", name, row.Owner)
		}
		if found := hasRisk(row, riskForeignOwner, want.risk); found != (want.owner != "") {
			t.Errorf("%s: risks %+v", name, row.Risks)
		} else if found && row.Risks[slicesIndexRisk(row, riskForeignOwner)].Severity != want.severity {
			t.Errorf("%s: risks %+v", name, row.Risks)
		}
		if got := hasRisk(row, riskAdopts, "never applied by fairtide"); got != (name != "new") {
			t.Errorf("%s: adopts: %v", name, got)
		}
	}
	row := rowNamed(t, plan, "ConfigMap", "plain")
	if !hasRisk(row, riskConflicts, "other-tool applies the same fields and loses what it set: data.x (one)") {
		t.Errorf("risks %+v", row.Risks)
	}
	if got := fmt.Sprint(w.live(configGVR, "plain")["data"]); got != "map[x:two z:theirs]" {
		t.Errorf("live %s", got)
	}
	// What was shipped once is fairtide's; who else keeps it is still named.
	again, _ := w.plan(text("three"))
	for _, row := range again.Objects {
		if hasRisk(row, riskAdopts, "") {
			t.Errorf("%s is adopted again", row.ID)
		}
	}
	still, _ := w.plan(text("two"))
	if row := rowNamed(t, still, "ConfigMap", "flux"); row.Owner == "" || len(row.Risks) != 0 {
		t.Errorf("unchanged: owner %q, risks %+v", row.Owner, row.Risks)
	}
}
