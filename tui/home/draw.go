package home

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/paint"
	"github.com/fairtide-dev/fairtide/tui/theme"
	"github.com/fairtide-dev/fairtide/tui/words"
)

// Head is the header line: which repository, how fresh, as whom and where.
func (p *Page) Head(f frame.Frame) frame.Head {
	var who, where []string
	read := ""
	if env, ok := p.Environment(); ok {
		st := p.Status(env.Name)
		if st.Value.Head != "" {
			where = append(where, strings.TrimSpace(sanitize.Line(st.Value.Branch)+" "+f.Commit(st.Value.Head)))
		}
		if p.Fetched != "" {
			where = append(where, p.Fetched)
		}
		if st.Loaded {
			read = "read " + words.Ago(f.Now.Sub(st.At))
		}
		for _, s := range []string{st.Value.User, clusterName(st.Value.Cluster)} {
			if s != "" {
				who = append(who, sanitize.Line(s))
			}
		}
	}
	h := frame.Head{Right: strings.Join(who, " "+f.Glyph.Dot+" ")}
	// The operator knows the repository's name best of all; how old what is
	// shown of Git is stays.
	name := sanitize.Line(p.Repository)
	for _, parts := range [][]string{{"fairtide", name, read}, {"fairtide", "", read}, {"fairtide", name, ""}, {"fairtide", "", ""}, {"", "", ""}} {
		left := append([]string{parts[0], parts[1]}, where...)
		h.Left = strings.Join(slices.DeleteFunc(append(left, parts[2]), func(s string) bool { return s == "" }), "  ")
		if h.Left == "" {
			h.Left = "fairtide"
		}
		if paint.Width(h.Left)+paint.Width(h.Right) <= f.W-4 {
			break
		}
	}
	return h
}

// clusterName is the context, without the server that may follow it.
func clusterName(s string) string {
	name, _, _ := strings.Cut(s, " ")
	return name
}

// Draw draws the page's body.
func (p *Page) Draw(f frame.Frame) frame.Body {
	if len(p.Environments.Value) == 0 {
		return frame.Body{Lines: p.empty(f)}
	}
	if f.W < frame.TwoColumns {
		return frame.Body{Lines: p.stacked(f)}
	}
	lw := max(54, min(80, f.W*52/100))
	rw := f.W - lw - 1
	left := p.left(f, lw)
	right := p.right(f, rw)
	sep := f.Rule.Paint(f.Glyph.Vertical)
	return frame.Body{Lines: paint.Columns(left, right, lw, sep, f.H), Split: lw}
}

// empty is the body before there are environments, or when there are none.
func (p *Page) empty(f frame.Frame) []string {
	s := &p.Environments
	out := []string{""}
	switch {
	case s.Err != nil:
		return append(out, f.Problem(s.Err, "ctrl+r", f.W)...)
	case s.Loaded:
		return append(out, "   No environments: .fairtide.yaml describes none.")
	case s.Slow(f.Now):
		out = append(out, "   "+f.Dim.Paint("Reading the environments "+f.Glyph.Ellipsis))
		if p.Progress != "" {
			out = append(out, paint.Cut("   "+f.Dim.Paint(sanitize.Line(p.Progress)), f.W))
		}
		return out
	}
	return out
}

// columns are the widths of an environment's row. A heading stands above them
// where there is room for one; else the words in the cells say what they are.
type columns struct {
	name, tier int
	heading    bool
}

const (
	liveWidth    = 9 // glyph and short hash
	pendingWidth = 7
)

func (p *Page) columns(w int) columns {
	c := columns{heading: w >= 54}
	for _, e := range p.Environments.Value {
		c.name = max(c.name, paint.Width(sanitize.Line(e.Name)))
		c.tier = max(c.tier, len(e.Tier))
	}
	c.name = min(c.name, max(10, w/4))
	const window = 14
	if 3+c.name+2+c.tier+2+liveWidth+2+pendingWidth+2+window > w {
		c.tier = 0
	}
	return c
}

func (p *Page) left(f frame.Frame, w int) []string {
	c := p.columns(w)
	tier := 0
	if c.tier > 0 {
		tier = c.tier + 2
	}
	title := " " + f.Title.Paint("ENVIRONMENTS")
	title += paint.Spaces(max(1, 3+c.name+2+tier-paint.Width(title)))
	title += f.Dim.Paint(paint.Fit("  live", liveWidth+2) + paint.FitRight("pending", pendingWidth) + "  window")
	out := []string{paint.Cut(title, w), ""}
	rows := min(p.envs.Len(), max(3, f.H/2-3))
	out = append(out, p.envRows(f, c, w, rows)...)
	out = append(out, "", f.Line(w))
	return append(out, p.detail(f, w, f.H-len(out))...)
}

// envRows are the environments, h at most.
func (p *Page) envRows(f frame.Frame, c columns, w, h int) []string {
	var out []string
	from, to := p.envs.Window(h)
	for _, e := range p.Environments.Value[from:to] {
		out = append(out, p.envRow(f, e, c, w))
	}
	return out
}

func (p *Page) envRow(f frame.Frame, e model.Environment, c columns, w int) string {
	selected, _ := p.envs.Selected()
	row := f.Row(e.Name == selected, !p.inList)
	st := p.Status(e.Name)
	glyph, look := p.glyph(f, e.Name)
	line := f.Mark(e.Name == selected, !p.inList) + row.Paint(paint.Fit(sanitize.Line(e.Name), c.name)) + "  "
	if c.tier > 0 {
		line += f.Dim.Paint(paint.Fit(string(e.Tier), c.tier)) + "  "
	}
	live := f.Glyph.Dash
	if st.Value.Deployed != nil {
		live = f.Commit(st.Value.Deployed.Commit)
	}
	line += look.Paint(glyph) + " " + row.Paint(paint.Fit(live, liveWidth-2)) + "  " + p.count(f, e.Name, c.heading) + "  "
	return paint.Cut(line+p.short(f, e.Name), w)
}

// glyph says how an environment stands: its run under way, else its last run.
func (p *Page) glyph(f frame.Frame, env string) (string, theme.Style) {
	st := p.Status(env)
	if r, ok := p.Running[env]; ok && !r.State.Final() {
		return f.Run(r.State)
	}
	switch {
	case st.Err != nil || st.Value.Problem != "":
		return f.Glyph.Risk, f.Bad
	case st.Value.LastRun != nil:
		return f.Run(st.Value.LastRun.State)
	case st.Value.Deployed != nil:
		return f.Glyph.OK, f.Good
	}
	return f.Glyph.Waiting, f.Dim
}

// count is how many changes are pending, in a column of its own.
func (p *Page) count(f frame.Frame, env string, heading bool) string {
	width, none, some := pendingWidth, f.Glyph.Dash, "%d"
	if !heading {
		width, none, some = 10, "up to date", "%d pending"
	}
	st := p.Status(env)
	n := st.Value.Pending
	if pe := p.Pending(env); pe.Loaded && pe.Err == nil && !pe.Value.Adopt {
		n = len(pe.Value.Changes)
	}
	switch {
	case !st.Loaded:
		return paint.Spaces(width)
	case st.Value.Adopt:
		return f.Accent.Paint(paint.FitRight("all new", width))
	case n == 0:
		return f.Dim.Paint(paint.FitRight(none, width))
	}
	return f.Accent.Paint(paint.FitRight(fmt.Sprintf(some, n), width))
}

// short says in two words how the window stands, or what is under way.
func (p *Page) short(f frame.Frame, env string) string {
	if r, ok := p.Running[env]; ok && !r.State.Final() {
		return f.Warn.Paint(string(r.State))
	}
	st := p.Status(env)
	w := st.Value.Window
	switch {
	case !st.Loaded && st.Err != nil:
		return f.Bad.Paint("unreachable")
	case st.Value.Lock != nil && st.Value.Lock.Expires.After(f.Now):
		return f.Warn.Paint("locked")
	case !st.Loaded || w == nil:
		return ""
	case w.Open && w.Until.IsZero():
		return f.Dim.Paint("open")
	case w.Open:
		return f.Good.Paint("open " + words.Left(w.Until.Sub(f.Now)))
	case w.NextOpen.IsZero():
		return f.Warn.Paint("closed")
	}
	return f.Warn.Paint("closed " + words.Left(w.NextOpen.Sub(f.Now)))
}
