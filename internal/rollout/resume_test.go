package rollout

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// crashed is a cluster with records that can be taken over.
type crashed struct {
	*memory
	saved  []model.Run // every record that was written, in order
	refuse error       // of the records, once it is set
	onMark func()      // called when an object is written
}

func (c *crashed) TakeRun(_ context.Context, _, id string, attempt model.RunAttempt) (model.Run, error) {
	i := slices.IndexFunc(c.runs, func(r model.Run) bool { return r.ID == id })
	c.runs[i].Attempts = append(slices.Clone(c.runs[i].Attempts), attempt)
	run := c.runs[i]
	run.Objects = slices.Clone(run.Objects)
	return run, nil
}

func (c *crashed) SaveRun(_ context.Context, r model.Run) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refuse != nil {
		return c.refuse
	}
	r.Objects = slices.Clone(r.Objects)
	c.saved = append(c.saved, r)
	i := slices.IndexFunc(c.runs, func(o model.Run) bool { return o.ID == r.ID })
	c.runs[i] = r
	return nil
}

func (c *crashed) Apply(ctx context.Context, o model.Object, p model.PlannedObject) (model.InventoryEntry, error) {
	if c.onMark != nil {
		c.onMark()
	}
	return c.memory.Apply(ctx, o, p)
}

func newCrashed() (*crashed, *Engine) {
	m, e := newMemory()
	c := &crashed{memory: m}
	cfg := e.cfg
	cfg.Connect = func(string, string) (Cluster, error) { return c, nil }
	return c, New(cfg)
}

// cutOff leaves the record of a run of the head that was cut off after it had
// written cart and before it could say so.
func (c *crashed) cutOff(t *testing.T, e *Engine) {
	t.Helper()
	plan, err := e.Plan(t.Context(), "staging", "")
	if err != nil {
		t.Fatal(err)
	}
	objects, waves := recorded(plan)
	c.runs = []model.Run{{
		ID: "staging-1", Environment: "staging", Commit: newCommit, From: oldCommit, Operator: "op1@host", State: model.RunApplying,
		Objects: objects, Waves: append([]string{"what is done"}, waves...),
	}}
	c.live[id("cart")] = true
}

func resumeIt(t *testing.T, e *Engine, r model.ResumeRequest) (model.Run, []model.Event, error) {
	t.Helper()
	r.Environment = "staging"
	var told []model.Event
	run, err := e.Resume(t.Context(), r, func(ev model.Event) { told = append(told, ev) })
	last := told[len(told)-1]
	if last.Type != model.EventFinished || *last.ExitCode != int(model.CodeOf(err, model.ExitOK)) || run.State != "" && last.State != run.State {
		t.Errorf("the last event is %+v, the run %s, the error %v", last, run.State, err)
	}
	return run, told, err
}

// A run that is continued is the same run: its waves keep their numbers, and its
// record says who continued it.
func TestResumeContinuesTheRecord(t *testing.T) {
	c, e := newCrashed()
	c.cutOff(t, e)
	run, told, err := resumeIt(t, e, model.ResumeRequest{Reason: "its program is gone"})
	if err != nil {
		t.Fatal(err)
	}
	if run.ID != "staging-1" || run.State != model.RunSucceeded || run.Operator != "op1@host" || len(run.Attempts) != 1 ||
		run.Attempts[0].Reason != "its program is gone" || len(c.runs) != 1 || c.runs[0].State != model.RunSucceeded {
		t.Errorf("%+v", run)
	}
	for _, o := range run.Objects {
		if o.Result != model.ResultReady {
			t.Errorf("%s is %s", o.ID, o.Result)
		}
	}
	var waves []int
	for _, ev := range told {
		if ev.Type == model.EventWave {
			waves = append(waves, ev.Wave, ev.Waves)
		}
	}
	if !slices.Equal(waves, []int{2, 2}) || run.Wave != 2 {
		t.Errorf("waves %v, the run's is %d", waves, run.Wave)
	}
	if !slices.Contains(c.watched, id("cart")) || !slices.Contains(c.watched, id("gateway")) {
		t.Errorf("watched were %v", c.watched)
	}
}

// A run that was cut off after its last write, before its record had it, has
// begun the wave of that write, although nothing of it is left to do.
func TestResumeWithNothingLeft(t *testing.T) {
	c, e := newCrashed()
	c.cutOff(t, e)
	for i := range c.runs[0].Objects {
		c.runs[0].Objects[i].Wave = 2
		c.live[c.runs[0].Objects[i].ID] = true
	}
	run, told, err := resumeIt(t, e, model.ResumeRequest{Reason: "its program is gone"})
	if err != nil || slices.ContainsFunc(told, func(ev model.Event) bool { return ev.Type == model.EventWave }) {
		t.Fatalf("%v, told %+v", err, told)
	}
	if run.State != model.RunSucceeded || run.Wave != 2 {
		t.Errorf("%s in wave %d", run.State, run.Wave)
	}
}

// What somebody deleted by hand before the run came to it is no sign that its
// wave was begun: an earlier one is still to be written.
func TestResumeDoesNotSkipAWave(t *testing.T) {
	c, e := newCrashed()
	c.cutOff(t, e)
	objects := c.runs[0].Objects
	for i := range objects {
		objects[i].Wave = 2
	}
	c.runs[0].Objects = append(objects, model.RunObject{ID: id("old"), Verdict: model.VerdictDelete, Result: model.ResultPending, Wave: 3})
	c.runs[0].Waves = append(c.runs[0].Waves, "prune")
	if _, _, err := resumeIt(t, e, model.ResumeRequest{Reason: "its program is gone"}); err != nil {
		t.Fatal(err)
	}
	if first := c.saved[0]; first.Wave != 2 || first.Objects[len(first.Objects)-1].Result != model.ResultPruned {
		t.Errorf("it goes on in wave %d with %+v", first.Wave, first.Objects)
	}
}

// A run that may not go on stays as it was: nobody has continued it.
func TestResumeThatIsRefused(t *testing.T) {
	for _, tc := range []struct {
		what string
		make func(c *crashed, r *model.ResumeRequest)
		code model.ExitCode
		says string
	}{
		{"what is left is something else", func(c *crashed, _ *model.ResumeRequest) {
			for i := range c.runs[0].Objects {
				c.runs[0].Objects[i].Digest = "of something else"
			}
		}, model.ExitPlanMoved, "no longer what was approved"},
		{"another run is meant", func(_ *crashed, r *model.ResumeRequest) { r.Run = "staging-7" }, model.ExitUsage, "not the newest run"},
		{"it has ended", func(c *crashed, _ *model.ResumeRequest) { c.runs[0].State = model.RunFailed }, model.ExitUsage, "has ended (failed)"},
		{"it is closed", func(c *crashed, _ *model.ResumeRequest) { c.runs[0].State = model.RunInterrupted }, model.ExitUsage, "not resumed any more"},
		{"there is none", func(c *crashed, _ *model.ResumeRequest) { c.runs = nil }, model.ExitUsage, "there is no run"},
	} {
		c, e := newCrashed()
		c.cutOff(t, e)
		var r model.ResumeRequest
		tc.make(c, &r)
		run, _, err := resumeIt(t, e, r)
		if model.CodeOf(err, model.ExitOK) != tc.code || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %v", tc.what, err)
		}
		if len(c.saved) != 0 || c.live[id("gateway")] || len(c.runs) > 0 && len(c.runs[0].Attempts) != 0 {
			t.Errorf("%s: written were %v, the runs are %+v", tc.what, c.saved, c.runs)
		}
		if run.State == model.RunApplying || run.State == model.RunSucceeded {
			t.Errorf("%s: the run is told as %s", tc.what, run.State)
		}
	}
}

// A new run says that there is an interrupted one, and closes its record. Whoever
// does so has not continued it.
func TestAnInterruptedRunIsClosedByTheNext(t *testing.T) {
	c, e := newCrashed()
	c.cutOff(t, e)
	plan, err := e.Plan(t.Context(), "staging", "")
	if err != nil {
		t.Fatal(err)
	}
	var notes []string
	if _, err := e.Apply(t.Context(), model.Approval{Plan: plan}, func(ev model.Event) { notes = append(notes, ev.Message) }); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(strings.Join(notes, "\n"), "run staging-1 of op1@host to 1a1b1c1 was interrupted") {
		t.Errorf("told was %q", notes)
	}
	old := c.runs[1]
	if old.ID != "staging-1" || old.State != model.RunInterrupted || len(old.Attempts) != 0 || old.FinishedAt.IsZero() ||
		!strings.Contains(old.Reason, "op1@host began another run") {
		t.Errorf("%+v", old)
	}
}

// A run whose record somebody else has taken over writes nothing more: neither
// objects nor what is recorded.
func TestATakenOverRunWritesNothingMore(t *testing.T) {
	c, e := newCrashed()
	var writes []model.State
	c.memory.refuse = func(s model.State) error { writes = append(writes, s); return nil }
	c.onMark = func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.refuse = model.Errorf(model.ExitLocked, "staging: run staging-1 is not recorded further: someone else has taken it over")
	}
	run, _, err := ship(t, e)
	if len(c.saved) != 0 || len(c.watched) != 0 {
		t.Errorf("it went on: saved %+v, watched %v", c.saved, c.watched)
	}
	if model.CodeOf(err, model.ExitOK) != model.ExitLocked || !strings.Contains(err.Error(), "someone else has taken it over") || run.State != model.RunInterrupted {
		t.Errorf("%s, %v", run.State, err)
	}
	if len(writes) != 1 { // at its beginning
		t.Errorf("the state was written %d times", len(writes))
	}
}

// Neither does one whose state somebody else has written, and no wave begins.
func TestARunWhoseStateIsTakenWritesNothingMore(t *testing.T) {
	c, _ := newCrashed()
	x := &execution{engine: New(Config{Now: time.Now}), site: site{cluster: c}, record: newJournal(), lease: freeLease{}}
	var cause error
	x.stop = func(err error) { cause = err }
	c.memory.refuse = func(model.State) error { return model.Errorf(model.ExitLocked, "op2 took over the lock") }
	x.keepInventory(t.Context(), model.Wave{Objects: []model.PlannedObject{{ID: id("cart"), Verdict: model.VerdictCreate}}})
	if !errors.Is(cause, errLost) || !strings.Contains(cause.Error(), "op2 took over the lock") {
		t.Errorf("the run goes on: %v", cause)
	}
}

// Where a run was cut off is told as what it is: the least that its record knows.
func TestWhereARunWasCutOff(t *testing.T) {
	for wave, want := range []string{"interrupted at its beginning or later:", "interrupted in wave 1 of 2 or later:", "interrupted in wave 2 of 2:"} {
		if got := cutOff(model.Run{Wave: wave, Waves: []string{"first", "last"}}); !strings.Contains(got, want) {
			t.Errorf("%q does not say %q", got, want)
		}
	}
}
