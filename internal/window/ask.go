package window

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// Ask is a question to the rules of an environment.
//
// A plan is judged object by object, for what it writes. An object is judged by
// every freeze whose scope names it, and by those allow rules whose scope names
// it; only if none does, by the allow rules without scope. If no allow rule is
// left for it, it is open. The plan is open when it is open for every object.
// The risks of the plan as a whole are judged by the rules whose scope names
// one of them, and by no others. A plan that writes nothing is judged by the
// rules without scope.
//
// Where no plan is known only rules without scope are judged.
//
// Rules with Manual bind a person as Argo CD's sync windows with manualSync do:
// of the freezes in force, if all are such, none closes and it is open outside
// of allow rules as well, unless one of these is not Imported; and where all
// allow rules are, it is open outside of them.
type Ask struct {
	Rules     []model.WindowRule
	Subjects  []model.WindowSubject // of the plan: model.Plan.WindowSubjects
	Known     bool                  // there is a plan
	Automatic bool                  // nobody confirms by hand
}

// At says how the rules stand at an instant. Until and NextOpen are in UTC;
// while it is open NextOpen is the opening after the next closing. A rule that
// makes no sense (without a zone, or not exactly one of Allow and Freeze)
// closes, and says so; so does one whose calendar could not be read, if it is
// about what is asked.
func (a Ask) At(at time.Time) model.WindowState {
	if len(a.Rules) == 0 {
		return model.WindowState{Open: true, Reason: "open: no windows are configured"}
	}
	if reason := unclear(a.Rules); reason != "" {
		return model.WindowState{Reason: "closed: " + reason}
	}
	b := a.bind()
	state := model.WindowState{Aside: b.aside()}
	if r := b.unread(); r != nil {
		state.Reason, state.Rule, state.Unknown = "closed: the calendar of "+r.Name+" "+unread(r), r.Name, true
		return state
	}
	now := at.Unix()
	c := newCalendar(a.Rules, now, now+seconds(Horizon))
	w := c.sweep(b, horizons[0])
	x := explainer{ask: &a, bound: &b, now: now}
	if f := w.freeze.inForce(now); f.rule != nil {
		state.Reason, state.Rule = x.frozen(f, w.thaw())
	} else {
		state.Reason, state.Rule, state.Open = x.allowed(&w)
	}
	opens := w.at
	if state.Open {
		if s, _ := w.find(now); s.to < c.to {
			state.Until, opens = instant(s.to), s.to
		} else {
			opens = c.to
		}
	}
	if at, ok := w.findOpens(opens); ok {
		state.NextOpen = instant(at)
	}
	if !state.Open {
		state.Until = state.NextOpen
	}
	return state
}

// Opening is a span of time in which it is open.
type Opening struct {
	From  time.Time // in UTC; the instant asked about, if it is open then
	To    time.Time // in UTC; zero: not within Horizon
	Rules []string  // the names of the allow rules that have a part in it
}

// Next returns the next n openings after an instant, the current one first.
// There are fewer if fewer begin within Horizon, and none for rules that make
// no sense or cannot be read.
func (a Ask) Next(at time.Time, n int) []Opening {
	b, ok := a.judged()
	if n <= 0 || !ok {
		return nil
	}
	now := at.Unix()
	c := newCalendar(a.Rules, now, now+seconds(Horizon))
	w := c.sweep(b, horizons[0])
	var openings []Opening
	for s, ok := w.find(now); ok && len(openings) < n; s, ok = w.find(s.to) {
		o := Opening{From: instant(s.from)}
		if s.to < c.to {
			o.To = instant(s.to)
		}
		for _, r := range b.allows() {
			if l := c.lane(r, s.from, s.to); l.cur.from < s.to {
				o.Rules = append(o.Rules, r.Name)
			}
		}
		openings = append(openings, o)
	}
	return openings
}

// Open lists when it is open from one instant to another, in order and apart.
// Spans end where the range does. There are none for rules that make no sense
// or cannot be read.
func (a Ask) Open(from, to time.Time) []Span {
	b, ok := a.judged()
	if !ok || !from.Before(to) {
		return nil
	}
	w := newCalendar(a.Rules, from.Unix(), to.Unix()).sweep(b, to.Unix()-from.Unix())
	var out []Span
	for s, ok := w.next(from.Unix()); ok; s, ok = w.next(s.to) {
		out = append(out, s.times())
	}
	return out
}

// judged is what binds, if it can be judged.
func (a Ask) judged() (bound, bool) {
	if unclear(a.Rules) != "" {
		return bound{}, false
	}
	b := a.bind()
	return b, b.unread() == nil
}

// bound is what of an Ask's rules binds.
type bound struct {
	used    []*model.WindowRule // all that were judged
	freezes []*model.WindowRule
	sets    []set
	apart   int // how many rules were left out, as no plan is known
}

// set is the rules of which one has to allow what it is about.
type set struct {
	rules []*model.WindowRule
	// always is set where nothing is needed: there are no allow rules, or none
	// that binds.
	always bool
	about  []*model.WindowSubject // in a plan that is not judged as one
}

// unread is the first rule that is judged and cannot be.
func (b *bound) unread() *model.WindowRule {
	for _, r := range b.used {
		if unread(r) != "" {
			return r
		}
	}
	return nil
}

// aside tells what is to be known of how the rules were read.
func (b *bound) aside() string {
	if b.apart == 0 && !slices.ContainsFunc(b.used, func(r *model.WindowRule) bool { return r.Aside != "" }) {
		return ""
	}
	var parts []string
	for _, r := range b.used {
		if r.Aside != "" && !slices.Contains(parts, r.Aside) {
			parts = append(parts, r.Aside)
		}
	}
	switch b.apart {
	case 0:
	case 1:
		parts = append(parts, "1 rule is about some objects only, and counts when a plan has them")
	default:
		parts = append(parts, fmt.Sprintf("%d rules are about some objects only, and count when a plan has them", b.apart))
	}
	return strings.Join(parts, "; ")
}

// allows are the allow rules of all sets.
func (b *bound) allows() []*model.WindowRule {
	var out []*model.WindowRule
	for _, r := range b.used {
		if r.Allow != nil {
			out = append(out, r)
		}
	}
	return out
}
