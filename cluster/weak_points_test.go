package cluster

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/fairtide-dev/fairtide/internal/testcluster"
	"github.com/fairtide-dev/fairtide/model"
)

// leaseWrites counts what is written to Leases, and refuses it while it is told to.
type leaseWrites struct {
	next   http.RoundTripper
	n      atomic.Int64
	refuse atomic.Bool
}

func (w *leaseWrites) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/leases/") {
		if w.refuse.Load() {
			return nil, errors.New("not now")
		}
		w.n.Add(1)
	}
	return w.next.RoundTrip(r)
}

// What the holder of a lock does is told within a second or so, long before the
// lock has to be renewed; many changes are told at once; and one that cannot be
// told costs nothing but being told late.
func TestDoingIsToldSoon(t *testing.T) {
	t.Parallel()
	space := stateSpace(t)
	writes := &leaseWrites{}
	rc := rest.CopyConfig(testcluster.Get(t).Config(t))
	rc.Wrap(func(next http.RoundTripper) http.RoundTripper { writes.next = next; return writes })
	a, err := newForConfig(Config{StateNamespace: space, UserAgent: "test", Now: time.Now, LeaseDuration: time.Hour, LeaseRenew: 8 * time.Second}, "test", rc)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := stateClient(t, space, nil)
	l := mustLock(t, a, "op1@host", "")
	tells := func(text string, within time.Duration) {
		t.Helper()
		began := time.Now()
		testcluster.Eventually(t, 30*time.Second, text, func() (bool, error) {
			lock, err := b.ReadLock(t.Context(), "production")
			return lock != nil && lock.Doing == text, err
		})
		if took := time.Since(began); took > within {
			t.Errorf("%q was told after %s", text, took)
		}
	}
	const soon = 5 * time.Second // the pace is a second; the machine may be busy, the renewal comes after 8
	l.SetDoing("wave 1 of 3: configuration")
	tells("wave 1 of 3: configuration", soon)

	was, began := writes.n.Load(), time.Now()
	last := ""
	for n := 0; time.Since(began) < 2*time.Second; n++ {
		last = fmt.Sprintf("change %d", n)
		l.SetDoing(last)
		l.SetDoing(last)
		<-time.After(time.Millisecond)
	}
	tells(last, soon)
	took := time.Since(began)
	if n := writes.n.Load() - was; n < 1 || n > int64(took/time.Second)+1 {
		t.Errorf("%d writes in %s", n, took)
	}
	was = writes.n.Load()
	l.SetDoing(last) // is no news
	writes.refuse.Store(true)
	l.SetDoing("cannot be told")
	testcluster.Eventually(t, 10*time.Second, "a write is refused", func() (bool, error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		return time.Since(l.sent) < time.Second, nil
	})
	if !l.Held() || writes.n.Load() != was {
		t.Error("the lock is lost because what its holder does could not be told")
	}
	writes.refuse.Store(false)
	tells("cannot be told", 9*time.Second)
	select {
	case <-l.Lost():
		t.Error("the lock was lost")
	default:
	}
}

// The newest run is known from its record's metadata, or from the record if it is
// another one than the state names.
func TestNewestRun(t *testing.T) {
	t.Parallel()
	space := stateSpace(t)
	c, _ := stateClient(t, space, nil)
	ctx := t.Context()
	is := func(what string, known, want *model.RunRef) {
		t.Helper()
		got, err := c.NewestRun(ctx, "production", known)
		if err != nil || (got == nil) != (want == nil) || got != nil && *got != *want {
			t.Errorf("%s: %+v, %v; want %+v", what, got, err, want)
		}
	}
	is("there is none", nil, nil)
	named := &model.RunRef{ID: "production-7", State: model.RunSucceeded, Commit: "abc", TakesBack: "def"}
	is("its record is gone", named, named)
	mustNewRun(t, c, "staging") // not ours
	run := mustNewRun(t, c, "production")
	is("the state does not name it", nil, &model.RunRef{ID: run.ID, State: run.State, Commit: run.Commit})
	is("the state names a later one", named, named)
	named.ID = run.ID
	is("the record is open", named, &model.RunRef{ID: run.ID, State: run.State, Commit: "abc", TakesBack: "def"})
	run.State = model.RunFailed
	if err := c.SaveRun(ctx, run); err != nil {
		t.Fatal(err)
	}
	is("the record says how it ended", named, &model.RunRef{ID: run.ID, State: model.RunFailed, Commit: "abc", TakesBack: "def"})
	// A program that does not write the annotation continued and closed it.
	for _, stale := range []model.RunState{model.RunApplying, model.RunInterrupted} {
		patch := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:%q}}}`, annotationRunState, stale)
		if _, err := adminClient(t).CoreV1().ConfigMaps(space).Patch(ctx, runName(run.ID), types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
		is("the annotation is stale", named, &model.RunRef{ID: run.ID, State: model.RunFailed, Commit: "abc", TakesBack: "def"})
	}
	next := mustNewRun(t, c, "production")
	is("the state names the one before", named, &model.RunRef{ID: next.ID, State: next.State, Commit: next.Commit})
	if named.State != model.RunSucceeded {
		t.Error("what was handed in was changed")
	}
}

// A watch that begins while the API server is away, when nothing is known of its
// kinds, says so and waits.
func TestWatchBeginsWhileTheServerIsAway(t *testing.T) {
	t.Parallel()
	ns := testcluster.Get(t).Namespace(t)
	target := createDeployment(t, ns, deploymentOf("web", 1, nil))
	account := model.Target{ID: model.ObjectID{Kind: "ServiceAccount", Namespace: ns, Name: "default"}, Version: "v1"}
	line := newBrokenLine(0)
	c := lineClient(t, line)
	line.breakOff()
	broke := time.Now()
	w := startWatch(t, c, target, account)
	away := func() []time.Time {
		w.mu.Lock()
		defer w.mu.Unlock()
		return append([]time.Time(nil), w.away...)
	}
	testcluster.Eventually(t, 30*time.Second, "that the server is away", func() (bool, error) { return len(away()) > 0, nil })
	if since := away()[0]; since.Before(broke) || time.Since(since) < awayAfter {
		t.Errorf("away since %v; it broke off at %v", since, broke)
	}
	line.restore()
	w.until(target.ID, "is ready", isReady)
	w.until(account.ID, "is there", isReady)
	testcluster.Eventually(t, 10*time.Second, "that the server is back", func() (bool, error) { return len(away()) == 2, nil })
	if told := away(); !told[1].IsZero() {
		t.Errorf("told %v", told)
	}

	// It ends with its context also when the server never comes back: startWatch
	// sees to that. So does a watch on runs that begins then.
	line = newBrokenLine(0)
	c = lineClient(t, line)
	line.breakOff()
	gone := startWatch(t, c, target)
	latest := newsOf(t, c)
	testcluster.Eventually(t, 30*time.Second, "that the server is away", func() (bool, error) {
		n, told := latest()
		gone.mu.Lock()
		defer gone.mu.Unlock()
		return told > 0 && !n.Away.IsZero() && n.Run == nil && len(gone.away) == 1, nil
	})
}
