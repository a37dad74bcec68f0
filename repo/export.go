package repo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/fairtide-dev/fairtide/model"
)

// exportedFile is the largest file that is written, in bytes. It is more than
// a render reads: tests bring data along.
const exportedFile = 64 << 20

// Export writes the files of a commit into a directory, which is made when it
// does not exist: all of them, or with under what is at and below that path.
// They keep their paths relative to the repository's root, and whether they
// are executable. There is no .git; submodules are empty directories.
//
// Nothing is written outside of dir and no file there is written over. A name
// or a symbolic link that would lead outside of it is an error.
func (r *Repo) Export(ctx context.Context, commit, dir, under string) (err error) {
	c, err := r.revision(commit)
	if err != nil {
		return err
	}
	short := model.Short(c.Hash.String())
	at, err := cleanPath(under)
	if err != nil {
		return wrapContent(err, "cannot export %s", short)
	}
	n, err := r.store.nodeAt(c.TreeHash, at)
	switch {
	case err != nil:
		return wrapContent(err, "cannot export %s", short)
	case n == node{}:
		return model.Errorf(model.ExitUsage, "%s: path %q does not exist at %s", r.name, under, short)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return model.Errorf(model.ExitUsage, "cannot export %s: %w", short, err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return model.Errorf(model.ExitUsage, "cannot export %s: %w", short, err)
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	x := &export{ctx: ctx, store: r.store, root: root}
	if err := x.node(at, n); err != nil {
		return wrapContent(err, "cannot export %s to %s", short, dir)
	}
	return nil
}

// export writes a tree below a directory. os.Root keeps every write in it.
type export struct {
	ctx   context.Context // of the one export
	store *store
	root  *os.Root
}

func (x *export) node(p string, n node) error {
	if err := x.ctx.Err(); err != nil {
		return err
	}
	if p != "." {
		for name := range strings.SplitSeq(p, "/") {
			if !safeName(name) {
				return contentf("%q is a name that cannot be written to a directory", p)
			}
		}
		if err := x.root.MkdirAll(filepath.FromSlash(path.Dir(p)), 0o755); err != nil {
			return err
		}
	}
	switch {
	case n.isDir():
		return x.dir(p, n.hash)
	case n.mode == modeModule:
		return x.root.MkdirAll(filepath.FromSlash(p), 0o755)
	}
	data, err := x.store.blob(n.hash, exportedFile)
	if errors.Is(err, errTooLarge) {
		return contentf("%s is larger than the limit of %d bytes", p, exportedFile)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", p, err)
	}
	if n.mode == modeLink {
		return x.link(p, string(data))
	}
	return x.file(p, n.mode, data)
}

func (x *export) dir(p string, h plumbing.Hash) error {
	if err := x.root.MkdirAll(filepath.FromSlash(p), 0o755); err != nil {
		return err
	}
	entries, err := x.store.nodes(h)
	if err != nil {
		return err
	}
	for name, n := range entries {
		if !safeName(name) {
			return contentf("%s has an entry with the name %q, which cannot be written to a directory", p, name)
		}
		if err := x.node(path.Join(p, name), n); err != nil {
			return err
		}
	}
	return nil
}

func (x *export) file(p, mode string, data []byte) error {
	perm := fs.FileMode(0o644)
	if mode == modeExecutable {
		perm = 0o755
	}
	f, err := x.root.OpenFile(filepath.FromSlash(p), os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

// link makes a symbolic link whose target stays inside: ".." may come only
// first, where what it goes up is the directories the link itself is in.
func (x *export) link(p, target string) error {
	up := strings.Count(p, "/")
	down := false
	for name := range strings.SplitSeq(target, "/") {
		switch {
		case name == "..":
			up--
			if down || up < 0 {
				return contentf("%s is a symbolic link to %q, which leads outside or cannot be told not to", p, target)
			}
		case name != "" && name != ".":
			down = true
		}
	}
	if path.IsAbs(target) || filepath.IsAbs(target) || strings.ContainsAny(target, "\\\x00") {
		return contentf("%s is a symbolic link to %q, which leads outside", p, target)
	}
	return x.root.Symlink(filepath.FromSlash(target), filepath.FromSlash(p))
}

// safeName reports whether a tree's entry can be a file of that name in a
// directory, on every system. ".git" would turn the directory into somebody's
// repository.
func safeName(name string) bool {
	return name != "" && name != "." && name != ".." && !strings.EqualFold(name, ".git") && !strings.ContainsAny(name, "/\\\x00")
}
