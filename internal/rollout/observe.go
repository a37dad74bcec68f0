package rollout

import (
	"context"

	"github.com/fairtide-dev/fairtide/model"
)

// Observe tells emit when live objects of a plan are no longer as they were when
// it was read, until ctx ends. Whoever is told reads the plan again.
func (e *Engine) Observe(ctx context.Context, plan *model.Plan, emit func(model.Observation)) error {
	s, err := e.locate(ctx, plan.Environment)
	if err != nil {
		return err
	}
	return prefix(plan.Environment, s.cluster.Observe(ctx, plan, emit))
}
