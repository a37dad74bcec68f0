package tui

import (
	tea "charm.land/bubbletea/v2"

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
		a.home.SelectPlace(int(name[0] - '0'))
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
	case action.Abort, action.Again, action.OpenReview, action.OpenDiff, action.Back, action.Quit, action.Exit,
		action.Revert, action.OpenProposed, action.OpenUpgrades, action.OpenChange, action.MakeDraft, action.KeepLive:
		return true
	}
	return act.Writes
}

// do carries out an action.
func (a *App) do(id action.ID) tea.Cmd {
	switch id {
	case action.Quit, action.Exit:
		return a.quit(id)
	case action.ShowHelp:
		a.help = &helpPage{scope: a.at}
		return nil
	case action.Refresh:
		return a.refresh()
	case action.Back:
		a.back()
		return nil
	case action.OpenHistory:
		return a.openHistory()
	case action.Revert:
		return a.openRevert()
	}
	switch a.at {
	case action.Review:
		return a.doReview(id)
	case action.Rollout:
		return a.doRollout(id)
	case action.History:
		a.history.Do(id)
		return nil
	case action.Reverting:
		return a.doRevert(id)
	case action.Proposed:
		return a.doProposed(id)
	case action.Upgrades:
		return a.doUpgrades(id)
	case action.Change:
		cmd, note := a.change.Do(id)
		a.notice = note
		return cmd
	}
	return a.doHome(id)
}

func (a *App) doHome(id action.ID) tea.Cmd {
	switch id {
	case action.OpenReview:
		return a.openReview(false)
	case action.Ship:
		return a.openReview(true)
	case action.OpenRun:
		env, _ := a.home.Environment()
		if a.runs[env.Name] == nil {
			a.notice = "no run was started here in " + env.Name + "; h shows its history"
			return nil
		}
		a.at, a.runEnv = action.Rollout, env.Name
		return nil
	case action.OpenProposed:
		return a.openProposed()
	case action.OpenUpgrades:
		return a.openUpgrades()
	case action.OpenChange:
		return a.openChange()
	}
	a.home.Do(id)
	return a.followHome()
}

func (a *App) doReview(id action.ID) tea.Cmd {
	p := a.review
	switch {
	case p.Draft != nil && (id == action.Ship || id == action.Publish):
		return a.askPublish()
	case id == action.Publish:
		a.notice = "o opens the pull request of a revert or an upgrade; this is neither"
		return nil
	case id == action.Ship && p.Proposed != nil:
		a.notice = "it is not merged, so there is nothing to ship: esc, then M merges it"
		return nil
	case id == action.Ship:
		return a.ship()
	case id == action.KeepLive:
		return a.askKeep()
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
		if !r.page.Done() {
			a.notice = "the run is still under way"
			return nil
		}
		return a.show(reviewAgain(r))
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
	if a.active(env.Name) {
		a.notice = "a run is under way in " + env.Name + "; r shows it"
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
	return a.loadPlan(p)
}

// openChange shows the selected change in full.
func (a *App) openChange() tea.Cmd {
	env, _ := a.home.Environment()
	c, ok := a.home.Change()
	if !ok {
		a.notice = "no change is selected: nothing is pending here"
		return nil
	}
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
func (a *App) back() {
	switch a.at {
	case action.Home:
		a.home.Leave()
	case action.Review:
		if !a.review.Leave() {
			a.review.Plan.Stop()
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
	case action.Rollout:
		a.at = action.Home
	}
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
	q := a.question
	switch q.Key(k, id, a.now()) {
	case dialog.Cancelled:
		a.closeQuestion()
	case dialog.Confirmed:
		a.closeQuestion()
		return q.confirmed()
	}
	return nil
}
