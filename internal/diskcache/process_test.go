package diskcache

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// Variables of the environment that make a test a child process of itself.
const (
	hammerDir  = "DISKCACHE_TEST_HAMMER"
	hammerSeed = "DISKCACHE_TEST_SEED"
)

// again starts the test program for the one test that runs.
func again(t *testing.T, env ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), self, "-test.run=^"+t.Name()+"$")
	child.Env = append(os.Environ(), env...)
	return child
}

// valueOf is what belongs under a key, in one of several forms.
func valueOf(key, form int) string {
	return fmt.Sprint(key, " ", strings.Repeat(strconv.Itoa(key*10+form), 50+key))
}

// hammer puts and gets at random in a directory that is too small for all.
// What it gets must always be something that belongs under the key.
func hammer(dir string, seed uint64) error {
	const keys, forms = 200, 3
	c, err := Open(dir, Options{MaxBytes: 16 * 1200})
	if err != nil {
		return err
	}
	random := rand.New(rand.NewPCG(seed, 1))
	hits := 0
	for range 1500 {
		key := random.IntN(keys)
		name := []byte(strconv.Itoa(key))
		if random.IntN(2) == 0 {
			if err := c.Put(name, []byte(valueOf(key, random.IntN(forms)))); err != nil {
				return fmt.Errorf("put %d: %w", key, err)
			}
			continue
		}
		data, ok := c.Get(name)
		if !ok {
			continue
		}
		hits++
		if s := string(data); s != valueOf(key, 0) && s != valueOf(key, 1) && s != valueOf(key, 2) {
			return fmt.Errorf("key %d gives %q", key, data)
		}
	}
	if hits < 20 {
		return fmt.Errorf("only %d values were found", hits)
	}
	return nil
}

func TestProcessesShareADirectory(t *testing.T) {
	if dir := os.Getenv(hammerDir); dir != "" {
		seed, err := strconv.ParseUint(os.Getenv(hammerSeed), 10, 64)
		if err == nil {
			err = hammer(dir, seed)
		}
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	dir := t.TempDir()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	children := make([]*exec.Cmd, 2)
	said := make([]bytes.Buffer, len(children))
	for i := range children {
		children[i] = again(t, hammerDir+"="+dir, fmt.Sprintf("%s=%d", hammerSeed, seed+uint64(i)))
		children[i].Stdout = &said[i]
		if err := children[i].Start(); err != nil {
			t.Fatal(err)
		}
	}
	if err := hammer(dir, seed-1); err != nil {
		t.Errorf("this process: %v", err)
	}
	for i, child := range children {
		if err := child.Wait(); err != nil {
			t.Errorf("process %d: %v: %s", i, err, said[i].String())
		}
	}
	for name := range filesIn(t, dir) {
		if strings.Contains(name, tempName) {
			t.Errorf("%s was left behind", name)
		}
	}
}
