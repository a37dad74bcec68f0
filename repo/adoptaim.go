package repo

import (
	"maps"
	"slices"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
	"github.com/fairtide-dev/fairtide/model"
)

// aim is what a field of a rendered object is to become.
type aim struct {
	object int // among the rendered ones
	path   string
	steps  []adoptStep
	old    any // what Git has
	had    bool
	value  any // what it is to have
	remove bool
}

// adoptStep is one step of a path: a key of a map, or an element of a list.
type adoptStep struct {
	list  bool
	key   string         // of a map
	index int            // of the rendered list; -1: an element to be added
	match map[string]any // the fields that tell the element from the others; nil: none do
}

// aim finds the field in what is live and in what is rendered. The two lists
// of elements are matched as a plan does it, by what tells elements apart.
func (a *adoption) aim(f model.LiveField) (aim, error) {
	i, err := a.find(f.Field.ID)
	if err != nil {
		return aim{}, err
	}
	g := aim{object: i, path: f.Field.Path}
	fields := a.now[i].Fields
	if steps, live := fieldpath.Steps(f.Live, f.Field.Path); live {
		if !g.follow(fields, f.Live, steps) {
			return aim{}, contentf("%s: %s lies in a list that Git does not write; write it by hand, or adopt the whole list", a.now[i].ID, g.path)
		}
		if g.had && fieldpath.Equal(g.old, g.value) {
			return aim{}, contentf("%s: %s is live as Git writes it; there is nothing to write", a.now[i].ID, g.path)
		}
		return g, nil
	}
	steps, ok := fieldpath.Steps(fields, f.Field.Path)
	if !ok {
		return aim{}, contentf("%s: %s is neither live nor in Git; name the field as `fairtide diff` does", a.now[i].ID, g.path)
	}
	g.follow(fields, fields, steps)
	g.remove, g.value = true, nil
	return g, nil
}

// follow walks along the live object and beside it along the rendered one. It
// ends at the first step that Git does not have: the rest is the value. ok is
// false when that rest leads through a list.
func (g *aim) follow(rendered, live any, steps []any) (ok bool) {
	g.old, g.had = rendered, true
	for n, step := range steps {
		s := adoptStep{index: -1}
		switch step := step.(type) {
		case string:
			from, _ := rendered.(map[string]any)
			to, _ := live.(map[string]any)
			s.key = step
			g.old, g.had = from[step], false
			_, g.had = from[step]
			rendered, live = from[step], to[step]
		case int:
			s.list = true
			from, _ := rendered.([]any)
			to, _ := live.([]any)
			s.index, s.match = counterpart(from, to, step)
			g.old, g.had = nil, s.index >= 0
			if live = to[step]; g.had {
				g.old = from[s.index]
			}
			rendered = g.old
		}
		g.steps = append(g.steps, s)
		if !g.had {
			value, ok := below(live, steps[n+1:])
			g.value = clone(value)
			return ok
		}
	}
	g.value = clone(live)
	return true
}

// below is the value at the steps with the maps that lead to it, and nothing
// of what is beside it.
func below(live any, steps []any) (any, bool) {
	if len(steps) == 0 {
		return live, true
	}
	key, isKey := steps[0].(string)
	m, isMap := live.(map[string]any)
	if !isKey || !isMap {
		return nil, false
	}
	v, ok := below(m[key], steps[1:])
	return map[string]any{key: v}, ok
}

// counterpart finds the element of a rendered list that is the i-th of a live
// one, and the fields that say so. Where nothing tells elements apart it goes
// by position.
func counterpart(rendered, live []any, i int) (index int, match map[string]any) {
	keys := fieldpath.ListKeys(rendered, live)
	if keys == nil {
		if i < len(rendered) {
			return i, nil
		}
		return -1, nil
	}
	label := fieldpath.Label(live[i], keys)
	index = slices.IndexFunc(rendered, func(e any) bool { return fieldpath.Label(e, keys) == label })
	match = map[string]any{}
	elem, _ := live[i].(map[string]any)
	for _, k := range keys {
		match[k] = elem[k]
	}
	return index, match
}

// applied is a copy of the objects with the field as it is to be.
func (g aim) applied(objects []model.Object) []model.Object {
	out := slices.Clone(objects)
	o := &out[g.object]
	fields, _ := clone(o.Fields).(map[string]any)
	g.put(fields, g.steps)
	o.Fields = fields
	return out
}

// put alters node and returns it, or what takes its place.
func (g aim) put(node any, steps []adoptStep) any {
	if len(steps) == 0 {
		return clone(g.value)
	}
	s := steps[0]
	last := len(steps) == 1
	switch node := node.(type) {
	case map[string]any:
		if last && g.remove {
			delete(node, s.key)
		} else {
			node[s.key] = g.put(node[s.key], steps[1:])
		}
		return node
	case []any:
		switch {
		case last && g.remove:
			return slices.Delete(node, s.index, s.index+1)
		case s.index < 0:
			return append(node, clone(g.value))
		}
		node[s.index] = g.put(node[s.index], steps[1:])
		return node
	}
	return node
}

// overlay adds the field to a strategic merge patch. ok is false where the
// patch could not say which element of a list is meant.
func (g aim) overlay(patch map[string]any) bool {
	var at any = patch
	set := func(any) {} // puts a value in the place of at
	for n, s := range g.steps {
		last := n == len(g.steps)-1
		if !s.list {
			m, isMap := at.(map[string]any)
			if !isMap {
				return false
			}
			next, has := m[s.key]
			if !has && !last {
				next = map[string]any{}
				if g.steps[n+1].list {
					next = []any{}
				}
				m[s.key] = next
			}
			set = func(v any) { m[s.key] = v }
			at = next
			continue
		}
		list, isList := at.([]any)
		if !isList || s.match == nil {
			return false
		}
		i := slices.IndexFunc(list, func(e any) bool {
			m, _ := e.(map[string]any)
			return matches(m, s.match)
		})
		if i < 0 {
			list = append(list, maps.Clone(s.match))
			i = len(list) - 1
			set(list)
		}
		set = func(v any) { list[i] = v }
		at = list[i]
	}
	set(clone(g.value))
	return true
}

func matches(elem, match map[string]any) bool {
	for k, v := range match {
		if !fieldpath.Equal(elem[k], v) {
			return false
		}
	}
	return elem != nil
}
