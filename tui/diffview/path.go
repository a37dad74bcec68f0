package diffview

import (
	"strconv"
	"strings"
)

// node is a key or a list item that a line stands under.
type node struct {
	indent int
	item   bool
	index  int
	label  string
}

// place is where a line stands: the mapping or list item it belongs to, and
// the path of its own value.
type place struct{ under, own string }

// read walks down a text. It names the places of the wanted lines (0-based,
// ascending), as in spec.template.spec.containers[cart].image, and says which
// lines are the text of a block scalar. A list item goes by its name where it
// has one, else by its index. It reads block-style YAML as our own writer
// makes it; in other text the names may be off, which misleads nobody about
// what changes.
func read(lines []string, wanted []int) (places []place, scalar []bool) {
	places = make([]place, 0, len(wanted))
	scalar = make([]bool, len(lines))
	var s scanner
	for i, l := range lines {
		depth, inside := s.line(l)
		scalar[i] = inside
		for len(places) < len(wanted) && wanted[len(places)] == i {
			places = append(places, place{path(s.stack[:depth]), path(s.stack)})
		}
	}
	return places, scalar
}

// scanner walks down a document and knows what the current line stands under.
type scanner struct {
	stack []node // down to the line's own value
	block int    // indentation of the key whose block scalar is being read, plus 1; 0: none
}

// line reads one line. depth is how many nodes of the stack it stands under;
// inside reports that it is the text of a block scalar.
func (s *scanner) line(l string) (depth int, inside bool) {
	text := strings.TrimLeft(l, " ")
	indent := len(l) - len(text)
	if s.block > 0 && (text == "" || indent >= s.block) {
		return len(s.stack), true
	}
	s.block = 0
	if text == "" || text[0] == '#' || strings.HasPrefix(text, "---") {
		return len(s.stack), false
	}
	for text[0] == '-' && (len(text) == 1 || text[1] == ' ') {
		s.item(indent)
		rest := strings.TrimLeft(text[1:], " ")
		indent += len(text) - len(rest)
		text = rest
		if name, ok := strings.CutPrefix(text, "name: "); ok {
			s.stack[len(s.stack)-1].label = unquote(name)
		}
		if text == "" {
			break
		}
	}
	depth = s.depth(indent)
	s.stack = s.stack[:depth]
	if end := keyEnd(text); end > 0 {
		s.stack = append(s.stack, node{indent: indent, label: unquote(text[:end])})
		if v := strings.TrimLeft(text[end+1:], " "); v != "" && (v[0] == '|' || v[0] == '>') {
			s.block = indent + 1
		}
	} else if text != "" && (text[0] == '|' || text[0] == '>') {
		s.block = indent
	}
	return depth, false
}

// item opens a list item. A dash stands at its parent key's indentation or
// deeper.
func (s *scanner) item(indent int) {
	index := 0
	for n := len(s.stack); n > 0; n = len(s.stack) {
		top := s.stack[n-1]
		if top.indent < indent || top.indent == indent && !top.item {
			break
		}
		if top.item && top.indent == indent {
			index = top.index + 1
		}
		s.stack = s.stack[:n-1]
	}
	s.stack = append(s.stack, node{indent: indent, item: true, index: index})
}

// depth is how many nodes a key at this indentation stands under.
func (s *scanner) depth(indent int) int {
	n := len(s.stack)
	for n > 0 && s.stack[n-1].indent >= indent {
		n--
	}
	return n
}

// keyEnd is where the colon after a key is, 0 if the text does not start with
// a key.
func keyEnd(text string) int {
	if text == "" {
		return 0
	}
	at := 0
	switch c := text[0]; c {
	case '"', '\'':
		if at = quoteEnd(text); at == 0 {
			return 0
		}
		if at == len(text) || text[at] != ':' {
			return 0
		}
	case '{', '[', '#':
		return 0
	}
	for at < len(text) {
		i := strings.IndexByte(text[at:], ':')
		if i < 0 {
			return 0
		}
		if at += i; at+1 == len(text) || text[at+1] == ' ' {
			return at
		}
		at++
	}
	return 0
}

// quoteEnd is where a quoted string that the text starts with is over, 0 if it
// is not on this line.
func quoteEnd(text string) int {
	quote := text[0]
	for i := 1; i < len(text); i++ {
		switch {
		case quote == '"' && text[i] == '\\':
			i++
		case text[i] != quote:
		case quote == '\'' && i+1 < len(text) && text[i+1] == quote:
			i++
		default:
			return i + 1
		}
	}
	return 0
}

func unquote(s string) string {
	s = strings.TrimSpace(s)
	if len(s) >= 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		return s[1 : len(s)-1]
	}
	return s
}

func path(nodes []node) string {
	var b strings.Builder
	for _, n := range nodes {
		switch {
		case n.item && n.label != "":
			b.WriteString("[" + n.label + "]")
		case n.item:
			b.WriteString("[" + strconv.Itoa(n.index) + "]")
		default:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(n.label)
		}
	}
	return b.String()
}
