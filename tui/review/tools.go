package review

import (
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/diffview"
)

// Seen is the plan as the page shows it, and the lens it is seen through; nil:
// there is none yet.
func (p *Page) Seen() (*model.Plan, model.Lens) { return p.seen, p.lens }

// Hunk is the hunk of the selected object that the diff is at.
func (p *Page) Hunk() (diffview.Hunk, bool) {
	if _, ok := p.Selected(); !ok {
		return diffview.Hunk{}, false
	}
	return p.view.Current()
}

// HunkPath is the path of that hunk's first line; empty: there is none.
func (p *Page) HunkPath() string {
	if _, ok := p.Selected(); !ok {
		return ""
	}
	return p.view.HunkPath()
}

// Ready reports whether the selected object's two sides are compared.
func (p *Page) Ready() bool {
	_, ok := p.Selected()
	return ok && p.view.Document() != nil
}

// RenderedFrom is the commit whose files the page's objects come from.
func (p *Page) RenderedFrom() string {
	if plan := p.Plan.Value; plan != nil && plan.Commit != "" {
		return plan.Commit
	}
	return p.Commit
}
