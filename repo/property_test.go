package repo

import (
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// randomHistory makes first-parent lines out of merges, squashes, rebases and
// reverts over an environment with two bases, one with plain manifests and docs.
type randomHistory struct {
	history
	rng   *rand.Rand
	n     int
	trees []files // by mark
}

const randomEnv = "environments/production/kustomization.yaml"

func (h *randomHistory) pick(s ...string) string { return s[h.rng.IntN(len(s))] }

// alter makes one edit.
func (h *randomHistory) alter(f files) files {
	h.n++
	v := fmt.Sprint(h.n)
	switch h.rng.IntN(10) {
	case 0:
		return f.with(files{h.pick("README.md", "base/README.md", "plain/NOTES.txt", "docs/a.yaml"): v})
	case 1:
		return f.with(files{"base/config.yaml": configMap("cart", v)})
	case 2:
		return f.with(files{"base/config.yaml": "# " + v + "\n" + f["base/config.yaml"]})
	case 3:
		return f.with(files{"extra/job.yaml": configMap("extra", v)})
	case 4:
		use := h.pick("../../base", "../../base, ../../extra", "../../extra")
		return f.with(files{randomEnv: "namespace: shop\nresources: [" + use + "]\n"})
	case 5:
		return f.with(files{"base/deployment.yaml": deployment("cart", "cart:1."+v, 1+h.rng.IntN(3))})
	case 6:
		name := "plain/" + h.pick("a", "b", "sub/c") + ".yaml"
		if _, has := f[name]; has && name != "plain/a.yaml" && h.rng.IntN(2) == 0 {
			return f.with(files{name: ""})
		}
		return f.with(files{name: configMap(strings.ReplaceAll(path.Base(name), ".", "-"), v)})
	case 7: // rename
		if _, has := f["base/config.yaml"]; has {
			return f.with(files{"base/config.yaml": "", "base/c.yaml": f["base/config.yaml"], "base/kustomization.yaml": "resources: [deployment.yaml, c.yaml]\n"})
		}
		return f.with(files{"base/config.yaml": f["base/c.yaml"], "base/c.yaml": "", "base/kustomization.yaml": "resources: [deployment.yaml, config.yaml]\n"})
	case 8:
		return f.with(files{"environments/production/extra.yaml": v, "plain/.hidden.yaml": v})
	}
	return f
}

// step adds one first-parent commit and returns its mark.
func (h *randomHistory) step(at int) int {
	base := h.trees[at]
	add := func(branch, msg string, tree files, parents ...int) int {
		h.trees = append(h.trees, tree)
		return h.commit(branch, msg, tree, parents...)
	}
	switch h.rng.IntN(4) {
	case 0: // merge of a branch with one to three commits
		tree, tip := base, at
		for range 1 + h.rng.IntN(3) {
			tree = h.alter(tree)
			tip = add("side", "part", tree, tip)
		}
		return add("main", fmt.Sprintf("Merge pull request #%d from dev1/x\n\nPart", h.n), tree, at, tip)
	case 1:
		return add("main", fmt.Sprintf("Squash (#%d)", h.n), h.alter(h.alter(base)), at)
	case 2: // revert to an earlier state
		return add("main", "Revert", h.trees[1+h.rng.IntN(at)], at)
	}
	return add("main", "Rebase", h.alter(base), at)
}

// TestPendingAgreesWithGit compares the list with what `git log --first-parent`
// says was touched and with renders made anew for every commit.
func TestPendingAgreesWithGit(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	for i := range uint64(60) {
		h := &randomHistory{rng: rand.New(rand.NewPCG(seed, i)), trees: []files{nil}}
		start := shop().with(files{"plain/a.yaml": configMap("a", "1"), randomEnv: "namespace: shop\nresources: [../../base]\n"})
		h.trees = append(h.trees, start)
		mark := h.commit("main", "start", start)
		for range 5 + h.rng.IntN(12) {
			mark = h.step(mark)
		}
		dir, hashes := h.write(t)
		touched, line := firstParentFiles(t, dir)
		stop := h.rng.IntN(len(line))
		if line[0] != hashes[mark] {
			t.Fatalf("history %d: main is not at the last mark", i)
		}
		for _, env := range []model.Environment{production, {Name: "plain", Path: "plain"}} {
			got, err := open(t, dir).Pending(t.Context(), env, line[stop], "")
			if err != nil {
				t.Fatal(err)
			}
			want := expected(t, dir, env, line[:stop+1], touched)
			var have []string
			for _, c := range got.Changes {
				have = append(have, fmt.Sprint(c.Commit, c.RendersChange, c.Files, c.Problem))
				if c.RendersChange != (len(c.Objects) > 0) {
					t.Errorf("history %d: %+v", i, c)
				}
			}
			equal(t, fmt.Sprintf("history %d of %s", i, env.Name), have, want)
		}
		if t.Failed() {
			return
		}
	}
}

// firstParentFiles lists the first-parent line and what each commit of it
// touched, as git has it.
func firstParentFiles(t *testing.T, dir string) (map[string][]string, []string) {
	t.Helper()
	touched := map[string][]string{}
	var line []string
	out := git(t, dir, "log", "--first-parent", "-m", "--no-renames", "--name-only", "--format=commit %H", "main")
	for l := range strings.Lines(out) {
		l = strings.TrimSpace(l)
		if hash, ok := strings.CutPrefix(l, "commit "); ok {
			line = append(line, hash)
		} else if l != "" {
			touched[line[len(line)-1]] = append(touched[line[len(line)-1]], l)
		}
	}
	return touched, line
}

// expected is the list made the slow way: every commit rendered anew.
func expected(t *testing.T, dir string, env model.Environment, line []string, touched map[string][]string) []string {
	t.Helper()
	var renders []*model.Rendered
	for _, hash := range line {
		r := open(t, dir)
		got, err := r.Render(t.Context(), env, hash)
		if err != nil {
			t.Fatal(err)
		}
		renders = append(renders, got)
	}
	var want []string
	for i := 0; i+1 < len(line); i++ {
		inputs := slices.Concat(renders[i].Inputs, renders[i+1].Inputs)
		var hit []string
		for _, name := range touched[line[i]] {
			manifest := strings.HasSuffix(name, ".yaml") && !strings.HasPrefix(path.Base(name), ".")
			if slices.Contains(inputs, name) || manifest && slices.Contains(inputs, "plain") && strings.HasPrefix(name, "plain/") {
				hit = append(hit, name)
			}
		}
		if len(hit) == 0 {
			continue
		}
		now, err := renders[i].Digest()
		if err != nil {
			t.Fatal(err)
		}
		before, err := renders[i+1].Digest()
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(hit)
		want = append(want, fmt.Sprint(line[i], now != before, hit, ""))
	}
	return want
}
