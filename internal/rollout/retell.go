package rollout

import (
	"cmp"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/fairtide-dev/fairtide/internal/accept"
	"github.com/fairtide-dev/fairtide/model"
)

// doingPaused is what the lock of a run says that is held up between its waves.
const doingPaused = "paused before wave %d of %d"

// retelling tells a run's story from its record and from what is seen of its
// objects, as the run's own operator is told it.
type retelling struct {
	log      *story
	begun    bool
	attempts int
	wave     int // that was told to have begun
	paused   int // the wave that the run is held up before; 0: it is not
	testing  bool
	tests    int // of those in the record, how many were told
	results  map[model.ObjectID]model.ObjectResult
	last     map[model.ObjectID]model.Progress
	written  map[model.ObjectID]bool // was told to be applied
}

func newRetelling(log *story) *retelling {
	return &retelling{
		log: log, results: map[model.ObjectID]model.ObjectResult{}, last: map[model.ObjectID]model.Progress{},
		written: map[model.ObjectID]bool{},
	}
}

// tell tells what is new in a reading of the record and the lock.
func (t *retelling) tell(run model.Run, lock *model.Lock) {
	t.start(run)
	reached := run.Wave
	for _, o := range run.Objects {
		if o.Result != model.ResultPending {
			reached = max(reached, o.Wave)
		}
	}
	if reached >= t.paused {
		t.goesOn(run)
	}
	for w := range max(reached, t.wave) + 1 {
		if w > t.wave {
			t.wave = w
			ev := model.Event{Type: model.EventWave, Wave: w, Waves: max(len(run.Waves), w)}
			if w <= len(run.Waves) {
				ev.Message = run.Waves[w-1]
			}
			t.log.tell(ev)
		}
		for _, o := range run.Objects {
			if o.Wave == w {
				t.object(o)
			}
		}
	}
	t.pause(run, lock)
	t.test(run)
}

func (t *retelling) start(run model.Run) {
	from := fmt.Sprintf("%s → %s", orNone(model.Short(run.From)), model.Short(run.Commit))
	resumed := model.Event{Type: model.EventStarted, State: model.RunApplying, Message: fmt.Sprintf("resumed by %s: %s", run.Writer(), from)}
	switch {
	case !t.begun:
		t.log.tell(model.Event{Type: model.EventLocked, Message: "locked by " + run.Writer()})
		t.log.tell(model.Event{Type: model.EventRechecked, Message: "the plan is as it was approved"})
		if len(run.Attempts) > 0 {
			t.log.tell(resumed)
		} else {
			t.log.tell(model.Event{Type: model.EventStarted, State: model.RunApplying, Message: from, Time: run.StartedAt})
		}
	case len(run.Attempts) > t.attempts:
		t.log.tell(model.Event{Type: model.EventLocked, Message: "locked by " + run.Writer()})
		t.log.tell(resumed)
	}
	t.begun, t.attempts = true, len(run.Attempts)
}

// object tells what became of an object.
func (t *retelling) object(o model.RunObject) {
	was := t.results[o.ID]
	if o.Result == was || o.Result == model.ResultPending {
		return
	}
	t.results[o.ID] = o.Result
	id := o.ID
	switch o.Result {
	case model.ResultPruned:
		t.log.tell(model.Event{Type: model.EventPruned, Object: &id, Verdict: o.Verdict, Wave: o.Wave, Time: o.At})
	case model.ResultApplied, model.ResultReady:
		if !t.written[id] {
			t.written[id] = true
			t.log.tell(model.Event{Type: model.EventApplied, Object: &id, Verdict: o.Verdict, Wave: o.Wave, Time: o.At})
		}
	case model.ResultFailed:
		t.fails(o)
	}
}

// fails tells of an object that the record says has failed, unless it was seen.
func (t *retelling) fails(o model.RunObject) {
	if p := t.last[o.ID]; p.Readiness == model.ReadinessFailed || p.Doomed {
		return
	}
	t.reading(model.Progress{ID: o.ID, Readiness: model.ReadinessFailed, Message: firstLine(o.Message), Cause: firstLine(o.Message)})
}

// reading tells what was seen of an object.
func (t *retelling) reading(p model.Progress) {
	if reflect.DeepEqual(p, t.last[p.ID]) {
		return // the watch was begun anew
	}
	t.last[p.ID] = p
	kind := model.EventProgress
	if p.Cause != "" {
		kind = model.EventCause
	}
	t.log.tell(model.Event{Type: kind, Object: &p.ID, Progress: &p, Message: firstOf(p.Cause, p.Message)})
}

// settle tells of the objects whose result is in the record and was not seen.
func (t *retelling) settle(run model.Run) {
	for _, o := range run.Objects {
		if o.Result == model.ResultReady && t.last[o.ID].Readiness != model.ReadinessReady {
			t.reading(model.Progress{ID: o.ID, Readiness: model.ReadinessReady})
		}
	}
}

// pause tells that the run is held up, as its lock says.
func (t *retelling) pause(run model.Run, lock *model.Lock) {
	var wave, waves int
	if lock != nil && lock.Run == run.ID {
		if n, _ := fmt.Sscanf(lock.Doing, doingPaused, &wave, &waves); n < 2 || wave <= t.wave {
			wave = 0
		}
	}
	switch wave {
	case t.paused:
	case 0:
		t.goesOn(run)
	default:
		t.paused = wave
		text := lock.Doing
		if wave <= len(run.Waves) {
			text += ": " + run.Waves[wave-1]
		}
		t.log.tell(model.Event{Type: model.EventPaused, Wave: wave, Waves: waves, Message: text})
	}
}

func (t *retelling) goesOn(run model.Run) {
	if t.paused == 0 || run.State.Final() {
		return
	}
	t.log.tell(model.Event{Type: model.EventContinued, Wave: t.paused, Waves: len(run.Waves), Message: "goes on"})
	t.paused = 0
}

// test tells of the acceptance tests; their lines are not in the record.
func (t *retelling) test(run model.Run) {
	if run.State == model.RunTesting && !t.testing {
		t.testing = true
		t.log.tell(model.Event{Type: model.EventNote, Message: "the acceptance tests are under way"})
	}
	for ; t.tests < len(run.Tests); t.tests++ {
		r := run.Tests[t.tests]
		text := accept.Describe(r)
		if took := r.FinishedAt.Sub(r.StartedAt); !r.FinishedAt.IsZero() && !r.StartedAt.IsZero() {
			text += fmt.Sprintf(" (%s)", took.Round(100*time.Millisecond))
		}
		t.log.tell(model.Event{Type: model.EventTest, Source: r.Name, Message: text, Test: &r, Time: r.FinishedAt})
	}
}

// targets are the objects of a run whose progress is to be seen.
func (t *retelling) targets(run model.Run) []model.Target {
	var out []model.Target
	for _, o := range run.Objects {
		if t.written[o.ID] && o.Result != model.ResultPruned {
			out = append(out, model.Target{ID: o.ID, Version: o.Version, UID: o.UID})
		}
	}
	return out
}

// endOf is the exit code that a run has ended with, as its record tells it.
func endOf(run model.Run) model.ExitCode {
	switch run.State {
	case model.RunSucceeded:
		return model.ExitOK
	case model.RunAborted:
		if strings.Contains(run.Reason, errOverrun.Error()) {
			return model.ExitRolloutFailed // nobody asked for that: the window closed
		}
		return model.ExitInterrupted
	case model.RunFailed:
		return cmp.Or(model.CodeOf(accept.Verdict(run.Tests), model.ExitOK), model.ExitRolloutFailed)
	}
	return model.ExitRolloutFailed
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
