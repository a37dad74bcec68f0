package fieldrule

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/fairtide-dev/fairtide/model"
)

func TestSplit(t *testing.T) {
	for pointer, want := range map[string][]string{
		"/spec/replicas":                    {"spec", "replicas"},
		"/metadata/annotations/a.b~1c~0d":   {"metadata", "annotations", "a.b/c~d"},
		"/spec/containers/*/env/*/value":    {"spec", "containers", "*", "env", "*", "value"},
		"/metadata/labels/tilde~01":         {"metadata", "labels", "tilde~1"},
		"/spec/template/spec/containers/0/": nil,
		"":                                  nil,
		"spec":                              nil,
		"/a//b":                             nil,
		"/a~2b":                             nil,
		"/a~":                               nil,
	} {
		got, err := Split(pointer)
		if (err == nil) != (want != nil) || !slices.Equal(got, want) {
			t.Errorf("Split(%q) = %q, %v; want %q", pointer, got, err, want)
		}
	}
}

func TestCovers(t *testing.T) {
	path := []string{"spec", "containers", "1", "env", "0", "value"}
	for pointer, want := range map[string]bool{
		"":                                 true,
		"/spec":                            true,
		"/spec/containers/*/env":           true,
		"/spec/containers/1/env/*/value":   true,
		"/spec/containers/0/env":           false,
		"/spec/containers/1/env/0/value/x": false,
		"spec":                             false,
	} {
		if got := Covers(model.FieldRule{Pointer: pointer}, path); got != want {
			t.Errorf("%q covers %v: %v, want %v", pointer, path, got, want)
		}
	}
}

func TestRewrite(t *testing.T) {
	const object = `{spec: {replicas: 3, empty: null, containers: [{name: a, env: [{name: X, value: one}, {name: Y, valueFrom: {key: k}}]}, {name: b}]}, data: {p: q, n: {deep: true}}}`
	for _, c := range []struct {
		rule    model.FieldRule
		changed []string
	}{
		{model.FieldRule{Pointer: "/spec/containers/*/env/*/value"}, []string{"one"}},
		{model.FieldRule{Pointer: "/data"}, []string{"q", "true"}},
		{model.FieldRule{Pointer: "/spec/replicas"}, []string{"3"}},
		{model.FieldRule{Pointer: "/spec/containers/1"}, []string{"b"}},
		{model.FieldRule{Pointer: "/spec/replicas/deeper"}, nil},
		{model.FieldRule{Pointer: "/spec/empty"}, nil},
		{model.FieldRule{Pointer: "/none"}, nil},
		{model.FieldRule{Kind: "Other", Pointer: "/data"}, nil},
		{model.FieldRule{Kind: "Kind", Pointer: "/data/p"}, []string{"q"}},
		{model.FieldRule{Manager: "m"}, nil},
	} {
		var fields, want map[string]any
		for _, to := range []*map[string]any{&fields, &want} {
			if err := yaml.Unmarshal([]byte(object), to); err != nil {
				t.Fatal(err)
			}
		}
		var seen []string
		found := Rewrite(fields, "Kind", c.rule, func(v any) any {
			seen = append(seen, fmt.Sprint(v))
			return v
		})
		slices.Sort(seen)
		if !slices.Equal(seen, c.changed) || found != (len(c.changed) > 0) {
			t.Errorf("%+v rewrites %q (%v), want %q", c.rule, seen, found, c.changed)
		}
		if !reflect.DeepEqual(fields, want) {
			t.Errorf("%+v: what is given back is not what is there: %v", c.rule, fields)
		}
	}
}
