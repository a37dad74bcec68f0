package tui

import (
	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/prompt"
	"github.com/fairtide-dev/fairtide/tui/windows"
)

// openWindows shows the week of all environments, with home's selected.
func (a *App) openWindows() tea.Cmd {
	env, _ := a.home.Environment()
	a.windows, a.at = windows.New(&a.home.Environments, a.home.Status, env.Name), action.Windows
	return nil
}

func (a *App) doWindows(id action.ID) tea.Cmd {
	if id == action.WhatIf {
		a.askWhatIf()
		return nil
	}
	a.windows.Do(id, a.now())
	a.home.SelectPlace(a.windows.Place())
	return nil
}

// askWhatIf lets a time be typed, with the answer on the screen all the while.
func (a *App) askWhatIf() {
	p := a.windows
	if _, ok := p.Environment(); !ok {
		a.notice = "there is no environment to ask about"
		return
	}
	p.Ask()
	spec := prompt.Spec{Label: "what if", Aside: func() string { return p.Answer(a.now()) }}
	a.prompt(spec, func(text string) tea.Cmd {
		p.Try(text, a.now())
		return nil
	}, func(text string) tea.Cmd {
		a.notice = p.Keep(text, a.now())
		return nil
	}, func() tea.Cmd {
		p.Drop()
		return nil
	})
}

// leaveWindows goes back to the home page, with the environment selected that
// was looked at.
func (a *App) leaveWindows() tea.Cmd {
	if a.windows.Leave() {
		return nil
	}
	a.home.SelectPlace(a.windows.Place())
	a.at = action.Home
	return a.followHome()
}
