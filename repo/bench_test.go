package repo

import (
	"fmt"
	"testing"
	"time"
)

// benchRepo is a repository of 2,000 first-parent commits over 40 services, of
// which one in 40 touches what production reads.
func benchRepo(b *testing.B) (dir string, hashes []string) {
	b.Helper()
	var h history
	tree := shop()
	for i := range 40 {
		for j := range 10 {
			tree[fmt.Sprintf("services/s%d/f%d.yaml", i, j)] = configMap("x", "1")
		}
	}
	last := 0
	for i := range 2000 {
		if i%40 == 0 {
			tree = tree.with(files{"base/config.yaml": configMap("cart", fmt.Sprint(i))})
		} else {
			tree = tree.with(files{fmt.Sprintf("services/s%d/f%d.yaml", i%40, i%10): configMap("x", fmt.Sprint(i))})
		}
		last = h.linear(last, tree)
	}
	dir, hashes = h.write(b)
	git(b, dir, "repack", "-adq")
	return dir, hashes
}

// BenchmarkPending lists 2,000 commits back, opening the repository each time.
// The metric git-log-ratio is its time over that of `git log --first-parent --
// PATHS` in the same run, walk-ratio the same without the renders.
func BenchmarkPending(b *testing.B) {
	dir, hashes := benchRepo(b)
	first := open(b, dir)
	got := render(b, first, production)
	args := append([]string{"log", "--first-parent", "--format=%H", hashes[1] + ".." + hashes[len(hashes)-1], "--"}, got.Inputs...)
	var own, walked, cli time.Duration
	for b.Loop() {
		start := time.Now()
		r := open(b, dir)
		p := pending(b, r, production, hashes[1])
		own += time.Since(start)

		start = time.Now()
		git(b, dir, args...)
		cli += time.Since(start)

		r = open(b, dir)
		r.cache = first.cache
		start = time.Now()
		again := pending(b, r, production, hashes[1])
		walked += time.Since(start)
		if len(p.Changes) != 49 || len(again.Changes) != 49 {
			b.Fatalf("%d and %d changes", len(p.Changes), len(again.Changes))
		}
	}
	b.ReportMetric(float64(own)/float64(cli), "git-log-ratio")
	b.ReportMetric(float64(walked)/float64(cli), "walk-ratio")
}

// BenchmarkRender renders one small overlay, anew each time.
func BenchmarkRender(b *testing.B) {
	r := single(b, shop())
	head, err := r.Head(b.Context(), "")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		r.cache = newRenderCache()
		if _, err := r.Render(b.Context(), production, head.Hash); err != nil {
			b.Fatal(err)
		}
	}
}
