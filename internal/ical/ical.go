// Package ical reads the events of an iCalendar file (RFC 5545) as spans of
// time.
//
// What counts is when an event is. One that is marked as free time
// (TRANSP:TRANSPARENT) counts like any other: calendars of holidays are written
// so. Tentative ones count too, cancelled ones do not, nor do tasks and journals.
// An event that lasts no time is no span; Problems tells of it.
//
// All-day events and times without a zone are in the zone the calendar is read
// with, others in the zone they name: by its IANA name, by its Windows name, by
// the name its definition gives, or else as its definition in the file computes
// it. What cannot be resolved is an error.
//
// Where clocks are set, the rules are those of internal/window: a begin in a
// skipped hour is the transition, one in a repeated hour is its first pass, and
// an end on the clock is in its second. All-day events end at midnight by the
// clock, and so do the days and weeks of a DURATION; what is told in hours, and
// the length of events that recur from DTSTART to DTEND, is time that passes, as
// RFC 5545 (3.8.5.3) wants it.
//
// An event that recurs is there at its DTSTART, whether its rule names that or
// not, and COUNT counts it. What the package does not do is refused by name:
// RANGE=THISANDFUTURE, EXRULE, and rules by the second.
//
// The reader is our own. golang-ical (v0.3.4) was looked at: its properties do
// not know their lines, which errors have to name, and it takes neither times
// without a zone nor names of zones nor DURATION apart, so that less than two
// hundred lines for lines and components are what it would save.
package ical

import (
	"fmt"
	"sync"
	"time"

	"github.com/fairtide-dev/fairtide/internal/recur"
	"github.com/fairtide-dev/fairtide/model"
)

// MaxBytes is how large a calendar may be.
const MaxBytes = 4 << 20

const (
	maxEvents     = 20_000
	maxExceptions = 100_000    // dates that are added or taken out, all together
	maxYear       = 500_000    // occurrences a year, all together
	maxCount      = 10_000     // COUNT of a rule
	maxSteps      = 10_000_000 // of counting, all together
	maxProblems   = 20

	day = 24 * 60 * 60

	// longest is how long a span of an event that recurs may be.
	longest = 366 * day
)

// The ends of all time: no rule goes further.
var (
	firstWall = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	lastWall  = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC).Unix()
)

// Calendar is what a file says. It is safe for concurrent use.
type Calendar struct {
	name     string
	events   int
	problems []string

	single  list     // what does not depend on a rule
	series  []series // what does
	reach   int64    // how long before an instant a span of a series begins that ends after it, at most
	begin   int64    // of the first of the series
	end     int64    // of the last, its begin
	mu      sync.RWMutex
	chunks  map[int64]list
	pending []span // while it is being read
}

var _ model.Spans = (*Calendar)(nil)

// series is the occurrences of an event by one of its rules, after its first.
type series struct {
	name   string
	rule   *recur.Rule
	loc    *time.Location
	from   int64 // on the wall: none is before it
	last   int64 // on the wall: none is after it
	second int64 // of the minute they begin at
	length length
	except *exceptions
}

// Parse reads a calendar. The name says in words where it is from; loc is the
// zone of all-day events and of times that name none. An error names the line
// and the event.
func Parse(name string, data []byte, loc *time.Location) (*Calendar, error) {
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("it is larger than %d MiB; take old events out", MaxBytes>>20)
	}
	file, err := read(data)
	if err != nil {
		return nil, err
	}
	p := &parser{
		cal:   &Calendar{name: name, chunks: map[int64]list{}, begin: lastWall, end: firstWall},
		loc:   loc,
		zones: map[zoneKey]*time.Location{}, defined: map[zoneKey]*component{},
	}
	for _, z := range file.zones {
		p.defined[zoneKey{z.calendar, z.text("TZID")}] = z
	}
	if err := p.all(file.events); err != nil {
		return nil, err
	}
	return p.cal.finish(), nil
}

// finish makes the index.
func (c *Calendar) finish() *Calendar {
	c.single = newList(c.pending)
	c.pending = nil
	for i := range c.series {
		s := &c.series[i]
		z := zone{loc: s.loc}
		c.begin = min(c.begin, z.reaches(s.from))
		c.end = max(c.end, z.reaches(s.last))
		c.reach = max(c.reach, s.length.days*day+s.length.exact+2*day)
	}
	return c
}

// String says where the calendar is from.
func (c *Calendar) String() string { return c.name }

// Events is how many events the calendar has, without those that are cancelled
// or last no time.
func (c *Calendar) Events() int { return c.events }

// Problems are what in the calendar was left out, a line each.
func (c *Calendar) Problems() []string { return c.problems }

func (c *Calendar) problem(format string, args ...any) {
	switch {
	case len(c.problems) < maxProblems:
		c.problems = append(c.problems, fmt.Sprintf(format, args...))
	case len(c.problems) == maxProblems:
		c.problems = append(c.problems, "and more")
	}
}
