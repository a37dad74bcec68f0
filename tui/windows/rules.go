package windows

import (
	"slices"
	"strings"
	"time"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/internal/window"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/paint"
	"github.com/fairtide-dev/fairtide/tui/theme"
	"github.com/fairtide-dev/fairtide/tui/words"
)

// unread reports whether what an environment's windows are cannot be said, as a
// calendar of theirs cannot be read.
func unread(env model.Environment) bool {
	return slices.ContainsFunc(env.Windows, func(r model.WindowRule) bool { return r.Unreadable != "" })
}

func noOpening(env model.Environment) string {
	if unread(env) {
		return "not known: a calendar cannot be read, and that closes"
	}
	return "no opening within a year"
}

// freezeName names a freeze: its rule, and of a calendar the entry.
func freezeName(env model.Environment, z window.Freeze) string {
	for _, r := range env.Windows {
		if r.Name != z.Rule || r.Freeze == nil || r.Freeze.Spans == nil {
			continue
		}
		if _, _, name, ok := r.Freeze.Spans.Next(z.From.Unix(), z.To.Unix()); ok && name != "" {
			return r.Name + ": " + name
		}
	}
	return z.Rule
}

// schedule is the one of a rule's schedules that is set; nil: neither is.
func schedule(r model.WindowRule) *model.Schedule {
	if r.Allow != nil {
		return r.Allow
	}
	return r.Freeze
}

// describe says when a rule holds; a single span as spans are told on this page.
func describe(r model.WindowRule, now time.Time) string {
	switch s := schedule(r); {
	case r.Unreadable != "":
		return source(r)
	case s != nil && s.OneOff() && r.Location != nil:
		return stretch(s.From, s.To, now, r.Location) + " " + r.Location.String()
	}
	return window.Describe(r)
}

// source is where a rule's calendar is.
func source(r model.WindowRule) string {
	switch {
	case r.Source == nil:
		return ""
	case r.Source.File != "":
		return "calendar " + r.Source.File
	}
	return "calendar " + r.Source.URL
}

// scopeWords says what a rule is about, if it is not about everything.
func scopeWords(s model.WindowScope) string {
	var parts []string
	for _, p := range []struct {
		one, many string
		names     []string
	}{{"", "", s.Kinds}, {"namespace ", "namespaces ", s.Namespaces}, {"risk ", "risks ", s.Risks}} {
		const most = 4
		switch len(p.names) {
		case 0:
		case 1:
			parts = append(parts, p.one+p.names[0])
		default:
			parts = append(parts, p.many+words.List(p.names, most))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "only about " + strings.Join(parts, ", with ")
}

// entry is the entry of a calendar that holds, or the next one.
func entry(r model.WindowRule, now time.Time, loc *time.Location) string {
	s := schedule(r)
	if s == nil || s.Spans == nil || r.Unreadable != "" {
		return ""
	}
	from, to, name, ok := s.Spans.Next(now.Unix(), now.Add(window.Horizon).Unix())
	if !ok {
		return "nothing in it within a year"
	}
	if name == "" {
		name = "an entry without a name"
	}
	when := "next: "
	if from <= now.Unix() {
		when = "now: "
	}
	return when + name + ", " + stretch(time.Unix(from, 0), time.Unix(to, 0), now, loc)
}

// inForce reports whether a rule, taken by itself, holds.
func inForce(r model.WindowRule, now time.Time) bool {
	r.Scope = model.WindowScope{}
	alone := []model.WindowRule{r}
	if r.Freeze != nil {
		return len(window.Freezes(alone, now, now.Add(time.Second))) > 0
	}
	return len(window.Open(alone, now, now.Add(time.Second))) > 0
}

// ruleLines lists the rules, those in force marked: when each holds, what it is
// about, what is in its calendar, and what is wrong with that.
func (p *Page) ruleLines(f frame.Frame, env model.Environment, w int) []string {
	if len(env.Windows) == 0 {
		return nil
	}
	out := []string{f.Heading("RULES", "", w)}
	said, may := p.stand(env, f.Now).Aside, p.mayOverride(env)
	for _, r := range env.Windows {
		if strings.Contains(said, r.Aside) {
			r.Aside = ""
		}
		out = append(out, ruleLine(f, r, may, w)...)
	}
	return out
}

func ruleLine(f frame.Frame, r model.WindowRule, may bool, w int) []string {
	kind, glyph, style := "allow ", f.Glyph.Dash, f.Dim
	if r.Freeze != nil {
		kind = "freeze"
	}
	switch {
	case r.Unreadable != "":
		glyph, style = f.Glyph.Unpredictable, f.Bad
	case !inForce(r, f.Now):
	case r.Freeze != nil:
		glyph, style = f.Glyph.Frozen, f.Bad
	default:
		glyph, style = f.Glyph.OK, f.Good
	}
	line := "   " + style.Paint(glyph) + " " + f.Dim.Paint(kind) + "  " + sanitize.Line(r.Name)
	times := f.Dim.Paint(sanitize.Line(describe(r, f.Now)))
	indent := len("   - freeze  ")
	var out []string
	if paint.Width(line)+2+paint.Width(times) <= w {
		out = []string{line + "  " + times}
	} else {
		out = []string{paint.Cut(line, w), paint.Cut(paint.Spaces(indent)+times, w)}
	}
	add := func(look theme.Style, mark, text string) {
		if text == "" {
			return
		}
		for _, l := range paint.Wrap(sanitize.Line(mark+text), w-indent-1) {
			out = append(out, paint.Spaces(indent)+look.Paint(l))
		}
	}
	add(f.Plain, "", scopeWords(r.Scope))
	if r.Manual {
		add(f.Dim, "", "does not bind what an operator confirms by hand")
	}
	loc := r.Location
	if loc == nil {
		loc = f.Now.Location()
	}
	add(f.Plain, "", entry(r, f.Now, loc))
	add(f.Warn, f.Glyph.Risk+" ", r.Aside)
	if r.Unreadable != "" {
		add(f.Bad, f.Glyph.Failed+" ", "cannot be read, and closes as long as that is so: "+frame.Advice(r.Unreadable, may))
	}
	return out
}
