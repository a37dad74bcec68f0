package review

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
	"github.com/fairtide-dev/fairtide/internal/manifest"
	"github.com/fairtide-dev/fairtide/internal/textdiff"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/diffview"
	"github.com/fairtide-dev/fairtide/tui/words"
)

// find is a search in the diffs of all objects of a plan.
type find struct {
	ctx    context.Context // of the search; each count has one under it
	query  string
	cancel context.CancelFunc // of the count that is under way
	texts  *texts
	counts []int // of each object of what is seen; nil: not counted yet
	total  int   // of them
	within int   // how many objects have any

	on   model.ObjectID // the object whose matches are gone through
	land int            // go to the first match (1), or the last (-1), as soon as the object is compared
	jump bool           // go to the next object that has one, as soon as they are counted

	// folds is how doc was folded when the text began to be typed: what half a
	// text has unfolded is folded again.
	folds []bool
	doc   *diffview.Document
}

// texts are what there is to search in: of each object of a plan the lines of
// its diff, what is equal on both sides once. The first count makes them.
type texts struct {
	plan *model.Plan
	once sync.Once
	of   []string
}

// foundMsg is how often each object of a plan has what is searched for.
type foundMsg struct {
	page   *Page
	plan   *model.Plan
	query  string
	counts []int
}

// Find searches for a text: it marks it in the diff on the screen, and has it
// counted in all objects of the plan. The count that was under way is given
// up. An empty text ends the search.
func (p *Page) Find(ctx context.Context, query string) tea.Cmd {
	if query == "" {
		p.StopFinding()
		return nil
	}
	f := &p.finding
	if doc := p.view.Document(); f.folds == nil || f.doc != doc {
		f.folds, f.doc = p.view.Folds(), doc
	} else {
		p.view.Refold(f.folds)
	}
	p.view.Search(query)
	f.ctx, f.query, f.on, f.land, f.jump = ctx, query, p.shown, 0, false
	return p.countAll()
}

// Finding is what is searched for; empty: nothing is.
func (p *Page) Finding() string { return p.finding.query }

// StopFinding ends the search and takes its marks away. It reports whether
// there was one.
func (p *Page) StopFinding() bool {
	if p.finding.query == "" {
		return false
	}
	if p.finding.cancel != nil {
		p.finding.cancel()
	}
	f := p.finding
	p.finding = find{}
	if f.folds != nil && f.doc == p.view.Document() {
		p.view.Refold(f.folds)
		p.finding.folds, p.finding.doc = f.folds, f.doc // more may be typed
	}
	p.view.ClearSearch()
	return true
}

// countAll counts anew what is searched for: it is another text, or another
// plan.
func (p *Page) countAll() tea.Cmd {
	f := &p.finding
	if f.query == "" || p.seen == nil {
		return nil
	}
	if f.cancel != nil {
		f.cancel()
	}
	if f.texts == nil || f.texts.plan != p.seen {
		f.texts = &texts{plan: p.seen}
	}
	f.counts = nil
	ctx, cancel := context.WithCancel(f.ctx)
	f.cancel = cancel
	in, query := f.texts, f.query
	return func() tea.Msg {
		defer cancel()
		counts := in.count(ctx, query)
		if ctx.Err() != nil {
			return nil
		}
		return foundMsg{page: p, plan: in.plan, query: query, counts: counts}
	}
}

// Deliver implements Result.
func (m foundMsg) Deliver() (cmd tea.Cmd, changed bool) {
	p, f := m.page, &m.page.finding
	if m.plan != p.seen || m.query != f.query {
		return nil, false
	}
	f.counts, f.total, f.within = m.counts, 0, 0
	for _, n := range m.counts {
		f.total += n
		if n > 0 {
			f.within++
		}
	}
	if f.jump {
		f.jump = false
		cmd, _ = p.NextFound(1)
	}
	return cmd, true
}

// count is how often each object has what is searched for.
func (t *texts) count(ctx context.Context, query string) []int {
	t.once.Do(t.make)
	counts := make([]int, len(t.of))
	each(ctx, len(t.of), func(i int) { counts[i] = diffview.Count(t.of[i], query) })
	return counts
}

// make is not given up when a count is: the next one needs it as well.
func (t *texts) make() {
	t.of = make([]string, len(t.plan.Objects))
	each(context.Background(), len(t.of), func(i int) { t.of[i] = searched(&t.plan.Objects[i]) })
}

// each does some work for each of n, on all processors.
func each(ctx context.Context, n int, work func(i int)) {
	const batch = 32
	var next atomic.Int64
	var group sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for ctx.Err() == nil {
				to := int(next.Add(batch))
				if to-batch >= n {
					return
				}
				for i := to - batch; i < min(to, n); i++ {
					work(i)
				}
			}
		})
	}
	group.Wait()
}

// searched are the lines of an object's diff. What cannot be written as YAML
// has none; the page says why when the object is shown.
func searched(o *model.PlannedObject) string {
	shown := o.After
	if o.Shown != nil {
		shown = o.Shown
	}
	after, err := manifest.YAML(shown)
	if err != nil {
		return ""
	}
	if o.Before == nil || shown != nil && fieldpath.Equal(o.Before, shown) {
		return string(after)
	}
	before, err := manifest.YAML(o.Before)
	if err != nil || shown == nil {
		return string(before)
	}
	d := textdiff.Lines(string(before), string(after))
	var out strings.Builder
	out.Grow(len(after) + len(after)/4)
	for _, r := range d.Rows {
		if r.Left > 0 && r.Kind != textdiff.Equal {
			out.WriteString(d.Left(r))
			out.WriteByte('\n')
		}
		if r.Right > 0 {
			out.WriteString(d.Right(r))
			out.WriteByte('\n')
		}
	}
	return out.String()
}

// FindTyped is called when the text is not being typed any more.
func (p *Page) FindTyped() { p.finding.folds, p.finding.doc = nil, nil }

// KeepFinding is called when the text is typed: if the object on the screen
// does not have it, the next one that does is shown.
func (p *Page) KeepFinding() (cmd tea.Cmd, note string) {
	p.FindTyped()
	if _, here := p.view.Match(); here > 0 {
		return nil, ""
	}
	if p.finding.counts == nil {
		p.finding.jump = true
		return nil, ""
	}
	return p.NextFound(1)
}

// NextFound goes to the next match, or the one before if n is negative: over to
// another object where this one has no more. note says when there is none.
func (p *Page) NextFound(n int) (cmd tea.Cmd, note string) {
	f := &p.finding
	if f.on != p.shown { // it was gone to by other means
		f.land = n
		if p.landFound() || p.view.Document() == nil && p.problem == "" {
			return nil, "" // at the latest when the object is compared
		}
		f.land = 0
	} else if p.view.NextMatch(n) {
		return nil, ""
	}
	if f.counts == nil {
		return nil, "the other objects are still being searched"
	}
	id, ok := p.objectWithMatch(n)
	if !ok {
		return nil, p.noMoreMatches(n)
	}
	p.SelectObject(id)
	cmd = p.follow()
	f.land = n
	p.landFound()
	return cmd, ""
}

// landFound goes to the match of an object that was gone to for it. It reports
// whether it has one.
func (p *Page) landFound() bool {
	f := &p.finding
	at, of := p.view.Match()
	if f.land == 0 || of == 0 {
		return false
	}
	to := 1
	if f.land < 0 {
		to = of
	}
	f.on, f.land = p.shown, 0
	return p.view.NextMatch(to - at)
}

// objectWithMatch is the next object of the list that has a match.
func (p *Page) objectWithMatch(n int) (model.ObjectID, bool) {
	for i := p.objects.Index() + n; i >= 0 && i < p.objects.Len(); i += n {
		item := p.objects.Item(i)
		if item.Heading || item.Key.group != "" {
			continue
		}
		if at, ok := p.index[item.Key.id]; ok && p.finding.counts[at] > 0 {
			return item.Key.id, true
		}
	}
	return model.ObjectID{}, false
}

// noMoreMatches says that the search is at its end, and what of the plan is not
// in the list.
func (p *Page) noMoreMatches(n int) string {
	f := &p.finding
	if f.total == 0 {
		return p.FindWords()
	}
	listed := map[model.ObjectID]bool{}
	for i := range p.objects.Len() {
		listed[p.objects.Item(i).Key.id] = true
	}
	hidden := 0
	for i := range p.seen.Objects {
		if f.counts[i] > 0 && !listed[p.seen.Objects[i].ID] {
			hidden++
		}
	}
	note := "this is the last match"
	if n < 0 {
		note = "this is the first match"
	}
	if hidden == f.within {
		note = "no match in what is listed"
	}
	if hidden > 0 {
		note += "; " + words.Count(hidden, "object") + " with a match " + areIs(hidden) + " not listed"
	}
	return note
}

func areIs(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// FindWords says how often what is searched for was found: "3 here, 41 in 12
// objects".
func (p *Page) FindWords() string {
	f := &p.finding
	if f.query == "" {
		return ""
	}
	_, here := p.view.Match()
	switch {
	case f.counts == nil:
		return fmt.Sprintf("%d here", here)
	case f.total == 0:
		return "not found in " + words.Count(len(f.counts), "object")
	}
	return fmt.Sprintf("%d here, %d in %s", here, f.total, words.Count(f.within, "object"))
}

// findAside is FindWords, with which match the diff is at.
func (p *Page) findAside() string {
	text := p.FindWords()
	if at, of := p.view.Match(); of > 0 && p.finding.on == p.shown {
		text = fmt.Sprintf("match %d of ", at) + text
	}
	return text
}
