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
