package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fairtide-dev/fairtide/internal/sample"
)

// commit changes files of a sample repository and commits them; a nil content
// removes the file.
func (w *world) commit(files map[string]string) {
	w.t.Helper()
	for name, content := range files {
		path := filepath.Join(w.repo.Dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			w.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			w.t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"add", "-A"}, {"-c", "user.name=dev1", "-c", "user.email=dev1@petstore.example", "-c", "commit.gpgsign=false", "commit", "-qm", "bad input"}} {
		cmd := exec.Command("git", append([]string{"-C", w.repo.Dir}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			w.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	const kustomization = "environments/dev/kustomization.yaml"
	object := func(apiVersion, kind, name string) string {
		return "apiVersion: " + apiVersion + "\nkind: " + kind + "\nmetadata:\n  name: " + name + "\n"
	}
	tests := []struct {
		name  string
		files map[string]string
		env   []string
		args  []string
		code  int
		says  []string
	}{
		{name: "no such environment", args: []string{"diff", "-e", "productionn"}, code: 2, says: []string{"productionn", "did you mean production?"}},
		{name: "no environment named", args: []string{"diff"}, code: 2, says: []string{"-e NAME"}},
		{name: "no repository", args: []string{"status", "--repo", os.TempDir()}, code: 2, says: []string{"not a Git repository", "--repo"}},
		{name: "repository path does not exist", args: []string{"status", "--repo", "/does/not/exist"}, code: 2, says: []string{"/does/not/exist", "--repo"}},
		{name: "kubeconfig does not exist", args: []string{"diff", "-e", "dev", "--kubeconfig", "/does/not/exist"}, code: 2, says: []string{"/does/not/exist", "--kubeconfig"}},
		{name: "kubeconfig is not one", args: []string{"diff", "-e", "dev", "--kubeconfig", "/dev/stdin/x"}, code: 2, says: []string{"kubeconfig"}},
		{name: "context does not exist", args: []string{"diff", "-e", "dev", "--context", "gke-elsewhere"}, code: 2, says: []string{"gke-elsewhere", "--context"}},
		{name: "no cluster", args: []string{"diff", "-e", "dev", "--context", "gone"}, env: []string{"KUBECONFIG=" + unreachableKubeconfig(t)}, code: 10, says: []string{"cannot reach the API server", "127.0.0.1:1"}},
		{name: "not a terminal", args: nil, code: 2, says: []string{"terminal", "fairtide status"}},
		{name: "confirm without a terminal", args: []string{"apply", "-e", "dev"}, code: 2, says: []string{"--yes"}},
		{name: "unknown output format", args: []string{"status", "-o", "xml"}, code: 2, says: []string{`"xml"`, "json"}},
		{name: "unknown flag", args: []string{"status", "--frobnicate"}, code: 2, says: []string{"--frobnicate", "--help"}},
		{name: "unknown command", args: []string{"aply"}, code: 2, says: []string{"aply"}},
		{name: "unknown revision", args: []string{"diff", "-e", "dev", "--commit", "deadbeef"}, code: 2, says: []string{"deadbeef"}},
		{name: "not a plan", args: []string{"apply", "-e", "dev", "--plan", "/dev/null"}, code: 2, says: []string{"/dev/null", "diff --save"}},
		{name: "configuration with an unknown key", files: map[string]string{".fairtide.yaml": "apiVersion: fairtide.dev/v1\nenvironmnets: []\n"},
			args: []string{"status"}, code: 2, says: []string{".fairtide.yaml:2", "environments"}},
		{name: "a manifest that is not YAML", files: map[string]string{kustomization: "resources: [broken.yaml]\n", "environments/dev/broken.yaml": "kind: [\n"},
			args: []string{"apply", "-e", "dev", "--yes"}, code: 2, says: []string{"dev:", "environments/dev/broken.yaml"}},
		{name: "two objects with one identity", files: map[string]string{
			"environments/plain/a.yaml": object("v1", "ConfigMap", "twice"), "environments/plain/b.yaml": object("v1", "ConfigMap", "twice"),
			".fairtide.yaml": "apiVersion: fairtide.dev/v1\nenvironments:\n- {name: dev, tier: development, path: environments/plain}\n"},
			args: []string{"apply", "-e", "dev", "--yes"}, code: 2, says: []string{"dev:", "twice", "environments/plain/a.yaml", "environments/plain/b.yaml"}},
		{name: "an unknown kind", files: map[string]string{
			"environments/plain/a.yaml": object("example.com/v1", "Frobnicator", "x"),
			".fairtide.yaml":            "apiVersion: fairtide.dev/v1\nenvironments:\n- {name: dev, tier: development, path: environments/plain}\n"},
			args: []string{"apply", "-e", "dev", "--yes"}, code: 2, says: []string{"dev:", "Frobnicator", "example.com/v1", "CRD"}},
		{name: "a path that does not exist", files: map[string]string{
			".fairtide.yaml": "apiVersion: fairtide.dev/v1\nenvironments:\n- {name: dev, tier: development, path: environments/nowhere}\n"},
			args: []string{"apply", "-e", "dev", "--yes"}, code: 2, says: []string{"dev:", "environments/nowhere", "does not exist"}},
		{name: "an empty rendered set", files: map[string]string{"environments/plain/a.yaml": "# nothing\n",
			".fairtide.yaml": "apiVersion: fairtide.dev/v1\nenvironments:\n- {name: dev, tier: development, path: environments/plain}\n"},
			args: []string{"apply", "-e", "dev", "--yes"}, code: 2, says: []string{"dev:", "environments/plain", "delete"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sample.Options{})
			if tt.files != nil {
				w.commit(tt.files)
			}
			w.env = append(w.env, tt.env...)
			r := w.must(tt.code, tt.args...)
			for _, s := range tt.says {
				if !strings.Contains(r.stderr, s) {
					t.Errorf("the error does not say %q:\n%s", s, r.stderr)
				}
			}
			if r.stdout != "" && tt.code == 2 {
				t.Errorf("something was written to stdout: %s", r.stdout)
			}
			if w.stateNamespaceExists() {
				t.Error("something was written to the cluster")
			}
		})
	}
}

func unreachableKubeconfig(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	// Port 1 (tcpmux) is not served on any machine of today.
	text := `apiVersion: v1
kind: Config
clusters: [{name: gone, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: gone, user: {token: none}}]
contexts: [{name: gone, context: {cluster: gone, user: gone}}]
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
