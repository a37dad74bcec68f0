package forge

import (
	"net/http"
	"sync"
)

// A list of files of a large pull request is 60 KB; answers above maxCached
// are rare and not worth their memory.
const (
	maxEntries = 200
	maxCached  = 1 << 20
)

// cache keeps answers that carry an ETag, by URL. It belongs to one client and
// so to one token: what one token may see is not shown to another.
type cache struct {
	mu      sync.Mutex
	answers map[string]answer
	order   []string // oldest first
}

func (c *cache) get(method, url string) (answer, bool) {
	if method != http.MethodGet {
		return answer{}, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	a, ok := c.answers[url]
	return a, ok
}

func (c *cache) put(method, url string, a answer) {
	if method != http.MethodGet || a.status != http.StatusOK || a.header.Get("ETag") == "" || len(a.body) > maxCached {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.answers == nil {
		c.answers = map[string]answer{}
	}
	if _, ok := c.answers[url]; !ok {
		if len(c.order) == maxEntries {
			delete(c.answers, c.order[0])
			c.order = c.order[1:]
		}
		c.order = append(c.order, url)
	}
	c.answers[url] = a
}
