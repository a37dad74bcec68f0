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

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
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
		kind  string // empty: Deployment
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
		"the order of ports":           {kind: "Service", after: "ports", paths: []string{"spec.ports"}, only: true},
		"the order of ports, and more": {kind: "Service", after: "ports|port: 2=port: 3", paths: []string{"spec.ports"}, shown: "3"},
		"the order of variables":       {after: "env"},
		"the order in a custom kind":   {kind: "Route", after: "ports"},
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
			id := map[string]model.ObjectID{
				"": {Group: "apps", Kind: "Deployment", Name: "d"}, "Service": {Kind: "Service", Name: "d"}, "Route": {Group: "example.com", Kind: "Route", Name: "d"},
			}[c.kind]
			it := &planItem{live: live, planned: model.PlannedObject{
				ID: id, Verdict: model.VerdictUpdate, Before: tree(t, before), After: tree(t, text),
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
			if !fieldpath.Equal(it.planned.After, tree(t, text)) || !fieldpath.Equal(it.planned.Before, tree(t, before)) {
				t.Error("the sides themselves were changed")
			}
			switch left := fieldpath.Diff(it.planned.Before, it.planned.Shown); {
			case c.paths == nil && it.planned.Shown != nil:
				t.Errorf("nothing is hidden, yet shown is %v", it.planned.Shown)
			case c.only && len(left) > 0:
				t.Errorf("what is left to show: %+v", left)
			case c.shown != "" && (len(left) != 1 || !strings.Contains(fmt.Sprint(left[0].New), c.shown)):
				t.Errorf("what is left to show: %+v, want %s", left, c.shown)
			}
		})
	}
}

// A manager's rule hides what the manager set, not what stands beside it.
func TestHiddenByManager(t *testing.T) {
	live := tree(t, `{metadata: {managedFields: [{manager: scaler, operation: Update, fieldsType: FieldsV1, fieldsV1: {"f:metadata": {"f:annotations": {"f:scaled": {}}}}}]}}`)
	p := &predictor{env: model.Environment{Hide: []model.FieldRule{{Manager: "scaler"}}}}
	h := p.hiding(&planItem{live: live}, tree(t, `{metadata: {annotations: {scaled: x, mine: z}}}`), tree(t, `{metadata: {}}`), model.LensApply)
	if len(h.Hidden) != 1 || h.Hidden[0].Path != "metadata.annotations.scaled" || h.OnlyHidden {
		t.Errorf("hidden %+v", h)
	}
	left := fieldpath.Diff(tree(t, `{metadata: {annotations: {scaled: x, mine: z}}}`), h.Shown)
	if len(left) != 1 || left[0].Path != "metadata.annotations.mine" {
		t.Errorf("shown %+v", left)
	}
}

// What is written otherwise and means the same is written by an apply, so it is
// counted; in a pod's template it may restart the pods, so it is shown.
func TestQuietSpelling(t *testing.T) {
	p := &predictor{}
	for _, c := range []struct {
		kind          string
		before, after string
		hidden        bool
	}{
		{"PersistentVolumeClaim", `{spec: {resources: {requests: {storage: 128Mi}}}}`, `{spec: {resources: {requests: {storage: "134217728"}}}}`, true},
		{"PersistentVolumeClaim", `{spec: {resources: {requests: {storage: 128Mi}}}}`, `{spec: {resources: {requests: {storage: 128M}}}}`, false},
		{"StatefulSet", `{spec: {template: {spec: {containers: [{name: c, resources: {limits: {memory: 128Mi}}}]}}}}`,
			`{spec: {template: {spec: {containers: [{name: c, resources: {limits: {memory: "134217728"}}}]}}}}`, false},
		{"GitRepository", `{spec: {interval: 60m}}`, `{spec: {interval: 1h}}`, true},
		{"ConfigMap", `{data: {interval: 60m}}`, `{data: {interval: 1h}}`, false},
		{"Service", `{spec: {ports: [{port: 1, targetPort: 80}]}}`, `{spec: {ports: [{port: 1, targetPort: "80"}]}}`, false},
	} {
		it := &planItem{planned: model.PlannedObject{
			ID: model.ObjectID{Kind: c.kind}, Verdict: model.VerdictUpdate,
			Before: tree(t, c.before), After: tree(t, c.after), Deployed: tree(t, c.before), Rendered: tree(t, c.after),
		}}
		p.quieten(it)
		p.quietenLenses(it)
		for l, h := range map[model.Lens]model.Hiding{model.LensApply: it.planned.Hiding, model.LensGit: it.planned.LensHiding[model.LensGit]} {
			if h.OnlyHidden != c.hidden || c.hidden && (len(h.Hidden) != 1 || h.Hidden[0].Rule != ruleSpelling) {
				t.Errorf("%s %s to %s, lens %s: %+v", c.kind, c.before, c.after, l, h)
			}
		}
		if _, ok := it.planned.LensHiding[model.LensDrift]; ok {
			t.Errorf("%s: nothing drifted, yet something is hidden: %+v", c.kind, it.planned.LensHiding)
		}
	}
}

func TestEqualMeaning(t *testing.T) {
	place := func(path string) []fieldpath.Step {
		var out []fieldpath.Step
		for _, part := range strings.Fields(path) {
			out = append(out, fieldpath.Step{Field: part, InList: part == "[]"})
		}
		return out
	}
	const limits, requests = "spec template spec containers [] resources limits ", "spec template spec containers [] resources requests "
	for _, c := range []struct {
		path    string
		a, b    any
		written bool // the server makes the same of both
		meaning bool
	}{
		{limits + "cpu", "100m", "0.1", true, true},
		{limits + "cpu", "1000m", int64(1), true, true},
		{requests + "memory", "1Gi", "1024Mi", true, true},
		{requests + "memory", "128Mi", "131072Ki", true, true},
		{requests + "memory", "128Mi", "134217728", false, true},
		{requests + "memory", "128Mi", int64(134217728), false, true},
		{requests + "memory", int64(1024), "1Ki", false, true},
		{requests + "memory", "1M", "1e6", false, true},
		{requests + "memory", "128Mi", "128M", false, false},
		{limits + "nvidia.com/gpu", "1", int64(1), true, true},
		{limits + "cpu", "100m", "0.2", false, false},
		{"spec hard requests.cpu", "1", "1000m", true, true},
		{"spec limits [] max cpu", "1", "1000m", true, true},
		{"data cpu", "1", "1000m", false, false},
		{"spec max version", "1", "1.0", false, false},
		{"spec interval", "1h", "60m", false, true},
		{"spec interval", "1h0m0s", "1h", false, true},
		{"spec interval", "1h", "61m", false, false},
		{"spec endpoints [] interval", "60s", "1m", false, true},
		{"data interval", "1h", "60m", false, false},
		{"spec ports [] targetPort", "8080", int64(8080), false, false},
		{"spec template spec containers [] livenessProbe httpGet port", int64(80), "80", false, false},
		{"spec template spec containers [] env [] value", "80", int64(80), false, false},
		{"spec renewTime", "2026-01-02T03:04:05.000000Z", "2026-01-02T04:04:05+01:00", true, true},
		{"spec renewTime", "2026-01-02T03:04:05.000000Z", "2026-01-02T03:04:06Z", false, false},
		{"data renewTime", "2026-01-02T03:04:05.000000Z", "2026-01-02T03:04:05Z", false, false},
		{"webhooks [] clientConfig caBundle", "aGVs\nbG8=\n", "aGVsbG8=", true, true},
		{"binaryData x", "aGVsbG8=", "aGVs\nbG8=", true, true},
		{"binaryData x", "aGVsbG8=", "aGVs bG8=", false, false}, // refused
		{"data x", "aGVsbG8=", "aGVs\nbG8=", false, false},
		{"spec anything", map[string]any{"a": int64(1)}, map[string]any{"a": float64(1)}, true, true},
	} {
		if got := sameWritten(place(c.path), c.a, c.b); got != c.written {
			t.Errorf("%s: %v and %v are written alike: %v, want %v", c.path, c.a, c.b, got, c.written)
		}
		if got := sameMeaning(place(c.path), c.a, c.b); got != c.meaning {
			t.Errorf("%s: %v and %v mean the same: %v, want %v", c.path, c.a, c.b, got, c.meaning)
		}
	}
}

func TestInjectedValuesAreNotCompared(t *testing.T) {
	webhook, definition := model.ObjectID{Group: "admissionregistration.k8s.io", Kind: "ValidatingWebhookConfiguration"}, model.ObjectID{Group: crdKind.Group, Kind: crdKind.Kind}
	const inject = `metadata: {annotations: {cert-manager.io/inject-ca-from: a/b}}, `
	hook := func(bundle string) string {
		return "{" + inject + "webhooks: [{name: w, clientConfig: {" + bundle + "}}]}"
	}
	conversion := func(bundle string) string {
		return "{spec: {conversion: {webhook: {clientConfig: {" + bundle + "}}}}}"
	}
	for name, c := range map[string]struct {
		id               model.ObjectID
		git, live, after string
		differs, stays   bool // still in the sides
	}{
		"injected":                       {webhook, hook(""), hook("caBundle: AAAA"), hook("caBundle: AAAA"), false, false},
		"changed in Git":                 {webhook, hook("caBundle: BBBB"), hook("caBundle: AAAA"), hook("caBundle: BBBB"), true, true},
		"a placeholder that Git writes":  {webhook, hook("caBundle: Cg=="), hook("caBundle: AAAA"), hook("caBundle: Cg=="), true, true},
		"as Git writes it":               {webhook, hook("caBundle: AAAA"), hook("caBundle: AAAA"), hook("caBundle: AAAA"), false, true},
		"taken away, as Git dropped it":  {webhook, hook(""), hook("caBundle: AAAA"), hook(""), true, true},
		"a definition's, injected":       {definition, conversion(""), conversion("caBundle: AAAA"), conversion("caBundle: AAAA"), false, false},
		"a definition's, changed in Git": {definition, conversion("caBundle: BBBB"), conversion("caBundle: AAAA"), conversion("caBundle: BBBB"), true, true},
		"an API's": {model.ObjectID{Group: "apiregistration.k8s.io", Kind: "APIService"},
			"{spec: {}}", "{spec: {caBundle: AAAA}}", "{spec: {caBundle: AAAA}}", false, false},
		"token Secrets":                                {model.ObjectID{Kind: "ServiceAccount"}, "{}", "{secrets: [{name: t}]}", "{secrets: [{name: t}]}", false, false},
		"token Secrets that applying takes away":       {model.ObjectID{Kind: "ServiceAccount"}, "{}", "{secrets: [{name: t}]}", "{}", true, true},
		"a health check port that applying takes away": {model.ObjectID{Kind: "Service"}, "{spec: {}}", "{spec: {healthCheckNodePort: 30000}}", "{spec: {}}", true, true},
	} {
		live, after := tree(t, c.live), tree(t, c.after)
		dropInjected(model.Object{ID: c.id, Fields: tree(t, c.git)}, live, after)
		if fieldpath.Equal(live, after) == c.differs {
			t.Errorf("%s: %v and %v", name, live, after)
		}
		if fieldpath.Equal(live, tree(t, c.live)) != c.stays {
			t.Errorf("%s: of %s there is %v", name, c.live, live)
		}
	}
}

// What Git had and an injector writes now is no drift, but is counted: it is not
// in what is compared.
func TestInjectedIsNoDrift(t *testing.T) {
	const hook = "{webhooks: [{name: w, clientConfig: {caBundle: %s}}]}"
	it := &planItem{live: tree(t, fmt.Sprintf(hook, "AAAA")), planned: model.PlannedObject{
		ID:       model.ObjectID{Group: "admissionregistration.k8s.io", Kind: "ValidatingWebhookConfiguration"},
		Deployed: tree(t, fmt.Sprintf(hook, "BBBB")), Rendered: tree(t, "{webhooks: [{name: w, clientConfig: {}}]}"),
	}}
	before := tree(t, fmt.Sprintf(hook, "AAAA"))
	dropInjected(model.Object{ID: it.planned.ID, Fields: it.planned.Rendered}, before)
	it.planned.Before, it.planned.After = before, before
	(&predictor{}).quietenLenses(it)
	if h := it.planned.LensHiding[model.LensDrift]; !h.OnlyHidden || len(h.Hidden) != 1 || h.Hidden[0].Rule != ruleInjected {
		t.Errorf("drift: %+v", h)
	}
	if h, some := it.planned.LensHiding[model.LensGit]; some {
		t.Errorf("Git changed it, and that is hidden: %+v", h)
	}
}

func TestBookkeepingThatIsWritten(t *testing.T) {
	const revision, applied = deploymentRevisionAnnotation, lastAppliedAnnotation
	object := func(annotations ...string) map[string]any {
		return tree(t, "{metadata: {annotations: {"+strings.Join(annotations, ", ")+"}}}")
	}
	for name, c := range map[string]struct {
		git, live, predicted map[string]any
		differs              bool
	}{
		"the controller's":        {object(), object(revision + ": '5'"), object(revision + ": '5'"), false},
		"Git's":                   {object(revision + ": '3'"), object(revision + ": '5'"), object(revision + ": '3'"), true},
		"Git's, as live":          {object(revision + ": '5'"), object(revision + ": '5'"), object(revision + ": '5'"), false},
		"Git had it":              {object(), object(revision + ": '5'"), object(), true},
		"the server's, new":       {object(), object(), object("deprecated.daemonset.template.generation: '1'"), false},
		"kubectl's, on migration": {object(), object(applied + ": '{}'"), object(), false},
		"kubectl's, in Git":       {object(applied + ": 'x'"), object(applied + ": '{}'"), object(applied + ": 'x'"), true},
	} {
		before, after := normalise(c.live, false), normalise(c.predicted, false)
		keepWritten(c.git, c.live, c.predicted, before, after)
		if fieldpath.Equal(before, after) == c.differs {
			t.Errorf("%s: %v and %v", name, before, after)
		}
	}
}

func TestAllocatedAddressesAndPorts(t *testing.T) {
	id := model.ObjectID{Kind: "Service", Name: "s"}
	for name, c := range map[string]struct{ git, live, predicted, want string }{
		"empty in Git": {
			`{spec: {clusterIP: "", ports: [{port: 1, nodePort: 0}]}}`, "", `{spec: {clusterIP: 10.0.0.9, clusterIPs: [10.0.0.9], ports: [{port: 1, nodePort: 30001}]}}`, `{spec: {ports: [{port: 1}]}}`,
		},
		"a second address": {
			`{spec: {ipFamilyPolicy: PreferDualStack}}`, `{spec: {clusterIP: 10.0.0.1, clusterIPs: [10.0.0.1]}}`,
			`{spec: {ipFamilyPolicy: PreferDualStack, clusterIP: 10.0.0.1, clusterIPs: [10.0.0.1, "fd00::7"]}}`,
			`{spec: {ipFamilyPolicy: PreferDualStack, clusterIP: 10.0.0.1, clusterIPs: [10.0.0.1]}}`,
		},
		"given in Git": {
			`{spec: {clusterIP: 10.0.0.3, ports: [{port: 1, nodePort: 30007}]}}`, "", `{spec: {clusterIP: 10.0.0.3, clusterIPs: [10.0.0.3], ports: [{port: 1, nodePort: 30007}]}}`,
			`{spec: {clusterIP: 10.0.0.3, clusterIPs: [10.0.0.3], ports: [{port: 1, nodePort: 30007}]}}`,
		},
	} {
		predicted := tree(t, c.predicted)
		var live map[string]any
		if c.live != "" {
			live = tree(t, c.live)
		}
		dropAllocated(id, predicted, tree(t, c.git), live, "")
		if !fieldpath.Equal(predicted, tree(t, c.want)) {
			t.Errorf("%s: %v", name, predicted)
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
