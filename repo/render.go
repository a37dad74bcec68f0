package repo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/fairtide-dev/fairtide/model"
)

const chartFile = "Chart.yaml"

// readFile is File without the cache.
func (r *Repo) readFile(ctx context.Context, commit, name string) ([]byte, error) {
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
		return nil, noFile(name, h)
	}
	if err != nil {
		return nil, wrapContent(err, "cannot read %s at commit %s", name, model.Short(h.String()))
	}
	return data, nil
}

// Render is the set of objects that the environment's path describes at a
// commit: what `kustomize build` gives where it has a kustomization, what
// `helm template` gives where it has a chart, else the objects of every *.yaml
// and *.yml file in it and below, except in files and directories whose name
// starts with a dot.
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
	res, err := r.render(ctx, env, tree)
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
// for: bad content and limits are the operator's to mend, all else is Git that
// cannot be read.
func wrapContent(err error, format string, args ...any) error {
	code := model.ExitUnreachable
	var bad *contentError
	var late *slow
	switch {
	case errors.As(err, &bad), errors.As(err, &late):
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
	once    bool  // asked does not tell all that the problem depends on
}

// render renders an environment from a root tree, or finds that it has done so
// for a tree that is the same in all that was read. An error is one of reading;
// what is wrong with the content is in the result.
func (r *Repo) render(ctx context.Context, env model.Environment, root plumbing.Hash) (*result, error) {
	dir, err := cleanPath(env.Path)
	if err != nil {
		return nil, err
	}
	env.Path = dir
	if env, err = r.settled(ctx, env, root); err != nil {
		return nil, err
	}
	key := recipe(env)
	if res, err := r.cache.find(r.store, key, root); res != nil || err != nil {
		return res, err
	}
	ctx, cancel := r.limits.of(env).within(ctx)
	defer cancel()
	res, err := r.renderAnew(ctx, env, root)
	if err != nil {
		return nil, err
	}
	if !res.once {
		r.cache.add(key, root, res)
	}
	return res, nil
}

// scan finds what a render of an environment reads, without making it. What is
// wrong with the content is in the result as far as reading shows it; there are
// no objects. A render that was made before will do as well.
func (r *Repo) scan(ctx context.Context, env model.Environment, root plumbing.Hash) (*result, error) {
	dir, err := cleanPath(env.Path)
	if err != nil {
		return nil, err
	}
	env.Path = dir
	if res, err := r.cache.find(r.store, recipe(env), root); res != nil || err != nil {
		return res, err
	}
	ctx, cancel := r.limits.of(env).within(ctx)
	defer cancel()
	return r.read(ctx, env, root, true)
}

// recipe names all that a render depends on besides the tree.
func recipe(env model.Environment) string {
	namespace := ""
	if env.Helm.Release != "" { // a chart is told it
		namespace = env.Namespace
	}
	return fmt.Sprintf("%q %q %q %+v", env.Path, namespace, env.Helm, env.Limits)
}

func (r *Repo) renderAnew(ctx context.Context, env model.Environment, root plumbing.Hash) (*result, error) {
	return r.read(ctx, env, root, false)
}

// read renders, or with scanOnly does all of it that shows what is read.
func (r *Repo) read(ctx context.Context, env model.Environment, root plumbing.Hash, scanOnly bool) (*result, error) {
	l := r.limits.of(env)
	tfs := newTreeFS(ctx, r.store, root, l.file)
	objects, err := r.objects(tfs, l, env, scanOnly)
	if err == nil && !scanOnly {
		objects, err = ordered(env.Path, objects, l.objects)
	}
	asked := tfs.asked // not a pointer into tfs, which holds file contents
	res := &result{root: root, files: tfs.inputPaths(), asked: &asked, once: tfs.unsound}
	var (
		bad  *contentError
		late *slow
	)
	switch {
	case errors.Is(err, errMissing):
		res.missing = true
	case err != nil && errors.As(context.Cause(ctx), &late):
		res.problem, res.once = late, true // one such commit must not hide the others
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
func (r *Repo) objects(tfs *treeFS, l limits, env model.Environment, scanOnly bool) ([]model.Object, error) {
	real, e, err := tfs.lookup(env.Path)
	if err != nil {
		return nil, err
	}
	switch e.kind {
	case absent:
		return nil, errMissing
	case file:
		return nil, contentf("%s is a file; the path of an environment is a directory", env.Path)
	}
	s := newScanner(tfs, l, real)
	s.only = scanOnly
	name, err := s.find(real)
	if err != nil {
		return nil, err
	}
	_, has, err := tfs.lookup(path.Join(real, chartFile))
	switch {
	case err != nil:
		return nil, err
	case has.kind == file && name != "":
		return nil, contentf("%s holds a chart and a kustomization; move one of %s and %s to a directory of its own", real, chartFile, path.Base(name))
	case has.kind == file:
		return s.helm(&r.charts, real, env)
	case name != "":
		return s.kustomize(&r.kustomizers, real)
	}
	return s.plain(real, e)
}

// plain renders a directory of manifests.
func (s *scanner) plain(dir string, e entry) ([]model.Object, error) {
	s.fs.asked.at(dir).all = true
	s.fs.files[dir] = true
	var objects []model.Object
	entries := 0
	var walk func(dir string, e entry) error
	walk = func(dir string, e entry) error {
		// Trees can hold each other many times over, so that few objects are
		// more files than anybody can go through.
		if err := s.fs.ctx.Err(); err != nil {
			return err
		}
		t, err := s.fs.dir(dir, e)
		if err != nil {
			return err
		}
		return t.tree.each(func(name string, e entry) error {
			if entries++; entries > s.limits.entries {
				return contentf("%s holds more than %s files and directories; make it smaller", s.root, grouped(s.limits.entries))
			}
			p := path.Join(dir, name)
			switch {
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
				return tooMany(s.root, s.limits.objects)
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
		return nil, contentf("%s: there is a Helm chart inside of a directory of plain manifests; make its directory the path of an environment, or render it into the repository", p)
	case isKustomization(name):
		return nil, contentf("%s: there is a kustomization inside of a directory of plain manifests; add one to the environment's path that lists it", p)
	}
	docs, err := s.linked(p, name, e)
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

// linked reads the documents of a manifest, which may be a symbolic link.
func (s *scanner) linked(p, name string, e entry) ([]document, error) {
	if e.kind != symlink {
		data, err := s.fs.content(p, e)
		if err != nil {
			return nil, err
		}
		return s.documents(p, data)
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
	return s.parse(p)
}
