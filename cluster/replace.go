package cluster

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
	"github.com/fairtide-dev/fairtide/model"
)

// copyNames bounds how many names are tried for the copy of an object.
const copyNames = 4

// apiServiceKind is the kind whose objects are named by what is in them: version
// and group. A copy under another name would be another API.
var apiServiceKind = schema.GroupKind{Group: "apiregistration.k8s.io", Kind: "APIService"}

// mutableFields are what of a kind's spec can change although the server's
// refusal names the whole spec.
var mutableFields = map[schema.GroupKind][]string{
	{Group: "apps", Kind: "StatefulSet"}: {
		"spec.replicas", "spec.ordinals", "spec.template", "spec.updateStrategy", "spec.revisionHistoryLimit",
		"spec.persistentVolumeClaimRetentionPolicy", "spec.minReadySeconds",
	},
	{Kind: "PersistentVolumeClaim"}: {"spec.resources", "spec.volumeName", "spec.volumeAttributesClassName"},
}

// replaceItem is the verdict for an object of which a field would have to
// change that never can: it has to be deleted and made again. The second side
// is what the server makes of it as a new object.
func (p *predictor) replaceItem(ctx context.Context, it *planItem, r serverRefusal) error {
	id := it.object.ID
	it.planned.Verdict, it.planned.MayReplace = model.VerdictReplace, p.env.Replace.Allowed || p.req.Replace
	it.planned.Prediction = model.PredictedByServer
	after, unchecked, err := p.freshCopy(ctx, it)
	if err != nil {
		return err
	}
	p.show(it, replacedSide(it), after)
	p.explainUpdate(it)
	changes := immutableChanges(id, r.fields, fieldpath.Diff(it.planned.Before, it.planned.After))
	for _, c := range changes {
		it.planned.Immutable = append(it.planned.Immutable, c.Path)
	}
	it.planned.Reason = r.reason
	if words := changedWords(changes); words != "" {
		it.planned.Reason += ": " + words
	}
	it.planned.Risks = append(it.planned.Risks, p.replaceRisks(ctx, it)...)
	if unchecked.reason != "" {
		it.planned.Prediction = model.PredictedLocally
		it.planned.Risks = append(it.planned.Risks, replaceRisk(model.SeverityDanger, riskUnchecked,
			"the server did not check that it can be made again: %s", unchecked.reason))
	}
	sortRisks(it.planned.Risks)
	return p.replaceProblem(ctx, it, unchecked)
}

// replaceProblem says why a replacement would fail before it does: it is not
// allowed, the object may not be deleted, or could not be made again.
func (p *predictor) replaceProblem(ctx context.Context, it *planItem, unchecked copyRefusal) error {
	id := it.object.ID
	switch {
	case !it.planned.MayReplace:
		it.problem = fmt.Sprintf("%s: %s; applying it fails unless it may be deleted and made again: "+
			"allow that with replace: {allowed: true} in the environment's configuration, or this once with `fairtide apply --replace`", id, it.planned.Reason)
		return nil
	case unchecked.fatal:
		it.problem = fmt.Sprintf("%s: %s; it could be deleted but not made again: %s", id, it.planned.Reason, unchecked.reason)
		return nil
	}
	err := p.c.removeWith(ctx, it, it.planned.Live, replacePropagation(id), true)
	switch {
	case err == nil, isConflict(err): // one that moved is found when it is written
		return nil
	case concernsAll(ctx, err):
		return err
	}
	it.problem = fmt.Sprintf("%s: %s; it cannot be deleted to be made again: %s", id, it.planned.Reason,
		readRefusal(err, id, it.mapping, true).reason)
	return nil
}

// replacedSide is the first side of a replacement, not masked yet.
func replacedSide(it *planItem) map[string]any {
	before := normalise(it.live, false)
	dropValue(before, metaString(it.live, "uid")) // a Job's labels name it; the new one gets another
	return before
}

// copyRefusal is why the server could not say what it makes of a new object.
type copyRefusal struct {
	reason string
	fatal  bool // making it would be refused, too
}

// freshCopy is what the server makes of an object as a new one, not masked
// yet. While it exists that cannot be tried under its own name, so it is under
// another one, which is then put right in the answer.
func (p *predictor) freshCopy(ctx context.Context, it *planItem) (map[string]any, copyRefusal, error) {
	id := it.object.ID
	local := func(r copyRefusal) (map[string]any, copyRefusal, error) {
		return normalise(mergeLocally(nil, it.object.Fields), false), r, nil
	}
	if groupKind(id) == apiServiceKind {
		return local(copyRefusal{reason: "the kind allows no other name to try it under"})
	}
	for try := range copyNames {
		name := copyName(id, try)
		twin := &planItem{object: copyOf(it, name), mapping: it.mapping, marks: it.marks}
		reply, err := p.c.tryApply(ctx, twin)
		switch {
		case err == nil && metaString(reply, "resourceVersion") != "":
			continue // there is such an object
		case err == nil:
			return renamed(it, twin, reply), copyRefusal{}, nil
		case concernsAll(ctx, err):
			return nil, copyRefusal{}, err
		}
		reason := readRefusal(err, id, it.mapping, false).reason
		// A copy counts against a quota that the object itself leaves.
		return local(copyRefusal{reason: reason, fatal: !strings.Contains(reason, "exceeded quota")})
	}
	return local(copyRefusal{reason: "the names to try it under are taken"})
}

// copyName is a name that nobody uses, and the same in every plan.
func copyName(id model.ObjectID, try int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%s %d", id.Group, id, try))
	return "fairtide-copy-" + hex.EncodeToString(sum[:5])
}

// copyOf is the rendered object under another name, without what the live one
// holds and nobody else can have at the same time.
func copyOf(it *planItem, name string) model.Object {
	o := it.object
	o.Fields, _ = cloneValue(o.Fields).(map[string]any)
	metadata, ok := o.Fields["metadata"].(map[string]any)
	if !ok {
		metadata = map[string]any{}
		o.Fields["metadata"] = metadata
	}
	if groupKind(o.ID) == crdKind { // which is named by what is in it, too
		spec := mapAt(o.Fields, "spec")
		plural, group := mapAt(spec, "names")["plural"], name+".example.com"
		spec["group"] = group
		name = fmt.Sprintf("%v.%s", plural, group)
	}
	o.ID.Name, metadata["name"] = name, name
	if o.ID.Group != "" || o.ID.Kind != "Service" {
		return o
	}
	spec, live := mapAt(o.Fields, "spec"), mapAt(it.live, "spec")
	if spec["clusterIP"] != corev1.ClusterIPNone && fieldpath.Equal(spec["clusterIP"], live["clusterIP"]) {
		delete(spec, "clusterIP")
		delete(spec, "clusterIPs")
	}
	delete(spec, "healthCheckNodePort")
	for _, p := range sliceAt(spec, "ports") {
		if port, ok := p.(map[string]any); ok {
			delete(port, "nodePort")
		}
	}
	return o
}

// renamed is the server's answer about a copy as one about the object.
func renamed(it, twin *planItem, reply map[string]any) map[string]any {
	uid := metaString(reply, "uid")
	after := normalise(reply, false)
	swapString(after, twin.object.ID.Name, it.object.ID.Name)
	if groupKind(it.object.ID) == crdKind {
		mapAt(after, "spec")["group"] = mapAt(it.object.Fields, "spec")["group"]
	}
	dropAllocated(it.object.ID, after, it.object.Fields, nil, uid)
	if it.object.ID.Group == "" && it.object.ID.Kind == "Service" {
		after = mergeLocally(after, normalise(it.object.Fields, false)) // what the copy could not have
	}
	return after
}

// swapString replaces every string value that is exactly another.
func swapString(v any, from, to string) {
	switch v := v.(type) {
	case map[string]any:
		for key, child := range v {
			if child == any(from) {
				v[key] = to
			} else {
				swapString(child, from, to)
			}
		}
	case []any:
		for i, child := range v {
			if child == any(from) {
				v[i] = to
			} else {
				swapString(child, from, to)
			}
		}
	}
}

// immutableChanges picks the changes that the server's refusal is about.
func immutableChanges(id model.ObjectID, fields []string, changes []fieldpath.Change) []fieldpath.Change {
	under := func(path, field string) bool {
		rest, ok := strings.CutPrefix(path, field)
		return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
	}
	var out []fieldpath.Change
	for _, c := range changes {
		path := c.Path
		named := slices.ContainsFunc(fields, func(f string) bool { return under(path, f) || under(f, path) })
		mutable := slices.Contains(fields, "spec") &&
			slices.ContainsFunc(mutableFields[groupKind(id)], func(f string) bool { return under(path, f) })
		if named && !mutable {
			out = append(out, c)
		}
	}
	return out
}
