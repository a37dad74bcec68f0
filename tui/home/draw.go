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
	p.drawn, p.stackedLast = places{}, f.W < frame.TwoColumns
	if p.stackedLast {
		return frame.Body{Lines: p.stacked(f)}
	}
	const least = 46
	lw := max(58, min(114, f.W*56/100))
	if p.split > 0 {
		lw = max(least, min(p.split, f.W-least))
	}
	rw := f.W - lw - 1
	left := p.left(f, lw)
	right := p.right(f, rw)
	p.drawn.changes.x = lw + 1
	sep := f.Rule.Paint(f.Glyph.Vertical)
	return frame.Body{Lines: paint.Columns(left, right, lw, sep, f.H), Split: lw}
}

// empty is the body before there are environments, or when there are none.
func (p *Page) empty(f frame.Frame) []string {
	s := &p.Environments
	out := []string{""}
	switch {
	case s.Err != nil:
		return append(out, f.Problem(s.Err, true, f.W)...)
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

// columns are the widths of an environment's row; 0: the row has no such
// column. A heading stands above them where there is room for one; else the
// words in the cells say what they are.
type columns struct {
	name, tier, age, window, run, lock, drift int
	heading                                   bool
}

const (
	liveWidth    = 9 // glyph and short hash
	ageWidth     = 4
	pendingWidth = 7
	wordsWidth   = 11 // of what is pending, without a heading
	windowWidth  = 16
	runWidth     = 13
	lockWidth    = 14
	driftWidth   = 9
	gap          = 2
)

// columns gives w cells to the columns, the most wanted first.
func (p *Page) columns(w int, heading bool) columns {
	const mark, shortTier = 3, 5
	c := columns{heading: heading}
	tier := 0
	for _, e := range p.Environments.Value {
		c.name = max(c.name, paint.Width(sanitize.Line(e.Name)))
		tier = max(tier, len(e.Tier))
	}
	c.name = min(max(c.name, 10), max(10, w/4)) // at least as the title above it needs
	pending := pendingWidth
	if c.window = windowWidth; !heading {
		pending, c.window = wordsWidth, windowWidth-1 // the longest words of it are rare
	}
	room := w - mark - c.name - gap - liveWidth - gap - pending - gap - c.window
	take := func(n int) int {
		if n+gap > room {
			return 0
		}
		room -= n + gap
		return n
	}
	c.age = take(ageWidth)
	if c.tier = take(tier); c.tier == 0 {
		c.tier = take(shortTier)
	}
	c.run, c.lock, c.drift = take(runWidth), take(lockWidth), take(driftWidth)
	return c
}

// tierIn is a tier in as many cells.
func tierIn(t model.Tier, w int) string {
	if len(t) <= w {
		return string(t)
	}
	switch t {
	case model.TierDevelopment:
		return "dev"
	case model.TierStaging:
		return "stage"
	case model.TierProduction:
		return "prod"
	}
	return string(t)
}

// titles stand above the columns.
func (c columns) titles(f frame.Frame, first string) string {
	title := " " + f.Title.Paint(first)
	cells := []struct {
		text string
		w    int
	}{{"tier", c.tier}, {"live", liveWidth}, {"for", c.age}, {"pending", pendingWidth}, {"window", c.window}, {"last run", c.run}, {"lock", c.lock}, {"drift", c.drift}}
	title += paint.Spaces(max(1, 3+c.name+gap-paint.Width(title)))
	for _, cell := range cells {
		switch {
		case cell.w == 0:
		case cell.text == "pending" || cell.text == "for":
			title += f.Dim.Paint(paint.FitRight(cell.text, cell.w)) + paint.Spaces(gap)
		case cell.text == "live":
			title += f.Dim.Paint(paint.Fit("  live", cell.w)) + paint.Spaces(gap)
		default:
			title += f.Dim.Paint(paint.Fit(cell.text, cell.w)) + paint.Spaces(gap)
		}
	}
	return strings.TrimRight(title, " ")
}

func (p *Page) left(f frame.Frame, w int) []string {
	c := p.columns(w, true)
	rows := min(p.envs.Len(), max(3, f.H/2-3))
	out := []string{paint.Cut(c.titles(f, "ENVIRONMENTS"), w), ""}
	p.drawn.envs = area{0, len(out), w, rows}
	out = append(out, p.envRows(f, c, w, rows)...)
	out = append(out, p.place(f, rows), f.Line(w))
	return append(out, p.detail(f, w, f.H-len(out))...)
}

// place says which of the environments is selected, when not all are in sight.
func (p *Page) place(f frame.Frame, rows int) string {
	if n := p.envs.Len(); n > rows {
		return "   " + f.Dim.Paint(fmt.Sprintf("%s %d of %d", f.Glyph.Fold, p.envs.Index()+1, n))
	}
	return ""
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
	line := f.Mark(e.Name == selected, !p.inList) + row.Paint(paint.Fit(sanitize.Line(e.Name), c.name))
	add := func(w int, cell string) {
		if w > 0 {
			line += paint.Spaces(gap) + cell
		}
	}
	add(c.tier, f.Dim.Paint(paint.Fit(tierIn(e.Tier, c.tier), c.tier)))
	live, age := f.Glyph.Dash, ""
	if d := st.Value.Deployed; d != nil {
		live = f.Commit(d.Commit)
		if !d.At.IsZero() {
			age = words.Since(f.Now.Sub(d.At))
		}
	}
	add(1, look.Paint(glyph)+" "+row.Paint(paint.Fit(live, liveWidth-2)))
	add(c.age, f.Dim.Paint(paint.FitRight(age, c.age)))
	add(1, p.count(f, e.Name, c.heading))
	add(1, paint.Fit(p.short(f, e.Name), c.window))
	add(c.run, paint.Fit(p.lastRun(f, e.Name), c.run))
	add(c.lock, paint.Fit(p.holder(f, e.Name), c.lock))
	add(c.drift, paint.Fit(p.drift(f, e.Name), c.drift))
	return paint.Cut(line, w)
}

// person is who somebody is, without the machine they are on.
func person(holder string) string {
	name, _, _ := strings.Cut(sanitize.Line(holder), "@")
	return name
}

// lastRun says how the last run ended.
func (p *Page) lastRun(f frame.Frame, env string) string {
	r := p.Status(env).Value.LastRun
	if r == nil {
		return f.Dim.Paint(f.Glyph.Dash)
	}
	glyph, look := f.Run(r.State)
	return look.Paint(glyph + " " + string(r.State))
}

// ours reports whether a run of this program holds the lock, whatever the last
// reading of the cluster says.
func (p *Page) ours(env string) bool {
	r, ok := p.Running[env]
	return ok && !r.State.Final() && !r.Armed && !r.Followed
}

// holder says who holds the lock.
func (p *Page) holder(f frame.Frame, env string) string {
	st := p.Status(env)
	l := st.Value.Lock
	switch {
	case p.ours(env):
		return f.Warn.Paint("this run")
	case !st.Loaded:
		return ""
	case l == nil:
		return f.Dim.Paint("free")
	}
	if !p.held(env, f.Now) {
		return f.Dim.Paint("expired " + person(l.Holder))
	}
	return f.Warn.Paint(sanitize.Line(l.Holder))
}

// drift says how many objects the last plan found changed live; nothing where
// that is not known.
func (p *Page) drift(f frame.Frame, env string) string {
	l, ok := p.known(env)
	switch {
	case !ok:
		return ""
	case len(l.drifted) == 0:
		return f.Dim.Paint("none")
	}
	return f.Warn.Paint(words.Count(len(l.drifted), "object"))
}

// glyph says how an environment stands: its run under way, else its last run.
func (p *Page) glyph(f frame.Frame, env string) (string, theme.Style) {
	st := p.Status(env)
	if r, ok := p.Running[env]; ok && !r.State.Final() {
		if r.Armed {
			return f.Glyph.Armed, f.Accent
		}
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
		width, none, some = wordsWidth, "up to date", "%d pending"
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
	st, held := p.Status(env), p.held(env, f.Now)
	f.Now = f.Now.Add(-st.Value.Skew)
	if r, ok := p.Running[env]; ok && !r.State.Final() {
		switch {
		case r.Armed && !r.Until.IsZero():
			return f.Accent.Paint("armed " + words.Left(r.Until.Sub(f.Now)))
		case r.Armed:
			return f.Accent.Paint("armed")
		}
		return f.Warn.Paint(string(r.State))
	}
	w := st.Value.Window
	switch {
	case !st.Loaded && st.Err != nil:
		return f.Bad.Paint("unreachable")
	case held:
		return f.Warn.Paint("locked " + person(st.Value.Lock.Holder))
	case p.interrupted(env):
		return f.Warn.Paint("interrupted")
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

// interrupted reports whether the last run stopped without an end, and nobody
// has gone on since.
func (p *Page) interrupted(env string) bool {
	_, ok := p.Interrupted[env]
	return ok
}
