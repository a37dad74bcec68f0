package marks

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

const (
	dirMode   = os.FileMode(0o700)
	fileMode  = os.FileMode(0o600)
	largest   = 8 << 20 // bytes that are read of a file
	lockPause = 10 * time.Millisecond
	lockWait  = 3 * time.Second // how long another process may write
)

// load reads the marks of an environment; nil: there are none.
func (s *Store) load(env string) (*book, error) {
	if s.dir == "" {
		return s.memory[env], nil
	}
	info, err := os.Lstat(s.file(env))
	switch {
	case isGone(err):
		return nil, nil
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular() || info.Size() > largest:
		return nil, errDamaged
	}
	data, err := os.ReadFile(s.file(env))
	if err != nil {
		return nil, err
	}
	return parse(data)
}

func parse(data []byte) (*book, error) {
	var b book
	if err := json.Unmarshal(data, &b); err != nil {
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	if key, err := hex.DecodeString(b.Key); err != nil || len(key) != keyBytes || b.Version != version || len(b.Marks) > most {
		return nil, errDamaged
	}
	return &b, nil
}

// save writes the marks of an environment whole or not at all.
func (s *Store) save(env string, b *book) error {
	if s.dir == "" {
		s.memory[env] = b
		return nil
	}
	data, err := json.Marshal(b)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(s.dir, "writing-")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), s.file(env))
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// lock keeps other processes from writing the marks of an environment.
func (s *Store) lock(env string) (unlock func(), err error) {
	if s.dir == "" {
		return func() {}, nil
	}
	if err := os.MkdirAll(s.dir, dirMode); err != nil {
		return nil, err
	}
	name := s.file(env) + ".lock"
	f, err := os.OpenFile(filepath.Clean(name), os.O_CREATE|os.O_RDWR, fileMode)
	if err != nil {
		return nil, err
	}
	deadline := time.After(lockWait)
	for {
		ok, err := tryLock(f)
		if ok {
			return func() { _ = f.Close() }, nil // which gives the lock back
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", name, err), f.Close())
		}
		select {
		case <-time.After(lockPause):
		case <-deadline:
			return nil, errors.Join(fmt.Errorf("%s: another fairtide has held it for %s", name, lockWait), f.Close())
		}
	}
}
