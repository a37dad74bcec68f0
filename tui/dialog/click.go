package dialog

import (
	"time"

	"github.com/fairtide-dev/fairtide/tui/paint"
)

// zone is where a field or a button is: on line y of the box, from x0 up to x1.
type zone struct {
	x0, x1, y int
	stop      int // its place in the order of the focus
}

// remember keeps where the fields and the buttons are: the buttons on line
// last, the fields above it, from line first on.
func (d *Dialog) remember(b box, last, first int) {
	d.zones = d.zones[:0]
	if d.spec.Confirm != "" {
		if b.air > none {
			first++ // the blank line above them
		}
		for i := range d.inputs {
			d.zones = append(d.zones, zone{indent, b.w - indent, first + i, i + 1})
		}
	}
	all := d.pressables(b.f, b.w-2*indent)
	x := b.w - indent
	for i := len(all) - 1; i >= 0; i-- {
		wide := paint.Width(all[i].label)
		d.zones = append(d.zones, zone{x - wide, x, last, all[i].stop})
		x -= wide + buttonGap
	}
}

// Click is a click at a column and a line of the box, from 0, as it was drawn
// last. It focuses what is there. Only another click on a button that a click
// has focused presses it, and for one that does something not as fast as the
// two clicks of a double click, which are one gesture. Leaving takes one. A click
// anywhere else starts anew.
func (d *Dialog) Click(x, y int, now time.Time) Answer {
	was, early := d.clicked, now.Sub(d.clickedAt) < quiet
	d.clicked, d.clickedAt = 0, now
	if now.Sub(d.opened) < Grace {
		return Open
	}
	for _, z := range d.zones {
		if z.y != y || x < z.x0 || x >= z.x1 {
			continue
		}
		if z.stop == 0 {
			return Cancelled
		}
		d.clicked = z.stop
		switch {
		case z.stop != d.focus || z.stop != was:
			d.focus, d.note = z.stop, ""
		case z.stop > len(d.inputs) && !early:
			return d.choose()
		}
		return Open
	}
	return Open
}
