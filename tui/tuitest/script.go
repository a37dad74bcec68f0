package tuitest

import (
	"context"
	"fmt"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// player tells a run's story at a pace.
type player struct {
	ctx  context.Context
	emit func(model.Event)
	run  model.Run
	step time.Duration
	now  func() time.Time
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
	p := &player{ctx: ctx, emit: emit, step: step, now: time.Now, run: model.Run{
		ID: a.Plan.Environment + "-119", Environment: a.Plan.Environment, Commit: a.Plan.Commit, From: a.Plan.From,
		Operator: "op1@bastion", Override: a.Override, StartedAt: time.Now(), State: model.RunApplying,
	}}
	for _, o := range a.Plan.Objects {
		if o.Writes() {
			p.run.Objects = append(p.run.Objects, model.RunObject{ID: o.ID, Verdict: o.Verdict, Result: model.ResultPending})
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
				p.progress(o.ID, state, ready, 3, message)
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
					ID: o.ID, Readiness: model.ReadinessProgress, Ready: 1, Desired: 3, Message: "1 of 3 updated pods are available",
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
