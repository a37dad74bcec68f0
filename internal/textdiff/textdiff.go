package textdiff

import "strings"

// Kind says how the two sides of a row relate.
type Kind uint8

// The kinds of row.
const (
	Equal   Kind = iota
	Changed      // both sides, with different text
	Added        // right side only
	Removed      // left side only
)

// Row is one line of the aligned view. Left and Right are 1-based line
// numbers; 0 means there is no line on that side.
type Row struct {
	Kind        Kind
	Left, Right int
}

// Diff is an aligned comparison of two texts.
type Diff struct {
	A, B []string // the lines of both sides, without their line feeds
	Rows []Row

	openA, openB bool // the last line has no line feed
}

// Run is a range of rows, From inclusive, To exclusive.
type Run struct{ From, To int }

// Lines compares two texts.
func Lines(a, b string) *Diff {
	d := read(a, b)
	n := d.prefix()
	tail := d.suffix(n)
	d.rows(d.match(n, len(d.A)-tail, len(d.B)-tail), n, tail, len(d.A), len(d.B))
	return d
}

// Head compares two texts from their first difference on, for n lines of each
// side. All lines are there but Rows ends where the rest, were it compared,
// could have a say. whole reports that there is no rest.
func Head(a, b string, n int) (d *Diff, whole bool) {
	d = read(a, b)
	at := d.prefix()
	m, o := min(len(d.A), at+n), min(len(d.B), at+n)
	if m == len(d.A) && o == len(d.B) {
		tail := d.suffix(at)
		d.rows(d.match(at, m-tail, o-tail), at, tail, m, o)
		return d, true
	}
	d.rows(d.match(at, m, o), at, 0, m, o)
	sure := len(d.Rows)
	for k := sure - 1; k >= 0; k-- {
		// The second half of the window is there for the first half's sake.
		if r := d.Rows[k]; r.Left > at+n/2 || r.Right > at+n/2 {
			sure = k
		}
		if d.Rows[k].Left <= at && d.Rows[k].Right <= at {
			break
		}
	}
	d.Rows = d.Rows[:sure:sure]
	return d, false
}

func read(a, b string) *Diff {
	return &Diff{
		A: split(a), B: split(b),
		openA: a != "" && !strings.HasSuffix(a, "\n"),
		openB: b != "" && !strings.HasSuffix(b, "\n"),
	}
}

func split(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(s, "\n"), "\n")
}

// same reports whether two lines are equal with their ends: a last line
// without line feed differs from the same text with one.
func (d *Diff) same(i, j int) bool {
	return d.A[i] == d.B[j] && (d.openA && i == len(d.A)-1) == (d.openB && j == len(d.B)-1)
}

// prefix is how many lines both sides start with alike.
func (d *Diff) prefix() int {
	n := 0
	for n < len(d.A) && n < len(d.B) && d.same(n, n) {
		n++
	}
	return n
}

// suffix is how many lines after the first n both sides end with alike.
func (d *Diff) suffix(n int) int {
	k := 0
	for len(d.A)-k > n && len(d.B)-k > n && d.same(len(d.A)-k-1, len(d.B)-k-1) {
		k++
	}
	return k
}

// match finds which lines of A[at:m] and B[at:n] are the same, in order.
func (d *Diff) match(at, m, n int) []pair {
	if at == m || at == n {
		return nil
	}
	a, b, tokens := number(ended(d.A[at:m], d.openA && m == len(d.A)), ended(d.B[at:n], d.openB && n == len(d.B)))
	out := align(a, b, tokens, patient)
	for i := range out {
		out[i].a, out[i].b = out[i].a+at, out[i].b+at
	}
	return out
}

// ended makes a last line without line feed another line than one with it.
func ended(lines []string, open bool) []string {
	if n := len(lines) - 1; open {
		return append(lines[:n:n], lines[n]+"\x00\n") // no line holds a line feed
	}
	return lines
}

// rows fills Rows for A[:m] and B[:n]: they start with head and end with tail
// equal lines, and have the matches between.
func (d *Diff) rows(between []pair, head, tail, m, n int) {
	matches := make([]pair, 0, head+len(between)+tail)
	for i := range head {
		matches = append(matches, pair{i, i})
	}
	matches = append(matches, between...)
	for k := range tail {
		matches = append(matches, pair{m - tail + k, n - tail + k})
	}
	d.slide(matches, m, n)
	d.Rows = make([]Row, 0, max(m, n)+max(m, n)/16)
	b := blocks{d: d}
	i, j := 0, 0
	for _, p := range matches {
		b.block(i, p.a, j, p.b)
		d.Rows = append(d.Rows, Row{Equal, p.a + 1, p.b + 1})
		i, j = p.a+1, p.b+1
	}
	b.block(i, m, j, n)
}

// Left is the text of the row's left line, empty when there is none.
func (d *Diff) Left(r Row) string { return line(d.A, r.Left) }

// Right is the text of the row's right line, empty when there is none.
func (d *Diff) Right(r Row) string { return line(d.B, r.Right) }

func line(lines []string, n int) string {
	if n == 0 {
		return ""
	}
	return lines[n-1]
}

// Changes returns the runs of consecutive rows that are not equal.
func (d *Diff) Changes() []Run {
	var out []Run
	for i := 0; i < len(d.Rows); i++ {
		if d.Rows[i].Kind == Equal {
			continue
		}
		from := i
		for i < len(d.Rows) && d.Rows[i].Kind != Equal {
			i++
		}
		out = append(out, Run{from, i})
	}
	return out
}

// Hunks returns the changes with up to context equal rows around each, joined
// where they touch.
func (d *Diff) Hunks(context int) []Run {
	var out []Run
	for _, c := range d.Changes() {
		h := Run{max(0, c.From-context), min(len(d.Rows), c.To+context)}
		if n := len(out); n > 0 && h.From <= out[n-1].To {
			out[n-1].To = h.To
			continue
		}
		out = append(out, h)
	}
	return out
}
