package main

import (
	"path/filepath"

	"github.com/fairtide-dev/fairtide/internal/marks"
)

// stateDir is where the program keeps what is not to be lost with a cache, by
// the XDG base directory specification; empty: nowhere.
func (p *program) stateDir() string {
	if dir := p.env("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "fairtide")
	}
	if home := p.env("HOME"); home != "" {
		return filepath.Join(home, ".local", "state", "fairtide")
	}
	return ""
}

// marks keeps which diffs of a repository were read. Without a directory they
// are kept until the program ends.
func (p *program) marks(repository string) *marks.Store {
	dir := p.stateDir()
	if dir != "" {
		dir = filepath.Join(dir, "reviewed")
	}
	return marks.Open(dir, repository, p.now)
}
