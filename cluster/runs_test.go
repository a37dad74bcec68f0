package cluster

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fairtide-dev/fairtide/model"
)

func someRun(env string) model.Run {
	return model.Run{
		Environment: env, Commit: "1a2b3c4", From: "0a0b0c0", Digest: "d", Operator: "op1@host",
		StartedAt: time.Date(2026, 5, 4, 10, 3, 0, 0, time.UTC), State: model.RunApplying,
		Objects: []model.RunObject{{ID: model.ObjectID{Kind: "Service", Namespace: "shop", Name: "cart"}, Verdict: model.VerdictCreate, Result: model.ResultPending}},
		Tests:   []model.TestResult{}, PullRequests: []int{42},
	}
}

func mustNewRun(t *testing.T, c *Client, env string) model.Run {
	t.Helper()
	run, err := c.NewRun(t.Context(), someRun(env))
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func TestRunLifecycle(t *testing.T) {
	t.Parallel()
	space := stateSpace(t)
	c, _ := stateClient(t, space, nil)
	ctx := t.Context()
	if runs, err := c.Runs(ctx, "production"); err != nil || len(runs) != 0 {
		t.Fatalf("before the first run: %v, %v", runs, err)
	}
	if id, err := c.NextRunID(ctx, "production"); err != nil || id != "production-1" {
		t.Fatalf("next run %q, %v", id, err)
	}
	run := mustNewRun(t, c, "production")
	want := someRun("production")
	want.ID = "production-1"
	if got, err := c.Run(ctx, "production", run.ID); err != nil || !reflect.DeepEqual(got, want) || !reflect.DeepEqual(run, want) {
		t.Fatalf("read %+v, %v; want %+v", got, err, want)
	}
	run.State = model.RunWatching
	if err := c.SaveRun(ctx, run); err != nil {
		t.Fatal(err)
	}
	run.State, run.FinishedAt = model.RunSucceeded, run.StartedAt.Add(time.Minute)
	if err := c.SaveRun(ctx, run); err != nil {
		t.Fatal(err)
	}
	if got, err := c.Run(ctx, "production", run.ID); err != nil || !reflect.DeepEqual(got, run) {
		t.Fatalf("read %+v, %v; want %+v", got, err, run)
	}
	cm, err := adminClient(t).CoreV1().ConfigMaps(space).Get(ctx, "fairtide-run-production-1", metav1.GetOptions{})
	if err != nil || cm.Immutable == nil || !*cm.Immutable {
		t.Errorf("the closed record can change: %+v, %v", cm, err)
	}
	run.State = model.RunFailed
	if err := c.SaveRun(ctx, run); err == nil || !strings.Contains(err.Error(), "closed record") {
		t.Errorf("a closed run was written: %v", err)
	}

	// A second run, and an environment whose name looks alike.
	second := mustNewRun(t, c, "production")
	mustNewRun(t, c, "production-1")
	runs, err := c.Runs(ctx, "production")
	if err != nil || len(runs) != 2 || runs[0].ID != second.ID || second.ID != "production-2" {
		t.Errorf("runs %v, %v", runs, err)
	}
	for _, id := range []string{"production-3", "staging-1", "production-", "production-1-1", "../x"} {
		if _, err := c.Run(ctx, "production", id); model.CodeOf(err, 0) != model.ExitUsage {
			t.Errorf("run %q: %v", id, err)
		}
	}
}

func TestRunNumbersAreUnique(t *testing.T) {
	t.Parallel()
	space := stateSpace(t)
	const clients, each = 4, 5
	var mu sync.Mutex
	var ids []string
	var all sync.WaitGroup
	for range clients {
		c, _ := stateClient(t, space, nil)
		all.Go(func() {
			for range each {
				run, err := c.NewRun(t.Context(), someRun("production"))
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				ids = append(ids, run.ID)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	slices.Sort(ids)
	if n := len(slices.Compact(ids)); n != clients*each {
		t.Errorf("%d different IDs, want %d: %v", n, clients*each, ids)
	}
}

func TestRunsKept(t *testing.T) {
	t.Parallel()
	c, _ := stateClient(t, stateSpace(t), nil)
	mustNewRun(t, c, "staging")
	for range RunsKept + 5 {
		mustNewRun(t, c, "production")
	}
	runs, err := c.Runs(t.Context(), "production")
	if err != nil || len(runs) != RunsKept {
		t.Fatalf("%d runs, %v", len(runs), err)
	}
	for i, run := range runs {
		if want := fmt.Sprintf("production-%d", RunsKept+5-i); run.ID != want {
			t.Fatalf("run %d is %s, want %s", i, run.ID, want)
		}
	}
	if runs, err := c.Runs(t.Context(), "staging"); err != nil || len(runs) != 1 {
		t.Errorf("another environment lost runs: %v, %v", runs, err)
	}
}

func TestRunTakenOver(t *testing.T) {
	t.Parallel()
	space := stateSpace(t)
	a, _ := stateClient(t, space, nil)
	b, _ := stateClient(t, space, nil)
	ctx := t.Context()
	run := mustNewRun(t, a, "production")
	looked, err := b.Run(ctx, "production", run.ID)
	if err != nil {
		t.Fatal(err)
	}
	wantLocked(t, b.SaveRun(ctx, looked), run.ID, "another program writes its record")
	attempt := model.RunAttempt{Operator: "op2@host", At: run.StartedAt.Add(time.Hour), Reason: "op1's computer is gone"}
	resumed, err := b.TakeRun(ctx, "production", run.ID, attempt)
	if err != nil || resumed.Writer() != "op2@host" || resumed.Operator != "op1@host" || !reflect.DeepEqual(resumed.Attempts, []model.RunAttempt{attempt}) {
		t.Fatalf("took %+v, %v", resumed, err)
	}
	wantLocked(t, a.SaveRun(ctx, run), run.ID, "taken it over")
	resumed.Wave = 2
	for range 2 {
		if err := b.SaveRun(ctx, resumed); err != nil {
			t.Fatal(err)
		}
	}
	// The first one, still alive, must notice, also after having looked.
	if _, err := a.Runs(ctx, "production"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		wantLocked(t, a.SaveRun(ctx, run), run.ID, "taken it over")
	}
	if got, err := a.Run(ctx, "production", run.ID); err != nil || got.Wave != 2 || got.Writer() != "op2@host" {
		t.Errorf("record %+v, %v", got, err)
	}
	resumed.State = model.RunSucceeded
	if err := b.SaveRun(ctx, resumed); err != nil {
		t.Fatal(err)
	}
	if _, err := a.TakeRun(ctx, "production", run.ID, attempt); model.CodeOf(err, 0) != model.ExitUsage || !strings.Contains(err.Error(), "nothing to continue") {
		t.Errorf("took a closed run: %v", err)
	}
}

func TestRunLostAnswers(t *testing.T) {
	t.Parallel()
	c, f := stateClient(t, stateSpace(t), nil)
	ctx := t.Context()
	mustNewRun(t, c, "staging") // so that the namespace is there
	f.loseAnswer.Store(true)
	run := mustNewRun(t, c, "production")
	if run.ID != "production-1" || f.loseAnswer.Load() {
		t.Fatalf("run %s", run.ID)
	}
	for _, state := range []model.RunState{model.RunWatching, model.RunTesting, model.RunSucceeded} {
		f.loseAnswer.Store(true)
		run.State = state
		if err := c.SaveRun(ctx, run); err != nil || f.loseAnswer.Load() {
			t.Fatalf("%s: %v", state, err)
		}
	}
	if got, err := c.Run(ctx, "production", run.ID); err != nil || got.State != model.RunSucceeded {
		t.Errorf("record %+v, %v", got, err)
	}
}

func TestRunRecordDeleted(t *testing.T) {
	t.Parallel()
	space := stateSpace(t)
	c, _ := stateClient(t, space, nil)
	run := mustNewRun(t, c, "production")
	if err := adminClient(t).CoreV1().ConfigMaps(space).Delete(t.Context(), runName(run.ID), metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	wantLocked(t, c.SaveRun(t.Context(), run), "was deleted")
}

func TestRunLarge(t *testing.T) {
	t.Parallel()
	c, _ := stateClient(t, stateSpace(t), nil)
	run := someRun("production")
	for i := range 5000 {
		run.Objects = append(run.Objects, model.RunObject{
			ID:      model.ObjectID{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: fmt.Sprintf("service-%d", i)},
			Verdict: model.VerdictUpdate, Result: model.ResultReady, Message: "3 of 3 new pods ready",
		})
	}
	run, err := c.NewRun(t.Context(), run)
	if err != nil {
		t.Fatal(err)
	}
	run.Objects = run.Objects[:10] // legible again
	if err := c.SaveRun(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	if got, err := c.Run(t.Context(), "production", run.ID); err != nil || len(got.Objects) != 10 {
		t.Errorf("%d objects, %v", len(got.Objects), err)
	}
}

func TestRunsUnreadable(t *testing.T) {
	t.Parallel()
	space := stateSpace(t)
	c, _ := stateClient(t, space, nil)
	good := mustNewRun(t, c, "production")
	cm := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: "fairtide-run-production-9", Labels: map[string]string{
			labelManagedBy: "fairtide", labelEnvironment: "production", labelRecord: "run",
		}},
		Data: map[string]string{"format": "1", "run.json": "?"},
	}
	if _, err := adminClient(t).CoreV1().ConfigMaps(space).Create(t.Context(), cm, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	runs, err := c.Runs(t.Context(), "production")
	if err == nil || !strings.Contains(err.Error(), "fairtide-run-production-9") || len(runs) != 1 || runs[0].ID != good.ID {
		t.Errorf("runs %v, error %v", runs, err)
	}
	if next := mustNewRun(t, c, "production"); next.ID != "production-10" {
		t.Errorf("next run %s", next.ID)
	}
}
