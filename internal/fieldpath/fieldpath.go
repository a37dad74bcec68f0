// Package fieldpath reads and compares objects by paths as people write them:
// spec.template.spec.containers[cart].image. Elements of lists go by their
// name or whatever else tells them apart, not by their position, so that one
// path means the same field in two readings of an object.
package fieldpath

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
)

// partMost cuts absurdly long keys.
const partMost = 200

// elementKeys are the fields that tell the elements of Kubernetes' lists
// apart, tried in this order (the patchMergeKey and listMapKey of the built-in
// kinds; a name comes first because it reads best).
var elementKeys = [][]string{
	{"name"}, {"mountPath"}, {"devicePath"}, {"containerPort"}, {"containerPort", "protocol"},
	{"port"}, {"port", "protocol"}, {"key"}, {"ip"}, {"type"}, {"uid"}, {"host"}, {"path"},
}

// ListKeys picks the first fields that every element of the lists has, with no
// two alike in one list; nil when there are none.
func ListKeys(lists ...[]any) []string {
	for _, keys := range elementKeys {
		if !slices.ContainsFunc(lists, func(l []any) bool { return !keyed(l, keys) }) {
			return keys
		}
	}
	return nil
}

func keyed(list []any, keys []string) bool {
	seen := map[string]bool{}
	for _, e := range list {
		elem, ok := e.(map[string]any)
		if !ok {
			return false
		}
		for _, k := range keys {
			switch elem[k].(type) {
			case string, int64, float64:
			default:
				return false
			}
		}
		label := Label(e, keys)
		if seen[label] {
			return false
		}
		seen[label] = true
	}
	return true
}

// Label names an element of a list by the values of its keys.
func Label(elem any, keys []string) string {
	fields, _ := elem.(map[string]any)
	parts := make([]string, len(keys))
	for i, k := range keys {
		parts[i] = fmt.Sprint(fields[k])
	}
	return strings.Join(parts, ",")
}

// AllMaps reports whether every element of a list is a map.
func AllMaps(list []any) bool {
	return !slices.ContainsFunc(list, func(e any) bool { _, ok := e.(map[string]any); return !ok })
}

// field is how a step into a map is written after what stands before it.
func field(before, key string) string {
	switch {
	case strings.ContainsAny(key, ".[]/ ") && before != "":
		return "[" + part(key) + "]"
	case before == "":
		return part(key)
	}
	return "." + part(key)
}

func part(s string) string {
	if len(s) > 16*partMost { // far more than can be kept; do not search all of it
		s = s[:16*partMost]
	}
	s = strings.Join(strings.Fields(sanitize.Line(s)), " ")
	if r := []rune(s); len(r) > partMost {
		return strings.TrimRight(string(r[:partMost-1]), " ") + "…"
	}
	return s
}

// Steps finds the field that a path names: map keys as strings, positions in
// lists as ints. ok is false when the object has no such field.
func Steps(fields map[string]any, path string) (steps []any, ok bool) {
	if path == "" {
		return nil, false
	}
	return find(fields, "", path)
}

// find looks for rest below a node that before leads to. Keys may hold any
// character, so a path is not cut into parts but matched against the object.
func find(node any, before, rest string) ([]any, bool) {
	if rest == "" {
		return nil, true
	}
	try := func(written string, step, child any) ([]any, bool) {
		after, ok := strings.CutPrefix(rest, written)
		if !ok || after != "" && after[0] != '.' && after[0] != '[' {
			return nil, false
		}
		below, ok := find(child, before+written, after)
		return append([]any{step}, below...), ok
	}
	switch node := node.(type) {
	case map[string]any:
		for key, child := range node {
			if steps, ok := try(field(before, key), key, child); ok {
				return steps, true
			}
		}
	case []any:
		for _, keys := range elementKeys {
			for i, e := range node {
				if m, isMap := e.(map[string]any); !isMap || m[keys[0]] == nil {
					continue
				}
				if steps, ok := try("["+part(Label(e, keys))+"]", i, e); ok {
					return steps, true
				}
			}
		}
		for i, e := range node {
			if steps, ok := try("["+strconv.Itoa(i)+"]", i, e); ok {
				return steps, true
			}
		}
	}
	return nil, false
}

// Get is the value at a path.
func Get(fields map[string]any, path string) (any, bool) {
	steps, ok := Steps(fields, path)
	if !ok {
		return nil, false
	}
	var v any = fields
	for _, s := range steps {
		switch s := s.(type) {
		case string:
			v = v.(map[string]any)[s] //nolint:forcetypeassert // Steps has walked here
		case int:
			v = v.([]any)[s] //nolint:forcetypeassert // likewise
		}
	}
	return v, true
}

// Without is a copy of an object that lacks the field at a path. What does not
// lie on the way is shared with the original. ok is false, and the object is
// returned as it is, when it has no such field.
func Without(fields map[string]any, path string) (out map[string]any, ok bool) {
	steps, ok := Steps(fields, path)
	if !ok {
		return fields, false
	}
	out, _ = without(fields, steps).(map[string]any)
	return out, true
}

func without(node any, steps []any) any {
	switch node := node.(type) {
	case map[string]any:
		key, _ := steps[0].(string)
		out := maps.Clone(node)
		if len(steps) == 1 {
			delete(out, key)
		} else {
			out[key] = without(node[key], steps[1:])
		}
		return out
	case []any:
		i, _ := steps[0].(int)
		out := slices.Clone(node)
		if len(steps) == 1 {
			return slices.Delete(out, i, i+1)
		}
		out[i] = without(node[i], steps[1:])
		return out
	}
	return node
}

// Equal compares JSON as it is decoded. Whole numbers are equal whether they
// were decoded as int64 or as float64.
func Equal(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		return ok && maps.EqualFunc(a, b, Equal)
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, Equal)
	case int64:
		if b, ok := b.(float64); ok {
			return float64(a) == b
		}
	case float64:
		if b, ok := b.(int64); ok {
			return a == float64(b)
		}
	}
	switch b.(type) {
	case map[string]any, []any:
		return false // not comparable with ==
	}
	return a == b
}
