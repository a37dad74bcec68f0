package ical

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"
)

func zoneOf(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// wrap makes a calendar of lines.
func wrap(lines string) string {
	return "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//fairtide//test//EN\n" + strings.Trim(lines, "\n") + "\nEND:VCALENDAR\n"
}

func vevent(lines string) string {
	return wrap("BEGIN:VEVENT\nUID:one@test\nSUMMARY:freeze\n" + strings.Trim(lines, "\n") + "\nEND:VEVENT")
}

func parse(t testing.TB, text, zone string) *Calendar {
	t.Helper()
	c, err := Parse("test.ics", []byte(text), zoneOf(t, zone))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return c
}

// list tells the spans of a calendar that touch a range, by asking for the next
// again and again. Spans of which one hides another are told once.
func spans(c *Calendar, from, to time.Time, loc *time.Location) (out []string) {
	for after := from.Unix(); len(out) < 100; {
		begin, end, name, ok := c.Next(after, to.Unix())
		if !ok {
			break
		}
		const layout = "2006-01-02 15:04:05 -0700"
		out = append(out, fmt.Sprintf("%s to %s %s", time.Unix(begin, 0).In(loc).Format(layout), time.Unix(end, 0).In(loc).Format(layout), name))
		after = end
	}
	return out
}

func year(y int) (from, to time.Time) {
	return time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(y+1, 1, 1, 0, 0, 0, 0, time.UTC)
}

func TestEvents(t *testing.T) {
	for name, test := range map[string]struct {
		text, zone string
		want       string // joined by newlines; of 2026
	}{
		"all day in the configured zone": {
			vevent("DTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20261227"), "Europe/Berlin",
			"2026-12-24 00:00:00 +0100 to 2026-12-27 00:00:00 +0100 freeze",
		},
		"all day without an end is one day, also one of 25 hours": {
			vevent("DTSTART;VALUE=DATE:20261025"), "Europe/Berlin",
			"2026-10-25 00:00:00 +0200 to 2026-10-26 00:00:00 +0100 freeze",
		},
		"all day where midnight is skipped": {
			vevent("DTSTART;VALUE=DATE:20260906\nTRANSP:TRANSPARENT"), "America/Santiago",
			"2026-09-06 01:00:00 -0300 to 2026-09-07 00:00:00 -0300 freeze",
		},
		"all day that ends where it begins": {
			vevent("DTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20261224"), "UTC",
			"2026-12-24 00:00:00 +0000 to 2026-12-25 00:00:00 +0000 freeze",
		},
		"floating": {
			vevent("DTSTART:20260701T220000\nDTEND:20260702T060000"), "America/New_York",
			"2026-07-01 22:00:00 -0400 to 2026-07-02 06:00:00 -0400 freeze",
		},
		"UTC": {
			vevent("DTSTART:20260701T220000Z\nDURATION:PT90M"), "Europe/Berlin",
			"2026-07-02 00:00:00 +0200 to 2026-07-02 01:30:00 +0200 freeze",
		},
		"a day of DURATION is one of the clock, hours are time that passes": {
			wrap("BEGIN:VEVENT\nDTSTART;TZID=Europe/Berlin:20260328T120000\nDURATION:P1D\nSUMMARY:a\nEND:VEVENT\n" +
				"BEGIN:VEVENT\nDTSTART;TZID=Europe/Berlin:20261024T120000\nDURATION:PT24H\nSUMMARY:b\nEND:VEVENT"), "Europe/Berlin",
			"2026-03-28 12:00:00 +0100 to 2026-03-29 12:00:00 +0200 a\n2026-10-24 12:00:00 +0200 to 2026-10-25 11:00:00 +0100 b",
		},
		"a start in the skipped hour is the transition": {
			vevent("DTSTART;TZID=Europe/Berlin:20260329T023000\nDTEND;TZID=Europe/Berlin:20260329T050000"), "Europe/Berlin",
			"2026-03-29 03:00:00 +0200 to 2026-03-29 05:00:00 +0200 freeze",
		},
		"in the repeated hour the start is the first pass and the end the second": {
			vevent("DTSTART;TZID=Europe/Berlin:20261025T021500\nDTEND;TZID=Europe/Berlin:20261025T024500"), "Europe/Berlin",
			"2026-10-25 02:15:00 +0200 to 2026-10-25 02:45:00 +0100 freeze",
		},
		"daily over both transitions lasts as long each time": {
			vevent("DTSTART;TZID=Europe/Berlin:20260328T230000\nDTEND;TZID=Europe/Berlin:20260329T000000\nRRULE:FREQ=DAILY;COUNT=3"), "Europe/Berlin",
			"2026-03-28 23:00:00 +0100 to 2026-03-29 00:00:00 +0100 freeze\n2026-03-29 23:00:00 +0200 to 2026-03-30 00:00:00 +0200 freeze\n" +
				"2026-03-30 23:00:00 +0200 to 2026-03-31 00:00:00 +0200 freeze",
		},
		"UNTIL in UTC": {
			vevent("DTSTART;TZID=America/New_York:20260105T220000\nDTEND;TZID=America/New_York:20260105T230000\nRRULE:FREQ=DAILY;UNTIL=20260107T030000Z"), "America/New_York",
			"2026-01-05 22:00:00 -0500 to 2026-01-05 23:00:00 -0500 freeze\n2026-01-06 22:00:00 -0500 to 2026-01-06 23:00:00 -0500 freeze",
		},
		"UNTIL of whole days, as a date and as the midnight in UTC some write": {
			wrap("BEGIN:VEVENT\nDTSTART;VALUE=DATE:20260105\nRRULE:FREQ=DAILY;UNTIL=20260106\nSUMMARY:a\nEND:VEVENT\n" +
				"BEGIN:VEVENT\nDTSTART;VALUE=DATE:20260205\nRRULE:FREQ=DAILY;UNTIL=20260206T000000Z\nSUMMARY:b\nEND:VEVENT"), "America/New_York",
			"2026-01-05 00:00:00 -0500 to 2026-01-06 00:00:00 -0500 a\n2026-01-06 00:00:00 -0500 to 2026-01-07 00:00:00 -0500 a\n" +
				"2026-02-05 00:00:00 -0500 to 2026-02-06 00:00:00 -0500 b\n2026-02-06 00:00:00 -0500 to 2026-02-07 00:00:00 -0500 b",
		},
		"the start counts though the rule does not name it": {
			vevent("DTSTART:20260106T080000Z\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;BYDAY=MO;COUNT=2"), "UTC",
			"2026-01-06 08:00:00 +0000 to 2026-01-06 09:00:00 +0000 freeze\n2026-01-12 08:00:00 +0000 to 2026-01-12 09:00:00 +0000 freeze",
		},
		"a rule with seconds": {
			vevent("DTSTART:20260106T080030Z\nDURATION:PT29S\nRRULE:FREQ=DAILY;BYSECOND=30;COUNT=2;"), "UTC",
			"2026-01-06 08:00:30 +0000 to 2026-01-06 08:00:59 +0000 freeze\n2026-01-07 08:00:30 +0000 to 2026-01-07 08:00:59 +0000 freeze",
		},
		"RDATE with periods, of other zones and lengths": {
			vevent("DTSTART;TZID=Europe/Berlin:20260106T080000\nDURATION:PT1H\nRDATE;TZID=Europe/London:20260107T080000\n" +
				"RDATE;VALUE=PERIOD:20260108T080000Z/20260108T083000Z,20260109T080000Z/PT2H"), "UTC",
			"2026-01-06 07:00:00 +0000 to 2026-01-06 08:00:00 +0000 freeze\n2026-01-07 08:00:00 +0000 to 2026-01-07 09:00:00 +0000 freeze\n" +
				"2026-01-08 08:00:00 +0000 to 2026-01-08 08:30:00 +0000 freeze\n2026-01-09 08:00:00 +0000 to 2026-01-09 10:00:00 +0000 freeze",
		},
		"EXDATE by the time, in UTC, in another zone, by the day": {
			vevent("DTSTART;TZID=Europe/Berlin:20260105T080000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=6\nEXDATE;TZID=Europe/Berlin:20260105T080000\n" +
				"EXDATE:20260107T070000Z,20260106T080000Z\nEXDATE;TZID=\"Eastern Standard Time\":20260108T020000\nEXDATE;VALUE=DATE:20260109"), "Europe/Berlin",
			"2026-01-06 08:00:00 +0100 to 2026-01-06 09:00:00 +0100 freeze\n2026-01-10 08:00:00 +0100 to 2026-01-10 09:00:00 +0100 freeze",
		},
		"EXDATE of whole days, with times as well": {
			vevent("DTSTART;VALUE=DATE:20260105\nRRULE:FREQ=DAILY;COUNT=5\nEXDATE;VALUE=DATE:20260106\nEXDATE;TZID=Europe/Berlin:20260107T000000\nEXDATE:20260107T230000Z"), "Europe/Berlin",
			"2026-01-05 00:00:00 +0100 to 2026-01-06 00:00:00 +0100 freeze\n2026-01-09 00:00:00 +0100 to 2026-01-10 00:00:00 +0100 freeze",
		},
		"EXDATE in UTC of a skipped time, as others count it": {
			vevent("DTSTART;TZID=Europe/Berlin:20260328T023000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=3\nEXDATE:20260329T013000Z"), "Europe/Berlin",
			"2026-03-28 02:30:00 +0100 to 2026-03-28 03:30:00 +0100 freeze\n2026-03-30 02:30:00 +0200 to 2026-03-30 03:30:00 +0200 freeze",
		},
		"one moved, one cancelled, one of an earlier revision": {
			wrap("BEGIN:VEVENT\nUID:s\nSUMMARY:all\nDTSTART;TZID=Europe/Berlin:20260105T080000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=4\nEND:VEVENT\n" +
				"BEGIN:VEVENT\nUID:s\nSUMMARY:old\nRECURRENCE-ID;TZID=Europe/Berlin:20260106T080000\nSEQUENCE:1\nDTSTART;TZID=Europe/Berlin:20260106T200000\nDURATION:PT1H\nEND:VEVENT\n" +
				"BEGIN:VEVENT\nUID:s\nSUMMARY:moved\nRECURRENCE-ID:20260106T070000Z\nSEQUENCE:2\nDTSTART;TZID=Europe/Berlin:20260110T180000\nDURATION:PT2H\nEND:VEVENT\n" +
				"BEGIN:VEVENT\nUID:s\nRECURRENCE-ID;VALUE=DATE:20260107\nSTATUS:CANCELLED\nDTSTART;TZID=Europe/Berlin:20260107T080000\nEND:VEVENT"), "Europe/Berlin",
			"2026-01-05 08:00:00 +0100 to 2026-01-05 09:00:00 +0100 all\n2026-01-08 08:00:00 +0100 to 2026-01-08 09:00:00 +0100 all\n" +
				"2026-01-10 18:00:00 +0100 to 2026-01-10 20:00:00 +0100 moved",
		},
		"cancelled with what was changed of it; tentative; a later revision; other components; several calendars": {
			wrap("BEGIN:VEVENT\nUID:s\nSTATUS:CANCELLED\nDTSTART:20260105T080000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=4\nEND:VEVENT\n"+
				"BEGIN:VEVENT\nUID:s\nRECURRENCE-ID:20260106T080000Z\nDTSTART:20260106T200000Z\nDURATION:PT1H\nEND:VEVENT\n"+
				"BEGIN:VTODO\nUID:t\nDTSTART:20260301T080000Z\nDURATION:PT1H\nEND:VTODO\n"+
				"BEGIN:VEVENT\nUID:u\nSTATUS:TENTATIVE\nSUMMARY:kept\nDTSTART:20260205T080000Z\nDURATION:PT1H\nBEGIN:VALARM\nDURATION:PT9H\nTRIGGER:-PT5M\nEND:VALARM\nEND:VEVENT") +
				wrap("BEGIN:VEVENT\nUID:v\nSUMMARY:first\nDTSTART:20260405T080000Z\nDURATION:PT1H\nEND:VEVENT\n"+
					"BEGIN:VEVENT\nUID:v\nSUMMARY:then\nSEQUENCE:3\nDTSTART:20260406T080000Z\nDURATION:PT1H\nEND:VEVENT"), "UTC",
			"2026-02-05 08:00:00 +0000 to 2026-02-05 09:00:00 +0000 kept\n2026-04-06 08:00:00 +0000 to 2026-04-06 09:00:00 +0000 then",
		},
		"folded, quoted, escaped, with a mark and CRLF": {
			"\ufeff" + strings.ReplaceAll(wrap("begin:vevent\nSUMMARY;X-A=\"a:b;c\";LANGUAGE=de:Jahresende\\, ruhig\\; bis\\n Neu\n jahr\ndtstart;x=\"1;2\";tzid=\"Europe/\n\tBerlin\":20261224T080000\nDURATION:P1W\nX-URL:https://a.example\nend:vevent"), "\n", "\r\n"), "UTC",
			"2026-12-24 07:00:00 +0000 to 2026-12-31 07:00:00 +0000 Jahresende, ruhig; bis Neujahr",
		},
	} {
		t.Run(name, func(t *testing.T) {
			from, to := year(2026)
			loc := zoneOf(t, test.zone)
			if got := strings.Join(spans(parse(t, test.text, test.zone), from, to, loc), "\n"); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

// Where a file is from a program, it is as that program writes it.
func TestPrograms(t *testing.T) {
	for file, want := range map[string]string{
		"google.ics": `2026-01-01 00:00:00 +0100 to 2026-01-02 00:00:00 +0100 Neujahr
2026-03-26 18:00:00 +0100 to 2026-03-26 20:00:00 +0100 Release freeze
2026-04-03 09:00:00 +0200 to 2026-04-03 11:00:00 +0200 Release freeze (moved)
2026-04-09 18:00:00 +0200 to 2026-04-09 20:00:00 +0200 Release freeze
2026-12-20 00:00:00 +0100 to 2027-01-07 00:00:00 +0100 Change freeze, year end`,
		"outlook.ics": `2026-03-06 23:00:00 +0100 to 2026-03-07 01:00:00 +0100 Month end close
2026-04-03 23:00:00 +0200 to 2026-04-04 01:00:00 +0200 Month end close
2026-11-06 22:30:00 +0100 to 2026-11-07 00:30:00 +0100 Custom zone
2026-11-26 00:00:00 +0100 to 2026-11-28 00:00:00 +0100 Thanksgiving`,
		"office365.ics": `2026-05-04 08:00:00 +0200 to 2026-05-04 10:00:00 +0200 Busy
2026-05-11 08:00:00 +0200 to 2026-05-11 10:00:00 +0200 Busy
2026-05-25 08:00:00 +0200 to 2026-05-25 10:00:00 +0200 Busy
2026-12-25 00:00:00 +0100 to 2026-12-27 00:00:00 +0100 Away`,
		"apple.ics": `2026-02-14 20:00:00 +0100 to 2026-02-15 02:00:00 +0100 Season start
2026-06-05 07:00:00 +0200 to 2026-06-05 15:30:00 +0200 Audit
2026-07-03 07:00:00 +0200 to 2026-07-03 15:30:00 +0200 Audit
2026-11-01 00:00:00 +0100 to 2026-11-02 00:00:00 +0100 Allerheiligen`,
	} {
		t.Run(file, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join("testdata", file))
			if err != nil {
				t.Fatal(err)
			}
			from, to := year(2026)
			berlin := zoneOf(t, "Europe/Berlin")
			for ending, data := range map[string]string{"LF": string(data), "CRLF": strings.ReplaceAll(string(data), "\n", "\r\n")} {
				c := parse(t, data, "Europe/Berlin")
				if got := strings.Join(spans(c, from, to, berlin), "\n"); got != want {
					t.Errorf("%s: got\n%s\nwant\n%s", ending, got, want)
				}
				if len(c.Problems()) > 0 {
					t.Errorf("problems: %q", c.Problems())
				}
			}
		})
	}
}

func TestErrorsNameLineAndEvent(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"", "it is empty"},
		{"<!DOCTYPE html>\n<html></html>", "line 1: it is no iCalendar file, which begins with BEGIN:VCALENDAR: it looks like a web page"},
		{"BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20260101T000000Z\n", "line 3: it breaks off within VEVENT"},
		{wrap("END:VEVENT"), "line 4: END:\"VEVENT\", but VCALENDAR is open"},
		{wrap("nonsense"), "line 4: it is not NAME:VALUE"},
		{wrap("") + "X-A:b", "is outside of"},
		{wrap(strings.Repeat("BEGIN:X\n", 20)), "nested more than 16 deep"},
		{vevent("DURATION:PT1H"), `line 4: the event "freeze" has no DTSTART`},
		{vevent("DTSTART:tomorrow"), `line 7: the event "freeze": DTSTART: "tomorrow" is neither a date such as`},
		{vevent("DTSTART:20260101T000000Z\nDTSTART:20260101T000000Z"), "line 8: DTSTART is there twice in the VEVENT of line 4"},
		{vevent("DTSTART;TZID=Nowhere:20260101T000000"), `the time zone "Nowhere" is neither known nor defined in the file; set the event's zone`},
		{vevent("DTSTART;TZID=Local:20260101T000000"), `the time zone "Local" is neither known`},
		{vevent("DTSTART:20260101T000000Z\nDTEND:20251231T000000Z"), "DTEND: it is before DTSTART; correct the event"},
		{vevent("DTSTART:20260101T000000Z\nDTEND;VALUE=DATE:20261231"), "DTEND: it has to be a date where DTSTART is one"},
		{vevent("DTSTART;VALUE=DATE:20260101\nDURATION:PT1H"), "DURATION: that of a whole day has to be in days or weeks"},
		{vevent("DTSTART:20260101T000000Z\nDURATION:-PT1H"), "DURATION: it is negative"},
		{vevent("DTSTART:20260101T000000Z\nDURATION:PT"), "is not a length of time"},
		{vevent("DTSTART:20260101T000000Z\nDURATION:P1H"), "is not a length of time"},
		{vevent("DTSTART:20260101T000000Z\nDURATION:P99999999D"), "longer than a hundred years"},
		{vevent("DTSTART:20260101T000000Z\nDURATION:PT1H\nRRULE:FREQ=SECONDLY"), `line 9: the event "freeze": RRULE: FREQ=SECONDLY: only whole minutes`},
		{vevent("DTSTART:20260101T000000Z\nDURATION:PT1H\nRRULE:FREQ=MINUTELY"), "more than 500000 times a year"},
		{vevent("DTSTART:20260101T000000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=20000"), "COUNT=20000 is not a single number from 1 to 10000"},
		{vevent("DTSTART:20260101T000000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=2;UNTIL=20270101T000000Z"), "UNTIL and COUNT cannot be together"},
		{vevent("DTSTART:20260101T000000Z\nDURATION:P2000D\nRRULE:FREQ=DAILY"), "may last 366 days at most"},
		{vevent("DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=HOURLY"), "FREQ=HOURLY is not for whole days"},
		{vevent("DTSTART:20260101T000000Z\nDURATION:PT1H\nEXRULE:FREQ=DAILY"), "EXRULE: a rule of what is taken out is not supported; write the dates as EXDATE"},
		{vevent("DTSTART:20260101T000000Z\nDURATION:PT1H\nRECURRENCE-ID;RANGE=THISANDFUTURE:20260101T000000Z"), "RECURRENCE-ID: RANGE, which changes all occurrences"},
		{vevent("DTSTART:20260101T000000Z\nDURATION:PT1H\nRDATE;VALUE=PERIOD:20260102T000000Z/20260101T000000Z"), "is not a time after the period's begin"},
		{vevent("DTSTART:20260101T000000Z\nDURATION:PT1H\nEXDATE:soon"), "EXDATE: \"soon\" is neither"},
		{vevent("DTSTART:20260101T000000Z\nSEQUENCE:many"), "SEQUENCE: \"many\" is not a number"},
		{wrap("BEGIN:VTIMEZONE\nTZID:Z\nBEGIN:STANDARD\nDTSTART:16010101T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+25\nEND:STANDARD\nEND:VTIMEZONE\nBEGIN:VEVENT\nDTSTART;TZID=Z:20260101T000000\nEND:VEVENT"),
			`the event of line 12: DTSTART: the time zone "Z" of line 4 cannot be computed: line 6: STANDARD: TZOFFSETTO: "+25" is not an offset`},
		{wrap("BEGIN:VTIMEZONE\nTZID:Z\nEND:VTIMEZONE\nBEGIN:VEVENT\nDTSTART;TZID=Z:20260101T000000\nEND:VEVENT"), "it says neither STANDARD nor DAYLIGHT"},
		{strings.Repeat("x", MaxBytes+1), "larger than 4 MiB"},
		{wrap(strings.Repeat("BEGIN:VEVENT\nDTSTART:20260101T000000Z\nEND:VEVENT\n", maxEvents+1)), "more than 20000 events"},
	} {
		if _, err := Parse("test.ics", []byte(test.text), time.UTC); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("got  %v\nwant …%s…", err, test.want)
		}
	}
}

func TestWhatLastsNoTimeIsTold(t *testing.T) {
	c := parse(t, vevent("DTSTART:20260101T000000Z\nRRULE:FREQ=DAILY"), "UTC")
	if from, to := year(2026); len(spans(c, from, to, time.UTC)) > 0 || c.Events() != 0 {
		t.Error("an instant is a span")
	}
	if got := fmt.Sprint(c.Problems()); got != `[line 4: the event "freeze" lasts no time and is left out]` {
		t.Error(got)
	}
	var many strings.Builder
	for range 50 {
		many.WriteString("BEGIN:VEVENT\nDTSTART:20260101T000000Z\nEND:VEVENT\n")
	}
	if got := parse(t, wrap(many.String()), "UTC").Problems(); len(got) != maxProblems+1 || got[maxProblems] != "and more" {
		t.Errorf("%d problems", len(got))
	}
	if c.String() != "test.ics" {
		t.Error(c.String())
	}
	if parse(t, wrap("X-WR-CALNAME:empty"), "UTC").Events() != 0 {
		t.Error("a calendar without events has some")
	}
}

func TestNamesAreShortLines(t *testing.T) {
	c := parse(t, vevent("DTSTART:20260101T000000Z\nDURATION:PT1H\nX-A:b")+"", "UTC")
	if _, _, name, _ := c.Next(0, lastWall); name != "freeze" {
		t.Error(name)
	}
	for text, want := range map[string]string{
		"a\\nb\x1b[31m\tc":       "a b [31m c",
		strings.Repeat("ü", 100): strings.Repeat("ü", 59) + "…",
		"a\xffb":                 "a�b",
		`back\\slash`:            `back\slash`,
	} {
		if got := oneLine(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestWindowsZonesAreKnown(t *testing.T) {
	n := 0
	for _, line := range strings.Split(strings.TrimSpace(windowsZones), "\n") {
		windows, iana, ok := strings.Cut(line, "=")
		if loc := named(windows); !ok || loc == nil || loc.String() != iana {
			t.Errorf("%s: %v", line, loc)
		}
		n++
	}
	if n < 140 {
		t.Errorf("only %d", n)
	}
	for _, id := range []string{"", "Local", "local", "W", "Europe", "../Berlin", "Standard Time", "a=b", "x/y/Berlin"} {
		if loc := named(id); loc != nil {
			t.Errorf("%q is %s", id, loc)
		}
	}
	for id, want := range map[string]string{
		"/freeassociation.sourceforge.net/Europe/Berlin":            "Europe/Berlin",
		"/citadel.org/20190914_1/America/Argentina/Buenos_Aires":    "America/Argentina/Buenos_Aires",
		" W. Europe Standard Time ":                                 "Europe/Berlin",
		"Eastern Standard Time":                                     "America/New_York",
		"/softwarestudio.org/Olson_20011030_5/America/Indianapolis": "America/Indianapolis",
	} {
		if loc := named(id); loc == nil || loc.String() != want {
			t.Errorf("%q: %v", id, loc)
		}
	}
}
