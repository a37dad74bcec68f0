package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/fairtide-dev/fairtide/internal/accept"
	"github.com/fairtide-dev/fairtide/model"
)

const (
	labelJobRun  = "fairtide.dev/run"
	labelJobTest = "fairtide.dev/test"

	// jobTTL is how long a finished Job stays for someone to look at, in
	// seconds, unless its manifest says.
	jobTTL = int64(3600)
	// stopWithin bounds what is done after the caller's context ended. The
	// caller waits for it (accept.Timing.Grace).
	stopWithin = 3 * time.Second
	// drainWithin bounds the wait for the last lines of a Job that is over.
	drainWithin = 10 * time.Second
)

var (
	_ accept.JobRunner = (*Client)(nil)

	jobResource = schema.GroupVersionResource{Group: "batch", Version: "v1", Resource: "jobs"}
)

// RunJob creates a Job and waits for its end: its verdict is the Job's
// condition Complete or Failed, nothing else. log gets every line of all
// containers of all its pods, also of the init containers, as it is written
// and unchanged, one call at a time and none after RunJob has returned.
//
// An existing Job is never taken for this one, nor replaced. The Job stays
// until its ttlSecondsAfterFinished, an hour if it sets none. When ctx ends
// first, the Job and its pods are deleted, and both the result's Message and
// the error, which wraps ctx's, say what it was waiting for.
func (c *Client) RunJob(ctx context.Context, r accept.JobRequest, log func(pod, container, line string)) (accept.JobResult, error) {
	object, err := jobObject(r)
	if err != nil {
		return accept.JobResult{}, err
	}
	job, err := c.createJob(ctx, object)
	if err != nil {
		return accept.JobResult{}, err
	}
	j := newJobRun(c, job, log)
	inner, cancel := context.WithCancel(ctx)
	j.watch(inner)
	finished, err := j.wait(ctx)
	switch {
	case ctx.Err() != nil && finished == "":
		cancel()
		j.tasks.Wait()
		message := joinWords(j.waitingFor(), j.stop())
		return accept.JobResult{Message: message}, fmt.Errorf("%s: %w", message, ctx.Err())
	case err != nil:
		cancel()
		j.tasks.Wait()
		if left := j.stop(); left != "" {
			err = fmt.Errorf("%w; %s", err, left)
		}
		return accept.JobResult{}, err
	}
	j.drain(inner)
	cancel()
	j.tasks.Wait()
	if finished == batchv1.JobComplete {
		return accept.JobResult{Succeeded: true}, nil
	}
	return accept.JobResult{Message: j.failure()}, nil
}

// joinWords joins sentences that may be missing.
func joinWords(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), "; ")
}

// jobObject is the Job to be created: the manifest without what belongs to
// another object, or to what the server fills in.
func jobObject(r accept.JobRequest) (*unstructured.Unstructured, error) {
	from := r.Object
	apiVersion, _ := from.Fields["apiVersion"].(string)
	kind, _ := from.Fields["kind"].(string)
	if apiVersion != "batch/v1" || kind != "Job" {
		return nil, model.Errorf(model.ExitUsage, "%s: is %s of %s, and a test runs a Job of batch/v1 only",
			describeSource(from), cmp.Or(plainLine(kind, 60), "nothing"), cmp.Or(plainLine(apiVersion, 60), "no apiVersion"))
	}
	u := (&unstructured.Unstructured{Object: map[string]any{
		"apiVersion": apiVersion, "kind": kind, "spec": from.Fields["spec"],
	}}).DeepCopy()
	source := unstructured.Unstructured{Object: from.Fields}
	labels, annotations := source.GetLabels(), source.GetAnnotations()
	if labels == nil {
		labels = map[string]string{}
	}
	if annotations == nil {
		annotations = map[string]string{}
	}
	delete(annotations, corev1.LastAppliedConfigAnnotation)
	labels[labelManagedBy] = FieldManager
	for key, value := range map[string]string{labelJobRun: r.Run, labelEnvironment: r.Environment, labelJobTest: r.Test} {
		labels[key] = labelValue(value)
	}
	annotations[annotationWrite] = nonce()
	u.SetName(r.Name)
	u.SetNamespace(cmp.Or(from.ID.Namespace, source.GetNamespace(), r.Namespace, metav1.NamespaceDefault))
	u.SetLabels(labels)
	u.SetAnnotations(annotations)
	spec, ok := u.Object["spec"].(map[string]any)
	if !ok {
		return nil, model.Errorf(model.ExitUsage, "%s: the Job has no spec", describeSource(from))
	}
	// The server makes a selector that no other Job's pods match. These
	// labels are part of one it has made before.
	delete(spec, "selector")
	delete(spec, "manualSelector")
	for _, key := range []string{"controller-uid", "job-name", batchv1.ControllerUidLabel, batchv1.JobNameLabel} {
		unstructured.RemoveNestedField(spec, "template", "metadata", "labels", key)
	}
	if _, set := spec["ttlSecondsAfterFinished"]; !set {
		spec["ttlSecondsAfterFinished"] = jobTTL
	}
	if _, set := spec["backoffLimit"]; !set {
		spec["backoffLimit"] = int64(0) // a test that passes at the second attempt has failed once
	}
	return u, nil
}

var notInLabel = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// labelValue makes of a text what may be the value of a label.
func labelValue(text string) string {
	text = notInLabel.ReplaceAllString(text, "-")
	return strings.Trim(text[:min(len(text), 63)], "._-")
}

// createJob creates a Job, once. Whether it was created although the answer was
// lost is found out by the name that only this write has.
func (c *Client) createJob(ctx context.Context, u *unstructured.Unstructured) (*batchv1.Job, error) {
	for t := newTries(ctx, 0); ; {
		job, err := c.tryCreateJob(ctx, u, t.n > 0)
		var unsure *unsureJobError
		if !errors.As(err, &unsure) || !t.again(ctx, unsure.cause) {
			return job, err
		}
	}
}

// unsureJobError says that the creation of a Job had no answer, and that it was
// not found. It may be created again: there is one of its name at most.
type unsureJobError struct{ cause, err error }

func (e *unsureJobError) Error() string { return e.err.Error() }
func (e *unsureJobError) Unwrap() error { return e.err }

// tryCreateJob sends the creation once; lost: that was done before.
func (c *Client) tryCreateJob(ctx context.Context, u *unstructured.Unstructured, lost bool) (*batchv1.Job, error) {
	in := c.dyn.Resource(jobResource).Namespace(u.GetNamespace())
	id := model.ObjectID{Group: "batch", Kind: "Job", Namespace: u.GetNamespace(), Name: u.GetName()}
	out, err := in.Create(ctx, u, metav1.CreateOptions{FieldManager: FieldManager, FieldValidation: metav1.FieldValidationStrict})
	switch {
	case err == nil:
		return typedObject[batchv1.Job](out)
	case lost && apierrors.IsAlreadyExists(err): // by ourselves, if it is ours
	case apierrors.IsAlreadyExists(err):
		return nil, model.Errorf(model.ExitUnreachable,
			"%s exists already and is left alone; a test's Job has a name of its own for each run, so delete it if nobody needs it, or start a new run", id)
	case apierrors.IsUnauthorized(err):
		return nil, c.serverError(ctx, err)
	case !answerLost(err):
		refused := readRefusal(err, id, &meta.RESTMapping{Resource: jobResource}, false)
		return nil, model.Errorf(model.ExitUnreachable, "%s: cannot be created: %s", id, refused.reason)
	}
	fresh, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	found, readErr := in.Get(fresh, u.GetName(), metav1.GetOptions{})
	switch {
	case readErr != nil && !apierrors.IsNotFound(readErr):
		return nil, &unsureJobError{err, fmt.Errorf("%s: it is not known whether it was created, look for it: %w", id, c.serverError(ctx, err))}
	case readErr != nil || found.GetAnnotations()[annotationWrite] != u.GetAnnotations()[annotationWrite]:
		return nil, &unsureJobError{err, fmt.Errorf("%s: cannot be created: %w", id, c.serverError(ctx, err))}
	}
	return typedObject[batchv1.Job](found)
}

// jobRun follows one Job to its end.
type jobRun struct {
	c        *Client
	ns, name string
	uid      types.UID
	selector string // of its pods
	tasks    sync.WaitGroup

	logMu sync.Mutex
	log   func(pod, container, line string)

	mu          sync.Mutex
	changed     chan struct{} // closed and replaced at every change
	job         *batchv1.Job
	gone        bool                      // somebody deleted the Job
	refused     string                    // why the Job cannot be watched
	podsRefused string                    // why its pods cannot
	pods        map[types.UID]*corev1.Pod // all there ever were, as they were last
	podGone     map[types.UID]bool
	followed    map[types.UID]bool
	following   int  // logs that are not at their end
	over        bool // what has not started by now never will
}

func newJobRun(c *Client, job *batchv1.Job, log func(pod, container, line string)) *jobRun {
	return &jobRun{
		c: c, ns: job.Namespace, name: job.Name, uid: job.UID, job: job, log: log,
		selector: metav1.FormatLabelSelector(job.Spec.Selector),
		changed:  make(chan struct{}),
		pods:     map[types.UID]*corev1.Pod{}, podGone: map[types.UID]bool{}, followed: map[types.UID]bool{},
	}
}

func (j *jobRun) String() string { return fmt.Sprintf("Job %s/%s", j.ns, j.name) }

// tell passes a line on.
func (j *jobRun) tell(pod, container, line string) {
	j.logMu.Lock()
	defer j.logMu.Unlock()
	j.log(pod, container, line)
}

// signal wakes who waits for a change; j.mu is held.
func (j *jobRun) signal() {
	close(j.changed)
	j.changed = make(chan struct{})
}

// wait returns the final condition's type, or an error that ends the test. It
// returns neither when ctx ended first.
func (j *jobRun) wait(ctx context.Context) (batchv1.JobConditionType, error) {
	for {
		j.mu.Lock()
		finished, gone, refused, changed := jobFinished(j.job).Type, j.gone, j.refused, j.changed
		j.mu.Unlock()
		switch {
		case finished != "":
			return finished, nil
		case gone:
			return "", model.Errorf(model.ExitUnreachable, "%s was deleted by someone before it had finished; run the test again", j)
		case refused != "":
			return "", model.Errorf(model.ExitUnreachable, "%s: %s; it is not known how it ends", j, refused)
		}
		select {
		case <-ctx.Done():
			return "", nil
		case <-changed:
		}
	}
}

// drain waits for the last lines of a Job that has finished. Its pods are
// listed once more, as they and the Job come by different watches.
func (j *jobRun) drain(ctx context.Context) {
	limited, cancel := context.WithTimeout(ctx, drainWithin)
	defer cancel()
	list, err := j.c.dyn.Resource(podGVR).Namespace(j.ns).List(limited, metav1.ListOptions{LabelSelector: j.selector})
	if err == nil {
		for i := range list.Items {
			if pod, err := typedObject[corev1.Pod](&list.Items[i]); err == nil {
				j.putPod(ctx, pod)
			}
		}
	}
	j.mu.Lock()
	j.over = true
	j.signal()
	j.mu.Unlock()
	for {
		j.mu.Lock()
		following, changed := j.following, j.changed
		j.mu.Unlock()
		if following == 0 {
			return
		}
		select {
		case <-changed:
		case <-limited.Done():
			return
		}
	}
}

// failure says why the Job failed: the reason of its condition, and how the
// container that ended last did.
func (j *jobRun) failure() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	condition := jobFinished(j.job)
	how := lastFailure(slices.Collect(maps.Values(j.pods)))
	if how == "" {
		how = plainLine(condition.Message, wordsMost)
	}
	return plainLine(joinWords(plainLine(condition.Reason, 60), how, j.podsRefused), causeMost)
}

// lastFailure words how the last container of pods failed; empty: none did. One
// that failed by itself counts more than one that was stopped because of it.
func lastFailure(pods []*corev1.Pod) string {
	var words string
	var latest time.Time
	byItself := false
	for _, pod := range pods {
		if pod.Status.Reason != "" && pod.Status.Phase == corev1.PodFailed && words == "" {
			words = judgeFailedPod(pod).cause
		}
		for _, k := range podContainers(pod) {
			for _, end := range ends(k) {
				own := pod.DeletionTimestamp == nil || end.ExitCode != 143 && end.ExitCode != 137
				if byItself && !own || byItself == own && end.FinishedAt.Time.Before(latest) {
					continue
				}
				latest, byItself = end.FinishedAt.Time, own
				words = fmt.Sprintf("%s of pod %s: %s", k, pod.Name, exitWords(k, end))
				if says := plainLine(end.Message, wordsMost); says != "" && !strings.Contains(words, says) {
					words += ", and says: " + says
				}
			}
		}
	}
	return words
}

// ends are the failures that a container's status tells of.
func ends(k podContainer) []*corev1.ContainerStateTerminated {
	var out []*corev1.ContainerStateTerminated
	if k.status == nil {
		return nil
	}
	for _, end := range []*corev1.ContainerStateTerminated{k.status.LastTerminationState.Terminated, k.status.State.Terminated} {
		if end != nil && (end.ExitCode != 0 || end.Reason == "OOMKilled") {
			out = append(out, end)
		}
	}
	return out
}

// stop deletes the Job and its pods, although the caller's context has ended.
// It returns what has to be done if that fails.
func (j *jobRun) stop() string {
	j.mu.Lock()
	gone := j.gone
	j.mu.Unlock()
	if gone {
		return ""
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	err := j.c.dyn.Resource(jobResource).Namespace(j.ns).Delete(ctx, j.name, metav1.DeleteOptions{
		PropagationPolicy: new(metav1.DeletePropagationBackground),
		Preconditions:     &metav1.Preconditions{UID: &j.uid},
	})
	if err == nil || apierrors.IsNotFound(err) || apierrors.IsConflict(err) { // a conflict: another Job has its name
		return ""
	}
	why := err.Error()
	if apierrors.IsForbidden(err) {
		why = forbidden("delete", jobResource, j.ns)
	}
	return plainLine(fmt.Sprintf("%s still runs, as it cannot be deleted (%s); delete it", j, why), causeMost)
}

// waitingFor says what keeps the Job from finishing, as far as it is known.
func (j *jobRun) waitingFor() string {
	events := j.events()
	about := func(uid types.UID) []*corev1.Event {
		return slices.DeleteFunc(slices.Clone(events), func(e *corev1.Event) bool { return e.InvolvedObject.UID != uid })
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	var worst finding
	var running []string
	for uid, pod := range j.pods {
		if j.podGone[uid] {
			continue
		}
		if _, why := readPod(pod, about(uid), j.c.cfg.Now()); why.worse(worst) {
			worst = why
		}
		if pod.Status.Phase == corev1.PodRunning {
			running = append(running, pod.Name)
		}
	}
	if worst.cause != "" {
		return worst.cause
	}
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(j.job)
	if err != nil {
		fields = map[string]any{}
	}
	r := reading{object: &unstructured.Unstructured{Object: fields}, eventsOf: about}
	switch words := r.creationFailure(j.uid); {
	case words != "":
		return plainLine(fmt.Sprintf("%s cannot create pods: %s", j, words), causeMost)
	case j.job.Spec.Suspend != nil && *j.job.Spec.Suspend:
		return fmt.Sprintf("%s is suspended (spec.suspend)", j)
	case j.podsRefused != "":
		return j.podsRefused
	case len(running) == 1:
		return fmt.Sprintf("pod %s was still running", running[0])
	case len(running) > 1:
		return fmt.Sprintf("%d pods of %s were still running", len(running), j)
	case len(j.pods) == 0:
		return fmt.Sprintf("%s had no pod yet", j)
	}
	return fmt.Sprintf("the pods of %s had not started yet", j)
}

// events reads the events of the namespace, which explain what no status does.
// Without them the words are fewer.
func (j *jobRun) events() []*corev1.Event {
	ctx, cancel := context.WithTimeout(context.Background(), stopWithin/3)
	defer cancel()
	list, err := j.c.dyn.Resource(eventGVR).Namespace(j.ns).List(ctx, metav1.ListOptions{Limit: listPage})
	if err != nil {
		return nil
	}
	var out []*corev1.Event
	for i := range list.Items {
		if e, err := typedObject[corev1.Event](&list.Items[i]); err == nil {
			out = append(out, e)
		}
	}
	return out
}
