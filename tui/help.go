package tui

import (
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/dialog"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/paint"
	"github.com/fairtide-dev/fairtide/tui/prompt"
)

// helpPage says what every key does: on the page it was opened from, then
// everywhere, then on the other pages.
type helpPage struct {
	scope action.Scope
	query string // only what has all its words is listed
	top   int
	page  int // lines in sight
}

func (a *App) helpDo(id action.ID) {
	h := a.help
	switch id {
	case action.CloseHelp:
		if h.query != "" {
			h.query, h.top = "", 0 // one level up: all of it again
			return
		}
		a.help = nil
	case action.Down:
		h.top++
	case action.Up:
		h.top = max(0, h.top-1)
	case action.PageDown:
		h.top += max(1, h.page-1)
	case action.PageUp:
		h.top = max(0, h.top-max(1, h.page-1))
	case action.Filter:
		a.searchHelp()
	}
}

// searchHelp asks what to look for, and lists it while it is typed.
func (a *App) searchHelp() {
	h := a.help
	look := func(text string) tea.Cmd {
		if text != h.query {
			h.query, h.top = text, 0
		}
		return nil
	}
	a.prompt(prompt.Spec{Label: "help /", Text: h.query}, look, look, func() tea.Cmd {
		h.query, h.top = "", 0
		return nil
	})
}

// helpBox is the help page for the frame, scrolled to where it was left.
func (a *App) helpBox(f frame.Frame) []string {
	const widest, border, low = 100, 6, 20
	w := min(widest, f.W-2)
	h, around := a.help, 6
	if f.H >= low {
		around = 7 // the header stays in sight
	}
	lines := a.helpLines(f, w-border)
	h.page = max(1, f.H-around)
	h.top = max(0, min(h.top, len(lines)-h.page))
	to := min(len(lines), h.top+h.page)
	foot := ""
	if len(lines) > h.page {
		foot = fmt.Sprintf("%d of %d lines", to, len(lines))
	}
	if h.query != "" && a.asking == nil {
		foot = paint.Cut("only “"+sanitize.Line(h.query)+"”", w/2) + "  " + foot
	}
	shown := paint.Height(slices.Clone(lines[h.top:to]), h.page) // as high while something is looked for
	return dialog.Frame(f, shown, []string{paint.FitRight(f.Dim.Paint(foot), w-border)}, w)
}

// helpLines is all of it, in w cells.
func (a *App) helpLines(f frame.Frame, w int) []string {
	h := a.help
	var out []string
	add := func(title string, lines []string) {
		if len(lines) == 0 {
			return
		}
		if len(out) > 0 {
			out = append(out, "")
		}
		out = append(append(out, f.Bold.Paint(title)), lines...)
	}
	add("Keys on the "+string(h.scope)+" page", a.helpSection(f, h.scope, w))
	add("Keys everywhere", a.helpSection(f, action.Everywhere, w))
	add("Signs", a.signs(f, w))
	for _, s := range action.Scopes {
		if s != h.scope && s != action.Everywhere {
			add(sectionOf(s), a.helpSection(f, s, w))
		}
	}
	if len(out) == 0 {
		out = append(out, f.Dim.Paint("Nothing here has that."))
	}
	return out
}

// sectionOf is the title of the keys of a scope that is not on the screen.
func sectionOf(s action.Scope) string {
	switch s {
	case action.Dialog:
		return "Keys in a dialog"
	case action.Help:
		return "Keys on this page"
	case action.Prompt:
		return "Keys while text is typed"
	}
	return "Keys on the " + string(s) + " page"
}

// helpSection lists a scope's actions. A key that the page uses for something
// of its own is not listed among those that work everywhere.
func (a *App) helpSection(f frame.Frame, scope action.Scope, w int) []string {
	column := min(20, w/3)
	var out []string
	for _, act := range a.keys.In(scope) {
		if own, ok := a.keys.Get(act.ID, a.help.scope); scope == action.Everywhere && ok && own.Scope != scope {
			continue
		}
		keys, ok := a.helpKeys(act)
		if !ok || !a.sought(keys, string(act.ID), act.Label, act.Help) {
			continue
		}
		why := ""
		if scope == a.help.scope || scope == action.Everywhere {
			why = a.whyOn(a.help.scope, act.ID)
		}
		key, look := f.Accent, f.Plain
		if why != "" {
			key, look = f.Dim, f.Dim
		}
		for _, l := range paint.Wrap(act.Help, w-column-2) {
			out, keys = append(out, "  "+key.Paint(paint.Fit(keys, column))+look.Paint(l)), ""
		}
		if why == "" {
			continue
		}
		for _, l := range paint.Wrap(f.Glyph.Dash+" not now: "+sanitize.Line(why), w-column-2) {
			out = append(out, paint.Spaces(column+2)+f.Dim.Paint(l))
		}
	}
	return out
}

// helpKeys are the keys of an action as they are shown; ok is false when the
// page uses all of them for something else.
func (a *App) helpKeys(act action.Action) (keys string, ok bool) {
	if len(act.Keys) == 0 {
		return ":" + string(act.ID), true
	}
	var shown []string
	for _, k := range act.Keys {
		if own, taken := a.keys.Resolve(k, a.help.scope); act.Scope == action.Everywhere && taken && own.ID != act.ID {
			continue
		}
		shown = append(shown, action.Show(k))
	}
	const few = 3
	if act.ID == action.ToEnv && len(shown) > few {
		return shown[0] + " to " + shown[len(shown)-1], true
	}
	return strings.Join(shown, " "), len(shown) > 0
}

// sought reports whether the texts have every word that is looked for.
func (a *App) sought(texts ...string) bool {
	all := strings.ToLower(strings.Join(texts, " "))
	for _, word := range strings.Fields(strings.ToLower(a.help.query)) {
		if !strings.Contains(all, word) {
			return false
		}
	}
	return true
}

// signs explains the glyphs.
func (a *App) signs(f frame.Frame, w int) []string {
	g := f.Glyph
	var out []string
	line := " "
	for _, s := range []struct{ sign, text string }{
		{f.Good.Paint(g.OK), "ok"}, {f.Warn.Paint(g.Busy), "under way"}, {f.Bad.Paint(g.Failed), "failed"},
		{f.Dim.Paint(g.Waiting), "waiting"}, {f.Warn.Paint(g.Risk), "risk"}, {f.Good.Paint(g.Create), "create"},
		{f.Warn.Paint(g.Update), "update"}, {f.Bad.Paint(g.Delete), "delete"}, {f.Bad.Paint(g.Replace), "replace"},
		{f.Warn.Paint(g.Unpredictable), "unpredictable"}, {f.Dim.Paint(g.Same), "unchanged"}, {f.Dim.Paint(g.Fold), "folded lines"},
		{f.Accent.Paint(g.Cursor), "selected"}, {f.Old.Paint("-"), "goes"}, {f.New.Paint("+"), "comes"},
		{f.Dim.Paint(g.Dash), "none, or unknown"}, {f.Plain.Paint(g.Ellipsis), "cut off"},
	} {
		if !a.sought("signs", s.text) {
			continue
		}
		piece := s.sign + " " + s.text
		if paint.Width(line)+paint.Width(piece)+3 > w {
			out, line = append(out, line), " "
		}
		line += " " + piece + "  "
	}
	if line == " " {
		return out
	}
	return append(out, line)
}
