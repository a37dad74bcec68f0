package diffview

import (
	"fmt"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/internal/textdiff"
	"github.com/fairtide-dev/fairtide/tui/paint"
	"github.com/fairtide-dev/fairtide/tui/theme"
)

// Lines draws the part in sight: at most the set height, each line exactly the
// set width.
func (v *View) Lines(t *theme.Theme) []string {
	if v.doc == nil || v.w <= 0 || v.Total() == 0 {
		return nil
	}
	end := min(v.Total(), v.top+v.h)
	out := make([]string, 0, max(0, end-v.top))
	current := textdiff.Run{}
	if v.doc.Hunks() > 0 {
		current = v.hunkLines(v.hunk)
	}
	p := pen{v: v, t: t, cursor: t.Accent.Paint(t.Glyph.Cursor)}
	p.match, p.matched = v.current()
	i := v.spanAt(v.top)
	for n := v.top; n < end; n++ {
		for v.starts[i+1] <= n {
			i++
		}
		p.bar = " "
		if n >= current.From && n < current.To {
			p.bar = p.cursor
		}
		p.note, p.noted = Note{}, false
		line := p.line(i, n-v.starts[i])
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

// line draws the n-th line of a span.
func (p *pen) line(i, n int) string {
	v := p.v
	s := v.doc.spans[i]
	if above := v.above[i]; n < len(above) {
		return above[n].draw(p.t, p.bar, v.doc.digits, v.w)
	}
	n -= len(v.above[i])
	switch {
	case s.rest:
		return p.fold(fmt.Sprintf("%s the rest is being compared", p.t.Glyph.Fold), "", 0)
	case v.folded(i):
		return p.fold(fmt.Sprintf("%s %d lines", p.t.Glyph.Fold, s.rows.To-s.rows.From), s.path, v.inSpan(i))
	}
	n, p.sub = v.wraps[i].at(n)
	p.limit = v.pieceLimit(s)
	p.here = p.matched && p.match.span == i && p.match.unit == n
	if v.split {
		return p.row(s.rows.From + n)
	}
	return p.single(v.doc.uni[s.uni.From+n])
}

// fold draws a line that stands for others.
func (p *pen) fold(text, path string, matches int) string {
	line := " " + paint.Spaces(p.v.doc.digits) + " " + p.t.Fold.Paint(text)
	if matches > 0 {
		word := "matches"
		if matches == 1 {
			word = "match"
		}
		line += "  " + p.t.Accent.Paint(fmt.Sprintf("%d %s", matches, word))
	}
	if path != "" {
		line += "  " + p.t.Context.Paint(sanitize.Line(path))
	}
	return paint.Fit(line, p.v.w)
}

// row draws both sides.
func (p *pen) row(i int) string {
	d := p.v.doc
	r := d.diff.Rows[i]
	p.remark(r, both)
	lw, rw := p.v.columns()
	a := d.ink(0, r.Left)
	b := a
	var m markers
	if r.Kind != textdiff.Equal || r.Left == 0 {
		b = d.ink(1, r.Right)
	}
	if r.Kind == textdiff.Changed {
		m = d.words(i, a.text, b.text)
	}
	p.b.Reset()
	p.b.Grow(8 * p.v.w)
	p.b.WriteString(p.bar)
	p.cell(lineText{a, 0, r.Left, m[0]}, lw, left, r.Kind)
	p.b.WriteString(p.t.Rule.Paint(p.t.Glyph.Vertical))
	p.cell(lineText{b, 1, r.Right, m[1]}, rw, right, r.Kind)
	return p.b.String()
}

// cell draws one side of a row.
func (p *pen) cell(l lineText, w int, s side, k textdiff.Kind) {
	digits := p.v.doc.digits
	if l.n == 0 || w < digits+4 {
		p.b.WriteString(paint.Spaces(w))
		return
	}
	p.number(l.n)
	p.text(l, w-digits-1, s, k)
}

// single draws a line of the one-column order.
func (p *pen) single(u uniLine) string {
	d := p.v.doc
	r := d.diff.Rows[u.row]
	p.remark(r, u.side)
	var m markers
	if r.Kind == textdiff.Changed {
		m = d.words(u.row, d.ink(0, r.Left).text, d.ink(1, r.Right).text)
	}
	k, at, n, numbers := textdiff.Equal, 1, r.Right, [2]int{r.Left, r.Right}
	switch u.side {
	case left:
		k, at, n, numbers[1] = textdiff.Removed, 0, r.Left, 0
	case right:
		k, numbers[0] = textdiff.Added, 0
	}
	p.b.Reset()
	p.b.Grow(6 * p.v.w)
	p.b.WriteString(p.bar)
	used := 1 + d.numbers()*(d.digits+1)
	if len(d.diff.A) > 0 {
		p.number(numbers[0])
	}
	if len(d.diff.B) > 0 {
		p.number(numbers[1])
	}
	p.text(lineText{d.ink(at, n), at, n, m[at]}, p.v.w-used, u.side, k)
	return paint.Cut(p.b.String(), p.v.w)
}

// remark takes the note for the first line of a row.
func (p *pen) remark(r textdiff.Row, s side) {
	if p.sub == 0 {
		p.note, p.noted = p.v.doc.note(r, s)
	}
}
