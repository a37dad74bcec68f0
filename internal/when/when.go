// Package when reads times as people type them: "tomorrow 9:30", "thu 09:30",
// "24 dec", "2026-12-24 09:30", "+3h". It knows no clock: what is relative is
// relative to the instant it is given.
//
// A wall-clock time that a transition skips is the transition; of one that
// comes twice the first is meant. Both are told.
package when

import (
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"
)

// Time is what a text means.
type Time struct {
	At   time.Time // in the zone that was asked for
	Note string    // what there is to know about it: a skipped or a repeated hour; else empty
}

// Examples are texts that Parse understands, for a hint.
var Examples = [...]string{"tomorrow 9:30", "thu 09:30", "24 dec", "2026-12-24 09:30", "+3h"}

// longest is the length of a text, in bytes, beyond which it is no time.
const longest = 200

// errEmpty is the error for a text that says nothing.
var errEmpty = errors.New("no time is given")

// Parse reads a text: a time of day, a date or both in either order; a number
// of minutes, hours, days or weeks from now, or ago; or RFC 3339. Wall-clock
// times are those of loc unless an offset such as +01:00 or utc follows. A
// date alone is its begin. What names no year, no date or only a weekday is
// the next such time that has not gone by.
func Parse(text string, now time.Time, loc *time.Location) (Time, error) {
	if len(text) > longest {
		return Time{}, errors.New("this is too long for a time")
	}
	words := fields(text)
	if len(words) == 0 {
		return Time{}, errEmpty
	}
	now = now.In(loc)
	var at Time
	var err error
	if d, ok, derr := relative(words); ok {
		at, err = Time{At: d.after(now)}, derr
	} else {
		at, err = absolute(words, text, now, loc)
	}
	if err != nil {
		return Time{}, err
	}
	if y := at.At.Year(); y < 1 || y > 9999 {
		return Time{}, fmt.Errorf("%q is too far away", text)
	}
	return at, nil
}

// fields cuts a text into lower-case words and leaves out those that only
// make it read well.
func fields(text string) []string {
	text = strings.ToLower(strings.ReplaceAll(text, ",", " "))
	var out []string
	for _, w := range strings.Fields(text) {
		switch w {
		case "at", "on", "the", "of":
			continue
		}
		out = append(out, w)
	}
	return out
}

// absolute reads a date, a time of day, and an offset.
func absolute(words []string, text string, now time.Time, loc *time.Location) (Time, error) {
	var r reading
	for i := 0; i < len(words); {
		n, err := r.take(words[i:], now)
		if err != nil {
			return Time{}, err
		}
		if n == 0 {
			return Time{}, fmt.Errorf("%q is not understood; try %q, %q or %q", text, Examples[0], Examples[3], Examples[4])
		}
		i += n
	}
	if r.now {
		return Time{At: now}, nil
	}
	if r.zone != nil {
		at, err := r.resolve(now.In(r.zone), r.zone)
		at.At = at.At.In(loc)
		return at, err
	}
	return r.resolve(now, loc)
}

// resolve makes an instant of what was read.
func (r *reading) resolve(now time.Time, loc *time.Location) (Time, error) {
	y, m, d := now.Date()
	switch {
	case !r.dated && !r.timed:
		return Time{}, errors.New("an offset alone is no time")
	case r.weekday >= 0:
		d += (r.weekday - int(now.Weekday()) + 7) % 7
		return r.upcoming(now, loc, 2, func(i int) (int, time.Month, int) { return y, m, d + 7*i })
	case !r.dated:
		return r.upcoming(now, loc, 2, func(i int) (int, time.Month, int) { return y, m, d + i })
	case r.year == 0:
		return r.upcoming(now, loc, 9, func(i int) (int, time.Month, int) { return y + i, r.month, r.day })
	}
	if !exists(r.year, r.month, r.day) && !r.relative {
		return Time{}, fmt.Errorf("there is no %d %s %d", r.day, r.month, r.year)
	}
	return onWall(r.year, r.month, r.day, r.clock, loc), nil
}

// upcoming is the first of n dates whose time has not gone by.
func (r *reading) upcoming(now time.Time, loc *time.Location, n int, date func(int) (int, time.Month, int)) (Time, error) {
	for i := range n {
		y, m, d := date(i)
		if r.weekday < 0 && r.dated && !exists(y, m, d) {
			continue // the 29th of February of most years
		}
		if at := onWall(y, m, d, r.clock, loc); !at.At.Before(now) {
			return at, nil
		}
	}
	return Time{}, fmt.Errorf("there is no %d %s", r.day, r.month)
}

func exists(y int, m time.Month, d int) bool {
	t := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	return t.Month() == m && t.Day() == d
}

// farthest is more than any clock is from UTC, in seconds.
const farthest = 26 * 60 * 60

// onWall is when a zone's clock shows a time: seconds after midnight of a date.
func onWall(y int, m time.Month, d, seconds int, loc *time.Location) Time {
	wall := time.Date(y, m, d, 0, 0, seconds, 0, time.UTC).Unix()
	shown := time.Unix(wall, 0).UTC()
	offset := func(unix int64) int64 {
		_, seconds := time.Unix(unix, 0).In(loc).Zone()
		return int64(seconds)
	}
	// A transition near by lies between these two, and nobody has had two in
	// as many days.
	was, is := offset(wall-farthest), offset(wall+farthest)
	first, second := wall-was, wall-is
	isFirst, isSecond := offset(first) == was, offset(second) == is
	switch {
	case isFirst && isSecond && first != second:
		return Time{time.Unix(first, 0).In(loc), fmt.Sprintf("%s comes twice on %s; this is the first, %s is the second",
			shown.Format("15:04"), shown.Format("2 January 2006"), shown.Format("15:04 ")+time.Unix(second, 0).In(loc).Format("-07:00"))}
	case isFirst:
		return Time{At: time.Unix(first, 0).In(loc)}
	case isSecond:
		return Time{At: time.Unix(second, 0).In(loc)}
	}
	begin := wall - farthest
	at := time.Unix(begin+int64(sort.Search(2*farthest, func(i int) bool {
		unix := begin + int64(i)
		return unix+offset(unix) >= wall
	})), 0).In(loc)
	return Time{at, fmt.Sprintf("the clock skips %s on %s; it goes on at %s",
		shown.Format("15:04"), shown.Format("2 January 2006"), at.Format("15:04 MST"))}
}
