package config

import (
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/fairtide-dev/fairtide/model"
)

// What the limits may be set to. Above, a render could use up the machine;
// below, no environment renders.
const (
	minFileBytes, maxFileBytes   = 1 << 10, 100 << 20
	maxObjects                   = 200_000
	minYAMLNodes, maxYAMLNodes   = 1_000, 20_000_000
	minRenderTime, maxRenderTime = time.Second, time.Hour
)

// limits reads what a commit may make a render cost, for every environment.
func (d *decoder) limits(n *yaml.Node) model.Limits {
	var l model.Limits
	d.mapping(n, "limits", []key{
		{name: "fileSize", read: func(n *yaml.Node) { d.byteSize(n, "limits: fileSize", &l.FileBytes) }},
		{name: "objects", read: func(n *yaml.Node) { d.between(n, "limits: objects", 1, maxObjects, &l.Objects) }},
		{name: "renderTime", read: func(n *yaml.Node) {
			var span time.Duration
			d.duration(n, "limits: renderTime", &span)
			if span != 0 && (span < minRenderTime || span > maxRenderTime) {
				d.at(n, "limits: renderTime must be from 1s to 1h")
				return
			}
			l.RenderTime = span
		}},
		{name: "yamlNodes", read: func(n *yaml.Node) {
			d.between(n, "limits: yamlNodes", minYAMLNodes, maxYAMLNodes, &l.YAMLNodes)
		}},
	})
	return l
}

// between reads a whole number that is at least least and at most most.
func (d *decoder) between(n *yaml.Node, what string, least, most int, to *int) {
	v := least
	if d.count(n, what, &v); v < least || v > most {
		d.at(n, "%s must be from %d to %d", what, least, most)
		return
	}
	*to = v
}

// byteSize reads a number of bytes: plain, or in Ki or Mi.
func (d *decoder) byteSize(n *yaml.Node, what string, to *int64) {
	s := resolve(n)
	if !d.spend(n) {
		return
	}
	digits, unit := s.Value, int64(1)
	if rest, ok := strings.CutSuffix(digits, "Ki"); ok {
		digits, unit = rest, 1<<10
	} else if rest, ok := strings.CutSuffix(digits, "Mi"); ok {
		digits, unit = rest, 1<<20
	}
	v, err := strconv.ParseUint(digits, 10, 32)
	if s.Kind != yaml.ScalarNode || err != nil {
		d.at(n, "%s must be a number of bytes such as 512Ki or 5Mi, not %s", what, d.kindOf(s))
		return
	}
	if size := int64(v) * unit; size >= minFileBytes && size <= maxFileBytes {
		*to = size
		return
	}
	d.at(n, "%s must be from 1Ki to 100Mi", what)
}
