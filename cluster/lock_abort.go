package cluster

import (
	"context"
	"time"

	"github.com/go-logr/logr"
	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/fairtide-dev/fairtide/model"
)

const (
	// annotationAbort is who asked the holder of the lock to stop.
	annotationAbort = "fairtide.dev/abort"
	abortMost       = 200
)

// Aborted tells once who asked for what the lock is held for to be stopped. It
// is known at once where the Lease may be watched, else with the next renewal.
func (l *Lease) Aborted() <-chan string { return l.aborted }

// hear takes notice of a request to stop in a reading of the Lease.
func (l *Lease) hear(lease *coordinationv1.Lease) {
	by := plainLine(lease.Annotations[annotationAbort], abortMost)
	if by == "" || lease.Annotations[annotationToken] != l.token {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.asked {
		l.asked = true
		l.aborted <- by
	}
}

// listen watches the Lease for requests to stop, until ctx ends.
func (l *Lease) listen(ctx context.Context) {
	ctx = klog.NewContext(ctx, logr.Discard()) // nothing may print under the UI
	follow(ctx, l.c, leaseGVR, l.c.cfg.StateNamespace, "metadata.name="+stateName(l.env), leaseEar{l}, func(string, error) {})
}

// leaseEar is the store of a reflector that keeps nothing.
type leaseEar struct{ l *Lease }

var _ cache.ReflectorStore = leaseEar{}

// Add hears a Lease. It is for the reflector.
func (e leaseEar) Add(obj any) error { return e.Update(obj) }

// Update hears a Lease. It is for the reflector.
func (e leaseEar) Update(obj any) error {
	u, ok := obj.(*unstructured.Unstructured)
	if !ok {
		return nil
	}
	lease, err := typedObject[coordinationv1.Lease](u)
	if err == nil {
		e.l.hear(lease)
	}
	return err
}

// Delete does nothing: the renewal finds out. It is for the reflector.
func (leaseEar) Delete(any) error { return nil }

// Replace hears the Leases of a list. It is for the reflector.
func (e leaseEar) Replace(list []any, _ string) error {
	for _, obj := range list {
		if err := e.Update(obj); err != nil {
			return err
		}
	}
	return nil
}

// Resync does nothing: nobody asks for it. It is for the reflector.
func (leaseEar) Resync() error { return nil }

// AskAbort asks whoever holds the lock of an environment to stop what it is
// held for, and returns that lock. by is who asks, and why. It does not wait
// for the end. Without a holder there is nothing to stop, which is an error of
// ExitUsage.
func (c *Client) AskAbort(ctx context.Context, env, by string) (model.Lock, error) {
	for try := 0; ; try++ {
		lease, err := c.readLease(ctx, env)
		if err != nil {
			return model.Lock{}, err
		}
		now, _, err := c.clock(ctx)
		if err != nil {
			return model.Lock{}, err
		}
		if lease == nil || leaseLock(lease) == nil || !leaseLock(lease).Expires.After(now) {
			return model.Lock{}, model.Errorf(model.ExitUsage, "%s: nothing is under way: nobody holds the lock", env)
		}
		lock := leaseLock(lease)
		lease.Annotations[annotationAbort] = plainLine(by, abortMost)
		u, err := leaseObject(lease)
		if err != nil {
			return *lock, err
		}
		_, err = c.leases().Update(ctx, u, metav1.UpdateOptions{FieldManager: FieldManager})
		if err == nil {
			return *lock, nil
		}
		if (apierrors.IsConflict(err) || outcomeUnknown(err)) && try < lockAttempts && ctx.Err() == nil {
			if err := pause(ctx, 50*time.Millisecond); err != nil {
				return *lock, err
			}
			continue // it was renewed, or the answer got lost: to ask twice does no harm
		}
		return *lock, c.recordError(env, "update", "leases", stateName(env), err)
	}
}
