package rollout

import (
	"context"

	"github.com/fairtide-dev/fairtide/model"
)

// Needs is what working with an environment takes of its cluster.
type Needs struct {
	Environment    model.Environment
	Context        string // of the kubeconfig; empty: the current one
	StateNamespace string
	Objects        []model.Object // as the head of its branch renders them
}

// Needs renders an environment at the head of its branch, and asks no cluster.
func (e *Engine) Needs(ctx context.Context, name string) (Needs, error) {
	s, err := e.locate(ctx, name)
	if err != nil {
		return Needs{}, err
	}
	rendered, err := e.cfg.Repository.Render(ctx, s.env, s.head.Hash)
	if err != nil {
		return Needs{}, prefix(name, err)
	}
	out := Needs{Environment: s.env, Context: s.env.Context, StateNamespace: s.config.StateNamespace, Objects: rendered.Objects}
	if e.cfg.Context != "" {
		out.Context = e.cfg.Context
	}
	return out, nil
}
