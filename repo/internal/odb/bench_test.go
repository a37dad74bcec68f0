package odb

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
)

const benchCommits = 10_000

// benchRepository has 10,000 commits over 200 applications of 10 files.
func benchRepository(b *testing.B) string {
	b.Helper()
	var s strings.Builder
	for n := 1; n <= benchCommits; n++ {
		fmt.Fprintf(&s, "commit refs/heads/main\nmark :%d\ncommitter dev2 <dev2@example.com> %d +0000\ndata 12\nchange %05d\n", n, 1772442000+n*60, n)
		if n > 1 {
			fmt.Fprintf(&s, "from :%d\n", n-1)
		}
		for f := range 2000 {
			if n == 1 || f == n*7919%2000 {
				content := fmt.Sprintf("name: app%d\nversion: %d\n", f, n)
				fmt.Fprintf(&s, "M 100644 inline apps/app%d/f%d.yaml\ndata %d\n%s\n", f/10, f%10, len(content), content)
			}
		}
	}
	dir := filepath.Join(b.TempDir(), "r.git")
	git(b, filepath.Dir(dir), "init", "-q", "--bare", "-b", "main", dir)
	gitIn(b, dir, []byte(s.String()), "fast-import", "--quiet", "--force")
	git(b, dir, "repack", "-adfq")
	return dir
}

// walkBack follows first parents, opening the database anew. With trees set it
// reads the root directory of each commit and one inside it.
func walkBack(b *testing.B, dir string, head plumbing.Hash, limit int, trees bool) int {
	db := open(b, canMap, filepath.Join(dir, "objects"))
	n := 0
	for h := head; n < limit; n++ {
		root, parents, err := db.Step(h)
		if err != nil {
			b.Fatal(err)
		}
		if trees {
			_, data, err := db.Read(root, maxCommit)
			if err != nil {
				b.Fatal(err)
			}
			if _, _, err := db.Read(plumbing.Hash(data[len("40000 apps\x00"):]), maxCommit); err != nil {
				b.Fatal(err)
			}
		}
		if len(parents) == 0 {
			return n + 1
		}
		h = parents[0]
	}
	return n
}

// BenchmarkWalk goes back over 10,000 first parents and measures that in times
// of `git rev-list --first-parent` (ratio), and 500 with two directories of
// each in times of `git log --first-parent -- PATH` over the same (trees-ratio).
func BenchmarkWalk(b *testing.B) {
	dir := benchRepository(b)
	head := plumbing.NewHash(strings.TrimSpace(git(b, dir, "rev-parse", "main")))
	for _, graph := range []bool{false, true} {
		name := "commits"
		if graph {
			name = "commit-graph"
			git(b, dir, "commit-graph", "write", "--reachable")
		}
		b.Run(name, func(b *testing.B) {
			var own, cli, trees, log time.Duration
			for b.Loop() {
				start := time.Now()
				if n := walkBack(b, dir, head, benchCommits, false); n != benchCommits {
					b.Fatalf("%d commits", n)
				}
				own += time.Since(start)
				start = time.Now()
				git(b, dir, "rev-list", "--first-parent", "main")
				cli += time.Since(start)
				start = time.Now()
				walkBack(b, dir, head, 500, true)
				trees += time.Since(start)
				start = time.Now()
				git(b, dir, "log", "--first-parent", "--format=%H", "main~500..main", "--", "apps/app7")
				log += time.Since(start)
			}
			b.ReportMetric(float64(own)/float64(cli), "ratio")
			b.ReportMetric(float64(trees)/float64(log), "trees-ratio")
			b.ReportMetric(float64(trees.Microseconds())/float64(b.N)/1000, "trees-ms")
			b.ReportMetric(float64(own.Microseconds())/float64(b.N)/1000, "walk-ms")
		})
	}
}
