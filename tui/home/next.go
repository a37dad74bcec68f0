package home

import (
	"fmt"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/slot"
	"github.com/fairtide-dev/fairtide/tui/words"
)

// next is what most people want to do now with an environment, and why, in
// words that follow the action's name.
func (p *Page) next(env model.Environment) (id action.ID, why string) {
	st, pe := p.Status(env.Name), p.Pending(env.Name)
	c, any := p.Change()
	run, running := p.Running[env.Name]
	switch {
	case running && run.Armed:
		return action.OpenRun, "look at the run that waits for the window"
	case running && !run.State.Final():
		return action.OpenRun, "look at the run that is under way"
	case p.elsewhere(env.Name):
		return action.OpenRun, "watch " + sanitize.Line(st.Value.Lock.Holder) + "'s run"
	case p.interrupted(env.Name):
		return action.Resume, "resume " + sanitize.Line(p.Interrupted[env.Name].ID) + ", which was interrupted"
	case st.Err != nil && !st.Loaded:
		return action.Refresh, "ask the cluster again"
	case !any && st.Value.Adopt:
		return action.OpenReview, "see what taking it over would change"
	case any:
		shipped, newer := p.Shipped(env.Name, c.Commit)
		what := words.Count(len(shipped), "change")
		if newer > 0 {
			what = fmt.Sprintf("%d of %d changes", len(shipped), len(shipped)+newer)
		}
		return action.OpenReview, "review " + what + afterwards(st)
	case p.query != "" && len(pe.Value.Changes) > 0:
		return action.Back, "take the filter away: it hides every change"
	case st.Value.LastRun != nil && st.Value.LastRun.State.Final() && st.Value.LastRun.State != model.RunSucceeded:
		return action.OpenHistory, "see why " + sanitize.Line(st.Value.LastRun.ID) + " " + string(st.Value.LastRun.State)
	case !pe.Loaded || !st.Loaded:
		return action.OpenReview, ""
	}
	return action.OpenProposed, "see what is proposed: everything merged is live"
}

// afterwards says what stands in the way of shipping what was reviewed.
func afterwards(s *slot.Slot[model.EnvironmentStatus]) string {
	st := s.Value
	switch {
	case st.Window != nil && !st.Window.Open:
		return "; the window is closed"
	case st.Window != nil:
		return ", then ship"
	}
	return ""
}
