package proposed

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/paint"
	"github.com/fairtide-dev/fairtide/tui/theme"
	"github.com/fairtide-dev/fairtide/tui/words"
)

// Draw draws the page's body.
func (p *Page) Draw(f frame.Frame) frame.Body {
	s := &p.Proposals
	var top []string
	switch {
	case s.Err != nil:
		top = append(f.Problem(s.Err, true, f.W), "")
	case !s.Loaded && s.Slow(f.Now):
		top = []string{"", "   " + f.Dim.Paint("Asking the forge for open pull requests "+f.Glyph.Ellipsis)}
	case s.Loaded && len(s.Value) == 0:
		top = []string{"", "   " + f.Good.Paint(f.Glyph.OK) + f.Dim.Paint(" no open pull request touches "+sanitize.Line(p.Environment.Name))}
	}
	top = top[:min(len(top), f.H)]
	if len(s.Value) == 0 {
		return frame.Body{Lines: top}
	}
	f.H -= len(top)
	if f.W < frame.TwoColumns {
		rows := min(p.list.Len(), max(2, f.H/3))
		out := append([]string{p.heading(f, f.W)}, p.rows(f, f.W, rows)...)
		out = append(out, f.Line(f.W))
		p.drawn.list = frame.Area{Y: len(top) + 1, W: f.W, H: rows}
		p.drawn.detail = frame.Area{Y: len(top) + len(out), W: f.W, H: f.H - len(out)}
		out = append(out, p.detail(f, f.W, f.H-len(out))...)
		return frame.Body{Lines: append(top, out[:min(len(out), f.H)]...)}
	}
	lw := p.drawn.divider.Column(min(max(72, min(110, f.W*54/100)), f.W-46), f.W)
	p.drawn.list = frame.Area{Y: len(top) + 2, W: lw, H: f.H - 2}
	p.drawn.detail = frame.Area{X: lw + 1, Y: len(top), W: f.W - lw - 1, H: f.H}
	left := append([]string{p.heading(f, lw), ""}, p.rows(f, lw, f.H-2)...)
	sep := f.Rule.Paint(f.Glyph.Vertical)
	body := frame.Body{Lines: append(top, paint.Columns(left, p.detail(f, f.W-lw-1, f.H), lw, sep, f.H)...)}
	if len(top) == 0 {
		body.Split = lw
	}
	return body
}

// cells are the widths of the columns behind a pull request's title; merge and
// sandbox are left out where it is narrow.
type cells struct {
	number, author, approved, checks, merge, sandbox int
}

func (p *Page) cells(w int) cells {
	c := cells{approved: len("approved"), checks: len("checks")}
	if w >= 66 {
		c.merge, c.sandbox = len("merge"), len("sandbox")
	}
	for _, pr := range p.Proposals.Value {
		c.number = max(c.number, 1+len(strconv.Itoa(pr.Number)))
		c.author = max(c.author, paint.Width(sanitize.Line(pr.Author)))
	}
	c.author = min(c.author, max(6, w/8))
	return c
}

// behind is how many cells stand behind the title.
func (c cells) behind() int {
	n := 0
	for _, w := range []int{c.author, c.approved, c.checks, c.merge, c.sandbox} {
		if w > 0 {
			n += 2 + w
		}
	}
	return n + 1
}

const rowLead = 3 // the cursor's mark

func (p *Page) heading(f frame.Frame, w int) string {
	c := p.cells(w)
	room := max(0, w-c.behind())
	line := paint.Fit(" "+f.Title.Paint("OPEN PULL REQUESTS"), room)
	for _, col := range []struct {
		name  string
		width int
	}{{"by", c.author}, {"approved", c.approved}, {"checks", c.checks}, {"merge", c.merge}, {"sandbox", c.sandbox}} {
		if col.width > 0 {
			line += "  " + f.Dim.Paint(paint.Fit(col.name, col.width))
		}
	}
	return paint.Cut(line, w)
}

func (p *Page) rows(f frame.Frame, w, h int) []string {
	c := p.cells(w)
	var out []string
	from, to := p.list.Window(h)
	for i := from; i < to; i++ {
		out = append(out, p.row(f, p.Proposals.Value[i], i == p.list.Index(), c, w))
	}
	return out
}

func (p *Page) row(f frame.Frame, pr model.Proposed, selected bool, c cells, w int) string {
	row := f.Row(selected, !p.inDetail)
	title := sanitize.Line(pr.Title)
	if pr.Draft {
		title = "draft: " + title
	}
	room := max(0, w-c.behind()-rowLead-c.number-1)
	line := f.Mark(selected, !p.inDetail) + f.Accent.Paint(paint.Fit("#"+strconv.Itoa(pr.Number), c.number)) + " " +
		row.Paint(paint.Fit(title, room)) + "  " + f.Dim.Paint(paint.Fit(sanitize.Line(pr.Author), c.author))
	cell := func(width int, look theme.Style, text string) {
		if width > 0 {
			line += "  " + look.Paint(paint.Fit(text, width))
		}
	}
	glyph, look := p.approved(f, pr)
	cell(c.approved, look, glyph+" "+p.approvals(pr))
	glyph, look = f.Check(pr.Checks)
	cell(c.checks, look, glyph)
	glyph, look, _ = mergeable(f, pr.Mergeable)
	cell(c.merge, look, glyph)
	glyph, look = f.Check(sandbox(pr))
	cell(c.sandbox, look, glyph)
	return paint.Cut(line, w)
}

func sandbox(pr model.Proposed) model.CheckState {
	if pr.Validation == nil {
		return model.CheckNone
	}
	return pr.Validation.State
}

// approvals are how many there are of how many wanted.
func (p *Page) approvals(pr model.Proposed) string {
	if p.Environment.Requires.Approvals == 0 {
		return strconv.Itoa(len(pr.Approvals))
	}
	return fmt.Sprintf("%d of %d", len(pr.Approvals), p.Environment.Requires.Approvals)
}

func (p *Page) approved(f frame.Frame, pr model.Proposed) (string, theme.Style) {
	switch {
	case len(pr.Objections()) > 0:
		return f.Glyph.Failed, f.Bad
	case len(pr.Approvals) >= max(1, p.Environment.Requires.Approvals):
		return f.Glyph.OK, f.Good
	case len(pr.StaleApprovals()) > 0:
		return f.Glyph.Risk, f.Warn
	}
	return f.Glyph.Waiting, f.Dim
}

func mergeable(f frame.Frame, m model.Mergeable) (string, theme.Style, string) {
	switch m {
	case model.MergeableYes:
		return f.Glyph.OK, f.Good, "without a conflict"
	case model.MergeableConflict:
		return f.Glyph.Failed, f.Bad, "in conflict with its base"
	}
	return f.Glyph.Unpredictable, f.Warn, "not known yet; " + f.Key(action.Refresh, action.Proposed) + " asks again"
}

// detail is the selected pull request: what it needs, and what speaks for it.
func (p *Page) detail(f frame.Frame, w, h int) []string {
	pr, ok := p.Selected()
	if !ok || h <= 0 {
		return nil
	}
	title := " " + f.Accent.Paint("#"+strconv.Itoa(pr.Number)) + "  " + f.Bold.Paint(sanitize.Line(pr.Title))
	lines := p.detailLines(f, pr, w)
	room := max(0, h-1)
	p.scroll = max(0, min(p.scroll, len(lines)-room))
	end := min(len(lines), p.scroll+room)
	aside := ""
	if len(lines) > room {
		aside = fmt.Sprintf("%d of %d lines", end, len(lines))
		if !p.inDetail {
			aside = f.Key(action.NextPane, action.Proposed) + " scrolls, " + aside
		}
	}
	return append([]string{paint.Spread(title, f.Dim.Paint(aside)+" ", w)}, lines[p.scroll:end]...)
}

func (p *Page) detailLines(f frame.Frame, pr model.Proposed, w int) []string {
	from := sanitize.Line(pr.Ref)
	if from == "" {
		from = "its branch"
	}
	out := []string{
		paint.Cut("   "+f.Dim.Paint("by "+sanitize.Line(pr.Author)+", opened "+words.Ago(f.Now.Sub(pr.CreatedAt))+", updated "+words.Ago(f.Now.Sub(pr.UpdatedAt))), w),
		paint.Cut("   "+f.Dim.Paint(f.Commit(pr.Head)+" from "+from+" into "+sanitize.Line(pr.Base)), w),
		"",
	}
	out = append(out, unmet(f, pr, w)...)
	if pr.Problem != "" {
		out = append(out, mark(f.Glyph.Risk, f.Warn, "It could not be rendered: "+pr.Problem, w)...)
	}
	out = append(out, "")
	out = append(out, objects(f, pr, w)...)
	out = append(out, p.evidence(f, pr, w)...)
	out = append(out, reviews(f, pr, w)...)
	out = append(out, checks(f, pr, w)...)
	return append(out, files(f, pr, w)...)
}

// unmet are the requirements that are not met, each with what would satisfy it.
func unmet(f frame.Frame, pr model.Proposed, w int) []string {
	if len(pr.Unmet) == 0 {
		return []string{paint.Cut("   "+f.Good.Paint(f.Glyph.OK+" every requirement is met")+f.Dim.Paint("; ")+f.Press(action.Merge, action.Proposed)+f.Dim.Paint(" merges it"), w)}
	}
	out := []string{paint.Cut("   "+f.Dim.Paint("before it can be merged:"), w)}
	for _, u := range pr.Unmet {
		out = append(out, mark(f.Glyph.Failed, f.Bad, u, w)...)
	}
	return out
}

// mark is a text after a glyph, in as many lines as it takes.
func mark(glyph string, look theme.Style, text string, w int) []string {
	var out []string
	for i, l := range paint.Wrap(sanitize.Line(text), w-6) {
		lead := "     "
		if i == 0 {
			lead = "   " + look.Paint(glyph) + " "
		}
		out = append(out, lead+l)
	}
	return out
}

func objects(f frame.Frame, pr model.Proposed, w int) []string {
	if pr.Problem != "" && len(pr.Objects) == 0 {
		return nil
	}
	out := []string{f.Heading("OBJECTS", words.Count(len(pr.Objects), "object"), w)}
	if len(pr.Objects) == 0 {
		return append(out, "   "+f.Dim.Paint("no object changes"), "")
	}
	for _, o := range pr.Objects {
		glyph, look := f.Verdict(o.Verdict)
		line := "   " + look.Paint(glyph) + " " + sanitize.Line(o.ID.String())
		summary := sanitize.Line(o.Summary)
		if summary == "" {
			summary = string(o.Verdict)
		}
		if paint.Width(line)+2+paint.Width(summary) <= w {
			out = append(out, line+"  "+f.Dim.Paint(summary))
			continue
		}
		out = append(out, paint.Cut(line, w), paint.Cut("       "+f.Dim.Paint(summary), w))
	}
	return append(out, "")
}

// evidence is what is known of trying it: the sandbox, and the merge itself.
func (p *Page) evidence(f frame.Frame, pr model.Proposed, w int) []string {
	out := []string{f.Heading("EVIDENCE", "", w)}
	glyph, look := f.Check(sandbox(pr))
	text := "sandbox: not validated yet"
	if v := pr.Validation; v != nil {
		text = "sandbox: " + checkWord(v.State)
		if v.Description != "" {
			text += ", " + v.Description
		}
	}
	out = append(out, mark(glyph, look, text, w)...)
	glyph, look, text = mergeable(f, pr.Mergeable)
	return append(append(out, mark(glyph, look, "merge: "+text, w)...), "")
}

func checkWord(s model.CheckState) string {
	switch s {
	case model.CheckSuccess:
		return "passed"
	case model.CheckFailure:
		return "failed"
	case model.CheckPending:
		return "under way"
	}
	return sanitize.Line(string(s))
}

func reviews(f frame.Frame, pr model.Proposed, w int) []string {
	out := []string{f.Heading("REVIEWS", "", w)}
	if len(pr.Reviews) == 0 {
		return append(out, "   "+f.Dim.Paint("nobody has reviewed it"), "")
	}
	for _, r := range pr.Reviews {
		glyph, look := f.Glyph.Dash, f.Dim
		text := r.Author + " " + string(r.State)
		switch {
		case r.State == model.ReviewApproved && r.Stale && r.Commit == "":
			glyph, look, text = f.Glyph.Risk, f.Warn, text+", but a commit that is gone: stale"
		case r.State == model.ReviewApproved && r.Stale:
			glyph, look, text = f.Glyph.Risk, f.Warn, text+", but the earlier "+model.Short(r.Commit)+": stale"
		case r.State == model.ReviewApproved:
			glyph, look = f.Glyph.OK, f.Good
		case r.State == model.ReviewChanges:
			glyph, look, text = f.Glyph.Failed, f.Bad, r.Author+" asks for changes"
		}
		if !r.At.IsZero() {
			text += ", " + words.Ago(f.Now.Sub(r.At))
		}
		out = append(out, mark(glyph, look, text, w)...)
	}
	return append(out, "")
}

func checks(f frame.Frame, pr model.Proposed, w int) []string {
	glyph, _ := f.Check(pr.Checks)
	word := checkWord(pr.Checks)
	if pr.Checks == "" {
		word = "not asked for"
	}
	out := []string{f.Heading("CHECKS", glyph+" "+word, w)}
	if pr.ChecksNote != "" {
		out = append(out, mark(f.Glyph.Risk, f.Warn, pr.ChecksNote, w)...)
	}
	for _, c := range pr.CheckRuns {
		glyph, look := f.Check(c.State)
		text := c.Name + ": " + checkWord(c.State)
		if c.Description != "" {
			text += ", " + c.Description
		}
		out = append(out, mark(glyph, look, text, w)...)
	}
	return append(out, "")
}

func files(f frame.Frame, pr model.Proposed, w int) []string {
	aside := words.Count(len(pr.Files), "file")
	if pr.FilesCut {
		aside = "more than " + aside
	}
	out := []string{f.Heading("FILES", aside, w)}
	for _, file := range pr.Files {
		out = append(out, paint.Cut("   "+f.Dim.Paint(sanitize.Line(file)), w))
	}
	if pr.URL != "" {
		out = append(out, "")
		// Broken where the column ends and nowhere else, so that it can be copied.
		for _, l := range strings.Split(ansi.HardwrapWc(sanitize.Line(pr.URL), w-4, false), "\n") {
			out = append(out, "   "+l)
		}
	}
	return out
}
