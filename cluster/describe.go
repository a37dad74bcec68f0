package cluster

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/fairtide-dev/fairtide/model"
)

const (
	describeWithin = 20 * time.Second
	// treePods and treeSets bound a tree, eventsMost what was said about it;
	// eventsPerObject is asked for about each of at most eventObjects.
	treePods        = 100
	treeSets        = 10
	eventsMost      = 60
	eventsPerObject = 100
	eventObjects    = 8
)

// Describe reads an object with its ReplicaSets, pods and containers, the worst
// first, and the events about them. What may not be read is left out, and noted.
func (c *Client) Describe(ctx context.Context, target model.Target) (model.ObjectTree, error) {
	ctx, cancel := context.WithTimeout(ctx, describeWithin)
	defer cancel()
	d := &describer{c: c, target: target, now: c.cfg.Now(), pods: newOwned[*corev1.Pod](), sets: newOwned[*appsv1.ReplicaSet](), events: map[types.UID][]*corev1.Event{}}
	m, err := c.mapping(target.ID, target.Version)
	if err != nil {
		return model.ObjectTree{}, model.Errorf(model.ExitUnreachable, "%s: the cluster does not serve its kind: %w; is its CustomResourceDefinition there?", target.ID, err)
	}
	d.root, err = c.resource(m, target.ID.Namespace).Get(ctx, target.ID.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return model.ObjectTree{}, model.Errorf(model.ExitUnreachable, "%s is not in the cluster; apply it first", target.ID)
	case apierrors.IsForbidden(err):
		return model.ObjectTree{}, model.Errorf(model.ExitUnreachable, "%s: %s", target.ID, forbidden("get", m.Resource, target.ID.Namespace))
	case err != nil:
		return model.ObjectTree{}, c.unreachable(err)
	}
	d.readOwned(ctx)
	d.readEvents(ctx)
	tree := model.ObjectTree{ReadAt: d.now.UTC(), Root: d.rootNode(), Events: d.told(), Notes: d.notes}
	return tree, nil
}

// describer is one call of Describe.
type describer struct {
	c      *Client
	target model.Target
	now    time.Time
	root   *unstructured.Unstructured
	pods   owned[*corev1.Pod]
	sets   owned[*appsv1.ReplicaSet]
	notes  []string

	mu     sync.Mutex
	events map[types.UID][]*corev1.Event
}

// readOwned lists what the root's controller makes, by the root's selector.
func (d *describer) readOwned(ctx context.Context) {
	gk := groupKind(d.target.ID)
	if gk == (schema.GroupKind{Kind: "Pod"}) {
		if pod, err := typedObject[corev1.Pod](d.root); err == nil {
			d.pods.put(pod)
		}
		return
	}
	if workloadKinds[gk] == nil {
		return
	}
	raw, _, _ := unstructured.NestedMap(d.root.Object, "spec", "selector")
	selector, err := selectorOf(raw)
	if err != nil || selector.Empty() {
		d.notes = append(d.notes, "its pods are not known: it has no selector that can be read")
		return
	}
	which := metav1.ListOptions{LabelSelector: selector.String(), Limit: listPage}
	if gk.Kind == "Deployment" || gk.Kind == "Rollout" {
		listOwned(ctx, d, replicaSetGVR, which, d.sets)
	}
	listOwned(ctx, d, podGVR, which, d.pods)
}

func selectorOf(raw map[string]any) (labels.Selector, error) {
	parsed, err := typedObject[metav1.LabelSelector](&unstructured.Unstructured{Object: raw})
	if err != nil {
		return nil, err
	}
	return metav1.LabelSelectorAsSelector(parsed)
}

func listOwned[T metav1.Object](ctx context.Context, d *describer, gvr schema.GroupVersionResource, which metav1.ListOptions, into owned[T]) {
	list, err := d.c.dyn.Resource(gvr).Namespace(d.target.ID.Namespace).List(ctx, which)
	if err != nil {
		d.notes = append(d.notes, refusal("list", gvr, d.target.ID.Namespace, err))
		return
	}
	if list.GetContinue() != "" {
		d.notes = append(d.notes, fmt.Sprintf("only the first %d %s are looked at", len(list.Items), gvr.Resource))
	}
	for i := range list.Items {
		list.Items[i].SetManagedFields(nil)
		var o any
		var err error
		if gvr == podGVR {
			o, err = typedObject[corev1.Pod](&list.Items[i])
		} else {
			o, err = typedObject[appsv1.ReplicaSet](&list.Items[i])
		}
		if typed, ok := o.(T); ok && err == nil {
			into.put(typed)
		}
	}
}

// readEvents reads what was said about the root and about what is worst below
// it: each is asked for by its UID, as a namespace may have thousands.
func (d *describer) readEvents(ctx context.Context) {
	about := []types.UID{d.root.GetUID()}
	for _, rs := range d.ownSets() {
		about = append(about, rs.UID)
	}
	for _, pod := range d.allPods() {
		about = append(about, pod.UID)
	}
	var readers sync.WaitGroup
	for _, uid := range slices.Compact(about[:min(len(about), eventObjects)]) {
		readers.Go(func() {
			list, err := d.c.dyn.Resource(eventGVR).Namespace(d.target.ID.Namespace).List(ctx,
				metav1.ListOptions{FieldSelector: "involvedObject.uid=" + string(uid), Limit: eventsPerObject})
			d.mu.Lock()
			defer d.mu.Unlock()
			if err != nil {
				if note := refusal("list", eventGVR, d.target.ID.Namespace, err); !slices.Contains(d.notes, note) {
					d.notes = append(d.notes, note)
				}
				return
			}
			for i := range list.Items {
				if e, err := typedObject[corev1.Event](&list.Items[i]); err == nil {
					d.events[uid] = append(d.events[uid], e)
				}
			}
		})
	}
	readers.Wait()
}

// ownSets are the root's ReplicaSets, the newest revision first.
func (d *describer) ownSets() []*appsv1.ReplicaSet {
	sets := d.sets.of(d.root.GetUID())
	slices.SortFunc(sets, func(a, b *appsv1.ReplicaSet) int {
		return cmp.Or(cmp.Compare(revision(b), revision(a)), cmp.Compare(a.Name, b.Name))
	})
	return sets
}

// allPods are the pods of the root and of its ReplicaSets, those that are not
// ready and the newest first.
func (d *describer) allPods() []*corev1.Pod {
	pods := d.podsOf(d.root.GetUID())
	for _, rs := range d.ownSets() {
		pods = append(pods, d.podsOf(rs.UID)...)
	}
	if groupKind(d.target.ID).Kind == "Pod" {
		pods = d.podsOf("")
	}
	slices.SortStableFunc(pods, func(a, b *corev1.Pod) int {
		return cmp.Or(cmp.Compare(asNumber(podReady(a)), asNumber(podReady(b))), b.CreationTimestamp.Compare(a.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
	})
	return pods
}

// podsOf are the pods that a controller owns; the one pod there is for "".
func (d *describer) podsOf(controller types.UID) []*corev1.Pod {
	if controller != "" {
		return d.pods.of(controller)
	}
	var out []*corev1.Pod
	for _, pod := range d.pods.all {
		out = append(out, pod)
	}
	return out
}

func asNumber(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// told are the events, those that say the same together, the newest first.
func (d *describer) told() []model.ObjectEvent {
	seen := map[model.ObjectEvent]int{}
	var out []model.ObjectEvent
	for _, events := range d.events {
		for _, e := range events {
			object := e.InvolvedObject.Kind + " " + e.InvolvedObject.Name
			if _, in, found := strings.Cut(e.InvolvedObject.FieldPath, "{"); found {
				object += ", container " + strings.TrimRight(in, "}")
			}
			said := model.ObjectEvent{
				Type: plainLine(e.Type, 20), Reason: plainLine(e.Reason, 60),
				Object: plainLine(object, 160), Message: spoken(e.Message, causeMost),
			}
			at, known := seen[said]
			if !known {
				at, seen[said] = len(out), len(out)
				out = append(out, said)
			}
			count := int(max(e.Count, 1))
			if e.Series != nil {
				count = max(count, int(e.Series.Count))
			}
			out[at].Count += count
			if last := eventTime(e).UTC(); last.After(out[at].Last) {
				out[at].Last = last
			}
		}
	}
	slices.SortFunc(out, func(a, b model.ObjectEvent) int {
		return cmp.Or(b.Last.Compare(a.Last), cmp.Compare(a.Object, b.Object), cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Message, b.Message))
	})
	return out[:min(len(out), eventsMost)]
}
