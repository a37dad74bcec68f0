package diskcache

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// account counts what was written, and looks at the subdirectory at the first
// time and after each eighth of its room: what other processes write is seen
// then.
func (c *Cache) account(dir, name string, size int64) error {
	i := strings.IndexByte("0123456789abcdef", name[0])
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.grown[i] -= size; c.grown[i] >= 0 {
		return nil
	}
	total, err := c.sweep(dir, name)
	if err != nil {
		return err
	}
	c.grown[i] = min(c.quota-total, c.quota/aside)
	return nil
}

// sweep removes what was left behind by interrupted writes and, where a
// subdirectory is larger than it may be, the values that were not used for the
// longest time. It returns how many bytes remain.
func (c *Cache) sweep(dir, keep string) (int64, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, err
	}
	var (
		files []fs.FileInfo
		total int64
	)
	for _, e := range entries {
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
			continue
		}
		if err != nil {
			return 0, err
		}
		if strings.HasPrefix(info.Name(), tempName) {
			if c.now().Sub(info.ModTime()) > tempPause {
				if err := remove(dir, info); err != nil {
					return 0, err
				}
			}
			continue
		}
		if len(info.Name()) != len(keep) {
			continue // not ours
		}
		total += info.Size()
		if info.Name() != keep {
			files = append(files, info)
		}
	}
	if total <= c.quota {
		return total, nil
	}
	slices.SortFunc(files, func(a, b fs.FileInfo) int {
		return cmp.Or(a.ModTime().Compare(b.ModTime()), strings.Compare(a.Name(), b.Name()))
	})
	for _, info := range files {
		if total <= c.quota-c.quota/aside {
			break
		}
		if err := remove(dir, info); err != nil {
			return total, err
		}
		total -= info.Size()
	}
	return total, nil
}

// remove deletes a file, unless another process was quicker.
func remove(dir string, info fs.FileInfo) error {
	err := os.Remove(filepath.Join(dir, info.Name()))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
