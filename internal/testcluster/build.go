package testcluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	modulePath = "github.com/fairtide-dev/fairtide"
	// versionFlags set what the API server says it is: a plain build knows no
	// version.
	versionFlags = "-X k8s.io/component-base/version.gitVersion=v1.37.1" +
		" -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=37"
)

// executable is a program of the control plane's module.
type executable struct {
	name     string // of the file in bin
	pkg      string
	variable string // an environment variable that names one to use as it is
}

var (
	controlPlane = executable{"controlplane", ".", "FAIRTIDE_CONTROLPLANE"}
	kubectl      = executable{"kubectl", "k8s.io/kubernetes/cmd/kubectl", "FAIRTIDE_KUBECTL"}
)

// find returns the path of the executable, building it if it is missing or
// older than the sources of the module.
func (e executable) find() (string, error) {
	if path := os.Getenv(e.variable); path != "" {
		_, err := os.Stat(path)
		return path, err
	}
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	path := filepath.Join(root, "bin", e.name)
	sources := filepath.Join(root, "internal", "controlplane")
	if fresh, err := upToDate(path, sources); fresh || err != nil {
		return path, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", err
	}
	// Test binaries of several packages run at the same time.
	unlock, err := Lock(path + ".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	if fresh, err := upToDate(path, sources); fresh || err != nil {
		return path, err
	}
	return path, e.build(path, sources)
}

// Lock waits until it has the lock on a file, which it makes if need be. Test
// binaries of several packages, and of several people, run at the same time.
func Lock(path string) (unlock func(), err error) { return lockFile(path) }

func (e executable) build(path, sources string) error {
	fmt.Fprintf(os.Stderr, "testcluster: building %s, which takes some minutes the first time\n", path)
	cmd := exec.CommandContext(context.Background(), "go", "build", "-trimpath", "-ldflags", "-s -w "+versionFlags, "-o", path, e.pkg)
	cmd.Dir = sources
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "PWD="+sources)
	began := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w\n%s", e.name, err, out)
	}
	// A source that changes during the build is newer than the result.
	return os.Chtimes(path, began, began)
}

// upToDate compares the executable's time with that of its sources.
func upToDate(path, sources string) (bool, error) {
	built, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	fresh := true
	err = filepath.WalkDir(sources, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		source := strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") ||
			entry.Name() == "go.mod" || entry.Name() == "go.sum"
		if entry.IsDir() || !source {
			return nil
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		fresh = fresh && !info.ModTime().After(built.ModTime())
		return nil
	})
	return fresh, err
}

// moduleRoot finds the directory of this module, in a directory of which tests
// run.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		data, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.HasPrefix(string(data), "module "+modulePath+"\n") {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("the working directory is not in module " + modulePath)
		}
		dir = parent
	}
}
