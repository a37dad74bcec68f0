package repo

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// checkout writes a tree as files.
func checkout(b *testing.B, tree files) string {
	b.Helper()
	top := b.TempDir()
	for name, content := range tree {
		p := filepath.Join(top, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(content), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	return top
}

// compareWithCommand renders a tree's production environment and reports how
// long that takes compared with `kustomize build` of the same: first with the
// child that has to be started, then with one that is there.
func compareWithCommand(b *testing.B, command string, tree files) {
	b.Helper()
	r := single(b, tree)
	head, err := r.Head(b.Context(), "")
	if err != nil {
		b.Fatal(err)
	}
	top := checkout(b, tree)
	once := func() time.Duration {
		r.cache = newRenderCache()
		start := time.Now()
		if _, err := r.Render(b.Context(), production, head.Hash); err != nil {
			b.Fatal(err)
		}
		return time.Since(start)
	}
	var cold, warm, cli time.Duration
	for b.Loop() {
		r.kustomizers.Close()
		cold += once()
		warm += once()
		cmd := exec.CommandContext(b.Context(), command, "build", "--load-restrictor", "LoadRestrictionsNone", production.Path)
		cmd.Dir = top
		start := time.Now()
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
		cli += time.Since(start)
	}
	b.ReportMetric(float64(cold)/float64(cli), "cold-ratio")
	b.ReportMetric(float64(warm)/float64(cli), "warm-ratio")
	b.ReportMetric(warm.Seconds()/float64(b.N), "s/render")
	b.ReportMetric(cli.Seconds()/float64(b.N), "s/command")
}

// BenchmarkRenderVsCommand compares with the real command: of the sample
// repository, and of larger environments.
func BenchmarkRenderVsCommand(b *testing.B) {
	command := kustomizeCommand(b)
	b.Run("sample", func(b *testing.B) { compareWithCommand(b, command, petstore(b)) })
	for _, n := range []int{300, 1000, 2000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) { compareWithCommand(b, command, large(n)) })
	}
}

// petstore is the tree of the sample repository.
func petstore(b *testing.B) files {
	b.Helper()
	tree := files{}
	top := "../testdata/petstore/files"
	err := filepath.WalkDir(top, func(p string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(top, p)
		tree[filepath.ToSlash(name)] = string(data)
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return tree
}

// large is an overlay with a prefix, a generator and a patch over n objects.
func large(n int) files {
	tree := files{}
	var list []string
	for i := range n / 2 {
		name := fmt.Sprintf("svc%d", i)
		tree["base/"+name+".yaml"] = deployment(name, "registry.example.com/"+name+":1", 2) +
			"---\napiVersion: v1\nkind: Service\nmetadata: {name: " + name + "}\nspec: {selector: {app: " + name + "}, ports: [{port: 80}]}\n"
		list = append(list, name+".yaml")
	}
	tree["base/kustomization.yaml"] = "resources: [" + strings.Join(list, ", ") + "]\n"
	tree[k] = `resources: [../../base]
namePrefix: p-
namespace: shop
configMapGenerator: [{name: settings, literals: [a=b]}]
patches: [{target: {kind: Deployment, name: svc1}, patch: '[{"op": "replace", "path": "/spec/replicas", "value": 5}]'}]
`
	return tree
}

// TestUnchangedEnvironmentIsNotRendered looks at the same environment at a
// commit that changed something else.
func TestUnchangedEnvironmentIsNotRendered(t *testing.T) {
	var h history
	h.linear(0, shop(), shop().with(files{"README.md": "new\n"}))
	dir, hashes := h.write(t)
	r := open(t, dir)
	var digests []string
	for _, hash := range hashes[1:] {
		got, err := r.Render(t.Context(), production, hash)
		if err != nil {
			t.Fatal(err)
		}
		digest, err := model.Rendered{Objects: got.Objects}.Digest()
		if err != nil {
			t.Fatal(err)
		}
		digests = append(digests, digest)
	}
	if digests[0] != digests[1] || r.kustomizers.Runs() != 1 {
		t.Errorf("%d renders, and %v", r.kustomizers.Runs(), digests)
	}
}
