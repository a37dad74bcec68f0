package cluster

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
)

// fieldWalk goes along a rendered object, the live one and the fields that
// fairtide's entry says it applied, all at once. It stops at the first doubt.
type fieldWalk struct {
	podTemplates bool // of a kind of the core, apps or batch group: pods are described, and their resources
}

// podTemplateGroups are those where limits and requests below a field
// "resources" are quantities, and pod templates are found.
var podTemplateGroups = map[string]bool{"": true, "apps": true, "batch": true}

// unownedMetadata are the fields of metadata that no entry of managedFields has.
var unownedMetadata = map[string]bool{
	"name": true, "namespace": true, "creationTimestamp": true, "selfLink": true,
	"uid": true, "generation": true, "managedFields": true, "resourceVersion": true,
}

// object compares whole objects. What the server only (metadata) or nobody by
// this way (status) writes is either not sent or a reason to doubt.
func (w fieldWalk) object(owned, rendered, live map[string]any, root *shape) bool {
	fields := 0
	for key, value := range rendered {
		switch key {
		case "apiVersion", "kind":
			continue
		case "status", "stringData":
			return false
		case "metadata":
			m, ok := value.(map[string]any)
			if !ok {
				return false
			}
			some, same := w.metadata(mapAt(owned, "f:metadata"), m, mapAt(live, "metadata"))
			if !same {
				return false
			}
			if some {
				fields++
			}
			continue
		}
		counts, same := w.field(owned, key, value, live, root.field(key), nil)
		if !same {
			return false
		}
		if counts {
			fields++
		}
	}
	return fields == len(owned)
}

var metadataPath = []string{"metadata"}

// metadata compares the metadata; fields reports whether any is owned.
func (w fieldWalk) metadata(owned, rendered, live map[string]any) (fields, same bool) {
	n := 0
	for key, value := range rendered {
		if unownedMetadata[key] {
			continue
		}
		counts, same := w.field(owned, key, value, live, builtInShape, metadataPath)
		if !same {
			return false, false
		}
		if counts {
			n++
		}
	}
	return n > 0, n == len(owned)
}

// leavesAlone reports whether a rendered value comes to nothing in a built-in
// kind where none is live: a null or empty value that is owned as such, of a
// field that the server leaves out when it is empty.
func leavesAlone(owned map[string]any, rendered any, s *shape) bool {
	if !s.builtIn || len(owned) > 0 {
		return false
	}
	switch r := rendered.(type) {
	case nil:
		return true
	case map[string]any:
		return len(r) == 0
	case []any:
		return len(r) == 0
	}
	return false
}

// ownsNothing reports whether a rendered value is an empty list of elements
// that are owned one by one: then no field is, and whatever is live stays. Of
// built-in kinds, those lists that templates often leave empty are known.
func (w fieldWalk) ownsNothing(rendered any, s *shape, path []string) bool {
	list, ok := rendered.([]any)
	if !ok || len(list) > 0 || !s.builtIn || len(path) < 2 {
		return false
	}
	switch in := path[len(path)-2]; path[len(path)-1] {
	case "finalizers", "ownerReferences":
		return in == "metadata"
	case "env", "ports", "volumeMounts":
		return w.podTemplates && (in == "containers" || in == "initContainers")
	case "volumes":
		return w.podTemplates && in == "spec"
	}
	return false
}

// field compares one field of a map; counts reports whether it is owned.
func (w fieldWalk) field(owned map[string]any, key string, rendered any, live map[string]any, s *shape, path []string) (counts, same bool) {
	child, isOwned := owned["f:"+key].(map[string]any)
	path = append(path, key)
	if !isOwned {
		return false, w.ownsNothing(rendered, s, path)
	}
	now, isLive := live[key]
	if !isLive {
		return true, leavesAlone(child, rendered, s)
	}
	return true, w.value(child, rendered, now, s, path)
}

// value compares one value below the fields it owns.
func (w fieldWalk) value(owned map[string]any, rendered, live any, s *shape, path []string) bool {
	if len(owned) == 0 {
		return w.whole(rendered, live, s, path)
	}
	switch r := rendered.(type) {
	case map[string]any:
		l, ok := live.(map[string]any)
		return ok && w.fields(owned, r, l, s, path, s.ownsItself)
	case []any:
		l, ok := live.([]any)
		return ok && w.elements(owned, r, l, s, path)
	}
	return false
}

// whole compares a value that is owned as one piece.
func (w fieldWalk) whole(rendered, live any, s *shape, path []string) bool {
	switch r := rendered.(type) {
	case nil:
		return false
	case map[string]any:
		if len(r) > 0 && s.merged(mergedMap) || hasNull(r) {
			return false
		}
	case []any:
		if s.merged(mergedList) || s.merged(mergedSet) || hasNull(r) {
			return false
		}
	default:
		return fieldpath.Equal(rendered, live) || w.sameQuantity(rendered, live, path)
	}
	return fieldpath.Equal(rendered, live) || s.builtIn && fieldpath.Equal(withDefaults(rendered, path), live)
}

// sameQuantity reports whether a live value is what the server makes of a
// rendered quantity. Only where a value is sure to be one: "1000m" and "1" are
// different texts.
func (w fieldWalk) sameQuantity(rendered, live any, path []string) bool {
	n := len(path)
	if !w.podTemplates || n < 3 || path[n-3] != "resources" || path[n-2] != "limits" && path[n-2] != "requests" {
		return false
	}
	switch rendered.(type) {
	case string, int64, float64:
	default:
		return false
	}
	q, err := resource.ParseQuantity(fmt.Sprint(rendered))
	return err == nil && q.String() == live
}

// fields compares maps whose fields are owned one by one. itself says whether
// the map as such has to be owned too.
func (w fieldWalk) fields(owned, rendered, live map[string]any, s *shape, path []string, itself bool) bool {
	if s.whole() {
		return false
	}
	if _, dot := owned["."]; dot != itself {
		return false
	}
	n := 0
	if itself {
		n++
	}
	path = slices.Clip(path)
	for key, value := range rendered {
		counts, same := w.field(owned, key, value, live, s.field(key), path)
		if !same {
			return false
		}
		if counts {
			n++
		}
	}
	return n == len(owned)
}

// elements compares lists whose elements are owned one by one: each rendered
// element has one owned and one live counterpart, in the same order. Live
// elements that are others' may lie between them.
func (w fieldWalk) elements(owned map[string]any, rendered, live []any, s *shape, path []string) bool {
	if s.whole() || len(owned) != len(rendered) {
		return false
	}
	elements, ok := ownedElements(owned, s)
	if !ok {
		return false
	}
	next := 0
	for _, r := range rendered {
		e := theOnly(elements, func(e *ownedElement) bool { return !e.taken && e.couldBe(r) })
		if e < 0 {
			return false
		}
		elements[e].taken = true
		at := theOnly(live, elements[e].is)
		if at < next {
			return false
		}
		next = at + 1
		if !w.element(elements[e], r, live[at], s, path) {
			return false
		}
	}
	return true
}

func (w fieldWalk) element(e *ownedElement, rendered, live any, s *shape, path []string) bool {
	if e.keys == nil {
		return len(e.fields) == 0 // a set's element is its value, which is equal
	}
	r, ok := rendered.(map[string]any)
	l, isMap := live.(map[string]any)
	if !ok || !isMap {
		return false
	}
	if len(e.fields) == 0 {
		return w.whole(r, l, s.element(), path)
	}
	return w.fields(e.fields, r, l, s.element(), path, true)
}

// ownedElement is one element of a list in an entry of managedFields: that of
// an associative list by its keys, that of a set by its value.
type ownedElement struct {
	keys   map[string]any
	value  any
	fields map[string]any
	taken  bool
}

func ownedElements(owned map[string]any, s *shape) ([]*ownedElement, bool) {
	var out []*ownedElement
	for name, v := range owned {
		fields, ok := v.(map[string]any)
		if !ok {
			return nil, false
		}
		e := &ownedElement{fields: fields}
		if raw, ok := strings.CutPrefix(name, "k:"); ok {
			if json.Unmarshal([]byte(raw), &e.keys) != nil || len(e.keys) == 0 || !s.keyedBy(e.keys) {
				return nil, false
			}
		} else if raw, ok := strings.CutPrefix(name, "v:"); ok {
			if json.Unmarshal([]byte(raw), &e.value) != nil || e.value == nil || !s.isSet() {
				return nil, false
			}
		} else {
			return nil, false
		}
		out = append(out, e)
	}
	return out, true
}

// couldBe reports whether a rendered element is this one. A key it leaves out
// is one that the server's schema has a default for.
func (e *ownedElement) couldBe(rendered any) bool {
	if e.keys == nil {
		return fieldpath.Equal(rendered, e.value)
	}
	m, ok := rendered.(map[string]any)
	for k, v := range e.keys {
		if got, there := m[k]; there && !fieldpath.Equal(got, v) {
			return false
		}
	}
	return ok
}

// is reports whether a live element is this one.
func (e *ownedElement) is(live any) bool {
	if e.keys == nil {
		return fieldpath.Equal(live, e.value)
	}
	m, _ := live.(map[string]any)
	return elementHas(m, e.keys)
}

// theOnly returns the index of the one element that a test accepts; -1 when
// there is none or more than one.
func theOnly[T any](list []T, accept func(T) bool) int {
	at := -1
	for i, e := range list {
		if accept(e) {
			if at >= 0 {
				return -1
			}
			at = i
		}
	}
	return at
}

// hasNull reports whether a value holds a null anywhere.
func hasNull(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case map[string]any:
		for _, child := range v {
			if hasNull(child) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, hasNull)
	}
	return false
}
