package review

import (
	"fmt"

	"github.com/fairtide-dev/fairtide/internal/lens"
	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/paint"
	"github.com/fairtide-dev/fairtide/tui/words"
)

// Head is the header line: what is reviewed, from where to where.
func (p *Page) Head(f frame.Frame, w *model.WindowState) frame.Head {
	h := frame.Head{
		Left:       sanitize.Line(p.Environment.Name) + "  review",
		Right:      f.Window(w),
		Production: p.Environment.Tier == model.TierProduction,
	}
	name := sanitize.Line(p.Environment.Name)
	if p.lens != model.LensApply && p.Past == nil {
		h.Left += "  lens " + string(p.lens)
		name += "  lens " + string(p.lens)
	}
	switch n := len(p.Shipped); {
	case p.Draft != nil:
		h.Left = name + "  " + sanitize.Line(p.Order.Of) + ", not pushed yet"
	case p.Past != nil:
		h.Left = name + "  " + p.Past.title()
	case p.Proposed != nil:
		h.Left = fmt.Sprintf("%s  proposed #%d, not merged", name, p.Proposed.Number)
	case n > 0:
		h.Left += "  " + words.Count(n, "change")
	}
	commit := p.Commit
	if p.Draft != nil {
		h.Left += "  " + f.Commit(commit)
	} else if plan := p.Plan.Value; plan != nil {
		commit = plan.Commit
		h.Left += "  " + f.Commit(plan.From) + " " + f.Glyph.Arrow + " " + f.Commit(commit)
	} else if commit != "" {
		h.Left += "  " + f.Glyph.Arrow + " " + f.Commit(commit)
	}
	return h
}

// airyHeight is from how many lines on the list has blank lines in it.
const airyHeight = 26

// Draw draws the page's body.
func (p *Page) Draw(f frame.Frame) frame.Body {
	if p.seen == nil {
		return frame.Body{Lines: p.waiting(f)}
	}
	if airy := f.H >= airyHeight && f.W >= frame.TwoColumns; airy != p.airy {
		p.airy = airy
		p.fill()
	}
	top := p.notices(f)
	f.H -= len(top)
	p.at = area{top: len(top), bodyW: f.W}
	switch {
	case p.zoom:
		return frame.Body{Lines: append(top, p.diff(f, f.W, f.H)...)}
	case f.W < frame.TwoColumns:
		return frame.Body{Lines: append(top, p.stacked(f)...)}
	}
	lw := p.listWidth(f.W)
	p.at.listW, p.at.diffX = lw, lw+1
	sep := f.Rule.Paint(f.Glyph.Vertical)
	body := paint.Columns(p.left(f, lw), p.diff(f, f.W-lw-1, f.H), lw, sep, f.H)
	if len(top) > 0 {
		return frame.Body{Lines: append(top, body...)}
	}
	return frame.Body{Lines: body, Split: lw}
}

// waiting is the body until there is a plan.
func (p *Page) waiting(f frame.Frame) []string {
	out := []string{""}
	switch {
	case p.Plan.Err != nil:
		out = append(out, f.Problem(p.Plan.Err, true, f.W)...)
	case p.Plan.Slow(f.Now):
		text := "Asking the cluster what applying would change "
		if p.Past != nil {
			text = "Rendering what Git had before and after "
		}
		out = append(out, "   "+f.Dim.Paint(text+f.Glyph.Ellipsis))
	}
	return out
}

// notices are what must be read before anything else: an error of the last
// reading, and why the plan must not be applied.
func (p *Page) notices(f frame.Frame) []string {
	var out []string
	if p.Plan.Err != nil {
		out = append(out, f.Problem(p.Plan.Err, true, f.W)...)
		out = append(out, "   "+f.Dim.Paint("below is the plan as read "+words.Ago(f.Now.Sub(p.Plan.At))))
	}
	if problem := p.Problem(); problem != "" {
		lines := paint.Wrap("This plan cannot be applied: "+sanitize.Line(problem), f.W-5)
		if most := max(2, f.H/7); len(lines) > most { // s says it in full
			lines = append(lines[:most-1], paint.Cut(lines[most-1]+" "+f.Glyph.Ellipsis, f.W-5))
		}
		for i, l := range lines {
			mark := "   "
			if i == 0 {
				mark = " " + f.Bad.Paint(f.Glyph.Failed) + " "
			}
			out = append(out, mark+f.Bad.Paint(l))
		}
		out = append(out, p.replaceHint(f)...)
	}
	if p.unkept != nil {
		out = append(out, paint.Cut(" "+f.Warn.Paint(f.Glyph.Risk+" "+sanitize.Line(p.unkept.Error())), f.W))
	}
	if len(out) > 0 {
		out = append(out, f.Line(f.W))
	}
	return out[:min(len(out), f.H/2)]
}

// left is the list of objects and, below, the risks and the notes.
func (p *Page) left(f frame.Frame, w int) []string {
	out := append([]string{p.summary(f, w)}, p.progress(f, w)...)
	out = append(out, p.filterLine(f, w)...)
	if p.airy {
		out = append(out, "")
	}
	room := f.H - len(out)
	risks := p.below(f, w, room)
	listed := min(p.objects.Len(), max(room-len(risks)-1, room*3/5))
	out = append(out, p.rows(f, w, listed, len(out))...)
	if len(risks) > 0 && room-listed > 3 {
		out = append(out, "")
		out = append(out, risks[:min(len(risks), f.H-len(out))]...)
	}
	return out
}

// wholeFrom is from how many lines on a narrow screen says what is to be known of
// the plan as a whole; below it the diff needs them.
const wholeFrom = 10

// stacked is the page for a narrow screen: the objects above the diff.
func (p *Page) stacked(f frame.Frame) []string {
	listed := max(1, min(p.objects.Len(), f.H*2/5-1))
	if p.inDiff {
		listed = 1
	}
	out := append([]string{p.summary(f, f.W)}, p.filterLine(f, f.W)...)
	out = append(out, p.rows(f, f.W, listed, len(out))...)
	if !p.inDiff && f.H >= wholeFrom {
		out = append(out, p.wholeLines(f, f.W, max(2, f.H/6))...)
	}
	out = append(out, f.Line(f.W))
	p.at.listW, p.at.diffY = f.W, len(out)
	return append(out, p.diff(f, f.W, f.H-len(out))...)
}

// diff is the selected object: its name, its risks, and its two sides.
func (p *Page) diff(f frame.Frame, w, h int) []string {
	o, ok := p.Selected()
	if !ok {
		return p.nothing(f, w)
	}
	out := []string{p.diffTitle(f, o, w)}
	out = append(out, p.remarks(f, o, w, h/3)...)
	if p.problem != "" {
		return append(out, paint.Cut("   "+f.Bad.Paint(sanitize.Line(p.problem)), w))
	}
	if p.view.Document() == nil {
		return out
	}
	room := h - len(out)
	if room > 5 {
		room--
	}
	p.view.SetSize(w, room)
	if room < h-len(out) {
		before, after := lens.Titles(o.Verdict, p.lens)
		out = append(out, p.view.Titles(f.Theme, before, after))
	}
	p.at.textY = p.at.diffY + len(out)
	return append(out, p.view.Lines(f.Theme)...)
}

// nothing stands in the diff's place when no object is selected.
func (p *Page) nothing(f frame.Frame, w int) []string {
	text := "no object is selected"
	if key, ok := p.objects.Selected(); ok && key.group != "" {
		if g := p.group(key.group); g != nil {
			text = words.Count(len(g.listed), "object") + " folded away: enter shows them"
		}
	} else if p.filter.active() && p.matched == 0 {
		text = "no object matches the filter: " + f.Key(action.Filter, action.Review) + " changes it, " + f.Key(action.Back, action.Review) + " takes it away"
	}
	return []string{"", paint.Cut("   "+f.Dim.Paint(text), w)}
}

func (p *Page) diffTitle(f frame.Frame, o model.PlannedObject, w int) string {
	glyph, look := f.Verdict(o.Verdict)
	left := " " + look.Paint(glyph) + " " + f.Bold.Paint(sanitize.Line(o.ID.String()))
	if p.Reviewed(o.ID) == model.ReviewedAlready {
		left += "  " + f.Good.Paint(f.Glyph.OK+" reviewed")
	}
	aside := ""
	if n, of := p.view.Hunk(); of > 0 {
		aside = fmt.Sprintf("hunk %d of %d", n, of)
	}
	if p.finding.query != "" {
		aside = p.findAside()
	}
	if x := p.view.Offset(); x > 0 {
		aside += fmt.Sprintf("  from column %d", x+1)
	}
	return paint.Spread(left, f.Dim.Paint(aside)+" ", w)
}

// sourceFrom is from how many lines of remarks on an object's source is named.
const sourceFrom = 3

// remarks are the reason and the risks of an object, h lines at most.
func (p *Page) remarks(f frame.Frame, o model.PlannedObject, w, h int) []string {
	var out []string
	if o.Reason != "" {
		for _, l := range paint.Wrap(sanitize.Line(o.Reason), w-6) {
			out = append(out, "   "+f.Warn.Paint(l))
		}
	}
	made := p.docs[o.ID]
	for i, r := range o.Risks {
		if i >= len(made.above) || !made.above[i] {
			out = append(out, riskLines(f, r, withoutReason(o, r), w)...)
		}
	}
	if made.later > 0 {
		text := words.Count(made.later, "risk") + " at a later hunk"
		out = append(out, paint.Cut("   "+f.Severity(o.Gravest()).Paint(f.Glyph.Risk+" "+text)+f.Dim.Paint(": n goes there"), w))
	}
	if o.Verdict == model.VerdictUnchanged && o.TakesOwnership {
		out = append(out, paint.Cut("   "+f.Dim.Paint("no value changes; fairtide becomes the fields' manager"), w))
	}
	out = append(out, p.markLines(f, o.ID, w)...)
	if p.Past == nil {
		out = append(out, p.replaceLines(f, o, w)...)
		out = append(out, p.keptLines(f, o.ID, w)...)
	}
	out = append(out, p.hiddenLines(f, o, w)...)
	if o.Source.File != "" && h > sourceFrom {
		out = append(out, paint.Cut("   "+f.Dim.Paint(source(o.Source)), w))
	}
	return out[:min(len(out), max(h, 1))]
}

func source(s model.Source) string {
	if s.Line > 0 {
		return fmt.Sprintf("%s:%d", sanitize.Line(s.File), s.Line)
	}
	return sanitize.Line(s.File)
}
