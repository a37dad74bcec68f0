// Package fieldrule finds the fields of an object that a rule of the
// configuration means: by JSON pointer, in which "*" stands for any one element
// of a list or key of a map, and by kind.
package fieldrule

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/fairtide-dev/fairtide/model"
)

// Any stands for every element or key in one place of a pointer.
const Any = "*"

// Split reads a JSON pointer (RFC 6901) into its parts. The pointer to the
// whole object, which is empty, is refused: no rule is about everything.
func Split(pointer string) ([]string, error) {
	rest, ok := strings.CutPrefix(pointer, "/")
	if !ok {
		return nil, fmt.Errorf("it must begin with a slash, as in /spec/replicas")
	}
	parts := strings.Split(rest, "/")
	for i, p := range parts {
		if p == "" {
			return nil, fmt.Errorf("a part of it is empty; write the keys between single slashes")
		}
		plain := strings.NewReplacer("~0", "", "~1", "").Replace(p)
		if strings.Contains(plain, "~") {
			return nil, fmt.Errorf("~ must be followed by 0 (for ~) or 1 (for /)")
		}
		parts[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(p)
	}
	return parts, nil
}

// Applies reports whether a rule is about objects of a kind.
func Applies(r model.FieldRule, kind string) bool { return r.Kind == "" || r.Kind == kind }

// Covers reports whether the rule's pointer leads to the path or to what holds
// it. A path is written as its keys and, for an element of a list, its index.
// A rule without a pointer covers every path; a broken pointer covers none.
func Covers(r model.FieldRule, path []string) bool {
	if r.Pointer == "" {
		return true
	}
	parts, err := Split(r.Pointer)
	if err != nil || len(parts) > len(path) {
		return false
	}
	for i, p := range parts {
		if p != Any && p != path[i] {
			return false
		}
	}
	return true
}

// Rewrite replaces in place every single value (a text, a number, true or
// false) at or below the rule's pointer by what fn makes of it, and reports
// whether there was one. Maps and lists keep their shape. A rule about another
// kind or without a pointer rewrites nothing.
func Rewrite(fields map[string]any, kind string, r model.FieldRule, fn func(value any) any) bool {
	if !Applies(r, kind) || r.Pointer == "" {
		return false
	}
	parts, err := Split(r.Pointer)
	if err != nil {
		return false // the configuration is checked when it is read
	}
	w := rewriter{fn: fn}
	w.down(fields, parts)
	return w.found
}

type rewriter struct {
	fn    func(value any) any
	found bool
}

// down returns what stands in the place of v.
func (w *rewriter) down(v any, parts []string) any {
	here, rest := Any, parts
	if len(parts) > 0 {
		here, rest = parts[0], parts[1:]
	}
	switch v := v.(type) {
	case map[string]any:
		for key, child := range v {
			if here == Any || here == key {
				v[key] = w.down(child, rest)
			}
		}
		return v
	case []any:
		for i, child := range v {
			if here == Any || here == strconv.Itoa(i) {
				v[i] = w.down(child, rest)
			}
		}
		return v
	}
	if len(parts) > 0 || v == nil {
		return v // the pointer leads further than the object
	}
	w.found = true
	return w.fn(v)
}
