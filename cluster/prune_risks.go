package cluster

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fairtide-dev/fairtide/model"
)

// The names of the risks of a deletion, besides those of its kind.
const (
	riskHasFinalizers = "has-finalizers"
	riskDeletesMore   = "deletes-dependants" // what goes with the object
	riskDeletesOthers = "deletes-others"     // of that, what is not the environment's
)

// deleteRisks judges the removal of an object that left Git by its kind. What
// holds data, or what others live in, needs its name typed.
func deleteRisks(id model.ObjectID) []model.Risk {
	danger := func(format string, args ...any) []model.Risk {
		return []model.Risk{{Name: riskDeletesData, Severity: model.SeverityDanger, Message: fmt.Sprintf(format, args...), TypeName: true}}
	}
	plain := model.Risk{Name: riskDeletesObject, Severity: model.SeverityWarning, Message: "is deleted: it is no longer in Git"}
	switch (model.ObjectID{Group: id.Group, Kind: id.Kind}) {
	case model.ObjectID{Kind: "Namespace"}:
		return danger("deletes namespace %s with everything in it", id.Name)
	case model.ObjectID{Kind: "PersistentVolumeClaim"}, model.ObjectID{Kind: "PersistentVolume"}:
		return danger("deletes the data of volume %s, unless its reclaim policy keeps it", id.Name)
	case model.ObjectID{Group: crdKind.Group, Kind: crdKind.Kind}:
		return danger("deletes every object of the kind %s, in all namespaces", id.Name)
	case model.ObjectID{Group: "apps", Kind: "StatefulSet"}:
		return danger("deletes the pods that serve the data of %s", id.Name)
	case model.ObjectID{Group: "storage.k8s.io", Kind: "StorageClass"}:
		plain.Message, plain.TypeName = "is deleted: no volume of this class can be made or grown any more", true
	}
	return []model.Risk{plain}
}

// finalizerRisk names what has to happen before the object is gone; what that
// deletes elsewhere is not known here.
func finalizerRisk(live map[string]any) []model.Risk {
	names := finalizers(live)
	if len(names) == 0 {
		return nil
	}
	return []model.Risk{{
		Name: riskHasFinalizers, Severity: model.SeverityWarning, TypeName: true,
		Message: fmt.Sprintf("is gone only when %s lets it go, which may delete more", finalizerWords(names)),
	}}
}

// finalizers lists what has to be done before an object is gone, sorted.
func finalizers(live map[string]any) []string {
	var out []string
	for _, from := range []map[string]any{mapAt(live, "metadata"), mapAt(live, "spec")} {
		if from == nil {
			continue
		}
		for _, f := range sliceAt(from, "finalizers") {
			// Every namespace has this one; it is how its contents are deleted.
			if name, ok := f.(string); ok && name != "kubernetes" {
				out = append(out, plainLine(name, 100))
			}
		}
		if live["kind"] != "Namespace" {
			break // only a namespace has them in its spec
		}
	}
	return sortedStrings(out)
}

// finalizerWords names finalizers in a sentence.
func finalizerWords(names []string) string {
	if len(names) == 1 {
		return "finalizer " + names[0]
	}
	return "each of the finalizers " + strings.Join(names, ", ")
}

// tally counts things by kind.
type tally map[string]int

func (t tally) total() int {
	n := 0
	for _, count := range t {
		n += count
	}
	return n
}

// words says the counts, the greatest first: "4 × Pod, 2 × ReplicaSet".
func (t tally) words() string {
	kinds := make([]string, 0, len(t))
	for k := range t {
		kinds = append(kinds, k)
	}
	slices.SortFunc(kinds, func(a, b string) int {
		if t[a] != t[b] {
			return t[b] - t[a]
		}
		return strings.Compare(a, b)
	})
	parts := make([]string, 0, len(kinds))
	for _, k := range kinds {
		parts = append(parts, fmt.Sprintf("%d × %s", t[k], k))
	}
	return listed(parts, 8)
}

// listed writes a list of which at most so many parts are named.
func listed(parts []string, most int) string {
	if more := len(parts) - most; more > 0 {
		return strings.Join(parts[:most], ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(parts, ", ")
}
