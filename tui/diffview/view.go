package diffview

import (
	"sort"

	"github.com/fairtide-dev/fairtide/internal/textdiff"
)

// Mode is how the two sides are laid out.
type Mode uint8

// The modes.
const (
	Auto Mode = iota // side by side where there is room
	Split
	Unified
)

const (
	// autoSplit is the narrowest pane that is split by itself, and minSplit
	// the narrowest that is split on demand.
	autoSplit = 80
	minSplit  = 56
)

// View is a document on the screen: which part of it, and how.
type View struct {
	Mode Mode

	doc     *Document
	wrapped Wrap
	open    []bool             // spans that are unfolded
	starts  []int              // first line of each span, and at the end the number of lines
	wraps   []rows             // of each span, empty where nothing is wrapped
	above   map[int][]remark   // the spans' lines above their rows
	parts   map[lineOf][]piece // of long lines
	split   bool               // starts were counted for side by side
	top, x  int
	full    int // the width that was set
	margin  int // of it for the notes
	w, h    int // for the text
	hunk    int // the current one
	find    find
}

// Show puts a document on the screen, at its first hunk. A search goes on in
// it.
func (v *View) Show(d *Document) {
	v.doc, v.top, v.x, v.hunk = d, 0, 0, 0
	v.open = nil
	if d != nil {
		v.open = make([]bool, len(d.spans))
	}
	v.layout()
	v.reveal()
	v.find.anchor, v.find.at = v.top, 0
	v.again()
}

// Document is what is on the screen, nil if nothing is.
func (v *View) Document() *Document { return v.doc }

// SetSize sets the space in cells and lines. What is at the top stays there,
// and the current hunk in sight if it was.
func (v *View) SetSize(w, h int) {
	switch {
	case w == v.full && h == v.h:
	case v.full == 0 || v.h == 0:
		v.full, v.h = w, h
		v.layout()
		v.reveal()
	case w == v.full:
		v.h = h
		v.clamp()
	default:
		v.hold(func() { v.full, v.h = w, h })
	}
}

// ToggleMode changes between side by side and one column. It reports whether
// it could: a narrow pane has no room for two sides.
func (v *View) ToggleMode() bool {
	was, split := v.Mode, v.split
	v.hold(func() {
		if v.Mode = Split; split {
			v.Mode = Unified
		}
	})
	if v.split == split {
		v.Mode = was
		return false
	}
	v.reveal()
	return true
}

func (v *View) wantSplit() bool {
	// With one side only, or both alike, the other half would say nothing.
	if v.doc == nil || v.doc.OneSided() || v.doc.Hunks() == 0 {
		return false
	}
	switch v.Mode {
	case Split:
		return v.full >= minSplit
	case Unified:
		return false
	}
	return v.full >= autoSplit
}

// layout counts the lines of each span for the current mode, width and folds.
func (v *View) layout() {
	v.measure()
	was := v.split
	if v.split = v.wantSplit(); v.split != was {
		v.again() // the matches are in another order
	}
	v.starts, v.wraps, v.parts = v.starts[:0], v.wraps[:0], nil
	if v.doc == nil {
		return
	}
	v.remarks()
	at := 0
	for i, s := range v.doc.spans {
		n, w := 1, rows(nil)
		if !s.rest && !v.folded(i) {
			n = v.units(s)
			if w = v.wrap(s, n); w != nil {
				n = int(w[n])
			}
		}
		v.starts, v.wraps = append(v.starts, at), append(v.wraps, w)
		at += n + len(v.above[i])
	}
	v.starts = append(v.starts, at)
}

// folded reports whether a span is shown as one line.
func (v *View) folded(i int) bool { return v.doc.spans[i].folds && !v.open[i] }

// units is how many rows, or lines of the one-column order, a span has.
func (v *View) units(s span) int {
	if v.split {
		return s.rows.To - s.rows.From
	}
	return s.uni.To - s.uni.From
}

// hold changes the layout and keeps what is at the top of the screen there.
// The current hunk stays in sight if it was.
func (v *View) hold(change func()) {
	row, inSight := v.topRow(), v.inSight()
	change()
	v.layout()
	v.top = v.lineOf(row)
	v.clamp()
	if inSight && !v.inSight() {
		v.reveal()
	}
}

// topRow is the row at the top of the screen.
func (v *View) topRow() int {
	if v.Total() == 0 {
		return 0
	}
	i := v.spanAt(min(v.top, v.Total()-1))
	s := v.doc.spans[i]
	n := v.top - v.starts[i] - len(v.above[i])
	if s.rest || v.folded(i) || n < 0 {
		return s.rows.From
	}
	unit, _ := v.wraps[i].at(n)
	if v.split {
		return s.rows.From + unit
	}
	return v.doc.uni[s.uni.From+unit].row
}

// lineOf is the first line of a row, that of the fold if it is folded away.
func (v *View) lineOf(row int) int {
	if v.Total() == 0 {
		return 0
	}
	spans := v.doc.spans
	i := min(sort.Search(len(spans), func(i int) bool { return spans[i].rows.To > row }), len(spans)-1)
	s := spans[i]
	unit := row - s.rows.From
	switch {
	case s.rest, v.folded(i), unit <= 0:
		return v.starts[i]
	case !v.split && s.hunk:
		for unit = 0; v.doc.uni[s.uni.From+unit].row != row; {
			unit++
		}
	}
	return v.starts[i] + len(v.above[i]) + v.wraps[i].start(unit)
}

// spanAt is the span that a line belongs to.
func (v *View) spanAt(line int) int {
	return sort.Search(len(v.doc.spans)-1, func(i int) bool { return v.starts[i+1] > line })
}

// Total is the number of lines, folded stretches counting as one.
func (v *View) Total() int {
	if len(v.starts) == 0 {
		return 0
	}
	return v.starts[len(v.starts)-1]
}

// hunkLines is the range of lines that a hunk takes.
func (v *View) hunkLines(n int) textdiff.Run {
	i := v.doc.hunks[n]
	return textdiff.Run{From: v.starts[i], To: v.starts[i+1]}
}

// Hunk is the current hunk, counted from 1, and how many there are. While the
// document is partial, there may be more.
func (v *View) Hunk() (n, of int) {
	if v.doc == nil || v.doc.Hunks() == 0 {
		return 0, 0
	}
	return v.hunk + 1, v.doc.Hunks()
}

// Partial reports whether only the beginning of the document is there yet.
func (v *View) Partial() bool { return v.doc != nil && v.doc.part }
