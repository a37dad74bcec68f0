//go:build unix

package testcluster

import (
	"syscall"
	"testing"
)

// CrashAPIServer kills the API server, as kill -9 does, and has another one
// started at the same address, on the same data: for some seconds connections
// are refused. It does not wait until the new one answers.
func (c *Cluster) CrashAPIServer(t testing.TB) {
	t.Helper()
	if err := c.process.cmd.Process.Signal(syscall.SIGUSR1); err != nil {
		t.Fatalf("crashing the API server: %v", err)
	}
}
