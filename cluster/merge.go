package cluster

import "github.com/fairtide-dev/fairtide/internal/fieldpath"

// mergeLocally lays a rendered object over the live one, as far as that can be
// done without the server's schema: maps by key, lists of named elements by
// their name, everything else replaced. It is good enough to show what a
// change that the server refuses, or cannot judge yet, is about; it is never
// what gets applied.
func mergeLocally(live, rendered map[string]any) map[string]any {
	merged, _ := mergeValues(live, rendered).(map[string]any)
	return merged
}

func mergeValues(live, rendered any) any {
	switch r := rendered.(type) {
	case map[string]any:
		l, _ := live.(map[string]any)
		out, _ := cloneValue(l).(map[string]any)
		if out == nil {
			out = map[string]any{}
		}
		for k, v := range r {
			if v == nil {
				delete(out, k) // null means absent to an apply
				continue
			}
			out[k] = mergeValues(l[k], v)
		}
		return out
	case []any:
		l, ok := live.([]any)
		if !ok {
			l = nil
		}
		return mergeLists(l, r)
	}
	return rendered
}

// mergeLists keeps the order of the rendered list and drops live elements it
// lacks: whose they are cannot be told without the schema.
func mergeLists(live, rendered []any) []any {
	var keys []string
	if fieldpath.AllMaps(live) && fieldpath.AllMaps(rendered) {
		keys = fieldpath.ListKeys(live, rendered)
	}
	byLabel := map[string]any{}
	if keys != nil {
		for _, e := range live {
			byLabel[fieldpath.Label(e, keys)] = e
		}
	}
	out := make([]any, len(rendered))
	for i, e := range rendered {
		var was any
		if keys != nil {
			was = byLabel[fieldpath.Label(e, keys)]
		}
		out[i] = mergeValues(was, e)
	}
	return out
}
