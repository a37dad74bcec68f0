package odb

import (
	"sync"

	"github.com/go-git/go-git/v5/plumbing"
)

// shards is how many parts a cache has, each with a lock of its own, so that
// readers seldom wait for one another.
const shards = 16

// cache keeps what was used last, up to a number of bytes.
type cache[K comparable] struct {
	parts [shards]part[K]
}

type part[K comparable] struct {
	mu    sync.Mutex
	limit int
	bytes int
	items map[K]*item[K]
	ends  item[K] // next is the one used last, prev the one used longest ago
}

type item[K comparable] struct {
	key        K
	typ        plumbing.ObjectType
	data       []byte
	prev, next *item[K]
}

func newCache[K comparable](bytes int) *cache[K] {
	c := new(cache[K])
	for i := range c.parts {
		p := &c.parts[i]
		p.limit = bytes / shards
		p.items = map[K]*item[K]{}
		p.ends.next, p.ends.prev = &p.ends, &p.ends
	}
	return c
}

// get finds what was put under a key. spread tells the parts apart and is the
// same for the same key.
func (c *cache[K]) get(spread uint64, key K) (plumbing.ObjectType, []byte, bool) {
	p := &c.parts[spread%shards]
	p.mu.Lock()
	defer p.mu.Unlock()
	e, ok := p.items[key]
	if !ok {
		return 0, nil, false
	}
	e.unlink()
	p.front(e)
	return e.typ, e.data, true
}

// put keeps data, which must not be changed from then on. What would take
// more than half of its part is not kept.
func (c *cache[K]) put(spread uint64, key K, typ plumbing.ObjectType, data []byte) {
	const overhead = 128 // of an item, about
	p := &c.parts[spread%shards]
	size := len(data) + overhead
	if size > p.limit/2 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.items[key]; ok {
		return
	}
	e := &item[K]{key: key, typ: typ, data: data}
	p.items[key] = e
	p.front(e)
	for p.bytes += size; p.bytes > p.limit; {
		last := p.ends.prev
		last.unlink()
		delete(p.items, last.key)
		p.bytes -= len(last.data) + overhead
	}
}

func (p *part[K]) front(e *item[K]) {
	e.prev, e.next = &p.ends, p.ends.next
	e.prev.next, e.next.prev = e, e
}

func (e *item[K]) unlink() {
	e.prev.next, e.next.prev = e.next, e.prev
}
