package cluster

import (
	"github.com/fairtide-dev/fairtide/internal/mask"
	"github.com/fairtide-dev/fairtide/model"
)

// masker replaces the values of Secrets by tokens that depend on the cluster,
// the object and the value.
type masker struct {
	clusterUID string
}

// object masks in place what must not leave this package and returns the
// object. It expects a normalised copy: stringData is in data already.
func (m masker) object(id model.ObjectID, fields map[string]any) map[string]any {
	return mask.New(m.clusterUID).Object(id, fields)
}
