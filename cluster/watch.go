package cluster

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"

	"github.com/fairtide-dev/fairtide/model"
)

const (
	// coalesce is how long changes are collected before they are judged: one
	// step of a rollout is several updates of several objects.
	coalesce = 50 * time.Millisecond
	// settledReaders bounds the requests for objects that are not watched.
	settledReaders = 8
)

var (
	podGVR        = schema.GroupVersionResource{Version: "v1", Resource: "pods"}
	eventGVR      = schema.GroupVersionResource{Version: "v1", Resource: "events"}
	replicaSetGVR = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "replicasets"}
)

// Watch tells emit how far the targets are from ready: each once when it is
// first known, and then whenever that changed. emit is called from one
// goroutine at a time, and not after Watch returned. Watch returns nil when
// ctx ends, and an error only when it cannot begin. That the API server is away
// then is no such error: it is waited for.
//
// It watches the kinds among the targets, and for workloads their namespaces'
// pods, ReplicaSets and warnings; it does not poll. Watches that break are
// resumed, and what was known until then stays. A kind that may not be watched
// is reported as the cause of its targets.
//
// While the API server does not answer, away is told since when and why, and
// once it does again the zero time. It is called as emit is; nil: nobody asks.
func (c *Client) Watch(ctx context.Context, targets []model.Target, emit func(model.Progress), away func(since time.Time, why string)) error {
	w := newWatchRun(c)
	ctx, cancel := context.WithCancel(klog.NewContext(ctx, logr.Discard())) // nothing may print under the UI
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	mappings, err := w.resolve(ctx, targets, away)
	if err != nil || ctx.Err() != nil {
		return err
	}
	settled := w.plan(targets, mappings)
	for _, f := range w.feeds {
		running.Go(func() { f.run(ctx) })
	}
	w.spawn = func(task func(context.Context)) { running.Go(func() { task(ctx) }) }
	running.Go(func() { w.readSettled(ctx, settled) })
	var grown <-chan time.Time // when time alone may have changed a verdict
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-w.wake:
		case <-grown:
		}
		if len(w.feeds) > 0 { // else all that there is to say is known already
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(coalesce):
			}
		}
		now := c.cfg.Now()
		told, again := w.collect(now)
		w.tellAway(now, &again, away)
		for _, p := range told {
			emit(p)
		}
		if grown = nil; again > 0 {
			grown = time.After(again)
		}
	}
}

// watchRun is one call of Watch. mu guards all that feeds and the main loop
// share; the objects themselves are never changed once they are in.
type watchRun struct {
	c       *Client
	feeds   map[feedKey]*feed
	entries []*watchEntry // in the order of the targets
	wake    chan struct{}
	spawn   func(func(context.Context)) // runs a task beside the watch, until that ends

	mu          sync.Mutex
	dirty       map[*watchEntry]bool
	byUID       map[types.UID]*watchEntry
	pods        owned[*corev1.Pod]
	replicaSets owned[*appsv1.ReplicaSet]
	events      map[types.UID]map[types.UID]*corev1.Event // by the object they are about
	away        absence[feedKey]

	gone time.Time // since when away was told of; of the main loop alone
}

func newWatchRun(c *Client) *watchRun {
	return &watchRun{
		c: c, feeds: map[feedKey]*feed{}, dirty: map[*watchEntry]bool{}, wake: make(chan struct{}, 1),
		byUID: map[types.UID]*watchEntry{}, events: map[types.UID]map[types.UID]*corev1.Event{},
		pods: newOwned[*corev1.Pod](), replicaSets: newOwned[*appsv1.ReplicaSet](),
	}
}

// watchEntry is a target with what is known about it.
type watchEntry struct {
	target   model.Target
	resource schema.GroupVersionResource
	own      *feed   // of the object itself; nil: it is not watched
	others   []*feed // of what its cause may be found in
	podFeed  *feed   // among others; nil: it has no pods

	object *unstructured.Unstructured
	// cleanedUp is set when Kubernetes deletes a Job because it has ended.
	cleanedUp bool
	fixed     *model.Progress // what there is to say about an object that is not watched
	last      *model.Progress // what was emitted
	again     time.Time       // when to judge it again although nothing changed; zero: no need

	heard map[string]lastWords // of its containers that crashed
	asked int                  // how many logs were read for that
}

// owned are objects by their UID and by their controller's.
type owned[T metav1.Object] struct {
	all map[types.UID]T
	by  map[types.UID]map[types.UID]T
}

func newOwned[T metav1.Object]() owned[T] {
	return owned[T]{all: map[types.UID]T{}, by: map[types.UID]map[types.UID]T{}}
}

func (o owned[T]) put(obj T) {
	o.all[obj.GetUID()] = obj
	if ref := metav1.GetControllerOf(obj); ref != nil {
		if o.by[ref.UID] == nil {
			o.by[ref.UID] = map[types.UID]T{}
		}
		o.by[ref.UID][obj.GetUID()] = obj
	}
}

func (o owned[T]) drop(obj T) {
	delete(o.all, obj.GetUID())
	if ref := metav1.GetControllerOf(obj); ref != nil {
		if delete(o.by[ref.UID], obj.GetUID()); len(o.by[ref.UID]) == 0 {
			delete(o.by, ref.UID)
		}
	}
}

func (o owned[T]) of(controller types.UID) []T {
	return slices.Collect(maps.Values(o.by[controller]))
}

// plan makes an entry of each target and the feeds they need; a target without a
// mapping is of a kind that is not served. It returns the entries that are read
// once, because nothing can be wrong with their kinds.
func (w *watchRun) plan(targets []model.Target, mappings []*meta.RESTMapping) []*watchEntry {
	var settled []*watchEntry
	var watched []*watchEntry
	type place struct {
		gvr schema.GroupVersionResource
		ns  string
	}
	count := map[place]int{}
	for i, t := range targets {
		e := &watchEntry{target: t}
		w.entries = append(w.entries, e)
		m := mappings[i]
		if m == nil {
			p := model.Progress{ID: t.ID, Readiness: model.ReadinessProgress, Message: "its kind is not known", Doomed: true}
			p.Cause = fmt.Sprintf("%s: the cluster does not serve %s; apply its CustomResourceDefinition first", t.ID, groupKind(t.ID))
			w.fix(e, p)
			continue
		}
		e.resource = m.Resource
		if settledKinds[groupKind(t.ID)] {
			settled = append(settled, e)
			continue
		}
		watched = append(watched, e)
		count[place{m.Resource, t.ID.Namespace}]++
	}
	for _, e := range watched {
		fields := ""
		if count[place{e.resource, e.target.ID.Namespace}] == 1 {
			fields = "metadata.name=" + e.target.ID.Name
		}
		w.follow(e, fields)
	}
	return settled
}

// follow connects an entry to its feeds.
func (w *watchRun) follow(e *watchEntry, fields string) {
	ns, gk := e.target.ID.Namespace, groupKind(e.target.ID)
	e.own = w.feed(feedTargets, e.resource, ns, fields)
	e.own.wanted[e.target.ID.Name] = e
	if toldByEvents[gk] {
		e.others = append(e.others, w.feed(feedEvents, eventGVR, ns, "involvedObject.kind="+gk.Kind))
	}
	if workloadKinds[gk] == nil {
		return
	}
	e.others = append(e.others, w.feed(feedEvents, eventGVR, ns, "type="+corev1.EventTypeWarning))
	if gk.Kind == "StatefulSet" { // why its claims are not bound is not always a warning
		e.others = append(e.others, w.feed(feedEvents, eventGVR, ns, "involvedObject.kind=PersistentVolumeClaim"))
	}
	if gk.Kind == "Pod" {
		return
	}
	e.podFeed = w.feed(feedPods, podGVR, ns, "")
	e.others = append(e.others, e.podFeed)
	if gk.Kind == "Deployment" || gk.Kind == "Rollout" {
		e.others = append(e.others, w.feed(feedReplicaSets, replicaSetGVR, ns, ""))
	}
}

func (w *watchRun) feed(kind feedKind, gvr schema.GroupVersionResource, ns, fields string) *feed {
	key := feedKey{kind, gvr, ns, fields}
	if w.feeds[key] == nil {
		w.feeds[key] = &feed{w: w, feedKey: key, items: map[string]metav1.Object{}, wanted: map[string]*watchEntry{}}
	}
	return w.feeds[key]
}

// fix says all there is to say about an entry.
func (w *watchRun) fix(e *watchEntry, p model.Progress) {
	w.mu.Lock()
	defer w.mu.Unlock()
	e.fixed = &p
	w.mark(e)
}

// mark has an entry judged anew; w.mu is held.
func (w *watchRun) mark(e *watchEntry) {
	w.dirty[e] = true
	w.stir()
}

func (w *watchRun) stir() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// markOwner marks the entry that an object belongs to, if that is known yet;
// w.mu is held.
func (w *watchRun) markOwner(uid types.UID) {
	for range 4 { // pod, ReplicaSet, workload: no chain is longer
		if e := w.byUID[uid]; e != nil {
			w.mark(e)
			return
		}
		var obj metav1.Object
		if pod, ok := w.pods.all[uid]; ok {
			obj = pod
		} else if rs, ok := w.replicaSets.all[uid]; ok {
			obj = rs
		} else {
			return
		}
		ref := metav1.GetControllerOf(obj)
		if ref == nil {
			return
		}
		uid = ref.UID
	}
}

// readSettled reads the objects that need no watch: when one exists it is
// ready. Only metadata is read, as there are Secrets among them.
func (w *watchRun) readSettled(ctx context.Context, entries []*watchEntry) {
	slots := make(chan struct{}, settledReaders)
	var readers sync.WaitGroup
	defer readers.Wait()
	for _, e := range entries {
		id := e.target.ID
		ready := model.Progress{ID: id, Readiness: model.ReadinessReady, Message: "exists"}
		if e.target.UID != "" { // the API server said so when it was applied
			w.fix(e, ready)
			continue
		}
		slots <- struct{}{}
		readers.Go(func() {
			defer func() { <-slots }()
			err := w.insist(ctx, feedKey{kind: feedOnce, gvr: e.resource, ns: id.Namespace, fields: id.Name}, func() error {
				_, err := w.c.short.Resource(e.resource).Namespace(id.Namespace).Get(atOnce(ctx), id.Name, metav1.GetOptions{})
				return err
			})
			p := ready
			switch {
			case ctx.Err() != nil:
				return
			case apierrors.IsNotFound(err):
				p.Readiness, p.Message = model.ReadinessWaiting, "not there yet"
			case err != nil:
				p.Readiness, p.Message = model.ReadinessWaiting, "cannot be read"
				p.Cause = refusal("get", e.resource, id.Namespace, err)
			}
			w.fix(e, p)
		})
	}
}

// refusal words why the cluster does not let us see a kind.
func refusal(verbs string, gvr schema.GroupVersionResource, ns string, err error) string {
	where := "in all namespaces"
	if ns != "" {
		where = fmt.Sprintf("in %q", ns)
	}
	resource := gvr.GroupResource().String()
	if apierrors.IsForbidden(err) {
		return fmt.Sprintf("cannot watch %s: forbidden (needs %q %s)", resource, verbs+" "+resource, where)
	}
	return plainLine(fmt.Sprintf("cannot watch %s %s: %v", resource, where, err), causeMost)
}

// collect judges what changed, and what has grown old enough to be judged
// anew. It returns what is to be told, and in how long it has to be called
// again although nothing changes; 0: it need not.
func (w *watchRun) collect(now time.Time) (out []model.Progress, again time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.entries {
		if !e.again.IsZero() && !e.again.After(now) {
			w.dirty[e] = true
		}
		if w.dirty[e] {
			if p, changed := w.judgeEntry(e, now); changed {
				out = append(out, p)
			}
		}
		if in := e.again.Sub(now); !e.again.IsZero() && (again == 0 || in < again) {
			again = max(in, time.Millisecond)
		}
	}
	return out, again
}

// tellAway tells when the API server went away, and when it is back. again is
// made shorter when there may be something to tell earlier.
func (w *watchRun) tellAway(now time.Time, again *time.Duration, tell func(since time.Time, why string)) {
	w.mu.Lock()
	since, why, later := w.away.since(now)
	w.mu.Unlock()
	*again = sooner(*again, later)
	if since.IsZero() == w.gone.IsZero() {
		return
	}
	if w.gone = since; tell != nil {
		tell(since, why)
	}
}

// judgeEntry judges an entry and reports whether there is news. w.mu is held.
func (w *watchRun) judgeEntry(e *watchEntry, now time.Time) (p model.Progress, changed bool) {
	e.again = time.Time{}
	p, known := w.read(e, now)
	if !known {
		return p, false // stays dirty until its feeds are there
	}
	delete(w.dirty, e)
	if e.last != nil && reflect.DeepEqual(*e.last, p) {
		return p, false
	}
	e.last = &p
	return p, true
}

// read judges an entry; false while too little is known. w.mu is held.
func (w *watchRun) read(e *watchEntry, now time.Time) (model.Progress, bool) {
	if e.fixed != nil {
		return *e.fixed, true
	}
	if e.cleanedUp && e.last != nil && (e.last.Readiness == model.ReadinessReady || e.last.Readiness == model.ReadinessFailed) {
		return *e.last, true // its pods go away with it, and with them the cause
	}
	if !e.own.synced {
		if e.own.refused == "" {
			return model.Progress{}, false
		}
		return model.Progress{
			ID: e.target.ID, Readiness: model.ReadinessProgress,
			Message: "cannot be watched", Cause: e.own.refused, Doomed: true,
		}, true
	}
	for _, f := range e.others {
		if !f.synced && f.refused == "" {
			return model.Progress{}, false
		}
	}
	r := reading{target: e.target, object: e.object, now: now, again: &e.again, podsOf: w.pods.of, eventsOf: func(uid types.UID) []*corev1.Event {
		return slices.Collect(maps.Values(w.events[uid]))
	}}
	r.heard = func(of crashRef) string { return w.heard(e, of) }
	r.eventsNamed = func(kind, name string) []*corev1.Event { return w.eventsNamed(e.target.ID.Namespace, kind, name) }
	if e.podFeed != nil && !e.podFeed.synced {
		r.podsRefused = e.podFeed.refused
	}
	if e.object != nil {
		r.replicaSets = w.replicaSets.of(e.object.GetUID())
	}
	p := judge(r)
	if p.Readiness != model.ReadinessReady && p.Cause == "" {
		p.Cause = e.own.refused // it could be listed, but not watched
	}
	return p, true
}

// eventsNamed are the events about an object of which only the name is known.
// w.mu is held.
func (w *watchRun) eventsNamed(ns, kind, name string) []*corev1.Event {
	var out []*corev1.Event
	for _, events := range w.events {
		for _, e := range events {
			if about := e.InvolvedObject; about.Kind == kind && about.Name == name && about.Namespace == ns {
				out = append(out, e)
			}
		}
	}
	return out
}
