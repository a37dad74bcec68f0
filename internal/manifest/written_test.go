package manifest

import (
	"strings"
	"testing"
)

const writtenFile = `# the shop
apiVersion: v1
kind: ConfigMap
metadata:
  name: cart
data:
  timeout: 10s
---
# the second
apiVersion: apps/v1
kind: Deployment
metadata:
  name: cart
spec:
  replicas: 3
  template:
    spec:
      containers:
      - name: side
        image: side:1
      - name: cart
        image: cart:1
        env:
        - {name: A, value: "1"}
--- # the third
apiVersion: v1
kind: List
items:
- kind: Service
  metadata: {name: one}
- kind: Service
  metadata:
    name: two
  spec:
    type: ClusterIP
`

func TestWrittenAt(t *testing.T) {
	lines := strings.Split(writtenFile, "\n")
	at := func(text string) int {
		for i, l := range lines {
			if strings.TrimSpace(l) == text {
				return i + 1
			}
		}
		t.Fatalf("no line %q", text)
		return 0
	}
	for _, c := range []struct {
		start, path string
		want        string // the line, without its indentation; empty: none
		exact       bool
	}{
		{"apiVersion: v1", "data.timeout", "timeout: 10s", true},
		{"# the shop", "data.timeout", "timeout: 10s", true},
		{"apiVersion: v1", "spec.replicas", "", false}, // of another document
		{"apiVersion: apps/v1", "spec.template.spec.containers[cart].image", "image: cart:1", true},
		{"apiVersion: apps/v1", "spec.template.spec.containers[cart].env[A].value", `- {name: A, value: "1"}`, true},
		{"apiVersion: apps/v1", "spec.template.spec.containers[cart].ports[http]", "- name: cart", false},
		{"apiVersion: apps/v1", "spec.strategy.type", "spec:", false},
		{"apiVersion: apps/v1", "metadata.labels[a.b/c]", "metadata:", false},
		{"- kind: Service", "metadata.name", "metadata: {name: one}", true},
	} {
		line, exact, ok := WrittenAt([]byte(writtenFile), at(c.start), c.path)
		if c.want == "" {
			if ok && exact {
				t.Errorf("%s from %q on: line %d", c.path, c.start, line)
			}
			continue
		}
		if !ok || exact != c.exact || line > 0 && strings.TrimSpace(lines[line-1]) != c.want {
			t.Errorf("%s from %q on: line %d, exact %v, ok %v, want %q", c.path, c.start, line, exact, ok, c.want)
		}
	}
	second := at("name: two") - 2
	if line, exact, ok := WrittenAt([]byte(writtenFile), second, "spec.type"); !ok || !exact || lines[line-1] != "    type: ClusterIP" {
		t.Errorf("of the second item: line %d, %v, %v", line, exact, ok)
	}
}

func TestWrittenAtOfWhatIsNoObject(t *testing.T) {
	for _, text := range []string{"", "---\n", "- a\n- b\n", "a: {{ .Values.a }}\n", "a: [\n"} {
		for _, start := range []int{0, 1, 9} {
			if line, _, ok := WrittenAt([]byte(text), start, "spec.replicas"); ok {
				t.Errorf("%q from %d on: line %d", text, start, line)
			}
		}
	}
}
