package cluster

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
)

// judgeServices judges a Service by the pods it selects, and a workload by the
// Services that selected its pods.
func (w *riskWorld) judgeServices(o *riskObject) {
	if o.is("", "Service") {
		if o.stays() {
			w.judgeSelection(o, presentObject{id: o.id, fields: o.after, changed: true}, "")
		}
		return
	}
	before, had := o.templateBefore()
	if !had || o.is("batch", "Job", "CronJob") || o.is("", "Pod") {
		return
	}
	after, has := o.templateAfter()
	if has && fieldpath.Equal(before.labels, after.labels) {
		return
	}
	for _, service := range w.present(serviceKind, o.id.Namespace) {
		selector := serviceSelector(service.fields)
		if service.changed || len(selector) == 0 || !selectsAll(selector, before.labels) || has && selectsAll(selector, after.labels) {
			continue
		}
		why := fmt.Sprintf("%s changes the labels of its pods: ", o.name())
		if !has {
			why = fmt.Sprintf("%s is deleted: ", o.name())
		}
		w.judgeSelection(o, service, why)
	}
}

func serviceSelector(service map[string]any) map[string]any {
	spec := mapAt(service, "spec")
	if textAt(spec, "type") == "ExternalName" {
		return nil
	}
	return mapAt(spec, "selector")
}

func selectsAll(selector, labels map[string]any) bool {
	return selects(map[string]any{"matchLabels": selector}, labels)
}

// judgeSelection marks an object when a Service selects no pod once the plan
// is applied, or names a port that none of them has.
func (w *riskWorld) judgeSelection(o *riskObject, service presentObject, why string) {
	selector := serviceSelector(service.fields)
	if len(selector) == 0 {
		return // its endpoints are made by somebody else
	}
	var selected []podTemplate
	for _, other := range w.objects {
		if other.id.Namespace != service.id.Namespace || !other.stays() {
			continue
		}
		if t, ok := other.templateAfter(); ok && selectsAll(selector, t.labels) {
			selected = append(selected, t)
		}
	}
	if len(selected) == 0 {
		live, known := w.ask(riskNeed{kind: podKind, namespace: service.id.Namespace, selector: selectorText(selector)})
		if !known {
			return
		}
		for _, pod := range live {
			if t, ok := templateOf("", "Pod", pod); ok && !w.replaced(service.id.Namespace, t.labels) {
				selected = append(selected, t)
			}
		}
	}
	if len(selected) == 0 {
		o.danger(riskServiceEmpty, "%sService %s selects no pod (%s), neither of this plan nor live", why, service.id.Name, selectorText(selector))
		return
	}
	w.judgeTargetPorts(o, service, selected)
}

// replaced reports whether live pods with these labels belong to a workload
// that the plan deletes, or whose pods it gives other labels.
func (w *riskWorld) replaced(namespace string, labels map[string]any) bool {
	for _, o := range w.objects {
		if o.id.Namespace != namespace || !o.changes() {
			continue
		}
		selector := mapAt(o.before, "spec", "selector")
		before, had := o.templateBefore()
		if !had || !selectsAll(before.labels, labels) || !isEmpty(selector) && !selects(selector, labels) {
			continue
		}
		if after, has := o.templateAfter(); !o.stays() || !has || !fieldpath.Equal(before.labels, after.labels) {
			return true
		}
	}
	return false
}

func selectorText(selector map[string]any) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(selector)) {
		parts = append(parts, k+"="+textAt(selector, k))
	}
	return strings.Join(parts, ",")
}

// judgeTargetPorts finds ports of a Service that lead to none of its pods.
func (w *riskWorld) judgeTargetPorts(o *riskObject, service presentObject, selected []podTemplate) {
	for _, port := range mapsAt(mapAt(service.fields, "spec"), "ports") {
		n, _ := number(port["port"])
		switch target := port["targetPort"].(type) {
		case string:
			if !slices.ContainsFunc(selected, func(t podTemplate) bool { return t.hasPort(target, 0) }) {
				o.danger(riskServicePort, "Service %s sends port %d to targetPort %s, a name that no container of the pods it selects has", service.id.Name, n, target)
			}
		default:
			number, ok := number(target)
			if !ok {
				number = n
			}
			declares := func(t podTemplate) bool { return t.hasPort("", -1) }
			has := func(t podTemplate) bool { return t.hasPort("", number) }
			if slices.ContainsFunc(selected, declares) && !slices.ContainsFunc(selected, has) {
				o.warn(riskServicePort, "Service %s sends port %d to targetPort %d, which no container of the pods it selects declares", service.id.Name, n, number)
			}
		}
	}
}

// hasPort reports whether a container declares a port of a name, or of a
// number; -1: any.
func (t podTemplate) hasPort(name string, port int64) bool {
	for _, c := range t.containers() {
		for _, p := range mapsAt(c.fields, "ports") {
			n, _ := number(p["containerPort"])
			if name != "" && p["name"] == name || name == "" && (port == -1 || n == port) {
				return true
			}
		}
	}
	return false
}
