package manifest

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// Places says on which lines of a text the fields of its object stand.
type Places struct {
	root *yaml.Node
	last int // line of the text
}

// Locate reads back what YAML wrote.
func Locate(text []byte) (*Places, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("read YAML: %w", err)
	}
	p := &Places{last: 0}
	for _, c := range text {
		if c == '\n' {
			p.last++
		}
	}
	if len(doc.Content) > 0 {
		p.root = doc.Content[0]
	}
	return p, nil
}

// Lines are the first and last line, counted from 1, of the field that steps
// lead to: map keys as strings, positions in lists as ints. ok is false when
// there is no such field.
func (p *Places) Lines(steps []any) (from, to int, ok bool) {
	node, from, to := p.root, 1, p.last
	if node == nil {
		return 0, 0, false
	}
	for _, s := range steps {
		i := childIndex(node, s)
		if i < 0 {
			return 0, 0, false
		}
		stride := 1
		from = node.Content[i].Line
		if node.Kind == yaml.MappingNode {
			stride = 2
		}
		if next := i + stride; next < len(node.Content) {
			to = node.Content[next].Line - 1
		}
		node = node.Content[i+stride-1]
	}
	return from, max(from, to), true
}

// childIndex is where a step's child begins in a node's content: its key in a
// map, itself in a list.
func childIndex(node *yaml.Node, step any) int {
	switch s := step.(type) {
	case string:
		if node.Kind != yaml.MappingNode {
			return -1
		}
		for i := 0; i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == s {
				return i
			}
		}
	case int:
		if node.Kind == yaml.SequenceNode && s >= 0 && s < len(node.Content) {
			return s
		}
	}
	return -1
}
