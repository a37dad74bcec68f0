package rollout

import (
	"context"
	"errors"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// watch waits until every target is ready. It fails when one has failed, when
// one has been doomed for longer than it is given, and when time is up. Where
// the policy says to go on, it first waits for the others too. What is known to
// keep a target from becoming ready is its cause from the first reading on, until
// the readings say otherwise.
func (x *execution) watch(ctx context.Context, targets []model.Target, limit time.Duration, known foresight) error {
	if len(targets) == 0 {
		return nil
	}
	watching, cancel := context.WithCancel(ctx)
	defer cancel()
	t := newTracker(targets, x.engine.cfg.Timing.Doomed)
	patient := x.site.env.Rollout.OnFailure == model.FailContinue
	readings := make(chan model.Progress)
	ended := make(chan struct{})
	var failure error  // of the watch, once ended is closed
	var gone time.Time // likewise: since when the API server is away
	go func() {
		defer close(ended)
		failure = x.site.cluster.Watch(watching, targets, func(p model.Progress) {
			hand(watching, readings, p)
		}, x.awayInto(&gone))
	}()
	defer func() {
		cancel()
		drain(readings, ended)
		if !gone.IsZero() && t.over(x.engine.cfg.Now(), patient) {
			x.log.tell(awayEvent(time.Time{}, "")) // not all of the watches were resumed yet
		}
	}()

	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	doom := time.NewTimer(limit)
	defer doom.Stop()
	for {
		select {
		case p := <-readings:
			known.explain(&p)
			x.progress(p)
			t.see(p, x.engine.cfg.Now())
		case <-doom.C:
		case <-deadline.C:
			return x.notReady(t.late(limit))
		case <-ended:
			if failure == nil && ctx.Err() == nil {
				failure = model.Errorf(model.ExitUnreachable, "the watch ended early; run `fairtide diff` to see where it stands")
			}
			return errors.Join(failure, ctx.Err())
		case <-ctx.Done():
			return ctx.Err()
		}
		now := x.engine.cfg.Now()
		if t.over(now, patient) {
			return x.notReady(t.verdict())
		}
		if at, ok := t.doomedAt(now); ok {
			doom.Reset(at.Sub(now))
		} else {
			doom.Reset(limit)
		}
	}
}

// notReady notes in the record what did not become ready, and is the error of it.
func (x *execution) notReady(misses []miss) error {
	for _, m := range misses {
		x.mark(m.id, model.ResultFailed, m.err.Error())
	}
	return joined(misses)
}

// awayInto tells since when the API server is away, and keeps it.
func (x *execution) awayInto(gone *time.Time) func(since time.Time, why string) {
	return func(since time.Time, why string) {
		*gone = since
		x.log.tell(awayEvent(since, why))
	}
}

// awayEvent tells since when the API server does not answer, or that it does
// again.
func awayEvent(since time.Time, why string) model.Event {
	ev := model.Event{Type: model.EventAway, Since: since, Message: "the API server answers again"}
	if !since.IsZero() {
		ev.Message = "the API server does not answer since " + clockTime(since) + ": " + why
	}
	return ev
}

func hand(ctx context.Context, readings chan<- model.Progress, p model.Progress) {
	select {
	case readings <- p:
	case <-ctx.Done():
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
