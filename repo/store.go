package repo

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/go-git/go-billy/v5"
	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/storage/filesystem"
	"github.com/go-git/go-git/v5/storage/filesystem/dotgit"
)

const (
	objectCacheSize = 16 * cache.MiByte
	treeCacheBytes  = 8 << 20
	alternateDepth  = 5 // git's own limit
)

// store reads objects and references. go-git's storage is not safe for
// concurrent use, so everything that touches it holds mu.
type store struct {
	at        location
	ownDir    string // fairtide's own repository; empty: none
	ownPrefix string // of the references it answers for

	mu    sync.Mutex
	main  *filesystem.Storage
	own   *filesystem.Storage         // nil: none
	more  []*filesystem.ObjectStorage // alternates, and own's
	trees map[plumbing.Hash]tree
	bytes int
}

// reopen starts with fresh storages. What is in memory of pack files that git
// has since repacked is forgotten.
func (s *store) reopen() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reopenLocked()
}

func (s *store) reopenLocked() error {
	if err := s.closeLocked(); err != nil {
		return err
	}
	dot := readOnly{osfs.New(s.at.gitDir)}
	objects := filepath.Join(s.at.gitDir, "objects")
	var all billy.Filesystem = dot
	if s.at.common != "" {
		if _, err := os.Stat(s.at.common); err != nil {
			return err
		}
		all = dotgit.NewRepositoryFilesystem(dot, readOnly{osfs.New(s.at.common)})
		objects = filepath.Join(s.at.common, "objects")
	}
	lru := cache.NewObjectLRU(objectCacheSize)
	opts := filesystem.Options{KeepDescriptors: true}
	dirs, err := alternates(objects, alternateDepth)
	if err != nil {
		return err
	}
	s.main = filesystem.NewStorageWithOptions(all, lru, opts)
	for _, dir := range dirs {
		d := dotgit.New(readOnly{osfs.New(filepath.Dir(dir))})
		s.more = append(s.more, filesystem.NewObjectStorageWithOptions(d, lru, opts))
	}
	s.openOwnLocked(lru, opts)
	return nil
}

func (s *store) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closeLocked()
}

func (s *store) closeLocked() error {
	var errs []error
	if s.main != nil {
		errs = append(errs, s.main.Close())
	}
	for _, m := range s.more {
		errs = append(errs, m.Close())
	}
	s.main, s.own, s.more = nil, nil, nil
	return errors.Join(errs...)
}

// alternates lists the object directories that objects borrows from. go-git
// can follow them too, but opens them anew for every single object.
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
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(objects, dir)
		}
		if filepath.Base(dir) != "objects" {
			return nil, errors.Join(fmt.Errorf("objects are borrowed from %s, which is not inside a repository", dir), f.Close())
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

// object finds an object of the type in the repository or its alternates.
func (s *store) object(t plumbing.ObjectType, h plumbing.Hash) (plumbing.EncodedObject, error) {
	o, err := s.main.EncodedObject(t, h)
	for _, m := range s.more {
		if !errors.Is(err, plumbing.ErrObjectNotFound) {
			break
		}
		o, err = m.EncodedObject(t, h)
	}
	return o, err
}

func (s *store) commit(h plumbing.Hash) (*object.Commit, error) {
	c := new(object.Commit)
	err := s.use(func() error {
		o, err := s.object(plumbing.CommitObject, h)
		if err != nil {
			return err
		}
		return c.Decode(o)
	})
	if err != nil {
		return nil, fmt.Errorf("commit %s: %w", h, err)
	}
	return c, nil
}

// peel follows annotated tags to what they name.
func (s *store) peel(h plumbing.Hash) (plumbing.Hash, plumbing.ObjectType, error) {
	var typ plumbing.ObjectType
	err := s.use(func() error {
		for {
			o, err := s.object(plumbing.AnyObject, h)
			if err != nil {
				return err
			}
			if typ = o.Type(); typ != plumbing.TagObject {
				return nil
			}
			var tag object.Tag
			if err := tag.Decode(o); err != nil {
				return err
			}
			h = tag.Target
		}
	})
	return h, typ, err
}

// blob reads a file's content; one that is larger than limit is not read.
func (s *store) blob(h plumbing.Hash, limit int64) (data []byte, err error) {
	err = s.use(func() error {
		size, err := s.main.EncodedObjectSize(h)
		for _, m := range s.more {
			if !errors.Is(err, plumbing.ErrObjectNotFound) {
				break
			}
			size, err = m.EncodedObjectSize(h)
		}
		if err != nil {
			return err
		}
		if size > limit {
			data = nil
			return nil
		}
		o, err := s.object(plumbing.BlobObject, h)
		if err != nil {
			return err
		}
		data, err = content(o)
		return err
	})
	switch {
	case errors.Is(err, plumbing.ErrObjectNotFound):
		return nil, fmt.Errorf("blob %s is not in this clone, which is partial or damaged; use a full clone (`git clone` without --filter)", h)
	case err != nil:
		return nil, fmt.Errorf("blob %s: %w", h, err)
	case data == nil:
		return nil, errTooLarge
	}
	return data, nil
}

var errTooLarge = errors.New("too large")

func content(o plumbing.EncodedObject) ([]byte, error) {
	r, err := o.Reader()
	if err != nil {
		return nil, err
	}
	data := make([]byte, o.Size())
	_, err = io.ReadFull(r, data)
	return data, errors.Join(err, r.Close())
}

// tree reads a directory; the zero hash is the empty one.
func (s *store) tree(h plumbing.Hash) (t tree, err error) {
	if h.IsZero() {
		return nil, nil
	}
	s.mu.Lock()
	t, ok := s.trees[h]
	s.mu.Unlock()
	if ok {
		return t, nil
	}
	err = s.use(func() error {
		o, err := s.object(plumbing.TreeObject, h)
		if err != nil {
			return err
		}
		if t, err = content(o); err != nil {
			return err
		}
		if s.bytes += len(t); s.trees == nil || s.bytes > treeCacheBytes {
			s.trees, s.bytes = map[plumbing.Hash]tree{}, len(t)
		}
		s.trees[h] = t
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("tree %s: %w", h, err)
	}
	return t, nil
}

func (s *store) shallow() (map[plumbing.Hash]bool, error) {
	set := map[plumbing.Hash]bool{}
	err := s.use(func() error {
		hashes, err := s.main.Shallow()
		if err != nil {
			return err
		}
		more, err := s.shallowOwn()
		for _, h := range append(hashes, more...) {
			// The own repository may have fetched what the clone is without.
			set[h] = s.own == nil || !s.hasParentsLocked(h)
		}
		return err
	})
	return set, err
}

// hasParentsLocked reports whether a commit and all its parents are at hand.
func (s *store) hasParentsLocked(h plumbing.Hash) bool {
	o, err := s.object(plumbing.CommitObject, h)
	c := new(object.Commit)
	if err != nil || c.Decode(o) != nil {
		return false
	}
	return !slices.ContainsFunc(c.ParentHashes, func(p plumbing.Hash) bool {
		_, err := s.object(plumbing.CommitObject, p)
		return err != nil
	})
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

// prefixed lists the objects whose name starts with the hex digits.
func (s *store) prefixed(prefix string, decode []byte) (found []plumbing.Hash, err error) {
	err = s.use(func() error {
		seen := map[plumbing.Hash]bool{}
		found = nil
		for _, o := range append([]*filesystem.ObjectStorage{&s.main.ObjectStorage}, s.more...) {
			hashes, err := o.HashesWithPrefix(decode)
			if err != nil {
				return err
			}
			for _, h := range hashes {
				if !seen[h] && strings.HasPrefix(h.String(), prefix) {
					seen[h] = true
					found = append(found, h)
				}
			}
		}
		if len(found) == 0 {
			return plumbing.ErrObjectNotFound // it may have been fetched since
		}
		return nil
	})
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		return nil, nil
	}
	return found, err
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
