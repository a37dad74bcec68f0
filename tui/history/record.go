package history

import (
	"fmt"
	"strings"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/paint"
	"github.com/fairtide-dev/fairtide/tui/theme"
	"github.com/fairtide-dev/fairtide/tui/words"
)

// detail is the record of the selected run.
func (p *Page) detail(f frame.Frame, w, h int) []string {
	r, ok := p.Selected()
	if !ok || h <= 0 {
		return nil
	}
	glyph, look := f.Run(r.State)
	out := []string{paint.Cut(" "+f.Bold.Paint(sanitize.Line(r.ID))+"  "+look.Paint(glyph+" "+string(r.State)), w), ""}
	lines := append(p.facts(f, r, w), "")
	lines = append(lines, testLines(f, r, w)...)
	lines = append(lines, p.objectLines(f, r, w)...)
	room := max(0, h-len(out))
	p.scroll = max(0, min(p.scroll, len(lines)-room))
	if below := len(lines) - p.scroll - room; below > 0 {
		out[0] = paint.Spread(out[0], f.Dim.Paint(fmt.Sprintf("%d more ", below)), w)
	}
	out = append(out, lines[p.scroll:min(len(lines), p.scroll+room)]...)
	return out[:min(h, len(out))]
}

// record collects the facts of a run, each with its label.
type record struct {
	f   frame.Frame
	w   int
	out []string
}

func (r *record) line(label, value string) { r.out = append(r.out, r.f.Label(label, value, r.w)) }

// text is a fact as long as it is, on as many lines as it takes; empty: none.
func (r *record) text(label, text string, look theme.Style) {
	if text == "" {
		return
	}
	for i, l := range paint.Wrap(sanitize.Text(text), r.w-frame.LabelWidth-1) {
		if i > 0 {
			label = ""
		}
		r.line(label, look.Paint(l))
	}
}

// facts are what is recorded of a run beside its objects and tests: first what
// it came to and what can be done about it.
func (p *Page) facts(f frame.Frame, r model.Run, w int) []string {
	zone := frame.Zone(p.Environment, f.Now)
	out := &record{f: f, w: w}
	out.line("what", f.Commit(r.From)+" "+f.Glyph.Arrow+" "+f.Bold.Paint(f.Commit(r.Commit))+pulls(r.PullRequests, 6))
	out.line("by", sanitize.Line(r.Operator)+f.Dim.Paint(", ")+r.StartedAt.In(zone).Format("2 Jan 2006 15:04")+
		f.Dim.Paint(", "+words.Ago(f.Now.Sub(r.StartedAt))))
	for _, a := range r.Attempts {
		text := a.Operator + ", " + a.At.In(zone).Format("2 Jan 2006 15:04")
		if a.Reason != "" {
			text += ": " + a.Reason
		}
		out.text("continued", text, f.Plain)
	}
	if at := stoppedAt(r); at != "" {
		_, look := f.Run(r.State)
		out.text(string(r.State), "in "+at, look)
	}
	out.text("reason", r.Reason, f.Bad)
	out.text("took", took(r, f.Now), f.Plain)
	out.text("undoes", r.RollsBack, f.Plain)
	out.text("undone by", p.rolledBackBy(r.ID), f.Plain)
	if x := r.Exception; x != nil {
		out.text("override", f.Glyph.Risk+" "+r.Override, f.Warn)
		out.text("", "by "+x.Who()+", against: "+strings.Join(x.Rules, "; "), f.Warn)
	} else if r.Override != "" {
		out.text("override", "not needed, as no rule was in the way; the reason given was: "+r.Override, f.Dim)
	}
	out.text("window", r.Window, f.Plain)
	for _, q := range r.Requirements {
		look := f.Plain
		if !q.Met {
			look = f.Warn
		}
		out.text("needs", q.Sentence(), look)
	}
	if n := len(r.Kept); n > 0 {
		out.line("kept", words.Count(n, "field")+" as live")
	}
	out.text("digest", model.Short(r.Digest), f.Dim)
	if next := p.nextStep(r); next != "" {
		out.out = append(out.out, "")
		out.line("next", f.Accent.Paint(f.Glyph.Arrow)+" "+f.Bold.Paint(next))
	}
	return out.out
}

// rolledBackBy names the run that took a run back; empty: none did.
func (p *Page) rolledBackBy(id string) string {
	for _, r := range p.Runs.Value {
		if r.RollsBack == id {
			return r.ID
		}
	}
	return ""
}

// pulls names pull requests, most of them at most, after two blanks.
func pulls(numbers []int, most int) string {
	var names []string
	for _, n := range numbers {
		names = append(names, fmt.Sprintf("#%d", n))
	}
	switch {
	case len(names) == 0:
		return ""
	case len(names) > most:
		return fmt.Sprintf("  %s +%d", strings.Join(names[:most], ", "), len(names)-most)
	}
	return "  " + strings.Join(names, ", ")
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
