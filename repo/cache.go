package repo

import (
	"slices"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"
)

const (
	cachedObjects = 50_000 // over all renders that are kept
	comparedLast  = 8      // how many renders are asked whether they still hold
)

// renderCache remembers renders: by the root tree they were asked for, and the
// last ones of each path to be compared with other trees.
type renderCache struct {
	mu     sync.Mutex
	byTree map[cacheKey]*result
	last   map[string][]*result // by path, newest use first
	size   int                  // objects held
}

type cacheKey struct {
	path string
	root plumbing.Hash
}

func newRenderCache() *renderCache {
	return &renderCache{byTree: map[cacheKey]*result{}, last: map[string][]*result{}}
}

// find returns a render that answers for the root tree too: of that very tree,
// or of one in which everything it read is the same. nil: there is none.
func (c *renderCache) find(s *store, dir string, root plumbing.Hash) (*result, error) {
	c.mu.Lock()
	res := c.byTree[cacheKey{dir, root}]
	last := slices.Clone(c.last[dir])
	c.mu.Unlock()
	if res != nil {
		c.add(dir, root, res)
		return res, nil
	}
	for _, res := range last {
		same, err := res.asked.same(s, res.root, root)
		if err != nil {
			return nil, err
		}
		if same {
			c.add(dir, root, res)
			return res, nil
		}
	}
	return nil, nil
}

// add remembers that the render answers for the root tree.
func (c *renderCache) add(dir string, root plumbing.Hash, res *result) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := cacheKey{dir, root}
	if c.byTree[key] == nil {
		// Every entry counts, so that renders without objects are bounded too.
		if c.size += len(res.objects) + 1; c.size > cachedObjects {
			clear(c.byTree)
			c.size = len(res.objects) + 1
		}
		c.byTree[key] = res
	}
	list := slices.DeleteFunc(slices.Clone(c.last[dir]), func(r *result) bool { return r == res })
	list = slices.Insert(list, 0, res)
	c.last[dir] = list[:min(len(list), comparedLast)]
}
