package repo

import (
	"context"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/fairtide-dev/fairtide/model"
)

// NewestOn is the index of the first among some commits of one branch, newest
// first and all after base, that head is, or has among its first parents;
// len(line) when it has none. All are full hashes.
//
// It goes down from head and from base by turns: whether head is a little newer
// or a little older, it does not read the branch to its beginning.
func (r *Repo) NewestOn(ctx context.Context, line []string, base, head string) (int, error) {
	shallow, err := r.store.shallow()
	if err != nil {
		return 0, model.Errorf(model.ExitUnreachable, "cannot read which commits the clone is cut off at: %w", err)
	}
	index := make(map[plumbing.Hash]int, len(line))
	for i, c := range line {
		index[plumbing.NewHash(c)] = i
	}
	// down is the first parent of a commit; zero: there is none.
	down := func(h plumbing.Hash) (plumbing.Hash, error) {
		c, err := r.commit(h)
		if err != nil || shallow[h] || len(c.ParentHashes) == 0 {
			return plumbing.ZeroHash, err
		}
		return c.ParentHashes[0], nil
	}
	older, passed := map[plumbing.Hash]bool{}, map[plumbing.Hash]bool{}
	at, below := plumbing.NewHash(head), plumbing.NewHash(base)
	for at != plumbing.ZeroHash {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if i, ok := index[at]; ok {
			return i, nil
		}
		if below != plumbing.ZeroHash {
			older[below] = true
		}
		passed[at] = true
		if older[at] || passed[below] {
			return len(line), nil
		}
		if at, err = down(at); err != nil {
			return 0, err
		}
		if below == plumbing.ZeroHash {
			continue
		}
		if below, err = down(below); err != nil {
			return 0, err
		}
	}
	return len(line), nil
}
