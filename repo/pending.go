package repo

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/fairtide-dev/fairtide/model"
)

// Pending lists the changes of an environment after the deployed commit up to
// head, newest first: the first-parent commits that touch what the
// environment's render reads at that commit or at its parent. head is a
// revision; empty is the head of the environment's branch. deployed is a
// commit, or empty when the environment was never deployed.
//
// A commit that does not render is listed with its Problem. A deployed commit
// that is not on the first-parent line, or not in this clone, is said in
// Diverged together with from where the list was made instead.
func (r *Repo) Pending(ctx context.Context, env model.Environment, deployed, head string) (model.Pending, error) {
	top, err := r.headOf(ctx, env, head)
	if err != nil {
		return model.Pending{}, fmt.Errorf("%s: %w", env.Name, err)
	}
	p := model.Pending{Deployed: deployed, Head: top}
	if deployed == "" {
		p.Adopt = true
		return p, nil
	}
	l, err := r.line(ctx, plumbing.NewHash(top.Hash), deployed)
	if err != nil {
		return model.Pending{}, fmt.Errorf("%s: %w", env.Name, err)
	}
	p.Diverged, p.Incomplete = l.diverged, l.cut
	w := &walk{Repo: r, ctx: ctx, dir: env.Path, limit: l.limit}
	if err := w.run(l.points); err != nil {
		return model.Pending{}, wrapContent(err, "%s: cannot list pending changes", env.Name)
	}
	p.Changes = w.changes
	if w.more {
		p.Incomplete = true
		p.Diverged += fmt.Sprintf("; only the newest %d changes are listed", l.limit)
	}
	return p, nil
}

func (r *Repo) headOf(ctx context.Context, env model.Environment, head string) (model.Commit, error) {
	if head == "" {
		return r.Head(ctx, env.Branch)
	}
	return r.Commit(ctx, head)
}

// point is a commit of a first-parent line.
type point struct {
	hash plumbing.Hash
	tree plumbing.Hash
}

// line is a stretch of first parents, newest first. The last point is the one
// the list starts after: its own change is not part of it.
type line struct {
	points   []point
	diverged string
	cut      bool // the clone ends before the deployed commit
	limit    int  // of rows; 0: none
}

// root stands for what is before the first commit: an empty tree.
var root = point{}

// line walks first parents from head to the deployed commit.
func (r *Repo) line(ctx context.Context, head plumbing.Hash, deployed string) (line, error) {
	stop, err := r.named(deployed)
	known := err == nil
	if err != nil && model.CodeOf(err, model.ExitOK) != model.ExitUsage {
		return line{}, err
	}
	shallow, err := r.store.shallow()
	if err != nil {
		return line{}, model.Errorf(model.ExitUnreachable, "cannot read which commits the clone is cut off at: %w", err)
	}
	var l line
	for h := head; ; {
		if err := ctx.Err(); err != nil {
			return line{}, err
		}
		c, err := r.commit(h)
		if err != nil {
			return line{}, err
		}
		l.points = append(l.points, point{h, c.TreeHash})
		switch {
		case known && h == stop:
			return l, nil
		case shallow[h]:
			l.diverged, l.cut = cutOff(h, deployed), true
			return l, nil
		case len(c.ParentHashes) == 0:
			return r.diverge(ctx, l, stop, deployed, known, shallow)
		}
		h = c.ParentHashes[0]
	}
}

func cutOff(h plumbing.Hash, deployed string) string {
	return fmt.Sprintf("this clone is shallow and ends at %s, before deployed commit %s; older changes are not listed; run `git fetch --unshallow`",
		model.Short(h.String()), model.Short(deployed))
}

// diverge says where the list is made from when the deployed commit is not on
// the whole first-parent line l.
func (r *Repo) diverge(ctx context.Context, l line, stop plumbing.Hash, deployed string, known bool, shallow map[plumbing.Hash]bool) (line, error) {
	short := model.Short(deployed)
	if !known {
		l.points = append(l.points, root)
		l.limit = r.limits.rows
		l.diverged = fmt.Sprintf("deployed commit %s is not in this clone of %s; fetch it to see what is pending; listed are the branch's changes from its beginning, at most %d", short, r.name, l.limit)
		return l, nil
	}
	base, err := r.joint(ctx, l.points, stop, shallow)
	if err != nil {
		return line{}, err
	}
	if base < 0 {
		l.points = append(l.points, root)
		l.limit = r.limits.rows
		l.diverged = fmt.Sprintf("deployed commit %s shares no history with the branch; listed are the branch's changes from its beginning, at most %d", short, l.limit)
		return l, nil
	}
	l.points = l.points[:base+1]
	l.diverged = fmt.Sprintf("deployed commit %s is not on the first-parent line of the branch; listed are the changes after their merge base %s", short, model.Short(l.points[base].hash.String()))
	return l, nil
}

// joint finds the newest point that is an ancestor of a commit; -1 when none is.
func (r *Repo) joint(ctx context.Context, points []point, from plumbing.Hash, shallow map[plumbing.Hash]bool) (int, error) {
	index := make(map[plumbing.Hash]int, len(points))
	for i, p := range points {
		index[p.hash] = i
	}
	best := -1
	seen := map[plumbing.Hash]bool{from: true}
	for todo := []plumbing.Hash{from}; len(todo) > 0; {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		h := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if i, on := index[h]; on {
			// What is behind it on the line is older still.
			if best < 0 || i < best {
				best = i
			}
			continue
		}
		if shallow[h] {
			continue
		}
		c, err := r.commit(h)
		if err != nil {
			return 0, err
		}
		for _, p := range c.ParentHashes {
			if !seen[p] {
				seen[p] = true
				todo = append(todo, p)
			}
		}
	}
	return best, nil
}

// walk goes down a line and finds the commits that touch what is read.
type walk struct {
	*Repo
	ctx     context.Context // of the one call the walk is made for
	dir     string
	limit   int
	changes []model.Change
	more    bool // limit left something out
}

func (w *walk) run(points []point) error {
	now, asked, err := w.start(points)
	if err != nil || now == nil {
		return err
	}
	for i := 0; i+1 < len(points); i++ {
		if err := w.ctx.Err(); err != nil {
			return err
		}
		c, parent := points[i], points[i+1]
		if c.tree == parent.tree {
			continue
		}
		same, err := asked.same(w.store, parent.tree, c.tree)
		if err != nil {
			return err
		}
		if same {
			continue // both render to now: a render reads nothing else
		}
		if w.limit > 0 && len(w.changes) == w.limit {
			w.more = true
			return nil
		}
		before, err := w.render(w.ctx, w.dir, parent.tree)
		if err != nil {
			return err
		}
		touched, err := union(asked, before.asked).differ(w.store, parent.tree, c.tree)
		if err != nil {
			return err
		}
		change, err := w.change(c, parent, before, now, touched)
		if err != nil {
			return err
		}
		w.changes = append(w.changes, change)
		if before.problem == nil {
			asked = before.asked
		} else {
			// It did not get to read all it would have, so what its neighbour
			// reads counts too.
			asked = union(asked, before.asked)
		}
		now = before
	}
	return nil
}

// start renders the newest point. When that fails, what counts as input is
// also what the next older point that renders has read: otherwise a change
// behind the broken one would go unseen.
func (w *walk) start(points []point) (*result, *inputs, error) {
	if len(points) < 2 {
		return nil, nil, nil
	}
	now, err := w.render(w.ctx, w.dir, points[0].tree)
	if err != nil {
		return nil, nil, err
	}
	asked, last := now.asked, now
	for i := 1; i < len(points) && last.problem != nil; i++ {
		same, err := last.asked.same(w.store, points[i-1].tree, points[i].tree)
		if err != nil {
			return nil, nil, err
		}
		if same {
			continue
		}
		if last, err = w.render(w.ctx, w.dir, points[i].tree); err != nil {
			return nil, nil, err
		}
		asked = union(asked, last.asked)
	}
	return now, asked, nil
}

// change describes one commit by what it does to the render.
func (w *walk) change(c, parent point, before, now *result, touched []string) (model.Change, error) {
	commit, err := w.commit(c.hash)
	if err != nil {
		return model.Change{}, err
	}
	ch := describeChange(commit)
	ch.Files = touched
	switch {
	case now.missing:
		ch.Problem = fmt.Sprintf("path %q does not exist at %s", w.dir, model.Short(c.hash.String()))
	case now.problem != nil:
		ch.Problem = oneLine(now.problem.Error())
	case before.problem != nil:
		ch.Problem = fmt.Sprintf("its parent %s does not render: %s", model.Short(parent.hash.String()), oneLine(before.problem.Error()))
	default: // a path that did not exist had no objects
		ch.Objects = changedObjects(before.objects, now.objects)
	}
	ch.RendersChange = ch.Problem != "" || len(ch.Objects) > 0
	return ch, nil
}

func describeChange(c *object.Commit) model.Change {
	pr, title := model.PullRequestOf(c.Message)
	_, body, _ := strings.Cut(strings.TrimSpace(c.Message), "\n")
	body = strings.TrimSpace(body)
	// The title of a merge is the first line of its body.
	if first, rest, _ := strings.Cut(body, "\n"); pr != nil && strings.TrimSpace(first) == title {
		body = strings.TrimSpace(rest)
	}
	return model.Change{
		Commit:      c.Hash.String(),
		Title:       title,
		Body:        body,
		Author:      c.Author.Name,
		AuthorEmail: c.Author.Email,
		MergedAt:    c.Committer.When.UTC(),
		PullRequest: pr,
	}
}

// changedObjects compares two renders, both sorted by identity.
func changedObjects(before, now []model.Object) []model.ChangedObject {
	var out []model.ChangedObject
	for i, j := 0, 0; i < len(before) || j < len(now); {
		order := 0
		switch {
		case i == len(before):
			order = 1
		case j == len(now):
			order = -1
		default:
			order = before[i].ID.Compare(now[j].ID)
		}
		switch {
		case order < 0:
			out = append(out, model.ChangedObject{ID: before[i].ID, Verdict: model.VerdictDelete})
			i++
		case order > 0:
			out = append(out, model.ChangedObject{ID: now[j].ID, Verdict: model.VerdictCreate})
			j++
		default:
			if d := differences(before[i].Fields, now[j].Fields); len(d) > 0 {
				out = append(out, model.ChangedObject{ID: now[j].ID, Verdict: model.VerdictUpdate, Summary: summarize(now[j].ID, d)})
			}
			i++
			j++
		}
	}
	return slices.Clip(out)
}
