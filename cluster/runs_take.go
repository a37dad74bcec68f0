package cluster

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fairtide-dev/fairtide/model"
)

// TakeRun takes over writing the open record of a run whose writer is gone, and
// adds the attempt to it. Only the lock's holder may. From then on the old
// writer is refused, should it be alive after all, and SaveRun writes the
// record. It is refused with ExitUsage when the run has ended, and with
// ExitLocked when somebody else took it at the same time.
func (c *Client) TakeRun(ctx context.Context, env, id string, attempt model.RunAttempt) (model.Run, error) {
	u, err := c.getRun(ctx, env, id)
	if err != nil {
		return model.Run{}, err
	}
	reading := u.GetResourceVersion()
	run, err := c.decodeRun(ctx, env, u)
	if err != nil {
		return model.Run{}, err
	}
	if closed(run.State) {
		return model.Run{}, model.Errorf(model.ExitUsage, "%s: run %s is %s; there is nothing to continue", env, id, run.State)
	}
	run.Attempts = append(run.Attempts, attempt)
	if err := c.writeRun(ctx, run, runWriting{token: nonce(), reading: reading}, false); err != nil {
		return model.Run{}, err
	}
	return run, nil
}

// fence makes every reading that an earlier holder of the lock may have of the
// environment's state and of its run an old one: whatever it still sends is
// refused. by is who has the lock now.
func (c *Client) fence(ctx context.Context, env, run, by string) error {
	names := []string{stateName(env)}
	if _, ok := runSequence(env, run); ok {
		names = append(names, runName(run))
	}
	for _, name := range names {
		var err error
		for t := newTries(ctx, splitReads); ; {
			if err = c.fenceRecord(ctx, name, by); !apierrors.IsConflict(err) && !mayResend(err) || !t.again(ctx, err) {
				break
			}
		}
		switch {
		case err == nil, apierrors.IsNotFound(err): // there is none, or none any more
		default:
			return c.recordError(env, "patch", "configmaps", name, err)
		}
	}
	return nil
}

// fenceRecord forgets who wrote a record last, so that a write whose answer got
// lost is not taken for the writer's own.
func (c *Client) fenceRecord(ctx context.Context, name, by string) error {
	now, err := c.configMaps().Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	var p recordPatch
	write := nonce()
	p.Metadata.ResourceVersion = now.GetResourceVersion()
	p.Metadata.Annotations = map[string]*string{annotationFence: &by, annotationWrite: &write}
	if now.GetLabels()[labelRecord] == "run" {
		p.Metadata.Annotations[annotationWriter] = &write
	}
	_, err = c.patchRecord(ctx, name, p)
	return err
}
