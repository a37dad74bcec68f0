// Package kubelet plays the nodes of a cluster and the life of the pods that
// are scheduled to them. To the API server, to controllers and to users it
// looks like kubelets with containers: statuses, events, logs and HTTP servers
// are there, and go through what a container would make them go through. What
// a container does is decided by package sim.
package kubelet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/pflag"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/fairtide-dev/fairtide/internal/controlplane/sim"
)

// version is what the nodes say they run.
const version = "v1.37.1"

// Options is what the simulated kubelet needs to know.
type Options struct {
	// Nodes is the number of nodes to play.
	Nodes int
	// PodRules is the file with the behaviour of images.
	PodRules string
	// BootID is reported by the nodes, so that the supervisor can tell them
	// from those of an earlier run.
	BootID string
	// Kubeconfig leads to the API server.
	Kubeconfig string
	// CertFile and KeyFile are for the node's HTTPS server; clients must have
	// a certificate for ClientName from ClientCAFile.
	CertFile, KeyFile, ClientCAFile, ClientName string
	// EgressSocket is where the API server asks for connections to pods.
	EgressSocket string
}

// ParseOptions reads the options that are given by arguments.
func ParseOptions(args []string) (Options, error) {
	var opts Options
	flags := pflag.NewFlagSet("kubelet", pflag.ContinueOnError)
	flags.IntVar(&opts.Nodes, "nodes", 1, "number of nodes")
	flags.StringVar(&opts.PodRules, "pod-rules", "", "file with the behaviour of images")
	flags.StringVar(&opts.BootID, "boot-id", "", "boot id of the nodes")
	return opts, flags.Parse(args)
}

// Run plays the nodes until the context ends.
func Run(ctx context.Context, opts Options) error {
	cs, err := newClient(opts.Kubeconfig)
	if err != nil {
		return err
	}
	pods := newPodTable()
	failed := make(chan error, 2)
	port, err := serveNode(opts, pods, failed)
	if err != nil {
		return fmt.Errorf("node server: %w", err)
	}
	if err := serveEgress(opts.EgressSocket, pods, failed); err != nil {
		return fmt.Errorf("egress proxy: %w", err)
	}
	nodes, err := registerNodes(ctx, cs, opts, port)
	if err != nil {
		return fmt.Errorf("registering nodes: %w", err)
	}
	m := &manager{
		ctx: ctx, cs: cs, pods: pods, nodes: nodes, rules: sim.NewRules(opts.PodRules),
		events: startEvents(ctx, cs, nodes),
	}
	if err := m.watch(ctx); err != nil {
		return err
	}
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		return nil
	}
}

func newClient(kubeconfig string) (*kubernetes.Clientset, error) {
	cfg, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	cfg.QPS = -1
	cfg.ContentType = runtime.ContentTypeProtobuf
	cfg.UserAgent = "kubelet/" + version
	return kubernetes.NewForConfig(cfg)
}

// manager starts a worker for every pod of the simulated nodes.
type manager struct {
	ctx    context.Context
	cs     *kubernetes.Clientset
	pods   *podTable
	nodes  map[string]*node
	rules  *sim.Rules
	events *events
}

// watch follows all pods that are bound to a node, with one watch for all
// nodes.
func (m *manager) watch(ctx context.Context) error {
	factory := informers.NewSharedInformerFactoryWithOptions(m.cs, 0,
		informers.WithTweakListOptions(func(o *metav1.ListOptions) {
			o.FieldSelector = fields.OneTermNotEqualSelector("spec.nodeName", "").String()
		}))
	informer := factory.Core().V1().Pods().Informer()
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(obj any) { m.observe(obj.(*corev1.Pod)) },
		UpdateFunc: func(_, obj any) { m.observe(obj.(*corev1.Pod)) },
		DeleteFunc: m.forget,
	})
	if err != nil {
		return err
	}
	factory.Start(ctx.Done())
	syncing, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if !cache.WaitForCacheSync(syncing.Done(), informer.HasSynced) && ctx.Err() == nil {
		return errors.New("the pods could not be listed within a minute")
	}
	return nil
}

// observe takes note of a pod as it is now.
func (m *manager) observe(pod *corev1.Pod) {
	n, ours := m.nodes[pod.Spec.NodeName]
	if _, alone := pod.Annotations[sim.LeftAlone]; !ours || alone {
		return
	}
	w := m.pods.byName(pod.Namespace, pod.Name)
	if w != nil && w.uid != pod.UID {
		// A pod of the same name took its place between two looks.
		w.cancel()
		m.pods.remove(w)
		w = nil
	}
	if w == nil {
		w = newWorker(m, n, pod)
		m.pods.add(w)
		go w.run()
	}
	w.observe(pod)
}

func (m *manager) forget(obj any) {
	if gone, ok := obj.(cache.DeletedFinalStateUnknown); ok {
		obj = gone.Obj
	}
	pod, ok := obj.(*corev1.Pod)
	if !ok {
		return
	}
	if w := m.pods.byName(pod.Namespace, pod.Name); w != nil && w.uid == pod.UID {
		w.cancel()
		m.pods.remove(w)
	}
}
