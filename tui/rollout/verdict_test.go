package rollout

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/theme"
)

var began = time.Date(2026, 11, 24, 7, 18, 0, 0, time.UTC)

func screen(p *Page, now time.Time) string {
	f := frame.Frame{W: 120, H: 30, Now: now, Theme: theme.New(theme.Options{Depth: theme.Mono})}
	return ansi.Strip(strings.Join(p.Draw(f).Lines, "\n"))
}

// night is a run of as many objects in two waves, of which the first ones are
// recorded as written.
func night(objects, written int) model.Run {
	r := model.Run{
		ID: "production-8", Environment: "production", Commit: strings.Repeat("b", 40), From: strings.Repeat("a", 40),
		Operator: "op1@vm", StartedAt: began, State: model.RunInterrupted, Waves: []string{"configuration", "workloads"}, Wave: 1,
	}
	for i := range objects {
		o := model.RunObject{ID: model.ObjectID{Kind: "ConfigMap", Namespace: "shop", Name: fmt.Sprintf("c%d", i)}, Verdict: model.VerdictUpdate, Wave: 1 + i/4, Result: model.ResultPending}
		if i < written {
			o.Result, o.At = model.ResultReady, began.Add(time.Second)
		}
		r.Objects = append(r.Objects, o)
	}
	r.Objects[objects-1].Verdict = model.VerdictDelete
	return r
}

func want(t *testing.T, drawn string, has []string, lacks []string) {
	t.Helper()
	for _, s := range has {
		if !strings.Contains(drawn, s) {
			t.Errorf("it lacks %q:\n%s", s, drawn)
		}
	}
	for _, s := range lacks {
		if strings.Contains(drawn, s) {
			t.Errorf("it says %q:\n%s", s, drawn)
		}
	}
}

func TestAnInterruptedRunSaysWhatIsRecorded(t *testing.T) {
	for written, says := range map[int]string{
		0: "None of 8 objects is recorded as written: resuming looks at each.",
		1: "1 of 8 objects are recorded as written. Not recorded as written: ConfigMap c1,",
		8: "All 8 objects are recorded as written.",
	} {
		run := night(8, written)
		p := Record(model.Environment{Name: "production"}, run, began)
		p.Stop(run)
		drawn := screen(p, began.Add(time.Hour))
		want(t, drawn, []string{says, "in wave 1 of 2 or later"}, []string{"Not written", "not written", "were written"})
		if written < 8 {
			want(t, drawn, []string{"not recorded as written", "not recorded as deleted", fmt.Sprintf("%d not recorded", 8-written)}, nil)
		}
	}
}

// TestAFollowedRunThatIsCutOff is told of with the command line's advice, which
// the page has as keys.
func TestAFollowedRunThatIsCutOff(t *testing.T) {
	run := night(8, 1)
	p := Follow(model.Environment{Name: "production"}, began)
	p.Begin(run)
	p.Finish(run, model.Errorf(model.ExitLocked, "run production-8 was interrupted; continue it with `fairtide resume -e production`"), began.Add(time.Minute))
	want(t, screen(p, began.Add(time.Hour)), []string{"interrupted: run production-8 by op1@vm stopped without an end in wave 1 of 2 or later", "1 of 8 objects are recorded"}, []string{"fairtide resume"})
}

func TestAResumedRunIsCountedFromItsStart(t *testing.T) {
	run := night(4, 1)
	resumed := began.Add(20 * time.Minute)
	p := Continue(model.Environment{Name: "production"}, run, resumed)
	p.Usual = 2 * time.Minute
	want(t, screen(p, resumed.Add(time.Second)), []string{"20 m 01 s, about 2 m left"}, []string{"longer than usual"})
	run.State, run.FinishedAt = model.RunSucceeded, resumed.Add(30*time.Second)
	p.Finish(run, nil, resumed.Add(time.Minute))
	want(t, screen(p, resumed.Add(time.Hour)), []string{"in 20 m 30 s; interrupted, and resumed at 07:38"}, nil)

	// Whoever only follows it hears it from the record.
	f := Follow(model.Environment{Name: "production"}, began)
	f.Begin(night(4, 1))
	run.Attempts = []model.RunAttempt{{Operator: "op2@host", At: resumed}}
	f.Finish(run, nil, resumed.Add(time.Minute))
	want(t, screen(f, resumed.Add(time.Hour)), []string{"in 20 m 30 s; interrupted, and resumed at 07:38"}, nil)
}

func TestAnAbortedRunSaysNothingTwice(t *testing.T) {
	const clause = ": 3 of 8 objects were written, and stay as they are; plan again to see what is left: context canceled"
	for why, says := range map[string]string{
		"aborted by op2@host: wrong day": "! aborted by op2@host: wrong day\n",
		"stopped":                        "! aborted: you stopped it\n",
	} {
		run := night(8, 3)
		p := Record(model.Environment{Name: "production"}, run, began)
		run.State, run.FinishedAt = model.RunAborted, began.Add(time.Minute)
		p.Finish(run, model.Errorf(model.ExitInterrupted, "production: %s%s", why, clause), began.Add(time.Minute))
		drawn := screen(p, began.Add(time.Hour))
		want(t, drawn, []string{says, "3 of 8 objects were written"}, []string{"context canceled", "aborted: aborted", "aborted: production"})
		if n := strings.Count(drawn, "were written"); n != 1 {
			t.Errorf("it says %d times what was written:\n%s", n, drawn)
		}
	}
}

func TestADoomedObject(t *testing.T) {
	run := night(2, 0)
	run.Objects[0].Result = model.ResultApplied
	id := run.Objects[0].ID
	p := Follow(model.Environment{Name: "production"}, began)
	run.State = model.RunWatching
	p.Begin(run)
	p.Take([]model.Event{{Time: began, Type: model.EventCause, Object: &id, Progress: &model.Progress{
		ID: id, Readiness: model.ReadinessProgress, Ready: 1, Desired: 3, Old: 2, Message: "1 of 3 updated pods are available, 2 old still there",
		Cause: "the image cannot be pulled", Doomed: true,
	}}})
	if got := p.Words(began); got != "0 of 2 ready, 1 doomed" {
		t.Errorf("in words it is %q", got)
	}
	if hints := p.Hints(); slices.Contains(hints, action.Pause) || hints[0] != action.Revert {
		t.Errorf("whoever follows the run is offered %q", hints)
	}
	p.Take([]model.Event{{Time: began, Type: model.EventPaused, Wave: 2, Waves: 2}})
	if hints := p.Hints(); slices.Contains(hints, action.Pause) {
		t.Errorf("whoever follows the run is offered %q", hints)
	}
	run.State, run.FinishedAt = model.RunAborted, began.Add(time.Minute)
	p.Finish(run, errors.New("aborted by op2@host"), began.Add(time.Minute))
	want(t, screen(p, began.Add(time.Hour)), []string{"1 of 3 ready", "failed", "the image cannot be pulled", "1 failed"}, []string{"still there", "doomed"})
	if got := p.Words(began); got != "0 of 2 ready, 1 failed" {
		t.Errorf("in words it is %q", got)
	}
}

func TestAnExpiredLockIsToldByTheOperatorsClock(t *testing.T) {
	expired := &model.TakeOverError{Environment: "production", Lock: model.Lock{Holder: "op1@vm", Run: "production-8", Expires: began}}
	p := Record(model.Environment{Name: "production"}, night(2, 0), began)
	p.Finish(model.Run{}, fmt.Errorf("shipping: %w", expired), began.Add(time.Minute))
	local := time.FixedZone("local", 3600)
	want(t, screen(p, began.Add(time.Hour).In(local)), []string{"shipping: production: the lock of op1@vm expired at 08:18 in the middle of run production-8"}, []string{"07:18:00Z"})
}
