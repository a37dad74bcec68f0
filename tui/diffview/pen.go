package diffview

import (
	"sort"
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/fairtide-dev/fairtide/internal/textdiff"
	"github.com/fairtide-dev/fairtide/tui/paint"
	"github.com/fairtide-dev/fairtide/tui/theme"
)

// pen draws one line after another.
type pen struct {
	v      *View
	t      *theme.Theme
	cursor string // the bar beside the current hunk
	bar    string
	b      strings.Builder

	sub   int // which line of a wrapped row
	limit int // how many lines a row may take

	match   match // the current one
	matched bool  // there is one
	here    bool  // it is in the row that is drawn

	note  Note // beside the line
	noted bool // there is one

	parts []stretch       // of the line that is drawn
	own   []stretch       // what they are written to
	found []textdiff.Span // in what is in sight of it
	at    int             // of found the one that is the current match, -1: none
}

// lineText is a line of a side and what is marked in it.
type lineText struct {
	ink
	side  int
	n     int // its number
	marks []textdiff.Span
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

// text draws sign and text in w cells: the current piece of it where it is
// wrapped, else what the sideways scroll leaves.
func (p *pen) text(l lineText, w int, s side, k textdiff.Kind) {
	sign, base, word := p.look(s, k)
	if w <= len(sign)+1 {
		p.b.WriteString(paint.Spaces(w))
		return
	}
	part := piece{to: len(l.text), cells: l.cells}
	if p.sub > 0 {
		sign = " "
	}
	skip := 0
	if p.limit > 1 {
		if p.sub > 0 || l.cells > w-2 {
			parts := p.v.pieces(l.side, l.n, l.ink, p.v.room(), p.limit)
			if p.sub >= len(parts) {
				p.b.WriteString(base.Paint(paint.Spaces(w)))
				return
			}
			for _, before := range parts[:p.sub] {
				skip += before.cells
			}
			part = parts[p.sub]
		}
	} else {
		skip = p.v.x
		part.cells -= skip
	}
	room := w - 2 - part.hang
	more := part.cells > room
	if more {
		room--
	}
	p.b.WriteString(base.Paint(sign + " " + paint.Spaces(part.hang)))
	left := p.spans(l, skip, room, part.to, base, word, k != textdiff.Equal)
	tail := paint.Spaces(left)
	if more {
		tail += p.t.Glyph.Ellipsis
	}
	p.b.WriteString(base.Paint(tail))
}

// spans draws room cells of a line from a cell on, no further than a byte, and
// returns how many cells are left.
func (p *pen) spans(l lineText, skip, room, to int, base, word theme.Style, changed bool) (left int) {
	from, cell := l.byteAt(skip)
	end, last := l.byteAt(skip + room)
	if last > skip+room {
		end, last = l.before(end, last)
	}
	if end > to {
		end = to
		last = cell + paint.Width(l.text[min(from, to):to])
	}
	if room <= 0 || from >= end {
		return max(0, room)
	}
	// A wide character cut in two leaves a blank.
	p.b.WriteString(base.Paint(paint.Spaces(cell - skip)))
	if p.parts = l.parts; p.parts == nil {
		p.own = tints(p.own[:0], l.text, p.v.doc.isScalar(l.side, l.n))
		p.parts = p.own
	}
	p.sight(l, from, end)
	q := painter{pen: p, marks: l.marks, base: base, word: word, changed: changed}
	for at := from; at < end; {
		next, look := q.style(at, end)
		if !l.ascii() { // no character is divided
			next = wholes(l.text, at, next)
		}
		p.b.WriteString(look.Paint(l.text[at:next]))
		at = next
	}
	return max(0, skip+room-last)
}

// wholes moves the end of a range to where a character ends.
func wholes(text string, from, to int) int {
	for from < to {
		cluster, _ := ansi.FirstGraphemeCluster(text[from:], ansi.WcWidth)
		from += max(1, len(cluster))
	}
	return from
}

// isScalar reports whether a line is the text of a block scalar.
func (d *Document) isScalar(s, n int) bool { return n <= len(d.scalar[s]) && d.scalar[s][n-1] }

// sight finds the matches between two bytes of a line.
func (p *pen) sight(l lineText, from, end int) {
	p.found, p.at = p.found[:0], -1
	if p.v.find.total == 0 {
		return
	}
	current := p.here && (p.match.side == l.side || l.n > 0 && p.equalHere(l))
	spans := p.v.occurrences(l.side, l.n, l.text)
	first := sort.Search(len(spans), func(i int) bool { return spans[i].To > from })
	for i, s := range spans[first:] {
		if s.From >= end {
			break
		}
		if current && first+i == p.match.n {
			p.at = i
		}
		p.found = append(p.found, s)
	}
}

// equalHere reports whether a line is the left side of a row that is equal on
// both: its matches are those of the right.
func (p *pen) equalHere(l lineText) bool {
	s := p.v.doc.spans[p.match.span]
	return l.side == 0 && !s.hunk
}

// painter tells how the parts of a line are painted, from left to right.
type painter struct {
	*pen
	marks      []textdiff.Span
	base, word theme.Style
	changed    bool
	mark, hit  int // the next of marks and found
	part       int // of parts
}

// style is how the byte at a place is painted, and up to where all are like
// it, no further than end.
func (q *painter) style(at, end int) (next int, look theme.Style) {
	next = end
	inside := func(spans []textdiff.Span, i *int) bool {
		for *i < len(spans) && spans[*i].To <= at {
			*i++
		}
		if *i == len(spans) {
			return false
		}
		if spans[*i].From > at {
			next = min(next, spans[*i].From)
			return false
		}
		next = min(next, spans[*i].To)
		return true
	}
	marked := inside(q.marks, &q.mark)
	matched := inside(q.found, &q.hit)
	switch {
	case matched && q.hit == q.at:
		return next, q.t.Here
	case matched:
		return next, q.t.Match
	case marked:
		return next, q.word
	}
	for q.part < len(q.parts) && q.parts[q.part].to <= at {
		q.part++
	}
	if q.part == len(q.parts) {
		return next, q.base
	}
	next = min(next, q.parts[q.part].to)
	return next, tinted(q.t, q.base, q.changed, q.parts[q.part].tint)
}
