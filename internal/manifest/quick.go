package manifest

import (
	"math"
	"strconv"
	"strings"
)

// quick writes an object as the encoder would, which takes thirty times as long.
// ok is false when it holds what only the encoder writes, such as keys of
// several lines.
func quick(fields map[string]any) (text []byte, ok bool) {
	w := quickly{text: make([]byte, 0, 4096)}
	return w.text, w.object(fields, 0) && len(fields) > 0
}

type quickly struct {
	text  []byte
	lines int // written so far
	most  int // of them; 0: all
	known *order
}

// full reports whether as many lines are written as there shall be.
func (w *quickly) full() bool { return w.most > 0 && w.lines >= w.most }

func (w *quickly) end() {
	w.text = append(w.text, '\n')
	w.lines++
}

const spaces = "                                                                "

func (w *quickly) indent(n int) {
	for ; n > len(spaces); n -= len(spaces) {
		w.text = append(w.text, spaces...)
	}
	w.text = append(w.text, spaces[:n]...)
}

// keys are those of a map that there is room for, in the order in which they are
// written.
func (w *quickly) keys(m map[string]any) []string {
	if w.most > 0 {
		return w.known.upTo(m, w.most-w.lines)
	}
	return keys(m)
}

// object writes the keys of a map, the first where the text ends, the others on
// lines of their own.
func (w *quickly) object(m map[string]any, indent int) bool {
	for i, k := range w.keys(m) {
		if w.full() {
			return true
		}
		if i > 0 {
			w.indent(indent)
		}
		if !w.key(k) || !w.value(m[k], indent) {
			return false
		}
	}
	return true
}

func (w *quickly) key(k string) bool {
	const longest = 128 // longer ones are written in another way
	how := styleOf(k)
	if len(k) > longest || strings.ContainsAny(k, "\r\n") || !w.short(k, how) {
		return false
	}
	w.text = append(w.text, ':')
	return true
}

// value writes what comes after a key.
func (w *quickly) value(v any, indent int) bool {
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 0 {
			break
		}
		w.end()
		w.indent(indent + 2)
		return w.object(v, indent+2)
	case []any:
		if len(v) == 0 {
			break
		}
		w.end()
		w.indent(indent)
		return w.list(v, indent)
	}
	w.text = append(w.text, ' ')
	return w.scalar(v, indent+2)
}

// list writes the items of a list. They stand as far to the right as its key.
func (w *quickly) list(l []any, indent int) bool {
	for i, e := range l {
		if w.full() {
			return true
		}
		if i > 0 {
			w.indent(indent)
		}
		w.text = append(w.text, '-', ' ')
		ok := false
		switch e := e.(type) {
		case map[string]any:
			if ok = len(e) > 0 && w.object(e, indent+2); len(e) == 0 {
				ok = w.scalar(e, indent+2)
			}
		case []any:
			if ok = len(e) > 0 && w.list(e, indent+2); len(e) == 0 {
				ok = w.scalar(e, indent+2)
			}
		default:
			ok = w.scalar(e, indent+2)
		}
		if !ok {
			return false
		}
	}
	return true
}

// scalar writes a value that ends its line, or a block of lines.
func (w *quickly) scalar(v any, indent int) bool {
	switch v := v.(type) {
	case string:
		how := styleOf(v)
		if how == literal {
			w.literal(v, indent)
			return true
		}
		if !w.short(v, how) {
			return false
		}
	case bool:
		w.text = strconv.AppendBool(w.text, v)
	case int64:
		w.text = strconv.AppendInt(w.text, v, 10)
	case float64:
		if math.IsInf(v, 0) || math.IsNaN(v) {
			return false
		}
		w.text = strconv.AppendFloat(w.text, v, 'g', -1, 64)
	case nil:
		w.text = append(w.text, "null"...)
	case map[string]any:
		w.text = append(w.text, "{}"...)
	case []any:
		w.text = append(w.text, "[]"...)
	default:
		return false
	}
	w.end()
	return true
}

// short writes a string of one line.
func (w *quickly) short(s string, how style) bool {
	switch how {
	case plain:
		w.text = append(w.text, s...)
	case single:
		w.single(s)
	case double:
		w.double(s)
	case literal, unknown:
		return false
	}
	return true
}

// isCertain reports whether a text is nothing but itself in YAML, for every
// parser: words of which the first begins with a letter or a slash and that mean
// nothing else, or a number with a unit, such as 100m or 256Mi.
func isCertain(s string) bool {
	if s == "" {
		return false
	}
	unit, word := false, true
	for i := range len(s) {
		c := s[i]
		if !isPart(c) {
			return false
		}
		// A number may have an x, an o, a b or an e in it, and hexadecimal digits.
		unit = unit || c >= 'g' && c <= 'z' && c != 'o' && c != 'x' || c >= 'G' && c <= 'Z' && c != 'O' && c != 'X' && c != 'T' && c != 'Z'
		word = word && (isLetter(c) || c >= '0' && c <= '9' || c == '/')
		if (c == ':' || c == ' ') && (i+1 == len(s) || s[i+1] == ' ') {
			return false // what comes after it would be a value, or nobody would see it
		}
	}
	if isLetter(s[0]) || s[0] == '/' {
		const longest = 5 // "false" is the longest word that means something
		return len(s) > longest || !meaning[s]
	}
	return s[0] >= '0' && s[0] <= '9' && word && unit
}

// isPart reports whether a character may stand anywhere but first.
func isPart(c byte) bool {
	switch c {
	case '.', '/', '-', '_', ':', '+', '@', '=', ' ', ',', ';', '(', ')':
		return true
	}
	return isLetter(c) || c >= '0' && c <= '9'
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// meaning are the words that mean something, in any of the ways to write them.
var meaning = func() map[string]bool {
	out := map[string]bool{}
	for _, word := range []string{"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"} {
		for mask := range 1 << len(word) {
			b := []byte(word)
			for i := range b {
				if mask&(1<<i) != 0 {
					b[i] -= 'a' - 'A'
				}
			}
			out[string(b)] = true
		}
	}
	return out
}()
