package repo

import (
	"errors"
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
		"inside .git":     func(t *testing.T, dir string) string { return filepath.Join(plain(t, dir), ".git") },
		"bare":            clone("--bare", origin),
		"mirror":          clone("--mirror", origin),
		"shared":          clone("--shared", origin),
		"sparse":          then(clone("--sparse", origin), "sparse-checkout", "set", "--cone", "environments"),
		"sparse, no cone": then(clone("--sparse", origin), "sparse-checkout", "set", "--no-cone", "/environments/*", "!*.md"),
		"reference":       clone("--reference", origin, origin),
		"no checkout":     clone("--no-checkout", origin),
		"path with spaces, unicode and a line break": func(t *testing.T, dir string) string {
			return plain(t, dir+" ü \n\"x\" ☂")
		},
		"submodule": func(t *testing.T, dir string) string {
			git(t, filepath.Dir(dir), "init", "-q", dir)
			git(t, dir, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", origin, "environments")
			return filepath.Join(dir, "environments")
		},
		"of somebody else": func(t *testing.T, dir string) string {
			made := plain(t, dir)
			const nobody = 65534
			err := filepath.WalkDir(made, func(p string, _ os.DirEntry, err error) error {
				return errors.Join(err, os.Lchown(p, nobody, nobody))
			})
			if err != nil && os.Getuid() == 0 {
				t.Fatal(err) // only root can give files away; others open their own here
			}
			return made
		},
		"shallow":           clone("--depth=2", "file://"+origin),
		"partial, no blobs": clone("--filter=blob:none", "--no-checkout", "file://"+origin),
		"partial, no trees": clone("--filter=tree:0", "--no-checkout", "file://"+origin),
		"alternates of its alternates": func(t *testing.T, dir string) string {
			clone("--shared", origin)(t, dir+"-1")
			git(t, filepath.Dir(dir), "clone", "-q", "--shared", dir+"-1", dir)
			git(t, dir, "remote", "set-url", "origin", origin+"/.git")
			return dir
		},
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

// offlineKinds are the clones that lack something until it was fetched, and what
// is said of it before.
var offlineKinds = map[string]string{
	"shallow":           "",
	"partial, no blobs": "full clone",
	"partial, no trees": "full clone",
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
			// Somebody else's repository, as a hook's environment has it.
			elsewhere := t.TempDir()
			top := t.TempDir()
			dir := tests[name](t, filepath.Join(top, "clone"))
			if name == "worktree" {
				dir += "-linked"
			}
			t.Setenv("GIT_DIR", elsewhere)
			t.Setenv("GIT_WORK_TREE", elsewhere)
			t.Setenv("GIT_OBJECT_DIRECTORY", elsewhere)
			before := fingerprint(t, top, origin)
			cache := t.TempDir()
			wanting, lacks := offlineKinds[name]
			if lacks {
				useOffline(t, dir, wanting, hashes)
			}
			useClone(t, name, Options{Path: dir, CacheDir: cache}, hashes)
			if lacks || name == "plain" || name == "worktree" || name == "shared" {
				useClone(t, name, Options{Path: dir, CacheDir: t.TempDir(), Transport: TransportBuiltin}, hashes)
			}
			if !lacks {
				useClone(t, name, Options{Path: dir}, hashes)
			}
			again, err := Open(t.Context(), Options{Path: dir, CacheDir: cache})
			if err != nil {
				t.Fatal(err)
			}
			if got, err := again.Render(t.Context(), production, hashes[2]); err != nil || len(got.Objects) != 2 {
				t.Errorf("opened again: %+v, %v", got, err)
			}
			if err := again.Close(); err != nil {
				t.Error(err)
			}
			if after := fingerprint(t, top, origin); !maps.Equal(before, after) {
				for p, is := range after {
					if before[p] != is {
						t.Errorf("%s was changed from %q to %q", p, before[p], is)
					}
				}
				t.Error("the repository was changed")
			}
			if left := fingerprint(t, elsewhere); len(left) != 1 {
				t.Errorf("GIT_DIR was written to: %v", left)
			}
		})
	}
}

// useOffline opens a clone that lacks something: what is there is shown, and
// what is not is said in one sentence.
func useOffline(t *testing.T, dir, want string, hashes []string) {
	t.Helper()
	r := open(t, dir)
	headIs(t, r, "", hashes[3])
	p, err := r.Pending(t.Context(), production, hashes[1], "")
	if want == "" {
		if err != nil || !p.Incomplete || p.Diverged == "" {
			t.Errorf("%+v, %v", p, err)
		}
		return
	}
	_, renderErr := r.Render(t.Context(), production, "HEAD")
	for _, err := range []error{err, renderErr} {
		if model.CodeOf(err, model.ExitOK) != model.ExitUnreachable || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("offline: %v", err)
		}
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

// TestOpenRefuses is the rest of the table: what is refused, by which sentence,
// and that it is left as it was.
func TestOpenRefuses(t *testing.T) {
	top := t.TempDir()
	mk := func(name string, args ...string) string {
		dir := filepath.Join(top, name)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if len(args) > 0 {
			git(t, dir, append([]string{"init", "-q"}, args...)...)
		}
		return dir
	}
	write := func(file, text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	nothing, empty, bare, junk, sha256, reftable := mk("nothing"), mk("empty", "-b", "main"), mk("bare", "--bare"), mk("junk"), mk("sha256", "--object-format=sha256"), mk("reftable", "-b", "main")
	write(filepath.Join(junk, ".git"), "gitdir: /does/not/exist\n")
	// As git leaves them when it is told to use that format.
	write(filepath.Join(reftable, ".git/config"), "[core]\n\trepositoryformatversion = 1\n\tbare = false\n[extensions]\n\trefStorage = reftable\n")
	write(filepath.Join(reftable, ".git/HEAD"), "ref: refs/heads/.invalid\n")
	if err := os.Mkdir(filepath.Join(reftable, ".git/reftable"), 0o700); err != nil {
		t.Fatal(err)
	}
	before := fingerprint(t, top)
	for _, tt := range []struct{ dir, want string }{
		{nothing, "is not a Git repository; run in a clone of your environments repository or pass --repo"},
		{filepath.Join(top, "missing"), "does not exist; run in a clone"},
		{empty, "has no commit yet; commit or fetch something first"},
		{bare, "has no commit yet; commit or fetch something first"},
		{sha256, "uses sha256 object names, which fairtide cannot read; use a clone with sha1 object names"},
		{reftable, "keeps its references as reftable, which fairtide cannot read; run `git refs migrate --ref-format=files` in it or use another clone"},
		{junk, "git worktree repair"},
	} {
		for _, o := range []Options{{Path: tt.dir}, {Path: tt.dir, CacheDir: t.TempDir()}} {
			_, err := Open(t.Context(), o)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), tt.dir) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: %v", tt.dir, err)
			}
			if code := model.CodeOf(err, model.ExitOK); code != model.ExitUsage {
				t.Errorf("%s: exit code %d", tt.dir, code)
			}
		}
	}
	if !maps.Equal(before, fingerprint(t, top)) {
		t.Error("a repository that was refused was changed")
	}
}
