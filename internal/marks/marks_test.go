package marks

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

func id(name string) model.ObjectID {
	return model.ObjectID{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: name}
}

func open(dir string) *Store { return Open(dir, "https://example.com/environments", time.Now) }

func put(t testing.TB, s *Store, env string, changes ...model.DiffMark) {
	t.Helper()
	if err := s.Mark(env, changes); err != nil {
		t.Fatal(err)
	}
}

func wants(t testing.TB, s *Store, env, name, digest string, want model.Reviewed) {
	t.Helper()
	got, err := s.Reviewed(env, map[model.ObjectID]string{id(name): digest})
	if err != nil || got[id(name)] != want {
		t.Errorf("%s in %s with %q is %d, %v; want %d", name, env, digest, got[id(name)], err, want)
	}
}

func TestMarks(t *testing.T) {
	for name, dir := range map[string]string{"in files": filepath.Join(t.TempDir(), "a", "b"), "in memory": ""} {
		t.Run(name, func(t *testing.T) {
			s := open(dir)
			wants(t, s, "production", "cart", "one", model.ReviewedNot)
			put(t, s, "production", model.DiffMark{ID: id("cart"), Digest: "one"})
			wants(t, s, "production", "cart", "one", model.ReviewedAlready)
			wants(t, s, "production", "cart", "two", model.ReviewedBefore)
			wants(t, s, "production", "gateway", "one", model.ReviewedNot)
			wants(t, s, "staging", "cart", "one", model.ReviewedNot)
			put(t, s, "production", model.DiffMark{ID: id("cart"), Digest: "two"})
			wants(t, s, "production", "cart", "one", model.ReviewedAlready)
			put(t, s, "production", model.DiffMark{ID: id("cart"), Gone: true})
			wants(t, s, "production", "cart", "one", model.ReviewedNot)
		})
	}
}

func TestMarksSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	put(t, open(dir), "production", model.DiffMark{ID: id("cart"), Digest: "one"})
	wants(t, open(dir), "production", "cart", "one", model.ReviewedAlready)
	wants(t, Open(dir, "https://example.com/others", time.Now), "production", "cart", "one", model.ReviewedNot)
}

// files are the marks there are, without locks.
func files(t testing.TB, dir string) []string {
	t.Helper()
	out, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestTheFileNamesNothing(t *testing.T) {
	dir := t.TempDir()
	put(t, open(dir), "production", model.DiffMark{ID: id("cart"), Digest: "a-digest"})
	for _, f := range files(t, dir) {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{"cart", "shop", "Deployment", "a-digest", "production", "example.com"} {
			if bytes.Contains(data, []byte(word)) || strings.Contains(f, word) {
				t.Errorf("%s has %q: %s", f, word, data)
			}
		}
		if info, err := os.Stat(f); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is open to others: %v, %v", f, info.Mode(), err)
		}
	}
}

func TestADamagedFileIsSaidAndReplaced(t *testing.T) {
	for name, data := range map[string]string{
		"empty": "", "cut off": `{"version":1,"key":"ab`, "of another version": `{"version":9,"key":"` + strings.Repeat("ab", keyBytes) + `"}`,
		"without a key": `{"version":1}`, "something else": `[1,2]`,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(dir)
			put(t, s, "production", model.DiffMark{ID: id("cart"), Digest: "one"})
			if err := os.WriteFile(files(t, dir)[0], []byte(data), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := s.Reviewed("production", map[model.ObjectID]string{id("cart"): "one"})
			if err == nil || len(got) != 0 || !strings.Contains(err.Error(), dir) {
				t.Errorf("a damaged file gives %v, %v", got, err)
			}
			put(t, s, "production", model.DiffMark{ID: id("cart"), Digest: "two"})
			wants(t, s, "production", "cart", "two", model.ReviewedAlready)
		})
	}
}

func TestNoRoomIsSaid(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(filepath.Join(file, "below"))
	err := s.Mark("production", []model.DiffMark{{ID: id("cart"), Digest: "one"}})
	if err == nil || !strings.Contains(err.Error(), "forgotten when fairtide ends") {
		t.Errorf("a mark that cannot be kept gives %v", err)
	}
}

func TestManyWriteAtTheSameTime(t *testing.T) {
	dir := t.TempDir()
	const writers, each = 8, 10
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			s := open(dir) // as another process has it
			for i := range each {
				if err := s.Mark("production", []model.DiffMark{{ID: id(fmt.Sprint(w, "-", i)), Digest: "one"}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for w := range writers {
		for i := range each {
			wants(t, open(dir), "production", fmt.Sprint(w, "-", i), "one", model.ReviewedAlready)
		}
	}
	left, err := filepath.Glob(filepath.Join(dir, "writing-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("%q are left behind, %v", left, err)
	}
}

func TestTheOldestGo(t *testing.T) {
	s := open("")
	for i := range perObject + 2 {
		put(t, s, "production", model.DiffMark{ID: id("cart"), Digest: fmt.Sprint(i)})
	}
	wants(t, s, "production", "cart", "1", model.ReviewedBefore)
	wants(t, s, "production", "cart", "2", model.ReviewedAlready)
	var many []model.DiffMark
	for i := range most {
		many = append(many, model.DiffMark{ID: id(fmt.Sprintf("many-%d", i)), Digest: "one"})
	}
	put(t, s, "production", many...)
	wants(t, s, "production", "cart", "5", model.ReviewedNot)
	wants(t, s, "production", "many-0", "one", model.ReviewedAlready)
	if n := len(s.memory["production"].Marks); n != most {
		t.Errorf("%d marks are kept, want %d", n, most)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"version":1,"key":"` + strings.Repeat("ab", keyBytes) + `","marks":[{"object":"a","diff":"b","at":1}]}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if b, err := parse(data); (b == nil) == (err == nil) {
			t.Errorf("%q gives %v, %v", data, b, err)
		}
	})
}

// BenchmarkMarks is what reviewing 5,000 objects at once costs, off the UI's
// goroutine.
func BenchmarkMarks(b *testing.B) {
	s := open(b.TempDir())
	digests := map[model.ObjectID]string{}
	var all []model.DiffMark
	for i := range 5000 {
		o := id(fmt.Sprintf("object-%d", i))
		digests[o] = "one"
		all = append(all, model.DiffMark{ID: o, Digest: "one"})
	}
	b.ReportAllocs()
	for b.Loop() {
		put(b, s, "production", all...)
		if got, err := s.Reviewed("production", digests); err != nil || len(got) != len(all) {
			b.Fatal(len(got), err)
		}
	}
}
