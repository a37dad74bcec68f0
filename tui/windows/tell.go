package windows

import (
	"strings"
	"time"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/internal/when"
	"github.com/fairtide-dev/fairtide/internal/window"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/paint"
	"github.com/fairtide-dev/fairtide/tui/theme"
	"github.com/fairtide-dev/fairtide/tui/words"
)

// glyph is the sign of a standing.
func (s standing) glyph(f frame.Frame) (string, theme.Style) {
	switch {
	case s.guessed && s.ruled:
		return f.Glyph.Unpredictable, f.Warn
	case s.Open:
		return f.Glyph.OK, f.Good
	case s.frozen:
		return f.Glyph.Frozen, f.Bad
	}
	return f.Glyph.Failed, f.Warn
}

func (s standing) word() string {
	switch {
	case !s.ruled:
		return "always open"
	case s.Open:
		return "open"
	case s.frozen:
		return "frozen"
	}
	return "closed"
}

// next says when it changes, as seen from now.
func (s standing) next(now time.Time, loc *time.Location) string {
	switch {
	case !s.ruled:
		return ""
	case s.Open && s.Until.IsZero():
		return "with no end within a year"
	case s.Open:
		return "until " + clock(s.Until, s.at, loc) + ", " + words.Left(s.Until.Sub(s.at)) + " left"
	case s.unread:
		return "until its calendar can be read"
	case s.NextOpen.IsZero():
		return "with no opening within a year"
	}
	wait := words.Left(s.NextOpen.Sub(s.at))
	if s.at.Equal(now) {
		return "opens " + clock(s.NextOpen, s.at, loc) + ", in " + wait
	}
	return "opens " + clock(s.NextOpen, s.at, loc) + ", " + wait + " later"
}

// clock tells an instant: the hour on the day it is, else with the date.
func clock(at, now time.Time, loc *time.Location) string {
	at, now = at.In(loc), now.In(loc)
	switch {
	case at.Format(time.DateOnly) == now.Format(time.DateOnly):
		return at.Format("15:04")
	case at.Year() == now.Year():
		return at.Format("Mon 2 Jan 15:04")
	}
	return at.Format("Mon 2 Jan 2006 15:04")
}

// stretch tells a span of time; whole days are told without hours, the last
// one included.
func stretch(from, to, now time.Time, loc *time.Location) string {
	from, to = from.In(loc), to.In(loc)
	year := ""
	if from.Year() != now.In(loc).Year() || to.Year() != from.Year() {
		year = " 2006"
	}
	if midnight(from) && midnight(to) {
		last := to.AddDate(0, 0, -1)
		if last.Format(time.DateOnly) == from.Format(time.DateOnly) {
			return from.Format("Mon 2 Jan"+year) + ", all day"
		}
		return from.Format("Mon 2 Jan"+year) + " – " + last.Format("Mon 2 Jan"+year)
	}
	end := "15:04"
	if to.Format(time.DateOnly) != from.Format(time.DateOnly) {
		end = "Mon 2 Jan" + year + " 15:04"
	}
	dash := "–"
	if len(end) > len("15:04") {
		dash = " – "
	}
	return from.Format("Mon 2 Jan"+year+" 15:04") + dash + to.Format(end)
}

func midnight(t time.Time) bool { return t.Hour() == 0 && t.Minute() == 0 && t.Second() == 0 }

// below is what stands below the week: how the selected environment stands,
// what if, what comes next, and the rules. It is the lines in sight, and how
// many there are besides.
func (p *Page) below(f frame.Frame, env model.Environment, h int) (lines []string, hidden int) {
	now, sure := p.clock(env, f.Now)
	f.Now = now
	loc, _ := p.zone(now)
	asked := p.asked.set() || p.before != nil
	if f.W < frame.TwoColumns {
		lines = p.stands(f, env, sure, loc, f.W)
		if asked {
			lines = append(append(p.whatIf(f, env, loc, f.W), ""), lines...)
		}
		if asked && h < 6 {
			lines = lines[1:] // the footer says what it is
		}
		lines = append(lines, p.ahead(f, env, loc, f.W)...)
		lines = append(lines, p.whose(f, env, sure, f.W)...)
		lines = append(lines, p.ruleLines(f, env, f.W)...)
		return p.scrolled(lines, h)
	}
	lw := f.W * 57 / 100
	left := append(p.stands(f, env, sure, loc, lw), p.ahead(f, env, loc, lw)...)
	left = append(left, p.whose(f, env, sure, lw)...)
	right := append(p.whatIf(f, env, loc, f.W-lw-1), "")
	right = append(right, p.ruleLines(f, env, f.W-lw-1)...)
	lines = paint.Columns(left, right, lw, f.Rule.Paint(f.Glyph.Vertical), max(h, len(left), len(right)))
	return p.scrolled(lines, h)
}

// scrolled is the lines in sight, and how many there are besides.
func (p *Page) scrolled(lines []string, h int) ([]string, int) {
	p.scroll = max(0, min(p.scroll, len(lines)-h))
	seen := lines[p.scroll:min(len(lines), p.scroll+h)]
	return seen, len(lines) - len(seen)
}

// stands says whether it is open, until when, and by which rule.
func (p *Page) stands(f frame.Frame, env model.Environment, sure bool, loc *time.Location, w int) []string {
	s := p.stand(env, f.Now)
	s.guessed = !sure
	glyph, look := s.glyph(f)
	line := " " + f.Bold.Paint(sanitize.Line(env.Name)) + "  " + look.Paint(glyph+" "+s.word())
	if next := s.next(f.Now, loc); next != "" {
		line += ", " + next
	}
	out := []string{paint.Cut(line, w)}
	if !s.ruled {
		return append(out, labelled(f, "by", "no windows are configured for it, so nothing closes it", w)...)
	}
	out = append(out, labelled(f, "by", frame.Reason(&s.WindowState, p.mayOverride(env)), w)...)
	if s.Aside != "" {
		out = append(out, warned(f, "note", sanitize.Line(s.Aside), w)...)
	}
	return out
}

// labelled is a label with a text of one line or more.
func labelled(f frame.Frame, label, text string, w int) []string {
	var out []string
	for _, l := range paint.Wrap(text, w-frame.LabelWidth-1) {
		out = append(out, f.Label(label, l, w))
		label = ""
	}
	return out
}

const (
	openingsAhead = 4
	freezesAhead  = 3
)

// ahead lists the next openings and freezes.
func (p *Page) ahead(f frame.Frame, env model.Environment, loc *time.Location, w int) []string {
	if len(env.Windows) == 0 {
		return nil
	}
	var out []string
	label := "then"
	for _, o := range window.Next(env.Windows, f.Now, openingsAhead+1) {
		if !o.From.After(f.Now) {
			continue
		}
		text := "from " + clock(o.From, f.Now, loc)
		if !o.To.IsZero() {
			text = stretch(o.From, o.To, f.Now, loc)
		}
		if len(out) < openingsAhead {
			out = append(out, f.Label(label, text+f.Dim.Paint("  "+sanitize.Line(words.List(o.Rules, 2))), w))
		}
		label = ""
	}
	if len(out) == 0 {
		out = append(out, f.Label(label, f.Dim.Paint(noOpening(env)), w))
	}
	label = "freezes"
	const near = 60 * 24 * time.Hour // most answers are, and a year of a daily freeze is long
	list := window.Freezes(env.Windows, f.Now, f.Now.Add(near))
	if len(list) < freezesAhead {
		list = window.Freezes(env.Windows, f.Now, f.Now.Add(window.Horizon))
	}
	for _, z := range list[:min(len(list), freezesAhead)] {
		text := stretch(z.From, z.To, f.Now, loc) + f.Dim.Paint("  "+sanitize.Line(freezeName(env, z)))
		if left := z.From.Sub(f.Now); left > 0 {
			if more := text + f.Dim.Paint(", in "+words.Left(left)); paint.Width(more) <= w-frame.LabelWidth {
				text = more
			}
		}
		out = append(out, f.Label(label, text, w))
		label = ""
	}
	if len(list) == 0 && !unread(env) {
		out = append(out, f.Label(label, f.Dim.Paint("none within a year"), w))
	}
	return out
}

// whose says by which clock this is judged.
func (p *Page) whose(f frame.Frame, env model.Environment, sure bool, w int) []string {
	st := p.status(env.Name)
	if !sure {
		out := labelled(f, "clock", "this computer's, a guess: the cluster's is not known, and a rollout goes by that one", w)
		switch {
		case st.Err != nil:
			out = append(out, labelled(f, "", sanitize.Line(st.Err.Error()), w)...)
		case st.Value.Problem != "":
			out = append(out, labelled(f, "", sanitize.Line(st.Value.Problem), w)...)
		}
		return out
	}
	if skew := frame.Skew(st.Value.Skew); skew != "" {
		return warned(f, "clock", "the cluster's; "+skew, w)
	}
	return []string{f.Label("clock", "the cluster's, "+f.Now.UTC().Format("15:04 MST"), w)}
}

// warned is labelled, and cannot be missed.
func warned(f frame.Frame, label, text string, w int) []string {
	var out []string
	for i, l := range paint.Wrap(text, w-frame.LabelWidth-3) {
		mark := "  "
		if i == 0 {
			mark = f.Glyph.Risk + " "
		}
		out, label = append(out, f.Label(label, f.Warn.Paint(mark+l), w)), ""
	}
	return out
}

// whatIf says how it would stand at the time that is asked about.
func (p *Page) whatIf(f frame.Frame, env model.Environment, loc *time.Location, w int) []string {
	out := []string{f.Heading("WHAT IF", "", w)}
	add := func(style theme.Style, indent int, text string) {
		for _, l := range paint.Wrap(text, w-indent-1) {
			out = append(out, paint.Spaces(indent)+style.Paint(l))
		}
	}
	switch {
	case p.asked.err != nil:
		add(f.Warn, 3, p.asked.err.Error())
		return out
	case !p.asked.set() && p.before == nil:
		out = append(out, paint.Cut("   "+f.Press(action.WhatIf, action.Windows)+f.Dim.Paint(" asks about another time"), w))
		return out
	case !p.asked.set():
		add(f.Dim, 3, "type a time: "+strings.Join(when.Examples[:], ", "))
		return out
	}
	at := p.asked.time.At.In(loc)
	s := p.stand(env, at)
	out = append(out, paint.Cut("   "+f.Bold.Paint(at.Format("Mon 2 Jan 2006 15:04 MST"))+f.Dim.Paint("  "+away(at, f.Now)), w))
	glyph, look := s.glyph(f)
	line := look.Paint(glyph + " " + s.word())
	next := s.next(f.Now, loc)
	if next != "" && paint.Width(line)+paint.Width(next)+5 <= w {
		line, next = line+", "+next, ""
	}
	out = append(out, paint.Cut("   "+line, w))
	if next != "" {
		out = append(out, paint.Cut("     "+next, w))
	}
	if p.asked.time.Note != "" {
		add(f.Warn, 3, f.Glyph.Risk+" "+p.asked.time.Note)
	}
	if s.ruled {
		add(f.Plain, 5, frame.Reason(&s.WindowState, p.mayOverride(env)))
	}
	return append(out, p.others(f, env, at, w)...)
}

// away says how far an instant is from now.
func away(at, now time.Time) string {
	const year = 365 * 24 * 60 * 60
	switch d := at.Unix() - now.Unix(); { // a time.Duration ends at 292 years
	case d >= 2*year:
		return "in " + words.Count(int(d/year), "year")
	case d <= -2*year:
		return words.Count(int(-d/year), "year") + " ago"
	case d >= 60:
		return "in " + words.Left(at.Sub(now))
	case d <= -60:
		return words.Ago(now.Sub(at))
	}
	return "now"
}

// others says in a line how the other environments would stand.
func (p *Page) others(f frame.Frame, env model.Environment, at time.Time, w int) []string {
	line := "    "
	for _, e := range p.envs.Value {
		if e.Name == env.Name {
			continue
		}
		s := p.stand(p.ruled(e), at)
		glyph, look := s.glyph(f)
		line += " " + look.Paint(glyph) + f.Dim.Paint(" "+sanitize.Line(e.Name)+" "+s.word()+" ")
		if paint.Width(line) > w {
			break
		}
	}
	if strings.TrimSpace(line) == "" {
		return nil
	}
	return []string{paint.Cut(line, w)}
}
