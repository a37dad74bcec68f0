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
// A plan is judged object by object, see Ask.
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

// Evaluate says how rules stand at an instant where no plan is known.
func Evaluate(rules []model.WindowRule, at time.Time) model.WindowState {
	return Ask{Rules: rules}.At(at)
}

// Next returns the next n openings after an instant where no plan is known.
func Next(rules []model.WindowRule, at time.Time, n int) []Opening {
	return Ask{Rules: rules}.Next(at, n)
}

// unclear says which rule makes no sense. To guess would be to open.
func unclear(rules []model.WindowRule) string {
	for i := range rules {
		r := &rules[i]
		if r.Location == nil || (r.Allow == nil) == (r.Freeze == nil) ||
			r.Cutoff < 0 || r.Cutoff > Longest || r.Cutoff > 0 && r.Freeze != nil ||
			unread(r) == "" && !sound(schedule(r)) {
			return fmt.Sprintf("the rule %s cannot be understood", r.Name)
		}
	}
	return ""
}

// schedule is that of a rule, be it to allow or to freeze.
func schedule(r *model.WindowRule) *model.Schedule {
	if r.Allow != nil {
		return r.Allow
	}
	return r.Freeze
}

// unread says why a rule's calendar is not known; empty: it is, or it has none.
func unread(r *model.WindowRule) string {
	switch s := schedule(r); {
	case r.Unreadable != "":
		return "cannot be read: " + r.Unreadable
	case r.Source != nil && (s == nil || s.Spans == nil):
		return "has not been read"
	}
	return ""
}

func sound(s *model.Schedule) bool {
	weekly := s.Days != nil || s.Start != 0 || s.End != 0
	switch {
	case s.Spans != nil:
		return !weekly && s.Starts == nil && s.Duration == 0 && !s.OneOff() && s.To.IsZero()
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
