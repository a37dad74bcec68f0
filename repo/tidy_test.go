package repo

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// age makes a file older.
func age(t *testing.T, file string, by time.Duration) {
	t.Helper()
	old := time.Now().Add(-by)
	if err := os.Chtimes(file, old, old); err != nil {
		t.Fatal(err)
	}
}

func exists(file string) bool {
	_, err := os.Lstat(file)
	return err == nil
}

// TestUnusedRepositoriesAreRemoved keeps what is in use, known or not fairtide's.
func TestUnusedRepositoriesAreRemoved(t *testing.T) {
	cache := t.TempDir()
	own := func(name string, gone, old bool) *Repo {
		_, clone, _ := cloned(t, shop())
		git(t, clone, "remote", "set-url", "origin", "https://example.com/"+name)
		r := cached(t, Options{Path: clone, CacheDir: cache})
		if gone {
			if err := os.RemoveAll(clone); err != nil {
				t.Fatal(err)
			}
		}
		if old {
			age(t, filepath.Join(r.own.dir, cloneFile), unusedFor+time.Hour)
		}
		return r
	}
	unused := own("unused", true, true)
	kept := []*Repo{own("young", true, false), own("there", false, true)}
	locked := own("locked", true, true)
	for _, name := range []string{"other-0123456789ab.git", "something"} {
		if err := os.Mkdir(filepath.Join(cache, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	self := own("self", true, true)
	err := locked.locked(t.Context(), func() error { return removeUnused(t.Context(), cache, self.own.dir) })
	if err != nil {
		t.Fatal(err)
	}
	if exists(unused.own.dir) || exists(unused.own.dir+".gone") {
		t.Error("what is not used is still there")
	}
	for _, r := range append(kept, locked, self) {
		if !exists(r.own.dir) {
			t.Errorf("%s was removed", r.Name())
		}
	}
	if !exists(filepath.Join(cache, "other-0123456789ab.git")) || !exists(filepath.Join(cache, "something")) {
		t.Error("removed what is not known")
	}
	if err := removeUnused(t.Context(), cache, self.own.dir); err != nil || exists(locked.own.dir) {
		t.Errorf("after the lock is free: %v", err)
	}
	// Who opens it makes it used.
	_, clone, _ := cloned(t, shop())
	r := cached(t, Options{Path: clone, CacheDir: cache})
	age(t, filepath.Join(r.own.dir, cloneFile), unusedFor+time.Hour)
	cached(t, Options{Path: clone, CacheDir: cache})
	if err := os.RemoveAll(clone); err != nil {
		t.Fatal(err)
	}
	if err := removeUnused(t.Context(), cache, ""); err != nil || !exists(r.own.dir) {
		t.Errorf("a repository that was just opened was removed, %v", err)
	}
}

// TestManyPacksBecomeOne fetches often and finds everything again.
func TestManyPacksBecomeOne(t *testing.T) {
	origin, clone, hashes := cloned(t, shop())
	r := cached(t, Options{Path: clone})
	pull := grow(t, origin, "work", hashes[1], "base/config.yaml", configMap("cart", "9"))
	for _, n := range []int{1, 2} {
		git(t, origin, "update-ref", fmt.Sprintf("refs/pull/%d/head", n), pull)
		if _, err := r.FetchPull(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	loose := draft(t, r, hashes[1], "2.0")
	head := hashes[1]
	for i := range 3 {
		head = grow(t, origin, "main", head, "x", fmt.Sprint(i))
		if _, err := r.Fetch(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	r.tidies.stop()
	age(t, filepath.Join(r.own.dir, "refs/fairtide/pull/1"), unusedFor+time.Hour)
	before := fingerprint(t, clone, origin)
	if err := r.dropOld(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.repack(t.Context()); err != nil {
		t.Fatal(err)
	}
	packs, err := filepath.Glob(filepath.Join(r.own.dir, "objects/pack/*.pack"))
	if err != nil || len(packs) != 1 {
		t.Errorf("%d packs, %v", len(packs), err)
	}
	if _, err := r.store.ownReference(pullPrefix + "1"); err == nil {
		t.Error("an old pull request is still there")
	}
	for _, commit := range []string{head, loose, pull} {
		if _, err := r.Render(t.Context(), production, commit); err != nil {
			t.Error(err)
		}
	}
	for p, is := range fingerprint(t, clone, origin) {
		if before[p] != is {
			t.Errorf("%s was changed", p)
		}
	}
	git(t, r.own.dir, "fsck", "--no-dangling")
}

// TestTidyRunsInTheBackground makes packs enough that a fetch has them put
// together, and ends what runs by Close.
func TestTidyRunsInTheBackground(t *testing.T) {
	origin, clone, hashes := cloned(t, shop())
	r := cached(t, Options{Path: clone})
	grow(t, origin, "main", hashes[1], "x", "1")
	if _, err := r.Fetch(t.Context()); err != nil {
		t.Fatal(err)
	}
	packs := func() []string {
		list, err := filepath.Glob(filepath.Join(r.own.dir, "objects/pack/*.pack"))
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	r.tidies.stop()
	if untidy(r.own.dir) {
		t.Error("a fetch or two are no reason")
	}
	for i := range manyPacks + 1 {
		for name, text := range map[string]string{"pack": "", "idx": ""} {
			// What is no pack is counted all the same.
			if err := os.WriteFile(filepath.Join(r.own.dir, "objects/pack", fmt.Sprintf("x-%02d.%s", i, name)), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	first := packs()
	r.tidy()
	r.tidies.mu.Lock()
	done := r.tidies.done
	r.tidies.mu.Unlock()
	select {
	case <-done:
	case <-t.Context().Done():
	}
	if len(first) <= manyPacks || !exists(filepath.Join(r.own.dir, tidiedFile)) {
		t.Errorf("%d packs", len(first))
	}
	began := make(chan struct{})
	var w tidying
	w.start(func(ctx context.Context) { close(began); <-ctx.Done() })
	<-began
	w.start(func(context.Context) { t.Error("two at a time") })
	w.stop()
	w.stop()
}
