package cluster

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairtide-dev/fairtide/model"
)

var batchJobGVR = schema.GroupVersionResource{Group: "batch", Version: "v1", Resource: "jobs"}

// hookYAML is a Job that runs before everything else, for as long as it is told.
const hookYAML = `{apiVersion: batch/v1, kind: Job, metadata: {name: migrate, annotations: {argocd.argoproj.io/hook: PreSync}}, spec: {template: {
  metadata: {annotations: {sim.fairtide.dev/exit-after.main: 300ms}}, spec: {restartPolicy: Never, containers: [{name: main, image: "registry.example/migrate:1"}]}}}}
`

// claimsYAML are a claim that is bound by its first pod, of a class of the
// test's own, and a kind without a health contract.
const claimsYAML = `{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: $NS}, provisioner: example.com/none, volumeBindingMode: WaitForFirstConsumer}
---
{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], storageClassName: $NS, resources: {requests: {storage: 1Gi}}}}
---
{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: front, annotations: {fairtide.dev/wave: "-1"}}, spec: {defaultBackend: {service: {name: edge, port: {number: 80}}}}}
`

// TestGateOnTheControlPlane: a wave is not written before the one before is
// ready, or just before; a hook has ended before anything else begins. What has
// no health contract, or is bound by its first pod only, holds nobody up.
func TestGateOnTheControlPlane(t *testing.T) {
	t.Parallel()
	for _, gate := range []string{"ready", "applied"} {
		t.Run(gate, func(t *testing.T) {
			t.Parallel()
			w := newPolicyWorld(t, ", rollout: {gate: "+gate+"}")
			w.merge(docs(hookYAML, claimsYAML, balancerYAML("edge", ""), annotatedYAML("last", "one", `fairtide.dev/wave: "1"`)))
			run := w.begin()
			w.heard("the Service is watched", func(ev model.Event) bool {
				return ev.Object != nil && ev.Object.Name == "edge" && ev.Progress != nil && ev.Progress.Readiness == model.ReadinessProgress
			})
			if got := w.exists(configGVR, "last"); got != (gate == "applied") {
				t.Errorf("while a Service has no address, the next wave is written: %t", got)
			}
			w.giveAddress("edge")
			record, err := run.end(t)
			if err != nil {
				t.Fatal(err)
			}
			w.wantClosed(record.ID, model.RunSucceeded, "migrate ready, front ready, "+w.ns+" ready, data ready, edge ready, last ready")
			job := w.live(batchJobGVR, "migrate")["status"].(map[string]any)["completionTime"]
			claim := w.live(claimGVR, "data")["metadata"].(map[string]any)["creationTimestamp"].(string)
			if gate == "ready" && (job == nil || job.(string) > claim) {
				t.Errorf("the hook ended at %v, and the claim was made at %s", job, claim)
			}
		})
	}
}

// TestWavesOnTheControlPlane: annotations refine the order in which objects are
// written, and they are pruned the other way round.
func TestWavesOnTheControlPlane(t *testing.T) {
	t.Parallel()
	w := newPolicyWorld(t, ", prune: {max: 50}")
	all := docs(
		annotatedYAML("e", "one", `fairtide.dev/wave: "3"`, `argocd.argoproj.io/sync-wave: "-9"`),
		annotatedYAML("d", "one", `argocd.argoproj.io/sync-wave: "2"`),
		annotatedYAML("f", "one", `argocd.argoproj.io/hook: PostSync`),
		annotatedYAML("c", "one"),
		annotatedYAML("a", "one", `helm.sh/hook: "pre-install,pre-upgrade"`, `helm.sh/hook-weight: "5"`),
		annotatedYAML("b", "one", `argocd.argoproj.io/sync-wave: "-1"`),
	)
	w.merge(all)
	first, err := w.ship()
	if err != nil {
		t.Fatal(err)
	}
	if got := w.named(model.EventApplied); got != "a b c d e f" {
		t.Errorf("written were %s", got)
	}
	record := w.wantClosed(first.ID, model.RunSucceeded, "a ready, b ready, c ready, d ready, e ready, f ready")
	if got, want := strings.Join(record.Waves, "; "), "configuration and RBAC, before the others, order 5; configuration and RBAC, order -1; configuration and RBAC; configuration and RBAC, order 2; configuration and RBAC, order 3; configuration and RBAC, after the others"; got != want || record.Wave != 6 {
		t.Errorf("wave %d of %s", record.Wave, got)
	}
	w.merge(annotatedYAML("stays", "one"))
	if _, err := w.ship(); err != nil {
		t.Fatal(err)
	}
	if got := w.named(model.EventPruned); got != "f e d c b a" {
		t.Errorf("pruned were %s", got)
	}
	w.wantNames("stays")
}

// TestFailurePolicies: what a failure leaves undone, and what is recorded of it.
func TestFailurePolicies(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ policy, names, results string }{
		{"stop", "early goes", " ready, early ready, jammed failed, late pending, goes pending"},
		{"continue", "early goes late", " ready, early ready, jammed failed, late ready, goes pending"},
	} {
		t.Run(c.policy, func(t *testing.T) {
			t.Parallel()
			policy := ", rollout: {onFailure: " + c.policy + "}"
			w := newPolicyWorld(t, policy)
			w.merge(configs("goes"))
			if _, err := w.ship(); err != nil {
				t.Fatal(err)
			}
			w.configure("staging", policy+", tests: [{name: healthz, http: {url: \"http://127.0.0.1:1/\"}}]")
			w.merge(docs(sluiceDefinition, annotatedYAML("early", "one"), stalledYAML("jammed", "one", "True"), annotatedYAML("late", "one", `fairtide.dev/wave: "1"`)))
			run, err := w.ship()
			wantCode(t, err, model.ExitRolloutFailed, "Sluice "+w.ns+"/jammed", "the gate is jammed")
			record := w.wantClosed(run.ID, model.RunFailed, "sluices."+w.ns+".example.com"+c.results)
			if len(record.Tests) != 0 || !strings.Contains(record.Reason, "the gate is jammed") {
				t.Errorf("%d tests, reason %s", len(record.Tests), record.Reason)
			}
			w.wantNames(c.names)
			if commit, last := w.deployed(); commit != w.order[0] || last.State != model.RunFailed {
				t.Errorf("deployed %s, last run %+v", commit, last)
			}
		})
	}
}

// TestRollbackOnTheControlPlane: after an object or a test has failed, what was
// deployed before is applied again by itself; the bad commit is not tried again,
// and the next merge is.
func TestRollbackOnTheControlPlane(t *testing.T) {
	t.Parallel()
	for _, by := range []string{"object", "test"} {
		t.Run(by, func(t *testing.T) {
			t.Parallel()
			var w *policyWorld
			policy, stalled, code := ", deploy: auto, rollout: {onFailure: rollback}", "True", model.ExitRolloutFailed
			if by == "test" {
				server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) {
					if w.live(configGVR, "settings")["data"].(map[string]any)["x"] == "two" {
						out.WriteHeader(http.StatusInternalServerError)
					}
				}))
				t.Cleanup(server.Close)
				policy += fmt.Sprintf(", tests: [{name: healthz, http: {url: %q}}]", server.URL+"/")
				stalled, code = "False", model.ExitTestsFailed
			}
			w = newPolicyWorld(t, policy)
			settings := func(v string) string { return annotatedYAML("settings", v) }
			was := w.merge(docs(sluiceDefinition, settings("one"), stalledYAML("sluice", "one", "False"), annotatedYAML("goes", "one")))
			if _, err := w.ship(); err != nil {
				t.Fatal(err)
			}
			bad := w.merge(docs(sluiceDefinition, settings("two"), stalledYAML("sluice", "two", stalled), annotatedYAML("made", "one")))
			run, err := w.ship()
			wantCode(t, err, code, "run staging-2 was rolled back to "+model.Short(was)+" by run staging-3")
			w.wantNames("goes settings")
			if got := w.live(configGVR, "settings")["data"].(map[string]any)["x"]; got != "one" {
				t.Errorf("settings are %v", got)
			}
			results := map[string]string{"object": "made ready, settings ready, sluice failed, goes pending", "test": "made ready, settings ready, sluice ready, goes pruned"}[by]
			if failed := w.wantClosed(run.ID, model.RunFailed, results); failed.RollsBack != "" || failed.ID != "staging-2" {
				t.Errorf("the failed run is %s, which rolls back %q", failed.ID, failed.RollsBack)
			}
			results = map[string]string{"object": "settings ready, sluice ready, made pruned", "test": "goes ready, settings ready, sluice ready, made pruned"}[by]
			if back := w.wantClosed("staging-3", model.RunSucceeded, results); back.RollsBack != "staging-2" || back.Commit != was {
				t.Errorf("the rollback is of %q to %s", back.RollsBack, back.Commit)
			}
			if commit, last := w.deployed(); commit != was || last.ID != "staging-3" || last.TakesBack != bad {
				t.Errorf("deployed %s, last run %+v", commit, last)
			}
			got, err := w.engine.RunOnce(w.ctx, "", w.hear)
			if err != nil || len(got) != 1 || got[0].Run != nil || !strings.Contains(got[0].Message, "is not tried again") {
				t.Errorf("the bad commit again: %+v, %v", got, err)
			}
			good := w.merge(docs(sluiceDefinition, settings("three"), stalledYAML("sluice", "three", "False"), annotatedYAML("goes", "one")))
			got, err = w.engine.RunOnce(w.ctx, "", w.hear)
			if err != nil || len(got) != 1 || got[0].Err != nil {
				t.Errorf("the next merge: %+v, %v", got, err)
			}
			if commit, _ := w.deployed(); commit != good {
				t.Errorf("deployed %s, want %s", commit, good)
			}
		})
	}
}

// TestTimeoutsOnTheControlPlane: a wave, and a run, take as long as they may.
func TestTimeoutsOnTheControlPlane(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ policy, says, more string }{
		{"waveTimeout: 700ms", "edge is not ready after 700ms: waiting for its load balancer's address", "edge failed"},
		{"timeout: 1500ms", "the run was stopped after 1.5s, which is its limit (rollout: timeout): 2 of 3 objects were written, and stay as they are; not ready: Service", "edge applied"},
	} {
		t.Run(c.policy, func(t *testing.T) {
			t.Parallel()
			w := newPolicyWorld(t, ", rollout: {"+c.policy+"}")
			w.merge(docs(annotatedYAML("early", "one"), balancerYAML("edge", ""), annotatedYAML("late", "one", `fairtide.dev/wave: "1"`)))
			run, err := w.ship()
			wantCode(t, err, model.ExitRolloutFailed, c.says)
			w.wantClosed(run.ID, model.RunFailed, "early ready, "+c.more+", late pending")
			w.wantNames("early")
		})
	}
}

// TestPauseOnTheControlPlane: a run that is paused between waves keeps its lock,
// and goes on, or is stopped by somebody else who says why.
func TestPauseOnTheControlPlane(t *testing.T) {
	t.Parallel()
	for _, end := range []string{"goes on", "is stopped"} {
		t.Run(end, func(t *testing.T) {
			t.Parallel()
			w := newPolicyWorld(t, "")
			w.merge(docs(annotatedYAML("early", "one"), annotatedYAML("late", "one", `fairtide.dev/wave: "1"`)))
			brake := &model.Brake{}
			w.onEvent = func(ev model.Event) {
				if ev.Type == model.EventWave && ev.Wave == 1 {
					brake.Set(true)
				}
			}
			run := w.begin(func(a *model.Approval) { a.Brake = brake })
			w.heard("the run is paused", func(ev model.Event) bool { return ev.Type == model.EventPaused && ev.Wave == 2 })
			first := w.lock()
			w.eventually("the lock is renewed and says that the run is paused", func() bool {
				l := w.lock()
				return l.Expires.After(first.Expires.Add(time.Second)) && l.Doing == "paused before wave 2 of 2"
			})
			w.wantNames("early")
			if end == "goes on" {
				brake.Set(false)
				record, err := run.end(t)
				if err != nil {
					t.Fatal(err)
				}
				w.wantClosed(record.ID, model.RunSucceeded, "early ready, late ready")
				return
			}
			if lock, err := w.engine.Abort(w.ctx, "staging", "the wrong day"); err != nil || lock.Run != "staging-1" {
				t.Errorf("asked %+v to stop: %v", lock, err)
			}
			record, err := run.end(t)
			if model.CodeOf(err, 0) != model.ExitInterrupted || !strings.Contains(err.Error(), "aborted by "+first.Holder) ||
				!strings.Contains(err.Error(), "the wrong day: 1 of 2 objects were written, and stay as they are; plan again to see what is left") {
				t.Errorf("the run ended with %v", err)
			}
			if closed := w.wantClosed(record.ID, model.RunAborted, "early ready, late pending"); !strings.Contains(closed.Reason, "the wrong day") {
				t.Errorf("the record's reason is %q", closed.Reason)
			}
			w.wantNames("early")
		})
	}
}
