package cluster

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/fairtide-dev/fairtide/model"
)

// How long it is waited until the API server is asked again that is away when a
// watch begins.
const (
	askAgainFirst = 200 * time.Millisecond
	askAgainMost  = 5 * time.Second
)

// resolve finds the resources of the targets' kinds; nil: the kind is not served.
// While the API server is away it waits, and away is told. It returns when ctx
// ends, without an answer.
func (w *watchRun) resolve(ctx context.Context, targets []model.Target, away func(since time.Time, why string)) ([]*meta.RESTMapping, error) {
	out := make([]*meta.RESTMapping, len(targets))
	found := make(chan error, 1)
	go func() { found <- w.lookUp(ctx, targets, out) }() // which nobody can interrupt: it ends by itself
	probing, stop := context.WithCancel(ctx)
	var probe sync.WaitGroup
	defer func() {
		stop()
		probe.Wait()
		w.answered(probeKey, nil) // the feeds take over
	}()
	slow := time.NewTimer(awayAfter)
	defer slow.Stop()
	var later <-chan time.Time
	for {
		select {
		case err := <-found:
			return out, err
		case <-ctx.Done():
			return nil, nil
		case <-slow.C: // to look kinds up is tried for long before it fails
			probe.Go(func() {
				_ = w.insist(probing, probeKey, func() error {
					_, _, err := w.c.clock(atOnce(probing))
					return err
				})
			})
		case <-w.wake:
		case <-later:
		}
		var again time.Duration
		if w.tellAway(w.c.cfg.Now(), &again, away); again > 0 {
			later = time.After(again)
		}
	}
}

// The requests that are made when a watch begins, for what is known of the API
// server's absence.
var (
	lookUpKey = feedKey{kind: feedOnce}
	probeKey  = feedKey{kind: feedOnce, fields: "version"}
)

// lookUp is resolve without telling anybody.
func (w *watchRun) lookUp(ctx context.Context, targets []model.Target, out []*meta.RESTMapping) error {
	for i, t := range targets {
		err := w.insist(ctx, lookUpKey, func() (err error) {
			out[i], err = w.c.mapping(t.ID, t.Version)
			return err
		})
		switch {
		case err == nil, meta.IsNoMatchError(err):
		case ctx.Err() != nil:
			return nil //nolint:nilerr // nobody waits for the answer
		default:
			return w.c.unreachable(err)
		}
	}
	return nil
}

// insist asks until the API server answers, whatever that is, or ctx ends.
func (w *watchRun) insist(ctx context.Context, what feedKey, ask func() error) error {
	for wait := askAgainFirst; ; wait = min(2*wait, askAgainMost) {
		err := ask()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !isAway(err) {
			w.answered(what, nil)
			return err
		}
		w.answered(what, err)
		if pause(ctx, wait) != nil {
			return ctx.Err()
		}
	}
}

// answered takes note of how a request went that is made once.
func (w *watchRun) answered(what feedKey, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.away.note(what, err, w.c.cfg.Now(), func(error) string { return "" }) {
		w.stir()
	}
}

// isAway reports whether an error says nothing but that the API server cannot be
// asked just now. Who is refused by its certificate, or has no credentials, waits
// in vain.
func isAway(err error) bool {
	var status apierrors.APIStatus
	switch {
	case err == nil, meta.IsNoMatchError(err):
		return false
	case errors.As(err, &status):
		code := status.Status().Code
		return code == 0 || code >= 500 || apierrors.IsTooManyRequests(err)
	}
	if op := (*net.OpError)(nil); errors.As(err, &op) && op.Op == "remote error" { // a TLS alert: there is an answer
		return false
	}
	timeout := net.Error(nil)
	return isNetwork(err) || errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}
