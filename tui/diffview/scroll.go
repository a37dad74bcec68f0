package diffview

import "sort"

// sideways is how far one key scrolls long lines.
const sideways = 8

// NextHunk goes n hunks on, or back if n is negative. It reports whether there
// was one.
func (v *View) NextHunk(n int) bool {
	if v.doc == nil || v.hunk+n < 0 || v.hunk+n >= v.doc.Hunks() {
		return false
	}
	v.hunk += n
	v.reveal()
	v.find.anchor = v.top
	return true
}

// inSight reports whether some of the current hunk is on the screen.
func (v *View) inSight() bool {
	if v.doc == nil || v.doc.Hunks() == 0 {
		return false
	}
	r := v.hunkLines(v.hunk)
	return r.From < v.top+v.h && r.To > v.top
}

// reveal scrolls the current hunk into sight, with what stands above it.
func (v *View) reveal() {
	if v.doc == nil || v.doc.Hunks() == 0 || v.h == 0 {
		v.clamp()
		return
	}
	r := v.hunkLines(v.hunk)
	if lead := r.From - min(context+1, v.h/3); lead < v.top || r.To > v.top+v.h {
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
	v.find.anchor = v.top
	if v.doc == nil || v.doc.Hunks() == 0 || v.inSight() {
		return
	}
	first := sort.Search(v.doc.Hunks(), func(i int) bool { return v.hunkLines(i).To > v.top })
	v.hunk = min(first, v.doc.Hunks()-1)
}

// Page scrolls by most of the screen.
func (v *View) Page(n int) { v.Scroll(n * max(1, v.h-2)) }

// ToTop scrolls to the beginning.
func (v *View) ToTop() { v.Scroll(-v.Total()) }

// ToBottom scrolls to the end.
func (v *View) ToBottom() { v.Scroll(v.Total()) }

// Sideways scrolls long lines: on if n is positive, back if negative. Where all
// lines are wrapped there is nothing to scroll.
func (v *View) Sideways(n int) {
	if v.wrapped == WrapAll || v.doc == nil {
		return
	}
	v.setOffset(v.x + n*sideways)
}

func (v *View) setOffset(x int) {
	x = max(0, min(x, v.farthest()))
	if v.wrapped == WrapChanged && (v.x == 0) != (x == 0) {
		v.hold(func() { v.x = x }) // lines are wrapped only while nothing is scrolled
		return
	}
	v.x = x
}

// farthest is how far lines can be scrolled sideways: until the longest one
// ends, in whole steps.
func (v *View) farthest() int {
	return (max(0, v.doc.widest-v.room()) + sideways - 1) / sideways * sideways
}

// Offset is how many cells the lines are scrolled sideways.
func (v *View) Offset() int { return v.x }
