package rollout

import (
	"fmt"
	"strings"
	"time"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/paint"
	"github.com/fairtide-dev/fairtide/tui/words"
)

const (
	// besideFrom is the narrowest screen with room for the pane beside the
	// objects, and belowFrom the lowest with room for it below them; else it
	// takes their place.
	besideFrom = 160
	belowFrom  = 18
)

// drawn draws the pane in w by h cells, with its upper left cell at x and y of
// the body.
func (a *Pane) drawn(f frame.Frame, x, y, w, h int) []string {
	out := a.parts(f, x, y, w, h)
	for i, l := range out {
		if paint.Width(l) > w {
			out[i] = paint.Cut(l, w)
		}
	}
	return out
}

// parts are the tree with what is below it, in h lines.
func (a *Pane) parts(f frame.Frame, x, y, w, h int) []string {
	out := []string{f.Heading("PODS OF "+title(a.Target.ID), a.fresh(f), w)}
	a.tree, a.below = frame.Area{}, frame.Area{}
	if !a.Tree.Loaded {
		switch {
		case a.Tree.Err != nil:
			out = append(out, f.Problem(a.Tree.Err, false, w)...)
		case a.Tree.Slow(f.Now):
			out = append(out, "   "+f.Dim.Paint("Reading the cluster "+f.Glyph.Ellipsis))
		}
		return paint.Height(out, h)
	}
	rows := min(a.nodes.Len(), max(2, (h-3)/2))
	if h < 14 && a.logs {
		rows = min(a.nodes.Len(), max(2, h/3))
	}
	a.tree = frame.Area{X: x, Y: y + len(out), W: w, H: rows}
	out = append(out, a.treeRows(f, w, rows)...)
	const airy = 28 // from how many lines on there is room for blank ones
	about := a.about(f, w, min(3, max(1, (h-len(out))/4)))
	if h >= airy && len(about) > 0 {
		out = append(out, "")
	}
	if out = append(out, about...); h >= airy {
		out = append(out, "")
	}
	room := h - len(out)
	a.below = frame.Area{X: x, Y: y + len(out), W: w, H: room}
	if a.logs {
		const both = 24
		if room >= both {
			events := min(len(a.eventLines(f, w))+2, room/3)
			out = append(append(out, a.events(f, w, events-1, 0)...), "")
		}
		return paint.Height(append(out, a.log(f, w, h-len(out))...), h)
	}
	return paint.Height(append(out, a.events(f, w, room, a.scroll)...), h)
}

// fresh says how old the tree is, once it could not be read again.
func (a *Pane) fresh(f frame.Frame) string {
	s := &a.Tree
	switch {
	case s.Loaded && s.Err != nil:
		return "as of " + s.At.In(f.Now.Location()).Format(time.TimeOnly) + ": cannot be read again"
	case s.Loaded && len(s.Value.Notes) > 0:
		return words.Count(len(s.Value.Notes), "note") + ": " + sanitize.Line(s.Value.Notes[0])
	case a.nodes.Len() > 1 && s.Loaded:
		return fmt.Sprintf("%d of %d", a.nodes.Index()+1, a.nodes.Len())
	}
	return ""
}

func (a *Pane) treeRows(f frame.Frame, w, h int) []string {
	var out []string
	from, to := a.nodes.Window(h)
	for i := from; i < to; i++ {
		out = append(out, a.treeRow(f, a.flat[a.nodes.Item(i).Key], i == a.nodes.Index(), w))
	}
	return out
}

// treeRow is an object or a container: what it is, how it stands, its restarts
// and its age.
func (a *Pane) treeRow(f frame.Frame, n node, selected bool, w int) string {
	const age, roomy = 8, 90
	glyph, look := f.Readiness(model.ReadinessProgress)
	switch {
	case n.Doomed:
		glyph, look = f.Readiness(model.ReadinessFailed)
	case n.Ready:
		glyph, look = f.Readiness(model.ReadinessReady)
	}
	kind := sanitize.Line(n.Kind)
	if n.Kind == "Pod" {
		kind = "pod"
	}
	row := f.Row(selected, a.focus)
	name := row.Paint(kind + " " + sanitize.Line(n.Name))
	state := strings.TrimSpace(sanitize.Line(n.Status) + "  " + sanitize.Line(n.Reason))
	if !n.Current {
		state = strings.TrimSpace("old  " + state)
	}
	if n.Ready {
		state = f.Dim.Paint(state)
	} else {
		state = look.Paint(state)
	}
	line := f.Mark(selected, a.focus) + paint.Spaces(2*n.depth) + look.Paint(glyph) + " " + name + "  " + state
	right := ""
	if n.Restarts > 0 {
		right = f.Warn.Paint(words.Count(n.Restarts, "restart"))
	}
	if image := shortImage(n.Image); image != "" && w >= roomy && n.Kind != "Pod" {
		right = strings.TrimSpace(f.Dim.Paint(image) + "  " + right)
	}
	if n.Node != "" && w >= roomy {
		right = strings.TrimSpace(f.Dim.Paint("on "+sanitize.Line(n.Node)) + "  " + right)
	}
	old := ""
	if !n.Created.IsZero() {
		const long = 48 * time.Hour
		if since := f.Now.Sub(n.Created); since < long {
			old = words.Took(since)
		} else {
			old = words.Age(since)
		}
	}
	return paint.Spread(line, right+f.Dim.Paint(paint.FitRight(old, age))+" ", w)
}

// about is the selected node's trouble, in full as far as h lines go.
func (a *Pane) about(f frame.Frame, w, h int) []string {
	key, _ := a.nodes.Selected()
	n, ok := a.flat[key]
	if !ok {
		return nil
	}
	text, look := n.Cause, f.Warn
	if text == "" {
		text = n.Message
	}
	if text == "" || n.Ready {
		return nil
	}
	if n.Doomed {
		look = f.Bad
	}
	var out []string
	lines := paint.Wrap(sanitize.Line(text), w-5)
	if len(lines) > h {
		lines = append(lines[:h-1:h-1], paint.Cut(strings.Join(lines[h-1:], " "), w-5))
	}
	for i, l := range lines {
		lead := "   "
		if i == 0 {
			lead = " " + look.Paint(f.Glyph.Risk) + " "
		}
		out = append(out, lead+look.Paint(l))
	}
	return out
}

// events are what was said about the object and all below it, the newest first.
func (a *Pane) events(f frame.Frame, w, h, skip int) []string {
	if h < 2 {
		return nil
	}
	all := a.Tree.Value.Events
	aside := "newest first"
	if len(all) == 0 {
		aside = ""
	}
	out := []string{f.Heading("EVENTS", aside, w)}
	if len(all) == 0 {
		return append(out, "   "+f.Dim.Paint("none: nothing was said about it in the last hour"))
	}
	if lines := a.eventLines(f, w); len(lines) < h {
		return append(out, lines...)
	}
	skip = max(0, min(skip, len(all)-(h-1)))
	for _, e := range all[skip:] {
		if len(out) == h {
			break
		}
		out = append(out, a.event(f, e, w, 1)...)
	}
	return out
}

// eventLines are all events, each in full.
func (a *Pane) eventLines(f frame.Frame, w int) []string {
	var out []string
	for _, e := range a.Tree.Value.Events {
		out = append(out, a.event(f, e, w, len(e.Message)+1)...)
	}
	return out
}

// event is an event on at most so many lines.
func (a *Pane) event(f frame.Frame, e model.ObjectEvent, w, most int) []string {
	at := paint.Spaces(len(time.TimeOnly))
	if !e.Last.IsZero() {
		at = e.Last.In(f.Now.Location()).Format(time.TimeOnly)
	}
	reason := sanitize.Line(e.Reason)
	if e.Count > 1 {
		reason += fmt.Sprintf(" %d times", e.Count)
	}
	if e.Type == "Warning" {
		reason = f.Warn.Paint(reason)
	}
	const roomy, indent = 76, 13
	if reason += "  "; w >= roomy {
		reason += f.Dim.Paint(sanitize.Line(e.Object)) + "  "
	}
	lead := "   " + f.Dim.Paint(at) + "  "
	if most == 1 {
		return []string{paint.Cut(lead+reason+sanitize.Line(e.Message), w-1)}
	}
	var out []string
	for _, l := range paint.Wrap(reason+sanitize.Line(e.Message), w-indent-1) {
		out, lead = append(out, lead+l), paint.Spaces(indent)
	}
	return out
}

// log is the end of the log in h lines.
func (a *Pane) log(f frame.Frame, w, h int) []string {
	if h < 2 {
		return nil
	}
	l := a.Log
	if l == nil {
		return []string{f.Heading("LOG", "", w), "   " + f.Dim.Paint("no container here has written a log yet")}
	}
	title := "LOG OF " + sanitize.Line(l.Container)
	if l.Previous {
		title = "LOG OF " + sanitize.Line(l.Container) + ", THE RUN BEFORE"
	}
	lines := l.Lines.Value
	aside := sanitize.Line(l.Pod)
	if n := len(lines); n >= LogLines {
		aside += fmt.Sprintf(", the last %d lines", n)
	}
	out := []string{f.Heading(title, paint.Cut(aside, max(0, w-paint.Width(title)-4)), w)}
	switch {
	case l.Lines.Err != nil:
		out = append(out, f.Problem(l.Lines.Err, false, w)...)
	case !l.Lines.Loaded:
		if l.Lines.Slow(f.Now) {
			out = append(out, "   "+f.Dim.Paint("reading "+f.Glyph.Ellipsis))
		}
	case len(lines) == 0:
		out = append(out, "   "+f.Dim.Paint("it has written nothing yet"))
	}
	if len(out) >= h {
		return out[:h]
	}
	a.scroll = max(0, min(a.scroll, len(lines)-(h-len(out))))
	end := len(lines) - a.scroll
	for _, text := range lines[max(0, end-(h-len(out))):end] {
		out = append(out, paint.Cut("   "+sanitize.Line(text), w-1))
	}
	return out
}
