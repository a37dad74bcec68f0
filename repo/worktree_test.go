package repo

import (
	"path/filepath"
	"testing"
)

func TestWorkTree(t *testing.T) {
	var h history
	h.commit("main", "a", shop())
	origin, _ := h.write(t)
	dir := t.TempDir()
	resolved, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	git(t, dir, "clone", "-q", origin, "clone")
	git(t, dir, "clone", "-q", "--bare", origin, "bare.git")
	git(t, filepath.Join(dir, "clone"), "worktree", "add", "-q", "-b", "other", filepath.Join(dir, "linked"))
	for path, want := range map[string]string{
		"clone": "clone", "linked": "linked", "clone/environments": "clone", "bare.git": "",
	} {
		got, ok := open(t, filepath.Join(dir, path)).WorkTree()
		if want != "" {
			want = filepath.Join(resolved, want)
		}
		if got != want || ok != (want != "") {
			t.Errorf("the work tree of %s is %q, %v, want %q", path, got, ok, want)
		}
	}
	r, err := Open(t.Context(), Options{Path: "file://" + filepath.ToSlash(origin), CacheDir: filepath.Join(dir, "cache")})
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := r.WorkTree(); ok {
		t.Errorf("a URL has the work tree %q", got)
	}
}
