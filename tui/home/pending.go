package home

import (
	"fmt"
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
	out = append(out, p.pendingRows(f, env, w, max(3, f.H/2-4))...)
	if _, ok := p.Change(); !ok {
		return out
	}
	out = append(out, "", f.Line(w))
	return append(out, p.changeDetail(f, env, w, f.H-len(out))...)
}

func (p *Page) pendingHeading(f frame.Frame, env model.Environment, w int) string {
	s := p.Pending(env.Name)
	aside := ""
	switch {
	case s.Slow(f.Now):
		aside = "reading " + f.Glyph.Ellipsis
	case len(s.Value.Changes) > 1:
		aside = "newest first"
	}
	return f.Heading("PENDING IN "+sanitize.Line(env.Name), aside, w)
}

// pendingRows are the changes in h lines, or a sentence why there are none.
func (p *Page) pendingRows(f frame.Frame, env model.Environment, w, h int) []string {
	s := p.Pending(env.Name)
	pe := s.Value
	var out []string
	switch {
	case s.Err != nil:
		out = append(out, f.Problem(s.Err, "ctrl+r", w)...)
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
	from, to := l.Window(max(1, h-len(out)))
	number, author := 0, 0
	for _, c := range pe.Changes {
		number = max(number, paint.Width(frame.Change(c)))
		author = max(author, paint.Width(sanitize.Line(authorOf(c))))
	}
	author = min(author, max(6, w/5))
	for i, c := range pe.Changes[from:to] {
		out = append(out, p.changeRow(f, c, from+i == l.Index(), number, author, w))
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

func (p *Page) changeRow(f frame.Frame, c model.Change, selected bool, number, author, w int) string {
	const age, mark, gap = 4, 3, 2
	row := f.Row(selected, p.inList)
	title := w - mark - number - gap - gap - author - gap - age - 1
	warn := " "
	if c.Problem != "" {
		warn = f.Warn.Paint(f.Glyph.Risk)
	}
	return paint.Cut(f.Mark(selected, p.inList)+
		f.Accent.Paint(paint.Fit(frame.Change(c), number))+" "+warn+
		row.Paint(paint.Fit(sanitize.Line(c.Title), title))+"  "+
		f.Dim.Paint(paint.Fit(sanitize.Line(authorOf(c)), author)+"  "+
			paint.FitRight(words.Age(f.Now.Sub(c.MergedAt)), age)), w)
}

// changeDetail answers "and what would that mean?" for the selected change.
func (p *Page) changeDetail(f frame.Frame, env model.Environment, w, h int) []string {
	c, ok := p.Change()
	if !ok || h <= 0 {
		return nil
	}
	out := []string{paint.Cut(" "+f.Accent.Paint(frame.Change(c))+"  "+f.Bold.Paint(sanitize.Line(c.Title)), w)}
	out = append(out, paint.Cut("   "+f.Dim.Paint(p.provenance(f, env, c)), w))
	if c.Signature.State != "" {
		out = append(out, paint.Cut("   "+f.Signature(c.Signature), w))
	}
	if people := people(c); people != "" {
		out = append(out, paint.Cut("   "+f.Dim.Paint(people), w))
	}
	out = append(out, "")
	if c.Problem != "" {
		out = append(out, note(f, "Its render could not be judged: "+c.Problem, w)...)
	}
	out = append(out, objectLines(f, c, w, max(3, h-len(out)-6))...)
	shipped, newer := p.Shipped(env.Name, c.Commit)
	out = append(out, "", paint.Cut("   "+consequence(f, shipped, newer), w))
	if len(c.Files) > 0 {
		out = append(out, paint.Cut("   "+f.Dim.Paint(words.Count(len(c.Files), "file")+"  "+sanitize.Line(words.List(c.Files, 3))), w))
	}
	out = append(out, "   "+f.Accent.Paint("c")+f.Dim.Paint(" shows it in full"))
	return paint.Squeeze(out, h)
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

func (p *Page) provenance(f frame.Frame, env model.Environment, c model.Change) string {
	zone := frame.Zone(env, f.Now)
	out := "merged " + words.Clock(c.MergedAt.In(zone), f.Now)
	if a := authorOf(c); a != "" {
		out = "by " + sanitize.Line(a) + ", " + out
	}
	out += " as " + f.Commit(c.Commit)
	if c.PullRequest != nil && len(c.PullRequest.Approvals) > 0 {
		out += ", approved by " + sanitize.Line(words.List(c.PullRequest.Approvals, 3))
	}
	return out
}

// objectLines are the objects a change touches, with what changes in a word.
func objectLines(f frame.Frame, c model.Change, w, h int) []string {
	if len(c.Objects) == 0 {
		if c.Problem != "" {
			return nil
		}
		return []string{"   " + f.Dim.Paint("no object changes")}
	}
	out := []string{"   changes " + words.Count(len(c.Objects), "object") + ":"}
	name := 0
	for _, o := range c.Objects {
		name = max(name, paint.Width(sanitize.Line(o.ID.String())))
	}
	name = min(name, max(20, (w-8)*3/5))
	for i, o := range c.Objects {
		if rest := len(c.Objects) - i; i == h-2 && rest > 1 {
			return append(out, "     "+f.Dim.Paint(fmt.Sprintf("and %d more", rest)))
		}
		glyph, look := f.Verdict(o.Verdict)
		summary := o.Summary
		if summary == "" && o.Verdict != model.VerdictUpdate {
			summary = string(o.Verdict)
		}
		out = append(out, paint.Cut("     "+look.Paint(glyph)+" "+paint.Fit(sanitize.Line(o.ID.String()), name)+
			"  "+f.Dim.Paint(sanitize.Line(summary)), w))
	}
	return out
}

// consequence says what shipping this one brings along and leaves behind.
func consequence(f frame.Frame, shipped []model.Change, newer int) string {
	var names []string
	for _, c := range shipped {
		names = append(names, frame.Change(c))
	}
	out := f.Accent.Paint("s") + " ships " + strings.TrimSpace(words.List(names, 5))
	switch {
	case newer == 1:
		out += f.Dim.Paint("; 1 newer change stays pending")
	case newer > 1:
		out += f.Dim.Paint(fmt.Sprintf("; %d newer changes stay pending", newer))
	}
	return out
}
