package tuitest

import (
	"context"
	"slices"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// Follow implements tui.Backend: it plays Followed.
func (b *Backend) Follow(ctx context.Context, env string, begin func(model.Run), emit func(model.Event)) (model.Run, error) {
	if err := b.called("Follow %s", env); err != nil {
		return model.Run{}, err
	}
	if b.Followed == nil {
		return model.Run{}, model.Errorf(model.ExitUsage, "%s: no run is under way", env)
	}
	return b.Followed(ctx, begin, emit)
}

// Abort implements tui.Backend.
func (b *Backend) Abort(_ context.Context, env, reason string) error {
	return b.called("Abort %s %s", env, reason)
}

// Resume implements tui.Backend: it plays Script for the rest of the plan.
func (b *Backend) Resume(ctx context.Context, r model.ResumeRequest, emit func(model.Event)) (model.Run, error) {
	if err := b.called("Resume %s %s %s", r.Environment, r.Run, r.Reason); err != nil {
		return model.Run{}, err
	}
	b.mu.Lock()
	plan := *b.Plans[r.Environment]
	b.mu.Unlock()
	return b.Script(ctx, model.Approval{Plan: &plan, Override: r.Override, Brake: r.Brake}, emit)
}

// Describe implements tui.Backend: the tree of Trees by the object's name.
func (b *Backend) Describe(_ context.Context, env string, t model.Target) (model.ObjectTree, error) {
	if err := b.called("Describe %s %s", env, t.ID.Name); err != nil {
		return model.ObjectTree{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if tree, ok := b.Trees[t.ID.Name]; ok {
		return tree, nil
	}
	return model.ObjectTree{Root: model.TreeNode{Kind: t.ID.Kind, Name: t.ID.Name, Namespace: t.ID.Namespace, Ready: true, Current: true}, ReadAt: time.Now()}, nil
}

// LogTail implements tui.Backend: the log of Logs by the container's name.
func (b *Backend) LogTail(_ context.Context, env, _, pod, container string, previous bool, _ int) ([]string, error) {
	if err := b.called("LogTail %s %s %s %v", env, pod, container, previous); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if previous {
		return slices.Clone(b.Logs[container+" before"]), nil
	}
	return slices.Clone(b.Logs[container]), nil
}

// trees are what is behind the sample's Deployments once they are rolled out:
// the gateway's image is not there, and the pet store is slow.
func trees(now time.Time) map[string]model.ObjectTree {
	container := func(name, image, status, reason string, ready bool) model.TreeNode {
		return model.TreeNode{Kind: "container", Name: name, Image: "ghcr.io/shop/" + image, Status: status, Reason: reason, Ready: ready, Current: true}
	}
	pod := func(name, status, reason string, age time.Duration, current bool, containers ...model.TreeNode) model.TreeNode {
		n := model.TreeNode{Kind: "Pod", Namespace: "shop", Name: name, Status: status, Reason: reason, Created: now.Add(-age), Current: current, Ready: reason == "", Node: "node-2", Children: containers}
		for i := range n.Children {
			n.Children[i].Current = current
			if status == "Running" {
				n.Children[i].Logs, n.Children[i].Created = true, now.Add(-age)
			}
		}
		return n
	}
	set := func(name, status string, age time.Duration, current bool, pods ...model.TreeNode) model.TreeNode {
		return model.TreeNode{Kind: "ReplicaSet", Namespace: "shop", Name: name, Status: status, Created: now.Add(-age), Current: current, Ready: !current, Children: pods}
	}
	const cause = "image ghcr.io/shop/gateway:2.0.9 cannot be pulled: manifest unknown"
	stuck := pod("gateway-7d4b9c-x2x7q", "Pending", "ImagePullBackOff", 4*time.Second, true, container("gateway", "gateway:2.0.9", "waiting", "ImagePullBackOff", false))
	stuck.Cause, stuck.Doomed, stuck.Children[0].Doomed = cause, true, true
	slow := pod("petstore-6c9f5d-k8l2m", "Running", "ReadinessProbe", 5*time.Second, true,
		container("petstore", "petstore:1.4.2", "running", "", false), container("proxy", "envoy:1.31.0", "running", "", true))
	slow.Cause, slow.Restarts, slow.Children[0].Previous, slow.Children[0].Restarts = "readiness probe of container petstore: GET /healthz answers 503", 1, true, 1
	gateway := model.TreeNode{Kind: "Deployment", Namespace: "shop", Name: "gateway", Status: "1 of 3 ready", Created: now.Add(-90 * 24 * time.Hour), Current: true, Cause: cause, Doomed: true, Children: []model.TreeNode{
		set("gateway-7d4b9c", "1 of 2 ready", 5*time.Second, true, stuck, pod("gateway-7d4b9c-9kk2p", "Running", "", 5*time.Second, true, container("gateway", "gateway:2.0.9", "running", "", true))),
		set("gateway-5f6d8b", "2 of 2 ready", 9*24*time.Hour, false, pod("gateway-5f6d8b-abcde", "Running", "", 9*24*time.Hour, false, container("gateway", "gateway:2.0.8", "running", "", true))),
	}}
	petstore := model.TreeNode{Kind: "Deployment", Namespace: "shop", Name: "petstore", Status: "2 of 3 ready", Created: now.Add(-90 * 24 * time.Hour), Current: true, Children: []model.TreeNode{
		set("petstore-6c9f5d", "2 of 3 ready", 6*time.Second, true, slow, pod("petstore-6c9f5d-p4q9z", "Running", "", 6*time.Second, true, container("petstore", "petstore:1.4.2", "running", "", true))),
	}}
	said := func(age time.Duration, kind, reason, object, message string, count int) model.ObjectEvent {
		return model.ObjectEvent{Type: kind, Reason: reason, Object: object, Message: message, Count: count, Last: now.Add(-age)}
	}
	return map[string]model.ObjectTree{
		"gateway": {Root: gateway, ReadAt: now, Events: []model.ObjectEvent{
			said(time.Second, "Warning", "BackOff", "Pod gateway-7d4b9c-x2x7q", "Back-off pulling image \"ghcr.io/shop/gateway:2.0.9\"", 3),
			said(2*time.Second, "Warning", "Failed", "Pod gateway-7d4b9c-x2x7q", "Failed to pull image \"ghcr.io/shop/gateway:2.0.9\": manifest unknown", 2),
			said(4*time.Second, "Normal", "Pulling", "Pod gateway-7d4b9c-x2x7q", "Pulling image \"ghcr.io/shop/gateway:2.0.9\"", 1),
			said(4*time.Second, "Normal", "Scheduled", "Pod gateway-7d4b9c-x2x7q", "Successfully assigned shop/gateway-7d4b9c-x2x7q to node-2", 1),
			said(5*time.Second, "Normal", "ScalingReplicaSet", "Deployment gateway", "Scaled up replica set gateway-7d4b9c from 0 to 1", 1),
		}},
		"petstore": {Root: petstore, ReadAt: now, Events: []model.ObjectEvent{
			said(time.Second, "Warning", "Unhealthy", "Pod petstore-6c9f5d-k8l2m petstore", "Readiness probe failed: HTTP probe failed with statuscode: 503", 4),
			said(5*time.Second, "Normal", "Started", "Pod petstore-6c9f5d-k8l2m petstore", "Started container petstore", 2),
		}},
	}
}

// logs are the ends of the sample's logs, by container.
func logs() map[string][]string {
	return map[string][]string{
		"petstore": {
			"2026-11-24T08:18:03Z INFO  petstore 1.4.2 starts", "2026-11-24T08:18:03Z INFO  listening on :8080",
			"2026-11-24T08:18:04Z WARN  cache is cold, loading 41200 pets", "2026-11-24T08:18:06Z INFO  GET /healthz 503 0.2 ms (warming up)",
			"2026-11-24T08:18:08Z INFO  loaded 18000 of 41200 pets",
		},
		"petstore before": {"2026-11-24T08:17:58Z INFO  petstore 1.4.2 starts", "2026-11-24T08:17:59Z FATAL no route to cache.shop.svc: giving up"},
		"gateway":         {"listening on :8443", "upstream petstore.shop.svc.cluster.local:8080"},
	}
}
