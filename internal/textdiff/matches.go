package textdiff

// Match is a stretch of N equal lines: A[A:A+N] and B[B:B+N], 0-based.
type Match struct{ A, B, N int }

// Matches aligns two lists of lines as short as can be: the stretches that are
// equal, in order and not touching on both sides. Unlike Lines it takes
// whatever time it needs, so that the same lines always give the same result.
func Matches(a, b []string) []Match {
	index := make(map[string]rune, len(a))
	number := func(lines []string) []rune {
		out := make([]rune, len(lines))
		for i, l := range lines {
			r, ok := index[l]
			if !ok {
				r = token(len(index))
				index[l] = r
			}
			out[i] = r
		}
		return out
	}
	var out []Match
	for _, p := range align(number(a), number(b), 0) {
		if n := len(out); n > 0 && out[n-1].A+out[n-1].N == p.a && out[n-1].B+out[n-1].N == p.b {
			out[n-1].N++
			continue
		}
		out = append(out, Match{p.a, p.b, 1})
	}
	return out
}
