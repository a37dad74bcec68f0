package cluster

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/internal/testcluster"
	"github.com/fairtide-dev/fairtide/model"
)

// stoppable is a clock of a process that can be stopped: for as long as it is,
// nothing of the process runs, and both its clocks go on.
type stoppable struct {
	mu   sync.Mutex
	gone time.Duration
}

func (s *stoppable) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Add(s.gone)
}

func (s *stoppable) stoppedFor(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone += d
}

// A process that was stopped for longer than its lease lasts: it knows at once,
// and whatever it sends all the same is refused.
func TestLockAfterStop(t *testing.T) {
	t.Parallel()
	space := stateSpace(t)
	clock := &stoppable{}
	a, _ := stateClient(t, space, func(cfg *Config) { shortLease(cfg); cfg.Now = clock.now })
	b, _ := stateClient(t, space, shortLease)
	ctx := t.Context()
	old := mustLock(t, a, "op1@host", "")
	run := mustNewRun(t, a, "production")
	if err := old.SetRun(ctx, run.ID); err != nil {
		t.Fatal(err)
	}
	state, err := a.WriteState(ctx, "production", someState("op1@host"))
	if err != nil || !old.Held() {
		t.Fatalf("held %t, %v", old.Held(), err)
	}
	old.stop() // nothing of it runs
	<-old.done
	clock.stoppedFor(time.Minute)
	if old.Held() {
		t.Error("held after a minute without renewal")
	}
	var taken *Lease
	testcluster.Eventually(t, 30*time.Second, "somebody takes the lock over", func() (bool, error) {
		taken, err = b.Lock(ctx, "production", model.LockAsk{Holder: "op2@host", TakeOver: "op1 went home"})
		return err == nil, err
	})
	t.Cleanup(func() { taken.stop(); <-taken.done })

	// Neither the new holder's run nor its state is written yet.
	_, err = a.WriteState(ctx, "production", state)
	wantLocked(t, err, "nothing was recorded", "op2@host took over the lock")
	for range 2 {
		wantLocked(t, a.SaveRun(ctx, run), run.ID, "taken it over")
	}
	wantLocked(t, old.SetRun(ctx, "x"), "lost")

	// The new holder works with what it reads under the lock.
	if state, err = b.ReadState(ctx, "production"); err != nil {
		t.Fatal(err)
	}
	if _, err = b.WriteState(ctx, "production", state); err != nil {
		t.Fatal(err)
	}
	resumed, err := b.TakeRun(ctx, "production", run.ID, model.RunAttempt{Operator: "op2@host", At: time.Now().UTC(), Reason: "op1 went home"})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.SaveRun(ctx, resumed); err != nil {
		t.Fatal(err)
	}
	_, err = a.WriteState(ctx, "production", state)
	wantLocked(t, err, "op1@host deployed") // the fence is gone with the next write
}

func TestLockTakeOverNeedsAReason(t *testing.T) {
	t.Parallel()
	space := stateSpace(t)
	a, _ := stateClient(t, space, shortLease)
	b, _ := stateClient(t, space, func(cfg *Config) { // another clock does not matter
		shortLease(cfg)
		cfg.Now = func() time.Time { return time.Now().Add(-time.Hour) }
	})
	ctx := t.Context()
	if lock, err := b.Expired(ctx, "production"); err != nil || lock != nil {
		t.Fatalf("without a Lease: %+v, %v", lock, err)
	}
	old := mustLock(t, a, "op1@host", "production-7")
	if lock, err := b.Expired(ctx, "production"); err != nil || lock != nil {
		t.Fatalf("held: %+v, %v", lock, err)
	}
	old.stop()
	<-old.done
	var asked *model.TakeOverError
	testcluster.Eventually(t, 30*time.Second, "the lock expires", func() (bool, error) {
		l, err := b.Lock(ctx, "production", model.LockAsk{Holder: "op2@host"})
		if err == nil {
			t.Fatalf("taken over without a reason: %+v", l.Previous())
		}
		wantLocked(t, err, "op1@host")
		return errors.As(err, &asked), err
	})
	if l := asked.Lock; l.Holder != "op1@host" || l.Run != "production-7" || l.Expires.IsZero() || !strings.Contains(asked.Error(), "with a reason") {
		t.Errorf("refused with %+v: %v", l, asked)
	}
	lock, err := b.Expired(ctx, "production")
	if err != nil || lock == nil || *lock != asked.Lock {
		t.Fatalf("expired %+v, %v", lock, err)
	}
	taken, err := b.Lock(ctx, "production", model.LockAsk{Holder: "op2@host", Run: "production-7", Doing: "resuming", TakeOver: "op1's computer\nis gone"})
	if err != nil {
		t.Fatal(err)
	}
	if lock, err = a.ReadLock(ctx, "production"); err != nil || lock == nil || lock.Doing != "resuming" ||
		!strings.Contains(lock.TookOver, "op1@host") || !strings.HasSuffix(lock.TookOver, ": op1's computer is gone") {
		t.Fatalf("lock %+v, %v", lock, err)
	}
	_, err = a.Lock(ctx, "production", lockAsk("op3@host", ""))
	wantLocked(t, err, "op2@host", "production-7", "(resuming)")

	// What the holder does is carried by the renewals.
	taken.SetDoing("wave 2 of 5: workloads")
	testcluster.Eventually(t, 10*time.Second, "what it does is seen", func() (bool, error) {
		lock, err := a.ReadLock(ctx, "production")
		return lock != nil && lock.Doing == "wave 2 of 5: workloads", err
	})
	if err := taken.Release(ctx); err != nil {
		t.Fatal(err)
	}
	next := mustLock(t, a, "op1@host", "")
	if lock, err = a.ReadLock(ctx, "production"); err != nil || lock.Doing != "" || lock.TookOver != "" || next.Previous() != nil {
		t.Errorf("a free lock was taken: %+v, %v", lock, err)
	}
}
