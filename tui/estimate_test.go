package tui

import (
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

func TestTheEstimateIsTheMedianOfTheLastSuccesses(t *testing.T) {
	start := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	run := func(state model.RunState, took time.Duration) model.Run {
		return model.Run{State: state, StartedAt: start, FinishedAt: start.Add(took)}
	}
	ok := func(took ...time.Duration) []model.Run {
		var out []model.Run
		for _, d := range took {
			out = append(out, run(model.RunSucceeded, d))
		}
		return out
	}
	open := model.Run{State: model.RunSucceeded, StartedAt: start}
	for name, c := range map[string]struct {
		runs []model.Run
		want time.Duration
		of   int
	}{
		"none":                      {nil, 0, 0},
		"one":                       {ok(time.Minute), time.Minute, 1},
		"two":                       {ok(time.Minute, 3*time.Minute), 2 * time.Minute, 2},
		"an outlier":                {ok(time.Minute, 2*time.Hour, 2*time.Minute), 2 * time.Minute, 3},
		"only the last six":         {append(ok(1, 2, 3, 4, 5, 6), ok(time.Hour, time.Hour, time.Hour, time.Hour)...), 3, 6},
		"failed ones do not count":  {append(ok(time.Minute), run(model.RunFailed, time.Hour), run(model.RunAborted, 1), run(model.RunApplying, 1)), time.Minute, 1},
		"nor those without an end":  {[]model.Run{open}, 0, 0},
		"nor those that end before": {ok(-time.Minute), 0, 0},
	} {
		if got, of := estimate(c.runs); got != c.want || of != c.of {
			t.Errorf("%s: %s of %d, want %s of %d", name, got, of, c.want, c.of)
		}
	}
}
