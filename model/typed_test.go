package model

import (
	"slices"
	"strings"
	"testing"
)

func TestNamesToType(t *testing.T) {
	lost := func(kind, namespace, name string) PlannedObject {
		return PlannedObject{ID: ObjectID{Kind: kind, Namespace: namespace, Name: name}, Verdict: VerdictDelete,
			Risks: []Risk{{Name: "is-deleted"}, {Name: "deletes-data", TypeName: true, Message: "deletes the data of " + name}}}
	}
	kept := lost("Namespace", "", "kept")
	kept.Verdict = VerdictUnchanged
	p := &Plan{Environment: "production", Objects: []PlannedObject{kept, {ID: ObjectID{Kind: "ConfigMap", Name: "a"}, Verdict: VerdictDelete}}}
	if p.Phrase() != "" || len(p.ToType()) != 0 || p.Unconfirmed(nil) != nil {
		t.Errorf("nothing to type: %q, %v, %v", p.Phrase(), p.ToType(), p.Unconfirmed(nil))
	}
	p.Objects = append(p.Objects, lost("PersistentVolumeClaim", "shop", "data"))
	if p.Phrase() != "data" {
		t.Errorf("one: %q", p.Phrase())
	}
	p.Objects = append(p.Objects, lost("Namespace", "", "old"))
	refs := []string{"PersistentVolumeClaim/shop/data", "Namespace/old"}
	if p.Phrase() != "production 2" || !slices.Equal(Refs(p.ToType()), refs) {
		t.Errorf("two: %q, %v", p.Phrase(), Refs(p.ToType()))
	}
	err := p.Unconfirmed(refs[:1])
	if CodeOf(err, ExitOK) != ExitRequirements || !strings.Contains(err.Error(), "Namespace old (deletes the data of old)") ||
		!strings.HasSuffix(err.Error(), "pass --confirm Namespace/old to fairtide apply -e production") {
		t.Errorf("one is missing: %v", err)
	}
	if err := p.Unconfirmed(refs); err != nil {
		t.Errorf("all are given: %v", err)
	}
}

func TestKeepMark(t *testing.T) {
	with := func(where, key, value string) map[string]any {
		return map[string]any{"metadata": map[string]any{where: map[string]any{key: value}}}
	}
	for _, tc := range []struct{ where, key, value, want string }{
		{"annotations", "kustomize.toolkit.fluxcd.io/prune", "disabled", "annotation kustomize.toolkit.fluxcd.io/prune: disabled"},
		{"labels", "kustomize.toolkit.fluxcd.io/prune", "Disabled", "label kustomize.toolkit.fluxcd.io/prune: Disabled"},
		{"annotations", "kustomize.toolkit.fluxcd.io/prune", "enabled", ""},
		{"annotations", "kustomize.toolkit.fluxcd.io/reconcile", "DISABLED", "annotation kustomize.toolkit.fluxcd.io/reconcile: DISABLED"},
		{"annotations", "kustomize.toolkit.fluxcd.io/ssa", "Ignore", "annotation kustomize.toolkit.fluxcd.io/ssa: Ignore"},
		{"annotations", "argocd.argoproj.io/sync-options", "Validate=false, Prune=false", "annotation argocd.argoproj.io/sync-options: Prune=false"},
		{"annotations", "argocd.argoproj.io/sync-options", "Delete=confirm", "annotation argocd.argoproj.io/sync-options: Delete=confirm"},
		{"annotations", "argocd.argoproj.io/sync-options", "PruneLast=true", ""},
		{"labels", "argocd.argoproj.io/sync-options", "Prune=false", ""},
		{"annotations", "helm.sh/resource-policy", " Keep ", "annotation helm.sh/resource-policy: Keep"},
		{"annotations", "client.lifecycle.config.k8s.io/deletion", "detach", "annotation client.lifecycle.config.k8s.io/deletion: detach"},
		{"annotations", "cli-utils.sigs.k8s.io/on-remove", "keep", "annotation cli-utils.sigs.k8s.io/on-remove: keep"},
		{"annotations", "kapp.k14s.io/delete-strategy", "orphan", "annotation kapp.k14s.io/delete-strategy: orphan"},
	} {
		if got := KeepMark(with(tc.where, tc.key, tc.value)); got != tc.want {
			t.Errorf("%s %s: %s is %q, want %q", tc.where, tc.key, tc.value, got, tc.want)
		}
	}
	for _, o := range []map[string]any{nil, {}, {"metadata": 1}, {"metadata": map[string]any{"annotations": "x"}}} {
		if got := KeepMark(o); got != "" {
			t.Errorf("%v: %q", o, got)
		}
	}
}
