package cluster

import (
	"strings"
	"testing"

	"github.com/fairtide-dev/fairtide/model"
)

func mayReplace(w *planWorld) { w.env.Replace.Allowed = true }

// replaced is a situation in which an immutable field changes, and the object
// may be replaced.
func replaced(name, object, shipped, next, reason string, risks ...string) situation {
	return situation{name: "replace: " + name, set: mayReplace, shipped: shipped, next: next, want: []expect{
		{object: object, verdict: model.VerdictReplace, reason: reason, risks: append([]string{riskReplacesObject}, risks...), check: func(t *testing.T, row model.PlannedObject) {
			if !row.MayReplace || row.Before == nil || row.After == nil {
				t.Errorf("may be replaced: %v; sides %v and %v", row.MayReplace, row.Before, row.After)
			}
			wantsName(t, row)
		}}}}
}

const (
	dbClaims   = "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db}, spec: {replicas: 0, serviceName: db, selector: {matchLabels: {app: db}}, template: {metadata: {labels: {app: db}}, spec: {containers: [{name: main, image: 'db:1'}]}}, volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}]}}"
	bindingOne = "{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: b}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: one}, subjects: [{kind: ServiceAccount, name: s, namespace: $NS}]}"
)

// replaceSituations are about fields that cannot change.
var replaceSituations = []situation{
	{name: "an immutable field, and nobody allows to replace", shipped: deploymentYAML("cart", "cart:1"), next: strings.ReplaceAll(deploymentYAML("cart", "cart:2"), "app: cart", "app: basket"),
		problem: "applying it fails unless it may be deleted and made again", want: []expect{
			{object: "Deployment cart", verdict: model.VerdictReplace, reason: "spec.selector is immutable: spec.selector.matchLabels.app", before: []string{`spec.selector.matchLabels.app="cart"`}, after: []string{`spec.selector.matchLabels.app="basket"`}}}},
	{name: "an immutable field, and the operator allows to replace", set: func(w *planWorld) { w.ask.Replace = true }, shipped: deploymentYAML("cart", "cart:1"), next: strings.ReplaceAll(deploymentYAML("cart", "cart:2"), "app: cart", "app: basket"),
		want: []expect{{object: "Deployment cart", verdict: model.VerdictReplace, reason: "spec.selector is immutable", risks: []string{riskReplacesObject}}}},
	replaced("a Deployment's selector", "Deployment cart", deploymentYAML("cart", "cart:1"), strings.ReplaceAll(deploymentYAML("cart", "cart:2"), "app: cart", "app: basket"), "spec.selector is immutable"),
	replaced("a Deployment with pods", "Deployment cart", strings.Replace(deploymentYAML("cart", "cart:1"), "replicas: 0", "replicas: 1", 1),
		strings.NewReplacer("app: cart", "app: basket", "replicas: 0", "replicas: 1").Replace(deploymentYAML("cart", "cart:1")), "spec.selector is immutable"),
	replaced("a Job's template", "Job once", onceYAML, edited(onceYAML, "job:1", "job:2"), "spec.template", riskDeletesHistory, riskRunsAgain),
	replaced("a StatefulSet's service name", "StatefulSet db", setYAML, edited(setYAML, "serviceName: db", "serviceName: other"), "serviceName"),
	replaced("a StatefulSet's claims", "StatefulSet db", dbClaims, edited(dbClaims, "1Gi", "2Gi"), "volumeClaimTemplates", riskKeepsVolumes),
	replaced("a Service's address", "Service web", serviceYAML, edited(serviceYAML, "selector:", "clusterIP: None, selector:"), "spec.clusterIP"),
	replaced("a claim's storage class", "PersistentVolumeClaim data", claimYAML, edited(claimYAML, "slow", "fast"), "spec is immutable", riskDeletesData+": the claim has no volume"),
	replaced("a Secret's type", "Secret db", "{apiVersion: v1, kind: Secret, metadata: {name: db}, stringData: {password: hunter2}}",
		"{apiVersion: v1, kind: Secret, metadata: {name: db}, type: example.com/own, stringData: {password: hunter2}}", "type"),
	replaced("a binding's role", "RoleBinding b", bindingOne, edited(bindingOne, "name: one", "name: two"), "roleRef"),
	replaced("a ConfigMap that is immutable", "ConfigMap a", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, immutable: true, data: {x: one}}", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, immutable: true, data: {x: two}}", "data"),
	replaced("a custom resource's rule", "Ware w", docs(wareText(fixedColour), ware("w", "{colour: red}")), docs(wareText(fixedColour), ware("w", "{colour: blue}")), "spec.colour"),
	{name: "replace: what the server would not take again", set: mayReplace, shipped: deploymentYAML("cart", "cart:1"), next: strings.NewReplacer("app: cart", "app: basket", "replicas: 0", "replicas: -1").Replace(deploymentYAML("cart", "cart:1")),
		problem: "cannot be predicted", want: unpredictable("Deployment cart", "spec.replicas")},
}

const fixedColour = ", colour: {type: string, x-kubernetes-validations: [{rule: self == oldSelf, message: colour is immutable}]}"

// leftGit is a situation in which a ConfigMap left Git.
func leftGit(name, metadata string, verdict model.Verdict, reason string) situation {
	return situation{name: "left Git: " + name, shipped: docs(configYAML("a", "{}"), configYAML("b", "{}"), configYAML("c", "{}"), "{apiVersion: v1, kind: ConfigMap, metadata: {name: left"+metadata+"}}"),
		next: docs(configYAML("a", "{}"), configYAML("b", "{}"), configYAML("c", "{}")), want: []expect{
			{object: "ConfigMap left", verdict: verdict, reason: reason, check: func(t *testing.T, row model.PlannedObject) {
				if !row.Left || row.Writes() != (verdict == model.VerdictDelete) {
					t.Errorf("left: %v, writes: %v", row.Left, row.Writes())
				}
			}}}}
}

const restYAML = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n"

// pruneSituations are about what left Git.
var pruneSituations = []situation{
	leftGit("deleted", "", model.VerdictDelete, ""),
	leftGit("kept for Flux", ", annotations: {kustomize.toolkit.fluxcd.io/prune: Disabled}", model.VerdictUnchanged, "kept: annotation kustomize.toolkit.fluxcd.io/prune"),
	leftGit("kept for Flux, by a label", ", labels: {kustomize.toolkit.fluxcd.io/prune: disabled}", model.VerdictUnchanged, "kept: label kustomize.toolkit.fluxcd.io/prune"),
	leftGit("kept for Argo CD", ", annotations: {argocd.argoproj.io/sync-options: 'Validate=false, Prune=false'}", model.VerdictUnchanged, "kept: annotation argocd.argoproj.io/sync-options"),
	leftGit("kept for Helm", ", annotations: {helm.sh/resource-policy: keep}", model.VerdictUnchanged, "kept: annotation helm.sh/resource-policy: keep"),
	leftGit("another value keeps nothing", ", annotations: {helm.sh/resource-policy: delete}", model.VerdictDelete, ""),
	{name: "left Git: with a finalizer", shipped: docs(restYAML, "{apiVersion: v1, kind: ConfigMap, metadata: {name: left, finalizers: [example.com/hold]}}"), next: restYAML, want: []expect{
		{object: "ConfigMap left", verdict: model.VerdictDelete, risks: []string{riskHasFinalizers + ": example.com/hold"}, check: wantsName}}},
	{name: "left Git: a claim", shipped: docs(restYAML, claimYAML), next: restYAML, want: []expect{{object: "PersistentVolumeClaim data", verdict: model.VerdictDelete, risks: []string{riskDeletesData}, check: wantsName}}},
	{name: "left Git: a namespace with objects of others", shipped: docs(restYAML, "{apiVersion: v1, kind: Namespace, metadata: {name: $NS-own}}"), next: restYAML,
		live: created(configGVR, "{apiVersion: v1, kind: ConfigMap, metadata: {name: theirs, namespace: $NS-own}}"), want: []expect{
			{object: "Namespace $NS-own", verdict: model.VerdictDelete, risks: []string{riskDeletesData + ": deletes namespace $NS-own"}, check: wantsName}}},
	{name: "left Git: a Deployment, with what it owns", shipped: docs(restYAML, deploymentYAML("cart", "cart:1")), next: restYAML, want: []expect{{object: "Deployment cart", verdict: model.VerdictDelete, before: []string{mainImage + `="cart:1"`}, after: []string{"kind=-"}}}},
	{name: "left Git: gone already", shipped: docs(restYAML, configYAML("left", "{}")), live: func(w *planWorld) { w.remove(configGVR, "left") }, next: restYAML, gone: []string{"ConfigMap left"}},
	{name: "left Git: made again by somebody else", shipped: docs(restYAML, configYAML("left", "{}")), next: restYAML, gone: []string{"ConfigMap left"}, live: func(w *planWorld) {
		w.remove(configGVR, "left")
		w.create(configGVR, "{apiVersion: v1, kind: ConfigMap, metadata: {name: left, namespace: $NS}}")
	}},
	{name: "left Git: controlled by another object", shipped: docs(restYAML, configYAML("left", "{}")), next: restYAML,
		live: controlled("left"), want: []expect{
			{object: "ConfigMap left", verdict: model.VerdictUnchanged, reason: "kept: "}}},
	{name: "left Git: taken over by others", shipped: docs(restYAML, configYAML("left", "{}")), next: restYAML, live: after(changed("other", configGVR, "left", `{"metadata":{"managedFields":[{}]}}`), appliedBy("other", "left", `"data":{"x":"theirs"}`)), want: []expect{
		{object: "ConfigMap left", verdict: model.VerdictUnchanged, reason: "kept: fairtide owns none of its fields any more"}}},
	{name: "left Git: pruning is off", set: func(w *planWorld) { w.env.Prune.Enabled = false }, shipped: docs(restYAML, configYAML("left", "{}")), next: restYAML, gone: []string{"ConfigMap left"}, want: unchanged("ConfigMap a")},
	{name: "left Git: more than the cap", set: func(w *planWorld) { w.env.Prune.Max = 1 }, shipped: docs(restYAML, configYAML("b", "{}"), configYAML("c", "{}")), next: restYAML, problem: "it would delete 2 objects, more than prune.max allows (1)",
		want: []expect{{object: "ConfigMap b", verdict: model.VerdictDelete}, {object: "ConfigMap c", verdict: model.VerdictDelete}}},
	{name: "left Git: more than a third", set: func(w *planWorld) { w.env.Prune.Share = true }, shipped: docs(restYAML, configYAML("b", "{}"), configYAML("c", "{}"), configYAML("d", "{}")), next: restYAML, problem: "it would delete 3 objects, more than a third of the 4 objects applied",
		want: []expect{{object: "ConfigMap c", verdict: model.VerdictDelete}}},
	{name: "left Git: who may not read the other environments' records", rights: `[{apiGroups: [""], resources: [configmaps], verbs: [get, list, patch]}]`, shipped: docs(restYAML, configYAML("b", "{}"), configYAML("c", "{}"), configYAML("left", "{x: one}")), next: docs(restYAML, configYAML("b", "{}"), configYAML("c", "{}")),
		want: []expect{{object: "ConfigMap left", verdict: model.VerdictUnchanged, reason: `kept: what other environments apply is not known: forbidden (needs "list configmaps" in "fairtide")`}}},
}
