package rollout

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
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
	at       time.Time // of the last event that the record has a time of
	begun    bool
	late     bool // this reading is the first one: what it tells has been for a while
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

// tell tells what is new in a reading of the record and the lock. Of a run that
// was continued, the attempts before come first.
func (t *retelling) tell(run model.Run, lock *model.Lock) {
	if t.late = !t.begun; t.late {
		for i := range run.Attempts {
			t.reach(asBefore(run, i), nil)
		}
	}
	t.reach(run, lock)
	t.late = false
}

// asBefore is what the record of a run tells of the time before one of those who
// continued it did.
func asBefore(run model.Run, attempt int) model.Run {
	until := run.Attempts[attempt].At
	run.Attempts, run.State = run.Attempts[:attempt], model.RunApplying
	run.Wave, run.Tests, run.Objects = 0, nil, slices.Clone(run.Objects)
	for i := range run.Objects {
		if o := &run.Objects[i]; o.At.IsZero() || !o.At.Before(until) {
			o.Result = model.ResultPending
		}
	}
	return run
}

func (t *retelling) reach(run model.Run, lock *model.Lock) {
	t.start(run, lock)
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
			ev := model.Event{Type: model.EventWave, Wave: w, Waves: max(len(run.Waves), w), Time: t.begins(run, w)}
			if w <= len(run.Waves) {
				ev.Message = run.Waves[w-1]
			}
			t.say(ev)
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

// say tells an event that the record may have a time of.
func (t *retelling) say(ev model.Event) {
	if ev.Time.After(t.at) {
		t.at = ev.Time
	}
	t.log.tell(ev)
}

// begins is when a wave began, as far as the record knows: not after the first
// result of what came with it and after it. Zero: it just did.
func (t *retelling) begins(run model.Run, wave int) (at time.Time) {
	for _, o := range run.Objects {
		if o.Result != model.ResultPending && o.Wave >= wave && !o.At.IsZero() && (at.IsZero() || o.At.Before(at)) {
			at = o.At
		}
	}
	if at.IsZero() && t.late {
		return t.at
	}
	return at
}

// start tells that the run has begun, or that somebody continues it. The lock was
// taken before that, and is known to have been while it is held.
func (t *retelling) start(run model.Run, lock *model.Lock) {
	if t.begun && len(run.Attempts) <= t.attempts {
		return
	}
	at := takenAt(run)
	locked, checked := at, "the plan is as it was approved"
	if lock != nil && lock.Run == run.ID && lock.Since.Before(at) && lock.Since.After(t.at) {
		locked = lock.Since
	}
	text := fmt.Sprintf("%s → %s", orNone(model.Short(run.From)), model.Short(run.Commit))
	if len(run.Attempts) > 0 {
		text, checked = fmt.Sprintf("resumed by %s: %s", run.Writer(), text), leftIsApproved(run.ID)
	}
	t.say(model.Event{Type: model.EventLocked, Message: "locked by " + run.Writer(), Time: locked})
	t.say(model.Event{Type: model.EventRechecked, Message: checked, Time: locked})
	t.say(model.Event{Type: model.EventStarted, State: model.RunApplying, Message: text, Time: at})
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
		t.say(model.Event{Type: model.EventPruned, Object: &id, Verdict: o.Verdict, Wave: o.Wave, Time: o.At})
	case model.ResultApplied, model.ResultReady:
		if !t.written[id] {
			t.written[id] = true
			t.say(model.Event{Type: model.EventApplied, Object: &id, Verdict: o.Verdict, Wave: o.Wave, Time: o.At})
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
	t.seen(model.Progress{ID: o.ID, Readiness: model.ReadinessFailed, Message: firstLine(o.Message), Cause: firstLine(o.Message)}, o.At)
}

// reading tells what is seen of an object.
func (t *retelling) reading(p model.Progress) { t.seen(p, time.Time{}) }

// seen tells what was seen of an object; a zero at is now.
func (t *retelling) seen(p model.Progress, at time.Time) {
	if reflect.DeepEqual(p, t.last[p.ID]) {
		return // the watch was begun anew
	}
	t.last[p.ID] = p
	kind := model.EventProgress
	if p.Cause != "" {
		kind = model.EventCause
	}
	t.say(model.Event{Type: kind, Object: &p.ID, Progress: &p, Time: at, Message: firstOf(p.Cause, p.Message)})
}

// settle tells of the objects whose result is in the record and was not seen.
func (t *retelling) settle(run model.Run) {
	for _, o := range run.Objects {
		if o.Result == model.ResultReady && t.last[o.ID].Readiness != model.ReadinessReady {
			t.seen(model.Progress{ID: o.ID, Readiness: model.ReadinessReady}, o.At)
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
		ev := model.Event{Type: model.EventPaused, Wave: wave, Waves: waves, Message: text}
		if t.late { // once the waves before had their results
			ev.Time = t.at
		}
		t.say(ev)
	}
}

func (t *retelling) goesOn(run model.Run) {
	if t.paused == 0 || run.State.Final() {
		return
	}
	t.log.tell(model.Event{Type: model.EventContinued, Wave: t.paused, Waves: len(run.Waves), Message: "goes on", Time: t.begins(run, t.paused)})
	t.paused = 0
}

// test tells of the acceptance tests; their lines are not in the record.
func (t *retelling) test(run model.Run) {
	if run.State == model.RunTesting && !t.testing {
		t.testing = true
		ev := model.Event{Type: model.EventNote, Message: "the acceptance tests are under way"}
		if t.late {
			ev.Time = t.at
		}
		t.say(ev)
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
