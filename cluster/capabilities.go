package cluster

import (
	"context"
	"path"
	"slices"

	"k8s.io/client-go/discovery"

	"github.com/fairtide-dev/fairtide/model"
)

// Capabilities asks the server for its version and for all it has, as helm
// does: every GROUP/VERSION, and every GROUP/VERSION/KIND, subresources
// included. An API group whose own service is down counts with its versions and
// without its kinds, as for helm too. Nothing is remembered.
func (c *Client) Capabilities(ctx context.Context) (model.Capabilities, error) {
	d, err := discovery.NewDiscoveryClientForConfigAndClient(c.rest, c.http)
	if err != nil {
		return model.Capabilities{}, c.unreachable(err)
	}
	version, err := d.ServerVersionWithContext(ctx)
	if err != nil {
		return model.Capabilities{}, c.serverError(ctx, err)
	}
	groups, lists, err := d.ServerGroupsAndResourcesWithContext(ctx)
	if err != nil && !discovery.IsGroupDiscoveryFailedError(err) {
		return model.Capabilities{}, c.serverError(ctx, err)
	}
	var known []string
	for _, g := range groups {
		for _, v := range g.Versions {
			known = append(known, v.GroupVersion)
		}
	}
	for _, l := range lists {
		for _, r := range l.APIResources {
			known = append(known, path.Join(l.GroupVersion, r.Kind))
		}
	}
	slices.Sort(known)
	return model.Capabilities{KubeVersion: version.GitVersion, APIVersions: slices.Compact(known)}, nil
}
