package cluster

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fairtide-dev/fairtide/internal/testcluster"
	"github.com/fairtide-dev/fairtide/model"
)

func shortLease(cfg *Config) {
	cfg.LeaseDuration, cfg.LeaseRenew = 3*time.Second, 400*time.Millisecond
}

// lockAsk asks for a lock, whoever let it expire.
func lockAsk(holder, run string) model.LockAsk {
	return model.LockAsk{Holder: holder, Run: run, TakeOver: "its holder is gone"}
}

func mustLock(t *testing.T, c *Client, holder, run string) *Lease {
	t.Helper()
	l, err := c.Lock(t.Context(), "production", lockAsk(holder, run))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		l.stop() // whatever the test did with it
		<-l.done
	})
	return l
}

func readLeaseObject(t *testing.T, space string) *coordinationv1.Lease {
	t.Helper()
	lease, err := adminClient(t).CoordinationV1().Leases(space).Get(t.Context(), stateName("production"), metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return lease
}

func TestLockIsExclusive(t *testing.T) {
	t.Parallel()
	space := stateSpace(t)
	a, _ := stateClient(t, space, nil)
	b, _ := stateClient(t, space, nil)
	ctx := t.Context()
	const rounds = 200
	wins := map[string]int{}
	for round := range rounds {
		leases, errs := [2]*Lease{}, [2]error{}
		var both sync.WaitGroup
		for i, c := range []*Client{a, b} {
			both.Go(func() {
				leases[i], errs[i] = c.Lock(ctx, "production", lockAsk(fmt.Sprintf("op%d@host", i), fmt.Sprintf("production-%d", round)))
			})
		}
		both.Wait()
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Fatalf("round %d: not exactly one has the lock: %v, %v", round, errs[0], errs[1])
		}
		won := 0
		if errs[0] != nil {
			won = 1
		}
		holder := fmt.Sprintf("op%d@host", won)
		wins[holder]++
		wantLocked(t, errs[1-won], "production: locked by "+holder+" since ", fmt.Sprintf("run production-%d", round))
		if !leases[won].Held() {
			t.Errorf("round %d: the winner does not hold the lock", round)
		}
		lock, err := b.ReadLock(ctx, "production")
		if err != nil || lock == nil || lock.Holder != holder || lock.Run != fmt.Sprintf("production-%d", round) ||
			!lock.Expires.After(lock.Since.Add(29*time.Second)) {
			t.Fatalf("round %d: lock %+v, %v", round, lock, err)
		}
		for range 2 { // again: nothing happens
			if err := leases[won].Release(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if leases[won].Held() {
			t.Error("held after its release")
		}
		if lock, err := a.ReadLock(ctx, "production"); err != nil || lock != nil {
			t.Fatalf("after the release: %+v, %v", lock, err)
		}
	}
	t.Logf("%d rounds, won by %v", rounds, wins)
}

func TestLockIsRenewed(t *testing.T) {
	t.Parallel()
	space := stateSpace(t)
	a, _ := stateClient(t, space, shortLease)
	b, _ := stateClient(t, space, shortLease)
	l := mustLock(t, a, "op1@host", "")
	first, err := b.ReadLock(t.Context(), "production")
	if err != nil || first == nil {
		t.Fatalf("%+v, %v", first, err)
	}
	if err := l.SetRun(t.Context(), "production-7"); err != nil {
		t.Fatal(err)
	}
	testcluster.Eventually(t, 30*time.Second, "the lock outlives its first expiry", func() (bool, error) {
		_, err := b.Lock(t.Context(), "production", lockAsk("op2@host", ""))
		wantLocked(t, err, "op1@host", "production-7")
		now, _, err := b.clock(t.Context())
		return err == nil && now.After(first.Expires.Add(2*time.Second)), err
	})
	select {
	case <-l.Lost():
		t.Error("lost although it was renewed")
	default:
	}
	if lease := readLeaseObject(t, space); !l.Held() || *lease.Spec.LeaseTransitions != 0 || !lease.Spec.AcquireTime.Equal(&metav1.MicroTime{Time: first.Since}) {
		t.Errorf("held %t, spec %+v", l.Held(), lease.Spec)
	}
}

func TestLockSurvivesALabel(t *testing.T) {
	t.Parallel()
	space := stateSpace(t)
	a, _ := stateClient(t, space, shortLease)
	l := mustLock(t, a, "op1@host", "")
	lease := readLeaseObject(t, space)
	testcluster.Eventually(t, 10*time.Second, "a label on the Lease", func() (bool, error) {
		lease = readLeaseObject(t, space)
		lease.Labels["team"] = "shop"
		_, err := adminClient(t).CoordinationV1().Leases(space).Update(t.Context(), lease, metav1.UpdateOptions{})
		return err == nil, err
	})
	was := *lease.Spec.RenewTime
	testcluster.Eventually(t, 10*time.Second, "renewals go on", func() (bool, error) {
		return readLeaseObject(t, space).Spec.RenewTime.After(was.Time), nil
	})
	if !l.Held() || readLeaseObject(t, space).Labels["team"] != "shop" {
		t.Error("the lock or the label is gone")
	}
}

func TestLockExpiresAndIsTakenOver(t *testing.T) {
	t.Parallel()
	space := stateSpace(t)
	a, _ := stateClient(t, space, shortLease)
	b, _ := stateClient(t, space, shortLease)
	old := mustLock(t, a, "op1@host", "production-7")
	old.stop() // its process is killed
	<-old.done
	var taken *Lease
	testcluster.Eventually(t, 30*time.Second, "the expired lock is free", func() (bool, error) {
		heldBefore := old.Held()
		var err error
		taken, err = b.Lock(t.Context(), "production", lockAsk("op2@host", "production-8"))
		if err == nil && heldBefore && old.Held() {
			t.Fatal("taken over while its holder still believed to have it")
		}
		return err == nil, err
	})
	t.Cleanup(func() { taken.stop(); <-taken.done })
	if p := taken.Previous(); p == nil || p.Holder != "op1@host" || p.Run != "production-7" {
		t.Errorf("took over from %+v", p)
	}
	if lease := readLeaseObject(t, space); *lease.Spec.LeaseTransitions != 1 || *lease.Spec.HolderIdentity != "op2@host" {
		t.Errorf("spec %+v", lease.Spec)
	}
	if old.Held() {
		t.Error("the old holder still believes to have the lock")
	}
	wantLocked(t, old.SetRun(t.Context(), "x"), "lost")
	if err := old.Release(t.Context()); err != nil {
		t.Error(err)
	}
	if lock, err := a.ReadLock(t.Context(), "production"); err != nil || lock == nil || lock.Holder != "op2@host" {
		t.Errorf("the old holder's release touched the new lock: %+v, %v", lock, err)
	}
}

func wantLost(t *testing.T, l *Lease, within time.Duration) {
	t.Helper()
	select {
	case <-l.Lost():
	case <-time.After(within):
		t.Fatalf("Lost did not fire within %s", within)
	}
	if l.Held() {
		t.Error("held although lost")
	}
	if err := l.Release(t.Context()); err != nil {
		t.Errorf("releasing what was lost: %v", err)
	}
}

func TestLockIsLost(t *testing.T) {
	t.Parallel()
	t.Run("taken by force", func(t *testing.T) {
		t.Parallel()
		space := stateSpace(t)
		c, _ := stateClient(t, space, shortLease)
		l := mustLock(t, c, "op1@host", "")
		testcluster.Eventually(t, 10*time.Second, "someone overwrites the Lease", func() (bool, error) {
			lease := readLeaseObject(t, space)
			lease.Spec.HolderIdentity = new("op2@host")
			lease.Annotations[annotationToken] = "another"
			_, err := adminClient(t).CoordinationV1().Leases(space).Update(t.Context(), lease, metav1.UpdateOptions{})
			return err == nil, err
		})
		wantLost(t, l, 10*time.Second)
		if lease := readLeaseObject(t, space); *lease.Spec.HolderIdentity != "op2@host" {
			t.Errorf("spec %+v", lease.Spec)
		}
	})
	t.Run("deleted", func(t *testing.T) {
		t.Parallel()
		space := stateSpace(t)
		c, _ := stateClient(t, space, shortLease)
		l := mustLock(t, c, "op1@host", "")
		if err := adminClient(t).CoordinationV1().Leases(space).Delete(t.Context(), stateName("production"), metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		wantLost(t, l, 10*time.Second)
	})
	t.Run("network away", func(t *testing.T) {
		t.Parallel()
		c, f := stateClient(t, stateSpace(t), shortLease)
		l := mustLock(t, c, "op1@host", "")
		f.down.Store(true)
		wantLost(t, l, 10*time.Second)
	})
}

func TestLockSurvivesAShortOutage(t *testing.T) {
	t.Parallel()
	space := stateSpace(t)
	c, f := stateClient(t, space, func(cfg *Config) {
		cfg.LeaseDuration, cfg.LeaseRenew = 20*time.Second, 200*time.Millisecond
	})
	l := mustLock(t, c, "op1@host", "")
	f.down.Store(true)
	testcluster.Eventually(t, 10*time.Second, "a second passes", func() (bool, error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.left() < 19*time.Second, nil
	})
	was := readLeaseObject(t, space).Spec.RenewTime.Time
	f.down.Store(false)
	testcluster.Eventually(t, 10*time.Second, "renewals go on", func() (bool, error) {
		return readLeaseObject(t, space).Spec.RenewTime.After(was), nil
	})
	if !l.Held() {
		t.Error("lost")
	}
}

// A computer that slept: its monotonic clock stood still, its wall clock did not.
func TestLockAfterSleep(t *testing.T) {
	t.Parallel()
	slept := time.Duration(0)
	var mu sync.Mutex
	c, _ := stateClient(t, stateSpace(t), func(cfg *Config) {
		cfg.Now = func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			return time.Now().Add(slept).Round(0)
		}
	})
	l := mustLock(t, c, "op1@host", "")
	if !l.Held() {
		t.Fatal("not held")
	}
	mu.Lock()
	slept = time.Hour
	mu.Unlock()
	if l.Held() {
		t.Error("held for an hour without renewal")
	}
}

func TestLockIgnoresAWrongLocalClock(t *testing.T) {
	t.Parallel()
	space := stateSpace(t)
	for _, off := range []time.Duration{time.Hour, -time.Hour} {
		a, _ := stateClient(t, space, nil)
		b, _ := stateClient(t, space, func(cfg *Config) { cfg.Now = func() time.Time { return time.Now().Add(off) } })
		l := mustLock(t, a, "op1@host", "")
		_, err := b.Lock(t.Context(), "production", lockAsk("op2@host", ""))
		wantLocked(t, err, "op1@host")
		if err := l.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		l = mustLock(t, b, "op2@host", "")
		_, err = a.Lock(t.Context(), "production", lockAsk("op1@host", ""))
		wantLocked(t, err, "op2@host")
		if err := l.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLockLostAnswers(t *testing.T) {
	t.Parallel()
	c, f := stateClient(t, stateSpace(t), nil)
	if _, err := c.WriteState(t.Context(), "other", model.State{}); err != nil { // so that the namespace is there
		t.Fatal(err)
	}
	for range 2 { // the Lease is created, then updated
		f.loseAnswer.Store(true)
		l := mustLock(t, c, "op1@host", "")
		if f.loseAnswer.Load() || !l.Held() || l.Previous() != nil {
			t.Fatalf("held %t, previous %+v", l.Held(), l.Previous())
		}
		f.loseAnswer.Store(true)
		if err := l.SetRun(t.Context(), "production-1"); err != nil || f.loseAnswer.Load() {
			t.Fatalf("the answer was lost: %t, %v", !f.loseAnswer.Load(), err)
		}
		f.loseAnswer.Store(true)
		if err := l.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLockOutlivesItsContext(t *testing.T) {
	t.Parallel()
	space := stateSpace(t)
	c, _ := stateClient(t, space, shortLease)
	ctx, cancel := context.WithCancel(t.Context())
	l, err := c.Lock(ctx, "production", lockAsk("op1@host", ""))
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	was := readLeaseObject(t, space).Spec.RenewTime.Time
	testcluster.Eventually(t, 10*time.Second, "renewals go on", func() (bool, error) {
		return readLeaseObject(t, space).Spec.RenewTime.After(was), nil
	})
	if err := l.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
}
