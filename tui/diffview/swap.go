package diffview

import (
	"slices"

	"github.com/fairtide-dev/fairtide/internal/textdiff"
)

// Swap puts another reading of the document on the screen. What is in sight
// stays where it is, as far as there is as much of the new one; stretches are
// folded anew, except those that are the same and were unfolded, or if all
// were. A search goes on at the same match.
func (v *View) Swap(d *Document) {
	if v.doc == nil || d == nil {
		v.Show(d)
		return
	}
	top, hunk, was := v.top, v.hunk, v.doc
	folds := slices.ContainsFunc(was.spans, func(s span) bool { return s.folds })
	unfolded := folds && v.Folded() == 0
	opened := map[textdiff.Run]bool{}
	for i, s := range was.spans {
		if v.open[i] {
			opened[s.rows] = true
		}
	}
	v.doc, v.open = d, make([]bool, len(d.spans))
	for i, s := range d.spans {
		v.open[i] = unfolded || opened[s.rows]
	}
	v.hunk = max(0, min(hunk, d.Hunks()-1))
	v.layout()
	v.top = top
	v.clamp()
	v.again()
}
