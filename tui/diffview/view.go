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

	// sideways is how far one key scrolls long lines.
	sideways = 8
)

// View is a document on the screen: which part of it, and how.
type View struct {
	Mode Mode

	doc    *Document
	open   []bool // spans that are unfolded
	starts []int  // first line of each span, and at the end the number of lines
	wraps  []wrap // of each span, empty where nothing is wrapped
	split  bool   // starts were counted for side by side
	top, x int
	full   int // the width that was set
	margin int // of it for the notes
	w, h   int // for the text
	hunk   int // the current one
}

// Show puts a document on the screen, at its first hunk.
func (v *View) Show(d *Document) {
	v.doc, v.top, v.x, v.hunk = d, 0, 0, 0
	v.open = nil
	if d != nil {
		v.open = make([]bool, len(d.spans))
	}
	v.layout()
	v.reveal()
}

// Document is what is on the screen, nil if nothing is.
func (v *View) Document() *Document { return v.doc }

// SetSize sets the space in cells and lines.
func (v *View) SetSize(w, h int) {
	if w == v.full && h == v.h {
		return
	}
	rewrap := w != v.full
	v.full, v.h = w, h
	if rewrap {
		v.layout()
		v.reveal()
	}
	v.clamp()
}

// ToggleMode changes between side by side and one column. It reports whether
// it could: a narrow pane has no room for two sides.
func (v *View) ToggleMode() bool {
	was := v.Mode
	if v.split {
		v.Mode = Unified
	} else {
		v.Mode = Split
	}
	split := v.split
	v.layout()
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
	v.split = v.wantSplit()
	v.starts, v.wraps = v.starts[:0], v.wraps[:0]
	if v.doc == nil {
		return
	}
	at := 0
	for i, s := range v.doc.spans {
		n := v.count(i, s)
		w := v.wrap(s, n)
		if w != nil {
			n = w[n]
		}
		v.starts, v.wraps = append(v.starts, at), append(v.wraps, w)
		at += n
	}
	v.starts = append(v.starts, at)
}

// count is how many lines a span has when none is wrapped.
func (v *View) count(i int, s span) int {
	switch {
	case s.folds && !v.open[i]:
		return 1
	case v.split:
		return s.rows.To - s.rows.From
	}
	return s.uni.To - s.uni.From
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

// Hunk is the current hunk, counted from 1, and how many there are.
func (v *View) Hunk() (n, of int) {
	if v.doc == nil || v.doc.Hunks() == 0 {
		return 0, 0
	}
	return v.hunk + 1, v.doc.Hunks()
}

// NextHunk goes n hunks on, or back if n is negative. It reports whether there
// was one.
func (v *View) NextHunk(n int) bool {
	if v.doc == nil || v.hunk+n < 0 || v.hunk+n >= v.doc.Hunks() {
		return false
	}
	v.hunk += n
	v.reveal()
	return true
}

// reveal scrolls the current hunk into sight, with what stands above it.
func (v *View) reveal() {
	if v.doc == nil || v.doc.Hunks() == 0 || v.h == 0 {
		v.clamp()
		return
	}
	r := v.hunkLines(v.hunk)
	if lead := r.From - context - 1; lead < v.top || r.To > v.top+v.h {
		v.top = lead
	}
	v.clamp()
}

func (v *View) clamp() { v.top = max(0, min(v.top, v.Total()-v.h)) }

// Scroll moves n lines down, or up if n is negative. When the current hunk
// leaves the screen, the first one in sight takes its place.
func (v *View) Scroll(n int) {
	v.top += n
	v.clamp()
	if v.doc == nil || v.doc.Hunks() == 0 {
		return
	}
	if r := v.hunkLines(v.hunk); r.From < v.top+v.h && r.To > v.top {
		return
	}
	first := sort.Search(v.doc.Hunks(), func(i int) bool { return v.hunkLines(i).To > v.top })
	v.hunk = min(first, v.doc.Hunks()-1)
}

// Page scrolls by most of the screen.
func (v *View) Page(n int) { v.Scroll(n * max(1, v.h-2)) }

// ToTop and ToBottom scroll to the ends.
func (v *View) ToTop() { v.Scroll(-v.Total()) }

// ToBottom scrolls to the end.
func (v *View) ToBottom() { v.Scroll(v.Total()) }

// Sideways scrolls long lines: on if n is positive, back if negative.
func (v *View) Sideways(n int) {
	was := v.x
	if v.x = max(0, v.x+n*sideways); (was == 0) != (v.x == 0) {
		v.layout() // lines are wrapped only while nothing is scrolled
		v.reveal()
	}
}

// Offset is how many cells the lines are scrolled sideways.
func (v *View) Offset() int { return v.x }

// Folded is how many stretches are folded away.
func (v *View) Folded() int {
	n := 0
	if v.doc != nil {
		for i, s := range v.doc.spans {
			if s.folds && !v.open[i] {
				n++
			}
		}
	}
	return n
}

// UnfoldFirst unfolds the first folded stretch in sight.
func (v *View) UnfoldFirst() bool {
	if v.doc == nil {
		return false
	}
	for i, s := range v.doc.spans {
		if s.folds && !v.open[i] && v.starts[i] >= v.top && v.starts[i] < v.top+v.h {
			v.open[i] = true
			v.layout()
			v.clamp()
			return true
		}
	}
	return false
}

// ToggleFolds unfolds everything, or if nothing is folded folds it again.
func (v *View) ToggleFolds() {
	unfold := v.Folded() > 0
	for i := range v.open {
		v.open[i] = unfold
	}
	v.layout()
	v.reveal()
}
