// Package archtest keeps the shape of the house: which package may import
// which, and what stands at the top of the repository.
package archtest

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path"
	"strings"
	"testing"
)

const module = "github.com/fairtide-dev/fairtide"

type pkg struct {
	ImportPath string
	Standard   bool
	Imports    []string
	Deps       []string
}

func list(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=ImportPath,Standard,Imports,Deps", module+"/...")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var pkgs []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
}

// area is the top-level directory a package of ours is in; "" for others.
func area(importPath string) string {
	rest, ok := strings.CutPrefix(importPath, module+"/")
	if !ok {
		return ""
	}
	first, _, _ := strings.Cut(rest, "/")
	return first
}

// allowed says which areas an area may import, besides itself.
var allowed = map[string][]string{
	"cmd":      {"tui", "cluster", "repo", "internal", "model"},
	"tui":      {"internal", "model"},
	"cluster":  {"internal", "model"},
	"repo":     {"internal", "model"},
	"internal": {"model", "testdata"},
	"model":    {},
	"testdata": {},
}

// inside names the libraries that must stay inside one area, by prefix.
var inside = map[string][]string{
	"k8s.io/client-go":         {"cluster", "internal/testcluster"},
	"github.com/go-git/go-git": {"repo"},
	"sigs.k8s.io/kustomize":    {"repo"},
	"helm.sh/helm":             {"repo"},
	"charm.land/":              {"tui"},
	"github.com/sergi/go-diff": {"internal/textdiff"},
	"github.com/spf13/cobra":   {"cmd"},

	"github.com/google/go-containerregistry": {"internal/registry", "internal/demo"},
	"github.com/vektah/gqlparser":            {"internal/githubtest"},
}

func TestImportsPointOneWay(t *testing.T) {
	ours := 0
	for _, p := range list(t) {
		from := area(p.ImportPath)
		if from == "" {
			continue
		}
		ours++
		permitted, known := allowed[from]
		if !known {
			t.Errorf("%s is in no area that the design knows", p.ImportPath)
		}
		for _, imp := range p.Imports {
			to := area(imp)
			if to == "" || to == from {
				continue
			}
			if !contains(permitted, to) {
				t.Errorf("%s imports %s: %s may import %v only", p.ImportPath, imp, from, permitted)
			}
		}
		checkLibraries(t, p)
	}
	if ours < 10 {
		t.Fatalf("go list found %d packages of ours; the check has seen nothing", ours)
	}
}

func checkLibraries(t *testing.T, p pkg) {
	t.Helper()
	rel := strings.TrimPrefix(p.ImportPath, module+"/")
	for lib, homes := range inside {
		for _, imp := range p.Imports {
			if !strings.HasPrefix(imp, lib) {
				continue
			}
			home := false
			for _, h := range homes {
				home = home || rel == h || strings.HasPrefix(rel, h+"/")
			}
			if !home {
				t.Errorf("%s imports %s, which belongs to %v", p.ImportPath, imp, homes)
			}
		}
	}
}

func TestModelImportsTheStandardLibraryOnly(t *testing.T) {
	standard := map[string]bool{}
	pkgs := list(t)
	for _, p := range pkgs {
		standard[p.ImportPath] = p.Standard
	}
	seen := false
	for _, p := range pkgs {
		if p.ImportPath != module+"/model" {
			continue
		}
		seen = true
		for _, dep := range p.Deps {
			if !standard[dep] {
				t.Errorf("model depends on %s", dep)
			}
		}
	}
	if !seen {
		t.Fatal("go list does not know the package model")
	}
}

// The program must not carry what only its tests and the demo need.
func TestTheProgramCarriesNoTestParts(t *testing.T) {
	pkgs := list(t)
	ours := map[string]pkg{}
	for _, p := range pkgs {
		if area(p.ImportPath) != "" {
			ours[p.ImportPath] = p
		}
	}
	for _, p := range pkgs {
		if p.ImportPath != module+"/cmd/fairtide" {
			continue
		}
		for _, dep := range p.Deps {
			for _, part := range []string{"internal/testcluster", "internal/githubtest", "internal/notify/slacktest", "internal/screen", "internal/sample", "testdata"} {
				if strings.HasPrefix(dep, module+"/"+part) {
					t.Errorf("cmd/fairtide depends on %s", dep)
				}
			}
			if contains(ours[dep].Imports, "testing") { // libraries do as they like
				t.Errorf("cmd/fairtide depends on %s, which imports the package testing", dep)
			}
		}
		return
	}
	t.Fatal("go list does not know cmd/fairtide")
}

func TestTopLevelEntries(t *testing.T) {
	known := strings.Fields("cmd tui model cluster repo internal testdata go.mod go.sum Makefile README.md LICENSE")
	cmd := exec.CommandContext(t.Context(), "git", "ls-files", "-coz", "--exclude-standard")
	cmd.Dir = path.Join("..", "..")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git ls-files: %v", err)
	}
	for _, f := range strings.FieldsFunc(string(out), func(r rune) bool { return r == 0 }) {
		first, _, _ := strings.Cut(f, "/")
		if !strings.HasPrefix(first, ".") && !contains(known, first) {
			t.Errorf("%s: %s does not belong at the top of the repository", f, first)
		}
	}
}

func contains(list []string, s string) bool {
	for _, v := range list {
		if v == s {
			return true
		}
	}
	return false
}
