package review

import (
	"fmt"
	"reflect"

	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/words"
)

// Marks keeps which objects' diffs an operator has read. Its methods may block
// and are called at the same time.
type Marks interface {
	// Reviewed says of each object how its diff, given by its digest, stands.
	// With an error nothing is known.
	Reviewed(env string, digests map[model.ObjectID]string) (map[model.ObjectID]model.Reviewed, error)
	// Mark keeps marks, and takes away those that are gone.
	Mark(env string, changes []model.DiffMark) error
}

// marking is the marks that were put on this page. They count at once; that
// they are kept follows.
type marking struct {
	set      map[model.ObjectID]string // digest of the diff that was marked; empty: the mark was taken away
	waiting  []model.DiffMark          // to be kept as soon as what is under way is
	writing  bool
	accepted map[*kin][]model.ObjectID // what was marked at once, to be taken back
}

// markedMsg says that marks were kept, or why not.
type markedMsg struct {
	page *Page
	err  error
}

// Deliver implements Result.
func (m markedMsg) Deliver() (tea.Cmd, bool) {
	p := m.page
	p.marking.writing = false
	said := p.unkept != nil
	p.unkept = m.err
	return p.keep(), said || m.err != nil
}

// Reviewed says how the diff of an object stands.
func (p *Page) Reviewed(id model.ObjectID) model.Reviewed {
	if p.found == nil || p.found.facts[id] == nil {
		return model.ReviewedNot
	}
	if was := p.found.plan; was != p.Plan.Value && (was.Commit != p.Plan.Value.Commit || p.moved.since[id]) {
		return model.ReviewedNot // the diffs of this reading are being looked at
	}
	if digest, here := p.marking.set[id]; here {
		switch digest {
		case "":
			return model.ReviewedNot
		case p.found.facts[id].digest:
			return model.ReviewedAlready
		}
		return model.ReviewedBefore
	}
	return p.stored[id]
}

// digest is that of an object's diff; empty: it is not known yet.
func (p *Page) digest(id model.ObjectID) string {
	if p.found == nil || p.found.plan != p.Plan.Value || p.found.facts[id] == nil {
		return ""
	}
	return p.found.facts[id].digest
}

// kin are the objects that change as this one does; nil: none do.
func (p *Page) kin(id model.ObjectID) *kin {
	if p.found == nil || p.found.plan != p.Plan.Value {
		return nil
	}
	return p.found.alike[id]
}

// Unreviewed is how many objects of those that differ were not read as they are.
func (p *Page) Unreviewed() (n, of int) { return p.toReview - p.reviewed, p.toReview }

// count counts what was read.
func (p *Page) count() {
	p.toReview, p.reviewed = 0, 0
	if p.Plan.Value == nil || p.Past != nil {
		return
	}
	for i := range p.Plan.Value.Objects {
		o := &p.Plan.Value.Objects[i]
		if !o.Verdict.Differs() {
			continue
		}
		p.toReview++
		if p.Reviewed(o.ID) == model.ReviewedAlready {
			p.reviewed++
		}
	}
}

// mark marks objects as read, or takes the marks away.
func (p *Page) mark(ids []model.ObjectID, read bool) tea.Cmd {
	if p.marking.set == nil {
		p.marking.set = map[model.ObjectID]string{}
	}
	for _, id := range ids {
		if p.Reviewed(id) == model.ReviewedAlready {
			p.reviewed--
		}
		m := model.DiffMark{ID: id, Gone: !read}
		if read {
			m.Digest = p.digest(id)
		}
		p.marking.set[id] = m.Digest
		p.marking.waiting = append(p.marking.waiting, m)
		if p.Reviewed(id) == model.ReviewedAlready {
			p.reviewed++
		}
	}
	if p.filter.asksForState() {
		p.fill()
	}
	return p.keep()
}

// asksForState reports whether marks decide what a filter leaves.
func (f filter) asksForState() bool {
	for _, t := range f.terms {
		if t.field == "is" {
			return true
		}
	}
	return false
}

// keep writes the marks that wait, one writing at a time: what is marked last
// counts.
func (p *Page) keep() tea.Cmd {
	if p.Marks == nil || p.marking.writing || len(p.marking.waiting) == 0 {
		return nil
	}
	store, env, changes := p.Marks, p.Environment.Name, p.marking.waiting
	p.marking.waiting, p.marking.writing = nil, true
	return func() tea.Msg { return markedMsg{page: p, err: store.Mark(env, lastOf(changes))} }
}

// lastOf leaves the last change of each object.
func lastOf(changes []model.DiffMark) []model.DiffMark {
	at := make(map[model.ObjectID]int, len(changes))
	var out []model.DiffMark
	for _, c := range changes {
		if i, ok := at[c.ID]; ok {
			out[i] = c
			continue
		}
		at[c.ID] = len(out)
		out = append(out, c)
	}
	return out
}

// notCompared is why nothing can be marked yet.
const notCompared = "the diffs are still being compared; try again in a moment"

// Why is why an action about what was read cannot be carried out just now;
// empty: it can.
func (p *Page) Why(id action.ID) string {
	switch id {
	case action.Reviewed, action.AcceptAlike, action.NextUnreviewed, action.GroupBy, action.Filter:
	default:
		return ""
	}
	if p.Past != nil {
		return p.Past.why(id)
	}
	if p.seen == nil {
		return "the plan is still being read"
	}
	o, ok := p.Planned()
	switch {
	case id != action.Reviewed && id != action.AcceptAlike:
		return ""
	case !ok:
		return "no object is selected"
	case p.lens != model.LensApply:
		return "this lens does not show what applying writes: v goes on to the one that does"
	case !o.Verdict.Differs():
		return "this object stays as it is: there is nothing to review"
	case p.digest(o.ID) == "" || p.docs[o.ID].doc == nil:
		return notCompared
	case id == action.AcceptAlike && p.kin(o.ID) == nil:
		return "no other object changes in just this way"
	}
	return ""
}

// toggleReviewed marks the selected object and goes to the next that is not, or
// takes its mark away.
func (p *Page) toggleReviewed() (cmd tea.Cmd, note string) {
	if why := p.Why(action.Reviewed); why != "" {
		return nil, why
	}
	o, _ := p.Planned()
	if p.Reviewed(o.ID) == model.ReviewedAlready {
		return p.mark([]model.ObjectID{o.ID}, false), ""
	}
	at := p.objects.Index()
	cmd = p.mark([]model.ObjectID{o.ID}, true)
	if n, of := p.Unreviewed(); n == 0 {
		return tea.Batch(cmd, p.follow()), "all " + words.Count(of, "object") + " reviewed"
	}
	_, note = p.seekUnreviewed(at)
	return tea.Batch(cmd, p.follow()), note
}

// nextUnreviewed selects the next object that was not read.
func (p *Page) nextUnreviewed() (note string) {
	ok, note := p.seekUnreviewed(p.objects.Index())
	if n, of := p.Unreviewed(); !ok && n == 0 && of > 0 {
		return "all " + words.Count(of, "object") + " reviewed"
	}
	return note
}

// seekUnreviewed selects the first object after a row of the list that was not
// read, from the top again after the last.
func (p *Page) seekUnreviewed(from int) (ok bool, note string) {
	n := p.objects.Len()
	for step := 1; step <= n; step++ {
		item := p.objects.Item((max(from, -1) + step) % n)
		if id := item.Key.id; id.Name != "" && p.wantsReview(id) {
			return p.objects.Select(item.Key), ""
		}
	}
	for i := range p.groups { // in what is folded away
		g := &p.groups[i]
		if !p.folded[g.key] {
			continue
		}
		for _, at := range g.listed {
			if id := p.seen.Objects[at].ID; p.wantsReview(id) {
				p.toggleGroup(g.key)
				return p.objects.Select(row{id: id}), ""
			}
		}
	}
	left, _ := p.Unreviewed()
	if left > 0 && p.filter.active() {
		return false, fmt.Sprintf("all that the filter leaves is reviewed; of what it hides, %s not: without the filter all are shown", isAre(left))
	}
	return false, ""
}

func isAre(n int) string {
	if n == 1 {
		return "1 is"
	}
	return fmt.Sprintf("%d are", n)
}

func (p *Page) wantsReview(id model.ObjectID) bool {
	o, ok := p.planned(id)
	return ok && p.Past == nil && o.Verdict.Differs() && p.Reviewed(id) != model.ReviewedAlready
}

// acceptAlike marks all objects that change as the selected one does, or takes
// that back.
func (p *Page) acceptAlike() (cmd tea.Cmd, note string) {
	if why := p.Why(action.AcceptAlike); why != "" {
		return nil, why
	}
	o, _ := p.Planned()
	k := p.kin(o.ID)
	if back := p.marking.accepted[k]; back != nil {
		delete(p.marking.accepted, k)
		return p.mark(back, false), fmt.Sprintf("taken back: %s not reviewed", isAre(len(back)))
	}
	var fresh []model.ObjectID
	for _, id := range k.ids {
		if p.Reviewed(id) != model.ReviewedAlready {
			fresh = append(fresh, id)
		}
	}
	if len(fresh) == 0 {
		return nil, fmt.Sprintf("all %d that change like this are reviewed already", len(k.ids))
	}
	if p.marking.accepted == nil {
		p.marking.accepted = map[*kin][]model.ObjectID{}
	}
	p.marking.accepted[k] = fresh
	return p.mark(fresh, true), fmt.Sprintf("%d objects change alike (%s): all reviewed now; A again takes that back", len(k.ids), k.what)
}

// sameMap reports whether two maps are one and the same.
func sameMap(a, b map[string]any) bool {
	return reflect.ValueOf(a).Pointer() == reflect.ValueOf(b).Pointer()
}
