package config

import (
	"regexp"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/fairtide-dev/fairtide/model"
)

// maxRelease is the length helm allows of a release's name.
const maxRelease = 53

// kubeVersion is the version of a cluster as the cluster writes it:
// v1.37.1, v1.33.4-gke.1245000.
var kubeVersion = regexp.MustCompile(`^v?[0-9]+\.[0-9]+(?:\.[0-9]+)?(?:[-+][0-9A-Za-z.+-]+)?$`)

// apiVersion is VERSION, GROUP/VERSION or GROUP/VERSION/KIND.
var apiVersion = regexp.MustCompile(`^(?:v[0-9][a-z0-9]*|[a-z0-9]([a-z0-9.-]*[a-z0-9])?/v[0-9][a-z0-9]*)(?:/[A-Z][A-Za-z0-9]*)?$`)

// helm reads how the chart in an environment's path is rendered.
func (d *decoder) helm(n *yaml.Node, what string) model.Helm {
	var h model.Helm
	d.mapping(n, what, []key{
		{name: "release", read: func(n *yaml.Node) { d.label(n, what+": release", maxRelease, &h.Release) }},
		{name: "values", read: func(n *yaml.Node) {
			items, _ := d.list(n, what+": values")
			for _, item := range items {
				var p string
				if d.path(item, what+": values", &p); p == "" {
					continue
				}
				if slices.Contains(h.Values, p) {
					d.at(item, "%s: values: %s is listed twice", what, quote(p))
					continue
				}
				h.Values = append(h.Values, p)
			}
		}},
		{name: "kubeVersion", read: func(n *yaml.Node) {
			v, ok := d.text(n, what+": kubeVersion")
			if ok && !kubeVersion.MatchString(v) {
				d.at(n, "%s: kubeVersion %s is not the version of a cluster; write it like v1.37.1", what, quote(v))
				return
			}
			h.KubeVersion = v
		}},
		{name: "apiVersions", read: func(n *yaml.Node) {
			items, _ := d.list(n, what+": apiVersions")
			for _, item := range items {
				v, ok := d.text(item, what+": apiVersions")
				if !ok {
					continue
				}
				if !apiVersion.MatchString(v) {
					d.at(item, "%s: apiVersions: %s is not an API version; write it like apps/v1 or apps/v1/Deployment", what, quote(v))
					continue
				}
				h.APIVersions = append(h.APIVersions, v)
			}
		}},
	})
	return h
}
