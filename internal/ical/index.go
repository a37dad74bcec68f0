package ical

import (
	"cmp"
	"math"
	"slices"
	"sort"
)

// span is a half-open span of time in Unix seconds.
type span struct {
	from, to int64
	name     string
}

func (s span) compare(o span) int {
	return cmp.Or(cmp.Compare(s.from, o.from), cmp.Compare(s.to, o.to), cmp.Compare(s.name, o.name))
}

// list is spans in order, to be asked which is the first that ends after an
// instant.
type list struct {
	spans []span
	ends  []int64 // the latest end of a span and all before it
}

func newList(spans []span) list {
	slices.SortFunc(spans, span.compare)
	l := list{spans: spans, ends: make([]int64, len(spans))}
	end := int64(math.MinInt64)
	for i, s := range spans {
		end = max(end, s.to)
		l.ends[i] = end
	}
	return l
}

// next is the first span that ends after an instant: the one with which the
// latest end passes it.
func (l list) next(after int64) (span, bool) {
	i := sort.Search(len(l.ends), func(i int) bool { return l.ends[i] > after })
	if i == len(l.ends) {
		return span{}, false
	}
	return l.spans[i], true
}

// What recurs is computed for a piece of time when it is first asked for.
const (
	chunkLength = 64 * day
	maxChunks   = 64 // that are kept; more than a year back and ahead need
	far         = 16 // chunks: past so many it is looked where the next is
)

// Next is the first span, by begin and then by end, that ends after an instant
// and begins before another, with the name of its event.
func (c *Calendar) Next(after, before int64) (from, to int64, name string, ok bool) {
	best, ok := c.single.next(after)
	ok = ok && best.from < before
	if len(c.series) > 0 {
		limit := before
		if ok {
			limit = best.from + 1 // one with the same begin may end sooner
		}
		if s, found := c.nextOfSeries(after, limit); found && (!ok || s.compare(best) < 0) {
			best, ok = s, true
		}
	}
	return best.from, best.to, best.name, ok
}

func (c *Calendar) nextOfSeries(after, before int64) (span, bool) {
	after = max(after, c.begin-1)
	before = min(before, c.end+1)
	if after-c.reach >= before {
		return span{}, false
	}
	k, last := floorDiv(max(after-c.reach, c.begin), chunkLength), floorDiv(before-1, chunkLength)
	for ; k <= last; k++ {
		l := c.chunk(k)
		if s, ok := l.next(after); ok {
			return s, s.from < before
		}
		if len(l.spans) == 0 && last-k > far {
			at, ok := c.skip((k+1)*chunkLength, before)
			if !ok {
				return span{}, false
			}
			k = max(k, floorDiv(at, chunkLength)-1)
		}
	}
	return span{}, false
}

// skip is when the next of all series begins, from an instant on, as far as
// their rules say.
func (c *Calendar) skip(from, before int64) (at int64, ok bool) {
	at = before
	for i := range c.series {
		s := &c.series[i]
		z := zone{loc: s.loc}
		if wall, found := s.next(from-around, at+around); found {
			at, ok = min(at, max(from, z.reaches(wall))), true
		}
	}
	return at, ok && at < before
}

// next is the first time on the wall that the rule names, not before from and
// before another time.
func (s *series) next(from, before int64) (int64, bool) {
	from, before = max(from, s.from), min(before, s.last+1)
	wall, _, ok := s.rule.Next(from-s.second, before-s.second, 0)
	return wall + s.second, ok
}

// chunk is the spans of the series that begin in the k-th piece of time.
func (c *Calendar) chunk(k int64) list {
	c.mu.RLock()
	l, ok := c.chunks[k]
	c.mu.RUnlock()
	if ok {
		return l
	}
	from, to := k*chunkLength, (k+1)*chunkLength
	var spans []span
	for i := range c.series {
		spans = c.series[i].spans(spans, from, to)
	}
	l = newList(spans)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.chunks) >= maxChunks {
		clear(c.chunks)
	}
	c.chunks[k] = l
	return l
}

// spans adds those that begin in a range.
func (s *series) spans(out []span, from, to int64) []span {
	z := zone{loc: s.loc}
	for wall, ok := s.next(from-around, to+around); ok; wall, ok = s.next(wall+1, to+around) {
		begin := z.reaches(wall)
		if begin >= to {
			break
		}
		if begin < from || s.except.has(&z, wall, begin) {
			continue
		}
		if end := s.length.end(&z, wall); end > begin {
			out = append(out, span{begin, end, s.name})
		}
	}
	return out
}
