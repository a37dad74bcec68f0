package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
	"github.com/fairtide-dev/fairtide/model"
)

const (
	// goneLimit is how long a replaced object may take to go. The pods of a
	// StatefulSet stop one after the other.
	goneLimit = 3 * time.Minute
	gonePause = 100 * time.Millisecond
)

// replacePropagation says in which order an object and what it owns go.
//
// In the foreground the object is gone only after its pods are: a StatefulSet's
// new pods have the names and volumes of the old ones, a DaemonSet's their
// nodes' ports, a Job's new run must not overlap the old one, and a custom
// resource's controller makes children of the same names. A Deployment's new
// pods are in nobody's way, so that its old ones may end in the background
// while they start, which makes the gap shorter. Other kinds own nothing.
func replacePropagation(id model.ObjectID) metav1.DeletionPropagation {
	switch {
	case id.Group == "apps" && (id.Kind == "StatefulSet" || id.Kind == "DaemonSet"),
		id.Group == "batch",
		strings.Contains(id.Group, ".") && !strings.HasSuffix(id.Group, ".k8s.io"):
		return metav1.DeletePropagationForeground
	}
	return metav1.DeletePropagationBackground
}

// removeWith sends a deletion that takes effect only on the pinned reading.
func (c *Client) removeWith(ctx context.Context, it *planItem, pin model.LiveRef, how metav1.DeletionPropagation, dryRun bool) error {
	if pin.UID == "" || pin.ResourceVersion == "" {
		return errors.New("a deletion needs the reading it was planned from")
	}
	uid := types.UID(pin.UID)
	opts := metav1.DeleteOptions{
		PropagationPolicy: &how,
		Preconditions:     &metav1.Preconditions{UID: &uid, ResourceVersion: &pin.ResourceVersion},
	}
	if dryRun {
		opts.DryRun = []string{metav1.DryRunAll}
	}
	return scrub(it, c.resource(it.mapping, it.object.ID.Namespace).Delete(ctx, it.object.ID.Name, opts))
}

// replace deletes the object that the plan was made from, waits until it is
// gone and makes it again. Before the deletion an error means that nothing was
// written; after it, the error says that the object does not exist. A plan made
// then creates it.
func (w *objectWriter) replace(ctx context.Context, limit time.Duration) (uid string, _ error) {
	if err := w.removeOld(ctx); err != nil {
		return "", err
	}
	err := w.waitGone(ctx, limit)
	if err != nil {
		return "", err
	}
	fresh := &objectWriter{c: w.c, tries: newTries(ctx, mostLost), it: &planItem{object: w.it.object, mapping: w.it.mapping, marks: w.it.marks}, planned: w.planned}
	fresh.planned.Verdict, fresh.planned.Live, fresh.planned.Before = model.VerdictCreate, model.LiveRef{}, nil
	uid, err = fresh.apply(ctx)
	if err != nil {
		return "", w.halfway("was deleted and not made again: "+err.Error()+"; plan again: it is a creation now", err)
	}
	return uid, nil
}

// halfway is an error after the deletion: it must not have a code that says
// that nothing was written.
func (w *objectWriter) halfway(what string, err error) error {
	code := model.CodeOf(err, model.ExitRolloutFailed)
	if err == nil || code == model.ExitPlanMoved {
		code = model.ExitRolloutFailed
	}
	return &model.Error{Code: code, Err: &worded{text: w.it.object.ID.String() + " " + what, err: err}}
}

// worded is an error in other words.
type worded struct {
	text string
	err  error
}

func (e *worded) Error() string { return e.text }
func (e *worded) Unwrap() error { return e.err }

// removeOld marks the object for deletion, or finds that it is already.
func (w *objectWriter) removeOld(ctx context.Context) error {
	for moved := 0; moved < mostWrites; {
		err := w.c.removeWith(ctx, w.it, w.pin, replacePropagation(w.it.object.ID), false)
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
		case live == nil:
			return nil
		case metaString(live, "uid") != w.planned.Live.UID:
			return w.moved("it was deleted and created again since", nil, live)
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

// waitGone waits until the object that was deleted no longer exists.
func (w *objectWriter) waitGone(ctx context.Context, limit time.Duration) error {
	within, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	id := w.it.object.ID
	for {
		o, err := w.c.resource(w.it.mapping, id.Namespace).Get(within, id.Name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			return nil
		case err == nil && metaString(o.Object, "uid") != w.planned.Live.UID:
			return w.halfway("was deleted, and somebody else made it again at once; plan again", nil)
		case err == nil:
			w.it.live = o.Object
		case ctx.Err() == nil && within.Err() == nil && concernsAll(ctx, err) && !answerLost(err),
			ctx.Err() == nil && apierrors.IsForbidden(err):
			return w.halfway("was deleted, and whether it is gone cannot be read: "+readRefusal(err, id, w.it.mapping, true).reason, err)
		}
		if pause(within, gonePause) == nil {
			continue
		}
		if ctx.Err() != nil {
			return w.halfway("is being deleted and was not made again: stopped; plan again when it is gone", ctx.Err())
		}
		return w.halfway(fmt.Sprintf("is marked for deletion but not gone after %s: %s; when it is gone plan again: it is a creation then",
			limit, heldBy(w.it.live)), nil)
	}
}
