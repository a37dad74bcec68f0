package cluster

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// fieldStep is one step from an object down to a field: into a map by its key,
// or into a list.
type fieldStep struct {
	field  string         // the map's key
	inList bool           // it leads into a list; the rest is about that
	elem   map[string]any // the list's element, when elements are maps
	keys   []string       // by which elements of this list are told apart; nil: by position
	label  string         // how the element is named in a path
	index  int            // its position, on the side it was taken from
}

// pathPartMost cuts absurdly long keys.
const pathPartMost = 200

// fieldChange is one path at which two objects differ.
type fieldChange struct {
	steps          []fieldStep
	old, new       any
	hasOld, hasNew bool
}

// path is how a person reads it: spec.template.spec.containers[cart].image.
func (c fieldChange) path() string { return stepsPath(c.steps) }

func stepsPath(steps []fieldStep) string {
	var b strings.Builder
	for _, s := range steps {
		switch {
		case s.inList:
			b.WriteString("[" + plainLine(s.label, pathPartMost) + "]")
		case strings.ContainsAny(s.field, ".[]/ ") && b.Len() > 0:
			b.WriteString("[" + plainLine(s.field, pathPartMost) + "]")
		default:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(plainLine(s.field, pathPartMost))
		}
	}
	return b.String()
}

// diffFields lists where two objects differ, in the order of their paths. It
// goes down to the deepest field both sides share, into lists by the name (or
// other key) of their elements, and is empty exactly when they are equal.
func diffFields(before, after map[string]any) []fieldChange {
	var d fieldDiff
	d.maps(nil, before, after)
	return d.changes
}

type fieldDiff struct {
	changes []fieldChange
}

func (d *fieldDiff) add(steps []fieldStep, old, new any, hasOld, hasNew bool) {
	d.changes = append(d.changes, fieldChange{slices.Clone(steps), old, new, hasOld, hasNew})
}

func (d *fieldDiff) maps(steps []fieldStep, before, after map[string]any) {
	keys := map[string]bool{}
	for k := range before {
		keys[k] = true
	}
	for k := range after {
		keys[k] = true
	}
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		old, hasOld := before[k]
		new, hasNew := after[k]
		d.values(append(steps, fieldStep{field: k}), old, new, hasOld, hasNew)
	}
}

func (d *fieldDiff) values(steps []fieldStep, old, new any, hasOld, hasNew bool) {
	if hasOld && hasNew {
		if equalValues(old, new) {
			return
		}
		if a, ok := old.(map[string]any); ok {
			if b, ok := new.(map[string]any); ok {
				d.maps(steps, a, b)
				return
			}
		}
		if a, ok := old.([]any); ok {
			if b, ok := new.([]any); ok && d.lists(steps, a, b) {
				return
			}
		}
	}
	d.add(steps, old, new, hasOld, hasNew)
}

// lists compares two lists element by element and reports whether it could:
// lists of plain values have no elements to speak of.
func (d *fieldDiff) lists(steps []fieldStep, before, after []any) bool {
	if !allMaps(before) || !allMaps(after) {
		return false
	}
	keys := listKeys(before, after)
	if keys == nil {
		return d.listsByIndex(steps, before, after)
	}
	index := map[string]int{}
	for i, e := range after {
		index[elementLabel(e, keys)] = i
	}
	last, ordered := -1, true
	for i, e := range before {
		label := elementLabel(e, keys)
		elem, _ := e.(map[string]any)
		at := append(steps, fieldStep{inList: true, elem: elem, keys: keys, label: label, index: i})
		j, ok := index[label]
		if !ok {
			d.add(at, e, nil, true, false)
			continue
		}
		ordered = ordered && j > last
		last = j
		delete(index, label)
		d.values(at, e, after[j], true, true)
	}
	for i, e := range after {
		label := elementLabel(e, keys)
		if _, isNew := index[label]; isNew {
			elem, _ := e.(map[string]any)
			d.add(append(steps, fieldStep{inList: true, elem: elem, keys: keys, label: label, index: i}), nil, e, false, true)
		}
	}
	if !ordered {
		d.add(steps, before, after, true, true)
	}
	return true
}

func (d *fieldDiff) listsByIndex(steps []fieldStep, before, after []any) bool {
	for i := range max(len(before), len(after)) {
		step := fieldStep{inList: true, label: strconv.Itoa(i), index: i}
		var old, new any
		if i < len(before) {
			old = before[i]
			step.elem, _ = old.(map[string]any)
		}
		if i < len(after) {
			new = after[i]
			if step.elem == nil {
				step.elem, _ = new.(map[string]any)
			}
		}
		d.values(append(steps, step), old, new, i < len(before), i < len(after))
	}
	return true
}

// elementKeys are the fields that tell the elements of Kubernetes' lists
// apart, tried in this order (the patchMergeKey and listMapKey of the built-in
// kinds; a name comes first because it reads best).
var elementKeys = [][]string{
	{"name"}, {"mountPath"}, {"devicePath"}, {"containerPort"}, {"containerPort", "protocol"},
	{"port"}, {"port", "protocol"}, {"key"}, {"ip"}, {"type"}, {"uid"}, {"host"}, {"path"},
}

// listKeys picks the first fields that every element of both lists has, with
// no two alike in one list; nil when there are none.
func listKeys(lists ...[]any) []string {
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
		label := elementLabel(e, keys)
		if seen[label] {
			return false
		}
		seen[label] = true
	}
	return true
}

func elementLabel(e any, keys []string) string {
	elem, _ := e.(map[string]any)
	parts := make([]string, len(keys))
	for i, k := range keys {
		parts[i] = fmt.Sprint(elem[k])
	}
	return strings.Join(parts, ",")
}

func allMaps(list []any) bool {
	return !slices.ContainsFunc(list, func(e any) bool { _, ok := e.(map[string]any); return !ok })
}

// valueAt follows steps down another object and reports whether it has a value
// there. Elements of lists are found by their label.
func valueAt(fields map[string]any, steps []fieldStep) (any, bool) {
	var v any = fields
	for _, s := range steps {
		switch node := v.(type) {
		case map[string]any:
			child, ok := node[s.field]
			if s.inList || !ok {
				return nil, false
			}
			v = child
		case []any:
			child, ok := elementLike(node, s)
			if !s.inList || !ok {
				return nil, false
			}
			v = child
		default:
			return nil, false
		}
	}
	return v, true
}

func elementLike(list []any, s fieldStep) (any, bool) {
	if s.keys == nil {
		if s.index < len(list) {
			return list[s.index], true
		}
		return nil, false
	}
	for _, e := range list {
		if _, isMap := e.(map[string]any); isMap && elementLabel(e, s.keys) == s.label {
			return e, true
		}
	}
	return nil, false
}

// showValue is a value on one short line.
func showValue(v any) string {
	const width = 60
	switch v := v.(type) {
	case nil:
		return "nothing"
	case string:
		return plainLine(v, width)
	case map[string]any, []any:
		b, err := json.Marshal(v)
		if err != nil {
			return "a value"
		}
		return plainLine(string(b), width)
	}
	return fmt.Sprint(v)
}
