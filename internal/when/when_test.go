package when

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// It is Tuesday, 24 November 2026, 09:18 in Berlin.
var now = time.Date(2026, 11, 24, 8, 18, 0, 0, time.UTC)

var understood = map[string]string{
	"now":                       "2026-11-24T09:18:00+01:00",
	"9:30":                      "2026-11-24T09:30:00+01:00",
	"09:00":                     "2026-11-25T09:00:00+01:00", // gone by today
	"9:30:15":                   "2026-11-24T09:30:15+01:00",
	"noon":                      "2026-11-24T12:00:00+01:00",
	"midnight":                  "2026-11-25T00:00:00+01:00",
	"9pm":                       "2026-11-24T21:00:00+01:00",
	"12 am":                     "2026-11-25T00:00:00+01:00",
	"12pm":                      "2026-11-24T12:00:00+01:00",
	"tomorrow":                  "2026-11-25T00:00:00+01:00",
	"Tomorrow 9:30":             "2026-11-25T09:30:00+01:00",
	"tomorrow at 9:30am":        "2026-11-25T09:30:00+01:00",
	"9:30 tomorrow":             "2026-11-25T09:30:00+01:00",
	"today 8:00":                "2026-11-24T08:00:00+01:00",
	"today 24:00":               "2026-11-25T00:00:00+01:00",
	"yesterday 9:30":            "2026-11-23T09:30:00+01:00",
	"thu 09:30":                 "2026-11-26T09:30:00+01:00",
	"on Thursday, 9:30":         "2026-11-26T09:30:00+01:00",
	"thu":                       "2026-11-26T00:00:00+01:00",
	"tue 10:00":                 "2026-11-24T10:00:00+01:00",
	"tue 09:00":                 "2026-12-01T09:00:00+01:00", // gone by today
	"tue":                       "2026-12-01T00:00:00+01:00",
	"24 dec":                    "2026-12-24T00:00:00+01:00",
	"24th of December 9:30":     "2026-12-24T09:30:00+01:00",
	"dec 24 9:30":               "2026-12-24T09:30:00+01:00",
	"thu 24 dec 2026 9:30":      "2026-12-24T09:30:00+01:00",
	"24 dec 2027":               "2027-12-24T00:00:00+01:00",
	"1 feb":                     "2027-02-01T00:00:00+01:00",
	"29 feb":                    "2028-02-29T00:00:00+01:00",
	"24.12.":                    "2026-12-24T00:00:00+01:00",
	"24.12.2026 09:30":          "2026-12-24T09:30:00+01:00",
	"2026-12-24":                "2026-12-24T00:00:00+01:00",
	"2026-12-24 09:30":          "2026-12-24T09:30:00+01:00",
	"2026-12-24T09:30":          "2026-12-24T09:30:00+01:00",
	"2026-12-24T09:30:00+01:00": "2026-12-24T09:30:00+01:00",
	"2026-12-24T08:30:00Z":      "2026-12-24T09:30:00+01:00",
	"2026-07-01T08:30Z":         "2026-07-01T10:30:00+02:00",
	"2026-12-24 03:30 -05:00":   "2026-12-24T09:30:00+01:00",
	"tomorrow 8:30 utc":         "2026-11-25T09:30:00+01:00",
	"2026-11-25 00:15 +14:00":   "2026-11-24T11:15:00+01:00",
	"+3h":                       "2026-11-24T12:18:00+01:00",
	"+90m":                      "2026-11-24T10:48:00+01:00",
	"-30 min":                   "2026-11-24T08:48:00+01:00",
	"in 3 hours":                "2026-11-24T12:18:00+01:00",
	"2 days ago":                "2026-11-22T09:18:00+01:00",
	"+1d 12h":                   "2026-11-25T21:18:00+01:00",
	"+1w":                       "2026-12-01T09:18:00+01:00",
	"+20w":                      "2027-04-13T09:18:00+02:00", // the hour stays
	"2040-12-31 10:00":          "2040-12-31T10:00:00+01:00", // beyond the zone's table
	"9999-12-31 23:00":          "9999-12-31T23:00:00+01:00",
	"  2026-12-24   09:30  ":    "2026-12-24T09:30:00+01:00",
}

func TestParse(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	for text, want := range understood {
		got, err := Parse(text, now, berlin)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if s := got.At.Format(time.RFC3339); s != want || got.Note != "" {
			t.Errorf("%q is %s (%q), want %s", text, s, got.Note, want)
		}
	}
}

func TestParseAcrossTransitions(t *testing.T) {
	for _, c := range []struct{ zone, text, want, note string }{
		{"Europe/Berlin", "2026-03-29 02:30", "2026-03-29T03:00:00+02:00", "the clock skips 02:30 on 29 March 2026; it goes on at 03:00 CEST"},
		{"Europe/Berlin", "2026-03-29 02:00", "2026-03-29T03:00:00+02:00", "the clock skips 02:00"},
		{"Europe/Berlin", "2026-03-29 03:00", "2026-03-29T03:00:00+02:00", ""},
		{"Europe/Berlin", "2026-03-29 01:59", "2026-03-29T01:59:00+01:00", ""},
		{"Europe/Berlin", "2026-10-25 02:30", "2026-10-25T02:30:00+02:00", "02:30 comes twice on 25 October 2026; this is the first, 02:30 +01:00 is the second"},
		{"Europe/Berlin", "2026-10-25 02:30 +01:00", "2026-10-25T02:30:00+01:00", ""},
		{"Europe/Berlin", "2026-10-25 03:00", "2026-10-25T03:00:00+01:00", ""},
		{"Europe/Berlin", "2026-10-25 01:59", "2026-10-25T01:59:00+02:00", ""},
		{"America/New_York", "2026-03-08 02:30", "2026-03-08T03:00:00-04:00", "skips"},
		{"Australia/Lord_Howe", "2026-10-04 02:15", "2026-10-04T02:30:00+11:00", "skips"},
		{"Pacific/Apia", "2011-12-30 10:00", "2011-12-31T00:00:00+14:00", "skips"},
		{"America/Havana", "2026-03-08", "2026-03-08T01:00:00-04:00", "skips 00:00"},
		{"Pacific/Kiritimati", "2026-03-08 10:00", "2026-03-08T10:00:00+14:00", ""},
	} {
		got, err := Parse(c.text, now, zone(t, c.zone))
		if err != nil {
			t.Errorf("%s in %s: %v", c.text, c.zone, err)
			continue
		}
		if s := got.At.Format(time.RFC3339); s != c.want || (c.note == "") != (got.Note == "") || !strings.Contains(got.Note, c.note) {
			t.Errorf("%s in %s is %s (%q), want %s (%q)", c.text, c.zone, s, got.Note, c.want, c.note)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                    "no time is given",
		"  at ":               "no time is given",
		"someday":             "not understood",
		"9":                   "not understood",
		"30 feb":              "there is no date 30 feb",
		"29 feb 2027":         "there is no date 29 feb 2027",
		"2026-13-01":          "there is no date",
		"25:00":               "no time of day",
		"24:01":               "no time of day",
		"9:60":                "no time of day",
		"13pm":                "no time of day",
		"0am":                 "no time of day",
		"tomorrow tomorrow":   "not understood",
		"9:30 10:30":          "not understood",
		"9:30 +99:00":         "not understood",
		"2026-12-24T09:30foo": "not understood",
		"utc":                 "an offset alone",
		"+3":                  "no length of time",
		"+3y":                 "no unit of time",
		"+":                   "no time is given",
		"+99999999h":          "no length of time",
		"+4000000d":           "too far away",
		"-1000000d":           "too far away",
	} {
		if got, err := Parse(text, now, zone(t, "Europe/Berlin")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is %s, %v; want an error with %q", text, got.At, err, want)
		}
	}
}

// FuzzParse holds that what is understood is near, and means the same when it
// is written out in full.
func FuzzParse(f *testing.F) {
	for _, s := range Examples {
		f.Add(s, int64(0))
	}
	for _, s := range []string{"24.12.", "2026-03-29 02:30", "2026-10-25T02:30:00Z", "+1d 12h", "12 am", "noon thu", "29 feb 24:00", "9:30 -05:00"} {
		f.Add(s, int64(1))
	}
	zones := []*time.Location{zone(f, "Europe/Berlin"), zone(f, "America/Havana"), zone(f, "Pacific/Apia"), time.UTC}
	f.Fuzz(func(t *testing.T, text string, at int64) {
		loc := zones[uint64(at)%uint64(len(zones))]
		now := now.Add(time.Duration(at%(10*365*24*3600)) * time.Second)
		got, err := Parse(text, now, loc)
		if err != nil {
			return
		}
		if y := got.At.Year(); y < 1 || y > 9999 {
			t.Fatalf("%q is %s", text, got.At)
		}
		full := got.At.Truncate(time.Second)
		again, err := Parse(full.Format(time.RFC3339), now, loc)
		if _, seconds := full.Zone(); seconds%60 == 0 && (err != nil || !again.At.Equal(full)) {
			t.Fatalf("%q is %s, and that is %s, %v", text, full, again.At, err)
		}
	})
}
