// Package diffview shows two texts side by side or in one column: aligned
// rows, word marks, line numbers of both sides, unchanged stretches folded
// with the place in the YAML that follows named. It draws only what is in
// sight; what grows with the length of a text is computed once, by Compare,
// away from the UI's goroutine.
package diffview

import (
	"sort"
	"strconv"

	"github.com/fairtide-dev/fairtide/internal/textdiff"
)

const (
	// context is how many unchanged lines are shown around a change.
	context = 3

	// minFold is the shortest stretch worth folding: hiding two lines behind
	// one saves nothing.
	minFold = 3
)

// Document is a comparison, ready to be shown.
type Document struct {
	diff   *textdiff.Diff
	uni    []uniLine // the one-column order
	spans  []span
	hunks  []int // which spans are hunks
	digits int   // of the longest line number

	left, right map[int]Note // beside lines of the two texts
	longest     int          // of the notes, in cells

	marks map[int][2][]textdiff.Span // word marks of changed rows, as they come into sight
}

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
	path  string // of what follows the fold
	rows  textdiff.Run
	uni   textdiff.Run
}

// Compare makes a document of two texts.
func Compare(before, after string) *Document {
	d := &Document{diff: textdiff.Lines(before, after), marks: map[int][2][]textdiff.Span{}}
	d.digits = len(strconv.Itoa(max(len(d.diff.A), len(d.diff.B), 100)))
	changes := d.diff.Changes()
	at := d.unify(changes)
	d.cut(changes, at)
	return d
}

// Hunks is the number of runs of changed lines.
func (d *Document) Hunks() int { return len(d.hunks) }

// OneSided reports whether one side has no lines at all.
func (d *Document) OneSided() bool { return len(d.diff.A) == 0 || len(d.diff.B) == 0 }

// unify fills the one-column order, in each change the left lines first. It
// returns where each change starts and ends in it.
func (d *Document) unify(changes []textdiff.Run) []textdiff.Run {
	d.uni = make([]uniLine, 0, len(d.diff.Rows))
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
	paths := d.paths(changes)
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
		equal(c.From, before, context, paths[i])
		d.hunks = append(d.hunks, len(d.spans))
		add(span{hunk: true}, c.To-c.From, uni[i].To-uni[i].From)
	}
	before := context
	if len(changes) == 0 {
		before = 0
	}
	equal(len(d.diff.Rows), before, 0, "")
}

// paths names the place of each change.
func (d *Document) paths(changes []textdiff.Run) []string {
	var wantA, wantB []int
	for _, c := range changes {
		if r := d.diff.Rows[c.From]; r.Right > 0 {
			wantB = append(wantB, r.Right-1)
		} else {
			wantA = append(wantA, r.Left-1)
		}
	}
	inA, inB := pathsOf(d.diff.A, wantA), pathsOf(d.diff.B, wantB)
	out := make([]string, len(changes))
	for i, c := range changes {
		if r := d.diff.Rows[c.From]; r.Right > 0 {
			out[i] = inB[sort.SearchInts(wantB, r.Right-1)]
		} else {
			out[i] = inA[sort.SearchInts(wantA, r.Left-1)]
		}
	}
	return out
}

// words are the marks of a changed row's two sides, over their drawn text.
func (d *Document) words(row int, a, b string) [2][]textdiff.Span {
	m, ok := d.marks[row]
	if !ok {
		m[0], m[1] = textdiff.Words(a, b)
		d.marks[row] = m
	}
	return m
}
