package fieldpath

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Step is one step from an object down to a field: into a map by its key, or
// into a list.
type Step struct {
	Field  string         // the map's key
	InList bool           // it leads into a list; the rest is about that
	Elem   map[string]any // the list's element, when elements are maps
	Keys   []string       // by which elements of this list are told apart; nil: by position
	Label  string         // how the element is named in a path
	Index  int            // its position, on the side it was taken from
}

// Change is a path at which two objects differ.
type Change struct {
	Path           string
	Steps          []Step // that lead there
	Old, New       any
	HasOld, HasNew bool
}

// Diff lists where two objects differ, in the order of their keys. It goes
// down to the deepest field both sides share, into lists by the name (or other
// key) of their elements, and is empty exactly when they are equal.
func Diff(before, after map[string]any) []Change { return DiffBelow(nil, before, after) }

// DiffBelow is Diff for two values that the steps lead to.
func DiffBelow(steps []Step, before, after map[string]any) []Change {
	var d differ
	d.maps(slices.Clip(steps), before, after)
	return d.changes
}

// Join writes steps as a path.
func Join(steps []Step) string {
	var b strings.Builder
	for _, s := range steps {
		if s.InList {
			b.WriteString("[" + part(s.Label) + "]")
		} else {
			b.WriteString(field(b.String(), s.Field))
		}
	}
	return b.String()
}

type differ struct{ changes []Change }

func (d *differ) add(steps []Step, old, new any, hasOld, hasNew bool) {
	steps = slices.Clone(steps)
	d.changes = append(d.changes, Change{Join(steps), steps, old, new, hasOld, hasNew})
}

func (d *differ) maps(steps []Step, before, after map[string]any) {
	keys := maps.Clone(before)
	if keys == nil {
		keys = map[string]any{}
	}
	maps.Copy(keys, after)
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		old, hasOld := before[k]
		new, hasNew := after[k]
		d.values(append(steps, Step{Field: k}), old, new, hasOld, hasNew)
	}
}

func (d *differ) values(steps []Step, old, new any, hasOld, hasNew bool) {
	if hasOld && hasNew {
		if Equal(old, new) {
			return
		}
		if a, ok := old.(map[string]any); ok {
			if b, ok := new.(map[string]any); ok {
				d.maps(steps, a, b)
				return
			}
		}
		if a, ok := old.([]any); ok {
			if b, ok := new.([]any); ok && AllMaps(a) && AllMaps(b) {
				d.lists(steps, a, b)
				return
			}
		}
	}
	d.add(steps, old, new, hasOld, hasNew)
}

// lists compares two lists of maps by the keys of their elements, or if they
// have none by position.
func (d *differ) lists(steps []Step, before, after []any) {
	keys := ListKeys(before, after)
	step := func(i int, e any) Step {
		elem, _ := e.(map[string]any)
		s := Step{InList: true, Elem: elem, Keys: keys, Label: strconv.Itoa(i), Index: i}
		if keys != nil {
			s.Label = Label(e, keys)
		}
		return s
	}
	index := map[string]int{}
	for i, e := range after {
		index[step(i, e).Label] = i
	}
	last, ordered := -1, true
	for i, e := range before {
		at := step(i, e)
		j, ok := index[at.Label]
		if !ok {
			d.add(append(steps, at), e, nil, true, false)
			continue
		}
		ordered = ordered && j > last
		last = j
		delete(index, at.Label)
		d.values(append(steps, at), e, after[j], true, true)
	}
	for i, e := range after {
		at := step(i, e)
		if _, isNew := index[at.Label]; isNew {
			d.add(append(steps, at), nil, e, false, true)
		}
	}
	if !ordered {
		d.add(steps, before, after, true, true)
	}
}

// At follows steps down an object and reports whether it has a value there.
// Elements of lists are found by their label.
func At(fields map[string]any, steps []Step) (any, bool) {
	var v any = fields
	for _, s := range steps {
		switch node := v.(type) {
		case map[string]any:
			child, ok := node[s.Field]
			if s.InList || !ok {
				return nil, false
			}
			v = child
		case []any:
			i := Index(node, s)
			if !s.InList || i < 0 {
				return nil, false
			}
			v = node[i]
		default:
			return nil, false
		}
	}
	return v, true
}

// Index is where a list has the element that a step leads to; -1: nowhere.
func Index(list []any, s Step) int {
	if s.Keys == nil {
		if s.Index < len(list) {
			return s.Index
		}
		return -1
	}
	return slices.IndexFunc(list, func(e any) bool {
		_, isMap := e.(map[string]any)
		return isMap && Label(e, s.Keys) == s.Label
	})
}
