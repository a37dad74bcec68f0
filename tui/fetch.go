package tui

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/paint"
	"github.com/fairtide-dev/fairtide/tui/words"
)

// fetched is the answer of a fetch: how fresh what is known is comes along with
// an error too.
type fetched struct {
	model.Fetch
	err error
}

// fetchMsg comes when the remote is to be asked again.
type fetchMsg struct{ gen int }

// loadFetch asks the remote for news in the background. The lists are read
// again only when something has moved.
func (a *App) loadFetch() tea.Cmd {
	return loadQuietly(a, &a.fetch, func(ctx context.Context) (fetched, error) {
		f, err := a.cfg.Backend.Fetch(ctx)
		return fetched{f, err}, nil
	}, func() tea.Cmd {
		f := a.fetch.Value
		switch {
		case f.err == nil:
			a.offline = time.Time{}
		case a.offline.IsZero():
			a.offline = a.now()
		}
		cmd := a.fetchLater(f.Every)
		if f.Moved {
			cmd = tea.Batch(cmd, a.loadHome())
		}
		return cmd
	})
}

// fetchLater makes the next fetch due, and any that was due before not.
func (a *App) fetchLater(every time.Duration) tea.Cmd {
	a.fetchGen++
	if every <= 0 {
		if a.fetch.Value.err == nil || a.fetch.Value.Remote {
			return nil
		}
		every = model.DefaultFetchEvery // the repository could not even be opened
	}
	gen := a.fetchGen
	return tea.Tick(every, func(time.Time) tea.Msg { return fetchMsg{gen} })
}

func (a *App) fetchDue(msg fetchMsg) tea.Cmd {
	if msg.gen != a.fetchGen || a.fetch.Busy() {
		return nil
	}
	return a.loadFetch()
}

// age says how old what is shown of Git is; empty when that does not matter.
func (a *App) age() string {
	f := a.fetch.Value
	switch {
	case !f.Remote:
		return ""
	case f.At.IsZero():
		return "never fetched"
	}
	return "fetched " + words.Ago(a.now().Sub(f.At))
}

// offlineLines say since when the remote does not answer, and why; none when it
// does.
func (a *App) offlineLines(f frame.Frame) []string {
	// While there is nothing to show, the page itself says why.
	if a.offline.IsZero() || !a.home.Environments.Loaded {
		return nil
	}
	const most = 2
	text := "offline since " + words.Clock(a.offline, f.Now) + ", " + a.age() + ": " + sanitize.Line(a.fetch.Value.err.Error())
	lines := paint.Wrap(text, f.W-5)
	if len(lines) > most {
		lines = lines[:most]
		lines[most-1] = paint.Cut(lines[most-1]+f.Glyph.Ellipsis+" ", f.W-5)
	}
	var out []string
	for i, l := range lines {
		mark := "   "
		if i == 0 {
			mark = " " + f.Warn.Paint(f.Glyph.Risk) + " "
		}
		out = append(out, mark+f.Warn.Paint(l))
	}
	return out
}
