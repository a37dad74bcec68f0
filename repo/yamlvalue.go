package repo

import (
	"encoding/base64"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// converter turns nodes into values. It counts what it makes, as aliases of
// aliases can make a small file into a huge value.
type converter struct {
	file  string
	limit int
	left  int
}

func (c *converter) fail(n *yaml.Node, format string, args ...any) error {
	return contentf("%s:%d: %s", c.file, n.Line, fmt.Sprintf(format, args...))
}

func (c *converter) value(n *yaml.Node, depth int) (any, error) {
	if c.left--; c.left < 0 {
		return nil, c.fail(n, "expands to more than the limit of %s YAML values (limits.yamlNodes)", grouped(c.limit))
	}
	if depth > deepest {
		return nil, c.fail(n, "nested more than %d levels deep", deepest)
	}
	if n.Kind != yaml.AliasNode && n.Kind != yaml.ScalarNode && n.Style&yaml.TaggedStyle != 0 {
		if tag := n.ShortTag(); tag != "!!map" && tag != "!!seq" {
			return nil, c.tag(n)
		}
	}
	switch n.Kind {
	case yaml.AliasNode:
		return c.value(n.Alias, depth+1)
	case yaml.ScalarNode:
		return c.scalar(n)
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for _, item := range n.Content {
			v, err := c.value(item, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	case yaml.MappingNode:
		return c.mapping(n, depth)
	}
	return nil, c.fail(n, "not a value")
}

func (c *converter) tag(n *yaml.Node) error {
	return c.fail(n, "the tag %s means nothing to Kubernetes; remove it", n.ShortTag())
}

func (c *converter) mapping(n *yaml.Node, depth int) (map[string]any, error) {
	m := make(map[string]any, len(n.Content)/2)
	lines := make(map[string]int, len(n.Content)/2)
	merged := 0
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, val := n.Content[i], n.Content[i+1]
		if k.Kind == yaml.ScalarNode && k.ShortTag() == "!!merge" {
			if merged > 0 {
				return nil, c.fail(k, `the key "<<" is already in line %d`, merged)
			}
			merged = k.Line
			if err := c.merge(m, val, depth); err != nil {
				return nil, err
			}
			continue
		}
		key, err := c.key(k)
		if err != nil {
			return nil, err
		}
		if first, twice := lines[key]; twice {
			return nil, c.fail(k, "the key %q is already in line %d", key, first)
		}
		lines[key] = k.Line
		if m[key], err = c.value(val, depth+1); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// merge sets the keys of `<<: *anchor`, and of a list of them so that the first
// one wins.
func (c *converter) merge(m map[string]any, n *yaml.Node, depth int) error {
	v, err := c.value(n, depth+1)
	if err != nil {
		return err
	}
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	for _, item := range slices.Backward(list) {
		from, ok := item.(map[string]any)
		if !ok {
			return c.fail(n, "only a mapping can be merged")
		}
		for key, val := range from {
			m[key] = val
		}
	}
	return nil
}

func (c *converter) key(n *yaml.Node) (string, error) {
	n = target(n)
	if n.Kind != yaml.ScalarNode {
		return "", c.fail(n, "a key must be a string")
	}
	v, err := c.scalar(n)
	if err != nil {
		return "", err
	}
	switch v := v.(type) {
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	}
	// Numbers become what kubectl makes of them.
	plain := strings.ReplaceAll(n.Value, "_", "")
	if i, err := strconv.ParseInt(plain, 0, 64); err == nil && n.ShortTag() == "!!int" {
		return strconv.FormatInt(i, 10), nil
	}
	if f, err := strconv.ParseFloat(plain, 64); err == nil && n.ShortTag() == "!!float" {
		return strconv.FormatFloat(f, 'g', -1, 32), nil
	}
	return "", c.fail(n, "a key must be a string")
}

func (c *converter) scalar(n *yaml.Node) (any, error) {
	tag := n.ShortTag()
	if n.Style&yaml.TaggedStyle != 0 && !fits(n, tag) {
		if slices.Contains(coreTags, tag) {
			return nil, c.fail(n, "the value is not a %s", tag)
		}
		return nil, c.tag(n)
	}
	switch tag {
	case "!!null":
		return nil, nil
	case "!!bool":
		if b, old := yaml11[n.Value]; old {
			return b, nil
		}
		return strings.EqualFold(n.Value, "true"), nil
	case "!!int":
		return c.integer(n)
	case "!!float":
		return c.float(n)
	case "!!binary":
		data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(n.Value), ""))
		if err != nil || !utf8.Valid(data) {
			return nil, c.fail(n, "the !!binary is not base64 of a text; bytes go as a base64 string where the field takes one")
		}
		return string(data), nil
	case "!!str", "!!timestamp", "!!merge":
		if b, old := yaml11[n.Value]; old && n.Style == 0 {
			return b, nil
		}
		return n.Value, nil
	}
	return nil, c.tag(n)
}

// coreTags are the tags that a scalar may carry.
var coreTags = []string{"!!null", "!!bool", "!!int", "!!float", "!!binary", "!!str", "!!timestamp"}

// fits reports whether the value of a scalar can be what its tag says.
func fits(n *yaml.Node, tag string) bool {
	plain := yaml.Node{Kind: yaml.ScalarNode, Value: n.Value}
	is := plain.ShortTag()
	_, old := yaml11[n.Value]
	switch tag {
	case "!!str", "!!binary":
		return true
	case "!!bool":
		return is == tag || old
	case "!!float":
		return is == tag || is == "!!int"
	case "!!null", "!!int", "!!timestamp":
		return is == tag
	}
	return false
}

// yaml11 are the booleans that YAML 1.1 has beside true and false.
var yaml11 = map[string]bool{
	"y": true, "Y": true, "yes": true, "Yes": true, "YES": true, "on": true, "On": true, "ON": true,
	"n": false, "N": false, "no": false, "No": false, "NO": false, "off": false, "Off": false, "OFF": false,
}

func (c *converter) integer(n *yaml.Node) (any, error) {
	plain := strings.ReplaceAll(n.Value, "_", "")
	if i, err := strconv.ParseInt(plain, 0, 64); err == nil {
		return i, nil
	}
	if u, err := strconv.ParseUint(plain, 0, 64); err == nil {
		return float64(u), nil // as JSON is read, which has no unsigned numbers
	}
	return c.float(n)
}

func (c *converter) float(n *yaml.Node) (any, error) {
	plain := strings.ReplaceAll(n.Value, "_", "")
	f, err := strconv.ParseFloat(plain, 64)
	if i, e := strconv.ParseInt(plain, 0, 64); err != nil && e == nil {
		f, err = float64(i), nil // !!float 0x10
	}
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return nil, c.fail(n, "not a number that JSON has")
	}
	return number(f), nil
}

// number is what is left of a number that went through JSON, as all that
// reaches the API server does: one that is written without a point or an
// exponent there is an int64 if it fits.
func number(f float64) any {
	const exponent = 1e21 // from here on JSON writes one
	if f == math.Trunc(f) && math.Abs(f) < exponent {
		if i, err := strconv.ParseInt(strconv.FormatFloat(f, 'f', -1, 64), 10, 64); err == nil {
			return i
		}
	}
	return f
}
