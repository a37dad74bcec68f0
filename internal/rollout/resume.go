package rollout

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/fairtide-dev/fairtide/internal/lens"
	"github.com/fairtide-dev/fairtide/model"
)

// Resume continues the interrupted run of an environment: what it has not
// written yet is written if it still is as it was approved, and all of it is
// watched and tested. The record is continued, with who continued it. id is the
// run that is meant; empty: the newest.
//
// Exit code 4 says that what is left is not what was approved: then nothing is
// written, and a new plan shows how it stands.
func (e *Engine) Resume(ctx context.Context, r model.ResumeRequest, emit func(model.Event)) (model.Run, error) {
	emit = inTurn(emit)
	x := e.newExecution(model.Approval{
		Plan: &model.Plan{Environment: r.Environment}, TakeOver: r.Reason, Override: r.Override,
		Confirmed: r.Confirmed, Reviewed: r.Reviewed, Automatic: r.Automatic, Brake: r.Brake,
	}, emit)
	x.resumes = &r
	return x.carryOut(ctx, emit)
}

// admitResume refuses what must not be continued, before anything is written.
func (x *execution) admitResume(ctx context.Context) error {
	if x.engine.cfg.ReadOnly {
		return model.Errorf(model.ExitUsage, "started with --read-only: nothing is applied")
	}
	run, err := x.interruptedRun(ctx)
	if err != nil {
		return err
	}
	lock, err := x.site.cluster.ReadLock(ctx, x.site.env.Name)
	if err != nil {
		return err
	}
	if holds(lock, run.ID) {
		return model.Errorf(model.ExitLocked, "run %s is under way: locked by %s since %s; look on with `fairtide watch -e %s`",
			run.ID, lock.Holder, moment(lock.Since), x.site.env.Name)
	}
	merged, err := x.engine.cfg.Repository.Merged(ctx, run.Commit, x.site.head.Hash)
	if err != nil {
		return err
	}
	x.unmerged = !merged // which needs an override, as it did when the run was begun
	x.record.set(run)
	x.approval.Plan.Commit, x.approval.Plan.From = run.Commit, run.From
	return nil
}

// interruptedRun finds the run that is to be continued, and what it takes back.
func (x *execution) interruptedRun(ctx context.Context) (model.Run, error) {
	name, want := x.site.env.Name, x.resumes.Run
	runs, err := x.site.cluster.Runs(ctx, name)
	if err != nil && len(runs) == 0 {
		return model.Run{}, err
	}
	if err != nil && want == "" {
		return model.Run{}, fmt.Errorf("which run is the newest is not known; name the one to resume: %w", err)
	}
	if len(runs) == 0 {
		return model.Run{}, model.Errorf(model.ExitUsage, "there is no run to resume")
	}
	newest := runs[0]
	switch {
	case want != "" && want != newest.ID:
		return model.Run{}, model.Errorf(model.ExitUsage, "%s is not the newest run, which is %s: only that one can be resumed; apply the commit again instead", want, newest.ID)
	case newest.State.Final() && newest.State != model.RunInterrupted:
		return model.Run{}, model.Errorf(model.ExitUsage, "run %s has ended (%s), and there is nothing to resume; apply the commit again if it is not well", newest.ID, newest.State)
	case newest.State.Final():
		return model.Run{}, model.Errorf(model.ExitUsage, "the record of run %s is closed: it was interrupted, and is not resumed any more; apply %s again", newest.ID, model.Short(newest.Commit))
	}
	x.backFrom = newest.RollsBack
	for _, r := range runs {
		if newest.RollsBack != "" && r.ID == newest.RollsBack {
			x.takenBack = r.Commit
		}
	}
	return newest, nil
}

// resume is the part of continuing a run that only the lock's holder may do.
// The record is taken over once it is sure that the run goes on.
func (x *execution) resume(ctx context.Context, holder string) error {
	name := x.site.env.Name
	run, err := x.interruptedRun(ctx) // again: it may have ended since
	if err != nil {
		return prefix(name, err)
	}
	x.holder = holder
	if err := x.readRest(ctx, run); err != nil {
		return prefix(name, err)
	}
	if err := x.mayGoOn(run); err != nil {
		return prefix(name, err)
	}
	x.log.tell(model.Event{Type: model.EventRechecked, Message: leftIsApproved(run.ID)})
	x.approval.Reviewed = append(slices.Clone(x.approval.Reviewed), reviewedBefore(run)...)
	if err := x.enter(ctx, x.reading.plan); err != nil {
		return prefix(name, err)
	}
	run, err = x.site.cluster.TakeRun(ctx, name, run.ID,
		model.RunAttempt{Operator: holder, At: x.engine.cfg.Now().UTC(), Reason: x.takeOver()})
	if err != nil {
		return prefix(name, err)
	}
	if err := x.goOn(ctx, run); err != nil {
		return prefix(name, err)
	}
	return prefix(name, x.ship(ctx))
}

// readRest plans what is left of a run. An object that it was replacing when it
// was cut off may be on its way out: what is left is known once it is gone.
func (x *execution) readRest(ctx context.Context, run model.Run) error {
	read := func() (err error) {
		x.reading, err = x.engine.read(ctx, x.site, askOf(run))
		x.state = x.reading.state
		return err
	}
	if err := read(); err != nil {
		return err
	}
	going := halfReplaced(run, x.reading.plan)
	for _, o := range going {
		if err := x.waitGone(ctx, o); err != nil {
			return err
		}
	}
	if len(going) == 0 {
		return nil
	}
	return read()
}

// mayGoOn refuses a plan of what is left of a run that is not what the run was
// approved for.
func (x *execution) mayGoOn(run model.Run) error {
	plan := x.reading.plan
	if plan.Problem != "" {
		return model.Errorf(cmp.Or(plan.ProblemCode, model.ExitRolloutFailed), "run %s cannot be resumed: %s", run.ID, plan.Problem)
	}
	if moved := movedFromRecord(run, plan); len(moved) > 0 {
		const most = 6
		return &lens.MovedError{Moved: moved, Err: model.Errorf(model.ExitPlanMoved,
			"%s: what is left of run %s is no longer what was approved, and nothing more was written: %s; review a new plan of %s and apply that",
			x.site.env.Name, run.ID, strings.Join(lens.MovedWords(moved, plan.ReadAt, most), "; "), model.Short(run.Commit))}
	}
	return plan.Unconfirmed(append(typedBefore(run), x.approval.Confirmed...))
}

// goOn continues the record and the state of a run that was interrupted.
func (x *execution) goOn(ctx context.Context, run model.Run) error {
	found := continueObjects(run.Objects, x.reading.plan, takenAt(run))
	run.State, run.Reason = model.RunApplying, ""
	for _, o := range found {
		if !slices.ContainsFunc(run.Objects, func(earlier model.RunObject) bool {
			return earlier.Wave < o.Wave && earlier.Result == model.ResultPending
		}) { // its wave was begun, and may have nothing left to do
			run.Wave = max(run.Wave, o.Wave)
		}
	}
	if ex := x.entered.exception; ex != nil {
		run.Override = also(run.Override, strings.TrimSpace(x.approval.Override))
		run.Window = also(run.Window, x.entered.window)
		run.Exception = alsoException(run.Exception, *ex)
	}
	x.began = true
	x.record.set(run)
	x.log.run = run.ID
	if err := x.site.cluster.SaveRun(ctx, run); err != nil {
		return err
	}
	if err := x.lease.SetRun(ctx, run.ID); err != nil {
		return err
	}
	x.tellOthers()
	x.log.tell(model.Event{Type: model.EventStarted, State: run.State, Time: takenAt(run),
		Message: fmt.Sprintf("resumed by %s: %s → %s", run.Writer(), orNone(model.Short(run.From)), model.Short(run.Commit))})
	for _, o := range found { // nobody was told of them yet
		kind := model.EventApplied
		if o.Result == model.ResultPruned {
			kind = model.EventPruned
		}
		x.log.tell(model.Event{Type: kind, Object: &o.ID, Verdict: o.Verdict, Wave: o.Wave, Time: o.At})
	}
	return x.noteBegin(ctx, run)
}
