package repo

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// scalarsAlike mean the same to kubectl and to kustomize.
var scalarsAlike = []string{
	"abc", "a b", "'12'", `"12"`, "'yes'", `"off"`, "''", `""`, "0", "-0", "7", "-12", "+3", "007", "0777", "08", "0o17", "0x1F", "-0x1f", "0b101",
	"1_000", "_1", "1_", "1.0", "1.50", "-0.0", ".5", "5.", "1e3", "1E-3", "1e17", "1e20", "1e21", "1e400", "123456789012345678", "9007199254740993",
	"9223372036854775807", "9223372036854775808", "18446744073709551615", "18446744073709551616", "0.1", "3.14159265358979", "12:30:45", "1:2", "0x", "0xg", "1e", "--1", "1-2",
	"true", "false", "True", "FALSE", "tRue", "null", "~", "Null", "nUll", "=", "<", "a#b", "-a", "?a", "a:b", "é", "日本", `"\u00e9\t\n\x41"`, "'it''s'", `"a\"b\\c"`,
	"v1.2.3", "1.2.3", "10m", "5Gi", "!!str 12", "!!int '7'", "!!float 3", "!!bool 'true'", "!!str", "@x"[1:], "%"[1:] + "pct", "1,000", "0.0.0.0/0", "2026", "2026-1", "20260102", "infinity", "inf", "nan", "NaN", "-", "a - b",
}

// scalarsApart are strings or booleans to one and something else to the other.
var scalarsApart = []string{
	"yes", "No", "ON", "off", "y", "N", "2026-01-02", "2026-01-02T03:04:05Z", "2026-1-2 3:4:5", "!!timestamp 2026-01-02", "!!binary aGVsbG8=", "!!bool yes",
}

// author writes random YAML.
type author struct {
	*rand.Rand
	alike   bool // only what kubectl and kustomize read alike
	b       strings.Builder
	anchors []string // of what is complete
	next    int
	depth   int
}

func (a *author) one(of ...string) string { return of[a.IntN(len(of))] }

func (a *author) scalar() string {
	if !a.alike && a.IntN(5) == 0 {
		return a.one(scalarsApart...)
	}
	return a.one(scalarsAlike...)
}

// flow writes a value on one line.
func (a *author) flow() string {
	a.depth++
	defer func() { a.depth-- }()
	switch n := a.IntN(8); {
	case n == 0 && a.depth < 4:
		var items []string
		for range a.IntN(4) {
			items = append(items, a.item(a.flow()))
		}
		return "[" + strings.Join(items, ", ") + "]"
	case n == 1 && a.depth < 4:
		var items []string
		for i := range a.IntN(4) {
			items = append(items, fmt.Sprintf("%s: %s", a.key(i), a.flow()))
		}
		return "{" + strings.Join(items, ", ") + "}"
	case n == 2 && len(a.anchors) > 0:
		return "*" + a.one(a.anchors...)
	}
	s := a.scalar()
	if strings.ContainsAny(s, ",#?=%") || s == "-" || strings.HasPrefix(s, "!!str") {
		return "'" + strings.ReplaceAll(s, "'", "''") + "'"
	}
	return s
}

// item keeps nulls out of lists where they are not read alike.
func (a *author) item(text string) string {
	if a.alike && (strings.EqualFold(text, "null") || text == "~" || strings.HasPrefix(text, "*")) {
		return "x"
	}
	return text
}

func (a *author) key(i int) string {
	if a.alike {
		return fmt.Sprintf(a.one("k%d", "'%d'", `"k %d"`, "k-%d", "k.%d/x"), i)
	}
	return fmt.Sprintf(a.one("k%d", "'%d'", "%d", "0x1%d", "1.%d", "k%d", "-%d"), i)
}

// block writes a value at an indentation, from the end of a line on.
func (a *author) block(indent int) {
	a.depth++
	defer func() { a.depth-- }()
	pad := strings.Repeat(" ", indent)
	comment := a.one("", "", "", " # note", "\t# note")
	switch n := a.IntN(8); {
	case a.depth < 5 && n < 2:
		fmt.Fprintf(&a.b, "%s\n", comment)
		for i := range 1 + a.IntN(3) {
			fmt.Fprintf(&a.b, "%s%s:", pad, a.key(i))
			a.anchored(indent + 2)
		}
	case a.depth < 5 && n == 2:
		fmt.Fprintf(&a.b, "%s\n", comment)
		for range 1 + a.IntN(3) {
			fmt.Fprintf(&a.b, "%s- %s\n", pad, a.item(a.flow()))
		}
	case n == 3:
		fmt.Fprintf(&a.b, " %s%s\n", a.one("|", "|-", "|+", ">", ">-", ">+"), comment)
		for range 1 + a.IntN(3) {
			fmt.Fprintf(&a.b, "%s%s\n", pad, a.one("text", "more: text", "# no comment", "- 1", "a\tb", ""))
		}
		fmt.Fprintf(&a.b, "%send\n", pad)
	case n == 4:
		fmt.Fprintf(&a.b, " %s\n", a.one("\"two\n"+pad+"lines\"", "'two\n\n"+pad+"lines'", "plain\n"+pad+"lines"))
	default:
		fmt.Fprintf(&a.b, " %s%s\n", a.flow(), comment)
	}
}

// anchored writes a value that later ones may repeat.
func (a *author) anchored(indent int) {
	if a.IntN(6) > 0 {
		a.block(indent)
		return
	}
	name := fmt.Sprintf("a%d", a.next)
	a.next++
	before := a.b.String()
	a.b.Reset()
	a.block(indent)
	value := a.b.String()
	a.b.Reset()
	a.b.WriteString(before)
	if strings.HasPrefix(value, " *") { // an alias cannot have an anchor
		a.b.WriteString(value)
		return
	}
	fmt.Fprintf(&a.b, " &%s%s", name, value)
	a.anchors = append(a.anchors, name)
}

// thing writes an object.
func (a *author) thing(i int) string {
	a.b.Reset()
	a.anchors = nil
	fmt.Fprintf(&a.b, "%sapiVersion: example.com/v1\nkind: Thing\nmetadata:\n  name: t%d\n", a.one("", "# first\n", "\n"), i)
	a.b.WriteString("base: &base {x: 1, k0: merged}\n")
	for n := range 1 + a.IntN(4) {
		fmt.Fprintf(&a.b, "f%d:", n)
		if a.IntN(8) == 0 {
			fmt.Fprintf(&a.b, "\n  <<: *base\n  %s:", a.key(0))
			a.block(4)
			continue
		}
		a.anchored(2)
	}
	text := a.b.String()
	if a.IntN(4) == 0 {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	return text
}

func newAuthor(t *testing.T, alike bool) *author {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	return &author{Rand: rand.New(rand.NewPCG(seed, 0)), alike: alike}
}

// TestRandomYAMLIsWhatKubectlReads compares 2,000 documents with the reader
// of kubectl.
func TestRandomYAMLIsWhatKubectlReads(t *testing.T) {
	a := newAuthor(t, false)
	read := 0
	for i := range 2000 {
		text := a.thing(i)
		want, err := kubectlReads(text)
		docs, ourErr := parse("a.yaml", []byte(text), 100_000)
		switch {
		case err != nil && ourErr != nil:
			continue
		case err != nil:
			t.Fatalf("%s\nis read, but kubectl says %v", text, err)
		case ourErr != nil && (strings.Contains(ourErr.Error(), "is already in line") || strings.Contains(ourErr.Error(), "a key must be")):
			continue // kubectl takes the last one, or makes up a key
		case ourErr != nil:
			t.Fatalf("%s\n%v", text, ourErr)
		}
		read++
		if len(docs) != 1 || !reflect.DeepEqual(docs[0].value, want) {
			t.Fatalf("%s\nis  %#v\nwant %#v", text, docs[0].value, want)
		}
	}
	if read < 1000 {
		t.Errorf("only %d documents were read", read)
	}
}

// TestRandomYAMLIsWhatKustomizeBuilds compares 2,000 objects, rendered from a
// plain directory, with what kustomize makes of the same files.
func TestRandomYAMLIsWhatKustomizeBuilds(t *testing.T) {
	const objects, perBuild = 2000, 50
	a := newAuthor(t, true)
	missing := 0
	for start := 0; start < objects; start += perBuild {
		var texts []string
		for i := range perBuild {
			text := a.thing(start + i)
			if _, err := parse("a.yaml", []byte(text), 100_000); err != nil {
				t.Fatalf("%s\n%v", text, err)
			}
			texts = append(texts, text)
		}
		built := kustomizeBuilds(t, texts)
		for i, text := range texts {
			docs, err := parse("a.yaml", []byte(text), 100_000)
			if err != nil || len(docs) != 1 {
				t.Fatalf("%s\n%d documents, %v", text, len(docs), err)
			}
			want, ok := built[fmt.Sprintf("t%d", start+i)]
			if !ok {
				missing++
				continue
			}
			if !reflect.DeepEqual(docs[0].value, any(want)) {
				t.Fatalf("%s\nis  %#v\nwant %#v", text, docs[0].value, want)
			}
		}
	}
	if missing > objects/20 {
		t.Errorf("kustomize did not write %d of the objects", missing)
	}
}

// kustomizeBuilds is what kustomize makes of resource files, by name.
func kustomizeBuilds(t *testing.T, texts []string) map[string]map[string]any {
	t.Helper()
	fs := filesys.MakeFsInMemory()
	list := "resources:\n"
	for i, text := range texts {
		name := fmt.Sprintf("r%d.yaml", i)
		list += "- " + name + "\n"
		if err := fs.WriteFile(name, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := fs.WriteFile("kustomization.yaml", []byte(list)); err != nil {
		t.Fatal(err)
	}
	set, err := krusty.MakeKustomizer(&krusty.Options{PluginConfig: types.DisabledPluginConfig()}).Run(fs, ".")
	if err != nil {
		t.Fatalf("%v\n%s", err, strings.Join(texts, "---\n"))
	}
	built := map[string]map[string]any{}
	for _, res := range set.Resources() {
		data, err := res.MarshalJSON()
		if err != nil {
			continue // it cannot read all that it writes itself
		}
		if built[res.GetName()], err = decodeJSON(data); err != nil {
			t.Fatal(err)
		}
	}
	return built
}

// TestWhereKubectlAndKustomizeDisagree pins the decisions that parse lists.
func TestWhereKubectlAndKustomizeDisagree(t *testing.T) {
	const object = "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: t}\nbase: &base {k: merged}\nf: "
	for text, want := range map[string]struct{ kubectl, kustomize any }{
		"yes":                       {true, "yes"},
		"Off":                       {false, "Off"},
		"n":                         {false, "n"},
		"2026-01-02":                {"2026-01-02", "2026-01-02T00:00:00Z"},
		"!!timestamp 2026-01-02":    {"2026-01-02", "2026-01-02T00:00:00Z"},
		"{k: written, <<: *base}":   {map[string]any{"k": "merged"}, map[string]any{"k": "written"}},
		"{<<: *base, k: written}":   {map[string]any{"k": "written"}, map[string]any{"k": "written"}},
		"{on: x}":                   {map[string]any{"true": "x"}, map[string]any{"on": "x"}},
		"12345678901234567890":      {float64(12345678901234567890), float64(12345678901234567890)},
		"1e400":                     {"1e400", "1e400"},
		"{<<: [*base, {k: other}]}": {map[string]any{"k": "merged"}, map[string]any{"k": "merged"}},
	} {
		doc := object + text + "\n"
		read, err := kubectlReads(doc)
		if err != nil {
			t.Fatal(err)
		}
		docs, err := parse("a.yaml", []byte(doc), 1000)
		if err != nil {
			t.Fatal(err)
		}
		ours := docs[0].value.(map[string]any)["f"]
		kubectl := read.(map[string]any)["f"]
		kustomize := kustomizeBuilds(t, []string{doc})["t"]["f"]
		if !reflect.DeepEqual(ours, want.kubectl) || !reflect.DeepEqual(kubectl, want.kubectl) || !reflect.DeepEqual(kustomize, want.kustomize) {
			t.Errorf("%s is %#v, for kubectl %#v, for kustomize %#v", text, ours, kubectl, kustomize)
		}
	}
}
