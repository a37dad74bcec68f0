package diffview

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/tui/theme"
)

// workload is a pair of texts to compare.
type workload struct {
	name          string
	before, after string
}

// manifestText has n lines of YAML, nested as a workload's are.
func manifestText(n int) []string {
	out := make([]string, n)
	for i := range out {
		switch i % 5 {
		case 0:
			out[i] = fmt.Sprintf("- name: item-%06d", i)
		case 1:
			out[i] = "  image: registry.example.org/shop/petstore:1.4.1"
		case 2:
			out[i] = fmt.Sprintf("  port: %d", i)
		case 3:
			out[i] = "  enabled: true"
		default:
			out[i] = fmt.Sprintf("  text: the line number %d of this object", i)
		}
	}
	return out
}

func joined(lines []string) string { return strings.Join(lines, "\n") + "\n" }

// workloads are an ordinary change of n lines, and the worst ones.
func workloads(n int) []workload {
	lines := manifestText(n)
	change := func(at func(i int) bool) string {
		out := make([]string, n)
		for i, l := range lines {
			if out[i] = l; at(i) {
				out[i] = l + "x"
			}
		}
		return joined(out)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	shuffled := make([]string, n)
	for i, k := range rng.Perm(n) {
		shuffled[i] = lines[k]
	}
	same := make([]string, n)
	for i := range same {
		same[i] = "  key: value"
	}
	return []workload{
		{"1percent", joined(lines), change(func(i int) bool { return i%100 == 52 })},
		{"last", joined(lines), change(func(i int) bool { return i == n-1 })},
		{"all", joined(lines), change(func(int) bool { return true })},
		{"shuffled", joined(lines), joined(shuffled)},
		{"same-last", joined(same), joined(append(same[:n-1:n-1], "  key: other"))},
	}
}

// oneLine is a megabyte without a line break, with a change in the middle.
func oneLine() workload {
	text := strings.Repeat(`{"name":"petstore","port":8080,"enabled":true},`, 1<<20/47)
	half := len(text) / 2
	return workload{"one-line-1MB", "data: '" + text + "'\n", "data: '" + text[:half] + "x" + text[half:] + "'\n"}
}

func allWorkloads() map[string][]workload {
	return map[string][]workload{"1k": workloads(1_000), "10k": workloads(10_000), "100k": append(workloads(100_000), oneLine())}
}

// gitTime is how long git takes to compare and write out the same two texts,
// the process included, as that is what a reader of its output waits for.
func gitTime(b *testing.B, w workload) time.Duration {
	b.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		b.Logf("git is not installed")
		return 0
	}
	dir := b.TempDir()
	for name, text := range map[string]string{"before": w.before, "after": w.after} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	const runs = 5
	start := time.Now()
	for range runs {
		cmd := exec.CommandContext(b.Context(), "git", "diff", "--no-index", "--color=always", "before", "after")
		cmd.Dir = dir
		if err := cmd.Run(); err != nil && cmd.ProcessState.ExitCode() != 1 { // 1: they differ
			b.Fatal(err)
		}
	}
	return time.Since(start) / runs
}

// deltaTime is the same for delta beside it, 0 if it is not installed.
func deltaTime(b *testing.B, w workload) time.Duration {
	b.Helper()
	if _, err := exec.LookPath("delta"); err != nil {
		return 0
	}
	dir := b.TempDir()
	for name, text := range map[string]string{"before": w.before, "after": w.after} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	start := time.Now()
	cmd := exec.CommandContext(b.Context(), "delta", "--side-by-side", "--width=200", "--paging=never", "before", "after")
	cmd.Dir = dir
	if err := cmd.Run(); err != nil && cmd.ProcessState.ExitCode() != 1 {
		b.Fatal(err)
	}
	return time.Since(start)
}

func benchmarkOpen(b *testing.B, compare func(before, after string) *Document) {
	th := theme.New(theme.Options{})
	for _, size := range []string{"1k", "10k", "100k"} {
		for _, w := range allWorkloads()[size] {
			b.Run(size+"/"+w.name, func(b *testing.B) {
				git, delta := gitTime(b, w), deltaTime(b, w)
				b.ReportAllocs()
				for b.Loop() {
					v := &View{}
					v.SetSize(200, 60)
					v.Show(compare(w.before, w.after))
					if len(v.Lines(th)) == 0 {
						b.Fatal("nothing is drawn")
					}
				}
				per := b.Elapsed() / time.Duration(b.N)
				if git > 0 {
					b.ReportMetric(float64(per)/float64(git), "times-git-diff")
				}
				if delta > 0 {
					b.ReportMetric(float64(per)/float64(delta), "times-delta")
				}
			})
		}
	}
}

// BenchmarkFirstScreen is from two texts to the first screen at 200x60.
func BenchmarkFirstScreen(b *testing.B) { benchmarkOpen(b, Quick) }

// BenchmarkWhole is from two texts to the whole comparison and its first screen.
func BenchmarkWhole(b *testing.B) { benchmarkOpen(b, Compare) }

// BenchmarkKey is a key's way to a new frame of 200x60, in the whole document.
func BenchmarkKey(b *testing.B) {
	th := theme.New(theme.Options{})
	keys := []struct {
		name  string
		press func(*View)
	}{
		{"scroll", func(v *View) { v.Scroll(1) }},
		{"page", func(v *View) { v.Page(1) }},
		{"hunk", func(v *View) {
			if !v.NextHunk(1) {
				v.ToTop()
			}
		}},
		{"sideways", func(v *View) {
			was := v.Offset()
			if v.Sideways(1); v.Offset() == was {
				v.setOffset(0)
			}
		}},
		{"wrap", func(v *View) { v.ToggleWrap() }},
		{"mode", func(v *View) { v.ToggleMode() }},
		{"resize", func(v *View) { v.SetSize(399-v.full, 60) }},
		{"unfold-all", func(v *View) { v.ToggleFolds() }},
		{"search-first", func(v *View) {
			v.ClearSearch()
			v.Search("p")
		}},
		{"search-on", func(v *View) { v.Search("port: 9") }},
		{"match", func(v *View) {
			if !v.NextMatch(1) {
				v.find.at = 0
			}
		}},
	}
	for _, w := range allWorkloads()["100k"] {
		d := Compare(w.before, w.after)
		for _, k := range keys {
			b.Run("100k/"+w.name+"/"+k.name, func(b *testing.B) {
				v := &View{}
				v.SetSize(200, 60)
				v.Show(d)
				v.ToggleFolds()
				if k.name == "match" {
					v.Search("e")
				}
				b.ReportAllocs()
				for b.Loop() {
					k.press(v)
					if v.top+v.h >= v.Total() {
						v.ToTop()
					}
					if len(v.Lines(th)) == 0 {
						b.Fatal("nothing is drawn")
					}
				}
			})
		}
	}
}
