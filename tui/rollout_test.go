package tui

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/tuitest"
)

func broken(b *tuitest.Backend, _ *Config) { b.Script = tuitest.Broken(time.Second, 100) }

func slow(b *tuitest.Backend, _ *Config) { b.Script = tuitest.Slow(b, time.Second, 100, false) }

func away(b *tuitest.Backend, _ *Config) { b.Script = tuitest.Slow(b, time.Second, 100, true) }

func cutOff(b *tuitest.Backend, _ *Config) { tuitest.CutOff(b) }

func elsewhere(b *tuitest.Backend, _ *Config) {
	tuitest.Elsewhere(b, tuitest.Succeeding(b, time.Second))
}

// expired makes Apply find a lock whose holder let it expire.
func expired(b *tuitest.Backend, _ *Config) {
	now := time.Now()
	b.Fail("Apply", &model.TakeOverError{Environment: "production", Lock: model.Lock{
		Holder: "op2@bastion", Run: "production-118", Since: now.Add(-40 * time.Minute), Expires: now.Add(-25 * time.Minute),
	}})
}

// resume fills in the dialog that continues an interrupted run.
func (x table) resume() {
	x.Press("3", "C")
	x.Pass(time.Second)
	x.Type("op2 is away")
	x.Press("enter")
	x.Type("production")
	x.Press("enter")
	x.Pass(time.Second)
	x.Press("enter")
}

func TestAnInterruptedRunIsFoundAndResumed(t *testing.T) {
	play(t, 120, 40, cutOff, func(t *testing.T, x table) {
		x.Press("3")
		x.Has("interrupted: production-119 by op2@bastion", "C resumes it", "C resume")
		x.Press("r")
		x.Has("production  interrupted", "2 of 5 objects are recorded as written", "Not recorded as written: PodDisruptionBudget cart", "in wave 2 of 3 or later", "C resumes it")
		x.Press("esc")
		x.Press("C")
		x.Has("Ask op2@bastion first", "at most 3 of 5 objects", "B on the page of the run")
		x.Press("esc")
		x.resume()
		x.Has("rolling out")
		if n := x.backend.Count("Resume production production-119 op2 is away"); n != 1 {
			t.Errorf("%d calls of Resume with the reason: %q", n, x.backend.Calls())
		}
		x.Pass(20 * time.Second)
		x.Has("succeeded: production runs 8f2c1d7", "in 26 m", "; interrupted, and resumed at 08:18")
		x.Press("esc")
		x.Lacks("interrupted")
	})
}

func TestARunElsewhereIsWatchedAndAskedToStop(t *testing.T) {
	play(t, 120, 40, elsewhere, func(t *testing.T, x table) {
		x.Press("3")
		x.Has("next      → watch ci@runner-7's run", "r watch   enter review")
		x.Press("r")
		x.Pass(3 * time.Second)
		x.Lacks("p pause")
		x.Has("by ci@runner-7", "wave 2 of 3", "production-119")
		x.Press("p")
		x.Has("only whoever carries the run out can hold it up")
		x.Press("a")
		x.Has("Ask ci@runner-7 to stop the run in")
		x.Pass(time.Second)
		x.Type("wrong commit")
		x.Press("enter")
		x.Pass(time.Second)
		x.Press("enter")
		x.Has("asked ci@runner-7 to stop")
		if n := x.backend.Count("Abort production wrong commit"); n != 1 {
			t.Errorf("%d calls of Abort with the reason: %q", n, x.backend.Calls())
		}
		x.Press("esc")
		x.Has("ENVIRONMENTS")
		x.Press("q") // it goes on without us: there is nothing to ask
		if !x.Quit {
			t.Error("q asks about somebody else's run")
		}
	})
}

func TestARunIsHeldUpBetweenWaves(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.ship()
		x.Press("p")
		x.Has("pauses before the next wave")
		x.Pass(10 * time.Second)
		x.Has("production  paused", "paused before wave 2 of 3", "p go on")
		x.Press("p")
		x.Lacks("production  paused", "p go on")
		x.Pass(20 * time.Second)
		x.Has("succeeded")
	})
}

func TestTheAPIServerAway(t *testing.T) {
	play(t, 120, 40, away, func(t *testing.T, x table) {
		x.ship()
		x.Pass(40 * time.Second)
		x.Has("API server away since 08:18:", "what is shown is older")
		x.Pass(60 * time.Second)
		x.Lacks("what is shown is older")
	})
}

func TestALockIsTakenOverWithAReason(t *testing.T) {
	play(t, 120, 40, expired, func(t *testing.T, x table) {
		x.ship()
		x.Pass(time.Second)
		x.Has("Take over the lock of", "op2@bastion", "production-118")
		x.backend.Fail("Apply", nil)
		script, reason := x.backend.Script, ""
		x.backend.Set(func(b *tuitest.Backend) {
			b.Script = func(ctx context.Context, a model.Approval, emit func(model.Event)) (model.Run, error) {
				reason = a.TakeOver
				return script(ctx, a, emit)
			}
		})
		x.Type("its machine is gone")
		x.Press("enter")
		x.Pass(time.Second)
		x.Press("enter")
		x.Pass(20 * time.Second)
		x.Has("succeeded")
		if reason != "its machine is gone" {
			t.Errorf("the reason handed over is %q", reason)
		}
	})
}

func TestRollingBackReviewsWhatWasLive(t *testing.T) {
	play(t, 120, 40, func(b *tuitest.Backend, _ *Config) { b.Script = tuitest.Broken(time.Second, 2) }, func(t *testing.T, x table) {
		x.ship()
		x.Pass(20 * time.Second)
		x.Has("B reviews 3d09a11,")
		x.Press("B")
		x.Has("production  review")
		if n := x.backend.Count("Plan production " + tuitest.Live); n != 1 {
			t.Errorf("%d plans of what was live: %q", n, x.backend.Calls())
		}
	})
}

func TestARevertIsOfferedWhileTheRunIsDoomed(t *testing.T) {
	play(t, 120, 40, broken, func(t *testing.T, x table) {
		x.ship()
		x.Pass(3 * time.Second)
		x.Press("R")
		x.Has("R reverts a run that has failed")
		x.Pass(6 * time.Second)
		x.Press("R")
		x.Has("Back to 3d09a11")
		x.Press("esc")
		x.Has("rolling out", "doomed")
	})
}

func TestWhatIsBehindAnObjectIsKeptCurrent(t *testing.T) {
	play(t, 120, 40, slow, func(t *testing.T, x table) {
		x.ship()
		x.Pass(12 * time.Second)
		x.Press("enter")
		x.Has("PODS OF Deployment petstore", "petstore-6c9f5d-k8l2m", "EVENTS", "Unhealthy 4 times")
		x.Press("l")
		x.Has("LOG OF petstore", "loaded 18000 of 41200 pets")
		x.backend.Set(func(b *tuitest.Backend) { b.Logs["petstore"] = append(b.Logs["petstore"], "loaded\x1b[2J 41200") })
		x.Pass(5 * time.Second)
		x.Has("loaded 41200")
		x.Press("o")
		x.Has("THE RUN BEFORE", "no route to cache.shop.svc")
		x.Press("esc")
		calls := x.backend.Count("Describe")
		x.Pass(10 * time.Second)
		if n := x.backend.Count("Describe"); n != calls {
			t.Errorf("%d readings after the pane was closed", n-calls)
		}
		if n := x.backend.Count("LogTail production petstore-6c9f5d-k8l2m petstore true"); n != 1 {
			t.Errorf("the log before was read %d times", n)
		}
	})
}

// TestTheCursorGoesByHowThingsStand tells two objects ready in one message and
// in two: the page is the same.
func TestTheCursorGoesByHowThingsStand(t *testing.T) {
	drawn := map[string]bool{}
	for range 2 {
		together := len(drawn) == 0
		play(t, 60, 15, func(b *tuitest.Backend, _ *Config) { b.Script = tuitest.Broken(time.Hour, 1) }, func(t *testing.T, x table) {
			x.ship()
			page, now := x.app.runs["production"].page, time.Now()
			var events []model.Event
			for _, o := range page.Plan.Objects[:5] {
				events = append(events, model.Event{Time: now, Type: model.EventProgress, Object: &o.ID,
					Progress: &model.Progress{ID: o.ID, Readiness: model.ReadinessReady, Since: now}})
			}
			for i := range events {
				if !together {
					page.Take(events[i : i+1])
					x.Send(slowMsg{})
				}
			}
			if together {
				page.Take(events)
			}
			x.Send(slowMsg{})
			drawn[x.Screen()] = true
			x.app.abort("production")
			x.Settle()
		})
		if together && len(drawn) != 1 {
			t.Fatal("nothing was drawn")
		}
	}
	if len(drawn) != 1 {
		var both []string
		for s := range drawn {
			both = append(both, s)
		}
		t.Errorf("it depends on how the news came:\n%s", strings.Join(both, "\n\n"))
	}
}
