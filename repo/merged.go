package repo

import (
	"context"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/fairtide-dev/fairtide/model"
)

// Merged reports whether commit is one that the branch with the given head was
// at: the head itself or one of its first parents. A commit of a merged branch
// is not; nobody ever approved the tree it has. Both are full hashes.
func (r *Repo) Merged(ctx context.Context, commit, head string) (bool, error) {
	shallow, err := r.store.shallow()
	if err != nil {
		return false, model.Errorf(model.ExitUnreachable, "cannot read which commits the clone is cut off at: %w", err)
	}
	want := plumbing.NewHash(commit)
	for h := plumbing.NewHash(head); h != want; {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		c, err := r.commit(h)
		if err != nil {
			return false, err
		}
		if shallow[h] || len(c.ParentHashes) == 0 {
			return false, nil
		}
		h = c.ParentHashes[0]
	}
	return true, nil
}
