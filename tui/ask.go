package tui

import (
	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/tui/dialog"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/paint"
)

// askAbort asks whether a run shall stop.
func (a *App) askAbort(r *run) {
	env := r.page.Environment.Name
	a.askAboutRun(env, "Abort the run in "+env+"?", "Go on", "Abort", func() tea.Cmd {
		a.abort(env)
		return nil
	})
}

// askQuit asks whether to quit although a run is under way.
func (a *App) askQuit(env string) {
	a.askAboutRun(env, "A run is under way in "+env+". Quit?", "Stay", "Abort and quit", func() tea.Cmd {
		a.leaving = true
		for name := range a.runs {
			a.abort(name)
		}
		return nil
	})
}

func (a *App) askAboutRun(env, title, cancel, confirm string, confirmed func() tea.Cmd) {
	spec := dialog.Spec{
		Title: func(f frame.Frame) string { return f.Bold.Paint(sanitize.Line(title)) },
		Body: func(f frame.Frame, w int) []string {
			r := a.runs[env]
			out := []string{r.page.Words(), ""}
			return append(out, paint.Wrap("Aborting starts no new write. What has been applied stays as it is, "+
				"the record says how far the run came, and the lock is freed.", w)...)
		},
		Cancel: cancel, Confirm: confirm, Danger: true,
	}
	a.question = &question{Dialog: dialog.New(spec, a.now()), confirmed: confirmed, run: env}
}
