package diffview

import (
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/fairtide-dev/fairtide/tui/paint"
)

// Wrap is which lines are broken when they are too long for their place.
type Wrap uint8

// The ways to wrap.
const (
	WrapChanged Wrap = iota // changed lines, as what differs must be seen without a key
	WrapAll                 // every line, whole
	WrapNone                // none: they are scrolled sideways
)

// String says what is wrapped, for the operator.
func (w Wrap) String() string {
	switch w {
	case WrapAll:
		return "all long lines are wrapped"
	case WrapNone:
		return "no line is wrapped"
	}
	return "changed lines are wrapped"
}

// Wrap is what is wrapped.
func (v *View) Wrap() Wrap { return v.wrapped }

// ToggleWrap goes on to the next way to wrap, and returns it.
func (v *View) ToggleWrap() Wrap {
	v.hold(func() { v.wrapped, v.x = (v.wrapped+1)%(WrapNone+1), 0 })
	return v.wrapped
}

const (
	// maxPieces is how many lines a changed line may take. Past this the reader
	// is better served by scrolling sideways, or by wrapping all.
	maxPieces = 5

	// allPieces is how many a line may take when all are wrapped: a megabyte,
	// at a width that one can read.
	allPieces = 1 << 16
)

// pieceLimit is how many lines one line may take in a span, 1 if it is not
// wrapped.
func (v *View) pieceLimit(s span) int {
	switch {
	case v.wrapped == WrapAll:
		return allPieces
	case v.wrapped == WrapChanged && s.hunk && v.x == 0:
		return maxPieces
	}
	return 1
}

// rows says where the rows of a span start when some take several lines: row i
// starts at line rows[i]. nil: each takes one.
type rows []int32

// at is the row that line n belongs to, and which of its lines it is.
func (w rows) at(n int) (row, sub int) {
	if w == nil {
		return n, 0
	}
	row = sort.Search(len(w)-1, func(i int) bool { return int(w[i+1]) > n })
	return row, n - int(w[row])
}

// start is the first line of a row.
func (w rows) start(row int) int {
	if w == nil {
		return row
	}
	return int(w[row])
}

// wrap measures the n rows of a span.
func (v *View) wrap(s span, n int) rows {
	limit := v.pieceLimit(s)
	room := v.room()
	if limit == 1 || s.measured && s.longest <= room {
		return nil
	}
	var out rows
	at := int32(0)
	for i := range n {
		high := v.high(s, i, room, limit)
		if high > 1 && out == nil {
			out = make(rows, i, n+1)
			for k := range out {
				out[k] = int32(k) //nolint:gosec // fewer than lines
			}
		}
		if out != nil {
			out = append(out, at)
		}
		at += int32(high) //nolint:gosec // fewer than characters
	}
	if out == nil {
		return nil
	}
	return append(out, at)
}

// high is how many lines the i-th row of a span takes.
func (v *View) high(s span, i, room, limit int) int {
	d := v.doc
	if v.split {
		r := d.diff.Rows[s.rows.From+i]
		return max(v.count(0, r.Left, room, limit), v.count(1, r.Right, room, limit))
	}
	u := d.uni[s.uni.From+i]
	if u.side == left {
		return v.count(0, d.diff.Rows[u.row].Left, room, limit)
	}
	return v.count(1, d.diff.Rows[u.row].Right, room, limit)
}

// count is how many lines line n of a side takes.
func (v *View) count(s, n, room, limit int) int {
	if v.doc.width(s, n) <= room {
		return 1
	}
	return len(v.pieces(s, n, v.doc.ink(s, n), room, limit))
}

// room is the number of cells for the text of a line, at least one.
func (v *View) room() int {
	const sign = 2
	if v.split {
		lw, _ := v.columns()
		return max(1, lw-v.doc.digits-1-sign)
	}
	return max(1, v.w-1-v.doc.numbers()*(v.doc.digits+1)-sign)
}

// numbers is how many columns of line numbers one column of text has: a side
// without lines needs none.
func (d *Document) numbers() int {
	if d.OneSided() {
		return 1
	}
	return 2
}

// piece is a part of a wrapped line: a range of its bytes and the cells they
// take, and how far it is indented.
type piece struct{ from, to, cells, hang int }

// lineOf is a line of a side.
type lineOf struct{ side, n int }

// pieces are the parts of line n of a side. Those of long lines are kept until
// the layout changes.
func (v *View) pieces(s, n int, k ink, room, limit int) []piece {
	if len(k.text) < longLine {
		return pieces(k, room, limit)
	}
	key := lineOf{s, n}
	out, ok := v.parts[key]
	if !ok {
		if v.parts == nil {
			v.parts = map[lineOf][]piece{}
		}
		out = pieces(k, room, limit)
		v.parts[key] = out
	}
	return out
}

// pieces breaks a line into at most limit parts of room cells. Continuations
// hang under the line's own indentation; the last part may be too long, and is
// cut when it is drawn.
func pieces(k ink, room, limit int) []piece {
	hang := len(k.text) - len(strings.TrimLeft(k.text, " -"))
	if hang > room/2 {
		hang = 0
	}
	out := []piece{{to: len(k.text), cells: k.cells}}
	for start := 0; len(out) < limit; {
		last := &out[len(out)-1]
		if last.cells <= room-last.hang {
			break
		}
		end, cells := k.fit(last.from, start, room-last.hang)
		if end <= last.from || end >= len(k.text) {
			break
		}
		rest := last.cells - cells
		last.to, last.cells, start = end, cells, start+cells
		out = append(out, piece{from: end, to: len(k.text), cells: rest, hang: hang})
	}
	return out
}

// fit is where to break a line that goes on from a byte, which is at a cell,
// for room cells, and how many of them that takes: all, or as many as end at a
// place where a reader expects a break.
func (k ink) fit(from, cell, room int) (end, cells int) {
	end, at := k.byteAt(cell + room)
	if at > cell+room { // a wide character does not fit in whole
		end, at = k.before(end, at)
	}
	head := k.text[from:max(end, from)]
	if i := strings.LastIndexAny(head, " /:,;=&?@"); i >= len(head)*2/3 && i+1 < len(head) && head[i+1] < utf8.RuneSelf {
		head = head[:i+1]
		return from + i + 1, paint.Width(head)
	}
	return end, at - cell
}

// before is the last character that starts before a byte at a cell.
func (k ink) before(end, cell int) (i, at int) {
	for back := 2; ; back *= 2 {
		i, at = k.byteAt(max(0, cell-back))
		if i < end || i == 0 {
			return i, at
		}
	}
}
