package cluster

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/metadata"

	"github.com/fairtide-dev/fairtide/model"
)

// othersNamed is how many objects that are not the environment's are named.
const othersNamed = 10

// cascade finds what goes with an object that is deleted. It reads metadata
// only.
type cascade struct {
	c    *Client
	meta metadata.Interface
	ours map[string]bool // UIDs of the inventory

	mu    sync.Mutex
	owned map[string]*holdings // by namespace
}

func (c *Client) newCascade(entries []model.InventoryEntry) *cascade {
	x := &cascade{c: c, meta: c.short, ours: make(map[string]bool, len(entries)), owned: map[string]*holdings{}}
	for _, e := range entries {
		x.ours[e.UID] = e.UID != ""
	}
	return x
}

// risks says what goes with an object. The sentence that comes back besides is
// for the plan's digest: it changes when another object of somebody else's
// would be deleted, and not when pods come and go.
func (x *cascade) risks(ctx context.Context, it *planItem) (risks []model.Risk, others string, err error) {
	risks = append(deleteRisks(it.object.ID), finalizerRisk(it.live)...)
	id := it.object.ID
	var contents []heldObject
	var unknown []string
	switch {
	case id.Group == "" && id.Kind == "Namespace":
		contents, unknown, err = x.inNamespace(ctx, id.Name)
	case groupKind(id) == crdKind:
		contents, unknown, err = x.ofKind(ctx, it.live)
	case ownsNothingEver[groupKind(id)]:
		return risks, "", nil
	default:
		more, err := x.dependants(ctx, it)
		return append(risks, more...), "", err
	}
	if err != nil {
		return nil, "", err
	}
	counts, names := tally{}, []string{}
	for _, o := range contents {
		if everyNamespaceHas(o.id) {
			continue
		}
		counts[o.id.Kind]++
		if !o.owned && !x.ours[o.uid] {
			names = append(names, o.id.String())
		}
	}
	if n := counts.total(); n > 0 {
		risks = append(risks, model.Risk{Name: riskDeletesMore, Severity: model.SeverityDanger, TypeName: true,
			Message: fmt.Sprintf("deletes %s with it: %s", countOf(n, "object"), counts.words())})
	}
	if len(names) > 0 {
		others = fmt.Sprintf("%s of others: %s", countOf(len(names), "object"), listed(names, othersNamed))
		risks = append(risks, model.Risk{Name: riskDeletesOthers, Severity: model.SeverityDanger, TypeName: true,
			Message: "deletes " + others})
	}
	if len(unknown) > 0 {
		risks = append(risks, model.Risk{Name: riskDeletesMore, Severity: model.SeverityDanger, TypeName: true,
			Message: "what else it deletes is not known in full: " + listed(unknown, 3)})
	}
	return risks, others, nil
}

// heldObject is an object that another one's deletion would delete.
type heldObject struct {
	id     model.ObjectID
	uid    string
	owners []string // UIDs
	owned  bool     // somebody made it, and takes it away
}

// ownsNothingEver are kinds whose objects own no others.
var ownsNothingEver = map[schema.GroupKind]bool{
	{Kind: "ConfigMap"}: true, {Kind: "Secret"}: true, {Kind: "ServiceAccount"}: true, {Kind: "LimitRange"}: true,
	{Kind: "ResourceQuota"}: true, {Group: rbacGroup, Kind: "Role"}: true, {Group: rbacGroup, Kind: "RoleBinding"}: true,
	{Group: rbacGroup, Kind: "ClusterRole"}: true, {Group: rbacGroup, Kind: "ClusterRoleBinding"}: true,
	{Group: "networking.k8s.io", Kind: "NetworkPolicy"}: true, {Group: "policy", Kind: "PodDisruptionBudget"}: true,
}

// notContents are kinds that say something of other objects and are nothing
// that is lost.
var notContents = map[schema.GroupKind]bool{
	{Kind: "Event"}: true, {Group: "events.k8s.io", Kind: "Event"}: true,
	{Kind: "Endpoints"}: true, {Group: "discovery.k8s.io", Kind: "EndpointSlice"}: true,
}

// inNamespace lists all that is in a namespace.
func (x *cascade) inNamespace(ctx context.Context, namespace string) ([]heldObject, []string, error) {
	lists, discoErr := x.c.disco.ServerPreferredNamespacedResources()
	var unknown []string
	if discoErr != nil {
		if concernsAll(ctx, discoErr) && len(lists) == 0 {
			return nil, nil, discoErr
		}
		unknown = append(unknown, "an API group does not answer")
	}
	var kinds []*meta.RESTMapping
	for _, list := range lists {
		gv, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			continue
		}
		for _, r := range list.APIResources {
			gvk := gv.WithKind(r.Kind)
			if !notContents[gvk.GroupKind()] && slices.Contains(r.Verbs, "list") && slices.Contains(r.Verbs, "delete") {
				kinds = append(kinds, &meta.RESTMapping{Resource: gv.WithResource(r.Name), GroupVersionKind: gvk})
			}
		}
	}
	found, blocked, err := x.listKinds(ctx, kinds, namespace)
	return found, append(unknown, blocked...), err
}

// ofKind lists the objects of the kind that a definition defines.
func (x *cascade) ofKind(ctx context.Context, crd map[string]any) ([]heldObject, []string, error) {
	spec := mapAt(crd, "spec")
	group, _ := spec["group"].(string)
	kind, _ := mapAt(spec, "names")["kind"].(string)
	m, err := x.c.mapper.RESTMapping(schema.GroupKind{Group: group, Kind: kind})
	if meta.IsNoMatchError(err) {
		return nil, nil, nil // it was never established
	}
	if err != nil {
		return nil, nil, err
	}
	return x.listKinds(ctx, []*meta.RESTMapping{m}, "")
}

// listKinds lists the metadata of the objects of some kinds, in a namespace or
// in all. Kinds that may not be listed are named.
func (x *cascade) listKinds(ctx context.Context, kinds []*meta.RESTMapping, namespace string) (found []heldObject, blocked []string, _ error) {
	var mu sync.Mutex
	seen := map[string]bool{} // one object can be listed under two API groups
	err := eachBounded(ctx, len(kinds), readers, func(ctx context.Context, i int) error {
		list, err := x.list(ctx, kinds[i], namespace)
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			if concernsAll(ctx, err) {
				return err
			}
			blocked = append(blocked, readRefusal(err, model.ObjectID{Kind: kinds[i].GroupVersionKind.Kind, Namespace: namespace}, kinds[i], true).reason)
			return nil
		}
		for _, o := range list {
			if !seen[o.uid] {
				seen[o.uid] = true
				found = append(found, o)
			}
		}
		return nil
	})
	slices.SortFunc(found, func(a, b heldObject) int { return cmp.Or(a.id.Compare(b.id), cmp.Compare(a.uid, b.uid)) })
	return found, sortedStrings(blocked), err
}

func (x *cascade) list(ctx context.Context, kind *meta.RESTMapping, namespace string) ([]heldObject, error) {
	var out []heldObject
	opts := metav1.ListOptions{Limit: listPage}
	for {
		page, err := x.meta.Resource(kind.Resource).Namespace(namespace).List(ctx, opts)
		if err != nil {
			return nil, err
		}
		for i := range page.Items {
			item := &page.Items[i]
			o := heldObject{uid: string(item.UID), id: model.ObjectID{
				Group: kind.GroupVersionKind.Group, Kind: kind.GroupVersionKind.Kind, Namespace: item.Namespace, Name: item.Name,
			}}
			for _, ref := range item.OwnerReferences {
				o.owners = append(o.owners, string(ref.UID))
			}
			o.owned = len(o.owners) > 0
			out = append(out, o)
		}
		if opts.Continue = page.Continue; opts.Continue == "" {
			return out, nil
		}
	}
}

// everyNamespaceHas reports whether the cluster itself puts such an object into
// each namespace.
func everyNamespaceHas(id model.ObjectID) bool {
	return id.Group == "" && (id.Kind == "ServiceAccount" && id.Name == "default" || id.Kind == "ConfigMap" && id.Name == "kube-root-ca.crt")
}

// holdings are the objects of a namespace that others own, read once.
type holdings struct {
	once    sync.Once
	objects []heldObject
	blocked []string
	err     error
}

// dependantKinds are what workloads and operators make.
var dependantKinds = []*meta.RESTMapping{
	mappingOf("", "Pod", "pods"), mappingOf("", "PersistentVolumeClaim", "persistentvolumeclaims"),
	mappingOf("apps", "ReplicaSet", "replicasets"), mappingOf("apps", "Deployment", "deployments"),
	mappingOf("apps", "StatefulSet", "statefulsets"), mappingOf("apps", "DaemonSet", "daemonsets"),
	mappingOf("batch", "Job", "jobs"), mappingOf("batch", "CronJob", "cronjobs"),
}

// mappingOf is the mapping of a kind at version v1, as all of these have.
func mappingOf(group, kind, resource string) *meta.RESTMapping {
	gv := schema.GroupVersion{Group: group, Version: "v1"}
	return &meta.RESTMapping{Resource: gv.WithResource(resource), GroupVersionKind: gv.WithKind(kind)}
}

// dependants says what the garbage collector deletes after an object, by the
// owner references of the usual kinds in its namespace.
func (x *cascade) dependants(ctx context.Context, it *planItem) ([]model.Risk, error) {
	namespace := it.object.ID.Namespace
	if namespace == "" {
		return nil, nil
	}
	x.mu.Lock()
	h := x.owned[namespace]
	if h == nil {
		h = &holdings{}
		x.owned[namespace] = h
	}
	x.mu.Unlock()
	h.once.Do(func() { h.objects, h.blocked, h.err = x.listKinds(ctx, dependantKinds, namespace) })
	if h.err != nil {
		return nil, h.err
	}
	counts, claims := tally{}, 0
	for _, o := range ownedBy(h.objects, metaString(it.live, "uid")) {
		counts[o.id.Kind]++
		if o.id.Kind == "PersistentVolumeClaim" {
			claims++
		}
	}
	var out []model.Risk
	if n := counts.total(); n > 0 {
		out = append(out, model.Risk{Name: riskDeletesMore, Severity: model.SeverityWarning,
			Message: fmt.Sprintf("deletes %s with it: %s", countOf(n, "object"), counts.words())})
	}
	if claims > 0 {
		out = append(out, model.Risk{Name: riskDeletesData, Severity: model.SeverityDanger, TypeName: true,
			Message: fmt.Sprintf("deletes the data of %s that it owns", countOf(claims, "volume claim"))})
	}
	if len(h.blocked) > 0 {
		out = append(out, model.Risk{Name: riskDeletesMore, Severity: model.SeverityWarning,
			Message: "what it owns is not known in full: " + h.blocked[0]})
	}
	return out, nil
}

// ownedBy are the objects that belong to one of a UID, directly or by way of
// others.
func ownedBy(objects []heldObject, uid string) []heldObject {
	of := map[string][]heldObject{}
	for _, o := range objects {
		for _, owner := range o.owners {
			of[owner] = append(of[owner], o)
		}
	}
	var out []heldObject
	seen := map[string]bool{uid: true}
	for next := []string{uid}; len(next) > 0; next = next[1:] {
		for _, o := range of[next[0]] {
			if !seen[o.uid] {
				seen[o.uid] = true
				out = append(out, o)
				next = append(next, o.uid)
			}
		}
	}
	return out
}
