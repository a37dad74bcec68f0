package tui

import (
	"errors"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/tuitest"
)

func TestPaletteRunsWhatIsFound(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.Press("3", ":")
		x.Has("open-review", "review what shipping", "1", " of ")
		x.Type("hist")
		x.Has("▌ open-history", "the runs of the selected environment")
		x.Press("enter")
		x.Has("production-118")
		x.Press(":")
		x.Type("go upg")
		x.Press("enter")
		x.Has("production  upgrades")
		x.Press(":")
		x.Type("env sta")
		x.Press("tab")
		x.Has(": env staging")
		x.Press("enter")
		x.Has("ENVIRONMENTS", "PENDING IN staging")
		x.Press(":")
		x.Type("xyzzy")
		x.Press("enter")
		x.Has(`no command is called "xyzzy"`)
		x.Press(":", "up")
		x.Has(": xyzzy")
		x.Press("up")
		x.Has(": env staging")
		x.Press("esc")
		x.Lacks("env staging")
	})
}

func TestPaletteFindsByLabelAndByWhatIsSaid(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.review()
		for text, want := range map[string]string{"s": "ship", "ship": "ship", "pull request": "publish", "full screen": "zoom", "unch": "unchanged", "$EDITOR": "edit-source", "rvwd": "reviewed", "QUIT": "quit"} {
			found := x.app.suggest(text)
			if len(found) == 0 || found[0].Text != want {
				t.Errorf("%q finds %v first, want %s", text, found[:min(3, len(found))], want)
			}
		}
	})
}

// TestWhatWritesStillAsks holds that the palette is no way around a confirm.
func TestWhatWritesStillAsks(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.Press("3", "enter", ":")
		x.Type("ship")
		x.Press("enter")
		x.Has("Ship to", "Type production to confirm")
		held := tuitest.Key("enter")
		held.IsRepeat = true
		for range 30 {
			x.Send(held)
		}
		x.Pass(2 * time.Second)
		x.Has("Ship to")
		x.applied(t, 0)
	})
}

func TestAHeldKeyRunsNothingInThePalette(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.Press("3", ":")
		held := tuitest.Key("enter")
		held.IsRepeat = true
		x.Send(held)
		x.Has("open-review", "ENVIRONMENTS")
		x.Send(tea.PasteMsg{Content: "history\nq\n"})
		x.Has(": history q")
		if x.Quit {
			t.Error("a paste quits")
		}
	})
}

func TestDisabledActionsSayWhy(t *testing.T) {
	const reason = "no run was started here in production"
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.Press("3", "r")
		x.Has(reason)
		x.Press(":")
		x.Type("open-run")
		x.Has("not now: " + reason)
		x.Press("enter")
		x.Has(reason)
		x.Press("?")
		x.Has("not now: "+reason, "Keys on the home page")
		x.Press("esc")
		footer := func() string {
			lines := strings.Split(x.Raw(), "\n")
			return lines[len(lines)-1]
		}
		x.Press("2") // nothing is pending there
		if dim := x.app.theme.Dim.Paint("c change"); !strings.Contains(footer(), dim) {
			t.Errorf("the footer does not dim what cannot be done: %q", footer())
		}
	})
}

func TestWhy(t *testing.T) {
	cases := []struct {
		name    string
		prepare func(*tuitest.Backend, *Config)
		open    []string
		id      action.ID
		want    string
	}{
		{name: "reading", prepare: func(b *tuitest.Backend, _ *Config) { time.AfterFunc(time.Minute, b.Hold("Environments")) }, id: action.Ship, want: "the environments are still being read"},
		{name: "not read", prepare: func(b *tuitest.Backend, _ *Config) { b.Fail("Environments", errors.New("gone")) }, id: action.Ship, want: "could not be read"},
		{name: "nothing pending", open: []string{"2"}, id: action.OpenChange, want: "nothing is pending"},
		{name: "read-only home", prepare: asReader, open: []string{"3"}, id: action.Ship, want: "--read-only: nothing is applied"},
		{name: "read-only review", prepare: asReader, open: []string{"3", "enter"}, id: action.Ship, want: "--read-only: nothing is applied"},
		{name: "read-only merge", prepare: asReader, open: []string{"3", "p"}, id: action.Merge, want: "--read-only: nothing is merged"},
		{name: "read-only publish", prepare: asReader, open: []string{"3", "R", "enter"}, id: action.Publish, want: "--read-only: nothing is pushed"},
		{name: "home", open: []string{"3"}, id: action.Ship},
		{name: "review", open: []string{"3", "enter"}, id: action.Ship},
		{name: "plan reading", prepare: func(b *tuitest.Backend, _ *Config) {
			time.AfterFunc(time.Minute, b.Hold("Plan production "+tuitest.Head))
		}, open: []string{"3", "enter"}, id: action.Ship, want: planReading},
		{name: "plan not read", prepare: func(b *tuitest.Backend, _ *Config) { b.Fail("Plan", errors.New("gone")) }, open: []string{"3", "enter"}, id: action.Ship, want: "the plan could not be read: ctrl+r"},
		{name: "nothing to review", prepare: func(b *tuitest.Backend, _ *Config) { b.Fail("Plan", errors.New("gone")) }, open: []string{"3", "enter"}, id: action.Reviewed, want: "the plan could not be read"},
		{name: "no draft", open: []string{"3", "enter"}, id: action.Publish, want: "this is none of them"},
		{name: "draft", open: []string{"3", "R", "enter"}, id: action.Publish},
		{name: "proposed", open: []string{"3", "p", "enter"}, id: action.Ship, want: "it is not merged"},
		{name: "nothing to keep", open: []string{"3", "enter"}, id: action.KeepLive, want: "nobody is known"},
		{name: "nothing to replace", open: []string{"3", "enter"}, id: action.Replace, want: "nothing has to be deleted"},
		{name: "merge", open: []string{"3", "p"}, id: action.Merge},
		{name: "no runs", prepare: func(b *tuitest.Backend, _ *Config) { b.Fail("History", errors.New("gone")) }, open: []string{"3", "h"}, id: action.Revert, want: "no run is selected"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			play(t, 120, 40, c.prepare, func(t *testing.T, x table) {
				x.Press(c.open...)
				if got := x.app.why(c.id); (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
					t.Errorf("%s: %q, want %q", c.id, got, c.want)
				}
			})
		})
	}
}

func asReader(_ *tuitest.Backend, c *Config) { c.ReadOnly = true }

func TestWhyOnARun(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.ship()
		for id, want := range map[action.ID]string{action.Abort: "", action.Again: "still under way", action.Revert: "reverts a run that has failed"} {
			if got := x.app.why(id); (want == "") != (got == "") || !strings.Contains(got, want) {
				t.Errorf("%s: %q, want %q", id, got, want)
			}
		}
		if got := x.app.whyOn(action.Home, action.Ship); !strings.Contains(got, "a run is under way in production; r shows it") {
			t.Errorf("ship: %q", got)
		}
		x.Pass(30 * time.Second)
		for id, want := range map[action.ID]string{action.Abort: "the run has ended", action.Again: ""} {
			if got := x.app.why(id); (want == "") != (got == "") || !strings.Contains(got, want) {
				t.Errorf("after the run, %s: %q, want %q", id, got, want)
			}
		}
	})
}

func TestOnesOwnKeys(t *testing.T) {
	play(t, 120, 40, func(_ *tuitest.Backend, c *Config) {
		var problems []string
		c.Actions, problems = action.Configure(action.Defaults(), []action.Bind{
			{Scope: action.Home, ID: action.OpenHistory, Keys: []string{"f2"}},
			{Scope: action.Home, ID: action.OpenRun, Keys: []string{"X"}},
			{Scope: action.Home, ID: action.ToEnv, Keys: []string{"f5", "f6", "f7"}},
			{Scope: action.Home, ID: action.OpenUpgrades},
		}, func(string, []string) string { return "" })
		if len(problems) > 0 {
			t.Fatal(problems)
		}
	}, func(t *testing.T, x table) {
		x.Press("h", "3")
		x.Lacks("PENDING IN production", "production-118")
		x.Send(tea.KeyPressMsg{Code: tea.KeyF7})
		x.Has("PENDING IN production", "f2 history")
		x.Lacks("upgrades")
		x.Press("?")
		x.Has("f2 ", ":open-upgrades", "f5 f6 f7")
		x.Press("esc", "X")
		x.Has("no run was started here in production; f2 shows its history")
		x.Send(tea.KeyPressMsg{Code: tea.KeyF2})
		x.Has("production-118")
	})
}

func TestBadSettingsAreSaid(t *testing.T) {
	play(t, 120, 40, func(_ *tuitest.Backend, c *Config) {
		c.Problems = []string{"config.yaml:3: unknown action", "config.yaml:9: unknown theme"}
	}, func(t *testing.T, x table) {
		x.Has("your settings are not in effect, ! says why: config.yaml:3: unknown action", "ENVIRONMENTS")
		x.Press("!")
		x.Has("2 problems", "config.yaml:3: unknown action")
		x.Press("j")
		x.Has("config.yaml:9: unknown theme")
	})
}

// BenchmarkPaletteKey is a key typed into the palette, to the frame that shows
// what it finds.
func BenchmarkPaletteKey(b *testing.B) {
	now := time.Now()
	a := New(Config{Backend: tuitest.Sample(now), Now: func() time.Time { return now }})
	a.Update(tea.WindowSizeMsg{Width: 200, Height: 60})
	a.Update(tuitest.Key(":"))
	b.ReportAllocs()
	for b.Loop() {
		a.Update(tuitest.Key("e"))
		a.View()
		a.Update(tuitest.Key("backspace"))
		a.View()
	}
}

// BenchmarkHelpKey is a line scrolled on the help page, to its frame.
func BenchmarkHelpKey(b *testing.B) {
	now := time.Now()
	a := New(Config{Backend: tuitest.Sample(now), Now: func() time.Time { return now }})
	a.Update(tea.WindowSizeMsg{Width: 200, Height: 60})
	a.Update(tuitest.Key("?"))
	b.ReportAllocs()
	for b.Loop() {
		a.Update(tuitest.Key("j"))
		a.View()
		a.Update(tuitest.Key("k"))
		a.View()
	}
}
