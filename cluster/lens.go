package cluster

import (
	"strconv"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
	"github.com/fairtide-dev/fairtide/model"
)

// addLenses fills in what the lenses git and drift compare: each object as the
// deployed commit and as this one render it. They are masked like the other
// sides, so that equal values look equal across lenses.
//
// Where the server makes of a rendered value what is live ("1000m" and "1"), it
// is given as the live object has it: that is neither drift nor a change.
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
		p.quietenLenses(it)
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
	keepWritten(o.Fields, nil, o.Fields, nil, side)
	if live != nil {
		a := liker{builtIn: builtInGroups[o.ID.Group]}
		side, _ = a.asLive(nil, side, live).(map[string]any)
	}
	return p.mask.object(o.ID, side)
}

// liker gives rendered values the live ones' form.
type liker struct {
	builtIn bool // of a kind of which the server rewrites values
}

// asLive gives a rendered value the live one's form where the server writes it
// so. What is null and not live is absent to an apply.
func (a liker) asLive(steps []fieldpath.Step, rendered, live any) any {
	switch r := rendered.(type) {
	case map[string]any:
		l, _ := live.(map[string]any)
		out := make(map[string]any, len(r))
		for k, v := range r {
			if v != nil {
				out[k] = a.asLive(append(steps, fieldpath.Step{Field: k}), v, l[k])
			}
		}
		return out
	case []any:
		return a.elements(steps, r, live)
	}
	if a.builtIn && live != nil && sameWritten(steps, rendered, live) {
		return live
	}
	return rendered
}

func (a liker) elements(steps []fieldpath.Step, rendered []any, live any) []any {
	l, _ := live.([]any)
	out := make([]any, len(rendered))
	var keys []string
	if fieldpath.AllMaps(rendered) && fieldpath.AllMaps(l) {
		keys = fieldpath.ListKeys(rendered, l)
	}
	for i, e := range rendered {
		step := fieldpath.Step{InList: true, Keys: keys, Label: strconv.Itoa(i), Index: i}
		if keys != nil {
			step.Label = fieldpath.Label(e, keys)
		}
		var has any
		if at := fieldpath.Index(l, step); at >= 0 {
			has = l[at]
		}
		out[i] = a.asLive(append(steps, step), e, has)
	}
	return out
}
