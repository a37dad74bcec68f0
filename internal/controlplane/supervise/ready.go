package supervise

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// waitReady returns when a pod that is created would be scheduled and started.
func (s *supervisor) waitReady(ctx context.Context) error {
	cfg, err := clientcmd.BuildConfigFromFlags("", filepath.Join(s.opts.Dir, "kubeconfig"))
	if err != nil {
		return err
	}
	cfg.QPS = -1
	cs, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	steps := []struct {
		what  string
		check func(context.Context, *kubernetes.Clientset) error
	}{
		{"the API server serves", s.apiServes},
		{"the nodes are ready", s.nodesReady},
		{"the default service account exists", s.serviceAccountExists},
	}
	for _, step := range steps {
		if err := until(ctx, cs, step.check); err != nil {
			return fmt.Errorf("waiting until %s: %w", step.what, err)
		}
		s.progress("%s", step.what)
	}
	return nil
}

// until repeats a check until it succeeds, and returns its last error if there
// is no time left.
func until(ctx context.Context, cs *kubernetes.Clientset, check func(context.Context, *kubernetes.Clientset) error) error {
	ticker := time.NewTicker(25 * time.Millisecond)
	defer ticker.Stop()
	for {
		err := check(ctx, cs)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		case <-ticker.C:
		}
	}
}

func (s *supervisor) apiServes(ctx context.Context, cs *kubernetes.Clientset) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	code := 0
	err := cs.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).StatusCode(&code).Error()
	if err == nil && code != http.StatusOK {
		return fmt.Errorf("/readyz answered %d", code)
	}
	return err
}

func (s *supervisor) nodesReady(ctx context.Context, cs *kubernetes.Clientset) error {
	nodes, err := cs.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	ready := 0
	for _, node := range nodes.Items {
		if len(node.Spec.Taints) > 0 || node.Status.NodeInfo.BootID != s.bootID {
			continue
		}
		for _, c := range node.Status.Conditions {
			if c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue {
				ready++
			}
		}
	}
	if ready < s.opts.Nodes {
		return fmt.Errorf("%d of %d nodes are ready", ready, s.opts.Nodes)
	}
	return nil
}

func (s *supervisor) serviceAccountExists(ctx context.Context, cs *kubernetes.Clientset) error {
	_, err := cs.CoreV1().ServiceAccounts(metav1.NamespaceDefault).Get(ctx, "default", metav1.GetOptions{})
	return err
}
