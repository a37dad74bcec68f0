package rollout

import (
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/frame"
)

var _ frame.Pointer = (*Page)(nil)

// Click implements frame.Pointer.
func (p *Page) Click(x, y int) (do action.ID, ok bool) {
	ok = p.table.Has(x, y) && p.rows.Click(y-p.table.Y)
	p.moved = p.moved || ok
	return "", ok
}

// Wheel implements frame.Pointer.
func (p *Page) Wheel(x, y, n int) {
	if p.table.Has(x, y) {
		p.rows.Move(n)
		p.moved = true
	}
}

// Divide implements frame.Pointer: there is no divider.
func (p *Page) Divide(int) {}
