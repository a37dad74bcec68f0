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

// Open lists when it is open from one instant to another where no plan is
// known, see Ask.
func Open(rules []model.WindowRule, from, to time.Time) []Span {
	return Ask{Rules: rules}.Open(from, to)
}

// Freezes lists, rule by rule, the freezes that touch a range of time where no
// plan is known, see Ask.
func Freezes(rules []model.WindowRule, from, to time.Time) []Freeze {
	return Ask{Rules: rules}.Freezes(from, to)
}

// Freezes lists, rule by rule, the freezes that touch a range of time, by the
// instant they begin. They are told in full, also where they leave the range.
// Those whose calendar could not be read are left out.
func (a Ask) Freezes(from, to time.Time) []Freeze {
	if unclear(a.Rules) != "" || !from.Before(to) {
		return nil
	}
	var out []Freeze
	b := a.bind()
	for _, r := range b.freezes {
		for _, s := range holding(r, from.Unix(), to.Unix()) {
			out = append(out, Freeze{s.times(), r.Name})
		}
	}
	slices.SortStableFunc(out, func(a, b Freeze) int { return cmp.Compare(a.From.Unix(), b.From.Unix()) })
	return out
}

// Holding lists the spans of one rule, whatever its scope, that touch a range of
// time, in order and apart. They are told in full, also where they leave the
// range, and without the cutoff. There are none for a rule that makes no sense or
// cannot be read.
func Holding(r model.WindowRule, from, to time.Time) []Span {
	if unclear([]model.WindowRule{r}) != "" || !from.Before(to) {
		return nil
	}
	r.Cutoff = 0
	var out []Span
	for _, s := range holding(&r, from.Unix(), to.Unix()) {
		out = append(out, s.times())
	}
	return out
}

func holding(r *model.WindowRule, from, to int64) (out []span) {
	if unread(r) != "" {
		return nil
	}
	begin := from
	if r.Freeze != nil && r.Freeze.Starts != nil || r.Allow != nil && r.Allow.Starts != nil {
		begin -= seconds(schedule(r).Duration) + 2*day // those that overlap are told as one
	}
	l := newCalendar([]model.WindowRule{*r}, begin, to).lane(r, begin, to)
	for l.cur != none {
		s := l.cur
		for l.seek(s.to); l.cur.from <= s.to; l.seek(s.to) {
			s.to = l.cur.to
		}
		if s.to > from {
			out = append(out, s)
		}
	}
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
