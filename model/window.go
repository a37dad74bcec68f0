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
	// Scope is what in a plan the rule is about; zero: all of it.
	Scope WindowScope
	// Manual lets what an operator confirms by hand through, where the rule
	// would hold up an automatic run: manualSync of Argo CD's sync windows.
	Manual bool
	// Imported is set on a rule that another tool has: what its rules open by
	// Manual they open for rules of their own kind only.
	Imported bool
	// Source is where the spans of a calendar are read from; nil: the schedule
	// is complete.
	Source *WindowSource
	// Unreadable says why a rule that has a Source cannot be judged: it closes
	// as long as it is like that.
	Unreadable string
	// Aside is what an operator has to know of how the rule was read: that its
	// calendar could not be fetched, and how old the one in use is.
	Aside string
}

// WindowScope names objects of a plan. What is empty names all; an object that
// meets one of each list that is not empty is meant.
type WindowScope struct {
	Kinds      []string // "StatefulSet", or with its group "StatefulSet.apps"
	Namespaces []string // of the objects; "*" stands for any run of characters
	Risks      []string // Risk.Name
}

// IsZero reports whether the scope names everything.
func (s WindowScope) IsZero() bool {
	return len(s.Kinds) == 0 && len(s.Namespaces) == 0 && len(s.Risks) == 0
}

// WindowSource is where a rule's calendar is. Exactly one of File and URL is set.
type WindowSource struct {
	File string // an iCalendar file, relative to the repository's root
	URL  string // https, or http on this machine
	// MaxAge is how old what was fetched may be when it cannot be fetched
	// again; past that the rule is unreadable.
	MaxAge time.Duration
}

// DefaultCalendarAge is the MaxAge of a calendar that sets none.
const DefaultCalendarAge = 24 * time.Hour

// WindowSubject is something in a plan that rules may be about.
type WindowSubject struct {
	Group, Kind, Namespace string
	Risks                  []string
}

// Overrun says what happens to a run whose window closes before it has ended.
type Overrun string

// The ways to overrun a window. What has been written stays in any case.
const (
	OverrunFinish Overrun = "finish"             // the run goes on to its end
	OverrunStop   Overrun = "stop-between-waves" // no other wave begins
)

// Schedule is either weekly (Days, Start, End), or one-off (From, To), or
// recurring (Starts, Duration), or that of a calendar (Spans).
type Schedule struct {
	Days  []time.Weekday
	Start ClockTime
	End   ClockTime // not after Start: the span ends on the next day

	From, To time.Time // half-open: From is inside, To is not

	Starts   Recurrence
	Duration time.Duration // of each span: time that passes, whatever the clock shows

	Spans Spans
}

// Spans are spans of time, by any rule. They are safe for concurrent use.
type Spans interface {
	// Next is the first span, by begin and then by end, that ends after an
	// instant and begins before another, in Unix seconds, with what it is
	// called; ok is false if there is none. Spans may overlap.
	Next(after, before int64) (from, to int64, name string, ok bool)
	String() string // where they are from, in words
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
	// Unknown is set while it is closed because a rule cannot be read: nobody can
	// say when it opens.
	Unknown bool `json:"unknown,omitempty"`
	// Aside is what is to be known of how the rules were read; empty: nothing.
	Aside string `json:"aside,omitempty"`
}
