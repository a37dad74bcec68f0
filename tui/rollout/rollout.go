// Package rollout is the page of a run under way: one line per object, under a
// workload that is not ready its pods with the real reason, and at the end the
// verdict. It is built from the run's events alone.
package rollout

import (
	"fmt"
	"time"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/list"
)

// storyLength is how many lines of the run's story are kept.
const storyLength = 200

// row is a row of the object list: a wave's heading, an object, or a line
// below an object.
type row struct {
	wave int // 1-based, for a heading
	id   model.ObjectID
	line int // below the object: 0 its cause, then its pods, counted from 1
	pod  bool
	// tests is set for the heading above the acceptance tests, test is the
	// name of one of them.
	tests bool
	test  string
}

// object is what is known of one object of the run.
type object struct {
	id       model.ObjectID
	version  string // of its API
	verdict  model.Verdict
	was, now string // its image before and after; empty: not known, or it has none
	wave     int
	state    model.Readiness
	progress model.Progress
	message  string
	applied  time.Time
	ended    time.Time // when it became ready, was pruned or failed
	left     bool      // the run ended before its turn
	pruned   bool
}

// line is one line of the story.
type line struct {
	at   time.Time
	text string
}

// Page is the state of the page.
type Page struct {
	Environment model.Environment
	Plan        *model.Plan // nil: the page is of a run's record
	Shipped     []model.Change
	Followed    bool               // it is carried out elsewhere
	Pausing     bool               // it is to be held up before its next wave
	Aborting    bool               // the operator asked to abort
	Usual       time.Duration      // how long a run takes here; 0: not known
	Window      *model.WindowState // for the plan; nil: not known
	MayOverride bool               // the policy lets this operator override
	Ahead       time.Duration      // how far this computer's clock is ahead of the cluster's

	armed *armed // it waits for the window; nil: it does not, or not any more
	begun bool   // it has begun, be it after waiting

	run     model.Run
	err     error
	started time.Time
	resumed time.Time // when it was continued after an interruption; zero: it was not
	ended   time.Time
	state   model.RunState

	waves   []wave
	wave    int          // the current one, 1-based
	paused  *model.Event // that it is held up; nil: it is not
	away    time.Time    // since when the API server does not answer; zero: it does
	order   []model.ObjectID
	objects map[model.ObjectID]*object
	story   []line
	tests   []*test

	rows    list.List[row]
	moved   bool // the operator moved the cursor: it no longer follows trouble
	table   frame.Area
	pane    *Pane // what is behind the selected object; nil: it is not open
	divider frame.Divider
}

// wave is what is known of one wave of the run.
type wave struct {
	name  string
	began time.Time
}

// New makes the page for a run of a plan that starts now.
func New(env model.Environment, plan *model.Plan, shipped []model.Change, now time.Time) *Page {
	p := empty(env, now)
	p.Plan, p.Shipped = plan, shipped
	for i, w := range plan.Waves() {
		p.waves = append(p.waves, wave{name: w.Name})
		for _, o := range w.Objects {
			made := &object{id: o.ID, version: o.Version, verdict: o.Verdict, wave: i + 1, state: model.ReadinessWaiting}
			made.was, made.now = images(o)
			p.add(made)
		}
	}
	p.addTests()
	p.fill()
	return p
}

func empty(env model.Environment, now time.Time) *Page {
	return &Page{Environment: env, started: now, state: model.RunApplying, objects: map[model.ObjectID]*object{}}
}

func (p *Page) add(o *object) {
	p.objects[o.id] = o
	p.order = append(p.order, o.id)
}

func (p *Page) addTests() {
	for _, t := range p.Environment.Tests {
		p.tests = append(p.tests, &test{name: t.Name, kind: t.Kind(), required: t.Required})
	}
}

// Done reports whether the run has ended.
func (p *Page) Done() bool { return !p.ended.IsZero() }

// State is how the run stands.
func (p *Page) State() model.RunState { return p.state }

// Words says in a few words how the run stands; now is by the cluster's clock.
func (p *Page) Words(now time.Time) string {
	if p.Armed() {
		return p.armedWords(now)
	}
	c := p.counts()
	out := fmt.Sprintf("%d of %d ready", c.ready, len(p.order))
	if p.state == model.RunTesting {
		out += fmt.Sprintf(", %d of %d tests passed", p.testCounts().passed, len(p.tests))
	}
	doomed := c.doomed
	if p.Done() {
		doomed = 0
	}
	if doomed > 0 {
		out += fmt.Sprintf(", %d doomed", doomed)
	}
	if n := c.failed - doomed; n > 0 {
		out += fmt.Sprintf(", %d failed", n)
	}
	return out
}

// Failing reports whether an object of the run, or a test it needs, has failed.
func (p *Page) Failing() bool { return p.counts().failed > 0 || p.testsFailed() }

// Failed reports whether the run has written to the cluster and not succeeded.
func (p *Page) Failed() bool { return p.Done() && p.state != model.RunSucceeded && p.run.ID != "" }

// Percent is how much of the run is done.
func (p *Page) Percent() int { return int(p.share() * 100) }

// Take adds events, in the order in which the run told them.
func (p *Page) Take(events []model.Event) {
	for _, e := range events {
		p.take(e)
	}
	p.fill()
}

func (p *Page) take(e model.Event) {
	if e.Run != "" {
		p.run.ID = e.Run
	}
	o := p.learn(e)
	p.arming(e)
	switch e.Type {
	case model.EventWave, model.EventPaused, model.EventContinued, model.EventAway:
		p.stands(e)
	case model.EventApplied:
		if o != nil {
			o.applied = e.Time
			if o.state == model.ReadinessWaiting {
				o.state = model.ReadinessProgress
			}
		}
	case model.EventPruned:
		if o != nil {
			o.state, o.pruned, o.ended = model.ReadinessReady, true, e.Time
		}
	case model.EventProgress, model.EventCause:
		p.progress(o, e)
	case model.EventTest:
		p.tested(e)
	case model.EventLog:
		p.logged(e)
	case model.EventArmed: // its own lines say it
	case model.EventStarted:
		p.tell(e.Time, "run "+e.Run+" started: "+e.Message)
	case model.EventFinished:
		if e.State != "" {
			p.state = e.State
		}
	default:
		p.tell(e.Time, e.Message)
	}
}

func (p *Page) progress(o *object, e model.Event) {
	if o == nil || e.Progress == nil {
		return
	}
	was := o.progress.Cause
	o.progress = *e.Progress
	o.message = e.Progress.Message
	if o.state = e.Progress.Readiness; e.Progress.Doomed && o.state == model.ReadinessProgress {
		o.state = model.ReadinessFailed
	}
	switch o.state {
	case model.ReadinessReady, model.ReadinessFailed:
		if o.ended.IsZero() {
			o.ended = e.Time
		}
	default:
		o.ended = time.Time{}
	}
	if o.applied.IsZero() {
		o.applied = e.Progress.Since
	}
	if cause := e.Progress.Cause; cause != "" && cause != was {
		p.tell(e.Time, o.id.String()+": "+cause)
	}
	if p.state == model.RunApplying && p.wave == len(p.waves) {
		p.state = model.RunWatching
	}
}

func (p *Page) tell(at time.Time, text string) {
	if text == "" {
		return
	}
	p.story = append(p.story, line{at, sanitize.Line(text)})
	if n := len(p.story) - storyLength; n > 0 {
		p.story = p.story[n:]
	}
}

// Finish takes the run's end. What the record says of an object counts more
// than what was last seen of it.
func (p *Page) Finish(run model.Run, err error, now time.Time) {
	if run.ID != "" {
		p.run = run
		p.continued()
	}
	p.err, p.ended, p.paused, p.away = err, now, nil, time.Time{}
	if (p.Followed || !p.resumed.IsZero()) && run.FinishedAt.After(p.started) {
		p.ended = run.FinishedAt
	}
	if p.armed != nil && p.run.ID != "" {
		p.armed = nil
	}
	switch {
	case run.State.Final():
		p.state = run.State
	case err == nil && p.Followed:
		p.state = model.RunInterrupted // it stopped being told of, and did not end
	case err == nil:
		p.state = model.RunSucceeded
	case model.CodeOf(err, model.ExitRolloutFailed) == model.ExitInterrupted, p.armed != nil && p.Aborting:
		p.state = model.RunAborted
	default:
		p.state = model.RunFailed
	}
	for _, r := range run.Objects {
		if o := p.objects[r.ID]; o != nil {
			o.recorded(r)
		}
	}
	for _, r := range run.Tests {
		p.ran(r)
	}
	for _, o := range p.objects {
		o.left = o.state == model.ReadinessWaiting
	}
	p.fill()
}

// fill rebuilds the rows: each wave, its objects, and below an object in
// trouble why.
func (p *Page) fill() {
	var items []list.Item[row]
	wave := 0
	for _, id := range p.order {
		o := p.objects[id]
		if o.wave != wave {
			wave = o.wave
			items = append(items, list.Item[row]{Key: row{wave: wave}, Heading: true})
		}
		items = append(items, list.Item[row]{Key: row{id: id}})
		if o.state == model.ReadinessReady {
			continue
		}
		if o.progress.Cause != "" {
			items = append(items, list.Item[row]{Key: row{id: id, pod: false, line: 1}, Heading: true})
		}
		for i := range p.troubled(o) {
			items = append(items, list.Item[row]{Key: row{id: id, pod: true, line: i + 1}, Heading: true})
		}
	}
	if len(p.tests) > 0 {
		items = append(items, list.Item[row]{Key: row{tests: true}, Heading: true})
	}
	for _, t := range p.tests {
		items = append(items, list.Item[row]{Key: row{test: t.name}})
	}
	p.rows.Set(items)
	if !p.moved {
		p.followTrouble()
	}
}

// podsShown is how many pods of a workload are listed: they come worst first,
// and the others mostly have the same reason.
const podsShown = 3

// troubled are the pods of a workload that are worth a line.
func (p *Page) troubled(o *object) []model.Pod {
	var out []model.Pod
	for _, pod := range o.progress.Pods {
		if !pod.Ready && len(out) < podsShown {
			out = append(out, pod)
		}
	}
	return out
}

// followTrouble puts the cursor on the first object or test that has failed,
// else on the first that is on its way, else on the first that waits, else on
// the last. It goes by how things stand alone, and not by how they came to: what
// is told at one instant may come in one message or in two.
func (p *Page) followTrouble() {
	if key, ok := p.worthALook(); ok {
		p.rows.Show(key)
	}
}

func (p *Page) worthALook() (row, bool) {
	for _, want := range []func(*test) bool{(*test).bad, (*test).running} {
		for _, t := range p.tests {
			if want(t) && p.counts().failed == 0 {
				return row{test: t.name}, true
			}
		}
	}
	for _, want := range []model.Readiness{model.ReadinessFailed, model.ReadinessProgress, model.ReadinessWaiting} {
		for _, id := range p.order {
			if p.objects[id].state == want {
				return row{id: id}, true
			}
		}
	}
	if n := len(p.order); n > 0 {
		return row{id: p.order[n-1]}, true
	}
	return row{}, false
}

// counts are the objects by readiness; those that are doomed count as failed.
type counts struct{ ready, failed, doomed, busy, waiting int }

func (p *Page) counts() counts {
	var c counts
	for _, o := range p.objects {
		switch o.state {
		case model.ReadinessReady:
			c.ready++
		case model.ReadinessFailed:
			c.failed++
			if o.progress.Doomed {
				c.doomed++
			}
		case model.ReadinessProgress:
			c.busy++
		default:
			c.waiting++
		}
	}
	return c
}

// share is how much of the run is done, between 0 and 1. Having been applied
// is worth a third of an object, and the rest comes with its pods; having been
// started is worth a third of a test.
func (p *Page) share() float64 {
	if len(p.order)+len(p.tests) == 0 {
		return 0
	}
	sum := 0.0
	for _, t := range p.tests {
		switch {
		case t.result != nil:
			sum++
		case t.running():
			sum += 1.0 / 3
		}
	}
	for _, o := range p.objects {
		switch {
		case o.state == model.ReadinessReady:
			sum++
		case o.progress.Desired > 0:
			part := float64(o.progress.Ready) / float64(o.progress.Desired)
			sum += (1 + 2*min(part, 1)) / 3
		case !o.applied.IsZero():
			sum += 1.0 / 3
		}
	}
	return sum / float64(len(p.order)+len(p.tests))
}
