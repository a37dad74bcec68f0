package review

import (
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/frame"
)

var _ frame.Pointer = (*Page)(nil)

const (
	// leastList and leastDiff are the narrowest the two panes get.
	leastList = 26
	leastDiff = 40
)

// area is where the page was drawn, for the mouse. Lines are counted from
// below the notices.
type area struct {
	top      int // lines of notices
	bodyW    int
	listW    int // 0: there is no list
	listY    int // of the first row
	from, to int // rows in sight
	diffX    int
	diffY    int
	textY    int // of the diff's first line of text
}

// inList reports whether a place is in the list's pane.
func (a area) inList(x, y int) bool {
	if a.listW == 0 {
		return false
	}
	if a.diffX > 0 {
		return x < a.listW
	}
	return y < a.diffY
}

// listWidth is how wide the list is on a screen of w cells.
func (p *Page) listWidth(w int) int {
	if p.width > 0 {
		return max(leastList, min(p.width, w-leastDiff))
	}
	return max(36, min(56, w*28/100))
}

// Divide implements frame.Pointer.
func (p *Page) Divide(x int) {
	if p.at.diffX > 0 {
		p.width = max(leastList, min(x, p.at.bodyW-leastDiff))
	}
}

// Click implements frame.Pointer: it selects an object, folds a group, or goes
// into the diff.
func (p *Page) Click(x, y int) (do action.ID, ok bool) {
	y -= p.at.top
	if p.seen == nil || y < 0 {
		return "", false
	}
	if !p.at.inList(x, y) {
		if p.view.Document() == nil {
			return "", false
		}
		p.inDiff = true
		p.view.Click(x-p.at.diffX, y-p.at.textY)
		return "", true
	}
	i := p.at.from + y - p.at.listY
	if y < p.at.listY || i >= p.at.to {
		return "", false
	}
	item := p.objects.Item(i)
	p.inDiff = false
	switch {
	case item.Key.group != "":
		p.toggleGroup(item.Key.group)
		return "", true
	case item.Heading:
		return "", false
	}
	return "", p.objects.Select(item.Key)
}

// Wheel implements frame.Pointer: it scrolls the pane that the pointer is over.
func (p *Page) Wheel(x, y, n int) {
	if p.seen != nil && p.at.inList(x, y-p.at.top) {
		p.objects.Move(n)
		return
	}
	p.view.Scroll(n)
}
