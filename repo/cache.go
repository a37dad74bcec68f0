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

// renderCache remembers renders: by the root tree they were asked for, the last
// ones of each recipe to be compared with other trees, and on disk.
type renderCache struct {
	disk *diskRenders // nil: none

	mu     sync.Mutex
	byTree map[cacheKey]*result
	last   map[string][]*result // by recipe, newest use first
	size   int                  // objects held
}

type cacheKey struct {
	recipe string
	root   plumbing.Hash
}

func newRenderCache() *renderCache {
	return &renderCache{byTree: map[cacheKey]*result{}, last: map[string][]*result{}}
}

// find returns a render that answers for the root tree too: of that very tree,
// or of one in which everything it read is the same. nil: there is none.
func (c *renderCache) find(s *store, recipe string, root plumbing.Hash) (*result, error) {
	c.mu.Lock()
	res := c.byTree[cacheKey{recipe, root}]
	last := slices.Clone(c.last[recipe])
	c.mu.Unlock()
	if res != nil {
		c.remember(recipe, root, res)
		return res, nil
	}
	for _, res := range last {
		same, err := res.asked.same(s, res.root, root)
		if err != nil {
			return nil, err
		}
		if same {
			c.remember(recipe, root, res)
			return res, nil
		}
	}
	if c.disk == nil {
		return nil, nil
	}
	res, err := c.disk.find(recipe, root)
	if res != nil {
		c.remember(recipe, root, res)
	}
	return res, err
}

// add takes in a new render of the root tree.
func (c *renderCache) add(recipe string, root plumbing.Hash, res *result) {
	c.remember(recipe, root, res)
	if c.disk != nil {
		c.disk.add(recipe, root, res)
	}
}

// remember notes in memory that a render answers for the root tree.
func (c *renderCache) remember(recipe string, root plumbing.Hash, res *result) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := cacheKey{recipe, root}
	if c.byTree[key] == nil {
		// Every entry counts, so that renders without objects are bounded too.
		if c.size += len(res.objects) + 1; c.size > cachedObjects {
			clear(c.byTree)
			c.size = len(res.objects) + 1
		}
		c.byTree[key] = res
	}
	list := slices.DeleteFunc(slices.Clone(c.last[recipe]), func(r *result) bool { return r == res })
	list = slices.Insert(list, 0, res)
	c.last[recipe] = list[:min(len(list), comparedLast)]
}
