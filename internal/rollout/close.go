package rollout

import (
	"context"
	"errors"
	"time"

	"github.com/fairtide-dev/fairtide/internal/lens"
	"github.com/fairtide-dev/fairtide/model"
)

// close writes the end of a run that has a record: into the record, and into
// the environment's state. It works after ctx was cancelled, within
// Timing.Close.
// It returns the run's error, which may be that its success went unrecorded.
func (x *execution) close(ctx, held context.Context, err error) error {
	if !x.began {
		return err
	}
	x.record.update(func(r *model.Run) {
		r.FinishedAt = x.engine.cfg.Now().UTC()
		r.Thread = x.teller.thread()
		if r.State = finalState(ctx, held, err); err != nil {
			r.Reason = err.Error()
		}
		if x.lost {
			// Whoever holds the lock now may be writing. The open record says
			// that this run was interrupted.
			r.State = model.RunInterrupted
		}
	})
	if x.lost {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), x.engine.cfg.Timing.Close)
	defer cancel()
	if werr := x.closeState(ctx); werr != nil {
		x.log.tell(model.Event{Type: model.EventNote, Message: "the environment's state could not be written: " + werr.Error()})
		if run := x.record.get(); run.State == model.RunSucceeded {
			err = model.Errorf(model.ExitRolloutFailed, "%s: everything was applied and is ready, but that could not be recorded: %w; apply again to record it", run.Environment, werr)
			x.record.update(func(r *model.Run) { r.State, r.Reason = model.RunFailed, err.Error() })
		}
	}
	if werr := x.closeRecord(ctx); werr != nil {
		x.log.tell(model.Event{Type: model.EventNote, Message: "the run's record could not be closed: " + werr.Error()})
	}
	return err
}

// closeState writes into the environment's state how the run ended. It tries
// again while there is time, as closeRecord does.
func (x *execution) closeState(ctx context.Context) error {
	run := x.record.get()
	x.state.LastRun = &model.RunRef{ID: run.ID, State: run.State, Commit: run.Commit}
	if run.RollsBack != "" {
		x.state.LastRun.TakesBack = x.takenBack
	}
	if run.State == model.RunSucceeded {
		x.state.Deployed = &model.Deployed{Commit: run.Commit, At: run.FinishedAt, By: run.Writer(), Run: run.ID}
		x.state.Inventory = x.shrunkInventory()
	}
	return untilAnswered(ctx, func() error {
		written, err := x.site.cluster.WriteState(ctx, run.Environment, x.state)
		if err == nil {
			x.state = written
		}
		return err
	})
}

// closeRecord closes the record. An open record of a run that has ended reads
// as an interrupted one.
func (x *execution) closeRecord(ctx context.Context) error {
	x.record.write.Lock()
	defer x.record.write.Unlock()
	return untilAnswered(ctx, func() error { return x.site.cluster.SaveRun(ctx, x.record.get()) })
}

// untilAnswered does something again and again while the API server does not
// answer and there is time. What is done has to bear being done twice.
func untilAnswered(ctx context.Context, do func() error) error {
	again := time.NewTicker(time.Second)
	defer again.Stop()
	for {
		err := do()
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

func finalState(ctx, held context.Context, err error) model.RunState {
	switch {
	case err == nil:
		return model.RunSucceeded
	case ctx.Err() != nil, errors.Is(err, errOverrun), errors.As(context.Cause(held), new(*abortError)):
		return model.RunAborted
	}
	return model.RunFailed
}

// abortError is the cause of the end of a run that somebody else asked to stop.
type abortError struct{ by string }

func (e *abortError) Error() string { return "aborted by " + e.by }

// stoppedError is the error of what was stopped, in its own words: those of the
// context are found in its chain, and say nothing to who reads it.
type stoppedError struct {
	text string
	err  error
}

func (e *stoppedError) Error() string { return e.text }
func (e *stoppedError) Unwrap() error { return e.err }

// stopped is the error of what ended with ctx: who stopped it, and what that
// left behind.
func stopped(ctx context.Context, left string) error {
	why := "stopped"
	var aborted *abortError
	if errors.As(context.Cause(ctx), &aborted) {
		why = aborted.Error()
	}
	return &model.Error{Code: model.ExitInterrupted, Err: &stoppedError{why + left, context.Canceled}}
}

func (x *execution) finish(err error) {
	code := int(model.CodeOf(err, model.ExitRolloutFailed))
	if x.resumes != nil && !x.began { // it is as interrupted as before
		x.record.update(func(r *model.Run) {
			if r.ID != "" {
				r.State = model.RunInterrupted
			}
		})
	}
	ev := model.Event{Type: model.EventFinished, State: x.record.get().State, ExitCode: &code}
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
