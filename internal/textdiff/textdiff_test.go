package textdiff

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sergi/go-diff/diffmatchpatch"
)

// picture draws rows as "kind left|right".
func picture(d *Diff) string {
	var b strings.Builder
	for _, r := range d.Rows {
		fmt.Fprintf(&b, "%c %s|%s\n", "=~+-"[r.Kind], d.Left(r), d.Right(r))
	}
	return b.String()
}

func TestLines(t *testing.T) {
	for name, c := range map[string]struct{ a, b, want string }{
		"both empty": {"", "", ""},
		"created":    {"", "x\ny\n", "+ |x\n+ |y\n"},
		"deleted":    {"x\n", "", "- x|\n"},
		"value":      {"a: 1\nb: 2\n", "a: 1\nb: 3\n", "= a: 1|a: 1\n~ b: 2|b: 3\n"},
		"key moves on": {
			"image: a\nport: 1\n", "image: b\nenv: x\nport: 2\n",
			"~ image: a|image: b\n+ |env: x\n~ port: 1|port: 2\n",
		},
		"prose": {
			"the quick brown fox\n", "the slow brown fox\n",
			"~ the quick brown fox|the slow brown fox\n",
		},
		"unrelated": {"alpha beta\n", "gamma delta\n", "- alpha beta|\n+ |gamma delta\n"},
		"list item is added whole": {
			"items:\n- name: a\n  port: 1\n- name: b\n  port: 1\n",
			"items:\n- name: a\n  port: 1\n- name: c\n  port: 1\n- name: b\n  port: 1\n",
			"= items:|items:\n= - name: a|- name: a\n=   port: 1|  port: 1\n" +
				"+ |- name: c\n+ |  port: 1\n= - name: b|- name: b\n=   port: 1|  port: 1\n",
		},
		"line feed at the end": {"a: 1", "a: 1\n", "~ a: 1|a: 1\n"},
		"only a line feed":     {"\n", "", "- |\n"},
	} {
		if got := picture(Lines(c.a, c.b)); got != c.want {
			t.Errorf("%s: got\n%swant\n%s", name, got, c.want)
		}
	}
}

func TestInsertedItemStartsAtItsDash(t *testing.T) {
	a := "env:\n- name: A\n  value: x\nports:\n"
	b := "env:\n- name: A\n  value: x\n- name: B\n  value: x\nports:\n"
	want := "= env:|env:\n= - name: A|- name: A\n=   value: x|  value: x\n" +
		"+ |- name: B\n+ |  value: x\n= ports:|ports:\n"
	if got := picture(Lines(a, b)); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestWords(t *testing.T) {
	mark := func(s string, spans []Span) string {
		var b strings.Builder
		at := 0
		for _, p := range spans {
			b.WriteString(s[at:p.From] + "[" + s[p.From:p.To] + "]")
			at = p.To
		}
		return b.String() + s[at:]
	}
	for _, c := range []struct{ a, b, wantA, wantB string }{
		{"image: petstore:1.4.1", "image: petstore:1.4.2", "image: petstore:[1.4.1]", "image: petstore:[1.4.2]"},
		{"replicas: 3", "replicas: 5", "replicas: [3]", "replicas: [5]"},
		{"a b", "a b c", "a b", "a b[ c]"},
		{"größe: klein", "größe: groß", "größe: [klein]", "größe: [groß]"},
		{"alpha", "beta", "alpha", "beta"}, // nothing in common: no marks
		{"same", "same", "same", "same"},
	} {
		l, r := Words(c.a, c.b)
		if gotA, gotB := mark(c.a, l), mark(c.b, r); gotA != c.wantA || gotB != c.wantB {
			t.Errorf("Words(%q, %q) marks %q and %q", c.a, c.b, gotA, gotB)
		}
	}
	long := strings.Repeat("x ", 300)
	l, r := Words(long+"ay é "+long, long+"ax è "+long)
	if got, want := mark(long+"ay é "+long, l), long+"[ay é] "+long; got != want {
		t.Errorf("a long line is marked %q", got)
	}
	if got, want := mark(long+"ax è "+long, r), long+"[ax è] "+long; got != want {
		t.Errorf("a long line is marked %q", got)
	}
	if l, r := Words("a"+strings.Repeat("b ", 300)+"c", "d"+strings.Repeat("e ", 300)+"f"); l != nil || r != nil {
		t.Error("long lines that have nothing in common get marks")
	}
}

func TestHunksJoinWhereTheyTouch(t *testing.T) {
	var a, b []string
	for i := range 40 {
		a = append(a, fmt.Sprintf("line %d", i))
	}
	b = append(b, a...)
	b[5], b[11], b[30] = "x", "y", "z"
	d := Lines(strings.Join(a, "\n"), strings.Join(b, "\n"))
	if got := len(d.Hunks(3)); got != 2 {
		t.Errorf("%d hunks, want 2: lines 5 and 11 touch, 30 does not", got)
	}
	if got := len(d.Hunks(2)); got != 3 {
		t.Errorf("%d hunks with two lines of context, want 3", got)
	}
}

func TestUnified(t *testing.T) {
	got := Unified("live", "after", "a: 1\nb: 2\nc: 3\n", "a: 1\nb: 3\nc: 3", 1)
	want := "--- live\n+++ after\n@@ -1,3 +1,3 @@\n a: 1\n-b: 2\n-c: 3\n+b: 3\n+c: 3\n\\ No newline at end of file\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := Unified("a", "b", "same\n", "same\n", 3); got != "" {
		t.Errorf("equal texts give %q", got)
	}
	if got := Unified("/dev/null", "b", "", "x\n", 3); got != "--- /dev/null\n+++ b\n@@ -0,0 +1 @@\n+x\n" {
		t.Errorf("a creation gives %q", got)
	}
}

// check holds for every comparison: nothing lost, nothing twice, and what is
// called equal is.
func check(t *testing.T, a, b string) {
	t.Helper()
	d := Lines(a, b)
	left, right := 0, 0
	for i, r := range d.Rows {
		if r.Left > 0 {
			if left++; r.Left != left {
				t.Fatalf("row %d has left line %d, want %d, for\n%q\n%q", i, r.Left, left, a, b)
			}
		}
		if r.Right > 0 {
			if right++; r.Right != right {
				t.Fatalf("row %d has right line %d, want %d, for\n%q\n%q", i, r.Right, right, a, b)
			}
		}
		if r.Kind == Equal && d.Left(r) != d.Right(r) {
			t.Fatalf("row %d calls %q and %q equal", i, d.Left(r), d.Right(r))
		}
		sides := map[Kind][2]bool{Equal: {true, true}, Changed: {true, true}, Added: {false, true}, Removed: {true, false}}
		if sides[r.Kind] != [2]bool{r.Left > 0, r.Right > 0} {
			t.Fatalf("row %d of kind %d has sides %d and %d", i, r.Kind, r.Left, r.Right)
		}
	}
	if left != len(split(a)) || right != len(split(b)) {
		t.Fatalf("%d and %d lines shown of %d and %d", left, right, len(split(a)), len(split(b)))
	}
	if a != b && len(d.Changes()) == 0 {
		t.Fatalf("%q and %q differ but no row says so", a, b)
	}
	if got := apply(t, a, Unified("a", "b", a, b, 2)); got != b {
		t.Fatalf("applying the unified diff to %q gives %q, want %q", a, got, b)
	}
}

// apply is a strict reader of unified diffs.
func apply(t *testing.T, a, diff string) string {
	t.Helper()
	if diff == "" {
		return a
	}
	src := strings.SplitAfter(a, "\n")
	if src[len(src)-1] == "" {
		src = src[:len(src)-1]
	}
	var out []string
	at := 0
	lines := strings.SplitAfter(strings.TrimSuffix(diff, "\n"), "\n")
	for i := 2; i < len(lines); i++ {
		l := strings.TrimSuffix(lines[i], "\n")
		if strings.HasPrefix(l, "@@ -") {
			start, n := 0, 1
			if _, err := fmt.Sscanf(l, "@@ -%d,%d", &start, &n); err != nil {
				if _, err := fmt.Sscanf(l, "@@ -%d", &start); err != nil {
					t.Fatalf("hunk header %q: %v", l, err)
				}
			}
			if n > 0 {
				start--
			}
			for ; at < start; at++ {
				out = append(out, src[at])
			}
			continue
		}
		text := l[1:] + "\n"
		if i+1 < len(lines) && strings.HasPrefix(lines[i+1], "\\ No newline") {
			text = l[1:]
		}
		switch l[0] {
		case ' ', '-':
			if at >= len(src) || src[at] != text {
				t.Fatalf("the diff wants %q at line %d of %q:\n%s", text, at+1, a, diff)
			}
			at++
			if l[0] == ' ' {
				out = append(out, text)
			}
		case '+':
			out = append(out, text)
		}
	}
	return strings.Join(append(out, src[at:]...), "")
}

func TestRandomTexts(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	text := func() string {
		var b strings.Builder
		for range rng.IntN(30) {
			fmt.Fprintf(&b, "%s%c: %d\n", strings.Repeat("  ", rng.IntN(3)), 'a'+rune(rng.IntN(4)), rng.IntN(3))
		}
		return strings.TrimSuffix(b.String(), []string{"", "\n"}[rng.IntN(2)])
	}
	for range 3000 {
		check(t, text(), text())
	}
}

func FuzzLines(f *testing.F) {
	f.Add("a: 1\nb: 2\n", "a: 1\nb: 3\n")
	f.Add("", "\n")
	f.Add("x", "x\n")
	f.Add("a\na\na\n", "a\na\n")
	f.Add("\xff\n\x00", "\ufffd\n")
	f.Fuzz(func(t *testing.T, a, b string) { check(t, a, b) })
}

func FuzzWords(f *testing.F) {
	f.Add("image: a:1", "image: a:2")
	f.Add("\xff", "é")
	f.Fuzz(func(t *testing.T, a, b string) {
		l, r := Words(a, b)
		// What is not marked must be the same on both sides.
		if l == nil && r == nil {
			return
		}
		if x, y := unmarked(t, a, l), unmarked(t, b, r); x != y {
			t.Fatalf("Words(%q, %q) leaves %q and %q unmarked", a, b, x, y)
		}
	})
}

func unmarked(t *testing.T, s string, spans []Span) string {
	t.Helper()
	var b strings.Builder
	at := 0
	for _, p := range spans {
		if p.From < at || p.To <= p.From || p.To > len(s) {
			t.Fatalf("span %v of %q after %d", p, s, at)
		}
		b.WriteString(s[at:p.From])
		at = p.To
	}
	return b.String() + s[at:]
}

func TestPatchAcceptsUnified(t *testing.T) {
	tools := map[string][]string{"patch": {"-s", "-i", "d.diff", "f"}, "git": {"apply", "--unidiff-zero", "d.diff"}}
	sides := [][2]string{
		{"a: 1\nb: 2\nc: 3\nd: 4\ne: 5\nf: 6\ng: 7\nh: 8\n", "a: 1\nb: 9\nc: 3\nd: 4\ne: 5\nf: 6\ng: 7\n"},
		{"a\nb\nc", "a\nb\nc\nd\n"},
		{"a\nb\nc\n", "x\na\nb\nc"},
	}
	tried := 0
	for tool, args := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			t.Logf("%s is not installed", tool)
			continue
		}
		for n, s := range sides {
			for context := range 4 {
				tried++
				dir := t.TempDir()
				diff := Unified("a/f", "b/f", s[0], s[1], context)
				for name, text := range map[string]string{"f": s[0], "d.diff": diff} {
					if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				cmd := exec.CommandContext(t.Context(), tool, args...)
				cmd.Dir = dir
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("%s on case %d with %d lines of context: %v\n%s%s", tool, n, context, err, out, diff)
					continue
				}
				if got, err := os.ReadFile(filepath.Join(dir, "f")); err != nil || string(got) != s[1] {
					t.Errorf("%s on case %d with %d lines of context gives %q, %v", tool, n, context, got, err)
				}
			}
		}
	}
	t.Logf("%d patches applied", tried)
}

// TestAlignmentIsTheShortest compares with another implementation.
func TestAlignmentIsTheShortest(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 5))
	for range 2000 {
		kinds := 2 + rng.IntN(30)
		side := func() (lines []string, runes []rune) {
			for range rng.IntN(60) {
				r := 'a' + rune(rng.IntN(kinds))
				lines, runes = append(lines, string(r)), append(runes, r)
			}
			return lines, runes
		}
		a, x := side()
		b, y := side()
		dmp := diffmatchpatch.New()
		dmp.DiffTimeout = 0
		want := 0
		for _, e := range dmp.DiffMainRunes(x, y, false) {
			if e.Type == diffmatchpatch.DiffEqual {
				want += len([]rune(e.Text))
			}
		}
		got, ai, bi := 0, 0, 0
		for _, m := range Matches(a, b) {
			if m.A < ai || m.B < bi || !slices.Equal(a[m.A:m.A+m.N], b[m.B:m.B+m.N]) {
				t.Fatalf("%q and %q: match %+v", a, b, m)
			}
			got, ai, bi = got+m.N, m.A+m.N, m.B+m.N
		}
		if got != want {
			t.Fatalf("%q and %q have %d lines in common, want %d", a, b, got, want)
		}
	}
}

// TestWhatIsGivenUpIsComplete compares what has too many differences for the
// shortest script to be searched.
func TestWhatIsGivenUpIsComplete(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 6))
	for _, kinds := range []int{2, 40, 1_000, 1_000_000} {
		side := func() string {
			var b strings.Builder
			for range 6000 {
				fmt.Fprintf(&b, "line %d\n", rng.IntN(kinds))
			}
			return b.String()
		}
		a, b := side(), side()
		check(t, a, b)
		if one, two := Lines(a, b), Lines(a, b); !slices.Equal(one.Rows, two.Rows) {
			t.Fatal("two comparisons of the same texts differ")
		}
	}
}

// TestHeadIsABeginning holds that the rows of a head are a comparison as far as
// they go, and those of the whole where the change is a small one.
func TestHeadIsABeginning(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 8))
	for range 300 {
		n, window := 200+rng.IntN(300), 40+rng.IntN(60)
		first := rng.IntN(n - 1)
		a := document(n, func(int) bool { return false })
		b := document(n, func(i int) bool { return i == first || i > first && rng.IntN(30) == 0 })
		head, whole := Head(a, b, window)
		all := Lines(a, b)
		if whole != (first+window >= n) {
			t.Fatalf("first change %d of %d, window %d: whole %t", first, n, window, whole)
		}
		if len(head.Rows) <= first || len(head.Rows) > len(all.Rows) || !slices.Equal(head.Rows, all.Rows[:len(head.Rows)]) {
			t.Fatalf("first change %d of %d, window %d: %d rows that are not the first of %d", first, n, window, len(head.Rows), len(all.Rows))
		}
		if len(head.A) != n || len(head.B) != n {
			t.Fatalf("%d and %d lines of %d", len(head.A), len(head.B), n)
		}
	}
	same := document(10, func(int) bool { return false })
	if d, whole := Head(same, same, 3); !whole || len(d.Changes()) != 0 {
		t.Error("equal texts differ")
	}
}

func document(lines int, changed func(i int) bool) string {
	var b strings.Builder
	for i := range lines {
		v := i
		if changed(i) {
			v = -i
		}
		fmt.Fprintf(&b, "  key%d: value %d\n", i, v)
	}
	return b.String()
}

func BenchmarkLines(b *testing.B) {
	never := func(int) bool { return false }
	for name, c := range map[string]struct {
		lines   int
		changed func(int) bool
	}{
		"10k/5%":   {10_000, func(i int) bool { return i%20 == 7 }},
		"20k/all":  {20_000, func(i int) bool { return i > 0 }},
		"100k/1%":  {100_000, func(i int) bool { return i%100 == 7 }},
		"100k/all": {100_000, func(i int) bool { return i > 0 }},
		"100k/end": {100_000, func(i int) bool { return i == 99_999 }},
	} {
		left, right := document(c.lines, never), document(c.lines, c.changed)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Lines(left, right)
			}
		})
	}
}
