package repo

import (
	"context"
	"fmt"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/fairtide-dev/fairtide/model"
)

// tagForm is what the distribution specification allows as a tag.
var tagForm = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$`)

// Bump gives the change that moves an image of the environment to another tag.
// It touches files in the environment's own directory only, so that another
// environment that shares a base is not changed, and of them the lines that
// set the tag: the entry of `images` in a kustomization there, else the
// `image:` lines there; and when the image comes from a shared base alone, an
// entry is added to the environment's kustomization, in the style of the file.
//
// The result is rendered: every use of the image has the new tag and nothing
// else differs, or Bump is an error. So is an image the environment does not
// use, one that has the tag already, and one that is pinned by digest.
func (r *Repo) Bump(ctx context.Context, env model.Environment, image, tag, onto string) (model.Patch, error) {
	if r.own == nil {
		return model.Patch{}, r.errNoCache("bump an image")
	}
	if !tagForm.MatchString(tag) {
		return model.Patch{}, model.Errorf(model.ExitUsage, "%s: %q is no image tag", env.Name, tag)
	}
	top, err := r.revision(onto)
	if err != nil {
		return model.Patch{}, fmt.Errorf("%s: %w", env.Name, err)
	}
	rendered, err := r.Render(ctx, env, top.Hash.String())
	if err != nil {
		return model.Patch{}, err
	}
	if err := bumpable(env, image, tag, top.Hash.String(), imagesOf(rendered.Objects)); err != nil {
		return model.Patch{}, err
	}
	b := &bump{Repo: r, ctx: ctx, env: env, image: image, tag: tag, root: top.TreeHash, before: rendered.Objects}
	tree, err := b.find(rendered.Inputs)
	if err != nil {
		return model.Patch{}, wrapContent(err, "%s: cannot set %s to %s", env.Name, image, tag)
	}
	return r.patch(top, tree)
}

func bumpable(env model.Environment, image, tag, commit string, uses []model.ImageUse) error {
	found, moves := false, false
	for _, u := range uses {
		if u.Image != image {
			continue
		}
		if u.Digest != "" {
			return model.Errorf(model.ExitUsage, "%s: %s is pinned by digest at %s; change the digest in its file", env.Name, imageText(u), model.Short(commit))
		}
		found, moves = true, moves || u.Tag != tag
	}
	switch {
	case !found:
		return unusedImage(env, image, commit, uses)
	case !moves:
		return model.Errorf(model.ExitUsage, "%s: %s has the tag %s at %s already", env.Name, image, tag, model.Short(commit))
	}
	return nil
}

// bump looks for the edit that moves an image.
type bump struct {
	*Repo
	ctx        context.Context // of the one call
	env        model.Environment
	image, tag string
	root       plumbing.Hash
	before     []model.Object
	tfs        *treeFS
	why        string // the last edit that was tried did not do
}

// find tries the edits in order of preference and returns the first tree that
// renders as it should.
func (b *bump) find(inputs []string) (plumbing.Hash, error) {
	b.tfs = newTreeFS(b.ctx, b.store, b.root, b.limits.file)
	dir, err := cleanPath(b.env.Path)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	if dir, _, err = b.tfs.lookup(dir); err != nil {
		return plumbing.ZeroHash, err
	}
	if is, err := b.chartAt(b.ctx, dir, b.root); err != nil {
		return plumbing.ZeroHash, err
	} else if is {
		return b.chartTag(dir)
	}
	mine, kustomizations, err := b.ownFiles(dir, inputs)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	var tries []map[string]func(*yamlText) ([]splice, bool)
	for _, k := range kustomizations {
		tries = append(tries, map[string]func(*yamlText) ([]splice, bool){k: b.entry})
	}
	lines := map[string]func(*yamlText) ([]splice, bool){}
	for _, f := range mine {
		if !slices.Contains(kustomizations, f) {
			lines[f] = b.lines
		}
	}
	tries = append(tries, lines)
	if len(kustomizations) > 0 && path.Dir(kustomizations[0]) == dir {
		tries = append(tries, map[string]func(*yamlText) ([]splice, bool){kustomizations[0]: b.added})
	}
	for _, try := range tries {
		tree, ok, err := b.try(try)
		if err != nil || ok {
			return tree, err
		}
	}
	if b.why == "" {
		b.why = fmt.Sprintf("no file below %s sets it; change it where it is set", dir)
	}
	return plumbing.ZeroHash, contentf("%s", b.why)
}

// ownFiles are the inputs below the environment's directory that hold YAML,
// and the kustomizations among them, the environment's own first.
func (b *bump) ownFiles(dir string, inputs []string) (mine, kustomizations []string, err error) {
	add := func(p string, e entry) {
		if e.kind != file {
			return
		}
		if isKustomization(path.Base(p)) {
			kustomizations = append(kustomizations, p)
		}
		mine = append(mine, p)
	}
	for _, p := range inputs {
		if dir != "." && p != dir && !strings.HasPrefix(p, dir+"/") {
			continue
		}
		real, e, err := b.tfs.lookup(p)
		if err != nil {
			return nil, nil, err
		}
		if real != p {
			continue // a symbolic link; where it leads is an input of its own
		}
		if e.kind == directory {
			if err := b.manifests(p, e, add); err != nil {
				return nil, nil, err
			}
			continue
		}
		add(p, e)
	}
	slices.SortStableFunc(kustomizations, func(x, y string) int { return strings.Count(x, "/") - strings.Count(y, "/") })
	slices.Sort(mine)
	return slices.Compact(mine), slices.Compact(kustomizations), nil
}

// manifests lists the files of a directory of plain manifests.
func (b *bump) manifests(dir string, e entry, add func(string, entry)) error {
	t, err := b.store.sub(e)
	if err != nil {
		return err
	}
	return t.each(func(name string, e entry) error {
		p := path.Join(dir, name)
		switch {
		case hidden(name):
		case e.kind == directory:
			return b.manifests(p, e, add)
		case isManifest(name):
			add(p, e)
		}
		return nil
	})
}

func (b *bump) entry(y *yamlText) ([]splice, bool) {
	changes, digest, ok := y.imageEntry(b.image, b.tag)
	if digest {
		b.why = "its entry in images pins a digest; change the digest there"
	}
	return changes, ok
}

func (b *bump) lines(y *yamlText) ([]splice, bool) { return y.imageLines(b.image, b.tag) }

func (b *bump) added(y *yamlText) ([]splice, bool) { return y.addEntry(b.image, b.tag) }

// try makes an edit of some files and renders; ok when the render is right.
func (b *bump) try(edits map[string]func(*yamlText) ([]splice, bool)) (tree plumbing.Hash, ok bool, err error) {
	changes := map[string]node{}
	for p, edit := range edits {
		data, err := b.tfs.read(p)
		if err != nil {
			return plumbing.ZeroHash, false, err
		}
		y, err := readYAML(data)
		if err != nil {
			continue // not YAML: a file a generator takes as it is
		}
		splices, ok := edit(y)
		if !ok {
			continue
		}
		n, err := b.store.nodeAt(b.root, p)
		if err != nil {
			return plumbing.ZeroHash, false, err
		}
		if n.hash, err = b.store.put(plumbing.BlobObject, y.apply(splices)); err != nil {
			return plumbing.ZeroHash, false, err
		}
		changes[p] = n
	}
	if len(changes) == 0 {
		return plumbing.ZeroHash, false, nil
	}
	if tree, err = b.store.edited(b.root, changes); err != nil {
		return plumbing.ZeroHash, false, err
	}
	after, err := b.render(b.ctx, b.env, tree)
	if err != nil {
		return plumbing.ZeroHash, false, err
	}
	if b.why = b.wrong(after); b.why != "" {
		return plumbing.ZeroHash, false, nil
	}
	return tree, true, nil
}

// wrong says what a render has that it should not; empty when all is well.
func (b *bump) wrong(after *result) string {
	if after.problem != nil {
		return "with the tag changed it does not render: " + oneLine(after.problem.Error())
	}
	if len(after.objects) != len(b.before) {
		return "with the tag changed it renders other objects"
	}
	for i, o := range b.before {
		now := after.objects[i]
		if o.ID != now.ID {
			return fmt.Sprintf("with the tag changed it renders %s instead of %s", now.ID, o.ID)
		}
		want := clone(o.Fields).(map[string]any)
		if spec := podSpec(model.Object{ID: o.ID, Fields: want}); spec != nil {
			b.retag(spec)
		} else if !reflect.DeepEqual(want, now.Fields) {
			b.retagAll(want) // kustomize changes images of custom resources too
		}
		if !reflect.DeepEqual(want, now.Fields) {
			return fmt.Sprintf("the tag of %s cannot be changed by itself: it would change %s otherwise, or leave it on another tag", b.image, o.ID)
		}
	}
	return ""
}

func (b *bump) retag(spec map[string]any) {
	eachImage(spec, func(c map[string]any, image string) {
		if name, _, _ := imageParts(image); name == b.image {
			c["image"] = b.image + ":" + b.tag
		}
	})
}

func (b *bump) retagAll(v any) {
	switch v := v.(type) {
	case map[string]any:
		b.retag(v)
		for _, e := range v {
			b.retagAll(e)
		}
	case []any:
		for _, e := range v {
			b.retagAll(e)
		}
	}
}
