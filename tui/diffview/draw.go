package diffview

import (
	"fmt"
	"sort"
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/internal/textdiff"
	"github.com/fairtide-dev/fairtide/tui/paint"
	"github.com/fairtide-dev/fairtide/tui/theme"
)

// Lines draws the part in sight: at most the set height, each line exactly the
// set width.
func (v *View) Lines(t *theme.Theme) []string {
	if v.doc == nil || v.w <= 0 {
		return nil
	}
	end := min(v.Total(), v.top+v.h)
	out := make([]string, 0, max(0, end-v.top))
	current := textdiff.Run{}
	if v.doc.Hunks() > 0 {
		current = v.hunkLines(v.hunk)
	}
	i := sort.Search(len(v.doc.spans), func(i int) bool { return v.starts[i+1] > v.top })
	for n := v.top; n < end; n++ {
		for v.starts[i+1] <= n {
			i++
		}
		p := pen{v: v, t: t, bar: " "}
		if n >= current.From && n < current.To {
			p.bar = t.Accent.Paint(t.Glyph.Cursor)
		}
		line := p.line(v.doc.spans[i], i, n-v.starts[i])
		out = append(out, line+v.beside(t, p.note, p.noted))
	}
	return out
}

// Titles is the line above the diff that names the sides.
func (v *View) Titles(t *theme.Theme, before, after string) string {
	if !v.split {
		return paint.Cut(" "+t.Dim.Paint(before+" "+t.Glyph.Arrow+" "+after), v.w)
	}
	lw, rw := v.columns()
	return " " + t.Dim.Paint(paint.Fit(before, lw)) + t.Rule.Paint(t.Glyph.Vertical) + t.Dim.Paint(paint.Fit(" "+after, rw))
}

// columns are the widths of the two sides: what the bar and the divider leave.
func (v *View) columns() (lw, rw int) {
	room := max(0, v.w-2)
	return room / 2, room - room/2
}

// pen draws one line.
type pen struct {
	v   *View
	t   *theme.Theme
	bar string
	b   strings.Builder

	sub     int  // which line of a wrapped row
	wrapped bool // the row may be wrapped

	note  Note // beside the line
	noted bool // there is one
}

func (p *pen) line(s span, index, n int) string {
	v := p.v
	if s.folds && !v.open[index] {
		return p.fold(s)
	}
	n, p.sub = v.wraps[index].at(n)
	p.wrapped = s.hunk && v.x == 0
	if v.split {
		return p.row(s.rows.From + n)
	}
	return p.single(v.doc.uni[s.uni.From+n])
}

// remark takes the note for the first line of a row.
func (p *pen) remark(r textdiff.Row, s side) {
	if p.sub == 0 {
		p.note, p.noted = p.v.doc.note(r, s)
	}
}

func (p *pen) fold(s span) string {
	count := s.rows.To - s.rows.From
	text := fmt.Sprintf("%s %d lines", p.t.Glyph.Fold, count)
	lead := paint.Spaces(p.v.doc.digits)
	line := " " + lead + " " + p.t.Fold.Paint(text)
	if s.path != "" {
		line += "  " + p.t.Context.Paint(sanitize.Line(s.path))
	}
	return paint.Fit(line, p.v.w)
}

// row draws both sides.
func (p *pen) row(i int) string {
	d := p.v.doc
	r := d.diff.Rows[i]
	p.remark(r, both)
	lw, rw := p.v.columns()
	a, b := sanitize.Line(d.diff.Left(r)), sanitize.Line(d.diff.Right(r))
	var m [2][]textdiff.Span
	if r.Kind == textdiff.Changed {
		m = d.words(i, a, b)
	}
	p.b.Grow(4 * p.v.w)
	p.b.WriteString(p.bar)
	p.cell(r.Left, a, m[0], lw, left, r.Kind)
	p.b.WriteString(p.t.Rule.Paint(p.t.Glyph.Vertical))
	p.cell(r.Right, b, m[1], rw, right, r.Kind)
	return p.b.String()
}

// cell draws one side of a row.
func (p *pen) cell(number int, text string, marks []textdiff.Span, w int, s side, k textdiff.Kind) {
	digits := p.v.doc.digits
	if number == 0 || w < digits+4 {
		p.b.WriteString(paint.Spaces(w))
		return
	}
	p.number(number)
	p.text(text, marks, w-digits-1, s, k)
}

// number draws a line number and a blank; 0, and the continuation of a line,
// have none.
func (p *pen) number(n int) {
	digits := p.v.doc.digits
	if n == 0 || p.sub > 0 {
		p.b.WriteString(paint.Spaces(digits + 1))
		return
	}
	p.b.WriteString(p.t.Number.Paint(paint.FitRight(strconv.Itoa(n), digits)))
	p.b.WriteByte(' ')
}

// single draws a line of the one-column order.
func (p *pen) single(u uniLine) string {
	d := p.v.doc
	r := d.diff.Rows[u.row]
	p.remark(r, u.side)
	var m [2][]textdiff.Span
	if r.Kind == textdiff.Changed {
		m = d.words(u.row, sanitize.Line(d.diff.Left(r)), sanitize.Line(d.diff.Right(r)))
	}
	k, text, marks := textdiff.Equal, d.diff.Right(r), m[1]
	number := [2]int{r.Left, r.Right}
	switch u.side {
	case left:
		k, text, marks, number[1] = textdiff.Removed, d.diff.Left(r), m[0], 0
	case right:
		k, number[0] = textdiff.Added, 0
	}
	p.b.Grow(4 * p.v.w)
	p.b.WriteString(p.bar)
	used := 1 + d.numbers()*(d.digits+1)
	if len(d.diff.A) > 0 {
		p.number(number[0])
	}
	if len(d.diff.B) > 0 {
		p.number(number[1])
	}
	p.text(sanitize.Line(text), marks, p.v.w-used, u.side, k)
	return paint.Cut(p.b.String(), p.v.w)
}

// look is how a line of a side is signed and painted.
func (p *pen) look(s side, k textdiff.Kind) (sign string, base, word theme.Style) {
	switch {
	case k == textdiff.Equal:
		return " ", p.t.Context, p.t.Context
	case k == textdiff.Changed && s == left:
		return p.t.Glyph.Update, p.t.Old, p.t.OldWord
	case k == textdiff.Changed:
		return p.t.Glyph.Update, p.t.New, p.t.NewWord
	case k == textdiff.Removed:
		return p.t.Glyph.Delete, p.t.Old, p.t.OldWord
	}
	return p.t.Glyph.Create, p.t.New, p.t.NewWord
}

// text draws sign and text in w cells: the current line of it where it is
// wrapped, else what the sideways scroll leaves. The marked spans get the word
// style.
func (p *pen) text(text string, marks []textdiff.Span, w int, s side, k textdiff.Kind) {
	sign, base, word := p.look(s, k)
	if w <= len(sign)+1 {
		p.b.WriteString(paint.Spaces(w))
		return
	}
	part := piece{to: len(text)}
	if p.sub > 0 {
		sign = " "
	}
	if p.wrapped {
		parts := pieces(text, p.v.room())
		if p.sub >= len(parts) {
			p.b.WriteString(base.Paint(paint.Spaces(w)))
			return
		}
		part = parts[p.sub]
	}
	c := cutter{skip: p.v.x, room: w - 2 - part.hang}
	more := paint.Width(text[part.from:part.to])-c.skip > c.room
	if more {
		c.room--
	}
	p.b.WriteString(base.Open() + sign + " " + paint.Spaces(part.hang))
	at := part.from
	for _, m := range marks {
		from, to := max(m.From, part.from), min(m.To, part.to)
		if from >= to {
			continue
		}
		p.b.WriteString(c.take(text[at:from]))
		if s := c.take(text[from:to]); s != "" {
			p.b.WriteString(theme.Close + word.Open() + s + theme.Close + base.Open())
		}
		at = to
	}
	p.b.WriteString(c.take(text[at:part.to]) + paint.Spaces(c.room))
	if more {
		p.b.WriteString(p.t.Glyph.Ellipsis)
	}
	if base.Open() != "" {
		p.b.WriteString(theme.Close)
	}
}

// cutter hands out the cells of a line from skip on, room many.
type cutter struct{ skip, room int }

// take is what of s falls into the window.
func (c *cutter) take(s string) string {
	w := paint.Width(s)
	if c.skip >= w {
		c.skip -= w
		return ""
	}
	if c.skip > 0 {
		rest := cut(s, c.skip, w)
		// A wide character cut in two leaves a blank.
		s = paint.Spaces(w-c.skip-paint.Width(rest)) + rest
		w, c.skip = paint.Width(s), 0
	}
	if w > c.room {
		s = cut(s, 0, c.room)
		w = paint.Width(s)
	}
	c.room -= w
	return s
}

func cut(s string, from, to int) string {
	if paint.Width(s) == len(s) {
		return s[min(from, len(s)):min(to, len(s))]
	}
	return ansi.Cut(s, from, to)
}
