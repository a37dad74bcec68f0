package kubelet

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fairtide-dev/fairtide/internal/controlplane/sim"
)

// stateVisible is how long a state that a kubelet passes through stays, so
// that whoever watches gets to see it.
const stateVisible = 300 * time.Millisecond

// container is one container of a pod.
type container struct {
	w       *worker
	spec    corev1.Container
	init    bool
	sidecar bool
	backoff sim.Backoff
	crashes int
	// started is closed when the container runs for the first time.
	started chan struct{}

	// The rest is guarded by the worker's lock.
	state, last   corev1.ContainerState
	id            string
	restarts      int32
	ready         bool
	everRan       bool
	log, previous *sim.Log
}

// newContainer makes a container as its status describes it, if there is one.
func newContainer(w *worker, spec corev1.Container, init bool, statuses []corev1.ContainerStatus) *container {
	c := &container{w: w, spec: spec, init: init, started: make(chan struct{})}
	c.sidecar = init && spec.RestartPolicy != nil && *spec.RestartPolicy == corev1.ContainerRestartPolicyAlways
	for _, s := range statuses {
		if s.Name == spec.Name {
			c.state, c.last = s.State, s.LastTerminationState
			c.id, c.restarts, c.ready = s.ContainerID, s.RestartCount, s.Ready
		}
	}
	c.everRan = c.state.Running != nil || c.state.Terminated != nil || c.last.Terminated != nil
	return c
}

func (c *container) isRunning() bool {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	return c.state.Running != nil
}

// behaviour returns what the container is to do, by the annotations of the pod
// and the rules as they are now.
func (c *container) behaviour() sim.Behaviour {
	b, err := c.w.m.rules.Behaviour(c.w.latest().Annotations, c.spec.Name, c.spec.Image)
	if err != nil {
		log.Printf("pod %s/%s: %v", c.w.namespace, c.w.name, err)
	}
	return b
}

// waitStarted returns when the container has started, or false if it is too
// late for that.
func (c *container) waitStarted(ctx context.Context) bool {
	select {
	case <-c.started:
		return true
	case <-ctx.Done():
		return false
	}
}

// run plays the container, restarts included, until it has ended for good. It
// returns whether it ended well.
func (c *container) run(ctx context.Context) bool {
	c.w.mu.Lock()
	state := c.state
	c.w.mu.Unlock()
	if t := state.Terminated; t != nil && !c.restartsAfter(t.ExitCode) {
		return t.ExitCode == 0
	}
	resumed := state.Running != nil
	for {
		b := c.behaviour()
		if !resumed && !c.start(ctx, b) {
			return false
		}
		began := time.Now()
		code, ended := c.play(ctx, b, resumed)
		if !ended {
			return false
		}
		if !c.restartsAfter(code) {
			return code == 0
		}
		resumed = false
		c.backoff.Ran(time.Since(began))
		if !c.backOff(ctx) {
			return false
		}
	}
}

// restartsAfter says whether the container is restarted after an exit code.
func (c *container) restartsAfter(code int32) bool {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	return c.restartsAfterLocked(code)
}

// restartsAfterLocked is restartsAfter for callers which hold the lock.
func (c *container) restartsAfterLocked(code int32) bool {
	if c.sidecar {
		return true
	}
	switch c.w.pod.Spec.RestartPolicy {
	case corev1.RestartPolicyNever:
		return false
	case corev1.RestartPolicyOnFailure:
		return code != 0
	default:
		return !c.init || code != 0
	}
}

// start brings the container to where its process is started.
func (c *container) start(ctx context.Context, b sim.Behaviour) bool {
	took := time.Now()
	if !c.pull(ctx) || !c.configure(ctx) {
		return false
	}
	delay := startTime
	if b.StartAfter != nil {
		delay = *b.StartAfter - time.Since(took)
	}
	c.event(corev1.EventTypeNormal, "Created", "Container created")
	if !pause(ctx, delay) {
		return false
	}
	c.event(corev1.EventTypeNormal, "Started", "Container started")
	return true
}

// begin makes the container run.
func (c *container) begin() *sim.Log {
	output := sim.NewLog()
	c.w.update(func() {
		if c.everRan {
			c.restarts++
		}
		if c.state.Terminated != nil {
			c.last = c.state
		}
		c.everRan = true
		c.id = newContainerID()
		c.state = corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.Now()}}
		c.previous, c.log = c.log, output
	})
	return output
}

// resume makes a container go on that ran on this node before the kubelet was
// restarted. What it wrote before is lost.
func (c *container) resume() *sim.Log {
	output := sim.NewLog()
	c.w.update(func() { c.log = output })
	return output
}

// end makes the container a terminated one.
func (c *container) end(code int32, reason string) {
	if reason == "" {
		reason = "Completed"
		if code != 0 {
			reason = "Error"
		}
	}
	c.w.update(func() {
		began := metav1.Now()
		if c.state.Running != nil {
			began = c.state.Running.StartedAt
		}
		c.state = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
			ExitCode: code, Reason: reason, StartedAt: began, FinishedAt: metav1.Now(), ContainerID: c.id,
		}}
		c.ready = c.init && !c.sidecar && code == 0
		c.log.Close()
	})
}

func (c *container) setReady(ready bool) {
	c.w.update(func() { c.ready = ready })
}

// wait makes the container a waiting one. What it was before is its last state.
func (c *container) wait(reason, message string) {
	c.w.update(func() {
		if c.state.Terminated != nil {
			c.last = c.state
		}
		c.ready = false
		c.state = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}
	})
}

// backOff waits before a restart. As with a kubelet the first one comes at
// once; it is the second failure that makes it a crash loop.
func (c *container) backOff(ctx context.Context) bool {
	if !pause(ctx, stateVisible) {
		return false
	}
	c.crashes++
	if c.crashes == 1 {
		return true
	}
	delay := c.backoff.Next()
	pod := fmt.Sprintf("%s_%s(%s)", c.w.name, c.w.namespace, c.w.uid)
	c.wait("CrashLoopBackOff", fmt.Sprintf("back-off %s restarting failed container=%s pod=%s", delay, c.spec.Name, pod))
	c.event(corev1.EventTypeWarning, "BackOff", "Back-off restarting failed container %s in pod %s", c.spec.Name, pod)
	return pause(ctx, delay)
}

func newContainerID() string {
	var raw [32]byte
	// Read never fails, it ends the program instead.
	_, _ = rand.Read(raw[:])
	return "containerd://" + hex.EncodeToString(raw[:])
}
