package repo

import (
	"strings"
	"testing"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
	"github.com/fairtide-dev/fairtide/model"
)

const (
	adoptOverlay = "resources: [../../base] # shared\n"
	deployFile   = "base/deployment.yaml"
)

// live is a rendered object with fields changed by somebody.
func live(t *testing.T, r *Repo, env model.Environment, kind, name string, change func(map[string]any)) model.LiveField {
	t.Helper()
	rendered, err := r.Render(t.Context(), env, "HEAD")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range rendered.Objects {
		if o.ID.Kind == kind && o.ID.Name == name {
			fields, _ := clone(o.Fields).(map[string]any)
			change(fields)
			return model.LiveField{Field: model.FieldRef{ID: o.ID}, Live: fields}
		}
	}
	t.Fatalf("no %s %s is rendered", kind, name)
	return model.LiveField{}
}

func spec(o map[string]any) map[string]any { return o["spec"].(map[string]any) }

func container(o map[string]any) map[string]any {
	pod := spec(spec(o)["template"].(map[string]any))
	return pod["containers"].([]any)[0].(map[string]any)
}

func scaled(o map[string]any)   { spec(o)["replicas"] = int64(7) }
func upgraded(o map[string]any) { container(o)["image"] = cart + ":9" }

func limited(o map[string]any) {
	container(o)["resources"] = map[string]any{"limits": map[string]any{"cpu": "500m"}}
}

// adopting is production, whatever its path holds.
func adopting() model.Environment {
	env := production
	env.Helm = pinned().Helm
	return env
}

type adoptCase struct {
	tree   files
	kind   string // default: Deployment
	name   string // default: cart
	path   string
	change func(map[string]any)
	file   string
	want   string // of the file; with "…" before it: what is added at its end
	others []model.Environment
}

func adoptCases() map[string]adoptCase {
	kust := func(text string) files { return shop().with(files{production1: text}) }
	inline := "resources: [../../base]\npatches:\n  - target: {kind: Deployment, name: cart}\n    patch: |-\n      - op: replace # more\n        path: /spec/replicas\n        value: 5 # enough\n  # the end\n"
	smp := "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: cart}\nspec:\n  replicas: 5 # why\n"
	merged := "resources: [../../base]\npatches:\n- patch: |-\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata:\n      name: cart\n    spec:\n      # rush hour\n      replicas: 5\n      paused: true\n"
	add := func(indent string, lines ...string) string {
		return "- target:\n    group: apps\n    kind: Deployment\n    name: cart\n  patch: |-\n" + indent + strings.Join(lines, "\n"+indent) + "\n"
	}
	head := []string{"apiVersion: apps/v1", "kind: Deployment", "metadata:", "  name: cart", "spec:"}
	plain := func(text string) files { return files{"environments/production/d.yaml": text} }
	many := "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: cart\ndata:\n  # the whole file\n  a.conf: |\n    one = 1\n\n    two = 2\n\n  b: \"it is\" # b\n  c: 'x'\n"
	data := func(key, value string) func(map[string]any) {
		return func(o map[string]any) { o["data"].(map[string]any)[key] = value }
	}
	return map[string]adoptCase{
		"literal in its own base": {tree: kust(adoptOverlay).with(files{deployFile: strings.Replace(deployment("cart", cart, 2), "replicas: 2", "replicas: 2 # two", 1)}), path: "spec.replicas", change: scaled,
			file: deployFile, want: strings.Replace(deployment("cart", cart, 2), "replicas: 2", "replicas: 7 # two", 1)},
		"literal in a shared base": {tree: kust(adoptOverlay), others: []model.Environment{staging}, path: "spec.replicas", change: scaled,
			file: production1, want: adoptOverlay + "patches:\n" + add("    ", append(head, "  replicas: 7")...)},
		"base of one that is broken": {tree: kust(adoptOverlay).with(files{"environments/staging/kustomization.yaml": "resources: [nowhere, ../../base]\n"}), others: []model.Environment{staging}, path: "spec.replicas", change: scaled,
			file: production1, want: adoptOverlay + "patches:\n" + add("    ", append(head, "  replicas: 7")...)},
		"literal in the overlay": {tree: kust("resources: [../../base]\nreplicas:\n- {count: 3, name: cart} # three\n"), others: []model.Environment{staging}, path: "spec.replicas", change: scaled,
			file: production1, want: "resources: [../../base]\nreplicas:\n- {count: 7, name: cart} # three\n"},
		"tag in the overlay": {tree: shop(), others: []model.Environment{staging}, path: "spec.template.spec.containers[main].image", change: upgraded,
			file: production1, want: "namespace: shop\nresources: [../../base]\nimages: [{name: registry.example.com/cart, newTag: \"9\"}]\n"},
		"literal in a patch file": {tree: kust("resources: [../../base]\npatches: [{path: p.yaml}]\n").with(files{"environments/production/p.yaml": smp}), path: "spec.replicas", change: scaled,
			file: "environments/production/p.yaml", want: strings.Replace(smp, "5", "7", 1)},
		"literal in an inline JSON patch":  {tree: kust(inline), path: "spec.replicas", change: scaled, file: production1, want: strings.Replace(inline, "value: 5", "value: 7", 1)},
		"literal in an inline merge patch": {tree: kust(merged), path: "spec.replicas", change: scaled, file: production1, want: strings.Replace(merged, "replicas: 5", "replicas: 7", 1)},
		"removed from a merge patch": {tree: kust(merged), path: "spec.paused", change: func(o map[string]any) { delete(spec(o), "paused") },
			file: production1, want: strings.Replace(merged, "      paused: true\n", "", 1)},
		"absent": {tree: kust("namespace: shop\n" + adoptOverlay), path: "spec.template.spec.containers[main].resources", change: limited,
			file: production1, want: "namespace: shop\n" + adoptOverlay + "patches:\n" + add("    ", append(head, "  template:", "    spec:", "      containers:", "        - name: main", "          resources:", "            limits:", "              cpu: 500m")...)},
		"behind other patches": {tree: kust(inline), path: "spec.template.spec.containers[main].imagePullPolicy", change: func(o map[string]any) { container(o)["imagePullPolicy"] = "Always" },
			file: production1, want: strings.Replace(inline, "  # the end\n", "  "+strings.TrimSuffix(strings.ReplaceAll(add("    ", append(head, "  template:", "    spec:", "      containers:", "        - imagePullPolicy: Always", "          name: main")...), "\n", "\n  "), "  ")+"  # the end\n", 1)},
		"with a prefix": {tree: kust("namePrefix: eu-\n" + adoptOverlay), name: "eu-cart", path: "spec.minReadySeconds", change: func(o map[string]any) { spec(o)["minReadySeconds"] = int64(5) },
			file: production1, want: "namePrefix: eu-\n" + adoptOverlay + "patches:\n" + add("    ", append(head, "  minReadySeconds: 5")...)},
		"element of a list": {tree: kust(adoptOverlay), path: "spec.template.spec.containers[side]", change: func(o map[string]any) {
			pod := spec(spec(o)["template"].(map[string]any))
			pod["containers"] = append(pod["containers"].([]any), map[string]any{"name": "side", "image": "busybox:1"})
		}, file: production1, want: adoptOverlay + "patches:\n" + add("    ", "- op: add", "  path: /spec/template/spec/containers/-", "  value:", "    image: busybox:1", "    name: side")},
		"a custom resource's list": {tree: kust("resources: [w.yaml]\n").with(files{"environments/production/w.yaml": "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w}\nspec:\n  parts:\n  - {name: a}\n  - {name: b}\n"}),
			kind: "Widget", name: "w", path: "spec.parts[b].size", change: func(o map[string]any) { spec(o)["parts"].([]any)[1].(map[string]any)["size"] = int64(3) },
			file: production1, want: "resources: [w.yaml]\npatches:\n- target:\n    group: example.com\n    kind: Widget\n    name: w\n  patch: |-\n    - op: test\n      path: /spec/parts/1/name\n      value: b\n    - op: add\n      path: /spec/parts/1/size\n      value: 3\n"},
		"plain manifest": {tree: plain("# ü\n" + deployment("cart", cart+":1 # why", 2)), path: "spec.template.spec.containers[main].image", change: upgraded,
			file: "environments/production/d.yaml", want: "# ü\n" + deployment("cart", cart+":9 # why", 2)},
		"absent in a plain manifest": {tree: plain(deployment("cart", cart+":1", 2) + "---\n" + configMap("x", "1")), path: "spec.template.spec.containers[main].resources.limits.cpu", change: limited,
			file: "environments/production/d.yaml", want: deployment("cart", cart+":1", 2) + "          resources:\n            limits:\n              cpu: 500m\n---\n" + configMap("x", "1")},
		"absent in a plain mapping": {tree: plain(deployment("cart", cart+":1", 2)), path: "spec.template.metadata.labels.v", change: func(o map[string]any) {
			spec(o)["template"].(map[string]any)["metadata"].(map[string]any)["labels"].(map[string]any)["v"] = "1"
		}, file: "environments/production/d.yaml", want: strings.Replace(deployment("cart", cart+":1", 2), "metadata: {labels: {app", "metadata: {labels: {v: \"1\", app", 1)},
		"element in a plain manifest": {tree: plain(deployment("cart", cart+":1 # main", 2)), path: "spec.template.spec.containers[side]", change: func(o map[string]any) {
			pod := spec(spec(o)["template"].(map[string]any))
			pod["containers"] = append(pod["containers"].([]any), map[string]any{"name": "side"})
		}, file: "environments/production/d.yaml", want: deployment("cart", cart+":1 # main", 2) + "        - name: side\n"},
		"removed":       {tree: plain(deployment("cart", cart+":1", 2)), path: "spec.replicas", change: func(o map[string]any) { delete(spec(o), "replicas") }, file: "environments/production/d.yaml", want: strings.Replace(deployment("cart", cart+":1", 2), "  replicas: 2\n", "", 1)},
		"block of text": {tree: plain(many), kind: "ConfigMap", path: "data[a.conf]", change: data("a.conf", "one = 1\nthree = 3\n"), file: "environments/production/d.yaml", want: strings.Replace(many, "one = 1\n\n    two = 2\n", "one = 1\n    three = 3\n", 1)},
		"double quotes": {tree: plain(many), kind: "ConfigMap", path: "data.b", change: data("b", `<"no">`), file: "environments/production/d.yaml", want: strings.Replace(many, `"it is"`, `"<\"no\">"`, 1)},
		"single quotes": {tree: plain(many), kind: "ConfigMap", path: "data.c", change: data("c", "it's"), file: "environments/production/d.yaml", want: strings.Replace(many, "'x'", "'it''s'", 1)},
		"a list as a whole": {tree: plain("apiVersion: v1\nkind: Pod\nmetadata: {name: cart}\nspec:\n  containers:\n  - name: a\n    args:\n    - x\n    - z\n    image: i\n"), kind: "Pod", path: "spec.containers[a].args",
			change: func(o map[string]any) { spec(o)["containers"].([]any)[0].(map[string]any)["args"] = []any{"x", "w"} },
			file:   "environments/production/d.yaml", want: "apiVersion: v1\nkind: Pod\nmetadata: {name: cart}\nspec:\n  containers:\n  - name: a\n    args:\n      - x\n      - w\n    image: i\n"},
		"a value of a chart": {tree: adoptChart(), path: "spec.replicas", change: scaled, file: "environments/production/values.yaml", want: "replicas: 7 # of the chart\n"},
	}
}

func adoptChart() files {
	return files{
		"environments/production/Chart.yaml":            "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
		"environments/production/values.yaml":           "replicas: 2 # of the chart\n",
		"environments/production/templates/deploy.yaml": strings.Replace(deployment("cart", cart, 2), "replicas: 2", "replicas: {{ .Values.replicas }}", 1),
	}
}

func TestAdopt(t *testing.T) {
	for name, tt := range adoptCases() {
		t.Run(name, func(t *testing.T) {
			if tt.kind == "" {
				tt.kind = "Deployment"
			}
			if tt.name == "" {
				tt.name = "cart"
			}
			_, clone, hashes := cloned(t, tt.tree)
			r := cached(t, Options{Path: clone})
			field := live(t, r, adopting(), tt.kind, tt.name, tt.change)
			field.Field.Path = tt.path
			p, err := r.Adopt(t.Context(), adopting(), tt.others, []model.LiveField{field}, hashes[1])
			if err != nil {
				t.Fatal(err)
			}
			if len(p.Files) != 1 || p.Files[0].Path != tt.file || len(p.Conflicts) != 0 {
				t.Errorf("%+v", p)
			}
			c, err := r.CommitPatch(t.Context(), p, CommitMessage{Title: "adopt"})
			if err != nil {
				t.Fatal(err)
			}
			if got, err := r.File(t.Context(), c, tt.file); err != nil || string(got) != tt.want {
				t.Errorf("file is\n%s\n%v, want\n%s", got, err, tt.want)
			}
			onlyTheField(t, r, hashes[1], c, field)
		})
	}
}

// onlyTheField compares the renders of two commits: the field is what is live,
// and nothing else differs.
func onlyTheField(t *testing.T, r *Repo, before, after string, f model.LiveField) {
	t.Helper()
	was, err := r.Render(t.Context(), adopting(), before)
	if err != nil {
		t.Fatal(err)
	}
	is, err := r.Render(t.Context(), adopting(), after)
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range is.Objects {
		if o.ID != f.Field.ID {
			if d := fieldpath.Diff(was.Objects[i].Fields, o.Fields); len(d) > 0 {
				t.Errorf("%s differs too: %+v", o.ID, d)
			}
			continue
		}
		want, has := fieldpath.Get(f.Live, f.Field.Path)
		if got, ok := fieldpath.Get(o.Fields, f.Field.Path); ok != has || !fieldpath.Equal(got, want) {
			t.Errorf("%s is %v, want %v", f.Field.Path, got, want)
		}
		for _, d := range fieldpath.Diff(was.Objects[i].Fields, o.Fields) {
			if !strings.HasPrefix(f.Field.Path, d.Path) && !strings.HasPrefix(d.Path, f.Field.Path) {
				t.Errorf("%s differs too", d.Path)
			}
		}
	}
}

// Several fields at once are one patch for each object.
func TestAdoptSeveral(t *testing.T) {
	_, clone, hashes := cloned(t, shop().with(files{production1: adoptOverlay}))
	r := cached(t, Options{Path: clone})
	f := live(t, r, adopting(), "Deployment", "cart", func(o map[string]any) { scaled(o); limited(o); upgraded(o) })
	var fields []model.LiveField
	for _, path := range []string{"spec.replicas", "spec.template.spec.containers[main].resources", "spec.template.spec.containers[main].image"} {
		f.Field.Path = path
		fields = append(fields, f)
	}
	p, err := r.Adopt(t.Context(), adopting(), []model.Environment{staging}, fields, hashes[1])
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Files) != 1 || strings.Count(p.Files[0].Diff, "target:") != 1 {
		t.Errorf("%+v", p)
	}
	c, err := r.CommitPatch(t.Context(), p, CommitMessage{Title: "adopt"})
	if err != nil {
		t.Fatal(err)
	}
	is, err := r.Render(t.Context(), adopting(), c)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range is.Objects {
		if o.ID == f.Field.ID && !fieldpath.Equal(o.Fields, f.Live) {
			t.Errorf("rendered is %v, live %v", o.Fields, f.Live)
		}
	}
	// What was adopted once is changed where it is the next time.
	f = live(t, r, adopting(), "Deployment", "cart", func(o map[string]any) { spec(o)["replicas"] = int64(9) })
	f.Field.Path = "spec.replicas"
	p, err = r.Adopt(t.Context(), adopting(), []model.Environment{staging}, []model.LiveField{f}, c)
	if err != nil || !strings.Contains(p.Files[0].Diff, "-      replicas: 7\n+      replicas: 9\n") {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestAdoptRefuses(t *testing.T) {
	secret := "apiVersion: v1\nkind: Secret\nmetadata: {name: cart}\nstringData: {key: abc}\n"
	kust := func(text string) files { return shop().with(files{production1: text}) }
	sub := files{"environments/staging/kustomization.yaml": "resources: [../production]\n"}
	gone := func(o map[string]any) { delete(spec(o), "replicas") }
	for name, tt := range map[string]struct {
		tree             files
		kind, path, want string
		change           func(map[string]any)
		others           []model.Environment
	}{
		"secret":               {tree: files{"environments/production/s.yaml": secret}, kind: "Secret", path: "stringData.key", change: func(o map[string]any) { o["stringData"] = map[string]any{"key": "other"} }, want: "never written to Git"},
		"template of a chart":  {tree: adoptChart(), path: "spec.template.spec.containers[main].resources", change: limited, want: "no value of its values files sets this field alone; change the value or the template by hand"},
		"literal in a chart":   {tree: adoptChart(), path: "spec.template.spec.containers[main].image", change: upgraded, want: "made by the templates of the chart"},
		"removed, but shared":  {tree: kust(adoptOverlay), others: []model.Environment{staging}, path: "spec.replicas", change: gone, want: "remove it by hand"},
		"a shared environment": {tree: kust(adoptOverlay).with(sub), others: []model.Environment{staging}, path: "spec.replicas", change: scaled, want: "is read by another environment too"},
		"live as in Git":       {tree: kust(adoptOverlay), path: "spec.replicas", change: func(map[string]any) {}, want: "live as Git writes it"},
		"no such field":        {tree: kust(adoptOverlay), path: "spec.replica", change: func(map[string]any) {}, want: "neither live nor in Git"},
		"a generated name": {tree: kust("configMapGenerator: [{name: cart, literals: [a=1]}]\n"), kind: "ConfigMap", path: "data.a", change: func(o map[string]any) { o["data"] = map[string]any{"a": "2"} },
			want: "write the live value by hand"},
		"set by a replacement": {tree: kust("resources: [../../base]\nreplacements:\n- source: {kind: Deployment, name: cart, fieldPath: spec.replicas}\n  targets: [{select: {kind: ConfigMap}, fieldPaths: [data.timeout]}]\n"), path: "spec.replicas", change: scaled, want: "data.timeout of ConfigMap cart is not as it is to be"},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.kind == "" {
				tt.kind = "Deployment"
			}
			_, clone, hashes := cloned(t, tt.tree)
			r := cached(t, Options{Path: clone})
			object := "cart"
			if name == "a generated name" {
				rendered, err := r.Render(t.Context(), adopting(), "HEAD")
				if err != nil {
					t.Fatal(err)
				}
				object = rendered.Objects[0].ID.Name
			}
			field := live(t, r, adopting(), tt.kind, object, tt.change)
			field.Field.Path = tt.path
			_, err := r.Adopt(t.Context(), adopting(), tt.others, []model.LiveField{field}, hashes[1])
			if model.CodeOf(err, 0) != model.ExitUsage || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}

// No edit of any text goes out of its bounds. What it says is for the render.
func FuzzAdoptEdits(f *testing.F) {
	for _, s := range []string{
		deployment("cart", cart, 2), "kind: Deployment\nspec: {replicas: 2, x: [a, 'b']}\n", "kind: Deployment\r\nspec:\r\n  replicas: \"2\" # c",
		"patches:\n- patch: |-\n    kind: Deployment\n    spec:\n      replicas: 2\n      x: |\n        a\n", "kind: List\nitems:\n- kind: Deployment\n  spec:\n    replicas: 2",
		"kind: Deployment\rspec: {}", "kind: Deployment\rspec:\r        replicas: 2\r        x: 1\nkind2: a\nb: 1\n",
		"\ufeffkind: Deployment\nspec:\n  replicas: |\n    2\n", "kind: Deployment\nspec: &a\n  replicas: 2\nx: *a\n", "a: |+\n\n", "kind: Deployment\nspec:\n  replicas: 'it''s'\n", "a: |2-\n   kind: x", "|1\n  00: 2",
	} {
		f.Add(s, "other")
	}
	o := model.Object{ID: model.ObjectID{Kind: "Deployment", Name: "cart"}}
	f.Fuzz(func(t *testing.T, s, value string) {
		y, err := readYAML([]byte(s))
		if err != nil {
			return
		}
		a := &adoption{now: []model.Object{o}}
		steps := []adoptStep{{key: "spec"}, {key: "replicas"}}
		for _, old := range []any{int64(2), "2", "it's", "a"} {
			for _, goal := range []aim{
				{steps: steps, had: true, old: old, value: value}, {steps: steps, had: true, old: old, value: map[string]any{"a": value}},
				{steps: steps, had: true, old: old, remove: true},
				{steps: []adoptStep{{key: "spec"}, {key: "x"}, {list: true, index: 0}}, had: true, old: old, remove: true},
			} {
				for _, look := range []func(*yamlText, aim) []candidate{a.written, a.near, a.equal} {
					for _, c := range look(y, goal) {
						y.apply(c.changes)
					}
				}
			}
			for _, v := range y.views() {
				for _, doc := range v.docsOf(o) {
					if c, ok := v.add(doc, aim{steps: []adoptStep{{key: "spec"}, {key: "new"}}, value: value}); ok {
						v.apply([]splice{c})
					}
				}
			}
			if c, ok := y.addPatch(o.ID, "cart", "", map[string]any{"a": value}); ok {
				y.apply([]splice{c})
			}
		}
	})
}
