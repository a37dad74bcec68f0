package cluster

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/fairtide-dev/fairtide/model"
)

// podsMost is how many pods a Progress names at most, the worst ones.
const podsMost = 50

// reading is everything that is known about one target at one moment.
type reading struct {
	target      model.Target
	object      *unstructured.Unstructured // nil: it is not there
	replicaSets []*appsv1.ReplicaSet       // that the object controls
	podsOf      func(owner types.UID) []*corev1.Pod
	eventsOf    func(object types.UID) []*corev1.Event
	podsRefused string // why pods cannot be read; empty: they can
	now         time.Time
	// again, when not nil, is told when the object has to be judged again
	// although nothing changed; zero: it need not.
	again *time.Time
}

// pod reads one of the object's pods.
func (r reading) pod(pod *corev1.Pod) (model.Pod, finding) {
	out, why := readPod(pod, r.eventsOf(pod.UID), r.now)
	if r.again != nil && !why.until.IsZero() && (r.again.IsZero() || why.until.Before(*r.again)) {
		*r.again = why.until
	}
	return out, why
}

// workloadKinds are judged with their pods.
var workloadKinds = map[schema.GroupKind]func(reading, *model.Progress) error{
	{Group: "apps", Kind: "Deployment"}:     judgeDeployment,
	{Group: "apps", Kind: "ReplicaSet"}:     judgeReplicaSet,
	{Group: "apps", Kind: "StatefulSet"}:    judgeStatefulSet,
	{Group: "apps", Kind: "DaemonSet"}:      judgeDaemonSet,
	{Group: "batch", Kind: "Job"}:           judgeJob,
	{Group: "argoproj.io", Kind: "Rollout"}: judgeRollout,
	{Kind: "Pod"}:                           judgePodTarget,
}

// settledKinds cannot be anything but ready once they exist.
var settledKinds = func() map[schema.GroupKind]bool {
	out := map[schema.GroupKind]bool{}
	for group, kinds := range map[string][]string{
		"":                             {"ConfigMap", "Secret", "ServiceAccount", "LimitRange", "Endpoints", "PodTemplate"},
		"rbac.authorization.k8s.io":    {"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"},
		"networking.k8s.io":            {"NetworkPolicy", "IngressClass"},
		"scheduling.k8s.io":            {"PriorityClass"},
		"storage.k8s.io":               {"StorageClass", "CSIDriver"},
		"node.k8s.io":                  {"RuntimeClass"},
		"discovery.k8s.io":             {"EndpointSlice"},
		"apps":                         {"ControllerRevision"},
		"batch":                        {"CronJob"},
		"autoscaling":                  {"HorizontalPodAutoscaler"},
		"coordination.k8s.io":          {"Lease"},
		"admissionregistration.k8s.io": {"MutatingWebhookConfiguration", "ValidatingWebhookConfiguration", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"},
	} {
		for _, kind := range kinds {
			out[schema.GroupKind{Group: group, Kind: kind}] = true
		}
	}
	return out
}()

// judge says how far an applied object is from being as Git wants it.
func judge(r reading) model.Progress {
	p := model.Progress{ID: r.target.ID, Readiness: model.ReadinessWaiting}
	switch {
	case r.object == nil && r.target.UID == "":
		p.Message = "not there yet"
		return p
	case r.object == nil:
		p.Readiness, p.Doomed = model.ReadinessProgress, true
		p.Message = "deleted since it was applied"
		p.Cause = fmt.Sprintf("%s was deleted by someone after it was applied; apply it again", r.target.ID)
		return p
	case r.target.UID != "" && string(r.object.GetUID()) != r.target.UID:
		p.Readiness, p.Doomed = model.ReadinessProgress, true
		p.Message = "replaced since it was applied"
		p.Cause = fmt.Sprintf("%s was deleted and created again by someone after it was applied; apply it again", r.target.ID)
		return p
	case r.object.GetDeletionTimestamp() != nil && !expiredJob(r.object):
		p.Readiness, p.Message = model.ReadinessProgress, "being deleted"
		if f := r.object.GetFinalizers(); len(f) > 0 {
			p.Cause = plainLine(fmt.Sprintf("%s is being deleted and waits for its finalizers: %s", r.target.ID, strings.Join(f, ", ")), causeMost)
		}
		return p
	}
	rule, ok := workloadKinds[groupKind(r.target.ID)]
	if !ok {
		rule = judgeByConditions
	}
	if err := rule(r, &p); err != nil {
		p.Readiness = model.ReadinessProgress
		p.Message = plainLine(fmt.Sprintf("its status cannot be read: %v", err), wordsMost)
		p.Cause = p.Message
	}
	if p.Readiness == model.ReadinessReady {
		p.Cause, p.Doomed = "", false
	}
	return p
}

// compute takes kstatus' verdict over, with its words where p has none.
func (r reading) compute(p *model.Progress) (status.Status, error) {
	res, err := status.Compute(r.object)
	if err != nil {
		return status.UnknownStatus, err
	}
	switch res.Status {
	case status.CurrentStatus:
		p.Readiness = model.ReadinessReady
	case status.FailedStatus:
		p.Readiness, p.Doomed = model.ReadinessFailed, true
	default:
		p.Readiness = model.ReadinessProgress
	}
	if p.Message == "" {
		p.Message = plainLine(res.Message, wordsMost)
	}
	return res.Status, nil
}

// conditionKinds become ready by a condition of theirs that kstatus does not know.
var conditionKinds = map[schema.GroupKind]string{
	{Group: "apiregistration.k8s.io", Kind: "APIService"}: "Available",
}

func judgeByConditions(r reading, p *model.Progress) error {
	gk := groupKind(r.target.ID)
	if kind, ok := conditionKinds[gk]; ok {
		c := objectCondition(r.object, kind)
		p.Readiness, p.Message = model.ReadinessProgress, "waiting for its condition "+kind
		if c.status == "True" {
			p.Readiness, p.Message = model.ReadinessReady, strings.ToLower(kind)
		} else if c.message != "" {
			p.Cause = fmt.Sprintf("%s is not %s: %s", r.target.ID, strings.ToLower(kind), c.message)
		}
		return nil
	}
	if gk == (schema.GroupKind{Kind: "PersistentVolumeClaim"}) {
		return judgeClaim(r, p)
	}
	st, err := r.compute(p)
	if err != nil {
		return err
	}
	ready := objectCondition(r.object, "Ready")
	switch {
	case st == status.CurrentStatus && status.GetLegacyConditionsFn(r.object) == nil && ready.status == "":
		p.Message = "exists; no health contract is known for its kind"
	case st == status.CurrentStatus:
		p.Message = "ready"
	case p.Readiness == model.ReadinessFailed, ready.status == "False":
		p.Cause = plainLine(fmt.Sprintf("%s is not ready: %s", r.target.ID, cmp.Or(p.Message, ready.message, ready.reason)), causeMost)
	}
	return nil
}

// judgeClaim judges a PersistentVolumeClaim. One that is bound by its first
// pod only cannot be waited for.
func judgeClaim(r reading, p *model.Progress) error {
	if _, err := r.compute(p); err != nil {
		return err
	}
	if p.Readiness == model.ReadinessReady {
		p.Message = "bound"
		return nil
	}
	phase, _, _ := unstructured.NestedString(r.object.Object, "status", "phase")
	p.Message = "not bound: " + strings.ToLower(plainLine(cmp.Or(phase, "pending"), 40))
	last := newestEvent(r.eventsOf(r.object.GetUID()), func(*corev1.Event) bool { return true })
	switch {
	case phase == "Lost":
		p.Cause, p.Doomed = fmt.Sprintf("%s has lost its volume", r.target.ID), true
	case last == nil:
	case last.Reason == "WaitForFirstConsumer" || last.Reason == "WaitForPodScheduled":
		p.Readiness, p.Message = model.ReadinessReady, "is bound when its first pod starts"
	case last.Type == corev1.EventTypeWarning:
		p.Cause = plainLine(fmt.Sprintf("%s is not bound: %s", r.target.ID, last.Message), causeMost)
	}
	return nil
}

// conditionWords is a condition of an object, on one line; empty when there is none.
type conditionWords struct{ status, reason, message string }

func objectCondition(u *unstructured.Unstructured, kind string) conditionWords {
	list, _, _ := unstructured.NestedSlice(u.Object, "status", "conditions")
	for _, item := range list {
		c, ok := item.(map[string]any)
		if !ok || c["type"] != kind {
			continue
		}
		text := func(key string, most int) string {
			s, _ := c[key].(string)
			return plainLine(s, most)
		}
		return conditionWords{text("status", 20), text("reason", 60), text("message", wordsMost)}
	}
	return conditionWords{}
}

// observed reports whether the controller has seen the object as it is.
func observed(u *unstructured.Unstructured) bool {
	seen, found, err := unstructured.NestedInt64(u.Object, "status", "observedGeneration")
	return err == nil && found && seen >= u.GetGeneration()
}

// addPods reads the pods into p, the worst first, counts the ready ones and
// returns the best explanation among them.
func (r reading) addPods(p *model.Progress, pods []*corev1.Pod) finding {
	type judged struct {
		pod model.Pod
		why finding
	}
	all := make([]judged, 0, len(pods))
	for _, pod := range pods {
		out, why := r.pod(pod)
		all = append(all, judged{out, why})
		if out.Ready {
			p.Ready++
		}
	}
	rank := func(j judged) int {
		switch {
		case j.why.doomed:
			return 0
		case !j.pod.Ready:
			return 1
		}
		return 2
	}
	slices.SortFunc(all, func(a, b judged) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(b.why.level, a.why.level),
			cmp.Compare(b.pod.Restarts, a.pod.Restarts), cmp.Compare(a.pod.Name, b.pod.Name))
	})
	var worst finding
	for i, j := range all {
		if i < podsMost {
			p.Pods = append(p.Pods, j.pod)
		}
		if j.why.worse(worst) {
			worst = j.why
		}
	}
	return worst
}

// explain puts the best explanation into p: a pod's when there is one, else
// why there are no pods.
func (r reading) explain(p *model.Progress, worst finding, creators ...types.UID) {
	if p.Readiness == model.ReadinessReady {
		return
	}
	p.Cause = worst.cause
	p.Doomed = p.Doomed || worst.doomed
	if p.Cause == "" || worst.level <= levelNotReady && len(p.Pods) < p.Desired {
		if words := r.creationFailure(creators...); words != "" {
			p.Cause = plainLine(fmt.Sprintf("%s cannot create pods: %s", r.target.ID, words), causeMost)
		}
	}
	if p.Cause == "" && r.podsRefused != "" {
		p.Cause = r.podsRefused
	}
}

// creationFailure is why a controller cannot create pods (a quota, an
// admission rule), from its conditions or its last event.
func (r reading) creationFailure(creators ...types.UID) string {
	for _, rs := range r.replicaSets {
		for _, c := range rs.Status.Conditions {
			if slices.Contains(creators, rs.UID) && c.Type == appsv1.ReplicaSetReplicaFailure && c.Status == corev1.ConditionTrue {
				return plainLine(c.Message, wordsMost)
			}
		}
	}
	if c := objectCondition(r.object, "ReplicaFailure"); c.status == "True" {
		return c.message
	}
	for _, uid := range creators {
		last := newestEvent(r.eventsOf(uid), func(e *corev1.Event) bool {
			return e.Reason == "FailedCreate" || e.Reason == "ReplicaSetCreateError" || e.Reason == "FailedDaemonPod"
		})
		if last != nil {
			return plainLine(last.Message, wordsMost)
		}
	}
	return ""
}

// newPods words how many pods of the new revision are ready.
func newPods(p *model.Progress) string {
	if p.Desired == 0 {
		return "scaled to 0"
	}
	noun := "pods"
	if p.Desired == 1 {
		noun = "pod"
	}
	return fmt.Sprintf("%d of %d new %s ready", p.Ready, p.Desired, noun)
}

// settle makes the counts agree with a controller that says it is done: its
// status and the pods come by different watches.
func settle(p *model.Progress) {
	if p.Readiness == model.ReadinessReady {
		p.Ready = p.Desired
	}
}

func objectAs[T any](r reading) (*T, error) { return typedObject[T](r.object) }

// jobFinished finds a Job's final condition; "" while it has none.
func jobFinished(job *batchv1.Job) batchv1.JobCondition {
	for _, c := range job.Status.Conditions {
		if c.Status == corev1.ConditionTrue && (c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed) {
			return c
		}
	}
	return batchv1.JobCondition{}
}
