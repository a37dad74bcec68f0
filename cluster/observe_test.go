package cluster

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
	"github.com/fairtide-dev/fairtide/model"
)

// watcher collects what Observe tells.
type watcher struct {
	mu    sync.Mutex
	moved []string
	said  []string
}

func (w *watcher) emit(o model.Observation) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, id := range o.Moved {
		w.moved = append(w.moved, id.Name)
	}
	if o.Unwatched != "" {
		w.said = append(w.said, o.Unwatched)
	}
}

func (w *watcher) read() (moved, said []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.moved), slices.Clone(w.said)
}

// observe watches a plan until the test ends or stop is called.
func (w *planWorld) observe(c *Client, plan *model.Plan) (seen *watcher, stop func()) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.ctx)
	seen = &watcher{}
	done := make(chan error, 1)
	go func() { done <- c.Observe(ctx, plan, seen.emit) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Error(err)
		}
	})
	w.t.Cleanup(stop)
	return seen, stop
}

func TestObserve(t *testing.T) {
	w := newPlanWorld(t)
	const text = "{apiVersion: v1, kind: Secret, metadata: {name: db}, stringData: {a: b}}\n---\n"
	all := text + configYAML("one", "{a: b}") + "---\n" + configYAML("two", "{a: b}") + "---\n" + deploymentYAML("cart", "i:1")
	w.apply(w.plan(all))
	plan, _ := w.plan(all + "---\n" + configYAML("new", "{a: b}"))
	// Between the reading and the watch.
	w.change("kubectl-edit", configGVR, "one", `{"data": {"a": "c"}}`)
	seen, stop := w.observe(w.c, plan)
	times := func(name string) (n int) {
		moved, _ := seen.read()
		for _, m := range moved {
			if m == name {
				n++
			}
		}
		return n
	}
	has := func(want ...string) {
		t.Helper()
		w.eventually("moved: "+strings.Join(want, ", "), func() bool {
			return !slices.ContainsFunc(want, func(name string) bool { return times(name) == 0 })
		})
	}
	has("one")
	before := times("cart") // whose controller may have written its status before the watch began
	w.change("controller", deploymentGVR, "cart", `{"status": {"observedGeneration": 7}}`, "status")
	w.change("kubectl-edit", configGVR, "two", `{"data": {"a": "c"}}`)
	has("one", "two")
	if times("cart") != before {
		t.Error("cart moved, of which only the status did")
	}
	w.create(configGVR, strings.Replace(configYAML("new", "{a: b}"), "name: new", "name: new, namespace: $NS", 1))
	has("one", "two", "new")
	if err := w.admin.Resource(secretGVR).Namespace(w.ns).Delete(w.ctx, "db", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	has("one", "two", "new", "db")
	if times("one") != 1 || times("new") != 1 {
		t.Errorf("one and new moved once each, and were told %d and %d times", times("one"), times("new"))
	}
	w.change("kubectl-scale", deploymentGVR, "cart", `{"spec": {"paused": true}}`)
	w.eventually("cart has moved", func() bool { return times("cart") > before })
	if _, said := seen.read(); len(said) > 0 {
		t.Errorf("said to be unwatched: %q", said)
	}
	stop() // and it returns without an error
}

func TestObserveWithoutPermission(t *testing.T) {
	w := newPlanWorld(t)
	all := "{apiVersion: v1, kind: Secret, metadata: {name: db}, stringData: {a: b}}\n---\n" + configYAML("one", "{a: b}")
	w.apply(w.plan(all))
	plan, _ := w.plan(all)
	w.grant("reader", `[{apiGroups: [""], resources: [configmaps], verbs: [get, list, watch]}]`)
	c, _ := w.clientAs("reader")
	seen, _ := w.observe(c, plan)
	w.eventually("the refusal", func() bool {
		_, said := seen.read()
		return len(said) == 1 && strings.Contains(said[0], "secrets") && strings.Contains(said[0], "list,watch")
	})
	w.change("kubectl-edit", configGVR, "one", `{"data": {"a": "c"}}`)
	w.eventually("what may be watched", func() bool {
		moved, said := seen.read()
		return slices.Equal(slices.Compact(moved), []string{"one"}) && len(said) == 1
	})
}

// What rules hide is written all the same, and masked values are nowhere.
func TestHiddenAndMaskedOnTheServer(t *testing.T) {
	w := newPlanWorld(t)
	w.env.Hide = []model.FieldRule{{Kind: "ConfigMap", Pointer: "/data/noise"}, {Kind: "Deployment", Manager: "scaler"}}
	w.env.Mask = []model.FieldRule{{Kind: "ConfigMap", Pointer: "/data/password"}, {Kind: "Service", Pointer: "/spec/sessionAffinity"}}
	before := configYAML("quiet", "{noise: a, password: hunter-one, plain: a}") + "---\n" + deploymentYAML("cart", "i:1")
	w.apply(w.plan(before))
	w.change("scaler", deploymentGVR, "cart", `{"spec": {"replicas": 0, "minReadySeconds": 3}}`)
	after := configYAML("quiet", "{noise: b, password: hunter-one, plain: a}") + "---\n" + strings.Replace(deploymentYAML("cart", "i:1"), "replicas: 0", "replicas: 0\n  minReadySeconds: 5", 1)
	plan := w.ship(after)
	for kind, name := range map[string]string{"ConfigMap": "quiet", "Deployment": "cart"} {
		row := rowNamed(t, plan, kind, name)
		if row.Verdict != model.VerdictUpdate || !row.OnlyHidden || len(row.Hidden) != 1 {
			t.Errorf("%s is %s, hidden %v, shown %s", row.ID, row.Verdict, row.Hidden, changedWords(fieldpath.Diff(row.Before, row.Shown)))
		}
	}
	if data := mapAt(w.live(configGVR, "quiet"), "data"); data["noise"] != "b" {
		t.Errorf("what is hidden was not written: %v", data)
	}
	plan, objects := w.plan(strings.Replace(after, "hunter-one", "hunter-two", 1))
	row := rowNamed(t, plan, "ConfigMap", "quiet")
	if row.Verdict != model.VerdictUpdate || strings.Contains(asJSON(row), "hunter") {
		t.Errorf("a masked value: %s", asJSON(row))
	}
	// It moves between the plan and its apply, which says so without the value.
	w.change("kubectl-edit", configGVR, "quiet", `{"data": {"password": "hunter-three"}}`)
	for _, o := range objects {
		if o.ID.Kind == "ConfigMap" {
			_, err := w.c.Apply(w.ctx, o, row)
			wantCode(t, err, model.ExitPlanMoved, "data.password", "kubectl-edit", "<masked")
			if strings.Contains(err.Error(), "hunter") {
				t.Errorf("the error has the value: %v", err)
			}
		}
	}
	plan, _ = w.plan(deploymentYAML("cart", "i:1")) // without quiet
	w.change("kubectl-edit", configGVR, "quiet", `{"data": {"password": "hunter-five"}}`)
	err := w.c.Delete(w.ctx, rowNamed(t, plan, "ConfigMap", "quiet"))
	wantCode(t, err, model.ExitPlanMoved, "data.password", "<masked")
	if strings.Contains(err.Error()+asJSON(plan), "hunter") {
		t.Errorf("a delete has the value: %v", err)
	}
	plan, _ = w.plan("{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {ports: [{port: 80}], sessionAffinity: hunter-four}}")
	if row := rowNamed(t, plan, "Service", "s"); !strings.Contains(row.Reason, "<masked>") || strings.Contains(asJSON(plan), "hunter") {
		t.Errorf("the server's words: %s", asJSON(row))
	}
}
