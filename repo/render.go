package repo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/fairtide-dev/fairtide/model"
)

const chartFile = "Chart.yaml"

// File is the content of a file at a commit. One that does not exist there is
// an error that wraps fs.ErrNotExist.
func (r *Repo) File(ctx context.Context, commit, name string) ([]byte, error) {
	h, err := r.resolve(commit)
	if err != nil {
		return nil, err
	}
	c, err := r.commit(h)
	if err != nil {
		return nil, err
	}
	p, err := cleanPath(name)
	if err != nil {
		return nil, wrapContent(err, "%s", model.Short(h.String()))
	}
	data, err := newTreeFS(ctx, r.store, c.TreeHash, r.limits.file).read(p)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s at commit %s: %w", name, model.Short(h.String()), fs.ErrNotExist)
	}
	if err != nil {
		return nil, wrapContent(err, "cannot read %s at commit %s", name, model.Short(h.String()))
	}
	return data, nil
}

// Render is the set of objects that the environment's path describes at a
// commit: what `kustomize build` gives where it has a kustomization, else the
// objects of every *.yaml and *.yml file in it and below, except in files and
// directories whose name starts with a dot.
//
// Objects come as they are written: one that names no namespace has none here,
// as only a cluster knows which kinds have one. Two objects with the same
// identity are refused, and so is whatever reaches outside of the repository.
// The result belongs to the caller. Errors about the commit's content carry
// model.ExitUsage.
func (r *Repo) Render(ctx context.Context, env model.Environment, commit string) (*model.Rendered, error) {
	h, err := r.resolve(commit)
	if err != nil {
		return nil, err
	}
	c, err := r.commit(h)
	if err != nil {
		return nil, err
	}
	return r.renderTree(ctx, env, h, c.TreeHash)
}

// renderTree renders a tree and says that it is a commit's.
func (r *Repo) renderTree(ctx context.Context, env model.Environment, h, tree plumbing.Hash) (*model.Rendered, error) {
	short := model.Short(h.String())
	res, err := r.render(ctx, env.Path, tree)
	if err != nil {
		return nil, wrapContent(err, "%s: cannot render commit %s", env.Name, short)
	}
	if res.missing {
		return nil, model.Errorf(model.ExitUsage, "%s: path %q does not exist at %s; check `path` of the environment, or choose another commit", env.Name, env.Path, short)
	}
	if res.problem != nil {
		return nil, wrapContent(res.problem, "%s: cannot render commit %s", env.Name, short)
	}
	return &model.Rendered{
		Commit:  h.String(),
		Objects: cloneObjects(res.objects),
		Inputs:  slices.Clone(res.files),
	}, nil
}

// wrapContent puts words before an error and gives it the exit code it asks
// for: bad content is the operator's to mend, all else is Git that cannot be
// read.
func wrapContent(err error, format string, args ...any) error {
	code := model.ExitUnreachable
	var bad *contentError
	switch {
	case errors.As(err, &bad):
		code = model.ExitUsage
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		code = model.ExitInterrupted
	}
	return model.Errorf(code, "%s: %w", fmt.Sprintf(format, args...), err)
}

// prefixed puts words before an error and leaves what it is.
func prefixed(words string, err error) error {
	var bad *contentError
	if errors.As(err, &bad) {
		return contentf("%s: %s", words, bad.text)
	}
	return fmt.Errorf("%s: %w", words, err)
}

// result is a render of a path of a root tree. It is shared: nobody alters it.
type result struct {
	root    plumbing.Hash
	objects []model.Object
	files   []string
	asked   *inputs
	missing bool  // the path does not exist
	problem error // a contentError: why there are no objects
}

// render renders the path of a root tree, or finds that it has done so for a
// tree that is the same in all that was read. An error is one of reading;
// what is wrong with the content is in the result.
func (r *Repo) render(ctx context.Context, dir string, root plumbing.Hash) (*result, error) {
	dir, err := cleanPath(dir)
	if err != nil {
		return nil, err
	}
	if res, err := r.cache.find(r.store, dir, root); res != nil || err != nil {
		return res, err
	}
	res, err := r.renderAnew(ctx, dir, root)
	if err != nil {
		return nil, err
	}
	r.cache.add(dir, root, res)
	return res, nil
}

func (r *Repo) renderAnew(ctx context.Context, dir string, root plumbing.Hash) (*result, error) {
	tfs := newTreeFS(ctx, r.store, root, r.limits.file)
	objects, err := r.objects(tfs, dir)
	if err == nil {
		objects, err = ordered(dir, objects, r.limits.objects)
	}
	asked := tfs.asked // not a pointer into tfs, which holds file contents
	res := &result{root: root, files: tfs.inputPaths(), asked: &asked}
	var bad *contentError
	switch {
	case errors.Is(err, errMissing):
		res.missing = true
	case errors.As(err, &bad):
		res.problem = err
	case err != nil:
		return nil, err
	default:
		res.objects = objects
	}
	return res, nil
}

var errMissing = errors.New("the path does not exist")

// objects decides how a directory is rendered and does it.
func (r *Repo) objects(tfs *treeFS, dir string) ([]model.Object, error) {
	real, e, err := tfs.lookup(dir)
	if err != nil {
		return nil, err
	}
	switch e.kind {
	case absent:
		return nil, errMissing
	case file:
		return nil, contentf("%s is a file; the path of an environment is a directory", dir)
	}
	s := newScanner(tfs, r.limits, real)
	name, err := s.find(real)
	if err != nil {
		return nil, err
	}
	if name != "" {
		return s.kustomize(real)
	}
	return s.plain(real, e)
}

// plain renders a directory of manifests.
func (s *scanner) plain(dir string, e entry) ([]model.Object, error) {
	s.fs.asked.at(dir).all = true
	s.fs.files[dir] = true
	var objects []model.Object
	var walk func(dir string, e entry) error
	walk = func(dir string, e entry) error {
		t, err := s.fs.store.sub(e)
		if err != nil {
			return err
		}
		return t.each(func(name string, e entry) error {
			p := path.Join(dir, name)
			switch {
			case name == "." || name == ".." || strings.Contains(name, "/"):
				return contentf("%s has an entry with the name %q, which no file can have", dir, name)
			case hidden(name):
				return nil
			case e.kind == directory:
				return walk(p, e)
			case !matters(name, e):
				return nil
			}
			found, err := s.manifest(p, name, e)
			objects = append(objects, found...)
			if err == nil && len(objects) > s.limits.objects {
				return contentf("%s holds more than the limit of %d objects", dir, s.limits.objects)
			}
			return err
		})
	}
	return objects, walk(dir, e)
}

// manifest reads the objects of one file of a plain directory.
func (s *scanner) manifest(p, name string, e entry) ([]model.Object, error) {
	switch {
	case e.kind == submodule:
		return nil, contentf("%s is a submodule; fairtide renders only what is in the repository itself", p)
	case name == chartFile:
		return nil, contentf("%s: Helm charts are not supported yet; render the chart into the repository", p)
	case isKustomization(name):
		return nil, contentf("%s: there is a kustomization inside of a directory of plain manifests; add one to the environment's path that lists it", p)
	}
	_, to, err := s.fs.lookup(p)
	switch {
	case err != nil:
		return nil, err
	case to.kind == directory:
		return nil, contentf("%s is a symbolic link to a directory; use a kustomization to share directories", p)
	case to.kind == absent:
		return nil, contentf("%s is a symbolic link to nothing", p)
	case !isManifest(name):
		return nil, nil
	}
	docs, err := s.parse(p)
	if err != nil {
		return nil, err
	}
	var objects []model.Object
	for _, d := range docs {
		found, err := objectsOf(d)
		if err != nil {
			return nil, err
		}
		objects = append(objects, found...)
	}
	return objects, nil
}
