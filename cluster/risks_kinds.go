package cluster

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
	"github.com/fairtide-dev/fairtide/model"
)

// judgeKind judges what only one kind of object has.
func (o *riskObject) judgeKind() {
	switch {
	case o.is("policy", "PodDisruptionBudget"):
		o.judgeBudgetChange()
	case o.is("autoscaling", "HorizontalPodAutoscaler"):
		o.judgeAutoscaler()
	case o.is(crdKind.Group, crdKind.Kind):
		o.judgeCRD()
	case o.is("", "PersistentVolumeClaim"):
		o.judgeClaim()
	case o.is("batch", "Job"):
		if o.after != nil && mapAt(o.after, "spec")["suspend"] != true && o.before == nil {
			o.info(riskJobRuns, "%s runs as soon as it is created", o.name())
		}
	case o.is("", "Namespace"):
		o.judgeNamespace()
	case o.is("admissionregistration.k8s.io", "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"):
		o.judgeWebhooks()
	}
}

func (o *riskObject) judgeBudgetChange() {
	if o.after == nil {
		o.warn(riskBudgetRemoved, "%s is gone: a drain may evict all pods it was about at once", o.name())
		return
	}
	if o.before == nil {
		return
	}
	old, new := mapAt(o.before, "spec"), mapAt(o.after, "spec")
	compare := func(field string, loosens func(from, to int64) bool) {
		from, to := shareText(old[field], ""), shareText(new[field], "")
		var a, b int64
		unitA, unitB := "", ""
		if _, err := fmt.Sscanf(from, "%d%s", &a, &unitA); err != nil && unitA == "" && from == "" {
			return
		}
		if _, err := fmt.Sscanf(to, "%d%s", &b, &unitB); err != nil && unitB == "" && to == "" {
			return
		}
		if unitA == unitB && loosens(a, b) {
			o.warn(riskBudgetLoosened, "%s lets more pods be evicted at once: %s %s → %s", o.name(), field, from, to)
		}
	}
	compare("minAvailable", func(from, to int64) bool { return to < from })
	compare("maxUnavailable", func(from, to int64) bool { return to > from })
	if !fieldpath.Equal(old["selector"], new["selector"]) {
		o.warn(riskBudgetLoosened, "%s is about other pods than before (selector): the earlier ones lose it", o.name())
	}
}

func (o *riskObject) judgeAutoscaler() {
	old, new := mapAt(o.before, "spec"), mapAt(o.after, "spec")
	if o.after == nil {
		target := mapAt(old, "scaleTargetRef")
		o.warn(riskAutoscalerRemoved, "%s is gone: %s %s stays at the replicas it has then", o.name(), textAt(target, "kind"), textAt(target, "name"))
		return
	}
	for _, field := range []string{"minReplicas", "maxReplicas"} {
		was, okWas := number(old[field])
		now, okNow := number(new[field])
		if okWas && okNow && now < was {
			o.warn(riskAutoscalerLowered, "%s lowers %s from %d to %d", o.name(), field, was, now)
		}
	}
}

// judgeCRD judges what users of a kind lose.
func (o *riskObject) judgeCRD() {
	if o.before == nil || o.after == nil {
		return
	}
	stored := textsAt(mapAt(o.live, "status"), "storedVersions")
	kind := textAt(mapAt(o.after, "spec", "names"), "kind")
	for _, was := range mapsAt(mapAt(o.before, "spec"), "versions") {
		name := textAt(was, "name")
		var now map[string]any
		for _, v := range mapsAt(mapAt(o.after, "spec"), "versions") {
			if v["name"] == name {
				now = v
			}
		}
		switch {
		case now == nil && slices.Contains(stored, name):
			o.danger(riskVersionRemoved, "%s drops version %s of %s, at which objects may still be stored (status.storedVersions)", o.name(), name, kind)
		case now == nil:
			o.warn(riskVersionRemoved, "%s drops version %s of %s: who still uses it is refused", o.name(), name, kind)
		case was["served"] == true && now["served"] != true:
			o.warn(riskVersionUnserved, "%s no longer serves version %s of %s: who still uses it is refused", o.name(), name, kind)
		default:
			o.judgeSchema(name, mapAt(was, "schema", "openAPIV3Schema"), mapAt(now, "schema", "openAPIV3Schema"))
		}
	}
}

func (o *riskObject) judgeSchema(version string, old, new map[string]any) {
	var c schemaChanges
	c.walk("", old, new)
	if len(c.gone) > 0 {
		o.danger(riskSchemaFieldGone, "%s drops %s from the schema of %s: values there are lost at the next write of an object", o.name(), few(c.gone), version)
	}
	if len(c.required) > 0 {
		o.warn(riskSchemaRequires, "%s requires %s in %s: objects without it cannot be written any more", o.name(), few(c.required), version)
	}
}

// schemaChanges is what a structural schema takes from its users.
type schemaChanges struct{ gone, required []string }

func (c *schemaChanges) walk(path string, old, new map[string]any) {
	if old == nil || new == nil {
		return
	}
	at := func(field string) string { return strings.TrimPrefix(path+"."+field, ".") }
	keeps := new["x-kubernetes-preserve-unknown-fields"] == true || new["additionalProperties"] != nil
	properties := mapAt(new, "properties")
	for _, field := range slices.Sorted(maps.Keys(mapAt(old, "properties"))) {
		if path == "" && (field == "metadata" || field == "apiVersion" || field == "kind") {
			continue // the server knows these by itself
		}
		if _, there := properties[field]; !there {
			if !keeps {
				c.gone = append(c.gone, at(field))
			}
			continue
		}
		c.walk(at(field), mapAt(old, "properties", field), mapAt(properties, field))
	}
	for _, field := range textsAt(new, "required") {
		preset := mapAt(properties, field)["default"] != nil
		if !preset && !slices.Contains(textsAt(old, "required"), field) {
			c.required = append(c.required, at(field))
		}
	}
	c.walk(path+"[]", mapAt(old, "items"), mapAt(new, "items"))
	c.walk(path+"[*]", mapAt(old, "additionalProperties"), mapAt(new, "additionalProperties"))
}

func (o *riskObject) judgeClaim() {
	if o.before == nil || o.after == nil {
		return
	}
	was, okWas := quantity(mapAt(o.before, "spec", "resources", "requests")["storage"])
	now, okNow := quantity(mapAt(o.after, "spec", "resources", "requests")["storage"])
	if okWas && okNow && now.Cmp(was) < 0 && o.verdict == model.VerdictUpdate {
		o.danger(riskVolumeShrinks, "%s asks for %s instead of %s: a volume cannot shrink, the server refuses it", o.name(), now.String(), was.String())
	}
	from, to := textAt(mapAt(o.before, "spec"), "storageClassName"), textAt(mapAt(o.after, "spec"), "storageClassName")
	if from != to {
		o.danger(riskStorageClass, "%s changes storageClassName from %q to %q: that takes a new volume, without the data", o.name(), from, to)
	}
}

// podSecurityLevels are the levels of Pod Security, the laxest first.
var podSecurityLevels = []string{"privileged", "baseline", "restricted"}

func (o *riskObject) judgeNamespace() {
	const label = "pod-security.kubernetes.io/enforce"
	if o.before == nil || o.after == nil {
		return
	}
	level := func(fields map[string]any) int {
		return max(0, slices.Index(podSecurityLevels, textAt(mapAt(fields, "metadata", "labels"), label)))
	}
	was, now := level(o.before), level(o.after)
	switch {
	case now < was && mapAt(o.after, "metadata", "labels")[label] == nil:
		o.danger(riskPodSecurity, "%s drops label %s: %s: its pods are held to what the cluster sets for all", o.name(), label, podSecurityLevels[was])
	case now < was:
		o.danger(riskPodSecurity, "%s lowers %s from %s to %s", o.name(), label, podSecurityLevels[was], podSecurityLevels[now])
	case now > was:
		o.warn(riskPodSecurityRaised, "%s raises %s from %s to %s: pods that do not comply are refused when they are next made",
			o.name(), label, podSecurityLevels[was], podSecurityLevels[now])
	}
}

func (o *riskObject) judgeWebhooks() {
	old := map[string]map[string]any{}
	for _, hook := range mapsAt(o.before, "webhooks") {
		old[textAt(hook, "name")] = hook
	}
	for _, hook := range mapsAt(o.after, "webhooks") {
		name := textAt(hook, "name")
		was := old[name]
		switch {
		case failsClosed(hook) && takesAll(hook) && (!failsClosed(was) || !takesAll(was)):
			o.danger(riskWebhookEverything, "%s: webhook %s is asked about writes of every kind in every namespace with failurePolicy Fail: while it does not answer, nothing can be written",
				o.name(), name)
		case was != nil && failsClosed(hook) && !failsClosed(was):
			o.warn(riskWebhookFails, "%s: webhook %s gets failurePolicy Fail: while it does not answer, what it is asked about cannot be written", o.name(), name)
		}
	}
}

func failsClosed(hook map[string]any) bool {
	return hook != nil && textAt(hook, "failurePolicy") != "Ignore" // Fail is the server's default
}

// takesAll reports whether a webhook is asked about all kinds and namespaces.
func takesAll(hook map[string]any) bool {
	if !isEmpty(mapAt(hook, "namespaceSelector")) || !isEmpty(mapAt(hook, "objectSelector")) || len(sliceAt(hook, "matchConditions")) > 0 {
		return false
	}
	return slices.ContainsFunc(mapsAt(hook, "rules"), func(rule map[string]any) bool {
		resources := textsAt(rule, "resources")
		scope := textAt(rule, "scope")
		return slices.Contains(textsAt(rule, "apiGroups"), "*") && (scope == "" || scope == "*") &&
			(slices.Contains(resources, "*") || slices.Contains(resources, "*/*"))
	})
}
