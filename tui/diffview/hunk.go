package diffview

import (
	"slices"
	"strings"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/internal/textdiff"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/paint"
	"github.com/fairtide-dev/fairtide/tui/theme"
)

// Extent is a range of lines of a text, counted from 1, both ends included.
// Where there are none To is one less than From, and From is where they would
// be.
type Extent struct{ From, To int }

// Hunk is a run of changed lines.
type Hunk struct {
	Index       int    // from 0
	Path        string // of its first line: spec.template.spec.containers[cart].image
	Left, Right Extent
	Old, New    string // the lines of each side, each with a line feed
}

// Hunk is the hunk with an index from 0.
func (d *Document) Hunk(n int) Hunk {
	s := d.spans[d.hunks[n]]
	h := Hunk{Index: n, Path: d.places[n], Left: d.extent(s.rows, 0), Right: d.extent(s.rows, 1)}
	h.Old, h.New = d.text(0, h.Left), d.text(1, h.Right)
	return h
}

// extent is which lines of a side a run of rows has.
func (d *Document) extent(rows textdiff.Run, s int) Extent {
	e := Extent{From: 1}
	for i := rows.From - 1; i >= 0; i-- {
		if n := number(d.diff.Rows[i], s); n > 0 {
			e.From = n + 1
			break
		}
	}
	e.To = e.From - 1
	for _, r := range d.diff.Rows[rows.From:rows.To] {
		e.To = max(e.To, number(r, s))
	}
	return e
}

func number(r textdiff.Row, s int) int {
	if s == 0 {
		return r.Left
	}
	return r.Right
}

func (d *Document) text(s int, e Extent) string {
	var b strings.Builder
	for _, l := range d.lines(s)[e.From-1 : e.To] {
		b.WriteString(l)
		b.WriteByte('\n')
	}
	return b.String()
}

// HunkPaths lists the path of each hunk's first line.
func (d *Document) HunkPaths() []string { return slices.Clone(d.places) }

// HunksOf finds the hunks in which values of an object change: of each path
// the index of the first hunk with a changed line at it or under it, else of
// one that it is under. Paths that change in no hunk are left out.
func (d *Document) HunksOf(paths []string) map[string]int {
	out := map[string]int{}
	loose := map[string]int{}
	note := func(to map[string]int, path string, n int) {
		if was, ok := to[path]; !ok || n < was {
			to[path] = n
		}
	}
	for s := range 2 {
		for n, own := range d.changed(s) {
			for _, want := range paths {
				switch {
				case isUnder(own, want):
					note(out, want, n.hunk)
				case isUnder(want, own):
					note(loose, want, n.hunk)
				}
			}
		}
	}
	for p, n := range loose {
		if _, ok := out[p]; !ok {
			out[p] = n
		}
	}
	return out
}

// isUnder reports whether a path is another one or below it.
func isUnder(path, top string) bool {
	rest, ok := strings.CutPrefix(path, top)
	return ok && (rest == "" || top == "" || rest[0] == '.' || rest[0] == '[')
}

// changedLine is a changed line of a side, by number, and the hunk it is in.
type changedLine struct{ line, hunk int }

// changed yields the changed lines of a side with their paths.
func (d *Document) changed(s int) func(yield func(changedLine, string) bool) {
	return func(yield func(changedLine, string) bool) {
		var lines []changedLine
		var wanted []int
		for h, i := range d.hunks {
			rows := d.spans[i].rows
			for _, r := range d.diff.Rows[rows.From:rows.To] {
				if n := number(r, s); n > 0 {
					lines, wanted = append(lines, changedLine{n, h}), append(wanted, n-1)
				}
			}
		}
		if len(wanted) == 0 {
			return
		}
		places, _ := read(d.lines(s)[:wanted[len(wanted)-1]+1], wanted)
		for i, l := range lines {
			if !yield(l, places[i].own) {
				return
			}
		}
	}
}

// Line is a remark above a hunk: a risk of what changes in it.
type Line struct {
	Text     string
	Severity model.Severity
}

// AnnotateHunks puts remarks above hunks, by their index.
func (d *Document) AnnotateHunks(lines map[int][]Line) { d.above = lines }

// NotesAbove puts remarks above the hunks in which the values at their paths
// change, and returns the paths that change in none.
func (d *Document) NotesAbove(lines map[string][]Line) (elsewhere []string) {
	paths := make([]string, 0, len(lines))
	for p := range lines {
		paths = append(paths, p)
	}
	slices.Sort(paths)
	at := d.HunksOf(paths)
	above := map[int][]Line{}
	for _, p := range paths {
		if n, ok := at[p]; ok {
			above[n] = append(above[n], lines[p]...)
		} else {
			elsewhere = append(elsewhere, p)
		}
	}
	d.AnnotateHunks(above)
	return elsewhere
}

// remark is a line of a remark above a hunk, as it is drawn.
type remark struct {
	text     string
	first    bool
	severity model.Severity
}

// maxAbove is how many lines the remarks above a hunk take: they shall not push
// the hunk off the screen.
const maxAbove = 6

// remarks wraps what is said above the hunks.
func (v *View) remarks() {
	v.above = nil
	for n, lines := range v.doc.above {
		if n < 0 || n >= len(v.doc.hunks) {
			continue
		}
		var out []remark
		for _, l := range lines {
			text := sanitize.Line(l.Text)
			if l.Severity != "" {
				text = string(l.Severity) + ": " + text
			}
			for i, part := range paint.Wrap(text, v.w-v.doc.digits-4) {
				out = append(out, remark{part, i == 0, l.Severity})
			}
		}
		if len(out) > maxAbove {
			out = out[:maxAbove]
			out[maxAbove-1].text += " …"
		}
		if v.above == nil {
			v.above = map[int][]remark{}
		}
		v.above[v.doc.hunks[n]] = out
	}
}

// draw is the line at full width w.
func (r remark) draw(t *theme.Theme, bar string, digits, w int) string {
	mark := " "
	look := t.Severity(r.severity)
	if r.first {
		mark = look.Paint(t.Glyph.Risk)
	}
	return paint.Fit(bar+paint.Spaces(digits+1)+mark+" "+look.Paint(r.text), w)
}

// Current is the current hunk; ok is false if there is none.
func (v *View) Current() (h Hunk, ok bool) {
	if v.doc == nil || v.doc.Hunks() == 0 {
		return Hunk{}, false
	}
	return v.doc.Hunk(v.hunk), true
}

// HunkPath is the path of the current hunk's first line, empty if there is
// none.
func (v *View) HunkPath() string {
	if v.doc == nil || v.doc.Hunks() == 0 {
		return ""
	}
	return v.doc.places[v.hunk]
}
