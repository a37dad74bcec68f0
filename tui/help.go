package tui

import (
	"fmt"
	"strings"

	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/dialog"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/paint"
)

// helpPage says what every key does on the page it was opened from.
type helpPage struct {
	scope action.Scope
	top   int
}

func (a *App) helpDo(id action.ID) {
	switch id {
	case action.CloseHelp:
		a.help = nil
	case action.Down:
		a.help.top++
	case action.Up:
		a.help.top = max(0, a.help.top-1)
	}
}

// helpBox is the help page for the frame, scrolled to where it was left.
func (a *App) helpBox(f frame.Frame) []string {
	const widest = 92
	w := min(widest, f.W-2)
	lines := a.helpLines(f, w-6)
	room := max(1, f.H-6)
	a.help.top = max(0, min(a.help.top, len(lines)-room))
	shown := lines[a.help.top:min(len(lines), a.help.top+room)]
	foot := []string{}
	if len(lines) > room {
		foot = append(foot, paint.FitRight(f.Dim.Paint(fmt.Sprintf("%d of %d lines", a.help.top+len(shown), len(lines))), w-6))
	}
	return dialog.Frame(f, shown, foot, w)
}

func (a *App) helpLines(f frame.Frame, w int) []string {
	out := []string{f.Bold.Paint("Keys on the " + string(a.help.scope) + " page")}
	out = append(out, a.helpSection(f, a.help.scope, w)...)
	out = append(out, "", f.Bold.Paint("Keys everywhere"))
	out = append(out, a.helpSection(f, action.Everywhere, w)...)
	out = append(out, "", f.Bold.Paint("Signs"))
	return append(out, signs(f, w)...)
}

// helpSection lists a scope's actions. A key that the page uses for something
// of its own is not listed among those that work everywhere.
func (a *App) helpSection(f frame.Frame, scope action.Scope, w int) []string {
	const column = 20
	var out []string
	for _, act := range a.keys.In(scope) {
		var keys []string
		for _, k := range act.Keys {
			if own, taken := a.keys.Resolve(k, a.help.scope); scope != a.help.scope && taken && own.ID != act.ID {
				continue
			}
			keys = append(keys, action.Show(k))
		}
		if own, ok := a.keys.Get(act.ID, a.help.scope); len(keys) == 0 || scope == action.Everywhere && ok && own.Scope != scope {
			continue
		}
		names := strings.Join(keys, " ")
		if act.ID == action.ToEnv {
			names = keys[0] + " to " + keys[len(keys)-1]
		}
		for i, l := range paint.Wrap(act.Help, w-column-2) {
			if i > 0 {
				names = ""
			}
			out = append(out, "  "+f.Accent.Paint(paint.Fit(names, column))+l)
		}
	}
	return out
}

// signs explains the glyphs.
func signs(f frame.Frame, w int) []string {
	g := f.Glyph
	pairs := []string{
		f.Good.Paint(g.OK) + " ok", f.Warn.Paint(g.Busy) + " under way", f.Bad.Paint(g.Failed) + " failed",
		f.Dim.Paint(g.Waiting) + " waiting", f.Warn.Paint(g.Risk) + " risk", f.Good.Paint(g.Create) + " create",
		f.Warn.Paint(g.Update) + " update", f.Bad.Paint(g.Delete) + " delete", f.Bad.Paint(g.Replace) + " replace",
		f.Warn.Paint(g.Unpredictable) + " unpredictable", f.Dim.Paint(g.Same) + " unchanged", f.Dim.Paint(g.Fold) + " folded lines",
	}
	var out []string
	line := " "
	for _, p := range pairs {
		if paint.Width(line)+paint.Width(p)+3 > w {
			out, line = append(out, line), " "
		}
		line += " " + p + "  "
	}
	return append(out, line)
}
