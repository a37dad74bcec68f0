package cluster

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/fairtide-dev/fairtide/model"
)

// gather is how long moves are collected before they are told: what changes one
// object often changes the next a moment later.
const gather = 200 * time.Millisecond

// Observe tells emit when live objects of a plan are no longer as they were when
// it was read, for as long as ctx lasts. What only their status or the server's
// bookkeeping says is no news. emit is called from one goroutine at a time, and
// not after Observe returned. It returns nil when ctx ends.
//
// It watches the kinds of the plan in their namespaces and does not poll. What
// may not be watched is said once, and not asked for again.
func (c *Client) Observe(ctx context.Context, plan *model.Plan, emit func(model.Observation)) error {
	ctx, cancel := context.WithCancel(klog.NewContext(ctx, logr.Discard())) // nothing may print under the UI
	o := &observer{c: c, wake: make(chan struct{}, 1), moved: map[model.ObjectID]bool{}, refused: map[string]bool{}}
	feeds, err := o.plan(plan)
	if err != nil {
		cancel()
		return err
	}
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	for _, f := range feeds {
		running.Go(func() { f.run(ctx) })
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-o.wake:
		}
		if err := pause(ctx, gather); err != nil {
			return nil // being told to stop is how it ends
		}
		if news := o.take(); len(news.Moved) > 0 || news.Unwatched != "" {
			emit(news)
		}
	}
}

// observer is one call of Observe. mu guards what its feeds share with it.
type observer struct {
	c    *Client
	wake chan struct{}

	mu      sync.Mutex
	moved   map[model.ObjectID]bool
	refused map[string]bool // in words
	news    bool            // something was refused that is not told yet
}

// plan makes the feeds that a plan's objects need. Kinds that the server does
// not have yet are left out: the plan creates them.
func (o *observer) plan(plan *model.Plan) ([]*observedFeed, error) {
	feeds := map[feedKey]*observedFeed{}
	for _, row := range plan.Objects {
		m, err := o.c.mapper.RESTMapping(groupKind(row.ID), row.Version)
		if meta.IsNoMatchError(err) {
			continue
		}
		if err != nil {
			return nil, o.c.unreachable(err)
		}
		key := feedKey{kind: feedTargets, gvr: m.Resource, ns: row.ID.Namespace}
		if feeds[key] == nil {
			feeds[key] = &observedFeed{o: o, gvr: key.gvr, ns: key.ns, wanted: map[string]*sighting{}}
		}
		feeds[key].wanted[row.ID.Name] = &sighting{id: row.ID, version: row.Live.ResourceVersion}
	}
	return slices.Collect(maps.Values(feeds)), nil
}

// take is what there is to tell.
func (o *observer) take() model.Observation {
	o.mu.Lock()
	defer o.mu.Unlock()
	var out model.Observation
	out.Moved = slices.SortedFunc(maps.Keys(o.moved), model.ObjectID.Compare)
	clear(o.moved)
	if o.news {
		out.Unwatched = strings.Join(slices.Sorted(maps.Keys(o.refused)), "; ")
		o.news = false
	}
	return out
}

func (o *observer) tell() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// sighting is an object of the plan. What it looks like is kept as a digest:
// there are Secrets among them.
type sighting struct {
	id      model.ObjectID
	version string // the resourceVersion that the plan was made from; empty: there was no object
	listed  bool   // digest is known
	digest  [sha256.Size]byte
}

// observedFeed is the store of a reflector that keeps nothing but digests.
type observedFeed struct {
	o      *observer
	gvr    schema.GroupVersionResource
	ns     string
	wanted map[string]*sighting // by name
	stop   context.CancelFunc
}

var _ cache.ReflectorStore = (*observedFeed)(nil)

func (f *observedFeed) run(ctx context.Context) {
	ctx, f.stop = context.WithCancel(ctx)
	defer f.stop()
	fields := ""
	if len(f.wanted) == 1 {
		for name := range f.wanted {
			fields = "metadata.name=" + name
		}
	}
	follow(ctx, f.o.c, f.gvr, f.ns, fields, f, f.answered)
}

// answered gives up what is refused: asking again and again would cost the
// server, and a permission rarely comes while somebody reads a plan.
func (f *observedFeed) answered(_ string, err error) {
	if !apierrors.IsForbidden(err) && !apierrors.IsUnauthorized(err) && !apierrors.IsMethodNotSupported(err) {
		return // it works, or it breaks and comes back
	}
	f.o.mu.Lock()
	f.o.refused[refusal("list,watch", f.gvr, f.ns, err)] = true
	f.o.news = true
	f.o.mu.Unlock()
	f.o.tell()
	f.stop()
}

// see compares an object with what it was; nil: it is gone.
func (f *observedFeed) see(e *sighting, u *unstructured.Unstructured) error {
	var digest [sha256.Size]byte
	version := ""
	if u != nil {
		data, err := json.Marshal(normalise(u.Object, false))
		if err != nil {
			return fmt.Errorf("watch of %s: %w", f.gvr, err)
		}
		digest, version = sha256.Sum256(data), u.GetResourceVersion()
	}
	f.o.mu.Lock()
	defer f.o.mu.Unlock()
	same := digest == e.digest
	if !e.listed {
		same = version == e.version
	}
	e.listed, e.digest = true, digest
	if !same {
		f.o.moved[e.id] = true
		f.o.tell()
	}
	return nil
}

// Add takes in an object that is new. It is for the reflector.
func (f *observedFeed) Add(obj any) error { return f.Update(obj) }

// Update takes in an object that changed. It is for the reflector.
func (f *observedFeed) Update(obj any) error {
	u, ok := obj.(*unstructured.Unstructured)
	if !ok {
		return fmt.Errorf("watch of %s: unexpected %T", f.gvr, obj)
	}
	if e := f.wanted[u.GetName()]; e != nil {
		return f.see(e, u)
	}
	return nil
}

// Delete takes out an object that is gone. It is for the reflector.
func (f *observedFeed) Delete(obj any) error {
	u, ok := obj.(*unstructured.Unstructured)
	if !ok {
		return fmt.Errorf("watch of %s: unexpected %T", f.gvr, obj)
	}
	if e := f.wanted[u.GetName()]; e != nil {
		return f.see(e, nil)
	}
	return nil
}

// Replace takes in a whole list. It is for the reflector.
func (f *observedFeed) Replace(list []any, _ string) error {
	there := map[string]bool{}
	for _, obj := range list {
		if u, ok := obj.(*unstructured.Unstructured); ok {
			there[u.GetName()] = true
		}
		if err := f.Update(obj); err != nil {
			return err
		}
	}
	for name, e := range f.wanted {
		if !there[name] {
			if err := f.see(e, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// Resync does nothing: nobody asks for it. It is for the reflector.
func (f *observedFeed) Resync() error { return nil }
