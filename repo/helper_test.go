package repo

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fairtide-dev/fairtide/model"
)

// gitEnv makes git the same on every machine.
func gitEnv(home string) []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "LC_ALL=C", "TZ=UTC",
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_TERMINAL_PROMPT=0",
		// Nothing of it goes on in the background, where the directory is taken away.
		"GIT_CONFIG_COUNT=2", "GIT_CONFIG_KEY_0=gc.auto", "GIT_CONFIG_VALUE_0=0", "GIT_CONFIG_KEY_1=maintenance.auto", "GIT_CONFIG_VALUE_1=false",
		"GIT_AUTHOR_NAME=dev1", "GIT_AUTHOR_EMAIL=dev1@example.com", "GIT_AUTHOR_DATE=2026-03-02T09:00:00Z",
		"GIT_COMMITTER_NAME=dev2", "GIT_COMMITTER_EMAIL=dev2@example.com", "GIT_COMMITTER_DATE=2026-03-02T10:00:00Z",
	}
}

func git(t testing.TB, dir string, args ...string) string {
	t.Helper()
	return gitIn(t, dir, nil, args...)
}

func gitIn(t testing.TB, dir string, stdin []byte, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = dir
	cmd.Env = gitEnv(dir)
	cmd.Stdin = bytes.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return strings.TrimSpace(stdout.String())
}

// files are the paths and contents of a tree. A content that starts with
// "link:" is a symbolic link, one with "exec:" an executable file, one with
// "module:" a submodule.
type files map[string]string

func (f files) with(more files) files {
	c := maps.Clone(f)
	for name, content := range more {
		if content == "" {
			delete(c, name)
		} else {
			c[name] = content
		}
	}
	return c
}

// history writes commits as a stream for git fast-import.
type history struct {
	buf   bytes.Buffer
	marks int
}

// commit adds a commit with the whole tree and returns its mark. The date
// grows with the marks.
func (h *history) commit(branch, message string, tree files, parents ...int) int {
	h.marks++
	fmt.Fprintf(&h.buf, "commit refs/heads/%s\nmark :%d\n", branch, h.marks)
	when := 1772442000 + h.marks*60
	fmt.Fprintf(&h.buf, "author dev1 <dev1@example.com> %d +0100\n", when-30)
	fmt.Fprintf(&h.buf, "committer dev2 <dev2@example.com> %d +0000\ndata %d\n%s\n", when, len(message), message)
	for i, p := range parents {
		fmt.Fprintf(&h.buf, "%s :%d\n", []string{"from", "merge"}[min(i, 1)], p)
	}
	h.buf.WriteString("deleteall\n")
	for _, name := range slices.Sorted(maps.Keys(tree)) {
		content := tree[name]
		if sha, ok := strings.CutPrefix(content, "module:"); ok {
			fmt.Fprintf(&h.buf, "M 160000 %s %s\n", sha, name)
			continue
		}
		mode := "100644"
		if target, ok := strings.CutPrefix(content, "link:"); ok {
			mode, content = "120000", target
		}
		if text, ok := strings.CutPrefix(content, "exec:"); ok {
			mode, content = "100755", text
		}
		fmt.Fprintf(&h.buf, "M %s inline %s\ndata %d\n%s\n", mode, name, len(content), content)
	}
	return h.marks
}

// linear adds commits one after the other and returns the last mark.
func (h *history) linear(parent int, trees ...files) int {
	for i, tree := range trees {
		var parents []int
		if parent > 0 {
			parents = []int{parent}
		}
		parent = h.commit("main", fmt.Sprintf("change %d", i+1), tree, parents...)
	}
	return parent
}

// write makes a repository with a worktree and returns its directory and the
// hash of each mark (index 0 is unused).
func (h *history) write(t testing.TB) (dir string, hashes []string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "environments")
	git(t, filepath.Dir(dir), "init", "-q", "-b", "main", dir)
	gitIn(t, dir, h.buf.Bytes(), "fast-import", "--quiet", "--force", "--export-marks=marks")
	data, err := os.ReadFile(filepath.Join(dir, "marks"))
	if err == nil {
		err = os.Remove(filepath.Join(dir, "marks"))
	}
	if err != nil {
		t.Fatal(err)
	}
	hashes = make([]string, h.marks+1)
	for line := range strings.Lines(string(data)) {
		var mark int
		var hash string
		if _, err := fmt.Sscanf(line, ":%d %s", &mark, &hash); err != nil {
			t.Fatal(err)
		}
		hashes[mark] = hash
	}
	return dir, hashes
}

// single makes a repository of one commit and opens it.
func single(t testing.TB, tree files) *Repo {
	t.Helper()
	var h history
	h.linear(0, tree)
	dir, _ := h.write(t)
	return open(t, dir)
}

func open(t testing.TB, dir string) *Repo {
	t.Helper()
	r, err := Open(t.Context(), Options{Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// fingerprint is every file below the directories, with mode, time and content.
func fingerprint(t testing.TB, dirs ...string) map[string]string {
	t.Helper()
	prints := map[string]string{}
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			sum := ""
			if info.Mode().IsRegular() {
				data, err := os.ReadFile(p)
				if err != nil {
					return err
				}
				sum = fmt.Sprintf("%x", sha256.Sum256(data))
			}
			prints[p] = fmt.Sprintf("%v %v %s", info.Mode(), info.ModTime(), sum)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return prints
}

var production = model.Environment{Name: "production", Path: "environments/production"}

// shop is an overlay over one base, with an unused second base and docs.
func shop() files {
	return files{
		"README.md":                                  "# shop\n",
		"base/README.md":                             "the base\n",
		"base/kustomization.yaml":                    "resources: [deployment.yaml, config.yaml]\n",
		"base/deployment.yaml":                       deployment("cart", "registry.example.com/cart:1.4.1", 2),
		"base/config.yaml":                           "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cart}\ndata:\n  timeout: 10s\n",
		"extra/kustomization.yaml":                   "resources: [job.yaml]\n",
		"extra/job.yaml":                             "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: extra}\ndata: {v: \"1\"}\n",
		"environments/production/kustomization.yaml": "namespace: shop\nresources: [../../base]\nimages: [{name: registry.example.com/cart, newTag: 1.4.1}]\n",
		"environments/staging/kustomization.yaml":    "namespace: stage\nresources: [../../base]\n",
	}
}

func deployment(name, image string, replicas int) string {
	return fmt.Sprintf(`apiVersion: apps/v1
kind: Deployment
metadata:
  name: %[1]s
spec:
  replicas: %[3]d
  selector: {matchLabels: {app: %[1]s}}
  template:
    metadata: {labels: {app: %[1]s}}
    spec:
      containers:
        - name: main
          image: %[2]s
`, name, image, replicas)
}

func configMap(name, value string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\ndata: {value: %q}\n", name, value)
}
