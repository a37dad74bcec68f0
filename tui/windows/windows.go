// Package windows is the page that shows a week of every environment's windows
// and freezes, why the selected one is open or not, and what if at another
// time.
package windows

import (
	"slices"
	"time"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/internal/when"
	"github.com/fairtide-dev/fairtide/internal/window"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/list"
	"github.com/fairtide-dev/fairtide/tui/slot"
)

// Page is the state of the page. What it shows of the environments is read
// elsewhere, and always as it was read last.
type Page struct {
	envs   *slot.Slot[[]model.Environment]
	status func(env string) *slot.Slot[model.EnvironmentStatus]

	list   list.List[string]
	weeks  int // from the week it is to the one on the screen
	scroll int // of what is below the week
	asked  asked
	before *before // while a time is typed: what cancelling goes back to
	drawn  drawn
}

// asked is the time that was asked about.
type asked struct {
	text string
	time when.Time
	err  error
}

func (a asked) set() bool { return a.err == nil && !a.time.At.IsZero() }

type before struct {
	asked asked
	weeks int
}

// New makes the page, with an environment selected.
func New(envs *slot.Slot[[]model.Environment], status func(env string) *slot.Slot[model.EnvironmentStatus], selected string) *Page {
	p := &Page{envs: envs, status: status}
	p.sync()
	p.list.Select(selected)
	return p
}

// sync brings the list in line with the environments.
func (p *Page) sync() {
	items := make([]list.Item[string], len(p.envs.Value))
	for i, e := range p.envs.Value {
		items[i].Key = e.Name
	}
	p.list.Set(items)
}

// Place is the selected environment's place in the list, counted from 1; 0:
// there is none.
func (p *Page) Place() int { return p.list.Index() + 1 }

// Environment is the selected one, with its windows as they were read.
func (p *Page) Environment() (model.Environment, bool) {
	if i := p.list.Index(); i >= 0 && i < len(p.envs.Value) {
		return p.ruled(p.envs.Value[i]), true
	}
	return model.Environment{}, false
}

// mayOverride reports whether the policy lets this operator override.
func (p *Page) mayOverride(env model.Environment) bool {
	st := p.status(env.Name).Value
	_, may := env.Override.Permits(st.User, st.Groups)
	return may
}

// ruled is an environment with its calendars read, as far as they are. A rule
// whose calendar is not closes, and says so.
func (p *Page) ruled(env model.Environment) model.Environment {
	if st := p.status(env.Name); st.Loaded && st.Value.Rules != nil {
		env.Windows = st.Value.Rules
		return env
	}
	env.Windows = slices.Clone(env.Windows)
	for i := range env.Windows {
		if r := &env.Windows[i]; r.Source != nil && r.Unreadable == "" {
			r.Unreadable = "it is read together with the cluster's state, and that is not known"
		}
	}
	return env
}

// Do carries out a movement. It reports whether the page knows the action.
func (p *Page) Do(id action.ID, now time.Time) bool {
	p.sync()
	switch id {
	case action.NextWeek:
		p.turn(1, now)
	case action.PrevWeek:
		p.turn(-1, now)
	case action.ThisWeek:
		p.weeks = 0
	case action.PageDown:
		p.scroll += halfPage
	case action.PageUp:
		p.scroll = max(0, p.scroll-halfPage)
	default:
		n, ok := action.Rows(id)
		if ok {
			p.list.Move(n)
			p.scroll = 0
		}
		return ok
	}
	return true
}

const halfPage = 5

// turn shows another week, as long as its year has four digits.
func (p *Page) turn(n int, now time.Time) {
	loc, _ := p.zone(now)
	if y := monday(now.In(loc)).AddDate(0, 0, 7*(p.weeks+n)).Year(); y >= 1 && y <= 9999 {
		p.weeks += n
	}
}

// Leave lets go of the time that was asked about. It reports whether there was one.
func (p *Page) Leave() bool {
	had := p.asked.set()
	p.asked = asked{}
	if had {
		p.weeks = 0
	}
	return had
}

// Ask begins with typing a time.
func (p *Page) Ask() {
	p.before = &before{p.asked, p.weeks}
	p.asked = asked{}
}

// Try shows what a text, while it is typed, means and how the windows would
// stand then. It is the selected environment's zone and clock that count.
func (p *Page) Try(text string, now time.Time) {
	p.asked = asked{text: text}
	env, ok := p.Environment()
	if !ok || text == "" {
		return
	}
	now, _ = p.clock(env, now)
	loc, _ := p.zone(now)
	p.asked.time, p.asked.err = when.Parse(text, now, loc)
	if p.asked.err == nil {
		p.show(p.asked.time.At, now, loc)
	}
}

// show turns to the week of an instant.
func (p *Page) show(at, now time.Time, loc *time.Location) {
	p.scroll = 0
	const seconds = week * 24 * 60 * 60
	p.weeks = int((monday(at.In(loc)).Unix() - monday(now.In(loc)).Unix()) / seconds)
}

// Keep is the end of typing. A text that means nothing is let go of, and told.
func (p *Page) Keep(text string, now time.Time) (note string) {
	p.Try(text, now)
	if p.asked.err != nil || text == "" {
		if p.asked.err != nil {
			note = p.asked.err.Error()
		}
		p.Drop()
		return note
	}
	p.before = nil
	return ""
}

// Drop ends typing without a result.
func (p *Page) Drop() {
	if p.before != nil {
		p.asked, p.weeks, p.before = p.before.asked, p.before.weeks, nil
	}
}

// Answer is how it would stand at the time that is asked about, in a few words.
func (p *Page) Answer(now time.Time) string {
	env, ok := p.Environment()
	if !ok || !p.asked.set() {
		return ""
	}
	now, _ = p.clock(env, now)
	loc, _ := p.zone(now)
	s := p.stand(env, p.asked.time.At)
	switch {
	case s.Open && !s.Until.IsZero():
		return s.word() + " until " + s.Until.In(loc).Format("2 Jan 15:04")
	case !s.Open && !s.NextOpen.IsZero():
		return s.word() + ", opens " + s.NextOpen.In(loc).Format("2 Jan 15:04")
	}
	return s.word()
}

// Hints are the footer's actions, the most wanted first.
func (p *Page) Hints() []action.ID {
	if len(p.envs.Value) == 0 {
		return []action.ID{action.Back, action.Refresh}
	}
	out := []action.ID{action.WhatIf, action.PrevWeek, action.NextWeek}
	if p.weeks != 0 {
		out = append(out, action.ThisWeek)
	}
	return append(out, action.Down, action.Back, action.Refresh)
}

// Head is the header line.
func (p *Page) Head(f frame.Frame) frame.Head {
	p.sync()
	env, ok := p.Environment()
	if !ok {
		return frame.Head{Left: "windows"}
	}
	now, sure := p.clock(env, f.Now)
	f.Now = now
	right := f.Window(nil)
	if s := p.stand(env, now); sure {
		right = f.WindowFor(&s.WindowState, s.about())
	}
	return frame.Head{
		Left: sanitize.Line(env.Name) + "  windows", Right: right,
		Production: env.Tier == model.TierProduction,
	}
}

// clock is what time it is in an environment: by its cluster's clock, or by
// the local one where the cluster's is not known.
func (p *Page) clock(env model.Environment, now time.Time) (at time.Time, sure bool) {
	if st := p.status(env.Name); st.Loaded && !st.Value.Clock.IsZero() {
		return now.Add(-st.Value.Skew), true
	}
	return now, false
}

// zone is the zone the week is drawn in: that of the selected environment's
// windows, else one that all windows share, else the local one; and whose it is.
func (p *Page) zone(now time.Time) (loc *time.Location, whose string) {
	env, _ := p.Environment()
	if loc := common(env); loc != nil {
		return loc, sanitize.Line(env.Name) + "'s zone"
	}
	var all model.Environment
	for _, e := range p.envs.Value {
		all.Windows = append(all.Windows, p.ruled(e).Windows...)
	}
	if loc := common(all); loc != nil {
		return loc, "the windows' zone"
	}
	return now.Location(), "the zone here"
}

// common is the zone that all of an environment's rules are in; nil: there is none.
func common(env model.Environment) *time.Location {
	var loc *time.Location
	for _, r := range env.Windows {
		if r.Location == nil || loc != nil && r.Location.String() != loc.String() {
			return nil
		}
		loc = r.Location
	}
	return loc
}

// standing is how an environment's window stands at an instant.
type standing struct {
	model.WindowState
	at      time.Time
	frozen  bool
	ruled   bool // there are rules
	unread  bool // it is closed by what cannot be read
	guessed bool // by the local clock, as the cluster's is not known
}

func (p *Page) stand(env model.Environment, at time.Time) standing {
	s := standing{WindowState: window.Evaluate(env.Windows, at), at: at, ruled: len(env.Windows) > 0}
	s.unread = !s.Open && s.NextOpen.IsZero() && slices.ContainsFunc(env.Windows, func(r model.WindowRule) bool { return r.Unreadable != "" })
	s.frozen = !s.unread && len(window.Freezes(env.Windows, at, at.Add(time.Second))) > 0
	return s
}

// about is what the header says beside that it is closed.
func (s standing) about() string {
	if s.unread {
		return ", a calendar is unreadable"
	}
	return ""
}
