package cluster

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
	"github.com/fairtide-dev/fairtide/model"
)

// placeInWaves finds the wave that each object is written in.
func (w *riskWorld) placeInWaves() {
	keys := make([]model.WaveKey, len(w.objects))
	var all []model.WaveKey
	for i, o := range w.objects {
		planned := model.PlannedObject{ID: o.id, Verdict: o.verdict, Before: o.before, After: o.after, TakesOwnership: o.takes}
		o.ordered = planned.OrderedBy()
		key, written := planned.InWave()
		if keys[i] = -1; written {
			keys[i] = key
			all = append(all, key)
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	w.waves = len(all)
	for i, o := range w.objects {
		if at, written := slices.BinarySearch(all, keys[i]); written {
			o.wave = at + 1
		}
	}
}

// podNeed is an object without which a pod does not start; key is what has to be
// in it.
type podNeed struct {
	id  model.ObjectID
	key string
}

// needsOf lists what the pods of a template need in their namespace.
func needsOf(t podTemplate, namespace string) []podNeed {
	var out []podNeed
	need := func(kind, name, key string, ref map[string]any) {
		if name != "" && ref["optional"] != true {
			out = append(out, podNeed{model.ObjectID{Kind: kind, Namespace: namespace, Name: name}, key})
		}
	}
	kinds := map[string]string{"configMap": "ConfigMap", "secret": "Secret"}
	for _, c := range t.containers() {
		for field, kind := range kinds {
			for _, from := range mapsAt(c.fields, "envFrom") {
				ref := mapAt(from, field+"Ref")
				need(kind, textAt(ref, "name"), "", ref)
			}
			for _, env := range mapsAt(c.fields, "env") {
				ref := mapAt(env, "valueFrom", field+"KeyRef")
				need(kind, textAt(ref, "name"), textAt(ref, "key"), ref)
			}
		}
	}
	for _, v := range mapsAt(t.spec, "volumes") {
		for _, source := range append(mapsAt(mapAt(v, "projected"), "sources"), v) {
			for field, kind := range kinds {
				ref := mapAt(source, field)
				name := textAt(ref, "name")
				if secret := textAt(ref, "secretName"); secret != "" { // so it is called in a volume
					name = secret
				}
				need(kind, name, "", ref)
				for _, item := range mapsAt(ref, "items") {
					need(kind, name, textAt(item, "key"), ref)
				}
			}
		}
		need("PersistentVolumeClaim", textAt(mapAt(v, "persistentVolumeClaim"), "claimName"), "", nil)
	}
	if account := textAt(t.spec, "serviceAccountName"); account != "default" { // which is made with the namespace
		need("ServiceAccount", account, "", nil)
	}
	if class := textAt(t.spec, "priorityClassName"); class != "" {
		out = append(out, podNeed{id: model.ObjectID{Group: "scheduling.k8s.io", Kind: "PriorityClass", Name: class}})
	}
	return out
}

// startsPods reports whether applying an object starts pods that it waits for.
func (o *riskObject) startsPods() (t podTemplate, ok bool) {
	after, ok := o.templateAfter()
	spec := mapAt(o.after, "spec")
	replicas, sized := number(spec["replicas"])
	switch {
	case !ok, o.is("batch", "CronJob"), spec["suspend"] == true, spec["paused"] == true, sized && replicas == 0:
		return after, false
	case o.before == nil, o.verdict == model.VerdictReplace:
		return after, true
	}
	was, _ := number(mapAt(o.before, "spec")["replicas"])
	more := sized && replicas > was
	if fieldpath.Equal(mapAt(o.before, "spec", "template"), mapAt(o.after, "spec", "template")) {
		return after, more
	}
	byHand, behind := o.keepsPods()
	return after, !behind && (more || !byHand)
}

// keepsPods reports whether a set's pods stay as they are when its template
// changes: until they are deleted by hand, or because its partition holds all of
// them back, also those that it starts meanwhile.
func (o *riskObject) keepsPods() (byHand, behind bool) {
	if !o.is("apps", "StatefulSet", "DaemonSet") {
		return false, false
	}
	strategy := mapAt(o.after, "spec", "updateStrategy")
	if strategy["type"] == "OnDelete" {
		return true, false
	}
	partition, _ := number(mapAt(strategy, "rollingUpdate")["partition"])
	return false, o.id.Kind == "StatefulSet" && partition >= replicasAt(o.after)
}

// judgeOrder says of a workload that its pods need what the plan makes only in a
// later wave, which does not begin before the workload is ready.
func (w *riskWorld) judgeOrder(o *riskObject) {
	if !w.gated || o.wave == 0 {
		return
	}
	t, starts := o.startsPods()
	if !starts {
		return
	}
	needs := needsOf(t, o.id.Namespace)
	slices.SortFunc(needs, func(a, b podNeed) int {
		return cmp.Or(a.id.Compare(b.id), strings.Compare(a.key, b.key))
	})
	var told model.ObjectID
	for _, need := range needs {
		n := w.byID[need.id]
		if n == nil || n.wave <= o.wave || n.id == told {
			continue
		}
		what := n.id.String()
		switch {
		case n.before == nil && n.live == nil:
		case need.key != "" && !holdsKey(n.before, need.key) && holdsKey(n.after, need.key):
			what = fmt.Sprintf("key %s of %s", need.key, what)
		default:
			continue // it is there
		}
		told = n.id
		why, remedy := "", fmt.Sprintf("give %s an earlier wave, or the %s a later one", n.name(), o.id.Kind)
		if n.ordered != "" {
			why = fmt.Sprintf(" (annotation %s)", n.ordered)
		} else if o.ordered != "" {
			why = fmt.Sprintf(" (%s is applied earlier by annotation %s)", o.name(), o.ordered)
		}
		o.danger(riskLaterWave, "%s waits for %s, which this plan applies only in wave %d of %d%s, and that wave waits for the %s; %s",
			o.id, what, n.wave, w.waves, why, o.id.Kind, remedy)
	}
}

// holdsKey reports whether a ConfigMap or Secret has a key.
func holdsKey(object map[string]any, key string) bool {
	for _, part := range []string{"data", "binaryData", "stringData"} {
		if _, ok := mapAt(object, part)[key]; ok {
			return true
		}
	}
	return false
}
