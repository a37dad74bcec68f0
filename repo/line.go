package repo

import (
	"fmt"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/fairtide-dev/fairtide/model"
)

// point is a commit of a first-parent line.
type point struct {
	hash plumbing.Hash
	tree plumbing.Hash
}

// root stands for what is before the first commit: an empty tree.
var root = point{}

// ancestry is a line of first parents from a head on, read as far as somebody
// needed it.
type ancestry struct {
	points []point
	next   plumbing.Hash // of the point after those
	ended  bool
	cut    bool     // it ended where the clone is cut off
	deltas []*delta // by point: against the one after it
}

// line is a stretch of first parents, newest first. The last point is the one
// the list starts after: its own change is not part of it.
type line struct {
	of       *ancestry
	points   []point // of the ancestry, or with root after the last of them
	diverged string
	cut      bool // the clone ends before the deployed commit
	limit    int  // of rows; 0: none
}

// delta is how point i differs from the one after it. The survey's mu is held.
func (l line) delta(i int) *delta {
	for len(l.of.deltas) <= i {
		l.of.deltas = append(l.of.deltas, nil)
	}
	if l.of.deltas[i] == nil {
		l.of.deltas[i] = between(l.points[i+1].tree, l.points[i].tree)
	}
	return l.of.deltas[i]
}

// grow reads one more point.
func (s *survey) grow(a *ancestry) error {
	if err := s.ctx.Err(); err != nil {
		return err
	}
	at, parents, err := s.point(a.next)
	if err != nil {
		return err
	}
	a.points = append(a.points, at)
	switch {
	case s.shallow[at.hash]:
		a.ended, a.cut = true, true
	case len(parents) == 0:
		a.ended = true
	default:
		a.next = parents[0]
	}
	return nil
}

// point reads what a walk needs of a commit.
func (r *Repo) point(h plumbing.Hash) (point, []plumbing.Hash, error) {
	tree, parents, err := r.store.step(h)
	if err != nil {
		return point{}, nil, r.unreadable(h, err)
	}
	return point{h, tree}, parents, nil
}

// reach reads a line down to a commit and returns its index; -1 when it is not
// on the line, which then was read to its end.
func (s *survey) reach(a *ancestry, stop plumbing.Hash) (int, error) {
	for i := 0; ; i++ {
		if i == len(a.points) {
			if a.ended {
				return -1, nil
			}
			if err := s.grow(a); err != nil {
				return 0, err
			}
		}
		if a.points[i].hash == stop {
			return i, nil
		}
	}
}

// line finds the stretch from head to the deployed commit.
func (s *survey) line(head plumbing.Hash, deployed string) (line, error) {
	stop, err := s.named(deployed)
	known := err == nil
	if err != nil && model.CodeOf(err, model.ExitOK) != model.ExitUsage {
		return line{}, err
	}
	if s.shallow == nil {
		if s.shallow, err = s.store.shallow(); err != nil {
			return line{}, model.Errorf(model.ExitUnreachable, "cannot read which commits the clone is cut off at: %w", err)
		}
	}
	a := s.lines[head]
	if a == nil {
		a = &ancestry{next: head}
		s.lines[head] = a
	}
	i, err := s.reach(a, stop) // an unknown commit is the zero hash, which no point has
	switch {
	case err != nil:
		return line{}, err
	case i >= 0:
		return line{of: a, points: a.points[:i+1]}, nil
	case !known:
		return s.unknown(a, deployed), nil
	}
	return s.diverge(a, stop, deployed)
}

// unknown is the line for a deployed commit that the clone does not have.
func (s *survey) unknown(a *ancestry, deployed string) line {
	if a.cut {
		return cutOff(a, deployed)
	}
	return s.whole(a, fmt.Sprintf("deployed commit %s is not in this clone of %s; fetch it to see what is pending", model.Short(deployed), s.name))
}

func cutOff(a *ancestry, deployed string) line {
	end := a.points[len(a.points)-1].hash.String()
	return line{of: a, points: a.points, cut: true, diverged: fmt.Sprintf(
		"this clone is shallow and ends at %s, before deployed commit %s; older changes are not listed; run `git fetch --unshallow`",
		model.Short(end), model.Short(deployed))}
}

// whole is the line from the beginning of the branch.
func (s *survey) whole(a *ancestry, why string) line {
	limit := s.limits.rows
	return line{
		of:       a,
		points:   append(a.points[:len(a.points):len(a.points)], root),
		limit:    limit,
		diverged: fmt.Sprintf("%s; listed are the branch's changes from its beginning, at most %d", why, limit),
	}
}

// diverge says where the list is made from when the deployed commit is not on
// the first-parent line a, which was read to its end.
func (s *survey) diverge(a *ancestry, stop plumbing.Hash, deployed string) (line, error) {
	short := model.Short(deployed)
	index := make(map[plumbing.Hash]int, len(a.points))
	for i, p := range a.points {
		index[p.hash] = i
	}
	base, err := s.joint(index, stop)
	switch {
	case err != nil:
		return line{}, err
	case base < 0 && a.cut:
		return cutOff(a, deployed), nil
	case base < 0:
		return s.whole(a, fmt.Sprintf("deployed commit %s shares no history with the branch", short)), nil
	}
	l := line{of: a, points: a.points[:base+1]}
	at := model.Short(a.points[base].hash.String())
	if base == 0 {
		l.diverged = fmt.Sprintf("deployed commit %s is ahead of the branch: it comes after the head %s; nothing is pending", short, at)
		return l, nil
	}
	merge, err := s.mergedBy(l.points, index, stop)
	if err != nil {
		return line{}, err
	}
	why := "it was deployed from another branch, or a force push took it out"
	if merge >= 0 {
		why = "it came in with merge " + model.Short(a.points[merge].hash.String())
	}
	l.diverged = fmt.Sprintf("deployed commit %s is not on the first-parent line of the branch (%s); listed are the changes after their merge base %s", short, why, at)
	return l, nil
}

// joint finds the newest point of a line that is an ancestor of a commit; -1
// when none is.
func (s *survey) joint(index map[plumbing.Hash]int, from plumbing.Hash) (int, error) {
	best := -1
	err := s.behind([]plumbing.Hash{from}, map[plumbing.Hash]bool{}, func(h plumbing.Hash) bool {
		i, on := index[h]
		if on && (best < 0 || i < best) {
			best = i
		}
		return !on // what is behind it on the line is older still
	})
	return best, err
}

// mergedBy finds the oldest of some points of a line that brought in a commit
// which is not on it; -1 when none did.
func (s *survey) mergedBy(points []point, index map[plumbing.Hash]int, commit plumbing.Hash) (int, error) {
	seen := map[plumbing.Hash]bool{}
	for i, p := range slices.Backward(points) {
		_, parents, err := s.point(p.hash)
		if err != nil {
			return -1, err
		}
		if s.shallow[p.hash] || len(parents) < 2 {
			continue
		}
		found := false
		err = s.behind(parents[1:], seen, func(h plumbing.Hash) bool {
			_, on := index[h]
			found = found || h == commit
			return !on
		})
		if found || err != nil {
			return i, err
		}
	}
	return -1, nil
}

// behind visits commits and what is behind them, as far as visit says to go on.
func (s *survey) behind(from []plumbing.Hash, seen map[plumbing.Hash]bool, visit func(plumbing.Hash) bool) error {
	for todo := slices.Clone(from); len(todo) > 0; {
		if err := s.ctx.Err(); err != nil {
			return err
		}
		h := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if seen[h] {
			continue
		}
		seen[h] = true
		if !visit(h) || s.shallow[h] {
			continue
		}
		_, parents, err := s.point(h)
		if err != nil {
			return err
		}
		todo = append(todo, parents...)
	}
	return nil
}
