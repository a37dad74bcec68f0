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
// counts even when the remote cannot be reached. Objects are transferred only
// when a branch of the remote has moved. moved says whether any branch is not
// where it was at the last Fetch or Open. Without a remote only the local
// branches are looked at.
func (r *Repo) Fetch(ctx context.Context) (moved bool, err error) {
	if r.own == nil {
		return false, r.errNoCache("fetch")
	}
	fetchErr := r.takeOver(ctx)
	switch {
	case model.CodeOf(fetchErr, model.ExitOK) == model.ExitInterrupted:
	case fetchErr != nil:
		fetchErr = model.Errorf(model.ExitUnreachable, "%s: cannot update fairtide's own repository: %w", r.name, fetchErr)
	case r.url != "":
		fetchErr = r.refresh(ctx)
	}
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

// Fetched is when the remote last answered, also to another process; zero when
// it never did.
func (r *Repo) Fetched() time.Time {
	if r.own == nil {
		return time.Time{}
	}
	info, err := os.Stat(filepath.Join(r.own.dir, fetchedFile))
	if err != nil {
		return time.Time{}
	}
	return info.ModTime().UTC()
}

// refresh asks the remote for its branches and fetches when they are not what
// the own repository has.
func (r *Repo) refresh(ctx context.Context) error {
	at, through := r.endpoint(ctx, r.url), r.transport()
	l, err := through.list(ctx, at, r.needsHead())
	if err != nil {
		return r.remoteError("fetch from", at.url, err)
	}
	same, err := r.matches(l)
	if err == nil && (!same || r.shallow()) {
		err = r.locked(ctx, func() error { return r.fetchBranches(ctx, at, through) })
		defer r.tidy()
	}
	if err != nil {
		return r.remoteError("fetch from", at.url, err)
	}
	if err := r.keepHead(l); err != nil {
		return r.remoteError("fetch from", at.url, err)
	}
	if err := freshen(filepath.Join(r.own.dir, fetchedFile)); err != nil {
		return r.remoteError("fetch from", at.url, err)
	}
	return nil
}

// shallow reports whether the own repository's history has an end that is not
// its beginning.
func (r *Repo) shallow() bool {
	info, err := os.Stat(filepath.Join(r.own.dir, "shallow"))
	return err == nil && info.Size() > 0
}

// fetchBranches fetches all branches. When that fails for what was borrowed
// and is gone, it starts over without what was there.
func (r *Repo) fetchBranches(ctx context.Context, at endpoint, through protocol) error {
	what := refspec{from: "refs/heads/", to: r.remotePrefix(), all: true}
	had, err := r.store.ownReferences(r.remotePrefix())
	if err != nil {
		return err
	}
	gone, err := r.dropVanished(had)
	if err != nil {
		return err
	}
	for _, name := range gone {
		delete(had, name)
	}
	err = through.fetch(ctx, at, what)
	if isMissing(err) {
		for name := range had {
			if err := r.store.removeReference(name); err != nil {
				return err
			}
		}
		err = through.fetch(ctx, at, what)
	}
	if err = errors.Join(err, r.store.reopen()); err != nil {
		return err
	}
	return r.packBranches()
}

// freshen makes a file, or makes it as new as one just made.
func freshen(name string) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	now := time.Now()
	return errors.Join(f.Close(), os.Chtimes(name, now, now))
}

// Where single commits are kept in the own repository.
const (
	pullPrefix   = "refs/fairtide/pull/"
	commitPrefix = "refs/fairtide/commit/"
)

// FetchPull brings the head of a pull request into fairtide's own repository
// and returns its hash.
func (r *Repo) FetchPull(ctx context.Context, number int) (head string, err error) {
	name := fmt.Sprintf("%s%d", pullPrefix, number)
	if err := r.fetchOne(ctx, refspec{from: fmt.Sprintf("refs/pull/%d/head", number), to: name}, fmt.Sprintf("pull request #%d", number)); err != nil {
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
	return r.fetchOne(ctx, refspec{from: hash, to: commitPrefix + hash}, "commit "+model.Short(hash))
}

func (r *Repo) fetchOne(ctx context.Context, spec refspec, what string) error {
	switch {
	case r.own == nil:
		return r.errNoCache("fetch " + what)
	case r.url == "":
		return model.Errorf(model.ExitUsage, "%s has no remote %q to fetch %s from; add one with `git remote add`", r.name, r.remote, what)
	}
	at := r.endpoint(ctx, r.url)
	err := r.locked(ctx, func() error {
		return errors.Join(r.transport().fetch(ctx, at, spec), r.store.reopen())
	})
	if err != nil {
		return fmt.Errorf("%s: %w", what, r.remoteError("fetch from", at.url, err))
	}
	r.tidy()
	return nil
}
