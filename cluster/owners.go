package cluster

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
)

// fieldOwner is one entry of an object's metadata.managedFields: a manager and
// the fields it set last.
type fieldOwner struct {
	manager     string
	operation   string // Apply or Update
	subresource string
	apiVersion  string
	at          time.Time
	fields      map[string]any // FieldsV1, decoded
}

// fieldOwners reads metadata.managedFields. Entries in a format other than
// FieldsV1, of which there is none today, are left out.
func fieldOwners(object map[string]any) []fieldOwner {
	var out []fieldOwner
	for _, e := range sliceAt(mapAt(object, "metadata"), "managedFields") {
		entry, ok := e.(map[string]any)
		if !ok {
			continue
		}
		text := func(key string) string { s, _ := entry[key].(string); return s }
		fields, ok := entry["fieldsV1"].(map[string]any)
		if !ok {
			continue
		}
		at, err := time.Parse(time.RFC3339, text("time"))
		if err != nil {
			at = time.Time{} // the time is optional
		}
		out = append(out, fieldOwner{
			manager: text("manager"), operation: text("operation"), subresource: text("subresource"),
			apiVersion: text("apiVersion"), at: at.UTC(), fields: fields,
		})
	}
	return out
}

// ours reports whether the entry is the one that fairtide's applies write.
func (o fieldOwner) ours() bool {
	return o.manager == FieldManager && o.operation == "Apply" && o.subresource == ""
}

// ownEntry is fairtide's entry; nil when it owns nothing.
func ownEntry(owners []fieldOwner) *fieldOwner {
	for i := range owners {
		if owners[i].ours() {
			return &owners[i]
		}
	}
	return nil
}

// sameOwnership reports whether fairtide owns the same fields in two readings
// of an object, whenever it set them.
func sameOwnership(a, b map[string]any) bool {
	x, y := ownEntry(fieldOwners(a)), ownEntry(fieldOwners(b))
	if x == nil || y == nil {
		return x == y
	}
	return x.apiVersion == y.apiVersion && fieldpath.Equal(x.fields, y.fields)
}

// ownership says how far an owner's hold on a path goes.
type ownership int

const (
	ownsNothing ownership = iota
	ownsAbove             // it owns a value that contains the path as one piece
	ownsBelow             // it owns something inside the path's value
	ownsExactly
)

// owns follows a path down the tree of owned fields. In FieldsV1 a step into a
// map is "f:KEY", into a list `k:{keys of the element}` or "v:VALUE", and a
// node without children is a value owned as a whole; "." marks that a node
// with children is owned itself.
func (o fieldOwner) owns(steps []fieldpath.Step) ownership {
	node := o.fields
	for i, s := range steps {
		child, ok := ownedChild(node, s)
		if !ok {
			return ownsNothing
		}
		if len(child) == 0 && i < len(steps)-1 {
			return ownsAbove
		}
		node = child
	}
	if _, itself := node["."]; len(node) == 0 || itself && len(node) == 1 {
		return ownsExactly
	}
	return ownsBelow
}

func ownedChild(node map[string]any, s fieldpath.Step) (map[string]any, bool) {
	if !s.InList {
		child, ok := node["f:"+s.Field].(map[string]any)
		return child, ok
	}
	for key, v := range node {
		raw, ok := strings.CutPrefix(key, "k:")
		if !ok {
			continue
		}
		var keys map[string]any
		if err := json.Unmarshal([]byte(raw), &keys); err != nil {
			continue
		}
		child, ok := v.(map[string]any)
		if ok && elementHas(s.Elem, keys) {
			return child, true
		}
	}
	return nil, false
}

func elementHas(elem, keys map[string]any) bool {
	if elem == nil {
		return false
	}
	for k, v := range keys {
		if !fieldpath.Equal(elem[k], v) {
			return false
		}
	}
	return true
}
