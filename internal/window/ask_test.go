package window

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// scoped gives a rule a scope: "kinds=A,B namespaces=x risks=y".
func scoped(r model.WindowRule, text string) model.WindowRule {
	for _, part := range strings.Fields(text) {
		key, list, _ := strings.Cut(part, "=")
		values := strings.Split(list, ",")
		switch key {
		case "kinds":
			r.Scope.Kinds = values
		case "namespaces":
			r.Scope.Namespaces = values
		case "risks":
			r.Scope.Risks = values
		}
	}
	return r
}

// subjects reads "KIND[.GROUP][/NAMESPACE][!RISK...]"; without a kind it is the plan.
func subjects(texts ...string) (out []model.WindowSubject) {
	for _, text := range texts {
		var s model.WindowSubject
		parts := strings.Split(text, "!")
		s.Risks = parts[1:]
		s.Kind, s.Namespace, _ = strings.Cut(parts[0], "/")
		s.Kind, s.Group, _ = strings.Cut(s.Kind, ".")
		out = append(out, s)
	}
	return out
}

func TestNames(t *testing.T) {
	for _, c := range []struct {
		scope, subject string
		want           bool
	}{
		{"", "ConfigMap/shop", true},
		{"kinds=ConfigMap", "ConfigMap/shop", true},
		{"kinds=configmap", "ConfigMap/shop", true},
		{"kinds=ConfigMap", "Secret/shop", false},
		{"kinds=StatefulSet", "StatefulSet.apps/shop", true},
		{"kinds=StatefulSet.apps", "StatefulSet.apps/shop", true},
		{"kinds=StatefulSet.other", "StatefulSet.apps/shop", false},
		{"kinds=Event.", "Event/shop", true},
		{"kinds=Event.", "Event.events.k8s.io/shop", false},
		{"kinds=Role.rbac.authorization.k8s.io", "Role.rbac.authorization.k8s.io/shop", true},
		{"kinds=ConfigMap,Secret namespaces=shop", "Secret/shop", true},
		{"kinds=ConfigMap,Secret namespaces=shop", "Secret/ship", false},
		{"namespaces=sh*", "Secret/shop", true},
		{"namespaces=sh*p*", "Secret/shop", true},
		{"namespaces=*op", "Secret/shop", true},
		{"namespaces=*o", "Secret/shop", false},
		{"namespaces=s*o*p", "Secret/shop", true},
		{"namespaces=shop*shop", "Secret/shop", false},
		{"namespaces=*-db-*", "Secret/shop-db-db-1", true},
		{"namespaces=*", "ClusterRole.rbac.authorization.k8s.io", false},
		{"risks=restarts-pods", "Deployment.apps/shop!restarts-pods!other", true},
		{"risks=restarts-pods", "Deployment.apps/shop", false},
		{"kinds=Service risks=restarts-pods", "Deployment.apps/shop!restarts-pods", false},
		{"risks=prunes-many", "!prunes-many", true},
		{"kinds=ConfigMap", "!prunes-many", false},
	} {
		r := scoped(model.WindowRule{}, c.scope)
		if got := Names(r, subjects(c.subject)[0]); got != c.want {
			t.Errorf("%q names %q: %t", c.scope, c.subject, got)
		}
	}
}

// 2026-11-24 is a Tuesday.
func TestAsk(t *testing.T) {
	general := rule(t, "allow mornings UTC mon,tue,wed,thu 09:00-12:00")
	always := scoped(rule(t, "allow any_time UTC all 00:00-24:00"), "kinds=ConfigMap")
	night := scoped(rule(t, "allow db_nights UTC sat 22:00-04:00"), "kinds=StatefulSet")
	noDB := scoped(rule(t, "freeze db_freeze UTC 2026-11-24T00:00:00Z 2026-11-26T10:00:00Z"), "kinds=StatefulSet")
	quiet := scoped(rule(t, "freeze quiet UTC 2026-11-24T00:00:00Z 2026-11-25T00:00:00Z"), "risks=restarts-pods")
	never := scoped(rule(t, "allow small UTC wed 10:00-11:00"), "risks=prunes-many")
	for _, c := range []struct {
		name     string
		rules    []model.WindowRule
		subjects []model.WindowSubject // nil: no plan
		at       string
		want     string // state, as tellState writes it
	}{
		{
			"a special rule replaces the general one", []model.WindowRule{general, always}, subjects("ConfigMap/shop"), "2026-11-24T20:00:00Z",
			"open: any time (every day, all day, UTC) for ConfigMap in shop [any time]",
		},
		{
			"but for what it names only", []model.WindowRule{general, always}, subjects("ConfigMap/shop", "Secret/shop"), "2026-11-24T20:00:00Z",
			"closed for Secret in shop: outside mornings (Mon–Thu 09:00–12:00 UTC) [mornings] opens 25T09:00",
		},
		{
			"both are open", []model.WindowRule{general, always}, subjects("ConfigMap/shop", "Secret/shop", "Secret/ship"), "2026-11-24T09:00:00Z",
			"open: any time (every day, all day, UTC) for ConfigMap in shop; mornings (Mon–Thu 09:00–12:00 UTC) for Secret in shop and 1 more [] closes 24T12:00 opens 25T09:00",
		},
		{
			"nothing is named", []model.WindowRule{always, night}, subjects("Secret/shop"), "2026-11-24T09:00:00Z",
			"open: no window is about what the plan writes []",
		},
		{
			"never open at once", []model.WindowRule{general, night}, subjects("StatefulSet.apps/shop", "Secret/shop"), "2026-11-24T09:30:00Z",
			"closed for StatefulSet in shop: outside db nights (Sat 22:00–04:00 UTC) [db nights]",
		},
		{
			"of several that are closed the one that opens last", []model.WindowRule{general, night}, subjects("Secret/shop", "StatefulSet.apps/shop"), "2026-11-24T20:00:00Z",
			"closed for StatefulSet in shop: outside db nights (Sat 22:00–04:00 UTC) [db nights]",
		},
		{
			"a freeze for some", []model.WindowRule{general, noDB}, subjects("Secret/shop", "StatefulSet.apps/shop"), "2026-11-24T10:00:00Z",
			"frozen for StatefulSet in shop by db freeze until 2026-11-26 10:00 UTC [db freeze] opens 26T10:00",
		},
		{
			"not for others", []model.WindowRule{general, noDB}, subjects("Secret/shop"), "2026-11-24T10:00:00Z",
			"open: mornings (Mon–Thu 09:00–12:00 UTC) [mornings] closes 24T12:00 opens 25T09:00",
		},
		{
			"a freeze by risk", []model.WindowRule{quiet}, subjects("Service/shop", "Deployment.apps/shop!restarts-pods"), "2026-11-24T10:00:00Z",
			"frozen for Deployment in shop (restarts-pods) by quiet until 2026-11-25 00:00 UTC [quiet] opens 25T00:00",
		},
		{
			"the plan's own risks", []model.WindowRule{general, never}, subjects("Service/shop", "!prunes-many"), "2026-11-24T10:00:00Z",
			"closed for the plan (prunes-many): outside small (Wed 10:00–11:00 UTC) [small] opens 25T10:00",
		},
		{
			"the plan's own risks are not judged by general rules", []model.WindowRule{general, always}, subjects("ConfigMap/shop", "!prunes-many"), "2026-11-24T20:00:00Z",
			"open: any time (every day, all day, UTC) for ConfigMap in shop [any time]",
		},
		{
			"a plan that writes nothing", []model.WindowRule{general, always}, []model.WindowSubject{}, "2026-11-24T20:00:00Z",
			"closed: outside mornings (Mon–Thu 09:00–12:00 UTC) [mornings] opens 25T09:00",
		},
		{
			"no plan", []model.WindowRule{general, always}, nil, "2026-11-24T20:00:00Z",
			"closed: outside mornings (Mon–Thu 09:00–12:00 UTC) [mornings] opens 25T09:00 (1 rule is about some objects only, and counts when a plan has them)",
		},
		{
			"no plan, and no rule for all", []model.WindowRule{always, night, noDB}, nil, "2026-11-24T20:00:00Z",
			"open: no freeze is in force [] (3 rules are about some objects only, and count when a plan has them)",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			ask := Ask{Rules: c.rules, Subjects: c.subjects, Known: c.subjects != nil}
			if got := tellState(ask.At(at(t, c.at))); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
}

func tellState(s model.WindowState) string {
	text := fmt.Sprintf("%s [%s]", s.Reason, s.Rule)
	if s.Open != strings.HasPrefix(s.Reason, "open: ") {
		text = fmt.Sprintf("open %t: %s", s.Open, text)
	}
	if s.Open && !s.Until.IsZero() {
		text += " closes " + s.Until.Format("02T15:04")
	}
	if !s.Open && !s.Until.Equal(s.NextOpen) {
		text += " until " + s.Until.String()
	}
	if !s.NextOpen.IsZero() {
		text += " opens " + s.NextOpen.Format("02T15:04")
	}
	if s.Aside != "" {
		text += " (" + s.Aside + ")"
	}
	return text
}

// Every sort of Argo CD's SyncWindows.CanSync: which windows are active, and which
// have manualSync.
func TestManualIsArgosCanSync(t *testing.T) {
	const (
		on  = "2026-11-24T00:00:00Z 2026-11-25T00:00:00Z"
		off = "2026-11-25T00:00:00Z 2026-11-26T00:00:00Z"
	)
	for _, c := range []struct {
		windows          string // of "allow" and "deny": + is active, m has manualSync
		manual, byItself bool
	}{
		{"", true, true},
		{"allow+", true, true},
		{"allow", false, false},
		{"allow-m", true, false},
		{"allow+m", true, true},
		{"allow allow-m", false, false},
		{"allow-m allow-m", true, false},
		{"allow+ allow-m", true, true},
		{"deny", true, true},
		{"deny-m", true, true},
		{"deny+", false, false},
		{"deny+m", true, false},
		{"deny+m deny+m", true, false},
		{"deny+m deny+", false, false},
		{"deny+m deny", true, false},
		{"deny+ allow+", false, false},
		{"deny+ allow+m", false, false},
		{"deny+m allow+", true, false},
		{"deny+m allow", true, false}, // although no allow window is active
		{"deny allow", false, false},
		{"deny-m allow", false, false},
		{"deny allow+", true, true},
		{"deny-m allow-m", true, false},
		{"deny+ allow-m", false, false},
		{"deny+m deny+ allow-m", false, false},
	} {
		var r []model.WindowRule
		var all []int
		active := map[int]bool{}
		for i, w := range strings.Fields(c.windows) {
			kind, span := strings.ReplaceAll(strings.TrimRight(w, "+-m"), "deny", "freeze"), off
			if strings.Contains(w, "+") {
				span = on
			}
			one := rule(t, fmt.Sprintf("%s w%d UTC %s", kind, i, span))
			one.Manual, one.Imported = strings.HasSuffix(w, "m"), true
			r, all, active[i] = append(r, one), append(all, i), span == on
		}
		for _, manual := range []bool{true, false} {
			want := c.byItself
			if manual {
				want = c.manual
			}
			if got := canSync(r, all, func(i int) bool { return active[i] }, manual); got != want {
				t.Errorf("%q, manual %t: CanSync says %t", c.windows, manual, got)
			}
			s := Ask{Rules: r, Automatic: !manual}.At(at(t, "2026-11-24T12:00:00Z"))
			if s.Open != want || s.Open != strings.HasPrefix(s.Reason, "open: ") {
				t.Errorf("%q, manual %t: %+v", c.windows, manual, s)
			}
		}
	}
}

func TestManualReasons(t *testing.T) {
	manual := func(r model.WindowRule) model.WindowRule {
		r.Manual, r.Imported = true, true
		return r
	}
	mornings := manual(rule(t, "allow mornings UTC mon,tue,wed,thu 09:00-12:00"))
	nights := manual(rule(t, "allow nights UTC all 22:00-24:00"))
	feast := manual(rule(t, "freeze feast UTC 2026-11-24T00:00:00Z 2026-11-25T00:00:00Z"))
	office := rule(t, "allow office UTC tue 08:00-09:00")
	theirs := office
	theirs.Imported = true
	ours := nights
	ours.Manual, ours.Imported = false, false
	for _, c := range []struct {
		rules []model.WindowRule
		want  string
	}{
		{[]model.WindowRule{mornings}, "open: outside mornings, which does not hold up who confirms by hand [mornings]"},
		{[]model.WindowRule{mornings, nights}, "open: outside mornings and nights, which do not hold up who confirms by hand []"},
		{[]model.WindowRule{feast}, "open: within feast (2026-11-24 00:00 to 2026-11-25 00:00 UTC), which does not hold up who confirms by hand [feast]"},
		{[]model.WindowRule{feast, theirs}, "open: within feast (2026-11-24 00:00 to 2026-11-25 00:00 UTC), which does not hold up who confirms by hand [feast] closes 25T00:00 opens 01T08:00"},
		// What forbids less than it might opens no window of our own.
		{[]model.WindowRule{feast, office}, "closed: outside office (Tue 08:00–09:00 UTC) [office] opens 01T08:00"},
		{[]model.WindowRule{feast, theirs, ours}, "closed: outside office and nights [] opens 24T22:00"},
	} {
		if got := tellState(Ask{Rules: c.rules}.At(at(t, "2026-11-24T20:00:00Z"))); got != c.want {
			t.Errorf("\n got %s\nwant %s", got, c.want)
		}
	}
	if got := Freezes([]model.WindowRule{feast}, at(t, "2026-11-24T00:00:00Z"), at(t, "2026-11-30T00:00:00Z")); got != nil {
		t.Errorf("by hand: frozen %v", got)
	}
	if got := (Ask{Rules: []model.WindowRule{feast}, Automatic: true}).Freezes(at(t, "2026-11-24T00:00:00Z"), at(t, "2026-11-30T00:00:00Z")); len(got) != 1 {
		t.Errorf("by itself: frozen %v", got)
	}
}

func TestCalendars(t *testing.T) {
	holidays := rule(t, "freeze holidays Europe/Berlin all 00:00-24:00")
	holidays.Freeze = calendarOf(t, "2026-12-23T23:00:00Z/2026-12-26T23:00:00Z Christmas", "2026-12-24T11:00:00Z/2026-12-24T12:00:00Z Bells",
		"2026-12-26T23:00:00Z/2026-12-27T11:00:00Z the day after")
	holidays.Aside = "holidays: from the cache, fetched 3 h ago: host unreachable"
	releases := rule(t, "allow releases UTC all 00:00-24:00")
	releases.Allow = calendarOf(t, "2026-12-01T10:00:00Z/2026-12-01T12:00:00Z 1.0", "2026-12-01T12:00:00Z/2026-12-01T14:00:00Z 1.1", "2026-12-24T11:00:00Z/2026-12-28T00:00:00Z 2.0")
	releases.Cutoff = time.Hour
	for _, c := range []struct{ at, want string }{
		{"2026-12-01T09:59:59Z", "closed: outside releases (the calendar test.ics, no start in the last hour) [releases] opens 01T10:00"},
		{"2026-12-01T10:00:00Z", "open: releases (1.0, the calendar test.ics, no start in the last hour) [releases] closes 01T13:00 opens 27T11:00"},
		{"2026-12-01T13:00:00Z", "closed: releases (the calendar test.ics) is open, but no start in the last hour [releases] opens 27T11:00"},
		{"2026-12-24T11:30:00Z", "frozen by holidays (Christmas) until 2026-12-27 12:00 Europe/Berlin [holidays] opens 27T11:00"},
		{"2026-12-26T23:00:00Z", "frozen by holidays (the day after) until 2026-12-27 12:00 Europe/Berlin [holidays] opens 27T11:00"},
		{"2026-12-27T22:59:59Z", "open: releases (2.0, the calendar test.ics, no start in the last hour) [releases] closes 27T23:00"},
		{"2026-12-27T23:00:00Z", "closed: releases (the calendar test.ics) is open, but no start in the last hour [releases]"},
	} {
		want := c.want + " (" + holidays.Aside + ")"
		if got := tellState(Evaluate([]model.WindowRule{releases, holidays}, at(t, c.at))); got != want {
			t.Errorf("at %s\n got %s\nwant %s", c.at, got, want)
		}
	}
	got := Holding(releases, at(t, "2026-12-01T13:30:00Z"), at(t, "2026-12-30T00:00:00Z"))
	want := []Span{{at(t, "2026-12-01T12:00:00Z"), at(t, "2026-12-01T14:00:00Z")}, {at(t, "2026-12-24T11:00:00Z"), at(t, "2026-12-28T00:00:00Z")}}
	if !slices.Equal(got, want) {
		t.Errorf("holding %v, want %v", got, want)
	}
}

func TestUnreadableCalendarsClose(t *testing.T) {
	now := at(t, "2026-11-24T10:00:00Z")
	general := rule(t, "allow mornings UTC mon,tue,wed,thu 09:00-12:00")
	broken := model.WindowRule{
		Name: "holidays", Location: time.UTC, Freeze: &model.Schedule{}, Source: &model.WindowSource{URL: "https://calendar.example/private-abc/basic.ics"},
		Unreadable: "GET calendar.example: 404", Aside: "holidays: nothing in the cache",
	}
	unread := broken
	unread.Unreadable, unread.Aside = "", ""
	const says = "closed: the calendar of holidays cannot be read: GET calendar.example: 404 [holidays] (holidays: nothing in the cache)"
	for _, c := range []struct {
		name string
		ask  Ask
		want string
	}{
		{"without a plan", Ask{Rules: []model.WindowRule{general, broken}}, says},
		{"not read", Ask{Rules: []model.WindowRule{general, unread}}, "closed: the calendar of holidays has not been read [holidays]"},
		{"for what is not asked", Ask{Rules: []model.WindowRule{general, scoped(broken, "kinds=StatefulSet")}}, "open: mornings (Mon–Thu 09:00–12:00 UTC) [mornings] closes 24T12:00 opens 25T09:00 (1 rule is about some objects only, and counts when a plan has them)"},
		{"for what the plan has not", Ask{Rules: []model.WindowRule{general, scoped(broken, "kinds=StatefulSet")}, Known: true, Subjects: subjects("Secret/shop")}, "open: mornings (Mon–Thu 09:00–12:00 UTC) [mornings] closes 24T12:00 opens 25T09:00"},
		{"for what the plan has", Ask{Rules: []model.WindowRule{general, scoped(broken, "kinds=StatefulSet")}, Known: true, Subjects: subjects("Secret/shop", "StatefulSet.apps/shop")}, says},
	} {
		if got := tellState(c.ask.At(now)); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.name, got, c.want)
		}
		if shut := strings.HasPrefix(c.want, "closed"); shut != (c.ask.Next(now, 1) == nil) || shut != (c.ask.Open(now, now.Add(time.Hour)) == nil) {
			t.Errorf("%s: next %v, open %v", c.name, c.ask.Next(now, 1), c.ask.Open(now, now.Add(time.Hour)))
		}
	}
	if got := Describe(broken); got != "a calendar of calendar.example" {
		t.Errorf("described as %q", got)
	}
	broken.Source = &model.WindowSource{File: "ops/holidays.ics"}
	if got := Describe(broken); got != "the calendar ops/holidays.ics" {
		t.Errorf("described as %q", got)
	}
	if got := Holding(broken, now, now.Add(time.Hour)); got != nil {
		t.Errorf("holding %v", got)
	}
	both := rule(t, "freeze both UTC all 00:00-24:00")
	both.Freeze.Spans = spans{}
	if got := Evaluate([]model.WindowRule{both}, now).Reason; got != "closed: the rule both cannot be understood" {
		t.Error(got)
	}
}

func TestNextOfAPlan(t *testing.T) {
	r := []model.WindowRule{
		rule(t, "allow mornings UTC mon,tue,wed,thu,fri,sat 09:00-12:00"),
		scoped(rule(t, "allow db UTC wed,sat 10:00-20:00"), "kinds=StatefulSet"),
		scoped(rule(t, "freeze f UTC 2026-11-28T00:00:00Z 2026-11-28T11:00:00Z"), "namespaces=sh*"),
	}
	ask := Ask{Rules: r, Known: true, Subjects: subjects("Secret/shop", "StatefulSet.apps/shop")}
	var got []string
	for _, o := range ask.Next(at(t, "2026-11-24T10:00:00Z"), 3) {
		got = append(got, o.From.Format("02T15:04")+" "+o.To.Format("02T15:04")+" "+strings.Join(o.Rules, "+"))
	}
	if want := []string{"25T10:00 25T12:00 mornings+db", "28T11:00 28T12:00 mornings+db", "02T10:00 02T12:00 mornings+db"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func BenchmarkAskPlan(b *testing.B) {
	zones := []string{"Europe/Berlin", "America/New_York", "UTC", "Asia/Tokyo"}
	shared := map[string]*time.Location{}
	var r []model.WindowRule
	for i := range 200 {
		name := zones[i%4]
		one := rule(b, fmt.Sprintf("allow r%d %s mon,tue,wed,thu %02d:00-%02d:%02d", i, name, i%23, i%23+1, i%60))
		if shared[name] == nil {
			shared[name] = one.Location
		}
		if one.Location = shared[name]; i%10 == 0 {
			one = scoped(one, fmt.Sprintf("kinds=Kind%d,Deployment namespaces=shop,team-*", i%7))
		}
		r = append(r, one)
	}
	ask := Ask{Rules: r, Known: true}
	for i := range 50 {
		ask.Subjects = append(ask.Subjects, subjects(fmt.Sprintf("Kind%d.apps/team-%d", i%10, i%5))...)
	}
	now := at(b, "2026-11-03T10:00:00Z")
	b.ReportAllocs()
	for b.Loop() {
		ask.At(now)
	}
}
