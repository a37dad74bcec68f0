package odb

import (
	"fmt"
	"math"
)

// deltaSize reads one of the two sizes that a delta starts with.
func deltaSize(d []byte) (size int64, rest []byte, err error) {
	for i, shift := 0, 0; i < len(d); i, shift = i+1, shift+7 {
		bits := uint64(d[i] & 0x7f)
		if shift > 56 || bits<<shift > math.MaxInt64 {
			return 0, nil, fmt.Errorf("a size in its delta is too large: %w", ErrDamaged)
		}
		size |= int64(bits << shift)
		if d[i]&0x80 == 0 {
			return size, d[i+1:], nil
		}
	}
	return 0, nil, fmt.Errorf("its delta ends within a size: %w", ErrDamaged)
}

// deltaSizes reads the size of a delta's base and that of its result.
func deltaSizes(d []byte) (base, result int64, rest []byte, err error) {
	base, rest, err = deltaSize(d)
	if err == nil {
		result, rest, err = deltaSize(rest)
	}
	return base, result, rest, err
}

// patch applies a delta to its base. A result larger than limit is refused
// before any memory is taken for it.
func patch(base, delta []byte, limit int64) ([]byte, error) {
	from, size, d, err := deltaSizes(delta)
	switch {
	case err != nil:
		return nil, err
	case from != int64(len(base)):
		return nil, fmt.Errorf("its delta is for a base of %d bytes, which has %d: %w", from, len(base), ErrDamaged)
	case size > limit:
		return nil, ErrTooLarge
	}
	out := make([]byte, 0, size)
	for len(d) > 0 {
		op := d[0]
		d = d[1:]
		var piece []byte
		switch {
		case op&0x80 != 0:
			off, n, rest, ok := copyOp(op, d)
			if !ok || off > len(base) || n > len(base)-off {
				return nil, fmt.Errorf("its delta copies from outside of the base: %w", ErrDamaged)
			}
			piece, d = base[off:off+n], rest
		case op == 0 || int(op) > len(d):
			return nil, fmt.Errorf("its delta is cut off or of an unknown form: %w", ErrDamaged)
		default:
			piece, d = d[:op], d[op:]
		}
		if len(piece) > cap(out)-len(out) {
			return nil, fmt.Errorf("its delta makes more than the %d bytes it says: %w", size, ErrDamaged)
		}
		out = append(out, piece...)
	}
	if int64(len(out)) != size {
		return nil, fmt.Errorf("its delta makes %d bytes and says %d: %w", len(out), size, ErrDamaged)
	}
	return out, nil
}

// copyOp reads from where and how much an instruction copies: the bits of op
// say which bytes of the two little-endian numbers follow.
func copyOp(op byte, d []byte) (off, n int, rest []byte, ok bool) {
	var fields [7]byte
	for i := range fields {
		if op&(1<<i) == 0 {
			continue
		}
		if len(d) == 0 {
			return 0, 0, nil, false
		}
		fields[i], d = d[0], d[1:]
	}
	wide := int64(fields[0]) | int64(fields[1])<<8 | int64(fields[2])<<16 | int64(fields[3])<<24
	n = int(fields[4]) | int(fields[5])<<8 | int(fields[6])<<16
	if n == 0 {
		n = 1 << 16
	}
	off = int(wide)
	return off, n, d, int64(off) == wide && off >= 0
}
