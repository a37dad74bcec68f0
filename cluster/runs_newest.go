package cluster

import (
	"context"
	"strconv"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/fairtide-dev/fairtide/model"
)

// NewestRun names the newest run of an environment and says how its record has
// it. known is the run that the environment's state names: a run has a record
// before the state names it, and its end is in the record last of all. nil:
// there is none.
//
// The metadata of the records is read, and a record only if it is not the one
// of known, or not closed by its metadata where known is final: a program that
// does not write the state there may have closed it. Where they may not be
// listed, or the newest one is damaged, known is all there is to say.
func (c *Client) NewestRun(ctx context.Context, env string, known *model.RunRef) (*model.RunRef, error) {
	records, err := c.listRuns(ctx, env)
	switch {
	case apierrors.IsForbidden(err):
		return known, nil
	case err != nil:
		return known, c.recordError(env, "list", "configmaps", runName(env+"-*"), err)
	case len(records) == 0:
		return known, nil
	}
	newest, last := records[0], 0
	if known != nil {
		last, _ = runSequence(env, known.ID)
	}
	switch {
	case newest.sequence < last: // its record was deleted
		return known, nil
	case newest.sequence == last && newest.state == "": // it was written by a program that does not say
		return known, nil
	case newest.sequence == last && (closed(newest.state) || !known.State.Final()):
		out := *known
		out.State = newest.state
		return &out, nil
	}
	run, err := c.Run(ctx, env, env+"-"+strconv.Itoa(newest.sequence))
	if model.CodeOf(err, model.ExitOK) == model.ExitUsage { // damaged, or deleted since
		return known, nil
	}
	if err != nil {
		return known, err
	}
	if newest.sequence == last {
		out := *known
		out.State = run.State
		return &out, nil
	}
	return &model.RunRef{ID: run.ID, State: run.State, Commit: run.Commit}, nil
}
