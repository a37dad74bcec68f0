package repo

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// inputs is what a render asked of a tree: paths it read, found to be a
// directory, or found to be missing, and whole directories of manifests. Two
// trees that answer the same render the same.
//
// It is kept as a trie, so that comparing two trees descends only where they
// differ.
type inputs struct {
	children map[string]*inputs
	read     bool // the path itself was asked for
	all      bool // every manifest below it was asked for
}

func (in *inputs) at(p string) *inputs {
	n := in
	if p == "." {
		return n
	}
	for name := range strings.SplitSeq(p, "/") {
		c := n.children[name]
		if c == nil {
			if n.children == nil {
				n.children = map[string]*inputs{}
			}
			c = &inputs{}
			n.children[name] = c
		}
		n = c
	}
	return n
}

// union is what either asks for.
func union(a, b *inputs) *inputs {
	if a == nil || b == nil {
		if a == nil {
			return b
		}
		return a
	}
	u := &inputs{read: a.read || b.read, all: a.all || b.all}
	if len(a.children)+len(b.children) > 0 {
		u.children = make(map[string]*inputs, max(len(a.children), len(b.children)))
		maps.Copy(u.children, a.children)
		for name, c := range b.children {
			u.children[name] = union(u.children[name], c)
		}
	}
	return u
}

// differ lists the paths of in whose answer differs between two root trees,
// sorted. The zero hash is an empty tree.
func (in *inputs) differ(s *store, a, b plumbing.Hash) ([]string, error) {
	return in.compare(s, a, b, false)
}

// same reports whether two root trees give every answer alike.
func (in *inputs) same(s *store, a, b plumbing.Hash) (bool, error) {
	found, err := in.compare(s, a, b, true)
	return len(found) == 0, err
}

func (in *inputs) compare(s *store, a, b plumbing.Hash, firstOnly bool) ([]string, error) {
	c := &comparison{store: s, firstOnly: firstOnly}
	if a != b {
		if err := c.node(in, ".", entry{directory, a}, entry{directory, b}); err != nil {
			return nil, err
		}
	}
	return c.paths(), nil
}

type comparison struct {
	store     *store
	firstOnly bool
	found     []string
}

func (c *comparison) node(n *inputs, p string, a, b entry) error {
	if a == b || c.firstOnly && len(c.found) > 0 {
		return nil
	}
	// A directory that was asked for counts by being one; what is in it counts
	// where it was asked for. A symbolic link on the way to a path turns the
	// path into another one.
	bothDirs := a.kind == directory && b.kind == directory
	turned := a.kind == symlink || b.kind == symlink
	if !bothDirs && (n.read || turned) {
		c.found = append(c.found, p)
	}
	x, err := c.store.sub(a)
	if err != nil {
		return err
	}
	y, err := c.store.sub(b)
	if err != nil {
		return err
	}
	if n.all {
		if err := c.manifests(p, x, y); err != nil {
			return err
		}
	}
	for name, child := range n.children {
		if err := c.node(child, path.Join(p, name), x.find(name), y.find(name)); err != nil {
			return err
		}
	}
	return nil
}

// manifests compares every manifest below two directories.
func (c *comparison) manifests(p string, a, b tree) error {
	names := map[string]bool{}
	for _, t := range []tree{a, b} {
		err := t.each(func(name string, _ entry) error {
			names[name] = true
			return nil
		})
		if err != nil {
			return err
		}
	}
	for name := range names {
		x, y, sub := a.find(name), b.find(name), path.Join(p, name)
		if x == y || hidden(name) {
			continue
		}
		if x.kind != directory && y.kind != directory || x.kind == submodule || y.kind == submodule {
			if matters(name, x) || matters(name, y) {
				c.found = append(c.found, sub)
			}
			continue
		}
		if x.kind != directory && matters(name, x) || y.kind != directory && matters(name, y) {
			c.found = append(c.found, sub)
		}
		dx, err := c.store.sub(x)
		if err != nil {
			return err
		}
		dy, err := c.store.sub(y)
		if err != nil {
			return err
		}
		if err := c.manifests(sub, dx, dy); err != nil {
			return err
		}
	}
	return nil
}

// paths are the findings without doubles, and without directories inside of
// which something was found.
func (c *comparison) paths() []string {
	slices.Sort(c.found)
	found := slices.Compact(c.found)
	var out []string
	for _, p := range found {
		prefix := p + "/"
		i, _ := slices.BinarySearch(found, prefix)
		if p == "." && len(found) > 1 || i < len(found) && strings.HasPrefix(found[i], prefix) {
			continue
		}
		out = append(out, p)
	}
	return out
}

// hidden names are not looked at in a directory of plain manifests.
func hidden(name string) bool { return strings.HasPrefix(name, ".") }

// matters reports whether an entry of a directory of plain manifests can alter
// its render.
func matters(name string, e entry) bool {
	switch e.kind {
	case file:
		return isManifest(name) || isKustomization(name) || name == chartFile
	case symlink, submodule:
		return true
	}
	return false
}

func isManifest(name string) bool {
	return strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml")
}
