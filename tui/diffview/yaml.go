package diffview

import (
	"strings"

	"github.com/fairtide-dev/fairtide/tui/theme"
)

// tint is what a part of a line is in YAML.
type tint uint8

const (
	plainTint   tint = iota // indentation, dashes, and what stands alone
	keyTint                 // a key with its colon
	stringTint              // text
	valueTint               // a number, a truth value or nothing
	commentTint             // to the end of the line
)

// stretch is a part of a line, up to a byte.
type stretch struct {
	to   int
	tint tint
}

// tints appends the parts of a line to out. scalar says that the line is the
// text of a block scalar.
func tints(out []stretch, line string, scalar bool) []stretch {
	at := len(line) - len(strings.TrimLeft(line, " "))
	add := func(to int, t tint) {
		if to > at {
			out, at = append(out, stretch{to, t}), to
		}
	}
	if scalar {
		return append(out, stretch{len(line), stringTint})
	}
	for strings.HasPrefix(line[at:], "- ") {
		at += 2
		at += len(line[at:]) - len(strings.TrimLeft(line[at:], " "))
	}
	if at > 0 {
		out = append(out, stretch{at, plainTint})
	}
	if line[at:] == "-" || strings.HasPrefix(line[at:], "---") {
		return append(out, stretch{len(line), plainTint})
	}
	if end := keyEnd(line[at:]); end > 0 {
		add(at+end+1, keyTint)
		add(at+len(line[at:])-len(strings.TrimLeft(line[at:], " ")), plainTint)
	}
	note := commentAt(line, at)
	add(note, scalarTint(strings.TrimRight(line[at:note], " ")))
	add(len(line), commentTint)
	return out
}

// commentAt is where the comment after a value that starts at a byte begins,
// the line's end if there is none.
func commentAt(line string, at int) int {
	if at == len(line) || line[at] == '#' {
		return at
	}
	from := at
	if line[at] == '"' || line[at] == '\'' {
		if from += quoteEnd(line[at:]); from == at {
			return len(line)
		}
	}
	if i := strings.Index(line[from:], " #"); i >= 0 {
		return from + i
	}
	return len(line)
}

// scalarTint is what a value is.
func scalarTint(v string) tint {
	switch v {
	case "true", "false", "null", "~", "{}", "[]":
		return valueTint
	case "|", "|-", "|+", ">", ">-", ">+":
		return plainTint
	}
	if isNumber(v) {
		return valueTint
	}
	return stringTint
}

// isNumber reports whether YAML takes a plain scalar for a number, in the
// forms that manifests have.
func isNumber(v string) bool {
	if len(v) > 40 {
		return false
	}
	v = strings.TrimLeft(v, "+-")
	digits, dots := 0, 0
	for i, c := range []byte(v) {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c == '.':
			dots++
		case (c == 'e' || c == 'E') && digits > 0 && i+1 < len(v):
		case (c == '+' || c == '-') && i > 0 && (v[i-1] == 'e' || v[i-1] == 'E'):
		default:
			return false
		}
	}
	return digits > 0 && dots < 2
}

// tinted is how a part of a line is painted over the line's own look. Where the
// sides are told apart by the colour of the text, a changed line keeps it.
func tinted(t *theme.Theme, base theme.Style, changed bool, part tint) theme.Style {
	if t.Depth > theme.Palette || changed && t.Depth != theme.TrueColor {
		return base
	}
	look := base
	switch part {
	case keyTint:
		look = t.Key
	case stringTint:
		look = t.String
	case valueTint:
		look = t.Value
	case commentTint:
		look = t.Comment
	}
	if changed {
		return look.Over(base)
	}
	return look
}
