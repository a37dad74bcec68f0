package repo

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/fairtide-dev/fairtide/model"
)

// TestOpenURL needs no clone: the first Open fetches, later ones ask nobody.
func TestOpenURL(t *testing.T) {
	for _, through := range transports {
		t.Run(string(through), func(t *testing.T) {
			var h history
			h.linear(0, shop(), shop().with(files{"base/config.yaml": configMap("cart", "2")}))
			origin, hashes := h.write(t)
			git(t, origin, "branch", "-q", "aaa", hashes[1])
			git(t, origin, "tag", "v1")
			bare := filepath.Join(t.TempDir(), "envs.git")
			git(t, "/", "clone", "-q", "--mirror", origin, bare)
			s := smartHTTP(t, filepath.Dir(bare), "tok")
			var told []string
			o := Options{URL: s.URL + "/envs.git", CacheDir: t.TempDir(), Credentials: as("tok"), Transport: through, Progress: func(s string) { told = append(told, s) }}
			r := cached(t, o)
			if r.Name() != "envs" || r.RemoteURL() != o.URL || r.Fetched().IsZero() || len(told) == 0 || !strings.Contains(told[0], o.URL) {
				t.Errorf("%s, %s, fetched %v, told %q", r.Name(), r.RemoteURL(), r.Fetched(), told)
			}
			headIs(t, r, "", hashes[2])
			if b, err := r.DefaultBranch(t.Context()); err != nil || b != "main" {
				t.Errorf("default branch %q, %v", b, err)
			}
			if h, err := r.Resolve(t.Context(), "HEAD"); err != nil || h != hashes[2] {
				t.Errorf("HEAD is %s, %v", h, err)
			}
			if _, err := r.Resolve(t.Context(), "v1"); err == nil {
				t.Error("tags were fetched")
			}
			next := grow(t, bare, "main", hashes[2], "base/config.yaml", configMap("cart", "3"))
			headIs(t, cached(t, o), "", hashes[2]) // asks nobody
			again := cached(t, o)
			if moved, err := again.Fetch(t.Context()); err != nil || !moved {
				t.Errorf("%v, %v", moved, err)
			}
			headIs(t, again, "", next)
			if p, err := again.Pending(t.Context(), production, hashes[1], ""); err != nil || len(p.Changes) != 2 {
				t.Errorf("%+v, %v", p, err)
			}
			c := draft(t, again, next, "2.0")
			if err := again.Push(t.Context(), c, "fairtide/bump"); err != nil {
				t.Error(err)
			}
			git(t, again.own.dir, "fsck", "--no-dangling")
			s.Close()
			off := cached(t, o)
			headIs(t, off, "", next)
			if _, err := off.Render(t.Context(), production, hashes[1]); err != nil {
				t.Error(err)
			}
			if _, err := off.Fetch(t.Context()); model.CodeOf(err, 0) != model.ExitUnreachable || !strings.Contains(err.Error(), "cannot be reached") {
				t.Errorf("offline: %v", err)
			}
			if entries, err := filepath.Glob(filepath.Join(o.CacheDir, "*.git")); err != nil || len(entries) != 1 {
				t.Errorf("%v, %v", entries, err)
			}
		})
	}
}

func TestOpenURLFollowsTheDefaultBranch(t *testing.T) {
	for _, through := range transports {
		origin, _, hashes := cloned(t, shop())
		o := Options{Path: "file://" + origin, CacheDir: t.TempDir(), Transport: through}
		r := cached(t, o)
		next := grow(t, origin, "trunk", hashes[1], "x", "y")
		git(t, origin, "checkout", "-q", "-f", "trunk")
		git(t, origin, "branch", "-q", "-D", "main")
		// The old one is gone, so the next two fetches learn of the new one.
		for range 2 {
			if _, err := r.Fetch(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if b, err := r.DefaultBranch(t.Context()); err != nil || b != "trunk" {
			t.Errorf("%s: default branch %q, %v", through, b, err)
		}
		headIs(t, r, "", next)
	}
}

func TestOpenURLRefuses(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty")
	git(t, "/", "init", "-q", empty)
	for _, through := range transports {
		for raw, want := range map[string]struct {
			text string
			code model.ExitCode
		}{
			"file://" + empty:        {"has no commit yet; push something first", model.ExitUsage},
			"file:///does/not/exist": {"there is no Git repository at", model.ExitUnreachable},
		} {
			_, err := Open(t.Context(), Options{URL: raw, CacheDir: t.TempDir(), Transport: through})
			if model.CodeOf(err, 0) != want.code || !strings.Contains(err.Error(), want.text) || !strings.Contains(err.Error(), raw) {
				t.Errorf("%s: %v", raw, err)
			}
		}
	}
	if _, err := Open(t.Context(), Options{URL: "https://example.com/x"}); model.CodeOf(err, 0) != model.ExitUsage || !strings.Contains(err.Error(), "cache directory") {
		t.Errorf("without a cache: %v", err)
	}
}
