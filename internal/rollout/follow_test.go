package rollout

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// stage is a cluster on which somebody else carries out a run: the test says
// what is recorded of it.
type stage struct {
	Cluster
	news chan model.RunNews

	mu      sync.Mutex
	run     model.Run
	lock    *model.Lock
	watched [][]model.Target // by each watch that was begun
	ready   map[model.ObjectID]model.Progress
	asked   string // to abort, by whom and why
	denied  error  // of the watch on objects
}

func (s *stage) WatchRun(ctx context.Context, _ string, emit func(model.RunNews)) error {
	for {
		select {
		case n := <-s.news:
			emit(n)
		case <-ctx.Done():
			return nil
		}
	}
}

func (s *stage) Watch(ctx context.Context, targets []model.Target, emit func(model.Progress), _ func(time.Time, string)) error {
	s.mu.Lock()
	s.watched = append(s.watched, targets)
	denied := s.denied
	s.mu.Unlock()
	if denied != nil {
		return denied
	}
	for _, t := range targets {
		s.mu.Lock()
		p, ok := s.ready[t.ID]
		s.mu.Unlock()
		if ok {
			emit(p)
		}
	}
	<-ctx.Done()
	return nil
}

func (s *stage) ReadLock(context.Context, string) (*model.Lock, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lock, nil
}

func (s *stage) Runs(context.Context, string) ([]model.Run, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run.ID == "" {
		return nil, nil
	}
	return []model.Run{s.run}, nil
}

func (s *stage) Info(context.Context) (model.ClusterInfo, error) {
	return model.ClusterInfo{User: "op2"}, nil
}

func (s *stage) AskAbort(_ context.Context, env, by string) (model.Lock, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lock == nil {
		return model.Lock{}, model.Errorf(model.ExitUsage, "%s: nothing is under way: nobody holds the lock", env)
	}
	s.asked = by
	return *s.lock, nil
}

// audience is what a follower was told.
type audience struct {
	t     *testing.T
	stage *stage
	mu    sync.Mutex
	begun []model.Run
	told  []string
	more  chan struct{} // holds one token when more was told
	ended chan struct{}
	run   model.Run
	err   error
}

// policed is oneCommit with a failure policy.
type policed struct {
	oneCommit
	rollout string
}

func (p policed) File(context.Context, string, string) ([]byte, error) {
	return []byte("apiVersion: fairtide.dev/v1\nenvironments:\n- {name: staging, tier: staging, path: x" + p.rollout + "}\n"), nil
}

func worded(e model.Event) string {
	words := []string{string(e.Type)}
	if e.Object != nil {
		words = append(words, e.Object.Name)
	}
	if e.Wave > 0 {
		words = append(words, fmt.Sprintf("%d/%d", e.Wave, e.Waves))
	}
	if e.Progress != nil {
		words = append(words, string(e.Progress.Readiness))
	}
	if e.State != "" {
		words = append(words, string(e.State))
	}
	if e.ExitCode != nil {
		words = append(words, fmt.Sprint("exit ", *e.ExitCode))
	}
	if e.Message != "" {
		words = append(words, "("+e.Message+")")
	}
	return strings.Join(words, " ")
}

type following func(ctx context.Context, e *Engine, begin func(model.Run), emit func(model.Event)) (model.Run, error)

func follows(ctx context.Context, e *Engine, begin func(model.Run), emit func(model.Event)) (model.Run, error) {
	return e.Follow(ctx, "staging", begin, emit)
}

func followsNext(ctx context.Context, e *Engine, begin func(model.Run), emit func(model.Event)) (model.Run, error) {
	return e.FollowNext(ctx, "staging", begin, emit)
}

func aborts(ctx context.Context, e *Engine, begin func(model.Run), emit func(model.Event)) (model.Run, error) {
	return e.AbortAndFollow(ctx, "staging", "it is the wrong one", begin, emit)
}

func newAudience(t *testing.T, s *stage, policy string, how following) *audience {
	t.Helper()
	if s.news == nil {
		s.news = make(chan model.RunNews)
	}
	e := New(Config{
		Repository: policed{rollout: policy}, File: ".fairtide.yaml", Host: "host", Now: time.Now,
		Connect: func(string, string) (Cluster, error) { return s, nil },
	})
	a := &audience{t: t, stage: s, more: make(chan struct{}, 1), ended: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer close(a.ended)
		a.run, a.err = how(ctx, e, func(r model.Run) { a.begun = append(a.begun, r) }, func(ev model.Event) {
			a.mu.Lock()
			defer a.mu.Unlock()
			if ev.Time.IsZero() {
				t.Errorf("no time: %+v", ev)
			}
			a.told = append(a.told, worded(ev))
			select {
			case a.more <- struct{}{}:
			default:
			}
		})
	}()
	t.Cleanup(func() {
		cancel()
		<-a.ended
	})
	return a
}

// reads has the watch read the run and the lock as they are now.
func (s *stage) reads(t *testing.T, away time.Time) {
	t.Helper()
	s.mu.Lock()
	n := model.RunNews{Lock: s.lock, Away: away}
	if s.run.ID != "" {
		run := s.run
		run.Objects = slices.Clone(run.Objects)
		n.Run = &run
	}
	s.mu.Unlock()
	select {
	case s.news <- n:
	case <-time.After(20 * time.Second):
		t.Fatal("nobody listens")
	}
}

// change changes what is recorded, and has it read.
func (a *audience) change(f func(s *stage)) {
	a.t.Helper()
	a.stage.mu.Lock()
	f(a.stage)
	a.stage.mu.Unlock()
	a.stage.reads(a.t, time.Time{})
}

func (a *audience) hears(want string) {
	a.t.Helper()
	late := time.After(20 * time.Second)
	for {
		a.mu.Lock()
		ok := slices.ContainsFunc(a.told, func(s string) bool { return strings.Contains(s, want) })
		text := strings.Join(a.told, "\n")
		a.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-a.more:
		case <-late:
			a.t.Fatalf("not told: %s\n%s", want, text)
		}
	}
}

func (a *audience) ends(code model.ExitCode) {
	a.t.Helper()
	select {
	case <-a.ended:
	case <-time.After(20 * time.Second):
		a.t.Fatalf("still listening after\n%s", strings.Join(a.told, "\n"))
	}
	if got := model.CodeOf(a.err, -1); got != code {
		a.t.Errorf("exit code %d, want %d: %v", got, code, a.err)
	}
}

// is compares the whole story.
func (a *audience) is(want ...string) {
	a.t.Helper()
	if !slices.Equal(a.told, want) {
		a.t.Errorf("told\n  %s\nwant\n  %s", strings.Join(a.told, "\n  "), strings.Join(want, "\n  "))
	}
}

func newStage() *stage {
	s := &stage{ready: map[model.ObjectID]model.Progress{}, run: model.Run{
		ID: "staging-7", Environment: "staging", Commit: newCommit, From: oldCommit, Operator: "op1@host", State: model.RunApplying,
		StartedAt: time.Now().Add(-time.Minute), Waves: []string{"configuration and RBAC", "workloads and services", "prune"}, Wave: 1,
		Objects: []model.RunObject{
			{ID: id("cart"), Version: "v1", UID: "1", Verdict: model.VerdictUpdate, Result: model.ResultPending, Wave: 1},
			{ID: id("gateway"), Version: "v1", UID: "2", Verdict: model.VerdictUpdate, Result: model.ResultPending, Wave: 2},
			{ID: id("old"), Version: "v1", UID: "3", Verdict: model.VerdictDelete, Result: model.ResultPending, Wave: 3},
		},
	}, lock: &model.Lock{Holder: "op1@host", Run: "staging-7", Doing: "wave 1 of 3"}}
	for _, name := range []string{"cart", "gateway"} {
		s.ready[id(name)] = model.Progress{ID: id(name), Readiness: model.ReadinessReady, Message: "ready"}
	}
	return s
}

func (s *stage) result(i int, r model.ObjectResult) {
	s.run.Objects[i].Result = r
	s.run.Wave = max(s.run.Wave, s.run.Objects[i].Wave)
}

var opening = []string{
	"locked (locked by op1@host)", "rechecked (the plan is as it was approved)", "started applying (0a0b0c0 → 1a1b1c1)",
	"wave 1/3 (configuration and RBAC)",
}

func TestFollow(t *testing.T) {
	t.Parallel()
	s := newStage()
	a := newAudience(t, s, "", follows)
	s.reads(t, time.Time{})
	a.hears("wave 1/3")
	a.change(func(s *stage) { s.result(0, model.ResultApplied) })
	a.hears("progress cart ready (ready)")
	a.change(func(s *stage) { s.lock.Doing = "paused before wave 2 of 3" })
	a.hears("paused 2/3")
	since := time.Date(2026, 10, 5, 9, 0, 0, 0, time.UTC)
	s.reads(t, since)
	s.reads(t, since.Add(time.Minute)) // that it is away still is no news
	a.hears("away")
	a.change(func(s *stage) { s.result(0, model.ResultReady); s.result(1, model.ResultApplied) })
	a.hears("progress gateway ready (ready)")
	a.change(func(s *stage) { s.result(1, model.ResultReady); s.run.State = model.RunWatching })
	a.change(func(s *stage) { s.result(2, model.ResultPruned) })
	a.change(func(s *stage) { s.run.State = model.RunTesting })
	a.change(func(s *stage) {
		s.run.Tests = []model.TestResult{{Name: "smoke", State: model.TestPassed, Required: true}}
		s.run.State, s.run.FinishedAt = model.RunSucceeded, time.Now()
	})
	a.ends(model.ExitOK)
	a.is(append(slices.Clone(opening),
		"applied cart 1/0", "progress cart ready (ready)", "paused 2/3 (paused before wave 2 of 3: workloads and services)",
		"away (the API server does not answer since 09:00:00 UTC: )", "away (the API server answers again)",
		"continued 2/3 (goes on)", "wave 2/3 (workloads and services)", "applied gateway 2/0", "progress gateway ready (ready)",
		"wave 3/3 (prune)", "pruned old 3/0", "note (the acceptance tests are under way)", "test (passed)", "finished succeeded exit 0")...)
	if len(a.begun) != 1 || a.begun[0].ID != "staging-7" || a.run.State != model.RunSucceeded {
		t.Errorf("begun %+v, ended %+v", a.begun, a.run)
	}
	if n := len(s.watched); n < 2 || len(s.watched[n-1]) != 2 || s.watched[n-1][0] != (model.Target{ID: id("cart"), Version: "v1", UID: "1"}) {
		t.Errorf("watched %v", s.watched)
	}
}

// Who comes late, or sees nothing but the record, is told all of it.
func TestFollowFromTheRecord(t *testing.T) {
	t.Parallel()
	s := newStage()
	s.denied = errors.New("pods is forbidden")
	s.result(0, model.ResultReady)
	s.result(1, model.ResultApplied)
	a := newAudience(t, s, "", follows)
	s.reads(t, time.Time{})
	a.hears("pods is forbidden")
	a.change(func(s *stage) {
		s.result(1, model.ResultFailed)
		s.run.Objects[1].Message = "cannot pull gateway:2.0.9"
		s.run.State, s.run.Reason = model.RunFailed, "staging: gateway will not become ready"
	})
	a.ends(model.ExitRolloutFailed)
	a.is(append(slices.Clone(opening), "applied cart 1/0", "wave 2/3 (workloads and services)", "applied gateway 2/0",
		"note (the objects cannot be watched, and are told of as the record of the run has them: pods is forbidden)",
		"cause gateway failed (cannot pull gateway:2.0.9)", "progress cart ready",
		"finished failed exit 6 (staging: gateway will not become ready)")...)
}

func TestFollowEnds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		state  model.RunState
		reason string
		tests  []model.TestResult
		code   model.ExitCode
	}{
		{model.RunAborted, "aborted by op2@host: no", nil, model.ExitInterrupted},
		{model.RunAborted, "stopped after wave 1 of 3, as the window has closed (night)", nil, model.ExitRolloutFailed},
		{model.RunFailed, "too slow", nil, model.ExitRolloutFailed},
		{model.RunFailed, "test", []model.TestResult{{Name: "smoke", State: model.TestFailed, Required: true}}, model.ExitTestsFailed},
		{model.RunInterrupted, "another run was begun", nil, model.ExitRolloutFailed},
	} {
		s := newStage()
		a := newAudience(t, s, "", follows)
		s.reads(t, time.Time{})
		a.hears("wave 1/3")
		a.change(func(s *stage) { s.run.State, s.run.Reason, s.run.Tests = c.state, c.reason, c.tests })
		a.ends(c.code)
		if want := fmt.Sprintf("finished %s exit %d (%s)", c.state, c.code, c.reason); a.told[len(a.told)-1] != want || a.run.State != c.state {
			t.Errorf("told %q, want %q", a.told[len(a.told)-1], want)
		}
	}
}

// An open record without a lock is a run that was cut off, unless its end was
// only told of late.
func TestFollowInterrupted(t *testing.T) {
	t.Parallel()
	s := newStage()
	s.result(0, model.ResultApplied)
	a := newAudience(t, s, "", follows)
	s.reads(t, time.Time{})
	a.change(func(s *stage) { s.lock = nil })
	a.ends(model.ExitRolloutFailed)
	last := a.told[len(a.told)-1]
	if !strings.HasPrefix(last, "finished interrupted exit 6 (run staging-7 was interrupted in wave 1 of 3 or later: op1@host does not hold the lock any more; 1 of 3 objects are recorded as written;") ||
		!strings.Contains(last, "`fairtide resume -e staging`") || a.run.State != model.RunInterrupted {
		t.Errorf("told %q, run %s", last, a.run.State)
	}

	s = newStage()
	a = newAudience(t, s, "", follows)
	s.reads(t, time.Time{})
	a.hears("wave 1/3")
	s.mu.Lock()
	stale := s.run
	s.lock, s.run.State = nil, model.RunSucceeded
	s.mu.Unlock()
	s.news <- model.RunNews{Run: &stale}
	a.ends(model.ExitOK)
}

func TestFollowWithoutARun(t *testing.T) {
	t.Parallel()
	// The last one has ended.
	s := newStage()
	s.run.State, s.lock = model.RunFailed, nil
	a := newAudience(t, s, "", follows)
	s.reads(t, time.Time{})
	a.ends(model.ExitUsage)
	if !errors.Is(a.err, ErrIdle) || a.run.ID != "staging-7" || len(a.told) != 0 || !strings.Contains(a.err.Error(), "staging-7, failed") {
		t.Errorf("%v, %+v, told %v", a.err, a.run, a.told)
	}
	// There was none.
	s = &stage{}
	a = newAudience(t, s, "", follows)
	s.reads(t, time.Time{})
	a.ends(model.ExitUsage)
	if !errors.Is(a.err, ErrIdle) || a.run.ID != "" {
		t.Errorf("%v, %+v", a.err, a.run)
	}
	// Somebody is about to begin, and does.
	s = newStage()
	s.run.State, s.lock = model.RunSucceeded, &model.Lock{Holder: "ci@runner", Doing: "checks the plan"}
	a = newAudience(t, s, "", follows)
	s.reads(t, time.Time{})
	a.hears("note (ci@runner holds the lock: checks the plan)")
	a.change(func(s *stage) { s.run.ID, s.run.State, s.run.Operator = "staging-8", model.RunSucceeded, "ci@runner" })
	a.ends(model.ExitOK)
	if len(a.begun) != 1 || a.begun[0].ID != "staging-8" {
		t.Errorf("begun %+v", a.begun)
	}
	// It is waited for, however the last one ended.
	for _, last := range []model.RunState{model.RunFailed, model.RunApplying} {
		s = newStage()
		s.run.State, s.lock = last, nil
		a = newAudience(t, s, "", followsNext)
		s.reads(t, time.Time{})
		a.change(func(s *stage) { s.run.ID, s.run.State = "staging-8", model.RunAborted })
		a.ends(model.ExitInterrupted)
		if a.run.ID != "staging-8" {
			t.Errorf("followed %s", a.run.ID)
		}
	}
}

// With the policy to roll back, the story ends with the run that does.
func TestFollowRollback(t *testing.T) {
	t.Parallel()
	s := newStage()
	a := newAudience(t, s, ", rollout: {onFailure: rollback}", follows)
	s.reads(t, time.Time{})
	a.change(func(s *stage) { s.run.State, s.run.Reason = model.RunFailed, "it broke" })
	a.hears("note (it broke; rolling back to 0a0b0c0, as the policy asks for)")
	failed := s.run
	a.change(func(s *stage) {
		s.run.ID, s.run.RollsBack, s.run.Commit, s.run.From = "staging-8", "staging-7", oldCommit, newCommit
		s.run.State, s.run.Reason, s.lock = model.RunApplying, "", &model.Lock{Holder: "op1@host", Run: "staging-8"}
	})
	a.hears("started applying (1a1b1c1 → 0a0b0c0)")
	a.change(func(s *stage) { s.run.State = model.RunSucceeded })
	a.ends(model.ExitRolloutFailed)
	if last := a.told[len(a.told)-1]; last != "finished failed exit 6 (it broke; rolled back to 0a0b0c0 by run staging-8)" || a.run.ID != failed.ID {
		t.Errorf("told %q, run %s", last, a.run.ID)
	}
}

func TestAbort(t *testing.T) {
	t.Parallel()
	s := newStage()
	a := newAudience(t, s, "", aborts)
	s.reads(t, time.Time{})
	a.hears("note (op1@host was asked to stop)")
	a.change(func(s *stage) { s.run.State, s.run.Reason = model.RunAborted, "aborted by "+s.asked })
	a.ends(model.ExitOK)
	if a.run.Reason != "aborted by op2@host: it is the wrong one" {
		t.Errorf("reason %q", a.run.Reason)
	}
	// Too late.
	s = newStage()
	a = newAudience(t, s, "", aborts)
	s.reads(t, time.Time{})
	a.change(func(s *stage) { s.run.State = model.RunSucceeded })
	a.ends(model.ExitUsage)
	// Nobody is there to stop: it is said what to do.
	s = newStage()
	s.lock = nil
	a = newAudience(t, s, "", aborts)
	a.ends(model.ExitUsage)
	if !strings.Contains(a.err.Error(), "there is nobody to stop") || !strings.Contains(a.err.Error(), "fairtide resume -e staging") {
		t.Errorf("%v", a.err)
	}
	s.run.State = model.RunSucceeded
	a = newAudience(t, s, "", aborts)
	a.ends(model.ExitUsage)
	if !strings.Contains(a.err.Error(), "nothing is under way") {
		t.Errorf("%v", a.err)
	}
	// It was stopped before it had a record.
	s = newStage()
	s.run.State, s.lock = model.RunSucceeded, &model.Lock{Holder: "op1@host", Doing: "checks the plan"}
	a = newAudience(t, s, "", aborts)
	s.reads(t, time.Time{})
	a.change(func(s *stage) { s.lock = nil })
	a.ends(model.ExitOK)
}
