package repo

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/fairtide-dev/fairtide/model"
)

// openURL opens the own repository for a URL, and fills it the first time.
func (r *Repo) openURL(ctx context.Context, raw, cacheDir string) error {
	if err := checkURL(raw); err != nil {
		return err
	}
	shown := redact(raw)
	if cacheDir == "" {
		return model.Errorf(model.ExitUsage, "cannot open %s without a cache directory to keep it in; set XDG_CACHE_HOME or HOME", shown)
	}
	r.url, r.pushURL, r.name = raw, raw, NameOfURL(raw)
	if err := r.newOwn(cacheDir, "", true); err != nil {
		return err
	}
	if err := r.makeOwn(ctx); err != nil {
		return model.Errorf(model.ExitUnreachable, "cannot use fairtide's own repository %s: %w", r.own.dir, err)
	}
	r.store.at = location{top: r.own.dir, gitDir: r.own.dir}
	r.store.ownPrefix = r.remotePrefix()
	if err := r.store.attach(r.own.dir); err != nil {
		return model.Errorf(model.ExitUnreachable, "cannot open fairtide's own repository %s: %w", r.own.dir, err)
	}
	filled, err := r.filled()
	if err != nil || filled {
		return err
	}
	r.tell("fetching " + shown + " for the first time")
	if err := r.refresh(ctx); err != nil {
		return err
	}
	filled, err = r.filled()
	if err == nil && !filled {
		err = model.Errorf(model.ExitUsage, "%s has no commit yet; push something first", shown)
	}
	return err
}

// filled reports whether anything was fetched into the own repository.
func (r *Repo) filled() (bool, error) {
	had, err := r.store.ownReferences(r.remotePrefix())
	if err != nil {
		return false, model.Errorf(model.ExitUnreachable, "cannot read the references of %s: %w", r.name, err)
	}
	return len(had) > 0, nil
}

// headChecked is how often the remote is asked again which branch is its
// default one.
const headChecked = 24 * time.Hour

// needsHead reports whether the remote has to be asked for its default branch:
// a clone knows, an own repository for a URL has to learn it.
func (r *Repo) needsHead() bool {
	if r.own.clone != "" {
		return false
	}
	info, err := os.Stat(r.headFile())
	return err != nil || time.Since(info.ModTime()) > headChecked
}

func (r *Repo) headFile() string {
	return filepath.Join(r.own.dir, filepath.FromSlash(r.remotePrefix()), "HEAD")
}

// keepHead records the remote's default branch, or forgets one that is gone.
func (r *Repo) keepHead(l remoteRefs) error {
	if r.own.clone != "" {
		return nil
	}
	file := r.headFile()
	if l.head != "" {
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return err
		}
		if err := replaceFile(file, "ref: "+r.remotePrefix()+l.head+"\n"); err != nil {
			return err
		}
		if err := freshen(file); err != nil {
			return err
		}
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil //nolint:nilerr // none is known
	}
	branch, ok := strings.CutPrefix(strings.TrimSpace(string(data)), "ref: "+r.remotePrefix())
	if h, err := r.store.ownReference(r.remotePrefix() + branch); ok && err == nil {
		// HEAD is that commit, as in a repository with a worktree.
		return replaceFile(filepath.Join(r.own.dir, "HEAD"), h.String()+"\n")
	}
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// matches reports whether the own repository has the branches as the remote
// has them.
func (r *Repo) matches(l remoteRefs) (bool, error) {
	had, err := r.store.ownReferences(r.remotePrefix())
	if err != nil || len(had) != len(l.branches) {
		return false, err
	}
	for branch, h := range l.branches {
		if had[r.remotePrefix()+branch] != h || h == plumbing.ZeroHash {
			return false, nil
		}
	}
	return true, nil
}
