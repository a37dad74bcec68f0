package kubelet

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/record"
)

// events writes events the way a kubelet does, through the recorder of
// client-go: repeated ones are counted rather than written again, and a pod
// that writes too many is slowed down.
type events struct {
	recorders map[string]record.EventRecorder
}

func startEvents(ctx context.Context, cs *kubernetes.Clientset, nodes map[string]*node) *events {
	broadcaster := record.NewBroadcaster(record.WithContext(ctx))
	broadcaster.StartRecordingToSink(&typedcorev1.EventSinkImpl{Interface: cs.CoreV1().Events("")})
	e := &events{recorders: map[string]record.EventRecorder{}}
	for name := range nodes {
		e.recorders[name] = broadcaster.NewRecorder(scheme.Scheme, corev1.EventSource{Component: "kubelet", Host: name})
	}
	return e
}

// event writes an event about the pod.
func (w *worker) event(kind, reason, format string, args ...any) {
	w.emit("", kind, reason, fmt.Sprintf(format, args...))
}

// event writes an event about the container.
func (c *container) event(kind, reason, format string, args ...any) {
	list := "containers"
	if c.init {
		list = "initContainers"
	}
	c.w.emit(fmt.Sprintf("spec.%s{%s}", list, c.spec.Name), kind, reason, fmt.Sprintf(format, args...))
}

func (w *worker) emit(fieldPath, kind, reason, message string) {
	pod := w.latest()
	ref := &corev1.ObjectReference{
		Kind: "Pod", APIVersion: "v1", Namespace: pod.Namespace, Name: pod.Name,
		UID: pod.UID, ResourceVersion: pod.ResourceVersion, FieldPath: fieldPath,
	}
	w.m.events.recorders[w.node.name].Event(ref, kind, reason, message)
}
