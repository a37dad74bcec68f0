package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairtide-dev/fairtide/model"
)

// Plan predicts what applying the rendered objects would do to each of them,
// and which objects of the inventory it would delete. Every rendered object
// has a verdict; what the server cannot say is VerdictUnpredictable.
//
// The objects that come back are the rendered ones, in their order, with the
// namespace filled in that applying will use; they have the identities of the
// plan and are what Apply takes. They hold Secrets as they are; the plan's
// sides are masked.
//
// An error means there is no plan: the cluster does not answer, two objects
// have one identity, or nothing was rendered at all. A plan
// that must not be applied says so in its Problem.
func (c *Client) Plan(ctx context.Context, req model.PlanRequest) (*model.Plan, []model.Object, error) {
	env := req.Environment
	if req.Rendered == nil || len(req.Rendered.Objects) == 0 {
		return nil, nil, model.Errorf(model.ExitUsage,
			"%s: nothing is rendered from %s; refused, as applying it would delete everything", env.Name, env.Path)
	}
	info, err := c.Info(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", env.Name, err)
	}
	p := newPredictor(c, env, req.Rendered.Commit, info.UID)
	p.req = req
	p.remember(req.Approved, info.Now)
	p.crds = renderedCRDs(req.Rendered.Objects)
	items, err := p.resolve(ctx, req.Rendered.Objects)
	if err != nil {
		return nil, nil, err
	}
	pruned, err := p.predictAll(ctx, items, req.State.Inventory)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", env.Name, err)
	}
	plan := &model.Plan{
		Environment: env.Name, Commit: req.Rendered.Commit,
		Cluster: fmt.Sprintf("%s (%s)", c.context, c.rest.Host), ClusterUID: info.UID, ReadAt: info.Now, Kept: p.kept, Replaces: req.Replace,
	}
	if req.State.Deployed != nil {
		plan.From = req.State.Deployed.Commit
	}
	if plan.Risks, err = p.assess(ctx, append(slices.Clone(items), pruned...), info.Now); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", env.Name, err)
	}
	resolved := model.Rendered{Commit: req.Rendered.Commit}
	for _, it := range items {
		plan.Objects = append(plan.Objects, it.planned)
		resolved.Objects = append(resolved.Objects, it.object)
	}
	for _, it := range pruned {
		plan.Objects = append(plan.Objects, it.planned)
	}
	if plan.Problem = planProblem(env, append(items, pruned...), len(req.State.Inventory)); plan.Problem != "" {
		plan.ProblemCode = problemCode(items)
	}
	if note := p.recordNote(items, req.State); note != "" {
		plan.Notes = append(plan.Notes, note)
	}
	plan.Sort()
	digest, err := resolved.Digest()
	if err == nil {
		err = plan.Seal(digest)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", env.Name, err)
	}
	return plan, resolved.Objects, nil
}

func newPredictor(c *Client, env model.Environment, commit, clusterUID string) *predictor {
	return &predictor{
		c: c, env: env, commit: commit, mask: masker{clusterUID: clusterUID, rules: env.Mask},
		namespaces: map[string]bool{}, crds: map[schema.GroupKind]renderedCRD{},
	}
}

// predictAll finds the verdicts of the items and of what is to be pruned.
func (p *predictor) predictAll(ctx context.Context, items []*planItem, inventory []model.InventoryEntry) ([]*planItem, error) {
	if err := p.readAll(ctx, items); err != nil {
		return nil, err
	}
	if err := p.keepFields(items); err != nil {
		return nil, err
	}
	p.findPlaces(items)
	err := eachBounded(ctx, len(items), predictors, func(ctx context.Context, i int) error {
		return p.judge(ctx, items[i])
	})
	if err != nil {
		return nil, p.c.operatorError(ctx, err)
	}
	p.settleNewFields(ctx, items)
	if err := p.checkKept(items); err != nil {
		return nil, err
	}
	if err := p.markForeign(ctx, items, inventory); err != nil {
		return nil, err
	}
	pruned, err := p.prune(ctx, items, inventory)
	for _, it := range pruned {
		if it.planned.Prediction == "" && it.planned.Verdict != model.VerdictUnpredictable {
			it.planned.Prediction = model.PredictedByServer
		}
	}
	if err == nil {
		p.addLenses(items, pruned)
	}
	return pruned, err
}

// operatorError words an error unless it is worded already.
func (c *Client) operatorError(ctx context.Context, err error) error {
	var worded *model.Error
	if errors.As(err, &worded) {
		return err
	}
	return c.serverError(ctx, err)
}

// resolve gives the rendered objects their kinds' resources and namespaces.
func (p *predictor) resolve(ctx context.Context, objects []model.Object) ([]*planItem, error) {
	kinds := newKindResolver(p.c)
	seen := make(map[model.ObjectID]model.Object, len(objects))
	items := make([]*planItem, 0, len(objects))
	for _, o := range objects {
		it, err := p.resolveOne(ctx, kinds, o)
		if err != nil {
			return nil, err
		}
		id := it.object.ID
		if other, ok := seen[id]; ok {
			return nil, model.Errorf(model.ExitUsage, "%s: %s is there twice: in %s and in %s; remove or rename one",
				p.env.Name, id, describeSource(other), describeSource(o))
		}
		seen[id] = o
		if id.Group == "" && id.Kind == "Namespace" {
			p.namespaces[id.Name] = true
		}
		items = append(items, it)
	}
	return items, nil
}

func (p *predictor) resolveOne(ctx context.Context, kinds *kindResolver, o model.Object) (*planItem, error) {
	if o.ID.Name == "" {
		return nil, model.Errorf(model.ExitUsage,
			"%s: %s: %s has no metadata.name; give it one (generateName cannot be applied)", p.env.Name, describeSource(o), o.ID.Kind)
	}
	it := &planItem{marks: p.env.Mask}
	namespaced := false
	if crd, ok := p.crds[groupKind(o.ID)]; ok {
		it.crd, namespaced = &crd, crd.namespaced
	}
	m, err := kinds.resolve(ctx, o.ID, o.Version)
	switch {
	case err == nil:
		it.mapping, namespaced = m, m.Scope.Name() == meta.RESTScopeNameNamespace
	case !meta.IsNoMatchError(err):
		return nil, fmt.Errorf("%s: %w", p.env.Name, err)
	default:
		namespaced = p.resolveUnknown(it, o, namespaced)
	}
	it.object = placeIn(o, namespaced, p.env.Namespace)
	return it, nil
}

// resolveUnknown is for a kind that the server does not have at the wanted
// version. The object may exist at another one, at which it can be read. It
// returns whether the kind is in namespaces; where nobody knows, the object is
// taken as it is written.
func (p *predictor) resolveUnknown(it *planItem, o model.Object, namespaced bool) bool {
	defined := false
	if it.crd != nil {
		_, defined = it.crd.versions[o.Version]
	} else {
		namespaced = o.ID.Namespace != ""
	}
	if p.c.brokenGroup(o.ID.Group) != nil {
		it.blocked, it.code = p.unknownKind(o), model.ExitUnreachable
		return namespaced
	}
	if m, err := p.c.mapper.RESTMapping(groupKind(o.ID)); err == nil {
		it.mapping, namespaced = m, m.Scope.Name() == meta.RESTScopeNameNamespace
	}
	switch {
	case !defined:
		it.blocked, it.code = p.unknownKind(o), model.ExitUsage
	case it.mapping != nil:
		it.later = fmt.Sprintf("the cluster gets version %s only with %s in this plan", o.Version, it.crd.id)
	}
	return namespaced
}

// placeIn fills in the namespace of an object that names none, and clears that
// of one that lives in none.
func placeIn(o model.Object, namespaced bool, fallback string) model.Object {
	if fallback == "" {
		fallback = metav1.NamespaceDefault
	}
	want := ""
	if namespaced {
		if want = o.ID.Namespace; want == "" {
			want = fallback
		}
	}
	if want == o.ID.Namespace && (want == "") == (metaString(o.Fields, "namespace") == "") {
		return o
	}
	o.Fields, _ = cloneValue(o.Fields).(map[string]any)
	metadata, ok := o.Fields["metadata"].(map[string]any)
	if !ok {
		metadata = map[string]any{}
		o.Fields["metadata"] = metadata
	}
	if o.ID.Namespace = want; want == "" {
		delete(metadata, "namespace")
	} else {
		metadata["namespace"] = want
	}
	return o
}
