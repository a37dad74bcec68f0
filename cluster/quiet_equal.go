package cluster

import (
	"encoding/base64"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
)

// The API server reads some values and writes them in a form of its own. What
// it does was tried on a server, and differs by the kind of value:
//
//   - A quantity of a built-in kind gets the shortest form of its own format:
//     1000m becomes 1, and 1024Mi becomes 1Gi. There are three formats (1k, 1Ki
//     and 1e3), and it leaves a quantity in the one that it came in: 128Mi and
//     134217728 are equal in value (resource.Quantity.Cmp) and stay two texts.
//   - Bytes and times of a built-in kind come back in one form.
//   - A port that is a number and one that is the same digits as a text are not
//     the same: the text is a name. They are never equal.
//   - Of custom resources every character stays, durations included.

// sameWritten reports whether the server makes the same characters of two
// values at one place of a built-in kind: applying one where the other is live
// writes nothing. It is for sides that have not both been through the server.
func sameWritten(steps []fieldpath.Step, a, b any) bool {
	if fieldpath.Equal(a, b) {
		return true
	}
	place := placeOf(steps)
	switch {
	case place.holds(quantityPlaces):
		x, okX := quantityOf(a)
		y, okY := quantityOf(b)
		return okX && okY && x.String() == y.String()
	case place.holds(timePlaces):
		return sameTime(a, b)
	case place.holds(bytesPlaces):
		return sameBytes(a, b)
	}
	return false
}

// sameMeaning reports whether two values at one place mean the same to whoever
// reads them, although applying one in place of the other alters its
// characters.
//
// Only places that are known to hold such a value are read that way; everywhere
// else, as in a ConfigMap's data, a text is its characters.
func sameMeaning(steps []fieldpath.Step, a, b any) bool {
	place := placeOf(steps)
	switch {
	case place.holds(quantityPlaces):
		x, okX := quantityOf(a)
		y, okY := quantityOf(b)
		return okX && okY && x.Cmp(y) == 0
	case place.holds(durationPlaces):
		return sameDuration(a, b)
	}
	return sameWritten(steps, a, b)
}

// valuePlace is a path without what tells the elements of lists apart: those
// are all "[]".
type valuePlace []string

func placeOf(steps []fieldpath.Step) valuePlace {
	out := make(valuePlace, len(steps))
	for i, s := range steps {
		out[i] = s.Field
		if s.InList {
			out[i] = "[]"
		}
	}
	return out
}

// holds reports whether the path ends like one of the patterns, in which * is
// any one key of a map.
func (p valuePlace) holds(patterns [][]string) bool {
	for _, pattern := range patterns {
		if len(p) < len(pattern) {
			continue
		}
		end := p[len(p)-len(pattern):]
		same := true
		for i, part := range pattern {
			same = same && (part == end[i] || part == "*" && end[i] != "[]")
		}
		if same {
			return true
		}
	}
	return false
}

// The places of the built-in kinds, and of custom resources that follow them,
// where a value is not its characters.
var (
	quantityPlaces = [][]string{
		{"resources", "limits", "*"}, {"resources", "requests", "*"}, {"overhead", "podFixed", "*"},
		{"emptyDir", "sizeLimit"}, {"resourceFieldRef", "divisor"}, {"spec", "capacity", "*"}, {"spec", "hard", "*"},
		{"target", "averageValue"}, {"target", "value"},
		{"spec", "limits", "[]", "max", "*"}, {"spec", "limits", "[]", "min", "*"}, {"spec", "limits", "[]", "default", "*"},
		{"spec", "limits", "[]", "defaultRequest", "*"}, {"spec", "limits", "[]", "maxLimitRequestRatio", "*"},
		{"containerPolicies", "[]", "minAllowed", "*"}, {"containerPolicies", "[]", "maxAllowed", "*"},
	}
	// Fields of the type metav1.Duration, as custom resources have them. The
	// built-in kinds count seconds in whole numbers.
	durationPlaces = [][]string{
		{"spec", "interval"}, {"spec", "timeout"}, {"spec", "retryInterval"}, {"spec", "duration"}, {"spec", "renewBefore"},
		{"spec", "refreshInterval"}, {"endpoints", "[]", "interval"}, {"endpoints", "[]", "scrapeTimeout"},
		{"podMetricsEndpoints", "[]", "interval"}, {"podMetricsEndpoints", "[]", "scrapeTimeout"},
	}
	timePlaces = [][]string{{"spec", "acquireTime"}, {"spec", "renewTime"}}
	// Not data: that of a ConfigMap is text, and of a Secret only tokens are
	// compared, which stand for what is encoded.
	bytesPlaces = [][]string{{"binaryData", "*"}, {"clientConfig", "caBundle"}, {"spec", "caBundle"}}
)

func quantityOf(v any) (resource.Quantity, bool) {
	q, err := resource.ParseQuantity(scalarText(v))
	return q, err == nil
}

func sameDuration(a, b any) bool {
	x, errX := time.ParseDuration(scalarText(a))
	y, errY := time.ParseDuration(scalarText(b))
	return errX == nil && errY == nil && x == y
}

func sameTime(a, b any) bool {
	x, errX := time.Parse(time.RFC3339Nano, scalarText(a))
	y, errY := time.Parse(time.RFC3339Nano, scalarText(b))
	return errX == nil && errY == nil && x.Equal(y)
}

// sameBytes compares base64, in which line breaks do not count.
func sameBytes(a, b any) bool {
	x, okX := a.(string)
	y, okY := b.(string)
	if !okX || !okY {
		return false
	}
	p, errX := base64.StdEncoding.DecodeString(x)
	q, errY := base64.StdEncoding.DecodeString(y)
	return errX == nil && errY == nil && string(p) == string(q)
}

// scalarText is a single value as it is written in a manifest.
func scalarText(v any) string {
	switch v := v.(type) {
	case map[string]any, []any, nil:
		return ""
	case string:
		return v
	default:
		return showValue(v)
	}
}
