package repo

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
)

// document is one YAML document of a file, decoded as JSON would be:
// map[string]any, []any, string, bool, int64, float64 and nil.
type document struct {
	file  string
	line  int
	node  *yaml.Node // nil where only the value counts
	value any
	items []int // of a List: the lines of its items, nested ones included
	nodes int   // how many YAML nodes it expanded to
}

// parse reads every document of a file that is not empty. What a file means is
// what it means to kubectl, whose reader is sigs.k8s.io/yaml: YAML 1.1, without
// dates. Kustomize reads YAML 1.2, with dates, and a kustomization means what
// kustomize makes of it. Where the two disagree, a directory of plain manifests
// goes with kubectl:
//
//   - yes, no, on, off, y and n without quotes are booleans, not strings.
//   - A date without quotes is a string as it is written; for kustomize it is
//     the string of a time.
//   - A key that is a number or a boolean is its string; kustomize has no keys
//     but strings. A fraction is rounded to 32 bits, as kubectl does.
//   - A null in a list is kept; kustomize refuses it.
//   - `<<` replaces the keys written above it and yields to those below it; for
//     kustomize it yields to both.
//   - A tag that is just `!` is forgotten, as kustomize does; for kubectl it
//     makes a string of a number.
//   - An object annotated config.kubernetes.io/local-config is rendered;
//     kustomize leaves it out.
//
// What either takes in a way that nobody can mean is refused, with the line:
//
//   - A key that a mapping has twice: kubectl takes the last one, kustomize
//     refuses it.
//   - Text behind `---` on its line and %YAML or %TAG lines: both refuse them.
//   - A document that begins after `...` without `---`: both leave it out
//     without a word.
//   - Tags other than those of YAML itself: both forget them without a word.
//   - .inf, .nan and keys that are lists, mappings or null: no JSON has them.
//   - `!!binary` that is no text: both replace the bytes by question marks.
//   - Text that is not UTF-8, and control characters.
//
// Content that expands to more than maxNodes or is nested deeper than any
// object is an error too.
func parse(name string, data []byte, maxNodes int) (docs []document, err error) {
	defer func() {
		if p := recover(); p != nil {
			docs, err = nil, contentf("%s cannot be read as YAML: %v", name, p)
		}
	}()
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if err := readable(name, data); err != nil {
		return nil, err
	}
	parts, err := split(name, data)
	if err != nil {
		return nil, err
	}
	c := &converter{file: name, limit: maxNodes, left: maxNodes}
	for _, part := range parts {
		before := c.left
		n, err := part.decode(name)
		if err != nil {
			return nil, err
		}
		if n == nil {
			continue
		}
		v, err := c.value(n, 0)
		if err != nil {
			return nil, err
		}
		if v != nil {
			docs = append(docs, document{file: name, line: n.Line, node: n, value: v, items: itemLines(n, v), nodes: before - c.left})
		}
	}
	return docs, nil
}

// readable refuses bytes that are no text for YAML, which its reader would
// only name without a place.
func readable(name string, data []byte) error {
	for _, mark := range []string{"\xff\xfe", "\xfe\xff", "\x00\x00\xfe\xff"} {
		if bytes.HasPrefix(data, []byte(mark)) {
			return contentf("%s is UTF-16 or UTF-32; save it as UTF-8", name)
		}
	}
	line := 1
	for i := 0; i < len(data); {
		c := data[i]
		switch {
		case c == '\n':
			line++
		case c < ' ' && c != '\t' && c != '\r', c == 0x7f:
			return contentf("%s:%d: the control character U+%04X, which YAML does not allow; remove it", name, line, c)
		}
		if c < utf8.RuneSelf {
			i++
			continue
		}
		r, size := utf8.DecodeRune(data[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			return contentf("%s:%d: not UTF-8; save the file as UTF-8", name, line)
		case r < 0xa0 && r != 0x85, r == 0xfffe, r == 0xffff:
			return contentf("%s:%d: the control character U+%04X, which YAML does not allow; remove it", name, line, r)
		}
		i += size
	}
	return nil
}

// part is what a file has between two lines of `---`.
type part struct {
	data   []byte
	before int // lines of the file before it
}

// split cuts a file at its document separators as kubectl and kustomize do:
// before the text is looked at as YAML.
func split(name string, data []byte) ([]part, error) {
	var parts []part
	start, first := 0, 0
	fresh := true // nothing but blank lines and comments since the separator
	for pos, line := 0, 0; pos < len(data); line++ {
		end := len(data)
		if i := bytes.IndexByte(data[pos:], '\n'); i >= 0 {
			end = pos + i + 1
		}
		text := data[pos:end]
		switch rest, separator := bytes.CutPrefix(text, []byte("---")); {
		case separator:
			if rest = bytes.TrimSpace(rest); len(rest) > 0 && rest[0] != '#' {
				return nil, contentf("%s:%d: text behind the separator ---, which neither kubectl nor kustomize takes; put it on a line of its own", name, line+1)
			}
			parts = append(parts, part{data[start:pos], first})
			start, first, fresh = end, line+1, true
		case fresh && text[0] == '%':
			return nil, contentf("%s:%d: a YAML directive, which neither kubectl nor kustomize takes; remove the line", name, line+1)
		default:
			trimmed := bytes.TrimSpace(text)
			fresh = fresh && (len(trimmed) == 0 || trimmed[0] == '#')
		}
		pos = end
	}
	return append(parts, part{data[start:], first}), nil
}

// decode reads the one document of a part; nil when there is none.
func (p part) decode(name string) (*yaml.Node, error) {
	dec := yaml.NewDecoder(bytes.NewReader(p.data))
	var doc, second yaml.Node
	err := dec.Decode(&doc)
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err != nil {
		return nil, p.syntaxError(name, err)
	}
	if err := dec.Decode(&second); err == nil {
		return nil, contentf("%s:%d: a document begins here without ---, and kubectl and kustomize would leave it out; add the separator", name, second.Line+p.before)
	} else if !errors.Is(err, io.EOF) {
		return nil, p.syntaxError(name, err)
	}
	if len(doc.Content) == 0 {
		return nil, nil
	}
	if p.before > 0 {
		shift(doc.Content[0], p.before)
	}
	return doc.Content[0], nil
}

// shift moves a node and all in it down by some lines.
func shift(n *yaml.Node, lines int) {
	n.Line += lines
	for _, c := range n.Content {
		shift(c, lines)
	}
}

var yamlError = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

func (p part) syntaxError(name string, err error) error {
	text := strings.Replace(oneLine(err.Error()), "did not find expected <document start>", "a document begins without ---", 1)
	m := yamlError.FindStringSubmatch(text)
	switch {
	case m == nil:
		return contentf("%s is not YAML: %s", name, text)
	case m[1] != "":
		if line, err := strconv.Atoi(m[1]); err == nil {
			return contentf("%s:%d: not YAML: %s", name, line+p.before, m[2])
		}
	}
	if i := bytes.Index(p.data, []byte("\n\t")); i >= 0 && strings.Contains(text, "cannot start any token") {
		return contentf("%s:%d: not YAML: a tab, where only spaces may indent", name, p.before+2+bytes.Count(p.data[:i], []byte("\n")))
	}
	if p.before > 0 {
		return contentf("%s: not YAML: %s, in the document from line %d on", name, m[2], p.before+1)
	}
	return contentf("%s is not YAML: %s", name, m[2])
}

// lineOf finds the line of the first scalar that is the value, or KEY=value; 0
// when there is none.
func (d document) lineOf(value string) int {
	var find func(n *yaml.Node) int
	find = func(n *yaml.Node) int {
		if n.Kind == yaml.ScalarNode && (n.Value == value || strings.HasSuffix(n.Value, "="+value)) {
			return n.Line
		}
		for _, c := range n.Content {
			if line := find(c); line > 0 {
				return line
			}
		}
		return 0
	}
	if d.node == nil {
		return 0
	}
	return find(d.node)
}

// under is the value of a key of a mapping, as it is written; nil when there
// is none.
func under(n *yaml.Node, key string) *yaml.Node {
	if n = target(n); n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// target is what an alias stands for.
func target(n *yaml.Node) *yaml.Node {
	for n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// itemLines lists the lines of a List's items in the order of flatten. It has
// none where merging keys hides what is where.
func itemLines(n *yaml.Node, v any) []int {
	m, _ := v.(map[string]any)
	items, isList, err := listItems(m)
	if !isList || err != nil {
		return nil
	}
	list := target(under(n, "items"))
	if list == nil || list.Kind != yaml.SequenceNode || len(list.Content) != len(items) {
		return nil
	}
	var lines []int
	for i, item := range list.Content {
		inner, _ := items[i].(map[string]any)
		if _, nested, _ := listItems(inner); nested {
			lines = append(lines, itemLines(target(item), inner)...)
			continue
		}
		lines = append(lines, item.Line)
	}
	return lines
}

// oneLine makes a text one line that can be shown.
func oneLine(s string) string { return sanitize.Line(strings.Join(strings.Fields(s), " ")) }

// contentError says what is wrong with what a commit holds, as opposed to
// reading it having gone wrong. It is the same at every reading.
type contentError struct{ text string }

func (e *contentError) Error() string { return e.text }

// contentf makes a contentError. Names of files and objects are data: nothing
// in them can move the cursor or begin a line.
func contentf(format string, args ...any) error {
	return &contentError{text: sanitize.Line(fmt.Sprintf(format, args...))}
}
