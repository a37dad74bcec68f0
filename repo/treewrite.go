package repo

import (
	"bytes"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// Modes of tree entries.
const (
	modeFile       = "100644"
	modeExecutable = "100755"
	modeLink       = "120000"
	modeModule     = "160000"
	modeDir        = "40000"
)

// node is an entry of a tree with its mode as it is stored; the zero node is
// none.
type node struct {
	mode string
	hash plumbing.Hash
}

func (n node) isDir() bool     { return n.mode == modeDir }
func (n node) isRegular() bool { return n != node{} && strings.HasPrefix(n.mode, "100") }

// nodes reads a directory; the zero hash is an empty one.
func (s *store) nodes(h plumbing.Hash) (map[string]node, error) {
	t, err := s.tree(h)
	if err != nil {
		return nil, err
	}
	out := map[string]node{}
	for len(t) > 0 {
		name, e, rest, ok := t.next()
		if !ok {
			return nil, fmt.Errorf("tree %s is damaged", h)
		}
		mode := string(t[:bytes.IndexByte(t, ' ')])
		out[string(name)] = node{strings.TrimLeft(mode, "0"), e.hash}
		t = rest
	}
	return out, nil
}

// putTree writes a directory. One without entries is the zero hash.
func (s *store) putTree(entries map[string]node) (plumbing.Hash, error) {
	if len(entries) == 0 {
		return plumbing.ZeroHash, nil
	}
	key := func(name string) string { // as git sorts: a directory ends with a slash
		if entries[name].isDir() {
			return name + "/"
		}
		return name
	}
	names := slices.SortedFunc(maps.Keys(entries), func(a, b string) int { return strings.Compare(key(a), key(b)) })
	var buf bytes.Buffer
	for _, name := range names {
		e := entries[name]
		fmt.Fprintf(&buf, "%s %s\x00", e.mode, name)
		buf.Write(e.hash[:])
	}
	return s.put(plumbing.TreeObject, buf.Bytes())
}

// putRoot makes sure that a root tree is an object, even an empty one.
func (s *store) putRoot(h plumbing.Hash) (plumbing.Hash, error) {
	if h.IsZero() {
		return s.put(plumbing.TreeObject, nil)
	}
	return h, nil
}

// nodeAt finds what a tree has at a path, without following links.
func (s *store) nodeAt(root plumbing.Hash, p string) (node, error) {
	at := node{modeDir, root}
	if p == "." {
		return at, nil
	}
	for name := range strings.SplitSeq(p, "/") {
		if !at.isDir() {
			return node{}, nil
		}
		entries, err := s.nodes(at.hash)
		if err != nil {
			return node{}, err
		}
		at = entries[name]
	}
	return at, nil
}

// edit is a trie of what is to be put at which path.
type edit struct {
	set      bool
	to       node // none: remove
	children map[string]*edit
}

func edits(changes map[string]node) *edit {
	top := &edit{}
	for p, to := range changes {
		e := top
		if p != "." {
			for name := range strings.SplitSeq(p, "/") {
				if e.children == nil {
					e.children = map[string]*edit{}
				}
				if e.children[name] == nil {
					e.children[name] = &edit{}
				}
				e = e.children[name]
			}
		}
		e.set, e.to = true, to
	}
	return top
}

// edited is the root tree with the changes made. Directories that a path needs
// are made; those left without entries go.
func (s *store) edited(root plumbing.Hash, changes map[string]node) (plumbing.Hash, error) {
	n, err := s.applyEdit(node{modeDir, root}, edits(changes))
	if err != nil {
		return plumbing.ZeroHash, err
	}
	return s.putRoot(n.hash)
}

func (s *store) applyEdit(old node, e *edit) (node, error) {
	if e.set {
		old = e.to
	}
	if len(e.children) == 0 {
		return old, nil
	}
	entries := map[string]node{}
	if old.isDir() {
		var err error
		if entries, err = s.nodes(old.hash); err != nil {
			return node{}, err
		}
	}
	for name, child := range e.children {
		n, err := s.applyEdit(entries[name], child)
		if err != nil {
			return node{}, err
		}
		delete(entries, name)
		if n != (node{}) {
			entries[name] = n
		}
	}
	if len(entries) == 0 {
		if old != (node{}) && !old.isDir() {
			return old, nil // nothing to remove behind a file
		}
		return node{}, nil
	}
	h, err := s.putTree(entries)
	return node{modeDir, h}, err
}

// leaf is a path with what it is in two trees.
type leaf struct {
	path string
	a, b node
}

// leaves lists the paths, other than directories, that differ between two
// trees, sorted.
func (s *store) leaves(a, b plumbing.Hash) ([]leaf, error) {
	var out []leaf
	var walk func(dir string, a, b plumbing.Hash) error
	walk = func(dir string, a, b plumbing.Hash) error {
		x, err := s.nodes(a)
		if err != nil {
			return err
		}
		y, err := s.nodes(b)
		if err != nil {
			return err
		}
		for name := range union2(x, y) {
			l := leaf{path.Join(dir, name), x[name], y[name]}
			if l.a == l.b {
				continue
			}
			if l.a.isDir() || l.b.isDir() {
				if err := walk(l.path, l.a.dir(), l.b.dir()); err != nil {
					return err
				}
			}
			if l.a.isDir() {
				l.a = node{}
			}
			if l.b.isDir() {
				l.b = node{}
			}
			if l.a != l.b {
				out = append(out, l)
			}
		}
		return nil
	}
	if a != b {
		if err := walk("", a, b); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(out, func(a, b leaf) int { return strings.Compare(a.path, b.path) })
	return out, nil
}

// dir is the tree of a directory, and the empty one of anything else.
func (n node) dir() plumbing.Hash {
	if n.isDir() {
		return n.hash
	}
	return plumbing.ZeroHash
}

func union2(a, b map[string]node) map[string]struct{} {
	out := make(map[string]struct{}, max(len(a), len(b)))
	for name := range a {
		out[name] = struct{}{}
	}
	for name := range b {
		out[name] = struct{}{}
	}
	return out
}
