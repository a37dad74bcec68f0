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
}

// Schedule is either weekly (Days, Start, End) or one-off (From, To).
type Schedule struct {
	Days  []time.Weekday
	Start ClockTime
	End   ClockTime // not after Start: the span ends on the next day

	From, To time.Time // half-open: From is inside, To is not
}

// OneOff reports whether the schedule is a single span.
func (s Schedule) OneOff() bool { return !s.From.IsZero() }

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
