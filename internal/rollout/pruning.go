package rollout

import (
	"context"
	"fmt"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// prune deletes what left the render, one after the other in the wave's order,
// and waits until it is gone.
func (x *execution) prune(ctx context.Context, number int, w model.Wave) error {
	for _, o := range w.Objects {
		if err := x.mayWrite(ctx); err != nil {
			return err
		}
		if err := x.site.cluster.Delete(ctx, o); err != nil {
			x.refused[o.ID] = true
			x.mark(o.ID, model.ResultFailed, err.Error())
			return err
		}
		if err := x.waitGone(ctx, o); err != nil {
			x.mark(o.ID, model.ResultFailed, err.Error())
			return err
		}
		x.mark(o.ID, model.ResultPruned, "")
		x.log.tell(model.Event{Type: model.EventPruned, Object: &o.ID, Verdict: o.Verdict, Wave: number})
	}
	return nil
}

// awaitGone waits for what an interrupted run has deleted and is not gone yet.
func (x *execution) awaitGone(ctx context.Context) error {
	for _, o := range x.reading.plan.Objects {
		switch x.record.result(o.ID) {
		case model.ResultPending, model.ResultApplied, model.ResultFailed:
		default:
			continue
		}
		if !o.Left || !o.Going {
			continue
		}
		if err := x.waitGone(ctx, o); err != nil {
			x.mark(o.ID, model.ResultFailed, err.Error())
			return err
		}
		x.mark(o.ID, model.ResultPruned, "")
		x.log.tell(model.Event{Type: model.EventPruned, Object: &o.ID, Verdict: model.VerdictDelete})
	}
	return nil
}

// tellHeld is how long a deletion may take before it is told what holds it up.
const tellHeld = 2 * time.Second

// waitGone waits until a deleted object is gone, for as long as the engine has
// patience. An API server that does not answer for a moment is waited for too.
func (x *execution) waitGone(ctx context.Context, o model.PlannedObject) error {
	limit, cancel := context.WithTimeout(ctx, x.engine.cfg.Timing.Prune)
	defer cancel()
	tick := time.NewTicker(x.engine.cfg.Timing.Poll)
	defer tick.Stop()
	began, held, last := x.engine.cfg.Now(), "", ""
	var gone time.Time // since when the API server is away
	for {
		asked := x.engine.cfg.Now()
		why, err := x.site.cluster.Remains(limit, o)
		told := err
		if model.CodeOf(err, model.ExitOK) == model.ExitUnreachable && x.answers(limit) {
			told = nil // it refuses, which is not to be away
		}
		if err == nil || limit.Err() == nil {
			gone = x.stillAway(gone, asked, told)
		}
		switch {
		case err == nil && why == "":
			return nil
		case err != nil && limit.Err() == nil && model.CodeOf(err, model.ExitOK) != model.ExitUnreachable:
			return err
		case err != nil && limit.Err() == nil:
			last = err.Error()
		case err == nil && why != held && x.engine.cfg.Now().Sub(began) >= tellHeld:
			x.log.tell(model.Event{Type: model.EventNote, Object: &o.ID, Message: fmt.Sprintf("%s is being deleted: %s", o.ID, why)})
			held = why
		}
		if err == nil {
			last = why
		}
		select {
		case <-tick.C:
		case <-limit.Done():
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return model.Errorf(model.ExitRolloutFailed,
				"%s is marked for deletion but not gone after %s: %s; it goes once that is settled, then apply again to record it",
				o.ID, x.engine.cfg.Timing.Prune, firstOf(last, "the API server did not answer"))
		}
	}
}

// stillAway tells when the API server has gone away, and since when, and when it
// is back.
func (x *execution) stillAway(gone, since time.Time, err error) time.Time {
	switch away := err != nil && model.CodeOf(err, model.ExitOK) == model.ExitUnreachable; {
	case away && gone.IsZero():
		x.log.tell(awayEvent(since, err.Error()))
		return since
	case err == nil && !gone.IsZero():
		x.log.tell(awayEvent(time.Time{}, ""))
		return time.Time{}
	}
	return gone
}

func firstOf(s ...string) string {
	for _, v := range s {
		if v != "" {
			return v
		}
	}
	return ""
}
