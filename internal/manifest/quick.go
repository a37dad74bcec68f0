package manifest

import (
	"strconv"
)

// quick writes an object as the encoder would, if it holds nothing but values
// that are written without quotes for certain: nearly all objects do, and the
// encoder takes thirty times as long. ok is false when it holds others.
func quick(fields map[string]any) (text []byte, ok bool) {
	w := quickly{text: make([]byte, 0, 4096)}
	return w.text, w.object(fields, 0) && len(fields) > 0
}

type quickly struct{ text []byte }

const spaces = "                                                                "

func (w *quickly) indent(n int) {
	for ; n > len(spaces); n -= len(spaces) {
		w.text = append(w.text, spaces...)
	}
	w.text = append(w.text, spaces[:n]...)
}

// object writes the keys of a map, the first where the text ends, the others on
// lines of their own.
func (w *quickly) object(m map[string]any, indent int) bool {
	for i, k := range keys(m) {
		if i > 0 {
			w.indent(indent)
		}
		const longKey = 100 // from 128 on it is written in another way
		if len(k) > longKey || !isCertain(k) {
			return false
		}
		w.text = append(append(w.text, k...), ':')
		if !w.value(m[k], indent) {
			return false
		}
	}
	return true
}

// value writes what comes after a key.
func (w *quickly) value(v any, indent int) bool {
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 0 {
			break
		}
		w.text = append(w.text, '\n')
		w.indent(indent + 2)
		return w.object(v, indent+2)
	case []any:
		if len(v) == 0 {
			break
		}
		w.text = append(w.text, '\n')
		w.indent(indent)
		return w.list(v, indent)
	}
	w.text = append(w.text, ' ')
	return w.scalar(v)
}

// list writes the items of a list. They stand as far to the right as its key.
func (w *quickly) list(l []any, indent int) bool {
	for i, e := range l {
		if i > 0 {
			w.indent(indent)
		}
		w.text = append(w.text, '-', ' ')
		ok := false
		switch e := e.(type) {
		case map[string]any:
			if ok = len(e) > 0 && w.object(e, indent+2); len(e) == 0 {
				ok = w.scalar(e)
			}
		case []any:
			if ok = len(e) > 0 && w.list(e, indent+2); len(e) == 0 {
				ok = w.scalar(e)
			}
		default:
			ok = w.scalar(e)
		}
		if !ok {
			return false
		}
	}
	return true
}

// scalar writes a value that ends its line.
func (w *quickly) scalar(v any) bool {
	switch v := v.(type) {
	case string:
		switch {
		case isCertain(v):
			w.text = append(w.text, v...)
		case isNumber(v):
			w.text = append(append(append(w.text, '"'), v...), '"')
		default:
			return false
		}
	case bool:
		w.text = strconv.AppendBool(w.text, v)
	case int64:
		w.text = strconv.AppendInt(w.text, v, 10)
	case nil:
		w.text = append(w.text, "null"...)
	case map[string]any:
		w.text = append(w.text, "{}"...)
	case []any:
		w.text = append(w.text, "[]"...)
	default:
		return false
	}
	w.text = append(w.text, '\n')
	return true
}

// isNumber reports whether a text would be read as a number: 3, or 1.10.
func isNumber(s string) bool {
	const longest = 15
	dots := 0
	for i := range len(s) {
		if s[i] == '.' && i > 0 {
			dots++
		} else if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != "" && dots < 2 && len(s) <= longest
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
