// Package list keeps a selection in a list and the window of it that is on the
// screen. The selection follows identity: when rows come and go it stays on the
// same item.
package list

// Item is a row: something to select, or a heading between.
type Item[K comparable] struct {
	Key     K
	Heading bool // cannot be selected
}

// margin is how many rows stay in sight beyond the selected one.
const margin = 2

// List is a selection over items. The zero List is empty.
type List[K comparable] struct {
	items    []Item[K]
	selected int // index into items; -1: none
	offset   int
}

// Set replaces the items. If the selected one is gone, the one that took its
// place is selected.
func (l *List[K]) Set(items []Item[K]) {
	var key K
	had := l.valid(l.selected)
	if had {
		key = l.items[l.selected].Key
	}
	l.items = items
	if had {
		for i, it := range items {
			if !it.Heading && it.Key == key {
				l.selected = i
				return
			}
		}
	} else {
		l.selected = 0
	}
	l.selected = l.nearest(min(l.selected, len(items)-1))
}

func (l *List[K]) valid(i int) bool { return i >= 0 && i < len(l.items) && !l.items[i].Heading }

// nearest is the selectable row at i, or else after it, or else before it.
func (l *List[K]) nearest(i int) int {
	for j := max(i, 0); j < len(l.items); j++ {
		if l.valid(j) {
			return j
		}
	}
	for j := i; j >= 0; j-- {
		if l.valid(j) {
			return j
		}
	}
	return -1
}

// Len is the number of rows, headings included.
func (l *List[K]) Len() int { return len(l.items) }

// Item is the i-th row.
func (l *List[K]) Item(i int) Item[K] { return l.items[i] }

// Selected is the key of the selected row.
func (l *List[K]) Selected() (key K, ok bool) {
	if !l.valid(l.selected) {
		return key, false
	}
	return l.items[l.selected].Key, true
}

// Index is the selected row, -1 if there is none.
func (l *List[K]) Index() int {
	if !l.valid(l.selected) {
		return -1
	}
	return l.selected
}

// Select moves to the row with the key, if there is one.
func (l *List[K]) Select(key K) bool {
	for i, it := range l.items {
		if !it.Heading && it.Key == key {
			l.selected = i
			return true
		}
	}
	return false
}

// Move goes n selectable rows down, or up if n is negative, as far as it can.
func (l *List[K]) Move(n int) {
	step := 1
	if n < 0 {
		step, n = -1, -n
	}
	for i := l.selected + step; n > 0 && i >= 0 && i < len(l.items); i += step {
		if l.valid(i) {
			l.selected = i
			n--
		}
	}
}

// Top selects the first row.
func (l *List[K]) Top() { l.selected = l.nearest(0) }

// Bottom selects the last row.
func (l *List[K]) Bottom() {
	for i := len(l.items) - 1; i >= 0; i-- {
		if l.valid(i) {
			l.selected = i
			return
		}
	}
}

// Window is the range of rows to draw in h lines, with the selected one and,
// where there is room, its neighbours and the heading above it in sight.
func (l *List[K]) Window(h int) (from, to int) {
	if h <= 0 {
		return 0, 0
	}
	m := min(margin, (h-1)/2)
	top, bottom := l.selected-m, l.selected+m
	if l.nearest(0) == l.selected {
		top = 0 // the headings above the first row
	}
	l.offset = min(l.offset, top)
	l.offset = max(l.offset, bottom-h+1)
	l.offset = max(0, min(l.offset, len(l.items)-h))
	return l.offset, min(len(l.items), l.offset+h)
}

// Click selects the row at a line of the window as it was asked for last. It
// reports whether there is one to select.
func (l *List[K]) Click(line int) bool {
	i := l.offset + line
	if line < 0 || !l.valid(i) {
		return false
	}
	l.selected = i
	return true
}

// Show moves to the row with the key, if there is one, and forgets how far the
// list was scrolled: what is in sight then depends on the row alone.
func (l *List[K]) Show(key K) bool {
	found := l.Select(key)
	if found {
		l.offset = 0
	}
	return found
}
