// Package review is the page on which a plan is read before it is confirmed:
// the objects by verdict, the risks, and for the selected object what is live
// beside what would be after applying.
package review

import (
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/diffview"
	"github.com/fairtide-dev/fairtide/tui/draft"
	"github.com/fairtide-dev/fairtide/tui/list"
	"github.com/fairtide-dev/fairtide/tui/slot"
)

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
	Replace     bool             // objects may be deleted and made again, for this plan

	// Draft is set on the review of a commit that is not pushed yet, Order is
	// what it was made from. Proposed is set on that of an open pull request.
	// Neither can be shipped.
	Draft    *model.Draft
	Order    draft.Order
	Proposed *model.Proposed
	Past     *Past // set on what a run did; nothing on it can be shipped either

	Marks Marks // keeps what was read; nil: nobody does

	lens      model.Lens
	seen      *model.Plan // the plan through the lens
	objects   list.List[row]
	index     map[model.ObjectID]int // into what is seen
	places    map[model.ObjectID]int // into the plan
	placed    *model.Plan            // that places are of
	risky     []riskAt               // of what is seen, the gravest first
	counts    model.Counts           // of what is seen
	unchanged bool                   // the unchanged objects are listed
	inDiff    bool                   // the diff has the focus
	zoom      bool                   // the diff has the whole screen
	airy      bool                   // there is room for blank lines between groups
	at        area
	width     int // of the list, as it was dragged; 0: what fits

	by                grouping
	groups            []group
	arranged          [groupings][]group
	folded            map[string]bool // groups
	filter            filter
	finding           find
	matched, matching int // by the filter, of what would be listed

	found              *survey // nil: not yet
	stored             map[model.ObjectID]model.Reviewed
	marking            marking
	toReview, reviewed int
	unkept             error // why marks are not known, or not kept

	// Unwatched says why the page is not kept current by itself; empty: it is.
	Unwatched string
	moved     movements
	hidden    bool // what rules hide is shown

	view    diffview.View
	shown   model.ObjectID
	through model.Lens // that shown is seen through
	docs    map[model.ObjectID]compared
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

// Sync is called after the plan was read. The selection stays on its object, and
// what is in sight of it where it is.
func (p *Page) Sync() tea.Cmd {
	was, wasAt := p.seen, p.index
	p.asked = map[model.ObjectID]bool{}
	p.seen = nil
	plan := p.Plan.Value
	if plan == nil {
		return nil
	}
	s := p.sightOf(plan)
	p.seen, p.index, p.counts, p.risky, p.arranged = s.seen, s.index, s.counts, s.risky, s.groups
	another := p.placed != plan
	if another {
		p.placed, p.places = plan, s.index
		if s.seen != plan {
			p.places = indexOf(plan)
		}
	}
	p.moved.sync(indexed{plan, p.places})
	if another {
		p.count()
	}
	if !s.seen.Differs() {
		p.unchanged = true // there is nothing else to look at
	}
	p.carry(was, wasAt)
	p.groups = p.arrange()
	p.fill()
	if p.through != p.lens || was == nil {
		p.shown, p.through = model.ObjectID{}, p.lens
	}
	return tea.Batch(p.follow(), p.survey(), p.countAll())
}

// Follow shows what was selected by other means than Do.
func (p *Page) Follow() tea.Cmd { return p.follow() }

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
		p.view.Show(p.docs[o.ID].doc)
		delete(p.moved.unseen, o.ID)
	}
	var cmds []tea.Cmd
	at := p.objects.Index()
	for _, i := range []int{at, at + 1, at - 1} {
		if i < 0 || i >= p.objects.Len() || p.objects.Item(i).Key.id.Name == "" {
			continue
		}
		id := p.objects.Item(i).Key.id
		if p.docs[id].doc == nil && !p.asked[id] {
			p.asked[id] = true
			cmds = append(cmds, p.compare(p.seen.Objects[p.index[id]]))
		}
	}
	return tea.Batch(cmds...)
}

// Selected is the object the cursor is on.
func (p *Page) Selected() (model.PlannedObject, bool) {
	key, ok := p.objects.Selected()
	if !ok || key.group != "" || p.seen == nil {
		return model.PlannedObject{}, false
	}
	return p.seen.Objects[p.index[key.id]], true
}

// Do carries out an action of the page. ok is false if it is not one; note is
// a sentence for the operator when the action could not do what it says.
func (p *Page) Do(id action.ID) (cmd tea.Cmd, note string, ok bool) {
	switch id {
	case action.OpenDiff:
		note = p.open()
	case action.NextPane, action.PrevPane:
		p.inDiff = !p.inDiff && p.view.Document() != nil
	case action.NextObject:
		p.objects.Move(1)
	case action.PrevObject:
		p.objects.Move(-1)
	case action.Reviewed:
		cmd, note = p.toggleReviewed()
		return tea.Batch(cmd, p.follow()), note, true
	case action.NextUnreviewed:
		note = p.nextUnreviewed()
	case action.AcceptAlike:
		cmd, note = p.acceptAlike()
		return tea.Batch(cmd, p.follow()), note, true
	case action.GroupBy:
		p.turnGrouping()
	case action.Unchanged:
		p.toggleUnchanged()
	case action.Layout:
		if !p.view.ToggleMode() {
			note = p.whyNotSplit()
		}
	case action.Wrap:
		note = p.view.ToggleWrap().String()
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

// open goes into the diff; there it unfolds. On a heading it unfolds the group.
func (p *Page) open() (note string) {
	if key, ok := p.objects.Selected(); ok && key.group != "" && !p.inDiff {
		p.toggleGroup(key.group)
		return ""
	}
	if p.inDiff && !p.view.UnfoldFirst() {
		note = "nothing in sight is folded"
	}
	p.inDiff = p.view.Document() != nil
	return note
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
	case p.StopFinding():
	case p.zoom:
		p.zoom = false
	case p.inDiff:
		p.inDiff = false
	case p.filter.active():
		p.filter = filter{}
		p.fill()
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

// Hints are the footer's actions, the most wanted first: to read on while
// something is not reviewed, and then what is done with it.
func (p *Page) Hints() []action.ID {
	if p.Plan.Value == nil {
		return []action.ID{action.Back, action.Refresh}
	}
	if p.Past != nil {
		return p.pastHints()
	}
	var hints []action.ID
	o, ok := p.Planned()
	if ok && p.MustReplace(o) {
		hints = append(hints, action.Replace)
	}
	switch n, _ := p.Unreviewed(); {
	case n > 0 && p.lens != model.LensApply:
		hints = append(hints, action.Lens)
	case n > 0:
		hints = append(hints, action.Reviewed)
	case p.Proposed == nil:
		hints = append(hints, p.next())
	}
	ship := func() {
		if p.Proposed == nil && !slices.Contains(hints, p.next()) {
			hints = append(hints, p.next())
		}
	}
	if p.inDiff {
		hints = append(hints, action.NextHunk, action.NextObject, action.PageDown, action.Unfold, action.Search)
		ship()
	} else {
		hints = append(hints, action.OpenDiff)
		if ok && p.kin(o.ID) != nil && p.Reviewed(o.ID) != model.ReviewedAlready {
			hints = append(hints, action.AcceptAlike)
		}
		ship()
		hints = append(hints, action.NextHunk)
	}
	if ok && len(p.liveEdits(o.ID)) > 0 {
		hints = append(hints, action.KeepLive)
	}
	if !p.inDiff {
		hints = append(hints, action.Filter, action.GroupBy)
	}
	if !slices.Contains(hints, action.Lens) {
		hints = append(hints, action.Lens)
	}
	return append(hints, action.Layout, action.Zoom, action.Unchanged, action.Take, action.Back)
}
