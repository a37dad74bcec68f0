package config

import (
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/fairtide-dev/fairtide/internal/recur"
	"github.com/fairtide-dev/fairtide/internal/window"
	"github.com/fairtide-dev/fairtide/model"
)

// scheduleForm is one of the ways to say when.
type scheduleForm struct {
	mark string // the key that tells it from the others
	keys []string
	hint string
}

var scheduleForms = []scheduleForm{
	{"cron", []string{"cron", "duration"}, "cron and duration"},
	{"rrule", []string{"rrule", "start", "duration"}, "rrule, start and duration"},
	{"from", []string{"from", "to"}, "from and to"},
	{"to", []string{"from", "to"}, "from and to"},
	{"days", []string{"days", "start", "end"}, "days, start and end"}, // also where no form can be told
}

const allForms = "give days, start and end; or cron and duration; or rrule, start and duration; or from and to; or ics"

// formOf tells which form the keys that are given belong to. It reports keys of
// different forms, and those that are missing.
func (d *decoder) formOf(n *yaml.Node, given map[string]*yaml.Node, what string) (mark string, ok bool) {
	form := scheduleForms[len(scheduleForms)-1]
	if i := slices.IndexFunc(scheduleForms, func(f scheduleForm) bool { return given[f.mark] != nil }); i >= 0 {
		form = scheduleForms[i]
	}
	for _, other := range scheduleForms {
		for _, name := range other.keys {
			if given[name] != nil && !slices.Contains(form.keys, name) {
				d.at(n, "%s mixes %s with %s: make two windows of it", what, form.hint, name)
				return "", false
			}
		}
	}
	ok = true
	for _, name := range form.keys {
		if given[name] == nil {
			d.at(n, "%s: %s is missing: %s", what, name, allForms)
			ok = false
		}
	}
	return form.mark, ok
}

// recurring reads a cron schedule or a recurrence rule, with its duration.
func (d *decoder) recurring(s *model.Schedule, mark string, given map[string]*yaml.Node, what string, loc *time.Location) {
	d.length(given["duration"], what+": duration", &s.Duration)
	text, ok := d.text(given[mark], what+": "+mark)
	if !ok {
		return
	}
	var rule *recur.Rule
	var err error
	if mark == "cron" {
		if rule, err = recur.Cron(text); err == nil {
			d.eitherDay(given[mark], what+": cron", text)
		}
	} else if start, ok := d.wallTime(given["start"], what+": start"); ok {
		rule, err = recur.RRule(text, start, loc)
	}
	if err != nil {
		d.at(given[mark], "%s: %s %s: %v", what, mark, quote(text), err)
		return
	}
	if rule != nil {
		s.Starts = rule
	}
}

// length reads a duration that a window may have.
func (d *decoder) length(n *yaml.Node, what string, to *time.Duration) {
	v, ok := d.text(n, what)
	if !ok {
		return
	}
	span, err := time.ParseDuration(v)
	switch {
	case err != nil:
		d.at(n, "%s %s is not a duration such as 15m, 8h or 1h30m", what, quote(v))
	case span <= 0 || span%time.Minute != 0:
		d.at(n, "%s %s must be whole minutes, and longer than nothing", what, quote(v))
	case span > window.Longest:
		d.at(n, "%s %s must be at most %dh", what, quote(v), window.Longest/time.Hour)
	default:
		*to = span
	}
}

// wallTime reads a date, which is its midnight, or a time of a date as the
// clock shows it.
func (d *decoder) wallTime(n *yaml.Node, what string) (time.Time, bool) {
	v, ok := d.moment(n, what)
	if !ok {
		return time.Time{}, false
	}
	for _, layout := range []string{time.DateOnly, "2006-01-02T15:04", "2006-01-02T15:04:05"} {
		t, err := time.Parse(layout, v)
		if err != nil || t.Second() != 0 {
			continue
		}
		if y := t.Year(); y < minYear || y > maxYear {
			d.at(n, "%s %s: the year must be between %d and %d", what, quote(v), minYear, maxYear)
			return time.Time{}, false
		}
		return t, true
	}
	d.at(n, "%s %s is neither a date such as 2026-12-20 nor a time such as 2026-12-20T18:00, which is by the clock in timeZone", what, quote(v))
	return time.Time{}, false
}

// cutoff reads how long before the end of a window nothing may start.
func (d *decoder) cutoff(r *model.WindowRule, n *yaml.Node, what string) {
	if r.Freeze != nil {
		d.at(n, "%s is of use with allow only: in a freeze nothing starts at all", what)
		return
	}
	d.length(n, what, &r.Cutoff)
	if r.Location != nil && sometime(r.Allow) && len(window.Next([]model.WindowRule{alone(*r)}, begin(r.Allow), 1)) == 0 {
		d.at(n, "%s %s leaves nothing of the window: make it shorter than that", what, quote(resolve(n).Value))
	}
}

// alone is a rule by which everything is judged, whoever asks.
func alone(r model.WindowRule) model.WindowRule {
	r.Scope, r.Manual = model.WindowScope{}, false
	return r
}

// sometime reports whether a schedule that was read is ever in force.
func sometime(s *model.Schedule) bool {
	return s != nil && (s.Starts != nil && s.Duration > 0 || s.OneOff() && s.From.Before(s.To) || len(s.Days) > 0 && s.Start != s.End)
}

// begin is a time before a schedule's first span, and less than a year.
func begin(s *model.Schedule) time.Time {
	switch {
	case s.OneOff():
		return s.From
	case s.Starts != nil:
		const until = 1 << 40 // seconds: beyond all years that can be written
		first, _, _ := s.Starts.Next(0, until, 0)
		return time.Unix(first, 0).AddDate(0, 0, -2)
	}
	return time.Unix(0, 0)
}
