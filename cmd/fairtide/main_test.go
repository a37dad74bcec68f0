package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/yaml"

	"github.com/fairtide-dev/fairtide/internal/sample"
	"github.com/fairtide-dev/fairtide/internal/testcluster"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/repo"
)

func TestMain(m *testing.M) {
	testcluster.Main(m)
	if dir, err := binaryDir(); err == nil {
		_ = os.RemoveAll(dir)
	}
}

// binaryDir is where the copy of the program is that tests run.
var binaryDir = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "fairtide-test-") })

// binary is the program, built once for all tests of this package: as by `make
// build` and to the same file, so that nothing is compiled or linked twice. The
// tests run a copy, which nobody replaces.
var binary = sync.OnceValues(func() (string, error) {
	built, err := filepath.Abs("../../bin/fairtide")
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(built), 0o755); err != nil {
		return "", err
	}
	unlock, err := testcluster.Lock(built + ".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", built, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build fairtide: %w\n%s", err, out)
	}
	dir, err := binaryDir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "fairtide")
	// Not written by this process: what it starts meanwhile would have the file
	// open for a moment, and so it could not be run.
	if out, err := exec.Command("cp", built, path).CombinedOutput(); err != nil {
		return "", fmt.Errorf("copy fairtide: %w\n%s", err, out)
	}
	return path, nil
})

// world is a sample repository on a real cluster, with names of its own.
type world struct {
	t       *testing.T
	cluster *testcluster.Cluster
	repo    sample.Repo
	suffix  string
	env     []string
}

// worlds counts them: the tests of one binary share one cluster.
var worlds atomic.Int64

func newWorld(t *testing.T, o sample.Options) *world {
	t.Helper()
	c := testcluster.Get(t)
	var rules struct{ Rules []testcluster.PodRule }
	if err := yaml.UnmarshalStrict([]byte(sample.PodRules), &rules); err != nil {
		t.Fatal(err)
	}
	c.PodRules(t, rules.Rules...)
	w := &world{t: t, cluster: c, suffix: fmt.Sprintf("-%d", worlds.Add(1))}
	o.Suffix, o.Context = strings.TrimPrefix(w.suffix, "-"), "fairtide"
	var err error
	w.repo, err = sample.Build(t.Context(), filepath.Join(t.TempDir(), "petstore-environments"), o)
	if err != nil {
		t.Fatal(err)
	}
	w.installDefinition()
	w.env = append(os.Environ(), "KUBECONFIG="+c.Kubeconfig, "FAIRTIDE_REPO="+w.repo.Dir, "HOME="+t.TempDir())
	return w
}

var definition sync.Mutex

// installDefinition creates the sample's one cluster-scoped object that all
// worlds share, so that none of them finds that another one made it since it
// planned to.
func (w *world) installDefinition() {
	w.t.Helper()
	definition.Lock()
	defer definition.Unlock()
	r, err := repo.Open(w.t.Context(), repo.Options{Path: w.repo.Dir})
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	rendered, err := r.Render(w.t.Context(), model.Environment{Name: "dev", Path: "environments/dev"}, w.repo.Head)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, o := range rendered.Objects {
		if o.ID.Kind != "CustomResourceDefinition" {
			continue
		}
		gvr := schema.GroupVersionResource{Group: o.ID.Group, Version: o.Version, Resource: "customresourcedefinitions"}
		_, err = w.dynamic().Resource(gvr).Apply(w.t.Context(), o.ID.Name, &unstructured.Unstructured{Object: o.Fields}, metav1.ApplyOptions{FieldManager: "fairtide", Force: true})
		if err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) dynamic() dynamic.Interface {
	w.t.Helper()
	dyn, err := dynamic.NewForConfig(w.cluster.Config(w.t))
	if err != nil {
		w.t.Fatal(err)
	}
	return dyn
}

// result is how a command ended.
type result struct {
	code           int
	stdout, stderr string
}

// fairtide runs the program with the arguments.
func (w *world) fairtide(args ...string) result {
	w.t.Helper()
	path, err := binary()
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = w.env
	cmd.Dir = w.t.TempDir()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		w.t.Fatalf("fairtide %s: %v", strings.Join(args, " "), err)
	}
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// must runs the program and insists on its exit code.
func (w *world) must(code int, args ...string) result {
	w.t.Helper()
	r := w.fairtide(args...)
	if r.code != code {
		w.t.Fatalf("fairtide %s: exit code %d, want %d\nstdout:\n%s\nstderr:\n%s", strings.Join(args, " "), r.code, code, r.stdout, r.stderr)
	}
	return r
}

// deploy makes an environment's first state live.
func (w *world) deploy(env string) {
	w.t.Helper()
	w.must(0, "apply", "-e", env, "--commit", w.repo.Deployed[env], "--yes", "--override", "first deployment")
}

func (w *world) change(name string) sample.Change {
	w.t.Helper()
	c, ok := w.repo.Change(name)
	if !ok {
		w.t.Fatalf("the sample has no change %q", name)
	}
	return c
}

func decode[T any](t *testing.T, text string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("not JSON: %v\n%s", err, text)
	}
	return v
}
