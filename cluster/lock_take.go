package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/fairtide-dev/fairtide/model"
)

// Lock takes the lock of an environment. It does not wait: a lock that is
// held is refused with ExitLocked and says by whom. Whether one has expired is
// judged by the API server's clock alone. After a take-over nothing that the
// old holder still sends to the state or to its run's record is accepted.
//
// The lock outlives ctx: it is held until Release, so that a run that is
// interrupted can still close its record.
func (c *Client) Lock(ctx context.Context, env string, ask model.LockAsk) (*Lease, error) {
	duration, renew := c.leaseTimes()
	l := &Lease{
		c: c, env: env, token: nonce(), duration: duration, doing: plainLine(ask.Doing, doingMost),
		lost: make(chan struct{}), done: make(chan struct{}), aborted: make(chan string, 1), news: make(chan struct{}, 1),
	}
	var lost error // why it is not known whether the lock is ours already
	t := newTries(ctx, lockTries)
	for range lockAttempts {
		start := c.cfg.Now()
		now, lease, err := l.look(ctx)
		for err != nil && lost != nil && t.again(ctx, err) {
			start = c.cfg.Now()
			now, lease, err = l.look(ctx)
		}
		if err != nil {
			return nil, l.maybeTaken(lost, err)
		}
		if err := l.mayTake(lease, ask, now); err != nil {
			return nil, err
		}
		got, err := l.take(ctx, lease, ask, now)
		if apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) {
			continue // look again: someone was faster, or we were and the answer got lost
		}
		if outcomeUnknown(err) && ctx.Err() == nil {
			lost = err
			if t.again(ctx, err) {
				continue
			}
		}
		if err != nil {
			if model.CodeOf(err, model.ExitOK) != model.ExitOK {
				return nil, err
			}
			return nil, c.recordError(env, leaseVerb(lease), "leases", stateName(env), err)
		}
		l.current, l.renewed = got, start
		var background context.Context
		background, l.stop = context.WithCancel(context.WithoutCancel(ctx))
		go l.keep(background, renew)
		go l.listen(background)
		if err := l.fenceOff(ctx, ask.Holder); err != nil {
			return nil, err
		}
		return l, nil
	}
	return nil, model.Errorf(model.ExitLocked, "%s: the lock cannot be taken: Lease %s/%s changes too fast, or the API server's answers get lost; try again",
		env, c.cfg.StateNamespace, stateName(env))
}

// look reads the API server's clock and then the Lease.
func (l *Lease) look(ctx context.Context) (time.Time, *coordinationv1.Lease, error) {
	now, _, err := l.c.clock(ctx)
	if err != nil {
		return now, nil, err
	}
	lease, err := l.c.readLease(ctx, l.env)
	return now, lease, err
}

// maybeTaken is an error of a lock that may have been taken, if an answer was
// lost before.
func (l *Lease) maybeTaken(lost, err error) error {
	if lost == nil {
		return err
	}
	return fmt.Errorf("the lock may have been taken, and then expires by itself in %s: %w", l.duration, err)
}

// mayTake refuses a lock that is held, and one that expired unless there is a
// reason to take it over.
func (l *Lease) mayTake(lease *coordinationv1.Lease, ask model.LockAsk, now time.Time) error {
	if lease == nil || lease.Annotations[annotationToken] == l.token {
		return nil // free, or ours already: the answer got lost
	}
	held := leaseLock(lease)
	if held != nil && held.Expires.After(now) {
		return l.c.lockedError(l.env, held)
	}
	if held != nil && ask.TakeOver == "" {
		return &model.TakeOverError{Environment: l.env, Lock: *held}
	}
	l.previous = held
	return nil
}

// fenceOff shuts out the holder that the lock was taken over from. Without that
// the lock is no good, and is given back.
func (l *Lease) fenceOff(ctx context.Context, holder string) error {
	if l.previous == nil {
		return nil
	}
	err := l.c.fence(l.Under(ctx), l.env, l.previous.Run, holder)
	if err == nil {
		return nil
	}
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.duration)
	defer cancel()
	return errors.Join(err, l.Release(within))
}
