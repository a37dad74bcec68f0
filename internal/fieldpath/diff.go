package fieldpath

import (
	"maps"
	"slices"
	"strconv"
)

// Change is a path at which two objects differ.
type Change struct {
	Path           string
	Old, New       any
	HasOld, HasNew bool
}

// Diff lists where two objects differ, in the order of their keys. It goes
// down to the deepest field both sides share, and is empty exactly when they
// are equal.
func Diff(before, after map[string]any) []Change {
	var d differ
	d.maps("", before, after)
	return d.changes
}

type differ struct{ changes []Change }

func (d *differ) maps(path string, before, after map[string]any) {
	keys := maps.Clone(before)
	if keys == nil {
		keys = map[string]any{}
	}
	maps.Copy(keys, after)
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		old, hasOld := before[k]
		new, hasNew := after[k]
		d.values(Change{path + field(path, k), old, new, hasOld, hasNew})
	}
}

func (d *differ) values(c Change) {
	if c.HasOld && c.HasNew {
		if Equal(c.Old, c.New) {
			return
		}
		if a, ok := c.Old.(map[string]any); ok {
			if b, ok := c.New.(map[string]any); ok {
				d.maps(c.Path, a, b)
				return
			}
		}
		if a, ok := c.Old.([]any); ok {
			if b, ok := c.New.([]any); ok && AllMaps(a) && AllMaps(b) {
				d.lists(c.Path, a, b)
				return
			}
		}
	}
	d.changes = append(d.changes, c)
}

// lists compares two lists of maps by the keys of their elements, or if they
// have none by position.
func (d *differ) lists(path string, before, after []any) {
	keys := ListKeys(before, after)
	label := func(i int, e any) string {
		if keys == nil {
			return strconv.Itoa(i)
		}
		return Label(e, keys)
	}
	index := map[string]int{}
	for i, e := range after {
		index[label(i, e)] = i
	}
	last, ordered := -1, true
	for i, e := range before {
		name := label(i, e)
		c := Change{Path: path + "[" + part(name) + "]", Old: e, HasOld: true}
		if j, ok := index[name]; ok {
			ordered = ordered && j > last
			last = j
			delete(index, name)
			c.New, c.HasNew = after[j], true
		}
		d.values(c)
	}
	for i, e := range after {
		if _, isNew := index[label(i, e)]; isNew {
			d.changes = append(d.changes, Change{Path: path + "[" + part(label(i, e)) + "]", New: e, HasNew: true})
		}
	}
	if !ordered {
		d.changes = append(d.changes, Change{path, before, after, true, true})
	}
}
