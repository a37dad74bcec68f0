package cluster

import (
	"encoding/json"
	"fmt"
)

// pathPartMost cuts absurdly long parts of paths.
const pathPartMost = 200

// showValue is a value on one short line.
func showValue(v any) string {
	const width = 60
	switch v := v.(type) {
	case nil:
		return "nothing"
	case string:
		return plainLine(v, width)
	case map[string]any, []any:
		b, err := json.Marshal(v)
		if err != nil {
			return "a value"
		}
		return plainLine(string(b), width)
	}
	return fmt.Sprint(v)
}
