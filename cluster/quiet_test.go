package cluster

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/fairtide-dev/fairtide/model"
)

// tree reads an object as the server's client does.
func tree(t *testing.T, text string) map[string]any {
	t.Helper()
	var out map[string]any
	if err := yaml.Unmarshal([]byte(text), &out); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return out
}

func TestQuieten(t *testing.T) {
	const before = `{metadata: {annotations: {kept: a}}, spec: {replicas: 4, ports: [{name: a, port: 1}, {name: b, port: 2}], template: {spec: {containers: [{name: c, image: i:1, env: [{name: X, value: "1"}, {name: W, value: "2"}]}]}}}}`
	for name, c := range map[string]struct {
		after string // instead of before, by replacement
		rules []model.FieldRule
		paths []string
		only  bool
		shown string
	}{
		"nothing matches": {after: "replicas: 1", rules: []model.FieldRule{{Kind: "StatefulSet", Pointer: "/spec/replicas"}, {Pointer: "/spec/replicas/deeper"}}},
		"a field":         {after: "replicas: 1", rules: []model.FieldRule{{Kind: "Deployment", Pointer: "/spec/replicas"}}, paths: []string{"spec.replicas"}, only: true},
		"what holds it":   {after: "replicas: 1", rules: []model.FieldRule{{Pointer: "/spec"}}, paths: []string{"spec.replicas"}, only: true},
		"any element": {
			after: `value: "3"`, rules: []model.FieldRule{{Pointer: "/spec/template/spec/containers/*/env/*/value"}},
			paths: []string{"spec.template.spec.containers[c].env[X].value"}, only: true,
		},
		"by manager":         {after: "replicas: 1", rules: []model.FieldRule{{Manager: "scaler"}}, paths: []string{"spec.replicas"}, only: true},
		"of another manager": {after: "replicas: 1", rules: []model.FieldRule{{Manager: "nobody", Pointer: "/spec/replicas"}}},
		"one of two": {
			after: "replicas: 1|i:2", rules: []model.FieldRule{{Pointer: "/spec/replicas"}},
			paths: []string{"spec.replicas"}, shown: "i:2",
		},
		"a key of a map that is new": {
			after: "labels", rules: []model.FieldRule{{Pointer: "/metadata/labels/noise"}},
			paths: []string{"metadata.labels.noise"}, shown: "music",
		},
		"all of a map that is new": {
			after: "labels", rules: []model.FieldRule{{Pointer: "/metadata/labels/*"}},
			paths: []string{"metadata.labels.music", "metadata.labels.noise"}, only: true,
		},
		"a key that goes":              {after: "gone", rules: []model.FieldRule{{Pointer: "/metadata/annotations/kept"}}, paths: []string{"metadata.annotations.kept"}, only: true},
		"the order of ports":           {after: "ports", paths: []string{"spec.ports"}, only: true},
		"the order of ports, and more": {after: "ports|port: 2=port: 3", paths: []string{"spec.ports"}, shown: "3"},
		"the order of variables":       {after: "env"},
		"an element that goes":         {after: "element", rules: []model.FieldRule{{Pointer: "/spec/ports/*"}}, paths: []string{"spec.ports[b]"}, only: true},
	} {
		t.Run(name, func(t *testing.T) {
			text := before
			for _, edit := range strings.Split(c.after, "|") {
				text = map[string]func(string) string{
					"replicas: 1": func(s string) string { return strings.Replace(s, "replicas: 4", edit, 1) },
					`value: "3"`:  func(s string) string { return strings.Replace(s, `value: "1"`, edit, 1) },
					"i:2":         func(s string) string { return strings.Replace(s, "i:1", "i:2", 1) },
					"labels": func(s string) string {
						return strings.Replace(s, "{annotations", "{labels: {noise: x, music: y}, annotations", 1)
					},
					"gone": func(s string) string {
						return strings.Replace(s, "metadata: {annotations: {kept: a}}", "metadata: {}", 1)
					},
					"ports": func(s string) string {
						return strings.Replace(s, "[{name: a, port: 1}, {name: b, port: 2}]", "[{name: b, port: 2}, {name: a, port: 1}]", 1)
					},
					"port: 2=port: 3": func(s string) string { return strings.Replace(s, "port: 2", "port: 3", 1) },
					"env": func(s string) string {
						return strings.Replace(s, `[{name: X, value: "1"}, {name: W, value: "2"}]`, `[{name: W, value: "2"}, {name: X, value: "1"}]`, 1)
					},
					"element": func(s string) string { return strings.Replace(s, ", {name: b, port: 2}", "", 1) },
				}[edit](text)
			}
			if text == before {
				t.Fatal("the edit changes nothing")
			}
			live := tree(t, `{metadata: {managedFields: [{manager: scaler, operation: Update, subresource: scale, fieldsType: FieldsV1, fieldsV1: {"f:spec": {"f:replicas": {}}}}]}}`)
			it := &planItem{live: live, planned: model.PlannedObject{
				ID: model.ObjectID{Group: "apps", Kind: "Deployment", Name: "d"}, Verdict: model.VerdictUpdate, Before: tree(t, before), After: tree(t, text),
			}}
			p := &predictor{env: model.Environment{Hide: c.rules}}
			p.quieten(it)
			var paths []string
			for _, h := range it.planned.Hidden {
				paths = append(paths, h.Path)
			}
			if fmt.Sprint(paths) != fmt.Sprint(c.paths) || it.planned.OnlyHidden != c.only {
				t.Errorf("hidden %v (only: %v), want %v (%v); shown: %v", it.planned.Hidden, it.planned.OnlyHidden, c.paths, c.only, it.planned.Shown)
			}
			if !equalValues(it.planned.After, tree(t, text)) || !equalValues(it.planned.Before, tree(t, before)) {
				t.Error("the sides themselves were changed")
			}
			switch left := diffFields(it.planned.Before, it.planned.Shown); {
			case c.paths == nil && it.planned.Shown != nil:
				t.Errorf("nothing is hidden, yet shown is %v", it.planned.Shown)
			case c.only && len(left) > 0:
				t.Errorf("what is left to show: %+v", left)
			case c.shown != "" && (len(left) != 1 || !strings.Contains(fmt.Sprint(left[0].new), c.shown)):
				t.Errorf("what is left to show: %+v, want %s", left, c.shown)
			}
		})
	}
}

func TestEqualMeaning(t *testing.T) {
	for _, c := range []struct {
		path string
		a, b any
		want bool
	}{
		{"spec.template.spec.containers[c].resources.limits.cpu", "100m", "0.1", true},
		{"spec.template.spec.containers[c].resources.requests.memory", "1Gi", "1024Mi", true},
		{"spec.template.spec.containers[c].resources.requests.memory", int64(1024), "1Ki", true},
		{"spec.template.spec.containers[c].resources.limits[nvidia.com/gpu]", "1", int64(1), true},
		{"spec.template.spec.containers[c].resources.limits.cpu", "100m", "0.2", false},
		{"spec.hard[requests.cpu]", "1", "1000m", true},
		{"spec.limits[Container].max.cpu", "1", "1000m", true},
		{"data.cpu", "1", "1000m", false},
		{"spec.max.version", "1", "1.0", false},
		{"spec.interval", "1h", "60m", true},
		{"spec.interval", "1h0m0s", "1h", true},
		{"spec.interval", "1h", "61m", false},
		{"spec.endpoints[0].interval", "60s", "1m", true},
		{"data.interval", "1h", "60m", false},
		{"spec.ports[0].targetPort", "8080", int64(8080), true},
		{"spec.ports[0].targetPort", "080", int64(80), false},
		{"spec.template.spec.containers[c].livenessProbe.httpGet.port", int64(80), "80", true},
		{"spec.template.spec.containers[c].env[PORT].value", "80", int64(80), false},
		{"webhooks[w].clientConfig.caBundle", "aGVs\nbG8=\n", "aGVsbG8=", true},
		{"binaryData.x", "aGVsbG8=", "aGVs bG8=", true},
		{"data.x", "aGVsbG8=", "aGVs\nbG8=", false},
		{"spec.anything", map[string]any{"a": int64(1)}, map[string]any{"a": float64(1)}, true},
	} {
		if got := equalMeaning(c.path, c.a, c.b); got != c.want {
			t.Errorf("%s: %v and %v: %v, want %v", c.path, c.a, c.b, got, c.want)
		}
	}
}

func TestInjectedValuesAreNotCompared(t *testing.T) {
	type id = model.ObjectID
	for name, c := range map[string]struct {
		id        id
		live, git string
		differs   bool
	}{
		"a webhook's bundle": {
			id{Group: "admissionregistration.k8s.io", Kind: "ValidatingWebhookConfiguration"},
			`{metadata: {annotations: {cert-manager.io/inject-ca-from: a/b}}, webhooks: [{name: w, clientConfig: {caBundle: AAAA}}]}`,
			`{metadata: {annotations: {cert-manager.io/inject-ca-from: a/b}}, webhooks: [{name: w, clientConfig: {caBundle: Cg==}}]}`, false,
		},
		"a bundle that nobody injects": {
			id{Group: "admissionregistration.k8s.io", Kind: "MutatingWebhookConfiguration"},
			`{webhooks: [{name: w, clientConfig: {caBundle: AAAA}}]}`, `{webhooks: [{name: w, clientConfig: {caBundle: BBBB}}]}`, true,
		},
		"a definition's": {
			id{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"},
			`{metadata: {annotations: {cert-manager.io/inject-apiserver-ca: "true"}}, spec: {conversion: {webhook: {clientConfig: {caBundle: AAAA}}}}}`,
			`{metadata: {annotations: {cert-manager.io/inject-apiserver-ca: "true"}}, spec: {conversion: {webhook: {clientConfig: {}}}}}`, false,
		},
		"token Secrets that applying takes away":       {id{Kind: "ServiceAccount"}, `{secrets: [{name: t}]}`, `{metadata: {}}`, true},
		"token Secrets Git writes":                     {id{Kind: "ServiceAccount"}, `{secrets: [{name: t}]}`, `{secrets: [{name: u}]}`, true},
		"a health check port that applying takes away": {id{Kind: "Service"}, `{spec: {healthCheckNodePort: 30000}}`, `{spec: {}}`, true},
	} {
		before, after := tree(t, c.live), tree(t, c.git)
		dropInjected(c.id, tree(t, c.git), before, after)
		delete(before, "metadata")
		delete(after, "metadata")
		if equalValues(before, after) == c.differs {
			t.Errorf("%s: %v and %v", name, before, after)
		}
	}
}

func TestScrub(t *testing.T) {
	const long, quoted = "hunter-two-the-second", `say "so"`
	it := &planItem{
		marks: []model.FieldRule{{Pointer: "/data/*"}},
		live:  map[string]any{"data": map[string]any{"old": "was-hunter-one"}},
	}
	it.object.ID = model.ObjectID{Kind: "ConfigMap", Name: "c"}
	it.object.Fields = map[string]any{"data": map[string]any{"a": long, "b": quoted, "pin": "15"}}
	message := fmt.Sprintf("Invalid value: %q, %q, was-hunter-one; must be 15 of 150", long, quoted)
	err := scrub(it, &apierrors.StatusError{ErrStatus: metav1.Status{Code: http.StatusUnprocessableEntity, Reason: metav1.StatusReasonInvalid, Message: message,
		Details: &metav1.StatusDetails{Causes: []metav1.StatusCause{{Field: "data.a", Message: message}}}}})
	r := readRefusal(err, it.object.ID, nil, true)
	for _, text := range []string{err.Error(), r.reason} {
		for _, value := range []string{long, "say", "hunter", "be 15"} {
			if strings.Contains(text, value) {
				t.Errorf("%q is in %q", value, text)
			}
		}
		if !strings.Contains(text, "of 150") {
			t.Errorf("%q lost more than the values", text)
		}
	}
	if !apierrors.IsInvalid(err) {
		t.Error("the refusal is another one now")
	}
	plain := errors.New("no answer: " + long)
	if got := scrub(it, plain); !errors.Is(got, plain) {
		t.Errorf("an error that no server made: %v", got)
	}
}
