package cluster

import (
	"encoding/base64"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
)

// equalMeaning reports whether two values at one path of an object mean the
// same to the API server, although they are written differently: 100m and 0.1
// where there is a quantity, 60m and 1h where there is a duration, "8080" and
// 8080 where there is a port, base64 with and without line breaks. It is for sides that have not both been through the server: of two
// that have, the server made one of such values already.
//
// The path is as a Cause writes it. Only paths that are known to hold such a
// value are read that way; everywhere else, as in a ConfigMap's data, a text is
// its characters.
func equalMeaning(path string, a, b any) bool {
	if equalValues(a, b) {
		return true
	}
	place := placeOf(path)
	switch {
	case place.holds(quantityPlaces):
		return sameQuantity(a, b)
	case place.holds(durationPlaces):
		return sameDuration(a, b)
	case place.holds(portPlaces):
		return samePort(a, b)
	case place.holds(base64Places):
		return sameBase64(a, b)
	}
	return false
}

// valuePlace is a path without what tells the elements of lists apart.
type valuePlace []string

func placeOf(path string) valuePlace {
	var out valuePlace
	for path != "" {
		if path[0] == '[' {
			end := strings.IndexByte(path, ']')
			if end < 0 {
				end = len(path) - 1
			}
			// A key with a dot in it is written like an element.
			out = append(out, "["+path[1:end])
			path = strings.TrimPrefix(path[end+1:], ".")
			continue
		}
		end := strings.IndexAny(path, ".[")
		if end < 0 {
			return append(out, path)
		}
		out = append(out, path[:end])
		path = strings.TrimPrefix(path[end:], ".")
	}
	return out
}

// holds reports whether the path ends like one of the patterns, in which * is
// any one part.
func (p valuePlace) holds(patterns [][]string) bool {
	for _, pattern := range patterns {
		if len(p) < len(pattern) {
			continue
		}
		end := p[len(p)-len(pattern):]
		same := true
		for i, part := range pattern {
			same = same && (part == "*" || part == end[i])
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
		{"spec", "limits", "*", "max", "*"}, {"spec", "limits", "*", "min", "*"}, {"spec", "limits", "*", "default", "*"},
		{"spec", "limits", "*", "defaultRequest", "*"}, {"spec", "limits", "*", "maxLimitRequestRatio", "*"},
		{"containerPolicies", "*", "minAllowed", "*"}, {"containerPolicies", "*", "maxAllowed", "*"},
	}
	// Fields of the type metav1.Duration, as custom resources have them. The
	// built-in kinds count seconds in whole numbers.
	durationPlaces = [][]string{
		{"spec", "interval"}, {"spec", "timeout"}, {"spec", "retryInterval"}, {"spec", "duration"}, {"spec", "renewBefore"},
		{"spec", "refreshInterval"}, {"endpoints", "*", "interval"}, {"endpoints", "*", "scrapeTimeout"},
		{"podMetricsEndpoints", "*", "interval"}, {"podMetricsEndpoints", "*", "scrapeTimeout"},
	}
	portPlaces = [][]string{
		{"targetPort"}, {"httpGet", "port"}, {"tcpSocket", "port"}, {"maxUnavailable"}, {"maxSurge"}, {"minAvailable"},
		{"ingress", "*", "ports", "*", "port"}, {"egress", "*", "ports", "*", "port"},
	}
	// Not data: that of a ConfigMap is text, and of a Secret only tokens are
	// compared, which stand for what is encoded.
	base64Places = [][]string{{"binaryData", "*"}, {"clientConfig", "caBundle"}, {"spec", "caBundle"}}
)

func sameQuantity(a, b any) bool {
	x, okX := quantityOf(a)
	y, okY := quantityOf(b)
	return okX && okY && x.Cmp(y) == 0
}

func quantityOf(v any) (resource.Quantity, bool) {
	q, err := resource.ParseQuantity(scalarText(v))
	return q, err == nil
}

func sameDuration(a, b any) bool {
	x, errX := time.ParseDuration(scalarText(a))
	y, errY := time.ParseDuration(scalarText(b))
	return errX == nil && errY == nil && x == y
}

// samePort compares an int-or-string: a number and its digits are the same
// port. Only one side may be a text, as "080" is the name of one.
func samePort(a, b any) bool {
	text, isText := a.(string)
	other := b
	if !isText {
		text, isText = b.(string)
		other = a
	}
	_, isNumber := number(other)
	return isText && isNumber && text == scalarText(other)
}

func sameBase64(a, b any) bool {
	x, okX := a.(string)
	y, okY := b.(string)
	if !okX || !okY {
		return false
	}
	p, errX := base64.StdEncoding.DecodeString(withoutBreaks(x))
	q, errY := base64.StdEncoding.DecodeString(withoutBreaks(y))
	return errX == nil && errY == nil && string(p) == string(q)
}

func withoutBreaks(s string) string {
	return strings.NewReplacer("\n", "", "\r", "", " ", "", "\t", "").Replace(s)
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
