package accept

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
)

// ServiceGetter asks a Service of the cluster for a page through the API
// server's proxy. An answer of the Service is no error, whatever its status;
// the error says that there was none. It reads at most MaxBody bytes of body.
type ServiceGetter interface {
	ServiceGet(ctx context.Context, namespace, service, port, path string) (status int, body []byte, err error)
}

// JobReader reads the manifest of a Job from the repository at the deployed
// commit.
type JobReader interface {
	ReadJob(ctx context.Context, path string) (model.Object, error)
}

// JobRunner creates a Job and waits for its end. log gets every line of all
// its pods as it is written. When ctx ends first, RunJob stops the Job and
// returns soon; the result's Message then says what the Job was waiting for
// (the image that cannot be pulled, the pod no node has room for), if it knows.
type JobRunner interface {
	RunJob(ctx context.Context, r JobRequest, log func(pod, container, line string)) (JobResult, error)
}

// JobRequest is a Job to be run. The object is as it is in the repository; the
// runner creates it under Name, which no other test of this or another run
// has, so that an existing Job is never taken for this one.
type JobRequest struct {
	Run         string
	Test        string
	Environment string
	Commit      string
	Namespace   string // for an object that names none
	Name        string
	Object      model.Object
}

// JobResult is how a Job ended.
type JobResult struct {
	Succeeded bool
	Message   string // why it did not, or what it was waiting for; one line
}

// Subject names the run whose tests these are. Its parts reach commands as
// FAIRTIDE_RUN, FAIRTIDE_ENVIRONMENT, FAIRTIDE_COMMIT and FAIRTIDE_NAMESPACE.
type Subject struct {
	ID          string
	Environment string
	Commit      string
	Namespace   string // the environment's, for a Service or Job that names none
}

// Ports is what tests are run with. A port may be nil when no test needs it;
// a test that does is then an error, not a panic.
type Ports struct {
	Run       Subject
	Services  ServiceGetter
	JobReader JobReader
	Jobs      JobRunner
	Transport http.RoundTripper // for URLs; default: http.DefaultTransport
	// Dir is a checkout of the deployed commit, where commands run. The caller
	// makes and removes it. Empty: commands cannot run.
	Dir string
	// Env is the whole environment of commands, as "NAME=value"; nothing is
	// inherited. PATH in it is where programs are looked for.
	Env []string
	// Parallel is how many tests run at once, 4 at most. Default 1: in order.
	Parallel int
	Now      func() time.Time // required
	Timing   Timing
}

// Timing is the patience with tests that are to stop. Zero fields take the
// defaults.
type Timing struct {
	Grace    time.Duration // from SIGTERM to SIGKILL, and for a Job to stop. Default 5 s.
	Interval time.Duration // between HTTP attempts that set none. Default 1 s.
	Attempt  time.Duration // an HTTP attempt gets this long at least, within the test's timeout. Default 10 s.
}

const maxParallel = 4

func (t Timing) withDefaults() Timing {
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{{&t.Grace, 5 * time.Second}, {&t.Interval, time.Second}, {&t.Attempt, 10 * time.Second}} {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
	return t
}

// Run runs the tests and blocks until all have ended; the results are in the
// tests' order. A failed test does not keep the others from running: the
// operator wants the whole picture. emit gets events of type test (a test
// began or ended) and log (a line of it), one at a time, without time and run;
// their source is the test's name, and the event of its end has the result.
//
// Cancelling ctx stops the tests that run and skips the others.
func Run(ctx context.Context, tests []model.Test, ports Ports, emit func(model.Event)) []model.TestResult {
	ports.Timing = ports.Timing.withDefaults()
	var serial sync.Mutex
	s := &suite{ports: ports, emit: func(e model.Event) {
		serial.Lock()
		defer serial.Unlock()
		emit(e)
	}}
	results := make([]model.TestResult, len(tests))
	turns := make(chan int)
	var workers sync.WaitGroup
	for range min(max(ports.Parallel, 1), maxParallel, max(len(tests), 1)) {
		workers.Go(func() {
			for i := range turns {
				results[i] = s.run(ctx, tests[i])
			}
		})
	}
	for i := range tests {
		turns <- i
	}
	close(turns)
	workers.Wait()
	return results
}

// Verdict is nil when every required test has passed; else it names those that
// have not, with exit code model.ExitTestsFailed.
func Verdict(results []model.TestResult) error {
	var lines []string
	for _, r := range results {
		if r.Blocks() {
			lines = append(lines, fmt.Sprintf("%s %s", r.Name, Describe(r)))
		}
	}
	switch len(lines) {
	case 0:
		return nil
	case 1:
		return model.Errorf(model.ExitTestsFailed, "acceptance test %s", lines[0])
	}
	return model.Errorf(model.ExitTestsFailed, "%d acceptance tests have not passed: %s", len(lines), strings.Join(lines, "; "))
}

// Describe says how a test ended: "failed: status 503, want 200".
func Describe(r model.TestResult) string {
	words := map[model.TestState]string{
		model.TestPassed: "passed", model.TestFailed: "failed",
		model.TestError: "could not be carried out", model.TestSkipped: "was skipped",
	}
	if r.Message == "" {
		return words[r.State]
	}
	return words[r.State] + ": " + r.Message
}

type suite struct {
	ports Ports
	emit  func(model.Event)
}

// outcome is what a kind of test finds out.
type outcome struct {
	state    model.TestState
	message  string
	attempts int
}

func passed(attempts int) outcome { return outcome{model.TestPassed, "", attempts} }

func failed(attempts int, format string, args ...any) outcome {
	return outcome{model.TestFailed, fmt.Sprintf(format, args...), attempts}
}

func broken(attempts int, format string, args ...any) outcome {
	return outcome{model.TestError, fmt.Sprintf(format, args...), attempts}
}

func (s *suite) run(ctx context.Context, t model.Test) model.TestResult {
	result := model.TestResult{Name: t.Name, Kind: t.Kind(), Required: t.Required}
	if ctx.Err() != nil {
		result.State, result.Message = model.TestSkipped, "the run was stopped before its turn"
		s.ended(result, Describe(result))
		return result
	}
	limit := t.Timeout
	if limit <= 0 {
		limit = model.DefaultTestTimeout
	}
	result.StartedAt = s.ports.Now().UTC()
	s.tell(model.EventTest, t.Name, "started: "+summary(t))
	rec := newRecorder(func(line string) { s.tell(model.EventLog, t.Name, line) })
	within, cancel := context.WithTimeout(ctx, limit)
	out := s.carryOut(within, t, limit, rec)
	cancel()
	if ctx.Err() != nil && out.state != model.TestPassed {
		out.state = model.TestError
		out.message = joined("the run was stopped while it ran", out.message)
	}
	result.State, result.Message, result.Attempts = out.state, clip(sanitize.Line(out.message), maxMessage), out.attempts
	result.Log, result.Truncated = rec.close()
	result.FinishedAt = s.ports.Now().UTC()
	took := result.FinishedAt.Sub(result.StartedAt).Round(100 * time.Millisecond)
	s.ended(result, fmt.Sprintf("%s (%s)", Describe(result), took))
	return result
}

func (s *suite) carryOut(ctx context.Context, t model.Test, limit time.Duration, rec *recorder) outcome {
	switch t.Kind() {
	case model.TestHTTP:
		return s.http(ctx, *t.HTTP, limit, rec)
	case model.TestJob:
		return s.job(ctx, t, limit, rec)
	case model.TestCommand:
		return s.command(ctx, t, limit, rec)
	}
	return broken(0, "it says neither http nor job nor command")
}

func (s *suite) tell(kind model.EventType, test, message string) {
	s.emit(model.Event{Type: kind, Source: sanitize.Line(test), Message: message})
}

func (s *suite) ended(r model.TestResult, message string) {
	s.emit(model.Event{Type: model.EventTest, Source: sanitize.Line(r.Name), Message: message, Test: &r})
}

// summary says what a test does.
func summary(t model.Test) string {
	switch t.Kind() {
	case model.TestHTTP:
		return "http " + sanitize.Line(target(*t.HTTP))
	case model.TestJob:
		return "job " + sanitize.Line(t.Job.Path)
	case model.TestCommand:
		return "command " + clip(sanitize.Line(strings.Join(t.Command.Args, " ")), 120)
	}
	return "nothing"
}

// timedOut reports whether the test's own time is over.
func timedOut(ctx context.Context) bool { return errors.Is(ctx.Err(), context.DeadlineExceeded) }

func joined(a, b string) string {
	if b == "" {
		return a
	}
	return a + ": " + b
}
