// Package odb reads Git's object database: objects in files of their own, pack
// files and the commit-graph, in any number of object directories. It writes
// nothing. Objects have sha1 names.
//
// Nothing is opened before the first object is asked for. A DB is safe for
// concurrent use, and readers do not wait for one another.
//
// Multi-pack indexes are not read: git leaves the index of each pack in place
// beside them, also after `git multi-pack-index write`, `expire` and `repack`.
package odb

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/go-git/go-git/v5/plumbing"
)

var (
	// ErrTooLarge is an object larger than the reader wants it, which was not
	// read.
	ErrTooLarge = errors.New("too large")
	// ErrDamaged is content that is not what Git writes. The error around it
	// names file and place.
	ErrDamaged = errors.New("the object database is damaged")
)

const (
	cacheBytes = 8 << 20   // of each of the two caches
	maxKept    = 128 << 10 // bytes of what is kept in them
)

// DB is an object database.
type DB struct {
	dirs   []string
	mapped bool
	pool   pool
	bases  *cache[placeKey]      // what deltas are based on
	trees  *cache[plumbing.Hash] // directories

	// mu is held for reading as long as anything of a pack is looked at: under
	// it packs are not closed.
	mu     sync.RWMutex
	packs  []*pack
	listed bool
	turn   uint64 // counts the changes of packs
	last   atomic.Pointer[pack]
	graphs atomic.Pointer[[]*graph]

	scan    sync.Mutex // held while directories are listed
	nextID  uint32
	graphMu sync.Mutex // held while graphs are opened
}

// New returns the database of the object directories, which are looked at in
// this order. It opens nothing.
func New(dirs ...string) *DB { return newDB(dirs, canMap) }

func newDB(dirs []string, mapped bool) *DB {
	return &DB{
		dirs:   slices.Clone(dirs),
		mapped: mapped,
		bases:  newCache[placeKey](cacheBytes),
		trees:  newCache[plumbing.Hash](cacheBytes),
	}
}

// Dirs are the object directories, in order.
func (db *DB) Dirs() []string { return db.dirs }

// Close lets go of all files, when nobody reads any more. The DB stays usable:
// a later read opens them again.
func (db *DB) Close() error {
	db.mu.Lock()
	defer db.mu.Unlock()
	var errs []error
	for _, p := range db.packs {
		errs = append(errs, p.close())
	}
	if all := db.graphs.Swap(nil); all != nil {
		for _, g := range *all {
			g.close()
		}
	}
	db.packs, db.listed = nil, false
	db.last.Store(nil)
	db.turn++
	return errors.Join(errs...)
}

// Refresh forgets packs that are gone and learns which are new. A read that
// misses does that by itself.
func (db *DB) Refresh() error {
	db.mu.RLock()
	listed := db.listed
	db.mu.RUnlock()
	if !listed {
		return nil
	}
	_, err := db.rescan()
	return err
}

// Has reports whether the object is there. It does not read it.
func (db *DB) Has(h plumbing.Hash) (bool, error) {
	err := db.do(func() error {
		var first error
		for _, p := range db.packs {
			_, ok, err := p.find(h)
			if ok {
				return nil
			}
			first = keepFirst(first, err)
		}
		for _, dir := range db.dirs {
			_, err := os.Stat(loosePath(dir, h))
			if err == nil {
				return nil
			}
			if !absent(err) {
				first = keepFirst(first, err)
			}
		}
		if first != nil {
			return first
		}
		return plumbing.ErrObjectNotFound
	})
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		return false, nil
	}
	return err == nil, err
}

func keepFirst(first, err error) error {
	if first != nil {
		return first
	}
	return err
}

// emptyTree is the directory without entries, which git knows without having
// it.
var emptyTree = plumbing.NewHash("4b825dc642cb6eb9a060e54bf8d69288fbee4904")

// Header returns an object's type and its size in bytes without reading more
// than the beginning of it. One that is missing is a plumbing.ErrObjectNotFound.
func (db *DB) Header(h plumbing.Hash) (plumbing.ObjectType, int64, error) {
	var o object
	err := db.do(func() error {
		return db.each(h, func(at place) (err error) {
			o, err = db.packedHead(at)
			return err
		}, func(dir string) (err error) {
			o, err = db.loose(dir, h, 0, true)
			return err
		})
	})
	if h == emptyTree && errors.Is(err, plumbing.ErrObjectNotFound) {
		return plumbing.TreeObject, 0, nil
	}
	if err != nil {
		return 0, 0, named(h, err)
	}
	return o.typ, o.size, nil
}

// Read returns an object's type and content, which must not be changed unless it
// is a blob's. One of more than limit bytes is an ErrTooLarge and not read,
// one that is missing a plumbing.ErrObjectNotFound. The content is checked against
// the name, except that of a tree: for those it would cost a walk a third more.
func (db *DB) Read(h plumbing.Hash, limit int64) (plumbing.ObjectType, []byte, error) {
	if typ, data, ok := db.trees.get(uint64(h[19]), h); ok && int64(len(data)) <= limit {
		return typ, data, nil
	}
	var o object
	err := db.do(func() (err error) {
		o, err = db.read(h, limit)
		return err
	})
	if h == emptyTree && errors.Is(err, plumbing.ErrObjectNotFound) {
		return plumbing.TreeObject, []byte{}, nil
	}
	if err != nil {
		return 0, nil, named(h, err)
	}
	switch {
	case o.typ == plumbing.TreeObject && o.size <= maxKept:
		db.trees.put(uint64(h[19]), h, o.typ, o.data)
	case o.typ == plumbing.BlobObject && o.shared:
		o.data = bytes.Clone(o.data)
	}
	return o.typ, o.data, nil
}

func (db *DB) read(h plumbing.Hash, limit int64) (o object, err error) {
	err = db.each(h, func(at place) (err error) {
		if o, err = db.packed(at, limit); err != nil {
			return err
		}
		return at.wrap(verify(h, o))
	}, func(dir string) (err error) {
		if o, err = db.loose(dir, h, limit, false); err != nil {
			return err
		}
		if err = verify(h, o); err != nil {
			return fmt.Errorf("%s: %w", loosePath(dir, h), err)
		}
		return nil
	})
	return o, err
}

func named(h plumbing.Hash, err error) error {
	if errors.Is(err, ErrTooLarge) || errors.Is(err, plumbing.ErrObjectNotFound) {
		return err
	}
	return fmt.Errorf("object %s: %w", h, err)
}

// each tries the places that have an object until one can be read, and returns
// what was wrong with the first that cannot.
func (db *DB) each(h plumbing.Hash, packed func(place) error, loose func(dir string) error) error {
	var first error
	try := func(p *pack) (done bool) {
		off, ok, err := p.find(h)
		if ok {
			if err = packed(place{p, off}); err == nil && db.last.Load() != p {
				db.last.Store(p)
			}
		}
		done = ok && err == nil || errors.Is(err, ErrTooLarge)
		if done {
			first = err
		} else {
			first = keepFirst(first, err)
		}
		return done
	}
	last := db.last.Load()
	if last != nil && try(last) {
		return first
	}
	for _, p := range db.packs {
		if p != last && try(p) {
			return first
		}
	}
	for _, dir := range db.dirs {
		err := loose(dir)
		if err == nil || errors.Is(err, ErrTooLarge) {
			return err
		}
		if !errors.Is(err, plumbing.ErrObjectNotFound) {
			first = keepFirst(first, err)
		}
	}
	if first != nil {
		return first
	}
	return plumbing.ErrObjectNotFound
}

// Step returns a commit's tree and parents: from the commit-graph where that
// has them, and else from the commit.
func (db *DB) Step(h plumbing.Hash) (tree plumbing.Hash, parents []plumbing.Hash, err error) {
	var o object
	err = db.do(func() (err error) {
		for _, g := range db.openGraphs() {
			var ok bool
			if tree, parents, ok = g.step(h); ok {
				return nil
			}
		}
		if o, err = db.read(h, maxCommit); err == nil && o.typ != plumbing.CommitObject {
			err = fmt.Errorf("it is a %s and not a commit: %w", o.typ, plumbing.ErrObjectNotFound)
		}
		return err
	})
	if err == nil && o.data != nil {
		tree, parents, err = links(o.data)
	}
	if err != nil {
		return plumbing.ZeroHash, nil, named(h, err)
	}
	return tree, parents, nil
}

// maxCommit is more than any commit has a reason to be.
const maxCommit = 32 << 20

// links reads the first lines of a commit.
func links(commit []byte) (tree plumbing.Hash, parents []plumbing.Hash, err error) {
	line := func(key string) (h plumbing.Hash, ok bool) {
		const digits = 2 * hashSize
		rest, ok := bytes.CutPrefix(commit, []byte(key))
		if !ok || len(rest) <= digits || rest[digits] != '\n' {
			return h, false
		}
		commit = rest[digits+1:]
		_, err := hex.Decode(h[:], rest[:digits])
		return h, err == nil
	}
	tree, ok := line("tree ")
	if !ok {
		return tree, nil, fmt.Errorf("it is no commit: %w", ErrDamaged)
	}
	for {
		h, ok := line("parent ")
		if !ok {
			return tree, parents, nil
		}
		parents = append(parents, h)
	}
}

func (db *DB) openGraphs() []*graph {
	if all := db.graphs.Load(); all != nil {
		return *all
	}
	db.graphMu.Lock()
	defer db.graphMu.Unlock()
	if all := db.graphs.Load(); all != nil {
		return *all
	}
	all := openGraphs(db.dirs, db.mapped)
	db.graphs.Store(&all)
	return all
}

// Prefixed lists the objects whose names start with the bytes, at least one.
func (db *DB) Prefixed(prefix []byte) ([]plumbing.Hash, error) {
	if len(prefix) == 0 || len(prefix) > hashSize {
		return nil, nil
	}
	found := map[plumbing.Hash]bool{}
	add := func(h plumbing.Hash) { found[h] = true }
	err := db.do(func() error {
		for _, p := range db.packs {
			x, err := p.index()
			if err == nil {
				err = x.prefixed(prefix, add)
			}
			if err != nil {
				return err
			}
		}
		for _, dir := range db.dirs {
			if err := loosePrefixed(dir, prefix, add); err != nil {
				return err
			}
		}
		if len(found) == 0 {
			return plumbing.ErrObjectNotFound
		}
		return nil
	})
	if err != nil && !errors.Is(err, plumbing.ErrObjectNotFound) {
		return nil, err
	}
	list := make([]plumbing.Hash, 0, len(found))
	for h := range found {
		list = append(list, h)
	}
	slices.SortFunc(list, func(a, b plumbing.Hash) int { return bytes.Compare(a[:], b[:]) })
	return list, nil
}

// damagedFile says which file is wrong.
func damagedFile(f *file, err error) error {
	return fmt.Errorf("%s: %w: %w", f.name, err, ErrDamaged)
}
