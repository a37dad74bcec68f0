package tui

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/prompt"
	"github.com/fairtide-dev/fairtide/tui/tuitest"
)

// on finds a text on the screen: the cell of its first character.
func (x table) on(t *testing.T, text string) (col, row int) {
	t.Helper()
	for i, l := range strings.Split(x.Screen(), "\n") {
		if before, _, ok := strings.Cut(l, text); ok {
			return ansi.StringWidth(before), i
		}
	}
	t.Fatalf("the screen lacks %q:\n%s", text, x.Screen())
	return 0, 0
}

// click presses and releases the left button at once.
func (x table) click(col, row int) {
	x.Send(tea.MouseClickMsg{X: col, Y: row, Button: tea.MouseLeft})
	x.Send(tea.MouseReleaseMsg{X: col, Y: row, Button: tea.MouseLeft})
}

// clickOn clicks on a text, a person's while after whatever was before.
func (x table) clickOn(t *testing.T, text string) {
	t.Helper()
	x.Pass(time.Second)
	x.click(x.on(t, text))
}

func TestClicksSelectAndDoubleClicksOpen(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.Press("3")
		x.clickOn(t, "p proposed")
		x.Has("OPEN PULL REQUESTS")
		prs := x.backend.Proposals["production"]
		second, first := fmt.Sprintf("#%d", prs[1].Number), fmt.Sprintf("#%d", prs[0].Number)
		x.clickOn(t, second)
		if pr, _ := x.app.proposed.Selected(); pr.Number != prs[1].Number {
			t.Errorf("a click selected #%d, not #%d", pr.Number, prs[1].Number)
		}
		x.Pass(time.Second)
		col, row := x.on(t, first)
		x.click(col, row)
		if x.app.at != action.Proposed {
			t.Fatal("two clicks apart have opened something")
		}
		x.click(col, row) // at once
		if x.app.at != action.Review || x.backend.Count("ProposedPlan") != 1 {
			t.Fatalf("a double click did not open the review: on %s", x.app.at)
		}
		x.Pass(time.Second)
		x.click(3, 0) // the header leads back
		if x.app.at != action.Proposed {
			t.Errorf("a click on the header led to %s", x.app.at)
		}
	})
}

// TestASecondClickIsNotHeardByTheNextPage holds that the second half of a
// double click, and a storm of clicks, end with the page they were meant for.
func TestASecondClickIsNotHeardByTheNextPage(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.Press("3", "enter")
		x.Pass(time.Second)
		col, row := x.on(t, "s ship")
		for range 100 {
			x.click(col, row)
			x.Pass(50 * time.Millisecond)
		}
		x.Has("Ship to", "[ Cancel ]")
		x.applied(t, 0)
		x.Pass(time.Second)
		x.Press("esc")
		x.Has("production  review")
	})
}

func TestTheDividerIsDragged(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.Press("3", "u")
		from := x.app.drawn.split
		x.Send(tea.MouseClickMsg{X: from + 1, Y: 10, Button: tea.MouseLeft})
		for col := from; col >= 50; col-- {
			x.Send(tea.MouseMotionMsg{X: col, Y: 10, Button: tea.MouseLeft})
		}
		x.Pass(time.Second)
		if got := x.app.drawn.split; got != 50 {
			t.Errorf("dragged to column 50, the divider is in column %d", got)
		}
		x.Send(tea.MouseReleaseMsg{X: 50, Y: 10, Button: tea.MouseLeft})
		x.Send(tea.MouseMotionMsg{X: 90, Y: 10, Button: tea.MouseLeft})
		x.Pass(time.Second)
		x.Press(">", ">", "<")
		if got := x.app.drawn.split; got != 52 {
			t.Errorf("after the drag and three keys the divider is in column %d, want 52", got)
		}
		for _, col := range []int{-5, 0, 119, 500} {
			x.Send(tea.MouseClickMsg{X: x.app.drawn.split, Y: 10, Button: tea.MouseLeft})
			x.Send(tea.MouseMotionMsg{X: col, Y: 10, Button: tea.MouseLeft})
			x.Pass(time.Second)
			if got := x.app.drawn.split; got < 20 || got > 100 {
				t.Errorf("dragged to %d, the divider is in column %d", col, got)
			}
			checkScreen(t, x, 120, 40)
		}
		x.Send(tea.WindowSizeMsg{Width: 80, Height: 24})
		x.Press("<")
		x.Has("no divider here")
	})
}

// TestAWheelStormCostsTwoFrames holds that a burst of wheel events is drawn
// together, and that none of them is lost.
func TestAWheelStormCostsTwoFrames(t *testing.T) {
	play(t, 120, 20, nil, func(t *testing.T, x table) {
		x.Press("3", "p", "tab")
		col, row := x.on(t, "EVIDENCE")
		frames, was := 0, x.app.frame
		for range 1000 {
			x.Send(tea.MouseWheelMsg{X: col, Y: row, Button: tea.MouseWheelDown})
			if x.app.frame != was {
				frames, was = frames+1, x.app.frame
			}
		}
		x.Pass(50 * time.Millisecond)
		if x.app.frame != was {
			frames++
		}
		if frames > 2 {
			t.Errorf("1000 events at once were drawn %d times", frames)
		}
		x.Lacks("EVIDENCE")
		end := x.Screen()
		x.Press("G")
		if x.Screen() != end {
			t.Errorf("the wheel did not come to the end:\n%s", end)
		}
		before := x.Messages
		x.Pass(30 * time.Second)
		if x.Messages-before > 1 {
			t.Errorf("%d messages after the wheel has stopped", x.Messages-before)
		}
	})
}

func TestTheWheelGoesToThePaneUnderTheMouse(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.Press("3", "p")
		first, _ := x.app.proposed.Selected()
		x.Send(tea.MouseWheelMsg{X: 100, Y: 20, Button: tea.MouseWheelDown})
		x.Pass(time.Second)
		if pr, _ := x.app.proposed.Selected(); pr.Number != first.Number {
			t.Error("the wheel over the detail moved the list")
		}
		x.Send(tea.MouseWheelMsg{X: 10, Y: 20, Button: tea.MouseWheelDown})
		x.Pass(time.Second)
		if pr, _ := x.app.proposed.Selected(); pr.Number == first.Number {
			t.Error("the wheel over the list did not move it")
		}
		x.Press("?")
		help := x.Screen()
		x.Send(tea.MouseWheelMsg{X: 60, Y: 20, Button: tea.MouseWheelDown})
		x.Pass(time.Second)
		if x.Screen() == help {
			t.Error("the wheel does not scroll the help")
		}
	})
}

// TestOnlyTwoClicksApartConfirm holds that no single click, no double click
// and no storm of clicks presses a button that does something.
func TestOnlyTwoClicksApartConfirm(t *testing.T) {
	play(t, 120, 40, func(b *tuitest.Backend, _ *Config) { b.Script = tuitest.Broken(time.Second, 100) }, func(t *testing.T, x table) {
		x.ship()
		x.Pass(time.Second)
		open := func() { x.Press("a"); x.Has("Abort the run") }
		aborting := func(want bool, after string) {
			t.Helper()
			if got := x.app.runs["production"].page.Aborting; got != want {
				t.Fatalf("aborting is %v after %s", got, after)
			}
		}
		button := func() (col, row int) {
			t.Helper()
			col, row = x.on(t, "Go on")
			return col + len("Go on ]    "), row
		}

		open()
		col, row := button()
		x.click(col, row) // before the grace is over
		x.Has("[ Go on ]")
		x.Pass(time.Second)
		x.click(col, row)
		aborting(false, "a single click")
		x.Has("[ Abort ]")
		x.click(col, row)
		aborting(false, "a double click")
		for range 100 {
			x.Pass(50 * time.Millisecond)
			x.click(col, row)
		}
		aborting(false, "a storm of clicks")
		x.click(2, 20) // beside the dialog
		x.clickOn(t, "enter choose")
		aborting(false, "a click on the footer")
		x.Has("Abort the run")
		x.clickOn(t, "Go on")
		x.Lacks("Abort the run")

		open()
		x.Pass(time.Second)
		x.click(button())
		x.Pass(time.Second)
		x.click(button())
		aborting(true, "two clicks apart")
	})
}

// TestAStormConfirmsNothing plays clicks, wheels, drags, pastes and held keys
// at random, faster than a person means them.
func TestAStormConfirmsNothing(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 6))
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.confirm()
		x.Type("production")
		w, h := 120, 40
		for range 2000 {
			at := tea.Mouse{X: rng.IntN(w+4) - 2, Y: rng.IntN(h+4) - 2, Button: tea.MouseLeft}
			switch rng.IntN(6) {
			case 0:
				at.Button = []tea.MouseButton{tea.MouseWheelUp, tea.MouseWheelDown, tea.MouseWheelLeft}[rng.IntN(3)]
				x.Send(tea.MouseWheelMsg(at))
			case 1:
				x.Send(tea.MouseMotionMsg(at))
			case 2:
				x.Send(tea.PasteMsg{Content: "production\r\n"})
			case 3:
				k := tuitest.Key("enter")
				k.IsRepeat = true
				x.Send(k)
			}
			if rng.IntN(2) == 0 {
				at.X, at.Y = x.on(t, "Ship 8f2c1d7")
			}
			at.Button = tea.MouseLeft
			x.Send(tea.MouseClickMsg(at))
			x.Pass(time.Duration(rng.IntN(200)) * time.Millisecond)
			if x.app.question == nil { // a click on Cancel
				x.Send(tuitest.Key("s"))
				x.Pass(time.Second)
			}
		}
		x.applied(t, 0)
	})
}

func TestTheMouseIsLetGo(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.Press("3")
		if got := x.app.View().MouseMode; got != tea.MouseModeCellMotion {
			t.Errorf("the mouse mode is %v at first", got)
		}
		col, row := x.on(t, "p proposed")
		x.Press("m")
		x.Has("the mouse is the terminal's now", "m takes it back", "mouse off")
		if got := x.app.View().MouseMode; got != tea.MouseModeNone {
			t.Errorf("the mouse mode is %v once it is let go", got)
		}
		x.click(col, row)
		x.Send(tea.MouseWheelMsg{X: 5, Y: 5, Button: tea.MouseWheelDown})
		x.Pass(time.Second)
		if x.app.at != action.Home {
			t.Error("a click is heard although the mouse was let go")
		}
		x.Press("j")
		x.Lacks("m takes it back")
		x.Has("mouse off")
		x.Press("m")
		x.Lacks("mouse off")
		if got := x.app.View().MouseMode; got != tea.MouseModeCellMotion {
			t.Errorf("the mouse mode is %v once it is taken back", got)
		}
	})
	play(t, 120, 40, func(_ *tuitest.Backend, c *Config) { c.NoMouse = true }, func(t *testing.T, x table) {
		x.Has("mouse off")
		if got := x.app.View().MouseMode; got != tea.MouseModeNone {
			t.Errorf("the mouse mode is %v although it was configured away", got)
		}
	})
}

func TestCandidatesAreClicked(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		chosen := ""
		x.app.prompt(prompt.Spec{Label: "pick", Candidates: func(string) []prompt.Candidate {
			return []prompt.Candidate{{Text: "first"}, {Text: "second"}, {Text: "third", Off: "there is no third"}}
		}}, nil, func(s string) tea.Cmd { chosen = s; return nil }, nil)
		x.Send(tea.WindowSizeMsg{Width: 120, Height: 40})
		x.click(5, 10) // beside them: nothing
		x.clickOn(t, "second")
		if chosen != "second" || x.app.asking != nil {
			t.Errorf("a click chose %q", chosen)
		}
	})
}

// TestEveryPageHearsTheMouse clicks and scrolls all over each page.
func TestEveryPageHearsTheMouse(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	for _, p := range pages {
		t.Run(p.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 7))
			for _, s := range [][2]int{{60, 15}, {120, 40}} {
				play(t, s[0], s[1], p.prepare, func(t *testing.T, x table) {
					p.open(x)
					x.Pass(time.Second)
					for range 60 {
						at := tea.Mouse{X: rng.IntN(s[0]), Y: rng.IntN(s[1]), Button: tea.MouseLeft}
						x.Send(tea.MouseClickMsg(at))
						x.Send(tea.MouseMotionMsg{X: rng.IntN(s[0]), Y: at.Y, Button: tea.MouseLeft})
						x.Send(tea.MouseReleaseMsg(at))
						at.Button = tea.MouseWheelDown
						if rng.IntN(2) == 0 {
							at.Button = tea.MouseWheelUp
						}
						x.Send(tea.MouseWheelMsg(at))
						x.Pass(time.Duration(rng.IntN(3)) * 250 * time.Millisecond)
						checkScreen(t, x, s[0], s[1])
					}
				})
			}
		})
	}
}
