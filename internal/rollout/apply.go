package rollout

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/fairtide-dev/fairtide/internal/lens"
	"github.com/fairtide-dev/fairtide/model"
)

// Apply executes an approved plan and blocks until the run has ended: lock,
// re-check, waves of apply, watch, prune, record. emit gets the run's story,
// one event at a time; the last one has type finished, also when the run was
// refused before it began.
//
// Cancelling ctx aborts: no new write is started, the record is closed and the
// lock is freed. The error is nil when the run succeeded or there was nothing
// to do; its exit code says what else happened.
func (e *Engine) Apply(ctx context.Context, a model.Approval, emit func(model.Event)) (model.Run, error) {
	emit = inTurn(emit)
	return e.newExecution(a, emit).carryOut(ctx, emit)
}

func (e *Engine) newExecution(a model.Approval, emit func(model.Event)) *execution {
	x := &execution{engine: e, approval: a, record: newJournal(), refused: map[model.ObjectID]bool{}, stop: func(error) {}}
	x.log = newStory(e.cfg.Now, func(ev model.Event) {
		emit(ev)
		x.teller.event(ev)
	})
	return x
}

// carryOut executes a run to its end, and what its failure asks for after it.
func (x *execution) carryOut(ctx context.Context, emit func(model.Event)) (model.Run, error) {
	err := x.execute(ctx)
	if x.rollsBack(ctx, err) {
		err = x.rollBack(ctx, err, emit)
	}
	switch {
	case err == nil:
	case ctx.Err() != nil:
		err = &model.Error{Code: model.ExitInterrupted, Err: err}
	default: // so that the last event and the program end with the same code
		err = &model.Error{Code: model.CodeOf(err, model.ExitRolloutFailed), Err: err}
	}
	x.told.finish()
	x.finish(err)
	run := x.record.get()
	if lost := x.teller.close(run); lost != "" && x.engine.cfg.Lost != nil {
		x.engine.cfg.Lost(lost)
	}
	return run, err
}

// execution is one run on its way.
type execution struct {
	engine    *Engine
	approval  model.Approval
	log       *story
	site      site
	reading   reading
	state     model.State
	record    *journal
	resumes   *model.ResumeRequest // the run that is continued; nil: it is a new one
	backFrom  string               // the failed run whose work this one takes back
	takenBack string               // and its commit
	entered   ruling               // that let the run begin
	missing   []string             // requirements that are not met
	unmerged  bool                 // what is shipped is a revert that is not merged
	shipping  bool                 // objects may have been written
	// requirements are how all of them stand, for the record.
	requirements []model.Requirement
	title        string         // of what is shipped, for those who are told
	teller       *teller        // tells others of the run
	told         *exceptionTold // of an override, at the pull requests
	sandbox      bool           // not a run: nothing is recorded
	began        bool           // the run has a record
	holder       string         // of the lock
	lease        Lease
	lost         bool                    // the lock was lost: nothing more may be written
	refused      map[model.ObjectID]bool // objects that could not be written
	armed        bool                    // it has waited for its window
	limit        *limit                  // of the time that it may take; nil: there is none
	// stop ends the part of the run that is under the lock, with a cause.
	stop func(cause error)
}

func (x *execution) execute(ctx context.Context) error {
	s, err := x.engine.locate(ctx, x.approval.Plan.Environment)
	if err != nil {
		return err
	}
	x.site = s
	if x.resumes != nil {
		err = x.admitResume(ctx)
	} else if err = x.await(ctx); err == nil {
		err = x.admit(ctx)
	}
	s = x.site // while it waited, the policy may have become another one
	if err != nil {
		return prefix(s.env.Name, err)
	}
	if idle, err := x.nothingToDo(ctx); err != nil {
		return prefix(s.env.Name, err)
	} else if idle {
		x.log.tell(model.Event{Type: model.EventNote, Message: fmt.Sprintf("%s runs %s already; nothing to do", s.env.Name, model.Short(x.approval.Plan.Commit))})
		return nil
	}
	info, err := s.cluster.Info(ctx)
	if err != nil {
		return prefix(s.env.Name, err)
	}
	if err = x.locked(ctx, info.User+"@"+x.engine.cfg.Host); x.turnedAway(err) {
		return x.execute(ctx)
	}
	return err
}

// locked takes the lock and does under it what there is to do.
func (x *execution) locked(ctx context.Context, holder string) error {
	name := x.site.env.Name
	lease, err := x.site.cluster.Lock(ctx, name, model.LockAsk{Holder: holder, Doing: "checks the plan", TakeOver: x.takeOver()})
	if err != nil {
		return prefix(name, err)
	}
	x.lease = lease
	x.log.tell(model.Event{Type: model.EventLocked, Message: "locked by " + holder})
	ctx = lease.Under(ctx)
	held, stop, release := whileHeld(ctx, lease)
	x.stop = stop
	under := x.underLock
	if x.resumes != nil {
		under = x.resume
	}
	err = under(held, holder)
	err = x.endedBy(held, err)
	err = x.close(ctx, held, err)
	if rerr := release(x.engine.cfg.Timing.Close); rerr != nil {
		x.log.tell(model.Event{Type: model.EventNote, Message: "the lock could not be freed and will expire: " + rerr.Error()})
	}
	return err
}

// endedBy is the error of a run that was ended from outside, where the run's own
// error need not say so: the lock was lost, or somebody asked for an abort.
func (x *execution) endedBy(held context.Context, err error) error {
	cause := context.Cause(held)
	if x.lost = !x.lease.Held() || errors.Is(cause, errLost); x.lost {
		if !errors.Is(cause, errLost) {
			cause = errLost
		}
		return model.Errorf(model.ExitLocked, "%s: %v, and nothing more was written; see who holds it with `fairtide status`, then plan again",
			x.site.env.Name, cause)
	}
	if err != nil && !x.shipping && held.Err() != nil && errors.Is(err, context.Canceled) {
		left := ", and nothing was written"
		if x.resumes != nil {
			left = ", and nothing more was written"
		}
		return prefix(x.site.env.Name, stopped(held, left))
	}
	var aborted *abortError
	if err != nil && errors.As(cause, &aborted) && model.CodeOf(err, model.ExitOK) != model.ExitInterrupted {
		return &model.Error{Code: model.ExitInterrupted, Err: fmt.Errorf("%w: %w", aborted, err)}
	}
	return err
}

// takeOver is why a lock that its holder let expire may be taken; empty: the
// operator is to be asked.
func (x *execution) takeOver() string {
	switch {
	case strings.TrimSpace(x.approval.TakeOver) != "":
		return x.approval.TakeOver
	case x.approval.Automatic:
		return "an automatic run, after the lock had expired"
	}
	return ""
}

// admit refuses what must not run, before anything is written.
func (x *execution) admit(ctx context.Context) error {
	e, plan := x.engine, x.approval.Plan
	if e.cfg.ReadOnly {
		return model.Errorf(model.ExitUsage, "started with --read-only: nothing is applied")
	}
	merged, err := e.cfg.Repository.Merged(ctx, plan.Commit, x.site.head.Hash)
	if err != nil {
		return err
	}
	if !merged && x.approval.Emergency {
		err = x.emergency()
	} else if !merged {
		return model.Errorf(model.ExitUsage, "commit %s is not merged: it is not part of the branch at %s; merge it first",
			model.Short(plan.Commit), model.Short(x.site.head.Hash))
	}
	if err != nil {
		return err
	}
	if plan.Problem != "" {
		return model.Errorf(cmp.Or(plan.ProblemCode, model.ExitRolloutFailed), "the plan cannot be applied: %s", plan.Problem)
	}
	if err := plan.Unconfirmed(x.approval.Confirmed); err != nil {
		return err
	}
	x.unmerged = !merged
	return x.enter(ctx, plan)
}

// enter judges requirements and window, and keeps what they said.
func (x *execution) enter(ctx context.Context, plan *model.Plan) error {
	if x.backFrom != "" { // what let the failed run in lets it be taken back
		x.entered = ruling{window: "takes back run " + x.backFrom + ", as the policy asks for"}
		return nil
	}
	if err := x.judge(ctx, plan); err != nil {
		return err
	}
	var err error
	x.entered, err = x.engine.gate(ctx, x.site, x.concern(plan), x.approval.Override, x.missing)
	return err
}

// emergency refuses what must not be applied before it is merged: all but a
// revert that this engine made of what was merged. That policy and reason allow
// it is gate's to judge, to which it is a requirement that is not met.
func (x *execution) emergency() error {
	e, commit := x.engine, x.approval.Plan.Commit
	e.mu.Lock()
	known := e.reverts[commit]
	e.mu.Unlock()
	if !known {
		return model.Errorf(model.ExitUsage, "commit %s is not merged and no revert that was made here; merge it first", model.Short(commit))
	}
	return nil
}

// nothingToDo reports whether the commit is live and the last run says that it
// is well. After a run that failed there is something to do: to see whether
// what it left behind has become ready.
func (x *execution) nothingToDo(ctx context.Context) (bool, error) {
	plan := x.approval.Plan
	if x.resumes != nil || len(plan.Waves()) > 0 || plan.From != plan.Commit {
		return false, nil
	}
	s, err := x.site.cluster.ReadState(ctx, x.site.env.Name)
	if err != nil || deployedCommit(s) != plan.Commit {
		return false, err
	}
	last, err := x.site.cluster.NewestRun(ctx, x.site.env.Name, s.LastRun) // whose record may be open
	return last == nil || last.State == model.RunSucceeded, err
}

// underLock is the part of a run that only the lock's holder may do.
func (x *execution) underLock(ctx context.Context, holder string) error {
	name, plan := x.site.env.Name, x.approval.Plan
	r, err := x.engine.read(ctx, x.site, again(plan))
	if err != nil {
		return err
	}
	if r.plan.Digest != plan.Digest {
		return lens.NewMovedError(plan, r.plan)
	}
	// Whether the plan may be applied is not in the digest: the policy may be another by now.
	if r.plan.Problem != "" {
		return model.Errorf(cmp.Or(r.plan.ProblemCode, model.ExitRolloutFailed), "%s: the plan can no longer be applied, and nothing was written: %s", name, r.plan.Problem)
	}
	// Nor is all that is lost with an object.
	if err := r.plan.Unconfirmed(x.approval.Confirmed); err != nil {
		return prefix(name, err)
	}
	x.reading, x.state = r, r.state
	x.log.tell(model.Event{Type: model.EventRechecked, Message: "the plan is as it was approved"})
	// Again: the window may have closed since the confirm, and what an approval
	// or a soak was worth then may be gone.
	if err := x.enter(ctx, r.plan); err != nil {
		return prefix(name, err)
	}
	if err := x.begin(ctx, holder); err != nil {
		return prefix(name, err)
	}
	return prefix(name, x.ship(ctx))
}

// ship carries out a run that has a record.
func (x *execution) ship(ctx context.Context) error {
	x.shipping = true
	kept := x.record.keep(func() { x.save(ctx) })
	defer kept()
	if err := x.apply(ctx); err != nil {
		return err
	}
	return x.test(ctx)
}
