package ical

import (
	"math"
	"time"
)

// around is how far around an instant zone offsets are looked at: no clock is
// further from UTC, and none is set by more.
const around = 2 * day

// offset is a span of time in which a zone's clock is seconds ahead of UTC.
type offset struct{ from, to, seconds int64 }

// zone turns what a zone's clock shows into instants. Wall-clock times are
// written as the Unix time at which a clock on UTC would show them. It is for
// one user at a time: it remembers where it was.
type zone struct {
	loc *time.Location
	cur offset
}

// at is the offset at an instant.
func (z *zone) at(t int64) offset {
	if t >= z.cur.from && t < z.cur.to {
		return z.cur
	}
	local := time.Unix(t, 0).In(z.loc)
	_, seconds := local.Zone()
	o := offset{math.MinInt64, math.MaxInt64, int64(seconds)}
	begin, end := local.ZoneBounds()
	if !begin.IsZero() {
		o.from = min(begin.Unix(), t)
	}
	if !end.IsZero() {
		// The bounds of 31 December of leap years beyond the zone's table are wrong.
		if o.to = end.Unix(); o.to <= t {
			o.to = t + 60*60
		}
	}
	z.cur = o
	return o
}

// offsets lists those in a range, cut off at its ends.
func (z *zone) offsets(from, to int64) (out []offset) {
	for at := from; at < to; {
		o := z.at(at)
		o.from, o.to = at, min(to, o.to)
		out = append(out, o)
		at = o.to
	}
	return out
}

// plain is the instant at which the clock shows wall, where no clock is set
// anywhere near.
func (z *zone) plain(wall int64) (int64, bool) {
	t := wall - z.cur.seconds
	ok := z.cur.from < z.cur.to && (z.cur.from == math.MinInt64 || t-around > z.cur.from) &&
		(z.cur.to == math.MaxInt64 || t+around < z.cur.to)
	return t, ok
}

// reaches is the first instant at which the clock shows wall or later.
func (z *zone) reaches(wall int64) int64 {
	if t, ok := z.plain(wall); ok {
		return t
	}
	for _, o := range z.offsets(wall-around, wall+around) {
		if t := max(o.from, wall-o.seconds); t < o.to {
			return t
		}
	}
	return wall + around
}

// leaves is the end of the last span in which the clock shows less than wall.
func (z *zone) leaves(wall int64) int64 {
	if t, ok := z.plain(wall); ok {
		return t
	}
	list := z.offsets(wall-around, wall+around)
	for i := len(list) - 1; i >= 0; i-- {
		if t := min(list[i].to, wall-list[i].seconds); t > list[i].from {
			return t
		}
	}
	return wall - around
}

// shown is the latest that the clock has shown until an instant.
func (z *zone) shown(t int64) int64 {
	wall := int64(math.MinInt64)
	for _, o := range z.offsets(t-around, t+1) {
		wall = max(wall, min(t, o.to-1)+o.seconds)
	}
	return wall
}

// shows is what the clock shows at an instant.
func (z *zone) shows(t int64) int64 { return t + z.at(t).seconds }

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func floorDay(wall int64) int64 { return floorDiv(wall, day) * day }
