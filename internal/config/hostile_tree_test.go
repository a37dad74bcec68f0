//go:build unix

package config

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What a repository puts where a calendar should be does not hang the check, and
// does not lead out of the repository.
func TestCheckOfWhatIsNoCalendar(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe.ics"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{"endless.ics": "/dev/zero", "out.ics": "/etc/hostname"} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "folder.ics"), 0o700); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	for _, name := range []string{"pipe", "endless", "out", "folder"} {
		file := windowed("timeZone: UTC", "freeze: {ics: "+name+".ics}")
		done := make(chan Report, 1)
		go func() {
			_, report := Check("f", []byte(file), time.Unix(0, 0), root.FS())
			done <- report
		}()
		select {
		case r := <-done:
			if len(r.Problems) != 1 || !strings.Contains(r.Problems[0].Message, "cannot be read: ") {
				t.Errorf("%s: %+v", name, r)
			}
		case <-time.After(time.Minute):
			t.Fatalf("%s holds the check up", name)
		}
	}
}
