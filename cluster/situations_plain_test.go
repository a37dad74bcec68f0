package cluster

import (
	"strings"
	"testing"

	"github.com/fairtide-dev/fairtide/model"
)

const (
	mainImage   = "spec.template.spec.containers[main].image"
	serviceYAML = "{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: cart}, ports: [{name: web, port: 80}]}}"
	claimYAML   = "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], storageClassName: slow, resources: {requests: {storage: 1Gi}}}}"
	onceYAML    = "{apiVersion: batch/v1, kind: Job, metadata: {name: once}, spec: {suspend: true, template: {spec: {restartPolicy: Never, containers: [{name: main, image: 'job:1'}]}}}}"
	cronYAML    = "{apiVersion: batch/v1, kind: CronJob, metadata: {name: nightly}, spec: {suspend: true, schedule: '0 3 * * *', jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: main, image: 'job:1'}]}}}}}}"
	setYAML     = "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db}, spec: {replicas: 0, serviceName: db, selector: {matchLabels: {app: db}}, template: {metadata: {labels: {app: db}}, spec: {containers: [{name: main, image: 'db:1'}]}}}}"
	daemonYAML  = "{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: agent}, spec: {updateStrategy: {type: OnDelete}, selector: {matchLabels: {app: agent}}, template: {metadata: {labels: {app: agent}}, spec: {nodeSelector: {such: none}, containers: [{name: main, image: 'agent:1'}]}}}}"
)

func unchanged(object string) []expect {
	return []expect{{object: object, verdict: model.VerdictUnchanged, causes: []string{}}}
}

// plainSituations: what Git says, against a live state that only fairtide has
// written, for the kinds every cluster has.
var plainSituations = []situation{
	{name: "create a Deployment, with the server's defaults", next: deploymentYAML("cart", "cart:1"), want: []expect{{
		object: "Deployment cart", verdict: model.VerdictCreate, by: model.PredictedByServer, before: []string{"kind=-"},
		after: []string{"spec.progressDeadlineSeconds=600", "spec.template.spec.containers[main].imagePullPolicy=\"IfNotPresent\""}}}},
	{name: "create a Service, without the address that the dry-run drew", next: serviceYAML, want: []expect{{
		object: "Service web", verdict: model.VerdictCreate, by: model.PredictedByServer, after: []string{"spec.clusterIP=-", `spec.type="ClusterIP"`, `spec.ports[web].protocol="TCP"`}}}},
	{name: "create a Job and a CronJob", next: docs(onceYAML, cronYAML), want: []expect{
		{object: "Job once", verdict: model.VerdictCreate, by: model.PredictedByServer, after: []string{"spec.backoffLimit=6"}},
		{object: "CronJob nightly", verdict: model.VerdictCreate, by: model.PredictedByServer, after: []string{`spec.concurrencyPolicy="Allow"`}}}},
	{name: "create a claim, a StatefulSet and a DaemonSet", next: docs(claimYAML, setYAML, daemonYAML), want: []expect{
		{object: "PersistentVolumeClaim data", verdict: model.VerdictCreate, after: []string{`spec.volumeMode="Filesystem"`, `metadata.finalizers=["kubernetes.io/pvc-protection"]`}},
		{object: "StatefulSet db", verdict: model.VerdictCreate, after: []string{`spec.podManagementPolicy="OrderedReady"`}},
		{object: "DaemonSet agent", verdict: model.VerdictCreate, after: []string{"spec.revisionHistoryLimit=10"}}}},
	{name: "create an object of the cluster", next: docs("{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: $NS, namespace: wrong}, rules: []}", configYAML("a", "{}")),
		want: []expect{{object: "ClusterRole $NS", verdict: model.VerdictCreate, after: []string{"metadata.namespace=-"}}}},
	{name: "unchanged", shipped: deploymentYAML("cart", "cart:1"), next: deploymentYAML("cart", "cart:1"), want: unchanged("Deployment cart")},
	{name: "unchanged, by a dry-run of everything", set: func(w *planWorld) { w.ask.Full = true }, shipped: deploymentYAML("cart", "cart:1"), next: deploymentYAML("cart", "cart:1"),
		want: []expect{{object: "Deployment cart", verdict: model.VerdictUnchanged, by: model.PredictedByServer, causes: []string{}}}},
	{name: "unchanged, found in a list", shipped: configYAML("a", "{x: one}"), next: configYAML("a", "{x: one}"),
		want: []expect{{object: "ConfigMap a", verdict: model.VerdictUnchanged, by: model.PredictedFromList, causes: []string{}}}},
	{name: "a quantity spelled another way", shipped: deploymentYAML("cart", "cart:1", "        resources: {limits: {cpu: 100m, memory: 128Mi}}"),
		next: deploymentYAML("cart", "cart:1", `        resources: {limits: {cpu: "0.1", memory: 131072Ki}}`), want: unchanged("Deployment cart")},
	{name: "a default written out", shipped: deploymentYAML("cart", "cart:1"), next: deploymentYAML("cart", "cart:1", "        imagePullPolicy: IfNotPresent", "        terminationMessagePath: /dev/termination-log"), want: unchanged("Deployment cart")},
	{name: "fields without a value", shipped: deploymentYAML("cart", "cart:1"), next: deploymentYAML("cart", "cart:1", "        env: []", "        resources: {}", "        args: null"), want: unchanged("Deployment cart")},
	{name: "a status in Git", shipped: deploymentYAML("cart", "cart:1"), next: deploymentYAML("cart", "cart:1") + "\nstatus: {replicas: 7}", want: unchanged("Deployment cart")},
	{name: "bookkeeping in Git", shipped: configYAML("a", "{x: one}"),
		next: "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, uid: other, resourceVersion: '1', generation: 9, creationTimestamp: null, managedFields: []}, data: {x: one}}", want: unchanged("ConfigMap a")},
	{name: "a Secret's value in data instead of stringData", shipped: "{apiVersion: v1, kind: Secret, metadata: {name: db}, stringData: {password: hunter2}}",
		next: "{apiVersion: v1, kind: Secret, metadata: {name: db}, data: {password: aHVudGVyMg==}}", want: unchanged("Secret db")},
	{name: "an image changed", shipped: deploymentYAML("cart", "cart:1.4.1"), next: deploymentYAML("cart", "cart:1.4.2"), want: []expect{{
		object: "Deployment cart", verdict: model.VerdictUpdate, by: model.PredictedByServer, before: []string{mainImage + `="cart:1.4.1"`}, after: []string{mainImage + `="cart:1.4.2"`},
		causes: []string{mainImage + " git commit"}, not: []string{riskImageGoesBack, riskOverwritesDrift, riskRestartsPods}}}},
	{name: "a field left Git", shipped: configYAML("a", "{x: one, z: two}"), next: configYAML("a", "{x: one}"), want: []expect{{
		object: "ConfigMap a", verdict: model.VerdictUpdate, before: []string{`data.z="two"`}, after: []string{"data.z=-", `data.x="one"`}, causes: []string{"data.z git commit"}}}},
	{name: "a field left Git and falls back to its default", shipped: strings.Replace(deploymentYAML("cart", "cart:1"), "spec:", "spec:\n  revisionHistoryLimit: 3", 1), next: deploymentYAML("cart", "cart:1"), want: []expect{{
		object: "Deployment cart", verdict: model.VerdictUpdate, before: []string{"spec.revisionHistoryLimit=3"}, after: []string{"spec.revisionHistoryLimit=10"}, causes: []string{"spec.revisionHistoryLimit git commit"}}}},
	{name: "an element of a list added, one changed, one removed", shipped: deploymentYAML("cart", "cart:1", "        env: [{name: A, value: '1'}, {name: B, value: '1'}]"),
		next: deploymentYAML("cart", "cart:1", "        env: [{name: B, value: '2'}, {name: C, value: '1'}]"), want: []expect{{object: "Deployment cart", verdict: model.VerdictUpdate,
			causes: []string{"spec.template.spec.containers[main].env[A] git commit", "spec.template.spec.containers[main].env[B].value git commit", "spec.template.spec.containers[main].env[C] git commit"}}}},
	{name: "a container added", shipped: deploymentYAML("cart", "cart:1"), next: deploymentYAML("cart", "cart:1", "      - {name: side, image: 'side:1'}"), want: []expect{{
		object: "Deployment cart", verdict: model.VerdictUpdate, causes: []string{"spec.template.spec.containers[side] git commit"}, after: []string{`spec.template.spec.containers[side].image="side:1"`}}}},
	{name: "a list of plain values", shipped: deploymentYAML("cart", "cart:1", "        args: [a, b]"), next: deploymentYAML("cart", "cart:1", "        args: [b, a]"), want: []expect{{
		object: "Deployment cart", verdict: model.VerdictUpdate, after: []string{`spec.template.spec.containers[main].args=["b","a"]`}, causes: []string{"spec.template.spec.containers[main].args git commit"}}}},
	{name: "labels and annotations", shipped: configYAML("a", "{}"), next: "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {tier: web}, annotations: {note: mine}}}", want: []expect{{
		object: "ConfigMap a", verdict: model.VerdictUpdate, after: []string{`metadata.labels.tier="web"`, `metadata.annotations.note="mine"`}}}},
	{name: "a Secret changed", shipped: "{apiVersion: v1, kind: Secret, metadata: {name: db}, stringData: {password: hunter2, user: shop}}",
		next: "{apiVersion: v1, kind: Secret, metadata: {name: db}, stringData: {password: hunter3, user: shop}}", want: []expect{{
			object: "Secret db", verdict: model.VerdictUpdate, causes: []string{"data.password git commit"}, risks: []string{riskChangesSecret},
			check: func(t *testing.T, row model.PlannedObject) {
				before, after := mapAt(row.Before, "data"), mapAt(row.After, "data")
				if before["user"] != after["user"] || before["password"] == after["password"] {
					t.Errorf("tokens are %v and %v", before, after)
				}
			}}}},
	{name: "a Service gets a port and another type", shipped: serviceYAML, next: edited(serviceYAML, "ports: [", "type: NodePort, ports: [{name: tls, port: 443}, "), want: []expect{{
		object: "Service web", verdict: model.VerdictUpdate, after: []string{`spec.type="NodePort"`, "spec.ports[tls].port=443", "spec.ports[tls].nodePort=-"}}}},
	{name: "a StatefulSet, a DaemonSet and a CronJob get another image", shipped: docs(setYAML, daemonYAML, cronYAML), next: edited(docs(setYAML, daemonYAML, cronYAML), "db:1", "db:2", "agent:1", "agent:2", "job:1", "job:2"), want: []expect{
		{object: "StatefulSet db", verdict: model.VerdictUpdate, causes: []string{mainImage + " git commit"}, not: []string{riskRestartsPods}},
		{object: "DaemonSet agent", verdict: model.VerdictUpdate, causes: []string{mainImage + " git commit"}, not: []string{riskRestartsPods}},
		{object: "CronJob nightly", verdict: model.VerdictUpdate, causes: []string{"spec.jobTemplate.spec.template.spec.containers[main].image git commit"}}}},
	{name: "one of many changed", shipped: docs(configYAML("a", "{x: one}"), configYAML("b", "{x: one}"), configYAML("c", "{x: one}"), configYAML("d", "{x: one}"), configYAML("e", "{x: one}"), configYAML("f", "{x: one}")),
		next: docs(configYAML("a", "{x: one}"), configYAML("b", "{x: two}"), configYAML("c", "{x: one}"), configYAML("d", "{x: one}"), configYAML("e", "{x: one}"), configYAML("f", "{x: one}")),
		want: []expect{{object: "ConfigMap a", verdict: model.VerdictUnchanged}, {object: "ConfigMap b", verdict: model.VerdictUpdate, causes: []string{"data.x git commit"}}, {object: "ConfigMap f", verdict: model.VerdictUnchanged}}},
	{name: "an object of another namespace than the environment's", next: "{apiVersion: v1, kind: ConfigMap, metadata: {name: $NS, namespace: default}, data: {x: one}}",
		live: func(w *planWorld) {
			w.t.Cleanup(func() { w.ctx, w.ns = w.detached(), "default"; w.remove(configGVR, w.env.Namespace) })
		}, want: []expect{{object: "ConfigMap $NS", verdict: model.VerdictCreate, after: []string{`metadata.namespace="default"`}}}},
}

// wareSituation is the definition of the custom resources of a test's own.
func wareText(more ...string) string {
	return crdYAML("Ware", "$NS", append([]string{", parts: {type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [name], items: {type: object, required: [name], properties: {name: {type: string}, count: {type: integer, default: 1}}}}"}, more...)...)
}

func ware(name, spec string) string {
	return "{apiVersion: $NS.example.com/v1, kind: Ware, metadata: {name: " + name + "}, spec: " + spec + "}"
}

const secondVersion = "name: v2\n    served: true\n    storage: false\n    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: integer, default: 7}}}}}}\n  - name: v1"

// customSituations are about custom resources and their definitions.
var customSituations = []situation{
	{name: "a custom resource and its definition", next: docs(wareText(), ware("w", "{parts: [{name: a}]}")), want: []expect{
		{object: "CustomResourceDefinition wares.$NS.example.com", verdict: model.VerdictCreate, by: model.PredictedByServer},
		{object: "Ware w", verdict: model.VerdictCreate, by: model.PredictedLocally, reason: "predicted without the server: its CustomResourceDefinition is in this plan",
			after: []string{"spec.size=1", `spec.parts[a].count=1`}}}},
	{name: "a custom resource that its new definition does not allow", next: docs(wareText(), ware("w", "{size: many}")), problem: "1 object cannot be predicted",
		want: []expect{{object: "Ware w", verdict: model.VerdictUnpredictable, reason: "spec.size"}}},
	{name: "a custom resource with a field that its new definition lacks", next: docs(wareText(), ware("w", "{colour: red}")), problem: "1 object cannot be predicted",
		want: []expect{{object: "Ware w", verdict: model.VerdictUnpredictable, reason: "spec.colour"}}},
	{name: "a field that the changed definition adds", shipped: docs(wareText(), ware("w", "{size: 2}")), next: docs(wareText(", colour: {type: string}"), ware("w", "{size: 2, colour: red}")), want: []expect{
		{object: "CustomResourceDefinition wares.$NS.example.com", verdict: model.VerdictUpdate},
		{object: "Ware w", verdict: model.VerdictUpdate, by: model.PredictedLocally, reason: "its CustomResourceDefinition is changed by this plan", after: []string{`spec.colour="red"`}, causes: []string{"spec.colour git commit"}}}},
	{name: "a field that no definition has", shipped: docs(wareText(), ware("w", "{size: 2}")), next: docs(wareText(), ware("w", "{size: 2, colour: red}")), problem: "1 object cannot be predicted",
		want: []expect{{object: "Ware w", verdict: model.VerdictUnpredictable, reason: "spec.colour: the schema of Ware has no such field"}}},
	{name: "a new object at a version that the definition gets", shipped: docs(wareText(), ware("w", "{size: 2}")),
		next: docs(edited(wareText(), "name: v1", secondVersion), ware("w", "{size: 2}"), edited(ware("x", "{}"), "com/v1", "com/v2")), want: []expect{
			{object: "Ware x", verdict: model.VerdictCreate, by: model.PredictedLocally, reason: "the cluster gets version v2 only with", after: []string{"spec.size=7"}}}},
	{name: "a live object at a version that the definition gets", shipped: docs(wareText(), ware("w", "{size: 2}")), problem: "1 object cannot be predicted",
		next: docs(edited(wareText(), "name: v1", secondVersion), edited(ware("w", "{size: 2}"), "com/v1", "com/v2")), want: []expect{
			{object: "Ware w", verdict: model.VerdictUnpredictable, reason: "ship the definition first"}}},
	{name: "a definition that gets stricter, and a default", shipped: docs(wareText(), ware("w", "{size: 2}"), ware("x", "{size: 2}"), ware("same", "{size: 9}")), problem: "1 object cannot be predicted",
		next: docs(edited(wareText(", colour: {type: string, default: red}"), "default: 1}, parts", "default: 1, maximum: 5}, parts"), ware("w", "{size: 8}"), ware("x", "{size: 3}"), ware("same", "{size: 9}")), want: []expect{
			{object: "Ware w", verdict: model.VerdictUnpredictable, reason: "invalid: spec.size"},
			{object: "Ware x", verdict: model.VerdictUpdate, by: model.PredictedLocally, reason: "its CustomResourceDefinition is changed by this plan", after: []string{`spec.colour="red"`, "spec.size=3"}},
			{object: "Ware same", verdict: model.VerdictUnchanged}}},
	{name: "a definition with other words, and a field less", shipped: docs(wareText(", old: {type: string}"), ware("w", "{size: 2, old: x}")), next: docs(wareText(", new: {type: string, description: it is new}"), ware("w", "{size: 2}")), want: []expect{
		{object: "Ware w", verdict: model.VerdictUpdate, by: model.PredictedByServer, after: []string{"spec.old=-", "spec.size=2"}}}},
	{name: "a version that the definition does not serve", next: docs(wareText(), edited(ware("w", "{}"), "com/v1", "com/v3")), problem: "1 object cannot be predicted",
		want: []expect{{object: "Ware w", verdict: model.VerdictUnpredictable, reason: "does not serve"}}},
	{name: "a custom resource's list by its key", shipped: docs(wareText(), ware("w", "{parts: [{name: a}, {name: b}]}")), next: docs(wareText(), ware("w", "{parts: [{name: b, count: 3}]}")), want: []expect{
		{object: "Ware w", verdict: model.VerdictUpdate, by: model.PredictedByServer, causes: []string{"spec.parts[a] git commit", "spec.parts[b].count git commit"}}}},
	{name: "a custom resource unchanged", shipped: docs(wareText(), ware("w", "{size: 1, parts: [{name: a}]}")), next: docs(wareText(), ware("w", "{parts: [{name: a, count: 1}]}")), want: unchanged("Ware w")},
	{name: "a status that is a field like any other", shipped: docs(edited(wareText(), "properties: {spec:", "properties: {status: {type: object, properties: {phase: {type: string}}}, spec:"), ware("w", "{size: 2}")+"\n"),
		next: docs(edited(wareText(), "properties: {spec:", "properties: {status: {type: object, properties: {phase: {type: string}}}, spec:"), edited(ware("w", "{size: 2}"), "spec:", "status: {phase: up}, spec:")), want: []expect{
			{object: "Ware w", verdict: model.VerdictUpdate, after: []string{`status.phase="up"`}}}},
	{name: "a definition loses a version", shipped: docs(edited(wareText(), "name: v1", secondVersion), ware("w", "{}")), next: docs(wareText(), ware("w", "{}")), want: []expect{
		{object: "CustomResourceDefinition wares.$NS.example.com", verdict: model.VerdictUpdate, risks: []string{riskVersionRemoved}}, {object: "Ware w", verdict: model.VerdictUnchanged}}},
	{name: "a definition left Git", shipped: docs(wareText(), ware("w", "{}"), configYAML("a", "{}")), next: configYAML("a", "{}"), want: []expect{
		{object: "CustomResourceDefinition wares.$NS.example.com", verdict: model.VerdictDelete, risks: []string{riskDeletesData}, check: wantsName}, {object: "Ware w", verdict: model.VerdictDelete}}},
	{name: "an unknown kind", next: "{apiVersion: example.com/v1, kind: Nothing, metadata: {name: a}}", problem: "1 object cannot be predicted", want: []expect{
		{object: "Nothing a", verdict: model.VerdictUnpredictable, reason: "is not known to cluster test; is its CRD installed?"}}},
	{name: "a version that is no longer served, with its replacement", next: edited(cronYAML, "batch/v1", "batch/v1beta1"), problem: "1 object cannot be predicted", want: []expect{
		{object: "CronJob nightly", verdict: model.VerdictUnpredictable, reason: "no longer served by cluster test at this version, but as batch/v1; change apiVersion"}}},
	{name: "a field that the version lacks, of a live object", shipped: docs(wareText(), ware("w", "{size: 2}")), next: docs(wareText(), edited(ware("w", "{size: 2}"), "spec:", "extra: 1, spec:")), problem: "1 object cannot be predicted",
		want: []expect{{object: "Ware w", verdict: model.VerdictUnpredictable, reason: "extra: the schema of Ware has no such field"}}},
}

// wantsName checks that a risk asks for the object's name to be typed.
func wantsName(t *testing.T, row model.PlannedObject) {
	t.Helper()
	for _, r := range row.Risks {
		if r.TypeName {
			return
		}
	}
	t.Errorf("%s: no risk asks for its name: %s", row.ID, riskWords(row))
}
