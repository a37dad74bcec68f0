// Package paint fits text into cells: it cuts, pads, wraps, spreads and lays
// one block over another. All widths are terminal cells, and no function
// returns a line wider than it was asked for. Its input may carry styles; text
// from outside has been through sanitize before.
//
// The cells of a text are those of its characters one by one, as terminals and
// Bubble Tea's renderer count them unless they agree on something else (mode
// 2027): what is counted by clusters is too wide for them by a cell for each
// conjunct of Devanagari, and by two for each emoji with a skin colour.
package paint

import (
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// Width is the number of cells s takes.
func Width(s string) int {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' {
			return ansi.StringWidthWc(s)
		}
	}
	return len(s)
}

// Cut is s in at most w cells, with an ellipsis when something is missing.
func Cut(s string, w int) string {
	switch {
	case w <= 0:
		return ""
	case Width(s) <= w:
		return s
	}
	room := w - 1 // for the ellipsis
	var b strings.Builder
	b.Grow(len(s))
	full := false
	for s != "" {
		char, cells := next(s)
		s = s[len(char):]
		switch {
		case cells <= room && !full:
			room -= cells
		case !full:
			b.WriteString("…")
			full = true
			fallthrough
		default:
			if char[0] != 0x1b {
				continue // styles that were opened are closed
			}
		}
		b.WriteString(char)
	}
	return b.String()
}

// next is what s starts with, an escape sequence or a character, and the cells
// it takes.
func next(s string) (char string, cells int) {
	if s[0] == 0x1b {
		char, _, _, _ = ansi.DecodeSequenceWc(s, 0, nil)
		return char, 0
	}
	if s[0] < utf8.RuneSelf {
		return s[:1], Width(s[:1])
	}
	_, size := utf8.DecodeRuneInString(s)
	return s[:size], ansi.StringWidthWc(s[:size])
}

// Fit is s in exactly w cells, cut or padded on the right.
func Fit(s string, w int) string {
	s = Cut(s, w)
	return s + Spaces(w-Width(s))
}

// FitRight is s in exactly w cells, cut or padded on the left.
func FitRight(s string, w int) string {
	s = Cut(s, w)
	return Spaces(w-Width(s)) + s
}

const blank = "                                                                " +
	"                                                                "

// Spaces is n blanks, none if n is negative.
func Spaces(n int) string {
	if n <= 0 {
		return ""
	}
	if n <= len(blank) {
		return blank[:n]
	}
	return strings.Repeat(" ", n)
}

// Spread puts left and right at the ends of w cells. When both do not fit, the
// left one is cut, as the right one is what presses.
func Spread(left, right string, w int) string {
	right = Cut(right, w)
	room := w - Width(right)
	if right != "" {
		room-- // at least one blank between them
	}
	left = Cut(left, room)
	return left + Spaces(w-Width(left)-Width(right)) + right
}

// Wrap breaks s at words into lines of at most w cells.
func Wrap(s string, w int) []string {
	if w <= 0 {
		return nil
	}
	var out []string
	for _, l := range strings.Split(ansi.WrapWc(s, w, ""), "\n") {
		out = append(out, Cut(strings.TrimRight(l, " "), w))
	}
	return out
}

// Height makes lines exactly h long, cut or filled with empty ones.
func Height(lines []string, h int) []string {
	h = max(h, 0)
	for len(lines) < h {
		lines = append(lines, "")
	}
	return lines[:h]
}

// Squeeze makes lines at most h long: it takes out blank ones, from the end,
// before it cuts.
func Squeeze(lines []string, h int) []string {
	h = max(h, 0)
	for i := len(lines) - 1; i >= 0 && len(lines) > h; i-- {
		if lines[i] == "" {
			lines = append(lines[:i:i], lines[i+1:]...)
		}
	}
	return lines[:min(len(lines), h)]
}

// Columns joins two blocks side by side: left in lw cells, then the separator,
// then right, for h lines.
func Columns(left, right []string, lw int, sep string, h int) []string {
	out := make([]string, h)
	for i := range out {
		var l, r string
		if i < len(left) {
			l = left[i]
		}
		if i < len(right) {
			r = right[i]
		}
		out[i] = Fit(l, lw) + sep + r
	}
	return out
}

// Overlay lays box over base at column x, row y. What is under and beside it
// loses its styles and is painted by dim.
func Overlay(base, box []string, x, y, w int, dim func(string) string) []string {
	out := make([]string, len(base))
	for i, l := range base {
		plain := ansi.Strip(l)
		if i < y || i >= y+len(box) {
			out[i] = dim(Cut(plain, w))
			continue
		}
		b := box[i-y]
		after := x + Width(b)
		rest := Fit(plain, w)
		out[i] = Cut(dim(between(rest, 0, x))+b+dim(between(rest, after, w)), w)
	}
	return out
}

// between is the cells of plain text from a to b. A wide character that an end
// cuts in two gives way to blanks.
func between(s string, a, b int) string {
	var out strings.Builder
	at := 0
	for s != "" && at < b {
		char, w := next(s)
		s = s[len(char):]
		from, to := max(at, a), min(at+w, b)
		if at += w; to-from == w {
			out.WriteString(char)
		} else {
			out.WriteString(Spaces(to - from))
		}
	}
	return out.String() + Spaces(b-max(at, a))
}

// ASCII replaces every character outside ASCII by as many ASCII ones as it has
// cells, so that nothing moves. Escape sequences stay.
func ASCII(s string) string {
	ascii := true
	for i := range len(s) {
		if s[i] >= 0x80 {
			ascii = false
			break
		}
	}
	if ascii {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for s != "" {
		char, w := next(s)
		s = s[len(char):]
		first, _ := utf8.DecodeRuneInString(char)
		switch c, known := plain[first]; {
		case first < utf8.RuneSelf:
			b.WriteString(char)
		case known && w == 1:
			b.WriteByte(c)
		default:
			b.WriteString(strings.Repeat("?", w)) // none for a mark over another
		}
	}
	return b.String()
}

var plain = map[rune]byte{
	'…': '~', '→': '>', '←': '<', '–': '-', '—': '-', '·': '|', '“': '"', '”': '"', '‘': '\'', '’': '\'',
	'\u00a0': ' ', '✓': 'v', '✗': 'x', '×': 'x', '↑': '^', '↓': 'v', '≤': '<', '≥': '>',
}
