package cluster

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestPruneAfterACrash kills a run after each of its writes, and ships the next
// commit with a new start of the program. Nothing that is rendered then is ever
// gone, nothing of somebody else's is, and what is neither rendered nor deleted
// is told.
func TestPruneAfterACrash(t *testing.T) {
	t.Parallel()
	w := newAccidentWorld(t)
	w.closes = 2 * time.Second // what is dead stays dead
	for cut := int64(1); ; cut++ {
		w.restart(nil)
		w.shipped(configs("a", "goes", "stays"))
		w.create(configGVR, "{apiVersion: v1, kind: ConfigMap, metadata: {name: theirs, namespace: $NS}}")

		plan := w.look(configs("a", "made", "stays"))
		writes := &atomic.Int64{}
		writes.Store(cut)
		w.restart(func(next http.RoundTripper) http.RoundTripper { return deadAfter{next, writes} })
		err := w.run(plan)
		if err == nil { // it had no more writes than that
			break
		}
		w.restart(nil)
		w.unlock()
		plan = w.shipped(configs("a", "stays"))
		live := " " + w.names() + " "
		for _, name := range []string{"a", "stays", "theirs"} {
			if !strings.Contains(live, " "+name+" ") {
				t.Errorf("killed after %d writes: %s is gone; live are%s", cut, name, live)
			}
		}
		told := left(plan)
		for _, name := range []string{"goes", "made"} {
			if strings.Contains(live, " "+name+" ") && !strings.HasPrefix(told[name], "kept: left Git, and a run that was cut off may have made it") {
				t.Errorf("killed after %d writes: %s is forgotten (%q)", cut, name, told[name])
			}
		}
		if t.Failed() {
			t.Fatalf("the last run: %v", err)
		}
		w.clear()
	}
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
