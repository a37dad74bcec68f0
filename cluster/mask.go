package cluster

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/fairtide-dev/fairtide/model"
)

// masker replaces the values of Secrets by tokens. A token depends on the
// cluster, the object and the value: equal values of one object look equal on
// both sides and in every process, changed ones differ, and neither the value
// nor its length can be read off it.
type masker struct {
	clusterUID string
}

// maskTokenDigits is short enough to read and long enough that two values of
// one Secret do not look alike by chance.
const maskTokenDigits = 8

// object masks in place what must not leave this package and returns the
// object. It expects a normalised copy: stringData is in data already.
func (m masker) object(id model.ObjectID, fields map[string]any) map[string]any {
	if annotations := mapAt(fields, "metadata", "annotations"); annotations != nil {
		if v, ok := annotations[lastAppliedAnnotation]; ok {
			annotations[lastAppliedAnnotation] = m.token(id, v)
		}
	}
	if !isSecret(fields) && (id.Group != "" || id.Kind != "Secret") {
		return fields
	}
	for _, key := range []string{"data", "stringData"} {
		switch values := fields[key].(type) {
		case nil:
		case map[string]any:
			for k, v := range values {
				values[k] = m.token(id, v)
			}
		default: // not a map, and not to be shown either
			fields[key] = m.token(id, values)
		}
	}
	return fields
}

// token is what a value looks like from outside.
func (m masker) token(id model.ObjectID, value any) string {
	h := hmac.New(sha256.New, []byte(m.clusterUID))
	for _, part := range []string{id.Group, id.Kind, id.Namespace, id.Name} {
		_, _ = fmt.Fprintf(h, "%d:%s,", len(part), part) // a hash never fails to write
	}
	_, _ = h.Write(maskBytes(value))
	return "<masked " + hex.EncodeToString(h.Sum(nil))[:maskTokenDigits] + ">"
}

// maskBytes is the value a token stands for: what base64 encodes, so that two
// ways to write the same bytes are the same token.
func maskBytes(value any) []byte {
	if s, ok := value.(string); ok {
		if raw, err := base64.StdEncoding.DecodeString(s); err == nil {
			return raw
		}
		return []byte(s)
	}
	b, err := json.Marshal(value)
	if err != nil {
		return nil // not JSON: cannot come from a manifest or a server
	}
	return b
}
