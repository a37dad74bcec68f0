package history

import (
	"fmt"
	"strings"
	"time"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/paint"
	"github.com/fairtide-dev/fairtide/tui/words"
)

// Head is the header line.
func (p *Page) Head(f frame.Frame, w *model.WindowState) frame.Head {
	left := sanitize.Line(p.Environment.Name) + "  history"
	if p.Runs.Loaded {
		left += "  " + words.Count(len(p.Runs.Value), "run") + "  " + frame.Read(f, &p.Runs)
	}
	return frame.Head{Left: left, Right: f.Window(w), Production: p.Environment.Tier == model.TierProduction}
}

// Draw draws the page's body.
func (p *Page) Draw(f frame.Frame) frame.Body {
	var top []string
	switch {
	case p.Runs.Err != nil:
		top = append(f.Problem(p.Runs.Err, true, f.W), "")
	case !p.Runs.Loaded && p.Runs.Slow(f.Now):
		top = []string{"", "   " + f.Dim.Paint("Reading the runs "+f.Glyph.Ellipsis)}
	case p.Runs.Loaded && len(p.Runs.Value) == 0:
		top = []string{"", "   No runs yet: nothing was applied by fairtide."}
	}
	top = top[:min(len(top), f.H)]
	if len(p.Runs.Value) == 0 {
		return frame.Body{Lines: top}
	}
	f.H -= len(top)
	p.drawn = places{}
	if f.W < frame.TwoColumns {
		rows := min(p.list.Len(), max(2, f.H*2/5))
		p.drawn.rows = area{0, len(top), f.W, rows}
		out := p.rows(f, f.W, rows)
		out = append(out, f.Line(f.W))
		p.drawn.run = area{0, len(top) + len(out), f.W, f.H - len(out)}
		out = append(out, p.detail(f, f.W, f.H-len(out))...)
		return frame.Body{Lines: append(top, out[:min(len(out), f.H)]...)}
	}
	const least = 46
	lw := max(58, min(100, f.W*55/100))
	if p.split > 0 {
		lw = max(least, min(p.split, f.W-least))
	}
	aside := "newest first"
	if i := p.list.Index(); i > 0 {
		aside = fmt.Sprintf("%d of %d, newest first", i+1, p.list.Len())
	}
	left := append([]string{f.Heading("RUNS", aside, lw), ""}, p.rows(f, lw, f.H-2)...)
	p.drawn.rows = area{0, len(top) + 2, lw, f.H - 2}
	p.drawn.run = area{lw + 1, len(top), f.W - lw - 1, f.H}
	sep := f.Rule.Paint(f.Glyph.Vertical)
	body := frame.Body{Lines: append(top, paint.Columns(left, p.detail(f, f.W-lw-1, f.H), lw, sep, f.H)...)}
	if len(top) == 0 {
		body.Split = lw
	}
	return body
}

// columns are the widths of a row; 0: it has no such column.
type columns struct{ id, who, took, what int }

const (
	stateWidth  = 13 // glyph and word
	commitWidth = 7
	tookWidth   = 10
	whatWidth   = 16
	ageWidth    = 5
	gap         = 2
)

// columns gives w cells to the columns, the most wanted first.
func (p *Page) columns(w int) columns {
	const mark, arrow, override = 3, 3, 9
	var c columns
	for _, r := range p.Runs.Value {
		c.id = max(c.id, paint.Width(p.number(r)))
		c.who = max(c.who, paint.Width(sanitize.Line(r.Operator)))
	}
	c.id = min(c.id, 20)
	room := w - mark - stateWidth - 1 - c.id - gap - 2*commitWidth - arrow - ageWidth - gap - override
	take := func(want int) int {
		if want+gap > room {
			return 0
		}
		room -= want + gap
		return want
	}
	if c.who = take(min(c.who, 20)); c.who == 0 && room > 6+gap {
		c.who = take(room - gap)
	}
	c.took, c.what = take(tookWidth), take(whatWidth)
	return c
}

// rows are the runs in h lines.
func (p *Page) rows(f frame.Frame, w, h int) []string {
	c := p.columns(w)
	var out []string
	from, to := p.list.Window(h)
	for i := from; i < to; i++ {
		out = append(out, p.row(f, p.Runs.Value[i], i == p.list.Index(), c, w))
	}
	return out
}

func (p *Page) row(f frame.Frame, r model.Run, selected bool, c columns, w int) string {
	look := f.Row(selected, !p.inRun)
	glyph, state := f.Run(r.State)
	line := f.Mark(selected, !p.inRun) + state.Paint(paint.Fit(glyph+" "+string(r.State), stateWidth)) + " " +
		look.Paint(paint.FitRight(p.number(r), c.id)) + "  " +
		paint.Fit(f.Commit(r.From), commitWidth) + " " + f.Glyph.Arrow + " " + look.Paint(paint.Fit(f.Commit(r.Commit), commitWidth))
	add := func(w int, text string) {
		if w > 0 {
			line += paint.Spaces(gap) + f.Dim.Paint(paint.Fit(text, w))
		}
	}
	add(c.what, strings.TrimSpace(pulls(r.PullRequests, 2)))
	who := sanitize.Line(r.Operator)
	if paint.Width(who) > c.who {
		who, _, _ = strings.Cut(who, "@") // the machine matters less than the person
	}
	add(c.who, who)
	add(c.took, took(r, f.Now))
	right := f.Dim.Paint(paint.FitRight(words.Age(f.Now.Sub(r.StartedAt)), ageWidth) + " ")
	switch {
	case p.marked == r.ID:
		right = f.Accent.Paint("compare") + right
	case r.Exception != nil:
		right = f.Warn.Paint("override") + right
	case r.RollsBack != "":
		right = f.Dim.Paint("rollback") + right
	case len(r.Attempts) > 0:
		right = f.Dim.Paint("resumed") + right
	}
	return paint.Spread(line, right, w)
}

// number is a run's name without that of the environment, which all have.
func (p *Page) number(r model.Run) string {
	return sanitize.Line(strings.TrimPrefix(r.ID, p.Environment.Name+"-"))
}

// took is how long a run took, or has taken so far.
func took(r model.Run, now time.Time) string {
	switch {
	case !r.FinishedAt.IsZero():
		return words.Took(r.FinishedAt.Sub(r.StartedAt))
	case r.State.Final():
		return ""
	}
	return words.Took(now.Sub(r.StartedAt))
}
