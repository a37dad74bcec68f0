package repo

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/fairtide-dev/fairtide/model"
)

func render(t testing.TB, r *Repo, env model.Environment) *model.Rendered {
	t.Helper()
	got, err := r.Render(t.Context(), env, "HEAD")
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func described(objects []model.Object) []string {
	var out []string
	for _, o := range objects {
		out = append(out, o.ID.String()+" "+at(o.Source))
	}
	return out
}

func TestRenderKustomize(t *testing.T) {
	r := single(t, shop().with(files{
		"base/config.yaml": "# settings\n\n---\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: cart}\ndata: {timeout: 10s}\n",
		"environments/production/kustomization.yaml": `
namespace: shop
namePrefix: eu-
commonLabels: {tier: gold}
resources: [../../base]
components: [../../extra]
patches:
  - path: replicas.yaml
configMapGenerator:
  - {name: flags, literals: [a=b]}
`,
		"environments/production/replicas.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: cart}\nspec: {replicas: 7}\n",
		"extra/kustomization.yaml":              "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [job.yaml]\n",
	}))
	got := render(t, r, production)
	want := []string{
		"ConfigMap shop/eu-cart base/config.yaml:5",
		"ConfigMap shop/eu-extra extra/job.yaml:1",
		"ConfigMap shop/eu-flags-", // and a hash
		"Deployment shop/eu-cart base/deployment.yaml:1",
	}
	have := described(got.Objects)
	if len(have) != len(want) {
		t.Fatalf("objects %q, want %q", have, want)
	}
	for i := range want {
		if !strings.HasPrefix(have[i], want[i]) {
			t.Errorf("object %d is %q, want %q", i, have[i], want[i])
		}
	}
	wantInputs := []string{
		"base/config.yaml", "base/deployment.yaml", "base/kustomization.yaml",
		"environments/production/kustomization.yaml", "environments/production/replicas.yaml",
		"extra/job.yaml", "extra/kustomization.yaml",
	}
	if !slices.Equal(got.Inputs, wantInputs) {
		t.Errorf("inputs %q, want %q", got.Inputs, wantInputs)
	}
	fields := got.Objects[3].Fields
	spec := fields["spec"].(map[string]any)
	if spec["replicas"] != int64(7) {
		t.Errorf("replicas is %T %v, want int64 7", spec["replicas"], spec["replicas"])
	}
	selector := spec["selector"].(map[string]any)["matchLabels"].(map[string]any)
	if selector["tier"] != "gold" {
		t.Errorf("commonLabels did not reach the selector: %v", selector)
	}
	data, err := json.Marshal(fields)
	if err != nil || strings.Contains(string(data), "config.kubernetes.io") {
		t.Errorf("annotations of kustomize remain: %v %s", err, data)
	}
}

func TestRenderKeepsOriginThatWasAskedFor(t *testing.T) {
	r := single(t, shop().with(files{
		"environments/production/kustomization.yaml": "resources: [../../extra]\nbuildMetadata: [originAnnotations]\n",
	}))
	o := render(t, r, production).Objects[0]
	notes := o.Fields["metadata"].(map[string]any)["annotations"].(map[string]any)
	if notes["config.kubernetes.io/origin"] != "path: ../../extra/job.yaml\n" || o.Source.File != "extra/job.yaml" {
		t.Errorf("annotations %v, source %v", notes, o.Source)
	}
}

func TestRenderPlain(t *testing.T) {
	r := single(t, files{
		"environments/production/a.yaml": "\xef\xbb\xbfapiVersion: v1\r\nkind: ConfigMap\r\nmetadata:\r\n  name: a\r\ndata:\r\n  on: yes\r\n",
		"environments/production/b.yml": "# comment only\n---\n---\napiVersion: v1\nkind: List\nitems:\n" +
			"- {apiVersion: v1, kind: Service, metadata: {name: b, namespace: other}}\n" +
			"- {apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: b}}\n---\n# end\n",
		"environments/production/deep/c.yaml":   "x: &x {f: 1.5, i: 3.0, when: 2026-01-02}\napiVersion: example.com/v1\nkind: Thing\nmetadata: {name: c}\nmine: {<<: *x, i: 0x10}\n",
		"environments/production/link.yaml":     "link:../../shared/d.yaml",
		"environments/production/notes.txt":     "not read",
		"environments/production/.hidden.yaml":  "not read",
		"environments/production/.dir/also.yml": "{not read",
		"shared/d.yaml":                         configMap("d", "1"),
	})
	got := render(t, r, production)
	want := []string{
		"ClusterRole b environments/production/b.yml:8",
		"ConfigMap a environments/production/a.yaml:1",
		"ConfigMap d environments/production/link.yaml:1",
		"Thing c environments/production/deep/c.yaml:1",
		"Service other/b environments/production/b.yml:7",
	}
	if have := described(got.Objects); !slices.Equal(have, want) {
		t.Errorf("objects %q, want %q", have, want)
	}
	wantInputs := []string{
		"environments/production", "environments/production/a.yaml", "environments/production/b.yml",
		"environments/production/deep/c.yaml", "environments/production/link.yaml", "shared/d.yaml",
	}
	if !slices.Equal(got.Inputs, wantInputs) {
		t.Errorf("inputs %q, want %q", got.Inputs, wantInputs)
	}
	if data := got.Objects[1].Fields["data"].(map[string]any); data["true"] != true {
		t.Errorf("YAML 1.1 booleans: %v", data)
	}
	y := got.Objects[3].Fields["mine"].(map[string]any)
	if y["f"] != 1.5 || y["i"] != int64(16) || y["when"] != "2026-01-02" {
		t.Errorf("merged values %v", y)
	}
	x := got.Objects[3].Fields["x"].(map[string]any)
	if x["i"] != int64(3) {
		t.Errorf("3.0 is %T", x["i"])
	}
}

func TestRenderRoot(t *testing.T) {
	r := single(t, files{"kustomization.yaml": "resources: [a.yaml]\n", "a.yaml": configMap("a", "1")})
	for _, p := range []string{"", ".", "./"} {
		got := render(t, r, model.Environment{Name: "e", Path: p})
		if !slices.Equal(got.Inputs, []string{"a.yaml", "kustomization.yaml"}) || got.Objects[0].Source.File != "a.yaml" {
			t.Errorf("path %q: %v %v", p, got.Inputs, described(got.Objects))
		}
	}
}

func TestRenderThroughLinkedDirectories(t *testing.T) {
	r := single(t, shop().with(files{
		"environments/production/kustomization.yaml": "resources: [parts]\n",
		"environments/production/parts":              "link:../../extra",
	}))
	got := render(t, r, production)
	want := []string{"environments/production/kustomization.yaml", "environments/production/parts", "extra/job.yaml", "extra/kustomization.yaml"}
	if !slices.Equal(got.Inputs, want) {
		t.Errorf("inputs %q, want %q", got.Inputs, want)
	}
}

func TestRenderLimitsObjects(t *testing.T) {
	r := single(t, files{"environments/production/a.yaml": configMap("a", "1") + "---\n" + configMap("b", "1") + "---\n" + configMap("c", "1")})
	r.limits.objects = 2
	_, err := r.Render(t.Context(), production, "HEAD")
	if err == nil || !strings.Contains(err.Error(), "limit of 2 objects") {
		t.Errorf("error %v", err)
	}
}

func TestRenderErrorsHideSecrets(t *testing.T) {
	for name, tree := range map[string]files{
		"patch without target": shop().with(files{k: "resources: [../../base]\npatches:\n- patch: |-\n    apiVersion: v1\n    kind: Secret\n    metadata: {name: none}\n    stringData: {password: hunter22}\n"}),
		"patch that is none":   shop().with(files{k: "secretGenerator: [{name: s, literals: [a=b]}]\npatches:\n- target: {kind: Secret}\n  patch: |-\n    - {op: test, path: /data/a, value: hunter22}\n"}),
		"env file":             shop().with(files{k: "resources: [../../base]\nsecretGenerator: [{name: s, envs: [s.env]}]\n", "environments/production/s.env": "\xffpass=hunter22\n"}),
		"twice":                shop().with(files{k: "resources: [../../base]\nsecretGenerator:\n- {name: s, literals: [password=hunter22]}\n- {name: s, literals: [password=hunter22]}\n"}),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := single(t, tree).Render(t.Context(), production, "HEAD")
			if err == nil {
				t.Fatal("it was rendered")
			}
			if strings.Contains(err.Error(), "hunter22") {
				t.Errorf("the error has the secret: %v", err)
			}
		})
	}
}

func TestRenderIsReusedAndNotShared(t *testing.T) {
	var h history
	h.linear(0, shop(), shop().with(files{"README.md": "new\n", "base/README.md": "new\n"}), shop().with(files{"base/config.yaml": configMap("cart", "2")}))
	dir, hashes := h.write(t)
	for name, cacheDir := range map[string]string{"in memory": "", "on disk": t.TempDir()} {
		t.Run(name, func(t *testing.T) {
			// Each opens the clone anew when there is a disk to find renders on.
			another := func() *Repo { return openKept(t, dir, cacheDir) }
			if cacheDir == "" {
				r := open(t, dir)
				another = func() *Repo { return r }
			}
			first, err := another().Render(t.Context(), production, hashes[1])
			if err != nil {
				t.Fatal(err)
			}
			before := keptFiles(t, cacheDir)
			first.Objects[0].Fields["data"] = "altered by the caller"
			r := another()
			second, err := r.Render(t.Context(), production, hashes[2])
			if err != nil {
				t.Fatal(err)
			}
			if n := len(r.cache.last[recipe(production)]); n != 1 {
				t.Errorf("a change in docs made another render: %d are remembered", n)
			}
			if cacheDir != "" {
				unchanged(t, cacheDir, before, "the render")
			}
			if _, ok := second.Objects[0].Fields["data"].(map[string]any); !ok {
				t.Error("what a caller altered came back")
			}
			if second.Commit != hashes[2] || !slices.Equal(first.Inputs, second.Inputs) {
				t.Errorf("commit %s, want %s; inputs %q, want %q", second.Commit, hashes[2], second.Inputs, first.Inputs)
			}
			third, err := another().Render(t.Context(), production, hashes[3])
			if err != nil {
				t.Fatal(err)
			}
			a, err := second.Digest()
			b, err2 := third.Digest()
			if err := errors.Join(err, err2); err != nil || a == b {
				t.Errorf("a change in the base did not alter the render: %v", err)
			}
			if reflect.DeepEqual(keptFiles(t, cacheDir), before) != (cacheDir == "") {
				t.Error("the new render was not kept")
			}
		})
	}
}

// A render from the disk is in all the one that was made.
func TestKeptRenderIsTheSame(t *testing.T) {
	s := buildSample(t)
	cacheDir := t.TempDir()
	env := model.Environment{Name: "production", Path: "environments/production"}
	want := render(t, openKept(t, s.Dir, cacheDir), env)
	before := keptFiles(t, cacheDir)
	got := render(t, openKept(t, s.Dir, cacheDir), env)
	unchanged(t, cacheDir, before, "production")
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// What is wrong with a commit is kept as well, with its exit code.
func TestKeptProblems(t *testing.T) {
	for name, tree := range map[string]files{
		"missing":   {"README.md": "x"},
		"bad":       shop().with(files{k: "resources: [../../base, none.yaml]\n"}),
		"duplicate": {"environments/production/a.yaml": configMap("a", "1") + "---\n" + configMap("a", "2")},
	} {
		t.Run(name, func(t *testing.T) {
			var h history
			h.linear(0, tree)
			dir, _ := h.write(t)
			cacheDir := t.TempDir()
			_, want := openKept(t, dir, cacheDir).Render(t.Context(), production, "HEAD")
			before := keptFiles(t, cacheDir)
			_, got := openKept(t, dir, cacheDir).Render(t.Context(), production, "HEAD")
			unchanged(t, cacheDir, before, "the problem")
			if want == nil || got == nil || got.Error() != want.Error() || model.CodeOf(got, model.ExitOK) != model.CodeOf(want, model.ExitOK) {
				t.Errorf("got %v, want %v", got, want)
			}
			var bad *contentError
			if missing := name == "missing"; errors.As(got, &bad) == missing {
				t.Errorf("the error is a %T", errors.Unwrap(got))
			}
		})
	}
}

func TestRenderConcurrently(t *testing.T) {
	r := single(t, shop())
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			env := production
			if i%2 == 0 {
				env = model.Environment{Name: "staging", Path: "environments/staging"}
			}
			for range 5 {
				if _, err := r.Render(t.Context(), env, "HEAD"); err != nil {
					t.Error(err)
				}
				if _, err := r.Head(t.Context(), ""); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func TestRenderCancelled(t *testing.T) {
	r := single(t, shop())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Render(ctx, production, "HEAD"); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	render(t, r, production) // the cancelled one was not remembered
}

func TestFile(t *testing.T) {
	r := single(t, shop().with(files{".fairtide.yaml": "x: 1\n", "link": "link:README.md"}))
	for name, want := range map[string]string{".fairtide.yaml": "x: 1\n", "link": "# shop\n"} {
		data, err := r.File(t.Context(), "HEAD", name)
		if err != nil || string(data) != want {
			t.Errorf("%s: %q, %v", name, data, err)
		}
	}
	if _, err := r.File(t.Context(), "HEAD", "none/none.yaml"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	for _, name := range []string{"../x", "/etc/passwd", "base"} {
		if _, err := r.File(t.Context(), "HEAD", name); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
