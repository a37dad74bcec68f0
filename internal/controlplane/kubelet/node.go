package kubelet

import (
	"context"
	"fmt"
	"log"
	"runtime"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

const (
	// simulatedLabel marks our nodes, so that those a former run had more than
	// this one are found.
	simulatedLabel = "sim.fairtide.dev/node"
	nodeIP         = "127.0.0.1"

	leaseDuration = 40 * time.Second
	leaseRenewal  = 10 * time.Second
	// heartbeat is how often the conditions are confirmed; leases are the
	// quick sign of life.
	heartbeat = 5 * time.Minute
)

// node is one simulated node.
type node struct {
	name  string
	index int
	boot  string
	port  int32

	mu     sync.Mutex
	images map[string]bool
}

func (n *node) hasImage(image string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.images[image]
}

func (n *node) addImage(image string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.images[image] = true
}

// registerNodes makes the nodes known and keeps them alive until the context
// ends.
func registerNodes(ctx context.Context, cs *kubernetes.Clientset, opts Options, port int32) (map[string]*node, error) {
	nodes := map[string]*node{}
	for i := 1; i <= opts.Nodes; i++ {
		n := &node{name: fmt.Sprintf("node-%d", i), index: i, boot: opts.BootID, port: port, images: map[string]bool{}}
		if err := n.register(ctx, cs); err != nil {
			return nil, err
		}
		nodes[n.name] = n
		go n.keepAlive(ctx, cs)
	}
	list, err := cs.CoreV1().Nodes().List(ctx, metav1.ListOptions{LabelSelector: simulatedLabel})
	if err != nil {
		return nil, err
	}
	for _, old := range list.Items {
		if nodes[old.Name] != nil {
			continue
		}
		if err := cs.CoreV1().Nodes().Delete(ctx, old.Name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			return nil, err
		}
	}
	return nodes, nil
}

func (n *node) register(ctx context.Context, cs *kubernetes.Clientset) error {
	labels := map[string]string{
		simulatedLabel:             "true",
		corev1.LabelHostname:       n.name,
		corev1.LabelOSStable:       "linux",
		corev1.LabelArchStable:     runtime.GOARCH,
		"beta.kubernetes.io/os":    "linux",
		"beta.kubernetes.io/arch":  runtime.GOARCH,
		corev1.LabelTopologyZone:   fmt.Sprintf("zone-%c", 'a'+rune((n.index-1)%3)),
		corev1.LabelTopologyRegion: "local",
	}
	obj := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: n.name, Labels: labels},
		Spec:       corev1.NodeSpec{PodCIDR: fmt.Sprintf("10.244.%d.0/24", n.index), ProviderID: "fairtide://" + n.name},
	}
	n.fill(&obj.Status)
	_, err := cs.CoreV1().Nodes().Create(ctx, obj, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return n.updateStatus(ctx, cs)
	}
	return err
}

func (n *node) updateStatus(ctx context.Context, cs *kubernetes.Clientset) error {
	for {
		obj, err := cs.CoreV1().Nodes().Get(ctx, n.name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		n.fill(&obj.Status)
		_, err = cs.CoreV1().Nodes().UpdateStatus(ctx, obj, metav1.UpdateOptions{})
		if !apierrors.IsConflict(err) {
			return err
		}
	}
}

// fill describes a healthy node.
func (n *node) fill(status *corev1.NodeStatus) {
	resources := corev1.ResourceList{
		corev1.ResourceCPU:              resource.MustParse("8"),
		corev1.ResourceMemory:           resource.MustParse("16Gi"),
		corev1.ResourceEphemeralStorage: resource.MustParse("100Gi"),
		corev1.ResourcePods:             resource.MustParse("110"),
	}
	status.Capacity, status.Allocatable = resources, resources
	status.Addresses = []corev1.NodeAddress{
		{Type: corev1.NodeInternalIP, Address: nodeIP},
		{Type: corev1.NodeHostName, Address: n.name},
	}
	status.DaemonEndpoints.KubeletEndpoint.Port = n.port
	status.NodeInfo = corev1.NodeSystemInfo{
		MachineID: n.name, SystemUUID: n.name, BootID: n.boot,
		KernelVersion: "6.12.0", OSImage: "Simulated Linux", ContainerRuntimeVersion: "containerd://2.1.4",
		KubeletVersion: version, OperatingSystem: "linux", Architecture: runtime.GOARCH,
	}
	since := metav1.Now()
	for _, c := range status.Conditions {
		if c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue {
			since = c.LastTransitionTime
		}
	}
	condition := func(kind corev1.NodeConditionType, is corev1.ConditionStatus, reason, message string) corev1.NodeCondition {
		return corev1.NodeCondition{
			Type: kind, Status: is, Reason: reason, Message: message,
			LastHeartbeatTime: metav1.Now(), LastTransitionTime: since,
		}
	}
	status.Conditions = []corev1.NodeCondition{
		condition(corev1.NodeMemoryPressure, corev1.ConditionFalse, "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
		condition(corev1.NodeDiskPressure, corev1.ConditionFalse, "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
		condition(corev1.NodePIDPressure, corev1.ConditionFalse, "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
		condition(corev1.NodeReady, corev1.ConditionTrue, "KubeletReady", "kubelet is posting ready status"),
	}
}

// keepAlive renews the lease, and now and then the status. A renewal that
// fails is tried again soon, as the node counts as dead after a few of them.
func (n *node) keepAlive(ctx context.Context, cs *kubernetes.Clientset) {
	reported := time.Now()
	for {
		wait := leaseRenewal
		err := n.renewLease(ctx, cs)
		if err == nil && time.Since(reported) > heartbeat {
			reported = time.Now()
			err = n.updateStatus(ctx, cs)
		}
		if err != nil {
			wait = 500 * time.Millisecond
			log.Printf("node %s: %v", n.name, err)
		}
		if !pause(ctx, wait) {
			return
		}
	}
}

func (n *node) renewLease(ctx context.Context, cs *kubernetes.Clientset) error {
	leases := cs.CoordinationV1().Leases(corev1.NamespaceNodeLease)
	seconds, now := int32(leaseDuration.Seconds()), metav1.NowMicro()
	lease, err := leases.Get(ctx, n.name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		_, err = leases.Create(ctx, &coordinationv1.Lease{
			ObjectMeta: metav1.ObjectMeta{Name: n.name},
			Spec:       coordinationv1.LeaseSpec{HolderIdentity: &n.name, LeaseDurationSeconds: &seconds, RenewTime: &now},
		}, metav1.CreateOptions{})
		return err
	}
	if err != nil {
		return err
	}
	lease.Spec.HolderIdentity, lease.Spec.LeaseDurationSeconds, lease.Spec.RenewTime = &n.name, &seconds, &now
	_, err = leases.Update(ctx, lease, metav1.UpdateOptions{})
	return err
}

// pause waits, and says whether the context is still alive.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
