package repo

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/fairtide-dev/fairtide/model"
)

const (
	helmFixtures = "../testdata/render/helm"
	helmModule   = "helm.sh/helm/v4/cmd/helm"
	helmVersion  = "v4.3.1"
)

// fixtureEnv is how every fixture is rendered; helmArgs says it to the command.
func fixtureEnv(dir string, values []string) model.Environment {
	return model.Environment{
		Name: "production", Path: dir + "/chart", Namespace: "shop",
		Helm: model.Helm{
			Release: "demo", Values: values, KubeVersion: "v1.37.1",
			APIVersions: []string{"monitoring.coreos.com/v1", "monitoring.coreos.com/v1/ServiceMonitor"},
		},
	}
}

func helmArgs(values []string) []string {
	args := []string{
		"template", "demo", "chart", "--namespace", "shop", "--include-crds", "--skip-tests", "--kube-version", "v1.37.1",
		"--api-versions", "monitoring.coreos.com/v1,monitoring.coreos.com/v1/ServiceMonitor",
	}
	for _, v := range values {
		args = append(args, "-f", v)
	}
	return args
}

// TestHelmEqualsHelm renders every fixture and compares each object with what
// the helm command gives. What the command gives is recorded; UPDATE_GOLDEN=1
// builds the command and records it anew.
func TestHelmEqualsHelm(t *testing.T) {
	fixtures, err := filepath.Glob(helmFixtures + "/*/chart")
	if err != nil || len(fixtures) < 12 {
		t.Fatalf("%d fixtures, %v", len(fixtures), err)
	}
	if os.Getenv("UPDATE_GOLDEN") != "" {
		recordHelm(t, fixtures)
	}
	var h history
	tree := readTree(t, helmFixtures)
	h.commit("main", "fixtures", tree)
	dir, commits := h.write(t)
	r := open(t, dir)
	for _, f := range fixtures {
		name := filepath.Base(filepath.Dir(f))
		t.Run(name, func(t *testing.T) {
			values := valuesOf(tree, name)
			got, err := r.Render(t.Context(), fixtureEnv(name, values), commits[1])
			if err != nil {
				t.Fatal(err)
			}
			recorded, err := os.ReadFile(filepath.Join(helmFixtures, name, "helm.version"))
			if err != nil || strings.TrimSpace(string(recorded)) != helmVersion {
				t.Fatalf("recorded with %q, %v; run UPDATE_GOLDEN=1 go test ./repo -run TestHelmEqualsHelm", recorded, err)
			}
			compareObjects(t, got.Objects, golden(t, filepath.Join(helmFixtures, name, "expected.yaml")))
			for _, o := range got.Objects {
				content, ok := tree[o.Source.File]
				if !ok || o.Source.Line == 0 && !strings.HasSuffix(o.Source.File, ".tgz") || o.Source.Line > strings.Count(content, "\n")+1 {
					t.Errorf("%s has the source %+v", o.ID, o.Source)
				}
			}
		})
	}
}

// recordHelm builds the helm command and writes down what it gives.
func recordHelm(t *testing.T, fixtures []string) {
	bin := t.TempDir()
	install := exec.CommandContext(t.Context(), "go", "install", helmModule+"@"+helmVersion)
	install.Env = append(os.Environ(), "GOBIN="+bin, "GOFLAGS=")
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, f := range fixtures {
		dir := filepath.Dir(f)
		values, err := filepath.Glob(filepath.Join(dir, "values-*.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range values {
			values[i] = filepath.Base(v)
		}
		cmd := exec.CommandContext(t.Context(), filepath.Join(bin, "helm"), helmArgs(values)...)
		cmd.Dir = dir
		home := t.TempDir()
		cmd.Env = []string{"HOME=" + home, "PATH=/nowhere", "HELM_NAMESPACE=shop"}
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v\n%s", dir, err, stderr.String())
		}
		for name, data := range map[string][]byte{"expected.yaml": out, "helm.version": []byte(helmVersion + "\n")} {
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// readTree reads the files below a directory, links as links.
func readTree(t *testing.T, root string) files {
	t.Helper()
	tree := files{}
	err := filepath.WalkDir(root, func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		name, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		if e.Type()&fs.ModeSymlink != 0 {
			to, err := os.Readlink(p)
			tree[name] = "link:" + filepath.ToSlash(to)
			return err
		}
		data, err := os.ReadFile(p)
		tree[name] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func valuesOf(tree files, name string) []string {
	var values []string
	for p := range tree {
		if ok, _ := filepath.Match(name+"/values-*.yaml", p); ok {
			values = append(values, p)
		}
	}
	slices.Sort(values)
	return values
}

var helmSeparator = regexp.MustCompile(`(?m)^---[ \t\r]*$`)

// golden reads what helm printed, with another reader of YAML than the one
// that is tested.
func golden(t *testing.T, name string) map[model.ObjectID]map[string]any {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	want := map[model.ObjectID]map[string]any{}
	var add func(m map[string]any)
	add = func(m map[string]any) {
		if items, ok := m["items"].([]any); ok && m["kind"] == "List" {
			for _, item := range items {
				add(item.(map[string]any))
			}
			return
		}
		o, err := newObject(m, model.Source{File: name})
		if err != nil {
			t.Fatal(err)
		}
		if _, twice := want[o.ID]; twice {
			t.Fatalf("%s is in %s twice", o.ID, name)
		}
		want[o.ID] = m
	}
	for _, text := range helmSeparator.Split(string(data), -1) {
		raw, err := yaml.YAMLToJSON([]byte(text))
		if err != nil {
			t.Fatalf("%s: %v in\n%s", name, err, text)
		}
		if string(raw) == "null" {
			continue
		}
		m, err := decodeJSON(raw)
		if err != nil {
			t.Fatal(err)
		}
		add(m)
	}
	return want
}

func compareObjects(t *testing.T, got []model.Object, want map[model.ObjectID]map[string]any) {
	t.Helper()
	for _, o := range got {
		fields, ok := want[o.ID]
		switch {
		case !ok:
			t.Errorf("%s is not in what helm gives", o.ID)
		case !reflect.DeepEqual(o.Fields, fields):
			t.Errorf("%s:\ngot  %#v\nwant %#v", o.ID, o.Fields, fields)
		}
		delete(want, o.ID)
	}
	for id := range want {
		t.Errorf("%s is missing", id)
	}
}
