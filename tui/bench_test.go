package tui

import (
	"context"
	"fmt"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/review"
	"github.com/fairtide-dev/fairtide/tui/tuitest"
)

func BenchmarkFirstFrame(b *testing.B) {
	backend := tuitest.Sample(time.Now())
	b.ReportAllocs()
	for b.Loop() {
		a := New(Config{Backend: backend, Repository: "petstore-environments"})
		if a.View().Content == "" {
			b.Fatal("no frame")
		}
	}
}

// largePlan has 1,000 objects, the first of them with 20,000 lines of which
// every hundredth changes.
func largePlan() *model.Plan {
	p := &model.Plan{Environment: "production", Commit: tuitest.Head, From: tuitest.Live, Cluster: "gke-production"}
	side := func(lines int, value string) map[string]any {
		data := map[string]any{}
		for i := range lines {
			v := "value"
			if i%100 == 50 {
				v = value
			}
			data[fmt.Sprintf("key-%06d", i)] = v
		}
		return map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "data": data}
	}
	for i := range 1000 {
		lines := 20
		if i == 0 {
			lines = 20_000
		}
		p.Objects = append(p.Objects, model.PlannedObject{
			ID:      model.ObjectID{Kind: "ConfigMap", Namespace: "shop", Name: fmt.Sprintf("config-%04d", i)},
			Verdict: model.VerdictUpdate, Before: side(lines, "old value"), After: side(lines, "new value"),
			Risks: []model.Risk{{Severity: model.SeverityWarning, Message: "restarts 3 pods"}},
		})
	}
	return p
}

// onReview is an App that shows the plan at 200x60, everything in sight compared.
func onReview(b *testing.B, plan *model.Plan) *App {
	b.Helper()
	a := New(Config{Backend: tuitest.Sample(time.Now())})
	a.Update(tea.WindowSizeMsg{Width: 200, Height: 60})
	page := review.New(model.Environment{Name: "production", Tier: model.TierProduction}, "", nil, 0)
	_, epoch := page.Plan.Begin(context.Background(), time.Now())
	page.Plan.Done(epoch, plan, nil, time.Now())
	a.review, a.at = page, action.Review
	drain(a, page.Sync())
	a.View()
	return a
}

// drain runs a command and what follows from it, but no timers.
func drain(a *App, cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	switch msg := cmd().(type) {
	case nil:
	case tea.BatchMsg:
		for _, c := range msg {
			drain(a, c)
		}
	default:
		a.route(msg)
		a.frame = nil
	}
}

func benchmarkKeys(b *testing.B, plan *model.Plan, keys ...string) {
	a := onReview(b, plan)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		k := tuitest.Key(keys[i%len(keys)])
		i++
		a.Update(k)
		if a.View().Content == "" {
			b.Fatal("no frame")
		}
	}
}

// BenchmarkKeyToFrame is a key press and the frame that follows it.
func BenchmarkKeyToFrame(b *testing.B) {
	plan := largePlan()
	b.Run("object", func(b *testing.B) { benchmarkKeys(b, plan, "j", "j", "j", "k") })
	b.Run("scroll", func(b *testing.B) { benchmarkKeys(b, plan, "space", "space", "space", "b") })
	b.Run("hunk", func(b *testing.B) { benchmarkKeys(b, plan, "n", "n", "n", "N") })
	b.Run("unfold", func(b *testing.B) { benchmarkKeys(b, plan, "z") })
}
