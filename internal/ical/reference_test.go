package ical

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// The reference knows calendars as they were made, not as they are written, and
// goes day by day and quarter of an hour by quarter of an hour.

type madeEvent struct {
	zone     string // "": floating
	allDay   bool
	start    time.Time // what the clock shows, in UTC
	days     int       // nominal
	minutes  int       // exact
	byEnd    bool      // told by DTEND
	freq     string    // "": once
	interval int
	on       []time.Weekday // weekly
	count    int
	until    time.Time // the last date
	except   []int     // occurrences by number
	moved    map[int]time.Time
	extra    []time.Time
}

const zoneStep = 15 * 60

type wallKey struct {
	zone string
	wall int64
	end  bool
}

type reference struct {
	zones map[string]*time.Location
	known map[wallKey]int64
}

// instant searches when the clock shows a time: the first instant it shows it
// or later, or the end of the last in which it shows less.
func (r *reference) instant(zone string, wall int64, end bool) int64 {
	key := wallKey{zone, wall, end}
	if at, ok := r.known[key]; ok {
		return at
	}
	found := int64(0)
	for at := wall - 16*60*60; at <= wall+16*60*60; at += zoneStep {
		_, seconds := time.Unix(at, 0).In(r.zones[zone]).Zone()
		shows := at + int64(seconds)
		if !end && shows >= wall {
			found = at
			break
		}
		if end && shows < wall {
			found = at + zoneStep
		}
	}
	r.known[key] = found
	return found
}

// occurrences lists when an event begins on the wall, until a time.
func (e *madeEvent) occurrences(limit time.Time) (out []time.Time) {
	if e.freq == "" {
		return []time.Time{e.start}
	}
	week := func(t time.Time) int { // from a Monday on
		return int(t.Truncate(24*time.Hour).Unix()/day+3) / 7
	}
	for t := e.start; t.Before(limit); t = t.AddDate(0, 0, 1) {
		if !e.until.IsZero() && t.Truncate(24*time.Hour).After(e.until) || e.count > 0 && len(out) == e.count {
			break
		}
		var hit bool
		switch e.freq {
		case "DAILY":
			hit = int(t.Sub(e.start)/(24*time.Hour))%e.interval == 0
		case "WEEKLY":
			hit = (week(t)-week(e.start))%e.interval == 0 && slices.Contains(e.on, t.Weekday())
		case "MONTHLY":
			months := (t.Year()-e.start.Year())*12 + int(t.Month()) - int(e.start.Month())
			hit = months%e.interval == 0 && t.Day() == e.start.Day()
		case "YEARLY":
			hit = (t.Year()-e.start.Year())%e.interval == 0 && t.Month() == e.start.Month() && t.Day() == e.start.Day()
		}
		if hit || t.Equal(e.start) {
			out = append(out, t)
		}
	}
	return out
}

// spans lists those of an event.
func (r *reference) spans(e *madeEvent, name, floating string) (out []span) {
	zone := e.zone
	if zone == "" || e.allDay {
		zone = floating
	}
	exact := int64(e.minutes) * 60
	add := func(t time.Time, name string) {
		s := span{from: r.instant(zone, t.Unix(), false), name: name}
		end := t.AddDate(0, 0, e.days).Unix()
		switch {
		case e.days == 0:
			s.to = s.from + exact
		case e.minutes == 0:
			s.to = r.instant(zone, end, true)
		default:
			s.to = r.instant(zone, end, false) + exact
		}
		if s.from < s.to {
			out = append(out, s)
		}
	}
	if e.byEnd && !e.allDay {
		exact = r.instant(zone, e.start.Add(time.Duration(e.minutes)*time.Minute).Unix(), true) - r.instant(zone, e.start.Unix(), false)
		if exact <= 0 {
			return nil
		}
	}
	for i, t := range e.occurrences(e.start.AddDate(4, 0, 0)) {
		to, moved := e.moved[i]
		switch {
		case moved:
			add(to, name+" moved")
		case !slices.Contains(e.except, i):
			add(t, name)
		}
	}
	for _, t := range e.extra {
		add(t, name)
	}
	return out
}

const wallLayout = "20060102T150405"

// text writes an event.
func (e *madeEvent) text(r *rand.Rand, ref *reference, uid, floating string) string {
	var b strings.Builder
	value := func(name string, t time.Time) string {
		switch {
		case e.allDay:
			return name + ";VALUE=DATE:" + t.Format("20060102")
		case e.zone == "":
			return name + ":" + t.Format(wallLayout)
		}
		return name + ";TZID=" + e.zone + ":" + t.Format(wallLayout)
	}
	utc := func(t time.Time) string {
		zone := e.zone
		if zone == "" {
			zone = floating
		}
		return time.Unix(ref.instant(zone, t.Unix(), false), 0).UTC().Format(wallLayout) + "Z"
	}
	named := func(name string, t time.Time) string { // an occurrence, told in one of the ways there are
		switch {
		case e.allDay || r.IntN(3) == 0:
			return name + ";VALUE=DATE:" + t.Format("20060102")
		case r.IntN(2) == 0:
			return name + ":" + utc(t)
		}
		return value(name, t)
	}
	lasts := func(t time.Time) string {
		switch {
		case e.allDay && e.byEnd:
			return value("DTEND", t.AddDate(0, 0, e.days))
		case e.byEnd:
			return value("DTEND", t.Add(time.Duration(e.minutes)*time.Minute))
		case e.allDay:
			return fmt.Sprintf("DURATION:P%dD", e.days)
		}
		return fmt.Sprintf("DURATION:P%dDT%dM", e.days, e.minutes)
	}
	all := e.occurrences(e.start.AddDate(4, 0, 0))
	fmt.Fprintf(&b, "BEGIN:VEVENT\nUID:%s\nSUMMARY:%s\n%s\n%s\n", uid, uid, value("DTSTART", e.start), lasts(e.start))
	if e.freq != "" {
		rule := fmt.Sprintf("FREQ=%s;INTERVAL=%d", e.freq, e.interval)
		if len(e.on) > 0 {
			var days []string
			for _, d := range e.on {
				days = append(days, strings.ToUpper(d.String()[:2]))
			}
			rule += ";BYDAY=" + strings.Join(days, ",")
		}
		switch {
		case e.count > 0:
			rule += fmt.Sprintf(";COUNT=%d", e.count)
		case !e.until.IsZero() && e.allDay:
			rule += ";UNTIL=" + e.until.Format("20060102")
		case !e.until.IsZero():
			last := time.Date(e.until.Year(), e.until.Month(), e.until.Day(), e.start.Hour(), e.start.Minute(), 0, 0, time.UTC)
			rule += ";UNTIL=" + utc(last)
		}
		b.WriteString("RRULE:" + rule + "\n")
	}
	for _, i := range e.except {
		if i < len(all) {
			b.WriteString(named("EXDATE", all[i]) + "\n")
		}
	}
	for _, t := range e.extra {
		b.WriteString(value("RDATE", t) + "\n")
	}
	b.WriteString("BEGIN:VALARM\nTRIGGER:-PT5M\nDURATION:PT1M\nEND:VALARM\nEND:VEVENT\n")
	for i, t := range e.moved {
		fmt.Fprintf(&b, "BEGIN:VEVENT\nUID:%s\nSUMMARY:%s moved\n%s\n%s\n", uid, uid, named("RECURRENCE-ID", all[i]), value("DTSTART", t))
		if e.byEnd && !e.allDay { // as long as the others, which is that of the first
			zone := e.zone
			if zone == "" {
				zone = floating
			}
			exact := ref.instant(zone, e.start.Add(time.Duration(e.minutes)*time.Minute).Unix(), true) - ref.instant(zone, e.start.Unix(), false)
			fmt.Fprintf(&b, "DURATION:PT%dS\n", max(0, exact))
		} else {
			b.WriteString(lasts(t) + "\n")
		}
		b.WriteString("END:VEVENT\n")
	}
	return b.String()
}

var referenceZones = []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Asia/Kolkata", "Pacific/Auckland", "UTC"}

func makeEvent(r *rand.Rand) *madeEvent {
	e := &madeEvent{
		start:  time.Date(2024+r.IntN(2), time.Month(1+r.IntN(12)), 1+r.IntN(28), r.IntN(24), 15*r.IntN(4), 0, 0, time.UTC),
		allDay: r.IntN(3) == 0, byEnd: r.IntN(2) == 0, interval: 1 + r.IntN(3), moved: map[int]time.Time{},
	}
	if r.IntN(3) == 0 { // where clocks are set
		day := []time.Time{
			time.Date(2025, 3, 30, 0, 0, 0, 0, time.UTC), time.Date(2024, 10, 27, 0, 0, 0, 0, time.UTC),
			time.Date(2025, 3, 9, 0, 0, 0, 0, time.UTC), time.Date(2024, 11, 3, 0, 0, 0, 0, time.UTC), time.Date(2025, 4, 6, 0, 0, 0, 0, time.UTC),
		}[r.IntN(5)]
		e.start = day.Add(time.Duration(r.IntN(14)) * 15 * time.Minute)
	}
	if r.IntN(4) > 0 {
		e.zone = referenceZones[r.IntN(len(referenceZones))]
	}
	switch {
	case e.allDay:
		e.start, e.days = e.start.Truncate(24*time.Hour), 1+r.IntN(4)
	case e.byEnd:
		e.minutes = 15 * (1 + r.IntN(200))
	default:
		e.days, e.minutes = r.IntN(3), 15*r.IntN(20)
	}
	if e.freq = []string{"", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"}[r.IntN(5)]; e.freq == "" {
		return e
	}
	if e.freq == "WEEKLY" {
		e.on = []time.Weekday{e.start.Weekday()}
		if other := time.Weekday(r.IntN(7)); other != e.on[0] {
			e.on = append(e.on, other)
		}
		if r.IntN(4) == 0 {
			e.on = []time.Weekday{time.Weekday(r.IntN(7))} // perhaps without the start
		}
	}
	switch r.IntN(3) {
	case 0:
		e.count = 1 + r.IntN(30)
	case 1:
		e.until = e.start.Truncate(24*time.Hour).AddDate(0, 0, r.IntN(400))
	}
	n := len(e.occurrences(e.start.AddDate(4, 0, 0)))
	for range r.IntN(3) {
		e.except = append(e.except, r.IntN(n))
	}
	for range r.IntN(3) {
		if i := r.IntN(n); !slices.Contains(e.except, i) {
			e.moved[i] = e.start.AddDate(0, 0, r.IntN(300)).Add(time.Duration(r.IntN(8)) * 15 * time.Minute)
			if e.allDay {
				e.moved[i] = e.moved[i].Truncate(24 * time.Hour)
			}
		}
	}
	// On a day of its own, as days may be taken out.
	if r.IntN(3) == 0 {
		e.extra = append(e.extra, e.start.AddDate(-1, 0, -r.IntN(50)))
	}
	return e
}

// TestRandomCalendars compares with the reference: all spans in order, and the
// answers to questions at random.
func TestRandomCalendars(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 2))
	ref := &reference{zones: map[string]*time.Location{}, known: map[wallKey]int64{}}
	for _, name := range referenceZones {
		ref.zones[name] = zoneOf(t, name)
	}
	calendars, asked := 400, 0
	if testing.Short() {
		calendars = 50
	}
	for n := range calendars {
		floating := referenceZones[random.IntN(len(referenceZones))]
		var want []span
		var text strings.Builder
		for i := range 1 + random.IntN(6) {
			uid := fmt.Sprintf("e%d", i)
			e := makeEvent(random)
			text.WriteString(e.text(random, ref, uid, floating))
			want = append(want, ref.spans(e, uid, floating)...)
		}
		slices.SortFunc(want, span.compare)
		c := parse(t, wrap(text.String()), floating)
		ask := func(after, before int64) {
			asked++
			var expect span
			i := slices.IndexFunc(want, func(s span) bool { return s.to > after })
			if i >= 0 && want[i].from < before {
				expect = want[i]
			}
			from, to, name, ok := c.Next(after, before)
			if got := (span{from, to, name}); ok != (expect.to > 0) || ok && got != expect {
				t.Fatalf("calendar %d, floating %s: after %s, before %s:\ngot  %s\nwant %s\n%s", n, floating,
					time.Unix(after, 0).UTC(), time.Unix(before, 0).UTC(), show(got), show(expect), text.String())
			}
		}
		begin := time.Date(2022, 10, 1, 0, 0, 0, 0, time.UTC).Unix()
		end := time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC).Unix()
		for at := begin; at < end; {
			ask(at, end)
			_, to, _, ok := c.Next(at, end)
			if !ok {
				break
			}
			at = to
		}
		for range 200 {
			at := begin + random.Int64N(end-begin)
			ask(at, min(end, at+[]int64{1, day, 40 * day, 366 * day, 3000 * day}[random.IntN(5)]))
		}
	}
	t.Logf("%d calendars, %d questions", calendars, asked)
}

func show(s span) string {
	return fmt.Sprintf("%s to %s %q", time.Unix(s.from, 0).UTC(), time.Unix(s.to, 0).UTC(), s.name)
}

func TestConcurrentUse(t *testing.T) {
	c := parse(t, vevent("DTSTART:20200101T080000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY\nEXDATE:20250101T080000Z"), "UTC")
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for k := range int64(3000) {
				at := 1_600_000_000 + k*97*day/10 + int64(i)
				from, to, _, ok := c.Next(at, at+3*day)
				if !ok || to-from != 60*60 || to <= at {
					t.Errorf("at %d: %d to %d, %v", at, from, to, ok)
					return
				}
			}
		})
	}
	group.Wait()
}

func TestFarAway(t *testing.T) {
	c := parse(t, vevent("DTSTART:20000229T080000Z\nDURATION:PT1H\nRRULE:FREQ=YEARLY;INTERVAL=100;BYMONTH=2;BYMONTHDAY=29"), "UTC")
	from, _, _, ok := c.Next(time.Date(2000, 3, 1, 0, 0, 0, 0, time.UTC).Unix(), 1<<62)
	if got := time.Unix(from, 0).UTC(); !ok || got.Year() != 2400 {
		t.Error(got, ok)
	}
	if _, _, _, ok := c.Next(-1<<62, 0); ok {
		t.Error("there is something before it begins")
	}
	if from, _, _, ok := c.Next(-1<<62, 1<<62); !ok || time.Unix(from, 0).UTC().Year() != 2000 {
		t.Error("the first is not found")
	}
	if _, _, _, ok := c.Next(lastWall+1, 1<<62); ok {
		t.Error("there is something after all time")
	}
}
