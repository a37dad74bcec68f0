package odb

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
)

func git(t testing.TB, dir string, args ...string) string {
	t.Helper()
	return gitIn(t, dir, nil, args...)
}

func gitIn(t testing.TB, dir string, stdin []byte, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = dir
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "LC_ALL=C", "TZ=UTC", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_AUTHOR_NAME=dev1", "GIT_AUTHOR_EMAIL=dev1@example.com", "GIT_COMMITTER_NAME=dev2", "GIT_COMMITTER_EMAIL=dev2@example.com",
		"GIT_AUTHOR_DATE=2026-03-02T09:00:00Z", "GIT_COMMITTER_DATE=2026-03-02T10:00:00Z",
	}
	cmd.Stdin = bytes.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return stdout.String()
}

// stored is an object as git gives it.
type stored struct {
	typ  plumbing.ObjectType
	data []byte
}

// everything asks git for all objects of a repository and of what it borrows.
func everything(t testing.TB, dir string) map[plumbing.Hash]stored {
	t.Helper()
	out := bufio.NewReader(strings.NewReader(git(t, dir, "cat-file", "--batch-all-objects", "--batch")))
	all := map[plumbing.Hash]stored{}
	for {
		var name, kind string
		var size int
		if _, err := fmt.Fscanf(out, "%s %s %d\n", &name, &kind, &size); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		data := make([]byte, size+1)
		if _, err := io.ReadFull(out, data); err != nil {
			t.Fatal(err)
		}
		typ, err := plumbing.ParseObjectType(kind)
		if err != nil {
			t.Fatal(err)
		}
		all[plumbing.NewHash(name)] = stored{typ, data[:size]}
	}
}

// sample writes a random history for git fast-import: files that grow, merges
// of two and three parents, tags, an empty file, an empty directory at the
// root, and a blob of more than a megabyte.
func sample(rng *rand.Rand, commits int) []byte {
	var b bytes.Buffer
	data := func(s string) { fmt.Fprintf(&b, "data %d\n%s\n", len(s), s) }
	fmt.Fprintf(&b, "commit refs/heads/main\nmark :1\ncommitter dev2 <dev2@example.com> 1772442000 +0000\n")
	data("empty")
	content := make([][]string, 12)
	for i := range content {
		for range 60 {
			content[i] = append(content[i], fmt.Sprintf("key%d: %x", rng.Uint32(), rng.Uint64()))
		}
	}
	for n := 2; n <= commits; n++ {
		fmt.Fprintf(&b, "commit refs/heads/main\nmark :%d\ncommitter dev2 <dev2@example.com> %d +0000\n", n, 1772442000+n*60)
		data(fmt.Sprintf("change %d\n\n%s", n, strings.Repeat("because ", rng.IntN(20))))
		fmt.Fprintf(&b, "from :%d\n", n-1)
		if n > 10 && n%7 == 0 {
			for i := range 1 + rng.IntN(3) {
				fmt.Fprintf(&b, "merge :%d\n", n-3-2*i)
			}
		}
		f := rng.IntN(len(content))
		content[f][rng.IntN(len(content[f]))] = fmt.Sprintf("changed%d: %x", n, rng.Uint64())
		content[f] = append(content[f], fmt.Sprintf("new%d: 1", n))
		fmt.Fprintf(&b, "M 100644 inline apps/a%d/values/f%d.yaml\n", f%5, f)
		data(strings.Join(content[f], "\n"))
		if n == 5 {
			big := make([]byte, 1_300_000)
			for i := range big {
				big[i] = byte(rng.Uint32())
			}
			fmt.Fprintf(&b, "M 100644 inline big.bin\n")
			data(string(big))
			fmt.Fprintf(&b, "M 100644 inline empty.txt\n")
			data("")
			fmt.Fprintf(&b, "M 100644 inline lines.txt\n")
			data(strings.Repeat("a line that is repeated\n", 60_000))
		}
	}
	fmt.Fprintf(&b, "tag v1\nfrom :%d\ntagger dev1 <dev1@example.com> 1772442000 +0000\n", commits/2)
	data("a tag")
	return b.Bytes()
}

// repository makes a bare repository with a sample in it, every object in a
// file of its own.
func repository(t testing.TB, rng *rand.Rand, commits int) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "r.git")
	git(t, filepath.Dir(dir), "init", "-q", "--bare", "-b", "main", dir)
	gitIn(t, dir, sample(rng, commits), "-c", "fastimport.unpackLimit=1000000", "fast-import", "--quiet", "--force")
	git(t, dir, "tag", "-a", "-m", "again", "v2", "v1")
	return dir
}

// split moves what is reachable into several packs.
func split(t testing.TB, dir string) {
	t.Helper()
	before := ""
	for _, rev := range []string{"main~40", "main~20", "--all"} {
		list := git(t, dir, append(strings.Fields("rev-list --objects "+rev), strings.Fields(before)...)...)
		gitIn(t, dir, []byte(list), "pack-objects", "-q", "objects/pack/pack")
		before = "^" + rev
	}
	git(t, dir, "prune-packed")
}

// open returns a database that is closed when the test ends.
func open(t testing.TB, mapped bool, dirs ...string) *DB {
	t.Helper()
	db := newDB(dirs, mapped)
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func random(t testing.TB) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 1))
}
