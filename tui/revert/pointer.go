package revert

import (
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/frame"
)

var _ frame.Pointer = (*Page)(nil)

// remember notes which option each line is about: an option's lines follow the
// one with its title.
func (p *Page) remember(f frame.Frame, lines []string) {
	p.lines = make([]int, len(lines))
	at := 0
	for i, l := range lines {
		if n, ok := p.titles[l]; ok {
			at = n
		}
		if l == f.Line(f.W) {
			at = 0
		}
		p.lines[i] = at
	}
}

// Click implements frame.Pointer.
func (p *Page) Click(_, y int) (do action.ID, ok bool) {
	return "", y >= 0 && y < len(p.lines) && p.list.Select(p.lines[y])
}

// Wheel implements frame.Pointer: it goes through the options one by one.
func (p *Page) Wheel(_, _, n int) { p.list.Move(max(-1, min(n, 1))) }

// Divide implements frame.Pointer: there is no divider.
func (p *Page) Divide(int) {}
