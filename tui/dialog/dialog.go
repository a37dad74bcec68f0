// Package dialog asks before something is done that cannot be taken back. It is
// built so that no accident confirms: Cancel has the focus first, keys are not
// heard for a moment after it opens, a held key counts once, and a paste never
// presses a button or fills in a name that has to be typed.
package dialog

import (
	"strings"
	"time"

	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/frame"
)

const (
	// Grace is how long a new dialog hears no keys but those that leave it:
	// what is typed then was meant for the page below.
	Grace = 500 * time.Millisecond

	// quiet is how far apart two presses of enter must be to count as two.
	// Terminals repeat a held key faster, and many do not say that they do.
	quiet = 400 * time.Millisecond

	// firstRepeat is when a held key is repeated at the latest. An enter that
	// led from a field to the button must not press it by staying down.
	firstRepeat = time.Second

	// page is how many lines of a body that does not fit are scrolled at once.
	page = 4
)

// Field is a line of text to fill in.
type Field struct {
	Label string
	Want  string // the text has to be exactly this, typed by hand; empty: any text will do
	Limit int    // longest text in characters
	// ForConfirm is set where the third button does without it.
	ForConfirm bool
}

// Spec is what a dialog asks.
type Spec struct {
	Title   func(f frame.Frame) string
	Body    func(f frame.Frame, w int) []string // drawn anew each frame
	Fields  []Field
	Cancel  string        // the button that leaves
	Confirm string        // the button that does it; empty: it cannot be done, and Body says why
	Other   string        // a third button, which does something else; empty: there is none
	Danger  bool          // paint the confirm button as one that writes
	Check   func() string // asked when confirmed: why it cannot be done any more

	// OtherCheck is set when the third button writes, too: it wants the fields
	// filled in then that are not only for Confirm, and this to say nothing.
	OtherCheck func() string
	// Wordings are other words for a button, by its label, the longest first:
	// what there is room for is taken. Default: the label as it is.
	Wordings func(label string) []string
}

// Answer is what a key led to.
type Answer uint8

// The answers.
const (
	Open Answer = iota // still asking
	Cancelled
	Confirmed
	Otherwise // the third button
)

// Dialog is a dialog on the screen.
type Dialog struct {
	spec   Spec
	inputs []textinput.Model
	focus  int // 0: cancel, then the fields, then confirm, then the third button
	opened time.Time
	enter  time.Time // last press of enter
	led    bool      // it led from a field to where the focus is
	note   string

	top, beyond int       // of the body: the first line in sight, and how many of it do not fit
	zones       []zone    // as they were drawn last
	clicked     int       // the stop that was clicked last
	clickedAt   time.Time // zero: a key was pressed since
}

// New opens a dialog.
func New(spec Spec, now time.Time) *Dialog {
	d := &Dialog{spec: spec, opened: now, inputs: make([]textinput.Model, len(spec.Fields))}
	for i, field := range spec.Fields {
		d.inputs[i] = textinput.New()
		d.inputs[i].CharLimit = field.Limit
	}
	return d
}

// Value is what the i-th field holds, without blanks around it.
func (d *Dialog) Value(i int) string { return strings.TrimSpace(d.inputs[i].Value()) }

// Key takes a key press and the action it resolves to, if any.
func (d *Dialog) Key(k tea.KeyPressMsg, id action.ID, now time.Time) Answer {
	if id == action.Cancel {
		return Cancelled
	}
	d.clicked = 0 // a key between two clicks makes them two first ones
	enter := id == action.Choose
	held := k.IsRepeat
	if enter {
		pause := quiet
		if d.led {
			pause = firstRepeat
		}
		held = held || now.Sub(d.enter) < pause
		d.enter = now
	} else {
		d.led = false
	}
	if now.Sub(d.opened) < Grace {
		return Open
	}
	switch {
	case enter && held:
	case enter:
		return d.choose()
	case d.scrolls(k, id):
	case d.editing() && d.edits(k):
		d.edit(k)
	case id == action.NextField && !held:
		d.move(1)
	case id == action.PrevField && !held:
		d.move(-1)
	case d.focus == 0 && k.Text != "" && d.spec.Confirm != "" && len(d.inputs) > 0:
		// Whoever starts to type means the first field that still wants it.
		d.focus = 1 + max(0, d.incomplete())
		d.edit(k)
	}
	return Open
}

// scrolls moves the body, when a key means that and it does not fit. The arrows
// do where they are not needed to leave a field.
func (d *Dialog) scrolls(k tea.KeyPressMsg, id action.ID) bool {
	name := k.String()
	switch {
	case d.beyond == 0:
		return false
	case id == action.PageDown:
		d.Scroll(page)
	case id == action.PageUp:
		d.Scroll(-page)
	case !d.editing() && name == "down":
		d.Scroll(1)
	case !d.editing() && name == "up":
		d.Scroll(-1)
	default:
		return false
	}
	return true
}

// Scroll moves the body by n lines, up if n is negative, as far as it goes.
func (d *Dialog) Scroll(n int) { d.top = max(0, min(d.top+n, d.beyond)) }

// More reports whether the body was too long for the screen.
func (d *Dialog) More() bool { return d.beyond > 0 }

// edits reports whether a key belongs to the field and not to moving about.
func (d *Dialog) edits(k tea.KeyPressMsg) bool {
	switch k.String() {
	case "tab", "shift+tab", "up", "down", "pgup", "pgdown":
		return false
	}
	return true
}

func (d *Dialog) editing() bool { return d.focus > 0 && d.focus <= len(d.inputs) }

func (d *Dialog) edit(k tea.KeyPressMsg) {
	d.note = ""
	if k.String() == "ctrl+v" {
		return // would read the clipboard by itself
	}
	in := &d.inputs[d.focus-1]
	in.Focus()
	*in, _ = in.Update(k) // its commands blink the cursor, which nobody draws
	in.Blur()
}

// Paste puts text into the focused field, if it takes any. It never confirms.
func (d *Dialog) Paste(text string, now time.Time) {
	if now.Sub(d.opened) < Grace || !d.editing() {
		return
	}
	if d.spec.Fields[d.focus-1].Want != "" {
		d.note = "a paste does not count: type it"
		return
	}
	in := &d.inputs[d.focus-1]
	in.Focus()
	*in, _ = in.Update(tea.PasteMsg{Content: sanitize.Line(text)})
	in.Blur()
}

func (d *Dialog) move(n int) {
	d.note = ""
	stops := 1 + len(d.inputs) + 1
	switch {
	case d.spec.Confirm == "":
		stops = 1
	case d.spec.Other != "":
		stops++
	}
	d.focus = (d.focus + n + stops) % stops
}

// choose presses the focused button; in a field it goes on to the next stop.
func (d *Dialog) choose() Answer {
	switch {
	case d.focus == 0:
		return Cancelled
	case d.editing():
		if i := d.incomplete(); i == d.focus-1 {
			d.note = d.missing(i)
			return Open
		}
		d.move(1)
		d.led = true
		return Open
	case d.focus == len(d.inputs)+2 && d.spec.OtherCheck == nil:
		return Otherwise
	case d.focus == len(d.inputs)+2:
		return d.press(Otherwise, d.incompleteOther(), d.spec.OtherCheck)
	}
	return d.press(Confirmed, d.incomplete(), d.spec.Check)
}

// press is the answer of a button that writes, unless a field is incomplete or
// it cannot be done any more.
func (d *Dialog) press(answer Answer, incomplete int, check func() string) Answer {
	if incomplete >= 0 {
		d.focus, d.note = incomplete+1, d.missing(incomplete)
		return Open
	}
	if check != nil {
		if why := check(); why != "" {
			d.focus, d.note = 0, why
			return Open
		}
	}
	return answer
}

// incomplete is the first field that is not filled in as it has to be, or -1.
func (d *Dialog) incomplete() int {
	return d.lacking(func(Field) bool { return true })
}

// incompleteOther is the first that the third button wants.
func (d *Dialog) incompleteOther() int {
	return d.lacking(func(f Field) bool { return d.spec.OtherCheck != nil && !f.ForConfirm })
}

func (d *Dialog) lacking(wants func(Field) bool) int {
	for i, f := range d.spec.Fields {
		if wants(f) && !d.filled(i) {
			return i
		}
	}
	return -1
}

func (d *Dialog) filled(i int) bool {
	v, want := d.Value(i), d.spec.Fields[i].Want
	return v != "" && (want == "" || v == want)
}

func (d *Dialog) missing(i int) string {
	field := d.spec.Fields[i]
	switch {
	case field.Want != "":
		return "type " + sanitize.Line(field.Want) + " to go on"
	case field.ForConfirm && d.spec.Other != "":
		return "a reason is needed for that, and goes on record; tab leaves it out"
	}
	return "a reason is needed: it goes on record"
}
