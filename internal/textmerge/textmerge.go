// Package textmerge merges two versions of a text that come from the same
// base, line by line. It is pure: the same texts always merge the same.
package textmerge

import (
	"slices"
	"strings"

	"github.com/fairtide-dev/fairtide/internal/textdiff"
)

// Conflict is a stretch that both sides changed, each in its own way, or that
// their changes meet in without a line between them. Line and Lines are the
// stretch of the base: 1-based, and how many; of an insertion that is 0.
type Conflict struct{ Line, Lines int }

// Merge applies to the base what either side changed. Changes that are the
// same on both sides are made once. With conflicts there is no merged text.
func Merge(base, ours, theirs string) (merged string, conflicts []Conflict) {
	b, o, t := split(base), split(ours), split(theirs)
	left, right := hunks(b, o), hunks(b, t)
	var out []string
	pos := 0 // of the base, up to which out is done
	for len(left) > 0 || len(right) > 0 {
		r := region{}
		r.from, r.to = start(left, right)
		r.grow(&left, &right)
		out = append(out, b[pos:r.from]...)
		pos = r.to
		switch mine, yours := r.text(b, o, r.left), r.text(b, t, r.right); {
		case len(r.right) == 0 || slices.Equal(mine, yours):
			out = append(out, mine...)
		case len(r.left) == 0:
			out = append(out, yours...)
		default:
			conflicts = append(conflicts, Conflict{r.from + 1, r.to - r.from})
		}
	}
	if len(conflicts) > 0 {
		return "", conflicts
	}
	return strings.Join(append(out, b[pos:]...), ""), nil
}

// split cuts a text into lines that keep their ends.
func split(s string) []string {
	if s == "" {
		return nil
	}
	lines := strings.SplitAfter(s, "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// hunk says that base[from:to] became side[at:end].
type hunk struct{ from, to, at, end int }

// hunks lists how a side differs from the base. An insertion or removal that
// could as well be a line further down is put as far down as it goes, so that
// both sides place the same change alike.
func hunks(base, side []string) []hunk {
	var out []hunk
	i, j := 0, 0
	for _, m := range append(textdiff.Matches(base, side), textdiff.Match{A: len(base), B: len(side)}) {
		if i < m.A || j < m.B {
			out = append(out, hunk{i, m.A, j, m.B})
		}
		i, j = m.A+m.N, m.B+m.N
	}
	for n := len(out) - 1; n >= 0; n-- {
		limit := len(base)
		if n+1 < len(out) {
			limit = out[n+1].from - 1 // one line stays between
		}
		for h := &out[n]; h.to < limit && h.slides(base, side); {
			*h = hunk{h.from + 1, h.to + 1, h.at + 1, h.end + 1}
		}
	}
	return out
}

// slides reports whether the hunk is the same change one line further down.
func (h hunk) slides(base, side []string) bool {
	switch {
	case h.from == h.to:
		return base[h.to] == side[h.at]
	case h.at == h.end:
		return base[h.from] == base[h.to]
	}
	return false
}

// region is a stretch of the base with the hunks that touch each other in it.
type region struct {
	from, to    int
	left, right []hunk
}

func start(left, right []hunk) (from, to int) {
	if len(right) == 0 || len(left) > 0 && left[0].from <= right[0].from {
		return left[0].from, left[0].to
	}
	return right[0].from, right[0].to
}

// grow takes hunks of both sides as long as they touch the region.
func (r *region) grow(left, right *[]hunk) {
	for grown := true; grown; {
		grown = false
		for _, side := range []struct {
			from *[]hunk
			to   *[]hunk
		}{{left, &r.left}, {right, &r.right}} {
			for len(*side.from) > 0 && (*side.from)[0].from <= r.to {
				h := (*side.from)[0]
				*side.from = (*side.from)[1:]
				*side.to = append(*side.to, h)
				r.to = max(r.to, h.to)
				grown = true
			}
		}
	}
}

// text is what the region is on one side.
func (r *region) text(base, side []string, hunks []hunk) []string {
	var out []string
	pos := r.from
	for _, h := range hunks {
		out = append(out, base[pos:h.from]...)
		out = append(out, side[h.at:h.end]...)
		pos = h.to
	}
	return append(out, base[pos:r.to]...)
}
