package review

import (
	"fmt"
	"reflect"

	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/internal/lens"
	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/paint"
)

// movements are the rows of a plan that are not as they were.
type movements struct {
	opened indexed                 // as it was when the page was opened
	last   indexed                 // as it was before the last reading
	since  map[model.ObjectID]bool // differ from opened
	unseen map[model.ObjectID]bool // of those, not looked at since they moved
}

// indexed is a plan, and where in it each object is.
type indexed struct {
	plan *model.Plan
	at   map[model.ObjectID]int
}

// sync takes another reading. Of another commit than before, nothing is said to
// have moved: it is another plan.
func (m *movements) sync(now indexed) {
	if m.opened.plan == nil || m.opened.plan.Commit != now.plan.Commit {
		*m = movements{opened: now, last: now}
		return
	}
	if m.last.plan == now.plan {
		return
	}
	was := movedRows(m.last, now)
	m.since = movedRows(m.opened, now)
	if m.unseen == nil {
		m.unseen = map[model.ObjectID]bool{}
	}
	for id := range was {
		m.unseen[id] = true
	}
	for id := range m.unseen {
		if !m.since[id] {
			delete(m.unseen, id) // it is again as it was
		}
	}
	m.last = now
}

// movedRows are the objects that two plans of one commit judge differently.
func movedRows(was, now indexed) map[model.ObjectID]bool {
	out := map[model.ObjectID]bool{}
	stayed := 0
	for i := range now.plan.Objects {
		o := &now.plan.Objects[i]
		before, ok := was.at[o.ID]
		if ok {
			stayed++
		}
		if !ok || !sameRow(&was.plan.Objects[before], o) {
			out[o.ID] = true
		}
	}
	if stayed == len(was.plan.Objects) {
		return out
	}
	for id := range was.at {
		if _, ok := now.at[id]; !ok {
			out[id] = true // it is in the plan no more
		}
	}
	return out
}

// sameRow compares what a row shows. An object that was not written to in
// between needs no comparison of its sides.
func sameRow(a, b *model.PlannedObject) bool {
	if a.Verdict != b.Verdict || a.Reason != b.Reason || a.TakesOwnership != b.TakesOwnership {
		return false
	}
	if a.Live == b.Live && a.Live.ResourceVersion != "" {
		return true
	}
	return reflect.DeepEqual(a.Before, b.Before) && reflect.DeepEqual(a.After, b.After)
}

// ShowMoved selects the first object that moved and was not looked at, counts
// all of them as looked at, as their rows are marked, and says how many there
// were.
func (p *Page) ShowMoved() (n int, cmd tea.Cmd) {
	if n = len(p.moved.unseen); n == 0 || p.seen == nil {
		return 0, nil
	}
	for _, o := range p.Plan.Value.Objects {
		if p.moved.unseen[o.ID] && p.objects.Select(row{id: o.ID}) {
			break
		}
	}
	clear(p.moved.unseen)
	return n, p.follow()
}

// carry keeps the comparisons of the objects that show what they showed before.
// It is called with the index of what is seen now, and given that of before.
func (p *Page) carry(was *model.Plan, wasAt map[model.ObjectID]int) {
	if was == nil || p.docs == nil {
		p.docs, p.order = map[model.ObjectID]compared{}, nil
		return
	}
	var order []model.ObjectID
	for _, id := range p.order {
		i, ok := p.index[id]
		if ok && sameDocument(was.Objects[wasAt[id]], p.seen.Objects[i]) {
			order = append(order, id)
		} else {
			delete(p.docs, id)
		}
	}
	p.order = order
}

func sameDocument(a, b model.PlannedObject) bool {
	return reflect.DeepEqual(a.Before, b.Before) && reflect.DeepEqual(a.After, b.After) &&
		reflect.DeepEqual(a.Shown, b.Shown) && reflect.DeepEqual(a.Causes, b.Causes)
}

// freshness says in a few words how current the page is, and whether it is not
// as it was.
func (p *Page) freshness() (words string, moved bool) {
	if n := len(p.moved.since); n > 0 {
		return fmt.Sprintf("%d changed", n), true
	}
	return "", false
}

// toggleHidden shows or hides what rules keep out of the diffs.
func (p *Page) toggleHidden() (cmd tea.Cmd, note string, ok bool) {
	if p.Plan.Value == nil {
		return nil, "", true
	}
	n := 0
	for _, o := range p.Plan.Value.Objects {
		n += len(o.Hidden)
		for _, h := range o.LensHiding {
			n += len(h.Hidden)
		}
	}
	if n == 0 {
		return nil, "no rule hides anything in this plan", true
	}
	p.hidden = !p.hidden
	p.shown = model.ObjectID{} // it is another diff
	return p.Sync(), "", true
}

// hiddenLines name what rules hide of an object, or say how to see it.
func (p *Page) hiddenLines(f frame.Frame, o model.PlannedObject, w int) []string {
	words := lens.HiddenWords(o)
	if words == "" {
		return nil
	}
	if !p.hidden {
		return []string{paint.Cut("   "+f.Dim.Paint(words+", written all the same: . shows it"), w)}
	}
	var out []string
	for _, h := range o.Hidden {
		for _, l := range paint.Wrap(sanitize.Line(h.Rule)+": "+sanitize.Line(h.Path), w-6) {
			out = append(out, "   "+f.Dim.Paint(l))
		}
	}
	return out
}
