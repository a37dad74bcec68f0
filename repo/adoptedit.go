package repo

import (
	"bytes"
	"encoding/json"
	"strings"

	"go.yaml.in/yaml/v3"
)

// change makes what is at a place of a manifest what it is to be.
func (y *yamlText) change(parent *yaml.Node, at int, goal aim) ([]splice, bool) {
	switch {
	case goal.remove && parent.Kind == yaml.SequenceNode:
		return y.removeItem(parent, at)
	case goal.remove:
		return y.removeEntry(parent, at)
	case isSingle(goal.value) && parent.Content[at].Kind == yaml.ScalarNode:
		return y.setScalar(parent.Content[at], goal.value)
	case parent.Kind == yaml.MappingNode:
		return y.replaceEntry(parent, at, goal.value)
	}
	return nil, false
}

// setScalar writes another value in the place of a single one, in its quotes.
func (y *yamlText) setScalar(n *yaml.Node, value any) ([]splice, bool) {
	from := y.offset(n)
	s, isText := value.(string)
	if n.Style&yaml.LiteralStyle != 0 {
		return y.setBlock(n, from, s, isText)
	}
	to, ok := y.scalarEnd(n, from)
	if !ok {
		return nil, false
	}
	become := flow(value)
	switch {
	case !isText || strings.ContainsRune(s, '\n'):
	case n.Style&yaml.SingleQuotedStyle != 0:
		become = "'" + strings.ReplaceAll(s, "'", "''") + "'"
	case n.Style&yaml.DoubleQuotedStyle != 0:
		become = quoted(s)
	}
	return []splice{{from, to, become}}, become != ""
}

// scalarEnd is behind a scalar that is not a block of text.
func (y *yamlText) scalarEnd(n *yaml.Node, from int) (int, bool) {
	rest := y.data[from:]
	switch n.Style {
	case 0:
		return from + len(n.Value), n.Value != "" && bytes.HasPrefix(rest, []byte(n.Value))
	case yaml.SingleQuotedStyle:
		for i := 1; i < len(rest); i++ {
			if rest[i] != '\'' {
				continue
			}
			if i+1 == len(rest) || rest[i+1] != '\'' {
				return from + i + 1, rest[0] == '\''
			}
			i++ // a quote in the text
		}
	case yaml.DoubleQuotedStyle:
		for i := 1; i < len(rest); i++ {
			switch rest[i] {
			case '\\':
				i++
			case '"':
				return from + i + 1, rest[0] == '"'
			}
		}
	}
	return 0, false
}

// setBlock writes another text into a literal block, and the header that says
// how it ends.
func (y *yamlText) setBlock(n *yaml.Node, from int, s string, isText bool) ([]splice, bool) {
	indent := y.blockIndent(n)
	body := strings.TrimSuffix(s, "\n")
	if !isText || indent == 0 || from+1 >= len(y.data) || body == "" || strings.HasSuffix(body, "\n") || body[0] == ' ' || body[0] == '\n' || strings.ContainsAny(body, "\t\r") {
		return nil, false
	}
	header := "|-"
	if body != s {
		header = "|"
	}
	was := 1
	if c := y.data[from+1]; c == '-' || c == '+' {
		was = 2
	}
	last := n.Line
	for line := n.Line; line < len(y.lines); line++ {
		text := y.lineText(line)
		blank := strings.TrimSpace(text) == ""
		if !blank && len(text)-len(strings.TrimLeft(text, " ")) < indent {
			break
		}
		if !blank {
			last = line + 1
		}
	}
	begin, _ := y.lineEnd(n.Line)
	end, open := y.lineEnd(last)
	var lines strings.Builder
	for l := range strings.SplitSeq(body, "\n") {
		if l != "" {
			l = strings.Repeat(" ", indent) + l
		}
		lines.WriteString(l + y.eol())
	}
	become := lines.String()
	if open {
		become = strings.TrimSuffix(become, y.eol())
	}
	return []splice{{from, from + was, header}, {begin, end, become}}, true
}

// flow writes a value on one line; empty when it cannot.
func flow(v any) string {
	if isSingle(v) {
		if data, err := yaml.Marshal(v); err == nil && bytes.Count(data, []byte("\n")) == 1 {
			return strings.TrimSpace(string(data))
		}
	}
	return quoted(v)
}

// quoted writes a value as JSON, which YAML reads.
func quoted(v any) string {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return ""
	}
	return strings.TrimSuffix(buf.String(), "\n")
}

// blockText writes a value in block style, each line but the first indented.
func (y *yamlText) blockText(v any, indent int) (string, bool) {
	var buf bytes.Buffer
	enc := yaml.NewEncoder(&buf)
	enc.SetIndent(2)
	if err := enc.Encode(v); err != nil {
		return "", false
	}
	text := strings.TrimSuffix(buf.String(), "\n")
	return strings.ReplaceAll(text, "\n", y.eol()+strings.Repeat(" ", indent)), true
}

// over is the line at which what begins with first is over: its last node's,
// or a later one that is indented further than the column it stands in.
func (y *yamlText) over(first *yaml.Node, column int) int {
	last := first.Line
	var walk func(n *yaml.Node)
	walk = func(n *yaml.Node) {
		last = max(last, n.Line)
		for _, c := range n.Content {
			walk(c)
		}
	}
	walk(first)
	for line := last; line < len(y.lines); line++ {
		text := y.lineText(line)
		trimmed := strings.TrimLeft(text, " ")
		if trimmed == "" {
			continue
		}
		if indent := len(text) - len(trimmed); indent < column && !strings.HasPrefix(trimmed, "}") && !strings.HasPrefix(trimmed, "]") {
			break
		}
		last = line + 1
	}
	return last
}

// ownLine reports whether nothing but blanks, and mark, stands before a place
// on its line.
func (y *yamlText) ownLine(at int, mark string) bool {
	return strings.TrimSpace(string(y.data[y.lineStart(at):at])) == mark
}

func isBlock(n *yaml.Node) bool { return n.Style&yaml.FlowStyle == 0 }

// removeEntry takes the lines of a key out.
func (y *yamlText) removeEntry(m *yaml.Node, at int) ([]splice, bool) {
	key := m.Content[at-1]
	from := y.offset(key)
	if !isBlock(m) || len(m.Content) <= 2 || !y.ownLine(from, "") {
		return nil, false
	}
	to, _ := y.lineEnd(y.over(m.Content[at], key.Column))
	return []splice{{y.lineStart(from), to, ""}}, true
}

// removeItem takes the lines of an element of a list out.
func (y *yamlText) removeItem(list *yaml.Node, at int) ([]splice, bool) {
	item := list.Content[at]
	from := y.offset(item)
	if !isBlock(list) || len(list.Content) < 2 || !y.ownLine(from, "-") {
		return nil, false
	}
	to, _ := y.lineEnd(y.over(item, y.dash(from)+1))
	return []splice{{y.lineStart(from), to, ""}}, true
}

// dash is the column, from 0, of the dash that an element stands behind.
func (y *yamlText) dash(at int) int {
	start := y.lineStart(at)
	return bytes.LastIndexByte(y.data[start:at], '-')
}

// replaceEntry writes another value under a key, over lines without a comment.
func (y *yamlText) replaceEntry(m *yaml.Node, at int, value any) ([]splice, bool) {
	key := m.Content[at-1]
	if !isBlock(m) {
		return nil, false
	}
	from := y.offset(key)
	to, _ := y.lineEnd(y.over(m.Content[at], key.Column))
	to = from + len(bytes.TrimRight(y.data[from:to], "\r\n"))
	become, ok := y.blockText(map[string]any{key.Value: value}, key.Column-1)
	if !ok || bytes.ContainsAny(y.data[from:to], "#&*") {
		return nil, false
	}
	return []splice{{from, to, become}}, true
}

// add puts a field that is not there into a manifest.
func (y *yamlText) add(doc *yaml.Node, goal aim) (splice, bool) {
	parent := doc
	if n := len(goal.steps) - 1; n > 0 {
		above := aim{steps: goal.steps[:n]}
		holder, at, ok := y.place(doc, above)
		if !ok {
			return splice{}, false
		}
		parent = target(holder.Content[at])
	}
	s := goal.steps[len(goal.steps)-1]
	switch {
	case s.list && parent.Kind == yaml.SequenceNode:
		return y.addItem(parent, goal.value)
	case !s.list && parent.Kind == yaml.MappingNode:
		return y.addKey(parent, s.key, goal.value)
	}
	return splice{}, false
}

func (y *yamlText) addKey(m *yaml.Node, key string, value any) (splice, bool) {
	if !isBlock(m) {
		at := y.offset(m)
		if at == len(y.data) || y.data[at] != '{' {
			return splice{}, false
		}
		at++
		more := ""
		if len(m.Content) > 0 {
			more = ", "
		}
		return splice{at, at, flow(key) + ": " + flow(value) + more}, true
	}
	last := m.Content[len(m.Content)-2]
	indent := last.Column - 1
	entry, ok := y.blockText(map[string]any{key: value}, indent)
	return y.insertLine(y.over(m.Content[len(m.Content)-1], last.Column), strings.Repeat(" ", indent)+entry), ok
}

func (y *yamlText) addItem(list *yaml.Node, value any) (splice, bool) {
	if !isBlock(list) || len(list.Content) == 0 {
		return splice{}, false
	}
	last := list.Content[len(list.Content)-1]
	from := y.offset(last)
	if !y.ownLine(from, "-") {
		return splice{}, false
	}
	dash := y.dash(from)
	item, ok := y.blockText(value, dash+2)
	return y.insertLine(y.over(last, dash+1), strings.Repeat(" ", dash)+"- "+item), ok
}
