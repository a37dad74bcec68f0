package repo

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/internal/githubtest"
	"github.com/fairtide-dev/fairtide/model"
)

// draft is a commit on top of another that sets the cart's tag.
func draft(t *testing.T, r *Repo, onto, tag string) string {
	t.Helper()
	p, err := r.Bump(t.Context(), production, cart, tag, onto)
	if err != nil {
		t.Fatal(err)
	}
	c, err := r.CommitPatch(t.Context(), p, CommitMessage{
		Title: "cart\n " + tag + "\x1b[31m", Body: "Why:\nbecause\n", Name: "op1 <", Email: "op1@example.com\n",
		When: time.Date(2026, 3, 3, 9, 0, 0, 0, time.FixedZone("", 3600)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCommitPatch(t *testing.T) {
	_, clone, hashes := cloned(t, shop())
	before := fingerprint(t, clone)
	r := cached(t, Options{Path: clone})
	c := draft(t, r, hashes[1], "2.0")
	if again := draft(t, r, hashes[1], "2.0"); again != c {
		t.Errorf("the same draft is %s and %s", c, again)
	}
	if uses, err := r.Images(t.Context(), production, c); err != nil || uses[0].Tag != "2.0" {
		t.Errorf("%+v, %v", uses, err)
	}
	got := git(t, r.own.dir, "log", "-1", "--format=%an|%ae|%ad|%cn|%P|%B", "--date=iso", c)
	if want := "op1|op1@example.com|2026-03-03 09:00:00 +0100|op1|" + hashes[1] + "|cart 2.0"; !strings.HasPrefix(got, want) || !strings.HasSuffix(got, "\n\nWhy:\nbecause") || strings.Contains(got, "\x1b") {
		t.Errorf("%q, want %q", got, want)
	}
	git(t, r.own.dir, "fsck", "--strict", "--no-dangling")
	after := fingerprint(t, clone)
	for p, is := range after {
		if before[p] != is {
			t.Errorf("%s was changed", p)
		}
	}
	for _, bad := range []struct {
		p model.Patch
		m CommitMessage
	}{
		{model.Patch{Onto: hashes[1], Conflicts: []model.Conflict{{Path: "x"}}}, CommitMessage{Title: "x"}},
		{model.Patch{Onto: hashes[1]}, CommitMessage{Title: "x"}},
		{model.Patch{Onto: hashes[1], Tree: git(t, clone, "rev-parse", "HEAD^{tree}")}, CommitMessage{}},
		{model.Patch{Onto: hashes[1], Tree: strings.Repeat("1", 40)}, CommitMessage{Title: "x"}},
	} {
		if h, err := r.CommitPatch(t.Context(), bad.p, bad.m); err == nil {
			t.Errorf("%+v became %s", bad, h)
		}
	}
}

func TestIdentity(t *testing.T) {
	_, clone, _ := cloned(t, shop())
	r := cached(t, Options{Path: clone})
	t.Setenv("HOME", t.TempDir())
	if name, email := r.Identity(t.Context()); name != "fairtide" || email != "fairtide@localhost" {
		t.Errorf("%s %s", name, email)
	}
	git(t, clone, "config", "user.name", "op1")
	git(t, clone, "config", "user.email", "op1@example.com")
	if name, email := r.Identity(t.Context()); name != "op1" || email != "op1@example.com" {
		t.Errorf("%s %s", name, email)
	}
}

func TestPush(t *testing.T) {
	origin, clone, hashes := cloned(t, shop(), shop().with(files{"x": "y"}))
	r := cached(t, Options{Path: clone})
	c, other := draft(t, r, hashes[2], "2.0"), draft(t, r, hashes[2], "3.0")
	for range 2 { // the same commit again is fine
		if err := r.Push(t.Context(), c, "fairtide/bump"); err != nil {
			t.Fatal(err)
		}
	}
	if got := git(t, origin, "rev-parse", "refs/heads/fairtide/bump"); got != c {
		t.Errorf("branch is %s, want %s", got, c)
	}
	git(t, origin, "branch", "ancestor", hashes[1])
	for _, branch := range []string{"fairtide/bump", "ancestor"} {
		before := git(t, origin, "rev-parse", branch)
		err := r.Push(t.Context(), other, branch)
		if !errors.Is(err, ErrBranchTaken) || model.CodeOf(err, 0) != model.ExitUnreachable || !strings.Contains(err.Error(), branch) {
			t.Errorf("%s: %v", branch, err)
		}
		if got := git(t, origin, "rev-parse", branch); got != before {
			t.Errorf("%s was moved to %s", branch, got)
		}
	}
	hook := filepath.Join(origin, ".git/hooks/pre-receive")
	if err := os.MkdirAll(filepath.Dir(hook), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(hook, []byte("#!/bin/sh\necho not today >&2\nexit 1\n"), 0o700); err != nil { //nolint:gosec // a hook is run
		t.Fatal(err)
	}
	if err := r.Push(t.Context(), other, "new"); model.CodeOf(err, 0) != model.ExitUnreachable || errors.Is(err, ErrBranchTaken) || !strings.Contains(err.Error(), "not today") {
		t.Errorf("refused by a hook: %v", err)
	}
	if err := r.Push(t.Context(), other, "../x"); model.CodeOf(err, 0) != model.ExitUsage {
		t.Errorf("a bad name: %v", err)
	}
	if err := os.RemoveAll(origin); err != nil {
		t.Fatal(err)
	}
	if err := r.Push(t.Context(), other, "new"); model.CodeOf(err, 0) != model.ExitUnreachable || !strings.Contains(err.Error(), origin) {
		t.Errorf("nobody there: %v", err)
	}
}

func TestPushOverHTTP(t *testing.T) {
	s, clone := forge(t)
	r := cached(t, Options{Path: clone, Credentials: as("tok-write")})
	c := draft(t, r, "HEAD", "2.0")
	if err := r.Push(t.Context(), c, "fairtide/bump"); err != nil {
		t.Fatal(err)
	}
	if got := s.Head("fairtide/bump"); got != c {
		t.Errorf("branch is %s, want %s", got, c)
	}
	number, err := s.Propose("dev1", githubtest.Proposal{Title: "bump", Head: "fairtide/bump", Base: "main"})
	if err != nil {
		t.Fatal(err)
	}
	if head, err := cached(t, Options{Path: clone, Credentials: as("tok-read")}).FetchPull(t.Context(), number); err != nil || head != c {
		t.Errorf("pull request is %q, %v", head, err)
	}
	for _, token := range []string{"tok-read", "tok-wrong", ""} {
		r := cached(t, Options{Path: clone, Credentials: as(token)})
		err := r.Push(t.Context(), draft(t, r, "HEAD", "3.0"), "other")
		if model.CodeOf(err, 0) != model.ExitUnreachable || !strings.Contains(err.Error(), "refused") || token != "" && strings.Contains(err.Error(), token) {
			t.Errorf("%q: %v", token, err)
		}
	}
}

func TestRenderMerged(t *testing.T) {
	var h history
	a := h.commit("main", "a", shop())
	side := h.commit("side", "s", shop().with(files{"base/config.yaml": configMap("cart", "9")}), a)
	b := h.commit("main", "b", shop().with(files{"base/deployment.yaml": deployment("cart", cart+":1.4.1", 5)}), a)
	clash := h.commit("clash", "c", shop().with(files{"base/deployment.yaml": deployment("cart", cart+":1.4.1", 7)}), a)
	alone := h.commit("alone", "x", shop())
	dir, hashes := h.write(t)
	r := cached(t, Options{Path: dir})
	got, err := r.RenderMerged(t.Context(), production, hashes[b], hashes[side])
	if err != nil || got.Commit != hashes[side] {
		t.Fatal(err)
	}
	git(t, dir, "checkout", "-q", "-f", "--detach", hashes[b])
	git(t, dir, "merge", "-q", "-m", "m", hashes[side])
	want := renderAt(t, r, git(t, dir, "rev-parse", "HEAD"))
	if !sameObjects(got.Objects, want.Objects) || sameObjects(got.Objects, renderAt(t, r, hashes[side]).Objects) {
		t.Errorf("%+v, want %+v", got.Objects, want.Objects)
	}
	if forward, err := r.RenderMerged(t.Context(), production, hashes[a], hashes[side]); err != nil || !sameObjects(forward.Objects, renderAt(t, r, hashes[side]).Objects) {
		t.Errorf("%+v, %v", forward, err)
	}
	if _, err := r.RenderMerged(t.Context(), production, hashes[b], hashes[clash]); model.CodeOf(err, 0) != model.ExitUsage || !strings.Contains(err.Error(), "conflicts in base/deployment.yaml") {
		t.Errorf("conflict: %v", err)
	}
	if _, err := r.RenderMerged(t.Context(), production, hashes[b], hashes[alone]); err == nil || !strings.Contains(err.Error(), "no history") {
		t.Errorf("unrelated: %v", err)
	}
}

func TestExport(t *testing.T) {
	tree := shop().with(files{"bin/test.sh": "exec:#!/bin/sh\n", "bin/link": "link:../base/config.yaml", "bin/self": "link:./test.sh", "sub": "module:" + strings.Repeat("1", 40)})
	r := single(t, tree)
	for _, under := range []string{"", "bin", "bin/test.sh"} {
		dir := filepath.Join(t.TempDir(), "out")
		if err := r.Export(t.Context(), "HEAD", dir, under); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(filepath.Join(dir, "bin/test.sh"))
		if err != nil || info.Mode().Perm()&0o100 == 0 {
			t.Errorf("%v, %v", info, err)
		}
		if _, err := os.Stat(filepath.Join(dir, "base")); (err == nil) != (under == "") {
			t.Errorf("under %q: base %v", under, err)
		}
		if under == "" {
			for name, content := range tree {
				if !strings.Contains(content[:min(7, len(content))], ":") {
					if data, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(data) != content {
						t.Errorf("%s is %q, %v", name, data, err)
					}
				}
			}
			if data, err := os.ReadFile(filepath.Join(dir, "bin/link")); err != nil || string(data) != tree["base/config.yaml"] {
				t.Errorf("%q, %v", data, err)
			}
			if err := r.Export(t.Context(), "HEAD", dir, ""); !errors.Is(err, os.ErrExist) {
				t.Errorf("written over: %v", err)
			}
		}
	}
	if err := r.Export(t.Context(), "HEAD", t.TempDir(), "none"); model.CodeOf(err, 0) != model.ExitUsage {
		t.Errorf("nothing there: %v", err)
	}
	for _, target := range []string{"/etc/passwd", "../../x", "a/../../../x", "sub/../x", ".."} {
		top := t.TempDir()
		r := single(t, files{"dir/l": "link:" + target, "a": "b"})
		err := r.Export(t.Context(), "HEAD", filepath.Join(top, "out"), "")
		if escapes := target != ".."; escapes != (err != nil) || err != nil && model.CodeOf(err, 0) != model.ExitUsage {
			t.Errorf("link to %q: %v", target, err)
		}
	}
}

// TestExportOfHostileTrees writes trees that git itself would not make.
func TestExportOfHostileTrees(t *testing.T) {
	_, clone, hashes := cloned(t, shop())
	r := cached(t, Options{Path: clone})
	blob, err := r.store.put(3, []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"..", ".", ".git", ".GIT", "a\\b", "../x"} {
		tree, err := r.store.putTree(map[string]node{name: {modeFile, blob}})
		if err != nil {
			t.Fatal(err)
		}
		c, err := r.CommitPatch(t.Context(), model.Patch{Onto: hashes[1], Tree: tree.String()}, CommitMessage{Title: "x"})
		if err != nil {
			t.Fatal(err)
		}
		top := t.TempDir()
		if err := r.Export(t.Context(), c, filepath.Join(top, "out"), ""); model.CodeOf(err, 0) != model.ExitUsage {
			t.Errorf("%q: %v", name, err)
		}
		if found := fingerprint(t, top); len(found) != 2 {
			t.Errorf("%q: written %v", name, found)
		}
	}
}
