package review

import (
	"fmt"
	"strings"

	"github.com/fairtide-dev/fairtide/internal/lens"
	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
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
	if p.lens != model.LensApply {
		h.Left += "  lens " + string(p.lens)
		name += "  lens " + string(p.lens)
	}
	switch n := len(p.Shipped); {
	case p.Draft != nil:
		h.Left = name + "  " + sanitize.Line(p.Order.Of) + ", not pushed yet"
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
	switch {
	case p.zoom:
		return frame.Body{Lines: append(top, p.diff(f, f.W, f.H)...)}
	case f.W < frame.TwoColumns:
		return frame.Body{Lines: append(top, p.stacked(f)...)}
	}
	lw := max(36, min(56, f.W*28/100))
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
		out = append(out, f.Problem(p.Plan.Err, "ctrl+r", f.W)...)
	case p.Plan.Slow(f.Now):
		out = append(out, "   "+f.Dim.Paint("Asking the cluster what applying would change "+f.Glyph.Ellipsis))
	}
	return out
}

// notices are what must be read before anything else: an error of the last
// reading, and why the plan must not be applied.
func (p *Page) notices(f frame.Frame) []string {
	var out []string
	if p.Plan.Err != nil {
		out = append(out, f.Problem(p.Plan.Err, "ctrl+r", f.W)...)
		out = append(out, "   "+f.Dim.Paint("below is the plan as read "+words.Ago(f.Now.Sub(p.Plan.At))))
	}
	if problem := p.Plan.Value.Problem; problem != "" {
		for i, l := range paint.Wrap("This plan cannot be applied: "+sanitize.Line(problem), f.W-5) {
			mark := "   "
			if i == 0 {
				mark = " " + f.Bad.Paint(f.Glyph.Failed) + " "
			}
			out = append(out, mark+f.Bad.Paint(l))
		}
	}
	if len(out) > 0 {
		out = append(out, f.Line(f.W))
	}
	return out[:min(len(out), f.H/2)]
}

// left is the list of objects and, below, the risks.
func (p *Page) left(f frame.Frame, w int) []string {
	room := f.H - 2
	risks := p.risks(f, w, room)
	listed := min(p.objects.Len(), max(room-len(risks)-1, room*3/5))
	out := []string{p.summary(f, w), ""}
	out = append(out, p.rows(f, w, listed)...)
	if len(risks) > 0 && room-listed > 3 {
		out = append(out, "")
		left := f.H - len(out)
		if len(risks) > left {
			risks = append(risks[:left-1], "   "+f.Dim.Paint("more with their objects"))
		}
		out = append(out, risks...)
	}
	return out
}

// summary says how much of the plan changes.
func (p *Page) summary(f frame.Frame, w int) string {
	plan := p.seen
	c := plan.Counts()
	total := len(plan.Objects)
	text := fmt.Sprintf("%d of %s", total-c.Unchanged, words.Count(total, "object"))
	if total == c.Unchanged {
		text = "no changes in " + words.Count(total, "object")
	}
	aside, moved := p.freshness()
	switch {
	case moved:
		return paint.Spread(" "+f.Title.Paint(strings.ToUpper(text[:1])+text[1:]), f.Warn.Paint(aside)+" ", w)
	case p.Plan.Slow(f.Now):
		aside = "reading " + f.Glyph.Ellipsis
	default:
		aside = "read " + words.Ago(f.Now.Sub(p.Plan.At))
	}
	return paint.Spread(" "+f.Title.Paint(strings.ToUpper(text[:1])+text[1:]), f.Dim.Paint(aside)+" ", w)
}

// rows are the objects by verdict, h lines at most.
func (p *Page) rows(f frame.Frame, w, h int) []string {
	counts := map[model.Verdict]int{}
	for _, o := range p.seen.Objects {
		counts[o.Verdict]++
	}
	var out []string
	from, to := p.objects.Window(h)
	for i := from; i < to; i++ {
		item := p.objects.Item(i)
		if item.Heading && item.Key.verdict == "" {
			out = append(out, "")
			continue
		}
		if item.Heading {
			out = append(out, p.heading(f, item.Key.verdict, counts[item.Key.verdict], w))
			continue
		}
		out = append(out, p.objectRow(f, item.Key.id, i == p.objects.Index(), w))
	}
	return out
}

func (p *Page) heading(f frame.Frame, v model.Verdict, n, w int) string {
	glyph, look := f.Verdict(v)
	line := "   " + look.Paint(glyph+" "+string(v)) + "  " + f.Dim.Paint(fmt.Sprint(n))
	if v == model.VerdictUnchanged {
		verb := "shows"
		if p.unchanged {
			verb = "hides"
		}
		line = paint.Spread(line, f.Accent.Paint("=")+f.Dim.Paint(" "+verb+" them")+" ", w)
	}
	return paint.Cut(line, w)
}

func (p *Page) objectRow(f frame.Frame, id model.ObjectID, selected bool, w int) string {
	o := p.seen.Objects[p.index[id]]
	row := f.Row(selected, !p.inDiff)
	risk := "  "
	if s, ok := worst(o.Risks); ok {
		risk = f.Severity(s).Paint(f.Glyph.Risk) + " "
	}
	kind := f.Dim
	if selected && !p.inDiff {
		kind = f.Cursor
	}
	line := f.Mark(selected, !p.inDiff) + risk + kind.Paint(sanitize.Line(id.Kind)) + " " + row.Paint(sanitize.Line(id.Name))
	if aside := p.aside(f, o); aside != "" {
		return paint.Spread(paint.Cut(line, w-paint.Width(aside)-1), aside, w)
	}
	return paint.Cut(line, w)
}

// worst is the gravest severity among risks.
func worst(risks []model.Risk) (model.Severity, bool) {
	for _, s := range []model.Severity{model.SeverityDanger, model.SeverityWarning, model.SeverityInfo} {
		for _, r := range risks {
			if r.Severity == s {
				return s, true
			}
		}
	}
	return "", false
}

// risks are those of the whole plan, the gravest first, in a few lines more
// than most at most.
func (p *Page) risks(f frame.Frame, w, most int) []string {
	var out []string
	for _, s := range []model.Severity{model.SeverityDanger, model.SeverityWarning, model.SeverityInfo} {
		for _, o := range p.seen.Objects {
			for _, r := range o.Risks {
				if r.Severity == s && len(out) <= most {
					out = append(out, riskLines(f, r, sanitize.Line(o.ID.Name)+": ", w)...)
				}
			}
		}
		for _, r := range p.seen.Risks {
			if r.Severity == s && len(out) <= most {
				out = append(out, riskLines(f, r, "", w)...)
			}
		}
	}
	if len(out) == 0 {
		return nil
	}
	return append([]string{" " + f.Title.Paint("RISKS")}, out...)
}

func riskLines(f frame.Frame, r model.Risk, of string, w int) []string {
	var out []string
	look := f.Severity(r.Severity)
	for i, l := range paint.Wrap(string(r.Severity)+": "+of+sanitize.Line(r.Message), w-6) {
		mark := "     "
		if i == 0 {
			mark = "   " + look.Paint(f.Glyph.Risk) + " "
		}
		out = append(out, paint.Cut(mark+look.Paint(l), w))
	}
	return out
}

// stacked is the page for a narrow screen: the objects above the diff.
func (p *Page) stacked(f frame.Frame) []string {
	listed := max(1, min(p.objects.Len(), f.H*2/5-1))
	if p.inDiff {
		listed = 1
	}
	out := []string{p.summary(f, f.W)}
	out = append(out, p.rows(f, f.W, listed)...)
	out = append(out, f.Line(f.W))
	return append(out, p.diff(f, f.W, f.H-len(out))...)
}

// diff is the selected object: its name, its risks, and its two sides.
func (p *Page) diff(f frame.Frame, w, h int) []string {
	o, ok := p.Selected()
	if !ok {
		return []string{"", "   " + f.Dim.Paint("no object is selected")}
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
	if room > 4 {
		room--
	}
	p.view.SetSize(w, room)
	if room < h-len(out) {
		before, after := lens.Titles(o.Verdict, p.lens)
		out = append(out, p.view.Titles(f.Theme, before, after))
	}
	return append(out, p.view.Lines(f.Theme)...)
}

func (p *Page) diffTitle(f frame.Frame, o model.PlannedObject, w int) string {
	glyph, look := f.Verdict(o.Verdict)
	left := " " + look.Paint(glyph) + " " + f.Bold.Paint(sanitize.Line(o.ID.String()))
	aside := ""
	if n, of := p.view.Hunk(); of > 0 {
		aside = fmt.Sprintf("hunk %d of %d", n, of)
	}
	if x := p.view.Offset(); x > 0 {
		aside += fmt.Sprintf("  from column %d", x+1)
	}
	return paint.Spread(left, f.Dim.Paint(aside)+" ", w)
}

// remarks are the reason and the risks of an object, h lines at most.
func (p *Page) remarks(f frame.Frame, o model.PlannedObject, w, h int) []string {
	var out []string
	if o.Reason != "" {
		for _, l := range paint.Wrap(sanitize.Line(o.Reason), w-6) {
			out = append(out, "   "+f.Warn.Paint(l))
		}
	}
	for _, r := range o.Risks {
		out = append(out, riskLines(f, r, "", w)...)
	}
	if o.Verdict == model.VerdictUnchanged && o.TakesOwnership {
		out = append(out, paint.Cut("   "+f.Dim.Paint("no value changes; fairtide becomes the fields' manager"), w))
	}
	out = append(out, p.keptLines(f, o.ID, w)...)
	out = append(out, p.hiddenLines(f, o, w)...)
	if o.Source.File != "" {
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
