package tui

import (
	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/prompt"
)

// useTool carries out what is done with the object under review beside reading
// it: to search, to copy, to open its source. ok is false for other actions.
func (a *App) useTool(id action.ID) (cmd tea.Cmd, ok bool) {
	p := a.review
	switch {
	case id == action.Search:
		a.askSearch()
	case id == action.Take:
		a.askTake()
	case id == action.EditSource:
		return a.editSource(), true
	case id == action.OpenSource:
		return a.openSource(), true
	case id == action.NextHunk && p.Finding() != "":
		cmd, a.notice = p.NextFound(1)
	case id == action.PrevHunk && p.Finding() != "":
		cmd, a.notice = p.NextFound(-1)
	default:
		return nil, false
	}
	return cmd, true
}

// askSearch searches while the text is typed. Leaving the line brings back what
// was searched for before.
func (a *App) askSearch() {
	p := a.review
	was := p.Finding()
	find := func(text string) tea.Cmd { return p.Find(a.ctx, text) }
	keep := func(text string) tea.Cmd {
		var again tea.Cmd
		if text != p.Finding() { // it was brought back, not typed
			again = find(text)
		}
		if text == "" {
			return again
		}
		cmd, note := p.KeepFinding()
		a.notice = note
		return tea.Batch(again, cmd)
	}
	leave := func() tea.Cmd {
		cmd := find(was)
		p.FindTyped()
		return cmd
	}
	a.prompt(prompt.Spec{Label: "/", Aside: p.FindWords}, find, keep, leave)
}

// called is an action as the footer calls it now: while a search is on, the
// keys for hunks go through its matches.
func (a *App) called(act action.Action) action.Action {
	if a.at == action.Review && act.Scope == action.Review && a.review.Finding() != "" {
		switch act.ID {
		case action.NextHunk:
			act.Label = "next match"
		case action.PrevHunk:
			act.Label = "previous match"
		}
	}
	if a.at == action.Home && act.ID == action.OpenRun {
		if env, ok := a.home.Environment(); ok && !a.active(env.Name) && a.heldElsewhere(env.Name) {
			act.Label = "watch"
		}
	}
	if a.at == action.Rollout {
		act.Label = a.runs[a.runEnv].calls(act)
	}
	return act
}

// calls is what an action is called on the page of the run, as it stands.
func (r *run) calls(act action.Action) string {
	pane := r.page.Pane() != nil
	switch {
	case act.ID == action.Abort && r.page.Armed():
		return "cancel"
	case act.ID == action.Abort && r.page.Followed:
		return "ask to stop"
	case act.ID == action.Pause && r.brake != nil && r.brake.On():
		return "go on"
	case act.ID == action.Back && pane:
		return "close"
	case act.ID == action.OpenLog && r.page.Logs():
		return "events"
	}
	return act.Label
}

// whyTool is why a tool of the review page is of no use just now.
func (a *App) whyTool(id action.ID) string {
	p := a.review
	seen, _ := p.Seen()
	switch {
	case seen == nil && p.Plan.Err != nil:
		return "there is no plan: " + a.keyOf(action.Refresh, action.Review) + " reads it once more"
	case seen == nil:
		return planReading
	case id == action.EditSource || id == action.OpenSource:
		return a.whySource(id)
	}
	return ""
}
