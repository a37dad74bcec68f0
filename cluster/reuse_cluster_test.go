package cluster

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/internal/testcluster"
	"github.com/fairtide-dev/fairtide/model"
)

// dryRuns counts the dry-runs that pass through it.
type dryRuns struct {
	next http.RoundTripper
	n    *atomic.Int64
}

func (d dryRuns) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.Contains(r.URL.RawQuery, "dryRun=All") {
		d.n.Add(1)
	}
	return d.next.RoundTrip(r)
}

// TestAnApprovedPlanIsReadAgainWithoutAsking plans twice, and counts what the
// server is asked to predict the second time: nothing, but for what moved.
func TestAnApprovedPlanIsReadAgainWithoutAsking(t *testing.T) {
	t.Parallel()
	w := newPlanWorld(t)
	rc := testcluster.Get(t).Config(t)
	asked := &atomic.Int64{}
	rc.Wrap(func(next http.RoundTripper) http.RoundTripper { return dryRuns{next, asked} })
	c, err := newForConfig(w.c.cfg, "test", rc)
	if err != nil {
		t.Fatal(err)
	}
	w.create(configGVR, "{apiVersion: v1, kind: ConfigMap, metadata: {name: live, namespace: $NS}, data: {a: old}}")
	w.create(configGVR, "{apiVersion: v1, kind: ConfigMap, metadata: {name: moves, namespace: $NS}, data: {a: old}}")
	rendered := &model.Rendered{Commit: strings.Repeat("a", 40), Objects: w.objects(`
apiVersion: v1
kind: ConfigMap
metadata: {name: live}
data: {a: new}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: moves}
data: {a: new}
---
apiVersion: v1
kind: Secret
metadata: {name: made}
stringData: {password: hunter2}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: made}
spec:
  replicas: 0
  selector: {matchLabels: {app: made}}
  template:
    metadata: {labels: {app: made}}
    spec: {containers: [{name: main, image: registry.example.com/made:1}]}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: made}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
`)}
	plan := func(approved *model.Plan) *model.Plan {
		t.Helper()
		asked.Store(0)
		p, _, err := c.Plan(t.Context(), model.PlanRequest{Environment: w.env, Rendered: rendered, Approved: approved})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	first := plan(nil)
	if asked.Load() != 5 {
		t.Errorf("the first reading asked for %d predictions, want one for each of 5 objects", asked.Load())
	}
	if again := plan(first); again.Digest != first.Digest || asked.Load() != 1 {
		t.Errorf("read again: %d predictions, want that of the claim alone; same digest: %v", asked.Load(), again.Digest == first.Digest)
	}
	w.change("kubectl-edit", configGVR, "moves", `{"data":{"a":"edited"}}`)
	moved := plan(first)
	if asked.Load() != 2 || moved.Digest == first.Digest {
		t.Errorf("after an edit: %d predictions, want those of the claim and of what was edited; same digest: %v", asked.Load(), moved.Digest == first.Digest)
	}
	if fresh := plan(nil); fresh.Digest != moved.Digest {
		t.Error("a plan that takes answers again differs from one that does not")
	}
	old := *first
	old.ReadAt = first.ReadAt.Add(-reuseAge - time.Minute)
	if plan(&old); asked.Load() != 5 {
		t.Errorf("with an old plan: %d predictions, want 5", asked.Load())
	}
	rendered.Objects[0].Fields["data"] = map[string]any{"a": "newer"}
	if plan(first); asked.Load() != 3 {
		t.Errorf("with another render of one object: %d predictions, want 3", asked.Load())
	}
}
