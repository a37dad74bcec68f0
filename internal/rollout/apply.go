package rollout

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fairtide-dev/fairtide/internal/lens"
	"github.com/fairtide-dev/fairtide/model"
)

// closing is how long a run may take to close its record and free its lock
// after it was told to stop.
const closing = 15 * time.Second

// Apply executes an approved plan and blocks until the run has ended: lock,
// re-check, waves of apply, watch, prune, record. emit gets the run's story,
// one event at a time; the last one has type finished, also when the run was
// refused before it began.
//
// Cancelling ctx aborts: no new write is started, the record is closed and the
// lock is freed. The error is nil when the run succeeded or there was nothing
// to do; its exit code says what else happened.
func (e *Engine) Apply(ctx context.Context, a model.Approval, emit func(model.Event)) (model.Run, error) {
	x := &execution{engine: e, approval: a}
	x.log = newStory(e.cfg.Now, func(ev model.Event) {
		emit(ev)
		x.teller.event(ev)
	})
	err := x.execute(ctx)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		err = &model.Error{Code: model.ExitInterrupted, Err: err}
	default: // so that the last event and the program end with the same code
		err = &model.Error{Code: model.CodeOf(err, model.ExitRolloutFailed), Err: err}
	}
	x.told.finish()
	x.finish(err)
	if lost := x.teller.close(x.run); lost != "" && e.cfg.Lost != nil {
		e.cfg.Lost(lost)
	}
	return x.run, err
}

// execution is one run on its way.
type execution struct {
	engine   *Engine
	approval model.Approval
	log      *story
	site     site
	reading  reading
	state    model.State
	run      model.Run
	entered  ruling   // that let the run begin
	missing  []string // requirements that are not met
	unmerged bool     // what is shipped is a revert that is not merged
	// requirements are how all of them stand, for the record.
	requirements []model.Requirement
	title        string         // of what is shipped, for those who are told
	teller       *teller        // tells others of the run
	told         *exceptionTold // of an override, at the pull requests
	sandbox      bool           // not a run: nothing is recorded
	began        bool           // the run has a record
	lease        Lease
	lost         bool // the lock was lost: nothing more may be written
}

func (x *execution) execute(ctx context.Context) error {
	plan := x.approval.Plan
	s, err := x.engine.locate(ctx, plan.Environment)
	if err != nil {
		return err
	}
	x.site = s
	if err := x.await(ctx); err != nil {
		return prefix(s.env.Name, err)
	}
	s = x.site // while it waited, the policy may have become another one
	if err := x.admit(ctx); err != nil {
		return prefix(s.env.Name, err)
	}
	if idle, err := x.nothingToDo(ctx); err != nil {
		return prefix(s.env.Name, err)
	} else if idle {
		x.log.tell(model.Event{Type: model.EventNote, Message: fmt.Sprintf("%s runs %s already; nothing to do", s.env.Name, model.Short(plan.Commit))})
		return nil
	}
	info, err := s.cluster.Info(ctx)
	if err != nil {
		return prefix(s.env.Name, err)
	}
	holder := info.User + "@" + x.engine.cfg.Host
	lease, err := s.cluster.Lock(ctx, s.env.Name, holder, "")
	if err != nil {
		return prefix(s.env.Name, err)
	}
	x.lease = lease
	x.log.tell(model.Event{Type: model.EventLocked, Message: "locked by " + holder})
	held, release := whileHeld(ctx, lease)
	err = x.underLock(held, holder)
	if x.lost = !lease.Held(); x.lost {
		err = model.Errorf(model.ExitLocked, "%s: the lock was lost in the middle of the run, and nothing more was written; see who holds it with `fairtide status`, then plan again", s.env.Name)
	}
	err = x.close(ctx, err)
	if rerr := release(closing); rerr != nil {
		x.log.tell(model.Event{Type: model.EventNote, Message: "the lock could not be freed and will expire: " + rerr.Error()})
	}
	return err
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
	if err := x.judge(ctx, plan); err != nil {
		return err
	}
	_, err = e.gate(ctx, x.site, x.concern(plan), x.approval.Override, x.missing)
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
	if len(plan.Waves()) > 0 || plan.From != plan.Commit {
		return false, nil
	}
	s, err := x.site.cluster.ReadState(ctx, x.site.env.Name)
	return deployedCommit(s) == plan.Commit && (s.LastRun == nil || s.LastRun.State == model.RunSucceeded), err
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
	if err := x.judge(ctx, r.plan); err != nil {
		return prefix(name, err)
	}
	if x.entered, err = x.engine.gate(ctx, x.site, x.concern(r.plan), x.approval.Override, x.missing); err != nil {
		return prefix(name, err)
	}
	if err := x.begin(ctx, holder); err != nil {
		return prefix(name, err)
	}
	if err := x.apply(ctx); err != nil {
		return prefix(name, err)
	}
	return prefix(name, x.test(ctx))
}

// begin writes the record of the run, then the state with everything the run
// may create in its inventory: should the program die in the next moment, the
// record says that a run was under way and nothing it made is forgotten.
func (x *execution) begin(ctx context.Context, holder string) error {
	plan := x.reading.plan
	run := model.Run{
		Environment: x.site.env.Name, Commit: plan.Commit, From: plan.From, Digest: plan.Digest,
		Operator: holder, Override: x.approval.Override, Window: x.entered.window,
		Requirements: x.requirements, Exception: x.entered.exception,
		StartedAt: x.engine.cfg.Now().UTC(), State: model.RunApplying,
		Objects: []model.RunObject{}, Tests: []model.TestResult{}, PullRequests: x.pullRequests(ctx), Kept: plan.Kept,
	}
	for _, o := range plan.Objects {
		if o.Writes() {
			run.Objects = append(run.Objects, model.RunObject{ID: o.ID, Verdict: o.Verdict, Result: model.ResultPending})
		}
	}
	run, err := x.site.cluster.NewRun(ctx, run)
	if err != nil {
		return err
	}
	x.run, x.began = run, true
	x.log.run = run.ID
	if err := x.lease.SetRun(ctx, run.ID); err != nil {
		return err
	}
	x.tellOthers()
	x.tellException(ctx)
	x.log.tell(model.Event{Type: model.EventStarted, State: run.State,
		Message: fmt.Sprintf("%s → %s", orNone(model.Short(plan.From)), model.Short(plan.Commit))})
	x.tellWindow(x.entered.standing)

	x.state.LastRun = &model.RunRef{ID: run.ID, State: run.State, Commit: run.Commit}
	x.state.Inventory = mergeInventory(x.state.Inventory, plan, x.reading.objects)
	written, err := x.site.cluster.WriteState(ctx, x.site.env.Name, x.state)
	if err != nil {
		return err // and the state stays what it was read as, for close to write
	}
	x.state = written
	return nil
}

// pullRequests are the numbers of the pull requests a run ships. Not knowing
// them is no reason not to ship.
func (x *execution) pullRequests(ctx context.Context) []int {
	numbers := []int{}
	plan := x.approval.Plan
	if plan.From == "" {
		return numbers
	}
	p, err := x.engine.cfg.Repository.Pending(ctx, x.site.env, plan.From, plan.Commit)
	if err != nil {
		return numbers
	}
	for i, c := range p.Changes {
		if i == 0 {
			x.title = c.Title
		}
		if c.PullRequest != nil {
			numbers = append(numbers, c.PullRequest.Number)
		}
	}
	return numbers
}

// close writes the end of a run that has a record: into the record, and into
// the environment's state. It works after ctx was cancelled, within closing.
// It returns the run's error, which may be that its success went unrecorded.
func (x *execution) close(ctx context.Context, err error) error {
	if !x.began {
		return err
	}
	x.run.FinishedAt = x.engine.cfg.Now().UTC()
	x.run.Thread = x.teller.thread()
	if x.lost {
		// Whoever holds the lock now may be writing. The open record says that
		// this run was interrupted.
		x.run.State, x.run.Reason = model.RunInterrupted, err.Error()
		return err
	}
	x.run.State = finalState(ctx, err)
	if err != nil {
		x.run.Reason = err.Error()
	}
	x.state.LastRun = &model.RunRef{ID: x.run.ID, State: x.run.State, Commit: x.run.Commit}
	if x.run.State == model.RunSucceeded {
		x.state.Deployed = &model.Deployed{Commit: x.run.Commit, At: x.run.FinishedAt, By: x.run.Operator, Run: x.run.ID}
		x.state.Inventory = x.shrunkInventory()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closing)
	defer cancel()
	if _, werr := x.site.cluster.WriteState(ctx, x.site.env.Name, x.state); werr != nil {
		x.log.tell(model.Event{Type: model.EventNote, Message: "the environment's state could not be written: " + werr.Error()})
		if x.run.State == model.RunSucceeded {
			x.run.State = model.RunFailed
			err = model.Errorf(model.ExitRolloutFailed, "%s: everything was applied and is ready, but that could not be recorded: %w; apply again to record it", x.run.Environment, werr)
			x.run.Reason = err.Error()
		}
	}
	if werr := x.saveRun(ctx); werr != nil {
		x.log.tell(model.Event{Type: model.EventNote, Message: "the run's record could not be closed: " + werr.Error()})
	}
	return err
}

// saveRun closes the record. It tries again while there is time: an open
// record of a run that has ended reads as an interrupted one for ever.
func (x *execution) saveRun(ctx context.Context) error {
	again := time.NewTicker(time.Second)
	defer again.Stop()
	for {
		err := x.site.cluster.SaveRun(ctx, x.run)
		if err == nil || model.CodeOf(err, model.ExitOK) != model.ExitUnreachable {
			return err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return err
		}
	}
}

func finalState(ctx context.Context, err error) model.RunState {
	switch {
	case err == nil:
		return model.RunSucceeded
	case ctx.Err() != nil, errors.Is(err, errOverrun):
		return model.RunAborted
	}
	return model.RunFailed
}

func (x *execution) finish(err error) {
	code := int(model.CodeOf(err, model.ExitRolloutFailed))
	ev := model.Event{Type: model.EventFinished, State: x.run.State, ExitCode: &code}
	if err != nil {
		ev.Message = err.Error()
	}
	var moved *lens.MovedError
	if errors.As(err, &moved) {
		ev.Moved = moved.Moved
	}
	if ev.State == "" { // refused, or nothing to do
		ev.State = model.RunSucceeded
		if err != nil {
			ev.State = model.RunAborted
		}
	}
	x.log.tell(ev)
}

func orNone(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}
