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
// Times are exact to the second.
package window

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// Horizon is how far ahead changes are looked for.
const Horizon = 366 * 24 * time.Hour

// horizons are tried in turn: an answer is mostly near, and a far one costs more.
var horizons = [...]int64{2 * day, 8 * day, 64 * day, int64(Horizon / time.Second)}

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
		c := newCalendar(now, now+horizon)
		open := c.open(rules)
		if i == 0 {
			state.Open = len(open) > 0 && open[0].from == now
			state.Reason, state.Rule = explain(rules, c, state.Open)
		}
		if state.Open {
			if open[0].to < c.to {
				state.Until = instant(open[0].to)
			}
			open = open[1:]
		}
		if len(open) > 0 {
			state.NextOpen = instant(open[0].from)
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
	var c *calendar
	var open []span
	for _, horizon := range horizons {
		c = newCalendar(now, now+horizon)
		// One more than asked for, as the last may be cut off.
		if open = c.open(rules); len(open) > n {
			break
		}
	}
	var openings []Opening
	for _, s := range open[:min(n, len(open))] {
		o := Opening{From: instant(s.from)}
		if s.to < c.to {
			o.To = instant(s.to)
		}
		for i := range rules {
			if rules[i].Allow != nil && c.touches(&rules[i], s) {
				o.Rules = append(o.Rules, rules[i].Name)
			}
		}
		openings = append(openings, o)
	}
	return openings
}

// unclear says which rule makes no sense. To guess would be to open.
func unclear(rules []model.WindowRule) string {
	for _, r := range rules {
		if r.Location == nil || (r.Allow == nil) == (r.Freeze == nil) || !sound(r.Allow) || !sound(r.Freeze) {
			return fmt.Sprintf("the rule %s cannot be understood", r.Name)
		}
	}
	return ""
}

func sound(s *model.Schedule) bool {
	if s == nil || s.OneOff() {
		return true
	}
	const midnight = 24 * 60
	return !slices.ContainsFunc(s.Days, func(d time.Weekday) bool { return d < time.Sunday || d > time.Saturday }) &&
		s.Start >= 0 && s.Start < midnight && s.End >= 0 && s.End <= midnight && s.To.IsZero()
}

func instant(unix int64) time.Time { return time.Unix(unix, 0).UTC() }

// span is a half-open span of time in Unix seconds.
type span struct{ from, to int64 }

// open is when the rules are open in the calendar's range, in order and apart.
func (c *calendar) open(rules []model.WindowRule) []span {
	allowed := []span{{c.from, c.to}}
	if slices.ContainsFunc(rules, func(r model.WindowRule) bool { return r.Allow != nil }) {
		allowed = c.spans(rules, func(r *model.WindowRule) *model.Schedule { return r.Allow })
	}
	return c.clip(subtract(allowed, c.frozen(rules)))
}

// frozen is when the rules are frozen, in order and apart.
func (c *calendar) frozen(rules []model.WindowRule) []span {
	return c.spans(rules, func(r *model.WindowRule) *model.Schedule { return r.Freeze })
}

// spans merges the spans of the schedules that pick chooses.
func (c *calendar) spans(rules []model.WindowRule, pick func(*model.WindowRule) *model.Schedule) []span {
	var all []span
	for i := range rules {
		if s := pick(&rules[i]); s != nil {
			all = c.schedule(all, s, rules[i].Location)
		}
	}
	return merge(all)
}

// touches reports whether an allow rule has a part in a span.
func (c *calendar) touches(r *model.WindowRule, s span) bool {
	return slices.ContainsFunc(c.schedule(nil, r.Allow, r.Location), func(o span) bool {
		return o.from < s.to && o.to > s.from
	})
}

// clip leaves of spans what lies in the calendar's range.
func (c *calendar) clip(spans []span) []span {
	var out []span
	for _, s := range spans {
		if s = (span{max(s.from, c.from), min(s.to, c.to)}); s.from < s.to {
			out = append(out, s)
		}
	}
	return out
}

// merge puts spans in order and joins those that overlap or meet.
func merge(spans []span) []span {
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	out := spans[:0]
	for _, s := range spans {
		if n := len(out); n > 0 && s.from <= out[n-1].to {
			out[n-1].to = max(out[n-1].to, s.to)
		} else {
			out = append(out, s)
		}
	}
	return out
}

// subtract is a without b; both are in order and apart, and so is the result.
func subtract(a, b []span) []span {
	var out []span
	for _, s := range a {
		for len(b) > 0 && b[0].to <= s.from {
			b = b[1:]
		}
		for _, cut := range b {
			if cut.from >= s.to {
				break
			}
			if cut.from > s.from {
				out = append(out, span{s.from, cut.from})
			}
			s.from = cut.to
		}
		if s.from < s.to {
			out = append(out, s)
		}
	}
	return out
}
