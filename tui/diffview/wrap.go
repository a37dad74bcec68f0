package diffview

import (
	"sort"
	"strings"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/tui/paint"
)

// maxPieces is how many lines a changed line may take. It is shown whole where
// it can be, as what differs must be seen without a key; past this the reader
// is better served by scrolling sideways.
const maxPieces = 5

// wrap says where the rows of a hunk start when some take several lines: row i
// starts at line wrap[i]. nil: each takes one.
type wrap []int

// at is the row that line n belongs to, and which of its lines it is.
func (w wrap) at(n int) (row, sub int) {
	if w == nil {
		return n, 0
	}
	row = sort.Search(len(w)-1, func(i int) bool { return w[i+1] > n })
	return row, n - w[row]
}

// wrap measures the n rows of a span. Only changed lines are wrapped; the
// others are there for orientation.
func (v *View) wrap(s span, n int) wrap {
	if !s.hunk || v.x > 0 {
		return nil
	}
	room := v.room()
	var out wrap
	at := 0
	for i := range n {
		high := v.high(s, i, room)
		if high > 1 && out == nil {
			out = make(wrap, i, n+1)
			for k := range out {
				out[k] = k
			}
		}
		if out != nil {
			out = append(out, at)
		}
		at += high
	}
	if out == nil {
		return nil
	}
	return append(out, at)
}

// high is how many lines the i-th row of a span takes.
func (v *View) high(s span, i, room int) int {
	d := v.doc
	if v.split {
		r := d.diff.Rows[s.rows.From+i]
		return max(lines(d.diff.Left(r), room), lines(d.diff.Right(r), room))
	}
	u := d.uni[s.uni.From+i]
	if u.side == left {
		return lines(d.diff.Left(d.diff.Rows[u.row]), room)
	}
	return lines(d.diff.Right(d.diff.Rows[u.row]), room)
}

func lines(text string, room int) int {
	text = sanitize.Line(text)
	if paint.Width(text) <= room {
		return 1
	}
	return len(pieces(text, room))
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

// piece is a part of a wrapped line: a range of its bytes, and how far it is
// indented.
type piece struct{ from, to, hang int }

// pieces breaks a line into parts of at most room cells. Continuations hang
// under the line's own indentation; the last part may be too long, and is cut
// when it is drawn.
func pieces(text string, room int) []piece {
	indent := len(text) - len(strings.TrimLeft(text, " -"))
	if indent > room/2 {
		indent = 0
	}
	out := []piece{{to: len(text)}}
	for len(out) < maxPieces {
		last := &out[len(out)-1]
		end := last.from + fit(text[last.from:], room-last.hang)
		if end >= len(text) || end <= last.from {
			break
		}
		last.to = end
		out = append(out, piece{from: end, to: len(text), hang: indent})
	}
	return out
}

// fit is how many bytes of s to put on a line of room cells: all, or as many
// as end at a place where a reader expects a break.
func fit(s string, room int) int {
	if paint.Width(s) <= room {
		return len(s)
	}
	head := cut(s, 0, room)
	if paint.Width(head) > room || !strings.HasPrefix(s, head) {
		return 0
	}
	if i := strings.LastIndexAny(head, " /:,;=&?@"); i >= len(head)*2/3 {
		return i + 1
	}
	return len(head)
}
