package tui

import (
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/tuitest"
)

// rigid makes production's plan one that needs a replacement.
func rigid(b *tuitest.Backend, _ *Config) { tuitest.Rigid(b.Plans["production"]) }

func TestReplacingIsAllowedForOnePlan(t *testing.T) {
	play(t, 120, 40, rigid, func(t *testing.T, x table) {
		x.review()
		x.Press("g", "]")
		x.Has("This plan cannot be applied", "x on Deployment shop/petstore", "x replace")
		x.Press("s")
		x.Has("This cannot be shipped", "[ Back ]")
		x.Press("esc", "x")
		x.Has("Delete and make again  Deployment shop/petstore", "spec.selector.matchLabels.app", "live store", "Git says petstore",
			"danger: stops 3 pods at once", "[ Leave it ]", "Allow it for this plan")
		x.Pass(time.Second)
		x.Press("enter") // the button that changes nothing has the focus
		x.Has("This plan cannot be applied")
		if n := x.backend.Count("Plan production"); n != 1 {
			t.Fatalf("the plan was read %d times, and nothing was allowed", n)
		}
		x.Press("x")
		x.Pass(time.Second)
		x.Press("tab", "enter")
		x.Has("replacing it is allowed for this plan")
		x.Lacks("This plan cannot be applied")
		x.Press("s")
		x.Has("± 1 replace", "1 replacement", "Type petstore, the name of the Deployment", "Type production to confirm")
		x.Press("esc", "x")
		x.Has("Allow it no longer?", "[ Keep it allowed ]")
		x.Pass(time.Second)
		x.Press("tab", "enter")
		x.Has("This plan cannot be applied")
	})
}

func TestReplacingSaysWhatElseItAllows(t *testing.T) {
	play(t, 120, 40, func(b *tuitest.Backend, _ *Config) {
		plan := b.Plans["production"]
		tuitest.Rigid(plan)
		for i := range plan.Objects {
			if o := &plan.Objects[i]; o.ID.Kind == "ConfigMap" && o.ID.Name == "gateway" {
				o.Verdict, o.Reason = model.VerdictReplace, "data is immutable"
			}
		}
		plan.Sort()
	}, func(t *testing.T, x table) {
		x.review()
		x.Press("g", "]", "x")
		x.Has("also for ConfigMap shop/gateway")
		x.Pass(time.Second)
		x.Press("esc", "]", "x")
		x.Has("Delete and make again  ConfigMap shop/gateway", "data is immutable", "also for Deployment shop/petstore")
	})
}

func TestNothingToReplace(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.review()
		x.Press("x")
		x.Has("nothing has to be deleted for it")
		x.Lacks("x replace")
	})
	play(t, 120, 40, func(b *tuitest.Backend, c *Config) {
		rigid(b, c)
		plan := b.Plans["production"]
		plan.Problem = ""
		for i := range plan.Objects {
			plan.Objects[i].MayReplace = plan.Objects[i].Verdict == model.VerdictReplace
		}
	}, func(t *testing.T, x table) {
		x.review()
		x.Press("g", "]")
		x.Has("replacing it is allowed by the environment's policy")
		x.Press("x")
		x.Has("the environment's policy allows to replace it")
	})
}

func TestNotesOfThePlan(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {120, 40}, {200, 60}} {
		play(t, size[0], size[1], rigid, func(t *testing.T, x table) {
			x.review()
			x.Has("the record of what was applied")
		})
	}
}
