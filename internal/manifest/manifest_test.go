package manifest

import (
	"reflect"
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestYAMLKeepsOneOrder(t *testing.T) {
	got, err := YAML(map[string]any{
		"spec": map[string]any{
			"containers": []any{map[string]any{"image": "petstore:1.4.1", "name": "petstore", "ports": []any{map[string]any{"containerPort": int64(8080)}}}},
			"paused":     false,
		},
		"metadata":   map[string]any{"namespace": "shop", "name": "petstore", "labels": map[string]any{"on": "yes", "version": "1.10"}},
		"kind":       "Deployment",
		"apiVersion": "apps/v1",
	})
	if err != nil {
		t.Fatal(err)
	}
	const want = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: petstore
  namespace: shop
  labels:
    "on": "yes"
    version: "1.10"
spec:
  containers:
  - name: petstore
    image: petstore:1.4.1
    ports:
    - containerPort: 8080
  paused: false
`
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestNothingIsNothing(t *testing.T) {
	if got, err := YAML(nil); err != nil || got != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

// What is written reads back as it was: strings that look like something else
// stay strings, and the other way round.
func FuzzYAML(f *testing.F) {
	for _, s := range []string{"yes", "1.0", "null", "~", "a: b", "- x", "line\nline\n", "  lead", "0x1F", "2026-01-01", "<<", "\t", "é☃", ""} {
		f.Add(s, s, int64(7), 1.5, true)
	}
	f.Fuzz(func(t *testing.T, key, text string, n int64, x float64, b bool) {
		in := map[string]any{"k" + key: []any{text, n, b, nil}, "float": x}
		out, err := YAML(in)
		if err != nil {
			return // text that is not UTF-8 has no YAML
		}
		var back map[string]any
		if err := yaml.Unmarshal(out, &back); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		list, ok := back["k"+key].([]any)
		if !ok || len(list) != 4 {
			t.Fatalf("%q does not read back: %#v\n%s", in, back, out)
		}
		if !reflect.DeepEqual(list[0], text) || !reflect.DeepEqual(list[2], b) || list[3] != nil {
			t.Errorf("%#v reads back as %#v\n%s", in, back, out)
		}
	})
}

// What is written without the library's help is what the library writes.
func TestPlainWordsAreTheLibrarys(t *testing.T) {
	for _, s := range []string{
		"name", "matchLabels", "app.kubernetes.io/name", "registry.example.com/cart", "a", "Z9", "y", "N", "Yes", "no", "ON", "off", "true", "False",
		"null", "Null", "nan", "inf", "e10", "x-y_z", "a.b", "", "1e3", "~", "a:b", "a b", "- a", "0x10", "2026-11-01", ".inf", "a#b", "a-", "A.",
	} {
		got, err := toScalar(s)
		if err != nil {
			t.Fatal(err)
		}
		want := &yaml.Node{}
		if err := want.Encode(s); err != nil {
			t.Fatal(err)
		}
		if got.Kind != want.Kind || got.Tag != want.Tag || got.Value != want.Value || got.Style != want.Style {
			t.Errorf("%q: %+v, the library writes %+v", s, got, want)
		}
	}
}
