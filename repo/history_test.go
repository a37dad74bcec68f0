package repo

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"

	"github.com/fairtide-dev/fairtide/model"
)

// A story is one random history: environments over shared bases, a directory of
// plain manifests and docs, on one branch or each on its own.
type story struct {
	*stories
	name  string // what its branches begin with
	first int    // its oldest mark
	n     int    // edits made
	// heads are the newest marks of its branches, by name.
	heads map[string]int
	asks  []model.PendingAsk // Deployed is a mark, or as it is
}

// stories are the histories of one repository.
type stories struct {
	history
	rng     *rand.Rand
	trees   []files // by mark
	parents [][]int // by mark
	all     []*story
}

func newStories(rng *rand.Rand) *stories {
	return &stories{rng: rng, trees: []files{nil}, parents: [][]int{nil}}
}

const (
	productionFile = "environments/production/kustomization.yaml"
	stagingFile    = "environments/staging/kustomization.yaml"
)

var (
	onlyBase   = "namespace: shop\nresources: [../../base]\n"
	storyStart = files{
		"README.md":                "# shop\n",
		"base/README.md":           "the base\n",
		"base/kustomization.yaml":  "resources: [config.yaml]\n",
		"base/config.yaml":         configMap("cart", "1"),
		"extra/kustomization.yaml": "resources: [job.yaml]\n",
		"extra/job.yaml":           configMap("extra", "1"),
		productionFile:             onlyBase,
		stagingFile:                "resources: [../../base]\nnamePrefix: s-\n",
		"plain/a.yaml":             configMap("a", "1"),
		"shared.yaml":              configMap("shared", "1"),
	}
)

// tell adds one more history.
func (h *stories) tell() {
	s := &story{stories: h, name: fmt.Sprintf("h%d", len(h.all)), heads: map[string]int{}}
	h.all = append(h.all, s)
	s.first = h.marks + 1
	start := s.add(s.name+"/start", storyStart)
	if h.rng.IntN(4) == 0 {
		s.branchPerEnvironment(start)
	} else {
		s.pathPerEnvironment(start)
	}
	for _, name := range slices.Sorted(maps.Keys(s.heads)) {
		fmt.Fprintf(&h.buf, "reset refs/heads/%s\nfrom :%d\n\n", name, s.heads[name])
	}
}

// add makes a commit; without parents the branch has to be new.
func (s *story) add(branch string, tree files, parents ...int) int {
	s.trees = append(s.trees, tree)
	s.parents = append(s.parents, parents)
	return s.commit(branch, fmt.Sprintf("change %d", s.n), tree, parents...)
}

func (s *story) on(tree files, parents ...int) int {
	return s.add(s.name+"/scratch", tree, parents...)
}

func (s *story) pathPerEnvironment(start int) {
	main := s.name + "/main"
	tip := start
	for range 3 + s.rng.IntN(6) {
		tip = s.step(tip)
	}
	s.heads[main] = tip
	for _, env := range []model.Environment{
		{Name: "production", Path: "environments/production"}, {Name: "staging", Path: "environments/staging"}, {Name: "plain", Path: "plain"},
	} {
		env.Branch = main
		s.asks = append(s.asks, model.PendingAsk{Environment: env, Deployed: s.deployed(tip)})
	}
	if s.rng.IntN(2) == 0 {
		for i := range s.asks {
			s.asks[i].Deployed = s.asks[0].Deployed
		}
	}
}

// branchPerEnvironment promotes by merging staging's branch into production's.
func (s *story) branchPerEnvironment(start int) {
	staging, production := start, start
	for range 3 + s.rng.IntN(4) {
		staging = s.step(staging)
		switch s.rng.IntN(5) {
		case 0, 1:
			production = s.on(s.trees[staging], production, staging)
		case 2:
			production = staging // fast-forward
		case 3:
			production = s.on(s.alter(s.trees[production]), production)
		}
	}
	s.heads[s.name+"/staging"], s.heads[s.name+"/production"] = staging, production
	for _, env := range []model.Environment{{Name: "production", Path: "environments/production"}, {Name: "staging", Path: "environments/staging"}} {
		env.Branch = s.name + "/" + env.Name
		s.asks = append(s.asks, model.PendingAsk{Environment: env, Deployed: s.deployed(s.heads[env.Branch])})
	}
}

// deployed picks what an environment runs: mostly a commit of the line, but
// also what was merged, force-pushed away, comes after the head, or is unknown.
func (s *story) deployed(head int) string {
	line := []int{head}
	for at := head; len(s.parents[at]) > 0; line = append(line, at) {
		at = s.parents[at][0]
	}
	mark := line[s.rng.IntN(len(line))]
	switch n := s.rng.IntN(20); {
	case n < 6: // any commit of the history
		mark = s.first + s.rng.IntN(s.marks+1-s.first)
	case n == 6:
		mark = s.on(s.alter(s.trees[head]), s.on(s.trees[head], head))
	case n == 7:
		mark = s.add(fmt.Sprintf("%s/root%d", s.name, s.marks), s.alter(storyStart))
	case n == 8:
		return strings.Repeat("ab", 20)
	case n == 9:
		return ""
	case n == 10:
		mark = line[len(line)-1]
	}
	return fmt.Sprint(mark)
}

// step moves a branch on and returns its new head.
func (s *story) step(tip int) int {
	base := s.trees[tip]
	switch s.rng.IntN(12) {
	case 0, 1: // merge, while the branch moved on
		side := s.side(tip)
		if s.rng.IntN(2) == 0 {
			tip = s.on(s.alter(base), tip)
		}
		return s.merge(tip, side)
	case 2: // octopus
		a, b := s.side(tip), s.side(tip)
		return s.on(over3(base, over3(base, s.trees[tip], s.trees[a]), s.trees[b]), tip, a, b)
	case 3: // criss-cross
		a, b := s.side(tip), s.side(tip)
		return s.merge(s.merge(a, b), s.merge(b, a))
	case 4: // the branch was merged into the side, and moved there
		return s.merge(s.side(tip), s.on(s.alter(base), tip))
	case 5: // squash
		return s.on(s.alter(s.alter(base)), tip)
	case 6: // revert to an earlier state
		return s.on(s.trees[s.first+s.rng.IntN(tip-s.first+1)], tip)
	case 7: // force push
		for range 1 + s.rng.IntN(3) {
			if p := s.parents[tip]; len(p) > 0 {
				tip = p[0]
			}
		}
		return s.on(s.alter(s.trees[tip]), tip)
	case 8: // nothing
		return s.on(base, tip)
	}
	return s.side(tip) // commits one after the other
}

// side adds one to three commits.
func (s *story) side(tip int) int {
	for range 1 + s.rng.IntN(3) {
		tip = s.on(s.alter(s.trees[tip]), tip)
	}
	return tip
}

// merge merges b into a, file by file.
func (s *story) merge(a, b int) int {
	return s.on(over3(storyStart, s.trees[a], s.trees[b]), a, b)
}

// over3 takes from theirs what it has otherwise than base.
func over3(base, ours, theirs files) files {
	out := maps.Clone(ours)
	for name := range base {
		if _, has := theirs[name]; !has {
			delete(out, name)
		}
	}
	for name, content := range theirs {
		if base[name] != content {
			out[name] = content
		}
	}
	return out
}

func (s *story) pick(of ...string) string { return of[s.rng.IntN(len(of))] }

// alter makes one edit. Few different ones keep the number of trees low.
func (s *story) alter(f files) files {
	s.n++
	v := fmt.Sprint(1 + s.rng.IntN(3))
	switch s.rng.IntN(14) {
	case 0:
		return f.with(files{s.pick("README.md", "base/README.md", "plain/NOTES.txt", "docs/a.yaml", "environments/production/unused.yaml", "plain/.hidden.yaml"): v})
	case 1, 2:
		return f.with(files{"base/config.yaml": configMap("cart", v)})
	case 3: // the same objects
		return f.with(files{"base/config.yaml": "# " + v + "\n" + strings.TrimLeft(f["base/config.yaml"], "# 123\n")})
	case 4:
		return f.with(files{"extra/job.yaml": configMap("extra", v)})
	case 5: // what is read changes
		use := s.pick("../../base", "../../base, ../../extra", "../../extra")
		return f.with(files{productionFile: "namespace: shop\nresources: [" + use + "]\n"})
	case 6:
		return f.with(files{stagingFile: "resources: [../../" + s.pick("base", "extra") + "]\nnamePrefix: s-\n"})
	case 7, 8:
		name := "plain/" + s.pick("a", "b", "sub/c") + ".yaml"
		if _, has := f[name]; has && s.rng.IntN(2) == 0 {
			return f.with(files{name: ""})
		}
		return f.with(files{name: configMap(strings.TrimSuffix(path.Base(name), ".yaml"), v)})
	case 9:
		return s.rename(f)
	case 10: // what does not render
		return f.with(files{s.pick(productionFile, stagingFile): "resources: [../../none]\n", s.pick("base/config.yaml", "plain/a.yaml"): "{"})
	case 11: // only a mode
		name := s.pick("base/config.yaml", "plain/a.yaml", productionFile)
		content, is := strings.CutPrefix(f[name], "exec:")
		if !is && content != "" && !strings.HasPrefix(content, "link:") {
			content = "exec:" + content
		}
		return f.with(files{name: content})
	case 12: // a link takes the place of a file, or its target changes
		return f.with(files{"plain/" + s.pick("a", "b") + ".yaml": "link:../shared.yaml", "shared.yaml": configMap("shared", v)})
	}
	return f.with(files{productionFile: onlyBase, "base/config.yaml": configMap("cart", v), "base/kustomization.yaml": "resources: [config.yaml]\n"})
}

// rename moves a file of the base, the base or an environment.
func (s *story) rename(f files) files {
	switch s.rng.IntN(3) {
	case 0:
		from, to := "base/config.yaml", "base/c.yaml"
		if _, has := f[from]; !has {
			from, to = to, from
		}
		return f.with(files{from: "", to: f[from], "base/kustomization.yaml": "resources: [" + path.Base(to) + "]\n"})
	case 1:
		return moved(f, "base/", "base2/").with(files{productionFile: strings.ReplaceAll(f[productionFile], "../../base", "../../base2")})
	}
	return moved(f, "environments/staging/", s.pick("environments/s/", "environments/staging2/"))
}

// moved renames a directory, or what it was renamed to back.
func moved(f files, from, to string) files {
	out := files{}
	for name, content := range f {
		switch {
		case strings.HasPrefix(name, from):
			name = to + name[len(from):]
		case strings.HasPrefix(name, to):
			name = from + name[len(to):]
		}
		out[name] = content
	}
	return out
}
