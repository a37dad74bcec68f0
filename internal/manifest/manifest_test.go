package manifest

import (
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

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
func TestSimpleValuesAreTheLibrarys(t *testing.T) {
	values := []any{int64(0), int64(-7), int64(1) << 62, true, false}
	for _, s := range []string{
		"name", "matchLabels", "app.kubernetes.io/name", "registry.example.com/cart:1.4.1", "a", "Z9", "y", "N", "Yes", "no", "ON", "off", "true", "False",
		"null", "Null", "nan", "inf", "e10", "x-y_z", "a.b", "", "1e3", "~", "a:b", "a b", "- a", "0x10", "2026-11-01", ".inf", "a#b", "a-", "A.",
		"10s", "100m", "12:30", "-1:30", "+1", "1_000", "0o17", "0b1", ".5", "5.", "<<", "=", "?", "? a", ":", "a: b", "a:", "a #b", "#a", "*a", "&a", "!a", "|", ">",
		"%a", "@a", "`a", "'a'", "\"a\"", "a\\b", " a", "a ", "[a]", "{a}", "a]", "a,b", "--- a", "...", "yes ", "30s", "v1", "*", "tRUE", "2001-01-01T00:00:00Z",
	} {
		values = append(values, s)
	}
	seed := uint64(time.Now().UnixNano()) //nolint:gosec // any number will do
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // not for secrets
	const likely = "aeiouyntrslf0189:.-+_#'\"\\ ,[]{}&*!|>%@`?=~<^$()/;"
	for range 3000 {
		b := make([]byte, 1+r.IntN(8))
		for i := range b {
			if b[i] = likely[r.IntN(len(likely))]; r.IntN(10) == 0 {
				b[i] = byte(' ' + r.IntN('~'-' '+1))
			}
		}
		values = append(values, string(b))
	}
	for _, v := range values {
		want := &yaml.Node{}
		if err := want.Encode(v); err != nil {
			t.Fatal(err)
		}
		got, err := toScalar(v)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := inAllPlaces(t, got), inAllPlaces(t, want); a != b {
			t.Errorf("%#v is written\n%s\nthe library writes\n%s", v, a, b)
		}
	}
}

// inAllPlaces writes a scalar as a key, as a value and as an item.
func inAllPlaces(t *testing.T, n *yaml.Node) string {
	t.Helper()
	node := func(k yaml.Kind, tag string, content ...*yaml.Node) *yaml.Node {
		return &yaml.Node{Kind: k, Tag: tag, Content: content}
	}
	key := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: "items"}
	out, err := yaml.Marshal(node(yaml.MappingNode, "!!map", n, n, key, node(yaml.SequenceNode, "!!seq", n)))
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// What is written without the encoder is what the encoder writes.
func TestQuickIsTheEncoders(t *testing.T) {
	seed := uint64(time.Now().UnixNano()) //nolint:gosec // any number will do
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // not for secrets
	words := []string{"name", "a", "spec", "image", "n", "No", "yes", "nuLL", "true1", "ghcr.io/shop/cart:1.4.2", "100m", "256Mi", "10s", "1e3", "0x1f", "0o17", "5k", "1T", "2Z", "1/2k",
		"app.kubernetes.io/name", "a:b", "a@sha256:00ff", "a=b", "a+b", "/healthz", "/", "a-", "a_b", "x-y", "NaN", ".inf", "12:30", "1.4.1", "30", "-", "a b", "", "#", "é", "T", "off", "oFF",
		"2026-11-01", "1g", "0b1", "1_000m", "e1", "Infinity", "a:", "=", "+1", strings.Repeat("k", 130), "a\nb",
		"two words", "a: b", "a  b", "a ", "a, b; (c)", "key: a", "1.10", "3", "08", "1.", "1.2.3", "yes no", "0", "1 a"}
	word := func() string {
		if r.IntN(3) == 0 {
			return words[r.IntN(len(words))]
		}
		const likely = "abeghmnotxyz0189TZKE:./-_@+= ,;("
		b := make([]byte, 1+r.IntN(7))
		for i := range b {
			b[i] = likely[r.IntN(len(likely))]
		}
		return string(b)
	}
	var value func(depth int) any
	object := func(depth int) map[string]any {
		m := map[string]any{}
		for range r.IntN(4) {
			m[word()] = value(depth - 1)
		}
		return m
	}
	value = func(depth int) any {
		switch n := r.IntN(12); {
		case n < 2 && depth > 0:
			return object(depth)
		case n < 4 && depth > 0:
			var l []any
			for range r.IntN(3) {
				l = append(l, value(depth-1))
			}
			return l
		case n == 4:
			return r.Int64() >> r.IntN(64)
		case n == 5:
			return r.IntN(2) == 0
		case n == 6:
			return nil
		case n == 7:
			return r.Float64()
		}
		return word()
	}
	fast := 0
	for range 20_000 {
		m := object(4)
		got, ok := quick(m)
		if !ok {
			continue
		}
		fast++
		want, err := encode(m)
		if err != nil || string(got) != string(want) {
			t.Fatalf("%#v is written\n%s\nthe encoder writes, %v\n%s", m, got, err, want)
		}
	}
	if fast < 1000 {
		t.Errorf("only %d of 20000 objects were written without the encoder", fast)
	}
}

func BenchmarkYAML(b *testing.B) {
	fields := map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment",
		"metadata": map[string]any{"name": "cart", "namespace": "shop", "annotations": map[string]any{"note": "has more than a word", "revision": "3"}},
		"spec": map[string]any{"replicas": int64(3), "paused": false, "template": map[string]any{"spec": map[string]any{
			"containers": []any{map[string]any{"name": "cart", "image": "ghcr.io/shop/cart:1.4.1", "resources": map[string]any{"limits": map[string]any{"memory": "256Mi", "cpu": "100m"}}}},
		}}},
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := YAML(fields); err != nil {
			b.Fatal(err)
		}
	}
}
