// Package manifest writes Kubernetes objects as YAML for people: in one fixed
// key order, so that two sides of a diff line up and the same object always
// gives the same lines.
package manifest

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

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
	if text, ok := quick(fields); ok {
		return text, nil
	}
	return encode(fields)
}

// encode has the library encode an object.
func encode(fields map[string]any) ([]byte, error) {
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
		for _, k := range keys(v) {
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
	switch v := v.(type) {
	case string:
		if isSimple(v) {
			return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: v}, nil
		}
		if beginsWithTab(v) && utf8.ValidString(v) {
			return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.DoubleQuotedStyle, Value: v}, nil
		}
	case bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: strconv.FormatBool(v)}, nil
	case int64:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.FormatInt(v, 10)}, nil
	}
	n := &yaml.Node{}
	if err := n.Encode(v); err != nil {
		return nil, fmt.Errorf("encode %T as YAML: %w", v, err)
	}
	return n, nil
}

// isSimple reports whether a text can be given to the encoder as it is: one
// line of ASCII that it quotes, if need be, by what it looks like. Nearly all
// keys and values are; to encode each by the library means to start and parse a
// document for it. What only older parsers take for something else, the encoder
// quotes when it encodes a string, and not when it encodes a node.
func isSimple(s string) bool {
	if s == "" || s == "<<" || oldMeaning[s] {
		return false
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	number := s[0] >= '0' && s[0] <= '9' || s[0] == '+' || s[0] == '-'
	return !number || !strings.Contains(s, ":") // 12:30 was a number once
}

// oldMeaning are the booleans of YAML 1.1.
var oldMeaning = map[string]bool{
	"y": true, "Y": true, "yes": true, "Yes": true, "YES": true, "on": true, "On": true, "ON": true,
	"n": true, "N": true, "no": true, "No": true, "NO": true, "off": true, "Off": true, "OFF": true,
}

// keys are a mapping's in the order in which they are written: what names an
// object comes first.
func keys(m map[string]any) []string {
	out := make([]string, 0, len(m))
	for _, k := range first {
		if _, ok := m[k]; ok {
			out = append(out, k)
		}
	}
	named := len(out)
	for k := range m {
		if !slices.Contains(first, k) {
			out = append(out, k)
		}
	}
	slices.Sort(out[named:])
	return out
}
