package rollout

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// crashing is a cluster whose API server crashes while a run is watched or
// deletes, and is started again after a while.
type crashing struct {
	*rolling
	at    string        // the object that is being watched, or whose deletion is waited for
	back  time.Duration // after that it answers again; 0: never
	tells bool          // that it is back is known before what has become ready meanwhile
	since time.Time     // when it went away
}

func (c *crashing) Watch(ctx context.Context, targets []model.Target, emit func(model.Progress), away func(time.Time, string)) error {
	for _, t := range targets {
		if t.ID.Name != c.at || !c.since.IsZero() {
			continue
		}
		c.since = time.Now()
		away(c.since, "connection refused")
		if c.back == 0 {
			<-ctx.Done()
			return nil
		}
		select {
		case <-time.After(c.back):
		case <-ctx.Done():
			return nil
		}
		if c.tells {
			away(time.Time{}, "")
		}
	}
	return c.rolling.Watch(ctx, targets, emit, away)
}

// Info does not answer while the server is away.
func (c *crashing) Info(ctx context.Context) (model.ClusterInfo, error) {
	if !c.since.IsZero() && (c.back == 0 || time.Since(c.since) < c.back) {
		return model.ClusterInfo{}, model.Errorf(model.ExitUnreachable, "connection refused")
	}
	return c.rolling.Info(ctx)
}

func (c *crashing) Remains(_ context.Context, o model.PlannedObject) (string, error) {
	if o.ID.Name != c.at {
		return "", nil
	}
	if c.since.IsZero() {
		c.since = time.Now()
	}
	if c.back == 0 || time.Since(c.since) < c.back {
		return "", model.Errorf(model.ExitUnreachable, "connection refused")
	}
	return "", nil
}

// Wherever the API server crashes, the run tells since when it is away, once, and
// that it is back, before its own end. One that never comes back is not told to
// be back.
func TestACrashOfTheServerIsTold(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, policy, at string
		back             time.Duration
		tells            bool
		code             model.ExitCode
		says             string
	}{
		{name: "the first wave", at: "settings", back: time.Minute, tells: true},
		{name: "the first wave, ready before all watches are back", at: "settings", back: time.Minute},
		{name: "a wave in the middle", at: "cart", back: 10 * time.Minute, tells: true},
		{name: "the last wave", at: "front", back: time.Minute},
		{name: "the end", policy: ", rollout: {gate: applied}", at: "cart", back: time.Minute, tells: true},
		{name: "a deletion", at: "goes", back: time.Minute},
		{name: "for ever", at: "cart", code: model.ExitRolloutFailed, says: "cart is not ready after 20m0s"},
		{name: "for ever, while it deletes", at: "goes", code: model.ExitRolloutFailed, says: "connection refused"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, _ := newRolling(t, c.policy)
				w.next()
				cluster := &crashing{rolling: w, at: c.at, back: c.back, tells: c.tells}
				cfg := w.wiring()
				cfg.Connect = func(string, string) (Cluster, error) { return cluster, nil }
				cfg.Timing.Ready = 20 * time.Minute
				began := time.Now()
				run, err := w.ship(New(cfg))
				if model.CodeOf(err, 0) != c.code || c.says != "" && !strings.Contains(err.Error(), c.says) {
					t.Errorf("%s, %v", run.State, err)
				}
				if (err == nil) != (run.State == model.RunSucceeded) || w.freed != 1 {
					t.Errorf("%s, %v; the lock was freed %d times", run.State, err, w.freed)
				}
				var told []model.Event
				for _, ev := range w.story { // of which the last one is its end: see ship
					if ev.Type == model.EventAway {
						told = append(told, ev)
					}
				}
				want := 2
				if c.back == 0 {
					want = 1
				}
				if len(told) != want {
					t.Fatalf("told %+v, want %d", told, want)
				}
				if !told[0].Since.Equal(cluster.since) || !strings.Contains(told[0].Message, "connection refused") || cluster.since.Before(began) {
					t.Errorf("told %+v, it went away at %s", told[0], cluster.since)
				}
				if want > 1 && (!told[1].Since.IsZero() || told[1].Time.Sub(cluster.since) < c.back || told[1].Message != "the API server answers again") {
					t.Errorf("told %+v", told[1])
				}
			})
		})
	}
}

// slowState is a cluster that writes its state slowly, and knows whether it was
// let come to its end.
type slowState struct {
	*rolling
	slow   bool
	broken int // writes that were cancelled
}

func (s *slowState) WriteState(ctx context.Context, env string, st model.State) (model.State, error) {
	if s.slow {
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			s.broken++
			return model.State{}, ctx.Err()
		}
	}
	return s.rolling.WriteState(ctx, env, st)
}

// A run that is stopped while it writes what a wave has made lets that write come
// to its end: whether a write took effect that was given up is not known.
func TestAnAbortLetsTheStateBeWritten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, _ := newRolling(t, "")
		w.live(custom)
		w.merge(settings, shopping, custom)
		s := &slowState{rolling: w}
		cfg := w.wiring()
		cfg.Connect = func(string, string) (Cluster, error) { return s, nil }
		w.when(func(ev model.Event) bool { return ev.Type == model.EventApplied }, func() {
			s.slow = true
			time.AfterFunc(time.Second/2, func() { w.aborts <- "op2@host: the wrong day" })
		})
		w.holds["settings1"] = make(chan struct{})
		run, err := w.ship(New(cfg))
		if model.CodeOf(err, 0) != model.ExitInterrupted || run.State != model.RunAborted || s.broken != 0 || w.state.LastRun.State != model.RunAborted {
			t.Errorf("%s, %v; %d writes were given up, the state has %+v", run.State, err, s.broken, w.state.LastRun)
		}
	})
}

// closed is a cluster that refuses to be asked about what it deletes for a
// while, and answers everything else.
type closed struct {
	*rolling
	asked int
}

func (c *closed) Remains(context.Context, model.PlannedObject) (string, error) {
	if c.asked++; c.asked < 4 {
		return "", model.Errorf(model.ExitUnreachable, "forbidden")
	}
	return "", nil
}

// A refusal is waited for like an absence, and is not told as one.
func TestARefusalWhileDeletingIsNoAbsence(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, _ := newRolling(t, "")
		w.next()
		c := &closed{rolling: w}
		cfg := w.wiring()
		cfg.Connect = func(string, string) (Cluster, error) { return c, nil }
		run, err := w.ship(New(cfg))
		if err != nil || run.State != model.RunSucceeded || c.asked != 4 {
			t.Errorf("%s, %v, asked %d times", run.State, err, c.asked)
		}
		for _, ev := range w.story {
			if ev.Type == model.EventAway {
				t.Errorf("told %+v", ev)
			}
		}
	})
}
