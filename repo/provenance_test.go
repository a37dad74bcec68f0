package repo

import (
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

const (
	twoThings = "# two\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: cart}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: cart-db}\n"
	threeInA  = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: one}\n- apiVersion: v1\n  kind: List\n  items:\n  - {apiVersion: v1, kind: Secret, metadata: {name: two}}\n- {apiVersion: v1, kind: Service, metadata: {name: three}}\n"
	oneName   = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: same, namespace: a}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: same, namespace: b}\n"
)

// TestRenderedObjectsKnowTheirLines checks file and line of every object.
func TestRenderedObjectsKnowTheirLines(t *testing.T) {
	two := func(kustomization string) files {
		return files{k: kustomization, dir("a.yaml"): twoThings}
	}
	tests := []struct {
		name string
		tree files
		want []string // KIND NAME FILE:LINE; a * ends a name with a hash
	}{
		{"plain", files{dir("a.yaml"): twoThings}, []string{"ConfigMap cart a.yaml:2", "ConfigMap cart-db a.yaml:6"}},
		{"plain, CRLF and BOM", files{dir("a.yaml"): "\xef\xbb\xbf" + strings.ReplaceAll(twoThings, "\n", "\r\n")}, []string{"ConfigMap cart a.yaml:2", "ConfigMap cart-db a.yaml:6"}},
		{"plain, list", files{dir("a.yaml"): threeInA}, []string{"ConfigMap one a.yaml:4", "Secret two a.yaml:10", "Service three a.yaml:11"}},
		{"plain, typed list without types", files{dir("a.yaml"): "apiVersion: v1\nkind: ConfigMapList\nitems:\n- metadata: {name: one}\n- metadata: {name: two}\n"}, []string{"ConfigMap one a.yaml:4", "ConfigMap two a.yaml:5"}},
		{"plain, list in the second document", files{dir("a.yaml"): twoThings + "---\n" + threeInA}, []string{"ConfigMap cart a.yaml:2", "ConfigMap cart-db a.yaml:6", "ConfigMap one a.yaml:13", "Secret two a.yaml:19", "Service three a.yaml:20"}},
		{"plain, items by alias", files{dir("a.yaml"): "x: &x {apiVersion: v1, kind: ConfigMap, metadata: {name: one}}\napiVersion: v1\nkind: List\nitems:\n- *x\n"}, []string{"ConfigMap one a.yaml:5"}},
		{"plain, items by merge", files{dir("a.yaml"): "x: &x {items: [{apiVersion: v1, kind: ConfigMap, metadata: {name: one}}]}\napiVersion: v1\nkind: List\n<<: *x\n"}, []string{"ConfigMap one a.yaml:1"}},
		{"plain, separators with comments", files{dir("a.yaml"): "--- # one\n\n# two\n---   \n" + configMap("one", "1") + "...\n---\n---\n# end\n"}, []string{"ConfigMap one a.yaml:5"}},
		{"plain, JSON", files{dir("a.yaml"): "\n\n{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"metadata\": {\"name\": \"one\"}}\n"}, []string{"ConfigMap one a.yaml:3"}},
		{"plain, two namespaces", files{dir("a.yaml"): oneName}, []string{"ConfigMap same a.yaml:1", "ConfigMap same a.yaml:5"}},
		{"resources", two("resources: [a.yaml]\n"), []string{"ConfigMap cart a.yaml:2", "ConfigMap cart-db a.yaml:6"}},
		{"prefix", two("resources: [a.yaml]\nnamePrefix: eu-\n"), []string{"ConfigMap eu-cart a.yaml:2", "ConfigMap eu-cart-db a.yaml:6"}},
		{"suffix that makes one name another", two("resources: [a.yaml]\nnameSuffix: -db\n"), []string{"ConfigMap cart-db a.yaml:2", "ConfigMap cart-db-db a.yaml:6"}},
		{"namespace", two("resources: [a.yaml]\nnamespace: x\n"), []string{"ConfigMap cart a.yaml:2", "ConfigMap cart-db a.yaml:6"}},
		{"two namespaces", files{k: "resources: [a.yaml]\n", dir("a.yaml"): oneName}, []string{"ConfigMap same a.yaml:1", "ConfigMap same a.yaml:5"}},
		{"list", files{k: "resources: [a.yaml]\n", dir("a.yaml"): threeInA}, []string{"ConfigMap one a.yaml:4", "Secret two a.yaml:10", "Service three a.yaml:11"}},
		{"patched by name", two("resources: [a.yaml]\npatches:\n- patch: |-\n    {apiVersion: v1, kind: ConfigMap, metadata: {name: cart-db}, data: {x: \"1\"}}\n"), []string{"ConfigMap cart a.yaml:2", "ConfigMap cart-db a.yaml:6"}},
		{"patched by a file", two("resources: [a.yaml]\npatches: [{path: p.yaml}]\n").with(files{dir("p.yaml"): "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cart}\ndata: {x: \"1\"}\n"}), []string{"ConfigMap cart a.yaml:2", "ConfigMap cart-db a.yaml:6"}},
		{"deleted by a patch", two("resources: [a.yaml]\nnamePrefix: x-\npatches:\n- patch: |-\n    {$patch: delete, apiVersion: v1, kind: ConfigMap, metadata: {name: cart}}\n"), []string{"ConfigMap x-cart-db a.yaml:6"}},
		{"renamed by a patch", two("resources: [a.yaml]\npatches:\n- target: {name: cart-db}\n  options: {allowNameChange: true}\n  patch: '[{\"op\": \"replace\", \"path\": \"/metadata/name\", \"value\": \"other\"}]'\n"), []string{"ConfigMap cart a.yaml:2", "ConfigMap other a.yaml:6"}},
		{"another kind by a patch", two("resources: [a.yaml]\npatches:\n- target: {name: cart-db}\n  options: {allowKindChange: true}\n  patch: '[{\"op\": \"replace\", \"path\": \"/kind\", \"value\": \"Secret\"}]'\n"), []string{"ConfigMap cart a.yaml:2", "Secret cart-db a.yaml:6"}},
		{"base", files{k: "resources: [../../base]\n", "base/kustomization.yaml": "resources: [b.yaml]\nnamePrefix: p-\n", "base/b.yaml": "\n" + configMap("one", "1")}, []string{"ConfigMap p-one ../../base/b.yaml:2"}},
		{"base twice", files{k: "resources: [l, r]\n", dir("l/kustomization.yaml"): "resources: [../../../base]\nnamePrefix: l-\n", dir("r/kustomization.yaml"): "resources: [../../../base]\nnamePrefix: r-\n", "base/kustomization.yaml": "resources: [b.yaml]\n", "base/b.yaml": twoThings}, []string{"ConfigMap l-cart ../../base/b.yaml:2", "ConfigMap l-cart-db ../../base/b.yaml:6", "ConfigMap r-cart ../../base/b.yaml:2", "ConfigMap r-cart-db ../../base/b.yaml:6"}},
		{"component", files{k: "components: [c]\n", dir("c/kustomization.yaml"): "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [c.yaml]\n", dir("c/c.yaml"): "# c\n" + configMap("one", "1")}, []string{"ConfigMap one c/c.yaml:2"}},
		{"generated", files{k: "namePrefix: p-\nconfigMapGenerator:\n- {name: one, literals: [a=b]}\n- name: one-two\n  literals: [a=b]\nsecretGenerator:\n- {name: three, literals: [a=b]}\n"}, []string{"ConfigMap p-one-* kustomization.yaml:3", "ConfigMap p-one-two-* kustomization.yaml:4", "Secret p-three-* kustomization.yaml:7"}},
		{"generated without a hash", files{k: "generatorOptions: {disableNameSuffixHash: true}\nconfigMapGenerator:\n- {name: one, literals: [a=b]}\n- {name: one-two, literals: [a=b]}\n"}, []string{"ConfigMap one kustomization.yaml:3", "ConfigMap one-two kustomization.yaml:4"}},
		{"generated in a base, merged here", files{k: "resources: [../../base]\nconfigMapGenerator:\n- {name: one, behavior: merge, literals: [c=d]}\n", "base/kustomization.yaml": "\n\nconfigMapGenerator:\n- {name: one, literals: [a=b]}\n"}, []string{"ConfigMap one-* ../../base/kustomization.yaml:4"}},
		{"link", files{k: "resources: [l.yaml]\n", dir("l.yaml"): "link:../../base/b.yaml", "base/b.yaml": "\n" + configMap("one", "1")}, []string{"ConfigMap one ../../base/b.yaml:2"}},
	}
	if len(tests) < 25 {
		t.Errorf("%d cases", len(tests))
	}
	var h history
	for _, tt := range tests {
		h.commit("main", tt.name, tt.tree)
	}
	repository, hashes := h.write(t)
	r := open(t, repository)
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := r.Render(t.Context(), production, hashes[i+1])
			if err != nil {
				t.Fatal(err)
			}
			var have []string
			for _, o := range got.Objects {
				file, err := filepath.Rel(production.Path, o.Source.File)
				if err != nil {
					t.Fatal(err)
				}
				name := o.ID.Name
				if i := strings.LastIndexByte(name, '-'); len(name)-i == 11 {
					name = name[:i+1] + "*"
				}
				have = append(have, fmt.Sprintf("%s %s %s:%d", o.ID.Kind, name, filepath.ToSlash(file), o.Source.Line))
			}
			slices.Sort(have)
			if !slices.Equal(have, tt.want) {
				t.Errorf("objects\n%s\nwant\n%s", strings.Join(have, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

// TestRenderIsStable renders the same content again and again, and from files
// with other names and so in another order.
func TestRenderIsStable(t *testing.T) {
	var objects []string
	for i := range 12 {
		objects = append(objects, deployment(fmt.Sprintf("d%d", i), "registry.example.com/x:1", i), configMap(fmt.Sprintf("c%d", i), "v"))
	}
	kustomized, forward, backward := files{}, files{}, files{}
	list := "namespace: shop\ncommonLabels: {a: b, c: d}\nconfigMapGenerator: [{name: g, literals: [x=1, y=2]}]\nresources:\n"
	for i, o := range objects {
		kustomized[dir(fmt.Sprintf("%d.yaml", i))] = o
		list += fmt.Sprintf("- %d.yaml\n", i)
		forward[dir(fmt.Sprintf("f%02d.yaml", i))] = o
		backward[dir(fmt.Sprintf("sub%d/b%02d.yaml", i%3, len(objects)-i))] = o
	}
	kustomized[k] = list
	digests := map[string]string{}
	for name, tree := range map[string]files{"kustomization": kustomized, "forward": forward, "backward": backward} {
		r := single(t, tree)
		var first *model.Rendered
		for range 50 {
			r.cache = newRenderCache()
			got := render(t, r, production)
			if first == nil {
				first = got
			}
			if !reflect.DeepEqual(got, first) {
				t.Fatalf("%s: %v and %v", name, described(got.Objects), described(first.Objects))
			}
		}
		digest, err := first.Digest()
		if err != nil {
			t.Fatal(err)
		}
		digests[name] = digest
	}
	if digests["forward"] != digests["backward"] {
		t.Error("the order of files shows in the digest")
	}
}

// TestLargeFileIsNotRead renders an environment with a file of 200 MB, once as
// an object of its own and once in a pack.
func TestLargeFileIsNotRead(t *testing.T) {
	const size = 200 << 20
	repository, _ := func() (string, []string) {
		var h history
		h.commit("main", "start", files{"README.md": "x"})
		return h.write(t)
	}()
	cmd := exec.CommandContext(t.Context(), "git", "-c", "core.compression=1", "hash-object", "-w", "--stdin")
	cmd.Dir, cmd.Env = repository, gitEnv(repository)
	cmd.Stdin = io.LimitReader(zeros{}, size)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	w := &rawRepo{t, repository}
	commit := w.commit(w.production(w.tree(rawEntry{"100644", "a.yaml", strings.TrimSpace(string(out))})))
	git(t, repository, "update-ref", "refs/heads/main", commit)
	for _, where := range []string{"loose", "packed"} {
		r := open(t, repository)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := r.Render(t.Context(), production, commit)
		runtime.ReadMemStats(&after)
		checkRefusal(t, err, dir("a.yaml is larger than the limit of 5 MiB (limits.fileSize)"))
		if n := after.TotalAlloc - before.TotalAlloc; n > 20<<20 {
			t.Errorf("%s: %d bytes of memory were used", where, n)
		}
		if where == "loose" {
			git(t, repository, "-c", "core.compression=1", "repack", "-adq")
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestLimitsOfAnEnvironment(t *testing.T) {
	text := configMap("a", "1")
	padded := text + "#" + strings.Repeat("x", 2047-len(text)-1) + "\n"
	r := single(t, files{dir("a.yaml"): padded, "other/a.yaml": text + "---\n" + configMap("b", "1")})
	for _, tt := range []struct {
		path   string
		limits model.Limits
		want   string // empty: it renders
	}{
		{production.Path, model.Limits{FileBytes: 2048}, ""},
		{production.Path, model.Limits{FileBytes: 2047}, "a.yaml is larger than the limit of 2,047 bytes (limits.fileSize)"},
		{production.Path, model.Limits{FileBytes: 1024}, "a.yaml is larger than the limit of 1 KiB (limits.fileSize)"},
		{"other", model.Limits{Objects: 2}, ""},
		{"other", model.Limits{Objects: 1}, "more than the limit of 1 objects (limits.objects)"},
		{production.Path, model.Limits{YAMLNodes: 7}, ""},
		{production.Path, model.Limits{YAMLNodes: 3}, "more than the limit of 3 YAML values (limits.yamlNodes)"},
		{production.Path, model.Limits{RenderTime: time.Nanosecond}, "rendering takes longer than the limit of 1ns (limits.renderTime)"},
	} {
		env := model.Environment{Name: "production", Path: tt.path, Limits: tt.limits}
		_, err := r.Render(t.Context(), env, "HEAD")
		if tt.want != "" {
			checkRefusal(t, err, tt.want)
		} else if err != nil {
			t.Errorf("%+v: %v", tt.limits, err)
		}
	}
}

func TestTextOfErrorsIsSafe(t *testing.T) {
	err := contentf("%s: %s", "a\x1b[2J\nb", "x\u202ey\xff")
	var bad *contentError
	if want := "a b: x<U+202E>y\ufffd"; !errors.As(err, &bad) || err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
}
