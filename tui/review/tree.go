package review

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/list"
	"github.com/fairtide-dev/fairtide/tui/paint"
)

// grouping is what the objects stand under in the list.
type grouping uint8

// The groupings, in the order in which the key goes through them.
const (
	byVerdict grouping = iota
	byKind
	byWave
	groupings
)

// row is a row of the object list: a heading, or an object.
type row struct {
	group string // of a heading; empty: it is an object's row
	id    model.ObjectID
}

// group is a heading and what stands under it. What stays unchanged is a group
// of its own in every grouping: it is not written, and nobody has to read it.
type group struct {
	key     string
	title   string
	verdict model.Verdict // if it is one verdict's
	objects []int         // of the plan, in the order in which they are listed
	listed  []int         // those that the filter leaves
}

// sameKey is the group of what stays unchanged.
const sameKey = string(model.VerdictUnchanged)

// arrange puts each object of a plan into exactly one group.
func arrange(plan *model.Plan, by grouping) []group {
	at := map[place]int{}
	var out []group
	var order []place // of the groups
	for i := range plan.Objects {
		o := &plan.Objects[i]
		where := placeOf(o, by)
		n, ok := at[where]
		if !ok {
			n = len(out)
			at[where] = n
			out, order = append(out, groupAt(where)), append(order, where)
		}
		out[n].objects = append(out[n].objects, i)
	}
	if by == byVerdict {
		return out // the plan is sorted by it
	}
	sorted := make([]group, 0, len(out))
	for _, where := range slices.SortedFunc(slices.Values(order), comparePlaces) {
		g := out[at[where]]
		if by == byWave && where.wave > 0 {
			slices.SortFunc(g.objects, func(a, b int) int { return model.CompareApplied(&plan.Objects[a], &plan.Objects[b]) })
			g.title = fmt.Sprintf("wave %d  %s", len(sorted)+1, g.title) // as the run counts them: without empty ones
		}
		sorted = append(sorted, g)
	}
	return sorted
}

// place is what the objects of a group have in common.
type place struct {
	verdict     model.Verdict // in other groupings: unchanged, or empty
	wave        model.WaveKey // one more than it; 0: none
	kind, group string
}

func placeOf(o *model.PlannedObject, by grouping) place {
	if by == byVerdict || o.Verdict == model.VerdictUnchanged {
		return place{verdict: o.Verdict}
	}
	if by == byKind {
		return place{kind: o.ID.Kind, group: o.ID.Group}
	}
	wave, _ := o.InWave() // whatever differs is written
	return place{wave: wave + 1}
}

func comparePlaces(a, b place) int {
	return cmp.Or(cmp.Compare(a.verdict, b.verdict), cmp.Compare(a.wave, b.wave), cmp.Compare(a.kind, b.kind), cmp.Compare(a.group, b.group))
}

func groupAt(p place) group {
	switch {
	case p.verdict != "":
		return group{key: string(p.verdict), title: string(p.verdict), verdict: p.verdict}
	case p.kind != "":
		return group{key: p.kind + "." + p.group, title: p.kind}
	}
	name := (p.wave - 1).Name()
	return group{key: name, title: name}
}

// arrange is the groups of what is seen. They were made in advance, unless it is
// new.
func (p *Page) arrange() []group {
	if p.arranged[p.by] == nil && p.found != nil && p.found.seen == p.seen {
		if s := p.found.sights[glass{p.lens, p.hidden}]; s != nil {
			return slices.Clone(s.groups[p.by])
		}
	}
	if p.arranged[p.by] == nil {
		p.arranged[p.by] = arrange(p.seen, p.by)
	}
	return slices.Clone(p.arranged[p.by])
}

// fill lists the objects under their headings. The rows of a group that is
// folded are left out; its heading can be selected then, to unfold it.
func (p *Page) fill() {
	if p.seen == nil {
		p.objects.Set(nil)
		return
	}
	p.sift()
	items := make([]list.Item[row], 0, p.shownRows())
	for i := range p.groups {
		g := &p.groups[i]
		if len(g.listed) == 0 {
			continue
		}
		if p.airy && len(items) > 0 {
			items = append(items, list.Item[row]{Heading: true})
		}
		folded := p.isFolded(g)
		items = append(items, list.Item[row]{Key: row{group: g.key}, Heading: !folded || g.key == sameKey})
		if folded {
			continue
		}
		for _, n := range g.listed {
			items = append(items, list.Item[row]{Key: row{id: p.seen.Objects[n].ID}})
		}
	}
	p.objects.Set(items)
}

// shownRows is about how many rows the list has.
func (p *Page) shownRows() int {
	n := 2 * len(p.groups)
	for i := range p.groups {
		if !p.isFolded(&p.groups[i]) {
			n += len(p.groups[i].listed)
		}
	}
	return n
}

func (p *Page) isFolded(g *group) bool {
	if g.key == sameKey {
		return !p.unchanged
	}
	return p.folded[g.key]
}

// group is the one with a key; nil: there is none.
func (p *Page) group(key string) *group {
	for i := range p.groups {
		if p.groups[i].key == key {
			return &p.groups[i]
		}
	}
	return nil
}

// toggleGroup folds a group away, or shows its objects again. The selection
// stays in it.
func (p *Page) toggleGroup(key string) {
	if key == sameKey {
		p.toggleUnchanged()
		return
	}
	if p.folded == nil {
		p.folded = map[string]bool{}
	}
	p.folded[key] = !p.folded[key]
	p.fill()
	if p.folded[key] {
		p.objects.Select(row{group: key})
	} else if g := p.group(key); g != nil && len(g.listed) > 0 {
		p.objects.Select(row{id: p.seen.Objects[g.listed[0]].ID})
	}
}

// turnGrouping goes to the next way to group the objects.
func (p *Page) turnGrouping() {
	if p.seen == nil {
		return
	}
	p.by = (p.by + 1) % groupings
	p.folded = nil
	p.groups = p.arrange()
	p.fill()
}

// heading draws the heading of a group.
func (p *Page) heading(f frame.Frame, g *group, selected bool, w int) string {
	look, mark := f.Title, ""
	if g.verdict != "" {
		mark, look = f.Verdict(g.verdict)
		mark = look.Paint(mark) + " "
	}
	count := fmt.Sprint(len(g.listed))
	if p.filter.active() {
		count = fmt.Sprintf("%d of %d", len(g.listed), len(g.objects))
	}
	line := f.Mark(selected, !p.inDiff) + mark + look.Paint(sanitize.Line(g.title)) + "  " + f.Dim.Paint(count)
	switch {
	case g.key == sameKey:
		verb := "shows"
		if p.unchanged {
			verb = "hides"
		}
		return paint.Spread(line, f.Press(action.Unchanged, action.Review)+f.Dim.Paint(" "+verb+" them")+" ", w)
	case p.isFolded(g):
		return paint.Spread(line, f.Dim.Paint(f.Glyph.Fold+" folded")+" ", w)
	}
	return paint.Cut(line, w)
}
