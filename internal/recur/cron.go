package recur

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// macros are the names that stand for schedules.
var macros = map[string]string{
	"@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *",
	"@weekly": "0 0 * * 0", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}

// field is one of the five.
type field struct {
	name      string
	low, high int
	names     []string // of low and those after it
}

var fields = [...]field{
	{name: "minute", high: 59},
	{name: "hour", high: 23},
	{name: "day of the month", low: 1, high: 31},
	{name: "month", low: 1, high: 12, names: []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}},
	{name: "day of the week", high: 6, names: []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}},
}

// leapDays is how far apart two 29ths of February are at most.
const leapDays = 8 * 366 * day

// Cron reads a schedule of five fields (minute, hour, day of the month, month,
// day of the week) or a name such as @daily, as Argo CD's sync windows take
// them. Where both kinds of day are restricted, either is enough; and "*/2" is
// a restriction, as it is there.
func Cron(text string) (*Rule, error) {
	schedule := strings.TrimSpace(text)
	if strings.HasPrefix(schedule, "@") {
		named, known := macros[schedule]
		if !known {
			return nil, fmt.Errorf("%s is not one of @yearly, @monthly, @weekly, @daily and @hourly", strconv.Quote(schedule))
		}
		schedule = named
	}
	if strings.HasPrefix(schedule, "TZ=") || strings.HasPrefix(schedule, "CRON_TZ=") {
		return nil, errors.New("a time zone cannot be part of it: that is timeZone")
	}
	parts := strings.Fields(schedule)
	if len(parts) != len(fields) {
		return nil, fmt.Errorf("it has %d of the five fields minute, hour, day of the month, month, day of the week", len(parts))
	}
	var bits [len(fields)]uint64
	var all [len(fields)]bool
	for i, f := range fields {
		var err error
		if bits[i], all[i], err = f.read(parts[i]); err != nil {
			return nil, err
		}
	}
	r := &Rule{text: strings.Join(strings.Fields(text), " "), cron: true, freq: daily, interval: 1, start: firstWall, until: lastWall}
	for h := range int64(24) {
		for m := range int64(60) {
			if bits[1]>>h&1 == 1 && bits[0]>>m&1 == 1 {
				r.times = append(r.times, h*hour+m*minute)
			}
		}
	}
	r.gap = widest(r.times)
	// A star is "all", also beside others; without one, all values are a restriction still.
	if !all[2] {
		r.monthDays = uint32(bits[2])
	}
	if bits[3] != full(1, 12) {
		r.months = uint32(bits[3])
	}
	if !all[4] {
		r.weekdays = uint32(bits[4])
	}
	r.eitherDays = r.monthDays != 0 && r.weekdays != 0
	// The calendar repeats: what does not come from one leap day to the next never does.
	if _, _, ok := r.Next(0, leapDays, 0); !ok {
		return nil, errors.New("it never comes: no such month has such a day")
	}
	return r, nil
}

// read reads a list of values, ranges and steps. All tells a star.
func (f field) read(text string) (bits uint64, all bool, err error) {
	for _, part := range strings.Split(text, ",") {
		span, stepText, stepped := strings.Cut(part, "/")
		step := 1
		if stepped {
			if step, err = strconv.Atoi(stepText); err != nil || step < 1 || step > 100 {
				return 0, false, fmt.Errorf("%s %s: the step %s is not a number from 1 on", f.name, strconv.Quote(text), strconv.Quote(stepText))
			}
		}
		fromText, toText, ranged := strings.Cut(span, "-")
		from, to := f.low, f.high
		if span == "*" || span == "?" {
			all = all || step == 1
		} else {
			if from, err = f.value(fromText, text); err != nil {
				return 0, false, err
			}
			switch {
			case ranged:
				if to, err = f.value(toText, text); err != nil {
					return 0, false, err
				}
			case !stepped:
				to = from
			}
		}
		if from > to {
			return 0, false, fmt.Errorf("%s %s: %s is after %s: write two ranges with a comma", f.name, strconv.Quote(text), fromText, toText)
		}
		for v := from; v <= to; v += step {
			bits |= 1 << v
		}
	}
	return bits, all, nil
}

// value reads a number or a name.
func (f field) value(text, whole string) (int, error) {
	if i := slices.Index(f.names, strings.ToLower(text)); i >= 0 {
		return f.low + i, nil
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || int(n) < f.low || int(n) > f.high {
		hint := fmt.Sprintf("from %d to %d", f.low, f.high)
		if len(f.names) > 0 {
			hint += ", or from " + f.names[0] + " to " + f.names[len(f.names)-1]
		}
		return 0, fmt.Errorf("%s %s: %s is not %s", f.name, strconv.Quote(whole), strconv.Quote(text), hint)
	}
	return int(n), nil
}

// full has the bits from one to another.
func full(low, high int) (bits uint64) {
	for i := low; i <= high; i++ {
		bits |= 1 << i
	}
	return bits
}

// widest is the longest time between two that follow each other.
func widest(times []int64) (gap int64) {
	for i := 1; i < len(times); i++ {
		gap = max(gap, times[i]-times[i-1])
	}
	return gap
}
