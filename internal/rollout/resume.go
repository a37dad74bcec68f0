package rollout

import (
	"context"
	"fmt"
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
	x.record.set(run)
	x.approval.Plan.Commit, x.approval.Plan.From = run.Commit, run.From
	return nil
}

// interruptedRun finds the run that is to be continued.
func (x *execution) interruptedRun(ctx context.Context) (model.Run, error) {
	name, want := x.site.env.Name, x.resumes.Run
	runs, err := x.site.cluster.Runs(ctx, name)
	if err != nil && len(runs) == 0 {
		return model.Run{}, err
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
	return newest, nil
}

// resume is the part of continuing a run that only the lock's holder may do.
func (x *execution) resume(ctx context.Context, holder string) error {
	name := x.site.env.Name
	if _, err := x.interruptedRun(ctx); err != nil { // again: it may have ended since
		return prefix(name, err)
	}
	x.holder = holder
	run, err := x.site.cluster.TakeRun(ctx, name, x.record.get().ID,
		model.RunAttempt{Operator: holder, At: x.engine.cfg.Now().UTC(), Reason: x.takeOver()})
	if err != nil {
		return prefix(name, err)
	}
	r, err := x.engine.read(ctx, x.site, askOf(run))
	if err != nil {
		return prefix(name, err)
	}
	x.reading, x.state = r, r.state
	if r.plan.Problem != "" {
		return prefix(name, model.Errorf(model.ExitRolloutFailed, "run %s cannot be resumed: %s", run.ID, r.plan.Problem))
	}
	if moved := movedFromRecord(run, r.plan); len(moved) > 0 {
		const most = 6
		return &lens.MovedError{Moved: moved, Err: model.Errorf(model.ExitPlanMoved,
			"%s: what is left of run %s is no longer what was approved, and nothing more was written: %s; review a new plan of %s and apply that",
			name, run.ID, strings.Join(lens.MovedWords(moved, r.plan.ReadAt, most), "; "), model.Short(run.Commit))}
	}
	if err := r.plan.Unconfirmed(x.approval.Confirmed); err != nil && !confirmedBefore(run, r.plan) {
		return prefix(name, err)
	}
	x.log.tell(model.Event{Type: model.EventRechecked, Message: "what is left of run " + run.ID + " is as it was approved"})
	if err := x.enter(ctx, r.plan); err != nil {
		return prefix(name, err)
	}
	if err := x.goOn(ctx, run); err != nil {
		return prefix(name, err)
	}
	return prefix(name, x.ship(ctx))
}

// askOf asks for the plan that a run was approved for.
func askOf(run model.Run) model.PlanAsk {
	ask := model.PlanAsk{Commit: run.Commit, Keep: run.Kept}
	for _, o := range run.Objects {
		ask.Replace = ask.Replace || o.Verdict == model.VerdictReplace
	}
	return ask
}

// movedFromRecord lists the objects that a plan would write otherwise than the
// run's approval said. What the run has written is no longer written, and what
// it was cut off in is written the rest of the way.
func movedFromRecord(run model.Run, now *model.Plan) []model.Moved {
	was := make(map[model.ObjectID]model.RunObject, len(run.Objects))
	for _, o := range run.Objects {
		was[o.ID] = o
	}
	var out []model.Moved
	for _, o := range now.Objects {
		if !o.Writes() {
			continue
		}
		w, known := was[o.ID]
		if !known || !sameApproval(w, o) {
			out = append(out, model.Moved{ID: o.ID, Was: w.Verdict, Now: o.Verdict})
		}
	}
	return out
}

// sameApproval reports whether an object that is still to be written is what
// was approved: as it was then, or half way from there to what was approved.
func sameApproval(was model.RunObject, now model.PlannedObject) bool {
	if was.Digest == now.ApprovedDigest() || was.Verdict == model.VerdictCreate && now.Verdict == model.VerdictCreate {
		return true // what is created is what the commit renders, whatever the server was known to add
	}
	// A replaced object was deleted and not made again; one whose fields are
	// taken over lost its old owner first. What it is to become is the same.
	half := was.Verdict == model.VerdictReplace && now.Verdict == model.VerdictCreate ||
		was.Migrates && !now.Migrates
	return half && was.After != "" && was.After == now.AfterDigest()
}

// confirmedBefore reports whether what a plan needs a typed name for was
// confirmed when the run was begun: all of it is in its record.
func confirmedBefore(run model.Run, plan *model.Plan) bool {
	named := make(map[model.ObjectID]bool, len(run.Objects))
	for _, o := range run.Objects {
		named[o.ID] = true
	}
	for _, id := range plan.ToType() {
		if !named[id] {
			return false
		}
	}
	return true
}

// goOn continues the record and the state of a run that was interrupted.
func (x *execution) goOn(ctx context.Context, run model.Run) error {
	left := map[model.ObjectID]bool{}
	for _, o := range x.reading.plan.Objects {
		left[o.ID] = o.Writes()
	}
	for i := range run.Objects {
		o := &run.Objects[i]
		if left[o.ID] || o.Result != model.ResultPending && o.Result != model.ResultFailed {
			continue
		}
		if o.Message, o.Result = "", model.ResultApplied; o.Verdict == model.VerdictDelete {
			o.Result = model.ResultPruned
		}
	}
	run.State, run.Reason = model.RunApplying, ""
	if reason := strings.TrimSpace(x.approval.Override); reason != "" {
		run.Override, run.Window, run.Exception = reason, x.entered.window, x.entered.exception
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
	x.log.tell(model.Event{Type: model.EventStarted, State: run.State,
		Message: fmt.Sprintf("resumed by %s: %s → %s", run.Writer(), orNone(model.Short(run.From)), model.Short(run.Commit))})
	return x.noteBegin(ctx, run)
}
