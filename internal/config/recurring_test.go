package config

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/internal/window"
	"github.com/fairtide-dev/fairtide/model"
)

func parseWindow(t *testing.T, lines ...string) (model.WindowRule, error) {
	t.Helper()
	c, err := Parse("f.yaml", []byte(windowed(lines...)))
	if err != nil {
		return model.WindowRule{}, err
	}
	return c.Environments[0].Windows[0], nil
}

// Recurring windows are read, and open when they say.
func TestRecurringWindows(t *testing.T) {
	for _, c := range []struct{ zone, schedule, cutoff, describe, from, to string }{
		{"Europe/Berlin", `allow: {cron: "0 22 * * 5", duration: 8h}`, "", "Fri 22:00 for 8 hours Europe/Berlin", "2026-11-27T22:00:00+01:00", "2026-11-28T06:00:00+01:00"},
		{
			"Europe/Berlin", `allow: {cron: "0 22 * * 5", duration: 8h}`, "cutoff: 15m", "Fri 22:00 for 8 hours Europe/Berlin, no start in the last 15 minutes",
			"2026-11-27T22:00:00+01:00", "2026-11-28T05:45:00+01:00",
		},
		{"UTC", "allow: {cron: '@monthly', duration: 36h}", "", "@monthly for 36 hours UTC", "2026-12-01T00:00:00Z", "2026-12-02T12:00:00Z"},
		{
			"America/New_York", `allow: {rrule: "FREQ=MONTHLY;BYDAY=2TU", start: 2026-01-13T18:30, duration: 90m}`, "cutoff: 1h",
			"FREQ=MONTHLY;BYDAY=2TU for 90 minutes America/New_York, no start in the last hour", "2026-12-08T18:30:00-05:00", "2026-12-08T19:00:00-05:00",
		},
		{"UTC", `allow: {rrule: FREQ=WEEKLY;INTERVAL=2, start: 2026-11-14, duration: 24h}`, "", "FREQ=WEEKLY;INTERVAL=2 for 1 day UTC", "2026-11-28T00:00:00Z", "2026-11-29T00:00:00Z"},
		{"UTC", `allow: {rrule: FREQ=DAILY, start: "2026-11-24T08:00:00", duration: 1h}`, "", "FREQ=DAILY for 1 hour UTC", "2026-11-24T08:00:00Z", "2026-11-24T09:00:00Z"},
		{"UTC", `allow: {days: [mon], start: "09:00", end: "10:00"}`, "cutoff: 10m", "Mon 09:00–10:00 UTC, no start in the last 10 minutes", "2026-11-23T09:00:00Z", "2026-11-23T09:50:00Z"},
		{"UTC", `allow: {from: 2026-11-25, to: 2026-11-25}`, "cutoff: 10h", "2026-11-25 00:00 to 2026-11-26 00:00 UTC, no start in the last 10 hours", "2026-11-25T00:00:00Z", "2026-11-25T14:00:00Z"},
	} {
		lines := []string{"timeZone: " + c.zone, c.schedule}
		if c.cutoff != "" {
			lines = append(lines, c.cutoff)
		}
		r, err := parseWindow(t, lines...)
		if err != nil {
			t.Errorf("%s: %v", c.schedule, err)
			continue
		}
		if got := window.Describe(r); got != c.describe {
			t.Errorf("%s: described as %q, want %q", c.schedule, got, c.describe)
		}
		now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
		next := window.Next([]model.WindowRule{r}, now, 1)
		if len(next) != 1 || next[0].From.In(r.Location).Format(time.RFC3339) != c.from || next[0].To.In(r.Location).Format(time.RFC3339) != c.to {
			t.Errorf("%s: opens %+v, want %s to %s", c.schedule, next, c.from, c.to)
		}
	}
}

func TestRecurringWindowProblems(t *testing.T) {
	const in = `f.yaml:9:`
	for _, c := range []struct{ lines, want string }{
		{`allow: {cron: "0 22 * * *"}`, in + `16: environment "prod": window "w": allow: duration is missing: give days, start and end; or cron and duration; or …`},
		{`allow: {duration: 8h}`, in + `16: environment "prod": window "w": allow mixes days, start and end with duration: make two windows of it`},
		{`allow: {cron: "0 22 * * *", duration: 8h, start: "09:00"}`, in + `16: environment "prod": window "w": allow mixes cron and duration with start: make two windows of it`},
		{`allow: {cron: "0 22 * * *", duration: 8h, rrule: FREQ=DAILY}`, in + `16: environment "prod": window "w": allow mixes cron and duration with rrule: …`},
		{`allow: {rrule: FREQ=DAILY, duration: 8h}`, in + `16: environment "prod": window "w": allow: start is missing: …`},
		{`allow: {rrule: FREQ=DAILY, start: 2026-01-01}`, in + `16: environment "prod": window "w": allow: duration is missing: …`},
		{`allow: {cron: "0 22 * *", duration: 8h}`, in + `23: environment "prod": window "w": allow: cron "0 22 * *": it has 4 of the five fields minute, hour, day of the month, month, day of the week`},
		{`allow: {cron: "0 25 * * *", duration: 8h}`, in + `23: environment "prod": window "w": allow: cron "0 25 * * *": hour "25": "25" is not from 0 to 23`},
		{`allow: {cron: "0 22 30 2 *", duration: 8h}`, in + `23: environment "prod": window "w": allow: cron "0 22 30 2 *": it never comes: no such month has such a day`},
		{`allow: {cron: 5, duration: 8h}`, in + `23: environment "prod": window "w": allow: cron must be a text, not the number 5; …`},
		{`allow: {rrule: "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", start: 2026-01-01, duration: 8h}`, in + `24: environment "prod": window "w": allow: rrule "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30": it never comes: …`},
		{`allow: {rrule: "FREQ=DALY", start: 2026-01-01, duration: 8h}`, in + `24: environment "prod": window "w": allow: rrule "FREQ=DALY": FREQ has to be one of YEARLY, …`},
		{`allow: {rrule: FREQ=DAILY, start: 2026-01-01T08:00:00Z, duration: 8h}`, in + `43: environment "prod": window "w": allow: start "2026-01-01T08:00:00Z" is neither a date such as 2026-12-20 nor a time such as 2026-12-20T18:00, which is by the clock in timeZone`},
		{`allow: {rrule: FREQ=DAILY, start: 2026-01-01T08:00:30, duration: 8h}`, in + `43: environment "prod": window "w": allow: start "2026-01-01T08:00:30" is neither …`},
		{`allow: {rrule: FREQ=DAILY, start: 1026-01-01, duration: 8h}`, in + `43: environment "prod": window "w": allow: start "1026-01-01": the year must be between 1970 and 2999`},
		{`allow: {cron: "@daily", duration: 8}`, in + `43: environment "prod": window "w": allow: duration must be a text, not the number 8; …`},
		{`allow: {cron: "@daily", duration: 8 hours}`, in + `43: environment "prod": window "w": allow: duration "8 hours" is not a duration such as 15m, 8h or 1h30m`},
		{`allow: {cron: "@daily", duration: 90s}`, in + `43: environment "prod": window "w": allow: duration "90s" must be whole minutes, and longer than nothing`},
		{`allow: {cron: "@daily", duration: -8h}`, in + `43: environment "prod": window "w": allow: duration "-8h" must be whole minutes, and longer than nothing`},
		{`allow: {cron: "@daily", duration: 9000h}`, in + `43: environment "prod": window "w": allow: duration "9000h" must be at most 8784h`},
		{`allow: {cron: "@daily", duration: 8h, cutoff: 1h}`, in + `47: environment "prod": window "w": allow: unknown key "cutoff"; …`},
		{"freeze: {cron: \"@daily\", duration: 8h}\n        cutoff: 1h", `f.yaml:10:17: environment "prod": window "w": cutoff is of use with allow only: in a freeze nothing starts at all`},
		{"allow: {cron: \"@daily\", duration: 8h}\n        cutoff: 8h", `f.yaml:10:17: environment "prod": window "w": cutoff "8h" leaves nothing of the window: make it shorter than that`},
		{"allow: {days: [mon], start: \"08:00\", end: \"09:00\"}\n        cutoff: 1h", `f.yaml:10:17: environment "prod": window "w": cutoff "1h" leaves nothing of the window: …`},
		{"allow: {from: 2026-01-01, to: 2026-01-01}\n        cutoff: 24h", `f.yaml:10:17: environment "prod": window "w": cutoff "24h" leaves nothing of the window: …`},
		{"allow: {cron: \"@daily\", duration: 8h}\n        cutoff: soon", `f.yaml:10:17: environment "prod": window "w": cutoff "soon" is not a duration such as 15m, 8h or 1h30m`},
	} {
		_, err := parseWindow(t, "timeZone: UTC", c.lines)
		var problems Problems
		if !errors.As(err, &problems) || len(problems) != 1 {
			t.Errorf("%s: %v, want one problem", c.lines, err)
			continue
		}
		got, want := problems[0].Error(), c.want
		if head, ok := strings.CutSuffix(want, "…"); ok && strings.HasPrefix(got, head) {
			continue
		}
		if got != want {
			t.Errorf("%s\n got %s\nwant %s", c.lines, got, want)
		}
	}
}

// Days that follow without a gap are longer than a cutoff of a day.
func TestCutoffOfDaysThatMeet(t *testing.T) {
	r, err := parseWindow(t, "timeZone: UTC", `allow: {days: [sat, sun], start: "00:00", end: "24:00"}`, "cutoff: 24h")
	if err != nil {
		t.Fatal(err)
	}
	next := window.Next([]model.WindowRule{r}, time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC), 1)
	if len(next) != 1 || next[0].To.Sub(next[0].From) != 24*time.Hour || next[0].From.Weekday() != time.Saturday {
		t.Errorf("%+v", next)
	}
}
