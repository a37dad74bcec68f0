package windows

import (
	"fmt"
	"strings"
	"time"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/paint"
	"github.com/fairtide-dev/fairtide/tui/words"
)

// narrow is the width below which there is a list of environments, and a week
// of the selected one only.
const narrow = 76

const (
	widestName   = 24
	besides      = 5 // columns before a name: the cursor, and how it stands
	gapAfterName = 2
)

// drawn is where things were put, for the mouse.
type drawn struct {
	axis     axis
	rows, to int // the lines of the environments, the second not included
	from     int // the environment in the first of them
	strip    int // the line of the selected one's week, when it is not in its row; -1: it is
	rest     int // the first line below
	now      time.Time
}

// Draw draws the page's body.
func (p *Page) Draw(f frame.Frame) frame.Body {
	p.sync()
	p.drawn = drawn{}
	s := p.envs
	var top []string
	switch {
	case s.Err != nil:
		top = append(f.Problem(s.Err, true, f.W), "")
	case !s.Loaded && s.Slow(f.Now):
		top = []string{"", "   " + f.Dim.Paint("Reading the environments "+f.Glyph.Ellipsis)}
	case s.Loaded && len(s.Value) == 0:
		top = []string{"", "   " + f.Dim.Paint("No environments are configured.")}
	}
	top = top[:min(len(top), f.H)]
	env, ok := p.Environment()
	if !ok {
		return frame.Body{Lines: top}
	}
	out := append(top, p.week(f, env, len(top))...)
	p.drawn.rest = len(out) + 1
	below, hidden := p.below(f, env, max(0, f.H-len(out)-1))
	out = append(append(out, divide(f, hidden)), below...)
	return frame.Body{Lines: out[:min(len(out), f.H)]}
}

// divide is the line between the week and what is below it, which says how
// much of that is out of sight.
func divide(f frame.Frame, hidden int) string {
	if hidden == 0 {
		return f.Line(f.W)
	}
	more := " " + words.Count(hidden, "more line") + " "
	const after = 2
	return f.Line(f.W-len(more)-after) + f.Dim.Paint(more) + f.Line(after)
}

// week is the part with the environments and their week, from a line on.
func (p *Page) week(f frame.Frame, env model.Environment, line int) []string {
	here := f.Now // the local clock; each environment has its own
	f.Now, _ = p.clock(env, here)
	loc, whose := p.zone(f.Now)
	first := monday(f.Now.In(loc)).AddDate(0, 0, week*p.weeks)
	name := 0
	for _, e := range p.envs.Value {
		name = max(name, paint.Width(sanitize.Line(e.Name)))
	}
	name = min(name, widestName)
	x0 := besides // of the strips
	if f.W >= narrow {
		x0 += min(name, f.W/4) + gapAfterName
	}
	a := newAxis(first, loc, x0, f.W-x0-1)
	p.drawn.axis, p.drawn.now, p.drawn.strip = a, f.Now, -1

	title, zone := "WEEK "+p.title(first), zoneWords(f, loc, whose)
	if paint.Width(title)+paint.Width(zone)+4 > f.W {
		zone = zoneWords(f, loc, "")
	}
	out := []string{f.Heading(title, zone, f.W)}
	roomy := f.H >= 30
	if roomy {
		out = append(out, "")
	}
	rows := min(p.list.Len(), max(2, f.H/2-5))
	if f.W < narrow {
		rows = min(p.list.Len(), max(2, f.H/3))
		out = append(out, p.rows(f, a, name, rows, here, line+len(out))...)
		out = append(out, a.days(f, f.Now))
		p.drawn.strip = line + len(out)
		out = append(out, paint.Spaces(a.x0)+a.strip(f, a.cells(env.Windows), f.Now))
	} else {
		out = append(out, a.days(f, f.Now))
		if f.H >= 16 {
			out = append(out, a.hours(f))
		}
		out = append(out, p.rows(f, a, name, rows, here, line+len(out))...)
	}
	out = append(out, a.points(f, p.pointers(f, loc), f.W))
	for _, t := range a.turns() {
		if f.W < paint.Width(t)+4 {
			t, _, _ = strings.Cut(t, ";")
		}
		out = append(out, paint.Cut(" "+f.Warn.Paint(f.Glyph.Risk+" "+t), f.W))
	}
	if f.H >= 18 && f.W >= narrow {
		out = append(out, p.legend(f, a.x0))
	}
	if roomy {
		out = append(out, "")
	}
	return out
}

// rows is the list of environments, with their weeks or with how they stand.
func (p *Page) rows(f frame.Frame, a axis, name, h int, here time.Time, line int) []string {
	from, to := p.list.Window(h)
	p.drawn.rows, p.drawn.to, p.drawn.from = line, line+to-from, from
	var out []string
	for i := from; i < to; i++ {
		env, selected := p.ruled(p.envs.Value[i]), i == p.list.Index()
		now, sure := p.clock(env, here)
		s := p.stand(env, now)
		s.guessed = !sure
		glyph, look := s.glyph(f)
		row := f.Mark(selected, true) + look.Paint(glyph) + " "
		if f.W < narrow {
			row += f.Row(selected, true).Paint(paint.Fit(sanitize.Line(env.Name), min(name, f.W/3))) + "  " + look.Paint(s.word())
			if next := s.next(now, a.loc); next != "" {
				row += f.Dim.Paint(", " + next)
			}
		} else {
			row += f.Row(selected, true).Paint(paint.Fit(sanitize.Line(env.Name), a.x0-besides-gapAfterName)) +
				paint.Spaces(gapAfterName) + a.strip(f, a.cells(env.Windows), now)
		}
		out = append(out, paint.Cut(row, f.W))
	}
	return out
}

// pointers are the instants that are marked under the week.
func (p *Page) pointers(f frame.Frame, loc *time.Location) []pointer {
	out := []pointer{{f.Now, "now " + f.Now.In(loc).Format("15:04"), f.Accent}}
	if p.asked.set() {
		out = append(out, pointer{p.asked.time.At, "what if", f.Bold})
	}
	return out
}

// title names the week: its number, its dates, and how far away it is.
func (p *Page) title(first time.Time) string {
	_, number := first.ISOWeek()
	last := first.AddDate(0, 0, week-1)
	from := "2 Jan 2006"
	switch {
	case first.Month() == last.Month():
		from = "2"
	case first.Year() == last.Year():
		from = "2 Jan"
	}
	dash := "–"
	if from != "2" {
		dash = " – "
	}
	away := ""
	switch {
	case p.weeks == 1:
		away = "  next week"
	case p.weeks == -1:
		away = "  last week"
	case p.weeks > 1:
		away = "  in " + words.Count(p.weeks, "week")
	case p.weeks < 0:
		away = "  " + words.Count(-p.weeks, "week") + " ago"
	}
	return fmt.Sprintf("%d  %s%s%s%s", number, first.Format(from), dash, last.Format("2 Jan 2006"), away)
}

// zoneWords says which zone the week is drawn in, and whose it is where there
// is room for it.
func zoneWords(f frame.Frame, loc *time.Location, whose string) string {
	name := loc.String()
	if loc == time.Local {
		name = f.Now.In(loc).Format("MST")
	}
	if whose == "" {
		return sanitize.Line(name)
	}
	return sanitize.Line(name) + ", " + whose
}

func (p *Page) legend(f frame.Frame, x0 int) string {
	out := paint.Spaces(x0)
	for _, e := range []struct {
		cell cell
		word string
	}{{open, "open"}, {opens, "opens"}, {closes, "closes"}, {partly, "in part"}, {shut, "closed"}, {frozen, "frozen"}} {
		glyph, style := look(f, e.cell, false)
		out += style.Paint(glyph) + f.Dim.Paint(" "+e.word+"  ")
	}
	return paint.Cut(out, f.W)
}

// Click selects an environment, and asks about the time where the week was
// clicked on.
func (p *Page) Click(x, y int) (do action.ID, ok bool) {
	d := p.drawn
	inStrip := y == d.strip && d.strip > 0
	switch {
	case y >= d.rows && y < d.to:
		p.list.Select(p.envs.Value[d.from+y-d.rows].Name)
		p.scroll = 0
		inStrip = d.strip < 0
	case !inStrip:
		return "", false
	}
	i := -1
	if inStrip {
		i = d.axis.cellAt(x)
	}
	if i >= 0 && d.axis.bounds[i].Before(d.axis.bounds[i+1]) {
		at := d.axis.bounds[i]
		p.asked = asked{text: at.Format("2006-01-02 15:04")}
		p.asked.time.At = at
	}
	return "", true
}

// Wheel moves the selection, or scrolls what is below the week.
func (p *Page) Wheel(_, y, n int) {
	if y >= p.drawn.rest {
		p.scroll = max(0, p.scroll+n)
		return
	}
	p.list.Move(n)
	p.scroll = 0
}

// Divide does nothing: the page has no divider.
func (p *Page) Divide(int) {}
