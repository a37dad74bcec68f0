// Package window says whether an environment may be changed at an instant, by
// which rule, and until when.
//
// A freeze wins over everything. If there is an allow rule, it is closed
// outside of all of them; if there is none, it is open.
//
// Rules speak of wall-clock time in a zone. A span begins at the first instant
// at which the zone's clock shows its start or later, and ends after the last
// instant at which it shows less than its end. So a start in a skipped hour is
// the transition; of a repeated hour, a start is in the first pass and an end
// in the second (unless it is the very begin of that hour: nothing of the hour
// is inside then); and a span that lies within a skipped hour is empty.
//
// Spans that recur, by a cron schedule or a recurrence rule, begin by the same
// rule: a start in a skipped hour is the transition, and one in a repeated hour
// is its first pass and not its second. They last as long as they are told to,
// in time that passes: a span of eight hours is over after eight hours, whatever
// the clock shows then. So a rule that starts anew within an hour, such as every
// five minutes for five minutes, has a gap where an hour is repeated.
//
// A cutoff is counted back from the end of what its rule allows without a gap:
// there the rule lets nothing start any more.
//
// Times are exact to the second.
package window

import (
	"fmt"
	"slices"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// Horizon is how far ahead changes are looked for.
const Horizon = 366 * 24 * time.Hour

// horizons are tried in turn: an answer is mostly near, and a far one costs more.
var horizons = [...]int64{2 * day, 8 * day, 64 * day, int64(Horizon / time.Second)}

// Longest is how long a span that recurs, and a cutoff, may be.
const Longest = 366 * 24 * time.Hour

// Evaluate says how rules stand at an instant. Until and NextOpen are in UTC;
// while it is open NextOpen is the opening after the next closing. A rule that
// makes no sense (without a zone, or not exactly one of Allow and Freeze)
// closes, and says so.
func Evaluate(rules []model.WindowRule, at time.Time) model.WindowState {
	if len(rules) == 0 {
		return model.WindowState{Open: true, Reason: "open: no windows are configured"}
	}
	if reason := unclear(rules); reason != "" {
		return model.WindowState{Reason: "closed: " + reason}
	}
	now := at.Unix()
	var state model.WindowState
	for i, horizon := range horizons {
		c := newCalendar(rules, now, now+horizon)
		w := c.sweep(rules)
		next, ok := w.next(now)
		state.Open = ok && next.from == now
		if i == 0 {
			state.Reason, state.Rule = c.explain(rules, state.Open)
		}
		if state.Open {
			if next.to < c.to {
				state.Until = instant(next.to)
			}
			next, ok = w.next(next.to)
		}
		if ok {
			state.NextOpen = instant(next.from)
			break
		}
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
// no sense.
func Next(rules []model.WindowRule, at time.Time, n int) []Opening {
	if n <= 0 || unclear(rules) != "" {
		return nil
	}
	now := at.Unix()
	c := newCalendar(rules, now, now+seconds(Horizon))
	w := c.sweep(rules)
	var openings []Opening
	for s, ok := w.next(now); ok && len(openings) < n; s, ok = w.next(s.to) {
		o := Opening{From: instant(s.from)}
		if s.to < c.to {
			o.To = instant(s.to)
		}
		here := newCalendar(rules, s.from, s.to)
		here.zones = c.zones
		for i := range rules {
			if r := &rules[i]; r.Allow != nil && here.lane(r.Allow, r.Location, r.Cutoff).cur.from < s.to {
				o.Rules = append(o.Rules, r.Name)
			}
		}
		openings = append(openings, o)
	}
	return openings
}

// unclear says which rule makes no sense. To guess would be to open.
func unclear(rules []model.WindowRule) string {
	for i := range rules {
		r := &rules[i]
		if r.Location == nil || (r.Allow == nil) == (r.Freeze == nil) || !sound(r.Allow) || !sound(r.Freeze) ||
			r.Cutoff < 0 || r.Cutoff > Longest || r.Cutoff > 0 && r.Freeze != nil {
			return fmt.Sprintf("the rule %s cannot be understood", r.Name)
		}
	}
	return ""
}

func sound(s *model.Schedule) bool {
	switch {
	case s == nil:
		return true
	case s.Starts != nil:
		return !s.OneOff() && s.Days == nil && s.Duration >= time.Second && s.Duration <= Longest
	case s.Duration != 0:
		return false
	case s.OneOff():
		return true
	}
	const midnight = 24 * 60
	return !slices.ContainsFunc(s.Days, func(d time.Weekday) bool { return d < time.Sunday || d > time.Saturday }) &&
		s.Start >= 0 && s.Start < midnight && s.End >= 0 && s.End <= midnight && s.To.IsZero()
}

func instant(unix int64) time.Time { return time.Unix(unix, 0).UTC() }
