package tui

import (
	"slices"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// runsCounted is how many of the last runs say how long the next may take: what
// was longer ago was another environment.
const runsCounted = 6

// estimate is how long a run is likely to take, as the median of the last ones
// that succeeded, and of how many that is; 0: none has. The runs are newest
// first.
func estimate(runs []model.Run) (d time.Duration, of int) {
	var took []time.Duration
	for _, r := range runs {
		if r.State == model.RunSucceeded && r.FinishedAt.After(r.StartedAt) && len(took) < runsCounted {
			took = append(took, r.FinishedAt.Sub(r.StartedAt))
		}
	}
	if len(took) == 0 {
		return 0, 0
	}
	slices.Sort(took)
	half := len(took) / 2
	if len(took)%2 == 0 {
		return (took[half-1] + took[half]) / 2, len(took)
	}
	return took[half], len(took)
}
