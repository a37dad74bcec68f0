package repo

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/fairtide-dev/fairtide/model"
)

// TestStepAndHas compares with git, without a commit-graph and with one.
func TestStepAndHas(t *testing.T) {
	var h history
	a := h.commit("main", "a", shop())
	b := h.commit("main", "b", shop().with(files{"README.md": "b"}), a)
	c := h.commit("side", "c", shop().with(files{"README.md": "c"}), a)
	d := h.commit("more", "d", shop(), a)
	h.commit("main", "m", shop().with(files{"README.md": "m"}), b, c, d)
	dir, hashes := h.write(t)
	for range 2 {
		r := open(t, dir)
		for _, hash := range hashes[1:] {
			tree, parents, err := r.store.step(plumbing.NewHash(hash))
			got := tree.String()
			for _, p := range parents {
				got += " " + p.String()
			}
			if want := git(t, dir, "log", "-1", "--format=%T %P", hash); err != nil || got != want {
				t.Errorf("step from %s is %s, %v, want %s", hash, got, err, want)
			}
			if !r.store.has(plumbing.NewHash(hash)) || !r.store.has(tree) {
				t.Errorf("%s is not there", hash)
			}
		}
		missing := plumbing.NewHash(strings.Repeat("1", 40))
		tree, _, err := r.store.step(plumbing.NewHash(hashes[a]))
		if err != nil {
			t.Fatal(err)
		}
		for _, no := range []plumbing.Hash{missing, tree} {
			if _, _, err := r.store.step(no); !errors.Is(err, plumbing.ErrObjectNotFound) || !strings.Contains(err.Error(), no.String()) {
				t.Errorf("step from %s: %v", no, err)
			}
			if _, err := r.store.commit(no); !errors.Is(err, plumbing.ErrObjectNotFound) {
				t.Errorf("commit %s: %v", no, err)
			}
		}
		if r.store.has(missing) {
			t.Error("has what is not there")
		}
		if _, err := r.store.tree(plumbing.NewHash(hashes[a])); !errors.Is(err, plumbing.ErrObjectNotFound) {
			t.Errorf("a commit as a tree: %v", err)
		}
		git(t, dir, "commit-graph", "write", "--reachable")
		git(t, dir, "repack", "-adq")
	}
}

// TestWhatIsPutIsThere reads back what is written, from many goroutines, and
// after the files were closed.
func TestWhatIsPutIsThere(t *testing.T) {
	_, clone, _ := cloned(t, shop())
	r := cached(t, Options{Path: clone})
	var writers sync.WaitGroup
	for n := range 4 {
		writers.Go(func() {
			for i := range 10 {
				content := configMap("x", strings.Repeat("y", 10*n+i))
				h, err := r.store.put(plumbing.BlobObject, []byte(content))
				if err != nil {
					t.Error(err)
					return
				}
				if data, err := r.store.blob(h, 1000); err != nil || string(data) != content || !r.store.has(h) {
					t.Errorf("%s is %q, %v", h, data, err)
				}
				if _, err := r.store.blob(h, int64(len(content))-1); !errors.Is(err, errTooLarge) {
					t.Errorf("beyond the limit: %v", err)
				}
			}
		})
	}
	writers.Wait()
	h, err := r.store.put(plumbing.BlobObject, []byte(shop()["README.md"]))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(r.own.dir, "objects", h.String()[:2], h.String()[2:])); err == nil {
		t.Error("what the clone has was written again")
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if data, err := r.store.blob(h, 1000); err != nil || string(data) != shop()["README.md"] {
		t.Errorf("after a close: %q, %v", data, err)
	}
	if found, err := r.store.prefixed(h.String()[:7], h[:3]); err != nil || !slices.Equal(found, []plumbing.Hash{h}) {
		t.Errorf("found %v, %v", found, err)
	}
}

// TestOpenReadsNoPack opens a repository whose pack cannot be read.
func TestOpenReadsNoPack(t *testing.T) {
	var h history
	h.linear(0, shop(), shop().with(files{"README.md": "2"}))
	dir, hashes := h.write(t)
	git(t, dir, "repack", "-adq")
	packs, err := filepath.Glob(filepath.Join(dir, ".git/objects/pack/pack-*.pack"))
	if err != nil || len(packs) != 1 {
		t.Fatal(packs, err)
	}
	if err := errors.Join(os.Chmod(packs[0], 0o600), os.Truncate(packs[0], 50)); err != nil {
		t.Fatal(err)
	}
	r := open(t, dir)
	if refs, err := r.store.references(); err != nil || len(refs) == 0 {
		t.Errorf("%v, %v", refs, err)
	}
	if !r.store.has(plumbing.NewHash(hashes[2])) {
		t.Error("the index does not say what there is")
	}
	_, err = r.Head(t.Context(), "")
	if err == nil || model.CodeOf(err, model.ExitOK) != model.ExitUnreachable {
		t.Fatal(err)
	}
	for _, part := range []string{packs[0], hashes[2], "cut off", "git fsck"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%v does not say %q", err, part)
		}
	}
}

func TestAlternatesList(t *testing.T) {
	top := t.TempDir()
	objects := filepath.Join(top, "a", "objects")
	quoted := filepath.Join(top, "b", "ob\"jects")
	for dir, text := range map[string]string{
		objects: "# what is borrowed\n\n../../b/ob\"jects\n\"" + strings.ReplaceAll(quoted, `"`, `\"`) + "\"\n" + filepath.Join(top, "c", "objects") + "\n",
		quoted:  objects + "\n" + quoted + "\n", // a circle
	} {
		if err := os.MkdirAll(filepath.Join(dir, "info"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "info", "alternates"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := &store{at: location{gitDir: filepath.Join(top, "a")}}
	got, err := s.objectDirs()
	want := []string{objects, quoted, filepath.Join(top, "c", "objects")}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v", got, err)
	}
}
