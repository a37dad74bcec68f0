package manifest

import (
	"strings"
	"testing"
)

func TestLines(t *testing.T) {
	text, err := YAML(map[string]any{
		"kind": "Deployment",
		"spec": map[string]any{
			"containers": []any{
				map[string]any{"name": "cart", "image": "cart:1", "args": []any{"-a", "-b"}},
				map[string]any{"name": "side", "script": "one\ntwo\n\nfour\n"},
			},
			"replicas": int64(3),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	p, err := Locate(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		steps       []any
		first, last string
	}{
		{[]any{"kind"}, "kind: Deployment", "kind: Deployment"},
		{[]any{"spec", "replicas"}, "replicas: 3", "replicas: 3"},
		{[]any{"spec", "containers", 0, "image"}, "image: cart:1", "image: cart:1"},
		{[]any{"spec", "containers", 0, "args", 1}, "- -b", "- -b"},
		{[]any{"spec", "containers", 0}, "- name: cart", "image: cart:1"},
		{[]any{"spec", "containers", 1, "script"}, "script: |", "four"},
		{[]any{"spec", "containers"}, "containers:", "four"},
		{nil, "kind: Deployment", "replicas: 3"},
	} {
		from, to, ok := p.Lines(c.steps)
		if !ok || strings.TrimSpace(lines[from-1]) != c.first || strings.TrimSpace(lines[to-1]) != c.last {
			t.Errorf("%v: lines %d to %d (%v) of\n%s", c.steps, from, to, ok, text)
		}
	}
	for _, steps := range [][]any{{"none"}, {"spec", 0}, {"spec", "containers", 2}, {"kind", "x"}, {"spec", "containers", "x"}} {
		if _, _, ok := p.Lines(steps); ok {
			t.Errorf("%v is found", steps)
		}
	}
	if p, err := Locate(nil); err != nil {
		t.Error(err)
	} else if _, _, ok := p.Lines([]any{"kind"}); ok {
		t.Error("an empty text has a field")
	}
}
