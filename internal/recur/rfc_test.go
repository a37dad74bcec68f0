package recur

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"
)

// occurrences lists those of a rule from a time on, n at most.
func occurrences(r *Rule, from int64, n int) (out []int64) {
	for len(out) < n {
		next, _, ok := r.Next(from, lastWall, 0)
		if !ok {
			break
		}
		out = append(out, next)
		from = next + 1
	}
	return out
}

// times reads "1997 9/2 9/3@10:30 9/4-6": a year, then dates, at the clock time
// given or else at that of the start. "..." at the end: there are more.
func times(t *testing.T, text string, start time.Time) (out []int64, more bool) {
	t.Helper()
	year := start.Year()
	clock := start.Format("15:04")
	for _, word := range strings.Fields(text) {
		if word == "..." {
			return out, true
		}
		date, at, given := strings.Cut(word, "@")
		if !given {
			at = clock
		}
		month, days, ok := strings.Cut(date, "/")
		if !ok {
			var err error
			if year, err = strconv.Atoi(word); err != nil {
				t.Fatal(err)
			}
			continue
		}
		from, to, ranged := strings.Cut(days, "-")
		if !ranged {
			to = from
		}
		first, err := time.Parse("2006-1-2 15:04", fmt.Sprintf("%d-%s-%s %s", year, month, from, at))
		if err != nil {
			t.Fatal(err)
		}
		last, err := strconv.Atoi(to)
		if err != nil {
			t.Fatal(err)
		}
		for ; first.Day() <= last; first = first.AddDate(0, 0, 1) {
			out = append(out, first.Unix())
			if first.AddDate(0, 0, 1).Day() == 1 {
				break
			}
		}
	}
	return out, false
}

func format(list []int64) string {
	var out []string
	for _, w := range list {
		out = append(out, time.Unix(w, 0).UTC().Format("2006-01-02T15:04"))
	}
	return strings.Join(out, " ")
}

func newYork(t testing.TB) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// The examples of RFC 5545, section 3.8.5.3, in its order, except for those that
// repeat another with UNTIL instead of COUNT. All are in New York's time.
func TestExamplesOfTheRFC(t *testing.T) {
	const septemberOn = "19970902T0900"
	for _, c := range []struct{ start, rule, want string }{
		{septemberOn, "FREQ=DAILY;COUNT=10", "1997 9/2-11"},
		{septemberOn, "FREQ=DAILY;UNTIL=19971224T000000Z", "1997 9/2-30 10/1-31 11/1-30 12/1-23"},
		{septemberOn, "FREQ=DAILY;INTERVAL=2", "1997 9/2 9/4 9/6 9/8 9/10 9/12 9/14 9/16 9/18 9/20 9/22 9/24 9/26 9/28 9/30 10/2 ..."},
		{septemberOn, "FREQ=DAILY;INTERVAL=10;COUNT=5", "1997 9/2 9/12 9/22 10/2 10/12"},
		{"19980101T0900", "FREQ=YEARLY;UNTIL=20000131T140000Z;BYMONTH=1;BYDAY=SU,MO,TU,WE,TH,FR,SA", "1998 1/1-31 1999 1/1-31 2000 1/1-31"},
		{"19980101T0900", "FREQ=DAILY;UNTIL=20000131T140000Z;BYMONTH=1", "1998 1/1-31 1999 1/1-31 2000 1/1-31"},
		{septemberOn, "FREQ=WEEKLY;COUNT=10", "1997 9/2 9/9 9/16 9/23 9/30 10/7 10/14 10/21 10/28 11/4"},
		{septemberOn, "FREQ=WEEKLY;UNTIL=19971224T000000Z", "1997 9/2 9/9 9/16 9/23 9/30 10/7 10/14 10/21 10/28 11/4 11/11 11/18 11/25 12/2 12/9 12/16 12/23"},
		{septemberOn, "FREQ=WEEKLY;INTERVAL=2;WKST=SU", "1997 9/2 9/16 9/30 10/14 10/28 11/11 11/25 12/9 12/23 1998 1/6 1/20 2/3 2/17 ..."},
		{septemberOn, "FREQ=WEEKLY;UNTIL=19971007T000000Z;WKST=SU;BYDAY=TU,TH", "1997 9/2 9/4 9/9 9/11 9/16 9/18 9/23 9/25 9/30 10/2"},
		{septemberOn, "FREQ=WEEKLY;COUNT=10;WKST=SU;BYDAY=TU,TH", "1997 9/2 9/4 9/9 9/11 9/16 9/18 9/23 9/25 9/30 10/2"},
		{
			"19970901T0900", "FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224T000000Z;WKST=SU;BYDAY=MO,WE,FR",
			"1997 9/1 9/3 9/5 9/15 9/17 9/19 9/29 10/1 10/3 10/13 10/15 10/17 10/27 10/29 10/31 11/10 11/12 11/14 11/24 11/26 11/28 12/8 12/10 12/12 12/22",
		},
		{septemberOn, "FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH", "1997 9/2 9/4 9/16 9/18 9/30 10/2 10/14 10/16"},
		{"19970905T0900", "FREQ=MONTHLY;COUNT=10;BYDAY=1FR", "1997 9/5 10/3 11/7 12/5 1998 1/2 2/6 3/6 4/3 5/1 6/5"},
		{"19970905T0900", "FREQ=MONTHLY;UNTIL=19971224T000000Z;BYDAY=1FR", "1997 9/5 10/3 11/7 12/5"},
		{"19970907T0900", "FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU", "1997 9/7 9/28 11/2 11/30 1998 1/4 1/25 3/1 3/29 5/3 5/31"},
		{"19970922T0900", "FREQ=MONTHLY;COUNT=6;BYDAY=-2MO", "1997 9/22 10/20 11/17 12/22 1998 1/19 2/16"},
		{"19970928T0900", "FREQ=MONTHLY;BYMONTHDAY=-3", "1997 9/28 10/29 11/28 12/29 1998 1/29 2/26 ..."},
		{septemberOn, "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=2,15", "1997 9/2 9/15 10/2 10/15 11/2 11/15 12/2 12/15 1998 1/2 1/15"},
		{"19970930T0900", "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1", "1997 9/30 10/1 10/31 11/1 11/30 12/1 12/31 1998 1/1 1/31 2/1"},
		{"19970910T0900", "FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15", "1997 9/10-15 1999 3/10-13"},
		{
			septemberOn, "FREQ=MONTHLY;INTERVAL=2;BYDAY=TU",
			"1997 9/2 9/9 9/16 9/23 9/30 11/4 11/11 11/18 11/25 1998 1/6 1/13 1/20 1/27 3/3 3/10 3/17 3/24 3/31 ...",
		},
		{"19970610T0900", "FREQ=YEARLY;COUNT=10;BYMONTH=6,7", "1997 6/10 7/10 1998 6/10 7/10 1999 6/10 7/10 2000 6/10 7/10 2001 6/10 7/10"},
		{"19970310T0900", "FREQ=YEARLY;INTERVAL=2;COUNT=10;BYMONTH=1,2,3", "1997 3/10 1999 1/10 2/10 3/10 2001 1/10 2/10 3/10 2003 1/10 2/10 3/10"},
		{"19970101T0900", "FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200", "1997 1/1 4/10 7/19 2000 1/1 4/9 7/18 2003 1/1 4/10 7/19 2006 1/1"},
		{"19970519T0900", "FREQ=YEARLY;BYDAY=20MO", "1997 5/19 1998 5/18 1999 5/17 ..."},
		{"19970512T0900", "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", "1997 5/12 1998 5/11 1999 5/17 ..."},
		{"19970313T0900", "FREQ=YEARLY;BYMONTH=3;BYDAY=TH", "1997 3/13 3/20 3/27 1998 3/5 3/12 3/19 3/26 1999 3/4 3/11 3/18 3/25 ..."},
		{
			"19970605T0900", "FREQ=YEARLY;BYDAY=TH;BYMONTH=6,7,8",
			"1997 6/5 6/12 6/19 6/26 7/3 7/10 7/17 7/24 7/31 8/7 8/14 8/21 8/28 1998 6/4 6/11 6/18 6/25 7/2 7/9 7/16 7/23 7/30 8/6 8/13 8/20 8/27 1999 6/3 ...",
		},
		{septemberOn, "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", "1998 2/13 3/13 11/13 1999 8/13 2000 10/13 ..."},
		{"19970913T0900", "FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13", "1997 9/13 10/11 11/8 12/13 1998 1/10 2/7 3/7 4/11 5/9 6/13 ..."},
		{"19961105T0900", "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8", "1996 11/5 2000 11/7 2004 11/2 ..."},
		{"19970904T0900", "FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3", "1997 9/4 10/7 11/6"},
		{"19970929T0900", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2", "1997 9/29 10/30 11/27 12/30 1998 1/29 2/26 3/30 ..."},
		// With the time its erratum gives.
		{septemberOn, "FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T210000Z", "1997 9/2@09:00 9/2@12:00 9/2@15:00"},
		{septemberOn, "FREQ=MINUTELY;INTERVAL=15;COUNT=6", "1997 9/2@09:00 9/2@09:15 9/2@09:30 9/2@09:45 9/2@10:00 9/2@10:15"},
		{septemberOn, "FREQ=MINUTELY;INTERVAL=90;COUNT=4", "1997 9/2@09:00 9/2@10:30 9/2@12:00 9/2@13:30"},
		{septemberOn, "FREQ=DAILY;BYHOUR=9,10,11,12,13,14,15,16;BYMINUTE=0,20,40", officeHours},
		{septemberOn, "FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,10,11,12,13,14,15,16", officeHours},
		{"19970805T0900", "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO", "1997 8/5 8/10 8/19 8/24"},
		{"19970805T0900", "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU", "1997 8/5 8/17 8/19 8/31"},
		{"20070115T0900", "FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5", "2007 1/15 1/30 2/15 3/15 3/30"},
	} {
		start, err := time.Parse("20060102T1504", c.start)
		if err != nil {
			t.Fatal(err)
		}
		r, err := RRule(c.rule, start, newYork(t))
		if err != nil {
			t.Errorf("%s: %v", c.rule, err)
			continue
		}
		want, more := times(t, c.want, start)
		n := len(want)
		if !more {
			n++ // there must be none after them
		}
		if got := occurrences(r, r.start, n); format(got) != format(want) {
			t.Errorf("%s\n got %s\nwant %s", c.rule, format(got), format(want))
		}
	}
}

const officeHours = "1997 9/2@09:00 9/2@09:20 9/2@09:40 9/2@10:00 9/2@10:20 9/2@10:40 9/2@11:00 9/2@11:20 9/2@11:40 " +
	"9/2@12:00 9/2@12:20 9/2@12:40 9/2@13:00 9/2@13:20 9/2@13:40 9/2@14:00 9/2@14:20 9/2@14:40 9/2@15:00 9/2@15:20 9/2@15:40 " +
	"9/2@16:00 9/2@16:20 9/2@16:40 9/3@09:00 9/3@09:20 ..."

// What the examples leave out.
func TestRRule(t *testing.T) {
	for _, c := range []struct{ start, rule, want string }{
		{"20200229T2200", "FREQ=YEARLY", "2020 2/29 2024 2/29 2028 2/29 ..."},
		{"20200131T2200", "FREQ=MONTHLY", "2020 1/31 3/31 5/31 7/31 ..."},
		{"20200101T2200", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=SA", "2020 2/29 2048 2/29 ..."},
		{"20200101T0000", "FREQ=YEARLY;BYYEARDAY=-1,366", "2020 12/31 2021 12/31 2022 12/31 2023 12/31 2024 12/31 ..."},
		// 2020 and 2026 have a week 53, which ends in January; 31 December 2024 is in week 1.
		{"20200101T0000", "FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO,FR", "2020 12/28 2021 1/1 2026 12/28 2027 1/1 ..."},
		{"20240601T0000", "FREQ=YEARLY;BYWEEKNO=1;BYDAY=TU", "2024 12/31 2025 12/30 2027 1/5 ..."},
		{"20240601T0000", "FREQ=YEARLY;BYWEEKNO=-1;BYDAY=SU", "2024 12/29 2025 12/28 2027 1/3 ..."},
		{"20240601T0000", "FREQ=YEARLY;BYWEEKNO=20", "2025 5/17 2026 5/16 ..."}, // a Saturday, as the start
		{"20240101T0800", "FREQ=HOURLY;INTERVAL=5;BYDAY=MO;BYMINUTE=10,50;BYHOUR=8,13", "2024 1/1@08:10 1/1@08:50 1/1@13:10 1/1@13:50 ..."},
		{"20240101T0800", "FREQ=HOURLY;BYMINUTE=0,10,20;BYSETPOS=-1;COUNT=2", "2024 1/1@08:20 1/1@09:20"},
		{"20240101T0800", "FREQ=DAILY;BYHOUR=7,9,11;BYSETPOS=1,-1;COUNT=3", "2024 1/1@11:00 1/2@07:00 1/2@11:00"},
		{"20240101T0800", "FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=-1;INTERVAL=2;COUNT=2", "2024 1/5 1/19"},
		{"20240101T0800", "rrule:freq=daily;until=20240102", "2024 1/1 1/2"},
		{"20240101T0800", "FREQ=DAILY;UNTIL=20240103T075900", "2024 1/1 1/2"},
		{"20240101T0800", "FREQ=DAILY;UNTIL=20240103T080000", "2024 1/1-3"},
		{"20240101T0800", "FREQ=DAILY;UNTIL=20240103T130000Z", "2024 1/1-3"}, // 08:00 in New York
		{"20240101T0800", "FREQ=DAILY;UNTIL=20240103T125959Z", "2024 1/1 1/2"},
	} {
		start, err := time.Parse("20060102T1504", c.start)
		if err != nil {
			t.Fatal(err)
		}
		r, err := RRule(c.rule, start, newYork(t))
		if err != nil {
			t.Errorf("%s: %v", c.rule, err)
			continue
		}
		want, more := times(t, c.want, start)
		n := len(want)
		if !more {
			n++
		}
		if got := occurrences(r, firstWall, n); format(got) != format(want) {
			t.Errorf("%s\n got %s\nwant %s", c.rule, format(got), format(want))
		}
	}
}

func TestRRuleErrors(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for rule, want := range map[string]string{
		"":                                    "is not NAME=VALUE",
		"FREQ":                                "is not NAME=VALUE",
		"FREQ=DAILY;":                         "is not NAME=VALUE",
		"INTERVAL=2":                          "FREQ has to be one of YEARLY",
		"FREQ=SOMETIMES":                      "FREQ has to be one of YEARLY",
		"FREQ=SECONDLY":                       "only whole minutes count",
		"FREQ=DAILY;BYSECOND=1":               "only whole minutes count",
		"FREQ=DAILY;FREQ=DAILY":               "FREQ is there twice",
		"FREQ=DAILY;BYEASTER=1":               `"BYEASTER" is unknown`,
		"FREQ=DAILY;INTERVAL=0":               "INTERVAL has to be a number from 1",
		"FREQ=DAILY;INTERVAL=1,2":             "INTERVAL has to be a number from 1",
		"FREQ=DAILY;COUNT=0":                  "COUNT has to be a number from 1 to 1000; for more, write UNTIL",
		"FREQ=DAILY;COUNT=3;UNTIL=20270101":   "both COUNT and UNTIL",
		"FREQ=DAILY;UNTIL=2027-01-01":         "neither a date such as",
		"FREQ=DAILY;UNTIL=20251231":           "is before the start",
		"FREQ=DAILY;WKST=1":                   "WKST has to be one of SU",
		"FREQ=DAILY;BYHOUR=24":                `BYHOUR: "24" is not a number from 0 to 23`,
		"FREQ=MONTHLY;BYMONTHDAY=0":           "BYMONTHDAY: \"0\" is not a number from 1 to 31, or from -1 to -31",
		"FREQ=MONTHLY;BYDAY=6MO":              `BYDAY: "6MO" is not from 1 to 5`,
		"FREQ=MONTHLY;BYDAY=XX":               `BYDAY: "XX" is not a day such as MO`,
		"FREQ=WEEKLY;BYDAY=1MO":               "needs FREQ=MONTHLY or YEARLY",
		"FREQ=YEARLY;BYWEEKNO=1;BYDAY=1MO":    "needs FREQ=MONTHLY or YEARLY",
		"FREQ=WEEKLY;BYMONTHDAY=1":            "BYMONTHDAY cannot be with FREQ=WEEKLY",
		"FREQ=MONTHLY;BYWEEKNO=1":             "BYWEEKNO cannot be with FREQ=MONTHLY",
		"FREQ=DAILY;BYYEARDAY=1":              "BYYEARDAY cannot be with FREQ=DAILY",
		"FREQ=MONTHLY;BYSETPOS=1":             "there is none",
		"FREQ=MINUTELY;BYHOUR=1;BYSETPOS=2":   "it never comes",
		"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30": "it never comes",
		"FREQ=HOURLY;INTERVAL=2;BYHOUR=1":     "it never comes",
		"FREQ=MINUTELY;INTERVAL=2;BYMINUTE=1": "it never comes",
		"FREQ=DAILY;BYMONTHDAY=31;BYMONTH=4":  "it never comes",
		"FREQ=MONTHLY;BYDAY=MO;BYSETPOS=6":    "it never comes",
		"FREQ=MONTHLY;BYDAY=MO;BYSETPOS=1;BYHOUR=0,1,2,3,4;BYMINUTE=0,1,2,3,4": "more than 24 times of a day",
	} {
		if r, err := RRule(rule, start, time.UTC); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v, want %q", rule, r, err, want)
		}
	}
	if _, err := RRule("FREQ=DAILY", start.Add(time.Second), time.UTC); err == nil {
		t.Error("a start with seconds is taken")
	}
}
