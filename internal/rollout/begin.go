package rollout

import (
	"context"
	"errors"
	"fmt"

	"github.com/fairtide-dev/fairtide/model"
)

// begin writes the record of the run, then the state with everything the run
// may create in its inventory: should the program die in the next moment, the
// record says that a run was under way and nothing it made is forgotten.
func (x *execution) begin(ctx context.Context, holder string) error {
	x.holder = holder
	plan := x.reading.plan
	run := model.Run{
		Environment: x.site.env.Name, Commit: plan.Commit, From: plan.From, Digest: plan.Digest,
		Operator: holder, Override: x.approval.Override, Window: x.entered.window,
		Requirements: x.requirements, Exception: x.entered.exception,
		StartedAt: x.engine.cfg.Now().UTC(), State: model.RunApplying,
		Objects: []model.RunObject{}, Tests: []model.TestResult{}, PullRequests: x.pullRequests(ctx), Kept: plan.Kept,
	}
	run.Objects, run.Waves = recorded(plan)
	if x.backFrom != "" {
		run.RollsBack = x.backFrom
	}
	x.closeInterrupted(ctx)
	run, err := x.newRun(ctx, run)
	if err != nil {
		return err
	}
	x.record.set(run)
	x.began = true
	x.log.run = run.ID
	if err := x.lease.SetRun(ctx, run.ID); err != nil {
		return err
	}
	x.tellOthers()
	x.tellException(ctx)
	x.log.tell(model.Event{Type: model.EventStarted, State: run.State,
		Message: fmt.Sprintf("%s → %s", orNone(model.Short(plan.From)), model.Short(plan.Commit))})
	x.tellWindow(x.entered.standing)

	return x.noteBegin(ctx, run)
}

// newRun makes the record of the run. One that is stopped meanwhile has a record
// or none, and closes the one it has.
func (x *execution) newRun(ctx context.Context, run model.Run) (model.Run, error) {
	if err := x.mayWrite(ctx); err != nil {
		return run, err
	}
	ctx, cancel := x.toItsEnd(ctx)
	defer cancel()
	return x.site.cluster.NewRun(ctx, run)
}

// noteBegin writes into the environment's state that a run is under way, and
// what it may make.
func (x *execution) noteBegin(ctx context.Context, run model.Run) error {
	x.state.LastRun = &model.RunRef{ID: run.ID, State: run.State, Commit: run.Commit}
	x.state.Inventory = mergeInventory(x.state.Inventory, x.reading.plan, x.reading.objects)
	if err := x.mayWrite(ctx); err != nil {
		return err
	}
	ctx, cancel := x.toItsEnd(ctx)
	defer cancel()
	written, err := x.site.cluster.WriteState(ctx, x.site.env.Name, x.state)
	if err != nil {
		return err // and the state stays what it was read as, for close to write
	}
	x.state = written
	return nil
}

// recorded lists what a plan writes, for the record, and the names of its waves.
func recorded(plan *model.Plan) (objects []model.RunObject, waves []string) {
	objects = []model.RunObject{}
	typed := map[model.ObjectID]bool{}
	for _, id := range plan.ToType() {
		typed[id] = true
	}
	for i, w := range plan.Waves() {
		waves = append(waves, w.Name)
		for _, o := range w.Objects {
			objects = append(objects, model.RunObject{
				ID: o.ID, Version: o.Version, UID: o.Live.UID, Verdict: o.Verdict, Result: model.ResultPending,
				Wave: i + 1, Digest: o.ApprovedDigest(), After: o.AfterDigest(), Migrates: o.Migrates,
				Typed: typed[o.ID],
			})
			if o.Prediction != model.PredictedByServer && o.Verdict == model.VerdictUpdate {
				objects[len(objects)-1].Before = o.BeforeDigest()
			}
		}
	}
	return objects, waves
}

// closeInterrupted closes the records of earlier runs that nobody has resumed:
// what they left is part of what this run was approved for. Not being able to is
// told, and tried again by the next run.
func (x *execution) closeInterrupted(ctx context.Context) {
	runs, err := x.site.cluster.Runs(ctx, x.site.env.Name)
	failed := []error{err}
	for _, r := range runs {
		if r.State.Final() {
			continue
		}
		x.log.tell(model.Event{Type: model.EventNote, Message: fmt.Sprintf(
			"run %s of %s to %s was interrupted, and is not resumed: what it left is part of this plan, and its record is closed", r.ID, r.Writer(), model.Short(r.Commit))})
		failed = append(failed, x.closeRun(ctx, r.ID))
	}
	if err := errors.Join(failed...); err != nil {
		x.log.tell(model.Event{Type: model.EventNote, Message: "not every record of an interrupted run could be closed: " + err.Error()})
	}
}

// closeRun closes the record of an interrupted run. Who does so is no attempt to
// continue it.
func (x *execution) closeRun(ctx context.Context, id string) error {
	if err := x.mayWrite(ctx); err != nil {
		return err
	}
	ctx, cancel := x.toItsEnd(ctx)
	defer cancel()
	now := x.engine.cfg.Now().UTC()
	r, err := x.site.cluster.TakeRun(ctx, x.site.env.Name, id, model.RunAttempt{Operator: x.holder, At: now, Reason: "closes the record"})
	if err != nil {
		return err
	}
	r.Attempts = r.Attempts[:len(r.Attempts)-1]
	r.State, r.FinishedAt = model.RunInterrupted, now
	r.Reason = "interrupted, and not resumed: " + x.holder + " began another run; what is pending may have been written all the same"
	return x.site.cluster.SaveRun(ctx, r)
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
