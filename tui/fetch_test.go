package tui

import (
	"errors"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/tuitest"
)

func TestTheAgeOfWhatIsShownIsAlwaysInView(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.Has("fetched 2 m ago")
		x.Pass(5*time.Minute + time.Second)
		x.Has("fetched 7 m ago")
		x.backend.Set(func(b *tuitest.Backend) { b.Freshness.At = time.Now() })
		x.Pass(time.Minute + time.Second)
		x.Lacks("7 m ago")
		x.Press("3", "h")
		x.Has("RUNS", "fetched")
	})
	play(t, 120, 40, func(b *tuitest.Backend, _ *Config) { b.Freshness = model.Fetch{} }, func(t *testing.T, x table) {
		x.Lacks("fetched") // without a remote nothing grows old
		x.Has("read just now")
	})
}

func TestOfflineIsSaidWithItsReasonUntilItIsOver(t *testing.T) {
	play(t, 120, 40, func(b *tuitest.Backend, _ *Config) {
		b.Fail("Fetch", errors.New("environments: the host of https://github.com/acme/environments is not found\x1b[31m; check the VPN"))
	}, func(t *testing.T, x table) {
		x.Has("ENVIRONMENTS", "production", "offline since 08:18, fetched 2 m ago", "check the VPN")
		x.Pass(14 * time.Minute)
		x.Has("offline since 08:18, fetched 16 m ago")
		x.Press("3", "enter")
		x.Has("5 of 26 objects", "offline since 08:18", "check the VPN")
		if n := x.backend.Count("Fetch"); n < 14 || n > 16 {
			t.Errorf("asked %d times in 14 minutes", n)
		}
		x.backend.Fail("Fetch", nil)
		x.backend.Set(func(b *tuitest.Backend) { b.Freshness.At = time.Now() })
		x.Pass(time.Minute)
		x.Lacks("offline", "check the VPN", "m ago: ")
		x.Press("esc")
		x.Has("ENVIRONMENTS", "  fetched ")
	})
}

func TestListsAreReadAgainOnlyWhenSomethingMoved(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.Press("3")
		before, envs := x.backend.Count("Pending"), x.backend.Count("Environments")
		x.Pass(5 * time.Minute)
		if x.backend.Count("Pending") != before || x.backend.Count("Environments") != envs {
			t.Errorf("read again although nothing moved: %q", x.backend.Calls())
		}
		// Somebody else ships: the cluster says so, not the remote.
		x.backend.Set(func(b *tuitest.Backend) {
			st := b.Statuses["production"]
			st.Deployed = &model.Deployed{Commit: tuitest.Head, At: time.Now(), By: "op2"}
			b.Statuses["production"] = st
			b.Pendings["production"] = model.Pending{Deployed: tuitest.Head, Head: b.Pendings["production"].Head}
		})
		x.Pass(2 * time.Minute)
		x.Has("everything merged is live")
		// And somebody merges.
		before = x.backend.Count("Pending")
		x.backend.Set(func(b *tuitest.Backend) { b.Freshness.Moved = true })
		x.Pass(time.Minute + time.Second)
		x.backend.Set(func(b *tuitest.Backend) { b.Freshness.Moved = false })
		if x.backend.Count("Pending") == before || x.backend.Count("Environments") == envs {
			t.Error("not read again although a branch moved")
		}
	})
}

func TestFetchingCanBeTurnedOff(t *testing.T) {
	play(t, 120, 40, func(b *tuitest.Backend, _ *Config) { b.Freshness.Every = 0 }, func(t *testing.T, x table) {
		x.Pass(10 * time.Minute)
		if n := x.backend.Count("Fetch"); n != 1 {
			t.Errorf("asked %d times", n)
		}
		x.Has("fetched 12 m ago")
		x.Press("ctrl+r")
		if n := x.backend.Count("Fetch"); n != 2 {
			t.Errorf("asked %d times", n)
		}
	})
}

func TestAFetchKeepsNobodyWaiting(t *testing.T) {
	play(t, 120, 40, func(b *tuitest.Backend, _ *Config) {
		time.AfterFunc(21*time.Minute, b.Hold("Fetch"))
	}, func(t *testing.T, x table) {
		x.Press("3", "tab", "j")
		x.Has("1 newer change stays pending")
		x.Pass(20 * time.Minute)
		x.Press("k", "enter")
		x.Has("5 of 26 objects")
		if n := x.backend.Count("Fetch"); n != 1 {
			t.Errorf("asked %d times at once", n)
		}
		x.Pass(2 * time.Minute)
	})
}

func TestHowOpeningGetsOnIsShown(t *testing.T) {
	said := "fetching https://example.com/envs for the first time"
	play(t, 80, 24, func(b *tuitest.Backend, c *Config) {
		time.AfterFunc(time.Minute, b.Hold("Environments"))
		c.Progress = func() string { return said }
	}, func(t *testing.T, x table) {
		x.Pass(time.Second)
		x.Has("Reading the environments", said)
		said = "Receiving objects: 45%"
		x.Pass(2 * time.Second)
		x.Has(said)
		x.Pass(2 * time.Minute)
		x.Lacks(said)
		x.Has("production")
	})
}
