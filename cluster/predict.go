package cluster

import (
	"context"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
	"github.com/fairtide-dev/fairtide/model"
)

const (
	// predictors is how many dry-runs are under way at once; more gain nothing
	// on a server with a few cores.
	predictors = 12
	// mostReadings bounds how often an object is read again because it changed
	// between its reading and its prediction.
	mostReadings = 6
)

// predictor finds verdicts. It is used for a whole plan, and again for one
// object that moved before it was written.
type predictor struct {
	c      *Client
	env    model.Environment
	commit string
	req    model.PlanRequest // zero when one object is judged again
	kept   []model.FieldRef  // left out of what is applied
	mask   masker
	others *claims // of other environments; nil: not read yet

	namespaces map[string]bool // rendered Namespaces
	absent     map[string]bool // those that do not exist yet
	places     []string        // namespaces of the environment
	crds       map[schema.GroupKind]renderedCRD
	settling   *settling                               // nil: every object is asked for
	approved   map[model.ObjectID]*model.PlannedObject // answers that may be taken again; nil: none
}

// judge finds the verdict of an item whose live object has been read. An error
// is one that concerns every object; what concerns this one is its verdict.
func (p *predictor) judge(ctx context.Context, it *planItem) error {
	it.planned = model.PlannedObject{ID: it.object.ID, Version: it.object.Version, Source: it.object.Source}
	it.problem, it.noted, it.noSchema = "", nil, false
	defer p.note(it)
	switch {
	case it.mapping == nil && it.blocked != "":
		p.unpredictable(it, it.blocked)
		return nil
	case it.mapping == nil:
		p.locally(ctx, it, "its CustomResourceDefinition is in this plan")
		return nil
	}
	for range mostReadings {
		if it.readErr != nil {
			p.unreadable(it)
			return nil
		}
		it.planned.Live = liveRef(it.live)
		if it.blocked != "" {
			p.unpredictable(it, it.blocked)
			return nil
		}
		if since := metaString(it.live, "deletionTimestamp"); since != "" {
			it.planned.Going = true
			p.unpredictable(it, "the live object is being deleted since "+plainLine(since, reasonMost)+"; wait until it is gone, or see which finalizer holds it")
			return nil
		}
		if it.later != "" {
			p.judgeLater(ctx, it)
			return nil
		}
		if p.absent[it.object.ID.Namespace] && it.live == nil {
			return p.elsewhere(ctx, it)
		}
		if p.settled(it) || p.reused(it) {
			return nil
		}
		reply, err := p.dryRun(ctx, it)
		if err != nil {
			return p.refused(ctx, it, err)
		}
		// For a new object the reply has no resourceVersion, for an existing
		// one that of the object the prediction started from.
		if metaString(reply, "resourceVersion") == it.planned.Live.ResourceVersion {
			it.planned.Prediction, it.planned.Sent = model.PredictedByServer, sentDigest(it)
			if moved, err := p.compareMigrated(ctx, it, reply); err != nil || !moved {
				return err
			}
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
	rendersStatus = rendersStatus || it.live != nil && !fieldpath.Equal(it.live["status"], predicted["status"]) // or rendered it once
	keepStatus := rendersStatus && it.mapping != nil && p.c.statusIsPlain(it.mapping)
	before, after = normalise(it.live, keepStatus), normalise(predicted, keepStatus)
	dropAllocated(it.object.ID, after, it.object.Fields, it.live, throwawayUID)
	keepWritten(it.object.Fields, it.live, predicted, before, after)
	dropInjected(it.object, before, after)
	return before, after
}

// show fills in the sides of a planned object, masked.
func (p *predictor) show(it *planItem, before, after map[string]any) {
	it.planned.Before = p.mask.object(it.object.ID, before)
	it.planned.After = p.mask.object(it.object.ID, after)
	it.planned.Mask = p.env.Mask
	p.quieten(it)
}

// compare makes a verdict of the live object and the server's prediction.
func (p *predictor) compare(it *planItem, reply map[string]any) {
	before, after := p.sides(it, reply, metaString(reply, "uid"))
	switch {
	case it.live == nil:
		it.planned.Verdict = model.VerdictCreate
	case fieldpath.Equal(before, after):
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
	changes := fieldpath.Diff(it.planned.Before, it.planned.After)
	causes, drifts := explain(changes, rendered, it.live, p.commit)
	it.planned.Causes = causes
	it.planned.Risks = driftRisk(drifts)
}

// mergeForShow fills in the sides where the server does not give the second.
func (p *predictor) mergeForShow(it *planItem) {
	before, after := p.sides(it, mergeLocally(it.live, it.object.Fields), "")
	p.show(it, before, after)
}

// unpredictable is the verdict for what the server could not say.
func (p *predictor) unpredictable(it *planItem, reason string) {
	it.planned.Verdict, it.planned.Prediction = model.VerdictUnpredictable, ""
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
		return p.unanswered(ctx, it, err)
	}
	r := readRefusal(err, it.object.ID, it.mapping, it.live != nil)
	id := it.object.ID
	switch r.kind {
	case refusedNamespace:
		if p.namespaces[id.Namespace] {
			return p.elsewhere(ctx, it)
		}
		p.unpredictable(it, r.reason+"; create it, or add it to "+p.env.Path)
	case refusedImmutable:
		return p.replaceItem(ctx, it, r)
	case refusedRights:
		p.locally(ctx, it, r.reason)
		it.problem = "you may not apply it: " + r.reason
	case refusedWebhook:
		p.locally(ctx, it, r.reason)
		it.problem = fmt.Sprintf("%s cannot be written as long as %s; see to the webhook first", id, r.reason)
	case refusedDryRun:
		it.noted = append(it.noted, model.Risk{Name: riskWebhookNotAsked, Severity: model.SeverityWarning,
			Message:   fmt.Sprintf("admission webhook %s does not support dry-run: whether it allows this, and what it alters, shows only when it is applied", plainLine(r.webhook, reasonMost)),
			Reference: "https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#side-effects"})
		p.locally(ctx, it, r.reason)
	default:
		it.noSchema = r.kind == refusedSchema
		p.unpredictable(it, r.reason)
	}
	return nil
}

// judgeLater is for an object at a version that the cluster gets with a
// definition in this plan, while it has the kind at others.
func (p *predictor) judgeLater(ctx context.Context, it *planItem) {
	if it.live != nil {
		p.unpredictable(it, it.later+", and makes of the live object what its conversion says; ship the definition first")
		return
	}
	p.locally(ctx, it, it.later)
}

// settleNewFields revises what the server did not know a field of although the
// rendered set changes the kind's definition: that is for the time after the
// definition is applied.
func (p *predictor) settleNewFields(ctx context.Context, items []*planItem) {
	changed := map[model.ObjectID]*planItem{}
	for _, it := range items {
		if groupKind(it.object.ID) == crdKind && (it.planned.Verdict == model.VerdictUpdate || it.planned.Verdict == model.VerdictCreate) {
			changed[it.object.ID] = it
		}
	}
	for _, it := range items {
		if it.crd == nil || changed[it.crd.id] == nil {
			continue
		}
		if it.noSchema || p.judgedByOldSchema(ctx, it, changed[it.crd.id]) {
			p.locally(ctx, it, "its CustomResourceDefinition is changed by this plan")
			p.note(it)
		}
	}
}

// judgedByOldSchema reports whether the server predicted a write by a schema that
// is another one once the plan's definition is applied, which has defaults of
// its own and may not allow the object. Where the new schema lacks a field of
// the live object, the server's word is the better one.
func (p *predictor) judgedByOldSchema(ctx context.Context, it, definition *planItem) bool {
	v := it.planned.Verdict
	if it.planned.Prediction != model.PredictedByServer || v != model.VerdictCreate && v != model.VerdictUpdate {
		return false
	}
	schemaOf := func(side map[string]any) any {
		kinds := renderedCRDs([]model.Object{{ID: definition.object.ID, Fields: side}})
		return kinds[groupKind(it.object.ID)].versions[it.object.Version].schema
	}
	if sameSchema(schemaOf(definition.planned.Before), schemaOf(definition.planned.After)) {
		return false
	}
	_, _, reason := p.predictLocally(ctx, it)
	return reason == "" || strings.HasPrefix(reason, invalidReason)
}

// sameSchema compares two schemas, but for their descriptions.
func sameSchema(a, b any) bool {
	x, okX := a.(map[string]any)
	y, okY := b.(map[string]any)
	if !okX || !okY {
		return fieldpath.Equal(a, b)
	}
	for _, pair := range [][2]map[string]any{{x, y}, {y, x}} {
		for key, one := range pair[0] {
			other, has := pair[1][key]
			_, isText := one.(string)
			if key == "description" && isText {
				continue
			}
			if !has || !sameSchema(one, other) {
				return false
			}
		}
	}
	return true
}

// predictedLocally reports whether a planned object's second side did not come
// from a dry-run of the object itself.
func predictedLocally(o model.PlannedObject) bool {
	return o.Prediction == model.PredictedLocally || o.Prediction == model.PredictedElsewhere
}
