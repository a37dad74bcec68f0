package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"

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
// have one identity, a kind is unknown, or nothing was rendered at all. A plan
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
		Cluster: fmt.Sprintf("%s (%s)", c.context, c.rest.Host), ClusterUID: info.UID, ReadAt: info.Now,
	}
	if req.State.Deployed != nil {
		plan.From = req.State.Deployed.Commit
	}
	resolved := model.Rendered{Commit: req.Rendered.Commit}
	for _, it := range items {
		plan.Objects = append(plan.Objects, it.planned)
		resolved.Objects = append(resolved.Objects, it.object)
	}
	for _, it := range pruned {
		plan.Objects = append(plan.Objects, it.planned)
	}
	plan.Problem = planProblem(env, append(items, pruned...))
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
		c: c, env: env, commit: commit, mask: masker{clusterUID: clusterUID},
		namespaces: map[string]bool{}, crds: map[schema.GroupKind]renderedCRD{},
	}
}

// predictAll finds the verdicts of the items and of what is to be pruned.
func (p *predictor) predictAll(ctx context.Context, items []*planItem, inventory []model.InventoryEntry) ([]*planItem, error) {
	if err := p.readAll(ctx, items); err != nil {
		return nil, err
	}
	err := eachBounded(ctx, len(items), predictors, func(ctx context.Context, i int) error {
		return p.judge(ctx, items[i])
	})
	if err != nil {
		return nil, p.c.operatorError(ctx, err)
	}
	p.settleNewFields(items)
	return p.prune(ctx, items, inventory)
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
	it := &planItem{}
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
	case it.crd == nil || !it.crd.served[o.Version] || p.c.brokenGroup(o.ID.Group) != nil:
		return nil, p.unknownKind(o)
	case len(p.c.servedVersions(o.ID)) > 0:
		// The kind exists, so the object may too, at a version that can be
		// read; but what the new version makes of it only its definition knows.
		if it.mapping, err = p.c.mapper.RESTMapping(groupKind(o.ID)); err != nil {
			return nil, fmt.Errorf("%s: %w", p.env.Name, p.c.serverError(ctx, err))
		}
		it.blocked = fmt.Sprintf("the cluster gets version %s only with %s in this plan; ship the definition first", o.Version, it.crd.id)
	}
	it.object = placeIn(o, namespaced, p.env.Namespace)
	return it, nil
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

// planProblem says why a plan must not be applied; empty when it may.
func planProblem(env model.Environment, items []*planItem) string {
	var problems, unpredictable []string
	deletes := 0
	for _, it := range items {
		switch it.planned.Verdict {
		case model.VerdictUnpredictable:
			unpredictable = append(unpredictable, fmt.Sprintf("%s (%s)", it.planned.ID, it.planned.Reason))
		case model.VerdictDelete:
			deletes++
		}
		if it.problem != "" {
			problems = append(problems, it.problem)
		}
	}
	if n := len(unpredictable); n > 0 {
		const shown = 3
		list := strings.Join(unpredictable[:min(n, shown)], "; ")
		if n > shown {
			list += fmt.Sprintf("; and %d more", n-shown)
		}
		problems = append(problems, fmt.Sprintf("%s cannot be predicted: %s; fix or remove what is named", countOf(n, "object"), list))
	}
	if deletes > env.Prune.Max {
		problems = append(problems, fmt.Sprintf(
			"it would delete %s, more than prune.max allows (%d); check the path and the branch, or raise prune.max for this environment",
			countOf(deletes, "object"), env.Prune.Max))
	}
	return strings.Join(problems, "; ")
}

// countOf writes a number with its noun.
func countOf(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
