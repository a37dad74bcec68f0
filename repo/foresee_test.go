package repo

import (
	"testing"

	"github.com/fairtide-dev/fairtide/model"
)

func TestForesee(t *testing.T) {
	workload := func(replicas any, image string) map[string]any {
		spec := map[string]any{"template": map[string]any{"spec": map[string]any{"containers": []any{map[string]any{"name": "a", "image": image}}}}}
		if replicas != nil {
			spec["replicas"] = replicas
		}
		return map[string]any{"spec": spec}
	}
	for _, c := range []struct {
		name     string
		kind     string
		v        model.Verdict
		old, now map[string]any
		want     string
	}{
		{"an image", "Deployment", model.VerdictUpdate, workload(int64(3), "a:1"), workload(int64(3), "a:2"), "restarts its pods"},
		{"fewer", "StatefulSet", model.VerdictUpdate, workload(int64(5), "a:1"), workload(int64(3), "a:1"), "lowers replicas 5 to 3"},
		{"fewer and an image", "Deployment", model.VerdictUpdate, workload(5, "a:1"), workload(3, "a:2"), "lowers replicas 5 to 3; restarts its pods"},
		{"more", "Deployment", model.VerdictUpdate, workload(int64(3), "a:1"), workload(int64(5), "a:1"), ""},
		{"no number any more", "Deployment", model.VerdictUpdate, workload(int64(3), "a:1"), workload(nil, "a:1"), ""},
		{"another kind", "ConfigMap", model.VerdictUpdate, workload(int64(3), "a:1"), workload(int64(1), "a:2"), ""},
		{"a secret", "Secret", model.VerdictUpdate, workload(nil, "a"), workload(nil, "b"), "changes a Secret"},
		{"a role", "Role", model.VerdictCreate, nil, nil, "changes who may do what"},
		{"data", "PersistentVolumeClaim", model.VerdictDelete, nil, nil, "deletes data"},
		{"anything else", "ConfigMap", model.VerdictDelete, nil, nil, "deletes it"},
		{"something new", "Deployment", model.VerdictCreate, nil, nil, ""},
	} {
		if got := foresee(model.ObjectID{Kind: c.kind}, c.v, differences(c.old, c.now)); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
