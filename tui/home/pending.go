package home

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/paint"
	"github.com/fairtide-dev/fairtide/tui/words"
)

// right is the pending changes and, below, the selected one.
func (p *Page) right(f frame.Frame, w int) []string {
	env, ok := p.Environment()
	if !ok {
		return nil
	}
	out := []string{p.pendingHeading(f, env, w), ""}
	out = append(out, p.pendingRows(f, env, w, max(3, f.H/2-4), len(out))...)
	if _, ok := p.Change(); !ok {
		return out
	}
	out = append(out, "", f.Line(w))
	return append(out, p.changeDetail(f, env, w, f.H-len(out))...)
}

func (p *Page) pendingHeading(f frame.Frame, env model.Environment, w int) string {
	s := p.Pending(env.Name)
	l, all := p.list(env.Name), len(s.Value.Changes)
	aside := ""
	switch {
	case s.Slow(f.Now):
		aside = "reading " + f.Glyph.Ellipsis
	case p.query != "":
		aside = fmt.Sprintf("%d of %d match /%s", l.Len(), all, sanitize.Line(p.query))
	case p.inList && all > 1:
		aside = fmt.Sprintf("%d of %d, newest first", l.Index()+1, all)
	case all > 1:
		aside = "newest first"
	}
	return f.Heading("PENDING IN "+sanitize.Line(env.Name), paint.Cut(aside, w/2), w)
}

// widths are those of the columns of a list of changes.
type widths struct {
	number, author int
	told           bool // it is known of some how approvals and checks stand
}

func measure(changes []model.Change) widths {
	var out widths
	for _, c := range changes {
		out.number = max(out.number, paint.Width(frame.Change(c)))
		out.author = max(out.author, paint.Width(sanitize.Line(authorOf(c))))
		out.told = out.told || told(c)
	}
	return out
}

// told reports whether the forge has said how a change's pull request stands.
func told(c model.Change) bool {
	return c.PullRequest != nil && (c.PullRequest.Checks != "" || c.PullRequest.State != "")
}

// pendingRows are the changes in h lines, or a sentence why there are none. The
// first of them stands on line y of the body.
func (p *Page) pendingRows(f frame.Frame, env model.Environment, w, h, y int) []string {
	s := p.Pending(env.Name)
	pe := s.Value
	var out []string
	switch {
	case s.Err != nil:
		out = append(out, f.Problem(s.Err, true, w)...)
		if !s.Loaded {
			return out[:min(h, len(out))]
		}
	case !s.Loaded:
		return out
	}
	if pe.Diverged != "" {
		out = append(out, note(f, pe.Diverged, w)...)
	}
	if pe.Adopt {
		return append(out, note(f, "Never deployed by fairtide: everything at "+f.Commit(pe.Head.Hash)+" is pending. Review shows what would change.", w)...)
	}
	if len(pe.Changes) == 0 {
		return append(out, "   "+f.Good.Paint(f.Glyph.OK)+f.Dim.Paint(" everything merged is live"))
	}
	l := p.list(env.Name)
	if l.Len() == 0 {
		return append(out, paint.Cut("   "+f.Dim.Paint("none of "+words.Count(len(pe.Changes), "change")+" matches /"+sanitize.Line(p.query)), w))
	}
	from, to := l.Window(max(1, h-len(out)))
	p.drawn.changes = area{0, y + len(out), w, to - from}
	cols := p.widths[env.Name]
	cols.author = min(cols.author, max(6, w/5))
	for i, at := range p.shown[env.Name][from:to] {
		out = append(out, p.changeRow(f, pe.Changes[at], from+i == l.Index(), cols, w))
	}
	return out
}

func note(f frame.Frame, text string, w int) []string {
	var out []string
	for i, l := range paint.Wrap(sanitize.Line(text), w-5) {
		mark := "   "
		if i == 0 {
			mark = " " + f.Warn.Paint(f.Glyph.Risk) + " "
		}
		out = append(out, mark+l)
	}
	return out
}

// authorOf is who opened the pull request, else who wrote the commit.
func authorOf(c model.Change) string {
	if c.PullRequest != nil && c.PullRequest.Author != "" {
		return c.PullRequest.Author
	}
	return c.Author
}

func (p *Page) changeRow(f frame.Frame, c model.Change, selected bool, cols widths, w int) string {
	const age, mark, roomy = 4, 3, 50
	row := f.Row(selected, p.inList)
	state := ""
	if cols.told && w >= roomy {
		state = standing(f, c) + paint.Spaces(gap)
	}
	title := w - mark - cols.number - gap - gap - paint.Width(state) - cols.author - gap - age - 1
	warn := " "
	if c.Problem != "" {
		warn = f.Warn.Paint(f.Glyph.Risk)
	}
	return paint.Cut(f.Mark(selected, p.inList)+
		f.Accent.Paint(paint.Fit(frame.Change(c), cols.number))+" "+warn+
		row.Paint(paint.Fit(sanitize.Line(c.Title), title))+paint.Spaces(gap)+state+
		f.Dim.Paint(paint.Fit(sanitize.Line(authorOf(c)), cols.author)+paint.Spaces(gap)+
			paint.FitRight(words.Age(f.Now.Sub(c.MergedAt)), age)), w)
}

// standing is how many approve of a change, and how its checks stand, in as
// many cells for each.
func standing(f frame.Frame, c model.Change) string {
	const width = 6
	if !told(c) {
		return paint.Spaces(width)
	}
	glyph, look := f.Check(c.PullRequest.Checks)
	return paint.FitRight(fmt.Sprintf("%d ok", len(c.PullRequest.Approvals)), width-2) + " " + look.Paint(glyph)
}

// changeDetail answers "and what would that mean?" for the selected change.
func (p *Page) changeDetail(f frame.Frame, env model.Environment, w, h int) []string {
	c, ok := p.Change()
	if !ok || h <= 0 {
		return nil
	}
	out := []string{paint.Cut(" "+f.Accent.Paint(frame.Change(c))+"  "+f.Bold.Paint(sanitize.Line(c.Title)), w)}
	for i, l := range paint.Wrap(p.provenance(f, env, c), w-4) {
		if i == 0 || h > 10 && i < 3 {
			out = append(out, "   "+f.Dim.Paint(l))
		}
	}
	out = append(out, "")
	if c.Problem != "" {
		out = append(out, note(f, "Its render could not be judged: "+c.Problem, w)...)
	}
	out = append(out, p.objectLines(f, env.Name, c, w, h-len(out))...)
	shipped, newer := p.Shipped(env.Name, c.Commit)
	out = append(out, "", paint.Cut("   "+consequence(f, shipped, newer), w))
	if n := p.hidden(env.Name, newer); n > 0 {
		out = append(out, paint.Cut("   "+f.Warn.Paint(f.Glyph.Risk+" "+words.Count(n, "change")+" of those the filter hides"), w))
	}
	if c.Signature.State != "" {
		out = append(out, paint.Cut("   "+f.Signature(c.Signature), w))
	}
	if people := people(c); people != "" {
		out = append(out, paint.Cut("   "+f.Dim.Paint(people), w))
	}
	if len(c.Files) > 0 {
		out = append(out, paint.Cut("   "+f.Dim.Paint(words.Count(len(c.Files), "file")+"  "+sanitize.Line(words.List(c.Files, 3))), w))
	}
	return paint.Squeeze(out, h)
}

// hidden counts the changes of an environment from the i-th on that the filter
// does not list.
func (p *Page) hidden(env string, i int) int {
	shown := p.shown[env]
	at, _ := slices.BinarySearch(shown, i)
	return len(p.Pending(env).Value.Changes) - i - (len(shown) - at)
}

// people are those who had a part in a change besides who it is told to be by.
func people(c model.Change) string {
	var parts []string
	if by := authorOf(c); c.Author != "" && c.Author != by {
		parts = append(parts, "written by "+sanitize.Line(c.Author))
	}
	if len(c.CoAuthors) > 0 {
		parts = append(parts, "with "+sanitize.Line(words.List(c.CoAuthors, 2)))
	}
	if c.Committer != "" {
		parts = append(parts, "committed by "+sanitize.Line(c.Committer))
	}
	return strings.Join(parts, ", ")
}

// provenance says who made a change, who let it in, and when.
func (p *Page) provenance(f frame.Frame, env model.Environment, c model.Change) string {
	var parts []string
	if a := authorOf(c); a != "" {
		parts = append(parts, "by "+sanitize.Line(a))
	}
	parts = append(parts, "merged "+words.Clock(c.MergedAt.In(frame.Zone(env, f.Now)), f.Now)+" as "+f.Commit(c.Commit))
	if told(c) {
		if who := c.PullRequest.Approvals; len(who) > 0 {
			parts = append(parts, "approved by "+sanitize.Line(words.List(who, 3)))
		} else {
			parts = append(parts, "approved by nobody")
		}
		switch c.PullRequest.Checks {
		case model.CheckSuccess:
			parts = append(parts, "checks green")
		case model.CheckFailure:
			parts = append(parts, "checks failed")
		case model.CheckPending:
			parts = append(parts, "checks under way")
		}
	}
	return strings.Join(parts, ", ")
}

// objectLines are the objects a change touches, with what changes in a word and
// what is risky about it.
func (p *Page) objectLines(f frame.Frame, env string, c model.Change, w, h int) []string {
	if len(c.Objects) == 0 {
		if c.Problem != "" {
			return nil
		}
		return []string{"   " + f.Dim.Paint("no object changes")}
	}
	const below, roomy = 6, 8 // what is said after them, and from when on there is room for it
	var out []string
	if h > roomy {
		h -= below
		out = append(out, "   changes "+words.Count(len(c.Objects), "object")+":")
	}
	h = max(h, 3)
	name := 0
	for _, o := range c.Objects[:min(len(c.Objects), h)] {
		name = max(name, paint.Width(sanitize.Line(o.ID.String())))
	}
	name = min(name, max(20, (w-8)*3/5))
	for i, o := range c.Objects {
		lines := p.objectLine(f, env, c, o, name, w)
		if rest := len(c.Objects) - i; len(out)+len(lines) > h-1 && rest > 1 {
			return append(out, "     "+f.Dim.Paint(fmt.Sprintf("and %d more", rest)))
		}
		out = append(out, lines...)
	}
	return out
}

func (p *Page) objectLine(f frame.Frame, env string, c model.Change, o model.ChangedObject, name, w int) []string {
	glyph, look := f.Verdict(o.Verdict)
	summary := o.Summary
	if summary == "" && o.Verdict != model.VerdictUpdate {
		summary = string(o.Verdict)
	}
	line := "     " + look.Paint(glyph) + " " + paint.Fit(sanitize.Line(o.ID.String()), name) + "  " + f.Dim.Paint(sanitize.Line(summary))
	out := []string{paint.Cut(line, w)}
	for i, r := range p.risksOf(env, c, o) {
		text := f.Severity(r.Severity).Paint(f.Glyph.Risk + " " + sanitize.Line(r.Message))
		if i == 0 && paint.Width(line)+gap+paint.Width(text) <= w {
			out[0] = line + paint.Spaces(gap) + text
			continue
		}
		out = append(out, paint.Cut("       "+text, w))
	}
	return out
}

// consequence says what shipping this one brings along and leaves behind.
func consequence(f frame.Frame, shipped []model.Change, newer int) string {
	const most = 5
	names := make([]string, 0, most+1)
	for _, c := range shipped[:min(len(shipped), most)] {
		names = append(names, frame.Change(c))
	}
	out := "ships " + strings.Join(names, ", ")
	if rest := len(shipped) - most; rest > 0 {
		out += fmt.Sprintf(" and %d more", rest)
	}
	if newer > 0 {
		out += f.Dim.Paint("; " + stays(newer))
	}
	return out
}

func stays(newer int) string {
	if newer == 1 {
		return "1 newer change stays pending"
	}
	return fmt.Sprintf("%d newer changes stay pending", newer)
}
