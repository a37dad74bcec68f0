package rollout

import (
	"strings"
	"time"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
)

// Follow makes the page for a run that is carried out elsewhere, and is still to
// be found.
func Follow(env model.Environment, now time.Time) *Page {
	p := empty(env, now)
	p.Followed = true
	p.fill()
	return p
}

// Record makes the page for a run that is known by its record alone.
func Record(env model.Environment, run model.Run, now time.Time) *Page {
	p := empty(env, now)
	p.Begin(run)
	return p
}

// Continue makes the page for a run that is resumed now, as its record has it.
func Continue(env model.Environment, run model.Run, now time.Time) *Page {
	run.State, run.Reason, run.FinishedAt = model.RunApplying, "", time.Time{}
	p := Record(env, run, now)
	p.resumed = now
	return p
}

// continued takes from the record when the run was continued last.
func (p *Page) continued() {
	if n := len(p.run.Attempts); n > 0 && p.resumed.IsZero() {
		p.resumed = p.run.Attempts[n-1].At
	}
}

// Begin takes a run as its record has it. Whatever the page showed before was
// another run's.
func (p *Page) Begin(run model.Run) {
	p.run, p.waves, p.order, p.objects, p.tests = run, nil, nil, map[model.ObjectID]*object{}, nil
	p.wave, p.paused, p.away, p.started, p.resumed = run.Wave, nil, time.Time{}, run.StartedAt, time.Time{}
	p.continued()
	if p.state = run.State; p.state == "" {
		p.state = model.RunApplying
	}
	for _, name := range run.Waves {
		p.waves = append(p.waves, wave{name: name})
	}
	for _, r := range run.Objects {
		o := &object{id: r.ID, version: r.Version, verdict: r.Verdict, wave: r.Wave, state: model.ReadinessWaiting}
		p.room(o.wave)
		o.recorded(r)
		if o.applied = r.At; o.state == model.ReadinessReady {
			o.ended = r.At
		}
		p.add(o)
	}
	p.addTests()
	for _, t := range run.Tests {
		p.ran(t)
	}
	p.fill()
}

// room makes sure that the page has a wave of that number.
func (p *Page) room(n int) {
	for len(p.waves) < n {
		p.waves = append(p.waves, wave{})
	}
}

// recorded takes what the run's record says of the object, which counts more
// than what was last seen of it.
func (o *object) recorded(r model.RunObject) {
	switch r.Result {
	case model.ResultFailed:
		o.state = model.ReadinessFailed
		if r.Message != "" {
			o.message = r.Message
		}
	case model.ResultReady:
		o.state = model.ReadinessReady
	case model.ResultPruned:
		o.state, o.pruned = model.ReadinessReady, true
	case model.ResultApplied:
		if o.state == model.ReadinessWaiting {
			o.state = model.ReadinessProgress
		}
	}
}

// learn is the object that an event is about; nil: it is about none. One that
// the page did not know of is added: the run's own reading of its plan counts.
func (p *Page) learn(e model.Event) *object {
	if e.Object == nil {
		return nil
	}
	o := p.objects[*e.Object]
	if o == nil && p.Plan == nil {
		o = &object{id: *e.Object, verdict: e.Verdict, wave: max(e.Wave, p.wave), state: model.ReadinessWaiting}
		p.room(o.wave)
		p.add(o)
	}
	return o
}

// Commit is what the run applies, and From what was live before it; empty: that
// is not known, or nothing was.
func (p *Page) Commit() string {
	if p.Plan != nil {
		return p.Plan.Commit
	}
	return p.run.Commit
}

// From is what was live before the run.
func (p *Page) From() string {
	if p.Plan != nil {
		return p.Plan.From
	}
	return p.run.From
}

// Run is the run's record, as far as it is known.
func (p *Page) Run() model.Run { return p.run }

// Found reports whether the run to be followed has been found.
func (p *Page) Found() bool { return !p.Followed || p.run.ID != "" }

// images are the image that an object's plan changes, before and after it; one
// that stays as it is has no before.
func images(o model.PlannedObject) (was, now string) {
	after, before := containers(o.After), containers(o.Before)
	for name, image := range after {
		if old := before[name]; old != image && (now == "" || was == "" || image < now) {
			was, now = old, image
		}
	}
	if now == "" {
		for _, image := range after {
			if now == "" || image < now {
				now = image
			}
		}
	}
	return was, now
}

// containers are the images of a workload by the names of its containers.
func containers(fields map[string]any) map[string]string {
	if fields == nil {
		return nil
	}
	list, _ := fieldpath.Get(fields, "spec.template.spec.containers")
	all, _ := list.([]any)
	out := map[string]string{}
	for _, c := range all {
		c, _ := c.(map[string]any)
		name, _ := c["name"].(string)
		if image, _ := c["image"].(string); image != "" {
			out[name] = image
		}
	}
	return out
}

// image says in few cells which image an object gets, and which it had.
func (o *object) image(arrow string) string {
	was, now := o.was, o.now
	if now == "" {
		for _, pod := range o.progress.Pods {
			if now = pod.Image; now != "" {
				break
			}
		}
	}
	was, now = shortImage(was), shortImage(now)
	switch {
	case now == "":
		return ""
	case was == "" || was == now:
		return now
	}
	name, tag, ok := strings.Cut(now, ":")
	if before, _, same := strings.Cut(was, ":"); ok && same && before == name {
		return was + " " + arrow + " " + tag
	}
	return was + " " + arrow + " " + now
}

// shortImage is an image without its registry and path, and its digest cut.
func shortImage(image string) string {
	const digits = 8
	image = sanitize.Line(image)
	image = image[strings.LastIndex(image, "/")+1:]
	if at := strings.Index(image, "@"); at >= 0 {
		name, digest := image[:at], image[at+1:]
		if strings.Contains(name, ":") {
			return name
		}
		_, hex, _ := strings.Cut(digest, ":")
		return name + "@" + hex[:min(len(hex), digits)]
	}
	return image
}

// lastNews is when something was last recorded of the run.
func (p *Page) lastNews() time.Time {
	at := p.started
	for _, r := range p.run.Objects {
		if r.At.After(at) {
			at = r.At
		}
	}
	return at.Add(time.Nanosecond) // the zero time would be a run under way
}
