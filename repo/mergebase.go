package repo

import (
	"container/heap"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
)

// How a commit was reached when looking for a common ancestor.
const (
	fromA = 1 << iota
	fromB
	stale // behind a common ancestor that was found
)

type reached struct {
	hash    plumbing.Hash
	when    time.Time
	parents []plumbing.Hash
}

// frontier is a heap of commits, the newest first.
type frontier []reached

func (f frontier) Len() int           { return len(f) }
func (f frontier) Less(i, j int) bool { return f[i].when.After(f[j].when) }
func (f frontier) Swap(i, j int)      { f[i], f[j] = f[j], f[i] }
func (f *frontier) Push(x any)        { *f = append(*f, x.(reached)) }
func (f *frontier) Pop() any {
	old := *f
	last := old[len(old)-1]
	*f = old[:len(old)-1]
	return last
}

// mergeBase finds the newest commit that both a and b come after; the zero
// hash when their histories share nothing. Of several the newest is taken.
func (r *Repo) mergeBase(a, b plumbing.Hash) (plumbing.Hash, error) {
	if a == b {
		return a, nil
	}
	shallow, err := r.store.shallow()
	if err != nil {
		return plumbing.ZeroHash, err
	}
	marks := map[plumbing.Hash]int{}
	var todo frontier
	add := func(h plumbing.Hash, mark int) error {
		before := marks[h]
		if before|mark == before {
			return nil
		}
		marks[h] = before | mark
		c, err := r.commit(h)
		if err != nil {
			return err
		}
		parents := c.ParentHashes
		if shallow[h] {
			parents = nil
		}
		heap.Push(&todo, reached{h, c.Committer.When, parents})
		return nil
	}
	if err := add(a, fromA); err != nil {
		return plumbing.ZeroHash, err
	}
	if err := add(b, fromB); err != nil {
		return plumbing.ZeroHash, err
	}
	var found []plumbing.Hash
	for todo.Len() > 0 && hasLive(todo, marks) {
		c := heap.Pop(&todo).(reached)
		mark := marks[c.hash]
		if mark&(fromA|fromB|stale) == fromA|fromB {
			found = append(found, c.hash)
			mark |= stale
		}
		for _, p := range c.parents {
			if err := add(p, mark); err != nil {
				return plumbing.ZeroHash, err
			}
		}
	}
	for _, h := range found {
		if marks[h]&stale == 0 {
			return h, nil
		}
	}
	return plumbing.ZeroHash, nil
}

func hasLive(todo frontier, marks map[plumbing.Hash]int) bool {
	for _, c := range todo {
		if marks[c.hash]&stale == 0 {
			return true
		}
	}
	return false
}
