package ical

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// when is a date or a time as it is written.
type when struct {
	wall     int64 // what a clock in loc shows
	loc      *time.Location
	date     bool // a whole day
	floating bool // it names no zone
}

// instant is when the clock first shows it.
func (w when) instant() int64 { return (&zone{loc: w.loc}).reaches(w.wall) }

// midnight reports whether it is the begin of a day on its clock.
func (w when) midnight() bool { return w.wall == floorDay(w.wall) }

// readWhen reads a DATE or a DATE-TIME. What names no zone is in loc.
func readWhen(text string, loc *time.Location, floating bool) (when, error) {
	written := text
	text = strings.ToUpper(strings.TrimSpace(text))
	if t, err := time.Parse("20060102", text); err == nil && t.Year() > 0 {
		return when{wall: t.Unix(), loc: loc, date: true, floating: true}, nil
	}
	if t, err := time.Parse("20060102T150405Z", text); err == nil && t.Year() > 0 {
		return when{wall: t.Unix(), loc: time.UTC}, nil
	}
	t, err := time.Parse("20060102T150405", text)
	if err != nil || t.Year() == 0 {
		return when{}, fmt.Errorf("%s is neither a date such as 20261231 nor a time such as 20261231T180000", quote(written))
	}
	return when{wall: t.Unix(), loc: loc, floating: floating}, nil
}

// length is how long something lasts: days that the clock counts, and then
// seconds that pass.
type length struct{ days, exact int64 }

// end is when what begins at a time on the wall is over.
func (l length) end(z *zone, wall int64) int64 {
	switch {
	case l.days == 0:
		return z.reaches(wall) + l.exact
	case l.exact == 0:
		return z.leaves(wall + l.days*day)
	}
	return z.reaches(wall+l.days*day) + l.exact
}

// maxLength bounds what DURATION says, in days.
const maxLength = 100 * 366

// readLength reads a DURATION such as P1W, P1DT12H or PT90M.
func readLength(text string) (length, error) {
	l, err := splitLength(text)
	if errors.Is(err, errLength) {
		err = fmt.Errorf("%s %w", quote(text), err)
	}
	return l, err
}

var errLength = errors.New("is not a length of time such as P1D, PT90M or P1W")

func splitLength(text string) (l length, err error) {
	rest := strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(text)), "+")
	if strings.HasPrefix(rest, "-") {
		return l, errors.New("it is negative")
	}
	rest, ok := strings.CutPrefix(rest, "P")
	if !ok || rest == "" {
		return l, errLength
	}
	units, timed := "WD", false
	for rest != "" {
		if cut, found := strings.CutPrefix(rest, "T"); found && !timed && cut != "" {
			rest, units, timed = cut, "HMS", true
			continue
		}
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		if digits == 0 || digits == len(rest) {
			return l, errLength
		}
		at := strings.IndexByte(units, rest[digits])
		n, err := strconv.ParseInt(rest[:digits], 10, 64)
		if at < 0 || err != nil || n > maxLength*day {
			return l, errLength
		}
		switch units[at] {
		case 'W':
			l.days += 7 * n
		case 'D':
			l.days += n
		case 'H':
			l.exact += n * 60 * 60
		case 'M':
			l.exact += n * 60
		case 'S':
			l.exact += n
		}
		units, rest = units[at+1:], rest[digits+1:]
	}
	if l.days > maxLength || l.exact > maxLength*day {
		return l, errors.New("it is longer than a hundred years")
	}
	return l, nil
}

// exceptions are the occurrences of an event that are taken out: those at some
// instants, and those on some days of the wall. Nil has none.
type exceptions struct{ instants, days map[int64]bool }

// add takes out what begins then, of an event with such a begin.
func (e *exceptions) add(w, start when) {
	switch {
	case start.date && (w.date || w.floating || w.loc != time.UTC):
		e.days[floorDay(w.wall)] = true
	case start.date:
		// Of a day in UTC: the day whose midnight it is, be it by the event's clock or by that.
		z := zone{loc: start.loc}
		if local := (when{wall: z.shows(w.wall)}); local.midnight() {
			e.days[local.wall] = true
			return
		}
		e.days[floorDay(w.wall)] = true
	case w.date:
		e.days[w.wall] = true
	default:
		if w.floating {
			w.loc = start.loc
		}
		e.instants[w.instant()] = true
	}
}

// has reports whether an occurrence is taken out.
func (e *exceptions) has(z *zone, wall, begin int64) bool {
	if e == nil {
		return false
	}
	if e.days[floorDay(wall)] || e.instants[begin] {
		return true
	}
	// Of a time that is skipped, others say that it is as much later.
	later := wall - z.at(begin-1).seconds
	return later != begin && len(e.instants) > 0 && e.instants[later] && z.shows(begin) != wall
}
