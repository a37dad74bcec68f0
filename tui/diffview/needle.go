package diffview

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/internal/textdiff"
)

// needle is what is searched for. Without an upper-case letter in it, case does
// not count.
type needle struct {
	text  string
	fold  bool
	ascii bool
	runes []rune // folded, for text outside ASCII
}

func newNeedle(query string) needle {
	n := needle{text: sanitize.Line(query), fold: true, ascii: true}
	for _, r := range n.text {
		n.fold = n.fold && !unicode.IsUpper(r)
		n.ascii = n.ascii && r < utf8.RuneSelf
		n.runes = append(n.runes, folded(r))
	}
	return n
}

// each calls found for each occurrence in a line, from the left and without
// overlap.
func (n *needle) each(line string, found func(textdiff.Span)) {
	switch {
	case n.text == "":
	case !n.fold:
		for at := 0; ; {
			i := strings.Index(line[at:], n.text)
			if i < 0 {
				return
			}
			s := textdiff.Span{From: at + i, To: at + i + len(n.text)}
			found(s)
			at = s.To
		}
	case n.ascii && isASCII(line):
		n.eachASCII(line, found)
	default:
		for at := 0; at < len(line); {
			if end := n.matches(line, at); end > 0 {
				found(textdiff.Span{From: at, To: end})
				at = end
				continue
			}
			_, size := utf8.DecodeRuneInString(line[at:])
			at += size
		}
	}
}

func isASCII(s string) bool {
	var all byte
	for i := range len(s) {
		all |= s[i] // quicker than to stop at the first one: nearly all lines are
	}
	return all < utf8.RuneSelf
}

// eachASCII is each where both the line and what is searched for are ASCII. It
// looks for the first letter in both its forms.
func (n *needle) eachASCII(line string, found func(textdiff.Span)) {
	last := len(line) - len(n.text)
	small, large := n.text[0], n.text[0]
	if small >= 'a' && small <= 'z' {
		large -= 'a' - 'A'
	}
	ahead := -1 // where the next large one is, past last: nowhere
	for at := 0; at <= last; {
		i := strings.IndexByte(line[at:last+1], small)
		if large != small && ahead < at {
			if ahead = strings.IndexByte(line[at:last+1], large); ahead < 0 {
				ahead = last + 1
			} else {
				ahead += at
			}
		}
		if large != small && ahead <= last && (i < 0 || ahead < at+i) {
			i = ahead - at
		}
		if i < 0 {
			return
		}
		at += i
		if len(n.text) > 1 && !equalASCII(line[at:at+len(n.text)], n.text) {
			at++
			continue
		}
		found(textdiff.Span{From: at, To: at + len(n.text)})
		at += len(n.text)
	}
}

// equalASCII compares with a text that has no upper-case letters.
func equalASCII(s, small string) bool {
	for i := range len(small) {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != small[i] {
			return false
		}
	}
	return true
}

// matches is where an occurrence that starts at a byte ends, 0 if there is none.
func (n *needle) matches(line string, at int) int {
	for _, want := range n.runes {
		r, size := utf8.DecodeRuneInString(line[at:])
		if size == 0 || folded(r) != want {
			return 0
		}
		at += size
	}
	return at
}

// folded is the same for all characters that differ in case only.
func folded(r rune) rune {
	if r < utf8.RuneSelf {
		if r >= 'A' && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}
	least := r
	for o := unicode.SimpleFold(r); o != r; o = unicode.SimpleFold(o) {
		least = min(least, o)
	}
	if least < utf8.RuneSelf {
		return folded(least) // a letter of ASCII is among them
	}
	return least
}

// count is the number of occurrences in a line.
func (n *needle) count(line string) int {
	total := 0
	n.each(line, func(textdiff.Span) { total++ })
	return total
}

// Count is how often a text has what is searched for, as a search in a
// document finds it: in lines as they are drawn, without overlap, and with
// case only if the query has an upper-case letter.
func Count(text, query string) int {
	n, total := newNeedle(query), 0
	if n.text == "" {
		return 0
	}
	for l := range strings.SplitSeq(text, "\n") {
		total += n.count(sanitize.Line(l))
	}
	return total
}

// Contains reports whether the document has what is searched for.
func (d *Document) Contains(query string) bool {
	n := newNeedle(query)
	for _, u := range d.uni {
		if n.count(d.lineText(u)) > 0 {
			return true
		}
	}
	return false
}

// Count is how often the document has what is searched for. What is equal on
// both sides counts once.
func (d *Document) Count(query string) int {
	n, total := newNeedle(query), 0
	for _, u := range d.uni {
		total += n.count(d.lineText(u))
	}
	return total
}

// lineText is the drawn text of a line of the one-column order.
func (d *Document) lineText(u uniLine) string {
	r := d.diff.Rows[u.row]
	if u.side == left {
		return d.drawn(0, r.Left)
	}
	return d.drawn(1, r.Right)
}

// drawn is line n of a side as it is drawn, without its measures.
func (d *Document) drawn(s, n int) string {
	raw := d.lines(s)[n-1]
	if d.plain[s][n-1] {
		return raw
	}
	if len(raw) < longLine {
		return sanitize.Line(raw)
	}
	return d.ink(s, n).text
}
