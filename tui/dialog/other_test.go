package dialog

import (
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/frame"
)

// A third button that writes asks for what the second does, but for what is
// only for that one.
func TestAThirdButtonThatWrites(t *testing.T) {
	why := ""
	title := func(frame.Frame) string { return "Sure?" }
	body := func(frame.Frame, int) []string { return []string{"line"} }
	d := New(Spec{
		Title: title, Body: body, Cancel: "Stay", Confirm: "Now", Other: "Later", Danger: true,
		Fields:     []Field{{Label: "Reason:", Limit: 20, ForConfirm: true}, {Label: "Type prod:", Want: "prod", Limit: 20}},
		OtherCheck: func() string { return why },
	}, opened)
	at := opened.Add(Grace)
	press := func(code rune, id action.ID) Answer {
		at = at.Add(2 * time.Second)
		return d.Key(tea.KeyPressMsg{Code: code}, id, at)
	}
	note := func() string { return ansi.Strip(strings.Join(d.Box(on(80, 24)), "\n")) }
	for range 4 {
		press(tea.KeyTab, action.NextField)
	}
	if got := press(tea.KeyEnter, action.Choose); got != Open || d.focus != 2 || !strings.Contains(note(), "type prod to go on") {
		t.Fatalf("without the name: %d, focus %d\n%s", got, d.focus, note())
	}
	for _, r := range "prod" {
		d.Key(tea.KeyPressMsg{Code: r, Text: string(r)}, "", at)
	}
	press(tea.KeyTab, action.NextField)
	if got := press(tea.KeyEnter, action.Choose); got != Open || d.focus != 1 || !strings.Contains(note(), "a reason is needed for that") {
		t.Fatalf("the second button without a reason: %d, focus %d\n%s", got, d.focus, note())
	}
	why = "it is too late"
	for range 3 {
		press(tea.KeyTab, action.NextField)
	}
	if got := press(tea.KeyEnter, action.Choose); got != Open || d.focus != 0 || !strings.Contains(note(), why) {
		t.Fatalf("what cannot be done any more: %d, focus %d\n%s", got, d.focus, note())
	}
	why = ""
	for range 4 {
		press(tea.KeyTab, action.NextField)
	}
	if got := press(tea.KeyEnter, action.Choose); got != Otherwise {
		t.Fatalf("the third button: %d\n%s", got, note())
	}
}

// Buttons are in the longest words there is room for, also for the mouse.
func TestButtonsAreAsLongAsTheyFit(t *testing.T) {
	d := numbered(1)
	d.spec.Wordings = func(label string) []string {
		if label == "Ask" {
			return []string{"Ask somebody else who knows more about it", "Ask somebody else", "Ask"}
		}
		return []string{label}
	}
	for w, want := range map[int]string{60: "Ask somebody else ", 88: "Ask somebody else who knows"} {
		box := d.Box(on(w, 24))
		x, y := find(t, box, want)
		at := opened.Add(time.Second)
		d.focus = 0
		if d.Click(x+10, y, at); d.focus != 2 {
			t.Errorf("at %d the button is not where it is drawn: focus %d", w, d.focus)
		}
	}
	box := ansi.Strip(strings.Join(d.Box(on(30, 24)), "\n"))
	if strings.Contains(box, "somebody") {
		t.Errorf("in little room:\n%s", box)
	}
}
