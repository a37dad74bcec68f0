package tui

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/frame"
)

const (
	// notch is how many lines one step of the wheel scrolls.
	notch = 3

	// mousePace is the shortest time between two frames for the wheel or a
	// drag. What comes faster is done together: a burst of a thousand events
	// costs two frames.
	mousePace = 16 * time.Millisecond

	// doubleClick is how close together two clicks are one double click. For
	// as long, no click is heard after one that has led to another page or
	// dialog: its second half was meant for what was there before.
	doubleClick = 400 * time.Millisecond

	// dividerStep is how far a key moves the divider.
	dividerStep = 2
)

// mouse is what is known of the mouse between two of its messages.
type mouse struct {
	off      bool // the terminal has it, to select text
	dragging bool // the divider
	last     time.Time
	x, y     int       // of the last click that selected something
	deaf     time.Time // no click is heard before

	due      bool // a mouseMsg is under way
	scroll   int  // lines that the wheel is to scroll
	atX, atY int  // where
	column   int  // where the divider is to stand; 0: it was not dragged
}

// mouseMsg comes when what the mouse did meanwhile is to be shown.
type mouseMsg struct{}

// target is a place in the header or the footer that carries out an action.
type target struct {
	x, w int
	act  action.Action
}

// drawn is where the last frame has what hears the mouse.
type drawn struct {
	h              int
	body           frame.Area
	split          int
	header, footer []target
	dialog, prompt frame.Area
}

// aim makes w cells of the header or the footer carry out an action.
func (a *App) aim(targets *[]target, x, w int, id action.ID, scope action.Scope) {
	if act, ok := a.keys.Get(id, scope); ok {
		*targets = append(*targets, target{x, w, act})
	}
}

// pointed takes a message of the mouse.
func (a *App) pointed(msg tea.MouseMsg) (cmd tea.Cmd, changed bool) {
	if a.mouse.off || a.leaving {
		return nil, false
	}
	switch m := msg.(type) {
	case tea.MouseClickMsg:
		if m.Button != tea.MouseLeft {
			return nil, false
		}
		return a.clicked(m.X, m.Y), true
	case tea.MouseReleaseMsg:
		a.mouse.dragging = false
	case tea.MouseMotionMsg:
		if a.mouse.dragging {
			a.mouse.column = max(1, m.X)
			return a.moved()
		}
	case tea.MouseWheelMsg:
		n := notch
		switch m.Button {
		case tea.MouseWheelUp:
			n = -notch
		case tea.MouseWheelDown:
		default:
			return nil, false
		}
		a.mouse.scroll += n
		a.mouse.atX, a.mouse.atY = m.X, m.Y
		return a.moved()
	}
	return nil, false
}

// moved shows a movement of the mouse, at once or together with those that
// come until the next frame is due.
func (a *App) moved() (cmd tea.Cmd, changed bool) {
	if a.mouse.due {
		return nil, false
	}
	a.mouse.due = true
	later := tea.Tick(mousePace, func(time.Time) tea.Msg { return mouseMsg{} })
	return tea.Batch(a.follow(), later), true
}

// settle shows the movements since the last frame.
func (a *App) settle() (cmd tea.Cmd, changed bool) {
	a.mouse.due = false
	if a.mouse.scroll == 0 && a.mouse.column == 0 {
		return nil, false
	}
	return a.moved()
}

// follow scrolls and divides as the mouse has moved.
func (a *App) follow() tea.Cmd {
	n, x := a.mouse.scroll, a.mouse.column
	a.mouse.scroll, a.mouse.column = 0, 0
	if x > 0 && a.drawn.split > 0 {
		a.pointer().Divide(x)
	}
	id := action.Down
	if n < 0 {
		id = action.Up
	}
	steps := max(n, -n)
	switch {
	case n == 0:
		return nil
	case a.question != nil:
		a.question.Scroll(n)
		return nil
	case a.asking != nil:
		for range steps / notch {
			a.typed(tea.KeyPressMsg{}, id)
		}
		return nil
	case a.help != nil:
		for range steps {
			a.helpDo(id)
		}
		return nil
	}
	if b := a.drawn.body; b.Has(a.mouse.atX, a.mouse.atY) {
		a.pointer().Wheel(a.mouse.atX-b.X, a.mouse.atY-b.Y, n)
	}
	return a.selected()
}

// pointer is the page on the screen.
func (a *App) pointer() frame.Pointer {
	switch a.at {
	case action.Review:
		return a.review
	case action.Rollout:
		return a.runs[a.runEnv].page
	case action.History:
		return a.history
	case action.Reverting:
		return a.revert
	case action.Proposed:
		return a.proposed
	case action.Change:
		return a.change
	case action.Upgrades:
		return a.upgrades
	case action.Windows:
		return a.windows
	case action.Errors:
		return a.problems
	}
	return a.home
}

// selected has what a selection by mouse needs read or compared.
func (a *App) selected() tea.Cmd {
	switch a.at {
	case action.Home:
		return a.followHome()
	case action.Review:
		return a.review.Follow()
	case action.Change:
		return a.change.Follow()
	}
	return nil
}

// place is what hears the keys.
type place struct {
	at       action.Scope
	question *question
	asking   *asking
	help     *helpPage
}

func (a *App) place() place { return place{a.at, a.question, a.asking, a.help} }

// clicked takes a click.
func (a *App) clicked(x, y int) tea.Cmd {
	now, was := a.now(), a.place()
	if now.Before(a.mouse.deaf) {
		a.mouse.deaf = now.Add(doubleClick)
		return nil
	}
	a.notice, a.shipNext = "", false
	cmd := a.click(x, y, now)
	if a.place() != was {
		a.mouse.deaf, a.mouse.last, a.mouse.dragging = now.Add(doubleClick), time.Time{}, false
	}
	return cmd
}

func (a *App) click(x, y int, now time.Time) tea.Cmd {
	d := a.drawn
	if a.question != nil { // hears of clicks beside it too: they are no second ones
		if cmd := a.answered(a.question.Click(x-d.dialog.X, y-d.dialog.Y, now)); a.question == nil || cmd != nil {
			return cmd
		}
	}
	if y == d.h-1 {
		return a.clickTarget(d.footer, x)
	}
	switch {
	case a.question != nil:
		return nil
	case a.asking != nil:
		if d.prompt.Has(x, y) && a.asking.Select(y-d.prompt.Y) {
			return a.typed(tea.KeyPressMsg{}, action.Choose)
		}
		return nil
	case a.help != nil:
		return nil
	case y == 0:
		return a.clickTarget(d.header, x)
	case d.body.Has(x, y):
		return a.clickBody(x, y, now)
	}
	return nil
}

func (a *App) clickTarget(targets []target, x int) tea.Cmd {
	for _, t := range targets {
		if x < t.x || x >= t.x+t.w {
			continue
		}
		switch t.act.Scope {
		case action.Dialog:
			return a.answer(tea.KeyPressMsg{}, t.act.ID)
		case action.Help:
			a.helpDo(t.act.ID)
			return nil
		}
		return a.do(t.act.ID)
	}
	return nil
}

// clickBody takes a click on the page: it selects, a second one opens, and
// beside the divider it takes hold of that.
func (a *App) clickBody(x, y int, now time.Time) tea.Cmd {
	d := a.drawn
	if d.split > 0 && x >= d.split-1 && x <= d.split+1 {
		a.mouse.dragging = true
		return nil
	}
	second := now.Sub(a.mouse.last) < doubleClick && y == a.mouse.y && x >= a.mouse.x-1 && x <= a.mouse.x+1
	a.mouse.last = time.Time{}
	if second && a.at != action.Errors {
		if act, ok := a.keys.Resolve("enter", a.at, action.Everywhere); ok {
			return a.do(act.ID)
		}
		return nil
	}
	id, ok := a.pointer().Click(x-d.body.X, y-d.body.Y)
	if !ok {
		return nil
	}
	a.mouse.last, a.mouse.x, a.mouse.y = now, x, y
	if id != "" {
		return tea.Batch(a.selected(), a.do(id))
	}
	return a.selected()
}

// divide moves the divider by a key.
func (a *App) divide(n int) {
	a.pointer().Divide(a.drawn.split + n)
}

// toggleMouse lets go of the mouse, or takes it again.
func (a *App) toggleMouse() {
	a.mouse = mouse{off: !a.mouse.off}
	a.notice = "the mouse is fairtide's again: click, scroll, drag the divider"
	if a.mouse.off {
		a.notice = "the mouse is the terminal's now, to select and copy text; " + a.keyOf(action.Mouse, a.at) + " takes it back"
	}
}
