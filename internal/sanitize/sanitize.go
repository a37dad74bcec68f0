// Package sanitize makes text from outside (Git, a cluster, a forge, a log)
// safe to draw in a terminal: it cannot move the cursor, change colours, ring
// the bell, reorder its neighbours or claim more lines than it was given.
//
// The results hold printable characters and spaces only, and for [Text] line
// feeds. What is invisible but could mislead (bidirectional controls, zero
// width spaces, tags) is shown by its code point as <U+202E>; what is harmless
// without a terminal (escape sequences, control characters, emoji joiners) is
// removed.
package sanitize

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// tabWidth is the distance of tab stops: YAML is indented by two, so eight
// would waste a narrow column.
const tabWidth = 4

// maxMarks is how many combining marks a character keeps. Living scripts need
// three; stacks of more paint over the lines above and below.
const maxMarks = 3

// Line makes s safe to draw on one line: line breaks become a space.
func Line(s string) string {
	if clean(s, false) {
		return s
	}
	return scrub(s, false)
}

// Text makes s safe to draw on several lines: it keeps line feeds, and a
// carriage return before one goes.
func Text(s string) string {
	if clean(s, true) {
		return s
	}
	return scrub(s, true)
}

// clean reports whether s is printable ASCII throughout, which nearly all text
// is; such text is returned without a copy.
func clean(s string, multi bool) bool {
	for i := range len(s) {
		if c := s[i]; (c < ' ' || c > '~') && (!multi || c != '\n') {
			return false
		}
	}
	return true
}

func scrub(s string, multi bool) string {
	var b strings.Builder
	b.Grow(len(s) + 16)
	column, marks := 0, 0
	for i := 0; i < len(s); {
		if n := sequence(s[i:]); n > 0 {
			i += n
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		i += size
		switch {
		case r == '\n' && multi:
			b.WriteByte('\n')
			column, marks = 0, 0
			continue
		case r == '\n':
			b.WriteByte(' ')
		case r == '\t':
			n := tabWidth - column%tabWidth
			b.WriteString("    "[:n])
			column += n - 1
		case r == utf8.RuneError:
			b.WriteRune(utf8.RuneError)
		case unicode.Is(unicode.Cc, r), isJoiner(r):
			continue
		case unicode.In(r, unicode.Mn, unicode.Me):
			if marks++; marks <= maxMarks && column > 0 {
				b.WriteRune(r)
			}
			continue
		case ignorable(r) || !unicode.IsGraphic(r):
			code := fmt.Sprintf("<U+%04X>", r)
			b.WriteString(code)
			column += len(code) - 1
		default:
			b.WriteRune(r)
		}
		column, marks = column+1, 0
	}
	return b.String()
}

// isJoiner reports the characters that only tell how an emoji or a ligature is
// composed. Terminals disagree about the width of what they join.
func isJoiner(r rune) bool {
	return r == '\u200c' || r == '\u200d' || r >= '\ufe00' && r <= '\ufe0f'
}

// ignorable reports graphic characters which draw nothing at all: a name made
// of them looks like another name.
func ignorable(r rune) bool {
	switch r {
	case '\u115f', '\u1160', '\u3164', '\uffa0', '\u17b4', '\u17b5':
		return true
	}
	return false
}

// sequence is the length of the escape sequence s starts with, 0 for none. A
// string sequence that is not ended on its line is not one: only its
// introducer goes, so that it cannot swallow the text after it.
func sequence(s string) int {
	switch {
	case len(s) >= 2 && s[0] == 0x1b:
		switch s[1] {
		case '[':
			return 2 + control(s[2:])
		case ']', 'P', 'X', '^', '_':
			return 2 + text(s[2:])
		}
		return 1 + simple(s[1:])
	case len(s) >= 2 && s[0] == 0xc2: // C1 controls in UTF-8
		switch s[1] {
		case 0x9b:
			return 2 + control(s[2:])
		case 0x9d, 0x90, 0x98, 0x9e, 0x9f:
			return 2 + text(s[2:])
		}
	}
	return 0
}

// control is the length of a CSI's parameters and final byte.
func control(s string) int {
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 0x40 && c <= 0x7e:
			return i + 1
		case c < 0x20 || c > 0x3f:
			return i
		}
	}
	return len(s)
}

// text is the length of a string sequence's body and terminator.
func text(s string) int {
	for i := range len(s) {
		switch s[i] {
		case '\n':
			return 0
		case 0x07:
			return i + 1
		case 0x1b:
			if i+1 < len(s) && s[i+1] == '\\' {
				return i + 2
			}
			return 0
		case 0xc2:
			if i+1 < len(s) && s[i+1] == 0x9c {
				return i + 2
			}
		}
	}
	return 0
}

// simple is the length of a two- or more-byte escape after its ESC.
func simple(s string) int {
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 0x20 && c <= 0x2f:
		case c >= 0x30 && c <= 0x7e:
			return i + 1
		default:
			return i
		}
	}
	return len(s)
}
