package rollout

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// The time in which a run is paused does not count towards its timeout, and what
// comes before and after does.
func TestAPauseDoesNotTakeTheRunsTime(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		pause time.Duration
		slow  time.Duration // that the wave after it takes to become ready
		late  bool
	}{
		{"a long pause", 24 * time.Hour, time.Minute, false},
		{"all of the time but a second", time.Hour, 10*time.Minute - time.Second, false},
		{"too slow after it", time.Hour, 10*time.Minute + time.Second, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, e := newRolling(t, ", rollout: {timeout: 10m, waveTimeout: 1h}")
				w.next()
				w.holds["cart2"] = make(chan struct{})
				brake := &model.Brake{}
				w.onEvent = func(ev model.Event) {
					switch {
					case ev.Type == model.EventWave && ev.Wave == 1:
						brake.Set(true)
					case ev.Type == model.EventPaused:
						time.AfterFunc(c.pause, func() { brake.Set(false) })
					case ev.Type == model.EventContinued:
						time.AfterFunc(c.slow, func() { close(w.holds["cart2"]) })
					}
				}
				began := time.Now()
				run, err := w.ship(e, func(a *model.Approval) { a.Brake = brake })
				took := time.Since(began)
				if !c.late && (err != nil || run.State != model.RunSucceeded) {
					t.Errorf("%s after %s: %v", run.State, took, err)
				}
				if late := c.pause + 10*time.Minute; c.late &&
					(model.CodeOf(err, 0) != model.ExitRolloutFailed || !strings.Contains(err.Error(), "stopped after 10m0s") || took < late || took > late+time.Minute) {
					t.Errorf("%s after %s: %v", run.State, took, err)
				}
				synctest.Wait()
				if c.late { // nothing waits for it any more, and the bubble has to end
					<-time.After(c.slow)
				}
			})
		})
	}
}

// A run that is stopped while it is paused is aborted, and not late.
func TestAPausedRunIsAborted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, e := newRolling(t, ", rollout: {timeout: 10m}")
		w.next()
		brake := &model.Brake{}
		brake.Set(true)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		w.onEvent = func(ev model.Event) {
			if ev.Type == model.EventPaused {
				time.AfterFunc(time.Hour, cancel)
			}
		}
		plan, err := e.Plan(ctx, "staging", "")
		if err != nil {
			t.Fatal(err)
		}
		run, err := e.Apply(ctx, model.Approval{Plan: plan, Brake: brake}, w.hear)
		if model.CodeOf(err, 0) != model.ExitInterrupted || run.State != model.RunAborted || strings.Contains(err.Error(), "limit") {
			t.Errorf("%s, %v", run.State, err)
		}
	})
}

// What the plan knows to keep a workload from becoming ready is its cause from
// the first reading on, in the story, in the failure and in the record.
func TestWhatIsForeseenIsTheCause(t *testing.T) {
	t.Parallel()
	const why = "Deployment shop/cart waits for ConfigMap shop/settings, which this run applies only in wave 3"
	risk := model.Risk{Name: model.RiskLaterWave, Severity: model.SeverityDanger, Message: why}
	synctest.Test(t, func(t *testing.T) {
		w, e := newRolling(t, "")
		w.risks = map[string]model.Risk{"cart": risk, "settings": {Name: "changes-config", Message: "not a cause"}}
		w.live(shopping)
		w.merge(shopping.at("2"), settings.in("3"))
		w.holds["cart2"] = make(chan struct{})
		run, err := w.ship(e)
		if model.CodeOf(err, 0) != model.ExitRolloutFailed || strings.Count(err.Error(), why) != 1 || run.State != model.RunFailed {
			t.Errorf("%s, %v", run.State, err)
		}
		first := true
		for _, ev := range w.story {
			if ev.Progress != nil && first {
				first = false
				if ev.Type != model.EventCause || ev.Progress.Cause != why || !ev.Progress.Doomed || ev.Message != why {
					t.Errorf("the first reading is %+v", ev.Progress)
				}
			}
		}
		if got := results(w.run(run.ID)); got != "cart failed, settings pending" {
			t.Errorf("%s", got)
		}
	})
	// What becomes ready all the same has no cause, and without the gate nothing
	// waits for the later wave.
	for _, policy := range []string{"", ", rollout: {gate: applied}"} {
		w, e := newRolling(t, policy)
		w.risks = map[string]model.Risk{"cart": risk}
		w.merge(shopping, settings.in("3"))
		if run, err := w.ship(e); err != nil || run.State != model.RunSucceeded {
			t.Errorf("%q: %s, %v", policy, run.State, err)
		}
		for _, ev := range w.story {
			if ev.Type == model.EventCause {
				t.Errorf("%q: %+v", policy, ev)
			}
		}
	}
}
