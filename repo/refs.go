package repo

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/fairtide-dev/fairtide/model"
)

// DefaultBranch is the branch that an environment without one is deployed
// from: what the remote calls its HEAD, else the branch that is checked out,
// else main or master.
func (r *Repo) DefaultBranch(ctx context.Context) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	prefix := "refs/remotes/" + r.remote + "/"
	target, err := r.store.symbolic(plumbing.ReferenceName(prefix + "HEAD"))
	if err != nil {
		return "", model.Errorf(model.ExitUnreachable, "cannot read the reference %sHEAD: %w", prefix, err)
	}
	if b, ok := strings.CutPrefix(target.String(), prefix); ok {
		return b, nil
	}
	target, err = r.store.symbolic(plumbing.HEAD)
	if err != nil {
		return "", model.Errorf(model.ExitUnreachable, "cannot read HEAD: %w", err)
	}
	branches := []string{"main", "master"}
	if target.IsBranch() {
		branches = slices.Insert(branches, 0, target.Short())
	}
	for _, b := range branches {
		if _, err := r.branch(b); err == nil {
			return b, nil
		}
	}
	return "", model.Errorf(model.ExitUsage, "%s has no default branch: HEAD names none, and there is neither main nor master; set `branch` of the environment", r.name)
}

// branch finds the head of a branch: as the remote has it, which is what is
// merged, and only when it has no such branch the local one.
func (r *Repo) branch(name string) (plumbing.Hash, error) {
	var err error
	for _, full := range []string{"refs/remotes/" + r.remote + "/" + name, "refs/heads/" + name} {
		var ref *plumbing.Reference
		if ref, err = r.store.reference(plumbing.ReferenceName(full)); err == nil {
			return ref.Hash(), nil
		}
		if !errors.Is(err, plumbing.ErrReferenceNotFound) {
			return plumbing.ZeroHash, model.Errorf(model.ExitUnreachable, "cannot read the reference %s: %w", full, err)
		}
	}
	return plumbing.ZeroHash, err
}

// Head is the newest commit of the branch; an empty name is the default
// branch. The remote's branch counts, as last fetched; a local branch only
// when the remote has none of that name.
func (r *Repo) Head(ctx context.Context, branch string) (model.Commit, error) {
	if err := ctx.Err(); err != nil {
		return model.Commit{}, err
	}
	h, err := r.headHash(ctx, branch)
	if err != nil {
		return model.Commit{}, err
	}
	return r.describe(h)
}

// headHash is Head without looking at the commit.
func (r *Repo) headHash(ctx context.Context, branch string) (h plumbing.Hash, err error) {
	if branch == "" {
		if branch, err = r.DefaultBranch(ctx); err != nil {
			return plumbing.ZeroHash, err
		}
	}
	h, err = r.branch(branch)
	if errors.Is(err, plumbing.ErrReferenceNotFound) {
		return plumbing.ZeroHash, model.Errorf(model.ExitUsage, "%s has no branch %q%s; check `branch` of the environment, or fetch", r.name, branch, r.nearBranches(branch))
	}
	return h, err
}

// nearBranches lists the branches that are spelled most like name.
func (r *Repo) nearBranches(name string) string {
	refs, err := r.store.references()
	if err != nil {
		return ""
	}
	var names []string
	for _, ref := range refs {
		full := ref.Name().String()
		for _, prefix := range []string{"refs/heads/", "refs/remotes/" + r.remote + "/"} {
			if b, ok := strings.CutPrefix(full, prefix); ok && b != "HEAD" && !slices.Contains(names, b) {
				names = append(names, b)
			}
		}
	}
	if len(names) == 0 {
		return " (it has none)"
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(distance(name, a), distance(name, b)), cmp.Compare(a, b))
	})
	const shown = 3
	return " (near: " + strings.Join(names[:min(shown, len(names))], ", ") + ")"
}

// distance is the number of letters to insert, remove or replace to turn a
// into b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// Resolve turns a revision into a full commit hash. It knows full and short
// hashes, HEAD, branches, remote branches and tags as git does, each with any
// number of ~N and ^N behind it.
func (r *Repo) Resolve(ctx context.Context, rev string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	h, err := r.resolve(rev)
	if err != nil {
		return "", err
	}
	return h.String(), nil
}

func (r *Repo) resolve(rev string) (plumbing.Hash, error) {
	base, steps := rev, ""
	if i := strings.IndexAny(rev, "~^"); i >= 0 {
		base, steps = rev[:i], rev[i:]
	}
	h, err := r.named(base)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	c, err := r.commit(h)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	for steps != "" {
		op := steps[0]
		digits := len(steps[1:]) - len(strings.TrimLeft(steps[1:], "0123456789"))
		n := 1
		if digits > 0 {
			if n, err = strconv.Atoi(steps[1 : 1+digits]); err != nil {
				return plumbing.ZeroHash, model.Errorf(model.ExitUsage, "%q is not a revision", rev)
			}
		}
		steps = steps[1+digits:]
		if steps != "" && steps[0] != '~' && steps[0] != '^' {
			return plumbing.ZeroHash, model.Errorf(model.ExitUsage, "%q is not a revision fairtide knows; use a hash, a branch or a tag, with ~N or ^N behind it", rev)
		}
		if c, err = r.step(rev, c, op, n); err != nil {
			return plumbing.ZeroHash, err
		}
	}
	return c.Hash, nil
}

// step goes to the n-th parent (^) or n first parents back (~).
func (r *Repo) step(rev string, c *object.Commit, op byte, n int) (*object.Commit, error) {
	times, parent := n, 0
	if op == '^' {
		if n == 0 {
			return c, nil
		}
		times, parent = 1, n-1
	}
	for range times {
		if parent >= len(c.ParentHashes) {
			return nil, model.Errorf(model.ExitUsage, "%q goes past %s, which has %d parents", rev, model.Short(c.Hash.String()), len(c.ParentHashes))
		}
		next, err := r.commit(c.ParentHashes[parent])
		if err != nil {
			return nil, err
		}
		c = next
	}
	return c, nil
}

// named finds the commit that a hash or a reference means.
func (r *Repo) named(name string) (plumbing.Hash, error) {
	if name == "" {
		return plumbing.ZeroHash, model.Errorf(model.ExitUsage, "an empty name is no revision; use a hash, a branch or a tag")
	}
	if plumbing.IsHash(name) {
		return r.peeled(name, plumbing.NewHash(name))
	}
	if h, ok := r.reference(name); ok {
		return r.peeled(name, h)
	}
	return r.abbreviated(name)
}

// reference finds what a reference points to: HEAD, a branch, a tag or a remote
// branch, as git looks for them.
func (r *Repo) reference(name string) (plumbing.Hash, bool) {
	if name == "@" {
		name = "HEAD"
	}
	for _, format := range []string{"%s", "refs/%s", "refs/tags/%s", "refs/heads/%s", "refs/remotes/%s", "refs/remotes/%s/HEAD"} {
		full := fmt.Sprintf(format, name)
		if full != "HEAD" && plumbing.ReferenceName(full).Validate() != nil {
			continue
		}
		ref, err := r.store.reference(plumbing.ReferenceName(full))
		if err == nil {
			return ref.Hash(), true
		}
	}
	h, err := r.remoteBranch(name)
	return h, err == nil
}

// remoteBranch lets the bare name of a branch that was never checked out be
// enough.
func (r *Repo) remoteBranch(name string) (plumbing.Hash, error) {
	full := plumbing.ReferenceName("refs/remotes/" + r.remote + "/" + name)
	if err := full.Validate(); err != nil {
		return plumbing.ZeroHash, err
	}
	ref, err := r.store.reference(full)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	return ref.Hash(), nil
}

func (r *Repo) peeled(name string, h plumbing.Hash) (plumbing.Hash, error) {
	to, typ, err := r.store.peel(h)
	switch {
	case errors.Is(err, plumbing.ErrObjectNotFound):
		return plumbing.ZeroHash, model.Errorf(model.ExitUsage, "commit %s is not in this clone of %s; fetch it first", name, r.name)
	case err != nil:
		return plumbing.ZeroHash, model.Errorf(model.ExitUnreachable, "cannot read %s: %w", name, err)
	case typ != plumbing.CommitObject:
		return plumbing.ZeroHash, model.Errorf(model.ExitUsage, "%s is a %s, not a commit", name, typ)
	}
	return to, nil
}

// abbreviated finds the one commit whose hash starts with prefix.
func (r *Repo) abbreviated(prefix string) (plumbing.Hash, error) {
	const shortest = 4 // as git has it
	lower := strings.ToLower(prefix)
	whole, err := hex.DecodeString(lower[:len(lower)/2*2])
	if err != nil || len(lower) < shortest || len(lower) > 40 || strings.Trim(lower, "0123456789abcdef") != "" {
		return plumbing.ZeroHash, model.Errorf(model.ExitUsage, "%s has no commit, branch or tag %q", r.name, prefix)
	}
	found, err := r.store.prefixed(lower, whole)
	if err != nil {
		return plumbing.ZeroHash, model.Errorf(model.ExitUnreachable, "cannot look for commit %s: %w", prefix, err)
	}
	var commits []string
	for _, h := range found {
		if _, typ, err := r.store.peel(h); err == nil && typ == plumbing.CommitObject {
			commits = append(commits, h.String())
		}
	}
	switch len(commits) {
	case 1:
		return r.peeled(prefix, plumbing.NewHash(commits[0]))
	case 0:
		return plumbing.ZeroHash, model.Errorf(model.ExitUsage, "%s has no commit, branch or tag %q", r.name, prefix)
	}
	slices.Sort(commits)
	return plumbing.ZeroHash, model.Errorf(model.ExitUsage, "%q is ambiguous: it can be %s; give more digits", prefix, strings.Join(commits, " or "))
}

// commit reads a commit; one that is missing is an error for the operator.
func (r *Repo) commit(h plumbing.Hash) (*object.Commit, error) {
	c, err := r.store.commit(h)
	if err != nil {
		return nil, r.unreadable(h, err)
	}
	return c, nil
}

// unreadable says why a commit cannot be read.
func (r *Repo) unreadable(h plumbing.Hash, err error) error {
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		return model.Errorf(model.ExitUsage, "commit %s is not in this clone of %s; fetch it first", h, r.name)
	}
	return model.Errorf(model.ExitUnreachable, "cannot read %w", err)
}

// Commit describes the commit that a revision names.
func (r *Repo) Commit(ctx context.Context, hash string) (model.Commit, error) {
	if err := ctx.Err(); err != nil {
		return model.Commit{}, err
	}
	if h, ok := r.target(hash); ok {
		var d model.Commit
		if kept(r.disk, commitKey(h), &d) {
			return d, nil
		}
	}
	h, err := r.resolve(hash)
	if err != nil {
		return model.Commit{}, err
	}
	return r.describe(h)
}

// describe says what a person needs to recognise a commit. It is kept on disk.
func (r *Repo) describe(h plumbing.Hash) (d model.Commit, err error) {
	if kept(r.disk, commitKey(h), &d) {
		return d, nil
	}
	c, err := r.commit(h)
	if err != nil {
		return model.Commit{}, err
	}
	_, title := model.PullRequestOf(c.Message)
	d = model.Commit{
		Hash:      c.Hash.String(),
		Title:     title,
		Author:    c.Author.Name,
		Committed: c.Committer.When.UTC(),
	}
	keep(r.disk, commitKey(h), d)
	return d, nil
}
