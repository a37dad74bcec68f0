package tui

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/slot"
	"github.com/fairtide-dev/fairtide/tui/tuitest"
)

// table is what a test works with.
type table struct {
	*tuitest.Driver
	backend *tuitest.Backend
	app     *App
}

// play runs a test in a bubble, on a Tuesday morning, with the sample backend
// on a screen of w by h.
func play(t *testing.T, w, h int, prepare func(*tuitest.Backend, *Config), test func(*testing.T, table)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		<-time.After(time.Until(time.Date(2026, 11, 24, 8, 18, 0, 0, time.UTC)))
		now := func() time.Time { return time.Now().UTC() }
		b := tuitest.Sample(now())
		cfg := Config{Backend: b, Repository: "petstore-environments", Now: now}
		if prepare != nil {
			prepare(b, &cfg)
		}
		a := New(cfg)
		t.Cleanup(func() {
			a.cancel()
			<-time.After(5 * time.Minute) // ticks that are under way end
		})
		test(t, table{tuitest.Drive(t, a, w, h), b, a})
	})
}

// review opens production's review, with the cursor on Deployment petstore.
func (x table) review() {
	x.Press("3", "enter", "]", "]")
}

// confirm opens production's confirm dialog and waits until it hears keys.
func (x table) confirm() {
	x.Press("3", "enter", "s")
	x.Pass(time.Second)
}

// ship fills the dialog in and confirms.
func (x table) ship() {
	x.confirm()
	x.Type("production")
	x.Press("enter")
	x.Pass(time.Second)
	x.Press("enter")
}

func TestFirstFrameMakesNoCall(t *testing.T) {
	b := tuitest.Sample(time.Now())
	a := New(Config{Backend: b, Repository: "petstore-environments"})
	v := a.View()
	if !v.AltScreen || !strings.Contains(v.Content, "fairtide") || !strings.Contains(v.Content, "help") {
		t.Errorf("the first frame is %q", v.Content)
	}
	if calls := b.Calls(); len(calls) != 0 {
		t.Errorf("the first frame made calls: %q", calls)
	}
}

func TestHomeShowsEnvironmentsAndPending(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.Has("dev", "staging", "production", "everything merged is live")
		x.Press("3")
		x.Has("#42", "petstore 1.4.2", "gateway: timeout", "a PDB for every", "open, closes 11:00", "image 1.4.1", "ships #42, #41, #39", "review 3 changes, then ship")
		x.Press("tab", "j")
		x.Has("data.timeout 10s", "1 newer change stays pending")
	})
}

func TestLoadingIsSaidOnlyAfterAWhile(t *testing.T) {
	play(t, 80, 24, func(b *tuitest.Backend, _ *Config) {
		time.AfterFunc(2*time.Second, b.Hold("Environments"))
	}, func(t *testing.T, x table) {
		x.Pass(slot.Patience / 2)
		x.Lacks("Reading")
		x.Pass(slot.Patience)
		x.Has("Reading the environments")
		x.Pass(3 * time.Second)
		x.Lacks("Reading")
		x.Has("production")
	})
}

func TestErrorsStandOnTheirPageWithARetry(t *testing.T) {
	play(t, 120, 40, func(b *tuitest.Backend, _ *Config) {
		b.Fail("Plan", model.Errorf(model.ExitUnreachable, `production: cannot read Deployment shop/cart: forbidden (needs "get deployments" in "shop")`))
	}, func(t *testing.T, x table) {
		x.Press("3", "enter")
		x.Has("needs \"get deployments\"", "ctrl+r tries again")
		x.Press("s")
		x.Lacks("Ship to")
		x.backend.Fail("Plan", nil)
		x.Press("ctrl+r")
		x.Lacks("forbidden")
		x.Has("5 of 26 objects")
		x.backend.Fail("Plan", errors.New("production: the cluster is gone"))
		x.Press("ctrl+r")
		x.Has("the cluster is gone", "5 of 26 objects", "below is the plan as read just now")
		x.Press("s")
		x.Has("the plan could not be read again")
	})
}

func TestAResultForAnotherReviewIsDropped(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		release := x.backend.Hold("Plan production " + tuitest.Head)
		x.Press("3", "enter")
		x.Lacks("5 of 26 objects")
		x.Press("esc", "tab", "j", "enter")
		x.Has("review  2 changes  3d09a11 → b41e6f0")
		release()
		x.Settle()
		x.Has("review  2 changes  3d09a11 → b41e6f0")
	})
}

func TestAnOlderReadingDoesNotReplaceANewerOne(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.Press("3")
		release := x.backend.Hold("Status production")
		x.Press("ctrl+r")
		x.backend.Set(func(b *tuitest.Backend) {
			st := b.Statuses["production"]
			st.Lock = &model.Lock{Holder: "old@host", Expires: time.Now().Add(time.Hour)}
			b.Statuses["production"] = st
		})
		second := x.backend.Hold("Status production")
		x.Press("ctrl+r")
		x.backend.Set(func(b *tuitest.Backend) {
			st := b.Statuses["production"]
			st.Lock = &model.Lock{Holder: "new@host", Expires: time.Now().Add(time.Hour)}
			b.Statuses["production"] = st
		})
		second()
		x.Settle()
		x.Has("held by new@host")
		x.backend.Set(func(b *tuitest.Backend) {
			st := b.Statuses["production"]
			st.Lock = &model.Lock{Holder: "stale@host", Expires: time.Now().Add(time.Hour)}
			b.Statuses["production"] = st
		})
		release()
		x.Settle()
		x.Has("held by new@host")
	})
}

func TestSelectionStaysOnItsObject(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.review()
		x.Has("~ Deployment shop/petstore")
		x.backend.Set(func(b *tuitest.Backend) {
			p := *b.Plans["production"]
			p.Objects = p.Objects[1:] // the deletion at the top is gone
			b.Plans["production"] = &p
		})
		x.Press("ctrl+r")
		x.Has("4 of 25 objects", "~ Deployment shop/petstore", "1.4.2")
	})
}

func TestReviewKeys(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.review()
		x.Has("live", "after apply", "24 lines  spec.template.spec.containers[petstore]", "petstore:1.4.1", "petstore:1.4.2", "hunk 1 of 1")
		x.Press("=")
		x.Has("service-00")
		x.Press("=", "|")
		x.Lacks("service-00")
		x.Has("live → after apply")
		x.Press("z")
		x.Lacks("24 lines")
		x.Has("revisionHistoryLimit")
		x.Press("n")
		x.Has("this is the last hunk")
		x.Press("f")
		x.Lacks("RISKS")
		x.Press("esc")
		x.Has("RISKS")
		x.Press("esc", "esc")
		x.Has("ENVIRONMENTS")
	})
}

func TestResizeStorm(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 5))
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		keys := []string{"3", "enter", ":", "/", "]", "tab", "j", "f", "f", "|", "?", "esc", "=", "z", "space", "s", "esc", "esc", "h", "j", "esc", "p", "u", "R", "M", "o", "esc", "!", "m", "<", ">", "D", "c", "esc"}
		for range 300 {
			w, h := 1+rng.IntN(220), 1+rng.IntN(70)
			x.Send(tea.WindowSizeMsg{Width: w, Height: h})
			x.Send(tuitest.Key(keys[rng.IntN(len(keys))]))
			at := tea.Mouse{X: rng.IntN(w), Y: rng.IntN(h), Button: tea.MouseLeft}
			x.Send(tea.MouseClickMsg(at))
			x.Send(tea.MouseMotionMsg{X: rng.IntN(220), Y: at.Y, Button: tea.MouseLeft})
			checkScreen(t, x, w, h)
		}
	})
}

// checkScreen holds that a frame fits its screen.
func checkScreen(t *testing.T, x table, w, h int) {
	t.Helper()
	lines := strings.Split(x.Raw(), "\n")
	if len(lines) > h {
		t.Fatalf("%d lines on a screen of %d", len(lines), h)
	}
	for i, l := range lines {
		if got := width(l); got > w {
			t.Fatalf("line %d has %d cells on a screen of %d by %d: %q", i+1, got, w, h, l)
		}
	}
}

func TestNoColorAndASCII(t *testing.T) {
	for _, value := range []string{"1", "yes", "false"} {
		play(t, 120, 40, func(_ *tuitest.Backend, c *Config) {
			c.Env = func(name string) string { return map[string]string{"NO_COLOR": value}[name] }
		}, func(t *testing.T, x table) {
			x.review()
			for _, code := range []string{"38;", "48;"} {
				if strings.Contains(x.Raw(), code) {
					t.Errorf("NO_COLOR=%s: the screen has colours", value)
				}
			}
		})
	}
	play(t, 120, 40, func(_ *tuitest.Backend, c *Config) { c.ASCII = true }, func(t *testing.T, x table) {
		for _, key := range []string{"3", "enter", "s", "esc", "?", "esc", "esc", "h", "R", "enter", "o", "esc", "esc", "esc", "esc", "p", "M", "esc", "esc", "u"} {
			x.Press(key)
			for _, r := range x.Raw() {
				if r >= 0x80 {
					t.Fatalf("%q is on the screen after %q:\n%s", r, key, x.Screen())
				}
			}
		}
	})
}

func TestIdleCostsNothing(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.Press("3", "enter")
		x.Pass(2 * time.Second)
		messages, calls, fetches := x.Messages, len(x.backend.Calls()), x.backend.Count("Fetch")
		x.Pass(10 * time.Minute)
		fetches = x.backend.Count("Fetch") - fetches
		if got := x.Messages - messages; got > 11+2*fetches || fetches < 9 || fetches > 10 {
			t.Errorf("%d messages in ten idle minutes, with %d fetches", got, fetches)
		}
		if got := len(x.backend.Calls()) - calls - fetches; got != 0 {
			t.Errorf("%d calls in ten idle minutes on the review page", got)
		}
		frame := x.app.frame
		if frame == nil {
			t.Fatal("the frame is not kept")
		}
		x.Send(slot.Patience) // a message that means nothing to the App
		if x.app.frame != frame {
			t.Error("a message that changes nothing draws a new frame")
		}
	})
}

func TestHomeIsReadAgainByItself(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		before := x.backend.Count("Status production")
		x.Pass(3*time.Minute + time.Second)
		if got := x.backend.Count("Status production") - before; got < 2 || got > 3 {
			t.Errorf("the status was read %d times in three minutes", got)
		}
	})
}

func TestTheCountdownIsFineWhenItIsNear(t *testing.T) {
	play(t, 120, 40, func(b *tuitest.Backend, _ *Config) {
		st := b.Statuses["production"]
		st.Window.Until = time.Now().Add(90 * time.Second)
		b.Statuses["production"] = st
	}, func(t *testing.T, x table) {
		x.Press("3", "enter")
		x.Has("window open, 1 m 29 s left")
		x.Pass(5 * time.Second)
		x.Lacks("1 m 29 s")
		x.Has("window open, 1 m 2")
		before := x.backend.Count("Status production")
		x.Pass(90 * time.Second)
		if x.backend.Count("Status production") == before {
			t.Error("the window was not judged again when it changed")
		}
	})
}

func TestHelpListsEveryKeyOfThePage(t *testing.T) {
	play(t, 120, 70, nil, func(t *testing.T, x table) {
		x.Press("3", "enter", "?")
		for _, act := range x.app.keys.In("review") {
			x.Has(strings.Fields(act.Help)[0])
		}
		x.Has("Keys on the review page", "Keys everywhere", "ctrl+r")
		x.Press("esc")
		x.Lacks("Keys everywhere")
	})
}

func TestHistoryShowsRuns(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.Press("3", "h", "j")
		x.Has("✓ succeeded   118", "production-117", "✗ failed", "in wave 1 of 1", "revert #36, #35", "gateway:2.0.7 cannot be", "override", "✓ smoke  http  passed", "failed, not required", "score 0.71")
		x.backend.Fail("History", errors.New("production: no access to the records"))
		x.Press("ctrl+r")
		x.Has("no access to the records", "production-117")
		x.Press("esc")
		x.Has("ENVIRONMENTS")
	})
}

func TestAdoptAndDivergedAreSaid(t *testing.T) {
	play(t, 120, 40, func(b *tuitest.Backend, _ *Config) {
		b.Pendings["dev"] = model.Pending{Head: model.Commit{Hash: tuitest.Head}, Adopt: true}
		st := b.Statuses["dev"]
		st.Deployed, st.LastRun, st.Adopt, st.Pending = nil, nil, true, 1
		b.Statuses["dev"] = st
		p := b.Pendings["production"]
		p.Diverged = "3d09a11 is not on main any more; listed from their common ancestor"
		b.Pendings["production"] = p
	}, func(t *testing.T, x table) {
		x.Has("all new", "Never deployed by fairtide", "8f2c1d7")
		x.Press("3")
		x.Has("not on main any more")
	})
}

func ExampleApp() {
	b := tuitest.Sample(time.Now())
	fmt.Println(strings.Contains(New(Config{Backend: b}).View().Content, "fairtide"))
	// Output: true
}
