package diffview

import "github.com/fairtide-dev/fairtide/internal/textdiff"

// Spot is what a line on the screen shows.
type Spot struct {
	Fold        bool // a folded stretch
	Hunk        int  // the index of the hunk, -1 outside of one
	Left, Right int  // line numbers, 0 where there is none
}

// LineAt is what is on line y of those that were drawn last, from 0. ok is
// false below the last one.
func (v *View) LineAt(y int) (at Spot, ok bool) {
	line := v.top + y
	if v.doc == nil || y < 0 || y >= v.h || line >= v.Total() {
		return Spot{}, false
	}
	i := v.spanAt(line)
	s := v.doc.spans[i]
	at.Hunk = -1
	if s.hunk {
		at.Hunk = v.hunkOf(i)
	}
	n := line - v.starts[i] - len(v.above[i])
	switch {
	case s.rest:
	case v.folded(i):
		at.Fold = true
		r := v.doc.diff.Rows[s.rows.From]
		at.Left, at.Right = r.Left, r.Right
	case n >= 0:
		unit, _ := v.wraps[i].at(n)
		r, on := v.unit(s, unit)
		at.Left, at.Right = r.Left, r.Right
		if on == left {
			at.Right = 0
		}
		if on == right {
			at.Left = 0
		}
	}
	return at, true
}

// unit is the row that a line belongs to, and which side of it the line shows.
func (v *View) unit(s span, n int) (textdiff.Row, side) {
	if v.split {
		return v.doc.diff.Rows[s.rows.From+n], both
	}
	u := v.doc.uni[s.uni.From+n]
	return v.doc.diff.Rows[u.row], u.side
}

// hunkOf is the index of the hunk that a span is.
func (v *View) hunkOf(i int) int {
	lo, hi := 0, len(v.doc.hunks)
	for lo < hi {
		if mid := (lo + hi) / 2; v.doc.hunks[mid] < i {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// Click unfolds a folded stretch, or makes a hunk the current one. x and y are
// the cell, from where the first line is drawn. It reports whether there was
// something to click on.
func (v *View) Click(x, y int) bool {
	at, ok := v.LineAt(y)
	switch {
	case !ok || x < 0 || x >= v.full:
		return false
	case at.Fold:
		v.unfold(v.spanAt(v.top + y))
		return true
	case at.Hunk >= 0:
		v.hunk = at.Hunk
		return true
	}
	return false
}
