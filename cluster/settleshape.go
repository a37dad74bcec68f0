package cluster

import (
	"context"
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// mergeKind is how the server merges a value that is not a scalar.
type mergeKind int

const (
	mergedUnknown mergeKind = iota
	mergedWhole             // replaced as one piece
	mergedMap               // field by field
	mergedList              // element by element, by keys
	mergedSet               // element by element, by value
)

// shape is the merge structure of a value: for a custom kind as its definition
// says, which can change under objects that were applied before. A built-in
// kind's is compiled into the server and does not get coarser within a version,
// as that would take fields away from whoever applies to it; so there the entry
// in managedFields says it all.
type shape struct {
	builtIn    bool
	deduced    bool           // no schema: x-kubernetes-preserve-unknown-fields
	ownsItself bool           // a map in this place is owned itself beside its fields
	schema     map[string]any // OpenAPI v3, structural
}

var builtInShape = &shape{builtIn: true}

var crdGVR = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}

// readShapes reads the definition of a custom kind. Where it cannot be read, or
// is none (an aggregated API), the kind's objects are not settled.
func (p *predictor) readShapes(ctx context.Context, s *settling, name string) error {
	crd, err := p.c.dyn.Resource(crdGVR).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		if concernsAll(ctx, err) {
			return err
		}
		return nil
	}
	spec := mapAt(crd.Object, "spec")
	group, _ := spec["group"].(string)
	kind, _ := mapAt(spec, "names")["kind"].(string)
	if spec["preserveUnknownFields"] == true {
		return nil // from before structural schemas; nothing is known of it
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range sliceAt(spec, "versions") {
		version, _ := v.(map[string]any)
		name, _ := version["name"].(string)
		root := mapAt(version, "schema", "openAPIV3Schema")
		if root != nil {
			s.shapes[schema.GroupVersionKind{Group: group, Version: name, Kind: kind}] = &shape{schema: root}
		}
	}
	return nil
}

// kind is how the value is merged.
func (s *shape) kind() mergeKind {
	switch s.schema["type"] {
	case "object":
		if s.schema["x-kubernetes-map-type"] == "atomic" {
			return mergedWhole
		}
		_, items := s.schema["additionalProperties"].(map[string]any)
		if items || len(mapAt(s.schema, "properties")) > 0 || s.preserves() {
			return mergedMap
		}
	case "array":
		switch s.schema["x-kubernetes-list-type"] {
		case nil, "atomic":
			return mergedWhole
		case "map":
			return mergedList
		case "set":
			return mergedSet
		}
	}
	return mergedUnknown
}

func (s *shape) preserves() bool { return s.schema["x-kubernetes-preserve-unknown-fields"] == true }

// merged reports whether the value is merged in this way; for a kind of which
// too little is known, that it might be.
func (s *shape) merged(k mergeKind) bool {
	switch {
	case s.builtIn:
		return false
	case s.deduced:
		return k == mergedMap // lists without a schema are replaced
	}
	is := s.kind()
	return is == k || is == mergedUnknown
}

// whole reports whether the value is, or might be, replaced as one piece.
func (s *shape) whole() bool {
	return !s.builtIn && !s.deduced && (s.kind() == mergedWhole || s.kind() == mergedUnknown)
}

// field is the shape of a field of a map.
func (s *shape) field(key string) *shape {
	if s.builtIn {
		return s
	}
	if s.deduced {
		return &shape{deduced: true, ownsItself: true}
	}
	if property, ok := mapAt(s.schema, "properties")[key].(map[string]any); ok {
		return shapeOf(property, false)
	}
	if items, ok := s.schema["additionalProperties"].(map[string]any); ok {
		return shapeOf(items, true)
	}
	if s.preserves() {
		return &shape{deduced: true, ownsItself: true}
	}
	return &shape{ownsItself: true}
}

func shapeOf(property map[string]any, ownsItself bool) *shape {
	_, typed := property["type"]
	if !typed && property["properties"] == nil && property["x-kubernetes-preserve-unknown-fields"] == true {
		return &shape{deduced: true, ownsItself: ownsItself}
	}
	return &shape{schema: property, ownsItself: ownsItself}
}

// element is the shape of a list's elements.
func (s *shape) element() *shape {
	if s.builtIn {
		return s
	}
	items, _ := s.schema["items"].(map[string]any)
	return shapeOf(items, true)
}

// keyedBy reports whether the elements of a list are told apart by these keys.
func (s *shape) keyedBy(keys map[string]any) bool {
	if s.builtIn {
		return true
	}
	var want []string
	for _, k := range sliceAt(s.schema, "x-kubernetes-list-map-keys") {
		name, _ := k.(string)
		want = append(want, name)
	}
	slices.Sort(want)
	return !s.deduced && s.kind() == mergedList && slices.Equal(want, slices.Sorted(maps.Keys(keys)))
}

func (s *shape) isSet() bool {
	return s.builtIn || !s.deduced && s.kind() == mergedSet
}
