package tui

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

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

// configMapOf is a side of an object with that many lines of data, of which
// every hundredth has the value.
func configMapOf(lines int, value string) map[string]any {
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

// filesOf is the same in files of a thousand lines each, as configuration comes.
func filesOf(lines int, value string) map[string]any {
	const each = 1_000
	data := map[string]any{}
	for i := 0; i < lines; i += each {
		var text strings.Builder
		for j := i; j < min(i+each, lines); j++ {
			v := "value"
			if j%100 == 50 {
				v = value
			}
			fmt.Fprintf(&text, "key-%06d: %s\n", j, v)
		}
		data[fmt.Sprintf("file-%06d.yaml", i)] = text.String()
	}
	return map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "data": data}
}

// planOf has an object for each number: with that many lines.
func planOf(lines ...int) *model.Plan { return planWith(configMapOf, lines...) }

func planWith(side func(lines int, value string) map[string]any, lines ...int) *model.Plan {
	p := &model.Plan{Environment: "production", Commit: tuitest.Head, From: tuitest.Live, Cluster: "gke-production", ReadAt: time.Now()}
	for i, n := range lines {
		before, after := side(n, "old value"), side(n, "new value")
		p.Objects = append(p.Objects, model.PlannedObject{
			ID:      model.ObjectID{Kind: "ConfigMap", Namespace: "shop", Name: fmt.Sprintf("config-%04d", i)},
			Verdict: model.VerdictUpdate, Before: before, After: after, Deployed: before, Rendered: after, Live: model.LiveRef{ResourceVersion: "1"},
			Risks: []model.Risk{{Name: "restarts-pods", Severity: model.SeverityWarning, Message: "restarts 3 pods"}},
		})
	}
	p.Sort()
	return p
}

const (
	manyObjects = 5_000
	manyLines   = 100_000
)

// manyPlan has 5,000 objects as services have them, every fifth of which
// changes; longPlan has one of 100,000 lines after a short one.
func manyPlan() *model.Plan {
	p := planOf(slices.Repeat([]int{60}, manyObjects)...)
	for i := range p.Objects {
		if o := &p.Objects[i]; i%5 > 0 {
			o.Verdict, o.After, o.Rendered, o.Risks = model.VerdictUnchanged, o.Before, o.Before, nil
		}
	}
	p.Sort()
	return p
}

// wholeHunks is on the screen when all of a long object was compared.
var wholeHunks = fmt.Sprintf("hunk 1 of %d ", manyLines/100)

func longPlan() *model.Plan { return planOf(60, manyLines) }

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

// drain runs a command and what follows from it.
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
		next, _ := a.route(msg)
		a.frame = nil
		drain(a, next)
	}
}

// laps are how long something took, again and again.
type laps []time.Duration

// report tells the median and what 95 of 100 stay under.
func (l laps) report(b *testing.B) {
	slices.Sort(l)
	b.ReportMetric(float64(l[len(l)/2].Microseconds()), "µs-p50")
	b.ReportMetric(float64(l[len(l)*95/100].Microseconds()), "µs-p95")
}

// BenchmarkKeyToFrame is a key press and the frame that follows it, at 200x60.
func BenchmarkKeyToFrame(b *testing.B) {
	for _, p := range []struct {
		name string
		plan *model.Plan
	}{{"5000-objects", manyPlan()}, {"100000-lines", longPlan()}} {
		for _, k := range []struct{ name, keys string }{
			{"list", "j j j k"}, {"object", "] ] ] ["}, {"ends", "G g"}, {"reviewed", "space"}, {"unreviewed", "u"}, {"group", "t"}, {"unchanged", "="},
			{"scroll", "enter j j k j"}, {"page", "pgdown pgdown pgdown pgup"}, {"bottom", "enter G g"}, {"hunk", "n n n N"}, {"unfold", "z"},
			{"layout", "|"}, {"wrap", "w"}, {"sideways", "L H"}, {"zoom", "f"}, {"divider", "< >"}, {"help", "? esc"}, {"confirm", "s esc"},
		} {
			b.Run(p.name+"/"+k.name, func(b *testing.B) { benchmarkKeys(b, p.plan, strings.Fields(k.keys)...) })
		}
	}
}

// benchmarkKeys presses keys in turn. What a key starts in the background goes
// on between them, as it does for an operator.
func benchmarkKeys(b *testing.B, plan *model.Plan, keys ...string) {
	a := onReview(b, plan)
	if len(plan.Objects) == 2 { // the long one
		o := opening{app: a, results: make(chan tea.Msg, 64)}
		_, cmd := a.Update(tuitest.Key("]"))
		o.start(cmd)
		o.until(b, func(screen string) bool { return strings.Contains(screen, wholeHunks) })
	}
	var took laps
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		k := tuitest.Key(keys[i%len(keys)])
		began := time.Now()
		_, cmd := a.Update(k)
		if a.View().Content == "" {
			b.Fatal("no frame")
		}
		took = append(took, time.Since(began))
		if cmd != nil && i < 50 {
			b.StopTimer()
			background(a, cmd, 20*time.Millisecond)
			b.StartTimer()
		}
	}
	took.report(b)
}

// background runs a command and what follows from it as Bubble Tea does, and
// handles what comes of it within a time: ticks and watches take longer.
func background(a *App, cmd tea.Cmd, limit time.Duration) {
	o := opening{app: a, results: make(chan tea.Msg, 64)}
	o.start(cmd)
	for end := time.After(limit); ; {
		select {
		case msg := <-o.results:
			o.handle(msg)
		case <-end:
			return
		}
	}
}

// BenchmarkOpenLongObject is from the key that selects an object of 100,000
// lines, not compared before, to the frame that shows its diff.
func BenchmarkOpenLongObject(b *testing.B) {
	for name, side := range map[string]func(int, string) map[string]any{"keys": configMapOf, "files": filesOf} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			plan := planWith(side, 60, 60, 60, manyLines) // the last is no neighbour of the first
			var first, all laps
			for b.Loop() {
				b.StopTimer()
				a := onReview(b, plan)
				b.StartTimer()
				began := time.Now()
				opened := opening{app: a, results: make(chan tea.Msg, 64)}
				_, cmd := a.Update(tuitest.Key("G"))
				opened.start(cmd)
				opened.until(b, func(screen string) bool { return strings.Contains(screen, "old value") })
				first = append(first, time.Since(began))
				opened.until(b, func(screen string) bool { return strings.Contains(screen, wholeHunks) })
				all = append(all, time.Since(began))
			}
			slices.Sort(all)
			first.report(b)
			b.ReportMetric(float64(all[len(all)/2].Milliseconds()), "ms-whole")
		})
	}
}

// opening is an App whose commands run beside it.
type opening struct {
	app     *App
	results chan tea.Msg
}

func (o *opening) start(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	go func() {
		switch msg := cmd().(type) {
		case nil:
		case tea.BatchMsg:
			for _, c := range msg {
				o.start(c)
			}
		default:
			select {
			case o.results <- msg:
			default: // nobody waits for it any more
			}
		}
	}()
}

func (o *opening) handle(msg tea.Msg) {
	_, cmd := o.app.Update(msg)
	o.start(cmd)
	o.app.View()
}

func (o *opening) until(b *testing.B, seen func(screen string) bool) {
	b.Helper()
	for end := time.After(time.Minute); !seen(ansi.Strip(o.app.View().Content)); {
		select {
		case msg := <-o.results:
			o.handle(msg)
		case <-end:
			b.Fatalf("it was not shown:\n%.4000s", o.app.View().Content)
		}
	}
}
