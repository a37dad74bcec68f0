package tui

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/slot"
	"github.com/fairtide-dev/fairtide/tui/tuitest"
)

func TestSuspendAndResume(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		suspended := 0
		x.Seen = func(msg tea.Msg) {
			if _, ok := msg.(tea.SuspendMsg); ok {
				suspended++
			}
		}
		x.Press("3", "ctrl+z")
		if suspended != 1 {
			t.Fatalf("ctrl+z suspended %d times", suspended)
		}
		back := func(call string) {
			t.Helper()
			before := x.backend.Count(call)
			x.Send(tea.ResumeMsg{})
			x.Settle()
			if got := x.backend.Count(call) - before; got != 1 {
				t.Errorf("%q was called %d times on resuming", call, got)
			}
		}
		back("Status production")
		back("Fetch")
		x.Press("enter")
		back("Plan")
		x.Press("esc", "h")
		back("History")
		x.Press("esc", "R", "enter")
		x.Has("revert of #42")
		drafts := x.backend.Count("Draft")
		x.Send(tea.ResumeMsg{})
		x.Settle()
		if x.backend.Count("Draft") != drafts {
			t.Error("a draft was made anew on resuming")
		}
	})
}

func TestNoSuspendWhileSomethingIsUnderWay(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.ship()
		x.Pass(2 * time.Second)
		x.Seen = func(msg tea.Msg) {
			if _, ok := msg.(tea.SuspendMsg); ok {
				t.Error("suspended in the middle of a run")
			}
		}
		x.Press("ctrl+z")
		x.Has("a run is under way in production")
		x.Press("esc", "ctrl+z")
		x.Has("a run is under way in production")
	})
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		release := x.backend.Hold("Publish")
		x.Press("3", "R", "enter")
		x.publish()
		x.Seen = func(msg tea.Msg) {
			if _, ok := msg.(tea.SuspendMsg); ok {
				t.Error("suspended while a pull request is being opened")
			}
		}
		x.Press("ctrl+z")
		x.Has("still opening the pull request")
		release()
		x.Settle()
	})
}

func TestTheHomePageIsReadAgainOnFocus(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.Press("3")
		x.Pass(glance)
		before := x.backend.Count("Status production")
		x.Send(tea.FocusMsg{})
		x.Send(tea.FocusMsg{})
		if got := x.backend.Count("Status production") - before; got != 1 {
			t.Errorf("the status was read %d times on coming back twice", got)
		}
	})
}

func TestTheTitleSaysWhereAndHow(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		title := func(want string) {
			t.Helper()
			if got := x.app.View().WindowTitle; got != want {
				t.Errorf("the title is %q, want %q", got, want)
			}
		}
		x.Press("3")
		title("fairtide production · 3 pending")
		x.Press("h")
		title("fairtide production · history")
		x.Press("!")
		title("fairtide ! problems")
		x.Press("!", "esc")
		x.ship()
		x.Pass(2 * time.Second)
		title("fairtide production ◐ rolling out")
		x.Press("esc", "1")
		title("fairtide production ◐ rolling out")
		x.Pass(30 * time.Second)
		title("fairtide dev ✓ up to date")
		x.Press("3", "r")
		title("fairtide production ✓ succeeded")
	})
	play(t, 120, 40, func(b *tuitest.Backend, c *Config) {
		c.ASCII = true
		b.Envs[0].Name = "dev\x1b]0;gotcha\a\x07é"
		b.Fail("Status", errors.New("no"))
	}, func(t *testing.T, x table) {
		for _, r := range x.app.View().WindowTitle {
			if r < ' ' || r > '~' {
				t.Errorf("the title %q has %q in it", x.app.View().WindowTitle, r)
			}
		}
	})
}

// TestTheTerminalsProgress follows the terminal's own bar through a run: none
// before, growing, in the error state once something fails, and none after.
func TestTheTerminalsProgress(t *testing.T) {
	play(t, 120, 40, func(b *tuitest.Backend, _ *Config) { b.Script = tuitest.Broken(time.Second, 5) }, func(t *testing.T, x table) {
		if x.app.View().ProgressBar != nil {
			t.Error("there is a bar before the run")
		}
		x.ship()
		var states []tea.ProgressBarState
		last := 0
		for range 300 {
			x.Pass(100 * time.Millisecond)
			bar := x.app.View().ProgressBar
			if bar == nil {
				break
			}
			if n := len(states); n == 0 || states[n-1] != bar.State {
				states = append(states, bar.State)
			}
			if bar.Value < 0 || bar.Value > 100 || bar.State == tea.ProgressBarDefault && bar.Value < last {
				t.Errorf("the bar went from %d to %d", last, bar.Value)
			}
			last = bar.Value
		}
		if len(states) != 2 || states[0] != tea.ProgressBarDefault || states[1] != tea.ProgressBarError {
			t.Errorf("the bar's states were %v", states)
		}
		if x.app.View().ProgressBar != nil || x.app.runs["production"].page.State() != model.RunFailed {
			t.Error("the bar is there after the run")
		}
	})
}

// TestAnIdleHour holds that while nothing moves nothing is handled but the
// minute's tick, which changes what is on the screen, and the fetches.
func TestAnIdleHour(t *testing.T) {
	for name, keys := range map[string][]string{"review": {"3", "enter"}, "history": {"3", "h"}, "problems": {"3", "h", "!"}, "change": {"3", "tab", "c"}} {
		t.Run(name, func(t *testing.T) {
			play(t, 120, 40, func(b *tuitest.Backend, _ *Config) { b.Freshness.Every = 0 }, func(t *testing.T, x table) {
				x.Press(keys...)
				x.Pass(2 * time.Second)
				before, was, ticks, idle := x.Messages, x.Screen(), 0, 0
				x.Seen = func(msg tea.Msg) {
					if _, ok := msg.(tickMsg); !ok {
						t.Errorf("an idle message: %T", msg)
					}
					ticks++
				}
				for range 60 {
					n := ticks
					x.Pass(time.Minute)
					if now := x.Screen(); now != was {
						was = now
					} else if ticks > n {
						idle++
					}
				}
				t.Logf("%d messages, %d of them ticks, %d of those changed nothing", x.Messages-before, ticks, idle)
				if ticks < 59 || ticks > 61 || name != "problems" && idle > 1 {
					t.Errorf("%d ticks in an hour, %d of which changed nothing", ticks, idle)
				}
			})
		})
	}
}

// TestReadingIsSaidOnEveryPage holds that a page says that it reads only once
// that takes a while, and that what it has stays meanwhile, with its age.
func TestReadingIsSaidOnEveryPage(t *testing.T) {
	for _, c := range []struct {
		call, first, has string
		keys             []string
	}{
		{"Plan", "Asking the cluster", "petstore", []string{"3", "enter"}},
		{"History", "Reading the runs", "production-118", []string{"3", "h"}},
		{"Proposed ", "Asking the forge", "OPEN PULL REQUESTS", []string{"3", "p"}},
		{"Images", "Asking the registries", "newest", []string{"3", "u"}},
		{"Detail", "reading", "FILES", []string{"3", "tab", "c", "j"}},
	} {
		t.Run(c.call, func(t *testing.T) {
			play(t, 120, 40, nil, func(t *testing.T, x table) {
				release := x.backend.Hold(c.call)
				for _, k := range c.keys {
					x.Send(tuitest.Key(k))
				}
				x.Lacks(c.first)
				x.Pass(slot.Patience + 50*time.Millisecond)
				x.Has(c.first)
				release()
				x.Settle()
				x.Lacks(c.first)
				x.Press(c.keys[len(c.keys)-1])
				x.Has(c.has)

				x.Pass(5 * time.Minute)
				again := x.backend.Hold(c.call)
				x.Send(tuitest.Key("ctrl+r"))
				x.Has(c.has)
				x.Lacks("reading …")
				x.Pass(slot.Patience + 50*time.Millisecond)
				x.Has(c.has, "5 m ago, reading …")
				again()
				x.Settle()
				x.Lacks("reading …")
			})
		})
	}
}

// underway is an App with a run that has been started before the first frame.
type underway struct {
	*App
	run tea.Cmd
}

func (u underway) Init() tea.Cmd { return tea.Batch(u.App.Init(), u.run) }

func (u underway) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	_, cmd := u.App.Update(msg)
	return u, cmd
}

// terminal is what a program writes to its terminal.
type terminal struct {
	mu  sync.Mutex
	out strings.Builder
}

func (w *terminal) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.out.Write(p)
}

func (w *terminal) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.out.String()
}

// TestTheTerminalIsLeftAsItWas quits in the middle of a run, and looks at what
// the terminal is told: the bar is taken away, and the mouse given back.
func TestTheTerminalIsLeftAsItWas(t *testing.T) {
	b := tuitest.Sample(time.Now())
	a := New(Config{Backend: b})
	env := b.Envs[0]
	u := underway{App: a, run: a.start(env, model.Approval{Plan: b.Plans["production"]}, nil)}
	var out terminal
	p := tea.NewProgram(u, tea.WithInput(nil), tea.WithOutput(&out), tea.WithWindowSize(120, 40))
	go func() {
		for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
			if strings.Contains(out.String(), "\x1b]9;4;1;") && strings.Contains(out.String(), "rolling out") {
				break
			}
			<-time.After(time.Millisecond)
		}
		p.Quit()
	}()
	if _, err := p.Run(); err != nil {
		t.Fatal(err)
	}
	a.cancel()
	a.running.Wait()
	for what, seqs := range map[string][2]string{
		"bar":    {"\x1b]9;4;1;", "\x1b]9;4;0\a"},
		"mouse":  {"\x1b[?1002h", "\x1b[?1002l"},
		"focus":  {"\x1b[?1004h", "\x1b[?1004l"},
		"screen": {"\x1b[?1049h", "\x1b[?1049l"},
		"paste":  {"\x1b[?2004h", "\x1b[?2004l"},
	} {
		on, off := strings.LastIndex(out.String(), seqs[0]), strings.LastIndex(out.String(), seqs[1])
		if on < 0 || off < on {
			t.Errorf("the %s is switched on at %d of the output and off at %d", what, on, off)
		}
	}
}
