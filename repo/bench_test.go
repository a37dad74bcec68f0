package repo

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

const (
	benchCommits  = 12_000
	benchBack     = 500 // commits from the deployed one to the head
	benchServices = 40
	benchEvery    = 40 // one commit in so many touches what production reads
	benchChild    = "FAIRTIDE_BENCH_CHILD"
)

// benchRepo is a repository of 12,000 first-parent commits over 40 services, ten
// environments that share a base with production, and ten with one of their own.
func benchRepo(b *testing.B) (dir string) {
	b.Helper()
	tree := shop()
	for i := range benchServices {
		for j := range 10 {
			tree[fmt.Sprintf("services/s%d/f%d.yaml", i, j)] = configMap("x", "1")
		}
	}
	for i := range 10 {
		tree[benchEnv("shared", i).Path+"/kustomization.yaml"] = fmt.Sprintf("namespace: e%d\nresources: [../../base]\n", i)
		tree[benchEnv("alone", i).Path+"/kustomization.yaml"] = "resources: [own.yaml]\n"
		tree[benchEnv("alone", i).Path+"/own.yaml"] = configMap("own", "1")
	}
	var h history
	h.commit("main", "start", tree)
	for i := 1; i < benchCommits; i++ {
		name, content := fmt.Sprintf("services/s%d/f%d.yaml", i%benchServices, i%10), configMap("x", fmt.Sprint(i))
		switch i % benchEvery {
		case 0:
			name, content = "base/config.yaml", configMap("cart", fmt.Sprint(i))
		case benchEvery / 2:
			name, content = benchEnv("alone", i/benchEvery%10).Path+"/own.yaml", configMap("own", fmt.Sprint(i))
		}
		h.change(fmt.Sprintf("change %d", i), name, content)
	}
	dir, _ = h.write(b)
	git(b, dir, "repack", "-adq")
	return dir
}

// change adds a commit to main that alters one file.
func (h *history) change(message, name, content string) {
	h.marks++
	when := 1772442000 + h.marks*60
	fmt.Fprintf(&h.buf, "commit refs/heads/main\nmark :%d\ncommitter dev2 <dev2@example.com> %d +0000\ndata %d\n%s\n", h.marks, when, len(message), message)
	fmt.Fprintf(&h.buf, "M 100644 inline %s\ndata %d\n%s\n", name, len(content), content)
}

func benchEnv(kind string, i int) model.Environment {
	name := fmt.Sprintf("%s%d", kind, i)
	return model.Environment{Name: name, Path: "environments/" + name}
}

// BenchmarkPending lists 500 commits back in a repository of 12,000, opening
// the repository each time, and compares with `git log --first-parent -- PATHS`
// in the same run: git-log-ratio is the list of commits with nothing remembered,
// objects-git-log-ratio also has how each alters objects, walk-git-log-ratio is
// that with the renders remembered, warm-git-log-ratio at the second start, with
// the cache on disk. ten-ratio is ten more environments, which change as often as
// that one when taken together, over it alone, with the renders remembered. In
// shared-ten-ratio and cold-shared-ten-ratio each of the ten changes as often,
// so there is ten times as much to compare and, in the latter, to render.
// process-objects-git-log-ratio and peak-MB are those of a process that makes the list
// once.
func BenchmarkPending(b *testing.B) {
	if dir := os.Getenv(benchChild); dir != "" {
		benchOnce(b, dir)
		return
	}
	dir := benchRepo(b)
	b.Run("plain", func(b *testing.B) { benchPending(b, dir) })
	git(b, dir, "commit-graph", "write", "--reachable")
	b.Run("commit-graph", func(b *testing.B) { benchPending(b, dir) })
}

func benchPending(b *testing.B, dir string) {
	deployed := git(b, dir, "rev-parse", fmt.Sprintf("HEAD~%d", benchBack))
	first := open(b, dir)
	args := append([]string{"log", "--first-parent", "--format=%H", deployed + "..HEAD", "--"}, render(b, first, production).Inputs...)
	one := []model.PendingAsk{{Environment: production, Deployed: deployed}}
	ten, shared := slices.Clone(one), []model.PendingAsk(nil)
	for i := range 10 {
		ten = append(ten, model.PendingAsk{Environment: benchEnv("alone", i), Deployed: deployed})
		shared = append(shared, model.PendingAsk{Environment: benchEnv("shared", i), Deployed: deployed})
	}
	cacheDir := b.TempDir()
	cold := Options{Path: dir}
	warm := Options{Path: dir, CacheDir: cacheDir}
	spent := map[string]time.Duration{}
	timed := func(name string, o Options, cache *renderCache, asks []model.PendingAsk) {
		start := time.Now()
		r, err := Open(b.Context(), o)
		if err != nil {
			b.Fatal(err)
		}
		if cache != nil {
			r.cache = cache
		}
		for i, a := range r.PendingAll(b.Context(), asks) {
			alone := strings.HasPrefix(asks[i].Environment.Name, "alone")
			if n := len(a.Pending.Changes); a.Err != nil || n == 0 || !alone && n != benchBack/benchEvery {
				b.Fatalf("%s: %d changes, %v", name, n, a.Err)
			}
		}
		spent[name] += time.Since(start)
		if err := r.Close(); err != nil {
			b.Fatal(err)
		}
	}
	outline := func() {
		start := time.Now()
		r := open(b, dir)
		if a := r.Outline(b.Context(), one)[0]; a.Err != nil || len(a.Pending.Changes) != benchBack/benchEvery {
			b.Fatalf("outline: %d changes, %v", len(a.Pending.Changes), a.Err)
		}
		spent["outline"] += time.Since(start)
	}
	timed("filled", warm, nil, one)
	timed("filled", cold, first.cache, one)
	timed("filled", cold, first.cache, ten)
	timed("filled", cold, first.cache, shared)
	for b.Loop() {
		start := time.Now()
		git(b, dir, args...)
		spent["git"] += time.Since(start)
		outline()
		timed("cold", cold, nil, one)
		timed("walk", cold, first.cache, one)
		timed("warm", warm, nil, one)
		timed("ten", cold, first.cache, ten)
		timed("shared", cold, first.cache, shared)
		timed("cold shared", cold, nil, shared)
	}
	ratio := func(name, a, over string) { b.ReportMetric(float64(spent[a])/float64(spent[over]), name) }
	ratio("git-log-ratio", "outline", "git")
	ratio("objects-git-log-ratio", "cold", "git")
	ratio("walk-git-log-ratio", "walk", "git")
	ratio("warm-git-log-ratio", "warm", "git")
	ratio("ten-ratio", "ten", "walk")
	ratio("shared-ten-ratio", "shared", "walk")
	ratio("cold-shared-ten-ratio", "cold shared", "cold")
	took, peak := benchProcess(b, dir)
	b.ReportMetric(float64(took)*float64(b.N)/float64(spent["git"]), "process-objects-git-log-ratio")
	if peak > 0 {
		b.ReportMetric(float64(peak)/(1<<20), "peak-MB")
	}
}

// benchProcess has the list made by a process of its own, and returns the time
// that took and the most memory it had, 0 where the system does not tell.
func benchProcess(b *testing.B, dir string) (took time.Duration, peak int64) {
	b.Helper()
	said := filepath.Join(b.TempDir(), "said")
	cmd := exec.CommandContext(b.Context(), os.Args[0], "-test.run", "^$", "-test.bench", "^BenchmarkPending$", "-test.benchtime", "1x")
	cmd.Env = append(os.Environ(), benchChild+"="+dir+string(filepath.ListSeparator)+said)
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	data, err := os.ReadFile(said)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := fmt.Sscan(string(data), &took, &peak); err != nil {
		b.Fatalf("%q: %v", data, err)
	}
	return took, peak
}

// benchOnce is that process.
func benchOnce(b *testing.B, where string) {
	dir, said, _ := strings.Cut(where, string(filepath.ListSeparator))
	deployed := git(b, dir, "rev-parse", fmt.Sprintf("HEAD~%d", benchBack))
	start := time.Now()
	r := open(b, dir)
	if n := len(pending(b, r, production, deployed).Changes); n != benchBack/benchEvery {
		b.Fatalf("%d changes", n)
	}
	text := fmt.Sprintln(int64(time.Since(start)), peakMemory(b))
	if err := os.WriteFile(said, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
}

// peakMemory is the most memory in bytes this process had so far; 0 where the
// system does not tell.
func peakMemory(b *testing.B) int64 {
	b.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(status, []byte("VmHWM:"))
	number, _, _ := strings.Cut(strings.TrimSpace(string(rest)), " ")
	kb, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return kb << 10
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
