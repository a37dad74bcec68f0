package diffview

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/tui/paint"
	"github.com/fairtide-dev/fairtide/tui/theme"
)

func numbered(n int, change map[int]string) string {
	var b strings.Builder
	for i := 1; i <= n; i++ {
		if s, ok := change[i]; ok {
			b.WriteString(s)
			continue
		}
		fmt.Fprintf(&b, "key%d: %d\n", i, i)
	}
	return b.String()
}

func show(before, after string, w, h int) *View {
	v := &View{}
	v.SetSize(w, h)
	v.Show(Compare(before, after))
	return v
}

func text(v *View) string {
	var out []string
	for _, l := range v.Lines(theme.New(theme.Options{})) {
		out = append(out, strings.TrimRight(ansi.Strip(l), " "))
	}
	return strings.Join(out, "\n")
}

func TestSideBySide(t *testing.T) {
	v := show(numbered(12, nil), numbered(12, map[int]string{6: "key6: 60\nnew: x\n"}), 84, 20)
	want := strings.Join([]string{
		"     " + "⋯ 2 lines",
	}, "\n")
	if got := text(v); strings.Contains(got, want) {
		t.Errorf("two lines are folded:\n%s", got)
	}
	got := text(v)
	for _, line := range []string{
		"   1   key1: 1                            │  1   key1: 1",
		"▌  6 ~ key6: 6                            │  6 ~ key6: 60",
		"▌                                         │  7 + new: x",
		"     ⋯ 3 lines",
	} {
		if !strings.Contains(got, line) {
			t.Errorf("lacks %q:\n%s", line, got)
		}
	}
}

func TestOneColumnShowsOldThenNew(t *testing.T) {
	v := show(numbered(5, nil), numbered(5, map[int]string{3: "key3: x\n"}), 60, 20)
	want := strings.Join([]string{
		"   1   1   key1: 1",
		"   2   2   key2: 2",
		"▌  3     - key3: 3",
		"▌      3 + key3: x",
		"   4   4   key4: 4",
		"   5   5   key5: 5",
	}, "\n")
	if got := text(v); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestFoldsNameThePlace(t *testing.T) {
	doc := "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: petstore\nspec:\n  replicas: 3\n  template:\n    spec:\n" +
		"      containers:\n      - name: proxy\n        image: proxy:1\n        args:\n        - a\n        - b\n      - name: petstore\n        image: petstore:%s\n"
	v := show(fmt.Sprintf(doc, "1"), fmt.Sprintf(doc, "2"), 100, 30)
	if got, want := text(v), "⋯ 12 lines  spec.template.spec.containers[petstore]"; !strings.Contains(got, want) {
		t.Errorf("lacks %q:\n%s", want, got)
	}
}

func TestPathsOf(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(`
a:
  b: 1
  script: |
    key: not a key
    - nor an item
  list:
  - x
  - name: two
    deep:
      - y
  last: z
other: 1`), "\n")
	want := []string{"", "a", "a", "a.script", "a.script", "a", "a.list[0]", "a.list[two]", "a.list[two]", "a.list[two].deep[0]", "a", ""}
	all := make([]int, len(lines))
	for i := range all {
		all[i] = i
	}
	places, _ := read(lines, all)
	var got []string
	for _, p := range places {
		got = append(got, p.under)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestHunksAndScrolling(t *testing.T) {
	v := show(numbered(300, nil), numbered(300, map[int]string{50: "x: 1\n", 150: "x: 2\n", 250: "x: 3\n"}), 100, 10)
	if n, of := v.Hunk(); n != 1 || of != 3 {
		t.Fatalf("hunk %d of %d, want 1 of 3", n, of)
	}
	for want := 2; want <= 3; want++ {
		if !v.NextHunk(1) {
			t.Fatalf("there is no hunk %d", want)
		}
		if got := text(v); !strings.Contains(got, fmt.Sprintf("x: %d", want)) {
			t.Errorf("hunk %d is not on the screen:\n%s", want, got)
		}
	}
	if v.NextHunk(1) {
		t.Error("there is a hunk after the last one")
	}
	v.ToTop()
	if n, _ := v.Hunk(); n != 1 {
		t.Errorf("at the top the current hunk is %d", n)
	}
	v.ToBottom()
	if n, _ := v.Hunk(); n != 3 {
		t.Errorf("at the bottom the current hunk is %d", n)
	}
}

func TestUnfolding(t *testing.T) {
	before, after := numbered(60, nil), numbered(60, map[int]string{30: "x: 1\n"})
	for _, w := range []int{60, 120} {
		v := show(before, after, w, 200)
		folded := v.Total()
		if got := v.Folded(); got != 2 {
			t.Fatalf("%d folds, want 2", got)
		}
		if !v.UnfoldFirst() || v.Folded() != 1 {
			t.Error("the first fold does not open")
		}
		v.ToggleFolds()
		got := text(v)
		for i := 1; i <= 60; i++ {
			if i != 30 && !strings.Contains(got, fmt.Sprintf("key%d: %d", i, i)) {
				t.Errorf("line %d is missing after unfolding everything", i)
			}
		}
		v.ToggleFolds()
		if v.Total() != folded {
			t.Errorf("folding again gives %d lines, want %d", v.Total(), folded)
		}
	}
}

func TestLayoutFollowsTheWidthAndTheKey(t *testing.T) {
	v := show("a: 1\nb: 1\n", "a: 1\nb: 2\n", 120, 10)
	if !v.split {
		t.Error("a wide pane is not split")
	}
	if !v.ToggleMode() || v.split {
		t.Error("the key does not give one column")
	}
	v.SetSize(140, 10)
	if v.split {
		t.Error("a resize overrules the key")
	}
	v = show("a: 1\n", "a: 2\n", 50, 10)
	if v.ToggleMode() {
		t.Error("a pane of 50 cells is split")
	}
	v.SetSize(60, 10)
	if !v.ToggleMode() || !v.split {
		t.Error("a pane of 60 cells cannot be split by key")
	}
	v = show("", "a: 2\n", 120, 10)
	if v.split {
		t.Error("a creation is split, with nothing on the left")
	}
}

func TestChangedLinesAreShownWhole(t *testing.T) {
	long := "    image: registry.example.org/shop/petstore:1.4.%d-build.20261122\n"
	v := show("kind: Pod\n"+fmt.Sprintf(long, 1)+"end: 1\n", "kind: Pod\n"+fmt.Sprintf(long, 2)+"end: 1\n", 84, 20)
	want := strings.Join([]string{
		"   1   kind: Pod                          │  1   kind: Pod",
		"▌  2 ~     image: registry.example.org/   │  2 ~     image: registry.example.org/",
		"▌          shop/petstore:1.4.1-build.20261│          shop/petstore:1.4.2-build.20261",
		"▌          122                            │          122",
		"   3   end: 1                             │  3   end: 1",
	}, "\n")
	if got := text(v); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	v.Sideways(1)
	if got := text(v); strings.Count(got, "\n") != 2 || !strings.Contains(got, "registry.example.org/shop/petst…") {
		t.Errorf("scrolled sideways, lines are still wrapped:\n%s", got)
	}
	v.Sideways(-1)
	if v.Total() < 5 {
		t.Error("scrolled back, lines are not wrapped again")
	}
}

func TestPiecesAreTheWholeLine(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 4))
	for range 2000 {
		line := sanitize.Line(strings.ReplaceAll(randomText(rng), "\n", " "))
		at := 0
		parts := pieces(newInk(line), 1+rng.IntN(60), maxPieces)
		for i, p := range parts {
			if p.from != at || p.to < p.from || i > 0 && p.to == p.from {
				t.Fatalf("piece %d of %q is %v after %d", i, line, p, at)
			}
			at = p.to
		}
		if at != len(line) || len(parts) > maxPieces {
			t.Fatalf("%d pieces end at %d of %d: %q", len(parts), at, len(line), line)
		}
	}
}

// awkward is what random lines are made of: all that is awkward to measure.
var awkward = []string{
	"key: ", "value ", "- name: ", "日本語", "👍", "👍🏽", "👨\u200d👩", "e\u0301", "\u202e", "\x1b[31m", "\t", "\r", "a\x00b", "\xff",
	"🇩🇪", "❤\ufe0f", "\u200b", strings.Repeat("x", 50), "=", " ", "ｗｉｄｅ", "\u0301", "<b>", "ไทย", "नमस्ते",
}

func randomText(rng *rand.Rand) string {
	var b strings.Builder
	for range rng.IntN(40) {
		b.WriteString(strings.Repeat("  ", rng.IntN(4)))
		for range rng.IntN(6) {
			b.WriteString(awkward[rng.IntN(len(awkward))])
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func mutate(rng *rand.Rand, s string) string {
	lines := strings.SplitAfter(s, "\n")
	for range rng.IntN(5) {
		i := rng.IntN(len(lines))
		switch rng.IntN(3) {
		case 0:
			lines[i] = awkward[rng.IntN(len(awkward))] + lines[i]
		case 1:
			lines[i] = ""
		case 2:
			lines[i] += awkward[rng.IntN(len(awkward))] + "\n"
		}
	}
	return strings.Join(lines, "")
}

func TestEveryLineHasTheWidthAskedFor(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 2))
	th := theme.New(theme.Options{})
	for range 1500 {
		before := randomText(rng)
		v := show(before, mutate(rng, before), 1+rng.IntN(160), 1+rng.IntN(30))
		v.Mode = Mode(rng.IntN(3))
		v.layout()
		for range 4 {
			switch rng.IntN(6) {
			case 0:
				v.Sideways(rng.IntN(5) - 1)
			case 1:
				v.ToggleFolds()
			case 2:
				v.NextHunk(1)
			case 3:
				v.Page(1)
			case 4:
				v.SetSize(1+rng.IntN(160), 1+rng.IntN(30))
			case 5:
				v.UnfoldFirst()
			}
			lines := v.Lines(th)
			if len(lines) > v.h {
				t.Fatalf("%d lines in a height of %d", len(lines), v.h)
			}
			for _, l := range lines {
				if got := paint.Width(l); got != v.w {
					t.Fatalf("a line of %d cells in %d: %q", got, v.w, l)
				}
			}
		}
	}
}

// TestEveryLineOfBothSidesIsDrawn unfolds all and counts line numbers.
func TestEveryLineOfBothSidesIsDrawn(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 3))
	for range 300 {
		before := randomText(rng)
		d := Compare(before, mutate(rng, before))
		for _, w := range []int{60, 120} {
			v := &View{}
			v.SetSize(w, 10_000)
			v.Show(d)
			if v.Folded() > 0 {
				v.ToggleFolds()
			}
			var lefts, rights int
			for _, s := range d.spans {
				if v.split {
					for _, r := range d.diff.Rows[s.rows.From:s.rows.To] {
						lefts, rights = lefts+min(r.Left, 1), rights+min(r.Right, 1)
					}
					continue
				}
				for _, u := range d.uni[s.uni.From:s.uni.To] {
					if u.side != right {
						lefts++
					}
					if u.side != left {
						rights++
					}
				}
			}
			if lefts != len(d.diff.A) || rights != len(d.diff.B) {
				t.Fatalf("%d and %d lines drawn of %d and %d (split %v)", lefts, rights, len(d.diff.A), len(d.diff.B), v.split)
			}
		}
	}
}

func BenchmarkLines20k(b *testing.B) {
	change := map[int]string{}
	for i := 10; i < 20_000; i += 50 {
		change[i] = fmt.Sprintf("key%d: changed\n", i)
	}
	v := show(numbered(20_000, nil), numbered(20_000, change), 150, 55)
	th := theme.New(theme.Options{})
	b.ReportAllocs()
	for b.Loop() {
		v.Scroll(1)
		if len(v.Lines(th)) == 0 {
			b.Fatal("nothing drawn")
		}
		if v.top+v.h >= v.Total() {
			v.ToTop()
		}
	}
}

func BenchmarkCompare20k(b *testing.B) {
	before := numbered(20_000, nil)
	after := numbered(20_000, map[int]string{7: "x: 1\n", 9_000: "y: 2\n"})
	b.ReportAllocs()
	for b.Loop() {
		if Compare(before, after).Hunks() != 2 {
			b.Fatal("hunks")
		}
	}
}
