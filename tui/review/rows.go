package review

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/paint"
	"github.com/fairtide-dev/fairtide/tui/words"
)

// summary says how much of the plan changes, and on a narrow screen how much of
// that was read.
func (p *Page) summary(f frame.Frame, w int) string {
	total := len(p.seen.Objects)
	text := fmt.Sprintf("%d of %s", total-p.counts.Unchanged, words.Count(total, "object"))
	if total == p.counts.Unchanged {
		text = "No changes in " + words.Count(total, "object")
	}
	left := " " + f.Title.Paint(text)
	n, of := p.Unreviewed()
	switch {
	case f.W >= frame.TwoColumns || of == 0: // there is a line for that
	case n == 0:
		left += "  " + f.Good.Paint(f.Glyph.OK+" all reviewed")
	default:
		left += "  " + f.Dim.Paint(fmt.Sprintf("%d of %d reviewed", of-n, of))
	}
	aside, moved := p.freshness()
	switch {
	case moved:
		return paint.Spread(left, f.Warn.Paint(aside)+" ", w)
	case p.Plan.Slow(f.Now):
		aside = words.Ago(f.Now.Sub(p.Plan.At)) + ", reading " + f.Glyph.Ellipsis
	default:
		aside = "read " + words.Ago(f.Now.Sub(p.Plan.At))
	}
	return paint.Spread(left, f.Dim.Paint(aside)+" ", w)
}

// barCells is how long the bar of the progress is.
const barCells = 12

// progress says how much was read, on a line of its own.
func (p *Page) progress(f frame.Frame, w int) []string {
	n, of := p.Unreviewed()
	if of == 0 {
		return []string{""}
	}
	if n == 0 {
		return []string{paint.Cut(" "+f.Good.Paint(fmt.Sprintf("%s all %d reviewed", f.Glyph.OK, of)), w)}
	}
	full := (of - n) * barCells / of
	bar := f.Good.Paint(strings.Repeat(f.Glyph.Full, full)) + f.Dim.Paint(strings.Repeat(f.Glyph.Rest, barCells-full))
	return []string{paint.Cut(" "+bar+"  "+f.Dim.Paint(fmt.Sprintf("%d of %d reviewed", of-n, of)), w)}
}

// filterLine says what the list is narrowed to, and that more is there.
func (p *Page) filterLine(f frame.Frame, w int) []string {
	if !p.filter.active() {
		return nil
	}
	left := " " + f.Press(action.Filter, action.Review) + " " + sanitize.Line(p.filter.text)
	return []string{paint.Spread(left, f.Warn.Paint(p.filterWords())+" ", w)}
}

// rows are the objects under their headings, h lines at most. at is the line of
// the page that the first of them stands on.
func (p *Page) rows(f frame.Frame, w, h, at int) []string {
	from, to := p.objects.Window(h)
	p.at.listY, p.at.from, p.at.to = at, from, to
	out := make([]string, 0, to-from)
	for i := from; i < to; i++ {
		item := p.objects.Item(i)
		selected := i == p.objects.Index()
		g := p.group(item.Key.group)
		switch {
		case g != nil:
			out = append(out, p.heading(f, g, selected, w))
		case item.Heading:
			out = append(out, "")
		default:
			out = append(out, p.objectRow(f, item.Key.id, selected, w))
		}
	}
	return out
}

func (p *Page) objectRow(f frame.Frame, id model.ObjectID, selected bool, w int) string {
	o := &p.seen.Objects[p.index[id]]
	row := f.Row(selected, !p.inDiff)
	line := f.Mark(selected, !p.inDiff)
	if p.Reviewed(id) == model.ReviewedAlready {
		line += f.Good.Paint(f.Glyph.OK) + " "
	} else {
		line += "  "
	}
	if s := o.Gravest(); s != "" {
		line += f.Severity(s).Paint(f.Glyph.Risk) + " "
	} else {
		line += "  "
	}
	if p.by != byVerdict && o.Verdict.Differs() {
		glyph, look := f.Verdict(o.Verdict)
		line += look.Paint(glyph) + " "
	}
	kind := f.Dim
	if selected && !p.inDiff {
		kind = f.Cursor
	}
	if p.by != byKind || !o.Verdict.Differs() {
		line += kind.Paint(sanitize.Line(id.Kind)) + " "
	}
	line += row.Paint(sanitize.Line(id.Name))
	if aside := p.aside(f, o, w-paint.Width(line)-2); aside != "" {
		return paint.Spread(paint.Cut(line, w-paint.Width(aside)-1), aside, w)
	}
	return paint.Cut(line, w)
}

// aside is a word at the end of an object's row: what presses comes first, and
// what is only of use is left out where there is no room for it.
func (p *Page) aside(f frame.Frame, o *model.PlannedObject, room int) string {
	switch {
	case p.moved.since[o.ID]:
		return f.Warn.Paint("changed") + " "
	case p.Reviewed(o.ID) == model.ReviewedBefore:
		return f.Warn.Paint("review again") + " "
	case o.OnlyHidden && !p.hidden:
		return f.Dim.Paint("only hidden") + " "
	}
	alike, short, causes := "", "", causeWords(o)
	if k := p.kin(o.ID); k != nil {
		short = fmt.Sprintf("×%d", len(k.ids))
		alike = "alike " + short
	}
	for _, text := range []string{strings.TrimSpace(alike + "  " + causes), alike, short, causes} {
		if text != "" && paint.Width(text) < room {
			return f.Dim.Paint(text) + " "
		}
	}
	return ""
}

// causesShown is how many causes a row names.
const causesShown = 2

// causeWords name what a row's object differs by: pull requests, and drift.
func causeWords(o *model.PlannedObject) string {
	var out []string
	for i := range o.Causes {
		word := ""
		switch c := &o.Causes[i]; {
		case c.PullRequest > 0:
			word = "#" + strconv.Itoa(c.PullRequest)
		case c.Kind == model.CauseDrift:
			word = "drift"
		}
		if word != "" && !slices.Contains(out, word) && len(out) < causesShown {
			out = append(out, word)
		}
	}
	return strings.Join(out, " ")
}

// markLines say that an object is to be read again, and what else changes like
// it.
func (p *Page) markLines(f frame.Frame, id model.ObjectID, w int) []string {
	var out []string
	state := p.Reviewed(id)
	if state == model.ReviewedBefore {
		out = append(out, paint.Cut("   "+f.Warn.Paint("changed since you reviewed it"), w))
	}
	k := p.kin(id)
	if k == nil {
		return out
	}
	others := len(k.ids) - 1
	line := "   " + f.Dim.Paint(sanitize.Line(fmt.Sprintf("%s alike (%s)", words.Count(others, "other")+changeWord(others), k.what)))
	switch {
	case p.Past != nil:
	case state != model.ReviewedAlready:
		line += f.Dim.Paint(": ") + f.Press(action.AcceptAlike, action.Review) + f.Dim.Paint(" marks all as reviewed")
	case p.marking.accepted[k] != nil:
		line += f.Dim.Paint(": ") + f.Press(action.AcceptAlike, action.Review) + f.Dim.Paint(" takes back that all are reviewed")
	}
	return append(out, paint.Cut(line, w))
}

func changeWord(n int) string {
	if n == 1 {
		return " changes"
	}
	return " change"
}

// riskAt is a risk of a plan, and whose it is.
type riskAt struct {
	risk   model.Risk
	object int // of the plan; -1: the plan's as a whole
}

// risksOf are the risks of a plan, the gravest first.
func risksOf(plan *model.Plan) []riskAt {
	var out []riskAt
	for i := range plan.Objects {
		for _, r := range plan.Objects[i].Risks {
			out = append(out, riskAt{r, i})
		}
	}
	for _, r := range plan.Risks {
		out = append(out, riskAt{r, -1})
	}
	slices.SortStableFunc(out, func(a, b riskAt) int { return b.risk.Severity.Compare(a.risk.Severity) })
	return out
}

// risks are those of the whole plan, the gravest first, in a few lines more
// than most at most.
func (p *Page) risks(f frame.Frame, w, most int) []string {
	var out []string
	for i := 0; i < len(p.risky) && len(out) <= most; i++ {
		r := &p.risky[i]
		text := r.risk.Message
		if r.object >= 0 {
			text = RiskWords(p.seen.Objects[r.object], r.risk)
		}
		out = append(out, riskLines(f, r.risk, text, w)...)
	}
	if len(out) == 0 {
		return nil
	}
	title := "RISKS"
	if p.Past != nil {
		title = "RESULTS"
	}
	return append([]string{" " + f.Title.Paint(title)}, out...)
}

func riskLines(f frame.Frame, r model.Risk, text string, w int) []string {
	var out []string
	look := f.Severity(r.Severity)
	for i, l := range paint.Wrap(string(r.Severity)+": "+sanitize.Line(text), w-6) {
		mark := inner
		if i == 0 {
			mark = "   " + look.Paint(f.Glyph.Risk) + " "
		}
		out = append(out, paint.Cut(mark+look.Paint(l), w))
	}
	return out
}
