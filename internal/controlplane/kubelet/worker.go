package kubelet

import (
	"context"
	"log"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

const (
	// terminationTime is how long containers take to end when they are asked
	// to, if their grace period allows it.
	terminationTime = 300 * time.Millisecond
	// retryDelay is the time between looks at something that is missing.
	retryDelay = 300 * time.Millisecond
)

// worker plays the life of one pod.
type worker struct {
	m               *manager
	node            *node
	namespace, name string
	uid             types.UID
	// ctx ends when the pod is gone.
	ctx    context.Context
	cancel context.CancelFunc
	// dirty has an element when the status differs from the written one.
	dirty chan struct{}
	// deleting is closed when the pod is to be deleted.
	deleting     chan struct{}
	deletingOnce sync.Once
	// written is the status as the API server has it. Only run uses it.
	written corev1.PodStatus

	mu         sync.Mutex
	pod        *corev1.Pod
	ip         string
	terminated bool
	containers []*container
}

func newWorker(m *manager, n *node, pod *corev1.Pod) *worker {
	w := &worker{
		m: m, node: n, namespace: pod.Namespace, name: pod.Name, uid: pod.UID, pod: pod,
		written: pod.Status, dirty: make(chan struct{}, 1), deleting: make(chan struct{}),
	}
	w.ctx, w.cancel = context.WithCancel(m.ctx)
	for _, spec := range pod.Spec.InitContainers {
		w.containers = append(w.containers, newContainer(w, spec, true, pod.Status.InitContainerStatuses))
	}
	for _, spec := range pod.Spec.Containers {
		w.containers = append(w.containers, newContainer(w, spec, false, pod.Status.ContainerStatuses))
	}
	if pod.Status.PodIP != "" && !pod.Spec.HostNetwork {
		// The pod was running when its node was played by another process.
		w.ip = m.pods.assignIP(w, pod.Status.PodIP)
	}
	return w
}

// observe takes note of the pod as it is now.
func (w *worker) observe(pod *corev1.Pod) {
	w.mu.Lock()
	w.pod = pod
	w.mu.Unlock()
	if pod.DeletionTimestamp != nil {
		w.deletingOnce.Do(func() { close(w.deleting) })
	}
}

// latest returns the pod as last seen, not to be changed.
func (w *worker) latest() *corev1.Pod {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.pod
}

// update changes what the status is made of.
func (w *worker) update(change func()) {
	w.mu.Lock()
	change()
	w.mu.Unlock()
	w.markDirty()
}

func (w *worker) markDirty() {
	select {
	case w.dirty <- struct{}{}:
	default:
	}
}

// run plays the pod until it is gone. All writing to the API server happens
// here, so that statuses arrive in order.
func (w *worker) run() {
	life, stop := context.WithCancel(w.ctx)
	defer stop()
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		w.live(life)
	}()
	for {
		select {
		case <-w.ctx.Done():
			return
		case <-w.deleting:
			w.terminate(stop, finished)
			return
		case <-w.dirty:
			w.writeStatus(w.ctx)
		}
	}
}

// live starts the containers in their order and returns when all have ended
// for good.
func (w *worker) live(ctx context.Context) {
	if phase := w.latest().Status.Phase; phase == corev1.PodSucceeded || phase == corev1.PodFailed {
		return
	}
	w.markDirty()
	if !w.mountVolumes(ctx) {
		return
	}
	w.update(func() {
		switch {
		case w.ip != "":
		case w.pod.Spec.HostNetwork:
			w.ip = nodeIP
		default:
			w.ip = w.m.pods.assignIP(w, "")
		}
	})
	if w.ctx.Err() != nil {
		// The pod went when it had no address to give back.
		w.m.pods.remove(w)
	}
	// Sidecars live as long as there are other containers.
	sidecars, stopSidecars := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer stopSidecars()
	var others sync.WaitGroup
	defer others.Wait()
	for _, c := range w.containers {
		switch {
		case c.sidecar:
			running.Go(func() { c.run(sidecars) })
			if !c.waitStarted(ctx) {
				return
			}
		case c.init:
			if !c.run(ctx) {
				return
			}
		default:
			others.Go(func() { c.run(ctx) })
		}
	}
}

// terminate ends the containers and deletes the pod for good.
func (w *worker) terminate(stop context.CancelFunc, finished <-chan struct{}) {
	grace := terminationTime
	if s := w.latest().DeletionGracePeriodSeconds; s != nil {
		grace = min(grace, time.Duration(*s)*time.Second)
	}
	for _, c := range w.containers {
		if c.isRunning() {
			c.event(corev1.EventTypeNormal, "Killing", "Stopping container %s", c.spec.Name)
		}
	}
	if !pause(w.ctx, grace) {
		return
	}
	stop()
	<-finished
	w.update(func() { w.terminated = true })
	w.writeStatus(w.ctx)
	now := int64(0)
	for {
		err := w.m.cs.CoreV1().Pods(w.namespace).Delete(w.ctx, w.name, metav1.DeleteOptions{
			GracePeriodSeconds: &now, Preconditions: &metav1.Preconditions{UID: &w.uid},
		})
		if err == nil || apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
			return
		}
		log.Printf("deleting pod %s/%s: %v", w.namespace, w.name, err)
		if !pause(w.ctx, retryDelay) {
			return
		}
	}
}
