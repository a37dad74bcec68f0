package repo

import (
	"strconv"

	"github.com/fairtide-dev/fairtide/internal/fieldrule"
	"github.com/fairtide-dev/fairtide/model"
)

// withheld stands for a value that a rule marks as not to be shown.
type withheld struct{}

// withhold takes the values that rules mark out of the differences of an
// object, so that no summary says them. Items of a list stand in a path by
// their name, so that a rule for one position is taken to mean them all.
func withhold(rules []model.FieldRule, id model.ObjectID, diffs []difference) []difference {
	for _, r := range rules {
		if r.Pointer == "" || !fieldrule.Applies(r, id.Kind) {
			continue
		}
		parts, err := fieldrule.Split(r.Pointer)
		if err != nil {
			continue // the configuration is checked when it is read
		}
		for i, d := range diffs {
			if covered(parts, d.path) {
				diffs[i].old, diffs[i].now = without(d.old), without(d.now)
			}
		}
	}
	return diffs
}

// without keeps only that there is no value.
func without(v any) any {
	if v, ok := v.(gone); ok {
		return v
	}
	return withheld{}
}

// covered reports whether a pointer and a path meet: at the path, above it, or
// below it, where the difference holds a marked value.
func covered(pointer, path []string) bool {
	for i := range min(len(pointer), len(path)) {
		if _, err := strconv.Atoi(pointer[i]); err == nil || pointer[i] == fieldrule.Any {
			continue
		}
		if pointer[i] != path[i] {
			return false
		}
	}
	return true
}
