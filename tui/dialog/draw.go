package dialog

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/paint"
	"github.com/fairtide-dev/fairtide/tui/words"
)

// width is how wide a dialog's box is where there is room.
const width = 82

// Box draws the dialog's box for the frame, which leaves its last line, the
// footer, in sight, and its first one where the screen is not short. A body
// that does not fit loses its blank lines first; then it scrolls, and says so.
func (d *Dialog) Box(f frame.Frame) []string {
	w := min(width, f.W-2)
	inner := w - indent - indent
	body := trimBlank(d.spec.Body(f, inner))
	const border, short = 2, 20
	room := f.H - 1 - border
	if f.H >= short {
		room-- // the header too
	}
	tries := []box{{f, w, most, body}, {f, w, some, body}, {f, w, some, nil}, {f, w, none, nil}}
	for i, b := range tries {
		foot := d.foot(f, inner, b.air)
		left := room - b.padding() - 1 - len(foot)
		if b.lines == nil {
			b.lines = paint.Squeeze(body, max(left, solid(body)))
		}
		if len(b.lines) <= left || i == len(tries)-1 {
			b.lines = d.inSight(f, b.lines, max(2, left), inner)
			return d.assemble(b, foot)
		}
	}
	return nil
}

// The amounts of air in a box.
const (
	none   = iota // as on the smallest screens
	some          // blank lines around the body
	most          // and at the edges
	indent = 3    // of the content: the border and two blanks
)

// box is a dialog's box as it is put together.
type box struct {
	f     frame.Frame
	w     int
	air   int
	lines []string // of the body, in sight
}

func (b box) padding() int {
	switch b.air {
	case none:
		return 0
	case some:
		return 1
	}
	return 3
}

// assemble draws the border, and remembers where fields and buttons are.
func (d *Dialog) assemble(b box, foot []string) []string {
	g := b.f.Glyph
	edge := strings.Repeat(g.Horizontal, max(0, b.w-2))
	side := b.f.Rule.Paint(g.Vertical)
	row := func(s string) string { return side + "  " + paint.Fit(s, b.w-2*indent) + "  " + side }
	out := []string{b.f.Rule.Paint(g.TopLeft + edge + g.TopRight)}
	if b.air == most {
		out = append(out, row(""))
	}
	out = append(out, row(d.spec.Title(b.f)))
	if b.air > none {
		out = append(out, row(""))
	}
	for _, l := range append(b.lines, foot...) {
		out = append(out, row(l))
	}
	d.remember(b, len(out)-1, len(out)-len(foot))
	if b.air == most {
		out = append(out, row(""))
	}
	return append(out, b.f.Rule.Paint(g.BottomLeft+edge+g.BottomRight))
}

// inSight is what of the body is in sight in h lines.
func (d *Dialog) inSight(f frame.Frame, body []string, h, w int) []string {
	if d.beyond = 0; len(body) <= h {
		d.top = 0
		return body
	}
	h-- // for the line that says so
	d.beyond = len(body) - h
	d.top = max(0, min(d.top, d.beyond))
	var parts []string
	if d.top > 0 {
		parts = append(parts, fmt.Sprintf("%d above", d.top)+f.Dim.Paint(": ")+f.Press(action.PageUp, action.Dialog))
	}
	if rest := d.beyond - d.top; rest > 0 {
		parts = append(parts, words.Count(rest, "more line")+f.Dim.Paint(": ")+f.Press(action.PageDown, action.Dialog))
	}
	mark := "  " + f.Dim.Paint(f.Glyph.Fold) + " " + strings.Join(parts, f.Dim.Paint(", "))
	return append(slices.Clip(body[d.top:d.top+h]), paint.Cut(mark, w))
}

// solid counts the lines that are not blank.
func solid(lines []string) int {
	n := 0
	for _, l := range lines {
		if strings.TrimSpace(l) != "" {
			n++
		}
	}
	return n
}

func trimBlank(lines []string) []string {
	for len(lines) > 0 && strings.TrimSpace(lines[0]) == "" {
		lines = lines[1:]
	}
	for len(lines) > 0 && strings.TrimSpace(lines[len(lines)-1]) == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// Frame puts a border around body and foot.
func Frame(f frame.Frame, body, foot []string, w int) []string {
	g := f.Glyph
	edge := strings.Repeat(g.Horizontal, max(0, w-2))
	side := f.Rule.Paint(g.Vertical)
	row := func(s string) string { return side + "  " + paint.Fit(s, w-6) + "  " + side }
	out := []string{f.Rule.Paint(g.TopLeft + edge + g.TopRight), row("")}
	for _, l := range body {
		out = append(out, row(l))
	}
	for _, l := range foot {
		out = append(out, row(l))
	}
	if len(out)+2 <= f.H {
		out = append(out, row(""))
	}
	return append(out, f.Rule.Paint(g.BottomLeft+edge+g.BottomRight))
}

// foot is the fields, what there is to say of them, and the buttons.
func (d *Dialog) foot(f frame.Frame, w, air int) []string {
	var out []string
	if air > none {
		out = append(out, "")
	}
	if d.spec.Confirm != "" {
		for i := range d.spec.Fields {
			out = append(out, d.field(f, i, w))
		}
	}
	switch {
	case d.note != "":
		out = append(out, paint.Cut(f.Warn.Paint(f.Glyph.Risk+" "+sanitize.Line(d.note)), w))
	case air > none && len(out) > 1:
		out = append(out, "")
	}
	return append(out, paint.FitRight(d.buttons(f, w), w))
}

// field is a label and its text, with the end of the text in sight.
func (d *Dialog) field(f frame.Frame, i, w int) string {
	field := d.spec.Fields[i]
	label := sanitize.Line(field.Label)
	focused := d.focus == i+1
	look := f.Plain
	if focused {
		look = f.Accent
	}
	room := max(8, w-paint.Width(label)-4)
	value := d.value(f, i, focused, room)
	mark := " "
	switch {
	case field.Want != "" && d.Value(i) == field.Want:
		mark = f.Good.Paint(f.Glyph.OK)
	case focused:
		mark = f.Accent.Paint(f.Glyph.Cursor)
	}
	return paint.Cut(mark+" "+look.Paint(label)+" "+value, w)
}

// value is a field's text in at most room cells, with the caret in sight.
func (d *Dialog) value(f frame.Frame, i int, focused bool, room int) string {
	text := []rune(d.inputs[i].Value())
	if !focused {
		return f.Bold.Paint(paint.Cut(sanitize.Line(string(text)), room))
	}
	at := min(d.inputs[i].Position(), len(text))
	before, under, after := sanitize.Line(string(text[:at])), " ", ""
	if at < len(text) {
		under, after = sanitize.Line(string(text[at])), sanitize.Line(string(text[at+1:]))
	}
	if paint.Width(before) > room-2 {
		before = f.Glyph.Ellipsis + tail(before, room-3)
	}
	out := f.Bold.Paint(before) + f.Pressed.Paint(under)
	return out + f.Bold.Paint(paint.Cut(after, room-paint.Width(out)))
}

// tail is the end of s in at most w cells.
func tail(s string, w int) string {
	for paint.Width(s) > w {
		_, rest, _ := strings.Cut(s, firstRune(s))
		s = rest
	}
	return s
}

func firstRune(s string) string {
	for i := range s {
		if i > 0 {
			return s[:i]
		}
	}
	return s
}

// pressable is a button, and its place in the order of the focus.
type pressable struct {
	stop  int
	label string // painted
}

// pressables are the buttons in w cells, in the longest words that fit.
func (d *Dialog) pressables(f frame.Frame, w int) []pressable {
	for short := 0; ; short++ {
		out, shorter := d.worded(f, short)
		wide := -buttonGap
		for _, p := range out {
			wide += paint.Width(p.label) + buttonGap
		}
		if wide <= w || !shorter {
			return out
		}
	}
}

// worded are the buttons in their words of a length, and whether there are
// shorter ones.
func (d *Dialog) worded(f frame.Frame, short int) (out []pressable, shorter bool) {
	say := func(label string) string {
		if d.spec.Wordings == nil {
			return label
		}
		all := d.spec.Wordings(label)
		if len(all) == 0 {
			return label
		}
		shorter = shorter || short < len(all)-1
		return all[min(short, len(all)-1)]
	}
	out = []pressable{{0, button(f, d.spec.Cancel, d.focus == 0, false, true)}}
	if d.spec.Confirm == "" {
		return out, false
	}
	stop := len(d.inputs) + 1
	out = append(out, pressable{stop, button(f, say(d.spec.Confirm), d.focus == stop, d.spec.Danger, d.incomplete() < 0)})
	if d.spec.Other != "" {
		stop++
		danger := d.spec.Danger && d.spec.OtherCheck != nil
		out = append(out, pressable{stop, button(f, say(d.spec.Other), d.focus == stop, danger, d.incompleteOther() < 0)})
	}
	return out, shorter
}

// buttonGap is how many cells are between two buttons.
const buttonGap = 2

func (d *Dialog) buttons(f frame.Frame, w int) string {
	var out []string
	for _, p := range d.pressables(f, w) {
		out = append(out, p.label)
	}
	return strings.Join(out, paint.Spaces(buttonGap))
}

// button is a word; the focused one is in brackets as well as reversed.
func button(f frame.Frame, label string, focused, danger, ready bool) string {
	label = sanitize.Line(label)
	switch {
	case focused && danger:
		return f.Danger.Paint("[ " + label + " ]")
	case focused:
		return f.Pressed.Paint("[ " + label + " ]")
	case ready:
		return "  " + label + "  "
	}
	return f.Dim.Paint("  " + label + "  ")
}
