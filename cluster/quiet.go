package cluster

import (
	"slices"
	"strconv"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
	"github.com/fairtide-dev/fairtide/internal/fieldrule"
	"github.com/fairtide-dev/fairtide/internal/lens"
	"github.com/fairtide-dev/fairtide/model"
)

// The rules of fairtide's own.
const (
	// A list whose elements are told apart by a key is not shown as changed
	// because they stand in another order, where the order means nothing.
	ruleOrder = "only the order of the list"
	// A quantity or a duration is not shown as changed because it is written
	// otherwise: the server keeps 128Mi and 134217728 as they are.
	ruleSpelling = "only another way to write the same value"
	// What Git had once and somebody else writes now is not in what is compared.
	ruleInjected = "Git writes it no more, and somebody else does"
)

// quieten finds the differences of a planned object that are not to be shown:
// those that the environment's rules hide, and those that fairtide's own do.
// The verdict and the sides stay as they are, since applying
// writes what is hidden too; the object gets the list of it, and a second side
// without it for the diff.
func (p *predictor) quieten(it *planItem) {
	o := &it.planned
	o.Hiding = model.Hiding{}
	if o.Verdict != model.VerdictUnchanged {
		o.Hiding = p.hiding(it, o.Before, o.After, model.LensApply)
	}
}

// quietenLenses does the same for what the lenses git and drift compare.
func (p *predictor) quietenLenses(it *planItem) {
	it.planned.LensHiding = nil
	for _, l := range []model.Lens{model.LensGit, model.LensDrift} {
		before, after := lens.Sides(it.planned, l)
		if h := p.hiding(it, before, after, l); len(h.Hidden) > 0 {
			if it.planned.LensHiding == nil {
				it.planned.LensHiding = map[model.Lens]model.Hiding{}
			}
			it.planned.LensHiding[l] = h
		}
	}
}

// hiding is what the rules hide of the two sides of a lens; nothing where there
// is no object on one of them.
func (p *predictor) hiding(it *planItem, before, after map[string]any, l model.Lens) model.Hiding {
	if before == nil || after == nil {
		return model.Hiding{}
	}
	changes := fieldpath.Diff(before, after)
	if len(changes) == 0 {
		return model.Hiding{}
	}
	id := it.planned.ID
	q := quieter{rules: rulesFor(p.env.Hide, id.Kind), id: id, owners: fieldOwners(it.live)}
	if l == model.LensDrift {
		q.live = it.live
	}
	for _, c := range changes {
		q.hide(c)
	}
	if len(q.hidden) == 0 {
		return model.Hiding{}
	}
	shown, _ := cloneValue(after).(map[string]any)
	for _, c := range q.hidden {
		putBack(shown, before, c)
	}
	return model.Hiding{Hidden: q.paths, Shown: shown, OnlyHidden: fieldpath.Equal(before, shown)}
}

func rulesFor(rules []model.FieldRule, kind string) []model.FieldRule {
	return slices.DeleteFunc(slices.Clone(rules), func(r model.FieldRule) bool { return !fieldrule.Applies(r, kind) })
}

type quieter struct {
	id     model.ObjectID
	rules  []model.FieldRule
	owners []fieldOwner
	live   map[string]any // in the lens drift
	hidden []fieldpath.Change
	paths  []model.HiddenPath
}

// hide takes a change if a rule hides it. A map that is on one side only is
// looked into: a rule may mean one key of it.
func (q *quieter) hide(c fieldpath.Change) {
	if rule := q.ruleOf(c); rule != "" {
		q.hidden = append(q.hidden, c)
		q.paths = append(q.paths, model.HiddenPath{Path: c.Path, Rule: rule})
		return
	}
	if c.HasOld && c.HasNew || len(q.rules) == 0 && q.live == nil {
		return
	}
	old, _ := c.Old.(map[string]any)
	new, _ := c.New.(map[string]any)
	for _, deeper := range fieldpath.DiffBelow(c.Steps, old, new) {
		q.hide(deeper)
	}
}

// ruleOf words the rule that hides a change; empty: none does.
func (q *quieter) ruleOf(c fieldpath.Change) string {
	for _, r := range q.rules {
		if fieldrule.Covers(r, pointerPath(c.Steps)) && q.setBy(r.Manager, c.Steps) {
			return ruleWords(r)
		}
	}
	switch {
	case !c.HasNew && injectedPlace(q.id, q.live, c.Steps):
		return ruleInjected
	case len(c.Steps) == 0 || holdsPods(q.id, c.Steps):
		// In a pod's template every change may restart the pods, also one that
		// means nothing: a StatefulSet or DaemonSet compares the characters.
	case q.onlyOrder(c):
		return ruleOrder
	case c.HasOld && c.HasNew && sameMeaning(c.Steps, c.Old, c.New):
		return ruleSpelling
	}
	return ""
}

// setBy reports whether a field manager set the whole of the live value at a
// path; of no manager in particular, anybody did. One that set only a part of
// it is not enough: the rest would go unseen.
func (q *quieter) setBy(manager string, steps []fieldpath.Step) bool {
	return manager == "" || slices.ContainsFunc(q.owners, func(o fieldOwner) bool {
		if o.manager != manager || o.subresource == "status" {
			return false
		}
		hold := o.owns(steps)
		return hold == ownsExactly || hold == ownsAbove
	})
}

// loose are the lists of built-in kinds in whose order there is no meaning. In
// others there may be: the first of a VirtualService's routes that matches
// counts, and so does the first of a MutatingWebhookConfiguration's webhooks.
var loose = map[string][]string{
	"Service": {"ports"}, "Endpoints": {"ports", "addresses"}, "EndpointSlice": {"ports"},
	"ServiceAccount": {"secrets", "imagePullSecrets"}, "NetworkPolicy": {"ports"},
	"RoleBinding": {"subjects"}, "ClusterRoleBinding": {"subjects"}, "HorizontalPodAutoscaler": {"metrics"},
	"ValidatingWebhookConfiguration": {"webhooks"}, "CustomResourceDefinition": {"versions"},
}

// onlyOrder reports a change that is no more than another order of the same
// elements, in a list where that means nothing.
func (q *quieter) onlyOrder(c fieldpath.Change) bool {
	old, okOld := c.Old.([]any)
	new, okNew := c.New.([]any)
	if !okOld || !okNew || len(old) != len(new) || !fieldpath.AllMaps(old) || !fieldpath.AllMaps(new) {
		return false
	}
	field := c.Steps[len(c.Steps)-1].Field
	everywhere := field == "matchExpressions" || field == "ownerReferences"
	if !everywhere && (!builtInGroups[q.id.Group] || !slices.Contains(loose[q.id.Kind], field)) {
		return false
	}
	keys := fieldpath.ListKeys(old, new)
	return keys != nil && !slices.ContainsFunc(old, func(e any) bool {
		label := fieldpath.Label(e, keys)
		return !slices.ContainsFunc(new, func(n any) bool { return fieldpath.Label(n, keys) == label })
	})
}

// holdsPods reports whether a path is in a pod's spec or template.
func holdsPods(id model.ObjectID, steps []fieldpath.Step) bool {
	return id.Group == "" && id.Kind == "Pod" ||
		slices.ContainsFunc(steps, func(s fieldpath.Step) bool {
			return s.Field == "template" || s.Field == "jobTemplate" || s.Field == "podTemplate"
		})
}

func ruleWords(r model.FieldRule) string {
	words := "hide"
	if r.Kind != "" {
		words += " kind " + plainLine(r.Kind, pathPartMost)
	}
	if r.Pointer != "" {
		words += " " + plainLine(r.Pointer, pathPartMost)
	}
	if r.Manager != "" {
		words += " set by " + plainLine(r.Manager, pathPartMost)
	}
	return words
}

// pointerPath is a path as a JSON pointer has it. An element of a list is named
// by its position on the side that it was taken from.
func pointerPath(steps []fieldpath.Step) []string {
	path := make([]string, len(steps))
	for i, s := range steps {
		path[i] = s.Field
		if s.InList {
			path[i] = strconv.Itoa(s.Index)
		}
	}
	return path
}

// putBack makes a change undone in the second side.
func putBack(shown, before map[string]any, c fieldpath.Change) {
	if len(c.Steps) == 0 {
		return
	}
	last := c.Steps[len(c.Steps)-1]
	parent := c.Steps[:len(c.Steps)-1]
	if old, okOld := c.Old.([]any); okOld && c.HasNew && fieldpath.AllMaps(old) {
		if now, ok := fieldpath.At(shown, c.Steps); ok {
			if list, ok := now.([]any); ok && fieldpath.AllMaps(list) && fieldpath.ListKeys(old, list) != nil {
				// Its order is undone; what else differs in it is shown.
				replaceAt(shown, c.Steps, inOrderOf(old, list))
				return
			}
		}
	}
	if last.InList {
		putBackElement(shown, parent, last, c)
		return
	}
	holder := mapMade(shown, parent, c.HasOld)
	switch {
	case holder == nil:
	case c.HasOld:
		holder[last.Field] = cloneValue(c.Old)
	default:
		delete(holder, last.Field)
		dropEmpty(shown, before, parent)
	}
}

// putBackElement undoes a change of a whole element of a list.
func putBackElement(shown map[string]any, parent []fieldpath.Step, last fieldpath.Step, c fieldpath.Change) {
	v, _ := fieldpath.At(shown, parent)
	list, ok := v.([]any)
	if !ok {
		return
	}
	at := fieldpath.Index(list, last)
	switch {
	case at >= 0 && c.HasOld:
		list = slices.Clone(list)
		list[at] = cloneValue(c.Old)
	case at >= 0:
		list = slices.Delete(slices.Clone(list), at, at+1)
	case c.HasOld:
		list = slices.Insert(slices.Clone(list), min(last.Index, len(list)), cloneValue(c.Old))
	}
	replaceAt(shown, parent, list)
}

// replaceAt puts another value in a place that exists.
func replaceAt(fields map[string]any, steps []fieldpath.Step, v any) {
	if len(steps) == 0 {
		return
	}
	last := steps[len(steps)-1]
	holder, _ := fieldpath.At(fields, steps[:len(steps)-1])
	switch h := holder.(type) {
	case map[string]any:
		h[last.Field] = v
	case []any:
		if i := fieldpath.Index(h, last); i >= 0 {
			h[i] = v
		}
	}
}

// mapMade finds the map that a path leads to; with make, one that the second
// side lost is made again as empty as it takes.
func mapMade(shown map[string]any, steps []fieldpath.Step, make bool) map[string]any {
	if v, ok := fieldpath.At(shown, steps); ok {
		m, _ := v.(map[string]any)
		return m
	}
	if !make || len(steps) == 0 || steps[len(steps)-1].InList {
		return nil
	}
	holder := mapMade(shown, steps[:len(steps)-1], true)
	if holder == nil {
		return nil
	}
	m := map[string]any{}
	holder[steps[len(steps)-1].Field] = m
	return m
}

// dropEmpty removes a map that is empty now and that the first side lacks.
func dropEmpty(shown, before map[string]any, steps []fieldpath.Step) {
	for n := len(steps); n > 0; n-- {
		v, ok := fieldpath.At(shown, steps[:n])
		if m, isMap := v.(map[string]any); !ok || !isMap || len(m) > 0 || steps[n-1].InList {
			return
		}
		if _, had := fieldpath.At(before, steps[:n]); had {
			return
		}
		if holder, ok := fieldpath.At(shown, steps[:n-1]); ok {
			if m, ok := holder.(map[string]any); ok {
				delete(m, steps[n-1].Field)
			}
		}
	}
}

// inOrderOf puts the elements of a list into the order that those with the same
// key have in another one. What the other lacks comes last, in its own order.
func inOrderOf(first, list []any) []any {
	keys := fieldpath.ListKeys(first, list)
	if keys == nil {
		return list
	}
	place := make(map[string]int, len(first))
	for i, e := range first {
		place[fieldpath.Label(e, keys)] = i
	}
	out := slices.Clone(list)
	rank := func(e any) int {
		if i, ok := place[fieldpath.Label(e, keys)]; ok {
			return i
		}
		return len(first)
	}
	slices.SortStableFunc(out, func(a, b any) int { return rank(a) - rank(b) })
	return out
}
