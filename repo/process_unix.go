//go:build unix

package repo

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// detach takes the terminal away from git, so that ssh cannot ask there, and
// lets a cancelled run take its helpers along.
func detach(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
}

// tryLock takes the lock of a file that is open; ok is false while another
// process has it.
func tryLock(f *os.File) (ok bool, err error) {
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, syscall.EINTR) {
		return false, nil
	}
	return err == nil, err
}
