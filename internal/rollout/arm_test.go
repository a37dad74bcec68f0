package rollout

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fairtide-dev/fairtide/internal/calendars"
	"github.com/fairtide-dev/fairtide/internal/lens"
	"github.com/fairtide-dev/fairtide/model"
)

// The window of these tests opens three hours after they begin.
const (
	nightly = "windows: [{name: night, timeZone: UTC, allow: {from: 2026-10-05T12:00:00Z, to: 2026-10-05T18:00:00Z}}]"
	daily   = "windows: [{name: night, timeZone: UTC, allow: {cron: \"0 12 * * *\", duration: 6h}}]"
	sooner  = "windows: [{name: day, timeZone: UTC, allow: {from: 2026-10-05T08:00:00Z, to: 2026-10-05T18:00:00Z}}]"
	gone    = "windows: [{name: past, timeZone: UTC, allow: {from: 2026-10-04, to: 2026-10-04}}]"
)

// grounds are what a waiting plan depends on.
type grounds struct {
	mu       sync.Mutex
	ahead    time.Duration // what was added to the cluster's clock
	away     error
	policy   string
	head     string
	unmerged bool
	fetches  int
	lock     *model.Lock
	rival    *model.Lock // is held once somebody else tried to take it
	taken    error       // what the taking of the lock ends with
	deaf     error       // what asking whether a commit is merged ends with
}

func (g *grounds) set(change func(*grounds)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	change(g)
}

// trunk is a branch that moves.
type trunk struct {
	oneCommit
	*grounds
}

func (r trunk) Head(context.Context, string) (model.Commit, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return model.Commit{Hash: r.head}, nil
}

func (r trunk) Merged(context.Context, string, string) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.unmerged, r.deaf
}

func (r trunk) File(context.Context, string, string) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return []byte("apiVersion: fairtide.dev/v1\nenvironments:\n- {name: dev, tier: development, path: y}\n- {name: staging, tier: staging, path: x, " + r.policy + "}\n"), nil
}

func (r trunk) Fetch(context.Context) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fetches++
	return false, nil
}

func (trunk) RemoteURL() string  { return "https://forge.example/shop/envs" }
func (trunk) Fetched() time.Time { return time.Time{} }

// yard is a cluster whose clock goes with that of the test.
type yard struct {
	*memory
	*grounds
	t      *testing.T
	engine *Engine
	began  time.Time
	cancel context.CancelFunc
	done   chan struct{}
	run    model.Run
	err    error
	events []model.Event
	reads  int
	moves  func(model.Observation)
}

func newYard(t *testing.T, policy string) *yard {
	t.Helper()
	m, _ := newMemory()
	y := &yard{memory: m, grounds: &grounds{policy: policy, head: newCommit}, t: t, began: time.Now(), done: make(chan struct{})}
	y.engine = New(Config{
		Repository: trunk{grounds: y.grounds}, File: ".fairtide.yaml", Host: "host", Now: time.Now,
		Connect: func(string, string) (Cluster, error) { return y, nil },
	})
	return y
}

func (y *yard) Info(context.Context) (model.ClusterInfo, error) {
	y.grounds.mu.Lock()
	defer y.grounds.mu.Unlock()
	now := time.Date(2026, 10, 5, 9, 0, 0, 0, time.UTC).Add(time.Since(y.began) + y.ahead)
	return model.ClusterInfo{User: "op1", Now: now.Truncate(time.Second)}, y.away
}

func (y *yard) Plan(ctx context.Context, r model.PlanRequest) (*model.Plan, []model.Object, error) {
	y.reads++
	y.memory.mu.Lock()
	defer y.memory.mu.Unlock()
	return y.memory.Plan(ctx, r)
}

func (y *yard) Observe(ctx context.Context, _ *model.Plan, emit func(model.Observation)) error {
	y.moves = emit
	<-ctx.Done()
	return nil
}

func (y *yard) ReadLock(context.Context, string) (*model.Lock, error) {
	y.grounds.mu.Lock()
	defer y.grounds.mu.Unlock()
	return y.lock, nil
}

func (y *yard) Lock(ctx context.Context, env string, ask model.LockAsk) (Lease, error) {
	y.grounds.mu.Lock()
	defer y.grounds.mu.Unlock()
	if y.taken != nil {
		y.lock = y.rival
		return nil, y.taken
	}
	return y.memory.Lock(ctx, env, ask)
}

// arms confirms a plan that waits.
func (y *yard) arms(override string) {
	y.t.Helper()
	plan, err := y.engine.Plan(y.t.Context(), "staging", "")
	if err != nil {
		y.t.Fatal(err)
	}
	y.reads = 0
	ctx, cancel := context.WithCancel(y.t.Context())
	y.cancel = cancel
	go func() {
		defer close(y.done)
		y.run, y.err = y.engine.Apply(ctx, model.Approval{Plan: plan, Wait: true, Override: override}, func(e model.Event) { y.events = append(y.events, e) })
	}()
	synctest.Wait()
}

// after lets time go by; the clock of the bubble does not go by itself. What the
// test has read before is read before what the engine does next: that is what the
// lock says, which a clock does not.
func (y *yard) after(d time.Duration) {
	y.set(func(*grounds) {})
	<-time.After(d)
	synctest.Wait()
}

func (y *yard) ended() bool {
	select {
	case <-y.done:
		return true
	default:
		return false
	}
}

// waits insists that the plan waits still and that nothing was written.
func (y *yard) waits(says ...string) {
	y.t.Helper()
	if y.ended() || len(y.runs) != 0 || y.state.LastRun != nil {
		y.t.Fatalf("it does not wait: %v, runs %v", y.err, y.runs)
	}
	last := y.events[len(y.events)-1]
	for _, s := range says {
		if last.Type != model.EventArmed || !strings.Contains(last.Message, s) {
			y.t.Fatalf("the last event is %+v, want %q", last, s)
		}
	}
}

// refuses insists that the plan ended without a run.
func (y *yard) refuses(code model.ExitCode, says ...string) {
	y.t.Helper()
	if !y.ended() {
		y.t.Fatal("it waits still")
	}
	last := y.events[len(y.events)-1]
	if model.CodeOf(y.err, 0) != code || len(y.runs) != 0 || last.Type != model.EventFinished || last.State != model.RunAborted || *last.ExitCode != int(code) {
		y.t.Fatalf("%v, runs %v, last %+v", y.err, y.runs, last)
	}
	for _, s := range says {
		if !strings.Contains(y.err.Error(), s) {
			y.t.Errorf("%v does not say %q", y.err, s)
		}
	}
}

func (y *yard) succeeds() {
	y.t.Helper()
	if !y.ended() || y.err != nil || y.run.State != model.RunSucceeded {
		y.t.Fatalf("ended %v: %s, %v, events %+v", y.ended(), y.run.State, y.err, y.events)
	}
}

func armed(t *testing.T, policy string, f func(t *testing.T, y *yard)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		y := newYard(t, policy)
		f(t, y)
		if y.cancel != nil {
			y.cancel()
			<-y.done
		}
	})
}

func TestArmedStartsWhenTheWindowOpens(t *testing.T) {
	armed(t, nightly, func(t *testing.T, y *yard) {
		y.arms("")
		y.waits("armed: waits until Mon 2026-10-05 12:00 UTC (")
		if until := y.events[0].Until; !until.Equal(time.Date(2026, 10, 5, 12, 0, 0, 0, time.UTC)) || y.events[0].Type != model.EventArmed {
			t.Errorf("%+v", y.events[0])
		}
		y.after(3*time.Hour - time.Second)
		y.waits()
		if len(y.events) != 1 {
			t.Errorf("it repeats itself: %+v", y.events)
		}
		if y.reads < 30 || y.reads > 40 {
			t.Errorf("the plan was read %d times in three hours", y.reads)
		}
		if y.fetches < 170 || y.fetches > 185 {
			t.Errorf("%d times asked for what was merged in three hours", y.fetches)
		}
		y.after(3 * time.Second)
		y.succeeds()
		if y.run.Exception != nil || !strings.Contains(y.run.Window, "night") {
			t.Errorf("the record says %+v", y.run)
		}
	})
	armed(t, sooner, func(t *testing.T, y *yard) {
		y.arms("")
		y.succeeds()
		for _, e := range y.events {
			if e.Type == model.EventArmed {
				t.Errorf("an open window was waited for: %+v", e)
			}
		}
	})
}

func TestArmedIsVoidWhenThePlanMoves(t *testing.T) {
	moves := func(y *yard) {
		y.memory.mu.Lock()
		defer y.memory.mu.Unlock()
		y.live[id("cart")] = true
	}
	isVoid := func(y *yard) {
		y.t.Helper()
		y.refuses(model.ExitPlanMoved, "nothing was written", "cart", "the arming is void")
		var moved *lens.MovedError
		if !errors.As(y.err, &moved) || len(moved.Moved) != 1 || len(y.events[len(y.events)-1].Moved) != 1 {
			y.t.Errorf("the difference is missing: %+v", y.events[len(y.events)-1])
		}
	}
	armed(t, nightly, func(_ *testing.T, y *yard) {
		y.arms("")
		y.after(time.Hour)
		y.moves(model.Observation{Moved: []model.ObjectID{id("cart")}}) // and yet the plan is the same
		y.after(15 * time.Second)
		y.waits()
		moves(y)
		y.moves(model.Observation{Moved: []model.ObjectID{id("cart")}})
		y.after(15 * time.Second)
		isVoid(y)
	})
	armed(t, nightly, func(_ *testing.T, y *yard) { // nobody tells
		y.arms("")
		moves(y)
		y.after(armedRead - 30*time.Second)
		y.waits()
		y.after(time.Minute)
		isVoid(y)
	})
}

func TestArmedFollowsThePolicy(t *testing.T) {
	for name, c := range map[string]struct {
		policy string
		ends   func(y *yard)
	}{
		"opens now":       {sooner, func(y *yard) { y.succeeds() }},
		"the same rules":  {nightly, func(y *yard) { y.waits("12:00") }},
		"opens later":     {strings.ReplaceAll(nightly, "05T12", "05T13"), func(y *yard) { y.waits("13:00") }},
		"opens no more":   {gone, func(y *yard) { y.refuses(model.ExitWindowClosed, "does not open within a year", "nothing to wait for") }},
		"no policy":       {"windows: 3", func(y *yard) { y.refuses(model.ExitUsage) }},
		"must be read":    {nightly + ", requires: {reviewed: true}", func(y *yard) { y.refuses(model.ExitRequirements, `"reviewed"`, "to wait for the window does not help") }},
		"must soak first": {nightly + ", requires: {soak: {environment: dev, for: 1h}}", func(y *yard) { y.waits() }},
	} {
		t.Run(name, func(t *testing.T) {
			armed(t, nightly, func(_ *testing.T, y *yard) {
				y.arms("")
				y.after(time.Hour)
				y.waits()
				y.set(func(g *grounds) { g.policy, g.head = c.policy, draftCommit })
				y.after(15 * time.Second)
				c.ends(y)
			})
		})
	}
	armed(t, nightly, func(_ *testing.T, y *yard) {
		y.arms("")
		y.set(func(g *grounds) { g.unmerged, g.head = true, draftCommit })
		y.after(15 * time.Second)
		y.refuses(model.ExitUsage, "is not merged")
	})
}

// A cluster that cannot be asked is waited for, also past the opening; the local
// clock alone starts nothing.
func TestArmedWaitsForTheCluster(t *testing.T) {
	armed(t, nightly, func(t *testing.T, y *yard) {
		y.arms("")
		y.after(2 * time.Hour)
		y.set(func(g *grounds) { g.away = model.Errorf(model.ExitUnreachable, "no route to host") })
		y.after(2 * time.Hour)
		y.waits("armed: since ", "goes on to wait", "no route to host")
		if len(y.events) != 2 {
			t.Errorf("it repeats itself: %+v", y.events)
		}
		y.set(func(g *grounds) { g.away = nil })
		y.after(15 * time.Second)
		y.succeeds()
	})
	armed(t, nightly, func(_ *testing.T, y *yard) { // back before the opening
		y.arms("")
		y.set(func(g *grounds) { g.away = model.Errorf(model.ExitUnreachable, "no route to host") })
		y.after(time.Hour)
		y.waits("no route to host")
		y.set(func(g *grounds) { g.away = nil })
		y.after(15 * time.Second)
		y.waits("armed: waits until")
	})
	armed(t, nightly, func(_ *testing.T, y *yard) { // asleep for five hours: the timers stood still
		y.arms("")
		y.after(time.Minute)
		y.set(func(g *grounds) { g.ahead = 5 * time.Hour })
		y.after(11 * time.Second)
		y.succeeds()
	})
}

func TestArmingIsRefused(t *testing.T) {
	for _, c := range []struct {
		policy, override string
		code             model.ExitCode
		says             string
	}{
		{nightly, "it burns", model.ExitUsage, "--wait-for-window"},
		{gone, "", model.ExitWindowClosed, "does not open within a year"},
		{nightly + ", requires: {reviewed: true}", "", model.ExitRequirements, "to wait for the window does not help"},
		{sooner + ", requires: {reviewed: true}", "", model.ExitRequirements, `"reviewed" is not met`},
	} {
		armed(t, c.policy, func(_ *testing.T, y *yard) {
			y.arms(c.override)
			y.refuses(c.code, c.says)
		})
	}
	armed(t, nightly, func(_ *testing.T, y *yard) {
		y.arms("")
		y.after(time.Hour)
		y.cancel()
		<-y.done
		y.refuses(model.ExitInterrupted, "nothing was written")
	})
}

// holidays is a calendar that comes back.
type holidays struct{ unreadable *grounds }

func (h holidays) Read(_ context.Context, rules []model.WindowRule, _ calendars.File) []model.WindowRule {
	rules = append([]model.WindowRule(nil), rules...)
	h.unreadable.mu.Lock()
	defer h.unreadable.mu.Unlock()
	for i := range rules {
		if rules[i].Unreadable = ""; h.unreadable.unmerged {
			rules[i].Unreadable = "host unreachable"
		}
	}
	return rules
}

func (h holidays) Cached(ctx context.Context, rules []model.WindowRule, file calendars.File) []model.WindowRule {
	return h.Read(ctx, rules, file)
}

// A calendar that cannot be read closes, and may be mended.
func TestArmedWaitsForACalendar(t *testing.T) {
	armed(t, sooner, func(_ *testing.T, y *yard) {
		state := &grounds{unmerged: true}
		y.engine.cfg.Calendars = holidays{state}
		y.arms("")
		y.after(time.Hour)
		y.waits("host unreachable", "nobody can say when it opens")
		state.set(func(g *grounds) { g.unmerged = false })
		y.after(armedFetch + 15*time.Second)
		y.succeeds()
	})
}

func TestFits(t *testing.T) {
	t.Parallel()
	ran := func(minutes ...int) []model.Run {
		var out []model.Run
		for i, m := range minutes {
			out = append(out, model.Run{ID: fmt.Sprint(i), State: model.RunSucceeded, StartedAt: judgedAt, FinishedAt: judgedAt.Add(time.Duration(m) * time.Minute)})
		}
		return out
	}
	const closes = "windows: [{name: day, timeZone: UTC, allow: {from: 2026-10-05T08:00:00Z, to: 2026-10-05T09:04:00Z}%s}]"
	for _, c := range []struct {
		name, policy string
		runs         []model.Run
		waits, ok    bool
		want         string
	}{
		{"fits", fmt.Sprintf(closes, ""), ran(3, 2, 3), false, true, ""},
		{"runs over", fmt.Sprintf(closes, ""), ran(6, 5, 7), false, false, "this run usually takes 6 min (median of 3 runs), and the window closes in 4 min: it would run over by 2 min; it is then finished all the same (overrun: finish)"},
		{"stops", fmt.Sprintf(closes, "") + ", overrun: stop-between-waves", ran(100), false, false, "usually takes 1 h 40 min (as the last run did), and the window closes in 4 min: it would run over by 1 h 36 min; no other wave begins then (overrun: stop-between-waves)"},
		{"a cutoff is no closing", strings.ReplaceAll(fmt.Sprintf(closes, ", cutoff: 2m"), "09:04", "09:10"), ran(9), false, true, ""},
		{"not known, and no deadline", fmt.Sprintf(closes, ""), nil, false, true, ""},
		{"not known, and tests", fmt.Sprintf(closes, "") + ", tests: [{name: smoke, http: {url: 'http://localhost/'}, timeout: 5m}]", nil, false, true, "nobody knows how long this run takes (no run has succeeded here yet), and the window closes in 4 min; by its deadlines it may take up to 5 min"},
		{"closed", nightly, ran(1000), false, true, ""},
		{"waits", nightly, ran(420), true, false, "the window that opens Mon 2026-10-05 12:00 UTC closes after 6 h: it would run over by 1 h;"},
		{"always open", "deploy: confirm", ran(1000), false, true, ""},
	} {
		y := newYard(t, c.policy)
		y.began = time.Now()
		plan, err := y.engine.Plan(t.Context(), "staging", "")
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		y.runs = c.runs
		y.ahead = -time.Since(y.began)
		text, ok, err := y.engine.Fits(t.Context(), plan, c.waits)
		if err != nil || ok != c.ok || (c.want == "") != (text == "") || !strings.Contains(text, c.want) {
			t.Errorf("%s: %q, %v, %v; want %q", c.name, text, ok, err, c.want)
		}
	}
}
