package repo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/fairtide-dev/fairtide/internal/githubtest"
	"github.com/fairtide-dev/fairtide/model"
)

// cached opens a clone with a repository of fairtide's own.
func cached(t testing.TB, o Options) *Repo {
	t.Helper()
	t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	t.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	if o.CacheDir == "" {
		o.CacheDir = t.TempDir()
	}
	r, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// cloned makes an origin of the commits and a clone of it.
func cloned(t testing.TB, trees ...files) (origin, clone string, hashes []string) {
	t.Helper()
	var h history
	h.linear(0, trees...)
	origin, hashes = h.write(t)
	clone = filepath.Join(t.TempDir(), "clone")
	git(t, filepath.Dir(clone), "clone", "-q", origin, clone)
	return origin, clone, hashes
}

// grow adds a commit to a branch of a repository and returns its hash.
func grow(t testing.TB, dir, branch, from, file, content string) string {
	t.Helper()
	stream := fmt.Sprintf("commit refs/heads/%s\ncommitter dev2 <dev2@example.com> 1772500000 +0000\ndata 4\ngrow\nfrom %s\nM 100644 inline %s\ndata %d\n%s\n",
		branch, from, file, len(content), content)
	gitIn(t, dir, []byte(stream), "fast-import", "--quiet", "--force")
	return git(t, dir, "rev-parse", "refs/heads/"+branch)
}

func headIs(t *testing.T, r *Repo, branch, want string) {
	t.Helper()
	if c, err := r.Head(t.Context(), branch); err != nil || c.Hash != want {
		t.Errorf("head of %q is %q, %v, want %s", branch, c.Hash, err, want)
	}
}

func TestFetch(t *testing.T) {
	origin, clone, hashes := cloned(t, shop())
	cache := t.TempDir()
	r := cached(t, Options{Path: clone, CacheDir: cache})
	headIs(t, r, "", hashes[1])
	if moved, err := r.Fetch(t.Context()); err != nil || moved {
		t.Errorf("nothing new: moved %v, %v", moved, err)
	}
	second := grow(t, origin, "main", hashes[1], "base/config.yaml", configMap("cart", "2"))
	side := grow(t, origin, "side", hashes[1], "x", "y\n")
	if moved, err := r.Fetch(t.Context()); err != nil || !moved {
		t.Errorf("a new commit: moved %v, %v", moved, err)
	}
	headIs(t, r, "main", second)
	headIs(t, r, "side", side)
	if got := git(t, clone, "rev-parse", "refs/remotes/origin/main"); got != hashes[1] {
		t.Errorf("the clone was moved to %s", got)
	}
	// What the own repository has fetched stays after the next Open.
	headIs(t, cached(t, Options{Path: clone, CacheDir: cache}), "main", second)

	// The operator fetches more than we have.
	third := grow(t, origin, "main", second, "x", "z\n")
	git(t, clone, "fetch", "-q")
	headIs(t, cached(t, Options{Path: clone, CacheDir: cache}), "main", third)

	// A branch that is gone is gone, and stays so although the clone has it.
	git(t, origin, "branch", "-q", "-D", "side")
	if moved, err := r.Fetch(t.Context()); err != nil || !moved {
		t.Errorf("a branch is gone: moved %v, %v", moved, err)
	}
	for _, r := range []*Repo{r, cached(t, Options{Path: clone, CacheDir: cache})} {
		if _, err := r.Head(t.Context(), "side"); err == nil {
			t.Error("the deleted branch is still there")
		}
	}

	// Rewritten, and the old commits thrown away by the clone.
	rewritten := grow(t, origin, "main", hashes[1], "x", "other\n")
	if moved, err := r.Fetch(t.Context()); err != nil || !moved {
		t.Errorf("rewritten: moved %v, %v", moved, err)
	}
	headIs(t, r, "main", rewritten)
	git(t, r.own.dir, "fsck", "--no-dangling")
}

func TestBorrowedCommitsThatVanish(t *testing.T) {
	origin, clone, hashes := cloned(t, shop(), shop().with(files{"x": "y"}))
	cache := t.TempDir()
	headIs(t, cached(t, Options{Path: clone, CacheDir: cache}), "main", hashes[2])
	git(t, origin, "reset", "-q", "--hard", hashes[1])
	git(t, clone, "reset", "-q", "--hard", hashes[1])
	git(t, clone, "fetch", "-q")
	git(t, clone, "reflog", "expire", "--expire=now", "--all")
	git(t, clone, "gc", "-q", "--prune=now")
	r := cached(t, Options{Path: clone, CacheDir: cache})
	headIs(t, r, "main", hashes[1])
	if _, err := r.Fetch(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestFetchPullAndCommit(t *testing.T) {
	origin, clone, hashes := cloned(t, shop())
	pull := grow(t, origin, "work", hashes[1], "base/config.yaml", configMap("cart", "9"))
	git(t, origin, "update-ref", "refs/pull/7/head", pull)
	git(t, origin, "branch", "-q", "-D", "work")
	r := cached(t, Options{Path: clone})
	if _, err := r.Render(t.Context(), production, pull); err == nil {
		t.Error("rendered what was not fetched")
	}
	got, err := r.FetchPull(t.Context(), 7)
	if err != nil || got != pull {
		t.Fatalf("pull request is %q, %v", got, err)
	}
	if _, err := r.Render(t.Context(), production, pull); err != nil {
		t.Error(err)
	}
	if _, err := r.FetchPull(t.Context(), 8); err == nil || !strings.Contains(err.Error(), "pull request #8") || model.CodeOf(err, 0) != model.ExitUnreachable {
		t.Errorf("a pull request that is not there: %v", err)
	}
	other := cached(t, Options{Path: clone})
	if err := other.FetchCommit(t.Context(), pull); err != nil {
		t.Error(err)
	}
	if _, err := other.Commit(t.Context(), pull); err != nil {
		t.Error(err)
	}
	if err := other.FetchCommit(t.Context(), "abc"); model.CodeOf(err, 0) != model.ExitUsage {
		t.Errorf("a short hash: %v", err)
	}
}

func TestFetchIntoOddClones(t *testing.T) {
	for name, args := range map[string][]string{
		"shallow": {"--depth=1"}, "partial": {"--filter=blob:none", "--no-checkout"}, "single branch": {"--single-branch"}, "mirror": {"--mirror"},
	} {
		t.Run(name, func(t *testing.T) {
			var h history
			h.linear(0, shop(), shop().with(files{"base/config.yaml": configMap("cart", "2")}))
			origin, hashes := h.write(t)
			git(t, origin, "config", "uploadpack.allowFilter", "true")
			dir := filepath.Join(t.TempDir(), "clone")
			git(t, filepath.Dir(dir), append(append([]string{"clone", "-q"}, args...), "file://"+origin, dir)...)
			next := grow(t, origin, "main", hashes[2], "base/config.yaml", configMap("cart", "3"))
			r := cached(t, Options{Path: dir})
			if _, err := r.Fetch(t.Context()); err != nil {
				t.Fatal(err)
			}
			headIs(t, r, "main", next)
			for _, commit := range []string{next, hashes[2]} {
				if _, err := r.Render(t.Context(), production, commit); err != nil {
					t.Error(err)
				}
			}
			// The first commit is before the end of the shallow clone.
			for _, deployed := range []string{hashes[1], hashes[2]} {
				p, err := r.Pending(t.Context(), production, deployed, "")
				if err != nil || p.Diverged != "" || p.Incomplete || len(p.Changes) == 0 {
					t.Errorf("after %s: %+v, %v", deployed, p, err)
				}
			}
		})
	}
}

func TestWithoutRemote(t *testing.T) {
	var h history
	h.linear(0, shop())
	dir, hashes := h.write(t)
	r := cached(t, Options{Path: dir})
	if r.RemoteURL() != "" {
		t.Errorf("remote %q", r.RemoteURL())
	}
	headIs(t, r, "", hashes[1])
	next := grow(t, dir, "main", hashes[1], "x", "y")
	if moved, err := r.Fetch(t.Context()); err != nil || !moved {
		t.Errorf("moved %v, %v", moved, err)
	}
	headIs(t, r, "", next)
	if _, err := r.FetchPull(t.Context(), 1); model.CodeOf(err, 0) != model.ExitUsage || !strings.Contains(err.Error(), "no remote") {
		t.Errorf("pull request without a remote: %v", err)
	}
}

func TestWithoutCacheOrGit(t *testing.T) {
	_, clone, hashes := cloned(t, shop())
	r := open(t, clone)
	if _, err := r.Fetch(t.Context()); model.CodeOf(err, 0) != model.ExitUsage || !strings.Contains(err.Error(), "cache directory") {
		t.Errorf("without a cache: %v", err)
	}
	if err := r.FetchCommit(t.Context(), strings.Repeat("1", 40)); model.CodeOf(err, 0) != model.ExitUsage {
		t.Errorf("without a cache: %v", err)
	}
	t.Setenv("PATH", t.TempDir())
	r = cached(t, Options{Path: clone, Transport: TransportSystem})
	headIs(t, r, "", hashes[1])
	if _, err := r.Fetch(t.Context()); model.CodeOf(err, 0) != model.ExitUnreachable || !strings.Contains(err.Error(), "install git") {
		t.Errorf("without git: %v", err)
	}
}

func TestFetchesTakeTurns(t *testing.T) {
	origin, clone, hashes := cloned(t, shop())
	cache := t.TempDir()
	last := hashes[1]
	for i := range 5 {
		last = grow(t, origin, "main", last, "x", fmt.Sprint(i))
	}
	var wg sync.WaitGroup
	for range 4 {
		r := cached(t, Options{Path: clone, CacheDir: cache})
		wg.Go(func() {
			if _, err := r.Fetch(t.Context()); err != nil {
				t.Error(err)
			}
			headIs(t, r, "main", last)
		})
	}
	wg.Wait()
	r := cached(t, Options{Path: clone, CacheDir: cache})
	grow(t, origin, "main", last, "x", "last")
	err := r.locked(t.Context(), func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 2*lockPoll)
		defer cancel()
		_, err := r.Fetch(ctx)
		return err
	})
	if !errors.Is(err, context.DeadlineExceeded) || model.CodeOf(err, 0) != model.ExitInterrupted {
		t.Errorf("while another has the lock: %v", err)
	}
}

// forge is a server with a clone of its repository over HTTP.
func forge(t *testing.T) (s *githubtest.Server, clone string) {
	t.Helper()
	s, err := githubtest.New(githubtest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	s.AddUser(githubtest.User{Login: "dev1", Token: "tok-write", Right: githubtest.Write})
	s.AddUser(githubtest.User{Login: "dev2", Token: "tok-read", Right: githubtest.Read})
	var h history
	h.linear(0, shop())
	dir, _ := h.write(t)
	git(t, dir, "push", "-q", s.Dir(), "main:main")
	git(t, dir, "remote", "add", "origin", s.CloneURL())
	return s, dir
}

func as(token string) func(context.Context, string) (string, string, bool) {
	return func(context.Context, string) (string, string, bool) { return "x-access-token", token, token != "" }
}

func TestFetchOverHTTP(t *testing.T) {
	s, clone := forge(t)
	next := grow(t, s.Dir(), "main", s.Head("main"), "x", "y")
	r := cached(t, Options{Path: clone, Credentials: as("tok-read")})
	if moved, err := r.Fetch(t.Context()); err != nil || !moved {
		t.Errorf("moved %v, %v", moved, err)
	}
	headIs(t, r, "main", next)
	for name, o := range map[string]Options{
		"wrong token": {Path: clone, Credentials: as("tok-wrong")},
		"no token":    {Path: clone},
	} {
		_, err := cached(t, o).Fetch(t.Context())
		if model.CodeOf(err, 0) != model.ExitUnreachable || !strings.Contains(err.Error(), "refused") || strings.Contains(err.Error(), "tok-wrong") {
			t.Errorf("%s: %v", name, err)
		}
	}
	git(t, clone, "remote", "set-url", "origin", strings.Replace(s.CloneURL(), "://", "://op1:tok-secret@", 1))
	r = cached(t, Options{Path: clone, Credentials: as("tok-read")})
	if got := r.RemoteURL(); got != s.CloneURL() {
		t.Errorf("remote %q", got)
	}
	if _, err := r.Fetch(t.Context()); err == nil || strings.Contains(err.Error(), "tok-secret") || strings.Contains(err.Error(), "op1") {
		t.Errorf("a password in the URL: %v", err)
	}
	git(t, clone, "remote", "set-url", "origin", "http://op1:tok-secret@127.0.0.1:1/acme/shop.git")
	_, err := cached(t, Options{Path: clone}).Fetch(t.Context())
	if model.CodeOf(err, 0) != model.ExitUnreachable || strings.Contains(err.Error(), "tok-secret") || !strings.Contains(err.Error(), "127.0.0.1:1") {
		t.Errorf("nobody there: %v", err)
	}
}
