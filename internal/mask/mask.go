// Package mask replaces the values of Secrets by tokens, so that objects can be
// shown, compared and written down.
package mask

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/fairtide-dev/fairtide/internal/fieldrule"
	"github.com/fairtide-dev/fairtide/model"
)

// LastApplied is the annotation in which kubectl keeps a whole object, with
// the values of a Secret.
const LastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// tokenDigits is short enough to read and long enough that two values of one
// Secret do not look alike by chance.
const tokenDigits = 8

// Masker replaces the values of Secrets, and those of fields that rules mark,
// by tokens. A token depends on the key, the object and the value: equal values
// of one object look equal on both sides of a comparison and through every
// lens, changed ones differ, and neither the value nor its length can be read
// off it by who does not know the key. Equal values of two objects do not look
// equal: that two accounts share a password is not to be read off a plan.
type Masker struct {
	key   string
	rules []model.FieldRule
}

// New makes a Masker. Tokens of different keys cannot be compared. The rules
// name fields to be masked beside Secrets; those without a pointer mark
// nothing.
func New(key string, rules ...model.FieldRule) Masker { return Masker{key: key, rules: rules} }

// Object masks in place what must not be shown and returns the object: the
// values of a Secret, the fields that rules mark, and what kubectl last applied
// of any object. It goes by the identity and by what the object says it is.
func (m Masker) Object(id model.ObjectID, fields map[string]any) map[string]any {
	if meta, _ := fields["metadata"].(map[string]any); meta != nil {
		if annotations, _ := meta["annotations"].(map[string]any); annotations != nil {
			if v, ok := annotations[LastApplied]; ok {
				annotations[LastApplied] = m.Token(id, v)
			}
		}
	}
	for _, r := range m.rules {
		fieldrule.Rewrite(fields, id.Kind, r, func(v any) any { return m.marked(id, v) })
	}
	said := fields["kind"] == "Secret" && fields["apiVersion"] == "v1"
	if !said && (id.Group != "" || id.Kind != "Secret") {
		return fields
	}
	for _, key := range []string{"data", "stringData"} {
		switch values := fields[key].(type) {
		case nil:
		case map[string]any:
			for k, v := range values {
				if s, ok := v.(string); ok && key == "stringData" {
					values[k] = m.token(id, []byte(s)) // not in base64, also if it looks like it
					continue
				}
				values[k] = m.Token(id, v)
			}
		default: // not a map, and not to be shown either
			fields[key] = m.Token(id, values)
		}
	}
	return fields
}

// marked is the token of a value that a rule marks: of a text as it is, also if
// it looks like base64.
func (m Masker) marked(id model.ObjectID, value any) any {
	if s, ok := value.(string); ok {
		return m.token(id, []byte(s))
	}
	return m.Token(id, value)
}

// Token is what a value looks like from outside: "<masked 3f9a2c1d>". A text
// in base64 stands for what it encodes, so that two ways to write the same
// bytes are the same token.
func (m Masker) Token(id model.ObjectID, value any) string {
	return m.token(id, content(value))
}

func (m Masker) token(id model.ObjectID, value []byte) string {
	h := hmac.New(sha256.New, []byte(m.key))
	for _, part := range []string{id.Group, id.Kind, id.Namespace, id.Name} {
		_, _ = fmt.Fprintf(h, "%d:%s,", len(part), part) // a hash never fails to write
	}
	_, _ = h.Write(value)
	return "<masked " + hex.EncodeToString(h.Sum(nil))[:tokenDigits] + ">"
}

func content(value any) []byte {
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
