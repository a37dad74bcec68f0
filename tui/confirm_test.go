package tui

import (
	"context"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/paint"
	"github.com/fairtide-dev/fairtide/tui/tuitest"
)

func width(s string) int { return paint.Width(s) }

// applied fails the test unless Apply was called that many times.
func (x table) applied(t *testing.T, want int) {
	t.Helper()
	if got := x.backend.Count("Apply"); got != want {
		t.Fatalf("%d applies, want %d: %q\n%s", got, want, x.backend.Calls(), x.Screen())
	}
}

func TestCancelHasTheFocusFirst(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.confirm()
		x.Has("Ship to", "[ Cancel ]", "from", "3d09a11", "#42, #41, #39", "1 delete", "gke-production", "1 h 41 m left", "lowers it")
		x.Press("enter")
		x.Lacks("Ship to")
		x.applied(t, 0)
	})
}

func TestShippingProductionNeedsItsName(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.confirm()
		x.Type("prod")
		x.Press("enter")
		x.Has("type production to go on")
		x.Press("tab")
		x.Pass(time.Second)
		x.Press("enter")
		x.Has("type production to go on")
		x.applied(t, 0)
		x.Type("uction")
		x.Press("enter")
		x.Has("[ Ship 8f2c1d7 ]")
		x.Pass(time.Second)
		x.Press("enter", "enter", "enter")
		x.applied(t, 1)
		x.Has("rolling out")
	})
}

func TestStagingWithoutDeletionsNeedsNoName(t *testing.T) {
	play(t, 120, 40, func(b *tuitest.Backend, _ *Config) {
		b.Plans["staging"].Objects = b.Plans["staging"].Objects[1:]
	}, func(t *testing.T, x table) {
		x.Press("2", "enter", "s")
		x.Pass(time.Second)
		x.Lacks("to confirm")
		x.Has("nothing is deleted")
		x.Press("tab", "enter")
		x.applied(t, 1)
	})
}

func TestDeletionsNeedTheNameInAnyTier(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.Press("2", "enter", "s")
		x.Pass(time.Second)
		x.Has("Type staging to confirm")
	})
}

func TestShipFromHomeWaitsForThePlan(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		release := x.backend.Hold("Plan")
		x.Press("3", "s")
		x.Has("production  review")
		release()
		x.Settle()
		x.Has("Ship to")
		x.Press("esc", "esc")
		again := x.backend.Hold("Plan")
		x.Press("s", "j") // another key: the confirm does not jump up
		again()
		x.Settle()
		x.Has("production  review")
		x.Lacks("Ship to")
	})
}

func TestKeysTypedAheadAreSwallowed(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.Press("2", "enter")
		for _, k := range []string{"s", "tab", "s", "t", "a", "g", "i", "n", "g", "enter", "enter", "tab", "enter"} {
			x.Send(tuitest.Key(k)) // all within the grace
		}
		x.applied(t, 0)
		x.Has("[ Cancel ]")
	})
}

func TestAHeldKeyDoesNotConfirm(t *testing.T) {
	for name, repeat := range map[string]bool{"said so": true, "not said": false} {
		t.Run(name, func(t *testing.T) {
			play(t, 120, 40, nil, func(t *testing.T, x table) {
				x.confirm()
				x.Type("production")
				for i := range 200 {
					k := tuitest.Key("enter")
					k.IsRepeat = repeat && i > 0
					x.Send(k)
					x.Pass(30 * time.Millisecond)
				}
				x.applied(t, 0)
				x.Has("[ Ship 8f2c1d7 ]")
			})
		})
	}
}

func TestAHeldKeyDoesNotRunThroughThePages(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.Press("3")
		for i := range 50 {
			k := tuitest.Key("s")
			k.IsRepeat = i > 0
			x.Send(k)
		}
		x.Pass(time.Second)
		x.applied(t, 0)
		if got := x.backend.Count("Plan"); got != 1 {
			t.Errorf("a held key read the plan %d times", got)
		}
	})
}

func TestAPasteDoesNotConfirm(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.confirm()
		x.Send(tea.PasteMsg{Content: "production\n\n"})
		x.Press("tab")
		x.Send(tea.PasteMsg{Content: "production\n\n"})
		x.Has("a paste does not count")
		x.Pass(time.Second)
		x.Press("tab", "enter")
		x.applied(t, 0)
		x.Has("type production to go on")
	})
	// A terminal without bracketed paste sends the characters as keys, all at once.
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.confirm()
		for _, r := range "production" {
			x.Send(tuitest.Key(string(r)))
		}
		for range 5 {
			x.Send(tuitest.Key("enter"))
		}
		x.applied(t, 0)
	})
}

// closeWindow closes production's window: where an override is allowed until
// tomorrow, else for good.
func closeWindow(b *tuitest.Backend, override bool) {
	st := b.Statuses["production"]
	st.Window = &model.WindowState{Reason: "frozen by holidays"}
	if override {
		st.Window = &model.WindowState{Reason: "Tue mornings: Tue 09:00 to 11:00", NextOpen: time.Now().Add(20 * time.Hour)}
	}
	b.Statuses["production"] = st
	b.Envs[2].Override.Allowed = override
}

func TestAClosedWindowRefuses(t *testing.T) {
	play(t, 120, 40, func(b *tuitest.Backend, _ *Config) { closeWindow(b, false) }, func(t *testing.T, x table) {
		x.confirm()
		x.Has("cannot be shipped", "the window is closed", "no override", "[ Back ]")
		x.Type("production")
		x.Press("tab", "enter", "enter")
		x.applied(t, 0)
	})
}

func TestAnOverrideNeedsAReason(t *testing.T) {
	play(t, 120, 40, func(b *tuitest.Backend, _ *Config) { closeWindow(b, true) }, func(t *testing.T, x table) {
		x.confirm()
		x.Has("closed, opens in", "Reason to override")
		x.Press("tab", "tab")
		x.Type("production")
		x.Press("enter")
		x.Pass(time.Second)
		x.Press("enter")
		x.Has("a reason is needed")
		x.applied(t, 0)
		x.Send(tea.PasteMsg{Content: "incident\n4711\x1b[31m"})
		x.Has("incident 4711")
		x.Pass(time.Second)
		x.Press("tab", "tab", "enter")
		x.applied(t, 1)
		if got := x.backend.Count("Apply production " + tuitest.Head + " incident 4711"); got != 1 {
			t.Errorf("the reason did not arrive: %q", x.backend.Calls())
		}
	})
}

func TestAWindowThatClosesWhileAskingRefuses(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.Press("3", "enter")
		x.backend.Set(func(b *tuitest.Backend) { closeWindow(b, true) })
		release := x.backend.Hold("Status production")
		x.Press("s")
		x.Pass(time.Second)
		x.Lacks("Reason to override")
		x.Type("production")
		x.Press("enter")
		release()
		x.Settle()
		x.Pass(time.Second)
		x.Press("enter")
		x.applied(t, 0)
		x.Has("the window has closed meanwhile")
	})
}

func TestAPlanWithAProblemRefuses(t *testing.T) {
	play(t, 120, 40, func(b *tuitest.Backend, _ *Config) {
		b.Plans["production"].Problem = "it would delete 12 objects, more than prune.max of 10"
	}, func(t *testing.T, x table) {
		x.Press("3", "enter")
		x.Has("This plan cannot be applied: it would delete 12 objects")
		x.Press("s")
		x.Pass(time.Second)
		x.Has("cannot be shipped: it would delete 12 objects", "[ Back ]")
		x.Press("tab", "enter")
		x.applied(t, 0)
	})
}

func TestReadOnlyRefuses(t *testing.T) {
	play(t, 120, 40, func(_ *tuitest.Backend, c *Config) { c.ReadOnly = true }, func(t *testing.T, x table) {
		x.confirm()
		x.Has("--read-only")
		x.Lacks("Ship to")
		x.applied(t, 0)
	})
}

func TestWhatWasReviewedIsWhatIsApplied(t *testing.T) {
	var got *model.Plan
	play(t, 120, 40, func(b *tuitest.Backend, _ *Config) {
		inner := b.Script
		b.Script = func(ctx context.Context, a model.Approval, emit func(model.Event)) (model.Run, error) {
			got = a.Plan
			return inner(ctx, a, emit)
		}
	}, func(t *testing.T, x table) {
		x.Press("3", "enter", "s")
		plan := x.app.review.Plan.Value
		x.Pass(time.Second)
		x.Type("production")
		x.Press("enter")
		x.Pass(time.Second)
		x.Press("enter")
		x.Settle()
		if got != plan || !strings.HasPrefix(got.Digest, "c41f") {
			t.Errorf("applied %v, reviewed %v", got, plan)
		}
	})
}
