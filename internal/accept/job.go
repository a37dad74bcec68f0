package accept

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

func (s *suite) job(ctx context.Context, t model.Test, limit time.Duration, rec *recorder) outcome {
	if s.ports.Jobs == nil || s.ports.JobReader == nil {
		return broken(0, "there is no cluster to run the Job in")
	}
	object, err := s.ports.JobReader.ReadJob(ctx, t.Job.Path)
	if err != nil {
		return broken(0, "%v", err)
	}
	if object.ID.Kind != "Job" || object.ID.Group != "batch" {
		return broken(0, "%s holds %s, not a Job", t.Job.Path, object.ID)
	}
	run := s.ports.Run
	request := JobRequest{
		Run: run.ID, Test: t.Name, Environment: run.Environment, Commit: run.Commit, Namespace: run.Namespace,
		Name: JobName(object.ID.Name, run.ID, t.Name), Object: object,
	}
	result, stopped, err := s.await(ctx, request, rec)
	switch {
	case !stopped:
		return failed(1, "timed out after %s, and the Job %s could not be stopped; look for it in the cluster", limit, request.Name)
	case err == nil && result.Succeeded:
		return passed(1)
	case timedOut(ctx):
		why := result.Message
		if why == "" && err != nil && !errors.Is(err, context.DeadlineExceeded) {
			why = err.Error()
		}
		return failed(1, "%s", joined("timed out after "+limit.String(), why))
	case err != nil:
		return broken(1, "Job %s: %v", request.Name, err)
	}
	if result.Message == "" {
		result.Message = rec.last()
	}
	return failed(1, "%s", joined("Job "+request.Name+" failed", result.Message))
}

// await runs the Job and waits for its runner, also after ctx ended, but not
// for ever.
func (s *suite) await(ctx context.Context, r JobRequest, rec *recorder) (result JobResult, stopped bool, err error) {
	type end struct {
		result JobResult
		err    error
	}
	ended := make(chan end, 1)
	go func() {
		result, err := s.ports.Jobs.RunJob(ctx, r, sourceLines(rec))
		ended <- end{result, err}
	}()
	select {
	case e := <-ended:
		return e.result, true, e.err
	case <-ctx.Done():
	}
	timer := time.NewTimer(s.ports.Timing.Grace)
	defer timer.Stop()
	select {
	case e := <-ended:
		return e.result, true, e.err
	case <-timer.C:
		return JobResult{}, false, ctx.Err()
	}
}

// sourceLines adds lines with the pod and the container they are from.
func sourceLines(rec *recorder) func(pod, container, line string) {
	return func(pod, container, line string) {
		rec.add(pod + "/" + container + ": " + line)
	}
}

// JobName is a name for a test's Job that no other test and no other run has:
// the manifest's name, cut so that it fits a label, and a hash of the rest.
func JobName(name, run, test string) string {
	sum := sha256.Sum256([]byte(name + "\x00" + run + "\x00" + test))
	const limit = 63 // of a label's value, which carries the Job's name to its pods
	suffix := "-" + hex.EncodeToString(sum[:5])
	if name == "" { // a manifest with generateName
		name = "test"
	}
	name = name[:min(len(name), limit-len(suffix))]
	return strings.TrimRight(name, "-.") + suffix
}
