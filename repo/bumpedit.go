package repo

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// yamlText is a YAML file with where its values are, to change single values
// and leave every other byte alone.
type yamlText struct {
	data  []byte
	lines []int // offset of each line
	docs  []*yaml.Node
}

func readYAML(data []byte) (*yamlText, error) {
	y := &yamlText{data: data, lines: []int{0}}
	for i, c := range data {
		if c == '\n' {
			y.lines = append(y.lines, i+1)
		}
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return y, nil
		}
		if err != nil {
			return nil, err
		}
		if len(doc.Content) == 1 {
			y.docs = append(y.docs, doc.Content[0])
		}
	}
}

// splice is a change of the text: the bytes from:to become text.
type splice struct {
	from, to int
	text     string
}

// apply makes the changes, which do not overlap.
func (y *yamlText) apply(changes []splice) []byte {
	out := bytes.Clone(y.data)
	for i := len(changes) - 1; i >= 0; i-- {
		c := changes[i]
		out = append(out[:c.from:c.from], append([]byte(c.text), out[c.to:]...)...)
	}
	return out
}

// offset is where a node starts. Columns count characters. YAML knows more
// line ends than files have, so that a node may seem to be behind the last one,
// or behind the end of its own.
func (y *yamlText) offset(n *yaml.Node) int {
	if n.Line < 1 || n.Line > len(y.lines) {
		return len(y.data)
	}
	at := y.lines[n.Line-1]
	if n.Line == 1 && bytes.HasPrefix(y.data, []byte("\ufeff")) {
		at += len("\ufeff")
	}
	for range n.Column - 1 {
		_, size := utf8.DecodeRune(y.data[at:])
		at += size
	}
	end, _ := y.lineEnd(n.Line)
	return min(at, end)
}

// replace is the change of a scalar's text that keeps its quotes; ok is false
// for a scalar that is not written out in one piece.
func (y *yamlText) replace(n *yaml.Node, value string) (splice, bool) {
	if n.Kind != yaml.ScalarNode {
		return splice{}, false
	}
	written, become := n.Value, scalar(value)
	switch n.Style {
	case 0:
	case yaml.DoubleQuotedStyle:
		written, become = `"`+n.Value+`"`, `"`+value+`"`
	case yaml.SingleQuotedStyle:
		written, become = "'"+n.Value+"'", "'"+value+"'"
	default:
		return splice{}, false
	}
	at := y.offset(n)
	if !bytes.HasPrefix(y.data[at:], []byte(written)) {
		return splice{}, false
	}
	return splice{at, at + len(written), become}, true
}

// scalar writes a string so that YAML reads a string.
func scalar(value string) string {
	var n yaml.Node
	if err := yaml.Unmarshal([]byte(value), &n); err == nil && len(n.Content) == 1 && n.Content[0].Tag == "!!str" && n.Content[0].Value == value {
		return value
	}
	return `"` + value + `"`
}

// field finds a key of a mapping.
func field(m *yaml.Node, name string) (key, value *yaml.Node) {
	if m == nil || m.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == name {
			return m.Content[i], m.Content[i+1]
		}
	}
	return nil, nil
}

func text(m *yaml.Node, name string) string {
	if _, v := field(m, name); v != nil && v.Kind == yaml.ScalarNode {
		return v.Value
	}
	return ""
}

// eol is how the file ends its lines.
func (y *yamlText) eol() string {
	if i := bytes.IndexByte(y.data, '\n'); i > 0 && y.data[i-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}

// lineEnd is the offset behind the line that a node of one line is on, and
// whether a line end has to be added there.
func (y *yamlText) lineEnd(line int) (at int, open bool) {
	if line < len(y.lines) {
		return y.lines[line], false
	}
	return len(y.data), len(y.data) > 0 && y.data[len(y.data)-1] != '\n'
}

// insertLine is the change that adds a line behind another.
func (y *yamlText) insertLine(after int, line string) splice {
	at, open := y.lineEnd(after)
	s := line + y.eol()
	if open {
		s = y.eol() + line
	}
	return splice{at, at, s}
}

// imageEntry sets the tag of an image in a kustomization's images. ok is false
// when it has no entry for the image that can be changed.
func (y *yamlText) imageEntry(image, tag string) (changes []splice, digest, ok bool) {
	for _, doc := range y.docs {
		_, list := field(doc, "images")
		if list == nil || list.Kind != yaml.SequenceNode {
			continue
		}
		for _, e := range list.Content {
			name := text(e, "newName")
			if name == "" {
				name = text(e, "name")
			}
			if name != image {
				continue
			}
			if text(e, "digest") != "" {
				return nil, true, false
			}
			c, ok := y.setTag(e, tag)
			if !ok {
				return nil, false, false
			}
			changes = append(changes, c)
		}
	}
	return changes, false, len(changes) > 0
}

// setTag changes newTag of an entry, or adds it behind the last field.
func (y *yamlText) setTag(e *yaml.Node, tag string) (splice, bool) {
	if _, v := field(e, "newTag"); v != nil {
		return y.replace(v, tag)
	}
	last := e.Content[len(e.Content)-1]
	key := e.Content[len(e.Content)-2]
	same, ok := y.replace(last, "x")
	if !ok {
		return splice{}, false
	}
	if e.Style&yaml.FlowStyle != 0 {
		return splice{same.to, same.to, ", newTag: " + scalar(tag)}, true
	}
	indent := strings.Repeat(" ", key.Column-1)
	return y.insertLine(last.Line, indent+"newTag: "+scalar(tag)), true
}

// addEntry adds an image to a kustomization's images, in the style they have,
// or adds images at the end of the file.
func (y *yamlText) addEntry(image, tag string) ([]splice, bool) {
	if len(y.docs) != 1 || y.docs[0].Kind != yaml.MappingNode {
		return nil, false
	}
	name, value := scalar(image), scalar(tag)
	key, list := field(y.docs[0], "images")
	switch {
	case list == nil:
		if y.docs[0].Style&yaml.FlowStyle != 0 {
			return nil, false
		}
		return y.atEnd("images:", "- name: "+name, "  newTag: "+value), true
	case list.Kind != yaml.SequenceNode || len(list.Content) == 0:
		// `images:` and `images: []` are written anew, as there is no style.
		return y.firstEntry(key, list, name, value)
	}
	last := list.Content[len(list.Content)-1]
	end := last
	for len(end.Content) > 0 {
		end = end.Content[len(end.Content)-1]
	}
	written, ok := y.replace(end, "x")
	if !ok {
		return nil, false
	}
	if list.Style&yaml.FlowStyle != 0 {
		at := written.to
		if last.Kind == yaml.MappingNode {
			brace := bytes.IndexByte(y.data[at:], '}')
			if brace < 0 || strings.TrimSpace(string(y.data[at:at+brace])) != "" {
				return nil, false
			}
			at += brace + 1
		}
		return []splice{{at, at, ", {name: " + name + ", newTag: " + value + "}"}}, true
	}
	at := y.offset(last)
	line := bytes.LastIndexByte(y.data[:at], '\n') + 1
	dash := bytes.LastIndexByte(y.data[line:at], '-')
	if dash < 0 {
		return nil, false
	}
	indent := strings.Repeat(" ", dash)
	add := indent + "- name: " + name + y.eol() + indent + "  newTag: " + value
	if last.Style&yaml.FlowStyle != 0 {
		add = indent + "- {name: " + name + ", newTag: " + value + "}"
	}
	return []splice{y.insertLine(end.Line, add)}, true
}

func (y *yamlText) firstEntry(key, list *yaml.Node, name, value string) ([]splice, bool) {
	entry := " [{name: " + name + ", newTag: " + value + "}]"
	at := y.offset(key) + len(key.Value) + 1
	if at > len(y.data) || y.data[at-1] != ':' {
		return nil, false
	}
	end := at
	if list.Kind == yaml.SequenceNode {
		closing := bytes.IndexByte(y.data[at:], ']')
		if closing < 0 {
			return nil, false
		}
		end = at + closing + 1
	} else if list.Tag != "!!null" || list.Value != "" {
		return nil, false
	}
	return []splice{{at, end, entry}}, true
}

// atEnd adds lines at the end of the file.
func (y *yamlText) atEnd(lines ...string) []splice {
	text := strings.Join(lines, y.eol()) + y.eol()
	if len(y.data) > 0 && y.data[len(y.data)-1] != '\n' {
		text = y.eol() + text
	}
	return []splice{{len(y.data), len(y.data), text}}
}

// imageLines sets the tag of every `image: NAME[:TAG]` of a file.
func (y *yamlText) imageLines(image, tag string) (changes []splice, ok bool) {
	var walk func(n *yaml.Node) bool
	walk = func(n *yaml.Node) bool {
		for i, c := range n.Content {
			if n.Kind == yaml.MappingNode && i%2 == 1 && n.Content[i-1].Value == "image" && c.Kind == yaml.ScalarNode {
				name, old, digest := imageParts(c.Value)
				if name != image || old == tag && digest == "" {
					continue
				}
				s, ok := y.replace(c, image+":"+tag)
				if !ok || digest != "" {
					return false
				}
				changes = append(changes, s)
				continue
			}
			if !walk(c) {
				return false
			}
		}
		return true
	}
	for _, doc := range y.docs {
		if !walk(doc) {
			return nil, false
		}
	}
	return changes, len(changes) > 0
}
