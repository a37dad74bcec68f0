package textdiff

import (
	"slices"
	"strings"
)

const (
	// maxDistance is delta's rule: two lines are a pair when at most this
	// share of their words differs.
	maxDistance = 0.6

	// lookAhead is how far down the other side a line's partner is looked for.
	// Pairing is quadratic without a bound.
	lookAhead = 12
)

// blocks pairs the lines of stretches without equal lines.
type blocks struct {
	d     *Diff
	line  look            // of the left line
	ahead [lookAhead]look // of the right lines in reach
}

// block appends the rows of a stretch without equal lines: A[i:m] against
// B[j:n], 0-based.
func (b *blocks) block(i, m, j, n int) {
	d := b.d
	for i < m {
		k := b.partner(i, j, n)
		if k < 0 {
			d.Rows = append(d.Rows, Row{Kind: Removed, Left: i + 1})
			i++
			continue
		}
		for ; j < k; j++ {
			d.Rows = append(d.Rows, Row{Kind: Added, Right: j + 1})
		}
		d.Rows = append(d.Rows, Row{Changed, i + 1, k + 1})
		i, j = i+1, k+1
	}
	for ; j < n; j++ {
		d.Rows = append(d.Rows, Row{Kind: Added, Right: j + 1})
	}
}

// partner is the first line of B[j:n] that A[i] may be paired with, or -1.
func (b *blocks) partner(i, j, n int) int {
	if j == n {
		return -1
	}
	b.line.at(b.d.A[i], i)
	for k := j; k < min(n, j+lookAhead); k++ {
		other := &b.ahead[k%lookAhead]
		other.at(b.d.B[k], k)
		if b.line.similar(other) {
			return k
		}
	}
	return -1
}

// look is what lines are compared by.
type look struct {
	n     int // which line of its side, plus 1
	text  string
	key   string
	words []uint32 // hashes, sorted; only of a short line without a key
}

// at looks at a line, unless that was done before.
func (l *look) at(text string, n int) {
	if l.n == n+1 {
		return
	}
	l.n, l.text, l.key, l.words = n+1, text, key(text), l.words[:0]
	if l.key != "" || len(text) > maxWords {
		return
	}
	for from, to := range eachWord(text) {
		if w := text[from:to]; strings.TrimSpace(w) != "" {
			l.words = append(l.words, hash(w))
		}
	}
	slices.Sort(l.words)
}

// similar reports whether two lines are versions of the same line.
func (l *look) similar(o *look) bool {
	if l.text == o.text {
		return true // only their line ends differ
	}
	if l.key != "" || o.key != "" {
		// Lines of a YAML mapping are known by their key.
		return l.key == o.key
	}
	if len(l.text) > maxWords || len(o.text) > maxWords {
		head, tail := ends(l.text, o.text)
		return float64(head+tail) >= (1-maxDistance)*float64(max(len(l.text), len(o.text)))
	}
	return distance(l.words, o.words) <= maxDistance
}

// key is the indentation and key of a YAML mapping's line, empty if it is none.
func key(s string) string {
	k, rest, ok := strings.Cut(s, ":")
	if !ok || rest != "" && rest[0] != ' ' {
		return ""
	}
	name := strings.TrimLeft(k, " -")
	if name == "" || strings.ContainsAny(name, " {[\"'") {
		return ""
	}
	return k
}

// distance is the share of words that are not in both sorted lists.
func distance(a, b []uint32) float64 {
	if len(a)+len(b) == 0 {
		return 0
	}
	same := 0
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i] < b[j]:
			i++
		case a[i] > b[j]:
			j++
		default:
			i, j, same = i+1, j+1, same+1
		}
	}
	total := len(a) + len(b)
	return float64(total-2*same) / float64(total)
}

// hash is FNV-1a.
func hash(s string) uint32 {
	h := uint32(2166136261)
	for i := range len(s) {
		h = (h ^ uint32(s[i])) * 16777619
	}
	return h
}
