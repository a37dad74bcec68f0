// Package userconfig reads what an operator has set for the UI on a machine:
// keys, theme, colours. It has nothing to do with the policy in an environments
// repository, and cannot change what may be applied.
package userconfig

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// largest is how many bytes of the file are read.
const largest = 1 << 20

// Config is what is set. The zero Config is what is not.
type Config struct {
	Keys    []Binding
	Theme   string            // one of Known.Themes; empty: none is chosen
	Colours map[string]string // by one of Known.Tokens, as #rrggbb
	ASCII   bool
	NoMouse bool
}

// Binding is the keys of one action.
type Binding struct {
	Scope, Action string
	Keys          []string // none: the action has no key
	Line          int
}

// Known is what the values may be.
type Known struct {
	Themes, Tokens []string
	IsColour       func(string) bool
}

// Path is where the file is: $XDG_CONFIG_HOME/fairtide/config.yaml, or else in
// ~/.config; empty where there is no home directory.
func Path(env func(string) string) string {
	dir := env("XDG_CONFIG_HOME")
	if !filepath.IsAbs(dir) { // what is relative is to be ignored, as the specification has it
		home := env("HOME")
		if home == "" {
			return ""
		}
		dir = filepath.Join(home, ".config")
	}
	return filepath.Join(dir, "fairtide", "config.yaml")
}

// Read reads the file. That there is none is no problem. Each problem begins
// with the file and the line it is in; with any, nothing is set.
func Read(path string, known Known) (Config, []string) {
	if path == "" {
		return Config{}, nil
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Config{}, nil
	}
	if err != nil {
		return Config{}, []string{err.Error()}
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, largest+1))
	if err != nil {
		return Config{}, []string{err.Error()}
	}
	if len(data) > largest {
		return Config{}, []string{fmt.Sprintf("%s: larger than %d bytes: this is no configuration", path, largest)}
	}
	return Parse(path, data, known)
}
