package repo

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/fairtide-dev/fairtide/model"
)

// editor makes random histories of a few files.
type editor struct {
	rng  *rand.Rand
	next int
}

func (e *editor) line() string {
	e.next++
	return fmt.Sprintf("key%d: %d", e.next, e.rng.IntN(1000))
}

// edit changes a tree in one of the ways people do.
func (e *editor) edit(tree files) files {
	tree = maps.Clone(tree)
	names := slices.Sorted(maps.Keys(tree))
	name := names[e.rng.IntN(len(names))]
	content := tree[name]
	switch e.rng.IntN(14) {
	case 0:
		var lines []string
		for range 3 + e.rng.IntN(8) {
			lines = append(lines, e.line())
		}
		tree[fmt.Sprintf("d%d/new%d.yaml", e.rng.IntN(3), e.next)] = strings.Join(lines, "\n") + "\n"
	case 1:
		if len(tree) > 3 {
			delete(tree, name)
		}
	case 2:
		e.next++
		tree[fmt.Sprintf("d%d/moved%d", e.rng.IntN(3), e.next)] = content
		delete(tree, name)
	case 3:
		if text, ok := strings.CutPrefix(content, "exec:"); ok {
			tree[name] = text
		} else if !strings.HasPrefix(content, "link:") {
			tree[name] = "exec:" + content
		}
	case 4:
		tree["link"] = "link:d" + fmt.Sprint(e.rng.IntN(3))
	case 5:
		tree["image.bin"] = "\x00" + e.line()
	case 6: // a file turns into a directory, or back
		if _, ok := tree["switch"]; ok {
			delete(tree, "switch")
			tree["switch/file"] = e.line() + "\n"
		} else {
			delete(tree, "switch/file")
			tree["switch"] = e.line() + "\n"
		}
	default:
		if strings.HasPrefix(content, "link:") || strings.Contains(content, "\x00") {
			break
		}
		lines := strings.SplitAfter(content, "\n")
		at := e.rng.IntN(len(lines))
		switch e.rng.IntN(4) {
		case 0:
			lines = slices.Insert(lines, at, e.line()+"\n")
		case 1:
			if len(lines) > 3 {
				lines = slices.Delete(lines, at, at+1)
			}
		default:
			lines[at] = e.line() + "\n"
		}
		tree[name] = strings.Join(lines, "")
	}
	return tree
}

// history is main with merged branches; it returns the marks of main.
func (e *editor) history(h *history, n int) (line []int) {
	tree := files{}
	for i := range 5 {
		var lines []string
		for range 12 {
			lines = append(lines, e.line())
		}
		tree[fmt.Sprintf("d%d/f%d.yaml", i%3, i)] = strings.Join(lines, "\n") + "\n"
	}
	last := h.commit("main", "first", tree)
	line = append(line, last)
	for range n {
		if e.rng.IntN(3) == 0 {
			tree = e.edit(tree)
			side := h.commit("side", "side", tree, last)
			tree = e.edit(tree)
			last = h.commit("main", "Merge pull request #1 from x/y\n\nside", tree, last, side)
		} else {
			tree = e.edit(tree)
			last = h.commit("main", "change", tree, last)
		}
		line = append(line, last)
	}
	return line
}

// TestRevertAgreesWithGit compares merged trees with those of git revert.
func TestRevertAgreesWithGit(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	e := &editor{rng: rand.New(rand.NewPCG(seed, 2))}
	const histories, trials = 5, 100
	count := map[string]int{}
	var ours, theirs time.Duration
	for range histories {
		var h history
		line := e.history(&h, 60)
		origin, hashes := h.write(t)
		r := cached(t, Options{Path: origin})
		tree := filepath.Join(t.TempDir(), "worktree")
		git(t, origin, "clone", "-q", "--shared", origin, tree)
		for range trials {
			at := 1 + e.rng.IntN(len(line)-1)
			x, onto := hashes[line[max(1, at-e.rng.IntN(12))]], hashes[line[at]]
			began := time.Now()
			mine, clashes := mergedInverse(t, r, x, onto)
			ours += time.Since(began)
			began = time.Now()
			want := revertByGit(t, tree, x, onto)
			theirs += time.Since(began)
			switch {
			case clashes && want == "":
				count["both conflict"]++
			case !clashes && want == mine:
				count["same tree"]++
			default:
				t.Errorf("revert %s on %s: git says %q, we say %q, conflicts %v", x, onto, want, mine, clashes)
			}
			checkRevert(t, r, x, onto, mine, clashes)
		}
		git(t, r.own.dir, "fsck", "--no-dangling", "--strict")
	}
	t.Logf("%v, ours %v, git %v", count, ours, theirs)
	if count["both conflict"] < 20 || count["same tree"] < 100 {
		t.Errorf("%v: the test has seen one kind only", count)
	}
}

func mergedInverse(t *testing.T, r *Repo, commit, onto string) (tree string, clashes bool) {
	t.Helper()
	x, top, err := r.pair(commit, onto)
	if err != nil {
		t.Fatal(err)
	}
	before, err := r.parentTree(x)
	if err != nil {
		t.Fatal(err)
	}
	m := &treeMerge{ctx: t.Context(), store: r.store, limit: r.limits.file}
	h, err := m.merge(x.TreeHash, top.TreeHash, before)
	if err != nil {
		t.Fatal(err)
	}
	return h.String(), len(m.clashes) > 0
}

// revertByGit is the tree git makes; empty when it finds a conflict. Of its
// strategies some versions can do without looking for renames in one only.
func revertByGit(t *testing.T, dir, commit, onto string) string {
	t.Helper()
	git(t, dir, "reset", "-q", "--hard", onto)
	args := []string{"revert", "--no-commit", "--strategy=recursive", "--strategy-option=no-renames"}
	if len(strings.Fields(git(t, dir, "rev-list", "--parents", "-n1", commit))) > 2 {
		args = append(args, "-m", "1")
	}
	cmd := exec.CommandContext(t.Context(), "git", append(args, commit)...)
	cmd.Dir, cmd.Env = dir, gitEnv(dir)
	if cmd.Run() != nil {
		return ""
	}
	return git(t, dir, "write-tree")
}

// checkRevert compares what Revert says with the merge it is made from.
func checkRevert(t *testing.T, r *Repo, x, onto, tree string, clashes bool) {
	t.Helper()
	p, err := r.Revert(t.Context(), x, onto)
	top, _ := r.commit(plumbing.NewHash(onto))
	switch {
	case err != nil && (clashes || tree != top.TreeHash.String() || !strings.Contains(err.Error(), "nothing to revert")):
		t.Errorf("revert %s on %s: %v", x, onto, err)
	case err == nil && clashes && len(p.Conflicts) == 0:
		t.Errorf("revert %s on %s has no conflicts: %+v", x, onto, p)
	case err == nil && len(p.Conflicts) == 0 && (p.Tree != tree || len(p.Files) == 0):
		t.Errorf("revert %s on %s is %+v, want tree %s", x, onto, p, tree)
	}
}

func TestRevert(t *testing.T) {
	v := func(n string) files { return shop().with(files{"base/config.yaml": configMap("cart", n)}) }
	added := v("2").with(files{"base/new.yaml": configMap("new", "1")})
	moved := v("2").with(files{"base/other.yaml": configMap("new", "1")})
	_, clone, hashes := cloned(t, v("1"), v("2"), added, moved, v("2"), v("3"))
	r := cached(t, Options{Path: clone})
	p, err := r.Revert(t.Context(), hashes[2], hashes[4])
	if err != nil || len(p.Conflicts) != 0 || len(p.Files) != 1 || p.Files[0].Path != "base/config.yaml" || !strings.Contains(p.Files[0].Diff, "+data: {value: \"1\"}") || p.Onto != hashes[4] {
		t.Errorf("%+v, %v", p, err)
	}
	for _, tt := range []struct{ x, onto, path, reason string }{
		{hashes[2], hashes[6], "base/config.yaml", "changed since by " + hashes[6][:7] + " change 6 (the same lines"},
		{hashes[3], hashes[4], "base/new.yaml", "moved to base/other.yaml since by " + hashes[4][:7] + " change 4"},
		{hashes[3], hashes[5], "base/new.yaml", "moved or removed since by " + hashes[4][:7]},
	} {
		p, err := r.Revert(t.Context(), tt.x, tt.onto)
		if err != nil || len(p.Conflicts) != 1 || p.Conflicts[0].Path != tt.path || !strings.HasPrefix(p.Conflicts[0].Reason, tt.reason) || p.Tree != "" {
			t.Errorf("%+v, %v, want %s", p, err, tt.reason)
		}
	}
	for x, want := range map[string]string{hashes[6]: "not on the first-parent line", hashes[5]: "nothing to revert"} {
		onto := hashes[5]
		if x == hashes[5] {
			onto = grow(t, clone, "main", hashes[6], "base/other.yaml", configMap("new", "1"))
		}
		if _, err := r.Revert(t.Context(), x, onto); model.CodeOf(err, 0) != model.ExitUsage || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if _, err := open(t, clone).Revert(t.Context(), hashes[2], hashes[4]); model.CodeOf(err, 0) != model.ExitUsage {
		t.Errorf("without a cache: %v", err)
	}
}

func TestBackTo(t *testing.T) {
	one := shop()
	two := one.with(files{"base/config.yaml": configMap("cart", "2"), "README.md": "two\n"})
	three := two.with(files{
		"base/kustomization.yaml": "resources: [deployment.yaml, config.yaml, more.yaml]\n", "base/more.yaml": configMap("more", "3"),
		"environments/production/kustomization.yaml": "namespace: shop\nresources: [../../base, ../../extra]\n",
		"extra/job.yaml": configMap("extra", "3"), "docs/new.md": "new\n",
	})
	broken := three.with(files{"base/config.yaml": "{"})
	_, clone, hashes := cloned(t, one, two, three, broken)
	r := cached(t, Options{Path: clone})
	for _, onto := range []string{hashes[3], hashes[4]} {
		for _, to := range []string{hashes[1], hashes[2]} {
			p, err := r.BackTo(t.Context(), production, to, onto)
			if err != nil || len(p.Files) == 0 {
				t.Fatalf("%+v, %v", p, err)
			}
			c, err := r.CommitPatch(t.Context(), p, CommitMessage{Title: "back"})
			if err != nil {
				t.Fatal(err)
			}
			want, got := renderAt(t, r, to), renderAt(t, r, c)
			if !sameObjects(want.Objects, got.Objects) {
				t.Errorf("back to %s on %s renders %+v", to, onto, got.Objects)
			}
			if readme, err := r.File(t.Context(), c, "README.md"); err != nil || string(readme) != "two\n" {
				t.Errorf("README.md is %q, %v", readme, err)
			}
		}
	}
	if _, err := r.BackTo(t.Context(), production, hashes[4], hashes[3]); model.CodeOf(err, 0) != model.ExitUsage {
		t.Errorf("to a commit that does not render: %v", err)
	}
	if _, err := r.BackTo(t.Context(), production, hashes[3], hashes[3]); err == nil || !strings.Contains(err.Error(), "nothing to go back to") {
		t.Errorf("to where it is: %v", err)
	}
}

func renderAt(t *testing.T, r *Repo, commit string) *model.Rendered {
	t.Helper()
	got, err := r.Render(t.Context(), production, commit)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// A file that holds a Secret, in whatever form, is not shown.
func TestSecretSource(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"apiVersion: v1\nkind: Secret\ndata: {a: b}\n":                     true,
		"kind: Deployment\n---\nkind: \"Secret\" # the other\n":            true,
		"- op: replace\n  target: {kind: Secret, name: x}\n":               true,
		`{"apiVersion":"v1","kind":"Secret"}`:                              true,
		"secretGenerator:\n- name: db\n  literals: [password=x]\n":         true,
		"kind: ExternalSecret\nspec: {}\n":                                 false,
		"kind: SecretStore\n":                                              false,
		"kind: Deployment\nspec: {secretName: db, secretKeyRef: {a: b}}\n": false,
		"images:\n- name: cart\n  newTag: 1.4.2\n":                         false,
	} {
		if got := secretSource.MatchString(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}
