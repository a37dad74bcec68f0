package cluster

import (
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/fairtide-dev/fairtide/model"
)

// yamlObject reads an object as the API server would return it.
func yamlObject(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	raw, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(raw); err != nil {
		t.Fatal(err)
	}
	return u
}

func readingOf(u *unstructured.Unstructured) reading {
	gvk := u.GroupVersionKind()
	return reading{
		target: model.Target{ID: model.ObjectID{Group: gvk.Group, Kind: gvk.Kind, Namespace: u.GetNamespace(), Name: u.GetName()}, Version: gvk.Version},
		object: u, podsOf: func(types.UID) []*corev1.Pod { return nil }, eventsOf: func(types.UID) []*corev1.Event { return nil },
	}
}

func TestReadiness(t *testing.T) {
	const head = "metadata: {name: x, namespace: shop, uid: u, generation: 2}\n"
	for _, tt := range []struct {
		name, object string
		want         model.Readiness
		doomed       bool
		message      string
		cause        string
	}{
		{"Job not started", "apiVersion: batch/v1\nkind: Job\n" + head + "status: {}", model.ReadinessProgress, false, "0 of 1 completions, 0 running", ""},
		{"Job running", "apiVersion: batch/v1\nkind: Job\n" + head + "spec: {completions: 2}\nstatus: {startTime: 2026-05-04T10:00:00Z, active: 1, succeeded: 1}",
			model.ReadinessProgress, false, "1 of 2 completions, 1 running", ""},
		{"Job complete", "apiVersion: batch/v1\nkind: Job\n" + head + "status: {succeeded: 1, conditions: [{type: Complete, status: 'True'}]}", model.ReadinessReady, false, "completed", ""},
		{"Job about to fail", "apiVersion: batch/v1\nkind: Job\n" + head + "status: {failed: 1, conditions: [{type: FailureTarget, status: 'True'}]}", model.ReadinessProgress, false, "0 of 1", ""},
		{"Job failed", "apiVersion: batch/v1\nkind: Job\n" + head + "status: {failed: 7, conditions: [{type: Failed, status: 'True', reason: BackoffLimitExceeded, message: Job has reached the specified backoff limit}]}",
			model.ReadinessFailed, true, "failed", "Job shop/x failed: Job has reached the specified backoff limit"},
		{"Job suspended", "apiVersion: batch/v1\nkind: Job\n" + head + "spec: {suspend: true}\nstatus: {}", model.ReadinessReady, false, "suspended", ""},
		{"Pod failed", "apiVersion: v1\nkind: Pod\n" + head + "status: {phase: Failed, reason: Evicted}", model.ReadinessFailed, true, "failed", "pod x failed: Evicted"},
		{"Pod succeeded", "apiVersion: v1\nkind: Pod\n" + head + "status: {phase: Succeeded}", model.ReadinessReady, false, "succeeded", ""},
		{"Pod ready", "apiVersion: v1\nkind: Pod\n" + head + "status: {phase: Running, conditions: [{type: Ready, status: 'True'}]}", model.ReadinessReady, false, "ready", ""},
		{"Pod just created", "apiVersion: v1\nkind: Pod\n" + head, model.ReadinessProgress, false, "pending", ""},
		{"CRD not established", "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: x}\nstatus: {conditions: [{type: NamesAccepted, status: 'True'}]}",
			model.ReadinessProgress, false, "", ""},
		{"CRD established", "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: x}\nstatus: {conditions: [{type: Established, status: 'True'}]}",
			model.ReadinessReady, false, "ready", ""},
		{"CRD whose name is taken", "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: x}\nstatus: {conditions: [{type: NamesAccepted, status: 'False', reason: PluralConflict, message: the name is in use}]}",
			model.ReadinessFailed, true, "the name is in use", "CustomResourceDefinition x is not ready: the name is in use"},
		{"custom resource without conditions", "apiVersion: example.com/v1\nkind: Gateway\n" + head, model.ReadinessReady, false, "no health contract", ""},
		{"custom resource not ready", "apiVersion: example.com/v1\nkind: Gateway\n" + head + "status: {conditions: [{type: Ready, status: 'False', reason: NoAddress, message: no address}]}",
			model.ReadinessProgress, false, "no address", "Gateway shop/x is not ready: no address"},
		{"custom resource ready", "apiVersion: example.com/v1\nkind: Gateway\n" + head + "status: {observedGeneration: 2, conditions: [{type: Ready, status: 'True'}]}", model.ReadinessReady, false, "ready", ""},
		{"custom resource not seen", "apiVersion: example.com/v1\nkind: Gateway\n" + head + "status: {observedGeneration: 1, conditions: [{type: Ready, status: 'True'}]}", model.ReadinessProgress, false, "", ""},
		{"custom resource stalled", "apiVersion: example.com/v1\nkind: Gateway\n" + head + "status: {conditions: [{type: Stalled, status: 'True', message: bad \"quota\"}]}", model.ReadinessFailed, true, "bad", "bad"},
		{"APIService away", "apiVersion: apiregistration.k8s.io/v1\nkind: APIService\nmetadata: {name: v1.x}\nstatus: {conditions: [{type: Available, status: 'False', message: no endpoints}]}",
			model.ReadinessProgress, false, "waiting", "APIService v1.x is not available: no endpoints"},
		{"APIService there", "apiVersion: apiregistration.k8s.io/v1\nkind: APIService\nmetadata: {name: v1.x}\nstatus: {conditions: [{type: Available, status: 'True'}]}", model.ReadinessReady, false, "available", ""},
		{"claim pending", "apiVersion: v1\nkind: PersistentVolumeClaim\n" + head + "status: {phase: Pending}", model.ReadinessProgress, false, "not bound: pending", ""},
		{"claim bound", "apiVersion: v1\nkind: PersistentVolumeClaim\n" + head + "status: {phase: Bound}", model.ReadinessReady, false, "bound", ""},
		{"claim lost", "apiVersion: v1\nkind: PersistentVolumeClaim\n" + head + "status: {phase: Lost}", model.ReadinessProgress, true, "not bound: lost", "has lost its volume"},
		{"being deleted", "apiVersion: example.com/v1\nkind: Gateway\nmetadata: {name: x, namespace: shop, deletionTimestamp: 2026-05-04T10:00:00Z, finalizers: [example.com/keep]}",
			model.ReadinessProgress, false, "being deleted", "finalizers: example.com/keep"},
		{"StatefulSet OnDelete without pods", "apiVersion: apps/v1\nkind: StatefulSet\n" + head + "spec: {replicas: 2, updateStrategy: {type: OnDelete}}\nstatus: {observedGeneration: 2}", model.ReadinessProgress, false, "0 of 2 pods ready", ""},
		{"StatefulSet OnDelete with old pods", "apiVersion: apps/v1\nkind: StatefulSet\n" + head + "spec: {replicas: 2, updateStrategy: {type: OnDelete}}\nstatus: {observedGeneration: 2, replicas: 2, readyReplicas: 2, updatedReplicas: 0, currentRevision: a, updateRevision: b}",
			model.ReadinessReady, false, "2 of 2 pods ready, 2 old until they are deleted", ""},
		{"StatefulSet not seen", "apiVersion: apps/v1\nkind: StatefulSet\n" + head + "spec: {replicas: 2}\nstatus: {observedGeneration: 1, replicas: 2, readyReplicas: 2}", model.ReadinessProgress, false, unobserved, ""},
		{"StatefulSet held back", "apiVersion: apps/v1\nkind: StatefulSet\n" + head + "spec: {replicas: 2, updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 2}}}\nstatus: {observedGeneration: 2, replicas: 2, readyReplicas: 2, updateRevision: b, currentRevision: a}",
			model.ReadinessReady, false, "all 2 pods held back", ""},
		{"DaemonSet nowhere", "apiVersion: apps/v1\nkind: DaemonSet\n" + head + "status: {observedGeneration: 2, desiredNumberScheduled: 0}", model.ReadinessReady, false, "no node asks for it", ""},
		{"DaemonSet", "apiVersion: apps/v1\nkind: DaemonSet\n" + head + "status: {observedGeneration: 2, desiredNumberScheduled: 3, currentNumberScheduled: 3, updatedNumberScheduled: 3, numberReady: 1, numberAvailable: 1}", model.ReadinessProgress, false, "0 of 3 new pods ready", ""},
		{"Rollout not seen", "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\n" + head + "status: {observedGeneration: '1', phase: Healthy}", model.ReadinessProgress, false, unobserved, ""},
		{"Rollout healthy", "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\n" + head + "spec: {replicas: 3}\nstatus: {observedGeneration: '2', phase: Healthy}", model.ReadinessReady, false, "3 of 3 new pods ready", ""},
		{"Rollout paused", "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\n" + head + "spec: {replicas: 3, strategy: {canary: {steps: [{}, {}, {}]}}}\nstatus: {observedGeneration: '2', phase: Paused, message: CanaryPauseStep, currentStepIndex: 1}",
			model.ReadinessProgress, false, "step 2 of 3", "Rollout shop/x is paused: CanaryPauseStep"},
		{"Rollout degraded", "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\n" + head + "status: {observedGeneration: '2', phase: Degraded, message: aborted}", model.ReadinessFailed, true, "", "Rollout shop/x is degraded: aborted"},
		{"Deployment whose status makes no sense", "apiVersion: apps/v1\nkind: Deployment\n" + head + "status: {replicas: many}", model.ReadinessProgress, false, "its status cannot be read", "its status cannot be read"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := judge(readingOf(yamlObject(t, tt.object)))
			if p.Readiness != tt.want || p.Doomed != tt.doomed || !strings.Contains(p.Message, tt.message) ||
				!strings.Contains(p.Cause, tt.cause) || (tt.cause == "") != (p.Cause == "") {
				t.Errorf("%s, doomed %t, message %q, cause %q; want %s, %t, %q, %q",
					p.Readiness, p.Doomed, p.Message, p.Cause, tt.want, tt.doomed, tt.message, tt.cause)
			}
		})
	}
}

func TestReadinessOfWhatIsNotThere(t *testing.T) {
	r := readingOf(yamlObject(t, "apiVersion: example.com/v1\nkind: Gateway\nmetadata: {name: x, namespace: shop, uid: other}"))
	r.target.UID = "applied"
	if p := judge(r); p.Readiness != model.ReadinessProgress || !p.Doomed || !strings.Contains(p.Cause, "created again by someone") {
		t.Errorf("replaced: %+v", p)
	}
	r.object = nil
	if p := judge(r); p.Readiness != model.ReadinessProgress || !p.Doomed || !strings.Contains(p.Cause, "deleted by someone") {
		t.Errorf("deleted: %+v", p)
	}
	r.target.UID = ""
	if p := judge(r); p.Readiness != model.ReadinessWaiting || p.Doomed || p.Cause != "" {
		t.Errorf("not there yet: %+v", p)
	}
}

func TestClaimWaitsForItsFirstConsumer(t *testing.T) {
	r := readingOf(yamlObject(t, "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: x, namespace: shop, uid: u}\nstatus: {phase: Pending}"))
	events := []*corev1.Event{warning("ProvisioningFailed", "no space", 1)}
	r.eventsOf = func(types.UID) []*corev1.Event { return events }
	if p := judge(r); p.Readiness != model.ReadinessProgress || !strings.Contains(p.Cause, "no space") {
		t.Errorf("%+v", p)
	}
	events = append(events, warning("WaitForFirstConsumer", "waiting for first consumer", 2))
	if p := judge(r); p.Readiness != model.ReadinessReady || p.Cause != "" {
		t.Errorf("%+v", p)
	}
}

// deployment is a Deployment of 3 with an old and a new ReplicaSet.
func deploymentReading(t *testing.T, change func(*appsv1.Deployment), newRS func(*appsv1.ReplicaSet), pods ...*corev1.Pod) reading {
	t.Helper()
	template := func(image string) corev1.PodTemplateSpec {
		return corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "cart"}},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "cart", Image: image}}},
		}
	}
	d := &appsv1.Deployment{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		ObjectMeta: metav1.ObjectMeta{Name: "cart", Namespace: "shop", UID: "d", Generation: 2},
		Spec:       appsv1.DeploymentSpec{Replicas: new(int32(3)), Template: template("cart:2"), ProgressDeadlineSeconds: new(int32(600))},
		Status: appsv1.DeploymentStatus{
			ObservedGeneration: 2, Replicas: 4, UpdatedReplicas: 3, ReadyReplicas: 1, AvailableReplicas: 1,
			Conditions: []appsv1.DeploymentCondition{
				{Type: appsv1.DeploymentProgressing, Status: corev1.ConditionTrue, Reason: "ReplicaSetUpdated"},
				{Type: appsv1.DeploymentAvailable, Status: corev1.ConditionTrue},
			},
		},
	}
	set := func(uid types.UID, image, revision string) *appsv1.ReplicaSet {
		rs := &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{UID: uid, Annotations: map[string]string{annotationRevision: revision}}}
		rs.Spec.Template = template(image)
		rs.Spec.Template.Labels[appsv1.DefaultDeploymentUniqueLabelKey] = string(uid)
		return rs
	}
	// The old one has the higher number: until the controller has acted, the
	// revision it goes back to has.
	old, current := set("old", "cart:1", "9"), set("new", "cart:2", "2")
	if change != nil {
		change(d)
	}
	if newRS != nil {
		newRS(current)
	}
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(d)
	if err != nil {
		t.Fatal(err)
	}
	r := readingOf(&unstructured.Unstructured{Object: fields})
	r.replicaSets = []*appsv1.ReplicaSet{old, current}
	r.podsOf = func(owner types.UID) []*corev1.Pod {
		if owner == "new" {
			return pods
		}
		return []*corev1.Pod{waitingPod("ErrImagePull", "not found", 0, nil)} // of no interest
	}
	return r
}

func namedPod(name string, pod *corev1.Pod) *corev1.Pod {
	pod.Name, pod.UID = name, types.UID(name)
	return pod
}

func readyPod(name string) *corev1.Pod {
	return namedPod(name, runningPod(func(p *corev1.Pod) {
		p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	}))
}

func TestDeploymentProgress(t *testing.T) {
	bad := func() *corev1.Pod { return namedPod("c", waitingPod("ErrImagePull", "x: not found", 0, nil)) }
	done := func(d *appsv1.Deployment) {
		d.Status.Replicas, d.Status.ReadyReplicas, d.Status.AvailableReplicas = 3, 3, 3
		d.Status.Conditions[0].Reason = "NewReplicaSetAvailable"
	}
	paused := func(d *appsv1.Deployment) {
		d.Spec.Paused = true
		d.Status.Conditions[0] = appsv1.DeploymentCondition{Type: appsv1.DeploymentProgressing, Status: corev1.ConditionUnknown, Reason: "DeploymentPaused"}
	}
	for _, tt := range []struct {
		name   string
		r      reading
		want   model.Readiness
		doomed bool
		ready  int
		pods   string
		text   string
		cause  string
	}{
		{"not seen", deploymentReading(t, func(d *appsv1.Deployment) { d.Status.ObservedGeneration = 1 }, nil, readyPod("a")), model.ReadinessProgress, false, 0, "", unobserved, ""},
		{"under way", deploymentReading(t, nil, nil, readyPod("a"), namedPod("b", aPod(nil))), model.ReadinessProgress, false, 1, "b a", "1 of 3 new pods ready", ""},
		{"worst pod first", deploymentReading(t, nil, nil, readyPod("a"), namedPod("b", aPod(nil)), bad()), model.ReadinessProgress, true, 1, "c b a", "1 of 3 new pods ready", "cannot pull " + testImage + ": not found"},
		{"waits for the old ones to go", deploymentReading(t, func(d *appsv1.Deployment) { done(d); d.Status.Replicas = 4 }, nil, readyPod("a"), readyPod("b"), readyPod("c")),
			model.ReadinessProgress, false, 3, "a b c", "3 of 3 new pods ready, 1 old still there", ""},
		{"done, although the pods are behind", deploymentReading(t, done, nil, readyPod("a"), readyPod("b")), model.ReadinessReady, false, 3, "a b", "3 of 3 new pods ready", ""},
		{"deadline", deploymentReading(t, func(d *appsv1.Deployment) {
			d.Status.Conditions[0] = appsv1.DeploymentCondition{Type: appsv1.DeploymentProgressing, Status: corev1.ConditionFalse, Reason: "ProgressDeadlineExceeded"}
		}, nil), model.ReadinessFailed, true, 0, "", "progress deadline exceeded", "made no progress for 10m0s"},
		{"deadline, with a pod's reason", deploymentReading(t, func(d *appsv1.Deployment) {
			d.Status.Conditions[0] = appsv1.DeploymentCondition{Type: appsv1.DeploymentProgressing, Status: corev1.ConditionFalse, Reason: "ProgressDeadlineExceeded"}
		}, nil, bad()), model.ReadinessFailed, true, 0, "c", "progress deadline exceeded", "cannot pull"},
		{"quota", deploymentReading(t, nil, func(rs *appsv1.ReplicaSet) {
			rs.Status.Conditions = []appsv1.ReplicaSetCondition{{Type: appsv1.ReplicaSetReplicaFailure, Status: corev1.ConditionTrue, Message: `pods "x" is forbidden: exceeded quota: compute`}}
		}), model.ReadinessProgress, false, 0, "", "0 of 3", `Deployment shop/cart cannot create pods: exceeded quota: compute`},
		{"paused", deploymentReading(t, func(d *appsv1.Deployment) { paused(d); d.Status.UpdatedReplicas = 0 }, nil), model.ReadinessProgress, true, 0, "", "paused", "is paused (spec.paused)"},
		{"paused and done", deploymentReading(t, func(d *appsv1.Deployment) { done(d); paused(d) }, nil, readyPod("a"), readyPod("b"), readyPod("c")), model.ReadinessReady, false, 3, "a b c", "paused", ""},
		{"scaled to nothing", deploymentReading(t, func(d *appsv1.Deployment) {
			done(d)
			d.Spec.Replicas = new(int32(0))
			d.Status.Replicas, d.Status.UpdatedReplicas, d.Status.ReadyReplicas, d.Status.AvailableReplicas = 0, 0, 0, 0
		}, nil), model.ReadinessReady, false, 0, "", "scaled to 0", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := judge(tt.r)
			var names []string
			for _, pod := range p.Pods {
				names = append(names, pod.Name)
			}
			if p.Readiness != tt.want || p.Doomed != tt.doomed || p.Ready != tt.ready || strings.Join(names, " ") != tt.pods ||
				!strings.Contains(p.Message, tt.text) || !strings.Contains(p.Cause, tt.cause) || (tt.cause == "") != (p.Cause == "") {
				t.Errorf("got %+v", p)
			}
		})
	}
	r := deploymentReading(t, nil, func(rs *appsv1.ReplicaSet) { rs.Status.ReadyReplicas = 2 })
	r.podsRefused = "cannot watch pods: forbidden"
	if p := judge(r); p.Ready != 2 || p.Cause != r.podsRefused || p.Doomed {
		t.Errorf("without pods: %+v", p)
	}
}

func TestPodsAreBounded(t *testing.T) {
	var pods []*corev1.Pod
	for i := range 2 * podsMost {
		pods = append(pods, readyPod(strings.Repeat("a", i+1)))
	}
	pods = append(pods, namedPod("zz", waitingPod("ErrImagePull", "not found", 0, nil)))
	p := judge(deploymentReading(t, nil, nil, pods...))
	if len(p.Pods) != podsMost || p.Ready != 2*podsMost || p.Pods[0].Name != "zz" {
		t.Errorf("%d pods, %d ready, first %q", len(p.Pods), p.Ready, p.Pods[0].Name)
	}
}

func TestStatefulSetBlockedByAnOldPod(t *testing.T) {
	r := readingOf(yamlObject(t, "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: db, namespace: shop, uid: s, generation: 2}\nspec: {replicas: 2}\n"+
		"status: {observedGeneration: 2, replicas: 2, readyReplicas: 1, updateRevision: db-b, currentRevision: db-a}"))
	old := namedPod("db-1", waitingPod("CrashLoopBackOff", "", 7, nil))
	old.Labels = map[string]string{appsv1.ControllerRevisionHashLabelKey: "db-a"}
	r.podsOf = func(types.UID) []*corev1.Pod { return []*corev1.Pod{old} }
	p := judge(r)
	if p.Readiness != model.ReadinessProgress || len(p.Pods) != 0 || !p.Doomed || !strings.HasPrefix(p.Cause, "a pod of the old revision is in the way: container cart of pod db-1 crashes") {
		t.Errorf("%+v", p)
	}
}

func TestJobCauseIsItsPods(t *testing.T) {
	r := readingOf(yamlObject(t, "apiVersion: batch/v1\nkind: Job\nmetadata: {name: migrate, namespace: shop, uid: j}\nstatus: {active: 1, failed: 4}"))
	crashing := waitingPod("CrashLoopBackOff", "", 4, &corev1.ContainerStateTerminated{ExitCode: 2})
	r.podsOf = func(types.UID) []*corev1.Pod { return []*corev1.Pod{crashing} }
	if p := judge(r); p.Readiness != model.ReadinessProgress || p.Doomed || !strings.Contains(p.Cause, "exit code 2") {
		t.Errorf("retrying: %+v", p)
	}
	r.object.Object["status"] = map[string]any{"conditions": []any{map[string]any{"type": string(batchv1.JobFailed), "status": "True", "message": "backoff limit"}}}
	if p := judge(r); p.Readiness != model.ReadinessFailed || !p.Doomed || !strings.Contains(p.Cause, "exit code 2") {
		t.Errorf("failed: %+v", p)
	}
	crashing.Status.ContainerStatuses[0].State.Waiting = &corev1.ContainerStateWaiting{Reason: "ErrImagePull", Message: "not found"}
	r.object.Object["status"] = map[string]any{"active": int64(1)}
	if p := judge(r); !p.Doomed {
		t.Errorf("no image: %+v", p)
	}
	if !slices.ContainsFunc(judge(r).Pods, func(p model.Pod) bool { return p.Reason == "ErrImagePull" }) {
		t.Error("the pod is not listed")
	}
}
