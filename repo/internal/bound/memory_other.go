//go:build !linux

package bound

// Memory does nothing where the system has no such limit.
func Memory(uint64) {}
