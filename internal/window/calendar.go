package window

import (
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
	from, to int64
	zones    map[*time.Location][]offset
	last     *time.Location // whose offsets are lastList: most rules share a zone
	lastList []offset
}

func newCalendar(from, to int64) *calendar {
	return &calendar{from: from, to: to, zones: map[*time.Location][]offset{}}
}

// narrow is a calendar of the first second of the range.
func (c *calendar) narrow() *calendar {
	return &calendar{from: c.from, to: c.from + 1, zones: c.zones}
}

// offset is a span of time in which a zone's clock is seconds ahead of UTC.
type offset struct {
	span
	seconds int64
}

// offsets lists the offsets of a zone around the calendar's range, in order.
func (c *calendar) offsets(loc *time.Location) []offset {
	if c.last == loc {
		return c.lastList
	}
	list := c.zones[loc]
	if list == nil {
		list = zoneOffsets(loc, c.from-margin, c.to+margin)
		c.zones[loc] = list
	}
	c.last, c.lastList = loc, list
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

// schedule appends the spans of a schedule that touch the calendar's range.
func (c *calendar) schedule(spans []span, s *model.Schedule, loc *time.Location) []span {
	add := func(from, to int64) {
		if from < to && from < c.to && to > c.from {
			spans = append(spans, span{from, to})
		}
	}
	if s.OneOff() {
		add(s.From.Unix(), s.To.Unix())
		return spans
	}
	var on [7]bool
	for _, d := range s.Days {
		on[d] = true
	}
	start, end := int64(s.Start)*60, int64(s.End)*60
	if end <= start {
		end += day
	}
	offsets := c.offsets(loc)
	// The dates whose span can touch the range, wherever the clock is.
	first := floorDay(c.from-farthest-end) + day
	for date, d := first, weekday(first); date+start < c.to+farthest; date, d = date+day, (d+1)%7 {
		if on[d] {
			add(reaches(offsets, date+start), leaves(offsets, date+end))
		}
	}
	return spans
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

func mod(a, b int64) int64 { return ((a % b) + b) % b }
