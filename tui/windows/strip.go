package windows

import (
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/fairtide-dev/fairtide/internal/window"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/paint"
	"github.com/fairtide-dev/fairtide/tui/theme"
)

// cell is what a stretch of time in the week looks like.
type cell uint8

const (
	shut    cell = iota
	open         // all through
	opens        // shut first, open at the end
	closes       // open first, shut at the end
	partly       // open in between, or shut in between
	frozen       // a freeze has a part in it, and it is never open
	skipped      // there is no such time on this day
)

const week = 7 // days

// axis lays a week out in cells of equal length on the clock in a zone.
type axis struct {
	loc    *time.Location
	first  time.Time   // the Monday, as midnight on a clock on UTC
	parts  int         // cells of a day
	bounds []time.Time // week×parts+1 of them
	x0     int         // the column of the first cell
	gap    int         // blank columns between days
}

// monday is the Monday of a time's week, as midnight on a clock on UTC.
func monday(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d-(int(t.Weekday())+6)%week, 0, 0, 0, 0, time.UTC)
}

// newAxis lays out a week from column x0 on, in at most w columns.
func newAxis(first time.Time, loc *time.Location, x0, w int) axis {
	a := axis{loc: loc, first: first, x0: x0}
	for _, a.parts = range []int{24, 12, 8, 6} {
		if week*(a.parts+1)-1 <= w {
			break
		}
	}
	const widest = 3
	a.gap = max(1, min(widest, (w-week*a.parts)/(week-1)))
	y, m, d := first.Date()
	a.bounds = window.Grid(y, m, d, week, a.parts, loc)
	return a
}

// from and to are the begin and the end of the week.
func (a axis) from() time.Time { return a.bounds[0] }
func (a axis) to() time.Time   { return a.bounds[len(a.bounds)-1] }

// width is the number of columns of all cells with the gaps between.
func (a axis) width() int { return week*(a.parts+a.gap) - a.gap }

// column is the column of a cell.
func (a axis) column(i int) int { return a.x0 + i + i/a.parts*a.gap }

// cellOf is the cell an instant is in, -1 if it is in none.
func (a axis) cellOf(t time.Time) int {
	i := sort.Search(len(a.bounds), func(i int) bool { return a.bounds[i].After(t) }) - 1
	if i >= len(a.bounds)-1 {
		return -1
	}
	return i
}

// cellAt is the cell in a column, -1 if there is none.
func (a axis) cellAt(x int) int {
	x -= a.x0
	if x < 0 || x >= a.width() || x%(a.parts+a.gap) >= a.parts {
		return -1
	}
	return x/(a.parts+a.gap)*a.parts + x%(a.parts+a.gap)
}

// cells says how rules stand in every cell.
func (a axis) cells(rules []model.WindowRule) []cell {
	out := make([]cell, len(a.bounds)-1)
	opened := window.Open(rules, a.from(), a.to())
	for i := range out {
		from, to := a.bounds[i], a.bounds[i+1]
		for len(opened) > 0 && !opened[0].To.After(from) {
			opened = opened[1:]
		}
		out[i] = judge(opened, from, to)
	}
	for _, z := range window.Freezes(rules, a.from(), a.to()) {
		first := sort.Search(len(out), func(i int) bool { return a.bounds[i+1].After(z.From) })
		for i := first; i < len(out) && a.bounds[i].Before(z.To); i++ {
			if out[i] == shut {
				out[i] = frozen
			}
		}
	}
	return out
}

// judge is the cell of a stretch of time; spans are in order and apart, and
// none ends before it.
func judge(spans []window.Span, from, to time.Time) cell {
	if !from.Before(to) {
		return skipped
	}
	var share time.Duration
	atFrom, atTo := false, false
	for _, s := range spans {
		if !s.From.Before(to) {
			break
		}
		b, e := later(s.From, from), s.To
		if e.After(to) {
			e = to
		}
		share += e.Sub(b)
		atFrom = atFrom || b.Equal(from)
		atTo = atTo || e.Equal(to)
	}
	switch {
	case share == 0:
		return shut
	case share == to.Sub(from):
		return open
	case atTo && !atFrom:
		return opens
	case atFrom && !atTo:
		return closes
	}
	return partly
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// look is the glyph and the style of a cell. What has gone by is dim.
func look(f frame.Frame, c cell, past bool) (string, theme.Style) {
	style := f.Good
	glyph := ""
	switch c {
	case open:
		glyph = f.Glyph.Open
	case opens:
		glyph = f.Glyph.Opens
	case closes:
		glyph = f.Glyph.Closes
	case partly:
		glyph = f.Glyph.Partly
	case frozen:
		glyph, style = f.Glyph.Frozen, f.Bad
	case skipped:
		return " ", f.Plain
	default:
		glyph, style = f.Glyph.Shut, f.Dim
	}
	if past {
		style = f.Dim
	}
	return glyph, style
}

// strip is a week's cells in their columns from x0 on, with a line where it is
// now.
func (a axis) strip(f frame.Frame, cells []cell, now time.Time) string {
	var out, run strings.Builder
	var style theme.Style
	put := func(glyph string, s theme.Style) {
		if s != style {
			out.WriteString(style.Paint(run.String()))
			run.Reset()
			style = s
		}
		run.WriteString(glyph)
	}
	at := a.cellOf(now)
	for i, c := range cells {
		if i > 0 && i%a.parts == 0 {
			put(paint.Spaces(a.gap), f.Plain)
		}
		if i == at {
			put(f.Glyph.Vertical, f.Accent)
			continue
		}
		put(look(f, c, !a.bounds[i+1].After(now)))
	}
	out.WriteString(style.Paint(run.String()))
	return out.String()
}

// days names the days, today the loudest.
func (a axis) days(f frame.Frame, now time.Time) string {
	layout := "Mon 2"
	if a.parts >= len("Mon 30 Nov") {
		layout = "Mon 2 Jan"
	}
	today := now.In(a.loc).Format(time.DateOnly)
	out := paint.Spaces(a.x0)
	for i := range week {
		d := a.first.AddDate(0, 0, i)
		style := f.Dim
		if d.Format(time.DateOnly) == today {
			style = f.Bold
		}
		out += style.Paint(paint.Fit(d.Format(layout), a.parts))
		if i < week-1 {
			out += paint.Spaces(a.gap)
		}
	}
	return out
}

// hours is the scale under the days' names.
func (a axis) hours(f frame.Frame) string {
	step := 6
	if a.parts < 12 {
		step = 12
	}
	each := a.parts * step / 24
	day := ""
	for h := 0; h < 24; h += step {
		day += paint.Fit(strconv.Itoa(h), each)
	}
	day += paint.Spaces(a.gap)
	return f.Dim.Paint(paint.Spaces(a.x0) + strings.TrimRight(strings.Repeat(day, week), " "))
}

// pointer is a mark under the strips with a word beside it.
type pointer struct {
	at    time.Time
	word  string
	style theme.Style
}

// points draws the pointers whose instants are in the week, in w columns. A
// word gives way where there is no room for it.
func (a axis) points(f frame.Frame, list []pointer, w int) string {
	text, styles := []rune(paint.Spaces(w)), make([]theme.Style, w)
	put := func(x int, s string, style theme.Style) bool {
		if x < 0 || x+len([]rune(s)) > w || strings.TrimSpace(string(text[x:x+len([]rune(s))])) != "" {
			return false
		}
		for i, r := range []rune(s) {
			text[x+i], styles[x+i] = r, style
		}
		return true
	}
	for _, p := range list {
		if i := a.cellOf(p.at); i >= 0 {
			put(a.column(i), f.Glyph.Point, p.style)
		}
	}
	for _, p := range list {
		if i := a.cellOf(p.at); i >= 0 && !put(a.column(i)+1, " "+p.word, p.style) {
			put(a.column(i)-len(p.word)-1, p.word+" ", p.style)
		}
	}
	out := ""
	for i := 0; i < w; {
		j := i
		for j < w && styles[j] == styles[i] {
			j++
		}
		out += styles[i].Paint(string(text[i:j]))
		i = j
	}
	return strings.TrimRight(out, " ")
}

// turns tells of the days on which the clock is set.
func (a axis) turns() []string {
	var out []string
	for i := range week {
		from, to := a.bounds[i*a.parts], a.bounds[(i+1)*a.parts]
		_, end := from.ZoneBounds()
		if end.IsZero() || end.After(to) || to.Equal(from) {
			continue
		}
		_, was := from.Zone()
		_, is := end.Zone()
		day := end.Format("Mon 2 Jan")
		// What the clock shows then, and what the old one would have shown.
		shown := time.Unix(end.Unix()+int64(is), 0).UTC()
		before := shown.Add(time.Duration(was-is) * time.Second)
		switch {
		case is > was:
			out = append(out, day+": the clock skips "+before.Format("15:04")+"–"+shown.Format("15:04")+"; what begins in it begins then")
		case is < was:
			out = append(out, day+": "+shown.Format("15:04")+"–"+before.Format("15:04")+" comes twice; begins mean the first, ends the second")
		}
	}
	return out
}
