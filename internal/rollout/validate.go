package rollout

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/fairtide-dev/fairtide/internal/accept"
	"github.com/fairtide-dev/fairtide/internal/forge"
	"github.com/fairtide-dev/fairtide/model"
)

// ValidateRequest says what to try in a sandbox.
type ValidateRequest struct {
	Environment string
	Base, Head  string // revisions; Base empty: the head of the environment's branch
	PullRequest int    // when set, Head is what it proposes, and the result is reported on it
	Name        string // of the sandbox namespace; empty: made up
}

// Validate renders head merged into base, says what it changes, deploys it to a
// sandbox namespace, runs the environment's tests there and takes the sandbox
// down again. The error says that the validation could not be carried out; that
// the change does not pass is said by the result.
func (e *Engine) Validate(ctx context.Context, r ValidateRequest, emit func(model.Event)) (model.Validation, error) {
	start := e.cfg.Now()
	log := newStory(e.cfg.Now, emit)
	v := model.Validation{Environment: r.Environment, Objects: []model.ChangedObject{}, Tests: []model.TestResult{}}
	if e.cfg.ReadOnly {
		return v, model.Errorf(model.ExitUsage, "started with --read-only: nothing is deployed, not even to a sandbox")
	}
	s, err := e.locate(ctx, r.Environment)
	if err != nil {
		return v, err
	}
	if s.env.Sandbox.Context != "" {
		s.env.Context = s.env.Sandbox.Context
		if s.cluster, err = e.connect(s.env, s.config.StateNamespace); err != nil {
			return v, prefix(r.Environment, err)
		}
	}
	if err := e.revisions(ctx, s, &r); err != nil {
		return v, prefix(r.Environment, err)
	}
	v.Base, v.Head = r.Base, r.Head
	log.run = "validate " + model.Short(r.Head)
	err = e.try(ctx, s, r, &v, log)
	v.Seconds = e.cfg.Now().Sub(start).Round(100 * time.Millisecond).Seconds()
	if r.PullRequest != 0 && ctx.Err() == nil {
		if rerr := e.report(ctx, r, v, err); rerr != nil && err == nil {
			err = fmt.Errorf("the validation has ended (%s), but its result could not be written to #%d: %w", v.Message, r.PullRequest, rerr)
		}
	}
	return v, prefix(r.Environment, err)
}

func (e *Engine) revisions(ctx context.Context, s site, r *ValidateRequest) (err error) {
	if r.PullRequest != 0 {
		if r.Head, err = e.cfg.Repository.FetchPull(ctx, r.PullRequest); err != nil {
			return err
		}
	}
	if r.Base == "" {
		r.Base = s.head.Hash
	}
	if r.Base, err = e.cfg.Repository.Resolve(ctx, r.Base); err != nil {
		return err
	}
	r.Head, err = e.cfg.Repository.Resolve(ctx, r.Head)
	return err
}

// try fills the validation in. A change that does not pass is no error.
func (e *Engine) try(ctx context.Context, s site, r ValidateRequest, v *model.Validation, log *story) error {
	before, err := e.cfg.Repository.Render(ctx, s.env, r.Base)
	if err != nil {
		return err
	}
	after, err := e.cfg.Repository.RenderMerged(ctx, s.env, r.Base, r.Head)
	if err != nil {
		v.Message = "it does not render: " + err.Error()
		return nil
	}
	v.Objects = append(v.Objects, e.cfg.Repository.Changed(s.env, before, after)...)
	box, err := e.sandbox(s, r, after)
	if err != nil {
		return err
	}
	v.Namespace, v.Notes = box.name, box.notes
	if err := s.cluster.CreateSandbox(ctx, box.name, map[string]string{"fairtide.dev/environment": s.env.Name}); err != nil {
		return err
	}
	defer func() {
		// Also when it was stopped: a sandbox is never left behind unsaid.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		if err := s.cluster.DeleteSandbox(ctx, box.name); err != nil {
			note := fmt.Sprintf("the sandbox %s was not removed: %v; delete the namespace by hand", box.name, err)
			v.Notes = append(v.Notes, note)
			log.tell(model.Event{Type: model.EventNote, Message: note})
		}
	}()
	log.tell(model.Event{Type: model.EventNote, Message: fmt.Sprintf("deploying %d objects to sandbox %s", len(box.rendered.Objects), box.name)})
	if failure, err := e.deploySandbox(ctx, s, box, log); err != nil || failure != "" {
		v.Message = failure
		return err
	}
	results, err := e.runTests(ctx, trial{site: box.site(s), commit: r.Head, run: box.name, namespace: box.name, sandbox: true}, log.tell)
	if err != nil {
		return err
	}
	v.Tests = append(v.Tests, results...)
	if err := accept.Verdict(results); err != nil {
		v.Message = err.Error()
		return ctx.Err()
	}
	v.Passed = true
	v.Message = fmt.Sprintf("%d objects deployed and ready, %d tests passed", len(box.rendered.Objects), len(results))
	return nil
}

// box is a sandbox and what goes into it.
type box struct {
	name     string
	rendered *model.Rendered
	notes    []string
	env      model.Environment
}

func (e *Engine) sandbox(s site, r ValidateRequest, after *model.Rendered) (box, error) {
	name := r.Name
	if name == "" {
		name = sandboxName(s.env, r.PullRequest, r.Head)
	}
	kept, notes := s.cluster.Sandboxed(after.Objects, namespaceOf(s.env), name)
	if len(kept) == 0 {
		return box{}, model.Errorf(model.ExitUsage, "nothing of %s can be deployed to a sandbox: it has no objects in namespace %s", s.env.Name, namespaceOf(s.env))
	}
	env := s.env
	env.Namespace = name
	env.Prune.Enabled = false
	env.Tests = sandboxedTests(env.Tests, namespaceOf(s.env), name)
	notes = append(notes, reachingOut(env.Tests, name)...)
	return box{name: name, rendered: &model.Rendered{Commit: r.Head, Objects: kept, Inputs: after.Inputs}, notes: notes, env: env}, nil
}

// sandboxName is made of what is tried, so that it tells whose it is, and that
// the same is not tried twice at a time.
func sandboxName(env model.Environment, number int, head string) string {
	const most = 63 // of a namespace's name
	end := "-" + model.Short(head)
	if number != 0 {
		end = fmt.Sprintf("-%d%s", number, end)
	}
	name := firstOf(env.Sandbox.Namespace, model.DefaultSandboxNamespace) + "-" + strings.ReplaceAll(strings.ToLower(env.Name), ".", "-")
	return strings.TrimRight(name[:min(len(name), most-len(end))], "-") + end
}

func (b box) site(s site) site {
	s.env = b.env
	return s
}

// sandboxedTests points the tests of Services at the sandbox.
func sandboxedTests(tests []model.Test, from, to string) []model.Test {
	out := make([]model.Test, len(tests))
	for i, t := range tests {
		if t.HTTP != nil {
			h := *t.HTTP
			if rest, ok := strings.CutPrefix(h.Service, from+"/"); ok {
				h.Service = to + "/" + rest
			}
			t.HTTP = &h
		}
		out[i] = t
	}
	return out
}

// reachingOut notes the tests that do not, or need not, ask the sandbox.
func reachingOut(tests []model.Test, to string) []string {
	var notes []string
	for _, t := range tests {
		switch {
		case t.HTTP != nil && t.HTTP.URL != "":
			notes = append(notes, fmt.Sprintf("test %s asks %s, which is outside of the sandbox", t.Name, withoutUser(t.HTTP.URL)))
		case t.HTTP != nil && strings.Contains(t.HTTP.Service, "/") && !strings.HasPrefix(t.HTTP.Service, to+"/"):
			notes = append(notes, fmt.Sprintf("test %s asks Service %s, which is outside of the sandbox", t.Name, t.HTTP.Service))
		}
	}
	return notes
}

// withoutUser is a URL without what may be secret in it: user and query.
func withoutUser(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return "a URL"
	}
	return u.Scheme + "://" + u.Host + u.EscapedPath()
}

// deploySandbox applies what goes into the sandbox and waits until it is
// ready. failure says why the change does not pass.
func (e *Engine) deploySandbox(ctx context.Context, s site, b box, log *story) (failure string, err error) {
	plan, objects, err := s.cluster.Plan(ctx, model.PlanRequest{Environment: b.env, Rendered: b.rendered})
	if err != nil {
		return "", err
	}
	if plan.Problem != "" {
		return "it cannot be applied: " + plan.Problem, nil
	}
	x := e.newExecution(model.Approval{}, log.tell)
	x.log, x.site, x.lease, x.sandbox = log, b.site(s), noLease{}, true
	x.reading = reading{plan: plan, objects: map[model.ObjectID]model.Object{}}
	for _, o := range objects {
		x.reading.objects[o.ID] = o
	}
	if err := x.apply(ctx); err != nil {
		if ctx.Err() != nil || model.CodeOf(err, model.ExitOK) == model.ExitUnreachable {
			return "", err // which says nothing about the change
		}
		return err.Error(), nil
	}
	return "", nil
}

// noLease is the lock of a sandbox: nobody else knows its name.
type noLease struct{}

func (noLease) Held() bool                                { return true }
func (noLease) Lost() <-chan struct{}                     { return nil }
func (noLease) Aborted() <-chan string                    { return nil }
func (noLease) SetDoing(string)                           {}
func (noLease) SetRun(context.Context, string) error      { return nil }
func (noLease) Release(context.Context) error             { return nil }
func (noLease) Under(ctx context.Context) context.Context { return ctx }

// report writes the result onto the pull request: a comment that is kept up to
// date, and a status of its head.
func (e *Engine) report(ctx context.Context, r ValidateRequest, v model.Validation, failure error) error {
	f, err := e.connectForge(ctx)
	if err != nil {
		return err
	}
	if failure != nil {
		v.Message = "could not be carried out: " + failure.Error()
	}
	state := forge.StatusSuccess
	switch {
	case failure != nil:
		state = forge.StatusError
	case !v.Passed:
		state = forge.StatusFailure
	}
	if err := f.UpsertComment(ctx, r.PullRequest, "fairtide-validate-"+r.Environment, Markdown(v)); err != nil {
		return err
	}
	return f.SetStatus(ctx, r.Head, forge.Status{Context: validationCheck(r.Environment), State: state, Description: v.Environment + ": " + v.Message})
}
