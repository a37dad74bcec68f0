package ical

import (
	"testing"
	"time"
)

// The end of a day in an hour that comes twice is the second pass: Havana's
// clock goes from 1:00 back to 0:00 on 1 November 2026.
func TestNominalEndInARepeatedHour(t *testing.T) {
	from, to := year(2026)
	for lines, want := range map[string]string{
		"DTSTART;VALUE=DATE:20261030\nDTEND;VALUE=DATE:20261101": "2026-10-30 00:00:00 -0400 to 2026-11-01 00:00:00 -0400 freeze",
		"DTSTART:20261031T003000\nDURATION:P1D":                  "2026-10-31 00:30:00 -0400 to 2026-11-01 00:30:00 -0500 freeze",
		"DTSTART:20261031T003000\nDURATION:P1DT1H":               "2026-10-31 00:30:00 -0400 to 2026-11-01 00:30:00 -0500 freeze",
		"DTSTART:20261031T003000\nDTEND:20261101T003000":         "2026-10-31 00:30:00 -0400 to 2026-11-01 00:30:00 -0500 freeze",
	} {
		loc := zoneOf(t, "America/Havana")
		got := spans(parse(t, vevent(lines), "America/Havana"), from, to, loc)
		if len(got) != 1 || got[0] != want {
			t.Errorf("%s:\n got %q\nwant %q", lines, got, want)
		}
	}
}

// An UNTIL in UTC within a definition of a zone ends at the very transition: one
// second earlier that transition is left out.
func TestUntilOfADefinedZone(t *testing.T) {
	for until, want := range map[string]string{
		"20260531T230000Z": "2026-07-01 10:00", // 2026-06-01 00:00 on a clock at +0100
		"20260531T225959Z": "2026-07-01 11:00",
		"20260601T000000":  "2026-07-01 10:00", // on the wall
		"20260531T235959":  "2026-07-01 11:00",
	} {
		c := parse(t, wrap("BEGIN:VTIMEZONE\nTZID:Own\n"+
			"BEGIN:DAYLIGHT\nDTSTART:20200601T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nRRULE:FREQ=YEARLY;BYMONTH=6;BYMONTHDAY=1;UNTIL="+until+"\nEND:DAYLIGHT\n"+
			"BEGIN:STANDARD\nDTSTART:20200901T000000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\nRRULE:FREQ=YEARLY;BYMONTH=9;BYMONTHDAY=1\nEND:STANDARD\n"+
			"END:VTIMEZONE\nBEGIN:VEVENT\nDTSTART;TZID=Own:20260701T120000\nDURATION:PT1H\nEND:VEVENT"), "UTC")
		from, _, _, ok := c.Next(0, lastWall)
		if got := time.Unix(from, 0).UTC().Format("2006-01-02 15:04"); !ok || got != want {
			t.Errorf("UNTIL=%s: %s, want %s", until, got, want)
		}
	}
}

// An occurrence within which a clock is set back lasts longer than its days say.
// It is found to its last second, also from a later piece of the index than the
// one in which it begins, half an hour before that ends.
func TestLongOccurrenceIsFoundToItsEnd(t *testing.T) {
	loc := zoneOf(t, "Europe/Berlin")
	begin, end := time.Date(2026, 6, 4, 1, 30, 0, 0, loc).Unix(), time.Date(2026, 11, 11, 1, 30, 0, 0, loc).Unix()
	if (begin+30*60)%chunkLength != 0 || end-begin != 160*day+60*60 {
		t.Fatal("this is not what it is to test")
	}
	c := parse(t, vevent("DTSTART:20250604T013000\nDURATION:P160D\nRRULE:FREQ=YEARLY;COUNT=3"), "Europe/Berlin")
	if from, to, _, ok := c.Next(end-1, end); !ok || from != begin || to != end {
		t.Errorf("a second before it ends it is found %t, from %d to %d, want %d to %d", ok, from, to, begin, end)
	}
	if _, _, _, ok := c.Next(end, end+1); ok {
		t.Error("it goes on after its end")
	}
}
