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
func (c *calendar) explain(rules []model.WindowRule, open bool) (reason, rule string) {
	if r := c.inForce(rules, frozen); r != nil {
		reason = "frozen by " + r.Name
		if end := c.thaw(rules); end != 0 {
			reason += " until " + time.Unix(end, 0).In(r.Location).Format("2006-01-02 15:04 ") + r.Location.String()
		}
		return reason, r.Name
	}
	r := c.inForce(rules, allowed)
	if open {
		if r != nil {
			return "open: " + r.Name + " (" + Describe(*r) + ")", r.Name
		}
		return "open: no freeze is in force", ""
	}
	if r != nil {
		return "closed: " + r.Name + " (" + holds(r) + ") is open, but " + noStart(r), r.Name
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
// that holds longest, and of those the first. One that lets nothing start any
// more comes after all that do.
func (c *calendar) inForce(rules []model.WindowRule, pick func(*model.WindowRule) *model.Schedule) *model.WindowRule {
	now := newCalendar(nil, c.from, c.from+1)
	now.back, now.ahead, now.zones = c.back, c.ahead, c.zones
	var found *model.WindowRule
	var end int64
	var starts bool
	for i := range rules {
		r := &rules[i]
		s := pick(r)
		if s == nil {
			continue
		}
		l := now.lane(s, r.Location, 0)
		if l.cur.from > c.from {
			continue
		}
		cut := r.Cutoff > 0 && now.lane(s, r.Location, r.Cutoff).cur.from > c.from
		for ; l.cur.from <= c.from; l.seek(l.cur.to) {
			if found == nil || !starts && !cut || starts == !cut && l.cur.to > end {
				found, end, starts = r, l.cur.to, !cut
			}
		}
	}
	return found
}

// thaw is when the freezes that hold at the begin of the range have all ended,
// with those that follow without a gap; 0: not within Horizon.
func (c *calendar) thaw(rules []model.WindowRule) int64 {
	for _, horizon := range horizons {
		wide := newCalendar(rules, c.from, c.from+horizon)
		v := wide.cover(rules, frozen)
		if s := v.seek(c.from); s.to < wide.to {
			return s.to
		}
	}
	return 0
}

// Describe says in words when a rule holds: "Mon–Thu 09:00–12:00 Europe/Berlin".
func Describe(r model.WindowRule) string {
	text := holds(&r)
	if r.Cutoff > 0 {
		text += ", " + noStart(&r)
	}
	return text
}

// noStart says what a cutoff does.
func noStart(r *model.WindowRule) string {
	return "no start in the last " + strings.TrimPrefix(length(r.Cutoff), "1 ")
}

// holds says when a rule holds, without its cutoff.
func holds(r *model.WindowRule) string {
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
	if s.Starts != nil {
		begins := s.Starts.String()
		if on, at, ok := s.Starts.Weekly(); ok {
			begins = days(on) + " " + at.String()
		}
		return begins + " for " + length(s.Duration) + zone
	}
	times := " " + s.Start.String() + "–" + s.End.String()
	if s.Start == 0 && s.End == 24*60 {
		times = ", all day,"
	}
	return days(s.Days) + times + zone
}

// length tells a duration: "1 hour", "90 minutes".
func length(d time.Duration) string {
	for _, unit := range []struct {
		name string
		is   time.Duration
	}{{"day", 24 * time.Hour}, {"hour", time.Hour}, {"minute", time.Minute}, {"second", time.Second}} {
		if d >= unit.is && d%unit.is == 0 {
			if d == unit.is {
				return "1 " + unit.name
			}
			return fmt.Sprintf("%d %ss", d/unit.is, unit.name)
		}
	}
	return strings.TrimSuffix(d.String(), "0s")
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
