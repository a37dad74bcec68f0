package userconfig

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/fairtide-dev/fairtide/internal/config"
	"github.com/fairtide-dev/fairtide/internal/sanitize"
)

// parser collects what is wrong with a file.
type parser struct {
	file     string
	problems []string
}

func (p *parser) at(n *yaml.Node, format string, args ...any) {
	p.problems = append(p.problems, fmt.Sprintf("%s:%d: ", p.file, max(1, n.Line))+sanitize.Line(fmt.Sprintf(format, args...)))
}

// Parse reads the bytes of the file, which is named in problems and not opened.
func Parse(file string, data []byte, known Known) (Config, []string) {
	p := &parser{file: file}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, second yaml.Node
	err := dec.Decode(&doc)
	if errors.Is(err, io.EOF) {
		return Config{}, nil // nothing is set
	}
	if err == nil {
		if more := dec.Decode(&second); more == nil {
			p.at(&second, "a second YAML document: put everything into one")
		} else if !errors.Is(more, io.EOF) {
			err = more
		}
	}
	if err != nil {
		return Config{}, []string{p.syntax(err)}
	}
	var c Config
	if root := doc.Content[0]; root.ShortTag() != "!!null" {
		p.root(root, &c, known)
	}
	if len(p.problems) > 0 {
		return Config{}, p.problems
	}
	return c, nil
}

// syntax is an error of the YAML reader with the line where the others have it.
func (p *parser) syntax(err error) string {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 1
	var n int
	if _, scan := fmt.Sscanf(text, "line %d: ", &n); scan == nil {
		line = n
		_, text, _ = strings.Cut(text, ": ")
	}
	return fmt.Sprintf("%s:%d: not YAML: %s", p.file, line, sanitize.Line(text))
}

func (p *parser) root(n *yaml.Node, c *Config, known Known) {
	p.mapping(n, "the file", func(k, v *yaml.Node) {
		switch k.Value {
		case "keys":
			p.keys(v, c)
		case "theme":
			c.Theme = p.oneOf(v, "theme", known.Themes)
		case "colors":
			p.colours(v, c, known)
		case "ascii":
			p.bool(v, "ascii", &c.ASCII)
		case "mouse":
			mouse := true
			p.bool(v, "mouse", &mouse)
			c.NoMouse = !mouse
		default:
			p.unknown(k, "key", []string{"keys", "theme", "colors", "ascii", "mouse"})
		}
	})
}

// mapping reads the entries of a mapping, each key once.
func (p *parser) mapping(n *yaml.Node, what string, entry func(k, v *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		p.at(n, "%s must be a mapping", what)
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		first, twice := seen[k.Value]
		switch {
		case k.Kind != yaml.ScalarNode:
			p.at(k, "%s: a key must be a text", what)
		case twice:
			p.at(k, "%s: %q is there twice, first in line %d", what, k.Value, first)
		default:
			seen[k.Value] = k.Line
			entry(k, v)
		}
	}
}

// keys reads the keys of actions, by scope and action. Whether there are such,
// and whether they collide, whoever knows the actions decides.
func (p *parser) keys(n *yaml.Node, c *Config) {
	p.mapping(n, "keys", func(scope, actions *yaml.Node) {
		p.mapping(actions, "keys: "+scope.Value, func(id, v *yaml.Node) {
			b := Binding{Scope: scope.Value, Action: id.Value, Line: id.Line}
			values := []*yaml.Node{v}
			if v.Kind == yaml.SequenceNode {
				values = v.Content
			}
			for _, k := range values {
				if k.Kind != yaml.ScalarNode {
					p.at(k, "keys: %s: %s must be a key or a list of keys, such as [s, f2]", scope.Value, id.Value)
					return
				}
				b.Keys = append(b.Keys, k.Value)
			}
			c.Keys = append(c.Keys, b)
		})
	})
}

func (p *parser) colours(n *yaml.Node, c *Config, known Known) {
	c.Colours = map[string]string{}
	p.mapping(n, "colors", func(k, v *yaml.Node) {
		token := p.oneOf(k, "colors", known.Tokens)
		if v.Kind != yaml.ScalarNode || !known.IsColour(v.Value) {
			p.at(v, `colors: %s must be a colour, such as "#7ab7f0", in quotes`, k.Value)
			return
		}
		c.Colours[token] = v.Value
	})
}

func (p *parser) oneOf(n *yaml.Node, what string, known []string) string {
	for _, k := range known {
		if n.Kind == yaml.ScalarNode && n.Value == k {
			return k
		}
	}
	p.unknown(n, what, known)
	return ""
}

func (p *parser) unknown(n *yaml.Node, what string, known []string) {
	hint := "known are " + strings.Join(known, ", ")
	if s := config.Suggest(n.Value, known); s != "" {
		hint = fmt.Sprintf("did you mean %q?", s)
	}
	p.at(n, "unknown %s %q; %s", what, n.Value, hint)
}

func (p *parser) bool(n *yaml.Node, what string, to *bool) {
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!bool" || n.Value != "true" && n.Value != "false" {
		p.at(n, "%s must be true or false", what)
		return
	}
	*to = n.Value == "true"
}
