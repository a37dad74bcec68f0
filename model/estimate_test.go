package model

import (
	"testing"
	"time"
)

func TestTheEstimateIsTheMedianOfTheLastSuccesses(t *testing.T) {
	start := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	run := func(state RunState, took time.Duration) Run {
		return Run{State: state, StartedAt: start, FinishedAt: start.Add(took)}
	}
	ok := func(took ...time.Duration) []Run {
		var out []Run
		for _, d := range took {
			out = append(out, run(RunSucceeded, d))
		}
		return out
	}
	open := Run{State: RunSucceeded, StartedAt: start}
	for name, c := range map[string]struct {
		runs []Run
		want time.Duration
		of   int
	}{
		"none":                      {nil, 0, 0},
		"one":                       {ok(time.Minute), time.Minute, 1},
		"two":                       {ok(time.Minute, 3*time.Minute), 2 * time.Minute, 2},
		"an outlier":                {ok(time.Minute, 2*time.Hour, 2*time.Minute), 2 * time.Minute, 3},
		"only the last six":         {append(ok(1, 2, 3, 4, 5, 6), ok(time.Hour, time.Hour, time.Hour, time.Hour)...), 3, 6},
		"failed ones do not count":  {append(ok(time.Minute), run(RunFailed, time.Hour), run(RunAborted, 1), run(RunApplying, 1)), time.Minute, 1},
		"nor those without an end":  {[]Run{open}, 0, 0},
		"nor those that end before": {ok(-time.Minute), 0, 0},
	} {
		if got := EstimateRun(c.runs, nil, Environment{}); got.Takes != c.want || got.Of != c.of {
			t.Errorf("%s: %s of %d, want %s of %d", name, got.Takes, got.Of, c.want, c.of)
		}
	}
}

func TestHowLongARunMayTake(t *testing.T) {
	t.Parallel()
	object := func(group, kind, name string, v Verdict, spec map[string]any, risks ...string) PlannedObject {
		o := PlannedObject{ID: ObjectID{Group: group, Kind: kind, Name: name}, Verdict: v, After: map[string]any{"spec": spec}}
		for _, r := range risks {
			o.Risks = append(o.Risks, Risk{Name: r})
		}
		return o
	}
	deadline := func(seconds any) map[string]any { return map[string]any{"progressDeadlineSeconds": seconds} }
	for name, c := range map[string]struct {
		objects []PlannedObject
		tests   []Test
		want    time.Duration
	}{
		"nothing":                 {nil, nil, 0},
		"no pods":                 {[]PlannedObject{object("", "ConfigMap", "a", VerdictCreate, nil)}, nil, 0},
		"a new deployment":        {[]PlannedObject{object("apps", "Deployment", "a", VerdictCreate, nil)}, nil, DefaultProgress},
		"with a deadline":         {[]PlannedObject{object("apps", "Deployment", "a", VerdictUpdate, deadline(int64(90)), "restarts-pods")}, nil, 90 * time.Second},
		"from JSON":               {[]PlannedObject{object("apps", "Deployment", "a", VerdictUpdate, deadline(90.0), "restarts-pods")}, nil, 90 * time.Second},
		"out of all measure":      {[]PlannedObject{object("apps", "Deployment", "a", VerdictCreate, deadline(int64(1)<<62))}, nil, DefaultProgress},
		"pods stay":               {[]PlannedObject{object("apps", "Deployment", "a", VerdictUpdate, deadline(int64(90)))}, nil, 0},
		"goes":                    {[]PlannedObject{object("apps", "Deployment", "a", VerdictDelete, nil, "restarts-pods")}, nil, 0},
		"only takes over":         {[]PlannedObject{object("apps", "Deployment", "a", VerdictUnchanged, nil, "restarts-pods")}, nil, 0},
		"a Deployment of another": {[]PlannedObject{object("example.com", "Deployment", "a", VerdictCreate, nil)}, nil, 0},
		"at the same time": {[]PlannedObject{
			object("apps", "Deployment", "a", VerdictCreate, deadline(int64(90))), object("batch", "Job", "b", VerdictCreate, map[string]any{"activeDeadlineSeconds": int64(120)}),
		}, nil, 2 * time.Minute},
		"wave after wave": {[]PlannedObject{
			object("apps", "StatefulSet", "a", VerdictCreate, nil), object("apps", "DaemonSet", "b", VerdictReplace, nil), object("", "Pod", "c", VerdictCreate, nil),
		}, []Test{{Name: "smoke", Timeout: time.Minute}, {Name: "other"}}, DefaultProgress + time.Minute + DefaultTestTimeout},
	} {
		if got := EstimateRun(nil, &Plan{Objects: c.objects}, Environment{Tests: c.tests}); got.Most != c.want || got.Takes != 0 {
			t.Errorf("%s: %+v, want %s", name, got, c.want)
		}
	}
}

func TestFitsIntoAWindow(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 10, 5, 9, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		e    Estimate
		left time.Duration
		want Fit
	}{
		{Estimate{Takes: 6 * time.Minute, Of: 5}, 4 * time.Minute, Fit{FitsNot, 4 * time.Minute, 2 * time.Minute}},
		{Estimate{Takes: 4 * time.Minute, Of: 5, Most: time.Hour}, 4 * time.Minute, Fit{Fits, 4 * time.Minute, 0}},
		{Estimate{Most: time.Hour}, 4 * time.Minute, Fit{FitsUnsure, 4 * time.Minute, 56 * time.Minute}},
		{Estimate{Most: time.Hour}, 2 * time.Hour, Fit{Fits, 2 * time.Hour, 0}},
		{Estimate{}, time.Second, Fit{Fits, time.Second, 0}},
	} {
		if got := c.e.Fits(now, now.Add(c.left)); got != c.want {
			t.Errorf("%+v in %s: %+v, want %+v", c.e, c.left, got, c.want)
		}
	}
	if got := (Estimate{Takes: time.Hour}).Fits(now, time.Time{}); got != (Fit{State: Fits}) {
		t.Errorf("a window that does not close: %+v", got)
	}
}
