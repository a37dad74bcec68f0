// Package bound limits what a worker process may use.
package bound

import "strings"

// OutOfMemory reports whether what a Go program wrote to its standard error
// says that the system gave it no more memory.
func OutOfMemory(stderr string) bool {
	return strings.Contains(stderr, "out of memory") || strings.Contains(stderr, "cannot allocate memory")
}
