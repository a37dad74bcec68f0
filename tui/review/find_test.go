package review

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/internal/manifest"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/diffview"
)

// wide is a plan of n deployments with a changed image, and one setting that no
// other has.
func wide(n int) *model.Plan {
	side := func(i int, version string) map[string]any {
		name := fmt.Sprintf("service-%04d", i)
		return map[string]any{
			"apiVersion": "apps/v1", "kind": "Deployment",
			"metadata": map[string]any{"name": name, "namespace": "shop", "labels": map[string]any{"app.kubernetes.io/name": name}},
			"spec": map[string]any{
				"replicas": int64(3),
				"selector": map[string]any{"matchLabels": map[string]any{"app.kubernetes.io/name": name}},
				"template": map[string]any{"spec": map[string]any{
					"containers": []any{map[string]any{
						"name": name, "image": "ghcr.io/shop/" + name + ":" + version,
						"ports":          []any{map[string]any{"containerPort": int64(8080), "name": "http"}},
						"readinessProbe": map[string]any{"httpGet": map[string]any{"path": "/healthz", "port": "http"}, "periodSeconds": int64(5)},
						"env":            []any{map[string]any{"name": "INDEX", "value": fmt.Sprint(i)}, map[string]any{"name": "MODE", "value": "Fast"}},
						"resources":      map[string]any{"limits": map[string]any{"memory": "256Mi"}, "requests": map[string]any{"cpu": "100m"}},
					}},
					"serviceAccountName": name, "terminationGracePeriodSeconds": int64(30),
				}},
			},
		}
	}
	p := &model.Plan{Environment: "production", Commit: "8f2c1d7"}
	for i := range n {
		p.Objects = append(p.Objects, model.PlannedObject{
			ID:      model.ObjectID{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: fmt.Sprintf("service-%04d", i)},
			Verdict: model.VerdictUpdate, Before: side(i, "1.4.1"), After: side(i, "1.4.2"),
		})
	}
	return p
}

// The count of an object without its document is the document's own.
func TestCountsAreTheDocuments(t *testing.T) {
	seed := uint64(time.Now().UnixNano()) //nolint:gosec // any number will do
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // not for secrets
	values := []any{"a", "A b", "ab\nb\n\ta", "é\u202e", int64(1), true, nil, "aaaa", "日本 a", "1", []any{"a", "ab"}, map[string]any{"a": "b"}}
	side := func() map[string]any {
		if r.IntN(8) == 0 {
			return nil
		}
		m := map[string]any{"kind": "a"}
		for range r.IntN(12) {
			m[fmt.Sprintf("k%d", r.IntN(8))] = values[r.IntN(len(values))]
		}
		return m
	}
	for range 500 {
		o := model.PlannedObject{Before: side(), After: side()}
		if r.IntN(4) == 0 {
			o.Shown = side()
		}
		shown := o.After
		if o.Shown != nil {
			shown = o.Shown
		}
		before, err := manifest.YAML(o.Before)
		if err != nil {
			t.Fatal(err)
		}
		after, err := manifest.YAML(shown)
		if err != nil {
			t.Fatal(err)
		}
		doc := diffview.Compare(string(before), string(after))
		for _, query := range []string{"a", "A", "aa", "k1: ", "ab", "é", "日本", "<U+202E>", "zz"} {
			got := (&texts{plan: &model.Plan{Objects: []model.PlannedObject{o}}}).count(t.Context(), query)
			if want := doc.Count(query); got[0] != want {
				t.Fatalf("%q is found %d times, the document says %d:\n%s---\n%s", query, got[0], want, before, after)
			}
		}
	}
}

func TestACountThatIsGivenUpTellsNothing(t *testing.T) {
	p := New(model.Environment{}, "", nil, 0)
	p.Plan.Value = wide(100)
	p.Sync()
	first := p.Find(t.Context(), "image")
	second := p.Find(t.Context(), "images")
	if msg := first(); msg != nil {
		t.Errorf("the count that was given up told %v", msg)
	}
	msg, ok := second().(foundMsg)
	if !ok {
		t.Fatal("the second count told nothing")
	}
	p.Find(t.Context(), "shop")
	if _, changed := msg.Deliver(); changed {
		t.Error("a count for another text was taken")
	}
}

func BenchmarkSearch(b *testing.B) {
	plan := wide(5000)
	b.Run("first", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			(&texts{plan: plan}).count(context.Background(), "memory")
		}
	})
	in := &texts{plan: plan}
	for _, query := range []string{"memory", "e", "nothing has this", "Fast"} {
		b.Run(query, func(b *testing.B) {
			in.count(context.Background(), query)
			b.ReportAllocs()
			for b.Loop() {
				in.count(context.Background(), query)
			}
		})
	}
}
