package supervise

import "syscall"

// childAttributes takes children out of the terminal's process group, so that
// an interrupt reaches only the supervisor, and has the kernel kill them when
// the supervisor is killed. The lifeline does the same a moment later; this
// also ends a component that hangs.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
