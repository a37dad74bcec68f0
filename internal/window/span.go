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
	var out []Span
	for _, s := range newCalendar(from.Unix(), to.Unix()).open(rules) {
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
	c := newCalendar(from.Unix(), to.Unix())
	var out []Freeze
	for _, r := range rules {
		if r.Freeze == nil {
			continue
		}
		for _, s := range merge(c.schedule(nil, r.Freeze, r.Location)) {
			out = append(out, Freeze{s.times(), r.Name})
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
