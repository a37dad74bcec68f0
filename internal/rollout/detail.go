package rollout

import (
	"context"

	"github.com/fairtide-dev/fairtide/model"
)

// Detail is all there is to say about one change of an environment, pending or
// not. commit is a revision; empty is the head of the environment's branch. No
// cluster is asked, and without a forge the change is as Git has it.
func (e *Engine) Detail(ctx context.Context, name, commit string) (model.ChangeDetail, error) {
	s, err := e.locate(ctx, name)
	if err != nil && s.head.Hash == "" {
		return model.ChangeDetail{}, err
	}
	if commit == "" {
		commit = s.head.Hash
	}
	d, err := e.cfg.Repository.Detail(ctx, s.env, commit)
	if err != nil {
		return d, prefix(name, err)
	}
	asking, cancel := context.WithTimeout(ctx, askForge)
	defer cancel()
	changes := []model.Change{d.Change}
	_ = e.decorate(asking, changes) // the change is as Git has it
	d.Change = changes[0]
	return d, nil
}
