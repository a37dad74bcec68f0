package textdiff

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sergi/go-diff/diffmatchpatch"
)

const (
	// maxDistance is delta's rule: two lines are a pair when at most this
	// share of their words differs.
	maxDistance = 0.6

	// maxWords is the longest line, in characters, that gets word marks.
	maxWords = 400

	// lookAhead is how far down the other side a line's partner is looked for.
	// Pairing is quadratic without a bound.
	lookAhead = 12
)

// block appends the rows of a stretch without equal lines: A[i:m] against
// B[j:n], 0-based.
func (d *Diff) block(i, m, j, n int) {
	for i < m {
		k := d.partner(i, j, n)
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
func (d *Diff) partner(i, j, n int) int {
	for k := j; k < min(n, j+lookAhead); k++ {
		if similar(d.A[i], d.B[k]) {
			return k
		}
	}
	return -1
}

// similar reports whether two lines are versions of the same line.
func similar(a, b string) bool {
	if a == b {
		return true // only their line ends differ
	}
	if x, y := key(a), key(b); x != "" || y != "" {
		// Lines of a YAML mapping are known by their key.
		return x == y
	}
	if len(a) > maxWords || len(b) > maxWords {
		return false
	}
	return distance(words(a), words(b)) <= maxDistance
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

// distance is the share of words that are not in both lists, as multisets.
func distance(a, b []string) float64 {
	count := make(map[string]int, len(a))
	total, same := 0, 0
	for _, w := range a {
		if strings.TrimSpace(w) != "" {
			count[w]++
			total++
		}
	}
	for _, w := range b {
		if strings.TrimSpace(w) != "" {
			total++
			if count[w] > 0 {
				count[w]--
				same += 2
			}
		}
	}
	if total == 0 {
		return 0
	}
	return float64(total-same) / float64(total)
}

// Span is a range of bytes of a line, From inclusive, To exclusive.
type Span struct{ From, To int }

// Words marks what differs between two versions of a line, word by word. Lines
// longer than 400 characters, and lines that have nothing in common, get no
// marks: everything would be marked.
func Words(a, b string) (left, right []Span) {
	if utf8.RuneCountInString(a) > maxWords || utf8.RuneCountInString(b) > maxWords {
		return nil, nil
	}
	x, y := words(a), words(b)
	runesA, runesB := wordTokens(x, y)
	shared := false
	i, j, at, bt := 0, 0, 0, 0
	for _, e := range script(runesA, runesB, timeout) {
		n := utf8.RuneCountInString(e.Text)
		switch e.Type {
		case diffmatchpatch.DiffDelete:
			end := at + size(x[i:i+n])
			left = mark(left, at, end)
			i, at = i+n, end
		case diffmatchpatch.DiffInsert:
			end := bt + size(y[j:j+n])
			right = mark(right, bt, end)
			j, bt = j+n, end
		case diffmatchpatch.DiffEqual:
			shared = shared || strings.TrimSpace(strings.Join(x[i:i+n], "")) != ""
			at, bt = at+size(x[i:i+n]), bt+size(y[j:j+n])
			i, j = i+n, j+n
		}
	}
	if !shared {
		return nil, nil
	}
	return left, right
}

func mark(spans []Span, from, to int) []Span {
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

func wordTokens(a, b []string) (x, y []rune) {
	index := make(map[string]rune, len(a)+len(b))
	number := func(words []string) []rune {
		out := make([]rune, len(words))
		for i, w := range words {
			r, ok := index[w]
			if !ok {
				r = token(len(index))
				index[w] = r
			}
			out[i] = r
		}
		return out
	}
	return number(a), number(b)
}

// words cuts a line into words, runs of spaces and single other characters. A
// version number or a host name is one word.
func words(s string) []string {
	var out []string
	from, last := 0, -1
	for i, r := range s {
		class := classOf(r)
		if i > from && (class != last || class == otherClass) {
			out = append(out, s[from:i])
			from = i
		}
		last = class
	}
	if from < len(s) {
		out = append(out, s[from:])
	}
	return out
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
