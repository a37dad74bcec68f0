package tui

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/problems"
)

// problemsKept is how many problems are kept at most.
const problemsKept = 200

// problemLog is what went wrong, from any goroutine.
type problemLog struct {
	now func() time.Time

	mu      sync.Mutex
	list    []problems.Problem // newest first
	dropped int
	last    int // ID
}

// note keeps an error. The same one again counts up.
func (l *problemLog) note(env, about, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	p := problems.Problem{Env: env, About: about, Text: text, First: now}
	i := slices.IndexFunc(l.list, func(x problems.Problem) bool { return x.Env == env && x.About == about && x.Text == text })
	if i >= 0 {
		p = l.list[i]
		l.list = slices.Delete(l.list, i, i+1)
	} else {
		l.last++
		p.ID = l.last
	}
	p.At, p.Over = now, time.Time{}
	p.Times++
	l.list = slices.Insert(l.list, 0, p)
	if n := len(l.list) - problemsKept; n > 0 {
		l.list = l.list[:problemsKept]
		l.dropped += n
	}
}

// worked notes that something works, for what failed before.
func (l *problemLog) worked(env, about string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.list {
		if x := &l.list[i]; x.Env == env && x.About == about && x.Over.IsZero() {
			x.Over = l.now()
		}
	}
}

// take notes how something ended. What was told to stop has not failed.
func (l *problemLog) take(ctx context.Context, env, about string, err error) {
	switch {
	case err == nil:
		l.worked(env, about)
	case ctx.Err() == nil:
		l.note(env, about, err.Error())
	}
}

// dismiss takes problems off the list: those with the IDs, or with none given all.
func (l *problemLog) dismiss(ids ...int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(ids) == 0 {
		l.list, l.dropped = nil, 0
		return
	}
	l.list = slices.DeleteFunc(l.list, func(x problems.Problem) bool { return slices.Contains(ids, x.ID) })
}

func (l *problemLog) all() ([]problems.Problem, int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.list), l.dropped
}

func (l *problemLog) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.list)
}

// keepTold keeps what a dialog says went wrong, unless it is the answer of a
// backend that has been kept.
func (a *App) keepTold(r result) {
	text := strings.Join(r.text, "\n")
	kept, _ := a.log.all()
	if !slices.ContainsFunc(kept, func(x problems.Problem) bool { return strings.Contains(text, x.Text) }) {
		a.log.note(a.environmentOnScreen(), r.title, text)
	}
}

// openProblems shows what went wrong, or goes back from there.
func (a *App) openProblems() {
	if a.at == action.Errors {
		a.at = a.errorsFrom
		return
	}
	if a.problems == nil {
		a.problems = &problems.Page{}
	}
	a.errorsFrom, a.at = a.at, action.Errors
	a.problems.Set(a.log.all())
}

func (a *App) doProblems(id action.ID) {
	p := a.problems
	switch id {
	case action.Dismiss:
		if x, ok := p.Selected(); ok {
			a.log.dismiss(x.ID)
		}
	case action.DismissAll:
		a.log.dismiss()
	default:
		p.Do(id)
	}
	p.Set(a.log.all())
}

// reporting is a backend whose errors are kept.
type reporting struct {
	Backend
	log *problemLog
}

func (r reporting) Environments(ctx context.Context) ([]model.Environment, error) {
	v, err := r.Backend.Environments(ctx)
	r.log.take(ctx, "", "reading the environments", err)
	return v, err
}

func (r reporting) Fetch(ctx context.Context) (model.Fetch, error) {
	v, err := r.Backend.Fetch(ctx)
	r.log.take(ctx, "", "asking the remote for news", err)
	return v, err
}

func (r reporting) Status(ctx context.Context, env string) (model.EnvironmentStatus, error) {
	const about = "reading how it stands"
	v, err := r.Backend.Status(ctx, env)
	if err == nil && v.Problem != "" {
		r.log.note(env, about, v.Problem)
		return v, nil
	}
	r.log.take(ctx, env, about, err)
	return v, err
}

func (r reporting) Pending(ctx context.Context, env string) (model.Pending, error) {
	v, err := r.Backend.Pending(ctx, env)
	r.log.take(ctx, env, "reading what is pending", err)
	return v, err
}

func (r reporting) Detail(ctx context.Context, env, commit string) (model.ChangeDetail, error) {
	v, err := r.Backend.Detail(ctx, env, commit)
	r.log.take(ctx, env, "reading the change "+model.Short(commit), err)
	return v, err
}

func (r reporting) Plan(ctx context.Context, ask model.PlanAsk) (*model.Plan, error) {
	v, err := r.Backend.Plan(ctx, ask)
	r.log.take(ctx, ask.Environment, "reading the plan"+forCommit(ask.Commit), err)
	return v, err
}

func forCommit(commit string) string {
	if commit == "" {
		return ""
	}
	return " for " + model.Short(commit)
}

func (r reporting) Observe(ctx context.Context, plan *model.Plan, emit func(model.Observation)) error {
	about := "watching the plan" + forCommit(plan.Commit)
	err := r.Backend.Observe(ctx, plan, func(o model.Observation) {
		if o.Unwatched != "" {
			r.log.note(plan.Environment, about, o.Unwatched)
		}
		emit(o)
	})
	if err != nil {
		r.log.take(ctx, plan.Environment, about, err)
	}
	return err
}

func (r reporting) Apply(ctx context.Context, a model.Approval, emit func(model.Event)) (model.Run, error) {
	v, err := r.Backend.Apply(ctx, a, emit)
	about := "rolling out " + model.Short(a.Plan.Commit)
	if err == nil && v.State == model.RunFailed {
		r.log.note(a.Plan.Environment, about, v.Reason)
		return v, nil
	}
	r.log.take(ctx, a.Plan.Environment, about, err)
	return v, err
}

func (r reporting) Follow(ctx context.Context, env string, begin func(model.Run), emit func(model.Event)) (model.Run, error) {
	v, err := r.Backend.Follow(ctx, env, begin, emit)
	r.log.take(ctx, env, "watching the run", err)
	return v, err
}

func (r reporting) Abort(ctx context.Context, env, reason string) error {
	err := r.Backend.Abort(ctx, env, reason)
	r.log.take(ctx, env, "asking the run to stop", err)
	return err
}

func (r reporting) Resume(ctx context.Context, q model.ResumeRequest, emit func(model.Event)) (model.Run, error) {
	v, err := r.Backend.Resume(ctx, q, emit)
	r.log.take(ctx, q.Environment, "resuming run "+q.Run, err)
	return v, err
}

func (r reporting) Describe(ctx context.Context, env string, t model.Target) (model.ObjectTree, error) {
	v, err := r.Backend.Describe(ctx, env, t)
	r.log.take(ctx, env, "reading the pods of "+t.ID.String(), err)
	return v, err
}

func (r reporting) LogTail(ctx context.Context, env, namespace, pod, container string, previous bool, lines int) ([]string, error) {
	v, err := r.Backend.LogTail(ctx, env, namespace, pod, container, previous, lines)
	r.log.take(ctx, env, "reading the log of "+container+" in pod "+pod, err)
	return v, err
}

func (r reporting) History(ctx context.Context, env string) ([]model.Run, error) {
	v, err := r.Backend.History(ctx, env)
	r.log.take(ctx, env, "reading its history", err)
	return v, err
}

func (r reporting) RunDiff(ctx context.Context, env, run, other string) (*model.Plan, error) {
	v, err := r.Backend.RunDiff(ctx, env, run, other)
	r.log.take(ctx, env, "reading what "+run+" changed", err)
	return v, err
}

func (r reporting) Proposed(ctx context.Context, env string) ([]model.Proposed, error) {
	v, err := r.Backend.Proposed(ctx, env)
	r.log.take(ctx, env, "reading its open pull requests", err)
	return v, err
}

func (r reporting) ProposedPlan(ctx context.Context, env string, number int) (*model.Plan, error) {
	v, err := r.Backend.ProposedPlan(ctx, env, number)
	r.log.take(ctx, env, fmt.Sprintf("reading the plan for #%d", number), err)
	return v, err
}

func (r reporting) Merge(ctx context.Context, env string, number int, head, override string) (string, error) {
	v, err := r.Backend.Merge(ctx, env, number, head, override)
	r.log.take(ctx, env, fmt.Sprintf("merging #%d", number), err)
	return v, err
}

func (r reporting) Draft(ctx context.Context, d model.DraftRequest) (model.Draft, *model.Plan, error) {
	v, plan, err := r.Backend.Draft(ctx, d)
	r.log.take(ctx, d.Environment, draftWords(d), err)
	return v, plan, err
}

func draftWords(d model.DraftRequest) string {
	switch d.Kind {
	case model.DraftRevert:
		return "making the revert of " + model.Short(d.Commit)
	case model.DraftBackTo:
		return "making the way back to " + model.Short(d.Commit)
	case model.DraftBump:
		return "making the upgrade of " + d.Image
	}
	return "making a commit of live values"
}

func (r reporting) Publish(ctx context.Context, env string, d model.Draft) (model.PullRequest, error) {
	v, err := r.Backend.Publish(ctx, env, d)
	r.log.take(ctx, env, "opening a pull request", err)
	return v, err
}

func (r reporting) Images(ctx context.Context, env string) ([]model.ImageUse, error) {
	v, err := r.Backend.Images(ctx, env)
	r.log.take(ctx, env, "reading its images", err)
	return v, err
}
