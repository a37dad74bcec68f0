package tui

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/internal/lens"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/tuitest"
)

// movedError is what a run ends with when somebody scaled the gateway since.
func movedError(b *tuitest.Backend) error {
	approved := b.Plans["production"]
	now := *approved
	now.ReadAt = approved.ReadAt.Add(3 * time.Minute)
	now.Objects = slices.Clone(approved.Objects)
	i := slices.IndexFunc(now.Objects, func(o model.PlannedObject) bool { return o.ID.Kind == "Deployment" && o.ID.Name == "gateway" })
	o := &now.Objects[i]
	o.Before = map[string]any{"spec": map[string]any{"replicas": int64(7)}}
	was := approved.Objects[i]
	was.Before = map[string]any{"spec": map[string]any{"replicas": int64(5)}}
	old := *approved
	old.Objects = slices.Clone(approved.Objects)
	old.Objects[i] = was
	o.Causes = []model.Cause{{Path: "spec.replicas", Kind: model.CauseDrift, By: "kubectl-edit", At: approved.ReadAt.Add(-time.Minute)}}
	return lens.NewMovedError(&old, &now)
}

func TestWhatMovedIsShownAndReadAgain(t *testing.T) {
	play(t, 120, 40, func(b *tuitest.Backend, _ *Config) { b.Fail("Apply", movedError(b)) }, func(t *testing.T, x table) {
		x.ship()
		x.Pass(time.Second)
		x.Has("Nothing was written", "Deployment shop/gateway spec.replicas 5 → 7 by kubectl-edit", "Review again")
		x.Press("tab", "enter")
		x.Lacks("Nothing was written")
		x.Has("production  review")
	})
}

func TestLensesTurn(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.review()
		x.Press("g", "]")
		x.Has("live", "after apply", "kubectl-scale", "#41", "5 of 26 objects")
		x.Lacks("lens git", "lens drift")
		x.Press("v")
		x.Has("lens git", "Git, as deployed", "Git, as planned", "#41", "Deployment gateway")
		x.Lacks("kubectl-scale")
		x.Press("v")
		x.Has("lens drift", "Git, as deployed", "1 of 26 objects", "Deployment gateway", "kubectl-scale")
		x.Lacks("#41")
		x.Press("v")
		x.Has("5 of 26 objects", "after apply")
	})
}

func TestLensesNeedTheDeployedRender(t *testing.T) {
	play(t, 120, 40, func(b *tuitest.Backend, _ *Config) {
		b.Plans["production"].NoLenses = "nothing is recorded as deployed"
	}, func(t *testing.T, x table) {
		x.review()
		x.Press("v")
		x.Has("only the lens apply shows anything: nothing is recorded as deployed", "5 of 26 objects")
	})
}

func TestKeepingALiveEdit(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.review()
		x.Press("g", "]", "e")
		x.Has("Overwrite what was changed live?", "spec.replicas", "live 5", "Git says 3", "kubectl-scale", "[ Overwrite ]", "Keep once", "Write to Git")
		x.Pass(time.Second)
		x.Press("enter") // the button that changes nothing has the focus
		x.Lacks("left out this once")
		x.Press("e")
		x.Pass(time.Second)
		x.Press("tab", "enter")
		x.Has("spec.replicas is left out this once")
		x.Lacks("kubectl-scale")
		x.Press("e")
		x.Has("Keep the live values?")
		x.Pass(time.Second)
		x.Press("tab", "enter")
		x.Lacks("left out this once")
		x.Press("[", "e")
		x.Has("nobody is known to have changed this object live")
	})
}

// toAdopt opens the dialog about the gateway's live edit and presses its third
// button.
func (x table) toAdopt() {
	x.review()
	x.Press("g", "]", "e")
	x.Pass(time.Second)
	x.Press("tab", "tab", "enter")
}

func TestAdoptingALiveEdit(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.review()
		x.Press("g", "]", "e")
		x.Has("Write to Git", "by a pull request")
		x.Press("shift+tab", "enter") // too soon to be meant
		x.called(t, "Draft", 0)
		x.Pass(time.Second)
		x.Press("tab", "tab")
		x.Has("[ Write to Git ]")
		x.Press("enter")
		x.called(t, "Draft production adopt Deployment shop/gateway:spec.replicas", 1)
		x.Has("live values of gateway", "not pushed yet")
		x.Press("esc")
		x.Has("production  review", "kubectl-scale")
		x.Lacks("not pushed yet")
		x.Press("e")
		x.Pass(time.Second)
		x.Press("shift+tab", "enter")
		x.Has("not pushed yet")
		x.publish()
		x.called(t, "Publish production fairtide/adopt-gateway", 1)
		x.Has("Pull request #46 is open")
		x.called(t, "Apply", 0)
	})
}

func TestAnAdoptionThatIsRefused(t *testing.T) {
	play(t, 120, 40, func(b *tuitest.Backend, _ *Config) {
		b.Fail("Draft", errors.New("production: Deployment shop/gateway: spec.replicas is made by the templates of the chart; change it by hand"))
	}, func(t *testing.T, x table) {
		x.toAdopt()
		x.Has("The live values were not written to Git", "change it by hand", "Close")
		x.Pass(time.Second)
		x.Press("enter")
		x.Has("production  review", "kubectl-scale")
		x.Lacks("were not written")
	})
}

func TestAnUnknownFailureIsNoMove(t *testing.T) {
	play(t, 120, 40, func(b *tuitest.Backend, _ *Config) { b.Fail("Apply", errors.New("production: unreachable")) }, func(t *testing.T, x table) {
		x.ship()
		x.Pass(time.Second)
		x.Lacks("moved since you looked")
	})
}
