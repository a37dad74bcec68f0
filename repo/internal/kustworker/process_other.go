//go:build !linux

package kustworker

import (
	"os"
	"path/filepath"
	"syscall"
)

func executable() (string, error) { return os.Executable() }

func root() string {
	name, err := os.Executable()
	if err != nil {
		return ""
	}
	return filepath.VolumeName(name) + string(filepath.Separator)
}

// needed is what a process cannot do without: Windows starts none without its
// own directory.
func needed() []string {
	if dir := os.Getenv("SystemRoot"); dir != "" {
		return []string{"SystemRoot=" + dir}
	}
	return nil
}

func attributes(bool) *syscall.SysProcAttr { return nil }
