// Package recur says when something recurs on the clock on the wall: by a cron
// schedule of five fields, or by a recurrence rule of iCalendar (RFC 5545).
//
// It knows no time zones. Times are wall-clock times, written as the Unix time
// at which a clock on UTC would show them; what a skipped or repeated hour does
// to them is for the caller to say. That is why it is our own: the libraries
// that read these two forms compute instants, and each does so wrongly where
// clocks are set (robfig/cron, gronx and cronexpr leave the night out,
// netresearch/go-cron counts the repeated hour twice, rrule-go is an hour
// early). What would be left of them is the parser, and rrule-go walks from the
// first occurrence on at each question.
package recur

import (
	"slices"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

const (
	minute = 60
	hour   = 60 * minute
	day    = 24 * hour
)

// The ends of all time: no rule goes further.
var (
	firstWall = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	lastWall  = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC).Unix()
)

// frequency is how long a rule's period is.
type frequency int

const (
	yearly frequency = iota
	monthly
	weekly
	daily
	hourly
	minutely
)

// Rule is a recurrence. It never changes, and may be used by several at once.
type Rule struct {
	text string
	cron bool

	freq         frequency
	interval     int64
	start, until int64 // both may be occurrences
	begin        date  // that of start
	weekStart    int   // of a week, 0 is Sunday

	// Days. What is empty leaves all days.
	months     uint32 // bits
	monthDays  uint32 // bits, counted from the month's begin
	monthEnds  uint32 // bits, counted from its end: 1 is the last day
	weekdays   uint32 // bits, 0 is Sunday
	nth        []nth
	nthInYear  bool
	yearDays   []int // negative: from the end
	weeks      []int // negative: from the end
	eitherDays bool  // a day of the month or of the week is enough

	times   []int64 // of a day, where all days have the same: seconds, in order
	gap     int64   // the longest time between two of them
	hours   uint32  // bits, where a period is less than a day; none: all
	minutes uint64  // bits; of minutely none: all
	setPos  []int   // which of a period's occurrences count; negative: from the end
}

// nth is the n-th of a weekday in a month or a year; negative: from the end.
type nth struct{ weekday, n int }

// String is the rule as it was written.
func (r *Rule) String() string { return r.text }

// Weekly tells a cron schedule with one time a day that goes by nothing but the
// days of the week.
func (r *Rule) Weekly() (days []time.Weekday, at model.ClockTime, ok bool) {
	if !r.cron || len(r.times) != 1 || r.months != 0 || r.monthDays != 0 {
		return nil, 0, false
	}
	for d := time.Sunday; d <= time.Saturday; d++ {
		if r.weekdays == 0 || has(r.weekdays, int(d)) {
			days = append(days, d)
		}
	}
	return days, model.ClockTime(r.times[0] / minute), true
}

// Next is the first occurrence not before from and before another time; ok is
// false if there is none. Last is the last of a run of occurrences that begins
// with it, none of which is more than gap seconds after the one before: it may
// be first, though more follow.
func (r *Rule) Next(from, before, gap int64) (first, last int64, ok bool) {
	from, before = max(from, r.start), min(before, r.until+1)
	switch {
	case from >= before:
		return 0, 0, false
	case r.freq >= hourly:
		first, ok = r.nextWithinDays(from, before)
		return first, first, ok
	case len(r.setPos) > 0:
		first, ok = r.nextOfSets(from, before)
		return first, first, ok
	}
	return r.nextOfDays(from, before, gap)
}

// nextOfDays goes from day to day, and over months and periods without any.
func (r *Rule) nextOfDays(from, before, gap int64) (first, last int64, ok bool) {
	d := dateOf(floor(from, day) / day)
	clock := from - d.day*day
	for ; d.day*day < before; clock = 0 {
		if skip := r.skip(&d); skip > 0 {
			d.advance(skip)
			continue
		}
		if !r.on(&d) {
			d.advance(1)
			continue
		}
		i := 0
		if clock > 0 {
			i, _ = slices.BinarySearch(r.times, clock)
		}
		if i == len(r.times) {
			d.advance(1)
			continue
		}
		midnight, n := d.day*day, i
		if gap >= r.gap {
			for n = len(r.times) - 1; n > i && midnight+r.times[n] > r.until; n-- {
			}
		}
		first = midnight + r.times[i]
		return first, midnight + r.times[n], first < before
	}
	return 0, 0, false
}

// nextOfSets goes from period to period, of each of which only some
// occurrences count.
func (r *Rule) nextOfSets(from, before int64) (int64, bool) {
	first := dateOf(floor(from, day) / day)
	at := r.periodStart(&first)
	for at*day < before {
		d := dateOf(at)
		if skip := r.skipPeriods(&d); skip > 0 {
			at += skip
			continue
		}
		end := r.periodEnd(&d)
		var set []int64
		for ; at < end; at++ {
			if d := dateOf(at); r.onDate(&d) {
				for _, t := range r.times {
					set = append(set, at*day+t)
				}
			}
		}
		for _, t := range pick(set, r.setPos) {
			if t >= from {
				return t, t < before
			}
		}
	}
	return 0, false
}

// pick chooses positions of a set, in order.
func pick[T any](set []T, positions []int) []T {
	var chosen []int
	for _, p := range positions {
		if p < 0 {
			p += len(set) + 1
		}
		if p >= 1 && p <= len(set) {
			chosen = append(chosen, p-1)
		}
	}
	slices.Sort(chosen)
	var out []T
	for _, i := range slices.Compact(chosen) {
		out = append(out, set[i])
	}
	return out
}

// nextWithinDays goes from hour to hour or from minute to minute, and over days
// and hours without any.
func (r *Rule) nextWithinDays(from, before int64) (int64, bool) {
	unit := int64(hour)
	if r.freq == minutely {
		unit = minute
	}
	base, step := floor(r.start, unit), unit*r.interval
	align := func(t int64) int64 { return base + floor(t-base+step-1, step) } // the first period from t on
	seen, good := int64(-1<<62), false
	for at := align(floor(from, unit)); at < before; {
		today := floor(at, day)
		if today != seen {
			d := dateOf(today / day)
			seen, good = today, r.onDate(&d)
		}
		if !good {
			at = align(today + day)
			continue
		}
		if h := floor(at, hour); r.hours != 0 && !has(r.hours, int((h-today)/hour)) {
			at = align(h + hour)
			continue
		}
		if t, ok := r.minuteOf(at, from); ok {
			return t, t < before
		}
		at += step
	}
	return 0, false
}

// minuteOf is the first occurrence of an hour or a minute that is not before
// from.
func (r *Rule) minuteOf(at, from int64) (int64, bool) {
	if r.freq == minutely {
		return at, at >= from && (r.minutes == 0 || r.minutes>>(mod(at, hour)/minute)&1 == 1)
	}
	for m := range int64(hour / minute) {
		if r.minutes>>m&1 == 1 && at+m*minute >= from {
			return at + m*minute, true
		}
	}
	return 0, false
}

// floor is the last multiple of unit not after t.
func floor(t, unit int64) int64 { return t - mod(t, unit) }

func mod(a, b int64) int64 {
	if a %= b; a < 0 {
		a += b
	}
	return a
}

func has(bits uint32, i int) bool { return bits>>i&1 == 1 }
