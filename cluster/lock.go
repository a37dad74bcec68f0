package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/fairtide-dev/fairtide/model"
)

const (
	leaseDuration = 30 * time.Second
	// lockAttempts bounds how often a Lease may change under our hands.
	lockAttempts = 5
	// lockTries bounds how long, some ten seconds, it is looked for a lock that
	// may be ours already.
	lockTries = 9
	// annotationToken tells two holders of the same name apart, annotationRun
	// says what the lock is held for, annotationDoing what its holder does, and
	// annotationTookOver why it was taken over.
	annotationToken    = "fairtide.dev/lock"
	annotationRun      = "fairtide.dev/run"
	annotationDoing    = "fairtide.dev/doing"
	annotationTookOver = "fairtide.dev/took-over"

	doingMost = 120
	// doingPace is the shortest time between two renewals that tell what the
	// holder does.
	doingPace = time.Second
	tookMost  = 500
)

var leaseGVR = schema.GroupVersionResource{Group: "coordination.k8s.io", Version: "v1", Resource: "leases"}

// errLeaseGone says that the Lease names another holder, or is no more.
var errLeaseGone = errors.New("the lock was taken by someone else")

// Lease is a lock that is held. It is renewed in the background until Release,
// or until it is lost. It is safe for concurrent use.
//
// A lock alone cannot keep a write from arriving late: writes must also carry
// the resourceVersion that was read under it.
type Lease struct {
	c        *Client
	env      string
	token    string
	duration time.Duration
	previous *model.Lock

	lost chan struct{}
	// aborted holds who asked for an abort; asked, under mu, that somebody has.
	aborted chan string
	asked   bool
	stop    context.CancelFunc
	done    chan struct{}

	op sync.Mutex // one request at a time; guards current
	// current is the Lease as last read.
	current *coordinationv1.Lease

	mu       sync.Mutex
	renewed  time.Time // local, before the last renewal that succeeded was sent
	isLost   bool
	released bool
	doing    string    // what the next renewal says
	sent     time.Time // local, when it was renewed last, or that was tried

	news chan struct{} // holds one token when doing is another than was told
}

func (c *Client) leases() dynamic.ResourceInterface {
	return c.dyn.Resource(leaseGVR).Namespace(c.cfg.StateNamespace)
}

func (c *Client) leaseTimes() (duration, renew time.Duration) {
	duration, renew = c.cfg.LeaseDuration, c.cfg.LeaseRenew
	if duration <= 0 {
		duration = leaseDuration
	}
	duration = max(duration.Truncate(time.Second), time.Second)
	if renew <= 0 || renew >= duration {
		renew = duration / 3
	}
	return duration, renew
}

// ReadLock says who may write to an environment; nil when nobody holds the
// lock, or its holder let it expire.
func (c *Client) ReadLock(ctx context.Context, env string) (*model.Lock, error) {
	lock, expired, err := c.lockNow(ctx, env)
	if expired {
		return nil, err
	}
	return lock, err
}

// Expired is the lock that its holder let expire: what Lock would take over;
// nil when it is free, or held.
func (c *Client) Expired(ctx context.Context, env string) (*model.Lock, error) {
	lock, expired, err := c.lockNow(ctx, env)
	if !expired {
		return nil, err
	}
	return lock, err
}

// lockNow is what the Lease of an environment says, and whether that has
// expired by the API server's clock; nil when it names no holder.
func (c *Client) lockNow(ctx context.Context, env string) (lock *model.Lock, expired bool, err error) {
	lease, err := c.readLease(ctx, env)
	if err != nil || lease == nil {
		return nil, false, err
	}
	if lock = leaseLock(lease); lock == nil {
		return nil, false, nil
	}
	now, _, err := c.clock(ctx)
	if err != nil {
		return nil, false, err
	}
	return lock, !lock.Expires.After(now), nil
}

// readLease reads an environment's Lease; nil when there is none.
func (c *Client) readLease(ctx context.Context, env string) (*coordinationv1.Lease, error) {
	u, err := c.leases().Get(ctx, stateName(env), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, c.recordError(env, "get", "leases", stateName(env), err)
	}
	return typedObject[coordinationv1.Lease](u)
}

// leaseLock is what a Lease says; nil when it names no holder.
func leaseLock(l *coordinationv1.Lease) *model.Lock {
	if l.Spec.HolderIdentity == nil || *l.Spec.HolderIdentity == "" {
		return nil
	}
	lock := &model.Lock{
		Holder: plainLine(*l.Spec.HolderIdentity, 120),
		Run:    plainLine(l.Annotations[annotationRun], 80),
		Doing:  plainLine(l.Annotations[annotationDoing], doingMost), TookOver: plainLine(l.Annotations[annotationTookOver], tookMost),
	}
	if l.Spec.AcquireTime != nil {
		lock.Since = l.Spec.AcquireTime.UTC()
	}
	if l.Spec.RenewTime != nil && l.Spec.LeaseDurationSeconds != nil {
		lock.Expires = l.Spec.RenewTime.Add(time.Duration(*l.Spec.LeaseDurationSeconds) * time.Second).UTC()
	}
	return lock
}

func leaseVerb(lease *coordinationv1.Lease) string {
	if lease == nil {
		return "create"
	}
	return "update"
}

// take writes the Lease if it still is as it was read; nil: there is none.
func (l *Lease) take(ctx context.Context, lease *coordinationv1.Lease, ask model.LockAsk, now time.Time) (*coordinationv1.Lease, error) {
	if lease == nil {
		lease = &coordinationv1.Lease{
			TypeMeta: metav1.TypeMeta{APIVersion: "coordination.k8s.io/v1", Kind: "Lease"},
			ObjectMeta: metav1.ObjectMeta{Name: stateName(l.env), Labels: map[string]string{
				labelManagedBy: FieldManager, labelEnvironment: l.env,
			}},
		}
		lease.Spec.LeaseTransitions = new(int32(0))
	} else {
		var n int32
		if lease.Spec.LeaseTransitions != nil {
			n = *lease.Spec.LeaseTransitions
		}
		lease.Spec.LeaseTransitions = new(n + 1)
	}
	if lease.Annotations == nil {
		lease.Annotations = map[string]string{}
	}
	lease.Annotations[annotationToken], lease.Annotations[annotationRun] = l.token, ask.Run
	setOrDrop(lease.Annotations, annotationDoing, l.doing)
	setOrDrop(lease.Annotations, annotationTookOver, "")
	setOrDrop(lease.Annotations, annotationAbort, "")
	if l.previous != nil {
		lease.Annotations[annotationTookOver] = plainLine(fmt.Sprintf("from %s, expired at %s: %s",
			l.previous.Holder, l.previous.Expires.Format(time.RFC3339), ask.TakeOver), tookMost)
	}
	lease.Spec.HolderIdentity = &ask.Holder
	lease.Spec.LeaseDurationSeconds = new(int32(l.duration / time.Second))
	lease.Spec.AcquireTime = &metav1.MicroTime{Time: now}
	lease.Spec.RenewTime = renewTime(now)
	u, err := leaseObject(lease)
	if err != nil {
		return nil, err
	}
	if lease.ResourceVersion == "" {
		u, err = l.c.createRecord(ctx, l.env, leaseGVR, u)
	} else {
		u, err = l.c.leases().Update(ctx, u, metav1.UpdateOptions{FieldManager: FieldManager})
	}
	if err != nil {
		return nil, err
	}
	return typedObject[coordinationv1.Lease](u)
}

func setOrDrop(m map[string]string, key, value string) {
	if delete(m, key); value != "" {
		m[key] = value
	}
}

// renewTime is when a Lease was renewed by the API server's clock, of which we
// know the whole seconds only. Rounded up here and down by who judges the
// expiry, a Lease never seems expired to others before its holder gives it up.
func renewTime(now time.Time) *metav1.MicroTime {
	return &metav1.MicroTime{Time: now.Add(time.Second)}
}

func leaseObject(lease *coordinationv1.Lease) (*unstructured.Unstructured, error) {
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(lease)
	if err != nil {
		return nil, fmt.Errorf("encode Lease %s: %w", lease.Name, err)
	}
	return &unstructured.Unstructured{Object: fields}, nil
}

func (c *Client) lockedError(env string, held *model.Lock) error {
	text := fmt.Sprintf("%s: locked by %s since %s", env, held.Holder, c.clockTime(held.Since))
	if held.Run != "" {
		text += " for run " + held.Run
	}
	if held.Doing != "" {
		text += " (" + held.Doing + ")"
	}
	return model.Errorf(model.ExitLocked, "%s, until %s unless it is renewed; try again when it has ended", text, c.clockTime(held.Expires))
}

// Previous is the lock this one took over because it had expired; nil when the
// lock was free. Its run was interrupted.
func (l *Lease) Previous() *model.Lock { return l.previous }

// Lost is closed when the lock is held no longer although it was not released:
// it could not be renewed for so long that it expired, or someone else has it.
func (l *Lease) Lost() <-chan struct{} { return l.lost }

// Held reports whether the lock is surely held at this moment. Ask before each
// write: after a computer slept, Lost may be closed only a moment later.
func (l *Lease) Held() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.isLost && !l.released && l.left() > 0
}

// left is how long the lock holds by the local clock; l.mu is held. The wall
// clock counts too, as the monotonic one stops while a computer sleeps.
func (l *Lease) left() time.Duration {
	now := l.c.cfg.Now()
	since := max(now.Sub(l.renewed), now.Round(0).Sub(l.renewed.Round(0)))
	return l.duration - since
}

// keep renews the lock until ctx ends or the lock is lost: when it is time, and
// earlier when its holder does something else. To be early, and to fail then, is
// no other than a renewal at its time: it is tried again before it is too late.
func (l *Lease) keep(ctx context.Context, every time.Duration) {
	defer close(l.done)
	wait := every
	for l.rest(ctx, wait) {
		l.mu.Lock()
		left := l.left()
		l.mu.Unlock()
		if left <= 0 {
			l.lose()
			return
		}
		request, cancel := context.WithTimeout(ctx, min(left, every))
		err := l.write(request, func(*coordinationv1.Lease) {})
		cancel()
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, errLeaseGone):
			l.lose()
			return
		case err != nil:
			l.mu.Lock()
			wait = max(min(every/4, l.left()), time.Millisecond)
			l.mu.Unlock()
		default:
			wait = every
		}
	}
}

// rest waits until it is time to renew the lock, or for a change in what its
// holder does to be told; false: ctx has ended. Many changes are told at once.
func (l *Lease) rest(ctx context.Context, wait time.Duration) bool {
	due := time.NewTimer(wait)
	defer due.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-due.C:
		return true
	case <-l.news:
	}
	l.mu.Lock()
	early := time.NewTimer(max(doingPace-time.Since(l.sent), 0))
	l.mu.Unlock()
	defer early.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-early.C:
	case <-due.C:
	}
	return true
}

func (l *Lease) lose() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.isLost && !l.released {
		l.isLost = true
		close(l.lost)
	}
}

// write changes the Lease and renews it, as long as it is ours.
func (l *Lease) write(ctx context.Context, change func(*coordinationv1.Lease)) error {
	l.op.Lock()
	defer l.op.Unlock()
	start := l.c.cfg.Now()
	l.mu.Lock()
	l.sent = time.Now()
	l.mu.Unlock()
	now, _, err := l.c.clock(ctx)
	if err != nil {
		return err
	}
	for range lockAttempts {
		next := l.current.DeepCopy()
		next.Spec.RenewTime = renewTime(now)
		l.mu.Lock()
		setOrDrop(next.Annotations, annotationDoing, l.doing)
		l.mu.Unlock()
		change(next)
		u, encodeErr := leaseObject(next)
		if encodeErr != nil {
			return encodeErr
		}
		u, err = l.c.leases().Update(ctx, u, metav1.UpdateOptions{FieldManager: FieldManager})
		if err == nil {
			if l.current, err = typedObject[coordinationv1.Lease](u); err != nil {
				return err
			}
			l.mu.Lock()
			l.renewed = start
			l.mu.Unlock()
			return nil
		}
		if apierrors.IsNotFound(err) {
			return errLeaseGone
		}
		if !apierrors.IsConflict(err) {
			return l.c.recordError(l.env, "update", "leases", stateName(l.env), err)
		}
		// Someone took it, or put a label on it, or an earlier write of ours
		// arrived although its answer did not.
		lease, readErr := l.c.readLease(ctx, l.env)
		if readErr != nil {
			return readErr
		}
		if lease == nil || lease.Annotations[annotationToken] != l.token {
			return errLeaseGone
		}
		l.current = lease
		l.hear(lease)
	}
	return l.c.recordError(l.env, "update", "leases", stateName(l.env), err)
}

// SetRun says for which run the lock is held, when that was not known yet.
func (l *Lease) SetRun(ctx context.Context, run string) error {
	if !l.Held() {
		return l.lostError()
	}
	err := l.surely(ctx, func(lease *coordinationv1.Lease) { lease.Annotations[annotationRun] = run })
	if errors.Is(err, errLeaseGone) {
		l.lose()
		return l.lostError()
	}
	return err
}

// surely is write, and again when the API server does not answer: the same
// change, and only while the Lease is ours.
func (l *Lease) surely(ctx context.Context, change func(*coordinationv1.Lease)) error {
	for t := newTries(ctx, mostLost); ; {
		err := l.write(ctx, change)
		if err == nil || model.CodeOf(err, model.ExitOK) != model.ExitUnreachable || !t.again(ctx, err) {
			return err
		}
	}
}

// SetDoing says in few words what the holder does, for everybody to see. It does
// not wait: the lock is renewed soon, and carries it.
func (l *Lease) SetDoing(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if text = plainLine(text, doingMost); text == l.doing {
		return
	}
	l.doing = text
	select {
	case l.news <- struct{}{}:
	default:
	}
}

func (l *Lease) lostError() error {
	return model.Errorf(model.ExitLocked, "%s: the lock was lost; look at the environment again", l.env)
}

// Release gives the lock back. It may be called again when it failed, and does
// nothing when the lock was lost or released before.
func (l *Lease) Release(ctx context.Context) error {
	l.stop()
	<-l.done
	l.mu.Lock()
	over := l.released || l.isLost
	l.mu.Unlock()
	if over {
		return nil
	}
	err := l.surely(ctx, func(lease *coordinationv1.Lease) {
		lease.Spec.HolderIdentity = nil
		delete(lease.Annotations, annotationToken)
		delete(lease.Annotations, annotationRun)
		delete(lease.Annotations, annotationAbort)
		delete(lease.Annotations, annotationDoing)
		delete(lease.Annotations, annotationTookOver)
	})
	if err != nil && !errors.Is(err, errLeaseGone) {
		return fmt.Errorf("the lock expires by itself in %s: %w", l.duration, err)
	}
	l.mu.Lock()
	l.released = true
	l.mu.Unlock()
	return nil
}
