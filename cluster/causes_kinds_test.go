package cluster

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/fairtide-dev/fairtide/internal/testcluster"
	"github.com/fairtide-dev/fairtide/model"
)

func jobRow(annotations, spec string) string {
	return `{apiVersion: batch/v1, kind: Job, metadata: {name: $NAME}, spec: {` + spec + `, template: ` + templateRow(annotations, "restartPolicy: Never", "") + `}}`
}

func statefulRow(annotations, spec string) string {
	return `{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: $NAME}, spec: {` + spec + `, serviceName: x, selector: {matchLabels: {app: $NAME}}, template: ` + templateRow(annotations, "", "") + `}}`
}

// patch changes the template's annotations: a new revision.
func (w *causeWorld) patch(r *causeRow, patch string) {
	w.t.Helper()
	u := w.create(r, `{apiVersion: v1, kind: ConfigMap, metadata: {name: $NAME-patched}}`)
	u.SetGroupVersionKind(groupKind(r.target.ID).WithVersion(r.target.Version))
	if _, err := w.in(u, r.place).Patch(w.t.Context(), r.name, types.MergePatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
		w.t.Fatal(err)
	}
}

// delete deletes the row's target, which something holds.
func (w *causeWorld) delete(r *causeRow) {
	w.t.Helper()
	u := w.create(r, `{apiVersion: v1, kind: ConfigMap, metadata: {name: $NAME-deleted}}`)
	u.SetGroupVersionKind(groupKind(r.target.ID).WithVersion(r.target.Version))
	if err := w.in(u, r.place).Delete(w.t.Context(), r.target.ID.Name, metav1.DeleteOptions{}); err != nil {
		w.t.Fatal(err)
	}
}

// workloadRows are workloads whose controllers do not go on.
func workloadRows() []*causeRow {
	blocked := &causeRow{name: "set-blocked", objects: statefulRow("pull-error=", "replicas: 1"), doomed: true,
		cause: []string{"a pod of the old revision is in the way: cannot pull registry.example/set-blocked:1: not found", "delete pod set-blocked-0: a StatefulSet does not replace a broken pod by itself"}}
	blocked.after = func(w *causeWorld, r *causeRow) {
		testcluster.Eventually(w.t, 30*time.Second, "the first revision is broken", func() (bool, error) {
			pod, err := w.cs.CoreV1().Pods(r.place).Get(w.t.Context(), r.name+"-0", metav1.GetOptions{})
			return err == nil && len(pod.Status.ContainerStatuses) > 0 && pod.Status.ContainerStatuses[0].State.Waiting != nil &&
				pod.Status.ContainerStatuses[0].State.Waiting.Reason != "ContainerCreating", err
		})
		w.patch(r, `{"spec":{"template":{"metadata":{"annotations":{"fixed":"yes"}}}}}`)
	}
	recreate := &causeRow{name: "leaving", objects: deploymentRow("", "", "", "strategy: {type: Recreate}"),
		cause: []string{"a pod of the old revision is in the way: pod leaving-", "is deleted and waits for its finalizer example.com/drain", "see to the controller"}}
	recreate.after = func(w *causeWorld, r *causeRow) {
		pod := w.pod(r)
		hold := []byte(`{"metadata":{"finalizers":["example.com/drain"]}}`)
		if _, err := w.cs.CoreV1().Pods(r.place).Patch(w.t.Context(), pod.Name, types.MergePatchType, hold, metav1.PatchOptions{}); err != nil {
			w.t.Fatal(err)
		}
		w.t.Cleanup(func() {
			_, _ = w.cs.CoreV1().Pods(r.place).Patch(w.detached(), pod.Name, types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
		})
		w.patch(r, `{"spec":{"template":{"metadata":{"annotations":{"next":"yes"}}}}}`)
	}
	gone := &causeRow{name: "deleted", objects: deploymentRow("", "", ""), doomed: true, cause: []string{"Deployment NS/deleted was deleted by someone after it was applied", "apply it again"}}
	gone.after = func(w *causeWorld, r *causeRow) { w.delete(r) }
	return []*causeRow{
		blocked, recreate, gone,
		{name: "paused", objects: deploymentRow("", "", "", "paused: true"), doomed: true, message: "paused", cause: []string{"Deployment NS/paused is paused (spec.paused)", "remove spec.paused in Git"}},
		{name: "deadline", objects: deploymentRow("start-after=3h", "", "", "progressDeadlineSeconds: 1"), readiness: model.ReadinessFailed, doomed: true, knows: "ProgressDeadlineExceeded",
			message: "progress deadline exceeded", cause: []string{"Deployment NS/deadline made no progress for 1s (progressDeadlineSeconds)", "or revert"}},
		{name: "set-partition", objects: statefulRow("ready-after=never", "replicas: 3, podManagementPolicy: Parallel, updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 2}}"), message: "0 of 1 new pod ready, 2 held back by the partition"},
		{name: "daemon-nowhere", objects: `{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: $NAME}, spec: {selector: {matchLabels: {app: $NAME}}, template: ` + templateRow("", "nodeSelector: {disk: ssd}", "") + `}}`,
			readiness: model.ReadinessReady, message: "no node asks for it: none has disk=ssd (nodeSelector)"},
		{name: "daemon-big", objects: `{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: $NAME}, spec: {selector: {matchLabels: {app: $NAME}}, template: ` + templateRow("", "", "resources: {requests: {memory: 900Gi}}") + `}}`,
			knows: "PodScheduled", cause: []string{"pod daemon-big-", "cannot be scheduled", "Insufficient memory (it requests 900Gi)"}},
		{name: "job-fails", objects: jobRow(crash+"7|log=fatal: no such bucket", "backoffLimit: 0"), readiness: model.ReadinessFailed, doomed: true, message: "failed", knows: "BackoffLimitExceeded",
			cause: []string{"Job NS/job-fails failed: container main of pod job-fails-", "exit code 7 (backoffLimit 0)", "its log ends: fatal: no such bucket"}},
		{name: "job-long", objects: jobRow("exit-after=never", "activeDeadlineSeconds: 1"), readiness: model.ReadinessFailed, doomed: true, knows: "DeadlineExceeded",
			cause: []string{"Job NS/job-long failed: it ran longer than 1s (activeDeadlineSeconds)", "raise it"}},
		{name: "job-waits", objects: jobRow("", "suspend: true"), readiness: model.ReadinessReady, message: "suspended, as it is written"},
		{name: "cron-waits", objects: `{apiVersion: batch/v1, kind: CronJob, metadata: {name: $NAME}, spec: {schedule: "0 4 * * *", suspend: true, jobTemplate: {spec: {template: ` + templateRow("", "restartPolicy: Never", "") + `}}}}`,
			readiness: model.ReadinessReady, message: "suspended (spec.suspend), starts no Jobs"},
	}
}

// kindRows are objects without pods.
func kindRows() []*causeRow {
	const claim = `{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: $NAME}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}%s}}`
	const balancer = `{apiVersion: v1, kind: Service, metadata: {name: $NAME}, spec: {type: LoadBalancer, ports: [{port: 80}]}}`
	scaler := func(name, of string) string {
		return fmt.Sprintf(`{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: %s}, spec: {maxReplicas: 3, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: %s}, metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}]}}`, name, of)
	}
	crd := func(group, plural, kind string) string {
		return fmt.Sprintf(`{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: %[2]s.%[1]s}, spec: {group: %[1]s, scope: Namespaced, names: {plural: %[2]s, kind: %[3]s}, versions: [{name: v1, served: true, storage: true,
  subresources: {status: {}}, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]}}`, group, plural, kind)
	}
	const group = "causes.example.com"
	ending := &causeRow{name: "namespace", objects: `{apiVersion: v1, kind: Namespace, metadata: {name: causes-ending}}`, knows: "SomeFinalizersRemain",
		cause: []string{"Namespace causes-ending is being deleted: Some content in the namespace has finalizers remaining: example.com/keep in 1 resource instances", "then apply again"}}
	ending.after = func(w *causeWorld, r *causeRow) {
		held := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "held", Finalizers: []string{"example.com/keep"}}}
		if _, err := w.cs.CoreV1().ConfigMaps("causes-ending").Create(w.t.Context(), held, metav1.CreateOptions{}); err != nil {
			w.t.Fatal(err)
		}
		w.t.Cleanup(func() {
			_, _ = w.cs.CoreV1().ConfigMaps("causes-ending").Patch(w.detached(), "held", types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
		})
		w.delete(r)
	}
	held := &causeRow{name: "finalizer", objects: `{apiVersion: v1, kind: Service, metadata: {name: $NAME, finalizers: [example.com/lb]}, spec: {ports: [{port: 80}]}}`,
		cause: []string{"Service NS/finalizer is being deleted and waits for its finalizers: example.com/lb", "see to the controllers"}}
	held.after = func(w *causeWorld, r *causeRow) {
		w.delete(r)
		w.t.Cleanup(func() {
			_, _ = w.cs.CoreV1().Services(r.place).Patch(w.detached(), r.name, types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
		})
	}
	custom := func(name, status string) string {
		return `{apiVersion: ` + group + `/v1, kind: Gate, metadata: {name: ` + name + `}, status: ` + status + `}`
	}
	defined := &causeRow{name: "custom", objects: custom("custom", `{conditions: [{type: Ready, status: "False", reason: NoAddress, message: "no address is left in pool edge"}]}`),
		cause: []string{"Gate NS/custom is not ready: no address is left in pool edge", "see to it, or to its controller"}}
	defined.before = func(w *causeWorld, r *causeRow) { w.create(r, crd(group, "gates", "Gate")) }
	return []*causeRow{
		defined, ending, held,
		{name: "custom-stalled", objects: custom("custom-stalled", `{conditions: [{type: Stalled, status: "True", reason: Bad, message: "spec.size: 7 is not a power of two"}]}`),
			readiness: model.ReadinessFailed, doomed: true, cause: []string{"Gate NS/custom-stalled is not ready", "7 is not a power of two"}},
		{name: "crd-taken", objects: crd(group, "gatelikes", "Gate"), readiness: model.ReadinessFailed, doomed: true,
			cause: []string{"CustomResourceDefinition gatelikes." + group + " is not ready", "is already in use", "rename it"}},
		{name: "claim-nowhere", objects: fmt.Sprintf(claim, ""), knows: "FailedBinding", cause: []string{"PersistentVolumeClaim NS/claim-nowhere is not bound: no PersistentVolume fits, and there is no default storage class", "set storageClassName"}},
		{name: "claim-nonsense", objects: fmt.Sprintf(claim, ", storageClassName: absent"), knows: "ProvisioningFailed", cause: []string{"PersistentVolumeClaim NS/claim-nonsense is not bound: ", `"absent" not found`, "correct storageClassName"}},
		{name: "claim-first", objects: fmt.Sprintf(claim, ", storageClassName: $NS") + "\n---\n" + `{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: $NS}, provisioner: example.com/none, volumeBindingMode: WaitForFirstConsumer}`,
			readiness: model.ReadinessReady, message: "is bound when its first pod starts"},
		{name: "balancer", objects: balancer, knows: "SyncLoadBalancerFailed", message: "waiting for its load balancer's address",
			events: []causeEvent{{"Warning", "service-controller", "SyncLoadBalancerFailed", "Error syncing load balancer: failed to ensure load balancer: googleapi: Error 403: Quota 'IN_USE_ADDRESSES' exceeded. Limit: 8", ""}},
			cause:  []string{"Service NS/balancer has no load balancer: googleapi: Error 403", "Quota 'IN_USE_ADDRESSES' exceeded", "see to the cloud's quota"}},
		{name: "balancer-nobody", objects: balancer, later: true, cause: []string{"Service NS/balancer-nobody has no load balancer after 2m0s", "does the cluster have a controller for type LoadBalancer?"}},
		{name: "scaler-lost", objects: scaler("$NAME", "nobody"), knows: "FailedGetScale", cause: []string{"HorizontalPodAutoscaler NS/scaler-lost cannot scale Deployment nobody", `"nobody" not found`, "correct scaleTargetRef"}},
		{name: "scaler-blind", ns: "{}", objects: scaler("$NAME", "$NAME") + "\n---\n" + deploymentRow("", "", "resources: {requests: {cpu: 1m}}"), knows: "ScalingActive", readiness: model.ReadinessReady,
			message: "does not scale Deployment scaler-blind: "},
		{name: "scaler-two", ns: "{}", objects: scaler("$NAME", "$NAME") + "\n---\n" + scaler("another", "$NAME") + "\n---\n" + deploymentRow("", "", "resources: {requests: {cpu: 1m}}"), doomed: true, knows: "AmbiguousSelector",
			cause: []string{"HorizontalPodAutoscaler NS/scaler-two conflicts with another about Deployment scaler-two", "remove one of them"}},
		{name: "budget-never", objects: `{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: $NAME}, spec: {minAvailable: 100%, selector: {matchLabels: {app: $NAME}}}}` + "\n---\n" + deploymentRow("", "", ""),
			readiness: model.ReadinessReady, message: "never allows a disruption: it wants 1 of 1 pods healthy"},
		{name: "budget-lost", objects: `{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: $NAME}, spec: {maxUnavailable: 1, selector: {matchLabels: {app: $NAME}}}}` + "\n---\n" +
			`{apiVersion: v1, kind: Pod, metadata: {name: $NAME, labels: {app: $NAME}}, spec: {terminationGracePeriodSeconds: 0, containers: [{name: x, image: x}]}}`,
			readiness: model.ReadinessReady, knows: "UnmanagedPods", message: "allows no disruption: it covers pods without a workload; set minAvailable"},
	}
}
