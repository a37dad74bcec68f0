package cluster

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// crashLanes is how many runs are killed at the same time, each in namespaces
// of its own. One that is dead tries to close its record for a while, which is
// most of the time that this takes.
const crashLanes = 5

// leastCuts is how many writes a run has at the least.
const leastCuts = 10

// TestPruneAfterACrash kills a run after each of its writes, and ships the next
// commit with a new start of the program. Nothing that is rendered then is ever
// gone, nothing of somebody else's is, and what is neither rendered nor deleted
// is told.
func TestPruneAfterACrash(t *testing.T) {
	t.Parallel()
	var cuts, killed atomic.Int64
	var whole atomic.Bool // a run had no more writes than that
	var lanes sync.WaitGroup
	for lane := range crashLanes {
		lanes.Go(func() {
			t.Run(fmt.Sprintf("lane %d", lane), func(t *testing.T) {
				w := newAccidentWorld(t)
				w.closes = 2 * time.Second // what is dead stays dead
				for !whole.Load() {
					if !w.killedAfter(cuts.Add(1)) {
						whole.Store(true)
						return
					}
					killed.Add(1)
					w.clear()
				}
			})
		})
	}
	lanes.Wait()
	t.Logf("killed after each of %d writes", killed.Load())
	if killed.Load() < leastCuts {
		t.Errorf("only %d runs were killed", killed.Load())
	}
}

// killedAfter kills a run after some writes, ships what comes next and checks
// what is left. It returns false when the run had no more writes than that.
func (w *accidentWorld) killedAfter(cut int64) bool {
	w.t.Helper()
	w.restart(nil)
	w.shipped(configs("a", "goes", "stays"))
	w.create(configGVR, "{apiVersion: v1, kind: ConfigMap, metadata: {name: theirs, namespace: $NS}}")

	plan := w.look(configs("a", "made", "stays"))
	writes := &atomic.Int64{}
	writes.Store(cut)
	w.restart(func(next http.RoundTripper) http.RoundTripper { return deadAfter{next, writes} })
	err := w.run(plan)
	if err == nil {
		return false
	}
	w.restart(nil)
	w.unlock()
	plan = w.shipped(configs("a", "stays"))
	live := " " + w.names() + " "
	for _, name := range []string{"a", "stays", "theirs"} {
		if !strings.Contains(live, " "+name+" ") {
			w.t.Errorf("killed after %d writes: %s is gone; live are%s", cut, name, live)
		}
	}
	told := left(plan)
	for _, name := range []string{"goes", "made"} {
		if strings.Contains(live, " "+name+" ") && !strings.HasPrefix(told[name], "kept: left Git, and a run that was cut off may have made it") {
			w.t.Errorf("killed after %d writes: %s is forgotten (%q)", cut, name, told[name])
		}
	}
	if w.t.Failed() {
		w.t.Fatalf("the last run: %v", err)
	}
	return true
}

// unlock frees the lock that a killed run left behind, as its expiry would.
func (w *accidentWorld) unlock() {
	w.t.Helper()
	leases := w.admin.Resource(leaseGVR).Namespace(w.space)
	list, err := leases.List(w.ctx, metav1.ListOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, l := range list.Items {
		if err := leases.Delete(w.ctx, l.GetName(), metav1.DeleteOptions{}); err != nil {
			w.t.Fatal(err)
		}
	}
}

// clear empties the namespace and forgets the environment.
func (w *accidentWorld) clear() {
	w.t.Helper()
	for _, in := range []string{w.ns, w.space} {
		err := w.admin.Resource(configGVR).Namespace(in).DeleteCollection(w.ctx, metav1.DeleteOptions{}, metav1.ListOptions{FieldSelector: "metadata.name!=kube-root-ca.crt"})
		if err != nil {
			w.t.Fatal(err)
		}
	}
}
