package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	engine "github.com/fairtide-dev/fairtide/internal/rollout"
	"github.com/fairtide-dev/fairtide/internal/testcluster"
	"github.com/fairtide-dev/fairtide/model"
)

// sleeperVariable makes the test binary an operator's program of its own, with
// what it is to ship as JSON.
const sleeperVariable = "FAIRTIDE_TEST_SLEEPER"

const sleepLease = 3 * time.Second

// sleeperOrder is what the program is to do.
type sleeperOrder struct {
	Kubeconfig, Space, Namespace, Config, Commit string
	Objects                                      []model.Object
}

// sleeper ships what it is told to, slowly, and tells its parent about each
// write and how it ended. It is what TestSleepingProcess stops in the middle.
func sleeper() int {
	SilenceLibraries()
	var order sleeperOrder
	if err := json.Unmarshal([]byte(os.Getenv(sleeperVariable)), &order); err != nil {
		tellParent("end 2", err)
		return 2
	}
	git := &history{config: order.Config, head: order.Commit, renders: map[string][]model.Object{order.Commit: order.Objects}}
	rc, err := clientcmd.BuildConfigFromFlags("", order.Kubeconfig)
	if err != nil {
		tellParent("end 2", err)
		return 2
	}
	var says sync.Mutex
	rc.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return hook{next: next, before: func(r *http.Request) error {
			if isWrite(r) {
				says.Lock()
				tellParent("write", r.Method, r.URL.Path)
				says.Unlock()
			}
			return nil
		}}
	})
	c, err := newForConfig(Config{StateNamespace: order.Space, UserAgent: "fairtide/v0.1.0 (test)", Now: time.Now, LeaseDuration: sleepLease}, "test", rc)
	if err != nil {
		tellParent("end 2", err)
		return 2
	}
	e := engine.New(engine.Config{
		Repository: git, File: ".fairtide.yaml", Host: "sleeper", Now: time.Now,
		Connect: func(string, string) (engine.Cluster, error) { return slowly{forEngine{c}}, nil },
	})
	plan, err := e.Plan(context.Background(), "staging", "")
	if err == nil {
		_, err = e.Apply(context.Background(), model.Approval{Plan: plan}, func(model.Event) {})
	}
	says.Lock()
	defer says.Unlock()
	tellParent("end", int(model.CodeOf(err, model.ExitRolloutFailed)), strings.ReplaceAll(fmt.Sprint(err), "\n", " "))
	return 0
}

// tellParent says something to who started the program.
func tellParent(what ...any) {
	fmt.Println(what...) //nolint:forbidigo // its parent reads it
}

// slowly writes objects so that a run takes seconds.
type slowly struct{ forEngine }

func (s slowly) Apply(ctx context.Context, o model.Object, p model.PlannedObject) (model.InventoryEntry, error) {
	if err := pause(ctx, 300*time.Millisecond); err != nil {
		return model.InventoryEntry{}, err
	}
	return s.forEngine.Apply(ctx, o, p)
}

// sleepRig has forty objects that one operator is to ship, slowly.
func sleepRig(t *testing.T) (*rig, *operator) {
	r := newRig(t, testcluster.Get(t), testcluster.Get(t).Namespace(t), "")
	second := r.operator("second", func(cfg *Config) { cfg.LeaseDuration = sleepLease }, nil)
	r.commit(1, numbered(40, "zero"))
	if _, err := second.apply(t.Context(), second.plan()); err != nil {
		t.Fatal(err)
	}
	return r, second
}

// takeOver waits until the lock has expired, and ships another commit.
func takeOver(t *testing.T, r *rig, second *operator) {
	t.Helper()
	r.commit(3, numbered(40, "second"))
	testcluster.Eventually(t, 30*time.Second, "the sleeper's lock expires", func() (bool, error) {
		lock, err := second.c.Expired(t.Context(), "staging")
		return lock != nil, err
	})
	if _, err := second.apply(t.Context(), second.plan()); err != nil {
		t.Fatalf("%v\n%s", err, second.story())
	}
}

// versions are the resourceVersions of all that a run writes to: objects,
// records and the lock.
func (r *rig) versions() map[string]string {
	r.t.Helper()
	out := map[string]string{}
	for _, ns := range []string{r.ns, r.space} {
		list, err := r.admin.Resource(configGVR).Namespace(ns).List(r.t.Context(), metav1.ListOptions{})
		if err != nil {
			r.t.Fatal(err)
		}
		for _, o := range list.Items {
			out[ns+"/"+o.GetName()] = o.GetResourceVersion()
		}
	}
	lease, err := r.admin.Resource(leaseGVR).Namespace(r.space).Get(r.t.Context(), stateName("staging"), metav1.GetOptions{})
	if err != nil {
		r.t.Fatal(err)
	}
	out["lease"] = lease.GetResourceVersion()
	return out
}

// wantAsleep checks that nothing was written since before, and that the records
// of both runs are true.
func wantAsleep(t *testing.T, r *rig, before map[string]string) {
	t.Helper()
	after := r.versions()
	changed := 0
	for name, version := range after {
		if before[name] != version {
			changed++
			t.Errorf("%s was written by the one that had slept", name)
		}
	}
	t.Logf("%d of %d objects, records and locks were written after the lock was lost", changed, len(after))
	wrong, run := r.untrue(nil, "second", fmt.Sprintf("%040x", 3))
	if len(wrong) > 0 || run == nil {
		t.Errorf("the second run's record is not true: %v", wrong)
	}
	runs, err := r.operator("looker", nil, nil).c.Runs(t.Context(), "staging")
	if err != nil {
		t.Fatal(err)
	}
	if len(runs) != 3 || runs[1].State != model.RunInterrupted || runs[0].State != model.RunSucceeded {
		t.Errorf("%d runs are recorded, the sleeper's is %+v", len(runs), runs[min(1, len(runs)-1)].State)
	}
}

// TestSleepingRun lets an operator's clock jump in the middle of a run, and all
// that is to be sent stand still, until another operator has taken over the lock
// and has shipped. What is sent after that can be told from what was sent before.
func TestSleepingRun(t *testing.T) {
	t.Parallel()
	r, second := sleepRig(t)
	var jumped atomic.Int64 // how far the clock has
	var awake, late atomic.Int64
	reached, woken := make(chan struct{}), make(chan struct{})
	first := r.operator("sleeper", func(cfg *Config) {
		cfg.LeaseDuration = sleepLease
		cfg.Now = func() time.Time { return time.Now().Add(time.Duration(jumped.Load())) }
	}, func(next http.RoundTripper) http.RoundTripper {
		return hook{next: next, before: func(q *http.Request) error {
			select {
			case <-woken:
				if isWrite(q) {
					late.Add(1)
					t.Logf("sent after the sleep: %s %s", q.Method, q.URL.Path)
				}
				return nil
			default:
			}
			if n := awake.Load(); n < 18 {
				if isWrite(q) && strings.Contains(q.URL.Path, "/"+r.ns+"/") && awake.Add(1) == 18 {
					close(reached)
				}
				return nil
			}
			// All stands still, as everything does in a computer that sleeps: what
			// was about to be sent is not, and fails when it wakes.
			<-woken
			return (&netOpError{"write", syscall.ECONNRESET}).error()
		}}
	})
	r.commit(2, numbered(40, "sleeper"))
	plan := first.plan()
	ended := make(chan error, 1)
	go func() {
		_, err := first.apply(t.Context(), plan)
		ended <- err
	}()
	<-reached
	asleep := time.Now()
	takeOver(t, r, second)
	before := r.versions()
	jumped.Store(int64(time.Hour))
	close(woken)
	err := <-ended
	t.Logf("asleep for %s; writes sent after it: %d; it ended with: %v", time.Since(asleep).Round(100*time.Millisecond), late.Load(), err)
	wantCode(t, err, model.ExitLocked, "the lock was lost")
	if late.Load() > 0 {
		t.Errorf("%d writes were sent after the lock was lost", late.Load())
	}
	wantAsleep(t, r, before)
}
