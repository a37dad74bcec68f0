package prompt

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/paint"
	"github.com/fairtide-dev/fairtide/tui/theme"
)

func at(w, h int) frame.Frame {
	return frame.Frame{W: w, H: h, Theme: theme.New(theme.Options{})}
}

func press(name string) tea.KeyPressMsg {
	named := map[string]tea.KeyPressMsg{
		"left": {Code: tea.KeyLeft}, "backspace": {Code: tea.KeyBackspace}, "home": {Code: tea.KeyHome},
		"ctrl+w": {Code: 'w', Mod: tea.ModCtrl}, "ctrl+v": {Code: 'v', Mod: tea.ModCtrl}, "enter": {Code: tea.KeyEnter},
	}
	if k, ok := named[name]; ok {
		return k
	}
	return tea.KeyPressMsg{Code: []rune(name)[0], Text: name}
}

func typed(p *Prompt, keys ...string) Answer {
	last := Open
	for _, k := range keys {
		last = p.Key(press(k), "")
	}
	return last
}

// fruit suggests what contains the text.
func fruit(text string) []Candidate {
	var out []Candidate
	for _, c := range []Candidate{
		{Text: "apple", Note: "a fruit", Key: "a"}, {Text: "pineapple", Off: "none is left"}, {Text: "pear", Note: "another"},
	} {
		if strings.Contains(c.Text, text) {
			out = append(out, c)
		}
	}
	return out
}

func TestEditing(t *testing.T) {
	p := New(Spec{Text: "ab"})
	if got := typed(p, "c"); got != Edited || p.Text() != "abc" {
		t.Errorf("%q after a letter, answer %d", p.Text(), got)
	}
	if got := typed(p, "left"); got != Open {
		t.Errorf("moving the caret answers %d", got)
	}
	typed(p, "x", "日", "backspace")
	if p.Text() != "abxc" {
		t.Errorf("%q after editing in the middle", p.Text())
	}
	if typed(p, "home", "left", "ctrl+v"); p.Text() != "abxc" {
		t.Errorf("%q after keys that change nothing", p.Text())
	}
	p = New(Spec{Text: "two words"})
	if typed(p, "ctrl+w"); p.Text() != "two " {
		t.Errorf("%q after deleting a word", p.Text())
	}
	if got := typed(New(Spec{}), "backspace"); got != Cancelled {
		t.Errorf("deleting nothing answers %d", got)
	}
	p = New(Spec{Text: strings.Repeat("x", 3*longest)})
	if typed(p, "y"); len(p.Text()) != longest {
		t.Errorf("%d characters are kept", len(p.Text()))
	}
}

func TestPasteIsOneCleanLine(t *testing.T) {
	p := New(Spec{})
	if got := p.Paste("a\nb\x1b[2J\rc\x00"); got != Edited || p.Text() != "a b c" && p.Text() != "a bc" {
		t.Errorf("%q is there after a paste, answer %d", p.Text(), got)
	}
	if got := p.Paste("\x1b[2J"); got != Open {
		t.Errorf("a paste of nothing answers %d", got)
	}
}

func TestCandidates(t *testing.T) {
	p := New(Spec{Candidates: fruit, Pick: true})
	if c, _ := p.Selected(); c.Text != "apple" {
		t.Errorf("%q is selected at first", c.Text)
	}
	p.Key(tea.KeyPressMsg{}, action.Down)
	if got := p.Key(press("enter"), action.Choose); got != Refused {
		t.Errorf("choosing what is off answers %d", got)
	}
	p.Key(tea.KeyPressMsg{}, action.Down)
	p.Key(tea.KeyPressMsg{}, action.Down)
	if c, _ := p.Selected(); c.Text != "pear" {
		t.Errorf("%q is selected at the end", c.Text)
	}
	held := press("enter")
	held.IsRepeat = true
	if got := p.Key(held, action.Choose); got != Open {
		t.Errorf("a held enter answers %d", got)
	}
	if got := p.Key(press("enter"), action.Choose); got != Chosen {
		t.Errorf("enter answers %d", got)
	}
	typed(p, "p", "p")
	if c, _ := p.Selected(); c.Text != "apple" {
		t.Errorf("%q is selected after typing", c.Text)
	}
	if got := p.Key(tea.KeyPressMsg{}, action.Complete); got != Edited || p.Text() != "apple" {
		t.Errorf("completed to %q, answer %d", p.Text(), got)
	}
	typed(p, "x")
	if _, ok := p.Selected(); ok || p.Box(at(60, 15)) != nil {
		t.Error("something is suggested for what nothing matches")
	}
	if got := p.Key(tea.KeyPressMsg{}, action.Complete); got != Open {
		t.Errorf("completing to nothing answers %d", got)
	}
	if got := p.Key(press("enter"), action.Choose); got != Chosen {
		t.Errorf("choosing the text answers %d", got)
	}
	if got := p.Key(tea.KeyPressMsg{}, action.Cancel); got != Cancelled {
		t.Errorf("esc answers %d", got)
	}
}

func TestWithoutPickTheTextIsMeant(t *testing.T) {
	p := New(Spec{Candidates: fruit})
	if _, ok := p.Selected(); ok {
		t.Error("a candidate is selected before one was gone to")
	}
	if !p.Select(3) || p.Select(4) || p.Select(0) || p.Select(-1) {
		t.Error("a click selects what is not there, or not what is")
	}
	if c, _ := p.Selected(); c.Text != "pear" {
		t.Errorf("a click selects %q", c.Text)
	}
}

func TestHistory(t *testing.T) {
	p := New(Spec{Candidates: fruit, Pick: true, History: []string{"one", "two"}})
	up := func() string { p.Key(tea.KeyPressMsg{}, action.Up); return p.Text() }
	down := func() string { p.Key(tea.KeyPressMsg{}, action.Down); return p.Text() }
	for i, want := range []string{"two", "one", "one"} {
		if got := up(); got != want {
			t.Errorf("up %d gives %q, want %q", i+1, got, want)
		}
	}
	if got := down() + "," + down(); got != "two," {
		t.Errorf("down gives %q", got)
	}
	if down(); p.at != 1 || p.Text() != "" {
		t.Error("down does not go to the next candidate any more")
	}
	if up(); p.at != 0 || p.Text() != "" {
		t.Error("up does not go to the candidate above first")
	}
	typed(p, "a")
	if got := up(); got != "a" {
		t.Errorf("what is typed is lost to %q", got)
	}
	kept := Remember(Remember(Remember(nil, "a"), "b"), "a")
	if !slices.Equal(kept, []string{"b", "a"}) || !slices.Equal(Remember(kept, ""), kept) {
		t.Errorf("%q is remembered", kept)
	}
	for i := range 200 {
		kept = Remember(kept, strings.Repeat("x", i+1))
	}
	if len(kept) != 50 || len(kept[49]) != 200 {
		t.Errorf("%d are remembered", len(kept))
	}
}

// TestNothingIsWider holds that neither the line nor a candidate is ever wider
// than asked, that the caret is in sight, and that no list is higher than the
// screen, over random content.
func TestNothingIsWider(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	pieces := []string{"a", "word ", "日本", "e\u0301\u0301", "👩\u200d👧", "🇩🇪", "\u202e", "\x1b[31m", "\t", "नम", "ｆ", "\u200b", strings.Repeat("long", 20)}
	text := func() string {
		var b strings.Builder
		for range rng.IntN(12) {
			b.WriteString(pieces[rng.IntN(len(pieces))])
		}
		return b.String()
	}
	for range 700 {
		list := make([]Candidate, rng.IntN(30))
		for i := range list {
			list[i] = Candidate{Text: text(), Note: text(), Key: text(), Off: text()}
		}
		p := New(Spec{Label: text(), Text: text(), Pick: rng.IntN(2) == 0,
			Candidates: func(string) []Candidate { return list }, Aside: text})
		for range rng.IntN(20) {
			switch rng.IntN(4) {
			case 0:
				p.Key(tea.KeyPressMsg{}, action.Down)
			case 1:
				typed(p, "left")
			case 2:
				p.Paste(text())
			default:
				p.Key(tea.KeyPressMsg{}, action.Up)
			}
		}
		f := at(60+rng.IntN(140), 15+rng.IntN(50))
		line := p.Line(f)
		if w := paint.Width(line); w > f.W {
			t.Fatalf("the line has %d cells on a screen of %d: %q", w, f.W, line)
		}
		if !strings.Contains(line, f.Pressed.Open()) {
			t.Fatalf("the caret is not in sight: %q", line)
		}
		box := p.Box(f)
		if len(box) > f.H-4 {
			t.Fatalf("%d lines of candidates on a screen of %d", len(box), f.H)
		}
		marked := 0
		for _, l := range box {
			if w := paint.Width(l); w != f.W {
				t.Fatalf("a candidate has %d cells on a screen of %d: %q", w, f.W, l)
			}
			if strings.HasPrefix(ansi.Strip(l), " "+f.Glyph.Cursor) {
				marked++
			}
		}
		if _, ok := p.Selected(); ok != (marked == 1) || marked > 1 {
			t.Fatalf("%d candidates are marked, selected is %t", marked, ok)
		}
	}
}

func TestADisabledCandidateSaysWhy(t *testing.T) {
	p := New(Spec{Label: ":", Candidates: fruit, Pick: true})
	screen := ansi.Strip(strings.Join(p.Box(at(60, 15)), "\n"))
	for _, want := range []string{"3 of 3", "▌ apple", "a fruit", "pineapple", "not now: none is left"} {
		if !strings.Contains(screen, want) {
			t.Errorf("the list lacks %q:\n%s", want, screen)
		}
	}
}
