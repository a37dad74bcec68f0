package cluster

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
)

// judgePlacement judges where the pods of a changed template can run, and whom
// they have to make room for.
func (w *riskWorld) judgePlacement(o *riskObject) {
	after, ok := o.templateAfter()
	if !ok {
		return
	}
	before, existed := o.templateBefore()
	if existed {
		w.judgePriority(o, textAt(before.spec, "priorityClassName"), textAt(after.spec, "priorityClassName"))
	}
	placement := func(t podTemplate) []any {
		return []any{t.spec["nodeSelector"], mapAt(t.spec, "affinity")["nodeAffinity"], t.spec["tolerations"]}
	}
	asks := len(mapAt(after.spec, "nodeSelector")) > 0 || mapAt(after.spec, "affinity", "nodeAffinity") != nil
	if existed && fieldpath.Equal(placement(before), placement(after)) || !existed && !asks {
		return
	}
	nodes, known := w.ask(riskNeed{kind: nodeKind})
	if !known || len(nodes) == 0 {
		return
	}
	labelled := 0
	for _, node := range nodes {
		if !wantsNode(after, node) {
			continue
		}
		if o.id.Kind == "DaemonSet" || tolerates(after, node) {
			return
		}
		labelled++
	}
	why := fmt.Sprintf("by nodeSelector or node affinity none of the cluster's %s fits", countOf(len(nodes), "node"))
	if labelled > 0 {
		why = fmt.Sprintf("the %s it may run on have taints it does not tolerate", countOf(labelled, "node"))
	}
	o.danger(riskNoNode, "new pods of %s stay pending until a node is added: %s", o.name(), why)
}

func (w *riskWorld) judgePriority(o *riskObject, from, to string) {
	if from == to {
		return
	}
	classes := w.present(priorityKind, "")
	value := func(name string) (int64, bool) {
		if name == "" {
			for _, c := range classes {
				if c.fields["globalDefault"] == true {
					return number(c.fields["value"])
				}
			}
			return 0, true
		}
		for _, c := range classes {
			if c.id.Name == name {
				return number(c.fields["value"])
			}
		}
		return 0, false
	}
	if _, ok := w.ask(riskNeed{kind: priorityKind}); !ok {
		return
	}
	was, okWas := value(from)
	now, okNow := value(to)
	if okWas && okNow && now < was {
		named := func(name string) string {
			if name == "" {
				return "the default"
			}
			return name
		}
		o.warn(riskPriorityLowered, "%s lowers the priority of its pods from %s (%d) to %s (%d)", o.name(), named(from), was, named(to), now)
	}
}

// wantsNode reports whether a pod may run on a node by the node's labels.
func wantsNode(t podTemplate, node map[string]any) bool {
	labels := mapAt(node, "metadata", "labels")
	if !selectsAll(mapAt(t.spec, "nodeSelector"), labels) {
		return false
	}
	required := mapAt(t.spec, "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
	if required == nil {
		return true
	}
	return slices.ContainsFunc(mapsAt(required, "nodeSelectorTerms"), func(term map[string]any) bool {
		expressions, fields := mapsAt(term, "matchExpressions"), mapsAt(term, "matchFields")
		if len(expressions)+len(fields) == 0 {
			return false // an empty term picks nothing
		}
		name := map[string]any{"metadata.name": metaString(node, "name")}
		return !slices.ContainsFunc(expressions, func(e map[string]any) bool { return !matchesNode(e, labels) }) &&
			!slices.ContainsFunc(fields, func(e map[string]any) bool { return !matchesNode(e, name) })
	})
}

// matchesNode judges one requirement of a node selector, that can also compare.
func matchesNode(requirement, labels map[string]any) bool {
	operator := textAt(requirement, "operator")
	if operator != "Gt" && operator != "Lt" {
		return matches(requirement, labels)
	}
	values := textsAt(requirement, "values")
	have, err := strconv.ParseInt(textAt(labels, textAt(requirement, "key")), 10, 64)
	if err != nil || len(values) != 1 {
		return false
	}
	bound, err := strconv.ParseInt(values[0], 10, 64)
	return err == nil && (operator == "Gt" && have > bound || operator == "Lt" && have < bound)
}

// tolerates reports whether a pod tolerates every taint that keeps pods off a
// node for longer than a disturbance: those that the node controller sets by
// itself come and go.
func tolerates(t podTemplate, node map[string]any) bool {
	for _, taint := range mapsAt(mapAt(node, "spec"), "taints") {
		effect, key := textAt(taint, "effect"), textAt(taint, "key")
		if effect == "PreferNoSchedule" || strings.HasPrefix(key, "node.kubernetes.io/") {
			continue
		}
		if !slices.ContainsFunc(mapsAt(t.spec, "tolerations"), func(toleration map[string]any) bool {
			wanted, operator := textAt(toleration, "key"), textAt(toleration, "operator")
			if e := textAt(toleration, "effect"); e != "" && e != effect || wanted != "" && wanted != key {
				return false
			}
			return operator == "Exists" || wanted != "" && textAt(toleration, "value") == textAt(taint, "value")
		}) {
			return false
		}
	}
	return true
}
