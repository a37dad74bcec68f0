package frame

import (
	"github.com/fairtide-dev/fairtide/tui/slot"
	"github.com/fairtide-dev/fairtide/tui/words"
)

// Area is where something was drawn, in cells of the body.
type Area struct{ X, Y, W, H int }

// Has reports whether a cell is in the area.
func (a Area) Has(x, y int) bool { return x >= a.X && x < a.X+a.W && y >= a.Y && y < a.Y+a.H }

// narrowest is how narrow a divider may make a pane.
const narrowest = 24

// Divider is where a person has put a page's divider. The zero Divider is where
// the page puts it by itself.
type Divider struct{ at int }

// Move puts the divider at a column.
func (d *Divider) Move(x int) { d.at = max(1, x) }

// Column is where the divider stands in w cells: at the page's own column until
// it was moved, and never so that a pane is of no use.
func (d *Divider) Column(own, w int) int {
	if d.at == 0 {
		return own
	}
	return max(narrowest, min(d.at, w-narrowest-1))
}

// Read says in a header how old what was read is, and that it is being read
// again once that takes a while.
func Read[T any](f Frame, s *slot.Slot[T]) string {
	out := "read " + words.Ago(f.Now.Sub(s.At))
	if s.Slow(f.Now) {
		out += ", reading " + f.Glyph.Ellipsis
	}
	return out
}
