package cluster

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
	"github.com/fairtide-dev/fairtide/model"
)

const (
	lastAppliedAnnotation        = "kubectl.kubernetes.io/last-applied-configuration"
	deploymentRevisionAnnotation = "deployment.kubernetes.io/revision"
)

// bookkeeping are annotations that the server and its controllers write for
// themselves. They follow from the rest of the object, or from its history, and
// say nothing about it.
var bookkeeping = []string{
	lastAppliedAnnotation, deploymentRevisionAnnotation,
	"deployment.kubernetes.io/desired-replicas", "deployment.kubernetes.io/max-replicas",
	"deprecated.daemonset.template.generation",
	"autoscaling.alpha.kubernetes.io/conditions", "autoscaling.alpha.kubernetes.io/current-metrics",
	"control-plane.alpha.kubernetes.io/leader",
}

// serverMetadata are the parts of metadata that only the API server writes.
var serverMetadata = []string{
	"managedFields", "resourceVersion", "uid", "generation", "creationTimestamp", "selfLink",
}

// normalise returns a copy of an object without what the server and other
// tools keep in it for themselves, so that two readings can be compared. The
// status is dropped too unless keepStatus is set, which is for the rare kinds
// whose status is a field like any other (no status subresource).
//
// Both sides of a comparison go through here; what is dropped from one is
// dropped from the other.
func normalise(fields map[string]any, keepStatus bool) map[string]any {
	if fields == nil {
		return nil
	}
	out, _ := cloneValue(fields).(map[string]any)
	if !keepStatus {
		delete(out, "status")
	}
	if meta, ok := out["metadata"].(map[string]any); ok {
		for _, key := range serverMetadata {
			delete(meta, key)
		}
		if annotations, ok := meta["annotations"].(map[string]any); ok {
			for _, key := range bookkeeping {
				delete(annotations, key)
			}
		}
		for _, key := range []string{"annotations", "labels", "finalizers", "ownerReferences"} {
			if isEmpty(meta[key]) {
				delete(meta, key)
			}
		}
	}
	if isSecret(out) {
		foldStringData(out)
	}
	dropZeroTimestamps(out)
	return out
}

// dropZeroTimestamps removes the `creationTimestamp: null` that generators and
// older servers leave in the metadata of an object and of pod templates.
func dropZeroTimestamps(v any) {
	switch v := v.(type) {
	case map[string]any:
		if meta, ok := v["metadata"].(map[string]any); ok {
			if at, has := meta["creationTimestamp"]; has && at == nil {
				delete(meta, "creationTimestamp")
			}
		}
		for _, child := range v {
			dropZeroTimestamps(child)
		}
	case []any:
		for _, child := range v {
			dropZeroTimestamps(child)
		}
	}
}

// isSecret goes by what the object says it is: masking must not depend on how
// well anything else was parsed.
func isSecret(fields map[string]any) bool {
	return fields["kind"] == "Secret" && fields["apiVersion"] == "v1"
}

// foldStringData does what the server does with a Secret's stringData: each
// value replaces the one in data, in base64.
func foldStringData(secret map[string]any) {
	plain, ok := secret["stringData"].(map[string]any)
	if !ok {
		if isEmpty(secret["stringData"]) {
			delete(secret, "stringData")
		}
		return
	}
	data, ok := secret["data"].(map[string]any)
	if !ok {
		data = map[string]any{}
	}
	for key, value := range plain {
		if s, ok := value.(string); ok {
			data[key] = base64.StdEncoding.EncodeToString([]byte(s))
		} else {
			data[key] = value // wrong type; the server says so
		}
	}
	delete(secret, "stringData")
	if len(data) > 0 {
		secret["data"] = data
	}
}

// dropAllocated removes from a predicted object the values that the server
// picks anew in every dry-run: they are not what apply will end up with, and
// would make every reading of a plan a different plan. Only values that are
// neither rendered nor live already are removed.
func dropAllocated(id model.ObjectID, predicted, rendered, live map[string]any, throwawayUID string) {
	if live == nil && throwawayUID != "" {
		dropValue(predicted, throwawayUID) // a Job's controller-uid labels and selector
	}
	switch {
	case id.Group == "" && id.Kind == "Service":
		dropServiceAllocations(predicted, rendered, live)
	case id.Group == "" && id.Kind == "Pod" && live == nil:
		dropTokenVolume(predicted, rendered)
	}
}

// dropValue removes every map entry whose value is the given string.
func dropValue(v any, value string) {
	switch v := v.(type) {
	case map[string]any:
		for key, child := range v {
			if s, ok := child.(string); ok && s == value {
				delete(v, key)
				continue
			}
			dropValue(child, value)
		}
	case []any:
		for _, child := range v {
			dropValue(child, value)
		}
	}
}

func dropServiceAllocations(predicted, rendered, live map[string]any) {
	spec := mapAt(predicted, "spec")
	want, was := mapAt(rendered, "spec"), mapAt(live, "spec")
	if spec == nil {
		return
	}
	// An address that is empty in Git, and a port that is 0, ask for any.
	if isEmpty(want["clusterIP"]) && isEmpty(was["clusterIP"]) {
		delete(spec, "clusterIP")
	}
	known := slices.Concat(sliceAt(want, "clusterIPs"), sliceAt(was, "clusterIPs"), []any{want["clusterIP"], was["clusterIP"]})
	addresses := slices.DeleteFunc(slices.Clone(sliceAt(spec, "clusterIPs")), func(ip any) bool {
		return !slices.ContainsFunc(known, func(k any) bool { return fieldpath.Equal(k, ip) })
	})
	if spec["clusterIPs"] = addresses; len(addresses) == 0 {
		delete(spec, "clusterIPs")
	}
	if !isPort(want["healthCheckNodePort"]) && !isPort(was["healthCheckNodePort"]) {
		delete(spec, "healthCheckNodePort")
	}
	for _, p := range sliceAt(spec, "ports") {
		port, ok := p.(map[string]any)
		if !ok || port["nodePort"] == nil {
			continue
		}
		if !servicePortHasNode(want, port) && !servicePortHasNode(was, port) {
			delete(port, "nodePort")
		}
	}
}

func isPort(v any) bool { return v != nil && !fieldpath.Equal(v, int64(0)) }

// servicePortHasNode reports whether the spec's entry for the same port and
// protocol names a node port.
func servicePortHasNode(spec, port map[string]any) bool {
	protocol := func(m map[string]any) any {
		if p, ok := m["protocol"]; ok {
			return p
		}
		return "TCP" // the server's default
	}
	for _, p := range sliceAt(spec, "ports") {
		other, ok := p.(map[string]any)
		if ok && fieldpath.Equal(other["port"], port["port"]) && protocol(other) == protocol(port) {
			return isPort(other["nodePort"])
		}
	}
	return false
}

// tokenVolumePrefix starts the name of the volume that the ServiceAccount
// admission plugin adds to a bare Pod; the rest of the name is random.
const tokenVolumePrefix = "kube-api-access-"

func dropTokenVolume(predicted, rendered map[string]any) {
	wanted := map[any]bool{}
	for _, v := range sliceAt(mapAt(rendered, "spec"), "volumes") {
		if m, ok := v.(map[string]any); ok {
			wanted[m["name"]] = true
		}
	}
	filter := func(owner map[string]any, key string) {
		var kept []any
		for _, v := range sliceAt(owner, key) {
			m, _ := v.(map[string]any)
			name, _ := m["name"].(string)
			if wanted[name] || !strings.HasPrefix(name, tokenVolumePrefix) {
				kept = append(kept, v)
			}
		}
		if kept == nil {
			delete(owner, key)
		} else {
			owner[key] = kept
		}
	}
	spec := mapAt(predicted, "spec")
	if spec == nil {
		return
	}
	filter(spec, "volumes")
	for _, list := range []string{"containers", "initContainers"} {
		for _, c := range sliceAt(spec, list) {
			if container, ok := c.(map[string]any); ok {
				filter(container, "volumeMounts")
			}
		}
	}
}

// cloneValue copies JSON as it is decoded.
func cloneValue(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, child := range v {
			out[key] = cloneValue(child)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, child := range v {
			out[i] = cloneValue(child)
		}
		return out
	}
	return v
}

func isEmpty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	case string:
		return v == ""
	}
	return false
}

// mapAt follows keys down; nil when one is missing or no map. Reading a nil
// map is fine in Go, so callers need not check.
func mapAt(fields map[string]any, keys ...string) map[string]any {
	for _, key := range keys {
		next, ok := fields[key].(map[string]any)
		if !ok {
			return nil
		}
		fields = next
	}
	return fields
}

func sliceAt(fields map[string]any, key string) []any {
	s, _ := fields[key].([]any)
	return s
}
