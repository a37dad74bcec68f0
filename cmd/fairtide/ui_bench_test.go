//go:build unix

package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/fairtide-dev/fairtide/internal/sample"
)

// trivialProgram is the least that Bubble Tea does: one line on a screen of
// its own.
const trivialProgram = `package main

import tea "charm.land/bubbletea/v2"

type hello struct{}

func (hello) Init() tea.Cmd                         { return nil }
func (m hello) Update(tea.Msg) (tea.Model, tea.Cmd) { return m, nil }
func (hello) View() tea.View {
	v := tea.NewView("fairtide")
	v.AltScreen = true
	return v
}

func main() { _, _ = tea.NewProgram(hello{}).Run() }
`

// buildTrivial builds it, inside this module for its Bubble Tea.
func buildTrivial(b *testing.B) string {
	b.Helper()
	dir, err := os.MkdirTemp(".", "testdata-trivial-")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(trivialProgram), 0o600); err != nil {
		b.Fatal(err)
	}
	path := filepath.Join(b.TempDir(), "trivial")
	if out, err := exec.CommandContext(b.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, "./"+dir).CombinedOutput(); err != nil {
		b.Fatalf("build the trivial program: %v\n%s", err, out)
	}
	return path
}

// releaseBinary builds the program as `make build` does.
func releaseBinary(b *testing.B) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "fairtide")
	if out, err := exec.CommandContext(b.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, ".").CombinedOutput(); err != nil {
		b.Fatalf("build fairtide: %v\n%s", err, out)
	}
	return path
}

// firstFrame is how long a program takes from its start to the frame that has
// the text, on a terminal of 200x60.
func firstFrame(b *testing.B, path, dir string, env []string, text string) time.Duration {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, path)
	cmd.Dir, cmd.Env = dir, append(env, "TERM=xterm-256color", "COLORTERM=truecolor")
	began := time.Now()
	f, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: 200, Rows: 60})
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		_ = f.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	var seen []byte
	buf := make([]byte, 64<<10)
	for {
		n, err := f.Read(buf)
		if seen = append(seen, buf[:n]...); bytes.Contains(seen, []byte(text)) {
			return time.Since(began)
		}
		if err != nil {
			b.Fatalf("no frame: %v\n%q", err, seen)
		}
	}
}

// BenchmarkStart is from the start of the process to the first frame, beside
// the least that Bubble Tea takes. The two take turns, so that what else the
// machine does strikes both.
func BenchmarkStart(b *testing.B) {
	trivial, fairtide := buildTrivial(b), releaseBinary(b)
	repository, err := sample.Build(b.Context(), filepath.Join(b.TempDir(), "petstore-environments"), sample.Options{Context: "gone"})
	if err != nil {
		b.Fatal(err)
	}
	env := append(os.Environ(), "HOME="+b.TempDir(), "KUBECONFIG="+filepath.Join(b.TempDir(), "none"))
	var ours, theirs []time.Duration
	for b.Loop() {
		ours = append(ours, firstFrame(b, fairtide, repository.Dir, env, "help"))
		theirs = append(theirs, firstFrame(b, trivial, repository.Dir, env, "fairtide"))
	}
	slices.Sort(ours)
	slices.Sort(theirs)
	median, least := ours[len(ours)/2], theirs[len(theirs)/2] // medians both
	b.ReportMetric(float64(median.Microseconds())/1000, "ms-p50")
	b.ReportMetric(float64(ours[len(ours)*95/100].Microseconds())/1000, "ms-p95")
	b.ReportMetric(float64(least.Microseconds())/1000, "ms-trivial")
	b.ReportMetric(float64(median)/float64(least), "times-trivial")
}
