package repo

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/fairtide-dev/fairtide/model"
)

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
	flat, err := flatten(m, src)
	if err != nil {
		return nil, err
	}
	objects := make([]model.Object, 0, len(flat))
	for i, m := range flat {
		from := src
		if len(d.items) == len(flat) {
			from.Line = d.items[i]
		}
		o, err := newObject(m, from)
		if err != nil {
			return nil, err
		}
		objects = append(objects, o)
	}
	return objects, nil
}

// flatten replaces a List by its items, as kubectl and kustomize do, also
// where lists lie in lists.
func flatten(m map[string]any, src model.Source) ([]map[string]any, error) {
	items, isList, err := listItems(m)
	if err != nil {
		return nil, contentf("%s: %s", at(src), err)
	}
	if !isList {
		return []map[string]any{m}, nil
	}
	var flat []map[string]any
	for i, item := range items {
		inner, ok := item.(map[string]any)
		if !ok {
			return nil, contentf("%s: item %d of the list is not a Kubernetes object", at(src), i+1)
		}
		nested, err := flatten(typed(m, inner), src)
		if err != nil {
			return nil, err
		}
		flat = append(flat, nested...)
	}
	return flat, nil
}

// listItems returns the items of a List, or of a typed one such as a
// ConfigMapList. What is called a List and has no items is an object like any
// other. kubectl takes whatever has items for a list; kustomize asks for the
// name too, and so does this.
func listItems(m map[string]any) (items []any, isList bool, err error) {
	kind, _ := m["kind"].(string)
	raw, has := m["items"]
	if !has || !strings.HasSuffix(kind, "List") {
		return nil, false, nil
	}
	items, ok := raw.([]any)
	if !ok && raw != nil {
		return nil, true, fmt.Errorf("the items of the %s are not a list", kind)
	}
	return items, true, nil
}

// typed gives an item of a typed list its type, where it names none.
func typed(list, item map[string]any) map[string]any {
	kind, _ := list["kind"].(string)
	kind = strings.TrimSuffix(kind, "List")
	if kind == "" || item["kind"] != nil || item["apiVersion"] != nil {
		return item
	}
	item = maps.Clone(item)
	item["kind"], item["apiVersion"] = kind, list["apiVersion"]
	return item
}

// newObject reads the identity out of an object. It refuses what the API
// server could not even be asked about.
func newObject(m map[string]any, src model.Source) (model.Object, error) {
	kind, err := stringField(m, "kind", "object", src)
	if err != nil {
		return model.Object{}, err
	}
	if kind == "" {
		return model.Object{}, contentf("%s: not a Kubernetes object: it has no kind", at(src))
	}
	version, err := stringField(m, "apiVersion", kind, src)
	if err != nil {
		return model.Object{}, err
	}
	if version == "" {
		return model.Object{}, contentf("%s: the %s has no apiVersion", at(src), kind)
	}
	group, v, grouped := strings.Cut(version, "/")
	if !grouped {
		group, v = "", version
	}
	if !word(kind, "") || !word(group, ".-") || !word(v, "") || v == "" || grouped && group == "" {
		return model.Object{}, contentf("%s: %q of %q is not the type of a Kubernetes object", at(src), kind, version)
	}
	meta, isMap := m["metadata"].(map[string]any)
	if !isMap && m["metadata"] != nil {
		return model.Object{}, contentf("%s: the metadata of the %s is not a mapping", at(src), kind)
	}
	name, err := stringField(meta, "name", kind, src)
	if err != nil {
		return model.Object{}, err
	}
	namespace, err := stringField(meta, "namespace", kind, src)
	if err != nil {
		return model.Object{}, err
	}
	if name == "" {
		if _, generated := meta["generateName"]; generated {
			return model.Object{}, contentf("%s: the %s has generateName, which gives it another name at every apply; set metadata.name", at(src), kind)
		}
		return model.Object{}, contentf("%s: the %s has no metadata.name", at(src), kind)
	}
	for _, s := range []string{name, namespace} {
		if !pathSegment(s) {
			return model.Object{}, contentf("%s: %q cannot be the name of a %s or of its namespace", at(src), s, kind)
		}
	}
	return model.Object{
		ID:      model.ObjectID{Group: group, Kind: kind, Namespace: namespace, Name: name},
		Version: v,
		Fields:  m,
		Source:  src,
	}, nil
}

// stringField reads a field that has to be a string; empty when it is absent or null.
func stringField(m map[string]any, key, kind string, src model.Source) (string, error) {
	switch v := m[key].(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case bool, int64, float64:
		return "", contentf("%s: the %s of the %s is %v, which is not a string; put it in quotes", at(src), key, kind, v)
	}
	return "", contentf("%s: the %s of the %s is not a string", at(src), key, kind)
}

// word reports whether s has only ASCII letters, digits and what more allows.
func word(s, more string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && !strings.ContainsRune(more, r)
	})
}

// pathSegment reports whether the API server can have an object of the name:
// names are parts of its paths (apimachinery's IsValidPathSegmentName).
func pathSegment(s string) bool {
	return s != "." && s != ".." && !strings.ContainsFunc(s, func(r rune) bool {
		return r == '/' || r == '%' || !unicode.IsGraphic(r) || r == utf8.RuneError
	})
}

// ordered sorts the objects by identity and refuses sets that cannot be meant:
// none at all, too many, or one identity twice.
func ordered(dir string, objects []model.Object, limit int) ([]model.Object, error) {
	if len(objects) == 0 {
		return nil, contentf("%s renders no object at all, and applying that would delete everything", dir)
	}
	if len(objects) > limit {
		return nil, tooMany(dir, limit)
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

func tooMany(dir string, limit int) error {
	return contentf("%s renders more than the limit of %s objects (limits.objects)", dir, grouped(limit))
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
