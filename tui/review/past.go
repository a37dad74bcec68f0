package review

import (
	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
)

// Past is what a page shows when it is not about a plan: what a run changed,
// or how it differs from another one.
type Past struct {
	Run   string
	Other string // that Run is compared with; empty: none
}

// notAPlan is why what is for a plan cannot be done.
const notAPlan = "this is what a run did, for reading: there is nothing to "

// NewPast makes a page for what a run changed. Nothing on it can be shipped, or
// marked as read.
func NewPast(env model.Environment, past Past) *Page {
	return &Page{Environment: env, Past: &past, lens: model.LensRun}
}

// title says what the page is about.
func (p *Past) title() string {
	if p.Other != "" {
		return sanitize.Line(p.Run + " compared with " + p.Other)
	}
	return "what " + sanitize.Line(p.Run) + " changed"
}

func (p *Past) why(id action.ID) string {
	switch id {
	case action.Reviewed, action.NextUnreviewed, action.AcceptAlike:
		return notAPlan + "review"
	}
	return ""
}

// pastHints are the footer's actions of such a page.
func (p *Page) pastHints() []action.ID {
	hints := []action.ID{action.OpenDiff, action.NextHunk, action.Filter, action.GroupBy}
	if p.inDiff {
		hints = []action.ID{action.NextHunk, action.NextObject, action.PageDown, action.Unfold, action.Search}
	}
	return append(hints, action.Layout, action.Zoom, action.Unchanged, action.Take, action.Back)
}
