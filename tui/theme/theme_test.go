package theme

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"github.com/fairtide-dev/fairtide/model"
)

func TestGlyphsAreOneCell(t *testing.T) {
	for name, g := range map[string]Glyphs{"unicode": unicodeGlyphs, "ASCII": asciiGlyphs} {
		v := reflect.ValueOf(g)
		for i := range v.NumField() {
			glyph := v.Field(i).String()
			if w := ansi.StringWidth(glyph); w != 1 {
				t.Errorf("%s %s %q has %d cells", name, v.Type().Field(i).Name, glyph, w)
			}
			if name == "ASCII" && (len(glyph) != 1 || glyph[0] >= 0x80) {
				t.Errorf("%q is not ASCII", glyph)
			}
		}
	}
}

// TestStatesDifferWithoutColour holds that glyphs alone tell states apart.
func TestStatesDifferWithoutColour(t *testing.T) {
	for _, ascii := range []bool{false, true} {
		th := New(Options{Depth: Mono, ASCII: ascii})
		seen := map[string]model.Verdict{}
		for _, v := range model.Verdicts {
			g, _ := th.Verdict(v)
			if other, taken := seen[g]; taken {
				t.Errorf("%s and %s share the glyph %q", v, other, g)
			}
			seen[g] = v
		}
		states := map[string]model.Readiness{}
		for _, r := range []model.Readiness{model.ReadinessWaiting, model.ReadinessProgress, model.ReadinessReady, model.ReadinessFailed} {
			g, _ := th.Readiness(r)
			if other, taken := states[g]; taken {
				t.Errorf("%s and %s share the glyph %q", r, other, g)
			}
			states[g] = r
		}
		signatures := map[string]model.SignatureState{}
		for _, s := range []model.SignatureState{model.SignatureVerified, model.SignatureUnverified, model.SignatureUnsigned} {
			g, _ := th.Signature(s)
			if other, taken := signatures[g]; taken {
				t.Errorf("%s and %s share the glyph %q", s, other, g)
			}
			signatures[g] = s
		}
		files := map[string]model.FileStatus{}
		for _, s := range []model.FileStatus{model.FileAdded, model.FileModified, model.FileDeleted, model.FileRenamed} {
			g, _ := th.File(s)
			if other, taken := files[g]; taken {
				t.Errorf("%s and %s share the glyph %q", s, other, g)
			}
			files[g] = s
		}
	}
}

// TestMonoHasNoColours holds that no token adds a colour: only bold, faint,
// underline and reverse are left.
func TestMonoHasNoColours(t *testing.T) {
	for _, o := range []Options{{Depth: Mono}, {Name: Monochrome}, {Name: Monochrome, Light: true, Depth: Palette}} {
		v := reflect.ValueOf(*New(o))
		for i := range v.NumField() {
			s, ok := v.Field(i).Interface().(Style)
			if !ok || s.open == "" {
				continue
			}
			for _, attribute := range strings.Split(strings.TrimSuffix(strings.TrimPrefix(s.open, "\x1b["), "m"), ";") {
				if !slices.Contains([]string{"1", "2", "4", "7"}, attribute) {
					t.Errorf("%s is %q", v.Type().Field(i).Name, s.open)
				}
			}
		}
	}
}

func TestOldAndNewDifferAtEveryDepth(t *testing.T) {
	for _, o := range variants() {
		for _, d := range []Depth{TrueColor, Palette, Basic} {
			o.Depth = d
			th := New(o)
			if th.Old == th.New || th.OldWord == th.NewWord || th.Old == th.OldWord || th.New == th.NewWord {
				t.Errorf("%+v: the sides or their words look alike", o)
			}
		}
	}
}
