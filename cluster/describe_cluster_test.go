package cluster

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/fairtide-dev/fairtide/internal/testcluster"
	"github.com/fairtide-dev/fairtide/model"
)

// described waits until a tree is as wanted.
func described(t *testing.T, c *Client, target model.Target, what string, ok func(model.ObjectTree) bool) model.ObjectTree {
	t.Helper()
	var tree model.ObjectTree
	testcluster.Eventually(t, 45*time.Second, target.ID.String()+" "+what, func() (bool, error) {
		var err error
		tree, err = c.Describe(t.Context(), target)
		return err == nil && ok(tree), fmt.Errorf("%w, it is %+v", err, tree)
	})
	return tree
}

// outline is a tree as text, a line for each node.
func outline(tree model.ObjectTree) string {
	var out strings.Builder
	tree.Root.Walk(func(n *model.TreeNode, depth int) bool {
		fmt.Fprintf(&out, "%s%s %s ready=%t current=%t %s\n", strings.Repeat(" ", depth), n.Kind, n.Name, n.Ready, n.Current, n.Reason)
		return true
	})
	return out.String()
}

func TestDescribeDeployment(t *testing.T) {
	t.Parallel()
	c, ns := watchClient(t)
	target := createDeployment(t, ns, deploymentOf("web", 2, nil))
	described(t, c, target, "is ready", func(tree model.ObjectTree) bool { return tree.Root.Ready })
	patch := []byte(`{"spec":{"template":{"metadata":{"annotations":{
  "sim.fairtide.dev/exit-code":"3","sim.fairtide.dev/exit-after":"10ms","sim.fairtide.dev/log":"starting\nfatal: \u001b[31mno table\u001b[0m\n"}}}}}`)
	if _, err := adminClient(t).AppsV1().Deployments(ns).Patch(t.Context(), "web", types.StrategicMergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	tree := described(t, c, target, "has a pod that crashes, and its story", func(tree model.ObjectTree) bool {
		sets := tree.Root.Children
		return len(sets) == 2 && len(sets[0].Children) == 1 && sets[0].Children[0].Reason == "CrashLoopBackOff" && sets[0].Children[0].Restarts > 1 &&
			slices.ContainsFunc(tree.Events, func(e model.ObjectEvent) bool { return e.Reason == "BackOff" })
	})
	t.Logf("\n%s", outline(tree))
	current, old := tree.Root.Children[0], tree.Root.Children[1]
	if !current.Current || old.Current || !old.Ready || len(old.Children) != 2 || !old.Children[0].Ready {
		t.Errorf("ReplicaSets %+v", tree.Root.Children)
	}
	if tree.Root.Cause == "" || !strings.Contains(current.Children[0].Cause, "exit code 3") || current.Children[0].Node == "" {
		t.Errorf("root %+v, pod %+v", tree.Root, current.Children[0])
	}
	container := current.Children[0].Children[0]
	if container.Kind != "container" || container.Name != "main" || container.Image != "registry.example/web:1.0.0" || container.Restarts < 2 || !container.Logs || !container.Previous {
		t.Errorf("container %+v", container)
	}
	for i, e := range tree.Events {
		if e.Message == "" || e.Count < 1 || e.Last.IsZero() || strings.ContainsAny(e.Message, "\n\x1b") || i > 0 && e.Last.After(tree.Events[i-1].Last) {
			t.Errorf("event %d: %+v", i, e)
		}
		if slices.ContainsFunc(tree.Events[:i], func(o model.ObjectEvent) bool {
			return o.Object == e.Object && o.Reason == e.Reason && o.Message == e.Message && o.Type == e.Type
		}) {
			t.Errorf("event %d is told twice: %+v", i, e)
		}
	}
	for _, previous := range []bool{false, true} {
		lines, err := c.LogTail(t.Context(), ns, current.Children[0].Name, "main", previous, 1)
		if err != nil || !slices.Equal(lines, []string{"fatal: no table"}) {
			t.Errorf("previous %t: log %q, %v", previous, lines, err)
		}
	}
}

func TestDescribeOthers(t *testing.T) {
	t.Parallel()
	c, ns := watchClient(t)
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "alone"}, Spec: podTemplateOf("alone", nil).Spec}
	pod.Spec.InitContainers = []corev1.Container{{Name: "first", Image: "first:1"}}
	if _, err := adminClient(t).CoreV1().Pods(ns).Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	id := model.Target{ID: model.ObjectID{Kind: "Pod", Namespace: ns, Name: "alone"}, Version: "v1"}
	tree := described(t, c, id, "runs", func(tree model.ObjectTree) bool { return tree.Root.Ready })
	if kids := tree.Root.Children; len(kids) != 2 || kids[0].Kind != "init container" || kids[0].Status != "ended" || kids[1].Status != "running" {
		t.Errorf("%s", outline(tree))
	}
	lines, err := c.LogTail(t.Context(), ns, "alone", "main", false, 2)
	if err != nil || len(lines) != 2 {
		t.Errorf("log %q, %v", lines, err)
	}
	_, err = c.LogTail(t.Context(), ns, "alone", "main", true, 2)
	wantCode(t, err, model.ExitUnreachable, "it has no run before this one")
	_, err = c.LogTail(t.Context(), ns, "gone", "main", false, 2)
	wantCode(t, err, model.ExitUnreachable, "the pod is gone")
	_, err = c.Describe(t.Context(), model.Target{ID: model.ObjectID{Kind: "Pod", Namespace: ns, Name: "gone"}, Version: "v1"})
	wantCode(t, err, model.ExitUnreachable, "is not in the cluster")
	_, err = c.Describe(t.Context(), model.Target{ID: model.ObjectID{Group: "example.com", Kind: "Nothing", Namespace: ns, Name: "x"}, Version: "v1"})
	wantCode(t, err, model.ExitUnreachable, "does not serve its kind")
	config := model.Target{ID: model.ObjectID{Kind: "ConfigMap", Namespace: ns, Name: "kube-root-ca.crt"}, Version: "v1"}
	described(t, c, config, "is there", func(tree model.ObjectTree) bool { return len(tree.Root.Children) == 0 && tree.Root.Ready })
}

// Who may read no more than the object itself gets that, and is told what for
// the rest is needed.
func TestDescribeForbidden(t *testing.T) {
	t.Parallel()
	tc := testcluster.Get(t)
	ns := tc.Namespace(t)
	target := createDeployment(t, ns, deploymentOf("web", 1, nil))
	c, _ := stateClient(t, "unused", func(cfg *Config) { cfg.Kubeconfig = tc.KubeconfigFor(t, limitedUser) })
	_, err := c.Describe(t.Context(), target)
	wantCode(t, err, model.ExitUnreachable, "Deployment "+ns+"/web", `"get deployments"`)
	grantRules(t, ns, rbacv1.PolicyRule{APIGroups: []string{"apps"}, Resources: []string{"deployments"}, Verbs: []string{"get"}})
	tree := described(t, c, target, "is seen", func(model.ObjectTree) bool { return true })
	if notes := strings.Join(tree.Notes, "; "); len(tree.Notes) != 3 || !strings.Contains(notes, "pods") || !strings.Contains(notes, "replicasets") || !strings.Contains(notes, "events") {
		t.Errorf("notes %q", tree.Notes)
	}
	_, err = c.LogTail(t.Context(), ns, "web", "main", false, 5)
	wantCode(t, err, model.ExitUnreachable, "pods/log")
}

// A log is bounded, however much there is of it.
func TestLogTailIsBounded(t *testing.T) {
	t.Parallel()
	c, ns := watchClient(t)
	var log strings.Builder
	for i := range 40 {
		fmt.Fprintf(&log, "%d %s\n", i, strings.Repeat("x", 5000))
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "loud", Annotations: map[string]string{"sim.fairtide.dev/log": log.String()}}, Spec: podTemplateOf("loud", nil).Spec}
	if _, err := adminClient(t).CoreV1().Pods(ns).Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	var lines []string
	testcluster.Eventually(t, 45*time.Second, "the log is there", func() (bool, error) {
		var err error
		lines, err = c.LogTail(t.Context(), ns, "loud", "main", false, 1_000_000)
		return err == nil && len(lines) == 40, err
	})
	for i, line := range lines {
		if n := len([]rune(line)); n != tailLineMost || !strings.HasPrefix(line, fmt.Sprintf("%d x", i)) {
			t.Errorf("line %d has %d characters", i, n)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.LogTail(ended, ns, "loud", "main", false, 1); err == nil {
		t.Error("a cancelled context is no error")
	}
}
