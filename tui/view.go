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
	if !a.mouse.off {
		v.MouseMode = tea.MouseModeCellMotion // clicks, the wheel and drags; no hovering
	}
	v.WindowTitle = a.title()
	v.KeyboardEnhancements.ReportEventTypes = true // or a held key cannot be told from a pressed one
	v.ProgressBar = a.progress()
	a.frame = &v
	return v
}

// screen is the whole screen: header, body, footer, and a dialog over them.
func (a *App) screen(w, h int) []string {
	if w < minWidth || h < minHeight {
		a.drawn = drawn{h: h} // nothing of it hears the mouse
		return []string{paint.Cut("fairtide needs 60 columns and 15 lines", w)}
	}
	f := frame.Frame{W: w, H: h - 4, Now: a.now(), Theme: a.theme, Keys: a.keys}
	offline := a.offlineLines(f)
	f.H -= len(offline)
	a.home.Fetched, a.home.Progress = a.age(), a.cfg.Progress()
	head, body, hints := a.page(f)
	lines := make([]string, 0, h)
	a.drawn = drawn{h: h, body: frame.Area{Y: 2, W: w, H: f.H}, split: body.Split}
	lines = append(lines, a.header(f, head), rule(f, body.Split, f.Glyph.TeeDown))
	for _, l := range paint.Height(body.Lines, f.H) {
		lines = append(lines, paint.Cut(l, f.W)) // whatever a page forgot to: a line too long shifts all
	}
	lines = append(lines, rule(f, body.Split, f.Glyph.TeeUp))
	lines = append(append(lines, offline...), a.footer(f, hints))
	full := f
	full.H = h
	if a.asking != nil && a.question == nil {
		if box := a.asking.Box(full); len(box) > 0 {
			a.drawn.prompt = frame.Area{Y: h - 1 - len(box), W: w, H: len(box)}
			if a.asking.edited != nil { // what it leads to is on the screen already
				copy(lines[h-1-len(box):], box)
			} else {
				top, line := lines[0], lines[h-1]
				lines = paint.Overlay(lines, box, 0, h-1-len(box), w, f.Dim.Paint)
				lines[0], lines[h-1] = top, line
			}
		}
	}
	switch {
	case a.question != nil:
		box := a.question.Box(full)
		a.drawn.dialog = middle(full, box)
		lines = over(full, lines, box)
	case a.help != nil:
		lines = over(full, lines, a.helpBox(full))
	}
	return lines
}

// page is what the current page shows, and the actions for the footer. The
// window is told by the cluster's clock, and for what the page is about.
func (a *App) page(f frame.Frame) (frame.Head, frame.Body, []action.ID) {
	now := a.onScreen()
	there := f
	there.Now = a.clusterNow(a.environmentOnScreen())
	head, body, hints := a.pageBody(f, there, now.state)
	if now.about != "" && a.at != action.Home && a.at != action.Windows {
		head.Right = there.WindowFor(now.state, now.about)
	}
	return head, body, hints
}

func (a *App) pageBody(f, there frame.Frame, w *model.WindowState) (frame.Head, frame.Body, []action.ID) {
	switch a.at {
	case action.Review:
		return a.review.Head(there, w), a.review.Draw(f), a.review.Hints()
	case action.Rollout:
		p := a.runs[a.runEnv].page
		p.Window, p.Ahead = w, f.Now.Sub(there.Now)
		st := a.home.Status(p.Environment.Name).Value
		_, p.MayOverride = p.Environment.Override.Permits(st.User, st.Groups)
		return p.Head(there, w), p.Draw(f), p.Hints()
	case action.History:
		return a.history.Head(there, w), a.history.Draw(f), a.history.Hints()
	case action.Reverting:
		return a.revert.Head(there, w), a.revert.Draw(f), a.revert.Hints()
	case action.Proposed:
		return a.proposed.Head(there, w), a.proposed.Draw(f), a.proposed.Hints()
	case action.Change:
		return a.change.Head(there, w), a.change.Draw(f), a.change.Hints()
	case action.Upgrades:
		return a.upgrades.Head(there, w), a.upgrades.Draw(f), a.upgrades.Hints()
	case action.Windows:
		return a.windows.Head(f), a.windows.Draw(f), a.windows.Hints()
	case action.Errors:
		p := a.problems
		p.Set(a.log.all())
		return p.Head(f), p.Draw(f), p.Hints()
	}
	return a.home.Head(f), a.home.Draw(f), a.home.Hints()
}

// header is the first line. A production page's is reversed, and says so.
func (a *App) header(f frame.Frame, h frame.Head) string {
	marks, targets := a.marks(f.W)
	if paint.Width(h.Left)+paint.Width(marks)+paint.Width(h.Right) > f.W-4 {
		h.Right = strings.TrimPrefix(h.Right, "window ")
	}
	h.Left = parts(h.Left, f.W-5-paint.Width(marks)-paint.Width(h.Right))
	if h.Right == "" {
		marks = strings.TrimRight(marks, " ")
	}
	right := f.W - 1 - paint.Width(marks) - paint.Width(h.Right)
	for _, t := range targets {
		t.x += right
		a.drawn.header = append(a.drawn.header, t)
	}
	if a.at != action.Home {
		a.aim(&a.drawn.header, 0, min(right, 1+paint.Width(h.Left)), action.Back, a.at)
	}
	if !h.Production {
		armed := a.armedMark(f.W)
		wrong, ok := strings.CutPrefix(marks, armed)
		if !ok { // it is all there is, without the blanks behind it
			armed, wrong = marks, ""
		}
		return paint.Cut(" "+paint.Spread(f.Header.Paint(paint.Cut(h.Left, f.W-2)), f.Accent.Paint(armed)+f.Bad.Paint(wrong)+f.Dim.Paint(h.Right), f.W-2), f.W)
	}
	h.Right = marks + h.Right
	left := h.Left
	if !strings.HasPrefix(left, string(model.TierProduction)) {
		left = "PRODUCTION  " + left
	}
	return f.Production.Paint(" " + paint.Fit(paint.Spread(left, h.Right, f.W-2), f.W-2) + " ")
}

// parts is what of a header fits into w cells: the last of its parts is left out
// before one is cut, but the page and what it is about stay.
func parts(left string, w int) string {
	const gap = "  "
	for paint.Width(left) > w && strings.Count(left, gap) > 1 {
		left = strings.TrimRight(left[:strings.LastIndex(left, gap)], " ")
	}
	return left
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
		if env, _ := a.anyActive(); env != "" && a.runs[env].page.Armed() {
			return paint.Cut(" "+f.Warn.Paint(f.Glyph.Busy+" cancelling the armed run; ctrl+c quits at once"), f.W)
		}
		return paint.Cut(" "+f.Warn.Paint(f.Glyph.Busy+" aborting the run and closing its record; ctrl+c quits at once"), f.W)
	case a.question != nil:
		scope, hints = action.Dialog, []action.ID{action.NextField, action.Choose, action.Cancel}
		if a.question.More() {
			hints = append(hints, action.PageDown)
		}
	case a.asking != nil:
		return a.asking.Line(f)
	case a.help != nil:
		scope, hints = action.Help, []action.ID{action.CloseHelp, action.Filter, action.Down, action.Up}
	case a.notice != "":
		return paint.Cut(" "+f.Warn.Paint(f.Glyph.Risk+" "+sanitize.Line(a.notice)), f.W)
	}
	right := ""
	if scope != action.Dialog && scope != action.Help {
		right = f.Press(action.ShowHelp, scope) + " help "
		a.aim(&a.drawn.footer, f.W-paint.Width(right)-1, paint.Width(right)+1, action.ShowHelp, scope)
	}
	line := ""
	if a.writing != "" {
		line = " " + f.Warn.Paint(f.Glyph.Busy+" "+a.writing) + "  "
	}
	for _, id := range hints {
		act, ok := a.keys.Get(id, scope)
		if !ok || act.Key() == "" {
			continue
		}
		act = a.called(act)
		next := " " + f.Accent.Paint(act.Key()) + " " + act.Label
		if scope == a.at && a.why(id) != "" {
			next = " " + f.Dim.Paint(act.Key()+" "+act.Label)
		}
		if paint.Width(line)+paint.Width(next)+paint.Width(right)+2 > f.W {
			break
		}
		if id != action.Choose {
			a.aim(&a.drawn.footer, paint.Width(line), paint.Width(next)+1, id, scope)
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

// middle is where a box over the whole screen goes.
func middle(f frame.Frame, box []string) frame.Area {
	w := paint.Width(box[0])
	return frame.Area{X: max(0, (f.W-w)/2), Y: max(0, (f.H-len(box))/2), W: w, H: len(box)}
}

// over lays a box over the middle of the dimmed screen, header and footer
// staying as they are.
func over(f frame.Frame, lines, box []string) []string {
	at := middle(f, box)
	out := paint.Overlay(lines, box, at.X, at.Y, f.W, f.Dim.Paint)
	if at.Y > 0 {
		out[0] = lines[0]
	}
	if at.Y+len(box) < len(lines) {
		out[len(out)-1] = lines[len(lines)-1]
	}
	return out
}
