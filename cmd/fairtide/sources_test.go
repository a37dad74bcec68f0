package main

import (
	"bytes"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fairtide-dev/fairtide/internal/sample"
)

// The files of a plan come from the repository that the backend works with.
func TestSources(t *testing.T) {
	r, err := sample.Build(t.Context(), filepath.Join(t.TempDir(), "environments"), sample.Options{})
	if err != nil {
		t.Fatal(err)
	}
	set := exec.CommandContext(t.Context(), "git", "-C", r.Dir, "remote", "add", "origin", "git@github.com:acme/environments.git")
	if out, err := set.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	env := map[string]string{"HOME": t.TempDir(), "KUBECONFIG": unreachableKubeconfig(t)}
	p := &program{
		stderr: io.Discard, log: slog.New(slog.DiscardHandler), flags: flags{repo: r.Dir, config: defaultConfigFile},
		lookupEnv: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		hostname:  func() (string, error) { return "test", nil },
	}
	p.progress = func(string) {}
	s := sources{&backend{program: p}}
	const file = ".fairtide.yaml"
	if _, ok := s.Local(file); ok || s.URL(r.Head, file, 1) != "" {
		t.Error("the repository is used before it is open")
	}
	data, err := s.File(t.Context(), r.Head, file)
	if err != nil {
		t.Fatal(err)
	}
	name, ok := s.Local(file)
	local, err := os.ReadFile(name)
	if !ok || err != nil || !bytes.Equal(local, data) {
		t.Errorf("the work tree has %q, %v, %v", name, ok, err)
	}
	for _, out := range []string{"../environments/.fairtide.yaml", "/etc/passwd", ""} {
		if name, ok := s.Local(out); ok {
			t.Errorf("%q is said to be at %q", out, name)
		}
	}
	if got, want := s.URL(r.Head, file, 3), "https://github.com/acme/environments/blob/"+r.Head+"/.fairtide.yaml#L3"; got != want {
		t.Errorf("the page is %q, want %q", got, want)
	}
	if got := s.URL(r.Head, "", 0); !strings.HasSuffix(got, "/commit/"+r.Head) {
		t.Errorf("the commit's page is %q", got)
	}
}
