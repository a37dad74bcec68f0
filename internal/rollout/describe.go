package rollout

import (
	"context"

	"github.com/fairtide-dev/fairtide/model"
)

// Describe reads a live object of an environment with its ReplicaSets, pods and
// containers, and what was said about them lately.
func (e *Engine) Describe(ctx context.Context, env string, t model.Target) (model.ObjectTree, error) {
	s, err := e.locate(ctx, env)
	if err != nil {
		return model.ObjectTree{}, err
	}
	tree, err := s.cluster.Describe(ctx, t)
	return tree, prefix(s.env.Name, err)
}

// LogTail reads the last lines of a container's log; previous asks for that of
// the run before the current one. The lines are the application's own words:
// they may hold anything, and are for the operator's screen only.
func (e *Engine) LogTail(ctx context.Context, env, namespace, pod, container string, previous bool, lines int) ([]string, error) {
	s, err := e.locate(ctx, env)
	if err != nil {
		return nil, err
	}
	out, err := s.cluster.LogTail(ctx, namespace, pod, container, previous, lines)
	return out, prefix(s.env.Name, err)
}
