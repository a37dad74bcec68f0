package repo

import (
	"github.com/fairtide-dev/fairtide/model"
)

// walk goes down a line and finds the commits that touch what is read.
//
// What is read is known for certain only after each touched commit's parent was
// rendered. Most changes leave it as it is, so the walk looks for the next
// touched commits as if it stayed, and has their renders made meanwhile. Where
// it did change, what was found is forgotten and looked for again: the list is
// the one that rendering one after the other would give.
type walk struct {
	*survey
	env   model.Environment
	line  line
	asked *inputs // what is read at the point the walk is at
	found []touch // touched points after that, as far as looked
	next  int     // where to look on

	changes []model.Change
	more    bool // limit left something out
}

// touch is a point that differs from its parent in what is read.
type touch struct {
	at     int
	parent *rendering
}

func (w *walk) run() error {
	if len(w.line.points) < 2 {
		return nil
	}
	now, err := w.start()
	if err != nil {
		return err
	}
	for {
		if err := w.look(); err != nil {
			return err
		}
		switch {
		case len(w.found) == 0:
			return nil
		case w.full(len(w.changes)):
			w.more = true
			return nil
		}
		t := w.found[0]
		w.found = w.found[1:]
		before, err := w.wait(t.parent)
		if err != nil {
			return err
		}
		change, err := w.change(t.at, before, now)
		if err != nil {
			return err
		}
		w.changes = append(w.changes, change)
		asked := before.asked
		if before.problem != nil {
			// It did not get to read all it would have, so what its neighbour
			// reads counts too.
			asked = union(w.asked, asked)
		}
		if !asked.equal(w.asked) {
			w.asked, w.found, w.next = asked, nil, t.at+1
		}
		now = before
	}
}

// full reports whether n changes are as many as may be listed.
func (w *walk) full(n int) bool { return w.line.limit > 0 && n >= w.line.limit }

// start renders the newest point. When that fails, what counts as input is
// also what the next older point that renders has read: otherwise a change
// behind the broken one would go unseen.
func (w *walk) start() (*result, error) {
	points := w.line.points
	now, err := w.renderAt(0)
	if err != nil {
		return nil, err
	}
	w.asked = now.asked
	for i, last := 1, now; i < len(points) && last.problem != nil; i++ {
		touched, err := w.touches(last.asked, i-1)
		if err != nil {
			return nil, err
		}
		if !touched {
			continue
		}
		if last, err = w.renderAt(i); err != nil {
			return nil, err
		}
		w.asked = union(w.asked, last.asked)
	}
	return now, nil
}

func (w *walk) renderAt(i int) (*result, error) {
	w.mu.Lock()
	r := w.ahead(w.env, w.line.points[i].tree)
	w.mu.Unlock()
	return w.wait(r)
}

func (w *walk) touches(asked *inputs, i int) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.touchesLocked(asked, i)
}

// touchesLocked reports whether point i differs from the one after it in what
// was asked. Where it does not, both render to the same: a render reads nothing
// else.
func (w *walk) touchesLocked(asked *inputs, i int) (bool, error) {
	if err := w.ctx.Err(); err != nil {
		return false, err
	}
	if w.line.points[i].tree == w.line.points[i+1].tree {
		return false, nil
	}
	same, err := asked.sameIn(w.store, w.line.delta(i))
	return !same, err
}

// look finds the next touched points under what is read now and has the renders
// of their parents made: as many as can be made at once.
func (w *walk) look() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for ; len(w.found) < cap(w.slots) && w.next+1 < len(w.line.points); w.next++ {
		touched, err := w.touchesLocked(w.asked, w.next)
		if err != nil {
			return err
		}
		if !touched {
			continue
		}
		t := touch{at: w.next}
		if !w.full(len(w.changes) + len(w.found)) {
			t.parent = w.ahead(w.env, w.line.points[w.next+1].tree)
		}
		w.found = append(w.found, t)
	}
	return nil
}

// change describes one commit by what it does to the render.
func (w *walk) change(i int, before, now *result) (model.Change, error) {
	ch, err := w.described(w.line.points[i].hash, w.env)
	if err != nil {
		return model.Change{}, err
	}
	if ch.Files, err = w.files(i, before); err != nil {
		return model.Change{}, err
	}
	if w.outline && before.problem == nil && now.problem == nil && !now.missing {
		return ch, nil
	}
	compareRenders(&ch, w.env, w.line.points[i+1].hash, before, now)
	return ch, nil
}

// files lists what point i touched of what is read there or at its parent.
func (w *walk) files(i int, before *result) ([]string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	asked := w.asked
	if !asked.equal(before.asked) {
		asked = union(asked, before.asked)
	}
	return asked.differIn(w.store, w.line.delta(i))
}
