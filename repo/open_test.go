package repo

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/fairtide-dev/fairtide/model"
)

func TestBranches(t *testing.T) {
	var h history
	a := h.commit("main", "a", shop())
	b := h.commit("main", "b (#3)", shop().with(files{"README.md": "b"}), a)
	c := h.commit("release", "c", shop().with(files{"README.md": "c"}), a)
	origin, hashes := h.write(t)
	dir := filepath.Join(t.TempDir(), "clone")
	git(t, filepath.Dir(dir), "clone", "-q", origin, dir)
	git(t, dir, "checkout", "-q", "-b", "mine")
	git(t, dir, "branch", "-f", "main", hashes[a])
	r := open(t, dir)
	if got, err := r.DefaultBranch(t.Context()); err != nil || got != "main" {
		t.Errorf("default branch %q, %v", got, err)
	}
	for branch, want := range map[string]int{"": b, "main": b, "release": c, "mine": b} {
		got, err := r.Head(t.Context(), branch)
		if err != nil || got.Hash != hashes[want] {
			t.Errorf("head of %q is %v, %v", branch, got, err)
		}
	}
	got, err := r.Head(t.Context(), "main")
	if err != nil || got.Title != "b" || got.Author != "dev1" || got.Committed.Location().String() != "UTC" {
		t.Errorf("head %+v, %v", got, err)
	}
	_, err = r.Head(t.Context(), "relaese")
	if err == nil || !strings.Contains(err.Error(), `"relaese" (near: release`) || model.CodeOf(err, model.ExitOK) != model.ExitUsage {
		t.Errorf("misspelled branch: %v", err)
	}
	git(t, dir, "remote", "set-head", "origin", "--delete")
	if got, err := r.DefaultBranch(t.Context()); err != nil || got != "mine" {
		t.Errorf("without the remote's HEAD: %q, %v", got, err)
	}
	git(t, dir, "checkout", "-q", "--detach")
	if got, err := r.DefaultBranch(t.Context()); err != nil || got != "main" {
		t.Errorf("detached: %q, %v", got, err)
	}
	git(t, dir, "remote", "set-url", "origin", "git@example.com:org/shop.git")
	if name := open(t, dir).Name(); name != "shop" {
		t.Errorf("name %q", name)
	}
	if other, err := Open(t.Context(), Options{Path: dir, Remote: "upstream"}); err != nil || other.Name() != "clone" {
		t.Errorf("another remote: %v", err)
	} else if head, err := other.Head(t.Context(), "main"); err != nil || head.Hash != hashes[a] {
		t.Errorf("head for another remote is %v, %v", head, err)
	}
}

// TestResolve compares with git rev-parse.
func TestResolve(t *testing.T) {
	var h history
	a := h.commit("main", "a", shop())
	b := h.commit("main", "b", shop(), a)
	side := h.commit("side/one", "s", shop(), a)
	h.commit("main", "m", shop(), b, side)
	dir, hashes := h.write(t)
	git(t, dir, "tag", "light", hashes[a])
	git(t, dir, "tag", "-a", "-m", "x", "v1.0", hashes[b])
	git(t, dir, "tag", "-a", "-m", "x", "v1.0-again", "v1.0")
	r := open(t, dir)
	for _, rev := range []string{
		"HEAD", "@", "main", "side/one", "refs/heads/main", "heads/main", "light", "v1.0", "v1.0-again", "tags/v1.0", "HEAD~2", "HEAD~", "HEAD^", "HEAD^2",
		"HEAD^2~1", "main~0", "HEAD^0", "v1.0~1", "HEAD~~", hashes[b], hashes[b][:7], strings.ToUpper(hashes[b][:9]), hashes[b] + "^",
	} {
		want := git(t, dir, "rev-parse", rev+"^{commit}")
		if got, err := r.Resolve(t.Context(), rev); err != nil || got != want {
			t.Errorf("%s is %s, %v, want %s", rev, got, err, want)
		}
	}
	blob := git(t, dir, "rev-parse", "HEAD:README.md")
	for rev, want := range map[string]string{
		"":                          "no revision",
		"none":                      `no commit, branch or tag "none"`,
		"abc":                       `no commit, branch or tag "abc"`,
		"0123456":                   `no commit, branch or tag "0123456"`,
		strings.Repeat("1", 40):     "not in this clone",
		"HEAD~9":                    "goes past",
		"HEAD^3":                    "goes past",
		"HEAD~1x":                   "not a revision",
		"HEAD~99999999999999999999": "not a revision",
		"HEAD^{tree}":               "not a revision",
		"../../etc/passwd":          "no commit, branch or tag",
		"main\x1b[31m":              `\x1b`,
		blob:                        "is a blob",
	} {
		_, err := r.Resolve(t.Context(), rev)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%q: %v, want %q", rev, err, want)
		}
	}
}
