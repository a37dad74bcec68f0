package odb

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
)

const noLimit = 1 << 40

// shapes are the ways git stores the same objects.
var shapes = map[string]func(t *testing.T, dir string){
	"loose":       func(*testing.T, string) {},
	"deep deltas": func(t *testing.T, dir string) { git(t, dir, "repack", "-adfq", "--depth=50", "--window=50") },
	"deepest":     func(t *testing.T, dir string) { git(t, dir, "repack", "-adfq", "--depth=4000", "--window=10") },
	"gc":          func(t *testing.T, dir string) { git(t, dir, "gc", "-q") },
	"index v1":    func(t *testing.T, dir string) { git(t, dir, "-c", "pack.indexVersion=1", "repack", "-adfq") },
	"named bases": func(t *testing.T, dir string) {
		git(t, dir, "-c", "repack.useDeltaBaseOffset=false", "repack", "-adfq")
	},
	"no deltas":    func(t *testing.T, dir string) { git(t, dir, "repack", "-adfq", "--depth=0") },
	"stored":       func(t *testing.T, dir string) { git(t, dir, "-c", "pack.compression=0", "repack", "-adFq") },
	"packs":        func(t *testing.T, dir string) { split(t, dir) },
	"half loose":   func(t *testing.T, dir string) { packSome(t, dir) },
	"commit-graph": func(t *testing.T, dir string) { git(t, dir, "commit-graph", "write", "--reachable", "--changed-paths") },
	"multi-pack-index": func(t *testing.T, dir string) {
		split(t, dir)
		git(t, dir, "multi-pack-index", "write")
		git(t, dir, "multi-pack-index", "repack")
		git(t, dir, "multi-pack-index", "expire")
	},
	"split commit-graph": func(t *testing.T, dir string) {
		for _, rev := range []string{"main~50", "main~20", "main"} {
			gitIn(t, dir, []byte(git(t, dir, "rev-parse", rev)), "commit-graph", "write", "--stdin-commits", "--split=no-merge")
		}
		if chain, err := os.ReadFile(filepath.Join(dir, "objects/info/commit-graphs/commit-graph-chain")); err != nil || bytes.Count(chain, []byte("\n")) != 3 {
			t.Fatalf("%q, %v", chain, err)
		}
	},
	"old commit-graph": func(t *testing.T, dir string) {
		gitIn(t, dir, []byte(git(t, dir, "rev-parse", "main~50")), "commit-graph", "write", "--stdin-commits")
		git(t, dir, "gc", "-q")
	},
}

func packSome(t *testing.T, dir string) {
	list := git(t, dir, "rev-list", "--objects", "main~30")
	gitIn(t, dir, []byte(list), "pack-objects", "-q", "objects/pack/pack")
	git(t, dir, "prune-packed")
}

// TestAgainstGit compares every object with what git says it is.
func TestAgainstGit(t *testing.T) {
	origin := repository(t, random(t), 90)
	want := everything(t, origin)
	packed := filepath.Join(t.TempDir(), "r.git")
	git(t, filepath.Dir(packed), "clone", "-q", "--mirror", origin, packed)
	git(t, packed, "repack", "-adq")
	for name, shape := range shapes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "r.git")
			from := packed
			if slices.Contains([]string{"loose", "half loose", "packs", "multi-pack-index"}, name) {
				from = origin
			}
			if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
				t.Fatal(err)
			}
			shape(t, dir)
			for _, mapped := range []bool{canMap, false} {
				compare(t, open(t, mapped, filepath.Join(dir, "objects")), dir, want)
			}
		})
	}
}

// compare reads every object, in any order, and once more when caches are warm.
func compare(t *testing.T, db *DB, dir string, want map[plumbing.Hash]stored) {
	t.Helper()
	for range 2 {
		for h, o := range want { // in random order
			if typ, size, err := db.Header(h); err != nil || typ != o.typ || size != int64(len(o.data)) {
				t.Fatalf("%s is a %s of %d bytes, %v, want a %s of %d", h, typ, size, err, o.typ, len(o.data))
			}
			typ, data, err := db.Read(h, int64(len(o.data)))
			if err != nil || typ != o.typ || !bytes.Equal(data, o.data) {
				t.Fatalf("%s is a %s of %d bytes, %v, want a %s of %d", h, typ, len(data), err, o.typ, len(o.data))
			}
			if typ == plumbing.BlobObject {
				clear(data) // it is the reader's own
			}
			if len(o.data) > 0 {
				if _, _, err := db.Read(h, int64(len(o.data))-1); !errors.Is(err, ErrTooLarge) {
					t.Fatalf("%s beyond the limit: %v", h, err)
				}
			}
			if ok, err := db.Has(h); !ok || err != nil {
				t.Fatalf("has %s: %v, %v", h, ok, err)
			}
		}
	}
	for line := range strings.Lines(git(t, dir, "rev-list", "--all", "--parents", "--format=%T")) {
		fields := strings.Fields(line)
		if fields[0] == "commit" {
			checkStep(t, db, fields[1:], want)
		}
	}
	for h := range want {
		found, err := db.Prefixed(h[:2])
		if err != nil || !slices.Contains(found, h) {
			t.Fatalf("objects like %s: %v, %v", h, found, err)
		}
		for _, other := range found {
			if _, ok := want[other]; !ok || !bytes.HasPrefix(other[:], h[:2]) {
				t.Fatalf("found %s for %x", other, h[:2])
			}
		}
	}
	for _, no := range []plumbing.Hash{{}, {0xff}, plumbing.NewHash(strings.Repeat("f", 40))} {
		_, _, err := db.Read(no, noLimit)
		_, _, headErr := db.Header(no)
		_, _, stepErr := db.Step(no)
		ok, hasErr := db.Has(no)
		for _, err := range []error{err, headErr, stepErr} {
			if !errors.Is(err, plumbing.ErrObjectNotFound) {
				t.Errorf("%s: %v", no, err)
			}
		}
		if ok || hasErr != nil {
			t.Errorf("has %s: %v, %v", no, ok, hasErr)
		}
	}
}

func checkStep(t *testing.T, db *DB, line []string, want map[plumbing.Hash]stored) {
	t.Helper()
	h := plumbing.NewHash(line[0])
	tree, parents, err := db.Step(h)
	got := []string{line[0]}
	for _, p := range parents {
		got = append(got, p.String())
	}
	if err != nil || !slices.Equal(got, line) || !bytes.HasPrefix(want[h].data, []byte("tree "+tree.String()+"\n")) {
		t.Fatalf("step %v, tree %s, %v, want %v", got, tree, err, line)
	}
}

// TestGraphAnswers makes sure that the commit-graph is what Step asks: the
// commits themselves are taken away.
func TestGraphAnswers(t *testing.T) {
	for _, name := range []string{"commit-graph", "split commit-graph"} {
		dir := repository(t, random(t), 90)
		shapes[name](t, dir)
		want := everything(t, dir)
		lines := strings.Fields(git(t, dir, "rev-list", "main"))
		for _, h := range lines {
			if err := os.Remove(loosePath(filepath.Join(dir, "objects"), plumbing.NewHash(h))); err != nil {
				t.Fatal(err)
			}
		}
		db := open(t, canMap, filepath.Join(dir, "objects"))
		for _, line := range lines {
			h := plumbing.NewHash(line)
			tree, parents, err := db.Step(h)
			wantTree, wantParents, linkErr := links(want[h].data)
			if err != nil || linkErr != nil || tree != wantTree || !slices.Equal(parents, wantParents) {
				t.Fatalf("%s: step from %s is %s %v, %v", name, h, tree, parents, err)
			}
		}
	}
}

func TestAlternates(t *testing.T) {
	origin := repository(t, random(t), 60)
	git(t, origin, "repack", "-adq")
	git(t, origin, "commit-graph", "write", "--reachable", "--split")
	dir := filepath.Join(t.TempDir(), "shared.git")
	git(t, filepath.Dir(dir), "clone", "-q", "--bare", "--shared", origin, dir)
	gitIn(t, dir, []byte("commit refs/heads/main\ncommitter dev2 <dev2@example.com> 1772500000 +0000\ndata 4\nmore\nfrom refs/heads/main^0\nM 100644 inline apps/more.yaml\ndata 2\nx\n"), "fast-import", "--quiet", "--force")
	git(t, dir, "commit-graph", "write", "--reachable", "--split=no-merge")
	for _, mapped := range []bool{canMap, false} {
		compare(t, open(t, mapped, filepath.Join(dir, "objects"), filepath.Join(origin, "objects"), filepath.Join(dir, "none")), dir, everything(t, dir))
	}
	db := open(t, canMap, filepath.Join(dir, "objects"))
	if _, _, err := db.Read(plumbing.NewHash(strings.TrimSpace(git(t, origin, "rev-parse", "main"))), noLimit); !errors.Is(err, plumbing.ErrObjectNotFound) {
		t.Errorf("without the other repository: %v", err)
	}
}

// TestWhatGitDoesMeanwhile reads with many readers while git repacks, and then
// what is new.
func TestWhatGitDoesMeanwhile(t *testing.T) {
	for _, mapped := range []bool{canMap, false} {
		rng := random(t)
		dir := repository(t, rng, 30)
		want := everything(t, dir)
		db := open(t, mapped, filepath.Join(dir, "objects"))
		stop := make(chan struct{})
		var readers sync.WaitGroup
		for range 2 {
			readers.Go(func() {
				for {
					for h, o := range want {
						if typ, data, err := db.Read(h, noLimit); err != nil || typ != o.typ || !bytes.Equal(data, o.data) {
							t.Errorf("%s: %s of %d bytes, %v", h, typ, len(data), err)
							return
						}
					}
					select {
					case <-stop:
						return
					default:
					}
				}
			})
		}
		for i := range 3 {
			git(t, dir, "repack", "-adfq", fmt.Sprintf("--depth=%d", 2+i*9))
			if err := db.Refresh(); err != nil {
				t.Error(err)
			}
			if i == 1 {
				if err := db.Close(); err != nil { // it opens again
					t.Error(err)
				}
			}
		}
		close(stop)
		readers.Wait()

		blob := plumbing.NewHash(strings.TrimSpace(gitIn(t, dir, []byte("new"), "hash-object", "-w", "--stdin")))
		if _, data, err := db.Read(blob, noLimit); err != nil || string(data) != "new" {
			t.Errorf("a new object: %q, %v", data, err)
		}
		fresh := filepath.Join(t.TempDir(), "fresh.git")
		git(t, filepath.Dir(fresh), "init", "-q", "--bare", fresh)
		other := plumbing.NewHash(strings.TrimSpace(gitIn(t, fresh, []byte("other"), "hash-object", "-w", "--stdin")))
		if ok, err := db.Has(other); ok || err != nil {
			t.Fatalf("has what nobody made: %v", err)
		}
		gitIn(t, fresh, []byte(other.String()), "pack-objects", "-q", filepath.Join(dir, "objects/pack/pack"))
		if ok, err := db.Has(other); !ok || err != nil {
			t.Errorf("a new pack is not seen: %v", err)
		}
		packs, err := filepath.Glob(filepath.Join(dir, "objects/pack/pack-*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range packs {
			if err := os.Remove(p); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.Refresh(); err != nil {
			t.Error(err)
		}
		if ok, err := db.Has(other); ok || err != nil || len(db.packs) != 0 {
			t.Errorf("vanished packs are still there: %v, %d packs", err, len(db.packs))
		}
	}
}

// TestNothingIsOpenedEarly makes a database of what cannot be opened.
func TestNothingIsOpenedEarly(t *testing.T) {
	dir := repository(t, random(t), 20)
	git(t, dir, "repack", "-adq")
	db := New(filepath.Join(dir, "objects"))
	if err := db.Refresh(); err != nil || db.listed {
		t.Errorf("listed %v, %v", db.listed, err)
	}
	head := plumbing.NewHash(strings.TrimSpace(git(t, dir, "rev-parse", "main")))
	if ok, err := db.Has(head); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if p := db.packs[0]; p.idx.Load() == nil || p.file.Load() != nil {
		t.Error("asking for an object opened its pack")
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

func TestEmptyTree(t *testing.T) {
	db := open(t, canMap, t.TempDir())
	typ, data, err := db.Read(emptyTree, 0)
	if typ != plumbing.TreeObject || len(data) != 0 || err != nil {
		t.Errorf("%s %q, %v", typ, data, err)
	}
	if ok, err := db.Has(emptyTree); ok || err != nil {
		t.Errorf("it is not stored: %v, %v", ok, err)
	}
}

func TestCacheIsBounded(t *testing.T) {
	const limit = 1 << 20
	rng := rand.New(rand.NewPCG(1, 2))
	c := newCache[int](limit)
	for i := range 5000 {
		c.put(uint64(i), i, plumbing.BlobObject, make([]byte, rng.IntN(40_000)))
		if typ, data, ok := c.get(uint64(i), i); ok && (typ != plumbing.BlobObject || len(data) > limit/shards/2) {
			t.Fatalf("%d is %s of %d bytes", i, typ, len(data))
		}
	}
	total, count := 0, 0
	for i := range c.parts {
		p := &c.parts[i]
		for key, e := range p.items {
			if e.key != key {
				t.Errorf("%d under %d", e.key, key)
			}
			total += len(e.data)
			count++
		}
	}
	if total > limit || count == 0 {
		t.Errorf("%d items of %d bytes", count, total)
	}
	c.put(1, -1, plumbing.BlobObject, []byte("old"))
	for i := range 100_000 {
		c.put(1, i, plumbing.BlobObject, make([]byte, 1000))
		if _, data, ok := c.get(1, -1); !ok || string(data) != "old" {
			t.Fatal("what is used is dropped")
		}
	}
}
