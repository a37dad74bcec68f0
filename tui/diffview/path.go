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

// pathsOf names, for each wanted line (0-based, ascending), the mapping or
// list item it belongs to: spec.template.spec.containers[cart]. A list item
// goes by its name where it has one, else by its index. It reads block-style
// YAML as our own writer makes it; in other text the names may be off, which
// misleads nobody about what changes.
func pathsOf(lines []string, wanted []int) []string {
	out := make([]string, 0, len(wanted))
	var s scanner
	for i := 0; i < len(lines) && len(out) < len(wanted); i++ {
		at := s.line(lines[i])
		for len(out) < len(wanted) && wanted[len(out)] == i {
			out = append(out, at())
		}
	}
	return out
}

// scanner walks down a document and knows what the current line stands under.
type scanner struct {
	stack []node
	block int // indentation of the key whose block scalar is being read, plus 1; 0: none
}

// line reads one line and returns a function for its path, which must be
// called before the next line is read.
func (s *scanner) line(l string) func() string {
	text := strings.TrimLeft(l, " ")
	indent := len(l) - len(text)
	if s.block > 0 && (text == "" || indent >= s.block) {
		return func() string { return path(s.stack) }
	}
	s.block = 0
	if text == "" || text[0] == '#' || strings.HasPrefix(text, "---") {
		return func() string { return path(s.stack) }
	}
	for strings.HasPrefix(text, "- ") || text == "-" {
		s.item(indent)
		rest := strings.TrimLeft(strings.TrimPrefix(text, "-"), " ")
		indent += len(text) - len(rest)
		text = rest
		if name, ok := strings.CutPrefix(text, "name: "); ok {
			s.stack[len(s.stack)-1].label = unquote(name)
		}
	}
	depth := s.depth(indent)
	s.stack = s.stack[:depth]
	if key, value, ok := strings.Cut(text, ":"); ok && (value == "" || value[0] == ' ') {
		s.stack = append(s.stack, node{indent: indent, label: unquote(key)})
		if v := strings.TrimSpace(value); v != "" && (v[0] == '|' || v[0] == '>') {
			s.block = indent + 1
		}
	}
	return func() string { return path(s.stack[:depth]) }
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
