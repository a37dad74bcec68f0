package tui

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/words"
)

const (
	// coarse is how often ages are drawn anew, and the clusters are read
	// again on the home page, when nothing else moves.
	coarse = time.Minute

	// fine is the pace while seconds are on the screen.
	fine = time.Second
)

// clock wakes the UI when what it shows grows old, and not more often.
type clock struct {
	every time.Duration // of the tick that is under way; 0: none
	gen   int
}

type tickMsg struct{ gen int }

// schedule makes sure that a tick of the right pace is under way.
func (a *App) schedule() tea.Cmd {
	want := coarse
	if a.hurried() {
		want = fine
	}
	if want == a.clock.every {
		return nil
	}
	a.clock.every = want
	a.clock.gen++
	gen := a.clock.gen
	return tea.Tick(want, func(time.Time) tea.Msg { return tickMsg{gen} })
}

// hurried reports whether seconds are on the screen: of a run, or of a window
// that is about to change.
func (a *App) hurried() bool {
	env := a.environmentOnScreen()
	if r := a.runs[env]; a.at == action.Rollout && r != nil && !r.page.Done() && !r.page.Armed() {
		return true
	}
	if !a.home.Environments.Loaded && a.home.Environments.Busy() && a.cfg.Progress() != "" {
		return true
	}
	w := a.onScreen().state
	if w == nil {
		return false
	}
	for _, at := range []time.Time{w.Until, w.NextOpen} {
		if left := at.Sub(a.clusterNow(env)); left > 0 && left < words.Near {
			return true
		}
	}
	return false
}

func (a *App) environmentOnScreen() string {
	switch a.at {
	case action.Review:
		return a.review.Environment.Name
	case action.History:
		return a.history.Environment.Name
	case action.Reverting:
		return a.revert.Environment.Name
	case action.Proposed:
		return a.proposed.Environment.Name
	case action.Change:
		return a.change.Environment.Name
	case action.Upgrades:
		return a.upgrades.Environment.Name
	case action.Windows:
		env, _ := a.windows.Environment()
		return env.Name
	case action.Rollout:
		return a.runEnv
	case action.Errors:
		return ""
	}
	env, _ := a.home.Environment()
	return env.Name
}

func (a *App) tick(msg tickMsg) (cmd tea.Cmd, changed bool) {
	if msg.gen != a.clock.gen {
		return nil, false
	}
	a.clock.every = 0
	env := a.environmentOnScreen()
	if w := a.window(env); w != nil && !w.Until.IsZero() && !w.Until.After(a.clusterNow(env)) && !a.home.Status(env).Busy() {
		return a.loadStatus(env), true // the window has just changed
	}
	if a.at == action.Home && a.now().Sub(a.lastRead) >= coarse && !a.home.Environments.Busy() {
		return a.loadStatuses(), true
	}
	return nil, true
}
