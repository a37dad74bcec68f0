package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

const morning = `
  override: {allowed: true}
  windows: [{name: mornings, timeZone: UTC, allow: {days: [mon], start: "09:00", end: "12:00"}}]
`

// An operator's clock that is an hour off decides nothing, and is told of.
func TestTheOperatorsClockDecidesNothing(t *testing.T) {
	t.Parallel()
	w := newShore(t, morning)
	live := w.live()
	closed := func(what string) {
		t.Helper()
		w.says(w.must(3, "apply", "-e", "production", "--yes"), "the window is closed", "it opens Mon 2027-03-")
		w.untouched(what, live, 1)
		w.must(3, "window", "-e", "production")
	}
	w.skew = -time.Hour
	w.server.set(at(12, 10, 0))
	closed("open by the operator's clock: behind")
	w.says(w.must(3, "window", "-e", "production"), "this computer's clock is 1 h behind the cluster's")
	w.says(w.must(0, "status"), "this computer's clock is 1 h behind the cluster's")
	w.skew = time.Hour
	w.server.set(at(8, 50, 0))
	closed("open by the operator's clock: ahead")

	w.server.silent(true)
	w.skew = 0
	for _, args := range [][]string{{}, {"--override", "it burns"}} {
		r := w.must(10, append([]string{"apply", "-e", "production", "--yes"}, args...)...)
		w.says(r, "does not say what time it has")
	}
	w.says(w.must(10, "window", "-e", "production"), "does not say what time it has")
	w.server.silent(false)
	w.untouched("nobody knows what time it is", live, 1)

	w.skew = time.Hour
	w.server.set(at(11, 30, 0))
	w.says(w.must(0, "apply", "-e", "production", "--yes"), "this computer's clock is 1 h ahead of the cluster's; windows are judged by the cluster's")
	if run := w.runs()[0]; run.State != model.RunSucceeded || run.Exception != nil || !strings.HasPrefix(run.Window, "open: ") {
		t.Errorf("the record: %+v", run)
	}
}

// The plan was confirmed while it was open, and it closes before the first write.
func TestTheWindowClosesBetweenConfirmAndFirstWrite(t *testing.T) {
	t.Parallel()
	w := newShore(t, morning)
	live := w.live()
	locks := func(r *http.Request) bool {
		return strings.Contains(r.URL.Path, "/leases") && (r.Method == http.MethodPost || r.Method == http.MethodPut)
	}
	w.server.set(at(11, 59, 30))
	w.server.when(locks, at(12, 0, 0))
	r := w.must(3, "apply", "-e", "production", "--yes", "-o", "json")
	w.says(r, "locked by", "the window is closed", "it opens Mon 2027-03-08 09:00 UTC")
	w.server.leave()
	w.untouched("it closed before the first write", live, 1)
	if st := decode[struct{ Environments []model.EnvironmentStatus }](t, w.must(0, "status", "-o", "json").stdout).Environments[0]; st.Lock != nil || st.LastRun.State != model.RunSucceeded {
		t.Errorf("left behind: %+v", st)
	}

	w.server.set(at(11, 59, 30))
	w.server.when(locks, at(12, 0, 0))
	w.must(0, "apply", "-e", "production", "--yes", "--override", "it burns")
	if x := w.runs()[0].Exception; x == nil || x.Reason != "it burns" || len(x.Rules) != 1 || !strings.Contains(x.Rules[0], "the window is closed: ") || !x.At.Truncate(time.Minute).Equal(at(12, 0, 0)) {
		t.Errorf("the record: %+v", x)
	}
}

// What happens to a run whose window closes between its waves is the
// environment's to say.
func TestTheWindowClosesBetweenWaves(t *testing.T) {
	t.Parallel()
	const stops = "\n  overrun: stop-between-waves" + morning
	cutoff := strings.Replace(stops, `allow: {`, `cutoff: 2h, allow: {`, 1)
	for _, c := range []struct {
		name, keys, override string
		from, to             time.Time
		code                 model.ExitCode
		state                model.RunState
		pending              int // objects that were not written
	}{
		{"finish", "\n  overrun: finish" + morning, "", at(11, 59, 30), at(12, 1, 0), 0, model.RunSucceeded, 0},
		{"not said", morning, "", at(11, 59, 30), at(12, 1, 0), 0, model.RunSucceeded, 0},
		{"stop", stops, "", at(11, 59, 30), at(12, 1, 0), 6, model.RunAborted, 2},
		{"stop, with a reason that was not needed", stops, "it burns", at(11, 59, 30), at(12, 1, 0), 6, model.RunAborted, 2},
		{"stop, but only the cutoff has begun", cutoff, "", at(9, 59, 30), at(10, 0, 30), 0, model.RunSucceeded, 0},
		{"stop, overridden", stops, "it burns", at(12, 0, 30), at(12, 1, 0), 0, model.RunSucceeded, 0},
		{"stop, the cutoff was overridden", cutoff, "it burns", at(11, 0, 0), at(12, 1, 0), 0, model.RunSucceeded, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newShore(t, c.keys)
			before := w.live()
			w.server.set(c.from)
			w.server.when(w.written("configmaps", "settings"), c.to)
			args := []string{"apply", "-e", "production", "--yes", "-o", "json"}
			if c.override != "" {
				args = append(args, "--override", c.override)
			}
			r := w.must(c.code, args...)
			run, after := w.runs()[0], w.live()
			pending := 0
			for _, o := range run.Objects {
				if o.Result == model.ResultPending {
					pending++
				}
			}
			if run.State != c.state || pending != c.pending || len(run.Objects) != 3 || after["ConfigMap/settings"] == before["ConfigMap/settings"] ||
				(after["Service/web"] == before["Service/web"]) != (c.pending > 0) || (after["ConfigMap/old"] == "") != (c.pending == 0) {
				t.Fatalf("%s: %v became %v; the record: %+v\n%s", run.State, before, after, run, r.stderr)
			}
			if c.state == model.RunAborted {
				w.stoppedAfterOneWave(run, r)
			}
		})
	}
}

// stoppedAfterOneWave looks at what is told of a run that was stopped, and ships
// the rest in the next window.
func (w *shore) stoppedAfterOneWave(run model.Run, r result) {
	t := w.t
	t.Helper()
	for _, part := range []string{
		"stopped after wave 1 of 3", "the window has closed", "overrun is stop-between-waves", "written, and left as they are: configuration and RBAC (1)",
		"not written: workloads and services (1), prune (1)", "it opens Mon 2027-03-08 09:00 UTC",
	} {
		if !strings.Contains(run.Reason, part) || !strings.Contains(r.stderr, part) {
			t.Errorf("nothing says %q:\n%s\n%s", part, run.Reason, r.stderr)
		}
	}
	w.says(r, `"type":"finished"`, `"state":"aborted"`, `"exitCode":6`, "no other wave begins, as the window has closed")
	if !strings.HasPrefix(run.Window, "open: ") || run.Exception != nil {
		t.Errorf("the record: %+v", run)
	}
	if i := slices.IndexFunc(run.Objects, func(o model.RunObject) bool { return o.ID.Name == "settings" }); run.Objects[i].Result != model.ResultReady {
		t.Errorf("what was written was not watched: %+v", run.Objects[i])
	}
	w.server.leave()
	w.must(3, "apply", "-e", "production", "--yes")
	w.server.set(at(9, 0, 0).AddDate(0, 0, 7))
	w.must(0, "apply", "-e", "production", "--yes")
	w.must(0, "diff", "-e", "production")
}

// stocktaking is a calendar as a server has it, with a freeze on the day after
// shoreDay.
const stocktaking = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//example//stock//EN\r\nBEGIN:VEVENT\r\nUID:1@example.com\r\nDTSTAMP:20270101T000000Z\r\n" +
	"DTSTART;VALUE=DATE:20270302\r\nDTEND;VALUE=DATE:20270303\r\nSUMMARY:stocktaking\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"

// library serves a calendar at an address that stays the same while it is away.
type library struct {
	t       *testing.T
	address string
	server  *httptest.Server
}

func newLibrary(t *testing.T) *library {
	t.Helper()
	l := &library{t: t, address: "127.0.0.1:0"}
	l.opens()
	t.Cleanup(l.closes)
	return l
}

func (l *library) opens() {
	l.t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(l.t.Context(), "tcp", l.address)
	if err != nil {
		l.t.Fatal(err)
	}
	l.address = listener.Addr().String()
	l.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/calendar")
		_, _ = w.Write([]byte(stocktaking))
	}))
	_ = l.server.Listener.Close()
	l.server.Listener = listener
	l.server.Start()
}

func (l *library) closes() { l.server.Close() }

// A calendar that cannot be fetched counts as it was fetched last, for a while.
func TestACalendarThatIsAway(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	w := newShore(t, "\n  override: {allowed: true}\n  windows: [{name: holidays, timeZone: UTC, freeze: {ics: \"http://"+l.address+"/stock.ics\", maxAge: 6h}}]\n")
	live := w.live()
	l.closes()
	apply := []string{"apply", "-e", "production", "--yes"}

	w.says(w.must(3, apply...), "the window is closed (closed: the calendar of holidays cannot be read: ", "nobody can say when it opens")
	w.says(w.must(3, "window", "-e", "production"), "the calendar of holidays cannot be read: ")
	w.says(w.must(0, "status"), "closed")
	w.untouched("the calendar was never fetched", live, 1)
	w.must(0, append(apply, "--override", "it burns")...)
	if x := w.runs()[0].Exception; x == nil || x.Reason != "it burns" || len(x.Rules) != 1 || !strings.Contains(x.Rules[0], "the calendar of holidays cannot be read: ") {
		t.Errorf("the record: %+v", x)
	}

	l.opens()
	w.server.set(at(9, 0, 0))
	w.must(0, "window", "-e", "production") // and so it was fetched
	l.closes()
	w.server.set(at(12, 30, 0))
	w.commit(map[string]string{"app/settings.yaml": shoreSettings("3")})
	w.says(w.must(0, apply...), "holidays: from the cache, fetched 3 h")
	if run := w.runs()[0]; !strings.HasPrefix(run.Window, "open: ") || !strings.Contains(run.Window, "from the cache, fetched 3 h") || run.Exception != nil {
		t.Errorf("the record: %+v", run)
	}

	w.commit(map[string]string{"app/settings.yaml": shoreSettings("4")})
	live = w.live()
	w.server.set(at(15, 30, 0))
	w.says(w.must(3, apply...), "the calendar of holidays cannot be read: ")
	w.untouched("the calendar was fetched too long ago", live, 3)

	l.opens()
	w.server.set(at(22, 0, 0))
	w.must(0, "window", "-e", "production")
	l.closes()
	w.server.set(at(24, 30, 0))
	w.says(w.must(3, apply...), "stocktaking", "from the cache, fetched 2 h", "it opens Wed 2027-03-03 00:00 UTC")
	w.untouched("a holiday, as the cache has it", live, 3)
}
