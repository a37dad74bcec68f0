package recur

import (
	"strings"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

func TestCron(t *testing.T) {
	start := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC) // a Sunday
	for _, c := range []struct{ text, want string }{
		{"0 22 * * 5", "2026 11/27@22:00 12/4@22:00 12/11@22:00 ..."},
		{"  0   22 * * fri ", "2026 11/27@22:00 12/4@22:00 ..."},
		{"30 2 * * MON-WED", "2026 11/23@02:30 11/24@02:30 11/25@02:30 11/30@02:30 ..."},
		{"*/20 9-10 23 nov *", "2026 11/23@09:00 11/23@09:20 11/23@09:40 11/23@10:00 11/23@10:20 11/23@10:40 2027 11/23@09:00 ..."},
		{"50/5 8,10 * * *", "2026 11/22@08:50 11/22@08:55 11/22@10:50 11/22@10:55 11/23@08:50 ..."},
		{"10-20/5 8 * * *", "2026 11/22@08:10 11/22@08:15 11/22@08:20 11/23@08:10 ..."},
		// Both kinds of day: either is enough, but with a star it is not a restriction.
		{"0 2 1 * 1", "2026 11/23@02:00 11/30@02:00 12/1@02:00 12/7@02:00 ..."},
		{"0 2 1 * *", "2026 12/1@02:00 2027 1/1@02:00 ..."},
		{"0 2 1 * ?", "2026 12/1@02:00 2027 1/1@02:00 ..."},
		{"0 2 */10 * 1", "2026 11/23@02:00 11/30@02:00 12/1@02:00 12/7@02:00 12/11@02:00 12/14@02:00 12/21@02:00 ..."},
		{"0 2 */1 * 1", "2026 11/23@02:00 11/30@02:00 12/7@02:00 ..."},
		{"0 2 *,1 * 1", "2026 11/23@02:00 11/30@02:00 12/7@02:00 ..."},
		{"0 2 1-31 * 1", "2026 11/22@02:00 11/23@02:00 11/24@02:00 ..."},
		{"0 0 29 2 *", "2028 2/29@00:00 2032 2/29@00:00 ..."},
		{"0 0 31 */2 *", "2027 1/31@00:00 3/31@00:00 5/31@00:00 7/31@00:00 2028 1/31@00:00 ..."},
		{"@daily", "2026 11/22@00:00 11/23@00:00 ..."},
		{"@midnight", "2026 11/22@00:00 11/23@00:00 ..."},
		{"@hourly", "2026 11/22@00:00 11/22@01:00 ..."},
		{"@weekly", "2026 11/22@00:00 11/29@00:00 ..."},
		{"@monthly", "2026 12/1@00:00 2027 1/1@00:00 ..."},
		{"@yearly", "2027 1/1@00:00 2028 1/1@00:00 ..."},
		{"@annually", "2027 1/1@00:00 2028 1/1@00:00 ..."},
	} {
		r, err := Cron(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		want, _ := times(t, c.want, start)
		if got := occurrences(r, start.Unix(), len(want)); format(got) != format(want) {
			t.Errorf("%s\n got %s\nwant %s", c.text, format(got), format(want))
		}
		if want := strings.Join(strings.Fields(c.text), " "); r.String() != want {
			t.Errorf("written %q, told %q", want, r.String())
		}
	}
}

func TestCronErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                 "it has 0 of the five fields",
		"0 22 * *":         "it has 4 of the five fields",
		"0 0 22 * * 5":     "it has 6 of the five fields",
		"60 * * * *":       `minute "60": "60" is not from 0 to 59`,
		"-1 * * * *":       `minute "-1": "" is not from 0 to 59`,
		"+1 * * * *":       `minute "+1": "+1" is not from 0 to 59`,
		"0 24 * * *":       `hour "24": "24" is not from 0 to 23`,
		"0 0 0 * *":        `day of the month "0": "0" is not from 1 to 31`,
		"0 0 * 13 *":       `month "13": "13" is not from 1 to 12, or from jan to dec`,
		"0 0 * * 7":        `day of the week "7": "7" is not from 0 to 6, or from sun to sat`,
		"0 0 * * friday":   `day of the week "friday": "friday" is not from 0 to 6, or from sun to sat`,
		"0 0 * * fri-mon":  `day of the week "fri-mon": fri is after mon: write two ranges with a comma`,
		"0 22-4 * * *":     `hour "22-4": 22 is after 4: write two ranges with a comma`,
		"1-2-3 * * * *":    `minute "1-2-3": "2-3" is not from 0 to 59`,
		"*/0 * * * *":      `minute "*/0": the step "0" is not a number from 1 on`,
		"*/x * * * *":      `minute "*/x": the step "x" is not a number from 1 on`,
		"1,,2 * * * *":     `minute "1,,2": "" is not from 0 to 59`,
		"@reboot":          `"@reboot" is not one of @yearly, @monthly, @weekly, @daily and @hourly`,
		"@every 1h":        `"@every 1h" is not one of @yearly`,
		"TZ=UTC 0 0 * * *": "a time zone cannot be part of it: that is timeZone",
		"0 0 30 2 *":       "it never comes",
		"0 0 31 4,6,9 *":   "it never comes",
	} {
		if r, err := Cron(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, %v, want %q", text, r, err, want)
		}
	}
}

func TestWeekly(t *testing.T) {
	for text, want := range map[string]int{"0 22 * * 5,6": 2, "15 3 * * *": 7, "@weekly": 1, "0 22 1 * *": 0, "0 22 * 5 *": 0, "0 22,23 * * 5": 0, "0 0 1 * 5": 0} {
		r, err := Cron(text)
		if err != nil {
			t.Fatal(err)
		}
		days, at, ok := r.Weekly()
		if len(days) != want || ok != (want > 0) {
			t.Errorf("%s: %v, %t", text, days, ok)
		}
		if first, _, _ := r.Next(0, lastWall, 0); ok && at != model.ClockTime(mod(first, day)/minute) {
			t.Errorf("%s: at %s", text, at)
		}
	}
	if r, err := RRule("FREQ=WEEKLY", time.Unix(0, 0).UTC(), time.UTC); err != nil {
		t.Error(err)
	} else if _, _, ok := r.Weekly(); ok {
		t.Error("a rule that begins at a date is told as if it did not")
	}
}

func FuzzCron(f *testing.F) {
	for _, text := range []string{"0 22 * * 5", "*/5 1-3,7 1,15 jan-mar mon", "@daily", "0 0 30 2 *", "50/5 * ? * *", "0 0 29 2 */2"} {
		f.Add(text, int64(1800000000))
	}
	f.Fuzz(func(t *testing.T, text string, from int64) {
		r, err := Cron(text)
		if err != nil {
			return
		}
		orderly(t, r, mod(from, 1<<36))
		again, err := Cron(r.String())
		if err != nil || format(occurrences(again, 0, 20)) != format(occurrences(r, 0, 20)) {
			t.Errorf("%q is told as %q: %v", text, r, err)
		}
	})
}

func FuzzRRule(f *testing.F) {
	for _, text := range []string{
		"FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2", "FREQ=YEARLY;BYWEEKNO=53;WKST=SU", "FREQ=HOURLY;INTERVAL=5;BYMINUTE=1,2",
		"FREQ=MINUTELY;INTERVAL=90;COUNT=4", "FREQ=DAILY;UNTIL=19971224T000000Z", "FREQ=YEARLY;INTERVAL=999999;BYYEARDAY=-366",
	} {
		f.Add(text, int64(1800000000), int64(1800000000))
	}
	f.Fuzz(func(t *testing.T, text string, start, from int64) {
		r, err := RRule(text, time.Unix(mod(start, 1<<36)/minute*minute, 0).UTC(), time.UTC)
		if err != nil {
			return
		}
		orderly(t, r, mod(from, 1<<36))
		if again, err := RRule(r.String(), time.Unix(r.start, 0).UTC(), time.UTC); err != nil || again.until != r.until {
			t.Errorf("%q is told as %q: %v", text, r, err)
		}
	})
}

// orderly checks that occurrences are in order, whole minutes and where asked.
func orderly(t *testing.T, r *Rule, from int64) {
	t.Helper()
	const years = 10 * 366 * day
	end := from + years
	for range 50 {
		first, last, ok := r.Next(from, end, hour)
		if !ok {
			return
		}
		if first < from || first >= end || last < first || last > r.until || first < r.start || mod(first, minute) != 0 || mod(last, minute) != 0 {
			t.Fatalf("%s: from %d before %d: %d to %d", r, from, end, first, last)
		}
		from = last + 1
	}
}
