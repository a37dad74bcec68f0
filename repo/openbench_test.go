package repo

import (
	"os"
	"path/filepath"
	"testing"
)

// TestSecondOpenReadsNothing opens again, with what a start shows first, while all
// packs and loose objects are garbage: when nothing has moved they are not read.
func TestSecondOpenReadsNothing(t *testing.T) {
	for _, kind := range []string{"clone", "URL"} {
		origin, clone, hashes := cloned(t, shop(), shop().with(files{"x": "1"}))
		git(t, clone, "gc", "-q")
		o := Options{Path: clone, CacheDir: t.TempDir()}
		if kind == "URL" {
			o.Path = "file://" + origin
		}
		first := cached(t, o)
		if _, err := first.Fetch(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
		spoiled := 0
		for _, dir := range []string{filepath.Join(clone, ".git/objects"), filepath.Join(first.own.dir, "objects")} {
			for _, pattern := range []string{"pack/*.pack", "??/*"} {
				list, err := filepath.Glob(filepath.Join(dir, pattern))
				if err != nil {
					t.Fatal(err)
				}
				for _, file := range list {
					if err := os.Chmod(file, 0o600); err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(file, []byte("garbage"), 0o600); err != nil {
						t.Fatal(err)
					}
					spoiled++
				}
			}
		}
		r, err := Open(t.Context(), o)
		if err != nil || spoiled == 0 {
			t.Fatalf("%s: %v, with %d files spoiled", kind, err, spoiled)
		}
		if h, err := r.branch("main"); err != nil || h.String() != hashes[2] {
			t.Errorf("%s: %s, %v", kind, h, err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

// BenchmarkOpen opens a clone with a hundred branches a second time.
func BenchmarkOpen(b *testing.B) {
	origin, _, hashes := cloned(b, shop())
	for i := range 100 {
		git(b, origin, "update-ref", "refs/heads/b/"+string(rune('a'+i%26))+string(rune('a'+i/26)), hashes[1])
	}
	clone := filepath.Join(b.TempDir(), "clone")
	git(b, "/", "clone", "-q", origin, clone)
	o := Options{Path: clone, CacheDir: b.TempDir()}
	for _, name := range []string{"clone", "URL"} {
		if name == "URL" {
			o.Path = "file://" + origin
		}
		cached(b, o)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				r, err := Open(b.Context(), o)
				if err != nil {
					b.Fatal(err)
				}
				if err := r.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkFetchNothingNew asks a remote over http where nothing moved.
func BenchmarkFetchNothingNew(b *testing.B) {
	origin, clone, _ := cloned(b, shop())
	git(b, clone, "remote", "set-url", "origin", smartHTTP(b, filepath.Dir(origin), "").URL+"/environments/.git")
	for _, through := range transports {
		r := cached(b, Options{Path: clone, Transport: through})
		b.Run(string(through), func(b *testing.B) {
			for b.Loop() {
				if _, err := r.Fetch(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	r := cached(b, Options{Path: clone})
	at, through := r.endpoint(b.Context(), r.url), system{r}
	b.Run("git fetch", func(b *testing.B) {
		for b.Loop() {
			if err := through.fetch(b.Context(), at, refspec{from: "refs/heads/", to: r.remotePrefix(), all: true}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
