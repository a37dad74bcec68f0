package tui

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/paint"
)

const (
	// minWidth and minHeight are the smallest screen the pages fit.
	minWidth  = 60
	minHeight = 15

	// until the terminal has said how large it is
	guessWidth  = 80
	guessHeight = 24
)

// View draws the screen, or hands out the last frame when nothing has changed.
func (a *App) View() tea.View {
	if a.frame != nil {
		return *a.frame
	}
	w, h := a.w, a.h
	if w <= 0 || h <= 0 {
		w, h = guessWidth, guessHeight
	}
	content := strings.Join(a.screen(w, h), "\n")
	if a.cfg.ASCII {
		content = paint.ASCII(content)
	}
	v := tea.NewView(content)
	v.AltScreen = true
	v.ReportFocus = true
	v.WindowTitle = a.title()
	v.KeyboardEnhancements.ReportEventTypes = true // or a held key cannot be told from a pressed one
	v.ProgressBar = a.progress()
	a.frame = &v
	return v
}

func (a *App) title() string {
	if env := a.environmentOnScreen(); env != "" {
		return "fairtide " + sanitize.Line(env)
	}
	return "fairtide"
}

// progress is the terminal's own progress bar, for a run under way.
func (a *App) progress() *tea.ProgressBar {
	env, any := a.anyActive()
	if !any {
		return nil
	}
	page := a.runs[env].page
	state := tea.ProgressBarDefault
	if page.Failing() {
		state = tea.ProgressBarError
	}
	return tea.NewProgressBar(state, page.Percent())
}

// screen is the whole screen: header, body, footer, and a dialog over them.
func (a *App) screen(w, h int) []string {
	if w < minWidth || h < minHeight {
		return []string{paint.Cut("fairtide needs 60 columns and 15 lines", w)}
	}
	f := frame.Frame{W: w, H: h - 4, Now: a.now(), Theme: a.theme}
	offline := a.offlineLines(f)
	f.H -= len(offline)
	a.home.Fetched, a.home.Progress = a.age(), a.cfg.Progress()
	head, body, hints := a.page(f)
	lines := make([]string, 0, h)
	lines = append(lines, header(f, head), rule(f, body.Split, f.Glyph.TeeDown))
	lines = append(lines, paint.Height(body.Lines, f.H)...)
	lines = append(lines, rule(f, body.Split, f.Glyph.TeeUp))
	lines = append(append(lines, offline...), a.footer(f, hints))
	full := f
	full.H = h
	switch {
	case a.question != nil:
		lines = over(full, lines, a.question.Box(full))
	case a.help != nil:
		lines = over(full, lines, a.helpBox(full))
	}
	return lines
}

// page is what the current page shows, and the actions for the footer.
func (a *App) page(f frame.Frame) (frame.Head, frame.Body, []action.ID) {
	window := func(env model.Environment) *model.WindowState { return a.window(env.Name) }
	switch a.at {
	case action.Review:
		p := a.review
		return p.Head(f, window(p.Environment)), p.Draw(f), p.Hints()
	case action.Rollout:
		p := a.runs[a.runEnv].page
		return p.Head(f, window(p.Environment)), p.Draw(f), p.Hints()
	case action.History:
		p := a.history
		return p.Head(f, window(p.Environment)), p.Draw(f), p.Hints()
	case action.Reverting:
		p := a.revert
		return p.Head(f, window(p.Environment)), p.Draw(f), p.Hints()
	case action.Proposed:
		p := a.proposed
		return p.Head(f, window(p.Environment)), p.Draw(f), p.Hints()
	case action.Change:
		p := a.change
		return p.Head(f, window(p.Environment)), p.Draw(f), p.Hints()
	case action.Upgrades:
		p := a.upgrades
		return p.Head(f, window(p.Environment)), p.Draw(f), p.Hints()
	}
	return a.home.Head(f), a.home.Draw(f), a.home.Hints()
}

// header is the first line. A production page's is reversed, and says so.
func header(f frame.Frame, h frame.Head) string {
	if paint.Width(h.Left)+paint.Width(h.Right) > f.W-4 {
		h.Right = strings.TrimPrefix(h.Right, "window ")
	}
	if !h.Production {
		return paint.Cut(" "+paint.Spread(f.Header.Paint(paint.Cut(h.Left, f.W-2)), f.Dim.Paint(h.Right), f.W-2), f.W)
	}
	left := h.Left
	if !strings.HasPrefix(left, string(model.TierProduction)) {
		left = "PRODUCTION  " + left
	}
	return f.Production.Paint(" " + paint.Fit(paint.Spread(left, h.Right, f.W-2), f.W-2) + " ")
}

// rule is a horizontal line, with a tee where the page is divided.
func rule(f frame.Frame, split int, tee string) string {
	if split <= 0 || split >= f.W {
		return f.Line(f.W)
	}
	h := f.Glyph.Horizontal
	return f.Rule.Paint(strings.Repeat(h, split) + tee + strings.Repeat(h, f.W-split-1))
}

// footer names the keys that matter here, the most wanted first, as many as
// there is room for; or it carries a notice.
func (a *App) footer(f frame.Frame, hints []action.ID) string {
	scope := a.at
	switch {
	case a.leaving:
		return paint.Cut(" "+f.Warn.Paint(f.Glyph.Busy+" aborting the run and closing its record; ctrl+c quits at once"), f.W)
	case a.question != nil:
		scope, hints = action.Dialog, []action.ID{action.NextField, action.Choose, action.Cancel}
	case a.help != nil:
		scope, hints = action.Help, []action.ID{action.CloseHelp, action.Down, action.Up}
	case a.notice != "":
		return paint.Cut(" "+f.Warn.Paint(f.Glyph.Risk+" "+sanitize.Line(a.notice)), f.W)
	}
	right := ""
	if scope != action.Dialog && scope != action.Help {
		right = f.Accent.Paint("?") + " help "
	}
	line := ""
	if a.writing != "" {
		line = " " + f.Warn.Paint(f.Glyph.Busy+" "+a.writing) + "  "
	}
	for _, id := range hints {
		act, ok := a.keys.Get(id, scope)
		if !ok {
			continue
		}
		next := " " + f.Accent.Paint(act.Key()) + " " + act.Label
		if paint.Width(line)+paint.Width(next)+paint.Width(right)+2 > f.W {
			break
		}
		line += next + "  "
	}
	line = strings.TrimRight(line, " ")
	if age := a.age(); age != "" && a.at != action.Home && scope == a.at && a.offline.IsZero() &&
		paint.Width(line)+paint.Width(age)+paint.Width(right)+6 <= f.W {
		right = f.Dim.Paint(age+"  ") + right
	}
	return paint.Spread(line, right, f.W)
}

// over lays a box over the middle of the dimmed screen, header and footer
// staying as they are.
func over(f frame.Frame, lines, box []string) []string {
	x := max(0, (f.W-paint.Width(box[0]))/2)
	y := max(0, (len(lines)-len(box))/2)
	out := paint.Overlay(lines, box, x, y, f.W, f.Dim.Paint)
	if y > 0 {
		out[0] = lines[0]
	}
	if y+len(box) < len(lines) {
		out[len(out)-1] = lines[len(lines)-1]
	}
	return out
}
