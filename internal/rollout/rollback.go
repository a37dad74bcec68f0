package rollout

import (
	"context"
	"fmt"
	"strings"

	"github.com/fairtide-dev/fairtide/model"
)

// rollsBack reports whether the environment's policy asks for what a run has
// done to be taken back. Nobody's abort is a failure, and neither is what ended
// before anything was written.
func (x *execution) rollsBack(ctx context.Context, err error) bool {
	run := x.record.get()
	return err != nil && ctx.Err() == nil && x.shipping && !x.lost && model.CodeOf(err, model.ExitOK) != model.ExitPlanMoved && x.backFrom == "" &&
		x.site.env.Rollout.OnFailure == model.FailRollback && run.State == model.RunFailed && run.From != run.Commit
}

// rollBack applies what was deployed before a failed run, in a run of its own,
// and returns the error of the failed run with what became of it. The window
// and the requirements let the failed run in, and what it broke is not left
// broken because of them. What only an operator may confirm by name is not
// taken back without one.
func (x *execution) rollBack(ctx context.Context, failure error, emit func(model.Event)) error {
	e, run := x.engine, x.record.get()
	not := func(why string) error {
		return &model.Error{Code: model.CodeOf(failure, model.ExitRolloutFailed), Err: fmt.Errorf("%w; run %s is not rolled back: %s", failure, run.ID, why)}
	}
	if run.From == "" {
		return not("nothing was deployed before it")
	}
	if done, _ := x.tally(); done == 0 {
		return not("it has written nothing")
	}
	x.log.tell(model.Event{Type: model.EventNote, Message: fmt.Sprintf("%s; rolling back to %s, as the policy asks for", failure, model.Short(run.From))})
	plan, err := e.PlanAs(ctx, model.PlanAsk{Environment: run.Environment, Commit: run.From})
	if err != nil {
		return not(err.Error())
	}
	if plan.Unconfirmed(nil) != nil { // and nobody is there to type it
		return not(fmt.Sprintf("that would delete what does not come back, and has to be confirmed by name; see `fairtide diff -e %[1]s --commit %[2]s`, then: fairtide apply -e %[1]s --commit %[2]s --confirm %[3]s",
			run.Environment, model.Short(run.From), strings.Join(model.Refs(plan.ToType()), " --confirm ")))
	}
	back := e.newExecution(model.Approval{Plan: plan, Automatic: true}, func(ev model.Event) {
		if ev.Type != model.EventFinished { // the story goes on until its own end
			emit(ev)
		}
	})
	back.backFrom, back.takenBack = run.ID, run.Commit
	err = back.execute(ctx)
	back.finish(err)
	taken := back.record.get()
	if lost := back.teller.close(taken); lost != "" && e.cfg.Lost != nil {
		e.cfg.Lost(lost)
	}
	if err != nil && taken.ID != "" {
		return not(fmt.Sprintf("run %s was to apply %s again, and failed: %s; it is not tried again by itself", taken.ID, model.Short(run.From), err))
	} else if err != nil {
		return not(err.Error())
	}
	return &model.Error{Code: model.CodeOf(failure, model.ExitRolloutFailed),
		Err: fmt.Errorf("%w; run %s was rolled back to %s by run %s", failure, run.ID, model.Short(run.From), taken.ID)}
}
