package tuitest

import (
	"context"
	"fmt"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// Tested gives production three acceptance tests, and a script that runs them
// after everything is ready, a log line a step: an http test passes, a job
// passes or fails, and a command that is not required fails.
func Tested(b *Backend, step time.Duration, pass bool) {
	b.Envs[2].Tests = []model.Test{
		{Name: "smoke", Required: true, HTTP: &model.HTTPTest{Service: "shop/petstore:http", Path: "/healthz"}},
		{Name: "checkout", Required: true, Job: &model.JobTest{Path: "tests/checkout.yaml"}},
		{Name: "lighthouse", Command: &model.CommandTest{Args: []string{"tests/lighthouse.sh"}}},
	}
	b.Script = func(ctx context.Context, a model.Approval, emit func(model.Event)) (model.Run, error) {
		p := begin(ctx, a, emit, step)
		if !p.waves(a.Plan) {
			return p.aborted()
		}
		for _, o := range a.Plan.Objects {
			if o.ID.Kind == "Deployment" && o.Writes() {
				p.mark(o.ID, model.ResultReady, "")
				p.progress(o.ID, model.ReadinessReady, 3, 3, "")
			}
		}
		results := []model.TestResult{
			{Name: "smoke", Kind: model.TestHTTP, Required: true, State: model.TestPassed, Attempts: 2},
			{Name: "checkout", Kind: model.TestJob, Required: true, State: model.TestPassed},
			{Name: "lighthouse", Kind: model.TestCommand, State: model.TestFailed, Message: "exit code 1: score 0.71, want 0.80"},
		}
		if !pass {
			results[1].State, results[1].Message = model.TestFailed, "pod checkout-119-x7k2p ended with exit code 1"
		}
		for _, r := range results {
			if !p.test(r) {
				return p.aborted()
			}
		}
		if !pass {
			return p.end(model.RunFailed, model.Errorf(model.ExitTestsFailed, "acceptance test checkout failed: %s", results[1].Message))
		}
		run, err := p.end(model.RunSucceeded, nil)
		b.Shipped(run, time.Now())
		return run, err
	}
}

// test tells of one test: that it starts, five lines of its log, how it ended.
func (p *player) test(r model.TestResult) bool {
	r.StartedAt = p.now()
	p.tell(model.Event{Type: model.EventTest, Source: r.Name, Message: fmt.Sprintf("started: %s %s", r.Kind, r.Name)})
	for i := range 5 {
		if !p.wait() {
			return false
		}
		l := fmt.Sprintf("%s: step %d of 5 done", r.Name, i+1)
		r.Log = append(r.Log, l)
		p.tell(model.Event{Type: model.EventLog, Source: r.Name, Message: l})
	}
	r.FinishedAt = p.now()
	p.run.Tests = append(p.run.Tests, r)
	p.tell(model.Event{Type: model.EventTest, Source: r.Name, Message: string(r.State), Test: &r})
	return true
}
