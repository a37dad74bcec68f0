package config

import "strings"

const (
	longest      = 64 // a longer word is no misspelling of a key
	shortestPart = 3  // of a word that is the begin of another
)

// Suggest is the one of some known words that was probably meant, or "" if
// none is near: it differs in a third of its letters at most (swapped
// neighbours count once, case does not count), or one is the begin of the
// other.
func Suggest(word string, known []string) string {
	w := []rune(strings.ToLower(word))
	if len(w) == 0 || len(w) > longest {
		return ""
	}
	best, nearest := "", 0
	for _, k := range known {
		candidate := []rune(strings.ToLower(k))
		if len(candidate) > longest {
			continue
		}
		n := distance(w, candidate)
		if n <= max(1, len(candidate)/3) && n < len(candidate) && (best == "" || n < nearest) {
			best, nearest = k, n
		}
	}
	if best != "" {
		return best
	}
	for _, k := range known {
		a, b := string(w), strings.ToLower(k)
		if min(len(a), len(b)) >= shortestPart && (strings.HasPrefix(a, b) || strings.HasPrefix(b, a)) {
			return k
		}
	}
	return ""
}

// distance is how many letters to insert, delete, change or swap with their
// neighbour make one word the other (optimal string alignment).
func distance(a, b []rune) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
