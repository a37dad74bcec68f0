// Package revert is the page on which a person chooses how something that was
// merged is taken back.
package revert

import (
	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/draft"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/list"
	"github.com/fairtide-dev/fairtide/tui/paint"
	"github.com/fairtide-dev/fairtide/tui/slot"
	"github.com/fairtide-dev/fairtide/tui/words"
)

// Page is the state of the page.
type Page struct {
	Environment model.Environment
	LastRun     string                 // the run that is to be reverted, where it has to be read first
	Runs        slot.Slot[[]model.Run] // to find it in
	Draft       draft.Slot             // of the chosen option

	options []Option
	none    string // why there are none
	list    list.List[int]
	failed  int // the option that Draft is of, counted from 1

	titles map[string]int // the options by the line that names them, as drawn last
	lines  []int          // for each line drawn, the option it is about; 0: none
}

// New makes a page with the ways back that there are.
func New(env model.Environment, c Choice) *Page {
	p := &Page{Environment: env}
	p.Offer(c)
	return p
}

// Offer replaces the ways back.
func (p *Page) Offer(c Choice) {
	p.options, p.none, p.failed = c.Options, c.None, 0
	items := make([]list.Item[int], len(c.Options))
	for i := range items {
		items[i].Key = i + 1
	}
	p.list.Set(items)
	p.list.Top()
}

// Any reports whether there is a way back to choose.
func (p *Page) Any() bool {
	_, ok := p.list.Selected()
	return ok
}

// Choose is the order for the selected option.
func (p *Page) Choose() (draft.Order, bool) {
	n, ok := p.list.Selected()
	if !ok {
		return draft.Order{}, false
	}
	p.failed = n
	return p.options[n-1].Order, true
}

// Failed is called when the chosen draft could not be made: the cursor goes to
// the first of the others.
func (p *Page) Failed() {
	for i := range p.options {
		if i+1 != p.failed && p.options[i].Request.Kind != p.options[p.failed-1].Request.Kind {
			p.list.Select(i + 1)
			return
		}
	}
}

// Do carries out a movement. It reports whether the page knows the action.
func (p *Page) Do(id action.ID) bool {
	switch id {
	case action.Down, action.NextPane:
		p.list.Move(1)
	case action.Up, action.PrevPane:
		p.list.Move(-1)
	case action.Top:
		p.list.Top()
	case action.Bottom:
		p.list.Bottom()
	default:
		return false
	}
	return true
}

// Stop ends what is being read for the page.
func (p *Page) Stop() {
	p.Runs.Stop()
	p.Draft.Stop()
}

// Hints are the footer's actions, the most wanted first.
func (p *Page) Hints() []action.ID {
	if len(p.options) == 0 {
		return []action.ID{action.Back, action.Refresh}
	}
	return []action.ID{action.MakeDraft, action.Down, action.Back}
}

// Head is the header line.
func (p *Page) Head(f frame.Frame, w *model.WindowState) frame.Head {
	return frame.Head{
		Left: sanitize.Line(p.Environment.Name) + "  revert", Right: f.Window(w),
		Production: p.Environment.Tier == model.TierProduction,
	}
}

// Draw draws the page's body.
func (p *Page) Draw(f frame.Frame) frame.Body {
	out := []string{""}
	if p.Runs.Err != nil {
		out = append(append(out, f.Problem(p.Runs.Err, true, f.W)...), "")
	}
	switch {
	case len(p.options) == 0 && p.Runs.Err != nil:
	case len(p.options) == 0 && p.Runs.Busy(): // what was known stays while it is read again
		if p.Runs.Slow(f.Now) {
			out = append(out, "   "+f.Dim.Paint("Reading the last run "+f.Glyph.Ellipsis))
		}
	case len(p.options) == 0:
		for _, l := range paint.Wrap(sanitize.Line(p.none), f.W-6) {
			out = append(out, "   "+l)
		}
	default:
		out = append(out, p.ways(f)...)
	}
	out = paint.Squeeze(out, f.H)
	p.remember(f, out)
	return frame.Body{Lines: out}
}

// ways are the options, each with what it means, and how the draft stands.
func (p *Page) ways(f frame.Frame) []string {
	out := []string{f.Heading("HOW SHALL IT BE TAKEN BACK?", words.Count(len(p.options), "way"), f.W), ""}
	text := min(f.W-6, 100)
	brief := f.H < 20 // what an option means is said of the selected one only
	lines := 4
	if brief {
		lines = 2
	}
	p.titles = map[string]int{}
	from, to := p.list.Window(max(2, (f.H-8)/lines))
	for i := from; i < to; i++ {
		o, n := p.options[i], i+1
		selected := i == p.list.Index()
		line := paint.Cut(f.Mark(selected, true)+f.Row(selected, true).Paint(sanitize.Line(o.Title)), f.W)
		p.titles[line] = n
		out = append(out, line)
		if !brief || selected && p.failed == 0 {
			for _, l := range paint.Wrap(sanitize.Line(o.About), text) {
				out = append(out, "   "+f.Dim.Paint(l))
			}
		}
		if n == p.failed {
			out = append(out, p.outcome(f)...)
		}
		out = append(out, "")
	}
	out = append(out, f.Line(f.W))
	for _, l := range paint.Wrap("Nothing is pushed before you have seen what it would do, and confirmed.", text) {
		out = append(out, "   "+f.Dim.Paint(l))
	}
	return out
}

// outcome is how making the chosen draft stands, and the way that remains.
func (p *Page) outcome(f frame.Frame) []string {
	out := draft.Progress(f, &p.Draft, f.W)
	if p.Draft.Err == nil || p.Draft.Busy() {
		return out
	}
	room := max(4, f.H-14)
	if f.H < 20 {
		room = max(4, f.H-5)
	}
	if len(out) > room {
		rest := len(out) - room + 1
		out = append(out[:room-1], "     "+f.Dim.Paint("and "+words.Count(rest, "line")+" more"))
	}
	if n, ok := p.list.Selected(); ok && n != p.failed {
		out = append(out, paint.Cut("     "+f.Press(action.MakeDraft, action.Reverting)+" tries the other way: "+sanitize.Line(p.options[n-1].Title), f.W))
	}
	return out
}
