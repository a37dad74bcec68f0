package repo

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fairtide-dev/fairtide/model"
)

// cloneKinds makes every sort of clone of origin at dir, and returns where to
// open it.
func cloneKinds(origin string) map[string]func(t *testing.T, dir string) string {
	clone := func(args ...string) func(t *testing.T, dir string) string {
		return func(t *testing.T, dir string) string {
			git(t, filepath.Dir(dir), slices.Concat([]string{"clone", "-q"}, args, []string{dir})...)
			return dir
		}
	}
	plain := clone(origin)
	then := func(make func(*testing.T, string) string, args ...string) func(t *testing.T, dir string) string {
		return func(t *testing.T, dir string) string {
			made := make(t, dir)
			git(t, dir, args...)
			return made
		}
	}
	return map[string]func(t *testing.T, dir string) string{
		"plain": plain,
		"subdirectory": func(t *testing.T, dir string) string {
			return filepath.Join(plain(t, dir), "environments", "production")
		},
		"inside .git":   func(t *testing.T, dir string) string { return filepath.Join(plain(t, dir), ".git") },
		"bare":          clone("--bare", origin),
		"mirror":        clone("--mirror", origin),
		"shared":        clone("--shared", origin),
		"sparse":        then(clone("--sparse", origin), "sparse-checkout", "set", "environments"),
		"split index":   then(plain, "update-index", "--split-index"),
		"index v4":      then(plain, "update-index", "--index-version", "4"),
		"packed":        then(plain, "gc", "-q"),
		"multi-pack":    then(then(plain, "repack", "-q"), "multi-pack-index", "write"),
		"detached":      then(plain, "checkout", "-q", "--detach", "HEAD~1"),
		"dirty":         then(plain, "rm", "-rq", "base"),
		"packed refs":   then(plain, "pack-refs", "--all"),
		"commit-graph":  then(plain, "commit-graph", "write", "--reachable"),
		"single branch": clone("--single-branch", "--no-tags", origin),
		"worktree":      then(plain, "worktree", "add", "-q", "-b", "mine", "../clone-linked", "HEAD~1"),
		"worktree of a sparse bare clone": func(t *testing.T, dir string) string {
			clone("--bare", origin)(t, dir)
			git(t, dir, "worktree", "add", "-q", dir+"-linked", "main")
			git(t, dir+"-linked", "sparse-checkout", "set", "base")
			return dir + "-linked"
		},
		"shared of a shared one, relative": func(t *testing.T, dir string) string {
			clone("--shared", origin)(t, dir+"-1")
			git(t, filepath.Dir(dir), "clone", "-q", "--shared", dir+"-1", dir)
			git(t, dir, "remote", "set-url", "origin", origin+"/.git")
			rel := "../../../" + filepath.Base(dir) + "-1/.git/objects\n"
			if err := os.WriteFile(filepath.Join(dir, ".git/objects/info/alternates"), []byte(rel), 0o600); err != nil {
				t.Fatal(err)
			}
			git(t, dir, "fsck", "--connectivity-only")
			return dir
		},
		"symbolic link to it": func(t *testing.T, dir string) string {
			if err := os.Symlink(plain(t, dir), dir+"-link"); err != nil {
				t.Fatal(err)
			}
			return dir + "-link"
		},
	}
}

// TestClones opens every sort of clone git makes, lists and renders from it,
// and checks that not a byte of it was changed.
func TestClones(t *testing.T) {
	v := func(n string) files { return shop().with(files{"base/config.yaml": configMap("cart", n)}) }
	var h history
	h.linear(0, v("1"), v("2"), v("3"))
	origin, hashes := h.write(t)
	git(t, origin, "reset", "-q", "--hard")
	git(t, origin, "config", "uploadpack.allowFilter", "true")
	tests := cloneKinds(origin)
	for _, name := range slices.Sorted(maps.Keys(tests)) {
		t.Run(name, func(t *testing.T) {
			top := t.TempDir()
			dir := tests[name](t, filepath.Join(top, "clone"))
			if name == "worktree" {
				dir += "-linked"
			}
			before := fingerprint(t, top, origin)
			cache := t.TempDir()
			for _, o := range []Options{{Path: dir}, {Path: dir, CacheDir: cache}, {Path: dir, CacheDir: cache}} {
				useClone(t, name, o, hashes)
			}
			after := fingerprint(t, top, origin)
			if !maps.Equal(before, after) {
				for p, is := range after {
					if before[p] != is {
						t.Errorf("%s was changed from %q to %q", p, before[p], is)
					}
				}
				t.Error("the repository was changed")
			}
		})
	}
}

// useClone reads all there is to read.
func useClone(t *testing.T, name string, o Options, hashes []string) {
	t.Helper()
	r, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if o.CacheDir != "" {
		if _, err := r.Fetch(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if r.Name() != "environments" {
		t.Errorf("name %q", r.Name())
	}
	head, err := r.Head(t.Context(), "")
	if err != nil || name != "worktree of a sparse bare clone" && head.Hash != hashes[3] {
		t.Fatalf("head %+v, %v", head, err)
	}
	p, err := r.Pending(t.Context(), production, hashes[1], "")
	if err != nil || len(p.Changes) != 2 || p.Diverged != "" {
		t.Errorf("pending %+v, %v", p, err)
	}
	got, err := r.Render(t.Context(), production, hashes[2])
	if err != nil || len(got.Objects) != 2 {
		t.Errorf("render %+v, %v", got, err)
	}
	if _, err := r.Resolve(t.Context(), hashes[2][:7]); err != nil {
		t.Error(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

func TestPartialClone(t *testing.T) {
	var h history
	h.linear(0, shop(), shop().with(files{"base/config.yaml": configMap("cart", "2")}))
	origin, hashes := h.write(t)
	git(t, origin, "config", "uploadpack.allowFilter", "true")
	dir := filepath.Join(t.TempDir(), "partial")
	git(t, filepath.Dir(dir), "clone", "-q", "--no-checkout", "--filter=blob:none", "file://"+origin, dir)
	r := open(t, dir)
	if _, err := r.Head(t.Context(), ""); err != nil {
		t.Error(err)
	}
	_, err := r.Render(t.Context(), production, "HEAD")
	if err == nil || !strings.Contains(err.Error(), "partial") || !strings.Contains(err.Error(), "full clone") || model.CodeOf(err, model.ExitOK) != model.ExitUnreachable {
		t.Errorf("render: %v", err)
	}
	if _, err := r.Pending(t.Context(), production, hashes[1], ""); err == nil || !strings.Contains(err.Error(), "full clone") {
		t.Errorf("pending: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	top := t.TempDir()
	mk := func(name string) string {
		dir := filepath.Join(top, name)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	nothing, empty, sha256, junk := mk("nothing"), mk("empty"), mk("sha256"), mk("junk")
	git(t, empty, "init", "-q")
	git(t, sha256, "init", "-q", "--object-format=sha256")
	if err := os.WriteFile(filepath.Join(junk, ".git"), []byte("gitdir: /does/not/exist\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ dir, want string }{
		{nothing, "is not a Git repository; run in a clone of your environments repository or pass --repo"},
		{filepath.Join(top, "missing"), "does not exist; run in a clone"},
		{empty, "has no commit yet"},
		{sha256, "uses sha256 object names"},
		{junk, "git worktree repair"},
	} {
		_, err := Open(t.Context(), Options{Path: tt.dir})
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), tt.dir) {
			t.Errorf("%s: %v", tt.dir, err)
		}
		if code := model.CodeOf(err, model.ExitOK); code != model.ExitUsage {
			t.Errorf("%s: exit code %d", tt.dir, code)
		}
	}
}

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
