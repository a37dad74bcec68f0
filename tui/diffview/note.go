package diffview

import (
	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/internal/textdiff"
	"github.com/fairtide-dev/fairtide/tui/paint"
	"github.com/fairtide-dev/fairtide/tui/theme"
)

// Note is a remark beside a changed line: why it differs.
type Note struct {
	Texts []string // what to say, the longest way first; the first that fits is shown
	Warn  bool     // it is to be noticed
}

const (
	// marginFrom is the narrowest view that has room for notes.
	marginFrom = 56
	// marginMost is as wide as the margin gets.
	marginMost = 28
)

// Annotate puts notes beside lines of the two texts, counted from 1. They are
// shown with changed lines only.
func (d *Document) Annotate(left, right map[int]Note) {
	d.left, d.right, d.longest = left, right, 0
	for _, notes := range []map[int]Note{left, right} {
		for _, n := range notes {
			d.Reserve(n)
		}
	}
}

// Reserve keeps room for a note whose lines are not known yet.
func (d *Document) Reserve(n Note) {
	for _, text := range n.Texts {
		d.longest = max(d.longest, paint.Width(sanitize.Line(text)))
	}
}

// measure divides the width between the text and the margin for the notes.
func (v *View) measure() {
	v.w, v.margin = v.full, 0
	if v.doc == nil || v.doc.longest == 0 || v.full < marginFrom {
		return
	}
	v.margin = min(v.doc.longest+2, max(v.full/5, 8), marginMost)
	v.w = v.full - v.margin
}

// note is what is said beside a row of which one side or both are drawn.
func (d *Document) note(r textdiff.Row, s side) (Note, bool) {
	if r.Kind == textdiff.Equal {
		return Note{}, false
	}
	switch {
	case r.Right == 0:
		n, ok := d.left[r.Left]
		return n, ok
	case s == left:
		return Note{}, false // it is said beside the line that takes its place
	}
	n, ok := d.right[r.Right]
	return n, ok
}

// beside draws the margin of a line.
func (v *View) beside(t *theme.Theme, n Note, said bool) string {
	if v.margin == 0 {
		return ""
	}
	if !said {
		return paint.Spaces(v.margin)
	}
	look := t.Dim
	if n.Warn {
		look = t.Warn
	}
	text := ""
	for _, text = range n.Texts {
		if text = sanitize.Line(text); paint.Width(text) <= v.margin-2 {
			break
		}
	}
	return "  " + look.Paint(paint.Fit(text, v.margin-2))
}
