package rollout

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// locks is a memory whose lock is read again and again: each reading finds the
// next of some locks, the last one for ever.
type locks struct {
	*crashed
	held  []*model.Lock
	after func(readings int) // called after each of them
	read  int
}

func (l *locks) ReadLock(context.Context, string) (*model.Lock, error) {
	held := l.held[min(l.read, len(l.held)-1)]
	l.read++
	if l.after != nil {
		l.after(l.read)
	}
	return held, nil
}

type onMain struct{ oneCommit }

func (onMain) DefaultBranch(context.Context) (string, error) { return "main", nil }

// How the newest run stands is told from its record and the lock: a run that was
// killed after its record was written and before the state named it is found, and
// one that began or ended in between is not taken for an interrupted one.
func TestTheNewestRun(t *testing.T) {
	t.Parallel()
	open, done := model.Run{ID: "staging-2", State: model.RunApplying, Commit: newCommit}, model.Run{ID: "staging-2", State: model.RunSucceeded, Commit: newCommit}
	before := model.Run{ID: "staging-1", State: model.RunSucceeded, Commit: oldCommit}
	named := func(r model.Run) *model.RunRef { return &model.RunRef{ID: r.ID, State: r.State, Commit: r.Commit} }
	its, others := &model.Lock{Holder: "op1@host", Run: "staging-2"}, &model.Lock{Holder: "op2@host", Run: "staging-3"}
	for _, c := range []struct {
		name   string
		state  *model.RunRef // that the state names
		runs   []model.Run
		locks  []*model.Lock
		after  func(m *memory, readings int)
		id     string
		want   model.RunState
		listed []model.RunState // by History
	}{
		{name: "killed before the first run was named", runs: []model.Run{open}, locks: []*model.Lock{nil},
			id: "staging-2", want: model.RunInterrupted, listed: []model.RunState{model.RunInterrupted}},
		{name: "killed before it was named", state: named(before), runs: []model.Run{open, before}, locks: []*model.Lock{nil},
			id: "staging-2", want: model.RunInterrupted, listed: []model.RunState{model.RunInterrupted, model.RunSucceeded}},
		{name: "killed before its record was closed", state: named(done), runs: []model.Run{open}, locks: []*model.Lock{nil},
			id: "staging-2", want: model.RunInterrupted, listed: []model.RunState{model.RunInterrupted}},
		{name: "killed, and somebody else is at work", state: named(before), runs: []model.Run{open}, locks: []*model.Lock{others},
			id: "staging-2", want: model.RunInterrupted, listed: []model.RunState{model.RunInterrupted}},
		{name: "under way, and not named yet", state: named(before), runs: []model.Run{open}, locks: []*model.Lock{its},
			id: "staging-2", want: model.RunApplying, listed: []model.RunState{model.RunApplying}},
		{name: "begins after the lock was read", state: named(before), runs: []model.Run{open}, locks: []*model.Lock{nil, its},
			id: "staging-2", want: model.RunApplying, listed: []model.RunState{model.RunApplying}},
		{name: "ends when the lock is read", state: named(open), runs: []model.Run{open}, locks: []*model.Lock{nil},
			after: func(m *memory, _ int) { m.runs = []model.Run{done} },
			id:    "staging-2", want: model.RunSucceeded, listed: []model.RunState{model.RunSucceeded}},
		{name: "begins and ends meanwhile", state: named(before), runs: []model.Run{open}, locks: []*model.Lock{nil},
			after: func(m *memory, readings int) {
				if readings > 1 {
					m.runs = []model.Run{done}
				}
			},
			id: "staging-2", want: model.RunSucceeded, listed: []model.RunState{model.RunSucceeded}},
		{name: "none", locks: []*model.Lock{nil}},
	} {
		stand := func() (*locks, *Engine) {
			crashed, e := newCrashed()
			l := &locks{crashed: crashed, held: c.locks}
			l.state.LastRun, l.runs = c.state, slices.Clone(c.runs)
			if c.after != nil {
				l.after = func(readings int) { c.after(l.memory, readings) }
			}
			cfg := e.cfg
			cfg.Connect = func(string, string) (Cluster, error) { return l, nil }
			cfg.Repository = onMain{}
			return l, New(cfg)
		}
		_, e := stand()
		st, err := e.Status(t.Context(), "staging")
		if err != nil || st.Problem != "" {
			t.Errorf("%s: %v, %s", c.name, err, st.Problem)
		}
		var got model.RunRef
		if st.LastRun != nil {
			got = *st.LastRun
		}
		if got.ID != c.id || got.State != c.want {
			t.Errorf("%s: the last run is %+v, want %s %s", c.name, got, c.id, c.want)
		}
		if c.name == "begins and ends meanwhile" || c.name == "begins after the lock was read" {
			continue // its list is read once more in any case
		}
		_, e = stand()
		runs, err := e.History(t.Context(), "staging")
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		var listed []model.RunState
		for _, r := range runs {
			listed = append(listed, r.State)
		}
		if !slices.Equal(listed, c.listed) {
			t.Errorf("%s: listed are %v, want %v", c.name, listed, c.listed)
		}
	}
}

// A run that was killed before the state named it is resumed like any other.
func TestResumeOfARunThatTheStateDoesNotName(t *testing.T) {
	t.Parallel()
	c, e := newCrashed()
	c.cutOff(t, e)
	c.live = map[model.ObjectID]bool{}
	c.state.LastRun = nil
	if run, _, err := resumeIt(t, e, model.ResumeRequest{Reason: "its program is gone"}); err != nil || run.ID != "staging-1" || run.State != model.RunSucceeded ||
		c.state.LastRun == nil || c.state.LastRun.ID != "staging-1" || c.state.Deployed.Commit != newCommit {
		t.Errorf("%+v, %v; the state is %+v", run, err, c.state)
	}
}

// Where all is live but the record of the last run is open there is something to
// do: a run that sees that it is well, and closes that record.
func TestAnOpenRecordIsSomethingToDo(t *testing.T) {
	t.Parallel()
	c, e := newCrashed()
	c.cutOff(t, e)
	c.live[id("cart")], c.live[id("gateway")] = true, true
	c.state.Deployed.Commit, c.state.LastRun = newCommit, &model.RunRef{ID: "staging-0", State: model.RunSucceeded}
	plan, err := e.Plan(t.Context(), "staging", "")
	if err != nil {
		t.Fatal(err)
	}
	run, err := e.Apply(t.Context(), model.Approval{Plan: plan}, func(model.Event) {})
	if err != nil || run.ID != "staging-2" || c.runs[1].State != model.RunInterrupted || c.runs[1].FinishedAt.After(time.Now()) {
		t.Errorf("%+v, %v; the runs are %+v", run, err, c.runs)
	}
}
