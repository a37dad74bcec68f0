package problems

import (
	"fmt"
	"strings"
	"time"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/paint"
	"github.com/fairtide-dev/fairtide/tui/theme"
	"github.com/fairtide-dev/fairtide/tui/words"
)

// Draw draws the page's body: the list, and the selected problem in full.
func (p *Page) Draw(f frame.Frame) frame.Body {
	p.rows, p.text = frame.Area{}, frame.Area{}
	if len(p.problems) == 0 {
		return frame.Body{Lines: []string{"", "   " + f.Good.Paint(f.Glyph.OK) + f.Dim.Paint(" nothing has gone wrong that was not dismissed")}}
	}
	if f.W < frame.TwoColumns {
		rows := min(len(p.problems), max(2, f.H/3))
		out := append([]string{p.heading(f, f.W)}, p.lines(f, f.W, rows)...)
		out = append(out, f.Line(f.W))
		p.rows = frame.Area{Y: 1, W: f.W, H: rows}
		p.text = frame.Area{Y: len(out), W: f.W, H: f.H - len(out)}
		return frame.Body{Lines: append(out, p.detail(f, f.W, f.H-len(out))...)}
	}
	lw := p.divider.Column(max(48, min(80, f.W*45/100)), f.W)
	p.rows = frame.Area{Y: 2, W: lw, H: f.H - 2}
	p.text = frame.Area{X: lw + 1, W: f.W - lw - 1, H: f.H}
	left := append([]string{p.heading(f, lw), ""}, p.lines(f, lw, f.H-2)...)
	sep := f.Rule.Paint(f.Glyph.Vertical)
	return frame.Body{Lines: paint.Columns(left, p.detail(f, f.W-lw-1, f.H), lw, sep, f.H), Split: lw}
}

func (p *Page) heading(f frame.Frame, w int) string {
	aside := "newest first"
	if p.dropped > 0 {
		aside = fmt.Sprintf("newest first, %d older dropped", p.dropped)
	}
	return f.Heading("WHAT WENT WRONG", aside, w)
}

func (p *Page) lines(f frame.Frame, w, h int) []string {
	clock, env := 0, 0
	for _, x := range p.problems {
		clock = max(clock, paint.Width(when(f, x.At)))
		env = max(env, paint.Width(sanitize.Line(x.Env)))
	}
	env = min(env, max(8, w/4))
	var out []string
	from, to := p.list.Window(h)
	for i := from; i < to; i++ {
		out = append(out, p.line(f, p.problems[i], i == p.list.Index(), clock, env, w))
	}
	return out
}

func (p *Page) line(f frame.Frame, x Problem, selected bool, clock, env, w int) string {
	glyph, look := state(f, x)
	line := f.Mark(selected, !p.inDetail) + look.Paint(glyph) + " " + f.Dim.Paint(paint.Fit(when(f, x.At), clock)) + "  "
	if env > 0 {
		line += paint.Fit(sanitize.Line(x.Env), env) + "  "
	}
	line += f.Row(selected, !p.inDetail).Paint(sanitize.Line(x.About))
	var asides []string
	if x.Times > 1 {
		asides = append(asides, words.Count(x.Times, "time"))
	}
	if !x.Over.IsZero() {
		asides = append(asides, "works again")
	}
	return paint.Spread(line, f.Dim.Paint(strings.Join(asides, ", "))+" ", w)
}

// state tells what still fails from what works again.
func state(f frame.Frame, x Problem) (string, theme.Style) {
	if x.Over.IsZero() {
		return f.Glyph.Failed, f.Bad
	}
	return f.Glyph.OK, f.Dim
}

func when(f frame.Frame, at time.Time) string { return words.Clock(at.In(f.Now.Location()), f.Now) }

// detail is the selected problem in full, in h lines.
func (p *Page) detail(f frame.Frame, w, h int) []string {
	x, ok := p.Selected()
	if !ok || h <= 0 {
		return nil
	}
	lines := body(f, x, w)
	room := max(0, h-1)
	p.scroll = max(0, min(p.scroll, len(lines)-room))
	end := min(len(lines), p.scroll+room)
	aside := ""
	if len(lines) > room {
		aside = fmt.Sprintf("%d of %d lines", end, len(lines))
		if !p.inDetail {
			aside = "tab scrolls, " + aside
		}
	}
	title := sanitize.Line(x.About)
	if x.Env != "" {
		title = sanitize.Line(x.Env) + ": " + title
	}
	return append([]string{paint.Spread(" "+f.Bold.Paint(title), f.Dim.Paint(aside)+" ", w)}, lines[p.scroll:end]...)
}

func body(f frame.Frame, x Problem, w int) []string {
	clock := func(at time.Time) string { return at.In(f.Now.Location()).Format("Mon 2 Jan 15:04:05") }
	var out []string
	switch {
	case x.Times > 1:
		out = append(out, f.Label("at", clock(x.At)+f.Dim.Paint(", "+words.Ago(f.Now.Sub(x.At))), w),
			f.Label("seen", words.Count(x.Times, "time")+f.Dim.Paint(", first at "+clock(x.First)), w))
	default:
		out = append(out, f.Label("at", clock(x.At)+f.Dim.Paint(", "+words.Ago(f.Now.Sub(x.At))), w))
	}
	if !x.Over.IsZero() {
		out = append(out, f.Label("since", f.Good.Paint(f.Glyph.OK)+" it works again, since "+clock(x.Over), w))
	}
	out = append(out, "")
	for _, l := range paint.Wrap(sanitize.Text(x.Text), w-4) {
		out = append(out, "   "+l)
	}
	return out
}
