package repo

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/fairtide-dev/fairtide/model"
)

// contentError says what is wrong with what a commit holds, as opposed to
// reading it having gone wrong. It is the same at every reading.
type contentError struct{ text string }

func (e *contentError) Error() string { return e.text }

func contentf(format string, args ...any) error {
	return &contentError{text: fmt.Sprintf(format, args...)}
}

func at(src model.Source) string {
	if src.Line == 0 {
		return src.File
	}
	return fmt.Sprintf("%s:%d", src.File, src.Line)
}

// objectsOf reads the Kubernetes objects of a document: one, or the items of a
// List.
func objectsOf(d document) ([]model.Object, error) {
	src := model.Source{File: d.file, Line: d.line}
	m, ok := d.value.(map[string]any)
	if !ok {
		return nil, contentf("%s: not a Kubernetes object: it has to be a mapping", at(src))
	}
	items, isList := listItems(m)
	if !isList {
		o, err := newObject(m, src)
		if err != nil {
			return nil, err
		}
		return []model.Object{o}, nil
	}
	var objects []model.Object
	for i, item := range items {
		m, ok := item.(map[string]any)
		if !ok {
			return nil, contentf("%s: item %d of the list is not a Kubernetes object", at(src), i+1)
		}
		nested, err := objectsOf(document{file: d.file, line: d.line, value: m})
		if err != nil {
			return nil, err
		}
		objects = append(objects, nested...)
	}
	return objects, nil
}

// listItems returns the items of a List, or of a typed one such as a
// ConfigMapList.
func listItems(m map[string]any) ([]any, bool) {
	kind, _ := m["kind"].(string)
	if !strings.HasSuffix(kind, "List") {
		return nil, false
	}
	items, ok := m["items"].([]any)
	return items, ok
}

// newObject reads the identity out of an object.
func newObject(m map[string]any, src model.Source) (model.Object, error) {
	kind, _ := m["kind"].(string)
	version, _ := m["apiVersion"].(string)
	if kind == "" {
		return model.Object{}, contentf("%s: not a Kubernetes object: it has no kind", at(src))
	}
	if version == "" {
		return model.Object{}, contentf("%s: the %s has no apiVersion", at(src), kind)
	}
	meta, _ := m["metadata"].(map[string]any)
	name, _ := meta["name"].(string)
	namespace, _ := meta["namespace"].(string)
	if name == "" {
		if _, generated := meta["generateName"]; generated {
			return model.Object{}, contentf("%s: the %s has generateName, which gives it another name at every apply; set metadata.name", at(src), kind)
		}
		return model.Object{}, contentf("%s: the %s has no metadata.name", at(src), kind)
	}
	group, v, grouped := strings.Cut(version, "/")
	if !grouped {
		group, v = "", version
	}
	return model.Object{
		ID:      model.ObjectID{Group: group, Kind: kind, Namespace: namespace, Name: name},
		Version: v,
		Fields:  m,
		Source:  src,
	}, nil
}

// ordered sorts the objects by identity and refuses sets that cannot be meant:
// none at all, too many, or one identity twice.
func ordered(dir string, objects []model.Object, limit int) ([]model.Object, error) {
	if len(objects) == 0 {
		return nil, contentf("%s renders no object at all, and applying that would delete everything", dir)
	}
	if len(objects) > limit {
		return nil, contentf("%s renders %d objects, more than the limit of %d", dir, len(objects), limit)
	}
	slices.SortStableFunc(objects, func(a, b model.Object) int {
		return cmp.Or(a.ID.Compare(b.ID), cmp.Compare(a.Source.File, b.Source.File), cmp.Compare(a.Source.Line, b.Source.Line))
	})
	for i := 1; i < len(objects); i++ {
		if objects[i].ID == objects[i-1].ID {
			return nil, twice(objects[i-1], objects[i])
		}
	}
	return objects, nil
}

func twice(a, b model.Object) error {
	return contentf("%s is in %s and again in %s; keep one of them", a.ID, at(a.Source), at(b.Source))
}

// clone copies a value as JSON has them, so that a caller may alter its own.
func clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := make(map[string]any, len(v))
		for k, e := range v {
			m[k] = clone(e)
		}
		return m
	case []any:
		l := make([]any, len(v))
		for i, e := range v {
			l[i] = clone(e)
		}
		return l
	}
	return v
}

func cloneObjects(objects []model.Object) []model.Object {
	out := slices.Clone(objects)
	for i, o := range out {
		out[i].Fields = clone(o.Fields).(map[string]any)
	}
	return out
}
