package theme

import (
	"fmt"
	"image/color"
	"math"
	"strings"
	"testing"
)

// backgrounds are those that terminals come with, and of schemes in wide use.
var backgrounds = map[bool][]string{
	false: {"#000000", "#0c0c0c", "#1e1e1e", "#1e1e2e", "#002b36", "#282a36", "#282c34"},
	true:  {"#ffffff", "#fafafa", "#fdf6e3", "#eff1f5"},
}

// variants are the themes with colours that are looked at.
func variants() map[string]Options {
	out := map[string]Options{}
	for _, name := range []Name{Auto, Deuteranopia} {
		for _, bright := range []bool{false, true} {
			for depth, word := range map[Depth]string{TrueColor: "true colour", Palette: "256"} {
				out[fmt.Sprintf("%s light=%t %s", name, bright, word)] = Options{Name: name, Light: bright, Depth: depth}
			}
		}
	}
	return out
}

// TestTextCanBeRead holds every text to the contrast that WCAG 2 asks for of
// small text (1.4.3), and rules to being seen at all.
func TestTextCanBeRead(t *testing.T) {
	const text, seen = 4.5, 1.5
	for name, o := range variants() {
		for token, l := range looks(o) {
			on := backgrounds[o.Light]
			if l.bg != "" {
				on = []string{l.bg}
			}
			want := text
			if token == "rule" {
				want = seen
			}
			for _, bg := range on {
				if got := contrast(colour(l.fg), colour(bg)); got < want {
					t.Errorf("%s: %s (%s) on %s has a contrast of %.2f", name, token, l.fg, bg, got)
				}
			}
		}
	}
}

// TestYAMLCanBeReadOnATint holds the colours of YAML to the same where they are
// laid over a changed line.
func TestYAMLCanBeReadOnATint(t *testing.T) {
	for name, o := range variants() {
		all := looks(o)
		for _, under := range []string{"old", "new"} {
			for _, token := range []string{"key", "string", "value", "comment"} {
				if bg := all[under].bg; bg != "" {
					if got := contrast(colour(all[token].fg), colour(bg)); got < 4.5 {
						t.Errorf("%s: %s (%s) on %s (%s) has a contrast of %.2f", name, token, all[token].fg, under, bg, got)
					}
				}
			}
		}
	}
}

// deuteranope is a colour as somebody without green cones sees it: the matrix
// for deuteranomaly of severity 1.0 in Machado, Oliveira and Fernandes, "A
// Physiologically-based Model for Simulation of Color Vision Deficiency", IEEE
// Transactions on Visualization and Computer Graphics 15(6), 2009, in linear RGB.
func deuteranope(c color.Color) [3]float64 {
	matrix := [3][3]float64{
		{0.367322, 0.860646, -0.227968},
		{0.280085, 0.672501, 0.047413},
		{-0.011820, 0.042940, 0.968881},
	}
	r, g, b, _ := c.RGBA()
	in := [3]float64{linear(r), linear(g), linear(b)}
	var out [3]float64
	for i, row := range matrix {
		for j, v := range row {
			out[i] += v * in[j]
		}
		out[i] = min(max(out[i], 0), 1)
	}
	return out
}

// lab is a colour of linear sRGB in CIE L*a*b*, under D65.
func lab(c [3]float64) [3]float64 {
	f := func(v float64) float64 {
		if v > 216.0/24389 {
			return math.Cbrt(v)
		}
		return (24389.0/27*v + 16) / 116
	}
	x := f((0.4124564*c[0] + 0.3575761*c[1] + 0.1804375*c[2]) / 0.95047)
	y := f(0.2126729*c[0] + 0.7151522*c[1] + 0.0721750*c[2])
	z := f((0.0193339*c[0] + 0.1191920*c[1] + 0.9503041*c[2]) / 1.08883)
	return [3]float64{116*y - 16, 500 * (x - y), 200 * (y - z)}
}

// apart is how far two colours are from each other for a deuteranope: CIE76,
// where about 2.3 is just noticeable.
func apart(a, b string) float64 {
	x, y := lab(deuteranope(colour(a))), lab(deuteranope(colour(b)))
	return math.Hypot(math.Hypot(x[0]-y[0], x[1]-y[1]), x[2]-y[2])
}

func TestDeuteranopesTellTheSidesApart(t *testing.T) {
	const tints, states, near = 10, 25, 15
	for name, o := range variants() {
		if o.Name != Deuteranopia {
			continue
		}
		all := looks(o)
		main := func(token string) string {
			if l := all[token]; l.bg != "" {
				return l.bg
			}
			return all[token].fg
		}
		check := func(a, b string, least float64) {
			if got := apart(main(a), main(b)); got < least {
				t.Errorf("%s: %s (%s) and %s (%s) are %.1f apart, less than %.0f", name, a, main(a), b, main(b), got, least)
			}
		}
		check("old", "new", tints)
		check("old-word", "new-word", states)
		check("good", "bad", states)
		check("good", "warn", states)
		check("warn", "bad", near) // both say to look: the glyph and the words tell which
	}
	plain := looks(Options{})
	if got := apart(plain["old"].bg, plain["new"].bg); got > tints {
		t.Errorf("red and green are %.1f apart: the check would pass for anything", got)
	}
}

func TestColoursOfOnesOwn(t *testing.T) {
	for _, depth := range []Depth{TrueColor, Palette} {
		own := Options{Depth: depth, Colours: map[string]string{"good": "#0000ff", "pressed": "#ffff00"}}
		th, usual := New(own), New(Options{Depth: depth})
		if th.Good.open != "\x1b[38;2;0;0;255m" {
			t.Errorf("good is %q", th.Good.open)
		}
		if !strings.Contains(th.Pressed.open, "48;2;255;255;0") || !strings.Contains(th.Pressed.open, "38;2;16;16;16") {
			t.Errorf("pressed is %q: it should be dark on yellow", th.Pressed.open)
		}
		if th.Bad != usual.Bad {
			t.Error("another token changed as well")
		}
	}
	if th := New(Options{Name: Monochrome, Colours: map[string]string{"good": "#0000ff"}}); th.Good != New(Options{Depth: Mono}).Good {
		t.Error("mono has a colour")
	}
}

func TestNamedThemes(t *testing.T) {
	seen := map[string]string{}
	for _, name := range Names() {
		for _, bright := range []bool{false, true} {
			th := New(Options{Name: Name(name), Light: bright})
			key := fmt.Sprint(th.Old, th.Good, th.Bad)
			where := fmt.Sprintf("%s light=%t", name, bright)
			if other, taken := seen[key]; taken && !strings.Contains(where+other, "auto") && !strings.HasPrefix(other, name) {
				t.Errorf("%s and %s look alike", where, other)
			}
			seen[key] = where
		}
	}
	if New(Options{Name: Dark, Light: true}).Light || !New(Options{Name: Light}).Light {
		t.Error("a theme that is chosen gives way to the terminal's background")
	}
}

func TestIsColour(t *testing.T) {
	for s, want := range map[string]bool{"#12aBcd": true, "#12aBc": false, "12abcd0": false, "#12abcg": false, "": false, "red": false} {
		if IsColour(s) != want {
			t.Errorf("IsColour(%q) is %t", s, !want)
		}
	}
}

func TestEveryTokenHasAColour(t *testing.T) {
	for name, o := range variants() {
		all := looks(o)
		for _, token := range Tokens() {
			if all[token].fg == "" {
				t.Errorf("%s: %s has no colour", name, token)
			}
			delete(all, token)
		}
		for rest := range all {
			t.Errorf("%s: %s is painted, and is no token", name, rest)
		}
	}
}
