package tuitest

import (
	"context"
	"fmt"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// player tells a run's story at a pace.
type player struct {
	ctx   context.Context
	emit  func(model.Event)
	run   model.Run
	brake *model.Brake
	step  time.Duration
	now   func() time.Time
}

// wait lets a step pass. It reports false when the run was aborted.
func (p *player) wait() bool {
	t := time.NewTimer(p.step)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-p.ctx.Done():
		return false
	}
}

func (p *player) tell(e model.Event) {
	e.Time, e.Run = p.now(), p.run.ID
	p.emit(e)
}

func (p *player) progress(id model.ObjectID, r model.Readiness, ready, desired int, message string) {
	p.tell(model.Event{Type: model.EventProgress, Object: &id, Progress: &model.Progress{
		ID: id, Readiness: r, Message: message, Ready: ready, Desired: desired, Since: p.now(),
	}})
}

func begin(ctx context.Context, a model.Approval, emit func(model.Event), step time.Duration) *player {
	p := &player{ctx: ctx, emit: emit, step: step, now: time.Now, brake: a.Brake, run: model.Run{
		ID: a.Plan.Environment + "-119", Environment: a.Plan.Environment, Commit: a.Plan.Commit, From: a.Plan.From,
		Operator: "op1@bastion", Override: a.Override, StartedAt: time.Now(), State: model.RunApplying,
	}}
	for _, o := range a.Plan.Objects {
		if o.Writes() {
			p.run.Objects = append(p.run.Objects, model.RunObject{ID: o.ID, Verdict: o.Verdict, Version: o.Version, Result: model.ResultPending})
		}
	}
	p.emit(model.Event{Time: p.now(), Type: model.EventLocked, Message: "locked by op1@bastion"})
	p.emit(model.Event{Time: p.now(), Type: model.EventRechecked, Message: "the plan is as it was approved"})
	p.tell(model.Event{Type: model.EventStarted, Message: model.Short(a.Plan.From) + " → " + model.Short(a.Plan.Commit)})
	return p
}

func (p *player) end(s model.RunState, err error) (model.Run, error) {
	p.run.State, p.run.FinishedAt = s, p.now()
	code := int(model.CodeOf(err, model.ExitRolloutFailed))
	ev := model.Event{Type: model.EventFinished, State: s, ExitCode: &code}
	if err != nil {
		p.run.Reason, ev.Message = err.Error(), err.Error()
	}
	p.tell(ev)
	return p.run, err
}

func (p *player) aborted() (model.Run, error) {
	return p.end(model.RunAborted, model.Errorf(model.ExitInterrupted, "%s: stopped; what was written stays as it is", p.run.Environment))
}

func (p *player) mark(id model.ObjectID, r model.ObjectResult, message string) {
	for i := range p.run.Objects {
		if p.run.Objects[i].ID == id {
			p.run.Objects[i].Result, p.run.Objects[i].Message = r, message
		}
	}
}

// waves applies what the plan writes, wave by wave, and prunes.
func (p *player) waves(plan *model.Plan) bool {
	waves := plan.Waves()
	for i, w := range waves {
		if !p.held(plan, i) {
			return false
		}
		p.run.Wave = i + 1
		p.tell(model.Event{Type: model.EventWave, Wave: i + 1, Waves: len(waves), Message: w.Name})
		for _, o := range w.Objects {
			if !p.wait() {
				return false
			}
			kind, result := model.EventApplied, model.ResultApplied
			if w.Prune {
				kind, result = model.EventPruned, model.ResultPruned
			}
			p.mark(o.ID, result, "")
			p.tell(model.Event{Type: kind, Object: &o.ID, Verdict: o.Verdict, Wave: i + 1})
			if !w.Prune && o.ID.Kind != "Deployment" {
				p.mark(o.ID, model.ResultReady, "")
				p.progress(o.ID, model.ReadinessReady, 0, 0, "")
			}
		}
	}
	return true
}

// held lets the run be paused before its i-th wave. It reports false when it
// was aborted meanwhile.
func (p *player) held(plan *model.Plan, i int) bool {
	if p.brake == nil || !p.brake.On() {
		return true
	}
	all := len(plan.Waves())
	p.tell(model.Event{Type: model.EventPaused, Wave: i + 1, Waves: all, Message: fmt.Sprintf("paused before wave %d of %d", i+1, all)})
	if p.brake.Wait(p.ctx) != nil {
		return false
	}
	p.tell(model.Event{Type: model.EventContinued, Wave: i + 1, Waves: all, Message: "goes on"})
	return true
}

// Succeeding is a script in which everything becomes ready, a step at a time,
// and the backend says so afterwards.
func Succeeding(b *Backend, step time.Duration) func(context.Context, model.Approval, func(model.Event)) (model.Run, error) {
	return func(ctx context.Context, a model.Approval, emit func(model.Event)) (model.Run, error) {
		p := begin(ctx, a, emit, step)
		if !p.waves(a.Plan) {
			return p.aborted()
		}
		for ready := range 4 {
			for _, o := range a.Plan.Objects {
				if o.ID.Kind != "Deployment" || !o.Writes() {
					continue
				}
				state, message := model.ReadinessProgress, fmt.Sprintf("%d of 3 updated pods are available", ready)
				if ready == 3 {
					state, message = model.ReadinessReady, ""
					p.mark(o.ID, model.ResultReady, "")
				}
				old := 3 - ready
				p.tell(model.Event{Type: model.EventProgress, Object: &o.ID, Progress: &model.Progress{
					ID: o.ID, Readiness: state, Message: message, Ready: ready, Desired: 3, Old: old, Since: p.now(),
				}})
			}
			if !p.wait() {
				return p.aborted()
			}
		}
		run, err := p.end(model.RunSucceeded, nil)
		b.Shipped(run, time.Now())
		return run, err
	}
}

// Broken is a script in which the gateway's image cannot be pulled. It goes on
// for as long as lingering steps, and then fails.
func Broken(step time.Duration, lingering int) func(context.Context, model.Approval, func(model.Event)) (model.Run, error) {
	return func(ctx context.Context, a model.Approval, emit func(model.Event)) (model.Run, error) {
		p := begin(ctx, a, emit, step)
		if !p.waves(a.Plan) {
			return p.aborted()
		}
		const cause = "image ghcr.io/shop/gateway:2.0.9 cannot be pulled: manifest unknown"
		for _, o := range a.Plan.Objects {
			switch {
			case o.ID.Name == "petstore" && o.Writes():
				p.progress(o.ID, model.ReadinessProgress, 2, 3, "2 of 3 updated pods are available")
			case o.ID.Kind == "Deployment" && o.Writes():
				pods := []model.Pod{
					{Name: "gateway-7d4b9c-x2x7q", Phase: "Pending", Reason: "ImagePullBackOff", Message: "Back-off pulling image \"ghcr.io/shop/gateway:2.0.9\": manifest unknown", Image: "ghcr.io/shop/gateway:2.0.9", Created: p.now()},
					{Name: "gateway-7d4b9c-9kk2p", Phase: "Running", Ready: true, Created: p.now()},
				}
				p.mark(o.ID, model.ResultFailed, cause)
				p.tell(model.Event{Type: model.EventCause, Object: &o.ID, Message: cause, Progress: &model.Progress{
					ID: o.ID, Readiness: model.ReadinessProgress, Ready: 1, Desired: 3, Old: 2, Message: "1 of 3 updated pods are available",
					Since: p.now(), Pods: pods, Cause: cause, Doomed: true,
				}})
			}
		}
		for range lingering {
			if !p.wait() {
				return p.aborted()
			}
		}
		return p.end(model.RunFailed, model.Errorf(model.ExitRolloutFailed, "%s: Deployment shop/gateway will not become ready: %s", a.Plan.Environment, cause))
	}
}

// Waiting is a script that waits, where it is told to, until the window opens,
// and then does what then does. It writes nothing when it is aborted before.
func Waiting(opens time.Time, then func(context.Context, model.Approval, func(model.Event)) (model.Run, error)) func(context.Context, model.Approval, func(model.Event)) (model.Run, error) {
	return func(ctx context.Context, a model.Approval, emit func(model.Event)) (model.Run, error) {
		if a.Wait {
			emit(model.Event{Time: time.Now(), Type: model.EventArmed, Until: opens,
				Message: "armed: waits until 2026-11-25 08:00 UTC (closed: outside mornings)"})
			timer := time.NewTimer(time.Until(opens))
			defer timer.Stop()
			select {
			case <-timer.C:
			case <-ctx.Done():
				return model.Run{}, fmt.Errorf("%s: interrupted while it waited for the window; nothing was written: %w", a.Plan.Environment, ctx.Err())
			}
			emit(model.Event{Time: time.Now(), Type: model.EventNote, Message: "the window is open: mornings"})
		}
		return then(ctx, a, emit)
	}
}

// Slow is a script in which the pet store's pods do not become ready for as
// long as lingering steps, and then do. In the middle the API server is away
// for a while, if away is set.
func Slow(b *Backend, step time.Duration, lingering int, away bool) func(context.Context, model.Approval, func(model.Event)) (model.Run, error) {
	return func(ctx context.Context, a model.Approval, emit func(model.Event)) (model.Run, error) {
		p := begin(ctx, a, emit, step)
		if !p.waves(a.Plan) {
			return p.aborted()
		}
		for _, o := range a.Plan.Objects {
			switch {
			case o.ID.Name == "petstore" && o.Writes():
				p.tell(model.Event{Type: model.EventCause, Object: &o.ID, Progress: &model.Progress{
					ID: o.ID, Readiness: model.ReadinessProgress, Ready: 2, Desired: 3, Old: 1, Message: "2 of 3 updated pods are available", Since: p.now(),
					Cause: "readiness probe of container petstore in pod petstore-6c9f5d-k8l2m: GET /healthz answers 503; it may still be starting",
					Pods:  []model.Pod{{Name: "petstore-6c9f5d-k8l2m", Phase: "Running", Reason: "ReadinessProbe", Image: "ghcr.io/shop/petstore:1.4.2", Restarts: 1, Created: p.now()}},
				}})
			case o.ID.Kind == "Deployment" && o.Writes():
				p.mark(o.ID, model.ResultReady, "")
				p.progress(o.ID, model.ReadinessReady, 3, 3, "")
			}
		}
		for i := range lingering {
			if !p.wait() {
				return p.aborted()
			}
			switch {
			case away && i == lingering/4:
				p.tell(model.Event{Type: model.EventAway, Since: p.now(), Message: "the API server does not answer: connection refused"})
			case away && i == lingering*3/4:
				p.tell(model.Event{Type: model.EventAway, Message: "the API server answers again"})
			}
		}
		run, err := p.end(model.RunSucceeded, nil)
		b.Shipped(run, time.Now())
		return run, err
	}
}

// Elsewhere gives production a run of somebody else's that is under way: it
// holds the lock, its record says how far it is, and it goes on as script does.
func Elsewhere(b *Backend, script func(context.Context, model.Approval, func(model.Event)) (model.Run, error)) {
	b.Set(func(b *Backend) {
		now := time.Now()
		st := b.Statuses["production"]
		st.Lock = &model.Lock{Holder: "ci@runner-7", Run: "production-119", Since: now.Add(-40 * time.Second), Expires: now.Add(time.Hour), Doing: "wave 1 of 3"}
		st.LastRun = &model.RunRef{ID: "production-119", State: model.RunApplying, Commit: Head}
		b.Statuses["production"] = st
	})
	b.Followed = func(ctx context.Context, begin func(model.Run), emit func(model.Event)) (model.Run, error) {
		run := record(b.Plans["production"], "ci@runner-7", time.Now().Add(-40*time.Second))
		begin(run)
		ended, err := script(ctx, model.Approval{Plan: b.Plans["production"]}, emit)
		ended.Operator, ended.Waves = run.Operator, run.Waves
		return ended, err
	}
}

// record is a run of the plan as it is recorded at its beginning.
func record(plan *model.Plan, operator string, at time.Time) model.Run {
	run := model.Run{
		ID: plan.Environment + "-119", Environment: plan.Environment, Commit: plan.Commit, From: plan.From, Operator: operator,
		StartedAt: at, State: model.RunApplying, PullRequests: []int{42, 41, 39},
	}
	for i, w := range plan.Waves() {
		run.Waves = append(run.Waves, w.Name)
		for _, o := range w.Objects {
			run.Objects = append(run.Objects, model.RunObject{ID: o.ID, Verdict: o.Verdict, Version: o.Version, Wave: i + 1, Result: model.ResultPending})
		}
	}
	return run
}

// CutOff gives production a run of op2's that stopped in its second wave without
// an end.
func CutOff(b *Backend) {
	b.Set(func(b *Backend) {
		at := time.Now().Add(-26 * time.Minute)
		run := record(b.Plans["production"], "op2@bastion", at)
		run.Wave, run.State = 2, model.RunInterrupted
		for i := range run.Objects {
			switch o := &run.Objects[i]; {
			case o.Wave == 1:
				o.Result, o.At = model.ResultReady, at.Add(4*time.Second)
			case o.ID.Name == "gateway":
				o.Result, o.At = model.ResultApplied, at.Add(9*time.Second)
			}
		}
		st := b.Statuses["production"]
		st.LastRun = &model.RunRef{ID: run.ID, State: model.RunInterrupted, Commit: run.Commit}
		b.Statuses["production"] = st
		b.Histories["production"] = append([]model.Run{run}, b.Histories["production"]...)
	})
}
