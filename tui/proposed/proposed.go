// Package proposed is the page with the open pull requests that touch an
// environment, and for the selected one what it still needs.
package proposed

import (
	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/list"
	"github.com/fairtide-dev/fairtide/tui/slot"
	"github.com/fairtide-dev/fairtide/tui/words"
)

// Page is the state of the page.
type Page struct {
	Environment model.Environment
	Proposals   slot.Slot[[]model.Proposed]

	list     list.List[int] // by number
	inDetail bool           // the detail has the focus
	scroll   int            // into the detail
	drawn    drawn
}

// New makes the page for an environment.
func New(env model.Environment) *Page { return &Page{Environment: env} }

// Sync is called after the pull requests were read.
func (p *Page) Sync() {
	items := make([]list.Item[int], 0, len(p.Proposals.Value))
	for _, pr := range p.Proposals.Value {
		items = append(items, list.Item[int]{Key: pr.Number})
	}
	p.list.Set(items)
}

// Selected is the pull request the cursor is on.
func (p *Page) Selected() (model.Proposed, bool) {
	if i := p.list.Index(); i >= 0 && i < len(p.Proposals.Value) {
		return p.Proposals.Value[i], true
	}
	return model.Proposed{}, false
}

// Find is the pull request with the number, as it was read last.
func (p *Page) Find(number int) (model.Proposed, bool) {
	for _, pr := range p.Proposals.Value {
		if pr.Number == number {
			return pr, true
		}
	}
	return model.Proposed{}, false
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
	if len(p.Proposals.Value) == 0 {
		return []action.ID{action.Back, action.Refresh}
	}
	return []action.ID{action.OpenReview, action.Merge, action.Down, action.NextPane, action.Refresh, action.Back}
}

// Head is the header line.
func (p *Page) Head(f frame.Frame, w *model.WindowState) frame.Head {
	left := sanitize.Line(p.Environment.Name) + "  proposed"
	if p.Proposals.Loaded {
		left += "  " + words.Count(len(p.Proposals.Value), "pull request") + "  " + frame.Read(f, &p.Proposals)
	}
	return frame.Head{Left: left, Right: f.Window(w), Production: p.Environment.Tier == model.TierProduction}
}
