package bound

import "syscall"

// Memory makes the system refuse this process more than so many bytes of
// addresses, which ends a Go program. It reserves far more of them than it
// uses, so the limit has to be generous; it is there for the single request
// that a look at the memory in use would see too late.
func Memory(bytes uint64) {
	limit := syscall.Rlimit{Cur: bytes, Max: bytes}
	_ = syscall.Setrlimit(syscall.RLIMIT_AS, &limit) // the workers watch what they use, too
}
