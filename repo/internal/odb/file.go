package odb

import (
	"errors"
	"fmt"
	"os"
)

// errOutside is a place that is not in the file.
var errOutside = errors.New("it points outside of the file")

// file is a file that is read in places: mapped into memory where the system
// can do that, read with ReadAt elsewhere.
type file struct {
	name string
	size int64
	data []byte   // the mapping; nil: there is none
	f    *os.File // nil: there is a mapping
}

// openFile opens a file. mapped false does without a mapping.
func openFile(name string, mapped bool) (*file, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no regular file", name)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	o := &file{name: name, size: info.Size(), f: f}
	if mapped && o.size > 0 && int64(int(o.size)) == o.size {
		// Without address space left for it, reading still works.
		if data, err := mapFile(f, int(o.size)); err == nil {
			o.data, o.f = data, nil
			return o, f.Close()
		}
	}
	return o, nil
}

func (f *file) close() error {
	if f.f != nil {
		return f.f.Close()
	}
	if f.data == nil {
		return nil
	}
	data := f.data
	f.data = nil
	return unmapFile(data)
}

// bytes returns n bytes at off: a part of the mapping, or read into buf, which
// is replaced when it is too small. They must not be changed.
func (f *file) bytes(off int64, n int, buf []byte) ([]byte, error) {
	if off < 0 || n < 0 || off > f.size-int64(n) {
		return nil, errOutside
	}
	if f.f == nil {
		return f.data[off : off+int64(n) : off+int64(n)], nil
	}
	if len(buf) < n {
		buf = make([]byte, n)
	}
	_, err := f.f.ReadAt(buf[:n], off)
	return buf[:n], err
}
