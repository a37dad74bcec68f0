package diffview

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/charmbracelet/x/ansi"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/paint"
	"github.com/fairtide-dev/fairtide/tui/theme"
)

// seeded is a source of random numbers whose seed the test's log has.
func seeded(t *testing.T) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 7))
}

// hostile is a pair of texts of all that is awkward, some with other line ends
// than a line feed, some without one at the end.
func hostile(rng *rand.Rand) (before, after string) {
	before = randomText(rng)
	after = mutate(rng, before)
	for _, s := range []*string{&before, &after} {
		if rng.IntN(4) == 0 {
			*s = strings.ReplaceAll(*s, "\n", "\r\n")
		}
		if rng.IntN(4) == 0 {
			*s = strings.TrimSuffix(*s, "\n")
		}
	}
	return before, after
}

// shownLine is a line as a reader takes it off the screen.
type shownLine struct {
	left, right         int // numbers, 0 where there is none
	sign                string
	leftText, rightText string // as drawn, without the blanks at the end
}

// readScreen draws the whole document at a width where nothing is cut, and
// reads it back.
func readScreen(t *testing.T, v *View, mode Mode) []shownLine {
	t.Helper()
	v.Mode = mode
	v.wrapped = WrapNone
	v.SetSize(2*(v.doc.widest+v.doc.digits+10)+minSplit, 1<<20)
	v.layout()
	if v.Folded() > 0 {
		v.ToggleFolds()
	}
	var out []shownLine
	for _, drawn := range v.Lines(theme.New(theme.Options{})) {
		drawn = ansi.Strip(drawn)
		if v.split {
			lw, _ := v.columns()
			var l shownLine
			var a, b string
			l.left, a, l.leftText = readCell(t, v, cells(drawn, 1, 1+lw))
			l.right, b, l.rightText = readCell(t, v, cells(drawn, 2+lw, v.w))
			l.sign = strings.TrimSpace(a + b)
			out = append(out, l)
			continue
		}
		runes := []rune(drawn)[1:]
		var n [2]int
		for i, has := range []bool{len(v.doc.diff.A) > 0, len(v.doc.diff.B) > 0} {
			if has {
				n[i] = readNumber(t, string(runes[:v.doc.digits]))
				runes = runes[v.doc.digits+1:]
			}
		}
		text := strings.TrimRight(string(runes[2:]), " ")
		out = append(out, shownLine{n[0], n[1], strings.TrimSpace(string(runes[:1])), text, text})
	}
	return out
}

func readCell(t *testing.T, v *View, cell string) (n int, sign, text string) {
	t.Helper()
	if strings.TrimSpace(cell) == "" {
		return 0, "", ""
	}
	n = readNumber(t, cell[:v.doc.digits])
	return n, cell[v.doc.digits+1 : v.doc.digits+2], strings.TrimRight(cell[v.doc.digits+3:], " ")
}

func readNumber(t *testing.T, s string) int {
	t.Helper()
	if s = strings.TrimSpace(s); s == "" {
		return 0
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatalf("line number %q: %v", s, err)
	}
	return n
}

// cells are those of a plain text from one to another.
func cells(s string, from, to int) string {
	var b strings.Builder
	at := 0
	for _, r := range s {
		w := paint.Width(string(r))
		if at >= from && at+w <= to && (w > 0 || at > from) {
			b.WriteRune(r)
		}
		at += w
	}
	return b.String()
}

// drawnLines are the lines of a text as a reader sees them.
func drawnLines(lines []string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = strings.TrimRight(sanitize.Line(l), " ")
	}
	return out
}

// TestTheScreenIsBothTexts reads the unfolded diff off the screen: every line
// of both sides is there once and in order, and what is shown as right, applied
// to the left, is the right.
func TestTheScreenIsBothTexts(t *testing.T) {
	rng := seeded(t)
	for range 400 {
		before, after := hostile(rng)
		d := Compare(before, after)
		a, b := drawnLines(d.diff.A), drawnLines(d.diff.B)
		for _, mode := range []Mode{Split, Unified} {
			v := &View{}
			v.Show(d)
			var left, applied []string
			at := 0 // lines of the left that were taken or dropped
			var pending []string
			for _, l := range readScreen(t, v, mode) {
				if l.left > 0 {
					if left = append(left, l.leftText); l.left != len(left) {
						t.Fatalf("%q | %q: left line %d comes as the %d-th", before, after, l.left, len(left))
					}
				}
				if l.right > 0 && l.right != len(applied)+len(pending)+1 {
					t.Fatalf("%q | %q: right line %d comes as the %d-th", before, after, l.right, len(applied)+1)
				}
				switch {
				case l.sign == "": // unchanged: it is the left's own
					applied = append(applied, a[at])
				case l.right > 0:
					applied = append(applied, l.rightText)
				}
				if l.left > 0 {
					at++
				}
			}
			if !slices.Equal(left, a) {
				t.Fatalf("%q | %q: the left side shows\n%q", before, after, left)
			}
			if !slices.Equal(applied, b) {
				t.Fatalf("%q | %q: applying what is shown gives\n%q, want\n%q", before, after, applied, b)
			}
		}
	}
}

// TestUnfoldingGivesTheWhole unfolds stretch by stretch, by key and by click:
// nothing else changes, and folding again gives what was there before.
func TestUnfoldingGivesTheWhole(t *testing.T) {
	rng := seeded(t)
	th := theme.New(theme.Options{})
	for range 60 {
		change := map[int]string{}
		n := 20 + rng.IntN(200)
		for range 1 + rng.IntN(4) {
			change[1+rng.IntN(n)] = "x: 日本\n"
		}
		d := Compare(numbered(n, nil), numbered(n, change))
		v := &View{Mode: Mode(1 + rng.IntN(2))}
		v.SetSize(100, 1<<20)
		v.Show(d)
		folded := v.Lines(th)
		hidden := 0
		for _, l := range folded {
			if i := strings.Index(l, "⋯ "); i >= 0 {
				n, _ := strconv.Atoi(strings.Fields(ansi.Strip(l[i+len("⋯ "):]))[0])
				hidden += n - 1
			}
		}
		for v.Folded() > 0 {
			if rng.IntN(2) == 0 {
				v.UnfoldFirst()
				continue
			}
			for y := range v.Total() {
				if at, _ := v.LineAt(y); at.Fold {
					if !v.Click(3, y) {
						t.Fatalf("a click on line %d unfolds nothing", y)
					}
					break
				}
			}
		}
		if got, want := v.Total(), len(folded)+hidden; got != want {
			t.Fatalf("%d lines unfolded, want %d", got, want)
		}
		v.ToggleFolds()
		if got := v.Lines(th); !slices.Equal(got, folded) {
			t.Fatalf("folded again:\n%s\nwas\n%s", strings.Join(got, "\n"), strings.Join(folded, "\n"))
		}
	}
}

// TestAnyKeysKeepTheLayout presses random keys: no line is wider or narrower
// than asked, and the divider is always at its place.
func TestAnyKeysKeepTheLayout(t *testing.T) {
	rng := seeded(t)
	th := theme.New(theme.Options{})
	for range 600 {
		before, after := hostile(rng)
		d := Compare(before, after)
		if rng.IntN(2) == 0 {
			d.Annotate(nil, map[int]Note{1 + rng.IntN(9): {Texts: []string{"drift 日本 03:12", "drift"}}})
			d.AnnotateHunks(map[int][]Line{0: {{"restarts 3 pods 👍🏽, one at a time", model.SeverityWarning}}})
		}
		v := &View{}
		v.SetSize(1+rng.IntN(160), 1+rng.IntN(30))
		v.Show(d)
		for range 8 {
			press(rng, v)
			lines := v.Lines(th)
			if len(lines) > v.h {
				t.Fatalf("%d lines in a height of %d", len(lines), v.h)
			}
			lw, _ := v.columns()
			for y, l := range lines {
				if got := paint.Width(l); got != v.full {
					t.Fatalf("%q | %q: a line of %d cells in %d: %q", before, after, got, v.full, l)
				}
				at, ok := v.LineAt(y)
				if !ok {
					t.Fatalf("line %d of %d is nowhere", y, len(lines))
				}
				if v.split && at.Left+at.Right > 0 && !at.Fold && cells(ansi.Strip(l), 1+lw, 2+lw) != "│" {
					t.Fatalf("the divider is not at %d: %q\n%q", 1+lw, ansi.Strip(l), cells(ansi.Strip(l), lw, 4+lw))
				}
			}
		}
	}
}

func press(rng *rand.Rand, v *View) {
	switch rng.IntN(12) {
	case 0:
		v.Sideways(rng.IntN(5) - 1)
	case 1:
		v.ToggleFolds()
	case 2:
		v.NextHunk(1 - 2*rng.IntN(2))
	case 3:
		v.Page(1 - 2*rng.IntN(2))
	case 4:
		v.SetSize(1+rng.IntN(160), 1+rng.IntN(30))
	case 5:
		v.UnfoldFirst()
	case 6:
		v.ToggleWrap()
	case 7:
		v.ToggleMode()
	case 8:
		v.Search(awkward[rng.IntN(len(awkward))])
	case 9:
		v.NextMatch(1 - 2*rng.IntN(2))
	case 10:
		v.Click(rng.IntN(160), rng.IntN(30))
	case 11:
		v.Swap(v.doc)
	}
}

// oracle finds the same as a search, with Go's regular expressions.
func oracle(query string) *regexp.Regexp {
	query = sanitize.Line(query)
	if strings.ContainsFunc(query, unicode.IsUpper) {
		return regexp.MustCompile(regexp.QuoteMeta(query))
	}
	return regexp.MustCompile("(?i)" + regexp.QuoteMeta(query))
}

// TestSearchFindsTheOccurrences compares with regular expressions, and walks
// through all matches: each is on the screen once, marked as the current one.
func TestSearchFindsTheOccurrences(t *testing.T) {
	rng := seeded(t)
	th := theme.New(theme.Options{})
	queries := append(slices.Clone(awkward), "e", "x", "xx", "KEY", "Value", "k", "ß", "K", "ﬀ", "a", "é", ": ")
	for range 300 {
		before, after := hostile(rng)
		before, after = before+"KEY: ſtraße K\nkey: xxxxx\n", after+"Key: straße k\nkey: xxxxx\n"
		d := Compare(before, after)
		query := queries[rng.IntN(len(queries))]
		if sanitize.Line(query) == "" {
			continue
		}
		want, find := 0, oracle(query)
		for _, u := range d.uni {
			want += len(find.FindAllString(d.lineText(u), -1))
		}
		if got := d.Count(query); got != want || d.Contains(query) != (want > 0) {
			t.Fatalf("%q | %q: Count(%q) is %d, want %d", before, after, query, got, want)
		}
		v := &View{Mode: Mode(1 + rng.IntN(2))}
		v.SetSize(60+rng.IntN(100), 3+rng.IntN(30))
		v.Show(d)
		for range rng.IntN(3) {
			v.ToggleWrap()
		}
		if rng.IntN(2) == 0 { // as if typed
			v.Search(string([]rune(query)[:1]))
		}
		if got := v.Search(query); got != want {
			t.Fatalf("%q | %q: Search(%q) finds %d, want %d", before, after, query, got, want)
		}
		for v.NextMatch(-1) {
			continue
		}
		for n := 1; n <= want; n++ {
			if at, of := v.Match(); at != n || of != want {
				t.Fatalf("match %d of %d, want %d of %d", at, of, n, want)
			}
			if !strings.Contains(strings.Join(v.Lines(th), "\n"), th.Here.Open()) {
				t.Fatalf("%q | %q: match %d of %q is not on the screen at %dx%d, %s, offset %d:\n%s",
					before, after, n, query, v.w, v.h, v.Wrap(), v.x, strings.Join(v.Lines(th), "\n"))
			}
			if v.NextMatch(1) != (n < want) {
				t.Fatalf("after match %d of %d", n, want)
			}
		}
	}
}

// TestQuickIsTheBeginning holds the first screen of a quick document to that of
// the whole one, which takes its place without a jump.
func TestQuickIsTheBeginning(t *testing.T) {
	rng := seeded(t)
	th := theme.New(theme.Options{})
	for range 12 {
		n := 3000 + rng.IntN(20_000)
		change := map[int]string{}
		for range 1 + rng.IntN(200) {
			change[1+rng.IntN(n)] = fmt.Sprintf("new%d: 1\nother: 2\n", rng.IntN(1000))
		}
		before, after := numbered(n, nil), numbered(n, change)
		quick, whole := Quick(before, after), Compare(before, after)
		v := &View{}
		v.SetSize(60+rng.IntN(140), 10+rng.IntN(60))
		v.Show(quick)
		first := v.Lines(th)
		v.Swap(whole)
		got := v.Lines(th)
		if n := len(first); strings.Contains(first[n-1], "being compared") {
			first, got = first[:n-1], got[:n-1]
		}
		if !slices.Equal(got, first) {
			t.Fatalf("first\n%s\nthen\n%s", strings.Join(first, "\n"), strings.Join(got, "\n"))
		}
		if v.Partial() || v.Document().Hunks() < quick.Hunks() {
			t.Fatalf("after the swap: partial %t, %d hunks, quick had %d", v.Partial(), v.Document().Hunks(), quick.Hunks())
		}
	}
	if Quick("a: 1\n", "a: 2\n").Partial() {
		t.Error("a short text is partial")
	}
}

// Of texts of which only the beginnings are written, the first screen is that
// of the whole ones.
func TestBeginIsTheBeginning(t *testing.T) {
	rng := seeded(t)
	th := theme.New(theme.Options{})
	for range 12 {
		n := 9000 + rng.IntN(20_000)
		at := 1 + rng.IntN(n/4)
		change := map[int]string{at: "changed: 1\n"}
		for range rng.IntN(200) {
			change[at+rng.IntN(n-at)] = fmt.Sprintf("new%d: 1\nother: 2\n", rng.IntN(1000))
		}
		before, after := numbered(n, nil), numbered(n, change)
		lines := max(strings.Count(before, "\n"), strings.Count(after, "\n"))
		head := func(s string) string { return strings.Join(strings.SplitAfter(s, "\n")[:at+Ahead], "") }
		begun, quick := Begin(head(before), head(after), lines), Quick(before, after)
		if !begun.Partial() || begun.Hunks() != quick.Hunks() {
			t.Fatalf("partial %t, %d hunks instead of %d", begun.Partial(), begun.Hunks(), quick.Hunks())
		}
		v, w := &View{}, &View{}
		width, height := 60+rng.IntN(140), 10+rng.IntN(60)
		for _, v := range []*View{v, w} {
			v.SetSize(width, height)
		}
		note := Note{Texts: []string{"#42"}}
		begun.Reserve(note)
		quick.Annotate(nil, map[int]Note{n: note})
		v.Show(begun)
		w.Show(quick)
		if got, want := v.Lines(th), w.Lines(th); !slices.Equal(got, want) {
			t.Fatalf("of the beginnings\n%s\nof the whole texts\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}
