package repo

import (
	"bytes"
	"fmt"

	"github.com/go-git/go-git/v5/plumbing"
)

// kind is what a path of a tree is.
type kind uint8

const (
	absent kind = iota
	file
	directory
	symlink
	submodule
)

// entry is what a tree has under a name. The executable bit of a file is no
// part of it: rendering does not see it.
type entry struct {
	kind kind
	hash plumbing.Hash
}

// tree is a Git tree object as it is stored: repeated "MODE NAME\0HASH", with
// the hash in 20 bytes. Entries are looked up by scanning, which costs no
// memory beside the object itself.
type tree []byte

// next splits off the first entry. ok is false at the end, and for bytes that
// are no tree.
func (t tree) next() (name []byte, e entry, rest tree, ok bool) {
	space := bytes.IndexByte(t, ' ')
	nul := bytes.IndexByte(t, 0)
	if space < 0 || nul < space || len(t) < nul+1+len(e.hash) {
		return nil, entry{}, nil, false
	}
	switch mode := string(t[:space]); mode {
	case "40000", "040000":
		e.kind = directory
	case "120000":
		e.kind = symlink
	case "160000":
		e.kind = submodule
	default:
		e.kind = file
	}
	copy(e.hash[:], t[nul+1:])
	return t[space+1 : nul], e, t[nul+1+len(e.hash):], true
}

// find returns the entry called name; its kind is absent when there is none.
func (t tree) find(name string) entry {
	for {
		n, e, rest, ok := t.next()
		if !ok {
			return entry{}
		}
		if string(n) == name {
			return e
		}
		t = rest
	}
}

// each calls f with the entries in the order in which the tree has them.
func (t tree) each(f func(name string, e entry) error) error {
	for len(t) > 0 {
		name, e, rest, ok := t.next()
		if !ok {
			return fmt.Errorf("a damaged tree object")
		}
		if err := f(string(name), e); err != nil {
			return err
		}
		t = rest
	}
	return nil
}

// sub is the tree of a directory entry, and the empty one of anything else.
func (s *store) sub(e entry) (tree, error) {
	if e.kind != directory {
		return nil, nil
	}
	return s.tree(e.hash)
}
