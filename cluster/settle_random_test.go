package cluster

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// variant draws the parts of a rendered object that differ from one commit to
// the next. Few choices each, so that objects often come back to what is live.
type variant struct{ *rand.Rand }

func (v variant) pick(options ...string) string { return options[v.IntN(len(options))] }

// some draws a subset, in its order or another.
func (v variant) some(options ...string) []string {
	var out []string
	for _, o := range options {
		if v.IntN(4) > 0 {
			out = append(out, o)
		}
	}
	if v.IntN(4) == 0 {
		v.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	}
	return out
}

func (v variant) list(options ...string) string {
	return "[" + strings.Join(v.some(options...), ", ") + "]"
}
func (v variant) dict(options ...string) string {
	return "{" + strings.Join(v.some(options...), ", ") + "}"
}

func (v variant) meta(name string) string {
	extra := v.pick("", "", ", annotations: "+v.dict("a: \"1\"", "b: \"1000m\"", "c: \"\""), ", annotations: {b: \""+v.pick("1", "1000m", "1e3m")+"\"}",
		", labels: "+v.dict("team: shop", "tier: web"), ", finalizers: []", ", creationTimestamp: null")
	return "metadata: {name: " + name + extra + "}"
}

func (v variant) podTemplate(name string) string {
	cpu := v.pick("100m", "100m", "0.1", "\"0.1\"", "1e-1", "200m")
	memory := v.pick("64Mi", "64Mi", "65536Ki", "67108864", "128Mi")
	env := v.list("{name: A, value: a}", "{name: B, value: \"1000m\"}", "{name: C, valueFrom: {fieldRef: {fieldPath: metadata.name}}}",
		"{name: D, valueFrom: {fieldRef: {apiVersion: v1, fieldPath: metadata.name}}}")
	ports := v.pick("[]", "[{containerPort: 80}]", "[{containerPort: 80, protocol: TCP}]", "[{containerPort: 53, protocol: UDP}, {containerPort: 53, protocol: TCP}]",
		"[{name: web, containerPort: 80}, {name: dns, containerPort: 53, protocol: UDP}]")
	probe := v.pick("", "", "livenessProbe: {httpGet: {path: /, port: 80}}", "livenessProbe: {httpGet: {path: /, port: web, scheme: HTTP}, periodSeconds: 10}")
	pull := v.pick("", "imagePullPolicy: IfNotPresent", "imagePullPolicy: Always")
	return fmt.Sprintf(`metadata: {labels: {app: %s}%s}
    spec:
      %s
      containers:
      - name: main
        image: registry.example.com/%s:1.%s
        %s
        %s
        env: %s
        ports: %s
        resources: {limits: {cpu: %s, memory: %s}, requests: {cpu: %s}}
        volumeMounts: [{name: tmp, mountPath: /tmp}%s]
      volumes: [{name: tmp, emptyDir: {}}, {name: settings, configMap: {name: settings%s}}]
      nodeSelector: {nowhere: "true"}`, name, v.pick("", ", creationTimestamp: null", ", annotations: {checksum: abc}"),
		v.pick("", "terminationGracePeriodSeconds: 30", "securityContext: {}", "tolerations: [{key: a, operator: Exists}]", "serviceAccountName: default",
			"hostAliases: [{ip: 10.0.0.1, hostnames: [a]}]", "topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway}]"),
		name, v.pick("1", "1", "2"), pull, probe, env, ports, cpu, memory, cpu, v.pick("", ", {name: settings, mountPath: /etc/settings}"), v.pick("", ", defaultMode: 420"))
}

func (v variant) workload(kind, name, spec string) string {
	return fmt.Sprintf("apiVersion: apps/v1\nkind: %s\n%s\nspec:\n  %s\n  selector: {matchLabels: {app: %s}}\n  template:\n    %s", kind, v.meta(name), spec, name, v.podTemplate(name))
}

// randomKinds make an object of a kind each; group is that of the custom kinds.
// What is immutable depends on the name alone.
var randomKinds = map[string]func(v variant, name, group string) string{
	"Deployment": func(v variant, name, _ string) string {
		return v.workload("Deployment", name, v.pick("replicas: 0", "replicas: 0\n  revisionHistoryLimit: 10", "replicas: 0\n  strategy: {type: RollingUpdate}",
			"replicas: 0\n  strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 25%}}"))
	},
	"StatefulSet": func(v variant, name, _ string) string {
		return v.workload("StatefulSet", name, "replicas: 0\n  serviceName: x"+v.pick("", "\n  podManagementPolicy: OrderedReady")+
			"\n  volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}]")
	},
	"DaemonSet": func(v variant, name, _ string) string {
		return v.workload("DaemonSet", name, v.pick("revisionHistoryLimit: 10", "minReadySeconds: 0", "updateStrategy: {type: RollingUpdate}"))
	},
	"Service": func(v variant, name, _ string) string {
		return fmt.Sprintf("apiVersion: v1\nkind: Service\n%s\nspec:\n  selector: {app: %s}\n  %s\n  ports: %s", v.meta(name), name,
			v.pick("", "type: ClusterIP", "type: NodePort", "sessionAffinity: None"),
			v.pick("[{port: 80}]", "[{port: 80, protocol: TCP, targetPort: 80}]", "[{name: web, port: 80}, {name: dns, port: 53, protocol: UDP}]",
				"[{name: dns, port: 53, protocol: UDP}, {name: web, port: 80}]", "[{name: a, port: 53, protocol: UDP}, {name: b, port: 53}]"))
	},
	"ConfigMap": func(v variant, name, _ string) string {
		return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\n%s\ndata: %s\nbinaryData: %s", v.meta(name),
			v.dict("a: \"1\"", "b: \"1000m\"", "c: \""+v.pick("1", "1000m", "")+"\"", "\"k:{x}\": y", "f:z: v"), v.pick("{}", "{x: AAECAw==}"))
	},
	"Secret": func(v variant, name, _ string) string {
		return fmt.Sprintf("apiVersion: v1\nkind: Secret\n%s\n%s", v.meta(name),
			v.pick("data: {a: aGVsbG8=}", "data: {a: aGVsbG8=, b: d29ybGQ=}", "data: {}", "type: Opaque\ndata: {b: d29ybGQ=}",
				"immutable: false\ndata: {a: aGVsbG8=}", "type: Opaque\ndata: {a: aGVsbG8=}", v.pick("", "stringData: {a: hello}", "stringData: {c: x}\ndata: {a: aGVsbG8=}")))
	},
	"Ingress": func(v variant, name, _ string) string {
		return fmt.Sprintf("apiVersion: networking.k8s.io/v1\nkind: Ingress\n%s\nspec: {rules: %s%s}", v.meta(name),
			v.list("{host: a.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: a, port: {number: 80}}}}]}}", "{host: b.example.com}"),
			v.pick("", ", defaultBackend: {service: {name: a, port: {name: web}}}", ", ingressClassName: nginx")) // rules may be empty
	},
	"CronJob": func(v variant, name, _ string) string {
		return fmt.Sprintf("apiVersion: batch/v1\nkind: CronJob\n%s\nspec:\n  schedule: \"%s * * * *\"\n  suspend: true\n  %s\n  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: a}]}}}}",
			v.meta(name), v.pick("0", "5"), v.pick("", "concurrencyPolicy: Allow", "failedJobsHistoryLimit: 1"))
	},
	"Job": func(v variant, name, _ string) string {
		return fmt.Sprintf("apiVersion: batch/v1\nkind: Job\n%s\nspec:\n  suspend: true\n  %s\n  template: {spec: {restartPolicy: Never, containers: [{name: a, image: a}]}}",
			v.meta(name), v.pick("", "backoffLimit: 6", "parallelism: 1", "ttlSecondsAfterFinished: 600"))
	},
	"HorizontalPodAutoscaler": func(v variant, name, _ string) string {
		if v.IntN(2) == 0 {
			return fmt.Sprintf("apiVersion: autoscaling/v1\nkind: HorizontalPodAutoscaler\n%s\nspec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: x}, maxReplicas: %s%s}",
				v.meta(name), v.pick("3", "4"), v.pick("", ", targetCPUUtilizationPercentage: 80", ", minReplicas: 1"))
		}
		return fmt.Sprintf("apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\n%s\nspec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: x}, maxReplicas: %s%s}",
			v.meta(name), v.pick("3", "4"), v.pick("", ", metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]",
				", behavior: {scaleDown: {stabilizationWindowSeconds: 60}}"))
	},
	"PodDisruptionBudget": func(v variant, name, _ string) string {
		return fmt.Sprintf("apiVersion: policy/v1\nkind: PodDisruptionBudget\n%s\nspec: {selector: {matchLabels: {app: %s}}, %s}", v.meta(name), name,
			v.pick("minAvailable: 1", "minAvailable: 50%", "maxUnavailable: 1"))
	},
	"NetworkPolicy": func(v variant, name, _ string) string {
		return fmt.Sprintf("apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n%s\nspec: {podSelector: {}%s, ingress: %s}", v.meta(name),
			v.pick("", ", policyTypes: [Ingress]"), v.pick("[]", "[{}]", "[{ports: [{port: 80}]}]", "[{ports: [{port: 80, protocol: TCP}]}]"))
	},
	"Role": func(v variant, name, _ string) string {
		return fmt.Sprintf("apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\n%s\nrules: %s", v.meta(name),
			v.list("{apiGroups: [\"\"], resources: [pods], verbs: [get, list]}", "{apiGroups: [apps], resources: [deployments], verbs: [get]}"))
	},
	"RoleBinding": func(v variant, name, _ string) string {
		return fmt.Sprintf("apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\n%s\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: %s}\nsubjects: %s", v.meta(name), name,
			v.pick("[{kind: User, name: dev1}]", "[{kind: User, name: dev1, apiGroup: rbac.authorization.k8s.io}]", "[{kind: ServiceAccount, name: default, namespace: $NS}]"))
	},
	"ServiceAccount": func(v variant, name, _ string) string {
		return fmt.Sprintf("apiVersion: v1\nkind: ServiceAccount\n%s\n%s", v.meta(name), v.pick("", "automountServiceAccountToken: false", "imagePullSecrets: [{name: a}]", "automountServiceAccountToken: true", v.pick("", "imagePullSecrets: []")))
	},
	"PersistentVolumeClaim": func(v variant, name, _ string) string {
		return fmt.Sprintf("apiVersion: v1\nkind: PersistentVolumeClaim\n%s\nspec: {storageClassName: none, accessModes: [ReadWriteOnce], resources: {requests: {storage: %s}}}", v.meta(name), v.pick("1Gi", "1024Mi", "\"1073741824\""))
	},
	"Widget": func(v variant, name, group string) string {
		return fmt.Sprintf("apiVersion: %s/%s\nkind: Widget\n%s\nspec: %s", group, v.pick("v1", "v1", "v1", "v2"), v.meta(name), v.dict(
			"size: "+v.pick("1", "2", "1.0"), "mode: fast", "tags: "+v.list("a", "b", "c"), "parts: "+v.list("{id: x, count: 1}", "{id: y}", "{id: z, zone: b}"),
			"order: "+v.list("1", "2"), "pair: {left: l}", "loose: {a: {b: 1, c: [1, 2]}, d: "+v.pick("null", "{}", "e")+"}", "byName: {one: {n: 1}, two: {}}", "either: "+v.pick("1", "\"1\""), "limits: {cpu: "+v.pick("\"1\"", "1000m")+"}"))
	},
}

// widgetCRD defines a kind with every merge structure, defaults, and two
// versions. pairType is the map type of spec.pair.
func widgetCRD(group, pairType string) string {
	schema := fmt.Sprintf(`{type: object, properties: {spec: {type: object, properties: {
      size: {type: number}, mode: {type: string, default: slow}, either: {x-kubernetes-int-or-string: true},
      limits: {type: object, additionalProperties: {x-kubernetes-int-or-string: true}},
      tags: {type: array, x-kubernetes-list-type: set, items: {type: string}},
      parts: {type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [id, zone], items: {type: object, required: [id], properties: {
        id: {type: string}, zone: {type: string, default: a}, count: {type: integer, default: 7}}}},
      order: {type: array, items: {type: integer}},
      pair: {type: object, x-kubernetes-map-type: %s, properties: {left: {type: string}, right: {type: string}}},
      loose: {type: object, x-kubernetes-preserve-unknown-fields: true},
      byName: {type: object, additionalProperties: {type: object, properties: {n: {type: integer}, m: {type: integer, default: 3}}}}}}}}`, pairType)
	return fmt.Sprintf(`apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.%[1]s}
spec:
  group: %[1]s
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: Widget, listKind: WidgetList}
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: %[2]s}}
  - {name: v2, served: true, storage: false, schema: {openAPIV3Schema: %[2]s}}`, group, schema)
}
