package repo

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fairtide-dev/fairtide/internal/mask"
	"github.com/fairtide-dev/fairtide/model"
)

func detailOf(t *testing.T, r *Repo, env model.Environment, commit string) model.ChangeDetail {
	t.Helper()
	d, err := r.Detail(t.Context(), env, commit)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func fileWords(stats []model.FileStat) []string {
	var out []string
	for _, s := range stats {
		words := string(s.Status) + " " + s.Path
		if s.From != "" {
			words += " from " + s.From
		}
		if s.Input {
			words += " *"
		}
		out = append(out, words)
	}
	return out
}

func TestDetail(t *testing.T) {
	var h history
	before := shop().with(files{"docs/old.md": "docs\n", "docs/gone.md": "gone\n"})
	now := before.with(files{
		"docs/old.md": "", "docs/new.md": "docs\n", "docs/gone.md": "", "docs/added.md": "added\n",
		"base/config.yaml":        strings.Replace(before["base/config.yaml"], "10s", "30s", 1),
		"base/pdb.yaml":           "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: cart}\nspec: {minAvailable: 1}\n",
		"base/deployment.yaml":    "",
		"base/kustomization.yaml": "resources: [pdb.yaml, config.yaml]\n",
		"README.md":               "exec:# shop\n",
	})
	first := h.commit("main", "the first", before)
	h.commit("main", "a longer timeout (#7)\n\nFor slow days.\n\nCo-authored-by: dev3 <dev3@example.com>", now, first)
	dir, hashes := h.write(t)
	r := open(t, dir)

	d := detailOf(t, r, production, hashes[2])
	if d.Commit != hashes[2] || d.Title != "a longer timeout" || d.PullRequest == nil || d.PullRequest.Number != 7 {
		t.Errorf("the change is %+v", d.Change)
	}
	if d.Author != "dev1" || d.Committer != "dev2 <dev2@example.com>" || !slices.Equal(d.CoAuthors, []string{"dev3 <dev3@example.com>"}) {
		t.Errorf("people: %q, %q, %q", d.Author, d.Committer, d.CoAuthors)
	}
	if d.Signature != (model.Signature{State: model.SignatureUnsigned}) || !d.RendersChange || d.Problem != "" {
		t.Errorf("signature %+v, renders change %v, problem %q", d.Signature, d.RendersChange, d.Problem)
	}
	want := []string{
		"modified README.md", "modified base/config.yaml *", "deleted base/deployment.yaml *", "modified base/kustomization.yaml *",
		"added base/pdb.yaml *", "added docs/added.md", "deleted docs/gone.md", "renamed docs/new.md from docs/old.md",
	}
	if got := fileWords(d.AllFiles); !slices.Equal(got, want) || d.MoreFiles != 0 {
		t.Errorf("files\n got %q\nwant %q, and %d more", got, want, d.MoreFiles)
	}
	var words []string
	for i, o := range d.Details {
		if o.ChangedObject != d.Objects[i] {
			t.Errorf("detail %d is of %+v, the object is %+v", i, o.ChangedObject, d.Objects[i])
		}
		words = append(words, fmt.Sprintf("%s %s %v %v %s", o.Verdict, o.ID, o.Before != "", o.After != "", o.Source.File))
	}
	wantObjects := []string{
		"update ConfigMap shop/cart true true base/config.yaml",
		"delete Deployment shop/cart true false base/deployment.yaml",
		"create PodDisruptionBudget shop/cart false true base/pdb.yaml",
	}
	if !slices.Equal(words, wantObjects) {
		t.Errorf("objects\n got %q\nwant %q", words, wantObjects)
	}
	config := d.Details[0]
	if !strings.HasPrefix(config.Diff, "--- before ConfigMap shop/cart\n+++ after ConfigMap shop/cart\n@@ ") || !strings.Contains(config.Diff, "\n-  timeout: 10s\n+  timeout: 30s\n") {
		t.Errorf("the diff is\n%s", config.Diff)
	}
	if !strings.HasPrefix(d.Details[2].Diff, "--- /dev/null\n") {
		t.Errorf("the diff of a new object is\n%s", d.Details[2].Diff)
	}

	root := detailOf(t, r, production, hashes[1])
	if len(root.AllFiles) != len(before) || root.AllFiles[0].Status != model.FileAdded || len(root.Details) != 2 || root.Details[0].Verdict != model.VerdictCreate {
		t.Errorf("the first commit: %d files, %+v", len(root.AllFiles), root.Objects)
	}
	pending, err := r.Pending(t.Context(), production, hashes[1], "")
	if err != nil {
		t.Fatal(err)
	}
	listed, err := json.Marshal(pending.Changes)
	if err != nil {
		t.Fatal(err)
	}
	shown, err := json.Marshal([]model.Change{d.Change})
	if err != nil || string(listed) != string(shown) {
		t.Errorf("listed as %s\n shown as %s (%v)", listed, shown, err)
	}
}

func TestDetailHasNoSecret(t *testing.T) {
	secret := func(name, password string) string {
		return "apiVersion: v1\nkind: Secret\nmetadata: {name: " + name + "}\nstringData: {password: " + password + ", user: hunter-user}\n"
	}
	annotated := func(value string) string {
		return "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\n  annotations: {kubectl.kubernetes.io/last-applied-configuration: '" + value + "'}\n"
	}
	dirFiles := func(password string) files {
		return files{
			"environments/production/kustomization.yaml": "resources: [s.yaml, c.yaml]\nsecretGenerator: [{name: made, literals: [password=" + password + "]}]\n",
			"environments/production/s.yaml":             secret("written", password),
			"environments/production/c.yaml":             annotated(password),
		}
	}
	var h history
	h.linear(0, dirFiles("hunter-1"), dirFiles("hunter-two-and-longer"))
	dir, hashes := h.write(t)
	d := detailOf(t, open(t, dir), production, hashes[2])
	if len(d.Details) != 4 { // the generated one has another name
		t.Fatalf("objects: %+v", d.Objects)
	}
	out, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"hunter", "aHVudGVy"} { // in base64
		if strings.Contains(string(out), bad) {
			t.Errorf("%q is in the detail: %s", bad, out)
		}
	}
	for _, o := range d.Details {
		if o.ID.Name == "written" && (strings.Count(o.Diff, "\n-") != 1 || strings.Count(o.Diff, "\n+") != 2 || !strings.Contains(o.Diff, "\n-  password: <masked ") || !strings.Contains(o.Diff, "\n   user: <masked ")) {
			t.Errorf("the password changed and the user did not:\n%s", o.Diff)
		}
	}
}

func TestDetailOfTrouble(t *testing.T) {
	var h history
	good := shop()
	bad := good.with(files{"base/config.yaml": "a: [\n"})
	h.linear(0, good, bad, good)
	dir, hashes := h.write(t)
	r := open(t, dir)
	if d := detailOf(t, r, production, hashes[2]); d.Problem == "" || !d.RendersChange || len(d.Details) != 0 || len(d.AllFiles) != 1 {
		t.Errorf("a commit that does not render: %+v", d)
	}
	if d := detailOf(t, r, production, hashes[3]); !strings.Contains(d.Problem, "its parent "+hashes[2][:7]+" does not render") {
		t.Errorf("the one after it: %+v", d.Change)
	}
	if d := detailOf(t, r, model.Environment{Name: "x", Path: "nowhere"}, hashes[3]); !strings.Contains(d.Problem, `"nowhere" does not exist`) {
		t.Errorf("an environment without a path: %+v", d.Change)
	}
	if _, err := r.Detail(t.Context(), production, "nothing-like-that"); model.CodeOf(err, model.ExitOK) != model.ExitUsage {
		t.Errorf("an unknown revision: %v", err)
	}
	shallow := filepath.Join(t.TempDir(), "shallow")
	git(t, filepath.Dir(shallow), "clone", "-q", "--depth=1", "file://"+dir, shallow)
	if _, err := open(t, shallow).Detail(t.Context(), production, "main"); err == nil || !strings.Contains(err.Error(), "git fetch --unshallow") {
		t.Errorf("where the clone ends: %v", err)
	}
}

func TestDetailOfMuch(t *testing.T) {
	tree := files{}
	for i := range detailFiles + 17 {
		tree[fmt.Sprintf("docs/%05d.md", i)] = fmt.Sprint(i)
	}
	tree["environments/production/c.yaml"] = configMap("c", "1")
	d := detailOf(t, single(t, tree), production, "main")
	if len(d.AllFiles) != detailFiles || d.MoreFiles != 18 {
		t.Errorf("%d files and %d more", len(d.AllFiles), d.MoreFiles)
	}
	var changed []model.ChangedObject
	var now []model.Object
	for i := range 4 {
		id := model.ObjectID{Kind: "ConfigMap", Name: fmt.Sprint(i)}
		changed = append(changed, model.ChangedObject{ID: id, Verdict: model.VerdictCreate})
		now = append(now, model.Object{ID: id, Fields: map[string]any{"data": strings.Repeat("x", 3<<20)}})
	}
	details, err := objectDetails(changed, nil, now, mask.New("key"))
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range details {
		if text := o.After != "" && o.Diff != ""; text != (i < 2) || o.Omitted != (i >= 2) {
			t.Errorf("object %d: text %v, omitted %v", i, text, o.Omitted)
		}
	}
}

// TestFilesThatDifferAreThoseOfGit compares with `git diff-tree`.
func TestFilesThatDifferAreThoseOfGit(t *testing.T) {
	var h history
	a := files{"a": "1", "d/x": "1", "d/y": "2", "d.yaml": "3", "e": "4", "link": "link:a", "run": "5"}
	b := files{"a": "2", "d": "a file now", "d.yaml": "3", "e/f": "4", "link": "5", "run": "exec:5", "new/deep/file": "9"}
	h.linear(0, a, b, a)
	dir, hashes := h.write(t)
	r := open(t, dir)
	for i := 2; i <= 3; i++ {
		var got []string
		for _, s := range detailOf(t, r, production, hashes[i]).AllFiles {
			if s.Status == model.FileRenamed {
				got = append(got, "D "+s.From, "A "+s.Path)
				continue
			}
			got = append(got, map[model.FileStatus]string{model.FileAdded: "A ", model.FileModified: "M ", model.FileDeleted: "D "}[s.Status]+s.Path)
		}
		out := git(t, dir, "diff-tree", "-r", "--no-renames", "--name-status", hashes[i-1], hashes[i])
		want := strings.Split(strings.NewReplacer("\t", " ", "T", "M").Replace(out), "\n")
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("commit %d\n got %q\n git %q", i, got, want)
		}
	}
}

func TestPeopleOfAChange(t *testing.T) {
	var h history
	h.linear(0, files{"environments/production/a.yaml": configMap("a", "1")})
	dir, _ := h.write(t)
	for i, c := range []struct{ name, email, want string }{
		{"GitHub", "noreply@github.com", ""},
		{"dev1", "dev1@example.com", ""},
		{"dev1", "dev1@other.example.com", "dev1 <dev1@other.example.com>"},
		{"GitHub", "dev9@example.com", "GitHub <dev9@example.com>"},
	} {
		name := filepath.Join(dir, "environments/production/a.yaml")
		if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(configMap("a", fmt.Sprint(i))), 0o600); err != nil {
			t.Fatal(err)
		}
		git(t, dir, "-c", "user.name="+c.name, "-c", "user.email="+c.email, "-c", "core.autocrlf=false", "add", "-A")
		tree := git(t, dir, "write-tree")
		raw := fmt.Sprintf("tree %s\nauthor dev1 <dev1@example.com> 1772442000 +0000\ncommitter %s <%s> 1772442000 +0000\n\ntitle\n", tree, c.name, c.email)
		commit := gitIn(t, dir, []byte(raw), "hash-object", "-t", "commit", "-w", "--stdin")
		if d := detailOf(t, open(t, dir), production, commit); d.Committer != c.want {
			t.Errorf("%s <%s> is said to be %q, want %q", c.name, c.email, d.Committer, c.want)
		}
	}
}
