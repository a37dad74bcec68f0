package kubelet

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
)

// writeStatus brings the status in the API server up to date. Like a kubelet
// it patches what differs from the last status it wrote, so that conditions
// others have set stay.
func (w *worker) writeStatus(ctx context.Context) {
	pod := w.latest()
	status := w.written.DeepCopy()
	w.fill(pod, status)
	if equality.Semantic.DeepEqual(*status, w.written) {
		return
	}
	patch, err := w.statusPatch(status)
	if err != nil {
		log.Printf("status of pod %s/%s: %v", w.namespace, w.name, err)
		return
	}
	result, err := w.m.cs.CoreV1().Pods(w.namespace).Patch(ctx, w.name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
	switch {
	case err == nil:
		w.written = result.Status
	case ctx.Err() != nil || apierrors.IsNotFound(err) || apierrors.IsConflict(err):
		// The pod is gone, or another one has its name.
	default:
		log.Printf("status of pod %s/%s: %v", w.namespace, w.name, err)
		if pause(ctx, retryDelay) {
			w.markDirty()
		}
	}
}

func (w *worker) statusPatch(status *corev1.PodStatus) ([]byte, error) {
	before, err := json.Marshal(corev1.Pod{Status: w.written})
	if err != nil {
		return nil, err
	}
	// The uid makes it a conflict to patch another pod of the same name.
	after, err := json.Marshal(corev1.Pod{ObjectMeta: metav1.ObjectMeta{UID: w.uid}, Status: *status})
	if err != nil {
		return nil, err
	}
	return strategicpatch.CreateTwoWayMergePatch(before, after, corev1.Pod{})
}

// fill makes the status what the containers are.
func (w *worker) fill(pod *corev1.Pod, status *corev1.PodStatus) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if status.StartTime == nil {
		now := metav1.Now()
		status.StartTime = &now
	}
	status.ObservedGeneration = pod.Generation
	status.HostIP, status.HostIPs = nodeIP, []corev1.HostIP{{IP: nodeIP}}
	if w.ip != "" {
		status.PodIP, status.PodIPs = w.ip, []corev1.PodIP{{IP: w.ip}}
	}
	initialized := w.initialized()
	status.InitContainerStatuses, status.ContainerStatuses = nil, nil
	for _, c := range w.containers {
		if c.init {
			status.InitContainerStatuses = append(status.InitContainerStatuses, c.status(initialized))
		} else {
			status.ContainerStatuses = append(status.ContainerStatuses, c.status(initialized))
		}
	}
	slices.SortFunc(status.ContainerStatuses, func(a, b corev1.ContainerStatus) int { return strings.Compare(a.Name, b.Name) })
	if status.Phase != corev1.PodSucceeded && status.Phase != corev1.PodFailed {
		status.Phase = w.phase(initialized)
	}
	w.fillConditions(pod, status, initialized)
}

// initialized says whether the ordinary containers may start. The caller holds
// the lock.
func (w *worker) initialized() bool {
	done := true
	for _, c := range w.containers {
		if !c.init && c.everRan {
			// A pod that got this far once stays initialized.
			return true
		}
		done = done && c.initialized()
	}
	return done
}

// initialized says whether the container is no reason for the ones after it to
// wait. The caller holds the lock.
func (c *container) initialized() bool {
	switch {
	case !c.init:
		return true
	case c.sidecar:
		return c.everRan
	default:
		return c.ready
	}
}

// status describes the container. The caller holds the lock.
func (c *container) status(initialized bool) corev1.ContainerStatus {
	started := c.state.Running != nil
	s := corev1.ContainerStatus{
		Name: c.spec.Name, Image: c.spec.Image, ContainerID: c.id, RestartCount: c.restarts,
		State: c.state, LastTerminationState: c.last, Ready: c.ready, Started: &started,
	}
	if c.everRan {
		s.ImageID = imageID(c.spec.Image)
	}
	if s.State == (corev1.ContainerState{}) {
		reason := "PodInitializing"
		if initialized && !c.init && len(c.w.pod.Spec.InitContainers) == 0 {
			reason = "ContainerCreating"
		}
		s.State.Waiting = &corev1.ContainerStateWaiting{Reason: reason}
	}
	return s
}

// phase sums up the containers. The caller holds the lock.
func (w *worker) phase(initialized bool) corev1.PodPhase {
	running, waiting, ended, failed, final := 0, 0, 0, 0, true
	for _, c := range w.containers {
		t := c.state.Terminated
		if c.init {
			if !c.sidecar && t != nil && t.ExitCode != 0 && !c.restartsAfterLocked(t.ExitCode) {
				return corev1.PodFailed
			}
			continue
		}
		switch {
		case c.state.Running != nil:
			running++
		case t != nil:
			ended++
			if t.ExitCode != 0 {
				failed++
			}
			final = final && !c.restartsAfterLocked(t.ExitCode)
		case c.last.Terminated != nil:
			ended++
			failed++
			final = false
		default:
			waiting++
		}
	}
	switch {
	case w.terminated && (waiting > 0 || failed > 0):
		return corev1.PodFailed
	case w.terminated:
		return corev1.PodSucceeded
	case !initialized || waiting > 0:
		return corev1.PodPending
	case running > 0 || !final:
		return corev1.PodRunning
	case failed > 0:
		return corev1.PodFailed
	default:
		return corev1.PodSucceeded
	}
}

func (w *worker) fillConditions(pod *corev1.Pod, status *corev1.PodStatus, initialized bool) {
	set := func(kind corev1.PodConditionType, is bool, reason, message string) {
		setCondition(status, kind, is, reason, message, pod.Generation)
	}
	completed := ""
	if status.Phase == corev1.PodSucceeded {
		completed = "PodCompleted"
	}
	set(corev1.PodReadyToStartContainers, w.ip != "" && completed == "" && status.Phase != corev1.PodFailed, "", "")
	if initialized {
		set(corev1.PodInitialized, true, completed, "")
	} else {
		var names []string
		for _, c := range w.containers {
			if !c.initialized() {
				names = append(names, c.spec.Name)
			}
		}
		set(corev1.PodInitialized, false, "ContainersNotInitialized", fmt.Sprintf("containers with incomplete status: %v", names))
	}
	var unready []string
	for _, c := range w.containers {
		if !c.ready && (!c.init || c.sidecar) {
			unready = append(unready, c.spec.Name)
		}
	}
	reason, message := "", ""
	switch {
	case completed != "":
		reason = completed
	case status.Phase == corev1.PodFailed:
		reason = "PodFailed"
	case len(unready) > 0:
		reason, message = "ContainersNotReady", fmt.Sprintf("containers with unready status: %v", unready)
	}
	set(corev1.ContainersReady, reason == "", reason, message)
	set(corev1.PodReady, reason == "", reason, message)
}

func setCondition(status *corev1.PodStatus, kind corev1.PodConditionType, is bool, reason, message string, generation int64) {
	c := corev1.PodCondition{
		Type: kind, Status: corev1.ConditionFalse, Reason: reason, Message: message,
		ObservedGeneration: generation, LastTransitionTime: metav1.Now(),
	}
	if is {
		c.Status = corev1.ConditionTrue
	}
	for i, old := range status.Conditions {
		if old.Type == kind {
			if old.Status == c.Status {
				c.LastTransitionTime = old.LastTransitionTime
			}
			c.LastProbeTime = old.LastProbeTime
			status.Conditions[i] = c
			return
		}
	}
	status.Conditions = append(status.Conditions, c)
}
