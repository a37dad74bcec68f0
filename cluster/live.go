package cluster

import (
	"context"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairtide-dev/fairtide/model"
)

const (
	// listFrom is how many objects of a kind and namespace make one LIST
	// cheaper than a GET of each.
	listFrom = 5
	// listPage bounds the size of one answer.
	listPage = 500
	// readers is how many reads are under way at once.
	readers = 8
)

// planItem is one wanted object on its way to a verdict.
type planItem struct {
	object  model.Object // resolved
	mapping *meta.RESTMapping
	crd     *renderedCRD // set when the kind's definition is in the rendered set

	blocked string // why the server cannot be asked to predict it

	live     map[string]any // nil: there is none
	readErr  error          // why the live object could not be read
	noSchema bool           // the server's schema lacks a field that the rendered definition may add

	planned model.PlannedObject
	problem string // why applying would fail; empty: it is not known to
}

// readAll reads the live objects of the items: kind by kind where many are
// wanted, else one by one.
func (p *predictor) readAll(ctx context.Context, items []*planItem) error {
	type group struct {
		resource  schema.GroupVersionResource
		namespace string
	}
	groups := map[group][]*planItem{}
	for _, it := range items {
		if it.mapping != nil {
			g := group{it.mapping.Resource, it.object.ID.Namespace}
			groups[g] = append(groups[g], it)
		}
	}
	var lists [][]*planItem
	var singles []*planItem
	for _, g := range groups {
		if len(g) >= listFrom {
			lists = append(lists, g)
		} else {
			singles = append(singles, g...)
		}
	}
	var mu sync.Mutex
	err := eachBounded(ctx, len(lists), readers, func(ctx context.Context, i int) error {
		err := p.list(ctx, lists[i])
		if err == nil || concernsAll(ctx, err) {
			return err
		}
		mu.Lock() // may not list, so get each; a real obstacle shows there too
		defer mu.Unlock()
		singles = append(singles, lists[i]...)
		return nil
	})
	if err == nil {
		err = eachBounded(ctx, len(singles), readers, func(ctx context.Context, i int) error {
			return p.read(ctx, singles[i])
		})
	}
	if err != nil {
		return p.c.operatorError(ctx, err)
	}
	return nil
}

// list reads items of one kind and namespace together.
func (p *predictor) list(ctx context.Context, items []*planItem) error {
	wanted := make(map[string]*planItem, len(items))
	for _, it := range items {
		it.live = nil
		wanted[it.object.ID.Name] = it
	}
	from := p.c.resource(items[0].mapping, items[0].object.ID.Namespace)
	opts := metav1.ListOptions{Limit: listPage}
	for {
		page, err := from.List(ctx, opts)
		if err != nil {
			return err
		}
		for i := range page.Items {
			if it, ok := wanted[page.Items[i].GetName()]; ok {
				it.live = page.Items[i].Object
			}
		}
		if opts.Continue = page.GetContinue(); opts.Continue == "" {
			return nil
		}
	}
}

// read reads one live object. What stands in the way of this object alone is
// kept in the item; an error is returned for what concerns them all.
func (p *predictor) read(ctx context.Context, it *planItem) error {
	it.live, it.readErr = nil, nil
	o, err := p.c.resource(it.mapping, it.object.ID.Namespace).Get(ctx, it.object.ID.Name, metav1.GetOptions{})
	switch {
	case err == nil:
		it.live = o.Object
	case apierrors.IsNotFound(err):
	case concernsAll(ctx, err):
		return err
	default:
		it.readErr = err
	}
	return nil
}

// metaString reads a string of an object's metadata.
func metaString(object map[string]any, key string) string {
	s, _ := mapAt(object, "metadata")[key].(string)
	return s
}

// liveRef pins a reading.
func liveRef(object map[string]any) model.LiveRef {
	return model.LiveRef{UID: metaString(object, "uid"), ResourceVersion: metaString(object, "resourceVersion")}
}

// eachBounded calls fn for 0…n-1, at most limit at a time, and returns the
// first error, after which nothing new is begun.
func eachBounded(ctx context.Context, n, limit int, fn func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		next  int
		first error
	)
	take := func() (int, bool) {
		mu.Lock()
		defer mu.Unlock()
		if next >= n || first != nil {
			return 0, false
		}
		if err := ctx.Err(); err != nil {
			first = err
			return 0, false
		}
		next++
		return next - 1, true
	}
	for range min(limit, n) {
		wg.Go(func() {
			for i, ok := take(); ok; i, ok = take() {
				if err := fn(ctx, i); err != nil {
					mu.Lock()
					if first == nil {
						first = err
					}
					mu.Unlock()
					cancel()
				}
			}
		})
	}
	wg.Wait()
	return first
}
