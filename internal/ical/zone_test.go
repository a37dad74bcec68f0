package ical

import (
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"
)

// definition is the zone that a file defines, computed.
func definition(t *testing.T, file, id string) *time.Location {
	t.Helper()
	data, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	contents, err := read(data)
	if err != nil {
		t.Fatal(err)
	}
	for _, z := range contents.zones {
		if z.text("TZID") == id {
			loc, err := compute(z)
			if err != nil {
				t.Fatal(err)
			}
			return loc
		}
	}
	t.Fatalf("%s does not define %s", file, id)
	return nil
}

func TestComputedZonesAreAsTheDatabaseHasThem(t *testing.T) {
	for _, test := range []struct{ file, id, iana string }{
		{"outlook.ics", "Customized Time Zone", "America/New_York"},
		{"office365.ics", "W. Europe Standard Time", "Europe/Berlin"},
		{"google.ics", "Europe/Berlin", "Europe/Berlin"},
		{"apple.ics", "America/New_York", "America/New_York"},
	} {
		got, want := definition(t, test.file, test.id), zoneOf(t, test.iana)
		if got == want {
			t.Fatal("it was not computed")
		}
		until := time.Date(2199, 12, 1, 0, 0, 0, 0, time.UTC)
		step := time.Hour
		for at := time.Date(2008, 1, 1, 0, 0, 0, 0, time.UTC); at.Before(until); at = at.Add(step) {
			if at.Year() > 2030 {
				step = 12 * time.Hour
			}
			_, g := at.In(got).Zone()
			_, w := at.In(want).Zone()
			if g != w {
				t.Fatalf("%s of %s at %s: %d, want %d", test.id, test.file, at, g, w)
			}
		}
	}
}

func TestComputedZones(t *testing.T) {
	custom := func(parts string) *Calendar {
		return parse(t, wrap("BEGIN:VTIMEZONE\nTZID:Own\n"+parts+"END:VTIMEZONE\nBEGIN:VEVENT\nSUMMARY:x\nDTSTART;TZID=Own:20260701T120000\nDURATION:PT1H\nEND:VEVENT"), "Europe/Berlin")
	}
	part := func(kind, start, from, to, more string) string {
		return "BEGIN:" + kind + "\nDTSTART:" + start + "\nTZOFFSETFROM:" + from + "\nTZOFFSETTO:" + to + "\n" + more + "END:" + kind + "\n"
	}
	for name, test := range map[string]struct {
		parts string
		want  string // in UTC
	}{
		"one offset for ever":          {part("STANDARD", "16010101T000000", "+0530", "+0530", ""), "2026-07-01 06:30"},
		"with seconds":                 {part("STANDARD", "16010101T000000", "+000000", "-003010", ""), "2026-07-01 12:30"},
		"before its first transition":  {part("STANDARD", "20300101T000000", "+0300", "+0400", ""), "2026-07-01 09:00"},
		"by dates":                     {part("DAYLIGHT", "20200601T000000", "+0100", "+0200", "RDATE:20260601T000000\n") + part("STANDARD", "20200901T000000", "+0200", "+0100", ""), "2026-07-01 10:00"},
		"a rule that has ended":        {part("DAYLIGHT", "20200601T000000", "+0100", "+0200", "RRULE:FREQ=YEARLY;BYMONTH=6;BYMONTHDAY=1;UNTIL=20220531T230000Z\n") + part("STANDARD", "20200901T000000", "+0200", "+0100", "RRULE:FREQ=YEARLY;BYMONTH=9;BYMONTHDAY=1\n"), "2026-07-01 11:00"},
		"a name beside it that counts": {"X-LIC-LOCATION:Asia/Tokyo\n" + part("STANDARD", "16010101T000000", "+0000", "+0000", ""), "2026-07-01 03:00"},
	} {
		from, _, _, ok := custom(test.parts).Next(0, lastWall)
		if got := time.Unix(from, 0).UTC().Format("2006-01-02 15:04"); !ok || got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
	for name, parts := range map[string]string{
		"set each day":     part("STANDARD", "16010101T000000", "+0000", "+0100", "RRULE:FREQ=DAILY\n"),
		"COUNT":            part("STANDARD", "16010101T000000", "+0000", "+0100", "RRULE:FREQ=YEARLY;COUNT=3\n"),
		"no start":         strings.Replace(part("STANDARD", "1", "+0000", "+0100", ""), "DTSTART:1\n", "", 1),
		"far away":         part("STANDARD", "16010101T000000", "+0000", "+1700", ""),
		"no offset before": part("STANDARD", "16010101T000000", "east", "+0100", ""),
	} {
		_, err := Parse("x", []byte(wrap("BEGIN:VTIMEZONE\nTZID:Own\n"+parts+"END:VTIMEZONE\nBEGIN:VEVENT\nDTSTART;TZID=Own:20260701T120000\nEND:VEVENT")), time.UTC)
		if err == nil || !strings.Contains(err.Error(), "cannot be computed") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestWall checks the wall-clock arithmetic against a search second by second
// around where clocks are set, and at random times.
func TestWall(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	for _, name := range []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Asia/Tehran", "Pacific/Apia", "Africa/Casablanca", "UTC"} {
		loc := zoneOf(t, name)
		z := zone{loc: loc}
		for range 30 {
			near := time.Date(2005+random.IntN(30), time.Month(1+random.IntN(12)), 1+random.IntN(28), random.IntN(24), 0, 0, 0, loc)
			if _, end := near.ZoneBounds(); !end.IsZero() && random.IntN(4) > 0 {
				near = end
			}
			const step = 5 * 60
			wall := floorDiv(near.Unix()+z.at(near.Unix()).seconds+int64(random.IntN(60)-30)*step, step) * step
			first, last := int64(0), int64(0)
			for at := wall - 30*60*60; at <= wall+30*60*60; at += step {
				_, seconds := time.Unix(at, 0).In(loc).Zone()
				if shows := at + int64(seconds); shows >= wall && first == 0 {
					first = at
				} else if shows < wall {
					last = at + step
				}
			}
			if got := z.reaches(wall); got != first {
				t.Fatalf("%s: %s is reached at %d, want %d", name, time.Unix(wall, 0).UTC(), got, first)
			}
			if got := z.leaves(wall); got != last {
				t.Fatalf("%s: %s is left at %d, want %d", name, time.Unix(wall, 0).UTC(), got, last)
			}
		}
	}
}
