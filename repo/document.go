package repo

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// document is one YAML document of a file, decoded as JSON would be:
// map[string]any, []any, string, bool, int64, float64 and nil.
type document struct {
	file  string
	line  int
	node  *yaml.Node
	value any
}

var yamlError = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

// parse reads every document of a file that is not empty. Scalars mean what
// they mean to kubectl, which reads YAML 1.1: yes and off are booleans, and
// dates are strings. A key that a mapping has twice is an error, and so is
// content that expands to more than maxNodes.
func parse(name string, data []byte, maxNodes int) ([]document, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	dec := yaml.NewDecoder(bytes.NewReader(data))
	c := &converter{file: name, left: maxNodes}
	var docs []document
	for {
		var n yaml.Node
		err := dec.Decode(&n)
		if errors.Is(err, io.EOF) {
			return docs, nil
		}
		if err != nil {
			return nil, syntaxError(name, err)
		}
		if len(n.Content) == 0 {
			continue
		}
		v, err := c.value(n.Content[0])
		if err != nil {
			return nil, err
		}
		if v != nil {
			docs = append(docs, document{file: name, line: n.Content[0].Line, node: n.Content[0], value: v})
		}
	}
}

func syntaxError(name string, err error) error {
	m := yamlError.FindStringSubmatch(oneLine(err.Error()))
	if m == nil {
		return contentf("%s is not YAML: %s", name, oneLine(err.Error()))
	}
	if m[1] == "" {
		return contentf("%s is not YAML: %s", name, m[2])
	}
	return contentf("%s:%s: not YAML: %s", name, m[1], m[2])
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

// converter turns nodes into values. It counts what it makes, as aliases of
// aliases can make a small file into a huge value.
type converter struct {
	file string
	left int
}

func (c *converter) fail(n *yaml.Node, format string, args ...any) error {
	return contentf("%s:%d: %s", c.file, n.Line, fmt.Sprintf(format, args...))
}

func (c *converter) value(n *yaml.Node) (any, error) {
	if c.left--; c.left < 0 {
		return nil, c.fail(n, "expands to too many values")
	}
	switch n.Kind {
	case yaml.AliasNode:
		return c.value(n.Alias)
	case yaml.ScalarNode:
		return c.scalar(n)
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for _, item := range n.Content {
			v, err := c.value(item)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	case yaml.MappingNode:
		return c.mapping(n)
	}
	return nil, c.fail(n, "not a value")
}

func (c *converter) mapping(n *yaml.Node) (map[string]any, error) {
	m := make(map[string]any, len(n.Content)/2)
	lines := make(map[string]int, len(n.Content)/2)
	var merges []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, val := n.Content[i], n.Content[i+1]
		if k.Kind == yaml.ScalarNode && k.ShortTag() == "!!merge" {
			merges = append(merges, val)
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
		if m[key], err = c.value(val); err != nil {
			return nil, err
		}
	}
	for _, val := range merges {
		if err := c.merge(m, val); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// merge adds the keys of `<<: *anchor` that m does not have itself.
func (c *converter) merge(m map[string]any, n *yaml.Node) error {
	v, err := c.value(n)
	if err != nil {
		return err
	}
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	for _, item := range list {
		from, ok := item.(map[string]any)
		if !ok {
			return c.fail(n, "only a mapping can be merged")
		}
		for key, val := range from {
			if _, has := m[key]; !has {
				m[key] = val
			}
		}
	}
	return nil
}

func (c *converter) key(n *yaml.Node) (string, error) {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
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
	case int64:
		return strconv.FormatInt(v, 10), nil
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), nil
	}
	return "", c.fail(n, "a key must be a string")
}

func (c *converter) scalar(n *yaml.Node) (any, error) {
	switch n.ShortTag() {
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
		f, err := strconv.ParseFloat(strings.ReplaceAll(n.Value, "_", ""), 64)
		if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
			return nil, c.fail(n, "not a number that JSON has")
		}
		return number(f), nil
	case "!!binary":
		data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(n.Value), ""))
		if err != nil {
			return nil, c.fail(n, "not base64")
		}
		return string(data), nil
	case "!!str", "!!timestamp":
		if b, old := yaml11[n.Value]; old && n.Style == 0 {
			return b, nil
		}
		return n.Value, nil
	}
	return nil, c.fail(n, "the tag %s is not supported", n.Tag)
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
	f, err := strconv.ParseFloat(plain, 64)
	if err != nil {
		return nil, c.fail(n, "not a number")
	}
	return number(f), nil
}

// number is an int64 where that loses nothing, as Kubernetes decodes JSON.
func number(f float64) any {
	const exact = 1 << 53
	if f == math.Trunc(f) && math.Abs(f) <= exact {
		return int64(f)
	}
	return f
}

// oneLine keeps the text of a library's error from spreading over lines.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
