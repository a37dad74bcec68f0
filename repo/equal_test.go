package repo

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/fairtide-dev/fairtide/model"
)

// TestRenderEqualsKustomizeOnDisk compares with kustomize run the usual way:
// on a checkout, with the kustomizations as they are written.
func TestRenderEqualsKustomizeOnDisk(t *testing.T) {
	for name, more := range map[string]files{
		"as it is":          {},
		"deprecated fields": {k: "bases: [../../base]\ncommonLabels: {a: b}\nlabels: [{pairs: {c: d}}]\nimageTags: [{name: registry.example.com/cart, newTag: \"9\"}]\npatchesStrategicMerge:\n- |-\n  {apiVersion: apps/v1, kind: Deployment, metadata: {name: cart}, spec: {replicas: 5}}\n"},
		"generators":        {k: "resources: [../../base]\nnamePrefix: x-\nconfigMapGenerator:\n- {name: a, files: [f.txt, g=f.txt], literals: [x=1], env: e.env}\nsecretGenerator: [{name: s, literals: [p=q]}]\ngeneratorOptions: {labels: {l: m}, annotations: {note: o}}\n", dir("f.txt"): "one\ntwo\n", dir("e.env"): "E=1\n"},
		"replacements":      {k: "resources: [../../base]\nreplacements: [{path: r.yaml}]\nreplicas: [{name: cart, count: 4}]\n", dir("r.yaml"): "source: {kind: ConfigMap, name: cart, fieldPath: data.timeout}\ntargets: [{select: {kind: Deployment}, fieldPaths: [\"metadata.annotations.[example.com/timeout]\"], options: {create: true}}]\n"},
		"patches":           {k: "resources: [../../base]\npatches:\n- {target: {kind: Deployment}, patch: '[{\"op\": \"add\", \"path\": \"/spec/paused\", \"value\": true}]'}\n- path: p.yaml\n", dir("p.yaml"): "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cart}\ndata: {timeout: null, more: \"x\"}\n"},
		"metadata":          {k: "resources: [../../base]\ncommonAnnotations: {a: b}\nbuildMetadata: [transformerAnnotations]\nsortOptions: {order: fifo}\n"},
		"transformers":      {k: "resources: [../../base]\ntransformers:\n- |\n  {apiVersion: builtin, kind: PrefixTransformer, metadata: {name: x}, prefix: y-, fieldSpecs: [{path: metadata/name}]}\n- t\n", dir("t/kustomization.yaml"): "resources: [t.yaml]\n", dir("t/t.yaml"): "{apiVersion: builtin, kind: LabelTransformer, metadata: {name: x}, labels: {u: v}, fieldSpecs: [{path: metadata/labels, create: true}]}\n"},
	} {
		t.Run(name, func(t *testing.T) {
			tree := over(more)
			want := builtOnDisk(t, tree)
			got := render(t, single(t, tree), production).Objects
			if len(got) != len(want) {
				t.Fatalf("%d objects, want %d", len(got), len(want))
			}
			for i := range want {
				if !reflect.DeepEqual(got[i].Fields, want[i].Fields) {
					t.Errorf("%s is\n%v\nwant\n%v", want[i].ID, got[i].Fields, want[i].Fields)
				}
				if got[i].Source.File == "" {
					t.Errorf("%s has no source", got[i].ID)
				}
			}
		})
	}
}

// builtOnDisk is what kustomize makes of a checkout of the tree.
func builtOnDisk(t *testing.T, tree files) []model.Object {
	t.Helper()
	top := t.TempDir()
	for name, content := range tree {
		p := filepath.Join(top, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	set, err := krusty.MakeKustomizer(&krusty.Options{
		LoadRestrictions: types.LoadRestrictionsNone, PluginConfig: types.DisabledPluginConfig(),
	}).Run(filesys.MakeFsOnDisk(), filepath.Join(top, production.Path))
	if err != nil {
		t.Fatal(err)
	}
	var want []model.Object
	for _, res := range set.Resources() {
		data, err := res.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		fields, err := decodeJSON(data)
		if err != nil {
			t.Fatal(err)
		}
		o, err := newObject(fields, model.Source{})
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, o)
	}
	slices.SortFunc(want, func(a, b model.Object) int { return a.ID.Compare(b.ID) })
	return want
}
