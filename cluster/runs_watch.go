package cluster

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr"
	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	apiwatch "k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/fairtide-dev/fairtide/model"
)

// readAgain is how long to wait until a record is read again that could not be.
const readAgain = time.Second

// WatchRun tells emit how the newest run of an environment stands and who holds
// the lock: once when that is first known, and then whenever it changed, for as
// long as ctx lasts. A lock that is only renewed is no news, and one that
// expires is. While the API server does not answer, emit is told since when,
// with what was known until then. emit is called from one goroutine at a time,
// and not after WatchRun returned. It returns nil when ctx ends, and an error
// only when it cannot begin.
//
// It watches the metadata of the records and the Lease, and reads the newest
// record when that changed; it does not poll. Watches that break are resumed.
func (c *Client) WatchRun(ctx context.Context, env string, emit func(model.RunNews)) error {
	ctx, cancel := context.WithCancel(klog.NewContext(ctx, logr.Discard())) // nothing may print under the UI
	w := &runWatch{c: c, env: env, wake: make(chan struct{}, 1), versions: map[string]string{}}
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	running.Go(func() { w.followRecords(ctx) })
	running.Go(func() {
		follow(ctx, c, leaseGVR, c.cfg.StateNamespace, "metadata.name="+stateName(env),
			&namedStore{w: w, take: w.takeLease}, func(_ string, err error) { w.answered("leases", err) })
	})
	w.loop(ctx, emit)
	return nil
}

// runWatch is one call of WatchRun. mu guards what its watches share with it.
type runWatch struct {
	c    *Client
	env  string
	wake chan struct{}

	mu           sync.Mutex
	versions     map[string]string // resourceVersions of the records, by name
	recordsKnown bool
	lease        *coordinationv1.Lease
	leaseKnown   bool
	leaseFresh   bool // it was told of as a change, so that it was renewed just now
	leaseMoved   bool // it is another than the one that was judged last
	away         absence[string]

	// Of the loop alone.
	told     model.RunNews
	anything bool       // something was told
	run      *model.Run // as last read
	read     string     // name and resourceVersion of what was
	expires  time.Time  // local; of the lock
	lock     *model.Lock
}

func (w *runWatch) stir() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *runWatch) loop(ctx context.Context, emit func(model.RunNews)) {
	for {
		again := w.update(ctx, emit)
		var later <-chan time.Time
		if again > 0 {
			later = time.After(again)
		}
		select {
		case <-ctx.Done():
			return
		case <-w.wake:
		case <-later:
		}
		if pause(ctx, coalesce) != nil {
			return
		}
	}
}

// update tells what is new, and says in how long to be called although nothing
// changes; 0: there is no need.
func (w *runWatch) update(ctx context.Context, emit func(model.RunNews)) (again time.Duration) {
	again = w.judgeLease(ctx)
	again = sooner(again, w.readNewest(ctx))
	if ctx.Err() != nil {
		return 0
	}
	news := model.RunNews{Run: w.run, Lock: w.lock}
	w.mu.Lock()
	known := w.recordsKnown && w.leaseKnown
	if news.Reason = w.away.refusal(); news.Reason != "" {
		known = true // as far as it will be
	}
	since, why, later := w.away.since(w.c.cfg.Now())
	if !since.IsZero() {
		news.Away, news.Reason = since, why
	}
	again = sooner(again, later)
	w.mu.Unlock()
	if !known && news.Away.IsZero() || w.anything && sameNews(news, w.told) {
		return again
	}
	w.told, w.anything = news, true
	emit(news)
	return again
}

func sameNews(a, b model.RunNews) bool {
	lock := func(l *model.Lock) model.Lock {
		if l == nil {
			return model.Lock{}
		}
		out := *l
		out.Expires = time.Time{}
		return out
	}
	return a.Run == b.Run && lock(a.Lock) == lock(b.Lock) && a.Away.Equal(b.Away) && a.Away.IsZero() == b.Away.IsZero() &&
		(a.Reason == b.Reason || !a.Away.IsZero())
}

// judgeLease finds out whether the lock is held, and says when it expires
// unless it is renewed.
func (w *runWatch) judgeLease(ctx context.Context) (again time.Duration) {
	w.mu.Lock()
	lease, moved, fresh := w.lease, w.leaseMoved, w.leaseFresh
	w.leaseMoved = false
	w.mu.Unlock()
	if moved {
		w.lock = nil
		if lease != nil {
			w.lock = leaseLock(lease)
		}
		if w.lock != nil && !w.expiry(ctx, fresh) {
			w.mu.Lock()
			w.leaseMoved = true
			w.mu.Unlock()
			return readAgain
		}
	}
	if w.lock == nil {
		return 0
	}
	// Both clocks count: the monotonic one may stop while a computer sleeps.
	now := w.c.cfg.Now()
	left := min(w.expires.Sub(now), w.expires.Round(0).Sub(now.Round(0)))
	if left <= 0 {
		w.lock = nil
		return 0
	}
	return left
}

// expiry finds the local time at which the lock expires. A renewal that was
// told of happened just now; what was found in a list may be old, and is judged
// by the API server's clock.
func (w *runWatch) expiry(ctx context.Context, fresh bool) bool {
	local := w.c.cfg.Now()
	if fresh {
		w.expires = local.Add(w.leaseSpan() + time.Second) // renewTime rounds up
		return true
	}
	now, _, err := w.c.clock(ctx)
	w.answered("clock", err)
	if err != nil {
		return false
	}
	w.expires = local.Add(w.lock.Expires.Sub(now))
	return true
}

func (w *runWatch) leaseSpan() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.lease == nil || w.lease.Spec.LeaseDurationSeconds == nil {
		return 0
	}
	return time.Duration(*w.lease.Spec.LeaseDurationSeconds) * time.Second
}

// readNewest reads the newest record if it is another than the one read last.
func (w *runWatch) readNewest(ctx context.Context) (again time.Duration) {
	w.mu.Lock()
	name, newest := "", 0
	for n := range w.versions {
		if i, ok := runSequence(w.env, strings.TrimPrefix(n, runName(""))); ok && i > newest {
			name, newest = n, i
		}
	}
	key := name + "@" + w.versions[name]
	w.mu.Unlock()
	if key == w.read || name == "" {
		if name == "" {
			w.run, w.read = nil, ""
		}
		return 0
	}
	run, err := w.c.Run(ctx, w.env, strings.TrimPrefix(name, runName("")))
	if err != nil && model.CodeOf(err, model.ExitUnreachable) == model.ExitUsage {
		// Deleted since, or damaged: what was known stays, and why is said.
		w.read = key
		w.mu.Lock()
		w.away.add("record", trouble{since: w.c.cfg.Now(), text: plainLine(err.Error(), reasonMost), refused: true})
		w.mu.Unlock()
		w.stir()
		return 0
	}
	w.answered("record", err)
	if err != nil {
		return readAgain
	}
	w.run, w.read = &run, key
	return 0
}

// answered takes note of how a request went.
func (w *runWatch) answered(what string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	news := w.away.note(what, err, w.c.cfg.Now(), func(err error) string {
		if apierrors.IsForbidden(err) {
			return fmt.Sprintf("cannot watch %s: forbidden (needs %q in %q)", what, "list,watch "+what, w.c.cfg.StateNamespace)
		}
		return plainLine(err.Error(), reasonMost)
	})
	if news {
		w.stir()
	}
}

// followRecords watches the metadata of the records: the bodies can be large.
func (w *runWatch) followRecords(ctx context.Context) {
	client := w.c.short.Resource(configMapGVR).Namespace(w.c.cfg.StateNamespace)
	lw := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			o.LabelSelector = runSelector(w.env)
			if o.ResourceVersion == "0" {
				o.ResourceVersion = "" // the server's cache may be behind what is recorded
			}
			list, err := client.List(atOnce(ctx), o) // that the server is away is told
			if err != nil {
				w.answered("configmaps", err)
			}
			return list, err
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (apiwatch.Interface, error) {
			o.LabelSelector = runSelector(w.env)
			out, err := client.Watch(ctx, o)
			w.answered("configmaps", watchError(out, err))
			return out, err
		},
	}
	quiet := logr.Discard()
	cache.NewReflectorWithOptions(lw, &metav1.PartialObjectMetadata{}, &namedStore{w: w, take: w.takeRecord}, cache.ReflectorOptions{
		Name: "fairtide", TypeDescription: "runs", Logger: &quiet,
		Backoff: &wait.Backoff{Duration: 200 * time.Millisecond, Factor: 2, Steps: 6, Cap: 5 * time.Second, Jitter: 0.5},
	}).RunWithContext(ctx)
}

// takeRecord takes in a record; gone: it was deleted. w.mu is held.
func (w *runWatch) takeRecord(o metav1.Object, gone, _ bool) error {
	if o == nil { // the list is whole
		w.recordsKnown = true
		return nil
	}
	if delete(w.versions, o.GetName()); !gone {
		w.versions[o.GetName()] = o.GetResourceVersion()
	}
	return nil
}

// takeLease takes in the Lease. w.mu is held.
func (w *runWatch) takeLease(o metav1.Object, gone, fresh bool) error {
	if o == nil {
		w.leaseKnown = true
		return nil
	}
	u, ok := o.(*unstructured.Unstructured)
	if !ok {
		return fmt.Errorf("watch of leases: unexpected %T", o)
	}
	w.leaseMoved, w.leaseFresh, w.lease = true, fresh, nil
	if gone {
		return nil
	}
	lease, err := typedObject[coordinationv1.Lease](u)
	w.lease = lease
	return err
}

// namedStore is the store of a reflector that hands on what it is told of.
type namedStore struct {
	w     *runWatch
	take  func(o metav1.Object, gone, fresh bool) error // w.mu is held
	names map[string]metav1.Object
}

var _ cache.ReflectorStore = (*namedStore)(nil)

func (s *namedStore) put(obj any, gone, fresh bool) error {
	o, ok := obj.(metav1.Object)
	if !ok {
		return fmt.Errorf("watch: unexpected %T", obj)
	}
	if s.names == nil {
		s.names = map[string]metav1.Object{}
	}
	if delete(s.names, o.GetName()); !gone {
		s.names[o.GetName()] = o
	}
	return s.take(o, gone, fresh)
}

func (s *namedStore) told(obj any, gone bool) error {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	defer s.w.stir()
	return s.put(obj, gone, true)
}

// Add takes in an object that is new. It is for the reflector.
func (s *namedStore) Add(obj any) error { return s.told(obj, false) }

// Update takes in an object that changed. It is for the reflector.
func (s *namedStore) Update(obj any) error { return s.told(obj, false) }

// Delete takes out an object that is gone. It is for the reflector.
func (s *namedStore) Delete(obj any) error { return s.told(obj, true) }

// Replace takes in a whole list. It is for the reflector.
func (s *namedStore) Replace(list []any, _ string) error {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	defer s.w.stir()
	before := s.names
	s.names = nil
	for _, obj := range list {
		if err := s.put(obj, false, false); err != nil {
			return err
		}
		if o, ok := obj.(metav1.Object); ok {
			delete(before, o.GetName())
		}
	}
	for _, o := range before {
		if err := s.take(o, true, false); err != nil {
			return err
		}
	}
	return s.take(nil, false, false)
}

// Resync does nothing: nobody asks for it. It is for the reflector.
func (s *namedStore) Resync() error { return nil }
