package window

import (
	"cmp"
	"slices"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// Span is a half-open span of time.
type Span struct{ From, To time.Time }

// Freeze is a span of time in which a rule forbids everything.
type Freeze struct {
	Span
	Rule string
}

// Open lists when it is open from one instant to another, in order and apart.
// Spans end where the range does. There are none for rules that make no sense.
func Open(rules []model.WindowRule, from, to time.Time) []Span {
	if unclear(rules) != "" || !from.Before(to) {
		return nil
	}
	w := newCalendar(rules, from.Unix(), to.Unix()).sweep(rules)
	var out []Span
	for s, ok := w.next(from.Unix()); ok; s, ok = w.next(s.to) {
		out = append(out, s.times())
	}
	return out
}

// Freezes lists, rule by rule, the freezes that touch a range of time, by the
// instant they begin. They are told in full, also where they leave the range.
func Freezes(rules []model.WindowRule, from, to time.Time) []Freeze {
	if unclear(rules) != "" || !from.Before(to) {
		return nil
	}
	var out []Freeze
	for i := range rules {
		r := &rules[i]
		if r.Freeze == nil {
			continue
		}
		begin := from.Unix()
		if r.Freeze.Starts != nil {
			begin -= seconds(r.Freeze.Duration) + 2*day // those that overlap are told as one
		}
		l := newCalendar(rules[i:i+1], begin, to.Unix()).lane(r.Freeze, r.Location, 0)
		for l.cur != none {
			s := l.cur
			for l.seek(s.to); l.cur.from <= s.to; l.seek(s.to) {
				s.to = l.cur.to
			}
			if s.to > from.Unix() {
				out = append(out, Freeze{s.times(), r.Name})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Freeze) int { return cmp.Compare(a.From.Unix(), b.From.Unix()) })
	return out
}

func (s span) times() Span { return Span{instant(s.from), instant(s.to)} }

// Grid cuts days, of which the date is the first, into equal parts of what the
// clock in a zone shows, and returns the days×parts+1 instants between them. A
// part that a transition skips is empty, one that is repeated takes twice as
// long.
func Grid(year int, month time.Month, dayOfMonth, days, parts int, loc *time.Location) []time.Time {
	wall := time.Date(year, month, dayOfMonth, 0, 0, 0, 0, time.UTC).Unix()
	offsets := zoneOffsets(loc, wall-margin, wall+int64(days)*day+margin)
	out := make([]time.Time, days*parts+1)
	for i := range out {
		out[i] = time.Unix(reaches(offsets, wall+int64(i)*day/int64(parts)), 0).In(loc)
	}
	return out
}
