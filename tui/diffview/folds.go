package diffview

import "slices"

// Folds says which stretches are unfolded, for Refold.
func (v *View) Folds() []bool { return slices.Clone(v.open) }

// Refold folds and unfolds as it was when Folds was called on the same
// document. What is at the top may move.
func (v *View) Refold(open []bool) {
	if v.doc == nil || len(open) != len(v.open) || slices.Equal(open, v.open) {
		return
	}
	copy(v.open, open)
	v.layout()
	v.clamp()
}
