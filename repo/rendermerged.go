package repo

import (
	"context"
	"fmt"
	"strings"

	"github.com/fairtide-dev/fairtide/model"
)

// RenderMerged is what the environment renders to once head is merged into
// base: of their trees merged in memory, from the newest commit both come
// after, without looking for renames. Both are revisions. The result's Commit
// is head. Files that conflict are an error that names them.
func (r *Repo) RenderMerged(ctx context.Context, env model.Environment, base, head string) (*model.Rendered, error) {
	if r.own == nil {
		return nil, r.errNoCache("merge")
	}
	h, b, err := r.pair(head, base)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", env.Name, err)
	}
	what := fmt.Sprintf("%s: cannot merge %s into %s", env.Name, model.Short(h.Hash.String()), model.Short(b.Hash.String()))
	from, err := r.mergeBase(b.Hash, h.Hash)
	if err != nil {
		return nil, wrapContent(err, "%s", what)
	}
	if from.IsZero() {
		return nil, model.Errorf(model.ExitUsage, "%s: they share no history", what)
	}
	start, err := r.commit(from)
	if err != nil {
		return nil, wrapContent(err, "%s", what)
	}
	m := &treeMerge{ctx: ctx, store: r.store, limit: r.limits.file}
	tree, err := m.merge(start.TreeHash, b.TreeHash, h.TreeHash)
	if err != nil {
		return nil, wrapContent(err, "%s", what)
	}
	if len(m.clashes) > 0 {
		names := make([]string, 0, len(m.clashes))
		for _, c := range m.clashes {
			names = append(names, c.path)
		}
		return nil, model.Errorf(model.ExitUsage, "%s: it conflicts in %s; update the branch", what, strings.Join(names, ", "))
	}
	return r.renderTree(ctx, env, h.Hash, tree)
}
