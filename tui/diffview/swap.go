package diffview

import "slices"

// Swap puts another reading of the document on the screen. What is in sight
// stays where it is, as far as there is as much of the new one; stretches are
// folded anew, unless all of them were unfolded.
func (v *View) Swap(d *Document) {
	if v.doc == nil || d == nil {
		v.Show(d)
		return
	}
	top, hunk := v.top, v.hunk
	folds := slices.ContainsFunc(v.doc.spans, func(s span) bool { return s.folds })
	unfolded := folds && v.Folded() == 0
	v.doc, v.open = d, make([]bool, len(d.spans))
	for i := range v.open {
		v.open[i] = unfolded
	}
	v.hunk = max(0, min(hunk, d.Hunks()-1))
	v.layout()
	v.top = top
	v.clamp()
}
