//go:build unix

package cluster

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	engine "github.com/fairtide-dev/fairtide/internal/rollout"
	"github.com/fairtide-dev/fairtide/internal/testcluster"
	"github.com/fairtide-dev/fairtide/model"
)

// crashPhase is a moment of a run at which the API server is killed.
type crashPhase struct {
	name string
	// at reports whether a request is the one at which it happens, by the run's
	// story so far.
	at func(m *crashMoment, q *http.Request) bool
}

// crashMoment is what a phase is found by.
type crashMoment struct {
	ns     string
	locked atomic.Bool  // the lock is held
	wave   atomic.Int64 // the wave that was begun last
	writes atomic.Int64 // to the environment's namespace
}

func (m *crashMoment) mine(q *http.Request) bool { return strings.Contains(q.URL.Path, "/"+m.ns+"/") }

// bodyHas reports whether a request says something.
func bodyHas(q *http.Request, text string) bool {
	if q.GetBody == nil {
		return false
	}
	body, err := q.GetBody()
	if err != nil {
		return false
	}
	raw, err := io.ReadAll(body)
	return err == nil && bytes.Contains(raw, []byte(text))
}

var crashPhases = []crashPhase{
	{"before the lock", func(_ *crashMoment, q *http.Request) bool {
		return strings.Contains(q.URL.Path, "/leases") && q.URL.Query().Get("watch") == ""
	}},
	{"taking the lock", func(_ *crashMoment, q *http.Request) bool {
		return strings.Contains(q.URL.Path, "/leases") && isWrite(q)
	}},
	{"under re-check", func(m *crashMoment, q *http.Request) bool { return m.locked.Load() && m.mine(q) }},
	{"making the record", func(_ *crashMoment, q *http.Request) bool {
		return isWrite(q) && bodyHas(q, "fairtide-run-")
	}},
	{"in the middle of a wave", func(m *crashMoment, q *http.Request) bool { return isWrite(q) && m.mine(q) && m.writes.Add(1) == 7 }},
	{"between waves", func(m *crashMoment, q *http.Request) bool {
		return m.wave.Load() == 2 && m.mine(q) && isWrite(q)
	}},
	{"while watching", func(m *crashMoment, q *http.Request) bool {
		return m.mine(q) && q.URL.Query().Get("watch") != "" && strings.Contains(q.URL.Path, "/deployments")
	}},
	{"while pruning", func(m *crashMoment, q *http.Request) bool {
		return m.mine(q) && q.Method == http.MethodDelete && isWrite(q)
	}},
	{"while testing", func(m *crashMoment, q *http.Request) bool {
		return m.mine(q) && isWrite(q) && strings.HasSuffix(q.URL.Path, "/jobs")
	}},
	{"at close", func(_ *crashMoment, q *http.Request) bool {
		return isWrite(q) && strings.Contains(q.URL.Path, stateName("staging")) && bodyHas(q, string(model.RunSucceeded))
	}},
}

// tested is a repository with the manifest of a test.
type tested struct{ *history }

func (h tested) File(ctx context.Context, commit, path string) ([]byte, error) {
	if path == "tests/check.yaml" {
		return []byte("{apiVersion: batch/v1, kind: Job, metadata: {name: check}, spec: {backoffLimit: 0, template: {spec: {restartPolicy: Never, terminationGracePeriodSeconds: 0, containers: [{name: main, image: \"check:1\"}]}}}}"), nil
	}
	return h.history.File(ctx, commit, path)
}

func crashText(value string, left bool) string {
	text := numbered(12, value) + fmt.Sprintf(`
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: $NS}, spec: {selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}, annotations: {v: %s}}, spec: {terminationGracePeriodSeconds: 0, containers: [{name: main, image: "web:1"}]}}}}`, value)
	if left {
		text += "\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: left, namespace: $NS}}"
	}
	return text
}

// crashRun is a run that gets as far as its phase, and no further before the API
// server is down.
type crashRun struct {
	name    string
	r       *rig
	plan    *model.Plan
	clean   *operator
	op      *operator
	reached chan struct{}
	err     error
	ended   chan struct{}
}

// newCrashRun prepares a run. With lost the request at which it happens has
// taken effect, and its answer is what does not arrive.
func newCrashRun(t *testing.T, tc *testcluster.Cluster, phase crashPhase, lost bool, down <-chan struct{}) *crashRun {
	r := newRig(t, tc, tc.Namespace(t), ", tests: [{name: check, job: tests/check.yaml, timeout: 1m}]")
	r.repo = tested{r.git}
	run := &crashRun{name: phase.name + ", request lost", r: r, reached: make(chan struct{}), ended: make(chan struct{})}
	if lost {
		run.name = phase.name + ", answer lost"
	}
	m := &crashMoment{ns: r.ns}
	var once sync.Once
	hold := func() error {
		first := false
		once.Do(func() { first = true; close(run.reached) })
		if !first {
			return nil
		}
		<-down
		return (&netOpError{"read", syscall.ECONNRESET}).error()
	}
	here := func(q *http.Request) error {
		select {
		case <-run.reached:
			return nil
		default:
		}
		if phase.at(m, q) {
			return hold()
		}
		return nil
	}
	lease := func(cfg *Config) { cfg.LeaseDuration = 30 * time.Second }
	run.clean = r.operator("clean", lease, nil)
	run.op = r.operator("crashed", lease, func(next http.RoundTripper) http.RoundTripper {
		if lost {
			return hook{next: next, after: here}
		}
		return hook{next: next, before: here}
	})
	run.op.onTold = func(e model.Event) {
		switch e.Type {
		case model.EventLocked:
			m.locked.Store(true)
		case model.EventWave:
			m.wave.Store(int64(e.Wave))
		}
	}
	return run
}

// TestAPIServerCrashes kills the API server in each phase of a run, and starts
// another one. The run succeeds, or fails with a true record and is carried to
// its end afterwards.
func TestAPIServerCrashes(t *testing.T) {
	t.Parallel()
	tc, err := testcluster.Start(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tc.Stop() })
	down := make(chan struct{})
	var runs []*crashRun
	for _, phase := range crashPhases {
		for _, lost := range []bool{false, true} {
			runs = append(runs, newCrashRun(t, tc, phase, lost, down))
		}
	}
	var prepared sync.WaitGroup
	for _, run := range runs {
		prepared.Go(func() {
			run.r.commit(1, crashText("old", true))
			if _, err := run.clean.apply(t.Context(), run.clean.plan()); err != nil {
				t.Errorf("%s: %v", run.name, err)
				return
			}
			run.r.commit(2, crashText("new", false))
			run.plan = run.clean.plan()
		})
	}
	prepared.Wait()
	if t.Failed() {
		t.FailNow()
	}
	for _, run := range runs {
		go func() {
			defer close(run.ended)
			_, run.err = run.op.apply(t.Context(), run.plan)
		}()
	}
	for _, run := range runs {
		select {
		case <-run.reached:
		case <-run.ended:
			t.Errorf("%s: ended before its phase: %v\n%s", run.name, run.err, run.op.story())
		case <-time.After(time.Minute):
			t.Errorf("%s: its phase was not reached\n%s", run.name, run.op.story())
		}
	}
	away := crashServer(t, tc, down)
	ends := &faultTally{}
	for _, run := range runs {
		<-run.ended
		run.judge(t, ends)
	}
	t.Logf("the API server was killed once, in %d phases of runs, and was away for %s; %s", len(runs), away.Round(100*time.Millisecond), ends)
	t.Run("slow etcd", func(t *testing.T) { slowEtcd(t, tc) })
}

// crashServer kills the API server, lets the runs go on once it is gone, and
// returns how long there was none that answers.
func crashServer(t *testing.T, tc *testcluster.Cluster, down chan struct{}) time.Duration {
	t.Helper()
	old, cs := processID(t, tc, "kube-apiserver"), tc.Client(t)
	began := time.Now()
	tc.CrashAPIServer(t)
	testcluster.Eventually(t, time.Minute, "the API server is gone", func() (bool, error) {
		return syscall.Kill(old, 0) != nil, nil
	})
	close(down)
	testcluster.Eventually(t, time.Minute, "another API server", func() (bool, error) {
		_, err := cs.CoreV1().Namespaces().Get(t.Context(), "default", metav1.GetOptions{})
		return err == nil, err
	})
	return time.Since(began)
}

// processID is that of a process of the control plane.
func processID(t *testing.T, tc *testcluster.Cluster, name string) int {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(tc.Dir, "pids"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if found, number, _ := strings.Cut(strings.TrimSpace(line), " "); found == name {
			pid, err := strconv.Atoi(number)
			if err != nil {
				t.Fatal(err)
			}
			return pid
		}
	}
	t.Fatalf("no %s among %q", name, data)
	return 0
}

// judge checks the record of a run that has ended, and carries what is left of
// it to the end.
func (run *crashRun) judge(t *testing.T, ends *faultTally) {
	t.Helper()
	commit := fmt.Sprintf("%040x", 2)
	wrong, record := run.r.untrue(run.err, "new", commit)
	if len(wrong) > 0 {
		t.Errorf("%s: it ended with %v, and its record is not true:\n%s\n%s", run.name, run.err, strings.Join(wrong, "\n"), run.op.story())
	}
	if run.err == nil {
		ends.add("succeeded", 1)
		return
	}
	t.Logf("%s: %v", run.name, run.err)
	var err error
	switch {
	case record == nil:
		ends.add("not begun, applied again", 1)
		_, err = run.clean.apply(t.Context(), run.clean.plan())
	case record.State.Final():
		ends.add("failed, applied again", 1)
		_, err = run.clean.apply(t.Context(), run.clean.plan())
	default:
		ends.add("interrupted, resumed", 1)
		_, err = run.clean.engine.Resume(t.Context(), model.ResumeRequest{Environment: "staging", Reason: "it was cut off"}, func(model.Event) {})
	}
	if err != nil {
		t.Errorf("%s: what was left could not be shipped: %v", run.name, err)
		return
	}
	if wrong, _ := run.r.untrue(nil, "new", commit); len(wrong) > 0 {
		t.Errorf("%s: after what was left was shipped the record is not true:\n%s", run.name, strings.Join(wrong, "\n"))
	}
}

// slowEtcd ships while etcd stands still for a second or two now and then.
func slowEtcd(t *testing.T, tc *testcluster.Cluster) {
	etcd := processID(t, tc, "etcd")
	const atOnce = 2
	var rigs []*rig
	var plans []*model.Plan
	for range atOnce {
		r := newRig(t, tc, tc.Namespace(t), "")
		r.commit(1, numbered(40, "slow"))
		rigs, plans = append(rigs, r), append(plans, r.operator("clean", nil, nil).plan())
	}
	errs := make([]error, atOnce)
	ops := make([]*operator, atOnce)
	var shipped sync.WaitGroup
	done := make(chan struct{})
	for i, r := range rigs {
		var writes atomic.Int64
		ops[i] = r.operator("patient", func(cfg *Config) { cfg.LeaseDuration = 30 * time.Second }, func(next http.RoundTripper) http.RoundTripper {
			return hook{next: next, before: func(q *http.Request) error {
				if isWrite(q) && writes.Add(1)%15 == 5 {
					if err := pause(q.Context(), 300*time.Millisecond); err != nil { // so that the run meets some of them
						return err
					}
				}
				return nil
			}}
		})
		shipped.Go(func() { _, errs[i] = ops[i].apply(t.Context(), plans[i]) })
	}
	go func() { shipped.Wait(); close(done) }()
	stops, still := 0, time.Duration(0)
	for ended := false; !ended && stops < 4; {
		d := []time.Duration{time.Second, 2500 * time.Millisecond}[stops%2]
		if err := syscall.Kill(etcd, syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		_ = pause(t.Context(), d)
		if err := syscall.Kill(etcd, syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		stops, still = stops+1, still+d
		select {
		case <-done:
			ended = true
		case <-time.After(150 * time.Millisecond):
		}
	}
	<-done
	t.Logf("etcd stood still %d times, for %s in all, during %d runs of 40 objects", stops, still, atOnce)
	for i, r := range rigs {
		wrong, _ := r.untrue(errs[i], "slow", fmt.Sprintf("%040x", 1))
		if errs[i] != nil || len(wrong) > 0 {
			t.Errorf("it ended with %v: %s\n%s", errs[i], strings.Join(wrong, "\n"), ops[i].story())
		}
	}
}

var _ engine.Repository = tested{}
