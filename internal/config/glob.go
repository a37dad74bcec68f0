package config

import (
	"errors"
	"regexp"
	"strings"
)

// glob reads a pattern as Argo CD does: * and ** are any characters, ? is any
// one, [abc], [a-z] and [!a-z] one of some or none of them, {a,b} one of some
// patterns, and \ takes a character as it is.
func glob(pattern string) (*regexp.Regexp, error) {
	var b strings.Builder
	b.WriteString(`(?s)\A(?:`)
	depth := 0
	for rest := pattern; rest != ""; {
		c := []rune(rest)[0]
		rest = rest[len(string(c)):]
		switch {
		case c == '*':
			b.WriteString(".*")
		case c == '?':
			b.WriteString(".")
		case c == '{':
			depth++
			b.WriteString("(?:")
		case c == '}' && depth > 0:
			depth--
			b.WriteString(")")
		case c == ',' && depth > 0:
			b.WriteString("|")
		case c == '[':
			set, after, ok := strings.Cut(rest, "]")
			class, err := class(set)
			if !ok || err != nil {
				return nil, errors.New("a [ needs characters and a ] after it")
			}
			b.WriteString(class)
			rest = after
		case c == '\\':
			if rest == "" {
				return nil, errors.New(`a \ needs a character after it`)
			}
			next := string([]rune(rest)[0])
			b.WriteString(regexp.QuoteMeta(next))
			rest = rest[len(next):]
		default:
			b.WriteString(regexp.QuoteMeta(string(c)))
		}
	}
	if depth > 0 {
		return nil, errors.New("a { needs a } after it")
	}
	return regexp.Compile(b.String() + `)\z`)
}

// class is one of some characters, or of a range of them.
func class(set string) (string, error) {
	not, negated := strings.CutPrefix(set, "!")
	chars := []rune(not)
	if len(chars) == 0 {
		return "", errors.New("empty")
	}
	var b strings.Builder
	b.WriteString("[")
	if negated {
		b.WriteString("^")
	}
	for i, c := range chars {
		if c == '-' && len(chars) == 3 && i == 1 {
			if chars[0] > chars[2] {
				return "", errors.New("backwards")
			}
			b.WriteString("-")
			continue
		}
		b.WriteString(regexp.QuoteMeta(string(c)))
		if c == '-' {
			return "", errors.New("a range beside others")
		}
	}
	b.WriteString("]")
	return b.String(), nil
}
