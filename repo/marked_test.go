package repo

import (
	"strings"
	"testing"

	"github.com/fairtide-dev/fairtide/model"
)

func TestMarkedValuesAreInNoSummary(t *testing.T) {
	id := model.ObjectID{Group: "apps", Kind: "Deployment", Name: "cart"}
	object := func(replicas int64, value string, image string) map[string]any {
		return map[string]any{"spec": map[string]any{"replicas": replicas, "containers": []any{map[string]any{
			"name": "cart", "image": image, "env": []any{map[string]any{"name": "TOKEN", "value": value}},
		}}}}
	}
	const was, is = "hunter-two", "hunter-three"
	for _, rule := range []model.FieldRule{
		{Pointer: "/spec/containers/*/env/*/value"},
		{Pointer: "/spec/containers/0/env"},
		{Kind: "Deployment", Pointer: "/spec/containers/*/env/0/value"},
	} {
		for want, diffs := range map[string][]difference{
			"1 field":                 differences(object(1, was, "a:1"), object(1, is, "a:1")),
			"image 1 → 2 and 1 field": differences(object(1, was, "a:1"), object(1, is, "a:2")),
			"replicas 1 → 2":          differences(object(1, was, "a:1"), object(2, was, "a:1")),
		} {
			if got := summarize(id, withhold([]model.FieldRule{rule}, id, diffs)); got != want {
				t.Errorf("%+v: %q, want %q", rule, got, want)
			}
		}
	}
	shown := summarize(id, withhold([]model.FieldRule{{Kind: "ConfigMap", Pointer: "/spec"}, {Manager: "m"}}, id, differences(object(1, was, "a:1"), object(1, is, "a:1"))))
	if !strings.Contains(shown, was) {
		t.Errorf("the test would not notice a value: %q", shown)
	}
}
