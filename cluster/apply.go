package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
	"github.com/fairtide-dev/fairtide/model"
)

const (
	// mostWrites bounds how often a write is sent again because only the
	// object's status moved under it, which a busy workload's does often.
	mostWrites = 8
	// mostLost bounds how often a write is sent again whose answer got lost.
	mostLost = 3
	// kindTries, a retryPause apart, bound how long what the same plan creates
	// may take to be served: a kind, a new field of it, a namespace.
	kindTries  = 100
	retryPause = 100 * time.Millisecond

	// noReading is the resourceVersion of no object ever: etcd counts from 1
	// and the first write makes it 2. An apply that carries it creates the
	// object, or is refused with a conflict when there is one.
	noReading = "1"
)

// Apply writes one object of a plan by server-side apply, taking over the
// fields that others own, and returns its inventory entry. obj and planned are
// a pair as Plan made them.
//
// It writes only to the object that the plan was made from: one that moved
// since in more than its status is left alone, with an error of ExitPlanMoved
// that says what moved. The write is repeated, with the same precondition, when
// its answer gets lost on the way. An object that applying would not alter is
// not written at all.
//
// An object to replace is deleted, waited for and made again. When that ends in
// between, the error says that the object does not exist, and a new plan
// creates it.
func (c *Client) Apply(ctx context.Context, obj model.Object, planned model.PlannedObject) (model.InventoryEntry, error) {
	return c.applyWithin(ctx, obj, planned, goneLimit)
}

// applyWithin is Apply with a limit for how long a replaced object may take to
// go.
func (c *Client) applyWithin(ctx context.Context, obj model.Object, planned model.PlannedObject, gone time.Duration) (model.InventoryEntry, error) {
	entry := model.InventoryEntry{ID: obj.ID, Version: obj.Version, UID: planned.Live.UID}
	if obj.ID != planned.ID {
		return entry, fmt.Errorf("%s: the plan's row is for %s", obj.ID, planned.ID)
	}
	switch planned.Verdict {
	case model.VerdictUnchanged, model.VerdictCreate, model.VerdictUpdate:
	case model.VerdictReplace:
		if !planned.MayReplace {
			return entry, model.Errorf(model.ExitRolloutFailed,
				"%s: not replaced, as neither the environment's policy nor the operator allows it: %s", obj.ID, planned.Reason)
		}
	default:
		return entry, model.Errorf(model.ExitRolloutFailed, "%s: not applied, as its verdict is %s: %s", obj.ID, planned.Verdict, planned.Reason)
	}
	if !planned.Writes() {
		return entry, nil
	}
	w, err := c.newWriter(ctx, obj, planned)
	if err != nil {
		return entry, err
	}
	uid := ""
	if planned.Verdict == model.VerdictReplace {
		uid, err = w.replace(ctx, gone)
	} else {
		uid, err = w.apply(ctx)
	}
	if err != nil {
		return entry, err
	}
	entry.UID = uid
	return entry, nil
}

// Delete deletes an object that a plan prunes, and what it owns in the
// background. It deletes only the object that the plan was made from, and only
// if nothing but its status moved since (else: ExitPlanMoved). That it is gone
// already is success. Delete does not wait until the object is gone: see Remains.
func (c *Client) Delete(ctx context.Context, planned model.PlannedObject) error {
	if planned.Verdict != model.VerdictDelete {
		return fmt.Errorf("%s: not deleted, as its verdict is %s", planned.ID, planned.Verdict)
	}
	w, err := c.newWriter(ctx, model.Object{ID: planned.ID, Version: planned.Version}, planned)
	if meta.IsNoMatchError(err) {
		if why := c.brokenGroup(planned.ID.Group); why != nil {
			return fmt.Errorf("%s: %w", planned.ID, c.serverError(ctx, why))
		}
		return nil // the kind is gone, and the object with it
	}
	if err != nil {
		return err
	}
	return w.delete(ctx)
}

// objectWriter carries one write through its retries.
type objectWriter struct {
	c       *Client
	it      *planItem
	planned model.PlannedObject
	pin     model.LiveRef // the reading the write is bound to
	lost    int           // answers that did not arrive
	tries   *tries        // after answers that did not arrive

	migrated bool // what kubectl owned is fairtide's
}

func (c *Client) newWriter(ctx context.Context, obj model.Object, planned model.PlannedObject) (*objectWriter, error) {
	w := &objectWriter{
		c: c, planned: planned, pin: planned.Live, tries: newTries(ctx, mostLost), it: &planItem{object: obj, marks: planned.Mask},
	}
	discovery := newTries(ctx, 0) // what is known of the kinds may have to be asked for again
	for try := 0; ; try++ {
		m, err := c.mapping(obj.ID, obj.Version)
		if err == nil {
			w.it.mapping = m
			return w, nil
		}
		if !meta.IsNoMatchError(err) {
			if discovery.again(ctx, err) {
				continue
			}
			return nil, fmt.Errorf("%s: %w", obj.ID, c.serverError(ctx, err))
		}
		if planned.Verdict == model.VerdictDelete {
			return nil, err
		}
		if !predictedLocally(planned) || try >= kindTries {
			return nil, model.Errorf(model.ExitRolloutFailed,
				"%s: the cluster does not know the kind (%s); is its CustomResourceDefinition established?", obj.ID, obj.APIVersion())
		}
		if err := pause(ctx, retryPause); err != nil {
			return nil, err
		}
	}
}

// apply sends the object until it is written, refused, or found moved, and
// returns its UID.
func (w *objectWriter) apply(ctx context.Context) (uid string, _ error) {
	if w.pin == (model.LiveRef{}) {
		w.pin.ResourceVersion = noReading
	}
	for moved := 0; moved < mostWrites; {
		err := w.migrate(ctx)
		if err == nil {
			uid, err = w.send(ctx)
		}
		if err == nil {
			return uid, nil
		}
		if !isConflict(err) {
			if err := w.mayRepeat(ctx, err); err != nil {
				return "", err
			}
			continue
		}
		done, err := w.recheck(ctx)
		if err != nil {
			return "", err
		}
		if done {
			return metaString(w.it.live, "uid"), nil
		}
		moved++
	}
	return "", w.tooBusy()
}

// send sends the object once; or, when it needs something else of the plan that
// was applied just now, until the server has taken notice of that.
func (w *objectWriter) send(ctx context.Context) (uid string, err error) {
	for try := 0; ; try++ {
		uid, err = w.c.write(ctx, w.it, w.pin)
		if err == nil || !predictedLocally(w.planned) || try >= kindTries || !w.notYet(err) {
			return uid, err
		}
		if err := pause(ctx, retryPause); err != nil {
			return "", err
		}
	}
}

// notYet reports whether a refusal can be one of the server's that has not
// noticed a new kind, field or namespace yet.
func (w *objectWriter) notYet(err error) bool {
	return apierrors.IsNotFound(err) || apierrors.IsMethodNotSupported(err) ||
		readRefusal(err, w.it.object.ID, w.it.mapping, true).kind == refusedSchema
}

// mayRepeat returns nil, after a pause, when a failed write may be sent again
// as it is: its answer got lost, and its precondition makes sure that it does
// not take effect twice. All other failures come back in the operator's words.
func (w *objectWriter) mayRepeat(ctx context.Context, err error) error {
	id := w.it.object.ID
	switch {
	case errors.As(err, new(*notHeldError)):
		if w.lost > 0 {
			return w.unsure(ctx, err)
		}
		return fmt.Errorf("%s: not written: %w", id, w.c.unreachable(err))
	case ctx.Err() != nil:
		return w.unsure(ctx, ctx.Err())
	case isUnsent(err) && w.lost == 0 && !w.tries.again(ctx, err):
		return fmt.Errorf("%s: not written: %w", id, w.c.serverError(ctx, err))
	case isUnsent(err) && w.lost == 0:
		return nil
	case answerLost(err):
		if w.lost++; w.tries.again(ctx, err) {
			return nil
		}
		return w.unsure(ctx, err)
	case concernsAll(ctx, err):
		return fmt.Errorf("%s: not written: %w", id, w.c.serverError(ctx, err))
	case apierrors.IsTooManyRequests(err) && w.tries.again(ctx, err):
		return nil
	}
	r := readRefusal(err, id, w.it.mapping, w.planned.Live.UID != "")
	return model.Errorf(model.ExitRolloutFailed, "%s: not written: %s", id, r.reason)
}

// unsure is the error of a write of which nobody knows whether it was done.
func (w *objectWriter) unsure(ctx context.Context, err error) error {
	if _, answered := serverStatus(err); answered {
		err = model.Errorf(model.ExitUnreachable, "%s", readRefusal(err, w.it.object.ID, w.it.mapping, true).reason)
	} else {
		err = w.c.serverError(ctx, err)
	}
	return fmt.Errorf("%s: whether it was written is not known, as the answer got lost; a new plan shows it: %w", w.it.object.ID, err)
}

// isConflict reports whether a precondition was not met. With force there are
// no other conflicts. An object that was deleted and made again is told by its
// uid, which the server calls immutable.
func isConflict(err error) bool {
	if apierrors.IsConflict(err) {
		return true
	}
	status, _ := serverStatus(err)
	return apierrors.IsInvalid(err) && status.Details != nil &&
		slices.ContainsFunc(status.Details.Causes, func(c metav1.StatusCause) bool { return c.Field == "metadata.uid" })
}

// answerLost reports whether a write may have happened although it failed:
// nobody answered, or something between us and the API server did.
func answerLost(err error) bool {
	status, ok := serverStatus(err)
	if !ok {
		return true
	}
	switch status.Code {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	case http.StatusInternalServerError:
		return !refusedFor(status.Message)
	}
	return false
}

// refusedFor reports whether the text of a 500 says that the object is refused.
// Other such answers are about the server: what it did before is not known.
func refusedFor(text string) bool {
	return schemaError.MatchString(text) || dryRunWebhook.MatchString(text) || deadWebhook.MatchString(text) ||
		strings.HasPrefix(text, "admission webhook ") || strings.Contains(text, "conversion webhook for ")
}

// recheck looks at an object that is not as it was when the plan was made. It
// returns done when the object is what applying makes of it already, because a
// write of ours got through whose answer did not; an error when it moved; and
// otherwise pins the next try to the new reading.
func (w *objectWriter) recheck(ctx context.Context) (done bool, _ error) {
	now, err := w.read(ctx)
	if err != nil {
		return false, err
	}
	live := w.it.live
	if live == nil {
		if w.planned.Live.UID == "" {
			return false, nil // still to be created
		}
		return false, w.moved("it was deleted since", nil, nil)
	}
	if w.lost > 0 && now.Verdict == model.VerdictUnchanged && !now.TakesOwnership {
		return true, nil
	}
	before, after := now.Approved()
	wasBefore, wasAfter := w.planned.Approved()
	switch {
	case w.planned.Live.UID == "":
		return false, w.moved("it was created since", nil, live)
	case metaString(live, "uid") != w.planned.Live.UID:
		return false, w.moved("it was deleted and created again since", nil, live)
	case !fieldpath.Equal(before, wasBefore):
		return false, w.moved("", fieldpath.Diff(w.planned.Before, now.Before), live)
	case now.Verdict == model.VerdictUnpredictable:
		return false, model.Errorf(model.ExitRolloutFailed, "%s: not written: %s", w.it.object.ID, now.Reason)
	case !predictedLocally(w.planned) && !fieldpath.Equal(after, wasAfter):
		return false, w.moved("the server would now make something else of it: ", fieldpath.Diff(w.planned.After, now.After), live)
	}
	w.pin = now.Live
	return false, nil
}

// read reads the object again and, when there is one to compare, predicts it.
func (w *objectWriter) read(ctx context.Context) (model.PlannedObject, error) {
	info, err := w.c.Info(ctx)
	if err != nil {
		return model.PlannedObject{}, fmt.Errorf("%s: %w", w.it.object.ID, err)
	}
	p := newPredictor(w.c, model.Environment{Mask: w.planned.Mask}, "", info.UID)
	if err := p.read(ctx, w.it); err != nil {
		return model.PlannedObject{}, fmt.Errorf("%s: %w", w.it.object.ID, w.c.serverError(ctx, err))
	}
	if w.it.readErr != nil {
		return model.PlannedObject{}, model.Errorf(model.ExitRolloutFailed, "%s: not written: %s", w.it.object.ID, p.readReason(w.it, w.it.readErr))
	}
	if w.it.live == nil {
		return model.PlannedObject{}, nil
	}
	if w.planned.Verdict == model.VerdictReplace {
		return model.PlannedObject{Live: liveRef(w.it.live), Before: p.mask.object(w.it.object.ID, replacedSide(w.it))}, nil
	}
	if w.planned.Verdict == model.VerdictDelete {
		return model.PlannedObject{
			Live:   liveRef(w.it.live),
			Before: p.mask.object(w.it.object.ID, normalise(w.it.live, false)),
		}, nil
	}
	if err := p.judge(ctx, w.it); err != nil {
		return model.PlannedObject{}, fmt.Errorf("%s: %w", w.it.object.ID, w.c.operatorError(ctx, err))
	}
	return w.it.planned, nil
}

func (w *objectWriter) delete(ctx context.Context) error {
	for moved := 0; moved < mostWrites; {
		err := w.c.remove(ctx, w.it, w.pin, false)
		if err == nil || apierrors.IsNotFound(err) {
			return nil
		}
		if !isConflict(err) {
			if err := w.mayRepeat(ctx, err); err != nil {
				return err
			}
			continue
		}
		now, err := w.read(ctx)
		if err != nil {
			return err
		}
		live := w.it.live
		switch {
		case live == nil, metaString(live, "uid") != w.planned.Live.UID:
			return nil // the one we know is gone
		case metaString(live, "deletionTimestamp") != "":
			return nil
		case !fieldpath.Equal(now.Before, w.planned.Before):
			return w.moved("", fieldpath.Diff(w.planned.Before, now.Before), live)
		}
		w.pin = now.Live
		moved++
	}
	return w.tooBusy()
}

// moved says what happened to an object since the plan, and who did it.
func (w *objectWriter) moved(what string, changes []fieldpath.Change, live map[string]any) error {
	what += changedWords(changes)
	if by := whoChanged(changes, live); by != "" {
		what += " (" + by + ")"
	}
	return model.Errorf(model.ExitPlanMoved, "%s moved after the plan was made: %s; nothing was written to it, make a new plan", w.it.object.ID, what)
}

func (w *objectWriter) tooBusy() error {
	return model.Errorf(model.ExitRolloutFailed, "%s: not written: the live object changes faster than it can be written, %d tries; try again", w.it.object.ID, mostWrites)
}

// changedWords says changes in few words.
func changedWords(changes []fieldpath.Change) string {
	const shown = 3
	var parts []string
	for _, c := range changes[:min(shown, len(changes))] {
		parts = append(parts, fmt.Sprintf("%s %s → %s", c.Path, showValue(c.Old), showValue(c.New)))
	}
	if more := len(changes) - shown; more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more fields", more))
	}
	return strings.Join(parts, ", ")
}

// pause waits, or returns the context's error.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
