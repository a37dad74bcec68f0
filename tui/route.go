package tui

import (
	"slices"

	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/change"
	"github.com/fairtide-dev/fairtide/tui/dialog"
	"github.com/fairtide-dev/fairtide/tui/history"
	"github.com/fairtide-dev/fairtide/tui/review"
)

// key routes a key press: to the dialog, to the help page, or by way of the
// registry to an action of the page or of all pages.
func (a *App) key(k tea.KeyPressMsg) tea.Cmd {
	a.notice = ""
	name := k.String()
	switch {
	case a.leaving:
		if act, _ := a.keys.Resolve(name, action.Everywhere); act.ID == action.Exit {
			return tea.Quit // a second ctrl+c does not wait for the record
		}
		return nil
	case a.question != nil:
		act, _ := a.keys.Resolve(name, action.Dialog)
		return a.answer(k, act.ID)
	case a.asking != nil:
		act, _ := a.keys.Resolve(name, action.Prompt)
		return a.typed(k, act.ID)
	case a.help != nil:
		if act, ok := a.keys.Resolve(name, action.Help); ok {
			a.helpDo(act.ID)
		}
		return nil
	}
	act, ok := a.keys.Resolve(name, a.at, action.Everywhere)
	if !ok {
		return nil
	}
	a.shipNext = false // whoever goes on typing is not waiting for the confirm
	if act.ID == action.ToEnv {
		a.home.SelectPlace(slices.Index(act.Keys, name) + 1)
		return a.followHome()
	}
	if k.IsRepeat && leads(act) {
		return nil
	}
	return a.do(act.ID)
}

// leads reports whether an action goes somewhere or opens something: a held
// key must not run through several pages.
func leads(act action.Action) bool {
	switch act.ID {
	case action.Reviewed, action.AcceptAlike, action.Filter, action.Abort, action.Again, action.RollBack, action.Pause, action.Resume, action.OpenTree, action.OpenLog, action.PrevLog, action.OpenRun, action.OpenReview, action.OpenDiff, action.Back, action.Quit, action.Exit,
		action.Revert, action.OpenProposed, action.OpenUpgrades, action.OpenWindows, action.WhatIf, action.OpenChange, action.MakeDraft, action.KeepLive, action.Replace,
		action.Search, action.Take, action.EditSource, action.OpenSource, action.Palette, action.Problems, action.Mouse, action.Suspend, action.Dismiss, action.DismissAll, action.CompareRuns:
		return true
	}
	return act.Writes
}

// do carries out an action.
func (a *App) do(id action.ID) tea.Cmd {
	if why := a.why(id); why != "" {
		a.notice = why
		return nil
	}
	if cmd, ok := a.doAnywhere(id); ok {
		return cmd
	}
	switch a.at {
	case action.Review:
		return a.doReview(id)
	case action.Rollout:
		return a.doRollout(id)
	case action.History:
		return a.doHistory(id)
	case action.Reverting:
		return a.doRevert(id)
	case action.Proposed:
		return a.doProposed(id)
	case action.Upgrades:
		return a.doUpgrades(id)
	case action.Windows:
		return a.doWindows(id)
	case action.Errors:
		a.doProblems(id)
		return nil
	case action.Change:
		cmd, note := a.change.Do(id)
		a.notice = note
		return cmd
	}
	return a.doHome(id)
}

// doAnywhere carries out what is the same on every page. ok is false for what
// a page does.
func (a *App) doAnywhere(id action.ID) (cmd tea.Cmd, ok bool) {
	switch id {
	case action.Palette:
		a.openPalette()
	case action.Quit, action.Exit:
		return a.quit(id), true
	case action.ShowHelp:
		a.help = &helpPage{scope: a.at}
	case action.Refresh:
		return a.refresh(), true
	case action.Problems:
		a.openProblems()
	case action.Mouse:
		a.toggleMouse()
	case action.Suspend:
		return tea.Suspend, true
	case action.Narrower:
		a.divide(-dividerStep)
	case action.Wider:
		a.divide(dividerStep)
	case action.Back:
		return a.back(), true
	case action.OpenHistory:
		return a.openHistory(), true
	case action.Revert:
		return a.openRevert(), true
	default:
		return nil, false
	}
	return nil, true
}

func (a *App) doHome(id action.ID) tea.Cmd {
	switch id {
	case action.OpenReview:
		return a.openReview(false)
	case action.Ship:
		return a.openReview(true)
	case action.OpenRun:
		env, _ := a.home.Environment()
		return a.openRun(env)
	case action.Resume:
		return a.askResume()
	case action.OpenProposed:
		return a.openProposed()
	case action.OpenUpgrades:
		return a.openUpgrades()
	case action.OpenWindows:
		return a.openWindows()
	case action.OpenChange:
		return a.openChange()
	case action.Filter:
		a.filterHome()
		return nil
	}
	a.home.Do(id)
	return a.followHome()
}

func (a *App) doReview(id action.ID) tea.Cmd {
	p := a.review
	if cmd, ok := a.useTool(id); ok {
		return cmd
	}
	switch {
	case p.Draft != nil && (id == action.Ship || id == action.Publish):
		return a.askPublish()
	case id == action.Ship:
		return a.ship()
	case id == action.Filter:
		a.askFilter()
		return nil
	case id == action.KeepLive:
		return a.askKeep()
	case id == action.Replace:
		return a.askReplace()
	}
	cmd, note, _ := a.review.Do(id)
	a.notice = note
	return cmd
}

func (a *App) doRollout(id action.ID) tea.Cmd {
	r := a.runs[a.runEnv]
	switch id {
	case action.Abort:
		a.askAbort(r)
	case action.Again:
		return a.show(reviewAgain(r))
	case action.RollBack:
		return a.rollBack(r)
	case action.Pause:
		a.pause(r)
	case action.Resume:
		return a.askResume()
	default:
		r.page.Do(id)
	}
	return nil
}

// openReview shows the plan for shipping up to the selected change, or the
// head where nothing is pending; with ship, the confirm follows by itself.
func (a *App) openReview(ship bool) tea.Cmd {
	env, ok := a.home.Environment()
	if !ok {
		return nil
	}
	c, _ := a.home.Change()
	shipped, newer := a.home.Shipped(env.Name, c.Commit)
	a.shipNext = ship
	return a.show(review.New(env, c.Commit, shipped, newer))
}

func (a *App) show(p *review.Page) tea.Cmd {
	if a.review != nil {
		a.review.Plan.Stop()
	}
	a.review, a.at, a.readFrom = p, action.Review, action.Home
	p.Marks = a.cfg.Marks
	return a.loadPlan(p)
}

// openChange shows the selected change in full.
func (a *App) openChange() tea.Cmd {
	env, _ := a.home.Environment()
	c, _ := a.home.Change()
	a.change, a.at = change.New(env, c), action.Change
	return a.loadChange(a.change)
}

func (a *App) openHistory() tea.Cmd {
	env, ok := a.home.Environment()
	if a.at == action.Rollout {
		env, ok = a.runs[a.runEnv].page.Environment, true
	}
	if !ok || a.at == action.History {
		return nil
	}
	a.from, a.history, a.at = a.at, history.New(env), action.History
	return a.loadHistory(a.history)
}

// back goes one level up: inside the page first.
func (a *App) back() tea.Cmd {
	switch a.at {
	case action.Home:
		a.home.Leave()
	case action.Review:
		if !a.review.Leave() {
			a.review.Plan.Stop()
			a.adopt.Stop()
			if a.review.Draft != nil && a.review.Order.Request.Kind == model.DraftAdopt {
				return a.show(a.behind)
			}
			a.at = a.readFrom
		}
	case action.History:
		if !a.history.Leave() {
			a.history.Runs.Stop()
			a.at = a.from
		}
	case action.Reverting:
		a.revert.Stop()
		a.at = a.undoFrom
	case action.Proposed:
		if !a.proposed.Leave() {
			a.proposed.Proposals.Stop()
			a.at = action.Home
		}
	case action.Change:
		if !a.change.Leave() {
			a.change.Detail.Stop()
			a.at = action.Home
		}
	case action.Upgrades:
		a.upgrades.Stop()
		a.at = action.Home
	case action.Windows:
		return a.leaveWindows()
	case action.Rollout:
		if r := a.runs[a.runEnv]; !r.page.Leave() {
			a.at = action.Home
			if r.page.Followed {
				a.unfollow(a.runEnv)
				return a.loadStatus(a.runEnv)
			}
		}
	case action.Errors:
		if !a.problems.Leave() {
			a.at = a.errorsFrom
		}
	}
	return nil
}

// quit ends the program; while a run is under way it asks, and while something
// is being written to the forge only ctrl+c quits.
func (a *App) quit(id action.ID) tea.Cmd {
	if a.writing != "" && id != action.Exit {
		a.notice = "still " + a.writing + ": what becomes of it would go untold; ctrl+c quits all the same"
		return nil
	}
	if env, any := a.anyActive(); any {
		a.askQuit(env)
		return nil
	}
	return tea.Quit
}

// answer hands a key to the dialog and acts on what it says.
func (a *App) answer(k tea.KeyPressMsg, id action.ID) tea.Cmd {
	return a.answered(a.question.Key(k, id, a.now()))
}

func (a *App) answered(answer dialog.Answer) tea.Cmd {
	q := a.question
	switch answer {
	case dialog.Cancelled:
		a.closeQuestion()
	case dialog.Confirmed:
		a.closeQuestion()
		return q.confirmed()
	case dialog.Otherwise:
		a.closeQuestion()
		return q.otherwise()
	}
	return nil
}
