package tui

import (
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/tuitest"
)

// demands gives production's plan requirements, one of which is not met.
func demands(may bool, who ...string) func(*tuitest.Backend, *Config) {
	return func(b *tuitest.Backend, _ *Config) {
		b.Envs[2].Override = model.OverridePolicy{Allowed: may, Groups: who}
		b.Plans["production"].Requirements = []model.Requirement{
			{Name: model.RequireSigned, Met: true},
			{Name: model.RequireSoak, Unmet: []string{"#42 is live in staging since 14:02 (2 h of 24 h); wait until Tue 14:02"}},
		}
	}
}

func TestConfirmNamesWhatIsNotMet(t *testing.T) {
	t.Run("nobody may override", func(t *testing.T) {
		play(t, 120, 40, demands(false), func(t *testing.T, x table) {
			x.confirm()
			x.Has("cannot be shipped", "soak: #42 is live in staging since 14:02 (2 h of 24 h)", "until Tue 14:02",
				"signed met", "no override.", "[ Back ]")
			x.Type("production")
			x.Press("tab", "enter", "enter")
			x.applied(t, 0)
		})
	})
	t.Run("others may", func(t *testing.T) {
		play(t, 120, 40, demands(true, "sre"), func(t *testing.T, x table) {
			x.confirm()
			x.Has("cannot be shipped", "to others only: group sre", "[ Back ]")
			x.applied(t, 0)
		})
	})
	t.Run("with a reason", func(t *testing.T) {
		play(t, 120, 40, demands(true), func(t *testing.T, x table) {
			x.confirm()
			x.Has("Reason to override soak:")
			x.Type("down")
			x.Press("tab")
			x.Type("production")
			x.Press("enter")
			x.Pass(time.Second)
			x.Press("enter")
			x.applied(t, 1)
			if got := x.backend.Count("Apply production " + tuitest.Head + " down"); got != 1 {
				t.Errorf("the reason did not arrive: %q", x.backend.Calls())
			}
		})
	})
}

// What asks for a review is met by the marks on the page, and they come along.
func TestConfirmCountsTheReview(t *testing.T) {
	play(t, 120, 40, func(b *tuitest.Backend, _ *Config) { b.Plans["production"].NeedsReview = true }, func(t *testing.T, x table) {
		x.confirm()
		x.Has("reviewed: you have not marked")
		x.Press("esc")
		for range 5 { // each marks one, and goes to the next
			x.Press("space")
		}
		x.Pass(time.Second)
		x.Press("s")
		x.Pass(time.Second)
		x.Has("reviewed met")
	})
}
