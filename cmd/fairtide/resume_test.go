package main

import (
	"strings"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fairtide-dev/fairtide/internal/sample"
	"github.com/fairtide-dev/fairtide/model"
)

// killed applies a commit to dev and is killed as the first wave begins. It
// returns once the lock has expired, by the hand of the test.
func (w *world) killed(commit string) {
	t := w.t
	t.Helper()
	run := w.starts("apply", "-e", "dev", "--commit", commit, "--yes")
	run.hears("wave 1 of ")
	run.signal(syscall.SIGKILL)
	<-run.ended
	if r := w.must(5, "resume", "-e", "dev", "--yes"); !strings.Contains(r.stderr, "is under way: locked by ") {
		t.Errorf("resume before the lock expired: %s", r.stderr)
	}
	leases := w.cluster.Client(t).CoordinationV1().Leases("fairtide" + w.suffix)
	list, err := leases.List(t.Context(), metav1.ListOptions{})
	if err != nil || len(list.Items) != 1 {
		t.Fatalf("%d leases, %v", len(list.Items), err)
	}
	lease := list.Items[0]
	lease.Spec.RenewTime = &metav1.MicroTime{Time: time.Now().Add(-time.Hour)}
	if _, err := leases.Update(t.Context(), &lease, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// A run that was killed is told as interrupted everywhere, with what to do, and
// is resumed, or given up for another one, only with a reason.
func TestResumeAndTakeOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sample.Options{Windows: map[string]string{"dev": ""}})
	w.must(2, "resume", "-e", "dev", "--yes") // there is no run
	w.killed(w.repo.Deployed["dev"])

	says := func(code int, text string, args ...string) {
		t.Helper()
		if r := w.must(code, args...); !strings.Contains(r.stdout+r.stderr, text) {
			t.Errorf("%v does not say %q:\n%s%s", args, text, r.stdout, r.stderr)
		}
	}
	says(0, "dev: run dev-1 of "+model.Short(w.repo.Deployed["dev"])+" was interrupted; continue it with `fairtide resume -e dev`", "status", "-e", "dev")
	says(6, "run dev-1 was interrupted ", "watch", "-e", "dev")
	says(2, "continue it with `fairtide resume -e dev`", "abort", "-e", "dev", "--reason", "stop it")
	says(5, "with a reason: --take-over REASON", "apply", "-e", "dev", "--yes")
	says(5, "with a reason: --reason REASON", "resume", "-e", "dev", "--yes")
	says(2, "is not the newest run", "resume", "-e", "dev", "dev-9", "--yes", "--reason", "x")
	says(2, "cannot be confirmed", "resume", "-e", "dev", "--reason", "x")

	o := w.operator(160, 60, "resume", "-e", "dev", "dev-1")
	o.sees("Type dev to resume dev-1:")
	o.types("dev\r")
	o.sees("Why is it taken over?")
	o.types("the laptop died\r")
	if err := o.term.Exited(o.ctx); err != nil {
		t.Errorf("resume ended with %v:\n%s", err, o.term.Text())
	}
	run := w.lastRun("dev")
	if run.ID != "dev-1" || run.State != model.RunSucceeded || len(run.Attempts) != 1 || run.Attempts[0].Reason != "the laptop died" {
		t.Errorf("the record says %s %s, %+v", run.ID, run.State, run.Attempts)
	}
	for _, x := range run.Objects {
		if x.Result != model.ResultReady {
			t.Errorf("%s is %s", x.ID, x.Result)
		}
	}
	says(2, "there is nothing to resume", "resume", "-e", "dev", "--yes")

	good := w.change("broken-gateway").Parent
	w.killed(good)
	w.must(0, "apply", "-e", "dev", "--commit", good, "--yes", "--take-over", "its machine is gone")
	runs := decode[struct{ Runs []model.Run }](t, w.must(0, "history", "-e", "dev", "-o", "json").stdout).Runs
	if runs[0].State != model.RunSucceeded || runs[1].State != model.RunInterrupted || runs[1].FinishedAt.IsZero() {
		t.Errorf("the records say %s %s and %s %s", runs[0].ID, runs[0].State, runs[1].ID, runs[1].State)
	}
}
