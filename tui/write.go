package tui

import (
	"context"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/tui/dialog"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/paint"
)

// wroteMsg comes when something was written to the forge, or could not be.
type wroteMsg struct{ then func() tea.Cmd }

// write does something on the forge in the background. It is not ended when
// its page is left, so that nothing stays half done untold. do returns what
// follows on the UI's goroutine.
func (a *App) write(what string, do func(context.Context) func() tea.Cmd) tea.Cmd {
	a.writing = what
	a.running.Add(1)
	return func() tea.Msg {
		defer a.running.Done()
		return wroteMsg{do(a.ctx)}
	}
}

// result is a dialog that only tells something, and stays until it is closed.
type result struct {
	ok    bool
	title string
	text  []string // paragraphs; "" is a blank line
	url   string
}

// tell shows a result, at once or as soon as the dialog on the screen is gone.
func (a *App) tell(r result) {
	if !r.ok {
		a.keepTold(r)
	}
	spec := dialog.Spec{Cancel: "Close", Title: func(f frame.Frame) string {
		if r.ok {
			return f.Good.Paint(f.Glyph.OK) + " " + f.Bold.Paint(sanitize.Line(r.title))
		}
		return f.Bad.Paint(f.Glyph.Failed) + " " + f.Bold.Paint(sanitize.Line(r.title))
	}}
	spec.Body = func(f frame.Frame, w int) []string {
		var out []string
		for _, text := range r.text {
			for _, l := range strings.Split(sanitize.Text(text), "\n") {
				if l == "" {
					out = append(out, "")
				}
				out = append(out, paint.Wrap(l, w)...)
			}
		}
		if r.url != "" {
			// Broken where the box ends and nowhere else, so that it can be copied.
			out = append(out, "")
			for _, l := range strings.Split(ansi.HardwrapWc(sanitize.Line(r.url), w, false), "\n") {
				out = append(out, f.Accent.Paint(l))
			}
		}
		return out
	}
	a.results = append(a.results, &question{Dialog: dialog.New(spec, a.now())})
	if a.question == nil {
		a.closeQuestion()
	}
}

// closeQuestion takes the dialog off the screen, and shows the next result.
func (a *App) closeQuestion() {
	a.question = nil
	if len(a.results) > 0 {
		a.question, a.results = a.results[0], a.results[1:]
	}
}
