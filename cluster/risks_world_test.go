package cluster

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/fairtide-dev/fairtide/model"
)

// surroundings is a plan, and what is live around it.
type surroundings struct {
	name    string
	objects []planned
	live    map[riskKind]string // a list in YAML
	refused []riskKind
	gated   bool                // a wave waits for the one before
	want    map[string][]string // by object: "Deployment x"; of the plan: ""
}

type planned struct{ kind, name, before, after string }

// around judges a plan in its surroundings, reading as a plan would.
func (s surroundings) around(t testing.TB) *riskWorld {
	t.Helper()
	var objects []*riskObject
	for _, p := range s.objects {
		o := riskObjectOf(t, riskID(p.kind, p.name), p.before, p.after)
		for _, side := range []map[string]any{o.before, o.after} {
			if metadata := mapAt(side, "metadata"); metadata != nil {
				metadata["name"] = p.name
			} else if side != nil {
				side["metadata"] = map[string]any{"name": p.name}
			}
		}
		objects = append(objects, o)
	}
	w := newRiskWorld(objects, time.Time{})
	w.gated = s.gated
	for range riskRounds {
		w.judge()
		for need := range w.wanted {
			a := riskAnswer{}
			if slices.Contains(s.refused, need.kind) {
				a.refused = riskRefusal(need, apierrors.NewForbidden(need.kind.gvr.GroupResource(), need.name, errors.New("no")))
			}
			for _, fields := range mapsAt(fieldsOf(t, "{list: "+orNone(s.live[need.kind])+"}"), "list") {
				if need.name == "" || metaString(fields, "name") == need.name {
					if need.selector == "" || selectorText(mapAt(fields, "metadata", "labels")) == need.selector {
						a.objects = append(a.objects, fields)
					}
				}
			}
			w.read[need] = a
		}
		w.wanted = map[riskNeed]bool{}
	}
	return w
}

func orNone(list string) string {
	if list == "" {
		return "[]"
	}
	return list
}

func runSurroundings(t *testing.T, rows []surroundings) {
	t.Helper()
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			w := row.around(t)
			wantRisks(t, w.plan, row.want[""])
			for _, o := range w.objects {
				wantRisks(t, o.risks, row.want[o.name()])
			}
		})
	}
}

func sizedDeployment(replicas int, image, more string) string {
	return workload(fmt.Sprintf("replicas: %d", replicas), more, fmt.Sprintf("image: %q", image))
}

func TestDisruptionRisks(t *testing.T) {
	restart := planned{"apps/Deployment", "x", sizedDeployment(3, "a:1", ""), sizedDeployment(3, "a:2", "")}
	strategy := "replicas: 3, strategy: {rollingUpdate: {maxUnavailable: 2}}"
	hasty := planned{"apps/Deployment", "x", workload(strategy, "", `image: "a:1"`), workload(strategy, "", `image: "a:2"`)}
	budget := func(spec, status string) map[riskKind]string {
		return map[riskKind]string{budgetKind: fmt.Sprintf("[{metadata: {name: b}, spec: {selector: {matchLabels: {app: x}}, %s}, status: {%s}}]", spec, status)}
	}
	scaler := "{scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: %s}, minReplicas: 2, maxReplicas: 9}"
	const plain, hurried = "warning restarts-pods: restarts 3 pods of Deployment x", "warning restarts-pods: at most 2 down"
	runSurroundings(t, []surroundings{
		{name: "no budget", objects: []planned{restart}, want: map[string][]string{"Deployment x": {plain}}},
		{name: "within the budget", objects: []planned{hasty}, live: budget("minAvailable: 1", "expectedPods: 3"), want: map[string][]string{"Deployment x": {hurried}}},
		{name: "below the budget", objects: []planned{hasty}, live: budget("minAvailable: 2", "expectedPods: 3"), want: map[string][]string{
			"Deployment x": {hurried, "warning rollout-below-budget: may leave 1 of 3 pods running, fewer than the 2 that PodDisruptionBudget b asks for"}}},
		{name: "below a budget that has not counted all pods yet", objects: []planned{hasty}, live: budget("minAvailable: 2", "expectedPods: 0"), want: map[string][]string{
			"Deployment x": {hurried, "warning rollout-below-budget: may leave 1 of 3 pods running, fewer than the 2 that PodDisruptionBudget b asks for"}}},
		{name: "below the budget in percent", objects: []planned{hasty}, live: budget("maxUnavailable: 33%", ""), want: map[string][]string{
			"Deployment x": {hurried, "warning rollout-below-budget: fewer than the 2"}}},
		{name: "a budget that blocks", objects: []planned{restart}, live: budget("minAvailable: 3", "expectedPods: 3"), want: map[string][]string{
			"Deployment x": {"warning budget-blocks-evictions: asks for 3 of the 3 pods of Deployment x", plain}}},
		{name: "a budget for others too", objects: []planned{restart}, live: budget("minAvailable: 3", "expectedPods: 5"), want: map[string][]string{"Deployment x": {plain}}},
		{name: "a budget of the plan", objects: []planned{
			{"apps/Deployment", "x", sizedDeployment(1, "a:1", ""), sizedDeployment(1, "a:1", "")},
			{"policy/PodDisruptionBudget", "b", "", "{spec: {minAvailable: 1, selector: {matchLabels: {app: x}}}}"},
		}, want: map[string][]string{"PodDisruptionBudget b": {"warning budget-blocks-evictions: asks for 1 of the 1 pod of Deployment x"}}},
		{name: "a budget of nothing", objects: []planned{{"policy/PodDisruptionBudget", "b", "", "{spec: {maxUnavailable: 0, selector: {}}}"}},
			want: map[string][]string{"PodDisruptionBudget b": {"warning budget-blocks-evictions: maxUnavailable: 0"}}},
		{name: "an autoscaler", objects: []planned{restart}, live: map[riskKind]string{autoscalerKind: "[{metadata: {name: h}, spec: " + fmt.Sprintf(scaler, "x") + "}]"},
			want: map[string][]string{"Deployment x": {"warning replicas-fought-over: replicas: 3 in Git, and HorizontalPodAutoscaler h sets it too (2 to 9)", plain}}},
		{name: "an autoscaler of the plan", objects: []planned{restart, {"autoscaling/HorizontalPodAutoscaler", "h", "", "{spec: " + fmt.Sprintf(scaler, "x") + "}"}},
			want: map[string][]string{"Deployment x": {"warning replicas-fought-over: HorizontalPodAutoscaler h", plain}}},
		{name: "an autoscaler that goes", objects: []planned{restart, {"autoscaling/HorizontalPodAutoscaler", "h", "{spec: " + fmt.Sprintf(scaler, "x") + "}", ""}},
			live: map[riskKind]string{autoscalerKind: "[{metadata: {name: h}}]"},
			want: map[string][]string{"Deployment x": {plain}, "HorizontalPodAutoscaler h": {"warning autoscaler-removed: Deployment x"}}},
		{name: "another's autoscaler", objects: []planned{restart}, live: map[riskKind]string{autoscalerKind: "[{metadata: {name: h}, spec: " + fmt.Sprintf(scaler, "y") + "}]"},
			want: map[string][]string{"Deployment x": {plain}}},
		{name: "several", objects: []planned{restart, {"apps/StatefulSet", "y", sizedDeployment(2, "a:1", ""), sizedDeployment(2, "a:2", "")}}, want: map[string][]string{
			"": {"info restarts-several-workloads: restarts 5 pods of 2 workloads together: Deployment x, StatefulSet y"}, "Deployment x": {plain}, "StatefulSet y": {"warning restarts-pods: restarts 2 pods of StatefulSet y"}}},
		{name: "not readable", objects: []planned{restart}, refused: []riskKind{budgetKind, autoscalerKind}, want: map[string][]string{
			"":             {`info risks-not-looked-at: autoscalers, disruption budgets; it takes "list horizontalpodautoscalers" in "shop", "list poddisruptionbudgets" in "shop"`},
			"Deployment x": {plain}}},
	})
}

func TestConsumerRisks(t *testing.T) {
	config := planned{"core/ConfigMap", "settings", "{data: {level: a, other: b}}", "{data: {level: c, other: b}}"}
	live := func(pod, container string) map[riskKind]string {
		return map[riskKind]string{deploymentKind: "[{metadata: {name: web}, " + strings.TrimPrefix(workload("", pod, container), "{") + "]"}
	}
	const changed = "info changes-config: ConfigMap settings changes 1 key: level"
	const volume, mount = "volumes: [{name: v, configMap: {name: settings}}]", "volumeMounts: [{name: v, mountPath: /etc}]"
	says := func(more ...string) map[string][]string {
		return map[string][]string{"ConfigMap settings": append([]string{changed}, more...)}
	}
	unnoticed := func(words string) map[string][]string {
		return map[string][]string{"ConfigMap settings": {"warning changes-config-unnoticed: " + words, changed}}
	}
	runSurroundings(t, []surroundings{
		{name: "nobody", objects: []planned{config}, want: says()},
		{name: "all variables", objects: []planned{config}, live: live("", "envFrom: [{configMapRef: {name: settings}}]"),
			want: unnoticed("environment variables of Deployment web keep the old values until its pods restart")},
		{name: "one variable", objects: []planned{config}, live: live("", "env: [{name: A, valueFrom: {configMapKeyRef: {name: settings, key: level}}}]"), want: unnoticed("environment variables of Deployment web")},
		{name: "another variable", objects: []planned{config}, live: live("", "env: [{name: A, valueFrom: {configMapKeyRef: {name: settings, key: other}}}]"), want: says()},
		{name: "volume", objects: []planned{config}, live: live(volume, mount), want: says("info changes-config-unnoticed: files mounted in Deployment web change by themselves within about a minute")},
		{name: "another file", objects: []planned{config}, live: live("volumes: [{name: v, configMap: {name: settings, items: [{key: other, path: o}]}}]", mount), want: says()},
		{name: "sub path", objects: []planned{config}, live: live(volume, "volumeMounts: [{name: v, mountPath: /etc/a, subPath: level}]"), want: unnoticed("files mounted by subPath in Deployment web")},
		{name: "projected", objects: []planned{config}, live: live("volumes: [{name: v, projected: {sources: [{configMap: {name: settings}}]}}]", mount), want: says("info changes-config-unnoticed: Deployment web")},
		{name: "restarts anyway", objects: []planned{config, {"apps/Deployment", "web", workload("replicas: 1", volume, `image: "a:1"`), workload("replicas: 1", volume, `image: "a:2"`)}},
			live: map[riskKind]string{deploymentKind: "[{metadata: {name: web}}]"},
			want: map[string][]string{"ConfigMap settings": {changed}, "Deployment web": {"warning restarts-pods: restarts 1 pod"}}},
		{name: "in the plan, not restarted", objects: []planned{config, {"apps/StatefulSet", "db", workload("", volume, ""), workload("", volume, "")}}, want: says("info changes-config-unnoticed: StatefulSet db")},
		{name: "a secret", objects: []planned{{"core/Secret", "settings", "{data: {a: b}}", "{data: {a: c}}"}}, live: live("", "env: [{name: A, valueFrom: {secretKeyRef: {name: settings, key: a}}}]"),
			want: map[string][]string{"Secret settings": {"warning changes-config-unnoticed: Secret settings changes", "info changes-secret: 1 key: a"}}},
		{name: "deleted in use", objects: []planned{{"core/ConfigMap", "settings", "{data: {a: b}}", ""}}, live: live(volume, mount),
			want: map[string][]string{"ConfigMap settings": {"danger deletes-config-in-use: new pods of Deployment web do not start without it"}}},
		{name: "deleted, and optional", objects: []planned{{"core/ConfigMap", "settings", "{data: {a: b}}", ""}}, live: live("volumes: [{name: v, configMap: {name: settings, optional: true}}]", mount)},
		{name: "not readable", objects: []planned{config}, refused: []riskKind{deploymentKind, statefulSetKind, daemonSetKind}, want: map[string][]string{
			"": {`info risks-not-looked-at: who reads a changed ConfigMap or Secret; it takes "list daemonsets" in "shop", "list deployments"`}, "ConfigMap settings": {changed}}},
	})
}

func TestServiceRisks(t *testing.T) {
	service := func(selector, ports string) planned {
		return planned{"core/Service", "s", "", fmt.Sprintf("{spec: {selector: {%s}, ports: [%s]}}", selector, ports)}
	}
	web := planned{"apps/Deployment", "web", workload("", "", "ports: [{name: http, containerPort: 8080}]"), workload("", "", "ports: [{name: http, containerPort: 8080}]")}
	relabel := func(label string) string {
		return strings.ReplaceAll(workload("", "", ""), "app: x", "app: "+label)
	}
	liveService := map[riskKind]string{serviceKind: "[{metadata: {name: s}, spec: {selector: {app: x}, ports: [{port: 80}]}}]"}
	const pods = "[{metadata: {name: p, labels: {app: x}}, spec: {containers: [{name: c}]}}]"
	withPods := map[riskKind]string{serviceKind: liveService[serviceKind], podKind: pods}
	runSurroundings(t, []surroundings{
		{name: "selects the plan's pods", objects: []planned{service("app: x", "{port: 80, targetPort: http}"), web}},
		{name: "selects live pods", objects: []planned{service("app: x", "{port: 80}")}, live: map[riskKind]string{podKind: pods}},
		{name: "selects nothing", objects: []planned{service("app: z", "{port: 80}"), web}, want: map[string][]string{
			"Service s": {"danger service-selects-nothing: Service s selects no pod (app=z), neither of this plan nor live"}}},
		{name: "selects by itself", objects: []planned{service("", "{port: 80}")}},
		{name: "unknown name", objects: []planned{service("app: x", "{port: 80, targetPort: web}"), web}, want: map[string][]string{
			"Service s": {"danger service-port-unknown: sends port 80 to targetPort web, a name that no container"}}},
		{name: "undeclared number", objects: []planned{service("app: x", "{port: 80}"), web}, want: map[string][]string{"Service s": {"warning service-port-unknown: targetPort 80, which no container"}}},
		{name: "declared number", objects: []planned{service("app: x", "{port: 80, targetPort: 8080}"), web}},
		{name: "labels move away", objects: []planned{{"batch/x", "j", "", ""}, {"apps/DaemonSet", "d", relabel("x"), relabel("y")}}, live: withPods, want: map[string][]string{
			"DaemonSet d": {"danger service-selects-nothing: DaemonSet d changes the labels of its pods: Service s selects no pod", "warning restarts-pods: restarts 4 pods"}}},
		{name: "labels move away, others stay", objects: []planned{{"apps/DaemonSet", "d", relabel("x"), relabel("y")}, {"apps/DaemonSet", "e", relabel("x"), relabel("x")}}, live: withPods,
			want: map[string][]string{"DaemonSet d": {"warning restarts-pods: 4 pods"}}},
		{name: "workload deleted", objects: []planned{{"apps/Deployment", "web", workload("", "", ""), ""}}, live: withPods, want: map[string][]string{
			"Deployment web": {"danger service-selects-nothing: Deployment web is deleted: Service s"}}},
		{name: "not readable", objects: []planned{service("app: z", "{port: 80}")}, refused: []riskKind{podKind}, want: map[string][]string{
			"": {`info risks-not-looked-at: the pods that Services select; it takes "list pods" in "shop"`}}},

		{name: "certificate missing", objects: []planned{{"networking.k8s.io/Ingress", "i", "", "{spec: {tls: [{hosts: [a.test], secretName: t}]}}"}}, want: map[string][]string{
			"Ingress i": {"warning tls-secret-missing: Secret t, which is neither live nor in this plan"}}},
		{name: "certificate live", objects: []planned{{"networking.k8s.io/Ingress", "i", "", "{spec: {tls: [{secretName: t}]}}"}}, live: map[riskKind]string{secretKind: "[{metadata: {name: t}}]"}},
		{name: "certificate in the plan", objects: []planned{{"networking.k8s.io/Ingress", "i", "", "{spec: {tls: [{secretName: t}]}}"}, {"core/Secret", "t", "", "{data: {}}"}}},
		{name: "certificate to be made", objects: []planned{{"networking.k8s.io/Ingress", "i", "", "{metadata: {annotations: {cert-manager.io/issuer: a}}, spec: {tls: [{secretName: t}]}}"}}},
		{name: "certificate not readable", objects: []planned{{"networking.k8s.io/Ingress", "i", "", "{spec: {tls: [{secretName: t}]}}"}}, refused: []riskKind{secretKind}, want: map[string][]string{
			"": {`info risks-not-looked-at: the TLS Secrets of Ingresses; it takes "get secrets" in "shop"`}}},
	})
}

func TestQuotaRisks(t *testing.T) {
	sized := func(replicas int, resources string) string {
		return workload(fmt.Sprintf("replicas: %d", replicas), "", "resources: {"+resources+"}")
	}
	quota := func(hard, used string) string {
		return fmt.Sprintf("[{metadata: {name: q}, spec: {hard: {%s}}, status: {used: {%s}}}]", hard, used)
	}
	live := func(hard, used string) map[riskKind]string {
		return map[riskKind]string{quotaKind: quota(hard, used)}
	}
	limits := func(item string) map[riskKind]string {
		return map[riskKind]string{limitRangeKind: fmt.Sprintf("[{metadata: {name: l}, spec: {limits: [{%s}]}}]", item)}
	}
	grow := planned{"apps/Deployment", "x", sized(1, "requests: {cpu: 500m}"), sized(3, "requests: {cpu: 500m}")}
	fresh := func(resources string) planned {
		return planned{"apps/Deployment", "x", "", sized(1, resources)}
	}
	over := func(words string) map[string][]string {
		return map[string][]string{"Deployment x": {"danger quota-exceeded: " + words}}
	}
	broken := func(words string) map[string][]string {
		return map[string][]string{"Deployment x": {"danger limit-range-violated: LimitRange l refuses the pods of Deployment x: " + words}}
	}
	runSurroundings(t, []surroundings{
		{name: "enough", objects: []planned{grow}, live: live("requests.cpu: 3, pods: 5", "requests.cpu: 2, pods: 3")},
		{name: "too much cpu", objects: []planned{grow}, live: live("requests.cpu: 2500m", "requests.cpu: 2"), want: over("the plan needs 1 more of requests.cpu, and ResourceQuota q allows 2500m of which 2 is used; most is for Deployment x (1)")},
		{name: "too many pods", objects: []planned{grow}, live: live("pods: 4", "pods: 3"), want: over("needs 2 more of pods")},
		{name: "bigger pods", objects: []planned{{"apps/Deployment", "x", sized(2, "limits: {memory: 1Gi}"), sized(2, "limits: {memory: 2Gi}")}}, live: live("limits.memory: 3Gi", "limits.memory: 2Gi"),
			want: map[string][]string{"Deployment x": {"danger quota-exceeded: 2Gi more of limits.memory", "warning restarts-pods: 2 pods"}}},
		{name: "as many as before", objects: []planned{{"apps/Deployment", "x", sized(2, "limits: {memory: 2Gi}"), sized(2, "limits: {memory: 2Gi}")}}, live: live("pods: 1", "pods: 2")},
		{name: "less, while over", objects: []planned{{"apps/Deployment", "x", sized(3, ""), sized(2, "")}}, live: live("pods: 1", "pods: 3"), want: map[string][]string{"Deployment x": {"warning lowers-replicas: from 3 to 2"}}},
		{name: "summed up", objects: []planned{fresh(""), {"apps/StatefulSet", "y", "", sized(3, "")}}, live: live("pods: 3", "pods: 0"), want: map[string][]string{
			"StatefulSet y": {"danger quota-exceeded: needs 4 more of pods, and ResourceQuota q allows 3 of which 0 is used; most is for StatefulSet y (3)"}}},
		{name: "counted objects", objects: []planned{{"core/ConfigMap", "a", "", "{data: {}}"}, {"core/ConfigMap", "b", "", "{data: {}}"}}, live: live("count/configmaps: 3", "count/configmaps: 2"), want: map[string][]string{
			"ConfigMap a": {"danger quota-exceeded: 2 more of count/configmaps"}}},
		{name: "storage", objects: []planned{{"core/PersistentVolumeClaim", "p", "{spec: {resources: {requests: {storage: 1Gi}}}}", "{spec: {resources: {requests: {storage: 3Gi}}}}"}},
			live: live("requests.storage: 2Gi", "requests.storage: 1Gi"), want: map[string][]string{"PersistentVolumeClaim p": {"danger quota-exceeded: 2Gi more of requests.storage"}}},
		{name: "only some pods", objects: []planned{grow}, live: map[riskKind]string{quotaKind: "[{metadata: {name: q}, spec: {scopes: [BestEffort], hard: {pods: 1}}, status: {used: {pods: 1}}}]"}},
		{name: "quota of the plan", objects: []planned{grow, {"core/ResourceQuota", "q", "{spec: {hard: {pods: 9}}}", "{spec: {hard: {pods: 2}}}"}}, live: live("pods: 9", "pods: 1"), want: over("allows 2 of which 1 is used")},
		{name: "by default", objects: []planned{fresh("")}, live: map[riskKind]string{quotaKind: quota("requests.cpu: 1", "requests.cpu: 900m"), limitRangeKind: "[{spec: {limits: [{type: Container, defaultRequest: {cpu: 200m}}]}}]"},
			want: over("200m more of requests.cpu")},
		{name: "quota not readable", objects: []planned{fresh("")}, refused: []riskKind{quotaKind}, want: map[string][]string{"": {`info risks-not-looked-at: quotas; it takes "list resourcequotas" in "shop"`}}},

		{name: "within limits", objects: []planned{fresh("limits: {cpu: 1}")}, live: limits("type: Container, max: {cpu: 2}, min: {cpu: 100m}")},
		{name: "above the most", objects: []planned{fresh("limits: {cpu: 3}")}, live: limits("type: Container, max: {cpu: 2}"), want: broken("the cpu request of container c is 3, at most 2")},
		{name: "limit above the most", objects: []planned{fresh("requests: {cpu: 1}, limits: {cpu: 3}")}, live: limits("type: Container, max: {cpu: 2}"), want: broken("the cpu limit of container c is 3, at most 2")},
		{name: "request above the default", objects: []planned{fresh("requests: {cpu: 3}")}, live: limits("type: Container, max: {cpu: 2}, default: {cpu: 2}"), want: broken("the cpu request of container c is 3")},
		{name: "limit below the least", objects: []planned{fresh("limits: {cpu: 50m}")}, live: limits("type: Container, min: {cpu: 100m}"), want: broken("the cpu limit of container c is 50m, at least 100m")},
		{name: "below the least", objects: []planned{fresh("requests: {cpu: 50m}, limits: {cpu: 1}")}, live: limits("type: Container, min: {cpu: 100m}"), want: broken("the cpu request of container c is 50m")},
		{name: "no limit", objects: []planned{fresh("")}, live: limits("type: Container, max: {cpu: 2}"), want: broken("container c has no cpu limit")},
		{name: "limit by default", objects: []planned{fresh("")}, live: limits("type: Container, max: {cpu: 2}, default: {cpu: 2}")},
		{name: "pod as a whole", objects: []planned{fresh("limits: {memory: 2Gi}")}, live: limits("type: Pod, max: {memory: 1Gi}"), want: broken("the memory request of pod is 2Gi, at most 1Gi")},
		{name: "as it was", objects: []planned{{"apps/DaemonSet", "x", sized(1, "limits: {cpu: 3}"), sized(1, "limits: {cpu: 3}")}}, live: limits("type: Container, max: {cpu: 2}")},
	})
}

func TestPlacementRisks(t *testing.T) {
	pod := func(spec string) planned { return planned{"batch/CronJob", "x", "", cronWith(spec)} }
	nodes := map[riskKind]string{nodeKind: `[{metadata: {name: n1, labels: {disk: ssd, cpus: "8"}}}, {metadata: {name: n2, labels: {disk: hdd}}, spec: {taints: [{key: gpu, value: "1", effect: NoSchedule}]}}]`}
	stuck := func(words string) map[string][]string {
		return map[string][]string{"CronJob x": {"danger no-node-matches: " + words}}
	}
	required := func(expression string) string {
		return "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [" + expression + "]}]}}}"
	}
	classes := map[riskKind]string{priorityKind: "[{metadata: {name: high}, value: 1000}, {metadata: {name: low}, value: 10}, {metadata: {name: usual}, value: 100, globalDefault: true}]"}
	priority := func(from, to string) planned {
		return planned{"batch/CronJob", "x", cronWith(from), cronWith(to)}
	}
	lower := func(words string) map[string][]string {
		return map[string][]string{"CronJob x": {"warning priority-lowered: " + words}}
	}
	runSurroundings(t, []surroundings{
		{name: "a node fits", objects: []planned{pod("nodeSelector: {disk: ssd}")}, live: nodes},
		{name: "no node fits", objects: []planned{pod("nodeSelector: {disk: tape}")}, live: nodes, want: stuck("stay pending until a node is added: by nodeSelector or node affinity none of the cluster's 2 nodes fits")},
		{name: "tainted", objects: []planned{pod("nodeSelector: {disk: hdd}")}, live: nodes, want: stuck("the 1 node it may run on have taints")},
		{name: "tolerated", objects: []planned{pod(`nodeSelector: {disk: hdd}, tolerations: [{key: gpu, operator: Exists}]`)}, live: nodes},
		{name: "tolerated by value", objects: []planned{pod(`nodeSelector: {disk: hdd}, tolerations: [{key: gpu, value: "1"}]`)}, live: nodes},
		{name: "affinity", objects: []planned{pod(required("{key: disk, operator: In, values: [ssd]}"))}, live: nodes},
		{name: "affinity nowhere", objects: []planned{pod(required(`{key: cpus, operator: Gt, values: ["8"]}`))}, live: nodes, want: stuck("none")},
		{name: "affinity by number", objects: []planned{pod(required(`{key: cpus, operator: Gt, values: ["7"]}`))}, live: nodes},
		{name: "nodes not readable", objects: []planned{pod("nodeSelector: {disk: tape}")}, refused: []riskKind{nodeKind}},
		{name: "anywhere", objects: []planned{pod("")}, live: nodes},

		{name: "priority lowered", objects: []planned{priority("priorityClassName: high", "priorityClassName: low")}, live: classes, want: lower("from high (1000) to low (10)")},
		{name: "priority dropped", objects: []planned{priority("priorityClassName: high", "")}, live: classes, want: lower("to the default (100)")},
		{name: "priority raised", objects: []planned{priority("", "priorityClassName: high")}, live: classes},
		{name: "priority not readable", objects: []planned{priority("priorityClassName: high", "")}, refused: []riskKind{priorityKind}, want: map[string][]string{
			"": {`info risks-not-looked-at: priority classes; it takes "list priorityclasses"`}}},
	})
}

func cronWith(pod string) string {
	if pod != "" {
		pod += ", "
	}
	return "{spec: {jobTemplate: {spec: {template: {spec: {" + pod + "containers: [{name: c, image: 'a:1'}]}}}}}}"
}

func TestRisksOfWhatIsNotWritten(t *testing.T) {
	for _, verdict := range []model.Verdict{model.VerdictUnchanged, model.VerdictUnpredictable} {
		o := riskObjectOf(t, riskID("apps/Deployment", "x"), sizedDeployment(3, "a:2", ""), sizedDeployment(0, "a:1", "hostPID: true"))
		o.verdict = verdict
		w := newRiskWorld([]*riskObject{o}, time.Time{})
		w.judge()
		if len(o.risks)+len(w.plan)+len(w.wanted) > 0 {
			t.Errorf("%s: %v %v %v", verdict, o.risks, w.plan, w.wanted)
		}
	}
}
