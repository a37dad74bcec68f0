package home

import (
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/frame"
)

// A Page hears the mouse.
var _ frame.Pointer = (*Page)(nil)

// places are where the rows were drawn last.
type places struct {
	envs, changes area
}

// area is a part of the body.
type area struct{ x, y, w, h int }

func (a area) has(x, y int) bool { return x >= a.x && x < a.x+a.w && y >= a.y && y < a.y+a.h }

// column is the part of the body from column x on, w wide, whatever its line.
func (a area) beside(x int) bool { return x >= a.x && x < a.x+a.w }

// Click selects an environment or a change.
func (p *Page) Click(x, y int) (do action.ID, ok bool) {
	env, any := p.Environment()
	switch {
	case !any:
		return "", false
	case p.drawn.envs.has(x, y):
		if p.envs.Click(y - p.drawn.envs.y) {
			p.inList = false
			return "", true
		}
	case p.drawn.changes.has(x, y):
		if p.list(env.Name).Click(y - p.drawn.changes.y) {
			p.inList = true
			return "", true
		}
	}
	return "", false
}

// Wheel moves the selection in the list that is under the pointer, or beside it.
func (p *Page) Wheel(x, y, n int) {
	env, any := p.Environment()
	if !any {
		return
	}
	below := y >= p.drawn.changes.y
	if p.stackedLast && below || !p.stackedLast && p.drawn.changes.beside(x) {
		if _, ok := p.Change(); ok {
			p.inList = true
			p.list(env.Name).Move(n)
		}
		return
	}
	p.inList = false
	p.envs.Move(n)
}

// Divide moves the divider between the two halves.
func (p *Page) Divide(x int) { p.split = x }
