package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/fairtide-dev/fairtide/model"
)

// keepMark is an annotation (or label, where a tool takes both) with which
// people say that an object is not to be pruned.
type keepMark struct {
	key    string
	values []string // any of them, also in a comma-separated list; case is ignored
	label  bool
}

// keepMarks are those of the tools that prune: Flux, Argo CD, Helm, cli-utils
// and kapp, from their documentation.
var keepMarks = []keepMark{
	{key: "kustomize.toolkit.fluxcd.io/prune", values: []string{"disabled"}, label: true},
	{key: "kustomize.toolkit.fluxcd.io/reconcile", values: []string{"disabled"}, label: true},
	{key: "kustomize.toolkit.fluxcd.io/ssa", values: []string{"ignore"}, label: true},
	{key: "argocd.argoproj.io/sync-options", values: []string{"prune=false", "prune=confirm", "delete=false", "delete=confirm"}},
	{key: "helm.sh/resource-policy", values: []string{"keep"}},
	{key: "client.lifecycle.config.k8s.io/deletion", values: []string{"detach"}},
	{key: "cli-utils.sigs.k8s.io/on-remove", values: []string{"keep"}},
	{key: "kapp.k14s.io/delete-strategy", values: []string{"orphan"}},
}

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
	for _, mark := range keepMarks {
		if v, ok := markValue(live, "annotations", mark); ok {
			return fmt.Sprintf("kept: annotation %s: %s", mark.key, v)
		}
		if v, ok := markValue(live, "labels", mark); ok && mark.label {
			return fmt.Sprintf("kept: label %s: %s", mark.key, v)
		}
	}
	for _, r := range sliceAt(mapAt(live, "metadata"), "ownerReferences") {
		if ref, ok := r.(map[string]any); ok && ref["controller"] == true {
			return plainLine(fmt.Sprintf("kept: %v %v controls it", ref["kind"], ref["name"]), reasonMost)
		}
	}
	for _, o := range fieldOwners(live) {
		if o.manager == FieldManager {
			return ""
		}
	}
	return "kept: fairtide owns none of its fields any more"
}

func markValue(live map[string]any, where string, mark keepMark) (string, bool) {
	text, _ := mapAt(live, "metadata", where)[mark.key].(string)
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		for _, want := range mark.values {
			if strings.EqualFold(part, want) {
				return part, true
			}
		}
	}
	return "", false
}

// prune finds the objects of the inventory that left Git. Those that are gone,
// or were made anew by somebody else, are none of ours any more and have no
// row. One that is kept has a row that says why; so has one that a run meant to
// create, and was cut off before it could note that it had.
func (p *predictor) prune(ctx context.Context, items []*planItem, inventory []model.InventoryEntry) ([]*planItem, error) {
	if !p.env.Prune.Enabled {
		return nil, nil
	}
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
		it := &planItem{object: model.Object{ID: e.ID, Version: e.Version}}
		it.planned = model.PlannedObject{ID: e.ID, Version: e.Version, Live: model.LiveRef{UID: e.UID}}
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
	err := eachBounded(ctx, len(candidates), readers, func(ctx context.Context, i int) error {
		return p.judgePrune(ctx, candidates[i])
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

// judgePrune finds the verdict of an object that left Git; none when there is
// nothing left to prune. The deletion is tried as a dry-run, so that a missing
// permission or a webhook's veto shows in the plan.
func (p *predictor) judgePrune(ctx context.Context, it *planItem) error {
	if it.mapping == nil {
		return nil // judged already
	}
	uid := it.planned.Live.UID
	for range mostReadings {
		if err := p.read(ctx, it); err != nil {
			return err
		}
		if it.readErr != nil {
			it.planned.Verdict = model.VerdictUnpredictable
			it.planned.Reason = "left Git, but " + p.readReason(it, it.readErr)
			return nil //nolint:nilerr // not being able to read it is the object's verdict
		}
		if it.live == nil || uid != "" && metaString(it.live, "uid") != uid || uid == "" && ownEntry(fieldOwners(it.live)) == nil {
			it.planned.Verdict = ""
			return nil
		}
		if uid != "" { // else the inventory must not come to know it as ours by way of the plan
			it.planned.Live = liveRef(it.live)
		}
		side := p.mask.object(it.object.ID, normalise(it.live, false))
		if why := p.whyKept(it); why != "" {
			it.planned.Verdict, it.planned.Reason = model.VerdictUnchanged, why
			it.planned.Before, it.planned.After = side, side
			return nil
		}
		it.planned.Verdict, it.planned.Before = model.VerdictDelete, side
		it.planned.Risks = deleteRisks(it.object.ID)
		err := p.c.remove(ctx, it, it.planned.Live, true)
		if err == nil {
			return nil
		}
		if concernsAll(ctx, err) {
			return err
		}
		if !isConflict(err) {
			it.planned.Verdict, it.planned.Risks = model.VerdictUnpredictable, nil
			it.planned.Reason = "left Git, but cannot be deleted: " + readRefusal(err, it.object.ID, it.mapping, true).reason
			return nil
		}
	}
	it.planned.Verdict, it.planned.Risks = model.VerdictUnpredictable, nil
	it.planned.Reason = "left Git, but changes faster than its deletion can be tried; try again"
	return nil
}

func (p *predictor) whyKept(it *planItem) string {
	if metaString(it.live, "deletionTimestamp") != "" {
		return "is being deleted already"
	}
	if it.planned.Live.UID == "" {
		return "kept: left Git, and a run that was cut off may have made it; delete it by hand if nothing else needs it"
	}
	return keptBecause(it.object.ID, it.live)
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
	return c.resource(it.mapping, it.object.ID.Namespace).Delete(ctx, it.object.ID.Name, opts)
}
