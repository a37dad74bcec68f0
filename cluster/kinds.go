package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"

	"github.com/fairtide-dev/fairtide/model"
)

// crdKind is the group and kind of a CustomResourceDefinition itself.
var crdKind = schema.GroupKind{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}

// renderedCRD is what a rendered CustomResourceDefinition says about the kind
// it defines.
type renderedCRD struct {
	id         model.ObjectID // of the definition
	namespaced bool
	versions   map[string]crdVersion // those that are served
}

// crdVersion is one version of a defined kind.
type crdVersion struct {
	schema            map[string]any // nil: there is none
	statusSubresource bool
}

// renderedCRDs are the kinds that a rendered set brings along.
func renderedCRDs(objects []model.Object) map[schema.GroupKind]renderedCRD {
	out := map[schema.GroupKind]renderedCRD{}
	for _, o := range objects {
		if groupKind(o.ID) != crdKind {
			continue
		}
		spec := mapAt(o.Fields, "spec")
		group, _ := spec["group"].(string)
		kind, _ := mapAt(spec, "names")["kind"].(string)
		crd := renderedCRD{id: o.ID, namespaced: spec["scope"] == "Namespaced", versions: map[string]crdVersion{}}
		for _, v := range sliceAt(spec, "versions") {
			version, _ := v.(map[string]any)
			if name, ok := version["name"].(string); ok && version["served"] == true {
				_, status := mapAt(version, "subresources")["status"]
				crd.versions[name] = crdVersion{schema: mapAt(version, "schema", "openAPIV3Schema"), statusSubresource: status}
			}
		}
		out[schema.GroupKind{Group: group, Kind: kind}] = crd
	}
	return out
}

// RefreshKinds forgets which kinds the server has. Call it after applying
// CustomResourceDefinitions.
func (c *Client) RefreshKinds() {
	c.mapper.Reset()
	c.schemas.forget()
}

// kindResolver finds the resources of kinds, asking for each kind once.
type kindResolver struct {
	c     *Client
	known map[schema.GroupVersionKind]kindAnswer
}

type kindAnswer struct {
	mapping *meta.RESTMapping
	err     error
}

func newKindResolver(c *Client) *kindResolver {
	return &kindResolver{c: c, known: map[schema.GroupVersionKind]kindAnswer{}}
}

// resolve returns the mapping of a kind at a version. The error is a
// meta.NoMatch error when the server has no such kind, and otherwise one for
// the operator.
func (r *kindResolver) resolve(ctx context.Context, id model.ObjectID, version string) (*meta.RESTMapping, error) {
	gvk := groupKind(id).WithVersion(version)
	if a, ok := r.known[gvk]; ok {
		return a.mapping, a.err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var a kindAnswer
	a.mapping, a.err = r.c.mapping(id, version)
	if a.err != nil && !meta.IsNoMatchError(a.err) {
		a.err = r.c.serverError(ctx, a.err)
	}
	r.known[gvk] = a
	return a.mapping, a.err
}

// brokenGroup reports why the server could not tell the kinds of an API group,
// as happens when the service behind an aggregated API is down. A kind of such
// a group is not known to be missing.
func (c *Client) brokenGroup(group string) error {
	_, _, err := c.disco.ServerGroupsAndResources()
	var failed *discovery.ErrGroupDiscoveryFailed
	if errors.As(err, &failed) {
		for gv, why := range failed.Groups {
			if gv.Group == group {
				return why
			}
		}
	}
	return nil
}

// unknownKind says why an object of a kind, or of a version, that neither the
// server nor the rendered set defines cannot be predicted, and what to do.
func (p *predictor) unknownKind(o model.Object) string {
	what := fmt.Sprintf("kind %s (%s)", o.ID.Kind, o.APIVersion())
	if why := p.c.brokenGroup(o.ID.Group); why != nil {
		return fmt.Sprintf("%s cannot be looked up: the API group does not answer: %s; see kubectl get apiservices", what, plainLine(why.Error(), reasonMost))
	}
	if crd, ok := p.crds[groupKind(o.ID)]; ok {
		return fmt.Sprintf("%s is at a version that %s does not serve", what, crd.id)
	}
	if served := p.c.servedVersions(o.ID); len(served) > 0 {
		return fmt.Sprintf("%s is no longer served by cluster %s at this version, but as %s; change apiVersion", what, p.c.context, strings.Join(served, ", "))
	}
	return fmt.Sprintf("%s is not known to cluster %s; is its CRD installed?", what, p.c.context)
}

// servedVersions lists the API versions at which the server has a kind.
func (c *Client) servedVersions(id model.ObjectID) []string {
	mappings, err := c.mapper.RESTMappings(groupKind(id))
	if err != nil {
		return nil
	}
	var out []string
	for _, m := range mappings {
		if v := m.GroupVersionKind.GroupVersion().String(); !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

// statusIsPlain reports whether a kind's status is a field like any other, that
// an apply writes: it has no status subresource.
func (c *Client) statusIsPlain(m *meta.RESTMapping) bool {
	list, err := c.disco.ServerResourcesForGroupVersion(m.GroupVersionKind.GroupVersion().String())
	if err != nil {
		return false
	}
	for _, r := range list.APIResources {
		if r.Name == m.Resource.Resource+"/status" {
			return false
		}
	}
	return true
}

// describeSource names an object by where it was written, or by its identity
// when that is not known.
func describeSource(o model.Object) string {
	switch {
	case o.Source.File == "":
		return o.ID.String()
	case o.Source.Line == 0:
		return o.Source.File
	}
	return fmt.Sprintf("%s:%d", o.Source.File, o.Source.Line)
}
