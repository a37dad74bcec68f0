package cluster

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/fairtide-dev/fairtide/model"
)

const unobserved = "waiting for its controller to see the change"

const annotationRevision = "deployment.kubernetes.io/revision"

func replicasOf(n *int32) int {
	if n == nil {
		return 1 // the API's default
	}
	return int(*n)
}

func judgeDeployment(r reading, p *model.Progress) error {
	d, err := objectAs[appsv1.Deployment](r)
	if err != nil {
		return err
	}
	p.Desired = replicasOf(d.Spec.Replicas)
	if !observed(r.object) {
		p.Readiness, p.Message = model.ReadinessProgress, unobserved
		return nil
	}
	var worst finding
	var creators []types.UID
	rs := newReplicaSet(d, r.replicaSets)
	if rs != nil {
		creators = append(creators, rs.UID)
		worst = r.addPods(p, r.podsOf(rs.UID))
		if r.podsRefused != "" {
			p.Ready = int(rs.Status.ReadyReplicas)
		}
	}
	if d.Spec.Paused {
		if judgePaused(d, rs, p); p.Cause == "" {
			r.explain(p, worst)
		}
		return nil
	}
	p.Message = "" // for kstatus to fill in, should we have no words
	if _, err := r.compute(p); err != nil {
		return err
	}
	settle(p)
	p.Old = max(0, int(d.Status.Replicas-d.Status.UpdatedReplicas))
	p.Message = deploymentMessage(d, rs, p)
	if worst.cause == "" && p.Readiness != model.ReadinessReady {
		worst = r.blockedByLeaving(rs)
	}
	r.explain(p, worst, append(creators, d.UID)...)
	if p.Readiness == model.ReadinessFailed {
		limit := "the progress deadline"
		if d.Spec.ProgressDeadlineSeconds != nil {
			limit = (time.Duration(*d.Spec.ProgressDeadlineSeconds) * time.Second).String()
		}
		p.Message += ", progress deadline exceeded"
		if p.Cause == "" {
			p.Cause = told(fmt.Sprintf("%s made no progress for %s (progressDeadlineSeconds)", p.ID, limit), "", "look at its pods, or revert")
		}
	}
	return nil
}

func deploymentMessage(d *appsv1.Deployment, rs *appsv1.ReplicaSet, p *model.Progress) string {
	text := newPods(p)
	old := int(d.Status.Replicas - d.Status.UpdatedReplicas)
	switch {
	case p.Readiness == model.ReadinessReady:
		return text
	case rs == nil:
		return text + ", waiting for the new ReplicaSet"
	case p.Ready >= p.Desired && old > 0:
		return text + fmt.Sprintf(", %d old still there", old)
	case p.Ready >= p.Desired && int(d.Status.AvailableReplicas) < p.Desired && d.Spec.MinReadySeconds > 0:
		return text + fmt.Sprintf(", available after %s (minReadySeconds)", time.Duration(d.Spec.MinReadySeconds)*time.Second)
	case p.Ready < p.Desired && int(d.Status.UpdatedReplicas) < p.Desired && old > 0:
		return text + fmt.Sprintf(", %d old still there", old)
	}
	return text
}

// blockedByLeaving finds a pod of an older revision that is deleted and does
// not go: with strategy Recreate the new one does not start before.
func (r reading) blockedByLeaving(current *appsv1.ReplicaSet) finding {
	var worst finding
	for _, rs := range r.replicaSets {
		if rs == current {
			continue
		}
		for _, pod := range r.podsOf(rs.UID) {
			if pod.DeletionTimestamp == nil {
				continue
			}
			if _, why := r.pod(pod); why.worse(worst) {
				worst = why
			}
		}
	}
	return inTheWay(worst, "")
}

// inTheWay words a finding about a pod of an older revision.
func inTheWay(f finding, remedy string) finding {
	if f.cause == "" {
		return f
	}
	f.head = "a pod of the old revision is in the way: " + f.head
	f.remedy = cmp.Or(remedy, f.remedy)
	f.tell()
	return f
}

// judgePaused judges a Deployment with spec.paused, which never starts a new
// revision: it is done when that was there already.
func judgePaused(d *appsv1.Deployment, rs *appsv1.ReplicaSet, p *model.Progress) {
	p.Readiness, p.Message = model.ReadinessProgress, newPods(p)+", paused"
	if rs == nil || int(d.Status.UpdatedReplicas) < p.Desired {
		p.Cause, p.Doomed = fmt.Sprintf("%s is paused (spec.paused) and does not start the new revision; remove spec.paused in Git", p.ID), true
		return
	}
	if int(d.Status.AvailableReplicas) >= p.Desired && int(d.Status.Replicas) == p.Desired {
		p.Readiness = model.ReadinessReady
	}
}

// newReplicaSet is the ReplicaSet of a Deployment's current template; nil when
// the controller has not made it yet. Should two fit, as far as this client
// knows their fields, the later revision counts.
func newReplicaSet(d *appsv1.Deployment, sets []*appsv1.ReplicaSet) *appsv1.ReplicaSet {
	var newest *appsv1.ReplicaSet
	for _, rs := range sets {
		template := rs.Spec.Template.DeepCopy()
		delete(template.Labels, appsv1.DefaultDeploymentUniqueLabelKey)
		if !equality.Semantic.DeepEqual(template, &d.Spec.Template) {
			continue
		}
		if newest == nil || revision(rs) > revision(newest) {
			newest = rs
		}
	}
	return newest
}

func revision(rs *appsv1.ReplicaSet) int {
	n, err := strconv.Atoi(rs.Annotations[annotationRevision])
	if err != nil {
		return 0 // not numbered yet
	}
	return n
}

func judgeReplicaSet(r reading, p *model.Progress) error {
	rs, err := objectAs[appsv1.ReplicaSet](r)
	if err != nil {
		return err
	}
	p.Desired = replicasOf(rs.Spec.Replicas)
	if !observed(r.object) {
		p.Readiness, p.Message = model.ReadinessProgress, unobserved
		return nil
	}
	worst := r.addPods(p, r.podsOf(rs.UID))
	if _, err := r.compute(p); err != nil {
		return err
	}
	settle(p)
	p.Message = newPods(p)
	r.explain(p, worst, rs.UID)
	return nil
}

func judgeStatefulSet(r reading, p *model.Progress) error {
	s, err := objectAs[appsv1.StatefulSet](r)
	if err != nil {
		return err
	}
	replicas := replicasOf(s.Spec.Replicas)
	p.Desired = replicas
	if u := s.Spec.UpdateStrategy.RollingUpdate; u != nil && u.Partition != nil {
		p.Desired = max(0, replicas-int(*u.Partition))
	}
	if !observed(r.object) {
		p.Readiness, p.Message = model.ReadinessProgress, unobserved
		return nil
	}
	isNew := func(pod *corev1.Pod) bool {
		return pod.Labels[appsv1.ControllerRevisionHashLabelKey] == s.Status.UpdateRevision
	}
	pods := r.podsOf(s.UID)
	current := slices.DeleteFunc(slices.Clone(pods), func(pod *corev1.Pod) bool { return !isNew(pod) })
	worst := r.addPods(p, current)
	if s.Spec.UpdateStrategy.Type == appsv1.OnDeleteStatefulSetStrategyType {
		// kstatus calls these done at once, also a new one without any pod.
		p.Readiness, p.Message = model.ReadinessProgress, fmt.Sprintf("%d of %d pods ready", s.Status.ReadyReplicas, replicas)
		if int(s.Status.ReadyReplicas) >= replicas {
			p.Readiness = model.ReadinessReady
		}
		if old := int(s.Status.Replicas - s.Status.UpdatedReplicas); old > 0 && s.Status.UpdateRevision != s.Status.CurrentRevision {
			p.Message += fmt.Sprintf(", %d old until they are deleted (updateStrategy OnDelete)", old)
		}
		r.explain(p, worst, s.UID)
		return nil
	}
	if _, err := r.compute(p); err != nil {
		return err
	}
	settle(p)
	p.Message = newPods(p)
	if s.Status.UpdateRevision != s.Status.CurrentRevision {
		p.Old = max(0, int(s.Status.Replicas-s.Status.UpdatedReplicas))
	}
	if p.Desired == 0 && replicas > 0 {
		p.Message = fmt.Sprintf("all %d pods held back by the partition", replicas)
	}
	if worst.level == levelFine && p.Readiness != model.ReadinessReady {
		worst = r.blockedByOld(pods, isNew)
	}
	r.explain(p, worst, s.UID)
	if held := replicas - p.Desired; p.Desired > 0 && held > 0 {
		p.Message += fmt.Sprintf(", %d held back by the partition", held)
	}
	return nil
}

// blockedByOld finds an old pod that is not ready: a StatefulSet does not
// replace the next one before it is.
func (r reading) blockedByOld(pods []*corev1.Pod, isNew func(*corev1.Pod) bool) finding {
	var worst finding
	for _, pod := range pods {
		if isNew(pod) {
			continue
		}
		if _, why := r.pod(pod); why.worse(worst) {
			worst = why
			worst.name = pod.Name
		}
	}
	r.listen(&worst)
	if worst.level == levelLeaving || worst.name == "" {
		return inTheWay(worst, "")
	}
	// The controller waits for it to become ready and does not replace it.
	return inTheWay(worst, "delete pod "+worst.name+": a StatefulSet does not replace a broken pod by itself")
}

func judgeDaemonSet(r reading, p *model.Progress) error {
	d, err := objectAs[appsv1.DaemonSet](r)
	if err != nil {
		return err
	}
	p.Desired = int(d.Status.DesiredNumberScheduled)
	if !observed(r.object) {
		p.Readiness, p.Message = model.ReadinessProgress, unobserved
		return nil
	}
	generation := d.Annotations[appsv1.DeprecatedTemplateGeneration]
	pods := slices.DeleteFunc(slices.Clone(r.podsOf(d.UID)), func(pod *corev1.Pod) bool {
		return generation != "" && pod.Labels["pod-template-generation"] != generation
	})
	worst := r.addPods(p, pods)
	if _, err := r.compute(p); err != nil {
		return err
	}
	if d.Spec.UpdateStrategy.Type == appsv1.OnDeleteDaemonSetStrategyType && int(d.Status.NumberReady) >= p.Desired {
		p.Readiness = model.ReadinessReady // the rest is for whoever deletes the pods
	}
	settle(p)
	p.Old = max(0, int(d.Status.CurrentNumberScheduled-d.Status.UpdatedNumberScheduled))
	p.Message = newPods(p)
	if p.Desired == 0 {
		p.Message = "no node asks for it"
		if sel := selectorWords(d.Spec.Template.Spec.NodeSelector); sel != "" {
			p.Message += ": none has " + plainLine(sel, 120) + " (nodeSelector)"
		}
	}
	r.explain(p, worst, d.UID)
	return nil
}

func judgeJob(r reading, p *model.Progress) error {
	job, err := objectAs[batchv1.Job](r)
	if err != nil {
		return err
	}
	p.Desired = 1
	if job.Spec.Completions != nil {
		p.Desired = int(*job.Spec.Completions)
	}
	worst := r.addPods(p, r.podsOf(job.UID))
	p.Ready = int(job.Status.Succeeded)
	p.Readiness = model.ReadinessProgress
	p.Message = fmt.Sprintf("%d of %d completions, %d running", p.Ready, p.Desired, job.Status.Active)
	switch done := jobFinished(job); {
	case done.Type == batchv1.JobComplete:
		p.Readiness, p.Message = model.ReadinessReady, "completed"
	case done.Type == batchv1.JobFailed:
		p.Readiness, p.Doomed, p.Message = model.ReadinessFailed, true, "failed"
		p.Cause = jobFailure(job, done, worst, p.ID)
		return nil
	case job.Spec.Suspend != nil && *job.Spec.Suspend:
		p.Readiness, p.Message = model.ReadinessReady, "suspended, as it is written"
	}
	// A Job starts pods anew by design: only its own verdict is final. What
	// keeps a pod from starting, though, stays.
	if worst.level == levelCrashed {
		worst.doomed = false
	}
	r.explain(p, worst, job.UID)
	return nil
}

// jobFailure words why a Job has failed for good: its limit, or what its last
// pod died of.
func jobFailure(job *batchv1.Job, done batchv1.JobCondition, worst finding, id model.ObjectID) string {
	head := id.String() + " failed"
	if done.Reason == batchv1.JobReasonDeadlineExceeded && job.Spec.ActiveDeadlineSeconds != nil {
		limit := time.Duration(*job.Spec.ActiveDeadlineSeconds) * time.Second
		return told(fmt.Sprintf("%s: it ran longer than %s (activeDeadlineSeconds)", head, limit), "", "raise it, or make the Job faster")
	}
	limit := ""
	if done.Reason == batchv1.JobReasonBackoffLimitExceeded && job.Spec.BackoffLimit != nil {
		limit = fmt.Sprintf(" (backoffLimit %d)", *job.Spec.BackoffLimit)
	}
	if worst.head != "" {
		return told(head+": "+worst.head+limit, worst.quote, worst.remedy)
	}
	return told(head+limit, cmp.Or(plainLine(done.Message, wordsMost), done.Reason), "read the log of its pods")
}

func judgePodTarget(r reading, p *model.Progress) error {
	pod, err := objectAs[corev1.Pod](r)
	if err != nil {
		return err
	}
	p.Desired = 1
	worst := r.addPods(p, []*corev1.Pod{pod})
	p.Readiness = model.ReadinessProgress
	p.Message = strings.ToLower(cmp.Or(plainLine(string(pod.Status.Phase), 40), "pending"))
	switch {
	case pod.Status.Phase == corev1.PodSucceeded:
		p.Readiness = model.ReadinessReady
	case pod.Status.Phase == corev1.PodFailed:
		p.Readiness, p.Doomed = model.ReadinessFailed, true
	case p.Ready == 1:
		p.Readiness, p.Message = model.ReadinessReady, "ready"
	}
	r.explain(p, worst)
	return nil
}

// judgeRollout judges an Argo Rollout, whose observedGeneration is a string
// that kstatus cannot read, by its phase.
func judgeRollout(r reading, p *model.Progress) error {
	text := func(fields ...string) string {
		s, _, _ := unstructured.NestedString(r.object.Object, fields...)
		return plainLine(s, wordsMost)
	}
	p.Desired = 1
	if n, found, err := unstructured.NestedInt64(r.object.Object, "spec", "replicas"); found && err == nil {
		p.Desired = int(n)
	}
	seen, err := strconv.ParseInt(text("status", "observedGeneration"), 10, 64)
	if err != nil || seen < r.object.GetGeneration() {
		p.Readiness, p.Message = model.ReadinessProgress, unobserved
		return nil //nolint:nilerr // a generation that is no number yet has not been observed
	}
	var worst finding
	var creators []types.UID
	for _, rs := range r.replicaSets {
		if h := text("status", "currentPodHash"); h != "" && rs.Labels["rollouts-pod-template-hash"] == h {
			creators = append(creators, rs.UID)
			worst = r.addPods(p, r.podsOf(rs.UID))
		}
	}
	p.Readiness = model.ReadinessProgress
	phase, message := text("status", "phase"), text("status", "message")
	switch phase {
	case "Healthy":
		p.Readiness = model.ReadinessReady
	case "Degraded":
		p.Readiness, p.Doomed = model.ReadinessFailed, true
	}
	settle(p)
	p.Message = newPods(p)
	if step, found, err := unstructured.NestedInt64(r.object.Object, "status", "currentStepIndex"); found && err == nil && p.Readiness != model.ReadinessReady {
		steps, _, _ := unstructured.NestedSlice(r.object.Object, "spec", "strategy", "canary", "steps")
		if len(steps) > 0 {
			p.Message += fmt.Sprintf(", step %d of %d", min(int(step)+1, len(steps)), len(steps))
		}
	}
	r.explain(p, worst, creators...)
	if p.Cause == "" && (phase == "Degraded" || phase == "Paused") {
		p.Cause = fmt.Sprintf("%s is %s: %s", p.ID, strings.ToLower(phase), cmp.Or(message, "no reason given"))
	}
	return nil
}
