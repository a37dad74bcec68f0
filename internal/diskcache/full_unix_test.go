//go:build unix

package diskcache

import (
	"os"
	"os/signal"
	"syscall"
	"testing"
)

const fullDir = "DISKCACHE_TEST_FULL"

// No file may grow beyond 4 kB in the child process, as on a disk that fills up
// in the middle of a file.
func TestDiskFull(t *testing.T) {
	dir := os.Getenv(fullDir)
	if dir == "" {
		dir = t.TempDir()
		if out, err := again(t, fullDir+"="+dir).CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
		if left := filesIn(t, dir); len(left) != 1 {
			t.Errorf("left behind: %v", left)
		}
		return
	}
	signal.Ignore(syscall.SIGXFSZ)
	limit := syscall.Rlimit{Cur: 4096, Max: 4096}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	c := open(t, dir, Options{})
	put(t, c, "key", "fits")
	err := c.Put([]byte("key"), noise(t, 10_000))
	if err == nil {
		t.Error("a value was kept for which there is no room")
	}
	wants(t, c, "key", "fits")
}
