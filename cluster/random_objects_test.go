package cluster

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"

	"github.com/fairtide-dev/fairtide/model"
)

// facet is a part of an object that edits change: a path, and what it can be.
// Either one of the values, or some of the elements of the pool in any order;
// an element can have several forms.
type facet struct {
	path   string
	values []string
	pool   [][]string
	always bool // an object without it is not valid
}

// kindOfRounds is a kind with the parts of it that are edited. $NAME stands for
// the object's name.
type kindOfRounds struct {
	gvr    schema.GroupVersionResource
	kind   string
	base   string
	facets []facet
	scales bool
	status string // a merge patch of its status; empty: none is made
}

func one(path string, values ...string) facet { return facet{path: path, values: values} }
func must(path string, values ...string) facet {
	return facet{path: path, values: values, always: true}
}
func some(path string, pool ...[]string) facet { return facet{path: path, pool: pool} }
func atLeastOne(path string, pool ...[]string) facet {
	return facet{path: path, pool: pool, always: true}
}
func forms(f ...string) []string { return f }

// everyFacets are those that all kinds have.
var everyFacets = []facet{
	one("metadata.labels.tier", "web", "db"), one("metadata.labels.team", "shop"),
	one("metadata.annotations.note", "one", "two", `""`), one("metadata.annotations.owner", "dev1"),
}

const templateBase = `{metadata: {labels: {app: $NAME}}, spec: {nodeSelector: {such: none}, containers: [{name: main, image: "cart:1"}]}}`

// templateFacets are those of a pod template below a path.
func templateFacets(below string) []facet {
	main := below + ".spec.containers[main]."
	return []facet{
		must(main+"image", `"cart:1"`, `"cart:2"`, `"registry.example.com/cart:1.4.1"`),
		some(main+"env", forms(`{name: A, value: "1"}`, `{name: A, value: "2"}`, `{name: A}`), forms(`{name: B, value: x}`),
			forms(`{name: C, valueFrom: {fieldRef: {fieldPath: metadata.name}}}`, `{name: C, valueFrom: {fieldRef: {apiVersion: v1, fieldPath: metadata.name}}}`),
			forms(`{name: D, value: "$(A)"}`)),
		some(main+"ports", forms(`{containerPort: 80}`, `{containerPort: 80, protocol: TCP}`),
			forms(`{containerPort: 8080, name: web}`, `{containerPort: 8080, name: http}`), forms(`{containerPort: 53, protocol: UDP}`)),
		one(main+"resources.limits.cpu", "100m", `"0.1"`, "1", "1000m"), one(main+"resources.requests.memory", "64Mi", "65536Ki", "128Mi", `"134217728"`),
		one(main+"args", "[a, b]", "[b, a]", "[a]"), one(main+"envFrom", "[{configMapRef: {name: x}}]", "[{secretRef: {name: z}}]"),
		one(main+"imagePullPolicy", "Always", "IfNotPresent"), one(main+"securityContext.runAsNonRoot", "true", "false"),
		one(main+"livenessProbe", "{httpGet: {path: /, port: 80}}", "{httpGet: {path: /live, port: 80}, periodSeconds: 5}", "{httpGet: {path: /, port: 80, scheme: HTTP}, timeoutSeconds: 1}"),
		one(below+".spec.containers[side]", `{name: side, image: "side:1"}`, `{name: side, image: "side:2", env: [{name: A, value: "1"}]}`),
		some(below+".spec.volumes", forms("{name: tmp, emptyDir: {}}"), forms("{name: cfg, configMap: {name: a}}", "{name: cfg, configMap: {name: b}}")),
		one(below+".spec.terminationGracePeriodSeconds", "5", "30"), one(below+".metadata.annotations.checksum", "aaa", "bbb"),
		one(below+".spec.nodeSelector.disk", "ssd", "hdd"), one(below+".spec.tolerations", "[{key: a, operator: Exists}]", "[{key: b, operator: Exists}, {key: a, operator: Exists}]"),
		some(below+".spec.hostAliases", forms(`{ip: "10.0.0.1", hostnames: [a]}`, `{ip: "10.0.0.1", hostnames: [b, a]}`), forms(`{ip: "10.0.0.2", hostnames: [c]}`)),
		one(below+".spec.serviceAccountName", "default", "shop"),
	}
}

const conditionPatch = `{"status":{"conditions":[{"type":"Test","status":"True","reason":"R%[1]d","message":"m"}]}}`

// kindsOfRounds are the kinds of the random sets; group is that of the test's own
// definition.
func kindsOfRounds(group string) []kindOfRounds {
	gvr := func(group, version, resource string) schema.GroupVersionResource {
		return schema.GroupVersionResource{Group: group, Version: version, Resource: resource}
	}
	workload := func(more ...facet) []facet { return append(templateFacets("spec.template"), more...) }
	return []kindOfRounds{
		{gvr: gvr("apps", "v1", "deployments"), kind: "Deployment", base: `{spec: {replicas: 0, selector: {matchLabels: {app: $NAME}}, template: ` + templateBase + `}}`,
			scales: true, status: conditionPatch, facets: workload(must("spec.replicas", "0", "1"), one("spec.minReadySeconds", "0", "5"), one("spec.paused", "true", "false"),
				one("spec.revisionHistoryLimit", "3", "10"), one("spec.strategy.rollingUpdate.maxSurge", "1", "25%", "50%"), one("spec.progressDeadlineSeconds", "600", "60"))},
		{gvr: gvr("apps", "v1", "statefulsets"), kind: "StatefulSet", base: `{spec: {replicas: 0, serviceName: none, selector: {matchLabels: {app: $NAME}}, template: ` + templateBase + `}}`,
			scales: true, status: conditionPatch, facets: workload(must("spec.replicas", "0", "1"), one("spec.minReadySeconds", "0", "5"), one("spec.updateStrategy.rollingUpdate.partition", "0", "2"))},
		{gvr: gvr("apps", "v1", "daemonsets"), kind: "DaemonSet", base: `{spec: {selector: {matchLabels: {app: $NAME}}, template: ` + templateBase + `}}`,
			status: conditionPatch, facets: workload(one("spec.minReadySeconds", "0", "5"), one("spec.updateStrategy.rollingUpdate.maxUnavailable", "1", "2", "10%"))},
		{gvr: gvr("batch", "v1", "cronjobs"), kind: "CronJob", base: `{spec: {suspend: true, schedule: "0 3 * * *", jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: main, image: "job:1"}]}}}}}}`,
			facets: append(templateFacets("spec.jobTemplate.spec.template"), must("spec.schedule", `"0 3 * * *"`, `"0 4 * * *"`), one("spec.concurrencyPolicy", "Allow", "Forbid"),
				one("spec.successfulJobsHistoryLimit", "3", "1"), one("spec.jobTemplate.spec.backoffLimit", "6", "2"))},
		{gvr: gvr("", "v1", "services"), kind: "Service", base: `{spec: {ports: [{name: web, port: 80}]}}`, facets: []facet{
			atLeastOne("spec.ports", forms("{name: web, port: 80}", "{name: web, port: 80, targetPort: 80}", "{name: web, port: 80, targetPort: web}"),
				forms("{name: tls, port: 443, protocol: TCP}", "{name: tls, port: 443}"), forms("{name: dns, port: 53, protocol: UDP}")),
			one("spec.type", "ClusterIP", "NodePort"), one("spec.selector.app", "a", "b"), one("spec.publishNotReadyAddresses", "true", "false"), one("spec.internalTrafficPolicy", "Cluster", "Local")}},
		{gvr: configGVR, kind: "ConfigMap", base: "{}", facets: []facet{
			one("data.a", `"1"`, `"2"`, `""`), one("data.b", "|\n  many\n  lines\n"), one("data.c", "x", "z"), one("binaryData.z", "AAEC", "AAED")}},
		{gvr: secretGVR, kind: "Secret", base: "{}", facets: []facet{
			one("data.password", "aHVudGVyMg==", "aHVudGVyMw=="), one("stringData.token", "hunter2", "hunter3"), one("stringData.password", "hunter2"), one("data.user", "c2hvcA==")}},
		{gvr: gvr("networking.k8s.io", "v1", "ingresses"), kind: "Ingress", base: `{spec: {defaultBackend: {service: {name: a, port: {number: 80}}}}}`, status: `{"status":{"loadBalancer":{"ingress":[{"ip":"10.1.0.%[1]d"}]}}}`,
			facets: []facet{one("spec.ingressClassName", "nginx", "other"), one("spec.tls", "[{hosts: [a.example.com], secretName: t}]", "[{hosts: [b.example.com, a.example.com]}]"),
				one("spec.rules", "[{host: a.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: a, port: {name: web}}}}]}}]", "[{host: b.example.com}]")}},
		{gvr: gvr("networking.k8s.io", "v1", "networkpolicies"), kind: "NetworkPolicy", base: "{spec: {podSelector: {}}}", facets: []facet{
			one("spec.ingress", "[{from: [{podSelector: {matchLabels: {a: b}}}]}]", "[{ports: [{port: 80}]}]", "[{ports: [{port: 80, protocol: TCP}]}]"), one("spec.podSelector.matchLabels.app", "a", "b"), one("spec.policyTypes", "[Ingress]", "[Ingress, Egress]")}},
		{gvr: roleGVR, kind: "Role", base: "{}", facets: []facet{one("rules", `[{apiGroups: [""], resources: [pods], verbs: [get]}]`, `[{apiGroups: [""], resources: [pods], verbs: [list, get]}]`, "[]")}},
		{gvr: bindingGVR, kind: "RoleBinding", base: "{roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: r}}", facets: []facet{
			one("subjects", "[{kind: ServiceAccount, name: a, namespace: b}]", "[{kind: User, name: u}]", "[{kind: User, name: u, apiGroup: rbac.authorization.k8s.io}]")}},
		{gvr: gvr("", "v1", "serviceaccounts"), kind: "ServiceAccount", base: "{}", facets: []facet{
			// No secrets: the token controller takes those out that do not exist, whenever it comes to it.
			one("automountServiceAccountToken", "true", "false"), some("imagePullSecrets", forms("{name: a}"), forms("{name: b}"))}},
		{gvr: gvr("autoscaling", "v2", "horizontalpodautoscalers"), kind: "HorizontalPodAutoscaler", base: "{spec: {maxReplicas: 3, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: none}}}", status: `{"status":{"desiredReplicas":%[1]d,"currentReplicas":1}}`,
			facets: []facet{must("spec.maxReplicas", "3", "5"), one("spec.minReplicas", "1", "2"),
				one("spec.metrics", "[{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]", "[{type: Resource, resource: {name: memory, target: {type: AverageValue, averageValue: 100Mi}}}]"), one("spec.behavior.scaleDown.stabilizationWindowSeconds", "60", "300")}},
		{gvr: gvr("autoscaling", "v1", "horizontalpodautoscalers"), kind: "HorizontalPodAutoscaler", base: "{spec: {maxReplicas: 3, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: none}}}",
			facets: []facet{must("spec.maxReplicas", "3", "5"), one("spec.minReplicas", "1", "2"), one("spec.targetCPUUtilizationPercentage", "80", "50")}},
		{gvr: gvr("policy", "v1", "poddisruptionbudgets"), kind: "PodDisruptionBudget", base: "{spec: {minAvailable: 1, selector: {matchLabels: {app: $NAME}}}}", facets: []facet{
			must("spec.minAvailable", "1", "50%", "2"), one("spec.unhealthyPodEvictionPolicy", "AlwaysAllow", "IfHealthyBudget")}},
		{gvr: gvr("", "v1", "persistentvolumeclaims"), kind: "PersistentVolumeClaim", base: "{spec: {accessModes: [ReadWriteOnce], storageClassName: none, resources: {requests: {storage: 1Gi}}}}", facets: []facet{
			must("spec.resources.requests.storage", "1Gi", "1024Mi", `"1073741824"`)}},
		{gvr: gvr("", "v1", "resourcequotas"), kind: "ResourceQuota", base: "{}", facets: []facet{
			one("spec.hard.configmaps", `"1000"`, "1k", "1001"), one("spec.hard.secrets", "2000")}},
		{gvr: gvr("", "v1", "limitranges"), kind: "LimitRange", base: "{}", facets: []facet{
			one("spec.limits", "[{type: Container, default: {cpu: 100m}}]", `[{type: Container, default: {cpu: "0.1"}}]`, "[{type: Container, default: {cpu: 200m}, max: {cpu: 2}}]")}},
		{gvr: gvr(group, "v1", "wares"), kind: "Ware", base: "{}", status: `{"status":{"phase":"P%[1]d"}}`, facets: []facet{
			one("spec.size", "1", "3"), one("spec.mode", "fast", "slow"), some("spec.parts", forms("{name: a}", "{name: a, count: 2}", "{name: a, count: 1}"), forms("{name: b, count: 2}"), forms("{name: c}")),
			some("spec.tags", forms("x"), forms("v"), forms("z")), one("spec.list", "[b, a]", "[a, b]", "[]"), one("spec.share", "50%", "5"), one("spec.free", "{any: {thing: [1, 2]}}", "{any: 1.5}"), one("spec.piece", "{a: 1, b: 2}", "{a: 1}")}},
	}
}

// wareYAML defines the custom resources of the random sets: defaults, and lists
// of every type.
const wareYAML = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: wares.%[1]s}
spec:
  group: %[1]s
  scope: Namespaced
  names: {kind: Ware, plural: wares, singular: ware, listKind: WareList}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    schema:
      openAPIV3Schema:
        type: object
        properties:
          status: {type: object, x-kubernetes-preserve-unknown-fields: true}
          spec:
            type: object
            properties:
              size: {type: integer, default: 1}
              mode: {type: string, default: slow}
              parts: {type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [name], items: {type: object, required: [name], properties: {name: {type: string}, count: {type: integer, default: 1}}}}
              tags: {type: array, x-kubernetes-list-type: set, items: {type: string}}
              list: {type: array, items: {type: string}}
              share: {x-kubernetes-int-or-string: true}
              free: {type: object, x-kubernetes-preserve-unknown-fields: true}
              piece: {type: object, x-kubernetes-map-type: atomic, additionalProperties: {type: integer}}`

// objectOfRounds is an object of a random set as Git has it.
type objectOfRounds struct {
	kind   *kindOfRounds
	name   string
	facets []facet
	chosen map[string]any // by the facet's path; absent: it is not written
}

func newObjectOfRounds(rng *rand.Rand, kinds []kindOfRounds, name string) *objectOfRounds {
	kind := &kinds[rng.IntN(len(kinds))]
	o := &objectOfRounds{kind: kind, name: name, facets: slices.Concat(kind.facets, everyFacets), chosen: map[string]any{}}
	for _, f := range o.facets {
		if f.always || rng.IntN(3) == 0 {
			o.chosen[f.path] = f.pick(rng)
		}
	}
	return o
}

// edit changes, adds or removes a part of the object.
func (o *objectOfRounds) edit(rng *rand.Rand) {
	f := o.facets[rng.IntN(len(o.facets))]
	if !f.always && rng.IntN(3) == 0 {
		delete(o.chosen, f.path)
		return
	}
	o.chosen[f.path] = f.pick(rng)
}

func (o *objectOfRounds) fields(namespace string) map[string]any {
	out := o.bare(namespace)
	base := parseYAML(strings.ReplaceAll(o.kind.base, "$NAME", o.name))
	for key, value := range base.(map[string]any) {
		out[key] = value
	}
	for _, f := range o.facets {
		if value, ok := o.chosen[f.path]; ok {
			setAt(out, f.path, cloneValue(value))
		}
	}
	return out
}

// bare is the object without anything but its identity.
func (o *objectOfRounds) bare(namespace string) map[string]any {
	return map[string]any{
		"apiVersion": o.kind.gvr.GroupVersion().String(), "kind": o.kind.kind,
		"metadata": map[string]any{"name": o.name, "namespace": namespace},
	}
}

func (o *objectOfRounds) object(namespace string) model.Object {
	return model.Object{
		ID:      model.ObjectID{Group: o.kind.gvr.Group, Kind: o.kind.kind, Namespace: namespace, Name: o.name},
		Version: o.kind.gvr.Version, Fields: o.fields(namespace),
	}
}

func (f facet) pick(rng *rand.Rand) any {
	if f.pool == nil {
		return parseYAML(f.values[rng.IntN(len(f.values))])
	}
	out := []any{}
	for _, i := range rng.Perm(len(f.pool)) {
		if rng.IntN(2) == 0 || f.always && len(out) == 0 {
			out = append(out, parseYAML(f.pool[i][rng.IntN(len(f.pool[i]))]))
		}
	}
	return out
}

func parseYAML(text string) any {
	raw, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		panic(fmt.Sprintf("%v in %s", err, text))
	}
	var v any
	if err := utiljson.Unmarshal(raw, &v); err != nil {
		panic(fmt.Sprintf("%v in %s", err, text))
	}
	return v
}

// setAt sets the value at a path such as spec.containers[main].image, making
// what leads there; nil removes it.
func setAt(fields map[string]any, path string, value any) {
	steps := strings.Split(path, ".")
	for i, step := range steps {
		key, element, inList := strings.Cut(strings.TrimSuffix(step, "]"), "[")
		last := i == len(steps)-1
		if inList {
			fields = setElement(fields, key, element, value, last)
			continue
		}
		if last && value == nil {
			delete(fields, key)
			return
		}
		if last {
			fields[key] = value
			return
		}
		next, ok := fields[key].(map[string]any)
		if !ok {
			next = map[string]any{}
			fields[key] = next
		}
		fields = next
	}
}

// setElement finds or makes the list's element of a name; when it is the last
// step it is replaced, or removed.
func setElement(fields map[string]any, key, name string, value any, last bool) map[string]any {
	list := sliceAt(fields, key)
	i := slices.IndexFunc(list, func(e any) bool {
		m, ok := e.(map[string]any)
		return ok && m["name"] == name
	})
	switch {
	case last && value == nil:
		if i >= 0 {
			fields[key] = slices.Delete(slices.Clone(list), i, i+1)
		}
		return nil
	case i < 0:
		var made any = map[string]any{"name": name}
		if last {
			made = value
		}
		fields[key] = append(slices.Clone(list), made)
		element, _ := made.(map[string]any)
		return element
	case last:
		list[i] = value
	}
	element, _ := list[i].(map[string]any)
	return element
}
