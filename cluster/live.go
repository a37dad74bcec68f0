package cluster

import (
	"context"
	"maps"
	"slices"
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
	// othersPerGet is how many objects that nobody asked for cost as much in a
	// LIST as a GET of one that is wanted.
	othersPerGet = 50
	// mostBegun is how often a list is begun whose pages expire before they are read.
	mostBegun = 2
	// readers is how many reads are under way at once.
	readers = 8
)

// planItem is one wanted object on its way to a verdict.
type planItem struct {
	object  model.Object // resolved
	mapping *meta.RESTMapping
	crd     *renderedCRD // set when the kind's definition is in the rendered set

	marks []model.FieldRule // of the environment: whose values nobody may quote

	blocked string         // why it cannot be predicted at all
	code    model.ExitCode // that a plan with what is blocked is refused with
	later   string         // why the server can predict it only once other parts of the plan are applied

	live    map[string]any // nil: there is none
	readErr error          // why the live object could not be read
	// unaltered is set as soon as it is proved that applying leaves the live
	// object as it is, whose managers' fields are not there any more.
	unaltered bool
	noSchema  bool // the server's schema lacks a field that the rendered definition may add

	keep string // of what left Git: the mark that kept it when it was last rendered

	planned model.PlannedObject
	problem string       // why applying would fail; empty: it is not known to
	noted   []model.Risk // what the server, or the lack of it, had to say
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
	reads := p.prepareSettling(items)
	var mu sync.Mutex
	for _, g := range lists {
		reads = append(reads, func(ctx context.Context) error {
			rest, err := p.list(ctx, g)
			if err != nil && concernsAll(ctx, err) {
				return err
			}
			mu.Lock() // what may not be listed is got; a real obstacle shows there too
			defer mu.Unlock()
			singles = append(singles, rest...)
			return nil
		})
	}
	err := eachBounded(ctx, len(reads), readers, func(ctx context.Context, i int) error { return reads[i](ctx) })
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

// list reads items of one kind and namespace together, page by page. It returns
// those that have to be read one by one: all of them beside the error, or the
// few that are left where the namespace holds very many others.
//
// No resourceVersion is asked for, which makes it a consistent read: any older
// state, as resourceVersion 0 allows, could hide what was written a moment ago
// and with it what applying would undo.
func (p *predictor) list(ctx context.Context, items []*planItem) ([]*planItem, error) {
	missing := make(map[string]*planItem, len(items))
	for _, it := range items {
		it.live, it.unaltered = nil, false
		missing[it.object.ID.Name] = it
	}
	from := p.c.resource(items[0].mapping, items[0].object.ID.Namespace)
	opts := metav1.ListOptions{Limit: listPage}
	for begun := 1; ; {
		page, err := from.List(ctx, opts)
		if apierrors.IsResourceExpired(err) && opts.Continue != "" && begun < mostBegun {
			// What the pages are of is compacted away. A read of each object
			// would be thousands; what was read already is read anew too, as
			// one list is of one moment.
			for _, it := range items {
				it.live, it.unaltered = nil, false
				missing[it.object.ID.Name] = it
			}
			opts.Continue = ""
			begun++
			continue
		}
		if err != nil {
			return items, err
		}
		for i := range page.Items {
			if it, ok := missing[page.Items[i].GetName()]; ok {
				it.live = page.Items[i].Object
				p.settleEarly(it)
				delete(missing, it.object.ID.Name)
			}
		}
		more := page.GetRemainingItemCount()
		if opts.Continue = page.GetContinue(); opts.Continue == "" || len(missing) == 0 {
			return nil, nil
		}
		if more != nil && *more > int64(len(missing))*othersPerGet {
			return slices.Collect(maps.Values(missing)), nil
		}
	}
}

// read reads one live object. What stands in the way of this object alone is
// kept in the item; an error is returned for what concerns them all.
func (p *predictor) read(ctx context.Context, it *planItem) error {
	it.live, it.readErr, it.unaltered = nil, nil, false
	o, err := p.c.resource(it.mapping, it.object.ID.Namespace).Get(ctx, it.object.ID.Name, metav1.GetOptions{})
	switch {
	case err == nil:
		it.live = o.Object
	case apierrors.IsNotFound(err) && (namesObject(err) || p.kindLeft(ctx, it)):
	case concernsAll(ctx, err):
		return err
	default:
		it.readErr = err
	}
	return nil
}

// namesObject reports whether an answer is about the object that was asked for.
// A 404 that is not says that the server does not serve the path, as when it
// dropped a version since it was discovered: the object may well be there.
func namesObject(err error) bool {
	status, ok := serverStatus(err)
	return ok && status.Details != nil && status.Details.Name != ""
}

// kindLeft reports whether the definition of an item's kind is gone, and with it
// all its objects.
func (p *predictor) kindLeft(ctx context.Context, it *planItem) bool {
	if resource := it.mapping.Resource; !builtInGroups[resource.Group] {
		_, err := p.c.dyn.Resource(crdGVR).Get(ctx, resource.Resource+"."+resource.Group, metav1.GetOptions{})
		return apierrors.IsNotFound(err) && namesObject(err)
	}
	return false
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
