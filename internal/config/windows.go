package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // time zones must be known in a container without a file system too

	"go.yaml.in/yaml/v3"

	"github.com/fairtide-dev/fairtide/internal/window"
	"github.com/fairtide-dev/fairtide/model"
)

// Years outside of these are typing errors.
const minYear, maxYear = 1970, 2999

var dayNames = []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}

// commonZones are offered when a time zone is misspelt.
var commonZones = [...]string{
	"UTC", "Europe/London", "Europe/Dublin", "Europe/Lisbon", "Europe/Berlin", "Europe/Paris", "Europe/Madrid",
	"Europe/Rome", "Europe/Vienna", "Europe/Zurich", "Europe/Amsterdam", "Europe/Brussels", "Europe/Stockholm",
	"Europe/Oslo", "Europe/Copenhagen", "Europe/Helsinki", "Europe/Warsaw", "Europe/Prague", "Europe/Athens",
	"Europe/Kyiv", "Europe/Istanbul", "America/New_York", "America/Chicago", "America/Denver",
	"America/Los_Angeles", "America/Toronto", "America/Sao_Paulo", "America/Mexico_City", "Asia/Kolkata",
	"Asia/Tokyo", "Asia/Seoul", "Asia/Shanghai", "Asia/Singapore", "Asia/Hong_Kong", "Asia/Dubai",
	"Asia/Jerusalem", "Australia/Sydney", "Australia/Melbourne", "Pacific/Auckland", "Africa/Johannesburg",
	"Africa/Cairo", "Africa/Lagos",
}

// windows reads a list of windows: an environment's, whose name is in the
// prefix of what is reported, or those at the top of the file.
func (d *decoder) windows(n *yaml.Node, prefix string, shared bool) []*windowRule {
	items, _ := d.list(n, prefix+"windows")
	var rules []*windowRule
	lines := map[string]int{}
	for i, item := range items {
		e := &windowEntry{decoder: d, node: item, what: prefix + title("window", item, i), shared: shared}
		rules = append(rules, e.read()...)
		if first, taken := lines[e.name]; taken && e.name != "" {
			d.at(nameNode(item), "%swindow %s is there twice, first in line %d: names must differ", prefix, quote(e.name), first)
		} else {
			lines[e.name] = nameNode(item).Line
		}
	}
	return rules
}

// windowEntry is an entry of a list of windows: a rule, or several of somebody
// else.
type windowEntry struct {
	*decoder
	node   *yaml.Node
	what   string
	shared bool // by the environments of the file

	name  string
	given map[string]*yaml.Node // what depends on the rest of the entry
}

// read reads an entry. Dates depend on the rule's zone, so the schedules are
// read after everything else.
func (e *windowEntry) read() []*windowRule {
	e.given = map[string]*yaml.Node{}
	rule := windowRule{at: nameNode(e.node), what: e.what}
	keys := []key{
		{name: "name", required: true, hint: "give it one; it is what a refusal cites", read: func(n *yaml.Node) {
			e.name, _ = e.text(n, e.what+": name")
		}},
		{name: "timeZone", read: func(n *yaml.Node) {
			e.given["timeZone"] = n
			rule.Location = e.zone(n, e.what+": timeZone")
		}},
	}
	for _, name := range []string{"allow", "freeze", "cutoff", "import", "syncWindows", "application", "cluster"} {
		keys = append(keys, key{name: name, read: func(n *yaml.Node) { e.given[name] = n }})
	}
	keys = append(keys,
		key{name: "scope", read: func(n *yaml.Node) { e.scope(n, &rule) }},
		key{name: "ics", read: func(n *yaml.Node) {
			e.at(n, "%s: ics belongs into allow or freeze: write freeze: {ics: …}", e.what)
		}})
	if !e.mapping(e.node, e.what, keys) {
		return nil
	}
	rule.Name = e.name
	if e.imports() {
		return e.imported(rule)
	}
	e.scheduled(&rule)
	return []*windowRule{&rule}
}

// scheduled reads when a rule of our own holds.
func (e *windowEntry) scheduled(r *windowRule) {
	if !has(e.node, "timeZone") {
		e.at(e.node, "%s: timeZone is missing: a name such as Europe/Berlin or UTC", e.what)
	}
	loc := r.Location
	if loc == nil {
		loc = time.UTC // only to look for more problems; there is one already
	}
	allow, freeze := e.given["allow"], e.given["freeze"]
	switch {
	case allow != nil && freeze != nil:
		e.at(freeze, "%s has both allow and freeze: make two windows of it", e.what)
	case allow != nil:
		r.when = allow
		r.Allow = e.schedule(allow, e.what+": allow", loc, &r.WindowRule)
	case freeze != nil:
		r.when = freeze
		r.Freeze = e.schedule(freeze, e.what+": freeze", loc, &r.WindowRule)
	case !has(e.node, "allow", "freeze", "ics"): // otherwise it was reported already, such as an allow without a value
		e.at(e.node, "%s has neither allow nor freeze: say when changes are allowed or forbidden", e.what)
	}
	if cutoff := e.given["cutoff"]; cutoff != nil {
		e.cutoff(&r.WindowRule, cutoff, e.what+": cutoff")
	}
}

// has reports whether a mapping has one of some keys.
func has(n *yaml.Node, keys ...string) bool {
	m := resolve(n)
	for i := 0; i+1 < len(m.Content); i += 2 {
		if slices.Contains(keys, m.Content[i].Value) {
			return true
		}
	}
	return false
}

func (d *decoder) zone(n *yaml.Node, what string) *time.Location {
	v, ok := d.text(n, what)
	if !ok {
		return nil
	}
	if loc := d.zones[v]; loc != nil {
		d.oddZone(n, what, v)
		return loc
	}
	if loc, err := time.LoadLocation(v); err == nil && !onlyHere(v) {
		d.zones[v] = loc
		d.oddZone(n, what, v)
		return loc
	}
	hint := "write a name of the IANA database, such as Europe/Berlin or UTC"
	if s := Suggest(v, commonZones[:]); s != "" && s != v {
		hint = fmt.Sprintf("did you mean %q?", s)
	}
	d.at(n, "%s: unknown time zone %s; %s", what, quote(v), hint)
	return nil
}

// onlyHere reports names that some machines know, or each in its own way.
func onlyHere(zone string) bool {
	switch zone {
	case "Local", "localtime", "posixrules", "Factory":
		return true
	}
	return strings.HasPrefix(zone, "right/") || strings.HasPrefix(zone, "posix/")
}

// schedule reads one of the forms, of which a calendar is read later.
func (d *decoder) schedule(n *yaml.Node, what string, loc *time.Location, of *model.WindowRule) *model.Schedule {
	var s model.Schedule
	given := map[string]*yaml.Node{}
	var keys []key
	for _, name := range []string{"days", "start", "end", "cron", "rrule", "duration", "from", "to", "ics", "maxAge"} {
		keys = append(keys, key{name: name, read: func(n *yaml.Node) { given[name] = n }})
	}
	before := len(d.problems)
	if !d.mapping(n, what, keys) {
		return nil
	}
	if len(given) == 0 && len(d.problems) > before {
		return nil // what is there was reported; more would be noise
	}
	if given["ics"] != nil || given["maxAge"] != nil {
		of.Source = d.calendar(n, given, what)
		return &s
	}
	mark, ok := d.formOf(n, given, what)
	if !ok {
		return nil
	}
	switch mark {
	case "cron", "rrule":
		d.recurring(&s, mark, given, what, loc)
	case "days":
		d.weekly(&s, given, what)
	default:
		d.once(&s, n, given, what, loc)
	}
	return &s
}

func (d *decoder) weekly(s *model.Schedule, given map[string]*yaml.Node, what string) {
	items, ok := d.list(given["days"], what+": days")
	if ok && len(items) == 0 {
		d.at(given["days"], "%s: days is empty: the window would never count", what)
	}
	for _, item := range items {
		var name string
		choice(d, item, what+": day", dayNames, &name)
		i := slices.Index(dayNames, name)
		if i < 0 {
			continue
		}
		if day := time.Weekday((i + 1) % 7); slices.Contains(s.Days, day) {
			d.at(item, "%s: %s is there twice", what, name)
		} else {
			s.Days = append(s.Days, day)
		}
	}
	start, okStart := d.clock(given["start"], what+": start", 23*60+59)
	end, okEnd := d.clock(given["end"], what+": end", 24*60)
	if okStart && okEnd && start == end {
		d.at(given["end"], "%s: start and end are the same; the whole day is \"00:00\" to \"24:00\"", what)
	}
	s.Start, s.End = start, end
}

// clock reads a time of day, "HH:MM".
func (d *decoder) clock(n *yaml.Node, what string, latest model.ClockTime) (model.ClockTime, bool) {
	s := resolve(n)
	if s.Kind != yaml.ScalarNode || s.ShortTag() != "!!str" {
		d.at(n, "%s must be a time of day in quotes, such as \"09:00\", not %s", what, d.kindOf(s))
		return 0, false
	}
	v, ok := d.text(n, what)
	if !ok {
		return 0, false
	}
	if len(v) == 5 && v[2] == ':' {
		hours, errH := strconv.ParseUint(v[:2], 10, 8)
		minutes, errM := strconv.ParseUint(v[3:], 10, 8)
		c := model.ClockTime(hours*60 + minutes)
		if errH == nil && errM == nil && minutes < 60 && c <= latest {
			return c, true
		}
	}
	d.at(n, "%s %s is not a time of day from 00:00 to %s, such as \"09:00\"", what, quote(v), latest)
	return 0, false
}

func (d *decoder) once(s *model.Schedule, n *yaml.Node, given map[string]*yaml.Node, what string, loc *time.Location) {
	from, okFrom := d.instant(given["from"], what+": from", loc, 0)
	to, okTo := d.instant(given["to"], what+": to", loc, 1)
	if okFrom && okTo && !from.Before(to) {
		d.at(n, "%s: to is not after from: the window would never count", what)
	}
	s.From, s.To = from, to
}

// instant reads a date or an RFC 3339 time. A date is its begin, or, as an
// end, which includes the day, the begin of the day after.
func (d *decoder) instant(n *yaml.Node, what string, loc *time.Location, plusDays int) (time.Time, bool) {
	v, ok := d.moment(n, what)
	if !ok {
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339, v)
	if err == nil && t.Nanosecond() != 0 {
		d.at(n, "%s %s: only whole seconds count", what, quote(v))
		return time.Time{}, false
	}
	if err != nil {
		var date time.Time
		if date, err = time.Parse(time.DateOnly, v); err == nil {
			t = window.DayStart(date.Year(), date.Month(), date.Day()+plusDays, loc)
		}
	}
	if err != nil {
		d.at(n, "%s %s is neither a date such as 2026-12-20 nor a time such as 2026-12-20T18:00:00+01:00", what, quote(v))
		return time.Time{}, false
	}
	if y := t.Year(); y < minYear || y > maxYear {
		d.at(n, "%s %s: the year must be between %d and %d", what, quote(v), minYear, maxYear)
		return time.Time{}, false
	}
	return t.In(loc), true
}
