package textdiff

import "math"

const (
	// patient is how many differences a stretch may have for its shortest
	// script to be searched; hasty is the same inside a stretch that had more.
	// The search takes the square of it.
	patient = 512
	hasty   = 256

	// exact searches for the shortest script whatever it takes.
	exact = math.MaxInt
)

// pair is a line of each side, as 0-based indices.
type pair struct{ a, b int }

// align finds a long common subsequence of two token lists, the longest one if
// limit is exact. Nothing in it depends on time or on chance: the same lists
// always give the same pairs. Tokens count up from 0; -1 equals nothing.
//
// It is Myers' search from both ends. A stretch with more differences than
// limit is first divided at the tokens that each side has once, as far as they
// are in the same order on both; where there are none, at the place that the
// search got furthest to.
func align(a, b []int32, tokens, limit int) []pair {
	keepA, keepB := common(a, b, tokens), common(b, a, tokens)
	m := matcher{a: pick(a, keepA), b: pick(b, keepB), tokens: tokens}
	m.box(0, len(m.a), 0, len(m.b), limit)
	for i, p := range m.out {
		m.out[i] = pair{keepA[p.a], keepB[p.b]}
	}
	return m.out
}

// common returns the indices of a's tokens that b has too. The others cannot
// match anything, and leaving them out makes two unrelated texts cheap.
func common(a, b []int32, tokens int) []int {
	has := make([]bool, tokens)
	for _, t := range b {
		if t >= 0 {
			has[t] = true
		}
	}
	out := make([]int, 0, len(a))
	for i, t := range a {
		if t >= 0 && has[t] {
			out = append(out, i)
		}
	}
	return out
}

func pick(tokens []int32, keep []int) []int32 {
	out := make([]int32, len(keep))
	for i, k := range keep {
		out[i] = tokens[k]
	}
	return out
}

// matcher is one alignment.
type matcher struct {
	a, b     []int32
	tokens   int
	fwd, bwd []int // of each diagonal, how far the search got
	seen     []int // of each token, scratch of anchors
	out      []pair
}

// box aligns a[i:m] with b[j:n].
func (x *matcher) box(i, m, j, n, limit int) {
	for i < m && j < n && x.a[i] == x.b[j] {
		x.out = append(x.out, pair{i, j})
		i, j = i+1, j+1
	}
	tail := 0
	for i < m && j < n && x.a[m-1] == x.b[n-1] {
		m, n, tail = m-1, n-1, tail+1
	}
	if i < m && j < n {
		x.divide(i, m, j, n, limit)
	}
	for k := range tail {
		x.out = append(x.out, pair{m + k, n + k})
	}
}

// divide aligns a box whose ends differ on both sides.
func (x *matcher) divide(i, m, j, n, limit int) {
	mid, found := x.middle(i, m, j, n, limit)
	if found {
		x.box(i, mid.a, j, mid.b, limit)
		x.box(mid.a, m, mid.b, n, limit)
		return
	}
	anchors := x.anchors(i, m, j, n)
	if len(anchors) == 0 {
		x.box(i, mid.a, j, mid.b, hasty)
		x.box(mid.a, m, mid.b, n, hasty)
		return
	}
	for _, p := range anchors {
		x.box(i, p.a, j, p.b, hasty)
		x.out = append(x.out, p)
		i, j = p.a+1, p.b+1
	}
	x.box(i, m, j, n, hasty)
}

// middle finds a point on a shortest path through the box. When the path has
// more than about twice limit differences, found is false, and the point is
// one that the search from an end got far to.
func (x *matcher) middle(i, m, j, n, limit int) (at pair, found bool) {
	if x.fwd == nil {
		size := len(x.a) + len(x.b) + 3
		x.fwd, x.bwd = make([]int, size), make([]int, size)
	}
	// Diagonal d is a-b; it is stored at d+off.
	off := len(x.b) + 1
	low, high := i-n, m-j
	f, b := band{min: i - j, max: i - j}, band{min: m - n, max: m - n}
	odd := (f.min-b.min)&1 != 0
	x.fwd[off+f.min], x.bwd[off+b.min] = i, m
	for cost := 1; ; cost++ {
		f.grow(low, high, func(d int) { x.fwd[off+d] = -1 })
		for d := f.max; d >= f.min; d -= 2 {
			at := max(x.fwd[off+d+1], x.fwd[off+d-1]+1)
			for at < m && at-d < n && x.a[at] == x.b[at-d] {
				at++
			}
			x.fwd[off+d] = at
			if odd && b.min <= d && d <= b.max && x.bwd[off+d] <= at {
				return pair{at, at - d}, true
			}
		}
		b.grow(low, high, func(d int) { x.bwd[off+d] = math.MaxInt })
		for d := b.max; d >= b.min; d -= 2 {
			at := min(x.bwd[off+d-1], x.bwd[off+d+1]-1)
			for i < at && j < at-d && x.a[at-1] == x.b[at-d-1] {
				at--
			}
			x.bwd[off+d] = at
			if !odd && f.min <= d && d <= f.max && at <= x.fwd[off+d] {
				return pair{at, at - d}, true
			}
		}
		if cost >= limit {
			return x.furthest(i, m, j, n, off, f, b), false
		}
	}
}

// band is a range of diagonals of one parity.
type band struct{ min, max int }

// grow widens the band by one on each side, or narrows it where the box ends.
// edge is called for what is now just outside of it.
func (b *band) grow(low, high int, edge func(d int)) {
	if b.min > low {
		b.min--
		edge(b.min - 1)
	} else {
		b.min++
	}
	if b.max < high {
		b.max++
		edge(b.max + 1)
	} else {
		b.max--
	}
}

// furthest is the point that the search from one of the ends got furthest to.
func (x *matcher) furthest(i, m, j, n, off int, f, b band) pair {
	best, from := pair{i, j}, 0
	for d := f.max; d >= f.min; d -= 2 {
		at := min(x.fwd[off+d], m, n+d)
		if way := at - i + at - d - j; at >= i && at-d >= j && way > from {
			best, from = pair{at, at - d}, way
		}
	}
	for d := b.max; d >= b.min; d -= 2 {
		at := max(x.bwd[off+d], i, j+d)
		if way := m - at + n - at + d; at <= m && at-d <= n && way > from {
			best, from = pair{at, at - d}, way
		}
	}
	return best
}

// anchors are the tokens that both sides of the box have exactly once, as many
// as stand in the same order.
func (x *matcher) anchors(i, m, j, n int) []pair {
	if x.seen == nil {
		x.seen = make([]int, x.tokens)
	}
	// Of each token: 0 not seen, -1 not unique, else its place in b plus 1.
	for k := j; k < n; k++ {
		if t := x.b[k]; x.seen[t] == 0 {
			x.seen[t] = k + 1
		} else {
			x.seen[t] = -1
		}
	}
	place := make(map[int32]int, 64) // in a, of what is unique in b
	for k := i; k < m; k++ {
		if t := x.a[k]; x.seen[t] > 0 {
			if _, twice := place[t]; twice {
				x.seen[t] = -1
			}
			place[t] = k
		}
	}
	var unique []pair
	for k := i; k < m; k++ {
		if at := x.seen[x.a[k]]; at > 0 {
			unique = append(unique, pair{k, at - 1})
		}
	}
	for k := j; k < n; k++ {
		x.seen[x.b[k]] = 0
	}
	return rising(unique)
}

// rising is the longest subsequence whose right sides rise; the left ones do.
func rising(pairs []pair) []pair {
	var ends []int // of each length, the pair that ends lowest
	before := make([]int, len(pairs))
	for k, p := range pairs {
		lo, hi := 0, len(ends)
		if hi > 0 && pairs[ends[hi-1]].b < p.b {
			lo = hi // they mostly rise
		}
		for lo < hi {
			if mid := (lo + hi) / 2; pairs[ends[mid]].b < p.b {
				lo = mid + 1
			} else {
				hi = mid
			}
		}
		before[k] = -1
		if lo > 0 {
			before[k] = ends[lo-1]
		}
		if lo == len(ends) {
			ends = append(ends, k)
		} else {
			ends[lo] = k
		}
	}
	if len(ends) == 0 {
		return nil
	}
	out := make([]pair, len(ends))
	for k, at := ends[len(ends)-1], len(ends)-1; at >= 0; k, at = before[k], at-1 {
		out[at] = pairs[k]
	}
	return out
}
