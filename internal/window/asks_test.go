package window

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// spans are those of a calendar, by begin and then by end.
type spans []named

type named struct {
	from, to int64
	name     string
}

func (s spans) Next(after, before int64) (from, to int64, name string, ok bool) {
	for _, x := range s {
		if x.to > after && x.from < before {
			return x.from, x.to, x.name, true
		}
	}
	return 0, 0, "", false
}

func (s spans) String() string { return "the calendar test.ics" }

// calendarOf reads "FROM/TO NAME", with RFC 3339 times.
func calendarOf(t testing.TB, texts ...string) *model.Schedule {
	t.Helper()
	var s spans
	for _, text := range texts {
		times, name, _ := strings.Cut(text, " ")
		from, to, _ := strings.Cut(times, "/")
		s = append(s, named{at(t, from).Unix(), at(t, to).Unix(), name})
	}
	return &model.Schedule{Spans: s}
}

// randomSpans may overlap and meet.
func randomSpans(rng *rand.Rand, near time.Time) spans {
	var s spans
	for i := range rng.IntN(9) {
		from := near.Unix() + int64(rng.IntN(16*24*60)-8*24*60)*60
		if i > 0 && rng.IntN(4) == 0 {
			from = s[i-1].to
		}
		s = append(s, named{from, from + 60*int64(1+rng.IntN([]int{30, 600, 3 * 24 * 60}[rng.IntN(3)])), fmt.Sprint("event ", i)})
	}
	slices.SortFunc(s, func(a, b named) int {
		if a.from != b.from {
			return int(a.from - b.from)
		}
		return int(a.to - b.to)
	})
	return s
}

// randomAsk is about a plan half the time, and by hand half the time.
func randomAsk(rng *rand.Rand, loc *time.Location, near time.Time) Ask {
	ask := Ask{Known: rng.IntN(2) == 0, Automatic: rng.IntN(2) == 0}
	for range 1 + rng.IntN(5) {
		in := loc
		if rng.IntN(4) == 0 {
			in = time.UTC
		}
		r := randomRule(rng, in, near.Add(time.Duration(rng.IntN(14*24)-7*24)*time.Hour))
		r.Manual = rng.IntN(4) == 0
		r.Imported = r.Manual && rng.IntN(4) > 0 || rng.IntN(3) == 0
		if ask.Known && rng.IntN(3) > 0 || rng.IntN(6) == 0 {
			r.Scope = randomScope(rng)
		}
		ask.Rules = append(ask.Rules, r)
	}
	if ask.Known {
		for range rng.IntN(4) {
			s := []model.WindowSubject{
				{Kind: "ConfigMap", Namespace: "shop"}, {Group: "apps", Kind: "StatefulSet", Namespace: "shop"},
				{Group: "apps", Kind: "StatefulSet", Namespace: "ship"}, {Group: "rbac.authorization.k8s.io", Kind: "ClusterRole"},
				{},
			}[rng.IntN(5)]
			if s.Kind == "" || rng.IntN(2) == 0 {
				s.Risks = [][]string{{"restarts-pods"}, {"restarts-pods", "widens-access"}}[rng.IntN(2)]
			}
			ask.Subjects = append(ask.Subjects, s)
		}
	}
	return ask
}

func randomScope(rng *rand.Rand) (s model.WindowScope) {
	if rng.IntN(2) == 0 {
		s.Kinds = [][]string{{"ConfigMap"}, {"StatefulSet.apps"}, {"StatefulSet", "ClusterRole"}, {"StatefulSet.other"}}[rng.IntN(4)]
	}
	if rng.IntN(2) == 0 {
		s.Namespaces = [][]string{{"shop"}, {"*"}, {"sh*p"}, {"*o*", "nowhere"}}[rng.IntN(4)]
	}
	if rng.IntN(3) == 0 {
		s.Risks = [][]string{{"widens-access"}, {"restarts-pods", "other"}}[rng.IntN(2)]
	}
	return s
}

// isNamed is Names, in another way.
func isNamed(scope model.WindowScope, s model.WindowSubject) bool {
	any := func(list []string, is func(want string) bool) bool {
		return list == nil || slices.ContainsFunc(list, is)
	}
	return any(scope.Kinds, func(k string) bool { return k == s.Kind || k == s.Kind+"."+s.Group }) &&
		any(scope.Namespaces, func(p string) bool {
			return regexp.MustCompile("^"+strings.ReplaceAll(p, "*", ".*")+"$").MatchString(s.Namespace) && s.Namespace != ""
		}) &&
		any(scope.Risks, func(r string) bool { return slices.Contains(s.Risks, r) })
}

// judges lists, subject by subject, the rules it is judged by.
func judges(a Ask) (out [][]int) {
	subjects := a.Subjects
	if !slices.ContainsFunc(subjects, func(s model.WindowSubject) bool { return s.Kind != "" }) {
		subjects = append(slices.Clone(subjects), model.WindowSubject{})
	}
	for _, s := range subjects {
		var general, special []int
		specialAllow := false
		for i, r := range a.Rules {
			switch {
			case r.Scope.IsZero():
				general = append(general, i)
			case a.Known && isNamed(r.Scope, s):
				special = append(special, i)
				specialAllow = specialAllow || r.Allow != nil
			}
		}
		if s.Kind == "" && s.Risks != nil { // the plan
			out = append(out, special)
			continue
		}
		for _, i := range general {
			if a.Rules[i].Freeze != nil || !specialAllow {
				special = append(special, i)
			}
		}
		out = append(out, special)
	}
	return out
}

// canSync is Argo CD's SyncWindows.CanSync, with freezes as its deny windows. An
// allow rule that is not from there goes on to bind a person whom they let through.
func canSync(rules []model.WindowRule, judges []int, active func(i int) bool, isManual bool) bool {
	hasActiveDeny, denyManual, hasActiveAllow, hasInactiveAllow, inactiveManual := false, true, false, false, true
	own := false
	for _, i := range judges {
		own = own || rules[i].Allow != nil && !rules[i].Imported
		switch r := rules[i]; {
		case r.Freeze != nil && active(i):
			hasActiveDeny = true
			denyManual = denyManual && r.Manual
		case r.Allow != nil && active(i):
			hasActiveAllow = true
		case r.Allow != nil:
			hasInactiveAllow = true
			inactiveManual = inactiveManual && r.Manual
		}
	}
	if hasActiveDeny && (!isManual || !denyManual || !own) {
		return isManual && denyManual
	}
	if hasActiveAllow {
		return true
	}
	if hasInactiveAllow {
		return isManual && inactiveManual
	}
	return true
}

func reference(a Ask, begin time.Time, minutes int) []bool {
	walls := map[*time.Location]wall{}
	marks := make([][]bool, len(a.Rules))
	for i, r := range a.Rules {
		w, known := walls[r.Location]
		if !known {
			w = watch(r.Location, begin, minutes)
			walls[r.Location] = w
		}
		marks[i] = make([]bool, minutes)
		w.mark(marks[i], schedule(&r))
		cut(marks[i], int(r.Cutoff/time.Minute))
	}
	open := make([]bool, minutes)
	judges := judges(a)
	for m := range open {
		open[m] = true
		for _, j := range judges {
			open[m] = open[m] && canSync(a.Rules, j, func(i int) bool { return marks[i][m] }, !a.Automatic)
		}
	}
	return open
}

func describeAll(a Ask) (text string) {
	for _, r := range a.Rules {
		kind := "allow "
		if r.Freeze != nil {
			kind = "freeze "
		}
		text += fmt.Sprintf("%s%s %+v manual %t", kind, Describe(r), r.Scope, r.Manual)
		if s := schedule(&r); s.Spans != nil {
			text += fmt.Sprint(" ", s.Spans.(spans))
		}
		text += "\n"
	}
	return text + fmt.Sprintf("known %t, automatic %t, %+v\n", a.Known, a.Automatic, a.Subjects)
}

// FuzzAsk has one answer checked by the spans in which it is open: At looks
// further and further, Open as far as it is told to at once.
func FuzzAsk(f *testing.F) {
	for seed := range uint64(100) {
		f.Add(seed)
	}
	f.Add(uint64(1795380506452292513)) // a stretch that goes on where looking further begins
	f.Fuzz(func(t *testing.T, seed uint64) { agree(t, seed) })
}

// TestAtAgreesWithOpen is FuzzAsk on new seeds.
func TestAtAgreesWithOpen(t *testing.T) {
	first := uint64(time.Now().UnixNano())
	for seed := first; seed < first+1000; seed++ {
		agree(t, seed)
	}
}

func agree(t *testing.T, seed uint64) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 4))
	loc := zone(t, zones[rng.IntN(len(zones))])
	begin := time.Unix(int64(rng.IntN(60*365*24*60))*60, 0)
	ask := randomAsk(rng, loc, begin.Add(time.Duration(rng.IntN(80*24))*time.Hour))
	end := begin.Add(120 * 24 * time.Hour)
	open := ask.Open(begin, end)
	// opens is the first span that ends after an instant.
	opens := func(at time.Time) Span {
		for _, s := range open {
			if s.To.After(at) {
				return s
			}
		}
		return Span{end, end}
	}
	same := func(got, want time.Time) bool {
		return got.Equal(want) || !want.Before(end) && (got.IsZero() || !got.Before(end))
	}
	for range 12 {
		now := begin.Add(time.Duration(rng.IntN(100*24*60)) * time.Minute)
		switch at := opens(now); rng.IntN(3) {
		case 0:
			now = at.From.Add(-time.Second)
		case 1:
			now = at.To.Add(-time.Second)
		}
		if now.Before(begin) {
			continue
		}
		got, s := ask.At(now), opens(now)
		want := model.WindowState{Open: !s.From.After(now), Until: s.From, NextOpen: s.From}
		if want.Open {
			want.Until, want.NextOpen = s.To, opens(s.To).From
		}
		if got.Open != want.Open || !same(got.Until, want.Until) || !same(got.NextOpen, want.NextOpen) {
			t.Fatalf("seed %d: at %s (%s)\n got %+v\nwant %+v\n%s", seed, now, loc, got, want, describeAll(ask))
		}
		if next := ask.Next(now, 1); want.Open && (len(next) != 1 || !next[0].From.Equal(now.Truncate(time.Second)) || !next[0].To.Equal(got.Until)) {
			t.Fatalf("seed %d: at %s (%s): next %+v, want until %s\n%s", seed, now, loc, next, got.Until, describeAll(ask))
		}
	}
}
