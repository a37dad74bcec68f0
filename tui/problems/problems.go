// Package problems is the page with what went wrong since the program was
// started: each failed reading and writing in full, the newest first, until it
// is dismissed.
package problems

import (
	"time"

	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/list"
	"github.com/fairtide-dev/fairtide/tui/words"
)

// Problem is something that went wrong, once or several times in a row.
type Problem struct {
	ID    int
	Env   string // the environment it was about; empty: none in particular
	About string // what was being done: "reading the plan"
	Text  string // in full
	At    time.Time
	First time.Time // the first of several times
	Times int
	Over  time.Time // since when the same thing works; zero: it has not worked since
}

// Page is the state of the page.
type Page struct {
	problems []Problem // newest first
	dropped  int       // how many older ones are not kept

	list     list.List[int] // by ID
	inDetail bool           // the text has the focus
	scroll   int            // into the text

	rows, text frame.Area // as drawn last
	divider    frame.Divider
}

// Set brings the page up to date. problems are newest first; dropped is how
// many older ones are not kept.
func (p *Page) Set(problems []Problem, dropped int) {
	p.problems, p.dropped = problems, dropped
	items := make([]list.Item[int], len(problems))
	for i, x := range problems {
		items[i].Key = x.ID
	}
	was, _ := p.list.Selected()
	p.list.Set(items)
	if now, _ := p.list.Selected(); now != was {
		p.scroll = 0
	}
	if len(problems) == 0 {
		p.inDetail = false
	}
}

// Selected is the problem the cursor is on.
func (p *Page) Selected() (Problem, bool) {
	if i := p.list.Index(); i >= 0 && i < len(p.problems) {
		return p.problems[i], true
	}
	return Problem{}, false
}

// Do carries out a movement. It reports whether the page knows the action.
func (p *Page) Do(id action.ID) bool {
	n, ok := action.Rows(id)
	switch {
	case id == action.NextPane || id == action.PrevPane:
		_, any := p.Selected()
		p.inDetail = any && !p.inDetail
		return true
	case !ok:
		return false
	case p.inDetail:
		p.scroll = max(0, p.scroll+n)
	default:
		p.list.Move(n)
		p.scroll = 0
	}
	return true
}

// Leave gives the focus back to the list. It reports whether it had lost it.
func (p *Page) Leave() bool {
	was := p.inDetail
	p.inDetail = false
	return was
}

// Hints are the footer's actions, the most wanted first.
func (p *Page) Hints() []action.ID {
	if len(p.problems) == 0 {
		return []action.ID{action.Back}
	}
	return []action.ID{action.Dismiss, action.DismissAll, action.Down, action.NextPane, action.Back}
}

// Head is the header line.
func (p *Page) Head(frame.Frame) frame.Head {
	left := "problems"
	if n := len(p.problems); n > 0 {
		left = words.Count(n, "problem")
	}
	return frame.Head{Left: left}
}

// Click implements frame.Pointer.
func (p *Page) Click(x, y int) (do action.ID, ok bool) {
	switch {
	case p.rows.Has(x, y):
		was := p.list.Index()
		if ok = p.list.Click(y - p.rows.Y); ok {
			p.inDetail = false
		}
		if p.list.Index() != was {
			p.scroll = 0
		}
	case p.text.Has(x, y):
		_, ok = p.Selected()
		p.inDetail = ok
	}
	return "", ok
}

// Wheel implements frame.Pointer.
func (p *Page) Wheel(x, y, n int) {
	switch {
	case p.rows.Has(x, y):
		p.list.Move(n)
		p.scroll = 0
	case p.text.Has(x, y):
		p.scroll = max(0, p.scroll+n) // and no further than there are lines, once it is drawn
	}
}

// Divide implements frame.Pointer.
func (p *Page) Divide(x int) { p.divider.Move(x) }

var _ frame.Pointer = (*Page)(nil)
