package repo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/fairtide-dev/fairtide/internal/textmerge"
)

// clash is a path that a merge cannot decide, and why.
type clash struct {
	path   string
	reason string
}

// treeMerge merges trees as git does without looking for renames: entry by
// entry, and files that both sides changed line by line.
type treeMerge struct {
	ctx     context.Context // of the one merge
	store   *store
	limit   int64 // bytes of a file that is merged line by line
	clashes []clash
}

// merge gives the tree that results from applying to ours what changed between
// base and theirs; the zero hash is an empty tree. With clashes it is of no
// use.
func (m *treeMerge) merge(base, ours, theirs plumbing.Hash) (plumbing.Hash, error) {
	h, err := m.dir("", base, ours, theirs)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	slices.SortFunc(m.clashes, func(a, b clash) int { return strings.Compare(a.path, b.path) })
	return m.store.putRoot(h)
}

func (m *treeMerge) dir(dir string, base, ours, theirs plumbing.Hash) (plumbing.Hash, error) {
	switch {
	case ours == theirs || base == theirs:
		return ours, nil
	case base == ours:
		return theirs, nil
	}
	if err := m.ctx.Err(); err != nil {
		return plumbing.ZeroHash, err
	}
	b, err := m.store.nodes(base)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	o, err := m.store.nodes(ours)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	t, err := m.store.nodes(theirs)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	names := union2(o, t)
	out := make(map[string]node, len(names))
	for name := range names {
		n, err := m.entry(path.Join(dir, name), b[name], o[name], t[name])
		if err != nil {
			return plumbing.ZeroHash, err
		}
		if n != (node{}) {
			out[name] = n
		}
	}
	return m.store.putTree(out)
}

// entry merges what the three trees have under one name: the directories, if
// any, and the files, if any, each by themselves.
func (m *treeMerge) entry(p string, b, o, t node) (node, error) {
	switch {
	case o == t || b == t:
		return o, nil
	case b == o:
		return t, nil
	}
	sub, err := m.dir(p, b.dir(), o.dir(), t.dir())
	if err != nil {
		return node{}, err
	}
	n, err := m.file(p, b.leaf(), o.leaf(), t.leaf())
	switch {
	case err != nil || sub.IsZero():
		return n, err
	case n != (node{}):
		m.clash(p, "a file on one side and a directory on the other")
	}
	return node{modeDir, sub}, nil
}

// leaf is the entry unless it is a directory.
func (n node) leaf() node {
	if n.isDir() {
		return node{}
	}
	return n
}

func (m *treeMerge) clash(p, reason string) {
	m.clashes = append(m.clashes, clash{p, reason})
}

func (m *treeMerge) file(p string, b, o, t node) (node, error) {
	none := node{}
	switch {
	case o == t || b == t:
		return o, nil
	case b == o:
		return t, nil
	case o == none || t == none:
		m.clash(p, "removed on one side and changed on the other")
		return o, nil
	case b == none && (o.hash != t.hash || !o.isRegular() || !t.isRegular()):
		m.clash(p, "added on both sides, differently")
		return o, nil
	case !o.isRegular() || !t.isRegular() || b != none && !b.isRegular():
		m.clash(p, "changed on both sides, and a symbolic link or submodule cannot be merged")
		return o, nil
	}
	out := o
	switch {
	case b.mode == o.mode:
		out.mode = t.mode
	case b.mode != t.mode && o.mode != t.mode:
		m.clash(p, "executable on one side only")
	}
	switch {
	case o.hash == t.hash || b.hash == t.hash:
		return out, nil
	case b.hash == o.hash:
		out.hash = t.hash
		return out, nil
	}
	var err error
	out.hash, err = m.text(p, b.hash, o.hash, t.hash)
	return out, err
}

// text merges a file line by line.
func (m *treeMerge) text(p string, hashes ...plumbing.Hash) (plumbing.Hash, error) {
	var texts [3]string
	for i, h := range hashes {
		data, err := m.store.blob(h, m.limit)
		if errors.Is(err, errTooLarge) {
			m.clash(p, fmt.Sprintf("changed on both sides, and larger than the limit of %d bytes", m.limit))
			return hashes[1], nil
		}
		if err != nil {
			return plumbing.ZeroHash, fmt.Errorf("%s: %w", p, err)
		}
		if isBinary(data) {
			m.clash(p, "changed on both sides, and a binary file cannot be merged")
			return hashes[1], nil
		}
		texts[i] = string(data)
	}
	merged, conflicts := textmerge.Merge(texts[0], texts[1], texts[2])
	if len(conflicts) > 0 {
		m.clash(p, "the same lines were changed on both sides")
		return hashes[1], nil
	}
	return m.store.put(plumbing.BlobObject, []byte(merged))
}

// isBinary is git's own test: a NUL in the first 8000 bytes.
func isBinary(data []byte) bool {
	const looked = 8000
	return bytes.IndexByte(data[:min(looked, len(data))], 0) >= 0
}
