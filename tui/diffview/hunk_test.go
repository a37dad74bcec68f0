package diffview

import (
	"slices"
	"strings"
	"testing"

	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/theme"
)

func TestTints(t *testing.T) {
	marks := map[tint]string{keyTint: "K", stringTint: "S", valueTint: "V", commentTint: "C", plainTint: "."}
	for _, c := range []struct {
		line   string
		scalar bool
		want   string
	}{
		{"key: text", false, "KKKK.SSSS"},
		{"- name: 1", false, "..KKKKK.V"},
		{"  - - x", false, "......S"},
		{"a: -1.5e3", false, "KK.VVVVVV"},
		{"a: 500m", false, "KK.SSSS"},
		{"a: null", false, "KK.VVVV"},
		{"a: {}", false, "KK.VV"},
		{"a:", false, "KK"},
		{"a: |-", false, "KK..."[:3] + ".."},
		{"a: true # why", false, "KK.VVVVCCCCC" + "C"},
		{`a: "x # y"`, false, "KK.SSSSSSS"},
		{`"a: b": 1`, false, "KKKKKKK.V"},
		{"http://x", false, "SSSSSSSS"},
		{"# all", false, "CCCCC"},
		{"  key: 1", true, "SSSSSSSS"},
		{"", false, ""},
	} {
		var got strings.Builder
		at := 0
		for _, p := range tints(nil, c.line, c.scalar) {
			got.WriteString(strings.Repeat(marks[p.tint], p.to-at))
			at = p.to
		}
		if got.String() != c.want {
			t.Errorf("%q is %q, want %q", c.line, got.String(), c.want)
		}
	}
}

func TestHunksNameTheirPlace(t *testing.T) {
	d := sampleDocument()
	want := []string{
		"spec.replicas", "spec.template.spec.containers[petstore].image",
		"spec.template.spec.containers[petstore].env[CACHE_TTL].value", "data.settings.yaml",
	}
	if got := d.HunkPaths(); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if got, want := d.Hunk(2), (Hunk{
		Index: 2, Path: want[2], Left: Extent{26, 26}, Right: Extent{26, 28},
		Old: "          value: \"30\" # seconds\n",
		New: "          value: \"60\" # seconds\n        - name: 日本語\n          value: 👍🏽 e\u0301\n",
	}); got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	added := Compare("a: 1\nc: 1\n", "a: 1\nb: 1\nc: 1\n").Hunk(0)
	if added.Left != (Extent{2, 1}) || added.Right != (Extent{2, 2}) || added.Old != "" {
		t.Errorf("an added line is %+v", added)
	}
	v := &View{}
	if _, ok := v.Current(); ok || v.HunkPath() != "" {
		t.Error("an empty view has a hunk")
	}
	v.SetSize(100, 20)
	v.Show(d)
	v.NextHunk(1)
	if h, ok := v.Current(); !ok || h.Index != 1 || v.HunkPath() != want[1] {
		t.Errorf("the current hunk is %+v, %q", h, v.HunkPath())
	}
}

func TestHunksOfPaths(t *testing.T) {
	d := sampleDocument()
	got := d.HunksOf([]string{"spec.replicas", "spec.template.spec.containers[petstore].image", "spec.template", "data.settings.yaml.deeper", "metadata", "spec.rep"})
	want := map[string]int{"spec.replicas": 0, "spec.template.spec.containers[petstore].image": 1, "spec.template": 1, "data.settings.yaml.deeper": 3}
	if len(got) != len(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for p, n := range want {
		if got[p] != n {
			t.Errorf("%s changes in hunk %d, want %d", p, got[p], n)
		}
	}
	if rest := d.NotesAbove(map[string][]Line{"metadata.name": {{"x", model.SeverityInfo}}, "spec.replicas": {{"y", model.SeverityInfo}}}); !slices.Equal(rest, []string{"metadata.name"}) {
		t.Errorf("elsewhere: %q", rest)
	}
}

func TestRisksStandAboveTheirHunk(t *testing.T) {
	for _, w := range []int{60, 120} {
		v := &View{}
		v.SetSize(w, 60)
		v.Show(sampleDocument())
		lines := strings.Split(text(v), "\n")
		at := slices.IndexFunc(lines, func(l string) bool { return strings.Contains(l, "! danger: live runs 5") })
		if at < 0 || !strings.Contains(lines[at+1], "replicas: 3") || !strings.HasPrefix(lines[at], "▌") {
			t.Fatalf("the risk is not above its hunk:\n%s", strings.Join(lines, "\n"))
		}
		if spot, ok := v.LineAt(at); !ok || spot.Hunk != 0 || spot.Left+spot.Right != 0 {
			t.Errorf("the risk's line is %+v", spot)
		}
		if !v.Click(5, slices.IndexFunc(lines, func(l string) bool { return strings.Contains(l, "1.4.1") })) || v.HunkPath() != "spec.template.spec.containers[petstore].image" {
			t.Errorf("a click makes %q the current hunk", v.HunkPath())
		}
		if v.Click(5, len(lines)) || v.Click(w, 3) || v.Click(5, 1) {
			t.Error("a click beside the hunks does something")
		}
	}
}

func TestTheWayToWrap(t *testing.T) {
	long := "key: " + strings.Repeat("word ", 60)
	v := show(long+"\na: 1\n", long+"\na: 2\n", 100, 50)
	if v.Wrap() != WrapChanged || v.Total() != 2 {
		t.Fatalf("%s: %d lines", v.Wrap(), v.Total())
	}
	if v.ToggleWrap() != WrapAll || v.Total() < 8 || strings.Contains(text(v), "…") {
		t.Errorf("%s: %d lines\n%s", v.Wrap(), v.Total(), text(v))
	}
	if v.Sideways(1); v.Offset() != 0 {
		t.Error("wrapped lines are scrolled sideways")
	}
	if v.ToggleWrap() != WrapNone || v.Total() != 2 {
		t.Errorf("%s: %d lines", v.Wrap(), v.Total())
	}
	for range 1000 {
		v.Sideways(1)
	}
	if got := text(v); !strings.Contains(got, "word") {
		t.Errorf("scrolled past the end, to %d:\n%s", v.Offset(), got)
	}
	if v.ToggleWrap() != WrapChanged || v.Offset() != 0 {
		t.Errorf("%s, from column %d", v.Wrap(), v.Offset())
	}
}

// TestScrollingKeepsNothing holds what scrolling allocates to what a screen
// needs, however long the diff is.
func TestScrollingKeepsNothing(t *testing.T) {
	per := func(n int) float64 {
		w := workloads(n)[2] // all lines differ
		v := show(w.before, w.after, 200, 60)
		th := themed()
		return testing.AllocsPerRun(200, func() {
			if v.Scroll(3); v.top+v.h >= v.Total() {
				v.ToTop()
			}
			v.Lines(th)
		})
	}
	short, long := per(1000), per(50_000)
	if long > 1.1*short {
		t.Errorf("a step allocates %.0f times in 50,000 lines, %.0f times in 1,000", long, short)
	}
	w := workloads(5000)[2]
	v := show(w.before, w.after, 200, 60)
	for range v.Total() {
		v.Scroll(1)
		v.Lines(themed())
	}
	if n := len(v.doc.marks); n > maxMarks {
		t.Errorf("the marks of %d rows are kept", n)
	}
}

func themed() *theme.Theme { return theme.New(theme.Options{}) }

func TestAHunkIsInSightHoweverLittleRoomThereIs(t *testing.T) {
	for h := 1; h < 12; h++ {
		v := show(numbered(60, nil), numbered(60, map[int]string{30: "x: 1\n"}), 60, h)
		if got := text(v); h > 1 && !strings.Contains(got, "x: 1") || !strings.Contains(got, "▌") {
			t.Errorf("in %d lines the hunk is not shown:\n%s", h, got)
		}
	}
}
