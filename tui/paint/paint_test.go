package paint

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestFitting(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{Cut("abcdef", 4), "abc…"},
		{Cut("abc", 4), "abc"},
		{Cut("日本語", 5), "日本…"},
		{Cut("日本語", 4), "日…"},
		{Cut("a", 0), ""},
		{Fit("ab", 4), "ab  "},
		{Fit("日本語", 4), "日… "},
		{FitRight("7", 3), "  7"},
		{Spread("left", "right", 12), "left   right"},
		{Spread("left side", "right", 12), "left … right"},
		{Spread("left", "", 6), "left  "},
		{Spread("left", "far too long", 6), " far t…"[1:]},
		{ASCII("a → b … 日 ✓"), "a > b ~ ?? v"},
		{strings.Join(Wrap("one two three", 8), "|"), "one two|three"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestSqueezeTakesBlankLinesFirst(t *testing.T) {
	in := []string{"a", "", "b", "", "c"}
	for h, want := range [][]string{{}, {"a"}, {"a", "b"}, {"a", "b", "c"}, {"a", "", "b", "c"}, in, in} {
		if got := Squeeze(slices.Clone(in), h); !slices.Equal(got, want) {
			t.Errorf("Squeeze to %d = %q, want %q", h, got, want)
		}
	}
}

func TestOverlay(t *testing.T) {
	base := []string{"0123456789", "日本語日本", "x"}
	got := Overlay(base, []string{"[]"}, 3, 1, 10, strings.ToUpper)
	want := []string{"0123456789", "日 [] 日本", "X"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestNothingIsWiderThanAsked(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 9))
	parts := []string{"a", "日本", "👍🏽", "e\u0301", "\x1b[31mred\x1b[m", " ", "word ", "🇩🇪", "ｗ", "नमस्ते", "한", "ᄒ", "ำ", "ﷺ", "\u0301"}
	text := func() string {
		var b strings.Builder
		for range rng.IntN(12) {
			b.WriteString(parts[rng.IntN(len(parts))])
		}
		return b.String()
	}
	for range 5000 {
		w := rng.IntN(40)
		a, b := text(), text()
		if got := Width(Fit(a, w)); got != w {
			t.Fatalf("Fit(%q, %d) has %d cells", a, w, got)
		}
		if got := Width(Spread(a, b, w)); got > w {
			t.Fatalf("Spread(%q, %q, %d) has %d cells", a, b, w, got)
		}
		if got := Width(ASCII(a)); got != Width(a) {
			t.Fatalf("ASCII(%q) has %d cells, not %d", a, got, Width(a))
		}
		for _, l := range Wrap(a, w) {
			if Width(l) > w {
				t.Fatalf("Wrap(%q, %d) gives %q", a, w, l)
			}
		}
		x := rng.IntN(30)
		for _, l := range Overlay([]string{a, b}, []string{"[box]"}, x, rng.IntN(2), x+5+w, strings.ToUpper) {
			if Width(l) > x+5+w {
				t.Fatalf("Overlay gives %q, wider than %d", l, x+5+w)
			}
		}
	}
}
