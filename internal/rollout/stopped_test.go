package rollout

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// slowing is a cluster whose answers to writes of what is recorded take their
// time, and may be waited for in vain.
type slowing struct {
	*rolling
	newRun func(ctx context.Context) error
	state  func(ctx context.Context) error // the first write of it
	writes int
}

func newSlowing(t *testing.T) (*slowing, *Engine) {
	t.Helper()
	w, _ := newRolling(t, "")
	w.next()
	s := &slowing{rolling: w}
	cfg := w.wiring()
	cfg.Connect = func(string, string) (Cluster, error) { return s, nil }
	return s, New(cfg)
}

func (s *slowing) NewRun(ctx context.Context, r model.Run) (model.Run, error) {
	r, err := s.rolling.NewRun(ctx, r)
	if s.newRun != nil {
		err = errors.Join(err, s.newRun(ctx))
	}
	return r, err
}

func (s *slowing) WriteState(ctx context.Context, env string, state model.State) (model.State, error) {
	if s.writes++; s.writes == 1 && s.state != nil {
		if err := s.state(ctx); err != nil {
			return model.State{}, err
		}
	}
	return s.rolling.WriteState(ctx, env, state)
}

// ends carries out a run that it lets the test stop.
func (s *slowing) ends(ctx context.Context, t *testing.T, e *Engine) (model.Run, error) {
	t.Helper()
	plan, err := e.Plan(ctx, "staging", "")
	if err != nil {
		t.Fatal(err)
	}
	run, err := e.Apply(ctx, model.Approval{Plan: plan}, s.hear)
	s.wantOneEnd(err)
	return run, err
}

// A write of the state takes as long as the API server needs. When the run is
// stopped meanwhile it has Timing.Close to come to its end.
func TestAWriteOfTheStateComesToItsEnd(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name        string
		takes, stop time.Duration // stop 0: nobody does
		ends        time.Duration
		wrote       string
	}{
		{name: "slowly", takes: 40 * time.Second, ends: 40 * time.Second, wrote: "settings cart front -goes"},
		{name: "stopped, and answered", takes: 30 * time.Second, stop: 20 * time.Second, ends: 30 * time.Second},
		{name: "stopped, and never answered", takes: time.Hour, stop: 20 * time.Second, ends: 35 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, e := newSlowing(t)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				s.slowing(c.takes)
				if c.stop > 0 {
					time.AfterFunc(c.stop, cancel)
				}
				began := time.Now()
				run, err := s.ends(ctx, t, e)
				took, state := time.Since(began), model.RunSucceeded
				if c.stop > 0 {
					state = model.RunAborted
				}
				if run.State != state || (err == nil) != (c.stop == 0) || s.run(run.ID).State != state || s.memory.state.LastRun.State != state {
					t.Errorf("%s, %v; recorded %s, in the state %+v", run.State, err, s.run(run.ID).State, s.memory.state.LastRun)
				}
				if took < c.ends || took > c.ends+time.Second || strings.Join(s.wrote, " ") != c.wrote {
					t.Errorf("after %s, written %q", took, s.wrote)
				}
			})
		})
	}
}

func (s *slowing) slowing(takes time.Duration) {
	s.state = func(ctx context.Context) error {
		select {
		case <-time.After(takes):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// A run that is stopped before it has written an object says so, and leaves no
// open record, whenever that is.
func TestStoppedBeforeItWrites(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"while its record is made", "once it has one"} {
		s, e := newSlowing(t)
		ctx, cancel := context.WithCancel(t.Context())
		if at == "once it has one" {
			s.onEvent = func(ev model.Event) {
				if ev.Type == model.EventStarted {
					cancel()
				}
			}
		} else {
			s.newRun = func(asked context.Context) error {
				cancel()
				return asked.Err()
			}
		}
		run, err := s.ends(ctx, t, e)
		cancel()
		if err == nil || err.Error() != "staging: stopped, and nothing was written" || !errors.Is(err, context.Canceled) || model.CodeOf(err, 0) != model.ExitInterrupted {
			t.Errorf("%s: %v", at, err)
		}
		if record := s.run(run.ID); record.State != model.RunAborted || record.FinishedAt.IsZero() || record.Reason != err.Error() || s.freed != 1 || len(s.wrote) > 0 {
			t.Errorf("%s: the record is %+v, freed %d times, written %q", at, record, s.freed, s.wrote)
		}
	}
}
