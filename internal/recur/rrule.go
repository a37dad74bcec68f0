package recur

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

var frequencies = []string{"YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY"}

var weekdayNames = []string{"SU", "MO", "TU", "WE", "TH", "FR", "SA"}

const (
	maxInterval = 1000000
	// maxCount bounds what has to be counted once, when the rule is read.
	maxCount = 1000
	// never is how long a rule may take to its first occurrence: 29 February on
	// a certain weekday comes every 40 years at most.
	never        = 50 * 366 * day
	neverMinutes = leapDays
)

// RRule reads a recurrence rule of RFC 5545, without seconds. Start is DTSTART:
// what its date and its clock show is where the rule begins, and tells what the
// rule leaves open. It is an occurrence only where the rule says so. An UNTIL
// with a Z is what the clock in loc shows then.
func RRule(text string, start time.Time, loc *time.Location) (*Rule, error) {
	r := &Rule{text: strings.ToUpper(strings.TrimSpace(text)), interval: 1, weekStart: int(time.Monday), until: lastWall}
	r.start = wallOf(start)
	if start.Year() < 1 || start.Year() > 9999 || mod(r.start, minute) != 0 {
		return nil, errors.New("the start has to be a whole minute of the years 1 to 9999")
	}
	r.begin = dateOf(floor(r.start, day) / day)
	p := parts{}
	if err := p.split(strings.TrimPrefix(r.text, "RRULE:")); err != nil {
		return nil, err
	}
	for _, read := range []func(*Rule, parts, *time.Location) error{readFrequency, readEnd, readDays, readTimes} {
		if err := read(r, p, loc); err != nil {
			return nil, err
		}
	}
	r.complete(p)
	return r, r.bound(p)
}

func wallOf(t time.Time) int64 {
	y, m, d := t.Date()
	return time.Date(y, m, d, t.Hour(), t.Minute(), t.Second(), 0, time.UTC).Unix()
}

// parts are the values of a rule by their names.
type parts map[string]string

func (p parts) has(name string) bool { _, there := p[name]; return there }

func (p parts) any(names ...string) bool { return slices.ContainsFunc(names, p.has) }

var partNames = []string{
	"FREQ", "UNTIL", "COUNT", "INTERVAL", "BYMINUTE", "BYHOUR", "BYDAY", "BYMONTHDAY",
	"BYYEARDAY", "BYWEEKNO", "BYMONTH", "BYSETPOS", "WKST",
}

func (p parts) split(text string) error {
	for _, part := range strings.Split(text, ";") {
		name, value, ok := strings.Cut(part, "=")
		switch {
		case !ok || value == "":
			return fmt.Errorf("%s is not NAME=VALUE; the parts are joined by semicolons, as in FREQ=WEEKLY;BYDAY=FR", strconv.Quote(part))
		case name == "BYSECOND" || name == "FREQ" && value == "SECONDLY":
			return fmt.Errorf("%s: only whole minutes count", part)
		case !slices.Contains(partNames, name):
			return fmt.Errorf("%s is unknown; the parts are %s", strconv.Quote(name), strings.Join(partNames, ", "))
		case p.has(name):
			return fmt.Errorf("%s is there twice", name)
		}
		p[name] = value
	}
	return nil
}

// numbers reads a list of numbers from low to high; signed ones may be negative.
func (p parts) numbers(name string, low, high int, signed bool) ([]int, error) {
	if !p.has(name) {
		return nil, nil
	}
	var out []int
	for _, text := range strings.Split(p[name], ",") {
		n, err := strconv.Atoi(text)
		size := n
		if signed && n < 0 {
			size = -n
		}
		if err != nil || size < low || size > high {
			hint := ""
			if signed {
				hint = fmt.Sprintf(", or from -%d to -%d", low, high)
			}
			return nil, fmt.Errorf("%s: %s is not a number from %d to %d%s", name, strconv.Quote(text), low, high, hint)
		}
		out = append(out, n)
	}
	return out, nil
}

func readFrequency(r *Rule, p parts, _ *time.Location) error {
	i := slices.Index(frequencies, p["FREQ"])
	if i < 0 {
		return fmt.Errorf("FREQ has to be one of %s", strings.Join(frequencies, ", "))
	}
	r.freq = frequency(i)
	list, err := p.numbers("INTERVAL", 1, maxInterval, false)
	if err != nil || len(list) > 1 {
		return fmt.Errorf("INTERVAL has to be a number from 1 to %d", maxInterval)
	}
	if len(list) == 1 {
		r.interval = int64(list[0])
	}
	if p.has("WKST") {
		if r.weekStart = slices.Index(weekdayNames, p["WKST"]); r.weekStart < 0 {
			return fmt.Errorf("WKST has to be one of %s", strings.Join(weekdayNames, ", "))
		}
	}
	return nil
}

func readEnd(r *Rule, p parts, loc *time.Location) error {
	if !p.has("UNTIL") {
		return nil
	}
	if p.has("COUNT") {
		return errors.New("it has both COUNT and UNTIL: leave one out")
	}
	text := p["UNTIL"]
	if t, err := time.Parse("20060102", text); err == nil {
		r.until = wallOf(t) + day - 1 // the day is included
	} else if t, err := time.Parse("20060102T150405", text); err == nil {
		r.until = wallOf(t)
	} else if t, err := time.Parse("20060102T150405Z", text); err == nil {
		r.until = wallOf(t.In(loc))
	} else {
		return fmt.Errorf("UNTIL=%s is neither a date such as 20261231 nor a time such as 20261231T180000", text)
	}
	if r.until < r.start {
		return fmt.Errorf("UNTIL=%s is before the start", text)
	}
	return nil
}

// misplaced are parts that make no sense with some frequencies.
var misplaced = []struct {
	name string
	with []frequency
}{
	{"BYWEEKNO", []frequency{monthly, weekly, daily, hourly, minutely}},
	{"BYYEARDAY", []frequency{monthly, weekly, daily}},
	{"BYMONTHDAY", []frequency{weekly}},
}

func readDays(r *Rule, p parts, _ *time.Location) error {
	for _, m := range misplaced {
		if p.has(m.name) && slices.Contains(m.with, r.freq) {
			return fmt.Errorf("%s cannot be with FREQ=%s", m.name, frequencies[r.freq])
		}
	}
	months, err := p.numbers("BYMONTH", 1, 12, false)
	if err != nil {
		return err
	}
	for _, m := range months {
		r.months |= 1 << m
	}
	monthDays, err := p.numbers("BYMONTHDAY", 1, 31, true)
	if err != nil {
		return err
	}
	for _, d := range monthDays {
		if d > 0 {
			r.monthDays |= 1 << d
		} else {
			r.monthEnds |= 1 << -d
		}
	}
	if r.yearDays, err = p.numbers("BYYEARDAY", 1, 366, true); err != nil {
		return err
	}
	if r.weeks, err = p.numbers("BYWEEKNO", 1, 53, true); err != nil {
		return err
	}
	return r.readWeekdays(p)
}

// readWeekdays reads BYDAY, such as MO, 2TU or -1FR.
func (r *Rule) readWeekdays(p parts) error {
	if !p.has("BYDAY") {
		return nil
	}
	// Within the months of a year, the n-th is that of the month.
	r.nthInYear = r.freq == yearly && !p.has("BYMONTH")
	most := 5
	if r.nthInYear {
		most = 53
	}
	for _, text := range strings.Split(p["BYDAY"], ",") {
		number, name := "", text
		if len(text) > 2 {
			number, name = text[:len(text)-2], text[len(text)-2:]
		}
		d := slices.Index(weekdayNames, name)
		if d < 0 {
			return fmt.Errorf("BYDAY: %s is not a day such as MO, 2TU or -1FR", strconv.Quote(text))
		}
		if number == "" {
			r.weekdays |= 1 << d
			continue
		}
		n, err := strconv.Atoi(number)
		if err != nil || n == 0 || n > most || n < -most {
			return fmt.Errorf("BYDAY: %s is not from 1 to %d or from -%d to -1", strconv.Quote(text), most, most)
		}
		if r.freq > monthly || p.has("BYWEEKNO") {
			return fmt.Errorf("BYDAY: %s, which counts the days of a month or a year, needs FREQ=MONTHLY or YEARLY, and no BYWEEKNO", strconv.Quote(text))
		}
		r.nth = append(r.nth, nth{d, n})
	}
	return nil
}

func readTimes(r *Rule, p parts, _ *time.Location) error {
	hours, err := p.numbers("BYHOUR", 0, 23, false)
	if err != nil {
		return err
	}
	minutes, err := p.numbers("BYMINUTE", 0, 59, false)
	if err != nil {
		return err
	}
	if r.setPos, err = p.numbers("BYSETPOS", 1, 366, true); err != nil {
		return err
	}
	if p.has("BYSETPOS") && !p.any("BYMINUTE", "BYHOUR", "BYDAY", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYMONTH") {
		return errors.New("BYSETPOS chooses among what another BY part gives, and there is none")
	}
	for _, h := range hours {
		r.hours |= 1 << h
	}
	if r.freq == minutely {
		for _, m := range minutes {
			r.minutes |= 1 << m
		}
		if p.has("BYSETPOS") && len(pick([]int{0}, r.setPos)) == 0 {
			return errors.New("BYSETPOS: a period of a minute has one time only, so it never comes")
		}
		r.setPos = nil
		return nil
	}
	if len(minutes) == 0 {
		minutes = []int{int(mod(r.start, hour) / minute)}
	}
	if len(hours) == 0 {
		hours = []int{int(mod(r.start, day) / hour)}
	}
	if r.dayTimes(hours, minutes); r.setPos != nil && len(r.times) > maxTimes {
		return fmt.Errorf("BYSETPOS cannot choose among more than %d times of a day", maxTimes)
	}
	return nil
}

// dayTimes sets the times of a day, or the minutes of an hour. Where all
// periods have the same, a position in them is one of these.
func (r *Rule) dayTimes(hours, minutes []int) {
	slices.Sort(hours)
	slices.Sort(minutes)
	hours, minutes = slices.Compact(hours), slices.Compact(minutes)
	if r.freq == hourly {
		if r.setPos != nil {
			minutes, r.setPos = pick(minutes, r.setPos), nil
		}
		for _, m := range minutes {
			r.minutes |= 1 << m
		}
		return
	}
	for _, h := range hours {
		for _, m := range minutes {
			r.times = append(r.times, int64(h)*hour+int64(m)*minute)
		}
	}
	if r.freq == daily && r.setPos != nil {
		r.times, r.setPos = pick(r.times, r.setPos), nil
	}
	r.gap = widest(r.times)
}

// maxTimes bounds how many times of a day there are to choose positions from.
const maxTimes = 24

// complete takes from the start what the rule does not say.
func (r *Rule) complete(p parts) {
	start := r.begin
	if p.any("BYDAY", "BYMONTHDAY", "BYYEARDAY") {
		return
	}
	switch {
	case r.freq == weekly, r.freq == yearly && p.has("BYWEEKNO"):
		r.weekdays = 1 << start.weekday
	case r.freq == monthly, r.freq == yearly && p.has("BYMONTH"):
		r.monthDays = 1 << start.dayOfMonth
	case r.freq == yearly:
		r.months, r.monthDays = 1<<start.month, 1<<start.dayOfMonth
	}
}

// bound refuses a rule that never comes, and turns its count into an end.
func (r *Rule) bound(p parts) error {
	limit := r.start + never
	if r.freq == minutely {
		limit = r.start + neverMinutes
	}
	if _, _, ok := r.Next(r.start, limit, 0); !ok {
		return errors.New("it never comes: no day and time is all that it asks for")
	}
	if !p.has("COUNT") {
		return nil
	}
	count, err := p.numbers("COUNT", 1, maxCount, false)
	if err != nil || len(count) != 1 {
		return fmt.Errorf("COUNT has to be a number from 1 to %d; for more, write UNTIL", maxCount)
	}
	last := r.start - 1
	for range count[0] {
		next, _, ok := r.Next(last+1, lastWall, 0)
		if !ok {
			break
		}
		last = next
	}
	r.until = last
	return nil
}
