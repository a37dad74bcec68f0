package rollout

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fairtide-dev/fairtide/internal/calendars"
	"github.com/fairtide-dev/fairtide/model"
)

// almanac reads every calendar as one span, or not at all.
type almanac struct {
	from, to   time.Time
	unreadable string
	asked      []string // files, and the commits they were asked at
	network    int      // how often it may have asked somebody
}

func (a *almanac) Next(after, before int64) (from, to int64, name string, ok bool) {
	return a.from.Unix(), a.to.Unix(), "", a.to.Unix() > after && a.from.Unix() < before
}

func (a *almanac) String() string { return "a calendar" }

func (a *almanac) Read(ctx context.Context, rules []model.WindowRule, file calendars.File) []model.WindowRule {
	a.network++
	return a.Cached(ctx, rules, file)
}

func (a *almanac) Cached(ctx context.Context, rules []model.WindowRule, file calendars.File) []model.WindowRule {
	rules = append([]model.WindowRule(nil), rules...)
	for i := range rules {
		if rules[i].Source == nil {
			continue
		}
		if data, err := file(ctx, rules[i].Source.File); err == nil {
			a.asked = append(a.asked, rules[i].Source.File+": "+string(data))
		}
		if rules[i].Unreadable = a.unreadable; a.unreadable == "" {
			rules[i].Freeze = &model.Schedule{Spans: a}
			rules[i].Aside = "holidays: read 3 h ago"
		}
	}
	return rules
}

// filed is a repository that says of every file at which commit it was asked.
type filed struct{ oneCommit }

func (filed) File(_ context.Context, commit, path string) ([]byte, error) {
	return []byte("at " + model.Short(commit)), nil
}

var shipsAt = time.Date(2026, 10, 5, 9, 0, 0, 0, time.UTC) // the clock of memory

func calendarSite(m *memory) site {
	return site{
		env: model.Environment{Name: "staging", Windows: []model.WindowRule{{
			Name: "holidays", Location: time.UTC, Freeze: &model.Schedule{}, Source: &model.WindowSource{File: "holidays.ics"},
		}}, Override: model.OverridePolicy{Allowed: true}},
		head: model.Commit{Hash: newCommit}, cluster: m,
	}
}

// A calendar that cannot be read closes, may be overridden, and goes on record.
func TestGateWithCalendars(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		a        *almanac
		override string
		code     model.ExitCode
		says     string
	}{
		{"nothing reads calendars", nil, "", model.ExitWindowClosed, "nothing here reads calendars"},
		{"unreadable", &almanac{unreadable: "cannot be read: no such host"}, "", model.ExitWindowClosed, "no such host); nobody can say when it opens"},
		{"unreadable, overridden", &almanac{unreadable: "cannot be read: no such host"}, "it burns", model.ExitOK, "no such host"},
		{"a holiday", &almanac{from: shipsAt.Add(-time.Hour), to: shipsAt.Add(time.Hour)}, "", model.ExitWindowClosed, "it opens Mon 2026-10-05 10:00 UTC"},
		{"no holiday", &almanac{from: shipsAt.Add(time.Hour), to: shipsAt.Add(2 * time.Hour)}, "", model.ExitOK, "(holidays: read 3 h ago)"},
	} {
		m, e := newMemory()
		e.cfg.Repository = filed{}
		if c.a != nil {
			e.cfg.Calendars = c.a
		}
		s := calendarSite(m)
		allowed, err := e.gate(t.Context(), s, concern{}, c.override, nil)
		said := allowed.window
		if err != nil {
			said = err.Error()
		}
		if model.CodeOf(err, model.ExitRolloutFailed) != c.code || !strings.Contains(said, c.says) {
			t.Errorf("%s: %v, %q", c.name, err, said)
		}
		if (c.override != "") != (allowed.exception != nil && allowed.override && strings.Contains(allowed.exception.Rules[0], c.says)) {
			t.Errorf("%s: the exception is %+v", c.name, allowed.exception)
		}
		if c.a != nil && fmt.Sprint(c.a.asked) != "[holidays.ics: at "+model.Short(newCommit)+"]" {
			t.Errorf("%s: the calendar was read from %v", c.name, c.a.asked)
		}
		if r := s.env.Windows[0]; r.Unreadable != "" || r.Freeze.Spans != nil {
			t.Errorf("%s: the configuration was altered: %+v", c.name, r)
		}
	}
}

// A list of environments asks nobody for calendars.
func TestEnvironmentsAskNobody(t *testing.T) {
	t.Parallel()
	_, r, _, e := newShared(`, windows: [{name: holidays, timeZone: UTC, freeze: {ics: holidays.ics}}]`)
	a := &almanac{from: shipsAt, to: shipsAt.Add(time.Hour)}
	e.cfg.Calendars = a
	envs, err := e.Environments(t.Context())
	if err != nil || len(envs) != 2 || envs[1].Windows[0].Freeze.Spans == nil || a.network != 0 {
		t.Fatalf("%+v, %v; asked %d times", envs, err, a.network)
	}
	if _, err := e.Environments(t.Context()); err != nil || len(a.asked) != 2 || !strings.HasPrefix(a.asked[0], "holidays.ics: "+r.config) {
		t.Errorf("%v, %q", err, a.asked)
	}
	st, err := e.Status(t.Context(), "production")
	if err != nil || a.network != 1 || st.Window == nil || st.Window.Open || st.Window.Aside != "holidays: read 3 h ago" || len(st.Rules) != 1 || st.Rules[0].Freeze.Spans == nil {
		t.Errorf("%+v, %v; asked %d times", st, err, a.network)
	}
	w, err := e.Window(t.Context(), "production", shipsAt.Add(-time.Second), nil)
	if err != nil || !w.Open {
		t.Errorf("before the holiday: %+v, %v", w, err)
	}
	next, zone, err := e.Openings(t.Context(), "production", time.Time{}, 1, nil)
	if err != nil || len(next) != 1 || !next[0].From.Equal(a.to) || zone != time.UTC {
		t.Errorf("after the holiday: %+v in %s, %v", next, zone, err)
	}
}

// A rule about some kinds is judged for what is written.
func TestWindowsByWhatIsWritten(t *testing.T) {
	t.Parallel()
	const windows = `, windows: [{name: databases, timeZone: UTC, scope: {kinds: [StatefulSet]}, freeze: {from: 2026-10-05, to: 2026-10-05}}]`
	m, _, f, e := newShared(windows)
	f.pr.Files = []string{"env/production/x.yaml"}
	for kind, closed := range map[string]bool{"StatefulSet": true, "Deployment": false} {
		about := []model.WindowSubject{{Group: "apps", Kind: kind, Namespace: "shop"}}
		w, err := e.Window(t.Context(), "production", time.Time{}, about)
		if err != nil || w.Open == closed {
			t.Errorf("%s: %+v, %v", kind, w, err)
		}
		plan := &model.Plan{Objects: []model.PlannedObject{{ID: model.ObjectID{Group: "apps", Kind: kind, Namespace: "shop", Name: "db"}, Verdict: model.VerdictUpdate}}}
		s, err := e.locate(t.Context(), "production")
		if err != nil {
			t.Fatal(err)
		}
		x := &execution{engine: e, site: s}
		if _, err := e.gate(t.Context(), s, x.concern(plan), "", nil); (model.CodeOf(err, model.ExitOK) == model.ExitWindowClosed) != closed {
			t.Errorf("a plan with a %s: %v", kind, err)
		}
		changed := []model.ChangedObject{{ID: model.ObjectID{Group: "apps", Kind: kind, Name: "db"}}, {ID: model.ObjectID{Group: "apps", Kind: kind, Name: "other"}}}
		subjects := changedSubjects(s.env, changed)
		if len(subjects) != 1 || subjects[0].Namespace != "default" || subjects[0].Kind != kind {
			t.Errorf("of changed objects: %+v", subjects)
		}
	}
	if w, err := e.Window(t.Context(), "production", time.Time{}, nil); err != nil || !w.Open || w.Aside == "" {
		t.Errorf("when it is not known what is written: %+v, %v", w, err)
	}
	if st, err := e.Status(t.Context(), "production"); err != nil || !st.Window.Open || !st.Clock.Equal(shipsAt) || len(m.runs) != 0 {
		t.Errorf("the status: %+v, %v", st, err)
	}
}

func TestSkewNote(t *testing.T) {
	t.Parallel()
	for skew, says := range map[time.Duration]string{
		0: "", time.Minute: "", -time.Minute: "", 61 * time.Second: "is 1 min ahead of the cluster's",
		-time.Hour: "is 1 h behind the cluster's", 25*time.Hour + 20*time.Second: "is 25 h ahead of",
	} {
		if got := SkewNote(skew); (got == "") != (says == "") || !strings.Contains(got, says) {
			t.Errorf("%s: %q", skew, got)
		}
	}
}

// clockless is a cluster whose clock is set by the test, and can be away.
type clockless struct {
	*memory
	now    func() time.Time
	away   error
	misses int // how often it is away; 0: for good
}

func (c *clockless) Info(context.Context) (model.ClusterInfo, error) {
	if c.away != nil {
		if c.misses--; c.misses == 0 {
			defer func() { c.away = nil }()
		}
		return model.ClusterInfo{}, c.away
	}
	return model.ClusterInfo{User: "op1", Now: c.now(), Skew: 2 * time.Hour}, nil
}

// overrunning is a run that was let in by a window from 8 to 10, with one object
// in each of three waves.
func overrunning(t *testing.T, now time.Time) (*execution, []model.Wave, *clockless, *[]model.Event) {
	t.Helper()
	m, e := newMemory()
	e.cfg.Timing.Clock, e.cfg.Timing.Poll = 50*time.Millisecond, time.Millisecond
	c := &clockless{memory: m, now: func() time.Time { return now }}
	var events []model.Event
	plan := &model.Plan{Objects: []model.PlannedObject{
		{ID: model.ObjectID{Kind: "ConfigMap", Namespace: "shop", Name: "flags"}, Verdict: model.VerdictUpdate},
		{ID: model.ObjectID{Group: "apps", Kind: "StatefulSet", Namespace: "shop", Name: "db"}, Verdict: model.VerdictUpdate},
		{ID: model.ObjectID{Kind: "ConfigMap", Namespace: "shop", Name: "old"}, Verdict: model.VerdictDelete},
	}}
	x := &execution{
		engine: e, log: newStory(time.Now, func(ev model.Event) { events = append(events, ev) }),
		site:    site{env: model.Environment{Name: "staging", Overrun: model.OverrunStop}, cluster: c},
		reading: reading{plan: plan},
	}
	x.entered.rules = []model.WindowRule{{
		Name: "mornings", Location: time.UTC, Cutoff: 90 * time.Minute,
		Allow: &model.Schedule{From: shipsAt.Add(-time.Hour), To: shipsAt.Add(time.Hour)},
	}}
	return x, plan.Waves(), c, &events
}

// Whether a wave may begin.
func TestMayBegin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, mayBegins) // a busy machine is no cluster whose clock cannot be read
}

func mayBegins(t *testing.T) {
	const inTime, late = 30 * time.Minute, 61 * time.Minute // after the cutoff, and after the end
	for _, c := range []struct {
		name string
		at   time.Duration
		n    int
		set  func(*execution, *clockless)
		says string // empty: it may
	}{
		{"in time, after the cutoff", inTime, 1, nil, ""},
		{"late", late, 1, nil, "stopped after wave 1 of 3, as the window has closed (closed: "},
		{"late, before prune", late, 2, nil, "written, and left as they are: configuration and RBAC (1), workloads and services (1); not written: prune (1);"},
		{"late, the first wave", late, 0, nil, ""},
		{"late, and it finishes", late, 1, func(x *execution, _ *clockless) { x.site.env.Overrun = model.OverrunFinish }, ""},
		{"late, and nothing is said", late, 1, func(x *execution, _ *clockless) { x.site.env.Overrun = "" }, ""},
		{"late, in a sandbox", late, 1, func(x *execution, _ *clockless) { x.sandbox = true }, ""},
		{"late, overridden", late, 1, func(x *execution, _ *clockless) { x.entered.override = true }, ""},
		{"late, with a reason for something else", late, 1, func(x *execution, _ *clockless) { x.approval.Override = "it burns" }, "stopped after wave 1 of 3"},
		{"nobody knows what time it is", inTime, 1, func(_ *execution, c *clockless) { c.away = errors.New("no route to host") }, "(closed: the cluster's clock cannot be read: no route to host)"},
		{"nobody knows for a moment what time it is", inTime, 1, func(_ *execution, c *clockless) { c.away, c.misses = errors.New("no route to host"), 2 }, ""},
		{"a freeze for what is still to come", inTime, 1, freezing("StatefulSet"), "closed"},
		{"a freeze for what is written already", inTime, 2, freezing("StatefulSet"), ""},
	} {
		x, waves, cluster, events := overrunning(t, shipsAt.Add(c.at))
		if c.set != nil {
			c.set(x, cluster)
		}
		err := x.mayBegin(t.Context(), waves, c.n)
		if c.says == "" {
			if err != nil || len(*events) != 0 {
				t.Errorf("%s: %v, %v", c.name, err, *events)
			}
			continue
		}
		if model.CodeOf(err, 0) != model.ExitRolloutFailed || !strings.Contains(err.Error(), c.says) || finalState(t.Context(), t.Context(), prefix("staging", err)) != model.RunAborted {
			t.Errorf("%s: %v", c.name, err)
		}
		if len(*events) != 1 || !strings.HasPrefix((*events)[0].Message, "no other wave begins, as the window has closed: ") {
			t.Errorf("%s: told %v", c.name, *events)
		}
		if x.entered.rules[0].Cutoff == 0 {
			t.Errorf("%s: the rules were altered", c.name)
		}
	}
	x, waves, cluster, events := overrunning(t, shipsAt)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	cluster.away = ctx.Err()
	if err := x.mayBegin(ctx, waves, 1); !errors.Is(err, context.Canceled) || errors.Is(err, errOverrun) || len(*events) != 0 {
		t.Errorf("interrupted: %v", err)
	}
}

// freezing freezes a kind at the time at which a run is on its way.
func freezing(kind string) func(*execution, *clockless) {
	return func(x *execution, _ *clockless) {
		x.entered.rules = append(x.entered.rules, model.WindowRule{
			Name: "stocktaking", Location: time.UTC, Scope: model.WindowScope{Kinds: []string{kind}},
			Freeze: &model.Schedule{From: shipsAt.Add(10 * time.Minute), To: shipsAt.Add(time.Hour)},
		})
	}
}

// kinded is a repository in which pull requests alter one object of a kind.
type kinded struct {
	*shared
	kind string
}

func (k *kinded) Changed(_ model.Environment, before, after *model.Rendered) []model.ChangedObject {
	if len(after.Objects) == len(before.Objects) {
		return nil
	}
	return []model.ChangedObject{{ID: model.ObjectID{Group: "apps", Kind: k.kind, Name: "db"}, Verdict: model.VerdictUpdate}}
}

// A merge is judged by the rules about what it alters.
func TestMergeByWhatItAlters(t *testing.T) {
	t.Parallel()
	const windows = `, windows: [{name: databases, timeZone: UTC, scope: {kinds: [StatefulSet]}, freeze: {from: 2026-10-05, to: 2026-10-05}}]`
	for kind, code := range map[string]model.ExitCode{"StatefulSet": model.ExitWindowClosed, "Deployment": model.ExitOK} {
		_, r, f, e := newShared(windows)
		r.alters = "env/production"
		e.cfg.Repository = &kinded{r, kind}
		_, err := e.Merge(t.Context(), "production", 7, oldCommit, "")
		if model.CodeOf(err, model.ExitRolloutFailed) != code || (f.merged != "") != (code == model.ExitOK) || err != nil && !strings.Contains(err.Error(), "databases") {
			t.Errorf("%s: merged %q, %v", kind, f.merged, err)
		}
	}
}
