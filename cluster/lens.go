package cluster

import (
	"strconv"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairtide-dev/fairtide/model"
)

// addLenses fills in what the lenses git and drift compare: each object as the
// deployed commit and as this one render it. They are masked like the other
// sides, so that equal values look equal across lenses.
//
// Where a rendered value means the same as the live one and only the server
// writes it otherwise ("1000m" and "1"), it is given as the live object has
// it: that is neither drift nor a change.
func (p *predictor) addLenses(items, pruned []*planItem) {
	if p.req.Deployed == nil {
		return
	}
	deployed := p.deployedObjects(items)
	for i, it := range items {
		o := it.object
		if i < len(p.req.Rendered.Objects) { // as rendered, kept fields included
			o = placeIn(p.req.Rendered.Objects[i], o.ID.Namespace != "", p.env.Namespace)
		}
		it.planned.Rendered = p.lensSide(o, it.live)
	}
	for _, it := range append(items[:len(items):len(items)], pruned...) {
		if o, ok := deployed[it.object.ID]; ok {
			it.planned.Deployed = p.lensSide(o, it.live)
		}
	}
}

// deployedObjects are the objects of the deployed render by the identities
// that a plan gives them.
func (p *predictor) deployedObjects(items []*planItem) map[model.ObjectID]model.Object {
	namespaced := map[schema.GroupKind]bool{}
	for _, it := range items {
		namespaced[groupKind(it.object.ID)] = it.object.ID.Namespace != ""
	}
	out := make(map[model.ObjectID]model.Object, len(p.req.Deployed.Objects))
	for _, o := range p.req.Deployed.Objects {
		gk := groupKind(o.ID)
		inOne, known := namespaced[gk]
		if !known {
			inOne = o.ID.Namespace != ""
			if m, err := p.c.mapper.RESTMapping(gk); err == nil {
				inOne = m.Scope.Name() == meta.RESTScopeNameNamespace
			}
			namespaced[gk] = inOne
		}
		o = placeIn(o, inOne, p.env.Namespace)
		out[o.ID] = o
	}
	return out
}

func (p *predictor) lensSide(o model.Object, live map[string]any) map[string]any {
	side := normalise(o.Fields, false)
	if live != nil {
		side, _ = asLive(nil, side, normalise(live, false)).(map[string]any)
		if v, ok := live["apiVersion"]; ok {
			side["apiVersion"] = v // the same object, read at another version
		}
	}
	return p.mask.object(o.ID, side)
}

// asLive gives a rendered value the live one's form where both mean the same.
// What is null, or empty and not live, is absent to an apply.
func asLive(steps []fieldStep, rendered, live any) any {
	switch r := rendered.(type) {
	case map[string]any:
		l, _ := live.(map[string]any)
		out := make(map[string]any, len(r))
		for k, v := range r {
			has, there := l[k]
			if v == nil || !there && live != nil && isEmptyTree(v) {
				continue
			}
			out[k] = asLive(append(steps, fieldStep{field: k}), v, has)
		}
		return out
	case []any:
		return elementsAsLive(steps, r, live)
	}
	if live != nil && equalMeaning(stepsPath(steps), rendered, live) {
		return live
	}
	return rendered
}

func elementsAsLive(steps []fieldStep, rendered []any, live any) []any {
	l, _ := live.([]any)
	out := make([]any, len(rendered))
	var keys []string
	if allMaps(rendered) && allMaps(l) {
		keys = listKeys(rendered, l)
	}
	for i, e := range rendered {
		step := fieldStep{inList: true, keys: keys, label: strconv.Itoa(i), index: i}
		if keys != nil {
			step.label = elementLabel(e, keys)
		}
		has, _ := elementLike(l, step)
		out[i] = asLive(append(steps, step), e, has)
	}
	return out
}

func isEmptyTree(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return isEmpty(v)
	}
	return false
}
