package repo

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
)

const (
	dayOld = 24 * time.Hour
	// unusedFor is how long an own repository is kept for a clone that is gone,
	// and what was fetched by number or by hash.
	unusedFor = 30 * 24 * time.Hour
	// manyPacks is how many packs make it worth to put them together. Each
	// fetch leaves one.
	manyPacks = 50
	// manyLoose is how many loose objects do, about.
	manyLoose = 2000
	// largePack is the size in bytes from which a pack is left as it is.
	largePack = 64 << 20
	// tidiedFile is as old as the last look for what is no longer used.
	tidiedFile = "fairtide-tidied"
)

// tidying is the work in the background after a fetch; one at a time.
type tidying struct {
	mu     sync.Mutex
	cancel context.CancelFunc
	done   chan struct{}
}

// start runs f unless it is running already.
func (t *tidying) start(f func(context.Context)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.done != nil {
		select {
		case <-t.done:
		default:
			return
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	t.cancel, t.done = cancel, done
	go func() {
		defer close(done)
		defer cancel()
		f(ctx)
	}()
}

// stop ends what runs and waits for it.
func (t *tidying) stop() {
	t.mu.Lock()
	cancel, done := t.cancel, t.done
	t.mu.Unlock()
	if done != nil {
		cancel()
		<-done
	}
}

// tidy puts the own repository in order in the background, when there is
// something to do. It touches nothing but what is fairtide's; what does not
// work out is tried again after another fetch.
func (r *Repo) tidy() {
	many := untidy(r.own.dir) && haveGit()
	info, err := os.Stat(filepath.Join(r.own.dir, tidiedFile))
	due := err != nil || sinceFile(info) >= dayOld
	if !many && !due {
		return
	}
	r.tidies.start(func(ctx context.Context) {
		if due {
			_ = r.dropOld(ctx)
			_ = removeUnused(ctx, filepath.Dir(r.own.dir), r.own.dir)
		}
		if many {
			_ = r.repack(ctx)
		}
	})
}

// untidy reports whether there are many small files of objects. Of the loose
// ones a part is counted: their names are random.
func untidy(dir string) bool {
	packs, err := filepath.Glob(filepath.Join(globless(dir), "objects", "pack", "*.pack"))
	if err != nil || len(packs) > manyPacks {
		return err == nil
	}
	const parts = 256
	loose, err := os.ReadDir(filepath.Join(dir, "objects", "17"))
	return err == nil && len(loose) > manyLoose/parts
}

// globless hides from Glob that a directory's name may look like a pattern.
func globless(dir string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(dir)
}

func sinceFile(info fs.FileInfo) time.Duration { return time.Since(info.ModTime()) }

// dropOld forgets the pull requests and single commits that were fetched long
// ago. Who needs one again fetches it again.
func (r *Repo) dropOld(ctx context.Context) error {
	return r.locked(ctx, func() error {
		for _, prefix := range []string{pullPrefix, commitPrefix} {
			refs, err := r.store.ownReferences(prefix)
			if err != nil {
				return err
			}
			for name := range refs {
				info, err := os.Stat(filepath.Join(r.own.dir, filepath.FromSlash(name)))
				if errors.Is(err, fs.ErrNotExist) {
					// It was packed, and has no time of its own: from today on.
					err = r.store.setReference(name, refs[name])
				} else if err == nil && sinceFile(info) > unusedFor {
					err = r.store.removeReference(name)
				}
				if err != nil {
					return err
				}
			}
		}
		return freshen(filepath.Join(r.own.dir, tidiedFile))
	})
}

// repack puts the small packs and the loose objects of the own repository
// into one pack. What no reference names is kept for two weeks: drafts are
// published by their hash.
func (r *Repo) repack(ctx context.Context) error {
	return r.locked(ctx, func() error {
		args := []string{"repack", "-A", "-d", "-l", "-q", "--unpack-unreachable=2.weeks.ago"}
		packs, err := os.ReadDir(filepath.Join(r.own.dir, "objects", "pack"))
		if err != nil {
			return err
		}
		for _, p := range packs {
			if info, err := p.Info(); err == nil && strings.HasSuffix(p.Name(), ".pack") && info.Size() > largePack {
				args = append(args, "--keep-pack="+p.Name())
			}
		}
		for _, args := range [][]string{args, {"prune-packed", "-q"}, {"prune", "--expire=2.weeks.ago"}} {
			if _, err := (gitRun{dir: r.own.dir, args: args}).run(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

var ownName = regexp.MustCompile(`-[0-9a-f]{12}\.git$`)

// removeUnused removes the own repositories below dir whose clone no longer
// exists, or that are for a URL, when they were not used for long. One that
// another process has the lock of is in use. keep is left alone.
func removeUnused(ctx context.Context, dir, keep string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range entries {
		at := filepath.Join(dir, e.Name())
		if ctx.Err() != nil {
			break
		}
		if e.IsDir() && at != keep && ownName.MatchString(e.Name()) && unused(at) {
			errs = append(errs, removeOwn(at))
		}
	}
	return errors.Join(errs...)
}

// unused reports whether an own repository was not used for long by a clone
// that is no longer there. What is not known to be one is not.
func unused(at string) bool {
	file := filepath.Join(at, cloneFile)
	info, err := os.Stat(file)
	if err != nil || sinceFile(info) < unusedFor {
		return false
	}
	data, err := os.ReadFile(file)
	clone := strings.TrimSuffix(string(data), "\n")
	if err != nil {
		return false
	}
	if clone == "" {
		return true
	}
	_, err = os.Stat(clone)
	return errors.Is(err, fs.ErrNotExist)
}

// removeOwn removes an own repository under its lock. The name goes first, so
// that nobody finds half of one.
func removeOwn(at string) (err error) {
	lock, err := os.OpenFile(at+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if ok, err := tryLock(lock); !ok || err != nil || !unused(at) {
		return err
	}
	// The lock's file stays: another process may be waiting for it.
	gone := at + ".gone"
	if err := os.RemoveAll(gone); err != nil {
		return err
	}
	if err := os.Rename(at, gone); err != nil {
		return err
	}
	return os.RemoveAll(gone)
}
