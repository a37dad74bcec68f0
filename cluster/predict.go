package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/fairtide-dev/fairtide/model"
)

const (
	// predictors is how many dry-runs are under way at once; more gain nothing
	// on a server with a few cores.
	predictors = 12
	// mostReadings bounds how often an object is read again because it changed
	// between its reading and its prediction.
	mostReadings = 6
	// withoutServer begins the reason of a verdict that the server had no part
	// in, because what it needs is created by the same plan.
	withoutServer = "predicted without the server: "
)

// predictor finds verdicts. It is used for a whole plan, and again for one
// object that moved before it was written.
type predictor struct {
	c      *Client
	env    model.Environment
	commit string
	mask   masker

	namespaces map[string]bool // rendered Namespaces
	crds       map[schema.GroupKind]renderedCRD
}

// applyBody is what an apply sends for an object: the object as rendered,
// without what only the server may write, pinned to a reading if there is one.
func applyBody(o model.Object, pin model.LiveRef) ([]byte, error) {
	fields, _ := cloneValue(o.Fields).(map[string]any)
	metadata := mapAt(fields, "metadata")
	for _, key := range serverMetadata {
		delete(metadata, key)
	}
	if metadata != nil && pin.UID != "" {
		metadata["uid"] = pin.UID
	}
	if metadata != nil && pin.ResourceVersion != "" {
		metadata["resourceVersion"] = pin.ResourceVersion
	}
	body, err := json.Marshal(fields)
	if err != nil {
		return nil, model.Errorf(model.ExitUsage, "%s: %s cannot be written as JSON: %w", describeSource(o), o.ID, err)
	}
	return body, nil
}

// patch sends a server-side apply. The plan's dry-run and the real apply go
// through here, so that they cannot differ in their options.
func (c *Client) patch(ctx context.Context, it *planItem, pin model.LiveRef, dryRun bool) (map[string]any, error) {
	body, err := applyBody(it.object, pin)
	if err != nil {
		return nil, err
	}
	force := true
	opts := metav1.PatchOptions{FieldManager: FieldManager, Force: &force}
	if dryRun {
		opts.DryRun = []string{metav1.DryRunAll}
	}
	reply, err := c.resource(it.mapping, it.object.ID.Namespace).Patch(ctx, it.object.ID.Name, types.ApplyPatchType, body, opts)
	if err != nil {
		return nil, err
	}
	return reply.Object, nil
}

// judge finds the verdict of an item whose live object has been read. An error
// is one that concerns every object; what concerns this one is its verdict.
func (p *predictor) judge(ctx context.Context, it *planItem) error {
	it.planned = model.PlannedObject{ID: it.object.ID, Version: it.object.Version, Source: it.object.Source}
	if it.mapping == nil {
		p.createLocally(it, "its CustomResourceDefinition is in this plan")
		return nil
	}
	for range mostReadings {
		if it.readErr != nil {
			p.unreadable(it)
			return nil //nolint:nilerr // not being able to read it is the object's verdict
		}
		it.planned.Live = liveRef(it.live)
		if it.blocked != "" {
			p.unpredictable(it, it.blocked)
			return nil
		}
		if since := metaString(it.live, "deletionTimestamp"); since != "" {
			p.unpredictable(it, "the live object is being deleted since "+plainLine(since, reasonMost)+"; wait until it is gone, or see which finalizer holds it")
			return nil
		}
		reply, err := p.c.patch(ctx, it, model.LiveRef{}, true)
		if err != nil {
			return p.refused(ctx, it, err)
		}
		// For a new object the reply has no resourceVersion, for an existing
		// one that of the object the prediction started from.
		if metaString(reply, "resourceVersion") == it.planned.Live.ResourceVersion {
			p.compare(it, reply)
			return nil
		}
		if err := p.read(ctx, it); err != nil {
			return err
		}
	}
	p.unpredictable(it, "the live object changes faster than it can be compared; try again")
	return nil
}

// sides makes the two sides of a comparison, not masked yet.
func (p *predictor) sides(it *planItem, predicted map[string]any, throwawayUID string) (before, after map[string]any) {
	_, rendersStatus := it.object.Fields["status"]
	keepStatus := rendersStatus && it.mapping != nil && p.c.statusIsPlain(it.mapping)
	before, after = normalise(it.live, keepStatus), normalise(predicted, keepStatus)
	dropAllocated(it.object.ID, after, it.object.Fields, it.live, throwawayUID)
	return before, after
}

// show fills in the sides of a planned object, masked.
func (p *predictor) show(it *planItem, before, after map[string]any) {
	it.planned.Before = p.mask.object(it.object.ID, before)
	it.planned.After = p.mask.object(it.object.ID, after)
}

// compare makes a verdict of the live object and the server's prediction.
func (p *predictor) compare(it *planItem, reply map[string]any) {
	before, after := p.sides(it, reply, metaString(reply, "uid"))
	switch {
	case it.live == nil:
		it.planned.Verdict = model.VerdictCreate
	case equalValues(before, after):
		it.planned.Verdict = model.VerdictUnchanged
		it.planned.TakesOwnership = !sameOwnership(it.live, reply)
	default:
		it.planned.Verdict = model.VerdictUpdate
	}
	p.show(it, before, after)
	if it.planned.Verdict == model.VerdictUpdate {
		p.explainUpdate(it)
	}
}

// explainUpdate adds causes and risks to an object whose sides differ.
func (p *predictor) explainUpdate(it *planItem) {
	rendered := p.mask.object(it.object.ID, normalise(it.object.Fields, true))
	changes := diffFields(it.planned.Before, it.planned.After)
	causes, drifts := explain(changes, rendered, it.live, p.commit)
	it.planned.Causes = causes
	it.planned.Risks = append(driftRisk(drifts), updateRisks(it.object.ID, it.planned.Before, it.planned.After, it.live)...)
	sortRisks(it.planned.Risks)
}

// createLocally is the verdict for a new object that the server cannot judge
// before other parts of the plan are applied.
func (p *predictor) createLocally(it *planItem, why string) {
	it.planned.Verdict = model.VerdictCreate
	it.planned.Reason = withoutServer + why
	p.show(it, nil, normalise(mergeLocally(nil, it.object.Fields), false))
}

// mergeForShow fills in the sides where the server does not give the second.
func (p *predictor) mergeForShow(it *planItem) {
	before, after := p.sides(it, mergeLocally(it.live, it.object.Fields), "")
	p.show(it, before, after)
}

// unpredictable is the verdict for what the server could not say.
func (p *predictor) unpredictable(it *planItem, reason string) {
	it.planned.Verdict = model.VerdictUnpredictable
	it.planned.Reason = reason
	p.mergeForShow(it)
}

func (p *predictor) unreadable(it *planItem) {
	it.planned.Live = model.LiveRef{}
	p.unpredictable(it, p.readReason(it, it.readErr))
}

// readReason words why one live object could not be read.
func (p *predictor) readReason(it *planItem, err error) string {
	r := readRefusal(err, it.object.ID, it.mapping, false)
	return "the live object cannot be read: " + r.reason
}

// refused makes a verdict of the server's refusal to predict.
func (p *predictor) refused(ctx context.Context, it *planItem, err error) error {
	if concernsAll(ctx, err) {
		return err
	}
	r := readRefusal(err, it.object.ID, it.mapping, it.live != nil)
	id := it.object.ID
	switch {
	case r.kind == refusedNamespace && p.namespaces[id.Namespace]:
		p.createLocally(it, fmt.Sprintf("namespace %s is created by this plan", id.Namespace))
	case r.kind == refusedNamespace:
		p.unpredictable(it, r.reason+"; create it, or add it to "+p.env.Path)
	case r.kind == refusedImmutable:
		it.planned.Verdict = model.VerdictReplace
		it.planned.Reason = r.reason
		it.problem = fmt.Sprintf("%s: %s; fairtide does not replace objects yet: delete it by hand or undo the change", id, r.reason)
		p.mergeForShow(it)
		p.explainUpdate(it)
	default:
		it.noSchema = r.kind == refusedSchema
		p.unpredictable(it, r.reason)
	}
	return nil
}

// settleNewFields revises what the server did not know a field of although the
// rendered set changes the kind's definition: that is for the time after the
// definition is applied.
func (p *predictor) settleNewFields(items []*planItem) {
	changed := map[model.ObjectID]bool{}
	for _, it := range items {
		if groupKind(it.object.ID) == crdKind {
			changed[it.object.ID] = it.planned.Verdict == model.VerdictUpdate || it.planned.Verdict == model.VerdictCreate
		}
	}
	for _, it := range items {
		if !it.noSchema || it.crd == nil || !changed[it.crd.id] {
			continue
		}
		if it.live == nil {
			p.createLocally(it, "its CustomResourceDefinition is changed by this plan")
			continue
		}
		it.planned.Verdict = model.VerdictUpdate
		it.planned.Reason = withoutServer + "its CustomResourceDefinition is changed by this plan"
		p.mergeForShow(it)
		p.explainUpdate(it)
	}
}

// predictedLocally reports whether a planned object's second side did not come
// from the server.
func predictedLocally(o model.PlannedObject) bool { return strings.HasPrefix(o.Reason, withoutServer) }
