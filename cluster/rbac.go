package cluster

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairtide-dev/fairtide/model"
)

// Role is a set of permissions for those who work with an environment.
type Role string

// The roles.
const (
	RoleViewer     Role = "viewer"     // looks: status, diff, history, watch
	RoleOperator   Role = "operator"   // applies
	RoleAutomation Role = "automation" // `fairtide run`
)

// Roles lists every role.
var Roles = [...]Role{RoleViewer, RoleOperator, RoleAutomation}

// Subject is who gets a role.
type Subject struct {
	Kind      string // User, Group or ServiceAccount
	Name      string
	Namespace string // of a ServiceAccount
}

// RBACAsk says for what permissions are wanted.
type RBACAsk struct {
	Environment model.Environment
	Objects     []model.Object // that it renders
	Role        Role
	Subject     Subject
	// NoDryRun leaves out of a viewer's what a dry-run takes.
	NoDryRun bool
}

// RBAC is the least that a role takes on this cluster, as YAML with comments:
// Roles in the namespaces of the environment's objects and of the state, a
// ClusterRole for the rest, and their bindings. What an earlier apply wrote
// counts with what is rendered. It fails when the cluster cannot be asked what
// its resources are called.
func (c *Client) RBAC(ctx context.Context, ask RBACAsk) (string, error) {
	kinds, err := c.rbacKinds(ctx, ask)
	if err != nil {
		return "", err
	}
	b := rbacBuilder{
		ask: ask, state: c.cfg.StateNamespace, name: "fairtide-" + ask.Environment.Name + "-" + string(ask.Role), kinds: kinds,
	}
	return b.build(), nil
}

// rbacKind is a resource with its objects of an environment.
type rbacKind struct {
	resource   schema.GroupResource
	kind       schema.GroupKind
	namespaced bool
	objects    []model.Object
}

// in are the namespaces of the objects; empty: they have none.
func (k rbacKind) in() []string {
	seen := map[string]bool{}
	for _, o := range k.objects {
		seen[o.ID.Namespace] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

func (k rbacKind) names() []string {
	seen := map[string]bool{}
	for _, o := range k.objects {
		seen[o.ID.Name] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

// rbacKinds finds the resources of the rendered objects, and of those that were
// applied before.
func (c *Client) rbacKinds(ctx context.Context, ask RBACAsk) ([]rbacKind, error) {
	objects := slices.Clone(ask.Objects)
	if state, err := c.ReadState(ctx, ask.Environment.Name); err == nil { // else there is no more to know
		for _, e := range state.Inventory {
			objects = append(objects, model.Object{ID: e.ID, Version: e.Version})
		}
	}
	defined := definedKinds(ask.Objects)
	found := map[schema.GroupKind]*rbacKind{}
	for _, o := range objects {
		gk := groupKind(o.ID)
		if found[gk] == nil {
			k, err := c.rbacKind(o, defined)
			if err != nil {
				return nil, err
			}
			found[gk] = k
		}
		switch k := found[gk]; {
		case !k.namespaced:
			o.ID.Namespace = ""
		case o.ID.Namespace == "":
			o.ID.Namespace = cmp.Or(ask.Environment.Namespace, metav1.NamespaceDefault)
		}
		found[gk].objects = append(found[gk].objects, o)
	}
	var out []rbacKind
	for _, k := range found {
		out = append(out, *k)
	}
	slices.SortFunc(out, func(a, b rbacKind) int {
		return cmp.Or(cmp.Compare(a.resource.Group, b.resource.Group), cmp.Compare(a.resource.Resource, b.resource.Resource))
	})
	return out, nil
}

func (c *Client) rbacKind(o model.Object, defined map[schema.GroupKind]rbacKind) (*rbacKind, error) {
	m, err := c.mapping(o.ID, o.Version)
	if err == nil {
		return &rbacKind{resource: m.Resource.GroupResource(), kind: groupKind(o.ID), namespaced: namespacedKind(m)}, nil
	}
	if k, ok := defined[groupKind(o.ID)]; ok {
		return &k, nil
	}
	if meta.IsNoMatchError(err) {
		return nil, model.Errorf(model.ExitUsage,
			"%s: neither the cluster nor the environment defines its kind, so that its resource is not known; apply its CustomResourceDefinition first", o.ID)
	}
	return nil, c.unreachable(err)
}

// definedKinds are the kinds whose definitions are among the objects.
func definedKinds(objects []model.Object) map[schema.GroupKind]rbacKind {
	out := map[schema.GroupKind]rbacKind{}
	for _, o := range objects {
		if o.ID.Kind != "CustomResourceDefinition" {
			continue
		}
		spec, names := mapAt(o.Fields, "spec"), mapAt(o.Fields, "spec", "names")
		group, _ := spec["group"].(string)
		kind, _ := names["kind"].(string)
		plural, _ := names["plural"].(string)
		gk := schema.GroupKind{Group: group, Kind: kind}
		out[gk] = rbacKind{resource: schema.GroupResource{Group: group, Resource: plural}, kind: gk, namespaced: spec["scope"] == "Namespaced"}
	}
	return out
}

// rbacRule is one rule of a role.
type rbacRule struct {
	why       string
	group     string
	resources []string
	names     []string // empty: all
	verbs     []string
}

func (r rbacRule) write(w *strings.Builder) {
	fmt.Fprintf(w, "  # %s\n  - apiGroups: [%q]\n    resources: [%s]\n", r.why, r.group, quoted(r.resources))
	if len(r.names) > 0 {
		fmt.Fprintf(w, "    resourceNames: [%s]\n", quoted(r.names))
	}
	fmt.Fprintf(w, "    verbs: [%s]\n", quoted(r.verbs))
}

func quoted(list []string) string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = fmt.Sprintf("%q", s)
	}
	return strings.Join(out, ", ")
}
