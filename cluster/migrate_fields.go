package cluster

import (
	"encoding/json"
	"maps"
	"strings"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
)

// This is the set arithmetic over FieldsV1 (see fieldOwner) that tells what a
// server-side apply removes.

// pruneOwned removes from a value in place what one tree of fields owns and
// none of the others does, and returns what is left of it, and whether that is
// nothing.
func pruneOwned(value any, owned map[string]any, others []map[string]any) (any, bool) {
	_, itself := owned["."]
	if len(owned) == 0 || itself {
		if len(others) == 0 {
			return nil, true
		}
	}
	if len(owned) == 0 {
		return value, false // somebody else keeps it
	}
	had := !isEmpty(value)
	switch v := value.(type) {
	case map[string]any:
		for key, child := range owned {
			name, ok := strings.CutPrefix(key, "f:")
			if _, has := v[name]; !ok || !has {
				continue
			}
			if left, gone := pruneOwned(v[name], asTree(child), childrenOf(others, key)); gone {
				delete(v, name)
			} else {
				v[name] = left
			}
		}
		value = v
	case []any:
		value = pruneList(v, owned, others)
	}
	return value, had && isEmpty(value) && len(others) == 0
}

func pruneList(list []any, owned map[string]any, others []map[string]any) []any {
	out := make([]any, 0, len(list))
	for _, elem := range list {
		key, ok := keyOf(owned, elem)
		if !ok {
			out = append(out, elem)
			continue
		}
		if left, gone := pruneOwned(elem, asTree(owned[key]), childrenLike(others, elem)); !gone {
			out = append(out, left)
		}
	}
	return out
}

// keyOf finds the child of a tree that an element of a list is owned by.
func keyOf(node map[string]any, elem any) (string, bool) {
	fields, isMap := elem.(map[string]any)
	for key := range node {
		if raw, ok := strings.CutPrefix(key, "k:"); ok && isMap {
			var keys map[string]any
			if json.Unmarshal([]byte(raw), &keys) == nil && elementHas(fields, keys) {
				return key, true
			}
		}
		if raw, ok := strings.CutPrefix(key, "v:"); ok && !isMap {
			var v any
			if json.Unmarshal([]byte(raw), &v) == nil && fieldpath.Equal(v, elem) {
				return key, true
			}
		}
	}
	return "", false
}

func childrenOf(trees []map[string]any, key string) []map[string]any {
	var out []map[string]any
	for _, t := range trees {
		if child, ok := t[key]; ok {
			out = append(out, asTree(child))
		}
	}
	return out
}

func childrenLike(trees []map[string]any, elem any) []map[string]any {
	var out []map[string]any
	for _, t := range trees {
		if key, ok := keyOf(t, elem); ok {
			out = append(out, asTree(t[key]))
		}
	}
	return out
}

func asTree(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

// splitTree divides a tree of fields into what another one has too and what it
// has not.
func splitTree(tree, other map[string]any) (both, rest map[string]any) {
	both, rest = map[string]any{}, map[string]any{}
	for key, child := range tree {
		twin, ok := other[key]
		switch {
		case !ok:
			rest[key] = child
		case len(asTree(child)) == 0:
			both[key] = child
		default:
			b, r := splitTree(asTree(child), asTree(twin))
			if len(b) > 0 {
				both[key] = b
			}
			if len(r) > 0 {
				rest[key] = r
			}
		}
	}
	return both, rest
}

// fieldsIn is a tree of fields without those that a value has not.
func fieldsIn(tree map[string]any, value any) map[string]any {
	out := map[string]any{}
	for key, child := range tree {
		if key == "." {
			out[key] = child
			continue
		}
		if below, ok := valueUnder(value, key); ok {
			out[key] = fieldsIn(asTree(child), below)
		}
	}
	return out
}

// valueUnder is what a key of a tree leads to.
func valueUnder(value any, key string) (any, bool) {
	switch v := value.(type) {
	case map[string]any:
		name, ok := strings.CutPrefix(key, "f:")
		below, has := v[name]
		return below, ok && has
	case []any:
		for _, elem := range v {
			if _, ok := keyOf(map[string]any{key: nil}, elem); ok {
				return elem, true
			}
		}
	}
	return nil, false
}

// mergeTrees is the union of two trees of fields.
func mergeTrees(a, b map[string]any) map[string]any {
	out := maps.Clone(a)
	if out == nil {
		out = map[string]any{}
	}
	for key, child := range b {
		if mine, ok := out[key]; ok {
			out[key] = mergeTrees(asTree(mine), asTree(child))
		} else {
			out[key] = child
		}
	}
	return out
}

// disowned is a live object in whose managedFields fairtide owns what the given
// managers do and an apply, whose answer is given, does not write. What is in
// Git stays theirs, so that a value they changed since is still told as theirs.
func disowned(live, reply map[string]any, managers []string) map[string]any {
	applied := map[string]any{}
	if own := ownEntry(fieldOwners(reply)); own != nil {
		applied = own.fields
	}
	out, _ := cloneValue(live).(map[string]any)
	metadata := mapAt(out, "metadata")
	ours := map[string]any{}
	var entries []any
	var own map[string]any
	for _, e := range sliceAt(metadata, "managedFields") {
		entry := asTree(e)
		owners := fieldOwners(map[string]any{"metadata": map[string]any{"managedFields": []any{entry}}})
		switch {
		case len(owners) == 1 && owners[0].migrates(managers):
			both, rest := splitTree(owners[0].fields, applied)
			entry["fieldsV1"] = both
			ours = mergeTrees(ours, rest)
		case len(owners) == 1 && owners[0].ours():
			own = entry
		}
		entries = append(entries, entry)
	}
	if own == nil {
		own = map[string]any{"manager": FieldManager, "operation": "Apply", "fieldsV1": map[string]any{}}
		entries = append(entries, own)
	}
	own["fieldsV1"] = mergeTrees(asTree(own["fieldsV1"]), ours)
	metadata["managedFields"] = entries
	return out
}
