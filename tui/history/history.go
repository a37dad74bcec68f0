// Package history is the page with the runs of an environment, newest first,
// and what each of them did.
package history

import (
	"fmt"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/list"
	"github.com/fairtide-dev/fairtide/tui/paint"
	"github.com/fairtide-dev/fairtide/tui/slot"
	"github.com/fairtide-dev/fairtide/tui/theme"
	"github.com/fairtide-dev/fairtide/tui/words"
)

// Page is the state of the page.
type Page struct {
	Environment model.Environment
	Runs        slot.Slot[[]model.Run] // newest first

	list   list.List[string]
	inRun  bool // the objects of the run have the focus
	scroll int  // into the objects of the selected run
}

// New makes the page for an environment.
func New(env model.Environment) *Page { return &Page{Environment: env} }

// Sync is called after the runs were read.
func (p *Page) Sync() {
	items := make([]list.Item[string], 0, len(p.Runs.Value))
	for _, r := range p.Runs.Value {
		items = append(items, list.Item[string]{Key: r.ID})
	}
	p.list.Set(items)
}

// Selected is the run the cursor is on.
func (p *Page) Selected() (model.Run, bool) {
	if i := p.list.Index(); i >= 0 && i < len(p.Runs.Value) {
		return p.Runs.Value[i], true
	}
	return model.Run{}, false
}

// Do carries out a movement. It reports whether the page knows the action.
func (p *Page) Do(id action.ID) bool {
	n, ok := action.Rows(id)
	switch {
	case id == action.NextPane || id == action.PrevPane:
		_, any := p.Selected()
		p.inRun = any && !p.inRun
		return true
	case !ok:
		return false
	case p.inRun:
		p.scroll = max(0, p.scroll+n)
	default:
		p.list.Move(n)
		p.scroll = 0
	}
	return true
}

// Leave gives the focus back to the list. It reports whether it had lost it.
func (p *Page) Leave() bool {
	was := p.inRun
	p.inRun = false
	return was
}

// Hints are the footer's actions, the most wanted first.
func (p *Page) Hints() []action.ID {
	return []action.ID{action.Back, action.Down, action.Revert, action.NextPane, action.Refresh}
}

// Head is the header line.
func (p *Page) Head(f frame.Frame, w *model.WindowState) frame.Head {
	left := sanitize.Line(p.Environment.Name) + "  history"
	if p.Runs.Loaded {
		left += "  " + words.Count(len(p.Runs.Value), "run") + "  read " + words.Ago(f.Now.Sub(p.Runs.At))
	}
	return frame.Head{Left: left, Right: f.Window(w), Production: p.Environment.Tier == model.TierProduction}
}

// Draw draws the page's body.
func (p *Page) Draw(f frame.Frame) frame.Body {
	var top []string
	switch {
	case p.Runs.Err != nil:
		top = append(f.Problem(p.Runs.Err, "ctrl+r", f.W), "")
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
	if f.W < frame.TwoColumns {
		rows := min(p.list.Len(), max(2, f.H*2/5))
		out := p.rows(f, f.W, rows)
		out = append(out, f.Line(f.W))
		out = append(out, p.detail(f, f.W, f.H-len(out))...)
		return frame.Body{Lines: append(top, out[:min(len(out), f.H)]...)}
	}
	lw := max(58, min(90, f.W*55/100))
	left := append([]string{f.Heading("RUNS", "newest first", lw), ""}, p.rows(f, lw, f.H-2)...)
	sep := f.Rule.Paint(f.Glyph.Vertical)
	body := frame.Body{Lines: append(top, paint.Columns(left, p.detail(f, f.W-lw-1, f.H), lw, sep, f.H)...)}
	if len(top) == 0 {
		body.Split = lw
	}
	return body
}

func (p *Page) rows(f frame.Frame, w, h int) []string {
	id, who := 0, 0
	for _, r := range p.Runs.Value {
		id = max(id, paint.Width(sanitize.Line(r.ID)))
		who = max(who, paint.Width(sanitize.Line(r.Operator)))
	}
	id = min(id, 20)
	var out []string
	from, to := p.list.Window(h)
	for i := from; i < to; i++ {
		out = append(out, p.row(f, p.Runs.Value[i], i == p.list.Index(), id, min(who, 16), w))
	}
	return out
}

func (p *Page) row(f frame.Frame, r model.Run, selected bool, id, who, w int) string {
	look := f.Row(selected, !p.inRun)
	glyph, state := f.Run(r.State)
	line := f.Mark(selected, !p.inRun) + state.Paint(glyph+" "+paint.Fit(string(r.State), 11)) + " " +
		look.Paint(paint.Fit(sanitize.Line(r.ID), id)) + "  " +
		paint.Fit(f.Commit(r.From), 7) + " " + f.Glyph.Arrow + " " + look.Paint(f.Commit(r.Commit))
	right := f.Dim.Paint(words.Age(f.Now.Sub(r.StartedAt)) + " ")
	if r.Override != "" {
		right = f.Warn.Paint("override") + "  " + right
	}
	if room := w - paint.Width(line) - paint.Width(right) - 3; room > 6 {
		line += "  " + f.Dim.Paint(paint.Cut(sanitize.Line(r.Operator), min(who, room)))
	}
	return paint.Spread(line, right, w)
}

// detail is the record of the selected run.
func (p *Page) detail(f frame.Frame, w, h int) []string {
	r, ok := p.Selected()
	if !ok || h <= 0 {
		return nil
	}
	glyph, look := f.Run(r.State)
	out := []string{paint.Cut(" "+f.Bold.Paint(sanitize.Line(r.ID))+"  "+look.Paint(glyph+" "+string(r.State)), w), ""}
	out = append(out, p.facts(f, r, w)...)
	out = append(out, "")
	room := max(0, h-len(out))
	objects := append(testLines(f, r, w), p.objectLines(f, r, w)...)
	p.scroll = max(0, min(p.scroll, len(objects)-room))
	out = append(out, objects[p.scroll:min(len(objects), p.scroll+room)]...)
	return out[:min(h, len(out))]
}

func (p *Page) facts(f frame.Frame, r model.Run, w int) []string {
	zone := f.Now.Location()
	out := []string{
		f.Label("commit", f.Commit(r.From)+" "+f.Glyph.Arrow+" "+f.Commit(r.Commit)+pulls(r.PullRequests), w),
		f.Label("by", sanitize.Line(r.Operator), w),
		f.Label("started", r.StartedAt.In(zone).Format("Mon 2 Jan 2006 15:04:05"), w),
	}
	if !r.FinishedAt.IsZero() {
		out = append(out, f.Label("took", words.Took(r.FinishedAt.Sub(r.StartedAt)), w))
	}
	paragraph := func(label, text string, look theme.Style) {
		for i, l := range paint.Wrap(sanitize.Text(text), w-frame.LabelWidth-1) {
			if i > 0 {
				label = ""
			}
			out = append(out, f.Label(label, look.Paint(l), w))
		}
	}
	if r.Window != "" {
		paragraph("window", r.Window, f.Plain)
	}
	if r.Override != "" {
		paragraph("override", r.Override, f.Warn)
	}
	if r.Reason != "" {
		paragraph("reason", r.Reason, f.Bad)
	}
	return out
}

func pulls(numbers []int) string {
	var names []string
	for _, n := range numbers {
		names = append(names, fmt.Sprintf("#%d", n))
	}
	if len(names) == 0 {
		return ""
	}
	return "  " + words.List(names, 6)
}

// objectLines are the objects of a run with what became of them.
func (p *Page) objectLines(f frame.Frame, r model.Run, w int) []string {
	if len(r.Objects) == 0 {
		return []string{"   " + f.Dim.Paint("no object was written")}
	}
	name := 0
	for _, o := range r.Objects {
		name = max(name, paint.Width(sanitize.Line(o.ID.String())))
	}
	name = min(name, max(20, w-22))
	out := []string{f.Heading("OBJECTS", words.Count(len(r.Objects), "object"), w)}
	for _, o := range r.Objects {
		verdict, look := f.Verdict(o.Verdict)
		glyph, result := resultOf(f, o.Result)
		out = append(out, paint.Cut("   "+look.Paint(verdict)+" "+paint.Fit(sanitize.Line(o.ID.String()), name)+"  "+
			result.Paint(glyph+" "+string(o.Result)), w))
		if o.Message != "" {
			for _, l := range paint.Wrap(sanitize.Text(o.Message), w-8) {
				out = append(out, "       "+f.Bad.Paint(l))
			}
		}
	}
	return out
}

// testLines are the acceptance tests of a run, each with why it did not pass.
func testLines(f frame.Frame, r model.Run, w int) []string {
	if len(r.Tests) == 0 {
		return nil
	}
	out := []string{f.Heading("TESTS", words.Count(len(r.Tests), "test"), w)}
	for _, t := range r.Tests {
		glyph, look := f.Glyph.Waiting, f.Dim
		switch {
		case t.State == model.TestPassed:
			glyph, look = f.Glyph.OK, f.Good
		case t.State != model.TestSkipped && t.Required:
			glyph, look = f.Glyph.Failed, f.Bad
		case t.State != model.TestSkipped:
			glyph, look = f.Glyph.Failed, f.Warn
		}
		line := "   " + look.Paint(glyph) + " " + sanitize.Line(t.Name) + "  " + f.Dim.Paint(sanitize.Line(string(t.Kind))) +
			"  " + look.Paint(sanitize.Line(string(t.State)))
		if !t.Required {
			line += f.Dim.Paint(", not required")
		}
		took := ""
		if !t.StartedAt.IsZero() {
			took = words.Took(t.FinishedAt.Sub(t.StartedAt)) + " "
		}
		out = append(out, paint.Spread(line, f.Dim.Paint(took), w))
		if t.Message != "" {
			for _, l := range paint.Wrap(sanitize.Text(t.Message), w-8) {
				out = append(out, "       "+look.Paint(l))
			}
		}
	}
	return append(out, "")
}

func resultOf(f frame.Frame, r model.ObjectResult) (string, theme.Style) {
	switch r {
	case model.ResultReady, model.ResultPruned:
		return f.Glyph.OK, f.Good
	case model.ResultFailed:
		return f.Glyph.Failed, f.Bad
	case model.ResultApplied:
		return f.Glyph.Busy, f.Warn
	}
	return f.Glyph.Waiting, f.Dim
}
