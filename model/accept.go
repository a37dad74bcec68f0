package model

import "time"

// DefaultTestTimeout is how long an acceptance test that sets none may take.
const DefaultTestTimeout = 5 * time.Minute

// Test is an acceptance test of an environment. Exactly one of HTTP, Job and
// Command is set.
type Test struct {
	Name     string // unique in its environment
	HTTP     *HTTPTest
	Job      *JobTest
	Command  *CommandTest
	Timeout  time.Duration // of the whole test with its retries; 0: DefaultTestTimeout
	Required bool          // whether its failure fails the run
}

// HTTPTest asks for a page with GET and judges status and body. Exactly one of
// URL and Service is set.
type HTTPTest struct {
	URL      string        // http or https
	Service  string        // "namespace/name:port" or "name:port", through the API server's proxy
	Path     string        // on the Service, with query; empty: "/"
	Status   int           // wanted; 0: 200
	Body     string        // regular expression (Go's) the body has to match somewhere; empty: any
	Retries  int           // further attempts after a failed one
	Interval time.Duration // between attempts; 0: one second
}

// JobTest runs a Job from the repository at the deployed commit.
type JobTest struct {
	Path string // of its manifest, slash-separated, relative to the repository's root
}

// CommandTest runs a local program in a checkout of the deployed commit; exit
// code 0 passes.
type CommandTest struct {
	Args []string // the program and its arguments; no shell in between
}

// TestKind says how a test is made.
type TestKind string

// The kinds of test.
const (
	TestHTTP    TestKind = "http"
	TestJob     TestKind = "job"
	TestCommand TestKind = "command"
)

// Kind is the test's kind, empty when none is set.
func (t Test) Kind() TestKind {
	switch {
	case t.HTTP != nil:
		return TestHTTP
	case t.Job != nil:
		return TestJob
	case t.Command != nil:
		return TestCommand
	}
	return ""
}

// TestState is what became of an acceptance test.
type TestState string

// The states of a test. A test that could not be carried out is an error, one
// whose turn never came is skipped; neither has passed.
const (
	TestPassed  TestState = "passed"
	TestFailed  TestState = "failed"
	TestError   TestState = "error"
	TestSkipped TestState = "skipped"
)

// TestResult is the record of one acceptance test in a run.
type TestResult struct {
	Name       string    `json:"name"`
	Kind       TestKind  `json:"kind"`
	State      TestState `json:"state"`
	Required   bool      `json:"required"`
	StartedAt  time.Time `json:"startedAt,omitzero"`
	FinishedAt time.Time `json:"finishedAt,omitzero"`
	Message    string    `json:"message,omitempty"` // why it did not pass; one line
	Attempts   int       `json:"attempts,omitempty"`
	Log        []string  `json:"log,omitempty"`          // its last lines, safe to print
	Truncated  bool      `json:"logTruncated,omitempty"` // earlier lines were dropped
}

// Blocks reports whether the result keeps a run from succeeding.
func (r TestResult) Blocks() bool { return r.Required && r.State != TestPassed }
