package cluster

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/internal/testcluster"
	"github.com/fairtide-dev/fairtide/model"
)

// newsOf watches the runs of production until the test ends.
func newsOf(t *testing.T, c *Client) (latest func() (model.RunNews, int)) {
	t.Helper()
	var mu sync.Mutex
	var last model.RunNews
	told := 0
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- c.WatchRun(ctx, "production", func(n model.RunNews) {
			mu.Lock()
			defer mu.Unlock()
			last = n
			told++
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return func() (model.RunNews, int) {
		mu.Lock()
		defer mu.Unlock()
		return last, told
	}
}

func TestWatchRun(t *testing.T) {
	t.Parallel()
	space := stateSpace(t)
	writer, _ := stateClient(t, space, shortLease)
	watcher, f := stateClient(t, space, func(cfg *Config) { cfg.Now = func() time.Time { return time.Now().Add(time.Hour) } })
	ctx := t.Context()
	latest := newsOf(t, watcher)
	sees := func(what string, want func(model.RunNews) bool) {
		t.Helper()
		testcluster.Eventually(t, 30*time.Second, what, func() (bool, error) {
			n, told := latest()
			return told > 0 && want(n), nil
		})
	}
	sees("that there is nothing", func(n model.RunNews) bool { return n.Run == nil && n.Lock == nil && n.Away.IsZero() })

	mustNewRun(t, writer, "staging") // not ours
	lease := mustLock(t, writer, "op1@host", "")
	sees("the lock", func(n model.RunNews) bool { return n.Lock != nil && n.Lock.Holder == "op1@host" && n.Run == nil })
	mustNewRun(t, writer, "production")
	run := mustNewRun(t, writer, "production")
	if err := lease.SetRun(ctx, run.ID); err != nil {
		t.Fatal(err)
	}
	sees("the newest run", func(n model.RunNews) bool {
		return n.Run != nil && n.Run.ID == run.ID && n.Lock != nil && n.Lock.Run == run.ID && !n.Interrupted()
	})
	run.State, run.Wave = model.RunWatching, 3
	if err := writer.SaveRun(ctx, run); err != nil {
		t.Fatal(err)
	}
	lease.SetDoing("watching wave 3")
	sees("how it goes on", func(n model.RunNews) bool {
		return n.Run.Wave == 3 && n.Lock != nil && n.Lock.Doing == "watching wave 3"
	})

	// Renewals are no news.
	_, told := latest()
	was := readLeaseObject(t, space).Spec.RenewTime.Time
	testcluster.Eventually(t, 10*time.Second, "the lock is renewed", func() (bool, error) {
		return readLeaseObject(t, space).Spec.RenewTime.After(was.Add(2 * time.Second)), nil
	})
	if n, now := latest(); now != told || n.Lock == nil {
		t.Errorf("told %d times that the lock is renewed: %+v", now-told, n)
	}

	// The API server is away for a while.
	f.down.Store(true)
	watcher.http.CloseIdleConnections()
	run.Wave = 4
	f.cut()
	sees("since when it is away", func(n model.RunNews) bool {
		return !n.Away.IsZero() && n.Reason != "" && n.Run.Wave == 3
	})
	if err := writer.SaveRun(ctx, run); err != nil {
		t.Fatal(err)
	}
	f.down.Store(false)
	sees("what happened meanwhile", func(n model.RunNews) bool { return n.Away.IsZero() && n.Run.Wave == 4 && n.Lock != nil })

	lease.stop() // the writer is killed
	<-lease.done
	sees("that the run was interrupted", func(n model.RunNews) bool { return n.Lock == nil && n.Interrupted() && n.Run.ID == run.ID })
	run.State = model.RunAborted
	if err := writer.SaveRun(ctx, run); err != nil {
		t.Fatal(err)
	}
	sees("its end", func(n model.RunNews) bool { return n.Run.State == model.RunAborted && !n.Interrupted() })
}

func TestWatchRunRefused(t *testing.T) {
	t.Parallel()
	tc := testcluster.Get(t)
	c, _ := stateClient(t, stateSpace(t), func(cfg *Config) { cfg.Kubeconfig = tc.KubeconfigFor(t, limitedUser) })
	latest := newsOf(t, c)
	testcluster.Eventually(t, 30*time.Second, "the refusal is said", func() (bool, error) {
		n, told := latest()
		return told > 0 && n.Away.IsZero() && n.Reason != "", nil
	})
}
