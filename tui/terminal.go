package tui

import (
	"fmt"
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/paint"
	"github.com/fairtide-dev/fairtide/tui/words"
)

// glance is how old what is on the screen may be when the operator comes back
// to it.
const glance = 5 * time.Second

// title is the terminal window's: where one is, and how that stands. A run
// under way counts more than the page, as one looks at titles from elsewhere.
func (a *App) title() string {
	env, state := a.environmentOnScreen(), a.pageState()
	if name, any := a.anyActive(); any {
		if env = name; a.active(a.environmentOnScreen()) {
			env = a.environmentOnScreen()
		}
		state = a.runState(env)
	}
	title := "fairtide"
	if env != "" {
		title += " " + sanitize.Line(env)
	}
	if state != "" {
		title += " " + state
	}
	if a.cfg.ASCII {
		return paint.ASCII(title)
	}
	return title
}

// runState is how a run under way stands in a few words, for the title.
func (a *App) runState(env string) string {
	switch page, g := a.runs[env].page, a.theme.Glyph; {
	case page.Armed():
		return g.Armed + " armed, " + page.Opens(a.clusterNow(env))
	case page.Failing():
		return g.Failed + " failing"
	case page.Paused():
		return g.Armed + " paused"
	default:
		return g.Busy + " rolling out"
	}
}

// pageState is how the page stands in a few words, for the title.
func (a *App) pageState() string {
	g := a.theme.Glyph
	switch a.at {
	case action.Home:
		env, ok := a.home.Environment()
		st := a.home.Status(env.Name)
		switch {
		case !ok || !st.Loaded && st.Err == nil:
			return ""
		case st.Err != nil || st.Value.Problem != "":
			return g.Risk + " unreachable"
		case st.Value.Pending > 0:
			return fmt.Sprintf("%s %d pending", g.Dot, st.Value.Pending)
		}
		return g.OK + " up to date"
	case action.Rollout:
		page := a.runs[a.runEnv].page
		if !page.Done() {
			return a.runState(a.runEnv)
		}
		glyph, _ := a.theme.Run(page.State())
		return glyph + " " + string(page.State())
	case action.Errors:
		return g.Risk + " problems"
	}
	return g.Dot + " " + string(a.at)
}

// progress is the terminal's own progress bar, for a run under way.
func (a *App) progress() *tea.ProgressBar {
	env, any := a.anyActive()
	if !any && a.at == action.Rollout && a.active(a.runEnv) {
		env, any = a.runEnv, true
	}
	if !any {
		return nil
	}
	page := a.runs[env].page
	if page.Armed() {
		return nil
	}
	state := tea.ProgressBarDefault
	if page.Failing() {
		state = tea.ProgressBarError
	}
	return tea.NewProgressBar(state, page.Percent())
}

// whyTerminal is why an action on the terminal, or on what the App draws
// around the pages, cannot be carried out. A run under way would stop halfway
// with a program that is suspended.
func (a *App) whyTerminal(page action.Scope, id action.ID) string {
	switch id {
	case action.Suspend:
		if env, any := a.anyActive(); any && a.runs[env].page.Armed() {
			return "the run in " + env + " waits for its window, and would not start: it has to be cancelled first"
		} else if any {
			return "a run is under way in " + env + ", and would stop halfway: it has to end first, or be aborted"
		}
		if a.writing != "" {
			return "still " + a.writing
		}
	case action.Narrower, action.Wider:
		if page == a.at && a.drawn.split == 0 {
			return "there is no divider here to move"
		}
	case action.Dismiss, action.DismissAll:
		if a.log.count() == 0 {
			return "there is no problem to dismiss"
		}
	}
	return ""
}

// resumed is called when the program runs again: what is on the screen is of
// before, and the terminal may be another one.
func (a *App) resumed() tea.Cmd {
	a.mouse = mouse{off: a.mouse.off}
	return tea.Batch(tea.RequestBackgroundColor, a.loadFetchAgain(), a.reread(0))
}

// focused is called when the operator comes back to the window.
func (a *App) focused() tea.Cmd {
	if a.at == action.Review && a.review.Unwatched == "" {
		return nil // it is kept current
	}
	return a.reread(glance)
}

func (a *App) loadFetchAgain() tea.Cmd {
	if a.fetch.Busy() {
		return nil
	}
	return a.loadFetch()
}

// reread reads again what the page shows if it is older than age. What takes a
// commit, or questions to the forge and to registries, is left to the operator.
func (a *App) reread(age time.Duration) tea.Cmd {
	old := func(busy, loaded bool, at time.Time) bool { return !busy && loaded && a.now().Sub(at) >= age }
	switch a.at {
	case action.Home:
		if s := &a.home.Environments; old(s.Busy(), s.Loaded, a.lastRead) {
			return a.loadStatuses()
		}
	case action.Review:
		p := a.review
		if p.Draft == nil && old(p.Plan.Busy(), p.Plan.Loaded, p.Plan.At) {
			return a.replan(p)
		}
	case action.History:
		if s := &a.history.Runs; old(s.Busy(), s.Loaded, s.At) {
			return tea.Batch(a.loadHistory(a.history), a.loadStatus(a.history.Environment.Name))
		}
	}
	if env := a.environmentOnScreen(); env != "" {
		if s := a.home.Status(env); old(s.Busy(), s.Loaded, s.At) {
			return a.loadStatus(env)
		}
	}
	return nil
}

// anyActive is an environment in which a run is under way: always the same one
// while it lasts, and one that waits for its window only if there is no other.
func (a *App) anyActive() (string, bool) {
	var found, armed []string
	for env, r := range a.runs {
		switch {
		case !a.active(env), r.page.Followed: // that one goes on without this program
		case r.page.Armed():
			armed = append(armed, env)
		default:
			found = append(found, env)
		}
	}
	if len(found) == 0 {
		found = armed
	}
	if len(found) == 0 {
		return "", false
	}
	return slices.Min(found), true
}

// marks are what the header says beside the page's own: which run waits for its
// window, that the mouse is the terminal's, what went wrong and was not
// dismissed, and where windows are told that this computer's clock is off.
func (a *App) marks(w int) (text string, targets []target) {
	add := func(s string, id action.ID) {
		a.aim(&targets, paint.Width(text), paint.Width(s), id, a.at)
		text += s + "  "
	}
	text += a.armedMark(w)
	if a.mouse.off {
		add("mouse off", action.Mouse)
	}
	if skew := a.home.Status(a.environmentOnScreen()).Value.Skew.Abs(); skew > frame.Skewed && (a.at == action.Home || a.at == action.Windows) {
		text += fmt.Sprintf("%s clock off %s  ", a.theme.Glyph.Risk, words.Age(skew))
	}
	if n := a.log.count(); n > 0 && a.at != action.Errors {
		const roomy = 100
		s := fmt.Sprintf("%s %d", a.theme.Glyph.Risk, n)
		switch {
		case w >= roomy && n == 1:
			s += " problem"
		case w >= roomy:
			s += " problems"
		}
		add(s, action.Problems)
	}
	return text, targets
}

// armedMark says on every other page that a run waits for its window.
func (a *App) armedMark(w int) string {
	var envs []string
	for env, r := range a.runs {
		if r.page.Armed() && (a.at != action.Rollout || a.runEnv != env) {
			envs = append(envs, env)
		}
	}
	if len(envs) == 0 {
		return ""
	}
	env := slices.Min(envs)
	out := a.theme.Glyph.Armed + " "
	const roomy = 100
	if env != a.environmentOnScreen() {
		out += sanitize.Line(env) + " "
	}
	out += "armed"
	if w >= roomy {
		out += ", " + a.runs[env].page.Opens(a.clusterNow(env))
	}
	if n := len(envs) - 1; n > 0 {
		out += fmt.Sprintf(" +%d", n)
	}
	return out + "  "
}
