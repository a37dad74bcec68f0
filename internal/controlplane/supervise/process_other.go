//go:build !linux

package supervise

import "syscall"

// childAttributes takes children out of the terminal's process group, so that
// an interrupt reaches only the supervisor. Without it, the lifeline ends them.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
