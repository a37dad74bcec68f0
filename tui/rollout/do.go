package rollout

import (
	"slices"

	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
)

// Do carries out a movement, or opens and closes what is behind an object. It
// reports whether the page knows the action.
func (p *Page) Do(id action.ID) bool {
	switch id {
	case action.OpenTree:
		p.openTree()
		return true
	case action.OpenLog:
		p.openLog()
		return true
	case action.PrevLog:
		p.pane.earlier()
		return true
	case action.NextPane, action.PrevPane:
		if p.pane != nil {
			p.pane.focus = !p.pane.focus
		}
		return true
	}
	if p.pane != nil && p.pane.focus {
		return p.pane.do(id)
	}
	const page = 10
	switch id {
	case action.Down:
		p.rows.Move(1)
	case action.Up:
		p.rows.Move(-1)
	case action.PageDown:
		p.rows.Move(page)
	case action.PageUp:
		p.rows.Move(-page)
	case action.Top:
		p.rows.Top()
	case action.Bottom:
		p.rows.Bottom()
	default:
		return false
	}
	p.moved = true
	p.retarget()
	return true
}

// Leave goes one level up inside the page. It reports whether there was one.
func (p *Page) Leave() bool {
	if p.pane == nil {
		return false
	}
	p.pane = nil
	return true
}

// Selected is the object that the cursor is on.
func (p *Page) Selected() (model.ObjectID, bool) {
	k, ok := p.rows.Selected()
	return k.id, ok && k.test == "" && p.objects[k.id] != nil
}

// Hints are the footer's actions, the most wanted first. Only whoever carries
// the run out can hold it up.
func (p *Page) Hints() []action.ID {
	out := p.hints()
	if p.Followed {
		out = slices.DeleteFunc(out, func(id action.ID) bool { return id == action.Pause })
	}
	return out
}

func (p *Page) hints() []action.ID {
	if p.pane != nil {
		out := []action.ID{action.OpenLog, action.Back}
		if p.pane.hasEarlier() {
			out = append(out, action.PrevLog)
		}
		out = append(out, action.NextPane)
		if p.Doomed() || p.Failed() {
			out = append(out, action.Revert)
		}
		if !p.Done() {
			out = append(out, action.Abort)
		}
		return out
	}
	switch {
	case p.Armed():
		return []action.ID{action.Abort, action.Back}
	case !p.Done() && p.Doomed():
		return []action.ID{action.Revert, action.OpenTree, action.OpenLog, action.Abort, action.Pause, action.Back}
	case !p.Done() && p.Paused():
		return []action.ID{action.Pause, action.OpenTree, action.OpenLog, action.Abort, action.Back}
	case !p.Done():
		return []action.ID{action.OpenTree, action.OpenLog, action.Pause, action.Abort, action.Back}
	case p.state == model.RunSucceeded:
		return []action.ID{action.Back, action.OpenHistory, action.OpenTree, action.OpenLog}
	case p.Interrupted():
		return []action.ID{action.Resume, action.OpenTree, action.OpenLog, action.Revert, action.OpenHistory, action.Back}
	case p.Failed():
		return []action.ID{action.Revert, action.RollBack, action.Again, action.OpenTree, action.OpenLog, action.OpenHistory, action.Back}
	}
	return []action.ID{action.Back, action.Again, action.OpenHistory}
}

// Interrupted reports whether the run stopped without an end: it can be resumed.
func (p *Page) Interrupted() bool {
	return p.Done() && p.state == model.RunInterrupted && p.run.ID != ""
}

// Stop ends the page of a run that is only known by its record.
func (p *Page) Stop(run model.Run) {
	p.ended = run.FinishedAt
	if p.ended.IsZero() {
		p.ended = p.lastNews()
	}
	p.state = run.State
	for _, o := range p.objects {
		o.left = o.state == model.ReadinessWaiting
	}
	p.fill()
}
