package kustworker

import (
	"os"
	"syscall"
)

// executable is the running program, also when its file was replaced.
func executable() (string, error) { return "/proc/self/exe", nil }

func root() string { return "/" }

// needed is what a process cannot do without.
func needed() []string { return nil }

// attributes give a child a network of its own, in which there is nothing.
func attributes(isolated bool) *syscall.SysProcAttr {
	if !isolated {
		return &syscall.SysProcAttr{Setpgid: true}
	}
	return &syscall.SysProcAttr{
		Setpgid:     true, // Ctrl-C in the terminal is for the parent
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: os.Getuid(), HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: os.Getgid(), HostID: os.Getgid(), Size: 1}},
	}
}
