package diffview

// Folded is how many stretches are folded away.
func (v *View) Folded() int {
	n := 0
	if v.doc != nil {
		for i := range v.doc.spans {
			if v.folded(i) {
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
	for i := range v.doc.spans {
		if v.folded(i) && v.starts[i] >= v.top && v.starts[i] < v.top+v.h {
			v.unfold(i)
			return true
		}
	}
	return false
}

func (v *View) unfold(i int) {
	v.open[i] = true
	v.layout()
	v.clamp()
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
