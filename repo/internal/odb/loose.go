package odb

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/go-git/go-git/v5/plumbing"
)

// loosePath is where an object lies that has a file of its own.
func loosePath(dir string, h plumbing.Hash) string {
	var buf [2*hashSize + 1]byte
	hex.Encode(buf[:], h[:1])
	buf[2] = filepath.Separator
	hex.Encode(buf[3:], h[1:])
	return dir + string(filepath.Separator) + string(buf[:])
}

func absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// loose reads the object that has a file of its own. With head set only its
// type and size are read.
func (db *DB) loose(dir string, h plumbing.Hash, limit int64, head bool) (o object, err error) {
	name := loosePath(dir, h)
	f, err := os.Open(name)
	if err != nil {
		if absent(err) {
			err = plumbing.ErrObjectNotFound
		}
		return object{}, err
	}
	defer func() {
		err = errors.Join(err, f.Close())
		if err != nil && !errors.Is(err, ErrTooLarge) {
			err = fmt.Errorf("%s: %w", name, err)
		}
	}()
	info, err := f.Stat()
	if err != nil {
		return object{}, err
	}
	in := db.pool.get()
	defer in.done()
	if err := in.openReader(f); err != nil {
		return object{}, err
	}
	o, begun, err := looseHead(in)
	switch {
	case err != nil || head:
		return o, err
	case !plausible(o.size, info.Size()) || int64(len(begun)) > o.size:
		return object{}, fmt.Errorf("its size of %d bytes is not right: %w", o.size, ErrDamaged)
	case o.size > limit:
		return object{}, ErrTooLarge
	}
	o.data = make([]byte, o.size)
	if err := in.fill(o.data[copy(o.data, begun):]); err != nil {
		return object{}, err
	}
	return o, in.end()
}

// looseHead reads "TYPE SIZE" and a zero byte. What was read of the content
// with it is returned too.
func looseHead(in *inflater) (o object, begun []byte, err error) {
	buf := make([]byte, 0, 64) // more than any such head has
	for {
		n, err := in.z.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if head, content, ok := bytes.Cut(buf, []byte{0}); ok {
			o, err := parseLooseHead(string(head))
			return o, content, err
		}
		if err != nil {
			return object{}, nil, compressed(err)
		}
		if len(buf) == cap(buf) {
			return object{}, nil, fmt.Errorf("it does not begin as an object does: %w", ErrDamaged)
		}
	}
}

func parseLooseHead(head string) (object, error) {
	name, size, ok := strings.Cut(head, " ")
	typ, err := plumbing.ParseObjectType(name)
	n, numErr := strconv.ParseUint(size, 10, 63)
	if !ok || err != nil || typ.IsDelta() || numErr != nil {
		return object{}, fmt.Errorf("it does not begin as an object does: %w", ErrDamaged)
	}
	return object{typ: typ, size: int64(n)}, nil
}

// loosePrefixed calls found with the names that start with the bytes.
func loosePrefixed(dir string, prefix []byte, found func(plumbing.Hash)) error {
	first := hex.EncodeToString(prefix[:1])
	files, err := os.ReadDir(filepath.Join(dir, first))
	if err != nil && !absent(err) {
		return err
	}
	for _, f := range files {
		name, err := hex.DecodeString(first + f.Name())
		if err == nil && len(name) == hashSize && bytes.HasPrefix(name, prefix) {
			found(plumbing.Hash(name))
		}
	}
	return nil
}
