// Package diffview shows two texts side by side or in one column: aligned
// rows, word marks, line numbers of both sides, unchanged stretches folded
// with the place in the YAML that follows named, and what a search found. It
// draws only what is in sight; what grows with the length of a text is
// computed once, by Compare, away from the UI's goroutine.
package diffview

import (
	"strconv"

	"github.com/fairtide-dev/fairtide/internal/textdiff"
)

const (
	// context is how many unchanged lines are shown around a change.
	context = 3

	// minFold is the shortest stretch worth folding: hiding two lines behind
	// one saves nothing.
	minFold = 3

	// firstLook is how many lines from the first difference on Quick looks at:
	// several screens, in a few milliseconds.
	firstLook = 2000
)

// Document is a comparison, ready to be shown. It belongs to the UI's
// goroutine from when it is first shown on.
type Document struct {
	diff   *textdiff.Diff
	part   bool      // the rest is still to be compared
	uni    []uniLine // the one-column order
	spans  []span
	hunks  []int    // which spans are hunks
	places []string // of each hunk, its first line's path
	digits int      // of the longest line number

	left, right map[int]Note // beside lines of the two texts
	longest     int          // of the notes, in cells
	above       map[int][]Line

	cells  [2][]int32      // of each line, how many it takes, plus 1; 0: not known yet
	plain  [2][]bool       // of the measured lines, those that are drawn as they are
	widest int             // of the known ones
	scalar [2][]bool       // the lines that are the text of a block scalar
	long   [2]map[int]ink  // long lines, as they are drawn
	marks  map[int]markers // word marks of changed rows, as they come into sight
}

// markers are what differs on the two sides of a row.
type markers [2][]textdiff.Span

// uniLine is a line of the one-column order: a row, and which side of it.
type uniLine struct {
	row  int
	side side
}

type side uint8

const (
	both side = iota
	left
	right
)

// span is a stretch of rows: a hunk of changed ones, or equal ones, which are
// shown whole or, if they may be folded, as one line.
type span struct {
	hunk  bool
	folds bool
	rest  bool   // stands for all that is still to be compared
	path  string // of what follows the fold

	measured bool
	longest  int // of its lines, in cells, once it is measured

	rows textdiff.Run
	uni  textdiff.Run
}

// Compare makes a document of two texts.
func Compare(before, after string) *Document {
	d := build(textdiff.Lines(before, after))
	d.measureAll()
	return d
}

// Quick makes a document of the beginning: as far as the first screens after
// the first difference. It takes a fraction of the time, and is shown until
// the whole one is there and is put in its place with View.Swap. For short
// texts it is the whole one.
func Quick(before, after string) *Document {
	diff, whole := textdiff.Head(before, after, firstLook)
	d := build(diff)
	if whole {
		d.measureAll()
		return d
	}
	d.leaveOff()
	return d
}

// Ahead is how many lines after the first difference Begin wants of each side.
const Ahead = 2 * firstLook

// Begin is Quick for texts of which only the beginnings are there yet. The
// longer one will have that many lines.
func Begin(before, after string, lines int) *Document {
	diff, _ := textdiff.Head(before, after, firstLook)
	d := build(diff)
	d.digits = max(d.digits, len(strconv.Itoa(lines)))
	d.leaveOff()
	return d
}

// leaveOff ends a document that is a beginning.
func (d *Document) leaveOff() {
	d.part = true
	rest := span{
		rest: true,
		rows: textdiff.Run{From: len(d.diff.Rows), To: len(d.diff.Rows)},
		uni:  textdiff.Run{From: len(d.uni), To: len(d.uni)},
	}
	// What follows the context of the last hunk: nobody knows yet how long it is,
	// and so whether it is folded.
	if n := len(d.spans) - 1; n >= 0 && (d.spans[n].folds || len(d.hunks) > 0 && n > d.hunks[len(d.hunks)-1]+1) {
		rest.rows.From, rest.uni.From = d.spans[n].rows.From, d.spans[n].uni.From
		d.spans = d.spans[:n]
	}
	d.spans = append(d.spans, rest)
}

func build(diff *textdiff.Diff) *Document {
	d := &Document{diff: diff, marks: map[int]markers{}}
	d.digits = len(strconv.Itoa(max(len(diff.A), len(diff.B), 100)))
	d.cells = [2][]int32{make([]int32, len(diff.A)), make([]int32, len(diff.B))}
	d.plain = [2][]bool{make([]bool, len(diff.A)), make([]bool, len(diff.B))}
	changes := diff.Changes()
	at := d.unify(changes)
	d.cut(changes, at)
	return d
}

// Partial reports whether the document is a beginning only.
func (d *Document) Partial() bool { return d.part }

// Hunks is the number of runs of changed lines.
func (d *Document) Hunks() int { return len(d.hunks) }

// OneSided reports whether one side has no lines at all.
func (d *Document) OneSided() bool { return len(d.diff.A) == 0 || len(d.diff.B) == 0 }

// unify fills the one-column order, in each change the left lines first. It
// returns where each change starts and ends in it.
func (d *Document) unify(changes []textdiff.Run) []textdiff.Run {
	size := len(d.diff.Rows)
	for _, c := range changes {
		size += c.To - c.From
	}
	d.uni = make([]uniLine, 0, size)
	out := make([]textdiff.Run, 0, len(changes))
	at := 0
	equal := func(to int) {
		for ; at < to; at++ {
			d.uni = append(d.uni, uniLine{at, both})
		}
	}
	for _, c := range changes {
		equal(c.From)
		from := len(d.uni)
		for i := c.From; i < c.To; i++ {
			if d.diff.Rows[i].Left > 0 {
				d.uni = append(d.uni, uniLine{i, left})
			}
		}
		for i := c.From; i < c.To; i++ {
			if d.diff.Rows[i].Right > 0 {
				d.uni = append(d.uni, uniLine{i, right})
			}
		}
		out = append(out, textdiff.Run{From: from, To: len(d.uni)})
		at = c.To
	}
	equal(len(d.diff.Rows))
	return out
}

// cut divides the rows into spans. A document without changes is not folded:
// there is nothing else to see.
func (d *Document) cut(changes, uni []textdiff.Run) {
	under := d.survey(changes)
	row, line := 0, 0
	add := func(s span, rows, lines int) {
		if rows > 0 {
			s.rows, s.uni = textdiff.Run{From: row, To: row + rows}, textdiff.Run{From: line, To: line + lines}
			s.folds = s.folds && rows >= minFold && len(changes) > 0
			d.spans = append(d.spans, s)
			row, line = row+rows, line+lines
		}
	}
	// equal adds the equal rows up to row to: context of the hunk before, what
	// may be folded, context of the hunk after.
	equal := func(to, before, after int, path string) {
		n := to - row
		lead := min(before, n)
		trail := min(after, n-lead)
		add(span{}, lead, lead)
		add(span{folds: true, path: path}, n-lead-trail, n-lead-trail)
		add(span{}, trail, trail)
	}
	for i, c := range changes {
		before := context
		if i == 0 {
			before = 0
		}
		equal(c.From, before, context, under[i])
		d.hunks = append(d.hunks, len(d.spans))
		add(span{hunk: true}, c.To-c.From, uni[i].To-uni[i].From)
	}
	before := context
	if len(changes) == 0 {
		before = 0
	}
	equal(len(d.diff.Rows), before, 0, "")
}

// survey reads both texts as YAML: where block scalars are, and the place of
// each change. It returns what each change stands under.
func (d *Document) survey(changes []textdiff.Run) []string {
	var want [2][]int
	for _, c := range changes {
		if r := d.diff.Rows[c.From]; r.Right > 0 {
			want[1] = append(want[1], r.Right-1)
		} else {
			want[0] = append(want[0], r.Left-1)
		}
	}
	var lines [2]int // of each side, how many the rows have
	for i := len(d.diff.Rows) - 1; i >= 0 && (lines[0] == 0 || lines[1] == 0); i-- {
		r := d.diff.Rows[i]
		lines = [2]int{max(lines[0], r.Left), max(lines[1], r.Right)}
	}
	var found [2][]place
	found[0], d.scalar[0] = read(d.diff.A[:lines[0]], want[0])
	found[1], d.scalar[1] = read(d.diff.B[:lines[1]], want[1])
	under := make([]string, len(changes))
	d.places = make([]string, len(changes))
	for i, c := range changes {
		s := 0
		if d.diff.Rows[c.From].Right > 0 {
			s = 1
		}
		under[i], d.places[i] = found[s][0].under, found[s][0].own
		found[s] = found[s][1:]
	}
	return under
}

// maxMarks is of how many rows the word marks are kept: some screens. Who
// scrolls through a long diff shall not gather them all.
const maxMarks = 512

// words are the marks of a changed row's two sides, over their drawn text.
func (d *Document) words(row int, a, b string) markers {
	m, ok := d.marks[row]
	if !ok {
		if len(d.marks) >= maxMarks {
			clear(d.marks)
		}
		m[0], m[1] = textdiff.Words(a, b)
		d.marks[row] = m
	}
	return m
}
