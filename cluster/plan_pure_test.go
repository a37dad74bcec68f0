package cluster

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
	"github.com/fairtide-dev/fairtide/internal/mask"
	"github.com/fairtide-dev/fairtide/model"
)

// fieldsOf decodes YAML or JSON as objects from a server are decoded.
func fieldsOf(t testing.TB, text string) map[string]any {
	t.Helper()
	raw, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	// The decoder wants a kind; what has none is wrapped.
	var u unstructured.Unstructured
	if err := u.UnmarshalJSON([]byte(`{"apiVersion":"v1","kind":"Wrap","x":` + string(raw) + `}`)); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	fields, _ := u.Object["x"].(map[string]any)
	return fields
}

func TestNormalise(t *testing.T) {
	cases := []struct {
		name       string
		in, want   string
		keepStatus bool
	}{
		{name: "server metadata", in: `
metadata: {name: a, managedFields: [{manager: x}], resourceVersion: "1", uid: u, generation: 3, creationTimestamp: "2026-01-01T00:00:00Z", selfLink: /x}
status: {ready: true}`, want: `metadata: {name: a}`},
		{name: "bookkeeping of tools leaves no empty map", in: `
metadata: {name: a, annotations: {kubectl.kubernetes.io/last-applied-configuration: "{}", deployment.kubernetes.io/revision: "4"}}`,
			want: `metadata: {name: a}`},
		{name: "other annotations stay", in: `
metadata: {name: a, annotations: {deployment.kubernetes.io/revision: "4", x: y}}`,
			want: `metadata: {name: a, annotations: {x: y}}`},
		{name: "empty maps and lists of metadata", in: `
metadata: {name: a, annotations: {}, labels: {}, finalizers: [], ownerReferences: []}`, want: `metadata: {name: a}`},
		{name: "finalizers and owners stay", in: `
metadata: {name: a, finalizers: [x], ownerReferences: [{uid: u}]}`, want: `
metadata: {name: a, finalizers: [x], ownerReferences: [{uid: u}]}`},
		{name: "empty maps elsewhere mean something", in: `{spec: {emptyDir: {}}}`, want: `{spec: {emptyDir: {}}}`},
		{name: "null timestamps of templates", in: `
spec: {template: {metadata: {creationTimestamp: null, labels: {a: b}}}}`, want: `
spec: {template: {metadata: {labels: {a: b}}}}`},
		{name: "status kept on request", in: `{status: {a: b}}`, keepStatus: true, want: `{status: {a: b}}`},
		{name: "stringData goes into data and wins", in: `
{apiVersion: v1, kind: Secret, data: {a: b2xk, b: Yg==}, stringData: {a: new}}`, want: `
{apiVersion: v1, kind: Secret, data: {a: bmV3, b: Yg==}}`},
		{name: "empty stringData", in: `{apiVersion: v1, kind: Secret, stringData: {}}`, want: `{apiVersion: v1, kind: Secret}`},
		{name: "stringData of another kind", in: `{apiVersion: x.io/v1, kind: Secret, stringData: {a: b}}`,
			want: `{apiVersion: x.io/v1, kind: Secret, stringData: {a: b}}`},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			in := fieldsOf(t, tc.in)
			before, _ := json.Marshal(in)
			got := normalise(in, tc.keepStatus)
			if want := fieldsOf(t, tc.want); !fieldpath.Equal(got, want) {
				t.Errorf("got  %v\nwant %v", got, want)
			}
			if after, _ := json.Marshal(in); string(before) != string(after) {
				t.Errorf("the input was changed: %s", after)
			}
			if again := normalise(got, tc.keepStatus); !fieldpath.Equal(got, again) {
				t.Errorf("not idempotent: %v", again)
			}
		})
	}
	if normalise(nil, false) != nil {
		t.Error("no object became one")
	}
}

func TestDropAllocated(t *testing.T) {
	service := model.ObjectID{Kind: "Service", Namespace: "shop", Name: "cart"}
	const uid = "508ee8e6-0324-4675-8039-9151918fff3f"
	cases := []struct {
		name                      string
		id                        model.ObjectID
		predicted, rendered, live string
		want                      string
	}{
		{"new service", service,
			`{spec: {type: NodePort, clusterIP: 10.96.0.0, clusterIPs: [10.96.0.0], ports: [{port: 80, protocol: TCP, nodePort: 32769}]}}`,
			`{spec: {type: NodePort, ports: [{port: 80}]}}`, ``,
			`{spec: {type: NodePort, ports: [{port: 80, protocol: TCP}]}}`},
		{"addresses from Git stay", service,
			`{spec: {clusterIP: None, clusterIPs: [None], ports: [{port: 80, protocol: UDP, nodePort: 30000}]}}`,
			`{spec: {clusterIP: None, clusterIPs: [None], ports: [{port: 80, protocol: UDP, nodePort: 30000}]}}`, ``,
			`{spec: {clusterIP: None, clusterIPs: [None], ports: [{port: 80, protocol: UDP, nodePort: 30000}]}}`},
		{"live ones stay, new ones go", service,
			`{spec: {clusterIP: 10.96.0.7, clusterIPs: [10.96.0.7], ports: [{port: 80, protocol: TCP, nodePort: 31000}, {port: 81, protocol: TCP, nodePort: 32769}]}}`,
			`{spec: {ports: [{port: 80}, {port: 81}]}}`,
			`{spec: {clusterIP: 10.96.0.7, clusterIPs: [10.96.0.7], ports: [{port: 80, protocol: TCP, nodePort: 31000}]}}`,
			`{spec: {clusterIP: 10.96.0.7, clusterIPs: [10.96.0.7], ports: [{port: 80, protocol: TCP, nodePort: 31000}, {port: 81, protocol: TCP}]}}`},
		{"throw-away uid", model.ObjectID{Group: "batch", Kind: "Job", Name: "j"},
			`{spec: {selector: {matchLabels: {controller-uid: ` + uid + `}}, template: {metadata: {labels: {a: b, controller-uid: ` + uid + `}}}}}`,
			`{}`, ``, `{spec: {selector: {matchLabels: {}}, template: {metadata: {labels: {a: b}}}}}`},
		{"token volume", model.ObjectID{Kind: "Pod", Name: "p"},
			`{spec: {volumes: [{name: kube-api-access-86dtl}, {name: kube-api-access-mine}], containers: [{name: c, volumeMounts: [{name: kube-api-access-86dtl}]}]}}`,
			`{spec: {volumes: [{name: kube-api-access-mine}]}}`, ``,
			`{spec: {volumes: [{name: kube-api-access-mine}], containers: [{name: c}]}}`},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			got := fieldsOf(t, tc.predicted)
			dropAllocated(tc.id, got, fieldsOf(t, tc.rendered), fieldsOf(t, tc.live), uid)
			if want := fieldsOf(t, tc.want); !fieldpath.Equal(got, want) {
				t.Errorf("got  %v\nwant %v", got, want)
			}
		})
	}
}

func TestMask(t *testing.T) {
	id := model.ObjectID{Kind: "Secret", Namespace: "shop", Name: "db"}
	side := func(m masker, id model.ObjectID, text string) map[string]any {
		return m.object(id, normalise(fieldsOf(t, text), false))
	}
	value := func(fields map[string]any, key string) string {
		s, _ := mapAt(fields, "data")[key].(string)
		return s
	}
	here := masker{clusterUID: "uid-1"}
	a := side(here, id, `{apiVersion: v1, kind: Secret, metadata: {annotations: {kubectl.kubernetes.io/last-applied-configuration: "hunter2", note: x}}, data: {password: aHVudGVyMg==, other: aHVudGVyMg==, long: aHVudGVyMmh1bnRlcjJodW50ZXIyaHVudGVyMg==}}`)
	b := side(here, id, `{apiVersion: v1, kind: Secret, stringData: {password: hunter2, long: hunter3}}`)
	if value(a, "password") != value(b, "password") || value(a, "password") != value(a, "other") {
		t.Errorf("equal values look different: %v %v", a, b)
	}
	if value(a, "long") == value(b, "long") || value(a, "long") == value(a, "password") {
		t.Errorf("different values look equal: %v %v", a, b)
	}
	if len(value(a, "long")) != len(value(a, "password")) {
		t.Errorf("the length leaks: %v", a)
	}
	if got := value(a, "password"); len(got) != len("<masked 3f9a2c1d>") || !strings.HasPrefix(got, "<masked ") {
		t.Errorf("token is %q", got)
	}
	if mapAt(a, "metadata", "annotations")["note"] != "x" {
		t.Errorf("other annotations are masked: %v", a)
	}
	elsewhere := side(masker{clusterUID: "uid-2"}, id, `{apiVersion: v1, kind: Secret, stringData: {password: hunter2}}`)
	other := id
	other.Name = "cache"
	if value(elsewhere, "password") == value(a, "password") ||
		value(side(here, other, `{apiVersion: v1, kind: Secret, stringData: {password: hunter2}}`), "password") == value(a, "password") {
		t.Error("tokens of two clusters or two Secrets can be compared")
	}
	for _, odd := range []string{
		`{apiVersion: v1, kind: Secret, data: hunter2}`, `{apiVersion: v1, kind: Secret, data: {a: {b: hunter2}}}`,
		`{apiVersion: v1, kind: Secret, stringData: [hunter2]}`, `{apiVersion: v1, kind: Secret, stringData: {a: [hunter2]}}`,
		`{kind: Wrong, stringData: {a: hunter2}}`, `{apiVersion: v1, kind: Secret, data: {a: "hunter2 is no base64"}}`,
	} {
		if out, _ := json.Marshal(side(here, id, odd)); strings.Contains(string(out), "hunter") {
			t.Errorf("%s is shown as %s", odd, out)
		}
	}
	raw := here.object(id, fieldsOf(t, `{apiVersion: v1, kind: Secret, metadata: {annotations: {kubectl.kubernetes.io/last-applied-configuration: hunter2}}}`))
	if out, _ := json.Marshal(raw); strings.Contains(string(out), "hunter") {
		t.Errorf("the last-applied annotation is shown: %s", out)
	}
	config := side(here, model.ObjectID{Kind: "ConfigMap", Name: "c"}, `{apiVersion: v1, kind: ConfigMap, data: {a: plain}}`)
	if value(config, "a") != "plain" {
		t.Errorf("a ConfigMap is masked: %v", config)
	}
}

func FuzzMask(f *testing.F) {
	f.Add("password", "hunter2hunter2", true)
	f.Add("", "", false)
	f.Fuzz(func(t *testing.T, key, secret string, encoded bool) {
		id := model.ObjectID{Kind: "Secret", Namespace: "shop", Name: "db"}
		held := secret
		if encoded {
			held = base64.StdEncoding.EncodeToString([]byte(secret))
		}
		field := map[bool]string{true: "data", false: "stringData"}[encoded]
		out := masker{clusterUID: "u"}.object(id, normalise(map[string]any{
			"apiVersion": "v1", "kind": "Secret", field: map[string]any{key: held},
		}, false))
		token, _ := mapAt(out, "data")[key].(string)
		if !strings.HasPrefix(token, "<masked ") || len(token) != len("<masked 3f9a2c1d>") {
			t.Errorf("%q is shown as %q", secret, token)
		}
		if want := mask.New("u").Token(id, base64.StdEncoding.EncodeToString([]byte(secret))); token != want {
			t.Errorf("%q has tokens %q and %q", secret, token, want)
		}
	})
}

func TestDiffFields(t *testing.T) {
	cases := []struct {
		name, before, after string
		want                string // "path old→new", comma separated
	}{
		{"equal", `{a: {b: [1, {c: d}]}}`, `{a: {b: [1, {c: d}]}}`, ``},
		{"image by container name", `{spec: {template: {spec: {containers: [{name: a, image: x:1}, {name: cart, image: y:1}]}}}}`,
			`{spec: {template: {spec: {containers: [{name: a, image: x:1}, {name: cart, image: y:2}]}}}}`,
			`spec.template.spec.containers[cart].image y:1→y:2`},
		{"element added and removed", `{c: [{name: a, v: 1}, {name: b, v: 2}]}`, `{c: [{name: b, v: 2}, {name: d, v: 3}]}`,
			`c[a] {"name":"a","v":1}→nothing, c[d] nothing→{"name":"d","v":3}`},
		{"order counts", `{c: [{name: a}, {name: b}]}`, `{c: [{name: b}, {name: a}]}`,
			`c [{"name":"a"},{"name":"b"}]→[{"name":"b"},{"name":"a"}]`},
		{"ports by number and protocol", `{ports: [{port: 53, protocol: TCP, x: 1}, {port: 53, protocol: UDP, x: 1}]}`,
			`{ports: [{port: 53, protocol: TCP, x: 1}, {port: 53, protocol: UDP, x: 2}]}`, `ports[53,UDP].x 1→2`},
		{"mounts of one volume", `{m: [{name: v, mountPath: /a, readOnly: false}, {name: v, mountPath: /b}]}`,
			`{m: [{name: v, mountPath: /a, readOnly: true}, {name: v, mountPath: /b}]}`, `m[/a].readOnly false→true`},
		{"plain list as a whole", `{args: [a, b]}`, `{args: [a, c]}`, `args ["a","b"]→["a","c"]`},
		{"unnamed elements by position", `{l: [{x: 1}, {x: 1}]}`, `{l: [{x: 1}, {x: 2}, {x: 3}]}`, `l[1].x 1→2, l[2] nothing→{"x":3}`},
		{"awkward keys", `{metadata: {annotations: {a.b/c: x}}}`, `{metadata: {annotations: {a.b/c: z}}}`, `metadata.annotations[a.b/c] x→z`},
		{"null is a value", `{a: null}`, `{}`, `a nothing→nothing`},
		{"type changed", `{a: {b: c}}`, `{a: [1]}`, `a {"b":"c"}→[1]`},
		{"new object", ``, `{a: b}`, `a nothing→b`},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			var got []string
			for _, c := range fieldpath.Diff(fieldsOf(t, tc.before), fieldsOf(t, tc.after)) {
				got = append(got, fmt.Sprintf("%s %s→%s", c.Path, showValue(c.Old), showValue(c.New)))
			}
			if s := strings.Join(got, ", "); s != tc.want {
				t.Errorf("got  %s\nwant %s", s, tc.want)
			}
		})
	}
	t.Run("text from outside", func(t *testing.T) {
		c := fieldpath.Diff(map[string]any{"a\x1b[2J\nb": "1"}, map[string]any{})[0]
		if strings.ContainsAny(c.Path, "\x1b\n") {
			t.Errorf("path is %q", c.Path)
		}
	})
}

// FuzzDiffFields: there is a difference exactly when the two are not equal, and
// every path leads to its values.
func FuzzDiffFields(f *testing.F) {
	f.Add(`{"a":[{"name":"x","v":1},{"name":"y"}]}`, `{"a":[{"name":"y"},{"name":"x","v":2}]}`)
	f.Add(`{"a":[{"port":1,"protocol":"TCP"},{"port":1,"protocol":"UDP"}]}`, `{"a":[{"port":1,"protocol":"UDP"}]}`)
	f.Add(`{"a":[1,2]}`, `{"a":{"b":null}}`)
	f.Add(`{"a":[{"name":"x"},{"name":"x"}]}`, `{"a":[{"name":"x"}]}`)
	f.Fuzz(func(t *testing.T, a, b string) {
		var x, y map[string]any
		if json.Unmarshal([]byte(a), &x) != nil || json.Unmarshal([]byte(b), &y) != nil {
			return
		}
		changes := fieldpath.Diff(x, y)
		if equal := fieldpath.Equal(x, y); equal != (len(changes) == 0) && x != nil && y != nil {
			t.Fatalf("equal %v, but the changes are %v", equal, changes)
		}
		for _, c := range changes {
			if v, ok := fieldpath.At(x, c.Steps); c.HasOld && (!ok || !fieldpath.Equal(v, c.Old)) {
				t.Errorf("%s leads to %v, not to %v", c.Path, v, c.Old)
			}
		}
		if !fieldpath.Equal(mergeLocally(x, x), withoutNulls(x)) && x != nil {
			t.Errorf("merging an object over itself makes %v of %v", mergeLocally(x, x), x)
		}
	})
}

func withoutNulls(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, child := range v {
			if child != nil {
				out[k] = withoutNulls(child)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, child := range v {
			out[i] = withoutNulls(child)
		}
		return out
	}
	return v
}

func TestExplain(t *testing.T) {
	at := time.Date(2026, 11, 22, 3, 12, 0, 0, time.UTC)
	live := fieldsOf(t, `
metadata:
  managedFields:
  - {manager: fairtide, operation: Apply, fieldsType: FieldsV1, fieldsV1: {"f:spec": {"f:paused": {}, "f:dropped": {}, "f:template": {"f:spec": {"f:containers": {'k:{"name":"cart"}': {".": {}, "f:name": {}, "f:image": {}, "f:args": {}}}}}}}}
  - {manager: kubectl-scale, operation: Update, subresource: scale, time: "2026-11-22T03:12:00Z", fieldsType: FieldsV1, fieldsV1: {"f:spec": {"f:replicas": {}}}}
  - {manager: early, operation: Update, time: "2026-11-21T00:00:00Z", fieldsType: FieldsV1, fieldsV1: {"f:spec": {"f:replicas": {}, "f:paused": {}, "f:atomic": {}, "f:template": {"f:spec": {"f:containers": {'k:{"name":"cart"}': {"f:tty": {}}}}}}}}
spec: {replicas: 5, paused: true, dropped: 1, atomic: {x: 1}, hooked: same, template: {spec: {containers: [{name: cart, image: a:1, tty: true}]}}}`)
	rendered := fieldsOf(t, `{spec: {replicas: 3, paused: false, atomic: {x: 2}, hooked: same, added: 1, template: {spec: {containers: [{name: cart, image: a:2, tty: false}]}}}}`)
	after := fieldsOf(t, `{spec: {replicas: 3, paused: false, atomic: {x: 2}, hooked: webhook, added: 1, defaulted: 2, template: {spec: {containers: [{name: cart, image: a:2, tty: false}]}}}}`)
	before := normalise(live, false)
	delete(before, "metadata")
	causes, drifts := explain(fieldpath.Diff(before, after), rendered, live, "c0ffee")
	want := map[string]model.Cause{
		"spec.replicas":  {Kind: model.CauseDrift, By: "kubectl-scale", At: at},
		"spec.paused":    {Kind: model.CauseGit, By: "c0ffee"}, // shared with us: not theirs alone
		"spec.atomic.x":  {Kind: model.CauseDrift, By: "early", At: at.Truncate(24*time.Hour).AddDate(0, 0, -1)},
		"spec.dropped":   {Kind: model.CauseGit, By: "c0ffee"},
		"spec.added":     {Kind: model.CauseGit, By: "c0ffee"},
		"spec.hooked":    {Kind: model.CauseServer},
		"spec.defaulted": {Kind: model.CauseServer},
		"spec.template.spec.containers[cart].image": {Kind: model.CauseGit, By: "c0ffee"},
		"spec.template.spec.containers[cart].tty":   {Kind: model.CauseDrift, By: "early", At: at.Truncate(24*time.Hour).AddDate(0, 0, -1)},
	}
	for _, c := range causes {
		w, ok := want[c.Path]
		w.Path = c.Path
		if !ok || c != w {
			t.Errorf("got %+v, want %+v", c, w)
		}
		delete(want, c.Path)
	}
	if len(want) > 0 {
		t.Errorf("not explained: %v", want)
	}
	risks := driftRisk(drifts)
	if len(drifts) != 3 || len(risks) != 1 ||
		!strings.Contains(risks[0].Message, "spec.replicas: kubectl-scale set 5 at 2026-11-22 03:12 UTC, Git says 3") {
		t.Errorf("drift is %v", risks)
	}
	if got := lastWriter(live); got != "by kubectl-scale at 2026-11-22 03:12 UTC" {
		t.Errorf("last writer %q", got)
	}
}
