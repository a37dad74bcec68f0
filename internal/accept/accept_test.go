package accept

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// story collects what tests tell.
type story struct {
	mu     sync.Mutex
	events []model.Event
}

func (s *story) add(e model.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, e)
}

func (s *story) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for _, e := range s.events {
		fmt.Fprintf(&b, "%s %s: %s\n", e.Type, e.Source, e.Message)
	}
	return b.String()
}

func ports() Ports {
	return Ports{
		Run:    Subject{ID: "staging-7", Environment: "staging", Commit: "0123456789abcdef", Namespace: "shop"},
		Now:    time.Now,
		Timing: Timing{Grace: 3 * time.Second, Interval: time.Millisecond, Attempt: 5 * time.Second},
	}
}

// one runs a single test.
func one(t *testing.T, p Ports, test model.Test) (model.TestResult, *story) {
	t.Helper()
	s := &story{}
	results := Run(t.Context(), []model.Test{test}, p, s.add)
	if len(results) != 1 || results[0].Name != test.Name || results[0].Kind != test.Kind() || results[0].Required != test.Required {
		t.Fatalf("results %+v of test %+v", results, test)
	}
	return results[0], s
}

func want(t *testing.T, r model.TestResult, state model.TestState, message string) {
	t.Helper()
	if r.State != state || !strings.Contains(r.Message, message) || (message == "") != (r.Message == "") {
		t.Errorf("%s: %s, %q; want %s, %q", r.Name, r.State, r.Message, state, message)
	}
}

// jobs is a cluster whose Jobs do what a test says.
type jobs struct {
	object model.Object
	run    func(ctx context.Context, r JobRequest, log func(pod, container, line string)) (JobResult, error)
}

func (j jobs) ReadJob(_ context.Context, path string) (model.Object, error) {
	if path != "tests/checkout.yaml" {
		return model.Object{}, fmt.Errorf("%s does not exist at 0123456", path)
	}
	return j.object, nil
}

func (j jobs) RunJob(ctx context.Context, r JobRequest, log func(pod, container, line string)) (JobResult, error) {
	return j.run(ctx, r, log)
}

var checkout = model.Object{ID: model.ObjectID{Group: "batch", Kind: "Job", Namespace: "shop", Name: "checkout"}, Version: "v1"}

func TestJob(t *testing.T) {
	test := model.Test{Name: "buy", Job: &model.JobTest{Path: "tests/checkout.yaml"}, Timeout: 10 * time.Second, Required: true}
	type log = func(pod, container, line string)
	for _, c := range []struct {
		name    string
		timeout time.Duration
		grace   time.Duration
		object  model.Object
		run     func(context.Context, JobRequest, log) (JobResult, error)
		state   model.TestState
		message string
	}{
		{name: "passes", object: checkout, state: model.TestPassed,
			run: func(context.Context, JobRequest, log) (JobResult, error) { return JobResult{Succeeded: true}, nil }},
		{name: "fails with a reason", object: checkout, state: model.TestFailed, message: "failed: BackoffLimitExceeded",
			run: func(context.Context, JobRequest, log) (JobResult, error) {
				return JobResult{Message: "BackoffLimitExceeded"}, nil
			}},
		{name: "fails with its last line", object: checkout, state: model.TestFailed, message: "buy-1/main: total is wrong",
			run: func(_ context.Context, _ JobRequest, log log) (JobResult, error) {
				log("buy-1", "main", "total is \x1b[31mwrong")
				return JobResult{}, nil
			}},
		{name: "never starts", object: checkout, timeout: 30 * time.Millisecond, state: model.TestFailed,
			message: "timed out after 30ms: ImagePullBackOff: no image test:9",
			run: func(ctx context.Context, _ JobRequest, _ log) (JobResult, error) {
				<-ctx.Done()
				return JobResult{Message: "ImagePullBackOff: no image test:9"}, ctx.Err()
			}},
		{name: "does not stop", object: checkout, timeout: 30 * time.Millisecond, grace: 30 * time.Millisecond, state: model.TestFailed, message: "could not be stopped",
			run: func(context.Context, JobRequest, log) (JobResult, error) {
				<-t.Context().Done()
				return JobResult{}, nil
			}},
		{name: "is refused", object: checkout, state: model.TestError, message: `forbidden (needs "create jobs" in "shop")`,
			run: func(context.Context, JobRequest, log) (JobResult, error) {
				return JobResult{}, errors.New(`forbidden (needs "create jobs" in "shop")`)
			}},
		{name: "is no Job", object: model.Object{ID: model.ObjectID{Kind: "Pod", Name: "x"}}, state: model.TestError, message: "holds Pod x, not a Job",
			run: func(context.Context, JobRequest, log) (JobResult, error) { return JobResult{Succeeded: true}, nil }},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, test := ports(), test
			p.JobReader, p.Jobs = jobs{object: c.object}, jobs{run: c.run}
			if c.timeout > 0 {
				test.Timeout = c.timeout
			}
			if c.grace > 0 {
				p.Timing.Grace = c.grace
			}
			r, _ := one(t, p, test)
			want(t, r, c.state, c.message)
		})
	}
	r, _ := one(t, ports(), test)
	want(t, r, model.TestError, "no cluster")
	p := ports()
	p.JobReader, p.Jobs = jobs{}, jobs{}
	test.Job = &model.JobTest{Path: "tests/none.yaml"}
	r, _ = one(t, p, test)
	want(t, r, model.TestError, "tests/none.yaml does not exist at 0123456")
}

func TestJobRequestAndLog(t *testing.T) {
	var got JobRequest
	p := ports()
	p.JobReader = jobs{object: checkout}
	p.Jobs = jobs{run: func(_ context.Context, r JobRequest, log func(pod, container, line string)) (JobResult, error) {
		got = r
		log("checkout-x", "main", "placing an order")
		return JobResult{Succeeded: true}, nil
	}}
	r, s := one(t, p, model.Test{Name: "buy", Job: &model.JobTest{Path: "tests/checkout.yaml"}})
	if got.Run != "staging-7" || got.Test != "buy" || got.Environment != "staging" || got.Namespace != "shop" ||
		got.Commit != "0123456789abcdef" || got.Object.ID != checkout.ID || got.Name != JobName("checkout", "staging-7", "buy") {
		t.Errorf("request %+v", got)
	}
	if !slices.Equal(r.Log, []string{"checkout-x/main: placing an order"}) || r.Attempts != 1 {
		t.Errorf("result %+v", r)
	}
	for _, line := range []string{"test buy: started: job tests/checkout.yaml\n", "log buy: checkout-x/main: placing an order\n", "test buy: passed ("} {
		if !strings.Contains(s.text(), line) {
			t.Errorf("no %q in\n%s", line, s.text())
		}
	}
}

func TestJobName(t *testing.T) {
	long := strings.Repeat("a", 80)
	names := []string{
		JobName("checkout", "staging-7", "buy"), JobName("checkout", "staging-8", "buy"), JobName("checkout", "staging-7", "sell"),
		JobName("", "staging-7", "buy"), JobName(long, "r", "t"), JobName(long+"b", "r", "t"), JobName(strings.Repeat("a", 51)+".b", "r", "t"),
	}
	for i, n := range names {
		if len(n) > 63 || strings.HasPrefix(n, "-") || strings.Contains(n, ".-") || strings.Contains(n, "--") {
			t.Errorf("%q is not a good name", n)
		}
		if slices.Index(names, n) != i {
			t.Errorf("%q is there twice", n)
		}
	}
	if !strings.HasPrefix(names[0], "checkout-") || names[0] != JobName("checkout", "staging-7", "buy") {
		t.Errorf("name %q", names[0])
	}
}

func TestVerdict(t *testing.T) {
	passed := model.TestResult{Name: "smoke", State: model.TestPassed, Required: true}
	optional := model.TestResult{Name: "extra", State: model.TestFailed}
	red := model.TestResult{Name: "buy", State: model.TestFailed, Required: true, Message: "status 503, want 200"}
	skipped := model.TestResult{Name: "sell", State: model.TestSkipped, Required: true}
	broken := model.TestResult{Name: "load", State: model.TestError, Required: true, Message: "no cluster"}
	for _, c := range []struct {
		results []model.TestResult
		want    string
	}{
		{nil, ""},
		{[]model.TestResult{passed, optional}, ""},
		{[]model.TestResult{passed, red}, "acceptance test buy failed: status 503, want 200"},
		{[]model.TestResult{broken, skipped}, "2 acceptance tests have not passed: load could not be carried out: no cluster; sell was skipped"},
	} {
		err := Verdict(c.results)
		if c.want == "" && err != nil || c.want != "" && (err == nil || err.Error() != c.want || model.CodeOf(err, 0) != model.ExitTestsFailed) {
			t.Errorf("Verdict(%v) = %v; want %q", c.results, err, c.want)
		}
	}
}

// manyTests makes tests whose Jobs do nothing but what run says.
func manyTests(n int) []model.Test {
	var tests []model.Test
	for i := range n {
		tests = append(tests, model.Test{Name: fmt.Sprintf("test-%d", i), Job: &model.JobTest{Path: "tests/checkout.yaml"}})
	}
	return tests
}

func TestOrderAndConcurrency(t *testing.T) {
	for _, c := range []struct{ parallel, want int }{{0, 1}, {1, 1}, {3, 3}, {99, 4}} {
		var mu sync.Mutex
		running, most := 0, 0
		var order []string
		full := make(chan struct{})
		p := ports()
		p.Parallel = c.parallel
		p.JobReader = jobs{object: checkout}
		p.Jobs = jobs{run: func(ctx context.Context, r JobRequest, _ func(_, _, _ string)) (JobResult, error) {
			mu.Lock()
			running++
			order = append(order, r.Test)
			if most = max(most, running); running == c.want && most == running {
				select {
				case <-full:
				default:
					close(full)
				}
			}
			mu.Unlock()
			<-full // nobody leaves before as many run as may
			mu.Lock()
			running--
			mu.Unlock()
			return JobResult{Succeeded: true}, nil
		}}
		tests := manyTests(9)
		results := Run(t.Context(), tests, p, func(model.Event) {})
		for i, r := range results {
			if r.Name != tests[i].Name || r.State != model.TestPassed {
				t.Errorf("parallel %d: result %d is %+v", c.parallel, i, r)
			}
		}
		if most != c.want {
			t.Errorf("parallel %d: %d ran at once, want %d", c.parallel, most, c.want)
		}
		if c.want == 1 && !slices.IsSorted(order) {
			t.Errorf("parallel %d: ran as %v", c.parallel, order)
		}
	}
	if got := Run(t.Context(), nil, ports(), func(model.Event) {}); len(got) != 0 {
		t.Errorf("results of no test: %v", got)
	}
}

func TestStopping(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p := ports()
	p.JobReader = jobs{object: checkout}
	p.Jobs = jobs{run: func(ctx context.Context, r JobRequest, _ func(_, _, _ string)) (JobResult, error) {
		if r.Test == "test-0" {
			return JobResult{Succeeded: true}, nil
		}
		cancel()
		<-ctx.Done()
		return JobResult{}, ctx.Err()
	}}
	results := Run(ctx, manyTests(3), p, func(model.Event) {})
	want(t, results[0], model.TestPassed, "")
	want(t, results[1], model.TestError, "the run was stopped while it ran")
	want(t, results[2], model.TestSkipped, "stopped before its turn")
	if !results[2].StartedAt.IsZero() || results[1].FinishedAt.Before(results[1].StartedAt) {
		t.Errorf("times: %+v", results)
	}
}

func TestNothingToDo(t *testing.T) {
	r, _ := one(t, ports(), model.Test{Name: "empty"})
	want(t, r, model.TestError, "neither http nor job nor command")
}

func TestLogIsBounded(t *testing.T) {
	streamed := 0
	rec := newRecorder(func(string) { streamed++ })
	for i := range 1000 {
		rec.add(fmt.Sprintf("line %d", i))
	}
	lines, truncated := rec.close()
	if len(lines) != maxLines || lines[len(lines)-1] != "line 999" || !truncated || streamed != 1000 {
		t.Errorf("%d lines, last %q, truncated %v, streamed %d", len(lines), lines[len(lines)-1], truncated, streamed)
	}
	rec.add("late")
	if lines, _ := rec.close(); streamed != 1000 || lines[len(lines)-1] != "line 999" {
		t.Error("a line was taken after the end")
	}

	rec = newRecorder(func(string) {})
	// Output without line breaks, and with characters of three bytes.
	rec.copyLines(strings.NewReader(strings.Repeat("€", 1<<16) + "\nshort\r\n\nend"))
	lines, _ = rec.close()
	if len(lines) != 4 || len(lines[0]) > maxLine+len("…") || !strings.HasSuffix(lines[0], "€…") {
		t.Fatalf("%d lines", len(lines))
	}
	if !slices.Equal(lines[1:], []string{"short", "", "end"}) {
		t.Errorf("lines %q", lines[1:])
	}
	rec = newRecorder(func(string) {})
	for range 20 {
		rec.add(strings.Repeat("x", maxLine))
	}
	lines, truncated = rec.close()
	if total := len(strings.Join(lines, "")); total > maxBytes || !truncated {
		t.Errorf("%d bytes kept, truncated %v", total, truncated)
	}
}
