package cluster

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fairtide-dev/fairtide/internal/testcluster"
	"github.com/fairtide-dev/fairtide/model"
)

// brokenLine refuses every request while it is down, ends the watches that are
// open when it goes down, and ends each watch after a while if it is told to.
type brokenLine struct {
	next    http.RoundTripper
	down    atomic.Bool
	cut     atomic.Pointer[context.CancelFunc]
	begun   atomic.Pointer[context.Context]
	life    time.Duration // of a watch; 0: for ever
	watches atomic.Int64  // that were begun
}

func newBrokenLine(life time.Duration) *brokenLine {
	l := &brokenLine{life: life}
	l.restore()
	return l
}

func (l *brokenLine) restore() {
	ctx, cancel := context.WithCancel(context.Background())
	l.begun.Store(&ctx)
	l.cut.Store(&cancel)
	l.down.Store(false)
}

func (l *brokenLine) breakOff() {
	l.down.Store(true)
	(*l.cut.Load())()
}

func (l *brokenLine) RoundTrip(r *http.Request) (*http.Response, error) {
	if l.down.Load() {
		return nil, io.ErrUnexpectedEOF
	}
	if r.URL.Query().Get("watch") == "" {
		return l.next.RoundTrip(r)
	}
	l.watches.Add(1)
	ctx, cancel := context.WithCancel(r.Context())
	if l.life > 0 {
		time.AfterFunc(l.life, cancel)
	}
	context.AfterFunc(*l.begun.Load(), cancel)
	return l.next.RoundTrip(r.WithContext(ctx))
}

// lineClient is a client behind a line that breaks.
func lineClient(t *testing.T, l *brokenLine) *Client {
	t.Helper()
	rc := rest.CopyConfig(testcluster.Get(t).Config(t))
	rc.Wrap(func(next http.RoundTripper) http.RoundTripper { l.next = next; return l })
	c, err := newForConfig(Config{StateNamespace: "unused", UserAgent: "test", Now: time.Now}, "test", rc)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func scaleDeployment(t *testing.T, ns, name, replicas string) {
	t.Helper()
	patch := []byte(`{"spec":{"replicas":` + replicas + `}}`)
	if _, err := adminClient(t).AppsV1().Deployments(ns).Patch(t.Context(), name, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
}

// While the API server is away, that is told once, with since when, and so is
// its end. What was known stays, nothing is told twice (see startWatch), and
// what happened meanwhile is caught up with.
func TestWatchTellsThatTheServerIsAway(t *testing.T) {
	t.Parallel()
	ns := testcluster.Get(t).Namespace(t)
	line := newBrokenLine(0)
	c := lineClient(t, line)
	target := createDeployment(t, ns, deploymentOf("web", 1, nil))
	w := startWatch(t, c, target)
	w.until(target.ID, "is ready", isReady)
	w.mu.Lock()
	told := len(w.all)
	w.mu.Unlock()

	broke := time.Now()
	line.breakOff()
	tellsAway := func(times int, what string) time.Time {
		t.Helper()
		testcluster.Eventually(t, 30*time.Second, what, func() (bool, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			return len(w.away) >= times, nil
		})
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.away[times-1]
	}
	if since := tellsAway(1, "that the server is away"); since.Before(broke) || time.Since(since) < awayAfter {
		t.Errorf("away since %v, told at %v; it broke off at %v", since, time.Now(), broke)
	}
	scaleDeployment(t, ns, "web", "2")
	w.mu.Lock()
	if len(w.all) != told || w.last[target.ID].Readiness != model.ReadinessReady {
		t.Errorf("while the server was away there was news: %+v", w.all[told:])
	}
	w.mu.Unlock()

	line.restore()
	if since := tellsAway(2, "that the server is back"); !since.IsZero() {
		t.Errorf("away since %v instead of being back", since)
	}
	w.until(target.ID, "has two pods", func(p model.Progress) bool { return isReady(p) && p.Ready == 2 })
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.away) != 2 {
		t.Errorf("told of the absence %d times: %v", len(w.away), w.away)
	}
}

// Watches that are closed each second are no absence, and no news.
func TestWatchClosedEachSecond(t *testing.T) {
	t.Parallel()
	ns := testcluster.Get(t).Namespace(t)
	line := newBrokenLine(time.Second)
	c := lineClient(t, line)
	target := createDeployment(t, ns, deploymentOf("web", 1, nil))
	w := startWatch(t, c, target)
	w.until(target.ID, "is ready", isReady)
	quiet := func() int {
		w.mu.Lock()
		defer w.mu.Unlock()
		return len(w.all)
	}
	told, watches := quiet(), line.watches.Load()
	testcluster.Eventually(t, time.Minute, "watches that are begun again and again", func() (bool, error) {
		return line.watches.Load() >= watches+12, nil
	})
	if now := quiet(); now != told {
		t.Errorf("%d readings without news", now-told)
	}
	scaleDeployment(t, ns, "web", "2")
	w.until(target.ID, "has two pods", func(p model.Progress) bool { return isReady(p) && p.Ready == 2 })
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.away) > 0 {
		t.Errorf("told that the server was away: %v", w.away)
	}
	t.Logf("%d watches were begun, %d readings told", line.watches.Load(), len(w.all))
}

func TestAbsence(t *testing.T) {
	t.Parallel()
	now := time.Unix(1000, 0)
	var a absence[string]
	plain := func(err error) string { return "refused: " + strings.ToLower(err.Error()) }
	if since, _, again := a.since(now); !since.IsZero() || again != 0 {
		t.Errorf("away since %v although nothing was noted, again in %s", since, again)
	}
	if !a.note("pods", io.EOF, now, plain) || a.note("pods", io.ErrUnexpectedEOF, now.Add(time.Second/2), plain) {
		t.Error("the first failure is news, and the second is none")
	}
	a.note("events", io.EOF, now.Add(time.Second/4), plain)
	if since, _, again := a.since(now.Add(time.Second / 2)); !since.IsZero() || again != time.Second/2 {
		t.Errorf("too early: away since %v, again in %s", since, again)
	}
	if since, why, again := a.since(now.Add(2 * time.Second)); !since.Equal(now) || why != "EOF" || again != 0 {
		t.Errorf("away since %v (%s), again in %s", since, why, again)
	}
	a.note("pods", nil, now, plain)
	if since, _, _ := a.since(now.Add(2 * time.Second)); !since.Equal(now.Add(time.Second / 4)) {
		t.Errorf("events are still away, and it is told since %v", since)
	}
	a.note("events", context.Canceled, now, plain) // says nothing
	a.note("events", nil, now, plain)
	if since, _, _ := a.since(now.Add(2 * time.Second)); !since.IsZero() {
		t.Errorf("away since %v after all answered", since)
	}
}
