package cluster

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// riskRow is one object of a plan with its two sides in YAML, and the risks it
// is to have: "severity name: words of the message", in their order.
type riskRow struct {
	name          string
	kind          string // group/Kind; the group "core" is ""
	before, after string // empty: there is none
	want          []string
}

func riskID(kind, name string) model.ObjectID {
	group, kind, _ := strings.Cut(kind, "/")
	if group == "core" {
		group = ""
	}
	id := model.ObjectID{Group: group, Kind: kind, Namespace: "shop", Name: name}
	switch kind {
	case "Namespace", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "ValidatingWebhookConfiguration", "PriorityClass":
		id.Namespace = ""
	}
	return id
}

func riskObjectOf(t testing.TB, id model.ObjectID, before, after string) *riskObject {
	t.Helper()
	o := &riskObject{id: id, verdict: model.VerdictUpdate}
	if before == "" {
		o.verdict = model.VerdictCreate
	} else {
		o.before = fieldsOf(t, before)
		o.live = o.before
	}
	if after == "" {
		o.verdict = model.VerdictDelete
	} else {
		o.after = fieldsOf(t, after)
		o.rendered = o.after
	}
	if before == after {
		o.verdict = model.VerdictUnchanged
	}
	return o
}

// containerImages maps the containers of an object's pod template, by name, to
// their images. It is empty for kinds without one.
func containerImages(id model.ObjectID, fields map[string]any) map[string]string {
	out := map[string]string{}
	if t, ok := templateOf(id.Group, id.Kind, fields); ok {
		for _, c := range t.containers() {
			if image := textAt(c.fields, "image"); image != "" {
				out[c.name] = image
			}
		}
	}
	return out
}

func wantRisks(t testing.TB, risks []model.Risk, want []string) {
	t.Helper()
	sortRisks(risks)
	var got []string
	for _, r := range risks {
		got = append(got, fmt.Sprintf("%s %s: %s", r.Severity, r.Name, r.Message))
	}
	ok := len(got) == len(want)
	for i := 0; ok && i < len(got); i++ {
		head, words, _ := strings.Cut(want[i], ": ")
		ok = strings.HasPrefix(got[i], head+": ") && strings.Contains(got[i], words)
	}
	if !ok {
		t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func runRiskRows(t *testing.T, rows []riskRow) {
	t.Helper()
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			o := riskObjectOf(t, riskID(row.kind, "x"), row.before, row.after)
			o.judge()
			o.judgeCronJob(time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC))
			wantRisks(t, o.risks, row.want)
		})
	}
}

// workload is a spec with one container c: more of the spec, of the pod's and
// of the container's.
func workload(spec, pod, c string) string {
	join := func(parts ...string) string {
		var out []string
		for _, p := range parts {
			if p != "" {
				out = append(out, p)
			}
		}
		return strings.Join(out, ", ")
	}
	if !strings.Contains(c, "image:") {
		c = join(`image: "a:1"`, c)
	}
	return fmt.Sprintf("{spec: {%s}, status: {desiredNumberScheduled: 4}}", join(spec,
		fmt.Sprintf("template: {metadata: {labels: {app: x}}, spec: {%s}}", join(pod, fmt.Sprintf("containers: [{%s}]", join("name: c", c))))))
}

func TestRolloutRisks(t *testing.T) {
	pod := func(spec, image string) string { return workload(spec, "", fmt.Sprintf("image: %q", image)) }
	runRiskRows(t, []riskRow{
		{"rolling", "apps/Deployment", pod("replicas: 3", "a:1"), pod("replicas: 3", "a:2"),
			[]string{"warning restarts-pods: restarts 3 pods of Deployment x, each after a new one is ready (maxUnavailable 25%, maxSurge 25%)"}},
		{"rolling, some down", "apps/Deployment", pod("replicas: 8", "a:1"), pod("replicas: 8", "a:2"),
			[]string{"warning restarts-pods: restarts 8 pods of Deployment x, at most 2 down at a time"}},
		{"one pod, surging", "apps/Deployment", pod("replicas: 1", "a:1"), pod("replicas: 1", "a:2"),
			[]string{"warning restarts-pods: restarts 1 pod of Deployment x, its only one; the new one is started first"}},
		{"one pod, not surging", "apps/Deployment", pod("replicas: 1", "a:1"), pod("replicas: 1, strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 1}}", "a:2"),
			[]string{"danger restarts-pods: its only one, which is down until the new one is ready (maxUnavailable 1, maxSurge 0)"}},
		{"nothing may be down or more", "apps/Deployment", pod("replicas: 1", "a:1"), pod("replicas: 1, strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 25%}}", "a:2"),
			[]string{"danger restarts-pods: its only one, which is down"}},
		{"all may be down", "apps/Deployment", pod("replicas: 4", "a:1"), pod("replicas: 4, strategy: {rollingUpdate: {maxUnavailable: 100%}}", "a:2"),
			[]string{"danger restarts-pods: restarts 4 pods of Deployment x, all at once (maxUnavailable 100%"}},
		{"recreate", "apps/Deployment", pod("replicas: 2", "a:1"), pod("replicas: 2, strategy: {type: Recreate}", "a:2"),
			[]string{"danger restarts-pods: restarts 2 pods of Deployment x, all at once (strategy Recreate)"}},
		{"paused", "apps/Deployment", pod("replicas: 2", "a:1"), pod("replicas: 2, paused: true", "a:2"), []string{"info rollout-held-back: spec.paused is true"}},
		{"no pods", "apps/Deployment", pod("replicas: 0", "a:1"), pod("replicas: 0", "a:2"), nil},
		{"only the metadata of pods", "apps/Deployment", `{spec: {replicas: 2, template: {metadata: {annotations: {a: b}}, spec: {containers: [{name: c}]}}}}`,
			`{spec: {replicas: 2, template: {metadata: {annotations: {a: c}}, spec: {containers: [{name: c}]}}}}`, []string{"warning restarts-pods: restarts 2 pods"}},
		{"not the template", "apps/Deployment", pod("replicas: 3, paused: true", "a:1"), pod("replicas: 3, paused: false", "a:1"), nil},
		{"unchanged", "apps/Deployment", pod("replicas: 3", "a:1"), pod("replicas: 3", "a:1"), nil},
		{"stateful", "apps/StatefulSet", pod("replicas: 3", "a:1"), pod("replicas: 3", "a:2"),
			[]string{"warning restarts-pods: restarts 3 pods of StatefulSet x, at most 1 down at a time (one after the other)"}},
		{"stateful, one pod", "apps/StatefulSet", pod("replicas: 1", "a:1"), pod("replicas: 1", "a:2"),
			[]string{"danger restarts-pods: restarts 1 pod of StatefulSet x, its only one, which is down"}},
		{"stateful, partition", "apps/StatefulSet", pod("replicas: 3", "a:1"), pod("replicas: 3, updateStrategy: {rollingUpdate: {partition: 2}}", "a:2"),
			[]string{"warning restarts-pods: restarts 1 pod of StatefulSet x, at most 1 down", "info rollout-held-back: only pods numbered from 2 on are replaced, 1 of 3"}},
		{"stateful, all held back", "apps/StatefulSet", pod("replicas: 3", "a:1"), pod("replicas: 3, updateStrategy: {rollingUpdate: {partition: 3}}", "a:2"),
			[]string{"info rollout-held-back: 0 of 3"}},
		{"on delete", "apps/StatefulSet", pod("replicas: 2", "a:1"), pod("replicas: 2, updateStrategy: {type: OnDelete}", "a:2"),
			[]string{"info rollout-held-back: OnDelete: its pods stay as they are until they are deleted by hand"}},
		{"daemon set", "apps/DaemonSet", pod("x: 1", "a:1"), pod("x: 1", "a:2"),
			[]string{"warning restarts-pods: restarts 4 pods of DaemonSet x, at most 1 at a time (maxUnavailable 1)"}},
		{"daemon set, all at once", "apps/DaemonSet", pod("x: 1", "a:1"), pod("x: 1, updateStrategy: {rollingUpdate: {maxUnavailable: 100%}}", "a:2"),
			[]string{"danger restarts-pods: all at once"}},
		{"fewer", "apps/Deployment", pod("replicas: 3", "a:1"), pod("replicas: 2", "a:1"), []string{"warning lowers-replicas: Deployment x lowers replicas from 3 to 2"}},
		{"none left", "apps/Deployment", pod("replicas: 3", "a:1"), pod("replicas: 0", "a:1"), []string{"danger lowers-replicas: lowers replicas from 3 to 0"}},
		{"more", "apps/Deployment", pod("replicas: 2", "a:1"), pod("replicas: 3", "a:1"), nil},
		{"more and new", "apps/Deployment", pod("replicas: 2", "a:1"), pod("replicas: 9", "a:2"), []string{"warning restarts-pods: restarts 2 pods"}},
	})
}

func TestImageRisks(t *testing.T) {
	cron := func(image string) string {
		return fmt.Sprintf(`{spec: {jobTemplate: {spec: {template: {spec: {containers: [{name: c, image: %q}]}}}}}}`, image)
	}
	job := func(image, policy string) string {
		return workload("", "", fmt.Sprintf("image: %q, imagePullPolicy: %s", image, policy))
	}
	runRiskRows(t, []riskRow{
		{"back", "batch/CronJob", cron("r:5000/a:1.10.0"), cron("r:5000/a:1.9.0"),
			[]string{"warning image-goes-backwards: CronJob x: container c goes back from r:5000/a:1.10.0 to r:5000/a:1.9.0"}},
		{"forward", "batch/CronJob", cron("a:1.9.0"), cron("a:1.10.0"), nil},
		{"to latest", "batch/CronJob", cron("a:1"), cron("a:latest"), []string{"warning image-floating-tag: from a:latest (tag latest)"}},
		{"to no tag", "batch/CronJob", cron("a:1"), cron("r:5000/a"), []string{
			"warning image-floating-tag: (no tag, which means latest)", "warning image-other-repository: a → r:5000/a"}},
		{"to main, kept by nodes", "batch/Job", job("a:1", "IfNotPresent"), job("a:main", "IfNotPresent"), []string{
			"warning image-floating-tag: and nodes keep what they pulled first (imagePullPolicy IfNotPresent)"}},
		{"floats on", "batch/CronJob", cron("a:main"), cron("a:latest"), nil},
		{"new and floating", "batch/CronJob", "", cron("a:latest"), []string{"warning image-floating-tag: a:latest"}},
		{"new and pinned", "batch/CronJob", "", cron("a:latest@sha256:00"), nil},
		{"digest dropped", "batch/CronJob", cron("a:1@sha256:00"), cron("a:1"), []string{"warning image-digest-dropped: a:1@sha256:00 → a:1"}},
		{"digest moved", "batch/CronJob", cron("a:1@sha256:00"), cron("a:1@sha256:11"), nil},
		{"never pulled", "batch/Job", job("a:1", "IfNotPresent"), job("a:1", "Never"), []string{"warning image-pull-policy: imagePullPolicy Never on container c"}},
		{"no longer pulled", "batch/Job", job("a:latest", "Always"), job("a:latest", "IfNotPresent"), []string{"warning image-pull-policy: Always → IfNotPresent"}},
		{"a version no longer pulled", "batch/Job", job("a:1", "Always"), job("a:1", "IfNotPresent"), nil},
	})
}

func TestContainerRisks(t *testing.T) {
	c := func(text string) string { return workload("", "", text) }
	pod := func(text string) string { return workload("", text, "") }
	limits := "resources: {limits: {cpu: 1, memory: 512Mi}, requests: {cpu: 500m}}"
	probe := "livenessProbe: {httpGet: {path: /}, failureThreshold: 3}, readinessProbe: {httpGet: {path: /}}"
	runRiskRows(t, []riskRow{
		{"limit lowered", "batch/Job", c(limits), c("resources: {limits: {cpu: 1000m, memory: 256Mi}, requests: {cpu: 500m}}"),
			[]string{"warning resources-lowered: lowers the memory limit of container c from 512Mi to 256Mi"}},
		{"request lowered", "batch/Job", c(limits), c("resources: {limits: {cpu: 1, memory: 512Mi}, requests: {cpu: 0.1}}"),
			[]string{"warning resources-lowered: lowers the cpu request of container c from 500m to 100m"}},
		{"raised", "batch/Job", c(limits), c("resources: {limits: {cpu: 2, memory: 1Gi}, requests: {cpu: 500m}}"), nil},
		{"limit removed", "batch/Job", c(limits), c("resources: {limits: {cpu: 1}, requests: {cpu: 500m}}"),
			[]string{"warning resources-removed: removes the memory limit of container c (512Mi)"}},
		{"probe removed", "batch/Job", c(probe), c("livenessProbe: {httpGet: {path: /}}"), []string{"warning probe-removed: removes the readinessProbe of container c"}},
		{"probe laxer", "batch/Job", c(probe), c("livenessProbe: {httpGet: {path: /}, failureThreshold: 10}, readinessProbe: {httpGet: {path: /}, periodSeconds: 60}"),
			[]string{"info probe-laxer: livenessProbe of container c laxer: failureThreshold 3 → 10", "info probe-laxer: periodSeconds 10 → 60"}},
		{"probe only connects", "batch/Job", c(probe), c("livenessProbe: {tcpSocket: {port: 1}}, readinessProbe: {httpGet: {path: /}}"), []string{"info probe-laxer: tcpSocket"}},
		{"probe stricter", "batch/Job", c(probe), c("livenessProbe: {httpGet: {path: /}, failureThreshold: 1}, readinessProbe: {httpGet: {path: /}}"), nil},
		{"hook removed", "batch/Job", c("lifecycle: {preStop: {sleep: {seconds: 5}}}"), c(""), []string{"warning lifecycle-hook-removed: removes the preStop hook"}},
		{"grace lowered", "batch/Job", pod("terminationGracePeriodSeconds: 60"), pod(""), []string{"warning grace-period-lowered: from 60 to 30"}},
		{"grace raised", "batch/Job", pod(""), pod("terminationGracePeriodSeconds: 60"), nil},

		{"privileged", "batch/Job", c(""), c("securityContext: {privileged: true}"), []string{"danger privileged-container: container c privileged"}},
		{"privileged already", "batch/Job", c("securityContext: {privileged: true}"), c("securityContext: {privileged: true}, env: []"), nil},
		{"new and privileged", "batch/Job", "", c("securityContext: {privileged: true}"), []string{"danger privileged-container: container c", "info job-runs: as soon as it is created"}},
		{"host network and pid", "batch/Job", pod(""), pod("hostNetwork: true, hostPID: true"), []string{"danger host-namespace: hostNetwork: true", "danger host-namespace: hostPID: true"}},
		{"host path", "batch/Job", pod(""), pod("volumes: [{name: v, hostPath: {path: /var/run}}]"), []string{"danger host-path: mounts /var/run of its node"}},
		{"host port", "batch/Job", c(""), c("ports: [{containerPort: 80, hostPort: 80}]"), []string{"warning host-port: binds port 80 of its node"}},
		{"root", "batch/Job", pod("securityContext: {runAsUser: 1000}"), pod("securityContext: {runAsUser: 0}"), []string{"warning runs-as-root: as root (runAsUser: 0)"}},
		{"may be root", "batch/Job", pod("securityContext: {runAsNonRoot: true}"), pod(""), []string{"warning runs-as-root: drops runAsNonRoot: true"}},
		{"user dropped", "batch/Job", c("securityContext: {runAsUser: 7}"), c(""), []string{"warning runs-as-root: drops runAsUser 7"}},
		{"set for the container instead", "batch/Job", pod("securityContext: {runAsNonRoot: true}"), c("securityContext: {runAsNonRoot: true}"), nil},
		{"strong capability", "batch/Job", c(""), c("securityContext: {capabilities: {add: [SYS_ADMIN, CHOWN]}}"), []string{"danger capabilities-added: the capability SYS_ADMIN, CHOWN"}},
		{"weak capability", "batch/Job", c(""), c("securityContext: {capabilities: {add: [CAP_NET_BIND_SERVICE]}}"), []string{"warning capabilities-added: NET_BIND_SERVICE"}},
		{"capability kept", "batch/Job", c("securityContext: {capabilities: {drop: [ALL]}}"), c(""), []string{"warning capabilities-added: no longer drops the capability ALL"}},
		{"escalation", "batch/Job", c(""), c("securityContext: {allowPrivilegeEscalation: true}"), []string{"warning privilege-escalation: sets"}},
		{"escalation no longer barred", "batch/Job", c("securityContext: {allowPrivilegeEscalation: false}"), c(""), []string{"warning privilege-escalation: drops"}},
		{"seccomp off", "batch/Job", pod("securityContext: {seccompProfile: {type: RuntimeDefault}}"), pod("securityContext: {seccompProfile: {type: Unconfined}}"),
			[]string{"danger confinement-weakened: seccompProfile Unconfined"}},
		{"seccomp dropped", "batch/Job", pod("securityContext: {seccompProfile: {type: RuntimeDefault}}"), pod(""), []string{"warning confinement-weakened: drops the seccompProfile RuntimeDefault"}},
		{"root filesystem", "batch/Job", c("securityContext: {readOnlyRootFilesystem: true}"), c(""), []string{"info root-filesystem-writable: drops"}},
		{"token", "batch/Job", pod("automountServiceAccountToken: false"), pod(""), []string{"warning token-mounted: credentials of service account default"}},
		{"service account", "batch/Job", pod("serviceAccountName: a"), pod("serviceAccountName: b"), []string{"warning service-account-changed: as service account b instead of a"}},
	})
}

func TestConfigRisks(t *testing.T) {
	runRiskRows(t, []riskRow{
		{"config", "core/ConfigMap", `{data: {a: b, c: d}}`, `{data: {a: c, e: f}}`, []string{"info changes-config: ConfigMap x changes 3 keys: a, c, e"}},
		{"secret", "core/Secret", `{data: {a: b}}`, `{data: {a: c}}`, []string{"info changes-secret: Secret x changes 1 key: a"}},
		{"only a label", "core/Secret", `{metadata: {labels: {a: b}}, data: {a: b}}`, `{data: {a: b}}`, nil},
		{"immutable", "core/Secret", `{data: {a: b}}`, `{data: {a: b}, immutable: true}`, []string{"info becomes-immutable: Secret x"}},
		{"another group's", "x.io/Secret", `{data: {a: b}}`, `{data: {a: c}}`, nil},
		{"new", "core/ConfigMap", "", `{data: {a: b}}`, nil},
	})
}

func TestRBACRisks(t *testing.T) {
	const role, cluster, binding, everywhere = rbacGroup + "/Role", rbacGroup + "/ClusterRole", rbacGroup + "/RoleBinding", rbacGroup + "/ClusterRoleBinding"
	rules := func(verbs, resources string) string {
		return fmt.Sprintf(`{rules: [{apiGroups: [""], resources: [%s], verbs: [%s]}]}`, resources, verbs)
	}
	bound := func(role, subjects string) string {
		return fmt.Sprintf(`{roleRef: {kind: ClusterRole, name: %s}, subjects: [%s]}`, role, subjects)
	}
	const dev1, dev2 = "{kind: User, name: dev1}", "{kind: ServiceAccount, name: op1, namespace: ops}"
	runRiskRows(t, []riskRow{
		{"verb", role, rules("get", "pods"), rules("get, delete", "pods"), []string{"warning widens-rbac: Role x newly allows delete pods"}},
		{"resource narrowed too", role, rules("get", "pods"), rules("get", "services"), []string{"warning widens-rbac: get services", "info narrows-rbac: no longer allows get pods"}},
		{"secrets", role, rules("get", "pods"), rules("get, list", "pods, secrets"), []string{"danger widens-rbac: newly allows get secrets, list secrets, of 3 new permissions in all"}},
		{"wildcard", role, rules("get", "pods"), rules("'*'", "pods"), []string{"danger widens-rbac: * pods"}},
		{"covered already", role, rules("'*'", "'*'"), rules("get", "secrets"), []string{"info narrows-rbac: no longer allows * *"}},
		{"exec", role, "", rules("create", "pods/exec"), []string{"danger widens-rbac: create pods/exec"}},
		{"escalate", cluster, "", `{rules: [{apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles], verbs: [escalate]}]}`,
			[]string{"danger widens-rbac: escalate clusterroles.rbac.authorization.k8s.io"}},
		{"one name only", role, `{rules: [{apiGroups: [""], resources: [secrets], verbs: [get], resourceNames: [a]}]}`,
			`{rules: [{apiGroups: [""], resources: [secrets], verbs: [get], resourceNames: [a, b]}]}`, []string{"warning widens-rbac: get secrets b"}},
		{"paths", cluster, `{rules: [{nonResourceURLs: ["/metrics"], verbs: [get]}]}`, `{rules: [{nonResourceURLs: ["/metrics", "*"], verbs: [get]}]}`, []string{"danger widens-rbac: get *"}},
		{"aggregated", cluster, `{metadata: {labels: {}}}`, `{metadata: {labels: {rbac.authorization.k8s.io/aggregate-to-edit: "true"}}}`, []string{"warning widens-rbac: adds its rules to ClusterRole edit"}},
		{"aggregates", cluster, `{}`, `{aggregationRule: {clusterRoleSelectors: [{matchLabels: {a: b}}]}}`, []string{"warning widens-rbac: aggregationRule"}},
		{"role gone", role, rules("get", "pods"), "", []string{"info narrows-rbac: get pods"}},
		{"subject", binding, bound("view", dev1), bound("view", dev1+", "+dev2), []string{"warning widens-rbac: gives ClusterRole view in namespace shop to ServiceAccount ops/op1"}},
		{"subject gone", binding, bound("view", dev1+", "+dev2), bound("view", dev1), []string{"info narrows-rbac: takes ClusterRole view from ServiceAccount ops/op1"}},
		{"admin", everywhere, "", bound("cluster-admin", dev1), []string{"danger widens-rbac: gives ClusterRole cluster-admin in the whole cluster to User dev1"}},
		{"everybody", everywhere, "", bound("view", `{kind: Group, name: "system:authenticated"}`), []string{"danger widens-rbac: to Group system:authenticated"}},
		{"another role", binding, bound("view", dev1), bound("edit", dev1), []string{"warning widens-rbac: ClusterRole edit"}},
		{"binding gone", binding, bound("view", dev1), "", []string{"info narrows-rbac: takes ClusterRole view from User dev1"}},
	})
}

func TestNetworkRisks(t *testing.T) {
	const ingress, policy = "networking.k8s.io/Ingress", "networking.k8s.io/NetworkPolicy"
	routes := func(spec string) string {
		return fmt.Sprintf(`{spec: {rules: [{host: a.test, http: {paths: [%s]}}]}}`, spec)
	}
	const cart, shop = "{path: /cart, backend: {service: {name: cart, port: {number: 80}}}}", "{path: /, backend: {service: {name: shop, port: {number: 80}}}}"
	runRiskRows(t, []riskRow{
		{"load balancer", "core/Service", `{spec: {type: ClusterIP}}`, `{spec: {type: LoadBalancer}}`, []string{"warning service-exposed: Service x becomes a LoadBalancer"}},
		{"node port", "core/Service", `{spec: {}}`, `{spec: {type: NodePort}}`, []string{"warning service-exposed: on a port of every node"}},
		{"new and exposed", "core/Service", "", `{spec: {type: LoadBalancer}}`, []string{"warning service-exposed: LoadBalancer"}},
		{"no longer exposed", "core/Service", `{spec: {type: LoadBalancer}}`, `{spec: {type: ClusterIP}}`, []string{"warning service-unexposed: but ClusterIP"}},
		{"external address", "core/Service", `{spec: {}}`, `{spec: {externalIPs: [192.0.2.1]}}`, []string{"warning service-exposed: 192.0.2.1"}},
		{"port gone", "core/Service", `{spec: {ports: [{port: 80}, {port: 443}]}}`, `{spec: {ports: [{port: 80, protocol: TCP}]}}`, []string{"warning service-port-removed: port 443/TCP"}},
		{"source ranges", "core/Service", `{spec: {type: LoadBalancer, loadBalancerSourceRanges: [192.0.2.0/24]}}`, `{spec: {type: LoadBalancer}}`, []string{"warning source-ranges-widened: any address"}},
		{"another range", "core/Service", `{spec: {type: LoadBalancer, loadBalancerSourceRanges: [192.0.2.0/24]}}`,
			`{spec: {type: LoadBalancer, loadBalancerSourceRanges: [192.0.2.0/24, 198.51.100.0/24]}}`, []string{"warning source-ranges-widened: lets 198.51.100.0/24 connect"}},
		{"route gone", ingress, routes(cart + ", " + shop), routes(shop), []string{"warning ingress-route-removed: no longer routes a.test/cart"}},
		{"route moved", ingress, routes(cart), routes(strings.Replace(cart, "name: cart", "name: basket", 1)), []string{"info ingress-route-changed: a.test/cart to basket:80 instead of cart:80"}},
		{"ingress gone", ingress, routes(cart), "", []string{"warning ingress-route-removed: a.test/cart"}},
		{"tls gone", ingress, `{spec: {tls: [{hosts: [a.test]}], rules: [{host: a.test, http: {paths: [{path: /}]}}]}}`, routes("{path: /}"), []string{"warning ingress-tls-removed: a.test"}},
		{"policy gone", policy, `{spec: {podSelector: {}}}`, "", []string{"warning network-policy-removed: NetworkPolicy x is gone"}},
		{"all allowed", policy, `{spec: {ingress: [{from: [{podSelector: {}}]}]}}`, `{spec: {ingress: [{}]}}`, []string{"warning network-policy-widened: all ingress traffic"}},
		{"all addresses", policy, `{spec: {policyTypes: [Egress], egress: []}}`, `{spec: {policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0}}]}]}}`, []string{"warning network-policy-widened: all egress traffic"}},
		{"direction dropped", policy, `{spec: {policyTypes: [Ingress, Egress]}}`, `{spec: {policyTypes: [Ingress]}}`, []string{"warning network-policy-widened: no longer restricts egress"}},
		{"one rule more", policy, `{spec: {ingress: []}}`, `{spec: {ingress: [{from: [{podSelector: {}}]}]}}`, []string{"info network-policy-widened: 1 new or changed rule for ingress"}},
		{"other pods", policy, `{spec: {podSelector: {}}}`, `{spec: {podSelector: {matchLabels: {a: b}}}}`, []string{"warning network-policy-widened: podSelector"}},
	})
}

func TestKindRisks(t *testing.T) {
	const crd, budget, hooks = "apiextensions.k8s.io/CustomResourceDefinition", "policy/PodDisruptionBudget", "admissionregistration.k8s.io/ValidatingWebhookConfiguration"
	version := func(name, more string) string { return fmt.Sprintf("{name: %s, served: true%s}", name, more) }
	defined := func(versions ...string) string {
		return fmt.Sprintf(`{spec: {names: {kind: Tide}, versions: [%s]}, status: {storedVersions: [v1]}}`, strings.Join(versions, ", "))
	}
	schema := func(spec string) string {
		return fmt.Sprintf(", schema: {openAPIV3Schema: {properties: {metadata: {}, spec: {%s}}}}", spec)
	}
	hook := func(text string) string {
		return fmt.Sprintf(`{webhooks: [{name: h, rules: [{apiGroups: ["*"], resources: ["*"]}], %s}]}`, text)
	}
	enforce := func(level string) string {
		return fmt.Sprintf(`{metadata: {labels: {pod-security.kubernetes.io/enforce: %s}}}`, level)
	}
	claim := func(size, class string) string {
		return fmt.Sprintf("{spec: {storageClassName: %s, resources: {requests: {storage: %s}}}}", class, size)
	}
	runRiskRows(t, []riskRow{
		{"version gone", crd, defined(version("v1", ""), version("v2", "")), defined(version("v1", "")), []string{"warning crd-version-removed: drops version v2 of Tide"}},
		{"stored version gone", crd, defined(version("v1", ""), version("v2", "")), defined(version("v2", "")), []string{"danger crd-version-removed: v1 of Tide, at which objects may still be stored"}},
		{"not served", crd, defined(version("v1", "")), defined("{name: v1, served: false}"), []string{"warning crd-version-unserved: v1"}},
		{"field gone", crd, defined(version("v1", schema("properties: {a: {}, b: {properties: {c: {}, d: {}}}}"))), defined(version("v1", schema("properties: {b: {properties: {d: {}}}}"))),
			[]string{"danger crd-field-removed: drops spec.a, spec.b.c from the schema of v1"}},
		{"field in a list gone", crd, defined(version("v1", schema("properties: {a: {items: {properties: {b: {}}}}}"))), defined(version("v1", schema("properties: {a: {items: {properties: {}}}}"))),
			[]string{"danger crd-field-removed: spec.a[].b"}},
		{"field gone but kept", crd, defined(version("v1", schema("properties: {a: {}}"))), defined(version("v1", schema("x-kubernetes-preserve-unknown-fields: true"))), nil},
		{"field required", crd, defined(version("v1", schema("properties: {a: {}}"))), defined(version("v1", schema("required: [a], properties: {a: {}}"))), []string{"warning crd-field-required: requires spec.a in v1"}},
		{"required with a default", crd, defined(version("v1", schema("properties: {a: {}}"))), defined(version("v1", schema("required: [a], properties: {a: {default: 1}}"))), nil},
		{"budget gone", budget, `{spec: {minAvailable: 1}}`, "", []string{"warning budget-removed: PodDisruptionBudget x"}},
		{"budget looser", budget, `{spec: {minAvailable: 3}}`, `{spec: {minAvailable: 1}}`, []string{"warning budget-loosened: minAvailable 3 → 1"}},
		{"budget looser in percent", budget, `{spec: {maxUnavailable: 10%}}`, `{spec: {maxUnavailable: 50%}}`, []string{"warning budget-loosened: maxUnavailable 10% → 50%"}},
		{"budget in another unit", budget, `{spec: {minAvailable: 3}}`, `{spec: {minAvailable: 50%}}`, nil},
		{"budget stricter", budget, `{spec: {minAvailable: 1}}`, `{spec: {minAvailable: 2}}`, nil},
		{"autoscaler", "autoscaling/HorizontalPodAutoscaler", `{spec: {minReplicas: 2, maxReplicas: 9}}`, `{spec: {minReplicas: 2, maxReplicas: 4}}`, []string{"warning autoscaler-lowered: lowers maxReplicas from 9 to 4"}},
		{"autoscaler gone", "autoscaling/HorizontalPodAutoscaler", `{spec: {scaleTargetRef: {kind: Deployment, name: a}}}`, "", []string{"warning autoscaler-removed: Deployment a stays"}},
		{"volume shrinks", "core/PersistentVolumeClaim", claim("10Gi", "a"), claim("5Gi", "a"), []string{"danger volume-shrinks: 5Gi instead of 10Gi"}},
		{"volume grows", "core/PersistentVolumeClaim", claim("10Gi", "a"), claim("20Gi", "a"), nil},
		{"storage class", "core/PersistentVolumeClaim", claim("10Gi", "a"), claim("10Gi", "b"), []string{`danger storage-class-changed: from "a" to "b"`}},
		{"job", "batch/Job", "", `{spec: {}}`, []string{"info job-runs: Job x"}},
		{"suspended job", "batch/Job", "", `{spec: {suspend: true}}`, nil},
		{"cron job resumed", "batch/CronJob", `{spec: {suspend: true, schedule: "0 2 * * *"}}`, `{spec: {schedule: "0 2 * * *"}}`, []string{`warning cronjob-resumed: schedule "0 2 * * *", next at 2026-03-11 02:00 UTC if`}},
		{"cron job at other times", "batch/CronJob", `{spec: {schedule: "0 2 * * *"}}`, `{spec: {schedule: "30 3 * * 1", timeZone: Europe/Berlin}}`,
			[]string{`info cronjob-schedule-changed: "30 3 * * 1" Europe/Berlin instead of "0 2 * * *", next at 2026-03-16 03:30 CET`}},
		{"pod security lowered", "core/Namespace", enforce("restricted"), enforce("baseline"), []string{"danger pod-security-lowered: from restricted to baseline"}},
		{"pod security dropped", "core/Namespace", enforce("baseline"), `{metadata: {}}`, []string{"danger pod-security-lowered: drops label"}},
		{"pod security raised", "core/Namespace", `{metadata: {}}`, enforce("restricted"), []string{"warning pod-security-raised: from privileged to restricted"}},
		{"webhook on everything", hooks, "", hook("failurePolicy: Fail"), []string{"danger webhook-blocks-everything: webhook h"}},
		{"webhook by default", hooks, hook("failurePolicy: Ignore"), hook("x: 1"), []string{"danger webhook-blocks-everything: nothing can be written"}},
		{"webhook on some namespaces", hooks, hook("failurePolicy: Ignore, namespaceSelector: {matchLabels: {a: b}}"), hook("namespaceSelector: {matchLabels: {a: b}}"), []string{"warning webhook-fails-closed: webhook h"}},
		{"webhook that is ignored", hooks, "", hook("failurePolicy: Ignore"), nil},
	})
}

func TestRiskNames(t *testing.T) {
	kebab := regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	page := regexp.MustCompile(`^https://kubernetes\.io/docs/[a-z/-]+/$`)
	for name, url := range riskPages {
		if !kebab.MatchString(name) || !page.MatchString(url) {
			t.Errorf("%q is explained at %q", name, url)
		}
	}
	r := newRisk(model.SeverityInfo, riskRestartsPods, "%s", "a\x1b[31m\nb")
	if r.Reference == "" || strings.ContainsAny(r.Message, "\x1b\n") {
		t.Errorf("a risk is %+v", r)
	}
}

func TestNextCron(t *testing.T) {
	now := time.Date(2026, 2, 27, 23, 30, 0, 0, time.UTC) // a Friday
	for schedule, want := range map[string]string{
		"*/15 * * * *": "2026-02-27 23:45", "30 23 * * *": "2026-02-28 23:30", "@daily": "2026-02-28 00:00",
		"0 0 29 2 *": "2028-02-29 00:00", "0 9 * * mon-fri": "2026-03-02 09:00", "0 9 1 * 6": "2026-02-28 09:00",
		"5,10 1-3/2 * mar *": "2026-03-01 01:05", "0 0 31 2 *": "", "61 * * * *": "", "nonsense": "", "* * * *": "", "*/0 * * * *": "", "1-x * * * *": "",
	} {
		next, ok := nextCron(schedule, now)
		if got := next.Format("2006-01-02 15:04"); ok != (want != "") || ok && got != want {
			t.Errorf("%q after %v: %v %v, want %q", schedule, now, got, ok, want)
		}
	}
}

func TestGoesBackwards(t *testing.T) {
	cases := []struct {
		from, to string
		want     bool
	}{
		{"a:1.4.2", "a:1.4.1", true}, {"a:1.4.1", "a:1.4.2", false}, {"a:1.4.1", "a:1.4.1", false},
		{"a:v1.10", "a:v1.9", true}, {"a:2", "a:1.9.9", true}, {"a:1.0.0", "a:1.0.0-rc.1", true},
		{"a:1.0.0-rc.10", "a:1.0.0-rc.9", true}, {"a:1.0.0-rc.1", "a:1.0.0-beta.9", true}, {"a:1.0.0-1", "a:1.0.0-a", false},
		{"a:1.0.0-rc.1.1", "a:1.0.0-rc.1", true}, {"a:1.0.0+b2", "a:1.0.0+b1", false},
		{"a:latest", "a:1.0.0", false}, {"a:1.2.0", "a:latest", false}, {"a:2", "b:1", false},
		{"r:5000/a:2", "r:5000/a:1", true}, {"r:5000/a", "r:5000/a:1", false}, {"a:2@sha256:00", "a:1@sha256:11", true},
		{"a:1.2.3.4", "a:1.2.3.3", false}, {"a:99999999999999999999", "a:1", false},
	}
	for _, tc := range cases {
		if got := goesBackwards(tc.from, tc.to); got != tc.want {
			t.Errorf("%s → %s: %v", tc.from, tc.to, got)
		}
	}
}

func FuzzVersions(f *testing.F) {
	f.Add("1.2.3", "v1.2", "1.2.3-rc.1")
	f.Add("1.0.0-1", "1.0.0-a", "1.0.0-a.1")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		x, okX := parseVersion(a)
		y, okY := parseVersion(b)
		z, okZ := parseVersion(c)
		if !okX || !okY || !okZ {
			return
		}
		if x.compare(y) != -y.compare(x) || x.compare(x) != 0 {
			t.Errorf("%q and %q have no order", a, b)
		}
		if x.compare(y) <= 0 && y.compare(z) <= 0 && x.compare(z) > 0 {
			t.Errorf("%q ≤ %q ≤ %q is no order", a, b, c)
		}
	})
}
