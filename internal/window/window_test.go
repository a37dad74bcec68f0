package window

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/fairtide-dev/fairtide/internal/recur"
	"github.com/fairtide-dev/fairtide/model"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func at(t testing.TB, text string) time.Time {
	t.Helper()
	parsed, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func clock(t testing.TB, text string) model.ClockTime {
	t.Helper()
	var h, m int
	if _, err := fmt.Sscanf(text, "%d:%d", &h, &m); err != nil {
		t.Fatal(err)
	}
	return model.ClockTime(h*60 + m)
}

var weekdays = map[string]time.Weekday{
	"sun": 0, "mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6,
}

// rule reads "allow NAME ZONE DAYS HH:MM-HH:MM" or "freeze NAME ZONE FROM TO",
// with RFC 3339 times; DAYS are joined by commas, "all" is all.
func rule(t testing.TB, text string) model.WindowRule {
	t.Helper()
	f := strings.Fields(text)
	r := model.WindowRule{Name: strings.ReplaceAll(f[1], "_", " "), Location: zone(t, f[2])}
	s := &model.Schedule{}
	if strings.Contains(f[3], "T") {
		s.From, s.To = at(t, f[3]), at(t, f[4])
	} else {
		for name, d := range weekdays {
			if f[3] == "all" || slices.Contains(strings.Split(f[3], ","), name) {
				s.Days = append(s.Days, d)
			}
		}
		start, end, _ := strings.Cut(f[4], "-")
		s.Start, s.End = clock(t, start), clock(t, end)
	}
	if f[0] == "allow" {
		r.Allow = s
	} else {
		r.Freeze = s
	}
	return r
}

func rules(t testing.TB, texts ...string) (out []model.WindowRule) {
	t.Helper()
	for _, text := range texts {
		out = append(out, rule(t, text))
	}
	return out
}

func TestEvaluate(t *testing.T) {
	const (
		mornings = "allow weekday_mornings Europe/Berlin mon,tue,wed,thu 09:00-12:00"
		night    = "allow Saturday_night Europe/Berlin sat 22:00-04:00"
		yearEnd  = "freeze year_end Europe/Berlin 2026-12-19T23:00:00Z 2027-01-06T23:00:00Z"
	)
	for _, c := range []struct {
		name            string
		rules           []string
		at              string
		open            bool
		reason, rule    string
		until, nextOpen string
	}{
		{"none", nil, "2026-11-03T10:00:00Z", true, "open: no windows are configured", "", "", ""},
		{
			"inside", []string{mornings}, "2026-11-03T08:00:00Z", true,
			"open: weekday mornings (Mon–Thu 09:00–12:00 Europe/Berlin)", "weekday mornings",
			"2026-11-03T11:00:00Z", "2026-11-04T08:00:00Z",
		},
		{
			"a second before", []string{mornings}, "2026-11-03T07:59:59Z", false,
			"closed: outside weekday mornings (Mon–Thu 09:00–12:00 Europe/Berlin)", "weekday mornings",
			"2026-11-03T08:00:00Z", "2026-11-03T08:00:00Z",
		},
		{
			"at the end", []string{mornings}, "2026-11-03T11:00:00Z", false,
			"closed: outside weekday mornings (Mon–Thu 09:00–12:00 Europe/Berlin)", "weekday mornings",
			"2026-11-04T08:00:00Z", "2026-11-04T08:00:00Z",
		},
		{
			"over the weekend", []string{mornings}, "2026-11-06T08:00:00Z", false,
			"closed: outside weekday mornings (Mon–Thu 09:00–12:00 Europe/Berlin)", "weekday mornings",
			"2026-11-09T08:00:00Z", "2026-11-09T08:00:00Z",
		},
		{
			"over midnight", []string{night}, "2026-11-08T02:59:59Z", true,
			"open: Saturday night (Sat 22:00–04:00 Europe/Berlin)", "Saturday night",
			"2026-11-08T03:00:00Z", "2026-11-14T21:00:00Z",
		},
		{
			"closed by two", []string{mornings, night}, "2026-11-08T03:00:00Z", false,
			"closed: outside weekday mornings and Saturday night", "",
			"2026-11-09T08:00:00Z", "2026-11-09T08:00:00Z",
		},
		{
			"closed by many", []string{
				"allow a UTC mon 01:00-02:00", "allow b UTC mon 02:00-03:00", "allow c UTC mon 03:00-04:00",
				"allow d UTC mon 04:00-05:00", "allow e UTC mon 06:00-07:00",
			}, "2026-11-09T05:30:00Z", false,
			"closed: outside a, b, c and 2 more", "", "2026-11-09T06:00:00Z", "2026-11-09T06:00:00Z",
		},
		{
			"spans that meet are one", []string{"allow a UTC mon 01:00-02:00", "allow b UTC mon 02:00-24:00", "allow c UTC tue 00:00-01:00"},
			"2026-11-09T01:30:00Z", true, "open: a (Mon 01:00–02:00 UTC)", "a",
			"2026-11-10T01:00:00Z", "2026-11-16T01:00:00Z",
		},
		{
			"of two that are open, the longer", []string{"allow a UTC mon 01:00-02:00", "allow b UTC mon 01:00-03:00"},
			"2026-11-09T01:30:00Z", true, "open: b (Mon 01:00–03:00 UTC)", "b",
			"2026-11-09T03:00:00Z", "2026-11-16T01:00:00Z",
		},
		{
			"always", []string{"allow demo UTC all 00:00-24:00"}, "2026-11-09T01:30:00Z", true,
			"open: demo (every day, all day, UTC)", "demo", "", "",
		},
		{
			"a freeze wins", []string{mornings, yearEnd}, "2026-12-22T09:00:00Z", false,
			"frozen by year end until 2027-01-07 00:00 Europe/Berlin", "year end",
			"2027-01-07T08:00:00Z", "2027-01-07T08:00:00Z",
		},
		{
			"a freeze cuts", []string{"allow all UTC all 00:00-24:00", yearEnd}, "2026-12-01T09:00:00Z", true,
			"open: all (every day, all day, UTC)", "all", "2026-12-19T23:00:00Z", "2027-01-06T23:00:00Z",
		},
		{
			"only a freeze, before it", []string{yearEnd}, "2026-12-01T09:00:00Z", true,
			"open: no freeze is in force", "", "2026-12-19T23:00:00Z", "2027-01-06T23:00:00Z",
		},
		{
			"only a freeze, after it", []string{yearEnd}, "2027-01-06T23:00:00Z", true,
			"open: no freeze is in force", "", "", "",
		},
		{
			"freezes that meet", []string{yearEnd, "freeze stock UTC 2027-01-06T20:00:00Z 2027-01-08T00:00:00Z"},
			"2026-12-30T00:00:00Z", false, "frozen by year end until 2027-01-08 01:00 Europe/Berlin", "year end",
			"2027-01-08T00:00:00Z", "2027-01-08T00:00:00Z",
		},
		{
			"frozen for good", []string{"freeze ever UTC all 00:00-24:00"}, "2026-12-30T00:00:00Z", false,
			"frozen by ever", "ever", "", "",
		},
		{
			"a freeze longer than the horizon", []string{"freeze long UTC 2026-01-01T00:00:00Z 2029-01-01T00:00:00Z"},
			"2026-12-30T00:00:00Z", false, "frozen by long", "long", "", "",
		},
		{
			"one-off allow, over", []string{"allow once UTC 2026-01-01T00:00:00Z 2026-01-02T00:00:00Z"},
			"2026-12-30T00:00:00Z", false, "closed: outside once (2026-01-01 00:00 to 2026-01-02 00:00 UTC)", "once", "", "",
		},
		{
			"one-off allow, far", []string{"allow once UTC 2027-12-30T00:00:00Z 2027-12-30T05:00:00Z"},
			"2026-12-30T00:00:00Z", false, "closed: outside once (2027-12-30 00:00 to 2027-12-30 05:00 UTC)", "once",
			"2027-12-30T00:00:00Z", "2027-12-30T00:00:00Z",
		},
		{
			"29 February", []string{"allow w UTC tue 10:00-11:00"}, "2028-02-29T10:59:59Z", true,
			"open: w (Tue 10:00–11:00 UTC)", "w", "2028-02-29T11:00:00Z", "2028-03-07T10:00:00Z",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := model.WindowState{Open: c.open, Reason: c.reason, Rule: c.rule}
			if c.until != "" {
				want.Until = at(t, c.until)
			}
			if c.nextOpen != "" {
				want.NextOpen = at(t, c.nextOpen)
			}
			if got := Evaluate(rules(t, c.rules...), at(t, c.at)); got != want {
				t.Errorf("at %s\n got %+v\nwant %+v", c.at, got, want)
			}
		})
	}
}

// Each line: a rule, and the one span of the day in question as instants.
func TestTransitions(t *testing.T) {
	for _, c := range []struct{ name, rule, from, to string }{
		// 2026-03-29: 02:00 becomes 03:00 in Berlin, at 01:00 UTC.
		{"start skipped", "allow w Europe/Berlin sun 02:30-05:00", "2026-03-29T01:00:00Z", "2026-03-29T03:00:00Z"},
		{"end skipped", "allow w Europe/Berlin sun 01:00-02:30", "2026-03-29T00:00:00Z", "2026-03-29T01:00:00Z"},
		{"all skipped", "allow w Europe/Berlin sun 02:10-02:50", "2026-04-05T00:10:00Z", "2026-04-05T00:50:00Z"},
		{"over midnight into it", "allow w Europe/Berlin sat 22:00-02:30", "2026-03-28T21:00:00Z", "2026-03-29T01:00:00Z"},
		// 2026-03-08: New York, at 07:00 UTC; time.Date would give 01:30 EST.
		{"New York", "allow w America/New_York sun 02:30-05:00", "2026-03-08T07:00:00Z", "2026-03-08T09:00:00Z"},
		// 2026-10-25: 03:00 becomes 02:00 in Berlin, at 01:00 UTC.
		{"start repeated", "allow w Europe/Berlin sun 02:30-05:00", "2026-10-25T00:30:00Z", "2026-10-25T04:00:00Z"},
		{"end repeated", "allow w Europe/Berlin sun 01:00-02:30", "2026-10-24T23:00:00Z", "2026-10-25T01:30:00Z"},
		{"both repeated", "allow w Europe/Berlin sun 02:15-02:45", "2026-10-25T00:15:00Z", "2026-10-25T01:45:00Z"},
		{"25 hours", "allow w Europe/Berlin sun 00:00-24:00", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"},
		// Half an hour in Lord Howe; midnight skipped in São Paulo and Havana.
		{"Lord Howe", "allow w Australia/Lord_Howe sun 02:15-04:00", "2026-10-03T15:30:00Z", "2026-10-03T17:00:00Z"},
		{"São Paulo", "allow w America/Sao_Paulo sun 00:00-01:30", "2018-11-04T03:00:00Z", "2018-11-04T03:30:00Z"},
		// The repeated hour begins with the end: no minute of it is inside.
		{"Havana, end at a repeated midnight", "allow w America/Havana sat 22:00-24:00", "2026-11-01T02:00:00Z", "2026-11-01T04:00:00Z"},
		// Apia left out Friday 30 December 2011.
		{"a day left out", "allow w Pacific/Apia thu,fri,sat 08:00-09:00", "2011-12-30T18:00:00Z", "2011-12-30T19:00:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := rules(t, c.rule)
			from, to := at(t, c.from), at(t, c.to)
			before := Evaluate(r, from.Add(-time.Second))
			if before.Open || !before.NextOpen.Equal(from) {
				t.Errorf("a second before %s: %+v", c.from, before)
			}
			for _, in := range []time.Time{from, to.Add(-time.Second)} {
				if s := Evaluate(r, in); !s.Open || !s.Until.Equal(to) {
					t.Errorf("at %s: %+v, want open until %s", in, s, c.to)
				}
			}
			if s := Evaluate(r, to); s.Open && !s.Until.Equal(to) {
				t.Errorf("at %s: %+v", c.to, s)
			}
		})
	}
}

// A window within a skipped hour has no part of that day.
func TestSkippedWindowDoesNotOpen(t *testing.T) {
	s := Evaluate(rules(t, "allow w Europe/Berlin sun 02:10-02:50"), at(t, "2026-03-28T12:00:00Z"))
	if want := at(t, "2026-04-05T00:10:00Z"); !s.NextOpen.Equal(want) {
		t.Errorf("opens at %s, want %s", s.NextOpen, want)
	}
}

func TestUnclearRulesClose(t *testing.T) {
	good := rule(t, "allow w UTC all 00:00-24:00")
	both, neither, nowhere, noDay, late := good, good, good, good, good
	both.Freeze, neither.Allow, nowhere.Location = good.Allow, nil, nil
	noDay.Allow = &model.Schedule{Days: []time.Weekday{7}, End: 60}
	late.Allow = &model.Schedule{Days: good.Allow.Days, Start: 1440, End: 60}
	for i, bad := range []model.WindowRule{both, neither, nowhere, noDay, late} {
		r := []model.WindowRule{good, bad}
		if s := Evaluate(r, at(t, "2026-11-03T10:00:00Z")); s.Open || s.Reason != "closed: the rule w cannot be understood" {
			t.Errorf("%d: %+v", i, s)
		}
		if n := Next(r, at(t, "2026-11-03T10:00:00Z"), 3); n != nil {
			t.Errorf("%d: %v", i, n)
		}
	}
}

func TestNext(t *testing.T) {
	r := rules(t, "allow a UTC mon 09:00-12:00", "allow b UTC mon 11:00-13:00", "allow c UTC wed 20:00-02:00",
		"freeze f UTC 2026-11-16T10:00:00Z 2026-11-16T12:30:00Z")
	var got []string
	for _, o := range Next(r, at(t, "2026-11-09T10:00:00Z"), 4) {
		got = append(got, o.From.Format("02T15:04")+" "+o.To.Format("02T15:04")+" "+strings.Join(o.Rules, "+"))
	}
	want := []string{"09T10:00 09T13:00 a+b", "11T20:00 12T02:00 c", "16T09:00 16T10:00 a", "16T12:30 16T13:00 b"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if n := Next(r, at(t, "2026-11-09T10:00:00Z"), 500); len(n) < 100 || len(n) > 120 {
		t.Errorf("%d openings in a year", len(n))
	}
	always := Next(nil, at(t, "2026-11-09T10:00:00Z"), 3)
	if len(always) != 1 || !always[0].To.IsZero() || always[0].Rules != nil {
		t.Errorf("without rules: %+v", always)
	}
	if n := Next(nil, at(t, "2026-11-09T10:00:00Z"), 0); n != nil {
		t.Errorf("none asked for, got %v", n)
	}
}

func TestDescribe(t *testing.T) {
	for text, want := range map[string]string{
		"allow w UTC mon 09:00-10:00":                                   "Mon 09:00–10:00 UTC",
		"allow w UTC sat,sun,mon,tue 22:00-02:00":                       "Mon, Tue, Sat, Sun 22:00–02:00 UTC",
		"allow w UTC fri,sat,sun,tue 00:00-24:00":                       "Tue, Fri–Sun, all day, UTC",
		"allow w UTC all 06:00-22:00":                                   "every day 06:00–22:00 UTC",
		"freeze f Asia/Tokyo 2026-01-01T00:00:00Z 2026-01-02T00:00:00Z": "2026-01-01 09:00 to 2026-01-02 09:00 Asia/Tokyo",
	} {
		if got := Describe(rule(t, text)); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
	if got := Describe(model.WindowRule{}); got != "never" {
		t.Errorf("an empty rule: %q", got)
	}
}

func TestDayStart(t *testing.T) {
	for _, c := range []struct {
		zone    string
		y, m, d int
		want    string
	}{
		{"Europe/Berlin", 2026, 12, 20, "2026-12-19T23:00:00Z"},
		{"America/Sao_Paulo", 2018, 11, 4, "2018-11-04T03:00:00Z"}, // midnight is skipped
		{"America/Havana", 2026, 11, 1, "2026-11-01T04:00:00Z"},    // 00:00 comes twice
		{"Pacific/Apia", 2011, 12, 30, "2011-12-30T10:00:00Z"},     // the day is left out
		{"UTC", 2026, 12, 32, "2027-01-01T00:00:00Z"},
	} {
		got := DayStart(c.y, time.Month(c.m), c.d, zone(t, c.zone))
		if !got.Equal(at(t, c.want)) {
			t.Errorf("%s %d-%d-%d: %s, want %s", c.zone, c.y, c.m, c.d, got.UTC(), c.want)
		}
	}
}

func BenchmarkEvaluate200Rules(b *testing.B) {
	zones := []string{"Europe/Berlin", "America/New_York", "UTC", "Asia/Tokyo"}
	var texts []string
	for i := range 195 {
		texts = append(texts, fmt.Sprintf("allow r%d %s mon,tue,wed,thu %02d:00-%02d:%02d", i, zones[i%4], i%23, i%23+1, i%60))
	}
	for i := range 5 {
		texts = append(texts, fmt.Sprintf("freeze f%d UTC 2026-%02d-01T00:00:00Z 2026-%02d-03T00:00:00Z", i, i+1, i+1))
	}
	weekly := rules(b, texts...)
	shared := map[string]*time.Location{} // as the configuration's reader shares them
	for i := range weekly {
		name := weekly[i].Location.String()
		if shared[name] == nil {
			shared[name] = weekly[i].Location
		}
		weekly[i].Location = shared[name]
	}
	mixed := slices.Clone(weekly)
	for i := range mixed {
		if mixed[i].Freeze != nil {
			continue
		}
		var starts model.Recurrence
		switch i % 5 {
		case 1:
			starts = cron(b, fmt.Sprintf("%d %d * * %d", i%60, i%24, i%7))
		case 2:
			starts = cron(b, fmt.Sprintf("*/15 %d-%d %d * *", i%12, i%12+3, i%28+1))
		case 3:
			starts = monthly(b, i)
		default:
			continue
		}
		mixed[i].Allow = &model.Schedule{Starts: starts, Duration: time.Duration(i%8+1) * time.Hour}
		mixed[i].Cutoff = time.Duration(i%2) * 15 * time.Minute
	}
	for kind, r := range map[string][]model.WindowRule{"weekly": weekly, "mixed": mixed} {
		for name, text := range map[string]string{"open": "2026-11-03T10:00:00Z", "closed": "2026-11-07T23:30:00Z", "frozen": "2026-03-02T00:00:00Z"} {
			b.Run(kind+"/"+name, func(b *testing.B) {
				now := at(b, text)
				for b.Loop() {
					Evaluate(r, now)
				}
			})
		}
	}
}

func cron(t testing.TB, text string) model.Recurrence {
	t.Helper()
	r, err := recur.Cron(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// monthly is a rule of every few months, or of every few weeks.
func monthly(t testing.TB, i int) model.Recurrence {
	t.Helper()
	text := fmt.Sprintf("FREQ=MONTHLY;INTERVAL=%d;BYDAY=%dTU", i%3+1, i%4+1)
	if i%2 == 0 {
		text = fmt.Sprintf("FREQ=WEEKLY;INTERVAL=%d;BYDAY=SA,SU", i%3+1)
	}
	r, err := recur.RRule(text, time.Date(2024, 1, 1, i%24, 0, 0, 0, time.UTC), time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
