package rollout

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

const (
	oldCommit = "0a0b0c0d0e0f0a0b0c0d0e0f0a0b0c0d0e0f0a0b"
	newCommit = "1a1b1c1d1e1f1a1b1c1d1e1f1a1b1c1d1e1f1a1b"
)

// oneCommit is a repository whose branch stands at newCommit.
type oneCommit struct{ Repository }

func (oneCommit) Head(context.Context, string) (model.Commit, error) {
	return model.Commit{Hash: newCommit}, nil
}
func (oneCommit) Resolve(_ context.Context, rev string) (string, error) { return rev, nil }
func (oneCommit) Merged(context.Context, string, string) (bool, error)  { return true, nil }
func (oneCommit) File(context.Context, string, string) ([]byte, error) {
	return []byte("apiVersion: fairtide.dev/v1\nenvironments:\n- {name: staging, tier: staging, path: x}\n"), nil
}
func (oneCommit) Pending(context.Context, model.Environment, string, string) (model.Pending, error) {
	return model.Pending{}, nil
}
func (oneCommit) Outline(_ context.Context, asks []model.PendingAsk) []model.PendingAnswer {
	return make([]model.PendingAnswer, len(asks))
}
func (oneCommit) Render(context.Context, model.Environment, string) (*model.Rendered, error) {
	return &model.Rendered{Commit: newCommit}, nil
}

// memory is a cluster that remembers: objects by whether they were written,
// and the records.
type memory struct {
	Cluster
	progress func(model.ObjectID) model.Progress
	mu       sync.Mutex // of live, while a wave is applied
	live     map[model.ObjectID]bool
	state    model.State
	runs     []model.Run // newest first
	refuse   func(s model.State) error
	watched  []model.ObjectID
}

func (*memory) ReadLock(context.Context, string) (*model.Lock, error) { return nil, nil }

type freeLease struct{}

func (freeLease) Held() bool                                { return true }
func (freeLease) Lost() <-chan struct{}                     { return nil }
func (freeLease) Aborted() <-chan string                    { return nil }
func (freeLease) SetDoing(string)                           {}
func (freeLease) SetRun(context.Context, string) error      { return nil }
func (freeLease) Release(context.Context) error             { return nil }
func (freeLease) Under(ctx context.Context) context.Context { return ctx }

func (m *memory) Info(context.Context) (model.ClusterInfo, error) {
	return model.ClusterInfo{User: "op1", Now: time.Date(2026, 10, 5, 9, 0, 0, 0, time.UTC)}, nil
}

func (m *memory) Plan(_ context.Context, r model.PlanRequest) (*model.Plan, []model.Object, error) {
	p := &model.Plan{Environment: r.Environment.Name, Commit: r.Rendered.Commit, From: deployedCommit(r.State)}
	var objects []model.Object
	for _, name := range []string{"cart", "gateway"} {
		o := model.PlannedObject{ID: id(name), Version: "v1", Verdict: model.VerdictUpdate, Live: model.LiveRef{UID: name}}
		if m.live[o.ID] {
			o.Verdict = model.VerdictUnchanged
		}
		p.Objects = append(p.Objects, o)
		objects = append(objects, model.Object{ID: o.ID, Version: "v1"})
	}
	return p, objects, p.Seal("")
}

func (m *memory) Apply(_ context.Context, o model.Object, _ model.PlannedObject) (model.InventoryEntry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.live[o.ID] = true
	return model.InventoryEntry{ID: o.ID, Version: o.Version, UID: o.ID.Name}, nil
}

func (m *memory) RefreshKinds() {}

func (m *memory) Watch(ctx context.Context, targets []model.Target, emit func(model.Progress), _ func(time.Time, string)) error {
	// In order: those that come after a failed one are not looked at any more.
	slices.SortFunc(targets, func(a, b model.Target) int { return a.ID.Compare(b.ID) })
	for _, t := range targets {
		m.watched = append(m.watched, t.ID)
		emit(m.progress(t.ID))
	}
	<-ctx.Done()
	return nil
}

func (m *memory) ReadState(context.Context, string) (model.State, error) { return m.state, nil }

func (m *memory) WriteState(_ context.Context, _ string, s model.State) (model.State, error) {
	if m.refuse != nil {
		if err := m.refuse(s); err != nil {
			return model.State{}, err
		}
	}
	m.state = s
	return s, nil
}

func (m *memory) Lock(context.Context, string, model.LockAsk) (Lease, error) {
	return freeLease{}, nil
}

func (m *memory) NewRun(_ context.Context, r model.Run) (model.Run, error) {
	r.ID = "staging-" + string(rune('1'+len(m.runs)))
	m.runs = slices.Insert(m.runs, 0, r)
	return r, nil
}

func (m *memory) SaveRun(_ context.Context, r model.Run) error {
	r.Objects = slices.Clone(r.Objects)
	m.runs[0] = r
	return nil
}

func (m *memory) Runs(context.Context, string) ([]model.Run, error) { return m.runs, nil }

func (m *memory) NewestRun(_ context.Context, _ string, known *model.RunRef) (*model.RunRef, error) {
	if len(m.runs) == 0 {
		return known, nil
	}
	return &model.RunRef{ID: m.runs[0].ID, State: m.runs[0].State, Commit: m.runs[0].Commit}, nil
}

func newMemory() (*memory, *Engine) {
	m := &memory{live: map[model.ObjectID]bool{}, state: model.State{Deployed: &model.Deployed{Commit: oldCommit}}}
	m.progress = func(o model.ObjectID) model.Progress { return model.Progress{ID: o, Readiness: model.ReadinessReady} }
	return m, New(Config{
		Repository: oneCommit{}, File: ".fairtide.yaml", Host: "host", Now: time.Now,
		Connect: func(string, string) (Cluster, error) { return m, nil },
	})
}

// ship plans the head and applies it; it returns the last event too.
func ship(t *testing.T, e *Engine) (model.Run, model.Event, error) {
	t.Helper()
	plan, err := e.Plan(t.Context(), "staging", "")
	if err != nil {
		t.Fatal(err)
	}
	var last model.Event
	run, err := e.Apply(t.Context(), model.Approval{Plan: plan}, func(e model.Event) { last = e })
	if last.Type != model.EventFinished || last.ExitCode == nil || *last.ExitCode != int(model.CodeOf(err, model.ExitUsage)) {
		t.Errorf("the last event is %+v, the error %v", last, err)
	}
	return run, last, err
}

// A rollout that failed does not succeed by being applied again with nothing
// left to write.
func TestAFailedRolloutDoesNotSucceedByRepetition(t *testing.T) {
	m, e := newMemory()
	ready := m.progress
	m.progress = func(o model.ObjectID) model.Progress {
		if o == id("gateway") {
			return model.Progress{ID: o, Readiness: model.ReadinessFailed, Cause: "cannot pull gateway:2.0.9"}
		}
		return ready(o)
	}
	for _, when := range []string{"first", "again", "a third time"} {
		run, last, err := ship(t, e)
		if model.CodeOf(err, 0) != model.ExitRolloutFailed || !strings.Contains(err.Error(), "gateway:2.0.9") || run.State != model.RunFailed || last.State != model.RunFailed {
			t.Errorf("%s: %s, %v", when, run.State, err)
		}
		if m.state.Deployed.Commit != oldCommit {
			t.Errorf("%s: recorded as deployed", when)
		}
	}
	// The image appears.
	m.progress, m.watched = ready, nil
	if run, _, err := ship(t, e); err != nil || run.State != model.RunSucceeded || m.state.Deployed.Commit != newCommit {
		t.Errorf("in the end: %s, %v", run.State, err)
	}
	if want := []model.ObjectID{id("gateway")}; !slices.Equal(m.watched, want) {
		t.Errorf("watched %v, want only what no run has seen ready: %v", m.watched, want)
	}
	// Now there is nothing to do, and no record of it.
	n := len(m.runs)
	if _, last, err := ship(t, e); err != nil || last.State != model.RunSucceeded || len(m.runs) != n {
		t.Errorf("nothing to do: %v, %+v, %d records", err, last, len(m.runs))
	}
	// Unless the last run of the very same commit failed.
	m.state.LastRun.State, m.runs[0].State = model.RunFailed, model.RunFailed
	if run, _, err := ship(t, e); err != nil || run.ID == "" {
		t.Errorf("after a failed run of what is live: %v, run %q", err, run.ID)
	}
}

// A success that cannot be recorded is not told as one.
func TestAnUnrecordedSuccessIsAnError(t *testing.T) {
	m, e := newMemory()
	m.refuse = func(s model.State) error {
		if s.LastRun.State == model.RunSucceeded {
			return errors.New("the disk of etcd is full")
		}
		return nil
	}
	run, last, err := ship(t, e)
	if model.CodeOf(err, 0) != model.ExitRolloutFailed || !strings.Contains(err.Error(), "disk of etcd") || run.State != model.RunFailed || last.State != model.RunFailed {
		t.Errorf("%s, event %s, %v", run.State, last.State, err)
	}
	if m.runs[0].State != model.RunFailed {
		t.Errorf("the record says %s", m.runs[0].State)
	}
}

// When the state cannot be written at the beginning, nothing is applied, and
// the end is written from what was read, not from nothing.
func TestARunThatCannotBeginKeepsTheState(t *testing.T) {
	m, e := newMemory()
	m.state.Inventory = []model.InventoryEntry{{ID: id("cart"), Version: "v1", UID: "cart"}}
	m.state.ResourceVersion = "7"
	m.refuse = func(s model.State) error {
		if s.LastRun.State == model.RunApplying {
			return errors.New("timeout")
		}
		return nil
	}
	if run, _, err := ship(t, e); err == nil || run.State != model.RunFailed {
		t.Errorf("%s, %v", run.State, err)
	}
	if len(m.live) != 0 {
		t.Errorf("written all the same: %v", m.live)
	}
	if s := m.state; s.ResourceVersion != "7" || s.Deployed == nil || len(s.Inventory) == 0 || s.LastRun.State != model.RunFailed {
		t.Errorf("the state at the end: %+v", s)
	}
}
