package model

import (
	"fmt"
	"time"
)

// WindowRule allows applying in some spans of time, or freezes it. Exactly one
// of Allow and Freeze is set.
type WindowRule struct {
	Name     string
	Location *time.Location // the zone the rule's wall-clock times are in
	Allow    *Schedule
	Freeze   *Schedule
	// Cutoff is how long before the end of what Allow gives without a gap
	// nothing may start any more.
	Cutoff time.Duration
}

// Schedule is either weekly (Days, Start, End), or one-off (From, To), or
// recurring (Starts, Duration).
type Schedule struct {
	Days  []time.Weekday
	Start ClockTime
	End   ClockTime // not after Start: the span ends on the next day

	From, To time.Time // half-open: From is inside, To is not

	Starts   Recurrence
	Duration time.Duration // of each span: time that passes, whatever the clock shows
}

// OneOff reports whether the schedule is a single span.
func (s Schedule) OneOff() bool { return !s.From.IsZero() }

// Recurrence says when spans begin. Its times are wall-clock times, written as
// the Unix time at which a clock on UTC would show them.
type Recurrence interface {
	// Next is the first begin not before from, and before another time; ok is
	// false if there is none. Last is the last of a run of begins, none of which
	// is more than gap seconds after the one before; it may be first.
	Next(from, before, gap int64) (first, last int64, ok bool)
	// Weekly tells a recurrence that is no more than one time on some days of
	// the week.
	Weekly() (days []time.Weekday, at ClockTime, ok bool)
	String() string // as it was written
}

// ClockTime is a time of day in minutes after midnight; 24:00 is allowed as an end.
type ClockTime int

func (c ClockTime) String() string { return fmt.Sprintf("%02d:%02d", int(c)/60, int(c)%60) }

// WindowState is the answer to "may I ship now".
type WindowState struct {
	Open     bool      `json:"open"`
	Reason   string    `json:"reason"`         // which rule says so, in words
	Rule     string    `json:"rule,omitempty"` // its name
	Until    time.Time `json:"until,omitzero"` // when Open changes; zero: not within a year
	NextOpen time.Time `json:"nextOpen,omitzero"`
}
