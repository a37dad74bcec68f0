package frame

import "github.com/fairtide-dev/fairtide/tui/action"

// Pointer is a page that hears the mouse. Columns and lines are cells of the
// body as it was last drawn, from 0.
type Pointer interface {
	// Click selects what is there. The action is carried out after it: empty
	// for none. ok is false where there is nothing to select.
	Click(x, y int) (do action.ID, ok bool)
	// Wheel scrolls what is there by n lines, up if n is negative.
	Wheel(x, y, n int)
	// Divide moves the divider to a column; a page without one ignores it.
	Divide(x int)
}
