package rollout

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

var (
	settings = piece{kind: "ConfigMap", name: "settings", content: "1"}
	shopping = piece{kind: "Deployment", name: "cart", content: "1"}
	custom   = piece{kind: "Certificate", name: "front", content: "1"}
	goes     = piece{kind: "ConfigMap", name: "goes", content: "1"}
)

// at is a piece with another content.
func (p piece) at(content string) piece {
	p.content = content
	return p
}

// in is a piece with an annotation for its wave.
func (p piece) in(wave string) piece {
	p.wave = wave
	return p
}

func failing(cause string) model.Progress {
	return model.Progress{Readiness: model.ReadinessFailed, Cause: cause}
}

// next is a base and a commit after it that alters three waves and lets one
// object go.
func (w *rolling) next() string {
	w.live(settings, shopping, custom, goes)
	return w.merge(settings.at("2"), shopping.at("2"), custom.at("2"))
}

// A wave begins when the one before is ready, or when it is written; nothing is
// pruned before everything is ready in either case.
func TestWaveGate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ policy, before, after string }{
		{"", "settings cart", "settings cart front -goes"},
		{", rollout: {gate: ready}", "settings cart", "settings cart front -goes"},
		{", rollout: {gate: applied}", "settings cart front", "settings cart front -goes"},
	} {
		w, e := newRolling(t, c.policy)
		w.next()
		w.holds["cart2"] = make(chan struct{})
		before := ""
		heard := 0
		w.onEvent = func(ev model.Event) {
			if ev.Type != model.EventProgress || ev.Progress.Readiness != model.ReadinessProgress {
				return
			}
			if heard++; heard > 1 {
				return // it is watched again at the end
			}
			w.guard.Lock()
			before = strings.Join(w.wrote, " ")
			w.guard.Unlock()
			close(w.holds["cart2"])
		}
		run, err := w.ship(e)
		if err != nil || run.State != model.RunSucceeded {
			t.Errorf("%q: %s, %v", c.policy, run.State, err)
		}
		if after := strings.Join(w.wrote, " "); before != c.before || after != c.after {
			t.Errorf("%q: while the second wave came up were written %q, want %q; in the end %q, want %q", c.policy, before, c.before, after, c.after)
		}
	}
}

// What a failure leaves undone, and what the record says of it.
func TestOnFailure(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, policy         string
		becomes              map[string]model.Progress
		refuses              string
		wrote, results, says string
	}{
		{
			name: "stop", becomes: map[string]model.Progress{"cart2": failing("cannot pull cart:2")},
			wrote: "settings cart", results: "settings ready, cart failed, front pending, goes pending", says: "cannot pull cart:2",
		},
		{
			name: "stop, refused", refuses: "cart2",
			wrote: "settings", results: "settings ready, cart failed, front pending, goes pending", says: "a webhook says no",
		},
		{
			name: "stop, doomed", becomes: map[string]model.Progress{"cart2": {Readiness: model.ReadinessProgress, Doomed: true, Cause: "cannot pull cart:2"}},
			wrote: "settings cart", results: "settings ready, cart failed, front pending, goes pending", says: "cannot pull cart:2",
		},
		{
			name: "continue", policy: ", rollout: {onFailure: continue}", becomes: map[string]model.Progress{"settings2": failing("not seen")},
			wrote: "settings cart front", results: "settings failed, cart ready, front ready, goes pending", says: "not seen",
		},
		{
			name: "continue, in the middle", policy: ", rollout: {onFailure: continue}", becomes: map[string]model.Progress{"cart2": failing("cannot pull cart:2")},
			wrote: "settings cart front", results: "settings ready, cart failed, front ready, goes pending", says: "cannot pull cart:2",
		},
		{
			name: "continue, refused", policy: ", rollout: {onFailure: continue}", refuses: "cart2",
			wrote: "settings front", results: "settings ready, cart failed, front ready, goes pending", says: "a webhook says no",
		},
		{
			name: "continue, two fail", policy: ", rollout: {onFailure: continue}",
			becomes: map[string]model.Progress{"settings2": failing("not seen"), "front2": failing("no issuer")},
			wrote:   "settings cart front", results: "settings failed, cart ready, front failed, goes pending", says: "no issuer",
		},
		{
			name: "continue, written at once", policy: ", rollout: {onFailure: continue, gate: applied}", becomes: map[string]model.Progress{"cart2": failing("cannot pull cart:2")},
			wrote: "settings cart front", results: "settings ready, cart failed, front ready, goes pending", says: "cannot pull cart:2",
		},
	} {
		w, e := newRolling(t, c.policy)
		w.next()
		w.becomes = c.becomes
		if c.refuses != "" {
			w.refuses[c.refuses] = model.Errorf(model.ExitRolloutFailed, "a webhook says no")
		}
		w.policy += ", tests: [{name: healthz, http: {url: \"http://127.0.0.1:1/\"}}]"
		run, err := w.ship(e)
		if model.CodeOf(err, 0) != model.ExitRolloutFailed || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.name, err)
		}
		record := w.run(run.ID)
		if got := results(record); got != c.results || record.State != model.RunFailed || record.Reason == "" || len(record.Tests) != 0 || record.FinishedAt.IsZero() {
			t.Errorf("%s: the record is %s (%s), with %d tests: %s; want %s", c.name, record.State, record.Reason, len(record.Tests), got, c.results)
		}
		if got := strings.Join(w.wrote, " "); got != c.wrote {
			t.Errorf("%s: written %q, want %q", c.name, got, c.wrote)
		}
		if w.state.Deployed.Commit != baseCommit || w.state.LastRun.State != model.RunFailed || w.freed != 1 {
			t.Errorf("%s: deployed %s, the last run %+v, freed %d times", c.name, w.state.Deployed.Commit, w.state.LastRun, w.freed)
		}
	}
}

// The last wave, which no other waits for, is seen to its end too when a run is
// to go on: each object has its own result, and each failure is told once.
func TestContinueSeesEveryObject(t *testing.T) {
	t.Parallel()
	for range 20 { // in whatever order the readings come
		w, e := newRolling(t, ", rollout: {onFailure: continue, waveTimeout: 5s}")
		more := piece{kind: "Deployment", name: "web", content: "1"}
		doomed := piece{kind: "Deployment", name: "doomed", content: "1"}
		w.merge(settings, shopping, more, doomed)
		w.becomes["settings1"], w.becomes["cart1"] = failing("not seen"), failing("cannot pull cart:1")
		w.becomes["doomed1"] = model.Progress{Readiness: model.ReadinessProgress, Doomed: true, Cause: "no such Secret"}
		run, err := w.ship(e)
		if got, want := results(w.run(run.ID)), "settings failed, cart failed, doomed failed, web ready"; got != want {
			t.Fatalf("%s, want %s: %v", got, want, err)
		}
		for _, once := range []string{"not seen", "cannot pull cart:1", "no such Secret"} {
			if err == nil || strings.Count(err.Error(), once) != 1 {
				t.Fatalf("%q is not told once: %v", once, err)
			}
		}
	}
}

// What is no failure of the environment stops a run that is to go on: the lock
// is lost, the plan moved, the cluster is away.
func TestContinueStopsForWhatIsNoFailure(t *testing.T) {
	t.Parallel()
	for _, code := range []model.ExitCode{model.ExitUnreachable, model.ExitPlanMoved, model.ExitLocked} {
		w, e := newRolling(t, ", rollout: {onFailure: continue}")
		w.next()
		w.refuses["cart2"] = model.Errorf(code, "not now")
		run, err := w.ship(e)
		if got := strings.Join(w.wrote, " "); err == nil || got != "settings" || run.State != model.RunFailed {
			t.Errorf("%d: %s, written %q, %v", code, run.State, got, err)
		}
	}
}

// A wave, and a run, take as long as the policy lets them and no longer.
func TestTimeouts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, policy, holds, wrote string
		says                       []string
	}{
		{"a wave", ", rollout: {waveTimeout: 600ms}", "cart2", "settings cart", []string{"cart is not ready after 600ms: 0 of 1 pods"}},
		{"the last wave", ", rollout: {waveTimeout: 600ms}", "front2", "settings cart front", []string{"front is not ready after 600ms: 0 of 1 pods"}},
		{"a wave that nothing waits for", ", rollout: {waveTimeout: 600ms, gate: applied}", "cart2", "settings cart front", []string{"cart is not ready after 600ms"}},
		{"the run", ", rollout: {timeout: 1500ms}", "cart2", "settings cart", []string{"stopped after 1.5s", "rollout: timeout", "2 of 4 objects were written", "cart"}},
		{"the run, in its last wave", ", rollout: {timeout: 1500ms, gate: applied}", "front2", "settings cart front", []string{"stopped after 1.5s", "3 of 4 objects were written", "front"}},
		{"the run, whatever the policy", ", rollout: {timeout: 1500ms, onFailure: continue}", "cart2", "settings cart", []string{"stopped after 1.5s"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w, e := newRolling(t, c.policy)
			w.next()
			w.holds[c.holds] = make(chan struct{})
			run, err := w.ship(e)
			if model.CodeOf(err, 0) != model.ExitRolloutFailed {
				t.Fatal(err)
			}
			for _, s := range c.says {
				if !strings.Contains(err.Error(), s) {
					t.Errorf("%q does not say %q", err, s)
				}
			}
			if got := strings.Join(w.wrote, " "); got != c.wrote {
				t.Errorf("written %q, want %q", got, c.wrote)
			}
			record := w.run(run.ID)
			if record.State != model.RunFailed || w.freed != 1 || w.state.LastRun.State != model.RunFailed || record.FinishedAt.IsZero() || record.Reason != err.Error() {
				t.Errorf("the record is %s (%s), freed %d times, last run %+v", record.State, record.Reason, w.freed, w.state.LastRun)
			}
		})
	}
}

// A run that is paused waits before its next wave, and says so.
func TestPause(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		release func(w *rolling, b *model.Brake, cancel func())
		state   model.RunState
		code    model.ExitCode
		wrote   string
	}{
		{"and goes on", func(_ *rolling, b *model.Brake, _ func()) { b.Set(false) }, model.RunSucceeded, model.ExitOK, "settings cart front -goes"},
		{"and is stopped", func(_ *rolling, _ *model.Brake, cancel func()) { cancel() }, model.RunAborted, model.ExitInterrupted, "settings"},
		{"and is stopped by somebody", func(w *rolling, _ *model.Brake, _ func()) { w.aborts <- "op2@host: the wrong day" }, model.RunAborted, model.ExitInterrupted, "settings"},
	} {
		w, e := newRolling(t, "")
		w.next()
		brake := &model.Brake{}
		ctx, cancel := context.WithCancel(t.Context())
		paused := ""
		w.onEvent = func(ev model.Event) {
			switch {
			case ev.Type == model.EventWave && ev.Wave == 1:
				brake.Set(true)
			case ev.Type == model.EventPaused:
				w.guard.Lock()
				paused = strings.Join(w.wrote, " ") + "; " + w.doing[len(w.doing)-1]
				w.guard.Unlock()
				go c.release(w, brake, cancel)
			}
		}
		plan, err := e.Plan(ctx, "staging", "")
		if err != nil {
			t.Fatal(err)
		}
		run, err := e.Apply(ctx, model.Approval{Plan: plan, Brake: brake}, w.hear)
		cancel()
		w.wantOneEnd(err)
		if want := "settings; paused before wave 2 of 4"; paused != want {
			t.Errorf("%s: %q, want %q", c.name, paused, want)
		}
		if got := strings.Join(w.wrote, " "); model.CodeOf(err, 0) != c.code || run.State != c.state || got != c.wrote || w.freed != 1 {
			t.Errorf("%s: %s, %v, written %q", c.name, run.State, err, got)
		}
		if err != nil && (strings.Contains(err.Error(), "context") || !errors.Is(err, context.Canceled) || w.run(run.ID).Reason != err.Error()) {
			t.Errorf("%s: %v; recorded is %q", c.name, err, w.run(run.ID).Reason)
		}
		if c.name == "and is stopped by somebody" && !strings.Contains(err.Error(), "aborted by op2@host: the wrong day: 1 of 4 objects were written") {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// Somebody else's abort stops a run as the operator's own does.
func TestAbortBySomebodyElse(t *testing.T) {
	t.Parallel()
	for _, policy := range []string{"", ", rollout: {onFailure: continue}", ", rollout: {onFailure: rollback}", ", rollout: {timeout: 1h}"} {
		w, e := newRolling(t, policy)
		w.next()
		w.holds["cart2"] = make(chan struct{})
		w.when(func(ev model.Event) bool { return ev.Object != nil && ev.Object.Name == "cart" && ev.Progress != nil }, func() { w.aborts <- "op2@host: the wrong day" })
		run, err := w.ship(e)
		if model.CodeOf(err, 0) != model.ExitInterrupted || !strings.Contains(err.Error(), "aborted by op2@host: the wrong day: 2 of 4 objects were written, and stay as they are") {
			t.Errorf("%q: %v", policy, err)
		}
		record := w.run(run.ID)
		if strings.Contains(record.Reason, "context") || !errors.Is(err, context.Canceled) {
			t.Errorf("%q: %v; recorded is %q", policy, err, record.Reason)
		}
		if record.State != model.RunAborted || !strings.Contains(record.Reason, "op2@host: the wrong day") || results(record) != "settings ready, cart applied, front pending, goes pending" {
			t.Errorf("%q: %s (%s): %s", policy, record.State, record.Reason, results(record))
		}
		if len(w.runs) != 1 || w.state.Deployed.Commit != baseCommit || w.freed != 1 {
			t.Errorf("%q: %d runs, deployed %s", policy, len(w.runs), w.state.Deployed.Commit)
		}
	}
}

// An annotation puts an object in a wave of its own, and the gate holds there too.
func TestAnnotatedWavesAreGated(t *testing.T) {
	t.Parallel()
	w, e := newRolling(t, "")
	w.live(settings, goes.in("3"), piece{kind: "Deployment", name: "leaves", content: "1"})
	w.merge(settings.at("2").in("5"), shopping.in("-1"), custom)
	w.becomes["front1"] = failing("no issuer")
	run, err := w.ship(e)
	if got := strings.Join(w.wrote, " "); err == nil || got != "cart front" {
		t.Errorf("%v, written %q", err, got)
	}
	if got, want := results(w.run(run.ID)), "cart ready, front failed, settings pending, goes pending, leaves pending"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	delete(w.becomes, "front1")
	start := time.Now()
	if _, err := w.ship(e); err != nil || strings.Join(w.wrote, " ") != "settings -goes -leaves" {
		t.Errorf("%v, written %q after %s", err, w.wrote, time.Since(start))
	}
}
