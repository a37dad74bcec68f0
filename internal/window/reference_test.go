package window

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/internal/recur"
	"github.com/fairtide-dev/fairtide/model"
)

// The reference knows no intervals and no arithmetic on time zones: it looks
// at the clock on the wall once a minute and writes down what it shows.

const slack = 5 * 24 * 60 // minutes on the wall before and after those that are judged

type wall struct {
	begin time.Time
	shows []int // minute by minute, as minutes of a naive calendar
}

func watch(loc *time.Location, begin time.Time, minutes int) wall {
	w := wall{begin: begin, shows: make([]int, minutes)}
	for i := range w.shows {
		t := begin.Add(time.Duration(i) * time.Minute).In(loc)
		y, m, d := t.Date()
		w.shows[i] = int(time.Date(y, m, d, t.Hour(), t.Minute(), 0, 0, time.UTC).Unix() / 60)
	}
	return w
}

// mark sets in on the minutes of a schedule: from the first at which the wall
// shows its start or later, to the last at which it shows less than its end.
func (w wall) mark(on []bool, s *model.Schedule) {
	if s.OneOff() {
		for i := range on {
			t := w.begin.Add(time.Duration(i) * time.Minute)
			on[i] = on[i] || !t.Before(s.From) && t.Before(s.To)
		}
		return
	}
	if s.Starts != nil {
		w.markStarts(on, s)
		return
	}
	if s.Spans != nil {
		for i := range on {
			t := w.begin.Unix() + int64(i)*60
			on[i] = on[i] || slices.ContainsFunc(s.Spans.(spans), func(x named) bool { return x.from <= t && t < x.to })
		}
		return
	}
	length := int(s.End - s.Start)
	if length <= 0 {
		length += 24 * 60
	}
	first := time.Unix(int64(w.shows[0])*60, 0).UTC()
	for n := range len(w.shows)/(24*60) + 2 {
		date := time.Date(first.Year(), first.Month(), first.Day()+n, 0, 0, 0, 0, time.UTC)
		for _, d := range s.Days {
			if d != date.Weekday() {
				continue
			}
			start := int(date.Unix()/60) + int(s.Start)
			from, to := len(w.shows), -1
			for i, shown := range w.shows {
				if shown >= start && i < from {
					from = i
				}
				if shown < start+length {
					to = i
				}
			}
			for i := from; i <= to; i++ {
				on[i] = true
			}
		}
	}
}

// told is a recurrence together with what it means, minute by minute.
type told struct {
	*recur.Rule
	on func(t time.Time) bool
}

// markStarts sets in on what begins with each minute of a calendar: at the first
// at which the wall shows it or later.
func (w wall) markStarts(on []bool, s *model.Schedule) {
	means := s.Starts.(told).on
	i, last := 0, 0
	for _, shown := range w.shows {
		last = max(last, shown)
	}
	for m := w.shows[0]; m <= last; m++ {
		for w.shows[i] < m {
			i++
		}
		if !means(time.Unix(int64(m)*60, 0).UTC()) {
			continue
		}
		for n := i; n < min(len(on), i+int(s.Duration/time.Minute)); n++ {
			on[n] = true
		}
	}
}

// cut takes the last minutes from each stretch, except from one whose end is not
// in sight.
func cut(on []bool, minutes int) {
	for end := 1; end < len(on); end++ {
		if !on[end-1] || on[end] {
			continue
		}
		for i := end - 1; i >= 0 && i >= end-minutes && on[i]; i-- {
			on[i] = false
		}
	}
}

func randomRule(rng *rand.Rand, loc *time.Location, near time.Time) model.WindowRule {
	s := &model.Schedule{}
	switch kind := rng.IntN(12); {
	case kind < 2:
		s.Spans = randomSpans(rng, near)
	case kind < 4:
		s.From = near.Add(time.Duration(rng.IntN(8*24*60)-4*24*60) * time.Minute)
		s.To = s.From.Add(time.Duration(1+rng.IntN(36*60)) * time.Minute)
	case kind < 8:
		s.Starts = randomStarts(rng)
		s.Duration = time.Duration(1+rng.IntN([]int{10, 120, 600, 36 * 60}[rng.IntN(4)])) * time.Minute
	default:
		for d := range 7 {
			if rng.IntN(3) > 0 {
				s.Days = append(s.Days, time.Weekday(d))
			}
		}
		// Mostly at night, where clocks are set.
		s.Start = model.ClockTime(rng.IntN(5 * 60))
		if rng.IntN(3) == 0 {
			s.Start = model.ClockTime(rng.IntN(24 * 60))
		}
		s.End = model.ClockTime((int(s.Start) + 1 + rng.IntN(6*60)) % (24 * 60))
		switch rng.IntN(8) {
		case 0:
			s.End = 24 * 60
		case 1:
			s.End = s.Start // a whole day of it
		}
	}
	r := model.WindowRule{Name: "r", Location: loc, Allow: s}
	if rng.IntN(3) == 0 {
		r.Allow, r.Freeze = nil, s
	} else if rng.IntN(3) == 0 {
		r.Cutoff = time.Duration(1+rng.IntN([]int{20, 300, 30 * 60}[rng.IntN(3)])) * time.Minute
	}
	return r
}

// randomStarts is a cron schedule, or a recurrence rule of a choice.
func randomStarts(rng *rand.Rand) model.Recurrence {
	if rng.IntN(2) == 0 {
		return rrules[rng.IntN(len(rrules))]()
	}
	type field struct {
		text string
		on   func(v int) bool
	}
	exactly := func(v int) field { return field{fmt.Sprint(v), func(at int) bool { return at == v }} }
	all := field{"*", func(int) bool { return true }}
	every := func(n int) field { return field{fmt.Sprintf("*/%d", n), func(at int) bool { return at%n == 0 }} }
	from, to := rng.IntN(4), 4+rng.IntN(20)
	span := field{fmt.Sprintf("%d-%d", from, to), func(at int) bool { return at >= from && at <= to }}
	minute := []field{exactly(rng.IntN(60)), exactly(0), every(5 + rng.IntN(50)), all, span}[rng.IntN(5)]
	hour := []field{exactly(rng.IntN(24)), exactly(rng.IntN(5)), every(2 + rng.IntN(9)), all, span}[rng.IntN(5)]
	month := []field{all, all, exactly(2), exactly(10), span}[rng.IntN(4)]
	days := []field{all, exactly(1 + rng.IntN(31)), exactly(29)}[rng.IntN(3)]
	week := []field{all, exactly(rng.IntN(7)), {"1-5", func(at int) bool { return at >= 1 && at <= 5 }}}[rng.IntN(3)]
	text := strings.Join([]string{minute.text, hour.text, days.text, month.text, week.text}, " ")
	r, err := recur.Cron(text)
	if err != nil { // such as 31 February
		return randomStarts(rng)
	}
	return told{r, func(t time.Time) bool {
		if !minute.on(t.Minute()) || !hour.on(t.Hour()) || !month.on(int(t.Month())) {
			return false
		}
		if days.text != "*" && week.text != "*" {
			return days.on(t.Day()) || week.on(int(t.Weekday()))
		}
		return days.on(t.Day()) && week.on(int(t.Weekday()))
	}}
}

// anchor is where the rules begin, a Monday.
var anchor = time.Date(2010, 12, 27, 2, 30, 0, 0, time.UTC)

func lastOfMonth(t time.Time) int {
	return time.Date(t.Year(), t.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

func rrule(text string, on func(t time.Time) bool) func() model.Recurrence {
	return func() model.Recurrence {
		r, err := recur.RRule(text, anchor, time.UTC)
		if err != nil {
			panic(err)
		}
		return told{r, func(t time.Time) bool { return !t.Before(anchor) && on(t) }}
	}
}

func half2(t time.Time) bool { return t.Hour() == 2 && t.Minute() == 30 }

func daysOn(t time.Time) int {
	return int(t.Sub(time.Date(2010, 12, 27, 0, 0, 0, 0, time.UTC)) / (24 * time.Hour))
}

var rrules = []func() model.Recurrence{
	rrule("FREQ=DAILY;INTERVAL=3", func(t time.Time) bool { return half2(t) && daysOn(t)%3 == 0 }),
	rrule("FREQ=DAILY;BYHOUR=1,2,3;BYMINUTE=0,59", func(t time.Time) bool { return t.Hour() >= 1 && t.Hour() <= 3 && t.Minute()%59 == 0 }),
	rrule("FREQ=WEEKLY;INTERVAL=2;BYDAY=SA,SU", func(t time.Time) bool {
		return half2(t) && daysOn(t)/7%2 == 0 && (t.Weekday() == time.Saturday || t.Weekday() == time.Sunday)
	}),
	rrule("FREQ=MONTHLY;BYDAY=-1SU;BYHOUR=1", func(t time.Time) bool {
		return t.Hour() == 1 && t.Minute() == 30 && t.Weekday() == time.Sunday && t.Day()+7 > lastOfMonth(t)
	}),
	rrule("FREQ=MONTHLY;BYMONTHDAY=1,-1;BYHOUR=0,23", func(t time.Time) bool {
		return t.Hour()%23 == 0 && t.Minute() == 30 && (t.Day() == 1 || t.Day() == lastOfMonth(t))
	}),
	rrule("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", func(t time.Time) bool {
		if !half2(t) || t.Weekday() == time.Saturday || t.Weekday() == time.Sunday {
			return false
		}
		for d := t.AddDate(0, 0, 1); d.Month() == t.Month(); d = d.AddDate(0, 0, 1) {
			if d.Weekday() != time.Saturday && d.Weekday() != time.Sunday {
				return false
			}
		}
		return true
	}),
	rrule("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", func(t time.Time) bool { return half2(t) && t.Month() == 2 && t.Day() == 29 }),
	rrule("FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO,FR", func(t time.Time) bool {
		_, week := t.ISOWeek()
		return half2(t) && week == 53 && (t.Weekday() == time.Monday || t.Weekday() == time.Friday)
	}),
	rrule("FREQ=HOURLY;INTERVAL=5;BYMINUTE=15,45", func(t time.Time) bool {
		return (t.Minute() == 15 || t.Minute() == 45) && (int(t.Sub(anchor.Truncate(time.Hour))/time.Hour))%5 == 0
	}),
	rrule("FREQ=MINUTELY;INTERVAL=97", func(t time.Time) bool { return int(t.Sub(anchor)/time.Minute)%97 == 0 }),
	rrule("FREQ=MINUTELY;INTERVAL=2;BYHOUR=1,2,3", func(t time.Time) bool {
		return t.Minute()%2 == 0 && t.Hour() >= 1 && t.Hour() <= 3
	}),
}

var zones = []string{
	"Europe/Berlin", "Europe/London", "America/New_York", "America/Sao_Paulo", "America/Havana",
	"Australia/Lord_Howe", "Pacific/Chatham", "Pacific/Apia", "Africa/Casablanca", "Asia/Tehran",
	"Asia/Kolkata", "Europe/Dublin", "America/St_Johns", "Pacific/Kiritimati",
}

// Every zone in every year from 2020 to 2035: a month in which clocks are set, or
// around a leap day, or a year's end. Every minute of it is judged by Open, and
// some by At; half the time for a plan, of which rules name parts.
func TestSixteenYearsAgainstTheReference(t *testing.T) {
	const days = 32
	seed := uint64(time.Now().UnixNano())
	rng := rand.New(rand.NewPCG(seed, 2))
	judged, evaluated, opened, planned := 0, 0, 0, 0
	for _, name := range zones {
		loc := zone(t, name)
		for year := 2020; year <= 2035; year++ {
			begin := monthOf(rng, loc, year)
			ask := randomAsk(rng, loc, begin.Add(time.Duration(rng.IntN(days*24))*time.Hour))
			open := reference(ask, begin.Add(-slack*time.Minute), days*24*60+2*slack)[slack:]
			spans := ask.Open(begin, begin.Add(days*24*time.Hour))
			for i := range days * 24 * 60 {
				now := begin.Add(time.Duration(i) * time.Minute)
				for len(spans) > 0 && !spans[0].To.After(now) {
					spans = spans[1:]
				}
				is := len(spans) > 0 && !spans[0].From.After(now)
				if is != open[i] {
					t.Fatalf("seed %d: %s (%s): open %t, the reference says %t\n%s", seed, now, name, is, open[i], describeAll(ask))
				}
				if is {
					opened++
				}
				if judged++; judged%307 == 0 || i > 0 && open[i] != open[i-1] {
					evaluated++
					if got := ask.At(now); got.Open != open[i] {
						t.Fatalf("seed %d: %s (%s): %+v, the reference says %t\n%s", seed, now, name, got, open[i], describeAll(ask))
					}
				}
				if ask.Known {
					planned++
				}
			}
		}
	}
	t.Logf("%d of the minutes for plans", planned)
	t.Logf("seed %d: %d zones, %d minutes judged by Open, %d of them open; %d of them by At too", seed, len(zones), judged, opened, evaluated)
	if judged < 10_000_000 || opened < judged/20 || opened > judged*19/20 {
		t.Errorf("%d instants were judged, %d of them open", judged, opened)
	}
}

// monthOf is the begin of a month's time in a year: before a transition, a leap
// day or the year's end.
func monthOf(rng *rand.Rand, loc *time.Location, year int) time.Time {
	first := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
	choices := []time.Time{time.Date(year, 2, 28, 0, 0, 0, 0, time.UTC), time.Date(year, 12, 28, 0, 0, 0, 0, time.UTC)}
	for d := range 364 {
		at := first.AddDate(0, 0, d)
		_, before := at.In(loc).Zone()
		if _, after := at.AddDate(0, 0, 1).In(loc).Zone(); before != after {
			choices = append(choices, at, at) // rather than the others
		}
	}
	return choices[rng.IntN(len(choices))].AddDate(0, 0, -rng.IntN(20))
}

func TestAgainstAMinuteByMinuteReference(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	rng := rand.New(rand.NewPCG(seed, 1))
	transitions := []string{"2011-12-30", "2018-11-04", "2026-03-08", "2026-03-29", "2026-10-04", "2026-10-25", "2026-11-01", "2032-10-31"}
	judged := 0
	for _, name := range zones {
		for _, date := range transitions {
			loc := zone(t, name)
			near := at(t, date+"T00:00:00Z")
			judged += compare(t, seed, randomAsk(rng, loc, near), near.Add(-36*time.Hour), 3*24*60)
		}
	}
	t.Logf("seed %d: %d minutes judged by At", seed, judged)
	if judged < 48_000 {
		t.Errorf("only %d instants were judged", judged)
	}
}

// compare judges every tenth minute, and those around where the reference
// changes, by both, and when it changes next.
func compare(t *testing.T, seed uint64, ask Ask, begin time.Time, minutes int) (judged int) {
	t.Helper()
	open := reference(ask, begin.Add(-slack*time.Minute), minutes+2*slack)
	for i := range minutes {
		at := slack + i
		if i%10 > 0 && open[at] == open[at-1] && open[at] == open[at+1] {
			continue
		}
		judged++
		now := begin.Add(time.Duration(i) * time.Minute)
		got := ask.At(now)
		if want := open[at]; got.Open != want {
			t.Fatalf("seed %d: %s (%s): open %t, the reference says %t\n%s", seed, now, ask.Rules[0].Location, got.Open, want, describeAll(ask))
		}
		edge := at
		for edge < minutes+slack && open[edge] == open[at] {
			edge++
		}
		if edge == minutes+slack {
			continue // further than the reference looks
		}
		if want := begin.Add(time.Duration(edge-slack) * time.Minute); !got.Until.Equal(want) {
			t.Fatalf("seed %d: %s (%s): until %s, the reference says %s\n%s", seed, now, ask.Rules[0].Location, got.Until, want, describeAll(ask))
		}
	}
	return judged
}
