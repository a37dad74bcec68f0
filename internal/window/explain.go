package window

import (
	"fmt"
	"math"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// maxNamed is how many rules a reason names before it only counts.
const maxNamed = 3

// explainer says why it is open or not.
type explainer struct {
	ask   *Ask
	bound *bound
	now   int64
}

// frozen says that a freeze is in force; thaw is when the last has ended, 0 if
// that is not known.
func (x *explainer) frozen(f force, thaw int64) (reason, rule string) {
	r := f.rule
	reason = "frozen"
	if !r.Scope.IsZero() {
		var about []*model.WindowSubject
		for i := range x.ask.Subjects {
			if s := &x.ask.Subjects[i]; names(&r.Scope, s) {
				about = append(about, s)
			}
		}
		reason += tell(about, r.Scope.Risks)
	}
	reason += " by " + r.Name
	if name := x.named(r.Freeze); name != "" {
		reason += " (" + name + ")"
	}
	if thaw != 0 {
		reason += " until " + time.Unix(thaw, 0).In(r.Location).Format("2006-01-02 15:04 ") + r.Location.String()
	}
	return reason, r.Name
}

// named is what the span of a calendar is called that holds, of several the one
// that holds longest.
func (x *explainer) named(s *model.Schedule) (name string) {
	if s == nil || s.Spans == nil {
		return ""
	}
	for t := x.now; ; {
		_, to, called, ok := s.Spans.Next(t, x.now+1)
		if !ok || to <= t {
			return name
		}
		name, t = called, to
	}
}

// allowed says what the allow rules make of it where no freeze is in force, and
// which rule it is; none if it is the doing of several or of none.
func (x *explainer) allowed(w *sweep) (reason, rule string, open bool) {
	w.start(x.now)
	var parts, by []string
	var shut *set // of several that are closed the one that opens last
	var held force
	last, next := int64(math.MinInt64), 0
	for i := range x.bound.sets {
		s := &x.bound.sets[i]
		if s.always {
			if len(s.rules) > 0 {
				v := w.c.cover(s.rules, x.now, x.now+1)
				f := v.inForce(x.now)
				parts, by = append(parts, x.open(s, f)), append(by, x.rule(s, f))
			}
			continue
		}
		v := &w.allows[next]
		next++
		f := v.inForce(x.now)
		if f.rule != nil && !f.cut {
			parts, by = append(parts, x.open(s, f)), append(by, f.rule.Name)
		} else if opens := v.seek(x.now).from; opens > last {
			shut, held, last = s, f, opens
		}
	}
	if shut != nil {
		reason, rule = x.closed(shut, held)
		return reason, rule, false
	}
	switch n := len(parts); {
	case n == 1:
		return "open: " + parts[0], by[0], true
	case n > maxNamed:
		parts = append(parts[:maxNamed], fmt.Sprintf("%d more", n-maxNamed))
	case n == 0 && len(x.bound.used) == 0 && x.ask.Known:
		return "open: no window is about what the plan writes", "", true
	case n == 0:
		return "open: no freeze is in force", "", true
	}
	return "open: " + strings.Join(parts, "; "), "", true
}

// notBy says what a rule with Manual does, and notByAll what several do.
const (
	notBy    = ", which does not hold up who confirms by hand"
	notByAll = ", which do not hold up who confirms by hand"
)

// open says by which rule a set is open; f is the one that holds.
func (x *explainer) open(s *set, f force) string {
	about := x.about(s)
	switch {
	case f.rule == nil || f.cut: // all are such
		names, only := s.allows()
		switch {
		case only != nil:
			return "outside " + only.Name + notBy + about
		case len(names) > 0:
			return "outside " + list(names) + notByAll + about
		}
		return "no freeze is in force" + about
	case f.rule.Freeze != nil:
		return "within " + f.rule.Name + " (" + Describe(*f.rule) + ")" + notBy + about
	}
	text := Describe(*f.rule)
	if name := x.named(f.rule.Allow); name != "" {
		text = name + ", " + text
	}
	return f.rule.Name + " (" + text + ")" + about
}

// rule is the one by which a set is open that does not have to.
func (x *explainer) rule(s *set, f force) string {
	if f.rule != nil {
		return f.rule.Name
	}
	if _, only := s.allows(); only != nil {
		return only.Name
	}
	return ""
}

// closed says why a set does not allow; f is what would, but for its cutoff.
func (x *explainer) closed(s *set, f force) (reason, rule string) {
	reason = "closed" + x.about(s) + ": "
	if f.rule != nil {
		return reason + f.rule.Name + " (" + holds(f.rule) + ") is open, but " + noStart(f.rule), f.rule.Name
	}
	names, only := s.allows()
	if only != nil {
		return reason + "outside " + names[0] + " (" + Describe(*only) + ")", names[0]
	}
	return reason + "outside " + list(names), ""
}

// allows names a set's allow rules, and counts most of many; only is the one,
// if there is but one.
func (s *set) allows() (names []string, only *model.WindowRule) {
	n := 0
	for _, r := range s.rules {
		if r.Allow == nil {
			continue
		}
		if n++; n <= maxNamed {
			names, only = append(names, r.Name), r
		}
	}
	if n > maxNamed {
		names = append(names, fmt.Sprintf("%d more", n-maxNamed))
	}
	if n > 1 {
		only = nil
	}
	return names, only
}

// list puts names into a sentence.
func list(names []string) string {
	last := len(names) - 1
	if last == 0 {
		return names[0]
	}
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

// about tells what a set is about, unless that is all.
func (x *explainer) about(s *set) string {
	if len(x.bound.sets) < 2 && !slices.ContainsFunc(s.rules, func(r *model.WindowRule) bool { return !r.Scope.IsZero() }) {
		return ""
	}
	return tell(s.about, nil)
}

// tell names the first of some subjects, with those of its risks that matter,
// and counts the others: " for StatefulSet in shop and 2 more".
func tell(about []*model.WindowSubject, risks []string) string {
	if len(about) == 0 {
		return ""
	}
	first := about[0]
	name := " for " + first.Kind
	if first.Kind == "" {
		name, risks = " for the plan", first.Risks
	}
	if first.Namespace != "" {
		name += " in " + first.Namespace
	}
	var marks []string
	for _, r := range first.Risks {
		if slices.Contains(risks, r) {
			marks = append(marks, r)
		}
	}
	if len(marks) > 0 {
		name += " (" + strings.Join(marks, ", ") + ")"
	}
	sorts := map[[2]string]bool{}
	for _, s := range about {
		sorts[[2]string{s.Kind, s.Namespace}] = true
	}
	if n := len(sorts) - 1; n > 0 {
		name += fmt.Sprintf(" and %d more", n)
	}
	return name
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
	s := schedule(r)
	if s == nil || r.Location == nil {
		return "never"
	}
	if s.Spans != nil {
		return s.Spans.String()
	}
	if r.Source != nil {
		return source(r.Source)
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

// source says where a calendar is. An address may hold a secret: only its host
// is told.
func source(s *model.WindowSource) string {
	if s.File != "" {
		return "the calendar " + s.File
	}
	if u, err := url.Parse(s.URL); err == nil && u.Hostname() != "" {
		return "a calendar of " + u.Hostname()
	}
	return "a calendar"
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
