package diskcache

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func open(t testing.TB, dir string, o Options) *Cache {
	t.Helper()
	c, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func put(t testing.TB, c *Cache, key, value string) {
	t.Helper()
	if err := c.Put([]byte(key), []byte(value)); err != nil {
		t.Fatal(err)
	}
}

func wants(t testing.TB, c *Cache, key, value string) {
	t.Helper()
	if data, ok := c.Get([]byte(key)); !ok || string(data) != value {
		t.Errorf("%q gives %q, %v; want %q", key, data, ok, value)
	}
}

func wantsNone(t testing.TB, c *Cache, key string) {
	t.Helper()
	if data, ok := c.Get([]byte(key)); ok {
		t.Errorf("%q gives %q, want nothing", key, data)
	}
}

// filesIn lists every file below a directory with its size.
func filesIn(t testing.TB, dir string) map[string]fs.FileInfo {
	t.Helper()
	found := map[string]fs.FileInfo{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		found[p] = info
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// only is the path of the one file there is.
func only(t testing.TB, dir string) string {
	t.Helper()
	all := filesIn(t, dir)
	for name := range all {
		if len(all) == 1 {
			return name
		}
	}
	t.Fatalf("%d files, want one", len(all))
	return ""
}

func noise(t testing.TB, n int) []byte {
	t.Helper()
	b := make([]byte, n)
	if _, err := rand.Read(b); err != nil {
		t.Fatal(err)
	}
	return b
}

func TestGetGivesWhatWasPut(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	c := open(t, dir, Options{ToolVersion: "1"})
	wantsNone(t, c, "key")
	large := string(noise(t, 100_000))
	for key, value := range map[string]string{"key": "value", "": "empty key", "nothing": "", "large": large, "long" + large: "x"} {
		put(t, c, key, value)
		wants(t, c, key, value)
		wants(t, open(t, dir, Options{ToolVersion: "1"}), key, value)
		wantsNone(t, open(t, dir, Options{ToolVersion: "2"}), key)
	}
	put(t, c, "key", "another")
	wants(t, c, "key", "another")
	wantsNone(t, c, "keys")
}

func TestNilCacheHoldsNothing(t *testing.T) {
	var c *Cache
	put(t, c, "key", "value")
	wantsNone(t, c, "key")
}

func TestFilesAreForTheOwnerOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	put(t, open(t, dir, Options{}), "key", "value")
	for name, info := range filesIn(t, dir) {
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
		for d := filepath.Dir(name); len(d) >= len(dir); d = filepath.Dir(d) {
			if info, err := os.Stat(d); err != nil || info.Mode().Perm() != 0o700 {
				t.Errorf("%s has mode %v, %v", d, info.Mode(), err)
			}
		}
	}
}

func TestNoTextIsVisible(t *testing.T) {
	dir := t.TempDir()
	put(t, open(t, dir, Options{ToolVersion: "version"}), "hidden-key", strings.Repeat("hunter22 ", 3))
	name := only(t, dir)
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"hidden-key", "hunter22", "version"} {
		if strings.Contains(name, s) || bytes.Contains(data, []byte(s)) {
			t.Errorf("%q is visible", s)
		}
	}
}

func TestEveryDamageIsNoticedAndMended(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, Options{})
	put(t, c, "key", strings.Repeat("some value ", 20))
	name := only(t, dir)
	good, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	damaged := func(what string, data []byte) {
		t.Helper()
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, ok := c.Get([]byte("key")); ok {
			t.Errorf("%s: it was believed", what)
		}
	}
	for i := range good {
		for _, bit := range []byte{1, 0x80, 0xff} {
			bad := bytes.Clone(good)
			bad[i] ^= bit
			damaged(fmt.Sprintf("byte %d ^ %#x", i, bit), bad)
		}
		damaged(fmt.Sprintf("cut to %d bytes", i), good[:i])
	}
	damaged("a byte more", append(bytes.Clone(good), 0))
	damaged("twice", append(bytes.Clone(good), good...))

	put(t, c, "key", "anew")
	wants(t, c, "key", "anew")
}

func TestFilesOfOtherKeysAreNotBelieved(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, Options{})
	put(t, c, "a", "of a")
	a := only(t, dir)
	data, err := os.ReadFile(a)
	if err != nil {
		t.Fatal(err)
	}
	put(t, c, "b", "of b")
	for name := range filesIn(t, dir) {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	wants(t, c, "a", "of a")
	wantsNone(t, c, "b")
}

// What is in the file is made from what was written: a fuzzer's other processes
// have a seal of their own, which is as good.
func FuzzForeignBytesAreNotBelieved(f *testing.F) {
	dir := f.TempDir()
	c := open(f, dir, Options{})
	put(f, c, "key", "value")
	name := only(f, dir)
	good, err := os.ReadFile(name)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint16(len(good)), uint16(0), byte(0), []byte{})
	f.Add(uint16(0), uint16(0), byte(0), []byte{})
	f.Add(uint16(12), uint16(0), byte(0), []byte{})
	f.Add(uint16(len(good)), uint16(12), byte(1), []byte{})
	f.Add(uint16(len(good)), uint16(0), byte(0), []byte("more"))
	f.Fuzz(func(t *testing.T, kept, at uint16, flip byte, more []byte) {
		data := slices.Concat(good[:min(int(kept), len(good))], more)
		if len(data) > 0 {
			data[int(at)%len(data)] ^= flip
		}
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, ok := c.Get([]byte("key")); ok != bytes.Equal(data, good) || ok && string(got) != "value" {
			t.Errorf("%q, %v", got, ok)
		}
	})
}

// Where nothing can be written or read the cache is without effect.
func TestUnusableDirectory(t *testing.T) {
	base := t.TempDir()
	file := filepath.Join(base, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c := open(t, filepath.Join(file, "cache"), Options{})
	if err := c.Put([]byte("key"), []byte("value")); err == nil {
		t.Error("a value was kept below a file")
	}
	wantsNone(t, c, "key")

	// A directory stands where the value's file is to be.
	c = open(t, filepath.Join(base, "cache"), Options{})
	put(t, c, "key", "value")
	name := only(t, filepath.Join(base, "cache"))
	if err := errors.Join(os.Remove(name), os.MkdirAll(filepath.Join(name, "sub"), 0o700)); err != nil {
		t.Fatal(err)
	}
	if err := c.Put([]byte("key"), []byte("value")); err == nil {
		t.Error("a directory was replaced")
	}
	wantsNone(t, c, "key")
	if left := filesIn(t, filepath.Join(base, "cache")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestTooLargeIsNotKept(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, Options{MaxBytes: 16 * 1000})
	if err := c.Put([]byte("key"), noise(t, 600)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("error %v", err)
	}
	if left := filesIn(t, dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	put(t, c, "key", strings.Repeat("x", 100_000)) // it is small when compressed
}

// clock is a time that only a test moves.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func TestTheLeastRecentlyUsedAreEvicted(t *testing.T) {
	const most = 16 * 16_000
	dir := t.TempDir()
	clk := &clock{time.Now()}
	c := open(t, dir, Options{MaxBytes: most, Now: clk.now})
	put(t, c, "kept", "in use")
	var last string
	for i := range 1000 {
		clk.at = clk.at.Add(2 * time.Hour)
		last = fmt.Sprint("key ", i)
		put(t, c, last, string(noise(t, 1000)))
		wants(t, c, "kept", "in use")
		if i%100 != 99 {
			continue
		}
		var total int64
		for _, info := range filesIn(t, dir) {
			total += info.Size()
		}
		if total > most {
			t.Fatalf("after %d values: %d bytes, more than %d", i, total, most)
		}
		if i == 999 && total < most/2 {
			t.Errorf("%d bytes are left of %d: too much was evicted", total, most)
		}
	}
	wantsNone(t, c, "key 0")
	if _, ok := c.Get([]byte(last)); !ok {
		t.Error("the newest value is gone")
	}
}

// The files of another process count too.
func TestOthersFilesAreSeen(t *testing.T) {
	const most = 16 * 16_000
	dir := t.TempDir()
	var caches []*Cache
	for range 4 {
		caches = append(caches, open(t, dir, Options{MaxBytes: most}))
	}
	for i := range 1500 {
		put(t, caches[i%len(caches)], fmt.Sprint("key ", i), string(noise(t, 1000)))
	}
	var total int64
	for _, info := range filesIn(t, dir) {
		total += info.Size()
	}
	if bound := int64(most + len(caches)*most/aside); total > bound {
		t.Errorf("%d bytes, more than %d", total, bound)
	}
}

func TestUseIsNotedOnceAnHour(t *testing.T) {
	dir := t.TempDir()
	clk := &clock{time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)}
	c := open(t, dir, Options{Now: clk.now})
	put(t, c, "key", "value")
	name := only(t, dir)
	used := func() time.Time {
		wants(t, c, "key", "value")
		return filesIn(t, dir)[name].ModTime().UTC()
	}
	written := clk.at
	clk.at = written.Add(59 * time.Minute)
	if got := used(); !got.Equal(written) {
		t.Errorf("after 59 minutes it was noted: %v", got)
	}
	clk.at = written.Add(61 * time.Minute)
	if got := used(); !got.Equal(clk.at) {
		t.Errorf("after 61 minutes it says %v", got)
	}
	clk.at = written.Add(-24 * time.Hour) // the clock was set back
	if got := used(); !got.Equal(clk.at) {
		t.Errorf("a time in the future stays: %v", got)
	}
}

func TestLeftoversAreRemoved(t *testing.T) {
	dir := t.TempDir()
	clk := &clock{time.Now()}
	c := open(t, dir, Options{Now: clk.now})
	put(t, c, "key", "value")
	sub := filepath.Dir(only(t, dir))
	young, old, foreign := filepath.Join(sub, tempName+"1"), filepath.Join(sub, tempName+"2"), filepath.Join(sub, "notes.txt")
	for name, age := range map[string]time.Duration{young: 59 * time.Minute, old: 61 * time.Minute, foreign: 1000 * time.Hour} {
		at := clk.at.Add(-age)
		if err := errors.Join(os.WriteFile(name, []byte("half"), 0o600), os.Chtimes(name, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	put(t, open(t, dir, Options{Now: clk.now}), "key", "value")
	left := filesIn(t, dir)
	if left[young] == nil || left[old] != nil || left[foreign] == nil {
		t.Errorf("left: %v", left)
	}
}

func BenchmarkCacheGetPut(b *testing.B) {
	value := []byte(strings.Repeat("apiVersion: v1\nkind: ConfigMap\n", 230)) // 7 kB, as the render of a shop
	c := open(b, b.TempDir(), Options{})
	key := func(i int) []byte { return fmt.Appendf(nil, "a key of %d", i%1000) }
	b.Run("put", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			if err := c.Put(key(i), value); err != nil {
				b.Fatal(err)
			}
		}
	})
	if err := c.Put(key(0), value); err != nil {
		b.Fatal(err)
	}
	b.Run("hit", func(b *testing.B) {
		for b.Loop() {
			if _, ok := c.Get(key(0)); !ok {
				b.Fatal("it is gone")
			}
		}
	})
	b.Run("miss", func(b *testing.B) {
		for b.Loop() {
			if _, ok := c.Get([]byte("none")); ok {
				b.Fatal("it is there")
			}
		}
	})
}
