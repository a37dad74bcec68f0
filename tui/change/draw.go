package change

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

// roomy is the width from which on the header has room for the age.
const roomy = 80

// Head is the header line.
func (p *Page) Head(f frame.Frame, w *model.WindowState) frame.Head {
	left := sanitize.Line(p.Environment.Name) + "  change"
	if p.Change.PullRequest != nil {
		left += " " + frame.Change(p.Change)
	}
	left += "  " + f.Commit(p.Change.Commit)
	switch {
	case p.Detail.Loaded && f.W >= roomy:
		left += "  " + frame.Read(f, &p.Detail)
	case p.Detail.Slow(f.Now):
		left += "  reading " + f.Glyph.Ellipsis
	}
	return frame.Head{Left: left, Right: f.Window(w), Production: p.Environment.Tier == model.TierProduction}
}

// Draw draws the page's body.
func (p *Page) Draw(f frame.Frame) frame.Body {
	var top []string
	if p.Detail.Err != nil {
		top = append(f.Problem(p.Detail.Err, true, f.W), f.Line(f.W))
		top = top[:min(len(top), f.H/2)]
		f.H -= len(top)
	}
	switch {
	case p.zoom:
		p.drawn.list, p.drawn.pane = frame.Area{}, frame.Area{Y: len(top), W: f.W, H: f.H}
		return frame.Body{Lines: append(top, p.pane(f, f.W, f.H)...)}
	case f.W < frame.TwoColumns:
		rows := min(p.rows.Len(), max(2, f.H*2/5-1))
		if p.inPane {
			rows = 1
		}
		out := append(top, p.list(f, f.W, rows)...)
		out = append(out, f.Line(f.W))
		room := f.H + len(top) - len(out)
		p.drawn.list = frame.Area{Y: len(top), W: f.W, H: rows}
		p.drawn.pane = frame.Area{Y: len(out), W: f.W, H: room}
		return frame.Body{Lines: append(out, p.pane(f, f.W, room)...)}
	}
	lw := p.drawn.divider.Column(max(36, min(56, f.W*28/100)), f.W)
	p.drawn.list = frame.Area{Y: len(top), W: lw, H: f.H}
	p.drawn.pane = frame.Area{X: lw + 1, Y: len(top), W: f.W - lw - 1, H: f.H}
	sep := f.Rule.Paint(f.Glyph.Vertical)
	lines := paint.Columns(p.list(f, lw, f.H), p.pane(f, f.W-lw-1, f.H), lw, sep, f.H)
	if len(top) > 0 {
		return frame.Body{Lines: append(top, lines...)}
	}
	return frame.Body{Lines: lines, Split: lw}
}

// list is what there is to read, h lines at most.
func (p *Page) list(f frame.Frame, w, h int) []string {
	var out []string
	from, to := p.rows.Window(h)
	for i := from; i < to; i++ {
		out = append(out, paint.Cut(p.row(f, p.rows.Item(i).Key, i == p.rows.Index(), w), w))
	}
	return out
}

func (p *Page) row(f frame.Frame, r row, selected bool, w int) string {
	mark, look := f.Mark(selected, !p.inPane), f.Row(selected, !p.inPane)
	switch r.part {
	case about:
		glyph, state := f.Theme.Signature(p.Change.Signature.State)
		return mark + state.Paint(glyph) + " " + look.Paint("commit") + "  " + f.Dim.Paint(sanitize.Line(string(p.Change.Signature.State)))
	case files:
		d := p.Detail.Value
		return mark + f.Dim.Paint(f.Glyph.Dot) + " " + look.Paint(words.Count(len(d.AllFiles)+d.MoreFiles, "file")) +
			f.Dim.Paint(fmt.Sprintf("  %d read", read(d)))
	case objects:
		return paint.Spread("   "+f.Title.Paint("OBJECTS"), f.Dim.Paint(words.Count(len(p.index), "object"))+" ", w)
	}
	o := p.Detail.Value.Details[p.index[r.id]]
	glyph, verdict := f.Verdict(o.Verdict)
	kind := f.Dim
	if selected && !p.inPane {
		kind = f.Cursor
	}
	return mark + verdict.Paint(glyph) + " " + kind.Paint(sanitize.Line(r.id.Kind)) + " " + look.Paint(sanitize.Line(r.id.Name))
}

// pane is the selected row in full.
func (p *Page) pane(f frame.Frame, w, h int) []string {
	if o, ok := p.selected(); ok {
		return p.diff(f, o, w, h)
	}
	lines := p.about(f, w)
	if key, _ := p.rows.Selected(); key.part == files {
		lines = p.files(f, w)
	}
	p.page = max(1, h)
	p.scroll = max(0, min(p.scroll, len(lines)-h))
	return lines[p.scroll:min(len(lines), p.scroll+max(0, h))]
}

// about is the message, the people and the signature.
func (p *Page) about(f frame.Frame, w int) []string {
	c := p.Change
	var out []string
	for _, l := range paint.Wrap(sanitize.Line(c.Title), w-2) {
		out = append(out, " "+f.Bold.Paint(l))
	}
	out = append(out, "")
	add := func(label, text string, look theme.Style) {
		for i, l := range paint.Wrap(text, w-frame.LabelWidth-1) {
			if i > 0 {
				label = ""
			}
			out = append(out, f.Label(label, look.Paint(l), w))
		}
	}
	add("commit", sanitize.Line(c.Commit), f.Plain)
	author := sanitize.Line(c.Author)
	if c.AuthorEmail != "" {
		author += " <" + sanitize.Line(c.AuthorEmail) + ">"
	}
	add("author", author, f.Plain)
	if c.Committer != "" {
		add("committer", sanitize.Line(c.Committer), f.Plain)
	}
	for _, who := range c.CoAuthors {
		add("co-author", sanitize.Line(who), f.Plain)
	}
	add("merged", words.Clock(c.MergedAt.In(frame.Zone(p.Environment, f.Now)), f.Now)+", "+words.Ago(f.Now.Sub(c.MergedAt)), f.Plain)
	p.signature(f, add)
	if pr := c.PullRequest; pr != nil {
		add("request", strings.TrimSpace(fmt.Sprintf("#%d %s", pr.Number, sanitize.Line(pr.URL))), f.Plain)
		if len(pr.Approvals) > 0 {
			add("approvals", sanitize.Line(strings.Join(pr.Approvals, ", ")), f.Plain)
		}
	}
	if c.Problem != "" {
		add("problem", f.Glyph.Risk+" its render could not be judged: "+sanitize.Line(c.Problem), f.Warn)
	} else if p.Detail.Loaded && !c.RendersChange {
		add("render", "no object changes", f.Dim)
	}
	if c.Body != "" {
		out = append(out, "")
		for _, l := range paint.Wrap(sanitize.Text(c.Body), w-5) {
			out = append(out, "   "+l)
		}
	}
	return out
}

func (p *Page) signature(f frame.Frame, add func(label, text string, look theme.Style)) {
	s := p.Change.Signature
	glyph, look := f.Theme.Signature(s.State)
	text := glyph + " unsigned"
	switch s.State {
	case model.SignatureVerified:
		text = glyph + " verified, signed by " + sanitize.Line(s.Signer)
	case model.SignatureUnverified:
		text = glyph + " unverified: " + sanitize.Line(s.Reason)
	}
	add("signature", text, look)
	if s.Key != "" {
		add("key", sanitize.Line(s.Kind+" "+s.Key), f.Plain)
	}
}

// files lists what the commit touches, with what the environment reads marked
// in words.
func (p *Page) files(f frame.Frame, w int) []string {
	d := p.Detail.Value
	env := sanitize.Line(p.Environment.Name)
	out := []string{f.Heading("FILES", fmt.Sprintf("%s reads %d of %d", env, read(d), len(d.AllFiles)+d.MoreFiles), w), ""}
	for _, s := range d.AllFiles {
		glyph, look := f.File(s.Status)
		line := "   " + look.Paint(glyph) + " "
		path, note := sanitize.Line(s.Path), ""
		if s.From != "" {
			note = "  renamed from " + sanitize.Line(s.From)
		}
		if s.Input {
			line += path + f.Dim.Paint(note)
		} else {
			line += f.Dim.Paint(path + note + "  (not read)")
		}
		out = append(out, paint.Cut(line, w))
	}
	if d.MoreFiles > 0 {
		out = append(out, "   "+f.Dim.Paint(fmt.Sprintf("and %d more", d.MoreFiles)))
	}
	return out
}

// read is how many of the files the environment's render reads.
func read(d *model.ChangeDetail) int {
	n := 0
	for _, s := range d.AllFiles {
		if s.Input {
			n++
		}
	}
	return n
}

// diff is the selected object: its render before and now.
func (p *Page) diff(f frame.Frame, o model.ObjectDetail, w, h int) []string {
	glyph, look := f.Verdict(o.Verdict)
	aside := ""
	if n, of := p.view.Hunk(); of > 0 {
		aside = fmt.Sprintf("hunk %d of %d", n, of)
	}
	if x := p.view.Offset(); x > 0 {
		aside += fmt.Sprintf("  from column %d", x+1)
	}
	out := []string{paint.Spread(" "+look.Paint(glyph)+" "+f.Bold.Paint(sanitize.Line(o.ID.String())), f.Dim.Paint(aside)+" ", w)}
	if o.Summary != "" {
		out = append(out, paint.Cut("   "+sanitize.Line(o.Summary), w))
	}
	if o.Source.File != "" {
		where := sanitize.Line(o.Source.File)
		if o.Source.Line > 0 {
			where += fmt.Sprintf(":%d", o.Source.Line)
		}
		out = append(out, paint.Cut("   "+f.Dim.Paint(where), w))
	}
	switch {
	case o.Omitted:
		return append(out, "", paint.Cut("   "+f.Dim.Paint("too long to be shown together with the others"), w))[:min(h, len(out)+2)]
	case p.view.Document() == nil:
		return out[:min(h, len(out))]
	case o.Verdict == model.VerdictUpdate && p.view.Document().Hunks() == 0:
		out = append(out, paint.Cut("   "+f.Dim.Paint("only how a masked value is written differs"), w))
	}
	out = out[:min(h, len(out))]
	room := max(0, h-len(out)-1)
	p.view.SetSize(w, room)
	if room > 0 {
		out = append(out, p.view.Titles(f.Theme, "before", map[bool]string{true: "removed", false: "after"}[o.Verdict == model.VerdictDelete]))
	}
	p.drawn.text = len(out)
	return append(out, p.view.Lines(f.Theme)...)
}
