//go:build unix

package marks

import (
	"errors"
	"os"
	"syscall"
)

// tryLock takes the lock of a file that is open; ok is false while another
// process has it.
func tryLock(f *os.File) (ok bool, err error) {
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, syscall.EINTR) {
		return false, nil
	}
	return err == nil, err
}
