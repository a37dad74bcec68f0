package prompt

import (
	"fmt"

	"github.com/charmbracelet/x/ansi"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/paint"
)

// Line is the line that is typed, with the caret in sight.
func (p *Prompt) Line(f frame.Frame) string {
	aside := ""
	if p.spec.Aside != nil {
		aside = f.Dim.Paint(paint.Cut(sanitize.Line(p.spec.Aside()), f.W/3)) + " "
	}
	runes := []rune(p.Text())
	at := min(p.input.Position(), len(runes))
	head, under, tail := sanitize.Line(string(runes[:at])), " ", ""
	if at < len(runes) {
		under, tail = sanitize.Line(string(runes[at])), sanitize.Line(string(runes[at+1:]))
	}
	if paint.Width(under) == 0 {
		under = " " // a mark that belongs to what is before it
	}
	left := " " + f.Accent.Paint(paint.Cut(sanitize.Line(p.spec.Label), f.W/2)) + " "
	room := f.W - paint.Width(left) - paint.Width(aside) - 3
	if over := paint.Width(head) - room; over > 0 { // the end is what is being typed
		head = ansi.TruncateLeftWc(head, over+1, f.Glyph.Ellipsis)
	}
	left += head + f.Pressed.Paint(under) + tail
	return paint.Cut(paint.Spread(left, aside, f.W), f.W)
}

// Box is a rule and, below it, the candidates in sight, none wider than the
// frame; nil: there are none.
func (p *Prompt) Box(f frame.Frame) []string {
	const around = 5 // header, both rules, the line itself, and a line of the page
	p.rows = min(max(least, f.H/3), max(1, f.H-around))
	p.first = max(0, min(max(p.first, p.at-p.rows+1), len(p.list)-p.rows)) // the screen may have changed
	to := min(len(p.list), p.first+p.rows)
	if p.first >= to {
		return nil
	}
	out := []string{p.rule(f, to)}
	texts := min(p.texts, max(f.W/3, 24))
	for i := p.first; i < to; i++ {
		c := p.list[i]
		key, note := f.Accent, f.Dim.Paint(sanitize.Line(c.Note))
		look := f.Row(i == p.at, true)
		if c.Off != "" {
			look, key, note = f.Dim, f.Dim, f.Dim.Paint("not now: "+sanitize.Line(c.Off))
		}
		line := f.Mark(i == p.at, true) + look.Paint(paint.Fit(sanitize.Line(c.Text), texts)) + "  "
		if p.keys > 0 {
			line += key.Paint(paint.Fit(sanitize.Line(c.Key), p.keys)) + "  "
		}
		out = append(out, paint.Fit(line+note, f.W))
	}
	return out
}

// rule is the line above the candidates, with how many there are.
func (p *Prompt) rule(f frame.Frame, to int) string {
	count := fmt.Sprintf(" %d of %d ", to, len(p.list))
	return f.Line(f.W-paint.Width(count)-2) + f.Dim.Paint(count) + f.Line(2)
}
