package change

import (
	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/frame"
)

var _ frame.Pointer = (*Page)(nil)

// drawn is where the page's parts were drawn last.
type drawn struct {
	list, pane frame.Area
	text       int // of the pane's lines, the first that is a diff's
	divider    frame.Divider
}

// Click implements frame.Pointer.
func (p *Page) Click(x, y int) (do action.ID, ok bool) {
	switch d := p.drawn; {
	case d.list.Has(x, y):
		if ok = p.rows.Click(y - d.list.Y); ok {
			p.inPane = false
		}
	case d.pane.Has(x, y):
		if _, isObject := p.selected(); isObject {
			p.view.Click(x-d.pane.X, y-d.pane.Y-d.text) // unfolds what is folded there
		}
		p.inPane, ok = true, true
	}
	return "", ok
}

// Wheel implements frame.Pointer.
func (p *Page) Wheel(x, y, n int) {
	_, isObject := p.selected()
	switch d := p.drawn; {
	case d.list.Has(x, y):
		p.rows.Move(n)
	case d.pane.Has(x, y) && isObject:
		p.view.Scroll(n)
	case d.pane.Has(x, y):
		p.scroll = max(0, p.scroll+n)
	}
}

// Divide implements frame.Pointer.
func (p *Page) Divide(x int) { p.drawn.divider.Move(x) }

// Follow shows what was selected by mouse.
func (p *Page) Follow() tea.Cmd { return p.follow() }
