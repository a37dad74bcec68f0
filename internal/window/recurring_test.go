package window

import (
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// recurring reads "allow|freeze ZONE DURATION CUTOFF" and a cron schedule.
func recurring(t testing.TB, kind, name, in string, length, cutoff time.Duration, schedule string) model.WindowRule {
	t.Helper()
	r := model.WindowRule{Name: name, Location: zone(t, in), Cutoff: cutoff}
	s := &model.Schedule{Starts: cron(t, schedule), Duration: length}
	if kind == "allow" {
		r.Allow = s
	} else {
		r.Freeze = s
	}
	return r
}

func TestEvaluateRecurring(t *testing.T) {
	friday := recurring(t, "allow", "Friday night", "Europe/Berlin", 8*time.Hour, 15*time.Minute, "0 22 * * 5")
	noon := recurring(t, "allow", "noon", "UTC", time.Hour, 0, "0 12 * * *")
	months := recurring(t, "freeze", "month's end", "UTC", 24*time.Hour, 0, "0 0 28-30 * *")
	mornings := rule(t, "allow mornings UTC mon,tue 08:00-12:00")
	mornings.Cutoff = 90 * time.Minute
	for _, c := range []struct {
		name            string
		rules           []model.WindowRule
		at              string
		open            bool
		reason, rule    string
		until, nextOpen string
	}{
		{
			"inside", []model.WindowRule{friday}, "2026-11-27T23:00:00Z", true,
			"open: Friday night (Fri 22:00 for 8 hours Europe/Berlin, no start in the last 15 minutes)", "Friday night",
			"2026-11-28T04:45:00Z", "2026-12-04T21:00:00Z",
		},
		{
			"in the cutoff", []model.WindowRule{friday}, "2026-11-28T04:45:00Z", false,
			"closed: Friday night (Fri 22:00 for 8 hours Europe/Berlin) is open, but no start in the last 15 minutes", "Friday night",
			"2026-12-04T21:00:00Z", "2026-12-04T21:00:00Z",
		},
		{
			"after it", []model.WindowRule{friday}, "2026-11-28T05:00:00Z", false,
			"closed: outside Friday night (Fri 22:00 for 8 hours Europe/Berlin, no start in the last 15 minutes)", "Friday night",
			"2026-12-04T21:00:00Z", "2026-12-04T21:00:00Z",
		},
		{
			"another has no cutoff", []model.WindowRule{mornings, noon}, "2026-11-23T12:00:00Z", true,
			"open: noon (every day 12:00 for 1 hour UTC)", "noon", "2026-11-23T13:00:00Z", "2026-11-24T08:00:00Z",
		},
		{
			"the cutoff of one, before another", []model.WindowRule{mornings, noon}, "2026-11-23T11:00:00Z", false,
			"closed: mornings (Mon, Tue 08:00–12:00 UTC) is open, but no start in the last 90 minutes", "mornings",
			"2026-11-23T12:00:00Z", "2026-11-23T12:00:00Z",
		},
		{
			"a freeze in the cutoff", []model.WindowRule{friday, months}, "2026-11-28T04:50:00Z", false,
			"frozen by month's end until 2026-12-01 00:00 UTC", "month's end", "2026-12-04T21:00:00Z", "2026-12-04T21:00:00Z",
		},
		{
			"only a freeze, before it", []model.WindowRule{months}, "2026-11-27T12:00:00Z", true,
			"open: no freeze is in force", "", "2026-11-28T00:00:00Z", "2026-12-01T00:00:00Z",
		},
		{
			"only every four years", []model.WindowRule{recurring(t, "allow", "leap", "UTC", time.Hour, 0, "0 0 29 2 *")}, "2026-11-27T12:00:00Z", false,
			"closed: outside leap (0 0 29 2 * for 1 hour UTC)", "leap", "", "",
		},
		{
			"over and over", []model.WindowRule{recurring(t, "allow", "ever", "UTC", 2*time.Hour, time.Hour, "@hourly")}, "2026-11-27T12:30:00Z", true,
			"open: ever (@hourly for 2 hours UTC, no start in the last hour)", "ever", "", "",
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
			if got := Evaluate(c.rules, at(t, c.at)); got != want {
				t.Errorf("at %s\n got %+v\nwant %+v", c.at, got, want)
			}
		})
	}
}

// Each line: the spans of the hours in question.
func TestRecurringTransitions(t *testing.T) {
	for _, c := range []struct {
		name, zone, schedule string
		length               time.Duration
		from, to             string
		want                 []string
	}{
		// 2026-03-29: 02:00 becomes 03:00 in Berlin, at 01:00 UTC.
		{"start skipped", "Europe/Berlin", "30 2 * * *", time.Hour, "2026-03-29T00:00:00Z", "2026-03-29T12:00:00Z", []string{"01:00–02:00"}},
		{"two skipped", "Europe/Berlin", "0,30 2 * * *", time.Hour, "2026-03-29T00:00:00Z", "2026-03-29T12:00:00Z", []string{"01:00–02:00"}},
		{"time that passes", "Europe/Berlin", "0 22 * * *", 8 * time.Hour, "2026-03-28T20:00:00Z", "2026-03-29T12:00:00Z", []string{"21:00–05:00"}},
		// 2026-10-25: 03:00 becomes 02:00 in Berlin, at 01:00 UTC.
		{"start repeated", "Europe/Berlin", "30 2 * * *", time.Hour, "2026-10-25T00:00:00Z", "2026-10-25T12:00:00Z", []string{"00:30–01:30"}},
		{"time that passes, long night", "Europe/Berlin", "0 22 * * *", 8 * time.Hour, "2026-10-24T19:00:00Z", "2026-10-25T12:00:00Z", []string{"20:00–04:00"}},
		{"every five minutes", "Europe/Berlin", "*/5 2,3 * * *", 5 * time.Minute, "2026-10-25T00:00:00Z", "2026-10-25T12:00:00Z", []string{"00:00–01:00", "02:00–03:00"}},
		// Midnight is skipped.
		{"São Paulo", "America/Sao_Paulo", "@daily", time.Hour, "2018-11-04T00:00:00Z", "2018-11-04T12:00:00Z", []string{"03:00–04:00"}},
		// Half an hour is.
		{"Lord Howe", "Australia/Lord_Howe", "15 2 * * *", time.Hour, "2026-10-03T12:00:00Z", "2026-10-03T20:00:00Z", []string{"15:30–16:30"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := []model.WindowRule{recurring(t, "allow", "w", c.zone, c.length, 0, c.schedule)}
			var got []string
			for _, s := range Open(r, at(t, c.from), at(t, c.to)) {
				got = append(got, s.From.Format("15:04")+"–"+s.To.Format("15:04"))
			}
			if len(got) != len(c.want) {
				t.Fatalf("%q, want %q", got, c.want)
			}
			for i := range got {
				if got[i] != c.want[i] {
					t.Errorf("%q, want %q", got, c.want)
				}
			}
		})
	}
}

// A freeze is told in full, also where it leaves the range, and once where its
// spans overlap.
func TestFreezesThatRecur(t *testing.T) {
	r := []model.WindowRule{
		recurring(t, "freeze", "busy", "UTC", 10*time.Minute, 0, "*/5 9-16 * * *"),
		recurring(t, "freeze", "weekend", "UTC", 60*time.Hour, 0, "0 20 * * 5"),
	}
	got := Freezes(r, at(t, "2026-11-28T12:00:00Z"), at(t, "2026-11-28T12:01:00Z"))
	want := []Freeze{
		{Span{at(t, "2026-11-27T20:00:00Z"), at(t, "2026-11-30T08:00:00Z")}, "weekend"},
		{Span{at(t, "2026-11-28T09:00:00Z"), at(t, "2026-11-28T17:05:00Z")}, "busy"},
	}
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func TestUnclearRecurringRulesClose(t *testing.T) {
	good := recurring(t, "allow", "w", "UTC", time.Hour, 0, "@hourly")
	bad := func(change func(r *model.WindowRule, s *model.Schedule)) model.WindowRule {
		r, s := good, *good.Allow
		r.Allow = &s
		change(&r, &s)
		return r
	}
	for i, r := range []model.WindowRule{
		bad(func(_ *model.WindowRule, s *model.Schedule) { s.Duration = 0 }),
		bad(func(_ *model.WindowRule, s *model.Schedule) { s.Duration = Longest + time.Hour }),
		bad(func(_ *model.WindowRule, s *model.Schedule) { s.Starts = nil }),
		bad(func(_ *model.WindowRule, s *model.Schedule) { s.Days = []time.Weekday{time.Monday} }),
		bad(func(_ *model.WindowRule, s *model.Schedule) { s.From, s.To = time.Unix(0, 0), time.Unix(1, 0) }),
		bad(func(r *model.WindowRule, _ *model.Schedule) { r.Cutoff = -time.Second }),
		bad(func(r *model.WindowRule, s *model.Schedule) { r.Allow, r.Freeze, r.Cutoff = nil, s, time.Hour }),
	} {
		if s := Evaluate([]model.WindowRule{r}, at(t, "2026-11-03T10:00:00Z")); s.Open || s.Reason != "closed: the rule w cannot be understood" {
			t.Errorf("%d: %+v", i, s)
		}
	}
	if s := Evaluate([]model.WindowRule{good}, at(t, "2026-11-03T10:00:00Z")); !s.Open {
		t.Errorf("the good one: %+v", s)
	}
}
