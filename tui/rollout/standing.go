package rollout

import (
	"fmt"
	"time"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/paint"
	"github.com/fairtide-dev/fairtide/tui/words"
)

// stands takes an event about the run as a whole.
func (p *Page) stands(e model.Event) {
	switch e.Type {
	case model.EventWave:
		p.paused = nil
		p.wave = p.numbered(e)
		p.room(p.wave)
		if w := &p.waves[p.wave-1]; w.began.IsZero() {
			w.began = e.Time
		}
		if w := &p.waves[p.wave-1]; w.name == "" {
			w.name = e.Message
		}
		p.tell(e.Time, fmt.Sprintf("wave %d of %d: %s", p.wave, len(p.waves), e.Message))
	case model.EventPaused:
		p.paused = &e
		p.tell(e.Time, e.Message)
	case model.EventContinued:
		p.paused = nil
		p.tell(e.Time, e.Message)
	case model.EventAway:
		p.away = e.Since
		text := e.Message
		switch {
		case text != "":
		case e.Since.IsZero():
			text = "the API server answers again"
		default:
			text = "the API server does not answer"
		}
		p.tell(e.Time, text)
	}
}

// numbered is the number of the wave that begins. A run that is resumed counts
// only what is left of it: its waves are known by their names.
func (p *Page) numbered(e model.Event) int {
	if e.Waves < len(p.waves) {
		for i := max(0, p.wave-1); i < len(p.waves); i++ {
			if p.waves[i].name == e.Message {
				return i + 1
			}
		}
	}
	return max(1, e.Wave)
}

// Away reports whether the API server does not answer.
func (p *Page) Away() bool { return !p.away.IsZero() && !p.Done() }

// Paused reports whether the run is held up between two waves.
func (p *Page) Paused() bool { return p.paused != nil && !p.Done() }

// LastWave reports whether there is no wave any more that the run could be held
// up before.
func (p *Page) LastWave() bool { return p.wave >= len(p.waves) && p.wave > 0 }

// Doomed reports whether an object will not become ready by waiting.
func (p *Page) Doomed() bool { return p.counts().doomed > 0 }

// slow reports whether an object takes longer than it should: something is in
// its way that may go, or it takes longer than all of a run does here.
func (p *Page) slow(o *object, now time.Time) bool {
	return o.state == model.ReadinessProgress && !p.Done() && (o.progress.Cause != "" || p.late(o, now))
}

func (p *Page) late(o *object, now time.Time) bool {
	return p.Usual > 0 && !o.applied.IsZero() && now.Sub(o.applied) > p.Usual
}

// strip are the lines that say what stands over everything else of the run: that
// what is shown is old, or that it is held up.
func (p *Page) strip(f frame.Frame) []string {
	if p.Done() || !p.Found() {
		return nil
	}
	var out []string
	say := func(glyph, text string) {
		out = append(out, paint.Cut(" "+f.Warn.Paint(glyph+" "+text), f.W))
	}
	if p.Followed && f.W < frame.TwoColumns && f.H > 12 {
		out = append(out, paint.Cut(" "+f.Dim.Paint("carried out by ")+p.by(), f.W))
	}
	if p.Away() {
		const roomy = 70
		older := "what is shown is older"
		if f.W < roomy {
			older = "this is older"
		}
		say(f.Glyph.Risk, fmt.Sprintf("API server away since %s (%s), %s",
			p.away.In(f.Now.Location()).Format(time.TimeOnly), words.Took(f.Now.Sub(p.away)), older))
	}
	switch {
	case p.Aborting && p.Followed:
		say(f.Glyph.Busy, "asked "+p.by()+" to stop: no new write begins there")
	case p.Aborting:
		say(f.Glyph.Busy, "aborting: no new write begins, and the record is being closed")
	case p.Paused():
		text := fmt.Sprintf("paused before wave %d of %d", p.paused.Wave, p.paused.Waves)
		if !p.Followed {
			out = append(out, paint.Cut(" "+f.Warn.Paint(f.Glyph.Armed+" "+text)+f.Dim.Paint("; ")+f.Press(action.Pause, action.Rollout)+f.Dim.Paint(" goes on"), f.W))
			break
		}
		say(f.Glyph.Armed, text)
	case p.Pausing && !p.LastWave():
		out = append(out, paint.Cut(" "+f.Accent.Paint(f.Glyph.Armed+" pauses before the next wave")+f.Dim.Paint("; ")+f.Press(action.Pause, action.Rollout)+f.Dim.Paint(" takes that back"), f.W))
	}
	return out
}

// by is who carries the run out.
func (p *Page) by() string {
	if w := p.run.Writer(); w != "" {
		return sanitize.Line(w)
	}
	return "its operator"
}

// Tally is how many objects the run has written, and of how many.
func (p *Page) Tally() (done, all int) { return len(p.order) - p.counts().waiting, len(p.order) }

// Written says what the run has written and what not, in words; empty: that is
// of no interest.
func (p *Page) Written() string {
	var not []string
	for _, id := range p.order {
		o := p.objects[id]
		if o.state == model.ReadinessWaiting || o.left {
			not = append(not, title(id))
		}
	}
	const most = 4
	all := len(p.order)
	done := all - len(not)
	switch {
	case all == 0:
		return ""
	case p.Interrupted():
		return recordedWords(done, all, words.List(not, most))
	case done == 0:
		return "Nothing was written."
	case done == all:
		return fmt.Sprintf("All %s were written, and stay as they are.", words.Count(all, "object"))
	}
	return fmt.Sprintf("%d of %s were written, and stay as they are. Not written: %s.", done, words.Count(all, "object"), words.List(not, most))
}

// recordedWords is Written of a run that stopped without an end. Its record may
// lag behind: what it does not have may be live all the same.
func recordedWords(done, all int, not string) string {
	switch done {
	case 0:
		return fmt.Sprintf("None of %s is recorded as written: resuming looks at each.", words.Count(all, "object"))
	case all:
		return fmt.Sprintf("All %s are recorded as written.", words.Count(all, "object"))
	}
	return fmt.Sprintf("%d of %s are recorded as written. Not recorded as written: %s; resuming looks at each.", done, words.Count(all, "object"), not)
}
