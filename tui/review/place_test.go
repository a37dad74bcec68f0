package review

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
	"github.com/fairtide-dev/fairtide/model"
)

func TestRiskPath(t *testing.T) {
	changes := []fieldpath.Change{
		{Path: "metadata.annotations.image-note"}, {Path: "spec.replicas"}, {Path: "spec.template.spec.containers[cart].env"},
		{Path: "spec.template.spec.containers[cart].image"}, {Path: "spec.template.spec.containers[cart].readinessProbe"},
		{Path: "spec.template.spec.securityContext.runAsUser"},
	}
	for risk, want := range map[string]string{
		"restarts-pods":        "spec.template.spec.containers[cart].env",
		"lowers-replicas":      "spec.replicas",
		"image-goes-backwards": "spec.template.spec.containers[cart].image",
		"image-pull-policy":    "",
		"probe-removed":        "spec.template.spec.containers[cart].readinessProbe",
		"runs-as-root":         "spec.template.spec.securityContext.runAsUser",
		"privileged-container": "spec.template.spec.securityContext.runAsUser",
		"changes-config":       "", // not metadata, which only has the letters in it
		"deletes-object":       "",
		"something-new":        "",
	} {
		if got := riskPath(risk, changes); got != want {
			t.Errorf("%s is about %q, want %q", risk, got, want)
		}
	}
}

// TestEveryRiskIsOnTheScreen holds that a risk stands above its hunk or above
// all of them, and never in both places or in none.
func TestEveryRiskIsOnTheScreen(t *testing.T) {
	rng := dice(t)
	names := []string{"restarts-pods", "lowers-replicas", "image-floating-tag", "host-path", "quota-exceeded", "unheard-of"}
	for range 100 {
		o := service("cart", "1", "2", func(o *model.PlannedObject) {
			o.Risks = nil
			if rng.IntN(2) == 0 {
				o.After["spec"].(map[string]any)["replicas"] = int64(1)
			}
			for i := range rng.IntN(5) {
				o.Risks = append(o.Risks, model.Risk{Name: names[rng.IntN(len(names))], Severity: model.SeverityWarning, Message: fmt.Sprintf("risk-%d happens", i)})
			}
		})
		p := opened(nil, &model.Plan{Objects: []model.PlannedObject{o}})
		p.zoom = true
		text := ansi.Strip(strings.Join(p.Draw(at(100, 56)).Lines, "\n"))
		for i := range o.Risks {
			if n := strings.Count(text, fmt.Sprintf("risk-%d happens", i)); n != 1 {
				t.Fatalf("risk %d of %+v is shown %d times:\n%s", i, o.Risks, n, text)
			}
		}
	}
}

// largeObject is a ConfigMap of n lines of which every hundredth changes.
func largeObject(n int) model.PlannedObject {
	side := func(value string) map[string]any {
		data := make(map[string]any, n)
		for i := range n {
			v := "value"
			if i%100 == 50 {
				v = value
			}
			data[fmt.Sprintf("key-%06d", i)] = v
		}
		return map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "data": data}
	}
	return model.PlannedObject{
		ID: model.ObjectID{Kind: "ConfigMap", Namespace: "shop", Name: "large"}, Verdict: model.VerdictUpdate,
		Before: side("old"), After: side("new"),
		Causes: []model.Cause{{Path: "data.key-000050", Kind: model.CauseGit, PullRequest: 42}},
	}
}

func TestALargeObjectIsShownBeforeAllOfItIsCompared(t *testing.T) {
	p := New(model.Environment{Name: "production"}, "", nil, 0)
	p.Plan.Value, p.Plan.Loaded = &model.Plan{Objects: []model.PlannedObject{largeObject(20_000)}}, true
	p.Sync()
	o, _ := p.Selected()
	rest, _ := p.compare(o)().(comparedMsg).Deliver()
	screen := func() string { return ansi.Strip(strings.Join(p.Draw(at(120, 40)).Lines, "\n")) }
	if first := screen(); rest == nil || !p.view.Partial() || !strings.Contains(first, "key-000050") {
		t.Fatalf("the first screen is not there:\n%s", first)
	}
	if _, changed := rest().(comparedMsg).Deliver(); !changed || p.view.Partial() {
		t.Fatal("the whole of it does not take its place")
	}
	if whole := screen(); !strings.Contains(whole, "key-000050") || !strings.Contains(whole, "#42") || !strings.Contains(whole, "hunk 1 of 200") {
		t.Errorf("the whole of it:\n%s", whole)
	}
	if n := slices.Index(p.order, o.ID); n != len(p.order)-1 {
		t.Errorf("it is kept %d times", len(p.order))
	}
}

// BenchmarkOpen is how long an object of 100,000 lines takes until its first
// screen, and until all of it is there.
func BenchmarkOpen(b *testing.B) {
	o := largeObject(100_000)
	p := New(model.Environment{}, "", nil, 0)
	p.Plan.Value, p.Plan.Loaded = &model.Plan{Objects: []model.PlannedObject{o}}, true
	p.Sync()
	b.Run("first", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if p.compare(o)() == nil {
				b.Fatal("nothing")
			}
		}
	})
	b.Run("whole", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if msg, _ := p.compare(o)().(comparedMsg); msg.rest() == nil {
				b.Fatal("nothing")
			}
		}
	})
}
