package repo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// maxLinks is how many symbolic links one path may lead through.
const maxLinks = 40

// longestTarget is how long the path in a symbolic link can be.
const longestTarget = 4096

// treeFS is a commit's tree as kustomize sees it. It keeps a
// record of all it was asked for. There is nothing outside of it: a path that
// leads out of the repository is an error.
type treeFS struct {
	ctx    context.Context // of the one render the file system is made for
	store  *store
	root   plumbing.Hash
	limit  int64
	asked  inputs
	files  map[string]bool   // what was found and read: files, links and manifest directories
	served map[string][]byte // kustomizations in the form kustomize is to see
	fault  error             // the first object that could not be read
	dirs   map[plumbing.Hash]dirIndex
	// unsound: a directory was refused for what it holds beside what was asked.
	unsound bool
}

func newTreeFS(ctx context.Context, s *store, root plumbing.Hash, limit int64) *treeFS {
	return &treeFS{ctx: ctx, store: s, root: root, limit: limit, files: map[string]bool{}, served: map[string][]byte{}, dirs: map[plumbing.Hash]dirIndex{}}
}

// inputPaths lists the files that were read and the directories all of whose
// manifests were, sorted.
func (t *treeFS) inputPaths() []string {
	paths := make([]string, 0, len(t.files))
	for p := range t.files {
		paths = append(paths, p)
	}
	slices.Sort(paths)
	return paths
}

// lookup finds what is at a path relative to the root, following symbolic
// links as long as they stay in the tree. It returns the path it ended at.
func (t *treeFS) lookup(p string) (string, entry, error) {
	if err := t.ctx.Err(); err != nil {
		return "", entry{}, err
	}
	w := &treeWalk{treeFS: t, dirs: []entry{{directory, t.root}}, todo: strings.Split(p, "/")}
	for len(w.todo) > 0 {
		done, err := w.step()
		if err != nil {
			return "", entry{}, err
		}
		if done {
			real := path.Join(append(w.names, w.todo...)...)
			t.asked.at(real).read = true
			return real, entry{}, nil
		}
	}
	real := "."
	if len(w.names) > 0 {
		real = path.Join(w.names...)
		t.asked.at(real).read = true
	}
	if w.leaf.kind != absent {
		return real, w.leaf, nil
	}
	return real, w.dirs[len(w.dirs)-1], nil
}

// treeWalk follows a path name by name, as an operating system does: the
// target of a link is read from where the link is.
type treeWalk struct {
	*treeFS
	names []string // so far
	dirs  []entry  // the root and the directories of names
	leaf  entry    // the file that names ends at; absent: it is a directory
	todo  []string
	links int
	link  string // the last one, for messages
}

// step takes one name; done is set when there is nothing of that name.
func (w *treeWalk) step() (done bool, err error) {
	name := w.todo[0]
	switch {
	case name == "" || name == ".":
		w.todo = w.todo[1:]
		return false, nil
	case w.leaf.kind != absent:
		return true, nil // below a file
	case name == "..":
		if len(w.names) == 0 {
			return false, contentf("%s is outside of the repository", cmp.Or(w.link, path.Join(w.todo...)))
		}
		w.todo = w.todo[1:]
		w.names, w.dirs = w.names[:len(w.names)-1], w.dirs[:len(w.dirs)-1]
		return false, nil
	}
	dir, err := w.dir(path.Join(w.names...), w.dirs[len(w.dirs)-1])
	if err != nil {
		return false, err
	}
	e := dir.byName[name]
	if e.kind == absent {
		return true, nil
	}
	w.todo = w.todo[1:]
	at := append(w.names[:len(w.names):len(w.names)], name)
	switch e.kind {
	case directory:
		w.names, w.dirs = at, append(w.dirs, e)
	case symlink:
		return false, w.follow(path.Join(at...), e)
	case submodule:
		real := path.Join(at...)
		w.asked.at(real).read = true
		return false, contentf("%s is a submodule; fairtide renders only what is in the repository itself", real)
	default:
		w.names, w.leaf = at, e
	}
	return false, nil
}

// follow goes on at the target of a symbolic link.
func (w *treeWalk) follow(real string, e entry) error {
	w.asked.at(real).read = true
	w.files[real] = true
	if w.links++; w.links > maxLinks {
		return contentf("%s leads through more than %d symbolic links", real, maxLinks)
	}
	target, err := w.store.blob(e.hash, min(w.limit, longestTarget))
	if errors.Is(err, errTooLarge) {
		return contentf("%s is a symbolic link to a path that is longer than any", real)
	}
	if err != nil {
		return w.explain(real, err)
	}
	to := string(target)
	if w.link = fmt.Sprintf("%s is a symbolic link to %q, which", real, to); path.IsAbs(to) {
		return contentf("%s is outside of the repository", w.link)
	}
	w.todo = append(strings.Split(to, "/"), w.todo...)
	return nil
}

// dirIndex is a directory and what it has under each name. Looking through the
// tree for every name would take hours where it has a hundred thousand.
type dirIndex struct {
	tree   tree
	byName map[string]entry
}

// dir reads a directory and makes sure, once, that it can be checked out: what
// git would not write to a disk is not what somebody has reviewed.
func (t *treeFS) dir(p string, e entry) (dirIndex, error) {
	if l, ok := t.dirs[e.hash]; ok {
		return l, nil
	}
	dir, err := t.store.sub(e)
	if err != nil {
		return dirIndex{}, err
	}
	l := dirIndex{dir, map[string]entry{}}
	if err := l.fill(); err != nil {
		t.unsound = true
		return dirIndex{}, contentf("%s %s", cmp.Or(p, "the root directory"), err)
	}
	t.dirs[e.hash] = l
	return l, nil
}

// fill lists the tree. It refuses what `git fsck` has an error for.
func (l dirIndex) fill() error {
	last := ""
	for dir := l.tree; len(dir) > 0; {
		raw, e, rest, ok := dir.next()
		if !ok {
			return errors.New("is a damaged tree object")
		}
		name := string(raw)
		switch _, twice := l.byName[name]; {
		case name == "" || name == "." || name == ".." || strings.Contains(name, "/") || strings.EqualFold(name, ".git"):
			return fmt.Errorf("has an entry with the name %q, which no file can have", name)
		case twice:
			return fmt.Errorf("has two entries with the name %q", name)
		}
		l.byName[name] = e
		order := name
		if e.kind == directory {
			order += "/"
		}
		if order < last {
			return fmt.Errorf("has the entry %q in the wrong place; the tree object is damaged", name)
		}
		last, dir = order, rest
	}
	return nil
}

// read returns the content of a file.
func (t *treeFS) read(p string) ([]byte, error) {
	real, e, err := t.lookup(p)
	if err != nil {
		return nil, err
	}
	switch e.kind {
	case absent:
		return nil, &fs.PathError{Op: "read", Path: p, Err: fs.ErrNotExist}
	case directory:
		return nil, &fs.PathError{Op: "read", Path: p, Err: errors.New("is a directory")}
	}
	return t.content(real, e)
}

// content returns what the file at a path has, which no link is on.
func (t *treeFS) content(real string, e entry) ([]byte, error) {
	if err := t.ctx.Err(); err != nil {
		return nil, err
	}
	t.asked.at(real).read = true
	t.files[real] = true
	if data, ok := t.served[real]; ok {
		return data, nil
	}
	data, err := t.store.blob(e.hash, t.limit)
	if err != nil {
		return nil, t.explain(real, err)
	}
	return data, nil
}

func (t *treeFS) explain(p string, err error) error {
	if errors.Is(err, errTooLarge) {
		return tooLarge(p, t.limit)
	}
	err = fmt.Errorf("%s: %w", oneLine(p), err)
	if t.fault == nil {
		t.fault = err
	}
	return err
}
