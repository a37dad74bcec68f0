package repo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/fairtide-dev/fairtide/internal/textdiff"
	"github.com/fairtide-dev/fairtide/model"
)

// Revert gives the inverse of a commit on top of another: what `git revert`
// would do, and with a merge what `git revert -m 1` would. Commit has to be on
// the first-parent line of onto; both are revisions.
//
// Files that have changed since in the same place are Conflicts, and so is a
// file the commit added that is gone from onto: it may live on under another
// name, where the revert would leave it. That there is nothing left to revert
// is an error.
func (r *Repo) Revert(ctx context.Context, commit, onto string) (model.Patch, error) {
	if r.own == nil {
		return model.Patch{}, r.errNoCache("revert")
	}
	x, top, err := r.pair(commit, onto)
	if err != nil {
		return model.Patch{}, err
	}
	short := model.Short(x.Hash.String())
	on, err := r.Merged(ctx, x.Hash.String(), top.Hash.String())
	if err != nil {
		return model.Patch{}, err
	}
	if !on {
		return model.Patch{}, model.Errorf(model.ExitUsage, "%s: cannot revert %s: it is not on the first-parent line of %s; give the commit that merged it", r.name, short, model.Short(top.Hash.String()))
	}
	before, err := r.parentTree(x)
	if err != nil {
		return model.Patch{}, err
	}
	m := &treeMerge{ctx: ctx, store: r.store, limit: r.limits.file}
	tree, err := m.merge(x.TreeHash, top.TreeHash, before)
	if err != nil {
		return model.Patch{}, wrapContent(err, "%s: cannot revert %s", r.name, short)
	}
	gone, err := r.goneSince(x, before, top)
	if err != nil {
		return model.Patch{}, wrapContent(err, "%s: cannot revert %s", r.name, short)
	}
	p := model.Patch{Onto: top.Hash.String()}
	if len(m.clashes)+len(gone) > 0 {
		if p.Conflicts, err = r.conflicts(ctx, m.clashes, gone, x, top); err != nil {
			return model.Patch{}, err
		}
		return p, nil
	}
	if tree == top.TreeHash {
		return model.Patch{}, model.Errorf(model.ExitUsage, "%s: nothing to revert: what %s changed is no longer in %s", r.name, short, model.Short(top.Hash.String()))
	}
	return r.patch(top, tree)
}

// pair reads two commits.
func (r *Repo) pair(commit, onto string) (a, b *object.Commit, err error) {
	if a, err = r.revision(commit); err != nil {
		return nil, nil, err
	}
	b, err = r.revision(onto)
	return a, b, err
}

func (r *Repo) revision(rev string) (*object.Commit, error) {
	h, err := r.resolve(rev)
	if err != nil {
		return nil, err
	}
	return r.commit(h)
}

// parentTree is the tree of the first parent; the empty one of the first
// commit of all.
func (r *Repo) parentTree(c *object.Commit) (plumbing.Hash, error) {
	if len(c.ParentHashes) == 0 {
		return plumbing.ZeroHash, nil
	}
	p, err := r.commit(c.ParentHashes[0])
	if err != nil {
		return plumbing.ZeroHash, err
	}
	return p.TreeHash, nil
}

// patch describes how a tree differs from a commit's.
func (r *Repo) patch(onto *object.Commit, tree plumbing.Hash) (model.Patch, error) {
	p := model.Patch{Onto: onto.Hash.String(), Tree: tree.String()}
	leaves, err := r.store.leaves(onto.TreeHash, tree)
	if err != nil {
		return model.Patch{}, wrapContent(err, "%s: cannot compare with %s", r.name, model.Short(p.Onto))
	}
	for _, l := range leaves {
		f := model.FileChange{Path: l.path, Added: l.a == node{}, Removed: l.b == node{}}
		if f.Diff, f.Note, err = r.diff(l); err != nil {
			return model.Patch{}, wrapContent(err, "%s: cannot compare %s with %s", r.name, l.path, model.Short(p.Onto))
		}
		p.Files = append(p.Files, f)
	}
	return p, nil
}

const diffContext = 3 // lines around a change, as git has it

// secretSource finds what values of Secrets are written in: a manifest or a
// patch of kind Secret, in YAML or JSON, and a kustomization that generates one.
var secretSource = regexp.MustCompile(`(?m)\bsecretGenerator["']?\s*:|(?:^|[\s{,"'-])kind["']?\s*:\s*["']?Secret\b`)

// diff is the unified diff of one file; empty for one that is no text, and with
// a note instead for one in which values of Secrets may be.
func (r *Repo) diff(l leaf) (diff, note string, err error) {
	var texts [2]string
	for i, n := range []node{l.a, l.b} {
		switch n.mode {
		case "":
			continue
		case modeModule:
			texts[i] = "Subproject commit " + n.hash.String() + "\n"
			continue
		}
		data, err := r.store.blob(n.hash, r.limits.file)
		if errors.Is(err, errTooLarge) || isBinary(data) {
			return "", "", nil
		}
		if err != nil {
			return "", "", err
		}
		if secretSource.Match(data) {
			return "", "the diff is not shown: the file holds values of a Secret", nil
		}
		texts[i] = string(data)
	}
	from, to := "a/"+l.path, "b/"+l.path
	if l.a == (node{}) {
		from = "/dev/null"
	}
	if l.b == (node{}) {
		to = "/dev/null"
	}
	return textdiff.Unified(from, to, texts[0], texts[1], diffContext), "", nil
}

// goneSince lists the files that a commit added and that are not in onto
// anymore; each with where its content is now, if that is known.
func (r *Repo) goneSince(x *object.Commit, before plumbing.Hash, onto *object.Commit) ([]clash, error) {
	added, err := r.store.leaves(before, x.TreeHash)
	if err != nil {
		return nil, err
	}
	gone := map[string]plumbing.Hash{}
	for _, l := range added {
		if l.a != (node{}) {
			continue
		}
		now, err := r.store.nodeAt(onto.TreeHash, l.path)
		if err != nil {
			return nil, err
		}
		if now == (node{}) {
			gone[l.path] = l.b.hash
		}
	}
	if len(gone) == 0 {
		return nil, nil
	}
	since, err := r.store.leaves(x.TreeHash, onto.TreeHash)
	if err != nil {
		return nil, err
	}
	var out []clash
	for p, h := range gone {
		reason := "moved or removed"
		for _, l := range since {
			if l.a == (node{}) && l.b.hash == h {
				reason = "moved to " + l.path
				break
			}
		}
		out = append(out, clash{p, reason})
	}
	return out, nil
}

// conflicts says of each clash which commit made it.
func (r *Repo) conflicts(ctx context.Context, clashes, gone []clash, x, onto *object.Commit) ([]model.Conflict, error) {
	reasons := map[string][2]string{} // what stands before and behind the commit
	for _, c := range clashes {
		reasons[c.path] = [2]string{"changed since", " (" + c.reason + ")"}
	}
	for _, g := range gone {
		reasons[g.path] = [2]string{g.reason + " since", ""}
	}
	var out []model.Conflict
	for _, p := range slices.Sorted(maps.Keys(reasons)) {
		by, err := r.lastChange(ctx, p, x, onto)
		if err != nil {
			return nil, err
		}
		if by != "" {
			by = " by " + by
		}
		out = append(out, model.Conflict{Path: p, Reason: reasons[p][0] + by + reasons[p][1]})
	}
	return out, nil
}

// lastChange finds the newest first-parent commit after x that changed a path,
// as "1a2b3c4 title".
func (r *Repo) lastChange(ctx context.Context, p string, x, onto *object.Commit) (string, error) {
	c := onto
	at, err := r.store.nodeAt(c.TreeHash, p)
	if err != nil {
		return "", err
	}
	for c.Hash != x.Hash && len(c.ParentHashes) > 0 {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		parent, err := r.commit(c.ParentHashes[0])
		if err != nil {
			return "", err
		}
		before, err := r.store.nodeAt(parent.TreeHash, p)
		if err != nil {
			return "", err
		}
		if before != at {
			_, title := model.PullRequestOf(c.Message)
			return model.Short(c.Hash.String()) + " " + title, nil
		}
		c = parent
	}
	return "", nil
}

// BackTo gives the change that makes the environment what it was at a commit:
// on top of onto, every path that its render reads, then or now, as it was at
// the commit. It cannot conflict. That it is so already is an error, and so is
// a commit that does not render.
func (r *Repo) BackTo(ctx context.Context, env model.Environment, commit, onto string) (model.Patch, error) {
	if r.own == nil {
		return model.Patch{}, r.errNoCache("go back")
	}
	x, top, err := r.pair(commit, onto)
	if err != nil {
		return model.Patch{}, fmt.Errorf("%s: %w", env.Name, err)
	}
	short := model.Short(x.Hash.String())
	if _, err := r.Render(ctx, env, x.Hash.String()); err != nil {
		return model.Patch{}, fmt.Errorf("%s: cannot go back to %s: %w", env.Name, short, err)
	}
	then, err := r.render(ctx, env, x.TreeHash)
	if err != nil {
		return model.Patch{}, wrapContent(err, "%s: cannot go back to %s", env.Name, short)
	}
	now, err := r.render(ctx, env, top.TreeHash)
	if err != nil {
		return model.Patch{}, wrapContent(err, "%s: cannot go back to %s", env.Name, short)
	}
	tree, err := r.withInputs(top.TreeHash, x.TreeHash, union(then.asked, now.asked))
	if err != nil {
		return model.Patch{}, wrapContent(err, "%s: cannot go back to %s", env.Name, short)
	}
	if tree == top.TreeHash {
		return model.Patch{}, model.Errorf(model.ExitUsage, "%s: nothing to go back to: its inputs at %s are those of %s", env.Name, short, model.Short(top.Hash.String()))
	}
	after, err := r.render(ctx, env, tree)
	if err != nil {
		return model.Patch{}, wrapContent(err, "%s: cannot go back to %s", env.Name, short)
	}
	if after.problem != nil || !sameObjects(after.objects, then.objects) {
		return model.Patch{}, model.Errorf(model.ExitUsage, "%s: cannot go back to %s: with its inputs as they were it does not render the same", env.Name, short)
	}
	return r.patch(top, tree)
}

// withInputs is a root tree with the inputs of a render as another has them.
func (r *Repo) withInputs(onto, from plumbing.Hash, asked *inputs) (plumbing.Hash, error) {
	paths, err := asked.differ(r.store, onto, from)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	changes := map[string]node{}
	for _, p := range paths {
		if changes[p], err = r.store.nodeAt(from, p); err != nil {
			return plumbing.ZeroHash, err
		}
	}
	return r.store.edited(onto, changes)
}

func sameObjects(a, b []model.Object) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].ID != b[i].ID || !reflect.DeepEqual(a[i].Fields, b[i].Fields) {
			return false
		}
	}
	return true
}
