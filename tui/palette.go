package tui

import (
	"cmp"
	"fmt"
	"slices"

	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/prompt"
	"github.com/fairtide-dev/fairtide/tui/words"
)

// command is what the palette finds by its name, and runs.
type command struct {
	prompt.Candidate
	label string // what the footer calls it
	run   func() tea.Cmd
}

// openPalette asks for an action, a page or an environment by name.
func (a *App) openPalette() {
	a.prompt(prompt.Spec{Label: ":", Pick: true, Candidates: a.suggest}, nil, a.command, nil)
}

// suggest lists the commands that a text may mean, the best first.
func (a *App) suggest(text string) []prompt.Candidate {
	type scored struct {
		prompt.Candidate
		score int
	}
	var found []scored
	for _, c := range a.commands() {
		if n := fits(text, c); n > 0 {
			found = append(found, scored{c.Candidate, n})
		}
	}
	slices.SortStableFunc(found, func(x, y scored) int {
		if byScore := cmp.Compare(y.score, x.score); byScore != 0 || text == "" {
			return byScore
		}
		return cmp.Compare(min(1, len(x.Off)), min(1, len(y.Off))) // what can be done comes first
	})
	out := make([]prompt.Candidate, len(found))
	for i, s := range found {
		out[i] = s.Candidate
	}
	return out
}

// fits is how well a command is what a text means: by its key or its name, else
// by what the footer calls it, else by a word of what is said about it.
func fits(text string, c command) int {
	const byKey, inHelp = 190, 30 // of what is said about it, only whole pieces count
	if text != "" && text == c.Key {
		return byKey
	}
	best := 2 * prompt.Match(text, c.Text)
	best = max(best, 2*prompt.Match(text, c.label)-1)
	if n := prompt.Match(text, c.Note); n > inHelp {
		best = max(best, n/2)
	}
	return best
}

// command runs what was chosen, or says that there is no such thing.
func (a *App) command(text string) tea.Cmd {
	a.shipNext = false
	for _, c := range a.commands() {
		if c.Text == text {
			return c.run()
		}
	}
	if text != "" {
		a.notice = fmt.Sprintf("no command is called %q; %s lists what there is", text, a.keyOf(action.ShowHelp, a.at))
	}
	return nil
}

// commands are what can be done from here: the page's actions, those that work
// everywhere, the other pages, and the environments.
func (a *App) commands() []command {
	var out []command
	add := func(act action.Action) {
		switch act.ID {
		case action.Up, action.Down, action.ToEnv, action.Palette, action.Exit:
			return // nobody looks for these by name, or they are here by another
		}
		c := command{label: act.Label, run: func() tea.Cmd { return a.do(act.ID) }}
		c.Text, c.Note, c.Key, c.Off = string(act.ID), act.Help, a.heard(act), a.why(act.ID)
		out = append(out, c)
	}
	for _, act := range a.keys.In(a.at) {
		add(act)
	}
	for _, act := range a.keys.In(action.Everywhere) {
		if own, ok := a.keys.Get(act.ID, a.at); ok && own.Scope == action.Everywhere {
			add(act)
		}
	}
	return append(append(out, a.places()...), a.environments()...)
}

// heard is the key of an action as it is shown, if the page does not use it
// for something else.
func (a *App) heard(act action.Action) string {
	for _, k := range act.Keys {
		if got, ok := a.keys.Resolve(k, a.at, action.Everywhere); ok && got.ID == act.ID {
			return action.Show(k)
		}
	}
	return ""
}

// places are the pages that can be gone to, about the environment that is on
// the screen.
func (a *App) places() []command {
	var out []command
	page := func(scope action.Scope, name string, open action.ID) {
		if scope == a.at {
			return
		}
		c := command{label: name}
		c.Text, c.Note = "go "+name, "to the home page"
		if act, ok := a.keys.Get(open, action.Home); open != "" && ok {
			c.Note, c.Off = act.Help, a.whyOn(action.Home, open)
		}
		env := a.environmentOnScreen()
		c.run = func() tea.Cmd {
			cmd := a.goHome(env)
			if open == "" {
				return cmd
			}
			return tea.Batch(cmd, a.do(open))
		}
		out = append(out, c)
	}
	page(action.Home, "home", "")
	page(action.Review, "review", action.OpenReview)
	page(action.Change, "change", action.OpenChange)
	page(action.Proposed, "proposed", action.OpenProposed)
	page(action.Upgrades, "upgrades", action.OpenUpgrades)
	page(action.Windows, "windows", action.OpenWindows)
	page(action.History, "history", action.OpenHistory)
	page(action.Rollout, "run", action.OpenRun)
	return out
}

// environments are the environments by name.
func (a *App) environments() []command {
	var out []command
	for _, e := range a.home.Environments.Value {
		c := command{run: func() tea.Cmd { return a.goHome(e.Name) }}
		c.Text, c.Note = "env "+sanitize.Line(e.Name), "select it: "+string(e.Tier)
		if p := a.home.Pending(e.Name); p.Loaded {
			c.Note += ", " + words.Count(len(p.Value.Changes), "pending change")
		}
		out = append(out, c)
	}
	return out
}

// goHome leaves whatever is on the screen for the home page, with an
// environment selected if one is named.
func (a *App) goHome(env string) tea.Cmd {
	const deepest = 16 // levels between any page and home
	var cmds []tea.Cmd
	for i := 0; i < deepest && a.at != action.Home; i++ {
		cmds = append(cmds, a.back())
	}
	for i, e := range a.home.Environments.Value {
		if e.Name == env {
			a.home.SelectPlace(i + 1)
		}
	}
	return tea.Batch(append(cmds, a.followHome())...)
}
