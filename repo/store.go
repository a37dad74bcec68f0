package repo

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/go-git/go-billy/v5"
	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/storage/filesystem"
	"github.com/go-git/go-git/v5/storage/filesystem/dotgit"

	"github.com/fairtide-dev/fairtide/repo/internal/odb"
)

const (
	objectCacheSize = cache.MiByte // of go-git, which reads no objects here
	alternateDepth  = 5            // git's own limit
	maxMeta         = 32 << 20     // bytes of a commit, tag or tree
)

// store reads objects and references. Objects come from odb, by any number of
// readers at once. go-git's storage, which has the references, is not safe for
// concurrent use: what touches it holds mu.
type store struct {
	at        location
	ownDir    string // fairtide's own repository; empty: none
	ownPrefix string // of the references it answers for

	db atomic.Pointer[odb.DB] // nil: closed

	mu   sync.Mutex
	main *filesystem.Storage
	own  *filesystem.Storage // nil: none
}

// reopen starts with fresh storages. What is in memory of pack files that git
// has since repacked is forgotten. Nothing of a pack file is read before the
// first object is asked for.
func (s *store) reopen() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reopenLocked()
}

func (s *store) reopenLocked() error {
	if err := s.closeStoragesLocked(); err != nil {
		return err
	}
	dot := readOnly{osfs.New(s.at.gitDir)}
	var all billy.Filesystem = dot
	if s.at.common != "" {
		if _, err := os.Stat(s.at.common); err != nil {
			return err
		}
		all = dotgit.NewRepositoryFilesystem(dot, readOnly{osfs.New(s.at.common)})
	}
	dirs, err := s.objectDirs()
	if err != nil {
		return err
	}
	lru := cache.NewObjectLRU(objectCacheSize)
	s.main = filesystem.NewStorageWithOptions(all, lru, filesystem.Options{})
	s.openOwnLocked(lru)
	old := s.db.Load()
	if old != nil && slices.Equal(old.Dirs(), dirs) {
		return old.Refresh()
	}
	s.db.Store(odb.New(dirs...))
	if old != nil {
		return old.Close()
	}
	return nil
}

// objectDirs are the places objects are looked for, in order: the clone's, what
// that borrows from, and fairtide's own.
func (s *store) objectDirs() ([]string, error) {
	objects := s.objectsDir()
	borrowed, err := alternates(objects, alternateDepth)
	if err != nil {
		return nil, err
	}
	dirs := append([]string{objects}, borrowed...)
	if s.ownDir != "" {
		dirs = append(dirs, filepath.Join(s.ownDir, "objects"))
	}
	var once []string
	for _, dir := range dirs {
		if dir = filepath.Clean(dir); !slices.Contains(once, dir) {
			once = append(once, dir)
		}
	}
	return once, nil
}

func (s *store) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.closeStoragesLocked()
	if db := s.db.Swap(nil); db != nil {
		err = errors.Join(err, db.Close())
	}
	return err
}

func (s *store) closeStoragesLocked() error {
	var errs []error
	for _, storage := range []*filesystem.Storage{s.main, s.own} {
		if storage != nil {
			errs = append(errs, storage.Close())
		}
	}
	s.main, s.own = nil, nil
	return errors.Join(errs...)
}

// alternates lists the object directories that objects borrows from.
func alternates(objects string, depth int) ([]string, error) {
	f, err := os.Open(filepath.Join(objects, "info", "alternates"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var dirs []string
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		dir := lines.Text()
		if dir == "" || strings.HasPrefix(dir, "#") {
			continue
		}
		// git quotes as C does where a path has unusual characters.
		if plain, err := strconv.Unquote(dir); err == nil && dir[0] == '"' {
			dir = plain
		}
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(objects, dir)
		}
		dirs = append(dirs, dir)
	}
	if err := errors.Join(lines.Err(), f.Close()); err != nil {
		return nil, err
	}
	for _, dir := range dirs {
		if depth == 0 {
			break
		}
		further, err := alternates(dir, depth-1)
		if err != nil {
			return nil, err
		}
		dirs = append(dirs, further...)
	}
	return dirs, nil
}

// use calls f with the storage. When f fails it is called once more on a fresh
// one: git may have repacked, and fetched objects lie in packs that were not
// there before.
func (s *store) use(f func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.main != nil {
		if err := f(); err == nil {
			return nil
		}
	}
	if err := s.reopenLocked(); err != nil {
		return err
	}
	return f()
}

// objects is the database, opened again after a close.
func (s *store) objects() (*odb.DB, error) {
	if db := s.db.Load(); db != nil {
		return db, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if db := s.db.Load(); db != nil {
		return db, nil
	}
	if err := s.reopenLocked(); err != nil {
		return nil, err
	}
	return s.db.Load(), nil
}

// object reads an object of the type. One of another type is not found.
func (s *store) object(t plumbing.ObjectType, h plumbing.Hash, limit int64) ([]byte, error) {
	db, err := s.objects()
	if err != nil {
		return nil, err
	}
	typ, data, err := db.Read(h, limit)
	if err == nil && typ != t {
		err = fmt.Errorf("it is a %s: %w", typ, plumbing.ErrObjectNotFound)
	}
	if err != nil {
		return nil, hint(err)
	}
	return data, nil
}

// hint adds what can be done about a damaged repository.
func hint(err error) error {
	if errors.Is(err, odb.ErrDamaged) {
		return fmt.Errorf("%w; run `git fsck` in the clone to see what else is, and clone anew", err)
	}
	return err
}

// has reports whether the object is there, without reading it. One that cannot
// be looked for is not there.
func (s *store) has(h plumbing.Hash) bool {
	db, err := s.objects()
	if err != nil {
		return false
	}
	ok, err := db.Has(h)
	return ok && err == nil
}

// step returns the tree and the parents of a commit. The commit itself is not
// read where git's commit-graph has the answer.
func (s *store) step(h plumbing.Hash) (root plumbing.Hash, parents []plumbing.Hash, err error) {
	db, err := s.objects()
	if err == nil {
		root, parents, err = db.Step(h)
	}
	if err != nil {
		return plumbing.ZeroHash, nil, fmt.Errorf("commit %s: %w", h, hint(err))
	}
	return root, parents, nil
}

func (s *store) commit(h plumbing.Hash) (*object.Commit, error) {
	data, err := s.object(plumbing.CommitObject, h, maxMeta)
	c := new(object.Commit)
	if err == nil {
		err = c.Decode(newRaw(plumbing.CommitObject, h, data))
	}
	if err != nil {
		return nil, fmt.Errorf("commit %s: %w", h, err)
	}
	return c, nil
}

// raw is an object for go-git to decode, which would hash it to learn its name.
type raw struct {
	plumbing.MemoryObject
	name plumbing.Hash
}

func newRaw(t plumbing.ObjectType, h plumbing.Hash, data []byte) *raw {
	r := &raw{name: h}
	r.SetType(t)
	_, _ = r.Write(data) // it is a buffer
	return r
}

// Hash is the name the object was read by.
func (r *raw) Hash() plumbing.Hash { return r.name }

// peel follows annotated tags to what they name.
func (s *store) peel(h plumbing.Hash) (plumbing.Hash, plumbing.ObjectType, error) {
	db, err := s.objects()
	if err != nil {
		return h, 0, err
	}
	for {
		typ, _, err := db.Header(h)
		if err != nil || typ != plumbing.TagObject {
			return h, typ, hint(err)
		}
		data, err := s.object(plumbing.TagObject, h, maxMeta)
		if err != nil {
			return h, typ, err
		}
		var tag object.Tag
		if err := tag.Decode(newRaw(typ, h, data)); err != nil {
			return h, typ, err
		}
		h = tag.Target
	}
}

// blob reads a file's content; one that is larger than limit is not read.
func (s *store) blob(h plumbing.Hash, limit int64) (data []byte, err error) {
	data, err = s.object(plumbing.BlobObject, h, limit)
	switch {
	case errors.Is(err, odb.ErrTooLarge):
		return nil, errTooLarge
	case errors.Is(err, plumbing.ErrObjectNotFound):
		return nil, missingObject{"blob", h}
	case err != nil:
		return nil, fmt.Errorf("blob %s: %w", h, err)
	}
	return data, nil
}

var errTooLarge = errors.New("too large")

// tree reads a directory; the zero hash is the empty one.
func (s *store) tree(h plumbing.Hash) (tree, error) {
	if h.IsZero() {
		return nil, nil
	}
	t, err := s.object(plumbing.TreeObject, h, maxMeta)
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		return nil, missingObject{"tree", h}
	}
	if err != nil {
		return nil, fmt.Errorf("tree %s: %w", h, err)
	}
	return t, nil
}

func (s *store) shallow() (map[plumbing.Hash]bool, error) {
	var hashes []plumbing.Hash
	var attached bool
	err := s.use(func() (err error) {
		if hashes, err = s.main.Shallow(); err != nil {
			return err
		}
		more, err := s.shallowOwn()
		hashes, attached = append(hashes, more...), s.own != nil
		return err
	})
	set := map[plumbing.Hash]bool{}
	for _, h := range hashes {
		// The own repository may have fetched what the clone is without.
		set[h] = !attached || !s.hasParents(h)
	}
	return set, err
}

// hasParents reports whether a commit and all its parents are at hand.
func (s *store) hasParents(h plumbing.Hash) bool {
	if !s.has(h) {
		return false
	}
	_, parents, err := s.step(h)
	return err == nil && !slices.ContainsFunc(parents, func(p plumbing.Hash) bool { return !s.has(p) })
}

func (s *store) references() (refs []*plumbing.Reference, err error) {
	err = s.use(func() error {
		ours, err := s.oursLocked()
		if err != nil {
			return err
		}
		iter, err := s.main.IterReferences()
		if err != nil {
			return err
		}
		refs = nil
		err = iter.ForEach(func(r *plumbing.Reference) error {
			if !ours || !s.governedLocked(r.Name()) {
				refs = append(refs, r)
			}
			return nil
		})
		if err != nil || !ours {
			return err
		}
		if iter, err = s.own.IterReferences(); err != nil {
			return err
		}
		return iter.ForEach(func(r *plumbing.Reference) error {
			if s.governedLocked(r.Name()) {
				refs = append(refs, r)
			}
			return nil
		})
	})
	return refs, err
}

// reference resolves a reference to a hash, through symbolic ones.
func (s *store) reference(name plumbing.ReferenceName) (*plumbing.Reference, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.main == nil {
		if err := s.reopenLocked(); err != nil {
			return nil, err
		}
	}
	if s.governedLocked(name) {
		ref, err := s.own.Reference(name)
		if err == nil || !errors.Is(err, plumbing.ErrReferenceNotFound) {
			return ref, err
		}
		if ours, err := s.oursLocked(); ours || err != nil {
			return nil, cmp.Or(err, plumbing.ErrReferenceNotFound)
		}
	}
	return storer.ResolveReference(s.main, name)
}

// symbolic returns what a symbolic reference points to; empty when it is none.
func (s *store) symbolic(name plumbing.ReferenceName) (plumbing.ReferenceName, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.main == nil {
		if err := s.reopenLocked(); err != nil {
			return "", err
		}
	}
	ref, err := s.main.Reference(name)
	if errors.Is(err, plumbing.ErrReferenceNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return ref.Target(), nil
}

// config reads the repository's own configuration file. Extensions are judged
// by Open: go-git refuses some that do not change how objects are read.
func (s *store) config() (cfg *config.Config, err error) {
	err = s.use(func() error {
		cfg, err = s.main.Config()
		return err
	})
	return cfg, err
}

// prefixed lists the objects whose name starts with the hex digits. whole are
// those that make whole bytes.
func (s *store) prefixed(prefix string, whole []byte) (found []plumbing.Hash, err error) {
	db, err := s.objects()
	if err != nil {
		return nil, err
	}
	all, err := db.Prefixed(whole)
	for _, h := range all {
		if strings.HasPrefix(h.String(), prefix) {
			found = append(found, h)
		}
	}
	return found, hint(err)
}

// readOnly hides from go-git every way to write, and the list of alternates,
// which store follows itself.
type readOnly struct{ billy.Filesystem }

var errReadOnly = fmt.Errorf("the repository is opened for reading only: %w", fs.ErrPermission)

func (r readOnly) Open(name string) (billy.File, error) {
	if filepath.ToSlash(filepath.Clean(name)) == "objects/info/alternates" {
		return nil, fs.ErrNotExist
	}
	return r.Filesystem.Open(name)
}

func (r readOnly) OpenFile(name string, flag int, perm os.FileMode) (billy.File, error) {
	if flag != os.O_RDONLY {
		return nil, errReadOnly
	}
	return r.Filesystem.OpenFile(name, flag, perm)
}

func (r readOnly) Chroot(dir string) (billy.Filesystem, error) {
	sub, err := r.Filesystem.Chroot(dir)
	return readOnly{sub}, err
}

func (readOnly) Create(string) (billy.File, error)           { return nil, errReadOnly }
func (readOnly) Rename(string, string) error                 { return errReadOnly }
func (readOnly) Remove(string) error                         { return errReadOnly }
func (readOnly) TempFile(string, string) (billy.File, error) { return nil, errReadOnly }
func (readOnly) MkdirAll(string, os.FileMode) error          { return errReadOnly }
func (readOnly) Symlink(string, string) error                { return errReadOnly }
