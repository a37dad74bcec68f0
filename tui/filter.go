package tui

import (
	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/tui/prompt"
)

// askFilter narrows the review's list while a filter is typed. Leaving the line
// brings back what was listed before, and the selection.
func (a *App) askFilter() {
	p := a.review
	if !p.Plan.Loaded {
		a.notice = "the plan is still being read"
		return
	}
	was := p.Filter()
	selected, _ := p.Selected()
	spec := prompt.Spec{Label: "filter", Text: was, Candidates: p.FilterCandidates, Aside: p.FilterCount}
	a.prompt(spec, p.SetFilter, p.SetFilter, func() tea.Cmd {
		cmd := p.SetFilter(was)
		p.SelectObject(selected.ID)
		return tea.Batch(cmd, p.Follow())
	})
}
