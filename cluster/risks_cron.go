package cluster

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// judgeCronJob judges a CronJob that begins to run, or to run at other times.
func (o *riskObject) judgeCronJob(now time.Time) {
	if !o.is("batch", "CronJob") || o.after == nil {
		return
	}
	old, new := mapAt(o.before, "spec"), mapAt(o.after, "spec")
	if new["suspend"] == true {
		return
	}
	if old["suspend"] == true {
		o.warn(riskCronResumed, "%s is no longer suspended, schedule %s%s", o.name(), cronText(new), nextRun(new, now))
	}
	if o.before != nil && (old["schedule"] != new["schedule"] || old["timeZone"] != new["timeZone"]) {
		o.info(riskCronSchedule, "%s runs by schedule %s instead of %s%s", o.name(), cronText(new), cronText(old), nextRun(new, now))
	}
}

func cronText(spec map[string]any) string {
	text := strconv.Quote(plainLine(textAt(spec, "schedule"), 60))
	if zone := textAt(spec, "timeZone"); zone != "" {
		text += " " + plainLine(zone, 40)
	}
	return text
}

// nextRun says when a CronJob runs next. Without a time zone that is by the
// clock of the controller, which is not known: UTC is said then.
func nextRun(spec map[string]any, now time.Time) string {
	zone, err := time.LoadLocation(textAt(spec, "timeZone")) // UTC for ""
	if err != nil || now.IsZero() {
		return ""
	}
	next, ok := nextCron(textAt(spec, "schedule"), now.In(zone))
	if !ok {
		return ""
	}
	text := ", next at " + next.Format("2006-01-02 15:04 MST")
	if textAt(spec, "timeZone") == "" {
		text += " if the controller's clock is UTC"
	}
	return text
}

// cronMacros are the names that stand for schedules.
var cronMacros = map[string]string{
	"@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *",
	"@weekly": "0 0 * * 0", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}

// cronFields are the bounds and names of a schedule's five fields.
var cronFields = [5]struct {
	low, high int
	names     []string
}{
	{low: 0, high: 59}, {low: 0, high: 23}, {low: 1, high: 31},
	{low: 1, high: 12, names: []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}},
	{low: 0, high: 6, names: []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}},
}

// nextCron is the first time after now that a schedule names, in now's zone.
// ok is false for a schedule it does not understand, or that never comes.
func nextCron(schedule string, now time.Time) (next time.Time, ok bool) {
	if macro, known := cronMacros[schedule]; known {
		schedule = macro
	}
	parts := strings.Fields(schedule)
	if len(parts) != len(cronFields) {
		return next, false
	}
	var sets [5][]int
	for i := range cronFields {
		if sets[i] = cronSet(parts[i], i); sets[i] == nil {
			return next, false
		}
	}
	// A day counts when both fields for days do, or either where both are set.
	anyDay, anyWeekday := parts[2][0] == '*' || parts[2] == "?", parts[4][0] == '*' || parts[4] == "?"
	const horizon = 8 * 366 // the 29th of February may be eight years away
	day := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location())
	for range horizon {
		byDay, byWeekday := slices.Contains(sets[2], day.Day()), slices.Contains(sets[4], int(day.Weekday()))
		matches := byDay && byWeekday
		if !anyDay && !anyWeekday {
			matches = byDay || byWeekday
		}
		if matches && slices.Contains(sets[3], int(day.Month())) {
			for _, hour := range sets[1] {
				for _, minute := range sets[0] {
					t := time.Date(day.Year(), day.Month(), day.Day(), hour, minute, 0, 0, day.Location())
					if t.After(now) && t.Hour() == hour { // not in the hour that summer time skips
						return t, true
					}
				}
			}
		}
		day = time.Date(day.Year(), day.Month(), day.Day()+1, 0, 0, 0, 0, day.Location())
	}
	return next, false
}

// cronSet lists the values of one field, sorted; nil when it is not understood.
func cronSet(field string, index int) []int {
	bounds := cronFields[index]
	var out []int
	for part := range strings.SplitSeq(field, ",") {
		span, stepText, stepped := strings.Cut(part, "/")
		step := 1
		if stepped {
			n, err := strconv.Atoi(stepText)
			if err != nil || n < 1 {
				return nil
			}
			step = n
		}
		from, to, isRange := strings.Cut(span, "-")
		low, high := bounds.low, bounds.high
		if span != "*" && span != "?" {
			var ok bool
			if low, ok = cronValue(from, index); !ok {
				return nil
			}
			switch {
			case isRange:
				if high, ok = cronValue(to, index); !ok {
					return nil
				}
			case !stepped:
				high = low
			}
		}
		for v := low; v <= high; v += step {
			if !slices.Contains(out, v) {
				out = append(out, v)
			}
		}
	}
	slices.Sort(out)
	return out
}

func cronValue(text string, index int) (int, bool) {
	bounds := cronFields[index]
	if i := slices.Index(bounds.names, strings.ToLower(text)); i >= 0 {
		return bounds.low + i, true
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= bounds.low && n <= bounds.high
}
