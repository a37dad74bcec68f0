package dialog

import (
	"strings"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/paint"
)

// width is how wide a dialog's box is where there is room.
const width = 82

// Box draws the dialog's box for the frame, no larger than it.
func (d *Dialog) Box(f frame.Frame) []string {
	w := min(width, f.W-2)
	inner := w - 6 // border and two blanks on each side
	body := append([]string{d.spec.Title(f), ""}, d.spec.Body(f, inner)...)
	foot := d.foot(f, inner)
	return Frame(f, paint.Squeeze(body, max(1, f.H-4-len(foot))), foot, w)
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

func (d *Dialog) foot(f frame.Frame, w int) []string {
	var out []string
	if d.spec.Confirm != "" {
		for i := range d.spec.Fields {
			out = append(out, d.field(f, i, w))
		}
	}
	note := ""
	if d.note != "" {
		note = f.Warn.Paint(f.Glyph.Risk + " " + sanitize.Line(d.note))
	}
	if len(out) > 0 && f.H > 18 {
		out = append([]string{""}, out...)
	}
	return append(out, paint.Cut(note, w), paint.FitRight(d.buttons(f), w))
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

func (d *Dialog) buttons(f frame.Frame) string {
	cancel := button(f, d.spec.Cancel, d.focus == 0, false, true)
	if d.spec.Confirm == "" {
		return cancel
	}
	return cancel + "  " + button(f, d.spec.Confirm, d.focus == len(d.inputs)+1, d.spec.Danger, d.incomplete() < 0)
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
