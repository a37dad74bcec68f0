package repo

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/fairtide-dev/fairtide/model"
)

const (
	randomRepositories = 20
	randomHistories    = 50 // in each
)

// randomSeed is another one every time, unless FAIRTIDE_SEED says which.
func randomSeed(t testing.TB) uint64 {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("FAIRTIDE_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("FAIRTIDE_SEED is no number: %v", err)
		}
	}
	t.Logf("FAIRTIDE_SEED=%d", seed)
	return seed
}

// TestPendingAgreesWithGit compares the lists of 1,000 random histories with
// what `git log --first-parent` says was touched and with a render of every
// commit alone.
func TestPendingAgreesWithGit(t *testing.T) {
	seed := randomSeed(t)
	for i := range uint64(randomRepositories) {
		t.Run(fmt.Sprintf("repository %d", i), func(t *testing.T) {
			t.Parallel()
			h := newStories(rand.New(rand.NewPCG(seed, i)))
			for range randomHistories {
				h.tell()
			}
			dir, hashes := h.write(t)
			git(t, dir, "pack-refs", "--all")
			if i%2 == 1 { // the walk reads it where there is one
				git(t, dir, "commit-graph", "write", "--reachable")
			}
			o := &oracle{stories: h, dir: dir, hashes: hashes, alone: open(t, dir), renders: map[string]*result{}, logs: map[string][]logged{}}
			o.marks = make(map[string]int, len(hashes))
			for mark, hash := range hashes {
				o.marks[hash] = mark
			}
			r := open(t, dir)
			for n, s := range h.all {
				if n%5 == 0 {
					r = open(t, dir)
				}
				o.check(t, r, s)
				if t.Failed() {
					t.Fatalf("FAIRTIDE_SEED=%d, repository %d, history %s", seed, i, s.name)
				}
			}
		})
	}
}

// oracle says what has to be pending, from what git says about the repository
// and from renders of single commits.
type oracle struct {
	*stories
	dir     string
	hashes  []string // by mark
	marks   map[string]int
	alone   *Repo              // renders, without remembering
	renders map[string]*result // by path and tree
	logs    map[string][]logged
}

// logged is a commit of a first-parent line as git tells it.
type logged struct {
	hash, tree string
	parent     string // the first one; empty: there is none
	touched    []string
}

func (o *oracle) check(t *testing.T, r *Repo, s *story) {
	t.Helper()
	asks := slices.Clone(s.asks)
	for i := range asks {
		if mark, err := strconv.Atoi(asks[i].Deployed); err == nil {
			asks[i].Deployed = o.hashes[mark]
		}
	}
	for i, a := range r.PendingAll(t.Context(), asks) {
		if a.Err != nil {
			t.Error(a.Err)
			continue
		}
		o.compare(t, s, asks[i], a.Pending)
		broken := func(c model.Change) bool { return c.Problem != "" }
		if !slices.ContainsFunc(a.Pending.Changes, broken) {
			o.outline(t, asks[i], a.Pending)
		}
	}
}

// outline compares the list without renders with the whole one, where all of it
// renders.
func (o *oracle) outline(t *testing.T, ask model.PendingAsk, whole model.Pending) {
	t.Helper()
	bare, err := Open(t.Context(), Options{Path: o.dir})
	if err != nil {
		t.Fatal(err)
	}
	a := bare.Outline(t.Context(), []model.PendingAsk{ask})[0]
	var have, want []string
	for _, c := range a.Pending.Changes {
		have = append(have, fmt.Sprint(c.Commit, c.Files, len(c.Objects)))
	}
	for _, c := range whole.Changes {
		want = append(want, fmt.Sprint(c.Commit, c.Files, 0))
	}
	if a.Err != nil || !a.Pending.Outlined || a.Pending.Diverged != whole.Diverged {
		t.Errorf("outline is %+v, %v", a.Pending, a.Err)
	}
	if bare.kustomizers.Runs() > 0 {
		t.Error("an outline rendered")
	}
	equal(t, "outline of "+ask.Environment.Name, have, want)
	if err := bare.Close(); err != nil {
		t.Error(err)
	}
}

func (o *oracle) compare(t *testing.T, s *story, ask model.PendingAsk, got model.Pending) {
	t.Helper()
	head := o.hashes[s.heads[ask.Environment.Branch]]
	what := fmt.Sprintf("%s: %s deployed at %s", s.name, ask.Environment.Name, ask.Deployed)
	if got.Head.Hash != head || got.Deployed != ask.Deployed || got.Incomplete || got.Adopt != (ask.Deployed == "") {
		t.Errorf("%s: %+v", what, got)
	}
	if ask.Deployed == "" {
		if len(got.Changes) > 0 || got.Diverged != "" {
			t.Errorf("%s: never deployed, but %+v", what, got)
		}
		return
	}
	line := o.log(t, head, ask.Deployed)
	o.diverged(t, what, head, ask.Deployed, line, got.Diverged)
	var have []string
	for _, c := range got.Changes {
		objects := make([]string, 0, len(c.Objects))
		for _, ob := range c.Objects {
			objects = append(objects, fmt.Sprint(ob.Verdict, " ", ob.ID))
		}
		have = append(have, fmt.Sprint(c.Commit, c.RendersChange, c.Files, c.Problem != "", objects))
	}
	equal(t, what, have, o.expected(t, ask.Environment, line))
}

// log asks git for the first-parent commits from head that are not behind the
// deployed commit, newest first.
func (o *oracle) log(t *testing.T, head, deployed string) []logged {
	t.Helper()
	span := head
	if _, known := o.marks[deployed]; known {
		span = deployed + ".." + head
	}
	if line, done := o.logs[span]; done {
		return line
	}
	var line []logged
	out := git(t, o.dir, "log", "--first-parent", "-m", "--no-renames", "--name-only", "--format=commit %H %T %P", span)
	for l := range strings.Lines(out) {
		l = strings.TrimSpace(l)
		if rest, ok := strings.CutPrefix(l, "commit "); ok {
			f := append(strings.Fields(rest), "")
			line = append(line, logged{hash: f[0], tree: f[1], parent: f[2]})
		} else if l != "" {
			c := &line[len(line)-1]
			c.touched = append(c.touched, l)
		}
	}
	o.logs[span] = line
	return line
}

// diverged checks what is said of a deployed commit that is not on the line.
func (o *oracle) diverged(t *testing.T, what, head, deployed string, line []logged, said string) {
	t.Helper()
	from := head // what the list starts after
	if len(line) > 0 {
		from = line[len(line)-1].parent
	}
	if from == deployed {
		if said != "" {
			t.Errorf("%s: it is on the line, but %q", what, said)
		}
		return
	}
	want := "their merge base " + model.Short(from)
	_, known := o.marks[deployed]
	switch {
	case !known:
		want = "is not in this clone"
	case len(line) == 0:
		want = "is ahead of the branch"
	case from == "":
		want = "shares no history with the branch"
	}
	merged := known && o.behind(o.marks[head])[o.marks[deployed]]
	if !strings.Contains(said, want) || !strings.Contains(said, model.Short(deployed)) || merged != strings.Contains(said, "came in with merge") {
		t.Errorf("%s: %q; want %q, merged %v", what, said, want, merged)
	}
}

// behind is a commit and all its ancestors.
func (o *oracle) behind(mark int) map[int]bool {
	seen := map[int]bool{}
	for todo := []int{mark}; len(todo) > 0; {
		m := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if !seen[m] {
			seen[m] = true
			todo = append(todo, o.parents[m]...)
		}
	}
	return seen
}

// state is a commit with its render and what counts as its inputs. A commit
// that does not render did not get to read all it would have, so the inputs of
// its newer neighbour are its too; with none that renders, of the older one.
type state struct {
	*result
	tree   files
	inputs *inputs
}

func (o *oracle) states(t *testing.T, env model.Environment, line []logged) []state {
	t.Helper()
	states := make([]state, 0, len(line)+1)
	for _, c := range line {
		states = append(states, state{result: o.render(t, env, c.tree), tree: o.trees[o.marks[c.hash]]})
	}
	last := state{result: o.render(t, env, plumbing.ZeroHash.String())}
	if parent := line[len(line)-1].parent; parent != "" {
		mark := o.marks[parent]
		last = state{result: o.render(t, env, git(t, o.dir, "rev-parse", parent+"^{tree}")), tree: o.trees[mark]}
	}
	states = append(states, last)
	for i := range states {
		states[i].inputs = states[i].asked
		if i > 0 && states[i].problem != nil {
			states[i].inputs = union(states[i-1].inputs, states[i].asked)
		}
		for j := i; i == 0 && j+1 < len(states) && states[j].problem != nil; j++ {
			states[0].inputs = union(states[0].inputs, states[j+1].asked)
		}
	}
	return states
}

// render renders one tree, with nothing remembered of any other.
func (o *oracle) render(t *testing.T, env model.Environment, tree string) *result {
	t.Helper()
	key := env.Path + " " + tree
	if o.renders[key] == nil {
		res, err := o.alone.renderAnew(t.Context(), env, plumbing.NewHash(tree))
		if err != nil {
			t.Fatal(err)
		}
		o.renders[key] = res
	}
	return o.renders[key]
}

// expected is the list, one line per change.
func (o *oracle) expected(t *testing.T, env model.Environment, line []logged) []string {
	t.Helper()
	if len(line) == 0 {
		return nil
	}
	states := o.states(t, env, line)
	var want []string
	for i, c := range line {
		now, before := states[i], states[i+1]
		if len(touchedOf(now.inputs, c.touched, now.tree, before.tree)) == 0 {
			continue
		}
		touched := touchedOf(union(now.inputs, before.asked), c.touched, now.tree, before.tree)
		problem := now.missing || now.problem != nil || before.problem != nil
		objects := []string{}
		if !problem {
			objects = unlikeObjects(before.objects, now.objects)
		}
		want = append(want, fmt.Sprint(c.hash, problem || len(objects) > 0, touched, problem, objects))
	}
	return want
}

// unlikeObjects compares two renders object by object.
func unlikeObjects(before, now []model.Object) []string {
	byID := func(objects []model.Object) map[model.ObjectID]map[string]any {
		m := map[model.ObjectID]map[string]any{}
		for _, o := range objects {
			m[o.ID] = o.Fields
		}
		return m
	}
	x, y := byID(before), byID(now)
	all := maps.Clone(x)
	maps.Copy(all, y)
	ids := slices.SortedFunc(maps.Keys(all), model.ObjectID.Compare)
	out := []string{}
	for _, id := range ids {
		switch a, b := x[id], y[id]; {
		case a == nil:
			out = append(out, fmt.Sprint(model.VerdictCreate, " ", id))
		case b == nil:
			out = append(out, fmt.Sprint(model.VerdictDelete, " ", id))
		case !reflect.DeepEqual(a, b):
			out = append(out, fmt.Sprint(model.VerdictUpdate, " ", id))
		}
	}
	return out
}

// touchedOf lists which of the files that git says a commit touched, and of the
// directories they are in, were asked for and are not what they were.
func touchedOf(asked *inputs, touched []string, now, before files) []string {
	hit := map[string]bool{}
	for _, name := range touched {
		for p := name; p != "."; p = path.Dir(p) {
			if askedFor(asked, p, now, before) && contentAt(now, p) != contentAt(before, p) {
				hit[p] = true
			}
		}
	}
	for p := range hit { // a file stands for its directories
		for d := path.Dir(p); d != "."; d = path.Dir(d) {
			delete(hit, d)
		}
	}
	return slices.AppendSeq([]string{}, slices.Values(slices.Sorted(maps.Keys(hit))))
}

// contentAt is what is at a path of a tree, but for the mode of a file.
func contentAt(tree files, p string) string {
	if content, is := tree[p]; is {
		return "is " + strings.TrimPrefix(content, "exec:")
	}
	for name := range tree {
		if strings.HasPrefix(name, p+"/") {
			return "directory"
		}
	}
	return ""
}

// askedFor reports whether a render asked for a path: by its name, or as one of
// the manifests and links below a directory.
func askedFor(asked *inputs, p string, trees ...files) bool {
	names := strings.Split(p, "/")
	for i := range names {
		if asked.all {
			if slices.ContainsFunc(names[i:], func(name string) bool { return strings.HasPrefix(name, ".") }) {
				return false
			}
			for _, tree := range trees {
				content, is := tree[p]
				if is && (path.Ext(p) == ".yaml" || strings.HasPrefix(content, "link:")) {
					return true
				}
			}
		}
		if asked = asked.children[names[i]]; asked == nil {
			return false
		}
	}
	return asked.read
}
