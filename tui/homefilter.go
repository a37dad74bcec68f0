package tui

import (
	"slices"

	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/prompt"
)

// filterHome asks which of the pending changes to list, and lists them while
// it is typed.
func (a *App) filterHome() {
	env, ok := a.home.Environment()
	if !ok || len(a.home.Pending(env.Name).Value.Changes) == 0 {
		a.notice = "nothing is pending here that could be filtered"
		return
	}
	was := a.home.Query()
	a.prompt(prompt.Spec{Label: "/", Text: was, Aside: a.home.Matching}, func(text string) tea.Cmd {
		a.home.Filter(text)
		return nil
	}, func(text string) tea.Cmd {
		a.home.Filter(text)
		a.home.Enter()
		return nil
	}, func() tea.Cmd {
		a.home.Filter(was)
		return nil
	})
}

// nameShipped tells the review which changes its plan ships, also when what is
// pending was read after it was opened, or more was merged meanwhile.
func (a *App) nameShipped() {
	p := a.review
	if p == nil || p.Draft != nil || p.Proposed != nil || p.Past != nil || p.Plan.Value == nil {
		return
	}
	changes := a.home.Pending(p.Environment.Name).Value.Changes
	i := slices.IndexFunc(changes, func(c model.Change) bool { return c.Commit == p.Plan.Value.Commit })
	if i >= 0 {
		p.Shipped, p.Newer = changes[i:], i
	}
}
