package cluster

import (
	"context"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	apiwatch "k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
)

// feedKind says what a feed's objects are for.
type feedKind int

const (
	feedTargets feedKind = iota // the applied objects themselves
	feedPods
	feedReplicaSets
	feedEvents
	feedOnce // what is asked for once, and not watched
)

type feedKey struct {
	kind   feedKind
	gvr    schema.GroupVersionResource
	ns     string // empty: the kind has no namespaces
	fields string // a field selector
}

// feed keeps a watchRun up to date about one kind in one namespace. It is the
// store of a client-go reflector, which lists, watches, and does both again
// when the connection broke.
type feed struct {
	feedKey
	w      *watchRun
	wanted map[string]*watchEntry // of feedTargets, by name

	// Guarded by w.mu.
	items   map[string]metav1.Object // by name
	synced  bool                     // it was listed once
	refused string                   // why it cannot be watched at the moment
}

var _ cache.ReflectorStore = (*feed)(nil)

// run lists and watches until ctx ends.
func (f *feed) run(ctx context.Context) { follow(ctx, f.w.c, f.gvr, f.ns, f.fields, f, f.answered) }

// follow keeps a store up to date about the objects of one kind in one
// namespace until ctx ends. answered is told how each list and watch went.
func follow(ctx context.Context, c *Client, gvr schema.GroupVersionResource, ns, fields string,
	store cache.ReflectorStore, answered func(verb string, err error)) {
	client := c.dyn.Resource(gvr).Namespace(ns)
	lw := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			o.FieldSelector = fields
			if o.ResourceVersion == "0" {
				// The server's cache may be older than what was just applied,
				// and would show the state before it as ready.
				o.ResourceVersion = ""
			}
			list, err := client.List(atOnce(ctx), o) // that the server is away is told
			answered("list", err)
			return list, err
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (apiwatch.Interface, error) {
			o.FieldSelector = fields
			out, err := client.Watch(ctx, o)
			answered("watch", watchError(out, err))
			return out, err
		},
	}
	quiet := logr.Discard()
	cache.NewReflectorWithOptions(lw, &unstructured.Unstructured{}, store, cache.ReflectorOptions{
		Name: "fairtide", TypeDescription: gvr.String(), Logger: &quiet,
		Backoff: &wait.Backoff{Duration: 200 * time.Millisecond, Factor: 2, Steps: 6, Cap: 5 * time.Second, Jitter: 0.5},
	}).RunWithContext(ctx)
}

// answered takes note of a refusal or that the server is away, and of the end
// of either.
func (f *feed) answered(verb string, err error) {
	f.w.mu.Lock()
	defer f.w.mu.Unlock()
	now := f.w.c.cfg.Now()
	if f.w.away.note(f.feedKey, err, now, func(error) string { return "" }) {
		f.w.stir()
	}
	refused := ""
	switch {
	case err == nil && verb == "list":
		return // whether it may be watched too is still to be seen
	case err == nil:
	case apierrors.IsForbidden(err), apierrors.IsUnauthorized(err), apierrors.IsNotFound(err), apierrors.IsMethodNotSupported(err):
		refused = refusal("list,watch", f.gvr, f.ns, err)
	default:
		return // it breaks and comes back; what is known stays
	}
	if f.refused != refused {
		f.refused = refused
		f.markAll()
	}
}

// markAll marks every entry that depends on the feed; w.mu is held.
func (f *feed) markAll() {
	for _, e := range f.w.entries {
		depends := e.own == f
		for _, o := range e.others {
			depends = depends || o == f
		}
		if depends {
			f.w.mark(e)
		}
	}
}

// convert makes of what was received what is kept; nil: it is not needed.
func (f *feed) convert(obj any) (metav1.Object, error) {
	u, ok := obj.(*unstructured.Unstructured)
	if !ok {
		return nil, fmt.Errorf("watch of %s: unexpected %T", f.gvr, obj)
	}
	u.SetManagedFields(nil) // half of an object, and not looked at
	switch f.kind {
	case feedPods:
		return typedObject[corev1.Pod](u)
	case feedReplicaSets:
		return typedObject[appsv1.ReplicaSet](u)
	case feedEvents:
		return typedObject[corev1.Event](u)
	}
	if f.wanted[u.GetName()] == nil {
		return nil, nil
	}
	return u, nil
}

// Add takes in an object that is new. It is for the reflector.
func (f *feed) Add(obj any) error { return f.Update(obj) }

// Update takes in an object that changed. It is for the reflector.
func (f *feed) Update(obj any) error {
	o, err := f.convert(obj)
	if err != nil || o == nil {
		return err
	}
	f.w.mu.Lock()
	defer f.w.mu.Unlock()
	f.put(o)
	return nil
}

// Delete takes out an object that is gone. It is for the reflector.
func (f *feed) Delete(obj any) error {
	o, err := f.convert(obj)
	if err != nil || o == nil {
		return err
	}
	f.w.mu.Lock()
	defer f.w.mu.Unlock()
	f.remove(o.GetName())
	return nil
}

// Replace takes in a whole list. It is for the reflector.
func (f *feed) Replace(list []any, _ string) error {
	objects := make(map[string]metav1.Object, len(list))
	for _, obj := range list {
		o, err := f.convert(obj)
		if err != nil {
			return err
		}
		if o != nil {
			objects[o.GetName()] = o
		}
	}
	f.w.mu.Lock()
	defer f.w.mu.Unlock()
	for name := range f.items {
		if objects[name] == nil {
			f.remove(name)
		}
	}
	for _, o := range objects {
		f.put(o)
	}
	if !f.synced {
		f.synced = true
		f.markAll()
	}
	return nil
}

// Resync does nothing: nobody asks for it. It is for the reflector.
func (f *feed) Resync() error { return nil }

// put indexes an object; w.mu is held.
func (f *feed) put(o metav1.Object) {
	if old := f.items[o.GetName()]; old != nil && old.GetUID() != o.GetUID() {
		f.remove(o.GetName())
	}
	f.items[o.GetName()] = o
	switch o := o.(type) {
	case *corev1.Pod:
		f.w.pods.put(o)
	case *appsv1.ReplicaSet:
		f.w.replicaSets.put(o)
	case *corev1.Event:
		about := o.InvolvedObject.UID
		if f.w.events[about] == nil {
			f.w.events[about] = map[types.UID]*corev1.Event{}
		}
		f.w.events[about][o.UID] = o
		f.w.markOwner(about)
		return
	case *unstructured.Unstructured:
		e := f.wanted[o.GetName()]
		e.object, e.cleanedUp = o, o.GetDeletionTimestamp() != nil && expiredJob(o)
		f.w.byUID[o.GetUID()] = e
	}
	f.w.markOwner(o.GetUID())
}

// remove takes an object out of the indexes; w.mu is held.
func (f *feed) remove(name string) {
	old := f.items[name]
	if old == nil {
		return
	}
	delete(f.items, name)
	f.w.markOwner(old.GetUID())
	switch o := old.(type) {
	case *corev1.Pod:
		f.w.pods.drop(o)
	case *appsv1.ReplicaSet:
		f.w.replicaSets.drop(o)
	case *corev1.Event:
		// Events expire. What they told is outdated by then, or told again.
		about := o.InvolvedObject.UID
		f.w.markOwner(about)
		if delete(f.w.events[about], o.UID); len(f.w.events[about]) == 0 {
			delete(f.w.events, about)
		}
	case *unstructured.Unstructured:
		e := f.wanted[name]
		if expiredJob(o) {
			e.cleanedUp = true // how it ended stays true
			return
		}
		e.object = nil
		delete(f.w.byUID, o.GetUID())
		f.w.mark(e)
	}
}

// expiredJob reports a finished Job that Kubernetes deletes by itself.
func expiredJob(u *unstructured.Unstructured) bool {
	if u.GroupVersionKind().GroupKind() != (schema.GroupKind{Group: "batch", Kind: "Job"}) {
		return false
	}
	job, err := typedObject[batchv1.Job](u)
	return err == nil && job.Spec.TTLSecondsAfterFinished != nil && jobFinished(job).Type != ""
}
