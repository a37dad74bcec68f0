package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"go.yaml.in/yaml/v3"

	"github.com/fairtide-dev/fairtide/model"
)

// maxNodes bounds what is read of a file: aliases can make a short file long.
const maxNodes = 20000

// maxLabel is the length of a DNS label, and so of a namespace's name.
const maxLabel = 63

// decoder reads YAML nodes and collects what is wrong with them.
type decoder struct {
	file     string
	problems Problems
	warnings Problems
	budget   int // nodes that may still be read
	hidden   int // more than 0: what is read may be secret, and is not repeated
	zones    map[string]*time.Location
	later    []func(model.Config) // checks of what is read against all the rest
	own      [][]*windowRule      // of the environments, in their order
	shared   []*windowRule        // those at the top of the file
}

// key is one of the keys of a mapping.
type key struct {
	name     string
	required bool
	hint     string // what to do if it is missing
	read     func(n *yaml.Node)
}

func (d *decoder) problem(line, column int, format string, args ...any) {
	d.problems = append(d.problems, Problem{File: d.file, Line: line, Column: column, Message: fmt.Sprintf(format, args...)})
}

// warn reports what is likely not meant as it is written.
func (d *decoder) warn(n *yaml.Node, format string, args ...any) {
	d.warnings = append(d.warnings, Problem{
		File: d.file, Line: max(1, n.Line), Column: max(1, n.Column), Message: fmt.Sprintf(format, args...),
	})
}

func (d *decoder) at(n *yaml.Node, format string, args ...any) {
	d.problem(max(1, n.Line), max(1, n.Column), format, args...)
}

// resolve follows an alias.
func resolve(n *yaml.Node) *yaml.Node {
	for hops := 0; n.Kind == yaml.AliasNode && n.Alias != nil && hops < 10; hops++ {
		n = n.Alias
	}
	return n
}

// spend counts a node, and reports whether it may still be read.
func (d *decoder) spend(n *yaml.Node) bool {
	d.budget--
	if d.budget == 0 {
		d.at(n, "too large: more than %d values", maxNodes)
	}
	return d.budget > 0
}

// mapping reads the keys of a mapping. What says which one, as in
// `environment "dev"`; it is empty for the file itself.
func (d *decoder) mapping(n *yaml.Node, what string, keys []key) bool {
	if !d.spend(n) {
		return false
	}
	m, prefix := resolve(n), ""
	if what != "" {
		prefix = what + ": "
	}
	if m.Kind != yaml.MappingNode {
		if what == "" {
			what = "the file"
		}
		d.at(n, "%s must be a mapping with the key%s %s, not %s", what, plural(len(keys)), names(keys), d.kindOf(m))
		return false
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(m.Content); i += 2 {
		k, v := m.Content[i], m.Content[i+1]
		if first, twice := seen[k.Value]; twice {
			d.at(k, "%sthe key%s is there twice, first in line %d", prefix, d.key(k.Value), first)
			continue
		}
		seen[k.Value] = k.Line
		d.entry(k, v, prefix, keys)
	}
	for _, k := range keys {
		if _, there := seen[k.name]; k.required && !there {
			d.at(n, "%s%s is missing: %s", prefix, k.name, k.hint)
		}
	}
	return true
}

// entry reads one key of a mapping.
func (d *decoder) entry(k, v *yaml.Node, prefix string, keys []key) {
	if !d.spend(k) {
		return
	}
	i := slices.IndexFunc(keys, func(known key) bool { return known.name == k.Value })
	switch {
	case k.Kind != yaml.ScalarNode:
		d.at(k, "%sa key must be a text, not %s", prefix, d.kindOf(k))
	case i < 0 && k.Value == "<<":
		d.at(k, "%smerge keys (<<) are not supported: write the keys out", prefix)
	case i < 0:
		d.at(k, "%sunknown key%s%s", prefix, d.key(k.Value), didYouMean(k.Value, keys))
	case isNull(resolve(v)):
		d.at(k, "%s%s has no value: give it one or leave it out", prefix, k.Value)
	default:
		keys[i].read(v)
	}
}

// hide keeps what is read from errors until the returned function is called.
func (d *decoder) hide() (end func()) {
	d.hidden++
	return func() { d.hidden-- }
}

// key is a key to be named in an error, after a space; a hidden one is not.
func (d *decoder) key(name string) string {
	if d.hidden > 0 {
		return ""
	}
	return " " + quote(name)
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

func didYouMean(word string, keys []key) string {
	var known []string
	for _, k := range keys {
		known = append(known, k.name)
	}
	if s := Suggest(word, known); s != "" {
		return fmt.Sprintf("; did you mean %q?", s)
	}
	return "; the keys are " + names(keys)
}

func names(keys []key) string {
	var out []string
	for _, k := range keys {
		out = append(out, k.name)
	}
	return strings.Join(out, ", ")
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}

// list returns the entries of a list.
func (d *decoder) list(n *yaml.Node, what string) ([]*yaml.Node, bool) {
	if !d.spend(n) {
		return nil, false
	}
	l := resolve(n)
	if l.Kind != yaml.SequenceNode {
		d.at(n, "%s must be a list, not %s", what, d.kindOf(l))
		return nil, false
	}
	return l.Content, true
}

// text reads a text that is not empty and can be printed.
func (d *decoder) text(n *yaml.Node, what string) (string, bool) {
	s := resolve(n)
	if !d.spend(n) {
		return "", false
	}
	if s.Kind != yaml.ScalarNode || s.ShortTag() != "!!str" {
		hint := ""
		if s.Kind == yaml.ScalarNode && s.Value != "" && d.hidden == 0 {
			hint = fmt.Sprintf("; if it is meant as one, put it in quotes: %q", shorten(s.Value))
		}
		d.at(n, "%s must be a text, not %s%s", what, d.kindOf(s), hint)
		return "", false
	}
	if strings.TrimSpace(s.Value) == "" {
		d.at(n, "%s is empty", what)
		return "", false
	}
	if strings.ContainsFunc(s.Value, func(r rune) bool { return !unicode.IsPrint(r) }) || len(s.Value) > 1000 {
		d.at(n, "%s must be one line of printable characters", what)
		return "", false
	}
	return s.Value, true
}

// moment reads a text that YAML may take for a timestamp.
func (d *decoder) moment(n *yaml.Node, what string) (string, bool) {
	if s := resolve(n); s.Kind == yaml.ScalarNode && s.ShortTag() == "!!timestamp" {
		return s.Value, d.spend(n)
	}
	return d.text(n, what)
}

func (d *decoder) bool(n *yaml.Node, what string, to *bool) {
	s := resolve(n)
	if !d.spend(n) {
		return
	}
	v, err := strconv.ParseBool(s.Value)
	if s.Kind != yaml.ScalarNode || s.ShortTag() != "!!bool" || err != nil {
		d.at(n, "%s must be true or false, not %s", what, d.kindOf(s))
		return
	}
	*to = v
}

// count reads a whole number that is not negative.
func (d *decoder) count(n *yaml.Node, what string, to *int) {
	s := resolve(n)
	if !d.spend(n) {
		return
	}
	v, err := strconv.Atoi(s.Value)
	if s.Kind != yaml.ScalarNode || s.ShortTag() != "!!int" || err != nil || v < 0 {
		d.at(n, "%s must be a whole number from 0 on, not %s", what, d.kindOf(s))
		return
	}
	*to = v
}

// choice reads one of some words.
func choice[T ~string](d *decoder, n *yaml.Node, what string, words []T, to *T) {
	v, ok := d.text(n, what)
	if !ok {
		return
	}
	if slices.Contains(words, T(v)) {
		*to = T(v)
		return
	}
	var known []string
	for _, w := range words {
		known = append(known, string(w))
	}
	hint := "one of " + strings.Join(known, ", ")
	if s := Suggest(v, known); s != "" {
		hint = fmt.Sprintf("did you mean %q?", s)
	}
	d.at(n, "%s cannot be %s; %s", what, quote(v), hint)
}

// label reads a DNS label (RFC 1123) of at most length characters.
func (d *decoder) label(n *yaml.Node, what string, length int, to *string) {
	v, ok := d.text(n, what)
	if !ok {
		return
	}
	ordinary := func(r rune) bool { return r >= 'a' && r <= 'z' || r >= '0' && r <= '9' }
	odd := strings.ContainsFunc(v, func(r rune) bool { return !ordinary(r) && r != '-' })
	if odd || len(v) > length || strings.HasPrefix(v, "-") || strings.HasSuffix(v, "-") {
		d.at(n, "%s %s must be at most %d lower-case letters, digits and hyphens, with no hyphen first or last",
			what, quote(v), length)
		return
	}
	*to = v
}

// kindOf says what a node is instead of what it should be.
func (d *decoder) kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	if d.hidden > 0 {
		return "a single value"
	}
	switch n.ShortTag() {
	case "!!int", "!!float":
		return "the number " + quoteLess(n.Value)
	case "!!bool":
		return "the truth value " + quoteLess(n.Value)
	case "!!timestamp":
		return "the date " + quoteLess(n.Value)
	case "!!null":
		return "nothing"
	}
	return "the text " + quote(n.Value)
}

const maxQuoted = 60 // runes of the file's text that an error repeats

func shorten(text string) string {
	if r := []rune(text); len(r) > maxQuoted {
		return string(r[:maxQuoted-1]) + "…"
	}
	return text
}

// quote makes text of the file safe to print.
func quote(text string) string { return strconv.Quote(shorten(text)) }

// quoteLess is quote without the quotes.
func quoteLess(text string) string {
	q := strconv.Quote(shorten(text))
	return strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`)
}
