package repo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// maxLinks is how many symbolic links one path may lead through.
const maxLinks = 40

// treeFS is a commit's tree as the file system kustomize reads. It keeps a
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
}

func newTreeFS(ctx context.Context, s *store, root plumbing.Hash, limit int64) *treeFS {
	return &treeFS{ctx: ctx, store: s, root: root, limit: limit, files: map[string]bool{}, served: map[string][]byte{}}
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
	for range maxLinks {
		real, e, rest, err := t.walk(p)
		if err != nil || e.kind != symlink {
			return real, e, err
		}
		target, err := t.store.blob(e.hash, t.limit)
		if err != nil {
			return "", entry{}, t.explain(real, err)
		}
		to := string(target)
		if path.IsAbs(to) {
			return "", entry{}, contentf("%s is a symbolic link to %q, which is outside of the repository", real, to)
		}
		p = path.Join(path.Dir(real), to, rest)
		if p == ".." || strings.HasPrefix(p, "../") {
			return "", entry{}, contentf("%s is a symbolic link to %q, which is outside of the repository", real, to)
		}
	}
	return "", entry{}, contentf("%s leads through more than %d symbolic links", p, maxLinks)
}

// walk follows p until its end or the first symbolic link; rest is what
// remains behind the link.
func (t *treeFS) walk(p string) (real string, e entry, rest string, err error) {
	e = entry{directory, t.root}
	if p == "." {
		return p, e, "", nil
	}
	names := strings.Split(p, "/")
	for i, name := range names {
		dir, err := t.store.sub(e)
		if err != nil {
			return "", entry{}, "", err
		}
		e = dir.find(name)
		if e.kind == symlink {
			real = path.Join(names[:i+1]...)
			t.asked.at(real).read = true
			t.files[real] = true
			return real, e, path.Join(names[i+1:]...), nil
		}
		if e.kind == submodule {
			real = path.Join(names[:i+1]...)
			t.asked.at(real).read = true
			return "", entry{}, "", contentf("%s is a submodule; fairtide renders only what is in the repository itself", real)
		}
	}
	t.asked.at(p).read = true
	return p, e, "", nil
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
		return contentf("%s is larger than the limit of %d bytes", p, t.limit)
	}
	err = fmt.Errorf("%s: %w", p, err)
	if t.fault == nil {
		t.fault = err
	}
	return err
}

// rel turns kustomize's absolute path into one relative to the root.
func rel(p string) string {
	p = path.Clean("/" + filepath.ToSlash(p))
	if p == "/" {
		return "."
	}
	return p[1:]
}

// ReadFile implements filesys.FileSystem.
func (t *treeFS) ReadFile(p string) ([]byte, error) { return t.read(rel(p)) }

// Exists implements filesys.FileSystem.
func (t *treeFS) Exists(p string) bool {
	_, e, err := t.lookup(rel(p))
	return err == nil && e.kind != absent
}

// IsDir implements filesys.FileSystem.
func (t *treeFS) IsDir(p string) bool {
	_, e, err := t.lookup(rel(p))
	return err == nil && e.kind == directory
}

// CleanedAbs implements filesys.FileSystem.
func (t *treeFS) CleanedAbs(p string) (filesys.ConfirmedDir, string, error) {
	real, e, err := t.lookup(rel(p))
	switch {
	case err != nil:
		return "", "", err
	case e.kind == absent:
		return "", "", &fs.PathError{Op: "open", Path: rel(p), Err: fs.ErrNotExist}
	case e.kind == directory:
		return filesys.ConfirmedDir(path.Join("/", real)), "", nil
	}
	return filesys.ConfirmedDir(path.Join("/", path.Dir(real))), path.Base(real), nil
}

var errUnsupported = errors.New("not possible on a Git tree")

// The rest of filesys.FileSystem is writing and searching, which a render from
// a Git tree has no use for.

// Create implements filesys.FileSystem.
func (t *treeFS) Create(string) (filesys.File, error) { return nil, errUnsupported }

// Mkdir implements filesys.FileSystem.
func (t *treeFS) Mkdir(string) error { return errUnsupported }

// MkdirAll implements filesys.FileSystem.
func (t *treeFS) MkdirAll(string) error { return errUnsupported }

// RemoveAll implements filesys.FileSystem.
func (t *treeFS) RemoveAll(string) error { return errUnsupported }

// Open implements filesys.FileSystem.
func (t *treeFS) Open(string) (filesys.File, error) { return nil, errUnsupported }

// ReadDir implements filesys.FileSystem.
func (t *treeFS) ReadDir(string) ([]string, error) { return nil, errUnsupported }

// Glob implements filesys.FileSystem.
func (t *treeFS) Glob(string) ([]string, error) { return nil, errUnsupported }

// WriteFile implements filesys.FileSystem.
func (t *treeFS) WriteFile(string, []byte) error { return errUnsupported }

// Walk implements filesys.FileSystem.
func (t *treeFS) Walk(string, filepath.WalkFunc) error { return errUnsupported }
