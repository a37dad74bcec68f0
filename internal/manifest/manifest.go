// Package manifest writes Kubernetes objects as YAML for people: in one fixed
// key order, so that two sides of a diff line up and the same object always
// gives the same lines.
package manifest

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// first are the keys that come before all others, wherever they stand:
// what an object is and what it is called is read before what it contains.
var first = []string{"apiVersion", "kind", "metadata", "name", "namespace"}

// YAML encodes an object as JSON decodes it. nil gives no bytes at all.
func YAML(fields map[string]any) ([]byte, error) {
	if fields == nil {
		return nil, nil
	}
	node, err := toNode(fields)
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	enc := yaml.NewEncoder(&buf)
	enc.SetIndent(2)
	enc.CompactSeqIndent()
	if err := enc.Encode(node); err != nil {
		return nil, fmt.Errorf("encode YAML: %w", err)
	}
	if err := enc.Close(); err != nil {
		return nil, fmt.Errorf("encode YAML: %w", err)
	}
	return buf.Bytes(), nil
}

func toNode(v any) (*yaml.Node, error) {
	switch v := v.(type) {
	case map[string]any:
		n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
		for _, k := range slices.SortedFunc(maps.Keys(v), compareKeys) {
			key, err := toScalar(k)
			if err != nil {
				return nil, err
			}
			val, err := toNode(v[k])
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, key, val)
		}
		return n, nil
	case []any:
		n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		for _, e := range v {
			val, err := toNode(e)
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, val)
		}
		return n, nil
	default:
		return toScalar(v)
	}
}

// toScalar makes a node of a value that holds no others. It quotes also what
// older parsers take for a boolean.
func toScalar(v any) (*yaml.Node, error) {
	if s, ok := v.(string); ok && isPlain(s) {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}, nil
	}
	n := &yaml.Node{}
	if err := n.Encode(v); err != nil {
		return nil, fmt.Errorf("encode %T as YAML: %w", v, err)
	}
	return n, nil
}

// isPlain reports whether a text is nothing but itself in YAML: a word that no
// parser takes for anything else. Most keys and many values are; to encode each
// by the library means to start and parse a document for it.
func isPlain(s string) bool {
	const shortest = 6 // "false" is the longest word that means something
	if len(s) == 0 || !isLetter(s[0]) {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !isLetter(c) && (c < '0' || c > '9') && c != '.' && c != '/' && c != '-' && c != '_' {
			return false
		}
	}
	return len(s) >= shortest || !meaning[strings.ToLower(s)]
}

var meaning = map[string]bool{
	"y": true, "n": true, "yes": true, "no": true, "on": true, "off": true,
	"true": true, "false": true, "null": true, "nan": true, "inf": true,
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

func compareKeys(a, b string) int {
	return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b))
}

func rank(key string) int {
	if i := slices.Index(first, key); i >= 0 {
		return i
	}
	return len(first)
}
