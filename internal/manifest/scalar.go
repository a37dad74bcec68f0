package manifest

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// style is how a string is written.
type style uint8

const (
	unknown style = iota // only the encoder knows
	plain
	single  // in single quotes
	double  // in double quotes, with escapes
	literal // as a block of lines
)

// styleOf is the style in which the encoder writes a string as a value.
func styleOf(s string) style {
	if isCertain(s) {
		return plain
	}
	t, ok := traitsOf(s)
	switch {
	case !ok || s == "<<" || strings.HasPrefix(s, "\ufeff"):
		return unknown
	case t.breaks && (beginsWithTab(s) || t.spaceBreak || t.special || s[len(s)-1] == ' '):
		return double
	case t.breaks:
		return literal
	case !isText(s) || t.special || t.tab:
		return double
	case s[0] == ' ' || s[len(s)-1] == ' ' || t.indicator || indicates(s):
		return single
	}
	return plain
}

// traits are what of a string decides how it can be written.
type traits struct {
	breaks     bool // line feeds
	spaceBreak bool // a space before one
	tab        bool
	special    bool // what is not printed, such as a carriage return
	indicator  bool // within it, what would begin a value or a comment
}

// traitsOf reads a string; ok is false when it has bytes that are no text, or
// what some take for a line break.
func traitsOf(s string) (t traits, ok bool) {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= utf8.RuneSelf:
			r, n := utf8.DecodeRuneInString(s[i:])
			if n == 1 || r == 0x85 || r == 0x2028 || r == 0x2029 {
				return t, false
			}
			t.special = t.special || !isPrinted(r)
			i += n - 1
		case c == '\n':
			t.breaks = true
			t.spaceBreak = t.spaceBreak || i > 0 && s[i-1] == ' '
		case c == '\t':
			t.tab = true
		case c < ' ' || c > '~':
			t.special = true
		case c == ':':
			t.indicator = t.indicator || i+1 == len(s) || isBlank(s[i+1])
		case c == '#':
			t.indicator = t.indicator || i > 0 && isBlank(s[i-1])
		}
	}
	return t, true
}

// isPrinted reports whether the encoder writes a character beyond ASCII as it is.
func isPrinted(r rune) bool {
	return r >= 0xA0 && r <= 0xFFFD && r != 0xFEFF
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// beginsWithTab reports whether a text of several lines begins with a tab. As a
// block no parser would take it back: the tab would be its indentation.
func beginsWithTab(s string) bool {
	return strings.HasPrefix(s, "\t") && strings.Contains(s, "\n")
}

// indicates reports whether a text begins with what means something there.
func indicates(s string) bool {
	if strings.HasPrefix(s, "---") || strings.HasPrefix(s, "...") {
		return true
	}
	switch s[0] {
	case '#', ',', '[', ']', '{', '}', '&', '*', '!', '|', '>', '\'', '"', '%', '@', '`':
		return true
	case '-', '?':
		return len(s) == 1 || isBlank(s[1])
	}
	return false
}

// isText reports whether a text of one line is read as one, also by parsers of
// YAML 1.1, when nothing around it says so.
func isText(s string) bool {
	if s == "" || oldMeaning[s] {
		return false
	}
	if !strings.ContainsRune("0123456789+-.yYnNtTfFoO~", rune(s[0])) {
		return true // nothing else begins like this
	}
	if sexagesimal.MatchString(s) {
		return false
	}
	n := yaml.Node{Kind: yaml.ScalarNode, Value: s}
	return n.ShortTag() == "!!str"
}

// sexagesimal are the numbers of YAML 1.1 to the base of 60, such as 12:30.
var sexagesimal = regexp.MustCompile(`^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$`)

// single writes a string in single quotes.
func (w *quickly) single(s string) {
	w.text = append(w.text, '\'')
	for {
		i := strings.IndexByte(s, '\'')
		if i < 0 {
			break
		}
		w.text = append(append(w.text, s[:i]...), '\'', '\'')
		s = s[i+1:]
	}
	w.text = append(append(w.text, s...), '\'')
}

// escapes are the letters for characters that have one.
var escapes = map[rune]byte{
	0: '0', '\a': 'a', '\b': 'b', '\t': 't', '\n': 'n', '\v': 'v', '\f': 'f', '\r': 'r',
	0x1b: 'e', '"': '"', '\\': '\\',
}

// double writes a string in double quotes.
func (w *quickly) double(s string) {
	w.text = append(w.text, '"')
	for _, r := range s {
		switch letter, has := escapes[r]; {
		case r >= ' ' && r <= '~' && r != '"' && r != '\\':
			w.text = append(w.text, byte(r))
		case has:
			w.text = append(w.text, '\\', letter)
		case isPrinted(r):
			w.text = utf8.AppendRune(w.text, r)
		case r <= 0xFF:
			w.escape('x', r, 2)
		case r <= 0xFFFF:
			w.escape('u', r, 4)
		default:
			w.escape('U', r, 8)
		}
	}
	w.text = append(w.text, '"')
}

func (w *quickly) escape(letter byte, r rune, digits int) {
	w.text = append(w.text, '\\', letter)
	for i := digits - 1; i >= 0; i-- {
		w.text = append(w.text, "0123456789ABCDEF"[r>>(4*i)&15])
	}
}

// literal writes a string as a block of lines, to its end or as far as there is
// room.
func (w *quickly) literal(s string, indent int) {
	w.text = append(w.text, '|')
	if s[0] == ' ' || s[0] == '\n' {
		w.text = append(w.text, '2')
	}
	switch n := len(s); {
	case s[n-1] != '\n':
		w.text = append(w.text, '-')
	case n == 1 || s[n-2] == '\n':
		w.text = append(w.text, '+')
	}
	w.end()
	for s != "" && !w.full() {
		line, rest, _ := strings.Cut(s, "\n")
		if line != "" {
			w.indent(indent)
			w.text = append(w.text, line...)
		}
		w.end()
		s = rest
	}
}
