package textdiff

// Match is a stretch of N equal lines: A[A:A+N] and B[B:B+N], 0-based.
type Match struct{ A, B, N int }

// Matches aligns two lists of lines as short as can be: the stretches that are
// equal, in order and not touching on both sides. Unlike Lines it searches as
// long as there may be a shorter way.
func Matches(a, b []string) []Match {
	x, y, tokens := number(a, b)
	var out []Match
	for _, p := range align(x, y, tokens, exact) {
		if n := len(out); n > 0 && out[n-1].A+out[n-1].N == p.a && out[n-1].B+out[n-1].N == p.b {
			out[n-1].N++
			continue
		}
		out = append(out, Match{p.a, p.b, 1})
	}
	return out
}

// number gives each distinct string of a token of its own, from 0 on, and b's
// strings those of a's that they equal, or -1. tokens is how many there are.
func number(a, b []string) (x, y []int32, tokens int) {
	index := make(map[string]int32, len(a))
	x, y = make([]int32, len(a)), make([]int32, len(b))
	for i, s := range a {
		t, ok := index[s]
		if !ok {
			t = int32(len(index)) //nolint:gosec // there are fewer strings than that
			index[s] = t
		}
		x[i] = t
	}
	for i, s := range b {
		t, ok := index[s]
		if !ok {
			t = -1
		}
		y[i] = t
	}
	return x, y, len(index)
}
