package cluster

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/fairtide-dev/fairtide/model"
)

// neverPruned are the namespaces every cluster has; deleting one breaks it.
var neverPruned = map[string]bool{
	metav1.NamespaceSystem: true, metav1.NamespacePublic: true,
	"kube-node-lease": true, metav1.NamespaceDefault: true,
}

// keptBecause says why a live object is not to be pruned; empty: it may be.
func keptBecause(id model.ObjectID, live map[string]any) string {
	if id.Group == "" && id.Kind == "Namespace" && neverPruned[id.Name] {
		return "kept: every cluster needs this namespace"
	}
	if mark := model.KeepMark(live); mark != "" {
		return "kept: " + mark
	}
	for _, o := range foreignOwners(id, live, "", "") {
		if o.undoes { // what runs in the cluster may make it again, or need it
			return "kept: " + o.name + " keeps it"
		}
	}
	others := false // an object without fields, such as a plain Namespace, has no owners
	for _, o := range fieldOwners(live) {
		if o.manager == FieldManager {
			return ""
		}
		others = others || o.subresource == ""
	}
	if others {
		return "kept: fairtide owns none of its fields any more"
	}
	return ""
}

// pruner finds the verdicts of the objects that left Git.
type pruner struct {
	*predictor
	items   []*planItem // of what is rendered
	claims  *claims     // of the other environments
	cascade *cascade
}

// prune finds the objects of the inventory that left Git. Those that are gone,
// or were made anew by somebody else, are none of ours any more and have no
// row. One that is kept has a row that says why; so has one that a run meant to
// create, and was cut off before it could note that it had.
func (p *predictor) prune(ctx context.Context, items []*planItem, inventory []model.InventoryEntry) ([]*planItem, error) {
	if !p.env.Prune.Enabled {
		return nil, nil
	}
	candidates, err := p.leftGit(ctx, items, inventory)
	if err != nil || len(candidates) == 0 {
		return nil, err
	}
	j := &pruner{predictor: p, items: items}
	if j.claims, err = p.otherClaims(ctx); err != nil {
		return nil, p.c.operatorError(ctx, err)
	}
	j.cascade = p.c.newCascade(inventory)
	err = eachBounded(ctx, len(candidates), readers, func(ctx context.Context, i int) error {
		return j.judge(ctx, candidates[i])
	})
	if err != nil {
		return nil, p.c.operatorError(ctx, err)
	}
	var out []*planItem
	for _, it := range candidates {
		if it.planned.Verdict != "" {
			out = append(out, it)
		}
	}
	return out, nil
}

// leftGit are the objects of the inventory that are not rendered, with their
// kinds' resources.
func (p *predictor) leftGit(ctx context.Context, items []*planItem, inventory []model.InventoryEntry) ([]*planItem, error) {
	rendered := make(map[model.ObjectID]bool, len(items))
	uids := map[string]bool{} // one object can be read under two API groups
	for _, it := range items {
		rendered[it.object.ID] = true
		if it.live != nil {
			uids[metaString(it.live, "uid")] = true
		}
	}
	kinds := newKindResolver(p.c)
	var candidates []*planItem
	for _, e := range inventory {
		if rendered[e.ID] || uids[e.UID] {
			continue
		}
		it := &planItem{object: model.Object{ID: e.ID, Version: e.Version}, keep: e.Keep, marks: p.env.Mask}
		it.planned = model.PlannedObject{ID: e.ID, Version: e.Version, Left: true, Live: model.LiveRef{UID: e.UID}}
		m, err := p.pruneMapping(ctx, kinds, e)
		switch {
		case err == nil:
			it.mapping = m
			it.object.Version = m.GroupVersionKind.Version
			it.planned.Version = it.object.Version
		case !meta.IsNoMatchError(err):
			return nil, err
		default:
			why := p.c.brokenGroup(e.ID.Group)
			if why == nil {
				continue // the kind is gone, and its objects with it
			}
			it.planned.Verdict = model.VerdictUnpredictable
			it.planned.Reason = "left Git, but its API group does not answer: " + plainLine(why.Error(), reasonMost)
		}
		candidates = append(candidates, it)
	}
	return candidates, nil
}

// pruneMapping finds an inventory entry's resource, at another version if the
// one it was applied at is no longer served.
func (p *predictor) pruneMapping(ctx context.Context, kinds *kindResolver, e model.InventoryEntry) (*meta.RESTMapping, error) {
	m, err := kinds.resolve(ctx, e.ID, e.Version)
	if !meta.IsNoMatchError(err) {
		return m, err
	}
	m, anyErr := p.c.mapper.RESTMapping(groupKind(e.ID))
	if anyErr != nil {
		return nil, err
	}
	return m, nil
}

// judge finds the verdict of an object that left Git; none when there is
// nothing left to prune. The deletion is tried as a dry-run, so that a missing
// permission or a webhook's veto shows in the plan.
func (j *pruner) judge(ctx context.Context, it *planItem) error {
	if it.mapping == nil {
		return nil // judged already
	}
	uid := it.planned.Live.UID
	for range mostReadings {
		if err := j.read(ctx, it); err != nil {
			return err
		}
		if it.readErr != nil {
			it.planned.Verdict = model.VerdictUnpredictable
			it.planned.Reason = "left Git, but " + j.readReason(it, it.readErr)
			return nil //nolint:nilerr // not being able to read it is the object's verdict
		}
		if it.live == nil || uid != "" && metaString(it.live, "uid") != uid || uid == "" && ownEntry(fieldOwners(it.live)) == nil {
			it.planned.Verdict = ""
			return nil
		}
		if uid != "" { // else the inventory must not come to know it as ours by way of the plan
			it.planned.Live = liveRef(it.live)
		}
		side := j.mask.object(it.object.ID, normalise(it.live, false))
		it.planned.Going = metaString(it.live, "deletionTimestamp") != ""
		it.planned.Mask = j.env.Mask // its delete compares under the same rules
		if why := j.whyKept(it); why != "" {
			it.planned.Verdict, it.planned.Reason = model.VerdictUnchanged, why
			it.planned.Before, it.planned.After = side, side
			return nil
		}
		err := j.c.remove(ctx, it, it.planned.Live, true)
		if err == nil {
			it.planned.Verdict, it.planned.Before = model.VerdictDelete, side
			return j.explainDelete(ctx, it)
		}
		if concernsAll(ctx, err) {
			return err
		}
		if !isConflict(err) {
			it.planned.Verdict, it.planned.Before = model.VerdictUnpredictable, side
			it.planned.Reason = "left Git, but cannot be deleted: " + readRefusal(err, it.object.ID, it.mapping, true).reason
			return nil
		}
	}
	it.planned.Verdict = model.VerdictUnpredictable
	it.planned.Reason = "left Git, but changes faster than its deletion can be tried; try again"
	return nil
}

// explainDelete says what a deletion takes with it. What is not the
// environment's is part of what is approved.
func (j *pruner) explainDelete(ctx context.Context, it *planItem) error {
	risks, others, err := j.cascade.risks(ctx, it)
	if err != nil {
		return err
	}
	it.planned.Risks = risks
	if others != "" {
		it.planned.Reason = "with it go " + others
	}
	sortRisks(it.planned.Risks)
	return nil
}

func (j *pruner) whyKept(it *planItem) string {
	if metaString(it.live, "deletionTimestamp") != "" {
		return "is being deleted already: " + heldBy(it.live)
	}
	if it.planned.Live.UID == "" {
		return "kept: left Git, and a run that was cut off may have made it; delete it by hand if nothing else needs it"
	}
	if it.keep != "" {
		return "kept: when it left Git it had " + it.keep
	}
	if why := keptBecause(it.object.ID, it.live); why != "" {
		return why
	}
	if why := j.keptForOthers(it); why != "" {
		return why
	}
	return j.keptForContents(it)
}

// keptForOthers keeps what another environment applies: an environment that was
// renamed or split must not take the other's objects away.
func (j *pruner) keptForOthers(it *planItem) string {
	if env := j.claims.of(it.object.ID, it.planned.Live.UID); env != "" {
		return fmt.Sprintf("kept: environment %s applies it too; should there be no such environment any more, delete its record: kubectl -n %s delete configmap %s",
			plainLine(env, 60), j.c.cfg.StateNamespace, plainLine(stateName(env), 80))
	}
	if j.claims.unknown != "" {
		return "kept: " + j.claims.unknown
	}
	return ""
}

// keptForContents keeps what other objects live in, or are of: those of this
// plan, those of other environments, and the records.
func (j *pruner) keptForContents(it *planItem) string {
	var inside func(model.ObjectID) bool
	id := it.object.ID
	switch {
	case id.Group == "" && id.Kind == "Namespace":
		if id.Name == j.c.cfg.StateNamespace {
			return "kept: fairtide's records are in it"
		}
		inside = func(o model.ObjectID) bool { return o.Namespace == id.Name }
	case groupKind(id) == crdKind:
		spec := mapAt(it.live, "spec")
		group, _ := spec["group"].(string)
		kind, _ := mapAt(spec, "names")["kind"].(string)
		inside = func(o model.ObjectID) bool { return o.Group == group && o.Kind == kind }
	default:
		return ""
	}
	n := 0
	for _, other := range j.items {
		if inside(other.object.ID) {
			n++
		}
	}
	if n > 0 {
		return fmt.Sprintf("kept: %s of this plan would go with it; write it to Git again", countOf(n, "object"))
	}
	if env, n := j.claims.matching(inside); n > 0 {
		return fmt.Sprintf("kept: %s of environment %s would go with it", countOf(n, "object"), plainLine(env, 60))
	}
	return ""
}

// recordNote warns of an environment that was applied to and has no record:
// what left Git since is not known, and stays.
func (p *predictor) recordNote(items []*planItem, state model.State) string {
	if state.ResourceVersion != "" {
		return ""
	}
	n := 0
	for _, it := range items {
		if it.live != nil && ownEntry(fieldOwners(it.live)) != nil {
			n++
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("fairtide has applied %s of this plan before, but there is no record of it (ConfigMap %s/%s): was it deleted, or the environment renamed? Nothing that left Git is pruned",
		countOf(n, "object"), p.c.cfg.StateNamespace, stateName(p.env.Name))
}

// remove sends a deletion that takes effect only on the pinned reading. What
// the object owns is deleted in the background.
func (c *Client) remove(ctx context.Context, it *planItem, pin model.LiveRef, dryRun bool) error {
	if pin.UID == "" || pin.ResourceVersion == "" {
		return errors.New("a deletion needs the reading it was planned from")
	}
	uid, background := types.UID(pin.UID), metav1.DeletePropagationBackground
	opts := metav1.DeleteOptions{
		PropagationPolicy: &background,
		Preconditions:     &metav1.Preconditions{UID: &uid, ResourceVersion: &pin.ResourceVersion},
	}
	if dryRun {
		opts.DryRun = []string{metav1.DryRunAll}
	}
	return scrub(it, c.resource(it.mapping, it.object.ID.Namespace).Delete(ctx, it.object.ID.Name, opts))
}
