package cluster

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/internal/testcluster"
)

const (
	faultyShare = 0.2
	// faultyTime is how long new runs are begun, and faultyAtOnce how many are
	// under way at a time.
	faultyTime   = 15 * time.Second
	faultyAtOnce = 10
	faultyLeast  = 12
)

// TestRunsUnderFaults ships to an API server of which a fifth of the requests
// fail, in all the ways there are, and whose watches end each second. However a
// run ends, its record and the state tell the truth, and what is left is shipped
// by the next one.
func TestRunsUnderFaults(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	counts, ends := &faultTally{}, &faultTally{}
	tc := testcluster.Get(t)
	began := time.Now()
	var all sync.WaitGroup
	for worker := range faultyAtOnce {
		ns := tc.Namespace(t)
		all.Go(func() {
			for n := 0; time.Since(began) < faultyTime || ends.get("runs") < faultyLeast; n++ {
				underFaults(t, tc, ns, seed+uint64(worker*1000+n), counts, ends)
				if t.Failed() {
					return
				}
			}
		})
	}
	all.Wait()
	t.Logf("injected: %s", counts)
	t.Logf("ended: %s, in %s", ends, time.Since(began).Round(time.Second))
	if share := float64(counts.get("faults")) / float64(max(1, counts.get("requests"))); share < faultyShare*0.7 {
		t.Errorf("only %.0f %% of the requests failed", share*100)
	}
	for _, kind := range faultKinds {
		if counts.get(kind) == 0 {
			t.Errorf("no request failed by %s", kind)
		}
	}
	if ends.get("succeeded")*4 < ends.get("runs")*3 {
		t.Errorf("of %d runs only %d succeeded", ends.get("runs"), ends.get("succeeded"))
	}
}

// underFaults ships one commit, and what is left of it without faults.
func underFaults(t *testing.T, tc *testcluster.Cluster, ns string, seed uint64, counts, ends *faultTally) {
	r := newRig(t, tc, ns, ", prune: {max: 40}")
	value := fmt.Sprintf("v%d", seed)
	clean := r.operator("clean", nil, nil)
	idle := func(n int) string {
		return fmt.Sprintf("\n---\n{apiVersion: apps/v1, kind: Deployment, metadata: {name: d%d, namespace: $NS}, spec: {replicas: 0, selector: {matchLabels: {a: d%[1]d}}, template: {metadata: {labels: {a: d%[1]d}, annotations: {v: %[2]s}}, spec: {containers: [{name: main, image: \"web:1\"}]}}}}", n, value)
	}
	// Some exist already, and two more leave Git.
	r.commit(1, numbered(20, "old"+value)+"\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: x1, namespace: $NS}}\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: x2, namespace: $NS}}")
	if _, err := clean.apply(t.Context(), clean.plan()); err != nil {
		t.Errorf("seed %d: %v", seed, err)
		return
	}
	commit := r.commit(2, numbered(36, value)+idle(1)+idle(2))
	plan := clean.plan()
	faulty := r.operator("faulty", nil, disturb(seed, faultyShare, counts))
	_, err := faulty.apply(t.Context(), plan)
	ends.add("runs", 1)
	wrong, run := r.untrue(err, value, commit)
	switch {
	case run == nil:
		ends.add("not begun", 1)
	case err == nil:
		ends.add("succeeded", 1)
	default:
		ends.add("failed ("+string(run.State)+")", 1)
	}
	if len(wrong) > 0 {
		t.Errorf("seed %d: the run ended with %v, and its record is not true:\n%s\n%s", seed, err, strings.Join(wrong, "\n"), faulty.story())
		return
	}
	if err != nil {
		t.Logf("seed %d: %v", seed, err)
		if _, err := clean.apply(t.Context(), clean.plan()); err != nil {
			t.Errorf("seed %d: what was left could not be shipped: %v\n%s", seed, err, clean.story())
			return
		}
		if wrong, _ := r.untrue(nil, value, commit); len(wrong) > 0 {
			t.Errorf("seed %d: the second run's record is not true:\n%s", seed, strings.Join(wrong, "\n"))
		}
	}
	// The namespace is used again, and the environment is not.
	if err := r.clear(); err != nil {
		t.Errorf("seed %d: %v", seed, err)
	}
}
