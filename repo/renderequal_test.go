package repo

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/fairtide-dev/fairtide/model"
)

// The fixtures are trees whose environment is the directory env. What the
// kustomize command makes of it is recorded in the file expected.yaml, and that
// it refuses it in expected-error.txt. UPDATE_GOLDEN=1 records anew, with the
// command built from its module.
const (
	kustomizeTrees = "../testdata/render/kustomize"
	recordName     = "expected.yaml"
	errorName      = "expected-error.txt"
)

func TestKustomizeEqualsCommand(t *testing.T) {
	dirs, err := os.ReadDir(kustomizeTrees)
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("UPDATE_GOLDEN") != "" {
		recordFixtures(t, dirs)
	}
	var h history
	var names []string
	for _, d := range dirs {
		if d.IsDir() {
			names = append(names, d.Name())
			h.linear(0, kustomizeTree(t, d.Name()))
		}
	}
	if len(names) < 30 {
		t.Errorf("only %d fixtures", len(names))
	}
	dir, hashes := h.write(t)
	r := open(t, dir)
	env := model.Environment{Name: "test", Path: "env"}
	for i, name := range names {
		t.Run(name, func(t *testing.T) {
			got, err := r.Render(t.Context(), env, hashes[i+1])
			if _, refused := os.Stat(filepath.Join(kustomizeTrees, name, errorName)); refused == nil {
				if err == nil {
					t.Errorf("the command refuses it, and we have %d objects", len(got.Objects))
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want := recorded(t, name)
			if len(got.Objects) != len(want) {
				t.Fatalf("%d objects, want %d", len(got.Objects), len(want))
			}
			for i, w := range want {
				if !reflect.DeepEqual(got.Objects[i].Fields, w.Fields) {
					t.Errorf("%s is\n%v\nwant\n%v", w.ID, got.Objects[i].Fields, w.Fields)
				}
				if got.Objects[i].Source.File == "" {
					t.Errorf("%s has no source", w.ID)
				}
			}
		})
	}
}

// kustomizeTree reads the tree of a fixture.
func kustomizeTree(t testing.TB, name string) files {
	t.Helper()
	tree := files{}
	top := filepath.Join(kustomizeTrees, name)
	err := filepath.WalkDir(top, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		in, err := filepath.Rel(top, p)
		if err != nil || in == recordName || in == errorName {
			return err
		}
		if d.Type() == fs.ModeSymlink {
			target, err := os.Readlink(p)
			tree[filepath.ToSlash(in)] = "link:" + target
			return err
		}
		data, err := os.ReadFile(p)
		tree[filepath.ToSlash(in)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// recorded reads what the command printed.
func recorded(t *testing.T, name string) []model.Object {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(kustomizeTrees, name, recordName))
	if err != nil {
		t.Fatal(err)
	}
	var want []model.Object
	for doc := range bytes.SplitSeq(data, []byte("\n---\n")) {
		text, err := yaml.YAMLToJSON(doc)
		if err != nil {
			t.Fatal(err)
		}
		fields, err := decodeJSON(text)
		if err != nil {
			t.Fatal(err)
		}
		o, err := newObject(fields, model.Source{})
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, o)
	}
	slices.SortFunc(want, func(a, b model.Object) int { return a.ID.Compare(b.ID) })
	return want
}

// kustomizeCommand builds the real command.
func kustomizeCommand(t testing.TB) string {
	t.Helper()
	bin := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "go", "install", "sigs.k8s.io/kustomize/kustomize/v5@"+release)
	cmd.Env = append(os.Environ(), "GOBIN="+bin, "CGO_ENABLED=0", "GOFLAGS=")
	cmd.Dir = bin // of no module
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build kustomize %s: %v\n%s", release, err, out)
	}
	return filepath.Join(bin, "kustomize")
}

// recordFixtures runs the command on every fixture.
func recordFixtures(t *testing.T, dirs []fs.DirEntry) {
	t.Helper()
	name := kustomizeCommand(t)
	version, err := exec.CommandContext(t.Context(), name, "version").Output()
	if err != nil {
		t.Fatal(err)
	}
	write := func(p string, data []byte) {
		if err := os.WriteFile(p, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(kustomizeTrees, "VERSION"), version)
	for _, d := range dirs {
		if !d.IsDir() {
			continue
		}
		top := filepath.Join(kustomizeTrees, d.Name())
		for _, old := range []string{recordName, errorName} {
			if err := os.RemoveAll(filepath.Join(top, old)); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.CommandContext(t.Context(), name, "build", "--load-restrictor", "LoadRestrictionsNone", "env")
		cmd.Dir = top
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		if err := cmd.Run(); err != nil {
			text := strings.ReplaceAll(stderr.String(), mustAbs(t, top), "")
			write(filepath.Join(top, errorName), []byte(text))
			continue
		}
		write(filepath.Join(top, recordName), stdout.Bytes())
	}
}

func mustAbs(t *testing.T, p string) string {
	t.Helper()
	abs, err := filepath.Abs(p)
	if err != nil {
		t.Fatal(err)
	}
	return abs
}

// TestRecordIsOfOurKustomize fails when the library moves and the record does
// not.
func TestRecordIsOfOurKustomize(t *testing.T) {
	version, err := os.ReadFile(filepath.Join(kustomizeTrees, "VERSION"))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(string(version)); got != release {
		t.Errorf("the record is of kustomize %s, not %s; run UPDATE_GOLDEN=1 go test ./repo -run TestKustomizeEqualsCommand", got, release)
	}
	mod, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(mod), "\tsigs.k8s.io/kustomize/api v0.21.2\n") {
		t.Error("the library is not api v0.21.2 any more, which kustomize v5.8.2 is made of; take the command of the new one for the record")
	}
}
