package when

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// reading is what was read of an absolute time so far.
type reading struct {
	now          bool
	dated, timed bool
	relative     bool // today, tomorrow: day may be beyond its month
	weekday      int  // -1: none was named
	year         int  // 0: none was named
	month        time.Month
	day          int
	clock        int // seconds after midnight
	zone         *time.Location
	begun        bool
}

// take reads from the begin of words and reports how many it took; none, if
// they make no sense here.
func (r *reading) take(words []string, now time.Time) (int, error) {
	if !r.begun {
		r.begun, r.weekday = true, -1
	}
	if r.now {
		return 0, nil
	}
	if !r.dated {
		if n, err := r.date(words, now); n > 0 || err != nil {
			return n, err
		}
	}
	if !r.timed {
		if n, err := r.time(words); n > 0 || err != nil {
			return n, err
		}
	}
	if r.zone == nil {
		if zone, ok := offset(words[0]); ok {
			r.zone = zone
			return 1, nil
		}
	}
	return 0, nil
}

// date reads a date in one of its forms.
func (r *reading) date(words []string, now time.Time) (int, error) {
	w := words[0]
	ahead := map[string]int{"today": 0, "tomorrow": 1, "yesterday": -1}
	if days, ok := ahead[w]; ok {
		y, m, d := now.Date()
		r.dated, r.relative, r.year, r.month, r.day = true, true, y, m, d+days
		return 1, nil
	}
	if w == "now" && !r.timed {
		r.now = true
		return 1, nil
	}
	if day, ok := weekday(w); ok {
		r.dated, r.weekday = true, day
		return 1, r.andDate(words[1:])
	}
	for i, c := range w {
		if c == 't' && i == len("2006-01-02") { // 2026-12-24t09:30:00+01:00
			if n, err := r.iso(w[:i]); n == 0 || err != nil {
				return n, err
			}
			rest := w[i+1:]
			cut := strings.IndexAny(rest, "z+-")
			if cut < 0 {
				cut = len(rest)
			}
			if n, err := r.time([]string{rest[:cut]}); n == 0 || err != nil {
				return n, err
			}
			if zone, ok := offset(rest[cut:]); ok {
				r.zone = zone
			} else if rest[cut:] != "" {
				return 0, nil
			}
			return 1, nil
		}
	}
	if n, err := r.iso(w); n > 0 || err != nil {
		return n, err
	}
	return r.named(words)
}

// andDate lets a weekday stand in front of a date, which then counts: the
// weekday of "thu 24 dec" says nothing new.
func (r *reading) andDate(words []string) error {
	if len(words) == 0 {
		return nil
	}
	probe := reading{weekday: -1, begun: true}
	n, err := probe.iso(words[0])
	if n == 0 && err == nil {
		n, err = probe.named(words)
	}
	if n > 0 && err == nil {
		r.dated, r.weekday = false, -1
	}
	return err
}

// iso reads 2026-12-24 and 24.12.2026, of which the year may be missing.
func (r *reading) iso(w string) (int, error) {
	var parts []string
	switch {
	case strings.Count(w, "-") == 2:
		parts = strings.Split(w, "-")
	case strings.Count(w, ".") == 2:
		parts = strings.Split(w, ".")
		parts[0], parts[2] = parts[2], parts[0]
	default:
		return 0, nil
	}
	year, month, day := 0, number(parts[1], 2), number(parts[2], 2)
	if parts[0] != "" || strings.Contains(w, "-") {
		if year = number(parts[0], 4); year < 1 || len(parts[0]) != 4 {
			return 0, nil
		}
	}
	if month < 0 || day < 0 {
		return 0, nil
	}
	return 1, r.setDate(year, time.Month(month), day, w)
}

// named reads "24 dec" and "dec 24", with or without a year.
func (r *reading) named(words []string) (int, error) {
	if len(words) < 2 {
		return 0, nil
	}
	m, ok := month(words[0])
	d := dayNumber(words[1])
	if !ok {
		m, ok = month(words[1])
		d = dayNumber(words[0])
	}
	if !ok || d < 0 {
		return 0, nil
	}
	n, year := 2, 0
	if len(words) > 2 && len(words[2]) == 4 {
		if y := number(words[2], 4); y > 0 {
			n, year = 3, y
		}
	}
	return n, r.setDate(year, m, d, strings.Join(words[:n], " "))
}

func (r *reading) setDate(year int, m time.Month, d int, text string) error {
	leap := year
	if year == 0 {
		leap = 2000 // the next 29 February is looked for later
	}
	if m < 1 || m > 12 || !exists(leap, m, d) {
		return fmt.Errorf("there is no date %s", text)
	}
	r.dated, r.year, r.month, r.day = true, year, m, d
	return nil
}

// time reads a time of day: 9:30, 09:30:15, 9am, 9:30 pm, noon, midnight.
func (r *reading) time(words []string) (int, error) {
	w := words[0]
	if at, ok := map[string]int{"noon": 12 * 3600, "midnight": 0}[w]; ok {
		r.timed, r.clock = true, at
		return 1, nil
	}
	n, half := 1, ""
	for _, suffix := range []string{"am", "pm"} {
		if cut, ok := strings.CutSuffix(w, suffix); ok {
			w, half = cut, suffix
		} else if len(words) > 1 && words[1] == suffix {
			n, half = 2, suffix
		}
	}
	parts := strings.Split(w, ":")
	if len(parts) > 3 || len(parts) == 1 && half == "" {
		return 0, nil
	}
	var at [3]int
	for i, p := range parts {
		if at[i] = number(p, 2); at[i] < 0 || i > 0 && len(p) != 2 {
			return 0, nil
		}
	}
	last := 24
	if half != "" {
		last = 12
		if at[0] < 1 {
			return 0, fmt.Errorf("%s is no time of day", strings.Join(words[:n], " "))
		}
	}
	clock := at[0]*3600 + at[1]*60 + at[2]
	if at[0] > last || at[1] > 59 || at[2] > 59 || clock > 24*3600 {
		return 0, fmt.Errorf("%s is no time of day", strings.Join(words[:n], " "))
	}
	if half != "" {
		clock -= at[0] / 12 * 12 * 3600 // 12 am is midnight
		if half == "pm" {
			clock += 12 * 3600
		}
	}
	r.timed, r.clock = true, clock
	return n, nil
}

// offset reads "utc", "z" and "+01:00".
func offset(w string) (*time.Location, bool) {
	if w == "utc" || w == "z" || w == "gmt" {
		return time.UTC, true
	}
	t, err := time.Parse("-07:00", w)
	if err != nil {
		return nil, false
	}
	_, seconds := t.Zone()
	return time.FixedZone(w, seconds), true
}

// distance is a time from now.
type distance struct {
	days    int
	elapsed time.Duration
}

// after counts days on the calendar, so that the hour stays, and the rest on
// the clock.
func (d distance) after(t time.Time) time.Time {
	y, m, day := t.Date()
	if d.days != 0 {
		moved := onWall(y, m, day+d.days, t.Hour()*3600+t.Minute()*60+t.Second(), t.Location()).At
		t = moved
	}
	return t.Add(d.elapsed)
}

// most is how much of a unit can be asked for: enough for ten thousand years
// of days, and little enough to count with.
const most = 4_000_000

// relative reads "+3h", "+1d 12h", "-30m", "in 3 hours", "2 days ago".
func relative(words []string) (d distance, ok bool, err error) {
	sign := 0
	text := strings.Join(words, " ")
	if rest, cut := strings.CutPrefix(text, "+"); cut {
		sign, text = 1, rest
	} else if rest, cut := strings.CutPrefix(text, "in "); cut {
		sign, text = 1, rest
	} else if rest, cut := strings.CutSuffix(text, " ago"); cut {
		sign, text = -1, rest
	} else if rest, cut := strings.CutPrefix(text, "-"); cut {
		sign, text = -1, rest
	}
	if sign == 0 {
		return d, false, nil
	}
	if text = strings.ReplaceAll(text, " ", ""); text == "" {
		return d, true, errEmpty
	}
	for text != "" {
		digits := len(text) - len(strings.TrimLeft(text, "0123456789"))
		letters := len(text[digits:]) - len(strings.TrimLeft(text[digits:], "abcdefghijklmnopqrstuvwxyz"))
		n, unit := number(text[:digits], 7), text[digits:digits+letters]
		if n < 0 || unit == "" {
			return d, true, fmt.Errorf("%q is no length of time; try +90m, +3h, +2d or +1w", strings.Join(words, " "))
		}
		if n > most {
			return d, true, fmt.Errorf("%s is too far away", strings.Join(words, " "))
		}
		switch unit {
		case "m", "min", "mins", "minute", "minutes":
			d.elapsed += time.Duration(sign*n) * time.Minute
		case "h", "hr", "hrs", "hour", "hours":
			d.elapsed += time.Duration(sign*n) * time.Hour
		case "d", "day", "days":
			d.days += sign * n
		case "w", "week", "weeks":
			d.days += sign * n * 7
		default:
			return d, true, fmt.Errorf("%q is no unit of time; there are m, h, d and w", unit)
		}
		if d.elapsed.Abs() > math.MaxInt64/2 || max(d.days, -d.days) > most {
			return d, true, fmt.Errorf("%s is too far away", strings.Join(words, " "))
		}
		text = text[digits+letters:]
	}
	return d, true, nil
}

// number reads digits, at most n of them; -1: it is something else.
func number(s string, n int) int {
	if s == "" || len(s) > n || strings.Trim(s, "0123456789") != "" {
		return -1
	}
	v, err := strconv.Atoi(s)
	if err != nil {
		return -1
	}
	return v
}

// dayNumber reads 24, 24th and 24.
func dayNumber(w string) int {
	for _, suffix := range []string{"st", "nd", "rd", "th", "."} {
		w = strings.TrimSuffix(w, suffix)
	}
	return number(w, 2)
}

// weekday reads the name of a day, or three and more of its letters.
func weekday(w string) (int, bool) {
	for d := time.Sunday; d <= time.Saturday; d++ {
		if named(w, d.String()) {
			return int(d), true
		}
	}
	return 0, false
}

func month(w string) (time.Month, bool) {
	for m := time.January; m <= time.December; m++ {
		if named(strings.TrimSuffix(w, "."), m.String()) {
			return m, true
		}
	}
	return 0, false
}

func named(w, name string) bool {
	return len(w) >= 3 && strings.HasPrefix(strings.ToLower(name), w)
}
