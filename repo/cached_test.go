package repo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/fairtide-dev/fairtide/internal/sample"
	"github.com/fairtide-dev/fairtide/model"
)

// openKept opens a clone as another process would that shares a cache.
func openKept(t testing.TB, dir, cacheDir string) *Repo {
	t.Helper()
	r, err := Open(t.Context(), Options{Path: dir, CacheDir: cacheDir})
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

// keptFiles is what the cache holds. Each writing of a file makes other bytes.
func keptFiles(t testing.TB, cacheDir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(filepath.Join(cacheDir, cacheName), func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(p)
		found[p] = string(data)
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return found
}

// unchanged reports that nothing was put into the cache since: all that was
// asked was found there.
func unchanged(t testing.TB, cacheDir string, before map[string]string, what string) {
	t.Helper()
	if len(before) == 0 {
		t.Fatal("nothing was kept")
	}
	if !reflect.DeepEqual(keptFiles(t, cacheDir), before) {
		t.Errorf("%s was made again", what)
	}
}

// spoil writes something else in place of files.
func spoil(t testing.TB, dir string, change func(name string, data []byte) []byte) (n int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		other := change(p, bytes.Clone(data))
		if bytes.Equal(data, other) {
			return nil
		}
		n++
		return errors.Join(os.Remove(p), os.WriteFile(p, other, 0o600))
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// startAnswers is what the program asks when it starts.
type startAnswers struct {
	Config, None []byte
	Missing      bool
	Head, Again  model.Commit
	Pending      []model.PendingAnswer
}

func start(t testing.TB, r *Repo, asks []model.PendingAsk) (a startAnswers, err error) {
	t.Helper()
	ctx := t.Context()
	if a.Head, err = r.Head(ctx, ""); err != nil {
		return a, err
	}
	if a.Again, err = r.Commit(ctx, a.Head.Hash); err != nil {
		return a, err
	}
	if a.Config, err = r.File(ctx, a.Head.Hash, ".fairtide.yaml"); err != nil {
		return a, err
	}
	_, err = r.File(ctx, "HEAD", "none.yaml")
	if a.Missing = errors.Is(err, fs.ErrNotExist); !a.Missing {
		return a, err
	}
	a.Pending = r.PendingAll(ctx, asks)
	for _, p := range a.Pending {
		if p.Err != nil {
			return a, p.Err
		}
	}
	return a, nil
}

// someHistory is a repository with three environments and what is asked of it
// at the start.
func someHistory(t testing.TB) (dir string, asks []model.PendingAsk) {
	t.Helper()
	var h history
	base := shop().with(files{".fairtide.yaml": "apiVersion: fairtide.dev/v1\n", "environments/dev/a.yaml": configMap("a", "1")})
	h.linear(0, base,
		base.with(files{"base/config.yaml": configMap("cart", "2")}),
		base.with(files{"base/config.yaml": configMap("cart", "3"), "environments/dev/b.yaml": configMap("b", "1")}),
		base.with(files{"README.md": "docs\n"}),
		base.with(files{"environments/staging/kustomization.yaml": "resources: [none.yaml]\n"}),
	)
	dir, hashes := h.write(t)
	asks = []model.PendingAsk{{Environment: model.Environment{Name: "new", Path: "environments/production"}}}
	for _, name := range []string{"dev", "staging", "production"} {
		env := model.Environment{Name: name, Path: "environments/" + name}
		asks = append(asks, model.PendingAsk{Environment: env, Deployed: hashes[1]},
			model.PendingAsk{Environment: env, Deployed: hashes[2], Head: hashes[4]})
	}
	return dir, asks
}

func buildSample(t testing.TB) sample.Repo {
	t.Helper()
	s, err := sample.Build(t.Context(), filepath.Join(t.TempDir(), "environments"), sample.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The second start reads no object: there is none left that could be read.
func TestSecondStartReadsNoPack(t *testing.T) {
	dir, asks := someHistory(t)
	git(t, dir, "gc", "-q", "--prune=now")
	cacheDir := t.TempDir()
	first := openKept(t, dir, cacheDir)
	want, err := start(t, first, asks)
	if err := errors.Join(err, first.Close()); err != nil {
		t.Fatal(err)
	}
	changes := 0
	for _, p := range want.Pending {
		changes += len(p.Pending.Changes)
	}
	if changes == 0 || len(want.Config) == 0 {
		t.Fatal("there is nothing to show")
	}
	n := spoil(t, filepath.Join(dir, ".git", "objects"), func(name string, data []byte) []byte {
		if strings.HasSuffix(name, "alternates") {
			return data
		}
		return bytes.Repeat([]byte{0xa5}, len(data))
	})
	if n < 2 {
		t.Fatalf("%d files hold the objects", n)
	}
	got, err := start(t, openKept(t, dir, cacheDir), asks)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}

	// Without the cache nothing of it can be known.
	blind, err := Open(t.Context(), Options{Path: dir, CacheDir: t.TempDir()})
	if err == nil {
		_, err = start(t, blind, asks)
		err = errors.Join(err, blind.Close())
	}
	if err == nil {
		t.Error("the objects can still be read: the test shows nothing")
	}
}

func TestDamagedCacheIsRebuilt(t *testing.T) {
	dir, asks := someHistory(t)
	want, err := start(t, open(t, dir), asks)
	if err != nil {
		t.Fatal(err)
	}
	cacheDir := t.TempDir()
	same := func(what string) {
		t.Helper()
		got, err := start(t, openKept(t, dir, cacheDir), asks)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v: got %+v, want %+v", what, err, got, want)
		}
	}
	same("empty")
	for what, change := range map[string]func([]byte) []byte{
		"one bit":  func(b []byte) []byte { b[len(b)/2] ^= 4; return b },
		"cut":      func(b []byte) []byte { return b[:len(b)-1] },
		"emptied":  func([]byte) []byte { return nil },
		"replaced": func([]byte) []byte { return []byte("{}") },
	} {
		if spoil(t, filepath.Join(cacheDir, cacheName), func(_ string, b []byte) []byte { return change(b) }) == 0 {
			t.Fatal("nothing was kept")
		}
		same(what)
		mended := keptFiles(t, cacheDir)
		same(what + ", again")
		unchanged(t, cacheDir, mended, what)
	}
	// Files that have changed places.
	var last []byte
	spoil(t, filepath.Join(cacheDir, cacheName), func(_ string, b []byte) []byte {
		other := last
		last = b
		return other
	})
	same("changed places")
}

func TestUnwritableCacheIsWithoutEffect(t *testing.T) {
	dir, asks := someHistory(t)
	want, err := start(t, open(t, dir), asks)
	if err != nil {
		t.Fatal(err)
	}
	cacheDir := t.TempDir()
	if err := os.WriteFile(filepath.Join(cacheDir, cacheName), []byte("in the way"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		got, err := start(t, openKept(t, dir, cacheDir), asks)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v: got %+v, want %+v", err, got, want)
		}
	}
	if files := keptFiles(t, cacheDir); len(files) != 1 {
		t.Errorf("files %v", files)
	}
}

// No two questions share an answer.
func TestPendingKeys(t *testing.T) {
	var h history
	h.linear(0, shop(), shop().with(files{"a": "b"}), shop().with(files{"a": "c"}))
	dir, hashes := h.write(t)
	r := open(t, dir)
	ask := func(change func(*model.PendingAsk)) model.PendingAsk {
		a := model.PendingAsk{Environment: production, Deployed: hashes[1], Head: hashes[3]}
		a.Environment.Signers = []model.Signer{{Name: "dev1", SSH: "ssh-ed25519 AAAA"}}
		change(&a)
		return a
	}
	same := []func(*model.PendingAsk){
		func(*model.PendingAsk) {},
		func(a *model.PendingAsk) { a.Head = "" },
		func(a *model.PendingAsk) { a.Head = "main" },
		func(a *model.PendingAsk) { a.Environment.Path += "/" },
		func(a *model.PendingAsk) { a.Environment.Tier = model.TierProduction },
	}
	other := []func(*model.PendingAsk){
		func(a *model.PendingAsk) { a.Head = hashes[2] },
		func(a *model.PendingAsk) { a.Deployed = hashes[2] },
		func(a *model.PendingAsk) { a.Deployed = "" },
		func(a *model.PendingAsk) { a.Environment.Path = "environments/staging" },
		func(a *model.PendingAsk) { a.Environment.Name = "other" },
		func(a *model.PendingAsk) { a.Environment.Namespace = "other" },
		func(a *model.PendingAsk) { a.Environment.Helm.Values = []string{"values.yaml"} },
		func(a *model.PendingAsk) { a.Environment.Helm.KubeVersion = "v1.37.1" },
		func(a *model.PendingAsk) { a.Environment.Limits.Objects = 7 },
		func(a *model.PendingAsk) { a.Environment.Limits.FileBytes = 7 },
		func(a *model.PendingAsk) { a.Environment.Signers = nil },
		func(a *model.PendingAsk) { a.Environment.Signers[0].Name = "dev2" },
	}
	keyOfAsk := func(a model.PendingAsk, ends string) []byte {
		key, a := r.pendingKey(t.Context(), a, ends)
		if key != nil && !plumbing.IsHash(a.Head) {
			t.Errorf("the list would be made of %q", a.Head)
		}
		return key
	}
	want := keyOfAsk(ask(same[0]), "")
	for i, change := range same {
		if !bytes.Equal(keyOfAsk(ask(change), ""), want) {
			t.Errorf("same %d has another key", i)
		}
	}
	seen := map[string]int{string(want): -1, string(keyOfAsk(ask(same[0]), hashes[1])): -2}
	for i, change := range other {
		key := string(keyOfAsk(ask(change), ""))
		if j, double := seen[key]; double {
			t.Errorf("other %d has the key of %d", i, j)
		}
		seen[key] = i
	}
	if len(seen) != len(other)+2 {
		t.Errorf("%d keys", len(seen))
	}
	for i, change := range []func(*model.PendingAsk){
		func(a *model.PendingAsk) { a.Deployed = hashes[1][:8] },
		func(a *model.PendingAsk) { a.Deployed = "main" },
		func(a *model.PendingAsk) { a.Head = "main~1" },
		func(a *model.PendingAsk) { a.Head = "none" },
		func(a *model.PendingAsk) { a.Environment.Branch, a.Head = "none", "" },
		func(a *model.PendingAsk) { a.Environment.Path = "../x" },
	} {
		if key := keyOfAsk(ask(change), ""); key != nil {
			t.Errorf("%d has a key, though it is not known what it means", i)
		}
	}
}

// What is true of the clone, not of its commits, is asked anew.
func TestListsOfAnIncompleteCloneAreNotKept(t *testing.T) {
	var h history
	var trees []files
	for i := range 6 {
		trees = append(trees, shop().with(files{"base/config.yaml": configMap("cart", fmt.Sprint(i))}))
	}
	h.linear(0, trees...)
	h.commit("side", "deployed from elsewhere", trees[0], 1)
	dir, hashes := h.write(t)
	cacheDir := t.TempDir()

	t.Run("unknown commit", func(t *testing.T) {
		clone := filepath.Join(t.TempDir(), "clone")
		git(t, dir, "clone", "-q", "--single-branch", "file://"+dir, clone)
		before, err := openKept(t, clone, cacheDir).Pending(t.Context(), production, hashes[7], hashes[6])
		if err != nil || !strings.Contains(before.Diverged, "not in this clone") {
			t.Fatalf("%v, %q", err, before.Diverged)
		}
		git(t, clone, "fetch", "-q", "origin", "side")
		after, err := openKept(t, clone, cacheDir).Pending(t.Context(), production, hashes[7], hashes[6])
		if err != nil || strings.Contains(after.Diverged, "not in this clone") || len(after.Changes) != 5 {
			t.Errorf("%v, %q, %d changes", err, after.Diverged, len(after.Changes))
		}
	})
	t.Run("shallow", func(t *testing.T) {
		clone := filepath.Join(t.TempDir(), "clone")
		git(t, dir, "clone", "-q", "--depth=2", "file://"+dir, clone)
		for range 2 {
			p, err := openKept(t, clone, cacheDir).Pending(t.Context(), production, hashes[1], hashes[6])
			if err != nil || !p.Incomplete {
				t.Fatalf("%v, %+v", err, p)
			}
		}
		git(t, clone, "fetch", "-q", "--unshallow", "origin")
		p, err := openKept(t, clone, cacheDir).Pending(t.Context(), production, hashes[1], hashes[6])
		if err != nil || p.Incomplete || len(p.Changes) != 5 {
			t.Errorf("%v, %+v", err, p)
		}
	})
}

// A list with renders of a chart depends on what the cluster has, too.
func TestListsOfChartsDependOnTheCluster(t *testing.T) {
	chart := func(v int) files {
		return files{
			"environments/production/Chart.yaml":       "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
			"environments/production/templates/a.yaml": fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Capabilities.KubeVersion.Version | quote }}}\ndata: {v: \"%d\"}\n", v),
		}
	}
	var h history
	h.linear(0, chart(1), chart(2))
	dir, hashes := h.write(t)
	cacheDir := t.TempDir()
	env := production
	env.Namespace = "shop"
	// list asks as a process of its own would that knows the cluster.
	list := func(version string) string {
		t.Helper()
		r, err := Open(t.Context(), Options{Path: dir, CacheDir: cacheDir, Capabilities: func(context.Context, model.Environment) (model.Capabilities, error) {
			return model.Capabilities{KubeVersion: version, APIVersions: []string{"v1"}}, nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		p, err := r.Pending(t.Context(), env, hashes[1], "")
		if err := errors.Join(err, r.Close()); err != nil || len(p.Changes) != 1 || len(p.Changes[0].Objects) != 1 {
			t.Fatalf("%v: %+v", err, p)
		}
		return p.Changes[0].Objects[0].ID.Name
	}
	if got := list("v1.36.0"); got != "v1.36.0" {
		t.Errorf("with the first cluster: %s", got)
	}
	if got := list("v1.37.1"); got != "v1.37.1" {
		t.Errorf("with another cluster: %s", got)
	}
	before := keptFiles(t, cacheDir)
	for _, version := range []string{"v1.36.0", "v1.37.1"} {
		if got := list(version); got != version {
			t.Errorf("again with %s: %s", version, got)
		}
	}
	unchanged(t, cacheDir, before, "a list")
}

// The signature of a commit that is dated in the future may count later.
func TestListsOfFutureCommitsAreNotKept(t *testing.T) {
	dir, asks := someHistory(t)
	cacheDir := t.TempDir()
	at := func(now time.Time) map[string]string {
		t.Helper()
		r, err := Open(t.Context(), Options{Path: dir, CacheDir: cacheDir, Now: func() time.Time { return now }})
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range r.PendingAll(t.Context(), asks[1:2]) {
			if a.Err != nil {
				t.Fatal(a.Err)
			}
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		return keptFiles(t, cacheDir)
	}
	early := time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)
	first := at(early)
	if again := at(early); !reflect.DeepEqual(first, again) {
		t.Error("a render was not kept")
	}
	late := at(early.AddDate(1, 0, 0))
	if len(late) != len(first)+1 {
		t.Errorf("%d files before, %d after: want the list to be kept later, and only then", len(first), len(late))
	}
}
