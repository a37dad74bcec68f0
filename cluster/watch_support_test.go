package cluster

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fairtide-dev/fairtide/internal/testcluster"
	"github.com/fairtide-dev/fairtide/model"
)

// watched collects what a Watch told.
type watched struct {
	t      *testing.T
	cancel context.CancelFunc
	ended  chan error

	mu   sync.Mutex
	last map[model.ObjectID]model.Progress
	all  []model.Progress
	away []time.Time // as told
}

func startWatch(t *testing.T, c *Client, targets ...model.Target) *watched {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	w := &watched{t: t, cancel: cancel, ended: make(chan error, 1), last: map[model.ObjectID]model.Progress{}}
	go func() {
		w.ended <- c.Watch(ctx, targets, func(p model.Progress) {
			w.mu.Lock()
			defer w.mu.Unlock()
			if before, ok := w.last[p.ID]; ok && fmt.Sprintf("%+v", before) == fmt.Sprintf("%+v", p) {
				t.Errorf("told twice: %+v", p)
			}
			w.last[p.ID] = p
			w.all = append(w.all, p)
		}, func(since time.Time, why string) {
			w.mu.Lock()
			defer w.mu.Unlock()
			if w.away = append(w.away, since); since.IsZero() != (why == "") {
				t.Errorf("away since %v, because of %q", since, why)
			}
		})
	}()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-w.ended:
			if err != nil {
				t.Errorf("Watch: %v", err)
			}
		case <-time.After(10 * time.Second):
			t.Error("Watch did not end with its context")
		}
	})
	return w
}

func (w *watched) get(id model.ObjectID) (model.Progress, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p, ok := w.last[id]
	return p, ok
}

// until waits until the target's progress is as wanted, and returns it.
func (w *watched) until(id model.ObjectID, what string, ok func(model.Progress) bool) model.Progress {
	w.t.Helper()
	var p model.Progress
	testcluster.Eventually(w.t, 45*time.Second, id.String()+" "+what, func() (bool, error) {
		var found bool
		p, found = w.get(id)
		return found && ok(p), fmt.Errorf("it is %+v", p)
	})
	return p
}

func isReady(p model.Progress) bool { return p.Readiness == model.ReadinessReady }

func causeHas(words ...string) func(model.Progress) bool {
	return func(p model.Progress) bool {
		for _, w := range words {
			if !strings.Contains(p.Cause, w) {
				return false
			}
		}
		return true
	}
}

func podTemplateOf(app string, annotations map[string]string) corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": app}, Annotations: annotations},
		Spec: corev1.PodSpec{
			TerminationGracePeriodSeconds: new(int64(0)),
			Containers:                    []corev1.Container{{Name: "main", Image: "registry.example/" + app + ":1.0.0"}},
		},
	}
}

func deploymentOf(name string, replicas int32, annotations map[string]string) *appsv1.Deployment {
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": name}},
			Template: podTemplateOf(name, annotations),
		},
	}
}

func createDeployment(t *testing.T, ns string, d *appsv1.Deployment) model.Target {
	t.Helper()
	d, err := adminClient(t).AppsV1().Deployments(ns).Create(t.Context(), d, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return model.Target{ID: model.ObjectID{Group: "apps", Kind: "Deployment", Namespace: ns, Name: d.Name}, Version: "v1", UID: string(d.UID)}
}

func watchClient(t *testing.T) (*Client, string) {
	t.Helper()
	ns := testcluster.Get(t).Namespace(t)
	c, _ := stateClient(t, "unused", nil)
	return c, ns
}
