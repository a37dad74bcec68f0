package repo

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/go-git/go-git/v5/plumbing"
)

// delta is how something in a tree differs from what another tree has in its
// place. What is below is worked out where somebody looks, once: environments
// that compare the same trees share it.
type delta struct {
	name        string
	before, now entry
	below       []delta
	looked      bool
}

// between is the difference of two root trees; the zero hash is an empty one.
func between(before, now plumbing.Hash) *delta {
	return &delta{name: ".", before: entry{directory, before}, now: entry{directory, now}}
}

// changes are the entries that differ. What is no directory has none.
func (d *delta) changes(s *store) ([]delta, error) {
	if d.looked {
		return d.below, nil
	}
	a, err := s.sub(d.before)
	if err != nil {
		return nil, err
	}
	b, err := s.sub(d.now)
	if err != nil {
		return nil, err
	}
	if d.below, err = changedEntries(a, b); err != nil {
		return nil, fmt.Errorf("tree %s or %s: %w", d.before.hash, d.now.hash, err)
	}
	d.looked = true
	return d.below, nil
}

var errDamagedTree = errors.New("a damaged tree object")

// fewNames is up to how many names are looked up by scanning.
const fewNames = 8

// changedEntries lists the names that two directories have different entries
// for. It counts on no order of the entries, only gains from one.
func changedEntries(a, b tree) ([]delta, error) {
	names, err := unlikeNames(a, b)
	if err != nil || len(names) == 0 {
		return nil, err
	}
	find := func(t tree) func(string) entry { return t.find }
	if len(names) > fewNames {
		find = indexed
	}
	x, y := find(a), find(b)
	out := make([]delta, 0, len(names))
	for _, name := range names {
		if d := (delta{name: name, before: x(name), now: y(name)}); d.before != d.now {
			out = append(out, d)
		}
	}
	return out, nil
}

// indexed looks names up as tree.find does, which takes the first of equal
// ones.
func indexed(t tree) func(string) entry {
	byName := map[string]entry{}
	for {
		name, e, rest, ok := t.next()
		if !ok {
			return func(name string) entry { return byName[name] }
		}
		if _, has := byName[string(name)]; !has {
			byName[string(name)] = e
		}
		t = rest
	}
}

// unlikeNames lists the names, each once, of the entries that are left when
// those that are alike in both trees are paired in order.
func unlikeNames(a, b tree) ([]string, error) {
	var names []string
	seen := map[string]bool{}
	add := func(name []byte) {
		if !seen[string(name)] {
			seen[string(name)] = true
			names = append(names, string(name))
		}
	}
	for len(a) > 0 || len(b) > 0 {
		x, _, restA, okA := a.next()
		if okA && bytes.HasPrefix(b, a[:len(a)-len(restA)]) {
			b, a = b[len(a)-len(restA):], restA
			continue
		}
		y, _, restB, okB := b.next()
		if !okA && len(a) > 0 || !okB && len(b) > 0 {
			return nil, errDamagedTree
		}
		order := bytes.Compare(x, y)
		if okA && (order <= 0 || !okB) {
			add(x)
			a = restA
		}
		if okB && (order >= 0 || !okA) {
			add(y)
			b = restB
		}
		if bytes.Equal(a, b) { // mostly at once
			break
		}
	}
	return names, nil
}
