package repo

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

var errNoOwn = errors.New("there is no repository to write to")

// attach lets the store read fairtide's own repository too, and write to it.
func (s *store) attach(dir string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ownDir = dir
	return s.reopenLocked()
}

// openOwnLocked opens what is written to the own repository through.
func (s *store) openOwnLocked(lru cache.Object) {
	if s.ownDir != "" {
		s.own = filesystem.NewStorageWithOptions(noAlternates{osfs.New(s.ownDir)}, lru, filesystem.Options{})
	}
}

// objectsDir is where the clone keeps its objects.
func (s *store) objectsDir() string {
	if s.at.common != "" {
		return filepath.Join(s.at.common, "objects")
	}
	return filepath.Join(s.at.gitDir, "objects")
}

// put writes an object to the own repository, unless it is there or in the
// clone already.
func (s *store) put(t plumbing.ObjectType, data []byte) (plumbing.Hash, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.main == nil {
		if err := s.reopenLocked(); err != nil {
			return plumbing.ZeroHash, err
		}
	}
	if s.own == nil {
		return plumbing.ZeroHash, errNoOwn
	}
	o := s.own.NewEncodedObject()
	o.SetType(t)
	w, err := o.Writer()
	if err != nil {
		return plumbing.ZeroHash, err
	}
	_, err = w.Write(data)
	if err := errors.Join(err, w.Close()); err != nil {
		return plumbing.ZeroHash, err
	}
	if s.has(o.Hash()) {
		return o.Hash(), nil
	}
	return s.own.SetEncodedObject(o)
}

// cloneReferences lists the hashes of the clone's references with the prefix.
func (s *store) cloneReferences(prefix string) (map[string]plumbing.Hash, error) {
	return s.list(prefix, func() *filesystem.Storage { return s.main })
}

// ownReferences does so for the own repository.
func (s *store) ownReferences(prefix string) (map[string]plumbing.Hash, error) {
	return s.list(prefix, func() *filesystem.Storage { return s.own })
}

func (s *store) list(prefix string, of func() *filesystem.Storage) (refs map[string]plumbing.Hash, err error) {
	err = s.use(func() error {
		refs = map[string]plumbing.Hash{}
		if of() == nil {
			return nil
		}
		iter, err := of().IterReferences()
		if err != nil {
			return err
		}
		return iter.ForEach(func(r *plumbing.Reference) error {
			if r.Type() == plumbing.HashReference && strings.HasPrefix(r.Name().String(), prefix) {
				refs[r.Name().String()] = r.Hash()
			}
			return nil
		})
	})
	return refs, err
}

// setReference sets one of the own repository's references.
func (s *store) setReference(name string, h plumbing.Hash) error {
	return s.use(func() error {
		if s.own == nil {
			return errNoOwn
		}
		return s.own.SetReference(plumbing.NewHashReference(plumbing.ReferenceName(name), h))
	})
}

func (s *store) removeReference(name string) error {
	return s.use(func() error {
		if s.own == nil {
			return errNoOwn
		}
		return s.own.RemoveReference(plumbing.ReferenceName(name))
	})
}

// ownReference reads one of the own repository's references.
func (s *store) ownReference(name string) (h plumbing.Hash, err error) {
	err = s.use(func() error {
		if s.own == nil {
			return errNoOwn
		}
		ref, err := s.own.Reference(plumbing.ReferenceName(name))
		if err == nil {
			h = ref.Hash()
		}
		return err
	})
	return h, err
}

// governedLocked reports whether a reference is a branch of the remote, which
// the own repository answers for once it has any.
func (s *store) governedLocked(name plumbing.ReferenceName) bool {
	return s.own != nil && strings.HasPrefix(name.String(), s.ownPrefix) && !strings.HasSuffix(name.String(), "/HEAD")
}

// oursLocked reports whether the own repository has any branch of the remote.
func (s *store) oursLocked() (bool, error) {
	if s.own == nil {
		return false, nil
	}
	iter, err := s.own.IterReferences()
	if err != nil {
		return false, err
	}
	defer iter.Close()
	for {
		ref, err := iter.Next()
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if s.governedLocked(ref.Name()) {
			return true, nil
		}
	}
}

// shallowOwn lists where the own repository's history ends.
func (s *store) shallowOwn() ([]plumbing.Hash, error) {
	if s.own == nil {
		return nil, nil
	}
	hashes, err := s.own.Shallow()
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return hashes, err
}
