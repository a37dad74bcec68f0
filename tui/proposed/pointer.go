package proposed

import (
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/frame"
)

var _ frame.Pointer = (*Page)(nil)

// drawn is where the page's parts were drawn last.
type drawn struct {
	list, detail frame.Area
	divider      frame.Divider
}

// Click implements frame.Pointer.
func (p *Page) Click(x, y int) (do action.ID, ok bool) {
	switch d := p.drawn; {
	case d.list.Has(x, y):
		was := p.list.Index()
		if ok = p.list.Click(y - d.list.Y); ok {
			p.inDetail = false
		}
		if p.list.Index() != was {
			p.scroll = 0
		}
	case d.detail.Has(x, y):
		_, ok = p.Selected()
		p.inDetail = ok
	}
	return "", ok
}

// Wheel implements frame.Pointer.
func (p *Page) Wheel(x, y, n int) {
	switch d := p.drawn; {
	case d.list.Has(x, y):
		p.list.Move(n)
		p.scroll = 0
	case d.detail.Has(x, y):
		p.scroll = max(0, p.scroll+n) // and no further than there are lines, once it is drawn
	}
}

// Divide implements frame.Pointer.
func (p *Page) Divide(x int) { p.drawn.divider.Move(x) }
