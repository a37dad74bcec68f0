package cluster

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/fairtide-dev/fairtide/model"
)

// readPod reads a pod and the events about it, at the given time.
func readPod(pod *corev1.Pod, events []*corev1.Event, now time.Time) (model.Pod, finding) {
	out := model.Pod{
		Name: pod.Name, Phase: string(pod.Status.Phase), Ready: podReady(pod),
		Created: pod.CreationTimestamp.UTC(),
	}
	if pod.CreationTimestamp.IsZero() {
		out.Created = time.Time{}
	}
	if len(pod.Spec.Containers) > 0 {
		out.Image = plainLine(pod.Spec.Containers[0].Image, imageMost)
	}
	for _, s := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		out.Restarts += int(s.RestartCount)
	}
	if pod.DeletionTimestamp != nil {
		out.Reason = "Terminating"
		return out, judgeLeaving(pod, now)
	}
	f := judgePod(pod, events, now)
	f.tell()
	out.Reason, out.Message = f.reason, f.words
	if f.image != "" {
		out.Image = f.image
	}
	return out, f
}

func podReady(pod *corev1.Pod) bool {
	c := podCondition(pod, corev1.PodReady)
	return c != nil && c.Status == corev1.ConditionTrue && pod.DeletionTimestamp == nil
}

func podCondition(pod *corev1.Pod, kind corev1.PodConditionType) *corev1.PodCondition {
	for i := range pod.Status.Conditions {
		if pod.Status.Conditions[i].Type == kind {
			return &pod.Status.Conditions[i]
		}
	}
	return nil
}

// judgePod finds the deepest reason why a pod is not ready.
func judgePod(pod *corev1.Pod, events []*corev1.Event, now time.Time) finding {
	switch pod.Status.Phase {
	case corev1.PodSucceeded:
		return finding{}
	case corev1.PodFailed:
		return judgeFailedPod(pod)
	}
	if podReady(pod) {
		return finding{}
	}
	if c := podCondition(pod, corev1.PodScheduled); c != nil && c.Status == corev1.ConditionFalse {
		return judgeUnscheduled(pod, c)
	}
	if f := judgeNodeLost(pod, events); f.level != levelFine {
		return f
	}
	var worst finding
	for _, k := range podContainers(pod) {
		f := judgeContainer(pod, k, events, now)
		f.tell()
		if f.worse(worst) {
			worst = f
		}
	}
	if worst.level <= levelStarting {
		if f := judgeSandbox(pod, events, now); f.worse(worst) {
			worst = f
		}
	}
	if worst.level == levelFine {
		worst = judgeGates(pod)
	}
	return worst
}

// podContainer is a container of a pod with its status.
type podContainer struct {
	spec   *corev1.Container
	status *corev1.ContainerStatus // nil: the kubelet has not said anything yet
	init   bool
}

// String names the container to a person.
func (k podContainer) String() string {
	switch {
	case k.sidecar():
		return "sidecar " + k.spec.Name
	case k.init:
		return "init container " + k.spec.Name
	}
	return "container " + k.spec.Name
}

// sidecar reports whether it is an init container that is to keep running.
func (k podContainer) sidecar() bool {
	return k.init && k.spec.RestartPolicy != nil && *k.spec.RestartPolicy == corev1.ContainerRestartPolicyAlways
}

// image is what the manifest asks for; the status has what it resolved to.
func (k podContainer) image() string { return plainLine(k.spec.Image, imageMost) }

// podContainers lists a pod's containers in the order in which they start.
func podContainers(pod *corev1.Pod) []podContainer {
	var out []podContainer
	add := func(specs []corev1.Container, statuses []corev1.ContainerStatus, init bool) {
		for i := range specs {
			k := podContainer{spec: &specs[i], init: init}
			for j := range statuses {
				if statuses[j].Name == specs[i].Name {
					k.status = &statuses[j]
				}
			}
			out = append(out, k)
		}
	}
	add(pod.Spec.InitContainers, pod.Status.InitContainerStatuses, true)
	add(pod.Spec.Containers, pod.Status.ContainerStatuses, false)
	return out
}

func judgeContainer(pod *corev1.Pod, k podContainer, events []*corev1.Event, now time.Time) finding {
	if k.status == nil {
		return finding{}
	}
	switch state := k.status.State; {
	case state.Waiting != nil:
		return judgeWaiting(pod, k, events, now)
	case state.Terminated != nil:
		if state.Terminated.ExitCode == 0 && (k.init && !k.sidecar() || mayEnd(pod)) {
			return finding{}
		}
		return judgeExit(pod, k, state.Terminated, "Error", "", events)
	case state.Running != nil:
		return judgeRunning(pod, k, events, now)
	}
	return finding{}
}

func judgeWaiting(pod *corev1.Pod, k podContainer, events []*corev1.Event, now time.Time) finding {
	waiting := k.status.State.Waiting
	reason := plainLine(waiting.Reason, 60)
	words := plainLine(waiting.Message, wordsMost)
	f := finding{reason: reason, words: words, image: k.image()}
	switch reason {
	case "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull",
		"ImageInspectError", "RegistryUnavailable", "SignatureValidationFailed":
		return judgeImage(pod, k, events, now)
	case "CrashLoopBackOff":
		return judgeExit(pod, k, k.status.LastTerminationState.Terminated, reason, words, events)
	case "CreateContainerConfigError":
		f = judgeConfig(pod, k, cmp.Or(words, reason), now)
		f.reason, f.words, f.image = reason, words, k.image()
	case "CreateContainerError", "RunContainerError", "PostStartHookError", "PreStartHookError", "PreCreateHookError":
		f.level = levelCrashed
		f.head = fmt.Sprintf("%s of pod %s cannot be started", k, pod.Name)
		f.quote, f.remedy = spoken(rpcWords.ReplaceAllString(cmp.Or(waiting.Message, reason), ""), wordsMost), "check its command, args and mounts"
		if strings.HasSuffix(reason, "HookError") {
			f.remedy = "check its lifecycle hooks"
		}
		f.doomed = k.status.RestartCount >= doomedRestarts
	case "", "ContainerCreating", "PodInitializing":
		return judgeCreating(pod, k, finding{level: levelStarting, reason: reason, image: f.image}, now)
	default:
		f.level = levelStarting
		f.head, f.quote = fmt.Sprintf("%s of pod %s is waiting", k, pod.Name), cmp.Or(words, reason)
	}
	return f
}

// judgeCreating explains a container that is long in the making: its image may
// be large, which is slow and no more.
func judgeCreating(pod *corev1.Pod, k podContainer, f finding, now time.Time) finding {
	since := podSince(pod)
	if f.reason != "ContainerCreating" || since.IsZero() || now.IsZero() {
		return f
	}
	if end := since.Add(createGrace); now.Before(end) {
		f.until = end
		return f
	}
	f.words = "still being created"
	f.head = fmt.Sprintf("%s of pod %s is still being created after %s, which is slow", k, pod.Name, createGrace)
	f.remedy = "wait: image " + f.image + " or a volume may take its time"
	return f
}

// mayEnd reports whether the containers of a pod are meant to end, as a Job's
// are: one that has ended well is done while another still runs.
func mayEnd(pod *corev1.Pod) bool {
	return pod.Spec.RestartPolicy == corev1.RestartPolicyNever || pod.Spec.RestartPolicy == corev1.RestartPolicyOnFailure
}

// startingUntil is when a running container has had its time to come up; zero
// when it has had it. The node's clock may be off by a little; one that is far
// off must not hide a cause.
func startingUntil(k podContainer, now time.Time) time.Time {
	if age := now.Sub(k.status.State.Running.StartedAt.Time); age < -startGrace || age >= startGrace {
		return time.Time{}
	}
	return k.status.State.Running.StartedAt.Add(startGrace)
}

// judgeRunning explains a container that runs and yet does not count.
func judgeRunning(pod *corev1.Pod, k podContainer, events []*corev1.Event, now time.Time) finding {
	if k.status.Ready && (k.status.Started == nil || *k.status.Started) {
		return finding{}
	}
	f := finding{level: levelNotReady, image: k.image()}
	if k.init && !k.sidecar() {
		f.level, f.reason = levelStarting, "PodInitializing"
		if f.until = startingUntil(k, now); f.until.IsZero() {
			f.head = fmt.Sprintf("%s of pod %s has not ended yet", k, pod.Name)
			f.remedy = "it holds up all others: read its log"
		}
		return f
	}
	kind := "readiness"
	if k.status.Started != nil && !*k.status.Started && k.spec.StartupProbe != nil {
		kind = "startup"
	}
	if last := k.status.LastTerminationState.Terminated; last != nil {
		if by, _ := killedByProbe(k, last, events); by != "" { // again and again
			return judgeExit(pod, k, last, "Unhealthy", "", events)
		}
	}
	if probeOf(k, kind) == nil {
		return finding{level: levelStarting, image: f.image}
	}
	f = judgeProbe(pod, k, kind, events, f)
	if failedProbe(k, kind, events) == nil {
		if f.until = startingUntil(k, now); !f.until.IsZero() {
			f.level, f.reason, f.head = levelStarting, "", ""
		}
	}
	return f
}

// judgeGates explains a pod that is not ready although its containers are.
func judgeGates(pod *corev1.Pod) finding {
	for _, gate := range pod.Spec.ReadinessGates {
		c := podCondition(pod, gate.ConditionType)
		if c != nil && c.Status == corev1.ConditionTrue {
			continue
		}
		f := finding{level: levelNotReady, reason: "ReadinessGatesNotReady"}
		f.head = fmt.Sprintf("pod %s waits for its readiness gate %s", pod.Name, plainLine(string(gate.ConditionType), 100))
		f.remedy = "see to the controller that sets it"
		if c != nil && c.Message != "" {
			f.words = plainLine(c.Message, wordsMost)
			f.quote = f.words
		}
		return f
	}
	return finding{}
}

// judgeFailedPod explains a pod that has ended for good.
func judgeFailedPod(pod *corev1.Pod) finding {
	f := finding{level: levelCrashed, reason: "Failed", head: fmt.Sprintf("pod %s failed", pod.Name)}
	if pod.Status.Reason != "" { // Evicted, NodeAffinity, DeadlineExceeded, …: not a container's doing
		f.reason, f.words = plainLine(pod.Status.Reason, 60), plainLine(pod.Status.Message, wordsMost)
		f.quote = strings.TrimSuffix(f.reason+": "+f.words, ": ")
		switch f.reason {
		case "Evicted":
			f.remedy = "see to the node, or set requests for what it ran out of"
		case "DeadlineExceeded":
			f.remedy = "raise activeDeadlineSeconds, or make it faster"
		}
		f.tell()
		return f
	}
	for _, k := range podContainers(pod) {
		if k.status == nil || k.status.State.Terminated == nil {
			continue
		}
		end := k.status.State.Terminated
		if end.ExitCode == 0 && end.Reason != "OOMKilled" {
			continue
		}
		f.reason, f.words, f.image = cmp.Or(plainLine(end.Reason, 60), "Error"), exitWords(k, end), k.image()
		f.head = fmt.Sprintf("%s of pod %s failed: %s", k, pod.Name, f.words)
		f.remedy = exitRemedy(end)
		f.addLastWords(pod, k, end)
		f.tell()
		return f
	}
	f.tell()
	return f
}

// judgeNodeLost explains a pod whose node does not answer: what its containers
// do is not known.
func judgeNodeLost(pod *corev1.Pod, events []*corev1.Event) finding {
	ready := podCondition(pod, corev1.PodReady)
	if pod.Status.Phase != corev1.PodRunning || ready == nil {
		return finding{}
	}
	last := newestEvent(events, func(e *corev1.Event) bool { return e.Reason == "NodeNotReady" })
	if last == nil || eventTime(last).Add(time.Second).Before(ready.LastTransitionTime.Time) {
		return finding{}
	}
	for _, k := range podContainers(pod) { // it would say so, were its kubelet there
		if !k.init && (k.status == nil || k.status.State.Running == nil) {
			return finding{}
		}
	}
	return finding{
		level: levelCrashed, reason: "NodeNotReady", words: plainLine(last.Message, wordsMost),
		head:   fmt.Sprintf("pod %s is lost: its node %s is not ready", pod.Name, pod.Spec.NodeName),
		remedy: "see to the node; the pod is replaced after its toleration, 5 minutes as a rule",
	}
}

// leavingGrace is how much longer than its grace period a pod may take to go.
const leavingGrace = 15 * time.Second

// judgeLeaving explains a pod that is being deleted and does not go away.
func judgeLeaving(pod *corev1.Pod, now time.Time) finding {
	var hold []string
	for _, f := range pod.Finalizers {
		if f != batchv1.JobTrackingFinalizer {
			hold = append(hold, plainLine(f, 80))
		}
	}
	f := finding{level: levelLeaving, reason: "Terminating"}
	running := false
	for _, k := range podContainers(pod) {
		running = running || k.status != nil && k.status.State.Running != nil
	}
	switch end := pod.DeletionTimestamp.Add(leavingGrace); {
	case len(hold) > 0 && !running:
		f.head = fmt.Sprintf("pod %s is deleted and waits for its finalizer %s", pod.Name, strings.Join(hold, ", "))
		f.remedy = "see to the controller that takes it off"
	case now.Before(end):
		return finding{until: end}
	case pod.Spec.NodeName == "":
		return finding{}
	default:
		f.head = fmt.Sprintf("pod %s is deleted and does not go: node %s does not end it", pod.Name, pod.Spec.NodeName)
		f.remedy = "see to the node, or delete the pod with --force"
	}
	f.words = f.head
	f.tell()
	return f
}

// newestEvent returns the latest event that matches; nil when none does.
func newestEvent(events []*corev1.Event, match func(*corev1.Event) bool) *corev1.Event {
	var last *corev1.Event
	for _, e := range events {
		if match(e) && (last == nil || eventTime(e).After(eventTime(last))) {
			last = e
		}
	}
	return last
}

// eventTime is when an event was last seen. The old and the new events API
// fill in different fields.
func eventTime(e *corev1.Event) time.Time {
	last := e.FirstTimestamp.Time
	for _, t := range []time.Time{e.EventTime.Time, e.LastTimestamp.Time} {
		if t.After(last) {
			last = t
		}
	}
	if e.Series != nil && e.Series.LastObservedTime.After(last) {
		last = e.Series.LastObservedTime.Time
	}
	return last
}

// eventContainer reports whether an event is about the container, or does not
// say about which.
func eventContainer(e *corev1.Event, name string) bool {
	path := e.InvolvedObject.FieldPath
	return path == "" || strings.HasSuffix(path, "{"+name+"}")
}
