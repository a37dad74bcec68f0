package repo

import (
	"slices"
	"strings"
	"testing"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
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

// refusedHelm are charts where none are rendered.
func refusedHelm() []refusal {
	return []refusal{
		{"chart among manifests", plain(files{dir("sub/Chart.yaml"): "name: x\n"}), []string{dir("sub/Chart.yaml"), "a Helm chart inside of a directory of plain manifests"}},
		{"helmCharts", over(files{k: "helmCharts: [{name: x, repo: https://example.com}]\n"}), []string{k, "render it into the repository"}},
		{"helmCharts in another case", over(files{k: "HELMCHARTS: [{name: x}]\n"}), []string{k, "render it into the repository"}},
		{"built-in Helm", over(files{k: "generators: [g.yaml]\n", dir("g.yaml"): "apiVersion: builtin\nkind: HelmChartInflationGenerator\nmetadata: {name: p}\n"}), []string{dir("g.yaml:1"), "Helm"}},
	}
}

// TestRenderRefuses checks that each is one error that names the file and what
// is wrong with it.
func TestRenderRefuses(t *testing.T) {
	all := slices.Concat(refusedSets(), refusedYAML(), refusedHelm())
	var h history
	for _, tt := range all {
		h.commit("main", tt.name, tt.tree)
	}
	dir, hashes := h.write(t)
	r := open(t, dir)
	for i, tt := range all {
		t.Run(tt.name, func(t *testing.T) {
			_, err := r.Render(t.Context(), production, hashes[i+1])
			checkRefusal(t, err, tt.want...)
		})
	}
}

// checkRefusal makes sure that an error is one line about the content, safe to
// show, that says what it has to.
func checkRefusal(t *testing.T, err error, want ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("it was rendered")
	}
	if code := model.CodeOf(err, model.ExitOK); code != model.ExitUsage {
		t.Errorf("exit code %d, want %d", code, model.ExitUsage)
	}
	text := err.Error()
	for _, w := range append(want, "production: ") {
		if !strings.Contains(text, w) {
			t.Errorf("error %q does not say %q", text, w)
		}
	}
	if safe := sanitize.Line(text); safe != text {
		t.Errorf("error %q can move the cursor or be misread", text)
	}
	if len(text) > 2000 {
		t.Errorf("the error is %d bytes long", len(text))
	}
}
