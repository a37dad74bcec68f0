package cluster

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fairtide-dev/fairtide/internal/testcluster"
	"github.com/fairtide-dev/fairtide/model"
)

// randomText does not compress well.
func randomText(r *rand.Rand, n int) string {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789-."
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[r.IntN(len(letters))]
	}
	return string(b)
}

// largeRun has objects with all that a record may hold of them.
func largeRun(r *rand.Rand, n, name, message int) model.Run {
	run := someRun("production")
	run.Objects = nil
	for i := range n {
		run.Objects = append(run.Objects, model.RunObject{
			ID:      model.ObjectID{Group: "apps", Kind: "Deployment", Namespace: fmt.Sprintf("team-%d", i%40), Name: fmt.Sprintf("%d-%s", i, randomText(r, name))},
			Verdict: model.VerdictUpdate, Result: model.ResultReady, Message: randomText(r, message), Version: "v1",
			UID: randomText(r, 36), Wave: i % 6, Digest: model.PlannedObject{Reason: fmt.Sprint(i)}.ApprovedDigest(),
			At: run.StartedAt.Add(time.Duration(i) * time.Millisecond),
		})
	}
	return run
}

func seeded(t *testing.T) *rand.Rand {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// partNames are the parts in a state namespace, and the size of the largest object.
func partNames(t *testing.T, space string) (names []string, largest int) {
	t.Helper()
	list, err := adminClient(t).CoreV1().ConfigMaps(space).List(t.Context(), metav1.ListOptions{LabelSelector: labelManagedBy + "=fairtide"})
	if err != nil {
		t.Fatal(err)
	}
	for i := range list.Items {
		cm := &list.Items[i]
		size := 0
		for _, v := range cm.Data {
			size += len(v)
		}
		for _, v := range cm.BinaryData {
			size += len(v)
		}
		largest = max(largest, size)
		if cm.Labels[labelRecord] == "part" {
			names = append(names, cm.Name)
		}
	}
	return names, largest
}

func TestRunSizes(t *testing.T) {
	t.Parallel()
	r := seeded(t)
	for _, tt := range []struct{ n, name, message, parts int }{
		{5000, 20, 0, 0},
		{5000, 240, 2000, 2},
		{20000, 30, 60, 2},
		{1 + r.IntN(4000), r.IntN(240), r.IntN(1500), 0},
	} {
		t.Run(fmt.Sprintf("%d objects, names of %d, messages of %d", tt.n, tt.name, tt.message), func(t *testing.T) {
			space := stateSpace(t)
			c, _ := stateClient(t, space, nil)
			run := largeRun(r, tt.n, tt.name, tt.message)
			start := time.Now()
			run, err := c.NewRun(t.Context(), run)
			if err != nil {
				t.Fatal(err)
			}
			created := time.Since(start)
			run.State = model.RunWatching
			for i := range len(run.Objects) / 6 {
				run.Objects[i].Result = model.ResultFailed
			}
			start = time.Now()
			if err := c.SaveRun(t.Context(), run); err != nil {
				t.Fatal(err)
			}
			saved := time.Since(start)
			start = time.Now()
			got, err := c.Run(t.Context(), "production", run.ID)
			read := time.Since(start)
			if want := bounded(run); err != nil || !reflect.DeepEqual(got, want) {
				t.Fatalf("read back %d objects, %v", len(got.Objects), err)
			}
			parts, largest := partNames(t, space)
			t.Logf("created in %s, saved in %s, read in %s; %d parts, the largest ConfigMap %d KiB",
				created.Round(time.Millisecond), saved.Round(time.Millisecond), read.Round(time.Millisecond), len(parts), largest>>10)
			if len(parts) < tt.parts || largest > 1<<20 {
				t.Errorf("%d parts, the largest ConfigMap takes %d bytes", len(parts), largest)
			}
			// Legible again, and no part is left.
			run.Objects, run.State = run.Objects[:1], model.RunSucceeded
			if err := c.SaveRun(t.Context(), run); err != nil {
				t.Fatal(err)
			}
			if parts, _ = partNames(t, space); len(parts) != 0 {
				t.Errorf("parts are left: %v", parts)
			}
		})
	}
}

// partedRun is a run whose record has parts.
func partedRun(t *testing.T, c *Client) model.Run {
	t.Helper()
	run, err := c.NewRun(t.Context(), largeRun(seeded(t), 4500, 230, 300))
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// Whatever request of a write is the last one that arrives, the record reads as
// one whole truth: the one before or the one after.
func TestRunPartsCrash(t *testing.T) {
	t.Parallel()
	space := stateSpace(t)
	c, f := stateClient(t, space, nil)
	reader, _ := stateClient(t, space, nil)
	before := partedRun(t, c)
	seen := map[model.RunState]int{}
	for n := int64(1); ; n++ {
		after := before
		after.State, after.Objects = model.RunWatching, append([]model.RunObject(nil), before.Objects...)
		after.Objects[0].Result = model.ResultFailed
		f.dieAfter.Store(n)
		err := c.SaveRun(t.Context(), after)
		spent := f.dieAfter.Load() > 0
		f.dieAfter.Store(0)
		got, readErr := reader.Run(t.Context(), "production", before.ID)
		if readErr != nil {
			t.Fatalf("after %d requests: %v", n, readErr)
		}
		want := bounded(before)
		if got.State == model.RunWatching {
			want = bounded(after)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("after %d requests the record is neither the one before nor the one after", n)
		}
		seen[got.State]++
		if spent {
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("died after each of %d requests: %v", n-1, seen)
			break
		}
		// The next one starts from the one before again.
		if c, f = stateClient(t, space, nil); err == nil || got.State == model.RunWatching {
			before.Wave++
		}
		if _, err := c.TakeRun(t.Context(), "production", before.ID, model.RunAttempt{Operator: "op1@host"}); err != nil {
			t.Fatal(err)
		}
		if got, readErr = c.Run(t.Context(), "production", before.ID); readErr != nil {
			t.Fatal(readErr)
		}
		before.Attempts = got.Attempts
		if err := c.SaveRun(t.Context(), before); err != nil {
			t.Fatal(err)
		}
	}
	if seen[model.RunApplying] < 2 || seen[model.RunWatching] < 1 {
		t.Errorf("seen %v: not both sides", seen)
	}
	whole, err := reader.Run(t.Context(), "production", before.ID)
	if err != nil {
		t.Fatal(err)
	}
	if parts, _ := partNames(t, space); len(parts) > 3 {
		t.Errorf("what dead writers left was not swept: %d parts of %d objects", len(parts), len(whole.Objects))
	}
}

func TestRunBegun(t *testing.T) {
	t.Parallel()
	space := stateSpace(t)
	c, f := stateClient(t, space, nil)
	mustNewRun(t, c, "staging") // so that the namespace is there
	f.dieAfter.Store(2)         // the list of runs and the record, and none of its parts
	if _, err := c.NewRun(t.Context(), largeRun(seeded(t), 4500, 230, 300)); err == nil {
		t.Fatal("created without its parts")
	}
	f.dieAfter.Store(0)
	run, err := c.Run(t.Context(), "production", "production-1")
	if err != nil || run.State != model.RunApplying || len(run.Objects) != 0 || run.Reason != begunReason {
		t.Fatalf("read %+v, %v", run, err)
	}
	if _, err := c.TakeRun(t.Context(), "production", run.ID, model.RunAttempt{Operator: "op2@host"}); err != nil {
		t.Error(err)
	}
}

func TestRunPartsGoWithTheRecord(t *testing.T) {
	t.Parallel()
	space := stateSpace(t)
	c, _ := stateClient(t, space, nil)
	run := partedRun(t, c)
	if parts, _ := partNames(t, space); len(parts) < 2 {
		t.Fatalf("parts %v", parts)
	}
	for range RunsKept {
		mustNewRun(t, c, "production")
	}
	if _, err := c.Run(t.Context(), "production", run.ID); model.CodeOf(err, 0) != model.ExitUsage {
		t.Errorf("the oldest run is still there: %v", err)
	}
	testcluster.Eventually(t, 30*time.Second, "the parts are gone", func() (bool, error) {
		parts, _ := partNames(t, space)
		return len(parts) == 0, nil
	})
	if runs, err := c.Runs(t.Context(), "production"); err != nil || len(runs) != RunsKept {
		t.Errorf("%d runs, %v", len(runs), err)
	}
}

func TestRunPartMissing(t *testing.T) {
	t.Parallel()
	space := stateSpace(t)
	c, _ := stateClient(t, space, nil)
	run := partedRun(t, c)
	parts, _ := partNames(t, space)
	if err := adminClient(t).CoreV1().ConfigMaps(space).Delete(t.Context(), parts[0], metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Run(t.Context(), "production", run.ID); err == nil || !strings.Contains(err.Error(), "a part of it is missing") {
		t.Errorf("half of a record was read: %v", err)
	}
}

func TestStateParts(t *testing.T) {
	t.Parallel()
	space := stateSpace(t)
	c, f := stateClient(t, space, nil)
	r, ctx := seeded(t), t.Context()
	mustNewRun(t, c, "staging")
	s := someState("op1@host")
	s.Inventory = nil
	for i := range 20000 {
		s.Inventory = append(s.Inventory, model.InventoryEntry{
			ID:      model.ObjectID{Group: "apps", Kind: "Deployment", Namespace: fmt.Sprintf("team-%03d", i%100), Name: fmt.Sprintf("%05d-%s", i, randomText(r, 50))},
			Version: "v1", UID: randomText(r, 36),
		})
	}
	f.dieAfter.Store(1) // nothing but that there is a record
	if _, err := c.WriteState(ctx, "production", s); err == nil {
		t.Fatal("written without its parts")
	}
	f.dieAfter.Store(0)
	empty, err := c.ReadState(ctx, "production")
	if err != nil || empty.Deployed != nil || len(empty.Inventory) != 0 || empty.ResourceVersion == "" {
		t.Fatalf("half of a state: %+v, %v", empty.Deployed, err)
	}
	s.ResourceVersion = empty.ResourceVersion
	start := time.Now()
	written, err := c.WriteState(ctx, "production", s)
	if err != nil {
		t.Fatal(err)
	}
	wrote := time.Since(start)
	for range 2 { // parts of the write before go
		if written, err = c.WriteState(ctx, "production", written); err != nil {
			t.Fatal(err)
		}
	}
	read, err := c.ReadState(ctx, "production")
	if err != nil || len(read.Inventory) != 20000 || !reflect.DeepEqual(read, written) {
		t.Fatalf("%d entries, %v", len(read.Inventory), err)
	}
	parts, largest := partNames(t, space)
	t.Logf("20000 entries: written in %s, %d parts, the largest ConfigMap %d KiB", wrote.Round(time.Millisecond), len(parts), largest>>10)
	if len(parts) < 2 || len(parts) > 4 || largest > 1<<20 {
		t.Errorf("%d parts, the largest ConfigMap takes %d bytes", len(parts), largest)
	}
	_, err = c.WriteState(ctx, "production", empty) // an old reading
	wantLocked(t, err, "nothing was recorded")
	read.Inventory = read.Inventory[:1]
	if _, err := c.WriteState(ctx, "production", read); err != nil {
		t.Fatal(err)
	}
	if parts, _ := partNames(t, space); len(parts) != 0 {
		t.Errorf("parts are left: %v", parts)
	}
}

func TestBounded(t *testing.T) {
	long := strings.Repeat("ä", 5000) + " the cause"
	run := model.Run{Reason: strings.Repeat("x", 20000), Objects: []model.RunObject{{Message: long}, {Message: "short"}}}
	run.Tests = []model.TestResult{{Log: []string{strings.Repeat("a", logMost), "b", "last"}}, {Log: []string{"kept"}}}
	got := bounded(run)
	if m := got.Objects[0].Message; len(m) > messageMost || !utf8.ValidString(m) || !strings.HasSuffix(m, " the cause") || !strings.Contains(m, "…") {
		t.Errorf("message of %d bytes: %q", len(m), m)
	}
	if got.Objects[1].Message != "short" || len(got.Reason) > reasonText || run.Objects[0].Message != long {
		t.Error("the wrong text was cut, or that of the caller")
	}
	if !reflect.DeepEqual(got.Tests[0].Log, []string{"b", "last"}) || !got.Tests[0].Truncated || len(got.Tests[1].Log) != 1 || got.Tests[1].Truncated {
		t.Errorf("logs %d and %v", len(got.Tests[0].Log), got.Tests[1])
	}
}
