package odb

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/zlib"
)

// maxRatio is more than deflate can pack bytes: what claims to be larger than
// that many times its compressed form is not.
const maxRatio = 1100

// plausible reports whether so many compressed bytes can hold size bytes. It
// keeps a damaged length from claiming memory.
func plausible(size, compressed int64) bool {
	return size >= 0 && size/maxRatio <= compressed
}

// inflater is a decompressor with what it reads from. They are used again:
// setting one up costs more than most objects do.
type inflater struct {
	src    bytes.Reader  // of a mapping
	buf    *bufio.Reader // of a file
	z      io.ReadCloser // nil: not used yet
	pooled *pool
}

// pool holds inflaters and buffers that nobody uses at the moment.
type pool struct{ inflaters, scratch sync.Pool }

func (p *pool) get() *inflater {
	if in, ok := p.inflaters.Get().(*inflater); ok {
		return in
	}
	return &inflater{pooled: p}
}

// done gives the inflater back, without a hold on what it read.
func (in *inflater) done() {
	in.src.Reset(nil)
	if in.buf != nil {
		in.buf.Reset(nil)
	}
	in.pooled.inflaters.Put(in)
}

// open starts with the compressed data between two places of a file.
func (in *inflater) open(f *file, off, end int64) error {
	if off < 0 || end > f.size || off >= end {
		return fmt.Errorf("%w: %w", errOutside, ErrDamaged)
	}
	if f.f == nil {
		in.src.Reset(f.data[off:end])
		return in.start(&in.src)
	}
	return in.openReader(io.NewSectionReader(f.f, off, end-off))
}

func (in *inflater) openReader(r io.Reader) error {
	if in.buf == nil {
		in.buf = bufio.NewReader(r)
	} else {
		in.buf.Reset(r)
	}
	return in.start(in.buf)
}

func (in *inflater) start(r io.Reader) (err error) {
	if in.z == nil {
		z, err := zlib.NewReader(r)
		if err == nil {
			in.z = z
		}
		return compressed(err)
	}
	return compressed(in.z.(zlib.Resetter).Reset(r, nil))
}

// fill reads exactly len(dst) bytes, and more makes sure that there are no
// more of them and that the checksum is right.
func (in *inflater) fill(dst []byte) error {
	if _, err := io.ReadFull(in.z, dst); err != nil {
		return compressed(err)
	}
	return nil
}

func (in *inflater) end() error {
	var one [1]byte
	for {
		n, err := in.z.Read(one[:])
		switch {
		case n > 0:
			return fmt.Errorf("it is longer than it says: %w", ErrDamaged)
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return compressed(err)
		}
	}
}

// compressed names what is wrong with compressed data.
func compressed(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("its compressed data ends early: %w", ErrDamaged)
	}
	return fmt.Errorf("its compressed data cannot be read (%w): %w", err, ErrDamaged)
}

// buffer returns n bytes to be given back with release.
func (p *pool) buffer(n int) *[]byte {
	b, ok := p.scratch.Get().(*[]byte)
	if !ok {
		b = new([]byte)
	}
	if cap(*b) < n {
		*b = make([]byte, max(n, 4<<10))
	}
	*b = (*b)[:n]
	return b
}

func (p *pool) release(b *[]byte) {
	const keep = 1 << 20
	if cap(*b) <= keep {
		p.scratch.Put(b)
	}
}
