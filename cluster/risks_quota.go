package cluster

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
)

// amounts are quantities by the name of their resource.
type amounts map[string]resource.Quantity

func (a amounts) add(name string, q resource.Quantity) {
	sum := a[name].DeepCopy()
	sum.Add(q)
	a[name] = sum
}

// raise keeps the larger of two amounts.
func (a amounts) raise(name string, q resource.Quantity) {
	if was, ok := a[name]; !ok || q.Cmp(was) > 0 {
		a[name] = q
	}
}

// quantities reads one of a container's resource lists, requests or limits.
// What is limited and asks for nothing asks for its limit.
func (c container) quantities(kind string) amounts {
	out := amounts{}
	for name, v := range mapAt(c.fields, "resources", kind) {
		if q, ok := quantity(v); ok {
			out[name] = q
		}
	}
	if kind == "requests" {
		for name, q := range c.quantities("limits") {
			if _, set := out[name]; !set {
				out[name] = q
			}
		}
	}
	return out
}

// podAmounts is what a pod counts for: the sum of its containers and sidecars,
// or what an init container takes meanwhile if that is more, and the overhead.
// defaults fill in what a LimitRange would.
func (t podTemplate) podAmounts(kind string, defaults amounts) amounts {
	running, starting, sidecars := amounts{}, amounts{}, amounts{}
	for _, c := range t.containers() {
		own := c.quantities(kind)
		for name, q := range defaults {
			if _, set := own[name]; !set {
				own[name] = q
			}
		}
		for name, q := range own {
			switch {
			case !c.init:
				running.add(name, q)
			case c.restartable():
				running.add(name, q)
				sidecars.add(name, q)
				starting.raise(name, sidecars[name])
			default:
				sum := sidecars[name].DeepCopy()
				sum.Add(q)
				starting.raise(name, sum)
			}
		}
	}
	for name, q := range starting {
		running.raise(name, q)
	}
	for name, v := range mapAt(t.spec, "resources", kind) { // of the pod as a whole
		if q, ok := quantity(v); ok {
			running[name] = q
		}
	}
	for name, v := range mapAt(t.spec, "overhead") {
		if q, ok := quantity(v); ok {
			running.add(name, q)
		}
	}
	return running
}

// podsOf is how many pods an object keeps running.
func podsOf(group, kind string, fields map[string]any) (int64, bool) {
	switch {
	case fields == nil:
		return 0, true
	case group == "" && kind == "Pod":
		return 1, true
	case group == "apps" && (kind == "Deployment" || kind == "StatefulSet" || kind == "ReplicaSet"):
		return replicasAt(fields), true
	}
	return 0, false
}

// judgeQuotas adds up what the plan asks for in each namespace and compares it
// with the quotas there.
func (w *riskWorld) judgeQuotas() {
	byNamespace := map[string][]*riskObject{}
	for _, o := range w.objects {
		if o.changes() && o.id.Namespace != "" && o.after != nil && w.takesQuota(o) {
			byNamespace[o.id.Namespace] = append(byNamespace[o.id.Namespace], o)
		}
	}
	for _, namespace := range slices.Sorted(maps.Keys(byNamespace)) {
		quotas := w.present(quotaKind, namespace)
		for _, quota := range quotas {
			spec := mapAt(quota.fields, "spec")
			if !isEmpty(spec["scopes"]) || !isEmpty(spec["scopeSelector"]) {
				continue // which pods it counts is not known before they are made
			}
			w.judgeQuota(quota, byNamespace[namespace])
		}
	}
}

// takesQuota reports whether a change can count against a quota: a new object,
// or one whose pods become more or bigger.
func (w *riskWorld) takesQuota(o *riskObject) bool {
	if o.before == nil {
		return true
	}
	if _, isTemplate := o.templateAfter(); isTemplate {
		return replicasAt(o.before) != replicasAt(o.after) || o.resized()
	}
	return o.is("", "PersistentVolumeClaim") || o.is("", "Service") && serviceType(o.before) != serviceType(o.after)
}

// resized reports whether the pods of an object are new, or ask for other
// amounts than before.
func (o *riskObject) resized() bool {
	sizes := func(t podTemplate) any {
		out := map[string]any{"": t.spec["resources"], " ": t.spec["overhead"]}
		for _, c := range t.containers() {
			out[c.name] = []any{c.init, c.fields["resources"], c.fields["restartPolicy"]}
		}
		return out
	}
	before, had := o.templateBefore()
	after, has := o.templateAfter()
	return has && (!had || !fieldpath.Equal(sizes(before), sizes(after)))
}

func (w *riskWorld) judgeQuota(quota presentObject, objects []*riskObject) {
	hard, used := mapAt(quota.fields, "spec", "hard"), mapAt(quota.fields, "status", "used")
	for _, name := range slices.Sorted(maps.Keys(hard)) {
		most, okMost := quantity(hard[name])
		taken, okTaken := quantity(used[name])
		if !okMost || !okTaken {
			continue
		}
		var more resource.Quantity
		var by *riskObject
		var byMuch resource.Quantity
		for _, o := range objects {
			d := w.quotaDelta(o, name)
			more.Add(d)
			if by == nil && d.Sign() > 0 || by != nil && d.Cmp(byMuch) > 0 {
				by, byMuch = o, d
			}
		}
		sum := taken.DeepCopy()
		sum.Add(more)
		if by == nil || more.Sign() <= 0 || sum.Cmp(most) <= 0 {
			continue
		}
		by.danger(riskQuotaExceeded, "the plan needs %s more of %s, and ResourceQuota %s allows %s of which %s is used; most is for %s (%s)",
			more.String(), name, metaString(quota.fields, "name"), most.String(), taken.String(), by.name(), byMuch.String())
	}
}

// quotaDelta is how much more of a quota's resource an object takes.
func (w *riskWorld) quotaDelta(o *riskObject, name string) resource.Quantity {
	if count, ok := strings.CutPrefix(name, "count/"); ok {
		return w.countDelta(o, count)
	}
	switch name {
	case "services", "configmaps", "secrets", "persistentvolumeclaims", "replicationcontrollers", "resourcequotas":
		return w.countDelta(o, name)
	case "services.loadbalancers":
		return serviceDelta(o, "LoadBalancer")
	case "services.nodeports":
		return resource.Quantity{} // one for each port, and load balancers too: left to the server
	case "requests.storage":
		return storageDelta(o)
	}
	return w.podDelta(o, name)
}

func (w *riskWorld) countDelta(o *riskObject, plural string) resource.Quantity {
	resourceName, group, _ := strings.Cut(plural, ".")
	kind := strings.ToLower(o.id.Kind)
	same := resourceName == kind+"s" || resourceName == kind+"es" || resourceName == strings.TrimSuffix(kind, "y")+"ies"
	if o.before != nil || group != o.id.Group || !same {
		return resource.Quantity{}
	}
	return *resource.NewQuantity(1, resource.DecimalSI)
}

func serviceDelta(o *riskObject, kind string) resource.Quantity {
	if !o.is("", "Service") || serviceType(o.after) != kind || o.before != nil && serviceType(o.before) == kind {
		return resource.Quantity{}
	}
	return *resource.NewQuantity(1, resource.DecimalSI)
}

func storageDelta(o *riskObject) resource.Quantity {
	if !o.is("", "PersistentVolumeClaim") {
		return resource.Quantity{}
	}
	now, _ := quantity(mapAt(o.after, "spec", "resources", "requests")["storage"])
	was, _ := quantity(mapAt(o.before, "spec", "resources", "requests")["storage"])
	now = now.DeepCopy()
	now.Sub(was)
	return now
}

func (w *riskWorld) podDelta(o *riskObject, name string) resource.Quantity {
	now, ok := podsOf(o.id.Group, o.id.Kind, o.after)
	was, okBefore := podsOf(o.id.Group, o.id.Kind, o.before)
	if !ok || !okBefore {
		return resource.Quantity{}
	}
	if name == "pods" {
		return *resource.NewQuantity(now-was, resource.DecimalSI)
	}
	kind, what := "requests", strings.TrimPrefix(name, "requests.")
	if limit, isLimit := strings.CutPrefix(name, "limits."); isLimit {
		kind, what = "limits", limit
	}
	defaults := w.limitDefaults(o.id.Namespace, kind)
	sum := resource.Quantity{}
	if t, has := o.templateAfter(); has {
		q := t.podAmounts(kind, defaults)[what]
		q.Mul(now)
		sum.Add(q)
	}
	if t, had := o.templateBefore(); had {
		q := t.podAmounts(kind, defaults)[what]
		q.Mul(was)
		sum.Sub(q)
	}
	return sum
}

// limitDefaults is what the limit ranges of a namespace give containers that
// say nothing.
func (w *riskWorld) limitDefaults(namespace, kind string) amounts {
	field := "defaultRequest"
	if kind == "limits" {
		field = "default"
	}
	out := amounts{}
	for _, ranges := range w.present(limitRangeKind, namespace) {
		for _, item := range mapsAt(mapAt(ranges.fields, "spec"), "limits") {
			if item["type"] != "Container" {
				continue
			}
			for name, v := range mapAt(item, field) {
				if q, ok := quantity(v); ok {
					out[name] = q
				}
			}
		}
	}
	return out
}

// judgeLimits judges a changed pod template against the limit ranges of its
// namespace: the server does so only when pods are made.
func (w *riskWorld) judgeLimits(o *riskObject) {
	after, ok := o.templateAfter()
	if !ok || o.id.Namespace == "" || o.is("", "Pod") || !o.resized() {
		return
	}
	for _, ranges := range w.present(limitRangeKind, o.id.Namespace) {
		for _, item := range mapsAt(mapAt(ranges.fields, "spec"), "limits") {
			var broken []string
			switch item["type"] {
			case "Container":
				for _, c := range after.containers() {
					broken = append(broken, breaks(item, "container "+c.name, w.filled(o.id.Namespace, "requests", c), w.filled(o.id.Namespace, "limits", c))...)
				}
			case "Pod":
				broken = breaks(item, "pod", after.podAmounts("requests", w.limitDefaults(o.id.Namespace, "requests")),
					after.podAmounts("limits", w.limitDefaults(o.id.Namespace, "limits")))
			}
			if len(broken) > 0 {
				o.danger(riskLimitRange, "LimitRange %s refuses the pods of %s: %s", metaString(ranges.fields, "name"), o.name(), few(broken))
			}
		}
	}
}

func (w *riskWorld) filled(namespace, kind string, c container) amounts {
	out := c.quantities(kind)
	for name, q := range w.limitDefaults(namespace, kind) {
		if _, set := out[name]; !set {
			out[name] = q
		}
	}
	return out
}

// breaks lists what amounts violate an entry of a LimitRange.
func breaks(item map[string]any, who string, requests, limits amounts) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(mapAt(item, "max"))) {
		most, ok := quantity(mapAt(item, "max")[name])
		limit, set := limits[name]
		request := requests[name]
		switch {
		case ok && request.Cmp(most) > 0:
			out = append(out, fmt.Sprintf("the %s request of %s is %s, at most %s is allowed", name, who, request.String(), most.String()))
		case ok && !set:
			out = append(out, fmt.Sprintf("%s has no %s limit, at most %s is allowed", who, name, most.String()))
		case ok && limit.Cmp(most) > 0:
			out = append(out, fmt.Sprintf("the %s limit of %s is %s, at most %s is allowed", name, who, limit.String(), most.String()))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(mapAt(item, "min"))) {
		least, ok := quantity(mapAt(item, "min")[name])
		request, set := requests[name]
		limit, limited := limits[name]
		switch {
		case ok && limited && limit.Cmp(least) < 0:
			out = append(out, fmt.Sprintf("the %s limit of %s is %s, at least %s is needed", name, who, limit.String(), least.String()))
		case ok && !set:
			out = append(out, fmt.Sprintf("%s has no %s request, at least %s is needed", who, name, least.String()))
		case ok && request.Cmp(least) < 0:
			out = append(out, fmt.Sprintf("the %s request of %s is %s, at least %s is needed", name, who, request.String(), least.String()))
		}
	}
	return out
}
