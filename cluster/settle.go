package cluster

import (
	"context"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairtide-dev/fairtide/model"
)

// settling finds the objects that applying would not alter, from what a LIST
// says of them, without a dry-run each. That is a proof, not a guess: where any
// step of it is in doubt, the object gets its dry-run.
//
// A server-side apply lays the applied fields over the live ones, takes away
// those that the same manager applied before and does not any more, and writes
// down which fields the manager applied. Our own entry in the live object's
// managedFields is what was written down the last time. If the render has
// exactly the fields of that entry (so that none goes away and the entry stays
// as it is), at the same version, and every one of them is live with the value
// and in the order that is rendered, the result is the live object.
//
// Then the result goes through the server's defaulting, its admission and the
// kind's own update, as it would if nothing had been applied to it:
//   - Defaults are in what a LIST returns already.
//   - Of the admission plugins that are built in, those that alter an update
//     which changes nothing concern pods alone (DefaultTolerationSeconds,
//     Priority, AlwaysPullImages, PodTolerationRestriction, LimitRanger);
//     pods are not settled. Those for storage classes, ingress classes, service
//     accounts and storage protection act on create. EventRateLimit, quota,
//     OwnerReferencesPermissionEnforcement and the like refuse, but do not alter.
//   - Mutating webhooks and policies can do anything: see mutators. A server
//     that is started with some which its API does not show needs Full.
//   - Groups that another server serves (aggregated APIs) have admission of
//     their own; their objects are not settled.
//
// What would refuse the same object again (validating admission, a schema made
// stricter) is not asked: nothing is sent for an object that is unchanged.
type settling struct {
	mu       sync.Mutex
	blind    bool // the mutators could not be read, so there may be any
	mutators []mutator
	shapes   map[schema.GroupVersionKind]*shape // of custom kinds
	reading  sync.WaitGroup                     // the reads of both
}

// builtInGroups are the API groups whose kinds kube-apiserver serves itself and
// whose merge structure is compiled in.
var builtInGroups = map[string]bool{
	"": true, "apps": true, "batch": true, "autoscaling": true, "policy": true,
	"networking.k8s.io": true, "rbac.authorization.k8s.io": true, "storage.k8s.io": true,
	"scheduling.k8s.io": true, "coordination.k8s.io": true, "discovery.k8s.io": true,
	"node.k8s.io": true, "admissionregistration.k8s.io": true, "apiextensions.k8s.io": true,
	"apiregistration.k8s.io": true, "certificates.k8s.io": true, "flowcontrol.apiserver.k8s.io": true,
}

// prepareSettling lists what has to be read before objects can be settled, as
// reads that may run side by side with those of the live objects.
func (p *predictor) prepareSettling(items []*planItem) []func(context.Context) error {
	if p.req.Rendered == nil || p.req.Full {
		return nil // one object judged again, or everything to be asked for
	}
	s := &settling{shapes: map[schema.GroupVersionKind]*shape{}}
	p.settling = s
	reads := p.readMutators(s)
	asked := map[string]bool{}
	for _, it := range items {
		if it.mapping == nil || builtInGroups[it.object.ID.Group] {
			continue
		}
		resource := it.mapping.Resource
		if name := resource.Resource + "." + resource.Group; !asked[name] {
			asked[name] = true
			reads = append(reads, func(ctx context.Context) error { return p.readShapes(ctx, s, name) })
		}
	}
	s.reading.Add(len(reads))
	for i, read := range reads {
		reads[i] = func(ctx context.Context) error {
			defer s.reading.Done()
			return read(ctx)
		}
	}
	return reads
}

// settleEarly settles an item as soon as it is listed, and lets go of the
// fields its managers own: they are the larger part of most objects, and who
// owns what is of no interest where nothing changes. It waits for the reads of
// prepareSettling, which are begun before any list is.
func (p *predictor) settleEarly(it *planItem) {
	if p.settling == nil || len(p.req.Keep) > 0 {
		return // what is kept alters the object that is applied
	}
	p.settling.reading.Wait()
	if it.unaltered = p.settling.unaltered(it); !it.unaltered {
		return
	}
	for _, e := range sliceAt(mapAt(it.live, "metadata"), "managedFields") {
		if entry, ok := e.(map[string]any); ok {
			entry["fieldsV1"] = map[string]any(nil)
		}
	}
}

// settled judges an item without asking the server, if that can be proved to
// give the answer the server would.
func (p *predictor) settled(it *planItem) bool {
	if p.settling == nil || it.live == nil || !it.unaltered && !p.settling.unaltered(it) {
		return false
	}
	side := p.settledSide(it)
	it.planned.Verdict, it.planned.Prediction = model.VerdictUnchanged, model.PredictedFromList
	it.planned.Before, it.planned.After, it.planned.Mask = side, side, p.env.Mask
	return true
}

// settledSide is the one side of an object that nothing changes. Where nothing
// has to be taken out or masked in it, it shares its values with the live
// object: of thousands of objects, most are settled, and few are looked at.
func (p *predictor) settledSide(it *planItem) map[string]any {
	id := it.object.ID
	if !podTemplateGroups[id.Group] || id.Kind == "Secret" || isSecret(it.live) || len(p.mask.rules) > 0 || writesBookkeeping(it.object.Fields) ||
		len(injectedPlaces(id, []map[string]any{it.live})) > 0 || hasZeroTimestamp(it.live) {
		side := normalise(it.live, false)
		keepWritten(it.object.Fields, it.live, it.live, side, side)
		dropInjected(it.object, side)
		return p.mask.object(id, side)
	}
	side := normalise(map[string]any{"metadata": it.live["metadata"]}, false)
	for key, value := range it.live {
		if key != "metadata" && key != "status" {
			side[key] = value
		}
	}
	return side
}

// hasZeroTimestamp reports whether dropZeroTimestamps would alter a value.
func hasZeroTimestamp(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		for key, child := range v {
			if key == "creationTimestamp" && child == nil || hasZeroTimestamp(child) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, hasZeroTimestamp)
	}
	return false
}

// unaltered reports whether applying an item provably leaves its live object
// as it is.
func (s *settling) unaltered(it *planItem) bool {
	id := it.object.ID
	if id.Group == "" && id.Kind == "Pod" || it.live["apiVersion"] != it.object.Fields["apiVersion"] || s.mayMutate(it) {
		return false
	}
	owners := fieldOwners(it.live)
	own := ownEntry(owners)
	if own == nil || own.apiVersion != it.object.APIVersion() || len(migratable(it.live, it.object.APIVersion())) > 0 {
		return false
	}
	w := fieldWalk{podTemplates: podTemplateGroups[id.Group]}
	root := builtInShape
	if !builtInGroups[id.Group] {
		s.mu.Lock()
		root = s.shapes[it.mapping.GroupVersionKind]
		s.mu.Unlock()
	}
	return root != nil && w.object(own.fields, it.object.Fields, it.live, root)
}

// namespacedKind reports whether objects of a mapping live in namespaces.
func namespacedKind(m *meta.RESTMapping) bool {
	return m.Scope.Name() == meta.RESTScopeNameNamespace
}
