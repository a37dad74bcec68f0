package cluster

import (
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
)

// podTemplate is what an object makes pods from.
type podTemplate struct {
	labels map[string]any
	spec   map[string]any
}

// templateOf finds the pod template of an object of any kind that has one where
// the built-in kinds have it; ok is false for all others.
func templateOf(group, kind string, fields map[string]any) (t podTemplate, ok bool) {
	at := mapAt(fields, "spec", "template")
	switch {
	case group == "" && kind == "Pod":
		at = fields
	case group == "batch" && kind == "CronJob":
		at = mapAt(fields, "spec", "jobTemplate", "spec", "template")
	}
	t = podTemplate{labels: mapAt(at, "metadata", "labels"), spec: mapAt(at, "spec")}
	return t, len(sliceAt(t.spec, "containers")) > 0
}

func (o *riskObject) templateBefore() (podTemplate, bool) {
	return templateOf(o.id.Group, o.id.Kind, o.before)
}

func (o *riskObject) templateAfter() (podTemplate, bool) {
	return templateOf(o.id.Group, o.id.Kind, o.after)
}

// container is one container of a pod template.
type container struct {
	name   string
	init   bool
	fields map[string]any
}

// restartable reports whether it is an init container that runs on, a sidecar.
func (c container) restartable() bool { return c.init && c.fields["restartPolicy"] == "Always" }

func (t podTemplate) containers() []container {
	var out []container
	for _, list := range []string{"initContainers", "containers"} {
		for _, c := range mapsAt(t.spec, list) {
			if name := textAt(c, "name"); name != "" {
				out = append(out, container{name: name, init: list == "initContainers", fields: c})
			}
		}
	}
	return out
}

// container finds the container of a name; its fields are nil when there is none.
func (t podTemplate) container(name string) container {
	for _, c := range t.containers() {
		if c.name == name {
			return c
		}
	}
	return container{}
}

// judgeContainers judges what an update takes from the containers that stay.
func (o *riskObject) judgeContainers() {
	before, okBefore := o.templateBefore()
	after, okAfter := o.templateAfter()
	if !okBefore || !okAfter {
		return
	}
	for _, was := range before.containers() {
		now := after.container(was.name)
		if now.fields == nil {
			continue
		}
		o.judgeResources(was, now)
		o.judgeProbes(was, now)
		o.judgeHooks(was, now)
	}
	grace := func(t podTemplate) int64 {
		if n, ok := number(t.spec["terminationGracePeriodSeconds"]); ok {
			return n
		}
		return 30 // the server's default
	}
	if was, now := grace(before), grace(after); now < was {
		o.warn(riskGraceLowered, "%s lowers terminationGracePeriodSeconds from %d to %d: pods that need longer to stop are killed", o.name(), was, now)
	}
}

func (o *riskObject) judgeResources(was, now container) {
	for _, kind := range []string{"limits", "requests"} {
		old, new := mapAt(was.fields, "resources", kind), mapAt(now.fields, "resources", kind)
		word := strings.TrimSuffix(kind, "s")
		for _, name := range slices.Sorted(maps.Keys(old)) {
			from, okFrom := quantity(old[name])
			if !okFrom {
				continue
			}
			if _, there := new[name]; !there {
				o.warn(riskResourcesRemoved, "%s removes the %s %s of container %s (%s)", o.name(), name, word, was.name, from.String())
				continue
			}
			if to, ok := quantity(new[name]); ok && to.Cmp(from) < 0 {
				o.warn(riskResourcesLowered, "%s lowers the %s %s of container %s from %s to %s", o.name(), name, word, was.name, from.String(), to.String())
			}
		}
	}
}

// quantity reads an amount, that YAML may have made a number of.
func quantity(v any) (resource.Quantity, bool) {
	switch v := v.(type) {
	case string:
		q, err := resource.ParseQuantity(v)
		return q, err == nil
	case int64:
		return *resource.NewQuantity(v, resource.DecimalSI), true
	case float64:
		q, err := resource.ParseQuantity(strings.TrimSuffix(showValue(v), "."))
		return q, err == nil
	}
	return resource.Quantity{}, false
}

// probeNumbers are the settings of a probe, with the server's defaults, and for
// which probes a higher one makes it see less, or later.
var probeNumbers = []struct {
	field  string
	preset int64
	probes []string
}{
	{"failureThreshold", 3, []string{"livenessProbe", "readinessProbe", "startupProbe"}},
	{"periodSeconds", 10, []string{"livenessProbe", "readinessProbe", "startupProbe"}},
	{"timeoutSeconds", 1, []string{"livenessProbe", "readinessProbe", "startupProbe"}},
	{"initialDelaySeconds", 0, []string{"livenessProbe"}},
}

func (o *riskObject) judgeProbes(was, now container) {
	for _, probe := range []string{"livenessProbe", "readinessProbe", "startupProbe"} {
		old, new := mapAt(was.fields, probe), mapAt(now.fields, probe)
		switch {
		case old == nil:
		case new == nil:
			o.warn(riskProbeRemoved, "%s removes the %s of container %s", o.name(), probe, was.name)
		default:
			if words := laxer(probe, old, new); words != "" {
				o.info(riskProbeLaxer, "%s makes the %s of container %s laxer: %s", o.name(), probe, was.name, words)
			}
		}
	}
}

func laxer(probe string, old, new map[string]any) string {
	var words []string
	setting := func(m map[string]any, field string, preset int64) int64 {
		if n, ok := number(m[field]); ok {
			return n
		}
		return preset
	}
	for _, n := range probeNumbers {
		from, to := setting(old, n.field, n.preset), setting(new, n.field, n.preset)
		if to > from && slices.Contains(n.probes, probe) {
			words = append(words, n.field+" "+showValue(from)+" → "+showValue(to))
		}
	}
	if old["tcpSocket"] == nil && new["tcpSocket"] != nil {
		words = append(words, "it only opens a connection (tcpSocket)")
	}
	return strings.Join(words, ", ")
}

func (o *riskObject) judgeHooks(was, now container) {
	for _, hook := range []string{"preStop", "postStart"} {
		if mapAt(was.fields, "lifecycle", hook) != nil && mapAt(now.fields, "lifecycle", hook) == nil {
			o.warn(riskHookRemoved, "%s removes the %s hook of container %s", o.name(), hook, was.name)
		}
	}
}
