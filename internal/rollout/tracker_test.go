package rollout

import (
	"strings"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

func id(name string) model.ObjectID {
	return model.ObjectID{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: name}
}

func TestTracker(t *testing.T) {
	start := time.Date(2026, 10, 5, 9, 0, 0, 0, time.UTC)
	at := func(s int) time.Time { return start.Add(time.Duration(s) * time.Second) }
	tr := newTracker([]model.Target{{ID: id("cart")}, {ID: id("gateway")}}, 30*time.Second)
	if tr.over(at(0), false) {
		t.Fatal("over before anything was seen")
	}
	tr.see(model.Progress{ID: id("cart"), Readiness: model.ReadinessReady}, at(1))
	if tr.over(at(1), false) {
		t.Fatal("over with one of two ready")
	}
	doomed := model.Progress{ID: id("gateway"), Readiness: model.ReadinessProgress, Cause: "cannot pull gateway:2.0.9", Doomed: true}
	tr.see(doomed, at(5))
	tr.see(doomed, at(20))
	if when, ok := tr.doomedAt(at(20)); !ok || !when.Equal(at(35)) {
		t.Errorf("doomed at %v, want 30 s after the first sight", when)
	}
	if tr.over(at(34), false) || !tr.over(at(35), false) {
		t.Error("a doomed one is given another time than its grace")
	}
	err := joined(tr.verdict())
	if err == nil || !strings.Contains(err.Error(), "Deployment shop/gateway") || !strings.Contains(err.Error(), "cannot pull gateway:2.0.9") {
		t.Errorf("verdict %v does not name the object and the cause", err)
	}
	if strings.Contains(err.Error(), "cart") {
		t.Errorf("verdict names the ready one: %v", err)
	}
	if model.CodeOf(err, 0) != model.ExitRolloutFailed {
		t.Errorf("exit code %d", model.CodeOf(err, 0))
	}

	// The image appears after all: no longer doomed, and then ready.
	tr.see(model.Progress{ID: id("gateway"), Readiness: model.ReadinessProgress}, at(25))
	if _, ok := tr.doomedAt(at(25)); ok {
		t.Error("still doomed after the cause went away")
	}
	tr.see(model.Progress{ID: id("gateway"), Readiness: model.ReadinessReady}, at(28))
	if !tr.over(at(28), true) || tr.verdict() != nil {
		t.Error("not done with both ready")
	}
	tr.see(model.Progress{ID: id("cart"), Readiness: model.ReadinessFailed, Message: "progress deadline exceeded"}, at(40))
	if !tr.over(at(40), false) || tr.verdict() == nil {
		t.Error("a failed object does not fail the rollout")
	}
	if err := joined(tr.late(time.Minute)); err == nil || !strings.Contains(err.Error(), "progress deadline exceeded") {
		t.Errorf("late: %v", err)
	}
}

// A patient tracker waits for the others when one has failed, or is doomed.
func TestPatientTracker(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 10, 5, 9, 0, 0, 0, time.UTC)
	at := func(s int) time.Time { return start.Add(time.Duration(s) * time.Second) }
	tr := newTracker([]model.Target{{ID: id("cart")}, {ID: id("gateway")}, {ID: id("web")}}, 30*time.Second)
	tr.see(model.Progress{ID: id("cart"), Readiness: model.ReadinessFailed, Cause: "crashes"}, at(0))
	tr.see(model.Progress{ID: id("gateway"), Readiness: model.ReadinessProgress, Cause: "no image", Doomed: true}, at(10))
	if !tr.over(at(11), false) || tr.over(at(11), true) || tr.over(at(41), true) {
		t.Error("not patient with what may become ready")
	}
	tr.see(model.Progress{ID: id("web"), Readiness: model.ReadinessReady}, at(20))
	if tr.over(at(39), true) || !tr.over(at(40), true) {
		t.Error("a doomed one is given another time than its grace")
	}
	if _, ok := tr.doomedAt(at(40)); ok {
		t.Error("a grace that is over comes again")
	}
	if err := joined(tr.verdict()); err == nil || strings.Contains(err.Error(), "web") || strings.Count(err.Error(), "will not become ready") != 2 {
		t.Errorf("%v", err)
	}
}
