package rollout

import (
	"context"
	"errors"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

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
