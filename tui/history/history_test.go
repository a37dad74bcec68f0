package history

import (
	"fmt"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/theme"
)

func TestWhereARunStopped(t *testing.T) {
	object := func(kind, name string, r model.ObjectResult) model.RunObject {
		return model.RunObject{ID: model.ObjectID{Kind: kind, Name: name}, Verdict: model.VerdictUpdate, Result: r}
	}
	test := func(name string, required bool, s model.TestState) model.TestResult {
		return model.TestResult{Name: name, Required: required, State: s}
	}
	ready := object("ConfigMap", "a", model.ResultReady)
	for want, r := range map[string]model.Run{
		"": {State: model.RunSucceeded, Objects: []model.RunObject{ready}},
		"wave 2 of 2, workloads and services: Deployment b": {State: model.RunFailed, Objects: []model.RunObject{
			ready, object("Deployment", "b", model.ResultFailed)}},
		"wave 2 of 2, workloads and services: 1 object not written": {State: model.RunAborted, Objects: []model.RunObject{
			ready, object("Deployment", "b", model.ResultPending)}},
		"wave 2 of 2, workloads and services: 1 object not recorded as written": {State: model.RunInterrupted, Objects: []model.RunObject{
			ready, object("Deployment", "b", model.ResultPending)}},
		"front of the first wave: nothing is recorded as written": {State: model.RunInterrupted, Objects: []model.RunObject{
			object("Deployment", "b", model.ResultPending)}},
		"front of the first wave: nothing was written": {State: model.RunAborted, Objects: []model.RunObject{
			object("Deployment", "b", model.ResultPending)}},
		"the tests: smoke": {State: model.RunFailed, Objects: []model.RunObject{ready}, Tests: []model.TestResult{
			test("lint", false, model.TestFailed), test("smoke", true, model.TestFailed), test("ok", true, model.TestPassed)}},
	} {
		if got := stoppedAt(r); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := stoppedAt(model.Run{State: model.RunTesting, Objects: []model.RunObject{object("Deployment", "b", model.ResultFailed)}}); got != "" {
		t.Errorf("a run under way has stopped: %q", got)
	}
}

func TestTheMouseInTheHistory(t *testing.T) {
	now := time.Date(2026, 11, 24, 8, 18, 0, 0, time.UTC)
	for _, w := range []int{80, 120} {
		p := New(model.Environment{Name: "production"})
		for i := range 9 {
			p.Runs.Value = append(p.Runs.Value, model.Run{ID: fmt.Sprintf("production-%d", 9-i), StartedAt: now, State: model.RunSucceeded})
		}
		p.Runs.Loaded = true
		p.Sync()
		f := frame.Frame{W: w, H: 30, Now: now, Theme: theme.New(theme.Options{Depth: theme.Mono})}
		p.Draw(f)
		if _, ok := p.Click(5, p.drawn.rows.y+3); !ok {
			t.Fatalf("at %d: a click on a row selects nothing", w)
		}
		if r, _ := p.Selected(); r.ID != "production-6" {
			t.Errorf("at %d: %s is selected", w, r.ID)
		}
		p.Wheel(5, p.drawn.rows.y, 2)
		if r, _ := p.Selected(); r.ID != "production-4" {
			t.Errorf("at %d: %s is selected after the wheel", w, r.ID)
		}
		if _, ok := p.Click(p.drawn.run.x+1, p.drawn.run.y+1); !ok || !p.inRun {
			t.Errorf("at %d: a click on the record does not go into it", w)
		}
		p.Wheel(p.drawn.run.x+1, p.drawn.run.y+1, 3)
		if p.scroll != 3 {
			t.Errorf("at %d: scrolled to %d", w, p.scroll)
		}
		if _, ok := p.Click(-1, -1); ok {
			t.Errorf("at %d: a click beside the page selects something", w)
		}
		p.Divide(70)
		if got := p.Draw(f).Split; w == 120 && got != 70 {
			t.Errorf("the divider is at %d", got)
		}
	}
}
