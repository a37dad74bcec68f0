package repo

import (
	"errors"
	"io"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

// missing lists the objects that a commit needs and that the remote does not
// have: of every commit that none of the remote's branches contains, what its
// tree does not share with the tree of its first parent.
func (b builtin) missing(h plumbing.Hash, adv *packp.AdvRefs) ([]plumbing.Hash, error) {
	theirs := map[plumbing.Hash]bool{}
	for _, at := range adv.References {
		theirs[at] = true
	}
	// What was fetched was theirs, and the remote may have moved on since.
	had, err := b.r.store.ownReferences(b.r.remotePrefix())
	if err != nil {
		return nil, err
	}
	for _, at := range had {
		theirs[at] = true
	}
	var list []plumbing.Hash
	seen := map[plumbing.Hash]bool{}
	for todo := []plumbing.Hash{h}; len(todo) > 0; {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if seen[at] || b.contained(theirs, at) {
			continue
		}
		seen[at] = true
		c, err := b.r.store.commit(at)
		if err != nil {
			return nil, err
		}
		list = append(list, at)
		old := plumbing.ZeroHash
		if len(c.ParentHashes) > 0 {
			parent, err := b.r.store.commit(c.ParentHashes[0])
			if err != nil {
				return nil, err
			}
			old = parent.TreeHash
		}
		if err := b.trees(&list, seen, c.TreeHash, old); err != nil {
			return nil, err
		}
		todo = append(todo, c.ParentHashes...)
	}
	return list, nil
}

// contained reports whether one of the heads is the commit or comes after it.
func (b builtin) contained(heads map[plumbing.Hash]bool, at plumbing.Hash) bool {
	if heads[at] {
		return true
	}
	for h := range heads {
		if b.r.contains(h, at) {
			return true
		}
	}
	return false
}

// trees lists what is in a tree and not at the same place in the old one.
func (b builtin) trees(list *[]plumbing.Hash, seen map[plumbing.Hash]bool, now, old plumbing.Hash) error {
	if now == old || seen[now] {
		return nil
	}
	seen[now] = true
	*list = append(*list, now)
	entries, err := b.r.store.nodes(now)
	if err != nil {
		return err
	}
	before := map[string]node{}
	if !old.IsZero() {
		if before, err = b.r.store.nodes(old); err != nil {
			return err
		}
	}
	for name, n := range entries {
		was := before[name]
		switch {
		case n.mode == modeModule || n.hash == was.hash || seen[n.hash]:
		case n.isDir():
			if !was.isDir() {
				was = node{}
			}
			if err := b.trees(list, seen, n.hash, was.hash); err != nil {
				return err
			}
		default:
			seen[n.hash] = true
			*list = append(*list, n.hash)
		}
	}
	return nil
}

// chain finds an object in the first storage that has it.
type chain []*filesystem.Storage

// chain stands in for a storage where objects are only read.
var _ storer.EncodedObjectStorer = chain{}

var errChain = errors.New("a chain of storages is for reading only")

func (c chain) EncodedObject(t plumbing.ObjectType, h plumbing.Hash) (plumbing.EncodedObject, error) {
	for _, s := range c {
		if o, err := s.EncodedObject(t, h); !errors.Is(err, plumbing.ErrObjectNotFound) {
			return o, err
		}
	}
	return nil, plumbing.ErrObjectNotFound
}

func (c chain) HasEncodedObject(h plumbing.Hash) error {
	_, err := c.EncodedObject(plumbing.AnyObject, h)
	return err
}

func (c chain) EncodedObjectSize(h plumbing.Hash) (int64, error) {
	o, err := c.EncodedObject(plumbing.AnyObject, h)
	if err != nil {
		return 0, err
	}
	return o.Size(), nil
}

func (chain) NewEncodedObject() plumbing.EncodedObject { return &plumbing.MemoryObject{} }

func (chain) AddAlternate(string) error { return errChain }

func (chain) RawObjectWriter(plumbing.ObjectType, int64) (io.WriteCloser, error) {
	return nil, errChain
}

func (chain) SetEncodedObject(plumbing.EncodedObject) (plumbing.Hash, error) {
	return plumbing.ZeroHash, errChain
}

func (chain) IterEncodedObjects(plumbing.ObjectType) (storer.EncodedObjectIter, error) {
	return nil, errChain
}

// Close closes the storages.
func (c chain) Close() error {
	var errs []error
	for _, s := range c {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}
