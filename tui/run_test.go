package tui

import (
	"context"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/tuitest"
)

func TestARolloutToItsEnd(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.ship()
		x.Has("rolling out", "production-119", "wave 1 of 3", "waiting")
		x.Pass(7 * time.Second)
		x.Has("of 3 ready", "under way")
		x.Pass(10 * time.Second)
		x.Has("succeeded: production runs 8f2c1d7", "100 %")
		x.Press("esc")
		x.Has("ENVIRONMENTS", "everything merged is live", "8f2c1d7", "production-119")
		x.Press("h")
		x.Has("production-119", "✓ succeeded")
	})
}

func TestABrokenRolloutNamesTheReason(t *testing.T) {
	play(t, 120, 40, func(b *tuitest.Backend, _ *Config) { b.Script = tuitest.Broken(time.Second, 10) }, func(t *testing.T, x table) {
		x.ship()
		x.Pass(7 * time.Second)
		x.Has("will not become ready: image ghcr.io/shop/gateway:2.0.9 cannot be pulled: manifest unknown",
			"gateway-7d4b9c-x2x7q", "ImagePullBackOff", "1 of 3 ready", "1 doomed")
		x.Lacks("9kk2p") // a pod that is ready is no news
		x.Pass(20 * time.Second)
		x.Has("✗ failed: production: Deployment shop/gateway will not become ready", "All 5 objects were written, and stay as they are.")
		x.Press("r")
		x.Has("production  review", "5 of 26 objects")
	})
}

func TestARefusedRunSaysThatNothingWasWritten(t *testing.T) {
	play(t, 120, 40, func(b *tuitest.Backend, _ *Config) {
		b.Fail("Apply", model.Errorf(model.ExitPlanMoved, "production: what would be applied is no longer what was approved: Deployment shop/cart differs otherwise than it did"))
	}, func(t *testing.T, x table) {
		x.ship()
		x.Pass(time.Second)
		x.Has("production  refused", "no longer what was approved", "Nothing was written.")
	})
}

func TestAbort(t *testing.T) {
	play(t, 120, 40, func(b *tuitest.Backend, _ *Config) { b.Script = tuitest.Broken(time.Second, 100) }, func(t *testing.T, x table) {
		x.ship()
		x.Pass(2 * time.Second)
		x.Press("a")
		x.Has("Abort the run in production?", "[ Go on ]")
		x.Pass(time.Second)
		x.Press("enter")
		x.Lacks("Abort the run")
		x.Has("rolling out")
		x.Press("a")
		x.Pass(time.Second)
		x.Press("tab", "enter")
		x.Pass(time.Second)
		x.Has("production  aborted", "stopped; what was written stays as it is", "not written")
	})
}

func TestARunGoesOnWhenItsPageIsLeft(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.ship()
		x.Pass(3 * time.Second)
		x.Press("esc")
		x.Has("ENVIRONMENTS", "applying", "r run")
		x.Press("enter")
		x.Has("a run is under way in production")
		x.Press("r")
		x.Has("rolling out")
		x.Press("esc")
		x.Pass(20 * time.Second)
		x.Has("everything merged is live")
		x.Press("r")
		x.Has("succeeded: production runs 8f2c1d7")
		x.applied(t, 1)
	})
}

func TestQuittingAsksWhileARunIsUnderWay(t *testing.T) {
	closed := false
	play(t, 120, 40, func(b *tuitest.Backend, _ *Config) {
		inner := tuitest.Broken(time.Second, 100)
		b.Script = func(ctx context.Context, a model.Approval, emit func(model.Event)) (model.Run, error) {
			run, err := inner(ctx, a, emit)
			<-time.After(2 * time.Second) // closing the record takes a while
			closed = true
			return run, err
		}
	}, func(t *testing.T, x table) {
		x.ship()
		x.Pass(2 * time.Second)
		x.Press("ctrl+c")
		x.Has("A run is under way in production. Quit?")
		x.Press("ctrl+c")
		x.Lacks("Quit?")
		x.Press("q")
		x.Pass(time.Second)
		x.Press("tab", "enter")
		x.Has("aborting the run and closing its record")
		if x.Quit {
			t.Fatal("quit before the record was closed")
		}
		x.Pass(3 * time.Second)
		if !x.Quit || !closed {
			t.Errorf("quit %v, record closed %v", x.Quit, closed)
		}
	})
}

func TestQuitIsImmediateOtherwise(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.Press("q")
		if !x.Quit {
			t.Error("q does not quit")
		}
	})
}

func TestTheDialogGoesWhenTheRunEnds(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.ship()
		x.Press("a")
		x.Has("Abort the run")
		x.Pass(20 * time.Second)
		x.Lacks("Abort the run")
		x.Has("succeeded")
	})
}

func TestEventsComeInBatches(t *testing.T) {
	const events = 1000
	play(t, 120, 40, func(b *tuitest.Backend, _ *Config) {
		b.Script = func(ctx context.Context, a model.Approval, emit func(model.Event)) (model.Run, error) {
			id := a.Plan.Objects[1].ID
			for i := range events {
				emit(model.Event{Time: time.Now(), Run: "production-119", Type: model.EventProgress, Object: &id,
					Progress: &model.Progress{ID: id, Readiness: model.ReadinessProgress, Ready: i, Desired: events}})
				<-time.After(time.Millisecond)
			}
			return model.Run{ID: "production-119", State: model.RunSucceeded, Environment: "production", Commit: a.Plan.Commit}, nil
		}
	}, func(t *testing.T, x table) {
		got, batches := 0, 0
		x.Seen = func(msg tea.Msg) {
			if m, ok := msg.(runMsg); ok {
				got, batches = got+len(m.events), batches+1
			}
		}
		x.ship()
		x.Pass(3 * time.Second)
		if got != events {
			t.Errorf("%d events arrived of %d", got, events)
		}
		if most := events/50 + 2; batches > most {
			t.Errorf("%d messages for one second of events, want %d at most", batches, most)
		}
	})
}
