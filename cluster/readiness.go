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
	// eventsNamed are those about an object of which only the name is known;
	// nil: there are none.
	eventsNamed func(kind, name string) []*corev1.Event
	// heard, when not nil, returns the last words of a container that crashed,
	// as soon as they are known.
	heard       func(crashRef) string
	podsRefused string // why pods cannot be read; empty: they can
	now         time.Time
	// again, when not nil, is told when the object has to be judged again
	// although nothing changed; zero: it need not.
	again *time.Time
}

// pod reads one of the object's pods.
func (r reading) pod(pod *corev1.Pod) (model.Pod, finding) {
	out, why := readPod(pod, r.eventsOf(pod.UID), r.now)
	r.lookAgain(why.until)
	if why.level == levelUnscheduled {
		r.blameClaim(pod, &why)
	}
	return out, why
}

// lookAgain has the object judged anew at a time; zero: there is no need.
func (r reading) lookAgain(at time.Time) {
	if r.again != nil && !at.IsZero() && (r.again.IsZero() || at.Before(*r.again)) {
		*r.again = at
	}
}

// blameClaim puts the reason of a claim in place of the scheduler's words about
// a pod that waits for it.
func (r reading) blameClaim(pod *corev1.Pod, why *finding) {
	if r.eventsNamed == nil || !strings.Contains(why.words, "PersistentVolumeClaim") {
		return
	}
	for _, name := range claimsOf(pod) {
		last := newestEvent(r.eventsNamed("PersistentVolumeClaim", name), func(e *corev1.Event) bool {
			return e.Type == corev1.EventTypeWarning || e.Reason == "FailedBinding"
		})
		if last == nil {
			continue
		}
		why.head = fmt.Sprintf("pod %s waits for its claim %s, which is not bound", pod.Name, name)
		why.quote, why.remedy = claimWords(last.Message, "")
		why.tell()
		return
	}
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
		if r.target.ID.Kind == "Namespace" && r.target.ID.Group == "" {
			quote, remedy := leavingNamespace(r)
			p.Cause = told(r.target.ID.String()+" is being deleted", quote, remedy)
		} else if f := r.object.GetFinalizers(); len(f) > 0 {
			p.Cause = told(r.target.ID.String()+" is being deleted and waits for its finalizers", strings.Join(f, ", "),
				"see to the controllers that take them off, then apply again")
		}
		return p
	}
	rule, ok := workloadKinds[groupKind(r.target.ID)]
	if !ok {
		rule, ok = plainKinds[groupKind(r.target.ID)]
	}
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
			p.Cause = told(fmt.Sprintf("%s is not %s", r.target.ID, strings.ToLower(kind)), c.message, "see to the service behind it")
		}
		return nil
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
		p.Cause = told(r.target.ID.String()+" is not ready", cmp.Or(p.Message, ready.message, ready.reason), conditionRemedy(gk))
	}
	return nil
}

// conditionRemedy says what to do about a condition that says no.
func conditionRemedy(gk schema.GroupKind) string {
	if gk == crdGroupKind {
		return "remove the definition it collides with, or rename it"
	}
	return "see to it, or to its controller"
}

var crdGroupKind = schema.GroupKind{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}

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
	r.listen(&worst)
	return worst
}

// listen adds the last words of the container that a finding is about.
func (r reading) listen(f *finding) {
	if r.heard == nil || f.crash.uid == "" {
		return
	}
	if line := r.heard(f.crash); line != "" {
		f.quote = "its log ends: " + line
		f.tell()
	}
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
		if c := r.created(creators...); c.words != "" {
			p.Cause = told(r.target.ID.String()+" cannot create pods", c.words, c.remedy)
			missing := finding{doomed: c.doomed}
			if c.late {
				missing.late(c.since, r.now)
				r.lookAgain(missing.until)
			}
			p.Doomed = p.Doomed || missing.doomed
		}
	}
	if p.Cause == "" && r.podsRefused != "" {
		p.Cause = r.podsRefused
	}
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
