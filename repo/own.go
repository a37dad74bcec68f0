package repo

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-billy/v5"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"

	"github.com/fairtide-dev/fairtide/model"
)

// own is fairtide's own bare repository for a clone. It borrows the clone's
// objects and holds what fairtide fetches and writes, so that the clone is
// never written to.
type own struct {
	dir string // the bare repository
}

// seedFile records which remote branches of the clone were taken over, one
// "HASH NAME" a line: only what the clone has fetched since is news.
const seedFile = "fairtide-seed"

// errNoCache answers whatever has to write when there is nowhere to.
func (r *Repo) errNoCache(what string) error {
	return model.Errorf(model.ExitUsage, "%s: cannot %s without a cache directory, which fairtide needs to write commits to; set XDG_CACHE_HOME or HOME", r.name, what)
}

// openOwn makes or finds the own repository below cacheDir and takes over the
// clone's remote branches.
func (r *Repo) openOwn(ctx context.Context, cacheDir string) error {
	sum := sha256.Sum256([]byte(r.store.at.top + "\x00" + r.url))
	name := strings.Map(func(c rune) rune {
		if c == '.' || c == '-' || c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
			return c
		}
		return '-'
	}, r.name)
	abs, err := filepath.Abs(cacheDir)
	if err != nil {
		return model.Errorf(model.ExitUsage, "cannot use the cache directory %s: %w", cacheDir, err)
	}
	dir := filepath.Join(abs, fmt.Sprintf("%s-%x.git", name, sum[:6]))
	r.own = &own{dir: dir}
	err = r.locked(ctx, func() error {
		if err := r.initOwn(); err != nil {
			return err
		}
		if err := r.store.attach(dir); err != nil {
			return err
		}
		return r.seed()
	})
	if err != nil {
		return model.Errorf(model.ExitUnreachable, "cannot use fairtide's own repository %s: %w", dir, err)
	}
	return nil
}

// initOwn writes what makes a directory a bare repository, without git: to
// read must be possible where there is none.
func (r *Repo) initOwn() error {
	for _, sub := range []string{"objects/info", "objects/pack", "refs/heads"} {
		if err := os.MkdirAll(filepath.Join(r.own.dir, sub), 0o700); err != nil {
			return err
		}
	}
	borrowed := ""
	if !r.partial {
		// All of them by absolute path: git does not follow a relative one that
		// it finds behind another.
		objects := r.store.objectsDir()
		further, err := alternates(objects, alternateDepth)
		if err != nil {
			return err
		}
		dirs := append([]string{objects}, further...)
		for i, d := range dirs {
			dirs[i] = filepath.Clean(d)
		}
		borrowed = strings.Join(dirs, "\n") + "\n"
	}
	for name, text := range map[string]string{
		"config":                  "[core]\n\trepositoryformatversion = 0\n\tbare = true\n[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n",
		"HEAD":                    "ref: refs/heads/main\n",
		"objects/info/alternates": borrowed,
	} {
		if err := replaceFile(filepath.Join(r.own.dir, name), text); err != nil {
			return err
		}
	}
	return nil
}

// replaceFile writes a file whole or not at all, and only when it differs.
func replaceFile(name, text string) error {
	if old, err := os.ReadFile(name); err == nil && string(old) == text {
		return nil
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// seed takes over the remote branches that the clone has fetched since it was
// last asked, unless the own repository already has something newer. Branches
// whose commits the clone has since thrown away are dropped.
func (r *Repo) seed() error {
	if err := r.copyShallow(); err != nil {
		return err
	}
	prefix := r.remotePrefix()
	had, err := r.store.ownReferences(prefix)
	if err != nil {
		return err
	}
	file := filepath.Join(r.own.dir, seedFile)
	seen := readSeed(file)
	for name, h := range had {
		if _, err := r.store.commit(h); errors.Is(err, plumbing.ErrObjectNotFound) {
			if err := r.store.removeReference(name); err != nil {
				return err
			}
			delete(had, name)
			delete(seen, name)
		}
	}
	if r.partial {
		return nil // it lacks blobs, and git would take them for present
	}
	clone, err := r.store.cloneReferences(prefix)
	if err != nil {
		return err
	}
	for name, h := range clone {
		// What was taken over before and is gone was pruned.
		if had[name] == h || seen[name] == h && len(had) > 0 {
			continue
		}
		if mine, kept := had[name]; kept && r.contains(mine, h) {
			continue
		}
		if err := r.store.setReference(name, h); err != nil {
			return err
		}
	}
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(clone)) {
		fmt.Fprintf(&text, "%s %s\n", clone[name], name)
	}
	return replaceFile(file, text.String())
}

func (r *Repo) remotePrefix() string { return "refs/remotes/" + r.remote + "/" }

// contains reports whether a commit is b or comes after it. What cannot be
// read contains nothing.
func (r *Repo) contains(a, b plumbing.Hash) bool {
	base, err := r.mergeBase(a, b)
	return err == nil && base == b
}

// copyShallow tells git where the borrowed history ends.
func (r *Repo) copyShallow() error {
	common := filepath.Dir(r.store.objectsDir())
	data, err := os.ReadFile(filepath.Join(common, "shallow"))
	file := filepath.Join(r.own.dir, "shallow")
	if errors.Is(err, fs.ErrNotExist) || r.partial {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	if err != nil {
		return err
	}
	return replaceFile(file, string(data))
}

func readSeed(file string) map[string]plumbing.Hash {
	seen := map[string]plumbing.Hash{}
	f, err := os.Open(file)
	if err != nil {
		return seen // none yet: everything is news
	}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if hash, name, ok := strings.Cut(lines.Text(), " "); ok {
			seen[name] = plumbing.NewHash(hash)
		}
	}
	if errors.Join(lines.Err(), f.Close()) != nil {
		return map[string]plumbing.Hash{}
	}
	return seen
}

// isPartial reports whether the clone was made with a filter, so that objects
// may be missing from it.
func isPartial(cfg *config.Config, remote string) bool {
	promisor := cfg.Raw.Section("remote").Subsection(remote).Option("promisor")
	return strings.EqualFold(promisor, "true") || cfg.Raw.Section("extensions").Option("partialclone") != ""
}

// noAlternates hides the list of alternates, which store follows itself.
type noAlternates struct{ billy.Filesystem }

func (n noAlternates) Open(name string) (billy.File, error) {
	if filepath.ToSlash(filepath.Clean(name)) == "objects/info/alternates" {
		return nil, fs.ErrNotExist
	}
	return n.Filesystem.Open(name)
}

func (n noAlternates) Chroot(dir string) (billy.Filesystem, error) {
	sub, err := n.Filesystem.Chroot(dir)
	return noAlternates{sub}, err
}
