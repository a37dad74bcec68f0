package cluster

import (
	"slices"
	"strconv"

	"github.com/fairtide-dev/fairtide/internal/fieldrule"
	"github.com/fairtide-dev/fairtide/model"
)

// ruleOrder is the rule of fairtide's own: a list whose elements are told apart
// by a key is not shown as changed because they stand in another order, where
// the order means nothing.
const ruleOrder = "only the order of the list"

// quieten finds the differences of a planned object that are not to be shown:
// those that the environment's rules hide, and the order of lists in which it
// means nothing. The verdict and the sides stay as they are, since applying
// writes what is hidden too; the object gets the list of it, and a second side
// without it for the diff.
func (p *predictor) quieten(it *planItem) {
	o := &it.planned
	o.Hidden, o.Shown, o.OnlyHidden = nil, nil, false
	if o.Before == nil || o.After == nil || o.Verdict == model.VerdictUnchanged {
		return
	}
	q := quieter{rules: rulesFor(p.env.Hide, o.ID.Kind), id: o.ID, owners: fieldOwners(it.live)}
	changes := diffFields(o.Before, o.After)
	for _, c := range changes {
		q.hide(c)
	}
	if len(q.hidden) == 0 {
		return
	}
	shown, _ := cloneValue(o.After).(map[string]any)
	for _, c := range q.hidden {
		putBack(shown, o.Before, c)
	}
	o.Hidden, o.Shown, o.OnlyHidden = q.paths, shown, equalValues(o.Before, shown)
}

func rulesFor(rules []model.FieldRule, kind string) []model.FieldRule {
	return slices.DeleteFunc(slices.Clone(rules), func(r model.FieldRule) bool { return !fieldrule.Applies(r, kind) })
}

type quieter struct {
	id     model.ObjectID
	rules  []model.FieldRule
	owners []fieldOwner
	hidden []fieldChange
	paths  []model.HiddenPath
}

// hide takes a change if a rule hides it. A map that is on one side only is
// looked into: a rule may mean one key of it.
func (q *quieter) hide(c fieldChange) {
	if rule := q.ruleOf(c); rule != "" {
		q.hidden = append(q.hidden, c)
		q.paths = append(q.paths, model.HiddenPath{Path: c.path(), Rule: rule})
		return
	}
	if c.hasOld && c.hasNew || len(q.rules) == 0 {
		return
	}
	var d fieldDiff
	old, _ := c.old.(map[string]any)
	new, _ := c.new.(map[string]any)
	d.maps(c.steps, old, new)
	for _, deeper := range d.changes {
		q.hide(deeper)
	}
}

// ruleOf words the rule that hides a change; empty: none does.
func (q *quieter) ruleOf(c fieldChange) string {
	for _, r := range q.rules {
		if fieldrule.Covers(r, pointerPath(c.steps)) && q.setBy(r.Manager, c.steps) {
			return ruleWords(r)
		}
	}
	if q.onlyOrder(c) {
		return ruleOrder
	}
	return ""
}

// setBy reports whether a field manager set the live value at a path, or what
// is in it; of no manager in particular, anybody did.
func (q *quieter) setBy(manager string, steps []fieldStep) bool {
	return manager == "" || slices.ContainsFunc(q.owners, func(o fieldOwner) bool {
		return o.manager == manager && o.subresource != "status" && o.owns(steps) != ownsNothing
	})
}

// onlyOrder reports a change that is no more than another order of the same
// elements. In a pod's template every change restarts the pods, and of
// variables the order counts besides, so that it is shown there.
func (q *quieter) onlyOrder(c fieldChange) bool {
	old, okOld := c.old.([]any)
	new, okNew := c.new.([]any)
	if !okOld || !okNew || len(c.steps) == 0 || holdsPods(q.id, c.steps) || !allMaps(old) || !allMaps(new) {
		return false
	}
	keys := listKeys(old, new)
	return keys != nil && len(old) == len(new) && !slices.ContainsFunc(old, func(e any) bool {
		label := elementLabel(e, keys)
		return !slices.ContainsFunc(new, func(n any) bool { return elementLabel(n, keys) == label })
	})
}

// holdsPods reports whether a path is in a pod's spec or template.
func holdsPods(id model.ObjectID, steps []fieldStep) bool {
	return id.Group == "" && id.Kind == "Pod" ||
		slices.ContainsFunc(steps, func(s fieldStep) bool {
			return s.field == "template" || s.field == "jobTemplate" || s.field == "podTemplate"
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
func pointerPath(steps []fieldStep) []string {
	path := make([]string, len(steps))
	for i, s := range steps {
		path[i] = s.field
		if s.inList {
			path[i] = strconv.Itoa(s.index)
		}
	}
	return path
}

// putBack makes a change undone in the second side.
func putBack(shown, before map[string]any, c fieldChange) {
	if len(c.steps) == 0 {
		return
	}
	last := c.steps[len(c.steps)-1]
	parent := c.steps[:len(c.steps)-1]
	if old, okOld := c.old.([]any); okOld && c.hasNew && allMaps(old) {
		if now, ok := valueAt(shown, c.steps); ok {
			if list, ok := now.([]any); ok && allMaps(list) && listKeys(old, list) != nil {
				// Its order is undone; what else differs in it is shown.
				replaceAt(shown, c.steps, inOrderOf(old, list))
				return
			}
		}
	}
	if last.inList {
		putBackElement(shown, parent, last, c)
		return
	}
	holder := mapMade(shown, parent, c.hasOld)
	switch {
	case holder == nil:
	case c.hasOld:
		holder[last.field] = cloneValue(c.old)
	default:
		delete(holder, last.field)
		dropEmpty(shown, before, parent)
	}
}

// putBackElement undoes a change of a whole element of a list.
func putBackElement(shown map[string]any, parent []fieldStep, last fieldStep, c fieldChange) {
	v, _ := valueAt(shown, parent)
	list, ok := v.([]any)
	if !ok {
		return
	}
	at := slices.IndexFunc(list, func(e any) bool {
		return last.keys != nil && elementLabel(e, last.keys) == last.label
	})
	if last.keys == nil && last.index < len(list) {
		at = last.index
	}
	switch {
	case at >= 0 && c.hasOld:
		list = slices.Clone(list)
		list[at] = cloneValue(c.old)
	case at >= 0:
		list = slices.Delete(slices.Clone(list), at, at+1)
	case c.hasOld:
		list = slices.Insert(slices.Clone(list), min(last.index, len(list)), cloneValue(c.old))
	}
	replaceAt(shown, parent, list)
}

// replaceAt puts another value in a place that exists.
func replaceAt(fields map[string]any, steps []fieldStep, v any) {
	if len(steps) == 0 {
		return
	}
	last := steps[len(steps)-1]
	holder, _ := valueAt(fields, steps[:len(steps)-1])
	switch h := holder.(type) {
	case map[string]any:
		h[last.field] = v
	case []any:
		for i, e := range h {
			if last.keys == nil && i == last.index || last.keys != nil && elementLabel(e, last.keys) == last.label {
				h[i] = v
				return
			}
		}
	}
}

// mapMade finds the map that a path leads to; with make, one that the second
// side lost is made again as empty as it takes.
func mapMade(shown map[string]any, steps []fieldStep, make bool) map[string]any {
	if v, ok := valueAt(shown, steps); ok {
		m, _ := v.(map[string]any)
		return m
	}
	if !make || len(steps) == 0 || steps[len(steps)-1].inList {
		return nil
	}
	holder := mapMade(shown, steps[:len(steps)-1], true)
	if holder == nil {
		return nil
	}
	m := map[string]any{}
	holder[steps[len(steps)-1].field] = m
	return m
}

// dropEmpty removes a map that is empty now and that the first side lacks.
func dropEmpty(shown, before map[string]any, steps []fieldStep) {
	for n := len(steps); n > 0; n-- {
		v, ok := valueAt(shown, steps[:n])
		if m, isMap := v.(map[string]any); !ok || !isMap || len(m) > 0 || steps[n-1].inList {
			return
		}
		if _, had := valueAt(before, steps[:n]); had {
			return
		}
		if holder, ok := valueAt(shown, steps[:n-1]); ok {
			if m, ok := holder.(map[string]any); ok {
				delete(m, steps[n-1].field)
			}
		}
	}
}

// inOrderOf puts the elements of a list into the order that those with the same
// key have in another one. What the other lacks comes last, in its own order.
func inOrderOf(first, list []any) []any {
	keys := listKeys(first, list)
	if keys == nil {
		return list
	}
	place := make(map[string]int, len(first))
	for i, e := range first {
		place[elementLabel(e, keys)] = i
	}
	out := slices.Clone(list)
	rank := func(e any) int {
		if i, ok := place[elementLabel(e, keys)]; ok {
			return i
		}
		return len(first)
	}
	slices.SortStableFunc(out, func(a, b any) int { return rank(a) - rank(b) })
	return out
}
