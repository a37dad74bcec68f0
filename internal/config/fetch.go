package config

import (
	"time"

	"go.yaml.in/yaml/v3"
)

// minFetchEvery is the shortest time between two questions to the remote.
const minFetchEvery = 10 * time.Second

// fetch reads how often the remote is asked for news: a duration, or off.
func (d *decoder) fetch(n *yaml.Node, every *time.Duration) {
	const what = "fetch: every"
	d.mapping(n, "fetch", []key{{name: "every", read: func(n *yaml.Node) {
		v := resolve(n)
		if v.Kind == yaml.ScalarNode && (v.Value == "off" || v.Value == "0" || v.Value == "0s") {
			*every = 0
			return
		}
		var span time.Duration
		if d.duration(n, what, &span); span != 0 && span < minFetchEvery {
			d.at(n, "%s must be at least %s; off turns it off", what, minFetchEvery)
			return
		}
		if span != 0 {
			*every = span
		}
	}}})
}
