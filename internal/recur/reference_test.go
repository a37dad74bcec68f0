package recur

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The reference looks at every minute, and asks of it what the rule's text says.
// It shares nothing with the package.

// naive is a rule as its parts.
type naive struct {
	parts map[string]string
	start time.Time
}

func (n naive) list(name string) (out []int) {
	for _, text := range strings.Split(n.parts[name], ",") {
		if v, err := strconv.Atoi(text); err == nil {
			out = append(out, v)
		}
	}
	return out
}

func (n naive) allows(name string, values ...int) bool {
	list := n.list(name)
	return len(list) == 0 || slices.ContainsFunc(values, func(v int) bool { return slices.Contains(list, v) })
}

func (n naive) has(name string) bool { return n.parts[name] != "" }

func midnight(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
}

// week is the first day of a time's week.
func (n naive) week(t time.Time) time.Time {
	first := time.Monday
	if i := slices.Index(weekdayNames, n.parts["WKST"]); i >= 0 {
		first = time.Weekday(i)
	}
	t = midnight(t)
	for t.Weekday() != first {
		t = t.AddDate(0, 0, -1)
	}
	return t
}

// period is the first minute of a time's period, and its number.
func (n naive) period(t time.Time) (time.Time, int) {
	switch n.parts["FREQ"] {
	case "YEARLY":
		return time.Date(t.Year(), 1, 1, 0, 0, 0, 0, time.UTC), t.Year() - n.start.Year()
	case "MONTHLY":
		return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC), 12*(t.Year()-n.start.Year()) + int(t.Month()-n.start.Month())
	case "WEEKLY":
		return n.week(t), int(n.week(t).Sub(n.week(n.start)).Hours()) / 24 / 7
	case "DAILY":
		return midnight(t), int(midnight(t).Sub(midnight(n.start)).Hours()) / 24
	case "HOURLY":
		return t.Truncate(time.Hour), int(t.Truncate(time.Hour).Sub(n.start.Truncate(time.Hour)) / time.Hour)
	}
	return t, int(t.Sub(n.start) / time.Minute)
}

func (n naive) onDay(t time.Time) bool {
	freq := n.parts["FREQ"]
	yearDays := time.Date(t.Year(), 12, 31, 0, 0, 0, 0, time.UTC).YearDay()
	monthDays := time.Date(t.Year(), t.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
	if !n.allows("BYMONTH", int(t.Month())) || !n.allows("BYMONTHDAY", t.Day(), t.Day()-monthDays-1) ||
		!n.allows("BYYEARDAY", t.YearDay(), t.YearDay()-yearDays-1) || n.has("BYWEEKNO") && !n.inWeeks(t) {
		return false
	}
	if n.has("BYDAY") {
		return slices.ContainsFunc(strings.Split(n.parts["BYDAY"], ","), func(word string) bool { return n.isDay(t, word) })
	}
	if n.has("BYMONTHDAY") || n.has("BYYEARDAY") || freq == "DAILY" || freq == "HOURLY" || freq == "MINUTELY" {
		return true
	}
	switch {
	case freq == "WEEKLY" || n.has("BYWEEKNO"):
		return t.Weekday() == n.start.Weekday()
	case freq == "MONTHLY" || n.has("BYMONTH"):
		return t.Day() == n.start.Day()
	}
	return t.Day() == n.start.Day() && t.Month() == n.start.Month()
}

// inWeeks counts a year's weeks from the first that has four of its days.
func (n naive) inWeeks(t time.Time) bool {
	for year := t.Year() - 1; year <= t.Year()+1; year++ {
		var weeks []time.Time
		for w := n.week(time.Date(year, 1, 4, 0, 0, 0, 0, time.UTC)); w.AddDate(0, 0, 3).Year() == year; w = w.AddDate(0, 0, 7) {
			weeks = append(weeks, w)
		}
		i := slices.IndexFunc(weeks, n.week(t).Equal)
		if i >= 0 && n.allows("BYWEEKNO", i+1, i-len(weeks)) {
			return true
		}
	}
	return false
}

func (n naive) isDay(t time.Time, word string) bool {
	name := word[len(word)-2:]
	if weekdayNames[t.Weekday()] != name {
		return false
	}
	if len(word) == 2 {
		return true
	}
	first, last := time.Date(t.Year(), 1, 1, 0, 0, 0, 0, time.UTC), time.Date(t.Year(), 12, 31, 0, 0, 0, 0, time.UTC)
	if n.parts["FREQ"] == "MONTHLY" || n.has("BYMONTH") {
		first, last = time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC), time.Date(t.Year(), t.Month()+1, 0, 0, 0, 0, 0, time.UTC)
	}
	var all []time.Time
	for d := first; !d.After(last); d = d.AddDate(0, 0, 1) {
		if d.Weekday() == t.Weekday() {
			all = append(all, d)
		}
	}
	i := slices.IndexFunc(all, midnight(t).Equal)
	which := word[:len(word)-2]
	return which == strconv.Itoa(i+1) || which == strconv.Itoa(i-len(all))
}

func (n naive) onClock(t time.Time) bool {
	freq := n.parts["FREQ"]
	if !n.allows("BYHOUR", t.Hour()) || !n.allows("BYMINUTE", t.Minute()) {
		return false
	}
	if freq == "MINUTELY" {
		return true
	}
	return (n.has("BYHOUR") || freq == "HOURLY" || t.Hour() == n.start.Hour()) && (n.has("BYMINUTE") || t.Minute() == n.start.Minute())
}

// all lists the occurrences until a time.
func (n naive) all(end time.Time) (out []int64) {
	interval := 1
	if n.has("INTERVAL") {
		interval = n.list("INTERVAL")[0]
	}
	sets := map[time.Time][]int64{}
	var periods []time.Time
	first, _ := n.period(n.start)
	var clock []time.Duration
	for m := range 24 * 60 {
		if span := time.Duration(m) * time.Minute; n.onClock(first.Truncate(24 * time.Hour).Add(span)) {
			clock = append(clock, span)
		}
	}
	for d := midnight(first); !d.After(end.AddDate(0, 0, 7)) || n.parts["FREQ"] == "YEARLY" && d.Year() == end.Year() || n.parts["FREQ"] == "MONTHLY" && d.Month() == end.Month(); d = d.AddDate(0, 0, 1) {
		if !n.onDay(d) {
			continue
		}
		for _, span := range clock {
			t := d.Add(span)
			p, number := n.period(t)
			if number < 0 || number%interval != 0 {
				continue
			}
			if len(sets[p]) == 0 {
				periods = append(periods, p)
			}
			sets[p] = append(sets[p], t.Unix())
		}
	}
	for _, p := range periods {
		for i, t := range sets[p] {
			if t >= n.start.Unix() && t < end.Unix() && (!n.has("BYSETPOS") || n.allows("BYSETPOS", i+1, i-len(sets[p]))) {
				out = append(out, t)
			}
		}
	}
	return out
}

func some(rng *rand.Rand, low, high int, signed bool) string {
	var out []string
	for range 1 + rng.IntN(3) {
		v := low + rng.IntN(high-low+1)
		if signed && rng.IntN(3) == 0 {
			v = -v
		}
		out = append(out, strconv.Itoa(v))
	}
	return strings.Join(out, ",")
}

func randomRRule(rng *rand.Rand) naive {
	freq := frequencies[rng.IntN(len(frequencies))]
	n := naive{map[string]string{"FREQ": freq}, time.Date(2020+rng.IntN(14), time.Month(1+rng.IntN(12)), 1+rng.IntN(31), rng.IntN(24), rng.IntN(60), 0, 0, time.UTC)}
	maybe := func(odds int, name, value string) {
		if rng.IntN(odds) == 0 {
			n.parts[name] = value
		}
	}
	maybe(2, "INTERVAL", strconv.Itoa(1+rng.IntN(map[string]int{"YEARLY": 2, "MONTHLY": 5, "WEEKLY": 5, "DAILY": 9, "HOURLY": 50, "MINUTELY": 3000}[freq])))
	maybe(3, "WKST", weekdayNames[rng.IntN(7)])
	maybe(4, "BYMONTH", some(rng, 1, 12, false))
	if freq == "YEARLY" {
		maybe(3, "BYWEEKNO", some(rng, 1, 53, true))
	}
	if freq != "WEEKLY" {
		maybe(4, "BYMONTHDAY", some(rng, 1, 31, true))
	}
	if freq == "YEARLY" || freq == "HOURLY" || freq == "MINUTELY" {
		maybe(6, "BYYEARDAY", some(rng, 1, 366, true))
	}
	var days []string
	for range 1 + rng.IntN(3) {
		word := weekdayNames[rng.IntN(7)]
		if (freq == "MONTHLY" || freq == "YEARLY") && !n.has("BYWEEKNO") && rng.IntN(2) == 0 {
			word = strconv.Itoa([]int{1, 2, 3, 4, 5, -1, -2, -5}[rng.IntN(8)]) + word
		}
		days = append(days, word)
	}
	maybe(2, "BYDAY", strings.Join(days, ","))
	maybe(3, "BYHOUR", some(rng, 0, 23, false))
	maybe(3, "BYMINUTE", some(rng, 0, 59, false))
	if len(n.parts) > 3 && (n.has("BYDAY") || n.has("BYHOUR")) {
		maybe(4, "BYSETPOS", some(rng, 1, 4, true))
	}
	return n
}

func TestRRuleAgainstAReference(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 5))
	compared, rules := 0, 0
	for range 150 {
		n := randomRRule(rng)
		var words []string
		for name, value := range n.parts {
			words = append(words, name+"="+value)
		}
		text := strings.Join(words, ";")
		end := n.start.AddDate(2, 0, 0)
		want := n.all(end)
		r, err := RRule(text, n.start, time.UTC)
		if err != nil {
			if len(want) > 0 {
				t.Fatalf("seed %d: %s from %s: %v; but there is %s", seed, text, n.start, err, format(want[:1]))
			}
			continue
		}
		rules++
		compared += agree(t, rng, fmt.Sprintf("seed %d: %s from %s", seed, text, n.start), r, want, n.start.Unix(), end.Unix())
	}
	if rules < 50 || compared < 5000 {
		t.Errorf("only %d rules with %d occurrences", rules, compared)
	}
}

// agree compares all occurrences in a range, those after some instants, and runs.
func agree(t *testing.T, rng *rand.Rand, what string, r *Rule, want []int64, from, end int64) int {
	t.Helper()
	i := 0
	for at := from; ; i++ {
		next, _, ok := r.Next(at, end, 0)
		if !ok {
			break
		}
		if i >= len(want) || next != want[i] {
			t.Fatalf("%s: the %d. is %s, the reference says %s", what, i+1, format([]int64{next}), format(want[min(i, len(want)):min(i+1, len(want))]))
		}
		at = next + 1
	}
	if i != len(want) {
		t.Fatalf("%s: %d, the reference has %d, next %s", what, i, len(want), format(want[i:i+1]))
	}
	for range 50 {
		at := from + rng.Int64N(end-from)
		i, _ := slices.BinarySearch(want, at)
		next, _, ok := r.Next(at, end, 0)
		if ok != (i < len(want)) || ok && next != want[i] {
			t.Fatalf("%s: after %s it is %s, %t", what, format([]int64{at}), format([]int64{next}), ok)
		}
	}
	gap := int64(rng.IntN(3 * hour))
	i = 0
	for at := from; i < len(want); {
		first, last, ok := r.Next(at, end, gap)
		if !ok || first != want[i] {
			t.Fatalf("%s: the run from %s on begins with %s", what, format([]int64{at}), format([]int64{first}))
		}
		for i++; i < len(want) && want[i] <= last; i++ {
			if want[i]-want[i-1] > gap {
				t.Fatalf("%s: the run from %s to %s has a gap", what, format([]int64{first}), format([]int64{last}))
			}
		}
		if want[i-1] != last && last < end {
			t.Fatalf("%s: a run ends with %s", what, format([]int64{last}))
		}
		at = last + 1
	}
	return len(want)
}

// randomField writes a field, and says which values are meant and whether it is a star.
func randomField(rng *rand.Rand, f field) (text string, values []bool, star bool) {
	values = make([]bool, f.high+1)
	set := func(low, high, step int) {
		for v := low; v <= high; v += step {
			values[v] = true
		}
	}
	name := func(v int) string {
		if len(f.names) > 0 && rng.IntN(2) == 0 {
			return strings.ToUpper(f.names[v-f.low])
		}
		return strconv.Itoa(v)
	}
	var parts []string
	for range 1 + rng.IntN(2) {
		low := f.low + rng.IntN(f.high-f.low+1)
		high, step := low+rng.IntN(f.high-low+1), 1+rng.IntN(6)
		switch rng.IntN(6) {
		case 0:
			parts, star = append(parts, "*"), true
			set(f.low, f.high, 1)
		case 1:
			parts, star = append(parts, "*/"+strconv.Itoa(step)), star || step == 1
			set(f.low, f.high, step)
		case 2:
			parts = append(parts, name(low)+"/"+strconv.Itoa(step))
			set(low, f.high, step)
		case 3:
			parts = append(parts, name(low)+"-"+name(high)+"/"+strconv.Itoa(step))
			set(low, high, step)
		default:
			parts = append(parts, name(low))
			set(low, low, 1)
		}
	}
	return strings.Join(parts, ","), values, star
}

func TestCronAgainstAReference(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 6))
	compared := 0
	for range 100 {
		var texts [5]string
		var values [5][]bool
		var stars [5]bool
		for i, f := range fields {
			texts[i], values[i], stars[i] = randomField(rng, f)
		}
		text := strings.Join(texts[:], " ")
		from := time.Date(2020+rng.IntN(16), time.Month(1+rng.IntN(12)), 1, 0, 0, 0, 0, time.UTC)
		end := from.AddDate(0, 4, 0)
		var want []int64
		for at := from; at.Before(end); at = at.Add(time.Minute) {
			byDay, byWeek := values[2][at.Day()], values[4][at.Weekday()]
			days := byDay && byWeek
			if !stars[2] && !stars[4] {
				days = byDay || byWeek
			}
			if days && values[0][at.Minute()] && values[1][at.Hour()] && values[3][at.Month()] {
				want = append(want, at.Unix())
			}
		}
		r, err := Cron(text)
		if err != nil {
			if len(want) > 0 {
				t.Fatalf("seed %d: %s: %v", seed, text, err)
			}
			continue
		}
		compared += agree(t, rng, fmt.Sprintf("seed %d: %s", seed, text), r, want, from.Unix(), end.Unix())
	}
	if compared < 5000 {
		t.Errorf("only %d occurrences", compared)
	}
}

// Every day of 400 years, which is when the calendar repeats, and some before.
func TestDates(t *testing.T) {
	for at := time.Date(1899, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() < 2301; at = at.AddDate(0, 0, 1) {
		d := dateOf(at.Unix() / day)
		if at.Unix() < 0 {
			d = dateOf(floor(at.Unix(), day) / day)
		}
		length := time.Date(at.Year(), at.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
		if d.year != at.Year() || d.month != int(at.Month()) || d.dayOfMonth != at.Day() || d.dayOfYear != at.YearDay() ||
			d.weekday != int(at.Weekday()) || d.monthLength != length {
			t.Fatalf("%s: %+v", at, d)
		}
	}
}

func BenchmarkNext(b *testing.B) {
	start := time.Date(2020, 1, 1, 22, 0, 0, 0, time.UTC)
	for _, text := range []string{
		"FREQ=DAILY", "FREQ=WEEKLY;INTERVAL=2;BYDAY=FR", "FREQ=MONTHLY;BYDAY=-1FR", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
		"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "FREQ=YEARLY;BYWEEKNO=53", "FREQ=MINUTELY;INTERVAL=7",
	} {
		r, err := RRule(text, start, time.UTC)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(text, func(b *testing.B) { benchNext(b, r) })
	}
	for _, text := range []string{"0 22 * * 5", "*/5 * * * *", "0 0 29 2 *"} {
		r, err := Cron(text)
		if err != nil {
			b.Fatal(err)
		}
		b.Run("cron "+text, func(b *testing.B) { benchNext(b, r) })
	}
}

func benchNext(b *testing.B, r *Rule) {
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC).Unix()
	for b.Loop() {
		r.Next(at, at+366*day, hour)
		at += 7919
	}
}
