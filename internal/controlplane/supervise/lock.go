package supervise

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// lockDir makes sure that a directory has one control plane. The lock belongs
// to the open file and so to this process alone; it cannot be left behind.
func lockDir(dir string) (*os.File, error) {
	file, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		// The process id is for the message only.
		pid, _ := io.ReadAll(file)
		file.Close()
		return nil, fmt.Errorf("%s is in use by the control plane with process id %s", dir, strings.TrimSpace(string(pid)))
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("locking %s: %w", dir, err)
	}
	if err := errors.Join(file.Truncate(0), writeAtStart(file, fmt.Sprintln(os.Getpid()))); err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

func writeAtStart(file *os.File, text string) error {
	_, err := file.WriteAt([]byte(text), 0)
	return err
}
