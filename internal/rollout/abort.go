package rollout

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/fairtide-dev/fairtide/model"
)

// Abort asks whoever holds the lock of an environment to stop what it does, and
// returns that lock. It does not wait for the end: Follow tells it.
func (e *Engine) Abort(ctx context.Context, name, reason string) (model.Lock, error) {
	if e.cfg.ReadOnly {
		return model.Lock{}, model.Errorf(model.ExitUsage, "started with --read-only: no run is stopped")
	}
	if strings.TrimSpace(reason) == "" {
		return model.Lock{}, model.Errorf(model.ExitUsage, "%s: to stop a run takes a reason", name)
	}
	s, err := e.locate(ctx, name)
	if err != nil {
		return model.Lock{}, err
	}
	info, err := s.cluster.Info(ctx)
	if err != nil {
		return model.Lock{}, prefix(name, err)
	}
	lock, err := s.cluster.AskAbort(ctx, name, fmt.Sprintf("%s@%s: %s", info.User, e.cfg.Host, strings.TrimSpace(reason)))
	if err != nil {
		return lock, prefix(name, nobodyToAsk(ctx, s, err))
	}
	return lock, nil
}

// nobodyToAsk is the error where nobody holds the lock: there is nothing to
// stop, but there may be something to continue.
func nobodyToAsk(ctx context.Context, s site, err error) error {
	if model.CodeOf(err, model.ExitOK) != model.ExitUsage {
		return err
	}
	runs, failure := s.cluster.Runs(ctx, s.env.Name)
	if len(runs) == 0 || runs[0].State.Final() {
		return errors.Join(err, failure)
	}
	return model.Errorf(model.ExitUsage, "there is nobody to stop: %s", cutOff(runs[0]))
}

// AbortAndFollow is Abort, and tells the story of the run until it has ended, as
// Follow does. The error is nil when nothing more is written because of it: the
// run was aborted, or there was none yet.
func (e *Engine) AbortAndFollow(ctx context.Context, name, reason string, begin func(model.Run), emit func(model.Event)) (model.Run, error) {
	lock, err := e.Abort(ctx, name, reason)
	if err != nil {
		return model.Run{}, err
	}
	emit(model.Event{Time: e.cfg.Now().UTC(), Type: model.EventNote, Run: lock.Run, Message: lock.Holder + " was asked to stop"})
	run, err := e.Follow(ctx, name, begin, emit)
	switch {
	case ctx.Err() != nil:
	case err == nil:
		err = model.Errorf(model.ExitUsage, "run %s succeeded before it could be stopped", run.ID)
	case errors.Is(err, ErrIdle) && (lock.Run == "" || run.ID == lock.Run && run.State == model.RunAborted):
		err = nil // it was stopped before it had a record, or already
	case errors.Is(err, ErrIdle):
		err = model.Errorf(model.ExitUsage, "run %s had ended before it could be stopped: %s", run.ID, run.State)
	case run.State == model.RunAborted:
		err = nil
	}
	return run, prefix(name, err)
}
