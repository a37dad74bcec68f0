package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/fairtide-dev/fairtide/internal/sample"
	"github.com/fairtide-dev/fairtide/model"
)

// An interrupt ends the question, although nothing was typed.
func TestConfirm(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, typed string
		interrupt   bool
		code        model.ExitCode
	}{
		{"the environment's name", "production\n", false, model.ExitOK},
		{"something else", "yes\n", false, model.ExitUsage},
		{"interrupted", "", true, model.ExitInterrupted},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			terminal, stdin, err := pty.Open()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _, _ = terminal.Close(), stdin.Close() })
			if _, err := terminal.WriteString(tt.typed); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			if tt.interrupt {
				cancel()
			}
			var asked bytes.Buffer
			p := &program{stdin: stdin, stderr: &asked}
			done := make(chan error, 1)
			go func() {
				_, err := p.confirm(ctx, &model.Plan{Environment: "production", Commit: "1a2b3c4d5e"}, nil)
				done <- err
			}()
			select {
			case err = <-done:
			case <-time.After(30 * time.Second):
				t.Fatal("still asking")
			}
			if code := model.CodeOf(err, model.ExitRolloutFailed); code != tt.code {
				t.Errorf("exit code %d, want %d: %v", code, tt.code, err)
			}
			if !strings.Contains(asked.String(), "Type production to apply 1a2b3c4 to it") {
				t.Errorf("asked %q", asked.String())
			}
		})
	}
}

// What several clusters have to complain of is all told, not only the first.
func TestStatusTellsEveryProblem(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	repository, err := sample.Build(t.Context(), filepath.Join(dir, "petstore-environments"), sample.Options{Context: "gone"})
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := os.Create(filepath.Join(dir, "stdout"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stdout.Close() })
	var stderr bytes.Buffer
	p := &program{
		args:  []string{"status", "--repo", repository.Dir, "--kubeconfig", unreachableKubeconfig(t)},
		stdin: os.Stdin, stdout: stdout, stderr: &stderr,
		lookupEnv: func(string) (string, bool) { return "", false }, workDir: os.Getwd, hostname: os.Hostname,
	}
	if code := p.run(t.Context()); code != model.ExitUnreachable {
		t.Errorf("exit code %d, want %d", code, model.ExitUnreachable)
	}
	for _, env := range sample.Environments {
		if !strings.Contains(stderr.String(), "fairtide: "+env+": ") {
			t.Errorf("the problem of %s is not told:\n%s", env, stderr.String())
		}
	}
}
