package cluster

import (
	"slices"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
	"github.com/fairtide-dev/fairtide/model"
)

// dropInjected removes from the sides of a comparison what somebody else writes
// into the object as a matter of course, so that another reading of it is no
// other plan: the CA bundles of webhooks and definitions, the token Secrets of
// a ServiceAccount and the health check port of a Service.
//
// That is only done where the render has no value for it and applying leaves it
// alone. What Git writes there, be it a placeholder that an injector takes the
// place of, every apply writes; and what applying takes away is gone. Both are
// to be seen.
func dropInjected(o model.Object, sides ...map[string]any) {
	for _, steps := range injectedPlaces(o.ID, sides) {
		if _, written := fieldpath.At(o.Fields, steps); !written {
			dropEqual(sides, steps)
		}
	}
}

// injectedPlaces are where something is written into objects of a kind.
func injectedPlaces(id model.ObjectID, sides []map[string]any) [][]fieldpath.Step {
	switch {
	case groupKind(id) == crdKind:
		return [][]fieldpath.Step{fieldSteps("spec", "conversion", "webhook", "clientConfig", "caBundle")}
	case id.Group == "apiregistration.k8s.io" && id.Kind == "APIService":
		return [][]fieldpath.Step{fieldSteps("spec", "caBundle")}
	case id.Group == "" && id.Kind == "ServiceAccount":
		return [][]fieldpath.Step{fieldSteps("secrets")}
	case id.Group == "" && id.Kind == "Service":
		return [][]fieldpath.Step{fieldSteps("spec", "healthCheckNodePort")}
	case id.Group != "admissionregistration.k8s.io":
		return nil
	}
	var out [][]fieldpath.Step
	for i, w := range sliceAt(sides[0], "webhooks") {
		elem, _ := w.(map[string]any)
		keys := []string{"name"} // the server refuses two of one name
		at := fieldpath.Step{InList: true, Elem: elem, Keys: keys, Label: fieldpath.Label(elem, keys), Index: i}
		out = append(out, slices.Concat(fieldSteps("webhooks"), []fieldpath.Step{at}, fieldSteps("clientConfig", "caBundle")))
	}
	return out
}

func fieldSteps(fields ...string) []fieldpath.Step {
	out := make([]fieldpath.Step, len(fields))
	for i, f := range fields {
		out[i].Field = f
	}
	return out
}

// dropEqual removes a value that all sides have alike. One that applying alters,
// as it does where Git had it once, stays: no difference may go unseen.
func dropEqual(sides []map[string]any, steps []fieldpath.Step) {
	first, _ := fieldpath.At(sides[0], steps)
	for _, side := range sides {
		if v, has := fieldpath.At(side, steps); !has || !fieldpath.Equal(v, first) {
			return
		}
	}
	last := len(steps) - 1
	for _, side := range sides {
		holder, _ := fieldpath.At(side, steps[:last])
		if m, ok := holder.(map[string]any); ok {
			delete(m, steps[last].Field)
		}
	}
}

// injectedPlace reports whether what a live object has in a place is left out of
// its sides, unless Git writes it.
func injectedPlace(id model.ObjectID, live map[string]any, steps []fieldpath.Step) bool {
	if _, has := fieldpath.At(live, steps); !has {
		return false
	}
	places := injectedPlaces(id, []map[string]any{live})
	for _, key := range bookkeeping {
		places = append(places, fieldSteps("metadata", "annotations", key))
	}
	path := fieldpath.Join(steps)
	return slices.ContainsFunc(places, func(p []fieldpath.Step) bool { return fieldpath.Join(p) == path })
}

// keepWritten puts bookkeeping back into the sides of a comparison that applying
// writes: annotations that Git has, as an object does that was copied from a
// cluster, and those that it had and that are taken away.
func keepWritten(rendered, live, predicted, before, after map[string]any) {
	was, is := mapAt(live, "metadata", "annotations"), mapAt(predicted, "metadata", "annotations")
	for _, key := range bookkeeping {
		_, inGit := mapAt(rendered, "metadata", "annotations")[key]
		old, hasOld := was[key]
		new, hasNew := is[key]
		goes := hasOld && !hasNew && predicted != nil && key != lastAppliedAnnotation // kubectl's own goes with the migration of its fields
		if !inGit && !goes {
			continue
		}
		if hasOld {
			annotate(before, key, old)
		}
		if hasNew {
			annotate(after, key, new)
		}
	}
}

// writesBookkeeping reports whether keepWritten has something to put back into
// an object that nothing changes.
func writesBookkeeping(rendered map[string]any) bool {
	annotations := mapAt(rendered, "metadata", "annotations")
	return slices.ContainsFunc(bookkeeping, func(key string) bool { _, has := annotations[key]; return has })
}

func annotate(fields map[string]any, key string, value any) {
	metadata := mapAt(fields, "metadata")
	if metadata == nil {
		return
	}
	annotations, ok := metadata["annotations"].(map[string]any)
	if !ok {
		annotations = map[string]any{}
		metadata["annotations"] = annotations
	}
	annotations[key] = value
}
