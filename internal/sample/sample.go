// Package sample makes the sample environments repository: a petstore behind
// a gateway in three environments, with a first-parent history in which
// something is live and several changes are pending. The demo and the tests
// share it.
package sample

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fairtide-dev/fairtide/testdata/petstore"
)

// PodRules says how the sample's images behave: the file that the simulated
// kubelet reads. It holds the rule because of which the change
// "broken-gateway" cannot be pulled.
var PodRules = petstore.PodRules

// Environments are the sample's environments in the order of promotion.
var Environments = []string{"dev", "staging", "production"}

// DefaultNow is the time at which a history is built unless Options says another.
var DefaultNow = time.Date(2026, time.October, 5, 9, 0, 0, 0, time.UTC)

// Options vary the sample.
type Options struct {
	// Now is when the history ends: commits are dated before it, the newest
	// by 42 minutes. Zero: DefaultNow. The same options make the same hashes.
	Now time.Time
	// Windows replaces the windows of the environments it names by a YAML
	// list; an empty text leaves them without any, which is always open.
	Windows map[string]string
	// Context is a kubeconfig context for every environment, instead of
	// gke-dev, gke-staging and gke-prod.
	Context string
	// Suffix is added to the names of namespaces, cluster roles and of the
	// state namespace, so that samples can share a cluster. The resource
	// definition stays the same in all.
	Suffix string
	// Pipeline gives staging and production requirements and acceptance tests,
	// and the repository a policy for images.
	Pipeline bool
	// Slack has runs told in the channel #deploys of the Slack at this
	// address, such as http://127.0.0.1:4000/api; empty: nobody is told.
	Slack string
}

// Repo is a sample that was built.
type Repo struct {
	Dir  string // the working tree, with main checked out
	Base string // the first commit
	Head string // the newest commit of main
	// Deployed is, by environment, the commit to be made live before
	// anything is shown. What comes after it is pending.
	Deployed map[string]string
	Changes  []Change // first-parent commits after Base, oldest first
}

// Change is one first-parent commit of the sample.
type Change struct {
	Name   string // "broken-gateway"
	Commit string
	Parent string // the first parent
	PR     int    // 0: pushed without a pull request
	Title  string
}

// Change returns the change with a name.
func (r Repo) Change(name string) (Change, bool) {
	i := slices.IndexFunc(r.Changes, func(c Change) bool { return c.Name == name })
	if i < 0 {
		return Change{}, false
	}
	return r.Changes[i], true
}

// Build makes the sample in dir, which must be empty or not exist. It needs a
// git command and reads no configuration of the user's.
func Build(ctx context.Context, dir string, o Options) (Repo, error) {
	if o.Now.IsZero() {
		o.Now = DefaultNow
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Repo{}, fmt.Errorf("sample: %w", err)
	}
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return Repo{}, fmt.Errorf("sample: %s is not empty", dir)
	} else if err != nil && !errors.Is(err, os.ErrNotExist) {
		return Repo{}, fmt.Errorf("sample: %w", err)
	}
	h, err := newHistory(o)
	if err != nil {
		return Repo{}, fmt.Errorf("sample: %w", err)
	}
	marks, err := load(ctx, dir, h.stream())
	if err != nil {
		return Repo{}, fmt.Errorf("sample: %w", err)
	}
	return h.repo(dir, marks), nil
}

// load makes a repository of a fast-import stream and returns the hashes by mark.
func load(ctx context.Context, dir, stream string) (map[int]string, error) {
	temp, err := os.MkdirTemp("", "fairtide-sample-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(temp) }()
	export := filepath.Join(temp, "marks")
	for _, step := range []struct {
		args  []string
		stdin string
	}{
		{args: []string{"init", "--quiet", "--template=", "--initial-branch=main", "--object-format=sha1", dir}},
		{args: []string{"-C", dir, "fast-import", "--quiet", "--export-marks=" + export}, stdin: stream},
		{args: []string{"-C", dir, "reset", "--quiet", "--hard", "main"}},
	} {
		if err := git(ctx, step.stdin, step.args...); err != nil {
			return nil, err
		}
	}
	data, err := os.ReadFile(export)
	if err != nil {
		return nil, err
	}
	marks := map[int]string{}
	for line := range strings.Lines(string(data)) {
		var mark int
		var hash string
		if _, err := fmt.Sscanf(line, ":%d %s", &mark, &hash); err != nil {
			return nil, fmt.Errorf("marks of git fast-import: %q: %w", line, err)
		}
		marks[mark] = hash
	}
	return marks, nil
}

// git runs a git command that sees nothing of the user's or the machine's
// configuration, for hashes and content must not depend on it.
func git(ctx context.Context, stdin string, args ...string) error {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + os.TempDir(),
		"LC_ALL=C",
		"GIT_CONFIG_GLOBAL=" + os.DevNull,
		"GIT_CONFIG_NOSYSTEM=1",
	}
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("git %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
