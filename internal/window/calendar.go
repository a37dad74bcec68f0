package window

import (
	"math"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

const day = 24 * 60 * 60 // seconds

// farthest is how far a clock is from UTC at most, and with it how far the
// instant of a wall-clock time is from the same time on a clock on UTC.
const farthest = 16 * 60 * 60

// margin is how far around a range zone offsets are looked at: a span is less
// than two days of wall-clock time after its date began.
const margin = 3*day + farthest

// calendar turns wall-clock times in a range into instants.
type calendar struct {
	from, to    int64
	back, ahead int64 // how far beyond the range spans begin and end that matter
	zones       []zoned
}

// zoned are the offsets of a zone. Most environments have very few.
type zoned struct {
	loc     *time.Location
	offsets []offset
}

func newCalendar(rules []model.WindowRule, from, to int64) *calendar {
	c := &calendar{from: from, to: to, back: margin, ahead: margin}
	for i := range rules {
		c.back = max(c.back, margin+seconds(schedule(&rules[i]).Duration))
		c.ahead = max(c.ahead, margin+seconds(rules[i].Cutoff))
	}
	return c
}

// offset is a span of time in which a zone's clock is seconds ahead of UTC.
type offset struct {
	span
	seconds int64
}

// offsets lists the offsets of a zone around the calendar's range, in order.
func (c *calendar) offsets(loc *time.Location) []offset {
	for i := range c.zones {
		if c.zones[i].loc == loc {
			return c.zones[i].offsets
		}
	}
	list := zoneOffsets(loc, c.from-c.back, c.to+c.ahead)
	c.zones = append(c.zones, zoned{loc, list})
	return list
}

func zoneOffsets(loc *time.Location, from, to int64) []offset {
	var list []offset
	for at := from; at < to; {
		t := time.Unix(at, 0).In(loc)
		_, seconds := t.Zone()
		until := to
		if _, end := t.ZoneBounds(); !end.IsZero() {
			until = min(to, end.Unix())
		}
		if until <= at { // the bounds of 31 December of leap years beyond the zone's table are wrong
			until = min(to, at+60*60)
		}
		list = append(list, offset{span{at, until}, int64(seconds)})
		at = until
	}
	return list
}

// reaches is the first instant at which the clock shows wall or later. Wall
// times are written as the Unix time at which a clock on UTC would show them.
func reaches(offsets []offset, wall int64) int64 {
	for _, o := range offsets {
		if t := max(o.from, wall-o.seconds); t < o.to {
			return t
		}
	}
	return offsets[len(offsets)-1].to
}

// leaves is the end of the last span in which the clock shows less than wall.
func leaves(offsets []offset, wall int64) int64 {
	for i := len(offsets) - 1; i >= 0; i-- {
		o := offsets[i]
		if t := min(o.to, wall-o.seconds); t > o.from {
			return t
		}
	}
	return offsets[0].from
}

// shown is the latest that the clock has shown until an instant.
func shown(offsets []offset, t int64) int64 {
	wall := int64(math.MinInt64)
	for _, o := range offsets {
		if o.from > t {
			break
		}
		wall = max(wall, min(t, o.to-1)+o.seconds)
	}
	return wall
}

// shows is the earliest that the clock shows from an instant on.
func shows(offsets []offset, t int64) int64 {
	wall := int64(math.MaxInt64)
	for i := len(offsets) - 1; i >= 0 && offsets[i].to > t; i-- {
		wall = min(wall, max(t, offsets[i].from)+offsets[i].seconds)
	}
	return wall
}

// repeats reports whether the clock is set back after one instant and not after
// another.
func repeats(offsets []offset, from, to int64) bool {
	for i := 1; i < len(offsets); i++ {
		if o := offsets[i]; o.from > from && o.from <= to && o.seconds < offsets[i-1].seconds {
			return true
		}
	}
	return false
}

// DayStart is the first instant of a date in a zone. It is midnight, or, where
// a transition skips midnight, the transition. The days may overflow their
// month, as those of time.Date.
func DayStart(year int, month time.Month, dayOfMonth int, loc *time.Location) time.Time {
	wall := time.Date(year, month, dayOfMonth, 0, 0, 0, 0, time.UTC).Unix()
	return time.Unix(reaches(zoneOffsets(loc, wall-margin, wall+margin), wall), 0).In(loc)
}

func floorDay(unix int64) int64 { return unix - mod(unix, day) }

// weekday is the day of the week of a date at midnight; 1970-01-01 was a Thursday.
func weekday(date int64) time.Weekday {
	return time.Weekday(mod(date/day+int64(time.Thursday), 7))
}

func mod(a, b int64) int64 {
	if a %= b; a < 0 {
		a += b
	}
	return a
}
