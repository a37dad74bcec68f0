// Package change is the page with one change in full: who made it, what its
// signature is worth, its message, the files it touches, and for each object
// what its render was before beside what it is now.
package change

import (
	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/diffview"
	"github.com/fairtide-dev/fairtide/tui/list"
	"github.com/fairtide-dev/fairtide/tui/slot"
)

// part is what a row of the list stands for.
type part uint8

const (
	about part = iota
	files
	objects // heading
	object
)

type row struct {
	part part
	id   model.ObjectID // of an object
}

// cached is how many compared objects are kept.
const cached = 32

// Page is the state of the page.
type Page struct {
	Environment model.Environment
	Change      model.Change // as the list has it
	Detail      slot.Slot[*model.ChangeDetail]

	rows   list.List[row]
	index  map[model.ObjectID]int // into the detail's objects
	inPane bool                   // what is shown has the focus
	zoom   bool                   // and the whole screen

	view   diffview.View
	scroll int // of what is shown and is no diff
	page   int // how many lines of it are in sight
	drawn  drawn
	shown  row
	docs   map[model.ObjectID]*diffview.Document
	order  []model.ObjectID // of docs, the oldest first
	asked  map[model.ObjectID]bool
}

// New makes the page for a change of an environment.
func New(env model.Environment, c model.Change) *Page {
	p := &Page{Environment: env, Change: c}
	p.fill()
	return p
}

// comparedMsg is the comparison of an object's two sides.
type comparedMsg struct {
	detail *model.ChangeDetail
	id     model.ObjectID
	doc    *diffview.Document
}

// compare makes an object's document away from the UI's goroutine.
func compare(d *model.ChangeDetail, o model.ObjectDetail) tea.Cmd {
	return func() tea.Msg {
		return comparedMsg{detail: d, id: o.ID, doc: diffview.Compare(o.Before, o.After)}
	}
}

// Update takes the page's own messages. It reports whether msg was one that
// mattered.
func (p *Page) Update(msg tea.Msg) bool {
	m, ok := msg.(comparedMsg)
	if !ok || m.detail != p.Detail.Value {
		return false
	}
	delete(p.asked, m.id)
	p.docs[m.id] = m.doc
	if p.order = append(p.order, m.id); len(p.order) > cached {
		delete(p.docs, p.order[0])
		p.order = p.order[1:]
	}
	if (row{object, m.id}) == p.shown && p.view.Document() == nil {
		p.view.Show(m.doc)
	}
	return true
}

// Sync is called after the detail was read. The selection stays where it is.
func (p *Page) Sync() tea.Cmd {
	if p.Detail.Value != nil && p.Detail.Err == nil {
		p.Change = p.Detail.Value.Change
	}
	p.fill()
	p.shown = row{}
	return p.follow()
}

// fill lists what there is to read.
func (p *Page) fill() {
	p.docs, p.order, p.asked = map[model.ObjectID]*diffview.Document{}, nil, map[model.ObjectID]bool{}
	p.index = map[model.ObjectID]int{}
	items := []list.Item[row]{{Key: row{part: about}}}
	if d := p.Detail.Value; d != nil {
		items = append(items, list.Item[row]{Key: row{part: files}})
		if len(d.Details) > 0 {
			items = append(items, list.Item[row]{Key: row{part: objects}, Heading: true})
		}
		for i, o := range d.Details {
			p.index[o.ID] = i
			items = append(items, list.Item[row]{Key: row{object, o.ID}})
		}
	}
	p.rows.Set(items)
}

// follow shows the selected row, and has its object and the neighbours'
// compared.
func (p *Page) follow() tea.Cmd {
	selected, _ := p.rows.Selected()
	if selected != p.shown || selected.part == object && p.view.Document() == nil {
		p.shown, p.scroll = selected, 0
		p.view.Show(p.docs[selected.id])
	}
	var cmds []tea.Cmd
	at := p.rows.Index()
	for _, i := range []int{at, at + 1, at - 1} {
		if i < 0 || i >= p.rows.Len() || p.rows.Item(i).Key.part != object {
			continue
		}
		id := p.rows.Item(i).Key.id
		if o := p.Detail.Value.Details[p.index[id]]; p.docs[id] == nil && !p.asked[id] && !o.Omitted {
			p.asked[id] = true
			cmds = append(cmds, compare(p.Detail.Value, o))
		}
	}
	return tea.Batch(cmds...)
}

// selected is the object the cursor is on.
func (p *Page) selected() (model.ObjectDetail, bool) {
	key, ok := p.rows.Selected()
	if !ok || key.part != object {
		return model.ObjectDetail{}, false
	}
	return p.Detail.Value.Details[p.index[key.id]], true
}

// Do carries out an action of the page. note is a sentence for the operator
// when the action could not do what it says.
func (p *Page) Do(id action.ID) (cmd tea.Cmd, note string) {
	_, isObject := p.selected()
	switch id {
	case action.OpenDiff:
		if p.inPane && isObject && !p.view.UnfoldFirst() {
			note = "nothing in sight is folded"
		}
		p.inPane = true
	case action.NextPane, action.PrevPane:
		p.inPane = !p.inPane
	case action.Zoom:
		p.zoom = !p.zoom
		p.inPane = p.inPane || p.zoom
	case action.NextObject:
		p.rows.Move(1)
	case action.PrevObject:
		p.rows.Move(-1)
	case action.NextHunk, action.PrevHunk, action.Layout, action.Unfold, action.ScrollLeft, action.ScrollEnd:
		if !isObject {
			return nil, "this is no diff; ] shows the next row"
		}
		return nil, p.inDiff(id)
	default:
		p.move(id, isObject)
	}
	return p.follow(), note
}

// inDiff carries out what only a diff has.
func (p *Page) inDiff(id action.ID) (note string) {
	switch id {
	case action.NextHunk:
		if !p.view.NextHunk(1) {
			return "this is the last hunk; ] shows the next object"
		}
	case action.PrevHunk:
		if !p.view.NextHunk(-1) {
			return "this is the first hunk; [ shows the previous object"
		}
	case action.Layout:
		if !p.view.ToggleMode() {
			return "there is no room for two sides, or there is one side only"
		}
	case action.Unfold:
		p.view.ToggleFolds()
	case action.ScrollLeft:
		p.view.Sideways(-1)
	case action.ScrollEnd:
		p.view.Sideways(1)
	}
	return ""
}

// move goes through the list, or scrolls what is shown.
func (p *Page) move(id action.ID, isObject bool) {
	n, ok := action.Rows(id)
	switch id {
	case action.PageDown:
		n = max(1, p.page-2)
	case action.PageUp:
		n = -max(1, p.page-2)
	default:
		if ok && !p.inPane {
			p.rows.Move(n)
			return
		}
	}
	switch {
	case !ok:
	case isObject && id == action.PageDown:
		p.view.Page(1)
	case isObject && id == action.PageUp:
		p.view.Page(-1)
	case isObject && id == action.Top:
		p.view.ToTop()
	case isObject && id == action.Bottom:
		p.view.ToBottom()
	case isObject:
		p.view.Scroll(n)
	default:
		p.scroll = max(0, p.scroll+n) // and no further than there are lines, once it is drawn
	}
}

// Leave goes one level up inside the page. It reports whether there was one.
func (p *Page) Leave() bool {
	switch {
	case p.zoom:
		p.zoom = false
	case p.inPane:
		p.inPane = false
	default:
		return false
	}
	return true
}

// Hints are the footer's actions, the most wanted first.
func (p *Page) Hints() []action.ID {
	if _, ok := p.selected(); ok {
		return []action.ID{action.OpenDiff, action.NextHunk, action.NextObject, action.PageDown, action.Unfold, action.Layout, action.Zoom, action.Refresh, action.Back}
	}
	return []action.ID{action.OpenDiff, action.NextObject, action.PageDown, action.Zoom, action.Refresh, action.Back}
}
