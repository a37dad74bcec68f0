package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/fairtide-dev/fairtide/internal/accept"
	"github.com/fairtide-dev/fairtide/internal/testcluster"
	"github.com/fairtide-dev/fairtide/model"
)

// jobYAML is a Job; annotations say what its pods do, and spec is added to it.
func jobYAML(annotations string, spec ...string) string {
	return fmt.Sprintf(`
apiVersion: batch/v1
kind: Job
metadata: {name: checkout, labels: {team: shop}, uid: of-another, resourceVersion: "7", ownerReferences: [{kind: X}]}
status: {succeeded: 9}
spec:
  manualSelector: true
  selector: {matchLabels: {job-name: of-another}}
  %s
  template:
    metadata: {labels: {job-name: of-another, app: checkout}, annotations: {%s}}
    spec:
      restartPolicy: Never
      terminationGracePeriodSeconds: 0
      initContainers: [{name: prepare, image: "registry.example/prepare:1"}]
      containers: [{name: main, image: "registry.example/checkout:1"}]
`, strings.Join(spec, "\n  "), annotations)
}

// testedJob is a Job on its way.
type testedJob struct {
	t      *testing.T
	cancel context.CancelFunc
	ended  chan error
	result accept.JobResult // when ended

	mu    sync.Mutex
	lines []string
}

func (w *planWorld) jobRequest(text string) accept.JobRequest {
	w.t.Helper()
	return accept.JobRequest{
		Run: "staging-7", Test: "check out!", Environment: "staging", Commit: "c0ffee", Namespace: w.ns,
		Name: "checkout-1a2b", Object: w.objects(text)[0],
	}
}

func startJob(t *testing.T, w *planWorld, c *Client, text string) *testedJob {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	j := &testedJob{t: t, cancel: cancel, ended: make(chan error, 1)}
	request := w.jobRequest(text)
	go func() {
		result, err := c.RunJob(ctx, request, func(pod, container, line string) {
			j.mu.Lock()
			defer j.mu.Unlock()
			j.lines = append(j.lines, pod+"/"+container+": "+line)
		})
		j.result = result
		j.ended <- err
	}()
	return j
}

func (j *testedJob) wait() (accept.JobResult, error) {
	j.t.Helper()
	select {
	case err := <-j.ended:
		return j.result, err
	case <-time.After(time.Minute):
		j.t.Fatal("RunJob does not end")
		return accept.JobResult{}, nil
	}
}

// log is what was told so far, without the pods' names.
func (j *testedJob) log() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	var out []string
	for _, l := range j.lines {
		_, rest, _ := strings.Cut(l, "/")
		out = append(out, rest)
	}
	return out
}

func (j *testedJob) untilLine(line string) {
	j.t.Helper()
	testcluster.Eventually(j.t, time.Minute, "line "+line, func() (bool, error) {
		select {
		case err := <-j.ended:
			j.ended <- err
			return slices.Contains(j.log(), line), fmt.Errorf("it has ended with %+v, %w", j.result, err)
		default:
			return slices.Contains(j.log(), line), fmt.Errorf("the log is %q", j.log())
		}
	})
}

func TestJobSucceedsAndItsLogIsStreamed(t *testing.T) {
	t.Parallel()
	w := newPlanWorld(t)
	j := startJob(t, w, w.c, jobYAML(`sim.fairtide.dev/log.main: "one\ntwo\nthree\nfour", sim.fairtide.dev/exit-after.main: 4s, sim.fairtide.dev/log.prepare: ready`))
	j.untilLine("main: one")
	select {
	case err := <-j.ended:
		t.Fatalf("it ended before the first line was told: %v", err)
	default:
	}
	job, err := adminClient(t).BatchV1().Jobs(w.ns).Get(t.Context(), "checkout-1a2b", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		labelManagedBy: "fairtide", "fairtide.dev/run": "staging-7", "fairtide.dev/environment": "staging",
		"fairtide.dev/test": "check-out", "team": "shop",
	} {
		if job.Labels[key] != want {
			t.Errorf("label %s is %q, want %q", key, job.Labels[key], want)
		}
	}
	if len(job.OwnerReferences) != 0 || *job.Spec.TTLSecondsAfterFinished != 3600 || *job.Spec.BackoffLimit != 0 || job.Spec.Template.Labels["app"] != "checkout" {
		t.Errorf("it was created as %+v", job)
	}
	result, err := j.wait()
	if err != nil || !result.Succeeded || result.Message != "" {
		t.Errorf("%+v, %v", result, err)
	}
	if want := []string{"prepare: ready", "main: one", "main: two", "main: three", "main: four"}; !slices.Equal(j.log(), want) {
		t.Errorf("log %q, want %q", j.log(), want)
	}
	if _, err := adminClient(t).BatchV1().Jobs(w.ns).Get(t.Context(), "checkout-1a2b", metav1.GetOptions{}); err != nil {
		t.Errorf("the Job did not stay: %v", err)
	}
}

func TestJobFails(t *testing.T) {
	t.Parallel()
	w := newPlanWorld(t)
	j := startJob(t, w, w.c, jobYAML(`sim.fairtide.dev/log.main: "checking\nno luck", sim.fairtide.dev/exit-code.main: "3"`))
	result, err := j.wait()
	if err != nil || result.Succeeded {
		t.Fatalf("%+v, %v", result, err)
	}
	for _, words := range []string{"BackoffLimitExceeded", "container main of pod checkout-1a2b-", "exit code 3"} {
		if !strings.Contains(result.Message, words) {
			t.Errorf("%q does not say %q", result.Message, words)
		}
	}
	if log := j.log(); !slices.Contains(log, "main: checking") || !slices.Contains(log, "main: no luck") {
		t.Errorf("log %q", log)
	}
}

// Every pod is followed, whichever attempt it is of.
func TestJobWithManyPods(t *testing.T) {
	t.Parallel()
	w := newPlanWorld(t)
	j := startJob(t, w, w.c, jobYAML(`sim.fairtide.dev/log.main: "a\nb", sim.fairtide.dev/exit-after.main: 2s`, "parallelism: 2", "completions: 3"))
	if result, err := j.wait(); err != nil || !result.Succeeded {
		t.Fatalf("%+v, %v", result, err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	pods := map[string]int{}
	for _, l := range j.lines {
		if pod, rest, _ := strings.Cut(l, "/"); rest == "main: a" || rest == "main: b" {
			pods[pod]++
		}
	}
	if len(pods) != 3 {
		t.Errorf("lines of %d pods: %q", len(pods), j.lines)
	}
	for pod, n := range pods {
		if n != 2 {
			t.Errorf("%d lines of %s: %q", n, pod, j.lines)
		}
	}
}

// A container that is restarted in its pod is followed from run to run.
func TestJobRestartsItsContainer(t *testing.T) {
	t.Parallel()
	w := newPlanWorld(t)
	text := strings.Replace(jobYAML(`sim.fairtide.dev/log.main: "crash", sim.fairtide.dev/exit-code.main: "2", sim.fairtide.dev/exit-after.main: 1s`, "backoffLimit: 2"),
		"restartPolicy: Never", "restartPolicy: OnFailure", 1)
	j := startJob(t, w, w.c, text)
	result, err := j.wait()
	if err != nil || result.Succeeded || !strings.Contains(result.Message, "exit code 2") {
		t.Fatalf("%+v, %v", result, err)
	}
	crashes := 0
	for _, l := range j.log() {
		if l == "main: crash" {
			crashes++
		}
	}
	if crashes < 2 || crashes > 3 { // the last one is stopped
		t.Errorf("%d runs in the log, want 2 or 3: %q", crashes, j.log())
	}
}

func TestJobThatNeverStarts(t *testing.T) {
	t.Parallel()
	w := newPlanWorld(t)
	ctx, cancel := context.WithTimeout(t.Context(), 6*time.Second)
	defer cancel()
	start := time.Now()
	result, err := w.c.RunJob(ctx, w.jobRequest(jobYAML(`sim.fairtide.dev/pull-error.main: not found`)), func(string, string, string) {})
	if took := time.Since(start); took > 11*time.Second {
		t.Errorf("it took %s", took)
	}
	if !errors.Is(err, context.DeadlineExceeded) || result.Succeeded {
		t.Errorf("%+v, %v", result, err)
	}
	for _, words := range []string{"cannot pull registry.example/checkout:1", "not found"} {
		if !strings.Contains(result.Message, words) {
			t.Errorf("%q does not say %q", result.Message, words)
		}
	}
	w.untilJobGone()
}

func (w *planWorld) untilJobGone() {
	w.t.Helper()
	cs := testcluster.Get(w.t).Client(w.t)
	w.eventually("end of the Job and its pods", func() bool {
		_, err := cs.BatchV1().Jobs(w.ns).Get(w.ctx, "checkout-1a2b", metav1.GetOptions{})
		pods, podErr := cs.CoreV1().Pods(w.ns).List(w.ctx, metav1.ListOptions{})
		return apierrors.IsNotFound(err) && podErr == nil && len(pods.Items) == 0
	})
}

func TestJobThatIsStopped(t *testing.T) {
	t.Parallel()
	w := newPlanWorld(t)
	j := startJob(t, w, w.c, jobYAML(`sim.fairtide.dev/log.main: "one", sim.fairtide.dev/exit-after.main: 10m`))
	j.untilLine("main: one")
	j.cancel()
	result, err := j.wait()
	if !errors.Is(err, context.Canceled) || !strings.Contains(result.Message, "still running") {
		t.Errorf("%+v, %v", result, err)
	}
	w.untilJobGone()
}

func TestJobThatCannotBeCreated(t *testing.T) {
	t.Parallel()
	w := newPlanWorld(t)
	run := func(c *Client, text string) error {
		_, err := c.RunJob(w.ctx, w.jobRequest(text), func(pod, container, line string) {
			t.Errorf("a line: %s/%s: %s", pod, container, line)
		})
		return err
	}
	limited, _ := w.clientAs(limitedUser)
	wantCode(t, run(limited, jobYAML("")), model.ExitUnreachable, "cannot be created", `needs "create jobs" in`)
	wantCode(t, run(w.c, configYAML("checkout", "{a: b}")), model.ExitUsage, "all.yaml", "ConfigMap", "a Job of batch/v1")
	wantCode(t, run(w.c, "{apiVersion: batch/v1beta1, kind: Job, metadata: {name: a}}"), model.ExitUsage, "batch/v1beta1")
	wantCode(t, run(w.c, "{apiVersion: batch/v1, kind: Job, metadata: {name: a}}"), model.ExitUsage, "no spec")
	wantCode(t, run(w.c, strings.Replace(jobYAML(""), "restartPolicy: Never", "restartPolicy: Always", 1)), model.ExitUnreachable, "restartPolicy")
	wantCode(t, run(w.c, jobYAML("", "backofLimit: 3")), model.ExitUnreachable, "backofLimit")
	if jobs, err := adminClient(t).BatchV1().Jobs(w.ns).List(t.Context(), metav1.ListOptions{}); err != nil || len(jobs.Items) != 0 {
		t.Fatalf("%d Jobs, %v", len(jobs.Items), err)
	}

	existing := w.jobRequest(jobYAML("", "suspend: true"))
	object, err := jobObject(existing)
	if err != nil {
		t.Fatal(err)
	}
	before, err := w.c.createJob(w.ctx, object)
	if err != nil {
		t.Fatal(err)
	}
	wantCode(t, run(w.c, jobYAML("")), model.ExitUnreachable, "Job", "checkout-1a2b", "exists already")
	after, err := adminClient(t).BatchV1().Jobs(w.ns).Get(t.Context(), before.Name, metav1.GetOptions{})
	if err != nil || after.UID != before.UID || after.Generation != before.Generation {
		t.Errorf("the Job that was there is now %+v, %v", after, err)
	}
}

// The answer to the creation may be lost, and the Job is there all the same.
func TestJobWhoseCreationIsNotAnswered(t *testing.T) {
	t.Parallel()
	w := newPlanWorld(t)
	w.faults.loseAnswer.Store(true)
	j := startJob(t, w, w.c, jobYAML(`sim.fairtide.dev/log.main: fine`))
	result, err := j.wait()
	if err != nil || !result.Succeeded || !slices.Contains(j.log(), "main: fine") {
		t.Errorf("%+v, %v, %q", result, err, j.log())
	}
}

func TestJobThatSomebodyDeletes(t *testing.T) {
	t.Parallel()
	w := newPlanWorld(t)
	j := startJob(t, w, w.c, jobYAML(`sim.fairtide.dev/log.main: "one", sim.fairtide.dev/exit-after.main: 10m`))
	j.untilLine("main: one")
	if err := adminClient(t).BatchV1().Jobs(w.ns).Delete(t.Context(), "checkout-1a2b", metav1.DeleteOptions{
		PropagationPolicy: new(metav1.DeletePropagationBackground),
	}); err != nil {
		t.Fatal(err)
	}
	_, err := j.wait()
	wantCode(t, err, model.ExitUnreachable, "deleted by someone")
}

// cutter breaks each answer to a request for a log or a watch off after some
// bytes, as a proxy with a time limit does.
type cutter struct {
	next http.RoundTripper
	cuts atomic.Int64 // how many still
}

func (c *cutter) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := c.next.RoundTrip(r)
	follows := r.URL.Query().Get("follow") == "true" || r.URL.Query().Get("watch") != ""
	if err == nil && follows && c.cuts.Add(-1) >= 0 {
		resp.Body = &cutBody{ReadCloser: resp.Body, left: 120}
	}
	return resp, err
}

type cutBody struct {
	io.ReadCloser
	left int
}

func (b *cutBody) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

func TestJobOverBrokenConnections(t *testing.T) {
	t.Parallel()
	w := newPlanWorld(t)
	rc := testcluster.Get(t).Config(t)
	cut := &cutter{}
	cut.cuts.Store(8)
	rc.Wrap(func(next http.RoundTripper) http.RoundTripper { cut.next = next; return cut })
	c, err := newForConfig(Config{StateNamespace: "fairtide", UserAgent: "fairtide/test", Now: time.Now}, "test", rc)
	if err != nil {
		t.Fatal(err)
	}
	var lines, want []string
	for i := range 12 {
		lines = append(lines, fmt.Sprintf("line %d", i))
		want = append(want, fmt.Sprintf("main: line %d", i))
	}
	j := startJob(t, w, c, jobYAML(fmt.Sprintf(`sim.fairtide.dev/log.main: %q, sim.fairtide.dev/exit-after.main: 3s`, strings.Join(lines, "\n"))))
	result, err := j.wait()
	if err != nil || !result.Succeeded {
		t.Fatalf("%+v, %v", result, err)
	}
	got := slices.DeleteFunc(j.log(), func(l string) bool { return !strings.HasPrefix(l, "main: ") })
	if !slices.Equal(got, want) {
		t.Errorf("log %q, want %q", got, want)
	}
	if cut.cuts.Load() >= 0 {
		t.Errorf("%d cuts were not made", cut.cuts.Load())
	}
}

// Who may create a Job but not watch it does not leave one behind.
func TestJobThatCannotBeWatched(t *testing.T) {
	t.Parallel()
	w := newPlanWorld(t)
	w.grant(limitedUser, `[{apiGroups: [batch], resources: [jobs], verbs: [create, get, delete]}]`)
	rc := testcluster.Get(t).Config(t)
	rc.Impersonate = rest.ImpersonationConfig{UserName: limitedUser}
	c, err := newForConfig(Config{StateNamespace: "fairtide", UserAgent: "fairtide/test", Now: time.Now}, "test", rc)
	if err != nil {
		t.Fatal(err)
	}
	var result accept.JobResult
	w.eventually("permission to create Jobs", func() bool { // RBAC is eventual
		result, err = c.RunJob(w.ctx, w.jobRequest(jobYAML("")), func(string, string, string) {})
		return err == nil || !strings.Contains(err.Error(), "cannot be created")
	})
	wantCode(t, err, model.ExitUnreachable, `needs "list,watch jobs`)
	if result.Succeeded {
		t.Error("it has succeeded")
	}
	w.untilJobGone()
}
