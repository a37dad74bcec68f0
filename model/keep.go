package model

import (
	"fmt"
	"strings"
)

// keepMark is an annotation (or label, where a tool takes both) with which
// people say that an object is not to be pruned.
type keepMark struct {
	key    string
	values []string // any of them, also in a comma-separated list; case is ignored
	label  bool
}

// keepMarks are those of the tools that prune: Flux, Argo CD, Helm, cli-utils
// and kapp, from their documentation.
var keepMarks = [...]keepMark{
	{key: "kustomize.toolkit.fluxcd.io/prune", values: []string{"disabled"}, label: true},
	{key: "kustomize.toolkit.fluxcd.io/reconcile", values: []string{"disabled"}, label: true},
	{key: "kustomize.toolkit.fluxcd.io/ssa", values: []string{"ignore"}, label: true},
	{key: "argocd.argoproj.io/sync-options", values: []string{"prune=false", "prune=confirm", "delete=false", "delete=confirm"}},
	{key: "helm.sh/resource-policy", values: []string{"keep"}},
	{key: "client.lifecycle.config.k8s.io/deletion", values: []string{"detach"}},
	{key: "cli-utils.sigs.k8s.io/on-remove", values: []string{"keep"}},
	{key: "kapp.k14s.io/delete-strategy", values: []string{"orphan"}},
}

// KeepMark is the mark in an object's metadata that says that it must not be
// pruned, as in "annotation helm.sh/resource-policy: keep"; empty: it has none.
// The marks of Flux, Argo CD, Helm, cli-utils and kapp count.
func KeepMark(fields map[string]any) string {
	metadata, _ := fields["metadata"].(map[string]any)
	for _, mark := range keepMarks {
		if v, ok := mark.in(metadata["annotations"]); ok {
			return fmt.Sprintf("annotation %s: %s", mark.key, v)
		}
		if v, ok := mark.in(metadata["labels"]); ok && mark.label {
			return fmt.Sprintf("label %s: %s", mark.key, v)
		}
	}
	return ""
}

// in finds the mark in a map of labels or annotations, and the part of the
// value that makes it one.
func (m keepMark) in(set any) (string, bool) {
	texts, _ := set.(map[string]any)
	text, _ := texts[m.key].(string)
	for part := range strings.SplitSeq(text, ",") {
		for _, want := range m.values {
			if part = strings.TrimSpace(part); strings.EqualFold(part, want) {
				return part, true
			}
		}
	}
	return "", false
}
