package diffview

import (
	"sort"
	"strings"

	"github.com/fairtide-dev/fairtide/internal/textdiff"
)

// find is a search in the document of a view.
type find struct {
	query  string
	needle needle
	hits   []hit
	total  int
	at     int                        // the current match, from 0
	anchor int                        // the line that a new query is searched from
	long   map[lineOf][]textdiff.Span // of long lines
}

// hit is a row with matches, or in one column a line.
type hit struct {
	span   int32
	unit   int32 // of the span's
	before int32 // matches in all hits before
}

// match is a place in the document.
type match struct {
	span, unit int
	side       int // 0 left, 1 right
	n          int // which of the line's
}

// Search marks what is searched for and goes to the first match from the
// screen's top on, or to the first of all. Case counts if the query has an
// upper-case letter. It returns how many there are; what is equal on both sides
// counts once. While a query is being typed, each is searched from where the
// first one was.
func (v *View) Search(query string) (matches int) {
	if query == "" {
		v.ClearSearch()
		return 0
	}
	if was := v.find.needle.text; was != "" && strings.HasPrefix(newNeedle(query).text, was) {
		v.narrow(query)
	} else {
		v.search(query)
	}
	if v.find.total == 0 {
		return 0
	}
	i := sort.Search(len(v.find.hits), func(i int) bool { return v.lineOfHit(v.find.hits[i]) >= v.find.anchor })
	if i < len(v.find.hits) {
		v.find.at = int(v.find.hits[i].before)
	}
	v.showMatch()
	return v.find.total
}

// lineOfHit is the line of a hit, that of the fold if it is folded away.
func (v *View) lineOfHit(h hit) int {
	i := int(h.span)
	if v.folded(i) {
		return v.starts[i]
	}
	return v.starts[i] + len(v.above[i]) + v.wraps[i].start(int(h.unit))
}

// ClearSearch takes the marks away.
func (v *View) ClearSearch() { v.find = find{hits: v.find.hits[:0], anchor: v.top} }

// Query is what is searched for, empty if nothing is.
func (v *View) Query() string { return v.find.query }

// Match is the current match, counted from 1, and how many there are.
func (v *View) Match() (n, of int) {
	if v.find.total == 0 {
		return 0, 0
	}
	return v.find.at + 1, v.find.total
}

// NextMatch goes n matches on, or back if n is negative. It reports whether
// there was one. A folded stretch is unfolded for it.
func (v *View) NextMatch(n int) bool {
	if to := v.find.at + n; v.find.total == 0 || to < 0 || to >= v.find.total {
		return false
	}
	v.find.at += n
	v.showMatch()
	v.find.anchor = v.top
	return true
}

// search counts the matches, in the order of the layout.
func (v *View) search(query string) {
	v.find = find{query: query, hits: v.find.hits[:0], anchor: v.find.anchor}
	if v.doc == nil || query == "" {
		return
	}
	v.find.needle = newNeedle(query)
	for i, s := range v.doc.spans {
		for unit := range v.units(s) {
			v.look(i, unit)
		}
	}
}

// again searches in another document or order, and stays at the match with the
// same number.
func (v *View) again() {
	at := v.find.at
	v.search(v.find.query)
	v.find.at = max(0, min(at, v.find.total-1))
}

// narrow is search where all matches are in rows that had some before: what is
// searched for got longer.
func (v *View) narrow(query string) {
	was := v.find.hits
	v.find = find{query: query, hits: was[:0], anchor: v.find.anchor, needle: newNeedle(query)}
	for _, h := range was {
		v.look(int(h.span), int(h.unit))
	}
}

// look counts the matches in a unit of a span.
func (v *View) look(i, unit int) {
	l, r := v.sides(v.doc.spans[i], unit)
	count := 0
	if l > 0 {
		count = v.find.needle.count(v.doc.drawn(0, l))
	}
	if r > 0 {
		count += v.find.needle.count(v.doc.drawn(1, r))
	}
	if count > 0 {
		v.find.hits = append(v.find.hits, hit{int32(i), int32(unit), int32(v.find.total)}) //nolint:gosec // fewer than characters
		v.find.total += count
	}
}

// sides are the lines of a unit to search in: what is equal is searched once,
// on the right.
func (v *View) sides(s span, unit int) (l, r int) {
	row, on := v.unit(s, unit)
	switch {
	case on == left:
		return row.Left, 0
	case on == right || row.Kind == textdiff.Equal:
		return 0, row.Right
	}
	return row.Left, row.Right
}

// current is where the current match is.
func (v *View) current() (m match, ok bool) {
	if v.find.total == 0 {
		return match{}, false
	}
	hits := v.find.hits
	i := sort.Search(len(hits), func(i int) bool { return int(hits[i].before) > v.find.at }) - 1
	m = match{span: int(hits[i].span), unit: int(hits[i].unit), side: 1, n: v.find.at - int(hits[i].before)}
	if l, _ := v.sides(v.doc.spans[m.span], m.unit); l > 0 {
		if lefts := len(v.occurrences(0, l, v.doc.drawn(0, l))); m.n < lefts {
			m.side = 0
		} else {
			m.n -= lefts
		}
	}
	return m, true
}

// inSpan is how many matches a span has.
func (v *View) inSpan(i int) int {
	count := func(i int) int {
		at := sort.Search(len(v.find.hits), func(k int) bool { return int(v.find.hits[k].span) >= i })
		if at == len(v.find.hits) {
			return v.find.total
		}
		return int(v.find.hits[at].before)
	}
	return count(i+1) - count(i)
}

// showMatch brings the current match into sight: it unfolds what hides it, and
// scrolls, also sideways.
func (v *View) showMatch() {
	m, ok := v.current()
	if !ok {
		return
	}
	if v.folded(m.span) {
		v.unfold(m.span)
	}
	s := v.doc.spans[m.span]
	l, r := v.sides(s, m.unit)
	n := r
	if m.side == 0 {
		n = l
	}
	k := v.doc.ink(m.side, n)
	from, to := k.cellsOf(v.occurrences(m.side, n, k.text)[m.n])
	sub := v.reach(s, m.side, n, k, from, to)
	line := v.starts[m.span] + len(v.above[m.span]) + v.wraps[m.span].start(m.unit) + sub
	if line < v.top || line >= v.top+v.h {
		v.top = line - v.h/3
	}
	v.clamp()
	if s.hunk {
		v.hunk = v.hunkOf(m.span)
	}
}

// reach scrolls sideways until the cells of a line are in sight, and returns
// which of the line's pieces they are in.
func (v *View) reach(s span, on, n int, k ink, from, to int) (sub int) {
	room := v.room()
	if limit := v.pieceLimit(s); limit > 1 {
		at := 0
		parts := v.pieces(on, n, k, room, limit)
		for i, p := range parts {
			last := i == len(parts)-1
			if from < at+p.cells && (!last || p.cells <= room-p.hang || to <= at+room-p.hang-1) {
				return i
			}
			at += p.cells
		}
		if v.wrapped == WrapAll {
			return max(0, len(parts)-1)
		}
	}
	if from < v.x || to > v.x+room-1 {
		x := 0
		if to > room-1 {
			x = (max(0, from-room/3) + sideways - 1) / sideways * sideways
		}
		v.setOffset(x)
	}
	return 0
}

// occurrences are the places in line n of a side. Those of long lines are
// kept until something else is searched for.
func (v *View) occurrences(s, n int, text string) []textdiff.Span {
	key := lineOf{s, n}
	if out, ok := v.find.long[key]; ok {
		return out
	}
	var out []textdiff.Span
	v.find.needle.each(text, func(s textdiff.Span) { out = append(out, s) })
	if len(text) >= longLine {
		if v.find.long == nil {
			v.find.long = map[lineOf][]textdiff.Span{}
		}
		v.find.long[key] = out
	}
	return out
}

// cellsOf is which cells a range of bytes takes.
func (k ink) cellsOf(s textdiff.Span) (from, to int) {
	if k.ascii() {
		return s.From, s.To
	}
	cell := func(i int) int { return newInk(k.text[:i]).cells }
	return cell(s.From), cell(s.To)
}
