package diffview

import (
	"github.com/charmbracelet/x/ansi"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/internal/textdiff"
	"github.com/fairtide-dev/fairtide/tui/paint"
)

const (
	// longLine is from how many bytes on what is known of a line is kept.
	longLine = 1024

	// stride is the distance in cells of the places that are known in a long
	// line outside ASCII.
	stride = 256
)

// ink is a line as it is drawn: safe, and measured.
type ink struct {
	text  string
	cells int
	stops []int     // of a long line outside ASCII, the byte that each stride-th cell is at or before
	at    []int     // the exact cell of each stop
	parts []stretch // of a long line, what it is in YAML
}

func newInk(raw string) ink {
	text := sanitize.Line(raw)
	return ink{text: text, cells: paint.Width(text)}
}

// ascii reports whether each byte is a cell: outside ASCII all characters have
// more bytes than cells.
func (k ink) ascii() bool { return k.cells == len(k.text) }

// survey notes stops, so that no place is far from one.
func (k *ink) survey() {
	if k.ascii() {
		return
	}
	next := 0
	for i, cell := 0, 0; i < len(k.text); {
		if cell >= next {
			k.stops, k.at = append(k.stops, i), append(k.at, cell)
			next += stride
		}
		cluster, w := ansi.FirstGraphemeCluster(k.text[i:], ansi.WcWidth)
		i, cell = i+max(1, len(cluster)), cell+w
	}
}

// byteAt is the first character that starts at a cell or after it, and the
// cell it does start at.
func (k ink) byteAt(cell int) (i, at int) {
	if k.ascii() {
		i = max(0, min(cell, len(k.text)))
		return i, i
	}
	if n := min(cell/stride, len(k.stops)-1); n > 0 {
		for n > 0 && k.at[n] > cell {
			n--
		}
		i, at = k.stops[n], k.at[n]
	}
	for i < len(k.text) && at < cell {
		cluster, w := ansi.FirstGraphemeCluster(k.text[i:], ansi.WcWidth)
		i, at = i+max(1, len(cluster)), at+w
	}
	return i, at
}

// ink is line n of a side, counted from 1; nothing if n is 0.
func (d *Document) ink(s, n int) ink {
	if n == 0 {
		return ink{}
	}
	raw := d.lines(s)[n-1]
	if len(raw) < longLine {
		return newInk(raw)
	}
	if k, ok := d.long[s][n]; ok {
		return k
	}
	k := newInk(raw)
	k.survey()
	k.parts = tints(nil, k.text, d.isScalar(s, n))
	if d.long[s] == nil {
		d.long[s] = map[int]ink{}
	}
	d.long[s][n] = k
	return k
}

// lines are those of the left side for 0, of the right one for 1.
func (d *Document) lines(s int) []string {
	if s == 0 {
		return d.diff.A
	}
	return d.diff.B
}

// width is how many cells line n of a side takes, counted from 1.
func (d *Document) width(s, n int) int {
	if n == 0 {
		return 0
	}
	if w := d.cells[s][n-1]; w > 0 {
		return int(w) - 1
	}
	raw := d.lines(s)[n-1]
	cells := len(raw)
	if d.plain[s][n-1] = printable(raw); !d.plain[s][n-1] {
		cells = d.ink(s, n).cells
	}
	d.cells[s][n-1] = int32(cells) + 1 //nolint:gosec // a line has fewer cells
	d.widest = max(d.widest, cells)
	return cells
}

// printable reports whether a line is drawn as it is, a cell for each byte.
func printable(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' {
			return false
		}
	}
	return true
}

// measureAll measures every line, so that a layout need not. What is equal on
// both sides is measured once.
func (d *Document) measureAll() {
	for i := range d.spans {
		s := &d.spans[i]
		for _, r := range d.diff.Rows[s.rows.From:s.rows.To] {
			s.longest = max(s.longest, d.width(0, r.Left))
			if r.Kind == textdiff.Equal && len(d.diff.B[r.Right-1]) < longLine {
				d.cells[1][r.Right-1], d.plain[1][r.Right-1] = d.cells[0][r.Left-1], d.plain[0][r.Left-1]
				continue
			}
			s.longest = max(s.longest, d.width(1, r.Right))
		}
		s.measured = true
	}
}
