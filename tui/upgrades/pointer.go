package upgrades

import (
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/frame"
)

var _ frame.Pointer = (*Page)(nil)

// drawn is where the page's parts were drawn last.
type drawn struct {
	list    frame.Area
	divider frame.Divider
}

// Click implements frame.Pointer.
func (p *Page) Click(x, y int) (do action.ID, ok bool) {
	return "", p.drawn.list.Has(x, y) && p.list.Click(y-p.drawn.list.Y)
}

// Wheel implements frame.Pointer.
func (p *Page) Wheel(x, y, n int) {
	if p.drawn.list.Has(x, y) {
		p.list.Move(n)
	}
}

// Divide implements frame.Pointer.
func (p *Page) Divide(x int) { p.drawn.divider.Move(x) }
