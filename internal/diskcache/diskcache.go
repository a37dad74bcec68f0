// Package diskcache keeps computed values in a directory, by all that they
// were computed from. Values are compressed and encrypted: a file cannot be
// read without knowing what its value was made from, and one that was damaged
// or mixed up is as good as none.
package diskcache

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// DefaultMaxBytes bounds a directory when Options does not.
const DefaultMaxBytes = 256 << 20

const (
	shards    = 16         // subdirectories, by the first digit of a file's name
	touchedAt = time.Hour  // how stale the time of use of a file may get
	tempPause = time.Hour  // how old a temporary file is when nobody writes it any more
	tempName  = "writing-" // what the name of a temporary file starts with
	aside     = 8          // an eighth of the room is made at a time
	largest   = 2          // a value may take half of a subdirectory
	dirMode   = os.FileMode(0o700)
)

// ErrTooLarge says that a value would take too much of the room.
var ErrTooLarge = errors.New("the value is too large for the cache")

// Options say how a directory is used.
type Options struct {
	// MaxBytes bounds all files together; 0: DefaultMaxBytes. The bound is
	// kept loosely: each process that writes may exceed it by an eighth.
	MaxBytes int64
	// ToolVersion names the program that computes the values. Another version
	// finds none of them.
	ToolVersion string
	Now         func() time.Time // nil: time.Now
}

// Cache is a directory of values. It is safe for concurrent use, also by
// several processes. A nil Cache holds nothing and keeps nothing.
type Cache struct {
	dir     string
	quota   int64 // bytes of one subdirectory
	version string
	now     func() time.Time
	packer  packer

	mu    sync.Mutex
	grown [shards]int64 // bytes that may be written before the next look
}

// Open uses a directory, which need not exist: the first Put makes it.
func Open(dir string, o Options) (*Cache, error) {
	if o.MaxBytes <= 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	p, err := newPacker()
	if err != nil {
		return nil, fmt.Errorf("open the cache %s: %w", dir, err)
	}
	return &Cache{dir: dir, quota: o.MaxBytes / shards, version: o.ToolVersion, now: o.Now, packer: p}, nil
}

// Get returns the value that was put under a key. ok is false when there is
// none that can be believed: never put, evicted, damaged or unreadable.
func (c *Cache) Get(key []byte) (data []byte, ok bool) {
	if c == nil {
		return nil, false
	}
	s, err := derive(c.version, key)
	if err != nil {
		return nil, false
	}
	sealed, err := c.read(filepath.Join(c.shard(s.name), s.name))
	if err != nil {
		return nil, false
	}
	data, err = s.open(c.packer, sealed)
	return data, err == nil
}

// read returns a file's content and notes that it was used.
func (c *Cache) read(name string) (data []byte, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > c.quota {
		return nil, ErrTooLarge
	}
	data = make([]byte, info.Size())
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, err
	}
	if now := c.now(); now.Sub(info.ModTime()).Abs() > touchedAt {
		// Where times cannot be set the oldest written is evicted first.
		_ = os.Chtimes(name, now, now)
	}
	return data, nil
}

// Put keeps a value under a key, which is all that the value depends on, and
// replaces what is there. After an error the directory is as it was, or lacks
// older values; Get answers as before.
func (c *Cache) Put(key, data []byte) error {
	if c == nil {
		return nil
	}
	s, err := derive(c.version, key)
	if err != nil {
		return err
	}
	sealed := s.seal(c.packer, data)
	if int64(len(sealed)) > c.quota/largest {
		return ErrTooLarge
	}
	dir := c.shard(s.name)
	if err := os.MkdirAll(dir, dirMode); err != nil {
		return fmt.Errorf("keep a value in the cache: %w", err)
	}
	if err := write(dir, s.name, sealed, c.now()); err != nil {
		return fmt.Errorf("keep a value in the cache: %w", err)
	}
	return c.account(dir, s.name, int64(len(sealed)))
}

// write makes a file whole or not at all. It is not synchronised with the
// disk: what a crash leaves behind is damaged, and that is noticed.
func write(dir, name string, data []byte, now time.Time) error {
	f, err := os.CreateTemp(dir, tempName)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Chtimes(f.Name(), now, now)
	}
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(dir, name))
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

func (c *Cache) shard(name string) string { return filepath.Join(c.dir, name[:1]) }
