package odb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/go-git/go-git/v5/plumbing"
)

const (
	hashSize   = 20
	fanoutSize = 256 * 4
	trailer    = 2 * hashSize // of an index: the pack's checksum and its own
	maxObjects = 1 << 31      // of a pack
)

// index is the table of a pack: from an object's name to its place. Only what
// a search comes by is read.
type index struct {
	file    *file
	fanout  [256]uint32 // how many names start with the byte or a lower one
	names   int64       // where they are, and how far apart
	stride  int64
	places  int64 // where the offsets are: 4 bytes each
	large   int64 // where the 8-byte ones are, and how many
	larges  int64
	version int
}

var indexMagic = []byte{0xff, 't', 'O', 'c', 0, 0, 0, 2}

// newIndex checks a file's length against what it says to hold.
func newIndex(f *file) (*index, error) {
	x := &index{file: f, version: 1}
	var at int64
	head, err := f.bytes(0, len(indexMagic), nil)
	if err != nil {
		return nil, damagedFile(f, err)
	}
	if bytes.Equal(head[:4], indexMagic[:4]) {
		if !bytes.Equal(head, indexMagic) {
			return nil, damagedFile(f, errors.New("it is an index of an unknown version"))
		}
		x.version, at = 2, int64(len(indexMagic))
	}
	table, err := f.bytes(at, fanoutSize, nil)
	if err != nil {
		return nil, damagedFile(f, err)
	}
	if err := readFanout(table, &x.fanout); err != nil {
		return nil, damagedFile(f, err)
	}
	n := int64(x.fanout[255])
	at += fanoutSize
	if x.version == 1 {
		// offset and name, again and again
		x.names, x.stride, x.places = at+4, 4+hashSize, at
		if f.size != at+n*x.stride+trailer {
			return nil, damagedFile(f, fmt.Errorf("its length is not that of %d objects", n))
		}
		return x, nil
	}
	x.names, x.stride = at, hashSize
	x.places = at + n*(hashSize+4) // behind the names and a checksum of each
	x.large = x.places + n*4
	rest := f.size - trailer - x.large
	if rest < 0 || rest%8 != 0 || rest/8 > n {
		return nil, damagedFile(f, fmt.Errorf("its length is not that of %d objects", n))
	}
	x.larges = rest / 8
	return x, nil
}

// readFanout reads 256 numbers that never fall.
func readFanout(table []byte, out *[256]uint32) error {
	last := uint32(0)
	for i := range out {
		out[i] = binary.BigEndian.Uint32(table[i*4:])
		if out[i] < last || out[i] > maxObjects {
			return errors.New("its table of first bytes is out of order")
		}
		last = out[i]
	}
	return nil
}

// bucket is the range of names that start with a byte.
func bucket(fanout *[256]uint32, first byte) (lo, hi int64) {
	if first > 0 {
		lo = int64(fanout[first-1])
	}
	return lo, int64(fanout[first])
}

func (x *index) count() int64 { return int64(x.fanout[255]) }

// search finds the first name of a range that is not before key.
func search(f *file, names, stride, lo, hi int64, key, buf []byte) (int64, error) {
	for lo < hi {
		mid := lo + (hi-lo)/2
		name, err := f.bytes(names+mid*stride, hashSize, buf)
		if err != nil {
			return 0, damagedFile(f, err)
		}
		if bytes.Compare(name, key) < 0 {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo, nil
}

// find returns where in the pack an object begins.
func (x *index) find(h plumbing.Hash) (off int64, ok bool, err error) {
	var buf [hashSize]byte
	lo, end := bucket(&x.fanout, h[0])
	i, err := search(x.file, x.names, x.stride, lo, end, h[:], buf[:])
	if err != nil || i == end {
		return 0, false, err
	}
	name, err := x.name(i, buf[:])
	if err != nil || !bytes.Equal(name, h[:]) {
		return 0, false, err
	}
	off, err = x.offset(i)
	return off, err == nil, err
}

func (x *index) name(i int64, buf []byte) ([]byte, error) {
	name, err := x.file.bytes(x.names+i*x.stride, hashSize, buf)
	if err != nil {
		return nil, damagedFile(x.file, err)
	}
	return name, nil
}

func (x *index) offset(i int64) (int64, error) {
	step := int64(4)
	if x.version == 1 {
		step = x.stride
	}
	b, err := x.file.bytes(x.places+i*step, 4, nil)
	if err != nil {
		return 0, damagedFile(x.file, err)
	}
	off := int64(binary.BigEndian.Uint32(b))
	if x.version == 1 || off < 1<<31 {
		return off, nil
	}
	off -= 1 << 31
	if off >= x.larges {
		return 0, damagedFile(x.file, errors.New("it points outside of its table of large offsets"))
	}
	if b, err = x.file.bytes(x.large+off*8, 8, nil); err != nil {
		return 0, damagedFile(x.file, err)
	}
	wide := binary.BigEndian.Uint64(b)
	if wide >= 1<<63 {
		return 0, damagedFile(x.file, errors.New("it holds an offset that no file has"))
	}
	return int64(wide), nil
}

// prefixed calls found with the names that start with the bytes.
func (x *index) prefixed(prefix []byte, found func(plumbing.Hash)) error {
	lo, hi := bucket(&x.fanout, prefix[0])
	var buf [hashSize]byte
	i, err := search(x.file, x.names, x.stride, lo, hi, prefix, buf[:])
	for ; err == nil && i < hi; i++ {
		var name []byte
		if name, err = x.name(i, buf[:]); err == nil {
			if !bytes.HasPrefix(name, prefix) {
				break
			}
			found(plumbing.Hash(name))
		}
	}
	return err
}

// packSum is the checksum of the pack that the index was made for.
func (x *index) packSum() ([]byte, error) {
	return x.file.bytes(x.file.size-trailer, hashSize, nil)
}
