package textdiff

import (
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxWords is the longest line, in characters, that is compared word by word.
const maxWords = 400

// Span is a range of bytes of a line, From inclusive, To exclusive.
type Span struct{ From, To int }

// Words marks what differs between two versions of a line, word by word. Of
// lines longer than 400 characters it marks all between the first and the last
// word that differ. Lines that have nothing in common get no marks: everything
// would be marked.
func Words(a, b string) (left, right []Span) {
	if long(a) || long(b) {
		return between(a, b)
	}
	x, y := words(a), words(b)
	tokensA, tokensB, tokens := number(x, y)
	shared := false
	i, j, at, bt := 0, 0, 0, 0
	for _, p := range append(align(tokensA, tokensB, tokens, exact), pair{len(x), len(y)}) {
		end := at + size(x[i:p.a])
		left = mark(left, at, end)
		at = end
		end = bt + size(y[j:p.b])
		right = mark(right, bt, end)
		bt = end
		if p.a < len(x) {
			shared = shared || strings.TrimSpace(x[p.a]) != ""
			at, bt = at+len(x[p.a]), bt+len(y[p.b])
		}
		i, j = p.a+1, p.b+1
	}
	if !shared {
		return nil, nil
	}
	return left, right
}

func long(s string) bool {
	return len(s) > maxWords && (len(s) > utf8.UTFMax*maxWords || utf8.RuneCountInString(s) > maxWords)
}

func mark(spans []Span, from, to int) []Span {
	if from == to {
		return spans
	}
	if n := len(spans); n > 0 && spans[n-1].To == from {
		spans[n-1].To = to
		return spans
	}
	return append(spans, Span{from, to})
}

func size(words []string) int {
	n := 0
	for _, w := range words {
		n += len(w)
	}
	return n
}

// between marks all but the words that two lines start and end with.
func between(a, b string) (left, right []Span) {
	head, tail := ends(a, b)
	head, tail = wordsBefore(a, b, head), wordsAfter(a, b, tail)
	if head+tail == 0 {
		return nil, nil
	}
	return mark(nil, head, len(a)-tail), mark(nil, head, len(b)-tail)
}

// ends is how many bytes two lines start and end with alike.
func ends(a, b string) (head, tail int) {
	short := min(len(a), len(b))
	for head < short && a[head] == b[head] {
		head++
	}
	for tail < short-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	return head, tail
}

// wordsBefore makes a common beginning of n bytes end where a word does.
func wordsBefore(a, b string, n int) int {
	for n > 0 && (inside(a, n) || inside(b, n)) {
		n--
	}
	return n
}

// wordsAfter makes a common end of n bytes start where a word does.
func wordsAfter(a, b string, n int) int {
	for n > 0 && (inside(a, len(a)-n) || inside(b, len(b)-n)) {
		n--
	}
	return n
}

// inside reports whether byte n of a line is in the middle of a word.
func inside(s string, n int) bool {
	if n <= 0 || n >= len(s) {
		return false
	}
	if !utf8.RuneStart(s[n]) {
		return true
	}
	before, _ := utf8.DecodeLastRuneInString(s[:n])
	after, _ := utf8.DecodeRuneInString(s[n:])
	return classOf(before) == wordClass && classOf(after) == wordClass
}

// words cuts a line into words, runs of spaces and single other characters. A
// version number or a host name is one word.
func words(s string) []string {
	var out []string
	for from, to := range eachWord(s) {
		out = append(out, s[from:to])
	}
	return out
}

// eachWord yields where the words of a line start and end.
func eachWord(s string) iter.Seq2[int, int] {
	return func(yield func(int, int) bool) {
		from, last := 0, -1
		for i, r := range s {
			class := classOf(r)
			if i > from && (class != last || class == otherClass) {
				if !yield(from, i) {
					return
				}
				from = i
			}
			last = class
		}
		if from < len(s) {
			yield(from, len(s))
		}
	}
}

const (
	wordClass = iota
	spaceClass
	otherClass
)

func classOf(r rune) int {
	switch {
	case r == '_' || r == '.' || r == '-' || unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r):
		return wordClass
	case r == ' ' || r == '\t':
		return spaceClass
	}
	return otherClass
}
