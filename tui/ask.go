package tui

import (
	"fmt"

	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/tui/dialog"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/paint"
	"github.com/fairtide-dev/fairtide/tui/words"
)

// askAbort asks whether a run shall stop.
func (a *App) askAbort(r *run) {
	env := r.page.Environment.Name
	if r.page.Armed() {
		a.askAboutRun(env, "Cancel the armed run in "+env+"?", "Keep waiting", "Cancel it", func() tea.Cmd {
			a.abort(env)
			return nil
		})
		return
	}
	if r.page.Followed {
		a.askAbortElsewhere(r)
		return
	}
	a.askAboutRun(env, "Abort the run in "+env+"?", "Go on", "Abort", func() tea.Cmd {
		a.abort(env)
		return nil
	})
}

// askQuit asks whether to quit although a run is under way.
func (a *App) askQuit(env string) {
	title, confirm := "A run is under way in "+env+". Quit?", "Abort and quit"
	if a.runs[env].page.Armed() {
		title, confirm = "A run in "+env+" waits for its window. Quit?", "Cancel it and quit"
	}
	a.askAboutRun(env, title, "Stay", confirm, func() tea.Cmd {
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
			if r.page.Armed() {
				return append([]string{r.page.Words(a.clusterNow(env)), ""}, paint.Wrap("Nothing has been written yet, and nothing will be then: the run does not start by itself any more.", w)...)
			}
			done, all := r.page.Tally() // one line, so that the buttons stay where they are
			far := fmt.Sprintf("%d of %s written; %s.", done, words.Count(all, "object"), r.page.Words(a.clusterNow(env)))
			return append([]string{paint.Cut(far, w), ""}, paint.Wrap("Aborting starts no new write. What has been applied stays as it is, "+
				"the record says how far the run came, and the lock is freed.", w)...)
		},
		Cancel: cancel, Confirm: confirm, Danger: true,
	}
	a.question = &question{Dialog: dialog.New(spec, a.now()), confirmed: confirmed, run: env}
}
