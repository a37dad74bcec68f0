package odb

import (
	"crypto/sha1"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/go-git/go-git/v5/plumbing"
)

const (
	maxDepth = 4096     // of deltas on deltas; git makes at most 4095
	maxBase  = 64 << 20 // bytes of a base or a delta, unless the caller's limit is higher
	maxWork  = 2 << 30  // bytes made on the way to one object
)

// object is what was found under a name. data is nil when only type and size
// were asked for.
type object struct {
	typ    plumbing.ObjectType
	size   int64
	data   []byte
	shared bool // data is in a cache: it must not be changed
}

// place is where in a pack something is stored.
type place struct {
	pack *pack
	off  int64
}

type placeKey struct {
	pack uint32
	off  int64
}

func (at place) key() placeKey { return placeKey{at.pack.id, at.off} }

// spread tells places apart for the cache: entries lie some bytes apart.
func (k placeKey) spread() uint64 { return uint64(k.off)*0x9e3779b97f4a7c15>>32 + uint64(k.pack) }

func (at place) wrap(err error) error {
	if err == nil || errors.Is(err, ErrTooLarge) {
		return err
	}
	at.pack.wrong.Store(true)
	return fmt.Errorf("%s.pack at %d: %w", at.pack.base, at.off, err)
}

// layer is a delta on the way from an object to something stored whole.
type layer struct {
	place
	entry
	end int64
}

// packed reads what is stored at a place.
func (db *DB) packed(at place, limit int64) (object, error) {
	var stack [16]layer
	layers := stack[:0]
	var top *[]byte // the first of the deltas, inflated
	defer func() {
		if top != nil {
			db.pool.release(top)
		}
	}()
	for {
		if typ, data, ok := db.bases.get(at.key().spread(), at.key()); ok {
			if len(layers) == 0 && int64(len(data)) > limit {
				return object{}, ErrTooLarge
			}
			return db.build(object{typ, int64(len(data)), data, true}, layers, top, limit)
		}
		e, end, err := at.pack.entry(at.off)
		if err != nil {
			return object{}, at.wrap(err)
		}
		if !e.delta() {
			o, err := db.whole(at, e, end, limit, len(layers) > 0)
			if err != nil {
				return object{}, at.wrap(err)
			}
			return db.build(o, layers, top, limit)
		}
		if top == nil {
			if top, err = db.delta(layer{at, e, end}, limit); err != nil {
				return object{}, at.wrap(err)
			}
			if _, size, _, err := deltaSizes(*top); err != nil || size > limit {
				return object{}, at.wrap(errors.Join(err, tooLarge(size, limit)))
			}
		}
		if layers = append(layers, layer{at, e, end}); len(layers) > maxDepth {
			return object{}, at.wrap(fmt.Errorf("it is a delta on more than %d others: %w", maxDepth, ErrDamaged))
		}
		if e.typ == plumbing.OFSDeltaObject {
			at.off = e.from
			continue
		}
		next, o, err := db.base(at, e.base, max(limit, maxBase))
		if err != nil {
			return object{}, at.wrap(err)
		}
		if o.data != nil {
			return db.build(o, layers, top, limit)
		}
		at = next
	}
}

func tooLarge(size, limit int64) error {
	if size > limit {
		return ErrTooLarge
	}
	return nil
}

// base finds the base of a delta that names it: in the same pack as a rule, or
// in another, or else as an object with a file of its own, which is read.
func (db *DB) base(at place, h plumbing.Hash, limit int64) (place, object, error) {
	off, ok, err := at.pack.find(h)
	if err == nil && ok {
		return place{at.pack, off}, object{}, nil
	}
	for _, p := range db.packs {
		if off, ok, found := p.find(h); ok {
			return place{p, off}, object{}, nil
		} else if err == nil {
			err = found
		}
	}
	for _, dir := range db.dirs {
		o, found := db.loose(dir, h, limit, false)
		if found == nil {
			return place{}, o, nil
		}
		if err == nil && !errors.Is(found, plumbing.ErrObjectNotFound) {
			err = found
		}
	}
	if err == nil {
		err = fmt.Errorf("its delta's base %s is missing: %w", h, ErrDamaged)
	}
	return place{}, object{}, err
}

// whole inflates an entry that is no delta.
func (db *DB) whole(at place, e entry, end, limit int64, isBase bool) (object, error) {
	if isBase {
		limit = max(limit, maxBase)
	}
	if e.size > limit {
		return object{}, ErrTooLarge
	}
	data := make([]byte, e.size)
	if err := db.inflate(at.pack, e, end, data); err != nil {
		return object{}, err
	}
	o := object{typ: e.typ, size: e.size, data: data}
	if isBase || e.typ != plumbing.CommitObject {
		o.shared = db.keep(at, o)
	}
	return o, nil
}

// keep puts content into the cache of what deltas are based on.
func (db *DB) keep(at place, o object) bool {
	if o.size > maxKept {
		return false
	}
	db.bases.put(at.key().spread(), at.key(), o.typ, o.data)
	return true
}

func (db *DB) inflate(p *pack, e entry, end int64, dst []byte) error {
	f, err := p.content()
	if err != nil {
		return err
	}
	in := db.pool.get()
	defer in.done()
	if err := in.open(f, e.data, end); err != nil {
		return err
	}
	if err := in.fill(dst); err != nil {
		return err
	}
	return in.end()
}

// delta inflates a delta into a buffer of the pool.
func (db *DB) delta(l layer, limit int64) (*[]byte, error) {
	if l.size > max(limit, maxBase) {
		return nil, ErrTooLarge
	}
	b := db.pool.buffer(int(l.size))
	if err := db.inflate(l.pack, l.entry, l.end, *b); err != nil {
		db.pool.release(b)
		return nil, err
	}
	return b, nil
}

// build applies the deltas to what they are based on, the last one first. What
// comes out on the way is kept: the next older version of a file or directory
// is a delta on it, as a rule.
func (db *DB) build(o object, layers []layer, top *[]byte, limit int64) (object, error) {
	work := int64(0)
	for i := len(layers) - 1; i >= 0; i-- {
		l := layers[i]
		var err error
		if i == 0 {
			o.data, err = patch(o.data, *top, limit)
		} else {
			o.data, err = db.apply(o.data, l, limit)
		}
		if err != nil {
			return object{}, l.wrap(err)
		}
		o.size, o.shared = int64(len(o.data)), false
		if work += o.size; work > maxWork {
			return object{}, l.wrap(fmt.Errorf("its deltas make more than %d bytes: %w", maxWork, ErrDamaged))
		}
		o.shared = db.keep(l.place, o)
	}
	return o, nil
}

func (db *DB) apply(base []byte, l layer, limit int64) ([]byte, error) {
	d, err := db.delta(l, limit)
	if err != nil {
		return nil, err
	}
	defer db.pool.release(d)
	return patch(base, *d, max(limit, maxBase))
}

// packedHead finds type and size of what is stored at a place, and inflates at
// most the first bytes of it.
func (db *DB) packedHead(at place) (o object, err error) {
	for depth := 0; ; depth++ {
		if typ, data, ok := db.bases.get(at.key().spread(), at.key()); ok {
			o.typ = typ
			if depth == 0 {
				o.size = int64(len(data))
			}
			return o, nil
		}
		e, end, err := at.pack.entry(at.off)
		switch {
		case err != nil:
			return object{}, at.wrap(err)
		case depth > maxDepth:
			return object{}, at.wrap(fmt.Errorf("it is a delta on more than %d others: %w", maxDepth, ErrDamaged))
		case depth == 0:
			o.size = e.size
			if e.delta() {
				o.size, err = db.resultSize(at.pack, e, end)
			}
			if err != nil {
				return object{}, at.wrap(err)
			}
		}
		switch e.typ {
		case plumbing.OFSDeltaObject:
			at.off = e.from
		case plumbing.REFDeltaObject:
			next, loose, err := db.base(at, e.base, maxBase)
			if err != nil {
				return object{}, at.wrap(err)
			}
			if next.pack == nil {
				o.typ = loose.typ
				return o, nil
			}
			at = next
		default:
			o.typ = e.typ
			return o, nil
		}
	}
}

// resultSize reads what size a delta makes, which is in its first bytes.
func (db *DB) resultSize(p *pack, e entry, end int64) (int64, error) {
	f, err := p.content()
	if err != nil {
		return 0, err
	}
	in := db.pool.get()
	defer in.done()
	if err := in.open(f, e.data, end); err != nil {
		return 0, err
	}
	var buf [20]byte // two sizes of at most nine bytes
	n, err := io.ReadFull(in.z, buf[:min(e.size, int64(len(buf)))])
	if err != nil {
		return 0, compressed(err)
	}
	_, size, _, err := deltaSizes(buf[:n])
	return size, err
}

// verify checks content against its name. For commits that costs 5 % of a walk
// and for blobs next to nothing beside what is done with them. Trees are what a
// walk reads most of, and large: checked, it takes 40 % longer. What they are
// stored as has a checksum of its own, which is what git relies on.
func verify(h plumbing.Hash, o object) error {
	if o.typ == plumbing.TreeObject {
		return nil
	}
	sum := sha1.New()
	var head [40]byte
	b := append(head[:0], o.typ.Bytes()...)
	b = strconv.AppendInt(append(b, ' '), o.size, 10)
	sum.Write(append(b, 0))
	sum.Write(o.data)
	var got plumbing.Hash
	if sum.Sum(got[:0]); got != h {
		return fmt.Errorf("its content is that of %s: %w", got, ErrDamaged)
	}
	return nil
}
