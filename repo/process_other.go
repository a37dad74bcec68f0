//go:build !unix && !windows

package repo

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"time"
)

// detach bounds how long the helpers of a cancelled run are waited for.
func detach(cmd *exec.Cmd) { cmd.WaitDelay = 5 * time.Second }

// tryLock refuses: without a lock two processes would change the own
// repository at once.
func tryLock(f *os.File) (ok bool, err error) {
	return false, fmt.Errorf("files cannot be locked on %s", runtime.GOOS)
}
