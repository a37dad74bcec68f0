package window

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// maxNamed is how many rules a reason names before it only counts.
const maxNamed = 3

// explain says why it is open or not at the begin of the calendar's range, and
// which rule says so; none if it is the doing of several or of none.
func explain(rules []model.WindowRule, c *calendar, open bool) (reason, rule string) {
	if r := c.inForce(rules, func(r *model.WindowRule) *model.Schedule { return r.Freeze }); r != nil {
		reason = "frozen by " + r.Name
		if end := c.thaw(rules); end != 0 {
			reason += " until " + time.Unix(end, 0).In(r.Location).Format("2006-01-02 15:04 ") + r.Location.String()
		}
		return reason, r.Name
	}
	if open {
		if r := c.inForce(rules, func(r *model.WindowRule) *model.Schedule { return r.Allow }); r != nil {
			return "open: " + r.Name + " (" + Describe(*r) + ")", r.Name
		}
		return "open: no freeze is in force", ""
	}
	var names []string
	only := 0
	for i := range rules {
		if rules[i].Allow != nil {
			names = append(names, rules[i].Name)
			only = i
		}
	}
	if len(names) == 1 {
		return "closed: outside " + names[0] + " (" + Describe(rules[only]) + ")", names[0]
	}
	n := len(names)
	if n > maxNamed {
		names = append(names[:maxNamed], fmt.Sprintf("%d more", n-maxNamed))
	}
	last := len(names) - 1
	return "closed: outside " + strings.Join(names[:last], ", ") + " and " + names[last], ""
}

// inForce is the rule that holds at the begin of the range, of several the one
// that holds longest, and of those the first.
func (c *calendar) inForce(rules []model.WindowRule, pick func(*model.WindowRule) *model.Schedule) *model.WindowRule {
	now := c.narrow()
	var found *model.WindowRule
	var end int64
	var spans []span
	for i := range rules {
		s := pick(&rules[i])
		if s == nil {
			continue
		}
		spans = now.schedule(spans[:0], s, rules[i].Location)
		for _, o := range spans {
			if o.from <= c.from && (found == nil || o.to > end) {
				found, end = &rules[i], o.to
			}
		}
	}
	return found
}

// thaw is when the freezes that hold at the begin of the range have all ended,
// with those that follow without a gap; 0: not within Horizon.
func (c *calendar) thaw(rules []model.WindowRule) int64 {
	for _, horizon := range horizons {
		wide := newCalendar(c.from, c.from+horizon)
		for _, s := range wide.frozen(rules) {
			if s.from <= wide.from && s.to < wide.to {
				return s.to
			}
		}
	}
	return 0
}

// Describe says in words when a rule holds: "Mon–Thu 09:00–12:00 Europe/Berlin".
func Describe(r model.WindowRule) string {
	s := r.Allow
	if s == nil {
		s = r.Freeze
	}
	if s == nil || r.Location == nil {
		return "never"
	}
	zone := " " + r.Location.String()
	if s.OneOff() {
		const layout = "2006-01-02 15:04"
		return s.From.In(r.Location).Format(layout) + " to " + s.To.In(r.Location).Format(layout) + zone
	}
	times := " " + s.Start.String() + "–" + s.End.String()
	if s.Start == 0 && s.End == 24*60 {
		times = ", all day,"
	}
	return days(s.Days) + times + zone
}

// days names weekdays from Monday on, with runs of three and more as ranges.
func days(on []time.Weekday) string {
	var parts []string
	name := func(i int) string { return fromMonday(i).String()[:3] }
	for i := 0; i < 7; i++ {
		from := i
		for i < 7 && slices.Contains(on, fromMonday(i)) {
			i++
		}
		if i-from == 7 {
			return "every day"
		}
		if i-from >= 3 {
			parts = append(parts, name(from)+"–"+name(i-1))
			continue
		}
		for ; from < i; from++ {
			parts = append(parts, name(from))
		}
	}
	return strings.Join(parts, ", ")
}

func fromMonday(i int) time.Weekday { return time.Weekday((i + 1) % 7) }
