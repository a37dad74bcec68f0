package textdiff

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sergi/go-diff/diffmatchpatch"
)

// Kind says how the two sides of a row relate.
type Kind uint8

// The kinds of row.
const (
	Equal   Kind = iota
	Changed      // both sides, with different text
	Added        // right side only
	Removed      // left side only
)

// Row is one line of the aligned view. Left and Right are 1-based line
// numbers; 0 means there is no line on that side.
type Row struct {
	Kind        Kind
	Left, Right int
}

// Diff is an aligned comparison of two texts.
type Diff struct {
	A, B []string // the lines of both sides, without their line feeds
	Rows []Row

	openA, openB bool // the last line has no line feed
}

// Run is a range of rows, From inclusive, To exclusive.
type Run struct{ From, To int }

// timeout bounds the search for the shortest script. What is not searched when
// it ends is shown as removed and added, which is true if not short.
const timeout = time.Second

// Lines compares two texts.
func Lines(a, b string) *Diff {
	d := &Diff{A: split(a), B: split(b)}
	d.openA = a != "" && !strings.HasSuffix(a, "\n")
	d.openB = b != "" && !strings.HasSuffix(b, "\n")
	matches := d.match()
	i, j := 0, 0
	for n := 0; n <= len(matches); n++ {
		next := pair{len(d.A), len(d.B)}
		if n < len(matches) {
			next = matches[n]
		}
		d.block(i, next.a, j, next.b)
		if n < len(matches) {
			d.Rows = append(d.Rows, Row{Equal, next.a + 1, next.b + 1})
		}
		i, j = next.a+1, next.b+1
	}
	return d
}

// Left is the text of the row's left line, empty when there is none.
func (d *Diff) Left(r Row) string { return line(d.A, r.Left) }

// Right is the text of the row's right line, empty when there is none.
func (d *Diff) Right(r Row) string { return line(d.B, r.Right) }

func line(lines []string, n int) string {
	if n == 0 {
		return ""
	}
	return lines[n-1]
}

// Changes returns the runs of consecutive rows that are not equal.
func (d *Diff) Changes() []Run {
	var out []Run
	for i := 0; i < len(d.Rows); i++ {
		if d.Rows[i].Kind == Equal {
			continue
		}
		from := i
		for i < len(d.Rows) && d.Rows[i].Kind != Equal {
			i++
		}
		out = append(out, Run{from, i})
	}
	return out
}

// Hunks returns the changes with up to context equal rows around each, joined
// where they touch.
func (d *Diff) Hunks(context int) []Run {
	var out []Run
	for _, c := range d.Changes() {
		h := Run{max(0, c.From-context), min(len(d.Rows), c.To+context)}
		if n := len(out); n > 0 && h.From <= out[n-1].To {
			out[n-1].To = h.To
			continue
		}
		out = append(out, h)
	}
	return out
}

func split(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(s, "\n"), "\n")
}

// pair is a line of each side, as 0-based indices.
type pair struct{ a, b int }

// match finds which lines are the same on both sides, in order.
func (d *Diff) match() []pair {
	a, b := d.tokens()
	return slide(align(a, b, timeout), a, b, d)
}

// align finds the longest sequence of tokens that both sides have, or what is
// found of it when the time is up; no limit is 0.
func align(a, b []rune, limit time.Duration) []pair {
	keepA, keepB := common(a, b), common(b, a)
	var out []pair
	i, j := 0, 0
	for _, e := range script(pick(a, keepA), pick(b, keepB), limit) {
		switch e.Type {
		case diffmatchpatch.DiffDelete:
			i += utf8.RuneCountInString(e.Text)
		case diffmatchpatch.DiffInsert:
			j += utf8.RuneCountInString(e.Text)
		case diffmatchpatch.DiffEqual:
			for range utf8.RuneCountInString(e.Text) {
				out = append(out, pair{keepA[i], keepB[j]})
				i, j = i+1, j+1
			}
		}
	}
	return out
}

// script is go-diff's edit script over two rune sequences.
func script(a, b []rune, limit time.Duration) []diffmatchpatch.Diff {
	dmp := diffmatchpatch.New()
	dmp.DiffTimeout = limit
	return dmp.DiffMainRunes(a, b, false)
}

// tokens gives each distinct line a rune of its own. A last line without line
// feed differs from the same text with one.
func (d *Diff) tokens() (a, b []rune) {
	index := make(map[string]rune, len(d.A))
	number := func(lines []string, open bool) []rune {
		out := make([]rune, len(lines))
		for i, l := range lines {
			if open && i == len(lines)-1 {
				l += "\x00\n" // no line holds a line feed
			}
			r, ok := index[l]
			if !ok {
				r = token(len(index))
				index[l] = r
			}
			out[i] = r
		}
		return out
	}
	return number(d.A, d.openA), number(d.B, d.openB)
}

// token is the n-th rune that survives a trip through a string. Past the last
// one all are the same private rune: common drops those, as it must not take
// different lines for equal.
func token(n int) rune {
	r := rune(n + 1)
	if r >= 0xd800 {
		r += 0x800
	}
	return min(r, utf8.MaxRune)
}

// common returns the indices of a's lines that b has too. The others cannot
// match anything, and leaving them out makes two unrelated texts cheap.
func common(a, b []rune) []int {
	has := make(map[rune]struct{}, len(b))
	for _, r := range b {
		has[r] = struct{}{}
	}
	var out []int
	for i, r := range a {
		if _, ok := has[r]; ok && r != utf8.MaxRune {
			out = append(out, i)
		}
	}
	return out
}

func pick(runes []rune, keep []int) []rune {
	out := make([]rune, len(keep))
	for i, k := range keep {
		out[i] = runes[k]
	}
	return out
}

// slide moves a pure insertion or removal to where a person would put it: a
// block may start one line earlier if the line before it equals its last one.
// Of these places the one whose first line is indented least wins, a list
// item's dash before others, and then the last.
func slide(m []pair, a, b []rune, d *Diff) []pair {
	for n := 0; n <= len(m); n++ {
		from, to := pair{-1, -1}, pair{len(a), len(b)}
		if n > 0 {
			from = m[n-1]
		}
		if n < len(m) {
			to = m[n]
		}
		gapA, gapB := to.a-from.a-1, to.b-from.b-1
		switch {
		case gapA == 0 && gapB > 0:
			shift(m, n, gapB, b, d.B, func(p *pair) *int { return &p.b })
		case gapB == 0 && gapA > 0:
			shift(m, n, gapA, a, d.A, func(p *pair) *int { return &p.a })
		}
	}
	return m
}

// shift moves the gap of size before match n up by some matches. side picks
// the index on the side that has the gap; runes and lines are that side's.
func shift(m []pair, n, size int, runes []rune, lines []string, side func(*pair) *int) {
	start := 0
	if n > 0 {
		start = *side(&m[n-1]) + 1
	}
	best, score := 0, weight(lines[start])
	for up := 1; n-up >= 0; up++ {
		at := start - up
		if *side(&m[n-up]) != at || runes[at] != runes[at+size] {
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
