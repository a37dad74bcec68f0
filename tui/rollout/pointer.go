package rollout

import (
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/frame"
)

var _ frame.Pointer = (*Page)(nil)

// Click implements frame.Pointer.
func (p *Page) Click(x, y int) (do action.ID, ok bool) {
	if a := p.pane; a != nil && a.tree.Has(x, y) {
		if ok = a.nodes.Click(y - a.tree.Y); ok {
			a.focus, a.chosen, a.scroll = true, true, 0
			a.sync()
		}
		return "", ok
	}
	if ok = p.table.Has(x, y) && p.rows.Click(y-p.table.Y); ok {
		p.moved = true
		if p.pane != nil {
			p.pane.focus = false
		}
		p.retarget()
	}
	return "", ok
}

// Wheel implements frame.Pointer.
func (p *Page) Wheel(x, y, n int) {
	a := p.pane
	switch {
	case a != nil && a.tree.Has(x, y):
		a.nodes.Move(n)
		a.chosen, a.scroll = true, 0
		a.sync()
	case a != nil && a.below.Has(x, y):
		a.roll(n)
	case p.table.Has(x, y):
		p.rows.Move(n)
		p.moved = true
		p.retarget()
	}
}

// Divide implements frame.Pointer: the divider is that beside the pane.
func (p *Page) Divide(x int) { p.divider.Move(x) }
