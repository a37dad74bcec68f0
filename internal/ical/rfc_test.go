package ical

import (
	"strings"
	"testing"
	"time"
)

// TestRFC5545 reads the examples of RFC 5545, 3.8.5.3, that package recur does
// not see whole: how they begin and end, and what is added and taken out. Each
// lasts a quarter of an hour.
func TestRFC5545(t *testing.T) {
	newYork := zoneOf(t, "America/New_York")
	const start = "DTSTART;TZID=America/New_York:19970902T090000\n"
	for _, test := range []struct {
		name, text string
		first      string // the begins, by the clock in New York
		count      int    // all of them, up to the year 2001
		last       string
	}{
		{"daily for 10 occurrences", start + "RRULE:FREQ=DAILY;COUNT=10", "1997-09-02 09:00 1997-09-03 09:00", 10, "1997-09-11 09:00"},
		{"daily until December 24, 1997", start + "RRULE:FREQ=DAILY;UNTIL=19971224T000000Z", "1997-09-02 09:00", 113, "1997-12-23 09:00"},
		{"every 10 days, 5 occurrences", start + "RRULE:FREQ=DAILY;INTERVAL=10;COUNT=5", "1997-09-02 09:00 1997-09-12 09:00", 5, "1997-10-12 09:00"},
		{"every day in January, for 3 years", "DTSTART;TZID=America/New_York:19980101T090000\nRRULE:FREQ=YEARLY;UNTIL=20000131T140000Z;BYMONTH=1;BYDAY=SU,MO,TU,WE,TH,FR,SA", "1998-01-01 09:00", 93, "2000-01-31 09:00"},
		{"every other week on Monday, Wednesday, and Friday until December 24, 1997, starting on Monday, September 1, 1997",
			"DTSTART;TZID=America/New_York:19970901T090000\nRRULE:FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224T000000Z;WKST=SU;BYDAY=MO,WE,FR", "1997-09-01 09:00 1997-09-03 09:00", 25, "1997-12-22 09:00"},
		{"monthly on the first Friday for 10 occurrences", "DTSTART;TZID=America/New_York:19970905T090000\nRRULE:FREQ=MONTHLY;COUNT=10;BYDAY=1FR", "1997-09-05 09:00 1997-10-03 09:00", 10, "1998-06-05 09:00"},
		{"every Friday the 13th, and not the start", start + "EXDATE;TZID=America/New_York:19970902T090000\nRRULE:FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", "1998-02-13 09:00 1998-03-13 09:00 1998-11-13 09:00 1999-08-13 09:00 2000-10-13 09:00", 5, "2000-10-13 09:00"},
		{"the third instance into the month of one of Tuesday, Wednesday, or Thursday, for the next 3 months",
			"DTSTART;TZID=America/New_York:19970904T090000\nRRULE:FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3", "1997-09-04 09:00 1997-10-07 09:00 1997-11-06 09:00", 3, "1997-11-06 09:00"},
		{"every 3 hours from 9:00 AM to 5:00 PM on a specific day, whose UNTIL is that of New York's summer", start + "RRULE:FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T210000Z", "1997-09-02 09:00 1997-09-02 12:00 1997-09-02 15:00", 3, "1997-09-02 15:00"},
		{"every 15 minutes for 6 occurrences", start + "RRULE:FREQ=MINUTELY;INTERVAL=15;COUNT=6", "1997-09-02 09:00 1997-09-02 09:15", 6, "1997-09-02 10:15"},
		{"every hour and a half for 4 occurrences", start + "RRULE:FREQ=MINUTELY;INTERVAL=90;COUNT=4", "1997-09-02 09:00 1997-09-02 10:30 1997-09-02 12:00 1997-09-02 13:30", 4, "1997-09-02 13:30"},
		{"a day that does not exist is left out", "DTSTART;TZID=America/New_York:20070115T090000\nRRULE:FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5", "2007-01-15 09:00 2007-01-30 09:00 2007-02-15 09:00 2007-03-15 09:00 2007-03-30 09:00", 5, "2007-03-30 09:00"},
		{"3.8.5.2: dates of their own", "DTSTART;TZID=America/New_York:19970714T083000\nRDATE;TZID=America/New_York:19970715T083000\nRDATE;VALUE=PERIOD:19970716T123000Z/PT15M", "1997-07-14 08:30 1997-07-15 08:30 1997-07-16 08:30", 3, "1997-07-16 08:30"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := parse(t, vevent(test.text+"\nDURATION:PT15M"), "UTC")
			end := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
			if strings.HasPrefix(test.first, "2007") {
				end = time.Date(2008, 1, 1, 0, 0, 0, 0, time.UTC)
			}
			var got []string
			for after := int64(0); ; {
				from, to, _, ok := c.Next(after, end.Unix())
				if !ok {
					break
				}
				if to-from != 15*60 {
					t.Fatalf("it lasts %d s", to-from)
				}
				got = append(got, time.Unix(from, 0).In(newYork).Format("2006-01-02 15:04"))
				after = to
			}
			if len(got) != test.count || !strings.HasPrefix(strings.Join(got, " "), test.first) || got[len(got)-1] != test.last {
				t.Errorf("%d: %q", len(got), got)
			}
		})
	}
}
