package odb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"

	"github.com/go-git/go-git/v5/plumbing"
)

const (
	packHeader = 12
	// A type, a size in at most 9 bytes, and an offset of as many or a name.
	entryHeader = 10 + hashSize
)

// pack is a pack file with its index, each opened when it is first needed.
type pack struct {
	id     uint32
	base   string // path without ".idx" and ".pack"
	mapped bool

	mu    sync.Mutex
	idx   atomic.Pointer[index]
	file  atomic.Pointer[file]
	err   error       // why it cannot be opened
	wrong atomic.Bool // something about it was an error
}

// index opens the index. What went wrong once stays so until the pack
// directories are listed again.
func (p *pack) index() (*index, error) {
	if x := p.idx.Load(); x != nil {
		return x, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.indexLocked()
}

func (p *pack) indexLocked() (*index, error) {
	if x := p.idx.Load(); x != nil || p.err != nil {
		return x, p.err
	}
	f, err := openFile(p.base+".idx", p.mapped)
	if err != nil {
		return nil, p.failed(err)
	}
	x, err := newIndex(f)
	if err != nil {
		return nil, p.failed(errors.Join(err, f.close()))
	}
	p.idx.Store(x)
	return x, nil
}

func (p *pack) failed(err error) error {
	p.err = err
	p.wrong.Store(true)
	return err
}

// content opens the pack itself and makes sure that the index is of it.
func (p *pack) content() (*file, error) {
	if f := p.file.Load(); f != nil {
		return f, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	x, err := p.indexLocked()
	if f := p.file.Load(); f != nil || err != nil {
		return f, err
	}
	f, err := openFile(p.base+".pack", p.mapped)
	if err != nil {
		return nil, p.failed(err)
	}
	if err := belongs(f, x); err != nil {
		return nil, p.failed(errors.Join(damagedFile(f, err), f.close()))
	}
	p.file.Store(f)
	return f, nil
}

// belongs checks the head and the end of a pack against its index.
func belongs(f *file, x *index) error {
	head, err := f.bytes(0, packHeader, nil)
	if err != nil {
		return errors.New("it is cut off")
	}
	version := binary.BigEndian.Uint32(head[4:])
	if string(head[:4]) != "PACK" || version != 2 && version != 3 {
		return errors.New("it is no pack of a known version")
	}
	if int64(binary.BigEndian.Uint32(head[8:])) != x.count() {
		return errors.New("it does not hold as many objects as its index says")
	}
	sum, err := f.bytes(f.size-hashSize, hashSize, nil)
	if err != nil {
		return errors.New("it is cut off")
	}
	want, err := x.packSum()
	if err != nil {
		return err
	}
	if !bytes.Equal(sum, want) {
		return errors.New("its end is not what its index says: it is cut off, or another pack's")
	}
	return nil
}

func (p *pack) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	if x := p.idx.Swap(nil); x != nil {
		errs = append(errs, x.file.close())
	}
	if f := p.file.Swap(nil); f != nil {
		errs = append(errs, f.close())
	}
	return errors.Join(errs...)
}

// find returns where in the pack an object begins.
func (p *pack) find(h plumbing.Hash) (off int64, ok bool, err error) {
	x, err := p.index()
	if err != nil {
		return 0, false, err
	}
	off, ok, err = x.find(h)
	if err != nil {
		p.wrong.Store(true)
	}
	return off, ok, err
}

// entry is the head of what is stored at one place of a pack.
type entry struct {
	typ  plumbing.ObjectType
	size int64 // of the object, or of the delta
	data int64 // where its compressed data begins
	from int64 // OFSDeltaObject: where the base begins
	base plumbing.Hash
}

func (e entry) delta() bool {
	return e.typ == plumbing.OFSDeltaObject || e.typ == plumbing.REFDeltaObject
}

// entry reads the head of what is at off. end is where the compressed data of
// the pack's last entry ends.
func (p *pack) entry(off int64) (e entry, end int64, err error) {
	f, err := p.content()
	if err != nil {
		return entry{}, 0, err
	}
	end = f.size - hashSize
	if off < packHeader || off >= end {
		return entry{}, 0, fmt.Errorf("%w: %w", errOutside, ErrDamaged)
	}
	b, err := f.bytes(off, int(min(end-off, entryHeader)), nil)
	if err != nil {
		return entry{}, 0, err
	}
	if e, err = parseEntry(b, off); err != nil {
		return entry{}, 0, err
	}
	if !plausible(e.size, end-e.data) {
		return entry{}, 0, fmt.Errorf("its size of %d bytes is more than the pack can hold: %w", e.size, ErrDamaged)
	}
	return e, end, nil
}

// parseEntry reads the head of an entry that begins at off.
func parseEntry(b []byte, off int64) (entry, error) {
	cut := fmt.Errorf("it is cut off: %w", ErrDamaged)
	if len(b) == 0 {
		return entry{}, cut
	}
	e := entry{typ: plumbing.ObjectType(b[0] >> 4 & 7), size: int64(b[0] & 15)}
	n := 1
	for shift := 4; b[n-1]&0x80 != 0; n, shift = n+1, shift+7 {
		if n == len(b) {
			return entry{}, cut
		}
		bits := uint64(b[n] & 0x7f)
		if shift > 56 || bits > math.MaxInt64>>shift {
			return entry{}, fmt.Errorf("its size is too large: %w", ErrDamaged)
		}
		e.size |= int64(bits << shift)
	}
	switch e.typ {
	case plumbing.CommitObject, plumbing.TreeObject, plumbing.BlobObject, plumbing.TagObject:
	case plumbing.OFSDeltaObject:
		back, used := backwards(b[n:])
		if used == 0 || back <= 0 || back > off-packHeader {
			return entry{}, fmt.Errorf("its delta's base is outside of the pack: %w", ErrDamaged)
		}
		e.from = off - back
		n += used
	case plumbing.REFDeltaObject:
		if len(b)-n < hashSize {
			return entry{}, cut
		}
		n += copy(e.base[:], b[n:])
	default:
		return entry{}, fmt.Errorf("it is of unknown type %d: %w", e.typ, ErrDamaged)
	}
	e.data = off + int64(n)
	return e, nil
}

// backwards reads how far before its delta a base is. used is 0 for bytes that
// say no such thing.
func backwards(b []byte) (back int64, used int) {
	for i, c := range b {
		if i > 0 {
			if back++; back >= 1<<55 {
				return 0, 0
			}
		}
		back = back<<7 | int64(c&0x7f)
		if c&0x80 == 0 {
			return back, i + 1
		}
	}
	return 0, 0
}
