package repo

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/fairtide-dev/fairtide/model"
)

// refusal is content that must not be rendered, and what the error has to say.
type refusal struct {
	name string
	tree files
	want []string
}

const k = "environments/production/kustomization.yaml"

func dir(name string) string { return "environments/production/" + name }

// over is the shop with something else in production's overlay.
func over(more files) files { return shop().with(more) }

// plain is the shop with manifests instead of a kustomization in production.
func plain(more files) files { return shop().with(files{k: ""}).with(more) }

// refusedSets are sets of objects that cannot be meant.
func refusedSets() []refusal {
	return []refusal{
		{"path missing", shop().with(files{k: ""}), []string{`path "environments/production" does not exist at `}},
		{"path is a file", shop().with(files{k: "", "environments/production": "x"}), []string{"environments/production is a file"}},
		{"empty directory of manifests", plain(files{dir("notes.txt"): "x"}), []string{"delete everything"}},
		{"only comments", plain(files{dir("a.yaml"): "# nothing\n---\n"}), []string{"delete everything"}},
		{"everything local-config", over(files{k: "resources: [a.yaml]\n", dir("a.yaml"): "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, annotations: {config.kubernetes.io/local-config: \"true\"}}\n"}), []string{"delete everything"}},
		{"nested kustomization", plain(files{dir("sub/kustomization.yaml"): "resources: []\n"}), []string{dir("sub/kustomization.yaml")}},
		{"same identity", plain(files{dir("a.yaml"): configMap("x", "1"), dir("b.yaml"): "---\n" + configMap("x", "2")}), []string{"ConfigMap x", dir("a.yaml:1"), dir("b.yaml:2")}},
		{"same identity, other version", plain(files{dir("a.yaml"): "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: x}\n---\napiVersion: batch/v1beta1\nkind: CronJob\nmetadata: {name: x}\n"}), []string{"CronJob x", dir("a.yaml:1"), dir("a.yaml:5")}},
		{"same identity in resources", over(files{k: "resources: [a.yaml, b.yaml]\n", dir("a.yaml"): configMap("x", "1"), dir("b.yaml"): configMap("x", "2")}), []string{"ConfigMap x", dir("a.yaml:1"), dir("b.yaml:1")}},
		{"same identity in base and overlay", over(files{k: "resources: [../../base, a.yaml]\n", dir("a.yaml"): configMap("cart", "1")}), []string{"cart", "a.yaml"}},
		{"resource missing", over(files{k: "resources:\n- ../../base\n- a.yaml\n"}), []string{k + ":3", `"a.yaml" does not exist`}},
		{"base without kustomization", over(files{k: "resources: [../../docs]\n", "docs/x.md": "x"}), []string{"docs has no kustomization.yaml"}},
	}
}

// refusedYAML are files that are not what they should be.
func refusedYAML() []refusal {
	return []refusal{
		{"not YAML", plain(files{dir("a.yaml"): "a: b\nc: [1\n"}), []string{dir("a.yaml:"), "not YAML"}},
		{"tab", plain(files{dir("a.yaml"): "a:\n\tb: 1\n"}), []string{dir("a.yaml:2"), "not YAML"}},
		{"duplicate key", plain(files{dir("a.yaml"): "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  name: b\n"}), []string{dir("a.yaml:5"), `"name"`, "line 4"}},
		{"duplicate key in a resource", over(files{k: "resources: [a.yaml]\n", dir("a.yaml"): "apiVersion: v1\nkind: ConfigMap\nkind: Secret\n"}), []string{dir("a.yaml:3"), `"kind"`}},
		{"duplicate key in a patch", over(files{k: "resources: [../../base]\npatches: [{path: p.yaml}]\n", dir("p.yaml"): "a: 1\na: 2\n"}), []string{dir("p.yaml:2"), `"a"`}},
		{"duplicate key in the kustomization", over(files{k: "resources: []\nresources: [../../base]\n"}), []string{k + ":2", `"resources"`}},
		{"unknown field", over(files{k: "resources: [../../base]\nresuorces: []\n"}), []string{k, "resuorces"}},
		{"empty kustomization", over(files{k: "# none\n"}), []string{k}},
		{"two kustomizations", over(files{dir("kustomization.yml"): "resources: [../../base]\n"}), []string{"kustomization.yaml and kustomization.yml"}},
		{"two documents", over(files{k: "resources: [../../base]\n---\nresources: []\n"}), []string{k, "2 YAML documents"}},
		{"scalar", plain(files{dir("a.yaml"): "hello\n"}), []string{dir("a.yaml:1"), "not a Kubernetes object"}},
		{"no kind", plain(files{dir("a.yaml"): "apiVersion: v1\n"}), []string{dir("a.yaml:1"), "no kind"}},
		{"no apiVersion", plain(files{dir("a.yaml"): "kind: Pod\n"}), []string{dir("a.yaml:1"), "no apiVersion"}},
		{"no name", over(files{k: "resources: [a.yaml]\n", dir("a.yaml"): "---\napiVersion: v1\nkind: Pod\n"}), []string{dir("a.yaml:2"), "no metadata.name"}},
		{"generateName", plain(files{dir("a.yaml"): "apiVersion: v1\nkind: Pod\nmetadata: {generateName: x-}\n"}), []string{dir("a.yaml:1"), "generateName"}},
		{"list of junk", plain(files{dir("a.yaml"): "apiVersion: v1\nkind: List\nitems: [1]\n"}), []string{dir("a.yaml:1"), "item 1"}},
	}
}

// refusedRemotes are references to what is not in the repository; url is of a server that counts requests.
func refusedRemotes(url string) []refusal {
	return []refusal{
		{"remote base", over(files{k: "resources:\n- " + url + "/x\n"}), []string{k + ":2", "is remote"}},
		{"remote git base", over(files{k: "resources: ['git::https://example.com/a/b']\n"}), []string{k, "is remote"}},
		{"github shorthand", over(files{k: "resources: [github.com/org/repo/dir]\n"}), []string{k, "is remote"}},
		{"scp", over(files{k: "resources: ['git@example.com:org/repo']\n"}), []string{k, "is remote"}},
		{"ssh", over(files{k: "resources: ['ssh://git@example.com/org/repo']\n"}), []string{k, "is remote"}},
		{"remote-looking directory", over(files{k: "resources: [git@host/a/b]\n", dir("git@host/a/b/kustomization.yaml"): "resources: []\n"}), []string{k, "is remote"}},
		{"remote component", over(files{k: "components: ['https://example.com/a/b']\n"}), []string{k, "is remote"}},
		{"remote patch", over(files{k: "resources: [../../base]\npatches: [{path: '" + url + "'}]\n"}), []string{k, "is remote"}},
		{"remote strategic merge patch", over(files{k: "resources: [../../base]\npatchesStrategicMerge: ['" + url + "']\n"}), []string{k, "is remote"}},
		{"remote JSON patch", over(files{k: "resources: [../../base]\npatchesJson6902: [{target: {kind: X, name: z}, path: '" + url + "'}]\n"}), []string{k, "is remote"}},
		{"remote generator file", over(files{k: "configMapGenerator: [{name: a, files: ['x=" + url + "']}]\n"}), []string{k, "is remote"}},
		{"remote generator env", over(files{k: "secretGenerator: [{name: a, envs: ['" + url + "']}]\n"}), []string{k, "is remote"}},
		{"remote old env", over(files{k: "configMapGenerator: [{name: a, env: '" + url + "'}]\n"}), []string{k, "is remote"}},
		{"remote crd", over(files{k: "resources: [../../base]\ncrds: ['" + url + "']\n"}), []string{k, "is remote"}},
		{"remote configuration", over(files{k: "resources: [../../base]\nconfigurations: ['" + url + "']\n"}), []string{k, "is remote"}},
		{"remote openapi", over(files{k: "resources: [../../base]\nopenapi: {path: '" + url + "'}\n"}), []string{k, "is remote"}},
		{"remote replacement", over(files{k: "resources: [../../base]\nreplacements: [{path: '" + url + "'}]\n"}), []string{k, "is remote"}},
		{"remote transformer", over(files{k: "resources: [../../base]\ntransformers: ['" + url + "']\n"}), []string{k, "is remote"}},
		{"remote path in a built-in", over(files{k: "resources: [../../base]\ntransformers: [t.yaml]\n", dir("t.yaml"): "apiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: p}\npath: " + url + "\n"}), []string{dir("t.yaml:1"), "is remote"}},
		{"remote in a base", over(files{"base/kustomization.yaml": "resources: ['https://example.com/a/b']\n"}), []string{"base/kustomization.yaml:1", "is remote"}},
		{"bases", over(files{k: "bases: ['" + url + "/a/b']\n"}), []string{k, "is remote"}},
	}
}

// refusedPlugins are what would run programs.
func refusedPlugins() []refusal {
	return []refusal{
		{"chart", plain(files{dir("Chart.yaml"): "name: x\n"}), []string{dir("Chart.yaml"), "Helm charts are not supported yet"}},
		{"helmCharts", over(files{k: "helmCharts: [{name: x, repo: https://example.com}]\n"}), []string{k, "Helm charts are not supported yet"}},
		{"helmCharts in another case", over(files{k: "HELMCHARTS: [{name: x}]\n"}), []string{k, "Helm charts are not supported yet"}},
		{"function", over(files{k: "resources: [../../base]\ntransformers: [t.yaml]\n", dir("t.yaml"): "apiVersion: x/v1\nkind: T\nmetadata: {name: p, annotations: {config.kubernetes.io/function: \"container: {image: x}\"}}\n"}), []string{dir("t.yaml:1"), "function"}},
		{"inline function", over(files{k: "generators:\n- |\n  apiVersion: builtin\n  kind: T\n  metadata: {name: p, annotations: {config.k8s.io/function: \"exec: {path: /bin/sh}\"}}\n"}), []string{k, "function"}},
		{"plugin in a directory", over(files{k: "resources: [../../base]\nvalidators: [v]\n", dir("v/kustomization.yaml"): "resources: [v.yaml]\n", dir("v/v.yaml"): "apiVersion: example.com/v1\nkind: Check\nmetadata: {name: p}\n"}), []string{dir("v/v.yaml:1"), "plugin"}},
		{"built-in Helm", over(files{k: "generators: [g.yaml]\n", dir("g.yaml"): "apiVersion: builtin\nkind: HelmChartInflationGenerator\nmetadata: {name: p}\n"}), []string{dir("g.yaml:1"), "Helm"}},
	}
}

// refusedEscapes are what leads out of the tree or blows up.
func refusedEscapes() []refusal {
	bomb := "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for i := 'b'; i < 'j'; i++ {
		p := string(i - 1)
		bomb += string(i) + ": &" + string(i) + " [" + strings.TrimSuffix(strings.Repeat("*"+p+",", 10), ",") + "]\n"
	}
	return []refusal{
		{"out of the repository", over(files{k: "resources: [../../../other]\n"}), []string{k + ":1", "leads out of the repository"}},
		{"absolute", over(files{k: "configMapGenerator: [{name: a, files: [/etc/passwd]}]\n"}), []string{k + ":1", "absolute path"}},
		{"link out", over(files{k: "resources: [a.yaml]\n", dir("a.yaml"): "link:../../../etc/passwd"}), []string{k + ":1", dir("a.yaml"), "outside of the repository"}},
		{"absolute link", plain(files{dir("a.yaml"): "link:/etc/passwd"}), []string{dir("a.yaml"), "outside of the repository"}},
		{"link to itself", plain(files{dir("a.yaml"): "link:a.yaml"}), []string{"symbolic links"}},
		{"link to a directory", plain(files{dir("a"): "link:../../base"}), []string{dir("a"), "symbolic link to a directory"}},
		{"link to nothing", plain(files{dir("a.yaml"): "link:b.yaml"}), []string{dir("a.yaml"), "nothing"}},
		{"submodule", over(files{k: "resources: [sub/base]\n", dir("sub"): "module:" + strings.Repeat("1", 40)}), []string{k + ":1", dir("sub"), "submodule"}},
		{"submodule among manifests", plain(files{dir("a.yaml"): configMap("a", "1"), dir("sub"): "module:" + strings.Repeat("1", 40)}), []string{dir("sub"), "submodule"}},
		{"large file", plain(files{dir("a.yaml"): configMap("a", strings.Repeat("x", 5<<20))}), []string{dir("a.yaml"), "5242880 bytes"}},
		{"alias bomb", plain(files{dir("a.yaml"): bomb}), []string{dir("a.yaml"), "too many values"}},
		{"cycle", over(files{"base/kustomization.yaml": "resources: [../environments/production]\n"}), []string{"cycle"}},
	}
}

// TestRenderRefuses checks that each is one error that names the file and what
// is wrong with it.
func TestRenderRefuses(t *testing.T) {
	var hits atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	defer server.Close()
	all := slices.Concat(refusedSets(), refusedYAML(), refusedRemotes(server.URL), refusedPlugins(), refusedEscapes())
	for _, tt := range all {
		t.Run(tt.name, func(t *testing.T) {
			_, err := single(t, tt.tree).Render(t.Context(), production, "HEAD")
			if err == nil {
				t.Fatal("it was rendered")
			}
			if code := model.CodeOf(err, model.ExitOK); code != model.ExitUsage {
				t.Errorf("exit code %d, want %d", code, model.ExitUsage)
			}
			text := err.Error()
			for _, want := range append(tt.want, "production: ") {
				if !strings.Contains(text, want) {
					t.Errorf("error %q does not say %q", text, want)
				}
			}
			if strings.ContainsAny(text, "\n\x1b") {
				t.Errorf("error %q is not one line", text)
			}
		})
	}
	if n := hits.Load(); n > 0 {
		t.Errorf("rendering made %d requests over the network", n)
	}
}
