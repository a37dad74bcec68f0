package config

import (
	"unicode"

	"go.yaml.in/yaml/v3"

	"github.com/fairtide-dev/fairtide/internal/fieldrule"
	"github.com/fairtide-dev/fairtide/model"
)

// maxRules is more than anybody reads, and few enough to be tried on every
// field of every object.
const maxRules = 200

// hideRules reads which differences are not shown. Hiding is about showing only:
// what is hidden is counted, can be shown, and is written like all the rest
// when a plan is applied. Whoever wants a field left alone removes it from Git.
func (d *decoder) hideRules(n *yaml.Node, what string) []model.FieldRule {
	return d.rules(n, what, []string{"pointer", "manager"})
}

// maskRules reads which values are never shown, besides those of Secrets.
func (d *decoder) maskRules(n *yaml.Node, what string) []model.FieldRule {
	return d.rules(n, what, []string{"pointer"})
}

// rules reads a list of rules about fields, which may name them in the given
// ways.
func (d *decoder) rules(n *yaml.Node, what string, ways []string) []model.FieldRule {
	items, _ := d.list(n, what)
	if len(items) > maxRules {
		d.at(n, "%s has more than %d rules: write fewer, with * for any one element", what, maxRules)
		return nil
	}
	var rules []model.FieldRule
	for _, item := range items {
		rules = append(rules, d.rule(item, what, ways))
	}
	return rules
}

func (d *decoder) rule(n *yaml.Node, what string, ways []string) model.FieldRule {
	var r model.FieldRule
	before := len(d.problems)
	keys := []key{{name: "kind", read: func(n *yaml.Node) { d.kindName(n, what+": kind", &r.Kind) }}}
	hint := "give it a pointer"
	for _, way := range ways {
		switch way {
		case "pointer":
			keys = append(keys, key{name: way, read: func(n *yaml.Node) { d.pointer(n, what+": pointer", &r.Pointer) }})
		case "manager":
			hint += " or a manager"
			keys = append(keys, key{name: way, read: func(n *yaml.Node) { r.Manager, _ = d.text(n, what+": manager") }})
		}
	}
	if d.mapping(n, what, keys) && len(d.problems) == before && r.Pointer == "" && r.Manager == "" {
		d.at(n, "%s: the rule names no field: %s", what, hint)
	}
	return r
}

// kindName reads the kind of an object, as manifests write it.
func (d *decoder) kindName(n *yaml.Node, what string, to *string) {
	v, ok := d.text(n, what)
	if !ok {
		return
	}
	for i, r := range v {
		if i == 0 && !unicode.IsUpper(r) || !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			d.at(n, "%s %s is not how a kind is written in a manifest, such as Deployment", what, quote(v))
			return
		}
	}
	*to = v
}

// pointer reads a JSON pointer into an object.
func (d *decoder) pointer(n *yaml.Node, what string, to *string) {
	v, ok := d.text(n, what)
	if !ok {
		return
	}
	parts, err := fieldrule.Split(v)
	if err != nil {
		d.at(n, "%s %s: %v", what, quote(v), err)
		return
	}
	any := true
	for _, p := range parts {
		any = any && p == fieldrule.Any
	}
	if any {
		d.at(n, "%s %s names no key: it would be about every field", what, quote(v))
		return
	}
	*to = v
}
