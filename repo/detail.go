package repo

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/fairtide-dev/fairtide/internal/manifest"
	"github.com/fairtide-dev/fairtide/internal/mask"
	"github.com/fairtide-dev/fairtide/internal/textdiff"
	"github.com/fairtide-dev/fairtide/model"
)

// What a detail holds at most. A commit can touch more than anybody reads.
const (
	detailFiles   = 1000    // listed
	detailCounted = 100_000 // files, listed or not
	detailText    = 8 << 20 // bytes of YAML, of all objects together
	detailContext = 3       // lines around a change
)

// Detail is all there is to say about one change of an environment: the files
// it touches compared with its first parent, the objects whose render it
// changes with both renders, who made it, and what its signature is worth.
// commit is a revision. Secret values are replaced by tokens that compare
// within the detail.
//
// At most 1000 files are listed, of 100,000 counted, and objects beyond the
// first 8 MiB of YAML come without their text.
func (r *Repo) Detail(ctx context.Context, env model.Environment, commit string) (model.ChangeDetail, error) {
	h, err := r.resolve(commit)
	if err != nil {
		return model.ChangeDetail{}, err
	}
	c, err := r.commit(h)
	if err != nil {
		return model.ChangeDetail{}, err
	}
	d, err := r.detail(ctx, env, c)
	if err != nil {
		return model.ChangeDetail{}, wrapContent(err, "%s: cannot show commit %s", env.Name, model.Short(h.String()))
	}
	return d, nil
}

func (r *Repo) detail(ctx context.Context, env model.Environment, c *object.Commit) (d model.ChangeDetail, err error) {
	if d.Change, err = r.describeChange(c, env); err != nil {
		return d, err
	}
	parent, parentTree, err := r.parent(c)
	if err != nil {
		return d, err
	}
	now, err := r.render(ctx, env, c.TreeHash)
	if err != nil {
		return d, err
	}
	before := &result{missing: true, asked: &inputs{}}
	if parent != plumbing.ZeroHash {
		if before, err = r.render(ctx, env, parentTree); err != nil {
			return d, err
		}
	}
	compareRenders(&d.Change, env, parent, before, now)
	if d.Files, err = union(now.asked, before.asked).differ(r.store, parentTree, c.TreeHash); err != nil {
		return d, err
	}
	if d.AllFiles, d.MoreFiles, err = r.fileStats(ctx, parentTree, c.TreeHash, d.Files); err != nil {
		return d, err
	}
	// Who can name both trees has the repository, and the Secrets in it.
	masker := mask.New(parentTree.String()+c.TreeHash.String(), env.Mask...)
	d.Details, err = objectDetails(d.Objects, before.objects, now.objects, masker)
	return d, err
}

// parent is the first parent and its tree, both zero for a first commit.
func (r *Repo) parent(c *object.Commit) (commit, tree plumbing.Hash, err error) {
	if len(c.ParentHashes) == 0 {
		return plumbing.ZeroHash, plumbing.ZeroHash, nil
	}
	shallow, err := r.store.shallow()
	if err != nil {
		return commit, tree, err
	}
	if shallow[c.Hash] {
		return commit, tree, contentf("this clone is shallow and ends at it, so what it changed cannot be said; run `git fetch --unshallow`")
	}
	p, err := r.commit(c.ParentHashes[0])
	if err != nil {
		return commit, tree, err
	}
	return p.Hash, p.TreeHash, nil
}

// objectDetails renders both sides of each changed object as text.
func objectDetails(changed []model.ChangedObject, before, now []model.Object, m mask.Masker) ([]model.ObjectDetail, error) {
	details := make([]model.ObjectDetail, 0, len(changed))
	room := detailText
	for _, c := range changed {
		d := model.ObjectDetail{ChangedObject: c}
		old, had := objectOf(before, c.ID)
		is, has := objectOf(now, c.ID)
		if d.Source = old.Source; has {
			d.Source = is.Source
		}
		if room <= 0 {
			d.Omitted = true
			details = append(details, d)
			continue
		}
		var err error
		if had {
			if d.Before, err = maskedText(old, m); err != nil {
				return nil, err
			}
		}
		if has {
			if d.After, err = maskedText(is, m); err != nil {
				return nil, err
			}
		}
		if room -= len(d.Before) + len(d.After); room < 0 {
			d.Before, d.After, d.Omitted = "", "", true
		}
		d.Diff = textdiff.Unified(sideName("before", had, c.ID), sideName("after", has, c.ID), d.Before, d.After, detailContext)
		details = append(details, d)
	}
	return details, nil
}

func sideName(side string, there bool, id model.ObjectID) string {
	if !there {
		return "/dev/null"
	}
	return side + " " + id.String()
}

// objectOf finds an object in a render, which is sorted by identity.
func objectOf(objects []model.Object, id model.ObjectID) (model.Object, bool) {
	i, ok := slices.BinarySearchFunc(objects, id, func(o model.Object, id model.ObjectID) int { return o.ID.Compare(id) })
	if !ok {
		return model.Object{}, false
	}
	return objects[i], true
}

func maskedText(o model.Object, m mask.Masker) (string, error) {
	fields, _ := clone(o.Fields).(map[string]any) // a render is shared
	text, err := manifest.YAML(m.Object(o.ID, fields))
	if err != nil {
		return "", fmt.Errorf("%s: %w", o.ID, err)
	}
	return string(text), nil
}

// fileStats lists the files that differ between two trees, sorted, and says how
// many more there are.
func (r *Repo) fileStats(ctx context.Context, a, b plumbing.Hash, inputs []string) (stats []model.FileStat, more int, err error) {
	w := &fileWalk{ctx: ctx, store: r.store, counted: detailCounted}
	if a != b {
		if err := w.walk("", a, b); err != nil {
			return nil, 0, err
		}
	}
	stats = renamed(w.found)
	read := make(map[string]bool, len(inputs))
	for _, p := range inputs {
		read[p] = true
	}
	for i, s := range stats {
		stats[i].Input = read[s.Path] || s.From != "" && read[s.From]
	}
	return stats, w.more, nil
}

type fileWalk struct {
	ctx     context.Context // of the one call the walk is made for
	store   *store
	counted int // entries that may still be looked at
	found   []leaf
	more    int
}

func (w *fileWalk) walk(dir string, a, b plumbing.Hash) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	x, err := w.store.nodes(a)
	if err != nil {
		return err
	}
	y, err := w.store.nodes(b)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(union2(x, y))) {
		l := leaf{path.Join(dir, name), x[name], y[name]}
		if l.a == l.b {
			continue
		}
		if w.counted--; w.counted < 0 {
			return nil
		}
		if l.a.isDir() || l.b.isDir() {
			if err := w.walk(l.path, l.a.dir(), l.b.dir()); err != nil {
				return err
			}
		}
		w.add(l)
	}
	return nil
}

func (w *fileWalk) add(l leaf) {
	if l.a.isDir() {
		l.a = node{}
	}
	if l.b.isDir() {
		l.b = node{}
	}
	switch {
	case l.a == l.b:
	case len(w.found) == detailFiles:
		w.more++
	default:
		w.found = append(w.found, l)
	}
}

// renamed makes one row of a file that is gone and one that is new with the
// same content.
func renamed(found []leaf) []model.FileStat {
	gone := map[node][]string{}
	for _, l := range found {
		if l.b == (node{}) {
			gone[l.a] = append(gone[l.a], l.path)
		}
	}
	moved := map[string]bool{}
	stats := make([]model.FileStat, 0, len(found))
	for _, l := range found {
		s := model.FileStat{Path: l.path, Status: model.FileModified}
		if l.a == (node{}) {
			s.Status = model.FileAdded
			if from := gone[l.b]; len(from) > 0 {
				s.Status, s.From, gone[l.b] = model.FileRenamed, from[0], from[1:]
				moved[s.From] = true
			}
		} else if l.b == (node{}) {
			s.Status = model.FileDeleted
		}
		stats = append(stats, s)
	}
	stats = slices.DeleteFunc(stats, func(s model.FileStat) bool { return s.Status == model.FileDeleted && moved[s.Path] })
	slices.SortFunc(stats, func(a, b model.FileStat) int { return strings.Compare(a.Path, b.Path) })
	return stats
}
