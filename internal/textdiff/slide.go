package textdiff

import "strings"

// slide moves a pure insertion or removal to where a person would put it: a
// block may start one line earlier if the line before it equals its last one.
// Of these places the one whose first line is indented least wins, a list
// item's dash before others, and then the last. The matches are those of
// A[:endA] and B[:endB].
func (d *Diff) slide(m []pair, endA, endB int) {
	for n := 0; n <= len(m); n++ {
		from, to := pair{-1, -1}, pair{endA, endB}
		if n > 0 {
			from = m[n-1]
		}
		if n < len(m) {
			to = m[n]
		}
		gapA, gapB := to.a-from.a-1, to.b-from.b-1
		switch {
		case gapA == 0 && gapB > 0:
			shift(m, n, gapB, d.B, d.openB, func(p *pair) *int { return &p.b })
		case gapB == 0 && gapA > 0:
			shift(m, n, gapA, d.A, d.openA, func(p *pair) *int { return &p.a })
		}
	}
}

// shift moves the gap of size before match n up by some matches. side picks
// the index on the side that has the gap; lines are that side's, the last of
// them without line feed if open is set.
func shift(m []pair, n, size int, lines []string, open bool, side func(*pair) *int) {
	start := 0
	if n > 0 {
		start = *side(&m[n-1]) + 1
	}
	best, score := 0, weight(lines[start])
	for up := 1; n-up >= 0; up++ {
		at := start - up
		if *side(&m[n-up]) != at || lines[at] != lines[at+size] || open && at+size == len(lines)-1 {
			break
		}
		if up > 1 && !adjacent(m[n-up], m[n-up+1]) {
			break
		}
		if w := weight(lines[at]); w < score {
			best, score = up, w
		}
	}
	for up := 1; up <= best; up++ {
		*side(&m[n-up]) += size
	}
}

func adjacent(p, q pair) bool { return p.a+1 == q.a && p.b+1 == q.b }

// weight ranks a line as the first one of a block: the lower the better.
func weight(s string) int {
	indent := len(s) - len(strings.TrimLeft(s, " "))
	if strings.HasPrefix(s[indent:], "-") {
		return 2 * indent
	}
	return 2*indent + 1
}
