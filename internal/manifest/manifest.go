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
			key := &yaml.Node{}
			if err := key.Encode(k); err != nil { // quotes what older parsers take for a boolean
				return nil, fmt.Errorf("encode key %q as YAML: %w", k, err)
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
		n := &yaml.Node{}
		if err := n.Encode(v); err != nil {
			return nil, fmt.Errorf("encode %T as YAML: %w", v, err)
		}
		return n, nil
	}
}

func compareKeys(a, b string) int {
	return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b))
}

func rank(key string) int {
	if i := slices.Index(first, key); i >= 0 {
		return i
	}
	return len(first)
}
