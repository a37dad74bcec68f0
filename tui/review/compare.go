package review

import (
	"cmp"
	"fmt"
	"slices"

	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
	"github.com/fairtide-dev/fairtide/internal/lens"
	"github.com/fairtide-dev/fairtide/internal/manifest"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/diffview"
)

// compared is an object's document, and what of the object stands in it.
type compared struct {
	doc   *diffview.Document
	above []bool // the risks that stand above a hunk, by their place in the object
	later int    // how many of those do not stand above the first one
}

// comparedMsg is the comparison of an object's two sides.
type comparedMsg struct {
	page *Page
	plan *model.Plan
	id   model.ObjectID
	made compared
	err  error
	rest tea.Cmd // makes the whole of it; nil: this is the whole
}

// Deliver implements Result.
func (m comparedMsg) Deliver() (cmd tea.Cmd, changed bool) {
	p := m.page
	if m.plan != p.seen {
		return nil, false
	}
	if m.rest == nil {
		delete(p.asked, m.id)
	}
	if m.err != nil {
		if m.id == p.shown {
			p.problem = m.err.Error()
		}
		return nil, true
	}
	if _, again := p.docs[m.id]; !again {
		p.order = append(p.order, m.id)
	}
	p.docs[m.id] = m.made
	if len(p.order) > cached {
		delete(p.docs, p.order[0])
		p.order = p.order[1:]
	}
	if m.id == p.shown {
		p.view.Swap(m.made.doc)
		p.landFound()
	}
	return m.rest, true
}

// compare makes an object's document away from the UI's goroutine: of a long
// one at first as much as the first screens show.
func (p *Page) compare(o model.PlannedObject) tea.Cmd {
	msg := comparedMsg{page: p, plan: p.seen, id: o.ID}
	finish := func(s sides, doc *diffview.Document) tea.Msg {
		msg.made, msg.err, msg.rest = compared{doc: doc}, s.annotate(doc), nil
		msg.made.above, msg.made.later = placeRisks(doc, &o, s.shown)
		return msg
	}
	whole := func() tea.Msg {
		s, err := sidesOf(&o)
		if err != nil {
			msg.err, msg.rest = err, nil
			return msg
		}
		return finish(s, diffview.Compare(s.before, s.after))
	}
	return func() tea.Msg {
		if first := begin(&o); first != nil {
			msg.made, msg.rest = compared{doc: first}, whole
			return msg
		}
		s, err := sidesOf(&o)
		if err != nil {
			msg.err = err
			return msg
		}
		first := diffview.Quick(s.before, s.after)
		if !first.Partial() {
			return finish(s, first)
		}
		reserve(first, &o)
		msg.made, msg.rest = compared{doc: first}, func() tea.Msg { return finish(s, diffview.Compare(s.before, s.after)) }
		return msg
	}
}

// begin makes the document of a long object's beginning. nil: both sides are
// to be written whole.
func begin(o *model.PlannedObject) *diffview.Document {
	before, after, ok := manifest.Beginnings(o.Before, shownSide(o), diffview.Ahead)
	if !ok {
		return nil
	}
	doc := diffview.Begin(string(before.Text), string(after.Text), max(before.Lines, after.Lines))
	reserve(doc, o)
	return doc
}

// reserve makes room in the margin for what will stand there.
func reserve(doc *diffview.Document, o *model.PlannedObject) {
	for _, c := range o.Causes {
		_, onLeft := fieldpath.Steps(o.Before, c.Path)
		_, onRight := fieldpath.Steps(shownSide(o), c.Path)
		if onLeft || onRight || c.Path == "" {
			doc.Reserve(noteOf(c))
		}
	}
}

// sides are the two sides of an object as they are shown.
type sides struct {
	object        *model.PlannedObject
	shown         map[string]any // the right side
	before, after string
}

func sidesOf(o *model.PlannedObject) (sides, error) {
	shown := shownSide(o)
	before, after, errBefore, errAfter := manifest.Sides(o.Before, shown)
	if errBefore != nil {
		return sides{}, fmt.Errorf("%s, the left side: %w", o.ID, errBefore)
	}
	if errAfter != nil {
		return sides{}, fmt.Errorf("%s, the right side: %w", o.ID, errAfter)
	}
	return sides{object: o, shown: shown, before: string(before), after: string(after)}, nil
}

// shownSide is what is shown of an object on the right.
func shownSide(o *model.PlannedObject) map[string]any {
	if o.Shown != nil {
		return o.Shown
	}
	return o.After
}

// annotate puts the cause of each change beside its lines.
func (s sides) annotate(doc *diffview.Document) error {
	left, err := notes(s.object.Causes, s.object.Before, []byte(s.before))
	if err != nil {
		return fmt.Errorf("%s: %w", s.object.ID, err)
	}
	right, err := notes(s.object.Causes, s.shown, []byte(s.after))
	if err != nil {
		return fmt.Errorf("%s: %w", s.object.ID, err)
	}
	doc.Annotate(left, right)
	return nil
}

// notes puts causes beside the lines of one side that their paths stand on. Of
// two for one line that with the longer path counts.
func notes(causes []model.Cause, fields map[string]any, text []byte) (map[int]diffview.Note, error) {
	if len(causes) == 0 || fields == nil {
		return nil, nil
	}
	places, err := manifest.Locate(text)
	if err != nil {
		return nil, err
	}
	out := map[int]diffview.Note{}
	sorted := slices.SortedStableFunc(slices.Values(causes), func(a, b model.Cause) int { return cmp.Compare(len(a.Path), len(b.Path)) })
	for _, c := range sorted {
		var steps []any
		ok := c.Path == ""
		if !ok {
			steps, ok = fieldpath.Steps(fields, c.Path)
		}
		if !ok {
			continue // it is on the other side
		}
		from, to, ok := places.Lines(steps)
		if !ok {
			continue
		}
		note := noteOf(c)
		for line := from; line <= to; line++ {
			out[line] = note
		}
	}
	return out, nil
}

func noteOf(c model.Cause) diffview.Note {
	return diffview.Note{Texts: lens.CauseWords(c), Warn: c.Kind == model.CauseDrift}
}
