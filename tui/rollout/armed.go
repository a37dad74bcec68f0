package rollout

import (
	"time"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/paint"
	"github.com/fairtide-dev/fairtide/tui/words"
)

// armed is a run that waits for its window.
type armed struct {
	since time.Time
	until time.Time // when the window opens, by the cluster's clock; zero: not known
	told  string    // what the run said last of its waiting
	at    time.Time // when it did
}

// Arm makes the run one that waits for its window.
func (p *Page) Arm(until time.Time) { p.armed = &armed{since: p.started, until: until} }

// Armed reports whether the run waits for its window, and nothing was written.
func (p *Page) Armed() bool { return p.armed != nil && !p.begun && !p.Done() }

// Waited reports whether the run waited for its window.
func (p *Page) Waited() bool { return p.armed != nil }

// Until is when an armed run starts; zero: that is not known.
func (p *Page) Until() time.Time {
	if p.armed == nil {
		return time.Time{}
	}
	return p.armed.until
}

// Opens says when an armed run starts; now is by the cluster's clock.
func (p *Page) Opens(now time.Time) string {
	switch left := p.Until().Sub(now); {
	case p.Until().IsZero():
		return "waits for the window"
	case left <= 0:
		return "opens now"
	}
	return "opens in " + words.Left(p.Until().Sub(now))
}

func (p *Page) armedWords(now time.Time) string {
	out := p.Opens(now)
	if at := p.Until(); !at.IsZero() {
		out += ", " + words.Clock(at.In(frame.Zone(p.Environment, now)), now)
	}
	return out
}

// arming keeps what is told of the waiting, and sees when it is over.
func (p *Page) arming(e model.Event) {
	switch e.Type {
	case model.EventArmed:
		if p.armed == nil {
			p.Arm(e.Until)
		}
		p.armed.until, p.armed.told, p.armed.at = e.Until, e.Message, e.Time
	case model.EventNote, model.EventFinished: // come while it waits, too
	default:
		if p.Armed() {
			p.started = e.Time
		}
		p.begun = true
	}
}

// drawArmed is the body while the run waits: until when, for what, what would
// end the waiting, and below it what is to be applied.
func (p *Page) drawArmed(f frame.Frame) frame.Body {
	top := p.armedLines(f)
	bottom := p.bottom(f, max(2, f.H/4), true)
	if f.H < 20 || len(p.story) == 0 {
		bottom = nil
	}
	room := f.H - len(top) - len(bottom) - 1
	if room < 2 {
		return frame.Body{Lines: top[:min(len(top), f.H)]}
	}
	top = append(top, f.Heading("TO BE APPLIED", words.Count(len(p.order), "object"), f.W))
	p.table = frame.Area{Y: len(top), W: f.W, H: room}
	out := append(top, p.objectRows(f, room)...)
	for len(out) < f.H-len(bottom) {
		out = append(out, "")
	}
	return frame.Body{Lines: append(out, bottom...)}
}

func (p *Page) armedLines(f frame.Frame) []string {
	here := f.Now
	f.Now = f.Now.Add(-p.Ahead) // windows go by the cluster's clock
	tight := f.H < 18
	zone := frame.Zone(p.Environment, f.Now)
	title := " " + f.Accent.Paint(f.Glyph.Armed+" ") + f.Bold.Paint("armed: starts when the window opens")
	when := "not known when"
	if at := p.Until(); !at.IsZero() {
		when = p.Opens(f.Now)
	}
	out := []string{paint.Spread(title, f.Accent.Paint(when)+" ", f.W)}
	if !tight {
		out = append(out, "")
	}
	para := func(label, text string, most int) {
		lines := paint.Wrap(sanitize.Line(text), f.W-frame.LabelWidth-1)
		for _, l := range lines[:min(len(lines), most)] {
			out, label = append(out, f.Label(label, l, f.W)), ""
		}
	}
	if at := p.Until(); !at.IsZero() {
		text := at.In(zone).Format("Mon 2 Jan 2006 15:04 MST")
		if f.W >= 80 {
			text += ", by the cluster's clock"
		}
		para("starts", text, 1)
	} else if p.armed.told != "" {
		para("news", p.armed.told+", "+words.Ago(here.Sub(p.armed.at)), 3)
	}
	if w := p.Window; w != nil && !w.Open {
		para("closed", frame.Reason(w, p.MayOverride), 2)
	}
	stop := f.Press(action.Abort, action.Rollout) + " cancels it: nothing has been written yet"
	if p.Aborting {
		stop = f.Warn.Paint(f.Glyph.Busy + " cancelling")
	}
	out = append(out, f.Label("stop", stop, f.W))
	para("plan", "is read again until then. If anything it applies changes, the arming is void: nothing is written, and what changed is shown.", 4)
	para("needs", "fairtide open and this computer awake until then; other pages may be looked at.", 2)
	if !tight {
		out = append(out, "")
	}
	return out
}
