package cluster

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/fairtide-dev/fairtide/model"
)

// rootNode judges the root as a watch does, and hangs below it what it owns.
func (d *describer) rootNode() model.TreeNode {
	p := judge(reading{
		target: d.target, object: d.root, replicaSets: d.ownSets(), now: d.now,
		podsOf: d.pods.of, eventsOf: func(uid types.UID) []*corev1.Event { return d.events[uid] },
	})
	n := model.TreeNode{
		Kind: d.target.ID.Kind, Namespace: d.target.ID.Namespace, Name: d.target.ID.Name, UID: string(d.root.GetUID()),
		Status: p.Message, Cause: p.Cause, Doomed: p.Doomed, Ready: p.Readiness == model.ReadinessReady, Current: true,
		Created: d.root.GetCreationTimestamp().UTC(),
	}
	gk := groupKind(d.target.ID)
	if gk.Kind == "Pod" && gk.Group == "" {
		for _, pod := range d.podsOf("") {
			n = d.podNode(pod, true)
		}
		return n
	}
	current := d.currentRevision()
	for i, rs := range d.ownSets() {
		pods := d.pods.of(rs.UID)
		if i >= treeSets || len(pods) == 0 && replicasOf(rs.Spec.Replicas) == 0 && string(rs.UID) != current {
			continue // what is left of earlier revisions
		}
		n.Children = append(n.Children, d.setNode(rs, pods, string(rs.UID) == current))
	}
	own := d.pods.of(d.root.GetUID())
	d.addPods(&n, own, func(pod *corev1.Pod) bool {
		return current == "" || pod.Labels[appsv1.ControllerRevisionHashLabelKey] == current
	})
	return n
}

// currentRevision names the revision that was applied last: a ReplicaSet's UID,
// or the hash that pods have in a label; empty: there is but one.
func (d *describer) currentRevision() string {
	switch groupKind(d.target.ID).Kind {
	case "Deployment":
		if deployment, err := typedObject[appsv1.Deployment](d.root); err == nil {
			if rs := newReplicaSet(deployment, d.ownSets()); rs != nil {
				return string(rs.UID)
			}
		}
		return "none yet"
	case "Rollout":
		if sets := d.ownSets(); len(sets) > 0 {
			return string(sets[0].UID)
		}
	case "StatefulSet":
		if set, err := typedObject[appsv1.StatefulSet](d.root); err == nil {
			return set.Status.UpdateRevision
		}
	}
	return ""
}

func (d *describer) setNode(rs *appsv1.ReplicaSet, pods []*corev1.Pod, current bool) model.TreeNode {
	want := replicasOf(rs.Spec.Replicas)
	n := model.TreeNode{
		Kind: "ReplicaSet", Namespace: rs.Namespace, Name: rs.Name, UID: string(rs.UID), Current: current,
		Status:  fmt.Sprintf("%d of %d ready", rs.Status.ReadyReplicas, want),
		Ready:   int(rs.Status.ReadyReplicas) >= want,
		Created: rs.CreationTimestamp.UTC(),
	}
	if len(rs.Spec.Template.Spec.Containers) > 0 {
		n.Image = plainLine(rs.Spec.Template.Spec.Containers[0].Image, imageMost)
	}
	for _, c := range rs.Status.Conditions {
		if c.Type == appsv1.ReplicaSetReplicaFailure && c.Status == corev1.ConditionTrue {
			n.Reason, n.Message = plainLine(c.Reason, 60), plainLine(c.Message, wordsMost)
		}
	}
	d.addPods(&n, pods, func(*corev1.Pod) bool { return current })
	return n
}

// addPods hangs pods below a node, the worst first.
func (d *describer) addPods(n *model.TreeNode, pods []*corev1.Pod, current func(*corev1.Pod) bool) {
	var nodes []model.TreeNode
	for _, pod := range pods {
		nodes = append(nodes, d.podNode(pod, current(pod)))
	}
	rank := func(n model.TreeNode) int {
		switch {
		case n.Doomed:
			return 0
		case n.Cause != "":
			return 1
		case !n.Ready:
			return 2
		}
		return 3
	}
	slices.SortFunc(nodes, func(a, b model.TreeNode) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(b.Restarts, a.Restarts), cmp.Compare(a.Name, b.Name))
	})
	if more := len(nodes) - treePods; more > 0 {
		d.notes = append(d.notes, fmt.Sprintf("%d more pods of %s %s are not shown", more, n.Kind, n.Name))
		nodes = nodes[:treePods]
	}
	n.Children = append(n.Children, nodes...)
}

func (d *describer) podNode(pod *corev1.Pod, current bool) model.TreeNode {
	p, why := readPod(pod, d.events[pod.UID], d.now)
	n := model.TreeNode{
		Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name, UID: string(pod.UID), Current: current,
		Status: p.Phase, Reason: p.Reason, Message: p.Message, Cause: why.cause, Doomed: why.doomed, Ready: p.Ready || p.Phase == string(corev1.PodSucceeded),
		Created: p.Created, Image: p.Image, Node: plainLine(pod.Spec.NodeName, 100), Restarts: p.Restarts,
	}
	for _, k := range podContainers(pod) {
		n.Children = append(n.Children, containerNode(pod, k))
	}
	return n
}

func containerNode(pod *corev1.Pod, k podContainer) model.TreeNode {
	n := model.TreeNode{
		Kind: strings.TrimSuffix(k.String(), " "+k.spec.Name), Namespace: pod.Namespace, Name: k.spec.Name, Image: k.image(), Status: "not started", Current: true,
	}
	if k.status == nil {
		return n
	}
	n.Ready, n.Restarts = k.status.Ready, int(k.status.RestartCount)
	last := k.status.LastTerminationState.Terminated
	n.Previous = last != nil && k.status.RestartCount > 0
	switch state := k.status.State; {
	case state.Running != nil:
		n.Status, n.Logs, n.Created = "running", true, started(state.Running.StartedAt.Time)
	case state.Terminated != nil:
		n.Status, n.Logs, n.Created = "ended", true, started(state.Terminated.StartedAt.Time)
		n.Reason, n.Message = plainLine(state.Terminated.Reason, 60), exitWords(k, state.Terminated)
		if state.Terminated.ExitCode == 0 && state.Terminated.Reason != "OOMKilled" {
			n.Message = "exit code 0"
		}
	case state.Waiting != nil:
		n.Status, n.Logs = "waiting", last != nil
		n.Reason, n.Message = plainLine(state.Waiting.Reason, 60), plainLine(state.Waiting.Message, wordsMost)
	}
	return n
}

// started is a time as a tree has it; the kubelet may not know it.
func started(at time.Time) time.Time {
	if at.IsZero() {
		return time.Time{}
	}
	return at.UTC()
}
