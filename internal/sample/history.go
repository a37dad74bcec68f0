package sample

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/fairtide-dev/fairtide/testdata/petstore"
)

// Dates of the commits no archive dates.
const (
	baseAgo    = 504 * time.Hour  // the first commit
	branchStep = 50 * time.Minute // between the commits of a branch, and to its merge
)

// commit is one commit of the stream. Its mark is its index plus 1.
type commit struct {
	change            *change // nil unless it is a first-parent commit after the first
	author, committer string
	at                time.Time
	message           string
	parents           []int // marks, the first parent first
	tree              tree
}

// history is every commit to be made, parents before children.
type history struct {
	commits []commit
	main    []int // marks of the first-parent line
}

func newHistory(o Options) (*history, error) {
	files, err := firstState(o)
	if err != nil {
		return nil, err
	}
	changes, err := readChanges(o)
	if err != nil {
		return nil, err
	}
	h := &history{}
	h.main = append(h.main, h.add(commit{
		author: "dev1", committer: "dev1", at: o.Now.Add(-baseAgo), tree: files,
		message: "The petstore's environments\n\nOne overlay per environment over a shared base.\n",
	}))
	for i := range changes {
		if err := h.merge(&changes[i], o.Now.Add(-changes[i].ago)); err != nil {
			return nil, err
		}
	}
	return h, nil
}

// merge adds a change to the first-parent line.
func (h *history) merge(c *change, at time.Time) error {
	tip := h.main[len(h.main)-1]
	next := commit{
		change: c, author: c.author, committer: c.mergedBy, at: at,
		message: c.message(), parents: []int{tip},
	}
	if c.mergedBy == "" {
		next.committer = c.author
	}
	var err error
	if next.tree, err = c.apply(h.tree(tip), 0); err != nil {
		return err
	}
	if c.style == "merge" {
		// The branch was begun before the change that was merged last.
		mark := h.main[max(0, len(h.main)-2)]
		for i, title := range c.commits {
			t, err := c.apply(h.tree(mark), i+1)
			if err != nil {
				return err
			}
			mark = h.add(commit{
				author: c.author, committer: c.author, message: title + "\n", parents: []int{mark}, tree: t,
				at: at.Add(-branchStep * time.Duration(len(c.commits)-i)),
			})
		}
		next.author = next.committer // whoever merges makes the merge commit
		next.parents = append(next.parents, mark)
	}
	h.main = append(h.main, h.add(next))
	return nil
}

func (h *history) add(c commit) (mark int) {
	h.commits = append(h.commits, c)
	return len(h.commits)
}

func (h *history) tree(mark int) tree { return h.commits[mark-1].tree }

// stream is the history in the format of git fast-import. Every commit lists
// its whole tree: the sample is small, and no commit depends on how another's
// was written.
func (h *history) stream() string {
	var b strings.Builder
	data := func(text string) { fmt.Fprintf(&b, "data %d\n%s\n", len(text), text) }
	for i, c := range h.commits {
		ref := "refs/heads/main"
		if !slices.Contains(h.main, i+1) {
			ref = "refs/heads/branch" // only to import it; removed below
		}
		fmt.Fprintf(&b, "commit %s\nmark :%d\n", ref, i+1)
		fmt.Fprintf(&b, "author %s %d +0000\n", identity(c.author), c.at.Unix())
		fmt.Fprintf(&b, "committer %s %d +0000\n", identity(c.committer), c.at.Unix())
		data(c.message)
		for n, parent := range c.parents {
			fmt.Fprintf(&b, "%s :%d\n", [...]string{"from", "merge"}[n], parent)
		}
		b.WriteString("deleteall\n")
		for _, name := range slices.Sorted(maps.Keys(c.tree)) {
			fmt.Fprintf(&b, "M 100644 inline %s\n", name)
			data(c.tree[name])
		}
	}
	b.WriteString("reset refs/heads/branch\nfrom 0000000000000000000000000000000000000000\n\n")
	return b.String()
}

// repo names the commits that were made.
func (h *history) repo(dir string, marks map[int]string) Repo {
	hash := func(i int) string { return marks[h.main[i]] }
	r := Repo{Dir: dir, Base: hash(0), Head: hash(len(h.main) - 1), Deployed: map[string]string{}}
	for i, mark := range h.main {
		c := h.commits[mark-1].change
		if c == nil {
			continue
		}
		r.Changes = append(r.Changes, Change{Name: c.name, Commit: hash(i), Parent: hash(i - 1), PR: c.pr, Title: c.title})
		for _, env := range c.live {
			r.Deployed[env] = hash(i)
		}
	}
	return r
}

// firstState is the tree of the first commit.
func firstState(o Options) (tree, error) {
	t := tree{}
	if err := t.read(petstore.Files, "files", o); err != nil {
		return nil, err
	}
	if o.Pipeline {
		if err := t.read(petstore.Pipeline, "pipeline", o); err != nil {
			return nil, err
		}
	}
	var err error
	t[configFile], err = adjust(t[configFile], o)
	return t, err
}

// read adds the files below a directory.
func (t tree) read(files fs.FS, dir string, o Options) error {
	rename := renamer(o.Suffix)
	return fs.WalkDir(files, dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(files, name)
		t[strings.TrimPrefix(name, dir+"/")] = rename.Replace(string(data))
		return err
	})
}

func readChanges(o Options) ([]change, error) {
	entries, err := petstore.Changes.ReadDir("changes")
	if err != nil {
		return nil, err
	}
	rename := renamer(o.Suffix)
	var changes []change
	for _, e := range entries { // sorted by name
		data, err := petstore.Changes.ReadFile(path.Join("changes", e.Name()))
		if err != nil {
			return nil, err
		}
		c, err := parseChange(e.Name(), []byte(rename.Replace(string(data))))
		if err != nil {
			return nil, err
		}
		changes = append(changes, c)
	}
	return changes, nil
}
