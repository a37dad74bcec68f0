//go:build !unix

package repo

import (
	"os"
	"os/exec"
	"time"
)

// detach bounds how long the helpers of a cancelled run are waited for.
func detach(cmd *exec.Cmd) { cmd.WaitDelay = 5 * time.Second }

// tryLock locks nothing here: git's own locks keep the references whole.
func tryLock(*os.File) (ok bool, err error) { return true, nil }
