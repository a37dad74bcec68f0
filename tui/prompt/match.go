package prompt

import (
	"strings"
	"unicode"
)

// How well a text matches, the best first.
const (
	same      = 100
	prefix    = 80
	wordStart = 60
	initials  = 50
	inside    = 40
	scattered = 30 // less a point for each gap, but not none
	all       = 1  // there is no query, so everything does
)

// Match says how well a text is what a query means: 0 is not at all, and more
// is better. A query that begins the text comes before one that begins a word
// of it, that before the first letters of its words, that before one somewhere
// inside, and that before letters that are there in this order. The words of a
// query may be anywhere, each as it matches by itself. Case does not count, and
// punctuation is a space.
func Match(query, text string) int {
	q, t := plain(query), plain(text)
	if q == "" {
		return all
	}
	if n := match(q, t); n > 0 || !strings.Contains(q, " ") {
		return n
	}
	worst := wordStart
	for _, word := range strings.Fields(q) {
		n := match(word, t)
		if n < inside {
			return 0
		}
		worst = min(worst, n)
	}
	return worst - 1 // one piece is better than several
}

func match(q, t string) int {
	switch i := strings.Index(t, q); {
	case t == q:
		return same
	case i == 0:
		return prefix
	case strings.Contains(t, " "+q):
		return wordStart
	case initialsOf(t, q):
		return initials
	case i > 0:
		return inside
	}
	return subsequence([]rune(q), t)
}

// initialsOf reports whether q is the first letters of words that follow each
// other.
func initialsOf(t, q string) bool {
	var first []rune
	for _, word := range strings.Fields(t) {
		for _, r := range word {
			first = append(first, r)
			break
		}
	}
	return len(q) > 1 && strings.Contains(string(first), q)
}

// subsequence scores letters that are there in this order.
func subsequence(q []rune, t string) int {
	gaps, at, apart := 0, 0, false
	for _, r := range t {
		switch {
		case at == len(q):
		case r == q[at]:
			if apart {
				gaps++
			}
			at, apart = at+1, false
		case at > 0:
			apart = true
		}
	}
	if at < len(q) {
		return 0
	}
	return max(all+1, scattered-gaps)
}

// plain is a text in lower case, with one space for what is no letter or digit.
func plain(s string) string {
	var b strings.Builder
	space := false
	for _, r := range s {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) && !unicode.IsSymbol(r) {
			space = b.Len() > 0
			continue
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
