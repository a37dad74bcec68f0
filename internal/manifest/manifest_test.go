package manifest

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
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
		"two words", "a: b", "a  b", "a ", "a, b; (c)", "key: a", "1.10", "3", "08", "1.", "1.2.3", "yes no", "0", "1 a",
		"<<", "~", " lead", "trail ", "\ttab", "in\ttab", "a\n", "a\nb\n", "a\n\n", "\n", "\na", " a\nb", "a\n  b\n c\n", "a \nb", "a\n ", "\ta\nb", "a\n\tb\n", "a\r\nb\r\n", "a\rb", "\n\n\n", "a\n\n\nb",
		"# no comment", "a #b", "a# b", "#\n# b\n", "- a\n- b: c\n", "it's", "'", "\"", "say \"hi\"", "back\\slash", "\x00", "\x1b[1m", "\x7f", "über", "日本語\n行\n", "😀", "😀\nb", "\u00a0", "\u0085", "\u2028", "a\u2029b\n", "\ufeff", "\ufeffa\nb", "\ue000", "\xff", "a\xffb\n",
		"---", "--- a", "...", "---\na: b\n", "...\n", "!tag", "&a", "*a", "%", "@a", "`", "[", "{}", "[a]", "?", "? a", "?a", ":", ": a", ":a", "-a", "- a", "+.inf", "-.INF", ".5", "1:30:00", "-1:20.5", "0x", "1e", "2026-11-01T10:00:00Z", "2026-1-2 3:4:5",
		strings.Repeat("word ", 400) + "end", strings.Repeat("w", 127), strings.Repeat("w", 128), strings.Repeat("w", 129), strings.Repeat("'", 128), strings.Repeat("long line ", 300) + "end\nb\n"}
	word := func() string {
		if r.IntN(3) == 0 {
			return words[r.IntN(len(words))]
		}
		const likely = "abeghmnotxyz0189TZKE:./-_@+= ,;(#'\"\\\n\n\t\r|>"
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
			k := word()
			if r.IntN(20) > 0 {
				k = strings.NewReplacer("\n", "_", "\r", "_", "\xff", "_").Replace(k) // keys of several lines are rare
			}
			m[k] = value(depth - 1)
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
			return []float64{0, -3, 1e6, 1e21, 1.5e-9, r.Float64(), r.NormFloat64() * 1e9}[r.IntN(7)]
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
	if fast < 10_000 {
		t.Errorf("only %d of 20000 objects were written without the encoder", fast)
	}
}

// The beginnings of two objects are those of their whole texts, and have the
// first line that differs in them.
func TestBeginnings(t *testing.T) {
	seed := uint64(time.Now().UnixNano()) //nolint:gosec // any number will do
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // not for secrets
	const n = 10
	lines := func(text []byte) []string { return strings.SplitAfter(strings.TrimSuffix(string(text), "\n"), "\n") }
	begun := 0
	for range 3000 {
		a := someObject(r, 3)
		b := changed(r, a)
		wholeA, wholeB, errA, errB := Sides(a, b)
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		left, right, ok := Beginnings(a, b, n)
		if left.Lines != bytes.Count(wholeA, []byte("\n")) || right.Lines != bytes.Count(wholeB, []byte("\n")) {
			t.Fatalf("%d and %d lines are counted of\n%s\n%s", left.Lines, right.Lines, wholeA, wholeB)
		}
		if !ok {
			continue
		}
		begun++
		if !bytes.HasPrefix(wholeA, left.Text) || !bytes.HasPrefix(wholeB, right.Text) {
			t.Fatalf("%s\n%s\nare no beginnings of\n%s\n%s", left.Text, right.Text, wholeA, wholeB)
		}
		linesA, linesB, at := lines(wholeA), lines(wholeB), 0
		for at < min(len(linesA), len(linesB)) && linesA[at] == linesB[at] {
			at++
		}
		for _, side := range []struct {
			text  []byte
			whole int
		}{{left.Text, left.Lines}, {right.Text, right.Lines}} {
			if got := bytes.Count(side.text, []byte("\n")); got < min(at+n/2, side.whole) {
				t.Fatalf("%d lines of the two are the same, of %d lines %d are written:\n%s", at, side.whole, got, side.text)
			}
		}
	}
	if begun < 300 {
		t.Errorf("only %d of 3000 objects were begun", begun)
	}
}

// someObject has all there is in objects.
func someObject(r *rand.Rand, depth int) map[string]any {
	m := map[string]any{}
	for range 2 + r.IntN(8) {
		key := []string{"kind", "name", "metadata", "on", "a b"}[r.IntN(5)]
		if r.IntN(3) > 0 {
			key = fmt.Sprintf("k%d", r.IntN(100))
		}
		m[key] = someValue(r, depth-1)
	}
	return m
}

func someValue(r *rand.Rand, depth int) any {
	switch n := r.IntN(8); {
	case n < 3 && depth > 0:
		return someObject(r, depth)
	case n == 3 && depth > 0:
		var l []any
		for range r.IntN(6) {
			l = append(l, someValue(r, depth-1))
		}
		return l
	case n == 4:
		return strings.Repeat("a line\n", r.IntN(20)) + []string{"", "end", "\n", " "}[r.IntN(4)]
	case n == 5:
		return nil
	}
	return r.Int64()
}

// changed is a copy of an object with a few differences.
func changed(r *rand.Rand, m map[string]any) map[string]any {
	out := maps.Clone(m)
	for _, k := range slices.Sorted(maps.Keys(m)) {
		inner, isMap := m[k].(map[string]any)
		text, isText := m[k].(string)
		list, isList := m[k].([]any)
		switch n := r.IntN(12); {
		case n == 0:
			delete(out, k)
		case n == 1:
			out["x"+k] = "new"
		case isMap && len(inner) > 0 && n < 6:
			out[k] = changed(r, inner)
		case isText && n < 6:
			out[k] = text + "more"
		case isList && len(list) > 0 && n < 6:
			out[k] = append(slices.Clone(list[:len(list)-1]), "other")
		}
	}
	if len(out) == 0 {
		out["left"] = true
	}
	return out
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
