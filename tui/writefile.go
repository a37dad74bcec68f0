package tui

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// writeNew writes a file that does not exist yet: all of it, or none. It returns
// the file's full name. One that exists stays as it is; the error is fs.ErrExist
// then.
func writeNew(path, text string) (name string, err error) {
	if name, err = filepath.Abs(path); err != nil {
		return path, err
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".fairtide-*")
	if err != nil {
		return name, fmt.Errorf("cannot write to %s: %w", filepath.Dir(name), err)
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return name, fmt.Errorf("write %s: %w", name, err)
	}
	err = os.Link(f.Name(), name) // unlike a rename it takes nobody's place
	if err == nil {
		return name, nil
	}
	if _, exists := os.Lstat(name); exists == nil {
		return name, fmt.Errorf("%s exists and is left as it is: %w", name, fs.ErrExist)
	}
	return name, copyNew(f.Name(), name)
}

// copyNew is for file systems without hard links.
func copyNew(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write %s: %w", to, err)
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", to, err), os.Remove(to))
	}
	return nil
}
