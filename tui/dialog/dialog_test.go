package dialog

import (
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/paint"
	"github.com/fairtide-dev/fairtide/tui/theme"
)

var opened = time.Date(2026, 11, 24, 8, 18, 0, 0, time.UTC)

func on(w, h int) frame.Frame {
	return frame.Frame{W: w, H: h, Now: opened, Theme: theme.New(theme.Options{Depth: theme.Mono})}
}

// numbered is a dialog with a body of n numbered lines.
func numbered(n int, fields ...Field) *Dialog {
	body := func(frame.Frame, int) []string {
		out := make([]string, n)
		for i := range out {
			out[i] = fmt.Sprintf("line %d", i+1)
		}
		return out
	}
	title := func(frame.Frame) string { return "Sure?" }
	return New(Spec{Title: title, Body: body, Fields: fields, Cancel: "Stay", Confirm: "Ship", Other: "Ask", Danger: true}, opened)
}

// find is where a text stands in a box.
func find(t *testing.T, box []string, text string) (x, y int) {
	t.Helper()
	for y, l := range box {
		plain := ansi.Strip(l)
		if i := strings.Index(plain, text); i >= 0 {
			return paint.Width(plain[:i]), y
		}
	}
	t.Fatalf("%q is not in the box:\n%s", text, strings.Join(box, "\n"))
	return 0, 0
}

func TestAClickFocusesAndAnotherPresses(t *testing.T) {
	for _, size := range [][2]int{{60, 15}, {80, 24}, {200, 60}} {
		d := numbered(3, Field{Label: "Type prod:", Want: "prod"})
		click := func(text string, after time.Duration) Answer {
			x, y := find(t, d.Box(on(size[0], size[1])), text)
			return d.Click(x, y, opened.Add(after))
		}
		if got := click("Ship", Grace/2); got != Open || d.focus != 0 {
			t.Fatalf("%v: a click was heard in the moment after opening: %d, focus %d", size, got, d.focus)
		}
		at := Grace
		if got := click("Type prod:", at); got != Open || d.focus != 1 {
			t.Fatalf("%v: a click on the field: %d, focus %d", size, got, d.focus)
		}
		for _, r := range "prod" {
			d.Key(tea.KeyPressMsg{Code: r, Text: string(r)}, "", opened.Add(at))
		}
		at += time.Second
		if got := click("Ship", at); got != Open || d.focus != 2 {
			t.Fatalf("%v: one click on the button: %d, focus %d", size, got, d.focus)
		}
		if got := click("Ship", at+100*time.Millisecond); got != Open {
			t.Fatalf("%v: a double click pressed it: %d", size, got)
		}
		at += 100*time.Millisecond + quiet
		if got := click("Ship", at); got != Confirmed {
			t.Fatalf("%v: the second click: %d", size, got)
		}
	}
}

func TestWhatAClickDoesNotPress(t *testing.T) {
	d := numbered(3)
	box := d.Box(on(80, 24))
	x, y := find(t, box, "Ship")
	later := func(s int) time.Time { return opened.Add(time.Duration(s) * time.Second) }
	// A key has given it the focus: the first click is not the second.
	d.Key(tea.KeyPressMsg{Code: tea.KeyTab}, action.NextField, later(1))
	if got := d.Click(x, y, later(2)); got != Open {
		t.Errorf("the first click on a focused button: %d", got)
	}
	// A key in between starts anew.
	d.Key(tea.KeyPressMsg{Code: tea.KeyTab}, action.NextField, later(3))
	d.Key(tea.KeyPressMsg{Code: tea.KeyTab, Mod: tea.ModShift}, action.PrevField, later(4))
	if got := d.Click(x, y, later(5)); got != Open {
		t.Errorf("a click after a key: %d", got)
	}
	// Another button in between does too.
	ox, oy := find(t, box, "Ask")
	d.Click(ox, oy, later(6))
	if got := d.Click(x, y, later(7)); got != Open {
		t.Errorf("a click after one on another button: %d", got)
	}
	// What is beside the buttons is no button.
	for dy := -3; dy <= 3; dy++ {
		if dy != 0 {
			if got := d.Click(x, y+dy, later(8)); got != Open {
				t.Errorf("a click %d lines off: %d", dy, got)
			}
		}
	}
	if got := d.Click(x, y, later(9)); got != Open {
		t.Errorf("a click after one beside the buttons: %d", got)
	}
	if got := d.Click(x, y, later(10)); got != Confirmed {
		t.Errorf("the second click: %d", got)
	}
	if d.Click(ox, oy, later(11)); d.Click(ox, oy, later(12)) != Otherwise {
		t.Error("two clicks on the third button do not press it")
	}
	cx, cy := find(t, box, "Stay")
	if got := d.Click(cx, cy, later(13)); got != Cancelled {
		t.Errorf("leaving takes more than one click: %d", got)
	}
}

func TestABodyThatDoesNotFitScrolls(t *testing.T) {
	f := on(60, 15)
	d := numbered(20, Field{Label: "Why:"})
	show := func() string { return ansi.Strip(strings.Join(d.Box(f), "\n")) }
	has := func(texts ...string) {
		t.Helper()
		for _, s := range texts {
			if !strings.Contains(show(), s) {
				t.Fatalf("lacks %q:\n%s", s, show())
			}
		}
	}
	has("line 1 ", "line 8 ", "12 more lines: PgDn", "Why:", "[ Stay ]")
	if n := len(d.Box(f)); n != f.H-1 {
		t.Fatalf("%d lines, want one less than the screen has", n)
	}
	at := opened.Add(time.Second)
	d.Key(tea.KeyPressMsg{Code: tea.KeyDown}, action.NextField, at)
	has("line 2 ", "1 above: PgUp", "11 more lines", "[ Stay ]")
	for range 10 {
		d.Key(tea.KeyPressMsg{Code: tea.KeyPgDown}, action.PageDown, at)
	}
	has("line 20", "12 above: PgUp")
	d.Key(tea.KeyPressMsg{Code: tea.KeyTab}, action.NextField, at)
	d.Key(tea.KeyPressMsg{Code: tea.KeyPgUp}, action.PageUp, at) // also from a field
	has("line 16")
	d.Key(tea.KeyPressMsg{Code: tea.KeyDown}, action.NextField, at) // which the arrows leave
	has("[ Ship ]")
	f = on(120, 40)
	if s := show(); d.More() || strings.Contains(s, "PgDn") || !strings.Contains(s, "line 1 ") || !strings.Contains(s, "line 20") {
		t.Errorf("where there is room it is not all in sight:\n%s", s)
	}
}

func TestNoBoxIsLargerThanTheScreen(t *testing.T) {
	for n := range 40 {
		for h := 15; h < 50; h++ {
			d := numbered(n, Field{Label: "Why:"}, Field{Label: "Type prod:", Want: "prod"})
			box := d.Box(on(60+n, h))
			if len(box) > h-1 {
				t.Fatalf("%d lines on %d, with a body of %d", len(box), h, n)
			}
			for _, l := range box {
				if paint.Width(l) != paint.Width(box[0]) {
					t.Fatalf("a line of %d in a box of %d: %q", paint.Width(l), paint.Width(box[0]), l)
				}
			}
			find(t, box, "Type prod:")
			find(t, box, "Ship")
		}
	}
}
