package cluster

import (
	"io"

	"k8s.io/klog/v2"
)

// SilenceLibraries keeps client-go, which logs through a global logger to
// stderr, from writing over the screen. What fairtide has to say of a cluster
// is in the errors it returns. A program calls it once, at its start.
func SilenceLibraries() {
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)
}
