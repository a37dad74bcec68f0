package repo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/fairtide-dev/fairtide/model"
)

// lockPoll is how often a lock that another process holds is tried again.
const lockPoll = 50 * time.Millisecond

// locked calls f while no other process changes the own repository.
func (r *Repo) locked(ctx context.Context, f func() error) (err error) {
	if err := os.MkdirAll(r.own.dir, 0o700); err != nil {
		return err
	}
	lock, err := os.OpenFile(r.own.dir+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	for {
		ok, err := tryLock(lock)
		if err != nil {
			return fmt.Errorf("lock %s: %w", lock.Name(), err)
		}
		if ok {
			return f()
		}
		select {
		case <-ctx.Done():
			return model.Errorf(model.ExitInterrupted, "another fairtide is fetching %s: %w", r.name, ctx.Err())
		case <-time.After(lockPoll):
		}
	}
}

// branches are the heads that count: the remote's, and the clone's own.
func (r *Repo) branches() (map[string]plumbing.Hash, error) {
	refs, err := r.store.references()
	if err != nil {
		return nil, model.Errorf(model.ExitUnreachable, "cannot read the references of %s: %w", r.name, err)
	}
	heads := map[string]plumbing.Hash{}
	for _, ref := range refs {
		if ref.Type() == plumbing.HashReference && !ref.Name().IsTag() {
			heads[ref.Name().String()] = ref.Hash()
		}
	}
	return heads, nil
}

// Fetch brings the branches of the remote into fairtide's own repository, and
// takes over what the operator has fetched into the clone meanwhile, which
// counts even when the remote cannot be reached. moved says whether any branch
// is not where it was at the last Fetch or Open. Without a remote only the
// local branches are looked at.
func (r *Repo) Fetch(ctx context.Context) (moved bool, err error) {
	if r.own == nil {
		return false, r.errNoCache("fetch")
	}
	fetchErr := r.locked(ctx, func() error {
		if err := r.seed(); err != nil {
			return model.Errorf(model.ExitUnreachable, "%s: cannot update fairtide's own repository: %w", r.name, err)
		}
		if r.url == "" {
			return nil
		}
		return r.fetch(ctx, "--prune", "+refs/heads/*:"+r.remotePrefix()+"*")
	})
	now, err := r.branches()
	if err != nil {
		return false, errors.Join(fetchErr, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	moved = !maps.Equal(r.last, now)
	r.last = now
	return moved, fetchErr
}

// fetch runs git fetch with one more option and a refspec.
func (r *Repo) fetch(ctx context.Context, option, spec string) error {
	args := []string{"fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", option}
	if info, err := os.Stat(filepath.Join(r.own.dir, "shallow")); err == nil && info.Size() > 0 {
		// What the clone of a CI is without: which changes are shipped, and
		// whether they were approved, cannot be told otherwise.
		args = append(args, "--unshallow")
	}
	g, err := r.remoteRun(ctx, r.url, append(args, remoteName, spec)...)
	if err != nil {
		return err
	}
	if _, err := g.run(ctx); err != nil {
		return r.remoteError("fetch from", r.url, err)
	}
	return r.store.reopen()
}

// FetchPull brings the head of a pull request into fairtide's own repository
// and returns its hash.
func (r *Repo) FetchPull(ctx context.Context, number int) (head string, err error) {
	name := fmt.Sprintf("refs/fairtide/pull/%d", number)
	if err := r.fetchOne(ctx, fmt.Sprintf("+refs/pull/%d/head:%s", number, name), fmt.Sprintf("pull request #%d", number)); err != nil {
		return "", err
	}
	h, err := r.store.ownReference(name)
	if err != nil {
		return "", model.Errorf(model.ExitUnreachable, "%s: cannot read the head of pull request #%d: %w", r.name, number, err)
	}
	return h.String(), nil
}

// FetchCommit brings a commit with its history, given by its full hash, into
// fairtide's own repository, unless it can be read already.
func (r *Repo) FetchCommit(ctx context.Context, hash string) error {
	if !plumbing.IsHash(hash) {
		return model.Errorf(model.ExitUsage, "%q is not the full hash of a commit", hash)
	}
	if _, err := r.store.commit(plumbing.NewHash(hash)); err == nil {
		return nil
	}
	return r.fetchOne(ctx, "+"+hash+":refs/fairtide/commit/"+hash, "commit "+model.Short(hash))
}

func (r *Repo) fetchOne(ctx context.Context, spec, what string) error {
	switch {
	case r.own == nil:
		return r.errNoCache("fetch " + what)
	case r.url == "":
		return model.Errorf(model.ExitUsage, "%s has no remote %q to fetch %s from; add one with `git remote add`", r.name, r.remote, what)
	}
	err := r.locked(ctx, func() error { return r.fetch(ctx, "--no-prune", spec) })
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}
