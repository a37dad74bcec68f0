package home

import (
	"fmt"
	"strings"
	"time"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/paint"
	"github.com/fairtide-dev/fairtide/tui/words"
)

// detail tells how the selected environment stands.
func (p *Page) detail(f frame.Frame, w, h int) []string {
	env, ok := p.Environment()
	if !ok || h <= 0 {
		return nil
	}
	title := f.Bold.Paint(sanitize.Line(env.Name))
	if env.Tier == model.TierProduction {
		title = f.Badge.Paint(" " + sanitize.Line(env.Name) + " ")
	}
	st := p.Status(env.Name)
	if string(env.Tier) != env.Name {
		title += "  " + f.Dim.Paint(string(env.Tier))
	}
	out := []string{paint.Cut(" "+title, w), ""}
	switch {
	case st.Err != nil:
		out = append(out, f.Problem(st.Err, true, w)...)
		if !st.Loaded {
			return paint.Squeeze(out, h)
		}
		out = append(out, "   "+f.Dim.Paint("as read "+words.Ago(f.Now.Sub(st.At))+":"))
	case !st.Loaded && st.Slow(f.Now):
		out = append(out, "   "+f.Dim.Paint("Reading the cluster "+f.Glyph.Ellipsis))
	}
	if st.Loaded {
		out = append(out, p.facts(f, env, st.Value, w)...)
	}
	return paint.Squeeze(out, h)
}

func (p *Page) facts(f frame.Frame, env model.Environment, st model.EnvironmentStatus, w int) []string {
	zone := frame.Zone(env, f.Now)
	out := p.nextLine(f, env, w)
	out = append(out, f.Label("live", live(f, st, zone, w), w))
	if r, ok := p.Running[env.Name]; ok && r.Armed {
		out = append(out, f.Label("run", f.Accent.Paint(f.Glyph.Armed+" armed")+"  "+sanitize.Line(r.Words), w))
	} else if ok {
		glyph, look := f.Run(r.State)
		out = append(out, f.Label("run", look.Paint(glyph+" "+string(r.State))+"  "+sanitize.Line(r.Words), w))
	} else if cut, ok := p.Interrupted[env.Name]; ok {
		out = append(out, interruptedLines(f, cut, w)...)
	} else if st.LastRun != nil {
		glyph, look := f.Run(st.LastRun.State)
		words := look.Paint(glyph + " " + string(st.LastRun.State))
		out = append(out, f.Label("last run", words+"  "+sanitize.Line(st.LastRun.ID), w))
	}
	out = append(out, windowLines(f, env, st, w)...)
	byCluster := f
	byCluster.Now = f.Now.Add(-st.Skew)
	held := lock(byCluster, st.Lock, zone)
	if p.ours(env.Name) {
		held = f.Warn.Paint("held by this run")
	}
	out = append(out, f.Label("lock", held, w))
	out = append(out, p.driftLine(f, env, w)...)
	source := strings.TrimSpace(sanitize.Line(st.Branch) + " " + sanitize.Line(st.Path))
	out = append(out, f.Label("source", source, w))
	if st.Cluster != "" {
		out = append(out, f.Label("cluster", sanitize.Line(st.Cluster), w))
	}
	if st.Problem != "" {
		out = append(out, "")
		for i, l := range paint.Wrap(sanitize.Line(st.Problem), w-5) {
			mark := "   "
			if i == 0 {
				mark = " " + f.Warn.Paint(f.Glyph.Risk) + " "
			}
			out = append(out, mark+f.Warn.Paint(l))
		}
	}
	return out
}

// nextLine says what to do next, as the footer's first key does it.
func (p *Page) nextLine(f frame.Frame, env model.Environment, w int) []string {
	_, why := p.next(env)
	if why == "" {
		return nil
	}
	return []string{f.Label("next", f.Accent.Paint(f.Glyph.Arrow)+" "+f.Bold.Paint(why), w), ""}
}

// driftLine says what the last plan found changed live, and when it was read.
func (p *Page) driftLine(f frame.Frame, env model.Environment, w int) []string {
	l, ok := p.known(env.Name)
	if !ok {
		return nil
	}
	const most = 2
	seen := f.Dim.Paint(", seen " + words.Ago(f.Now.Sub(l.at)))
	if len(l.drifted) == 0 {
		return []string{f.Label("drift", "none"+seen, w)}
	}
	var names []string
	for _, id := range l.drifted[:min(len(l.drifted), most)] {
		names = append(names, sanitize.Line(id.Kind+" "+id.Name))
	}
	if rest := len(l.drifted) - len(names); rest > 0 {
		names = append(names, fmt.Sprintf("%d more", rest))
	}
	text := f.Warn.Paint(f.Glyph.Risk + " " + words.Count(len(l.drifted), "object") + ": " + strings.Join(names, ", "))
	return []string{f.Label("drift", text+seen, w)}
}

// live says what is live, since when and by whom; the hour only where it fits.
func live(f frame.Frame, st model.EnvironmentStatus, zone *time.Location, w int) string {
	d := st.Deployed
	if d == nil {
		return f.Dim.Paint("nothing fairtide has deployed")
	}
	out, since, by := f.Bold.Paint(f.Commit(d.Commit)), "", ""
	if !d.At.IsZero() {
		since = f.Dim.Paint(", since " + words.Clock(d.At.In(zone), f.Now))
		if age := f.Now.Sub(d.At); age < time.Minute {
			out += "  just now"
			since = f.Dim.Paint(", at " + words.Clock(d.At.In(zone), f.Now))
		} else {
			out += f.Dim.Paint("  for ") + words.Age(age)
		}
	}
	if d.By != "" {
		by = f.Dim.Paint(", by ") + sanitize.Line(d.By)
	}
	if paint.Width(out+since+by) > w-frame.LabelWidth {
		since = ""
	}
	return out + since + by
}

// windowLines say how the window stands, by the cluster's clock, and whether
// this computer has another one.
func windowLines(f frame.Frame, env model.Environment, st model.EnvironmentStatus, w int) []string {
	zone := frame.Zone(env, f.Now)
	_, may := env.Override.Permits(st.User, st.Groups)
	win := st.Window
	if win == nil {
		return []string{f.Label("window", f.Dim.Paint("not known"), w)}
	}
	f.Now = f.Now.Add(-st.Skew)
	line := f.Good.Paint(f.Glyph.OK + " open")
	if !win.Open {
		line = f.Warn.Paint(f.Glyph.Failed + " closed")
	}
	switch {
	case win.Open && !win.Until.IsZero():
		line += fmt.Sprintf(", closes %s, in %s", words.Clock(win.Until.In(zone), f.Now), words.Left(win.Until.Sub(f.Now)))
	case !win.Open && !win.NextOpen.IsZero():
		line += fmt.Sprintf(", opens %s, in %s", words.Clock(win.NextOpen.In(zone), f.Now), words.Left(win.NextOpen.Sub(f.Now)))
	}
	out := []string{f.Label("window", line, w)}
	if win.Reason != "" {
		for _, l := range paint.Wrap(frame.Reason(win, may), w-frame.LabelWidth-1) {
			out = append(out, f.Label("", f.Dim.Paint(l), w))
		}
	}
	out = append(out, warned(f, "", win.Aside, w)...)
	if skew := frame.Skew(st.Skew); skew != "" {
		out = append(out, warned(f, "clock", "the window goes by the cluster's, and "+skew, w)...)
	}
	return out
}

// warned is what has to be noticed of the window; nothing where it is empty.
func warned(f frame.Frame, label, text string, w int) []string {
	if text == "" {
		return nil
	}
	var out []string
	for i, l := range paint.Wrap(sanitize.Line(text), w-frame.LabelWidth-3) {
		mark := "  "
		if i == 0 {
			mark = f.Glyph.Risk + " "
		}
		out, label = append(out, f.Label(label, f.Warn.Paint(mark+l), w)), ""
	}
	return out
}

// lock says who holds the lock; the frame has the cluster's time.
func lock(f frame.Frame, l *model.Lock, zone *time.Location) string {
	if l == nil {
		return f.Dim.Paint("free")
	}
	out := f.Warn.Paint("held by " + sanitize.Line(l.Holder))
	if !l.Since.IsZero() {
		out += f.Dim.Paint(" since " + words.Clock(l.Since.In(zone), f.Now))
	}
	if !l.Expires.After(f.Now) {
		return out + f.Dim.Paint(", expired")
	}
	return out + f.Dim.Paint(", expires in "+words.Left(l.Expires.Sub(f.Now)))
}

// interruptedLines say of a run that stopped without an end whose it was, how
// far it came, and that it can be resumed.
func interruptedLines(f frame.Frame, r model.Run, w int) []string {
	text := "interrupted: " + sanitize.Line(r.ID) + " by " + sanitize.Line(r.Writer())
	if where := words.CutOff(r.Wave, len(r.Waves)); where != "" {
		text += " " + where
	}
	out := warned(f, "run", text, w)
	return append(out, f.Label("", f.Press(action.Resume, action.Home)+" resumes it, "+f.Press(action.OpenRun, action.Home)+" shows how far it came", w))
}
