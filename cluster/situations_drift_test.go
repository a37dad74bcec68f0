package cluster

import (
	"slices"
	"strings"
	"testing"

	"github.com/fairtide-dev/fairtide/model"
)

// running is a Deployment that has pods.
func running(replicas, name, image string, extra ...string) string {
	return strings.Replace(deploymentYAML(name, image, extra...), "replicas: 0", "replicas: "+replicas, 1)
}

func keep(path string) func(*planWorld) {
	return func(w *planWorld) {
		id := model.ObjectID{Group: "apps", Kind: "Deployment", Namespace: w.ns, Name: "cart"}
		w.ask.Keep = []model.FieldRef{{ID: id, Path: path}}
	}
}

func after(steps ...func(*planWorld)) func(*planWorld) {
	return func(w *planWorld) {
		for _, step := range steps {
			step(w)
		}
	}
}

func withDelay(text string) string {
	return strings.Replace(text, "spec:", "spec:\n  minReadySeconds: 5", 1)
}

// driftSituations are about what others changed in live objects.
var driftSituations = []situation{
	{name: "scaled by hand", shipped: deploymentYAML("cart", "cart:1"), live: changed("kubectl-scale", deploymentGVR, "cart", `{"spec":{"replicas":2}}`, "scale"), next: deploymentYAML("cart", "cart:1"), want: []expect{
		{object: "Deployment cart", verdict: model.VerdictUpdate, before: []string{"spec.replicas=2"}, after: []string{"spec.replicas=0"}, causes: []string{"spec.replicas drift kubectl-scale"},
			risks: []string{riskOverwritesDrift + ": spec.replicas: kubectl-scale set 2", riskLowersReplicas}}}},
	{name: "edited by hand, and changed in Git", shipped: withDelay(deploymentYAML("cart", "cart:1")), live: changed("dev1", deploymentGVR, "cart", `{"spec":{"minReadySeconds":7}}`), next: withDelay(deploymentYAML("cart", "cart:2")), want: []expect{
		{object: "Deployment cart", verdict: model.VerdictUpdate, causes: []string{"spec.minReadySeconds drift dev1", mainImage + " git commit"}, risks: []string{riskOverwritesDrift + ": spec.minReadySeconds: dev1 set 7 at "}}}},
	{name: "a field that Git does not have is left alone", shipped: deploymentYAML("cart", "cart:1"), live: changed("dev1", deploymentGVR, "cart", `{"spec":{"paused":true},"metadata":{"annotations":{"note":"mine"}}}`), next: deploymentYAML("cart", "cart:1"), want: unchanged("Deployment cart")},
	{name: "the status moves", shipped: deploymentYAML("cart", "cart:1"), live: changed("operator", deploymentGVR, "cart", `{"status":{"conditions":[{"type":"Test","status":"True"}]}}`, "status"), next: deploymentYAML("cart", "cart:1"), want: unchanged("Deployment cart")},
	{name: "a field removed by hand", shipped: configYAML("a", "{x: one, z: one}"), live: changed("dev1", configGVR, "a", `{"data":{"z":null}}`), next: configYAML("a", "{x: one, z: one}"), want: []expect{
		{object: "ConfigMap a", verdict: model.VerdictUpdate, before: []string{"data.z=-"}, after: []string{`data.z="one"`}}}},
	{name: "a container's image edited by hand", shipped: deploymentYAML("cart", "cart:1"), live: changed("kubectl-edit", deploymentGVR, "cart", `{"spec":{"template":{"spec":{"containers":[{"name":"main","image":"cart:hotfix"}]}}}}`), next: deploymentYAML("cart", "cart:1"), want: []expect{
		{object: "Deployment cart", verdict: model.VerdictUpdate, causes: []string{mainImage + " drift kubectl-edit"}, risks: []string{riskOverwritesDrift}}}},
	{name: "deleted by hand", shipped: configYAML("a", "{x: one}"), live: func(w *planWorld) { w.remove(configGVR, "a") }, next: configYAML("a", "{x: one}"), want: []expect{{object: "ConfigMap a", verdict: model.VerdictCreate}}},
	{name: "deleted by hand and made again", shipped: configYAML("a", "{x: one}"), next: configYAML("a", "{x: one}"), live: func(w *planWorld) {
		w.remove(configGVR, "a")
		w.create(configGVR, "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: $NS}, data: {x: other}}")
	}, want: []expect{{object: "ConfigMap a", verdict: model.VerdictUpdate, before: []string{`data.x="other"`}, after: []string{`data.x="one"`}}}},
	{name: "a Secret edited by hand, without its value", shipped: "{apiVersion: v1, kind: Secret, metadata: {name: db}, stringData: {password: hunter2}}", live: changed("dev1", secretGVR, "db", `{"stringData":{"password":"hunter4"}}`),
		next: "{apiVersion: v1, kind: Secret, metadata: {name: db}, stringData: {password: hunter2}}", want: []expect{
			{object: "Secret db", verdict: model.VerdictUpdate, causes: []string{"data.password drift dev1"}, risks: []string{riskOverwritesDrift + ": data.password: dev1 set <masked "}}}},
	{name: "a field kept this once", shipped: withDelay(deploymentYAML("cart", "cart:1")), live: after(changed("dev1", deploymentGVR, "cart", `{"spec":{"minReadySeconds":7}}`), keep("spec.minReadySeconds")), next: withDelay(deploymentYAML("cart", "cart:2")), want: []expect{
		{object: "Deployment cart", verdict: model.VerdictUpdate, before: []string{"spec.minReadySeconds=7"}, after: []string{"spec.minReadySeconds=7"}, causes: []string{mainImage + " git commit"}, not: []string{riskOverwritesDrift}}}},
	{name: "a difference hidden by a rule", set: func(w *planWorld) { w.env.Hide = []model.FieldRule{{Kind: "Deployment", Pointer: "/spec/replicas"}} }, shipped: deploymentYAML("cart", "cart:1"),
		live: changed("kubectl-scale", deploymentGVR, "cart", `{"spec":{"replicas":1}}`, "scale"), next: deploymentYAML("cart", "cart:1"), want: []expect{
			{object: "Deployment cart", verdict: model.VerdictUpdate, check: func(t *testing.T, row model.PlannedObject) {
				if len(row.Hidden) != 1 || row.Hidden[0].Path != "spec.replicas" || !row.OnlyHidden {
					t.Errorf("hidden %v, only that: %v", row.Hidden, row.OnlyHidden)
				}
			}}}},
	{name: "a value masked by a rule", set: func(w *planWorld) { w.env.Mask = []model.FieldRule{{Kind: "ConfigMap", Pointer: "/data/key"}} }, shipped: configYAML("a", "{key: hunter2, x: one}"), next: configYAML("a", "{key: hunter3, x: one}"), want: []expect{
		{object: "ConfigMap a", verdict: model.VerdictUpdate, causes: []string{"data.key git commit"}, before: []string{`data.x="one"`}}}},
	{name: "a list in another order", shipped: edited(serviceYAML, "ports: [", "ports: [{name: tls, port: 443}, "), next: edited(serviceYAML, "port: 80}", "port: 80}, {name: tls, port: 443}"), want: []expect{
		{object: "Service web", verdict: model.VerdictUpdate, check: func(t *testing.T, row model.PlannedObject) {
			if !row.OnlyHidden || !slices.ContainsFunc(row.Hidden, func(h model.HiddenPath) bool { return h.Rule == ruleOrder }) {
				t.Errorf("hidden %v, only that: %v", row.Hidden, row.OnlyHidden)
			}
		}}}},
}

const (
	roleText   = "{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: r}, rules: [{apiGroups: [''], resources: [pods], verbs: [get]}]}"
	budgetText = "{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: cart}, spec: {minAvailable: 1, selector: {matchLabels: {app: cart}}}}"
	scalerText = "{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: cart}, spec: {minReplicas: 2, maxReplicas: 5, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: cart}}}"
	probeText  = "        readinessProbe: {httpGet: {path: /, port: 80}}"
	limitsText = "        resources: {limits: {memory: 128Mi}, requests: {memory: 64Mi}}"
	quotaText  = "{apiVersion: v1, kind: ResourceQuota, metadata: {name: q}, spec: {hard: {pods: '1'}}}"
)

// risky is a situation in which a Deployment's change has a risk.
func risky(name, shipped, next string, risks ...string) situation {
	return situation{name: "risk: " + name, shipped: shipped, next: next, want: []expect{{object: "Deployment cart", verdict: model.VerdictUpdate, risks: risks}}}
}

// riskSituations are about what applying a change may do.
var riskSituations = []situation{
	risky("pods restart", running("2", "cart", "cart:1"), running("2", "cart", "cart:2"), riskRestartsPods+": 2 pods"),
	risky("pods restart all at once", running("2", "cart", "cart:1")+"\n  strategy: {type: Recreate}", running("2", "cart", "cart:2")+"\n  strategy: {type: Recreate}", riskRestartsPods),
	risky("the image goes backwards", deploymentYAML("cart", "cart:1.4.2"), deploymentYAML("cart", "cart:1.4.1"), riskImageGoesBack),
	risky("the image floats", deploymentYAML("cart", "cart:1.4.2"), deploymentYAML("cart", "cart:latest"), riskImageFloating),
	risky("fewer replicas", running("2", "cart", "cart:1"), running("1", "cart", "cart:1"), riskLowersReplicas),
	risky("no replicas", running("1", "cart", "cart:1"), running("0", "cart", "cart:1"), riskLowersReplicas),
	risky("lower limits", deploymentYAML("cart", "cart:1", limitsText), deploymentYAML("cart", "cart:1", strings.Replace(limitsText, "128Mi", "64Mi", 1)), riskResourcesLowered),
	risky("limits removed", deploymentYAML("cart", "cart:1", limitsText), deploymentYAML("cart", "cart:1"), riskResourcesRemoved),
	risky("a probe removed", deploymentYAML("cart", "cart:1", probeText), deploymentYAML("cart", "cart:1"), riskProbeRemoved),
	risky("privilege", deploymentYAML("cart", "cart:1"), deploymentYAML("cart", "cart:1", "        securityContext: {privileged: true}"), riskPrivileged),
	risky("a host path", deploymentYAML("cart", "cart:1"), deploymentYAML("cart", "cart:1", "      volumes: [{name: host, hostPath: {path: /etc}}]"), riskHostPath),
	risky("the host's network", deploymentYAML("cart", "cart:1"), deploymentYAML("cart", "cart:1", "      hostNetwork: true"), riskHostNamespace),
	risky("replicas fought over with an autoscaler", docs(running("3", "cart", "cart:1"), scalerText), docs(running("2", "cart", "cart:1"), scalerText), riskReplicasFought),
	risky("a budget that a restart goes below", docs(running("1", "cart", "cart:1")+"\n  strategy: {type: Recreate}", budgetText), docs(running("1", "cart", "cart:2")+"\n  strategy: {type: Recreate}", budgetText), riskRolloutBelowBudget),
	risky("a quota that would be exceeded", docs(running("0", "cart", "cart:1"), quotaText), docs(running("3", "cart", "cart:1"), quotaText), riskQuotaExceeded),
	{name: "risk: RBAC widened", shipped: roleText, next: edited(roleText, "[get]", "[get, delete]"), want: []expect{{object: "Role r", verdict: model.VerdictUpdate, risks: []string{riskWidensRBAC}}}},
	{name: "risk: RBAC widened to everything", shipped: roleText, next: edited(roleText, "[pods]", "['*']", "[get]", "['*']"), want: []expect{{object: "Role r", verdict: model.VerdictUpdate, risks: []string{riskWidensRBAC}}}},
	{name: "risk: a ConfigMap whose users do not restart", shipped: docs(configYAML("a", "{x: one}"), running("1", "cart", "cart:1", "        envFrom: [{configMapRef: {name: a}}]")), next: docs(configYAML("a", "{x: two}"), running("1", "cart", "cart:1", "        envFrom: [{configMapRef: {name: a}}]")), want: []expect{
		{object: "ConfigMap a", verdict: model.VerdictUpdate, risks: []string{riskConfigUnnoticed}}}},
	{name: "risk: a ConfigMap whose users restart", shipped: docs(configYAML("a", "{x: one}"), running("1", "cart", "cart:1", "        envFrom: [{configMapRef: {name: a}}]")), next: docs(configYAML("a", "{x: two}"), running("1", "cart", "cart:2", "        envFrom: [{configMapRef: {name: a}}]")), want: []expect{
		{object: "ConfigMap a", verdict: model.VerdictUpdate, not: []string{riskConfigUnnoticed}, risks: []string{riskChangesConfig}}}},
	{name: "risk: a Service that selects nothing", shipped: docs(deploymentYAML("cart", "cart:1"), serviceYAML), next: docs(deploymentYAML("cart", "cart:1"), edited(serviceYAML, "app: cart", "app: basket")), want: []expect{
		{object: "Service web", verdict: model.VerdictUpdate, risks: []string{riskServiceEmpty}}}},
	{name: "risk: a budget removed", shipped: docs(restYAML, configYAML("b", "{}"), deploymentYAML("cart", "cart:1"), budgetText), next: docs(restYAML, configYAML("b", "{}"), deploymentYAML("cart", "cart:1")), want: []expect{
		{object: "PodDisruptionBudget cart", verdict: model.VerdictDelete, risks: []string{riskBudgetRemoved}}}},
	{name: "risk: a ConfigMap in use is deleted", shipped: docs(restYAML, configYAML("used", "{}"), deploymentYAML("cart", "cart:1", "        envFrom: [{configMapRef: {name: used}}]")), next: docs(restYAML, deploymentYAML("cart", "cart:1", "        envFrom: [{configMapRef: {name: used}}]")), want: []expect{
		{object: "ConfigMap used", verdict: model.VerdictDelete, risks: []string{riskDeletesInUse}}}},
}
