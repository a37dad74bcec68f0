package tui

import (
	"fmt"

	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/rollout"
)

// planReading and its like are why something cannot be done just now.
const (
	planReading  = "the plan is still being read"
	commitMaking = "the commit is being made"
	readOnly     = "fairtide was started with --read-only: nothing is "
)

// why is why an action of the page on the screen cannot be carried out as
// things are; empty: it can. The palette, the help page, the footer and key
// presses all ask here.
func (a *App) why(id action.ID) string { return a.whyOn(a.at, id) }

// whyOn is why, as if the page were on the screen.
func (a *App) whyOn(page action.Scope, id action.ID) string {
	if why := a.whyTerminal(page, id); why != "" {
		return why
	}
	switch page {
	case action.Home:
		return a.whyHome(id)
	case action.Review:
		return a.whyReview(id)
	case action.Rollout:
		return a.whyRollout(id)
	case action.History:
		return a.whyHistory(id)
	case action.Reverting:
		if id == action.MakeDraft {
			return a.whyRevertDraft()
		}
	case action.Proposed:
		return a.whyProposed(id)
	case action.Upgrades:
		if id == action.MakeDraft && a.upgrades.Draft.Busy() {
			return commitMaking
		}
	}
	return ""
}

func (a *App) whyHome(id action.ID) string {
	env, ok := a.home.Environment()
	switch id {
	case action.OpenReview, action.Ship, action.OpenRun, action.OpenProposed, action.Revert,
		action.OpenUpgrades, action.OpenChange, action.OpenHistory:
		if !ok {
			return a.whyNoEnvironment()
		}
	}
	switch id {
	case action.OpenReview, action.Ship:
		switch {
		case id == action.Ship && a.cfg.ReadOnly:
			return readOnly + "applied"
		case a.active(env.Name):
			return a.underWay(env.Name) + "; " + a.keyOf(action.OpenRun, action.Home) + " shows it"
		}
	case action.OpenRun:
		_, interrupted := a.home.Interrupted[env.Name]
		if a.runs[env.Name] == nil && !interrupted && !a.heldElsewhere(env.Name) {
			return "no run was started here in " + env.Name + "; " + a.keyOf(action.OpenHistory, action.Home) + " shows its history"
		}
	case action.Resume:
		return a.whyResume()
	case action.OpenChange:
		if _, ok := a.home.Change(); !ok {
			return "no change is selected: nothing is pending here"
		}
	case action.Revert:
		return a.whyRevertHome(env)
	}
	return ""
}

func (a *App) whyNoEnvironment() string {
	switch s := &a.home.Environments; {
	case s.Busy():
		return "the environments are still being read"
	case s.Err != nil:
		return "the environments could not be read: " + a.keyOf(action.Refresh, action.Home) + " tries once more"
	}
	return "there is no environment"
}

// whyRevertHome is why there is nothing to take back in an environment: neither
// a selected change nor a last run.
func (a *App) whyRevertHome(env model.Environment) string {
	if _, ok := a.home.Change(); ok {
		return ""
	}
	st := a.home.Status(env.Name)
	switch {
	case !a.home.Pending(env.Name).Loaded || !st.Loaded:
		return "what is pending in " + env.Name + " is not read yet"
	case st.Value.LastRun == nil:
		return "fairtide has deployed nothing in " + env.Name + ": there is nothing to revert"
	}
	return ""
}

func (a *App) whyReview(id action.ID) string {
	p := a.review
	switch id {
	case action.Publish:
		if p.Draft == nil {
			return a.keyOf(id, action.Review) + " opens the pull request of a revert, an upgrade or an adoption; this is none of them"
		}
		return a.whyPublish()
	case action.Ship:
		if p.Draft != nil {
			return a.whyPublish()
		}
		return a.whyShip()
	case action.KeepLive:
		return a.whyKeep()
	case action.Replace:
		return a.whyReplace()
	case action.Search, action.Take, action.EditSource, action.OpenSource:
		return a.whyTool(id)
	case action.OpenDiff, action.Reviewed, action.NextUnreviewed, action.AcceptAlike, action.GroupBy, action.Filter,
		action.Lens, action.Hidden, action.Unchanged:
		if p.Plan.Value == nil {
			return a.whyNoPlan()
		}
	}
	return p.Why(id)
}

// whyNoPlan is why the plan on the review page is not what could be applied:
// it is still to be read, or could not be.
func (a *App) whyNoPlan() string {
	p := &a.review.Plan
	switch again := a.keyOf(action.Refresh, action.Review); {
	case p.Busy():
		return planReading
	case p.Err != nil && p.Value == nil:
		return "the plan could not be read: " + again + " tries once more"
	case p.Err != nil:
		return "the plan could not be read again: " + again + " tries once more"
	case p.Value == nil:
		return planReading
	}
	return ""
}

// whyShip is why the plan on the review page cannot be confirmed. What the
// confirm itself refuses, such as a closed window, it says in full.
func (a *App) whyShip() string {
	p := a.review
	switch {
	case p.Past != nil:
		return whyPast
	case p.Proposed != nil:
		return "it is not merged, so there is nothing to ship: " + a.keyOf(action.Back, action.Review) + ", then " +
			a.keyOf(action.Merge, action.Proposed) + " merges it"
	case a.cfg.ReadOnly:
		return readOnly + "applied"
	case a.active(p.Environment.Name):
		return a.underWay(p.Environment.Name)
	}
	return a.whyNoPlan()
}

func (a *App) whyPublish() string {
	p := a.review
	switch {
	case a.cfg.ReadOnly:
		return readOnly + "pushed"
	case a.writing != "":
		return "still " + a.writing
	case p.Plan.Busy():
		return "the commit is being made again"
	case p.Plan.Err != nil:
		return "the commit could not be made again: " + a.keyOf(action.Refresh, action.Review) + " tries once more"
	}
	return ""
}

func (a *App) whyKeep() string {
	p := a.review
	switch {
	case p.Past != nil:
		return whyPast
	case p.Plan.Value == nil || p.Plan.Busy():
		return planReading
	case a.adopt.Busy():
		return commitMaking
	case len(p.LiveEdits()) == 0 && len(p.Kept()) == 0:
		return "nobody is known to have changed this object live in a way that applying would take back"
	}
	return ""
}

func (a *App) whyReplace() string {
	p := a.review
	o, ok := p.Planned()
	switch {
	case p.Past != nil:
		return whyPast
	case p.Plan.Value == nil || p.Plan.Busy():
		return planReading
	case !ok || o.Verdict != model.VerdictReplace:
		return "this object can be changed as it is: nothing has to be deleted for it"
	case p.Draft != nil || p.Proposed != nil:
		return "it is not merged, so nothing is replaced; when it is shipped, " + a.keyOf(action.Replace, action.Review) + " allows it"
	case !p.MustReplace(o) && !p.Replace:
		return "the environment's policy allows to replace it: replace.allowed in its configuration"
	}
	return ""
}

func (a *App) whyRollout(id action.ID) string {
	r := a.runs[a.runEnv].page
	switch {
	case id == action.Abort && r.Done():
		return "the run has ended"
	case id == action.Abort && r.Aborting:
		return "the run is being aborted"
	case id == action.Again && !r.Done():
		return "the run is still under way"
	case id == action.Revert && !r.Failed() && !r.Doomed():
		return a.keyOf(id, action.Rollout) + " reverts a run that has failed; " + a.keyOf(action.OpenHistory, action.Rollout) + " lists every run"
	case id == action.Resume && r.Done() && !r.Interrupted():
		return "the run was not interrupted: it has ended"
	case id == action.Resume:
		return a.whyResume()
	case id == action.Pause:
		return whyPause(r)
	case id == action.RollBack:
		return whyRollBack(r)
	}
	return a.whyPane(r, id)
}

func whyPause(r *rollout.Page) string {
	switch {
	case r.Done():
		return "the run has ended"
	case r.Armed():
		return "the run has not begun"
	case r.Followed:
		return "only whoever carries the run out can hold it up"
	case r.LastWave() && !r.Paused():
		return "the last wave is under way: there is none to hold up"
	}
	return ""
}

func whyRollBack(r *rollout.Page) string {
	switch {
	case !r.Done():
		return "the run is still under way"
	case !r.Failed():
		return "there is nothing to roll back: the run did not fail"
	case r.From() == "":
		return "nothing was live before the run: there is nothing to roll back to"
	case r.From() == r.Commit():
		return "the same commit was live before the run"
	}
	return ""
}

// whyPane is why nothing can be shown of what is behind an object.
func (a *App) whyPane(r *rollout.Page, id action.ID) string {
	switch id {
	case action.OpenTree, action.OpenLog:
		if _, ok := r.Selected(); !ok && r.Pane() == nil {
			return "only an object has pods: select one"
		}
		if r.Armed() {
			return "nothing has been applied yet"
		}
	case action.PrevLog:
		if r.Pane() == nil || !r.Logs() {
			return a.keyOf(action.OpenLog, action.Rollout) + " shows a log first"
		}
		if !r.HasEarlier() {
			return "this container has not run before"
		}
	}
	return ""
}

func (a *App) whyRevertDraft() string {
	switch {
	case a.revert.Draft.Busy():
		return commitMaking
	case !a.revert.Any():
		return "there is nothing to revert"
	}
	return ""
}

func (a *App) whyProposed(id action.ID) string {
	p := a.proposed
	pr, ok := p.Selected()
	switch {
	case id != action.OpenReview && id != action.Merge:
		return ""
	case id == action.Merge && a.cfg.ReadOnly:
		return readOnly + "merged"
	case id == action.Merge && a.writing != "":
		return "still " + a.writing
	case !ok:
		return "no pull request is selected"
	case id == action.OpenReview && pr.Problem != "":
		return fmt.Sprintf("#%d could not be rendered, see its detail", pr.Number)
	case id == action.Merge && p.Proposals.Busy():
		return "the pull requests are still being read"
	case id == action.Merge && p.Proposals.Err != nil:
		return "the pull requests could not be read again: " + a.keyOf(action.Refresh, action.Proposed) + " tries once more"
	}
	return ""
}

// keyOf is the key of an action as it is shown; without one, how the palette
// finds it.
func (a *App) keyOf(id action.ID, scope action.Scope) string {
	return frame.Frame{Keys: a.keys}.Key(id, scope)
}
