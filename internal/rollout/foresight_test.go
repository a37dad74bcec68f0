package rollout

import (
	"testing"

	"github.com/fairtide-dev/fairtide/model"
)

// What the plan foresaw is the cause until the readings say that what was missing
// is there, and never instead of another cause.
func TestWhatWasForeseenGivesWay(t *testing.T) {
	const (
		why   = "Deployment shop/cart waits for ConfigMap shop/settings, which this run applies only in wave 3"
		about = `container cart of pod cart-1 cannot be configured: configmap "settings" not found; add ConfigMap settings, or correct the name`
		image = "image cart:2 cannot be pulled: not found"
		other = `container cart of pod cart-1 cannot be configured: configmap "settings-2" not found; add ConfigMap settings-2, or correct the name`
	)
	none := model.Progress{Readiness: model.ReadinessProgress}
	caused := func(cause string) model.Progress {
		return model.Progress{Readiness: model.ReadinessProgress, Cause: cause}
	}
	pods := func(pods ...model.Pod) model.Progress {
		return model.Progress{Readiness: model.ReadinessProgress, Pods: pods}
	}
	for _, c := range []struct {
		what     string
		readings []model.Progress
		last     string // the cause of the last reading
		doomed   bool
	}{
		{"nothing is known yet", []model.Progress{{Readiness: model.ReadinessWaiting}}, why, true},
		{"its pod is not started", []model.Progress{pods(model.Pod{Phase: "Pending", Reason: "ContainerCreating"})}, why, true},
		{"the cluster says so too", []model.Progress{none, caused(about)}, why, true},
		{"the cluster says so no longer", []model.Progress{none, caused(about), none}, "", false},
		{"what is missing came, and something else is wrong", []model.Progress{caused(about), caused(image)}, image, false},
		{"something else is missing", []model.Progress{caused(other)}, other, false},
		{"a pod was started", []model.Progress{none, pods(model.Pod{Phase: "Running"}), none}, "", false},
		{"a pod was started and crashed", []model.Progress{pods(model.Pod{Phase: "Pending", Restarts: 1})}, "", false},
		{"a pod is ready", []model.Progress{none, {Readiness: model.ReadinessProgress, Ready: 1}}, "", false},
		{"it was ready", []model.Progress{none, {Readiness: model.ReadinessReady}, none}, "", false},
		{"it has failed", []model.Progress{{Readiness: model.ReadinessFailed, Cause: image, Doomed: true}}, image, true},
	} {
		f := foreseen(model.Wave{Objects: []model.PlannedObject{{ID: id("cart"), Risks: []model.Risk{{Name: model.RiskLaterWave, Message: why}}}}})
		var p model.Progress
		for _, p = range c.readings {
			p.ID = id("cart")
			f.explain(&p)
		}
		if p.Cause != c.last || p.Doomed != c.doomed {
			t.Errorf("%s: %q, doomed %v", c.what, p.Cause, p.Doomed)
		}
	}
}
