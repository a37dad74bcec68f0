package rollout

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fairtide-dev/fairtide/model"
)

// applyAtOnce is how many objects of a wave are written at the same time.
const applyAtOnce = 8

// apply writes the waves in order, watches what was written until it is ready
// and prunes last: an object is deleted only when what replaces it works. Of a
// run that is stopped between waves is watched what it has written.
func (x *execution) apply(ctx context.Context) error {
	waves := x.reading.plan.Waves()
	targets := x.unsettled(ctx)
	var overran error
	for i, w := range waves {
		if w.Prune {
			continue
		}
		if overran = x.mayBegin(ctx, waves, i); overran != nil {
			break
		}
		x.log.tell(model.Event{Type: model.EventWave, Wave: i + 1, Waves: len(waves), Message: w.Name})
		applied, err := x.applyWave(ctx, i+1, w)
		targets = append(targets, applied...)
		x.keepInventory(ctx, w)
		if err != nil {
			return x.interrupted(ctx, err)
		}
		if w.Settle {
			if err := x.watch(ctx, applied, x.engine.cfg.Timing.Settle); err != nil {
				return x.interrupted(ctx, err)
			}
			x.site.cluster.RefreshKinds()
		}
	}
	x.setState(ctx, model.RunWatching)
	if err := errors.Join(overran, x.watch(ctx, targets, x.engine.cfg.Timing.Ready)); err != nil {
		return x.interrupted(ctx, err)
	}
	if i := slices.IndexFunc(waves, func(w model.Wave) bool { return w.Prune }); i >= 0 {
		if err := x.mayBegin(ctx, waves, i); err != nil {
			return x.interrupted(ctx, err)
		}
		x.log.tell(model.Event{Type: model.EventWave, Wave: i + 1, Waves: len(waves), Message: waves[i].Name})
		if err := x.prune(ctx, i+1, waves[i]); err != nil {
			return x.interrupted(ctx, err)
		}
	}
	return nil
}

// unsettled are the objects that are live as the plan wants them, but only
// because a run wrote them that did not see them become ready. They are not
// written, and watched all the same: what an earlier run could not bring up
// does not become a success by being applied once more.
func (x *execution) unsettled(ctx context.Context) []model.Target {
	if last := x.reading.state.LastRun; last == nil || last.State == model.RunSucceeded {
		return nil
	}
	runs, err := x.site.cluster.Runs(ctx, x.site.env.Name)
	if err != nil {
		x.log.tell(model.Event{Type: model.EventNote, Message: "what earlier runs left behind is not fully known: " + err.Error()})
	}
	left := map[model.ObjectID]bool{}
	for _, r := range runs {
		if r.State == model.RunSucceeded {
			break
		}
		for _, o := range r.Objects {
			left[o.ID] = left[o.ID] || o.Result != model.ResultReady
		}
	}
	var out []model.Target
	for _, o := range x.reading.plan.Objects {
		if _, rendered := x.reading.objects[o.ID]; rendered && left[o.ID] && !o.Writes() {
			out = append(out, model.Target{ID: o.ID, Version: o.Version, UID: o.Live.UID})
		}
	}
	return out
}

// interrupted says what an abort left behind; other errors stay as they are.
func (x *execution) interrupted(ctx context.Context, err error) error {
	done := 0
	for _, o := range x.run.Objects {
		if o.Result != model.ResultPending && o.Result != model.ResultFailed {
			done++
		}
	}
	if ctx.Err() == nil {
		if done > 0 && model.CodeOf(err, model.ExitRolloutFailed) == model.ExitPlanMoved {
			// Exit code 4 promises that nothing was written.
			err = &model.Error{Code: model.ExitRolloutFailed, Err: fmt.Errorf("%d of %d objects were written: %w", done, len(x.run.Objects), err)}
		}
		return err
	}
	return &model.Error{Code: model.ExitInterrupted, Err: fmt.Errorf(
		"stopped: %d of %d objects were written, and stay as they are; plan again to see what is left: %w",
		done, len(x.run.Objects), context.Canceled)}
}

func (x *execution) applyWave(ctx context.Context, number int, w model.Wave) ([]model.Target, error) {
	var mu sync.Mutex
	var targets []model.Target
	var failures []error
	g := errgroup.Group{}
	g.SetLimit(applyAtOnce)
	for _, o := range w.Objects {
		g.Go(func() error {
			if x.mayWrite(ctx) != nil {
				return nil // neither an abort nor a lost lock starts a new write
			}
			entry, err := x.site.cluster.Apply(ctx, x.reading.objects[o.ID], o)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failures = append(failures, err)
				x.mark(o.ID, model.ResultFailed, err.Error())
				return nil
			}
			noteUID(x.state.Inventory, entry)
			x.mark(o.ID, model.ResultApplied, "")
			targets = append(targets, model.Target{ID: entry.ID, Version: entry.Version, UID: entry.UID})
			x.log.tell(model.Event{Type: model.EventApplied, Object: &o.ID, Verdict: o.Verdict, Wave: number})
			return nil
		})
	}
	_ = g.Wait() // the functions keep their errors themselves: one must not hide another
	if err := x.mayWrite(ctx); err != nil && len(failures) == 0 {
		failures = append(failures, err)
	}
	return targets, errors.Join(failures...)
}

var errLost = errors.New("the lock was lost")

func (x *execution) mayWrite(ctx context.Context) error {
	if !x.lease.Held() {
		return errLost
	}
	return ctx.Err()
}

// mark notes what became of an object. The caller holds the wave's lock, or is
// the only one at work.
func (x *execution) mark(id model.ObjectID, r model.ObjectResult, message string) {
	i := slices.IndexFunc(x.run.Objects, func(o model.RunObject) bool { return o.ID == id })
	if i >= 0 {
		x.run.Objects[i].Result, x.run.Objects[i].Message = r, message
	}
}

// setState records that the run has moved on. The record is for others to
// look at; not being able to write it now does not stop the run.
func (x *execution) setState(ctx context.Context, s model.RunState) {
	x.run.State = s
	if x.sandbox {
		return
	}
	if err := x.site.cluster.SaveRun(ctx, x.run); err != nil && ctx.Err() == nil {
		x.log.tell(model.Event{Type: model.EventNote, Message: "the run's record could not be updated: " + err.Error()})
	}
}

// watch waits until every target is ready. It fails when one has failed, when
// one has been doomed for longer than it is given, and when time is up.
func (x *execution) watch(ctx context.Context, targets []model.Target, limit time.Duration) error {
	if len(targets) == 0 {
		return nil
	}
	watching, cancel := context.WithCancel(ctx)
	defer cancel()
	t := newTracker(targets, x.engine.cfg.Timing.Doomed)
	readings := make(chan model.Progress)
	ended := make(chan struct{})
	var failure error // of the watch, once ended is closed
	go func() {
		defer close(ended)
		failure = x.site.cluster.Watch(watching, targets, func(p model.Progress) {
			select {
			case readings <- p:
			case <-watching.Done():
			}
		})
	}()
	defer func() {
		cancel()
		drain(readings, ended)
	}()

	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	doom := time.NewTimer(limit)
	defer doom.Stop()
	for {
		select {
		case p := <-readings:
			x.progress(p)
			t.see(p, x.engine.cfg.Now())
			if t.done() || t.failed() {
				return t.verdict()
			}
			if at, ok := t.doomedAt(); ok {
				doom.Reset(at.Sub(x.engine.cfg.Now()))
			} else {
				doom.Reset(limit)
			}
		case <-doom.C:
			if at, ok := t.doomedAt(); ok && !at.After(x.engine.cfg.Now()) {
				return t.verdict()
			}
		case <-deadline.C:
			return t.late(limit)
		case <-ended:
			if failure == nil && ctx.Err() == nil {
				failure = model.Errorf(model.ExitUnreachable, "the watch ended early; run `fairtide diff` to see where it stands")
			}
			return errors.Join(failure, ctx.Err())
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// drain lets a cancelled watch end before its caller returns.
func drain(readings <-chan model.Progress, ended <-chan struct{}) {
	for {
		select {
		case <-readings:
		case <-ended:
			return
		}
	}
}

func (x *execution) progress(p model.Progress) {
	kind := model.EventProgress
	if p.Cause != "" {
		kind = model.EventCause
	}
	switch p.Readiness {
	case model.ReadinessReady:
		x.mark(p.ID, model.ResultReady, "")
	case model.ReadinessFailed:
		x.mark(p.ID, model.ResultFailed, firstOf(p.Cause, p.Message))
	}
	x.log.tell(model.Event{Type: kind, Object: &p.ID, Progress: &p, Message: firstOf(p.Cause, p.Message)})
}

// prune deletes what left the render, one after the other in the wave's order,
// and waits until it is gone.
func (x *execution) prune(ctx context.Context, number int, w model.Wave) error {
	for _, o := range w.Objects {
		if err := x.mayWrite(ctx); err != nil {
			return err
		}
		if err := x.site.cluster.Delete(ctx, o); err != nil {
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

// tellHeld is how long a deletion may take before it is told what holds it up.
const tellHeld = 2 * time.Second

// waitGone waits until a deleted object is gone, for as long as the engine has
// patience.
func (x *execution) waitGone(ctx context.Context, o model.PlannedObject) error {
	limit, cancel := context.WithTimeout(ctx, x.engine.cfg.Timing.Prune)
	defer cancel()
	tick := time.NewTicker(x.engine.cfg.Timing.Poll)
	defer tick.Stop()
	began, held, last := x.engine.cfg.Now(), "", ""
	for {
		why, err := x.site.cluster.Remains(limit, o)
		switch {
		case err == nil && why == "", err != nil && limit.Err() == nil:
			return err
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

func firstOf(s ...string) string {
	for _, v := range s {
		if v != "" {
			return v
		}
	}
	return ""
}
