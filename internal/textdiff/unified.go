package textdiff

import (
	"fmt"
	"strings"
)

// Unified is a diff from a to b in the unified format that patch and git apply
// read, with up to context equal lines around each change. Equal texts give
// the empty string. Names are written as given, without control characters;
// the name of a side that does not exist is "/dev/null" by convention.
func Unified(aName, bName, a, b string, context int) string {
	d := Lines(a, b)
	hunks := d.Hunks(context)
	if len(hunks) == 0 {
		return ""
	}
	var w strings.Builder
	fmt.Fprintf(&w, "--- %s\n+++ %s\n", headerName(aName), headerName(bName))
	left, right, at := 0, 0, 0 // lines before row at
	for _, h := range hunks {
		// Rows between hunks are equal: both sides advance alike.
		left, right = left+h.From-at, right+h.From-at
		lefts, rights := d.count(h)
		fmt.Fprintf(&w, "@@ -%s +%s @@\n", extent(left, lefts), extent(right, rights))
		d.writeHunk(&w, h)
		left, right, at = left+lefts, right+rights, h.To
	}
	return w.String()
}

func headerName(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s)
}

// extent is a hunk's place on one side: before is the number of lines above
// it, n its lines. An empty range names the line it comes after.
func extent(before, n int) string {
	switch n {
	case 0:
		return fmt.Sprintf("%d,0", before)
	case 1:
		return fmt.Sprint(before + 1)
	}
	return fmt.Sprintf("%d,%d", before+1, n)
}

func (d *Diff) count(h Run) (lefts, rights int) {
	for _, r := range d.Rows[h.From:h.To] {
		if r.Left > 0 {
			lefts++
		}
		if r.Right > 0 {
			rights++
		}
	}
	return lefts, rights
}

// writeHunk writes the rows: in each run of changes the removed lines first.
func (d *Diff) writeHunk(w *strings.Builder, h Run) {
	for i := h.From; i < h.To; {
		if r := d.Rows[i]; r.Kind == Equal {
			d.writeLine(w, ' ', d.A, r.Left, d.openA)
			i++
			continue
		}
		end := i
		for end < h.To && d.Rows[end].Kind != Equal {
			end++
		}
		for _, r := range d.Rows[i:end] {
			d.writeLine(w, '-', d.A, r.Left, d.openA)
		}
		for _, r := range d.Rows[i:end] {
			d.writeLine(w, '+', d.B, r.Right, d.openB)
		}
		i = end
	}
}

func (d *Diff) writeLine(w *strings.Builder, sign byte, lines []string, n int, open bool) {
	if n == 0 {
		return
	}
	w.WriteByte(sign)
	w.WriteString(lines[n-1])
	w.WriteByte('\n')
	if open && n == len(lines) {
		w.WriteString("\\ No newline at end of file\n")
	}
}
