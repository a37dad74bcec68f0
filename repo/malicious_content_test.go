package repo

import (
	"fmt"
	"strings"
)

// data is a ConfigMap with the text as its data.
func data(text string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n" + text
}

// yamlAttacks are files that are too much for a reader, or that two readers
// understand in two ways.
func yamlAttacks() []attack {
	bad := func(name, content string, refused ...string) attack {
		return attack{name: name, tree: plain(files{dir("a.yaml"): content}), refused: append(refused, dir("a.yaml"))}
	}
	good := func(name, content string) attack {
		return attack{name: name, tree: plain(files{dir("a.yaml"): content}), renders: []string{"ConfigMap a " + dir("a.yaml:1")}}
	}
	laughs := func(first, item, join string) string {
		b := first
		for c := 'b'; c < 'k'; c++ {
			b += fmt.Sprintf("%c: &%c %s\n", c, c, fmt.Sprintf(join, strings.TrimSuffix(strings.Repeat(fmt.Sprintf(item, c-1)+",", 10), ",")))
		}
		return b
	}
	merges := "a: &a {x: 1}\n"
	for c := 'b'; c < 'z'; c++ {
		merges += fmt.Sprintf("%c: &%c {<<: [*%c, *%c, *%c], k%c: *%c}\n", c, c, c-1, c-1, c-1, c, c-1)
	}
	blockMaps, blockLists := "", ""
	for i := range 600 {
		blockMaps += strings.Repeat(" ", i) + "a:\n"
		blockLists += "- "
	}
	all := []attack{
		bad("billion laughs", laughs("a: &a [x,x,x,x,x,x,x,x,x,x]\n", "*%c", "[%s]"), "limits.yamlNodes"),
		bad("billion laughs in mappings", laughs("a: &a {x: x}\n", "? *%c : *%[1]c", "[{%s}]")),
		bad("billion laughs in merge keys", merges, "limits.yamlNodes"),
		bad("alias of itself", data("data: &d {x: *d}\n")),
		bad("alias without anchor", data("data: *d\n"), "unknown anchor"),
		bad("anchor of another document", "a: &x 1\n---\nb: *x\n", "unknown anchor"),
		bad("10,000 lists in each other", data("data: "+strings.Repeat("[", 10_000)+strings.Repeat("]", 10_000)+"\n")),
		bad("10,000 lists that never end", data("data: "+strings.Repeat("[", 10_000)+"\n")),
		bad("10,000 mappings in each other", data("data: "+strings.Repeat("{a: ", 10_000)+strings.Repeat("}", 10_000)+"\n")),
		bad("10,000 lists on one line", "data:\n  "+strings.Repeat("- ", 10_000)+"x\n"),
		bad("600 mappings by indentation", blockMaps+strings.Repeat(" ", 600)+"x: y\n", "nested more than 500 levels deep"),
		bad("600 lists on one line", blockLists+"x\n", "nested more than 500 levels deep"),
		bad("10,000 keys that are lists", strings.Repeat("? ", 10_000)+"x\n"),
		bad("10,000 anchors on nothing", strings.Repeat("&a ", 10_000)+"x\n"),
		bad("a quotation that never ends", data("data: {a: \""+strings.Repeat("x\n ", 20_000)), "not YAML"),
		bad("tag of a Python object", data("data: {a: !!python/object/apply:os.system [id]}\n"), ":4", "the tag !!python/object/apply:os.system"),
		bad("tag of a set", data("data: !!set {a, b}\n"), ":4", "the tag !!set"),
		bad("tag of an ordered map", data("data: !!omap [a: b]\n"), ":4", "the tag !!omap"),
		bad("tag of our own", data("data: {a: !secret x}\n"), ":4", "the tag !secret"),
		bad("tag that lies", data("data: {a: !!int twelve}\n"), ":4", "not a !!int"),
		bad("tag of a float that lies", data("data: {a: !!float .inf}\n"), ":4", "not a number"),
		bad("tag of a boolean that lies", data("data: {a: !!bool maybe}\n"), ":4", "not a !!bool"),
		bad("tag of nothing that lies", data("data: {a: !!null something}\n"), ":4", "not a !!null"),
		bad("binary that is no text", data("data: {a: !!binary /w==}\n"), ":4", "!!binary"),
		bad("binary that is not base64", data("data: {a: !!binary '*'}\n"), ":4", "!!binary"),
		good("binary that is a text", data("data: {a: !!binary aGVsbG8=}\n")),
		good("tag of a timestamp", data("data: {a: !!timestamp 2026-01-02}\n")),
		bad("UTF-16 with a mark", "\xff\xfea\x00:\x00", "UTF-16", "save it as UTF-8"),
		bad("UTF-16, big-endian", "\xfe\xff\x00a\x00:", "UTF-16"),
		bad("UTF-32", "\x00\x00\xfe\xff\x00\x00\x00a", "UTF-16 or UTF-32"),
		bad("UTF-16 without a mark", "a\x00:\x00 \x00b\x00", ":1", "U+0000"),
		bad("Windows-1252", data("data: {a: \"caf\xe9\"}\n"), ":4", "not UTF-8"),
		bad("an overlong character", data("data: {a: \"\xc0\xaf\"}\n"), ":4", "not UTF-8"),
		bad("a surrogate", data("data: {a: \"\xed\xa0\x80\"}\n"), ":4", "not UTF-8"),
		bad("a NUL byte", data("data: {a: \"\x00\"}\n"), ":4", "U+0000"),
		bad("an escape sequence", data("data: {a: \x1b[2J}\n"), ":4", "U+001B"),
		bad("a C1 control character", data("data: {a: \u009b2J}\n"), ":4", "U+009B"),
		good("an escape sequence that is escaped", data("data: {a: \"\\x1b[2J\\u202e\"}\n")),
		bad("merge of a number", data("data: {<<: 1}\n"), ":4", "only a mapping can be merged"),
		bad("merge of a list with a text", data("data: {<<: [{a: b}, c]}\n"), ":4", "only a mapping can be merged"),
		bad("merge of nothing", data("data: {<<: }\n"), ":4", "only a mapping can be merged"),
		bad("two merges", data("data: {<<: {a: b}, <<: {c: d}}\n"), ":4", "already in line 4"),
		bad("duplicate key by alias", data("data: {&k a: 1, *k : 2}\n"), ":4", "already in line 4"),
		bad("duplicate key by type", data("data: {1: a, \"1\": b}\n"), ":4", "already in line 4"),
		bad("duplicate key by boolean", data("data: {yes: a, true: b}\n"), ":4", "already in line 4"),
		bad("key that is a list", data("data: {[a]: b}\n"), ":4", "a key must be a string"),
		bad("key that is a mapping", data("data: {{a: b}: c}\n"), ":4", "a key must be a string"),
		bad("key that is null", data("data: {null: b}\n"), ":4", "a key must be a string"),
		bad("key that is left out", data("data: {: b}\n"), "not YAML"),
		bad("key that is infinite", data("data: {.inf: b}\n"), ":4"),
		bad("key that is 2^64-1", data("data: {18446744073709551615: b}\n"), ":4"),
		good("keys that are numbers and booleans", data("data: {1: a, 0x10: b, 1.5: c, off: d, 2026-01-02: e}\n")),
		good("integer of 2^64", data("data: {a: 18446744073709551616}\n")),
		good("integer of 400 digits that JSON cannot have is text", data("data: {a: 1e400}\n")),
		good("octal", data("data: {a: 0777, b: 0o777, c: 08}\n")),
		bad("infinity", data("data: {a: .inf}\n"), ":4", "not a number that JSON has"),
		bad("negative infinity", data("data: {a: -.INF}\n"), ":4", "not a number that JSON has"),
		bad("not a number", data("data: {a: .nan}\n"), ":4", "not a number that JSON has"),
		bad("a document that hides behind dots", data("data: {a: b}\n...\napiVersion: v1\nkind: Secret\nmetadata: {name: b}\n"), "without ---"),
		bad("a document that hides behind a line separator", data("data: {a: b}\u2028---\u2028kind: Secret\n"), "without ---"),
		bad("a document that hides behind a carriage return", data("data: {a: b}\r---\rkind: Secret\n"), "without ---"),
		bad("text behind a separator", data("--- {a: b}\n"), ":4", "behind the separator"),
		bad("a literal behind a separator", "--- |\n  a\n", ":1", "behind the separator"),
		bad("a YAML directive", "%YAML 1.2\n---\n"+data(""), ":1", "directive"),
		bad("a TAG directive", "# c\n%TAG ! tag:example.com,2026:\n---\n"+data(""), ":2", "directive"),
		good("a terminator", data("data: {a: b}\n...\n")),
		good("a terminator with a comment and a separator", data("...\n# end\n---\n")),
	}
	for name, content := range map[string]string{
		"billion laughs in a resource": laughs("a: &a [x,x,x,x,x,x,x,x,x,x]\n", "*%c", "[%s]"),
		"UTF-16 in a resource":         "\xff\xfea\x00",
		"a NUL byte in a resource":     data("data: {a: \"\x00\"}\n"),
		"a tag in a resource":          data("data: {a: !secret x}\n"),
		"10,000 lists in a resource":   data("data: " + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + "\n"),
	} {
		all = append(all, attack{name: name, tree: over(files{k: "resources: [a.yaml]\n", dir("a.yaml"): content}), refused: []string{dir("a.yaml")}})
	}
	return append(all,
		attack{name: "billion laughs in a kustomization", tree: over(files{k: laughs("a: &a [x,x,x,x,x,x,x,x,x,x]\n", "*%c", "[%s]")}), refused: []string{k, "limits.yamlNodes"}},
		attack{name: "billion laughs in a patch", tree: over(files{k: "resources: [../../base]\npatches: [{path: p.yaml}]\n", dir("p.yaml"): laughs("a: &a [x,x,x,x,x,x,x,x,x,x]\n", "*%c", "[%s]")}), refused: []string{dir("p.yaml"), "limits.yamlNodes"}},
		attack{name: "many files that expand", tree: manyThatExpand(), refused: []string{"environments/production", "times limits.yamlNodes"}},
	)
}

// manyThatExpand are files that keep the limit each.
func manyThatExpand() files {
	content := data("data:\n  a: &a [" + strings.TrimSuffix(strings.Repeat("x,", 1000), ",") + "]\n" +
		"  b: [" + strings.TrimSuffix(strings.Repeat("*a,", 900), ",") + "]\n")
	tree := files{}
	for i := range 8 {
		tree[dir(fmt.Sprintf("%d.yaml", i))] = content
	}
	return tree
}

// objectAttacks are objects that are none.
func objectAttacks() []attack {
	bad := func(name, content string, refused ...string) attack {
		return attack{name: name, tree: plain(files{dir("a.yaml"): content}), refused: append(refused, dir("a.yaml:1"))}
	}
	nested := func(depth int) string {
		return strings.Repeat("{apiVersion: v1, kind: List, items: [", depth) + "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}" + strings.Repeat("]}", depth) + "\n"
	}
	return []attack{
		bad("a number for an object", "12\n", "not a Kubernetes object"),
		bad("no kind at all", "apiVersion: v1\nmetadata: {name: a}\n", "no kind"),
		bad("no apiVersion at all", "kind: Pod\nmetadata: {name: a}\n", "no apiVersion"),
		bad("no name at all", "apiVersion: v1\nkind: Pod\nmetadata: {}\n", "no metadata.name"),
		bad("kind that is a list", "apiVersion: v1\nkind: [Pod]\nmetadata: {name: a}\n", "the kind of the object is not a string"),
		bad("kind that is a number", "apiVersion: v1\nkind: 1\nmetadata: {name: a}\n", "put it in quotes"),
		bad("kind with an escape sequence", "apiVersion: v1\nkind: \"Pod\\e[2J\"\nmetadata: {name: a}\n", "not the type"),
		bad("kind with a slash", "apiVersion: v1\nkind: Pod/exec\nmetadata: {name: a}\n", "not the type"),
		bad("apiVersion with two slashes", "apiVersion: a/b/c\nkind: Pod\nmetadata: {name: a}\n", "not the type"),
		bad("apiVersion with a query", "apiVersion: v1?x=y\nkind: Pod\nmetadata: {name: a}\n", "not the type"),
		bad("apiVersion without a group", "apiVersion: /v1\nkind: Pod\nmetadata: {name: a}\n", "not the type"),
		bad("metadata that is a list", "apiVersion: v1\nkind: Pod\nmetadata: [name]\n", "the metadata of the Pod is not a mapping"),
		bad("metadata that is a text", "apiVersion: v1\nkind: Pod\nmetadata: name\n", "the metadata of the Pod is not a mapping"),
		bad("name that is a number", "apiVersion: v1\nkind: Pod\nmetadata: {name: 12}\n", "the name of the Pod is 12", "quotes"),
		bad("name that is a boolean", "apiVersion: v1\nkind: Pod\nmetadata: {name: no}\n", "the name of the Pod is false", "quotes"),
		bad("namespace that is a number", "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: 7}\n", "the namespace of the Pod is 7"),
		bad("name with a slash", "apiVersion: v1\nkind: Pod\nmetadata: {name: a/b}\n", "cannot be the name"),
		bad("name with two dots", "apiVersion: v1\nkind: Pod\nmetadata: {name: ..}\n", "cannot be the name"),
		bad("name with a percent sign", "apiVersion: v1\nkind: Pod\nmetadata: {name: a%2fb}\n", "cannot be the name"),
		bad("name with a line feed", "apiVersion: v1\nkind: Pod\nmetadata: {name: \"a\\nb\"}\n", "cannot be the name"),
		bad("name with an escape sequence", "apiVersion: v1\nkind: Pod\nmetadata: {name: \"a\\e]0;x\\a\"}\n", "cannot be the name"),
		bad("name that runs from right to left", "apiVersion: v1\nkind: Pod\nmetadata: {name: \"a\u202eb\"}\n", "cannot be the name"),
		bad("namespace with a slash", "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: ../b}\n", "cannot be the name"),
		bad("key with an escape sequence, twice", "{\"a\\e[2J\": 1, \"a\\e[2J\": 2}\n", "already in line 1"),
		bad("list of lists 1,000 deep", nested(1000), "nested more than"),
		bad("list of junk", "apiVersion: v1\nkind: List\nitems: [1]\n", "item 1 of the list"),
		bad("list that is a mapping", "apiVersion: v1\nkind: PodList\nitems: {a: b}\n", "the items of the PodList are not a list"),
		{name: "list of lists 100 deep", tree: plain(files{dir("a.yaml"): nested(100)}), renders: []string{"ConfigMap a " + dir("a.yaml:1")}},
		{name: "kustomization that includes itself", tree: over(files{k: "resources: [.]\n"}), refused: []string{"a cycle: environments/production → environments/production"}},
		{name: "kustomizations that include each other", tree: over(files{"base/kustomization.yaml": "resources: [../environments/production]\n"}), refused: []string{"a cycle: environments/production → base → environments/production"}},
		{name: "components that include each other", tree: over(files{k: "components: [a]\n", dir("a/kustomization.yaml"): "kind: Component\napiVersion: kustomize.config.k8s.io/v1alpha1\ncomponents: [../b]\n", dir("b/kustomization.yaml"): "kind: Component\napiVersion: kustomize.config.k8s.io/v1alpha1\ncomponents: [../a]\n"}), refused: []string{"a cycle"}},
		{name: "generators that include each other", tree: over(files{k: "generators: [a]\n", dir("a/kustomization.yaml"): "generators: [../b]\n", dir("b/kustomization.yaml"): "generators: [../a]\n"}), refused: []string{"a cycle"}},
		{name: "replicas beyond any number", tree: over(files{k: "resources: [../../base]\nreplicas: [{name: cart, count: 9223372036854775807}]\n"}), renders: []string{"ConfigMap cart base/config.yaml:1", "Deployment cart base/deployment.yaml:1"}},
		{name: "replicas that overflow", tree: over(files{k: "resources: [../../base]\nreplicas: [{name: cart, count: 9223372036854775808}]\n"}), refused: []string{k}},
		{name: "patch whose target has an escape sequence", tree: over(files{k: "resources: [../../base]\npatches:\n- patch: |-\n    {\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"metadata\": {\"name\": \"x\\u001b[2J\\u202e\\r\"}}\n"}), refused: []string{"environments/production"}},
	}
}

// sizeAttacks are more than can be meant.
func sizeAttacks() []attack {
	many := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: c%d}}\n", i)
		}
		return b.String()
	}
	doubling := files{k: "resources: [l20/a, l20/b]\n", dir("l0/a/kustomization.yaml"): "resources: [c.yaml]\n", dir("l0/a/c.yaml"): many(40), dir("l0/b/kustomization.yaml"): "resources: [../a]\nnamePrefix: b-\n"}
	empty := files{k: "resources: [l20/a, l20/b]\n", dir("l0/a/kustomization.yaml"): "namePrefix: a-\n", dir("l0/b/kustomization.yaml"): "namePrefix: b-\n"}
	for _, tree := range []files{doubling, empty} {
		for i := 1; i <= 20; i++ {
			for _, side := range []string{"a", "b"} {
				tree[dir(fmt.Sprintf("l%d/%s/kustomization.yaml", i, side))] = fmt.Sprintf("resources: [../../l%d/a, ../../l%d/b]\nnamePrefix: %s%d-\n", i-1, i-1, side, i)
			}
		}
	}
	return []attack{
		{name: "20,001 objects", tree: plain(files{dir("a.yaml"): many(20_001)}), refused: []string{"more than the limit of 20,000 objects (limits.objects)"}},
		{name: "20,001 objects of a kustomization", tree: over(files{k: "resources: [a.yaml]\n", dir("a.yaml"): many(20_001)}), refused: []string{"more than the limit of 20,000 objects (limits.objects)"}},
		{name: "a million objects from forty kustomizations", tree: over(doubling), refused: []string{"more than the limit of 20,000 objects (limits.objects)"}},
		{name: "a million kustomizations without an object", tree: over(empty), refused: []string{"builds more than 5,000 kustomizations"}},
		{name: "a file over the limit", tree: plain(files{dir("a.yaml"): configMap("a", strings.Repeat("x", 5<<20))}), refused: []string{dir("a.yaml is larger than the limit of 5 MiB (limits.fileSize)")}},
		{name: "a generated file over the limit", tree: over(files{k: "configMapGenerator: [{name: a, files: [x]}]\n", dir("x"): strings.Repeat("x", 5<<20+1)}), refused: []string{dir("x is larger than the limit of 5 MiB (limits.fileSize)")}},
	}
}

// nameAttacks are names of files that a terminal would obey.
func nameAttacks() []attack {
	var all []attack
	for name, file := range map[string]string{
		"an escape sequence": "\x1b[2J\x1b]0;x\x07.yaml", "a line feed": "a\nproduction: all is well.yaml", "a carriage return": "a\rb.yaml",
		"a right-to-left mark": "a\u202elmay.b.yaml", "bytes that are not UTF-8": "a\xff\xfe.yaml", "a C1 control character": "a\u009b2Jb.yaml",
		"a zero-width space": "a\u200bb.yaml", "a tab": "a\tb.yaml", "a backslash": `a\..\..\b.yaml`, "a device of Windows": "CON.yaml", "a colon": "a:b.yaml",
	} {
		all = append(all,
			attack{name: "broken file called by " + name, raw: rawFile(file, "a: [\n"), refused: []string{"environments/production"}},
			attack{name: "good file called by " + name, raw: rawFile(file, configMap("a", "1")), renders: []string{"ConfigMap a " + dir(file) + ":1"}},
			attack{name: "large file called by " + name, raw: rawFile(file, strings.Repeat("x", 5<<20+1)), refused: []string{"limits.fileSize"}},
			attack{name: "link called by " + name, raw: func(w *rawRepo) string {
				return w.production(w.tree(rawEntry{"120000", file, w.blob("../../../" + file)}))
			}, refused: []string{"symbolic link"}},
			attack{name: "missing file called by " + name, tree: over(files{k: fmt.Sprintf("resources: [%q]\n", file)}), refused: []string{k + ":1"}},
		)
	}
	return append(all,
		attack{name: "field of a kustomization with an escape sequence", tree: over(files{k: "\"\\e[2J\\nok\": 1\n"}), refused: []string{k}},
		attack{name: "kind of a plugin with an escape sequence", tree: over(files{k: "transformers: [t.yaml]\n", dir("t.yaml"): "kind: \"\\e[2J\"\n"}), refused: []string{dir("t.yaml:1")}},
	)
}

// treeAttacks are trees that git would not have written.
func treeAttacks() []attack {
	var thousand, deep strings.Builder
	for i := range 100_000 {
		if i > 0 {
			thousand.WriteByte('\n')
		}
		fmt.Fprintf(&thousand, "n%06d", i)
	}
	deep.WriteString(strings.Repeat("d/", 1000))
	entries := strings.Split(thousand.String(), "\n")
	yaml := make([]string, len(entries))
	for i, n := range entries {
		yaml[i] = n + ".yaml"
	}
	cm := configMap("a", "1")
	bomb := func(content, name string) func(w *rawRepo) string {
		return func(w *rawRepo) string {
			t := w.tree(rawEntry{"100644", name, w.blob(content)})
			for range 12 {
				var e []rawEntry
				for i := range 10 {
					e = append(e, rawEntry{"40000", fmt.Sprintf("t%d", i), t})
				}
				t = w.tree(e...)
			}
			return w.production(t)
		}
	}
	bad := func(name string, raw func(w *rawRepo) string, refused ...string) attack {
		return attack{name: name, raw: raw, refused: append(refused, "environments/production")}
	}
	return []attack{
		bad("tree entry ..", rawEntries(cm, "..", "a.yaml"), `entry with the name ".."`),
		bad("tree entry .", rawEntries(cm, ".", "a.yaml"), `entry with the name "."`),
		bad("tree entry .git", rawEntries(cm, ".git", "a.yaml"), `entry with the name ".git"`),
		bad("tree entry .GIT", rawEntries(cm, ".GIT", "a.yaml"), `entry with the name ".GIT"`),
		bad("tree entry with a slash", rawEntries(cm, "../../a.yaml"), "which no file can have"),
		bad("tree entry without a name", rawEntries(cm, "", "a.yaml"), `entry with the name ""`),
		bad("tree entry twice", rawEntries(cm, "a.yaml", "a.yaml"), `two entries with the name "a.yaml"`),
		bad("file and directory of one name", func(w *rawRepo) string {
			sub := w.tree(rawEntry{"100644", "b.yaml", w.blob(configMap("b", "1"))})
			return w.production(w.tree(rawEntry{"100644", "a", w.blob("x")}, rawEntry{"100644", "a-b.yaml", w.blob(cm)}, rawEntry{"40000", "a", sub}))
		}, `two entries with the name "a"`),
		bad("tree that is not sorted", rawEntries(cm, "b.yaml", "a.yaml"), "wrong place"),
		bad("tree entry .. on the way of a reference", func(w *rawRepo) string {
			kust := w.blob("resources: [sub/a.yaml]\n")
			sub := w.tree(rawEntry{"40000", "..", w.tree()}, rawEntry{"100644", "a.yaml", w.blob(cm)})
			return w.production(w.tree(rawEntry{"100644", "kustomization.yaml", kust}, rawEntry{"40000", "sub", sub}))
		}, `entry with the name ".."`),
		bad("tree that holds itself ten times, twelve levels", bomb("x", "a.txt"), "more than 500,000 files"),
		bad("tree that holds a comment ten times, twelve levels", bomb("x", "a.yaml")),
		bad("tree that holds an object ten times, twelve levels", bomb(cm, "a.yaml"), "limits.objects"),
		bad("100,000 manifests in a directory", rawEntries(cm, yaml...), "limits.objects"),
		{name: "100,000 other files in a directory", raw: rawEntries(cm, append(entries[:len(entries):len(entries)], "z.yaml")...), renders: []string{"ConfigMap a " + dir("z.yaml:1")}},
		{name: "tree of 1,000 levels", tree: files{dir(deep.String() + "a.yaml"): cm}, renders: []string{"ConfigMap a " + dir(deep.String()+"a.yaml:1")}},
		{name: "reference through 1,000 levels", tree: files{k: "resources: [" + deep.String() + "a.yaml]\n", dir(deep.String() + "a.yaml"): cm}, renders: []string{"ConfigMap a " + dir(deep.String()+"a.yaml:1")}},
		// Git tells names apart by case, and so does this, on every system: what
		// is rendered is what the commit has, not what a disk would keep of it.
		{name: "files that differ in case", tree: plain(files{dir("Foo.yaml"): configMap("upper", "1"), dir("foo.yaml"): configMap("lower", "1")}), renders: []string{"ConfigMap lower " + dir("foo.yaml:1"), "ConfigMap upper " + dir("Foo.yaml:1")}},
		{name: "files that differ in case, one object", tree: plain(files{dir("Foo.yaml"): cm, dir("foo.yaml"): cm}), refused: []string{"ConfigMap a", dir("Foo.yaml:1"), dir("foo.yaml:1")}},
		{name: "bases that differ in case", tree: over(files{k: "resources: [Base, base]\n", dir("Base/kustomization.yaml"): "resources: [a.yaml]\n", dir("Base/a.yaml"): configMap("upper", "1"), dir("base/kustomization.yaml"): "resources: [a.yaml]\n", dir("base/a.yaml"): configMap("lower", "1")}), renders: []string{"ConfigMap lower " + dir("base/a.yaml:1"), "ConfigMap upper " + dir("Base/a.yaml:1")}},
		{name: "reference in another case", tree: over(files{k: "resources: [A.yaml]\n", dir("a.yaml"): cm}), refused: []string{k + ":1", `"A.yaml" does not exist`}},
		{name: "kustomizations that differ in case", tree: over(files{dir("Kustomization.yaml"): "resources: [../../extra]\n", k: "resources: [../../base/config.yaml]\n"}), renders: []string{"ConfigMap cart base/config.yaml:1"}},
		{name: "kustomization.yaml and Kustomization", tree: over(files{dir("Kustomization"): "resources: [../../extra]\n"}), refused: []string{"kustomization.yaml and Kustomization"}},
	}
}
