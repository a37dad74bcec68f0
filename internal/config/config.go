// Package config reads `.fairtide.yaml`: which environments there are, and the
// policy that governs changes to them.
//
// What is not understood is an error, never ignored: a policy that is skipped
// silently would allow what it was written to forbid.
package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/fairtide-dev/fairtide/model"
)

// File is where the configuration is, relative to the root of the environments repository.
const File = ".fairtide.yaml"

// APIVersion is the only version of the format there is.
const APIVersion = "fairtide.dev/v1"

// Parse reads a configuration. The file is named in errors and not opened.
// The error, if any, has code model.ExitUsage and wraps Problems: everything
// that is wrong, with line and column. What is likely not meant is in Warnings.
func Parse(file string, data []byte) (model.Config, error) {
	d := newDecoder(file)
	c := d.read(data)
	if problems := d.problems.sorted(); len(problems) > 0 {
		return model.Config{}, model.Errorf(model.ExitUsage, "%w", problems)
	}
	for _, w := range d.warnings.sorted() {
		c.Warnings = append(c.Warnings, w.Error())
	}
	return c, nil
}

func newDecoder(file string) *decoder {
	return &decoder{file: file, budget: maxNodes, zones: map[string]*time.Location{}}
}

func (d *decoder) read(data []byte) model.Config {
	if root := d.document(data); root != nil {
		return d.config(root)
	}
	return model.Config{}
}

// document reads the bytes as one YAML document; nil after a problem.
func (d *decoder) document(data []byte) *yaml.Node {
	if line, column, ok := firstInvalid(data); !ok {
		d.problem(line, column, "not a text: a character that is neither printable nor a space")
		return nil
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, second yaml.Node
	err := dec.Decode(&doc)
	if errors.Is(err, io.EOF) || err == nil && isNull(doc.Content[0]) {
		d.problem(1, 1, "the file is empty: it must say at least apiVersion and environments (fairtide help config)")
		return nil
	}
	if err != nil {
		d.syntax(err, data)
		return nil
	}
	if err := dec.Decode(&second); err == nil {
		d.problem(max(1, second.Line), 1, "a second YAML document: put everything into one")
		return nil
	} else if !errors.Is(err, io.EOF) {
		d.syntax(err, data)
		return nil
	}
	return doc.Content[0]
}

var (
	atLine       = regexp.MustCompile(`^line (\d+): `)
	unknownAlias = regexp.MustCompile(`^unknown anchor '(.*)' referenced`)
)

// syntax reports an error of the YAML reader, which says where only in words.
func (d *decoder) syntax(err error, data []byte) {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 1
	if m := atLine.FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(m[1]) // digits; too many give the greatest number
		text = text[len(m[0]):]
	} else if m := unknownAlias.FindStringSubmatch(text); m != nil {
		if i := bytes.Index(data, []byte("*"+m[1])); i >= 0 {
			line = 1 + bytes.Count(data[:i], []byte("\n"))
		}
	}
	line = min(max(line, 1), 1+bytes.Count(data, []byte("\n")))
	d.problem(line, 1, "not YAML: %s", quoteLess(text))
}

// firstInvalid finds the first byte that YAML does not allow.
func firstInvalid(data []byte) (line, column int, ok bool) {
	line, column = 1, 1
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		switch {
		case r == utf8.RuneError && size == 1, r < ' ' && r != '\t' && r != '\n' && r != '\r',
			r >= 0x7f && r < 0xa0 && r != 0x85:
			return line, column, false
		case r == '\n':
			line, column = line+1, 0
		}
		column++
		data = data[size:]
	}
	return 0, 0, true
}

func (d *decoder) config(n *yaml.Node) model.Config {
	c := model.Config{StateNamespace: model.DefaultStateNamespace, FetchEvery: model.DefaultFetchEvery}
	var limits model.Limits
	var signers []model.Signer
	var hide, mask []model.FieldRule
	d.mapping(n, "", []key{
		{name: "apiVersion", required: true, hint: "write apiVersion: " + APIVersion, read: func(n *yaml.Node) {
			if v, ok := d.text(n, "apiVersion"); ok && v != APIVersion {
				d.at(n, "unknown apiVersion %s: this version of fairtide reads %s", quote(v), APIVersion)
			}
		}},
		{name: "stateNamespace", read: func(n *yaml.Node) {
			d.label(n, "stateNamespace", maxLabel, &c.StateNamespace)
		}},
		{name: "environments", required: true, hint: "list at least one", read: func(n *yaml.Node) {
			c.Environments = d.environments(n)
		}},
		{name: "windows", read: func(n *yaml.Node) { d.shared = d.windows(n, "", true) }},
		{name: "images", read: func(n *yaml.Node) { c.Images = d.images(n) }},
		{name: "notify", read: func(n *yaml.Node) { c.Notify = d.notify(n) }},
		{name: "fetch", read: func(n *yaml.Node) { d.fetch(n, &c.FetchEvery) }},
		{name: "limits", read: func(n *yaml.Node) { limits = d.limits(n) }},
		{name: "signers", read: func(n *yaml.Node) { signers = d.signers(n) }},
		{name: "hide", read: func(n *yaml.Node) { hide = d.hideRules(n, "hide") }},
		{name: "mask", read: func(n *yaml.Node) { mask = d.maskRules(n, "mask") }},
	})
	for i := range c.Environments {
		c.Environments[i].Limits = limits
		c.Environments[i].Signers = signers
		c.Environments[i].Hide = slices.Concat(hide, c.Environments[i].Hide)
		c.Environments[i].Mask = slices.Concat(mask, c.Environments[i].Mask)
	}
	d.placeWindows(c.Environments)
	for _, check := range d.later {
		check(c)
	}
	return c
}

func (d *decoder) environments(n *yaml.Node) []model.Environment {
	var list []model.Environment
	lines := map[string]int{}
	items, ok := d.list(n, "environments")
	if ok && len(items) == 0 {
		d.at(n, "environments is empty: list at least one")
	}
	for i, item := range items {
		e := d.environment(item, i)
		if first, taken := lines[e.Name]; taken && e.Name != "" {
			d.at(nameNode(item), "environment %s is there twice, first in line %d: names must differ", quote(e.Name), first)
		} else {
			lines[e.Name] = nameNode(item).Line
		}
		list = append(list, e)
	}
	return list
}

// title names an entry of a list in errors: by its name if it has one.
func title(kind string, n *yaml.Node, index int) string {
	if name := nameNode(n); name != n && name.Kind == yaml.ScalarNode && name.Value != "" {
		return fmt.Sprintf("%s %s", kind, quote(name.Value))
	}
	return fmt.Sprintf("%s %d", kind, index+1)
}

// nameNode is the value of the key "name", or the node itself if it has none.
func nameNode(n *yaml.Node) *yaml.Node {
	m := resolve(n)
	if m.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(m.Content); i += 2 {
			if m.Content[i].Value == "name" {
				return m.Content[i+1]
			}
		}
	}
	return n
}
