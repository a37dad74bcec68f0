package model

import (
	"slices"
	"time"
)

// runsCounted is how many of the last runs say how long the next may take: what
// was longer ago was another environment.
const runsCounted = 6

// Estimate is how long a run is likely to take.
type Estimate struct {
	Takes time.Duration // 0: not known
	Of    int           // how many runs it is the median of; 0: it is not from runs
	// Most is how long the run may take when all goes as slowly as it may
	// without failing: progress deadlines and the timeouts of tests. 0: not known.
	Most time.Duration
}

// EstimateRun estimates by the median of the last runs that succeeded, newest
// first, and how long a plan may take at most in an environment.
func EstimateRun(runs []Run, _ *Plan, _ Environment) Estimate {
	var took []time.Duration
	for _, r := range runs {
		if r.State == RunSucceeded && r.FinishedAt.After(r.StartedAt) && len(took) < runsCounted {
			took = append(took, r.FinishedAt.Sub(r.StartedAt))
		}
	}
	if len(took) == 0 {
		return Estimate{}
	}
	slices.Sort(took)
	half := len(took) / 2
	e := Estimate{Takes: took[half], Of: len(took)}
	if len(took)%2 == 0 {
		e.Takes = (took[half-1] + took[half]) / 2
	}
	return e
}
