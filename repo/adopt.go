package repo

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
	"github.com/fairtide-dev/fairtide/model"
)

// maxAdoptTries bounds how many edits are tried for one field, each with a
// render.
const maxAdoptTries = 24

// Adopt gives the change that writes live values to Git: with it the fields
// render as they are live. A value that one YAML file sets is changed there,
// and every other byte is left alone; else a patch is added to the
// environment's kustomization, or in a directory of plain manifests the field
// to its manifest. A field that is not live any more is taken out where it is
// written. Files that one of the others reads too are not touched: a live edit
// of one environment is no reason to change another.
//
// The result is rendered: the fields are what they are live and nothing else
// differs, or Adopt is an error that says what is to be done by hand. So is a
// field of a Secret.
func (r *Repo) Adopt(ctx context.Context, env model.Environment, others []model.Environment, fields []model.LiveField, onto string) (model.Patch, error) {
	if r.own == nil {
		return model.Patch{}, r.errNoCache("write live values to Git")
	}
	top, err := r.revision(onto)
	if err != nil {
		return model.Patch{}, fmt.Errorf("%s: %w", env.Name, err)
	}
	rendered, err := r.Render(ctx, env, top.Hash.String())
	if err != nil {
		return model.Patch{}, err
	}
	a := &adoption{Repo: r, ctx: ctx, env: env, root: top.TreeHash, now: rendered.Objects}
	tree, err := a.run(rendered.Inputs, others, fields)
	if err != nil {
		return model.Patch{}, wrapContent(err, "%s: cannot write what is live to Git", env.Name)
	}
	if tree == top.TreeHash {
		return model.Patch{}, model.Errorf(model.ExitUsage, "%s: nothing to write: Git has what is live already", env.Name)
	}
	return r.patch(top, tree)
}

// adoption looks for the edits that make fields render as they are live.
type adoption struct {
	*Repo
	ctx   context.Context // of the one call
	env   model.Environment
	dir   string // of the environment
	root  plumbing.Hash
	now   []model.Object // the render of root
	files []string       // that may be edited
	kust  string         // the environment's own kustomization; empty: there is none
	why   string         // the last edit that was tried did not do
	tries int            // for the field at hand
}

func (a *adoption) run(inputs []string, others []model.Environment, fields []model.LiveField) (plumbing.Hash, error) {
	dir, err := cleanPath(a.env.Path)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	tfs := newTreeFS(a.ctx, a.store, a.root, a.limits.file)
	if a.dir, _, err = tfs.lookup(dir); err != nil {
		return plumbing.ZeroHash, err
	}
	isChart, err := a.chartAt(a.ctx, a.dir, a.root)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	if err := a.readable(tfs, isChart, inputs, others); err != nil {
		return plumbing.ZeroHash, err
	}
	var rest []aim
	for _, f := range fields {
		goal, err := a.aim(f)
		if err != nil {
			return plumbing.ZeroHash, err
		}
		done, err := a.inPlace(goal, isChart)
		switch {
		case err != nil:
			return plumbing.ZeroHash, err
		case done:
		case isChart:
			return plumbing.ZeroHash, contentf("%s: %s is made by the templates of the chart in %s, and no value of its values files sets this field alone; change the value or the template by hand and open the pull request yourself", a.now[goal.object].ID, goal.path, a.dir)
		case goal.remove:
			return plumbing.ZeroHash, contentf("%s: %s is not live any more, and no file that only %s reads writes it by itself; remove it by hand where it is set%s", a.now[goal.object].ID, goal.path, a.env.Name, a.because())
		case a.kust == "":
			return plumbing.ZeroHash, contentf("%s: %s cannot be set in its manifest%s; write the live value there by hand", a.now[goal.object].ID, goal.path, a.because())
		default:
			rest = append(rest, goal)
		}
	}
	err = a.patches(rest)
	return a.root, err
}

func (a *adoption) because() string {
	if a.why == "" {
		return ""
	}
	return " (" + a.why + ")"
}

// readable finds the files that may be edited.
func (a *adoption) readable(tfs *treeFS, isChart bool, inputs []string, others []model.Environment) error {
	b := &bump{Repo: a.Repo, ctx: a.ctx, env: a.env, tfs: tfs}
	shared, err := a.shared(others)
	if err != nil {
		return err
	}
	files, kustomizations, err := b.ownFiles(".", inputs)
	if isChart {
		files, kustomizations = a.valuesFiles(), nil
	}
	if err != nil {
		return err
	}
	a.files = slices.DeleteFunc(files, shared)
	for _, k := range kustomizations {
		if path.Dir(k) == a.dir {
			a.kust = k
		}
	}
	if a.kust != "" && shared(a.kust) {
		return contentf("%s is read by another environment too, which a change here would alter; write the live value by hand where it is meant", a.kust)
	}
	return nil
}

// valuesFiles are those of a chart, the one that wins first.
func (a *adoption) valuesFiles() []string {
	var names []string
	for _, name := range slices.Backward(a.env.Helm.Values) {
		if p, err := cleanPath(name); err == nil {
			names = append(names, p)
		}
	}
	return append(names, path.Join(a.dir, "values.yaml"))
}

// shared reports of a file whether another environment reads it. One at the
// same path is the same environment elsewhere: no edit can tell them apart.
func (a *adoption) shared(others []model.Environment) (func(string) bool, error) {
	read, doubt := map[string]bool{}, false
	for _, other := range others {
		dir, err := cleanPath(other.Path)
		if err != nil || dir == a.dir {
			continue
		}
		res, err := a.scan(a.ctx, other, a.root)
		if err != nil {
			return nil, err
		}
		doubt = doubt || res.problem != nil // it may read more than it came to
		for _, f := range res.files {
			read[f] = true
		}
		for _, name := range other.Helm.Values {
			read[path.Clean(name)] = true
		}
	}
	return func(p string) bool {
		if doubt && a.dir != "." && !strings.HasPrefix(p, a.dir+"/") {
			return true
		}
		for at := p; ; at = path.Dir(at) {
			if read[at] {
				return true
			}
			if at == "." || at == "/" {
				return false
			}
		}
	}, nil
}

// find returns the rendered object that a field is of. A plan gives objects
// that name no namespace the one they go to.
func (a *adoption) find(id model.ObjectID) (int, error) {
	if id.Group == "" && id.Kind == "Secret" {
		return 0, contentf("%s: values of Secrets are never written to Git from what is live; change the Secret where it is kept", id)
	}
	found := -1
	for i, o := range a.now {
		if o.ID == id {
			return i, nil
		}
		if o.ID.Namespace == "" {
			o.ID.Namespace = id.Namespace
		}
		if o.ID == id {
			found = i
		}
	}
	if found < 0 {
		return 0, contentf("%s is not rendered, so that Git has no place for what is live in it; add its manifest by hand", id)
	}
	return found, nil
}

// try puts another text into a file and renders; ok when the render is what it
// is to be.
func (a *adoption) try(file string, data []byte, want []model.Object) (ok bool, err error) {
	n, err := a.store.nodeAt(a.root, file)
	if err != nil {
		return false, err
	}
	if !n.isRegular() {
		return false, nil
	}
	if n.hash, err = a.store.put(plumbing.BlobObject, data); err != nil {
		return false, err
	}
	tree, err := a.store.edited(a.root, map[string]node{file: n})
	if err != nil || tree == a.root {
		return false, err
	}
	a.tries++
	after, err := a.render(a.ctx, a.env, tree)
	if err != nil {
		return false, err
	}
	if a.why = differs(after, want, file); a.why != "" {
		return false, nil
	}
	a.root, a.now = tree, after.objects
	return true, nil
}

// differs says where a render is not what it is to be, by paths alone: values
// may be long, and are not for a message.
func differs(after *result, want []model.Object, file string) string {
	if after.problem != nil {
		return "with " + file + " changed it does not render: " + oneLine(after.problem.Error())
	}
	if len(after.objects) != len(want) {
		return "with " + file + " changed it renders other objects"
	}
	for i, o := range want {
		now := after.objects[i]
		if now.ID != o.ID {
			return fmt.Sprintf("with %s changed it renders %s instead of %s", file, now.ID, o.ID)
		}
		if d := fieldpath.Diff(o.Fields, now.Fields); len(d) > 0 {
			return fmt.Sprintf("with %s changed, %s of %s is not as it is to be", file, d[0].Path, o.ID)
		}
	}
	return ""
}

// text reads a file of the current tree; nil for one that is no YAML.
func (a *adoption) text(file string) (*yamlText, error) {
	data, err := newTreeFS(a.ctx, a.store, a.root, a.limits.file).read(file)
	var bad *contentError
	if errors.As(err, &bad) {
		return nil, nil
	}
	if err != nil {
		n, missing := a.store.nodeAt(a.root, file)
		if missing == nil && n == (node{}) {
			return nil, nil // a chart need not have values
		}
		return nil, err
	}
	y, err := readYAML(data)
	if err != nil {
		return nil, nil //nolint:nilerr // a file that a generator takes as it is
	}
	return y, nil
}

// inPlace changes the value where it is written, if it is in one place alone.
func (a *adoption) inPlace(goal aim, isChart bool) (bool, error) {
	a.why, a.tries = "", 0
	want := goal.applied(a.now)
	seen := map[string]bool{}
	for _, look := range []func(*yamlText, aim) []candidate{a.written, a.near, a.equal} {
		for _, file := range a.files {
			y, err := a.text(file)
			if err != nil {
				return false, err
			}
			if y == nil || isChart && goal.remove {
				continue
			}
			for _, c := range look(y, goal) {
				key := fmt.Sprintf("%s:%d", file, c.changes[0].from)
				if seen[key] || a.tries >= maxAdoptTries {
					continue
				}
				seen[key] = true
				if ok, err := a.try(file, y.apply(c.changes), want); ok || err != nil {
					return ok, err
				}
			}
		}
	}
	if a.kust != "" || isChart || goal.remove || goal.had {
		return false, nil
	}
	return a.added(goal, want)
}

// added puts a field that Git does not write into the manifest of its object.
func (a *adoption) added(goal aim, want []model.Object) (bool, error) {
	for _, file := range a.files {
		y, err := a.text(file)
		if err != nil {
			return false, err
		}
		if y == nil {
			continue
		}
		for _, doc := range y.docsOf(a.now[goal.object]) {
			if s, ok := y.add(doc, goal); ok {
				if ok, err := a.try(file, y.apply([]splice{s}), want); ok || err != nil {
					return ok, err
				}
			}
		}
	}
	return false, nil
}

// lastKey is the last key of a map on the way to the field.
func lastKey(goal aim) string {
	for _, s := range slices.Backward(goal.steps) {
		if !s.list {
			return s.key
		}
	}
	return ""
}
