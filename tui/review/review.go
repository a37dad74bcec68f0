// Package review is the page on which a plan is read before it is confirmed:
// the objects by verdict, the risks, and for the selected object what is live
// beside what would be after applying.
package review

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/internal/lens"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/diffview"
	"github.com/fairtide-dev/fairtide/tui/draft"
	"github.com/fairtide-dev/fairtide/tui/list"
	"github.com/fairtide-dev/fairtide/tui/slot"
)

// row is a row of the object list: a verdict's heading, or an object.
type row struct {
	verdict model.Verdict
	id      model.ObjectID
}

// cached is how many compared objects are kept. Going back and forth between
// neighbours must not compare them again; a thousand of them would be a waste.
const cached = 32

// Page is the state of the page.
type Page struct {
	Environment model.Environment
	Commit      string // shipped up to here; empty: the head
	Shipped     []model.Change
	Newer       int // pending changes that stay pending
	Plan        slot.Slot[*model.Plan]
	Keep        []model.FieldRef // whose live values stay this once

	// Draft is set on the review of a commit that is not pushed yet, Order is
	// what it was made from. Proposed is set on that of an open pull request.
	// Neither can be shipped.
	Draft    *model.Draft
	Order    draft.Order
	Proposed *model.Proposed

	lens      model.Lens
	seen      *model.Plan // the plan through the lens
	objects   list.List[row]
	index     map[model.ObjectID]int // into what is seen
	unchanged bool                   // the unchanged objects are listed
	inDiff    bool                   // the diff has the focus
	zoom      bool                   // the diff has the whole screen
	airy      bool                   // there is room for blank lines between verdicts

	// Unwatched says why the page is not kept current by itself; empty: it is.
	Unwatched string
	moved     movements
	hidden    bool // what rules hide is shown

	view    diffview.View
	shown   model.ObjectID
	through model.Lens // that shown is seen through
	docs    map[model.ObjectID]*diffview.Document
	order   []model.ObjectID // of docs, the oldest first
	asked   map[model.ObjectID]bool
	problem string // why the shown object cannot be compared
}

// New makes a page for shipping env up to commit.
func New(env model.Environment, commit string, shipped []model.Change, newer int) *Page {
	return &Page{Environment: env, Commit: commit, Shipped: shipped, Newer: newer, lens: model.LensApply}
}

// NewDraft makes a page for a draft that has just been made. Sync is to be
// called before it is drawn.
func NewDraft(env model.Environment, o draft.Order, made draft.Made, now time.Time) *Page {
	p := &Page{Environment: env, Commit: made.Draft.Commit, Draft: &made.Draft, Order: o, lens: model.LensApply}
	p.Plan.Value, p.Plan.Loaded, p.Plan.At = made.Plan, true, now
	return p
}

// NewProposed makes a page for an open pull request.
func NewProposed(env model.Environment, pr model.Proposed) *Page {
	return &Page{Environment: env, Commit: pr.Head, Proposed: &pr, lens: model.LensApply}
}

// comparedMsg is the comparison of an object's two sides.
type comparedMsg struct {
	plan *model.Plan
	id   model.ObjectID
	doc  *diffview.Document
	err  error
}

// Update takes the page's own messages. It reports whether msg was one that
// mattered.
func (p *Page) Update(msg tea.Msg) bool {
	m, ok := msg.(comparedMsg)
	if !ok || m.plan != p.seen {
		return false
	}
	delete(p.asked, m.id)
	if m.err != nil {
		if m.id == p.shown {
			p.problem = m.err.Error()
		}
		return true
	}
	p.docs[m.id] = m.doc
	if p.order = append(p.order, m.id); len(p.order) > cached {
		delete(p.docs, p.order[0])
		p.order = p.order[1:]
	}
	if m.id == p.shown {
		p.view.Swap(m.doc)
	}
	return true
}

// Sync is called after the plan was read. The selection stays on its object, and
// what is in sight of it where it is.
func (p *Page) Sync() tea.Cmd {
	was := p.seen
	p.asked = map[model.ObjectID]bool{}
	p.index = map[model.ObjectID]int{}
	p.seen = nil
	if p.Plan.Value == nil {
		return nil
	}
	p.moved.sync(p.Plan.Value)
	plan := lens.Through(p.Plan.Value, p.lens)
	if p.hidden {
		plan = lens.WithHidden(plan)
	}
	p.seen = plan
	for i, o := range plan.Objects {
		p.index[o.ID] = i
	}
	if !plan.Differs() {
		p.unchanged = true // there is nothing else to look at
	}
	p.carry(was)
	p.fill()
	if p.through != p.lens || was == nil {
		p.shown, p.through = model.ObjectID{}, p.lens
	}
	return p.follow()
}

// fill lists the objects under a heading for each verdict.
func (p *Page) fill() {
	var items []list.Item[row]
	last := model.Verdict("")
	for _, o := range p.seen.Objects {
		if o.Verdict != last {
			if p.airy && last != "" {
				items = append(items, list.Item[row]{Heading: true})
			}
			items = append(items, list.Item[row]{Key: row{verdict: o.Verdict}, Heading: true})
			last = o.Verdict
		}
		if o.Verdict != model.VerdictUnchanged || p.unchanged {
			items = append(items, list.Item[row]{Key: row{o.Verdict, o.ID}})
		}
	}
	p.objects.Set(items)
}

// follow shows the selected object, and has it and its neighbours compared.
func (p *Page) follow() tea.Cmd {
	o, ok := p.Selected()
	if !ok {
		p.shown = model.ObjectID{}
		p.view.Show(nil)
		return nil
	}
	if o.ID != p.shown {
		p.shown, p.problem = o.ID, ""
		p.view.Show(p.docs[o.ID])
		delete(p.moved.unseen, o.ID)
	}
	var cmds []tea.Cmd
	at := p.objects.Index()
	for _, i := range []int{at, at + 1, at - 1} {
		if i < 0 || i >= p.objects.Len() || p.objects.Item(i).Heading {
			continue
		}
		id := p.objects.Item(i).Key.id
		if p.docs[id] == nil && !p.asked[id] {
			p.asked[id] = true
			cmds = append(cmds, compare(p.seen, p.seen.Objects[p.index[id]]))
		}
	}
	return tea.Batch(cmds...)
}

// Selected is the object the cursor is on.
func (p *Page) Selected() (model.PlannedObject, bool) {
	key, ok := p.objects.Selected()
	if !ok || p.seen == nil {
		return model.PlannedObject{}, false
	}
	return p.seen.Objects[p.index[key.id]], true
}

// Do carries out an action of the page. ok is false if it is not one; note is
// a sentence for the operator when the action could not do what it says.
func (p *Page) Do(id action.ID) (cmd tea.Cmd, note string, ok bool) {
	switch id {
	case action.OpenDiff:
		if p.inDiff && !p.view.UnfoldFirst() {
			note = "nothing in sight is folded"
		}
		p.inDiff = p.view.Document() != nil
	case action.NextPane, action.PrevPane:
		p.inDiff = !p.inDiff && p.view.Document() != nil
	case action.NextObject:
		p.objects.Move(1)
	case action.PrevObject:
		p.objects.Move(-1)
	case action.Unchanged:
		p.toggleUnchanged()
	case action.Layout:
		if !p.view.ToggleMode() {
			note = p.whyNotSplit()
		}
	case action.Lens:
		return p.turn()
	case action.Hidden:
		return p.toggleHidden()
	case action.Zoom:
		p.zoom = !p.zoom
		p.inDiff = p.inDiff || p.zoom
	default:
		note, ok = p.scroll(id)
		return p.follow(), note, ok
	}
	return p.follow(), note, true
}

func (p *Page) toggleUnchanged() {
	if p.seen == nil {
		return
	}
	p.unchanged = !p.unchanged
	p.fill()
}

func (p *Page) whyNotSplit() string {
	d := p.view.Document()
	switch {
	case d == nil:
		return "there is no diff to lay out"
	case d.OneSided():
		return "the object exists on one side only"
	case d.Hunks() == 0:
		return "both sides are the same"
	}
	return "too narrow for two sides: f gives the diff the whole screen"
}

// scroll moves in the pane with the focus, or in the diff for the keys that
// always mean it.
func (p *Page) scroll(id action.ID) (note string, ok bool) {
	switch id {
	case action.NextHunk:
		if !p.view.NextHunk(1) {
			note = "this is the last hunk; ] shows the next object"
		}
	case action.PrevHunk:
		if !p.view.NextHunk(-1) {
			note = "this is the first hunk; [ shows the previous object"
		}
	case action.Unfold:
		p.view.ToggleFolds()
	case action.ScrollLeft:
		p.view.Sideways(-1)
	case action.ScrollEnd:
		p.view.Sideways(1)
	case action.PageDown:
		p.view.Page(1)
	case action.PageUp:
		p.view.Page(-1)
	case action.Down, action.Up, action.Top, action.Bottom:
		p.step(id)
	default:
		return "", false
	}
	return note, true
}

func (p *Page) step(id action.ID) {
	switch {
	case id == action.Down && p.inDiff:
		p.view.Scroll(1)
	case id == action.Up && p.inDiff:
		p.view.Scroll(-1)
	case id == action.Top && p.inDiff:
		p.view.ToTop()
	case id == action.Bottom && p.inDiff:
		p.view.ToBottom()
	case id == action.Down:
		p.objects.Move(1)
	case id == action.Up:
		p.objects.Move(-1)
	case id == action.Top:
		p.objects.Top()
	case id == action.Bottom:
		p.objects.Bottom()
	}
}

// Leave goes one level up inside the page. It reports whether there was one.
func (p *Page) Leave() bool {
	switch {
	case p.zoom:
		p.zoom = false
	case p.inDiff:
		p.inDiff = false
	default:
		return false
	}
	return true
}

// next is what is done with what the page shows.
func (p *Page) next() action.ID {
	if p.Draft != nil {
		return action.Publish
	}
	return action.Ship
}

// Hints are the footer's actions, the most wanted first.
func (p *Page) Hints() []action.ID {
	switch {
	case p.Plan.Value == nil:
		return []action.ID{action.Back, action.Refresh}
	case p.Proposed != nil:
		return []action.ID{action.OpenDiff, action.NextHunk, action.NextObject, action.Lens, action.Unchanged, action.Layout, action.Zoom, action.Refresh, action.Back}
	case p.inDiff:
		return []action.ID{action.NextHunk, action.NextObject, action.PageDown, action.Unfold, action.Lens, action.Layout, action.Zoom, p.next(), action.Back}
	}
	hints := []action.ID{p.next(), action.OpenDiff, action.NextHunk, action.NextObject}
	if o, ok := p.Selected(); ok && len(p.liveEdits(o.ID)) > 0 {
		hints = append(hints, action.KeepLive)
	}
	return append(hints, action.Lens, action.Unchanged, action.Layout, action.Zoom, action.Refresh, action.Back)
}
