package sample

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"

	"github.com/fairtide-dev/fairtide/internal/config"
	"github.com/fairtide-dev/fairtide/model"
)

func build(t *testing.T, o Options) Repo {
	t.Helper()
	r, err := Build(t.Context(), filepath.Join(t.TempDir(), "repo"), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func output(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "git", append([]string{"-C", dir}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func TestBuildTwiceMakesTheSameHistory(t *testing.T) {
	a, b := build(t, Options{}), build(t, Options{})
	if a.Head != b.Head || a.Base != b.Base {
		t.Errorf("heads %s and %s, bases %s and %s", a.Head, b.Head, a.Base, b.Base)
	}
	c := build(t, Options{Now: DefaultNow.Add(time.Hour)})
	if c.Head == a.Head {
		t.Error("the head does not depend on Now")
	}
	if got := output(t, c.Dir, "show", "-s", "--format=%ct", "HEAD"); got != fmt.Sprint(DefaultNow.Add(time.Hour-42*time.Minute).Unix()) {
		t.Errorf("newest commit at %s", got)
	}
}

func TestRepositoryIsClean(t *testing.T) {
	r := build(t, Options{})
	output(t, r.Dir, "fsck", "--strict", "--no-dangling")
	for args, want := range map[string]string{
		"status --porcelain":                    "",
		"rev-parse HEAD":                        r.Head,
		"symbolic-ref HEAD":                     "refs/heads/main",
		"for-each-ref --format=%(refname)":      "refs/heads/main",
		"rev-list --max-parents=0 HEAD":         r.Base,
		"rev-list --count --min-parents=2 HEAD": "3",
	} {
		if got := output(t, r.Dir, strings.Fields(args)...); got != want {
			t.Errorf("git %s: %q, want %q", args, got, want)
		}
	}
	line := strings.Fields(output(t, r.Dir, "rev-list", "--first-parent", "--reverse", "HEAD"))
	var want []string
	for _, c := range r.Changes {
		want = append(want, c.Commit)
	}
	if !slices.Equal(line[1:], want) {
		t.Errorf("first parents %v, changes %v", line[1:], want)
	}
	dates := strings.Fields(output(t, r.Dir, "log", "--first-parent", "--reverse", "--format=%ct"))
	if !slices.IsSorted(dates) {
		t.Errorf("first-parent dates go back: %v", dates)
	}
	merges := strings.Fields(output(t, r.Dir, "rev-list", "--min-parents=2", "HEAD"))
	for _, m := range merges {
		if n := output(t, r.Dir, "rev-list", "--count", m+"^1.."+m+"^2"); n != "2" {
			t.Errorf("merge %s brings %s commits of a branch, want 2", m, n)
		}
	}
}

func TestMessagesNameThePullRequest(t *testing.T) {
	r := build(t, Options{})
	for _, c := range r.Changes {
		pr, title := model.PullRequestOf(output(t, r.Dir, "show", "-s", "--format=%B", c.Commit))
		n := 0
		if pr != nil {
			n = pr.Number
		}
		if n != c.PR || title != c.Title {
			t.Errorf("%s: message says #%d %q, want #%d %q", c.Name, n, title, c.PR, c.Title)
		}
	}
	body := output(t, r.Dir, "show", "-s", "--format=%B", commitOf(t, r, "disruption-budgets"))
	if !strings.Contains(body, "\nCo-authored-by: dev3 <dev3@petstore.example>") {
		t.Errorf("no co-author in %q", body)
	}
}

func commitOf(t *testing.T, r Repo, name string) string {
	t.Helper()
	c, ok := r.Change(name)
	if !ok {
		t.Fatalf("no change %q", name)
	}
	return c.Commit
}

// render is an environment's objects at a commit, as YAML by kind and name.
func render(t *testing.T, r Repo, commit, env string) map[string]string {
	t.Helper()
	files := filesys.MakeFsInMemory()
	archive := tar.NewReader(strings.NewReader(output(t, r.Dir, "archive", "--format=tar", commit)))
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		data, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		if err := files.WriteFile("/"+h.Name, data); err != nil {
			t.Fatal(err)
		}
	}
	m, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(files, "/environments/"+env)
	if err != nil {
		t.Fatalf("%s at %s: %v", env, commit, err)
	}
	objects := map[string]string{}
	for _, res := range m.Resources() {
		text, err := res.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		objects[res.GetKind()+" "+res.GetName()] = string(text)
		if ns := res.GetNamespace(); ns != "" && ns != "petstore-"+env {
			t.Errorf("%s %s is in namespace %s", res.GetKind(), res.GetName(), ns)
		}
	}
	return objects
}

// differences lists what a change does: "+", "~" or "-" and the object.
func differences(before, after map[string]string) []string {
	var out []string
	for name, text := range after {
		if old, ok := before[name]; !ok {
			out = append(out, "+ "+name)
		} else if old != text {
			out = append(out, "~ "+name)
		}
	}
	for name := range before {
		if _, ok := after[name]; !ok {
			out = append(out, "- "+name)
		}
	}
	slices.Sort(out)
	return out
}

func TestEveryChangeRendersAndChangesWhatItShould(t *testing.T) {
	all := func(objects ...string) [3][]string { return [3][]string{objects, objects, objects} }
	petstore, none := []string{"~ Deployment petstore"}, []string(nil)
	want := map[string][3][]string{ // dev, staging, production
		"petstore-1.4.1": {petstore, petstore, petstore},
		"runbook-rota":   {},
		"metrics": all("~ Service cart", "~ Service catalog", "~ Service gateway",
			"~ Service petstore"),
		"petstore-1.4.2-staging": {petstore, petstore, none},
		"gateway-timeout": all("~ ConfigMap gateway-config", "~ Deployment gateway",
			"~ VirtualService storefront"),
		"docs-only":                 {},
		"petstore-1.4.2-production": {none, none, petstore},
		"disruption-budgets": all("+ PodDisruptionBudget cart", "+ PodDisruptionBudget catalog",
			"+ PodDisruptionBudget gateway"),
		"rotate-staging-password": {none, {"~ Secret petstore-db"}, none},
		"cart-0.10.0-staging":     {{"~ Deployment cart"}, {"~ Deployment cart"}, none},
		"comment-only":            {},
		"remove-admin":            all("- VirtualService admin"),
		"catalog-3.3.0-dev":       {{"~ Deployment catalog"}, none, none},
		"broken-gateway":          {none, none, {"~ Deployment gateway"}},
	}
	r := build(t, Options{})
	before := [3]map[string]string{}
	for i, env := range Environments {
		before[i] = render(t, r, r.Base, env)
	}
	seen := map[string]bool{}
	for _, c := range r.Changes {
		seen[c.Name] = true
		for i, env := range Environments {
			after := render(t, r, c.Commit, env)
			if n := len(after); n < 20 || n > 30 {
				t.Errorf("%s at %s has %d objects, want 20 to 30", env, c.Name, n)
			}
			if got := differences(before[i], after); !slices.Equal(got, want[c.Name][i]) {
				t.Errorf("%s: %s changes %q, want %q", c.Name, env, got, want[c.Name][i])
			}
			before[i] = after
		}
	}
	for name := range want {
		if !seen[name] {
			t.Errorf("there is no change %q", name)
		}
	}
}

// Nothing but the resource definition may be in two environments: they can be
// shipped side by side to one cluster.
func TestEnvironmentsDoNotShareObjects(t *testing.T) {
	r := build(t, Options{})
	owner := map[string]string{}
	definition := map[string]bool{}
	for _, env := range Environments {
		for name, text := range render(t, r, r.Head, env) {
			if strings.HasPrefix(name, "CustomResourceDefinition ") {
				definition[text] = true
				continue
			}
			if strings.Contains(text, "\n  namespace: petstore-") {
				continue
			}
			if owner[name] != "" {
				t.Errorf("%s is in %s and %s", name, owner[name], env)
			}
			owner[name] = env
		}
	}
	if len(definition) != 1 {
		t.Errorf("%d different resource definitions, want 1", len(definition))
	}
}

// The API server refuses unknown fields; so does this.
func TestObjectsAreStrictlyValid(t *testing.T) {
	r := build(t, Options{})
	for _, env := range Environments {
		for name, text := range render(t, r, r.Head, env) {
			data, err := yaml.YAMLToJSON([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			object, gvk, err := scheme.Codecs.UniversalDeserializer().Decode(data, nil, nil)
			if kind := strings.Fields(name)[0]; kind == "CustomResourceDefinition" || kind == "VirtualService" {
				continue // not in client-go's scheme
			}
			if err != nil {
				t.Errorf("%s: %s: %v", env, name, err)
				continue
			}
			if err := yaml.UnmarshalStrict([]byte(text), object); err != nil {
				t.Errorf("%s: %s (%s): %v", env, name, gvk, err)
			}
		}
	}
}

func TestDeployedLeavesTheRightChangesPending(t *testing.T) {
	r := build(t, Options{})
	pending := func(env string) (names []string) {
		commits := output(t, r.Dir, "rev-list", "--first-parent", r.Deployed[env]+"..HEAD")
		for _, c := range r.Changes {
			if strings.Contains(commits, c.Commit) {
				names = append(names, c.Name)
			}
		}
		return names
	}
	for env, first := range map[string]string{
		"dev": "cart-0.10.0-staging", "staging": "gateway-timeout", "production": "petstore-1.4.2-staging",
	} {
		names := pending(env)
		if len(names) == 0 || names[0] != first || names[len(names)-1] != "broken-gateway" {
			t.Errorf("%s: after the deployed commit come %q", env, names)
		}
	}
	if last := r.Changes[len(r.Changes)-1]; last.Commit != r.Head || last.Parent != r.Changes[len(r.Changes)-2].Commit {
		t.Errorf("the newest change is %+v", last)
	}
}

func TestOptions(t *testing.T) {
	r := build(t, Options{
		Context: "kind",
		Suffix:  "x7",
		Windows: map[string]string{
			"staging":    "- name: none\n  timeZone: UTC\n  freeze: {from: 2026-01-01, to: 2026-12-31}",
			"production": "",
		},
	})
	var got struct {
		StateNamespace string
		Environments   []struct {
			Name, Namespace string
			Cluster         struct{ Context string }
			Windows         []struct{ Name string }
		}
	}
	if err := yaml.Unmarshal([]byte(output(t, r.Dir, "show", "HEAD:.fairtide.yaml")), &got); err != nil {
		t.Fatal(err)
	}
	if got.StateNamespace != "fairtide-x7" || len(got.Environments) != 3 {
		t.Fatalf("%+v", got)
	}
	for i, windows := range []int{0, 1, 0} {
		e := got.Environments[i]
		if len(e.Windows) != windows || e.Cluster.Context != "kind" || e.Namespace != "petstore-"+e.Name+"-x7" {
			t.Errorf("%+v", e)
		}
	}
	if _, err := config.Parse(config.File, []byte(output(t, r.Dir, "show", "HEAD:"+configFile))); err != nil {
		t.Error(err)
	}
	kustomization := output(t, r.Dir, "show", "HEAD:environments/staging/kustomization.yaml")
	for _, name := range []string{"namespace: petstore-staging-x7\n", "value: petstore-gateway-staging-x7\n"} {
		if !strings.Contains(kustomization, name) {
			t.Errorf("no %q in\n%s", name, kustomization)
		}
	}
	if _, err := Build(t.Context(), filepath.Join(t.TempDir(), "r"), Options{Windows: map[string]string{"prod": ""}}); err == nil {
		t.Error("windows for an unknown environment were accepted")
	}
	if _, err := Build(t.Context(), r.Dir, Options{}); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("a directory that is not empty: %v", err)
	}
}

func TestPodRulesKnowTheBrokenImage(t *testing.T) {
	var rules struct {
		Rules []map[string]any `json:"rules"`
	}
	if err := yaml.Unmarshal([]byte(PodRules), &rules); err != nil {
		t.Fatal(err)
	}
	r := build(t, Options{})
	image, _ := rules.Rules[0]["image"].(string)
	reason, _ := rules.Rules[0]["pull-error"].(string)
	if !strings.Contains(reason, image) || !strings.Contains(reason, "not found") {
		t.Errorf("rule %v", rules.Rules[0])
	}
	if !strings.Contains(render(t, r, r.Head, "production")["Deployment gateway"], "image: "+image+"\n") {
		t.Errorf("production's head does not run %s", image)
	}
	if strings.Contains(render(t, r, r.Changes[len(r.Changes)-2].Commit, "production")["Deployment gateway"], image) {
		t.Errorf("the change before the head already runs %s", image)
	}
}

func TestPatchRefusesWhatDoesNotFit(t *testing.T) {
	for name, c := range map[string]struct{ text, hunks, want string }{
		"replace":       {"a\nb\nc\n", " a\n-b\n+B\n", "a\nB\nc\n"},
		"two hunks":     {"a\nb\nc\n", "-a\n@@\n-c\n+C\n", "b\nC\n"},
		"at the end":    {"a\nb\n", " b\n+c\n", "a\nb\nc\n"},
		"not there":     {"a\n", "-b\n", ""},
		"twice":         {"a\na\n", "-a\n", ""},
		"part of line":  {"xa\n", "-a\n", ""},
		"no old line":   {"a\n", "+b\n", ""},
		"no such mark":  {"a\n", "*a\n", ""},
		"no whole line": {"ab\n", "-a\n", ""},
	} {
		got, err := patch(c.text, c.hunks)
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestParseChangeRefuses(t *testing.T) {
	good := "Name: n\nTitle: t\nAuthor: dev1\nStyle: direct\n-- 1 edit a --\n-x\n"
	if _, err := parseChange("f", []byte(good)); err != nil {
		t.Fatal(err)
	}
	for _, bad := range [][2]string{
		{"Name: n", "Nam: n"}, {"1 edit a", "edit a"}, {"1 edit a", "2 edit a"}, {"Title: t\n", ""},
		{"direct", "merge"}, {"direct", "squash\nPR: x"}, {"direct", "direct\nPR: 4"},
	} {
		text := bytes.ReplaceAll([]byte(good), []byte(bad[0]), []byte(bad[1]))
		if _, err := parseChange("f", text); err == nil {
			t.Errorf("accepted:\n%s", text)
		}
	}
	c := change{name: "n", edits: []edit{{commit: 1, verb: "write", path: "a"}}}
	if _, err := c.apply(tree{"a": ""}, 0); err == nil {
		t.Error("a file was written over")
	}
}
