package config

import (
	"go.yaml.in/yaml/v3"

	"github.com/fairtide-dev/fairtide/model"
)

// replace reads whether objects may be deleted and made again.
func (d *decoder) replace(n *yaml.Node, what string) model.ReplacePolicy {
	var p model.ReplacePolicy
	d.mapping(n, what, []key{{name: "allowed", read: func(n *yaml.Node) { d.bool(n, what+": allowed", &p.Allowed) }}})
	return p
}
