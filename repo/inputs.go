package repo

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// inputs is what a render asked of a tree: paths it read, found to be a
// directory, or found to be missing, whole directories of manifests, and
// directories with all that is in them. Two
// trees that answer the same render the same.
//
// It is kept as a trie, so that comparing two trees descends only where they
// differ.
type inputs struct {
	children map[string]*inputs
	read     bool // the path itself was asked for
	all      bool // every manifest below it was asked for
	whole    bool // everything below it was asked for
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
	u := &inputs{read: a.read || b.read, all: a.all || b.all, whole: a.whole || b.whole}
	if len(a.children)+len(b.children) > 0 {
		u.children = make(map[string]*inputs, max(len(a.children), len(b.children)))
		maps.Copy(u.children, a.children)
		for name, c := range b.children {
			u.children[name] = union(u.children[name], c)
		}
	}
	return u
}

// equal reports whether both ask for the same.
func (in *inputs) equal(o *inputs) bool {
	if in == o {
		return true
	}
	if in.read != o.read || in.all != o.all || in.whole != o.whole || len(in.children) != len(o.children) {
		return false
	}
	for name, c := range in.children {
		if d := o.children[name]; d == nil || !c.equal(d) {
			return false
		}
	}
	return true
}

// differ lists the paths of in whose answer differs between two root trees,
// sorted. The zero hash is an empty tree.
func (in *inputs) differ(s *store, a, b plumbing.Hash) ([]string, error) {
	return in.differIn(s, between(a, b))
}

// same reports whether two root trees give every answer alike.
func (in *inputs) same(s *store, a, b plumbing.Hash) (bool, error) {
	return in.sameIn(s, between(a, b))
}

func (in *inputs) differIn(s *store, d *delta) ([]string, error) {
	c := &comparison{store: s}
	err := c.node(in, ".", d)
	return c.paths(), err
}

func (in *inputs) sameIn(s *store, d *delta) (bool, error) {
	c := &comparison{store: s, firstOnly: true}
	err := c.node(in, ".", d)
	return len(c.found) == 0, err
}

type comparison struct {
	store     *store
	firstOnly bool
	found     []string
	visited   int
}

// mostCompared is how many entries a comparison looks at. Trees that hold each
// other many times over have more than anybody can; they count as different.
const mostCompared = 200_000

func (c *comparison) enough() bool {
	return c.firstOnly && len(c.found) > 0 || c.visited > mostCompared
}

// visit counts an entry, and finds p different when there are too many.
func (c *comparison) visit(p string) {
	if c.visited++; c.visited == mostCompared+1 {
		c.found = append(c.found, p)
	}
}

func (c *comparison) node(n *inputs, p string, d *delta) error {
	if d.before == d.now || c.enough() {
		return nil
	}
	// A directory that was asked for counts by being one; what is in it counts
	// where it was asked for. A symbolic link on the way to a path turns the
	// path into another one.
	bothDirs := d.before.kind == directory && d.now.kind == directory
	turned := d.before.kind == symlink || d.now.kind == symlink
	if !bothDirs && (n.read || turned) {
		c.found = append(c.found, p)
	}
	if n.whole {
		return c.everything(p, d)
	}
	if n.all {
		if err := c.manifests(p, d); err != nil {
			return err
		}
	}
	if len(n.children) == 0 {
		return nil
	}
	below, err := d.changes(c.store)
	if err != nil {
		return err
	}
	for i := range below {
		if child := n.children[below[i].name]; child != nil {
			if err := c.node(child, path.Join(p, below[i].name), &below[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// manifests compares every manifest below two directories.
func (c *comparison) manifests(p string, d *delta) error {
	below, err := d.changes(c.store)
	if err != nil {
		return err
	}
	for i := range below {
		d := &below[i]
		if hidden(d.name) {
			continue
		}
		if c.enough() {
			return nil
		}
		sub := path.Join(p, d.name)
		c.visit(sub)
		if matters(d.name, d.before) || matters(d.name, d.now) {
			c.found = append(c.found, sub)
		}
		if d.before.kind != directory && d.now.kind != directory || d.before.kind == submodule || d.now.kind == submodule {
			continue
		}
		if err := c.manifests(sub, d); err != nil {
			return err
		}
	}
	return nil
}

// everything compares all that is at a path and below.
func (c *comparison) everything(p string, d *delta) error {
	if d.before.kind != directory || d.now.kind != directory {
		c.found = append(c.found, p)
	}
	below, err := d.changes(c.store)
	if err != nil {
		return err
	}
	for i := range below {
		if c.enough() {
			return nil
		}
		sub := path.Join(p, below[i].name)
		c.visit(sub)
		if err := c.everything(sub, &below[i]); err != nil {
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
