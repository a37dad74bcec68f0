// Package history is the page with the runs of an environment, newest first,
// and what each of them did.
package history

import (
	"slices"

	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/list"
	"github.com/fairtide-dev/fairtide/tui/slot"
)

// A Page hears the mouse.
var _ frame.Pointer = (*Page)(nil)

// Page is the state of the page.
type Page struct {
	Environment model.Environment
	Runs        slot.Slot[[]model.Run] // newest first

	list   list.List[string]
	inRun  bool   // the objects of the run have the focus
	scroll int    // into the record of the selected run
	marked string // the run that another one is to be compared with; empty: none

	split int // where the divider was put; 0: where it belongs
	drawn places
}

// New makes the page for an environment.
func New(env model.Environment) *Page { return &Page{Environment: env} }

// Sync is called after the runs were read.
func (p *Page) Sync() {
	items := make([]list.Item[string], 0, len(p.Runs.Value))
	for _, r := range p.Runs.Value {
		items = append(items, list.Item[string]{Key: r.ID})
	}
	if !slices.ContainsFunc(p.Runs.Value, func(r model.Run) bool { return r.ID == p.marked }) {
		p.marked = ""
	}
	p.list.Set(items)
}

// Selected is the run the cursor is on.
func (p *Page) Selected() (model.Run, bool) {
	if i := p.list.Index(); i >= 0 && i < len(p.Runs.Value) {
		return p.Runs.Value[i], true
	}
	return model.Run{}, false
}

// Do carries out a movement. It reports whether the page knows the action.
func (p *Page) Do(id action.ID) bool {
	n, ok := action.Rows(id)
	switch {
	case id == action.NextPane || id == action.PrevPane:
		_, any := p.Selected()
		p.inRun = any && !p.inRun
		return true
	case !ok:
		return false
	case p.inRun:
		p.scroll = max(0, p.scroll+n)
	default:
		p.list.Move(n)
		p.scroll = 0
	}
	return true
}

// Compare marks the selected run, takes its mark away, or with another one
// marked gives the two to be compared, the earlier first. Without other there is
// nothing to compare yet; run is then what is marked.
func (p *Page) Compare() (run, other string) {
	r, ok := p.Selected()
	switch {
	case !ok:
		return "", ""
	case p.marked == r.ID:
		p.marked = ""
		return "", ""
	case p.marked == "":
		p.marked = r.ID
		return r.ID, ""
	}
	run, other = p.marked, r.ID
	for _, x := range p.Runs.Value { // the newest comes first
		if x.ID == run {
			run, other = other, run
			break
		}
		if x.ID == other {
			break
		}
	}
	p.marked = ""
	return run, other
}

// Leave gives the focus back to the list, or takes a mark away. It reports
// whether there was anything to leave.
func (p *Page) Leave() bool {
	was := p.inRun || p.marked != ""
	if p.inRun {
		p.inRun = false
	} else {
		p.marked = ""
	}
	return was
}

// Hints are the footer's actions, the most wanted first.
func (p *Page) Hints() []action.ID {
	if _, ok := p.Selected(); !ok {
		return []action.ID{action.Back, action.Refresh}
	}
	if p.marked != "" {
		return []action.ID{action.CompareRuns, action.Down, action.OpenDiff, action.Back, action.Revert}
	}
	return []action.ID{action.OpenDiff, action.CompareRuns, action.Revert, action.NextPane, action.Down, action.Back}
}

// Click selects a run, or goes into what it did.
func (p *Page) Click(x, y int) (do action.ID, ok bool) {
	switch {
	case p.drawn.rows.has(x, y) && p.list.Click(y-p.drawn.rows.y):
		p.inRun, p.scroll = false, 0
		return "", true
	case p.drawn.run.has(x, y):
		_, p.inRun = p.Selected()
		return "", p.inRun
	}
	return "", false
}

// Wheel scrolls what the selected run did, or goes through the runs.
func (p *Page) Wheel(x, y, n int) {
	if p.drawn.run.has(x, y) {
		p.scroll = max(0, p.scroll+n)
		return
	}
	p.list.Move(n)
	p.inRun, p.scroll = false, 0
}

// Divide moves the divider between the runs and what they did.
func (p *Page) Divide(x int) { p.split = x }

// places are where the list and the record were drawn last.
type places struct{ rows, run area }

// area is a part of the body.
type area struct{ x, y, w, h int }

func (a area) has(x, y int) bool { return x >= a.x && x < a.x+a.w && y >= a.y && y < a.y+a.h }
